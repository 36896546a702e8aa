"""Files as a conversation knows them, and how small an edit could have been.

What belongs here: what reads, edits and writes say about a file's text, and the bytes of the smallest edit. Lines are
compared by equality and counted, never text with text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

CONTEXT_LINES = 3
"""Lines around a change that an edit has to name so that it is found."""
_CALL_BYTES = 60  # names of parameters and punctuation of one more edit
TELLING = frozenset(
    {("tool_result", "Read"), ("tool_call", "Edit"), ("tool_call", "MultiEdit"), ("tool_call", "Write")}
)
"""Kinds of block, with their tools, that say something about a file's text."""
_NUMBERED = re.compile(r"^ *(\d+)(?:→|\t)(.*)$")


@dataclass
class _File:
    content: str
    origin: int  # block that showed it


@dataclass
class Known:
    """What is known of files, by path."""

    files: dict[str, _File] = field(default_factory=dict)

    def content(self, path: str) -> str | None:
        file = self.files.get(path)
        return None if file is None else file.content

    def origin(self, path: str) -> int:
        return self.files[path].origin

    def take(self, block_index: int, kind: str, tool_name: str, path: str, text: str) -> None:
        """Learn from a block what it tells of its file."""
        if (kind, tool_name) == ("tool_result", "Read"):
            self.read(path, text, block_index)
        elif (kind, tool_name) in TELLING:
            given = parameters(text)
            content = given.get("content")
            if tool_name != "Write":
                self.edit(path, given)
            elif isinstance(content, str):
                self.write(path, content, block_index)

    def read(self, path: str, text: str, block_index: int) -> None:
        """Take a file from a numbered read that begins at its first line; other reads say nothing new."""
        lines = []
        for number, line in enumerate(text.split("\n"), 1):
            match = _NUMBERED.match(line)
            if match is None:
                break
            if int(match[1]) != number:
                return
            lines.append(match[2])
        if lines and (path not in self.files or len(lines) >= self.files[path].content.count("\n")):
            self.files[path] = _File("\n".join(lines) + "\n", block_index)

    def edit(self, path: str, given: dict[str, Any]) -> None:
        """Apply an edit; a file that does not hold what is replaced is no longer known."""
        file = self.files.get(path)
        if file is None:
            return
        for part in given.get("edits") or [given]:
            old, new = part.get("old_string"), part.get("new_string")
            if not isinstance(old, str) or not isinstance(new, str) or old not in file.content:
                del self.files[path]
                return
            file.content = file.content.replace(old, new, -1 if part.get("replace_all") else 1)

    def write(self, path: str, content: str, block_index: int) -> None:
        self.files[path] = _File(content, block_index)


def parameters(text: str) -> dict[str, Any]:
    """Return what a call was given; empty where its text is no object of JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def smallest_edit_bytes(before: str, after: str, path_bytes: int) -> tuple[int, int]:
    """Return the bytes that edits from `before` to `after` would have taken, and how many lines stayed.

    Each run of changed lines is one edit, with three lines of context on both sides. A line that stands in both texts
    equally often stayed, wherever it stands.
    """
    old, new = before.removesuffix("\n").split("\n"), after.removesuffix("\n").split("\n")
    left = Counter(old)
    stayed = []
    for line in new:
        is_old = left[line] > 0
        left[line] -= is_old
        stayed.append(is_old)
    gone = [(line, count) for line, count in left.items() if count > 0]
    removed_bytes = sum((len(line.encode()) + 1) * count for line, count in gone)
    added_bytes = context_bytes = edits_count = 0
    distance = CONTEXT_LINES + 1
    nearby = [False] * len(new)
    for order in (range(len(new)), range(len(new) - 1, -1, -1)):
        distance = CONTEXT_LINES + 1
        for place in order:
            distance = 0 if not stayed[place] else distance + 1
            nearby[place] = nearby[place] or distance <= CONTEXT_LINES
    for place, line in enumerate(new):
        size = len(line.encode()) + 1
        if not stayed[place]:
            added_bytes += size
        elif nearby[place]:
            context_bytes += 2 * size
        edits_count += nearby[place] and (place == 0 or not nearby[place - 1])
    if gone and not edits_count:  # lines were only taken out
        edits_count = len(gone)
        context_bytes += 2 * CONTEXT_LINES * removed_bytes // max(1, sum(count for _, count in gone))
    return removed_bytes + added_bytes + context_bytes + edits_count * (_CALL_BYTES + path_bytes), sum(stayed)
