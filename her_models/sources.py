"""Finds log files and what is new in them: stat, fingerprints, byte ranges.

What belongs here: walking a path, recognising a log by its content, comparing it with the manifest. What does
not: parsing (`transcript`) and reading whole files (`staging`). Imports the standard library and `config` only,
because a run that finds nothing new pays for every import.

Identity: a file is its source and its path below the root it was first read from. The same file reached through
another root (`~/.claude`, `~/.claude/projects`, the file itself) is found again by its absolute path.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from her_models.config import Source, default_host, default_owner, source_part
from her_models.errors import SourceError

FINGERPRINT_BYTES = 4096
SNIFF_BYTES = (16 * 1024, 256 * 1024)  # the second only where the first does not tell
SNIFF_LINES = 400
_SUFFIXES = (".jsonl", ".ndjson", ".log")
_SKIPPED_FOLDERS = frozenset({".git", "node_modules", "__pycache__", ".venv"})
_DROP_FOLDER = re.compile(r"[A-Za-z0-9._-]+@[A-Za-z0-9._-]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class FileState:
    """One row of `source_files`: a generation of a log file. Fields as in `contracts.SOURCE_FILES`."""

    source_id: str
    file_id: int
    path: str
    root: str
    generation: int = 0
    is_current: bool = True
    status: str = "ok"
    apparent_kind: str | None = None
    size_bytes: int = 0
    modified_ns: int = 0
    consumed_bytes: int = 0
    lines_count: int = 0
    blank_count: int = 0
    filler_bytes: int = 0
    refused_count: int = 0
    last_session_id: str | None = None
    last_version: str | None = None
    head_fingerprint: str | None = None
    tail_fingerprint: str | None = None
    first_seen_at: datetime | None = None
    last_read_at: datetime | None = None
    run_id: str | None = None

    @property
    def absolute_path(self) -> str:
        """Where the file was last read."""
        return _join(self.root, self.path)


Manifest = Mapping[str, FileState]
"""Current generations of one source, by path."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """Bytes `[start, end)` of a file to be staged. `state` is its row so far; `end` is its size when planned."""

    state: FileState
    absolute_path: str  # as the system knows it
    start: int
    end: int

    @property
    def bytes_count(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class SourcePlan:
    """What is new in one source. `changed` are rows that change without their bytes being staged.

    `gone`, `unsupported` and `replaced` are parts of `changed`, named for reports: files no longer on disk, files
    that are not Claude Code logs, and earlier generations that no longer count.
    """

    source: Source
    root: Path
    reads: list[FileRead] = field(default_factory=list)
    changed: list[FileState] = field(default_factory=list)
    gone: list[FileState] = field(default_factory=list)
    unsupported: list[FileState] = field(default_factory=list)
    replaced: list[FileState] = field(default_factory=list)
    files_seen: int = 0
    unchanged_count: int = 0
    sniffed_bytes: int = 0  # read to recognise files and to compare fingerprints

    @property
    def bytes_to_read(self) -> int:
        return sum(read.bytes_count for read in self.reads)

    @property
    def is_empty(self) -> bool:
        """Nothing to stage and no row of `source_files` to change."""
        return not self.reads and not self.changed


@dataclass(frozen=True)
class _Found:
    """A candidate on disk, with the identity it has in the manifest."""

    absolute_path: str  # as it is written down
    opened_path: str  # as the system knows it
    size_bytes: int
    modified_ns: int
    is_linked: bool
    identity: tuple[int, int]


def written(path: str) -> str:
    """Return a path as text: bytes of a name that are no UTF-8 become `\\xff`, as no table could hold them."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def _join(root: str, path: str) -> str:
    return f"{root.rstrip('/')}/{path}"


def file_id(source_id: str, path: str, generation: int) -> int:
    """Return the identity of a file generation: 63 bits, the same on every machine and in every run."""
    text = f"{source_id}\0{path}\0{generation}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1


def fingerprint(block: bytes, key: bytes = b"") -> str:
    """Return a 128-bit hash of a block of a file, keyed where a key is given."""
    return hashlib.blake2b(block, digest_size=16, key=key[:64]).hexdigest()


# -- recognising ----------------------------------------------------------------------------------------------------

_CODEX_TYPES = frozenset({"session_meta", "response_item", "event_msg", "turn_context", "compacted"})
_STREAM_TYPES = frozenset({"system", "assistant", "user", "result", "stream_event"})
_NO_SESSION_TYPES = frozenset({"summary", "file-history-snapshot", "file-history-delta"})
_CUT_CLAUDE = re.compile(rb'"(?:sessionId|leafUuid|parentUuid|isSidechain)"\s*:')
_CUT_OTHER = re.compile(rb'"payload"\s*:|"type"\s*:\s*"[a-z_]+\.')
UNDECIDED = frozenset({"text", "binary", "json-lines"})


