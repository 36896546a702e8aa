"""Which sessions are meant: a group as a person writes it, and its sessions with their measures.

What belongs here: reading and writing `project=shop since=2026-11-01`, and the sessions that pass. What does not: what
is made of their measures (`verdicts`), or the measures themselves (`session_comparison`).

    project, person, model, version, branch, tag   one of the values given, divided by commas; a version counts with all
                                                   that begin with it (2.1 is 2.1.0 to 2.1.999), a model likewise
    prompt        words in the first prompt, or a pattern between slashes (/^(fix|mend) /), whatever their case
    instructions  how the hash of CLAUDE.md begins, where the log shows it (session_comparison.instructions_hash)
    since, until  first and last day on which a session began, both included, in the configured time zone; or a moment
                  (2026-11-01T14:30), from which on or before which it began; or a commit, for the moment it was made
    session       how session ids begin
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from her_models.compare.commits import is_commit
from her_models.errors import QueryError
from her_models.ledger.sizes import tokenizer_family
from her_models.report_queries import report_query, report_table

Floats = npt.NDArray[np.float64]

_ALSO = {"owner": "person", "client": "version", "claude_md": "instructions", "to": "until", "from": "since"}
_WORDS = {
    "project": "project",
    "person": "person",
    "model": "model",
    "version": "client",
    "branch": "branch",
    "tag": "tag",
    "prompt": "first prompt with",
    "instructions": "CLAUDE.md",
    "session": "session",
}


class EmptyGroup(QueryError):
    """No session passes a group's conditions."""


@dataclass(frozen=True)
class Group:
    """Conditions that a session of the group passes, all of them; an empty field is none."""

    project: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    version: tuple[str, ...] = ()
    branch: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    prompt: str = ""
    instructions: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    since: date | None = None  # a day, or a moment with its zone
    until: date | None = None

    def __str__(self) -> str:
        """Write it as `parse_group` reads it."""
        return " ".join(f"{name}={shlex.quote(value)}" for name, value in self._written())

    def in_words(self) -> str:
        """Say it to a person."""
        told = [f"{_WORDS[name]} {value}" for name, value in self._written() if name in _WORDS]
        if self.since and self.until:
            told.append(f"{_when(self.since)} to {_when(self.until)}")
        elif self.since:
            told.append(f"since {_when(self.since)}")
        elif self.until:
            told.append(f"{'before' if isinstance(self.until, datetime) else 'until'} {_when(self.until)}")
        return ", ".join(told) or "all sessions"

    def _written(self) -> list[tuple[str, str]]:
        found = []
        for one in fields(self):
            value = getattr(self, one.name)
            if value:
                found.append((one.name, _written_as(value)))
        return found


def _written_as(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _when(at: date) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(at, datetime) else str(at)


def _no_commits(commit: str) -> datetime:
    raise QueryError(f"{commit!r} is not a day. Write 2026-01-31, or 2026-01-31T14:30.")


def parse_group(text: str, *, time_zone: str = "UTC", moment_of: Callable[[str], datetime] = _no_commits) -> Group:
    """Read a group as a person writes it; `moment_of` says when a commit was made.

    Raises:
        QueryError: a word is not `key=value`, a key does not exist or comes twice, or a day is none.
    """
    try:
        parts = shlex.split(text)
    except ValueError as error:
        raise QueryError(f"The group {text!r} cannot be read: {error}. Close the quotation marks.") from error
    given: dict[str, Any] = {}
    names = [one.name for one in fields(Group)]
    for part in parts:
        key, sign, value = part.partition("=")
        key = _ALSO.get(key.lower(), key.lower())
        if not sign or not value or key not in names:
            raise QueryError(f"{part!r} is no condition of a group. Write key=value, with one of: {', '.join(names)}.")
        if key in given:
            raise QueryError(f"{key!r} stands twice in {text!r}. Divide values by commas: {key}=one,two.")
        given[key] = _moment(key, value, time_zone, moment_of) if key in ("since", "until") else _value(key, value)
    return Group(**given)


def _moment(key: str, value: str, time_zone: str, moment_of: Callable[[str], datetime]) -> date:
    if is_commit(value):
        return moment_of(value)
    try:
        if len(value) <= len("2026-01-31"):
            return date.fromisoformat(value)
        at = datetime.fromisoformat(value.replace(" ", "+"))  # an address turns + into a space
    except ValueError as error:
        raise QueryError(
            f"{key}={value!r} is neither a day nor a moment nor a commit. Write 2026-01-31, or 2026-01-31T14:30."
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(time_zone))


def _value(key: str, value: str) -> Any:
    if key == "prompt":
        return value
    return tuple(part for part in value.split(",") if part)


def _pattern(prompt: str) -> str | None:
    """Return the pattern between slashes, None for words."""
    is_pattern = len(prompt) > 2 and prompt.startswith("/") and prompt.endswith("/")
    return prompt[1:-1] if is_pattern else None


def before_and_after(base: Group, at: date) -> tuple[Group, Group]:
    """Return the sessions of a group that began before a day or a moment, and those from it on."""
    until = at if isinstance(at, datetime) else at - timedelta(days=1)
    return replace(base, until=until), replace(base, since=at)


@dataclass(frozen=True, eq=False)
class Members:
    """The sessions of a group, rows of `session_comparison` in the order of time."""

    group: Group
    rows: pa.Table = field(repr=False)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @cached_property
    def keys(self) -> list[tuple[str, str]]:
        """Identities of the sessions."""
        return list(zip(self.column("source_id"), self.column("session_id"), strict=True))

    def column(self, name: str) -> list[Any]:
        """Values of a column."""
        values: list[Any] = self.rows.column(name).to_pylist()
        return values

    def figures(self, name: str) -> Floats:
        """Values of a column as numbers; what is unknown is not a number."""
        column = self.rows.column(name)
        if pa.types.is_decimal(column.type):
            column = column.cast(pa.float64())
        return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)

    def taken(self, places: Sequence[int] | npt.NDArray[np.int64]) -> Members:
        """Return some of the sessions."""
        return Members(self.group, self.rows.take(pa.array(np.asarray(places, np.int64))))

    @cached_property
    def tokenizers(self) -> tuple[str, ...]:
        """Tokenizer families of the models that did most of each session."""
        return tuple(sorted({tokenizer_family(model) for model in self.column("model") if model}))


