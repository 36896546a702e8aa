"""Where Her lives and what it reads: `HER_HOME`, `config.toml`, sources.

Standard library only: a run that finds nothing new imports this and little else.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any

from her_models.budgets import Budget, read_budgets
from her_models.errors import ConfigError

_PART = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Source:
    """One person's logs on one machine, and where they lie."""

    owner: str
    host: str
    path: Path

    @property
    def source_id(self) -> str:
        """`owner@host`, the shard key."""
        return f"{self.owner}@{self.host}"


@dataclass(frozen=True)
class Config:
    """What `HER_HOME/config.toml` says, with defaults for what it leaves out."""

    home: Path
    sources: tuple[Source, ...] = ()
    redaction: str = "on"  # "off" must be asked for
    redact_home_names: bool = False
    time_zone: str = "UTC"
    prices_path: Path | None = None  # user's own prices, merged over the built-in list
    densities_path: Path | None = None  # user's own token densities, laid over the built-in ones
    workers: int = 0  # 0: one per core
    catalog: str = ""  # DuckLake catalog; empty: SQLite in HER_HOME
    data_path: str = ""  # where Parquet lies; empty: HER_HOME/lake
    budgets: tuple[Budget, ...] = ()  # how much may be spent
    shows_persons: bool = False  # whether reports over several people name them

    @property
    def catalog_path(self) -> Path:
        return self.home / "catalog.sqlite"

    @property
    def lake_path(self) -> Path:
        return self.home / "lake"

    @property
    def key_path(self) -> Path:
        """Key of the fingerprints; whoever has it can test a guess against them."""
        return self.home / "redaction.key"


def her_home(environment: Mapping[str, str] | None = None) -> Path:
    """Return `HER_HOME`, by default `~/.her`; nothing is created."""
    value = (os.environ if environment is None else environment).get("HER_HOME")
    return Path(value).expanduser() if value else Path.home() / ".her"


def make_home(home: Path) -> None:
    """Make `home` for this person alone, unless it is there.

    Raises:
        ConfigError: it cannot be made, or is no folder.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)  # the mode is not that of parents
    except OSError as error:
        found = "it is no folder" if isinstance(error, FileExistsError) else error.strerror
        raise ConfigError(f"{home} cannot be made: {found}. Set HER_HOME to a folder that can be written.") from error


def source_part(text: str) -> str:
    """Return `text` as an owner or host: letters, digits, `.`, `_`, `-`."""
    return _PART.sub("-", text).strip("-") or "unknown"


def default_owner() -> str:
    try:
        return source_part(getpass.getuser())
    except (KeyError, OSError):  # no such user in a container
        return "unknown"


def default_host() -> str:
    return source_part(socket.gethostname().split(".")[0])


def default_source(owner: str | None = None) -> Source:
    """Return this person's own logs on this machine: `~/.claude/projects`, or `CLAUDE_CONFIG_DIR/projects`."""
    base = os.environ.get("CLAUDE_CONFIG_DIR")
    folder = Path(base).expanduser() if base else Path.home() / ".claude"
    return Source(source_part(owner) if owner else default_owner(), default_host(), folder / "projects")


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # only a run whose configuration names one pays for it

    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # no such name, or one that leads out of the folder of names
        return False
    return True


def _is_on(data: Mapping[str, Any], name: str, path: Path) -> bool:
    value = data.get(name, False)
    if not isinstance(value, bool):
        raise ConfigError(f"{path}: {name} is {value!r}; write true or false, without quotes.")
    return value


def _time_zone(data: Mapping[str, Any], path: Path) -> str:
    value = data.get("time_zone")
    if value is not None:
        if not isinstance(value, str) or not _is_time_zone(value):
            raise ConfigError(f'{path}: time_zone is {value!r}; write a name such as "Europe/Berlin" or "UTC".')
        return value
    link = Path("/etc/localtime")
    if link.is_symlink() and "zoneinfo/" in (target := str(link.resolve())):
        return target.split("zoneinfo/", 1)[1].removeprefix("posix/")
    named = os.environ.get("TZ", "").removeprefix(":")
    return named if named and _is_time_zone(named) else "UTC"  # the variable may hold a rule in place of a name


def zone_of_days(name: str) -> str:
    """Return what tells two zones apart by the days they count in: the offset of one that never changes, else the name.

    `UTC`, `Etc/UTC`, `Zulu` and `GMT` are one zone to a machine under any of these names.
    """
    if name == "UTC":
        return name
    from zoneinfo import ZoneInfo

    offset = time(tzinfo=ZoneInfo(name)).utcoffset()  # None where it depends on the day
    if offset is None:
        return name
    return str(offset.total_seconds()) if offset else "UTC"


_NAMES = (
    *("budgets", "catalog", "data_path", "densities", "prices", "redact_home_names", "redaction", "shows_persons"),
    *("sources", "time_zone", "workers"),
)
_SOURCE_NAMES = ("host", "owner", "path")


def _refuse_unknown(data: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """A misspelt entry that is silently left out would be believed to hold."""
    for name in data:
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, n=1)
            meant = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(known)}."
            raise ConfigError(f"{where}: there is no entry {name!r}. {meant}")


def _text(data: Mapping[str, Any], name: str, path: Path) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise ConfigError(f"{path}: {name} is {value!r}; write a text in quotes.")
    return value


def _source(entry: object, path: Path) -> Source:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise ConfigError(f'{path}: a [[sources]] entry has no path. Write: path = "/where/the/logs/are"')
    _refuse_unknown(entry, _SOURCE_NAMES, f"{path}, [[sources]]")
    owner, host = entry.get("owner"), entry.get("host")
    return Source(
        source_part(owner) if isinstance(owner, str) else default_owner(),
        source_part(host) if isinstance(host, str) else default_host(),
        Path(entry["path"]).expanduser(),
    )


def load_config(home: Path | None = None) -> Config:
    """Read `config.toml` below `home` (default `HER_HOME`); a missing file gives the defaults.

    Raises:
        ConfigError: the file is not TOML, or an entry cannot be used.
    """
    home = (home or her_home()).absolute()
    path = home / "config.toml"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}. Mend it or move it away.") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from error
    _refuse_unknown(data, _NAMES, str(path))
    redaction = data.get("redaction", "on")
    if redaction not in ("on", "off"):
        raise ConfigError(f'{path}: redaction is {redaction!r}; write "on" or "off".')
    workers = data.get("workers", 0)
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 0:
        raise ConfigError(f"{path}: workers is {workers!r}; write a whole number, 0 for one per core.")
    entries = data.get("sources", [])
    if not isinstance(entries, list):
        raise ConfigError(f"{path}: sources is not a list. Write [[sources]] entries.")
    prices, densities = _text(data, "prices", path), _text(data, "densities", path)
    return Config(
        home=home,
        sources=tuple(_source(entry, path) for entry in entries),
        redaction=redaction,
        redact_home_names=_is_on(data, "redact_home_names", path),
        time_zone=_time_zone(data, path),
        prices_path=Path(prices).expanduser() if prices else None,
        densities_path=Path(densities).expanduser() if densities else None,
        workers=workers,
        catalog=_text(data, "catalog", path),
        data_path=_text(data, "data_path", path),
        budgets=read_budgets(data.get("budgets", []), str(path)),
        shows_persons=_is_on(data, "shows_persons", path),
    )
