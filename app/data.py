"""The app's way to the lake: cached, read-only calls of `reports`, and the person's saved queries.

One read-only connection per process, a cursor per call. Answers are kept per snapshot of the lake, so that a page drawn
again costs no query, and the first page drawn after an ingest sees the new snapshot.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import duckdb

from her_models import queries, reports
from her_models.config import Config, load_config
from her_models.errors import LakeError
from her_models.lake import Lake, open_lake

P = ParamSpec("P")
T = TypeVar("T")
U = TypeVar("U")

_REMOTE_SECONDS = 2.0  # how old the news from a catalog on another machine may be
_ANSWERS_KEPT = 256  # the events of a long session are the largest, a few MB


def config() -> Config:
    """Return the configuration, read anew: it may change while the app runs."""
    return load_config()


def has_lake() -> bool:
    """Whether there is a catalog to attach."""
    settings = config()
    return bool(settings.catalog) or settings.catalog_path.exists()


def is_ingesting() -> bool:
    """Whether another process holds the ingest's lock at this moment."""
    try:
        with (config().home / "ingest.lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no lock file: nothing was ever ingested here
        return False
    return False


def ask(question: Callable[Concatenate[duckdb.DuckDBPyConnection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask one of `reports`' questions of the present snapshot, or return the answer kept from before.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    settings = config()
    identity = _identity(settings)
    snapshot_id = _snapshot_id(settings, identity, _catalog_mark(settings))
    answer: T = _answer(settings.home, identity, snapshot_id, question, args, tuple(sorted(kwargs.items())))
    return answer


def ask_once(question: Callable[Concatenate[duckdb.DuckDBPyConnection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Ask without keeping the answer: a file to be sent, which may be large and is rarely wanted twice.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    settings = config()
    with _cursor(settings.home, _identity(settings)) as cursor:
        return question(cursor, *args, **kwargs)


def derived(
    make: Callable[[T], U],
    question: Callable[Concatenate[duckdb.DuckDBPyConnection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> U:
    """Return what `make` makes of an answer, such as a chart, or what it made of it before; the answer is kept, too."""
    return ask(_made, make, question, args, tuple(sorted(kwargs.items())))


def _made(
    _con: duckdb.DuckDBPyConnection,
    make: Callable[[Any], U],
    question: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: tuple[tuple[str, Any], ...],
) -> U:
    return make(ask(question, *args, **dict(kwargs)))


def forget_answers() -> None:
    """Ask everything anew from now on, as after an ingest."""
    _answer.cache_clear()


def saved_queries() -> dict[str, str]:
    """Return the person's saved queries by name; none when there are none or the file cannot be read."""
    return {str(name): str(sql) for name, sql in _kept("saved_queries.json").items()}


def save_query(name: str, sql: str) -> None:
    """Keep a query under a name, in place of one of the same name."""
    _keep("saved_queries.json", {**saved_queries(), name: sql})


def forget_query(name: str) -> None:
    """Drop a saved query."""
    _keep("saved_queries.json", {kept: sql for kept, sql in saved_queries().items() if kept != name})


def saved_filters() -> dict[str, dict[str, Any]]:
    """Return the person's saved filters of the Sessions page by name, each as values of its widgets."""
    found = _kept("saved_filters.json")
    return {str(name): values for name, values in found.items() if isinstance(values, dict)}


def save_filter(name: str, values: dict[str, Any]) -> None:
    """Keep filters under a name, in place of those of the same name."""
    _keep("saved_filters.json", {**saved_filters(), name: values})


def forget_filter(name: str) -> None:
    """Drop saved filters."""
    _keep("saved_filters.json", {kept: values for kept, values in saved_filters().items() if kept != name})


def run_sql(sql: str, *, limit: int, seconds: float) -> queries.QueryResult:
    """Run a person's query on a guarded connection of its own.

    Raises:
        QueryError: it is not one `select`, it cannot be run, or it took too long.
        LakeError: there is no lake, or it cannot be read.
    """
    with queries.guarded_lake(config()) as con:
        return queries.run_query(con, sql, limit=limit, seconds=seconds)


def outdated_account() -> str | None:
    """Say in a sentence or two that the figures are of another version, and what to do; None where they are not."""
    settings = config()
    identity = _identity(settings)
    return _outdated(settings, identity, _snapshot_id(settings, identity, _catalog_mark(settings)))


def lake_bytes() -> int:
    """Return the size of the lake on disk, catalog included; 0 for a lake that is not a local folder."""
    settings = config()
    catalog = settings.catalog_path.stat().st_size if settings.catalog_path.exists() else 0
    return catalog + (0 if settings.data_path else reports.folder_bytes(settings.lake_path))


def _identity(settings: Config) -> Hashable:
    """What changes when the catalog is another file than before, as after a fresh start of the lake."""
    if settings.catalog:
        return settings.catalog
    try:
        return settings.catalog_path.stat().st_ino
    except OSError as error:
        raise LakeError(f"There is no lake in {settings.home} yet. Run: ./her ingest") from error


def _catalog_mark(settings: Config) -> Hashable:
    """What changes with every commit and costs next to nothing to look at; the catalog itself takes milliseconds."""
    if settings.catalog:
        return time.monotonic() // _REMOTE_SECONDS
    marks = []
    for path in (settings.catalog_path, settings.catalog_path.with_name(f"{settings.catalog_path.name}-wal")):
        try:
            found = path.stat()
        except OSError:  # no write-ahead log: nothing was written since it was merged
            continue
        marks.append((found.st_mtime_ns, found.st_size))
    return tuple(marks)


@lru_cache(maxsize=4)
def _snapshot_id(settings: Config, identity: Hashable, mark: Hashable) -> int:
    with _cursor(settings.home, identity) as cursor:
        return Lake(cursor, settings).snapshot_id()


@lru_cache(maxsize=4)
def _outdated(settings: Config, identity: Hashable, _snapshot: int) -> str | None:
    with _cursor(settings.home, identity) as cursor:
        return Lake(cursor, settings).outdated_account()


@lru_cache(maxsize=1)
def _lake(home: Path, identity: Hashable) -> Lake:
    return open_lake(load_config(home), read_only=True)


def _cursor(home: Path, identity: Hashable) -> duckdb.DuckDBPyConnection:
    """Return a cursor of its own for each call, since pages are drawn by several threads at once."""
    cursor = _lake(home, identity).con.cursor()
    cursor.execute("use lake")
    return cursor


@lru_cache(maxsize=_ANSWERS_KEPT)
def _answer(
    home: Path,
    identity: Hashable,
    snapshot_id: int,
    question: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: tuple[tuple[str, Any], ...],
) -> Any:
    with _cursor(home, identity) as cursor:
        return question(cursor, *args, **dict(kwargs))


def _kept(file_name: str) -> dict[str, Any]:
    """Return what a file of the person's own holds; nothing where it cannot be read."""
    try:
        found = json.loads((config().home / file_name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _keep(file_name: str, values: dict[str, Any]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    path = config().home / file_name
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(json.dumps(values, indent=2, ensure_ascii=False), encoding="utf-8")
    beside.replace(path)
