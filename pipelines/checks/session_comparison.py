"""Sessions to compare: each billed session once."""

from pipelines.checks.suite import Suite, asserted

SUITE = Suite("session_comparison", asserted("session_comparison"))
