"""Which blocks hold what is looked for: texts from the index or by scanning, filters, hits in their context.

What belongs here: questions and the shape of their answers. What does not: what a person wrote (`pattern`), files of
the index (`index`), how a hit is drawn (`app`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa

from her_models import reports
from her_models.config import Config
from her_models.errors import QueryError
from her_models.lake import literal
from her_models.report_queries import report_query
from her_models.reports import Scope, SessionFilter, SessionPage
from her_models.search.index import Candidates, Key, TextIndex, is_fresh, open_index
from her_models.search.pattern import Mode, Pattern, Term, read_pattern
from her_models.search.refresh import search_folder

Sort = Literal["newest", "oldest", "dearest", "longest"]
_ORDER: dict[Sort, str] = {
    "newest": "logged_at desc nulls last",
    "oldest": "logged_at asc nulls last",
    "dearest": "lifetime_usd desc nulls last",
    "longest": "text_bytes desc nulls last",
}
_READ_FROM_INDEX = 5_000  # texts to judge; more are judged by scanning the lake
_BEFORE, _AFTER = 90, 260  # characters of a hit's surroundings
_MARKS_SHOWN = 40


@dataclass(frozen=True)
class SearchFilter:
    """Which blocks; an empty field means everything.

    `min_usd` is what a block cost from first to last; `labels` are labels or kinds of waste, such as C5 or C5.reread.
    """

    scope: Scope = field(default_factory=Scope)
    kinds: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    path: str | None = None
    version: str | None = None
    min_usd: Decimal | None = None
    is_error: bool | None = None
    labels: tuple[str, ...] = ()
    session_id: str | None = None
    with_inherited: bool = False


@dataclass(frozen=True)
class Excerpt:
    """A piece of a text around what was found; `marks` are the places in it, as begin and end."""

    text: str
    marks: tuple[tuple[int, int], ...]
    is_cut_before: bool
    is_cut_after: bool


@dataclass(frozen=True)
class Hit:
    """A block that was found: its row of `search_hits`, and the piece of it to show."""

    row: dict[str, Any]
    excerpt: Excerpt


@dataclass(frozen=True)
class Found:
    """One page of hits, how many there are, in how many sessions, and how they were found."""

    hits: tuple[Hit, ...]
    hits_count: int
    sessions_count: int
    unindexed_count: int
    """Texts that the index did not hold and that were scanned; -1: there is no index, and all were."""


def search(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    text: str,
    mode: Mode = "words",
    where: SearchFilter | None = None,
    *,
    sort: Sort = "newest",
    page_index: int = 0,
    page_size: int = 25,
) -> Found:
    """Return one page of the blocks that hold `text` and pass `where`.

    Raises:
        QueryError: what is looked for cannot be understood, or `sort` does not exist.
    """
    if sort not in get_args(Sort):
        raise QueryError(f"Hits cannot be sorted by {sort!r}. Use one of: {', '.join(get_args(Sort))}.")
    where, pattern = where or SearchFilter(), read_pattern(text, mode)
    index = open_index(search_folder(config))
    with _matches(con, config, pattern, index) as unindexed:
        order = f"{_ORDER[sort]}, source_id, session_id, block_index"
        found = con.execute(
            f"with passing as materialized ({report_query('search_hits')}), "
            "totals as (select count(*) as hits_count, "
            "count(distinct (source_id, session_id)) as sessions_count from passing), "
            f"shown as (select * from passing order by {order} limit $page_size offset $page_offset) "
            "select totals.*, shown.source_id, shown.session_id, shown.block_index "
            f"from totals left join shown on true order by {order}",
            {**_parameters(where, pattern), "page_size": page_size, "page_offset": page_index * page_size},
        ).fetchall()
    hits_count, sessions_count = found[0][:2]
    shown = _shown(con, [row[2:] for row in found if row[3] is not None])
    texts = _texts(con, index, {(row["source_id"], row["content_hash"]) for row in shown if row["content_hash"]})
    firsts = _first_matches(con, pattern, texts)
    hits = []
    for row in shown:
        key = (row["source_id"], row["content_hash"])
        hits.append(Hit(row, _excerpt(texts.get(key, ""), _finder(pattern, firsts.get(key)))))
    return Found(tuple(hits), hits_count, sessions_count, unindexed)


def choices(con: duckdb.DuckDBPyConnection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the kinds of blocks and the tools that occur, the most frequent first."""
    row = con.execute(report_query("search_choices")).fetchone()
    return (tuple(row[0] or ()), tuple(row[1] or ())) if row else ((), ())


