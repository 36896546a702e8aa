"""Staging: new bytes of a source in, Parquet files of its staged tables out.

What belongs here: reading byte ranges, splitting them into lines, redacting, building columns, writing Parquet, and
the processes that do it side by side. What does not: which bytes are new (`sources`), what a line means
(`transcript`), where the files end up (`lake`).

Each worker takes whole files, the largest first, and reads them in chunks of whole lines, so that memory does not
grow with the logs. Every consumed byte is in a row of `lines`, in a row of `refused_lines`, or white space.
"""

from __future__ import annotations

import gc
import hashlib
import os
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from importlib.abc import MetaPathFinder
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from xxhash import xxh3_128_hexdigest

from her_models import contracts
from her_models.config import Config, Source
from her_models.errors import LakeError
from her_models.processes import Pool, orders, start_worker
from her_models.redaction import Redactor, load_key
from her_models.sources import FINGERPRINT_BYTES, FileRead, FileState, SourcePlan, fingerprint
from her_models.transcript import (
    BLOCK_FIELDS,
    EVENT_FIELDS,
    LINE_FIELDS,
    RESPONSE_FIELDS,
    FileContext,
    Rows,
    leading_records,
    read_line,
    salvage,
)

if TYPE_CHECKING:
    from her_models.redaction import Span

