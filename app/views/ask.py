"""Ask: questions in plain words, answered by queries; each sentence opens where it is proven."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from app import data, empty, format
from her_models import ask, reports
from her_models.ask import QUESTIONS, Answer, Question, Sentence, Subject
from her_models.errors import QueryError

PERIODS = {"All time": 0, "Last day": 1, "Last 7 days": 7, "Last 30 days": 30, "Last 90 days": 90}


def asked() -> tuple[Question | None, list[Question], Subject]:
    """Return the question meant, others that may be, and what the text and the widgets say of its subject."""
    names = {question.title: question for question in QUESTIONS.values()}
    text = st.text_input(
        "Question",
        key="q",
        bind="query-params",
        placeholder="Which turn was the most expensive last week? · Who deleted config.toml? · Why did the cache miss?",
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        title = st.selectbox(
            "Or one of these", list(names), index=None, key="question", bind="query-params", placeholder="All questions"
        )
        session = st.text_input(
            "Session", key="of", bind="query-params", placeholder="How its id begins; none: all, or the newest"
        )
        turn = st.number_input(
            "Turn", 0, value=None, step=1, key="turn", bind="query-params", placeholder="Any", width=110
        )
        period = st.selectbox("Period", list(PERIODS), key="period", bind="query-params", width=160)
    found, subject = ask.understand(text or "")
    question = names[title] if title else found[0] if found else None
    others = [one for one in found if one is not question][:4]
    if session:
        source_id, session_id = data.ask(ask.session_named, session)
        subject = replace(subject, source_id=source_id, session_id=session_id)
    if turn is not None:
        subject = replace(subject, turn_index=int(turn) - 1)  # counted from 1; 0 is before the first prompt
    if days := PERIODS[period or "All time"]:
        subject = replace(subject, days_count=days)
    return question, others, replace(subject, time_zone=data.config().time_zone)


def draw_sentence(sentence: Sentence, key: str) -> None:
    """Draw a sentence, with what opens the place that proves it, and what asks why."""
    said, proof = st.columns([5, 1], vertical_alignment="center", gap="small")
    said.markdown(format.escaped(sentence.said))
    with proof, st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if sentence.place:
            place = sentence.place
            event = {} if place.block_index is None else {"event": str(place.block_index + 1)}
            st.page_link(
                "views/session.py",
                label="See it" if event else "Session",
                icon=":material/play_circle:",
                query_params={"session": place.session_id, "source": place.source_id, **event},
                width="content",
            )
            if "turn_index" in sentence.figures and "incurred_usd" in sentence.figures:
                whose = (sentence.place.session_id, sentence.figures["turn_index"])
                st.button("Why?", key=key, icon=":material/help:", type="tertiary", on_click=_ask_why, args=whose)


def draw_answer(answer: Answer) -> None:
    """Draw the sentences of an answer and the query whose rows they are."""
    st.subheader(answer.title, anchor=False)
    told = " · ".join(filter(None, (answer.asked_of, answer.extent)))
    if told:
        st.caption(format.escaped(told))
    if answer.note:
        st.caption(format.escaped(answer.note))
    if not answer.sentences:
        st.info("Nothing in the lake answers this. Widen the period, or leave the session out.")
    with st.container(border=bool(answer.sentences), gap="small"):
        for number, sentence in enumerate(answer.sentences):
            draw_sentence(sentence, f"why_{number}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "views/sql.py",
            label="The query behind this",
            icon=":material/table_rows:",
            query_params={"query": answer.sql},
            width="content",
        )
        if len(answer.sentences) < answer.found_count:
            st.page_link(
                "views/sql.py",
                label=f"All {answer.found_count:,} as a table",
                icon=":material/list:",
                query_params={"query": answer.sql_of_all},
                width="content",
            )


def draw_questions() -> None:
    """Draw all questions to click."""
    st.caption("Answered from the lake by queries, without a model. Click one, or write it in your own words.")
    columns = st.columns(3)
    for number, question in enumerate(QUESTIONS.values()):
        with columns[number % 3]:
            st.button(
                question.title, key=f"ask_{question.name}", on_click=_choose, args=(question.title,), width="stretch"
            )


def _choose(title: str) -> None:
    st.session_state["question"] = title


def _ask_why(session_id: str, turn_index: int) -> None:
    st.session_state["q"] = ""  # what was asked before says nothing of this turn, nor does its period
    st.session_state["period"] = next(iter(PERIODS))
    st.session_state["question"] = QUESTIONS["why_turn"].title
    st.session_state["of"] = session_id
    st.session_state["turn"] = turn_index + 1


st.title("Ask")
if not data.ask(reports.filter_choices).sessions_count:
    empty.draw_no_sessions()
    st.stop()
try:
    question, others, subject = asked()
    if question is None:
        if st.session_state.get("q"):
            st.info("That is none of the questions that can be answered. These are:")
        draw_questions()
        st.stop()
    with st.spinner("Asking…", show_time=True):
        answer = data.ask(ask.ask, question, subject)
except QueryError as error:
    st.warning(format.escaped(str(error)), icon=":material/error:")
    st.stop()
draw_answer(answer)
if others:
    st.caption("Or did you mean")
    with st.container(horizontal=True, gap="small"):
        for other in others:
            st.button(other.title, key=f"other_{other.name}", on_click=_choose, args=(other.title,))
with st.expander("All questions"):
    draw_questions()
