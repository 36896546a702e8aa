"""Two groups of sessions: which measures differ, by how much, how sure that is, and where the money went.

What belongs here: the measures, the question, and the words for the answer. What does not: the statistics
(`statistics`), who is paired with whom (`matching`), or how the answer is drawn (`report`).

A verdict is given only when both groups have five sessions (or there are five pairs), the chance of such a difference
among equal groups is under 5 % after correction for the number of measures, and the interval of the difference leaves
out zero. Per turn means: a session's figure divided by its turns that got a response; the session is what is drawn, not
the turn.

Cost, tokens, output and waste share are told at best estimate, with the output that the log lost; what was logged
stands beside. A difference of theirs has to stand at the ends of that estimate too: for B at the end that speaks
against it, for A at the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

import duckdb
import numpy as np

from her_models.compare import statistics, waterfall
from her_models.compare.groups import (
    EmptyGroup,
    Floats,
    Group,
    Members,
    read_group,
    shares,
    with_week_survival,
    without_shared,
)
from her_models.compare.lost_output import ENDS, End, LostOutput, estimated_share, lost_output
from her_models.compare.matching import Matching, MatchOn, match
from her_models.compare.pairs import usd
from her_models.compare.statistics import LEAST_SESSIONS, Interval
from her_models.compare.waterfall import PriceRow, Sheet, Step, View
from her_models.errors import QueryError

Unit = Literal["usd", "tokens", "seconds", "ratio", "count"]
Verdict = Literal["higher", "lower", "no difference shown", "output was lost", "too few sessions", "not comparable"]
LEVEL = 0.05
_STATIC_ERROR = 0.01  # system prompt and tools are what a prompt holds beyond what is estimated
_CONFOUNDED = 0.25  # of the sessions stand elsewhere: from here on a difference of make-up is worth a word


@dataclass(frozen=True)
class Measure:
    """One figure of a session. `good` is the direction that one wishes for: -1 lower, 1 higher, 0 neither.

    `column` is the figure as logged. `estimates` are the columns of its best estimate, of the lower and of the higher
    end of that, where they are not `column` and what the log lost.
    """

    name: str
    label: str
    unit: Unit
    good: int
    column: str
    is_tokens: bool = False
    is_cost: bool = False
    is_per_turn: bool = False
    estimates: tuple[str, str, str] | None = None

    @property
    def has_output(self) -> bool:
        """Whether output that the log lost belongs to it."""
        return self.is_cost or self.column in ("total_tokens", "output_tokens")


_WASTE = ("waste_estimated_ratio", "waste_low_ratio", "waste_high_ratio")
MEASURES = (
    Measure("estimated_usd", "Cost per session", "usd", -1, "billed_usd", is_cost=True),
    Measure("estimated_per_turn_usd", "Cost per turn", "usd", -1, "billed_usd", is_cost=True, is_per_turn=True),
    Measure("total_estimated_tokens", "Tokens per session", "tokens", -1, "total_tokens", is_tokens=True),
    Measure(
        "total_estimated_per_turn_tokens",
        "Tokens per turn",
        "tokens",
        -1,
        "total_tokens",
        is_tokens=True,
        is_per_turn=True,
    ),
    Measure(
        "output_estimated_per_turn_tokens",
        "Output per turn",
        "tokens",
        0,
        "output_tokens",
        is_tokens=True,
        is_per_turn=True,
    ),
    Measure("static_tokens", "System prompt and tools", "tokens", -1, "static_tokens", is_tokens=True),
    Measure("turns_count", "Turns per session", "count", 0, "turns_count"),
    Measure("requests_per_turn_count", "Responses per turn", "count", -1, "requests_per_turn_count"),
    Measure("active_seconds", "Time per session", "seconds", -1, "active_seconds"),
    Measure("active_per_turn_seconds", "Time per turn", "seconds", -1, "active_per_turn_seconds"),
    Measure("waste_estimated_ratio", "Waste, share of cost", "ratio", -1, "waste_ratio", estimates=_WASTE),
    Measure("cache_hit_ratio", "Cache hit", "ratio", 1, "cache_hit_ratio"),
    Measure("error_ratio", "Tool calls that failed", "ratio", -1, "error_ratio"),
    Measure("survival_ratio", "Lines not edited away, session", "ratio", 1, "survival_ratio"),
    Measure("week_survival_ratio", "Lines not edited away, week", "ratio", 1, "week_survival_ratio"),
)


@dataclass(frozen=True)
class Finding:
    """What was found about one measure. Intervals hold 95 %; `effect` is -1 to 1, positive when B is higher.

    All is told at best estimate; `a_logged` and `b_logged` are the medians as logged. `against` are the difference of
    medians at the ends of the estimate that speak most against B being higher, and against its being lower.
    """

    measure: Measure
    a_count: int
    b_count: int
    a: Interval
    b: Interval
    difference: Interval
    effect: float
    p: float
    p_corrected: float
    verdict: Verdict
    a_logged: float
    b_logged: float
    against: tuple[float, float]

    @property
    def is_better(self) -> bool | None:
        """Whether B is better; None without a verdict, or where neither direction is."""
        if self.verdict not in ("higher", "lower") or not self.measure.good:
            return None
        return (self.measure.good > 0) == (self.verdict == "higher")

    @property
    def is_within_error(self) -> bool:
        """Whether the difference is smaller than what the measure can be off by."""
        return is_within_error(self.measure.name, self.difference.value, self.a.value)

    @property
    def relative(self) -> float:
        """The difference as a share of A's median; not a number where that is 0."""
        return self.difference.value / self.a.value if self.a.value else float("nan")


