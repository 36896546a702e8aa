"""The index of texts in HER_HOME/search/: made, kept up with the lake, asked which texts may match.

What belongs here: files of the index, what is in it, candidates. What does not: which blocks show a text (`hits`).

A document is one distinct text of `contents`, known by a number; `keys-*.parquet` says which text that is, and
`state.json`, replaced last and in one step, says which of these files count. Whatever else lies there, and an index
that holds another number of texts than `state.json` says, is made anew. One process writes at a time; another finds
the lock taken and leaves it at that.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from her_models.config import Config
from her_models.lake import Lake, literal
from her_models.search.pattern import LONGEST_WORD_BYTES, Pattern, Term
from her_models.search.refresh import search_folder

if TYPE_CHECKING:
    import duckdb

FORMAT = 1
"""Raised when documents are made in another way than before: the index is made anew then."""

_HEAP_BYTES = 96_000_000
_BATCH_TEXTS = 2_000
_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class State:
    """What the index holds: texts of a lake as of a snapshot."""

    format: int
    lake: str
    snapshot_id: int
    folder: str
    texts_count: int
    keys: tuple[str, ...]


@dataclass(frozen=True)
class IndexReport:
    """What an update did. `is_whole` says that everything was indexed anew."""

    texts_count: int
    added_count: int
    is_whole: bool
    seconds: float
    size_bytes: int


class TextIndex:
    """An index opened for searching."""

    def __init__(self, folder: Path, state: State) -> None:
        self.state = state
        self._folder = folder
        self._index = _opened(folder / state.folder)
        self._searcher = self._index.searcher()

    @cached_property
    def keys(self) -> pa.Table:
        """Return source and hash of each text, the row of its number: kept, since every search asks for them."""
        tables = [pq.read_table(self._folder / name, columns=["source_id", "content_hash"]) for name in self.state.keys]
        return pa.concat_tables([*tables, _KEYS.empty_table().drop_columns(["number"])]).combine_chunks()

    def keys_sql(self) -> str:
        """Return what to read for number, source and hash of each text."""
        paths = [str(self._folder / name) for name in self.state.keys]
        return f"read_parquet({literal(paths)})" if paths else _NO_KEYS

    def candidates(self, pattern: Pattern) -> Candidates | None:
        """Return the texts that match as far as words alone tell, and those that have to be read; None: all have to."""
        schema, must, must_not = self._index.schema, _occur("Must"), _occur("MustNot")
        query = _query(schema, pattern)
        if query is None:
            return None
        if pattern.is_indexed:
            return Candidates(self._numbers(query), [])
        if not pattern.is_told_by_words:
            return Candidates([], self._numbers(query))
        sure = _query(schema, pattern, with_long=False)
        return Candidates(self._numbers(sure), self._numbers(_boolean([(must, query), (must_not, sure)])))

    def _numbers(self, query: Any) -> list[int]:
        found = self._searcher.search(
            query, limit=max(self._searcher.num_docs, 1), count=False, order_by_field="number"
        )
        return [number for number, _ in found.hits]

    def numbers_of(self, keys: Iterable[Key]) -> dict[int, Key]:
        """Return the numbers of texts by their source and hash; those it does not hold are left out."""
        wanted = set(keys)
        rows = pc.indices_nonzero(
            pc.is_in(self.keys["content_hash"], pa.array({content_hash for _, content_hash in wanted}, pa.string()))
        )
        found = self.keys.take(rows)
        pairs = zip(found["source_id"].to_pylist(), found["content_hash"].to_pylist(), strict=True)
        return {number: key for number, key in zip(rows.to_pylist(), pairs, strict=True) if key in wanted}

    def texts(self, numbers: Sequence[int]) -> dict[int, str]:
        """Return texts by their numbers; the lake would be read from one end to the other for them."""
        import tantivy

        wanted = tantivy.Query.term_set_query(self._index.schema, "number", list(numbers))
        found = self._searcher.search(wanted, limit=max(len(numbers), 1), count=False, order_by_field="number")
        return {number: self._searcher.doc(address)["text"][0] for number, address in found.hits}


@dataclass(frozen=True)
class Candidates:
    """Numbers of texts: `sure` match, `unsure` have to be read to know."""

    sure: list[int]
    unsure: list[int]


Key = tuple[str, str]
"""A text of the lake: its source and its hash."""

_KEYS = pa.schema([("number", pa.int64()), ("source_id", pa.string()), ("content_hash", pa.string())])
_NO_KEYS = "(select 0::bigint as number, '' as source_id, '' as content_hash where false)"


def lake_identity(config: Config) -> str:
    """Return what tells this lake from another in the same place."""
    if config.catalog:
        return config.catalog
    try:
        return str(config.catalog_path.stat().st_ino)
    except OSError:
        return ""


def open_index(folder: Path) -> TextIndex | None:
    """Return the index, or None where there is none that can be used."""
    state = read_state(folder)
    try:
        has_keys = state is not None and all((folder / name).is_file() for name in state.keys)
        return _kept_open(folder, state) if state and has_keys else None
    except (OSError, ValueError):
        return None


def read_state(folder: Path) -> State | None:
    """Return what the index says of itself; None when there is none, or one of another format."""
    try:
        found = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        state = State(**{**found, "keys": tuple(found["keys"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return state if state.format == FORMAT else None


def is_fresh(state: State | None, config: Config, snapshot_id: int) -> bool:
    """Say whether the index holds every text that the lake does."""
    return state is not None and (state.lake, state.snapshot_id) == (lake_identity(config), snapshot_id)


def update_index(lake: Lake) -> IndexReport | None:
    """Bring the index up to the lake; None when another process is at it. Needs no writer lock: the lake is only read.

    Raises:
        OSError: the folder cannot be written.
    """
    start = time.monotonic()
    folder = search_folder(lake.config)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(folder) as is_ours:
        if not is_ours:
            return None
        snapshot_id = lake.snapshot_id()
        state = read_state(folder)
        if state is not None and not _is_whole(folder, state):
            state = None
        is_new = state is None
        if state is None:
            state = State(FORMAT, "", -1, f"texts-{uuid.uuid4().hex[:8]}", 0, ())
            (folder / state.folder).mkdir()
        before = state.texts_count
        if not is_fresh(state, lake.config, snapshot_id):
            state = _add_new(lake.con, folder, state)
            state = replace(state, lake=lake_identity(lake.config), snapshot_id=snapshot_id)
            _write_state(folder, state)
        _sweep(folder, state)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return IndexReport(state.texts_count, state.texts_count - before, is_new, time.monotonic() - start, size)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[bool]:
    with (folder / "update.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _is_whole(folder: Path, state: State) -> bool:
    """Say whether the files are there and hold what the state says; an update that was killed may have left more."""
    try:
        return all((folder / name).is_file() for name in state.keys) and (
            _opened(folder / state.folder).searcher().num_docs == state.texts_count
        )
    except (OSError, ValueError):
        return False


def _add_new(con: duckdb.DuckDBPyConnection, folder: Path, state: State) -> State:
    """Index the texts that are not in it yet."""
    paths = [str(folder / name) for name in state.keys]
    known = f"read_parquet({literal(paths)})" if paths else _NO_KEYS
    new = con.execute(
        f"select distinct on (source_id, content_hash) source_id, content_hash, text from lake.contents "
        f"anti join {known} as known using (source_id, content_hash)"
    ).to_arrow_reader(_BATCH_TEXTS)
    writer = None
    number = state.texts_count
    name = f"keys-{uuid.uuid4().hex[:8]}.parquet"
    with pq.ParquetWriter(folder / name, _KEYS, compression="zstd") as keys:
        for batch in new:
            if not batch.num_rows:
                continue
            writer = writer or _opened(folder / state.folder, create=True).writer(_HEAP_BYTES, 1)
            for offset, text in enumerate(batch["text"].to_pylist()):
                writer.add_document(_document(number + offset, text or ""))
            numbers = pa.array(range(number, number + batch.num_rows), pa.int64())
            columns = [numbers, batch["source_id"].cast(pa.string()), batch["content_hash"].cast(pa.string())]
            keys.write_batch(pa.record_batch(columns, schema=_KEYS))
            number += batch.num_rows
    if writer is None:
        (folder / name).unlink()
        if not state.keys:
            _opened(folder / state.folder, create=True)
        return state
    writer.commit()
    writer.wait_merging_threads()
    return replace(state, texts_count=number, keys=(*state.keys, name))


def _document(number: int, text: str) -> Any:
    import tantivy

    return tantivy.Document(number=number, text=text, has_long=["yes"] if _has_long_word(text) else [])


def _has_long_word(text: str) -> bool:
    """Say whether a run is too long for the index; most texts are told apart by their spaces alone."""
    return any(
        len(run.encode()) >= LONGEST_WORD_BYTES
        for piece in text.split()
        if len(piece) >= LONGEST_WORD_BYTES // 4
        for run in _RUN.findall(piece)
    )


def _write_state(folder: Path, state: State) -> None:
    beside = folder / f"state.{os.getpid()}.tmp"
    beside.write_text(json.dumps(asdict(state)), encoding="utf-8")
    beside.replace(folder / "state.json")


def _sweep(folder: Path, state: State) -> None:
    """Remove what no state speaks of any more."""
    for path in folder.iterdir():
        if path.name in (state.folder, *state.keys, "state.json", "update.lock"):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@lru_cache(maxsize=2)
def _kept_open(folder: Path, state: State) -> TextIndex:
    return TextIndex(folder, state)


def _opened(folder: Path, *, create: bool = False) -> Any:
    import tantivy

    words = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(LONGEST_WORD_BYTES))
        .filter(tantivy.Filter.lowercase())
        .build()
    )
    if create:
        schema = (
            tantivy.SchemaBuilder()
            .add_integer_field("number", indexed=True, fast=True)
            .add_text_field("text", stored=True, tokenizer_name="words")
            .add_text_field("has_long", tokenizer_name="raw", index_option="basic")
            .build()
        )
        index = tantivy.Index(schema, path=str(folder), reuse=True)
    else:
        index = tantivy.Index.open(str(folder))
    index.register_tokenizer("words", words)
    return index


# -- what to ask the index ------------------------------------------------------------------------------------------


def _query(schema: Any, pattern: Pattern, *, with_long: bool = True) -> Any:
    """Return the index's query for a pattern; None when the index cannot help.

    Words too long for the index are not in it, so that texts with one may match, too; `with_long` says to ask for them.
    """
    must, must_not = _occur("Must"), _occur("MustNot")
    if pattern.regex:
        groups = [_any_of(schema, group, with_long=with_long) for group in pattern.literals]
        return _boolean([(must, group) for group in groups]) if groups else None
    parts = [(must, _term_query(schema, term, with_long=with_long)) for term in pattern.terms if not term.is_excluded]
    # What is left out only by the text itself is left out by whoever reads it.
    parts += [(must_not, _term_query(schema, t)) for t in pattern.terms if t.is_excluded and t.is_indexed]
    return _boolean(parts)


def _term_query(schema: Any, term: Term, *, with_long: bool = True) -> Any:
    import tantivy

    if not term.is_indexed:
        short = [word for word in term.words if len(word.encode()) < LONGEST_WORD_BYTES]
        parts = [_any_of(schema, (word,), with_long=with_long) for word in short] or [_long(schema)]
        return _boolean([(_occur("Must"), part) for part in parts])
    if term.is_prefix:
        return tantivy.Query.regex_query(schema, "text", f"{re.escape(term.words[0])}.*")
    if len(term.words) > 1:
        return tantivy.Query.phrase_query(schema, "text", list(term.words))
    return tantivy.Query.term_query(schema, "text", term.words[0])


def _any_of(schema: Any, pieces: Sequence[str], *, with_long: bool) -> Any:
    """Return the query for texts with a word that holds one of the pieces, or a word that is not in the index."""
    import tantivy

    held = [tantivy.Query.regex_query(schema, "text", f".*{re.escape(piece)}.*") for piece in pieces]
    return _boolean([(_occur("Should"), query) for query in [*held, *([_long(schema)] if with_long else [])]])


def _long(schema: Any) -> Any:
    import tantivy

    return tantivy.Query.term_query(schema, "has_long", "yes")


def _boolean(parts: Sequence[tuple[Any, Any]]) -> Any:
    import tantivy

    return tantivy.Query.boolean_query(list(parts))


def _occur(name: str) -> Any:
    import tantivy

    return getattr(tantivy.Occur, name)