def _kind_of_object(line: dict[str, Any]) -> str | None:
    kind = line.get("type")
    if isinstance(kind, str):
        if kind in _CODEX_TYPES and "payload" in line:
            return "codex"
        if "." in kind and "data" in line:
            return "copilot"
        if isinstance(line.get("sessionId"), str) or "parentUuid" in line or kind in _NO_SESSION_TYPES:
            return "claude-code"
        if isinstance(line.get("session_id"), str) and kind in _STREAM_TYPES:
            return "stream-json"
        if kind in ("assistant", "user") and isinstance(line.get("message"), dict) and "uuid" in line:
            return "claude-code"
    elif "display" in line and "timestamp" in line:
        return "history"
    elif "seq" in line and "path" in line and "headers" in line:
        return "api-ledger"
    elif line.get("record_type") == "state" or ("instructions" in line and "git" in line):
        return "codex"
    return None


def apparent_kind(head: bytes) -> str:
    """Return what a file looks like from its first bytes; `claude-code` is the only kind that is staged.

    The first line that is decisive decides: banners, comments and broken lines above it do not matter.
    """
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = head.removeprefix(_BYTE_ORDER_MARK)
    has_json = False
    for text in head.split(b"\n", SNIFF_LINES)[:SNIFF_LINES]:
        text = text.strip()
        if not text.startswith(b"{"):
            continue
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            # Cut by the end of the head, or broken: the keys at its start still tell.
            if _CUT_CLAUDE.search(text) and b'"type"' in text and not _CUT_OTHER.search(text[:300]):
                return "claude-code"
            continue
        has_json = True
        kind = _kind_of_object(line)
        if kind:
            return kind
    if has_json:
        return "json-lines"
    return "binary" if b"\0" in head else "text"


# -- walking --------------------------------------------------------------------------------------------------------


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _walk(folder: str, seen: set[tuple[int, int]], is_linked: bool) -> Iterator[_Found]:
    """Yield candidates below `folder`, each folder once however many links lead to it."""
    stack = [(folder, is_linked)]
    while stack:
        current, linked = stack.pop()
        folders: list[tuple[str, bool]] = []
        for entry in _entries(current):
            try:
                via_link = linked or entry.is_symlink()
                if entry.is_dir():
                    if entry.name in _SKIPPED_FOLDERS:
                        continue
                    if entry.is_symlink():
                        target = entry.stat()
                        identity = (target.st_dev, target.st_ino)
                        if identity in seen:
                            continue
                    folders.append((entry.path, via_link))
                elif entry.name.endswith(_SUFFIXES) and entry.is_file():
                    info = entry.stat()
                    yield _found(entry.path, info, via_link)
            except OSError:
                continue  # vanished between listing and looking, or a link that leads nowhere
        for path, via_link in reversed(folders):
            try:
                info = Path(path).stat()
            except OSError:
                continue
            identity = (info.st_dev, info.st_ino)
            if identity not in seen:
                seen.add(identity)
                stack.append((path, via_link))


def _found(path: str, info: os.stat_result, is_linked: bool) -> _Found:
    return _Found(written(path), path, info.st_size, info.st_mtime_ns, is_linked, (info.st_dev, info.st_ino))


def _root_of_file(path: str) -> str:
    """Return the folder a single file is named from: its `projects` folder, else its own."""
    folders = list(Path(path).parents)
    for folder in folders:
        if folder.name == "projects":
            return str(folder)
    return str(folders[0])


def _candidates(source: Source, known: Mapping[str, FileState]) -> tuple[str, list[_Found]]:
    """Return the root and the candidates in order of path, one per file on disk.

    Raises:
        SourceError: nothing is at the source's path.
    """
    path = os.path.realpath(source.path)
    try:
        info = Path(path).stat()
    except OSError as error:
        raise SourceError(
            f"No logs at {source.path}: {error.strerror}. Give a log file, a .claude folder or a folder above."
        ) from error
    if stat.S_ISREG(info.st_mode):
        return written(_root_of_file(path)), [_found(path, info, False)]
    if not stat.S_ISDIR(info.st_mode):  # a pipe or a device might never end
        raise SourceError(f"{source.path} is neither a file nor a folder. Give a log file, or a folder of logs.")
    found = list(_walk(path, {(info.st_dev, info.st_ino)}, False))
    # A file that links make appear twice counts once: under the path known before, else the one without links.
    found.sort(key=lambda one: (one.absolute_path not in known, one.is_linked, one.absolute_path))
    unique: dict[object, _Found] = {}
    for one in found:
        unique.setdefault(one.identity if one.identity[1] else one.absolute_path, one)
    return written(path), sorted(unique.values(), key=lambda one: one.absolute_path)


