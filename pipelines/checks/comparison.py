"""Comparisons of the night: their steps add up, their chances are chances. Judged on the whole lake, not by source."""

from collections.abc import Iterator

import dagster as dg

from her_models.quality import frames
from her_models.warehouse import run
from pipelines.checks.suite import Expected, Suite, judge
from pipelines.failures import explained
from pipelines.instance import WRITER
from pipelines.resources import Her

STEPS = Suite(
    "group_steps",
    (
        Expected(
            "steps_add_up",
            "critical",
            "the steps of a comparison are the difference of the bills, to the picodollar",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="difference_picodollars", value_set=[0], **about),
            frame="group_steps",
            remedy="This is a fault of her_models/compare. Please report it.",
        ),
    ),
)
CHANCES = Suite(
    "group_comparison",
    (
        Expected(
            "chances_between_0_and_1",
            "critical",
            "a chance lies between 0 and 1",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="odd_chances_count", value_set=[0], **about),
            frame="group_comparison",
            remedy="This is a fault of her_models/compare. Please report it.",
        ),
        Expected(
            "verdicts_are_earned",
            "critical",
            "a difference is called one with five sessions on each side and a corrected chance under 0.05 only",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="unearned_count", value_set=[0], **about),
            frame="group_comparison",
            remedy="This is a fault of her_models/compare. Please report it.",
        ),
    ),
)
COMPARISON_SUITES = (STEPS, CHANCES)
_SEVERITY = {"critical": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


@dg.multi_asset_check(
    name="comparison_suites",
    specs=[
        dg.AssetCheckSpec(one.name, asset=suite.table, description=one.reason, metadata={"remedy": one.remedy})
        for suite in COMPARISON_SUITES
        for one in suite.expected
    ],
    pool=WRITER,
)
def comparison_suites(context: dg.AssetCheckExecutionContext, her: Her) -> Iterator[dg.AssetCheckResult]:
    """Judge the comparisons of the night."""
    from her_models.lake import open_lake

    with explained(context.retry_number), open_lake(her.config(), read_only=True) as lake:
        for suite in COMPARISON_SUITES:
            frame = frames()[suite.table]
            rows = run(lake.con, frame.sql, frame.path).to_arrow_table().to_pylist()
            for verdict in judge(rows, suite.expected):
                yield dg.AssetCheckResult(
                    asset_key=suite.table,
                    check_name=verdict.expected.name,
                    passed=verdict.is_ok,
                    severity=_SEVERITY[verdict.expected.severity],
                    metadata={"failing_count": verdict.failing_count, "detail": verdict.detail},
                )
