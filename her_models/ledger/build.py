"""From calls and blocks to the ledger's tables: `ledger_lineages`, `ledger_blocks`, `ledger_calls`, ...

Reads the models `int_ledger_calls` and `int_ledger_items` of the connection it is given and registers what it makes
under the names of `tables.LEDGER_COLUMNS`; SQL models take it from there. Threads are walked one by one; money is
computed for all of them in one go.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from her_models.ledger.lineage import Lineage, Placed, Segment
from her_models.ledger.misses import Before, Miss, explained
from her_models.ledger.position import CLASSES, Ints, Prices, Prompts, block_lanes, proportional, request_kind_lanes
from her_models.ledger.request_log import RequestLog
from her_models.ledger.sizes import Densities
from her_models.ledger.tables import LEDGER_COLUMNS, column_type
from her_models.ledger.thread import Row, Thread, read_thread

if TYPE_CHECKING:
    import duckdb

THREAD = ("source_id", "session_id", "thread_id")
MONEY = ("content", "cache", "premium")
HOUR_SECONDS, FIVE_MINUTES_SECONDS = 3600.0, 300.0


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


@dataclass
class _Slot:
    """One block of the ledger: an item of a thread, or one that no line shows. Calls are the thread's."""

    thread: int
    item: int
    kind: str
    lineage: int
    placed: Placed | None = None
    size: int = 0
    first: int = -1
    last: int = -1
    carried: int = 0
    output: int = 0
    output_content: int = 0
    output_premium: int = 0
    unlogged: int = 0
    unlogged_content: int = 0


@dataclass(frozen=True)
class _Place:
    """One call at its place: where its prompt begins on the common line, and what should have been read."""

    thread: int
    call: int
    lineage: int
    base: int
    expected: int
    persisting: int
    is_moved: bool  # the first prompt of a segment that is not the lineage's first


class _Layout:
    """All threads laid end to end: blocks as entries on one line, calls as places on it."""

    def __init__(self, threads: Sequence[Thread]) -> None:
        self.threads = threads
        self.slots: list[_Slot] = []
        self.by_item: list[dict[int, int]] = [{} for _ in threads]
        self.places: list[_Place] = []
        self.entry_slots: list[int] = []
        self.entry_sizes: list[int] = []
        self._position = 0
        for number, thread in enumerate(threads):
            hidden: dict[int, int] = {}
            for index, lineage in enumerate(thread.lineages):
                slots = [self._slot(number, index, placed, hidden) for placed in lineage.placed]
                for order, segment in enumerate(lineage.segments):
                    self._lay(number, index, segment, slots, is_moved=order > 0)

    def _slot(self, thread: int, lineage: int, placed: Placed, hidden: dict[int, int]) -> int:
        known = self.by_item[thread].get(placed.row) if placed.row >= 0 else hidden.get(id(placed))
        if known is not None:
            return known
        slot = self.add(_Slot(thread, placed.row, placed.kind, lineage, placed))
        if placed.row < 0:
            hidden[id(placed)] = slot
        return slot

    def add(self, slot: _Slot) -> int:
        self.slots.append(slot)
        if slot.item >= 0:
            self.by_item[slot.thread][slot.item] = len(self.slots) - 1
        return len(self.slots) - 1

    def _lay(self, number: int, index: int, segment: Segment, slots: Sequence[int], *, is_moved: bool) -> None:
        if not segment.requests:
            return
        calls = self.threads[number].calls
        ends = [prompt_tokens(calls[call]) for call in segment.requests]
        position = pointer = 0
        for block, size in zip(segment.blocks, segment.sizes, strict=True):
            position += size
            while pointer < len(ends) and ends[pointer] < position:
                pointer += 1
            slot = self.slots[slots[block]]
            self.entry_slots.append(slots[block])
            self.entry_sizes.append(size)
            if pointer < len(ends):
                slot.carried += len(ends) - pointer
                slot.last = segment.requests[-1]
                if slot.first < 0:
                    slot.first, slot.size = segment.requests[pointer], size
        for place, call in enumerate(segment.requests):
            expected = min(segment.expected[place], ends[place])
            moved = is_moved and place == 0
            self.places.append(_Place(number, call, index, self._position, expected, segment.persisting[place], moved))
        self._position += position


def prompt_tokens(call: Row) -> int:
    """Return the length of a call's prompt."""
    return int(
        call["cache_read_tokens"]
        + call["cache_write_1h_tokens"]
        + call["cache_write_5m_tokens"]
        + call["uncached_input_tokens"]
    )


def _column(calls: Sequence[Row], name: str) -> Ints:
    return np.array([call[name] or 0 for call in calls], np.int64)


