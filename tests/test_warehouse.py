"""Headers of SQL files: what is wrong in one is said with file and remedy."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from her_models import warehouse
from her_models.checks import checks, read_check
from her_models.contracts import TABLES
from her_models.errors import ModelError

HEADER = """\
-- {name}: things.
-- grain: one row per thing
-- key:   id
-- reads: {reads}

select
    id,  -- thing
from {reads}
"""


def _model(folder: Path, name: str, reads: str, layer: str = "marts") -> Path:
    path = folder / layer / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER.format(name=name, reads=reads))
    return path


def test_models_come_after_those_they_read(tmp_path):
    _model(tmp_path, "bags", "apples")
    _model(tmp_path, "apples", "stg_apples")
    _model(tmp_path, "stg_apples", "lines", "staging")
    assert list(warehouse.models(tmp_path)) == ["stg_apples", "apples", "bags"]


def test_models_that_read_each_other_are_named(tmp_path):
    _model(tmp_path, "eggs", "hens")
    _model(tmp_path, "hens", "eggs")
    with pytest.raises(ModelError, match=r"in a ring: .*eggs.*hens|in a ring: .*hens.*eggs"):
        warehouse.models(tmp_path)


def test_a_table_that_does_not_exist_is_named(tmp_path):
    _model(tmp_path, "bags", "nothing")
    with pytest.raises(ModelError, match=r"bags\.sql: reads 'nothing', which is neither a model nor a table"):
        warehouse.models(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select 1\n", "no header"),
        ("-- other: things.\n", "Write: -- bags: what it holds"),
        ("-- bags: things.\n-- colour: red\n", "line 2: header field 'colour' is unknown"),
        ("-- bags: things.\n-- key: id\n", "lacks grain, reads"),
        ("-- bags: things.\n-- grain: g\n-- key: id\n-- reads: lines\n-- scope: world\n", "scope is 'world'"),
    ],
)
def test_a_header_that_cannot_be_used_is_explained(tmp_path, text, said):
    path = tmp_path / "marts" / "bags.sql"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ModelError, match=said):
        warehouse.read_model(path)


def test_a_model_that_cannot_run_is_named(tmp_path):
    model = warehouse.read_model(_model(tmp_path, "bags", "lines"))
    with duckdb.connect() as con, pytest.raises(ModelError, match=r"bags\.sql cannot be run: .*lines"):
        warehouse.build(con, [model])


def test_every_mart_of_the_contract_has_its_model():
    marts = {name for name, table in TABLES.items() if table.layer == "mart"}
    assert marts <= set(warehouse.mart_models())


def test_every_check_says_what_to_do_and_reads_what_exists():
    known = set(warehouse.models()) | set(TABLES) | warehouse.GIVEN
    for check in checks().values():
        assert check.table in TABLES
        assert set(check.reads) <= known
        assert check.remedy
        assert check.severity in ("critical", "warning")


def test_only_what_makes_marts_makes_those_of_before_outdated(tmp_path):
    def version(*, of: str, saying: str) -> str:
        folder = tmp_path / f"{of}-{saying}"
        for part in ("staging", "intermediate", "marts", "checks", "ask", "reports", "advice", "quality"):
            (folder / part).mkdir(parents=True)
            (folder / part / "one.sql").write_text(f"select {saying if part == of else 0}\n")
        return warehouse.models_version(folder)

    for part in ("staging", "intermediate", "marts", "checks"):
        assert version(of=part, saying="1") != version(of=part, saying="2")
    for part in ("ask", "reports", "advice", "quality"):
        assert version(of=part, saying="1") == version(of=part, saying="2")


def test_a_check_without_a_severity_is_refused(tmp_path):
    path = tmp_path / "odd.sql"
    path.write_text("-- odd: why.\n-- table: lines\n-- reads: lines\n-- remedy: none\n\nselect 1 as failing\n")
    with pytest.raises(ModelError, match="lacks severity"):
        read_check(path)
