"""The questions the app asks of the ledger: where the money went, what a context was made of, what a block cost.

What belongs here: questions about lanes, blocks, prompts and misses, and the shape of the answer. What does not: the
questions about bills and events (`reports`), the proof that the parts are the bill (`reconcile`), or the text of the
queries (`sql/reports`, one file per question).

Every function takes a DuckDB connection on which the tables of `contracts` are visible, and only reads. Money is
`Decimal` or DECIMAL in US dollars at list price, null where no price is known; times are UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import duckdb
import pyarrow as pa

from her_models import shown_paths
from her_models.report_queries import report_table
from her_models.reports import Scope

Part = Literal["kind", "tool", "file", "server"]

_BLOCKS_SHOWN = 200  # the dearest of a session: below them stand fractions of a cent


@dataclass(frozen=True)
class Lanes:
    """The bill of a scope by lane, US dollars; None where nothing in it has a price."""

    requests_count: int
    unpriced_requests_count: int
    floor_requests_count: int
    estimated_requests_count: int
    billed_usd: Decimal | None
    estimated_usd: Decimal | None
    content_usd: Decimal | None
    cache_excess_usd: Decimal | None
    premium_usd: Decimal | None
    fees_usd: Decimal | None


@dataclass(frozen=True)
class Unlogged:
    """Calls that no line shows, estimated; US dollars, None where none has a price."""

    calls_count: int
    unpriced_calls_count: int
    estimated_usd: Decimal | None
    low_usd: Decimal | None
    high_usd: Decimal | None


def lanes(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> Lanes:
    """Return the bill of the responses in `scope` by lane."""
    return Lanes(**report_table(con, "ledger_lanes", (scope or Scope()).instants()).to_pylist()[0])


def unlogged(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> Unlogged:
    """Return what calls that no line shows are estimated to have cost in `scope`."""
    return Unlogged(**report_table(con, "ledger_unlogged", (scope or Scope()).instants()).to_pylist()[0])


def parts(con: duckdb.DuckDBPyConnection, part: Part, scope: Scope | None = None) -> pa.Table:
    """Return what content cost over its life by `part` (`group_name`) and class of size, the dearest first.

    Sessions that touch the scope count whole.
    """
    return report_table(con, "ledger_parts", {**(scope or Scope()).instants(), "part": part})


def agents(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> pa.Table:
    """Return what main threads and each type of subagent were billed in sessions that touch the scope."""
    return report_table(con, "ledger_agents", (scope or Scope()).instants())


def misses(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> pa.Table:
    """Return what missing the cache cost on top in the scope, by label and cause, the dearest first."""
    return report_table(con, "ledger_misses", (scope or Scope()).instants())


def redundant_context(
    con: duckdb.DuckDBPyConnection, scope: Scope | None = None, limit: int = 50, *, names_persons: bool = True
) -> pa.Table:
    """Return overhead that sessions and subagents of a project paid again (`again_usd`), the dearest first.

    Sessions that touch the scope count whole. What a shared prefix would have spared within a session is K4 of
    `cache_misses`. `names_persons`: with projects named after their owners' home folders.
    """
    shown_paths.learn(con)
    more = {"limit": limit, "names_persons": names_persons}
    return report_table(con, "redundant_context", {**(scope or Scope()).instants(), **more})


def requests(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the requests of a session in order, each with the miss and the cut that stand at it."""
    return report_table(con, "ledger_requests", {"source_id": source_id, "session_id": session_id})


def contexts(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, thread_id: str) -> pa.Table:
    """Return tokens per request and kind of content of one thread; the main thread is the empty `thread_id`."""
    return report_table(
        con, "ledger_contexts", {"source_id": source_id, "session_id": session_id, "thread_id": thread_id}
    )


def dearest_blocks(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, limit: int = _BLOCKS_SHOWN
) -> pa.Table:
    """Return the blocks of a session that cost most over their lives, the dearest first."""
    return report_table(con, "ledger_blocks", {"source_id": source_id, "session_id": session_id, "limit": limit})
