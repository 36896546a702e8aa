"""Parts of sessions: they add up to the bill, and those of one lane to that lane."""

from pipelines.checks.suite import Suite, asserted

SUITE = Suite("session_parts", asserted("session_parts"))
