"""One event as HTML: Markdown, code, diffs, commands with their exit, files with line numbers, images, folded JSON.

What belongs here: from an event and its text to sanitised HTML. What does not: which texts are fetched when
(`component`, `page`), or the look of it (`player.css`).

All text was written by people, models and programs; none of it is trusted. Everything passes through `html.escape`,
markdown-it with HTML switched off, or Pygments; links and images of a transcript become words, so that nothing is
fetched; what acts on a screen (colours for terminals, marks that turn the direction of writing) is made visible or left
out; and texts are cut where a page would choke on them.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, lru_cache
from html import escape
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String
from pygments.util import ClassNotFound

from app import format
from app.kinds import TOOL_TRACKS

CHARACTERS_SHOWN = 20_000  # of one among the many texts that are fetched together
CHARACTERS_SHOWN_ALONE = 200_000  # more than this makes a browser slow; where the rest is, the note says
_LINE_SHOWN = 4_000  # a single line of megabytes would break any layout
_DIFF_LINES = 1_500  # a diff compares each line with each
_FIELD_SHOWN = 120
_IMAGE_BYTES = 4_000_000
_MEDIA = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]+={0,2}\s*")
_NUMBERED = re.compile(r"^\s*(\d+)(?:→|\t)(.*)$")
_EXIT = re.compile(r"^(?:Error: )?Exit code (\d{1,3})\b")
_SHELLS = {"Bash": "bash", "PowerShell": "powershell"}
_PROSE = {"prompt", "text", "thinking", "compact_summary"}


@dataclass(frozen=True)
class Text:
    """The text of an event, perhaps only its beginning, and how many characters the whole has."""

    shown: str
    whole_chars: int


def event_html(
    event: dict[str, Any], text: Text | None, image: str | None = None, *, longest: int = CHARACTERS_SHOWN
) -> str:
    """Return one event as HTML; `event` is a row of `replay_reports.stretch`, `image` a data address or None.

    Of a text at most `longest` characters are shown, code in colours, and a note says how many it has.
    """
    if image:
        return f'<img class="picture" alt="{_size_words(event)}" src="{escape(image)}">'
    if text is None or not text.shown:
        return f'<p class="nothing">{_nothing(event)}</p>'
    if event["kind"] in _PROSE and text.whole_chars == len(text.shown) and not text.shown.strip():
        return f'<p class="nothing">{format.BLANK}</p>'
    with _cut_to(longest) as limit:
        body = _body(event, text.shown)
        return body + (_cut_note(text, limit) if limit.was_reached or len(text.shown) < text.whole_chars else "")


@dataclass
class _Limit:
    """How many characters of one text may be shown, and whether any had more."""

    characters: int
    was_reached: bool = False

    def cut(self, text: str) -> str:
        self.was_reached = self.was_reached or len(text) > self.characters
        return text[: self.characters]


_LIMIT: ContextVar[_Limit] = ContextVar("characters shown")


@contextmanager
def _cut_to(longest: int) -> Iterator[_Limit]:
    limit = _Limit(longest)
    token = _LIMIT.set(limit)
    try:
        yield limit
    finally:
        _LIMIT.reset(token)


def image_address(raw: str, image_index: int) -> str | None:
    """Return the picture of a logged line, `image_index` from 0, as a data address; None when it cannot be shown.

    Only pictures whose bytes stand in the log are shown; their kind is checked against a list, so that an address
    never holds anything but a picture.
    """
    try:
        found = list(_pictures(json.loads(raw)))
    except (ValueError, RecursionError):
        return None
    if image_index >= len(found):
        return None
    source = found[image_index]
    media, given = source.get("media_type") or "image/png", source.get("data")
    if media not in _MEDIA or not isinstance(given, str) or len(given) > _IMAGE_BYTES or not _BASE64.fullmatch(given):
        return None
    return f"data:{media};base64,{''.join(given.split())}"


def _pictures(node: Any) -> Iterator[dict[str, Any]]:
    """Yield the sources of a line's message pictures in order; the client's own copies of them are left out."""
    content = (node.get("message") or {}).get("content") if isinstance(node, dict) else None
    for block in content if isinstance(content, list) else []:
        inner = block.get("content") if isinstance(block, dict) and block.get("type") == "tool_result" else [block]
        for part in inner if isinstance(inner, list) else []:
            if isinstance(part, dict) and part.get("type") == "image" and isinstance(part.get("source"), dict):
                yield part["source"]


def _size_words(event: dict[str, Any]) -> str:
    width, height = event["image_width"], event["image_height"]
    return f"Picture, {width} × {height} pixels" if width and height else "Picture"


def _nothing(event: dict[str, Any]) -> str:
    if event["kind"] in ("image", "document"):
        return f"{_size_words(event)}. The log holds nothing of it that can be shown."
    if event["kind"] == "thinking":
        return "The log has no text of this thought."
    return "No text in the log."


def _cut_note(text: Text, limit: _Limit) -> str:
    shown = min(limit.characters, len(text.shown))
    return f'<p class="cut">The first {shown:,} of {text.whole_chars:,} characters.</p>'


def _body(event: dict[str, Any], shown: str) -> str:
    kind, tool = event["kind"], event["tool_name"] or ""
    if kind == "tool_call":
        return _call(tool, event["path"], shown)
    if kind == "tool_result":
        return _result(event, tool, shown)
    if kind in _PROSE:
        return f'<div class="prose {kind}">{_markdown(shown)}</div>'
    if kind == "command" and (parts := format.markup(shown)):
        return "".join(_of_command(tag, part) for tag, part in parts if part and tag != "command-message")
    return _pre(shown)


def _of_command(tag: str, part: str) -> str:
    """One part of what the client wrote about a command: the command, what it was given, what it answered."""
    if tag == "bash-input":
        return _code(part, _lexer_named("bash"), "command")
    if tag in ("command-name", "user-memory-input"):
        return f'<pre class="code command">{escape(_shorter(format.spoken(f"<{tag}>{part}</{tag}>")))}</pre>'
    if tag == "local-command-caveat":
        return f'<p class="aside">{_inline(part)}</p>'
    return _pre(part)


# -- tool calls -----------------------------------------------------------------------------------------------------


def _call(tool: str, path: str | None, text: str) -> str:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        return _pre(text)
    whole = dict(given)
    parts = [_words(given, "description")] if tool != "Task" else []
    if tool in _SHELLS and isinstance(given.get("command"), str):
        parts.append(_code(given.pop("command"), _lexer_named(_SHELLS[tool]), "command"))
    elif isinstance(given.get("old_string"), str) and isinstance(given.get("new_string"), str):
        parts.append(_diff(given.pop("old_string"), given.pop("new_string"), path))
    elif isinstance(given.get("edits"), list):
        edits = [one for one in given.pop("edits") if isinstance(one, dict)]
        parts += [_diff(str(one.get("old_string", "")), str(one.get("new_string", "")), path) for one in edits]
    elif tool == "Write" and isinstance(given.get("content"), str):
        parts.append(_diff("", given.pop("content"), path))
    elif isinstance(given.get("todos"), list):
        parts.append(_todos(given.pop("todos")))
    else:
        for name in ("plan", "prompt"):
            if isinstance(given.get(name), str):
                parts.append(f'<div class="prose">{_markdown(given.pop(name))}</div>')
    is_shown = len(given) < len(whole)  # what is long in it stands above; the JSON only repeats it
    if tool in TOOL_TRACKS["Edit"]:
        given.pop("file_path", None)  # it stands above the diff
    parts.append(_fields(given))
    title = f"Input as JSON, {len(whole)} field{'' if len(whole) == 1 else 's'}"
    parts.append(_folded_json(whole, title, is_repeated=is_shown))
    return "".join(parts)


def _words(given: dict[str, Any], name: str) -> str:
    value = given.pop(name, None)
    return f'<p class="aside">{_inline(value)}</p>' if isinstance(value, str) and value else ""


def _fields(given: dict[str, Any]) -> str:
    """Short values stand as they are, long ones in the folded JSON only."""
    short = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in given.items()
        if not isinstance(value, (dict, list))
    }
    rows = [f"<dt>{_inline(name)}</dt><dd>{_inline(value)}</dd>" for name, value in short.items()
            if len(value) <= _FIELD_SHOWN]  # fmt: skip
    return f'<dl class="fields">{"".join(rows)}</dl>' if rows else ""


def _todos(todos: Sequence[Any]) -> str:
    marks = {"completed": ("✓", "done"), "in_progress": ("▸", "in progress"), "pending": ("○", "to do")}
    rows = []
    for todo in todos:
        if isinstance(todo, dict):
            mark, meaning = marks.get(str(todo.get("status")), ("·", "unknown"))
            rows.append(f'<li><span title="{meaning}">{mark}</span> {_inline(str(todo.get("content", "")))}</li>')
    return f'<ul class="todos">{"".join(rows)}</ul>'


def _diff(before: str, after: str, path: str | None) -> str:
    """What changed, line by line, in the colours of the file's language."""
    lexer = _lexer_of(path)
    before, after = _shorter(before).removesuffix("\n"), _shorter(after).removesuffix("\n")
    old, new = _lines_of(before, lexer), _lines_of(after, lexer)
    rows: list[str] = []
    if len(old) + len(new) > _DIFF_LINES:
        rows = [*(_row("-", line) for line in old), *(_row("+", line) for line in new)]
    else:
        texts = (text.split("\n") if text else [] for text in (before, after))
        matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                rows += [_row(" ", line) for line in old[i1:i2]]
            else:
                rows += [*(_row("-", line) for line in old[i1:i2]), *(_row("+", line) for line in new[j1:j2])]
    return f'<div class="code diff">{"".join(rows)}</div>'