def _is_same(found: _Found, state: FileState) -> bool:
    """Say whether stat alone shows that nothing changed since `state` was written."""
    if state.status == "gone" or found.size_bytes != state.size_bytes or found.modified_ns != state.modified_ns:
        return False
    return state.status != "unreadable" or not os.access(found.opened_path, os.R_OK)


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _missing(known: Mapping[str, FileState], seen: set[str], walked: str) -> list[FileState]:
    """Return the rows whose file should have been met below `walked` and was not, because it is gone."""
    return [
        state
        for path, state in known.items()
        if path not in seen and state.status != "gone" and _is_below(path, walked) and not os.path.exists(path)  # noqa: PTH110
    ]


def nothing_new(source: Source, manifest: Manifest) -> bool:
    """Say whether `stage` would have nothing to do. Looks at names, sizes and times; reads no log bytes.

    Raises:
        SourceError: nothing is at the source's path.
    """
    known = {state.absolute_path: state for state in manifest.values()}
    _, found = _candidates(source, known)
    for one in found:
        state = known.get(one.absolute_path)
        if state is None or not _is_same(one, state):
            return False
    return not _missing(known, {one.absolute_path for one in found}, written(os.path.realpath(source.path)))


# -- planning -------------------------------------------------------------------------------------------------------


class _Planner:
    """Decides file by file; a class because each decision adds to the same plan."""

    def __init__(self, plan: SourcePlan, manifest: Manifest, known: Mapping[str, FileState], key: bytes) -> None:
        self.plan = plan
        self.manifest = manifest
        self.known = known
        self.key = key
        self.taken = set(manifest)
        self.sniffed = 0

    def look(self, found: _Found) -> FileState | None:
        """Plan one file; returns the row it had in the manifest."""
        state = self.known.get(found.absolute_path)
        if state is not None and _is_same(found, state):
            return state
        moved = None if state else self._moved(found)
        before = state or moved
        if before is not None:
            fresh = replace(
                before,
                root=self._root(found) if moved else before.root,
                size_bytes=found.size_bytes,
                modified_ns=found.modified_ns,
            )
        else:
            fresh = self._new(found)
        try:
            self._decide(found, before, fresh)
        except OSError:
            self._change(replace(fresh, status="unreadable"))
        return before

    def _root(self, found: _Found) -> str:
        return str(self.plan.root)

    def _relative(self, found: _Found) -> str:
        return found.absolute_path[len(str(self.plan.root).rstrip("/")) + 1 :]

    def _moved(self, found: _Found) -> FileState | None:
        """Return the row of a file that lay under another root which is no longer there."""
        state = self.manifest.get(self._relative(found))
        if state is None or os.path.lexists(state.absolute_path):
            return None
        return state

    def _new(self, found: _Found) -> FileState:
        root, path = str(self.plan.root), self._relative(found)
        if path in self.taken:  # another folder of this source holds a file of the same relative path
            root, path = "/", found.absolute_path.lstrip("/")
        self.taken.add(path)
        source_id = self.plan.source.source_id
        return FileState(
            source_id,
            file_id(source_id, path, 0),
            path,
            root,
            size_bytes=found.size_bytes,
            modified_ns=found.modified_ns,
        )

    def _decide(self, found: _Found, before: FileState | None, fresh: FileState) -> None:
        with Path(found.opened_path).open("rb") as file:
            if before is not None and before.consumed_bytes:
                if self._is_continued(file, before, found.size_bytes):
                    fresh = replace(fresh, status="ok")
                    if found.size_bytes == before.consumed_bytes:
                        self._change(fresh)
                    else:
                        self._read(found, fresh, before.consumed_bytes)
                    return
                fresh = self._next_generation(before, fresh)
            if not found.size_bytes:
                self._change(replace(fresh, status="empty", apparent_kind=None))
                return
            file.seek(0)
            kind = self._kind(file, found.size_bytes)
        if kind == "claude-code":
            self._read(found, replace(fresh, status="ok", apparent_kind=kind), 0)
        else:
            fresh = replace(fresh, status="unsupported", apparent_kind=kind)
            self.plan.unsupported.append(fresh)
            self._change(fresh)

    def _kind(self, file: Any, size_bytes: int) -> str:
        head = b""
        kind = "text"
        for limit in SNIFF_BYTES:
            head += file.read(min(limit, size_bytes) - len(head))
            kind = apparent_kind(head)
            if kind not in UNDECIDED or size_bytes <= limit:
                break
        self.sniffed += len(head)
        return kind

    def _is_continued(self, file: Any, before: FileState, size_bytes: int) -> bool:
        consumed = before.consumed_bytes
        if size_bytes < consumed:
            return False
        block = min(FINGERPRINT_BYTES, consumed)
        head = file.read(block)
        file.seek(consumed - block)
        tail = file.read(block)
        self.sniffed += 2 * block
        return (
            fingerprint(head, self.key) == before.head_fingerprint
            and fingerprint(tail, self.key) == before.tail_fingerprint
        )

    def _next_generation(self, before: FileState, fresh: FileState) -> FileState:
        old = replace(before, is_current=False)
        self.plan.replaced.append(old)
        self._change(old)
        generation = before.generation + 1
        return FileState(
            before.source_id,
            file_id(before.source_id, before.path, generation),
            before.path,
            fresh.root,
            generation,
            size_bytes=fresh.size_bytes,
            modified_ns=fresh.modified_ns,
        )

    def _read(self, found: _Found, state: FileState, start: int) -> None:
        self.plan.reads.append(FileRead(state, found.opened_path, start, found.size_bytes))

    def _change(self, state: FileState) -> None:
        self.plan.changed.append(state)


