"""Lines of files from edit to edit: who wrote each, and who replaced it.

What belongs here: functions from the inputs of a session's edits, in order, to what became of their lines. What does
not: reading them (`build`).

A line is told by its text without the spaces around it; lines without a letter or a digit are no lines, as brackets
stand everywhere. An edit wrote the lines that its new text holds beyond its old one, and replaced those that the old
text holds beyond the new one: a line that stands in both stayed. Of equal lines the last one written goes first. An
edit that names only a part of a line is taken to name the one written line that holds it. A file written whole keeps
the lines that were there and stand in it still.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

EDITORS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})


@dataclass(frozen=True)
class Change:
    """One call that changed a file: its tool, the file, and what it was given."""

    tool: str
    path: str
    given: Mapping[str, Any]


@dataclass
class Outcome:
    """What became of a change: lines it wrote, those of them still there, and those of others that it replaced.

    `whole` holds all lines of a file that was written whole, None for a part. Cells of notebooks have no lines that
    could be found in another session: their `kept` stays empty.
    """

    written_count: int = 0
    kept_count: int = 0
    kept: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    whole: list[str] | None = None


class _File:
    """The lines of one file that the session wrote: which changes wrote each, the last one at the end."""

    def __init__(self) -> None:
        self.writers: dict[str, list[int]] = {}

    def take(self, line: str) -> bool:
        """Take a line out; whether it was one of the session's."""
        writers = self.writers.get(line)
        if not writers:
            return False
        writers.pop()
        if not writers:
            del self.writers[line]
        return True

    def put(self, line: str, place: int) -> None:
        self.writers.setdefault(line, []).append(place)

    def completed(self, part: str) -> tuple[str, str] | None:
        """Return what stands before and after a part in the one line that holds it, else None."""
        if part in self.writers:
            return None
        holders = [line for line in self.writers if part in line]
        if len(holders) != 1:
            return None
        before, _, after = holders[0].partition(part)
        return before, after


def follow(changes: Iterable[Change]) -> list[Outcome]:
    """Return what became of each change of a session, in the order given."""
    files: dict[str, _File] = {}
    outcomes: list[Outcome] = []
    for place, change in enumerate(changes):
        outcome = Outcome()
        outcomes.append(outcome)
        if change.tool == "NotebookEdit":
            _write_cell(files, place, change, outcome)
            continue
        file = files.setdefault(change.path, _File())
        if change.tool == "Write":
            outcome.whole = _lines(change.given.get("content"))
            _write(file, place, outcome.whole, outcome)
        else:
            for part in _parts(change.given):
                _edit(file, place, part, outcome)
    for path, file in files.items():
        for line, writers in file.writers.items():
            for place in writers:
                outcomes[place].kept_count += 1
                if not path.startswith("#"):
                    outcomes[place].kept.append(line)
    return outcomes


def _lines(text: object) -> list[str]:
    if not isinstance(text, str):
        return []
    return [line for line in map(str.strip, text.split("\n")) if any(map(str.isalnum, line))]


def _parts(given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    edits = given.get("edits")
    parts = edits if isinstance(edits, list) else [given]
    return [part for part in parts if isinstance(part, dict)]


def _write(file: _File, place: int, lines: list[str], outcome: Outcome) -> None:
    wanted = Counter(lines)
    for line in list(file.writers):
        for _ in range(len(file.writers[line]) - wanted[line]):
            file.take(line)
    for line, count in wanted.items():
        for _ in range(count - len(file.writers.get(line, ()))):
            file.put(line, place)
            outcome.written_count += 1


def _write_cell(files: dict[str, _File], place: int, change: Change, outcome: Outcome) -> None:
    """Cells are told apart by their ids; what is inserted gets one that the log does not say here."""
    cell = change.given.get("cell_id") if change.given.get("edit_mode") != "insert" else place
    source = "" if change.given.get("edit_mode") == "delete" else change.given.get("new_source")
    _write(files.setdefault(f"#{change.path}#{cell}", _File()), place, _lines(source), outcome)


def _edit(file: _File, place: int, part: Mapping[str, Any], outcome: Outcome) -> None:
    old, new = _completed(file, part.get("old_string"), part.get("new_string"))
    before, after = Counter(_lines(old)), Counter(_lines(new))
    for line, count in (before - after).items():
        count = len(file.writers.get(line, ())) or count if part.get("replace_all") else count
        for _ in range(count):
            if not file.take(line):
                outcome.replaced.append(line)
    for line, count in (after - before).items():
        for _ in range(count):
            file.put(line, place)
            outcome.written_count += 1


def _completed(file: _File, old: object, new: object) -> tuple[str, str]:
    """Return both texts of an edit with the ends of the lines of which they name a part only."""
    old, new = old if isinstance(old, str) else "", new if isinstance(new, str) else ""
    lines = old.split("\n")
    first, last = lines[0].strip(), lines[-1].strip()
    head = tail = ""
    if len(lines) == 1:
        head, tail = (file.completed(first) if first else None) or ("", "")
    else:
        found = file.completed(first) if first else None
        head = found[0] if found and not found[1] else ""
        found = file.completed(last) if last else None
        tail = found[1] if found and not found[0] else ""
    if not head and not tail:
        return old, new
    # Spaces around a part belong to the line that holds it.
    return f"{head}{old.strip()}{tail}", f"{head}{new.strip()}{tail}"
