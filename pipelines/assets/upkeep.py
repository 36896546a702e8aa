"""Upkeep of the lake: small files are merged, old snapshots expire, old runs are forgotten."""

import dataclasses

import dagster as dg

from her_models.errors import HerError, LakeBusy
from pipelines.assets.shard import RETRIES, failure
from pipelines.instance import WRITER, forget_old_runs
from pipelines.resources import Her


@dg.asset(group_name="upkeep", kinds={"ducklake"}, pool=WRITER, retry_policy=RETRIES)
def lake_files(context: dg.AssetExecutionContext, her: Her) -> dg.MaterializeResult:
    """Parquet files of the lake, compacted; files that no snapshot of the last days needs are gone."""
    from her_models.ingest import maintain

    try:
        report = maintain(her.config())
    except LakeBusy:
        raise
    except HerError as error:
        raise failure(error) from error
    forgotten = forget_old_runs(context.instance)
    return dg.MaterializeResult(metadata={**dataclasses.asdict(report), "forgotten_runs": forgotten})
