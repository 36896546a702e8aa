"""Both sides of a finding: what is waste, what it repeats, and how the two differ.

What belongs here: texts of blocks and the difference between two. What does not: which blocks make a finding (`waste`),
or drawing.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb

_QUERY = Path(__file__).resolve().parent.parent / "sql" / "reports" / "block_text.sql"
_LINES_COMPARED = 2_000  # of each side: the comparison grows with the product of the two
_LINES_AROUND = 3


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


def side(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, block_index: int) -> Side | None:
    """Return a block with its whole text; None when the lake does not hold it."""
    parameters = {"source_id": source_id, "session_id": session_id, "block_index": block_index}
    rows = con.execute(_query(), parameters).to_arrow_table().to_pylist()
    return Side(**rows[0]) if rows else None


def difference(before: str, after: str) -> str:
    """Return a unified difference of two texts by line; empty where they are equal, as far as they are compared."""
    first, second = before.splitlines()[:_LINES_COMPARED], after.splitlines()[:_LINES_COMPARED]
    return "\n".join(difflib.unified_diff(first, second, "earlier", "later", n=_LINES_AROUND, lineterm=""))


@cache
def _query() -> str:
    return _QUERY.read_text(encoding="utf-8")
