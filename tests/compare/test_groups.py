"""Groups: read as written, compared with verdicts that are earned, refused where they are not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.comparing import as_json
from her_models.compare import charts, words
from her_models.compare.groups import EmptyGroup, Group, before_and_after, parse_group, read_group
from her_models.compare.report import answer_section, as_html, as_markdown, group_document
from her_models.compare.statistics import Interval
from her_models.compare.verdicts import MEASURES, GroupComparison, apart_in_words, compare_groups
from her_models.errors import QueryError
from tests.compare.conftest import Fill
from tests.compare.test_pairs import fill_prices

WORDS = st.text(st.characters(codec="ascii", exclude_categories=["C"], exclude_characters=","), min_size=1, max_size=8)
VALUES = st.lists(WORDS, max_size=2, unique=True).map(tuple)


def test_a_group_is_read_as_written():
    found = parse_group("project=shop,till person=ada model=claude-opus-5 prompt='fix the' since=2026-11-01")
    assert found == Group(("shop", "till"), ("ada",), ("claude-opus-5",), prompt="fix the", since=date(2026, 11, 1))
    assert found.in_words() == (
        "project shop,till, person ada, model claude-opus-5, first prompt with fix the, since 2026-11-01"
    )


@given(VALUES, VALUES, WORDS, st.none() | st.dates())
def test_what_is_written_is_read_back(projects, branches, prompt, until):
    group = Group(project=projects, branch=branches, prompt=prompt, until=until)
    assert parse_group(str(group)) == group


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour=red", "'colour=red' is no condition of a group"),
        ("project", "'project' is no condition"),
        ("project=a project=b", "'project' stands twice"),
        ("since=yesterday", "since='yesterday' is neither a day nor a moment nor a commit"),
        ("until=2026-11-01T25:00", "until='2026-11-01T25:00' is neither"),
        ("since=3f2a9c1", "'3f2a9c1' is not a day"),
        ("prompt='open", "cannot be read"),
    ],
)
def test_what_is_no_group_is_explained(text, said):
    with pytest.raises(QueryError, match=said):
        parse_group(text)


def test_before_and_after_leave_no_day_out():
    before, after = before_and_after(Group(project=("shop",)), date(2026, 11, 3))
    assert (before.until, after.since) == (date(2026, 11, 2), date(2026, 11, 3))


def test_a_moment_is_in_the_given_zone_and_a_commit_is_the_moment_it_was_made():
    moment = datetime(2026, 11, 3, 13, 30, tzinfo=UTC)
    how = {"time_zone": "Europe/Berlin", "moment_of": {"3f2a9c1": moment}.__getitem__}
    found = parse_group("since=2026-11-03T14:30 until=3f2a9c1", **how)
    assert (found.since, found.until) == (moment, moment)
    assert parse_group(str(found)) == found
    assert found.in_words() == "2026-11-03 13:30 UTC to 2026-11-03 13:30 UTC"
    assert parse_group("since=20261103").since == date(2026, 11, 3)


def test_before_and_after_a_moment_part_the_sessions_of_its_day(con: duckdb.DuckDBPyConnection, fill: Fill):
    for hour in (9, 12, 15):
        fill("session_comparison", {"session_id": f"at{hour}", "started_at": datetime(2026, 11, 3, hour, tzinfo=UTC)})
    sides = before_and_after(Group(), datetime(2026, 11, 3, 12, tzinfo=UTC))
    assert [read_group(con, side, "UTC").column("session_id") for side in sides] == [["at9"], ["at12", "at15"]]


def test_a_pattern_between_slashes_finds_prompts_and_one_that_is_none_is_explained(
    con: duckdb.DuckDBPyConnection, fill: Fill
):
    for name, prompt in (("s1", "Fix the till"), ("s2", "mend it"), ("s3", "please fix it")):
        fill("session_comparison", {"session_id": name, "prompt": prompt})
    found = read_group(con, parse_group("prompt='/^(fix|mend) /'"), "UTC")
    assert found.column("session_id") == ["s1", "s2"]
    with pytest.raises(QueryError, match=r"prompt='/\(/' is no pattern \(missing \): \(\)"):
        read_group(con, parse_group("prompt=/(/"), "UTC")


def fill_sessions(fill: Fill, project: str, costs: list[float], *, model: str = "opus", first: int = 0) -> None:
    """One session a day, of two turns, that cost so many US dollars: output at 20 (Sonnet 10) per million tokens."""
    per_dollar = 100_000 if model == "sonnet" else 50_000
    for place, cost in enumerate(costs):
        began = datetime(2026, 10, 1, 9, tzinfo=UTC) + timedelta(days=first + place)
        session_id = f"{project}-{place:03}"
        fill(
            "session_comparison",
            {"session_id": session_id, "project": project, "model": model, "owner": "ada", "client_version": "2.1.300"}
            | {
                "started_at": began,
                "ended_at": began + timedelta(hours=1),
                "turns_count": 2,
                "answered_turns_count": 2,
                "requests_count": 4,
            }
            | {"billed_usd": str(cost), "cache_hit_ratio": 0.9, "error_ratio": 0.0, "prompt": f"Mend thing {place}"}
            | {
                "total_tokens": round(cost * per_dollar),
                "active_seconds": 60.0,
            },
        )
        part = {"session_id": session_id, "model": model, "axis": "kind", "part": "text"}
        lanes = {"content_usd": str(cost), "cache_excess_usd": "0", "premium_usd": "0", "fees_usd": "0"}
        fill("session_parts", {**part, **lanes, "output_tokens": round(cost * per_dollar)})


def compared(
    con: duckdb.DuckDBPyConnection, a: str = "project=a", b: str = "project=b", **how: object
) -> GroupComparison:
    return compare_groups(con, parse_group(a), parse_group(b), **how)  # type: ignore[arg-type]


def test_a_dearer_group_is_called_dearer_with_interval_and_number(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_sessions(fill, "a", [1.0, 1.1, 1.2, 0.9, 0.8, 1.0, 1.05, 0.95])
    fill_sessions(fill, "b", [2.0, 2.1, 2.2, 1.9, 1.8, 2.0, 2.05, 1.95, 2.02, 1.98])
    found = compared(con)
    cost = found.finding("estimated_per_turn_usd")
    assert cost is not None
    assert (cost.a.value, cost.b.value, cost.difference.value) == pytest.approx((0.5, 1.0, 0.5))
    assert (cost.a_count, cost.b_count, cost.effect, cost.verdict, cost.is_better) == (8, 10, 1.0, "higher", False)
    assert cost.difference.low <= 0.5 <= cost.difference.high
    hits = found.finding("cache_hit_ratio")
    assert hits is not None
    assert hits.verdict == "no difference shown"


def test_steps_of_groups_begin_with_their_number_and_add_up(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_sessions(fill, "a", [1.0] * 6)
    fill_sessions(fill, "b", [2.0] * 9)
    found = compared(con)
    assert (found.a_usd, found.b_usd) == (Decimal(6), Decimal(18))
    told = {one.step.name: one.step.difference_picodollars for one in found.steps["cause"]}
    assert told == {"sessions": 3 * 10**12, "content:text": 9 * 10**12}
    (text,) = [one for one in found.steps["cause"] if one.step.lane == "content"]
    assert (text.low, text.high) == (9e12, 9e12)


def test_a_group_without_a_price_cost_an_unknown_amount_and_not_none(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_sessions(fill, "a", [1.0] * 6)
    fill_sessions(fill, "b", [2.0] * 6)
    con.execute("update session_comparison set billed_usd = null where project = 'b'")
    con.execute("update session_parts set content_usd = null where starts_with(session_id, 'b')")
    found = compared(con)
    told = as_json(found)
    assert (told["a_usd"], told["b_usd"], told["difference_usd"]) == (Decimal(6), None, None)
    page = as_markdown(group_document(found))
    assert "B: project b (6 sessions, cost unknown)." in page
    assert "What B cost is unknown" in page
    assert "In sum B cost" not in page


def test_fewer_than_five_sessions_get_no_verdict(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 4)
    fill_sessions(fill, "b", [9.0] * 20)
    found = compared(con)
    assert {one.verdict for one in found.findings} == {"too few sessions"}
    assert not found.is_large_enough
    assert any(note.startswith("No verdict: A has 4 and B has 20 sessions") for note in found.notes)


def test_tokens_of_two_tokenizers_get_no_verdict_and_dollars_do(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0, 1.1, 1.2, 1.3, 1.4, 1.5], model="claude-opus-4-5")
    fill_sessions(fill, "b", [3.0, 3.1, 3.2, 3.3, 3.4, 3.5], model="claude-opus-5-5")
    found = compared(con)
    verdicts = {one.measure.name: one.verdict for one in found.findings}
    assert (verdicts["total_estimated_tokens"], verdicts["estimated_usd"]) == ("not comparable", "higher")
    assert any("count tokens differently" in note for note in found.notes)
    assert any("claude-opus-4-5 is 100% of A and 0% of B" in note for note in found.notes)


def test_at_one_price_list_twice_the_tokens_cost_twice(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_sessions(fill, "a", [1.0, 1.2, 1.4, 1.6, 1.8, 2.0])
    # Half the price: twice the tokens for the same bill.
    fill_sessions(fill, "b", [1.0, 1.2, 1.4, 1.6, 1.8, 2.0], model="sonnet")
    as_billed = compared(con)
    told = {one.step.name: one.step.difference_picodollars for one in as_billed.steps["cause"]}
    assert told == {"prices:sonnet": -9 * 10**12, "content:text": 9 * 10**12}
    at_list = compared(con, prices_of="sonnet")
    assert (at_list.a_usd, at_list.b_usd) == (Decimal("4.5"), Decimal(9))


def test_sessions_are_paired_by_project_and_prompt_and_the_rest_is_dropped(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6])
    fill_sessions(fill, "b", [2.0, 2.1, 2.2, 2.3, 2.4])
    found = compared(con, match_on=("task",))
    assert found.matching is not None
    assert found.a.column("prompt") == found.b.column("prompt")
    assert (len(found.matching), found.matching.dropped_a_count, found.matching.dropped_b_count) == (5, 2, 0)
    cost = found.finding("estimated_usd")
    assert cost is not None
    assert cost.difference.value == pytest.approx(1.0)
    assert cost.effect == 1.0
    assert "Dropped, as nothing like them is on the other side: 2 sessions of A, 0 of B." in " ".join(found.notes)
    told = as_json(found)["matching"]
    assert [(pair["a"]["session_id"], pair["b"]["session_id"], pair["likeness_ratio"]) for pair in told["pairs"]] == [
        (f"a-00{place}", f"b-00{place}", 1.0) for place in range(5)
    ]
    assert ([one["session_id"] for one in told["dropped_a"]], told["dropped_b"]) == (["a-005", "a-006"], [])
    assert len(compared(con, match_on=("project",)).a) == 0


def test_a_session_of_client_commands_alone_is_in_no_pair_of_tasks(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0, 1.1])
    fill_sessions(fill, "b", [2.0, 2.1])
    con.execute("update session_comparison set prompt = null where ends_with(session_id, '1')")
    found = compared(con, match_on=("task",))
    assert found.matching is not None
    assert [key[1] for key in (*found.a.keys, *found.b.keys)] == ["a-000", "b-000"]
    assert found.matching.in_words() == (
        "Matched on similar first prompt: 1 pair. Dropped, as nothing like them is on the other side: 1 session of A,"
        " 1 of B. 2 of them have no prompt but commands of the client, and so no task. Median likeness of the prompts"
        " 100%."
    )


def test_sessions_in_both_groups_are_left_out_and_empty_groups_explained(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 6)
    fill_sessions(fill, "b", [1.0] * 6)
    with pytest.raises(EmptyGroup, match=r"No session is in B \(project nowhere\)"):
        compared(con, b="project=nowhere")
    with pytest.raises(EmptyGroup, match="have 6 sessions in common"):
        compared(con, "project=a", "project=a")
    found = compared(con, "project=a", "until=2026-10-03")
    assert (len(found.a), len(found.b)) == (3, 3)
    assert "3 sessions are in both groups and were left out of both." in found.notes


@pytest.mark.parametrize(("tokens", "verdict"), [(18_100, "no difference shown"), (18_200, "higher")])
def test_system_prompt_and_tools_differ_by_a_hundredth_or_not_at_all(
    con: duckdb.DuckDBPyConnection, fill: Fill, tokens: int, verdict: str
):
    fill_sessions(fill, "a", [1.0] * 8)
    fill_sessions(fill, "b", [1.0] * 8)
    con.execute(f"update session_comparison set static_tokens = if(project = 'a', 18000, {tokens})")
    found = compared(con).finding("static_tokens")
    assert found is not None
    assert (found.p_corrected < 0.05, found.difference.is_clear, found.verdict) == (True, True, verdict)


def test_a_difference_that_is_not_shown_beside_a_clear_interval_says_why(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 8)
    fill_sessions(fill, "b", [1.0] * 8)
    con.execute("update session_comparison set static_tokens = if(project = 'a', 18000, 18100)")
    found = compared(con).finding("static_tokens")
    assert found is not None
    assert words.sentence(found).endswith(
        "8 against 8 sessions; under a hundredth, which the estimate of it can be off by)."
    )
    by_chance = replace(found, measure=MEASURES[0], p_corrected=0.0731)
    assert words.sentence(by_chance).endswith("8 against 8 sessions; corrected chance 0.073).")
    unclear = replace(by_chance, difference=Interval(0.1, -0.1, 0.2))
    assert words.sentence(unclear).endswith("8 against 8 sessions).")


def test_a_model_that_cannot_be_told_from_its_project_is_told_first(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 6)
    fill_sessions(fill, "b", [2.0] * 6, model="sonnet")
    found = compared(con, "model=opus", "model=sonnet")
    told = answer_section(found).sentences
    assert told[0] == (
        "A and B have no project in common (A is mostly a, B mostly b): what differs may come from the project, and the"
        " model cannot be told from it."
    )
    assert "No project is on both sides, so that matching leaves no pair" in " ".join(found.notes)
    # Two projects are asked about, and one of A's sessions in B's project is enough to try.
    assert apart_in_words(compared(con, "project=a", "project=b")) == []
    con.execute("update session_comparison set project = 'b' where session_id = 'a-000'")
    found = compared(con, "model=opus", "model=sonnet")
    assert apart_in_words(found) == []
    assert any("match on project" in note for note in found.notes)


def test_a_difference_that_leaves_the_chart_says_how_far_it_goes(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 8)
    fill_sessions(fill, "b", [9.0] * 8)
    spec = charts.differences(compared(con).findings)
    assert spec is not None
    rows = {row["name"]: row for row in spec["data"]["values"]}
    assert (rows["Cost per turn"]["right_words"], "left_words" in rows["Cost per turn"]) == (
        "+800%, to +800% ▸",
        False,
    )
    assert "right_words" not in rows["Cache hit"]
    assert ", to +800% ▸" in charts.svg(spec)


def test_an_interval_names_its_unit_once():
    found = Interval(0.003, -0.009, 0.546)
    assert words.interval(found, "ratio", is_signed=True) == "−0.9 to +54.6 points"
    assert words.interval(found, "ratio") == "−0.9% to 54.6%"


def test_the_sums_of_a_time_window_are_told_apart_from_those_of_reports(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 6)
    fill_sessions(fill, "b", [1.0] * 6)
    told = "A session counts whole, on the day it began."
    assert any(note.startswith(told) for note in compared(con, "project=a since=2026-10-01").notes)
    assert not any(note.startswith(told) for note in compared(con).notes)


def test_conditions_of_a_group_are_all_held(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_sessions(fill, "a", [1.0] * 6)
    fill_sessions(fill, "b", [1.0] * 6, model="sonnet")

    def count(text: str) -> int:
        return len(read_group(con, parse_group(text), "UTC"))

    assert count("project=a since=2026-10-02 until=2026-10-03") == 2
    assert (count("project=a,b"), count("project=a,b model=sonnet"), count("model=opus,son since=2026-10-04")) == (
        12,
        6,
        6,
    )
    assert count("model=son") == 6
    assert count("version=2.1") == 12
    assert count("version=2.10") == 0
    assert count("prompt='thing 3'") == 2
    assert count("session=a-00 person=ada") == 6
    assert count("tag=good") == 0
    fill("annotations", {"session_id": "a-001", "tags": ["odd", "good"]}, {"session_id": "b-001", "tags": ["odd"]})
    assert (count("tag=good"), count("tag=odd"), count("tag=odd project=b")) == (1, 2, 1)


def test_the_document_says_method_and_limits_and_fetches_nothing(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_prices(fill)
    fill_sessions(fill, "a<script>", [1.0, 1.1, 1.2, 1.3, 1.4])
    fill_sessions(fill, "b", [2.0, 2.1, 2.2, 2.3, 2.4])
    document = group_document(compared(con, "project='a<script>'"))
    page, text = as_html(document), as_markdown(document)
    assert "<script" not in page
    assert "a&lt;script&gt;" in page
    assert "<svg" in page
    assert "Nothing was matched: all sessions of both groups count." in page
    assert "Sessions are not assigned by lot." in text
    assert "| Cost per session | no difference shown | \\$1.20 |" in text
