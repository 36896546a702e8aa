"""Reports written by the clock."""

import json
from datetime import date

import dagster as dg

from her_models.config import Config
from her_models.ingest import ingest
from her_models.lake import open_lake
from her_models.waste_report.weekly import last_week, write_weekly
from pipelines.definitions import defs
from pipelines.resources import Her


def test_last_week_is_whole_and_over() -> None:
    assert last_week(date(2026, 1, 12)) == (date(2026, 1, 5), date(2026, 1, 11))
    assert last_week(date(2026, 1, 18)) == (date(2026, 1, 5), date(2026, 1, 11))


def test_the_weekly_job_writes_last_weeks_report(config: Config, instance: dg.DagsterInstance) -> None:
    ingest(config)
    result = defs.resolve_job_def("weekly").execute_in_process(instance=instance, resources={"her": Her()})
    (event,) = result.get_asset_materialization_events()
    names = sorted(path.name for path in (config.home / "reports").iterdir())
    assert event.materialization.metadata["files"].value == [names[0], names[2], names[1]]
    assert [name.rpartition(".")[2] for name in names] == ["html", "json", "md"]


def test_a_weeks_report_holds_that_week_and_names_nobody(config: Config) -> None:
    ingest(config)
    with open_lake(config, read_only=True) as lake:
        paths = write_weekly(lake.con, config, date(2026, 1, 12))
        told = json.loads(paths[2].read_text(encoding="utf-8"))
        assert [path.name for path in paths] == [f"waste-2026-W02.{ending}" for ending in ("html", "md", "json")]
        (billed,) = lake.con.execute("select sum(billed_usd) from requests").fetchone() or (None,)
    assert float(told["billed_usd"]) == float(billed)
    assert told["by_owner"] is None
    assert oct((config.home / "reports").stat().st_mode & 0o777) == "0o700"
