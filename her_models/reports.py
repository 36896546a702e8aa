"""The questions the app and the command line ask, each a function that returns a typed table or record.

What belongs here: questions, their filters and the shape of the answer. What does not: how an answer is drawn
(`app`), how a figure is counted (`sql/marts`), or the text of the queries (`sql/reports`, one file per question).

Every function takes a DuckDB connection on which the tables of `contracts` are visible, only reads, and passes
values as parameters. Money is `Decimal` or DECIMAL in US dollars at list price, null where no price is known;
times are UTC; days are days of the configured time zone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from her_models.errors import QueryError
from her_models.report_queries import report_query, report_record, report_table

Dimension = Literal["model", "project", "owner"]
SessionSort = Literal[
    "started_at", "ended_at", "billed_usd", "output_tokens", "turns_count", "requests_count", "tool_calls_count",
    "tool_errors_count", "agents_count", "duration_seconds", "peak_context_tokens", "project", "owner", "hits_count",
]  # fmt: skip

_ROWS_SHOWN = 500  # of refused lines and the like: enough to judge, little enough to send
_IDLE_SECONDS = 2.0  # the longest pause of the replay clock


@dataclass(frozen=True)
class Scope:
    """What to look at; an empty field means everything. Both days are included."""

    since_on: date | None = None
    until_on: date | None = None
    owners: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    time_zone: str = "UTC"

    def since_at(self) -> datetime | None:
        """First instant of the first day, UTC."""
        return _midnight(self.since_on, self.time_zone)

    def until_at(self) -> datetime | None:
        """First instant after the last day, UTC."""
        return _midnight(self.until_on + timedelta(days=1), self.time_zone) if self.until_on else None

    def members(self) -> dict[str, Any]:
        """Return owners, projects and models as the queries know them: no value chosen is no condition, a null."""
        return {
            "owners": list(self.owners) or None,
            "projects": list(self.projects) or None,
            "models": list(self.models) or None,
        }

    def days(self) -> dict[str, Any]:
        """Return the scope for queries that ask of days."""
        return {"since_on": self.since_on, "until_on": self.until_on, **self.members()}

    def instants(self) -> dict[str, Any]:
        """Return the scope for queries that ask of times."""
        return {"since_at": self.since_at(), "until_at": self.until_at(), **self.members()}


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions: the scope, words anywhere in them, a client version, a least cost in US dollars, tags."""

    scope: Scope = field(default_factory=Scope)
    text: str | None = None
    version: str | None = None
    min_usd: Decimal | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overview:
    """Totals of billed responses in a scope. `billed_usd` is None when nothing in it has a price.

    `billed_usd` is at least what was billed; `estimated_usd` adds the output that the log lost, estimated.
    """

    first_on: date | None
    last_on: date | None
    requests_count: int
    sessions_count: int
    uncached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cache_read_tokens: int
    output_tokens: int
    billed_usd: Decimal | None
    estimated_usd: Decimal | None
    waste_usd: Decimal | None
    cache_excess_usd: Decimal | None
    unpriced_requests_count: int
    floor_requests_count: int

    @property
    def prompt_tokens(self) -> int:
        """All tokens sent, cached or not."""
        return (
            self.uncached_input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )

    @property
    def waste_ratio(self) -> float | None:
        """Share of the bill that was waste or a missed cache, 0 to 1; None where nothing has a price."""
        if not self.billed_usd:
            return None
        return float(((self.waste_usd or 0) + (self.cache_excess_usd or 0)) / self.billed_usd)

    @property
    def cache_hit_ratio(self) -> float | None:
        """Share of the tokens sent that were read from cache, 0 to 1; None when none was sent."""
        return self.cache_read_tokens / self.prompt_tokens if self.prompt_tokens else None


@dataclass(frozen=True)
class SessionPage:
    """One page of sessions, and how many there are on all pages, with what they cost together.

    `unbilled_count` of them have no response of their own: what they show was paid elsewhere, or nobody answered.
    """

    rows: pa.Table
    total_count: int
    total_usd: Decimal | None
    unpriced_requests_count: int
    floor_requests_count: int
    unbilled_count: int


