"""The marts of many sessions side by side: batches of sessions, built by processes with a memory of their own.

What belongs here: which sessions are built together, what a process gets to read, and what it leaves. What does not:
transactions and what becomes part of the lake (`lake`), what the models say (`warehouse`).

No session's rows depend on its neighbours, but for sessions that share responses or titles, which stay together. So
batches can be built in any order, and memory grows with a batch, not with the logs. A process cannot see a transaction
that is still open: it reads what the shard staged from its files, what was published before from the lake, and the few
rows of control tables from files written for it.
"""

from __future__ import annotations

import gc
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from her_models import checks, warehouse
from her_models.config import Config
from her_models.contracts import TABLES
from her_models.errors import HerError, LakeError
from her_models.processes import Pool, orders, start_worker

if TYPE_CHECKING:
    import duckdb

BATCH_BYTES = 128 << 20
"""A batch holds about so many bytes of logs; a session is never divided. Two processes stay below 2 GB with that."""
SMALL_BYTES = 48 << 20
"""Up to here starting processes costs more than it saves."""
MEMORY_MB = 300
"""What DuckDB may take in each process; what is more goes to disk."""
ROW_GROUP_ROWS = 20_480
"""Rows of a session lie together; in small groups, whoever asks for one session reads little else."""
CONTROL_TABLES = ("sources", "source_files", "prices")
_STAGED = tuple(table.name for table in TABLES.values() if table.layer == "staged")


@dataclass(frozen=True)
class Batch:
    """Sessions that are built together."""

    number: int
    sessions: tuple[str, ...]


@dataclass(frozen=True)
class Inputs:
    """What a process reads of one source.

    `staged` are the shard's files by table, `control` the files of the control tables. `published` are the tables that
    held rows of the source before this publication. Marts are written below `folder`.
    """

    config: Config
    source_id: str
    folder: Path
    staged: Mapping[str, Sequence[Path]]
    control: Mapping[str, Path]
    published: frozenset[str]
    run_id: str
    threads: int


@dataclass(frozen=True)
class Built:
    """What a batch left: a file per mart, the findings of each check (how many, the first), seconds by model."""

    marts: dict[str, Path]
    findings: dict[str, tuple[int, str | None]]
    seconds: dict[str, float]


# -- the process that asks --------------------------------------------------------------------------------------------


