"""The report on waste as files, week by week, below `HER_HOME/reports/`."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import duckdb

from her_models.config import Config
from her_models.documents import as_html, as_markdown
from her_models.reports import Scope
from her_models.waste_report.pages import document
from her_models.waste_report.questions import waste_report
from her_models.waste_report.records import as_record

SCHEMA_VERSION = 1


def last_week(today: date) -> tuple[date, date]:
    """Return Monday and Sunday of the last whole week before `today`."""
    monday = today - timedelta(days=today.weekday() + 7)
    return monday, monday + timedelta(days=6)


def write_weekly(con: duckdb.DuckDBPyConnection, config: Config, today: date) -> tuple[Path, ...]:
    """Write the report of the last whole week as HTML, Markdown and JSON; a report written again is replaced.

    It holds everybody's sessions, and names persons only where the configuration says so.
    """
    first, last = last_week(today)
    scope = Scope(since_on=first, until_on=last, time_zone=config.time_zone)
    report = waste_report(con, config, scope, is_everyone=True)
    told = document(report, today)
    year, week, _ = first.isocalendar()
    folder = config.home / "reports"
    folder.mkdir(mode=0o700, exist_ok=True)
    texts = {
        "html": as_html(told),
        "md": as_markdown(told),
        "json": json.dumps(
            {"schema_version": SCHEMA_VERSION, "report": "waste", **as_record(report)},
            indent=2,
            ensure_ascii=False,
            default=str,
        ),
    }
    written = []
    for ending, text in texts.items():
        path = folder / f"waste-{year}-W{week:02}.{ending}"
        beside = path.with_name(f".{path.name}.tmp")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        written.append(path)
    return tuple(written)
