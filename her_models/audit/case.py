"""A case: sessions, their risky actions, what their log lacks and the hashes that prove it, as one folder.

What belongs here: what lies in the folder, and checking one that somebody was given. What does not: the questions
(`questions`).

    README.md            what this is and how to verify it
    log/<session>.jsonl  the redacted lines as logged, each once
    events.csv           risky actions, each with its turn, outcome and line
    completeness.csv     what is known to be missing
    files.csv            the files on disk held against what was read of them
    lines.csv            every line: file, offset, length, keyed hash of the original bytes
    rules.toml           the rules as they were applied
    SHA256SUMS           hashes of all of these, as sha256sum writes them
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv

from her_models.audit import questions
from her_models.audit.questions import AuditFilter, FileCheck
from her_models.audit.rules import RULES_PATH, load_rules
from her_models.config import Config
from her_models.errors import HerError
from her_models.export import SessionKey, export_session

SUMS = "SHA256SUMS"
_SUM_LINE = re.compile(r"(?P<hash>[0-9a-f]{64})  (?P<name>\S.*)")


class CaseError(HerError):
    """A case cannot be written or read."""


@dataclasses.dataclass(frozen=True)
class CaseCheck:
    """What checking a folder found: how many files hold, which do not, which are missing or not listed."""

    held_count: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    unlisted: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        return not (self.changed or self.missing or self.unlisted)


def case_files(
    con: duckdb.DuckDBPyConnection, config: Config, keys: Sequence[SessionKey], now: datetime | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of a case, the sums last."""
    sums: list[str] = []
    for name, content in _contents(con, config, keys, now or datetime.now(UTC)):
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
        yield name, content
    yield SUMS, "".join(sums).encode()


def write_case(con: duckdb.DuckDBPyConnection, config: Config, keys: Sequence[SessionKey], folder: Path) -> list[Path]:
    """Write a case into a new or empty folder; returns what was written.

    Raises:
        CaseError: the folder holds something, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CaseError(f"{folder} holds something already. Give a new or an empty folder.")
    written = []
    try:
        for name, content in case_files(con, config, keys):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            written.append(path)
    except OSError as error:
        raise CaseError(f"{folder} cannot be written: {error.strerror}.") from error
    return written


def case_archive(con: duckdb.DuckDBPyConnection, config: Config, keys: Sequence[SessionKey]) -> bytes:
    """Return a case as a zip file."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in case_files(con, config, keys):
            archive.writestr(f"case/{name}", content)
    return sink.getvalue()


def check_case(folder: Path) -> CaseCheck:
    """Hold the files of a case against its sums.

    Raises:
        CaseError: there are no sums that could be read.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{folder} holds no {SUMS}; it is no case, or it is not whole.") from error
    listed = {match["name"]: match["hash"] for match in map(_SUM_LINE.fullmatch, lines) if match}
    changed, missing = [], []
    for name, expected in listed.items():
        path = folder / name
        if not path.is_file():
            missing.append(name)
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            changed.append(name)
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    unlisted = sorted(there - listed.keys() - {SUMS})
    return CaseCheck(len(listed) - len(changed) - len(missing), tuple(changed), tuple(missing), tuple(unlisted))


def _contents(
    con: duckdb.DuckDBPyConnection, config: Config, keys: Sequence[SessionKey], now: datetime
) -> Iterator[tuple[str, bytes]]:
    session_ids = tuple(sorted({key.session_id for key in keys}))
    sources = {key.source_id for key in keys}
    events = _of_sources(questions.events(con, AuditFilter(session_ids=session_ids)), sources)
    complete = _of_sources(questions.completeness(con, session_ids), sources)
    checks = [check for check in questions.check_files(con, config, session_ids) if check.source_id in sources]
    yield "README.md", _readme(keys, events, checks, now).encode()
    for key in keys:
        yield f"log/{_file_name(key)}.jsonl", b"".join(export_session(con, key, "jsonl"))
    yield "events.csv", _csv(events)
    yield "completeness.csv", _csv(complete)
    yield "files.csv", _csv(_as_table(checks))
    yield "lines.csv", _lines(con, checks)
    yield "rules.toml", RULES_PATH.read_bytes()


def _of_sources(table: pa.Table, sources: set[str]) -> pa.Table:
    return table.filter(pa.array([value in sources for value in table["source_id"].to_pylist()], pa.bool_()))


def _file_name(key: SessionKey) -> str:
    """Session ids come from logs: what could leave the folder does not get into a name."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", f"{key.source_id}-{key.session_id}").lstrip(".")


def _as_table(checks: Sequence[FileCheck]) -> pa.Table:
    names = [one.name for one in dataclasses.fields(FileCheck)]
    return pa.table({name: [getattr(check, name) for check in checks] for name in names})


def _csv(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pa_csv.write_csv(table, sink)
    return sink.getvalue()


def _lines(con: duckdb.DuckDBPyConnection, checks: Sequence[FileCheck]) -> bytes:
    paths = {check.file_id: check.path for check in checks}
    columns: dict[str, list[object]] = {
        name: [] for name in ("path", "file_id", "offset_bytes", "length_bytes", "line_hash")
    }
    for file_id, lines in questions.lines_by_file(con, paths).items():
        for line in lines:
            for name, value in zip(columns, (paths[file_id], file_id, *line), strict=True):
                columns[name].append(value)
    return _csv(pa.table(columns))


def _readme(keys: Sequence[SessionKey], events: pa.Table, checks: Sequence[FileCheck], now: datetime) -> str:
    version, _ = load_rules()
    states = {state: sum(check.state == state for check in checks) for state in ("intact", "grown", "changed", "gone")}
    risks = events["severity"].to_pylist().count("risk")
    listed = "\n".join(f"- `{key.session_id}` of {key.source_id}" for key in keys)
    return f"""# Case of {now:%Y-%m-%d %H:%M} UTC

{len(keys)} sessions, {events.num_rows} events by the rules of version {version}, {risks} of them risks. Of the
{len(checks)} log files, {states["intact"]} are on disk as they were read, {states["grown"]} have grown since,
{states["changed"]} were changed and {states["gone"]} are gone.

{listed}

## What is here

- `log/`: the lines as the client logged them, secrets taken out, each line once
- `events.csv`: risky actions with turn, outcome and the line they stand on; `rules.toml` holds the rules
- `completeness.csv`: what is known to be missing: refused lines, lines that others name and nobody has, files gone
- `files.csv`: each log file, held against what was read of it
- `lines.csv`: each line of these files with place, length and the keyed hash of its original bytes

## How to verify it

That nothing in this folder was changed since it was written:

    sha256sum -c {SUMS}

or, with Her, `her audit --check FOLDER`, which also names files that were added.

That the log is what the client wrote: on the machine it came from, with the same HER_HOME, run `her audit --files`. It
computes the hash of every line anew from the files on disk. The hashes are keyed (`redaction.key` in HER_HOME), so that
nobody can test a guess at a secret against them; whoever keeps the key can vouch for them. `files.csv` holds the plain
SHA-256 of files from which no secret had to be taken.
"""
