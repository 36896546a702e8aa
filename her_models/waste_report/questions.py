"""What the report on waste asks, and whose sessions it sees: people see their own unless they ask for everyone's."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from her_models import shown_paths
from her_models.advice.outcomes import Change, Outcome, changes, outcome
from her_models.advice.pieces import Piece, advice
from her_models.config import Config, source_part
from her_models.errors import QueryError
from her_models.ledger_reports import redundant_context
from her_models.report_queries import report_table
from her_models.reports import Scope
from her_models.what_if_reports import what_ifs_of_scope

Dimension = Literal["label", "kind", "project", "owner", "tool", "file"]

FINDINGS_SHOWN = 20
PAID_AGAIN_SHOWN = 12


@dataclass(frozen=True)
class Selection:
    """What a scope holds. Of responses without a price `unpriced_models` are the models; `findings_count`: no hints."""

    requests_count: int
    sessions_count: int
    floor_requests_count: int
    unpriced_requests_count: int
    unpriced_models: tuple[str, ...]
    findings_count: int

    @property
    def is_floor(self) -> bool:
        """Whether what it was billed can only be too low."""
        return bool(self.floor_requests_count or self.unpriced_requests_count)


@dataclass(frozen=True)
class WasteReport:
    """The report's answers. Money is US dollars at list price; tables are as their SQL files describe them.

    `whose` says whose sessions were looked at; `by_owner` is None where persons are not to be named.
    Counted rows of each table `by_…` add up to `waste_usd`. `findings` began in the scope and cost what they
    cost in all. `what_ifs` has each policy over the sessions that the scope touches, whole; its gross savings are never
    added.
    """

    scope: Scope
    whose: str
    selection: Selection
    bill: pa.Table
    by_label: pa.Table
    by_kind: pa.Table
    by_project: pa.Table
    by_owner: pa.Table | None
    by_tool: pa.Table
    by_file: pa.Table
    findings: pa.Table
    paid_again: pa.Table
    what_ifs: pa.Table
    pieces: tuple[Piece, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def billed_usd(self) -> Decimal:
        return self.part("S", "H", "C", "K", "P", "f", "N")

    def part(self, *beginnings: str) -> Decimal:
        """Return the money of all labels that begin so."""
        rows = self.bill.to_pylist()
        return sum((row["usd"] for row in rows if row["label"].startswith(beginnings)), Decimal(0))

    @property
    def names_persons(self) -> bool:
        """Whether whose sessions these are may be told."""
        return self.by_owner is not None

    @property
    def waste_usd(self) -> Decimal:
        """Content waste and what missing the cache cost; each dollar once."""
        return self.part("C", "K")


def own_name(con: duckdb.DuckDBPyConnection) -> str | None:
    """Return the name under which this person's own sessions are in the lake; None where they are not."""
    try:
        name = source_part(getpass.getuser())
    except (KeyError, OSError):
        return None
    row = con.execute("select 1 from sources where owner = $name limit 1", {"name": name}).fetchone()
    return name if row else None


def visible_scope(
    con: duckdb.DuckDBPyConnection, scope: Scope, *, is_everyone: bool, shows_persons: bool
) -> tuple[Scope, str]:
    """Return the scope to look at and whose sessions it holds: people see their own unless they ask for everyone's.

    Raises:
        QueryError: it names somebody else, and persons are not to be named.
    """
    if scope.owners:
        others = [owner for owner in scope.owners if owner != own_name(con)]
        if others and not shows_persons:
            raise QueryError(
                f"No report on waste is made of {', '.join(others)} alone: config.toml does not allow reports to name"
                " others (shows_persons = true would). Leave out --owner for your own sessions, or take --everyone."
            )
        return scope, ", ".join(scope.owners)
    name = None if is_everyone else own_name(con)
    return (scope, "everyone") if name is None else (replace(scope, owners=(name,)), name)


def waste_report(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    scope: Scope | None = None,
    *,
    is_everyone: bool = False,
    noted: tuple[Change, ...] | None = None,
) -> WasteReport:
    """Ask the questions of the report in a scope. `noted` are the changes made; None reads them from Her's home.

    Raises:
        QueryError: the scope names somebody else, and the configuration does not allow reports to.
    """
    scope, whose = visible_scope(
        con,
        scope or Scope(time_zone=config.time_zone),
        is_everyone=is_everyone,
        shows_persons=config.shows_persons,
    )
    names_persons = config.shows_persons or bool(scope.owners)
    wasted = waste_by(con, scope, names_persons=names_persons)
    return WasteReport(
        scope=scope,
        whose=whose,
        selection=selection(con, scope),
        bill=bill(con, scope),
        by_label=wasted["label"],
        by_kind=wasted["kind"],
        by_project=wasted["project"],
        by_owner=wasted["owner"] if names_persons else None,
        by_tool=wasted["tool"],
        by_file=wasted["file"],
        findings=findings(con, scope, names_persons=names_persons),
        paid_again=redundant_context(con, scope, PAID_AGAIN_SHOWN, names_persons=names_persons),
        what_ifs=what_ifs_of_scope(con, scope),
        pieces=tuple(
            piece for piece in advice(con, scope) if names_persons or not shown_paths.names_home(con, piece.subject)
        ),
        outcomes=tuple(outcome(con, change, scope) for change in (changes(config.home) if noted is None else noted)),
    )


def selection(con: duckdb.DuckDBPyConnection, scope: Scope) -> Selection:
    """Return what a scope holds, and how much of it has no price or a lower bound for one."""
    (row,) = _table(con, "waste_selection", scope).to_pylist()
    return Selection(**{**row, "unpriced_models": tuple(row["unpriced_models"])})


def bill(con: duckdb.DuckDBPyConnection, scope: Scope) -> pa.Table:
    """Return the parts of the bill by label; they add up to it."""
    return _table(con, "waste_bill", scope)


def waste_by(con: duckdb.DuckDBPyConnection, scope: Scope, *, names_persons: bool = True) -> dict[Dimension, pa.Table]:
    """Return waste added up by each dimension, hints apart, the dearest first; what belongs to no group stands last.

    `names_persons`: with whole paths of files, and projects named after their owners' home folders.
    """
    shown_paths.learn(con)
    names = get_args(Dimension)
    rows = _table(con, "waste_by", scope, dimensions=list(names), names_persons=names_persons)
    return {name: rows.filter(pc.equal(rows["dimension"], name)).drop_columns("dimension") for name in names}


def findings(
    con: duckdb.DuckDBPyConnection,
    scope: Scope,
    *,
    source_id: str | None = None,
    session_id: str | None = None,
    limit: int = FINDINGS_SHOWN,
    names_persons: bool = True,
) -> pa.Table:
    """Return single findings, counted ones before hints, the dearest first; `names_persons`: with whole paths."""
    shown_paths.learn(con)
    whose = {"source_id": source_id, "session_id": session_id, "names_persons": names_persons}
    return _table(con, "waste_findings", scope, **whose, limit=limit)


def by_request(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str) -> pa.Table:
    """Return how much of each prompt of a session was waste, and which findings began at its response."""
    return report_table(con, "waste_requests", {"source_id": source_id, "session_id": session_id})


def _table(con: duckdb.DuckDBPyConnection, name: str, scope: Scope, **more: Any) -> pa.Table:
    return report_table(con, name, {**scope.instants(), **more})
