"""`her audit`: risky actions, files held against what was read, cases written and verified.

What belongs here: what the command asks and prints. What does not: its arguments (`cli`) and the answers
(`her_models.audit`).
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from app import format, terminal
from app.reading import reading
from her_models.audit import case as cases
from her_models.audit import questions
from her_models.audit.questions import CLASSES, OUTCOMES, AuditFilter, FileCheck
from her_models.config import load_config
from her_models.errors import QueryError
from her_models.export import SessionKey, find_session
from her_models.lake import Lake
from her_models.reports import Scope

_SHOWN = ("happened_at", "project", "session", "class", "outcome", "severity", "command")


@dataclass(frozen=True)
class Asked:
    """The arguments of `her audit`."""

    session: str | None = None
    classes: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    only_risks: bool = False
    text: str | None = None
    projects: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    is_files: bool = False
    case: Path | None = None
    check: Path | None = None
    is_json: bool = False


def run_audit(asked: Asked) -> bool:
    """Do what was asked; returns whether every check held.

    Raises:
        QueryError: a class, an outcome or a session does not exist.
        CaseError: a folder cannot be used.
        LakeError: there is no lake.
    """
    if asked.check:
        return _check_case(asked, asked.check)
    for given, known, word in ((asked.classes, CLASSES, "class"), (asked.outcomes, OUTCOMES, "outcome")):
        if unknown := [one for one in given if one not in known]:
            raise QueryError(f"There is no {word} {unknown[0]!r}. Use one of: {', '.join(known)}.")
    config = load_config()
    with reading(config) as lake:
        key = find_session(lake.con, asked.session) if asked.session else None
        if asked.is_files:
            return _check_files(asked, lake, key)
        found = _events(lake, asked, key)
        if asked.case:
            _write_case(asked, lake, found, key, asked.case)
            return True
    _draw_events(asked, found)
    return True


def _events(lake: Lake, asked: Asked, key: SessionKey | None) -> pa.Table:
    found = questions.events(
        lake.con,
        AuditFilter(
            Scope(asked.since, asked.until, asked.owners, asked.projects, (), lake.config.time_zone),
            asked.classes,
            asked.outcomes,
            asked.only_risks,
            asked.text,
            (key.session_id,) if key else (),
        ),
    )
    if key:
        found = found.filter(pa.array([one == key.source_id for one in found["source_id"].to_pylist()], pa.bool_()))
    return found


def _draw_events(asked: Asked, found: pa.Table) -> None:
    if asked.is_json:
        told = {"command": "audit", "events_count": found.num_rows, "events": found.to_pylist()}
        terminal.put(terminal.as_json(told), None)
        return
    shown = found.rename_columns(["session" if name == "session_id" else name for name in found.column_names])
    terminal.draw(shown.select(list(_SHOWN)), title="Risky actions")
    counts = Counter(found["class"].to_pylist())
    by_class = ", ".join(f"{CLASSES[name].lower()} {count}" for name, count in counts.most_common())
    terminal.screen.print(f"{found.num_rows:,} events" + (f": {by_class}" if by_class else ""), markup=False)


def _check_files(asked: Asked, lake: Lake, key: SessionKey | None) -> bool:
    session_ids = (key.session_id,) if key else ()
    checks = questions.check_files(lake.con, lake.config, session_ids, key.source_id if key else None)
    is_whole = not any(check.state == "changed" for check in checks)
    if asked.is_json:
        told = {"command": "audit", "is_whole": is_whole, "files": [dataclasses.asdict(check) for check in checks]}
        terminal.put(terminal.as_json(told), None)
        return is_whole
    for check in checks:
        if check.state == "changed":
            terminal.screen.print(_in_words(check), style="red", markup=False, soft_wrap=True)
    counts = Counter(check.state for check in checks)
    lines = sum(check.lines_count for check in checks if check.state in ("intact", "grown"))
    told_states = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    terminal.screen.print(f"{len(checks):,} files: {told_states or 'none'}", markup=False)
    terminal.screen.print(f"{lines:,} lines have the hash they had when they were read", markup=False)
    return is_whole


def _in_words(check: FileCheck) -> str:
    return (
        f"{check.source_id} {check.path}: {check.differing_count:,} of {check.lines_count:,} lines are not what was "
        f"read, the first at byte {check.first_differing_bytes:,}"
    )


def _write_case(asked: Asked, lake: Lake, found: pa.Table, key: SessionKey | None, folder: Path) -> None:
    pairs = dict.fromkeys(zip(found["source_id"].to_pylist(), found["session_id"].to_pylist(), strict=True))
    keys = [key] if key else [SessionKey(*pair) for pair in pairs]
    if not keys:
        raise QueryError("Nothing was found to make a case of. Give a session, or wider filters.")
    written = cases.write_case(lake.con, lake.config, keys, folder)
    if asked.is_json:
        told = {"command": "audit", "case": str(folder), "files": [str(path) for path in written]}
        terminal.put(terminal.as_json(told), None)
    else:
        sessions = format.counted(len(keys), "session")
        terminal.screen.print(f"Wrote {sessions} into {folder}; its README.md says how to verify it.")


def _check_case(asked: Asked, folder: Path) -> bool:
    check = cases.check_case(folder)
    if asked.is_json:
        told = {"command": "audit", "is_whole": check.is_whole, **dataclasses.asdict(check)}
        terminal.put(terminal.as_json(told), None)
        return check.is_whole
    for word, names in (("changed", check.changed), ("missing", check.missing), ("not listed", check.unlisted)):
        for name in names:
            terminal.screen.print(f"{word}: {name}", style="red", markup=False, soft_wrap=True)
    terminal.screen.print(f"{check.held_count:,} files are as they were written", markup=False)
    return check.is_whole