def _prices(calls: Sequence[Row], owned: Ints, prefix: str) -> Prices:
    """Return prices per call; copied history is context without cost."""
    return Prices(
        _column(calls, f"{prefix}cache_read_picodollars") * owned,
        _column(calls, f"{prefix}cache_write_1h_picodollars") * owned,
        _column(calls, f"{prefix}cache_write_5m_picodollars") * owned,
        _column(calls, f"{prefix}input_picodollars") * owned,
    )


def _share_prefixes(layout: _Layout) -> dict[int, int]:
    """Return, per place, how much of its first prompt another lineage had proven to be shared and warm.

    A first prompt has nothing before it in its own lineage. What other first prompts of the same session,
    model, client version and agent type read from cache is a prefix that they share; it was warm if one of them
    was active within its lifetime. Other sessions do not count: what a session costs must not depend on
    which other sessions are computed with it.
    """
    first = []
    for number, place in enumerate(layout.places):
        call = layout.threads[place.thread].calls[place.call]
        if place.call == 0:
            first.append((call["started_seconds"] or 0.0, call["thread_id"], number))
    shared: dict[int, int] = {}
    proven: dict[tuple[Any, ...], tuple[int, float]] = {}
    for started, _, number in sorted(first):
        place = layout.places[number]
        calls = layout.threads[place.thread].calls
        call = calls[0]
        group = (
            call["source_id"],
            call["session_id"],
            call["model"],
            call["client_version"],
            call["agent_type"],
        )
        prefix, until = proven.get(group, (0, 0.0))
        if prefix > call["cache_read_tokens"] and started <= until:
            shared[number] = min(prefix, prompt_tokens(call))
        lifetime = HOUR_SECONDS if call["cache_write_1h_tokens"] else FIVE_MINUTES_SECONDS
        latest = max((other["started_seconds"] or 0.0) for other in calls)
        proven[group] = (max(prefix, call["cache_read_tokens"]), max(until, latest + lifetime))
    return shared


def _lifetime(calls: Sequence[Row], call: int) -> float:
    """Return the lifetime of the cache entry written last before a call, in seconds."""
    for earlier in reversed(calls[:call]):
        if earlier["cache_write_1h_tokens"]:
            return HOUR_SECONDS
        if earlier["cache_write_5m_tokens"]:
            return FIVE_MINUTES_SECONDS
    return FIVE_MINUTES_SECONDS


def _miss(layout: _Layout, place: _Place) -> tuple[Before, Miss] | None:
    calls = layout.threads[place.thread].calls
    call = calls[place.call]
    missed = place.expected - call["cache_read_tokens"]
    if missed <= 0 or not call["is_owned"] or place.call == 0:
        return None
    previous = calls[place.call - 1]
    age = None
    if call["started_seconds"] is not None and previous["started_seconds"] is not None:
        age = call["started_seconds"] - previous["started_seconds"]
    before = Before(
        missed_tokens=missed,
        age_seconds=age,
        lifetime_seconds=_lifetime(calls, place.call),
        diagnosis=call["cache_miss_reason"],
        is_resumed=not previous["is_owned"],
        has_new_model=call["model"] != previous["model"],
        has_new_speed=call["speed"] != previous["speed"],
        has_new_version=call["client_version"] != previous["client_version"],
        has_moved_prefix=place.is_moved,
    )
    reason = explained(before)
    return None if reason is None else (before, reason)


def _assign_outputs(layout: _Layout) -> None:
    """Charge each call's output to the blocks it wrote, by their likely sizes."""
    for number, thread in enumerate(layout.threads):
        for index, call in enumerate(thread.calls):
            if not call["is_owned"]:
                continue
            output = thread.outputs[index]
            unlogged = max(output.tokens - call["output_tokens"], 0)
            items = thread.written[index]
            if items:
                slots = [
                    layout.by_item[number].get(item, -1)
                    if item in layout.by_item[number]
                    else layout.add(_Slot(number, item, thread.items[item]["kind"], -1))
                    for item in items
                ]
            elif call["output_tokens"] or unlogged:
                slots = [layout.add(_Slot(number, -1, "hidden", -1, None, first=index))]
            else:
                continue
            weights = [max(thread.sizes[item].tokens, 1) for item in items] or [1]
            standard, actual = call["standard_output_picodollars"] or 0, call["output_picodollars"] or 0
            logged_shares = proportional(call["output_tokens"], weights)
            unlogged_shares = proportional(unlogged, weights)
            for slot, logged, more in zip(slots, logged_shares, unlogged_shares, strict=True):
                entry = layout.slots[slot]
                entry.output += logged
                entry.output_content += logged * standard
                entry.output_premium += logged * (actual - standard)
                entry.unlogged += more
                entry.unlogged_content += more * actual


