"""Sessions: find one by what was said in it, by project, person, model, version, date or cost; click to open it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import streamlit as st

from app import data, empty, format, tables
from app.tables import Shown
from her_models import reports
from her_models.errors import QueryError
from her_models.reports import Scope, SessionFilter, SessionPage, SessionSort
from her_models.search import hits

PAGE_SIZE = 50
SORTS: dict[str, tuple[SessionSort, bool]] = {
    "Newest first": ("started_at", True),
    "Oldest first": ("started_at", False),
    "Dearest first": ("billed_usd", True),
    "Most output first": ("output_tokens", True),
    "Largest context first": ("peak_context_tokens", True),
    "Most turns first": ("turns_count", True),
    "Most failed tool calls first": ("tool_errors_count", True),
    "Longest first": ("duration_seconds", True),
    "Most hits first": ("hits_count", True),
}
COLUMNS = {
    "started_at": Shown("Started", "when", "sessions.started_at"),
    "title": Shown("Title", "text", "sessions.title", 300),
    "project": Shown("Project", "text", "sessions.project"),
    "billed_usd": Shown("Cost, at least", "usd", "sessions.billed_usd, US dollars at list price"),
    "estimated_usd": Shown("Best estimate", "usd", "sessions.estimated_usd: with output that the log lost"),
    "turns_count": Shown("Turns", "count", "sessions.turns_count"),
    "requests_count": Shown("Responses", "count", "sessions.requests_count"),
    "tool_calls_count": Shown("Tools", "count", "sessions.tool_calls_count"),
    "tool_errors_count": Shown("Failed", "count", "sessions.tool_errors_count"),
    "output_tokens": Shown("Output", "tokens", "sessions.output_tokens, as logged"),
    "cache_read_tokens": Shown("Cache read", "tokens", "sessions.cache_read_tokens"),
    "duration_seconds": Shown("Span", "seconds", "From first to last line, pauses included"),
    "models": Shown("Models", "list", "sessions.models"),
    "last_version": Shown("Client", "text", "sessions.last_version"),
    "owner": Shown("Person", "text", "sessions.owner"),
    "completeness": Shown("Complete", "text", "sessions.completeness: floor means the cost is at least this"),
}


def chosen_filter() -> SessionFilter:
    """Read the filters; all of them stand in the address."""
    choices, zone = data.ask(reports.filter_choices), data.config().time_zone
    text = st.text_input(
        "Search",
        key="q",
        bind="query-params",
        type="search",
        placeholder="Words in prompts, answers, thinking, tool calls and results; or the beginning of a session id",
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        projects = st.multiselect("Projects", choices.projects, key="project", bind="query-params", placeholder="All")
        models = st.multiselect("Models", choices.models, key="model", bind="query-params", placeholder="All")
        owners = (
            st.multiselect("People", choices.owners, key="owner", bind="query-params", placeholder="All")
            if len(choices.owners) > 1
            else []
        )
        version = st.selectbox(
            "Client", choices.versions, index=None, key="version", bind="query-params", placeholder="Any"
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        since = st.date_input("From", None, key="since", bind="query-params")
        until = st.date_input("To", None, key="until", bind="query-params")
        least = st.number_input(
            "At least, $", min_value=0.0, value=None, step=0.5, key="min_usd", bind="query-params", placeholder="0.00"
        )
    scope = Scope(_day(since), _day(until), tuple(owners), tuple(projects), tuple(models), zone)
    return SessionFilter(scope, text or None, version, None if least is None else Decimal(str(least)))


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def page_chosen(total_count: int, asked_for: SessionFilter, sort: str) -> int:
    """Draw the pager where there is more than one page; a new question starts at its first page."""
    if st.session_state.get("sessions_asked") != (asked_for, sort):
        if "sessions_asked" in st.session_state:
            st.session_state["page"] = 1
        st.session_state["sessions_asked"] = (asked_for, sort)
    pages = max(1, -(-total_count // PAGE_SIZE))
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    if pages == 1:
        return 0
    return int(st.number_input(f"Page of {pages}", 1, pages, key="page", bind="query-params", width=140)) - 1


def sessions_found(page_index: int) -> SessionPage:
    """Return one page of the sessions that pass the filters."""
    order = {"sort": column, "descending": descending}
    return data.ask(hits.sessions, data.config(), where, **order, page_index=page_index, page_size=PAGE_SIZE)


st.title("Sessions")
where = chosen_filter()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    told = st.empty()
    with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
        sort = st.selectbox(
            "Order",
            [order for order in SORTS if SORTS[order][0] != "hits_count" or where.text],
            key="sort",
            bind="query-params",
            width=230,
        )
        column, descending = SORTS[sort]
        pager = st.container(width=140)

with st.spinner("Searching…", show_time=True):
    try:
        found = sessions_found(0)
    except QueryError as error:
        st.warning(format.escaped(str(error)), icon=":material/error:")
        st.stop()
with pager:
    page_index = page_chosen(found.total_count, where, sort)
if page_index:
    found = sessions_found(page_index)

if not found.total_count:
    told.caption("0 sessions")
    if data.ask(reports.filter_choices).sessions_count:
        st.info("No session passes these filters. Take one away, or look for fewer words.")
    else:
        empty.draw_no_sessions()
    st.stop()

cost = format.usd(found.total_usd, is_floor=bool(found.unpriced_requests_count))
told.caption(f"{found.total_count:,} sessions · {cost.replace('$', chr(92) + '$')} · click one to open it")
columns = dict(COLUMNS)
if where.text:
    columns = {"started_at": columns["started_at"], "hits_count": Shown("Hits", "count"), **columns}
clicked = tables.draw(
    found.rows,
    columns,
    label="Sessions",
    key="sessions_table",
    opens=True,
    height=min(38 + 35 * found.rows.num_rows, 760),
)
if clicked is not None:
    row = found.rows.slice(clicked, 1).to_pylist()[0]
    st.switch_page("views/session.py", query_params={"session": row["session_id"], "source": row["source_id"]})
