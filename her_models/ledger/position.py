"""Tokens and money by position in the prompt.

A prompt is the interval `[0, T)`. Its price classes are intervals in a fixed order: `[0, R)` was read from
cache, then come 1-hour writes, 5-minute writes, and the uncached tail. Blocks are intervals of the same
line. Within a *segment* each prompt extends the one before, so that a block keeps its place for as long as
the segment lasts; what a block cost over its life is then a difference of two values of one piecewise
linear function, and the block x request matrix is never made.

Nothing here knows what a block or a request is; everything is integers in, integers out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

CLASSES = ("cache_read", "cache_write_1h", "cache_write_5m", "uncached")
_SAFE = 2**62


@dataclass(frozen=True)
class Prices:
    """Picodollars per token, one entry per request."""

    cache_read: Ints
    cache_write_1h: Ints
    cache_write_5m: Ints
    uncached: Ints

    def of(self, name: str) -> Ints:
        value: Ints = getattr(self, name)
        return value


@dataclass(frozen=True)
class Prompts:
    """Prompts, one entry per request, of one segment or of many.

    `base` is where a prompt begins on the common line: segments laid end to end are computed in one go.
    `expected` is the end of what should have been read from cache: `[cache_read, expected)` was missed.
    `actual` are the prices paid, `standard` those without premium (standard speed, global, first band).
    """

    cache_read: Ints
    cache_write_1h: Ints
    cache_write_5m: Ints
    uncached: Ints
    expected: Ints
    actual: Prices
    standard: Prices
    base: Ints

    def __len__(self) -> int:
        return len(self.cache_read)

    def edges(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Return the class boundaries on the common line: 0, R, R+W1, R+W1+W5, T."""
        read_end = self.base + self.cache_read
        hour_end = read_end + self.cache_write_1h
        five_end = hour_end + self.cache_write_5m
        return self.base, read_end, hour_end, five_end, five_end + self.uncached


@dataclass(frozen=True)
class Lanes:
    """Tokens by class and picodollars by lane, one entry per block or per request and kind.

    content   at standard prices, as if what was expected in cache had been read from it
    cache     what missing the cache cost on top
    premium   what speed, geography and the long-context band cost on top
    """

    cache_read: Ints
    cache_write_1h: Ints
    cache_write_5m: Ints
    uncached: Ints
    missed: Ints
    content: Ints
    cache: Ints
    premium: Ints

    @property
    def tokens(self) -> Ints:
        return self.cache_read + self.cache_write_1h + self.cache_write_5m + self.uncached


def _bounded(picodollars: int) -> None:
    if picodollars >= _SAFE:
        raise OverflowError(f"{picodollars} picodollars in one computation exceed 64 bits; divide it by session")


def _accumulated(low: Ints, high: Ints, weight: Ints, at: Ints) -> Ints:
    """Return `sum_i weight_i * |[low_i, high_i) intersected with [0, x)|` for each x in `at` (ascending).

    The sum is piecewise linear in x: its slope rises by the weight at `low` and falls at `high`.
    """
    points = np.concatenate([low, high])
    steps = np.concatenate([weight, -weight])
    order = np.argsort(points, kind="stable")
    points, slopes = points[order], np.cumsum(steps[order])
    values = np.concatenate([np.zeros(1, np.int64), np.cumsum(slopes[:-1] * np.diff(points))])
    place = np.searchsorted(points, at, side="right") - 1
    inside = place >= 0
    place = np.maximum(place, 0)
    return np.where(inside, values[place] + slopes[place] * (at - points[place]), 0)


def pieces(prompts: Prompts) -> list[tuple[str, Ints, Ints, Ints, Ints, Ints, bool]]:
    """Cut each price class at the end of what was expected in cache.

    Returns (class, low, high, content price, cache excess, premium, was it missed).
    """
    zero, read_end, hour_end, five_end, end = prompts.edges()
    expected = prompts.base + prompts.expected
    found = []
    starts = (zero, read_end, hour_end, five_end)
    ends = (read_end, hour_end, five_end, end)
    for name, low, high in zip(CLASSES, starts, ends, strict=True):
        actual, standard = prompts.actual.of(name), prompts.standard.of(name)
        premium, nothing = actual - standard, np.zeros_like(actual)
        if name == "cache_read":
            found.append((name, low, high, standard, nothing, premium, False))
            continue
        cut = np.clip(expected, low, high)
        read = prompts.standard.cache_read
        found.append((name, low, cut, read, standard - read, premium, True))
        found.append((name, cut, high, standard, nothing, premium, False))
    return found


