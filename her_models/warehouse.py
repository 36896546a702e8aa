"""The one place that knows `sql/`: reads the models, orders them by what they read, runs them.

What belongs here: headers, dependency order, building one table after the other on a connection that already shows
the tables they read. What does not: where tables lie, transactions and which sessions changed (`lake`).

A model is a `select` that runs as it stands. Its header says its name, grain, key and what it reads; `scope: source`
marks the few models that look at a whole source, after the sessions that changed are in place.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from her_models.audit.tables import AUDIT_COLUMNS, AUDIT_GRAINS, AUDIT_READS
from her_models.contracts import TABLES
from her_models.edits.tables import EDIT_COLUMNS, EDIT_GRAINS, EDIT_READS
from her_models.errors import ModelError
from her_models.ledger.tables import LEDGER_COLUMNS, LEDGER_GRAINS, LEDGER_READS
from her_models.waste.tables import (
    REPEAT_COLUMNS,
    REPEAT_GRAINS,
    REPEAT_READS,
    RULE_COLUMNS,
    RULE_GRAINS,
    RULE_READS,
    USES_COLUMNS,
    USES_GRAINS,
    USES_READS,
    WASTE_COLUMNS,
    WASTE_GRAINS,
    WASTE_READS,
)
from her_models.whatif.tables import WHATIF_COLUMNS, WHATIF_GRAINS, WHATIF_READS

if TYPE_CHECKING:
    import duckdb

    from her_models.ledger.layout import Layout

SQL_PATH = Path(__file__).resolve().parent.parent / "sql"
COMMANDS_PATH = Path(__file__).with_name("commands.toml")
GIVEN = frozenset({"scope_sessions", "changed_files", "check_results"})
"""Tables that `lake` provides for a run, beside those of the contract."""
_MODEL_PARTS = ("staging", "intermediate", "marts")  # folders of `sql/`; in the others questions are asked of marts

Layer = Literal["staging", "intermediate", "python", "marts"]
Scope = Literal["sessions", "source"]

_HEADER = re.compile(r"^-- (?P<name>[a-z_]+): +(?P<text>.*)$")
_CONTINUED = re.compile(r"^-- {2,}(?P<text>.*)$")
_COLUMN = re.compile(r"(?:^|[ .])(?P<name>[a-z_][a-z0-9_]*)\s*,?\s*-- (?P<meaning>.+)$")
_FIELDS = frozenset({"grain", "key", "reads", "scope", "note", "table", "severity", "remedy"})


@dataclass(frozen=True)
class Model:
    """One SQL file: what its header says, its columns as the last `select` describes them, and its text."""

    name: str
    layer: Layer
    description: str
    grain: str
    key: tuple[str, ...]
    reads: tuple[str, ...]
    scope: Scope
    note: str
    columns: tuple[tuple[str, str], ...]
    sql: str
    path: Path
    step: str = ""


@dataclass(frozen=True)
class Step:
    """Tables made in Python within a run: what SQL would say worse, such as a walk. `STEPS` lists them.

    `module` has `build(con, layout)`, which makes temporary tables of the names of `columns` on `con`, from those in
    `reads` and from the ledger's layout. The layout is made once per run, before the first step that is chosen, so that
    every step reads the ledger's inputs or one of its tables.
    """

    name: str
    module: str
    columns: Mapping[str, tuple[str, ...]]
    grains: Mapping[str, str]
    reads: tuple[str, ...]

    @property
    def path(self) -> Path:
        return SQL_PATH.parent.joinpath(*self.module.split(".")).with_suffix(".py")


STEPS = {
    step.name: step
    for step in (
        Step("ledger", "her_models.ledger.build", LEDGER_COLUMNS, LEDGER_GRAINS, LEDGER_READS),
        Step("waste_rules", "her_models.waste.rules", RULE_COLUMNS, RULE_GRAINS, RULE_READS),
        Step("waste_uses", "her_models.waste.uses", USES_COLUMNS, USES_GRAINS, USES_READS),
        Step("waste_repeats", "her_models.waste.repeats", REPEAT_COLUMNS, REPEAT_GRAINS, REPEAT_READS),
        Step("waste_cells", "her_models.waste.build", WASTE_COLUMNS, WASTE_GRAINS, WASTE_READS),
        Step("edits", "her_models.edits.build", EDIT_COLUMNS, EDIT_GRAINS, EDIT_READS),
        Step("audit", "her_models.audit.build", AUDIT_COLUMNS, AUDIT_GRAINS, AUDIT_READS),
        Step("whatif", "her_models.whatif.build", WHATIF_COLUMNS, WHATIF_GRAINS, WHATIF_READS),
    )
}


def read_header(path: Path) -> tuple[str, str, dict[str, str], str]:
    """Return name, description, header fields and the whole text of a SQL file.

    Raises:
        ModelError: the file does not begin with `-- name: description`, or a field is unknown or repeated.
    """
    text = path.read_text(encoding="utf-8")
    fields: dict[str, str] = {}
    name = description = last = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        if number == 1:
            match = _HEADER.match(line)
            if match is None or match["name"] != path.stem:
                raise ModelError(f"{path}: the first line is {line!r}. Write: -- {path.stem}: what it holds")
            name, description = match["name"], match["text"]
        elif match := _HEADER.match(line):
            last = match["name"]
            if last not in _FIELDS or last in fields:
                raise ModelError(f"{path}, line {number}: header field {last!r} is unknown or repeated.")
            fields[last] = match["text"].strip()
        elif (match := _CONTINUED.match(line)) and last:
            fields[last] += f" {match['text'].strip()}"
        else:
            raise ModelError(f"{path}, line {number}: {line!r} is not a header line. Write: -- field: text")
    if not name:
        raise ModelError(f"{path}: no header. Write: -- {path.stem}: what it holds")
    return name, description, fields, text


def _names(text: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r",\s*", text.strip()) if part)


def _columns(text: str) -> tuple[tuple[str, str], ...]:
    """Return name and meaning of each column that the last outer `select` of a model lists."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line == "select"]
    if not starts:
        return ()
    start = next((n for n in starts if _COLUMN.search(lines[n + 1] if n + 1 < len(lines) else "")), starts[-1])
    columns = []
    for line in lines[start + 1 :]:
        if line.startswith("from "):
            break
        if match := _COLUMN.search(line):
            columns.append((match["name"], match["meaning"].strip()))
    return tuple(columns)


