"""`her ask`: a question in plain words, answered on the terminal.

What belongs here: what the command prints. What does not: its arguments (`cli`) and the answers (`her_models.ask`).
"""

from __future__ import annotations

import dataclasses
from datetime import date

from app import terminal
from app.reading import reading
from her_models.ask import QUESTIONS, Answer, Question, Subject, ask, understand
from her_models.config import Config, load_config
from her_models.errors import QueryError
from her_models.export import find_session
from her_models.reports import Scope

_ALL = 2**31


def run_ask(
    text: str,
    session: str | None,
    since: date | None,
    until: date | None,
    *,
    is_all: bool = False,
    is_sql: bool = False,
    is_json: bool = False,
) -> None:
    """Answer, or list what can be asked.

    Raises:
        QueryError: the question is not understood, or the session does not exist.
        LakeError: there is no lake.
    """
    if not text.strip():
        _list_questions(is_json)
        return
    found, subject = understand(text)
    if not found:
        raise QueryError(f"{text!r} is none of the questions that can be answered. List them: her ask")
    config = load_config()
    with reading(config) as lake:
        subject = _within(subject, since, until, config)
        if session:
            key = find_session(lake.con, session)
            subject = dataclasses.replace(subject, source_id=key.source_id, session_id=key.session_id)
        if is_all:
            subject = dataclasses.replace(subject, limit=_ALL)
        answer = ask(lake.con, found[0], subject)
    _draw(text, answer, found[1:4], is_sql=is_sql, is_json=is_json)


def _within(subject: Subject, since: date | None, until: date | None, config: Config) -> Subject:
    scope = Scope(since, until, time_zone=config.time_zone)
    return dataclasses.replace(
        subject,
        since_at=scope.since_at() or subject.since_at,
        until_at=scope.until_at() or subject.until_at,
        time_zone=config.time_zone,
    )


def _list_questions(is_json: bool) -> None:
    if is_json:
        questions = [{"name": one.name, "title": one.title, "needs": sorted(one.needs)} for one in QUESTIONS.values()]
        terminal.put(terminal.as_json({"command": "ask", "questions": questions}), None)
        return
    for question in QUESTIONS.values():
        terminal.screen.print(f"  {question.title}", markup=False)


def _draw(text: str, answer: Answer, others: list[Question], *, is_sql: bool, is_json: bool) -> None:
    if is_json:
        sentences = [
            {"said": one.said, "place": one.place and vars(one.place), "figures": one.figures}
            for one in answer.sentences
        ]
        told = {"command": "ask", "question": answer.question.name, "title": answer.title, "asked": text}
        told |= {"of": answer.asked_of, "note": answer.note, "found_count": answer.found_count}
        told |= {"sentences": sentences, "sql": answer.sql}
        terminal.put(terminal.as_json(told), None)
        return
    if answer.note:
        terminal.screen.print(answer.note, style="dim", markup=False, soft_wrap=True)
    terminal.screen.print(answer.title, style="bold", markup=False)
    if answer.asked_of:
        terminal.screen.print(answer.asked_of, style="dim", markup=False, soft_wrap=True)
    if not answer.sentences:
        terminal.screen.print("  Nothing in the lake answers this.", markup=False)
    for one in answer.sentences:
        terminal.screen.print(f"  {terminal.plain(one.said)}", markup=False, soft_wrap=True)
        if one.place:
            event = "" if one.place.block_index is None else f", event {one.place.block_index + 1}"
            terminal.screen.print(f"    {one.place.session_id}{event}", style="dim", markup=False, soft_wrap=True)
    if answer.extent:
        more = ". All of them: --all" if len(answer.sentences) < answer.found_count else ""
        terminal.screen.print(f"{answer.extent}{more}", style="dim", markup=False)
    if is_sql:
        terminal.screen.print(f"\n{answer.sql}", markup=False, soft_wrap=True)
    if others:
        terminal.aside.print(f"Or did you mean: {' · '.join(one.title for one in others)}", markup=False)
