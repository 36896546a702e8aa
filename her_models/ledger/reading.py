"""The walk itself: rows of `int_ledger_calls` and `int_ledger_items` in, a `Layout` out; for a run, or for one session.

What belongs here: fetching rows and request logs, and building the few models that one session needs. What does not:
what the rows mean (`thread`), and what is made of the layout (`build`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from her_models.ledger.layout import Layout
from her_models.ledger.request_log import RequestLog
from her_models.ledger.sizes import Densities, load_densities
from her_models.ledger.tables import LEDGER_READS
from her_models.ledger.thread import Row, Thread, read_thread

if TYPE_CHECKING:
    import duckdb

    from her_models.lake import Lake


def read_layout(con: duckdb.DuckDBPyConnection, densities: Densities) -> Layout:
    """Return the layout of all sessions that `int_ledger_calls` and `int_ledger_items` hold on `con`."""
    return Layout(list(threads(con, densities)))


def session_layout(lake: Lake, source_id: str, session_id: str) -> Layout:
    """Return the layout of one session, walked anew from a lake that may be read-only.

    The same walk over the same rows as at publication, so that what is computed from it agrees with the marts.
    Sessions that share responses with this one are read to know which of them paid; their threads are left out.
    """
    from her_models import warehouse
    from her_models.lake import literal
    from her_models.publication import find_linked_sessions

    con = lake.con.cursor()
    try:
        con.execute("use lake")
        find_linked_sessions(con, source_id, f"select {literal(session_id)} as session_id")
        warehouse.build(con, warehouse.needed_by(LEDGER_READS))
        keep = f"source_id = {literal(source_id)} and session_id = {literal(session_id)}"
        densities = load_densities(lake.config.densities_path)
        return Layout(list(threads(con, densities, keep)))
    finally:
        con.close()


def threads(con: duckdb.DuckDBPyConnection, densities: Densities, keep: str = "true") -> Iterator[Thread]:
    """Yield the threads of `int_ledger_calls` and `int_ledger_items`; `keep` is a condition on their sessions."""
    logs = _logs(con)
    tail = f"where {keep} order by source_id, session_id, thread_id"
    calls = _grouped(con, f"select * from int_ledger_calls {tail}, first_block_index, call_index")
    items = _grouped(con, f"select * from int_ledger_items {tail}, block_index")
    for key, rows in calls.items():
        yield read_thread(rows, items.get(key, []), densities, logs.get(key[:2]))


def _grouped(con: duckdb.DuckDBPyConnection, query: str) -> dict[tuple[str, str, str], list[Row]]:
    grouped: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for batch in con.execute(query).to_arrow_reader(50_000):
        for row in batch.to_pylist():
            grouped[(row["source_id"], row["session_id"], row["thread_id"])].append(row)
    return grouped


def _logs(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], RequestLog]:
    """Return the request log of each session whose client wrote one."""
    events: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for source, session, payload in con.execute(
        "select source_id, session_id, payload from int_ledger_log order by source_id, session_id, path, offset_bytes"
    ).fetchall():
        events[(source, session)].append(json.loads(payload))
    files = con.execute(
        "select distinct file_id from int_session_lines where (source_id, session_id) in"
        " (select (source_id, session_id) from int_ledger_log where is_request) order by file_id"
    ).fetchall()
    if files:
        # Written out, not joined: only so does the scan leave the raw lines of all other files unread.
        chosen = ", ".join(str(file_id) for (file_id,) in files)
        for source, session, raw in con.execute(
            f"select lines.source_id, lines.session_id, lines.raw from lines where lines.file_id in ({chosen})"
            " and lines.type in ('user', 'assistant', 'attachment') order by lines.file_id, lines.offset_bytes"
        ).fetchall():
            lines[(source, session)].append(json.loads(raw))
    logs = {key: RequestLog(found, [*lines[key], *found]) for key, found in events.items()}
    # A fork's copied responses name attempts in the log of the session they were copied from.
    origins: dict[str, dict[str, RequestLog]] = defaultdict(dict)
    for (source, _), log in logs.items():
        origins[source] |= dict.fromkeys(log.attempts, log)
    for (source, _), log in logs.items():
        log.origins = origins[source]
    return logs
