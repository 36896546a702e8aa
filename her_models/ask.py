"""Questions asked in plain words, answered without a model: each a query whose rows are sentences that cite a turn.

What belongs here: which questions there are, telling which one is meant, and what it is asked of. What does not: the
queries (`sql/ask/`, one file per question) or how an answer is drawn.

A query's column `said` is a sentence; source_id, session_id and block_index say which place proves it; the others are
its figures. What is run is the very text that is shown: values are written into it, so that it runs on the SQL page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import duckdb

from her_models import periods
from her_models.errors import QueryError
from her_models.export import find_session
from her_models.lake import literal
from her_models.reports import Scope
from her_models.warehouse import read_header

Need = Literal["session", "turn", "text", "period"]
_QUERIES = Path(__file__).resolve().parent.parent / "sql" / "ask"
_PLACEHOLDER = re.compile(r"\$([a-z_]+)\b")
_EVER = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Question:
    """One question: how a person may put it, the words that give it away, and what it has to be asked of.

    `words` are groups: each group that has one of its words in what was written counts once. Of a long answer the
    first `shown_count` sentences are given; `first` says which those are.
    """

    name: str
    title: str
    words: tuple[frozenset[str], ...]
    needs: frozenset[Need] = frozenset()
    first: str = "dearest"
    shown_count: int = 8

    @property
    def sql(self) -> str:
        """Return its query, with `$names` for what it is asked of."""
        return _query(self.name)

    def asks_for(self, name: str) -> bool:
        """Say whether its query takes this into account."""
        return name in _PLACEHOLDER.findall(self.sql)


@dataclass(frozen=True)
class Subject:
    """What a question is asked of. Without a session, of everything in the period; without a period, of all time."""

    source_id: str | None = None
    session_id: str | None = None
    turn_index: int | None = None
    text: str | None = None
    since_at: datetime | None = None
    until_at: datetime | None = None
    days_count: int | None = None
    """The last so many days, up to the last with a bill; where times are given, those count."""
    time_zone: str = "UTC"
    limit: int | None = None
    """Most sentences; None: as many as the question usually shows."""


@dataclass(frozen=True)
class Place:
    """Where a sentence is proven: a block of a session, or the session as a whole."""

    source_id: str
    session_id: str
    block_index: int | None


@dataclass(frozen=True)
class Sentence:
    """One sentence of an answer, with its figures and the place that proves it."""

    said: str
    place: Place | None
    figures: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """Sentences, and the query whose rows they are.

    `found_count` is how many there are, also of those left out. `note` says which days were taken, where they were not
    named, and what of the subject has nothing to do with the question.
    """

    question: Question
    subject: Subject
    sentences: tuple[Sentence, ...]
    sql: str
    found_count: int = 0
    note: str = ""

    @property
    def title(self) -> str:
        """Return the question as it was answered: of a turn, where one was meant."""
        turn = self.subject.turn_index
        if turn is None or not self.question.asks_for("turn_index"):
            return self.question.title
        words = f"turn {turn + 1}" if turn >= 0 else "what came before the first prompt"
        return {
            "context": f"What was in the context at the end of {words}?",
            "why_turn": f"Why was {words} expensive?",
        }[self.question.name]

    @property
    def asked_of(self) -> str:
        """Say what the question was asked of, as far as it makes a difference: a session, a period, a text."""
        subject, told = self.subject, []
        if subject.session_id and self.question.asks_for("session_id"):
            told.append(f"session {subject.session_id}")
        if self.question.asks_for("since_at"):
            told += _period_words(subject)
        if subject.text and self.question.asks_for("text"):
            told.append(f"what has “{subject.text}” in it")
        return f"Of {', '.join(told)}" if told else ""

    @property
    def sql_of_all(self) -> str:
        """Return the query that leaves nothing out."""
        return bound(self.question, replace(self.subject, limit=max(self.found_count, 1)))

    @property
    def extent(self) -> str:
        """Say how many sentences there are where they are a list, and which of them are given if not all are."""
        given = len(self.sentences)
        if given < self.found_count:
            return f"{given:,} of {self.found_count:,}, the {self.question.first} first"
        is_list = self.question.name not in ("why_turn", "context", "certainty")
        return f"All {given:,}, the {self.question.first} first" if given > 1 and is_list else ""


def _period_words(subject: Subject) -> list[str]:
    zone = ZoneInfo(subject.time_zone)
    first = subject.since_at and subject.since_at.astimezone(zone).date()
    # A period ends where the next day begins; that of a year may lie ahead.
    last = (
        subject.until_at and (min(subject.until_at, datetime.now(UTC)) - timedelta(seconds=1)).astimezone(zone).date()
    )
    if first and last:
        return [f"{first} to {last}"]
    return [f"{word} {day}" for word, day in (("since", first), ("until", last)) if day]


def _question(
    name: str, title: str, words: str, *needs: Need, first: str = "dearest", shown_count: int = 8
) -> Question:
    groups = tuple(frozenset(group.split("|")) for group in words.split())
    return Question(name, title, groups, frozenset(needs), first, shown_count)


_DEAR = "expensive|dear|dearest|costly|costliest|cost|costs|most|money|pricey"
QUESTIONS: dict[str, Question] = {
    question.name: question
    for question in (
        _question(
            "dearest_turn",
            "Which turn was the most expensive?",
            f"turn|turns|prompt|prompts {_DEAR} which|find|what",
            "period",
            shown_count=3,
        ),
        _question(
            "why_turn",
            "Why was this turn expensive?",
            f"why|reason turn|this|prompt {_DEAR}",
            "session",
            "turn",
            shown_count=6,
        ),
        _question(
            "context",
            "What is in the context now?",
            "context|window what|whats|fills|inside now|in|at|turn",
            "session",
            first="largest",
            shown_count=20,
        ),
        _question(
            "before_compaction",
            "What filled the context before the compaction?",
            "compaction|compacted|compact before|filled|fill|full context|window|what",
            "session",
            first="largest",
        ),
        _question("dearest_file", "Which file cost most?", f"file|files {_DEAR} which|what", "period", shown_count=5),
        _question(
            "most_read_file",
            "Which file was read most often?",
            "file|files read|reread|reads often|times|again|most which|was|what|how",
            "period",
            first="most often read",
            shown_count=5,
        ),
        _question(
            "changed",
            "What changed since last week?",
            "changed|change|difference|since|different|moved since|last|week|month|yesterday|before",
            "period",
            first="largest change",
            shown_count=6,
        ),
        _question(
            "failing_command",
            "Which command fails most?",
            "command|commands|bash|shell|script fail|fails|failing|failed|error|errors|breaks",
            "period",
            first="most frequent",
            shown_count=6,
        ),
        _question(
            "wasted",
            "What was wasted?",
            "waste|wasted|unneeded|unnecessary|needless|save|saved waste|wasted|what",
            "period",
        ),
        _question(
            "who_deleted",
            "Who deleted a file?",
            "delete|deleted|deletes|remove|removed|rm|gone|lost who|when|deleted|removed",
            "text",
            "period",
            first="latest",
            shown_count=10,
        ),
        _question(
            "who_changed",
            "Who changed a file, and why?",
            "changed|edited|wrote|modified|change|touched who|why|code|file",
            "text",
            "period",
            first="latest",
            shown_count=10,
        ),
        _question(
            "cache_misses",
            "How often did the cache miss, and why?",
            "cache|cached miss|misses|missed|expire|expired|often|why",
            "period",
        ),
        _question(
            "dearest_session",
            "Which session cost most?",
            f"session|sessions {_DEAR} which|what",
            "period",
            shown_count=5,
        ),
        _question(
            "dearest_project",
            "What did each project cost?",
            f"project|projects|repository|repo {_DEAR} which|what|each",
            "period",
            shown_count=6,
        ),
        _question(
            "dearest_model",
            "What did each model cost?",
            f"model|models|opus|sonnet|haiku {_DEAR} which|what|each",
            "period",
            shown_count=6,
        ),
        _question(
            "dearest_person",
            "What did each person spend?",
            f"person|people|who|team|owner|everybody spend|spent|spends|{_DEAR} each|most",
            "period",
            shown_count=6,
        ),
        _question(
            "dearest_tool", "Which tool cost most?", f"tool|tools|mcp {_DEAR} which|what", "period", shown_count=6
        ),
        _question(
            "subagents",
            "What did subagents cost?",
            f"subagent|subagents|agent|agents|task {_DEAR} what",
            "period",
            shown_count=6,
        ),
        _question(
            "longest_turn",
            "Which turn took longest?",
            "turn|turns|prompt longest|slowest|long|slow|took|time which|what",
            "period",
            first="longest",
            shown_count=3,
        ),
        _question(
            "failures",
            "What failed last?",
            "failed|fail|error|errors|failures|broke what|last|recently|latest",
            "period",
            first="latest",
        ),
        _question(
            "compactions",
            "How often was the context compacted?",
            "compacted|compaction|compactions often|when|many|how",
            "period",
            first="latest",
        ),
        _question(
            "risks",
            "What was risky?",
            "risk|risky|risks|dangerous|danger|unsafe|audit|secret|secrets what|any|were",
            "period",
            first="most frequent",
            shown_count=9,
        ),
        _question(
            "by_hour",
            "When do I spend most?",
            "when|hour|hours|time|day|night spend|spent|most|money|cost",
            "period",
            shown_count=4,
        ),
        _question(
            "certainty",
            "How sure are these figures?",
            "sure|certain|exact|accurate|trust|believe|complete figures|numbers|total|totals|how|these",
            "period",
        ),
    )
}
_PERIODS = {
    "today": 1, "yesterday": 2, "week": 7, "fortnight": 14, "month": 30, "quarter": 91, "year": 365,
}  # fmt: skip
_QUOTED = re.compile(r"[\"“'`]([^\"”'`]{2,})[\"”'`]")
_PATH = re.compile(r"(?<![\w/])((?:~|\.{0,2}/)?[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.[A-Za-z]\w{0,7})(?![\w/])")
_OBJECT = re.compile(
    r"\b(?:deleted?|removed?|changed|edited|modified|touched|wrote)\s+(?:(?:the|my|our)\s+)?(?:(?:file|folder)\s+)?"
    r"(?!(?:a|an|the|this|that|it|file|folder|code|since|in|last|and)\b)([\w.~-]{3,})",
    re.IGNORECASE,
)
_TURN = re.compile(r"\bturn\s+#?(\d{1,9})\b", re.IGNORECASE)
_DAYS = re.compile(r"\b(\d{1,4})\s*(?:days?|d)\b", re.IGNORECASE)


def understand(text: str) -> tuple[list[Question], Subject]:
    """Return the questions that may be meant, the likeliest first, and what the text itself says of the subject."""
    words = set(re.findall(r"[a-z]+", text.lower().replace("'", "")))
    scored = [(sum(bool(group & words) for group in question.words), question) for question in QUESTIONS.values()]
    # All groups hit, or the most of them; among equals the question with fewer groups left open.
    likely = sorted(
        (pair for pair in scored if (pair[0] and pair[1].words[0] & words) or pair[0] >= 2),
        key=lambda pair: (pair[0] - 0.6 * len(pair[1].words), bool(pair[1].words[0] & words), pair[0]),
        reverse=True,
    )
    return [question for _, question in likely], _subject(text, words)


def _subject(text: str, words: set[str]) -> Subject:
    quoted = _QUOTED.search(text)
    path = quoted or _PATH.search(text) or _OBJECT.search(text)
    turn = _TURN.search(text)
    days = _DAYS.search(text)
    length = int(days[1]) if days else next((_PERIODS[word] for word in _PERIODS if word in words), None)
    return Subject(
        turn_index=int(turn[1]) - 1 if turn else None,  # people count turns from 1
        text=path[1] if path else None,
        days_count=length or None,
    )


def ask(con: duckdb.DuckDBPyConnection, question: Question, subject: Subject) -> Answer:
    """Return the answer to a question about a subject.

    Where it needs a session, the newest is taken if none is given; where it needs a turn, the session's dearest. Where
    nothing was billed in the period, one of the same length up to the last bill is taken, and the answer says so.

    Raises:
        QueryError: there is no session to ask of, or it has no such turn.
    """
    notes = [_needless(question, subject)]
    if question.asks_for("since_at"):
        if question.name == "changed" and subject.since_at is None and not subject.days_count:
            subject = replace(subject, days_count=7)
        is_dated = subject.days_count and not subject.since_at
        subject, taken = _dated(con, subject) if is_dated else _with_bills(con, subject)
        notes.append(taken)
    subject = _completed(con, question, subject)
    sql = bound(question, subject)
    cursor = con.execute(sql)
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    found_count = int(rows[0]["found_count"]) if rows else 0
    return Answer(question, subject, tuple(map(_sentence, rows)), sql, found_count, " ".join(filter(None, notes)))


def _needless(question: Question, subject: Subject) -> str:
    """Say what of the subject the question does not take into account, so that nobody takes it for a part of it."""
    given = {
        "session": subject.session_id and not question.asks_for("session_id"),
        "turn": subject.turn_index is not None and not question.asks_for("turn_index"),
        "period": (subject.since_at or subject.days_count) and not question.asks_for("since_at"),
    }
    needless = [name for name, is_needless in given.items() if is_needless]
    if not needless:
        return ""
    return f"The {' and the '.join(needless)} make{'s' if len(needless) == 1 else ''} no difference to this question."


def session_named(con: duckdb.DuckDBPyConnection, name: str) -> tuple[str, str]:
    """Return source and id of the session whose id begins so.

    Raises:
        QueryError: there is none, or more than one.
    """
    key = find_session(con, name)
    return key.source_id, key.session_id


def bound(question: Question, subject: Subject) -> str:
    """Return the query with the values of the subject written into it."""
    since = subject.since_at or _EVER
    until = subject.until_at or datetime(2100, 1, 1, tzinfo=UTC)
    values: dict[str, object] = {
        "source_id": subject.source_id,
        "session_id": subject.session_id,
        "turn_index": subject.turn_index,
        "text": subject.text,
        "since_at": since,
        "until_at": until,
        "missing_at": _EVER,  # what has no time belongs to no period, but to all time
        "before_at": since - (until - since) if subject.since_at else _EVER,
        "time_zone": subject.time_zone,
        "limit": subject.limit or question.shown_count,
    }
    body = "\n".join(line for line in question.sql.splitlines() if not line.startswith("-- "))
    return _PLACEHOLDER.sub(lambda found: literal(values[found[1]]), body).strip()


def _dated(con: duckdb.DuckDBPyConnection, subject: Subject) -> tuple[Subject, str]:
    """Return the subject with the days that "the last so many days" are, and a note that names them."""
    last, days = periods.last_on(con, subject.time_zone), subject.days_count or 0
    if last is None:
        return subject, ""
    within = Scope(periods.first_on(days, last), last, time_zone=subject.time_zone)
    until_at = subject.until_at or within.until_at()
    return replace(subject, since_at=within.since_at(), until_at=until_at), f"These are {periods.in_words(days, last)}."


def _with_bills(con: duckdb.DuckDBPyConnection, subject: Subject) -> tuple[Subject, str]:
    """Return the subject with a period in which something was billed, and a note where that is another one."""
    if subject.since_at is None or subject.until_at is None:
        return subject, ""
    period = {"since_at": subject.since_at, "until_at": subject.until_at}
    row = con.execute(
        "select max(started_at), bool_or(started_at >= $since_at and started_at < $until_at) from requests", period
    ).fetchone()
    last, has_bills = row if row else (None, False)
    if last is None or has_bills:
        return subject, ""
    days = max((subject.until_at - subject.since_at).days, 1)
    moved = replace(subject, since_at=last - timedelta(days=days), until_at=last + timedelta(seconds=1))
    day = last.astimezone(ZoneInfo(subject.time_zone)).date()
    return moved, f"Nothing was billed in that time. These are the {days} days up to the last bill, {day}."


def _completed(con: duckdb.DuckDBPyConnection, question: Question, subject: Subject) -> Subject:
    if "session" in question.needs and subject.session_id is None:
        source_id, session_id = _usual_session(con, question)
        subject = replace(subject, source_id=source_id, session_id=session_id)
    if "turn" in question.needs and subject.turn_index is None:
        row = con.execute(
            "select turn_index from turns where source_id = $source_id and session_id = $session_id "
            "and not is_inherited order by incurred_usd desc nulls last, turn_index limit 1",
            {"source_id": subject.source_id, "session_id": subject.session_id},
        ).fetchone()
        subject = replace(subject, turn_index=row[0] if row else 0)
    elif "session" in question.needs and subject.turn_index is not None:
        _check_turn(con, subject)
    return subject


def _check_turn(con: duckdb.DuckDBPyConnection, subject: Subject) -> None:
    row = con.execute(
        "select count(*), max(turn_index) + 1, bool_or(turn_index = $turn_index) from turns "
        "where source_id = $source_id and session_id = $session_id",
        {"source_id": subject.source_id, "session_id": subject.session_id, "turn_index": subject.turn_index},
    ).fetchone()
    count, last, is_there = row or (0, 0, False)
    if count and not is_there:
        number = (subject.turn_index or 0) + 1
        raise QueryError(f"The session has no turn {number}. Its turns are counted from 1; the last is {last}.")


def _usual_session(con: duckdb.DuckDBPyConnection, question: Question) -> tuple[str, str]:
    """Return the newest session that has what is asked about."""
    condition = "compactions_count > 0" if question.name == "before_compaction" else "requests_count > 0"
    row = con.execute(
        f"select source_id, session_id from sessions where {condition} "
        "order by started_at desc nulls last, source_id, session_id limit 1"
    ).fetchone()
    if row is None:
        raise QueryError("The lake holds no session that this could be asked of. Read logs first: her ingest")
    return row[0], row[1]


def _sentence(row: dict[str, Any]) -> Sentence:
    source_id, session_id, block_index = row.pop("source_id"), row.pop("session_id"), row.pop("block_index")
    del row["found_count"]
    place = Place(source_id, session_id, block_index) if source_id and session_id else None
    return Sentence(" ".join(str(row.pop("said")).split()), place, row)


@cache
def _query(name: str) -> str:
    return read_header(_QUERIES / f"{name}.sql")[3]