def _logs(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], RequestLog]:
    """Return the request log of each session whose client wrote one."""
    events: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for source, session, payload in con.execute(
        "select source_id, session_id, payload from int_ledger_log order by source_id, session_id, path, offset_bytes"
    ).fetchall():
        events[(source, session)].append(json.loads(payload))
    files = con.execute(
        "select distinct file_id from int_session_lines where (source_id, session_id) in"
        " (select (source_id, session_id) from int_ledger_log where is_request) order by file_id"
    ).fetchall()
    if files:
        # Written out, not joined: only so does the scan leave the raw lines of all other files unread.
        chosen = ", ".join(str(file_id) for (file_id,) in files)
        for source, session, raw in con.execute(
            f"select lines.source_id, lines.session_id, lines.raw from lines where lines.file_id in ({chosen})"
            " and lines.type in ('user', 'assistant', 'attachment') order by lines.file_id, lines.offset_bytes"
        ).fetchall():
            lines[(source, session)].append(json.loads(raw))
    logs = {key: RequestLog(found, [*lines[key], *found]) for key, found in events.items()}
    # A fork's copied responses name attempts in the log of the session they were copied from.
    origins: dict[str, dict[str, RequestLog]] = defaultdict(dict)
    for (source, _), log in logs.items():
        origins[source] |= dict.fromkeys(log.attempts, log)
    for (source, _), log in logs.items():
        log.origins = origins[source]
    return logs


def threads(con: duckdb.DuckDBPyConnection, densities: Densities) -> Iterator[Thread]:
    """Yield every thread of the sessions that `int_ledger_calls` and `int_ledger_items` hold."""
    logs = _logs(con)
    order = "order by source_id, session_id, thread_id"
    calls = _grouped(con, f"select * from int_ledger_calls {order}, first_block_index, call_index")
    items = _grouped(con, f"select * from int_ledger_items {order}, block_index")
    for key, rows in calls.items():
        yield read_thread(rows, items.get(key, []), densities, logs.get(key[:2]))


def _grouped(con: duckdb.DuckDBPyConnection, query: str) -> dict[tuple[str, str, str], list[Row]]:
    grouped: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for batch in con.execute(query).to_arrow_reader(50_000):
        for row in batch.to_pylist():
            grouped[(row["source_id"], row["session_id"], row["thread_id"])].append(row)
    return grouped


def build(con: duckdb.DuckDBPyConnection, densities: Densities) -> None:
    """Build the ledger's tables on `con` as temporary tables, from the models it reads."""
    tables = ledger_tables(list(threads(con, densities)))
    for name, table in tables.items():
        con.register(f"{name}_arrow", table)
        con.execute(f"create or replace temp table {name} as select * from {name}_arrow")
        con.unregister(f"{name}_arrow")


def ledger_tables(found: Sequence[Thread]) -> dict[str, pa.Table]:
    """Return the ledger of some threads, one Arrow table per name of `LEDGER_COLUMNS`."""
    if not found:
        return {name: _Columns(name).table() for name in LEDGER_COLUMNS}
    layout = _Layout(found)
    places = layout.places
    calls = [found[place.thread].calls[place.call] for place in places]
    shared = _share_prefixes(layout)
    owned = np.array([bool(call["is_owned"]) for call in calls], np.int64)
    expected = [shared.get(number, place.expected) for number, place in enumerate(places)]
    prompts = Prompts(
        _column(calls, "cache_read_tokens"),
        _column(calls, "cache_write_1h_tokens"),
        _column(calls, "cache_write_5m_tokens"),
        _column(calls, "uncached_input_tokens"),
        np.maximum(np.array(expected, np.int64), _column(calls, "cache_read_tokens")),
        _prices(calls, owned, ""),
        _prices(calls, owned, "standard_"),
        np.array([place.base for place in places], np.int64),
    )
    _assign_outputs(layout)
    sizes = np.array(layout.entry_sizes, np.int64)
    kinds = sorted({slot.kind for slot in layout.slots})
    codes = {kind: code for code, kind in enumerate(kinds)}
    entry_kinds = np.array([codes[layout.slots[slot].kind] for slot in layout.entry_slots], np.int64)
    # Copied history must not be counted where it was not billed: its tokens go, its place stays.
    paid = _only_owned(prompts, owned)
    context = request_kind_lanes(paid, sizes, entry_kinds, len(kinds))
    return {
        "ledger_lineages": _lineage_rows(layout),
        "ledger_blocks": _block_rows(layout, paid, sizes),
        "ledger_calls": _call_rows(layout, calls, expected, context),
        "ledger_context": _context_rows(layout, calls, context, kinds),
        "ledger_misses": _miss_rows(layout, calls, shared, context),
    }


