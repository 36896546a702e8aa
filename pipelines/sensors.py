"""What runs because something happened: new bytes in a log."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from her_models.errors import HerError
from her_models.ingest import is_current
from pipelines.jobs import ingest
from pipelines.resources import Her, configured_sources

INTERVAL_SECONDS = 60
LONGEST_PAUSE = timedelta(hours=1)

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def _pause(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: a minute, then twice as long each time."""
    return min(LONGEST_PAUSE, timedelta(minutes=2 ** min(failures - 1, 10))) if failures else timedelta(0)


def _read_cursor(cursor: str | None) -> dict[str, dict[str, Any]]:
    """The cursor remembers, for each source with news, the last run asked for and how many failed in a row."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _last_status(instance: dg.DagsterInstance, source_id: str, run_key: str) -> dg.DagsterRunStatus | None:
    tags = {"dagster/partition": source_id, "dagster/run_key": run_key}
    runs = instance.get_runs(dg.RunsFilter(tags=tags), limit=1)
    return runs[0].status if runs else None


@dg.sensor(job=ingest, minimum_interval_seconds=INTERVAL_SECONDS, default_status=dg.DefaultSensorStatus.STOPPED)
def new_bytes(context: dg.SensorEvaluationContext, her: Her) -> dg.SensorResult:
    """Ask for a run of each source whose logs grew. Looks at names, sizes and times; reads no log bytes.

    A source whose run is not over is left alone; after failures the pauses grow.
    """
    config = her.config()
    now = datetime.now(UTC)
    found, missing = configured_sources(config)
    before, after = _read_cursor(context.cursor), {}
    requests, waiting = [], []
    for source_id in dict.fromkeys(source.source_id for source in found):
        try:
            if is_current(config, [source for source in found if source.source_id == source_id]):
                continue
        except HerError as error:
            context.log.warning(str(error))
            continue
        asked = before.get(source_id, {})
        run_key, failures = asked.get("run_key"), int(asked.get("failures", 0))
        status = _last_status(context.instance, source_id, run_key) if run_key else None
        if status in _UNFINISHED:
            after[source_id] = asked
            waiting.append(source_id)
            continue
        if status is not None and not asked.get("is_counted"):
            failures = 0 if status == dg.DagsterRunStatus.SUCCESS else failures + 1
        asked = {**asked, "failures": failures, "is_counted": True}
        if run_key and now < datetime.fromisoformat(asked["at"]) + _pause(failures):
            after[source_id] = asked
            waiting.append(source_id)
            continue
        run_key = f"{source_id} {now.isoformat(timespec='seconds')}"
        requests.append(dg.RunRequest(run_key=run_key, partition_key=source_id))
        after[source_id] = {"run_key": run_key, "at": now.isoformat(), "failures": failures, "is_counted": False}
    known = set(context.instance.get_dynamic_partitions("sources"))
    new = [source.source_id for source in found if source.source_id not in known]
    why = f"Waiting for {', '.join(waiting)}." if waiting else "Nothing new."
    if not found:
        why = f"There are no logs at {', '.join(missing)}."
    return dg.SensorResult(
        run_requests=requests or None,
        skip_reason=None if requests else dg.SkipReason(why),
        cursor=json.dumps(after),
        dynamic_partitions_requests=[dg.AddDynamicPartitionsRequest("sources", list(dict.fromkeys(new)))]
        if new
        else None,
    )


SENSORS = [new_bytes]
