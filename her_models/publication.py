"""One publication: what a shard brings and what it changes, in one transaction.

What belongs here: the steps between `begin` and `commit`, and which sessions a shard changes. What does not: the
catalog and its files (`lake`), what the models say (`sql/`, run by `warehouse`), building side by side (`batches`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from her_models import batches, checks, lake, warehouse
from her_models.checks import CheckResult
from her_models.contracts import PRICES, SOURCE_FILES, TABLES
from her_models.errors import PublishRefused
from her_models.lake import empty, is_remote, literal, parquet, set_paths, staging_folder, values
from her_models.sources import written

if TYPE_CHECKING:
    import pyarrow as pa

    from her_models.lake import Lake
    from her_models.staging import StagedShard

_NAMED_SESSIONS = 50
_NAMED_TEXTS = 2000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PublishReport:
    """What one publication did. `seconds_by_model` are CPU seconds; `results` is what the checks found."""

    source_id: str
    run_id: str
    snapshot_id: int
    sessions_count: int
    requests_count: int
    model_seconds: float
    seconds_by_model: dict[str, float] = field(default_factory=dict)
    results: tuple[CheckResult, ...] = ()
    days: tuple[date, ...] = ()  # on which the new lines were captured, in the configured time zone


class Publication:
    """One attempt at publishing one shard; a class because each step leaves tables for the next."""

    def __init__(self, target: Lake, staged: StagedShard, also_sessions: tuple[str, ...] = ()) -> None:
        self.lake = target
        self.staged = staged
        self.also_sessions = also_sessions
        self.con = target.con
        self.source_id = staged.source.source_id
        self.is_small = staged.counts.lines <= lake.INLINED_ROWS
        self.filled: set[str] = set()  # tables with rows: DuckLake takes 0.1 s of CPU to read an empty one
        self.seconds: dict[str, float] = {}
        self.results: list[CheckResult] = []
        self.published: set[str] = set()  # tables with rows of this source from before
        self.built: dict[str, list[Path]] = {}  # files of marts that were built side by side

    def run(self) -> PublishReport:
        start = time.monotonic()
        started_at = datetime.now(UTC)
        # A few rows are not worth a second thread: waking it costs more than it does.
        self.con.execute(f"set threads = {1 if self.is_small else self.lake.threads}")
        self.con.execute("begin")
        try:
            self.filled = self.lake.filled_tables()
            if self.source_id in self.lake.source_ids():
                self.published = set(self.filled)
            self._write_sources(started_at)
            self._write_files()
            self._register()
            self._share_contents()
            self._find_scope()
            if self.is_everything:
                self.con.execute(f"set threads = {self.lake.threads}")
            self._write_prices()
            self._build_sessions()
            self._build_source(started_at)
            sessions, requests = self.sessions_count, self.requests_count
            days = self._captured_days()
            self._write_run(started_at, sessions, requests, time.monotonic() - start)
            self.con.execute("commit")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self.con.execute("rollback")
            raise
        return PublishReport(
            self.source_id,
            self.staged.run_id,
            self.lake.snapshot_id(),
            sessions,
            requests,
            time.monotonic() - start,
            self.seconds,
            tuple(self.results),
            days,
        )

    def _captured_days(self) -> tuple[date, ...]:
        if not self.staged.tables.get("lines"):
            return ()
        local = f"cast(timezone({literal(self.lake.config.time_zone)}, logged_at) as date)"
        rows = self.con.execute(
            f"select distinct {local} as day_on from {self._staged_rows('lines')} "
            "where logged_at is not null order by all"
        ).fetchall()
        return tuple(row[0] for row in rows)

    def _one(self, statement: str) -> int:
        """Return the one number a statement gives; for a table that is made, how many rows it got."""
        row = self.con.execute(statement).fetchone()
        return int(row[0]) if row and row[0] is not None else 0

    # -- control tables

    def _write_sources(self, now: datetime) -> None:
        source = self.staged.source
        where = f"where source_id = {literal(self.source_id)}"
        row = self.con.execute(f"select first_seen_at from {self._table('sources')} {where}").fetchone()
        if row:
            self.con.execute(f"delete from lake.sources {where}")
        values = (self.source_id, source.owner, source.host, written(str(source.path)), row[0] if row else now, now)
        self._insert("sources", [values])

    def _insert(self, table: str, rows: Sequence[Sequence[object]], names: Sequence[str] | None = None) -> None:
        contract = TABLES[table]
        chosen = names or contract.column_names
        self.con.execute(f"insert into lake.{table} by name {values(rows, contract, chosen)}")
        self.filled.add(table)

    def _table(self, name: str) -> str:
        """Return what to read for a table of the lake: itself, or nothing where it has no rows."""
        return f"lake.{name}" if name in self.filled else f"({empty(TABLES[name])})"

    def _show(self, name: str) -> None:
        """Make a table's rows of this source visible under its plain name."""
        where = f" where source_id = {literal(self.source_id)}" if "source_id" in TABLES[name].column_names else ""
        self.con.execute(f"create or replace temp view {name} as select * from {self._table(name)}{where}")
        self.lake.shown[name] = "view"

    def _write_files(self) -> None:
        files = self.staged.files
        self.con.execute(f"create or replace temp table changed_files as {empty(SOURCE_FILES)}")
        names = [name for name in SOURCE_FILES.column_names if name in files.column_names]
        for batch in files.select(names).to_batches(max_chunksize=500):
            rows = list(zip(*(_python_values(batch.column(name)) for name in names), strict=True))
            if rows:
                self.con.execute(f"insert into changed_files by name {values(rows, SOURCE_FILES, names)}")
        if not self._one("select count(*) from changed_files"):
            return
        if "source_files" in self.filled:
            self.con.execute(
                "delete from lake.source_files where file_id in (select file_id from changed_files) "
                f"and source_id = {literal(self.source_id)}"
            )
        self.filled.add("source_files")
        self.con.execute("insert into lake.source_files by name select * from changed_files")

    def _write_prices(self) -> None:
        """Put the prices of every model that answered into the lake; loading the lists is slow, so only if needed."""
        outdated = self.is_everything
        lines = "lake.response_lines"
        if not outdated and self.staged.tables.get("response_lines"):
            lines = self._staged_rows("response_lines")
        # Sub-calls answer too, and may be of a model that never answers by itself.
        seen = (
            f"select model from {lines} where model is not null union "
            f"select unnest(json_extract_string(iterations, '$[*].model')) from {lines} where iterations is not null"
        )
        missing = [
            row[0]
            for row in self.con.execute(
                f"select model from ({seen}) where model <> '<synthetic>'"
                + ("" if outdated else " and model not in (select model from lake.prices)")
            ).fetchall()
        ]
        if not missing or not (outdated or self.staged.tables.get("response_lines")):
            return
        from her_models.pricing import load_prices

        table = load_prices(self.lake.config.prices_path, self.lake.config.home / "prices.memo").table(missing)
        rows = [tuple(row[name] for name in PRICES.column_names) for row in table.to_pylist()]
        if outdated:
            self.con.execute("delete from lake.prices")
        if rows:
            self._insert("prices", rows)

    def _write_run(self, started_at: datetime, sessions: int, requests: int, seconds: float) -> None:
        counts = self.staged.counts
        row = {
            "run_id": self.staged.run_id,
            "source_id": self.source_id,
            "started_at": started_at,
            "finished_at": datetime.now(UTC),
            "files_seen_count": counts.files_seen,
            "files_read_count": counts.files_read,
            "bytes_read": counts.bytes_read,
            "lines_count": counts.lines,
            "refused_count": counts.refused,
            "redaction_count": counts.redactions,
            "requests_count": requests,
            "sessions_count": sessions,
            "stage_seconds": counts.seconds,
            "model_seconds": seconds,
            "cpu_seconds": counts.cpu_seconds,
            "peak_memory_bytes": counts.peak_memory_bytes,
            "marts_version": self.lake.marts_version(),
        }
        self._insert("ingest_runs", [tuple(row.values())], list(row))

    # -- staged rows

    def _staged_rows(self, table: str) -> str:
        return parquet(self.staged.tables[table])

    def _register(self) -> None:
        """Make the shard's Parquet files part of the lake; few rows are copied into the catalog instead."""
        is_copied = self.is_small or is_remote(self.lake.config)
        for name, paths in self.staged.tables.items():
            if not paths or (is_copied and name == "contents"):
                continue
            self.filled.add(name)
            if is_copied:
                self.con.execute(f"insert into lake.{name} by name select * from {self._staged_rows(name)}")
                continue
            self._add_files(name, paths)

    def _add_files(self, table: str, paths: Iterable[Path]) -> None:
        for path in paths:
            self.con.execute(f"call ducklake_add_data_files('lake', '{table}', {literal(path)}, allow_missing => true)")
        self.filled.add(table)

    def _share_contents(self) -> None:
        """Store a text once per source: drop what the lake, or another file of the shard, holds already."""
        if not self.staged.tables.get("contents"):
            return
        mine = f"source_id = {literal(self.source_id)}"
        if self.is_small or is_remote(self.lake.config):
            self.con.execute(
                f"insert into lake.contents by name select distinct on (content_hash) * "
                f"from {self._staged_rows('contents')} as staged "
                f"where content_hash not in (select content_hash from {self._table('contents')} where {mine})"
            )
            self.filled.add("contents")
            return
        self.con.execute(
            f"delete from lake.contents where {mine} and rowid in ("
            "select rowid from lake.contents where "
            f"{mine} and content_hash in (select content_hash from {self._staged_rows('contents')}) "
            "qualify row_number() over (partition by content_hash order by rowid) > 1)"
        )

    # -- which sessions

    def _find_scope(self) -> None:
        """Fill `scope_sessions`: those with new lines, and all that share responses or titles with them."""
        mine = f"source_id = {literal(self.source_id)}"
        self.is_everything = self._one(
            f"select count(*) from {self._table('ingest_runs')} where {mine}"
        ) == 0 or self.lake.is_outdated(self.source_id)
        if self.is_everything:
            self.con.execute(
                "create or replace temp table scope_sessions as "
                f"select distinct source_id, session_id from {self._table('lines')} where {mine}"
            )
            return
        new = (
            f"select distinct session_id from {self._staged_rows('lines')} union "
            if self.staged.tables.get("lines")
            else ""
        )
        self.con.execute(
            "create or replace temp table changed_sessions as "
            f"{new} select distinct session_id from {self._table('lines')} where {mine} and file_id in "
            "(select file_id from changed_files where not is_current)"
        )
        if self.also_sessions:
            self.con.execute(f"insert into changed_sessions select unnest({literal(self.also_sessions)})")
        find_linked_sessions(self.con, self.source_id, "select session_id from changed_sessions", self._table)

    # -- marts

    def _build_sessions(self) -> None:
        marts = {name for name, table in TABLES.items() if table.layer == "mart"}
        self._drop(list(self.lake.shown))
        for name in TABLES:
            if name not in marts:
                self._show(name)
        self._copy_texts()
        models = [model for model in warehouse.mart_models().values() if model.scope == "sessions"]
        chosen = self._batches()
        if chosen:
            self._build_side_by_side(models, chosen)
        else:
            set_paths(self.con, self.lake.config)
            # Of a whole source the events may be larger than memory; of a few sessions a copy saves reading them again.
            self._build(models, views={"stg_event_lines"} if self.is_everything else ())
            self._check("sessions")
        self.sessions_count = self._one("select count(*) from sessions")
        self.requests_count = self._one("select count(*) from requests")
        for model in models:
            if model.layer == "marts":
                self._replace(model.name, self._scope())
        self._drop([model.name for model in reversed(models)])

    def _batches(self) -> list[batches.Batch]:
        """Return what the sessions to be built are divided into, where they are many."""
        if not self.is_everything or (not self.published and self.staged.counts.bytes_read <= batches.SMALL_BYTES):
            return []
        weights = self.con.execute("select session_id, sum(length_bytes) from lines group by all").fetchall()
        link_sessions(self.con, self.source_id, self._table)
        links = self.con.execute("select link, session_id from session_links").fetchall()
        return batches.divided({session: int(weight) for session, weight in weights}, links, self.lake.threads)

    def _build_side_by_side(self, models: Sequence[warehouse.Model], chosen: Sequence[batches.Batch]) -> None:
        """Build the marts in processes of their own, and show what they left under the marts' names."""
        folder = staging_folder(self.lake.config) / self.staged.run_id / self.source_id
        folder.mkdir(parents=True, exist_ok=True)
        control = {}
        for name in batches.CONTROL_TABLES:
            control[name] = folder / f"{name}-given.parquet"
            self.con.execute(f"copy (select * from {name}) to {literal(control[name])} (format parquet)")
        inputs = batches.Inputs(
            config=self.lake.config,
            source_id=self.source_id,
            folder=folder,
            staged={name: tuple(paths) for name, paths in self.staged.tables.items()},
            control=control,
            published=frozenset(self.published),
            run_id=self.staged.run_id,
            threads=max(1, self.lake.threads // min(self.lake.threads, len(chosen))),
        )
        built = batches.build(inputs, chosen, self.lake.threads)
        for name, path in control.items():
            path.unlink()
            self._drop([name])
            self._show(name)
        for model in models:
            if model.layer == "marts":
                paths = sorted(one.marts[model.name] for one in built if model.name in one.marts)
                self.built[model.name] = paths
                rows = f"select * from {parquet(paths)}" if paths else empty(TABLES[model.name])
                self.con.execute(f"create or replace temp view {model.name} as {rows}")
                self.lake.shown[model.name] = "view"
        for one in built:
            for name, seconds in one.seconds.items():
                self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self._judge(batches.together(built))
        others = [check for check in checks.checks().values() if check.scope == "sessions"]
        self._judge(checks.run_checks(self.con, [check for check in others if not batches.is_about_built(check)]))

    def _copy_texts(self) -> None:
        """Show the texts of a few sessions as a table: each model that reads one would go through all of the source.

        A list of literals after `in` only spares row groups, and hashes have no order to spare any by; within
        `list_contains` it is asked while the hashes are read, and pages without a hit are not unpacked.
        """
        if self.is_everything or not {"contents", "block_lines"} <= self.filled:
            return
        mine = f"source_id = {literal(self.source_id)}"
        hashes = self.con.execute(
            f"select distinct content_hash from lake.block_lines where {mine} and {self._scope()} "
            f"and content_hash is not null limit {_NAMED_TEXTS + 1}"
        ).fetchall()
        if not 0 < len(hashes) <= _NAMED_TEXTS:
            return
        self._drop(["contents"])
        self.con.execute(
            f"create or replace temp table contents as select * from lake.contents where {mine} "
            f"and list_contains({literal([row[0] for row in hashes])}, content_hash)"
        )
        self.lake.shown["contents"] = "table"

    def _build_source(self, now: datetime) -> None:
        models = [model for model in warehouse.mart_models().values() if model.scope == "source"]
        self._drop(["contents"])
        self._show("contents")
        for name, table in TABLES.items():
            if table.layer == "mart" and name not in {model.name for model in models}:
                self._show(name)
        self.con.execute(f"set variable time_zone = {literal(self.lake.config.time_zone)}")
        daily = [model for model in models if "check_results" not in model.reads]
        self._build(daily)
        self._check("source")
        self._write_results(now)
        self._build([model for model in models if model not in daily])
        for model in models:
            # Checks that are judged after the run keep what they found until they are judged again.
            scope = "check_name in (select check_name from check_results)" if model.name == "data_quality" else "true"
            self._replace(model.name, scope)

    def _scope(self) -> str:
        """Return the condition that holds for the sessions being built; few are named, so that scans can use it."""
        named = self.con.execute(f"select session_id from scope_sessions limit {_NAMED_SESSIONS + 1}").fetchall()
        if 0 < len(named) <= _NAMED_SESSIONS:
            return f"session_id in ({', '.join(literal(row[0]) for row in named)})"
        return "session_id in (select session_id from scope_sessions)"

    def _drop(self, names: Iterable[str]) -> None:
        """Remove what an earlier publication over this connection, or an earlier step, left under these names."""
        for name in names:
            kind = self.lake.shown.pop(name, None)
            if kind:
                self.con.execute(f"drop {kind} if exists temp.main.{name}")

    def _build(self, models: Sequence[warehouse.Model], views: Container[str] = ()) -> None:
        for model in models:
            self.lake.shown[model.name] = "view" if model.name in views else "table"
        self.seconds.update(warehouse.build(self.con, models, views=views))

    def _replace(self, name: str, scope: str) -> None:
        """Bring a mart's rows of the scope to what the model of the same name gives; rows that agree stay."""
        start = time.process_time()
        columns = TABLES[name].column_names
        listed = ", ".join(columns)
        rows = f"select {listed} from temp.main.{name}"
        mine = f"source_id = {literal(self.source_id)}"
        if self.is_everything or name not in self.filled:
            if name in self.filled:
                self.con.execute(f"delete from lake.{name} where {mine}")
            if self.built.get(name) and not is_remote(self.lake.config):
                self._add_files(name, self.built[name])
            elif self._one(f"select count(*) from temp.main.{name}"):
                self.con.execute(f"insert into lake.{name} ({listed}) {rows}")
                self.filled.add(name)
        else:
            same = " and ".join(f"old_rows.{column} is not distinct from new_rows.{column}" for column in columns)
            old_count = self._one(
                f"create or replace temp table old_rows as select rowid as old_rowid, * from lake.{name} "
                f"where {mine} and {scope}"
            )
            dead_count = old_count and self._one(
                "create or replace temp table dead_rows as select old_rowid from old_rows "
                f"anti join ({rows}) as new_rows on {same}"
            )
            fresh_count = self._one(
                f"create or replace temp table fresh_rows as select * from ({rows}) as new_rows "
                f"anti join old_rows on {same}"
            )
            if dead_count:
                self.con.execute(f"delete from lake.{name} where {mine} and rowid in (select old_rowid from dead_rows)")
            if fresh_count:
                self.con.execute(f"insert into lake.{name} ({listed}) select * from fresh_rows")
        self.seconds[f"{name} (publish)"] = time.process_time() - start

    # -- checks

    def _check(self, scope: warehouse.Scope) -> None:
        chosen = [check for check in checks.checks().values() if check.scope == scope]
        start = time.process_time()
        results = checks.run_checks(self.con, chosen)
        self.seconds[f"checks ({scope})"] = time.process_time() - start
        self._judge(results)

    def _judge(self, results: Sequence[CheckResult]) -> None:
        """Keep what checks found.

        Raises:
            PublishRefused: a critical one failed.
        """
        self.results += results
        for result in results:
            if result.check.severity == "critical" and not result.is_ok:
                raise PublishRefused(
                    f"{self.source_id}, table {result.check.table}: check {result.check.name} found "
                    f"{result.failing_count} rows that break it, first: {result.first_failing}. "
                    f"{result.check.reason} {result.check.remedy}"
                )

    def _write_results(self, now: datetime) -> None:
        rows = ", ".join(
            "("
            + ", ".join(
                literal(value)
                for value in (
                    self.source_id,
                    result.check.name,
                    result.check.severity,
                    result.failing_count,
                    result.first_failing,
                    now,
                    result.check.reason,
                    result.check.remedy,
                )
            )
            + ")"
            for result in self.results
        )
        self.con.execute(
            f"create or replace temp table check_results as select * from (values {rows}) as found("
            "source_id, check_name, severity, failing_count, first_failing, checked_at, reason, remedy)"
        )


def _python_values(column: pa.Array) -> list[object]:
    """Return a column as Python values; timestamps by hand, as Arrow would import pandas for them."""
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type):
        values: list[object] = column.to_pylist()
        return values
    micros = column.view(pa.int64()).to_pylist()  # a cast would import all of Arrow's functions first
    return [None if value is None else _EPOCH + timedelta(microseconds=value) for value in micros]


