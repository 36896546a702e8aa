"""The choice of a period, as every page draws it. Which days it is: `her_models.periods`."""

from __future__ import annotations

from datetime import date

import streamlit as st

from app import data
from her_models import periods

ALL_TIME = "All time"
PERIODS = {"7 days": 7, "30 days": 30, "90 days": 90, ALL_TIME: 0}


def today() -> date:
    """Return today in the configured time zone."""
    return periods.today(data.config().time_zone)


def last_on() -> date | None:
    """Return the last day with a bill; None where nothing was billed."""
    return data.ask(periods.last_on, data.config().time_zone)


def chosen() -> date | None:
    """Draw the choice of a period, which stands in the address; return its first day, None for all time."""
    period = st.segmented_control(
        "Period", list(PERIODS), default=ALL_TIME, required=True, key="period", bind="query-params"
    )
    days, last = PERIODS[period or ALL_TIME], last_on()
    return periods.first_on(days, last) if days and last else None


def draw_rule() -> None:
    """Say below the filters which days were chosen; of all time there is nothing to say.

    The place is kept where nothing is said: what stands below would move, and a control that moves may no longer
    reach the address.
    """
    place = st.container()
    days, last = PERIODS[st.session_state.get("period") or ALL_TIME], last_on()
    if days and last:
        place.caption(f"{sentence(periods.in_words(days, last))}: {periods.first_on(days, last)} to {last}.")


def sentence(words: str) -> str:
    """Return words with a capital at their beginning."""
    return words[:1].upper() + words[1:]