def read_model(path: Path) -> Model:
    """Read one model's file.

    Raises:
        ModelError: its header lacks grain, key or reads, or says a scope that does not exist.
    """
    name, description, fields, text = read_header(path)
    missing = [field for field in ("grain", "key", "reads") if not fields.get(field)]
    if missing:
        raise ModelError(f"{path}: the header lacks {', '.join(missing)}.")
    scope = fields.get("scope", "sessions")
    if scope not in ("sessions", "source"):
        raise ModelError(f"{path}: scope is {scope!r}; write sessions or source.")
    layer = path.parent.name
    if layer not in ("staging", "intermediate", "marts"):
        raise ModelError(f"{path}: models lie in sql/staging, sql/intermediate or sql/marts.")
    return Model(
        name=name,
        layer=layer,  # type: ignore[arg-type]
        description=description,
        grain=fields["grain"],
        key=_names(fields["key"]),
        reads=_names(fields["reads"]),
        scope=scope,  # type: ignore[arg-type]
        note=fields.get("note", ""),
        columns=_columns(text),
        sql=text,
        path=path,
    )


def _step_models() -> Iterator[Model]:
    """Return the tables that steps make in Python, as models: they take part in the order like the others."""
    for step in STEPS.values():
        for name, columns in step.columns.items():
            yield Model(
                name=name,
                layer="python",
                description=f"{name.replace('_', ' ')}, as {step.module} makes it",
                grain=step.grains[name],
                key=(),
                reads=step.reads,
                scope="sessions",
                note="made in Python: positions in a prompt are walked, not joined",
                columns=tuple((column, "") for column in columns),
                sql="",
                path=step.path,
                step=step.name,
            )


