"""A shell command taken apart: each simple command in it, with the words it was given and the folder it ran in.

What belongs here: quoting, separators, wrappers such as `sudo`, commands within commands. What does not: what a
command means (`commands`). Variables and substitutions are left as they are written: nothing is run here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

_SEPARATORS = frozenset({";", "&", "&&", "|", "||", "|&", "(", ")", "{", "}", "\n", ";;", "!", "do", "then", "else"})
_REDIRECTS = frozenset({">", ">>", "<", ">|", "&>", "&>>", "2>", "<<<", ">&", "<&"})
NOWHERE = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "-", "&1", "&2", "1", "2"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_HEREDOC = re.compile(r"<<-?[ \t]*(['\"]?)(\w+)\1([^\n]*)\n.*?^\s*\2[ \t]*$", re.DOTALL | re.MULTILINE)
_SUBSTITUTION = re.compile(r"\$\(([^()]*)\)|`([^`]*)`")
_DURATION = re.compile(r"\d+(\.\d+)?[smhd]?$")
_PROCESS = frozenset({"<(", ">("})
_LEFT_BEHIND = re.compile(r"(?<![&|])&(?!&)")
_WRAPPERS = frozenset({"sudo", "doas", "env", "time", "nohup", "nice", "ionice", "command", "exec", "xargs", "timeout",
                       "stdbuf", "setsid", "caffeinate", "then", "do", "if", "while", "until", "else"})  # fmt: skip
_WRAPPER_VALUES = {"sudo": {"-u", "-g", "-h", "-p"}, "xargs": {"-n", "-P", "-I", "-L", "-d"}, "nice": {"-n"},
                   "timeout": {"-s", "-k"}, "env": {"-u", "-C"}}  # fmt: skip
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_DEEPEST = 4


@dataclass(frozen=True)
class SimpleCommand:
    """One command: its name without its folder, its words, what was set for it, where it ran, and who it ran as.

    `writes` is what it is redirected into, `redirects` the files of these as they are written, each with its sign.
    `is_fed` says that more words come from elsewhere, as with `xargs`. What only a group is redirected into is a
    command of the name `:`.
    """

    name: str
    words: tuple[str, ...]
    settings: tuple[str, ...] = ()
    cwd: str | None = None
    is_elevated: bool = False
    writes: tuple[str, ...] = ()
    redirects: tuple[str, ...] = ()
    is_fed: bool = False

    @property
    def text(self) -> str:
        """Return it as one line: with `sudo` where it ran as the administrator, and with the files it is sent into."""
        raised = ("sudo",) if self.is_elevated and self.name != "sudo" else ()
        return " ".join((*raised, *self.settings, self.name, *self.words, *self.redirects))

    @property
    def operands(self) -> tuple[str, ...]:
        """Return the words that are no options; those after `--` all are none."""
        found, is_literal = [], False
        for word in self.words:
            if word == "--" and not is_literal:
                is_literal = True
            elif is_literal or not word.startswith("-") or word == "-":
                found.append(word)
        return tuple(found)

    @property
    def flags(self) -> frozenset[str]:
        """Return its options: long ones without their value, short ones each for itself and as written."""
        found: set[str] = set()
        for word in self.words:
            if word == "--":
                break
            if word.startswith("--"):
                found.add(word.partition("=")[0])
            elif word.startswith("-") and len(word) > 1:
                found.update((word, word.partition("=")[0]))
                found.update(f"-{letter}" for letter in word[1:] if letter.isalpha())
        return frozenset(found)

    def begins_with(self, subcommand: Sequence[str]) -> bool:
        """Say whether the first words are these; the word after an option may be its value."""
        wanted = list(subcommand)
        if not all(word in self.words for word in wanted):
            return False
        for skips_values in (True, False):
            seen, after_option = [], False
            for word in self.words:
                if word.startswith("-"):
                    after_option = "=" not in word
                    continue
                if not (skips_values and after_option and word not in wanted):
                    seen.append(word)
                after_option = False
            if seen[: len(wanted)] == wanted:
                return True
        return False


def simple_commands(text: str, cwd: str | None = None) -> list[SimpleCommand]:
    """Return the commands of a shell text in order; what cannot be read as shell gives none."""
    return list(_commands(text, cwd, _DEEPEST))


def leaves_running(text: str) -> bool:
    """Say whether a shell text may end before all that it started: something runs behind it, and it does not wait."""
    is_running = False
    try:
        for token in _lexer(_plain(text)):
            if token == "wait":
                is_running = False
            elif not token.strip(";|&()\n") and _LEFT_BEHIND.search(token):
                is_running = True
    except ValueError:  # a quotation that never ends: what came before it counts
        pass
    return is_running


def _plain(text: str) -> str:
    """Return a shell text without the texts that stand in it, its lines joined where they go on."""
    return _HEREDOC.sub(r" \3", text).replace("\\\n", " ")


def _commands(text: str, cwd: str | None, depth: int) -> Iterator[SimpleCommand]:
    if depth == 0:
        return
    text = _plain(text)
    for inner in _SUBSTITUTION.finditer(text):
        yield from _commands(inner[1] or inner[2] or "", cwd, depth - 1)
    for words in _split(text):
        command = _command(list(words), cwd)
        if command is None:
            continue
        if command.name == "cd" or command.name == "pushd":
            cwd = joined(command.operands[0], cwd) if command.operands else "~"
            continue
        yield command
        if command.name in _SHELLS and "-c" in command.flags and command.operands:
            yield from _commands(command.operands[0], cwd, depth - 1)
        elif command.name == "eval":
            yield from _commands(" ".join(command.words), cwd, depth - 1)
        elif command.name == "trap" and len(command.operands) > 1:
            yield from _commands(command.operands[0], cwd, depth - 1)
        elif command.name == "ssh" and len(command.operands) > 1:
            # On another machine the folder is another one.
            yield from _commands(" ".join(command.operands[1:]), None, depth - 1)


def _lexer(text: str) -> shlex.shlex:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = "#"
    return lexer


@lru_cache(maxsize=10_000)
def _split(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of each command; remembered, as waste and audit ask for the same ones in turn."""
    found: list[tuple[str, ...]] = []
    words: list[str] = []
    try:
        for token in _lexer(text):
            if token in _SEPARATORS or token in _PROCESS or (token and not token.strip(";|&()\n")):
                found.append(tuple(words))
                words = []
            else:
                words.append(token)
    except ValueError:  # a quotation that never ends: what came before it counts
        pass
    return (*found, tuple(words))


