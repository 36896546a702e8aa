"""The questions Overview asks beyond what was billed: where the month will end, budgets, the week's hours, what moved.

Every function takes a DuckDB connection on which the tables of `contracts` are visible, and only reads. Money is US
dollars at list price; days are days of the configured time zone.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from her_models.budgets import Budget, Spent, spent
from her_models.forecast import LOOK_BACK, Forecast, month_end
from her_models.movers import Mover, largest
from her_models.report_queries import report_query, report_table
from her_models.reports import Dimension, Scope

_MOVERS_SHOWN = 8


def forecast(con: duckdb.DuckDBPyConnection, scope: Scope, today: date) -> Forecast | None:
    """Return where the month of `today` will end; of the scope its owners, projects and models count, not its days."""
    since = min(today - LOOK_BACK, today.replace(day=1))
    parameters = {"since_on": since, "until_on": today, **scope.members()}
    rows = con.execute(report_query("daily_bill"), parameters).fetchall()
    return month_end({on: float(usd) for on, usd in rows}, today)


def budgets(con: duckdb.DuckDBPyConnection, chosen: tuple[Budget, ...], today: date) -> tuple[Spent, ...]:
    """Return how much of each budget is spent."""
    if not chosen:
        return ()
    since = min(budget.first_day(today) for budget in chosen)
    rows = report_table(con, "bills_since", {"since_on": since}).to_pylist()
    return spent(chosen, rows, today)


def week_hours(con: duckdb.DuckDBPyConnection, scope: Scope) -> pa.Table:
    """Return cost by weekday (1 is Monday) and hour of the configured time zone."""
    parameters = {**scope.instants(), "time_zone": scope.time_zone}
    return report_table(con, "week_hours", parameters)


def movers(
    con: duckdb.DuckDBPyConnection, dimension: Dimension, scope: Scope, days: int, until_on: date
) -> tuple[Mover, ...]:
    """Return what moved most between the `days` days up to `until_on` and as many days before them."""
    zone = ZoneInfo(scope.time_zone)
    until_at = datetime.combine(until_on + timedelta(days=1), time(), zone)
    since_at = datetime.combine(until_on - timedelta(days=days - 1), time(), zone)
    before_at = datetime.combine(until_on - timedelta(days=2 * days - 1), time(), zone)
    times = {"since_at": since_at, "before_at": before_at, "until_at": until_at}
    found = report_table(con, "movers", {"dimension": dimension, **times, **scope.members()})
    return largest(found.to_pylist(), _MOVERS_SHOWN)
