"""Conservation: whatever a log says, the parts of the ledger are the bill, to the picodollar and to the token."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from her_models.ledger.build import ledger_tables
from her_models.ledger.layout import Layout
from her_models.ledger.position import CLASSES
from her_models.ledger.sizes import load_densities
from her_models.ledger.thread import Thread, read_thread
from tests.lakes import row, rows

Rows = list[dict[str, Any]]
COUNTERS = ("cache_read_tokens", "cache_write_1h_tokens", "cache_write_5m_tokens", "uncached_input_tokens")
NUMBERS = {"slot_index", "entry_index", "place_index", "output_place_index", "segment_index", "base_tokens"}
PRICES = ("cache_read", "cache_write_1h", "cache_write_5m", "input")
DENSITIES = load_densities()

# Picodollars per token: read, write for an hour, write for five minutes, input, output. Standard, then as paid.
STANDARD = (500_000, 10_000_000, 6_250_000, 5_000_000, 25_000_000)
DEARER = (1_000_000, 20_000_000, 12_500_000, 10_000_000, 37_500_000)  # long-context band, or fast
LATER = (300_000, 6_000_000, 3_750_000, 3_000_000, 15_000_000)  # after a price change


def prices(paid: tuple[int, ...] | None, standard: tuple[int, ...] | None) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for kind, rates in (("", paid), ("standard_", standard)):
        for place, name in enumerate((*PRICES, "output")):
            found[f"{kind}{name}_picodollars"] = rates[place] if rates else None
    return found


RATES = (
    prices(STANDARD, STANDARD),
    prices(DEARER, STANDARD),
    prices(LATER, LATER),
    prices(None, None),
)


@st.composite
def thread_rows(draw: st.DrawFn, thread_id: str = "", session_id: str = "one") -> tuple[Rows, Rows]:
    """Return call rows and item rows of one thread, as `int_ledger_calls` and `int_ledger_items` would give them."""
    calls: Rows = []
    items: Rows = []
    names = [f"{session_id}{thread_id}u{number}" for number in range(40)]
    inherited = draw(st.integers(0, 2))
    clock = float(draw(st.integers(0, 50)))
    prompt = draw(st.sampled_from([0, 500, 20_000]))

    def put(kind: str, turn: int, request: str | None, cut: bool = False) -> None:
        number = len(items)
        is_prompt = kind == "prompt"
        items.append(
            {
                "source_id": "s", "session_id": session_id, "thread_id": thread_id, "block_index": number,
                "line_block_index": 0, "turn_index": turn, "uuid": names[number % len(names)],
                "parent_uuid": draw(st.sampled_from([None, *(i["uuid"] for i in items)])) if is_prompt else None,
                "is_prompt": is_prompt, "is_clear": cut,
                "is_compact": draw(st.integers(0, 12)) == 0, "request_id": request, "logged_seconds": clock,
                "kind": kind,
                "tool_name": draw(st.sampled_from([None, "Read", "Bash", "Edit", "mcp__x__y"])), "path": None,
                "text_bytes": draw(st.integers(0, 4_000)), "signature_bytes": draw(st.sampled_from([0, 0, 900])),
                "parameters_count": 1, "image_width": None, "image_height": None,
            }
        )  # fmt: skip

    for number in range(draw(st.integers(1, 7))):
        fresh = st.lists(st.sampled_from(["prompt", "tool_result", "reminder", "image"]), max_size=3)
        for kind in draw(fresh):
            put(kind, number, None, cut=draw(st.integers(0, 12)) == 0)
        if draw(st.integers(0, 9)) == 0:
            put("compact_summary", number, None)
        first_block = len(items)
        request = f"{session_id}{thread_id}r{number}"
        # Parallel calls are blocks of one response; a response may also have left no block at all.
        for kind in draw(st.lists(st.sampled_from(["thinking", "text", "tool_call", "tool_call"]), max_size=4)):
            put(kind, number, request)
        rates = draw(st.sampled_from(RATES))
        for sub_call in range(1, draw(st.sampled_from([1, 1, 1, 2])) + 1):
            # Growth, a little shrinking, and now and then a collapse.
            prompt = max(0, prompt + draw(st.sampled_from([-30_000, -900, -200, 0, 7, 400, 3_000, 90_000])))
            ends = sorted(draw(st.lists(st.integers(0, prompt), min_size=3, max_size=3)))
            if draw(st.booleans()):
                ends[0] = min(prompt, prompt - draw(st.integers(0, min(prompt, 500))))
                ends = sorted(ends)
            clock += draw(st.sampled_from([1.0, 299.0, 301.0, 4_000.0]))
            calls.append(
                {
                    "source_id": "s", "session_id": session_id, "thread_id": thread_id, "request_id": request,
                    "call_index": sub_call, "first_block_index": first_block, "is_owned": number >= inherited,
                    "project": "p", "agent_type": "", "turn_index": number,
                    "model": draw(st.sampled_from(["claude-opus-4-5", "claude-opus-5-5", None])),
                    "speed": draw(st.sampled_from(["standard", "fast"])), "client_version": "2.1.1",
                    "started_seconds": draw(st.sampled_from([clock, clock, None])),
                    "cache_read_tokens": ends[0], "cache_write_1h_tokens": ends[1] - ends[0],
                    "cache_write_5m_tokens": ends[2] - ends[1], "uncached_input_tokens": prompt - ends[2],
                    "output_tokens": draw(st.integers(0, 900)), "thinking_tokens": draw(st.sampled_from([None, 40])),
                    "is_complete": draw(st.booleans()),
                    "cache_miss_reason": draw(st.sampled_from([None, "tools_changed"])),
                    "web_search_count": draw(st.integers(0, 2)) if sub_call == 1 else 0,
                    "web_search_picodollars": 10_000_000_000, "request_ref": None, **rates,
                }
            )  # fmt: skip
    return calls, items


def read(given_rows: tuple[Rows, Rows]) -> Thread:
    calls, items = given_rows
    return read_thread(calls, items, DENSITIES, None)


def billed(call: dict[str, Any]) -> int | None:
    """Return a call's bill, by tokens times price plus fees; nothing of the ledger is used."""
    if call["output_picodollars"] is None:
        return None
    prompt = sum(call[tokens] * call[f"{price}_picodollars"] for tokens, price in zip(COUNTERS, PRICES, strict=True))
    fees = call["web_search_count"] * call["web_search_picodollars"]
    return int(prompt + call["output_tokens"] * call["output_picodollars"] + fees)


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[Rows, Rows]]:
    return [draw(thread_rows(thread_id=name)) for name in ("", "a", "b")[: draw(st.integers(1, 3))]]


