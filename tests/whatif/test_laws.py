"""Laws of the replay over random lineages."""

from __future__ import annotations

import random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from her_models.ledger.layout import Layout
from her_models.whatif.reading import Bill, sequence_of
from her_models.whatif.removals import (
    CONTENT_LABELS,
    ORDER,
    BlockClaim,
    Claim,
    OutputClaim,
    RequestClaim,
    net_savings,
    plan_without,
    resolved,
)
from her_models.whatif.replay import identity_holds, no_change, replayed
from her_models.whatif.sequence import Sequence
from tests.ledger.test_conservation import Rows, billed, read, sessions
from tests.whatif.lineages import lineage

seeds = st.integers(0, 2**40)
# Threads drawn at random shrink for minutes; a seed to debug is enough.
PHASES = tuple(phase for phase in Phase if phase is not Phase.shrink)


@settings(deadline=None, max_examples=200)
@given(seeds, st.booleans(), st.booleans())
def test_without_uncached_tails_the_ledger_and_the_replay_agree_to_the_picodollar(
    seed: int, is_mixed: bool, brings_new: bool
) -> None:
    made = lineage(random.Random(seed), is_mixed=is_mixed, brings_new=brings_new)
    removals = resolved(made.seq, made.claims)
    left = replayed(made.seq, plan_without(made.seq, removals, ("K1", "C5"))).by_session(made.seq)[0]
    assert left == made.billed - made.waste - made.excess
    assert identity_holds(made.seq).all()


def made_sequence(given_threads: list[tuple[Rows, Rows]]) -> Sequence:
    """Return the sequence of threads as the ledger lays them, with bills counted by the tests of the ledger."""
    layout = Layout([read(pair) for pair in given_threads])
    bills = {
        (call["source_id"], call["request_id"], call["call_index"]): Bill("global", "standard", None, billed(call))
        for calls, _ in given_threads
        for call in calls
    }
    return sequence_of(layout, bills)


def drawn_claims(seq: Sequence, dice: random.Random) -> list[Claim]:
    """Return claims of any kind on any blocks and requests; some overlap."""
    claims: list[Claim] = []
    for _ in range(dice.randint(0, 12)):
        label = dice.choice(CONTENT_LABELS)
        block = dice.randrange(len(seq.blocks)) if seq.blocks else None
        low = dice.choice([0.0, 0.0, dice.random()])
        if block is not None:
            claims.append(BlockClaim(label, block, low, dice.choice([1.0, low + (1 - low) * dice.random()])))
            if seq.blocks[block].writer >= 0:
                claims.append(OutputClaim(label, block, dice.choice([1.0, 0.4])))
        flags = {name: dice.random() < 0.5 for name in ("keeps_new", "keeps_output", "keeps_time")}
        claims.append(RequestClaim(label, dice.randrange(len(seq)), **flags))
    return claims


@settings(deadline=None, max_examples=80, phases=PHASES)
@given(sessions())
def test_the_empty_plan_gives_every_bill_back_to_the_picodollar(given_threads: list[tuple[Rows, Rows]]) -> None:
    seq = made_sequence(given_threads)
    assert identity_holds(seq).all()
    outcome = replayed(seq, no_change(seq))
    for mine, low, high in zip(
        (outcome.read, outcome.hour, outcome.five, outcome.uncached),
        (0 * seq.read, seq.read, seq.hour, seq.five),
        (seq.read, seq.hour, seq.five, seq.end),
        strict=True,
    ):
        assert (mine == high - low).all()


@settings(deadline=None, max_examples=80, phases=PHASES)
@given(sessions(), st.randoms(use_true_random=False))
def test_net_savings_add_up_to_what_is_saved_without_any_of_it(
    given_threads: list[tuple[Rows, Rows]], dice: random.Random
) -> None:
    seq = made_sequence(given_threads)
    removals = resolved(seq, drawn_claims(seq, dice))
    net = net_savings(seq, removals)
    whole = replayed(seq, plan_without(seq, removals, ORDER)).by_session(seq)
    assert (sum(net.values()) == seq.sums(seq.billed) - whole).all()
    assert list(net) == [label for label in ORDER if label in net]


@settings(deadline=None, max_examples=80, phases=PHASES)
@given(sessions(), st.randoms(use_true_random=False))
def test_no_plan_makes_tokens_out_of_nothing(given_threads: list[tuple[Rows, Rows]], dice: random.Random) -> None:
    seq = made_sequence(given_threads)
    plan = plan_without(seq, resolved(seq, drawn_claims(seq, dice)), ORDER)
    outcome = replayed(seq, plan)
    sent = outcome.read + outcome.hour + outcome.five + outcome.uncached
    for counts in (outcome.read, outcome.hour, outcome.five, outcome.uncached, outcome.output, sent):
        assert (counts >= 0).all()
    assert (sent <= seq.end).all()
    assert outcome.output.sum() <= seq.output.sum()