@dataclass(frozen=True)
class FilterChoices:
    """Values that occur, for filters."""

    owners: tuple[str, ...]
    projects: tuple[str, ...]
    models: tuple[str, ...]
    versions: tuple[str, ...]
    first_on: date | None
    last_on: date | None
    sessions_count: int


@dataclass(frozen=True)
class Session:
    """A row of `sessions`, as the contract describes it."""

    source_id: str
    session_id: str
    owner: str | None
    project: str | None
    project_path: str | None
    git_branch: str | None
    title: str | None
    started_at: datetime | None
    ended_at: datetime | None
    first_version: str | None
    last_version: str | None
    models: tuple[str, ...]
    forked_from_session_id: str | None
    files_count: int
    lines_count: int
    turns_count: int
    requests_count: int
    inherited_requests_count: int
    tool_calls_count: int
    tool_errors_count: int
    agents_count: int
    compactions_count: int
    uncached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cache_read_tokens: int
    output_tokens: int
    peak_context_tokens: int | None
    billed_usd: Decimal | None
    estimated_usd: Decimal | None
    unpriced_requests_count: int
    floor_requests_count: int
    completeness: str


@dataclass(frozen=True)
class LongestSession:
    """Which session has the most events."""

    source_id: str
    session_id: str
    events_count: int


@dataclass(frozen=True)
class RawLine:
    """A line as logged, redacted, with what proves which bytes it was."""

    path: str | None
    offset_bytes: int
    length_bytes: int
    line_hash: str
    client_version: str | None
    raw: str


@dataclass(frozen=True)
class IngestTotals:
    """What all runs together did and cost."""

    runs_count: int
    last_finished_at: datetime | None
    bytes_read: int
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int | None
    files_count: int
    log_bytes: int
    consumed_bytes: int
    lines_count: int
    refused_count: int