def plan_source(source: Source, manifest: Manifest, *, key: bytes = b"") -> SourcePlan:
    """Return what is new in `source` since `manifest` was written.

    Reads nothing of a file that stat shows unchanged, 8 KiB of one that grew (its fingerprints), and the first
    16 KiB, rarely 256 KiB, of one not seen before. `key` makes the fingerprints keyed hashes; it must stay the same.

    Raises:
        SourceError: nothing is at the source's path.
    """
    known = {state.absolute_path: state for state in manifest.values()}
    root, found = _candidates(source, known)
    plan = SourcePlan(source, Path(root))
    planner = _Planner(plan, manifest, known, key)
    seen = set()
    unchanged = 0
    for one in found:
        planned = len(plan.reads) + len(plan.changed)
        before = planner.look(one)
        seen.add(one.absolute_path)
        if before is not None:
            seen.add(before.absolute_path)
        unchanged += planned == len(plan.reads) + len(plan.changed)
    for state in _missing(known, seen, written(os.path.realpath(source.path))):
        gone = replace(state, status="gone")
        plan.gone.append(gone)
        plan.changed.append(gone)
    return replace(plan, files_seen=len(found), unchanged_count=unchanged, sniffed_bytes=planner.sniffed)


# -- drop folders ---------------------------------------------------------------------------------------------------


def _is_dropped(folder: Path) -> bool:
    """Say whether a folder holds somebody's logs, and not only a name that looks like it."""
    is_named_so = _DROP_FOLDER.fullmatch(folder.name) is not None
    return is_named_so and any((folder / inside).is_dir() for inside in ("projects", ".claude"))


def _holds_logs(path: Path) -> bool:
    if path.is_dir():
        return path.name not in _SKIPPED_FOLDERS and next(_walk(str(path), set(), False), None) is not None
    return path.name.endswith(_SUFFIXES)


def _drop_source(folder: Path, path: Path) -> Source:
    owner, _, host = folder.name.partition("@")
    return Source(source_part(owner), source_part(host), path)


def expand_sources(path: Path, owner: str | None = None) -> list[Source]:
    """Return the sources at a path given by a person: one, or one per `<owner>@<host>` folder of a drop folder.

    A path inside such a folder belongs to its owner; logs beside such folders to whoever runs this. `owner` overrides
    every name found.
    """
    path = path.expanduser().absolute()
    if owner:
        return [Source(source_part(owner), default_host(), path)]
    for folder in (path, *path.parents):
        if _is_dropped(folder):
            return [_drop_source(folder, path)]
    entries = [Path(entry.path) for entry in _entries(str(path))] if path.is_dir() else []
    dropped = [entry for entry in entries if _is_dropped(entry)]
    if dropped:
        # Nobody's logs are left out because those of others are named.
        beside = [entry for entry in entries if entry not in dropped and _holds_logs(entry)]
        return [
            *(_drop_source(folder, folder) for folder in dropped),
            *(Source(default_owner(), default_host(), entry) for entry in beside),
        ]
    return [Source(default_owner(), default_host(), path)]
