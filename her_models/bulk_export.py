"""Many sessions as one zip file: each in the format chosen, and a list of them.

What belongs here: the archive. What does not: what stands in a session's file (`export`, or the `write` of whoever has
a format of its own, as the app has the page that plays).
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv

from her_models.export import SessionKey, export_session
from her_models.report_queries import report_record

Write = Callable[[duckdb.DuckDBPyConnection, SessionKey, str], Iterator[bytes]]


def archive(
    con: duckdb.DuckDBPyConnection, keys: Sequence[SessionKey], kind: str, write: Write = export_session
) -> bytes:
    """Return the sessions as a zip file with an `index.csv`; a name that two would have gets a number.

    Raises:
        QueryError: `kind` is no format of a session.
    """
    names = file_names(keys, kind)
    sizes = []
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as packed:
        for key, name in zip(keys, names, strict=True):
            with packed.open(name, "w", force_zip64=True) as file:
                sizes.append(sum(file.write(piece) for piece in write(con, key, kind)))
        index = pa.table(
            {
                "file": pa.array(names, pa.string()),
                "source_id": pa.array([key.source_id for key in keys], pa.string()),
                "session_id": pa.array([key.session_id for key in keys], pa.string()),
                "size_bytes": pa.array(sizes, pa.int64()),
            }
        )
        listed = io.BytesIO()
        pa_csv.write_csv(index, listed)
        packed.writestr("index.csv", listed.getvalue())
    return sink.getvalue()


def logged_bytes(con: duckdb.DuckDBPyConnection, keys: Sequence[SessionKey]) -> int:
    """Return how many bytes the lines of the sessions have in the files that were read."""
    parameters = {"source_ids": [key.source_id for key in keys], "session_ids": [key.session_id for key in keys]}
    return int(report_record(con, "logged_bytes", parameters)["logged_bytes"])


def file_names(keys: Sequence[SessionKey], kind: str) -> list[str]:
    """Return a name for each session's file; ids come from logs, so that nothing in them can lead out of a folder."""
    taken: dict[str, int] = {}
    names = []
    for key in keys:
        base = re.sub(r"[^A-Za-z0-9._-]", "-", f"{key.source_id}-{key.session_id}").strip(".-") or "session"
        taken[base] = taken.get(base, 0) + 1
        names.append(f"{base}{'' if taken[base] == 1 else f'-{taken[base]}'}.{kind}")
    return names