def waste_labels(con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Return the labels of waste that occur on blocks."""
    rows = con.execute("select distinct label from waste where block_index is not null order by label").fetchall()
    return tuple(row[0] for row in rows)


@dataclass(frozen=True)
class Named:
    """A session whose title, tags or note hold what is looked for."""

    source_id: str
    session_id: str
    title: str | None
    started_at: datetime | None
    tags: tuple[str, ...] = ()
    note: str = ""


def named(
    con: duckdb.DuckDBPyConnection,
    text: str,
    mode: Mode = "words",
    where: SearchFilter | None = None,
    limit: int | None = None,
) -> tuple[Named, ...]:
    """Return the sessions whose title, tags or note hold what is looked for, the newest first.

    Of `where` counts what can be said of a session as a whole; with a filter of blocks, such as a tool, there are none.

    Raises:
        QueryError: what is looked for cannot be understood.
    """
    pattern, where = read_pattern(text, mode), where or SearchFilter()
    of_blocks = replace(where, scope=Scope(), version=None, with_inherited=False)
    if pattern is None or of_blocks != SearchFilter():
        return ()
    _try(con, pattern)
    parameters = _parameters(where, pattern)
    rows = con.execute(
        f"select source_id, session_id, title, started_at, tags, note from ({report_query('search_named')}) "
        f"where {_condition(pattern)} order by started_at desc nulls last, source_id, session_id "
        f"{'' if limit is None else f'limit {limit:d}'}",
        {name: parameters[name] for name in ("owners", "projects", "models", "version", "since_at", "until_at")},
    ).fetchall()
    return tuple(
        Named(source_id, session_id, title, started_at, tuple(tags or ()), note or "")
        for source_id, session_id, title, started_at, tags, note in rows
    )


def session_hits(con: duckdb.DuckDBPyConnection, config: Config, text: str) -> pa.Table:
    """Return for each session that holds the words how many of its blocks do: source_id, session_id, hits_count.

    Those that hold them only in their title, tags or note are there with none.

    Raises:
        QueryError: the words cannot be understood.
    """
    pattern = read_pattern(text)
    with _matches(con, config, pattern, open_index(search_folder(config))):
        found = con.execute(report_query("search_sessions")).to_arrow_table()
    known = set(zip(found["source_id"].to_pylist(), found["session_id"].to_pylist(), strict=True))
    others = [key for one in named(con, text) if (key := (one.source_id, one.session_id)) not in known]
    columns = (*(zip(*others, strict=True) if others else ((), ())), [0] * len(others))
    beside = [pa.array(values, kind) for values, kind in zip(columns, found.schema.types, strict=True)]
    return pa.concat_tables([found, pa.table(beside, schema=found.schema)])


def sessions(
    con: duckdb.DuckDBPyConnection, config: Config, where: SessionFilter | None = None, **page: Any
) -> SessionPage:
    """Return one page of the sessions that pass `where`, its words looked for in all that was said or done.

    Raises:
        QueryError: the words cannot be understood, or the order does not exist.
    """
    hits = session_hits(con, config, where.text) if where and where.text else None
    return reports.sessions(con, where, hits=hits, **page)


def whole_texts(con: duckdb.DuckDBPyConnection, config: Config, keys: set[Key]) -> dict[Key, str]:
    """Return texts by their source and hash; those that neither the index nor the lake holds are left out."""
    return _texts(con, open_index(search_folder(config)), keys)


# -- which texts ----------------------------------------------------------------------------------------------------


class _matches:
    """Show the texts that match as the table `matches`, while in use; gives how many had to be scanned."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, config: Config, pattern: Pattern | None, index: TextIndex | None
    ) -> None:
        self._con, self._config, self._pattern, self._index = con, config, pattern, index

    def __enter__(self) -> int:
        con, pattern, index = self._con, self._pattern, self._index
        con.execute("create or replace temp table matches (source_id varchar, content_hash varchar)")
        if pattern is None:
            return 0
        _try(con, pattern)
        if index is None:
            self._scan("contents")
            return -1
        candidates = index.candidates(pattern)
        if candidates is None or len(candidates.unsure) > _READ_FROM_INDEX:
            self._scan("contents")
            return 0
        self._add_indexed(index, pattern, candidates)
        if is_fresh(index.state, self._config, _snapshot_id(con)):
            return 0
        con.execute(
            f"create or replace temp table unindexed as select source_id, content_hash from contents "
            f"anti join {index.keys_sql()} as known using (source_id, content_hash)"
        )
        row = con.execute("select count(*) from unindexed").fetchone()
        if row and row[0]:
            self._scan("(select * from contents semi join unindexed using (source_id, content_hash))")
        con.execute("drop table unindexed")
        return int(row[0]) if row else 0

    def __exit__(self, *_: object) -> None:
        self._con.execute("drop table if exists temp.main.matches")

    def _add_indexed(self, index: TextIndex, pattern: Pattern, candidates: Candidates) -> None:
        self._insert("candidates", index.keys.take(pa.array(candidates.sure, pa.int64())), "true")
        if candidates.unsure:
            texts = index.texts(candidates.unsure)
            keys = index.keys.take(pa.array(list(texts), pa.int64()))
            read = keys.append_column("text", pa.array(list(texts.values()), pa.string()))
            self._insert("candidates", read, _condition(pattern))

    def _insert(self, name: str, rows: pa.Table, condition: str) -> None:
        self._con.register(name, rows)
        self._con.execute(f"insert into matches select source_id, content_hash from {name} where {condition}")
        self._con.unregister(name)

    def _scan(self, contents: str) -> None:
        assert self._pattern is not None
        self._con.execute(
            f"insert into matches select source_id, content_hash from {contents} where {_condition(self._pattern)}"
        )


