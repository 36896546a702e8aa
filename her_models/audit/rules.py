"""The rules of the audit, as `rules.toml` holds them, and what of a tool call they match.

What belongs here: reading rules and judging one call. What does not: which calls there are (`build`), taking shell
text apart (`shell`), or what a command may change (`commands`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from her_models.commands import innermost, written_paths
from her_models.errors import ModelError
from her_models.shell import SimpleCommand, joined, simple_commands

Class = Literal[
    "deploy", "production", "configuration", "force_push", "deletion", "publishing", "secret", "permission_bypass",
    "upload",
]  # fmt: skip
Severity = Literal["risk", "notice"]
RULES_PATH = Path(__file__).with_name("rules.toml")
SHELL_TOOLS = frozenset({"Bash", "PowerShell"})
_TEMPORARY = re.compile(
    r"^(/tmp|/var/tmp|/var/folders|/private/tmp|/private/var/folders|/dev/shm|/dev/null|\$TMPDIR|\$\{TMPDIR\}"
    r"|/c/Users/[^/]+/AppData/Local/Temp)(/|$)"
)
_DRIVE = re.compile(r"([A-Za-z]):[\\/]")
_HERE = re.compile(
    r"^([a-z]+://)?([^/@\s]*@)?(localhost|[\w-]+\.localhost|127(\.\d+){3}|0\.0\.0\.0|\[?::1\]?|host\.docker\.internal)"
    r"([:/?].*)?$|^:\d+(/|$)"
)
_SHOWN_CHARACTERS = 400
_SHOWN_BEFORE = 40  # characters of a long command shown before what the rule is about
_LONGEST_COMMAND = 100_000  # what comes after is no command anybody wrote by hand

Homes = tuple[str | None, ...]
"""Folders of the project, where they are known."""


@dataclass(frozen=True)
class Form:
    """What a call must be like; every condition that a form has must hold."""

    commands: frozenset[str] = frozenset()
    not_commands: frozenset[str] = frozenset()
    subcommands: tuple[tuple[str, ...], ...] = ()
    flags: frozenset[str] = frozenset()
    argument: re.Pattern[str] | None = None
    unless: tuple[re.Pattern[str], ...] = ()
    skip: int = 0
    operands: int = 0
    last: re.Pattern[str] | None = None
    writes: re.Pattern[str] | None = None
    is_outside: bool = False
    is_elsewhere: bool = False
    is_elevated: bool = False
    tools: frozenset[str] = frozenset()
    path: re.Pattern[str] | None = None
    input: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Rule:
    """One rule, of whose forms one must fit."""

    name: str
    kind: Class
    severity: Severity
    effect: str
    forms: tuple[Form, ...] = ()
    is_about_files: bool = False

    @property
    def tools(self) -> frozenset[str]:
        """Return the tools it is about that are no shell."""
        return frozenset().union(*(form.tools for form in self.forms))


@dataclass(frozen=True)
class Match:
    """What one rule found in a call; of a long command its beginning, and the part for which the rule matched."""

    rule: Rule
    command: str
    targets: tuple[str, ...] = field(default=())


@cache
def load_rules(path: Path = RULES_PATH) -> tuple[str, tuple[Rule, ...]]:
    """Return the version of the rules and the rules.

    Raises:
        ModelError: an entry cannot be used.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = tuple(_rule(entry, path) for entry in data["rule"])
    names = [rule.name for rule in rules]
    if len(set(names)) < len(names):
        raise ModelError(f"{path}: a rule is named twice.")
    return str(data["version"]), rules


_OF_A_RULE = {"name", "class", "severity", "effect"}
_IF_NEEDED = {"files", "forms"}
_OF_A_FORM = {"commands", "not_commands", "subcommands", "flags", "argument", "unless", "skip", "operands", "last",
              "writes", "outside", "elsewhere", "elevated", "tools", "path", "input"}  # fmt: skip


def _rule(entry: dict[str, Any], path: Path) -> Rule:
    name = str(entry.get("name"))
    if entry.keys() - _OF_A_RULE - _OF_A_FORM - _IF_NEEDED or not entry.keys() >= _OF_A_RULE:
        raise ModelError(f"{path}: rule {name!r} has unknown fields or lacks one.")
    if entry["class"] not in get_args(Class) or entry["severity"] not in get_args(Severity):
        raise ModelError(f"{path}: rule {name!r} is of an unknown class or severity.")
    shared = {key: value for key, value in entry.items() if key in _OF_A_FORM}
    forms = entry.get("forms", [{}])
    if any(form.keys() - _OF_A_FORM or form.keys() & (shared.keys() - {"unless"}) for form in forms):
        raise ModelError(f"{path}: rule {name!r} has a form with an unknown field, or with one that the rule has, too.")
    return Rule(
        name,
        entry["class"],
        entry["severity"],
        entry["effect"],
        tuple(_form(shared, form) for form in forms),
        bool(entry.get("files", False)),
    )


