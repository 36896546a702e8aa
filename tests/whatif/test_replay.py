"""The replay on sequences made by hand: what a prompt costs when something in front of it is not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from her_models.whatif.claims import Claims
from her_models.whatif.delegation import Run, delegated, reading_runs
from her_models.whatif.evictions import Eviction, best_evictions, cost_of, earlier
from her_models.whatif.policies import other_lifetime, other_model, without_parts
from her_models.whatif.reading import Period
from her_models.whatif.removals import BlockClaim, OutputClaim, Removal, RequestClaim, plan_without, resolved
from her_models.whatif.replay import Plan, identity_holds, no_change, replayed
from her_models.whatif.sequence import Band, Sequence
from her_models.whatif.table import found_policies
from tests.whatif.made import Step, named, sequence

# Opus 5.5, entries that live an hour: a file is read twice, then seventy minutes pass.
SECOND_READ = (
    Step(0, hour=30_000, output=200, adds=[("system", 30_000)]),
    Step(30_000, hour=12_000, output=300, adds=[("call one", 200), ("file", 11_800)], wrote=[("call two", 300)]),
    Step(42_000, hour=12_000, output=500, adds=[("call two", 300), ("file again", 11_700)]),
    Step(0, hour=55_000, output=400, adds=[("edit", 500), ("result", 500)], miss="K1"),
    Step(55_000, hour=1_000, output=100, adds=[("more", 1_000)]),
)


def usd(picodollars: int) -> Decimal:
    return Decimal(int(picodollars)).scaleb(-12)


def cost(seq: Sequence, plan: Plan) -> Decimal:
    return usd(replayed(seq, plan).by_session(seq)[0])


@pytest.fixture
def second_read() -> Sequence:
    return sequence(*SECOND_READ)


def claims_of_the_second_read(seq: Sequence) -> list[BlockClaim | OutputClaim | RequestClaim]:
    block = named(seq)
    return [
        BlockClaim("C5", block["file again"]),
        BlockClaim("C5", block["call two"]),
        OutputClaim("C5", block["call two"]),
        RequestClaim("C5", 2),
    ]


@pytest.mark.parametrize(
    ("labels", "left"),
    [((), "0.935400"), (("C5",), "0.726600"), (("K1",), "0.514200"), (("K1", "C5"), "0.399000")],
)
def test_a_second_read_and_an_expiry_cost_what_the_method_says(
    second_read: Sequence, labels: tuple[str, ...], left: str
) -> None:
    """Gross savings 0.208800 and 0.421200 add up to more than the 0.536400 that both together save."""
    removals = resolved(second_read, claims_of_the_second_read(second_read))
    assert cost(second_read, plan_without(second_read, removals, labels)) == Decimal(left)


def test_the_empty_plan_gives_the_bill_back(second_read: Sequence) -> None:
    assert identity_holds(second_read).tolist() == [True]


def test_what_leaves_late_is_paid_with_what_stands_behind_it_written_again(second_read: Sequence) -> None:
    """At request 3 the first copy of the file goes, 11,800 tokens; the call of 300 and 11,700 of a second copy follow.

    Request 3 read 42,000; now it reads what stands in front of the file and writes the rest. Request 4 writes 43,200,
    request 5 reads them.
    """
    file = named(second_read)["file"]
    cost_3 = Decimal("0.006040") + Decimal("0.096000") + Decimal("0.010000")
    cost_4 = 43_200 * Decimal("0.000008") + Decimal("0.008000")
    cost_5 = 43_200 * Decimal("0.0000002") + Decimal("0.008000") + Decimal("0.002000")
    left = cost_of(second_read, no_change(second_read), [Eviction(2, {file: 0})])
    assert usd(left[0]) == Decimal("0.244") + Decimal("0.108") + cost_3 + cost_4 + cost_5


def test_a_block_that_leaves_when_the_cache_has_expired_anyway_costs_nothing_to_take_out(second_read: Sequence) -> None:
    """From request 4 on: 11,800 tokens are not written there and not read in request 5."""
    file = named(second_read)["file"]
    left = cost_of(second_read, no_change(second_read), [Eviction(3, {file: 0})])
    assert Decimal("0.9354") - usd(left[0]) == 11_800 * (Decimal("0.000008") + Decimal("0.0000002"))


def test_an_eviction_that_costs_more_than_it_saves_is_not_made() -> None:
    """A small block in front of a long suffix, one request before the end."""
    seq = sequence(
        Step(0, hour=10_000, adds=[("system", 9_000), ("small", 1_000)]),
        Step(10_000, hour=50_000, adds=[("suffix", 50_000)]),
        Step(60_000, hour=10, adds=[("more", 10)]),
    )
    removal = Removal("C13", late={named(seq)["small"]: (2, 1_000)})
    assert best_evictions(seq, no_change(seq), removal) == []
    dearer = cost_of(seq, no_change(seq), [Eviction(2, {named(seq)["small"]: 0})])
    # The suffix, 50,000 tokens, is written at 8 instead of read at 0.20; 1,000 tokens less are read.
    assert usd(dearer[0] - seq.billed.sum()) == 50_000 * Decimal("0.0000078") - 1_000 * Decimal("0.0000002")


def test_compacting_earlier_pays_for_the_summary_and_carries_it() -> None:
    """System prompt 1,000, then 90,000 of results; the summary of 2,000 stands in their place in the next turn."""
    seq = sequence(
        Step(0, hour=91_000, adds=[("system", 1_000), ("results", 90_000)]),
        Step(91_000, hour=100, adds=[("prompt", 100)]),
    )
    seq = replace(seq, calls=tuple(replace(call, turn_index=turn) for turn, call in enumerate(seq.calls)))
    found = earlier(seq, 60_000, 2_000, is_compacted=True)
    asked = 91_000 * Decimal("0.0000002") + 2_000 * Decimal("0.00002")
    went_on = 1_000 * Decimal("0.0000002") + 2_100 * Decimal("0.000008")
    left = cost_of(seq, no_change(seq), found)
    assert usd(left[0]) == 91_000 * Decimal("0.000008") + asked + went_on
    assert earlier(seq, 100_000, 2_000, is_compacted=True) == []


def test_a_prompt_that_becomes_too_short_for_the_cache_is_paid_in_full() -> None:
    """4,000 of 5,000 tokens go; 1,000 are fewer than the 2,048 that the model caches."""
    seq = sequence(
        Step(0, five=5_000, adds=[("system", 900), ("file", 4_100)]),
        Step(5_000, five=100, adds=[("more", 100)]),
        minimum=2_048,
    )
    plan = without_parts(seq, {named(seq)["file"]: 4_100})
    outcome = replayed(seq, plan)
    assert outcome.uncached.tolist() == [900, 1_000]
    assert cost(seq, plan) == 1_900 * Decimal("0.000004")


def test_a_shorter_prompt_may_fall_into_a_cheaper_band() -> None:
    """Haiku 5.5: 0.10 up to 100,000 tokens, five times as much beyond, output included."""
    cheap, dear = (10_000, 200_000, 125_000, 100_000, 500_000), (50_000, 1_000_000, 625_000, 500_000, 2_500_000)
    bands = {0: (Band(0, cheap), Band(100_000, dear))}
    seq = sequence(
        Step(0, five=110_000, output=10, adds=[("system", 80_000), ("file", 30_000)]), prices=dear, bands=bands
    )
    assert identity_holds(seq).tolist() == [True]
    assert cost(seq, no_change(seq)) == 110_000 * Decimal("0.000000625") + 10 * Decimal("0.0000025")
    shorter = without_parts(seq, {named(seq)["file"]: 30_000})
    assert cost(seq, shorter) == 80_000 * Decimal("0.000000125") + 10 * Decimal("0.0000005")


PAUSES = (
    Step(0, five=1_000, adds=[("system", 1_000)], started=0.0),
    Step(0, five=1_100, adds=[("a", 100)], started=400.0, miss="K1"),
    Step(0, five=1_200, adds=[("b", 100)], started=4_200.0, miss="K1"),
)


def test_entries_that_live_an_hour_survive_a_pause_of_minutes_but_not_of_more_than_an_hour() -> None:
    outcome = replayed(seq := sequence(*PAUSES), other_lifetime(seq, is_hour=True))
    assert outcome.read.tolist() == [0, 1_000, 0]
    assert outcome.hour.tolist() == [1_000, 100, 1_200]
    assert outcome.five.tolist() == [0, 0, 0]


def test_entries_that_live_five_minutes_are_gone_after_a_longer_pause() -> None:
    seq = sequence(
        Step(0, hour=1_000, adds=[("system", 1_000)], started=0.0),
        Step(1_000, hour=100, adds=[("a", 100)], started=200.0),
        Step(1_100, hour=100, adds=[("b", 100)], started=600.0),
    )
    outcome = replayed(seq, other_lifetime(seq, is_hour=False))
    assert outcome.read.tolist() == [0, 1_000, 0]
    assert outcome.five.tolist() == [1_000, 100, 1_200]


def test_a_wake_up_that_is_not_made_no_longer_keeps_the_cache_warm() -> None:
    """Requests at 0, 200 and 400 seconds; without the one in the middle the entries of five minutes are gone."""
    seq = sequence(
        Step(0, five=1_000, adds=[("system", 1_000)], started=0.0),
        Step(1_000, five=50, adds=[("tick", 50)], started=200.0),
        Step(1_050, five=50, adds=[("work", 50)], started=400.0),
    )
    for keeps_time, read in ((True, 0), (False, 1_000)):
        claim = RequestClaim("C3", 1, keeps_new=False, keeps_output=False, keeps_time=keeps_time)
        outcome = replayed(seq, plan_without(seq, resolved(seq, [claim]), ["C3"]))
        assert outcome.read.tolist() == [0, 0, read]
        assert (outcome.read + outcome.five).tolist() == [1_000, 0, 1_050]


def test_a_request_is_made_all_the_same_where_not_all_calls_it_takes_in_are_left_out(second_read: Sequence) -> None:
    claims = [
        replace(claim, needs=frozenset({"C4", "C5"})) if isinstance(claim, RequestClaim) else claim
        for claim in claims_of_the_second_read(second_read)
    ]
    removals = resolved(second_read, claims)
    assert not plan_without(second_read, removals, ["C5"]).dropped.any()
    assert plan_without(second_read, removals, ["C4", "C5"]).dropped.tolist() == [False, False, True, False, False]


def test_what_no_line_shows_goes_with_a_request_that_brought_in_nothing_but_waste() -> None:
    steps = list(SECOND_READ)
    steps[2] = replace(steps[2], adds=[("call two", 300), ("file again", 11_000), ("hidden", 700)])
    seq = sequence(*steps)
    removals = resolved(seq, claims_of_the_second_read(seq))
    assert removals["C5"].residual == {2: {named(seq)["hidden"]: 700}}
    assert cost(seq, plan_without(seq, removals, ["K1", "C5"])) == Decimal("0.399000")


def test_a_run_of_reads_handed_to_a_subagent_costs_its_own_prompt_and_spares_the_rest() -> None:
    """Three reads of 5,000 tokens, each asked for in 100. Prefix 12,000, brief 300, report 1,200 tokens."""
    seq = sequence(
        Step(0, five=10_000, output=100, adds=[("system", 10_000)], wrote=[("tool_call 1", 100)]),
        *(
            Step(10_000 + 5_100 * n, five=5_100, output=100, wrote=[(f"tool_call {n + 2}", 100)],
                 adds=[(f"tool_call {n + 1}", 100), (f"tool_result {n}", 5_000)])
            for n in range(2)
        ),
        Step(20_200, five=5_100, output=400, adds=[("tool_call 3", 100), ("tool_result 2", 5_000)]),
    )  # fmt: skip
    seq = replace(seq, blocks=tuple(replace(b, tool_name="Read") if b.kind == "tool_call" else b for b in seq.blocks))
    runs = reading_runs(seq, 3)
    assert runs == [Run(0, 2)]
    assert reading_runs(seq, 4) == []
    read, five, output = Decimal("0.0000002"), Decimal("0.000005"), Decimal("0.00002")
    main = 10_000 * five + 300 * output + 10_000 * read + 1_500 * five + 400 * output
    subagent = (12_300 + 3 * 5_100) * five + (12_300 + 17_400 + 22_500) * read + (3 * 100 + 1_200) * output
    assert cost(seq, delegated(seq, runs, 1_200)) == main + subagent


def test_another_model_counts_its_own_tokens_at_its_own_prices() -> None:
    """1,000 tokens of prose of the older family are 1,410 of the newer; output likewise."""
    seq = sequence(Step(0, five=1_000, output=100, adds=[("prompt", 1_000)]))
    seq = replace(seq, calls=(replace(seq.calls[0], model="claude-sonnet-4-5"),))
    price = (10_000, 200_000, 125_000, 100_000, 500_000)
    since = datetime(1970, 1, 1, tzinfo=UTC)
    targets = {("claude-haiku-5-5", "global", "standard"): [Period(since, None, (Band(0, price),))]}
    plan, given = other_model(seq, "claude-haiku-5-5", targets)
    assert given.tolist() == [True]
    assert cost(seq, plan) == 1_410 * Decimal("0.000000125") + 141 * Decimal("0.0000005")


def test_a_capped_result_saves_what_is_beyond_the_cap_where_it_enters_and_where_it_is_carried() -> None:
    """Of 5,000 tokens 3,000 are beyond 2,000: written once at 8 and read once at 0.20. It may be 4,000 or 6,000."""
    seq = sequence(
        Step(0, hour=10_000, adds=[("system", 5_000), ("tool_result", 5_000)]),
        Step(10_000, hour=1_000, adds=[("prompt", 1_000)]),
    )
    blocks = tuple(replace(b, low_ratio=0.8, high_ratio=1.2) if b.kind == "tool_result" else b for b in seq.blocks)
    found = {one.policy: one for one in found_policies(replace(seq, blocks=blocks), Claims([], {}), {})}
    (cap,) = (one for name, one in found.items() if name.startswith("cap.") and one.touched[0])
    assert (cap.policy, cap.confidence, usd(cap.saving[0])) == ("cap.2000", "heuristic", Decimal("0.0246"))
    assert (usd(cap.low[0]), usd(cap.high[0])) == (Decimal("0.0164"), Decimal("0.0328"))  # 2,000 and 4,000 tokens


def test_answers_of_another_model_may_be_half_or_twice_as_long() -> None:
    """Haiku 5.5 for Opus 5.5, of one tokenizer: 1,000 tokens at 0.125, and 100 of output, 50 or 200, at 0.50."""
    seq = sequence(Step(0, five=1_000, output=100, adds=[("prompt", 1_000)]))
    period = Period(datetime(1970, 1, 1, tzinfo=UTC), None, (Band(0, (10_000, 200_000, 125_000, 100_000, 500_000)),))
    targets = {("claude-haiku-5-5", "global", "standard"): [period]}
    found = {one.policy: one for one in found_policies(seq, Claims([], {}), targets)}["model.claude-haiku-5-5"]
    billed, prompt = Decimal("0.007"), Decimal("0.000125")
    assert usd(found.cost[0]) == prompt + Decimal("0.00005")
    assert usd(found.low[0]) == billed - prompt - Decimal("0.0001")
    assert usd(found.high[0]) == billed - prompt - Decimal("0.000025")
