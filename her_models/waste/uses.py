"""What a conversation made use of: results that nothing came back to, lines that nobody needed, words said twice.

Reads the blocks of the connection it is given with their texts, thread by thread, and makes `waste_uses`,
`waste_unused_parts`, `waste_quotes` and `waste_rewrites`. What of it is waste is decided in SQL (`int_waste_*`).

A result is *used* by a later answer that holds a run of eight words of it, a name or a path that no earlier text of
the thread held, or that changes the file which it showed. The first answer to a result is a use as well: reading is
use. Thinking that the log withholds uses nothing here, so that what is unused is an upper bound.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from her_models.waste.rewrites import TELLING, Known, parameters, smallest_edit_bytes
from her_models.waste.tables import USES_COLUMNS, column_type
from her_models.waste.words import RUN_WORDS, Filter, Ints, Numbers, joined, read_words, runs

if TYPE_CHECKING:
    import duckdb

    from her_models.ledger.layout import Layout

LARGE_TOKENS = 1_000
"""Smaller results are not looked at: what they cost does not pay for the doubt."""
MARGIN_LINES = 2
"""Lines around a used one that belong to it."""
QUOTE_WORDS = 60
"""A run of so many words of the context is said back, not referred to."""
_CHUNK_BYTES = 1 << 18
_WINDOW_BYTES = 1 << 25
_WINDOW_THREADS = 32
_OUTPUTS = frozenset({"text", "thinking", "tool_call"})
_EDITS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
_KINDS = (
    "('prompt', 'text', 'thinking', 'tool_call', 'tool_result', 'memory', 'listing', 'reminder', 'compact_summary')"
)
_QUERY = f"""
    select
        blocks.source_id, blocks.session_id, coalesce(blocks.agent_id, '') as thread_id, blocks.block_index,
        blocks.kind, blocks.tool_name, blocks.tool_use_id, blocks.path, blocks.range_start, blocks.is_error,
        coalesce(blocks.size_tokens, 0) as size_tokens, contents.text
    from blocks
    inner join contents on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
    where blocks.kind in {_KINDS}
    order by blocks.source_id, blocks.session_id, thread_id, blocks.block_index
