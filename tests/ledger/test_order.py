"""Order: files found in another order give the same ledger, row for row."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from her_models.config import Config
from her_models.contracts import TABLES
from her_models.demo import write_demo
from tests.lakes import SHARED, ingested, rows

LEDGER = ("requests", "request_context", "cache_misses", "lineages", "unlogged_calls", "turns", "sessions")
# Where a line lies, and which of several summaries without a time is a title; the rest of a row is the ledger.
_PLACES = {"file_id", "offset_bytes", "files_count", "title"}
BLOCKS = """
    select
        session_id, uuid, line_block_index, kind, label, size_tokens, size_class, size_low_tokens, size_high_tokens,
        first_request_id, last_request_id, carried_requests_count, lifetime_usd, missed_tokens, output_tokens
    from blocks
"""


def shuffled(logs: Path, target: Path) -> Path:
    """Copy logs so that their files are found in another order: each in a folder of its own."""
    files = sorted(path.relative_to(logs) for path in logs.rglob("*") if path.is_file())
    random.Random(7).shuffle(files)
    for place, file in enumerate(files):
        (target / f"{place:03}" / file).parent.mkdir(parents=True)
        shutil.copyfile(logs / file, target / f"{place:03}" / file)
    return target


def ledger(config: Config) -> dict[str, Counter[str]]:
    """Return the rows of each table of the ledger, without what says where lines lie."""
    found = {"blocks": Counter(map(repr, rows(config, BLOCKS)))}
    for name in LEDGER:
        columns = ", ".join(column for column in TABLES[name].column_names if column not in _PLACES)
        found[name] = Counter(map(repr, rows(config, f"select {columns} from {name}")))
    return found


def differing(ours: Config, theirs: Config) -> dict[str, tuple[list[str], list[str]]]:
    """Return per table a few of the rows that only one of two lakes holds."""
    one, other = ledger(ours), ledger(theirs)
    return {
        name: (sorted(one[name] - other[name])[:2], sorted(other[name] - one[name])[:2])
        for name in one
        if one[name] != other[name]
    }


def test_files_in_another_order_give_the_same_ledger(tmp_path: Path, demo_lake: Config) -> None:
    write_demo(tmp_path / "logs")
    assert rows(demo_lake, "select count(*) > 50 from requests") == [(True,)]
    assert differing(ingested(tmp_path / "home", shuffled(tmp_path / "logs", tmp_path / "shuffled")), demo_lake) == {}


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "sessions").is_dir(), reason="needs the public sessions in ../shared/sessions")
def test_public_sessions_in_another_order_give_the_same_ledger(tmp_path: Path, sessions_lake: Config) -> None:
    config = ingested(tmp_path / "home", shuffled(SHARED / "sessions", tmp_path / "shuffled"))
    assert differing(config, sessions_lake) == {}
