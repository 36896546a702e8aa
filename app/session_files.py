"""One session as a file, in each format, as the session's page offers it; and many as an archive.

What belongs here: names and types of the files. What does not: what stands in them (`her_models.export` for lines,
documents and rows; `replay.page` for the page that plays).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import streamlit as st

from app import data, downloads
from app.replay.page import session_page
from her_models import bulk_export
from her_models.config import Config
from her_models.export import SessionKey, export_session
from her_models.reports import Session, SessionFilter, SessionSort
from her_models.search import hits

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
                lambda kind=kind: data.ask_once(_whole, key, kind, data.config().time_zone),
                f"session-{session.session_id[:8]}.{kind}",
                mime,
                key=f"export_{kind}",
                type="tertiary",
            )


def written(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str, time_zone: str) -> Iterator[bytes]:
    """Yield the session in one of the formats of `MEANINGS`, in pieces."""
    return session_page(con, key, time_zone) if kind == "html" else export_session(con, key, kind)


@dataclass(frozen=True)
class Selection:
    """The first so many sessions that pass the filters, in their order."""

    where: SessionFilter
    sort: SessionSort
    descending: bool
    count: int

    def keys(self, con: duckdb.DuckDBPyConnection, config: Config) -> list[SessionKey]:
        """Return which they are."""
        order = {"sort": self.sort, "descending": self.descending}
        rows = hits.sessions(con, config, self.where, **order, page_size=self.count).rows.to_pylist()
        return [SessionKey(row["source_id"], row["session_id"]) for row in rows]


def archive(con: duckdb.DuckDBPyConnection, config: Config, chosen: Selection, kind: str) -> bytes:
    """Return the sessions as a zip file."""
    keys = chosen.keys(con, config)
    return bulk_export.archive(con, keys, kind, lambda con, key, kind: written(con, key, kind, config.time_zone))


def logged_bytes(con: duckdb.DuckDBPyConnection, config: Config, chosen: Selection) -> int:
    """Return how many bytes of log the sessions are."""
    return bulk_export.logged_bytes(con, chosen.keys(con, config))


def _whole(con: duckdb.DuckDBPyConnection, key: SessionKey, kind: str, time_zone: str) -> bytes:
    return b"".join(written(con, key, kind, time_zone))
