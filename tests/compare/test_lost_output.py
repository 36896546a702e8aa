"""Output that the log lost: groups are told at best estimate, and no client's placeholders pass for cheaper work."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from app.comparing import as_json
from her_models.checks import checks, run_check
from her_models.compare import words
from her_models.compare.groups import Group, parse_group
from her_models.compare.nightly import changes_known
from her_models.compare.pairs import compare_pair
from her_models.compare.report import as_html, as_markdown, group_document, pair_document, pair_sentence
from her_models.compare.verdicts import GroupComparison, compare_groups
from her_models.config import Config, Source
from her_models.export import SessionKey
from her_models.ingest import ingest
from tests.compare.conftest import SOURCE, Fill
from tests.compare.test_pairs import fill_prices
from tests.lakes import SHARED, reading

OF_OUTPUT = (
    "estimated_usd",
    "estimated_per_turn_usd",
    "total_estimated_tokens",
    "total_estimated_per_turn_tokens",
    "output_estimated_per_turn_tokens",
)


def fill_work(
    fill: Fill, session_id: str, output: int, *, logged: int | None = None, error: float = 0.0, spread: float = 0.15
) -> None:
    """A session of two turns: 1,000 tokens written for an hour, and so much output, at Opus' prices 8 and 20.

    With `logged` the log holds only that; the estimate is wrong by `error`, its ends `spread` of the loss from it.
    """
    said = output if logged is None else logged
    lost = 0 if logged is None else round((output - logged) * (1 + error))
    ends = {"low": round(lost * (1 - spread)), "estimated": lost, "high": round(lost * (1 + spread))}
    billed = Decimal(8_000 + 20 * said)
    began = datetime(2026, 10, 1, 9, tzinfo=UTC) + timedelta(days=int(session_id[-2:]))
    fill(
        "session_comparison",
        {"session_id": session_id, "project": session_id[:-2], "model": "opus", "owner": "ada"}
        | {
            "started_at": began,
            "ended_at": began,
            "turns_count": 2,
            "answered_turns_count": 2,
            "requests_count": 4,
            "client_version": "2.1.39",
        }
        | {"output_tokens": said, "total_tokens": 1_000 + said, "cache_hit_ratio": 0.9}
        | {"floor_requests_count": 4 if lost else 0, "estimated_requests_count": 4 if lost else 0}
        | {f"output_{end}_tokens": said + more for end, more in ends.items()}
        | {"billed_usd": str(billed / 10**6), "estimated_usd": str((billed + 20 * lost) / 10**6)}
        | {f"estimated_{end}_usd": str((billed + 20 * ends[end]) / 10**6) for end in ("low", "high")},
    )
    parts = {"session_id": session_id, "model": "opus", "axis": "kind"}
    lanes = {"cache_excess_usd": "0", "premium_usd": "0", "fees_usd": "0"}
    fill("session_parts", {**parts, **lanes, "part": "prompt", "cache_write_1h_tokens": 1_000, "content_usd": "0.008"})
    fill(
        "session_parts",
        {**parts, **lanes, "part": "text", "output_tokens": said, "content_usd": str(Decimal(20 * said) / 10**6)},
    )


def lose_output(logs: Path) -> None:
    """Log what many clients did: the output with which a response began, and no line that says how it ended."""
    for file in logs.rglob("*.jsonl"):
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        for line in lines:
            if line.get("type") == "assistant" and (usage := line["message"].get("usage")):
                usage["output_tokens"] = 3
                usage.pop("iterations", None)
                usage.pop("output_tokens_details", None)
                line["message"]["stop_reason"] = None
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


WORK = tuple(range(800, 1_700, 75))


def compared(con: duckdb.DuckDBPyConnection, prices: str | None = None) -> GroupComparison:
    return compare_groups(con, parse_group("project=a"), parse_group("project=b"), prices_of=prices)


@pytest.mark.parametrize("prices", [None, "sonnet"])
def test_the_same_work_logged_with_placeholders_is_called_no_cheaper(
    con: duckdb.DuckDBPyConnection, fill: Fill, prices: str | None
):
    fill_prices(fill)
    for place, output in enumerate(WORK):
        fill_work(fill, f"a{place:02}", output)
        fill_work(fill, f"b{place:02}", output, logged=10, error=(-0.04, 0.05)[place % 2])
    found = compared(con, prices)
    for name in OF_OUTPUT:
        one = found.finding(name)
        assert one is not None
        assert one.verdict == "no difference shown", name
        assert one.b_logged < one.a_logged * 0.9  # as logged it would be lower by far
        assert one.a.value == one.a_logged
    output = found.finding("output_estimated_per_turn_tokens")
    assert output is not None
    assert (output.a_logged, output.b_logged) == (606.25, 5.0)
    assert found.b_estimated_usd > Decimal("1.9") * found.b_usd if prices is None else True


def test_a_difference_that_the_estimate_may_have_made_is_no_verdict_and_one_beyond_it_is(
    con: duckdb.DuckDBPyConnection, fill: Fill
):
    fill_prices(fill)
    for place in range(12):  # all told ten per cent too low, which is within the interval of the estimate
        fill_work(fill, f"a{place:02}", 1_000 + place)
        fill_work(fill, f"b{place:02}", 1_000 + place, logged=10, error=-0.1)
        fill_work(fill, f"c{place:02}", 2_000 + place, logged=10, error=-0.1)
    verdicts = {one.measure.name: one.verdict for one in compared(con).findings}
    assert {verdicts[name] for name in OF_OUTPUT} == {"output was lost"}
    assert "- Cost per turn: no verdict. It differs at best estimate (median" in as_markdown(
        group_document(compared(con))
    )
    dearer = compare_groups(con, parse_group("project=a"), parse_group("project=c"))
    assert {dearer.finding(name).verdict for name in OF_OUTPUT} == {"higher"}  # type: ignore[union-attr]


def test_what_was_logged_stands_beside_the_estimate_in_every_form(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    for place in range(5):
        fill_work(fill, f"a{place:02}", 1_000)
        fill_work(fill, f"b{place:02}", 1_000, logged=0)
    found = compared(con)
    page, text, told = as_html(group_document(found)), as_markdown(group_document(found)), as_json(found)
    for form in (page, text.replace("\\", "")):
        assert "B: project b (5 sessions, at least $0.0400, best estimate $0.14)." in form
        assert "placeholder for the output of 0 of A" in form
        assert "and of 20 of B" in form
        assert "In sum B cost $0.00 more than A at best estimate, $0.10 less as logged" in form
        assert "Medians as logged and at best estimate of the lost output" in form
    assert "at least $0.0400, best estimate $0.14" in page[page.index("<svg") :]  # the end of the waterfall
    assert (told["b_usd"], told["b_estimated_usd"]) == (Decimal("0.04"), Decimal("0.14"))
    (cost,) = [one for one in told["measures"] if one["measure"] == "estimated_usd"]
    assert (cost["b_logged_median"], cost["b"]["median"]) == pytest.approx((0.008, 0.028))
    assert words.sentence(found.findings[0]) == (
        "Cost per session: no difference shown (median $0.0280 in A, $0.0280 in B at best estimate, $0.0280 and $0.0080"
        " as logged; 95 % interval of the difference $0.00 to $0.00; 5 against 5 sessions)."
    )


def test_two_sessions_name_the_floor_and_their_steps_are_the_difference_as_logged(
    con: duckdb.DuckDBPyConnection, fill: Fill
):
    fill_prices(fill)
    fill_work(fill, "x01", 1_000)
    fill_work(fill, "x02", 1_000, logged=0)
    found = compare_pair(con, SessionKey(SOURCE, "x01"), SessionKey(SOURCE, "x02"))
    steps = sum(step.difference_picodollars for step in found.waterfalls["cause"])
    assert Decimal(steps).scaleb(-12) == found.b_usd - found.a_usd == Decimal("-0.02")
    assert (found.a_estimated_usd, found.b_estimated_usd) == (Decimal("0.028"), Decimal("0.028"))
    assert pair_sentence(found).startswith(
        "B cost $0.00 more than A at best estimate, $0.0200 less as logged: the log lost output worth $0.00 in A and"
        " $0.0200 in B. The steps add up to the difference as logged."
    )
    text = as_markdown(pair_document(found)).replace("\\", "")
    assert "B: the log holds only a placeholder for the output of 4 of 4 responses." in text
    assert "| Cost, at least | $0.0280 | $0.0080 |" in text
    assert "| Cost, best estimate | $0.0280 | $0.0280 |" in text


@pytest.mark.parametrize(
    ("wrong", "failing"),
    [
        ({}, 0),
        ({"output_estimated_tokens": 1_001}, 1),
        ({"output_high_tokens": 1_200}, 1),
        ({"estimated_usd": "0.029"}, 1),
        ({"estimated_low_usd": "0.0281"}, 1),
        ({"estimated_high_usd": "0.0279"}, 1),
    ],
)
def test_estimates_that_are_not_the_sum_of_responses_are_caught(
    con: duckdb.DuckDBPyConnection, fill: Fill, wrong: dict[str, object], failing: int
):
    tokens = {"output_tokens": 0, "output_estimated_tokens": 1_000, "output_low_tokens": 900}
    row = {"session_id": "s1", "billed_usd": "0.008", "estimated_usd": "0.028", **tokens, "output_high_tokens": 1_100}
    fill("requests", {"request_id": "r1", **row})
    fill("session_comparison", row | {"estimated_low_usd": "0.026", "estimated_high_usd": "0.03"} | wrong)
    assert run_check(con, checks()["estimates_add_up"]).failing_count == failing


def test_a_change_that_an_older_her_measured_as_logged_is_left_out(con: duckdb.DuckDBPyConnection, fill: Fill):
    at = datetime(2026, 10, 1, tzinfo=UTC)
    times = {"changed_at": at, "low_at": at, "high_at": at, "found_at": at}
    for measure in ("billed_per_turn_usd", "estimated_per_turn_usd"):
        fill("changes", {"dimension": "project", "value": "shop", "measure": measure, **times})
    assert [one.measure for one in changes_known(con)] == ["estimated_per_turn_usd"]


def is_whole(text: str) -> bool:
    """Whether a log is of clients that wrote each response's output down."""
    versions = [tuple(map(int, one.split("."))) for one in re.findall(r'"version":"(\d+\.\d+\.\d+)"', text)]
    return bool(versions) and min(versions) >= (2, 1, 100)


