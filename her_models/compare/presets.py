"""Comparisons that people ask for most, filled in: two weeks, two models, before and after a new CLAUDE.md.

What belongs here: from what is in the lake to two groups. What does not: comparing them (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from her_models.compare import commits
from her_models.compare.groups import Group, before_and_after
from her_models.compare.statistics import LEAST_SESSIONS

_QUERY = Path(__file__).resolve().parents[2] / "sql" / "reports" / "comparison_choices.sql"
_DAYS = _QUERY.with_name("comparison_days.sql")
_SIDES = _QUERY.with_name("comparison_sides.sql")


@dataclass(frozen=True)
class InstructionsChange:
    """A project's CLAUDE.md changed, and how many sessions are to be had on both sides.

    Told by its hash where sessions log what they read; else by a session that edited it, or by a commit, from the
    moment on. `changed_at` is the first session that read the new one, the edit, or the commit.
    """

    project: str
    changed_at: datetime
    before_sessions_count: int
    after_sessions_count: int
    before_hash: str = ""
    after_hash: str = ""
    commit: str = ""

    @property
    def is_large_enough(self) -> bool:
        """Whether both sides have enough sessions for a verdict."""
        return min(self.before_sessions_count, self.after_sessions_count) >= LEAST_SESSIONS


@dataclass(frozen=True)
class Choices:
    """Values that occur, those of most sessions first, and changes of CLAUDE.md that the logs show, newest first."""

    models: tuple[str, ...]
    projects: tuple[str, ...]
    people: tuple[str, ...]
    versions: tuple[str, ...]
    branches: tuple[str, ...]
    tags: tuple[str, ...]
    hashes: tuple[str, ...]
    instructions: tuple[InstructionsChange, ...]
    last_at: datetime | None
    new_model: tuple[str, str] | None


def choices(con: duckdb.DuckDBPyConnection) -> Choices:
    """Return what sessions can be compared by."""
    rows = con.execute(_QUERY.read_text(encoding="utf-8")).to_arrow_table().to_pylist()

    def values(name: str) -> tuple[str, ...]:
        return tuple(row["value"] for row in rows if row["name"] == name)

    changes = [
        InstructionsChange(
            row["project"] or "",
            row["changed_at"],
            row["before_sessions_count"],
            row["after_sessions_count"],
            before_hash=row["before_value"] or "",
            after_hash=row["value"] if row["name"] == "instructions" else "",
        )
        for row in rows
        if row["name"] in ("instructions", "instructions_edit")
    ]
    return Choices(
        values("model"),
        values("project"),
        values("person"),
        values("version"),
        values("branch"),
        values("tag"),
        values("hash"),
        tuple(sorted(changes, key=lambda one: one.changed_at, reverse=True)),
        max((row["changed_at"] for row in rows if row["sessions_count"]), default=None),
        _new_model(rows),
    )


def _new_model(rows: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    models = [row for row in rows if row["name"] == "model" and row["first_at"] is not None]
    used = [row for row in models if row["sessions_count"] >= LEAST_SESSIONS]
    chosen = used if len(used) > 1 else models
    return new_model([row["value"] for row in chosen], {row["value"]: row["first_at"] for row in chosen})


def session_days(con: duckdb.DuckDBPyConnection, time_zone: str) -> dict[date, int]:
    """Return how many sessions began on each day that had one."""
    return dict(con.execute(_DAYS.read_text(encoding="utf-8"), {"time_zone": time_zone}).fetchall())


def week_end(days: Mapping[date, int], today: date) -> date | None:
    """Return the last day of the week that is looked back on: yesterday, the last whole day.

    Where the seven days up to it have no session: the last day whose week and the one before have enough sessions, or
    the last day with a session. None without any.
    """

    def count(end: date) -> int:
        return sum(days.get(end - timedelta(days=back), 0) for back in range(7))

    yesterday = today - timedelta(days=1)
    if count(yesterday):
        return yesterday
    enough = (day for day in days if min(count(day), count(day - timedelta(days=7))) >= LEAST_SESSIONS)
    return max(enough, default=max(days, default=None))


def today(time_zone: str) -> date:
    """Return the day it is."""
    return datetime.now(ZoneInfo(time_zone)).date()


def two_weeks(last_on: date, base: Group | None = None) -> tuple[Group, Group]:
    """Return the seven days before the last seven, and the last seven, of which `last_on` is one."""
    base = base or Group()
    first_on = last_on - timedelta(days=6)
    earlier = replace(base, since=first_on - timedelta(days=7), until=first_on - timedelta(days=1))
    return earlier, replace(base, since=first_on, until=last_on)


def new_model(models: Sequence[str], first_at: Mapping[str, datetime]) -> tuple[str, str] | None:
    """Return the model to hold the new one against, and the new one: the last to appear among those used enough.

    `models` stand in the order of their sessions, those with too few left out; the other is the most used of those
    that appeared before.
    """
    known = [one for one in models if one in first_at]
    if len(known) < 2:
        return None
    new = max(known, key=lambda one: first_at[one])
    return next(one for one in known if one != new), new


def two_models(models: Sequence[str], base: Group | None = None) -> tuple[Group, Group]:
    """Return the sessions of each of two models."""
    base = base or Group()
    return replace(base, model=(models[0],)), replace(base, model=(models[1],))


def committed(con: duckdb.DuckDBPyConnection) -> tuple[InstructionsChange, ...]:
    """Return the commits of CLAUDE.md in projects whose folders lie on this machine, newest first."""
    found = commits.commits_of_instructions(con)
    counts = con.execute(
        _SIDES.read_text(encoding="utf-8"),
        {"projects": [one.project for one in found], "moments": [one.committed_at for one in found]},
    ).fetchall()
    return tuple(
        InstructionsChange(one.project, one.committed_at, before, after, commit=one.commit)
        for one, (_, before, after) in zip(found, counts, strict=True)
    )


def last_change(changes: Sequence[InstructionsChange]) -> InstructionsChange | None:
    """Return the newest change that has enough sessions on both sides; None when there is none."""
    enough = [one for one in changes if one.is_large_enough]
    return max(enough, key=lambda one: one.changed_at, default=None)


def new_instructions(change: InstructionsChange | date, base: Group | None = None) -> tuple[Group, Group]:
    """Return the sessions before and after a new CLAUDE.md: by its hash where logs show it, else by day or moment."""
    base = base or Group()
    if not isinstance(change, InstructionsChange):
        return before_and_after(base, change)
    base = replace(base, project=(change.project,) if change.project else base.project)
    if not change.after_hash:
        return before_and_after(base, change.changed_at)
    return replace(base, instructions=(change.before_hash,)), replace(base, instructions=(change.after_hash,))
