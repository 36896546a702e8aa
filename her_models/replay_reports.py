"""The questions the replay asks: events, where responses are counted, contexts of all threads, branches, relatives.

What belongs here: what only a replay needs. What does not: texts, and events with running totals (`reports`), misses
and cuts (`ledger_reports`), where values came from (`value_flow`).

Every function takes a DuckDB connection on which the tables of `contracts` are visible, and only reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from her_models.report_queries import report_table


@dataclass(frozen=True)
class Branch:
    """A rewind: at the prompt `prompt_index` the session went back to `fork_index`; `left_behind` was given up."""

    fork_index: int
    prompt_index: int
    left_behind: tuple[int, ...]


@dataclass(frozen=True)
class Line:
    """A line of the main thread: the line it follows, and the first and last event on it, None where it has none."""

    parent_uuid: str | None
    first_index: int | None
    last_index: int | None


def events(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the blocks of a session in order, with what is drawn of each; the row is the event's position."""
    return _table(con, "replay_events", source_id, session_id)


def places(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> dict[str, int]:
    """Return at which event each response of a session is counted, in order of events."""
    found = _table(con, "replay_places", source_id, session_id)
    pairs = zip(found["request_id"].to_pylist(), found["event_index"].to_pylist(), strict=True)
    return {request_id: event_index for request_id, event_index in pairs if event_index is not None}


def stretch(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, first_index: int, last_index: int
) -> pa.Table:
    """Return the events from `first_index` to `last_index`, with what their texts are rendered by."""
    parameters = {
        "source_id": source_id,
        "session_id": session_id,
        "first_index": first_index,
        "last_index": last_index,
    }
    return report_table(con, "replay_stretch", parameters)


def contexts(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return tokens and cost per request and kind of content, of all threads of a session."""
    return _table(con, "replay_contexts", source_id, session_id)


def bills(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return what each response of a session was billed, in nanodollars and tokens by class."""
    return _table(con, "replay_bills", source_id, session_id)


def hits(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, words: str) -> pa.Table:
    """Return the events whose text, tool or path holds `words`, whatever their case."""
    parameters = {"source_id": source_id, "session_id": session_id, "words": words}
    return report_table(con, "replay_hits", parameters)


def waste(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the findings of a session, each at the event it concerns."""
    return _table(con, "replay_waste", source_id, session_id)


def relatives(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the sessions that went on from this one, each with the last event it took along."""
    return _table(con, "replay_relatives", source_id, session_id)


def branches(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, events: Sequence[int], rewound: Sequence[int]
) -> list[Branch]:
    """Return where the session went back, from the prompts `rewound` and the main thread's `events`, in order."""
    if not rewound:
        return []
    rows = _table(con, "replay_parents", source_id, session_id).to_pylist()
    lines = {row["uuid"]: Line(row["parent_uuid"], row["first_index"], row["last_index"]) for row in rows}
    return branches_of(lines, events, rewound)


def branches_of(lines: Mapping[str, Line], events: Sequence[int], rewound: Sequence[int]) -> list[Branch]:
    """Return each rewind with the events given up by it.

    `lines` are the lines of the main thread by uuid, `events` its events in order, `rewound` the prompts with which a
    new lineage begins. What stood on the path and comes after the line that the prompt follows was left behind.
    """
    by_event = {index: uuid for uuid, line in lines.items() if line.first_index is not None
                for index in range(line.first_index, (line.last_index or line.first_index) + 1)}  # fmt: skip
    path: list[int] = []
    found = []
    prompts = set(rewound)
    for event in events:
        if event in prompts and event in by_event:
            fork = _event_before(lines, by_event[event])
            kept = [index for index in path if fork is not None and index <= fork]
            if fork is not None and len(kept) < len(path):
                found.append(Branch(fork, event, tuple(path[len(kept) :])))
                path = kept
        path.append(event)
    return found


def _event_before(lines: Mapping[str, Line], uuid: str) -> int | None:
    """Return the last event on the nearest earlier line that shows one; None at the beginning of the log."""
    seen = {uuid}
    above = lines[uuid].parent_uuid
    while above is not None and above in lines and above not in seen:
        seen.add(above)
        if lines[above].last_index is not None:
            return lines[above].last_index
        above = lines[above].parent_uuid
    return None


def _table(con: duckdb.DuckDBPyConnection, name: str, source_id: str, session_id: str) -> pa.Table:
    return report_table(con, name, {"source_id": source_id, "session_id": session_id})
