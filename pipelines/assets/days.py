"""Sessions by the day they were captured on: what is backfilled after prices, models or logs were mended."""

import dagster as dg

from pipelines.failures import explained
from pipelines.instance import WRITER
from pipelines.partitions import days_by_source, source_days
from pipelines.resources import Her


@dg.asset(
    deps=["sessions", "turns", "requests"],
    partitions_def=source_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="days",
    kinds={"duckdb"},
    pool=WRITER,
)
def session_days(context: dg.AssetExecutionContext, her: Her) -> dg.MaterializeResult:
    """Sessions of a source with a line on a day, built from the logs by the models and prices of now.

    Every ingest marks the days it captured lines of. A backfill reads what is new in the sources and builds the
    sessions of the chosen days anew, each source in one transaction.
    """
    reports = []
    for source_id, days in days_by_source(context.partition_keys).items():
        with explained(context.retry_number):
            reports.append(her.ingest(source_id, days=days))
    return dg.MaterializeResult(
        metadata={
            "sources": len(reports),
            "lines": sum(report.lines_count for report in reports),
            "sessions_rebuilt": sum(report.sessions_count for report in reports),
            "requests_rebuilt": sum(report.requests_count for report in reports),
            "model_seconds": sum(report.model_seconds for report in reports),
        }
    )
