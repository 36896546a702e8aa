"""Changes that somebody says were made, and whether the bill shows it.

What belongs here: the list of changes (`HER_HOME/advice.json`) and the comparison of the sessions before with those
after. What does not: what a pattern costs (`pieces`).

Compared is the share of the bill that a pattern costs, sessions of the 28 days before the change against all since:
the ratio of sums, with the interval of 2.5 to 97.5 % when sessions are drawn again with replacement. Below five
sessions on either side nothing is said.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import numpy.typing as npt

from her_models.advice.patterns import Pattern, load_patterns
from her_models.advice.pieces import read_cases
from her_models.errors import QueryError
from her_models.reports import Scope

LEAST_SESSIONS = 5
BEFORE = timedelta(days=28)
_DRAWS = 2_000
_SEED = 20_260_101
_QUERY = Path(__file__).resolve().parent.parent.parent / "sql" / "advice" / "sessions.sql"

Verdict = Literal["worked", "no difference seen", "got worse", "not yet enough data"]


@dataclass(frozen=True)
class Change:
    """A change that was made: which piece of advice, and on which day."""

    name: str
    made_on: date

    @property
    def pattern(self) -> Pattern:
        return load_patterns()[self.name.partition(":")[0]]

    @property
    def subject(self) -> str:
        return self.name.partition(":")[2]


@dataclass(frozen=True)
class Outcome:
    """What became of a change. Ratios are the pattern's share of the bill, 0 to 1; None where nothing was billed.

    `low_ratio` and `high_ratio` bound `after_ratio - before_ratio`; None below five sessions on a side.
    `saved_usd_per_week` is what the difference is worth on the bill since, US dollars at list price.
    """

    change: Change
    verdict: Verdict
    before_sessions_count: int
    after_sessions_count: int
    before_ratio: float | None
    after_ratio: float | None
    low_ratio: float | None
    high_ratio: float | None
    saved_usd_per_week: float | None


def changes(home: Path) -> tuple[Change, ...]:
    """Return the changes that were made, the oldest first; entries that cannot be read are left out."""
    found = [
        Change(name, made_on)
        for name, day in _read(home).items()
        if name.partition(":")[0] in load_patterns() and (made_on := _day(day)) is not None
    ]
    return tuple(sorted(found, key=lambda change: (change.made_on, change.name)))


def made(home: Path, name: str, on: date) -> Change:
    """Note that the change which a piece of advice names was made on a day.

    Raises:
        QueryError: there is no such pattern.
    """
    if name.partition(":")[0] not in load_patterns():
        raise QueryError(f"There is no advice named {name!r}. her advice lists the names.")
    _write(home, {**_read(home), name: on.isoformat()})
    return Change(name, on)


def unmade(home: Path, name: str) -> None:
    """Note that a change was undone.

    Raises:
        QueryError: no such change was noted.
    """
    noted = _read(home)
    if name not in noted:
        raise QueryError(f"No change named {name!r} was noted. Noted are: {', '.join(noted) or 'none'}.")
    _write(home, {kept: day for kept, day in noted.items() if kept != name})


def outcome(con: duckdb.DuckDBPyConnection, change: Change, scope: Scope | None = None) -> Outcome:
    """Return what became of a change in the sessions of a scope; its days are not looked at."""
    scope = scope or Scope()
    zone = ZoneInfo(scope.time_zone)
    made_at = datetime.combine(change.made_on, time(), zone).astimezone(UTC)
    before, after = (
        _sessions(con, change, scope, since, until)
        for since, until in ((made_at - BEFORE, made_at), (made_at, datetime.max.replace(tzinfo=UTC)))
    )
    before_ratio, after_ratio = _ratio(before), _ratio(after)
    if len(before) < LEAST_SESSIONS or len(after) < LEAST_SESSIONS or before_ratio is None or after_ratio is None:
        return Outcome(
            change, "not yet enough data", len(before), len(after), before_ratio, after_ratio, None, None, None
        )
    low, high = _interval(before, after)
    verdict: Verdict = "worked" if high < 0 else "got worse" if low > 0 else "no difference seen"
    weeks = max((datetime.now(UTC) - made_at) / timedelta(days=7), 1.0)
    saved = (before_ratio - after_ratio) * float(after[:, 1].sum()) / weeks
    return Outcome(change, verdict, len(before), len(after), before_ratio, after_ratio, low, high, saved)


def _sessions(
    con: duckdb.DuckDBPyConnection, change: Change, scope: Scope, since: datetime, until: datetime
) -> npt.NDArray[np.float64]:
    """Return one row per billed session that began in the time: what the pattern cost in it, and its bill."""
    parameters = {
        "since_at": since,
        "until_at": until,
        "owners": list(scope.owners) or None,
        "projects": list(scope.projects) or None,
    }
    billed = {
        (row[0], row[1]): float(row[2])
        for row in con.execute(_QUERY.read_text(encoding="utf-8"), parameters).fetchall()
    }
    cost = dict.fromkeys(billed, 0.0)
    for case in read_cases(con, change.pattern, Scope(owners=scope.owners, projects=scope.projects)):
        key = (case.source_id, case.session_id)
        if key in cost and case.subject == change.subject:
            cost[key] += case.saving_usd
    return np.array([(cost[key], billed[key]) for key in billed], np.float64).reshape(-1, 2)


def _ratio(sessions: npt.NDArray[np.float64]) -> float | None:
    billed = float(sessions[:, 1].sum())
    return float(sessions[:, 0].sum()) / billed if billed else None


def _interval(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> tuple[float, float]:
    random = np.random.default_rng(_SEED)
    ratios = []
    for side in (before, after):
        drawn = side[random.integers(0, len(side), (_DRAWS, len(side)))].sum(axis=1)
        ratios.append(np.divide(drawn[:, 0], drawn[:, 1], out=np.zeros(_DRAWS), where=drawn[:, 1] > 0))
    low, high = np.quantile(ratios[1] - ratios[0], [0.025, 0.975])
    return float(low), float(high)


def _read(home: Path) -> dict[str, str]:
    try:
        found = json.loads((home / "advice.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(day) for name, day in found.items()} if isinstance(found, dict) else {}


def _write(home: Path, noted: dict[str, str]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    path = home / "advice.json"
    beside = path.with_suffix(f".{os.getpid()}.tmp")
    beside.write_text(json.dumps(noted, indent=2, ensure_ascii=False), encoding="utf-8")
    beside.replace(path)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
