"""Overview, what lies ahead and what moved: the month's end, budgets, hours of the week, movers with their cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st

from app import charts, data, format, periods, tables
from app.periods import PERIODS
from app.tables import Shown
from her_models import forecast, outlook, reports
from her_models.budgets import Spent
from her_models.forecast import Forecast
from her_models.periods import in_words
from her_models.reports import Dimension, Scope

_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_PERIOD_DAYS = {name: days for name, days in PERIODS.items() if days}
_BUDGET = """[[budgets]]
usd = 200            # at list price
per = "month"        # day, week or month
project = "shop"     # left out: everything
warn_at = 0.8
"""
_LEVELS = {"warning": st.warning, "over": st.error}


def draw_budgets() -> None:
    """Draw an alert for each budget that is nearly spent or overdrawn; those in order are under the forecast."""
    for one in data.ask(outlook.budgets, data.config().budgets, periods.today()):
        if one.level in _LEVELS:
            _LEVELS[one.level](format.escaped(one.in_words()), icon=":material/account_balance_wallet:")


def draw_month(scope: Scope) -> None:
    """Draw where the month will end, and the budgets that are in order; where there is neither, why and what to do."""
    today = periods.today()
    found = data.ask(outlook.forecast, scope, today)
    spent = [one for one in data.ask(outlook.budgets, data.config().budgets, today) if one.level == "ok"]
    if found is not None or spent:
        with st.container(horizontal=True, gap="small", key="figures_outlook"):
            if found is not None:
                _draw_forecast(found, today)
            for one in spent:
                _draw_budget(one)
    if found is None:
        st.caption(f"No forecast for {today:%B}: {_lacking(scope, today)}")
    if not data.config().budgets:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("No budget is set.", width="content")
            _draw_how_to_budget()


def _draw_forecast(found: Forecast, today: date) -> None:
    st.metric(
        f"{today:%B} so far",
        format.usd(found.so_far_usd),
        border=True,
        help="daily_cost.billed_usd from the first of the month, today included",
    )
    st.metric(
        "Expected at its end",
        format.usd(found.expected_usd),
        border=True,
        help=f"Between {format.escaped(format.usd(found.low_usd))} and"
        f" {format.escaped(format.usd(found.high_usd))}; {found.days_left_count} days are left."
        f" {forecast.METHOD} Drawn from {found.days_drawn_from_count} days.",
    )
    st.metric(
        "Between",
        f"{format.usd(found.low_usd)} – {format.usd(found.high_usd)}",
        border=True,
        help="90 of 100 months drawn from the last eight weeks end between these",
    )


def _lacking(scope: Scope, today: date) -> str:
    """Say why there is no forecast, and what to do about it."""
    needs = f"it takes {forecast.LEAST_DAYS} days of the last eight weeks with logs"
    last = data.ask(reports.overview, replace(scope, since_on=None)).last_on
    if last is None or last < today - forecast.LOOK_BACK:
        said = "nothing was billed" if last is None else f"the last bill is of {last}"
        return f"{needs}, and {said}. Newer logs are read by `./her ingest`, or while `./her up` runs."
    return f"{needs}. It comes by itself as they are logged."


def _draw_how_to_budget() -> None:
    with st.popover("Set one", type="tertiary", icon=":material/account_balance_wallet:"):
        st.caption(
            f"Write this into {format.escaped(str(data.config().home / 'config.toml'))} and reload the page. It warns"
            " here from `warn_at` on, a share of the amount; without `project` and `owner` everything counts."
        )
        st.code(_BUDGET, "toml")


def _draw_budget(one: Spent) -> None:
    whose = ", ".join(filter(None, (one.budget.project, one.budget.owner)))
    st.metric(
        format.escaped(f"Budget per {one.budget.per}{whose and f', {whose}'}"),
        f"{one.ratio:.0%} of {format.usd(one.budget.usd)}",
        border=True,
        help=format.escaped(one.in_words()),
    )


def week(found: pa.Table) -> charts.Drawing:
    """Return the heat map of the week: one cell per weekday and hour."""
    cells = {(row["weekday"], row["hour"]): row for row in found.to_pylist()}
    rows = [
        {
            "day": _DAYS[weekday - 1],
            "hour": hour,
            "usd": float(cells[(weekday, hour)]["billed_usd"]) if (weekday, hour) in cells else 0.0,
            "responses": int(cells[(weekday, hour)]["requests_count"]) if (weekday, hour) in cells else 0,
        }
        for weekday in range(1, 8)
        for hour in range(24)
    ]
    chart = (
        alt.Chart(pd.DataFrame(rows), mark={"type": "rect", "cornerRadius": 2})
        .encode(
            x=alt.X("hour:O", title="Hour", axis=alt.Axis(labelAngle=0)),
            y=alt.Y(
                "day:N", sort=_DAYS, title=None, axis=alt.Axis(labelOverlap=False, labelBound=False, labelFlush=False)
            ),
            color=alt.Color("usd:Q", title="US dollars", legend=alt.Legend(orient="right", gradientLength=120)),
            tooltip=[
                alt.Tooltip("day:N", title="Day"),
                alt.Tooltip("hour:O", title="Hour"),
                alt.Tooltip("usd:Q", title="US dollars", format="$,.2f"),
                alt.Tooltip("responses:Q", title="Responses"),
            ],
        )
        .properties(height=210)
    )
    return charts.drawing(chart)


def draw_week(scope: Scope) -> None:
    """Draw when in the week the money goes."""
    st.subheader("When in the week")
    data.derived(week, outlook.week_hours, scope).draw("Cost by weekday and hour")


def draw_movers(scope: Scope) -> None:
    """Draw what moved since the period before, each with its cause."""
    st.subheader("What moved")
    last = periods.last_on()
    if last is None:
        st.info("Nothing was billed yet.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        period = st.segmented_control(
            "Against as many days before",
            list(_PERIOD_DAYS),
            default="7 days",
            required=True,
            key="moved",
            bind="query-params",
        )
        choices: dict[str, Dimension] = {"Project": "project", "Model": "model", "Person": "owner"}
        by = st.segmented_control(
            "By", list(choices), default="Project", required=True, key="moved_by", bind="query-params"
        )
    days = _PERIOD_DAYS[period or "7 days"]
    found = data.ask(outlook.movers, choices[by or "Project"], scope, days, last)
    st.caption(f"{periods.sentence(in_words(days, last))}, against the {days} days before them.")
    if not found:
        st.info("Nothing was billed in either period. Choose a longer one.")
        return
    table = pa.table(
        {
            "name": [one.name for one in found],
            "difference_usd": [float(one.difference_usd) for one in found],
            "now_usd": [float(one.now_usd) for one in found],
            "before_usd": [float(one.before_usd) for one in found],
            "sessions": [f"{one.sessions_before} → {one.sessions_now}" for one in found],
            "cause": [one.cause for one in found],
        }
    )
    tables.draw(
        table,
        {
            "name": Shown(by or "Project", "text", None, "medium"),
            "difference_usd": Shown("Change", "usd_change", "requests.billed_usd, US dollars"),
            "now_usd": Shown("Now", "usd_sum"),
            "before_usd": Shown("Before", "usd_sum"),
            "sessions": Shown("Sessions", "text"),
            "cause": Shown(
                "Largest cause",
                "text",
                "The change is taken apart without a remainder into number of sessions, cost of their content, missed"
                " caches, and premium with fees; this is the largest part",
                "large",
            ),
        },
        label="What moved",
        key="movers",
    )
