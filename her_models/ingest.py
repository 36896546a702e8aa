"""The ingest: finds what is new in the sources, stages it, publishes it. One writer at a time.

What belongs here: the order of the steps, the writer lock, and the quick way out when nothing is new. What does not:
how each step works (`sources`, `staging`, `lake`). Only the standard library is imported until something is new.

Nothing but the lake is the truth. `manifest.json` beside it repeats what the lake knows of the files, so that a run
without news need not open the lake; it is believed only while it names the lake's latest snapshot.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from her_models.config import Config, Source, default_source, make_home, source_part
from her_models.errors import HerError, LakeBusy, SourceError
from her_models.sources import FileState, expand_sources
from her_models.sources import nothing_new as nothing_new_in

if TYPE_CHECKING:
    from her_models.lake import Lake, MaintenanceReport
    from her_models.publication import PublishReport
    from her_models.staging import StagedShard, StageProgress

LOCK_WAIT_SECONDS = 3600.0
_CODE = Path(__file__).resolve().parent
_SETTINGS = (
    *(_CODE / name for name in ("contracts.py", "prices.toml", "commands.py", "commands.toml", "shell.py")),
    *(_CODE / name for name in ("audit", "edits", "ledger", "waste", "whatif")),
    _CODE.parent / "sql",
)
_CODE_KINDS = frozenset({".sql", ".py", ".toml"})
_STATE_FIELDS = ("file_id", "path", "root", "status", "size_bytes", "modified_ns")

Progress = Callable[["StageProgress"], None]


@dataclass(frozen=True)
class SourceReport:
    """What a run did with one source; counts are of this run, not of the lake."""

    source_id: str
    path: str
    is_changed: bool = False
    files_seen_count: int = 0
    files_read_count: int = 0
    bytes_read: int = 0
    lines_count: int = 0
    refused_count: int = 0
    redaction_count: int = 0
    unsupported_count: int = 0
    gone_count: int = 0
    sessions_count: int = 0  # rebuilt
    requests_count: int = 0  # in the sessions rebuilt
    stage_seconds: float = 0.0
    model_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    snapshot_id: int | None = None
    seconds_by_model: dict[str, float] = field(default_factory=dict)  # of CPU
    failed_checks: tuple[str, ...] = ()
    days: tuple[date, ...] = ()  # on which the new lines were captured, in the configured time zone


_SUMS = (
    *("files_seen_count", "files_read_count", "bytes_read", "lines_count", "refused_count", "redaction_count"),
    *("unsupported_count", "gone_count", "sessions_count", "requests_count"),
    *("stage_seconds", "model_seconds", "cpu_seconds"),
)


def as_one(reports: Sequence[SourceReport]) -> SourceReport:
    """Return what a run did with the folders of one source: a person's logs on a machine may lie in several."""
    first, *others = reports
    if not others:
        return first
    seconds: dict[str, float] = {}
    for report in reports:
        for name, value in report.seconds_by_model.items():
            seconds[name] = seconds.get(name, 0.0) + value
    return replace(
        first,
        path=", ".join(report.path for report in reports),
        is_changed=any(report.is_changed for report in reports),
        peak_memory_bytes=max(report.peak_memory_bytes for report in reports),
        snapshot_id=max((one.snapshot_id for one in reports if one.snapshot_id is not None), default=None),
        seconds_by_model=seconds,
        failed_checks=tuple(dict.fromkeys(name for report in reports for name in report.failed_checks)),
        days=tuple(sorted({day for report in reports for day in report.days})),
        **{name: sum(getattr(report, name) for report in reports) for name in _SUMS},
    )


@dataclass(frozen=True)
class IngestReport:
    """What a run did, source by source."""

    run_id: str
    sources: tuple[SourceReport, ...]
    seconds: float

    @property
    def is_changed(self) -> bool:
        return any(source.is_changed for source in self.sources)

    def total(self, name: str) -> int | float:
        """Return the sum of a count over the sources."""
        values: list[int | float] = [getattr(source, name) for source in self.sources]
        return sum(values)


# -- which sources --------------------------------------------------------------------------------------------------


def resolve_sources(config: Config, paths: Sequence[str | Path] = (), owner: str | None = None) -> list[Source]:
    """Return the sources to read: those at `paths`, else the configured ones, else this person's own logs.

    Raises:
        SourceError: nothing is at a path.
    """
    if not paths:
        chosen = list(config.sources) or [default_source(owner)]
        if owner and config.sources:
            chosen = [source for source in chosen if source.owner == source_part(owner)]
            if not chosen:
                raise SourceError(f"config.toml has no source of owner {owner!r}. Name the path to read.")
    else:
        chosen = [source for path in paths for source in _sources_at(config, Path(path), owner)]
    for source in chosen:
        if not source.path.exists():
            raise SourceError(
                f"No logs at {source.path}: it does not exist. Give a log file, a .claude folder or a folder above."
            )
    return list(dict.fromkeys(chosen))


