"""The questions that are asked of the what-ifs: one session's policies, and each policy over a period.

What belongs here: questions about the table `what_ifs`. What does not: how a policy is replayed (`whatif`) or drawn.

Savings of one policy may be added over sessions. Gross savings of two policies may not: they overlap. What labels of
waste save net of each other adds up to `remove.all`.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from her_models.report_queries import report_table
from her_models.reports import Scope


def what_ifs(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return the policies of a session in order, the empty one first; no row where nothing in it has a price.

    A session whose bill the replay does not give back has the empty policy only, with `is_identity` false.
    """
    return report_table(con, "what_ifs_of_session", {"source_id": source_id, "session_id": session_id})


def what_ifs_of_scope(con: duckdb.DuckDBPyConnection, scope: Scope | None = None) -> pa.Table:
    """Return each policy over the sessions that a scope touches, each of them whole, with the net savings of labels."""
    return report_table(con, "what_ifs_of_scope", (scope or Scope()).instants())
