"""Taking something out late: what stands behind it in the prompt has to be written to the cache again.

What belongs here: removals that begin at a request, compacting and clearing earlier, and when a late removal pays. What
does not: removals from admission on (`removals`), which cost nothing.

An eviction is paid at the request that is the first without the block: what that request could have read behind the
block, it writes. It pays only if enough requests follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from her_models.ledger.position import Ints
from her_models.whatif.removals import Removal
from her_models.whatif.replay import Plan, replayed
from her_models.whatif.sequence import Sequence

STATIC_KINDS = frozenset({"system", "tool_schema"})


@dataclass(frozen=True)
class Eviction:
    """From a place on, these blocks of its thread have only so many tokens; `picodollars` is what it costs beside.

    Replacing the first of what goes with a summary is an eviction too: it then has the summary's tokens.
    """

    place: int
    left: Mapping[int, int]  # block -> tokens that stay
    picodollars: int = 0


@dataclass
class _Pieces:
    """Where a sequence is cut: entries and places of each piece, in order."""

    entries: list[tuple[int, int]] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)


def evicted(seq: Sequence, plan: Plan, evictions: Iterable[Eviction]) -> tuple[Sequence, Plan]:
    """Return the sequence cut where something leaves, and the plan for it in which it does, on top of `plan`."""
    ordered = sorted(evictions, key=lambda eviction: eviction.place)
    if not ordered:
        return seq, plan
    pieces = _cut(seq, {eviction.place for eviction in ordered})
    taken = np.concatenate([np.arange(low, high) for low, high in pieces.entries])
    lengths = [high - low for low, high in pieces.entries]
    cut = replace(
        seq,
        segment=np.repeat(np.arange(len(pieces.places)), [high - low for low, high in pieces.places]),
        base=np.repeat(
            np.cumsum([0, *(int(seq.entry_size[low:high].sum()) for low, high in pieces.entries)])[:-1],
            [high - low for low, high in pieces.places],
        ),
        entry_block=seq.entry_block[taken],
        entry_size=seq.entry_size[taken],
        entry_segment=np.repeat(np.arange(len(lengths)), lengths),
    )
    sizes, limit = plan.sizes[taken], plan.limit.copy()
    extra = np.zeros(len(seq.sessions), np.int64) if plan.extra is None else plan.extra.copy()
    starts = np.concatenate([[0], np.cumsum(lengths)])
    first_places = np.array([low for low, _ in pieces.places], np.int64)
    threads = seq.thread[first_places]
    for eviction in ordered:
        extra[seq.session[eviction.place]] += eviction.picodollars
        thread = seq.thread[eviction.place]
        pieces_after = np.flatnonzero((first_places >= eviction.place) & (threads == thread)).tolist()
        for number in pieces_after:
            low, high = starts[number], starts[number + 1]
            blocks = cut.entry_block[low:high].tolist()
            mine = [at for at, block in enumerate(blocks) if block in eviction.left]
            if not mine:
                continue
            before = sizes[low:high].copy()
            for at in mine:
                sizes[low + at] = min(int(sizes[low + at]), eviction.left[blocks[at]])
            changed = np.flatnonzero(before != sizes[low:high])
            if first_places[number] == eviction.place and len(changed):
                position = int(cut.entry_size[low : low + changed[0]].sum())
                limit[eviction.place] = min(int(limit[eviction.place]), position)
    return cut, replace(plan, sizes=sizes, limit=limit, extra=extra)


def _cut(seq: Sequence, places: set[int]) -> _Pieces:
    """Cut segments so that each of `places` begins one. Segments lie one behind the other, as do their entries."""
    pieces = _Pieces()
    if not len(seq):
        return pieces
    edges = np.flatnonzero(seq.segment[1:] != seq.segment[:-1]) + 1
    starts = [0, *edges.tolist(), len(seq)]
    entry_low = np.searchsorted(seq.entry_segment, seq.segment[np.array(starts[:-1])], side="left")
    entry_high = np.searchsorted(seq.entry_segment, seq.segment[np.array(starts[:-1])], side="right")
    for low, high, first, last in zip(starts[:-1], starts[1:], entry_low.tolist(), entry_high.tolist(), strict=True):
        cuts = [low, *(place for place in range(low + 1, high) if place in places), high]
        for start, end in pairwise(cuts):
            pieces.entries.append((first, last))
            pieces.places.append((start, end))
    return pieces


def cost_of(seq: Sequence, plan: Plan, evictions: Iterable[Eviction]) -> Ints:
    """Return the bill of each session under a plan and some evictions, picodollars."""
    cut, fitted = evicted(seq, plan, evictions)
    return replayed(cut, fitted).by_session(cut)


# -- dead blocks


def late_evictions(seq: Sequence, removal: Removal) -> list[list[Eviction]]:
    """Return, per thread, ways to take out what a label claims late: at each place where it could be done well.

    Those are the places where something is claimed from, the first request of each turn, and requests that missed the
    cache anyway. Everything that is dead by then leaves together, so that what stands behind is written again once.
    """
    by_thread: dict[int, dict[int, tuple[int, int]]] = {}
    for block, (place, tokens) in removal.late.items():
        by_thread.setdefault(int(seq.thread[place]), {})[block] = (place, tokens)
    ways = []
    for thread, blocks in by_thread.items():
        places = np.flatnonzero(seq.thread == thread)
        begun = min(place for place, _ in blocks.values())
        found = []
        for place in places[places >= begun].tolist():
            is_turn = place > 0 and seq.calls[place].turn_index != seq.calls[place - 1].turn_index
            is_missed = seq.read[place] < seq.expected[place]
            if is_turn or is_missed or any(place == start for start, _ in blocks.values()):
                # From here on a block has what nobody claims of it.
                dead = {b: seq.blocks[b].size - tokens for b, (start, tokens) in blocks.items() if start <= place}
                found.append(Eviction(place, dead))
        if found:
            ways.append(_thinned(found))
    return ways


_MOST_WAYS = 12  # tried per thread; more of them change the best one by little


def _thinned(ways: list[Eviction]) -> list[Eviction]:
    step = -(-len(ways) // _MOST_WAYS) if ways else 1
    return ways[::step]


def best_evictions(seq: Sequence, plan: Plan, removal: Removal) -> list[Eviction]:
    """Return the evictions of what a label claims late that pay, at most one per thread; none where none pays."""
    kept = []
    for ways in late_evictions(seq, removal):
        mine, fitted, low = _thread_of(seq, plan, ways[0].place)
        without = int(replayed(mine, fitted).by_session(mine)[0])
        tried = [replace(way, place=way.place - low) for way in ways]
        costs = [(int(cost_of(mine, fitted, [way])[0]), number) for number, way in enumerate(tried)]
        if min(costs)[0] < without:
            kept.append(ways[min(costs)[1]])
    return kept


def smaller(seq: Sequence, found: Iterable[Eviction]) -> list[Eviction]:
    """Return the same evictions of blocks as small as they may be: the lower end of what they save."""
    return [
        replace(
            eviction,
            left={
                block: tokens + round((seq.blocks[block].size - tokens) * (1 - min(seq.blocks[block].low_ratio, 1.0)))
                for block, tokens in eviction.left.items()
            },
        )
        for eviction in found
    ]


def _thread_of(seq: Sequence, plan: Plan, place: int) -> tuple[Sequence, Plan, int]:
    """Return the thread of a place as a sequence of its own, the plan for it, and its first place."""
    low, high = np.searchsorted(seq.thread, [seq.thread[place], seq.thread[place] + 1]).tolist()
    segments = [int(seq.segment[low]), int(seq.segment[high - 1])]
    first = int(np.searchsorted(seq.entry_segment, segments[0], side="left"))
    last = int(np.searchsorted(seq.entry_segment, segments[1], side="right"))
    places, entries = slice(low, high), slice(first, last)
    arrays = {
        name: getattr(seq, name)[places]
        for name in (
            *("thread", "segment", "read", "hour", "five", "end", "expected", "persisting", "output", "fees", "billed"),
            *("owned", "priced", "started", "miss", "hour_end", "minimum", "prices"),
        )
    }
    session = int(seq.session[low])
    mine = replace(
        seq,
        **arrays,
        sessions=(seq.sessions[session],),
        session=np.zeros(high - low, np.int64),
        base=seq.base[places] - int(seq.entry_size[:first].sum()),
        bands={at - low: bands for at, bands in seq.bands.items() if low <= at < high},
        calls=seq.calls[places],
        entry_block=seq.entry_block[entries],
        entry_size=seq.entry_size[entries],
        entry_segment=seq.entry_segment[entries],
    )
    fitted = replace(
        plan,
        sizes=plan.sizes[entries],
        **{name: getattr(plan, name)[places] for name in ("output", "dropped", "keeps_time", "misses_removed")},
        limit=plan.limit[places],
        expired=plan.expired[places],
        extra=None,
    )
    return mine, fitted, low


# -- compacting or clearing earlier


Prompts = dict[int, list[tuple[int, int]]]
"""Blocks and their tokens in the prompts of some places: what is asked for again and again."""


def earlier(
    seq: Sequence, context_tokens: int, summary_tokens: int, *, is_compacted: bool, prompts: Prompts | None = None
) -> list[Eviction]:
    """Return the evictions of compacting, or clearing, at the first request of a turn once a context is that long.

    System prompt and tools stay, and what came in with that request. `summary_tokens` stand in the place of what goes.
    Compaction reads the whole conversation once more to write them. `prompts` keeps what was found for the next call.
    """
    found: list[Eviction] = []
    prompts = {} if prompts is None else prompts
    first = seq.first_of_thread()
    gone: dict[int, int] = {}  # block -> tokens that are left of it
    for place in range(len(seq)):
        if first[place]:
            gone = {}
        if first[place] or seq.calls[place].thread_id or not seq.owned[place]:
            continue
        turn = seq.calls[place].turn_index
        before = seq.calls[place - 1]
        if turn == before.turn_index or seq.calls[place].lineage_index != before.lineage_index:
            continue
        if seq.end[place - 1] <= context_tokens:
            continue
        standing = prompts.get(place - 1)
        if standing is None:
            standing = prompts[place - 1] = _standing(seq, place - 1)
        if gone:
            standing = [(block, min(size, gone.get(block, size))) for block, size in standing]
        length = sum(size for _, size in standing)
        if length <= context_tokens:
            continue
        static = _static(seq, standing)
        leaving = [block for block, size in standing if block not in static and size > 0]
        if not leaving:
            continue
        left = dict.fromkeys(leaving, 0)
        if summary_tokens:
            # The summary stands in the largest block that goes, as only what was there can be replaced.
            largest = max(leaving, key=lambda block: seq.blocks[block].size)
            left[largest] = min(summary_tokens, seq.blocks[largest].size)
        picodollars = _compaction_picodollars(seq, place, length, summary_tokens) if is_compacted else 0
        found.append(Eviction(place, left, picodollars))
        gone = {**gone, **left}
    return found


def _standing(seq: Sequence, place: int) -> list[tuple[int, int]]:
    """Return the blocks of a place's prompt with their tokens in it."""
    low, high = np.searchsorted(seq.entry_segment, [seq.segment[place], seq.segment[place] + 1]).tolist()
    found, position, end = [], 0, int(seq.end[place])
    for block, size in zip(seq.entry_block[low:high].tolist(), seq.entry_size[low:high].tolist(), strict=True):
        if position >= end:
            break
        found.append((block, min(size, end - position)))
        position += size
    return found


def _static(seq: Sequence, standing: list[tuple[int, int]]) -> set[int]:
    """Return the blocks before the conversation: system prompt, tools, and what no line shows among them."""
    last = max((at for at, (block, _) in enumerate(standing) if seq.blocks[block].kind in STATIC_KINDS), default=-1)
    return {block for block, _ in standing[: last + 1]}


def _compaction_picodollars(seq: Sequence, place: int, length: int, summary_tokens: int) -> int:
    """Return what asking for a summary costs: the conversation, read where it is still cached, and the answer."""
    read, _, five, _, output = seq.prices[place].tolist()
    is_cold = bool(seq.read[place] < seq.expected[place])
    return int(length * (five if is_cold else read) + summary_tokens * output)
