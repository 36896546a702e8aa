"""The replay in the app: one custom component, and beside it a channel through which it asks for texts.

What belongs here: mounting the player, and answering what it asks. What does not: what a recording holds
(`recording`), how texts are rendered (`rendering`), or anything that moves (`player.js`).

The player is mounted with the session's arrays and runs in the browser alone; a question of its own (texts of a
stretch, a search, where a value came from) runs nothing but the fragment below it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import duckdb
import streamlit as st

from app import data
from app.replay import player
from app.replay.answers import STRETCH, answer
from app.replay.recording import Recording, recording
from her_models.errors import HerError
from her_models.reports import Session

_LOG = logging.getLogger("her.app")
_component = st.components.v2.component("her_replay", js=player.script("component.js"), css=player.style())


def recorded(session: Session) -> Recording:
    """Return the session's recording, made once per snapshot of the lake."""
    return data.ask(recording, session.source_id, session.session_id, data.config().time_zone)


def draw(session: Session, *, words: str | None = None) -> None:
    """Draw the replay of a session at the event the address names; `words` are searched in it at once."""
    record = recorded(session)
    if not record["count"]:
        st.info("This session's log holds nothing that was said or done.")
        return
    _mount("replay", [record], words)


def draw_two(upper: Session, lower: Session) -> None:
    """Draw two sessions one above the other on one clock, by time or by progress, as the reader chooses.

    Their events stand in the address as `event` and `event2`, and `clock=progress` where they run by progress.
    """
    records = [recorded(upper), recorded(lower)]
    empty = [session.session_id for session, record in zip((upper, lower), records, strict=True) if not record["count"]]
    if empty:
        st.info(f"The log of session {' and '.join(empty)} holds nothing that was said or done.")
        return
    _mount("replay_two", records, None)


def turn_to(event_number: int, session_id: str | None = None, source_id: str | None = None) -> None:
    """Turn the session's page to the replay at an event, counted from 1, of the same session or another.

    It is a callback: the view is chosen by a widget, which keeps its value whatever a link to the same page says.
    """
    st.session_state["view"] = "Replay"
    st.query_params["event"] = str(event_number)
    if session_id and source_id:
        st.query_params["session"], st.query_params["source"] = session_id, source_id


def _mount(name: str, records: list[Recording], words: str | None) -> None:
    _component(key=name, data={"role": "player", "name": name, "recordings": records, "words": words})
    sessions = {record["id"]: (record["source_id"], record["session_id"]) for record in records}
    if st.session_state.get(f"{name}_sessions") != sessions:
        st.session_state[f"{name}_sessions"] = sessions
        st.session_state[f"{name}_channel_answer"] = {"number": None, "texts": _first_texts(records)}
    _channel(name, sessions)


def _first_texts(records: list[Recording]) -> list[list[Any]]:
    """Return the texts around the events in the address, so that the first one need not be asked for."""
    found = []
    for record, place in zip(records, ("event", "event2"), strict=False):
        wanted = st.query_params.get(place, "1")
        event = min(max(int(wanted[:9]) if wanted.isascii() and wanted.isdecimal() else 1, 1), record["count"]) - 1
        question = {"kind": "texts", "stretch": event // STRETCH}
        texts = answer(question, record["source_id"], record["session_id"])
        found.append([record["id"], event // STRETCH, texts])
    return found


@st.fragment
def _channel(name: str, sessions: dict[str, tuple[str, str]]) -> None:
    key = f"{name}_channel"
    with st.container(key=key, height=1, border=False):
        _component(
            key=f"{key}_component",
            data={"role": "channel", "name": name, "answer": st.session_state[f"{key}_answer"]},
            on_question_change=_answering(key, sessions),
        )


def _answering(key: str, sessions: dict[str, tuple[str, str]]) -> Callable[[], None]:
    def on_question() -> None:
        # A question may arrive after the reader has left for another page, where the component is no more.
        asked = (st.session_state.get(f"{key}_component") or {}).get("question")
        if isinstance(asked, dict) and isinstance(asked.get("questions"), list):
            answers = [_answered(question, sessions) for question in asked["questions"]]
            st.session_state[f"{key}_answer"] = {"number": asked.get("number"), "answers": answers}

    return on_question


def _answered(question: Any, sessions: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Answer one question, or say why it cannot be answered: the page around the player stays as it is."""
    try:
        source_id, session_id = sessions[question["id"]]
        return {"value": answer(question, source_id, session_id)}
    except HerError as error:
        return {"error": str(error)}
    except (duckdb.Error, KeyError, TypeError, ValueError):
        _LOG.exception("A question of the replay could not be answered")
        return {"error": "The lake could not be read. Run ./her doctor in a terminal: it says what is wrong."}