def require_known(con: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Refuse a scope in which no session can lie: nothing found would read as no cost.

    Raises:
        QueryError: a person, project or model named in the scope is in no session, or its last day is before its first.
    """
    if scope.since_on and scope.until_on and scope.since_on > scope.until_on:
        raise QueryError(
            f"No day lies between {scope.since_on} and {scope.until_on}. Give the earlier one as the first."
        )
    known = filter_choices(con)
    for name in scope.owners:
        if name not in known.owners:
            raise QueryError(f"There is no person {name!r} in the lake. Who is there: her report --by owner")
    for name in scope.projects:
        if name not in known.projects:
            raise QueryError(f"There is no project {name!r} in the lake. Which are there: her report --by project")
    for name in scope.models:
        if name not in known.models:
            raise QueryError(f"There is no model {name!r} in the lake. Which are there: her report --by model")


def overview(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> Overview:
    """Return what was billed in `scope`."""
    scope = scope or Scope()
    totals = report_record(con, "overview", scope.days())
    sessions_count = report_record(con, "sessions_billed", scope.instants())["sessions_count"]
    return Overview(**totals, sessions_count=sessions_count)


def cost_by_day(
    con: duckdb.DuckDBPyConnection, scope: Scope | None = None, dimension: Dimension | None = None
) -> pa.Table:
    """Return one row per day and value of `dimension` (`group_name`; "all" without one): tokens by class, cost."""
    return report_table(con, "cost_by_day", {**(scope or Scope()).days(), "dimension": dimension or "all"})


def cost_by(con: duckdb.DuckDBPyConnection, dimension: Dimension, scope: Scope | None = None) -> pa.Table:
    """Return one row per value of `dimension` (`group_name`): tokens by class and cost, the dearest first."""
    return report_table(con, "cost_by", {**(scope or Scope()).days(), "dimension": dimension})


def cost_by_session(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> pa.Table:
    """Return one row per session billed in the scope (`group_name`): tokens by class and cost, the dearest first."""
    return report_table(con, "cost_by_session", (scope or Scope()).instants())


def cost_by_tool(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> pa.Table:
    """Return one row per tool (`group_name`) used in sessions that touch the scope: calls, bytes, share of cost."""
    return report_table(con, "cost_by_tool", (scope or Scope()).instants())


def filter_choices(con: duckdb.DuckDBPyConnection) -> FilterChoices:
    """Return the values one can filter by."""
    row = report_record(con, "filter_choices")
    lists = {name: tuple(row[name] or ()) for name in ("owners", "projects", "models", "versions")}
    return FilterChoices(
        **lists, first_on=row["first_on"], last_on=row["last_on"], sessions_count=row["sessions_count"]
    )


def sessions(
    con: duckdb.DuckDBPyConnection,
    where: SessionFilter | None = None,
    *,
    hits: pa.Table | None = None,
    sort: SessionSort = "started_at",
    descending: bool = True,
    page_index: int = 0,
    page_size: int = 50,
) -> SessionPage:
    """Return one page of the sessions that pass `where`; what has no value stands last in either direction.

    `hits` are the sessions that hold the text of `where` (source_id, session_id, hits_count), as `search.hits` finds
    them; beside them the text is looked for in titles and at the beginning of ids.

    Raises:
        QueryError: `sort` is not one of `SessionSort`.
    """
    if sort not in get_args(SessionSort):
        raise QueryError(f"Sessions cannot be sorted by {sort!r}. Use one of: {', '.join(get_args(SessionSort))}.")
    where = where or SessionFilter()
    parameters = {
        **where.scope.instants(),
        "text": (where.text or "").strip() or None,
        "version": where.version,
        "min_usd": where.min_usd,
        "tags": list(where.tags) or None,
        "hit_sources": hits["source_id"].to_pylist() if hits else [],
        "hit_sessions": hits["session_id"].to_pylist() if hits else [],
        "hit_counts": hits["hits_count"].to_pylist() if hits else [],
    }
    # Sorting by a column needs its name in the text; it comes from the fixed list above.
    order = f"{sort} {'desc' if descending else 'asc'} nulls last, started_at desc nulls last, source_id, session_id"
    counted = f"""
        with passing as materialized ({report_query("sessions")}),
        totals as (
            select
                count(*) as total_count,
                sum(billed_usd) as total_usd,
                coalesce(sum(unpriced_requests_count), 0)::bigint as total_unpriced_count,
                coalesce(sum(floor_requests_count), 0)::bigint as total_floor_count,
                count(*) filter (requests_count = 0) as total_unbilled_count
            from passing
        ),
        shown as (select * from passing order by {order} limit $page_size offset $page_offset)
        select shown.*, totals.* from totals left join shown on true order by {order}
    """
    found = con.execute(
        counted, {**parameters, "page_size": page_size, "page_offset": page_index * page_size}
    ).to_arrow_table()
    rows = found.drop_columns([name for name in found.column_names if name.startswith("total_")])
    return SessionPage(
        rows=rows.filter(rows["session_id"].is_valid()),
        total_count=found["total_count"][0].as_py(),
        total_usd=found["total_usd"][0].as_py(),
        unpriced_requests_count=found["total_unpriced_count"][0].as_py(),
        floor_requests_count=found["total_floor_count"][0].as_py(),
        unbilled_count=found["total_unbilled_count"][0].as_py(),
    )


def session_headers(
    con: duckdb.DuckDBPyConnection, session_id: str, source_id: str | None = None
) -> tuple[Session, ...]:
    """Return the session, or one per source where several sources share its id; empty when there is none."""
    rows = report_table(con, "session_header", {"session_id": session_id, "source_id": source_id}).to_pylist()
    names = [one.name for one in fields(Session)]
    return tuple(
        Session(**{name: row[name] for name in names if name != "models"}, models=tuple(row["models"] or ()))
        for row in rows
    )


def session_contexts(con: duckdb.DuckDBPyConnection, session_ids: tuple[str, ...]) -> dict[tuple[str, str], list[int]]:
    """Return for each session how long its prompts were over its course, at most 40 points: by source and session."""
    rows = con.execute(report_query("session_contexts"), {"session_ids": list(session_ids)}).fetchall()
    return {(source_id, session_id): points for source_id, session_id, points in rows}


def request_events(con: duckdb.DuckDBPyConnection, request_ids: tuple[str, ...]) -> dict[tuple[str, str, str], int]:
    """Return at which event responses begin: by source, session and response. One without a block is left out."""
    rows = con.execute(report_query("request_events"), {"request_ids": list(request_ids)}).fetchall()
    return {(source_id, session_id, request_id): event for source_id, session_id, request_id, event in rows}


def turn_in_words(turn_index: int) -> str:
    """Name a turn as people count them, from 1."""
    return f"turn {turn_index + 1:,}" if turn_index >= 0 else "before the first prompt"


def session_turns(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the turns of a session in order."""
    return report_table(con, "session_turns", {"source_id": source_id, "session_id": session_id})


def session_tools(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return what each tool did in a session, the dearest first."""
    return report_table(con, "session_tools", {"source_id": source_id, "session_id": session_id})


def session_agents(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the main thread and the subagents of a session."""
    return report_table(con, "session_agents", {"source_id": source_id, "session_id": session_id})


def longest_session(con: duckdb.DuckDBPyConnection) -> LongestSession | None:
    """Return the session with the most events, the slowest to open; None in an empty lake."""
    rows = report_table(con, "longest_session").to_pylist()
    return LongestSession(**rows[0]) if rows else None


def session_events(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, *, idle_seconds: float = _IDLE_SECONDS
) -> pa.Table:
    """Return the blocks of a session in order, each with what had been billed by then.

    `replay_seconds` is a clock on which no pause is longer than `idle_seconds`. The last `running_usd` is the
    session's `billed_usd`.
    """
    parameters = {"source_id": source_id, "session_id": session_id, "idle_seconds": idle_seconds}
    return report_table(con, "session_events", parameters)


def event_texts(
    con: duckdb.DuckDBPyConnection,
    source_id: str,
    session_id: str,
    first_index: int,
    last_index: int,
    *,
    characters: int,
) -> pa.Table:
    """Return the texts of a session's events `first_index` to `last_index`, each cut to `characters`."""
    parameters = {"source_id": source_id, "session_id": session_id, "characters": characters}
    return report_table(con, "event_texts", {**parameters, "first_index": first_index, "last_index": last_index})


def content_text(con: duckdb.DuckDBPyConnection, source_id: str, content_hash: str) -> str | None:
    """Return a text whole; None when the lake does not hold it."""
    row = con.execute(report_query("content_text"), {"source_id": source_id, "content_hash": content_hash}).fetchone()
    return None if row is None else row[0]


def raw_line(con: duckdb.DuckDBPyConnection, source_id: str, file_id: int, offset_bytes: int) -> RawLine | None:
    """Return the line that stands at `offset_bytes` of a file generation; None when the lake does not hold it."""
    parameters = {"source_id": source_id, "file_id": file_id, "offset_bytes": offset_bytes}
    rows = report_table(con, "raw_line", parameters).to_pylist()
    return RawLine(**rows[0]) if rows else None


def sources(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return whose logs are in the lake, and how much of them."""
    return report_table(con, "sources")


def ingest_runs(con: duckdb.DuckDBPyConnection, limit: int = 50) -> pa.Table:
    """Return the last runs, newest first."""
    return report_table(con, "ingest_runs", {"limit": limit})


def ingest_totals(con: duckdb.DuckDBPyConnection) -> IngestTotals:
    """Return what all runs together did and cost."""
    return IngestTotals(**report_record(con, "ingest_totals"))


def checks(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return what each check found last, failures first."""
    return report_table(con, "checks")


def refused_lines(con: duckdb.DuckDBPyConnection, limit: int = _ROWS_SHOWN) -> pa.Table:
    """Return refused bytes with file, offset and reason."""
    return report_table(con, "refused_lines", {"limit": limit})


def schema_drift(con: duckdb.DuckDBPyConnection, limit: int = _ROWS_SHOWN) -> pa.Table:
    """Return unknown line types and fields, the most frequent first."""
    return report_table(con, "schema_drift", {"limit": limit})


def uncounted_files(con: duckdb.DuckDBPyConnection, limit: int = _ROWS_SHOWN) -> pa.Table:
    """Return files that are unsupported, unreadable, empty or gone."""
    return report_table(con, "uncounted_files", {"limit": limit})


def unpriced_models(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return models without a price and how many tokens they have."""
    return report_table(con, "unpriced_models")


def folder_bytes(folder: Path) -> int:
    """Return the size of all files below `folder`; a file that vanishes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # a merged Parquet file was just cleaned up
            continue
    return total


def _midnight(day: date | None, time_zone: str) -> datetime | None:
    return datetime.combine(day, time(), ZoneInfo(time_zone)).astimezone(UTC) if day else None
