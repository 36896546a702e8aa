"""Refused lines: some are normal where a client was killed; many mean that a format is not understood."""

from pipelines.checks.suite import Expected, Suite, asserted

MOST_REFUSED_RATIO = 0.01

SUITE = Suite(
    "refused_lines",
    (
        *asserted("refused_lines"),
        Expected(
            "refused_ratio_small",
            "warning",
            "a file of which more than one line in a hundred cannot be read is not understood.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(
                column="refused_ratio", max_value=MOST_REFUSED_RATIO, **about
            ),
            frame="refused_lines",
            remedy="See the table refused_lines for the bytes and the reasons.",
        ),
    ),
)
