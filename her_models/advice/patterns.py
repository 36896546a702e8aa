"""The patterns that advice knows: read from `patterns.toml`, which says what each field means.

Beside them stand the skills that come with the client (`bundled_skills.toml`): no advice can remove them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Means = Literal["setting", "memory", "permission", "server", "hook", "habit"]

MEANS_IN_WORDS: dict[Means, str] = {
    "setting": "a setting",
    "memory": "lines in CLAUDE.md",
    "permission": "a permission rule",
    "server": "an MCP server",
    "hook": "a hook",
    "habit": "a habit",
}


@dataclass(frozen=True)
class Pattern:
    """One pattern. `followed` is the least share of its cases that the change is taken to end, 0 to 1."""

    name: str
    title: str
    query: str
    kinds: tuple[str, ...]
    subject: str
    means: Means
    followed: float
    what: str
    where: str
    change: str
    undo: str


@cache
def load_patterns() -> dict[str, Pattern]:
    """Return the patterns by name, in the order of the file."""
    text = (Path(__file__).parent / "patterns.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["pattern"]
    found = [
        Pattern(**{**entry, "kinds": tuple(entry["kinds"]), "change": entry["change"].strip("\n")}) for entry in entries
    ]
    return {pattern.name: pattern for pattern in found}


@cache
def bundled_skills() -> tuple[str, ...]:
    """Return the names of the skills that come with the client."""
    text = (Path(__file__).parent / "bundled_skills.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)["names"])
