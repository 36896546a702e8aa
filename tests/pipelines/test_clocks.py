"""The sensor, the schedules, the instance."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import PIPE

import dagster as dg
import pytest

from her_models.config import Config
from her_models.ingest import ingest
from pipelines import instance as instances
from pipelines.definitions import defs
from pipelines.partitions import days_by_source, source_day_key
from pipelines.resources import Her
from pipelines.schedules import SCHEDULES, after_the_week, every_night
from pipelines.sensors import new_bytes

CHECKOUT = Path(__file__).parents[2]
MIDNIGHT = datetime(2026, 1, 7, 2, tzinfo=UTC)


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    with dg.build_sensor_context(instance, cursor=cursor, definitions=defs, resources={"her": Her()}) as context:
        result = new_bytes(context)
    assert isinstance(result, dg.SensorResult)
    return result


@pytest.fixture
def empty_instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_sensor_asks_for_a_run_of_a_new_source(config: Config, empty_instance: dg.DagsterInstance) -> None:
    result = tick(empty_instance)
    assert [request.partition_key for request in result.run_requests or []] == ["ada@desk"]
    (added,) = result.dynamic_partitions_requests or []
    assert (added.partitions_def_name, added.partition_keys) == ("sources", ["ada@desk"])


def test_sensor_is_quiet_when_nothing_is_new_and_asks_again_when_a_log_grows(
    config: Config, instance: dg.DagsterInstance
) -> None:
    ingest(config)
    quiet = tick(instance)
    assert (quiet.run_requests, quiet.cursor) == ([], "{}")
    with (config.sources[0].path / "projects/shop/s1.jsonl").open("a") as file:
        file.write("\n")
    assert len(tick(instance).run_requests or []) == 1


def test_sensor_waits_for_the_run_it_asked_for(config: Config, instance: dg.DagsterInstance) -> None:
    asked = tick(instance)
    (request,) = asked.run_requests or []
    run_tags = {"dagster/partition": "ada@desk", "dagster/run_key": str(request.run_key)}
    run = dg.DagsterRun(job_name="ingest", tags=run_tags, status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    waiting = tick(instance, asked.cursor)
    assert waiting.run_requests == []
    assert json.loads(waiting.cursor or "")["ada@desk"]["run_key"] == request.run_key


def test_sensor_pauses_after_a_failure_and_tries_again_later(config: Config, instance: dg.DagsterInstance) -> None:
    asked = tick(instance)
    (request,) = asked.run_requests or []
    run_tags = {"dagster/partition": "ada@desk", "dagster/run_key": str(request.run_key)}
    instance.add_run(dg.DagsterRun(job_name="ingest", tags=run_tags, status=dg.DagsterRunStatus.FAILURE))
    paused = tick(instance, asked.cursor)
    assert paused.run_requests == []
    remembered = json.loads(paused.cursor or "")
    assert remembered["ada@desk"]["failures"] == 1
    remembered["ada@desk"]["at"] = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    assert len(tick(instance, json.dumps(remembered)).run_requests or []) == 1


def test_sensor_says_which_logs_are_missing(
    config: Config, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (config.home / "config.toml").write_text(f'[[sources]]\npath = "{tmp_path}/nowhere"\n')
    skipped = tick(instance).skip_reason
    assert skipped is not None
    assert "nowhere" in str(skipped.skip_message)


def test_every_source_runs_every_night(config: Config) -> None:
    with instances.open_instance(config) as instance:
        with dg.build_schedule_context(
            instance, scheduled_execution_time=MIDNIGHT, resources={"her": Her()}
        ) as context:
            (request,) = list(every_night(context))
        assert (request.partition_key, request.run_key) == ("ada@desk", "ada@desk 2026-01-07")
        assert instance.get_dynamic_partitions("sources") == ["ada@desk"]


def test_schedules_keep_the_configured_time_zone() -> None:
    from pipelines.partitions import TIME_ZONE

    assert {schedule.execution_timezone for schedule in SCHEDULES} == {TIME_ZONE}
    assert {schedule.name: schedule.job_name for schedule in SCHEDULES} == {
        "every_night": "nightly",
        "after_the_sources": "comparison",
        "after_the_night": "maintenance",
        "after_the_week": "weekly",
    }


def test_the_weekly_report_is_on_by_default_and_waits_for_a_lake(config: Config) -> None:
    (weekly,) = [schedule for schedule in SCHEDULES if schedule.job_name == "weekly"]
    assert weekly.default_status is dg.DefaultScheduleStatus.RUNNING
    assert weekly.cron_schedule == "0 5 * * 1"
    with instances.open_instance(config) as instance:

        def asked() -> dg.SkipReason | dg.RunRequest:
            with dg.build_schedule_context(instance, resources={"her": Her()}) as context:
                (told,) = after_the_week(context)
            assert isinstance(told, (dg.SkipReason, dg.RunRequest))
            return told

        waiting = asked()
        assert isinstance(waiting, dg.SkipReason)
        assert "There is no lake" in str(waiting.skip_message)
        ingest(config)
        assert isinstance(asked(), dg.RunRequest)


def test_keys_of_days_are_read_back() -> None:
    keys = [source_day_key("ada@desk", date(2026, 1, day)) for day in (5, 6)]
    assert days_by_source([*keys, source_day_key("bob@attic", date(2026, 1, 5))]) == {
        "ada@desk": [date(2026, 1, 5), date(2026, 1, 6)],
        "bob@attic": [date(2026, 1, 5)],
    }


def test_instance_is_silent_local_and_has_one_writer(config: Config) -> None:
    with instances.open_instance(config) as made:
        assert made.telemetry_enabled is False
        settings = made.get_concurrency_config()
        assert settings.pool_config.default_pool_limit == 1
        assert settings.pool_config.pool_granularity is not None
        assert settings.pool_config.pool_granularity.value == "run"
    assert (config.home / "dagster" / "storage").is_dir()
    assert (config.home / "dagster").stat().st_mode & 0o777 == 0o700


def test_processes_that_open_a_new_instance_at_once_find_it_whole(tmp_path: Path):
    """Each makes the tables where there are none, and none of them copes with another that does."""
    program = """
