"""Runs of the real client against an API whose bill is known: what the lake counts is what was billed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from her_models.config import Config
from tests.lakes import SHARED, ingested, rows

RUNS = SHARED / "ground-truth"
NAMES = sorted(f"{path.parent.parent.name}/{path.parent.name}" for path in RUNS.glob("*/*/ledger.jsonl"))
CLASSES = ("uncached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens")

pytestmark = pytest.mark.skipif(not NAMES, reason="needs the client runs in ../shared/ground-truth")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A lake of all runs as one source; message ids are unique over the runs."""
    return ingested(tmp_path_factory.mktemp("ground-truth"), RUNS)


@pytest.fixture(scope="module")
def counted(lake: Config) -> dict[str, dict[str, Any]]:
    """What the lake counts, by message id."""
    columns = ("request_id", *CLASSES, "output_tokens", "is_output_floor")
    found = rows(lake, f"select {', '.join(columns)} from requests")
    return {values[0]: dict(zip(columns, values, strict=True)) for values in found}


def _billed(name: str) -> dict[str, dict[str, Any]]:
    """Return the ledger's billed responses by message id."""
    with (RUNS / name / "ledger.jsonl").open(encoding="utf-8") as file:
        calls = [json.loads(line) for line in file]
    return {call["response"]["id"]: call for call in calls if call.get("billed")}


def _logged_ids(name: str) -> set[str]:
    """Return the message ids of the answers in the logs, read without Her: a plain search in the bytes."""
    ids: set[str] = set()
    for path in (RUNS / name / "projects").rglob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if re.search(r'"type": ?"assistant"', line) and '"usage"' in line and '"<synthetic>"' not in line:
                ids.update(re.findall(r'"id": ?"(msg_[0-9A-Za-z]+)"', line)[:1])
    return ids


def _classes(billed: dict[str, Any]) -> tuple[int, ...]:
    split = billed.get("cache_creation") or {}
    hour = split.get("ephemeral_1h_input_tokens", 0)
    return (
        billed["input_tokens"],
        billed["cache_creation_input_tokens"] - hour,
        hour,
        billed["cache_read_input_tokens"],
    )


def test_all_48_runs_are_there():
    assert len(NAMES) == 48


def test_each_logged_response_is_counted_once_and_nothing_else(counted: dict[str, dict[str, Any]]):
    logged = [key for name in NAMES for key in _logged_ids(name)]
    assert len(logged) == len(set(logged)) == 328
    assert set(counted) == set(logged)


@pytest.mark.parametrize("name", NAMES)
def test_input_writes_and_reads_equal_the_bill(counted: dict[str, dict[str, Any]], name: str):
    billed, logged = _billed(name), _logged_ids(name)
    ours = {key: tuple(counted[key][column] for column in CLASSES) for key in logged}
    assert ours == {key: _classes(billed[key]["billed"]) for key in logged}


@pytest.mark.parametrize("name", NAMES)
def test_output_equals_the_bill_or_is_marked_as_a_floor(counted: dict[str, dict[str, Any]], name: str):
    billed = _billed(name)
    for key in _logged_ids(name):
        owed, values = billed[key]["billed"]["output_tokens"], counted[key]
        if billed[key]["status"] == "complete":
            assert values["output_tokens"] == owed
        else:
            assert values["output_tokens"] <= owed
            assert values["is_output_floor"]


def test_the_lake_is_priced_to_the_picodollar(lake: Config):
    wrong = """
        select requests.request_id
        from requests
        join prices using (model, speed, geography, tier)
        where requests.started_at >= valid_from
            and (valid_to is null or requests.started_at < valid_to)
            and prompt_above_tokens = 0
            and billed_picodollars is distinct from
                requests.uncached_input_tokens * input_picodollars
                + requests.cache_write_5m_tokens * cache_write_5m_picodollars
                + requests.cache_write_1h_tokens * cache_write_1h_picodollars
                + requests.cache_read_tokens * cache_read_picodollars
                + requests.output_tokens * output_picodollars
    """
    assert rows(lake, wrong) == []
    assert rows(lake, "select distinct model from requests where billed_picodollars is null") == []
