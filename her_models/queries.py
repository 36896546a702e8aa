"""Queries a person writes: read-only, and blind to everything but the lake.

What belongs here: the guard, and running one query under it, for `her sql` and the app's SQL page. Questions Her
asks itself are in `reports`.

Three walls, because each alone has a hole: the lake is attached read-only, DuckDB may open no file outside the lake's
own folders, and the query must be one `select` that calls no table function but those listed here. Without the last,
`sqlite_scan` would read any database on the machine, and `ducklake_cleanup_old_files` would delete.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from her_models.config import Config
from her_models.errors import QueryError
from her_models.lake import data_path, literal, open_lake

TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns",
        "duckdb_functions",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "generate_series",
        "generate_subscripts",
        "histogram",
        "histogram_values",
        "json_each",
        "json_tree",
        "pragma_table_info",
        "range",
        "repeat",
        "summary",
        "unnest",
    }
)


@dataclass(frozen=True)
class QueryResult:
    """Rows of a query; `is_cut` says that there were more than the limit."""

    table: pa.Table
    is_cut: bool


@contextmanager
def guarded_lake(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the lake read-only on a connection of its own that `run_query` may use, and close it afterwards.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    with open_lake(config, read_only=True) as lake:
        guard(lake.con, [data_path(config)])
        yield lake.con


def guard(con: duckdb.DuckDBPyConnection, folders: Sequence[str]) -> None:
    """Shut this connection's database off from all files but those below `folders`, for good."""
    con.execute(f"set allowed_directories = {literal(list(folders))}")
    con.execute("set python_enable_replacements = false")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")


def run_query(
    con: duckdb.DuckDBPyConnection, sql: str, *, limit: int | None = None, seconds: float | None = None
) -> QueryResult:
    """Run one `select` on a guarded connection and return at most `limit` rows, within `seconds` if given.

    Raises:
        QueryError: it is not one `select`, DuckDB refuses it, or it took too long.
    """
    _check(con, sql)
    timer = threading.Timer(seconds, con.interrupt) if seconds else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        return _rows(con.execute(sql).to_arrow_reader(10_000), limit)
    except duckdb.InterruptException as error:
        raise QueryError(f"The query took longer than {seconds} seconds. Ask for less, or filter first.") from error
    except (duckdb.Error, pa.ArrowException) as error:
        raise QueryError(_explained(error)) from error
    finally:
        if timer:
            timer.cancel()


def _rows(batches: pa.RecordBatchReader, limit: int | None) -> QueryResult:
    read, count = [], 0
    for batch in batches:
        read.append(batch)
        count += batch.num_rows
        if limit is not None and count > limit:
            break
    table = pa.Table.from_batches(read, batches.schema)
    table = table.rename_columns(_told_apart(table.column_names))
    is_cut = limit is not None and count > limit
    return QueryResult(table.slice(0, limit) if is_cut else table, is_cut)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Return column names of which none is twice: by its name a row is read, and the first `n` would be lost."""
    found: list[str] = []
    for name in names:
        new, count = name, 0
        while new in found or (new != name and new in names):
            count += 1
            new = f"{name}_{count}"
        found.append(new)
    return found


def _check(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Refuse what is not one `select`, or calls a table function that reaches outside the lake."""
    try:
        statements = con.extract_statements(sql)
        row = con.execute(f"select json_serialize_sql({literal(sql)})").fetchone()
    except duckdb.Error as error:
        raise QueryError(_explained(error)) from error
    if not statements:
        raise QueryError("The query is empty. Write a select, such as: select * from daily_cost")
    if len(statements) > 1:
        raise QueryError(
            f"One select at a time; this is {len(statements)} statements."
            " A pivot needs its values written out: pivot t on c in ('a', 'b')."
        )
    tree = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise QueryError(
            "Only a select can be run here; the lake is read-only."
            " `describe <table>`, `show tables` and `summarize <table>` work too."
        )
    for name in _table_functions(tree):
        if name not in TABLE_FUNCTIONS:
            raise QueryError(
                f"The table function {name!r} is not available here: queries see the lake and no other file."
                f" Available: {', '.join(sorted(TABLE_FUNCTIONS))}."
            )


def _table_functions(node: Any) -> Iterator[str]:
    """Yield the name of every table function in DuckDB's own syntax tree of a query."""
    if isinstance(node, dict):
        if node.get("type") == "TABLE_FUNCTION":
            yield str(node["function"]["function_name"]).lower()
        for value in node.values():
            yield from _table_functions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _table_functions(value)


def _explained(error: Exception) -> str:
    text = str(error).strip()
    if "file system operations are disabled" in text:
        return f"{text.splitlines()[0]}. Queries see the lake and no other file."
    return text
