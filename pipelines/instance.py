"""Dagster's own home, `HER_HOME/dagster`: its settings, and opening it.

What belongs here: `dagster.yaml`, the instance, runs that ended without saying so, old runs.
`python -m pipelines.instance --port 3000` opens Dagster's UI on it (`her dagster`).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from her_models.config import Config, load_config, make_home

if TYPE_CHECKING:
    import dagster as dg

WORKSPACE = Path(__file__).resolve().parent.parent / "workspace.yaml"
WRITER = "lake-writer"  # pool of everything that writes to the lake
LOCAL_TAG = "her/recorder"  # on runs that `pipelines.local` records; its value is the process
KEPT_DAYS = 30
KEPT_RUNS = 1000

# Pools count whole runs: a run that waits for its turn stays in the queue instead of holding a process. Runs that the
# command line records are not in the queue; the ingest's own lock keeps them and queued runs apart.
_SETTINGS = """\
# Written by Her at every start; changes are lost.
telemetry:
  enabled: false
nux:
  enabled: false
storage:
  sqlite:
    base_dir: "{base}"
# Steps print nothing; capturing it would start four processes for each run.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
concurrency:
  pools:
    granularity: run
    default_limit: 1
  runs:
    max_concurrent_runs: 4
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
run_retries:
  enabled: false
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 1
      failure: 30
      success: 30
      started: 30
"""


def dagster_home(config: Config) -> Path:
    """Return the folder that `DAGSTER_HOME` names."""
    return config.home / "dagster"


def prepare(config: Config) -> Path:
    """Make Dagster's home with Her's settings and return it."""
    home = dagster_home(config)
    make_home(config.home)
    make_home(home)
    base = str(home / "storage").replace("\\", "\\\\").replace('"', '\\"')
    text = _SETTINGS.format(base=base)
    path = home / "dagster.yaml"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        fresh = path.with_suffix(f".{os.getpid()}.tmp")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
    return home


def open_instance(config: Config) -> dg.DagsterInstance:
    """Open the persistent instance, so that its runs show in Dagster's UI. Close it with `dispose`."""
    import dagster as dg

    home = prepare(config)
    # Two processes that make the tables at once leave a storage that nobody can open any more.
    with (home / "opening.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        instance = dg.DagsterInstance.from_config(str(home))
        for name in ("run_storage", "event_log_storage", "schedule_storage"):
            getattr(instance, name)  # made when it is first asked for
        return instance


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def end_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed whose recording process is no longer there; returns how many."""
    import dagster as dg

    unfinished = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    ended = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=unfinished)):
        process = run.tags.get(LOCAL_TAG)
        if process is not None and not _is_alive(process):
            instance.report_run_failed(run, "The process that recorded this run was ended. The lake is whole.")
            ended += 1
    return ended


def forget_old_runs(instance: dg.DagsterInstance, *, kept_days: int = KEPT_DAYS, kept_runs: int = KEPT_RUNS) -> int:
    """Delete finished runs beyond the newest `kept_runs` or older than `kept_days`; each is a file on disk."""
    import dagster as dg

    finished = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    oldest = datetime.now(UTC) - timedelta(days=kept_days)
    old = {
        record.dagster_run.run_id
        for record in instance.get_run_records(dg.RunsFilter(statuses=finished, created_before=oldest))
    }
    newest = instance.get_run_records(dg.RunsFilter(statuses=finished), limit=kept_runs)
    if len(newest) == kept_runs:
        old |= {
            record.dagster_run.run_id
            for record in instance.get_run_records(
                dg.RunsFilter(statuses=finished, created_before=newest[-1].create_timestamp)
            )
        }
    for run_id in old:
        instance.delete_run(run_id)
    return len(old)


def main() -> None:
    """Become `dagster dev`, on this machine only."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.instance", description="Open Dagster's UI.")
    parser.add_argument("--port", "-p", type=int, default=3000)
    port = parser.parse_args().port
    config = load_config()
    if not (dagster_home(config) / "storage").exists():
        open_instance(config).dispose()
    environment = {
        **os.environ,
        "HER_HOME": str(config.home),
        "DAGSTER_HOME": str(prepare(config)),
        "GX_ANALYTICS_ENABLED": "false",
    }
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    os.chdir(WORKSPACE.parent)
    os.execve(command[0], command, environment)


if __name__ == "__main__":
    main()