def _form(shared: dict[str, Any], own: dict[str, Any]) -> Form:
    given = {**shared, **own}
    return Form(
        commands=frozenset(given.get("commands", ())),
        not_commands=frozenset(given.get("not_commands", ())),
        subcommands=tuple(tuple(words.split()) for words in given.get("subcommands", ())),
        flags=frozenset(given.get("flags", ())),
        argument=_compiled(given.get("argument")),
        unless=tuple(re.compile(part["unless"]) for part in (shared, own) if "unless" in part),
        skip=given.get("skip", 0),
        operands=given.get("operands", 0),
        last=_compiled(given.get("last")),
        writes=_compiled(given.get("writes")),
        is_outside=bool(given.get("outside", False)),
        is_elsewhere=bool(given.get("elsewhere", False)),
        is_elevated=bool(given.get("elevated", False)),
        tools=frozenset(given.get("tools", ())),
        path=_compiled(given.get("path")),
        input=_compiled(given.get("input")),
    )


def _compiled(expression: str | None) -> re.Pattern[str] | None:
    return re.compile(expression) if expression else None


def matches(tool: str, text: str, path: str | None, cwd: str | None, project: str | None) -> list[Match]:
    """Return what the rules find in one tool call, at most one match of each rule.

    `text` is the call's input as JSON, `cwd` the folder it ran in, `project` the session's first folder.
    """
    homes = (project, cwd)
    found: dict[str, Match] = {}
    for rule, form in _asked_about_tool(tool):
        if _names(form, path, text, homes):
            found[rule.name] = Match(rule, path or tool, (path,) if path else ())
    if tool in SHELL_TOOLS:
        for command in simple_commands(_command_text(text), cwd):
            for match in _of_command(command, homes):
                earlier = found.get(match.rule.name)
                found[match.rule.name] = (
                    Match(match.rule, earlier.command, (*earlier.targets, *match.targets)) if earlier else match
                )
    return list(found.values())


def _names(form: Form, path: str | None, text: str, homes: Homes) -> bool:
    if form.path and not (path and form.path.search(path)):
        return False
    if form.is_outside and path and _is_inside(path, homes):
        return False
    return not form.input or bool(form.input.search(text))


def _command_text(text: str) -> str:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    command = given.get("command") if isinstance(given, dict) else None
    return command[:_LONGEST_COMMAND] if isinstance(command, str) else ""


def _of_command(command: SimpleCommand, homes: Homes) -> Iterator[Match]:
    """Yield the first rule of each class that a command matches: the severe ones stand first."""
    whole, written, command = command, written_paths(command), innermost(command)
    if "--help" in command.words or command.words[:1] in (("help",), ("--version",)):
        return
    seen: set[str] = set()
    for rule, form in _asked_about(command.name):
        if rule.kind not in seen and (targets := _targets(rule, form, command, written, homes)) is not None:
            seen.add(rule.kind)
            yield Match(rule, _shown(whole, form, targets), targets)


@lru_cache(maxsize=200)
def _asked_about_tool(tool: str) -> tuple[tuple[Rule, Form], ...]:
    return tuple((rule, form) for rule in load_rules()[1] for form in rule.forms if tool in form.tools)


@lru_cache(maxsize=2_000)
def _asked_about(name: str) -> tuple[tuple[Rule, Form], ...]:
    """Return the rules and forms that may fit a command of this name, in the order of the rules."""
    return tuple(
        (rule, form)
        for rule in load_rules()[1]
        for form in rule.forms
        if not form.tools and name not in form.not_commands and (not form.commands or name in form.commands)
    )


