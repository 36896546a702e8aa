"""What is wrong with this installation or its lake, and how to mend it.

What belongs here: one small function per thing that can be wrong, each giving findings and never raising for what it
looks for. What does not: mending, or drawing.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal

import duckdb

from her_models import reports
from her_models.config import Config, default_source, load_config
from her_models.errors import ConfigError, HerError, LakeOutdated
from her_models.lake import open_lake

Level = Literal["ok", "warning", "problem"]
EXTENSIONS = ("ducklake", "sqlite_scanner", "postgres_scanner", "httpfs")
_LEAST_FREE_BYTES = 2_000_000_000
_STALE_DAYS = 7
_TOLD_BELOW = frozenset({"files_readable", "lines_refused", "models_priced", "schema_known"})
"""Checks whose subject has a look of its own here, which says more."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `remedy` is empty when there is nothing to do."""

    name: str
    level: Level
    found: str
    remedy: str = ""


def examine(home: Path) -> list[Finding]:
    """Look at everything below and around `home` (HER_HOME) and return what was found, in the order looked at."""
    findings = [*_environment(), *_home(home)]
    try:
        config = load_config(home)
    except ConfigError as error:
        return [*findings, Finding("config.toml", "problem", str(error), "Mend the file; the rest was not looked at.")]
    findings += [*_sources(config), *_writer(config), *_lake(config)]
    return findings


