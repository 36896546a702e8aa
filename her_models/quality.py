"""The small tables that are judged after a run: what the last run of a source changed, in figures that must agree.

What belongs here: showing what changed, the frames of `sql/quality/`, the rows that break a check, writing down what
was found. What does not: the checks of the publishing transaction (`checks`, run by `lake`) and the judging itself
(the suites in `pipelines/checks/`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from her_models.checks import Check, Severity
from her_models.contracts import SOURCE_FILES, TABLES
from her_models.warehouse import SQL_PATH, Scope, read_header, run

if TYPE_CHECKING:
    import duckdb

    from her_models.config import Config
    from her_models.lake import Lake

FAILING_ROWS = 1000
"""Of the rows that break a check, so many are looked at."""

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Frame:
    """One file of `sql/quality/`: a small table about a table of the same name."""

    name: str
    description: str
    scope: Scope
    sql: str
    path: Path


@dataclass(frozen=True)
class Finding:
    """What judging found about one check of a source."""

    check_name: str
    severity: Severity
    failing_count: int
    detail: str

    @property
    def is_ok(self) -> bool:
        return self.failing_count == 0


@cache
def frames(folder: Path = SQL_PATH / "quality") -> dict[str, Frame]:
    """Return all frames by name.

    Raises:
        ModelError: a header cannot be used.
    """
    found = {}
    for path in sorted(folder.glob("*.sql")):
        name, description, fields, sql = read_header(path)
        scope: Scope = "source" if fields.get("scope") == "source" else "sessions"
        found[name] = Frame(name, description, scope, sql, path)
    return found


class Changed:
    """What the last run of a source changed: the tables of the contract under their own names, cut to that."""

    def __init__(self, con: duckdb.DuckDBPyConnection, source_id: str) -> None:
        self.con = con
        self._mine = f"source_id = '{source_id.replace(chr(39), chr(39) * 2)}'"
        self._shown: Scope | None = None
        self._find_scope()

    def frame(self, frame: Frame) -> Rows:
        """Return the rows of a frame.

        Raises:
            ModelError: it cannot be run.
        """
        self._show(frame.scope)
        return self._rows(frame.sql, frame.path)

    def failing(self, check: Check) -> Rows:
        """Return the rows that break a check, at most `FAILING_ROWS`, in the one column `failing`.

        Raises:
            ModelError: it cannot be run.
        """
        self._show(check.scope)
        return self._rows(f"select * from (\n{check.sql}\n) limit {FAILING_ROWS}", check.path)

    def _rows(self, statement: str, path: Path) -> Rows:
        run(self.con, statement, path)
        names = [column[0] for column in self.con.description or ()]
        return [dict(zip(names, row, strict=True)) for row in self.con.fetchall()]

    def _find_scope(self) -> None:
        run_id = f"select run_id from lake.ingest_runs where {self._mine} order by finished_at desc limit 1"
        self.con.execute(
            "create or replace temp table changed_files as "
            f"select {', '.join(SOURCE_FILES.column_names)} from lake.source_files "
            f"where {self._mine} and is_current and run_id = ({run_id})"
        )
        row = self.con.execute("select count(*) from changed_files where status = 'ok'").fetchone()
        # A run that read nothing built everything anew.
        of_files = "and file_id in (select file_id from changed_files)" if row and row[0] else ""
        self.con.execute(
            "create or replace temp table scope_sessions as "
            f"select distinct source_id, session_id from lake.lines where {self._mine} {of_files}"
        )

    def _show(self, scope: Scope) -> None:
        if scope == self._shown:
            return
        for name, table in TABLES.items():
            where = f" where {self._mine}" if "source_id" in table.column_names else ""
            if scope == "sessions" and "session_id" in table.column_names:
                where += " and session_id in (select session_id from scope_sessions)"
            self.con.execute(f"create or replace temp view {name} as select * from lake.{name}{where}")
        self._shown = scope


@contextmanager
def changed(config: Config, source_id: str) -> Iterator[Changed]:
    """Open the lake on what the last run of a source changed.

    Raises:
        LakeError: there is no lake, or it cannot be read.
    """
    from her_models.lake import open_lake

    with open_lake(config, read_only=True) as lake:
        yield Changed(lake.con, source_id)


def write_findings(config: Config, source_id: str, findings: Sequence[Finding]) -> None:
    """Write what was found into `data_quality`, where the app shows it; earlier findings of these checks go.

    Raises:
        LakeBusy: another process writes for too long.
    """
    from her_models.ingest import finish_run, writer_lock
    from her_models.lake import open_lake

    if not findings:
        return
    with writer_lock(config), open_lake(config) as lake:
        _write(lake, source_id, findings)
        finish_run(lake, config)


def _write(lake: Lake, source_id: str, findings: Sequence[Finding]) -> None:
    now = datetime.now(UTC)
    lake.replace_findings(
        source_id,
        [
            (source_id, found.check_name, found.severity, found.is_ok, found.failing_count, now, found.detail)
            for found in findings
        ],
    )