CHUNK_BYTES = 2 << 20
BATCH_ROWS = 1_000  # so many rows become columns together, while they are still in the processor's cache
BATCH_BYTES = 2 << 20  # or so much text
FEW_ROWS = 100  # of an ingest that is over before it pays to import more
MAX_LINE_BYTES = 64 << 20
ROW_GROUP_BYTES = 12 << 20  # of text; a row group is written when its table holds this much
ROW_GROUP_ROWS = 25_000
FILE_BYTES = 1 << 30  # of text; a Parquet file is closed when it holds this much
TRIM_BYTES = 32 << 20  # of lines; so often a worker gives back what it freed, or its memory would grow with the logs
SMALL_BYTES = 12 << 20  # up to here starting workers costs more than it saves
_SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class StageProgress:
    """How far staging has come."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int


@dataclass(frozen=True)
class StageCounts:
    """What staging did, and what it cost. Seconds are wall and CPU of all processes."""

    files_seen: int = 0
    files_read: int = 0
    bytes_read: int = 0
    lines: int = 0
    refused: int = 0
    redactions: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True)
class StagedShard:
    """What is ready to be published for one source.

    `tables` maps a staged table to its Parquet files, which have the contract's columns; tables without rows are left
    out. `files` holds the rows of `source_files` that changed: new, grown, replaced, gone, unsupported.
    """

    source: Source
    run_id: str
    tables: dict[str, list[Path]]
    files: pa.Table
    counts: StageCounts


Progress = Callable[[StageProgress], None]


# -- columns --------------------------------------------------------------------------------------------------------

_ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE": pa.float64(),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
}
_TIMESTAMP = _ARROW_TYPES["TIMESTAMPTZ"]

# Columns with few values: written as a dictionary. The others would only waste time trying.
_DICTIONARY_COLUMNS = frozenset(
    {
        *("source_id", "file_id", "type", "subtype", "session_id", "agent_id", "client_version", "cwd", "git_branch"),
        *("prompt_id", "model", "stop_reason", "service_tier", "speed", "inference_geo", "role", "kind", "tool_name"),
        *("path", "reason", "rule", "line_type", "field_path", "spawned_agent_type"),
    }
)
_STATISTICS_COLUMNS = frozenset(
    {"source_id", "file_id", "session_id", "offset_bytes", "logged_at", "content_hash", "message_id"}
)


def arrow_schema(table: contracts.Table) -> pa.Schema:
    """Return the Arrow schema of a table of the contract."""
    return pa.schema([(column.name, _ARROW_TYPES[column.type]) for column in table.columns])


def _timestamp(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        when = datetime.fromisoformat(text)
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _timestamps(texts: Sequence[str | None]) -> pa.Array:
    """Return UTC timestamps; a text that is none gives null."""
    if len(texts) <= FEW_ROWS:  # Arrow's casts import all of its functions first, which takes longer
        return pa.array(map(_timestamp, texts), _TIMESTAMP)
    try:
        return pa.array(texts, pa.string()).cast(_TIMESTAMP)
    except pa.ArrowInvalid:
        return pa.array([_timestamp(text) for text in texts], _TIMESTAMP)


def _text_array(values: Sequence[bytes]) -> pa.Array:
    """Return UTF-8 bytes as a string column, copying them once."""
    offsets = array("i", accumulate(map(len, values), initial=0))
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(b"".join(values)))


def _is_utf8(data: bytes, end: int | None = None) -> bool:
    """Say whether the bytes up to `end` are UTF-8."""
    if data.isascii():
        return True
    try:
        offsets = pa.py_buffer(array("i", (0, len(data) if end is None else end)))
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


class _NoPandas(MetaPathFinder):
    """Says to one thread that there is no pandas."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas" and threading.get_ident() == self.thread:
            raise ModuleNotFoundError("No module named 'pandas'", name=fullname)


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Keep Arrow from importing pandas while it makes arrays: that alone would take longer than a small ingest.

    Arrow remembers that it found none; afterwards it is told to ask again.
    """
    if "pandas" in sys.modules:
        yield
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        shim = getattr(pa.lib, "_pandas_api", None)
        if shim is not None:
            shim.__init__()


class _TableWriter:
    """Writes one staged table of one worker: collects columns, writes row groups, a new file when one is full."""

    def __init__(self, table: contracts.Table, source_id: str, out_dir: Path, label: str) -> None:
        self.table = table
        self.source_id = source_id
        self.out_dir = out_dir
        self.label = label
        self.schema = arrow_schema(table)
        self.writer: Any = None
        self.written_bytes = 0
        self.paths: list[Path] = []
        self.batches: list[pa.RecordBatch] = []  # of the next row group
        self.rows = 0
        self.text_bytes = 0

    def add(self, columns: dict[str, Any], rows: int, text_bytes: int) -> None:
        """Add rows. A column is an Arrow array or a sequence of values in its table's type."""
        arrays = []
        for name, kind in zip(self.schema.names, self.schema.types, strict=True):
            values = columns.get(name)
            if name == "source_id":
                values = pa.repeat(self.source_id, rows)
            elif values is None:
                values = pa.nulls(rows, kind)
            elif not isinstance(values, pa.Array):
                values = _timestamps(values) if kind == _TIMESTAMP else pa.array(values, kind)
            arrays.append(values)
        self.batches.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self.rows += rows
        self.text_bytes += text_bytes
        if self.rows >= ROW_GROUP_ROWS or self.text_bytes >= ROW_GROUP_BYTES:
            self._write()

    def _write(self) -> None:
        """Write the row group."""
        if self.writer is None:
            self._open()
        self.writer.write_table(pa.Table.from_batches(self.batches, self.schema), row_group_size=self.rows)
        self.written_bytes += self.text_bytes
        self.batches.clear()
        self.rows = self.text_bytes = 0
        if self.written_bytes >= FILE_BYTES:
            self._end()

    def _open(self) -> None:
        path = self.out_dir / f"{self.table.name}-{self.label}-{len(self.paths)}.parquet"
        names = self.schema.names
        self.writer = pq.ParquetWriter(
            path,
            self.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in names if name in _DICTIONARY_COLUMNS],
            write_statistics=[name for name in names if name in _STATISTICS_COLUMNS],
            store_schema=False,
        )
        self.paths.append(path)
        self.written_bytes = 0

    def _end(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def close(self) -> None:
        """Write what is left."""
        if self.batches:
            self._write()
        self._end()


# -- one worker -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Job:
    """What a worker has to know besides the files."""

    source_id: str
    out_dir: Path
    config: Config
    run_id: str


@dataclass
class _Sums:
    bytes_read: int = 0
    lines: int = 0
    refused: int = 0
    redactions: int = 0


def line_hash_seed(key: bytes) -> int:
    """Return the 64-bit seed that keys the hashes of lines without secrets."""
    return int.from_bytes(hashlib.blake2b(key, digest_size=8, person=b"her-lines").digest(), "big")


def fingerprint_key(config: Config) -> bytes:
    """Return the key of the fingerprints of files, made on first use."""
    return hashlib.blake2b(load_key(config.key_path), digest_size=32, person=b"her-files").digest()


class _Stager:
    """Stages files one after another into one set of Parquet files."""

    def __init__(self, job: _Job, label: str) -> None:
        self.job = job
        self.redactor = Redactor.for_config(job.config)
        key = load_key(job.config.key_path)
        self.key = key
        self.seed = line_hash_seed(key)
        self.file_key = fingerprint_key(job.config)
        self.rows = Rows()
        self.refused: list[tuple[int, int, int, str, str]] = []
        self.redactions: list[tuple[int, int, int, str, str]] = []
        self.drift: list[tuple[int, int, str, str, str | None, int]] = []
        self.raw_bytes = 0
        self.text_bytes = 0
        self.event_bytes = 0
        self.untrimmed_bytes = 0
        self.trim = _trimmer()
        self.sums = _Sums()
        self.writers = {
            table.name: _TableWriter(table, job.source_id, job.out_dir, f"{job.run_id}-{label}")
            for table in contracts.TABLES.values()
            if table.layer == "staged"
        }

    # -- files

    def stage_file(self, read: FileRead, tick: Callable[[int], None]) -> FileState:
        """Stage the new bytes of a file; returns its row. A file that cannot be read is named, not fatal."""
        now = datetime.now(UTC)
        state = replace(read.state, run_id=self.job.run_id, last_read_at=now)
        if state.first_seen_at is None:
            state = replace(state, first_seen_at=now)
        try:
            with Path(read.absolute_path).open("rb", buffering=0) as file:
                return _FileReader(self, read, state, file, tick).run()
        except OSError as error:
            if not isinstance(error.filename, str) or Path(error.filename) != Path(read.absolute_path):
                raise
            return replace(state, status="unreadable")

    # -- columns

    def flush(self, *, is_last: bool = False) -> None:
        """Turn rows into columns where there are enough of them, or all at the end."""
        rows = self.rows
        if rows.lines and (is_last or self.raw_bytes >= BATCH_BYTES or len(rows.lines) >= BATCH_ROWS):
            columns = _columns(LINE_FIELDS, rows.lines)
            columns["raw"] = _text_array(rows.raw)
            self.writers["lines"].add(columns, len(rows.lines), self.raw_bytes)
            rows.lines.clear()
            rows.raw.clear()
            self.untrimmed_bytes += self.raw_bytes
            self.raw_bytes = 0
        if rows.texts and (is_last or self.text_bytes >= BATCH_BYTES or len(rows.texts) >= BATCH_ROWS):
            self._add_texts()
        self._flush_tuples("response_lines", RESPONSE_FIELDS, rows.responses, is_last)
        self._flush_tuples("block_lines", BLOCK_FIELDS, rows.blocks, is_last)
        is_due = is_last or self.event_bytes >= BATCH_BYTES
        self._flush_tuples("event_lines", EVENT_FIELDS, rows.events, is_due, self.event_bytes)
        if not rows.events:
            self.event_bytes = 0
        names = ("file_id", "offset_bytes", "length_bytes", "reason", "sample")
        self._flush_tuples("refused_lines", names, self.refused, is_last)
        names = ("file_id", "offset_bytes", "span_index", "rule", "fingerprint")
        self._flush_tuples("redactions", names, self.redactions, is_last)
        columns_of_drift = (
            *("file_id", "first_offset_bytes", "line_type", "field_path", "client_version", "occurrence_count"),
        )
        self._flush_tuples("schema_drift", columns_of_drift, self.drift, is_last)
        if self.untrimmed_bytes >= TRIM_BYTES:
            self.trim()
            self.untrimmed_bytes = 0

    def _flush_tuples(
        self, table: str, names: Sequence[str], rows: list[Any], is_due: bool, text_bytes: int = 0
    ) -> None:
        if rows and (is_due or len(rows) >= BATCH_ROWS):
            self.writers[table].add(_columns(names, rows), len(rows), text_bytes)
            rows.clear()

    def _add_texts(self) -> None:
        rows = self.rows
        hashes, texts = zip(*rows.texts, strict=True)
        columns = {"content_hash": hashes, "text_bytes": list(map(len, texts)), "text": _text_array(texts)}
        self.writers["contents"].add(columns, len(texts), self.text_bytes)
        rows.texts.clear()
        self.text_bytes = 0

    def close(self) -> dict[str, list[Path]]:
        """Write the rest; returns the files of each table that has rows."""
        self.flush(is_last=True)
        for writer in self.writers.values():
            writer.close()
        return {name: writer.paths for name, writer in self.writers.items() if writer.paths}


def _columns(names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> dict[str, Any]:
    return dict(zip(names, zip(*rows, strict=True), strict=True))


class _FileReader:
    """Reads one byte range of one file; lives as long as that."""

    def __init__(
        self, stager: _Stager, read: FileRead, state: FileState, file: Any, tick: Callable[[int], None]
    ) -> None:
        self.stager = stager
        self.read = read
        self.state = state
        self.file = file
        self.tick = tick
        self.context = FileContext.of(state.file_id, state.path, state.last_session_id, state.last_version)
        self.lines = 0
        self.refused = 0
        self.blank = 0
        self.accounted = 0  # bytes in `lines` and `refused_lines`
        self.is_continued = False  # the next segment goes on with a line of which a part was consumed before
        self.is_broken = False  # the disk gave no more

    def run(self) -> FileState:
        position = self.read.start
        if position:
            self.is_continued = os.pread(self.file.fileno(), 1, position - 1) != b"\n"
        self.file.seek(position)
        carry = b""
        want = CHUNK_BYTES
        remaining = self.read.end - position
        while remaining > 0:
            try:
                data = self.file.read(min(want, remaining))
            except OSError:  # what was read before counts; the next run tries from there
                self.is_broken = True
                break
            if not data:
                break  # shorter than when it was planned: the next run looks again
            remaining -= len(data)
            self.stager.sums.bytes_read += len(data)
            data = carry + data if carry else data
            whole = len(data)
            segments = data.split(b"\n")
            carry = segments.pop()  # what follows the last newline
            if segments:
                cut = whole - len(carry)
                spans = [span for span in self.stager.redactor.spans(data) if span.start < cut]
                is_utf8 = _is_utf8(data, cut)
                del data  # the segments are copies
                self._read_lines(segments, spans, is_utf8, position)
                position += cut
            # Of a long line more and more, so as not to copy it again and again.
            want = max(CHUNK_BYTES, len(carry) // 2)
            if len(carry) > MAX_LINE_BYTES:
                carry, position = self._cut_long(carry, position)
            self.tick(whole)
        if carry:
            position += self._read_unfinished(carry, position)
        return self._finish(position)

    def _finish(self, position: int) -> FileState:
        state = self.state
        stager = self.stager
        block = min(FINGERPRINT_BYTES, position)
        head = os.pread(self.file.fileno(), block, 0)
        tail = os.pread(self.file.fileno(), block, position - block)
        status = "unreadable" if self.is_broken else state.status
        stager.drift += [
            (state.file_id, first, line_type, path, version, count)
            for (line_type, path, version), (first, count) in self.context.drift.items()
        ]
        stager.sums.lines += self.lines
        stager.sums.refused += self.refused
        return replace(
            state,
            status=status,
            consumed_bytes=position,
            lines_count=state.lines_count + self.lines,
            blank_count=state.blank_count + self.blank,
            refused_count=state.refused_count + self.refused,
            filler_bytes=state.filler_bytes + position - self.read.start - self.accounted,
            last_session_id=self.context.session_id,
            last_version=self.context.client_version,
            head_fingerprint=fingerprint(head, stager.file_key) if position else None,
            tail_fingerprint=fingerprint(tail, stager.file_key) if position else None,
        )

    # -- lines

    def _read_lines(self, segments: list[bytes], spans: list[Span], is_utf8: bool, base: int) -> None:
        """Read lines without their newlines. The first begins at `base` in the file, where `spans` count from."""
        stager, context, rows = self.stager, self.context, self.stager.rows
        seed = stager.seed
        spans.reverse()  # taken from the end, as lines reach them
        no_span = sys.maxsize
        next_span = spans[-1].start if spans else no_span
        lines_before, texts_before, events_before = len(rows.lines), len(rows.texts), len(rows.events)
        accounted = 0
        start = 0
        for segment in segments:
            length = len(segment)
            end = start + length
            if (
                is_utf8
                and end <= next_span
                and segment[:1] == b"{"
                and segment[-1:] == b"}"
                and length <= MAX_LINE_BYTES
            ):
                try:
                    read_line(segment, base + start, length, xxh3_128_hexdigest(segment, seed), context, rows)
                    accounted += length
                    self.is_continued = False
                    start = end + 1
                    continue
                except ValueError:
                    pass  # looked at again below, by the code that salvages
            self._read_oddity(segment, base + start, _take(spans, end), start)
            next_span = spans[-1].start if spans else no_span
            self.is_continued = False
            start = end + 1
        self.accounted += accounted
        self.lines += len(rows.lines) - lines_before
        stager.raw_bytes += sum(map(len, rows.raw[lines_before:]))
        stager.text_bytes += sum(len(text) for _, text in rows.texts[texts_before:])
        stager.event_bytes += sum(len(row[-1]) for row in rows.events[events_before:])
        stager.flush()

    def _read_oddity(self, segment: bytes, offset: int, spans: list[Span], shift: int) -> None:
        """Read a line that the quick way does not take: with secrets, white space around it, or broken.

        `spans` are in positions `shift` before those of `segment`.
        """
        own = [_moved(span, shift, len(segment)) for span in spans]
        begin = len(_BYTE_ORDER_MARK) if offset == 0 and segment.startswith(_BYTE_ORDER_MARK) else 0
        while len(segment) - begin > MAX_LINE_BYTES:
            self._refuse(segment, offset, begin, begin + MAX_LINE_BYTES, own, _LONG)
            begin += MAX_LINE_BYTES
            self.is_continued = True
        core = segment[begin:].strip(_SPACE)
        if not core:
            self.blank += not self.is_continued
            return
        start = segment.index(core, begin)
        end = start + len(core)
        if self._read_record(segment, offset, start, end, own) is None:
            return
        for piece_start, piece_end, reason in salvage(core):
            piece = (start + piece_start, start + piece_end)
            reason = reason or self._read_record(segment, offset, *piece, own)
            if reason:
                self._refuse(segment, offset, *piece, own, reason)

    def _read_record(self, segment: bytes, offset: int, start: int, end: int, spans: list[Span]) -> str | None:
        """Read what should be one JSON object; returns the reason why it is none."""
        stager = self.stager
        original = segment[start:end]
        own = _within(spans, start, end)
        if own:
            # A hash of a line with a secret must not let a guess be tested: keyed, and not only seeded.
            line_hash = hashlib.blake2b(original, digest_size=16, key=stager.key).hexdigest()
            data = stager.redactor.apply(original, own)
        else:
            line_hash = xxh3_128_hexdigest(original, stager.seed)
            data = original
        if not _is_utf8(data):
            return "invalid UTF-8"
        try:
            read_line(data, offset + start, end - start, line_hash, self.context, stager.rows)
        except ValueError as error:
            return str(error)
        self._note_spans(offset + start, own)
        self.accounted += end - start
        return None

    def _refuse(self, segment: bytes, offset: int, start: int, end: int, spans: list[Span], reason: str) -> None:
        own = _within(spans, start, end)
        sample = self.stager.redactor.apply(segment[start:end], own).decode("utf-8", "replace")
        self.stager.refused.append((self.state.file_id, offset + start, end - start, reason, sample))
        self._note_spans(offset + start, own)
        self.accounted += end - start
        self.refused += 1

    def _note_spans(self, offset: int, spans: list[Span]) -> None:
        self.stager.sums.redactions += len(spans)
        self.stager.redactions += [
            (self.state.file_id, offset, index, span.rule, span.fingerprint) for index, span in enumerate(spans)
        ]

    # -- the end of the file

    def _cut_long(self, carry: bytes, position: int) -> tuple[bytes, int]:
        """Refuse whole pieces of a line that is too long to be kept in memory."""
        while len(carry) > MAX_LINE_BYTES:
            spans = self.stager.redactor.spans(carry[:MAX_LINE_BYTES])
            begin = len(_BYTE_ORDER_MARK) if position == 0 and carry.startswith(_BYTE_ORDER_MARK) else 0
            self._refuse(carry, position, begin, begin + MAX_LINE_BYTES, spans, _LONG)
            carry = carry[begin + MAX_LINE_BYTES :]
            position += begin + MAX_LINE_BYTES
            self.is_continued = True
        self.stager.flush()
        return carry, position

    def _read_unfinished(self, carry: bytes, position: int) -> int:
        """Read the complete objects of a line without a newline; returns how many bytes that consumed."""
        begin = len(_BYTE_ORDER_MARK) if position == 0 and carry.startswith(_BYTE_ORDER_MARK) else 0
        records = leading_records(carry[begin:])
        if not records:
            return 0
        stager, rows = self.stager, self.stager.rows
        lines_before, texts_before, events_before = len(rows.lines), len(rows.texts), len(rows.events)
        end = begin + records[-1][1]
        spans = stager.redactor.spans(carry[:end])
        for record_start, record_end in records:
            piece = (begin + record_start, begin + record_end)
            reason = self._read_record(carry, position, *piece, spans)
            if reason:
                self._refuse(carry, position, *piece, spans, reason)
        self.lines += len(rows.lines) - lines_before
        stager.raw_bytes += sum(map(len, rows.raw[lines_before:]))
        stager.text_bytes += sum(len(text) for _, text in rows.texts[texts_before:])
        stager.event_bytes += sum(len(row[-1]) for row in rows.events[events_before:])
        stager.flush()
        return end


_LONG = f"line longer than {MAX_LINE_BYTES >> 20} MiB"


def _take(spans: list[Span], end: int) -> list[Span]:
    """Take the spans that begin before `end` off a reversed list; one that goes on beyond stays there too."""
    taken = []
    while spans and spans[-1].start < end:
        taken.append(spans[-1])
        if spans[-1].end > end:
            break
        spans.pop()
    return taken


def _moved(span: Span, shift: int, length: int) -> Span:
    """Return the part of a span inside a segment of `length` that begins at `shift`."""
    return replace(span, start=max(span.start - shift, 0), end=min(span.end - shift, length))


def _within(spans: Iterable[Span], start: int, end: int) -> list[Span]:
    return [_moved(span, start, end - start) for span in spans if span.end > start and span.start < end]


# -- processes ------------------------------------------------------------------------------------------------------


def _trimmer() -> Callable[[], object]:
    """Return what gives freed memory back: glibc keeps the gaps between what is in use."""
    try:
        import ctypes

        trim = ctypes.CDLL(None).malloc_trim
    except (ImportError, OSError, TypeError, AttributeError):  # another C library
        return lambda: None
    return lambda: trim(0)


def _peak_memory_bytes() -> int:
    """Return the largest resident memory this process has had."""
    try:
        for text in Path("/proc/self/status").read_text().splitlines():
            if text.startswith("VmHWM:"):
                return int(text.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@dataclass(frozen=True)
class _Done:
    """A worker's last word."""

    label: str
    tables: dict[str, list[Path]]
    sums: _Sums
    cpu_seconds: float
    peak_memory_bytes: int


def serve() -> None:
    """Work as a process of its own: a job, then files, arrive; what was done leaves."""
    gc.disable()  # rows are tuples of scalars: there are no cycles to find
    pa.set_cpu_count(1)
    with orders() as given, _without_pandas():
        stager = _Stager(given.job, given.label)
        for read in given:
            given.answer(stager.stage_file(read, given.answer))
        tables = stager.close()
        given.answer(_Done(given.label, tables, stager.sums, time.process_time(), _peak_memory_bytes()))


def _start_worker() -> subprocess.Popen[bytes]:
    # One arena, and none of Arrow's own: memory that a row group gave back serves the next one.
    environment = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
    return start_worker("her_models.staging", without=("numpy", "pandas"), environment=environment)


def _staged_by_workers(job: _Job, workers: int, reads: list[FileRead], meter: _Meter) -> tuple[list[FileState], _Done]:
    """Stage files in processes of their own, the largest first.

    Raises:
        LakeError: a worker died, or a Parquet file could not be written.
    """
    ordered = sorted(reads, key=lambda read: (-read.bytes_count, read.absolute_path))
    pool = Pool(_start_worker, workers, job, ordered, meter.tick)
    try:
        pool.run()
    except (EOFError, BrokenPipeError) as error:
        raise LakeError(
            "A staging worker ended early (out of memory?). Nothing was published. Run it again."
        ) from error
    except OSError as error:
        raise _write_error(error) from error
    return pool.answers, _together(pool.last_words)


def _write_error(error: OSError) -> LakeError:
    where = f" {error.filename}" if error.filename else ""
    return LakeError(f"Staged files could not be written{where}: {error.strerror or error}. Nothing was published.")


def _workers(config: Config, plan: SourcePlan) -> int:
    """Return how many processes to start; 0 to do it in this one."""
    if plan.bytes_to_read <= SMALL_BYTES:
        return 0
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = config.workers or cores
    return max(1, min(wanted, len(plan.reads)))


def _files_table(states: Iterable[FileState]) -> pa.Table:
    schema = arrow_schema(contracts.SOURCE_FILES)
    rows = sorted(states, key=lambda state: (state.path, state.generation))
    columns = {one.name: [getattr(state, one.name) for state in rows] for one in fields(FileState)}
    return pa.Table.from_arrays(
        [pa.array(columns[name], schema.field(name).type) for name in schema.names], schema=schema
    )


class _Meter:
    """Adds up what workers report and tells the caller."""

    def __init__(self, plan: SourcePlan, progress: Progress | None) -> None:
        self.plan = plan
        self.progress = progress
        self.lock = threading.Lock()
        self.totals = (len(plan.reads), plan.bytes_to_read)
        self.files = 0
        self.bytes = 0

    def tick(self, files: int, count: int) -> None:
        with self.lock:
            self.files += files
            self.bytes += count
            if self.progress is not None:
                self.progress(
                    StageProgress(self.files, self.totals[0], min(self.bytes, self.totals[1]), self.totals[1])
                )


def stage(
    plan: SourcePlan, out_dir: Path, config: Config, *, run_id: str, progress: Progress | None = None
) -> StagedShard:
    """Read what `plan` says is new and write it as Parquet below `out_dir`.

    `progress` is called from several threads, one at a time.

    Raises:
        LakeError: a file could not be written, or a worker died.
        ConfigError: the redaction key cannot be read or made.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    with _without_pandas():
        states, done, files = _staged(plan, out_dir, config, run_id, progress)
    counts = StageCounts(
        files_seen=plan.files_seen,
        files_read=len(states),
        bytes_read=done.sums.bytes_read + plan.sniffed_bytes,
        lines=done.sums.lines,
        refused=done.sums.refused,
        redactions=done.sums.redactions,
        seconds=time.perf_counter() - began,
        cpu_seconds=done.cpu_seconds + time.process_time() - cpu_began,
        peak_memory_bytes=done.peak_memory_bytes + _peak_memory_bytes(),
    )
    return StagedShard(plan.source, run_id, done.tables, files, counts)


def _staged(
    plan: SourcePlan, out_dir: Path, config: Config, run_id: str, progress: Progress | None
) -> tuple[list[FileState], _Done, pa.Table]:
    job = _Job(plan.source.source_id, out_dir, config, run_id)
    meter = _Meter(plan, progress)
    workers = _workers(config, plan)
    if not plan.reads:
        states: list[FileState] = []
        done = _Done("", {}, _Sums(), 0.0, 0)
    elif workers == 0:
        states, done = _stage_here(job, plan.reads, meter)
    else:
        load_key(config.key_path)  # made once, before several processes look for it
        states, done = _staged_by_workers(job, workers, plan.reads, meter)
    changed = [
        replace(state, run_id=run_id, first_seen_at=state.first_seen_at or datetime.now(UTC)) for state in plan.changed
    ]
    return states, done, _files_table([*changed, *states])


def _stage_here(job: _Job, reads: Sequence[FileRead], meter: _Meter) -> tuple[list[FileState], _Done]:
    try:
        stager = _Stager(job, "w0")
        states = []
        for read in reads:
            states.append(stager.stage_file(read, lambda count: meter.tick(0, count)))
            meter.tick(1, 0)
        return states, _Done("", stager.close(), stager.sums, 0.0, 0)
    except OSError as error:
        raise _write_error(error) from error


def _together(done: Iterable[_Done]) -> _Done:
    tables: dict[str, list[Path]] = {}
    sums = _Sums()
    cpu, memory = 0.0, 0
    for one in sorted(done, key=lambda one: one.label):
        for name, paths in one.tables.items():
            tables.setdefault(name, []).extend(paths)
        for field_ in fields(_Sums):
            setattr(sums, field_.name, getattr(sums, field_.name) + getattr(one.sums, field_.name))
        cpu += one.cpu_seconds
        memory += one.peak_memory_bytes
    return _Done("", tables, sums, cpu, memory)
