"""Taking waste out: what a label claims, resolved so that no token is claimed twice, and the plan that leaves it out.

What belongs here: claims on blocks, outputs, requests and misses, and the plan made from those of some labels. What
does not: what waste is (the models of waste say that) and evictions (`evictions`): what is claimed only after its block
had entered is not left out from admission on, it is taken out late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from her_models.ledger.position import Ints
from her_models.whatif.replay import Plan, no_change, replayed
from her_models.whatif.sequence import MISSES, Sequence

MISS_LABELS = MISSES[1:]
CONTENT_LABELS = tuple(f"C{number}" for number in range(1, 15))
ORDER = (*MISS_LABELS, *CONTENT_LABELS)
"""The order in which labels are taken out for net figures, which then add up."""
MISSES_INDEX = {label: MISSES.index(label) for label in MISS_LABELS}


@dataclass(frozen=True)
class BlockClaim:
    """A share of a block's tokens in all prompts, or in those of `place` and later ones."""

    label: str
    block: int
    low: float = 0.0
    high: float = 1.0
    place: int = -1  # -1: from its admission on


@dataclass(frozen=True)
class OutputClaim:
    """A share of the output billed for writing a block."""

    label: str
    block: int
    share: float = 1.0


@dataclass(frozen=True)
class RequestClaim:
    """A request that need not have been made."""

    label: str
    place: int
    keeps_new: bool = True  # blocks that it was the first to hold stay, for the next request
    keeps_output: bool = True  # its output moves to the request before it
    keeps_time: bool = False  # nothing waited for it: its time stays in the session
    needs: frozenset[str] = frozenset()  # labels that must be taken out too, or it is still made


Claim = BlockClaim | OutputClaim | RequestClaim


@dataclass
class Removal:
    """What one label takes out: tokens by block, output tokens by block, requests, and what leaves late."""

    label: str
    tokens: dict[int, int] = field(default_factory=dict)
    output: dict[int, int] = field(default_factory=dict)
    requests: list[RequestClaim] = field(default_factory=list)
    residual: dict[int, dict[int, int]] = field(default_factory=dict)  # request's place -> what no line shows of it
    late: dict[int, tuple[int, int]] = field(default_factory=dict)  # block -> (first place without it, tokens)


def resolved(seq: Sequence, claims: Iterable[Claim]) -> dict[str, Removal]:
    """Return removals by label; a token, an output token and a request belong to the first label that claims them."""
    ordered = sorted(claims, key=lambda claim: CONTENT_LABELS.index(claim.label))
    removals: dict[str, Removal] = {}
    taken: dict[int, list[tuple[int, int]]] = defaultdict(list)
    written: dict[int, int] = defaultdict(int)
    dropped: set[int] = set()
    firsts = _blocks_by_first_place(seq)
    for claim in ordered:
        removal = removals.setdefault(claim.label, Removal(claim.label))
        if isinstance(claim, BlockClaim):
            _take_block(seq, removal, claim, taken)
        elif isinstance(claim, OutputClaim):
            _take_output(seq, removal, claim.block, claim.share, written)
        elif claim.place not in dropped:
            dropped.add(claim.place)
            removal.requests.append(claim)
            if not claim.keeps_new:
                for block in firsts.get(claim.place, ()):
                    _take_block(seq, removal, BlockClaim(claim.label, block), taken)
    for removal in removals.values():
        for claim in removal.requests:
            _take_residual(seq, removal, claim.place, firsts.get(claim.place, ()), taken)
    return removals


def _take_residual(
    seq: Sequence, removal: Removal, place: int, blocks: Iterable[int], taken: dict[int, list[tuple[int, int]]]
) -> None:
    """What no line shows, and came in with nothing but waste, came with the waste: it goes when its request does."""
    shown = [block for block in blocks if seq.blocks[block].kind != "hidden" and seq.blocks[block].size]
    is_all_waste = all(_length(taken[block]) == seq.blocks[block].size for block in shown)
    if not shown or not is_all_waste:
        return
    for block in blocks:
        free = _without(0, seq.blocks[block].size, taken[block]) if seq.blocks[block].kind == "hidden" else []
        if free:
            taken[block].extend(free)
            removal.residual.setdefault(place, {})[block] = _length(free)


def _length(intervals: Iterable[tuple[int, int]]) -> int:
    return sum(high - low for low, high in intervals)


