"""Redaction: secrets and, if asked, user names out of raw log bytes, before anything is written.

What belongs here: finding secrets in raw JSON lines, replacing them, and the key of the fingerprints. What does not:
which secrets are known (`redaction_rules`), and parsing.

All rules are looked for at once: one pass of an engine over the bytes reports where a rule may hold, and only there
the exact conditions are tried. Where the engine cannot be installed, literals and `re` report the same places,
slower.

A secret stands in a log at several depths of JSON: a tool's input is text inside a string, and the file that it
writes may hold JSON again. The bytes are looked at as they are, so a quote may have any number of
backslashes before it. A span never holds half of an escape or a quote of the line, so that a valid line stays valid.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import os
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from her_models.errors import ConfigError
from her_models.redaction_rules import ESCAPE_HEADS, HOME_RULE, RULES, RULES_VERSION, Head, Rule

if TYPE_CHECKING:
    from her_models.config import Config


class _Pattern:
    """A regular expression compiled when first used: most runs meet few kinds of secrets, and start sooner."""

    match: Callable[..., re.Match[bytes] | None]
    search: Callable[..., re.Match[bytes] | None]
    fullmatch: Callable[..., re.Match[bytes] | None]
    finditer: Callable[..., Iterator[re.Match[bytes]]]
    findall: Callable[..., list[bytes]]
    sub: Callable[..., bytes]

    def __init__(self, source: bytes, flags: int = 0) -> None:
        self._source, self._flags = source, flags

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        method = getattr(re.compile(self._source, self._flags), name)
        setattr(self, name, method)
        return method


KEY_BYTES = 32
MARKER = _Pattern(rb"\[redacted:[a-z0-9-]+:[0-9a-f]{16}\]")
_MARKER_START = b"[redacted:"
_LONGEST_MARKER = 64
_HOME_PSEUDONYM = _Pattern(rb"redacted[0-9a-f]{10}(?![A-Za-z0-9])")

Candidate = tuple[int, int]  # number of the head, offset where it ends


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` of the data are a secret, found by `rule`.

    `quote` is set around the replacement where a bare number stood, which could not be replaced by text otherwise.
    """

    start: int
    end: int
    rule: str
    fingerprint: str
    quote: bytes = b""

    @property
    def replacement(self) -> bytes:
        """What stands there afterwards. A user name's is safe in a path: `redacted` and ten hexadecimal digits."""
        if self.rule == HOME_RULE.name:
            return b"redacted" + self.fingerprint[:10].encode()
        return self.quote + f"[redacted:{self.rule}:{self.fingerprint}]".encode() + self.quote


@dataclass(frozen=True, slots=True)
class _Found:
    """A confirmed secret, before overlaps are resolved. `canon` is set where more than the span makes the secret."""

    start: int
    end: int
    rule: str
    quote: bytes = b""
    canon: bytes = b""


class Redactor:
    """Finds and replaces secrets. Same key and same secret give the same fingerprint, at any depth of JSON."""

    def __init__(
        self, key: bytes, *, home_names: bool = False, cache: Path | None = None, engine: str | None = None
    ) -> None:
        """Nothing is compiled before the first bytes come.

        `cache` is a folder for the compiled rules (0.2 s to make, nothing to load). `engine` is "hyperscan" or "re"; by
        default the first that can be imported.
        """
        self._key = key
        self._is_on = True
        rules = (*RULES, HOME_RULE) if home_names else RULES
        self._heads: list[tuple[Rule | None, Head]] = [(rule, head) for rule in rules for head in rule.heads]
        self._first_escape = len(self._heads)
        self._heads += [(None, head) for head in ESCAPE_HEADS]
        self._cache = cache
        self._engine_name = engine
        self._engine: _Engine | None = None
        self._order = {rule.name: index for index, rule in enumerate(rules)}

    @classmethod
    def for_config(cls, config: Config) -> Redactor:
        """Return the redactor the configuration asks for; the key is made on first use.

        Raises:
            ConfigError: the key file cannot be read or made.
        """
        if config.redaction == "off":
            redactor = cls(b"")
            redactor._is_on = False
            return redactor
        return cls(load_key(config.key_path), home_names=config.redact_home_names, cache=config.home / "cache")

    def spans(self, data: bytes) -> list[Span]:
        """Return the secrets in `data` (JSON lines, or any bytes), sorted and disjoint."""
        if not self._is_on or not data:
            return []
        if self._engine is None:
            self._engine = _make_engine([head for _, head in self._heads], self._cache, self._engine_name)
        candidates = self._engine.candidates(data)
        if not candidates:
            return []
        found = list(self._confirmed(data, candidates))
        escapes = sorted(end for number, end in candidates if number >= self._first_escape)
        for line in _lines_around(data, escapes):
            found += self._found_in_decoded(data, line)
        return [self._span(data, one) for one in self._disjoint(data, found)]

    def apply(self, data: bytes, spans: Sequence[Span]) -> bytes:
        """Return `data` with each span replaced."""
        if not spans:
            return data
        parts: list[bytes] = []
        position = 0
        for span in spans:
            parts += (data[position : span.start], span.replacement)
            position = span.end
        parts.append(data[position:])
        return b"".join(parts)

    def redact(self, data: bytes) -> bytes:
        """Return `data` without secrets."""
        return self.apply(data, self.spans(data))

    def redact_text(self, text: str) -> str:
        """Return `text` without secrets: what a log line with this text in a string would show."""
        line = json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass")
        spans = self.spans(line)
        if not spans:
            return text
        redacted: str = json.loads(self.apply(line, spans).decode("utf-8", "surrogatepass"))
        return redacted

    def fingerprint(self, secret: bytes) -> str:
        """Return the keyed hash of a secret: 16 hexadecimal digits."""
        return hashlib.blake2b(_plain(secret), digest_size=8, key=self._key).hexdigest()

    def _confirmed(self, data: bytes, candidates: Iterable[Candidate]) -> Iterator[_Found]:
        done: dict[str, int] = {}  # end of the last secret of each rule: a head inside it finds nothing more
        for number, end in sorted(candidates, key=_by_end):
            rule, head = self._heads[number]
            if rule is None or end <= done.get(rule.name, 0) or _in_marker(data, end):
                continue
            for one in _CONFIRM[rule.kind](data, end, rule, head):
                if one.start < one.end and (one.quote or _is_whole(data, one.start, one.end)):
                    done[rule.name] = one.end
                    yield one

    def _found_in_decoded(self, data: bytes, line: tuple[int, int]) -> Iterator[_Found]:
        """Yield what is found in a line once its escapes of printable characters are decoded."""
        assert self._engine is not None
        view = _View(data[line[0] : line[1]])
        for one in self._confirmed(view.text, self._engine.candidates(view.text)):
            start, end = line[0] + view.raw(one.start, 1), line[0] + view.raw(one.end, 0)
            if start < end and (one.quote or _is_whole(data, start, end)):
                yield _Found(start, end, one.rule, one.quote, one.canon)

    def _disjoint(self, data: bytes, found: list[_Found]) -> list[_Found]:
        """Return `found` sorted, overlapping ones joined: of equal ones the first rule names it."""
        result: list[_Found] = []
        for one in sorted(found, key=lambda f: (f.start, -f.end, self._order[f.rule])):
            last = result[-1] if result else None
            if last is None or one.start >= last.end:
                result.append(one)
            elif one.end > last.end:
                result[-1] = _Found(last.start, one.end, last.rule)
        return result

    def _span(self, data: bytes, one: _Found) -> Span:
        secret = one.canon or data[one.start : one.end]
        return Span(one.start, one.end, one.rule, self.fingerprint(secret), one.quote)


