"""The last days are those up to the last with a bill."""

from datetime import date, timedelta
from pathlib import Path

from her_models import periods
from her_models.config import load_config
from her_models.lake import open_lake
from tests.app.conftest import fill


def test_the_last_day_with_a_bill_is_found_and_none_lies_ahead(tmp_path: Path) -> None:
    with open_lake(load_config(tmp_path)) as lake:
        assert periods.last_on(lake.con, "UTC") is None
        fill(lake, "daily_cost", {"day_on": date(2026, 3, 1)}, {"day_on": date(2026, 2, 1)})
        assert periods.last_on(lake.con, "UTC") == date(2026, 3, 1)
        fill(lake, "daily_cost", {"day_on": periods.today("UTC") + timedelta(days=900)})
        assert periods.last_on(lake.con, "UTC") == date(2026, 3, 1)


def test_seven_days_hold_their_last_day() -> None:
    assert periods.first_on(7, date(2026, 3, 1)) == date(2026, 2, 23)
    assert periods.first_on(1, date(2026, 3, 1)) == date(2026, 3, 1)
    assert periods.in_words(7, date(2026, 3, 1)) == "the 7 days up to 2026-03-01, the last with a bill"
