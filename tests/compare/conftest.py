"""Tables filled by hand for questions about comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest

from her_models.contracts import TABLES

SOURCE = "ada@laptop"
_NOTHING = {"BIGINT": 0, "INTEGER": 0, "BOOLEAN": False}
Fill = Callable[..., None]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with every table of the contract, empty."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table in TABLES.values():
            connection.execute(table.ddl())
        yield connection


@pytest.fixture
def fill(con: duckdb.DuckDBPyConnection) -> Fill:
    """Insert rows; a count left out is 0, a flag false, anything else null."""

    def into(table: str, *rows: dict[str, Any]) -> None:
        for row in rows:
            full = {column.name: _NOTHING.get(column.type) for column in TABLES[table].columns}
            full |= {"source_id": SOURCE} if "source_id" in full else {}
            full |= row
            marks = ", ".join("?" for _ in full)
            con.execute(f"insert into {table} ({', '.join(full)}) values ({marks})", list(full.values()))

    return into