@dataclass(frozen=True)
class GroupStep:
    """A step from A's bill to B's, with the 95 % interval of its difference, picodollars.

    The step `sessions` is what more or fewer sessions alone would have changed; the other steps are told as if A had
    had as many as B. All of them add up to the difference of the bills, exactly.
    """

    step: Step
    low: float
    high: float

    @property
    def is_clear(self) -> bool:
        """Whether zero lies outside the interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, eq=False)
class GroupComparison:
    """Two groups. `prices` names the price list at which both are told, None: as billed.

    A group of which nothing has a price cost an unknown amount, not none: then there are no steps, and its sums mean
    nothing.
    """

    a: Members
    b: Members
    prices: PriceRow | None
    matching: Matching | None
    findings: list[Finding]
    steps: Mapping[View, list[GroupStep]]
    a_picodollars: int
    b_picodollars: int
    a_lost_picodollars: int
    b_lost_picodollars: int
    notes: list[str]
    a_read_count: int
    b_read_count: int
    is_a_priced: bool
    is_b_priced: bool

    @property
    def a_usd(self) -> Decimal:
        """What A's sessions cost together, as logged: at least."""
        return usd(self.a_picodollars)

    @property
    def b_usd(self) -> Decimal:
        """What B's sessions cost together, as logged: at least."""
        return usd(self.b_picodollars)

    @property
    def a_estimated_usd(self) -> Decimal:
        """What A's sessions cost together, best estimate."""
        return usd(self.a_picodollars + self.a_lost_picodollars)

    @property
    def b_estimated_usd(self) -> Decimal:
        """What B's sessions cost together, best estimate."""
        return usd(self.b_picodollars + self.b_lost_picodollars)

    @property
    def is_large_enough(self) -> bool:
        """Whether there are enough sessions, or pairs, for a verdict."""
        return min(len(self.a), len(self.b)) >= LEAST_SESSIONS

    @property
    def telling_view(self) -> View:
        """The way of dividing that names most of the difference with one step."""
        return waterfall.telling_view({view: [one.step for one in steps] for view, steps in self.steps.items()})

    def finding(self, name: str) -> Finding | None:
        """Return what was found about a measure."""
        return next((one for one in self.findings if one.measure.name == name), None)