@pytest.mark.slow
def test_real_sessions_are_called_no_cheaper_than_themselves_without_their_output(tmp_path: Path):
    for file in (SHARED / "sessions").rglob("*.jsonl"):
        if is_whole(file.read_text(encoding="utf-8", errors="replace")):
            for side in ("whole", "lost"):
                copy = tmp_path / side / file.relative_to(SHARED / "sessions")
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)
    lose_output(tmp_path / "lost")
    config = Config(home=tmp_path / "home", sources=tuple(Source(s, "host", tmp_path / s) for s in ("whole", "lost")))
    ingest(config)
    with reading(config) as lake:
        sides = Group(person=("whole",)), Group(person=("lost",))
        unmatched = compare_groups(lake.con, *sides)
        matched = compare_groups(lake.con, *sides, match_on=("project", "model", "task"))
    assert len(unmatched.b) > 25
    assert float(unmatched.b_usd / unmatched.a_usd) < 0.9
    assert float(unmatched.b_estimated_usd / unmatched.a_estimated_usd) == pytest.approx(1, abs=0.005)
    for found in (unmatched, matched):
        verdicts = {one.measure.name: one.verdict for one in found.findings if one.measure.name in OF_OUTPUT}
        assert set(verdicts.values()) <= {"no difference shown", "not comparable", "output was lost"}, verdicts
    assert unmatched.finding("estimated_per_turn_usd").verdict == "no difference shown"  # type: ignore[union-attr]
