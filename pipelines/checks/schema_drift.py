"""Drift: what a client version writes that Her does not know stays within bounds."""

from pipelines.checks.suite import Expected, Suite, asserted

MOST_UNKNOWN_LINES_RATIO = 0.05
MOST_UNKNOWN = 200

SUITE = Suite(
    "schema_drift",
    (
        *asserted("schema_drift"),
        Expected(
            "unknown_lines_within_bounds",
            "warning",
            "a client of whose lines more than one in twenty is of an unknown type may write costs that are not seen.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(
                column="unknown_lines_ratio", max_value=MOST_UNKNOWN_LINES_RATIO, **about
            ),
            frame="schema_drift",
            remedy="The lines are kept whole; a newer version of Her may know more.",
        ),
        Expected(
            "unknown_fields_within_bounds",
            "warning",
            "a client with hundreds of unknown fields has changed its format.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(
                column="unknown_count", max_value=MOST_UNKNOWN, **about
            ),
            frame="schema_drift",
            remedy="The lines are kept whole; a newer version of Her may know more.",
        ),
    ),
)
