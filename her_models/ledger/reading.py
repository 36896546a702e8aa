"""The walk itself: rows of `int_ledger_calls` and `int_ledger_items` in, a `Layout` out; for a run, or for one session.

What belongs here: fetching rows and request logs, and building the few models that one session needs. What does not:
what the rows mean (`thread`), and what is made of the layout (`build`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

from her_models.ledger.layout import Layout
from her_models.ledger.request_log import RequestLog
from her_models.ledger.sizes import Densities, load_densities
from her_models.ledger.tables import LEDGER_READS
from her_models.ledger.thread import Row, Thread, read_thread

if TYPE_CHECKING:
    import duckdb

    from her_models.lake import Lake

Session = tuple[str, str]  # source_id, session_id

BATCH_BYTES = 32 << 20  # of lines; as objects they take several times as much


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
    tail = f"where {keep} order by source_id, session_id, thread_id"
    calls = _grouped(con, f"select * from int_ledger_calls {tail}, first_block_index, call_index")
    items = _grouped(con, f"select * from int_ledger_items {tail}, block_index")
    copied: dict[Session, set[str]] = defaultdict(set)
    for (source, session, _), rows in calls.items():
        copied[source, session].update(row["request_ref"] for row in rows if row["request_ref"] and not row["is_owned"])
    logs = _RequestLogs(con, copied)
    for key, rows in calls.items():
        yield read_thread(rows, items.get(key, []), densities, logs.of(key[:2]))


def _grouped(con: duckdb.DuckDBPyConnection, query: str) -> dict[tuple[str, str, str], list[Row]]:
    grouped: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for batch in con.execute(query).to_arrow_reader(50_000):
        for row in batch.to_pylist():
            grouped[(row["source_id"], row["session_id"], row["thread_id"])].append(row)
    return grouped


class _RequestLogs:
    """The request logs of the sessions on a connection. Lines are long: those of a few sessions are held at a time.

    `copied` names the attempts, by session, of which a session holds a copied response.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, copied: Mapping[Session, Set[str]]) -> None:
        self._con = con
        sizes: dict[Session, int] = {}
        for source, session, size in con.execute(
            "select source_id, session_id, sum(strlen(payload)) from int_ledger_log group by all order by all"
        ).fetchall():
            sizes[source, session] = int(size)
        self._files: dict[Session, list[int]] = defaultdict(list)
        files = con.execute(
            "select distinct file_id from int_session_lines where (source_id, session_id) in"
            " (select (source_id, session_id) from int_ledger_log where is_request) order by file_id"
        ).fetchall()
        for source, session, file_id, size in self._of_files(
            "source_id, session_id, file_id, sum(length_bytes)", [row[0] for row in files], "group by all order by all"
        ):
            if (source, session) in sizes:
                self._files[source, session].append(file_id)
                sizes[source, session] += int(size)
        self._batches = _batches(sizes)
        self._batch_of = {key: number for number, keys in enumerate(self._batches) for key in keys}
        self._batch = -1
        self._held: dict[Session, RequestLog] = {}
        self._copied = copied
        # A fork's copied responses name attempts in the log of the session they were copied from.
        self._homes = {
            (source, attempt): (source, session)
            for source, session, attempt in con.execute(
                "select source_id, session_id, payload ->> 'id' from int_ledger_log where is_request order by all"
            ).fetchall()
        }

    def of(self, session: Session) -> RequestLog | None:
        """Return the request log of a session, or None where its client wrote none. Best asked in order."""
        batch = self._batch_of.get(session)
        if batch is None:
            return None
        if batch != self._batch:
            mine = self._batches[batch]
            homes = {self._homes.get((key[0], attempt), key) for key in mine for attempt in self._copied.get(key, ())}
            self._held = self._read(sorted(homes.union(mine)))
            self._batch = batch
        return self._held[session]

    def _origin(self, source: str, attempt: str) -> RequestLog | None:
        home = self._homes.get((source, attempt))
        return self._held.get(home) if home is not None else None

    def _read(self, sessions: Sequence[Session]) -> dict[Session, RequestLog]:
        events: dict[Session, list[dict[str, Any]]] = defaultdict(list)
        lines: dict[Session, list[dict[str, Any]]] = defaultdict(list)
        for source, session, payload in self._con.execute(
            "select source_id, session_id, payload from int_ledger_log"
            " where (source_id, session_id) in (select unnest(?::varchar[]), unnest(?::varchar[]))"
            " order by source_id, session_id, path, offset_bytes",
            [list(part) for part in zip(*sessions, strict=True)],
        ).fetchall():
            events[source, session].append(json.loads(payload))
        files = sorted({file_id for session in sessions for file_id in self._files[session]})
        for source, session, raw in self._of_files(
            "source_id, session_id, raw", files, "order by file_id, offset_bytes"
        ):
            lines[source, session].append(json.loads(raw))
        logs = {}
        for source, session in sessions:
            found = events[source, session]
            logs[source, session] = RequestLog(found, [*lines[source, session], *found])
            logs[source, session].elsewhere = partial(self._origin, source)
        return logs

    def _of_files(self, columns: str, files: Sequence[int], tail: str) -> list[tuple[Any, ...]]:
        if not files:
            return []
        # Written out, not joined: only so does the scan leave the raw lines of all other files unread.
        return self._con.execute(
            f"select {columns} from lines where file_id in ({', '.join(map(str, files))})"
            f" and type in ('user', 'assistant', 'attachment') {tail}"
        ).fetchall()


def _batches(sizes: Mapping[Session, int]) -> list[list[Session]]:
    """Divide sessions, in order, into runs of about `BATCH_BYTES`."""
    batches: list[list[Session]] = []
    room = 0
    for session, size in sizes.items():
        if not batches or room < size:
            batches.append([])
            room = BATCH_BYTES
        batches[-1].append(session)
        room -= size
    return batches