def _take_block(seq: Sequence, removal: Removal, claim: BlockClaim, taken: Mapping[int, list[tuple[int, int]]]) -> None:
    size = seq.blocks[claim.block].size
    low, high = round(size * claim.low), round(size * claim.high)
    free = _without(low, high, taken[claim.block])
    tokens = _length(free)
    if not tokens:
        return
    taken[claim.block].extend(free)
    if claim.place < 0:
        removal.tokens[claim.block] = removal.tokens.get(claim.block, 0) + tokens
    else:
        place, before = removal.late.get(claim.block, (claim.place, 0))
        removal.late[claim.block] = (max(place, claim.place), before + tokens)


def _without(low: int, high: int, taken: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what of `[low, high)` is not taken yet."""
    free = [(low, high)]
    for start, end in taken:
        free = [
            piece
            for a, b in free
            for piece in ((a, min(b, start)), (max(a, end), b))
            if piece[0] < piece[1]
        ]  # fmt: skip
    return [(a, b) for a, b in free if a < b]


def _take_output(seq: Sequence, removal: Removal, block: int, share: float, written: dict[int, int]) -> None:
    whole = seq.blocks[block].output_tokens
    tokens = min(round(whole * share), whole - written[block])
    if tokens > 0:
        written[block] += tokens
        removal.output[block] = removal.output.get(block, 0) + tokens


def _blocks_by_first_place(seq: Sequence) -> dict[int, list[int]]:
    first: dict[int, int] = {}
    for block, place in zip(seq.entry_block.tolist(), seq.first_places().tolist(), strict=True):
        if place >= 0:
            first.setdefault(block, place)
    places: dict[int, list[int]] = defaultdict(list)
    for block, place in first.items():
        places[place].append(block)
    return places


def plan_without(
    seq: Sequence, removals: Mapping[str, Removal], labels: Iterable[str], *, is_low: bool = False
) -> Plan:
    """Return the plan that leaves out what some labels claim from admission on; late claims stay.

    Args:
        is_low: blocks are as small as they may be, and what no line shows stays: the lower end of the saving.
    """
    chosen = set(labels)
    plan = no_change(seq)
    codes = [MISSES_INDEX[label] for label in MISS_LABELS if label in chosen]
    plan.misses_removed = np.isin(seq.miss, codes) if codes else plan.misses_removed
    mine = [removal for label, removal in removals.items() if label in chosen]
    tokens = np.zeros(len(seq.blocks), np.int64)
    unwanted: set[int] = set()
    for removal in mine:
        for block, count in removal.tokens.items():
            tokens[block] += int(count * min(seq.blocks[block].low_ratio, 1.0)) if is_low else count
        for block, count in removal.output.items():
            plan.output[seq.blocks[block].writer] -= count
        for claim in removal.requests:
            if claim.needs <= chosen:
                plan.dropped[claim.place] = True
                plan.keeps_time[claim.place] = claim.keeps_time
                unwanted |= set() if claim.keeps_output else {claim.place}
                for block, count in removal.residual.get(claim.place, {}).items():
                    tokens[block] += 0 if is_low else count
    plan.output[list(unwanted)] = 0
    plan.sizes = without_tokens(seq, tokens)
    return plan


def without_tokens(seq: Sequence, tokens: Ints) -> Ints:
    """Return the sizes of all entries after taking `tokens` out of each block; a block cut down gives its share."""
    sizes = np.array([block.size for block in seq.blocks], np.int64)
    if not len(sizes):
        return seq.entry_size.copy()
    of_entry, whole = tokens[seq.entry_block], np.maximum(sizes[seq.entry_block], 1)
    left: Ints = seq.entry_size - np.minimum(of_entry * seq.entry_size // whole, seq.entry_size)
    return left


def net_savings(seq: Sequence, removals: Mapping[str, Removal]) -> dict[str, Ints]:
    """Return picodollars per session that each label saves after all before it in `ORDER` are taken out.

    They add up to the bill minus the cost with all of them taken out. Labels that claim nothing are left out.
    """
    present = [label for label in ORDER if label in removals or MISSES_INDEX.get(label, -1) in seq.miss]
    left = seq.sums(seq.billed)
    net: dict[str, Ints] = {}
    for number, label in enumerate(present, start=1):
        cost = replayed(seq, plan_without(seq, removals, present[:number])).by_session(seq)
        net[label], left = left - cost, cost
    return net
