"""Watching for change: since when something differs, by how much, and what else changed then.

What belongs here: series of sessions, and finding the points where they change. What does not: writing what was found
to the lake (`nightly`), or drawing it.

A series is what one source's sessions with a project, model, client version or CLAUDE.md say of one measure, in the
order of time. Series other than a project's are told against their projects' medians, so that a new mix of projects is
no change. A point is looked for by the largest standardised sum of ranks on one side of it; how often shuffled sessions
have one as large is its chance. It is told only if that chance, times the number of series looked at, is under 5 %, and
the interval of the difference leaves out zero, at the ends of what had to be estimated too: quiet unless sure. What is
found is split and looked through again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from her_models.compare import statistics
from her_models.compare.statistics import LEAST_SESSIONS, SEED, Floats
from her_models.compare.verdicts import is_within_error
from her_models.ledger.sizes import tokenizer_family
from her_models.report_queries import report_table

DIMENSIONS = {
    "project": "project",
    "model": "model",
    "client": "client_version",
    "instructions": "instructions_hash",
}
"""What series are made by, each with its column; where a change is found in several, the first that shows it best."""

MEASURES = ("static_tokens", "cache_hit_ratio", "estimated_per_turn_usd", "waste_estimated_ratio")
LEVEL = 0.05

_ENDS = {
    "estimated_per_turn_usd": ("estimated_low_per_turn_usd", "estimated_high_per_turn_usd"),
    "waste_estimated_ratio": ("waste_low_ratio", "waste_high_ratio"),
}
"""Columns of the ends of a best estimate: a client that logs its output again is no change of cost."""

_LONGEST = 300  # sessions of a series that are looked at, the last ones
_FIRST_LOOK = 499
_SECOND_LOOK = 0.02  # a chance up to this is looked at more closely
_CHUNK = 4_000
_DEEPEST = 3
_MOSTLY = 0.8


@dataclass(frozen=True)
class Change:
    """One change: medians before and after with the interval of their difference, in the measure's unit.

    `changed_at` is the first session after it; the change lies between `low_at` and `high_at` with 95 %.
    """

    source_id: str
    owner: str
    dimension: str
    value: str
    measure: str
    changed_at: datetime
    low_at: datetime
    high_at: datetime
    before_median: float
    after_median: float
    difference: float
    low: float
    high: float
    effect: float
    p_corrected: float
    tests_count: int
    coincides_with: str
    before_session_ids: tuple[str, ...]
    after_session_ids: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Series:
    """Sessions of one source and one value of a dimension, in the order of time, with one measure."""

    source_id: str
    owner: str
    dimension: str
    value: str
    measure: str
    values: Floats = field(repr=False)  # as measured
    levelled: Floats = field(repr=False)  # against the projects' medians
    rows: npt.NDArray[np.int64] = field(repr=False)  # places in the table of sessions


def read_sessions(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return all sessions with what is watched, in the order of time."""
    return report_table(con, "comparison_series")


def find_changes(sessions: pa.Table, *, seed: int = SEED) -> list[Change]:
    """Return the changes of all series, newest first; each is told once, in the series that shows it best."""
    columns = {name: np.asarray(sessions[name].to_pylist(), dtype=object) for name in sessions.column_names}
    all_series = list(_series(columns))
    found: list[tuple[float, Change]] = []
    for place, one in enumerate(all_series):
        found += _changes_of(one, columns, len(all_series), seed + place)
    found.sort(key=lambda item: (item[0], list(DIMENSIONS).index(item[1].dimension), item[1].changed_at))
    kept: list[Change] = []
    for _, change in found:
        if not any(_is_same(change, other) for other in kept):
            kept.append(change)
    return sorted(kept, key=lambda change: change.changed_at, reverse=True)


def _is_same(one: Change, other: Change) -> bool:
    return (
        one.source_id == other.source_id
        and one.measure == other.measure
        and one.low_at <= other.high_at
        and other.low_at <= one.high_at
    )


# -- series ---------------------------------------------------------------------------------------------------------


