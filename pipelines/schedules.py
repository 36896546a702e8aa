"""What runs by the clock, in the configured time zone."""

from collections.abc import Iterator

import dagster as dg

from pipelines.jobs import comparison, maintenance, nightly, weekly
from pipelines.partitions import TIME_ZONE, register
from pipelines.resources import Her, configured_sources


@dg.schedule(job=nightly, cron_schedule="0 2 * * *", execution_timezone=TIME_ZONE)
def every_night(context: dg.ScheduleEvaluationContext, her: Her) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run for each configured source, with all checks."""
    found, missing = configured_sources(her.config())
    register(context.instance, found)
    night = context.scheduled_execution_time.date().isoformat()
    for source_id in dict.fromkeys(source.source_id for source in found):
        yield dg.RunRequest(run_key=f"{source_id} {night}", partition_key=source_id)
    if not found:
        yield dg.SkipReason(f"There are no logs at {', '.join(missing)}.")


after_the_sources = dg.ScheduleDefinition(
    name="after_the_sources", job=comparison, cron_schedule="30 3 * * *", execution_timezone=TIME_ZONE
)
after_the_night = dg.ScheduleDefinition(
    name="after_the_night", job=maintenance, cron_schedule="30 4 * * *", execution_timezone=TIME_ZONE
)


@dg.schedule(
    job=weekly,
    cron_schedule="0 5 * * 1",
    execution_timezone=TIME_ZONE,
    default_status=dg.DefaultScheduleStatus.RUNNING,  # it reads the lake only, so that nothing has to be decided first
)
def after_the_week(her: Her) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """The report on last week, once there is a lake."""
    config = her.config()
    if config.catalog or config.catalog_path.exists():
        yield dg.RunRequest()
    else:
        yield dg.SkipReason(f"There is no lake in {config.home} yet. Make one: her ingest")


SCHEDULES = [every_night, after_the_sources, after_the_night, after_the_week]
