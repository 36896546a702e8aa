"""The rules of the audit, as `rules.toml` holds them, and what of a tool call they match.

What belongs here: reading rules and judging one call. What does not: which calls there are (`build`), or taking shell
text apart (`shell`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from her_models.errors import ModelError
from her_models.shell import SimpleCommand, joined, simple_commands

Class = Literal[
    "deploy", "production", "configuration", "force_push", "deletion", "publishing", "secret", "permission_bypass",
    "upload",
]  # fmt: skip
Severity = Literal["risk", "notice"]
RULES_PATH = Path(__file__).with_name("rules.toml")
SHELL_TOOLS = frozenset({"Bash", "PowerShell"})
_TEMPORARY = re.compile(r"^(/tmp|/var/tmp|/var/folders|/private/tmp|/private/var/folders|\$TMPDIR|\$\{TMPDIR\})(/|$)")
_DRIVE = re.compile(r"([A-Za-z]):[\\/]")
_SHOWN_CHARACTERS = 400
_LONGEST_COMMAND = 100_000  # what comes after is no command anybody wrote by hand

Homes = tuple[str | None, ...]
"""Folders of the project, where they are known."""


@dataclass(frozen=True)
class Rule:
    """One rule; every condition that it has must hold."""

    name: str
    kind: Class
    severity: Severity
    effect: str
    commands: frozenset[str] = frozenset()
    subcommands: tuple[tuple[str, ...], ...] = ()
    flags: frozenset[str] = frozenset()
    argument: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None
    writes: re.Pattern[str] | None = None
    is_outside: bool = False
    is_elevated: bool = False
    tools: frozenset[str] = frozenset()
    path: re.Pattern[str] | None = None
    input: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Match:
    """What one rule found in a call."""

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


def _rule(entry: dict[str, Any], path: Path) -> Rule:
    known = {"name", "class", "severity", "effect", "commands", "subcommands", "flags", "argument", "unless", "writes",
             "outside", "elevated", "tools", "path", "input"}  # fmt: skip
    if entry.keys() - known or not {"name", "class", "severity", "effect"} <= entry.keys():
        raise ModelError(f"{path}: rule {entry.get('name')!r} has unknown fields or lacks one.")
    if entry["class"] not in get_args(Class) or entry["severity"] not in get_args(Severity):
        raise ModelError(f"{path}: rule {entry['name']!r} is of an unknown class or severity.")
    return Rule(
        name=entry["name"],
        kind=entry["class"],
        severity=entry["severity"],
        effect=entry["effect"],
        commands=frozenset(entry.get("commands", ())),
        subcommands=tuple(tuple(words.split()) for words in entry.get("subcommands", ())),
        flags=frozenset(entry.get("flags", ())),
        argument=_compiled(entry.get("argument")),
        unless=_compiled(entry.get("unless")),
        writes=_compiled(entry.get("writes")),
        is_outside=bool(entry.get("outside", False)),
        is_elevated=bool(entry.get("elevated", False)),
        tools=frozenset(entry.get("tools", ())),
        path=_compiled(entry.get("path")),
        input=_compiled(entry.get("input")),
    )


def _compiled(expression: str | None) -> re.Pattern[str] | None:
    return re.compile(expression) if expression else None


def matches(tool: str, text: str, path: str | None, cwd: str | None, project: str | None) -> list[Match]:
    """Return what the rules find in one tool call, at most one match of each rule.

    `text` is the call's input as JSON, `cwd` the folder it ran in, `project` the session's first folder.
    """
    _, rules = load_rules()
    found: dict[str, Match] = {}
    for rule in rules:
        if tool in rule.tools and _names(rule, path, text):
            found[rule.name] = Match(rule, path or tool, (path,) if path else ())
    if tool in SHELL_TOOLS:
        for command in simple_commands(_command_text(text), cwd):
            for match in _of_command(rules, command, (project, cwd)):
                earlier = found.get(match.rule.name)
                found[match.rule.name] = (
                    Match(match.rule, earlier.command, (*earlier.targets, *match.targets)) if earlier else match
                )
    return list(found.values())


def _names(rule: Rule, path: str | None, text: str) -> bool:
    return not ((rule.path and not (path and rule.path.search(path))) or (rule.input and not rule.input.search(text)))


def _command_text(text: str) -> str:
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    command = given.get("command") if isinstance(given, dict) else None
    return command[:_LONGEST_COMMAND] if isinstance(command, str) else ""


def _of_command(rules: tuple[Rule, ...], command: SimpleCommand, homes: Homes) -> Iterator[Match]:
    """Yield the first rule of each class that a command matches: the severe ones stand first."""
    seen: set[str] = set()
    for rule in rules:
        if rule.tools or rule.kind in seen:
            continue
        targets = _targets(rule, command, homes)
        if targets is not None:
            seen.add(rule.kind)
            yield Match(rule, command.text[:_SHOWN_CHARACTERS], targets)


def _targets(rule: Rule, command: SimpleCommand, homes: Homes) -> tuple[str, ...] | None:
    """Return what the command acts on, if the rule matches; None if it does not."""
    if rule.commands and command.name not in rule.commands:
        return None
    if rule.is_elevated and not command.is_elevated:
        return None
    if rule.subcommands and not any(command.begins_with(words) for words in rule.subcommands):
        return None
    if rule.flags and not rule.flags & command.flags:
        return None
    words = (*command.settings, *command.words)
    if rule.argument and not any(map(rule.argument.search, words)):
        return None
    if rule.unless and any(map(rule.unless.search, words)):
        return None
    if rule.writes:
        written = tuple(path for path in command.writes if rule.writes.search(path))
        return written or None
    operands = command.operands
    asked = next((words for words in rule.subcommands if command.begins_with(words)), ())
    operands = operands[len(asked) :] if operands[: len(asked)] == asked else operands
    if rule.kind == "deletion":
        operands = tuple(joined(path, command.cwd) for path in operands)
    if rule.is_outside:
        return tuple(path for path in operands if is_outside(path, homes)) or None
    return operands


def is_outside(path: str, homes: Homes) -> bool:
    """Say whether a path surely lies outside these folders and is no temporary file; an unknown one does not."""
    path = _from_root(path)
    if _TEMPORARY.match(path) or not path.startswith(("/", "~")):
        return False
    known = [home for home in (_from_root(folder).rstrip("/") for folder in homes if folder) if home.startswith("/")]
    return bool(known) and not any(path == home or path.startswith(f"{home}/") for home in known)


def _from_root(path: str) -> str:
    """Return a path with a drive as shells on Windows write it: C:\\Users is /c/Users."""
    drive = _DRIVE.match(path)
    return f"/{drive[1].lower()}/" + path[drive.end() :].replace("\\", "/") if drive else path
