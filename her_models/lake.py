"""DuckLake: attach, publish, maintain. The only place that knows where data lies.

What belongs here: the catalog, the Parquet files, connections, and trying again when others write. What does not: the
steps of a publication (`publication`), what is in a shard (`staging`), when things run (`ingest`).

One transaction publishes a shard: its staged rows, the marts of the sessions it changed, and the record of the run.
A critical check that fails inside it rolls everything back, so that readers see the state before or the state after.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shlex
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import duckdb

from her_models import warehouse
from her_models.config import Config, default_source, make_home, zone_of_days
from her_models.contracts import DATA_QUALITY, TABLES, Column, Table
from her_models.errors import LakeBusy, LakeError, LakeOutdated
from her_models.moved import follow_move
from her_models.sources import FileState, expand_sources
from her_models.unforeseen import OTHER_VERSION

if TYPE_CHECKING:
    from her_models.publication import PublishReport
    from her_models.staging import StagedShard

MEMORY_LIMIT = "600MB"
INLINED_ROWS = 200
"""Shards of up to so many lines go into the catalog itself; maintenance writes them out as Parquet together."""
CONFLICT_ATTEMPTS = 5
_LEAST_FREE_BYTES = 1_000_000
_SOURCES_NAMED = 3  # in a sentence; more are counted
_EXTENSIONS = ("ducklake", "sqlite_scanner")
_REMOTE = ("s3://", "gs://", "gcs://", "r2://", "az://", "azure://", "http://", "https://")


@dataclass(frozen=True)
class MaintenanceReport:
    """What maintenance did: files before and after, snapshots expired, files deleted from disk."""

    files_before_count: int
    files_after_count: int
    expired_snapshots_count: int
    deleted_files_count: int
    seconds: float


# -- SQL text -------------------------------------------------------------------------------------------------------


def literal(value: object) -> str:
    """Return a value as a SQL literal. Bound parameters would import pandas, which costs seconds.

    Raises:
        TypeError: the value is of a kind that no table holds.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return f"timestamptz '{value.astimezone(UTC).isoformat()}'"
    if isinstance(value, str | Path):
        return "'" + str(value).replace("'", "''") + "'"
    if isinstance(value, Sequence):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    raise TypeError(f"{type(value).__name__} has no SQL literal here.")


def parquet(paths: Iterable[Path]) -> str:
    """Return the table function that reads files."""
    return f"read_parquet({literal([str(path) for path in paths])})"


def set_paths(con: duckdb.DuckDBPyConnection, config: Config) -> None:
    """Tell the models that are made in Python where a person's own figures lie."""
    memo = config.home / "prices.memo"
    for name, path in (
        ("densities_path", config.densities_path),
        ("prices_path", config.prices_path),
        ("prices_memo_path", memo),
    ):
        con.execute(f"set variable {name} = {literal(str(path) if path else None)}")


