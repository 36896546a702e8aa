"""Lakes for tests: made from a folder of logs, asked with SQL, compared with each other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from her_models.config import Config, Source
from her_models.contracts import TABLES
from her_models.ingest import IngestReport, ingest
from her_models.lake import Lake, open_lake

SHARED = Path(__file__).parents[2] / "shared"

# What says when and by which run something was done, and where the folder lay: it differs from lake to lake.
_CIRCUMSTANCES = {
    "run_id",
    "first_seen_at",
    "last_seen_at",
    "last_read_at",
    "checked_at",
    "modified_ns",
    "root",
}
# A row per read of a file, or per run: compared in sum only.
_PER_READ = {"ingest_runs", "schema_drift"}


def config_of(home: Path, logs: Path, owner: str = "dev", **settings: Any) -> Config:
    """Return the configuration of a lake in `home` with one source, the logs below `logs`."""
    return Config(home=home, sources=(Source(owner, "host", logs),), **settings)


def ingested(home: Path, logs: Path, **settings: Any) -> Config:
    """Ingest a folder of logs into the lake in `home`, and return its configuration."""
    config = config_of(home, logs, **settings)
    ingest(config)
    return config


def ingest_again(config: Config) -> IngestReport:
    return ingest(config)


@contextlib.contextmanager
def reading(config: Config) -> Iterator[Lake]:
    with open_lake(config, read_only=True) as lake:
        yield lake


def rows(config: Config, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds in the lake."""
    with reading(config) as lake:
        return lake.con.execute(query).fetchall()


def row(config: Config, query: str) -> tuple[Any, ...]:
    """Return the one row a query finds."""
    (only,) = rows(config, query)
    return only


def same_key(home: Path, other: Path) -> None:
    """Give a lake still to be made the fingerprint key of another, so that their hashes can be compared."""
    home.mkdir(parents=True, exist_ok=True)
    target = home / "redaction.key"
    target.write_bytes((other / "redaction.key").read_bytes())
    target.chmod(0o600)


def _columns(name: str) -> Sequence[str]:
    return [c for c in TABLES[name].column_names if c not in _CIRCUMSTANCES and (name, c) != ("sources", "path")]


def fingerprints(config: Config) -> dict[str, tuple[Any, ...]]:
    """Return for each table the count and a hash of its rows, whatever their order; when and where are left out."""
    prints = {}
    with reading(config) as lake:
        for name in TABLES:
            if name in _PER_READ:
                continue
            columns = ", ".join(_columns(name))
            query = f"select count(*), bit_xor(hash({columns})), sum(hash({columns})) from {name}"
            prints[name] = lake.con.execute(query).fetchone()
        prints["schema_drift"] = tuple(
            lake.con.execute(
                "select line_type, field_path, client_version, sum(occurrence_count) from schema_drift "
                "group by all order by all"
            ).fetchall()
        )
    return prints


def differences(config: Config, other: Config) -> list[str]:
    """Return which tables of two lakes hold different rows, each with a few of them."""
    ours, theirs = fingerprints(config), fingerprints(other)
    found = []
    for name in ours:
        if ours[name] != theirs[name]:
            found.append(f"{name}: {_sample(config, other, name)}")
    return found


def _sample(config: Config, other: Config, name: str) -> str:
    if name == "schema_drift":
        return "sums of occurrence_count differ"
    query = f"select {', '.join(_columns(name))} from {name}"
    ours, theirs = (set(map(repr, rows(c, query))) for c in (config, other))
    few = [sorted(a - b)[:2] for a, b in ((ours, theirs), (theirs, ours))]
    return f"{len(ours - theirs)} only in one, such as {few[0]}; {len(theirs - ours)} only in other, such as {few[1]}"
