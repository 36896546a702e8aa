"""Which patterns fire in a scope, and what ending them is expected to save per week.

What belongs here: cases into pieces of advice, thresholds, intervals. What does not: how a case is found
(`sql/advice`, one file per kind of query) or what is advised (`patterns.toml`).

Saving per week: what the cases of the scope cost, divided by its weeks. Its interval joins two doubts: which sessions
happened to fall into the scope (sessions drawn again with replacement, 2.5 to 97.5 %), and the interval of each case;
its lower end is multiplied by the least share of cases that the change is taken to end. The expected saving lies in the
middle between that share and all cases.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from her_models.advice.patterns import Pattern, bundled_skills, load_patterns
from her_models.advice.permissions import permission
from her_models.reports import Scope
from her_models.warehouse import models, read_header

LEAST_SESSIONS = 3
LEAST_USD_PER_WEEK = 0.10
LEAST_SHARE = 0.005
"""Of the scope's bill: below it, a change is not worth a person's attention."""
_OF_WASTE = ("waste", "denials", "unused_servers", "unused_skills")  # queries of findings of the pattern's kinds
_EXAMPLES = 5
_DRAWS = 2_000
_SEED = 20_260_101
_ORDER = ("exact", "estimated", "heuristic")
_QUERIES = Path(__file__).resolve().parent.parent.parent / "sql" / "advice"


@dataclass(frozen=True)
class Case:
    """One case of a pattern, US dollars; `finding_index` is null where it is no finding of waste."""

    subject: str
    source_id: str
    session_id: str
    finding_index: int | None
    started_at: datetime | None
    turn_index: int | None
    request_id: str | None
    confidence: str
    saving_usd: float
    low_usd: float
    high_usd: float


@dataclass(frozen=True)
class Piece:
    """One piece of advice. Money is US dollars per week at list price; `total_usd` is that of the whole scope.

    `confidence` is that of the saving: of the weakest case, and heuristic where a person or a model has to follow the
    advice. `examples` are the dearest cases.
    """

    pattern: Pattern
    subject: str
    cases_count: int
    sessions_count: int
    scope_sessions_count: int
    total_usd: float
    saving_usd: float
    low_usd: float
    high_usd: float
    confidence: str
    examples: tuple[Case, ...]

    @property
    def what(self) -> str:
        return self.pattern.what.replace("{subject}", self.subject)

    @property
    def change(self) -> str:
        allowed = permission(self.subject) if "{rule}" in self.pattern.change else None
        rule = json.dumps(f"Bash({allowed.rule})", ensure_ascii=False) if allowed is not None else ""
        return self.pattern.change.replace("{rule}", rule).replace("{subject}", self.subject)

    @property
    def name(self) -> str:
        """What the piece is called in the address and in `her advice --done`."""
        return f"{self.pattern.name}:{self.subject}" if self.subject else self.pattern.name


@dataclass(frozen=True)
class Bill:
    """What a scope holds, to measure advice by."""

    sessions_count: int
    billed_usd: float
    first_at: datetime | None
    last_at: datetime | None

    @property
    def weeks(self) -> float:
        """Length of the scope in weeks, at least one: a day's logs say nothing about a week."""
        if self.first_at is None or self.last_at is None:
            return 1.0
        return max((self.last_at - self.first_at) / timedelta(days=7), 1.0)


