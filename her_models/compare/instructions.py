"""Changes of CLAUDE.md: when each project's changed, and the sessions on either side up to its neighbours.

What belongs here: one line of time per project out of hashes, edits by sessions and commits; the two groups around a
change. What does not: asking git (`commits`), or comparing (`verdicts`).

Sessions before a change are those from the change before it on, sessions after it those up to the next: what was
changed earlier or later is in neither. Where sessions log what they read, the hash says which read which. An edit, the
commit of it within a day, and the first session that read it are one change; so are changes between which no session
began, as no session tells them apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb

from her_models.compare import commits
from her_models.compare.groups import Group, before_and_after
from her_models.compare.statistics import LEAST_SESSIONS
from her_models.report_queries import report_query

_COMMITTED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class InstructionsChange:
    """A project's CLAUDE.md changed, and how many sessions are to be had on both sides.

    `changed_at` is the edit, the commit, or the first session that read the new one. `since` is the change before,
    `until` the next one; None where there is none, or where a hash says which sessions read what.
    """

    project: str
    changed_at: datetime
    before_sessions_count: int
    after_sessions_count: int
    before_hash: str = ""
    after_hash: str = ""
    commit: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_large_enough(self) -> bool:
        """Whether both sides have enough sessions for a verdict."""
        return min(self.before_sessions_count, self.after_sessions_count) >= LEAST_SESSIONS


def changes_of_instructions(con: duckdb.DuckDBPyConnection) -> tuple[InstructionsChange, ...]:
    """Return the changes of every project's CLAUDE.md that logs or folders on this machine show, newest first."""
    by_project: dict[str, list[InstructionsChange]] = {}
    for one in (*_logged(con), *_committed(con)):
        by_project.setdefault(one.project, []).append(one)
    starts = dict(con.execute(report_query("comparison_starts")).fetchall())
    found = [
        change
        for project, changes in by_project.items()
        for change in _in_line(_with_commits(changes), starts.get(project, []))
    ]
    return tuple(sorted(found, key=lambda one: (one.changed_at, one.project), reverse=True))


def _logged(con: duckdb.DuckDBPyConnection) -> list[InstructionsChange]:
    rows = con.execute(report_query("comparison_changes")).to_arrow_table().to_pylist()
    return [InstructionsChange(**row) for row in rows]


def _committed(con: duckdb.DuckDBPyConnection) -> list[InstructionsChange]:
    return [
        InstructionsChange(one.project, one.committed_at, 0, 0, commit=one.commit)
        for one in commits.commits_of_instructions(con)
    ]


def _with_commits(changes: Sequence[InstructionsChange]) -> list[InstructionsChange]:
    """Give each edit the commit of it: the first after it, within a day and before another edit."""
    told: list[InstructionsChange] = []
    for one in sorted(changes, key=lambda one: one.changed_at):
        last = next((place for place in reversed(range(len(told))) if not told[place].after_hash), None)
        if (
            one.commit
            and last is not None
            and not told[last].commit
            and one.changed_at - told[last].changed_at <= _COMMITTED_WITHIN
        ):
            told[last] = replace(told[last], commit=one.commit)
        else:
            told.append(one)
    return told


def _in_line(changes: Sequence[InstructionsChange], starts: Sequence[datetime]) -> list[InstructionsChange]:
    """Return the changes that sessions tell apart, in the order of time, each between its neighbours."""

    def began(first: datetime | None, last: datetime | None) -> int:
        return (len(starts) if last is None else bisect_left(starts, last)) - (
            0 if first is None else bisect_left(starts, first)
        )

    apart: list[InstructionsChange] = []
    for one in changes:
        if apart and not began(apart[-1].changed_at, one.changed_at):
            # A hash says more than a moment; a moment keeps its place, with the commit's name.
            kept = one if one.after_hash else apart[-1]
            apart[-1] = replace(kept, commit=apart[-1].commit or one.commit)
        else:
            apart.append(one)
    found = []
    for place, one in enumerate(apart):
        since = apart[place - 1].changed_at if place else None
        until = apart[place + 1].changed_at if place + 1 < len(apart) else None
        if not one.after_hash:
            counts = began(since, one.changed_at), began(one.changed_at, until)
            one = InstructionsChange(one.project, one.changed_at, *counts, commit=one.commit, since=since, until=until)
        found.append(one)
    return found


def last_change(changes: Sequence[InstructionsChange]) -> InstructionsChange | None:
    """Return the newest change that has enough sessions on both sides; None when there is none."""
    enough = [one for one in changes if one.is_large_enough]
    return max(enough, key=lambda one: one.changed_at, default=None)


def around(change: InstructionsChange) -> tuple[Group, Group]:
    """Return the sessions before and after a change: by its hash where logs show it, else up to its neighbours."""
    base = Group(project=(change.project,))
    if change.after_hash:
        return replace(base, instructions=(change.before_hash,)), replace(base, instructions=(change.after_hash,))
    before, after = before_and_after(base, change.changed_at)
    return replace(before, since=change.since), replace(after, until=change.until)


def around_moment(
    at: date, base: Group, changes: Sequence[InstructionsChange], time_zone: str = "UTC"
) -> tuple[Group, Group]:
    """Return the sessions of a group before and after a day or moment that a person gave.

    Those of one project up to its neighbouring changes: a change on the day itself is the one that is meant.
    """
    before, after = before_and_after(base, at)
    if len(base.project) != 1:
        return before, after
    first, last = _ends(at, time_zone)
    moments = [one.changed_at for one in changes if one.project == base.project[0]]
    since = max((one for one in moments if one < first), default=None)
    until = min((one for one in moments if one > last), default=None)
    return replace(before, since=since), replace(after, until=until)


def _ends(at: date, time_zone: str) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a day; a moment is both."""
    if isinstance(at, datetime):
        return at, at
    first, after = (datetime.combine(at + timedelta(days=more), time(), ZoneInfo(time_zone)) for more in (0, 1))
    return first.astimezone(UTC), after.astimezone(UTC) - timedelta(microseconds=1)
