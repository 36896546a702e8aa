"""What the audit is asked: risky actions, what the log lacks, whether the files on disk are what was read.

What belongs here: questions and the shape of their answers. What does not: rules (`rules`), and the folder that holds a
whole case (`case`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
from xxhash import xxh3_128_hexdigest

from her_models.config import Config
from her_models.redaction import load_key
from her_models.report_queries import report_query, report_table
from her_models.reports import Scope
from her_models.staging import line_hash_seed

CLASSES = {
    "deploy": "Deploys",
    "production": "Production",
    "configuration": "Configuration",
    "force_push": "Force pushes",
    "deletion": "Deletions",
    "publishing": "Publishing",
    "secret": "Secrets",
    "permission_bypass": "Permission bypasses",
    "upload": "Network uploads",
}
OUTCOMES = ("succeeded", "failed", "denied", "unknown")
FileState = Literal["intact", "grown", "changed", "gone", "replaced"]


@dataclass(frozen=True)
class AuditFilter:
    """Which events; an empty field means everything. `text` is looked for in commands and targets."""

    scope: Scope = field(default_factory=Scope)
    classes: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    only_risks: bool = False
    text: str | None = None
    session_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class FileCheck:
    """What one file on disk is, held against what was read of it.

    intact   every line stands where it stood, byte for byte, and nothing follows
    grown    likewise, and something follows that was not read yet
    changed  a line is not what it was
    replaced an earlier generation, whose bytes are only in the lake
    gone     not on disk
    """

    source_id: str
    file_id: int
    path: str
    state: FileState
    lines_count: int
    differing_count: int
    first_differing_bytes: int | None
    consumed_bytes: int
    size_bytes: int
    sha256: str | None


def events(con: duckdb.DuckDBPyConnection, where: AuditFilter | None = None) -> pa.Table:
    """Return the risky actions that pass `where`, newest first."""
    where = where or AuditFilter()
    parameters = {
        "session_ids": list(where.session_ids) or None,
        "classes": list(where.classes) or None,
        "outcomes": list(where.outcomes) or None,
        "severity": "risk" if where.only_risks else None,
        "text": (where.text or "").strip() or None,
        **where.scope.instants(),
    }
    return report_table(con, "audit_events", parameters)


def completeness(con: duckdb.DuckDBPyConnection, session_ids: Iterable[str] = ()) -> pa.Table:
    """Return for each session what is known to be missing from its log, the worst first."""
    return report_table(con, "audit_completeness", {"session_ids": list(session_ids) or None})


def files(con: duckdb.DuckDBPyConnection, session_ids: Iterable[str] = (), source_id: str | None = None) -> pa.Table:
    """Return the log files that hold lines of these sessions, or of all."""
    return report_table(con, "audit_files", {"session_ids": list(session_ids) or None, "source_id": source_id})


def check_files(
    con: duckdb.DuckDBPyConnection, config: Config, session_ids: Iterable[str] = (), source_id: str | None = None
) -> list[FileCheck]:
    """Hold the files on disk against the hashes of the lines that were read from them.

    The hashes are keyed with this home's key, so that nobody else can test a guess at a secret against them.

    Raises:
        ConfigError: the key cannot be read.
    """
    key = load_key(config.key_path)
    found = files(con, session_ids, source_id).to_pylist()
    lines = lines_by_file(con, [row["file_id"] for row in found])
    return [_checked(row, lines.get(row["file_id"], []), key) for row in found]


Line = tuple[int, int, str]
"""Where a line begins, its length, its hash."""


def lines_by_file(con: duckdb.DuckDBPyConnection, file_ids: Iterable[int]) -> dict[int, list[Line]]:
    """Return the lines of files, each file's in order."""
    by_file: dict[int, list[Line]] = {}
    for file_id, *line in con.execute(report_query("audit_lines"), {"file_ids": list(file_ids)}).fetchall():
        by_file.setdefault(file_id, []).append((line[0], line[1], line[2]))
    return by_file


def _checked(file: dict[str, Any], lines: Sequence[Line], key: bytes) -> FileCheck:
    told = (file["source_id"], file["file_id"], file["path"])
    path = Path(file["root"] or "", file["path"])
    if not file["is_current"]:
        return FileCheck(*told, "replaced", len(lines), 0, None, file["consumed_bytes"], 0, None)
    try:
        data = path.read_bytes()
    except OSError:
        return FileCheck(*told, "gone", len(lines), 0, None, file["consumed_bytes"], 0, None)
    seed = line_hash_seed(key)
    differing = [
        offset for offset, length, found in lines if not _is_line(data[offset : offset + length], found, key, seed)
    ]
    if differing:
        state: FileState = "changed"
    else:
        state = "grown" if len(data) > file["consumed_bytes"] else "intact"
    # The hash of a whole file would let a guess at a secret in it be tested, since the rest is known.
    sha256 = None if file["redactions_count"] or state != "intact" else hashlib.sha256(data).hexdigest()
    first = differing[0] if differing else None
    return FileCheck(*told, state, len(lines), len(differing), first, file["consumed_bytes"], len(data), sha256)


def _is_line(data: bytes, line_hash: str, key: bytes, seed: int) -> bool:
    """Say whether these bytes have that hash: a quick one, or a strong one where the line holds a secret."""
    if xxh3_128_hexdigest(data, seed) == line_hash:
        return True
    return hashlib.blake2b(data, digest_size=16, key=key).hexdigest() == line_hash