def link_sessions(
    con: duckdb.DuckDBPyConnection, source_id: str, table: Callable[[str], str] = "lake.{}".format
) -> None:
    """Fill `session_links` on `con`: what sessions of a source share with others, responses and titles.

    Args:
        table: what to read for a table of the lake.
    """
    mine = f"source_id = {literal(source_id)}"
    con.execute(
        f"""
        create or replace temp table session_links as
        with shared as (
            select message_id as link, session_id from {table("response_lines")}
            where {mine} and message_id is not null
        ),
        titles as (
            select payload ->> 'leafUuid' as link, session_id from {table("event_lines")}
            where {mine} and type = 'summary'
        )
        select distinct link, session_id from shared
        where link in (select link from shared group by link having min(session_id) <> max(session_id))
        union all
        select link, session_id from titles where link is not null
        """
    )
    if con.execute("select 1 from session_links limit 1").fetchone():
        con.execute(
            "insert into session_links select distinct uuid, session_id from lake.lines "
            f"where {mine} and uuid in (select link from session_links)"
        )


def find_linked_sessions(
    con: duckdb.DuckDBPyConnection,
    source_id: str,
    sessions: str,
    table: Callable[[str], str] = "lake.{}".format,
) -> None:
    """Fill `scope_sessions` on `con`: sessions that a query gives, and all that share responses or titles with them.

    Args:
        table: what to read for a table of the lake.
    """
    link_sessions(con, source_id, table)
    con.execute(
        f"""
        create or replace temp table scope_sessions as
        with recursive reached as (
            {sessions}
            union
            select others.session_id
            from reached
            inner join session_links as own on reached.session_id = own.session_id
            inner join session_links as others on own.link = others.link
        )
        select {literal(source_id)} as source_id, session_id from reached
        """
    )
