"""What is left of an error nobody foresaw: a line for the person, a traceback in HER_HOME/logs.

What belongs here: that, for whoever stands at the edge of a process. Errors that were foreseen are `errors.HerError`.
"""

from __future__ import annotations

import errno
import os
import traceback
from datetime import UTC, datetime

from her_models.config import her_home

_SAFE_TO_QUOTE = (OSError, ImportError, AttributeError, NameError, NotImplementedError, RecursionError, TypeError)
"""Kinds whose messages speak of files and of code; others might quote a transcript, and are left out."""


_REMEDIES = {
    errno.ENOSPC: "Make room, then run the same command again; what was published stays.",
    errno.EDQUOT: "Make room, then run the same command again; what was published stays.",
    errno.EROFS: "Set HER_HOME to a folder that can be written.",
    errno.EACCES: "Give yourself the right, or set HER_HOME to a folder of your own.",
    errno.EPERM: "Give yourself the right, or set HER_HOME to a folder of your own.",
    errno.EMFILE: "Raise the limit (ulimit -n), then run the same command again.",
}
"""What the machine refuses now and then, whatever a program does."""


_FULL = ("no space left on device", "disk is full", "quota exceeded")
"""What DuckDB, SQLite and Arrow say of it, in errors of their own."""


OTHER_VERSION = (
    "An older version of Her wrote this lake: a table or a column that this one asks for is not there yet."
    " Bring it up to date: her ingest"
)


def is_of_another_version(error: BaseException) -> bool:
    """Whether the lake lacks what was asked for; DuckDB then says so, or looks for a Python object of the name."""
    is_duckdb = type(error).__module__.lstrip("_").startswith("duckdb")
    lacks_it = type(error).__name__ in ("CatalogException", "BinderException")
    return is_duckdb and (lacks_it or "replacement scan" in str(error))


def account_of(error: BaseException) -> str:
    """Explain what the machine refused; of anything else, keep the traceback in HER_HOME/logs and say so."""
    if is_of_another_version(error):
        _kept(error)
        return OTHER_VERSION
    if not isinstance(error, OSError) and any(words in str(error).lower() for words in _FULL):
        return f"The disk is full. {_REMEDIES[errno.ENOSPC]}"
    if isinstance(error, OSError) and (remedy := _REMEDIES.get(error.errno or 0)):
        where = f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, (str, bytes)) else ""
        return f"The system says: {error.strerror}{where}. {remedy}"
    return f"Something went wrong that Her did not foresee ({type(error).__name__}). {_kept(error)}"


def _kept(error: BaseException) -> str:
    try:
        home = her_home().absolute()
        home.mkdir(parents=True, exist_ok=True, mode=0o700)  # the mode is not that of parents
        folder = home / "logs"
        folder.mkdir(exist_ok=True)
        path = folder / f"error-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}.log"
        path.write_text(_without_messages(error), encoding="utf-8")
    except OSError:
        return "Its traceback could not be written below HER_HOME. `her doctor` may know more."
    return f"The traceback is in {path}. `her doctor` may know more."


def _without_messages(error: BaseException) -> str:
    """Return the traceback, causes first, with messages only where they cannot quote a transcript."""
    parts = []
    link: BaseException | None = error
    while link is not None:
        message = str(link) if isinstance(link, _SAFE_TO_QUOTE) else "(message left out)"
        frames = "".join(traceback.format_tb(link.__traceback__))
        parts.append(f"Traceback (most recent call last):\n{frames}{type(link).__name__}: {message}\n")
        link = link.__cause__ or link.__context__
    return "\nwhich led to:\n\n".join(reversed(parts))
