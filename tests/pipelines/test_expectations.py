"""Each expectation holds on data that is right and breaks on data that is not."""

from typing import Any

import pytest

from her_models.checks import checks
from her_models.contracts import TABLES
from her_models.quality import frames
from pipelines.checks.asset_checks import SUITES
from pipelines.checks.comparison import COMPARISON_SUITES
from pipelines.checks.suite import Expected, judge

FRAMES: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    # frame: a row that is right, and for each expectation what breaks it
    "source_files": (
        {
            "path": "shop/s1.jsonl",
            "read_count": 3,
            "found_count": 3,
            "consumed_bytes": 90,
            "accounted_bytes": 90,
            "waiting_bytes": 0,
        },
        {
            "lines_accounted_for": {"found_count": 2},
            "bytes_accounted_for": {"accounted_bytes": 89},
            "waiting_bytes_few": {"waiting_bytes": 20_000_001},
        },
    ),
    "refused_lines": (
        {"path": "shop/s1.jsonl", "refused_count": 1, "refused_ratio": 0.01},
        {"refused_ratio_small": {"refused_ratio": 0.02}},
    ),
    "schema_drift": (
        {"client_version": "2.1.100", "lines_count": 100, "unknown_count": 3, "unknown_lines_ratio": 0.05},
        {
            "unknown_lines_within_bounds": {"unknown_lines_ratio": 0.06},
            "unknown_fields_within_bounds": {"unknown_count": 201},
        },
    ),
    "requests": (
        {
            "session_id": "s1",
            "requests_count": 2,
            "distinct_requests_count": 2,
            "least_tokens": 0,
            "split_lines_count": 0,
            "without_session_count": 0,
            "without_turn_count": 0,
            "unpriced_count": 0,
            "hours_ahead": -5,
        },
        {
            "requests_grain": {"distinct_requests_count": 1},
            "tokens_not_negative": {"least_tokens": -1},
            "requests_have_sessions": {"without_session_count": 1},
            "requests_have_turns": {"without_turn_count": 1},
            "cache_writes_add_up": {"split_lines_count": 1},
            "known_models_priced": {"unpriced_count": 1},
            "responses_not_ahead": {"hours_ahead": 25},
        },
    ),
    "sessions": (
        {
            "session_id": "s1",
            "requests_count": 2,
            "agent_requests_count": 2,
            "turn_requests_count": 2,
            "agent_difference_picodollars": 0,
        },
        {
            "turns_add_up": {"turn_requests_count": 1},
            "agents_add_up": {"agent_difference_picodollars": 1},
        },
    ),
    "contents": (
        {"session_id": "s1", "blocks_count": 4, "without_text_count": 0},
        {"blocks_have_texts": {"without_text_count": 1}},
    ),
    "daily_cost": (
        {"source_id": "ada@desk", "requests_count": 2, "daily_requests_count": 2, "difference_picodollars": 0},
        {"days_add_up": {"difference_picodollars": -1}},
    ),
    "sources": (
        {"source_id": "ada@desk", "hours_since_read": 48, "days_since_line": 30},
        {"read_lately": {"hours_since_read": 49}, "written_lately": {"days_since_line": 31}},
    ),
    "group_steps": (
        {"report_on": "2026-11-20", "project": "shop", "view": "cause", "difference_picodollars": 0},
        {"steps_add_up": {"difference_picodollars": 1}},
    ),
    "group_comparison": (
        {"report_on": "2026-11-20", "project": "shop", "odd_chances_count": 0, "unearned_count": 0},
        {"chances_between_0_and_1": {"odd_chances_count": 1}, "verdicts_are_earned": {"unearned_count": 1}},
    ),
}
OF_NIGHTS = [one for suite in COMPARISON_SUITES for one in suite.expected]
EXPECTED = [one for suite in SUITES for one in suite.expected]
OF_FRAMES = [one for one in (*EXPECTED, *OF_NIGHTS) if one.frame]
OF_CHECKS = [one for one in EXPECTED if one.check]


def of_name(one: Expected) -> str:
    return one.name


@pytest.mark.parametrize("expected", OF_FRAMES, ids=of_name)
def test_expectation_holds_and_breaks(expected: Expected) -> None:
    right, wrong = FRAMES[expected.frame]
    broken = right | wrong[expected.name]
    assert judge([right], [expected])[0].is_ok
    (verdict,) = judge([right, broken], [expected])
    assert verdict.failing_count == 1
    name, value = next(iter(wrong[expected.name].items()))
    assert f"{name} {value}" in verdict.detail
    assert verdict.expected.severity == expected.severity


@pytest.mark.parametrize("expected", OF_CHECKS, ids=of_name)
def test_check_of_the_publication_holds_without_rows_and_breaks_with_one(expected: Expected) -> None:
    assert judge([], [expected])[0].is_ok
    (verdict,) = judge([{"failing": "response msg_1 stands 2 times"}], [expected])
    assert (verdict.failing_count, "Found: response msg_1 stands 2 times." in verdict.detail) == (1, True)


def test_every_row_of_these_tests_is_a_frame_in_sql() -> None:
    assert set(FRAMES) == set(frames())
    for name, (right, _) in FRAMES.items():
        assert all(
            f" as {column}" in frames()[name].sql
            or f".{column}" in frames()[name].sql
            or f"    {column}" in frames()[name].sql
            for column in right
        )


def test_every_check_of_the_publication_is_expected_once() -> None:
    names = [one.name for one in EXPECTED]
    assert len(names) == len(set(names))
    assert set(checks()) <= set(names)


def test_what_is_critical_is_asserted_in_the_publication() -> None:
    critical = {one.name for one in EXPECTED if one.severity == "critical"}
    assert critical == {check.name for check in checks().values() if check.severity == "critical"}


def test_suites_are_of_tables_and_say_why_and_what_to_do() -> None:
    assert {suite.table for suite in SUITES} <= set(TABLES)
    assert all(one.reason and one.remedy for one in EXPECTED)


def test_an_expectation_that_cannot_be_judged_is_broken() -> None:
    odd = Expected(
        "odd",
        "warning",
        "why",
        lambda gxe, about: gxe.ExpectColumnValuesToBeInSet(column="nowhere", value_set=[0], **about),
        frame="requests",
        remedy="Mend it.",
    )
    assert "could not be judged" in judge([{"session_id": "s1"}], [odd])[0].detail
