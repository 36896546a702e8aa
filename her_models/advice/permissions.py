"""What a permission rule has to say so that a command is allowed, and no more than that.

What belongs here: from a command that was denied to the text between the brackets of `Bash(...)`. What does not: which
denials are worth a rule (`pieces`). The client asks for each command of a line by itself, takes `:*` for "and whatever
follows" at the end of a word, and strips no settings before a command for sure.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from her_models.commands import has_subcommands, may_destroy
from her_models.shell import simple_commands

_CD = re.compile(r"^\s*cd\s+(?:'[^']*'|\"[^\"$`]*\"|[^\s;&|$`]+)\s*(?:&&|;)\s*")
_SUBCOMMAND = re.compile(r"[a-z][a-z0-9:_-]*$")
_SCRIPT_RUNNERS = frozenset({"python", "python3", "node", "ruby", "perl", "php", "bash", "sh", "zsh", "tsx", "ts-node"})
_DEEPER = frozenset({"run", "compose", "exec", "x", "tool", "pr", "issue"})
"""Words that a second sub-command follows."""
_BUILDERS = frozenset(
    {
        *(
            "bun",
            "bundle",
            "cargo",
            "ctest",
            "dotnet",
            "eslint",
            "go",
            "gradle",
            "gradlew",
            "just",
            "make",
            "mvn",
            "mvnw",
        ),
        *("mypy", "ninja", "nox", "npm", "pnpm", "pytest", "rake", "ruff", "swift", "task", "tox", "tsc", "yarn"),
    }
)
"""What builds and tests a project, by the project's own rules."""
_TARGETED = frozenset({"just", "make", "nox", "rake", "task", "tox"})
"""Those that are told what to do by the first word that follows."""
_BUILDS = frozenset({"bench", "build", "check", "clippy", "fmt", "format", "lint", "run", "test", "typecheck", "vet"})
_READS = frozenset(
    {"blame", "describe", "diff", "get", "images", "list", "log", "logs", "ls", "ps", "show", "status", "view"}
)
"""Sub-commands that only look, with whatever follows them."""
_READERS = frozenset({"cat", "du", "file", "grep", "head", "ls", "rg", "stat", "tail", "tree", "wc", "which"})


@dataclass(frozen=True)
class Permission:
    """A command, or how it begins."""

    text: str
    is_prefix: bool

    @property
    def rule(self) -> str:
        """Return what stands between the brackets of `Bash(...)`."""
        return f"{self.text}:*" if self.is_prefix else self.text


def permission(command: str) -> Permission | None:
    """Return what to allow so that a command goes through; None where no rule is sure to do it, or to do no more.

    What only looks, and what builds or tests the project, is allowed with its sub-command and whatever follows; a
    script by its name; all else as it stands, alone.
    """
    text = _CD.sub("", command).strip()
    found = simple_commands(text)
    if len(found) != 1 or "\n" in text or re.search(r"[$`<>|;&*]", text):
        return None
    only = found[0]
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if only.settings or only.is_elevated or not words or words[0].rpartition("/")[2] != only.name:
        return None
    if only.name in _SCRIPT_RUNNERS:
        is_script = len(words) > 1 and not words[1].startswith("-")
        return Permission(f"{words[0]} {words[1]}", is_prefix=True) if is_script else None
    if may_destroy(only):
        return Permission(text, is_prefix=False)
    begin = _harmless_beginning(only.name, words)
    return Permission(begin or text, is_prefix=bool(begin))


def _harmless_beginning(name: str, words: list[str]) -> str | None:
    """Return how a command begins, where whatever follows does no more; None where that is not known."""
    if "/" in words[0] and not words[0].startswith("/") and name not in _BUILDERS:
        return words[0]  # a script of the project
    if name in _READERS:
        return words[0]
    if name in _TARGETED:
        return " ".join(words[:2]) if len(words) > 1 and _SUBCOMMAND.match(words[1]) else None
    if not has_subcommands(name):
        return words[0] if name in _BUILDERS else None
    if len(words) < 2 or not _SUBCOMMAND.match(words[1]):
        return None
    is_deeper = words[1] in _DEEPER and len(words) > 2 and bool(_SUBCOMMAND.match(words[2]))
    asked = words[: 3 if is_deeper else 2]
    return " ".join(asked) if asked[-1] in _READS or (name in _BUILDERS and _BUILDS.intersection(asked)) else None