import sys, pathlib
from her_models.config import Config
from pipelines.instance import open_instance
sys.stdin.readline()
with open_instance(Config(home=pathlib.Path(sys.argv[1]))) as instance:
    print(len(instance.get_dynamic_partitions("sources")), len(instance.get_runs()))
"""
    command = [sys.executable, "-c", program, str(tmp_path / "home")]
    started = [subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, cwd=CHECKOUT) for _ in range(3)]
    told = []
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in started:
        told.append((process.communicate()[0], process.returncode))
    assert told == [("0 0\n", 0)] * 3


def test_everything_that_writes_takes_turns() -> None:
    pools = {
        name: {node.pool for node in defs.resolve_job_def(name).all_node_defs if isinstance(node, dg.OpDefinition)}
        for name in ("ingest", "nightly", "checks", "backfill", "maintenance")
    }
    assert set().union(*pools.values()) == {instances.WRITER}


def test_runs_whose_process_is_gone_are_ended(instance: dg.DagsterInstance) -> None:
    tags = {instances.LOCAL_TAG: str(_dead_process())}
    dead = dg.DagsterRun(job_name="ingest", tags=tags, status=dg.DagsterRunStatus.STARTED)
    alive = dg.DagsterRun(
        job_name="ingest", tags={instances.LOCAL_TAG: str(os.getpid())}, status=dg.DagsterRunStatus.STARTED
    )
    for run in (dead, alive):
        instance.add_run(run)
    assert instances.end_dead_runs(instance) == 1
    assert [run.status for run in instance.get_runs() if run.run_id == dead.run_id] == [dg.DagsterRunStatus.FAILURE]


def _dead_process() -> int:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    return process


def test_old_runs_are_forgotten(instance: dg.DagsterInstance) -> None:
    for _ in range(3):
        instance.add_run(dg.DagsterRun(job_name="ingest", status=dg.DagsterRunStatus.SUCCESS))
    assert instances.forget_old_runs(instance, kept_runs=2) == 1
    assert len(instance.get_runs()) == 2