"""
_TYPES = {"string": pa.string(), "double": pa.float64(), "bool": pa.bool_(), "int64": pa.int64()}
Bytes = npt.NDArray[np.uint8]


@dataclass
class Thread:
    """The texts of one thread in order, end to end."""

    key: tuple[str, str, str]
    columns: dict[str, list[Any]]
    data: Bytes
    offsets: Ints

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def text(self, place: int) -> str:
        return bytes(self.data[self.offsets[place] : self.offsets[place + 1]]).decode("utf-8", "replace")


@dataclass
class Found:
    """Rows of the tables that are made here."""

    uses: list[dict[str, Any]] = field(default_factory=list)
    unused_parts: list[dict[str, Any]] = field(default_factory=list)
    quotes: list[dict[str, Any]] = field(default_factory=list)
    rewrites: list[dict[str, Any]] = field(default_factory=list)


def build(con: duckdb.DuckDBPyConnection, _: Layout) -> None:
    """Build the tables of `USES_COLUMNS` on `con` as temporary tables."""
    found = read_all(con)
    for name, names in USES_COLUMNS.items():
        rows = getattr(found, name.removeprefix("waste_"))
        columns = {column: pa.array([row[column] for row in rows], _TYPES[column_type(column)]) for column in names}
        con.register(f"{name}_arrow", pa.table(columns))
        con.execute(f"create or replace temp table {name} as select * from {name}_arrow")
        con.unregister(f"{name}_arrow")


def threads(con: duckdb.DuckDBPyConnection) -> Iterator[Thread]:
    """Yield the threads that `blocks` holds, with their texts."""
    pending: list[pa.Table] = []
    current: tuple[str, str, str] | None = None
    for batch in con.execute(_QUERY).to_arrow_reader(20_000):
        table = pa.Table.from_batches([batch])
        keys = list(zip(*(table[name].to_pylist() for name in ("source_id", "session_id", "thread_id")), strict=True))
        first = 0
        for place in range(1, len(keys) + 1):
            if place < len(keys) and keys[place] == keys[first]:
                continue
            if current is not None and keys[first] != current:
                yield _thread(current, pending)
                pending = []
            current = keys[first]
            pending.append(table.slice(first, place - first))
            first = place
    if current is not None:
        yield _thread(current, pending)


def _thread(key: tuple[str, str, str], parts: list[pa.Table]) -> Thread:
    table = pa.concat_tables(parts)
    names = ("block_index", "kind", "tool_name", "tool_use_id", "path", "range_start", "is_error", "size_tokens")
    texts = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in table["text"].chunks])
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.zeros(0, np.uint8)
    data = data[offsets[0] : offsets[-1]]
    return Thread(key, {name: table[name].to_pylist() for name in names}, data, offsets - offsets[0])


@dataclass(frozen=True)
class _Hits:
    """Places where texts hold what answers hold: number, text, and the bytes of it."""

    number: Numbers
    text: Ints
    start: Ints
    end: Ints


def _picked(thread: Thread, places: list[int]) -> tuple[Bytes, Ints]:
    """Return some texts of a thread end to end."""
    parts = [thread.data[thread.offsets[p] : thread.offsets[p + 1]] for p in places]
    lengths = np.array([len(part) for part in parts], np.int64)
    data = np.concatenate(parts) if parts else np.zeros(0, np.uint8)
    return data, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])


def _chunks(thread: Thread, places: list[int]) -> Iterator[list[int]]:
    """Divide texts so that the numbers of their words fit into memory."""
    chunk: list[int] = []
    size = 0
    for place in places:
        chunk.append(place)
        size += int(thread.offsets[place + 1] - thread.offsets[place])
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _look_up(thread: Thread, places: list[int], names: Filter, quoted: Filter) -> tuple[_Hits, _Hits]:
    """Return where texts hold names and runs that are among those of the answers; bytes count from the text's start."""
    found: tuple[list[_Hits], list[_Hits]] = ([], [])
    for chunk in _chunks(thread, places):
        data, offsets = _picked(thread, chunk)
        words = read_words(data, offsets)
        if not len(words):
            continue
        text_of = np.array(chunk, np.int64)
        base = offsets[words.text]
        single = names.matches(words.number)
        pair_numbers, pair_places = joined(words, data)
        kept = names.matches(pair_numbers)
        pair = pair_places[kept]
        number = np.concatenate([words.number[single], pair_numbers[kept]])
        first, last = np.concatenate([single, pair]), np.concatenate([single, pair + 1])
        found[0].append(
            _Hits(number, text_of[words.text[first]], (words.start - base)[first], (words.end - base)[last])
        )
        run_numbers = runs(words)
        at = quoted.matches(run_numbers)
        ends = words.end[np.minimum(at + RUN_WORDS - 1, len(words) - 1)] - base[at]
        found[1].append(_Hits(run_numbers[at], text_of[words.text[at]], (words.start - base)[at], ends))
    return _joined_hits(found[0]), _joined_hits(found[1])


def _joined_hits(parts: list[_Hits]) -> _Hits:
    if not parts:
        empty = np.zeros(0, np.int64)
        return _Hits(np.zeros(0, np.uint64), empty, empty, empty)
    return _Hits(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("number", "text", "start", "end")))


@dataclass(frozen=True)
class _Use:
    """A stretch of a result that an answer made use of."""

    start: int
    end: int
    by: int


def read_uses(thread: Thread, found: Found) -> None:
    """Add what a thread made use of, and what not."""
    kinds = thread.columns["kind"]
    answers = [place for place, kind in enumerate(kinds) if kind in _OUTPUTS]
    others = [place for place, kind in enumerate(kinds) if kind not in _OUTPUTS]
    sizes = thread.columns["size_tokens"]
    large = {place for place in others if kinds[place] == "tool_result" and sizes[place] >= LARGE_TOKENS}
    said = [place for place in answers if kinds[place] == "text"]
    if not large and not said:
        return
    data, offsets = _picked(thread, answers)
    words = read_words(data, offsets, with_names=True)
    text_of = np.array(answers, np.int64)
    pair_numbers, pair_places = joined(words, data)
    named = np.flatnonzero(words.is_name)
    spoken = _Hits(
        np.concatenate([words.number[named], pair_numbers]),
        text_of[words.text[np.concatenate([named, pair_places])]] if len(words) else np.zeros(0, np.int64),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
    )
    run_numbers = runs(words)
    names, quoted = _look_up(thread, others, Filter(spoken.number), Filter(run_numbers[run_numbers != 0]))
    uses = _uses(names, spoken, quoted, run_numbers, text_of[words.text] if len(words) else words.text, large)
    _add_uses(thread, found, large, uses)
    _add_quotes(thread, found, answers, words, run_numbers, offsets, quoted)


