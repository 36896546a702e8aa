"""What a permission rule has to say so that a command is allowed, and no more than that.

What belongs here: from a command that was denied to the text between the brackets of `Bash(...)`. What does not: which
denials are worth a rule (`pieces`). The client asks for each command of a line by itself, takes `:*` for "and whatever
follows" at the end of a word, and strips no settings before a command for sure.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from her_models.commands import effects, has_subcommands, may_destroy
from her_models.shell import simple_commands

_CD = re.compile(r"^\s*cd\s+(?:'[^']*'|\"[^\"$`]*\"|[^\s;&|$`]+)\s*(?:&&|;)\s*")
_SUBCOMMAND = re.compile(r"[a-z][a-z0-9:_-]*$")
_SCRIPT_RUNNERS = frozenset({"python", "python3", "node", "ruby", "perl", "php", "bash", "sh", "zsh", "tsx", "ts-node"})
_DEEPER = frozenset({"run", "compose", "exec", "x", "tool", "pr", "issue"})
"""Words that a second sub-command follows."""


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

    What may destroy something, reaches a network or writes the files that it is given is allowed as it stands alone; a
    script by its name; else the command with its sub-command, whatever follows.
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
    if has_subcommands(only.name) and len(words) > 1 and _SUBCOMMAND.match(words[1]):
        is_deeper = words[1] in _DEEPER and len(words) > 2 and _SUBCOMMAND.match(words[2])
        return Permission(" ".join(words[: 3 if is_deeper else 2]), is_prefix=True)
    done = effects(text)
    if any(effect.is_known and (effect.network or not effect.changes_nothing) for effect in done):
        return Permission(text, is_prefix=False)
    return Permission(words[0], is_prefix=True)
