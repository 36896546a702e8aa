"""From the layout to the ledger's tables: `ledger_lineages`, `ledger_blocks`, `ledger_calls`, ...

What belongs here: money for the whole layout in one go, and the rows of `tables.LEDGER_COLUMNS`, registered under those
names; SQL models take it from there. What does not: the walk (`reading`, `lineage`) and the layout itself (`layout`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from her_models.ledger.expected import extensions
from her_models.ledger.layout import Block, Layout, static_tokens
from her_models.ledger.misses import explained
from her_models.ledger.position import CLASSES, Lanes, block_lanes, request_kind_lanes
from her_models.ledger.tables import LEDGER_COLUMNS, column_type
from her_models.ledger.thread import prompt_tokens

if TYPE_CHECKING:
    import duckdb

THREAD = ("source_id", "session_id", "thread_id")
MONEY = ("content", "cache", "premium")


@dataclass
class _Columns:
    """Rows of one output table, column by column."""

    name: str
    values: dict[str, list[Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.values = {column: [] for column in LEDGER_COLUMNS[self.name]}

    def add(self, **row: Any) -> None:
        for name, column in self.values.items():
            column.append(row[name])

    def table(self) -> pa.Table:
        return _typed(self.values)


def _typed(values: dict[str, Any]) -> pa.Table:
    return pa.table({name: pa.array(column, _TYPES[column_type(name)]) for name, column in values.items()})


_TYPES = {"string": pa.string(), "double": pa.float64(), "bool": pa.bool_(), "int64": pa.int64()}


def build(con: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Build the ledger's tables on `con` as temporary tables."""
    for name, table in ledger_tables(layout).items():
        con.register(f"{name}_arrow", table)
        con.execute(f"create or replace temp table {name} as select * from {name}_arrow")
        con.unregister(f"{name}_arrow")


def ledger_tables(layout: Layout) -> dict[str, pa.Table]:
    """Return the ledger of a layout, one Arrow table per name of `LEDGER_COLUMNS`."""
    if not layout.places:
        return {name: _Columns(name).table() for name in LEDGER_COLUMNS}
    kinds = sorted({block.kind for block in layout.blocks})
    codes = {kind: code for code, kind in enumerate(kinds)}
    entry_kinds = np.array([codes[layout.blocks[block].kind] for block in layout.entry_blocks.tolist()], np.int64)
    context = request_kind_lanes(layout.prompts, layout.entry_sizes, entry_kinds, len(kinds))
    return {
        "ledger_lineages": _lineage_rows(layout),
        "ledger_blocks": _block_rows(layout),
        "ledger_calls": _call_rows(layout, context),
        "ledger_context": _context_rows(layout, context, kinds),
        "ledger_misses": _miss_rows(layout, context),
        "ledger_places": _place_rows(layout),
        "ledger_entries": _entry_rows(layout),
    }


def _lineage_rows(layout: Layout) -> pa.Table:
    rows = _Columns("ledger_lineages")
    for thread in layout.threads:
        call = thread.calls[0]
        for index, lineage in enumerate(thread.lineages):
            requests = lineage.requests
            if not requests:
                continue
            rows.add(
                source_id=call["source_id"],
                session_id=call["session_id"],
                thread_id=call["thread_id"],
                lineage_index=index,
                cut=lineage.cut,
                truth=lineage.truth,
                first_request_id=thread.calls[requests[0]]["request_id"],
                last_request_id=thread.calls[requests[-1]]["request_id"],
                requests_count=len(requests),
                segments_count=len(lineage.segments),
                shrinks_count=lineage.shrinks,
                static_tokens=static_tokens(lineage),
            )
    return rows.table()