def _sources_at(config: Config, path: Path, owner: str | None) -> list[Source]:
    """A path that is configured keeps the owner and host that config.toml gives it."""
    here = path.expanduser().absolute()
    if not owner:
        for source in config.sources:
            if source.path.absolute() == here:
                return [source]
    return expand_sources(path, owner)


# -- the quick way out ----------------------------------------------------------------------------------------------


def _sidecar_path(config: Config) -> Path:
    return config.home / "manifest.json"


def published_snapshot(config: Config) -> int | None:
    """Return the lake's latest snapshot as its catalog file says, without opening the lake; None if it cannot tell."""
    if config.catalog or not config.catalog_path.exists():
        return None
    address = config.catalog_path.absolute().as_uri() + "?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=5)) as catalog:
            row = catalog.execute("select max(snapshot_id) from ducklake_snapshot").fetchone()
    except sqlite3.Error:
        return None
    return int(row[0]) if row and row[0] is not None else None


def _code_below(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.*") if file.suffix in _CODE_KINDS)


def _settings_stamp(config: Config) -> str:
    """Return what changes when the marts might have to be made anew though no log did: code, prices, settings."""
    digest = hashlib.blake2b(digest_size=16)
    paths = [*_SETTINGS, *(path for path in (config.prices_path, config.densities_path) if path)]
    for path in paths:
        for file in _code_below(path) if path.is_dir() else [path]:
            try:
                info = file.stat()
            except OSError:
                continue
            digest.update(f"{file}\0{info.st_size}\0{info.st_mtime_ns}\n".encode("utf-8", "surrogatepass"))
    digest.update(f"{config.time_zone}\0{config.redaction}\0{config.redact_home_names}".encode())
    return digest.hexdigest()


def _read_sidecar(config: Config) -> dict[str, Any] | None:
    try:
        data = json.loads(_sidecar_path(config).read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def _write_sidecar(config: Config, lake: Lake, source_ids: Iterable[str]) -> None:
    """Repeat beside the lake what it knows of the files. A failure costs the next run a second, nothing else."""
    snapshot = lake.snapshot_id()
    data = {
        "snapshot_id": snapshot,
        "settings": _settings_stamp(config),
        "sources": {
            source_id: [[getattr(state, name) for name in _STATE_FIELDS] for state in lake.manifest(source_id).values()]
            for source_id in source_ids
        },
    }
    target = _sidecar_path(config)
    temporary = target.with_suffix(f".{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps(data), encoding="utf-8")
        temporary.replace(target)
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            temporary.unlink()


def is_current(config: Config, sources: Sequence[Source]) -> bool:
    """Say whether the lake holds all there is in these sources. Reads no log bytes.

    Raises:
        SourceError: nothing is at a path.
    """
    data = _read_sidecar(config)
    if data is None or data.get("snapshot_id") != published_snapshot(config):
        return False
    if data["snapshot_id"] is None or data.get("settings") != _settings_stamp(config):
        return False
    known = data.get("sources", {})
    for source in sources:
        if source.source_id not in known:
            return False
        states = [
            FileState(source.source_id, **dict(zip(_STATE_FIELDS, row, strict=True))) for row in known[source.source_id]
        ]
        if not nothing_new_in(source, {state.path: state for state in states}):
            return False
    return True


def nothing_new(config: Config, paths: Sequence[str | Path] = (), owner: str | None = None) -> bool:
    """Say whether an ingest would find nothing to do. Reads no log bytes, imports nothing beyond the library.

    Raises:
        SourceError: nothing is at a path.
    """
    return is_current(config, resolve_sources(config, paths, owner))


# -- one writer -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def writer_lock(
    config: Config, *, on_wait: Callable[[str], None] | None = None, wait_seconds: float = LOCK_WAIT_SECONDS
) -> Iterator[None]:
    """Hold the right to write to the lake. The kernel frees it when the process ends, however it ends.

    `on_wait` is told once who writes, if somebody does.

    Raises:
        LakeBusy: somebody else still writes after `wait_seconds`.
    """
    make_home(config.home)
    with (config.home / "ingest.lock").open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_seconds
        is_told = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "Another process writes to the lake"
                if time.monotonic() >= deadline:
                    raise LakeBusy(f"{holder}. Wait for it to end, or end it, and try again.") from None
                if on_wait and not is_told:
                    on_wait(f"{holder}. Waiting for it to end.")
                    is_told = True
                time.sleep(0.1)
        file.truncate(0)
        file.write(
            f"Process {os.getpid()} has been writing to the lake since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
        )
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


# -- steps ----------------------------------------------------------------------------------------------------------


def new_run_id() -> str:
    """Return an identity for a run; later runs sort later."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def stage_source(
    lake: Lake,
    source: Source,
    config: Config,
    *,
    run_id: str,
    progress: Progress | None = None,
    even_if_empty: bool = False,
) -> StagedShard | None:
    """Stage what is new in a source as Parquet inside the lake's folder; None when there is nothing to do.

    The files become part of the lake only by `publish_source`. `even_if_empty` stages nothing rather than giving None.
    """
    from her_models.lake import staging_folder
    from her_models.sources import plan_source
    from her_models.staging import fingerprint_key, stage

    plan = plan_source(source, lake.manifest(source.source_id), key=fingerprint_key(config))
    is_known = source.source_id in lake.source_ids() and not lake.is_outdated(source.source_id)
    if plan.is_empty and is_known and not even_if_empty:
        return None
    folder = staging_folder(config) / run_id / source.source_id
    folder.mkdir(parents=True)  # never one that holds files of the lake
    return stage(plan, folder, config, run_id=run_id, progress=progress)


def publish_source(lake: Lake, staged: StagedShard, *, also_sessions: Iterable[str] = ()) -> PublishReport:
    """Publish what was staged, in one transaction, and build `also_sessions` anew with it.

    Raises:
        PublishRefused: a critical check failed; the lake is as it was.
    """
    return lake.publish(staged, also_sessions=also_sessions)


def source_report(source: Source, staged: StagedShard | None, published: PublishReport | None) -> SourceReport:
    """Put together what staging and publishing counted."""
    if staged is None or published is None:
        return SourceReport(source.source_id, str(source.path))
    counts = staged.counts
    statuses = [str(status) for status in staged.files.column("status").to_pylist()]
    return SourceReport(
        source_id=source.source_id,
        path=str(source.path),
        is_changed=True,
        files_seen_count=counts.files_seen,
        files_read_count=counts.files_read,
        bytes_read=counts.bytes_read,
        lines_count=counts.lines,
        refused_count=counts.refused,
        redaction_count=counts.redactions,
        unsupported_count=statuses.count("unsupported"),
        gone_count=statuses.count("gone"),
        sessions_count=published.sessions_count,
        requests_count=published.requests_count,
        stage_seconds=counts.seconds,
        model_seconds=published.model_seconds,
        cpu_seconds=counts.cpu_seconds,
        peak_memory_bytes=counts.peak_memory_bytes,
        snapshot_id=published.snapshot_id,
        seconds_by_model=published.seconds_by_model,
        failed_checks=tuple(result.check.name for result in published.results if not result.is_ok),
        days=published.days,
    )


def finish_run(lake: Lake, config: Config) -> None:
    """Tidy up after the last commit of a run, under the writer lock."""
    from her_models.lake import remove_spilled

    lake.remove_leftovers()
    remove_spilled(config)
    _write_sidecar(config, lake, lake.source_ids())


def ingest(
    config: Config,
    paths: Sequence[str | Path] = (),
    owner: str | None = None,
    *,
    progress: Progress | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> IngestReport:
    """Bring the lake up to date with the sources: each source is staged and published on its own.

    Raises:
        SourceError: nothing is at a path.
        PublishRefused: a critical check failed for a source; what was published before it stays.
        LakeBusy: another process writes for too long.
    """
    return ingest_sources(config, resolve_sources(config, paths, owner), progress=progress, on_wait=on_wait)


def ingest_sources(
    config: Config,
    sources: Sequence[Source],
    *,
    days: Sequence[date] = (),
    progress: Progress | None = None,
    on_wait: Callable[[str], None] | None = None,
    on_begin: Callable[[Source], None] | None = None,
    on_report: Callable[[SourceReport], None] | None = None,
) -> IngestReport:
    """Do what `ingest` does with sources already found; the callbacks hear of each source as its turn comes.

    With `days` (in the configured time zone), the sessions with a line on one of them are built anew as well.

    Raises:
        As `ingest`.
    """
    start = time.monotonic()
    run_id = new_run_id()
    if not days and is_current(config, sources):
        unchanged = tuple(SourceReport(source.source_id, str(source.path)) for source in sources)
        return IngestReport(run_id, unchanged, time.monotonic() - start)
    from her_models.lake import open_lake

    reports: list[SourceReport] = []
    with writer_lock(config, on_wait=on_wait), open_lake(config) as lake:
        lake.remove_leftovers()
        try:
            for source in sources:
                if on_begin:
                    on_begin(source)
                if any(report.source_id == source.source_id for report in reports):
                    run_id = new_run_id()  # another folder of the same source is another publication
                staged = stage_source(lake, source, config, run_id=run_id, progress=progress, even_if_empty=bool(days))
                also = lake.sessions_on(source.source_id, days) if days else ()
                published = publish_source(lake, staged, also_sessions=also) if staged else None
                reports.append(source_report(source, staged, published))
                if on_report:
                    on_report(reports[-1])
        finally:
            with contextlib.suppress(HerError, OSError):
                finish_run(lake, config)
    return IngestReport(run_id, tuple(reports), time.monotonic() - start)


def maintain(config: Config, *, on_wait: Callable[[str], None] | None = None) -> MaintenanceReport:
    """Compact the lake and delete what nobody needs any more; see `Lake.maintain`."""
    from her_models.lake import open_lake

    with writer_lock(config, on_wait=on_wait), open_lake(config) as lake:
        report = lake.maintain()
        finish_run(lake, config)
        return report