def _series(columns: dict[str, npt.NDArray[np.object_]]) -> Iterator[Series]:
    keys = {name: columns[column] for name, column in DIMENSIONS.items()}
    families = np.array([tokenizer_family(model) if model else "" for model in columns["model"]], dtype=object)
    for measure in MEASURES:
        if measure not in columns:
            continue
        values = np.array([np.nan if value is None else float(value) for value in columns[measure]])
        levelled = _levelled(values, columns, is_scale=measure.endswith(("_usd", "_tokens")))
        for dimension, named in keys.items():
            for source_id in dict.fromkeys(columns["source_id"]):
                mine = (columns["source_id"] == source_id) & ~np.isnan(values)
                for value in dict.fromkeys(named[mine]):
                    if value is None:
                        continue
                    rows = np.nonzero(mine & (named == value))[0]
                    if measure.endswith("_tokens"):  # tokens of another tokenizer are another unit
                        rows = rows[families[rows] == families[rows[-1]]]
                    rows = rows[-_LONGEST:]
                    if len(rows) >= 2 * LEAST_SESSIONS:
                        told = values[rows] if dimension == "project" else levelled[rows]
                        owner = str(columns["owner"][rows[-1]] or "")
                        yield Series(source_id, owner, dimension, str(value), measure, values[rows], told, rows)


def _levelled(values: Floats, columns: dict[str, npt.NDArray[np.object_]], *, is_scale: bool) -> Floats:
    """Return values against the median of their source and project: as logarithms of the ratio, or as differences."""
    told = np.log(np.maximum(values, 1e-9)) if is_scale else values.copy()
    places = [f"{source}\0{project}" for source, project in zip(columns["source_id"], columns["project"], strict=True)]
    names, groups = np.unique(places, return_inverse=True)
    for group in range(len(names)):
        mine = (groups == group) & ~np.isnan(told)
        if mine.any():
            told[mine] -= np.median(told[mine])
    return np.asarray(told, np.float64)


# -- points ---------------------------------------------------------------------------------------------------------


def _scores(ranks: Floats) -> Floats:
    """Return for each row of ranks and each point how far the ranks before it are from even, standardised."""
    count = ranks.shape[-1]
    before = np.arange(1, count)
    sums = np.cumsum(ranks, axis=-1)[..., :-1]
    spread = np.std(ranks, axis=-1, keepdims=True)
    scale = np.sqrt(before * (count - before) / (count - 1)) * np.where(spread > 0, spread, 1)
    inside = slice(LEAST_SESSIONS - 1, count - LEAST_SESSIONS)
    return np.asarray(np.abs(sums / scale)[..., inside], np.float64)


def _centred_ranks(values: Floats) -> Floats:
    return np.asarray(stats.rankdata(values) - (len(values) + 1) / 2, np.float64)


def change_point(values: Floats, tests_count: int, seed: int = SEED) -> tuple[int, float]:
    """Return the likeliest point (sessions before it) and the chance that shuffled values have one as clear."""
    ranks = _centred_ranks(values)
    if not ranks.any():
        return LEAST_SESSIONS, 1.0
    scores = _scores(ranks)
    point, largest = int(scores.argmax()) + LEAST_SESSIONS, float(scores.max())
    random = np.random.default_rng(seed)
    p = _chance(ranks, largest, _FIRST_LOOK, random)
    if p <= _SECOND_LOOK:
        p = _chance(ranks, largest, max(9_999, min(40 * tests_count, 199_999)), random)
    return point, p


def _chance(ranks: Floats, largest: float, draws: int, random: np.random.Generator) -> float:
    as_large, left = 0, draws
    while left:
        some = min(left, _CHUNK)
        shuffled = random.permuted(np.broadcast_to(ranks, (some, len(ranks))), axis=1)
        as_large += int(np.count_nonzero(_scores(shuffled).max(axis=1) >= largest - 1e-9))
        left -= some
    return (1 + as_large) / (1 + draws)


def _changes_of(
    series: Series, columns: dict[str, npt.NDArray[np.object_]], tests_count: int, seed: int
) -> list[tuple[float, Change]]:
    """Return the changes of a series with their chances, each told between its neighbours."""
    points = sorted(_points(series.levelled, 0, tests_count, seed))
    found = []
    for place, (point, p) in enumerate(points):
        first = points[place - 1][0] if place else 0
        last = points[place + 1][0] if place + 1 < len(points) else len(series.rows)
        if change := _change(series, columns, (first, point, last), min(1.0, p * tests_count), tests_count, seed):
            found.append((p, change))
    return found


