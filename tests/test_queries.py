"""A query a person writes sees the lake, changes nothing, and reads no other file."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from her_models.config import Config
from her_models.errors import LakeError, QueryError
from her_models.lake import open_lake
from her_models.queries import guarded_lake, run_query


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    config = Config(home=tmp_path_factory.mktemp("home"))
    with open_lake(config) as lake:
        lake.con.execute("insert into sources (source_id, owner) values ('asha@a', 'asha'), ('ben@b', 'ben')")
    return config


@pytest.fixture(scope="module")
def con(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with guarded_lake(config) as con:
        yield con


def test_query_gives_rows_and_says_when_there_are_more(con: duckdb.DuckDBPyConnection) -> None:
    query = "select owner from sources order by owner"
    whole, cut = run_query(con, query), run_query(con, query, limit=1)
    assert (whole.table.to_pylist(), whole.is_cut) == ([{"owner": "asha"}, {"owner": "ben"}], False)
    assert (cut.table.to_pylist(), cut.is_cut) == ([{"owner": "asha"}], True)
    assert not run_query(con, query, limit=2).is_cut


def test_columns_of_one_name_are_told_apart(con: duckdb.DuckDBPyConnection) -> None:
    found = run_query(con, "select 1 as n, 2 as n, 3 as n_1, 4 as n").table
    assert found.to_pylist() == [{"n": 1, "n_2": 2, "n_1": 3, "n_3": 4}]


@pytest.mark.parametrize(
    "query",
    [
        "-- owners\nselect count(*) from sources; -- end",
        "from sources",
        "with a as (select 1 as b) select * from a",
        "values (1), (2)",
        "describe sources",
        "summarize sources",
        "show tables",
        "select * from range(3), unnest([1, 2])",
        "select * from duckdb_columns() where table_name = 'requests'",
        "pivot sources on owner in ('asha', 'ben') using count(*)",
    ],
)
def test_whatever_only_reads_is_run(con: duckdb.DuckDBPyConnection, query: str) -> None:
    assert run_query(con, query).table.num_rows > 0


@pytest.mark.parametrize(
    "query",
    [
        "insert into sources (source_id) values ('x')",
        "delete from sources",
        "drop table sources",
        "create temp table a as select 1",
        "create macro a() as table select 1",
        "set memory_limit = '1TB'",
        "reset lock_configuration",
        "pragma database_list",
        "attach 'x.db'",
        "detach lake",
        "install httpfs",
        "load httpfs",
        "copy sources to 'x.csv'",
        "export database 'x'",
        "call ducklake_expire_snapshots('lake', older_than => now())",
        "explain analyze delete from sources",
        "prepare a as delete from sources",
        "begin",
        "use memory",
        "vacuum",
    ],
)
def test_whatever_is_no_select_is_refused(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(QueryError, match="Only a select can be run here"):
        run_query(con, query)


@pytest.mark.parametrize(
    "query",
    [
        "select 1; drop table sources",
        "select 1; select 2",
        "commit; begin; delete from sources; commit",
        "select ';'; delete from sources",
        "pivot sources on owner using count(*)",  # DuckDB makes a type for it first
    ],
)
def test_second_statement_is_refused(con: duckdb.DuckDBPyConnection, query: str) -> None:
    with pytest.raises(QueryError, match="One select at a time"):
        run_query(con, query)


@pytest.mark.parametrize(
    ("query", "function"),
    [
        ("select * from read_text('{file}')", "read_text"),
        ("select * from read_csv_auto('{file}')", "read_csv_auto"),
        ("select * from read_parquet('{lake}/**')", "read_parquet"),
        ("select * from sqlite_scan('{database}', 'a')", "sqlite_scan"),
        ("select * from sqlite_attach('{database}')", "sqlite_attach"),
        ("select * from SQLite_Query('lake', 'select 1')", "sqlite_query"),
        ("select * from glob('{lake}/*')", "glob"),
        ("select * from query('select 1')", "query"),
        ("select * from query_table(['sources'])", "query_table"),
        ("select * from ducklake_cleanup_old_files('lake', cleanup_all => true)", "ducklake_cleanup_old_files"),
        ("select * from ducklake_delete_orphaned_files('lake')", "ducklake_delete_orphaned_files"),
        ("select 1 where exists (select * from read_blob('{file}'))", "read_blob"),
        ("with a as materialized (from read_json('{file}')) from a", "read_json"),
        ("select (select content from read_text('{file}')) as a", "read_text"),
        ("select * from sources, lateral (from read_text(path))", "read_text"),
        ("describe (select * from read_text('{file}'))", "read_text"),
        ("(select 1) union all (select 2 from read_text('{file}'))", "read_text"),
        ("with recursive a as (select 1 union all select 2 from read_text('{file}')) from a", "read_text"),
    ],
)
def test_function_that_reaches_outside_is_refused(
    con: duckdb.DuckDBPyConnection, config: Config, tmp_path: Path, query: str, function: str
) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    sqlite3.connect(tmp_path / "other.sqlite").close()
    places = {"file": tmp_path / "secret.txt", "database": tmp_path / "other.sqlite", "lake": config.lake_path}
    with pytest.raises(QueryError, match=f"table function '{function}' is not available"):
        run_query(con, query.format(**places))


@pytest.mark.parametrize("name", ["secret.csv", "secret.parquet", "secret.json", "secret.sqlite", "secret.duckdb"])
def test_file_named_as_a_table_is_not_read(con: duckdb.DuckDBPyConnection, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(QueryError, match=r"disabled by configuration|does not exist"):
        run_query(con, f"select * from '{tmp_path / name}'")


def test_variables_of_the_program_are_no_tables(con: duckdb.DuckDBPyConnection) -> None:
    frame = run_query(con, "select 1 as a").table
    assert frame.num_rows == 1
    with pytest.raises(QueryError, match="frame does not exist"):
        run_query(con, "select * from frame")


def test_mistake_is_explained_without_a_traceback(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryError, match='syntax error at or near "selec"'):
        run_query(con, "selec 1")
    with pytest.raises(QueryError, match="The query is empty"):
        run_query(con, " ; ")
    with pytest.raises(QueryError, match="Table with name nowhere does not exist"):
        run_query(con, "from nowhere")


def test_query_ends_when_its_time_is_over(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryError, match=r"took longer than 0\.2 seconds"):
        run_query(
            con,
            "select count(*) from range(100000000) a, range(100000000) b where a.range % 7 = b.range % 5",
            seconds=0.2,
        )
    assert run_query(con, "select 1 as a").table.to_pylist() == [{"a": 1}]


def test_nothing_above_changed_the_lake(config: Config) -> None:
    with open_lake(config, read_only=True) as lake:
        assert lake.con.execute("select count(*) from sources").fetchone() == (2,)


def test_without_a_lake_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"\S"), guarded_lake(Config(home=tmp_path / "none")):
        pass
