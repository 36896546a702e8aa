"""`her ingest`: nothing new is answered at once, news are read by a process of their own.

Only the standard library is imported here until it is known that there is something to do: a timer may run this every
minute. `app` does not know `pipelines`, so it starts it by name.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PlainIngest:
    """Arguments of a `her ingest` that needs nobody to explain them."""

    paths: tuple[Path, ...]
    owner: str | None
    is_json: bool


def plain_ingest(arguments: Sequence[str]) -> PlainIngest | None:
    """Read the arguments after `ingest`; None when they hold anything that `cli` should judge."""
    paths, owner, is_json, rest = [], None, False, list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument == "--json":
            is_json = True
        elif argument == "--owner" and rest:
            owner = rest.pop(0)
        elif argument.startswith("--owner="):
            owner = argument.removeprefix("--owner=")
        elif argument.startswith("-"):
            return None
        else:
            paths.append(Path(argument).expanduser().absolute())
    if not all(path.exists() for path in paths):
        return None
    return PlainIngest(tuple(paths), owner, is_json)


def run_plain(request: PlainIngest) -> int:
    """Say that there is nothing new and return 0, or become the process that reads what is new."""
    if _has_nothing_new(request):
        told = json.dumps({"schema_version": 1, "status": "nothing new"}) if request.is_json else "Nothing new."
        sys.stdout.write(f"{told}\n")
        return 0
    become_ingest(request)
    return 0


def become_ingest(request: PlainIngest) -> None:
    """Replace this process by the one that reads what is new; does not return."""
    command = ingest_command(request.paths, request.owner, is_json=request.is_json)
    sys.stdout.flush()
    os.execv(command[0], command)


def ingest_command(paths: Sequence[Path], owner: str | None = None, *, is_json: bool = False) -> list[str]:
    """Return the command that reads what is new."""
    command = [sys.executable, "-m", "pipelines.local", "ingest", *map(str, paths)]
    return command + (["--owner", owner] if owner else []) + (["--json"] if is_json else [])


def _has_nothing_new(request: PlainIngest) -> bool:
    try:
        from her_models.config import load_config
        from her_models.ingest import nothing_new

        return nothing_new(load_config(), request.paths, request.owner)
    except Exception:  # whatever it is, the long way meets it again and explains it
        return False
