"""`python -m pipelines.local`, as a process: what `her ingest` starts."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg

from her_models.config import Config
from pipelines.instance import open_instance
from pipelines.local import BUSY, Recorder

CHECKOUT = Path(__file__).parents[2]


def local(config: Config, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HER_HOME": str(config.home), "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-m", "pipelines.local", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=600)


def test_an_ingest_publishes_and_shows_as_a_run(config: Config) -> None:
    done = local(config, "ingest", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["status"], found["sources"][0]["lines_count"]) == ("published", 4)
    with open_instance(config) as instance:
        (run,) = instance.get_runs()
        assert (run.job_name, run.status) == ("ingest", dg.DagsterRunStatus.SUCCESS)
        assert run.tags["dagster/partition"] == "ada@desk"
        event = instance.get_latest_materialization_event(dg.AssetKey("ingest_runs"))
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["lines"].value == 4
    again = local(config, "ingest")
    assert (again.returncode, again.stdout) == (0, "ada@desk: nothing new.\n")


def test_a_path_that_is_not_there_is_explained(config: Config) -> None:
    done = local(config, "ingest", "/nowhere/at/all")
    assert done.returncode == 1
    assert "No logs at /nowhere/at/all" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_option_is_a_wrong_use() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.local", "ingest", "--fast"], cwd=CHECKOUT, capture_output=True, check=False
    )
    assert done.returncode == 2


def test_a_busy_lake_has_an_exit_code_of_its_own(config: Config, monkeypatch, capsys) -> None:
    from her_models import ingest as steps
    from pipelines import local as command

    with (config.home / "ingest.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("Process 1 has been writing")
        lock.flush()
        wait = steps.writer_lock
        monkeypatch.setattr(steps, "writer_lock", lambda config, **how: wait(config, **how | {"wait_seconds": 0}))
        assert command.main(["ingest"]) == BUSY
    assert "Process 1 has been writing" in capsys.readouterr().err


def test_an_ingest_that_is_ended_shows_as_a_failed_run(config: Config) -> None:
    recorder = Recorder(config)
    recorder.tell("begin", source_id="ada@desk", path="/logs")
    recorder.finish()  # its input ends without an outcome, as when the other process is killed
    with open_instance(config) as instance:
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.FAILURE


def test_a_recorder_that_is_gone_stops_nobody(config: Config, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    recorder = Recorder(config)
    recorder.tell("begin", source_id="ada@desk", path="/logs")
    assert recorder.finish() == []
    assert "Dagster is not told of this run" in capsys.readouterr().err