def _points(levelled: Floats, first: int, tests_count: int, seed: int, depth: int = 0) -> list[tuple[int, float]]:
    """Return the points that are sure, with their chances: the likeliest, then those on either side of it."""
    if len(levelled) < 2 * LEAST_SESSIONS or depth >= _DEEPEST:
        return []
    point, p = change_point(levelled, tests_count, seed)
    if p * tests_count > LEVEL:
        return []
    return [
        (first + point, p),
        *_points(levelled[:point], first, tests_count, seed, depth + 1),
        *_points(levelled[point:], first + point, tests_count, seed, depth + 1),
    ]


def _change(
    series: Series,
    columns: dict[str, npt.NDArray[np.object_]],
    places: tuple[int, int, int],
    p_corrected: float,
    tests_count: int,
    seed: int,
) -> Change | None:
    """Return the change at the second of three places, told by the sessions between the first and the last.

    The point is looked for again there, as another change may have drawn it aside. None if its interval holds
    zero, or it is smaller than what the measure can be off by.
    """
    part = slice(places[0], places[2])
    values, levelled, rows = series.values[part], series.levelled[part], series.rows[part]
    point = int(_scores(_centred_ranks(levelled)).argmax()) + LEAST_SESSIONS
    before, after = values[:point], values[point:]
    difference = statistics.difference_of_medians(before, after, seed)
    if is_within_error(series.measure, difference.value, statistics.median(before)):
        return None
    if not difference.is_clear or not _stands(series.measure, columns, rows[:point], rows[point:], difference.value):
        return None
    low, high = _location(levelled, point, seed)
    times, ids = columns["started_at"][rows], columns["session_id"][rows]
    return Change(
        source_id=series.source_id,
        owner=series.owner,
        dimension=series.dimension,
        value=series.value,
        measure=series.measure,
        changed_at=times[point],
        low_at=times[low],
        high_at=times[high],
        before_median=statistics.median(before),
        after_median=statistics.median(after),
        difference=difference.value,
        low=difference.low,
        high=difference.high,
        effect=statistics.cliffs_delta(before, after),
        p_corrected=p_corrected,
        tests_count=tests_count,
        coincides_with=_coincidences(columns, rows[:point], rows[point:]),
        before_session_ids=tuple(ids[:point]),
        after_session_ids=tuple(ids[point:]),
    )


def _stands(
    measure: str,
    columns: dict[str, npt.NDArray[np.object_]],
    before: npt.NDArray[np.int64],
    after: npt.NDArray[np.int64],
    difference: float,
) -> bool:
    """Say whether a difference is there at the ends of the estimates that speak against it, too."""
    if measure not in _ENDS:
        return True
    low, high = _ENDS[measure]
    least, most = (low, high) if difference > 0 else (high, low)

    def middle(name: str, rows: npt.NDArray[np.int64]) -> float:
        return statistics.median(np.array([float(value) for value in columns[name][rows] if value is not None]))

    return (middle(least, after) - middle(most, before)) * difference > 0


def _location(values: Floats, point: int, seed: int, draws: int = 400) -> tuple[int, int]:
    """Return the ends of the 95 % interval of a point: where it falls when both sides are drawn again."""
    random = np.random.default_rng(seed)
    count = len(values)
    drawn = np.concatenate(
        [
            values[random.integers(0, point, (draws, point))],
            values[random.integers(point, count, (draws, count - point))],
        ],
        axis=1,
    )
    ranks = stats.rankdata(drawn, axis=1) - (count + 1) / 2
    points = _scores(ranks).argmax(axis=1) + LEAST_SESSIONS
    low, high = np.percentile(points, (2.5, 97.5))
    return min(int(np.floor(low)), point), max(min(int(np.ceil(high)), count - 1), point)


def _coincidences(
    columns: dict[str, npt.NDArray[np.object_]], before: npt.NDArray[np.int64], after: npt.NDArray[np.int64]
) -> str:
    """Say which of client, model and CLAUDE.md changed with it: mostly one value before, mostly another after."""
    told = []
    for name, column in (("client", "client_version"), ("model", "model"), ("CLAUDE.md", "instructions_hash")):
        usual = []
        for rows in (before[-LEAST_SESSIONS * 2 :], after[: LEAST_SESSIONS * 2]):
            values = [value for value in columns[column][rows] if value is not None]
            most = max(sorted(set(values)), key=values.count, default=None)
            usual.append(most if most is not None and values.count(most) >= _MOSTLY * len(rows) else None)
        if usual[0] and usual[1] and usual[0] != usual[1]:
            told.append(f"{name} {usual[0]} to {usual[1]}")
    return ", ".join(told)