def advice(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> tuple[Piece, ...]:
    """Return the pieces of advice that fire in `scope`, the largest expected saving first."""
    scope = scope or Scope()
    bill, wasted = read_bill(con, scope), _wasted(con)
    found = []
    for pattern in load_patterns().values():
        if pattern.query in _OF_WASTE and wasted.isdisjoint(pattern.kinds):
            continue  # most patterns on most lakes: to find no case takes as long as to find some
        by_subject: dict[str, list[Case]] = defaultdict(list)
        for case in read_cases(con, pattern, scope):
            by_subject[case.subject].append(case)
        found += [
            piece
            for subject, cases in by_subject.items()
            if (piece := _piece(pattern, subject, cases, bill)) is not None
        ]
    return tuple(sorted(found, key=lambda piece: (-piece.saving_usd, piece.name)))


def _wasted(con: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the kinds of waste that the lake holds, and their labels."""
    rows = con.execute("select distinct kind, label from waste where not is_hint").fetchall()
    return frozenset(name for row in rows for name in row)


def read_bill(con: duckdb.DuckDBPyConnection, scope: Scope) -> Bill:
    """Return how many sessions the scope has, what they were billed and when."""
    row = con.execute(_query("bill"), scope.instants()).fetchone()
    assert row is not None  # an aggregate always has a row
    return Bill(int(row[0]), float(row[1]), row[2], row[3])


def read_cases(con: duckdb.DuckDBPyConnection, pattern: Pattern, scope: Scope) -> list[Case]:
    """Return the cases of one pattern in a scope; those without a price are left out."""
    parameters = {**scope.instants(), "kinds": list(pattern.kinds), "subject": pattern.subject}
    parameters["bundled"] = list(bundled_skills())
    text = _query(pattern.query)
    for name in _steps_of(pattern.query):
        con.execute(f"create or replace temp view {name} as {models()[name].sql}")
    given = {name: value for name, value in parameters.items() if f"${name}" in text}
    rows = con.execute(text, given).to_arrow_table().to_pylist()
    if pattern.subject == "command":
        rows = [row | {"subject": _allowed(row["subject"] or "")} for row in rows]
    return [_case(row) for row in rows if row["saving_usd"] is not None]


def _allowed(command: str) -> str:
    found = permission(command)
    return found.text if found is not None else ""


def _case(row: dict[str, Any]) -> Case:
    money = {name: float(row[name]) for name in ("saving_usd", "low_usd", "high_usd")}
    return Case(**{**row, **money, "subject": row["subject"] or ""})


def _piece(pattern: Pattern, subject: str, cases: Sequence[Case], bill: Bill) -> Piece | None:
    """Return the piece of advice, or None where the pattern does not fire."""
    sessions = {(case.source_id, case.session_id) for case in cases}
    total = sum(case.saving_usd for case in cases)
    weekly = total / bill.weeks
    if pattern.subject != "none" and not subject:
        return None
    expected = (1 + pattern.followed) / 2
    if len(sessions) < LEAST_SESSIONS or weekly * expected < LEAST_USD_PER_WEEK:
        return None
    if total * expected < LEAST_SHARE * bill.billed_usd:
        return None
    low, high = weekly_interval(cases, bill)
    return Piece(
        pattern=pattern,
        subject=subject,
        cases_count=len(cases),
        sessions_count=len(sessions),
        scope_sessions_count=bill.sessions_count,
        total_usd=total,
        saving_usd=weekly * expected,
        low_usd=min(low * pattern.followed, weekly),
        high_usd=max(high, weekly),
        confidence=weakest([*(case.confidence for case in cases), "exact" if pattern.followed == 1 else "heuristic"]),
        examples=tuple(sorted(cases, key=lambda case: -case.saving_usd)[:_EXAMPLES]),
    )


def weekly_interval(cases: Sequence[Case], bill: Bill) -> tuple[float, float]:
    """Return the 95 % interval of what the cases cost per week; sessions are what is drawn again."""
    per_session: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for case in cases:
        sums = per_session[(case.source_id, case.session_id)]
        sums[0] += case.low_usd
        sums[1] += case.high_usd
    sums_by_session = np.array(list(per_session.values()), np.float64)
    draws = np.random.default_rng(_SEED).poisson(1.0, (_DRAWS, len(sums_by_session)))
    low = np.quantile(draws @ sums_by_session[:, 0], 0.025)
    high = np.quantile(draws @ sums_by_session[:, 1], 0.975)
    return max(float(low) / bill.weeks, 0.0), float(high) / bill.weeks


def weakest(classes: Iterable[str]) -> str:
    """Return the weakest of some classes of confidence."""
    return max(classes, key=_ORDER.index, default="exact")


@cache
def _steps_of(query: str) -> tuple[str, ...]:
    """Return the intermediate models that a query reads, which the lake does not keep."""
    reads = read_header(_QUERIES / f"{query}.sql")[2]["reads"].split(", ")
    return tuple(name for name in reads if name.startswith("int_"))


@cache
def _query(name: str) -> str:
    return (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")
