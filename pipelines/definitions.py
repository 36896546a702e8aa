"""Everything Dagster is given, put together; defined elsewhere. `workspace.yaml` points here."""

import dagster as dg

from pipelines.assets.comparison import watch, weeks
from pipelines.assets.days import session_days
from pipelines.assets.logs import session_logs
from pipelines.assets.reports import weekly_waste_report
from pipelines.assets.shard import shard
from pipelines.assets.upkeep import lake_files, search_index
from pipelines.checks.asset_checks import ASSET_CHECKS
from pipelines.checks.comparison import comparison_suites
from pipelines.jobs import JOBS
from pipelines.resources import Her
from pipelines.schedules import SCHEDULES
from pipelines.sensors import SENSORS

defs = dg.Definitions(
    assets=[session_logs, shard, session_days, lake_files, search_index, weekly_waste_report, watch, weeks],
    asset_checks=[*ASSET_CHECKS, comparison_suites],
    jobs=JOBS,
    schedules=SCHEDULES,
    sensors=SENSORS,
    resources={"her": Her()},
    executor=dg.in_process_executor,
)
