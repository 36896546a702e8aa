"""Contents: each text once, and the text of every block is there."""

from pipelines.checks.suite import Suite, asserted, of_check

SUITE = Suite(
    "contents",
    asserted(
        "contents",
        of_check(
            "blocks_have_texts",
            "contents",
            lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="without_text_count", value_set=[0], **about),
        ),
    ),
)
