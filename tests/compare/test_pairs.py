"""Two sessions side by side: the steps from one bill to the other add up to the difference, and name what differs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import numpy as np
import pytest

from app import terminal
from app.comparing import as_json, draw
from her_models.compare import waterfall
from her_models.compare.pairs import compare_pair
from her_models.compare.report import as_markdown, pair_document, pair_sentence, turns_grid
from her_models.config import Config
from her_models.errors import QueryError
from her_models.export import SessionKey
from tests.compare.conftest import SOURCE, Fill
from tests.lakes import reading

A, B = SessionKey(SOURCE, "a"), SessionKey(SOURCE, "b")
NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)


def fill_prices(fill: Fill) -> None:
    """Opus: 4 in, 5 and 8 written, 0.2 read, 20 out, dollars per million tokens; Sonnet half of that."""
    for model, scale in (("opus", 2), ("sonnet", 1)):
        prices = {
            "input": 2_000_000,
            "cache_write_5m": 2_500_000,
            "cache_write_1h": 4_000_000,
            "cache_read": 100_000,
            "output": 10_000_000,
        }
        fill(
            "prices",
            {"model": model, "speed": "standard", "geography": "global", "tier": "standard", "price_id": f"{model} 1"}
            | {"valid_from": datetime(2026, 1, 1, tzinfo=UTC), "prompt_above_tokens": 0}
            | {f"standard_{name}_picodollars": price * scale for name, price in prices.items()},
        )


def fill_session(fill: Fill, session_id: str, model: str, billed: str, *parts: dict[str, object]) -> None:
    fill(
        "session_comparison",
        {"session_id": session_id, "model": model, "billed_usd": billed, "ended_at": NOON, "requests_count": 1},
    )
    for part in parts:
        lanes = {"content_usd": "0", "cache_excess_usd": "0", "premium_usd": "0", "fees_usd": "0"}
        fill("session_parts", {"session_id": session_id, "model": model, "axis": "kind", **lanes, **part})


def test_a_file_read_again_and_a_missed_cache_are_named_with_what_they_cost(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    prompt = {"part": "prompt", "cache_write_1h_tokens": 100, "content_usd": "0.0008"}
    fill_session(fill, "a", "opus", "0.0008", prompt)
    fill_session(
        fill,
        "b",
        "opus",
        "0.00236",
        prompt,
        {"part": "tool_result", "cache_write_1h_tokens": 100, "missed_1h_tokens": 0, "content_usd": "0.0008"},
        {"part": "text", "cache_write_1h_tokens": 95, "missed_1h_tokens": 95, "content_usd": "0.000019"}
        | {"cache_excess_usd": "0.000741"},
        {"axis": "cache", "part": "K1", "missed_1h_tokens": 95, "cache_excess_usd": "0.000741"},
    )
    found = compare_pair(con, A, B)
    told = {step.name: step.difference_picodollars for step in found.waterfalls["cause"]}
    assert told == {
        "content:prompt": 0,
        "content:tool_result": 800_000_000,
        "content:text": 19_000_000,
        "cache:K1": 741_000_000,
    }
    assert found.b_usd - found.a_usd == Decimal("0.00156")


def written(tokens: int, **also: str) -> dict[str, object]:
    """Tokens written for an hour, which cost 8 US dollars a million."""
    return {"cache_write_1h_tokens": tokens, "content_usd": str(Decimal(tokens) * 8 / 10**6), **also}


def test_what_a_label_names_best_is_told_and_shown_by_label(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_session(fill, "a", "opus", "0.001", written(125, part="prompt"), written(125, axis="label", part="S"))
    fill_session(
        fill,
        "b",
        "opus",
        "0.002",
        *(written(125, part="prompt"), written(100, part="tool_result"), written(25, part="tool_call")),
        *(written(130, axis="label", part="S"), written(120, axis="label", part="C5")),
    )
    found = compare_pair(con, A, B)
    assert found.telling_view == "label"
    assert pair_sentence(found) == (
        "B cost $0.0010 more than A. Largest steps: Unchanged files read again (C5) +$0.0010; Useful +< $0.0001."
    )
    assert pair_document(found).sections[1].grids[0].note.startswith("By label")


def test_the_same_work_by_a_dearer_model_is_a_step_of_prices_alone(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    tokens = {"part": "prompt", "cache_write_1h_tokens": 100, "output_tokens": 10}
    fill_session(fill, "a", "sonnet", "0.0005", {**tokens, "content_usd": "0.0005"})
    fill_session(fill, "b", "opus", "0.001", {**tokens, "content_usd": "0.001"})
    told = {s.name: s.difference_picodollars for s in compare_pair(con, A, B).waterfalls["cause"]}
    assert told == {"prices:opus": 500_000_000, "content:prompt": 0}
    at_one_list = compare_pair(con, A, B, prices_of="opus")
    assert (at_one_list.a_usd, at_one_list.b_usd) == (Decimal("0.001"), Decimal("0.001"))


def test_tokens_of_two_tokenizers_are_not_compared_silently(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_session(fill, "a", "claude-opus-4-5", "0.1", {"part": "prompt", "content_usd": "0.1"})
    fill_session(fill, "b", "claude-opus-5-5", "0.2", {"part": "prompt", "content_usd": "0.2"})
    assert any("count tokens differently" in note for note in compare_pair(con, A, B).notes)


def test_clear_is_no_turn_that_stands_beside_another_clear(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    clear = "<command-name>/clear</command-name>"
    for session_id in ("a", "b"):
        fill_session(fill, session_id, "opus", "0", written(0))
        fill("turns", {"session_id": session_id, "turn_index": 0, "prompt": clear})
        fill("turns", {"session_id": session_id, "turn_index": 1, "prompt": "Mend the till", "requests_count": 1})
    found = [(turn.likeness_ratio, turn.a and turn.a["turn_index"]) for turn in compare_pair(con, A, B).turns]
    assert found == [(None, 0), (None, None), (1.0, 1)]


def test_a_session_without_a_price_cost_an_unknown_amount_and_not_none(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_session(fill, "a", "opus", "0.0008", {"part": "text", **written(100)})
    fill_session(fill, "b", "unheard-of", "0", {"part": "text", "cache_write_1h_tokens": 50, "content_usd": None})
    con.execute("update session_comparison set billed_usd = null, unpriced_requests_count = 1 where session_id = 'b'")
    found = compare_pair(con, A, B)
    told = as_json(found)
    assert [told[f"{name}_usd"] for name in ("a", "b", "difference")] == [Decimal("0.0008"), None, None]
    assert [told[f"{name}_estimated_usd"] for name in ("b", "difference")] == [None, None]
    assert told["steps"] == {view: [] for view in waterfall.VIEWS}
    page = as_markdown(pair_document(found))
    assert "What B cost is unknown: no response there has a price." in page
    assert "| Cost | \\$0.0008 | unknown |" in page
    assert not re.search(r"\d (more|less) than A|\$0\.00\b", page)
    at_list = as_json(compare_pair(con, A, B, prices_of="opus"))
    assert at_list["b_usd"] == Decimal("0.0004")


def test_what_to_mind_about_two_sessions_stands_first(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_session(fill, "a", "claude-opus-4-5", "0.1")
    fill_session(fill, "b", "claude-opus-5-5", "0.1")
    found = compare_pair(con, A, B)
    assert len(found.notes) == 2
    assert pair_document(found).sections[0].sentences[-2:] == found.notes
    with terminal.screen.capture() as drawn:
        draw(pair_document(found))
    assert "count tokens differently" in drawn.get()


def test_turns_are_counted_from_one_and_what_came_before_them_is_named(con: duckdb.DuckDBPyConnection, fill: Fill):
    for session_id in ("a", "b"):
        fill_session(fill, session_id, "opus", "0", written(0))
        fill("turns", {"session_id": session_id, "turn_index": -1}, {"session_id": session_id, "turn_index": 0})
    rows = turns_grid(compare_pair(con, A, B).turns).rows
    assert [(row[0], row[2], row[5]) for row in rows] == [
        ("Before the first prompt", "", ""),
        ("", "1", ""),
        ("Before the first prompt", "", ""),
        ("", "", "1"),
    ]


def test_a_session_without_a_bill_of_its_own_is_refused(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_session(fill, "a", "opus", "0.1")
    with pytest.raises(QueryError, match="Session b was billed nothing of its own"):
        compare_pair(con, A, B)


def test_a_model_without_a_price_is_no_price_list(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_session(fill, "a", "opus", "0.1")
    fill_session(fill, "b", "opus", "0.1")
    fill_prices(fill)
    with pytest.raises(QueryError, match=r"There is no price for 'gpt-2' .* Those with a price: opus, sonnet\."):
        compare_pair(con, A, B, prices_of="gpt-2")


def test_steps_add_up_on_every_pair_of_real_sessions(sessions_lake: Config):
    """Rows add up to bills, at any price list: so do the differences of any two of them."""
    with reading(sessions_lake) as lake:
        rows = lake.con.execute(
            "select source_id, session_id, coalesce(billed_usd, 0), model from session_comparison order by 2"
        ).fetchall()
        parts = waterfall.read_parts(lake.con, [row[:2] for row in rows])
        billed = np.array([int(row[2].scaleb(12)) for row in rows])
        models = sorted({row[3] for row in rows})
        lists = [row for model in models if (row := waterfall.price_row(lake.con, model, None))]
    assert len(rows) > 100
    assert len(lists) > 5
    pairs = billed[None, :] - billed[:, None]
    for view in waterfall.VIEWS:
        as_billed = waterfall.sheet(parts, view)
        for row in lists:  # whatever A's price list is, B's steps with the step of prices are B's bill
            told = waterfall.sheet(parts, view, prices=dict.fromkeys(parts.models_by_tokens(), row))
            a, b = waterfall.aligned(as_billed, told)
            difference = b.values[None, :, :] - a.values[:, None, :]
            assert (difference.sum(axis=2) == pairs).all()