def block_lanes(prompts: Prompts, sizes: Ints) -> Lanes:
    """Return what each block cost over its whole life.

    Args:
        prompts: the prompts (n of them).
        sizes: tokens of each block, in the order of the prompt, segment after segment (m of them). A prompt
            shorter than its segment holds the first blocks only.

    Returns:
        Lanes with m entries. Their sums equal the prompts' tokens and their cost, exactly.

    Raises:
        ValueError: the blocks do not reach the end of the longest prompt, or a size is negative.
    """
    edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    longest = int(prompts.edges()[-1].max(initial=0))
    if len(sizes) and int(sizes.min()) < 0:
        raise ValueError("a block has a negative size")
    if int(edges[-1]) < longest:
        raise ValueError(f"blocks end at {int(edges[-1])}, the longest prompt at {longest}")
    _bounded(sum(int((getattr(prompts, name).astype(object) * prompts.actual.of(name)).sum()) for name in CLASSES))
    sums = {name: np.zeros(len(sizes), np.int64) for name in (*CLASSES, "missed", "content", "cache", "premium")}
    one = np.ones(len(prompts), np.int64)
    for name, low, high, content, cache, premium, is_missed in pieces(prompts):
        tokens = np.diff(_accumulated(low, high, one, edges))
        sums[name] += tokens
        if is_missed:
            sums["missed"] += tokens
        for lane, price in (("content", content), ("cache", cache), ("premium", premium)):
            if price.any():
                sums[lane] += np.diff(_accumulated(low, high, price, edges))
    return Lanes(**sums)


def request_kind_lanes(prompts: Prompts, sizes: Ints, kinds: Ints, kind_count: int) -> Lanes:
    """Return what each kind of content cost in each request.

    Args:
        kinds: kind of each block, 0 to `kind_count` - 1.

    Returns:
        Lanes of shape (requests, kinds); each row sums to the request's tokens and prompt cost, exactly.
    """
    edges = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])
    shape = (len(prompts), kind_count)
    sums = {name: np.zeros(shape, np.int64) for name in (*CLASSES, "missed", "content", "cache", "premium")}
    parts = pieces(prompts)
    for kind in np.flatnonzero(np.bincount(kinds)):
        mine = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.where(kinds == kind, sizes, 0), dtype=np.int64)])
        for name, low, high, content, cache, premium, is_missed in parts:
            tokens = _interpolated(edges, mine, high) - _interpolated(edges, mine, low)
            sums[name][:, kind] += tokens
            if is_missed:
                sums["missed"][:, kind] += tokens
            sums["content"][:, kind] += tokens * content
            sums["cache"][:, kind] += tokens * cache
            sums["premium"][:, kind] += tokens * premium
    return Lanes(**sums)


def _interpolated(edges: Ints, values: Ints, at: Ints) -> Ints:
    """Return the tokens of one kind before position `at`; slopes are 0 or 1, so integers stay exact."""
    place = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, max(len(edges) - 2, 0))
    grown = np.minimum(at - edges[place], values[np.minimum(place + 1, len(values) - 1)] - values[place])
    result: Ints = values[place] + grown
    return result


def proportional(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` by `weights` into integers that sum to it: largest remainder, earlier entry first.

    All weights zero: everything goes to the last entry.
    """
    # Plain integers: the lists are short, and a call of NumPy costs more than all of this.
    if len(weights) <= 1:
        return [total] * len(weights)
    whole = sum(weights)
    if whole == 0:
        return [0] * (len(weights) - 1) + [total]
    parts = [divmod(total * weight, whole) for weight in weights]
    shares = [share for share, _ in parts]
    missing = total - sum(shares)
    if missing:
        for place in sorted(range(len(parts)), key=lambda place: -parts[place][1])[:missing]:
            shares[place] += 1
    return shares