def _only_owned(prompts: Prompts, owned: Ints) -> Prompts:
    return Prompts(
        prompts.cache_read * owned,
        prompts.cache_write_1h * owned,
        prompts.cache_write_5m * owned,
        prompts.uncached * owned,
        prompts.expected * owned,
        prompts.actual,
        prompts.standard,
        prompts.base,
    )


def _lineage_rows(layout: _Layout) -> pa.Table:
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
                static_tokens=_static_tokens(lineage),
            )
    return rows.table()


def _static_tokens(lineage: Lineage) -> int:
    """Return the tokens of system prompt and tools in the lineage's first layout."""
    segment = lineage.segments[0]
    return sum(
        size
        for block, size in zip(segment.blocks, segment.sizes, strict=True)
        if lineage.placed[block].kind in ("system", "tool_schema")
    )


def _block_rows(layout: _Layout, prompts: Prompts, sizes: Ints) -> pa.Table:
    entries = block_lanes(prompts, sizes)
    places = np.array(layout.entry_slots, np.int64)
    slots = layout.slots
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
        np.add.at(total, places, getattr(entries, name))
        columns[f"{name}_{'picodollars' if name in MONEY else 'tokens'}"] = total
    columns |= {
        "output_tokens": [slot.output for slot in slots],
        "output_picodollars": [slot.output_content for slot in slots],
        "output_premium_picodollars": [slot.output_premium for slot in slots],
        "unlogged_output_tokens": [slot.unlogged for slot in slots],
        "unlogged_output_picodollars": [slot.unlogged_content for slot in slots],
        "is_priced": [priced[slot.thread] for slot in slots],
    }
    return _typed({name: columns[name] for name in LEDGER_COLUMNS["ledger_blocks"]})


def _hidden_indexes(slots: Sequence[_Slot]) -> list[int | None]:
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


def _call_rows(layout: _Layout, calls: Sequence[Row], expected: Sequence[int], context: Any) -> pa.Table:
    rows = _Columns("ledger_calls")
    content, cache, premium = (getattr(context, name).sum(axis=1).tolist() for name in ("content", "cache", "premium"))
    for number, (place, call) in enumerate(zip(layout.places, calls, strict=True)):
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


def _context_rows(layout: _Layout, calls: Sequence[Row], context: Any, kinds: Sequence[str]) -> pa.Table:
    """Return request x kind, sub-calls of one response added up; only what is not zero."""
    codes = {kind: code for code, kind in enumerate(kinds)}
    shape = context.content.shape
    output, money, premium = (np.zeros(shape, np.int64) for _ in range(3))
    row_of = {(place.thread, place.call): number for number, place in enumerate(layout.places)}
    for number, thread in enumerate(layout.threads):
        for index, call in enumerate(thread.calls):
            row = row_of.get((number, index))
            if row is None or not call["is_owned"]:
                continue
            items = thread.written[index]
            weights = [max(thread.sizes[item].tokens, 1) for item in items] or [1]
            names = [thread.items[item]["kind"] for item in items] or ["hidden"]
            standard, actual = call["standard_output_picodollars"] or 0, call["output_picodollars"] or 0
            for name, share in zip(names, proportional(call["output_tokens"], weights), strict=True):
                if share and name in codes:
                    output[row, codes[name]] += share
                    money[row, codes[name]] += share * standard
                    premium[row, codes[name]] += share * (actual - standard)
    rows, columns = np.nonzero((context.tokens + output) > 0)
    callers = [calls[row] for row in rows.tolist()]
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


def _miss_rows(layout: _Layout, calls: Sequence[Row], shared: dict[int, int], context: Any) -> pa.Table:
    rows = _Columns("ledger_misses")
    excess = context.cache.sum(axis=1).tolist()
    for number, (place, call) in enumerate(zip(layout.places, calls, strict=True)):
        if not call["is_owned"]:
            continue
        common = {
            "source_id": call["source_id"],
            "session_id": call["session_id"],
            "request_id": call["request_id"],
            "excess_picodollars": excess[number] if call["output_picodollars"] is not None else None,
        }
        if number in shared:
            rows.add(
                **common,
                miss_label="K4",
                cause="prefix not shared",
                confidence="estimated",
                evidence="structure",
                missed_tokens=shared[number] - call["cache_read_tokens"],
                age_seconds=None,
                lifetime_seconds=None,
                previous_request_id=None,
            )
            continue
        found = _miss(layout, place)
        if found is None:
            continue
        before, miss = found
        rows.add(
            **common,
            miss_label=miss.label,
            cause=miss.cause,
            confidence=miss.confidence,
            evidence=miss.evidence,
            missed_tokens=before.missed_tokens,
            age_seconds=before.age_seconds,
            lifetime_seconds=before.lifetime_seconds,
            previous_request_id=layout.threads[place.thread].calls[place.call - 1]["request_id"],
        )
    return rows.table()