def _targets(
    rule: Rule, form: Form, command: SimpleCommand, written: tuple[str, ...], homes: Homes
) -> tuple[str, ...] | None:
    """Return what the command acts on, if the form fits; None if it does not."""
    if form.is_elevated and not command.is_elevated:
        return None
    asked = next((words for words in form.subcommands if command.begins_with(words)), ())
    if form.subcommands and not asked:
        return None
    if form.flags and not form.flags & command.flags:
        return None
    words = (*command.settings, *command.words)
    if form.argument and not any(map(form.argument.search, _without_operands(words, form.skip))):
        return None
    if any(unless.search(word) for unless in form.unless for word in words):
        return None
    if form.is_elsewhere and any(map(_HERE.match, command.words)):
        return None
    operands = command.operands
    operands = operands[len(asked) :] if operands[: len(asked)] == asked else operands
    if len(operands) < form.operands:
        return None
    if form.last and not form.last.search(_last_operand(command)):
        return None
    if form.writes:
        paths = tuple(path for path in written if form.writes.search(path))
        return tuple(path for path in paths if not (form.is_outside and _is_inside(path, homes))) or None
    if rule.is_about_files or form.is_outside:
        paths = _folders_searched(command) if command.name == "find" else operands
        operands = tuple(joined(path, command.cwd) for path in paths)
    if form.is_outside:
        return tuple(path for path in operands if is_outside(path, homes)) or None
    return operands


def _shown(command: SimpleCommand, form: Form, targets: tuple[str, ...]) -> str:
    """Return a command as one line; of a long one the beginning, and the part for which the form fits."""
    text = command.text
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    part = _fitting_part(command, form, targets)
    place = max(text.find(part), 0)
    if place + len(part) < _SHOWN_CHARACTERS:
        return f"{text[: _SHOWN_CHARACTERS - 1]}…"
    half = _SHOWN_CHARACTERS // 2
    begin = max(place - _SHOWN_BEFORE, half)
    end = begin + half - 4
    return f"{text[:half]} … {text[begin:end]}{'…' if end < len(text) else ''}"


def _fitting_part(command: SimpleCommand, form: Form, targets: tuple[str, ...]) -> str:
    """Return the part of a command's text for which a form fits: a file, a word, an option; empty: how it begins."""
    if form.writes or form.is_outside:
        named = [*command.redirects, *command.words]
        return next((one for one in named if joined(one.rpartition(" ")[2], command.cwd) in targets), "")
    if form.argument:
        words = _without_operands((*command.settings, *command.words), form.skip)
        found = next(filter(None, map(form.argument.search, words)), None)
        return found.group() if found else ""
    if form.flags:
        return next((word for word in command.words if form.flags & SimpleCommand("", (word,)).flags), "")
    return _last_operand(command) if form.last else ""


def _without_operands(words: tuple[str, ...], count: int) -> list[str]:
    """Return the words without the first ones that are no options: patterns, scripts."""
    kept = []
    for word in words:
        if count and not word.startswith("-"):
            count -= 1
        else:
            kept.append(word)
    return kept


def _last_operand(command: SimpleCommand) -> str:
    """Return the last word that is neither an option nor right behind one, and so perhaps its value."""
    words = command.words
    for place in range(len(words) - 1, -1, -1):
        is_value = place and words[place - 1].startswith("-") and "=" not in words[place - 1]
        if not words[place].startswith("-") and not is_value:
            return words[place]
    return ""


def _folders_searched(command: SimpleCommand) -> tuple[str, ...]:
    """Return where `find` looks: what stands before its first condition."""
    words = list(command.words)
    while words and words[0] in ("-H", "-L", "-P"):
        words.pop(0)
    place = next((place for place, word in enumerate(words) if word.startswith(("-", "(", "!"))), len(words))
    return tuple(words[:place]) or (".",)


def is_outside(path: str, homes: Homes) -> bool:
    """Say whether a path surely lies outside these folders and is no temporary file; an unknown one does not."""
    path = _from_root(path)
    if _TEMPORARY.match(path) or not path.startswith(("/", "~")):
        return False
    known = [home for home in (_from_root(folder) for folder in homes if folder) if home.startswith("/")]
    return bool(known) and not _is_inside(path, homes)


def _is_inside(path: str, homes: Homes) -> bool:
    path = _from_root(path)
    known = [_from_root(folder).rstrip("/") for folder in homes if folder]
    return any(path == home or path.startswith(f"{home}/") for home in known if home)


def _from_root(path: str) -> str:
    """Return a path with a drive as shells on Windows write it: C:\\Users is /c/Users."""
    drive = _DRIVE.match(path)
    return f"/{drive[1].lower()}/" + path[drive.end() :].replace("\\", "/") if drive else path
