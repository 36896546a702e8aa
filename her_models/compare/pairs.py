"""Two sessions side by side: their turns in step, what was in their contexts, what one read and the other did not.

What belongs here: the questions about a pair and the shape of the answer. What does not: how a difference is divided
(`waterfall`), how alike prompts are (`similarity`), or how any of it is drawn.

Two sessions are two draws of something that varies widely: what is told here explains these two, and proves nothing
about their models, clients or instructions. For that compare groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from her_models.compare import waterfall
from her_models.compare.lost_output import lost_of
from her_models.compare.similarity import align, likeness, task_of
from her_models.compare.waterfall import PriceRow, Step, View
from her_models.errors import QueryError
from her_models.export import SessionKey
from her_models.ledger.sizes import tokenizer_family
from her_models.report_queries import report_table


@dataclass(frozen=True)
class Side:
    """One session: its row of `session_comparison`."""

    key: SessionKey
    measures: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.measures[name]

    @property
    def tokenizer(self) -> str | None:
        """Tokenizer family of its main model; None when the log names no model."""
        return tokenizer_family(self["model"]) if self["model"] else None


@dataclass(frozen=True)
class TurnPair:
    """Two turns that belong together, or one that stands alone; each is a row of `comparison_turns.sql`."""

    a: Mapping[str, Any] | None
    b: Mapping[str, Any] | None
    likeness_ratio: float | None


@dataclass(frozen=True)
class Thing:
    """A kind of content, tool and file in the contexts of both sessions, and what it cost from first to last."""

    kind: str
    thing: str
    path: str
    a_count: int
    b_count: int
    a_tokens: int
    b_tokens: int
    a_picodollars: int
    b_picodollars: int

    @property
    def difference_picodollars(self) -> int:
        return self.b_picodollars - self.a_picodollars


@dataclass(frozen=True)
class PairComparison:
    """Two sessions. `prices` names the price list at which both are told, None: as billed.

    The waterfalls are told as logged, and so at least; what the log lost of output stands beside them. A session of
    which nothing has a price cost an unknown amount, not none: then there are no steps, and its sums mean nothing.
    """

    a: Side
    b: Side
    prices: PriceRow | None
    waterfalls: Mapping[View, list[Step]]
    turns: list[TurnPair]
    things: list[Thing]
    files: list[dict[str, Any]]
    notes: list[str]
    a_picodollars: int
    b_picodollars: int
    a_lost_picodollars: int
    b_lost_picodollars: int
    is_a_priced: bool
    is_b_priced: bool

    @property
    def telling_view(self) -> View:
        """The way of dividing that names most of the difference with one step."""
        return waterfall.telling_view(self.waterfalls)

    @property
    def a_usd(self) -> Decimal:
        return usd(self.a_picodollars)

    @property
    def b_usd(self) -> Decimal:
        return usd(self.b_picodollars)

    @property
    def a_estimated_usd(self) -> Decimal:
        """What A cost, best estimate."""
        return self.a_usd + usd(self.a_lost_picodollars)

    @property
    def b_estimated_usd(self) -> Decimal:
        """What B cost, best estimate."""
        return self.b_usd + usd(self.b_lost_picodollars)


def usd(picodollars: int) -> Decimal:
    """Return US dollars, exactly."""
    return Decimal(picodollars).scaleb(-12)


def compare_pair(
    con: duckdb.DuckDBPyConnection, a: SessionKey, b: SessionKey, *, prices_of: str | None = None
) -> PairComparison:
    """Compare two sessions, as billed or, with `prices_of` a model, both at that model's price list.

    Raises:
        QueryError: a session was billed nothing of its own, or the model has no price.
    """
    sides = _side(con, a), _side(con, b)
    list_row = None
    if prices_of:
        list_row = waterfall.price_row(con, prices_of, None)
        if list_row is None:
            raise QueryError(waterfall.no_price_list(con, prices_of))
    parts_a, parts_b = (waterfall.read_parts(con, [(key.source_id, key.session_id)]) for key in (a, b))
    if list_row:
        lists_a = dict.fromkeys(parts_a.models_by_tokens(), list_row)
        lists_b = dict.fromkeys(parts_b.models_by_tokens(), list_row)
    else:
        lists_a, lists_b = {}, waterfall.reference_prices(con, parts_a, parts_b, sides[0]["ended_at"])
    falls = {
        view: waterfall.steps(
            waterfall.sheet(parts_a, view, prices=lists_a, is_constant=list_row is not None),
            waterfall.sheet(parts_b, view, prices=lists_b, is_constant=list_row is not None),
        )
        for view in waterfall.VIEWS
    }
    is_a_priced, is_b_priced = (list_row is not None or side["billed_usd"] is not None for side in sides)
    return PairComparison(
        a=sides[0],
        b=sides[1],
        prices=list_row,
        waterfalls=falls if is_a_priced and is_b_priced else {view: [] for view in waterfall.VIEWS},
        turns=_turns(con, a, b),
        things=_things(con, a, b),
        files=_files(con, a, b),
        notes=_notes(*sides, list_row),
        a_picodollars=sum(step.a_picodollars for step in falls["lane"]),
        b_picodollars=sum(step.b_picodollars for step in falls["lane"]),
        a_lost_picodollars=lost_of(sides[0].measures, list_row),
        b_lost_picodollars=lost_of(sides[1].measures, list_row),
        is_a_priced=is_a_priced,
        is_b_priced=is_b_priced,
    )


def _side(con: duckdb.DuckDBPyConnection, key: SessionKey) -> Side:
    found = con.execute(
        "select * from session_comparison where source_id = $source_id and session_id = $session_id",
        {"source_id": key.source_id, "session_id": key.session_id},
    ).to_arrow_table()
    if not found.num_rows:
        raise QueryError(
            f"Session {key.session_id} was billed nothing of its own, so there is nothing to compare."
            " Choose one with responses: her report --by session"
        )
    return Side(key, found.to_pylist()[0])


def _turns(con: duckdb.DuckDBPyConnection, a: SessionKey, b: SessionKey) -> list[TurnPair]:
    ours, theirs = (_rows(con, "comparison_turns", key) for key in (a, b))
    if not ours or not theirs:
        return [*(TurnPair(row, None, None) for row in ours), *(TurnPair(None, row, None) for row in theirs)]
    alike = likeness(*([task_of(row["prompt"], row["requests_count"]) for row in rows] for rows in (ours, theirs)))
    return [
        TurnPair(
            None if i is None else ours[i],
            None if j is None else theirs[j],
            None if i is None or j is None else float(alike[i, j]),
        )
        for i, j in align(alike)
    ]


def _things(con: duckdb.DuckDBPyConnection, a: SessionKey, b: SessionKey) -> list[Thing]:
    ours, theirs = (
        {(row["kind"], row["thing"], row["path"]): row for row in _rows(con, "comparison_things", key)}
        for key in (a, b)
    )
    nothing = {"blocks_count": 0, "size_tokens": 0, "lifetime_picodollars": 0}
    found = []
    for key in sorted({*ours, *theirs}):
        x, y = ours.get(key, nothing), theirs.get(key, nothing)
        found.append(
            Thing(
                *key,
                x["blocks_count"],
                y["blocks_count"],
                x["size_tokens"] or 0,
                y["size_tokens"] or 0,
                x["lifetime_picodollars"],
                y["lifetime_picodollars"],
            )
        )
    return sorted(found, key=lambda thing: -abs(thing.difference_picodollars))


def _files(con: duckdb.DuckDBPyConnection, a: SessionKey, b: SessionKey) -> list[dict[str, Any]]:
    """Return files that one session named and the other did not, or more often, the dearest difference first."""
    ours, theirs = ({row["path"]: row for row in _rows(con, "comparison_files", key)} for key in (a, b))
    found = []
    for path in sorted({*ours, *theirs}):
        x, y = ours.get(path), theirs.get(path)
        row: dict[str, Any] = {"path": path, "only": "A" if y is None else "B" if x is None else ""}
        for name in ("reads_count", "edits_count", "calls_count", "result_tokens", "lifetime_usd"):
            row[f"a_{name}"] = x[name] if x else (Decimal(0) if name == "lifetime_usd" else 0)
            row[f"b_{name}"] = y[name] if y else (Decimal(0) if name == "lifetime_usd" else 0)
        found.append(row)
    return sorted(
        found, key=lambda row: -abs((row["b_lifetime_usd"] or Decimal(0)) - (row["a_lifetime_usd"] or Decimal(0)))
    )


def _notes(a: Side, b: Side, prices: PriceRow | None) -> list[str]:
    notes = ["Two sessions of one task vary widely: this explains these two and proves nothing beyond them."]
    if a.tokenizer and b.tokenizer and a.tokenizer != b.tokenizer:
        notes.append(
            f"Their models count tokens differently (families {a.tokenizer} and {b.tokenizer}): the same text is up to"
            " 1.4 times as many tokens in the newer one. Compare dollars, not tokens."
            + (" At one price list that difference stays in the cost." if prices else "")
        )
    for name, side in (("A", a), ("B", b)):
        if side["unpriced_requests_count"]:
            count, whole = side["unpriced_requests_count"], side["requests_count"]
            if prices is None and count < whole:
                notes.append(f"{name}: {count:,} of {whole:,} responses have no price and are left out.")
            elif prices is None:
                notes.append(
                    f"{name}: no response has a price ({side['model'] or 'no model'}), so what it cost is unknown."
                )
        if lost := side["estimated_requests_count"]:
            notes.append(
                f"{name}: the log holds only a placeholder for the output of {lost:,} of {side['requests_count']:,}"
                " responses. Steps are told as logged, which is at least; the best estimate stands beside the sums."
            )
        if (floors := side["floor_requests_count"] - lost) > 0:
            notes.append(
                f"{name}: {floors:,} {'more ' if lost else ''}responses do not say how they ended; their output is"
                " credible and counts as logged."
            )
    return notes


def _rows(con: duckdb.DuckDBPyConnection, name: str, key: SessionKey) -> list[dict[str, Any]]:
    table: pa.Table = report_table(con, name, {"source_id": key.source_id, "session_id": key.session_id})
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