def read_group(con: duckdb.DuckDBPyConnection, group: Group, time_zone: str) -> Members:
    """Return the sessions of a group; there may be none.

    Raises:
        QueryError: the pattern of its prompt cannot be read.
    """
    tagged = _tagged(con, group.tag) if group.tag else None
    pattern = _pattern(group.prompt)
    parameters = {
        "projects": list(group.project) or None,
        "owners": list(group.person) or None,
        "models": list(group.model) or None,
        "versions": list(group.version) or None,
        "branches": list(group.branch) or None,
        "instructions": list(group.instructions) or None,
        "sessions": list(group.session) or None,
        "prompt": group.prompt if group.prompt and pattern is None else None,
        "pattern": pattern,
        "tagged": tagged,
        "since_at": _beginning(group.since, time_zone),
        "until_at": _end(group.until, time_zone),
    }
    try:
        return Members(group, report_table(con, "comparison_sessions", parameters))
    except duckdb.InvalidInputException as error:
        if pattern is None:
            raise
        why = str(error).split(": ", 1)[-1].splitlines()[0]
        raise QueryError(
            f"prompt={group.prompt!r} is no pattern ({why}). Leave out the slashes to look for words."
        ) from error


def with_week_survival(con: duckdb.DuckDBPyConnection, members: Members) -> Members:
    """Add the column `week_survival_ratio`: written lines that no edit replaced for a week; null where no log tells."""
    found = con.execute(
        report_query("comparison_survival"),
        {"sources": [source for source, _ in members.keys], "sessions": [session for _, session in members.keys]},
    ).fetchall()
    ratios = dict(found)
    column = pa.array([ratios.get(place) for place in range(len(members))], pa.float64())
    return Members(members.group, members.rows.append_column("week_survival_ratio", column))


def _tagged(con: duckdb.DuckDBPyConnection, tags: Sequence[str]) -> list[str]:
    """Return the sessions that carry one of the tags, as source and session id in one word."""
    rows = con.execute(
        "select source_id || '/' || session_id from annotations where list_has_any(tags, $tags)",
        {"tags": list(tags)},
    ).fetchall()
    return [row[0] for row in rows]


def _beginning(at: date | None, time_zone: str) -> datetime | None:
    if at is None or isinstance(at, datetime):
        return at
    return datetime.combine(at, time(), ZoneInfo(time_zone)).astimezone(UTC)


def _end(at: date | None, time_zone: str) -> datetime | None:
    """Return the first moment that is too late: of a day its end, else the moment itself."""
    return at if at is None or isinstance(at, datetime) else _beginning(at + timedelta(days=1), time_zone)


def without_shared(a: Members, b: Members) -> tuple[Members, Members, int]:
    """Leave out of both groups the sessions that are in both; returns how many those are."""
    shared = set(a.keys) & set(b.keys)
    if not shared:
        return a, b, 0
    kept = [one.taken([place for place, key in enumerate(one.keys) if key not in shared]) for one in (a, b)]
    return kept[0], kept[1], len(shared)


def shares(members: Members, column: str) -> Mapping[str, float]:
    """Return which share of the sessions each value of a column has."""
    values = [str(value) if value is not None else "unknown" for value in members.column(column)]
    return {value: values.count(value) / len(values) for value in sorted(set(values))} if values else {}
