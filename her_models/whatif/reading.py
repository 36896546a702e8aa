"""The ledger's layout, and what the models of requests say of the same calls, turned into a `Sequence`.

What belongs here: fetching prices, kinds of request and bills, and putting them beside the places of the layout. What
does not: how a prompt was laid out (`her_models.ledger`).
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from her_models.ledger.layout import Layout
from her_models.ledger.misses import explained
from her_models.ledger.position import Ints
from her_models.model_names import canonical_model
from her_models.whatif.sequence import MISSES, Band, Block, Bools, Call, Sequence

if TYPE_CHECKING:
    import duckdb

_PRICES = ("cache_read", "cache_write_1h", "cache_write_5m", "input", "output")
READS = ("int_calls", "prices")


@dataclass(frozen=True)
class Bill:
    """What the models of requests know of one call: its kind and moment, which say its price, and what it cost."""

    geography: str
    tier: str
    priced_at: datetime | None
    picodollars: int | None


CallKey = tuple[str, str, int]  # source_id, request_id, call_index
PriceKind = tuple[str | None, str, str, str]  # model, speed, geography, tier


@dataclass(frozen=True)
class Period:
    """Prices by length of prompt while they were in force."""

    valid_from: datetime
    valid_to: datetime | None
    bands: tuple[Band, ...]


@lru_cache(maxsize=1)
def assumptions() -> dict[str, Any]:
    """Return `assumptions.toml`."""
    return tomllib.loads((Path(__file__).parent / "assumptions.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=256)
def minimum_cached_tokens(model: str | None) -> int:
    """Return the shortest prefix that a model caches; 0 for a model that is not known."""
    name = canonical_model(model or "") or ""
    known: dict[str, int] = assumptions()["minimum_cached_tokens"]
    return max(((len(start), tokens) for start, tokens in known.items() if name.startswith(start)), default=(0, 0))[1]


def read_bills(con: duckdb.DuckDBPyConnection) -> dict[CallKey, Bill]:
    """Return the bill of every call that `int_calls` holds."""
    found = con.execute(
        "select source_id, request_id, call_index, geography, tier, started_at, billed_picodollars from int_calls"
    ).to_arrow_table()
    columns = [column.to_pylist() for column in found.columns]
    return {(a, b, c): Bill(d, e, f, g) for a, b, c, d, e, f, g in zip(*columns, strict=True)}


def read_periods(con: duckdb.DuckDBPyConnection) -> dict[PriceKind, list[Period]]:
    """Return the prices of every kind of request whose price depends on the length of its prompt."""
    rows = con.execute(
        f"""
        select
            model, speed, geography, tier, valid_from, valid_to, prompt_above_tokens,
            {", ".join(f"{name}_picodollars" for name in _PRICES)}
        from prices
        where (model, speed, geography, tier) in
            (select (model, speed, geography, tier) from prices where prompt_above_tokens > 0)
        order by model, speed, geography, tier, valid_from, prompt_above_tokens
        """
    ).fetchall()
    grouped: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    for *key, above, read, hour, five, uncached, output in rows:
        grouped[tuple(key)].append(Band(above, (read, hour, five, uncached, output)))
    periods: dict[PriceKind, list[Period]] = defaultdict(list)
    for (model, speed, geography, tier, start, end), bands in grouped.items():
        periods[model, speed, geography, tier].append(Period(start, end, tuple(bands)))
    return dict(periods)


def bands_at(periods: list[Period], moment: datetime | None) -> tuple[Band, ...]:
    """Return the bands in force at a moment; none where the price does not depend on the length."""
    for period in periods:
        if moment is not None and period.valid_from <= moment and (period.valid_to is None or moment < period.valid_to):
            return period.bands if len(period.bands) > 1 else ()
    return ()


def read_sequence(con: duckdb.DuckDBPyConnection, layout: Layout) -> Sequence:
    """Return the sequence of a layout; `con` shows `int_calls` and `prices`."""
    return sequence_of(layout, read_bills(con), read_periods(con))


def sequence_of(
    layout: Layout, bills: Mapping[CallKey, Bill], periods: Mapping[PriceKind, list[Period]] | None = None
) -> Sequence:
    """Return the sequence of a layout with what is known of its calls' bills."""
    calls = layout.calls
    sessions: dict[tuple[str, str], int] = {}
    session = [sessions.setdefault((call["source_id"], call["session_id"]), len(sessions)) for call in calls]
    known = [bills.get((call["source_id"], call["request_id"], call["call_index"])) for call in calls]
    owned = layout.owned.astype(np.bool_)
    priced = np.array([call["output_picodollars"] is not None for call in calls], np.bool_) & owned
    prices = np.stack([layout.column(f"{name}_picodollars") for name in _PRICES], axis=1) * priced[:, None]
    billed = [bill.picodollars if bill is not None and bill.picodollars is not None else 0 for bill in known]
    read = layout.column("cache_read_tokens")
    hour = read + layout.column("cache_write_1h_tokens")
    five = hour + layout.column("cache_write_5m_tokens")
    fees = layout.column("web_search_count") * layout.column("web_search_picodollars")
    started = [call["started_seconds"] for call in calls]
    thread = np.array([place.thread for place in layout.places], np.int64)
    first = np.concatenate([np.ones(min(len(calls), 1), np.bool_), thread[1:] != thread[:-1]])
    bands = {}
    for place, (call, bill) in enumerate(zip(calls, known, strict=True)):
        if bill is not None and periods and priced[place]:
            kind = (call["model"], call["speed"], bill.geography, bill.tier)
            found = bands_at(periods.get(kind, []), bill.priced_at)
            if found:
                bands[place] = found
    return Sequence(
        sessions=tuple(sessions),
        session=np.array(session, np.int64),
        thread=thread,
        segment=np.array([place.segment for place in layout.places], np.int64),
        base=np.array([place.base for place in layout.places], np.int64),
        read=read,
        hour=hour,
        five=five,
        end=five + layout.column("uncached_input_tokens"),
        expected=layout.expected,
        persisting=np.array([place.persisting for place in layout.places], np.int64),
        output=layout.column("output_tokens") * owned,
        fees=fees * priced,
        billed=np.array(billed, np.int64) * owned,
        owned=owned,
        priced=priced,
        started=np.array([np.nan if value is None else value for value in started], np.float64),
        miss=_misses(layout),
        hour_end=hour_ends(read, hour, five, first),
        minimum=np.array([minimum_cached_tokens(call["model"]) for call in calls], np.int64),
        prices=prices,
        bands=bands,
        calls=tuple(map(_call, calls, known, [place.lineage for place in layout.places])),
        entry_block=layout.entry_blocks,
        entry_size=layout.entry_sizes,
        entry_segment=layout.entry_segments,
        blocks=_blocks(layout, sessions),
    )


