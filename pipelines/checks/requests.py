"""Requests: each response once, its tokens whole, its session and turn there, its model priced."""

from pipelines.checks.suite import Expected, Suite, asserted, of_check

SUITE = Suite(
    "requests",
    (
        *asserted(
            "requests",
            of_check(
                "requests_grain",
                "requests",
                lambda gxe, about: gxe.ExpectColumnPairValuesToBeEqual(
                    column_A="requests_count", column_B="distinct_requests_count", **about
                ),
            ),
            of_check(
                "tokens_not_negative",
                "requests",
                lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(column="least_tokens", min_value=0, **about),
            ),
            of_check(
                "requests_have_sessions",
                "requests",
                lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(
                    column="without_session_count", value_set=[0], **about
                ),
            ),
            of_check(
                "requests_have_turns",
                "requests",
                lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="without_turn_count", value_set=[0], **about),
            ),
        ),
        Expected(
            "cache_writes_add_up",
            "warning",
            "5-minute + 1-hour writes are the writes of the response as a whole; else one of the prices is wrong.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="split_lines_count", value_set=[0], **about),
            frame="requests",
            remedy="Look at the usage of those lines.",
        ),
        Expected(
            "known_models_priced",
            "warning",
            "a model that Her knows has a price at every time it answered.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="unpriced_count", value_set=[0], **about),
            frame="requests",
            remedy='Add a dated entry to the price file named in config.toml (prices = "...").',
        ),
        Expected(
            "responses_not_ahead",
            "warning",
            "a response that lies more than a day ahead means a wrong clock, and a cost on the wrong day.",
            lambda gxe, about: gxe.ExpectColumnValuesToBeBetween(column="hours_ahead", max_value=24, **about),
            frame="requests",
            remedy="Check the clock of the machine that wrote the log.",
        ),
    ),
)
