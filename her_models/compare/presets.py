"""Comparisons that people ask for most, filled in: two weeks, two models; and what can be chosen at all.

What belongs here: from what is in the lake to two groups. What does not: before and after a new CLAUDE.md
(`instructions`), or comparing them (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from her_models.compare.groups import Group
from her_models.compare.statistics import LEAST_SESSIONS
from her_models.report_queries import report_query, report_table


@dataclass(frozen=True)
class Choices:
    """Values that occur, those of most sessions first."""

    models: tuple[str, ...]
    projects: tuple[str, ...]
    people: tuple[str, ...]
    versions: tuple[str, ...]
    branches: tuple[str, ...]
    tags: tuple[str, ...]
    hashes: tuple[str, ...]
    last_at: datetime | None
    new_model: tuple[str, str] | None
    new_model_projects: tuple[str, ...]  # in which both have enough sessions; empty where there is none


def choices(con: duckdb.DuckDBPyConnection) -> Choices:
    """Return what sessions can be compared by."""
    rows = report_table(con, "comparison_choices").to_pylist()

    def values(name: str) -> tuple[str, ...]:
        return tuple(row["value"] for row in rows if row["name"] == name)

    new, shared = _new_model(rows, report_table(con, "comparison_models").to_pylist())
    return Choices(
        values("model"),
        values("project"),
        values("person"),
        values("version"),
        values("branch"),
        values("tag"),
        values("hash"),
        max((row["last_at"] for row in rows if row["last_at"]), default=None),
        new,
        shared,
    )


def _new_model(
    rows: Sequence[Mapping[str, Any]], by_project: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str] | None, tuple[str, ...]]:
    """Return the model to hold the new one against and the new one, and the projects in which both were used enough.

    Where two models worked in one project, two such are taken: else the models could not be told from the projects.
    """
    enough = [row for row in by_project if row["sessions_count"] >= LEAST_SESSIONS]
    projects: dict[str, set[str]] = {}
    for row in enough:
        projects.setdefault(row["project"], set()).add(row["model"])
    shared = {name: models for name, models in projects.items() if len(models) > 1}
    if shared:
        there = [row for row in enough if row["project"] in shared]
        new = max(there, key=lambda row: row["first_at"])["model"]
        with_new = [name for name, models in shared.items() if new in models]
        counts: dict[str, int] = {}
        first_at: dict[str, datetime] = {}
        for row in there:
            if row["project"] in with_new:
                counts[row["model"]] = counts.get(row["model"], 0) + row["sessions_count"]
                first_at[row["model"]] = min(first_at.get(row["model"], row["first_at"]), row["first_at"])
        found = new_model(sorted(counts, key=lambda model: (-counts[model], model)), first_at, new)
        if found is not None:
            return found, tuple(sorted(name for name in with_new if found[0] in shared[name]))
    models = [row for row in rows if row["name"] == "model" and row["first_at"] is not None]
    used = [row for row in models if row["sessions_count"] >= LEAST_SESSIONS]
    chosen = used if len(used) > 1 else models
    return new_model([row["value"] for row in chosen], {row["value"]: row["first_at"] for row in chosen}), ()


def session_days(con: duckdb.DuckDBPyConnection, time_zone: str) -> dict[date, int]:
    """Return how many sessions began on each day that had one."""
    return dict(con.execute(report_query("comparison_days"), {"time_zone": time_zone}).fetchall())


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


def earlier_weeks_in_words(last_on: date, today: date) -> str:
    """Say that the weeks looked back on are not the last ones; nothing where they are."""
    yesterday = today - timedelta(days=1)
    if last_on >= yesterday:
        return ""
    return (
        f"No session began in the seven days to {yesterday}. These are not the last two weeks but the last that can be"
        f" told, to {last_on}."
    )


def today(time_zone: str) -> date:
    """Return the day it is."""
    return datetime.now(ZoneInfo(time_zone)).date()


def two_weeks(last_on: date, base: Group | None = None) -> tuple[Group, Group]:
    """Return the seven days before the last seven, and the last seven, of which `last_on` is one."""
    base = base or Group()
    first_on = last_on - timedelta(days=6)
    earlier = replace(base, since=first_on - timedelta(days=7), until=first_on - timedelta(days=1))
    return earlier, replace(base, since=first_on, until=last_on)


def new_model(
    models: Sequence[str], first_at: Mapping[str, datetime], new: str | None = None
) -> tuple[str, str] | None:
    """Return the model to hold the new one against, and the new one: the last to appear among those used enough.

    `models` stand in the order of their sessions, those with too few left out; the other is the most used of those
    that appeared before.
    """
    known = [one for one in models if one in first_at]
    if len(known) < 2:
        return None
    new = new or max(known, key=lambda one: first_at[one])
    return next(one for one in known if one != new), new


def two_models(models: Sequence[str], base: Group | None = None) -> tuple[Group, Group]:
    """Return the sessions of each of two models."""
    base = base or Group()
    return replace(base, model=(models[0],)), replace(base, model=(models[1],))
