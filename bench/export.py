"""Print what it takes to write one session as a file: CPU seconds, seconds and size, in each format.

    HER_HOME=~/.her .venv/bin/python -m bench.export [SESSION]
    .venv/bin/python -m bench.export --events 20000

SESSION is how its id begins; without it, the lake's longest session is taken. With `--events`, one of so many is made
by SQL in a lake of its own. The first row is the page that replays in one file, which holds the session's texts,
rendered. CPU is that of all cores together, DuckDB's threads included. Each format is written twice and the second time
is printed: the first also loads libraries.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from app.replay.page import session_page
from her_models import bulk_export, reports
from her_models.config import Config, load_config
from her_models.errors import HerError
from her_models.export import FORMATS, SessionKey, export_session, find_session
from her_models.lake import open_lake
from tests.app.conftest import fill_lake
from tests.long_session import LONG, fill_long_session

MEGABYTE = 1_000_000


def measured(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str, time_zone: str) -> tuple[float, float, int]:
    """Write the session in one format and throw it away; return CPU seconds, seconds and bytes."""
    cpu, began, size = time.process_time(), time.perf_counter(), 0
    pieces = session_page(con, key, time_zone) if kind == "html" else export_session(con, key, kind)
    for piece in pieces:
        size += len(piece)
    return time.process_time() - cpu, time.perf_counter() - began, size


def chosen(con: duckdb.DuckDBPyConnection, name: str | None) -> SessionKey:
    """Return the session named, or the longest."""
    if name:
        return find_session(con, name)
    longest = reports.longest_session(con)
    if longest is None:
        sys.exit("The lake holds no session. Make one: her ingest")
    return SessionKey(longest.source_id, longest.session_id)


def show(config: Config, name: str | None) -> None:
    """Measure and print."""
    with open_lake(config, read_only=True) as lake:
        key = chosen(lake.con, name)
        events = reports.session_events(lake.con, key.source_id, key.session_id).num_rows
        logged = bulk_export.logged_bytes(lake.con, [key])
        title = f"{key.session_id[:8]}: {events:,} events" + (f", {logged / MEGABYTE:.1f} MB logged" if logged else "")
        table = Table("Format", "CPU, s", "Seconds", "MB", title=title)
        for column in table.columns[1:]:
            column.justify = "right"
        for kind in ("html", *FORMATS):
            measured(lake.con, key, kind, config.time_zone)
            cpu, seconds, size = measured(lake.con, key, kind, config.time_zone)
            table.add_row(kind, f"{cpu:.2f}", f"{seconds:.2f}", f"{size / MEGABYTE:.2f}")
    Console(width=100, file=sys.stdout).print(table)


def main() -> None:
    """Take a session of the lake in HER_HOME, or make one."""
    parser = argparse.ArgumentParser(description="What writing one session as a file takes.")
    parser.add_argument("session", nargs="?")
    parser.add_argument("--events", type=int)
    asked = parser.parse_args()
    if asked.events is None:
        show(load_config(), asked.session)
        return
    with tempfile.TemporaryDirectory() as folder:
        fill_lake(Path(folder))
        with open_lake(load_config(Path(folder))) as lake:
            fill_long_session(lake, asked.events)
        show(load_config(Path(folder)), LONG)


if __name__ == "__main__":
    try:
        main()
    except HerError as error:
        sys.exit(str(error))
