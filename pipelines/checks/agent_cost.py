"""Cost by agent: the main thread and the subagents of a session share its whole bill."""

from pipelines.checks.suite import Suite, asserted, of_check

SUITE = Suite(
    "agent_cost",
    asserted(
        "agent_cost",
        of_check(
            "agents_add_up",
            "sessions",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(
                column="agent_difference_picodollars", value_set=[0], **about
            ),
        ),
    ),
)
