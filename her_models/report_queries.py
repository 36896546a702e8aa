"""The queries of `sql/reports` by name: their text, and their answer as a table.

What belongs here: reading and running them. What does not: what they are asked for (`reports` and the modules beside
it), or SQL models (`warehouse`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

_FOLDER = Path(__file__).resolve().parent.parent / "sql" / "reports"


@cache
def report_query(name: str) -> str:
    """Return the text of a query, with `$names` for what it is asked of."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def report_table(con: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any] | None = None) -> pa.Table:
    """Return the rows of a query."""
    return con.execute(report_query(name), parameters or {}).to_arrow_table()


def report_record(
    con: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the one row of a query that gives one."""
    row: dict[str, Any] = report_table(con, name, parameters).to_pylist()[0]
    return row
