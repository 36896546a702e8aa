"""The planted sessions say of each token what it was, and obey the rules of the cache."""

import hashlib
from collections import defaultdict
from pathlib import Path

import pytest

from her_models.config import Config
from her_models.demo.planted import PlantedTruth, write_planted
from her_models.ingest import ingest
from tests.lakes import rows


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PlantedTruth]:
    out = tmp_path_factory.mktemp("planted")
    return out, write_planted(out, seed=5, sessions_count=18)


def test_the_bytes_depend_on_the_arguments_alone(planted: tuple[Path, PlantedTruth], tmp_path: Path) -> None:
    out, truth = planted

    def digests(folder: Path) -> dict[str, str]:
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*.jsonl")}

    assert write_planted(tmp_path, seed=5, sessions_count=18) == truth
    assert digests(tmp_path) == digests(out)


def test_every_label_is_planted_and_has_something_that_only_looks_like_it(
    planted: tuple[Path, PlantedTruth],
) -> None:
    truth = planted[1]
    labels = {f"C{number}" for number in range(1, 15)}
    assert {p.label.split(".")[0] for p in truth.planted} == labels
    assert {cell.label for cell in truth.cells} == labels
    assert {decoy.label for decoy in truth.decoys} == labels
    assert {r.miss_cause for r in truth.requests} >= {"K1.expired", "K2.model", "K3.resume", "K5.evicted"}


def test_labels_never_claim_more_than_was_billed(planted: tuple[Path, PlantedTruth]) -> None:
    truth = planted[1]
    claimed: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for cell in truth.cells:
        counts = (cell.cache_read, cell.cache_write_1h, cell.cache_write_5m, cell.uncached, cell.output)
        assert min(counts) >= 0
        claimed[cell.message_id] = [a + b for a, b in zip(claimed[cell.message_id], counts, strict=True)]
    for request in truth.requests:
        billed = (
            request.cache_read_tokens,
            request.cache_write_1h_tokens,
            request.cache_write_5m_tokens,
            request.uncached_input_tokens,
            request.logged_output_tokens,
        )
        assert all(a <= b for a, b in zip(claimed[request.message_id], billed, strict=True)), request


def test_reads_are_what_was_cached_before_unless_a_miss_is_named(planted: tuple[Path, PlantedTruth]) -> None:
    for request in planted[1].requests:
        assert (request.missed_tokens > 0) == (request.miss_cause is not None)
        assert request.cache_read_tokens + request.missed_tokens == request.expected_read_tokens


def test_what_is_particular_about_sessions_is_there(planted: tuple[Path, PlantedTruth]) -> None:
    """A price that changes within a session, the band of Haiku 5.5, two families of tokenizers, tails of all kinds."""
    truth = planted[1]
    sessions = defaultdict(list)
    for request in truth.requests:
        sessions[request.session_id].append(request)
    change_ms = 1_791_331_200_000  # 2026-10-07
    assert any(s[0].started_ms < change_ms <= s[-1].started_ms for s in sessions.values())
    haiku = [r.prompt_tokens for r in truth.requests if r.model == "claude-haiku-5-5"]
    assert min(haiku) < 100_000 < max(haiku)
    models = [{request.model for request in session} for session in sessions.values()]
    assert any(names >= {"claude-sonnet-4-5-20250929", "claude-opus-5-5"} for names in models)
    assert {r.uncached_input_tokens for r in truth.requests} >= {0, 3, 9}
    assert max(r.uncached_input_tokens for r in truth.requests) > 100
    assert truth.inherited


def test_the_lake_counts_what_was_billed(planted: tuple[Path, PlantedTruth], tmp_path: Path) -> None:
    out, truth = planted
    config = Config(home=tmp_path)
    ingest(config, sorted(out.iterdir()))
    told = rows(
        config,
        "select request_id, cache_read_tokens, cache_write_1h_tokens, cache_write_5m_tokens, uncached_input_tokens,"
        " output_tokens from requests",
    )
    assert {name: tuple(counts) for name, *counts in told} == {
        r.message_id: (
            r.cache_read_tokens,
            r.cache_write_1h_tokens,
            r.cache_write_5m_tokens,
            r.uncached_input_tokens,
            r.logged_output_tokens,
        )
        for r in truth.requests
    }
    # A session that was left and taken up again in its file is known by its /exit.
    resumed = {r.message_id for r in truth.requests if r.miss_cause == "K3.resume"}
    assert {name for (name,) in rows(config, "select request_id from cache_misses where label = 'K3'")} == resumed
    assert rows(config, "select check_name, detail from data_quality where severity = 'critical' and not is_ok") == []
