"""What a sequence of requests costs under a plan: the same requests, another prompt, another cache.

The plan says which blocks have which size, which requests are not made, which misses do not happen and where something
is taken out late. What follows from it is computed here: what is read from cache, what is written again, which price
band holds, whether the prompt is still long enough to be cached. An empty plan gives the bill back, to the picodollar;
where it does not, nothing that is computed here for that session may be shown.

Rules, in the order in which they are applied (docs/whatif.md says them in words):

1.  Every position keeps its block. A prompt's boundaries move with the blocks in front of them.
2.  A request reads what the last request before it that is still made had cached, as far as it stands unchanged. A miss
    stays, at the block where it began, unless the plan takes its cause away. A miss of a request that is no longer made
    happens to the next that is.
3.  What is no longer read is written, for as long as it was written before.
4.  A request that is dropped hands its output to the one before it. Its time is taken out of the session, or, when it
    was a wake-up that nothing waited for, stays; then an entry can grow older than its lifetime.
5.  Price bands and the shortest prefix that is cached are looked up again for the new prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from her_models.ledger.expected import FIVE_MINUTES_SECONDS, HOUR_SECONDS
from her_models.ledger.position import Ints
from her_models.whatif.sequence import MISSES, Band, Bools, Floats, Sequence, line

NO_LIMIT = 2**62
MARGIN_SECONDS = 2.0
_READ, _HOUR, _FIVE, _UNCACHED, _OUTPUT = range(5)


@dataclass
class Plan:
    """What is different from what happened. Arrays are those of the sequence it is made for.

    sizes             tokens of each entry
    output            tokens billed as output, per place, before outputs of dropped requests are handed on
    dropped           requests that are not made
    keeps_time        of those, the ones whose time stays in the session
    misses_removed    places whose miss does not happen
    limit             position (of the old prompt) beyond which nothing of the prompt before stands, per place
    expired           places that find nothing in cache, whatever they found
    writes_hour       True: everything is written for an hour; False: for five minutes; None: as it was
    prices, bands     other prices
    minimum           other shortest cached prefixes, per place
    extra             picodollars of calls that did not happen, per session
    """

    sizes: Ints
    output: Ints
    dropped: Bools
    keeps_time: Bools
    misses_removed: Bools
    limit: Ints
    expired: Bools
    writes_hour: np.ndarray | None = None  # per place: 1 for an hour, 0 for five minutes, -1 as it was
    prices: Ints | None = None
    bands: Mapping[int, tuple[Band, ...]] | None = None
    minimum: Ints | None = None
    extra: Ints | None = None


def no_change(seq: Sequence) -> Plan:
    """Return the plan that changes nothing."""
    count = len(seq)
    nothing = np.zeros(count, np.bool_)
    return Plan(
        sizes=seq.entry_size.copy(),
        output=seq.output.copy(),
        dropped=nothing.copy(),
        keeps_time=nothing.copy(),
        misses_removed=nothing.copy(),
        limit=np.full(count, NO_LIMIT, np.int64),
        expired=nothing.copy(),
    )


@dataclass(frozen=True)
class Outcome:
    """What was sent and what it cost, per place."""

    read: Ints
    hour: Ints
    five: Ints
    uncached: Ints
    output: Ints
    picodollars: Ints
    extra: Ints = field(repr=False)

    def by_session(self, seq: Sequence) -> Ints:
        """Return the bill of each session in picodollars."""
        return seq.sums(self.picodollars) + self.extra


class _Line:
    """Where a position of an old prompt lies in the new one."""

    def __init__(self, seq: Sequence, sizes: Ints) -> None:
        self.old, self.new = seq.edges(), line(sizes)
        self.old_sizes, self.new_sizes = seq.entry_size, sizes
        self.is_same = bool((self.old_sizes == sizes).all())
        self.base = seq.base
        self.new_base = seq.base if self.is_same else self._at(seq.base)

    def _at(self, positions: Ints) -> Ints:
        if not len(self.old_sizes):
            return np.zeros_like(positions)
        # Not np.clip: it asks for the limits of the type first, which for a single position costs more than the rest.
        place = np.searchsorted(self.old, positions, side="right") - 1
        place = np.minimum(np.maximum(place, 0), len(self.old_sizes) - 1)
        within = (positions - self.old[place]) * self.new_sizes[place] // np.maximum(self.old_sizes[place], 1)
        found: Ints = self.new[place] + within
        return found

    def moved(self, positions: Ints) -> Ints:
        """Return the new position of one old position per place."""
        return positions if self.is_same else self._at(self.base + positions) - self.new_base

    def moved_at(self, place: int, position: int) -> int:
        """Return the new position of an old position of one place."""
        if self.is_same:
            return position
        at, last = int(self.base[place]) + position, len(self.old_sizes) - 1
        if last < 0:
            return -int(self.new_base[place])
        entry = min(max(int(self.old.searchsorted(at, side="right")) - 1, 0), last)
        within = (at - int(self.old[entry])) * int(self.new_sizes[entry]) // max(int(self.old_sizes[entry]), 1)
        return int(self.new[entry]) + within - int(self.new_base[place])


def replayed(seq: Sequence, plan: Plan) -> Outcome:
    """Return what the sequence would have cost under a plan."""
    moved = _Line(seq, plan.sizes)
    read, hour, five, end = (moved.moved(edge) for edge in (seq.read, seq.hour, seq.five, seq.end))
    is_missed = (seq.read < seq.expected) & ~plan.misses_removed
    new_read = np.where(is_missed, read, moved.moved(np.maximum(seq.read, seq.expected)))
    is_limited = plan.limit < NO_LIMIT
    if is_limited.any():
        limit = moved.moved(np.minimum(plan.limit, seq.end))
        new_read = np.where(is_limited, np.minimum(new_read, limit), new_read)
    new_read = np.where(plan.expired, 0, new_read)
    new_hour, new_five = _written(seq, new_read, read, hour, five, end)
    classes = np.stack([new_read, new_hour - new_read, new_five - new_hour, end - new_five], axis=1)
    if plan.dropped.any():
        _follow_drops(seq, plan, moved, is_missed, classes)
    if plan.writes_hour is not None:
        written = classes[:, _HOUR] + classes[:, _FIVE]
        classes[:, _HOUR] = np.where(plan.writes_hour < 0, classes[:, _HOUR], written * (plan.writes_hour == 1))
        classes[:, _FIVE] = np.where(plan.writes_hour < 0, classes[:, _FIVE], written * (plan.writes_hour == 0))
    _leave_short_prompts_uncached(seq, plan, classes)
    output = _handed_on(seq, plan)
    classes[plan.dropped] = 0
    prices = _prices(seq, plan, classes)
    cost = (classes * prices[:, :_OUTPUT]).sum(axis=1) + output * prices[:, _OUTPUT]
    extra = plan.extra if plan.extra is not None else np.zeros(len(seq.sessions), np.int64)
    read, hour, five, uncached = (classes[:, column] for column in (_READ, _HOUR, _FIVE, _UNCACHED))
    return Outcome(read, hour, five, uncached, output, cost + seq.fees, extra)


def _written(seq: Sequence, new_read: Ints, read: Ints, hour: Ints, five: Ints, end: Ints) -> tuple[Ints, Ints]:
    """Return the ends of what is written for an hour and for five minutes."""
    # A request that wrote nothing but now must, writes for as long as the thread did before.
    writes_hour = (seq.hour > seq.read) | ((seq.five == seq.hour) & (seq.hour_end > 0))
    new_hour = np.where((new_read < read) & ~writes_hour, new_read, np.maximum(hour, new_read))
    return new_hour, np.minimum(np.maximum(five, new_hour), np.maximum(end, new_hour))


def _follow_drops(seq: Sequence, plan: Plan, moved: _Line, is_missed: Bools, classes: Ints) -> None:
    """Decide anew what is read and written by every request that follows dropped ones."""
    first = seq.first_of_thread()
    after = np.flatnonzero(~plan.dropped & ~first & np.concatenate([[False], plan.dropped[:-1]]))
    for place in after.tolist():
        gone = [place - 1]
        while not first[gone[-1]] and plan.dropped[gone[-1] - 1]:
            gone.append(gone[-1] - 1)
        gone.reverse()
        before = -1 if first[gone[0]] else gone[0] - 1
        _after_drops(seq, plan, moved, is_missed, classes, place, gone, before)


def _after_drops(
    seq: Sequence, plan: Plan, moved: _Line, is_missed: Bools, classes: Ints, place: int, gone: list[int], before: int
) -> None:
    chain = [*gone, place]
    # With nothing made before, it finds what the first of the dropped ones found.
    cached = int(seq.read[gone[0]]) if before < 0 else int(seq.five[before])
    standing = min(int(seq.persisting[at]) for at in (chain[1:] if before < 0 else chain))
    read = min(cached, standing)
    missed = [int(seq.read[at]) for at in chain if is_missed[at]]
    if missed:
        read = min(read, *missed)
    elif seq.read[place] > seq.expected[place]:
        read = int(seq.read[place])  # another thread had cached more than this one
    elif before >= 0 and any(plan.keeps_time[at] for at in gone):
        read = min(read, still_cached(seq, gone[0], float(seq.started[place] - seq.started[before])))
    if plan.limit[place] < NO_LIMIT:
        read = min(read, int(plan.limit[place]))
    if plan.expired[place]:
        read = 0
    end = int(seq.end[place])
    read = min(read, end)
    spans = []
    for number, at in enumerate(chain):
        reach = min([end, *(int(seq.persisting[later]) for later in chain[number + 1 :])])
        found = int(seq.read[at]) if is_missed[at] else int(max(seq.read[at], seq.expected[at]))
        cuts = (int(seq.read[at]), int(seq.hour[at]), int(seq.five[at]), int(seq.end[at]))
        for column, (low, high) in enumerate(pairwise(cuts), start=1):
            low, high = max(low, found), min(high, reach)
            if low < high:
                spans.append((low, high, column))
    default = _HOUR if seq.hour_end[place] > 0 else _FIVE
    edges = sorted({read, end, *(cut for low, high, _ in spans for cut in (low, high) if read < cut < end)})
    totals = [moved.moved_at(place, read), 0, 0, 0]
    for low, high in pairwise(edges):
        column = next((found for a, b, found in reversed(spans) if a <= low and high <= b), default)
        totals[column] += moved.moved_at(place, high) - moved.moved_at(place, low)
    classes[place] = totals


def still_cached(seq: Sequence, place: int, age_seconds: float) -> int:
    """Return the end of what the cache of the request before a place still holds after some time; NaN is no time."""
    if age_seconds > HOUR_SECONDS + MARGIN_SECONDS:
        return 0
    return int(seq.hour_end[place]) if age_seconds > FIVE_MINUTES_SECONDS + MARGIN_SECONDS else NO_LIMIT


def _leave_short_prompts_uncached(seq: Sequence, plan: Plan, classes: Ints) -> None:
    """A prompt that has become too short to be cached is neither read nor written; nor is what the next finds of it."""
    minimum = seq.minimum if plan.minimum is None else plan.minimum
    cached = classes[:, :_UNCACHED].sum(axis=1)
    is_short = (cached < seq.five) & (cached < minimum) & ((seq.five >= minimum) | (plan.minimum is not None))
    is_short &= ~plan.dropped & (cached > 0)
    if not is_short.any():
        return
    classes[is_short, _UNCACHED] = classes[is_short].sum(axis=1)
    classes[is_short, :_UNCACHED] = 0
    first = seq.first_of_thread()
    for place in np.flatnonzero(is_short).tolist():
        later = place + 1
        while later < len(seq) and not first[later] and plan.dropped[later]:
            later += 1
        if later < len(seq) and not first[later] and not is_short[later] and classes[later, _READ]:
            column = _HOUR if classes[later, _HOUR] else _FIVE
            classes[later, column] += classes[later, _READ]
            classes[later, _READ] = 0


def _handed_on(seq: Sequence, plan: Plan) -> Ints:
    """Return the output per place after dropped requests gave theirs to the one before them."""
    output = plan.output.copy()
    if not plan.dropped.any():
        return output
    first = seq.first_of_thread()
    for place in np.flatnonzero(plan.dropped & (plan.output > 0) & ~first).tolist():
        at = place - 1
        while plan.dropped[at] and not first[at]:
            at -= 1
        if not plan.dropped[at]:
            output[at] += output[place]
            output[place] = 0
    return output


def _prices(seq: Sequence, plan: Plan, classes: Ints) -> Ints:
    prices = seq.prices if plan.prices is None else plan.prices
    bands = seq.bands if plan.bands is None else plan.bands
    if not bands:
        return prices
    prices = prices.copy()
    lengths = classes.sum(axis=1).tolist()
    places, found = [], []
    for place, steps in bands.items():
        length = lengths[place]
        for band in reversed(steps):  # in rising order: the last that fits holds
            if length > band.above_tokens or band.above_tokens == 0:
                places.append(place)
                found.append(band.prices)
                break
    prices[places] = found
    return prices


def identity_holds(seq: Sequence) -> Bools:
    """Return, per session, whether the empty plan gives its bill to the picodollar."""
    held: Bools = replayed(seq, no_change(seq)).by_session(seq) == seq.sums(seq.billed)
    return held


def ages(seq: Sequence) -> Floats:
    """Return the seconds since the request before in the thread began; NaN where there is none or a time is missing."""
    found: Floats = np.full(len(seq), np.nan)
    if len(seq):
        found[1:] = np.where(seq.first_of_thread()[1:], np.nan, seq.started[1:] - seq.started[:-1])
    return found


def miss_code(label: str) -> int:
    """Return the index of a miss label in `MISSES`."""
    return MISSES.index(label)
