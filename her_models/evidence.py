"""Both sides of a finding: what is waste, what shows it, and how the two differ where they are of one sort.

What belongs here: what the sides of a kind of finding are called, the part of a block that a finding is about, and the
difference between two. What does not: which blocks make a finding (`waste`), or drawing.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any, Literal

import duckdb

from her_models import shown_paths
from her_models.report_queries import report_query
from her_models.waste.repeats import read_lines
from her_models.waste.rewrites import TELLING, Known

_LINES_COMPARED = 2_000  # of each side: the comparison grows with the product of the two
_LINES_AROUND = 3


Comparison = Literal["none", "texts", "files", "ends"]


@dataclass(frozen=True)
class Names:
    """What the two sides of a kind of finding are, and what of them can be held against each other.

    `none`: things of different sorts, whose difference says nothing. `texts`: the lines that are claimed, else all.
    `files`: the text of the file, however it was written down. `ends`: the last lines that both have in common.
    """

    waste: str
    evidence: str | None = None
    evidence_before: str | None = None  # where a rule names something else when what shows it came first
    compared: Comparison = "none"


_FAILED = Names("the failure", "the call that went through", "the call that failed")
NAMES: Mapping[str, Names] = {
    "C1.discarded": Names("the attempt that broke off", "what the next attempt began with"),
    "C2.interrupted": Names("the answer that was stopped", "the interruption"),
    "C2.rejected": Names("what was turned down", "the refusal"),
    "C2.rewound": Names("the way that was given up", "the prompt that began another way"),
    "C2.reverted": Names("the edit", "the command that took it back"),
    "C3.noop": Names("the notice that woke the model"),
    "C4.schema": _FAILED,
    "C4.unknown_tool": _FAILED,
    "C4.not_found": _FAILED,
    "C4.unread": _FAILED,
    "C4.cancelled": _FAILED,
    "C4.denied": _FAILED,
    "C4.timeout": _FAILED,
    "C4.repeat": Names("the same failure again", "the failure", compared="texts"),
    "C4.unapproved": Names("the same call, turned away again", "the first time", compared="texts"),
    "C5.reread": Names("the second read", "the first read", compared="texts"),
    "C5.stub": Names("the read that was not needed", "the read that still stood in the prompt"),
    "C6.exact": Names("the same answer again", "the answer", compared="texts"),
    "C6.poll": Names("the same answer again", "the answer", compared="texts"),
    "C6.near": Names("nearly the same answer again", "the answer", compared="texts"),
    "C7.reacquired": Names("the second read", "the read that the context lost", compared="texts"),
    "C8.parent": Names("the subagent's read", "the main conversation's read", compared="texts"),
    "C8.sibling": Names("the subagent's read", "another subagent's read", compared="texts"),
    "C9.injection": Names("the same text again", "the text", compared="texts"),
    "C9.in_result": Names("the end of this result", "the end of another result", compared="ends"),
    "C10.tool": Names("the tool that was never called"),
    "C10.server": Names("the instructions of a server that was never called"),
    "C10.skill": Names("the listing with skills that were never used"),
    "C10.memory": Names("the memory file of which no trace was found"),
    "C11.oversize": Names("lines of which the log shows no later use", "the answer that used other lines last"),
    "C12.rewrite": Names("the file as it was written again", "the file as it was known", compared="files"),
    "C12.quote": Names("what was said back", "where it had stood"),
    "C13.never": Names("the result of which the log shows no later use"),
    "C13.expired": Names("the result that was carried on", "its last use"),
    "C14.thrash": Names("what the compaction put in", "the summary of the next compaction"),
    "C14.unused": Names("what the last compaction put in"),
}
"""By kind of finding; a kind that is not here has no words of its own."""


@dataclass(frozen=True)
class Side:
    """One block of a session. `text` is None where no line of the log holds it."""

    source_id: str
    session_id: str
    block_index: int
    kind: str
    tool_name: str | None
    path: str | None
    label: str | None
    turn_index: int | None
    logged_at: datetime | None
    size_tokens: int | None
    range_start: int | None
    text: str | None


def side(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, block_index: int, *, names_persons: bool = True
) -> Side | None:
    """Return a block with its whole text; None when the lake does not hold it. `names_persons`: with its whole path."""
    shown_paths.learn(con)
    parameters = {"source_id": source_id, "session_id": session_id, "block_index": block_index}
    rows = (
        con.execute(report_query("block_text"), {**parameters, "names_persons": names_persons})
        .to_arrow_table()
        .to_pylist()
    )
    return Side(**rows[0]) if rows else None


@dataclass(frozen=True)
class KnownFile:
    """The text of a file as a conversation knew it, and how many edits made it of what it had been shown."""

    text: str
    edits_count: int


def is_of_a_file(kind: str) -> bool:
    """Say whether the sides of a kind of finding are texts of one file, whose edits in between count."""
    return kind in NAMES and NAMES[kind].compared == "files"


def known_file(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, block_index: int) -> KnownFile | None:
    """Return the file of a block as its conversation knew it right before; None where it did not know it whole."""
    parameters = {"source_id": source_id, "session_id": session_id, "block_index": block_index}
    known, edits, path = Known(), [], ""
    for index, kind, tool_name, path, text in con.execute(report_query("file_history"), parameters).fetchall():
        if (kind, tool_name) in TELLING:
            known.take(index, kind, tool_name, path, text)
            edits += [index] * (tool_name in ("Edit", "MultiEdit"))
    content = known.content(path)
    return None if content is None else KnownFile(content, sum(index > known.origin(path) for index in edits))


@dataclass(frozen=True)
class Shown:
    """One side of a finding as it is to be shown: a block, what it is, the part that is meant, and when it was.

    `lines` are those that `text` was cut to; None where it is the whole block.
    """

    block: Side | None
    name: str
    is_waste: bool
    is_after: bool | None
    lines: tuple[int, int] | None
    text: str | None


@dataclass(frozen=True)
class Sides:
    """What is to be shown of a finding, in the order of time, and how the two differ.

    `difference` is None where it would say nothing, and empty where the two are equal. `edits_count` edits lie between
    the two, and the difference is from the text that they had made.
    """

    shown: tuple[Shown, ...]
    difference: str | None
    edits_count: int = 0


def sides(finding: Mapping[str, Any], waste: Side | None, other: Side | None, known: KnownFile | None = None) -> Sides:
    """Return both sides of a row of `waste`, or the one there is: what shows it may be itself, or be nowhere.

    `known` is the file that was written again as it was right before, where the finding is of one.
    """
    names = NAMES.get(finding["kind"], Names("the waste", "what shows it"))
    one = _shown(waste, names, names.waste, (finding["first_line"], finding["last_line"]), is_after=None)
    if other is None or _place(other) == _place(waste):
        return Sides((one,), None)
    is_after = waste is None or _moment(other) > _moment(waste)
    name = (None if is_after else names.evidence_before) or names.evidence or "what shows it"
    two = _shown(other, names, name, (finding["evidence_first_line"], finding["evidence_last_line"]), is_after=is_after)
    if names.compared == "ends" and one.text and two.text:
        one, two = (_ending(side, _common_end(one.text, two.text)) for side in (one, two))
    if names.compared == "files" and known is not None and known.edits_count and one.text:
        return Sides((two, one), difference(known.text, one.text), known.edits_count)
    ordered = (one, two) if is_after else (two, one)
    texts = [side.text for side in ordered if side.text]
    is_compared = names.compared != "none" and len(texts) == len(ordered)
    return Sides(ordered, difference(*texts) if is_compared else None)


def difference(before: str, after: str) -> str:
    """Return a unified difference of two texts by line; empty where they are equal, as far as they are compared."""
    first, second = before.splitlines()[:_LINES_COMPARED], after.splitlines()[:_LINES_COMPARED]
    return "\n".join(difflib.unified_diff(first, second, "earlier", "later", n=_LINES_AROUND, lineterm=""))


def _place(side: Side | None) -> tuple[str, str, int] | None:
    return None if side is None else (side.source_id, side.session_id, side.block_index)


def _moment(side: Side) -> tuple[float, int]:
    return (side.logged_at.timestamp() if side.logged_at else 0.0, side.block_index)


def _shown(
    block: Side | None, names: Names, name: str, lines: tuple[int | None, int | None], *, is_after: bool | None
) -> Shown:
    text, cut = None if block is None else block.text, None
    if block is not None and text is not None:
        first, last = lines
        if names.compared == "files":
            text = _file_text(block) or text
        elif first is not None and last is not None and (part := _lines(block, first, last)):
            text, cut = part, (first, last)
    return Shown(block, name, is_after is None, is_after, cut, text)


def _lines(block: Side, first: int, last: int) -> str:
    """Return lines of a block with their numbers: those of the file where it is a read, else those of its text."""
    text = block.text or ""
    read = read_lines(text) if block.tool_name == "Read" else None
    numbered = zip(read.numbers, read.texts, strict=True) if read else enumerate(text.split("\n"), 1)
    return "\n".join(f"{number}\t{line}" for number, line in numbered if first <= number <= last)


def _file_text(block: Side) -> str | None:
    """Return the text of the file that a block shows or writes; None where it does neither as a whole."""
    if block.kind == "tool_result":
        return "\n".join(read_lines(block.text or "").texts) or None
    try:
        given = json.loads(block.text or "")
    except ValueError:
        return None
    content = given.get("content") if isinstance(given, dict) else None
    return content if isinstance(content, str) else None


def _common_end(first: str, second: str) -> int:
    """Return how many lines two texts have in common at their end."""
    pairs = zip(reversed(first.splitlines()), reversed(second.splitlines()), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _ending(side: Shown, count: int) -> Shown:
    text = side.text or ""
    whole = text.splitlines()
    if not count or count == len(whole):
        return side
    return replace(side, lines=(len(whole) - count + 1, len(whole)), text="\n".join(whole[-count:]))