def _block_rows(layout: Layout) -> pa.Table:
    entries = block_lanes(layout.prompts, layout.entry_sizes)
    slots = layout.blocks
    threads = [layout.threads[slot.thread] for slot in slots]
    items = [thread.items[slot.item] if slot.item >= 0 else None for thread, slot in zip(threads, slots, strict=True)]
    firsts = [thread.calls[max(slot.first, 0)] for thread, slot in zip(threads, slots, strict=True)]
    priced = [any(call["output_picodollars"] is not None for call in thread.calls) for thread in layout.threads]
    placed = [slot.placed for slot in slots]
    columns: dict[str, Any] = {name: [first[name] for first in firsts] for name in THREAD}
    columns |= {
        "block_index": [item["block_index"] if item is not None else None for item in items],
        "hidden_index": _hidden_indexes(slots),
        "kind": [slot.kind for slot in slots],
        "label": [block.label if block is not None else "" for block in placed],
        "turn_index": [(item or first)["turn_index"] for item, first in zip(items, firsts, strict=True)],
        "logged_seconds": [
            item["logged_seconds"] if item is not None else first["started_seconds"]
            for item, first in zip(items, firsts, strict=True)
        ],
        "lineage_index": [slot.lineage for slot in slots],
        "size_tokens": [slot.size if slot.first >= 0 and slot.placed is not None else None for slot in slots],
        "size_class": [block.size_class if block is not None else None for block in placed],
        "size_low_tokens": [block.low if block is not None else None for block in placed],
        "size_high_tokens": [block.high if block is not None else None for block in placed],
        "first_request_id": [
            first["request_id"] if slot.first >= 0 else None for slot, first in zip(slots, firsts, strict=True)
        ],
        "last_request_id": [
            thread.calls[slot.last]["request_id"] if slot.last >= 0 else None
            for thread, slot in zip(threads, slots, strict=True)
        ],
        "carried_requests_count": [slot.carried for slot in slots],
    }
    for name in (*CLASSES, "missed", "content", "cache", "premium"):
        total = np.zeros(len(slots), np.int64)
        np.add.at(total, layout.entry_blocks, getattr(entries, name))
        columns[f"{name}_{'picodollars' if name in MONEY else 'tokens'}"] = total
    columns |= {
        "output_tokens": [slot.output for slot in slots],
        "output_picodollars": [slot.output_content for slot in slots],
        "output_premium_picodollars": [slot.output_premium for slot in slots],
        "unlogged_output_tokens": [slot.unlogged for slot in slots],
        "unlogged_output_picodollars": [slot.unlogged_content for slot in slots],
        "is_priced": [priced[slot.thread] for slot in slots],
        "slot_index": list(range(len(slots))),
    }
    return _typed({name: columns[name] for name in LEDGER_COLUMNS["ledger_blocks"]})


def _place_rows(layout: Layout) -> pa.Table:
    calls = layout.calls
    columns: dict[str, Any] = {name: [call[name] for call in calls] for name in (*THREAD, "request_id", "call_index")}
    columns |= {
        "place_index": list(range(len(calls))),
        "segment_index": [place.segment for place in layout.places],
        "lineage_index": [place.lineage for place in layout.places],
        "is_owned": layout.owned.astype(bool),
        "prompt_tokens": [prompt_tokens(call) for call in calls],
    }
    return _typed({name: columns[name] for name in LEDGER_COLUMNS["ledger_places"]})


def _entry_rows(layout: Layout) -> pa.Table:
    bases = np.array([segment.base for segment in layout.segments], np.int64)[layout.entry_segments]
    return _typed(
        {
            "entry_index": np.arange(len(layout.entry_blocks)),
            "segment_index": layout.entry_segments,
            "slot_index": layout.entry_blocks,
            "size_tokens": layout.entry_sizes,
            "end_tokens": layout.entry_starts + layout.entry_sizes - bases,
        }
    )


def _hidden_indexes(slots: Sequence[Block]) -> list[int | None]:
    """Number, thread by thread, the blocks that no line shows."""
    counts: dict[int, int] = defaultdict(int)
    indexes: list[int | None] = []
    for slot in slots:
        if slot.item >= 0:
            indexes.append(None)
            continue
        indexes.append(counts[slot.thread])
        counts[slot.thread] += 1
    return indexes


