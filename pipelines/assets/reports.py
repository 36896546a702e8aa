"""Reports that are written by the clock into `HER_HOME/reports/`."""

import dagster as dg

from pipelines.failures import explained
from pipelines.resources import Her


@dg.asset(deps=["waste", "request_labels"], group_name="reports", kinds={"html"})
def weekly_waste_report(context: dg.AssetExecutionContext, her: Her) -> dg.MaterializeResult:
    """What of last week's bill was useful, overhead and waste, and what to change: HTML, Markdown and JSON."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from her_models.lake import open_lake
    from her_models.waste_report.weekly import write_weekly

    config = her.config()
    with explained(context.retry_number), open_lake(config, read_only=True) as lake:
        written = write_weekly(lake.con, config, datetime.now(ZoneInfo(config.time_zone)).date())
    return dg.MaterializeResult(
        metadata={"files": [path.name for path in written], "folder": dg.MetadataValue.path(written[0].parent)}
    )