@cache
def models(folder: Path = SQL_PATH) -> dict[str, Model]:
    """Return all models by name, each after those it reads.

    Raises:
        ModelError: a header cannot be used, a model reads what does not exist, or models read each other in a ring.
    """
    found = [read_model(path) for part in _MODEL_PARTS for path in sorted((folder / part).glob("*.sql"))]
    if folder == SQL_PATH:
        found += _step_models()
    by_name = {model.name: model for model in found}
    for model in found:
        for read in model.reads:
            if read not in by_name and read not in GIVEN and (read not in TABLES or TABLES[read].layer == "mart"):
                raise ModelError(f"{model.path}: reads {read!r}, which is neither a model nor a table.")
    graph = {model.name: [read for read in model.reads if read in by_name] for model in found}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ModelError(f"Models read each other in a ring: {' -> '.join(error.args[1])}.") from error
    return {name: by_name[name] for name in order}


@cache
def mart_models(folder: Path = SQL_PATH) -> dict[str, Model]:
    """Return the models that tables of the contract are made from: the marts and what they read, in order."""
    found = models(folder)
    needed = {name for name, table in TABLES.items() if table.layer == "mart"}
    for model in reversed(found.values()):
        if model.name in needed:
            needed.update(model.reads)
    return {name: model for name, model in found.items() if name in needed}


@cache
def models_version(folder: Path = SQL_PATH) -> str:
    """Return a hash of every model, its checks and the contract: marts made by another version must be made anew.

    Questions that are asked of marts are left out: another wording changes no figure that the lake holds.
    """
    digest = hashlib.blake2b(digest_size=8)
    paths = [path for part in (*_MODEL_PARTS, "checks") for path in sorted((folder / part).glob("*.sql"))]
    for step in STEPS.values():
        paths += [*sorted(step.path.parent.glob("*.py")), *sorted(step.path.parent.glob("*.toml"))]
    paths += [COMMANDS_PATH, *(COMMANDS_PATH.with_name(name) for name in ("commands.py", "shell.py"))]
    for path in paths:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    for table in TABLES.values():
        digest.update(table.ddl().encode())
    return digest.hexdigest()


def needed_by(names: Iterable[str]) -> list[Model]:
    """Return the models of some names and all that they read, in order."""
    needed = set(names)
    for model in reversed(models().values()):
        if model.name in needed:
            needed.update(model.reads)
    return [model for model in models().values() if model.name in needed]


def build(con: duckdb.DuckDBPyConnection, chosen: Iterable[Model], *, views: Container[str] = ()) -> dict[str, float]:
    """Build models as temporary tables, in the order given; returns the CPU seconds of this process each took.

    The tables they read must be there under their own names. Those named in `views` become views: what is large and
    read once need not be copied.

    Raises:
        ModelError: a model cannot be run.
    """
    seconds = {}
    layout: Layout | None = None
    for model in chosen:
        start = time.process_time()
        if model.layer == "python":
            if model.step in seconds:
                continue
            if layout is None:
                layout = _layout(con)
            import_module(STEPS[model.step].module).build(con, layout)
            seconds[model.step] = time.process_time() - start
            continue
        kind = "view" if model.name in views else "table"
        run(con, f"create or replace temp {kind} {model.name} as\n{model.sql}", model.path)
        seconds[model.name] = time.process_time() - start
    return seconds


def _layout(con: duckdb.DuckDBPyConnection) -> Layout:
    # Arrow and NumPy are not needed where only headers are read.
    from her_models.ledger.reading import read_layout
    from her_models.ledger.sizes import load_densities

    row = con.execute("select getvariable('densities_path')").fetchone()
    return read_layout(con, load_densities(Path(row[0]) if row and row[0] else None))


def run(con: duckdb.DuckDBPyConnection, statement: str, path: Path) -> duckdb.DuckDBPyConnection:
    """Execute a statement made from a SQL file.

    Raises:
        ModelError: it cannot be run; names the file.
    """
    import duckdb

    try:
        return con.execute(statement)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError, duckdb.InternalError) as error:
        raise ModelError(f"{path} cannot be run: {error}") from error
