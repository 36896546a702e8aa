"""Overview: what was billed, when, for which project and model, by whom, and how well the cache worked."""

from __future__ import annotations

import streamlit as st

from app import charts, cost_breakdown, data, empty, filters, format, outlook, periods, tables
from app.tables import Shown
from her_models import reports
from her_models.reports import Overview, Scope

SPLITS: dict[str, reports.Dimension | None] = {
    "Model": "model",
    "Project": "project",
    "Person": "owner",
    "Token class": None,
}


def chosen_scope() -> Scope:
    """Read the filters; they stand in the address, so that a view can be sent to somebody."""
    choices, zone = data.ask(reports.filter_choices), data.config().time_zone
    row = st.container(horizontal=True, vertical_alignment="top", gap="small")
    with row:
        since = periods.chosen()
        projects = filters.projects(choices)
        models = filters.models(choices)
        owners = filters.people(choices)
    periods.draw_rule()
    return Scope(since, None, owners, projects, models, zone)


def draw_figures(total: Overview) -> None:
    """Draw the totals as cards."""
    is_floor = bool(total.unpriced_requests_count or total.floor_requests_count)
    cards = st.container(horizontal=True, gap="small", key="figures_overview")
    with cards:
        st.metric(
            "Cost at list price",
            format.usd(total.billed_usd, is_floor=is_floor),
            border=True,
            help=f"daily_cost.billed_usd, exact as far as the log shows. {format.LIST_PRICE_NOTE}",
        )
        if total.estimated_usd != total.billed_usd:
            st.metric(
                "Cost, best estimate",
                format.usd(total.estimated_usd, is_floor=bool(total.unpriced_requests_count)),
                border=True,
                help="daily_cost.estimated_usd, estimated: with the output that the log lost",
            )
        st.metric(
            "Sessions billed",
            format.count(total.sessions_count),
            border=True,
            help="Sessions with a billed response. The page Sessions also lists those without one: copies, and prompts"
            " that nobody answered",
        )
        st.metric("Responses", format.count(total.requests_count), border=True, help="daily_cost.requests_count")
        st.metric(
            "Tokens sent",
            format.tokens(total.prompt_tokens),
            border=True,
            help=f"{total.prompt_tokens:,} tokens: not cached, written to cache and read from it",
        )
        st.metric(
            "Tokens received",
            format.tokens(total.output_tokens, is_floor=bool(total.floor_requests_count)),
            border=True,
            help=f"daily_cost.output_tokens: {total.output_tokens:,}",
        )
        st.metric(
            "Waste",
            format.percent(total.waste_ratio),
            border=True,
            help="daily_cost.waste_usd + cache_excess_usd as a share of the bill: content that was not needed, an upper"
            " bound on what can be saved, and missed caches, exact. Cost optimisation says of what",
        )
        st.metric(
            "Read from cache",
            format.percent(total.cache_hit_ratio),
            border=True,
            help="cache_read_tokens as a share of all tokens sent",
        )
    notes = []
    if total.floor_requests_count:
        notes.append(
            f"Responses without a final output count in the log: {total.floor_requests_count:,}. Their output, and so"
            " the cost, is at least what is shown."
        )
    if total.unpriced_requests_count:
        notes.append(f"Responses of models without a price: {total.unpriced_requests_count:,}; see Health.")
    if notes:
        st.caption(" ".join(notes))


def draw_days(scope: Scope, total: Overview) -> None:
    """Draw the bars per day, or per week or month of a long period."""
    head = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    with head:
        st.subheader(f"By {charts.calendar_unit(total.first_on, total.last_on)}")
        split = st.segmented_control(
            "Split by",
            list(SPLITS),
            default="Model",
            required=True,
            key="split",
            bind="query-params",
            label_visibility="collapsed",
        )
    dimension = SPLITS[split or "Model"]
    if dimension is None:
        data.derived(charts.tokens_by_day, reports.cost_by_day, scope).draw("Tokens per day by class")
        return
    drawing = data.derived(charts.cost_by_day, reports.cost_by_day, scope, dimension)
    if drawing is None:
        st.info("No model in this period has a price, so there is no cost to draw. Tokens are under Token class.")
    else:
        drawing.draw("Cost per day")


def draw_groups(scope: Scope, dimension: reports.Dimension, heading: str) -> None:
    """Draw what each value of a dimension cost."""
    st.subheader(heading)
    tables.draw(
        data.ask(reports.cost_by, dimension, scope),
        {
            "group_name": Shown(heading.removeprefix("By ").capitalize(), width="medium"),
            "billed_usd": Shown("Cost, at least", "usd_sum", "daily_cost.billed_usd, US dollars at list price"),
            "estimated_usd": Shown(
                "Best estimate", "usd_sum", "daily_cost.estimated_usd: with output that the log lost"
            ),
            "requests_count": Shown("Responses", "count"),
            "cache_read_tokens": Shown("Cache read", "tokens"),
            "uncached_input_tokens": Shown("Not cached", "tokens"),
            "output_tokens": Shown("Output", "tokens"),
        },
        label=heading,
        key=f"by_{dimension}",
    )


st.title("Overview")
scope = chosen_scope()
total = data.ask(reports.overview, scope)
if not total.requests_count:
    choices = data.ask(reports.filter_choices)
    if not choices.sessions_count:
        empty.draw_no_sessions()
    else:
        st.info(f"Nothing was billed in this selection. The logs reach from {choices.first_on} to {choices.last_on}.")
    st.stop()

with st.container():  # each part has a place of its own: a control that moves may no longer reach the address
    outlook.draw_budgets()
with st.container():
    draw_figures(total)
with st.container():
    outlook.draw_month(scope)
with st.container():
    draw_days(scope, total)
with st.container():
    outlook.draw_movers(scope)

with st.container():
    cost_breakdown.draw(scope)

outlook.draw_week(scope)

st.subheader("Where the tokens went")
data.derived(charts.token_share, reports.overview, scope).draw("Share of each token class")

draw_groups(scope, "project", "By project")
draw_groups(scope, "model", "By model")
if len(data.ask(reports.filter_choices).owners) > 1:
    draw_groups(scope, "owner", "By person")
