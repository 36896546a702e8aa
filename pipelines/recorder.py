"""`python -m pipelines.recorder HOME`: runs Dagster's jobs in process for work that `pipelines.local` does.

What belongs here: hearing on standard input what happens, a line of JSON each, and running the job of it. The end of
the input is the end of the other process: a step that waits for an outcome then fails and says so.

    begin    source_id, path         the job `ingest` is started for this source
    report   report                  its outcome: the fields of a SourceReport
    failed   error                   its outcome: why there is none
    check    source_ids              the job `checks` is started for these sources

Standard output tells, a line of JSON each, which runs there were and what the checks found.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

from her_models.config import Config, load_config
from her_models.errors import HerError
from her_models.ingest import SourceReport

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _events() -> Iterator[dict[str, Any]]:
    for line in sys.stdin:
        if line.strip():
            yield json.loads(line)


def _report(told: Mapping[str, Any]) -> SourceReport:
    known = {field.name for field in fields(SourceReport)}
    values = {name: value for name, value in told.items() if name in known}
    values["days"] = tuple(date.fromisoformat(day) for day in values.get("days", ()))
    values["failed_checks"] = tuple(values.get("failed_checks", ()))
    return SourceReport(**values)


def _outcome(events: Iterator[dict[str, Any]]) -> SourceReport:
    """Wait for what became of the source that was begun.

    Raises:
        HerError: it could not be ingested, or the process that did so was ended.
    """
    told = next(events, None)
    if told is None:
        raise HerError("The process that read the logs was ended before it published this source. The lake is whole.")
    if told["event"] == "report":
        return _report(told["report"])
    raise HerError(told.get("error", "The ingest failed."))


def _tell(event: str, **what: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **what}) + "\n")
    sys.stdout.flush()


def record(config: Config, events: Iterator[dict[str, Any]]) -> None:
    """Run a job for each thing that is begun, until there is no more."""
    from pipelines.definitions import defs
    from pipelines.instance import LOCAL_TAG, end_dead_runs, open_instance
    from pipelines.resources import Her

    class Relayed(Her):
        """Takes outcomes from the process that does the work."""

        def ingest(self, source_id: str, path: str = "", days: Sequence[date] = ()) -> SourceReport:
            return _outcome(events)

    job = defs.resolve_job_def("ingest")
    tags = {LOCAL_TAG: str(os.getpid())}
    with open_instance(config) as instance:
        end_dead_runs(instance)
        for told in events:
            if told["event"] == "begin":
                source_id = told["source_id"]
                if source_id not in instance.get_dynamic_partitions("sources"):
                    instance.add_dynamic_partitions("sources", [source_id])
                result = job.execute_in_process(
                    run_config={**_QUIET, "ops": {"shard": {"config": {"path": told["path"]}}}},
                    instance=instance,
                    partition_key=source_id,
                    raise_on_error=False,
                    tags=tags,
                    resources={"her": Relayed(home=str(config.home))},
                )
                _tell("run", source_id=source_id, run_id=result.run_id, is_ok=result.success)
            elif told["event"] == "check":
                _check(config, instance, told["source_ids"], tags)


def _check(config: Config, instance: Any, source_ids: Sequence[str], tags: Mapping[str, str]) -> None:
    from pipelines.checks.asset_checks import config_for
    from pipelines.definitions import defs
    from pipelines.resources import Her

    result = defs.resolve_job_def("checks").execute_in_process(
        run_config={**_QUIET, "ops": config_for(source_ids)},
        instance=instance,
        raise_on_error=False,
        tags=dict(tags),
        resources={"her": Her(home=str(config.home))},
    )
    for found in result.get_asset_check_evaluations():
        about = {name: value.value for name, value in (found.metadata or {}).items()}
        _tell("check", table=found.asset_key.path[-1], name=found.check_name, passed=found.passed, **about)


def main() -> int:
    """Record until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of the input says it
    os.nice(5)  # recording must not slow down what it records
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    warnings.filterwarnings("ignore", message=".*is currently in (beta|preview)")  # Dagster, of its own parts
    home = Path(sys.argv[1])
    os.environ["HER_HOME"] = str(home)
    record(load_config(home), _events())
    return 0


if __name__ == "__main__":
    sys.exit(main())
