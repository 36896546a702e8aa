"""Intervals, effects and chances: by hand, against a plain bootstrap, and on groups that do not differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.compare import statistics as s

LOW, HIGH = np.arange(1.0, 6.0), np.arange(11.0, 16.0)
NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=30).map(np.array)


@pytest.mark.parametrize("count", [7, 8, 41])
def test_medians_are_drawn_as_a_plain_bootstrap_draws_them(count):
    values = np.random.default_rng(1).lognormal(0, 1, count)
    drawn = s.bootstrap_medians(values, np.random.default_rng(2), 40_000)
    plain = np.median(np.random.default_rng(3).choice(values, (40_000, count)), axis=1)
    tenths = np.percentile(values, np.arange(10, 100, 10))
    shares = [[(one <= at).mean() for at in tenths] for one in (drawn, plain)]
    assert np.allclose(*shares, atol=0.012)


def test_groups_apart_have_the_full_effect_and_the_chance_of_two_in_252():
    assert s.cliffs_delta(LOW, HIGH) == 1.0
    assert s.cliffs_delta(HIGH, LOW) == -1.0
    assert s.permutation_p(LOW, HIGH) == pytest.approx(2 / 252, abs=0.003)
    assert s.difference_of_medians(LOW, HIGH).value == 10.0
    assert s.difference_of_medians(LOW, HIGH).is_clear


def test_equal_numbers_are_no_difference():
    same = np.ones(8)
    assert (s.cliffs_delta(same, same), s.permutation_p(same, same)) == (0.0, 1.0)
    assert not s.difference_of_medians(same, same).is_clear
    assert s.permutation_p(np.ones(200), np.ones(200)) == 1.0


def test_pairs_that_all_rise_have_the_full_effect_and_the_chance_of_two_in_256():
    rises = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
    assert s.paired_effect(rises) == 1.0
    assert s.paired_p(rises) == pytest.approx(2 / 256, abs=0.003)
    assert s.paired_effect(np.array([1.0, -1.0])) == 0.0


def test_chances_are_corrected_for_their_number_and_unknown_ones_do_not_count():
    corrected = s.holm([0.01, float("nan"), 0.04, 0.03])
    assert corrected[0] == pytest.approx(0.03)
    assert np.isnan(corrected[1])
    assert corrected[2:] == pytest.approx([0.06, 0.06])


def test_many_numbers_give_the_limit_of_the_permutations(monkeypatch):
    random = np.random.default_rng(5)
    a, b = random.normal(0, 1, 150), random.normal(0.3, 1, 150)
    drawn = s.permutation_p(a, b)
    monkeypatch.setattr(s, "_DRAWN_UP_TO", 10)
    assert s.permutation_p(a, b) == pytest.approx(drawn, abs=0.01)


def test_fewer_than_five_numbers_have_no_interval():
    assert np.isnan(s.median_interval(np.array([1.0, 2, 3, 4])).low)
    assert np.isnan(s.difference_of_medians(LOW, HIGH[:4]).low)


@given(NUMBERS, NUMBERS)
def test_the_same_groups_give_the_same_answer_and_the_other_way_round_its_opposite(a, b):
    assert s.difference_of_medians(a, b) == s.difference_of_medians(a, b)
    assert s.cliffs_delta(a, b) == pytest.approx(-s.cliffs_delta(b, a))
    found = s.difference_of_medians(a, b)
    assert found.low <= found.high


def test_intervals_of_means_hold_the_difference_and_scale():
    a, b = np.array([[1.0, 5.0]] * 6), np.array([[3.0, 5.0]] * 6)
    assert s.mean_intervals(a, b, 10.0).tolist() == [[20.0, 0.0], [20.0, 0.0]]


def _alarm_ratio(draws: int) -> float:
    """How often the chance of equal groups of 12 and 9 skewed numbers is under 5 %."""
    random = np.random.default_rng(11)
    alarms = [s.permutation_p(random.lognormal(0, 1.5, 12), random.lognormal(0, 1.5, 9)) < 0.05 for _ in range(draws)]
    return float(np.mean(alarms))


def test_equal_groups_seldom_differ():
    assert _alarm_ratio(200) <= 0.08  # 0.05 and three standard errors


@pytest.mark.slow
def test_equal_groups_differ_once_in_twenty():
    assert 0.03 <= _alarm_ratio(2_000) <= 0.065
