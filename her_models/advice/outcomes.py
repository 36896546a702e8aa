"""Changes that somebody says were made, and whether the bill shows it.

What belongs here: the list of changes (`HER_HOME/advice.json`) and the comparison of the sessions before with those
after. What does not: what a pattern costs (`pieces`).

Compared is the share of the bill that a pattern costs, sessions of the 28 days before the change against all since:
the ratio of sums. The interval of a side joins two doubts: which sessions fell into it (sessions drawn again with
replacement, 2.5 to 97.5 %), and in how many of them the pattern shows (Wilson's interval of that share, times what it
costs where it does; where a side has none, what it cost on the other side), for sessions that all say nothing of it
would otherwise be taken for certain. Both sides together give the interval of the difference after Newcombe. Nothing is
said below five sessions on either side, nor where the interval holds both no change and the end of the pattern.
"""

from __future__ import annotations

import json
import math
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

    `low_ratio` and `high_ratio` bound `after_ratio - before_ratio`; None below five sessions on a side, and where no
    session holds a case.
    `saved_usd_per_week` is what the difference is worth on the bill since, US dollars at list price; None where
    there is not yet enough data to say that there is a difference.
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


def made(home: Path, name: str, on: date, today: date | None = None) -> Change:
    """Note that the change which a piece of advice names was made on a day; `today` is this machine's by default.

    Raises:
        QueryError: there is no such advice, or the day is still to come.
    """
    pattern_name, _, subject = name.partition(":")
    pattern = load_patterns().get(pattern_name)
    if pattern is None:
        raise QueryError(f"There is no advice named {name!r}. her advice lists the names.")
    if pattern.subject == "none" and subject:
        raise QueryError(f"There is no advice named {name!r}; this one stands alone: {pattern_name}.")
    if pattern.subject != "none" and not subject:
        raise QueryError(
            f"Advice {name!r} is about one {pattern.subject}: write {name}:NAME, as her advice does that gave it."
        )
    if on > (today or date.today()):
        raise QueryError(f"{on} is still to come. Note a change on the day it is made, or on an earlier one.")
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
    if not before[:, 0].any() and not after[:, 0].any():
        return Outcome(change, "not yet enough data", len(before), len(after), 0.0, 0.0, None, None, None)
    low, high = _interval(before, after)
    verdict: Verdict = "worked" if high < 0 else "got worse" if low > 0 else "no difference seen"
    if low <= -before_ratio and high >= 0:
        verdict = "not yet enough data"
    weeks = max((datetime.now(UTC) - made_at) / timedelta(days=7), 1.0)
    saved = (before_ratio - after_ratio) * float(after[:, 1].sum()) / weeks
    told = None if verdict == "not yet enough data" else saved
    return Outcome(change, verdict, len(before), len(after), before_ratio, after_ratio, low, high, told)


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
    """Return the 95 % interval of the difference of two shares of bills, after Newcombe."""
    sizes = [_size(side) for side in (before, after)]
    (before_ratio, before_low, before_high), (after_ratio, after_low, after_high) = (
        _bounds(side, own if own else other)
        for side, own, other in ((before, sizes[0], sizes[1]), (after, sizes[1], sizes[0]))
    )
    difference = after_ratio - before_ratio
    low = difference - math.hypot(after_ratio - after_low, before_high - before_ratio)
    high = difference + math.hypot(after_high - after_ratio, before_ratio - before_low)
    return low, high


def _size(side: npt.NDArray[np.float64]) -> float:
    """Return which share of their bills the pattern costs in sessions that show it; 0 where none does."""
    shown = side[side[:, 0] > 0]
    return float(shown[:, 0].sum() / shown[:, 1].sum()) if len(shown) else 0.0


def _bounds(side: npt.NDArray[np.float64], size: float) -> tuple[float, float, float]:
    """Return the share of a side's bill and its 95 % interval: the wider of what both doubts allow."""
    from scipy import stats

    ratio = float(side[:, 0].sum() / side[:, 1].sum())
    drawn = side[np.random.default_rng(_SEED).integers(0, len(side), (_DRAWS, len(side)))].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    shown = int((side[:, 0] > 0).sum())
    share = stats.binomtest(shown, len(side)).proportion_ci(method="wilson")
    # Sessions that show it may have larger or smaller bills than others: the share of sessions becomes one of the bill.
    scale = ratio / (shown / len(side)) if shown else size
    return ratio, min(float(low), share.low * scale, ratio), max(float(high), share.high * scale, ratio)


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