def divided(weights: Mapping[str, int], links: Iterable[tuple[str, str]], workers: int) -> list[Batch]:
    """Return batches of sessions; none where it is not worth it.

    Args:
        weights: bytes of logs per session.
        links: pairs of something shared and a session that shares it.
        workers: processes that will build side by side.
    """
    total = sum(weights.values())
    if total <= SMALL_BYTES or workers < 1:
        return []
    groups = sorted(_together(weights, links), key=lambda group: (-sum(weights[one] for one in group), group))
    count = min(max(workers, -(-total // BATCH_BYTES)), len(groups))
    found: list[list[str]] = [[] for _ in range(count)]
    sizes = [0] * count
    for group in groups:
        lightest = sizes.index(min(sizes))
        found[lightest] += group
        sizes[lightest] += sum(weights[one] for one in group)
    # The heaviest first, so that no process is left alone with it at the end.
    order = sorted(range(count), key=lambda number: -sizes[number])
    return [Batch(number, tuple(found[place])) for number, place in enumerate(order)]


def _together(weights: Mapping[str, int], links: Iterable[tuple[str, str]]) -> list[tuple[str, ...]]:
    """Return the sessions in groups that share nothing with each other."""
    sharing: dict[str, list[str]] = defaultdict(list)
    shared: dict[str, list[str]] = defaultdict(list)
    for link, session in links:
        if session in weights:
            sharing[link].append(session)
            shared[session].append(link)
    groups = []
    left = dict.fromkeys(sorted(weights))
    while left:
        session = next(iter(left))
        del left[session]
        group, todo = [session], [session]
        while todo:
            for link in shared.get(todo.pop(), ()):
                for other in sharing.pop(link, ()):
                    if other in left:
                        del left[other]
                        group.append(other)
                        todo.append(other)
        groups.append(tuple(group))
    return groups


def build(inputs: Inputs, batches: Sequence[Batch], workers: int) -> list[Built]:
    """Build the batches, so many at a time as there are workers.

    Raises:
        LakeError: a process died, or what it left could not be written.
        ModelError: a model cannot be run.
    """
    pool = Pool(_start, min(workers, len(batches)), inputs, batches, lambda *_: None)
    try:
        pool.run()
    except (EOFError, BrokenPipeError) as error:
        raise LakeError("A building process ended early (out of memory?). Nothing was published. Try again.") from error
    except HerError:
        raise
    except OSError as error:
        raise LakeError(
            f"What was built could not be written: {error.strerror or error}. Nothing was published."
        ) from error
    return pool.answers


def _start() -> subprocess.Popen[bytes]:
    # One arena: memory that one model gave back serves the next.
    without = ("pandas", "pyarrow.dataset")
    return start_worker("her_models.batches", without=without, environment={"MALLOC_ARENA_MAX": "1"})


def is_about_built(check: checks.Check) -> bool:
    """Say whether a check reads what is built per session: then the process that built it checks it."""
    built = {model.name for model in _models()}
    return check.scope == "sessions" and any(name in built for name in check.reads)


def together(results: Iterable[Built]) -> list[checks.CheckResult]:
    """Return what each check found in all batches."""
    found: dict[str, tuple[int, str | None]] = {}
    for built in results:
        for name, (count, first) in built.findings.items():
            before, example = found.get(name, (0, None))
            named = [one for one in (example, first) if one is not None]
            found[name] = (before + count, min(named, default=None))
    known = checks.checks()
    return [checks.CheckResult(known[name], count, first) for name, (count, first) in found.items()]


# -- the process that builds ------------------------------------------------------------------------------------------


def _models() -> list[warehouse.Model]:
    return [model for model in warehouse.mart_models().values() if model.scope == "sessions"]


def serve() -> None:
    """Work as a process of its own: inputs, then batches, arrive; what was built leaves."""
    from her_models.lake import connect

    gc.disable()  # what a batch leaves in cycles goes when it is done: no need to look for them in between
    with orders() as given:
        inputs: Inputs = given.job
        con = connect(inputs.config, read_only=True, attached=bool(inputs.published), threads=inputs.threads)
        con.execute(f"set memory_limit = '{MEMORY_MB}MB'")
        for batch in given:
            given.answer(_built(con, inputs, batch))
            gc.collect()
        given.answer(None)


def _built(con: duckdb.DuckDBPyConnection, inputs: Inputs, batch: Batch) -> Built:
    from her_models.lake import literal, set_paths

    set_paths(con, inputs.config)
    _show_inputs(con, inputs, batch)
    models = _models()
    seconds = warehouse.build(con, models, views={"stg_event_lines"})
    findings = {
        result.check.name: (result.failing_count, result.first_failing)
        for result in checks.run_checks(con, filter(is_about_built, checks.checks().values()))
    }
    marts = {}
    for model in models:
        if model.layer == "marts":
            path = inputs.folder / f"{model.name}-{inputs.run_id}-b{batch.number}.parquet"
            columns = TABLES[model.name].column_names
            order = "order by session_id" if "session_id" in columns else ""
            row = con.execute(
                f"copy (select {', '.join(columns)} from {model.name} {order}) to {literal(path)} "
                f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
            ).fetchone()
            if row and row[0]:
                marts[model.name] = path
            else:
                path.unlink(missing_ok=True)
    for model in reversed(models):
        kind = "view" if model.name == "stg_event_lines" else "table"
        con.execute(f"drop {kind} if exists temp.main.{model.name}")
    _texts_path(inputs, batch).unlink()
    return Built(marts, findings, seconds)


def _show_inputs(con: duckdb.DuckDBPyConnection, inputs: Inputs, batch: Batch) -> None:
    from her_models.lake import literal

    con.execute(
        f"create or replace temp table scope_sessions as select {literal(inputs.source_id)} as source_id, "
        f"unnest({literal(batch.sessions)}) as session_id"
    )
    for name, path in inputs.control.items():
        con.execute(f"create or replace temp view {name} as select * from read_parquet({literal(str(path))})")
    for name in _STAGED:
        if name != "contents":
            con.execute(f"create or replace temp view {name} as {_rows(inputs, name)}")
    _show_contents(con, inputs, _texts_path(inputs, batch))


def _texts_path(inputs: Inputs, batch: Batch) -> Path:
    return inputs.folder / f"contents-{inputs.run_id}-b{batch.number}-given.parquet"


def _rows(inputs: Inputs, name: str) -> str:
    """Return what to read for a table: rows that were published before, and those of the shard."""
    from her_models.lake import empty, literal

    parts = []
    if name in inputs.published:
        parts.append(f"select * from lake.{name} where source_id = {literal(inputs.source_id)}")
    if inputs.staged.get(name):
        parts.append(f"select * from {_read(inputs, name)}")
    return " union all by name ".join(parts) or empty(TABLES[name])


def _read(inputs: Inputs, name: str, options: str = "") -> str:
    from her_models.lake import literal

    return f"read_parquet({literal([str(path) for path in inputs.staged[name]])}{options})"


def _show_contents(con: duckdb.DuckDBPyConnection, inputs: Inputs, path: Path) -> None:
    """Show each text of the batch once, though several files of the shard may hold it.

    They are copied into a file first: six models read them, and would go through the texts of all batches each.
    """
    from her_models.lake import empty, literal

    own = f"source_id = {literal(inputs.source_id)}"
    con.execute(
        """
        create or replace temp table text_hashes as
        select distinct content_hash from block_lines
        semi join scope_sessions on block_lines.session_id = scope_sessions.session_id
        where content_hash is not null
        """
    )
    parts = []
    if "contents" in inputs.published:
        con.execute(
            "create or replace temp table published_hashes as select content_hash from lake.contents "
            f"semi join text_hashes using (content_hash) where {own}"
        )
        parts.append(f"select * from lake.contents semi join published_hashes using (content_hash) where {own}")
    if inputs.staged.get("contents"):
        places = ", filename = true, file_row_number = true"
        con.execute(
            f"""
            create or replace temp table text_places as
            select content_hash, min(struct_pack(path := filename, number := file_row_number)) as place
            from {_read(inputs, "contents", places)}
            semi join text_hashes using (content_hash)
            {"anti join published_hashes using (content_hash)" if parts else ""}
            group by all
            """
        )
        parts.append(
            f"""
            select texts.source_id, texts.content_hash, texts.text_bytes, texts.text
            from {_read(inputs, "contents", places)} as texts
            inner join text_places
                on texts.content_hash = text_places.content_hash
                and texts.filename = text_places.place.path
                and texts.file_row_number = text_places.place.number
            """
        )
    rows = " union all by name ".join(parts) or empty(TABLES["contents"])
    con.execute(f"copy ({rows}) to {literal(path)} (format parquet, compression lz4)")
    con.execute(f"create or replace temp view contents as select * from read_parquet({literal(str(path))})")
