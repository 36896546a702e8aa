"""`python -m app`: the `her` command. A plain `her ingest` takes the short way, everything else `cli`."""

from __future__ import annotations

import os
import sys
from importlib.abc import MetaPathFinder

from app.ingest import plain_ingest, run_plain


class _WithoutPandas(MetaPathFinder):
    """DuckDB and PyArrow import pandas only to see whether they were given a data frame; that costs a second."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("The command line has no use for pandas.", name=fullname)


def main() -> int:
    """Run the command in `sys.argv`; return the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["ingest"] and (request := plain_ingest(arguments[1:])):
        return run_plain(request)
    sys.meta_path.insert(0, _WithoutPandas())
    from app.cli import run

    return run(arguments)


if __name__ == "__main__":
    code = main()
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
