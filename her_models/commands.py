"""What a shell command may do: which files it may change, whether it reaches a network, whether it destroys.

What belongs here: reading `commands.toml` and applying it to the commands of a shell text. What does not: taking the
text apart (`shell`), or judging whether an effect is a risk or a waste. Nothing is run; what is not known may do
anything.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from her_models.errors import ModelError
from her_models.shell import NOWHERE, SimpleCommand, joined, simple_commands

Writes = Literal["nothing", "arguments", "last", "tree"]
COMMANDS_PATH = Path(__file__).with_name("commands.toml")
_UNSURE = ("$", "`", "~")


@dataclass(frozen=True)
class Entry:
    """What the table says of a command, or of one of its sub-commands."""

    names: tuple[str, ...]
    subcommands: tuple[tuple[str, ...], ...] = ()
    writes: Writes = "nothing"
    writes_with: frozenset[str] = frozenset()
    reads_with: frozenset[str] = frozenset()
    skip: int = 0
    values: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    runs: bool = False
    network: bool = False
    destructive: bool = False
    destructive_with: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Effect:
    """What one command of a shell text may do.

    `paths` are the files and folders it writes, as seen from the root where the folder it ran in is known;
    `writes_anything` says that it may change files that it does not name.
    """

    command: str
    is_known: bool
    paths: tuple[str, ...] = ()
    writes_anything: bool = False
    network: bool = False
    destructive: bool = False

    def may_change(self, path: str) -> bool:
        """Say whether a file may be another one after it."""
        return self.writes_anything or any(_covers(written, path) for written in self.paths)


def _covers(written: str, path: str) -> bool:
    if any(mark in written for mark in _UNSURE):
        return True
    written = written.rstrip("/")
    if written in ("", ".") or path == written or path.startswith(f"{written}/"):
        return True
    if any(mark in written for mark in "*?["):
        return fnmatchcase(path, written) or fnmatchcase(path, f"*/{written}")
    # The folder it ran in is not known: the end of the path decides.
    return not written.startswith("/") and (path.endswith(f"/{written}") or f"/{written}/" in path)


@cache
def load_commands(path: Path = COMMANDS_PATH) -> tuple[str, dict[str, tuple[Entry, ...]]]:
    """Return the version of the table, and its entries by command; those with longer sub-commands come first.

    Raises:
        ModelError: an entry has a field that nobody knows, or a value of no meaning.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    found: dict[str, list[Entry]] = defaultdict(list)
    for number, given in enumerate(data.get("command", []), start=1):
        entry = _entry(given, path, number)
        for name in entry.names:
            found[name].append(entry)
    by_length = {name: tuple(sorted(entries, key=_specificity, reverse=True)) for name, entries in found.items()}
    return str(data["version"]), by_length


def _specificity(entry: Entry) -> int:
    return max((len(words) for words in entry.subcommands), default=0)


def _entry(given: dict[str, Any], path: Path, number: int) -> Entry:
    unknown = set(given) - set(Entry.__dataclass_fields__)
    if unknown or not given.get("names"):
        raise ModelError(f"{path}, entry {number}: {sorted(unknown)} is unknown, or names are missing.")
    if given.get("writes", "nothing") not in ("nothing", "arguments", "last", "tree"):
        raise ModelError(f"{path}, entry {number}: writes is {given['writes']!r}; see the head of the file.")
    sets = {name: frozenset(given.get(name, ())) for name in ("writes_with", "reads_with", "values", "named")}
    return Entry(
        names=tuple(given["names"]),
        subcommands=tuple(tuple(words.split()) for words in given.get("subcommands", ())),
        writes=given.get("writes", "nothing"),
        skip=given.get("skip", 0),
        runs=given.get("runs", False),
        network=given.get("network", False),
        destructive=given.get("destructive", False),
        destructive_with=frozenset(given.get("destructive_with", ())),
        **sets,
    )


@lru_cache(maxsize=20_000)
def effects(text: str, cwd: str | None = None) -> tuple[Effect, ...]:
    """Return what each command of a shell text may do, in order; a text that is no shell may do anything."""
    commands = simple_commands(text, cwd)
    if not commands and text.strip():
        return (Effect("", is_known=False, writes_anything=True),)
    return tuple(effect for command in commands for effect in _effects(command))


