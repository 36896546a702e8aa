"""Comparisons that people ask for most, filled in: two weeks, two models, before and after a new CLAUDE.md.

What belongs here: from what is in the lake to two groups. What does not: comparing them (`verdicts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from her_models.compare.groups import Group, before_and_after

_QUERY = Path(__file__).resolve().parents[2] / "sql" / "reports" / "comparison_choices.sql"


@dataclass(frozen=True)
class InstructionsChange:
    """A project's CLAUDE.md changed: hashes before and after, and the first session that read the new one."""

    project: str
    before_hash: str
    after_hash: str
    changed_at: datetime


@dataclass(frozen=True)
class Choices:
    """Values that occur, those of most sessions first, and changes of CLAUDE.md that the logs show, newest first."""

    models: tuple[str, ...]
    projects: tuple[str, ...]
    people: tuple[str, ...]
    versions: tuple[str, ...]
    branches: tuple[str, ...]
    instructions: tuple[InstructionsChange, ...]
    last_at: datetime | None

    def last_on(self, time_zone: str) -> date | None:
        """Day of the last session."""
        return self.last_at.astimezone(ZoneInfo(time_zone)).date() if self.last_at else None


def choices(con: duckdb.DuckDBPyConnection) -> Choices:
    """Return what sessions can be compared by."""
    rows = con.execute(_QUERY.read_text(encoding="utf-8")).to_arrow_table().to_pylist()

    def values(name: str) -> tuple[str, ...]:
        return tuple(row["value"] for row in rows if row["name"] == name)

    changes = tuple(
        InstructionsChange(row["project"] or "", row["before_value"], row["value"], row["changed_at"])
        for row in rows
        if row["name"] == "instructions"
    )
    return Choices(
        values("model"),
        values("project"),
        values("person"),
        values("version"),
        values("branch"),
        changes,
        max((row["changed_at"] for row in rows), default=None),
    )


def two_weeks(last_on: date, base: Group | None = None) -> tuple[Group, Group]:
    """Return the seven days before the last seven, and the last seven, of which `last_on` is one."""
    base = base or Group()
    first_on = last_on - timedelta(days=6)
    earlier = replace(base, since=first_on - timedelta(days=7), until=first_on - timedelta(days=1))
    return earlier, replace(base, since=first_on, until=last_on)


def two_models(models: Sequence[str], base: Group | None = None) -> tuple[Group, Group]:
    """Return the sessions of each of two models."""
    base = base or Group()
    return replace(base, model=(models[0],)), replace(base, model=(models[1],))


def new_instructions(change: InstructionsChange | date, base: Group | None = None) -> tuple[Group, Group]:
    """Return the sessions before and after a new CLAUDE.md: by its hash where logs show it, else by the day."""
    base = base or Group()
    if isinstance(change, date) and not isinstance(change, datetime):
        return before_and_after(base, change)
    assert isinstance(change, InstructionsChange)
    base = replace(base, project=(change.project,) if change.project else base.project)
    return replace(base, instructions=(change.before_hash,)), replace(base, instructions=(change.after_hash,))
