"""The requests of many sessions as arrays: what each prompt was made of, what of it was cached, what it cost per token.

What belongs here: the shape that `replay` computes with, and how the ledger's layout becomes it. What does not: what
is changed in it (`policies`) and what that costs (`replay`).

A *place* is one request (a sub-call of a response is one of its own). A *block* is what the ledger calls a block; it
stands in one *entry* per segment of its lineage, and all entries laid end to end are one line of positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from her_models.ledger.position import Ints

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

CLASSES = ("cache_read", "cache_write_1h", "cache_write_5m", "uncached", "output")
"""Price classes, in the order of the columns of `Sequence.prices`."""
MISSES = ("", "K1", "K2", "K3", "K4", "K5")
"""Labels of a miss; `Sequence.miss` is an index into them."""


@dataclass(frozen=True)
class Band:
    """Prices of one request beyond a length of its prompt, picodollars per token in the order of `CLASSES`."""

    above_tokens: int
    prices: tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """What is known of a place's request beside its numbers."""

    request_id: str
    thread_id: str = ""
    model: str | None = None
    speed: str = "standard"
    geography: str = "global"
    tier: str = "standard"
    priced_at: datetime | None = None  # the moment whose prices hold
    turn_index: int = -1
    lineage_index: int = 0


@dataclass(frozen=True)
class Block:
    """What is known of a block beside its place: enough for a policy to choose it."""

    session: int
    kind: str
    tool_name: str | None = None
    label: str = ""
    path: str | None = None
    block_index: int | None = None
    size: int = 0  # tokens in the first prompt that held it
    turn_index: int | None = None
    writer: int = -1  # place of the request that wrote it
    output_tokens: int = 0  # of what that request was billed, its part
    low_ratio: float = 1.0  # ends of the interval of its size, as a share of the size
    high_ratio: float = 1.0


@dataclass(frozen=True)
class Sequence:
    """Requests session after session, thread after thread, in order. Arrays are per place, but for `entry_…`.

    Positions are those of the place's own prompt: `[0, read)` was read from cache, `[read, hour)` written for an hour,
    `[hour, five)` for five minutes, `[five, end)` not cached. `expected` is the end of what should have been read:
    less than `read` where another thread had cached more. `persisting` is how much of the prompt before stands
    unchanged at the same positions.
    """

    sessions: tuple[tuple[str, str], ...]  # (source_id, session_id)
    session: Ints
    thread: Ints
    segment: Ints
    base: Ints  # where the prompt begins on the line
    read: Ints
    hour: Ints
    five: Ints
    end: Ints
    expected: Ints
    persisting: Ints
    output: Ints
    fees: Ints  # picodollars
    billed: Ints  # picodollars, as the models of requests computed them; 0 where nothing has a price
    owned: Bools  # False: copied history, context without cost
    priced: Bools
    started: Floats  # seconds since 1970, NaN where unknown
    miss: Ints  # index into MISSES
    hour_end: Ints  # end of what the cache holds for an hour when this place comes, rather than for five minutes
    minimum: Ints  # shortest prefix that this model caches, tokens
    prices: Ints  # places x CLASSES, picodollars per token, 0 for copied history
    bands: Mapping[int, tuple[Band, ...]]  # of places whose price depends on the length of the prompt
    calls: tuple[Call, ...]
    entry_block: Ints  # block of each entry
    entry_size: Ints
    entry_segment: Ints
    blocks: tuple[Block, ...]

    def __len__(self) -> int:
        return len(self.session)

    def edges(self) -> Ints:
        """Return the edges of the entries on the line: one more than there are entries."""
        return line(self.entry_size)

    def first_of_thread(self) -> Bools:
        """Return which places have none before them in their thread."""
        first = np.ones(len(self), np.bool_)
        first[1:] = self.thread[1:] != self.thread[:-1]
        return first

    def first_places(self) -> Ints:
        """Return, per entry, the first place of its segment whose prompt holds it whole; -1 where none does."""
        ends = self.edges()[1:]
        place = np.searchsorted(self.base + self.end, ends, side="left")
        inside = place < len(self)
        place = np.minimum(place, max(len(self) - 1, 0))
        found: Ints = np.where(inside & (self.segment[place] == self.entry_segment), place, -1) if len(self) else ends
        return found

    def sums(self, values: Ints) -> Ints:
        """Return the sum of a value over the places of each session."""
        total = np.zeros(len(self.sessions), np.int64)
        np.add.at(total, self.session, values)
        return total


def line(sizes: Ints) -> Ints:
    """Return where things of these sizes begin and end when they are laid end to end."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
