"""Sessions by the day they were captured on: what is backfilled after prices, models or logs were mended."""

from collections.abc import Iterator

import dagster as dg

from her_models.errors import HerError, LakeBusy
from pipelines.assets.shard import RETRIES, failure, run_metadata
from pipelines.instance import WRITER
from pipelines.partitions import days_by_source, source_day_key, source_days
from pipelines.resources import Her


@dg.asset(
    deps=["sessions", "turns", "requests"],
    partitions_def=source_days,
    backfill_policy=dg.BackfillPolicy.single_run(),
    group_name="days",
    kinds={"duckdb"},
    pool=WRITER,
    retry_policy=RETRIES,
)
def session_days(context: dg.AssetExecutionContext, her: Her) -> Iterator[dg.AssetMaterialization | dg.Output[None]]:
    """Sessions of a source with a line on a day, built from the logs by the models and prices of now.

    Every ingest marks the days it captured lines of. A backfill reads what is new in the sources and builds the
    sessions of the chosen days anew, each source in one transaction.
    """
    for source_id, days in days_by_source(context.partition_keys).items():
        try:
            report = her.ingest(source_id, days=days)
        except LakeBusy:
            raise
        except HerError as error:
            raise failure(error) from error
        for day in days:
            yield dg.AssetMaterialization(
                "session_days", partition=source_day_key(source_id, day), metadata=run_metadata(report)
            )
    yield dg.Output(None)
