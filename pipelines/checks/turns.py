"""Turns: each prompt once, and what turns incurred is what the session was billed."""

from pipelines.checks.suite import Suite, asserted, of_check

SUITE = Suite(
    "turns",
    asserted(
        "turns",
        of_check(
            "turns_add_up",
            "sessions",
            lambda gxe, about: gxe.ExpectColumnPairValuesToBeEqual(
                column_A="requests_count", column_B="turn_requests_count", **about
            ),
        ),
    ),
)