def _uses(
    names: _Hits, spoken: _Hits, quoted: _Hits, run_numbers: Numbers, run_texts: Ints, large: set[int]
) -> dict[int, list[_Use]]:
    """Return, per large result, the stretches that later answers used, each with the last one that did."""
    uses: dict[int, list[_Use]] = defaultdict(list)
    is_large = np.zeros(int(max([*large, 0])) + 1, bool)
    is_large[list(large)] = True
    # Likewise names: what only answers hold has no origin among results.
    known = np.unique(names.number)
    origin = np.minimum(_first(known, names.number, names.text), _first(known, spoken.number, spoken.text))
    last_names = _last(known, spoken.number, spoken.text)
    _collect(uses, names, known, last_names, is_large, origin)
    # Only runs that some other text holds matter: most of what is said was never read.
    known_runs = np.unique(quoted.number)
    _collect(uses, quoted, known_runs, _last(known_runs, run_numbers, run_texts), is_large, None)
    return uses


def _first(known: Numbers, number: Numbers, text: Ints) -> Ints:
    """Return, for each known number, the first text that holds it; a large number where none does."""
    result = np.full(len(known), np.iinfo(np.int64).max, np.int64)
    hit = Filter(known).matches(number)
    np.minimum.at(result, np.searchsorted(known, number[hit]), text[hit])
    return result


def _last(known: Numbers, number: Numbers, text: Ints) -> Ints:
    """Return, for each known number, the last answer that holds it; -1 where none does."""
    result = np.full(len(known), -1, np.int64)
    hit = Filter(known).matches(number)
    np.maximum.at(result, np.searchsorted(known, number[hit]), text[hit])
    return result


def _collect(
    uses: dict[int, list[_Use]], hits: _Hits, known: Numbers, last: Ints, is_large: npt.NDArray[np.bool_], origin: Any
) -> None:
    if not len(known) or not len(hits.number):
        return
    at = np.searchsorted(known, hits.number)
    inside = hits.text < len(is_large)
    chosen = inside & is_large[np.minimum(hits.text, len(is_large) - 1)] & (last[at] > hits.text)
    if origin is not None:
        chosen &= origin[at] == hits.text
    for place in np.flatnonzero(chosen).tolist():
        uses[int(hits.text[place])].append(_Use(int(hits.start[place]), int(hits.end[place]), int(last[at[place]])))


def _add_uses(thread: Thread, found: Found, large: set[int], uses: dict[int, list[_Use]]) -> None:
    columns = thread.columns
    edits: dict[str, int] = {}
    for place, (kind, tool, path) in enumerate(
        zip(columns["kind"], columns["tool_name"], columns["path"], strict=True)
    ):
        if kind == "tool_call" and tool in _EDITS and path:
            edits[path] = place
    for place in sorted(large):
        mine = uses.get(place, [])
        last = max((use.by for use in mine), default=-1)
        path = columns["path"][place]
        if path and columns["tool_name"][place] == "Read" and edits.get(path, -1) > place:
            last = max(last, edits[path])
        source, session, _ = thread.key
        key = {"source_id": source, "session_id": session, "block_index": columns["block_index"][place]}
        lines = _used_lines(thread, place, mine)
        found.uses.append(
            key
            | {
                "last_use_block_index": columns["block_index"][last] if last >= 0 else None,
                "lines_count": len(lines),
                "used_lines_count": int(lines.sum()),
            }
        )
        if mine:
            for part in _unused_parts(thread, place, lines):
                found.unused_parts.append(key | part)


def _line_starts(thread: Thread, place: int) -> Ints:
    text = thread.data[thread.offsets[place] : thread.offsets[place + 1]]
    return np.concatenate([np.zeros(1, np.int64), np.flatnonzero(text == 10) + 1])


def _used_lines(thread: Thread, place: int, uses: list[_Use]) -> npt.NDArray[np.bool_]:
    """Return, line by line, whether it was used or stands near one that was."""
    starts = _line_starts(thread, place)
    change = np.zeros(len(starts) + 1, np.int64)
    if uses:
        first = np.searchsorted(starts, [use.start for use in uses], side="right") - 1 - MARGIN_LINES
        last = np.searchsorted(starts, [use.end - 1 for use in uses], side="right") + MARGIN_LINES
        np.add.at(change, np.maximum(first, 0), 1)
        np.add.at(change, np.minimum(last, len(starts)), -1)
    return np.cumsum(change[:-1]) > 0


def _unused_parts(thread: Thread, place: int, used: npt.NDArray[np.bool_]) -> Iterator[dict[str, Any]]:
    starts = _line_starts(thread, place)
    whole = int(thread.offsets[place + 1] - thread.offsets[place])
    ends = np.append(starts[1:], whole)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], used, [True]]).astype(np.int8)))
    for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield {
            "part_low": starts[low] / whole,
            "part_high": ends[high - 1] / whole,
            "first_line": low + 1,
            "last_line": high,
        }