def situations(layout: Layout) -> Iterator[str]:
    """Name what happens in some threads, as the ledger sees it."""
    for place, expected in zip(layout.places, layout.expected.tolist(), strict=True):
        thread = layout.threads[place.thread]
        call, read = thread.calls[place.call], thread.calls[place.call]["cache_read_tokens"]
        if call["is_owned"] and read < expected:
            yield "partial miss" if read else "full miss"
        if [thread.items[item]["kind"] for item in thread.written[place.call]].count("tool_call") > 1:
            yield "parallel calls"
        if place.call == 0:
            continue
        before = thread.calls[place.call - 1]
        if call["is_owned"] and not before["is_owned"]:
            yield "fork"
        if call["model"] != before["model"]:
            yield "model switch"
        standards = {each["standard_input_picodollars"] for each in (before, call)} - {None}
        if len(standards) == 2:
            yield "price change"
        if len(standards) == 1 and None not in (call["input_picodollars"], before["input_picodollars"]):
            yield "band crossing" if call["input_picodollars"] != before["input_picodollars"] else "same price"
    for thread in layout.threads:
        yield from (lineage.cut for lineage in thread.lineages)
        if any(segment.requests for lineage in thread.lineages for segment in lineage.segments[1:]):
            yield "something left the context"


def test_random_lineages_hold_every_situation_that_the_law_must_survive() -> None:
    seen: set[str] = set()

    @settings(deadline=None, max_examples=150, phases=[Phase.generate], database=None, derandomize=True)
    @given(sessions())
    def collect(given_threads: list[tuple[Rows, Rows]]) -> None:
        seen.update(situations(Layout([read(pair) for pair in given_threads])))

    collect()
    assert seen >= {
        "full miss", "partial miss", "parallel calls", "fork", "rewind", "compact", "clear", "collapse",
        "band crossing", "price change", "model switch", "something left the context",
    }  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(sessions())
def test_lanes_kinds_and_blocks_are_the_bill_of_every_call(given_threads: list[tuple[Rows, Rows]]) -> None:
    tables = {
        name: table.to_pylist() for name, table in ledger_tables(Layout([read(pair) for pair in given_threads])).items()
    }
    owned = [call for calls, _ in given_threads for call in calls if call["is_owned"]]

    costs = {(row["request_id"], row["call_index"]): row for row in tables["ledger_calls"]}
    assert sorted(costs) == sorted((call["request_id"], call["call_index"]) for call in owned)
    for call in owned:
        row = costs[call["request_id"], call["call_index"]]
        lanes = [row[f"{lane}_picodollars"] for lane in ("content", "cache", "premium", "fees")]
        assert (None if None in lanes else sum(lanes)) == billed(call) == row["billed_picodollars"]

    for request in {call["request_id"] for call in owned}:
        mine = [call for call in owned if call["request_id"] == request]
        kinds = [row for row in tables["ledger_context"] if row["request_id"] == request]
        for name, counter in zip(CLASSES, COUNTERS, strict=True):
            assert sum(row[f"{name}_tokens"] for row in kinds) == sum(call[counter] for call in mine)
        assert sum(row["output_tokens"] for row in kinds) == sum(call["output_tokens"] for call in mine)

    for name, counter in zip((*CLASSES, "output"), (*COUNTERS, "output_tokens"), strict=True):
        in_blocks = sum(row[f"{name}_tokens"] for row in tables["ledger_blocks"])
        assert in_blocks == sum(call[counter] for call in owned)
    missed = [key for key, cost in costs.items() if cost["missed_tokens"]]
    labelled = tables["ledger_misses"]
    assert sorted(miss["request_id"] for miss in labelled) == sorted(request for request, _ in missed)
    assert min((miss["missed_tokens"] for miss in labelled), default=1) > 0
    assert sum(miss["excess_picodollars"] or 0 for miss in labelled) == sum(
        cost["cache_picodollars"] or 0 for cost in costs.values()
    )
    money = ("content", "cache", "premium", "output", "output_premium")
    for table in ("ledger_blocks", "ledger_context"):
        total = sum(row[f"{lane}_picodollars"] for row in tables[table] for lane in money)
        fees = sum(row["fees_picodollars"] or 0 for row in tables["ledger_calls"])
        assert total + fees == sum(billed(call) or 0 for call in owned)
        counts = [value for row in tables[table] for key, value in row.items() if key.endswith("_tokens")]
        assert min((count for count in counts if count is not None), default=0) >= 0


