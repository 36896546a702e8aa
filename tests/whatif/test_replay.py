"""The replay on sequences made by hand: what a prompt costs when something in front of it is not there."""

from __future__ import annotations

from decimal import Decimal

import pytest

from her_models.whatif.removals import BlockClaim, OutputClaim, RequestClaim, plan_without, resolved
from her_models.whatif.replay import Plan, identity_holds, replayed
from her_models.whatif.sequence import Sequence
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
