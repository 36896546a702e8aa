"""One session as a file to keep or hand on: redacted lines, a document to read, or rows to compute with.

What belongs here: which session a person means, and what stands in each format. What does not: the questions
themselves (`sql/reports`), or how the terminal draws.

    jsonl    the lines as logged, redacted, each once: what another tool for such logs can read
    md       a document: turns with their cost, what was said, tool calls and results
    csv parquet  one row per event; tokens and cost stand on the event each response was counted at
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from her_models import reports
from her_models.errors import QueryError
from her_models.report_queries import report_query

Format = Literal["jsonl", "md", "csv", "parquet"]
FORMATS: tuple[str, ...] = get_args(Format)

_QUOTED_LINES = 60  # of a tool result in a document: enough to judge it; the whole is in jsonl


@dataclass(frozen=True)
class SessionKey:
    """Which session: a session id is unique within a source only."""

    source_id: str
    session_id: str


def find_session(con: duckdb.DuckDBPyConnection, name: str) -> SessionKey:
    """Return the one session whose id begins with `name`; `owner@host/id` says whose.

    Raises:
        QueryError: there is none, or more than one.
    """
    found = sessions_named(con, name)
    if not found:
        raise QueryError(f"No session begins with {name!r}. List them: her report --by session")
    if len(found) > 1:
        some = ", ".join(f"{key.source_id}/{key.session_id}" for key in found[:5])
        raise QueryError(f"{len(found)} sessions begin with {name!r}: {some}. Write more of one of them.")
    return found[0]


def sessions_named(con: duckdb.DuckDBPyConnection, name: str, source_id: str | None = None) -> tuple[SessionKey, ...]:
    """Return the sessions whose id begins with `name`, which may be `owner@host/id`; one named whole hides the others.

    `source_id` says whose, where `name` does not.
    """
    whose, _, prefix = name.rpartition("/")
    parameters = {"prefix": prefix, "source_id": whose or source_id}
    rows = con.execute(report_query("sessions_named"), parameters).fetchall()
    exact = [row for row in rows if row[1] == prefix]
    return tuple(SessionKey(*row) for row in exact or rows)


def export_session(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str) -> Iterator[bytes]:
    """Yield the session as a file of format `kind`, in pieces.

    Raises:
        QueryError: `kind` is no such format.
    """
    if kind not in FORMATS:
        raise QueryError(f"There is no format {kind!r}. Use one of: {', '.join(FORMATS)}.")
    if kind == "jsonl":
        return _lines(con, key)
    if kind == "md":
        return (piece.encode() for piece in _markdown(_document(con, key)))
    return iter([_rows(con, key, kind)])


def _parameters(key: SessionKey) -> dict[str, str]:
    return {"source_id": key.source_id, "session_id": key.session_id}


def _lines(con: duckdb.DuckDBPyConnection, key: SessionKey) -> Iterator[bytes]:
    found = con.execute(f"select raw from ({report_query('session_lines')})", _parameters(key))
    while batch := found.fetchmany(1000):
        yield "".join(f"{raw}\n" for (raw,) in batch).encode()


def _rows(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str) -> bytes:
    events = reports.session_events(con, key.source_id, key.session_id)
    drop = [name for name in events.column_names if name.startswith("running_") or name == "replay_seconds"]
    events = events.drop_columns(drop)
    texts = _texts(con, key)
    whole = [texts.get(content_hash) for content_hash in events["content_hash"].to_pylist()]
    events = events.append_column("text", pa.array(whole, pa.string()))
    sink = io.BytesIO()
    if kind == "csv":
        pa_csv.write_csv(_in_text(events), sink)
    else:
        pa_parquet.write_table(events, sink, compression="zstd")
    return sink.getvalue()


def _in_text(table: pa.Table) -> pa.Table:
    """Return the table with what CSV has no notation for, such as lists, cast to text."""
    for index, column in enumerate(table.schema):
        if pa.types.is_nested(column.type):
            values = [None if value is None else ", ".join(map(str, value)) for value in table[index].to_pylist()]
            table = table.set_column(index, column.name, pa.array(values, pa.string()))
    return table


def _texts(con: duckdb.DuckDBPyConnection, key: SessionKey) -> dict[str, str]:
    return dict(con.execute(report_query("session_texts"), _parameters(key)).fetchall())


@dataclass(frozen=True)
class _Event:
    """What a document says of one block."""

    heading: str
    text: str
    is_code: bool


@dataclass(frozen=True)
class _Turn:
    heading: str
    note: str
    events: tuple[_Event, ...]


@dataclass(frozen=True)
class _Document:
    title: str
    facts: tuple[tuple[str, str], ...]
    turns: tuple[_Turn, ...]


def _document(con: duckdb.DuckDBPyConnection, key: SessionKey) -> _Document:
    session = reports.session_headers(con, key.session_id, key.source_id)[0]
    texts = _texts(con, key)
    by_turn: dict[int | None, list[_Event]] = {}
    for row in reports.session_events(con, key.source_id, key.session_id).to_pylist():
        by_turn.setdefault(row["turn_index"], []).append(_event(row, texts))
    turns = reports.session_turns(con, key.source_id, key.session_id).to_pylist()
    told = [_turn(row, by_turn.pop(row["turn_index"], [])) for row in turns]
    told += [_Turn("Outside of any turn", "", tuple(events)) for events in by_turn.values()]
    return _Document(session.title or key.session_id, _facts(session), tuple(told))


def _facts(session: reports.Session) -> tuple[tuple[str, str], ...]:
    tokens = (
        f"{session.uncached_input_tokens:,} input, {session.cache_write_5m_tokens + session.cache_write_1h_tokens:,}"
        f" cache write, {session.cache_read_tokens:,} cache read, {session.output_tokens:,} output"
    )
    unpriced = session.unpriced_requests_count
    return (
        ("Session", f"{session.source_id}/{session.session_id}"),
        ("Project", session.project_path or "unknown"),
        ("Time", f"{_at(session.started_at)} to {_at(session.ended_at)}"),
        ("Client", f"{session.first_version or 'unknown'} to {session.last_version or 'unknown'}"),
        ("Models", ", ".join(session.models) or "none"),
        ("Billed", _bill(session) + (f", and {unpriced} responses without a price" if unpriced else "")),
        ("Tokens", tokens),
        ("Completeness", session.completeness),
    )


def _bill(session: reports.Session) -> str:
    if session.estimated_usd is None or session.estimated_usd == session.billed_usd:
        return _usd(session.billed_usd)
    return f"at least {_usd(session.billed_usd)}, best estimate {_usd(session.estimated_usd)}"


def _turn(row: dict[str, Any], events: list[_Event]) -> _Turn:
    heading = "Before the first prompt" if row["turn_index"] < 0 else f"Turn {row['turn_index'] + 1}"
    if row["is_inherited"]:
        return _Turn(heading, "copied from another session, paid there", tuple(events))
    note = f"{_at(row['started_at'])} · {_usd(row['incurred_usd'])} · {row['requests_count']} responses"
    return _Turn(heading, note, tuple(events))


def _event(row: dict[str, Any], texts: dict[str, str]) -> _Event:
    kind = str(row["kind"]).replace("_", " ")
    parts = [kind, row["tool_name"], row["path"], "failed" if row["is_error"] else None]
    parts += [f"subagent {row['agent_id']}" if row["agent_id"] else None]
    if row["requests_count"]:
        parts.append(_usd(row["billed_usd"]))
    text = texts.get(row["content_hash"]) or row["preview"] or ""
    is_code = row["kind"] in ("tool_call", "tool_result")
    if text and not text.strip():
        text, is_code = "(blank)", False
    lines = text.splitlines()
    if is_code and len(lines) > _QUOTED_LINES:
        text = "\n".join([*lines[:_QUOTED_LINES], f"… {len(lines) - _QUOTED_LINES} more lines"])
    return _Event(" · ".join(str(part) for part in parts if part), text, is_code)


def _at(when: Any) -> str:
    return when.strftime("%Y-%m-%d %H:%M UTC") if when else "unknown"


def _usd(value: Decimal | None) -> str:
    return "unknown cost" if value is None else f"${value:,.4f}"


def _markdown(document: _Document) -> Iterator[str]:
    yield f"# {' '.join(document.title.split())}\n\n"
    yield "".join(f"- {name}: {value}\n" for name, value in document.facts)
    for turn in document.turns:
        yield f"\n## {turn.heading}\n" + (f"\n{turn.note}\n" if turn.note else "")
        for event in turn.events:
            yield f"\n### {event.heading}\n\n{_fenced(event.text) if event.is_code else event.text}\n"


def _fenced(text: str) -> str:
    """Return `text` between fences longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{text}\n{fence}"
