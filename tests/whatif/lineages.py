"""Random lineages with redundant calls, merges, full and partial misses; and what the ledger says of their waste.

The ledger's side is counted token by token and knows nothing of the replay: a token of a prompt has one label, is
missed or not, and has one price.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from her_models.whatif.removals import BlockClaim, Claim, OutputClaim, RequestClaim
from her_models.whatif.sequence import Sequence
from tests.whatif.made import Step, named, sequence

READ, HOUR, FIVE, UNCACHED, OUTPUT = range(5)


@dataclass
class Lineage:
    """A made sequence, what is waste in it, and the money of that by the ledger, in picodollars."""

    seq: Sequence
    claims: list[Claim]
    waste: int
    excess: int
    billed: int


@dataclass
class _State:
    steps: list[Step] = field(default_factory=list)
    wasted: list[list[tuple[int, int, bool]]] = field(default_factory=list)  # per prompt: low, high, is waste


def lineage(dice: random.Random, *, longest_tail: int = 0, is_mixed: bool = False, brings_new: bool = False) -> Lineage:
    """Return one lineage.

    Args:
        longest_tail: tokens at the end of a prompt that are not cached, at most.
        is_mixed: writes live for an hour or for five minutes, request by request.
        brings_new: a request that need not have been made may be the first to hold something useful. The ledger then
            counts that it is written there and read by the next, the replay that the next writes it: one read less,
            which is counted as waste here.
    """
    prices = tuple(dice.randint(10, 899) * 1_000 for _ in range(4))
    prices = (min(prices), *sorted(prices)[1:], max(prices) * 5)  # a read is the cheapest
    steps: list[Step] = []
    spans: list[tuple[str, int, int, bool]] = []  # blocks so far: name, low, high, waste
    dropped: list[bool] = []
    ledger: list[tuple[int, int, int, int, bool, list[tuple[str, int, int, bool]], int]] = []
    is_hour = dice.random() < 0.5
    end = cached = 0
    is_call_wasted = False
    wasted_outputs: list[tuple[str, int]] = []
    length = dice.randint(2, 14)
    for number in range(length):
        drop = is_call_wasted
        adds: list[tuple[str, int, bool]] = []
        if number == 0:
            adds.append(("system", dice.randint(50, 400), False))
        if number:
            adds.append((f"call {number - 1}", dice.randint(1, 30), is_call_wasted))
            if is_call_wasted:
                adds.append((f"result {number - 1}", dice.randint(1, 90), True))
        if not drop or (brings_new and dice.random() < 0.5):
            adds.append((f"useful {number}", dice.randint(1, 90), False))
        for name, size, waste in adds:
            spans.append((name, end, end + size, waste))
            end += size
        expected = cached
        read, miss = expected, ""
        if number and dice.random() < 0.25:
            read = 0 if dice.random() < 0.5 else dice.randint(0, expected)
            miss = "K1" if read < expected else ""
        tail = min(dice.randint(0, longest_tail), end - read, adds[-1][1])
        cut = end - tail
        if is_mixed:
            is_hour = dice.random() < 0.5
        output = dice.randint(1, 60)
        last_prompt = steps[-1].prompt if steps else 0
        dropped.append(drop)
        # What the last request is the first to hold is sent once only if it is made.
        is_call_wasted = number < length - 2 and dice.random() < 0.4
        steps.append(
            Step(read, hour=(cut - read) if is_hour else 0, five=0 if is_hour else cut - read, uncached=tail,
                 output=output, adds=[(name, size) for name, size, _ in adds], miss=miss, expected=expected,
                 wrote=[(f"call {number}", output)])
        )  # fmt: skip
        ledger.append((read, expected, cut, end, is_hour, list(spans), last_prompt if drop else 0))
        cached = cut
        if is_call_wasted:
            wasted_outputs.append((f"call {number}", output))
    seq = sequence(*steps, prices=prices)
    block = named(seq)
    claims: list[Claim] = [BlockClaim("C5", block[name]) for name, _, _, waste in spans if waste]
    claims += [OutputClaim("C5", block[name]) for name, _ in wasted_outputs]
    claims += [RequestClaim("C5", place) for place, drop in enumerate(dropped) if drop]
    waste = sum(output * prices[OUTPUT] for _, output in wasted_outputs)
    excess = 0
    early: set[int] = set()  # positions that a request brought in that is not made
    for (read, expected, cut, stop, hour, blocks, carried), drop in zip(ledger, dropped, strict=True):
        for position in range(stop):
            own = READ if position < read else (HOUR if hour else FIVE) if position < cut else UNCACHED
            is_missed = read <= position < expected
            base = prices[READ] if is_missed else prices[own]
            excess += (prices[own] - prices[READ]) if is_missed else 0
            is_waste = position < carried or any(low <= position < high and w for _, low, high, w in blocks)
            is_waste |= position in early
            waste += base if is_waste else 0
        early = early | set(range(carried, stop)) if drop else set()
    return Lineage(seq, claims, waste, excess, int(seq.billed.sum()))
