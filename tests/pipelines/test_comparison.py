"""The comparisons of the night: written to the lake and to a report, judged, and the same when run again."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from her_models.config import Config
from pipelines.assets.comparison import watch, weeks
from pipelines.checks.comparison import comparison_suites
from pipelines.resources import Her
from tests.lakes import row, rows


@pytest.fixture(scope="module")
def compared(demo_lake: Config) -> dg.ExecuteInProcessResult:
    resources = {"her": Her(home=str(demo_lake.home))}
    return dg.materialize([watch, weeks, comparison_suites], resources=resources)


def test_the_night_compares_the_weeks_and_its_steps_add_up(
    demo_lake: Config, compared: dg.ExecuteInProcessResult
) -> None:
    assert compared.success
    checks = compared.get_asset_check_evaluations()
    assert {check.check_name for check in checks} == {"steps_add_up", "chances_between_0_and_1", "verdicts_are_earned"}
    assert all(check.passed for check in checks)
    a_count, b_count, a_usd, b_usd = row(
        demo_lake,
        "select a_sessions_count, b_sessions_count, a_usd, b_usd from group_comparison"
        " where project = '' and measure = 'turns_count'",
    )
    (week,) = rows(
        demo_lake,
        "select count(*) filter (started_at::date between '2026-11-06' and '2026-11-12'), "
        "count(*) filter (started_at::date between '2026-11-13' and '2026-11-19'), "
        "sum(billed_usd) filter (started_at::date between '2026-11-06' and '2026-11-12'), "
        "sum(billed_usd) filter (started_at::date between '2026-11-13' and '2026-11-19') from session_comparison",
    )
    assert (a_count, b_count, a_usd, b_usd) == week


def test_the_report_names_projects_and_says_method_and_limits(
    demo_lake: Config, compared: dg.ExecuteInProcessResult
) -> None:
    page = (demo_lake.home / "reports" / "weeks-2026-11-19.html").read_text(encoding="utf-8")
    text = (demo_lake.home / "reports" / "weeks-2026-11-19.md").read_text(encoding="utf-8")
    assert "<h2>Project spoke-api</h2>" in page
    assert "Sessions are not assigned by lot." in page
    assert "A is the week 2026-11-06 to 2026-11-12, B the week 2026-11-13 to 2026-11-19." in text


def test_run_again_the_night_leaves_the_same_rows(demo_lake: Config, compared: dg.ExecuteInProcessResult) -> None:
    query = "select * exclude (found_at) from changes order by all"
    before = [rows(demo_lake, f"select * from {name} order by all") for name in ("group_comparison", "group_steps")]
    before.append(rows(demo_lake, query))
    assert before[0]
    dg.materialize([watch, weeks], resources={"her": Her(home=str(demo_lake.home))})
    after = [rows(demo_lake, f"select * from {name} order by all") for name in ("group_comparison", "group_steps")]
    assert [*after, rows(demo_lake, query)] == before


def test_an_empty_lake_has_nothing_to_compare(tmp_path: Path) -> None:
    from her_models.config import load_config
    from her_models.lake import open_lake

    with open_lake(load_config(tmp_path)):
        pass
    done = dg.materialize([watch, weeks], resources={"her": Her(home=str(tmp_path))})
    assert done.success
    assert not (tmp_path / "reports").exists()