def may_change(text: str, path: str, cwd: str | None = None) -> bool:
    """Say whether a file may be another one after a shell text ran in the folder `cwd`."""
    return any(effect.may_change(path) for effect in effects(text, cwd))


def innermost(command: SimpleCommand) -> SimpleCommand:
    """Return the command that runners such as `npx` or `uv run` start in the end, else the command itself."""
    inner = _inner(command, _find(command))
    return command if inner is None else innermost(inner)


def written_paths(command: SimpleCommand) -> tuple[str, ...]:
    """Return the files and folders that one command names and writes, redirections included."""
    return tuple(path for effect in _effects(command) for path in effect.paths)


def _effects(command: SimpleCommand) -> Iterator[Effect]:
    redirected = tuple(joined(path, command.cwd) for path in command.writes if path not in NOWHERE)
    entry = _find(command)
    inner = _inner(command, entry)
    if inner is not None:
        if redirected:
            yield Effect(command.name, is_known=True, paths=redirected)
        yield from _effects(inner)
        return
    if entry is None:
        yield Effect(command.name, is_known=False, paths=redirected, writes_anything=True)
        return
    flags = command.flags
    writes = entry.writes
    if entry.writes_with and not _has(flags, entry.writes_with | _words(command, entry.writes_with)):
        writes = "nothing"
    if entry.reads_with and _has(flags, entry.reads_with):
        writes = "nothing"
    paths = tuple(joined(path, command.cwd) for path in _paths(command, entry, writes))
    name = " ".join((command.name, *_subcommand(command, entry)))
    yield Effect(
        name,
        is_known=True,
        paths=redirected + paths,
        writes_anything=writes == "tree",
        network=entry.network,
        destructive=entry.destructive or _has(flags | set(command.words), entry.destructive_with),
    )


def _has(flags: frozenset[str] | set[str], wanted: frozenset[str]) -> bool:
    # In-place options carry a suffix: -i.bak.
    return any(flag in wanted or (flag[:2] == "-i" and "-i" in wanted) for flag in flags)


def _words(command: SimpleCommand, wanted: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in command.words if word in wanted)


def _find(command: SimpleCommand) -> Entry | None:
    for entry in load_commands()[1].get(command.name, ()):
        if not entry.subcommands or _subcommand(command, entry):
            return entry
    return None


def _subcommand(command: SimpleCommand, entry: Entry) -> tuple[str, ...]:
    matching = [words for words in entry.subcommands if _begins(command, words)]
    return max(matching, key=len, default=())


def _begins(command: SimpleCommand, words: Sequence[str]) -> bool:
    return command.words[: len(words)] == tuple(words) or command.begins_with(words)


def _inner(command: SimpleCommand, entry: Entry | None) -> SimpleCommand | None:
    """Return the command that a runner such as `npx` or `python -m` runs, where that is what it does."""
    words = list(command.words)
    if command.name.startswith("python") and "-m" in words:
        rest = words[words.index("-m") + 1 :]
    elif entry is not None and entry.runs:
        skipped = len(_subcommand(command, entry))
        rest = words[skipped:]
        while rest and rest[0].startswith("-"):
            rest = rest[1:]
    else:
        return None
    if not rest:
        return None
    return SimpleCommand(
        rest[0].rpartition("/")[2], tuple(rest[1:]), command.settings, command.cwd, command.is_elevated
    )


def _paths(command: SimpleCommand, entry: Entry, writes: Writes) -> list[str]:
    words = list(command.words)[len(_subcommand(command, entry)) :]
    operands: list[str] = []
    written: list[str] = []
    is_literal = False
    place = 0
    has_script = False
    while place < len(words):
        word = words[place]
        if word == "--" and not is_literal:
            is_literal = True
        elif not is_literal and word.startswith("-") and len(word) > 1:
            name, _, value = word.partition("=")
            if name in entry.named:
                written.append(value or (words[place + 1] if place + 1 < len(words) else ""))
                place += 0 if value else 1
            elif name in entry.values and not value:
                has_script = True
                place += 1
        else:
            operands.append(word)
        place += 1
    if entry.skip and not (has_script and entry.names[0] in ("sed", "awk")):
        operands = operands[entry.skip :]
    written = [path for path in written if path and path not in NOWHERE]
    if writes == "arguments":
        # A formatter that is given no path takes the folder it runs in.
        return written + (operands or ["."])
    return written + operands[-1:] if writes == "last" else written
