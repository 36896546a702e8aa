"""The replay of a session: a clock that runs over its events, and the controls that move it.

Only the part of the page drawn by `draw` runs again while the replay plays; the rest of the page stays as it is.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import streamlit as st

from app import charts, data, events, format
from app.events import Text
from her_models import reports
from her_models.reports import Session

SPEEDS = (1, 2, 4, 8, 16, 64)
TICK_SECONDS = 0.5
_STRETCH = 64  # events whose texts are fetched together
_CHARACTERS_FETCHED = 200_000  # a tool call has to be whole to be taken apart
_NEIGHBOURS = 7  # events listed on either side of the present one
_LANES_SHOWN = 9
_EDITS = {"Edit", "MultiEdit", "Write", "NotebookEdit"}


@dataclass(frozen=True, eq=False)
class Recording:
    """A session's events, made ready to move through."""

    rows: pa.Table
    clock_seconds: tuple[float, ...]
    marks: dict[str, tuple[int, ...]]  # places to jump to, by what stands there

    @property
    def length(self) -> int:
        return self.rows.num_rows

    def event(self, position: int) -> dict[str, Any]:
        """Return one event as a record."""
        row: dict[str, Any] = self.rows.slice(position, 1).to_pylist()[0]
        return row

    def position_at(self, clock_seconds: float) -> int:
        """Return the last event that had happened by then."""
        return max(0, bisect_right(self.clock_seconds, clock_seconds) - 1)

    def after(self, mark: str, position: int) -> int | None:
        """Return the next place of a kind, or None when there is none ahead."""
        places = self.marks[mark]
        found = bisect_right(places, position)
        return places[found] if found < len(places) else None

    def before(self, mark: str, position: int) -> int | None:
        """Return the last place of a kind that lies behind."""
        places = self.marks[mark]
        found = bisect_left(places, position)
        return places[found - 1] if found else None


