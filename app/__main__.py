"""`python -m app`: the `her` command.

`her ingest` with nothing new is answered here, before anything but the standard library is imported: it is what a
timer runs every minute. Everything else goes to `cli`.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class _Ingest:
    """Arguments of a plain `her ingest`."""

    paths: tuple[Path, ...]
    owner: str | None
    is_json: bool


def _plain_ingest(arguments: list[str]) -> _Ingest | None:
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
            paths.append(Path(argument).absolute())
    return _Ingest(tuple(paths), owner, is_json)


def _has_nothing_new(request: _Ingest) -> bool:
    try:
        from her_models.ingest import nothing_new

        from her_models.config import load_config

        return nothing_new(load_config(), request.paths, request.owner)
    except Exception:  # whatever it is, the long way meets it again and explains it
        return False


def main() -> int:
    """Run the command in `sys.argv`; return the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["ingest"] and (request := _plain_ingest(arguments[1:])) and _has_nothing_new(request):
        told = json.dumps({"schema_version": 1, "status": "nothing new"}) if request.is_json else "Nothing new."
        sys.stdout.write(f"{told}\n")
        return 0
    from app.cli import run

    return run(arguments)


if __name__ == "__main__":
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
