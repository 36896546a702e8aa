"""Invented sessions whose truth is known: what `her up --demo` shows, and what detectors are tested on.

A small company works for six weeks on six projects with six client versions. Every prompt is kept as a list of
blocks and billed by a model of the prompt cache, so that the token counts in the logs obey the rules of the API, and
what was wasted is known to the token. Standard library only; the bytes depend on the arguments alone.
"""

from __future__ import annotations

from pathlib import Path

from her_models.demo.cast import perform
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
    "BlockTruth",
    "Decoy",
    "DemoTruth",
    "Planted",
    "RequestTruth",
    "Totals",
    "totals",
    "write_demo",
]


def write_demo(out: Path, *, seed: int = 1, scale: float = 1.0) -> DemoTruth:
    """Write a drop folder `<owner>@<host>/projects/…` below `out` and return what is true of it.

    `scale` is the share of sessions written: 1.0 gives about 70. Files that are already there are overwritten, others
    left alone.
    """
    world = World(DemoTruth())
    perform(world, seed, scale)
    write_files(world, out)
    return world.truth
