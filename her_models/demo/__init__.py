"""Invented sessions whose truth is known: what `her up --demo` shows, and what detectors are tested on.

A small company works for six weeks on six projects with six client versions. Every prompt is kept as a list of
blocks and billed by a model of the prompt cache, so that the token counts in the logs obey the rules of the API, and
what was wasted is known to the token. Standard library only; the bytes depend on the arguments alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from her_models.demo.cast import END_MS, perform
from her_models.demo.client import World
from her_models.demo.files import write_files
from her_models.demo.truth import (
    BlockTruth,
    Decoy,
    DemoTruth,
    Planted,
    RequestTruth,
    Totals,
    totals,
)

__all__ = [
    "ENDS_AT",
    "SETTINGS",
    "BlockTruth",
    "Decoy",
    "DemoTruth",
    "Planted",
    "RequestTruth",
    "Totals",
    "totals",
    "weeks_until",
    "write_demo",
]


ENDS_AT = datetime.fromtimestamp(END_MS / 1000, UTC)
SETTINGS = """# Budgets of the demo's company; yours stand in your own config.toml.

[[budgets]]
usd = 25
per = "month"

[[budgets]]
usd = 8
per = "month"
project = "spoke-api"

[[budgets]]
usd = 6
per = "month"
project = "parts-importer"
"""
"""What `config.toml` says in a home of the demo."""


def weeks_until(now: datetime) -> int:
    """Return by how many weeks the demo has to be later for its last day to lie in the seven days before `now`."""
    return max(0, (now - ENDS_AT) // timedelta(weeks=1))


def write_demo(out: Path, *, seed: int = 1, scale: float = 1.0, weeks_later: int = 0) -> DemoTruth:
    """Write a drop folder `<owner>@<host>/projects/…` below `out` and return what is true of it.

    `scale` is the share of sessions written: 1.0 gives about 70. Files that are already there are overwritten, others
    left alone. Times in the logs are `weeks_later` than those of the story, whose last day is that of `ENDS_AT`.
    """
    world = World(DemoTruth(), later=timedelta(weeks=weeks_later))
    perform(world, seed, scale)
    write_files(world, out)
    return world.truth
