"""The ledger's threads of some logs, for benchmarks: a lake in a temporary folder, models built beside it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from her_models import warehouse
from her_models.config import Config
from her_models.ingest import ingest
from her_models.lake import open_lake
from her_models.ledger.reading import threads
from her_models.ledger.sizes import Densities, load_densities
from her_models.ledger.tables import LEDGER_READS
from her_models.ledger.thread import Thread


@contextlib.contextmanager
def ledger_connection(paths: Sequence[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Ingest `paths` into a lake of their own and yield a connection with the models that the ledger reads."""
    with tempfile.TemporaryDirectory() as home:
        config = Config(home=Path(home))
        ingest(config, paths)
        with open_lake(config, read_only=True) as lake:
            lake.con.execute("create temp table scope_sessions as select distinct source_id, session_id from lines")
            warehouse.build(lake.con, warehouse.needed_by(LEDGER_READS))
            yield lake.con


def ledger_threads(paths: Sequence[str], densities: Densities | None = None) -> list[Thread]:
    """Return the threads of all sessions below `paths`."""
    with ledger_connection(paths) as con:
        return list(threads(con, densities or load_densities()))
