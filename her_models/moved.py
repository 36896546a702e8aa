"""A lake whose folder was moved or copied: its catalog learns where the Parquet files lie now.

DuckLake writes down the lake's folder, and the whole paths of the files that workers wrote in place. What belongs here:
correcting those paths in a SQLite catalog. What does not: opening the lake (`lake`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from her_models.errors import LakeError

_TABLES_WITH_PATHS = (
    "ducklake_schema",
    "ducklake_table",
    "ducklake_data_file",
    "ducklake_delete_file",
    "ducklake_files_scheduled_for_deletion",
)


def follow_move(catalog: Path, folder: str) -> None:
    """Write into the catalog that the lake's files lie in `folder` (with a slash at its end), if it says otherwise.

    Raises:
        LakeError: the files did not come along, or the catalog cannot be written.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{catalog.absolute().as_uri()}?mode=rw", uri=True)) as con:
            before = _recorded_folder(con)
            if before is None or before == folder:
                return
            if not Path(folder).is_dir():
                raise LakeError(
                    f"The lake of {catalog} was in {before}, and there is no {folder}. Move that folder here as well."
                )
            con.isolation_level = None
            con.execute("begin immediate")
            if (before := _recorded_folder(con)) is not None:  # unless another process was quicker
                _rewrite(con, before, folder)
            con.execute("commit")
    except sqlite3.Error as error:
        raise LakeError(
            f"{catalog} was made in another folder and cannot be told that its files are in {folder} now: {error}. "
            "Give yourself the right to write to it, or move it back."
        ) from error


def _recorded_folder(con: sqlite3.Connection) -> str | None:
    if not con.execute("select 1 from sqlite_master where name = 'ducklake_metadata'").fetchone():
        return None
    row = con.execute("select value from ducklake_metadata where key = 'data_path'").fetchone()
    return str(row[0]) if row else None


def _rewrite(con: sqlite3.Connection, before: str, folder: str) -> None:
    con.execute("update ducklake_metadata set value = ? where key = 'data_path'", (folder,))
    for table in _TABLES_WITH_PATHS:
        con.execute(
            f"update {table} set path = ? || substr(path, ?) where path_is_relative = 0 and substr(path, 1, ?) = ?",
            (folder, len(before) + 1, len(before), before),
        )
