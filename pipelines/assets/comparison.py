"""What is compared every night, over all sources: changes, and last week against the one before."""

from collections.abc import Iterator

import dagster as dg

from her_models.contracts import CHANGES, GROUP_COMPARISON, GROUP_STEPS
from pipelines.assets.tables import table_spec
from pipelines.failures import explained
from pipelines.instance import WRITER
from pipelines.resources import Her

CHANGES_SPEC = table_spec(CHANGES, ("session_comparison",), "comparison")
WEEKS_SPECS = [
    table_spec(table, ("session_comparison", "session_parts"), "comparison")
    for table in (GROUP_COMPARISON, GROUP_STEPS)
]
COMPARISON_SPECS = [CHANGES_SPEC, *WEEKS_SPECS]


@dg.multi_asset(name="watch", specs=[CHANGES_SPEC], pool=WRITER)
def watch(context: dg.AssetExecutionContext, her: Her) -> dg.MaterializeResult:
    """Since when something differs: static prefix, cache hit, cost per turn, waste share."""
    from her_models.compare.nightly import change_in_words, watch_lake

    with explained(context.retry_number):
        found = watch_lake(her.config())
    told = "\n\n".join(change_in_words(one) for one in found) or "Nothing changed."
    return dg.MaterializeResult(
        asset_key=CHANGES_SPEC.key, metadata={"changes": len(found), "found": dg.MetadataValue.md(told)}
    )


@dg.multi_asset(name="weeks", specs=WEEKS_SPECS, pool=WRITER)
def weeks(context: dg.AssetExecutionContext, her: Her) -> Iterator[dg.MaterializeResult]:
    """Last week against the one before, all together and project by project; a report lies in HER_HOME/reports."""
    from her_models.compare.nightly import report_weeks

    with explained(context.retry_number):
        done = report_weeks(her.config())
    metadata = (
        {
            "report_on": str(done.report_on),
            "projects": len(done.weeks) - 1,
            "differences": done.verdicts_count,
            "report": dg.MetadataValue.path(str(done.paths[0])),
        }
        if done
        else {"projects": 0}
    )
    for spec in WEEKS_SPECS:
        yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)
