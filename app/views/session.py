"""Session: one session replayed, and its turns, tools and subagents with what each cost."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from app import annotating, context, data, empty, findings, format, session_files, tables, what_if
from app.replay import component as replay
from app.tables import Shown
from her_models import reports
from her_models.export import SessionKey, sessions_named
from her_models.reports import Scope, Session
from her_models.waste_report import questions

_FINDINGS_SHOWN = 500
_CANDIDATES_SHOWN = 20

TOKENS = {
    "cache_read_tokens": Shown("Cache read", "tokens"),
    "cache_write_5m_tokens": Shown("Written, 5 min", "tokens"),
    "cache_write_1h_tokens": Shown("Written, 1 h", "tokens"),
    "uncached_input_tokens": Shown("Not cached", "tokens"),
    "output_tokens": Shown("Output", "tokens", "As logged: at least this where a response does not say how it ended"),
}


def chosen_session() -> Session:
    """Return the session that the address names, by its id or the beginning of it, or let the reader choose one."""
    name, source_id = st.query_params.get("session"), st.query_params.get("source")
    found = data.ask(sessions_named, name, source_id) if name else ()
    if len(found) == 1:
        (key,) = found
        if key.session_id != name:  # a link to this place, as whoever is here copies it, names the session whole
            st.query_params.update({"session": key.session_id, "source": key.source_id})
        return _header(key)
    st.title("Session")
    if len(found) > 1:
        draw_candidates(found)
        st.stop()
    if name:
        st.warning("The lake holds no such session. It may not have been ingested yet: ./her ingest")
    newest = data.ask(reports.sessions, page_size=200).rows.to_pylist()
    if not newest:
        empty.draw_no_sessions()
        st.stop()
    zone = data.config().time_zone
    chosen = st.selectbox(
        "Open a session",
        range(len(newest)),
        index=None,
        format_func=lambda row: (
            f"{format.when(newest[row]['started_at'], zone)} · {newest[row]['project'] or 'no project'} · "
            f"{format.one_line(newest[row]['title'], 70) or newest[row]['session_id'][:8]}"
        ),
        placeholder=f"The newest {len(newest)}",
    )
    if chosen is not None:
        row = newest[chosen]
        st.switch_page("views/session.py", query_params={"session": row["session_id"], "source": row["source_id"]})
    st.page_link("views/sessions.py", label="Search all sessions", icon=":material/search:")
    st.stop()


def draw_candidates(found: tuple[SessionKey, ...]) -> None:
    """Draw the sessions that the address may mean, each as a link that keeps what else stands in it."""
    is_one_id = len({key.session_id for key in found}) == 1
    st.info(
        "Several sources hold a session of this id. Whose do you mean?"
        if is_one_id
        else f"{len(found):,} sessions begin like this. Which do you mean?"
    )
    zone, kept = data.config().time_zone, st.query_params.to_dict()
    for key in found[:_CANDIDATES_SHOWN]:
        one = _header(key)
        facts = (
            key.source_id if is_one_id else key.session_id,
            format.when(one.started_at, zone),
            one.project or "no project",
            format.one_line(one.title, 70),
        )
        st.page_link(
            "views/session.py",
            label=" · ".join(format.escaped(fact) for fact in facts if fact),
            query_params={**kept, "session": key.session_id, "source": key.source_id},
        )
    if len(found) > _CANDIDATES_SHOWN:
        st.caption(f"The first {_CANDIDATES_SHOWN} of {len(found):,}. More of the id narrows it down.")


def _header(key: SessionKey) -> Session:
    return data.ask(reports.session_headers, key.session_id, key.source_id)[0]


def draw_header(session: Session) -> None:
    """Draw title, circumstances and totals."""
    zone = data.config().time_zone
    st.title(format.escaped(format.one_line(session.title, 90)) or "Session without a title", anchor=False)
    client = " to ".join(dict.fromkeys(v for v in (session.first_version, session.last_version) if v))
    facts = [
        session.project,
        session.owner,
        session.git_branch and f"branch {session.git_branch}",
        client and f"client {client}",
        ", ".join(session.models),
        session.started_at
        and f"{format.when(session.started_at, zone)} to {format.when(session.ended_at, zone)} {zone}",
    ]
    st.caption(" · ".join(format.escaped(fact) for fact in facts if fact))
    is_floor = bool(session.unpriced_requests_count or session.floor_requests_count)
    sent = (
        session.uncached_input_tokens
        + session.cache_write_5m_tokens
        + session.cache_write_1h_tokens
        + session.cache_read_tokens
    )
    billed = session.billed_usd if session.requests_count else 0.0
    with st.container(horizontal=True, gap="small", key="figures_session"):
        st.metric(
            "Cost at list price",
            format.usd(billed, is_floor=is_floor),
            border=True,
            help=f"sessions.billed_usd, exact as far as the log shows. {format.LIST_PRICE_NOTE}",
        )
        if session.requests_count and session.estimated_usd != session.billed_usd:
            st.metric(
                "Best estimate",
                format.usd(session.estimated_usd, is_floor=bool(session.unpriced_requests_count)),
                border=True,
                help="sessions.estimated_usd, estimated: with the output that the log lost",
            )
        st.metric(
            "Responses",
            format.count(session.requests_count),
            border=True,
            help=f"sessions.requests_count; {session.inherited_requests_count:,} more were copied here, paid elsewhere",
        )
        st.metric("Tokens sent", format.tokens(sent), border=True, help=f"{sent:,}")
        st.metric(
            "Read from cache",
            format.percent(session.cache_read_tokens / sent if sent else None),
            border=True,
            help="Share of the tokens sent",
        )
        st.metric(
            "Output",
            format.tokens(session.output_tokens, is_floor=bool(session.floor_requests_count)),
            border=True,
            help=f"sessions.output_tokens: {session.output_tokens:,}",
        )
        st.metric(
            "Longest context",
            format.tokens(session.peak_context_tokens),
            border=True,
            help="sessions.peak_context_tokens",
        )
        st.metric(
            "Tool calls",
            format.count(session.tool_calls_count),
            border=True,
            help=f"sessions.tool_calls_count; {session.tool_errors_count:,} failed",
        )


def draw_caveats(session: Session) -> None:
    """Say why the cost is a lower bound, where it is one."""
    notes = []
    if session.floor_requests_count:
        notes.append(
            f"Responses without a final output count: {session.floor_requests_count:,}. The cost is at least this."
        )
    if session.unpriced_requests_count:
        notes.append(f"Responses without a price, left out of the cost: {session.unpriced_requests_count:,}.")
    if notes:
        st.caption(" ".join(notes), width="content")


def draw_replay(session: Session) -> None:
    """Draw the replay at the event the address names; words of a search are found again in it."""
    replay.draw(session, words=st.query_params.get("q"))


def draw_turns(session: Session) -> None:
    """Draw the turns; a click opens the replay where the turn begins."""
    turns = data.ask(reports.session_turns, session.source_id, session.session_id)
    if not turns.num_rows:
        st.info("No prompt in this session.")
        return
    st.caption("Click a turn to see it in the replay.")
    said = pa.array([format.spoken(prompt) for prompt in turns["prompt"].to_pylist()], pa.string())
    clicked = tables.draw(
        turns.append_column("turn", format.turn_numbers(turns["turn_index"])).append_column("said", said),
        {
            "turn": Shown("Turn", "count", "turns.turn_index, counted from 1; 0 is what came before the first prompt"),
            "incurred_usd": Shown(
                "Incurred", "usd", "turns.incurred_usd, exact: billed in the turn, subagents included"
            ),
            "said": Shown("Prompt", "text", "turns.prompt", 420),
            "started_at": Shown("Started", "when"),
            "estimated_usd": Shown(
                "Best estimate", "usd", "turns.estimated_usd, estimated: Incurred and the output that the log lost"
            ),
            "caused_usd": Shown(
                "Caused", "usd", "turns.caused_usd, estimated: what the turn brought in cost as long as it stayed"
            ),
            "waste_usd": Shown(
                "Waste", "usd", "turns.waste_usd, as sure as its findings: part of Incurred that was not needed"
            ),
            "cache_excess_usd": Shown(
                "Misses", "usd", "turns.cache_excess_usd, exact: part of Incurred that missing the cache cost on top"
            ),
            "requests_count": Shown("Responses", "count"),
            "tool_calls_count": Shown("Tools", "count"),
            "tool_errors_count": Shown("Failed", "count"),
            **TOKENS,
            "peak_context_tokens": Shown("Context", "tokens", "Longest prompt of the main thread in the turn"),
            "duration_seconds": Shown("Span", "seconds"),
            "is_inherited": Shown("Copied", "flag", "Copied here from another session, paid there"),
        },
        label="Turns",
        key="turns_table",
        opens=True,
        height=min(38 + 35 * turns.num_rows, 720),
    )
    if clicked is not None:
        turn = turns["turn_index"][clicked].as_py()
        places = data.ask(reports.session_events, session.source_id, session.session_id)["turn_index"].to_pylist()
        st.session_state["next_view"] = "Replay"  # the view's own widget is drawn already
        st.query_params["event"] = str(places.index(turn) + 1 if turn in places else 1)
        st.rerun()


def draw_tools(session: Session) -> None:
    """Draw what each tool was asked and gave back."""
    found = data.ask(reports.session_tools, session.source_id, session.session_id)
    if not found.num_rows:
        st.info("No tool was called in this session.")
        return
    tables.draw(
        found,
        {
            "tool_name": Shown("Tool", width="medium"),
            **({"mcp_server": Shown("MCP server")} if found["mcp_server"].null_count < found.num_rows else {}),
            "calls_count": Shown("Calls", "count"),
            "errors_count": Shown("Failed", "count"),
            "call_bytes": Shown("Asked", "bytes", "Bytes of the inputs the model wrote"),
            "result_bytes": Shown("Gave back", "bytes", "Bytes of the results the model saw"),
            "requesting_usd": Shown(
                "Cost of asking", "usd", "tool_cost.requesting_usd: share of the responses that made the calls"
            ),
        },
        label="Tools",
        key="tools_table",
    )


def draw_agents(session: Session) -> None:
    """Draw the main thread and each subagent."""
    found = data.ask(reports.session_agents, session.source_id, session.session_id)
    if not found.num_rows:
        st.info("No response was billed in this session.")
        return
    main = [agent or "main thread" for agent in found["agent_id"].to_pylist()]
    place = found.schema.get_field_index("agent_id")
    tables.draw(
        found.set_column(place, "agent_id", [main]),
        {
            "agent_id": Shown("Thread"),
            "billed_usd": Shown("Cost, at least", "usd", "agent_cost.billed_usd, exact for what the log holds"),
            "agent_type": Shown("Type"),
            "description": Shown("Asked to", width="large"),
            "estimated_usd": Shown(
                "Best estimate", "usd", "agent_cost.estimated_usd, estimated: the bill and the output that the log lost"
            ),
            "requests_count": Shown("Responses", "count"),
            **TOKENS,
            "models": Shown("Models", "list"),
            "started_at": Shown("Started", "when"),
        },
        label="Threads",
        key="agents_table",
    )


def draw_waste(session: Session) -> None:
    """Draw what was wasted in the session, and both sides of a finding."""
    found = data.ask(
        questions.findings, Scope(), source_id=session.source_id, session_id=session.session_id, limit=_FINDINGS_SHOWN
    )
    findings.draw_findings(found, key="waste_table")


def draw_about(session: Session) -> None:
    """Draw what identifies the session and what its figures rest on."""
    facts = {
        "Session": session.session_id,
        "Source": session.source_id,
        "Folder": session.project_path or format.UNKNOWN,
        "Continues or forks": session.forked_from_session_id or "nothing",
        "Log files": format.count(session.files_count),
        "Lines": format.count(session.lines_count),
        "Compactions": format.count(session.compactions_count),
        "Completeness": session.completeness,
        "As SQL": f"select * from requests where session_id = '{session.session_id}'",
    }
    for name, fact in facts.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(name, width=150)
            st.code(format.plain(fact), None, wrap_lines=True, width="stretch")


session = chosen_session()
draw_header(session)
VIEWS = {
    "Replay": draw_replay,
    "Context": context.draw,
    "Turns": draw_turns,
    "Waste": draw_waste,
    "What if": what_if.draw,
    "Tools": draw_tools,
    "Subagents": draw_agents,
    "About": draw_about,
}
if "next_view" in st.session_state:
    st.session_state["view"] = st.session_state.pop("next_view")
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    view = st.segmented_control(
        "View",
        list(VIEWS),
        default="Replay",
        required=True,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )
    annotating.draw(session.source_id, session.session_id)
    session_files.draw(session)
    draw_caveats(session)
VIEWS[view or "Replay"](session)