def _call_rows(layout: Layout, context: Lanes) -> pa.Table:
    expected = layout.expected.tolist()
    over_reads = extensions([thread.calls for thread in layout.threads])
    rows = _Columns("ledger_calls")
    content, cache, premium = (getattr(context, name).sum(axis=1).tolist() for name in ("content", "cache", "premium"))
    for number, (place, call) in enumerate(zip(layout.places, layout.calls, strict=True)):
        if not call["is_owned"]:
            continue
        thread = layout.threads[place.thread]
        previous = thread.calls[place.call - 1] if place.call else None
        output = thread.outputs[place.call]
        standard, actual = call["standard_output_picodollars"] or 0, call["output_picodollars"] or 0
        fees = (call["web_search_count"] or 0) * (call["web_search_picodollars"] or 0)
        lanes = (
            content[number] + call["output_tokens"] * standard,
            cache[number],
            premium[number] + call["output_tokens"] * (actual - standard),
        )
        is_priced = call["output_picodollars"] is not None
        beyond, extender = over_reads.get((place.thread, place.call), (0, None))
        cached = None if previous is None else prompt_tokens(previous) - previous["uncached_input_tokens"]
        rows.add(
            source_id=call["source_id"],
            session_id=call["session_id"],
            thread_id=call["thread_id"],
            request_id=call["request_id"],
            call_index=call["call_index"],
            lineage_index=place.lineage,
            truth=thread.lineages[place.lineage].truth,
            expected_read_tokens=expected[number],
            missed_tokens=max(expected[number] - call["cache_read_tokens"], 0),
            persisting_tokens=place.persisting,
            previous_request_id=previous["request_id"] if previous is not None else None,
            previous_cached_tokens=cached,
            over_read_tokens=beyond,
            extended_by_request_id=extender,
            content_picodollars=lanes[0] if is_priced else None,
            cache_picodollars=lanes[1] if is_priced else None,
            premium_picodollars=lanes[2] if is_priced else None,
            fees_picodollars=fees if is_priced else None,
            billed_picodollars=sum(lanes) + fees if is_priced else None,
            output_estimated_tokens=output.tokens,
            output_low_tokens=output.low,
            output_high_tokens=output.high,
            is_output_logged=output.is_logged,
            output_estimated_picodollars=(output.tokens - call["output_tokens"]) * actual if is_priced else None,
        )
    return rows.table()


def _context_rows(layout: Layout, context: Lanes, kinds: Sequence[str]) -> pa.Table:
    """Return request x kind, sub-calls of one response added up; only what is not zero."""
    codes = {kind: code for code, kind in enumerate(kinds)}
    shape = context.content.shape
    output, money, premium = (np.zeros(shape, np.int64) for _ in range(3))
    for row, (place, call) in enumerate(zip(layout.places, layout.calls, strict=True)):
        standard, actual = call["standard_output_picodollars"] or 0, call["output_picodollars"] or 0
        for share in layout.shares[place.thread][place.call]:
            code = codes[layout.blocks[share.block].kind]
            output[row, code] += share.tokens
            money[row, code] += share.tokens * standard
            premium[row, code] += share.tokens * (actual - standard)
    rows, columns = np.nonzero((context.tokens + output) > 0)
    callers = [layout.calls[row] for row in rows.tolist()]
    table: dict[str, Any] = {
        "source_id": [call["source_id"] for call in callers],
        "request_id": [call["request_id"] for call in callers],
        "kind": [kinds[column] for column in columns.tolist()],
    }
    for name in (*CLASSES, "missed"):
        table[f"{name}_tokens"] = getattr(context, name)[rows, columns]
    for name in ("content", "cache", "premium"):
        table[f"{name}_picodollars"] = getattr(context, name)[rows, columns]
    table["output_tokens"] = output[rows, columns]
    table["output_picodollars"] = money[rows, columns]
    table["output_premium_picodollars"] = premium[rows, columns]
    return _typed(table)


def _miss_rows(layout: Layout, context: Lanes) -> pa.Table:
    rows = _Columns("ledger_misses")
    excess = context.cache.sum(axis=1).tolist()
    for number, (place, call) in enumerate(zip(layout.places, layout.calls, strict=True)):
        if not call["is_owned"]:
            continue
        common = {
            "source_id": call["source_id"],
            "session_id": call["session_id"],
            "request_id": call["request_id"],
            "excess_picodollars": excess[number] if call["output_picodollars"] is not None else None,
        }
        if number in layout.shared:
            rows.add(
                **common,
                miss_label="K4",
                cause="prefix not shared",
                confidence="estimated",
                evidence="structure",
                missed_tokens=layout.shared[number] - call["cache_read_tokens"],
                age_seconds=None,
                lifetime_seconds=None,
                previous_request_id=None,
            )
            continue
        known = layout.before(number)
        miss = explained(known) if known is not None else None
        if known is None or miss is None:
            continue
        rows.add(
            **common,
            miss_label=miss.label,
            cause=miss.cause,
            confidence=miss.confidence,
            evidence=miss.evidence,
            missed_tokens=known.missed_tokens,
            age_seconds=known.age_seconds,
            lifetime_seconds=known.lifetime_seconds,
            previous_request_id=layout.threads[place.thread].calls[place.call - 1]["request_id"],
        )
    return rows.table()
