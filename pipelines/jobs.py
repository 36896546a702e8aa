"""Jobs: which assets and checks run together."""

import dagster as dg

from pipelines.assets.comparison import COMPARISON_SPECS
from pipelines.assets.days import session_days
from pipelines.assets.reports import weekly_waste_report
from pipelines.assets.shard import SPECS, shard
from pipelines.assets.upkeep import lake_files, search_index

_TABLES = dg.AssetSelection.assets(*(spec.key for spec in SPECS))

ingest = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.assets(shard).without_checks(),
    executor_def=dg.in_process_executor,
    description="Bring one source up to date. The command line's `her ingest` runs this job.",
)
nightly = dg.define_asset_job(
    "nightly",
    selection=_TABLES,
    executor_def=dg.in_process_executor,
    description="Bring one source up to date, and judge what changed by the suites of expectations.",
)
checks = dg.define_asset_job(
    "checks",
    selection=dg.AssetSelection.checks_for_assets(*(spec.key for spec in SPECS)),
    executor_def=dg.in_process_executor,
    description="Judge what the last run of each source changed.",
)
backfill = dg.define_asset_job(
    "backfill",
    selection=dg.AssetSelection.assets(session_days).without_checks(),
    executor_def=dg.in_process_executor,
    description="Build the sessions of some days anew: choose sources and days, or backfill the asset session_days.",
)
comparison = dg.define_asset_job(
    "comparison",
    selection=dg.AssetSelection.assets(*(spec.key for spec in COMPARISON_SPECS)),
    executor_def=dg.in_process_executor,
    description="Look for changes in all series of sessions, and compare last week with the one before.",
)
maintenance = dg.define_asset_job(
    "maintenance",
    selection=dg.AssetSelection.assets(lake_files, search_index),
    executor_def=dg.in_process_executor,
    description="Merge small files, expire old snapshots, forget old runs, index new texts.",
)
weekly = dg.define_asset_job(
    "weekly",
    selection=dg.AssetSelection.assets(weekly_waste_report),
    executor_def=dg.in_process_executor,
    description="Write last week's report on waste into HER_HOME/reports.",
)

JOBS = [ingest, nightly, checks, backfill, comparison, maintenance, weekly]
