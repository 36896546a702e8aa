"""Jobs run in process on a tiny folder of logs."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from her_models import reports
from her_models.config import Config, Source
from her_models.errors import LakeBusy, PublishRefused
from her_models.ingest import SourceReport, ingest, is_current
from her_models.lake import open_lake
from pipelines.definitions import defs
from pipelines.partitions import source_day_key
from pipelines.resources import Her
from tests.logs import answer, write

FAILURES: list[str] = []
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def run(job: str, instance: dg.DagsterInstance, **how: Any) -> dg.ExecuteInProcessResult:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance, run_config=QUIET | how.pop("run_config", {}), raise_on_error=False, **how
    )
    FAILURES[:] = [str(event.event_specific_data) for event in result.all_events if event.is_step_failure]
    return result


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    (found,) = [one for one in result.asset_materializations_for_node("shard") if one.asset_key == dg.AssetKey(asset)]
    return {name: value.value for name, value in found.metadata.items()}


def billed(config: Config) -> int:
    with open_lake(config, read_only=True) as lake:
        return reports.overview(lake.con).requests_count


def test_a_run_publishes_a_source_and_reports_its_counts_and_the_next_finds_nothing_new(
    config: Config, instance: dg.DagsterInstance
) -> None:
    result = run("ingest", instance, partition_key="ada@desk")
    assert result.success, FAILURES
    counts = metadata(result, "ingest_runs")
    assert (counts["files"], counts["lines"], counts["refused_lines"], counts["requests_rebuilt"]) == (2, 4, 0, 2)
    assert counts["bytes_read"] > 0
    assert counts["peak_memory_bytes"] > 0
    assert metadata(result, "sessions")["rebuilt_rows"] == 2
    assert billed(config) == 2
    # The calendar of days shows what was captured.
    assert instance.get_materialized_partitions(dg.AssetKey("session_days")) == {
        source_day_key("ada@desk", date(2026, 1, 5)),
        source_day_key("ada@desk", date(2026, 1, 6)),
    }
    again = run("ingest", instance, partition_key="ada@desk")
    assert again.success, FAILURES
    assert metadata(again, "ingest_runs")["is_changed"] is False


def test_a_source_nobody_knows_fails_and_says_what_to_do(config: Config, instance: dg.DagsterInstance) -> None:
    instance.add_dynamic_partitions("sources", ["bob@attic"])
    result = run("ingest", instance, partition_key="bob@attic")
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    assert "Nothing says where the logs of 'bob@attic' lie" in failed.step_failure_data.error.message


def test_a_path_given_to_the_run_comes_before_what_is_configured(config: Config) -> None:
    assert Her().folders(config, "ada@desk", "/elsewhere") == [Source("ada", "desk", Path("/elsewhere"))]
    assert Her().folders(config, "ada@desk") == [config.sources[0]]


def test_all_folders_of_a_source_are_read_in_one_run(config: Config, instance: dg.DagsterInstance) -> None:
    other = config.home.parent / "other"
    write(other / "s9.jsonl", answer("s9", "x1", 1, "msg_9", timestamp="2026-01-06T09:01:00.000Z"))
    with (config.home / "config.toml").open("a") as file:
        file.write(f'[[sources]]\nowner = "ada"\nhost = "desk"\npath = "{other}"\n')
    result = run("ingest", instance, partition_key="ada@desk")
    assert result.success, FAILURES
    assert billed(config) == 3


def test_a_backfill_reads_what_is_new_and_builds_the_sessions_of_its_days(
    config: Config, instance: dg.DagsterInstance
) -> None:
    ingest(config)
    more = write(config.home / "more.jsonl", answer("s2", "u5", 9, "msg_3", timestamp="2026-01-06T09:01:00.000Z"))
    with (config.sources[0].path / "projects/shop/s2.jsonl").open("a") as file:
        file.write(more.read_text())
    one_day = run("backfill", instance, partition_key=source_day_key("ada@desk", date(2026, 1, 6)))
    (found,) = one_day.asset_materializations_for_node("session_days")
    assert (found.metadata["sessions_rebuilt"].value, found.metadata["lines"].value) == (1, 1)
    both_days = run(
        "backfill",
        instance,
        tags={
            "dagster/asset_partition_range_start": str(source_day_key("ada@desk", date(2026, 1, 5))),
            "dagster/asset_partition_range_end": str(source_day_key("ada@desk", date(2026, 1, 6))),
        },
    )
    assert both_days.success, FAILURES
    marked = {one.partition: one.metadata for one in both_days.asset_materializations_for_node("session_days")}
    assert set(marked) == {"2026-01-05|ada@desk", "2026-01-06|ada@desk"}
    assert [built["sessions_rebuilt"].value for built in marked.values()] == [2, 2]  # of the run as a whole
    assert billed(config) == 3


class Busy(Her):
    """A lake that others write to, for the first two attempts."""

    def ingest(self, source_id: str, path: str = "", days: Any = ()) -> SourceReport:
        ATTEMPTS.append(source_id)
        if len(ATTEMPTS) < 3:
            raise LakeBusy("Process 1 writes. Wait for it to end.")
        return SourceReport(source_id, path)


class Refused(Her):
    """A shard that breaks a critical check."""

    def ingest(self, source_id: str, path: str = "", days: Any = ()) -> SourceReport:
        ATTEMPTS.append(source_id)
        raise PublishRefused("check requests_grain found 1 row")


ATTEMPTS: list[str] = []


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without their pauses."""
    ATTEMPTS.clear()
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def test_a_busy_lake_is_tried_again(config: Config, instance: dg.DagsterInstance, at_once: None) -> None:
    assert run("ingest", instance, partition_key="ada@desk", resources={"her": Busy()}).success
    assert len(ATTEMPTS) == 3


def test_a_refused_shard_is_not_tried_again(config: Config, instance: dg.DagsterInstance, at_once: None) -> None:
    result = run("ingest", instance, partition_key="ada@desk", resources={"her": Refused()})
    assert not result.success
    assert len(ATTEMPTS) == 1


def test_maintenance_reports_what_it_did(config: Config, instance: dg.DagsterInstance) -> None:
    ingest(config)
    result = run("maintenance", instance)
    (found,) = result.asset_materializations_for_node("lake_files")
    assert {"files_before_count", "files_after_count", "expired_snapshots_count", "forgotten_runs"} <= set(
        found.metadata
    )
    assert billed(config) == 2
    (indexed,) = result.asset_materializations_for_node("search_index")
    assert indexed.metadata["texts_count"].value == 2
    assert indexed.metadata["is_whole"].value


def test_nightly_judges_what_it_published_and_tells_the_app(config: Config, instance: dg.DagsterInstance) -> None:
    result = run("nightly", instance, partition_key="ada@desk")
    assert result.success, FAILURES
    broken = {found.check_name for found in result.get_asset_check_evaluations() if not found.passed}
    assert broken == {"written_lately"}  # these logs are of January 2026
    with open_lake(config, read_only=True) as lake:
        told = {row["check_name"]: row for row in reports.checks(lake.con).to_pylist()}
    assert told["written_lately"]["severity"] == "warning"
    assert "Check the path of the source" in told["written_lately"]["detail"]
    assert told["requests_grain"]["is_ok"]
    assert is_current(config, config.sources)
    # What was judged outlasts the next ingest.
    write(config.sources[0].path / "projects/shop/s3.jsonl", answer("s3", "u9", 9, "msg_9"))
    ingest(config)
    with open_lake(config, read_only=True) as lake:
        names = {row["check_name"] for row in reports.checks(lake.con).to_pylist()}
    assert {"written_lately", "requests_grain"} <= names
