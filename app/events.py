"""How the event behind a block is drawn outside the replay, by its kind: prompt, thinking, answer, tool call, result.

All text here was written by people, models and programs; none of it is trusted. It is drawn as code or as Markdown that
can neither fetch nor run anything (`format.safe_markdown`), and cut where a page would choke on it.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import streamlit as st

from app import downloads, format, kinds

CHARACTERS_SHOWN = 20_000  # more than this makes the browser slow; the rest is a download away
_LANGUAGES = {
    ".py": "python", ".js": "javascript", ".jsx": "jsx", ".ts": "typescript", ".tsx": "tsx", ".go": "go",
    ".rs": "rust", ".java": "java", ".kt": "kotlin", ".rb": "ruby", ".php": "php", ".c": "c", ".h": "c",
    ".cpp": "cpp", ".cs": "csharp", ".swift": "swift", ".sh": "bash", ".sql": "sql", ".html": "html", ".css": "css",
    ".json": "json", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".md": "markdown", ".xml": "xml",
}  # fmt: skip
_CODE_CALLS = {"Bash": ("command", "bash"), "PowerShell": ("command", "powershell")}
_PROSE = {"text", "thinking", "compact_summary"}


@dataclass(frozen=True)
class Text:
    """The text of an event, perhaps only its beginning, and how many characters the whole has."""

    shown: str
    whole_chars: int


@dataclass(frozen=True)
class _Whole:
    """Where the rest of a text is to be had: its length, what fetches it, and a name for the button."""

    chars: int
    fetch: Callable[[], str]
    key: str


def draw_event(event: dict[str, Any], text: Text | None, *, key: str, whole: Callable[[], str]) -> None:
    """Draw one event, cut to a bearable length; `whole` fetches its text uncut. `key` is unique on the page."""
    _draw_headline(event)
    if text is None or not text.shown:
        _draw_nothing(event)
        return
    rest = _Whole(text.whole_chars, whole, key)
    if event["kind"] == "tool_call":
        _draw_call(event["tool_name"] or "", text.shown, rest)
    elif event["kind"] in _PROSE:
        st.markdown(format.safe_markdown(_bearable(text.shown, rest)))
    else:
        is_file = event["tool_name"] == "Read" and not event["is_error"]
        _code(text.shown, _language(event["path"]) if is_file else None, rest)


def label(event: dict[str, Any]) -> str:
    """Name an event's kind as charts and lists do: errors are a kind of their own."""
    return kinds.ERROR[0] if event["is_error"] else kinds.kind_name(event["kind"])


def _draw_headline(event: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(label(event), color=_badge(event), width="content")
        if event["tool_name"]:
            st.markdown(f"**{format.escaped(format.one_line(event['tool_name']))}**", width="content")
        if event["path"]:
            st.caption(format.escaped(format.one_line(event["path"], 120)), width="content")
        if event["agent_id"]:
            st.caption(f"subagent {format.escaped(event['agent_id'][:12])}", width="content")
        if event["is_inherited"]:
            st.badge("copied from another session, paid there", color="gray", width="content")


def _badge(event: dict[str, Any]) -> Any:
    if event["is_error"]:
        return "red"
    return {
        "prompt": "blue", "command": "blue", "thinking": "violet", "tool_call": "orange", "tool_result": "green",
        "compact_summary": "yellow", "interruption": "red",
    }.get(event["kind"], "gray")  # fmt: skip


def _draw_nothing(event: dict[str, Any]) -> None:
    width, height = event["image_width"], event["image_height"]
    if event["kind"] in ("image", "document"):
        st.caption(f"{width} × {height} pixels" if width and height else "Not kept as text; see the line as logged.")
    else:
        st.caption("The log has no text of this thought." if event["kind"] == "thinking" else "No text in the log.")


def _draw_call(tool: str, text: str, rest: _Whole) -> None:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        _code(text, None, rest)
        return
    if tool in _CODE_CALLS and isinstance(given.get(_CODE_CALLS[tool][0]), str):
        name, language = _CODE_CALLS[tool]
        _code(given.pop(name), language, rest)
    elif isinstance(given.get("old_string"), str) and isinstance(given.get("new_string"), str):
        _code(diff(given.pop("old_string"), given.pop("new_string")), "diff", rest)
    elif isinstance(given.get("edits"), list):
        edits = [one for one in given.pop("edits") if isinstance(one, dict)]
        changes = [diff(str(one.get("old_string", "")), str(one.get("new_string", ""))) for one in edits]
        _code("\n".join(changes), "diff", rest)
    elif tool == "Write" and isinstance(given.get("content"), str):
        _code("\n".join(f"+{line}" for line in given.pop("content").splitlines()), "diff", rest)
    elif isinstance(given.get("prompt"), str):
        st.markdown(format.safe_markdown(_bearable(given.pop("prompt"), rest)))
    given.pop("file_path", None)
    if given:
        _code(json.dumps(given, indent=2, ensure_ascii=False), "json", replace(rest, key=f"{rest.key}_rest"))


def diff(before: str, after: str) -> str:
    """Return what changed between two texts, in unified form without file names."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return "\n".join(line for number, line in enumerate(lines) if number > 1)


def _code(text: str, language: str | None, rest: _Whole) -> None:
    shown = _bearable(text, rest)
    st.code(format.plain(shown), language, wrap_lines=True)


def _bearable(text: str, rest: _Whole) -> str:
    shown, left_out = format.shortened(text, CHARACTERS_SHOWN)
    if left_out:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"The first {CHARACTERS_SHOWN:,} of {max(rest.chars, len(text)):,} characters.")
            downloads.button("Whole text", rest.fetch, "text.txt", "text/plain", key=f"whole_{rest.key}")
    return shown


def _language(path: str | None) -> str | None:
    return _LANGUAGES.get(PurePosixPath(path or "").suffix.lower())