def compare_groups(
    con: duckdb.DuckDBPyConnection,
    a: Group,
    b: Group,
    *,
    time_zone: str = "UTC",
    match_on: tuple[MatchOn, ...] = (),
    prices_of: str | None = None,
) -> GroupComparison:
    """Compare two groups, as billed or, with `prices_of` a model, both at that model's price list.

    Raises:
        EmptyGroup: no session passes a group's conditions, or none is left that is not in both.
        QueryError: the model has no price.
    """
    read_a, read_b = read_group(con, a, time_zone), read_group(con, b, time_zone)
    for side, members in (("A", read_a), ("B", read_b)):
        if not len(members):
            raise EmptyGroup(
                f"No session is in {side} ({members.group.in_words()}). Take a condition away, or widen the days."
            )
    ours, theirs, shared = without_shared(read_a, read_b)
    if not len(ours) or not len(theirs):
        raise EmptyGroup(
            f"A ({a.in_words()}) and B ({b.in_words()}) have {shared:,} sessions in common, and one of them has no"
            " others. Choose groups that differ."
        )
    matching = match(ours, theirs, match_on) if match_on else None
    if matching is not None:
        ours, theirs = matching.a, matching.b
    ours, theirs = with_week_survival(con, ours), with_week_survival(con, theirs)
    list_row = waterfall.price_row(con, prices_of, None) if prices_of else None
    if prices_of and list_row is None:
        raise QueryError(waterfall.no_price_list(con, prices_of))
    sheets = _sheets(con, ours, theirs, list_row)
    lost = lost_output(ours, list_row), lost_output(theirs, list_row)
    is_a_priced, is_b_priced = (
        list_row is not None or not len(side) or any(usd is not None for usd in side.column("billed_usd"))
        for side in (ours, theirs)
    )
    findings = judge(ours, theirs, sheets["lane"], is_paired=matching is not None, list_row=list_row)
    return GroupComparison(
        a=ours,
        b=theirs,
        prices=list_row,
        matching=matching,
        findings=findings,
        steps={view: _steps(*sheets[view]) if is_a_priced and is_b_priced else [] for view in waterfall.VIEWS},
        a_picodollars=sum(map(int, sheets["lane"][0].totals)),
        b_picodollars=sum(map(int, sheets["lane"][1].totals)),
        a_lost_picodollars=sum(map(int, lost[0].picodollars["estimated"])),
        b_lost_picodollars=sum(map(int, lost[1].picodollars["estimated"])),
        notes=_notes(ours, theirs, shared, matching, list_row),
        a_read_count=len(read_a),
        b_read_count=len(read_b),
        is_a_priced=is_a_priced,
        is_b_priced=is_b_priced,
    )


def _sheets(
    con: duckdb.DuckDBPyConnection, a: Members, b: Members, list_row: PriceRow | None
) -> dict[View, tuple[Sheet, Sheet]]:
    parts_a, parts_b = waterfall.read_parts(con, a.keys), waterfall.read_parts(con, b.keys)
    if list_row is not None:
        lists_a = dict.fromkeys(parts_a.models_by_tokens(), list_row)
        lists_b = dict.fromkeys(parts_b.models_by_tokens(), list_row)
    else:
        ends = [at for at in a.column("ended_at") if at is not None]
        lists_a = {}
        lists_b = waterfall.reference_prices(con, parts_a, parts_b, max(ends, default=None))
    is_constant = list_row is not None
    return {
        view: waterfall.aligned(
            waterfall.sheet(parts_a, view, prices=lists_a, is_constant=is_constant),
            waterfall.sheet(parts_b, view, prices=lists_b, is_constant=is_constant),
        )
        for view in waterfall.VIEWS
    }


