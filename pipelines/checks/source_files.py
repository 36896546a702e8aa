"""Log files: every line and every byte that was read is in the lake, refused, or nothing."""

from pipelines.checks.suite import Expected, Suite, asserted, of_check

MOST_WAITING_BYTES = 20_000_000

SUITE = Suite(
    "source_files",
    (
        *asserted(
            "source_files",
            of_check(
                "lines_accounted_for",
                "source_files",
                lambda gxe, about: gxe.ExpectColumnPairValuesToBeEqual(
                    column_A="read_count", column_B="found_count", **about
                ),
            ),
            of_check(
                "bytes_accounted_for",
                "source_files",
                lambda gxe, about: gxe.ExpectColumnPairValuesToBeEqual(
                    column_A="consumed_bytes", column_B="accounted_bytes", **about
                ),
            ),
        ),
        Expected(
            "waiting_bytes_few",
            "warning",
            "a half-written last line waits for its rest; one beyond 20 MB is more likely a file that is no log.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(
                column="waiting_bytes", min_value=0, max_value=MOST_WAITING_BYTES, **about
            ),
            frame="source_files",
            remedy="Look at the end of that file.",
        ),
    ),
)
