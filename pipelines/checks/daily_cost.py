"""Cost by day: the days of a source add up to all it was billed."""

from pipelines.checks.suite import Suite, asserted, of_check

SUITE = Suite(
    "daily_cost",
    asserted(
        "daily_cost",
        of_check(
            "days_add_up",
            "daily_cost",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="difference_picodollars", value_set=[0], **about),
        ),
    ),
)
