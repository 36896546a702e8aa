"""Reports as documents: headings, sentences, tables and charts, written as one HTML file or as Markdown.

What belongs here: the form of a report that leaves Her as a file. What does not: what a report says (`waste_report` and
the like), or how the terminal and the pages draw.

An HTML document stands by itself: no script, nothing fetched; charts are drawn into it. Text is plain text: whatever a
transcript put into it is shown letter by letter.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Heading:
    """A heading; level 2 opens a section, 3 a part of it."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Sentences; a quiet one says how something was obtained."""

    text: str
    is_quiet: bool = False


@dataclass(frozen=True)
class Code:
    """Text to copy: a setting, a command, lines for a file."""

    text: str


@dataclass(frozen=True)
class Grid:
    """A table whose cells are written already. `figures` are the columns that hold numbers."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    figures: frozenset[int] = frozenset()
    total: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Figure:
    """A chart, as the Vega-Lite specification it is drawn from; `text` says in words what it shows."""

    spec: Mapping[str, Any]
    text: str


@dataclass(frozen=True)
class Box:
    """Sentences set apart, such as method and limits."""

    title: str
    sentences: tuple[str, ...]


Part = Heading | Paragraph | Code | Grid | Figure | Box


@dataclass(frozen=True)
class Document:
    """A report: its title, a line below it, and its parts in order."""

    title: str
    subtitle: str
    parts: tuple[Part, ...]


_LONG_WORD = 24  # letters; longer ones are broken where there is no room
_WORD = 16
STYLE = (Path(__file__).parent / "documents.css").read_text(encoding="utf-8")
# A document shows what it holds and loads nothing, whatever text came into it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def as_html(document: Document) -> str:
    """Return the document as a page that opens from disk."""
    title, body = html.escape(document.title), "\n".join(_html_part(part) for part in document.parts)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\n"
        f"<p class='subtitle'>{html.escape(document.subtitle)}</p>\n{body}\n</main></body></html>\n"
    )


def _html_part(part: Part) -> str:
    match part:
        case Heading(text, level):
            return f"<h{level}>{html.escape(text)}</h{level}>"
        case Paragraph(text, is_quiet):
            return f"<p{' class=quiet' if is_quiet else ''}>{html.escape(text)}</p>"
        case Code(text):
            return f"<pre tabindex='0'>{html.escape(text)}</pre>"
        case Box(title, sentences):
            listed = "".join(f"<li>{html.escape(one)}</li>" for one in sentences)
            return f"<section class='box'><h3>{html.escape(title)}</h3><ul>{listed}</ul></section>"
        case Figure(spec, text):
            told = html.escape(text)
            return f"<figure role='img' aria-label='{told}'>{svg(spec)}<figcaption>{told}</figcaption></figure>"
        case Grid():
            return _html_grid(part)


def cell_class(cell: str, *, is_figure: bool) -> str:
    """Return how a cell of a table stands, as an attribute: what may be broken for want of room, and what not."""
    words = cell.split()
    is_long = any(len(word) > _LONG_WORD for word in words)
    if is_figure:
        return " class='figure long'" if is_long else " class='figure'"
    if len(words) <= 1 and len(cell) <= _WORD:
        return " class='word'"
    return " class='long'" if is_long else ""


def _html_grid(grid: Grid) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        drawn = (
            f"<{tag}{cell_class(cell, is_figure=place in grid.figures)}>{html.escape(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )
        return f"<tr>{''.join(drawn)}</tr>"

    foot = f"<tfoot>{row(grid.total, 'td')}</tfoot>" if grid.total else ""
    body = "\n".join(row(cells, "td") for cells in grid.rows)
    return (
        "<div class='wide' tabindex='0'>"
        f"<table><thead>{row(grid.headings, 'th')}</thead>\n<tbody>{body}</tbody>{foot}</table></div>"
    )


def svg(spec: Mapping[str, Any]) -> str:
    """Return a Vega-Lite specification as SVG. Nothing is fetched: its rows stand in it."""
    import vl_convert  # a second to load; only documents with charts need it

    # The page gives ground and ink, which differ by day and by night; letters are as large as those around them.
    config = {**spec.get("config", {}), "background": "transparent", "axis": {"labelFontSize": 13, "titleFontSize": 12}}
    drawn: str = vl_convert.vegalite_to_svg({**spec, "config": config})
    return drawn


def as_markdown(document: Document) -> str:
    """Return the document as Markdown; a chart is told in words."""
    return "\n".join((f"# {_marked(document.title)}", "", _marked(document.subtitle), "", *_markdown_parts(document)))


def _markdown_parts(document: Document) -> Iterator[str]:
    for part in document.parts:
        match part:
            case Heading(text, level):
                yield f"{'#' * level} {_marked(text)}\n"
            case Paragraph(text):
                yield f"{_marked(text)}\n"
            case Code(text):
                yield "\n".join(f"    {line}" for line in text.splitlines()) + "\n"
            case Box(title, sentences):
                yield f"**{_marked(title)}**\n\n" + "".join(f"- {_marked(one)}\n" for one in sentences)
            case Figure(_, text):
                yield f"*{_marked(text)}*\n"
            case Grid():
                yield _markdown_grid(part)


def _markdown_grid(grid: Grid) -> str:
    rule = "|".join("---:" if place in grid.figures else "---" for place in range(len(grid.headings)))
    rows = [grid.headings, *grid.rows, *([tuple(f"**{c}**" if c else "" for c in grid.total)] if grid.total else [])]
    lines = ["| " + " | ".join(_cell(cell) for cell in cells) + " |" for cells in rows]
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]]) + "\n"


def _cell(text: str) -> str:
    return _marked(text).replace("|", "\\|").replace("\n", " ")


def _marked(text: str) -> str:
    """Return text with what Markdown and HTML would act on made harmless."""
    return text.replace("\\", "\\\\").replace("<", "&lt;").replace("![", "!\\[")