def _row(mark: str, line: str) -> str:
    name = {"-": "gone", "+": "come", " ": "same"}[mark]
    return f'<div class="line {name}"><span class="mark">{mark}</span><code>{line or " "}</code></div>'


# -- tool results ---------------------------------------------------------------------------------------------------


def _result(event: dict[str, Any], tool: str, text: str) -> str:
    if tool in _SHELLS:
        return _exit(event, text) + _pre(text)
    if event["is_error"]:
        return f'<p class="exit failed">Failed</p>{_pre(text)}'
    if tool == "Read":
        return _file(text, event["path"])
    if tool in ("Task", "Agent", "WebFetch", "WebSearch"):
        return f'<div class="prose">{_markdown(text)}</div>'
    stripped = text.lstrip()
    if stripped[:1] in ("{", "["):
        try:
            return _folded_json(json.loads(text), "Result as JSON")
        except (ValueError, RecursionError):
            pass
    return _pre(text)


def _exit(event: dict[str, Any], text: str) -> str:
    """The state a command ended with: its code where the log has it, else whether the client calls it an error."""
    found = _EXIT.match(text)
    code = int(found.group(1)) if found else None
    if code is None and not event["is_error"]:
        return '<p class="exit passed">Exit 0</p>'
    return f'<p class="exit failed">{f"Exit {code}" if code is not None else "Failed, no exit code in the log"}</p>'