def _add_quotes(
    thread: Thread,
    found: Found,
    answers: list[int],
    words: Any,
    run_numbers: Numbers,
    offsets: Ints,
    quoted: _Hits,
) -> None:
    """Add long stretches of what was said that stood in the context word for word."""
    if not len(quoted.number):
        return
    known = np.unique(quoted.number)
    earliest = _first(known, quoted.number, quoted.text)
    hit = Filter(known).matches(run_numbers)
    first = np.full(len(run_numbers), np.iinfo(np.int64).max, np.int64)  # text that held a run first
    first[hit] = earliest[np.searchsorted(known, run_numbers[hit])]
    is_quote = first < np.array(answers, np.int64)[words.text]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_quote, [False]]).astype(np.int8)))
    for low, high in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if high - low + RUN_WORDS - 1 < QUOTE_WORDS:
            continue
        answer = int(words.text[low])
        if thread.columns["kind"][answers[answer]] != "text":
            continue
        start, whole = int(offsets[answer]), int(offsets[answer + 1] - offsets[answer])
        end = int(words.end[min(high - 1 + RUN_WORDS - 1, len(words) - 1)])
        source, session, _ = thread.key
        found.quotes.append(
            {
                "source_id": source,
                "session_id": session,
                "block_index": thread.columns["block_index"][answers[answer]],
                "part_low": (int(words.start[low]) - start) / whole,
                "part_high": min((end - start) / whole, 1.0),
                "evidence_block_index": thread.columns["block_index"][int(first[(low + high) // 2])],
                "words_count": high - low + RUN_WORDS - 1,
            }
        )


def read_rewrites(thread: Thread, found: Found) -> None:
    """Add files written whole that were known, with the share of the call that the smallest edit would have spared."""
    columns = thread.columns
    if "Write" not in columns["tool_name"]:
        return
    written = {
        columns["path"][place]
        for place in range(len(thread))
        if columns["tool_name"][place] == "Write" and columns["kind"][place] == "tool_call"
    }
    known = Known()
    failed = {
        columns["tool_use_id"][place]
        for place in range(len(thread))
        if columns["kind"][place] == "tool_result" and columns["is_error"][place]
    }
    for place in range(len(thread)):
        kind, tool, path = columns["kind"][place], columns["tool_name"][place], columns["path"][place]
        index = columns["block_index"][place]
        if path not in written or columns["tool_use_id"][place] in failed or (kind, tool) not in TELLING:
            continue
        text = thread.text(place)
        before = known.content(path)
        if tool == "Write" and before is not None and isinstance(content := parameters(text).get("content"), str):
            _add_rewrite(thread, found, place, before, content, known.origin(path))
        known.take(index, kind, tool, path, text)


def _add_rewrite(thread: Thread, found: Found, place: int, before: str, content: str, origin: int) -> None:
    whole = int(thread.offsets[place + 1] - thread.offsets[place])
    spared, unchanged = smallest_edit_bytes(before, content, len(thread.columns["path"][place]))
    if spared >= whole:
        return
    source, session, _ = thread.key
    found.rewrites.append(
        {
            "source_id": source,
            "session_id": session,
            "block_index": thread.columns["block_index"][place],
            "spared_ratio": 1 - spared / whole,
            "evidence_block_index": origin,
            "unchanged_lines_count": unchanged,
        }
    )


def _read(thread: Thread) -> Found:
    found = Found()
    read_uses(thread, found)
    read_rewrites(thread, found)
    return found


def _windows(found: Iterator[Thread]) -> Iterator[list[Thread]]:
    """Yield a few threads at a time, so that their texts fit into memory."""
    window: list[Thread] = []
    for thread in found:
        window.append(thread)
        if len(window) == _WINDOW_THREADS or sum(len(other.data) for other in window) > _WINDOW_BYTES:
            yield window
            window = []
    if window:
        yield window


def read_all(con: duckdb.DuckDBPyConnection) -> Found:
    """Return what all threads of the connection made use of, in their order."""
    whole = Found()
    # NumPy works outside the interpreter's lock; more workers than two only wait for it.
    with ThreadPoolExecutor(max_workers=2) as pool:
        for window in _windows(threads(con)):
            for found in pool.map(_read, window):
                for name in ("uses", "unused_parts", "quotes", "rewrites"):
                    getattr(whole, name).extend(getattr(found, name))
    return whole
