"""One session as a file, in each format, as the session's page offers it.

What belongs here: names and types of the files. What does not: what stands in them (`her_models.export` for lines,
documents and rows; `replay.page` for the page that plays).
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import streamlit as st

from app import data, downloads
from app.replay.page import session_page
from her_models.export import SessionKey, export_session
from her_models.reports import Session

MEANINGS = {
    "html": ("Replay in one file", "text/html"),
    "md": ("Markdown", "text/markdown"),
    "jsonl": ("Log lines, JSONL", "application/x-ndjson"),
    "csv": ("Events, CSV", "text/csv"),
    "parquet": ("Events, Parquet", "application/vnd.apache.parquet"),
}


def draw(session: Session) -> None:
    """Offer the session in every format; a file is made when it is asked for."""
    key = SessionKey(session.source_id, session.session_id)
    with st.popover("Export", icon=":material/download:"):
        for kind, (meaning, mime) in MEANINGS.items():
            downloads.button(
                meaning,
                lambda kind=kind: data.ask(_whole, key, kind, data.config().time_zone),
                f"session-{session.session_id[:8]}.{kind}",
                mime,
                key=f"export_{kind}",
                type="tertiary",
            )


def written(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str, time_zone: str) -> Iterator[bytes]:
    """Yield the session in one of the formats of `MEANINGS`, in pieces."""
    return session_page(con, key, time_zone) if kind == "html" else export_session(con, key, kind)


def _whole(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str, time_zone: str) -> bytes:
    return b"".join(written(con, key, kind, time_zone))
