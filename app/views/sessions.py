"""Sessions: find one by what was said in it, by project, person, model, version, date, cost or tag; click opens it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from app import data, downloads, empty, filters, format, session_files, tables
from app.tables import Shown
from her_models import annotations, reports
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
COLUMNS = {  # those of `_FIRST_SHOWN` are drawn until others are chosen
    "started_at": Shown("Started", "when", "sessions.started_at"),
    "title": Shown("Title", "text", "sessions.title", 300),
    "tags": Shown("Tags", "list", "Your own: open a session to change them"),
    "project": Shown("Project", "text", "sessions.project"),
    "billed_usd": Shown("Cost, at least", "usd", "sessions.billed_usd, US dollars at list price"),
    "estimated_usd": Shown("Best estimate", "usd", "sessions.estimated_usd: with output that the log lost"),
    "context": Shown("Context", "line", "Prompts of the main thread over the session: requests.prompt_tokens", 110),
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
    "note": Shown("Note", "text", "Your own", 220),
    "peak_context_tokens": Shown("Longest context", "tokens", "sessions.peak_context_tokens"),
    "agents_count": Shown("Subagents", "count", "sessions.agents_count"),
    "compactions_count": Shown("Compactions", "count", "sessions.compactions_count"),
    "completeness": Shown("Complete", "text", "sessions.completeness: floor means the cost is at least this"),
}
_FIRST_SHOWN = (
    "started_at", "title", "project", "billed_usd", "estimated_usd", "context", "turns_count", "tool_calls_count",
    "tool_errors_count", "output_tokens", "duration_seconds", "models", "tags",
)  # fmt: skip
_FILTER_KEYS = ("q", "project", "model", "owner", "version", "since", "until", "min_usd", "tag", "sort", "columns")
_MOST_EXPORTED = 500


def draw_saved() -> None:
    """Draw the saved filters, and what keeps or drops them; a click sets every widget as it was."""
    with st.popover("Saved filters", icon=":material/bookmark:"):
        for name, values in data.saved_filters().items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    format.escaped(name), key=f"use_filter_{name}", on_click=use_filter, args=(values,), width="stretch"
                )
                st.button("Drop", key=f"drop_filter_{name}", icon=":material/delete:", on_click=data.forget_filter,
                          args=(name,))  # fmt: skip
        with st.form("keep_filter", border=False, clear_on_submit=True):
            name = st.text_input("Name", key="filter_name", max_chars=80)
            if st.form_submit_button("Keep the filters as they are") and name and name.strip():
                data.save_filter(name.strip(), kept_values())
                st.rerun()


def kept_values() -> dict[str, Any]:
    """Return the values of the filters' widgets, as JSON can hold them; those that say nothing are left out."""
    values = {key: st.session_state.get(key) for key in _FILTER_KEYS}
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items() if value}


def use_filter(values: dict[str, Any]) -> None:
    """Set the filters' widgets to what was kept; as a callback, before they are drawn."""
    for key in _FILTER_KEYS:
        value = values.get(key)
        if key in ("since", "until") and isinstance(value, str):
            value = date.fromisoformat(value)
        if value is None:
            value = {"q": "", "project": [], "model": [], "owner": [], "tag": [], "sort": next(iter(SORTS)),
                     "columns": [COLUMNS[name].label for name in _FIRST_SHOWN]}.get(key)  # fmt: skip
        st.session_state[key] = value
    st.session_state["page"] = 1


def chosen_columns() -> dict[str, Shown]:
    """Let the reader choose the columns; they stand in the address."""
    names = {shown.label: name for name, shown in COLUMNS.items()}
    first = [COLUMNS[name].label for name in _FIRST_SHOWN]
    with st.popover("Columns", icon=":material/view_column:"):
        labels = st.multiselect("Columns", list(names), first, key="columns", bind="query-params")
    chosen = [name for name in COLUMNS if COLUMNS[name].label in labels]
    return {name: COLUMNS[name] for name in chosen or _FIRST_SHOWN}