@settings(deadline=None, max_examples=50)
@given(sessions(), st.randoms(use_true_random=False))
def test_threads_in_another_order_give_the_same_ledger(
    given_threads: list[tuple[Rows, Rows]], dice: random.Random
) -> None:
    shuffled = list(given_threads)
    dice.shuffle(shuffled)
    ours, theirs = (ledger_tables(Layout([read(pair) for pair in pairs])) for pairs in (given_threads, shuffled))
    for name, table in ours.items():
        assert sorted(map(repr, _unnumbered(table))) == sorted(map(repr, _unnumbered(theirs[name]))), name


def _unnumbered(table: Any) -> Rows:
    """Return a table's rows without the numbers that say where on the common line they lie."""
    return table.drop_columns([name for name in table.column_names if name in NUMBERS]).to_pylist()


@settings(deadline=None, max_examples=50)
@given(thread_rows(), thread_rows(session_id="two"))
def test_a_session_costs_the_same_whatever_is_computed_with_it(
    first: tuple[Rows, Rows], second: tuple[Rows, Rows]
) -> None:
    together = ledger_tables(Layout([read(first), read(second)]))
    alone = [ledger_tables(Layout([read(pair)])) for pair in (first, second)]
    for name, table in together.items():
        apart = [found for tables in alone for found in _unnumbered(tables[name])]
        assert sorted(map(repr, _unnumbered(table))) == sorted(map(repr, apart)), name


LANES_THAT_DIFFER = """
    select request_id from requests
    where content_usd + cache_excess_usd + premium_usd + fees_usd is distinct from billed_usd
"""
KINDS_THAT_DIFFER = """
    select requests.request_id
    from requests
    left join request_context as kinds
        on requests.source_id = kinds.source_id and requests.request_id = kinds.request_id
    group by all
    having
        coalesce(sum(kinds.cache_read_tokens), 0) <> any_value(requests.cache_read_tokens)
        or coalesce(sum(kinds.cache_write_1h_tokens), 0) <> any_value(requests.cache_write_1h_tokens)
        or coalesce(sum(kinds.cache_write_5m_tokens), 0) <> any_value(requests.cache_write_5m_tokens)
        or coalesce(sum(kinds.uncached_tokens), 0) <> any_value(requests.uncached_input_tokens)
        or coalesce(sum(kinds.output_tokens), 0) <> any_value(requests.output_tokens)
        or coalesce(sum(kinds.content_usd + kinds.cache_excess_usd + kinds.premium_usd), 0)
        <> any_value(coalesce(requests.billed_usd - requests.fees_usd, 0))
"""
BLOCKS_BESIDE_THE_BILL = """
    select
        (select sum(lifetime_usd) from blocks) - (select sum(billed_usd - fees_usd) from requests),
        (select sum(caused_usd) - sum(incurred_usd) from turns)
"""


MISSES_BESIDE_THE_LANE = """
    select
        (select coalesce(sum(excess_usd), 0) from cache_misses) - (select sum(cache_excess_usd) from requests),
        (select count(*) from cache_misses) - (select count(*) from requests where missed_tokens > 0),
        (select count(*) from cache_misses where missed_tokens <= 0)
"""


@pytest.mark.parametrize("logs", ["sessions_lake", "ground_truth_lake", "demo_lake"])
def test_every_request_of_whole_sessions_is_divided_without_remainder(
    logs: str, request: pytest.FixtureRequest
) -> None:
    config = request.getfixturevalue(logs)
    assert row(config, "select count(*) > 0 from requests") == (True,)
    assert rows(config, LANES_THAT_DIFFER) == []
    assert rows(config, KINDS_THAT_DIFFER) == []
    assert row(config, BLOCKS_BESIDE_THE_BILL) == (0, 0)
    assert row(config, MISSES_BESIDE_THE_LANE) == (0, 0, 0)