def _condition(pattern: Pattern) -> str:
    found = [f"regexp_matches(text, {literal(expression)})" for expression in pattern.wanted]
    found += [f"not regexp_matches(text, {literal(expression)})" for expression in pattern.unwanted]
    return " and ".join(found)


def _try(con: duckdb.DuckDBPyConnection, pattern: Pattern) -> None:
    if not pattern.regex:
        return
    try:
        con.execute(f"select regexp_matches('', {literal(pattern.regex)})").fetchone()
    except duckdb.Error as error:
        why = str(error).split(":", 1)[-1].strip()
        raise QueryError(
            f"The expression {pattern.regex!r} cannot be used: {why}. Expressions are RE2's: no look-around and no"
            " back-references; a bracket or a dot that is meant as such needs a backslash before it."
        ) from error


def _snapshot_id(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select id from ducklake_current_snapshot('lake')").fetchone()
    return int(row[0]) if row else 0


# -- filters --------------------------------------------------------------------------------------------------------


def _parameters(where: SearchFilter, pattern: Pattern | None) -> dict[str, Any]:
    return {
        "has_words": pattern is not None,
        "with_inherited": where.with_inherited,
        "session_id": where.session_id,
        "kinds": list(where.kinds) or None,
        "tools": list(where.tools) or None,
        "path": where.path or None,
        "is_error": where.is_error,
        "labels": list(where.labels) or None,
        "min_usd": where.min_usd,
        **where.scope.instants(),
        "version": where.version,
    }


# -- hits in their context ------------------------------------------------------------------------------------------


def _shown(con: duckdb.DuckDBPyConnection, places: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """Return the rows of `search_shown` for these blocks, in their order."""
    if not places:
        return []
    sources, sessions, blocks = (sorted(set(values)) for values in zip(*places, strict=True))
    # Values written out reach the files' own statistics; a join would read every block.
    near = (
        f"source_id in ({', '.join(map(literal, sources))}) and session_id in ({', '.join(map(literal, sessions))})"
        f" and block_index in ({', '.join(map(str, blocks))})"
    )
    rows = con.execute(f"select * from ({report_query('search_shown')}) where {near}").to_arrow_table().to_pylist()
    by_place = {(row["source_id"], row["session_id"], row["block_index"]): row for row in rows}
    return [by_place[place] for place in places]


def _texts(con: duckdb.DuckDBPyConnection, index: TextIndex | None, keys: set[Key]) -> dict[Key, str]:
    """Return whole texts, from the index where it has them: the lake is read from end to end for a few."""
    found: dict[Key, str] = {}
    if not keys:
        return found
    if index:
        numbers = index.numbers_of(keys)
        found = {numbers[number]: text for number, text in index.texts(list(numbers)).items()}
    missing = keys - found.keys()
    if missing:
        rows = con.execute(f"select source_id, content_hash, text from contents where {_in(missing)}").fetchall()
        found |= {(source_id, content_hash): text or "" for source_id, content_hash, text in rows}
    return found


def _in(keys: set[Key]) -> str:
    hashes = ", ".join(literal(content_hash) for _, content_hash in sorted(keys))
    sources = ", ".join(literal(source_id) for source_id in sorted({source_id for source_id, _ in keys}))
    return f"content_hash in ({hashes}) and source_id in ({sources})"


def _first_matches(con: duckdb.DuckDBPyConnection, pattern: Pattern | None, texts: dict[Key, str]) -> dict[Key, str]:
    """Return what an expression finds first in each text. RE2 does it in linear time; Python's own might never end."""
    if pattern is None or not pattern.regex or not texts:
        return {}
    keys = list(texts)
    con.register("shown_texts", pa.table({"place": range(len(keys)), "text": [texts[key] for key in keys]}))
    rows = con.execute(f"select place, regexp_extract(text, {literal(pattern.regex)}) from shown_texts").fetchall()
    con.unregister("shown_texts")
    return {keys[place]: found for place, found in rows}


def _finder(pattern: Pattern | None, first_match: str | None) -> re.Pattern[str] | None:
    """Return Python's expression for the places to mark."""
    if pattern is None:
        return None
    if pattern.regex:
        return re.compile(re.escape(first_match)) if first_match else None
    wanted = [_python_expression(term) for term in pattern.terms if not term.is_excluded]
    return re.compile("|".join(wanted), re.IGNORECASE)


def _python_expression(term: Term) -> str:
    inner = r"[\W_]+".join(re.escape(word) for word in term.words)
    if term.is_anywhere:
        return inner
    return rf"(?<![^\W_]){inner}" + (r"[^\W_]*" if term.is_prefix else r"(?![^\W_])")


def _excerpt(text: str, finder: re.Pattern[str] | None) -> Excerpt:
    first = finder.search(text) if finder else None
    begin = max(0, first.start() - _BEFORE) if first else 0
    if begin:  # not in the middle of a word, where one begins soon
        space = re.compile(r"\s").search(text, begin, begin + _BEFORE // 3)
        begin = space.end() if space else begin
    end = min(len(text), (first.start() if first else 0) + _AFTER)
    piece = text[begin:end]
    marks = tuple(_marks(finder, piece)) if finder else ()
    if first and not marks:  # what was found goes on beyond the piece
        marks = ((first.start() - begin, len(piece)),)
    return Excerpt(piece, marks, is_cut_before=begin > 0, is_cut_after=end < len(text))


def _marks(finder: re.Pattern[str], piece: str) -> Iterator[tuple[int, int]]:
    for number, found in enumerate(finder.finditer(piece)):
        if number == _MARKS_SHOWN:
            return
        if found.end() > found.start():
            yield found.start(), found.end()
