"""`python -m her_models.search.refresh [HOME]`: bring the index up to the lake, beside whatever else is running.

What belongs here: starting that as a process of its own, and the process. What does not: how the index is made.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from her_models.config import Config, load_config
from her_models.errors import HerError

CHECKOUT = Path(__file__).resolve().parents[2]
_NICENESS = 10


def search_folder(config: Config) -> Path:
    """Return where the index lies; there is none before the first search or the first start of the app."""
    return config.home / "search"


def start_refresh(config: Config) -> subprocess.Popen[bytes] | None:
    """Start bringing the index up to date and return the process; None when it cannot be started."""
    try:
        (config.home / "logs").mkdir(parents=True, exist_ok=True)
        with (config.home / "logs" / "search.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "her_models.search.refresh", str(config.home)],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
    except OSError:
        return None


def main(arguments: list[str]) -> int:
    """Update the index of a home; what a person can mend is said in a line."""
    from her_models.lake import open_lake
    from her_models.search.index import update_index

    os.nice(_NICENESS)
    try:
        with open_lake(load_config(Path(arguments[0]) if arguments else None), read_only=True) as lake:
            update_index(lake)
    except (HerError, OSError) as error:
        sys.stderr.write(f"The search index was not brought up to date: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