def _file(text: str, path: str | None) -> str:
    """A file as Read returns it: numbers apart, code in colours."""
    lines = _shorter(text).split("\n")
    numbered = [_NUMBERED.match(line) for line in lines]
    kept = [found for found in numbered if found]
    if not kept or len(kept) < len(numbered) / 2:
        return _code(text, _lexer_of(path))
    code = _lines_of("\n".join(found.group(2) for found in kept), _lexer_of(path))
    rows = [
        f'<div class="line"><span class="number">{found.group(1)}</span><code>{line or " "}</code></div>'
        for found, line in zip(kept, code, strict=True)
    ]
    rest = [line for line, found in zip(lines, numbered, strict=True) if not found]
    return f'<div class="code file">{"".join(rows)}</div>' + (_pre("\n".join(rest)) if any(rest) else "")


# -- text, code, JSON -----------------------------------------------------------------------------------------------


def _shorter(text: str) -> str:
    """Text made safe to look at, as much of it as may be shown, and no line longer than a page can bear."""
    lines = format.plain(_LIMIT.get().cut(text).replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(
        line if len(line) <= _LINE_SHOWN else f"{line[:_LINE_SHOWN]} … {len(line) - _LINE_SHOWN:,} more characters"
        for line in lines
    )


def _inline(text: str) -> str:
    return escape(format.one_line(text, 400))


def _pre(text: str) -> str:
    return f'<pre class="code plain">{escape(_shorter(text))}</pre>'


def _code(text: str, lexer: Any, name: str = "") -> str:
    return f'<pre class="code {name}">{_highlighted(_shorter(text), lexer)}</pre>'


def _folded_json(value: Any, title: str, *, is_repeated: bool = False) -> str:
    try:
        written = json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    more = len(written) - _LIMIT.get().characters
    note = ""
    if is_repeated and more > 0:
        written = written[:-more]
        note = f'<p class="nothing">{more:,} more characters, shown above.</p>'
    return f"<details><summary>{escape(title)}</summary>{_code(written, _lexer_named('json'))}{note}</details>"


_COLOURS = (
    (Comment, "aside"), (Keyword.Constant, "number"), (Keyword, "key"), (Operator.Word, "key"), (Name.Tag, "key"),
    (String, "text"), (Number, "number"), (Literal, "number"), (Name.Function, "name"), (Name.Class, "name"),
    (Name.Namespace, "name"), (Name.Attribute, "name"), (Name.Decorator, "name"), (Name.Builtin, "name"),
)  # fmt: skip


@cache
def _colour(kind: Any) -> str | None:
    """Return the colour of a kind of token; most have none, so that a page of code is no page of marks."""
    return next((f"c-{colour}" for parent, colour in _COLOURS if kind in parent), None)


def _highlighted(text: str, lexer: Any) -> str:
    """Return code as HTML in colours; a colour that spans lines begins anew on each."""
    if lexer is None:
        return escape(text)
    made: list[str] = []
    for colour, tokens in groupby(lexer.get_tokens(text), lambda token: _colour(token[0])):
        words = escape("".join(value for _, value in tokens))
        if colour is None:
            made.append(words)
        else:
            made.append(
                "\n".join(f'<span class="{colour}">{line}</span>' if line else "" for line in words.split("\n"))
            )
    return "".join(made)


def _lines_of(text: str, lexer: Any) -> list[str]:
    """Return the lines of a text made safe as HTML."""
    return _highlighted(text, lexer).split("\n") if text else []


@lru_cache(maxsize=64)
def _lexer_named(name: str) -> Any:
    try:
        return get_lexer_by_name(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def _lexer_of(path: str | None) -> Any:
    return _lexer_for(PurePosixPath(path or "").suffix.lower()) if path else None


@lru_cache(maxsize=128)
def _lexer_for(suffix: str) -> Any:
    try:
        return get_lexer_for_filename(f"x{suffix}", stripnl=False, ensurenl=False) if suffix else None
    except ClassNotFound:
        return None


# -- Markdown -------------------------------------------------------------------------------------------------------


class _Quiet(RendererHTML):
    """Draws Markdown with nothing in it that could be followed or fetched."""

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f'<span class="link" title="{escape(str(tokens[idx].attrs.get("href", "")))}">'

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</span>"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # type: ignore[override]
        told = f"picture, not fetched: {tokens[idx].content} ({tokens[idx].attrs.get('src', '')})"
        return f'<span class="link">{escape(told)}</span>'

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # type: ignore[override]
        token = tokens[idx]
        language = token.info.strip().split()[0] if token.info.strip() else ""
        lexer = _lexer_named(language) if language else None
        return f'<pre class="code">{_highlighted(token.content.rstrip(), lexer)}</pre>'

    def code_block(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:  # type: ignore[override]
        return f'<pre class="code">{escape(tokens[idx].content.rstrip())}</pre>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}, renderer_cls=_Quiet)
    return parser.enable(["table", "strikethrough"]).disable(["html_block", "html_inline"])


_MARKDOWN = _parser()


def _markdown(text: str) -> str:
    """Return Markdown as HTML; raw HTML in it shows as text, headings keep their rank below the page's own."""
    made: str = _MARKDOWN.render(_shorter(text))
    return _HEADING.sub(_lower, made)


_HEADING = re.compile(r"<(/?)h([1-6])>")


def _lower(found: re.Match[str]) -> str:
    """Headings of a transcript are bold lines, not headings of the page: they would break its outline."""
    return "</p>" if found.group(1) else f'<p class="heading rank{found.group(2)}">'