def _extension_path(name: str) -> Path:
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).glob(f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"):
            return path
    raise LakeError(
        f"The DuckDB extension {name!r} for DuckDB {duckdb.__version__} is not installed. "
        f"Install duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}."
    )


def values(rows: Iterable[Sequence[object]], table: Table, names: Sequence[str]) -> str:
    """Return rows as a typed `select`, columns named as in the contract."""
    types = {column.name: column.type for column in table.columns}
    body = ",\n".join("(" + ", ".join(literal(value) for value in row) + ")" for row in rows)
    casts = ", ".join(f"cast({name} as {types[name]}) as {name}" for name in names)
    return f"select {casts} from (values {body}) as given({', '.join(names)})"


def empty(table: Table) -> str:
    """Return a query that gives no rows, in the columns and types of a table."""
    columns = ", ".join(f"cast(null as {column.type}) as {column.name}" for column in table.columns)
    return f"select {columns} where false"


# -- opening --------------------------------------------------------------------------------------------------------


def catalog_address(config: Config) -> str:
    """Return what DuckLake is attached to: SQLite in `HER_HOME`, or what `catalog` in config.toml says."""
    return f"ducklake:{config.catalog}" if config.catalog else f"ducklake:sqlite:{config.catalog_path}"


def data_path(config: Config) -> str:
    """Return the folder or address of the Parquet files, with a slash at its end."""
    return (config.data_path or str(config.lake_path)).rstrip("/") + "/"


def is_remote(config: Config) -> bool:
    """Say whether Parquet lies in an object store, where workers cannot write it in place."""
    return data_path(config).startswith(_REMOTE)


def _spill_folder(config: Config) -> Path:
    """Return where a connection puts what does not fit into memory, made when it does.

    Two connections that shared one would read each other's bytes.
    """
    return config.home / f"tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}"


def remove_spilled(config: Config) -> None:
    """Remove what connections of processes that are gone left behind."""
    for folder in config.home.glob("tmp-*-*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except (ValueError, OSError):  # not one of ours, or somebody else's, who is alive
            continue


def connect(
    config: Config, *, read_only: bool, attached: bool = True, threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Return a connection that shows the lake; `open_lake` is what most callers want.

    Args:
        read_only: nothing can be written to the lake.
        attached: False for a connection of the same kind without the lake.
        threads: as many as the configuration says, or as there are cores, by default.

    Raises:
        duckdb.Error: the catalog cannot be opened.
        LakeError: an extension is missing.
    """
    con = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            # Checking the signatures of 70 MB takes 0.36 s at every opening; the lock file's hashes vouched for them.
            "allow_unsigned_extensions": True,
            "memory_limit": MEMORY_LIMIT,
            "threads": threads or config.workers or os.cpu_count() or 1,
            "preserve_insertion_order": False,
            "temp_directory": str(_spill_folder(config)),
        }
    )
    con.execute("set TimeZone = 'UTC'")
    con.execute("set enable_progress_bar = false")
    if not attached:
        return con
    names = list(_EXTENSIONS)
    if config.catalog.startswith("postgres"):
        names.append("postgres_scanner")
    if is_remote(config):
        names.append("httpfs")
    for name in names:
        con.execute(f"load {literal(_extension_path(name))}")
    options = [f"data_path {literal(data_path(config))}", f"data_inlining_row_limit {INLINED_ROWS}"]
    if not config.catalog or config.catalog.startswith("sqlite:"):
        # Readers must not wait for the writer, nor fail while it commits.
        options += ["meta_busy_timeout 10000"] + ([] if read_only else ["meta_journal_mode 'WAL'"])
    if read_only:
        options.append("read_only")
    con.execute(f"attach {literal(catalog_address(config))} as lake ({', '.join(options)})")
    con.execute("use lake")
    return con


def _is_busy(error: Exception) -> bool:
    text = str(error).lower()
    return any(word in text for word in ("database is locked", "conflict", "could not serialize", "deadlock"))


def _remedy(config: Config) -> str:
    """Say what to do where the machine is the reason."""
    try:
        is_full = shutil.disk_usage(config.home).free < _LEAST_FREE_BYTES
    except OSError:
        return ""
    return f" There is next to no room left below {config.home}: make some, and try again." if is_full else ""


def _is_elsewhere(error: Exception) -> bool:
    return "does not match existing data path" in str(error)


def open_lake(config: Config, *, read_only: bool = False, of_any_version: bool = False) -> Lake:
    """Open the lake; without `read_only` it is made where there is none, and its tables grow with the contract.

    Args:
        of_any_version: read it even where tables or columns of the contract are not there yet.

    Raises:
        LakeError: there is no lake to read, or it cannot be opened.
        LakeOutdated: an older version of Her wrote the lake that is to be read.
    """
    if read_only and not config.catalog and not config.catalog_path.exists():
        raise LakeError(f"There is no lake in {config.home} yet. Run: her ingest")
    if not read_only:
        make_home(config.home)
        is_made = not config.catalog and config.catalog_path.exists()
        if not is_made and not is_remote(config):
            Path(data_path(config)).mkdir(parents=True, exist_ok=True)
    for attempt in range(CONFLICT_ATTEMPTS):
        try:
            con = connect(config, read_only=read_only)
        except duckdb.Error as error:
            if _is_busy(error) and attempt + 1 < CONFLICT_ATTEMPTS:
                time.sleep(0.1 * 2**attempt)
                continue
            if _is_elsewhere(error) and not config.catalog and not is_remote(config) and not attempt:
                follow_move(config.catalog_path, data_path(config))
                continue
            raise LakeError(f"The lake in {config.home} cannot be opened: {error}{_remedy(config)}") from error
        lake = Lake(con, config)
        if not read_only:
            lake.grow()
        elif not of_any_version and lake.missing():
            lake.close()
            raise LakeOutdated(OTHER_VERSION)
        return lake
    raise LakeBusy(f"The lake in {config.home} is being written to. Try again in a moment.")


class Lake:
    """An open lake. `con` is a DuckDB connection with `use lake`: the tables of the contract have their plain names."""

    def __init__(self, con: duckdb.DuckDBPyConnection, config: Config) -> None:
        self.con = con
        self.config = config
        self.threads = config.workers or os.cpu_count() or 1
        self.shown: dict[str, str] = {}  # temporary tables and views that publications made, by name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.con.close()

    def missing(self) -> list[tuple[Table, Column | None]]:
        """Return the columns of the contract that the lake does not have yet; None stands for a whole table."""
        found: dict[str, set[str]] = {}
        for table, column in self.con.execute(
            "select table_name, column_name from duckdb_columns() where database_name = 'lake'"
        ).fetchall():
            found.setdefault(table, set()).add(column)
        missing: list[tuple[Table, Column | None]] = []
        for one in TABLES.values():
            if one.name not in found:
                missing.append((one, None))
            else:
                missing += [(one, column) for column in one.columns if column.name not in found[one.name]]
        return missing

    def grow(self) -> None:
        """Make the tables and columns of the contract that the lake does not have yet."""
        missing = self.missing()
        if missing:
            self.con.execute("begin")
            for table, column in missing:
                self.con.execute(
                    f"alter table {table.name} add column {column.name} {column.type}" if column else table.ddl()
                )
            self.con.execute("commit")

    def snapshot_id(self) -> int:
        """Return the number of the latest snapshot; it grows with every commit."""
        row = self.con.execute("select id from ducklake_current_snapshot('lake')").fetchone()
        return int(row[0]) if row else 0

    def manifest(self, source_id: str) -> dict[str, FileState]:
        """Return the current generations of a source's files, by path."""
        names = [item.name for item in fields(FileState)]
        rows = self.con.execute(
            f"select {', '.join(names)} from lake.source_files where is_current and source_id = {literal(source_id)}"
        ).fetchall()
        states = [FileState(**dict(zip(names, row, strict=True))) for row in rows]
        return {state.path: state for state in states}

    def filled_tables(self) -> set[str]:
        """Return the tables that hold rows, or held some once."""
        rows = self.con.execute(
            "select distinct tables.table_name from __ducklake_metadata_lake.ducklake_table as tables "
            "inner join __ducklake_metadata_lake.ducklake_table_stats as stats on tables.table_id = stats.table_id "
            "where stats.record_count > 0"
        ).fetchall()
        return {row[0] for row in rows}

    def source_ids(self) -> list[str]:
        """Return the sources that the lake holds."""
        rows = self.con.execute("select source_id from lake.sources order by source_id").fetchall()
        return [row[0] for row in rows]

    def marts_version(self) -> str:
        """Return a hash of what the marts hang on beside the logs."""
        from her_models.pricing import prices_version

        densities = self.config.densities_path
        text = "\0".join(
            (
                warehouse.models_version(),
                prices_version(self.config.prices_path),
                zone_of_days(self.config.time_zone),
                densities.read_text(encoding="utf-8") if densities and densities.exists() else "",
            )
        )
        return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

    def is_outdated(self, source_id: str) -> bool:
        """Say whether the marts of a source were made by other models, prices or another time zone."""
        return source_id in self.outdated_sources()

    def outdated_sources(self) -> list[str]:
        """Return the sources whose marts were made by other models, prices or in another time zone."""
        rows = self.con.execute(
            "select source_id from lake.ingest_runs group by source_id "
            f"having arg_max(coalesce(marts_version, ''), finished_at) <> {literal(self.marts_version())} "
            "order by source_id"
        ).fetchall()
        return [row[0] for row in rows]

    def outdated_account(self) -> str | None:
        """Say in a sentence or two that the figures are of another version, and what to do; None where they are not.

        A source that is not configured has to be named to be read, and so its path is.
        """
        outdated = self.outdated_sources()
        if not outdated:
            return None
        configured = {source.source_id for source in self.config.sources or (default_source(),)}
        commands = ["her ingest"] if configured.intersection(outdated) else []
        others = self.con.execute(
            f"select source_id, owner, path from lake.sources where source_id in ({', '.join(map(literal, outdated))}) "
            "order by path"
        ).fetchall()
        known = {source_id: (owner, Path(path)) for source_id, owner, path in others if source_id not in configured}
        for folder in dict.fromkeys(path.parent for _, path in known.values()):
            together = [one.source_id for one in expand_sources(folder)]
            if len(together) > 1 and known.keys() >= set(together):  # a drop folder, named once for all
                commands.append(f"her ingest {shlex.quote(str(folder))}")
                known = {source_id: place for source_id, place in known.items() if source_id not in together}
        for source_id, (owner, path) in known.items():
            is_told_by_path = [one.source_id for one in expand_sources(path)] == [source_id]
            commands.append(f"her ingest {shlex.quote(str(path))}{'' if is_told_by_path else f' --owner {owner}'}")
        whose = ", ".join(outdated) if len(outdated) <= _SOURCES_NAMED else f"{len(outdated)} sources"
        return (
            f"The figures of {whose} were counted by an older version of Her, at other prices or in"
            f" another time zone. Bring them up to date: {', then '.join(commands)}"
        )

    # -- publishing

    def sessions_on(self, source_id: str, days: Iterable[date]) -> list[str]:
        """Return the sessions of a source with a line on one of the days, in the configured time zone."""
        listed = ", ".join(f"date {literal(day.isoformat())}" for day in days)
        if not listed:
            return []
        local = f"cast(timezone({literal(self.config.time_zone)}, logged_at) as date)"
        rows = self.con.execute(
            f"select distinct session_id from lake.lines "
            f"where source_id = {literal(source_id)} and {local} in ({listed})"
        ).fetchall()
        return sorted(row[0] for row in rows)

    def publish(
        self, staged: StagedShard, config: Config | None = None, *, also_sessions: Iterable[str] = ()
    ) -> PublishReport:
        """Publish a shard in one transaction: its rows, the marts of the sessions it changes, the run.

        `also_sessions` are built anew though nothing of them changed.

        Raises:
            PublishRefused: a critical check failed; the lake is as it was.
            LakeBusy: other writers kept changing the same rows.
        """
        from her_models.publication import Publication

        also = tuple(also_sessions)
        for attempt in range(CONFLICT_ATTEMPTS):
            publication = Publication(self, staged, also)
            try:
                return publication.run()
            except duckdb.Error as error:
                if not _is_busy(error):
                    raise LakeError(f"{staged.source.source_id} could not be published: {error}") from error
                time.sleep(0.1 * 2**attempt)
        raise LakeBusy(f"{staged.source.source_id}: other writers kept changing the same rows. Run her ingest again.")

    def replace_findings(self, source_id: str, rows: Sequence[Sequence[object]]) -> None:
        """Write rows of `data_quality` in place of those that the source has for the same checks.

        Needs the writer lock.
        """
        names = ", ".join(literal(row[DATA_QUALITY.column_names.index("check_name")]) for row in rows)
        self.con.execute("begin")
        try:
            self.con.execute(
                f"delete from lake.data_quality where source_id = {literal(source_id)} and check_name in ({names})"
            )
            self.con.execute(
                f"insert into lake.data_quality by name {values(rows, DATA_QUALITY, DATA_QUALITY.column_names)}"
            )
            self.con.execute("commit")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self.con.execute("rollback")
            raise

    def replace_rows(self, table: Table, rows: Sequence[Sequence[object]], condition: str = "true") -> None:
        """Write rows of a nightly table in place of those that the condition names. Needs the writer lock."""
        self.con.execute("begin")
        try:
            self.con.execute(f"delete from lake.{table.name} where {condition}")
            if rows:
                self.con.execute(f"insert into lake.{table.name} by name {values(rows, table, table.column_names)}")
            self.con.execute("commit")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                self.con.execute("rollback")
            raise

    # -- maintenance

    def remove_leftovers(self) -> int:
        """Delete staged files that no snapshot knows: what runs that were killed left behind. Needs the writer lock."""
        folder = staging_folder(self.config)
        if not folder.is_dir():
            return 0
        known = {Path(path).name for path in self._known_files()}
        removed = 0
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir():
                with contextlib.suppress(OSError):  # not empty: its files are part of the lake
                    path.rmdir()
            elif path.name not in known:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _known_files(self) -> Iterator[str]:
        for table in ("ducklake_data_file", "ducklake_files_scheduled_for_deletion"):
            for (path,) in self.con.execute(f"select path from __ducklake_metadata_lake.{table}").fetchall():
                yield str(path)

    def _files_count(self) -> int:
        row = self.con.execute(
            "select count(*) from __ducklake_metadata_lake.ducklake_data_file where end_snapshot is null"
        ).fetchone()
        return int(row[0]) if row else 0

    def maintain(self, *, keep_snapshots_days: int = 7, keep_files_days: int = 1) -> MaintenanceReport:
        """Write inlined rows out, merge small files, expire old snapshots, delete files nobody needs.

        Files stay on disk for `keep_files_days` after nothing points to them any more, for readers that still do.
        Needs the writer lock.
        """
        start = time.monotonic()
        before = self._files_count()
        run = self.con.execute
        run("call ducklake_flush_inlined_data('lake')").fetchall()
        run("call ducklake_rewrite_data_files('lake', delete_threshold => 0.3)").fetchall()
        run("call ducklake_merge_adjacent_files('lake')").fetchall()
        expired = run(
            f"call ducklake_expire_snapshots('lake', older_than => now() - interval {keep_snapshots_days} day)"
        ).fetchall()
        age = f"now() - interval {keep_files_days} day"
        deleted = run(f"call ducklake_cleanup_old_files('lake', older_than => {age})").fetchall()
        deleted += run(f"call ducklake_delete_orphaned_files('lake', older_than => {age})").fetchall()
        return MaintenanceReport(before, self._files_count(), len(expired), len(deleted), time.monotonic() - start)


def staging_folder(config: Config) -> Path:
    """Return where workers write: inside the lake, so that a commit only has to register the files."""
    return config.home / "staged" if is_remote(config) else Path(data_path(config)) / "staged"
