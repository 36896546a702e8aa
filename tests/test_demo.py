"""The generated sessions say of themselves what is true, and obey the rules of the cache."""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from her_models.demo import DemoTruth, write_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoTruth]:
    out = tmp_path_factory.mktemp("demo")
    return out, write_demo(out)


def _files(out: Path) -> list[Path]:
    return sorted(out.rglob("*.jsonl"))


def _rows(out: Path) -> list[dict[str, Any]]:
    rows = []
    for path in _files(out):
        for line in path.read_bytes().splitlines():
            if line.endswith(b"}"):
                rows.append(json.loads(line))
    return rows


def _digests(out: Path) -> dict[str, str]:
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def test_the_bytes_depend_on_the_arguments_alone(demo: tuple[Path, DemoTruth], tmp_path: Path) -> None:
    out, truth = demo
    again = write_demo(tmp_path)
    assert _digests(tmp_path) == _digests(out)
    assert again == truth


def test_files_are_laid_out_by_owner_and_host(demo: tuple[Path, DemoTruth]) -> None:
    out, truth = demo
    assert {path.name for path in out.iterdir()} == set(truth.sessions.values())
    assert all((folder / "projects").is_dir() for folder in out.iterdir())


def test_usage_on_the_lines_adds_up_to_the_truth(demo: tuple[Path, DemoTruth]) -> None:
    out, truth = demo
    most: dict[str, list[int]] = {}
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    for row in _rows(out):
        message = row["data"]["message"]["message"] if row["type"] == "progress" else row.get("message")
        if not message or "usage" not in message or message["model"] == "<synthetic>":
            continue
        counts = [message["usage"][name] for name in names]
        most[message["id"]] = [max(a, b) for a, b in zip(most.get(message["id"], counts), counts, strict=True)]
    assert most == {
        r.message_id: [
            r.uncached_input_tokens,
            r.cache_write_5m_tokens + r.cache_write_1h_tokens,
            r.cache_read_tokens,
            r.logged_output_tokens,
        ]
        for r in truth.requests
    }


def test_reads_are_what_was_cached_before_unless_a_miss_is_named(demo: tuple[Path, DemoTruth]) -> None:
    threads = defaultdict(list)
    for request in demo[1].requests:
        threads[request.session_id, request.agent_id].append(request)
    for requests in threads.values():
        for request in requests:
            assert (request.missed_tokens > 0) == (request.miss_cause is not None)
            assert request.cache_read_tokens + request.missed_tokens == request.expected_read_tokens


def test_each_prompt_is_as_long_as_its_blocks(demo: tuple[Path, DemoTruth]) -> None:
    truth = demo[1]
    place = {request.message_id: index for index, request in enumerate(truth.requests)}
    assert all(block.tokens > 0 for block in truth.blocks)
    carried = sum(block.tokens * block.carried_count for block in truth.blocks)
    assert carried == sum(request.prompt_tokens - 3 for request in truth.requests)
    for block in truth.blocks:
        if block.first_message_id and block.last_message_id:
            assert place[block.first_message_id] <= place[block.last_message_id]