def _command(words: list[str], cwd: str | None) -> SimpleCommand | None:
    words, redirects = _without_redirects(words)
    writes, written = (
        tuple(path for _, path in redirects),
        tuple(f"{sign} {path}" for sign, path in redirects if path not in NOWHERE),
    )
    settings: list[str] = []
    is_elevated = is_fed = False
    wrapper, given = "", words
    while words:
        head = PurePosixPath(words[0]).name or words[0]
        if _ASSIGNMENT.match(words[0]):
            settings.append(words.pop(0))
        elif head in _WRAPPERS and not (head == "command" and words[1:2] in (["-v"], ["-V"])):  # asks what it is
            is_elevated = is_elevated or head in ("sudo", "doas")
            is_fed = is_fed or head == "xargs"
            wrapper, given = head, words[1:]
            words = _after_wrapper(head, given)
        else:
            return SimpleCommand(head, tuple(words[1:]), tuple(settings), cwd, is_elevated, writes, written, is_fed)
    if is_elevated:
        return SimpleCommand("sudo", tuple(given), tuple(settings), cwd, True)
    if wrapper == "env" or written:
        return SimpleCommand("env" if wrapper == "env" else ":", (), tuple(settings), cwd, False, writes, written)
    return None


def _without_redirects(words: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the words without redirections, and those into files as sign and file."""
    kept: list[str] = []
    writes: list[tuple[str, str]] = []
    place = 0
    while place < len(words):
        word = words[place]
        if word in _REDIRECTS:
            if kept and kept[-1].isdigit():  # 2> is read as the word 2 and >
                kept.pop()
            if place + 1 < len(words) and ">" in word:
                writes.append((word, words[place + 1]))
            place += 2
        else:
            kept.append(word)
            place += 1
    return kept, writes


def _after_wrapper(name: str, words: list[str]) -> list[str]:
    values = _WRAPPER_VALUES.get(name, set())
    while words and (words[0].startswith("-") or _ASSIGNMENT.match(words[0])):
        if not words[0].startswith("-"):
            break
        words = words[2:] if words[0] in values else words[1:]
    if name == "timeout" and words and _DURATION.match(words[0]):
        words = words[1:]
    return words


def joined(path: str, cwd: str | None) -> str:
    """Return a path as seen from the root, `..` resolved; as it stands where the folder is not known."""
    if path.startswith(("/", "~", "$")) or path[1:2] == ":" or cwd is None or not cwd.startswith(("/", "~")):
        return path
    parts: list[str] = []
    for part in f"{cwd}/{path}".split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return ("" if cwd.startswith("~") else "/") + "/".join(parts)
