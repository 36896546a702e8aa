"""Watching: a planted change is found where it was planted and named with what changed then; noise is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from her_models.compare import watch
from her_models.compare.nightly import change_in_words
from tests.compare.conftest import SOURCE

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


def sessions(
    seed: int, count: int = 60, *, change_at: int | None = None, project: str = "shop"
) -> list[dict[str, object]]:
    """Sessions a day, noisy; from `change_at` on the prefix is a third larger, and the client newer."""
    random = np.random.default_rng(seed)
    rows = []
    for place in range(count):
        is_after = change_at is not None and place >= change_at
        rows.append(
            {"source_id": SOURCE, "session_id": f"{project}-{place:03}", "owner": "ada", "project": project}
            | {"model": "claude-opus-5-5", "client_version": "2.1.330" if is_after else "2.1.210"}
            | {"instructions_hash": None, "started_at": BEGAN + timedelta(days=place)}
            | {"static_tokens": int(random.normal(18_000, 900) * (1.33 if is_after else 1))}
            | {"cache_hit_ratio": float(random.beta(18, 2))}
            | cost(float(random.lognormal(-1, 1)))
        )
    return rows


def cost(usd: float, spread: float = 0.0) -> dict[str, float]:
    """Cost per turn, and the ends of its estimate."""
    ends = {"estimated_low_per_turn_usd": usd * (1 - spread), "estimated_high_per_turn_usd": usd * (1 + spread)}
    return {"estimated_per_turn_usd": usd, **ends}


def test_a_larger_prefix_is_found_where_it_began_and_named_with_the_client():
    (found,) = watch.find_changes(pa.Table.from_pylist(sessions(1, change_at=40)))
    assert (found.dimension, found.value, found.measure) == ("project", "shop", "static_tokens")
    assert found.changed_at == BEGAN + timedelta(days=40)
    assert found.low_at <= found.changed_at <= found.high_at
    assert found.low < found.difference < found.high
    assert found.difference == pytest.approx(6_000, abs=600)
    assert found.coincides_with == "client 2.1.210 to 2.1.330"
    assert (len(found.before_session_ids), found.after_session_ids[0]) == (40, "shop-040")
    assert "rose from 17" in change_in_words(found)


def test_two_changes_of_one_series_are_both_found():
    rows = sessions(2, 90, change_at=60)
    for place, row in enumerate(rows):
        row["static_tokens"] = int(row["static_tokens"] * (1.5 if place >= 30 else 1))  # type: ignore[call-overload]
    found = watch.find_changes(pa.Table.from_pylist(rows))
    assert len(found) == 2
    for one, day in zip(found, (60, 30), strict=True):
        assert abs(one.changed_at - (BEGAN + timedelta(days=day))) <= timedelta(days=2)
        assert one.low_at <= BEGAN + timedelta(days=day) <= one.high_at


def test_a_new_mix_of_projects_is_no_change_of_the_model():
    rows = sessions(3, 40) + sessions(4, 40, project="web")
    for row in rows:
        if row["project"] == "web":
            row["started_at"] = row["started_at"] + timedelta(days=40)  # type: ignore[operator]
            row["static_tokens"] = int(row["static_tokens"]) + 9_000  # type: ignore[call-overload]
    rows.sort(key=lambda row: str(row["started_at"]))
    assert watch.find_changes(pa.Table.from_pylist(rows)) == []


def test_another_tokenizer_is_no_larger_prefix():
    rows = sessions(5, change_at=40)
    for row in rows[:40]:
        row["model"] = "claude-opus-4-5"
    assert [one for one in watch.find_changes(pa.Table.from_pylist(rows)) if one.measure == "static_tokens"] == []


@pytest.mark.parametrize(("spread", "count"), [(0.0, 1), (0.15, 0)])
def test_an_estimate_that_is_off_within_its_ends_is_no_change_of_cost(spread: float, count: int):
    rows = sessions(7)
    for place, row in enumerate(rows):  # older clients lost output, and what was estimated is a tenth too low
        row |= cost(0.9 + place % 3 / 1_000, spread) if place < 30 else cost(1.0 + place % 3 / 1_000)
    found = [one for one in watch.find_changes(pa.Table.from_pylist(rows)) if one.measure == "estimated_per_turn_usd"]
    assert len(found) == count


@pytest.mark.parametrize(("fewer", "count"), [(14, 0), (400, 1)])
def test_fewer_tokens_than_a_prefix_can_be_off_by_are_no_change(fewer: int, count: int):
    rows = sessions(8)
    for place, row in enumerate(rows):
        row["static_tokens"] = 18_161 + place % 3 - (fewer if place >= 30 else 0)
    found = [one for one in watch.find_changes(pa.Table.from_pylist(rows)) if one.measure == "static_tokens"]
    assert len(found) == count


def test_few_sessions_and_equal_values_are_no_change():
    assert watch.find_changes(pa.Table.from_pylist(sessions(6, 9, change_at=5))) == []
    assert watch.change_point(np.ones(40), 10) == (5, 1.0)


def _alarms(draws: int) -> int:
    """In how many of so many lakes without a change the watch finds one."""
    return sum(bool(watch.find_changes(pa.Table.from_pylist(sessions(100 + draw, 40)))) for draw in range(draws))


def test_sessions_without_a_change_raise_no_alarm():
    assert _alarms(12) <= 2  # one in twenty is allowed: three or more of twelve would be a chance in fifty


@pytest.mark.slow
def test_at_most_one_in_twenty_quiet_lakes_raises_an_alarm():
    assert _alarms(300) <= 0.05 * 300 + 3 * (0.05 * 0.95 * 300) ** 0.5
