"""`edit_lines`: what became of the lines that the tools of the sessions being built wrote.

What belongs here: reading the calls and writing the table. What does not: following the lines (`walk`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from xxhash import xxh3_64_intdigest

from her_models.edits.tables import EDIT_COLUMNS
from her_models.edits.walk import EDITORS, Change, Outcome, follow

if TYPE_CHECKING:
    import duckdb

_BATCH_ROWS = 2_000

# Calls that were answered, and not with an error. Copies from another session are its edits, not this one's.
_CALLS = """
    with answered as (
        select distinct
            source_id,
            session_id,
            tool_use_id
        from int_blocks
        where kind = 'tool_result' and not is_error and not is_inherited
    )
    select
        calls.source_id,
        calls.session_id,
        calls.block_index,
        calls.tool_name,
        calls.path,
        contents.text
    from int_blocks as calls
    semi join answered
        on
            calls.source_id = answered.source_id
            and calls.session_id = answered.session_id
            and calls.tool_use_id = answered.tool_use_id
    inner join contents
        on calls.source_id = contents.source_id and calls.content_hash = contents.content_hash
    where
        calls.kind = 'tool_call'
        and not calls.is_inherited
        and calls.path is not null
        and calls.tool_name in (select unnest($tools))
    order by calls.source_id, calls.session_id, calls.block_index
"""
_HASHES = pa.list_(pa.int64())
_TYPES = {
    "source_id": pa.string(),
    "session_id": pa.string(),
    "kept_hashes": _HASHES,
    "replaced_hashes": _HASHES,
    "whole_hashes": _HASHES,
}


def build(con: duckdb.DuckDBPyConnection, _layout: object) -> None:
    """Make the temporary table `edit_lines` on `con`."""
    found: dict[str, list[Any]] = {name: [] for name in EDIT_COLUMNS["edit_lines"]}
    for key, calls in groupby(_calls(con), key=lambda call: (call["source_id"], call["session_id"])):
        session = list(calls)
        changes = [Change(call["tool_name"], call["path"], _given(call["text"])) for call in session]
        for call, outcome in zip(session, follow(changes), strict=True):
            for name, value in zip(found, (*key, call["block_index"], *_row(outcome)), strict=True):
                found[name].append(value)
    table = pa.table({name: pa.array(values, _TYPES.get(name, pa.int64())) for name, values in found.items()})
    con.register("edit_lines_arrow", table)
    con.execute("create or replace temp table edit_lines as select * from edit_lines_arrow")
    con.unregister("edit_lines_arrow")


def _calls(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    for batch in con.execute(_CALLS, {"tools": sorted(EDITORS)}).to_arrow_reader(_BATCH_ROWS):
        yield from batch.to_pylist()


def _given(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _row(outcome: Outcome) -> tuple[int, int, list[int], list[int], list[int] | None]:
    whole = None if outcome.whole is None else _hashes(list(set(outcome.whole)))
    return (
        outcome.written_count,
        outcome.kept_count,
        _hashes(outcome.kept),
        _hashes(list(set(outcome.replaced))),
        whole,
    )


def _hashes(lines: Sequence[str]) -> list[int]:
    """Return a number for each line, as a whole number of 64 bits with a sign, in order."""
    digests = (xxh3_64_intdigest(line.encode("utf-8", "replace")) for line in lines)
    values: list[int] = np.sort(np.fromiter(digests, np.uint64, len(lines)).view(np.int64)).tolist()
    return values
