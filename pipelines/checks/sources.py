"""Sources: read lately, and still written to."""

from pipelines.checks.suite import Expected, Suite, asserted

MOST_HOURS_SINCE_READ = 48
MOST_DAYS_SINCE_LINE = 30

SUITE = Suite(
    "sources",
    (
        *asserted("sources"),
        Expected(
            "read_lately",
            "warning",
            "a source that was not read for two days is missing from every figure since; clients delete old logs.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(
                column="hours_since_read", max_value=MOST_HOURS_SINCE_READ, **about
            ),
            frame="sources",
            remedy="Run her ingest, or turn on the schedule in her dagster.",
        ),
        Expected(
            "written_lately",
            "warning",
            "a source without a new line for a month may have moved its logs.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(
                column="days_since_line", max_value=MOST_DAYS_SINCE_LINE, **about
            ),
            frame="sources",
            remedy="Check the path of the source in config.toml.",
        ),
    ),
)
