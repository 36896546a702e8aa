"""What the asset of a table says of it: key, place in the graph, columns.

What belongs here: reading the contract and the models' headers into `AssetSpec`s. What does not: filling the tables.
"""

import hashlib

import dagster as dg

from her_models.checks import checks
from her_models.contracts import TABLES, Table
from her_models.warehouse import GIVEN, SQL_PATH, Model

LOGS = dg.AssetKey("session_logs")

GIVEN_FROM = {
    "scope_sessions": ("lines",),  # the sessions that changed
    "changed_files": ("source_files",),
    "check_results": tuple(sorted({check.table for check in checks().values()} - {"data_quality"})),
}
"""Tables that a publication makes for itself, as the tables it makes them from."""


def _columns(table: Table) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(column.name, column.type, column.meaning) for column in table.columns])


def _model_columns(model: Model) -> dg.TableSchema:
    """A mart's columns have types in the contract; a step between has names and meanings only."""
    if model.name in TABLES:
        return _columns(TABLES[model.name])
    return dg.TableSchema([dg.TableColumn(name, "", meaning) for name, meaning in model.columns])


def table_spec(table: Table, deps: tuple[str, ...], group: str) -> dg.AssetSpec:
    """Return the asset of a table that the ingest writes itself."""
    return dg.AssetSpec(
        table.name,
        deps=[dg.AssetKey(dep) for dep in deps],
        description=f"One row per {table.grain}. Key: {', '.join(table.key)}.",
        group_name=group,
        kinds={"parquet", "ducklake"},
        metadata={"dagster/column_schema": _columns(table)},
    )


def reads(model: Model) -> list[str]:
    """Return the assets that a model reads, each once."""
    found = [name for read in model.reads for name in GIVEN_FROM.get(read, () if read in GIVEN else (read,))]
    return [name for name in dict.fromkeys(found) if name != model.name]


def model_spec(model: Model) -> dg.AssetSpec:
    """Return the asset of a SQL model, as its header describes it."""
    lines = [f"{model.description[:1].upper()}{model.description[1:]}", f"Grain: {model.grain}."]
    lines.append(f"Key: {', '.join(model.key)}.")
    if model.note:
        lines.append(f"Note: {model.note}.")
    return dg.AssetSpec(
        model.name,
        deps=[dg.AssetKey(name) for name in reads(model)],
        description="\n\n".join(lines),
        group_name=model.layer,
        kinds={"duckdb", "sql"} if model.sql else {"python"},
        code_version=hashlib.blake2b(model.path.read_bytes(), digest_size=8).hexdigest(),
        metadata={
            "dagster/column_schema": _model_columns(model),
            "file": model.path.relative_to(SQL_PATH.parent).as_posix(),
            "scope": model.scope,
        },
    )