def _steps(a: Sheet, b: Sheet) -> list[GroupStep]:
    """Return the steps from A's bill to B's: first more or fewer sessions, then each part as if there were as many."""
    a_count, b_count = len(a.values), len(b.values)
    sums_a = [sum(map(int, column)) for column in a.values.T]
    sums_b = [sum(map(int, column)) for column in b.values.T]
    as_many = [whole * b_count // a_count for whole in sums_a]
    found = []
    if a_count != b_count:
        more = Step("sessions", "", sum(sums_a), sum(as_many))
        found.append(GroupStep(more, float("nan"), float("nan")))
    if min(a_count, b_count) >= LEAST_SESSIONS and a.columns:
        ends = statistics.mean_intervals(a.values.astype(np.float64), b.values.astype(np.float64), float(b_count))
    else:
        ends = np.full((2, len(a.columns)), np.nan)
    parts = [
        GroupStep(Step(*column, as_many[place], sums_b[place]), float(ends[0, place]), float(ends[1, place]))
        for place, column in enumerate(a.columns)
    ]
    order = {name: place for place, name in enumerate(("prices", "content", "cache", "premium", "fees"))}
    parts.sort(key=lambda one: (order[one.step.lane], -abs(one.step.difference_picodollars), one.step.part))
    return [*found, *parts]


def judge(
    a: Members,
    b: Members,
    sheets: tuple[Sheet, Sheet],
    *,
    is_paired: bool = False,
    list_row: PriceRow | None = None,
) -> list[Finding]:
    """Return what is found about each measure, with the verdicts that are earned; `sheets` hold the cost as logged.

    With `list_row` they hold what the sessions would have cost at that price list.
    """
    families = {*a.tokenizers, *b.tokenizers}
    sides = [(one, lost_output(one, list_row), sheet) for one, sheet in zip((a, b), sheets, strict=True)]
    found = []
    for measure in MEASURES:
        values = [_values(*side, measure, is_constant=list_row is not None) for side in sides]
        if values[0] is None or values[1] is None:
            continue
        is_barred = len(families) > 1 and (measure.is_tokens or (measure.is_cost and list_row is not None))
        found.append(_finding(measure, values[0], values[1], is_paired, is_barred))
    corrected = statistics.holm([float("nan") if one.verdict else one.p for one in found])
    return [_judged(one, p) for one, p in zip(found, corrected, strict=True)]


Told = Literal["logged"] | End
Values = Mapping[Told, Floats]


def _values(members: Members, lost: LostOutput, sheet: Sheet, measure: Measure, *, is_constant: bool) -> Values | None:
    """Return a measure of each session as logged, at best estimate and at its ends; None without its column."""
    if measure.column not in members.rows.column_names:
        return None
    if measure.estimates:
        names: tuple[Told, ...] = ("logged", *ENDS)
        columns = (measure.column, *measure.estimates)
        return {end: members.figures(column) for end, column in zip(names, columns, strict=True)}
    if measure.is_cost:
        logged = sheet.totals / waterfall.PICODOLLARS
        # A session of which nothing has a price cost an unknown amount, not none.
        if not is_constant:
            logged = np.where(np.isnan(members.figures("billed_usd")), np.nan, logged)
    else:
        logged = members.figures(measure.column)
    told: dict[Told, Floats] = {"logged": logged}
    for end in ENDS:
        beyond = lost.picodollars[end] / waterfall.PICODOLLARS if measure.is_cost else lost.tokens[end]
        told[end] = logged + beyond if measure.has_output else logged
    return {end: _per_turn(values, members) for end, values in told.items()} if measure.is_per_turn else told


def _per_turn(values: Floats, members: Members) -> Floats:
    turns = members.figures("answered_turns_count")
    return np.asarray(np.divide(values, turns, out=np.full(len(values), np.nan), where=turns > 0), np.float64)


def _finding(measure: Measure, of_a: Values, of_b: Values, is_paired: bool, is_barred: bool) -> Finding:
    """Return a finding whose verdict is still open (empty) unless none can be given."""
    if is_paired:
        whole = ~np.isnan(of_a["estimated"]) & ~np.isnan(of_b["estimated"])
        of_a = {end: values[whole] for end, values in of_a.items()}
        of_b = {end: values[whole] for end, values in of_b.items()}
    else:
        of_a = {end: statistics.known(values) for end, values in of_a.items()}
        of_b = {end: statistics.known(values) for end, values in of_b.items()}
    a, b = of_a["estimated"], of_b["estimated"]
    verdict: str = ""
    if min(len(a), len(b)) < LEAST_SESSIONS:
        verdict = "too few sessions"
    elif is_barred:
        verdict = "not comparable"
    nothing = float("nan")
    against = (nothing, nothing)
    if is_barred or not len(a) or not len(b):
        difference, effect, p = Interval(nothing, nothing, nothing), nothing, nothing
    elif is_paired:
        difference = statistics.paired_difference(b - a)
        effect, p = statistics.paired_effect(b - a), statistics.paired_p(b - a)
        against = (statistics.median(of_b["low"] - of_a["high"]), statistics.median(of_b["high"] - of_a["low"]))
    else:
        difference = statistics.difference_of_medians(a, b)
        effect, p = statistics.cliffs_delta(a, b), statistics.permutation_p(a, b)
        against = (
            statistics.median(of_b["low"]) - statistics.median(of_a["high"]),
            statistics.median(of_b["high"]) - statistics.median(of_a["low"]),
        )
    return Finding(
        measure,
        len(a),
        len(b),
        statistics.median_interval(a),
        statistics.median_interval(b),
        difference,
        effect,
        p if not verdict else nothing,
        nothing,
        verdict,  # type: ignore[arg-type]
        statistics.median(of_a["logged"]),
        statistics.median(of_b["logged"]),
        against,
    )


def is_within_error(measure: str, difference: float, base: float) -> bool:
    """Whether a difference is smaller than what a measure can be off by, so that it is not said to be one."""
    return measure == "static_tokens" and abs(difference) < _STATIC_ERROR * abs(base)


def _judged(finding: Finding, p_corrected: float) -> Finding:
    if finding.verdict:
        return finding
    verdict: Verdict = "no difference shown"
    if p_corrected < LEVEL and finding.difference.is_clear and not finding.is_within_error:
        verdict = "higher" if finding.difference.value > 0 else "lower"
        least, most = finding.against
        if least <= 0 if verdict == "higher" else most >= 0:
            verdict = "output was lost"
    return replace(finding, p_corrected=p_corrected, verdict=verdict)


def apart_in_words(found: GroupComparison) -> list[str]:
    """Say of what no value is on both sides, so that it cannot be told from what was asked about.

    Nothing where that is what was asked about: two projects share no project.
    """
    asked = [name for name in _ASKED if getattr(found.a.group, name) != getattr(found.b.group, name)]
    what = " and ".join(dict.fromkeys(_ASKED[name] for name in asked))
    told = []
    for column, name in (("project", "project"), ("owner", "person")):
        if not what or name in asked or not _are_apart(found.a, found.b, column):
            continue
        most_a, most_b = (
            max(one, key=lambda value: one[value]) for one in (shares(found.a, column), shares(found.b, column))
        )
        told.append(
            f"A and B have no {name} in common (A is mostly {most_a}, B mostly {most_b}): what differs may come from"
            f" the {name}, and {what} cannot be told from it."
        )
    return told


def _are_apart(a: Members, b: Members, column: str) -> bool:
    return bool(len(a) and len(b)) and not {*shares(a, column)} & {*shares(b, column)}


_ASKED = {
    "project": "the project",
    "person": "the person",
    "model": "the model",
    "version": "the client",
    "branch": "the branch",
    "tag": "the tag",
    "prompt": "the prompt",
    "instructions": "CLAUDE.md",
    "session": "the session",
    "since": "the time",
    "until": "the time",
}
_MAKE_UP = {"project": "project", "model": "model", "client_version": "client", "owner": "person"}
_MATCHED_BY = {"project": "project", "model": "model", "client_version": "version", "owner": "person"}


def _notes(a: Members, b: Members, shared: int, matching: Matching | None, list_row: PriceRow | None) -> list[str]:
    notes = []
    if matching is not None:
        notes.append(matching.in_words())
    if shared:
        notes.append(f"{shared:,} sessions are in both groups and were left out of both.")
    if any(day for one in (a.group, b.group) for day in (one.since, one.until)):
        notes.append(
            "A session counts whole, on the day it began. Reports and the page Cost count each response on its own day,"
            " so their sums for the same days differ by sessions that run past midnight of the first or last."
        )
    if min(len(a), len(b)) < LEAST_SESSIONS:
        if matching is not None:
            few = f"there {'is' if len(a) == 1 else 'are'} {len(a):,} pair{'' if len(a) == 1 else 's'}"
        else:
            few = f"A has {len(a):,} and B has {len(b):,} {'session' if len(b) == 1 else 'sessions'}"
        notes.append(
            f"No verdict: {few}; under {LEAST_SESSIONS} chance alone explains nearly anything. Widen the days, or take"
            " a condition away."
        )
    families = sorted(set(a.tokenizers) | set(b.tokenizers))
    if len(families) > 1:
        notes.append(
            f"The models count tokens differently (families {' and '.join(families)}): the same text is up to 1.4 times"
            " as many tokens in the newer one. Tokens are not compared"
            + (", nor is cost at one price list, which is tokens times prices." if list_row else "; dollars are.")
        )
    for name, column in _MAKE_UP.items() if matching is None else ():
        moved = _moved(shares(a, name), shares(b, name))
        asked_for = getattr(a.group, _MATCHED_BY[name]) or getattr(b.group, _MATCHED_BY[name])
        if moved and not asked_for:
            advice = (
                f"No {column} is on both sides, so that matching leaves no pair: choose sessions with one in common."
                if _are_apart(a, b, name)
                else f"To take that out of the comparison, match on {_MATCHED_BY[name]}."
            )
            notes.append(f"The groups differ in {column}: {moved}. {advice}")
    unpriced = sum(count for members in (a, b) for count in members.column("unpriced_requests_count"))
    if unpriced and list_row is None:
        notes.append(f"{unpriced:,} responses have no price and are left out of the cost.")
    notes += _lost_in_words(a, b)
    return notes


def _lost_in_words(a: Members, b: Members) -> list[str]:
    """Say how much output the log lost, and what was made of it."""
    told = []
    (lost_a, all_a), (lost_b, all_b) = estimated_share(a), estimated_share(b)
    if lost_a or lost_b:
        told.append(
            f"The log holds only a placeholder for the output of {lost_a:,} of A's {all_a:,} responses and of"
            f" {lost_b:,} of B's {all_b:,}. Cost, tokens, output and waste share are compared at best estimate; what"
            " was logged, which is at least, stands beside it. A difference is called one only if it stands at the ends"
            " of the estimate too."
        )
    floors = sum(count for members in (a, b) for count in members.column("floor_requests_count"))
    if floors > lost_a + lost_b:
        told.append(
            f"{floors - lost_a - lost_b:,} {'more ' if told else ''}responses do not say how they ended; their output"
            " is credible and counts as logged."
        )
    return told


def _moved(a: Mapping[str, float], b: Mapping[str, float]) -> str:
    """Name the value whose share differs most, if the make-up differs enough to be worth a word."""
    values = sorted({*a, *b})
    distance = sum(abs(a.get(value, 0) - b.get(value, 0)) for value in values) / 2
    if distance < _CONFOUNDED:
        return ""
    most = max(values, key=lambda value: abs(a.get(value, 0) - b.get(value, 0)))
    return f"{most} is {a.get(most, 0):.0%} of A and {b.get(most, 0):.0%} of B"
