"""Commits of CLAUDE.md, asked of git where a project's folder lies on this machine.

What belongs here: which commits changed it, and when a commit was made. What does not: what is compared before and
after them (`presets`). Nothing is fetched, and nothing of a repository is run: hooks, monitors, signatures stay off.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from her_models.errors import QueryError

_NAMES = ("CLAUDE.md", "CLAUDE.local.md", ".claude/CLAUDE.md")
FILES = (*_NAMES, *(f":(top){name}" for name in _NAMES))
_HASH = re.compile(r"[0-9a-f]{7,40}")
_PATIENCE_SECONDS = 10
_MOST = 50
_QUIET = ("core.fsmonitor=false", "log.showSignature=false", "core.hooksPath=/dev/null", "protocol.allow=never")


@dataclass(frozen=True)
class Commit:
    """A commit that changed a project's CLAUDE.md."""

    project: str
    commit: str
    committed_at: datetime


def is_commit(text: str) -> bool:
    """Whether a text could be a commit: seven to forty digits of a hash; eight without a letter are a day."""
    return bool(_HASH.fullmatch(text)) and not (len(text) == 8 and text.isdigit())


def commits_of_instructions(con: duckdb.DuckDBPyConnection) -> tuple[Commit, ...]:
    """Return the last commits of CLAUDE.md in the projects whose folders lie on this machine, newest first."""
    found = {}
    for project, folder in _folders(con):
        for line in _git(folder, "log", f"--max-count={_MOST}", "--format=%H %cI", "--", *FILES).splitlines():
            name, _, moment = line.partition(" ")
            found[project, name] = Commit(project, name, datetime.fromisoformat(moment))
    return tuple(sorted(found.values(), key=lambda one: (one.committed_at, one.commit), reverse=True))


def moment_of(con: duckdb.DuckDBPyConnection, commit: str) -> datetime:
    """Return when a commit was made.

    Raises:
        QueryError: no project's folder on this machine holds it.
    """
    for _, folder in _folders(con):
        told = _git(folder, "show", "--no-patch", "--format=%cI", f"{commit}^{{commit}}").strip()
        if told:
            return datetime.fromisoformat(told)
    raise QueryError(
        f"No project's folder on this machine holds the commit {commit!r}. Give the day, or the moment:"
        " since=2026-01-31T14:30"
    )


def _folders(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Path]]:
    """Return project and working directory of the sessions, the last first, where they are repositories here."""
    rows = con.execute(
        "select project, project_path from sessions where project_path is not null and project is not null"
        " group by all order by max(started_at) desc nulls last"
    ).fetchall()
    for project, path in rows:
        folder = Path(path)
        if folder.is_absolute() and any((one / ".git").exists() for one in (folder, *folder.parents)):
            yield project, folder


def _git(folder: Path, *arguments: str) -> str:
    settings = [part for one in _QUIET for part in ("-c", one)]
    silent = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    try:
        done = subprocess.run(
            ["git", "--no-pager", *settings, "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            env={**os.environ, **silent},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
