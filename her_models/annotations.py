"""What a person writes about sessions: tags and a note. Kept in the lake, apart from what logs say, and never rebuilt.

What belongs here: reading and writing them. What does not: where sessions are listed (`reports`) and how it is drawn.
A write takes the writer's lock for the moment it needs it, and gives up soon when an ingest holds it.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb

from her_models.config import Config
from her_models.contracts import ANNOTATIONS
from her_models.errors import LakeError, QueryError
from her_models.ingest import finish_run, writer_lock
from her_models.lake import literal, open_lake

LONGEST_TAG = 40
LONGEST_NOTE = 10_000
WAIT_SECONDS = 2.0
_TAG = re.compile(r"[^,\s][^,]*")


@dataclass(frozen=True)
class Annotation:
    """Tags and note of one session."""

    tags: tuple[str, ...] = ()
    note: str = ""

    @property
    def is_empty(self) -> bool:
        return not self.tags and not self.note


def read_tags(text: str) -> tuple[str, ...]:
    """Return tags written with commas between them, each once, in the order written.

    Raises:
        QueryError: one is too long.
    """
    tags = tuple(dict.fromkeys(" ".join(tag.split()) for tag in _TAG.findall(text)))
    if too_long := [tag for tag in tags if len(tag) > LONGEST_TAG]:
        raise QueryError(
            f"The tag {too_long[0][:20]!r}… has {len(too_long[0])} characters; {LONGEST_TAG} are the most."
        )
    return tags


def annotation(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> Annotation:
    """Return what was written about a session; nothing where nothing was."""
    with contextlib.suppress(duckdb.CatalogException):  # a lake of an earlier version, nothing written yet
        row = con.execute(
            "select tags, note from annotations where source_id = $source_id and session_id = $session_id",
            {"source_id": source_id, "session_id": session_id},
        ).fetchone()
        if row:
            return Annotation(tuple(row[0] or ()), row[1] or "")
    return Annotation()


def known_tags(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the tags in use, the most frequent first."""
    with contextlib.suppress(duckdb.CatalogException):
        rows = con.execute(
            "select tag from (select unnest(tags) as tag from annotations) group by tag order by count(*) desc, tag"
        ).fetchall()
        return tuple(row[0] for row in rows)
    return ()


def annotate(
    config: Config, source_id: str, session_id: str, written: Annotation, *, wait_seconds: float = WAIT_SECONDS
) -> None:
    """Write tags and note of a session, in place of what was there; empty ones take it away.

    Raises:
        QueryError: the note is too long.
        LakeBusy: somebody else writes to the lake for longer than `wait_seconds`; nothing was written.
        LakeError: it cannot be written.
    """
    if len(written.note) > LONGEST_NOTE:
        raise QueryError(f"The note has {len(written.note):,} characters; {LONGEST_NOTE:,} are the most.")
    values = (source_id, session_id, list(written.tags), written.note or None, datetime.now(UTC))
    row = ", ".join("[]::varchar[]" if value == [] else literal(value) for value in values)
    where = f"source_id = {literal(source_id)} and session_id = {literal(session_id)}"
    with writer_lock(config, wait_seconds=wait_seconds), open_lake(config) as lake:
        try:
            lake.con.execute("begin")
            lake.con.execute(f"delete from lake.annotations where {where}")
            if not written.is_empty:
                names = ", ".join(ANNOTATIONS.column_names)
                lake.con.execute(f"insert into lake.annotations ({names}) values ({row})")
            lake.con.execute("commit")
        except duckdb.Error as error:
            with contextlib.suppress(duckdb.Error):
                lake.con.execute("rollback")
            raise LakeError(f"Tags and note of session {session_id} could not be kept: {error}") from error
        finish_run(lake, config)
