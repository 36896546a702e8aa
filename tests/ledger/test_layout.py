"""The layout: what the walk found, handed on; it says of each block and prompt what the ledger's tables say."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings

from her_models.config import Config
from her_models.ledger.build import ledger_tables
from her_models.ledger.layout import Layout
from her_models.ledger.position import CLASSES
from her_models.ledger.reading import session_layout
from her_models.ledger.thread import prompt_tokens
from tests.lakes import reading, row, rows
from tests.ledger.test_conservation import Rows, read, sessions


@settings(deadline=None, max_examples=50)
@given(sessions())
def test_presences_of_all_blocks_fill_every_prompt_once(given_threads: list[tuple[Rows, Rows]]) -> None:
    layout = Layout([read(pair) for pair in given_threads])
    held: dict[int, list[tuple[int, int]]] = {place: [] for place in range(len(layout.places))}
    for block in range(len(layout.blocks)):
        seen = list(layout.presence(block))
        assert len(seen) == layout.blocks[block].carried
        for presence in seen:
            held[presence.place].append((presence.low, presence.high))
    for place, intervals in held.items():
        ends = [0, *(high for _, high in sorted(intervals))]
        assert [low for low, _ in sorted(intervals)] == ends[:-1]
        assert ends[-1] == prompt_tokens(layout.call(place))


@settings(deadline=None, max_examples=50)
@given(sessions())
def test_shares_of_an_output_are_the_output_of_blocks_and_calls(given_threads: list[tuple[Rows, Rows]]) -> None:
    layout = Layout([read(pair) for pair in given_threads])
    by_block: Counter[int] = Counter()
    for thread, calls in zip(layout.threads, layout.shares, strict=True):
        for call, shares in zip(thread.calls, calls, strict=True):
            assert sum(share.tokens for share in shares) == (call["output_tokens"] if call["is_owned"] else 0)
            by_block.update({share.block: share.tokens for share in shares})
    assert [block.output for block in layout.blocks] == [by_block[block] for block in range(len(layout.blocks))]


def test_one_session_walked_anew_from_a_lake_is_the_ledger_that_was_published(demo_lake: Config) -> None:
    source, session = row(
        demo_lake, "select source_id, session_id from requests group by all order by count(*) desc, session_id limit 1"
    )
    with reading(demo_lake) as lake:
        layout = session_layout(lake, source, session)
    tables = {name: table.to_pylist() for name, table in ledger_tables(layout).items()}
    where = f"where session_id = '{session}' order by all"
    tokens = ", ".join(f"{name}_tokens" for name in CLASSES)
    published = rows(demo_lake, f"select block_index, carried_requests_count, {tokens} from blocks {where}")
    mine = [_values(found, "block_index", "carried_requests_count", *(f"{n}_tokens" for n in CLASSES))
            for found in tables["ledger_blocks"] if found["block_index"] is not None]  # fmt: skip
    assert len(mine) > 20
    assert sorted(found for found in published if found[0] in {index for index, *_ in mine}) == sorted(mine)
    costs = rows(demo_lake, f"select request_id, cast(content_usd * 1e12 as hugeint) from requests {where}")
    content: Counter[str] = Counter()
    for found in tables["ledger_calls"]:
        content[found["request_id"]] += found["content_picodollars"]
    assert dict(costs) == dict(content)


def _values(found: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(found[name] for name in names)
