"""Which days "the last seven days" are: those up to the last one with a bill, by one rule wherever a period is named.

Logs may have been read long ago, or end with a person's last day of work: counted from today, the last seven days would
then be empty. Who names days by their date gets those.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb


def today(time_zone: str) -> date:
    """Return today in a time zone."""
    return datetime.now(ZoneInfo(time_zone)).date()


def last_on(con: duckdb.DuckDBPyConnection, time_zone: str) -> date | None:
    """Return the last day with a bill, of everybody and everything; None where nothing was billed.

    A bill ahead of today is one of a clock that was wrong, and moves no period.
    """
    row = con.execute(
        "select max(day_on) from daily_cost where day_on <= $today", {"today": today(time_zone)}
    ).fetchone()
    return row[0] if row else None


def first_on(days: int, last: date) -> date:
    """Return the first of the `days` days that end with `last`."""
    return last - timedelta(days=days - 1)


def in_words(days: int, last: date) -> str:
    """Say which days the last `days` are."""
    return f"the {days} days up to {last}, the last with a bill"
