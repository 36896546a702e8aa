"""Every SQL model on a few rows: `tests/sql/<model>/<case>/` holds the tables it reads and what must come out.

`{table}.csv` fills a table of the contract (absent columns are null), `{model}.csv` stands for a model; others upstream
are run. An empty field is null, a quoted empty one is an empty text. `expect.csv`
names the columns that the case is about and lists all rows. Files without a row of their own in `source_files.csv`
are given one, so that a case says only what matters to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from her_models import warehouse
from her_models.checks import checks, run_check
from her_models.contracts import TABLES

CASES = sorted(path for path in (Path(__file__).parent / "sql").glob("*/*") if path.is_dir())
MODELS = warehouse.models()

_CHECK_RESULTS = (
    "select null::varchar as source_id, null::varchar as check_name, null::varchar as severity, "
    "0::bigint as failing_count, null::varchar as first_failing, null::timestamptz as checked_at, "
    "null::varchar as reason, null::varchar as remedy where false"
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for table in TABLES.values():
            if table.layer != "mart":
                connection.execute(table.ddl())
        connection.execute("set variable time_zone = 'UTC'")
        yield connection


def _load(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for path in sorted(folder.glob("*.csv")):
        if path.stem == "expect":
            continue
        if path.stem == "check_results":
            con.execute(f"create table check_results as {_CHECK_RESULTS}")
            con.execute(f"insert into check_results by name select * from read_csv('{path}', header = true)")
            continue
        if path.stem not in TABLES:  # a model upstream, given as it would come out
            con.execute(
                f"create table {path.stem} as "
                f"select * from read_csv('{path}', header = true, nullstr = '', allow_quoted_nulls = false)"
            )
            continue
        if TABLES[path.stem].layer == "mart":
            con.execute(TABLES[path.stem].ddl())
        names = path.read_text().split("\n", 1)[0].split(",")
        types = {column.name: column.type for column in TABLES[path.stem].columns}
        casts = ", ".join(f"cast({name} as {types[name]}) as {name}" for name in names)
        con.execute(
            f"insert into {path.stem} by name select {casts} "
            f"from read_csv('{path}', header = true, all_varchar = true, nullstr = '', allow_quoted_nulls = false)"
        )
    con.execute(
        "insert into source_files by name select source_id, file_id, 'f' || file_id as path, true as is_current, "
        "'ok' as status from (select source_id, file_id from lines union select source_id, file_id from response_lines "
        "union select source_id, file_id from block_lines) where file_id not in (select file_id from source_files)"
    )
    con.execute("create table scope_sessions as select distinct source_id, session_id from lines")
    settings = folder / "settings.txt"
    if settings.exists():
        con.execute(f"set variable time_zone = '{settings.read_text().strip()}'")


def _build(con: duckdb.DuckDBPyConnection, name: str, given: set[str]) -> None:
    needed = {name}
    for model in reversed(MODELS.values()):
        if model.name in needed:
            needed.update(read for read in model.reads if read in MODELS and read not in given)
    warehouse.build(con, [model for model in MODELS.values() if model.name in needed])


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_model_gives_the_expected_rows(con, case):
    _load(con, case)
    _build(con, case.parent.name, {path.stem for path in case.glob("*.csv")})
    names = (case / "expect.csv").read_text().split("\n", 1)[0].split(",")
    found = con.execute(
        "select "
        + ", ".join(f"nullif(cast({name} as varchar), '')" for name in names)
        + f" from {case.parent.name} order by all"
    ).fetchall()
    expected = con.execute(
        f"select * from read_csv('{case / 'expect.csv'}', header = true, all_varchar = true, nullstr = '') order by all"
    ).fetchall()
    assert found == expected


@pytest.mark.parametrize("name", [model.name for model in warehouse.mart_models().values() if model.layer != "python"])
def test_every_model_has_a_case(name):
    assert any(case.parent.name == name for case in CASES), f"tests/sql/{name}/ has no case"


@pytest.mark.parametrize("name", list(MODELS))
def test_model_lists_the_columns_it_gives_and_runs_on_empty_tables(con, name):
    con.execute("create table scope_sessions(source_id varchar, session_id varchar)")
    con.execute(f"create table check_results as {_CHECK_RESULTS}")
    _build(con, name, set())
    built = [row[0] for row in con.execute(f"describe {name}").fetchall()]
    assert [column for column, _ in MODELS[name].columns] == built


@pytest.mark.parametrize("name", [table.name for table in TABLES.values() if table.layer == "mart"])
def test_mart_keeps_its_contract(con, name):
    con.execute("create table scope_sessions(source_id varchar, session_id varchar)")
    con.execute(f"create table check_results as {_CHECK_RESULTS}")
    _build(con, name, set())
    built = {
        row[0]: row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")
        for row in con.execute(f"describe {name}").fetchall()
    }
    contract = TABLES[name]
    assert built == {column.name: column.type for column in contract.columns}
    assert MODELS[name].key == contract.key


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.sql])
def test_model_reads_what_its_header_says(con, name):
    text = re.sub(r"--.*", "", MODELS[name].sql)
    steps = set(re.findall(r"(\w+) as (?:materialized )?\(\s*select", text))
    read = set(re.findall(r"\b(?:from|join)\s+([a-z_]+)\b", text)) - steps
    assert read - {"unnest"} == set(MODELS[name].reads)


@pytest.mark.parametrize("name", list(checks()))
def test_check_runs_on_empty_tables(con, name):
    for table in TABLES.values():
        con.execute(table.ddl())
    con.execute("create table changed_files as select * from source_files")
    assert run_check(con, checks()[name]).is_ok


@pytest.mark.parametrize("name", [name for name, model in warehouse.mart_models().items() if model.sql])
def test_model_joins_by_hashing(con, name):
    """A condition on one side of an outer join compares every row with every row: minutes on a gigabyte of logs."""
    con.execute("create table scope_sessions(source_id varchar, session_id varchar)")
    con.execute(f"create table check_results as {_CHECK_RESULTS}")
    _build(con, name, set())
    con.execute("set asof_loop_join_threshold = 0")  # few rows may be looped over
    con.execute("set disabled_optimizers = 'statistics_propagation'")  # it would see that the tables are empty
    plan = "\n".join(row[1] for row in con.execute(f"explain {MODELS[name].sql}").fetchall())
    assert "NL_JOIN" not in plan
    assert "NESTED_LOOP" not in plan
    assert "CROSS_PRODUCT" not in plan
