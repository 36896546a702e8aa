"""How a command of `her` opens the lake to read it: with one voice where there is none, or an old one.

What belongs here: that. What does not: how the app reads it (`data`), how a lake is opened at all (`her_models.lake`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from her_models.errors import LakeError

if TYPE_CHECKING:
    from her_models.config import Config
    from her_models.lake import Lake


def require_lake(config: Config) -> None:
    """Refuse where nothing was ever ingested.

    Raises:
        LakeError: there is no lake.
    """
    if not config.catalog and not config.catalog_path.exists():
        raise LakeError(f"There is no lake in {config.home} yet. Make one: her ingest (or her up)")


@contextmanager
def reading(config: Config) -> Iterator[Lake]:
    """Open the lake read-only; where its figures are of another version, say so beside what is printed.

    Raises:
        LakeError: there is no lake, or it cannot be read.
        LakeOutdated: it lacks what this version reads.
    """
    from app import terminal
    from her_models.lake import open_lake

    require_lake(config)
    with open_lake(config, read_only=True) as lake:
        account = lake.outdated_account()
        if account:
            terminal.aside.print(f"her: {account}", markup=False, soft_wrap=True)
        yield lake
