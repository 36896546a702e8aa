"""What may be said of two groups of numbers: intervals, effect sizes, chances.

What belongs here: functions from arrays to numbers, seeded, so that the same groups give the same answer each time.
What does not: which numbers, and which words are found for the answer (`verdicts`).

    interval   percentile bootstrap of a median, or of the difference of two. A bootstrap median is an order statistic
               of a sample drawn with repetition, and those are drawn directly: the ranks of uniform order statistics
               are Beta distributed. It is the bootstrap itself, not an approximation of it, in time that does not
               grow with the groups.
    effect     Cliff's delta: how much more often a number of B is above one of A than below, -1 to 1
    chance     permutation test on ranks, two-sided: how often groups drawn by lot differ at least as much. Of more
               than `_DRAWN_UP_TO` numbers the permutations' limit is used (scipy's Mann-Whitney with ties).
    many       Holm's correction: the chance that any of several is called different though none is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]

SEED = 20_26
DRAWS = 4_000
PERMUTATIONS = 9_999
LEAST_SESSIONS = 5
"""Below so many in a group no verdict is given."""

_DRAWN_UP_TO = 300
_TAILS = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A value with the ends of its 95 % interval; the ends are not numbers where there are too few to say."""

    value: float
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether zero lies outside."""
        return self.low > 0 or self.high < 0


def known(values: Floats) -> Floats:
    """Return what is a number."""
    return np.asarray(values[~np.isnan(values)], np.float64)


def median(values: Floats) -> float:
    """Return the median; not a number of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def bootstrap_medians(values: Floats, random: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Return medians of samples as large as `values`, drawn from them with repetition."""
    ordered, count = np.sort(values), len(values)
    middle = (count + 1) // 2  # the lower of two, for an even count
    lower = random.beta(middle, count + 1 - middle, draws)
    low_values = ordered[np.minimum((lower * count).astype(np.int64), count - 1)]
    if count % 2:
        return np.asarray(low_values, np.float64)
    # The next larger of the uniform numbers: the least of those that are left above.
    upper = lower + (1 - lower) * random.beta(1, count - middle, draws)
    return np.asarray((low_values + ordered[np.minimum((upper * count).astype(np.int64), count - 1)]) / 2, np.float64)


def median_interval(values: Floats, seed: int = SEED) -> Interval:
    """Return the median with its bootstrap interval."""
    if len(values) < LEAST_SESSIONS:
        return Interval(median(values), float("nan"), float("nan"))
    low, high = np.percentile(bootstrap_medians(values, np.random.default_rng(seed)), _TAILS)
    return Interval(median(values), float(low), float(high))


def difference_of_medians(a: Floats, b: Floats, seed: int = SEED) -> Interval:
    """Return the median of `b` less that of `a`, with its bootstrap interval."""
    value = median(b) - median(a)
    if min(len(a), len(b)) < LEAST_SESSIONS:
        return Interval(value, float("nan"), float("nan"))
    random = np.random.default_rng(seed)
    draws = bootstrap_medians(b, random) - bootstrap_medians(a, random)
    low, high = np.percentile(draws, _TAILS)
    return Interval(value, float(low), float(high))


def cliffs_delta(a: Floats, b: Floats) -> float:
    """Return how much more often a number of `b` is above one of `a` than below it, -1 to 1."""
    if not len(a) or not len(b):
        return float("nan")
    ranks = stats.rankdata(np.concatenate([a, b]))
    above = ranks[len(a) :].sum() - len(b) * (len(b) + 1) / 2
    return float(2 * above / (len(a) * len(b)) - 1)


def permutation_p(a: Floats, b: Floats, seed: int = SEED) -> float:
    """Return how often two groups drawn by lot from all numbers differ in rank at least as much, two-sided."""
    if not len(a) or not len(b):
        return float("nan")
    count = len(a) + len(b)
    if count > _DRAWN_UP_TO:
        return float(stats.mannwhitneyu(a, b, method="asymptotic").pvalue) if np.ptp([*a, *b]) else 1.0
    ranks = stats.rankdata(np.concatenate([a, b])) - (count + 1) / 2
    drawn = _drawn(len(a), len(b), seed) @ ranks
    found = abs(ranks[len(a) :].sum())
    return float((1 + np.count_nonzero(np.abs(drawn) >= found - 1e-9)) / (1 + len(drawn)))


_LOTS: dict[tuple[int, int, int], Floats] = {}


def _drawn(a_count: int, b_count: int, seed: int) -> Floats:
    """Return lots: rows of zeros and ones, a one for each number that falls to B. Kept, as many measures share them."""
    key = (a_count, b_count, seed)
    if key not in _LOTS:
        if len(_LOTS) > 8:
            _LOTS.clear()
        places = np.zeros(a_count + b_count, np.float32)
        places[a_count:] = 1
        rows = np.broadcast_to(places, (PERMUTATIONS, len(places)))
        _LOTS[key] = np.random.default_rng(seed).permuted(rows, axis=1).astype(np.float64)
    return _LOTS[key]


def paired_difference(differences: Floats, seed: int = SEED) -> Interval:
    """Return the median difference of pairs with its bootstrap interval."""
    return median_interval(differences, seed)


def paired_effect(differences: Floats) -> float:
    """Return the matched-pairs rank-biserial correlation, -1 to 1: ranks of rises less ranks of falls."""
    moved = differences[differences != 0]
    if not len(moved):
        return 0.0 if len(differences) else float("nan")
    ranks = stats.rankdata(np.abs(moved))
    return float((ranks * np.sign(moved)).sum() / ranks.sum())


def paired_p(differences: Floats, seed: int = SEED) -> float:
    """Return how often pairs turned round by lot differ in signed rank at least as much, two-sided."""
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0 if len(differences) else float("nan")
    ranks = stats.rankdata(np.abs(moved))
    found = abs((ranks * np.sign(moved)).sum())
    if len(moved) > _DRAWN_UP_TO:
        return float(2 * stats.norm.sf(found / np.sqrt((ranks**2).sum())))
    signs = np.random.default_rng(seed).integers(0, 2, (PERMUTATIONS, len(moved))) * 2 - 1
    drawn = np.abs(signs @ ranks)
    return float((1 + np.count_nonzero(drawn >= found - 1e-9)) / (1 + len(drawn)))


def holm(chances: Sequence[float]) -> list[float]:
    """Return chances corrected for their number; those that are not numbers stay and do not count."""
    order = sorted((p, place) for place, p in enumerate(chances) if not np.isnan(p))
    corrected = [float("nan")] * len(chances)
    largest = 0.0
    for rank, (p, place) in enumerate(order):
        largest = max(largest, min(1.0, p * (len(order) - rank)))
        corrected[place] = largest
    return corrected


def mean_intervals(a: Floats, b: Floats, scale: float, seed: int = SEED, draws: int = 1_000) -> Floats:
    """Return the ends of 95 % bootstrap intervals of `scale` times the difference of column means, B less A.

    Args:
        a, b: one row per session, one column per thing.

    Returns:
        Shape (2, columns).
    """
    means = [_weights(len(values), draws, seed + side) @ values / len(values) for side, values in enumerate((a, b))]
    return np.asarray(np.percentile((means[1] - means[0]) * scale, _TAILS, axis=0), np.float64)


@lru_cache(maxsize=2)
def _weights(count: int, draws: int, seed: int) -> Floats:
    """Return how often each of `count` sessions is drawn in each sample. Kept, as several divisions share them."""
    lots = np.random.default_rng(seed).integers(0, count, (draws, count)) + (np.arange(draws) * count)[:, None]
    return np.bincount(lots.ravel(), minlength=draws * count).reshape(draws, count).astype(np.float64)
