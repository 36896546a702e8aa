"""A tree of files as a session sees it: read in pieces, searched, edited. Nothing touches the disk."""

from __future__ import annotations

import difflib
import fnmatch
import re
from dataclasses import dataclass, field


@dataclass
class Repository:
    """Files of one project, by path below its root. `changes_count` grows with each change."""

    root: str
    files: dict[str, str]
    changes_count: int = 0
    versions: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Repository:
        return Repository(self.root, dict(self.files), self.changes_count, dict(self.versions))

    def restore(self, other: Repository) -> None:
        """Become what `other` was; counts as a change."""
        changed = {path for path in {*self.files, *other.files} if self.files.get(path) != other.files.get(path)}
        self.files = dict(other.files)
        self.changes_count += len(changed)
        for path in changed:
            self.versions[path] = other.versions.get(path, 0)

    def absolute(self, path: str) -> str:
        return f"{self.root}/{path}"

    def lines(self, path: str) -> list[str]:
        return self.files[path].removesuffix("\n").split("\n")

    def put(self, path: str, text: str) -> None:
        self.files[path] = text
        self._note(path)

    def remove(self, path: str) -> None:
        del self.files[path]
        self._note(path)

    def _note(self, path: str) -> None:
        self.changes_count += 1
        self.versions[path] = self.changes_count

    def search(self, pattern: str, under: str = "") -> list[tuple[str, int, str]]:
        """Return (path, line number from 1, line) of every match."""
        expression = re.compile(pattern)
        return [
            (path, number, line)
            for path in sorted(self.files)
            if path.startswith(under)
            for number, line in enumerate(self.lines(path), 1)
            if expression.search(line)
        ]

    def matching(self, pattern: str) -> list[str]:
        return [path for path in sorted(self.files) if fnmatch.fnmatch(path, pattern)]


def patch(old: str, new: str) -> list[dict[str, object]]:
    """Return hunks with three lines of context, as the client logs them."""
    a, b = old.removesuffix("\n").split("\n"), new.removesuffix("\n").split("\n")
    hunks = []
    for group in difflib.SequenceMatcher(None, a, b, autojunk=False).get_grouped_opcodes(3):
        lines = []
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [" " + line for line in a[i1:i2]]
            else:
                lines += ["-" + line for line in a[i1:i2]]
                lines += ["+" + line for line in b[j1:j2]]
        first, last = group[0], group[-1]
        hunks.append(
            {
                "oldStart": first[1] + 1,
                "oldLines": last[2] - first[1],
                "newStart": first[3] + 1,
                "newLines": last[4] - first[3],
                "lines": lines,
            }
        )
    return hunks


def diff_text(path: str, old: str, new: str) -> str:
    """Return what `git diff` prints for one file."""
    body = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"a/{path}" if old else "/dev/null", f"b/{path}", lineterm=""
    )
    return f"diff --git a/{path} b/{path}\n" + "\n".join(body)
