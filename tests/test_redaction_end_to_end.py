"""Nothing leaks: after an ingest of logs full of secrets, none is in any file below HER_HOME."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from her_models.config import Config
from her_models.ingest import ingest
from tests.seeded_secrets import SEEDED, SEEDS, Seed, lines_with

# Every third line is broken, so that refused bytes are looked at as well.
_BREAKS = (lambda raw: raw, lambda raw: raw[:-1], lambda raw: raw.replace(b'"type"', b'"type\x01"', 1))


def write_logs(projects: Path, seeds: list[Seed]) -> None:
    """Write one session per seeded secret, with the secret in every place of a line."""
    folder = projects / "-srv-app"
    folder.mkdir(parents=True)
    for number, seed in enumerate(seeds):
        session_id = f"00000000-0000-4000-8000-{number:012d}"
        lines = lines_with(seed.text, session_id)
        for index, line in enumerate(lines.values()):
            if "uuid" in line:
                line["uuid"] = f"00000000-{number:04d}-4000-9000-{index:012d}"
        raw = [json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() for line in lines.values()]
        broken = [_BREAKS[1 + index % 2](line) for index, line in enumerate(raw[::3])]
        text = b"\n".join([*raw, *broken, b"not JSON at all: " + json.dumps(seed.text).encode(), raw[0][:-20]])
        (folder / f"{session_id}.jsonl").write_bytes(text)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HER_HOME after one ingest of those logs."""
    base = tmp_path_factory.mktemp("leaks")
    write_logs(base / "projects", SEEDS)
    report = ingest(Config(home=base / "her", workers=1), (base / "projects",))
    assert report is not None
    return base / "her"


def texts_of(column: pa.ChunkedArray) -> Iterator[str]:
    """Yield every text in a column, also inside lists and structs."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from (value for value in column.unique().to_pylist() if value)
    elif pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        yield from (value.decode("utf-8", "replace") for value in column.unique().to_pylist() if value)
    elif pa.types.is_nested(kind):
        yield from (json.dumps(value, default=str) for value in column.to_pylist() if value)


def everything_in(home: Path) -> Iterator[tuple[str, str]]:
    """Yield (where, text) for all that stands below `home`: names, bytes, Parquet and SQLite decoded."""
    for path in sorted(home.rglob("*")):
        where = str(path.relative_to(home))
        yield "file name", where
        if not path.is_file():
            continue
        yield where, path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            yield where, str(file.schema_arrow) + str(file.metadata.metadata)
            table = file.read()
            for name in table.column_names:
                yield f"{where}: {name}", "\n".join(texts_of(table.column(name)))
        elif path.read_bytes()[:15] == b"SQLite format 3":
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            for (name,) in connection.execute("select name from sqlite_master where type = 'table'").fetchall():
                rows = connection.execute(f'select * from "{name}"')
                yield f"{where}: {name}", "\n".join(_readable(value) for row in rows for value in row)
            connection.close()


def _readable(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def flat(text: str) -> str:
    """Return text without the backslashes of any depth of JSON."""
    return re.sub(r"\\+", "", text)


def leaks_in(home: Path, seeds: list[Seed]) -> set[tuple[str, str]]:
    """Return (rule, where) of each seeded secret that stands somewhere below `home`."""
    secrets = {flat(seed.secret): seed.rule for seed in seeds}
    return {
        (rule, where)
        for where, text in everything_in(home)
        for variant in {text, flat(text)}
        for secret, rule in secrets.items()
        if secret in variant
    }


def test_no_seeded_secret_is_in_any_file_of_the_lake(home: Path):
    assert sorted(leaks_in(home, SEEDS)) == []


def test_the_search_finds_secrets_where_redaction_is_off(tmp_path: Path):
    seeds = SEEDS[::20]
    write_logs(tmp_path / "projects", seeds)
    ingest(Config(home=tmp_path / "her", workers=1, redaction="off"), (tmp_path / "projects",))
    leaks = leaks_in(tmp_path / "her", seeds)
    assert {rule for rule, _ in leaks} == {seed.rule for seed in seeds}
    columns = {re.sub(r".*/(\w+)-.*: ", r"\1.", where) for _, where in leaks if ".parquet: " in where}
    assert columns >= {"lines.raw", "lines.cwd", "lines.git_branch", "refused_lines.sample", "schema_drift.field_path"}


def test_every_rule_left_its_mark_in_the_lines(home: Path):
    raw = "\n".join(text for where, text in everything_in(home) if where.endswith(".parquet: raw"))
    assert {rule for rule in SEEDED if f"[redacted:{rule}:" not in raw} == set()


def test_text_around_the_secrets_is_in_the_lake(home: Path):
    found = "\n".join(text for where, text in everything_in(home) if ".parquet:" in where)
    assert "conn(passwd='[redacted:password:" in found
    assert "tool --user bob --password [redacted:command-line:" in found
