"""Where a difference of cost comes from: steps that lead from one bill to another and add up to it exactly.

What belongs here: laying the parts of sessions (`session_parts`) out as columns of whole picodollars, at the prices
that were paid or at a price list of one's choice. What does not: which sessions, and how steps are drawn.

Every row of a `Sheet` adds up to what its session was billed. So whatever two sets of sessions are compared, the
difference of their columns is the difference of their bills.

    prices   what the sessions would not have been billed at the other side's price list: another model, another day
    content  by kind, or by label of waste: at standard prices, expected reads as reads
    cache    what missing the cache cost on top, by cause
    premium  what speed, geography and the long-context band cost on top
    fees     server-side tools
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb
import numpy as np
import numpy.typing as npt

from her_models.report_queries import report_query

Ints = npt.NDArray[np.int64]
View = Literal["cause", "label", "kind", "lane"]
VIEWS: tuple[View, ...] = ("cause", "label", "kind", "lane")
PICODOLLARS = 10**12

_CLASSES = ("cache_read", "cache_write_1h", "cache_write_5m", "uncached", "output")
_MISSED = ("missed_1h", "missed_5m", "missed_uncached")
_LANES = ("content", "cache_excess", "premium", "fees")
_LANE_ORDER = ("prices", "content", "cache", "premium", "fees")


@dataclass(frozen=True)
class PriceRow:
    """A price list: picodollars per token at standard speed, global, first band."""

    model: str
    price_id: str
    cache_read: int
    cache_write_1h: int
    cache_write_5m: int
    uncached: int
    output: int


@dataclass(frozen=True)
class Step:
    """One step from the bill of A to that of B, picodollars; `lane` is the larger thing it is part of."""

    lane: str
    part: str
    a_picodollars: int
    b_picodollars: int

    @property
    def name(self) -> str:
        return f"{self.lane}:{self.part}" if self.part else self.lane

    @property
    def difference_picodollars(self) -> int:
        return self.b_picodollars - self.a_picodollars


@dataclass(frozen=True, eq=False)
class Parts:
    """Rows of `session_parts` as columns; `session` numbers them by the order of the sessions asked for."""

    session: Ints
    model: npt.NDArray[np.object_]
    axis: npt.NDArray[np.object_]
    part: npt.NDArray[np.object_]
    tokens: Mapping[str, Ints]
    usd: Mapping[str, Ints]  # picodollars by lane
    is_priced: npt.NDArray[np.bool_]
    sessions_count: int

    def models_by_tokens(self) -> list[str]:
        """Models of the sessions, the one with the most tokens first."""
        of_kinds = self.axis == "kind"
        sums: dict[str, int] = {}
        total = sum((self.tokens[name] for name in _CLASSES), np.zeros(len(self.session), np.int64))
        for model, count in zip(self.model[of_kinds], total[of_kinds], strict=True):
            sums[model] = sums.get(model, 0) + int(count)
        return sorted(sums, key=lambda model: (-sums[model], model))


@dataclass(frozen=True, eq=False)
class Sheet:
    """Cost of sessions by step: one row per session, one column per step, whole picodollars."""

    columns: tuple[tuple[str, str], ...]  # lane and part
    values: Ints

    @property
    def totals(self) -> Ints:
        """What each session was billed, or would have been at the chosen price list."""
        return np.asarray(self.values.sum(axis=1), np.int64)


def read_parts(con: duckdb.DuckDBPyConnection, keys: Sequence[tuple[str, str]]) -> Parts:
    """Return the parts of sessions, given as (source_id, session_id)."""
    columns = con.execute(
        report_query("comparison_parts"),
        {"sources": [source for source, _ in keys], "sessions": [session for _, session in keys]},
    ).fetchnumpy()

    def whole(name: str) -> Ints:
        return np.ma.filled(columns[name], 0).astype(np.int64)

    def words(name: str) -> npt.NDArray[np.object_]:
        return np.asarray(columns[name], dtype=object)

    return Parts(
        session=whole("session_number"),
        model=words("model"),
        axis=words("axis"),
        part=words("part"),
        tokens={name: whole(f"{name}_tokens") for name in (*_CLASSES, *_MISSED)},
        usd={name: whole(f"{name}_picodollars") for name in _LANES},
        is_priced=np.asarray(columns["is_priced"], dtype=bool),
        sessions_count=len(keys),
    )


def price_row(con: duckdb.DuckDBPyConnection, model: str, at: datetime | None) -> PriceRow | None:
    """Return the standard price list of a model in force at a time; None when it has no price."""
    return _price_rows(con, [model], at).get(model)


def no_price_list(con: duckdb.DuckDBPyConnection, model: str) -> str:
    """Say that a model has no price list here, and which have one: those of the models that answered in these logs."""
    models = [row[0] for row in con.execute("select distinct model from prices order by model").fetchall()]
    known = ", ".join(one for one in models if price_row(con, one, None))
    return (
        f"There is no price for {model!r} among the models of these logs, and only theirs can be compared at. Those"
        f" with a price: {known or 'none'}."
    )


def _price_rows(con: duckdb.DuckDBPyConnection, models: Sequence[str], at: datetime | None) -> dict[str, PriceRow]:
    found = con.execute(report_query("comparison_price"), {"models": list(models), "at": at}).fetchall()
    rows = {row[0]: PriceRow(*row) for row in found}
    return {model: rows[model] for model in models if model in rows}


def sheet(
    parts: Parts, view: View, *, prices: Mapping[str, PriceRow] | None = None, is_constant: bool = False
) -> Sheet:
    """Lay parts out as steps.

    With `prices` (by model) the steps are told at those price lists, and what was billed beyond them becomes the step
    `prices`; a model that is not among them stays as billed. With `is_constant` the step is left out, and so are the
    premiums: what the sessions would have cost at those lists. What has no price is left out, unless it is given one.
    """
    prices = prices or {}
    content, cache = parts.usd["content"].copy(), parts.usd["cache_excess"].copy()
    for model, row in prices.items():
        mine = parts.model == model
        chosen = mine if is_constant else mine & parts.is_priced
        nothing = np.zeros(len(parts.session), np.int64)
        excess: Ints = sum(
            (
                parts.tokens[missed] * (paid - row.cache_read)
                for missed, paid in zip(_MISSED, (row.cache_write_1h, row.cache_write_5m, row.uncached), strict=True)
            ),
            nothing,
        )
        whole: Ints = sum((parts.tokens[name] * getattr(row, name) for name in _CLASSES), nothing)
        cache[chosen] = excess[chosen]
        content[chosen] = np.where(parts.axis == "cache", 0, whole - excess)[chosen]
    lanes = {"content": content, "cache": cache, "premium": parts.usd["premium"], "fees": parts.usd["fees"]}
    if is_constant:
        lanes["premium"] = np.zeros_like(content)
    beyond = (parts.usd["content"] - content) + (parts.usd["cache_excess"] - cache)
    if is_constant:
        beyond = np.zeros_like(beyond)
    return _laid_out(parts, view, lanes, beyond)


def _laid_out(parts: Parts, view: View, lanes: Mapping[str, Ints], beyond: Ints) -> Sheet:
    cells: dict[tuple[str, str], Ints] = {}

    def add(lane: str, part: str, chosen: npt.NDArray[np.bool_], values: Ints) -> None:
        if values[chosen].any():
            column = cells.setdefault((lane, part), np.zeros(parts.sessions_count, np.int64))
            np.add.at(column, parts.session[chosen], values[chosen])

    def add_each(lane: str, axis: str, values: Ints) -> None:
        mine = parts.axis == axis
        for part in sorted(set(parts.part[mine])):
            add(lane, part, mine & (parts.part == part), values)

    kinds = parts.axis == "kind"
    if view == "kind":
        add_each("content", "kind", lanes["content"] + lanes["cache"])
    elif view in ("cause", "label"):
        add_each("content", "kind" if view == "cause" else "label", lanes["content"])
        add_each("cache", "cache", lanes["cache"])
    else:
        add("content", "", kinds, lanes["content"])
        add("cache", "", kinds, lanes["cache"])
    if view in ("cause", "label"):
        add_each("premium", "premium", lanes["premium"])
    else:
        add("premium", "", kinds, lanes["premium"])
    add("fees", "", kinds, lanes["fees"])
    # Labels name waste, not models: what another price list makes is told by model, on the kinds.
    for model in sorted(set(parts.model[kinds & (beyond != 0)])):
        add("prices", model if view in ("cause", "label") else "", kinds & (parts.model == model), beyond)
    columns = tuple(sorted(cells, key=lambda key: (_LANE_ORDER.index(key[0]), key[1])))
    values = np.stack([cells[key] for key in columns], axis=1) if columns else np.zeros((parts.sessions_count, 0), int)
    return Sheet(columns, np.asarray(values, np.int64))


def aligned(a: Sheet, b: Sheet) -> tuple[Sheet, Sheet]:
    """Give two sheets the same columns."""
    columns = tuple(sorted({*a.columns, *b.columns}, key=lambda key: (_LANE_ORDER.index(key[0]), key[1])))

    def widened(one: Sheet) -> Sheet:
        values = np.zeros((len(one.values), len(columns)), np.int64)
        for place, column in enumerate(one.columns):
            values[:, columns.index(column)] = one.values[:, place]
        return Sheet(columns, values)

    return widened(a), widened(b)


def steps(a: Sheet, b: Sheet) -> list[Step]:
    """Return the steps from the sum of A's sessions to that of B's, the largest first within a lane's order."""
    a, b = aligned(a, b)
    sums_a = [sum(map(int, column)) for column in a.values.T]
    sums_b = [sum(map(int, column)) for column in b.values.T]
    found = [Step(*column, x, y) for column, x, y in zip(a.columns, sums_a, sums_b, strict=True)]
    return sorted(found, key=lambda step: (_LANE_ORDER.index(step.lane), -abs(step.difference_picodollars), step.part))


def telling_view(views: Mapping[View, Sequence[Step]]) -> View:
    """Return the view to show first: that whose one step comes nearest to the difference, by cause or by label.

    By label only a label of waste names anything, and only one that is half of the difference or more. More or fewer
    sessions are no part of it.
    """
    moved = sum(step.difference_picodollars for step in views["cause"] if step.lane != "sessions")

    def missed_by(view: View) -> int:
        named = [
            step.difference_picodollars
            for step in views[view]
            if step.lane != "sessions" and (view == "cause" or (step.lane == "content" and step.part.startswith("C")))
        ]
        return min((abs(moved - one) for one in named), default=abs(moved))

    by_label = missed_by("label")
    return "label" if 2 * by_label <= abs(moved) and by_label < missed_by("cause") else "cause"


def reference_prices(con: duckdb.DuckDBPyConnection, a: Parts, b: Parts, at: datetime | None) -> dict[str, PriceRow]:
    """Return price lists for B as A paid them: A's own for the models they share, else that of A's main model.

    What B's models cost beyond them is the step `prices`.
    """
    own = _price_rows(con, a.models_by_tokens(), at)
    if not own:
        return {}
    main = next(iter(own.values()))
    return {model: own.get(model, main) for model in b.models_by_tokens()}