def _environment() -> Iterator[Finding]:
    yield Finding("Python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name in EXTENSIONS:
        package = f"duckdb-extension-{name.replace('_', '-')}"
        try:
            found = metadata.version(package)
        except metadata.PackageNotFoundError:
            yield Finding(
                package, "problem", "not installed", "Start ./her again; if that does not help, remove .venv."
            )
            continue
        if found != duckdb.__version__:
            remedy = "They must be of one version: install from the lock file (./her does)."
            yield Finding(package, "problem", f"{found}, but duckdb is {duckdb.__version__}", remedy)
    yield Finding("duckdb", "ok", duckdb.__version__)


def _home(home: Path) -> Iterator[Finding]:
    if not home.exists():
        yield Finding("HER_HOME", "ok", f"{home} is not there yet; the first ingest makes it")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield Finding("HER_HOME", "problem", f"{home} cannot be written", "Give yourself the right, or set HER_HOME.")
    elif home.stat().st_mode & 0o077:
        mode = f"{home.stat().st_mode & 0o777:o}"
        yield Finding("HER_HOME", "warning", f"{home} has mode {mode}: others can read it", f"chmod 700 {home}")
    else:
        yield Finding("HER_HOME", "ok", f"{home}, {_size(reports.folder_bytes(home))}")
    key = home / "redaction.key"
    if key.exists() and key.stat().st_mode & 0o077:
        found = f"{key} can be read by others, who could then test guesses against fingerprints"
        yield Finding("redaction key", "problem", found, f"chmod 600 {key}")
    free = shutil.disk_usage(home).free
    if free < _LEAST_FREE_BYTES:
        yield Finding("disk", "warning", f"{_size(free)} free at {home}", "Make room; a full disk costs the run.")


def _sources(config: Config) -> Iterator[Finding]:
    sources = config.sources or (default_source(),)
    for source in sources:
        if not source.path.exists():
            remedy = "Correct [[sources]] in config.toml." if config.sources else "Nothing to do if you give PATHs."
            yield Finding("source", "warning", f"{source.source_id}: {source.path} is not there", remedy)
        elif not os.access(source.path, os.R_OK | os.X_OK):
            yield Finding("source", "problem", f"{source.source_id}: {source.path} cannot be read", "Allow reading it.")
        else:
            yield Finding("source", "ok", f"{source.source_id}: {source.path}")
    if config.redaction == "off":
        remedy = 'Set redaction = "on" in config.toml; what was already read stays as it is.'
        yield Finding("redaction", "warning", "switched off: secrets are written to the lake as logged", remedy)


def _writer(config: Config) -> Iterator[Finding]:
    """Say whether somebody writes now."""
    path = config.home / "ingest.lock"
    if not path.exists():
        return
    try:
        with path.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                yield Finding("writer", "ok", "nobody writes now")
            except BlockingIOError:
                holder = lock.read(200).decode("utf-8", "replace").strip() or "unknown"
                yield Finding(
                    "writer", "ok", f"an ingest runs now ({holder})", "Wait for it; readers are not hindered."
                )
    except OSError as error:
        yield Finding("writer", "problem", f"{path}: {error.strerror}", "Give yourself the right to read and write it.")


def _lake(config: Config) -> Iterator[Finding]:
    if not config.catalog and not config.catalog_path.exists():
        yield Finding("lake", "warning", f"{config.catalog_path} is not there: nothing was ingested yet", "her ingest")
        return
    try:
        with open_lake(config, read_only=True) as lake:
            yield Finding("lake", "ok", "the catalog opens")
            account = lake.outdated_account()
            if account:
                yield Finding("version", "warning", account)
            for look in _LOOKS:
                yield from look(lake.con)
    except LakeOutdated as error:
        yield Finding("lake", "problem", str(error))
    except HerError as error:
        yield Finding(
            "lake",
            "problem",
            str(error),
            "If nothing else helps, put HER_HOME aside (it holds logs that are deleted) and ingest again.",
        )
    except duckdb.Error as error:
        found = f"a question to it failed ({type(error).__name__})"
        yield Finding("lake", "problem", found, "her ingest brings tables of an older version up to date.")


def _freshness(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    totals = reports.ingest_totals(con)
    if totals.last_finished_at is None:
        yield Finding("last run", "warning", "no run has finished", "her ingest")
        return
    days = (datetime.now(UTC) - totals.last_finished_at).days
    found = (
        f"{totals.last_finished_at:%Y-%m-%d %H:%M} UTC; {totals.lines_count:,} lines of {totals.files_count:,} files"
    )
    yield Finding(
        "last run", "warning" if days > _STALE_DAYS else "ok", found, "her ingest" if days > _STALE_DAYS else ""
    )


def _checks(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    rows = reports.checks(con).to_pylist()
    failing = [row for row in rows if not row["is_ok"] and row["check_name"] not in _TOLD_BELOW]
    for row in failing:
        level: Level = "problem" if row["severity"] == "critical" else "warning"
        found = f"{row['source_id']}: {row['failing_count']:,} failing"
        yield Finding(f"check {row['check_name']}", level, found, row["detail"] or "See the Health page.")
    if rows and not failing:
        yield Finding(
            "checks", "ok", f"{sum(row['is_ok'] for row in rows)} of {len(rows)} hold; the others stand below"
        )


def _refused(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    count = reports.ingest_totals(con).refused_count
    if count:
        remedy = 'her sql "select reason, count(*) from refused_lines group by reason"'
        yield Finding("refused lines", "warning", f"{count:,} stretches of bytes could not be read", remedy)
    else:
        yield Finding("refused lines", "ok", "none")


def _drift(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    rows = reports.schema_drift(con).to_pylist()
    if rows:
        names = sorted({row["field_path"] or row["line_type"] or "?" for row in rows})
        found = f"{len(names)} unknown line types or fields: {', '.join(names[:5])}{', …' if len(names) > 5 else ''}"
        yield Finding("drift", "warning", found, "They are kept and cost nothing; a later Her may read them.")
    else:
        yield Finding("drift", "ok", "no unknown line type or field")


def _prices(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    rows = reports.unpriced_models(con).to_pylist()
    for row in rows:
        found = f"{row['model']!r} has no price: {row['requests_count']:,} responses count as unknown cost"
        remedy = 'Write its price into a file and name that in config.toml: prices = "/path/prices.toml"'
        yield Finding("prices", "warning", found, remedy)
    if not rows:
        yield Finding("prices", "ok", "every model has a price")


def _files(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    rows = reports.uncounted_files(con).to_pylist()
    unsupported: dict[str, int] = {}
    for row in rows:
        if row["status"] == "unreadable":
            found = f"{row['source_id']}: {row['path']} could not be read"
            yield Finding("files", "warning", found, "Allow reading it, then her ingest.")
        elif row["status"] == "unsupported":
            kind = row["apparent_kind"] or "unknown"
            unsupported[kind] = unsupported.get(kind, 0) + 1
    for kind, count in sorted(unsupported.items()):
        yield Finding("files", "ok", f"{count:,} files of kind {kind} are no Claude Code logs and are left alone")


_LOOKS: tuple[Callable[[duckdb.DuckDBPyConnection], Iterator[Finding]], ...] = (
    _freshness,
    _checks,
    _refused,
    _drift,
    _prices,
    _files,
)


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1000
    return f"{count:,.1f} GB"
