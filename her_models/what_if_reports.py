"""The questions that are asked of the what-ifs: one session's policies, and each policy over a period.

What belongs here: questions about the table `what_ifs`. What does not: how a policy is replayed (`whatif`) or drawn.

Savings of one policy may be added over sessions. Gross savings of two policies may not: they overlap. What labels of
waste save net of each other adds up to `remove.all`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from her_models.reports import Scope

_QUERIES = Path(__file__).resolve().parent.parent / "sql" / "reports"


def what_ifs(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the policies of a session in order, the empty one first; no row where nothing in it has a price.

    A session whose bill the replay does not give back has the empty policy only, with `is_identity` false.
    """
    return _table(con, "what_ifs_of_session", {"source_id": source_id, "session_id": session_id})


def what_ifs_of_scope(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> pa.Table:
    """Return each policy over the sessions that began in a period, with the net savings of the labels.

    Models of the scope are not asked for: a session is replayed whole.
    """
    scope = scope or Scope()
    parameters = {
        "since_at": scope.since_at(),
        "until_at": scope.until_at(),
        "owners": list(scope.owners) or None,
        "projects": list(scope.projects) or None,
    }
    return _table(con, "what_ifs_of_scope", parameters)


@cache
def _query(name: str) -> str:
    return (_QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def _table(con: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any]) -> pa.Table:
    return con.execute(_query(name), parameters).to_arrow_table()
