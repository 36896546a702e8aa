"""How tables leave the command line: drawn on the terminal, or as Markdown, HTML, CSV, JSON or Parquet.

What belongs here: forms. What does not: which rows, or what they mean.
"""

from __future__ import annotations

import html
import io
import json
import sys
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.format import UNKNOWN, one_line, plain, size, tokens, usd, when

if TYPE_CHECKING:
    from her_models.search.hits import Found

SCHEMA_VERSION = 1  # of everything --json prints; a field may be added without raising it
_CELL_CHARACTERS = 80
_EXCERPT_CHARACTERS = 400
_SHORTEST_TEXT = 12

# Not a terminal: as wide as it needs to be, for grep and for eyes.
screen = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
aside = Console(stderr=True, highlight=False)


def as_json(value: dict[str, Any]) -> str:
    """Return `value` as JSON with the schema's version first. Money stays exact: it is written as a string."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **value}, indent=2, ensure_ascii=False, default=_plain_value)


def _plain_value(value: object) -> object:
    if isinstance(value, Decimal):
        # A sum of whole numbers is a decimal in DuckDB; it has no digits after the point.
        is_whole = value.as_tuple().exponent == 0
        return int(value) if is_whole else f"{value:f}"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def rows_as_json(table: pa.Table) -> str:
    """Return the rows as a JSON list of objects."""
    return json.dumps(table.to_pylist(), indent=2, ensure_ascii=False, default=_plain_value)


def as_csv(table: pa.Table) -> bytes:
    """Return the rows as CSV with a header line."""
    import pyarrow.csv as pa_csv

    for index, column in enumerate(table.schema):
        if pa.types.is_nested(column.type):
            values = [
                None if value is None else json.dumps(value, default=_plain_value) for value in table[index].to_pylist()
            ]
            table = table.set_column(index, column.name, pa.array(values, pa.string()))
    sink = io.BytesIO()
    pa_csv.write_csv(table, sink)
    return sink.getvalue()


def as_parquet(table: pa.Table) -> bytes:
    """Return the rows as a Parquet file."""
    import pyarrow.parquet as pa_parquet

    sink = io.BytesIO()
    pa_parquet.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def cell(name: str, value: Any) -> str:
    """Write one value of column `name` for a person."""
    if name.endswith("_usd"):
        return usd(value)
    if value is None:
        return UNKNOWN
    if name.endswith("_ratio"):
        return f"{value:.1%}"
    if name.endswith("_tokens"):
        return tokens(value)
    if name.endswith("_bytes"):
        return size(value)
    if name == "session":
        return str(value)[:8]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and not name.endswith(("_id", "_index", "_ns")):
        return f"{value:,}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, (list, tuple)):
        return ", ".join(cell("", one) for one in value)
    return one_line(str(value), _CELL_CHARACTERS)


def _is_number(table: pa.Table, name: str) -> bool:
    kind = table.schema.field(name).type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


_HEADINGS = {
    "uncached_input_tokens": "input",
    "cache_write_5m_tokens": "write 5m",
    "cache_write_1h_tokens": "write 1h",
    "cache_read_tokens": "cache read",
    "unpriced_requests_count": "unpriced",
    "floor_requests_count": "floors",
    "source_id": "source",
    "estimated_usd": "best estimate",
}


def _heading(name: str) -> str:
    """Return a column's name as a short heading."""
    if name in _HEADINGS:
        return _HEADINGS[name]
    for ending in ("_tokens", "_count", "_usd", "_ratio", "_at", "_on", "_name"):
        name = name.removesuffix(ending) or name
    return name.replace("_", " ")


_FIRST_TO_GO = (
    "floor_requests_count",
    "cache_write_1h_tokens",
    "cache_write_5m_tokens",
    "uncached_input_tokens",
    "call_bytes",
    "path",
    "unpriced_requests_count",
    "requests_count",
    "cache_read_tokens",
    "project",
)
"""Columns a narrow terminal does without, in this order."""


def draw(table: pa.Table, *, title: str = "", total: dict[str, Any] | None = None) -> None:
    """Draw rows on the terminal: figures whole, text cut where there is no room, columns left out if need be."""
    total = total or {}
    columns = {
        name: [_heading(name), *(cell(name, value) for value in table[name].to_pylist())] for name in table.column_names
    }
    footers = {name: cell(name, total[name]) if name in total else "" for name in columns}
    widths = {name: _least_width(table, name, [*columns[name], footers[name]]) for name in columns}
    for name in _FIRST_TO_GO:
        if sum(widths.values()) + _frame(len(widths)) <= screen.width:
            break
        widths.pop(name, None)
    room = screen.width - sum(widths.values()) - _frame(len(widths))
    drawn = _empty(title=title, has_footer=bool(total))
    for name, width in widths.items():
        more = max(0, min(room, max(map(len, columns[name])) - width))
        room -= more
        _add_column(
            drawn, columns[name][0], is_number=_is_number(table, name), footer=footers[name], width=width + more
        )
    for row in zip(*(columns[name][1:] for name in widths), strict=True):
        drawn.add_row(*map(Text, row))
    screen.print(drawn)
    if len(widths) < len(columns):
        left_out = ", ".join(columns[name][0] for name in columns if name not in widths)
        screen.print(f"No room for: {left_out}. A wider terminal shows them, and so does --csv.", markup=False)


def _frame(columns_count: int) -> int:
    """Return how many characters a table needs beside its cells."""
    return 3 * columns_count + 1


def _least_width(table: pa.Table, name: str, texts: Sequence[str]) -> int:
    """Return how wide a column must be: a figure must be whole, a text may be cut."""
    widest = max(map(len, texts))
    return widest if _is_number(table, name) else min(widest, _SHORTEST_TEXT)


