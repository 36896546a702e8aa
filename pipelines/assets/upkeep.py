"""Upkeep of the lake: small files are merged, old snapshots expire, old runs are forgotten, texts are indexed."""

import dataclasses

import dagster as dg

from pipelines.failures import explained
from pipelines.instance import WRITER, forget_old_runs
from pipelines.resources import Her


@dg.asset(group_name="upkeep", kinds={"ducklake"}, pool=WRITER)
def lake_files(context: dg.AssetExecutionContext, her: Her) -> dg.MaterializeResult:
    """Parquet files of the lake, compacted; files that no snapshot of the last days needs are gone."""
    from her_models.ingest import maintain

    with explained(context.retry_number):
        report = maintain(her.config())
    forgotten = forget_old_runs(context.instance)
    return dg.MaterializeResult(metadata={**dataclasses.asdict(report), "forgotten_runs": forgotten})


@dg.asset(group_name="upkeep", kinds={"tantivy"}, deps=["contents"], pool=WRITER)
def search_index(context: dg.AssetExecutionContext, her: Her) -> dg.MaterializeResult:
    """The index of texts in HER_HOME/search/, brought up to the lake."""
    from her_models.lake import open_lake
    from her_models.search.index import update_index

    with explained(context.retry_number), open_lake(her.config(), read_only=True) as lake:
        report = update_index(lake)
    return dg.MaterializeResult(metadata=dataclasses.asdict(report) if report else {"skipped": "another has begun it"})
