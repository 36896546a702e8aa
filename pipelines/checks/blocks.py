"""Blocks: each content block of a session once."""

from pipelines.checks.suite import Suite, asserted

SUITE = Suite("blocks", asserted("blocks"))