def load_key(path: Path) -> bytes:
    """Return the key of the fingerprints; make it on first use, for this user's eyes only.

    Two processes that come at once agree: the file is written aside and linked into place, which only one can.

    Raises:
        ConfigError: the file cannot be read or made, or holds no key.
    """
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: the redaction key cannot be read or made: {error.strerror}.") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{path} holds {len(key)} bytes, not a key of {KEY_BYTES}. Move it away; a new one is made, and "
            "fingerprints of secrets change with it."
        )
    return key


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass  # another process was first; its key counts
        except OSError:  # no hard links on this file system
            if not path.exists():
                aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


# -- Engines -----------------------------------------------------------------------------------------------------


class _Engine(Protocol):
    def candidates(self, data: bytes) -> list[Candidate]: ...


def _make_engine(heads: Sequence[Head], cache: Path | None, name: str | None) -> _Engine:
    if name == "re":
        return _ReEngine(heads)
    try:
        return _HyperscanEngine(heads, cache)
    except ImportError:
        if name is not None:
            raise
        return _ReEngine(heads)


class _HyperscanEngine:
    """All heads in one pass, about a second of CPU per gigabyte."""

    def __init__(self, heads: Sequence[Head], cache: Path | None) -> None:
        import hyperscan

        self._hyperscan: Any = hyperscan
        self._database = self._load(heads, cache)

    def candidates(self, data: bytes) -> list[Candidate]:
        found: list[Candidate] = []
        append = found.append

        def note(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append((number, end))

        self._database.scan(data, match_event_handler=note)
        return found

    def _load(self, heads: Sequence[Head], cache: Path | None) -> Any:
        if cache is None:
            return self._compile(heads)
        identity = repr((RULES_VERSION, self._hyperscan.__version__, heads)).encode()
        path = cache / f"redaction-{hashlib.blake2b(identity, digest_size=8).hexdigest()}.hs"
        try:
            database = self._hyperscan.loadb(path.read_bytes(), self._hyperscan.HS_MODE_BLOCK)
            database.scratch = self._hyperscan.Scratch(database)
        except (OSError, self._hyperscan.HyperscanError):
            # Absent, of another kind of processor, or damaged: made anew.
            database = self._compile(heads)
            _keep(path, self._hyperscan.dumpb(database))
        return database

    def _compile(self, heads: Sequence[Head]) -> Any:
        database = self._hyperscan.Database(mode=self._hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=[head.pattern.encode() for head in heads],
            ids=list(range(len(heads))),
            elements=len(heads),
            flags=[self._hyperscan.HS_FLAG_CASELESS if head.is_caseless else 0 for head in heads],
        )
        return database


def _keep(path: Path, content: bytes) -> None:
    """Write a cache file whole or not at all; that it cannot be written is no error."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_bytes(content)
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)


class _ReEngine:
    """The same places by `re`, for machines without the engine: tried wherever a head's keyword stands."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self._by_keyword: dict[tuple[bool, bytes], list[tuple[int, int, _Pattern]]] = {}
        for number, head in enumerate(heads):
            pattern = _Pattern(head.pattern.encode(), re.IGNORECASE if head.is_caseless else 0)
            for keyword in head.keywords:
                places = self._by_keyword.setdefault((head.is_caseless, keyword.encode()), [])
                places.append((number, head.lead, pattern))

    def candidates(self, data: bytes) -> list[Candidate]:
        lower = data.lower()
        found: set[Candidate] = set()
        for (is_caseless, keyword), heads in self._by_keyword.items():
            where = lower if is_caseless else data
            position = where.find(keyword)
            while position >= 0:
                for number, lead, pattern in heads:
                    for start in range(max(0, position - lead), position + 1):
                        if match := pattern.match(data, start):
                            found.add((number, match.end()))
                position = where.find(keyword, position + 1)
        return sorted(found)


# -- Bytes of JSON -----------------------------------------------------------------------------------------------

_UNITS = _Pattern(rb'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_ESCAPE_BEFORE = _Pattern(rb"\\(?:[nrtbf]|u[0-9a-fA-F]{4})$")
_CHARACTER_ESCAPE = _Pattern(rb"(?<!\\)(\\+)(?:u00([2-7][0-9a-fA-F])|(/))")
_DEPTH_SLASHES = frozenset((1 << depth) - 1 for depth in range(9))
_AFTER_A_STRING = (b"", b",", b":", b"]", b"}", b" ", b"\t", b"\r", b"\n")
_BLANKS = rb"(?:[ \t]|\\+t)*"


def _in_marker(data: bytes, end: int) -> bool:
    """Tell whether what ends at `end` lies in a replacement: its rule's name and fingerprint look like a secret."""
    start = data.rfind(_MARKER_START, max(0, end - _LONGEST_MARKER), end)
    if start < 0:
        return False
    match = MARKER.match(data, start)
    return match is not None and match.end() >= end


def _is_whole(data: bytes, start: int, end: int) -> bool:
    """Tell whether a span can be replaced by text inside its string: no half of an escape, no quote of the line."""
    slashes = start
    while slashes > 0 and data[slashes - 1] == 0x5C:
        slashes -= 1
    return (start - slashes) % 2 == 0 and _UNITS.fullmatch(data, start, end) is not None


def _is_boundary(data: bytes, start: int) -> bool:
    """Tell whether a word can start here; the `n` of a newline's escape is no letter before it."""
    if start == 0:
        return True
    before = data[start - 1]
    if before == 0x5C:  # then the first letter may belong to the escape
        return data[start] not in b"bfnrtu"
    if not (48 <= before <= 57 or 65 <= before <= 90 or 97 <= before <= 122):
        return True
    return _ESCAPE_BEFORE.search(data, max(0, start - 6), start) is not None


def _is_in_blob(data: bytes, start: int) -> bool:
    """Tell whether a long run of base64 stands right before: an image or a signature, where anything occurs."""
    before = data[max(0, start - 160) : start]
    return len(before) == 160 and _BLOB.fullmatch(before) is not None


_BLOB = _Pattern(rb"[A-Za-z0-9+/]*")


def _plain(value: bytes) -> bytes:
    """Return the secret without the escapes of any depth of JSON, so that it is the same at all of them."""
    if b"\\" not in value:
        return value
    value = _CHARACTER_ESCAPE.sub(lambda m: bytes((int(m[2], 16),)) if m[2] else b"/", value)
    value = re.sub(rb"\\+([nrt])", lambda m: {b"n": b"\n", b"r": b"\r", b"t": b"\t"}[m[1]], value)
    return re.sub(rb'\\+(["\'])', rb"\1", re.sub(rb"\\\\+(?![\"'])", rb"\\", value))


def _lines_around(data: bytes, offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each line that holds one of the offsets."""
    done = -1
    for offset in offsets:
        if offset <= done:
            continue
        start = data.rfind(b"\n", 0, offset) + 1
        end = data.find(b"\n", offset)
        done = len(data) if end < 0 else end
        yield start, done


def _in_line(data: bytes, start: int, end: int) -> int:
    """Return `start`, or where the line of `end` begins: what a line holds never depends on the line before it."""
    start = max(0, start)
    return max(start, data.rfind(b"\n", start, end) + 1)


def _by_end(candidate: Candidate) -> tuple[int, int]:
    return candidate[1], candidate[0]


class _View:
    """A line with its escapes of printable characters decoded, and the way back to the raw offsets."""

    def __init__(self, line: bytes) -> None:
        parts: list[bytes] = []
        self._decoded: list[tuple[int, int]] = []  # start and end of each decoded escape, in the text
        self._raw: list[tuple[int, int]] = []  # the same, in the line
        position = length = 0
        for match in _CHARACTER_ESCAPE.finditer(line):
            slashes = len(match[1])
            if match[2] is None:
                character = b"/"
            else:
                character = bytes((int(match[2], 16),))
                # A quote or backslash stays escaped, for the depth that its own escape stood at.
                character = b"\\" * (2 * slashes - 1) + b'"' if character == b'"' else character
                character = b"\\" * (2 * slashes) if character == b"\\" else character
            parts += (line[position : match.start()], character)
            length += match.start() - position
            self._decoded.append((length, length + len(character)))
            self._raw.append(match.span())
            length += len(character)
            position = match.end()
        parts.append(line[position:])
        self.text = b"".join(parts)

    def raw(self, offset: int, is_start: int) -> int:
        """Return the raw offset of an offset in the text; inside a decoded escape, the end that leaves it out."""
        index = bisect_right(self._decoded, (offset, 1 << 62)) - 1
        if index < 0:
            return offset
        (start, end), (raw_start, raw_end) = self._decoded[index], self._raw[index]
        if offset >= end:
            return raw_end + offset - end
        if offset == start:
            return raw_start
        return raw_end if is_start else raw_start


# -- What a secret looks like ------------------------------------------------------------------------------------

_PLACEHOLDER = _Pattern(
    rb"x{6,}|\*{3,}|\.{3,}|\xe2\x80\xa6|\xe2\x80\xa2|example|placeholder|redacted|change[-_]?me|replace[-_]?me|"
    rb"(?:^|[-_ <\[{(])your(?:[-_ ]|$)|my[-_]?(?:password|secret|token|api)|(?:^|[-_])(?:here|insert|dummy|sample|fake)"
    rb"(?:$|[-_])|^<|>$|^\$|^%\w+%$|%[sdrv](?![0-9A-Za-z])|^x{3,}$|^[a-z]+\?$|\{\{|\$\{|"
    rb"^\{|#\{|^\[|^@|^!\w+$|process\.env|os\.environ|getenv|import\.meta",
    re.IGNORECASE,
)
_TOKEN_PLACEHOLDER = _Pattern(
    rb"x{6,}|\*{3,}|\.{3,}|example|placeholder|redacted|your[-_]|[-_]here$|0{12,}|1234567890{8,}", re.IGNORECASE
)
_UUID = _Pattern(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_IDENTIFIER = _Pattern(rb"[A-Za-z_$@&*][\w$]*(?:(?:\.|::|->|\?\.)[A-Za-z_$][\w$]*)+[?!]?")
_TECHNICAL = _Pattern(
    rb"(?:sha|md|u?int|float|base|utf|hs|rs|es|ps|ed|x|p|aes|v|i|u|f|varchar|char|bool|str|http|ipv|oauth|h|k|s|ec2?|"
    rb"secp|argon|pbkdf|bcrypt|win|arm|amd|string|text|bytes?|fixed|uuid|bearer|basic|step|phase|level|line|test|page|"
    rb"user|item|node|param|arg|var|value|key|token|part|version|password|secret|column|field|num|id)"
    rb"[-_]?\d{0,5}(?:[-_.:]?[a-z]{0,3}\d{0,4})?(?:\[\])?",
    re.IGNORECASE,
)
_FILE_NAME = _Pattern(
    rb"[\w./@+-]*/[\w.@+-]*\.[A-Za-z]{1,6}|[\w-]+\.(?:py|js|ts|tsx|go|rs|md|json|jsonl|ya?ml|toml|txt|sh)"
)
_CODE_MARK = _Pattern(rb"\(\)|!=|=>|==[^=]")
_CAMEL_CASE = _Pattern(rb"(?:[A-Z]{1,6}[0-9]{0,2})?(?:[A-Z][a-z]{2,}){2,}[0-9]{0,2}")
_WORDISH = _Pattern(rb"[A-Za-z]+|[0-9]+")


def _entropy(value: bytes) -> float:
    """Return Shannon's entropy, in bits per character."""
    size = len(value)
    return -sum(n / size * log2(n / size) for n in Counter(value).values())


def _has_digit_and_letter(value: bytes) -> bool:
    return any(48 <= c <= 57 for c in value) and any(65 <= c <= 90 or 97 <= c <= 122 for c in value)


def _is_random(value: bytes, least: int = 12) -> bool:
    """Tell whether a value looks made by a machine: long, of many characters, digits among letters."""
    if len(value) < least or not _has_digit_and_letter(value) or _entropy(value) < 2.9:
        return False
    return _changes(value) >= max(3, len(value) // 12)


def _changes(value: bytes) -> int:
    """Return how often letters, digits and cases follow each other without a pause: words do so seldom."""
    classes = [1 if 48 <= c <= 57 else 2 if 97 <= c <= 122 else 3 if 65 <= c <= 90 else 0 for c in value]
    return sum(a != b and a != 0 and b != 0 and not (a == 3 and b == 2) for a, b in pairwise(classes))


def _is_path_or_code(value: bytes) -> bool:
    return (
        (_IDENTIFIER.fullmatch(value) is not None and not any(map(_is_random, value.split(b"."))))
        or b"://" in value
        or value.startswith((b"/", b"./", b"../", b"~/", b"--", b"http", b"arn:"))
        or _CODE_MARK.search(value) is not None
        or _CAMEL_CASE.fullmatch(value) is not None
        or _FILE_NAME.fullmatch(value) is not None
    )


def _is_password(value: bytes, is_quoted: bool) -> bool:
    """Tell whether a value behind a password's name is one, and not a word of code or prose about passwords."""
    if len(value) < (5 if is_quoted else 6) or len(value) > 512:
        return False
    if b" " in value or b"\n" in value or b"\t" in value:
        return False
    if _PLACEHOLDER.search(value) or _TECHNICAL.fullmatch(value) or _is_path_or_code(value) or len(set(value)) < 3:
        return False
    letters = sum(65 <= c <= 90 or 97 <= c <= 122 or c >= 128 for c in value)
    digits = sum(48 <= c <= 57 for c in value)
    marks = sum(c in b"!@#$%^&*?~+=" for c in value)
    if letters and (digits or marks):
        return True
    if not is_quoted:
        return False
    if digits == len(value):
        return len(value) >= 6
    words = [word.lower() for word in _WORDISH.findall(value)]
    if letters == len(value):
        return (len(value) >= 16 or _changes(value) >= 3) and not _speaks_of_secrets(value)
    return len(words) >= 4 and not _speaks_of_secrets(value)  # correct-horse-battery-staple


def _speaks_of_secrets(value: bytes) -> bool:
    lower = value.lower()
    return any(word in lower for word in (b"pass", b"pwd", b"secret", b"token", b"key", b"user", b"login", b"auth"))


def _is_named_secret(value: bytes, is_quoted: bool, is_strong_name: bool) -> bool:
    """Tell whether a value behind the name of a key, token or secret is one."""
    if not 8 <= len(value) <= 8192 or b" " in value or b"\n" in value or b"\t" in value:
        return False
    if _PLACEHOLDER.search(value) or _TECHNICAL.fullmatch(value) or _is_path_or_code(value):
        return False
    if _UUID.fullmatch(value):
        return is_strong_name
    if _is_random(value):
        return True
    if (
        len(value) >= 20
        and _WORDISH.fullmatch(value)
        and _changes(value) >= max(4, len(value) // 6)
        and _entropy(value) > 3.5
    ):
        return True  # letters only, in both cases
    if not is_strong_name:
        return False
    if not is_quoted:
        return len(value) >= 10 and _has_digit_and_letter(value) and any(c in b"!@#$%^&*?~+" for c in value)
    return _has_digit_and_letter(value) and (
        len(value) >= 16 or any(c in b"!@#$%^&*?~+=" for c in value) or _changes(value) >= 2
    )


def _is_credential_pair(value: bytes) -> bool:
    """Tell whether a value is base64 of `user:password`."""
    try:
        text = binascii.a2b_base64(value + b"=" * (-len(value) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return False
    _, colon, password = text.partition(b":")
    return bool(colon) and len(password) >= 3 and all(32 <= c < 127 for c in text)


# -- Confirmations: one per kind of rule ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Value:
    """A value found behind a separator: where it lies, what it says, whether it was quoted."""

    start: int
    end: int
    plain: bytes
    is_quoted: bool
    number_quote: bytes | None = None  # set for a bare number where JSON wants a value


_OPEN = _Pattern(_BLANKS + rb"(?:[bBrRuUfF@$]{0,2})(\\*)([\"'`])")
_ANNOTATION = _Pattern(
    rb"[ ]?(?:&?'?[a-z]* ?)?[A-Za-z][A-Za-z.]{0,30}(?:[\[<][A-Za-z.| ,]{1,30}[\]>])?[?]?"
    rb"(?: ?\| ?[A-Za-z]{2,12})?[ ]?=(?![=>])"
)
_ARROWS = _Pattern(rb"[=>~]{0,2}" + _BLANKS)
_BARE = _Pattern(rb"(?:[^\s\"'`\\,;&<>(){}\[\]|\x00-\x1f]|\\\\(?![nrtbfu\"'\\])){1,4096}")
_BARE_LINE = _Pattern(rb"(?:[^\s\"'`\\\x00-\x1f]|\\\\(?![nrtbfu\"'\\])){1,4096}")
_NUMBER = _Pattern(rb"[0-9]{6,18}(?=[ \t]*(?:\\+[nrt][ ]*)*[,}\]])")
_LONGEST_VALUE = 8192


def _value(data: bytes, end: int, name_slashes: int | None, is_line: bool) -> _Value | None:
    """Read the value behind a separator that ends at `end`.

    `name_slashes` is the number of backslashes before the quote that closed the name, None if the name had none: a
    value's quote must stand at the same depth. `is_line`: the value goes on to the end of its line.
    """
    arrows = _ARROWS.match(data, end)
    start = arrows.end() if arrows else end
    annotation = _ANNOTATION.match(data, start) if name_slashes is None else None
    opened = _OPEN.match(data, start) or (annotation and _OPEN.match(data, annotation.end()))
    if opened:
        return _quoted(data, opened.end(), len(opened[1]), opened[2], name_slashes)
    if annotation:
        start = annotation.end()
        start += len(data[start : start + 8]) - len(data[start : start + 8].lstrip(b" "))
    if name_slashes is not None and (number := _NUMBER.match(data, start)):
        quote = b"\\" * name_slashes + b'"'
        return _Value(start, number.end(), number[0], False, quote)
    if name_slashes == 0:
        return None  # true, null, an object: nothing that text could replace
    bare = (_BARE_LINE if is_line else _BARE).match(data, start)
    if bare is None or len(bare[0]) > _LONGEST_VALUE or data[bare.end() : bare.end() + 1] in (b"(", b"[", b"{"):
        return None
    text = bare[0] if is_line else bare[0].rstrip(b".:!?")
    return _Value(start, start + len(text), _plain(text), is_line)


def _unescaped(value: bytes, slashes: int) -> bytes:
    """Return what a value says that stands at the depth of JSON where a quote has `slashes` before it."""
    text = value
    try:
        for _ in range(slashes.bit_length() + 1):
            if b"\\" not in text:
                break
            text = json.loads(b'"' + text + b'"', strict=False).encode("utf-8", "surrogatepass")
    except ValueError:
        return _plain(value)
    return text


def _quoted(data: bytes, start: int, slashes: int, quote: bytes, name_slashes: int | None) -> _Value | None:
    """Read a quoted value whose opening quote, with `slashes` before it, ends at `start`."""
    if quote != b'"':
        stop = _compiled('["\n' + quote.decode() + "]").search(data, start, start + _LONGEST_VALUE)
        if stop is None or stop[0] != quote:
            return None
        end = stop.start()
        while end > start and data[end - 1] == 0x5C:
            end -= 1
        return _Value(start, end, _plain(data[start:end]), True)
    if slashes not in _DEPTH_SLASHES:
        return None
    if name_slashes is None and slashes == 0 and data[start : start + 1] in _AFTER_A_STRING:
        return None  # the end of a string that ends in a name; otherwise text that is no JSON
    if name_slashes is not None and name_slashes != slashes:
        return None
    position = start
    while True:
        position = data.find(b'"', position, start + _LONGEST_VALUE)
        if position < 0:
            return None
        run = position
        while run > start and data[run - 1] == 0x5C:
            run -= 1
        over = (position - run) % (2 * slashes + 2)
        if over <= slashes:  # closed; or, with fewer, a string around it closed first and the value was cut
            end = position - slashes if over == slashes else run
            return _Value(start, end, _unescaped(data[start:end], slashes), True)
        position += 1


# Read backwards from the separator: a search that must end at it would try every start before it.
_NAME_BACKWARDS = _Pattern(rb"[:= ,]([ ]{0,8}\]?(?:([\"'`])(\\*))?)([A-Za-z0-9_.\-]{1,80})")
_PASSWORD_NAME = _Pattern(rb"pass(?:w|phrase|code|$)|pwd|pswd|_pw|^pass", re.IGNORECASE)
_WORD_OF_NAME = _Pattern(rb"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LAST_WORDS_OF_NO_SECRET = frozenset(
    b"name names type types count counts id ids path paths file filename files url uri urls length len limit limits "
    b"min max field fields label hint placeholder policy expiry expires expired at in ttl usage used budget index "
    b"status version format ref refs arn manager store storage provider env var class regex pattern prefix suffix "
    b"error errors required enabled set unset input rule rules validator check strength reset page endpoint handler "
    b"callback function method header headers param parameter kind source scope scopes issuer audience algorithm alg "
    b"rate window position size total stream estimate cost price ratio per map list array object schema model "
    b"middleware service client config options settings test tests spec docs doc md description title text "
    b"message msg event".split()
)
_WORDS_OF_NO_SECRET = frozenset(
    b"public publishable max min num total page next prev continuation sync cancel cancellation primary foreign cache "
    b"sort partition group row idempotency translation lookup hot short object dict map query react react_key "
    b"shortcut keyboard input output eos bos pad unk special stop start separator tokenizer tokenize nonce site "
    b"anon cursor pagination bypass compass".split()
)
_STRONG_WORDS = frozenset(
    b"secret password credential credentials private api apikey access auth bearer webhook encryption signing "
    b"master".split()
)


def _name_words(name: bytes) -> list[bytes]:
    return [word.lower() for word in _WORD_OF_NAME.findall(name)]


@dataclass(frozen=True, slots=True)
class _Name:
    """The name before a separator: where it starts, what closes it, at which depth its quote stands."""

    text: bytes
    start: int
    closing: bytes
    slashes: int | None  # before a double quote that closes it; None if it has none


def _name_before(data: bytes, end: int) -> _Name | None:
    """Return the name before a separator that ends at `end`, without the letter of an escape before it."""
    match = _NAME_BACKWARDS.match(data[max(0, end - 112) : end][::-1])
    if match is None:
        return None
    name, start = match[4][::-1], end - match.end()
    if start > 0 and data[start - 1] == 0x5C and name[:1] in (b"n", b"r", b"t"):
        name, start = name[1:], start + 1
    return _Name(name, start, match[1], len(match[3]) if match[2] == b'"' else None)


def _judged(value: _Value, name: bytes, rule: Rule, separator: bytes = b"") -> Iterator[_Found]:
    """Yield the value if it is a secret, for what its name says it is."""
    words = _name_words(name)
    is_password = _PASSWORD_NAME.search(name) is not None
    if not words or words[-1] in _LAST_WORDS_OF_NO_SECRET or not _WORDS_OF_NO_SECRET.isdisjoint(words):
        return
    if value.number_quote is not None:
        if is_password:
            yield _Found(value.start, value.end, "password", value.number_quote)
        return
    plain = value.plain
    if is_password:
        is_verdict = words == [b"pass"] and not value.is_quoted and separator == b": "  # `--- PASS: TestName`
        if not is_verdict and _is_password(plain, value.is_quoted):
            yield _Found(value.start, value.end, rule.name if rule.kind != "assignment" else "password")
        return
    is_strong = not _STRONG_WORDS.isdisjoint(words)
    if plain.startswith((b"Bearer ", b"bearer ", b"Basic ", b"token ", b"Token ", b"Bot ")):
        scheme = plain.index(b" ") + 1
        value = _Value(value.start + scheme, value.end, plain[scheme:], True)
        plain = value.plain
    if _is_named_secret(plain, value.is_quoted, is_strong) or (words == [b"auth"] and _is_credential_pair(plain)):
        yield _Found(value.start, value.end, rule.name)


def _confirm_assignment(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    name = _name_before(data, end)
    if name is None or data[end : end + 2] in (b"//", b"\\/"):  # a scheme: `secret://`
        return
    if data[max(0, name.start - 2) : name.start] == b"::":  # a type: `"AWS::IAM::AccessKey": "..."`
        return
    separator = data[end - 1 : end]
    is_environment = separator == b"=" and not name.closing and name.text.isupper() and _starts_line(data, name.start)
    value = _value(data, end, name.slashes, is_environment)
    if value is not None:
        yield from _judged(value, name.text, rule, data[end - 1 : end + 1])


_LINE_START = _Pattern(rb"(?:\\+n|\n|\"|^|\xe2\x86\x92|\\+t|[+-])[ ]*(?:export |set |ENV |- )?$")


def _starts_line(data: bytes, start: int) -> bool:
    return _LINE_START.search(data[max(0, start - 24) : start]) is not None


_MYSQL = _Pattern(rb"[^\n\"|;&]{0,120}? -p(?![ ])(?=\S)")
_DOCKER = _Pattern(rb"[^\n\"|;&]{0,120}?(?:^|(?<= ))-p(?=[ =])[ =]?")
_REDIS = _Pattern(rb"[^\n\"|;&]{0,120}?(?:^|(?<= ))-a(?=[ ])")
_ECHOED = _Pattern(rb"(?:.*[^A-Za-z]|.*\\n|)echo (?:-[ne]+ )?\\*[\"']?([^\s\"'\\|]{4,64})\\*[\"']? *\| *$")
_USER_COLON = _Pattern(_BLANKS + rb"\\*[\"']?([A-Za-z0-9_.@+-]{0,64}):")


def _confirm_flag(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    if head.pattern.startswith("(?:mysql"):
        program = data[end - 5 : end]
        option = (_DOCKER if program == b"ogin " else _REDIS if program == b"-cli " else _MYSQL).match(data, end)
        value = _value(data, option.end(), None, False) if option else None
        if value and _is_password(value.plain, value.is_quoted):
            yield _Found(value.start, value.end, rule.name)
        return
    if head.pattern.startswith("(?:-u"):
        pair = _USER_COLON.match(data, end)
        if pair and b"curl" in data[_in_line(data, end - 400, end) : end]:
            secret = _BARE.match(data, pair.end())
            if secret and _is_password(_plain(secret[0]), False):
                yield _Found(secret.start(), secret.end(), rule.name)
        return
    if head.pattern.startswith("sudo"):
        base = _in_line(data, end - 128, end)
        echoed = _ECHOED.match(data[base : end - len("sudo -S")])
        if echoed and _is_password(_plain(echoed[1]), True):
            yield _Found(base + echoed.start(1), base + echoed.end(1), rule.name)
        return
    if head.pattern.startswith("sshpass"):
        value = _value(data, end, None, False)
        if value and _is_password(value.plain, value.is_quoted):
            yield _Found(value.start, value.end, rule.name)
        return
    name = _name_before(data, end)
    if name is None or not name.text.startswith(b"--"):
        return
    value = _value(data, end, name.slashes, False)
    if value is not None and value.number_quote is None:
        yield from _judged(value, name.text, rule)


_PAIR = _Pattern(
    rb"([A-Za-z0-9_.\-]{1,80})(?:\\*[\"'])?,?(?:[ ]|\\+[nrt])*(?:- )?(?:\\*[\"'])?value"
    rb"((\\*)([\"']))?\]?[ ]{0,8}[:=]$",
    re.IGNORECASE,
)


def _confirm_pair(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _PAIR.search(data[max(0, end - 160) : end])
    if match is None:
        return
    value = _value(data, end, len(match[3]) if match[4] == b'"' else None, False)
    if value is not None and value.number_quote is None:
        yield from _judged(value, match[1], rule)


def _confirm_token(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    assert head.width is not None
    start = end - head.width
    if not rule.back and not _is_boundary(data, start):
        return
    tail = _compiled(rule.tail).match(data, end)
    if tail is None:
        return
    stop = tail.end()
    while stop > end and data[stop - 1] in b".":
        stop -= 1
    if rule.back:
        back = _compiled(rule.back + "$").search(data[max(0, start - 24) : start])
        if back is None:
            return
        start -= len(back[0])
    if not _is_boundary(data, start) or _is_in_blob(data, start):
        return
    after = data[stop : stop + 1]
    if after.isalnum():
        return  # longer than any such token
    body = data[start:stop]
    if _TOKEN_PLACEHOLDER.search(body) or (rule.is_checked and not _is_mixed(body)):
        return
    yield _Found(start, stop, rule.name)


def _is_mixed(value: bytes) -> bool:
    return _has_digit_and_letter(value) and _entropy(value) >= 2.6 and (_changes(value) >= 3)


_PATTERNS: dict[str, _Pattern] = {}


def _compiled(pattern: str) -> _Pattern:
    if pattern not in _PATTERNS:
        _PATTERNS[pattern] = _Pattern(pattern.encode())
    return _PATTERNS[pattern]


_HEX_VALUE = _Pattern(rb"[ ]{0,4}(\\*)\"([0-9a-f]{32,64})(?=\\*\")")
_EQUALS_VALUE = _Pattern(rb"(?:[A-Za-z0-9+=_~-]|%[0-9A-Fa-f]{2}|\\*/){1,4096}")
_PATH_VALUE = _Pattern(rb"[0-9]{0,20}/([A-Za-z0-9_-]{40,100})")
_WORD_VALUE = _Pattern(rb"(?:[^\s\"\\:\x00-\x1f]|\\\\(?![nrtbf\"'\\])){1,4096}")


def _confirm_hex_value(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _HEX_VALUE.match(data, end)
    if match:
        yield _Found(match.start(2), match.end(2), rule.name)


def _confirm_equals(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _EQUALS_VALUE.match(data, end)
    if match and len(match[0]) >= 20 and _is_random(match[0]) and not _TOKEN_PLACEHOLDER.search(match[0]):
        yield _Found(match.start(), match.end(), rule.name)


def _confirm_path(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _PATH_VALUE.match(data, end)
    if match and not _TOKEN_PLACEHOLDER.search(match[1]):
        yield _Found(match.start(1), match.end(1), rule.name)


def _confirm_bare_word(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _WORD_VALUE.match(data, end)
    if match and _is_password(_plain(match[0]), True):
        yield _Found(match.start(), match.end(), rule.name)


_LETTERS_THEN_DIGITS = _Pattern(rb"[A-Za-z]{4,}[0-9]{1,6}")


def _confirm_prose(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    value = _value(data, end, None, False)
    if value is None or value.number_quote is not None:
        return
    plain = value.plain
    is_odd = _changes(plain) >= 2 or any(c in b"!@#$%^&*?~+=" for c in plain) or _LETTERS_THEN_DIGITS.fullmatch(plain)
    if is_odd and _has_digit_and_letter(plain) and _is_password(plain, value.is_quoted) and b"-" not in plain[:-1]:
        yield _Found(value.start, value.end, rule.name)


_MARKUP_VALUE = _Pattern(rb"([^<\"\\\s]{5,512})<\\*/")


def _confirm_markup(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _MARKUP_VALUE.match(data, end)
    if match:
        is_password = b"passw" in data[max(0, end - 40) : end].lower()
        if _is_password(match[1], True) if is_password else _is_named_secret(match[1], True, True):
            yield _Found(match.start(1), match.end(1), rule.name)


_URL_PASSWORD_GOES_ON = _Pattern(rb"[^\s\"'\\/@<>]{0,1024}@")


def _confirm_url(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    scheme = data.rfind(b"://", max(0, end - 1024), end)
    colon = data.find(b":", scheme + 3, end)
    if scheme < 0 or colon < 0:
        return
    stop = end - 1
    while goes_on := _URL_PASSWORD_GOES_ON.match(data, stop + 1):  # a password with an @ in it
        stop = goes_on.end() - 1
    password = _plain(data[colon + 1 : stop])
    if len(password) < 3 or _PLACEHOLDER.search(password) or password.startswith((b"$", b"<", b"{", b"%", b"(")):
        return
    if password.lower() in _URL_WORDS or any(c in b" \n\t" for c in password):
        return
    yield _Found(colon + 1, stop, rule.name)


_URL_WORDS = frozenset((b"password", b"pass", b"passwd", b"pwd", b"secret", b"token", b"port", b"pw", b"pat", b"key"))

_AUTHORIZATION = _Pattern(
    _BLANKS + rb"(?:[frb]{0,2}\\*[\"'`])?" + rb"(?:(?i:bearer|basic|token|apikey|bot|key|digest) +)?"
    rb"((?:[A-Za-z0-9._~+:=-]|\\*/(?![nrt])){1,4096})"
)
_BEARER = _Pattern(rb"(?:[A-Za-z0-9._~+=-]|\\*/){0,4096}")


def _confirm_authorization(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    if head.width is None:
        name = _name_before(data, end)
        if name is None or data[max(0, name.start - 2) : name.start] == b"::":
            return
        match = _AUTHORIZATION.match(data, end)
        start, stop = match.span(1) if match else (end, end)
    else:
        start = end - head.width + head.pattern.index(" ") + 1
        if not _is_boundary(data, end - head.width):
            return
        stop = _BEARER.match(data, end).end()  # type: ignore[union-attr]
    value = data[start:stop].rstrip(b".:")
    plain = _plain(value)
    if (
        len(plain) < 8
        or _TOKEN_PLACEHOLDER.search(plain)
        or (_IDENTIFIER.fullmatch(plain) and not any(map(_is_random, plain.split(b"."))))
    ):
        return
    if head.pattern.startswith("basic"):
        is_secret = _is_credential_pair(plain)
    else:
        is_secret = _is_credential_pair(plain) or _is_random(plain)
    if is_secret:
        yield _Found(start, start + len(value), rule.name)


_COOKIES = _Pattern(_BLANKS + rb"(?:\\*[\"'`])?((?:[^\s\"'`\\;,\x00-\x1f]|[;,] ?|\\\\(?![nrtbfu\"'\\])){1,4096})")
_COOKIE = _Pattern(rb"([A-Za-z0-9_.$-]{1,64})=([^;, ]{6,})")
_COOKIE_WORDS = frozenset((b"path", b"domain", b"expires", b"max-age", b"samesite", b"version"))


def _confirm_cookie(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    match = _COOKIES.match(data, end)
    if match is None:
        return
    if not head.pattern.startswith("cookie"):
        value = _compiled("[^;, &]+").match(match[1])
        if value and _is_random(value[0], 16) and not _UUID.fullmatch(value[0]) and not _PLACEHOLDER.search(value[0]):
            yield _Found(match.start(1), match.start(1) + value.end(), rule.name)
        return
    for cookie in _COOKIE.finditer(match[1]):
        if cookie[1].lower() in _COOKIE_WORDS or _PLACEHOLDER.search(cookie[2]):
            continue
        if _is_random(cookie[2], 10) or _is_named_secret(cookie[2], True, True):
            yield _Found(match.start(1) + cookie.start(2), match.start(1) + cookie.end(2), rule.name)


_PHRASE = _Pattern(rb"[a-z]{3,8}(?: [a-z]{3,8}){11,23}")


def _confirm_phrase(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    opened = _OPEN.match(data, end) or _compiled(_BLANKS.decode()).match(data, end)
    match = _PHRASE.match(data, opened.end()) if opened else None
    if (
        match
        and not data[match.end() : match.end() + 1].isalnum()
        and len(match[0].split(b" ")) in (12, 15, 18, 21, 24)
    ):
        yield _Found(match.start(), match.end(), rule.name)


_PEM_GAP = _Pattern(
    rb"(?:\\{1,64}[nrt]|\\{1,64}u000[adAD]|\\{0,64}[\"'`]|[ \t\r,+>|:;.()#*$-]|"
    rb"\xe2\x86\x92|[0-9]{1,6}(?=\xe2\x86\x92|\\{1,64}t|[:|])|"
    rb"(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|Private-Lines|Encryption|MIME-Version): ?[^\\\"\n]{0,80}|"
    rb"\\\\)*"
)
_PEM_LINE = _Pattern(rb"(?:[A-Za-z0-9+=]|\\*/)+")
_PEM_END = _Pattern(rb"-{2,5} ?END|Private-MAC|Public-Lines|Private-Hash")


def _confirm_pem(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    """Yield the body of a key: line after line of base64, whatever stands between them.

    Between two lines may stand an escaped newline of any depth, a line number, the sign of a diff, or the quotes
    between two strings of a list; the text between two strings stays, and each string's part is a span of its own.
    """
    if head.pattern.startswith("END"):
        yield from _confirm_pem_end(data, end, rule)
        return
    pieces: list[tuple[int, int]] = []
    body = b""
    position = end
    position += len(b" BLOCK") if data.startswith(b" BLOCK", position) else 0
    while True:
        gap = _PEM_GAP.match(data, position)
        position = gap.end() if gap else position
        line = _PEM_LINE.match(data, position)
        if line is None or (len(line[0]) < 16 and not (body and _is_last_line(data, line))):
            break
        is_new_string = pieces and _UNITS.fullmatch(data, pieces[-1][1], line.end()) is None
        if pieces and not is_new_string:
            pieces[-1] = (pieces[-1][0], line.end())
        else:
            pieces.append(line.span())
        body += _plain(line[0])
        position = line.end()
    if len(body) >= 24 and not _TOKEN_PLACEHOLDER.search(body):
        for start, stop in pieces:
            yield _Found(start, stop, rule.name, canon=body)


_LONGEST_PEM = 16384


def _confirm_pem_end(data: bytes, end: int, rule: Rule) -> Iterator[_Found]:
    """Yield the lines of base64 right before the end mark: a key of which only the tail is shown."""
    limit = data.rfind(b"END", 0, end)
    while limit > 0 and data[limit - 1] in b"- ":
        limit -= 1
    base = _in_line(data, limit - _LONGEST_PEM, limit)
    if data.rfind(b"PRIVATE KEY", base, limit) >= 0:
        return  # found from its beginning
    found: list[tuple[int, int]] = []
    for line in reversed(list(_PEM_LINE.finditer(data, base, limit))):
        start = line.start()
        if data[start - 1 : start] == b"\\" and data[start] in b"nrt":
            start += 1
        if line.end() - start < 16 and (found or line[0].isdigit() or not _is_last_line(data, line)):
            continue
        gap = _PEM_GAP.match(data, line.end())
        if gap is None or gap.end() < limit:
            break
        found.append((start, line.end()))
        limit = start
    body = b"".join(data[start:stop] for start, stop in reversed(found))
    if len(body) >= 24:
        for start, stop in found:
            yield _Found(start, stop, rule.name, canon=body)


def _is_last_line(data: bytes, line: re.Match[bytes]) -> bool:
    """Tell whether a short line ends a key: with padding, a checksum, or right before the end mark."""
    if line[0].startswith(b"=") or line[0].endswith(b"="):
        return True
    gap = _PEM_DASHLESS_GAP.match(data, line.end())
    return _PEM_END.match(data, gap.end() if gap else line.end()) is not None


_PEM_DASHLESS_GAP = _Pattern(
    rb"(?:\\{1,64}[nrt]|\\{0,64}[\"'`]|[ \t\r,+|:;.()]|\xe2\x86\x92|[0-9]{1,6}(?=\xe2\x86\x92|\\{1,64}t|[:|])|\\\\)*"
)

_HOME_NAME = _Pattern(rb"[^\s/\\\"'`:;,<>|*?$(){}\[\]=\x00-\x1f]{1,64}")
_HOME_DASHED = _Pattern(rb"[A-Za-z0-9_.]{1,64}")
_NO_USERS = frozenset((b"shared", b"public", b"default", b"all", b"user", b"username", b"name", b"you", b"runner"))


def _confirm_home(data: bytes, end: int, rule: Rule, head: Head) -> Iterator[_Found]:
    start = end - 1 if head.width is None and not head.pattern.startswith("-") else end
    match = (_HOME_DASHED if head.pattern.startswith("-") else _HOME_NAME).match(data, start)
    if match is None or match[0].lower() in _NO_USERS or _HOME_PSEUDONYM.match(data, start):
        return
    if not match[0].strip(b".~-_"):
        return
    yield _Found(match.start(), match.end(), rule.name)


_CONFIRM: dict[str, Callable[[bytes, int, Rule, Head], Iterator[_Found]]] = {
    "token": _confirm_token,
    "assignment": _confirm_assignment,
    "flag": _confirm_flag,
    "pair": _confirm_pair,
    "hex-value": _confirm_hex_value,
    "equals": _confirm_equals,
    "path": _confirm_path,
    "bare-word": _confirm_bare_word,
    "markup": _confirm_markup,
    "prose": _confirm_prose,
    "url": _confirm_url,
    "authorization": _confirm_authorization,
    "cookie": _confirm_cookie,
    "phrase": _confirm_phrase,
    "pem": _confirm_pem,
    "home": _confirm_home,
}
