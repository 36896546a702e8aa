"""What must hold of the data: each check once, as SQL in `sql/checks/`, with its severity and reason.

What belongs here: reading the checks and running them. What does not: stopping a publication (`lake` does, for the
critical ones) and drawing or scheduling them (`pipelines` makes its suites from the same definitions).

A check is a `select` of the rows that break it, in one column `failing` that names them. It runs on what changed,
or, with `scope: source`, on the whole source.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from her_models.errors import ModelError
from her_models.warehouse import SQL_PATH, Scope, read_header, run

if TYPE_CHECKING:
    import duckdb

Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """One check: `table` is what it is about, `reason` why it matters, `remedy` what a person can do."""

    name: str
    table: str
    severity: Severity
    reason: str
    remedy: str
    reads: tuple[str, ...]
    scope: Scope
    sql: str
    path: Path


@dataclass(frozen=True)
class CheckResult:
    """What a check found: how many rows break it, and the name of one of them."""

    check: Check
    failing_count: int
    first_failing: str | None

    @property
    def is_ok(self) -> bool:
        return self.failing_count == 0


def read_check(path: Path) -> Check:
    """Read one check's file.

    Raises:
        ModelError: its header lacks a field or says what does not exist.
    """
    name, reason, fields, text = read_header(path)
    missing = [field for field in ("table", "severity", "reads", "remedy") if not fields.get(field)]
    if missing:
        raise ModelError(f"{path}: the header lacks {', '.join(missing)}.")
    severity, scope = fields["severity"], fields.get("scope", "sessions")
    if severity not in ("critical", "warning"):
        raise ModelError(f"{path}: severity is {severity!r}; write critical or warning.")
    if scope not in ("sessions", "source"):
        raise ModelError(f"{path}: scope is {scope!r}; write sessions or source.")
    return Check(
        name=name,
        table=fields["table"],
        severity=severity,  # type: ignore[arg-type]
        reason=reason,
        remedy=fields["remedy"],
        reads=tuple(part.strip() for part in fields["reads"].split(",")),
        scope=scope,  # type: ignore[arg-type]
        sql=text,
        path=path,
    )


@cache
def checks(folder: Path = SQL_PATH / "checks") -> dict[str, Check]:
    """Return all checks by name."""
    return {check.name: check for check in map(read_check, sorted(folder.glob("*.sql")))}


def run_check(con: duckdb.DuckDBPyConnection, check: Check) -> CheckResult:
    """Run a check against the tables that the connection shows under their own names.

    Raises:
        ModelError: the check cannot be run.
    """
    found = run(con, f"select count(*), min(failing) from (\n{check.sql}\n)", check.path).fetchone()
    count, first = found if found else (0, None)
    return CheckResult(check, int(count), None if first is None else str(first))


def run_checks(con: duckdb.DuckDBPyConnection, chosen: Iterable[Check]) -> list[CheckResult]:
    """Run checks one after the other."""
    return [run_check(con, check) for check in chosen]
