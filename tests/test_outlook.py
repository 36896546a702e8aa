"""Forecast, budgets, and what moved the bill."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models import outlook
from her_models.budgets import Budget, Spent, read_budgets, spent
from her_models.config import load_config
from her_models.contracts import DAILY_COST, REQUESTS
from her_models.errors import ConfigError
from her_models.forecast import month_end
from her_models.movers import largest, mover
from her_models.reports import Scope

WEDNESDAY = date(2026, 3, 18)


def _days(count: int, usd: float, until: date = WEDNESDAY) -> dict[date, float]:
    return {until - timedelta(days=back): usd for back in range(1, count + 1)}


def test_a_steady_bill_ends_where_it_must() -> None:
    found = month_end(_days(56, 2.0), WEDNESDAY)
    assert found is not None
    # 17 days are over, today and 13 more are to come, at 2 dollars each.
    assert (found.so_far_usd, found.expected_usd, found.low_usd, found.high_usd) == (34.0, 62.0, 62.0, 62.0)


def test_weekends_to_come_are_like_weekends_that_were() -> None:
    bills = {on: 0.0 if on.weekday() >= 5 else 10.0 for on in _days(56, 1.0)}
    found = month_end(bills, WEDNESDAY)
    assert found is not None
    # March 2026: working days 18 to 31 are ten, those before are twelve.
    assert (found.so_far_usd, found.expected_usd) == (120.0, 220.0)


def test_an_uneven_bill_has_an_interval() -> None:
    bills = {on: float(place % 5) for place, on in enumerate(_days(56, 1.0))}
    found = month_end(bills, WEDNESDAY)
    assert found is not None
    assert found.so_far_usd < found.low_usd < found.expected_usd < found.high_usd
    assert month_end(bills, WEDNESDAY) == found


def test_today_is_not_counted_twice() -> None:
    found = month_end({**_days(56, 2.0), WEDNESDAY: 5.0}, WEDNESDAY)
    assert found is not None
    assert (found.so_far_usd, found.expected_usd) == (39.0, 34.0 + 5.0 + 13 * 2.0)


def test_thirteen_days_are_too_few_and_silence_before_the_first_bill_is_no_day() -> None:
    assert month_end(_days(13, 2.0), WEDNESDAY) is None
    assert month_end({**_days(56, 0.0), **_days(13, 2.0)}, WEDNESDAY) is None
    assert month_end(_days(14, 2.0), WEDNESDAY) is not None


BILLS: list[dict[str, Any]] = [
    {"day_on": date(2026, 3, 1), "project": "shop", "owner": "asha", "billed_usd": Decimal("50")},
    {"day_on": date(2026, 3, 16), "project": "shop", "owner": "ben", "billed_usd": Decimal("30")},
    {"day_on": date(2026, 3, 18), "project": "site", "owner": "asha", "billed_usd": Decimal("10")},
    {"day_on": date(2026, 3, 18), "project": "site", "owner": "asha", "billed_usd": None},
]


@pytest.mark.parametrize(
    ("budget", "usd", "level"),
    [
        (Budget(100, "month"), 90.0, "warning"),
        (Budget(89, "month"), 90.0, "over"),
        (Budget(50, "week"), 40.0, "warning"),
        (Budget(50, "week", warn_at=0.9), 40.0, "ok"),
        (Budget(50, "day"), 10.0, "ok"),
        (Budget(100, "month", project="shop"), 80.0, "warning"),
        (Budget(100, "month", owner="ben"), 30.0, "ok"),
        (Budget(100, "month", project="shop", owner="asha"), 50.0, "ok"),
    ],
)
def test_budget_counts_its_period_its_project_and_its_person(budget: Budget, usd: float, level: str) -> None:
    (found,) = spent((budget,), BILLS, WEDNESDAY)
    assert (found.spent_usd, found.level) == (usd, level)


def test_a_budget_that_is_overdrawn_says_by_how_much() -> None:
    told = Spent(Budget(80, "month", "shop"), date(2026, 3, 1), 100.0).in_words()
    assert told == "Budget for shop per month is overdrawn: $100.00 of $80.00 (125%) since 2026-03-01."


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ("month", "budgets is not a list"),
        ([{"usd": -1}], "usd is -1"),
        ([{"usd": True}], "usd is True"),
        ([{"usd": 5, "per": "year"}], "per 'year'"),
        ([{"usd": 5, "warn_at": 2}], "warn_at is 2"),
        ([{"usd": 5, "project": 7}], "project is 7"),
        ([5], "a budget is 5"),
    ],
)
def test_a_budget_that_cannot_be_used_is_named(entries: object, found: str) -> None:
    with pytest.raises(ConfigError, match=found):
        read_budgets(entries, "config.toml")


def test_budgets_are_read_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[[budgets]]\nusd = 200\nper = "week"\nproject = "shop"\n', encoding="utf-8")
    assert load_config(tmp_path).budgets == (Budget(200.0, "week", "shop"),)


def _row(**given: Any) -> dict[str, Any]:
    names = ("content_now_usd", "content_before_usd", "cache_now_usd", "cache_before_usd", "premium_now_usd")
    return {
        "group_name": "shop",
        "sessions_now": 0,
        "sessions_before": 0,
        **dict.fromkeys((*names, "premium_before_usd"), Decimal(0)),
        **given,
    }


def test_twice_the_sessions_at_the_same_price_are_more_sessions() -> None:
    found = mover(
        _row(sessions_before=2, sessions_now=4, content_before_usd=Decimal("2"), content_now_usd=Decimal("4.1"))
    )
    assert (found.difference_usd, found.cause) == (Decimal("2.1"), "more sessions")
    assert found.parts["sessions"] == Decimal("2")
    assert found.parts["content"] == Decimal("0.1")


def test_a_missed_cache_is_the_cause_where_it_is_the_largest_part() -> None:
    found = mover(
        _row(sessions_before=3, sessions_now=3, content_before_usd=Decimal(3), content_now_usd=Decimal("3.2"))
        | {"cache_now_usd": Decimal(2)}
    )
    assert found.cause == "more missed caches"


def test_new_and_gone_groups_are_called_so() -> None:
    assert mover(_row(sessions_now=1, content_now_usd=Decimal(1))).cause == "new"
    assert mover(_row(sessions_before=1, content_before_usd=Decimal(1))).cause == "no session any more"


_MONEY = st.decimals(0, 1000, places=12)


@given(st.integers(0, 50), st.integers(0, 50), st.lists(_MONEY, min_size=6, max_size=6))
def test_parts_of_a_move_add_up_to_it(now: int, before: int, money: list[Decimal]) -> None:
    names = [f"{lane}_{when}_usd" for lane in ("content", "cache", "premium") for when in ("now", "before")]
    row = _row(sessions_now=now, sessions_before=before, **dict(zip(names, money, strict=True)))
    found = mover(row)
    assert sum(found.parts.values()) == found.difference_usd
    assert [one.name for one in largest([row], 5)] == (["shop"] if found.difference_usd else [])


def _requests() -> duckdb.DuckDBPyConnection:
    """Two responses on Monday 2026-03-16 at 23:30 UTC, Tuesday in Berlin, and one a week before."""
    con = duckdb.connect()
    con.execute(REQUESTS.ddl())
    con.execute(DAILY_COST.ddl())
    for started_at, session, usd, excess in (
        ("2026-03-16 23:30:00+00", "s1", "1.5", "0.5"),
        ("2026-03-16 23:40:00+00", "s2", "0.5", "0"),
        ("2026-03-09 10:00:00+00", "s0", "0.25", "0"),
    ):
        con.execute(
            "insert into requests (source_id, session_id, request_id, project, model, started_at, billed_usd,"
            " content_usd, cache_excess_usd, premium_usd, fees_usd) values"
            f" ('a@b', '{session}', '{session}', 'shop', 'opus', '{started_at}', {usd},"
            f" {usd}::decimal(38,12) - {excess}, {excess}, 0, 0)"
        )
        con.execute(f"insert into daily_cost (day_on, project, billed_usd) values ('{started_at[:10]}', 'shop', {usd})")
    return con


def test_hours_of_the_week_are_those_of_the_configured_zone() -> None:
    rows = outlook.week_hours(_requests(), Scope(since_on=date(2026, 3, 12), time_zone="Europe/Berlin")).to_pylist()
    assert [(row["weekday"], row["hour"], row["requests_count"], row["billed_usd"]) for row in rows] == [(2, 0, 2, 2)]


def test_movers_hold_a_week_against_the_week_before() -> None:
    scope = Scope(time_zone="Europe/Berlin")
    (found,) = outlook.movers(_requests(), "project", scope, days=7, until_on=date(2026, 3, 17))
    assert (found.name, found.before_usd, found.now_usd) == ("shop", Decimal("0.25"), Decimal(2))
    # One session more at 0.25; the two are 1.00 dearer in content; 0.50 is a missed cache.
    assert found.parts == {"sessions": Decimal("0.25"), "content": 1, "cache": Decimal("0.5"), "premium": 0}


def test_budgets_and_forecast_are_asked_of_the_days() -> None:
    con = _requests()
    (found,) = outlook.budgets(con, (Budget(10, "month", "shop"),), WEDNESDAY)
    assert found.spent_usd == 2.25
    assert outlook.forecast(con, Scope(), WEDNESDAY) is None
