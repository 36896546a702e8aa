"""Changes that somebody says were made, and what the bill of the sessions before and since lets one say."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from her_models.advice import outcomes
from her_models.advice.outcomes import Change, Outcome, Verdict
from her_models.errors import QueryError
from her_models.reports import Scope
from her_models.waste_report.words import outcome_in_words, usd

TODAY = date(2026, 3, 20)


def told(monkeypatch: pytest.MonkeyPatch, before: list[float], after: list[float]) -> Outcome:
    """Return the outcome where each session was billed a dollar, of which the pattern cost so much."""
    sides = iter([before, after])
    monkeypatch.setattr(outcomes, "_sessions", lambda *_: np.array([(cost, 1.0) for cost in next(sides)], np.float64))
    return outcomes.outcome(None, Change("use-what-was-read", TODAY), Scope())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([0.0] * 5, [0.2, 0.2, 0.0, 0.0, 0.0], "not yet enough data"),  # none of five against 8 %
        ([0.2, 0.2, 0.0, 0.0, 0.0], [0.0] * 5, "not yet enough data"),
        ([0.0] * 40, [0.2, 0.2, 0.2, 0.2, 0.0] * 8, "got worse"),
        ([0.2, 0.2, 0.2, 0.2, 0.0] * 8, [0.0] * 40, "worked"),
        ([0.2] * 30 + [0.0] * 10, [0.2] * 29 + [0.0] * 11, "no difference seen"),
        ([0.2] * 4, [0.0] * 40, "not yet enough data"),  # fewer than five sessions
    ],
)
def test_a_side_without_a_case_is_no_certainty(
    monkeypatch: pytest.MonkeyPatch, before: list[float], after: list[float], verdict: Verdict
) -> None:
    found = told(monkeypatch, before, after)
    assert found.verdict == verdict
    # Nothing is said to be saved where it is not known that anything changed.
    assert (found.saved_usd_per_week is None) is (verdict == "not yet enough data")
    assert outcome_in_words(found).lower().startswith(verdict)


def test_the_interval_of_five_sessions_without_a_case_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, [0.0] * 5, [0.2, 0.2, 0.0, 0.0, 0.0])
    # Wilson: none of 5 may be 43.4 %, 2 of 5 may be 11.8 %; where it shows, the pattern costs 20 % of the bill.
    low = 0.08 - ((0.08 - min(0.0, 0.2 * 0.118)) ** 2 + (0.2 * 0.434) ** 2) ** 0.5
    assert found.low_ratio == pytest.approx(low, abs=1e-3)
    assert found.low_ratio is not None and found.low_ratio < 0


def test_a_pattern_that_no_session_shows_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(monkeypatch, [0.0] * 8, [0.0] * 8)
    assert found.saved_usd_per_week is None
    assert outcome_in_words(found).startswith("Nothing to compare: no session")


@pytest.mark.parametrize(
    ("name", "on", "said"),
    [
        ("pray", TODAY, "no advice named 'pray'"),
        ("use-what-was-read:Read", TODAY, "this one stands alone: use-what-was-read"),
        ("drop-an-unused-server", TODAY, "write drop-an-unused-server:NAME"),
        ("use-what-was-read", date(2026, 3, 21), "2026-03-21 is still to come"),
    ],
)
def test_a_change_that_cannot_have_been_made_is_refused(tmp_path: Path, name: str, on: date, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        outcomes.made(tmp_path, name, on, TODAY)
    assert outcomes.changes(tmp_path) == ()


def test_a_change_of_today_is_noted(tmp_path: Path) -> None:
    assert outcomes.made(tmp_path, "use-what-was-read", TODAY, TODAY) in outcomes.changes(tmp_path)


@pytest.mark.parametrize(
    ("amount", "written"), [(-0.3, "−$0.30"), (-0.05, "−$0.0500"), (0, "$0.00"), (12.345, "$12.35"), (None, "no price")]
)
def test_a_minus_stands_before_the_sign(amount: float | None, written: str) -> None:
    assert usd(amount) == written