def _call(row: Mapping[str, Any], bill: Bill | None, lineage: int) -> Call:
    return Call(
        row["request_id"],
        row["thread_id"],
        row["model"],
        row["speed"] or "standard",
        bill.geography if bill is not None else "global",
        bill.tier if bill is not None else "standard",
        bill.priced_at if bill is not None else None,
        row["turn_index"],
        lineage,
    )


def _misses(layout: Layout) -> Ints:
    """Return the label of each place's miss."""
    codes = np.zeros(len(layout.places), np.int64)
    for number in range(len(layout.places)):
        if number in layout.shared:
            codes[number] = MISSES.index("K4")
            continue
        known = layout.before(number)
        miss = explained(known) if known is not None else None
        if miss is not None:
            codes[number] = MISSES.index(miss.label)
    return codes


def hour_ends(read: Ints, hour: Ints, five: Ints, first: Bools) -> Ints:
    """Return, per place, how far the cache that it finds lives an hour: what is written again later lives as that."""
    ends = np.zeros(len(read), np.int64)
    end = 0
    edges = zip(first.tolist(), read.tolist(), hour.tolist(), five.tolist(), strict=True)
    for place, (is_first, a, b, c) in enumerate(edges):
        ends[place] = end = 0 if is_first else end
        if b > a:
            end = b
        elif a < end and c > b:
            end = a
    return ends


def _blocks(layout: Layout, sessions: Mapping[tuple[str, str], int]) -> tuple[Block, ...]:
    found = []
    for block in layout.blocks:
        thread = layout.threads[block.thread]
        call = thread.calls[0]
        item = thread.items[block.item] if block.item >= 0 else None
        writer = layout.place_of(block.thread, block.written_by) if block.written_by >= 0 else None
        placed = block.placed
        found.append(
            Block(
                session=sessions[call["source_id"], call["session_id"]],
                kind=block.kind,
                tool_name=item["tool_name"] if item is not None else None,
                label=placed.label if placed is not None else "",
                path=item["path"] if item is not None else None,
                block_index=item["block_index"] if item is not None else None,
                size=block.size,
                turn_index=item["turn_index"] if item is not None else None,
                writer=-1 if writer is None else writer,
                output_tokens=block.output,
                low_ratio=_ratio(placed.low if placed is not None else block.size, block.size),
                high_ratio=_ratio(placed.high if placed is not None else block.size, block.size),
            )
        )
    return tuple(found)


def _ratio(end: int, size: int) -> float:
    return end / size if size else 1.0
