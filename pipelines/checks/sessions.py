"""Sessions: each once, and the sum of its responses."""

from pipelines.checks.suite import Suite, asserted

SUITE = Suite("sessions", asserted("sessions"))