def draw_export(found: SessionPage) -> None:
    """Offer all sessions that pass the filters as one zip file."""
    with st.popover("Export", icon=":material/folder_zip:", key="export", on_change="rerun") as opened:
        count = min(found.total_count, _MOST_EXPORTED)
        chosen = session_files.Selection(where, column, descending, count)
        st.caption(
            f"What passes the filters, redacted: {format.counted(count, 'session')}"
            if count == found.total_count
            else f"The first {count:,} of {found.total_count:,} sessions in this order, redacted"
        )
        kind = st.selectbox(
            "Format",
            list(session_files.MEANINGS),
            list(session_files.MEANINGS).index("jsonl"),
            key="export_format",
            format_func=lambda kind: session_files.MEANINGS[kind][0],
        )
        if opened.open:  # nobody waits for the size of what is not asked for
            logged = data.ask(session_files.logged_bytes, data.config(), chosen)
            st.caption(
                f"{format.size(logged)} as logged; the zip file is smaller, and its `index.csv` says how large each"
                " session in it is."
            )
        downloads.button(
            f"Download {format.counted(count, 'session')} ({kind})",
            lambda: data.ask_once(session_files.archive, data.config(), chosen, kind),
            "sessions.zip",
            "application/zip",
            icon=":material/download:",
        )


def with_contexts(rows: pa.Table) -> pa.Table:
    """Return the rows with the course of their context."""
    session_ids = tuple(rows["session_id"].to_pylist())
    courses = data.ask(reports.session_contexts, session_ids)
    keys = zip(rows["source_id"].to_pylist(), session_ids, strict=True)
    return rows.append_column("context", pa.array([courses.get(key, []) for key in keys], pa.list_(pa.int64())))


def chosen_filter() -> SessionFilter:
    """Read the filters; all of them stand in the address."""
    choices, zone = data.ask(reports.filter_choices), data.config().time_zone
    text = st.text_input(
        "Search",
        key="q",
        bind="query-params",
        type="search",
        placeholder="Words in prompts, answers, thinking, tool calls, results, tags, notes; or how a session id begins",
        label_visibility="collapsed",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        projects = filters.projects(choices)
        models = filters.models(choices)
        owners = filters.people(choices)
        version = st.selectbox(
            "Client", choices.versions, index=None, key="version", bind="query-params", placeholder="Any"
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        since = st.date_input("From", None, key="since", bind="query-params")
        until = st.date_input("To", None, key="until", bind="query-params")
        least = st.number_input(
            "At least, $", min_value=0.0, value=None, step=0.5, key="min_usd", bind="query-params", placeholder="0.00"
        )
        known = data.ask(annotations.known_tags)
        tags = (
            st.multiselect("Tags", known, key="tag", bind="query-params", placeholder="Any")
            if known or st.session_state.get("tag")
            else []
        )
    scope = Scope(_day(since), _day(until), owners, projects, models, zone)
    return SessionFilter(scope, text or None, version, None if least is None else Decimal(str(least)), tuple(tags))


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
        draw_saved()
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

cost = format.usd(found.total_usd, is_floor=bool(found.unpriced_requests_count or found.floor_requests_count))
unbilled = f", {found.unbilled_count:,} of them without a billed response" if found.unbilled_count else ""
counted = format.counted(found.total_count, "session") + unbilled
told.caption(f"{counted} · {cost.replace('$', chr(92) + '$')} · click one to open it")
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    columns = chosen_columns()
    draw_export(found)
if where.text:
    columns = {"hits_count": Shown("Hits", "count", "Blocks that hold the words"), **columns}
clicked = tables.draw(
    with_contexts(found.rows) if "context" in columns else found.rows,
    columns,
    label="Sessions",
    key="sessions_table",
    opens=True,
    height=min(38 + 35 * found.rows.num_rows, 760),
)
if clicked is not None:
    row = found.rows.slice(clicked, 1).to_pylist()[0]
    st.switch_page("views/session.py", query_params={"session": row["session_id"], "source": row["source_id"]})
