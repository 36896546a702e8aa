"""What a month will have cost at its end, from what the days before cost.

Method: a day to come is taken to be like a day of the last eight weeks of the same kind, working day or weekend. Many
months are drawn so, with replacement; the forecast is their middle, the interval holds 90 of 100. It knows nothing of
plans, holidays or a change of habits, and says nothing before there are fourteen days to draw from.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

LOOK_BACK = timedelta(days=56)
LEAST_DAYS = 14
METHOD = (
    "Days to come are drawn from the working days and weekends of the last eight weeks; the interval holds 90 of 100"
    " months drawn so."
)
_DRAWS = 4_000
_SEED = 20_260_101
_SATURDAY = 5


@dataclass(frozen=True)
class Forecast:
    """A month's cost, US dollars at list price: what was billed up to yesterday and today, and where it will end."""

    month_on: date
    so_far_usd: float
    expected_usd: float
    low_usd: float
    high_usd: float
    days_left_count: int
    days_drawn_from_count: int


def month_end(bills: Mapping[date, float], today: date) -> Forecast | None:
    """Return the forecast for the month of `today`; None where fewer than fourteen days are known.

    `bills` holds US dollars per day, days without a bill included; today counts with what it has so far, or with what
    a whole day is expected to cost, whichever is more.
    """
    first = today.replace(day=1)
    last = today.replace(day=monthrange(today.year, today.month)[1])
    history = {on: usd for on, usd in bills.items() if today - LOOK_BACK <= on < today}
    # Days before the first bill say nothing: there were no logs yet.
    begun = min((on for on, usd in history.items() if usd > 0), default=None)
    history = {on: usd for on, usd in history.items() if begun is not None and on >= begun}
    if len(history) < LEAST_DAYS:
        return None
    before = sum(usd for on, usd in bills.items() if first <= on < today)
    has_today = bills.get(today, 0.0)
    random = np.random.default_rng(_SEED)
    totals = np.full(_DRAWS, before)
    to_come = [today + timedelta(days=ahead) for ahead in range((last - today).days + 1)]
    for on in to_come:
        alike = [usd for day, usd in history.items() if _is_weekend(day) == _is_weekend(on)] or list(history.values())
        drawn = random.choice(np.array(alike, np.float64), _DRAWS)
        totals += np.maximum(drawn, has_today) if on == today else drawn
    low, middle, high = np.quantile(totals, [0.05, 0.5, 0.95])
    return Forecast(
        first, before + has_today, float(middle), float(low), float(high), (last - today).days, len(history)
    )


def _is_weekend(on: date) -> bool:
    return on.weekday() >= _SATURDAY
