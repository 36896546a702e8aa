"""Sequences made by hand: one thread whose prompts extend each other, with the blocks that each request adds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Rows
from dataclasses import dataclass, field

import numpy as np

from her_models.whatif.reading import hour_ends
from her_models.whatif.sequence import MISSES, Band, Block, Call, Sequence

OPUS_5_5 = (200_000, 8_000_000, 5_000_000, 4_000_000, 20_000_000)
"""Picodollars per token: read, written for an hour, for five minutes, not cached, output."""


@dataclass(frozen=True)
class Step:
    """One request: its token classes and output, and the blocks that its prompt adds (name, tokens)."""

    read: int
    hour: int = 0
    five: int = 0
    uncached: int = 0
    output: int = 0
    adds: Rows[tuple[str, int]] = ()
    miss: str = ""
    expected: int | None = None  # default: what the request before had cached
    started: float | None = None
    wrote: Rows[tuple[str, int]] = field(default=())  # blocks this request wrote, with the output billed for each

    @property
    def prompt(self) -> int:
        return self.read + self.hour + self.five + self.uncached


def sequence(
    *steps: Step,
    prices: Rows[int] = OPUS_5_5,
    bands: Mapping[int, tuple[Band, ...]] | None = None,
    minimum: int = 0,
) -> Sequence:
    """Return one session of one thread. The blocks that a step adds must fill what its prompt grew by."""
    names: dict[str, int] = {}
    sizes: list[int] = []
    for step in steps:
        for name, size in step.adds:
            names[name] = len(names)
            sizes.append(size)
        assert sum(sizes) == step.prompt, (step, sum(sizes))
    writers = {name: (place, output) for place, step in enumerate(steps) for name, output in step.wrote}
    blocks = tuple(
        Block(
            0, name.split()[0], label=name, block_index=number, size=sizes[number], writer=writer, output_tokens=output
        )
        for name, number in names.items()
        for writer, output in [writers.get(name, (-1, 0))]
    )

    def column(values: Rows[int]) -> np.ndarray:
        return np.array(values, np.int64)

    previous = [None, *steps[:-1]]
    expected = [
        step.expected if step.expected is not None else 0 if before is None else before.prompt - before.uncached
        for step, before in zip(steps, previous, strict=True)
    ]
    billed = []
    for number, step in enumerate(steps):
        tokens = (step.read, step.hour, step.five, step.uncached, step.output)
        paid = _prices(step, prices, number, bands)
        billed.append(sum(count * price for count, price in zip(tokens, paid, strict=True)))
    count = len(steps)
    return Sequence(
        sessions=(("s", "one"),),
        session=column([0] * count),
        thread=column([0] * count),
        segment=column([0] * count),
        base=column([0] * count),
        read=column([s.read for s in steps]),
        hour=column([s.read + s.hour for s in steps]),
        five=column([s.read + s.hour + s.five for s in steps]),
        end=column([s.prompt for s in steps]),
        expected=column(expected),
        persisting=column([0 if before is None else before.prompt for before in previous]),
        output=column([s.output for s in steps]),
        fees=column([0] * count),
        billed=column(billed),
        owned=np.ones(count, np.bool_),
        priced=np.ones(count, np.bool_),
        started=np.array([60.0 * n if s.started is None else s.started for n, s in enumerate(steps)]),
        miss=column([MISSES.index(s.miss) for s in steps]),
        hour_end=hour_ends(*(column(found) for found in _edges(steps)), np.arange(count) == 0),
        minimum=column([minimum] * count),
        prices=column([list(prices)] * count),
        bands=bands or {},
        calls=tuple(Call(f"r{number}", model="claude-opus-5-5") for number in range(count)),
        entry_block=column(list(range(len(sizes)))),
        entry_size=column(sizes),
        entry_segment=column([0] * len(sizes)),
        blocks=blocks,
    )


def _prices(step: Step, prices: Rows[int], number: int, bands: Mapping[int, tuple[Band, ...]] | None) -> Rows[int]:
    for band in (bands or {}).get(number, ()):
        if step.prompt > band.above_tokens or band.above_tokens == 0:
            prices = band.prices
    return prices


def _edges(steps: Rows[Step]) -> tuple[list[int], list[int], list[int]]:
    read = [step.read for step in steps]
    hour = [step.read + step.hour for step in steps]
    return read, hour, [step.read + step.hour + step.five for step in steps]


def named(seq: Sequence) -> dict[str, int]:
    """Return the number of each block by name."""
    return {block.label: number for number, block in enumerate(seq.blocks)}