def draw_raw(table: pa.Table) -> None:
    """Draw the rows of somebody's own query: columns and figures as they are, nothing rounded."""
    drawn = _empty(title="", has_footer=False)
    for name in table.column_names:
        drawn.add_column(Text(name), justify="right" if _is_number(table, name) else "left", overflow="fold")
    for row in table.to_pylist():
        drawn.add_row(*(Text(_raw_cell(value)) for value in row.values()))
    screen.print(drawn)


def draw_hits(found: Found, zone: str) -> None:
    """Draw what a search found: a line that says where, then the surroundings with what was looked for in bold."""
    for hit in found.hits:
        row = hit.row
        what = row["tool_name"] or row["kind"]
        where = f"{when(row['logged_at'], zone)}  {row['project'] or UNKNOWN}  {row['session_id']}"
        screen.print(Text(f"{where}  event {row['block_index'] + 1}  {what}", style="dim"), soft_wrap=True)
        excerpt, line, at = hit.excerpt, Text("  "), 0
        for begin, end in excerpt.marks:
            line.append(one_line(excerpt.text[at:begin], _EXCERPT_CHARACTERS, spaced=True))
            line.append(one_line(excerpt.text[begin:end], _EXCERPT_CHARACTERS, spaced=True), style="bold yellow")
            at = end
        line.append(one_line(excerpt.text[at:], _EXCERPT_CHARACTERS, spaced=True))
        screen.print(line, soft_wrap=True)
    rest = "" if len(found.hits) == found.hits_count else f", {len(found.hits):,} shown"
    screen.print(f"{found.hits_count:,} hits in {found.sessions_count:,} sessions{rest}", soft_wrap=True)
    if found.unindexed_count == -1:
        aside.print("There is no index, so every text was read. `her search --reindex` makes one.")


def _raw_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, (bool, int, float, Decimal, date, datetime)):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    return plain(json.dumps(value, ensure_ascii=False, default=_plain_value))


def draw_grid(
    headings: Sequence[str], rows: Sequence[Sequence[str]], figures: frozenset[int], total: Sequence[str] | None
) -> None:
    """Draw cells that are written already; long texts wrap, figures stay whole."""
    drawn = _empty(title="", has_footer=total is not None)
    for place, heading in enumerate(headings):
        is_figure = place in figures
        drawn.add_column(
            Text(plain(heading)),
            Text(plain(total[place])) if total is not None else "",
            justify="right" if is_figure else "left",
            no_wrap=is_figure,
            overflow="fold",
        )
    for row in rows:
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    screen.print(drawn)


def _empty(*, title: str, has_footer: bool) -> Table:
    heading = Text(title, style="bold") if title else None
    return Table(title=heading, title_justify="left", box=box.SIMPLE, show_footer=has_footer)


def _add_column(drawn: Table, heading: str, *, is_number: bool, footer: str, width: int) -> None:
    justify: Any = "right" if is_number else "left"
    drawn.add_column(heading, Text(footer), justify=justify, no_wrap=True, overflow="ellipsis", width=width)


def as_markdown(table: pa.Table, *, title: str = "", total: dict[str, Any] | None = None) -> str:
    """Return a heading and the rows as a Markdown table."""
    names = table.column_names
    lines = [f"# {title}\n"] if title else []
    lines.append(_markdown_row([_heading(name) for name in names]))
    lines.append("|" + "|".join("---:" if _is_number(table, name) else "---" for name in names) + "|")
    lines += [_markdown_row([cell(name, value) for name, value in row.items()]) for row in table.to_pylist()]
    if total is not None:
        lines.append(_markdown_row([f"**{cell(name, total[name])}**" if name in total else "" for name in names]))
    return "\n".join(lines) + "\n"


def _markdown_row(cells: Sequence[str]) -> str:
    return (
        "| " + " | ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for text in cells) + " |"
    )


_PAGE_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
       color: #1a1a1a; background: #fff }
table { border-collapse: collapse } th, td { padding: .3rem .7rem; border-bottom: 1px solid #ddd; text-align: left }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
tfoot td { font-weight: 600 } .note { color: #555 }
@media (prefers-color-scheme: dark) {
    body { color: #e6e6e6; background: #161616 } th, td { border-color: #333 } .note { color: #aaa }
}
"""


def as_html(table: pa.Table, *, title: str, notes: Sequence[str] = (), total: dict[str, Any] | None = None) -> str:
    """Return a page that stands by itself: no script, nothing fetched."""
    classes = {name: " class='number'" if _is_number(table, name) else "" for name in table.column_names}
    head = "".join(f"<th{kind}>{html.escape(_heading(name))}</th>" for name, kind in classes.items())
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{classes[name]}>{html.escape(cell(name, value))}</td>" for name, value in row.items())
        + "</tr>"
        for row in table.to_pylist()
    )
    foot = ""
    if total is not None:
        cells = (html.escape(cell(name, total[name])) if name in total else "" for name in classes)
        foot = (
            "<tr>"
            + "".join(f"<td{kind}>{text}</td>" for kind, text in zip(classes.values(), cells, strict=True))
            + "</tr>"
        )
    told = "".join(f"<p class='note'>{html.escape(note)}</p>" for note in notes)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width'><title>{html.escape(title)}</title>"
        f"<style>{_PAGE_STYLE}</style></head>\n<body><h1>{html.escape(title)}</h1>{told}\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody><tfoot>{foot}</tfoot></table></body></html>\n"
    )


def put(data: str | bytes, out: Path | None) -> None:
    """Write to `out`, or to standard output when it is None or `-`."""
    if isinstance(data, str):
        data = data.encode() if data.endswith("\n") else f"{data}\n".encode()
    if out is None or str(out) == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        out.write_bytes(data)
        aside.print(Text(f"Wrote {plain(str(out))}"))
