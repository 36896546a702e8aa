"""What a call may do: which files it may change, whether it reaches a network, waits, or destroys.

What belongs here: reading `commands.toml` and applying it to the commands of a shell text, and what the name of an MCP
tool tells. What does not: taking the
text apart (`shell`), or judging whether an effect is a risk or a waste. Nothing is run; what is not known may do
anything.
"""

from __future__ import annotations

import re
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
_UPDATES = re.compile(r"UPDATE|REGEN|RECORD|ACCEPT|BLESS|SNAPSHOT|GOLDEN|OVERWRITE", re.IGNORECASE)
"""Settings of this kind have a test runner write what it expects: `UPDATE_EXPECT=1 cargo test`."""
_NAME_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Entry:
    """What the table says of a command, or of one of its sub-commands."""

    names: tuple[str, ...]
    subcommands: tuple[tuple[str, ...], ...] = ()
    writes: Writes = "nothing"
    writes_with: frozenset[str] = frozenset()
    reads_with: frozenset[str] = frozenset()
    writes_if: str = ""
    reads_if: str = ""
    least: int = 0
    skip: int = 0
    values: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    runs: bool = False
    network: bool = False
    waits: bool = False
    waits_with: frozenset[str] = frozenset()
    destructive: bool = False
    destructive_with: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Effect:
    """What one command of a shell text may do.

    `paths` are the files and folders it writes, as seen from the root where the folder it ran in is known;
    `writes_anything` says that it may change files that it does not name; `waits` that it lets time pass for
    something else to happen.
    """

    command: str
    is_known: bool
    paths: tuple[str, ...] = ()
    writes_anything: bool = False
    network: bool = False
    destructive: bool = False
    waits: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Say whether it leaves every file as it is."""
        return not self.writes_anything and not self.paths

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
    names = ("writes_with", "reads_with", "values", "named", "waits_with", "destructive_with")
    sets = {name: frozenset(given.get(name, ())) for name in names}
    for name in ("writes_if", "reads_if"):
        try:
            re.compile(given.get(name, ""))
        except re.error as error:
            raise ModelError(f"{path}, entry {number}: {name} is no regular expression: {error}.") from error
    return Entry(
        names=tuple(given["names"]),
        subcommands=tuple(tuple(words.split()) for words in given.get("subcommands", ())),
        writes=given.get("writes", "nothing"),
        skip=given.get("skip", 0),
        runs=given.get("runs", False),
        network=given.get("network", False),
        waits=given.get("waits", False),
        destructive=given.get("destructive", False),
        writes_if=given.get("writes_if", ""),
        reads_if=given.get("reads_if", ""),
        least=given.get("least", 0),
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


_READING = frozenset(
    {
        *("get", "list", "search", "read", "fetch", "query", "describe", "show", "view", "find", "count", "status"),
        *("lookup", "browse", "inspect", "explain", "check", "diff", "log", "logs", "history", "info", "help", "ls"),
        *("grep", "glob", "cat", "head", "tail", "outline", "overview", "symbols", "references", "definition", "docs"),
        *("resolve", "retrieve", "preview", "compare", "summarize", "analyze", "screenshot", "snapshot", "whoami"),
        *("ping", "version", "versions", "exists", "blame", "tree", "stat", "context"),
    }
)
_CHANGING = frozenset(
    {
        *("write", "edit", "create", "update", "delete", "remove", "apply", "format", "rename", "replace", "insert"),
        *(
            "move",
            "patch",
            "run",
            "exec",
            "execute",
            "checkout",
            "stash",
            "reset",
            "merge",
            "rebase",
            "revert",
            "restore",
        ),
        *(
            "append",
            "put",
            "set",
            "save",
            "undo",
            "redo",
            "add",
            "upload",
            "download",
            "install",
            "generate",
            "refactor",
        ),
        *("fix", "sync", "pull", "clone", "copy", "import", "convert", "modify", "change", "clear", "reindex", "eval"),
        *("switch", "shell", "command", "script", "build", "make", "commit", "push", "upsert", "post", "send", "call"),
    }
)


def is_reading_tool(name: str) -> bool:
    """Say whether the name of an MCP tool tells that it only reads; what tells nothing may do anything."""
    words = {word.lower() for word in _NAME_WORDS.findall(name.rpartition("__")[2])}
    return bool(words & _READING) and not words & _CHANGING


_WITH_SUBCOMMANDS = frozenset(
    {
        *(
            "swift",
            "make",
            "just",
            "task",
            "mix",
            "bundle",
            "rails",
            "rake",
            "gradle",
            "gradlew",
            "mvn",
            "mvnw",
            "bazel",
        ),
        *("nx", "turbo", "pod", "fastlane", "flutter", "dart", "php", "symfony", "artisan", "stack", "cabal", "zig"),
    }
)


def has_subcommands(name: str) -> bool:
    """Say whether the first word after a command's name is a sub-command or a target."""
    return name in _WITH_SUBCOMMANDS or any(entry.subcommands for entry in load_commands()[1].get(name, ()))


def may_destroy(command: SimpleCommand) -> bool:
    """Say whether a command may destroy something, as it stands or with another option of its own."""
    entry = _find(command)
    return entry is not None and (entry.destructive or bool(entry.destructive_with))


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
    writes = _writes(command, entry)
    paths = tuple(joined(path, command.cwd) for path in _paths(command, entry, writes))
    name = " ".join((command.name, *_subcommand(command, entry)))
    yield Effect(
        name,
        is_known=True,
        paths=redirected + paths,
        # What `xargs` hands over is not told.
        writes_anything=writes == "tree" or (command.is_fed and writes != "nothing"),
        network=entry.network,
        destructive=entry.destructive or _has(flags | set(command.words), entry.destructive_with),
        waits=entry.waits or _has(flags, entry.waits_with),
    )


def _writes(command: SimpleCommand, entry: Entry) -> Writes:
    """Return what a command writes, with the options and words that it was given."""
    flags = command.flags
    if any(_UPDATES.search(setting.partition("=")[0]) for setting in command.settings):
        return "tree"
    if entry.writes_if and any(re.search(entry.writes_if, word) for word in command.words):
        return "tree"
    asked = _has(flags | set(command.words), entry.writes_with)
    if (entry.writes_with or entry.writes_if) and not asked:
        return "nothing"
    operands = command.operands
    if entry.reads_if and operands and re.search(entry.reads_if, operands[0]):
        return "nothing"
    if (entry.reads_with and _has(flags, entry.reads_with)) or len(operands) < entry.least:
        return "nothing"
    return entry.writes


def _has(flags: frozenset[str] | set[str], wanted: frozenset[str]) -> bool:
    # In-place options carry a suffix: -i.bak.
    return any(flag in wanted or (flag[:2] == "-i" and "-i" in wanted) for flag in flags)


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


def _short(word: str, entry: Entry) -> tuple[str, str] | None:
    """Return the option of a cluster that takes a value, and the value where it stands there: `-sSLo`, `-ofile`."""
    known = entry.named | entry.values
    if word in known or not known:
        return None
    for place, letter in enumerate(word[1:], start=1):
        if f"-{letter}" in known:
            return f"-{letter}", word[place + 1 :].removeprefix("=")
        if not letter.isalpha():
            return None
    return None


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
            if not word.startswith("--"):
                name, value = _short(word, entry) or (name, value)
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
