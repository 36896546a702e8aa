"""Search: what was said and done in all sessions, by words or an expression; a hit opens the replay there."""

from __future__ import annotations

import html
from datetime import date
from decimal import Decimal
from typing import cast, get_args

import streamlit as st

from app import charts, data, empty, filters, format
from her_models import reports
from her_models.errors import QueryError
from her_models.reports import Scope
from her_models.search import hits
from her_models.search.hits import Excerpt, Found, Hit, Named, SearchFilter, Sort
from her_models.search.pattern import Mode

PAGE_SIZE = 25
_NAMED_SHOWN = 5
MODES: dict[str, Mode] = {"Words": "words", "Expression": "regex"}
ORDERS: dict[str, Sort] = {f"{sort.capitalize()} first": sort for sort in get_args(Sort)}
_PLACEHOLDER = 'words · "a phrase" · beginn* · -without'
_STYLE = """<style>
.her-hit { font-size: 0.9rem; line-height: 1.45; overflow-wrap: anywhere; margin: 0; }
.her-hit mark { background: #E69F0055; color: inherit; border-radius: 3px; padding: 0 2px; }
</style>"""


def asked_for() -> tuple[str, Mode, SearchFilter]:
    """Read the box and the filters; all of them stand in the address."""
    choices = data.ask(reports.filter_choices)
    kinds, tools = data.ask(hits.choices)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input(
            "Search", key="q", bind="query-params", type="search", placeholder=_PLACEHOLDER, width="stretch"
        )
        mode = st.segmented_control(
            "Look for", list(MODES), default="Words", required=True, key="mode", bind="query-params"
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen_kinds = st.multiselect(
            "Kinds", kinds, key="kind", bind="query-params", placeholder="All", format_func=charts.kind_name
        )
        chosen_tools = st.multiselect("Tools", tools, key="tool", bind="query-params", placeholder="All")
        projects = filters.projects(choices)
        with st.popover("More filters", icon=":material/tune:"):
            path = st.text_input("File", key="file", bind="query-params", placeholder="Part of its path")
            owners = filters.people(choices)
            models = filters.models(choices)
            version = st.selectbox(
                "Client", choices.versions, index=None, key="version", bind="query-params", placeholder="Any"
            )
            with st.container(horizontal=True):
                since = st.date_input("From", None, key="since", bind="query-params")
                until = st.date_input("To", None, key="until", bind="query-params")
            least = st.number_input(
                "Cost at least, $",
                min_value=0.0,
                value=None,
                step=0.01,
                key="min_usd",
                bind="query-params",
                placeholder="0.00",
                help="blocks.lifetime_usd: what the block cost from first to last",
            )
            labels = st.multiselect(
                "Waste", data.ask(hits.waste_labels), key="label", bind="query-params", placeholder="Any or none",
                help="waste.label: what was paid for and not needed",
            )  # fmt: skip
            only_errors = st.checkbox("Only failed results", key="errors", bind="query-params")
            with_copies = st.checkbox("History copied from other sessions too", key="copies", bind="query-params")
    scope = Scope(_day(since), _day(until), owners, projects, models, data.config().time_zone)
    where = SearchFilter(
        scope=scope,
        kinds=tuple(chosen_kinds),
        tools=tuple(chosen_tools),
        path=path or None,
        version=version,
        min_usd=None if least is None else Decimal(str(least)),
        is_error=True if only_errors else None,
        labels=tuple(labels),
        with_inherited=with_copies,
    )
    return text or "", MODES[mode or "Words"], where


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def marked(excerpt: Excerpt) -> str:
    """Return the excerpt as HTML in which only the marks are more than text."""
    pieces, at = [], 0
    for begin, end in excerpt.marks:
        pieces += [_text(excerpt.text[at:begin]), f"<mark>{_text(excerpt.text[begin:end])}</mark>"]
        at = end
    pieces.append(_text(excerpt.text[at:]))
    before, after = "… " if excerpt.is_cut_before else "", " …" if excerpt.is_cut_after else ""
    return f"<p class='her-hit'>{before}{''.join(pieces)}{after}</p>"


def _text(piece: str) -> str:
    lines = [" ".join(line.split()) for line in format.plain(piece).split("\n")]
    lead = " " if piece[:1].isspace() else ""
    trail = " " if piece[-1:].isspace() and len(piece) > 1 else ""
    return html.escape(f"{lead}{' ⏎ '.join(filter(None, lines))}{trail}")


def draw_hit(hit: Hit, zone: str, words: str) -> None:
    """Draw one hit: where it is, which opens the replay there, what it is, and its surroundings.

    The replay looks for `words` at once, so that its keys go on to the next hit.
    """
    row = hit.row
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            title = format.one_line(row["title"], 70) or row["session_id"][:8]
            st.page_link(
                "views/session.py",
                label=format.escaped(f"{title} · event {row['block_index'] + 1:,}"),
                icon=":material/play_circle:",
                query_params={
                    "session": row["session_id"],
                    "source": row["source_id"],
                    "event": str(row["block_index"] + 1),
                    **({"q": words} if words else {}),
                },
            )
            kind = charts.ERROR[0] if row["is_error"] else charts.kind_name(row["kind"])
            facts = [
                kind,
                row["tool_name"],
                format.when(row["logged_at"], zone),
                row["project"],
                row["owner"],
                None if row["lifetime_usd"] is None else format.usd(row["lifetime_usd"]),
                "copied" if row["is_inherited"] else None,
            ]
            st.caption(format.escaped(" · ".join(str(fact) for fact in facts if fact)), width="content")
        st.html(marked(hit.excerpt))


def draw_named(sessions: tuple[Named, ...], zone: str) -> None:
    """Draw links to the sessions whose title, tags or note hold what is looked for."""
    if not sessions:
        return
    st.caption("In titles, tags and notes")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for one in sessions:
            name = format.one_line(one.title, 50) or one.session_id[:8]
            written = [*one.tags, *filter(None, [format.one_line(one.note, 60)])]
            st.page_link(
                "views/session.py",
                label=format.escaped(" · ".join([name, format.when(one.started_at, zone), *written])),
                icon=":material/edit_note:" if written else ":material/list:",
                query_params={"session": one.session_id, "source": one.source_id},
            )


def draw_totals(found: Found) -> None:
    """Say how much was found, and what was not in the index yet."""
    said = f"{found.hits_count:,} {'hit' if found.hits_count == 1 else 'hits'} in {found.sessions_count:,}"
    said += " session" if found.sessions_count == 1 else " sessions"
    if found.unindexed_count == -1:
        said += " · without an index, so every text was read; `her search --reindex` makes one"
    elif found.unindexed_count:
        said += f" · {found.unindexed_count:,} new texts are not in the index yet and were read one by one"
    st.caption(said)


st.title("Search")
st.html(_STYLE)
text, mode, where = asked_for()
if not data.ask(reports.filter_choices).sessions_count:
    empty.draw_no_sessions()
    st.stop()
if not text and where == SearchFilter(scope=Scope(time_zone=where.scope.time_zone)):
    st.info(
        "Words are found whole and in any order, whatever their case. A phrase stands in quotation marks, `*` ends the"
        " beginning of a word, `-` leaves texts out. An expression is a regular expression as RE2 reads it. Filters"
        " alone list whatever passes them."
    )
    st.stop()
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
    told = st.container(width="content")
    with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
        order = st.selectbox("Order", list(ORDERS), key="sort", bind="query-params", width=180)
        pager = st.container(width=140)
if st.session_state.get("search_asked") != (text, mode, where, order):
    if "search_asked" in st.session_state:
        st.session_state["page"] = 1
    st.session_state["search_asked"] = (text, mode, where, order)
page_index = max(0, int(st.session_state.get("page", 1)) - 1)
try:
    with st.spinner("Searching…", show_time=True):
        found = data.ask(
            hits.search,
            data.config(),
            text,
            mode,
            where,
            sort=cast(Sort, ORDERS[order]),
            page_index=page_index,
            page_size=PAGE_SIZE,
        )
except QueryError as error:
    st.warning(format.escaped(str(error)), icon=":material/error:")
    st.stop()
with told:
    draw_totals(found)
pages = max(1, -(-found.hits_count // PAGE_SIZE))
if pages > 1:
    with pager:
        st.number_input(f"Page of {pages:,}", 1, pages, key="page", bind="query-params", width=140)
named = data.ask(hits.named, text, mode, where, _NAMED_SHOWN) if not page_index else ()
if not found.hits_count and not named:
    less = "look for fewer words or the beginning of one: `beginn*`" if mode == "words" else "ask for less"
    st.info(f"Nothing passes these filters. Take one away, or {less}.")
draw_named(named, data.config().time_zone)
for hit in found.hits:
    draw_hit(hit, data.config().time_zone, text if mode == "words" else "")
