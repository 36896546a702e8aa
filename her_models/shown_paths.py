"""How what several people see tells files and projects: without the names of those whose home folders they lie in.

What belongs here: the one rule, `sql/reports/shown_path.sql`, made known to a connection, and asked for single texts.
What does not: who is shown what (`waste_report.questions`).
"""

from __future__ import annotations

from functools import cache

import duckdb

from her_models.report_queries import report_query


def learn(con: duckdb.DuckDBPyConnection) -> None:
    """Let a connection's queries say `shown_path`, `shown_project` and `without_home`."""
    con.execute(_text())


def names_home(con: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Tell whether a text names a person's home folder: a command that only one of several people has."""
    learn(con)
    row = con.execute("select without_home($text) <> replace($text, '\\', '/')", {"text": text}).fetchone()
    return bool(row and row[0])


@cache
def _text() -> str:
    return report_query("shown_path")