def recording(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> Recording:
    """Read a session's events; asked through `data.ask`, so that it is done once per snapshot."""
    rows = reports.session_events(con, source_id, session_id)
    kinds, tools = rows["kind"].to_pylist(), rows["tool_name"].to_pylist()
    costs = [float(cost) if cost is not None else 0.0 for cost in rows["billed_usd"].to_pylist()]
    dear = sorted(costs, reverse=True)[:10]
    return Recording(
        rows,
        tuple(rows["replay_seconds"].to_pylist()),
        {
            "prompt": tuple(i for i, kind in enumerate(kinds) if kind == "prompt"),
            "error": tuple(i for i, failed in enumerate(rows["is_error"].to_pylist()) if failed),
            "edit": tuple(i for i, kind in enumerate(kinds) if kind == "tool_call" and tools[i] in _EDITS),
            "dear": tuple(i for i, cost in enumerate(costs) if dear and cost > 0 and cost >= dear[-1]),
        },
    )


def texts_of_stretch(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, stretch: int) -> dict[str, Text]:
    """Return the texts of one stretch of events by their hash; a replay needs one query for many events."""
    first = stretch * _STRETCH
    found = reports.event_texts(
        con, source_id, session_id, first, first + _STRETCH - 1, characters=_CHARACTERS_FETCHED
    ).to_pylist()
    return {row["content_hash"]: Text(row["text"], row["text_chars"]) for row in found}


def timeline_rows(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pd.DataFrame:
    """Return what the timeline draws: one row per event, with its lane."""
    rows = reports.session_events(con, source_id, session_id)
    agents = {row["agent_id"]: row for row in reports.session_agents(con, source_id, session_id).to_pylist()}
    frame = rows.select(["kind", "is_error", "tool_name"]).to_pandas()
    frame["event_number"] = range(1, len(frame) + 1)
    frame["running"] = [format.usd(cost) for cost in rows["running_usd"].to_pylist()]
    frame["tool_name"] = frame["tool_name"].fillna("")
    known = [charts.kind_name(kind) if kind in charts.KINDS else charts.OTHER[0] for kind in frame["kind"]]
    frame["kind_label"] = [charts.ERROR[0] if e else k for e, k in zip(frame["is_error"], known, strict=True)]
    lanes = rows["agent_id"].to_pylist()
    kept = [agent for agent in dict.fromkeys(lanes) if agent][: _LANES_SHOWN - 1]
    names = {agent: _lane(number, agents.get(agent)) for number, agent in enumerate(kept, 1)}
    frame["lane"] = [names.get(agent, "more agents") if agent else "main" for agent in lanes]
    return frame.drop(columns=["kind", "is_error"])


def _lane(number: int, agent: dict[str, Any] | None) -> str:
    name = (agent or {}).get("agent_type") or (agent or {}).get("description") or "agent"
    return f"{number} {format.one_line(name, 16)}"


def draw(session: Session, record: Recording) -> None:
    """Draw the replay at the position the address names, running if it was started."""
    _adopt(session, record)
    interval = TICK_SECONDS if st.session_state["replay_is_playing"] else None
    st.fragment(_draw, run_every=interval)(session, record)


def _adopt(session: Session, record: Recording) -> None:
    """Take up the position named in the address when another session is opened."""
    state, identity = st.session_state, (session.source_id, session.session_id)
    if state.get("replay_session") != identity:
        wanted = st.query_params.get("event", "1")
        state["replay_session"] = identity
        state["replay_is_playing"] = False
        _seek(record, int(wanted[:9]) - 1 if wanted.isdecimal() else 0)


def _seek(record: Recording, position: int | None) -> None:
    """Move to an event; there is nowhere to go when it is None."""
    if position is not None:
        position = min(max(position, 0), record.length - 1)
        st.session_state["replay_number"] = position + 1
        st.session_state["replay_clock"] = record.clock_seconds[position]
        st.session_state["replay_ticked_at"] = time.monotonic()


def _dragged(record: Recording) -> None:
    _seek(record, st.session_state["replay_number"] - 1)


def _advance(record: Recording) -> None:
    """Let the clock run on by what passed since the last tick, and stop at the end."""
    state, now = st.session_state, time.monotonic()
    passed = min(now - state["replay_ticked_at"], 2 * TICK_SECONDS)  # a page that was asleep does not leap
    state["replay_ticked_at"] = now
    state["replay_clock"] += passed * state.get("replay_speed", 4)
    state["replay_number"] = max(state["replay_number"], record.position_at(state["replay_clock"]) + 1)
    if state["replay_number"] >= record.length:
        state["replay_is_playing"] = False
        st.rerun()


def _draw(session: Session, record: Recording) -> None:
    state = st.session_state
    if "replay_number" not in state:  # the state of a slider goes when another view is drawn in between
        _seek(record, record.position_at(state["replay_clock"]))
    if state["replay_is_playing"]:
        _advance(record)
    _draw_controls(record)
    position = min(state["replay_number"], record.length) - 1
    if not state["replay_is_playing"] and st.query_params.get("event", "1") != str(position + 1):
        st.query_params["event"] = str(position + 1)
    event = record.event(position)
    _draw_figures(session, record, event)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        _draw_present(session, event, position)
    with right:
        _draw_neighbours(record, position)


def _draw_controls(record: Recording) -> None:
    state = st.session_state
    position = state["replay_number"] - 1
    st.slider(
        "Event",
        1,
        max(record.length, 2),
        key="replay_number",
        label_visibility="collapsed",
        on_change=_dragged,
        args=(record,),
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        playing = state["replay_is_playing"]
        if st.button(
            "Pause" if playing else "Play",
            icon=":material/pause:" if playing else ":material/play_arrow:",
            type="primary",
            shortcut="K",
            key="replay_toggle",
            width=118,
        ):
            if not playing and position >= record.length - 1:
                _rewind(record)
            state["replay_is_playing"] = not playing
            state["replay_ticked_at"] = time.monotonic()
            st.rerun()
        st.select_slider(
            "Speed", SPEEDS, 4, format_func=lambda speed: f"{speed}×", key="replay_speed", width=150,
            label_visibility="collapsed",
        )  # fmt: skip
        _step("Back", "skip_previous", "J", record, position - 1 if position else None)
        _step("Next", "skip_next", "L", record, position + 1 if position + 1 < record.length else None)
        _step("Prompt before", "keyboard_double_arrow_left", "P", record, record.before("prompt", position))
        _step("Prompt", "keyboard_double_arrow_right", "N", record, record.after("prompt", position))
        _step("Error", "error", "E", record, record.after("error", position))
        _step("Edit", "edit", "D", record, record.after("edit", position))
        _step(
            "Dear", "payments", "M", record, record.after("dear", position), "To the next of the ten dearest responses"
        )


def _rewind(record: Recording) -> None:
    """The slider is drawn already in this run: its state may only be set in the next one."""
    st.session_state["replay_clock"] = 0.0
    del st.session_state["replay_number"]


def _step(
    name: str, icon: str, shortcut: str, record: Recording, target: int | None, meaning: str | None = None
) -> None:
    st.button(
        name,
        icon=f":material/{icon}:",
        help=meaning,
        shortcut=shortcut,
        key=f"replay_{icon}",
        disabled=target is None,
        on_click=_seek,
        args=(record, target),
    )


def _draw_figures(session: Session, record: Recording, event: dict[str, Any]) -> None:
    zone = data.config().time_zone
    has_unpriced = bool(event["running_unpriced_count"])
    billed = event["running_usd"]
    if billed is None and not event["running_requests_count"]:
        billed = 0.0
    with st.container(horizontal=True, gap="small", key="figures_replay"):
        st.metric(
            "Cost so far",
            format.usd(billed, is_floor=has_unpriced),
            border=True,
            help=f"Of {format.usd(session.billed_usd)} in all; requests.billed_usd of the responses begun by then",
        )
        st.metric("Responses", format.count(event["running_requests_count"]), border=True)
        st.metric("Output", format.tokens(event["running_output_tokens"]), border=True, help="Tokens so far, as logged")
        st.metric("Read from cache", format.tokens(event["running_cache_read_tokens"]), border=True, help="So far")
        st.metric(
            "Context",
            format.tokens(event["context_tokens"]),
            border=True,
            help="requests.prompt_tokens of the last response on this thread",
        )
        st.metric(
            "Event",
            f"{st.session_state['replay_number']:,} / {record.length:,}",
            border=True,
            help="Pauses are cut to two seconds",
        )
        st.metric(
            "Time", format.clock(event["logged_at"], zone), border=True, help=format.when(event["logged_at"], zone)
        )


def _draw_present(session: Session, event: dict[str, Any], position: int) -> None:
    texts = data.ask(texts_of_stretch, session.source_id, session.session_id, event["event_index"] // _STRETCH)
    text = texts.get(event["content_hash"])
    with st.container(border=True, height=560, key="replay_present"):
        events.draw_event(event, text, key=f"event_{position}", whole=_whole_text(session, event))
        if event["requests_count"]:
            floor = bool(event["is_output_floor"])
            st.caption(
                f"{format.escaped(event['model'])} · "
                f"{format.escaped(format.usd(event['billed_usd'], is_floor=floor))} · "
                f"{format.tokens(event['cache_read_tokens'])} read from cache, "
                f"{format.tokens(event['cache_write_tokens'])} written, "
                f"{format.tokens(event['uncached_input_tokens'])} not cached, "
                f"{format.tokens(event['output_tokens'], is_floor=floor)} output"
            )


def _whole_text(session: Session, event: dict[str, Any]) -> Callable[[], str]:
    """Return what fetches an event's text uncut, for a download."""
    return lambda: data.ask(reports.content_text, session.source_id, event["content_hash"]) or ""


def _draw_neighbours(record: Recording, position: int) -> None:
    first = max(0, min(position - _NEIGHBOURS, record.length - 2 * _NEIGHBOURS - 1))
    shown = record.rows.slice(first, 2 * _NEIGHBOURS + 1).to_pylist()
    st.dataframe(
        pd.DataFrame(
            {
                "": "▶" if first + offset == position else "",
                "#": first + offset + 1,
                "Kind": ("↳ " if event["agent_id"] else "") + events.label(event),
                "What": events.summary(event),
            }
            for offset, event in enumerate(shown)
        ),
        hide_index=True,
        height="content",
        row_height=34,
        column_config={
            "": st.column_config.TextColumn(width=28),
            "#": st.column_config.NumberColumn(width=52, format="%,d"),
            "Kind": st.column_config.TextColumn(width=104),
        },
        alt="Events around the present one",
    )
