"""The generated sessions say of themselves what is true, and obey the rules of the cache."""

import dataclasses
import hashlib
import json
import re
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from her_models.config import Config
from her_models.demo import ENDS_AT, DemoTruth, weeks_until, write_demo
from her_models.ingest import ingest
from tests.lakes import row, rows

# Old and new clients, subagents of two layouts, copies and forks, a leak, a broken line.
RICH = ("mira@atlas", "tomas@buildbox")


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
    for line in _rows(out):
        message = line["data"]["message"]["message"] if line["type"] == "progress" else line.get("message")
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


@pytest.fixture(scope="module")
def lake(demo: tuple[Path, DemoTruth], tmp_path_factory: pytest.TempPathFactory) -> Config:
    config = Config(home=tmp_path_factory.mktemp("home"))
    ingest(config, [demo[0] / name for name in RICH])
    return config


def test_the_lake_counts_what_was_billed(demo: tuple[Path, DemoTruth], lake: Config) -> None:
    truth = demo[1]
    told = rows(
        lake,
        "select session_id, count(*), sum(uncached_input_tokens), sum(cache_write_5m_tokens), "
        "sum(cache_write_1h_tokens), sum(cache_read_tokens), sum(output_tokens) from requests group by all",
    )
    true = truth.totals_by_session()
    assert {name: counts for name, *counts in told} == {
        name: list(dataclasses.astuple(total)[:6]) for name, total in true.items() if truth.sessions[name] in RICH
    }


def test_the_lake_knows_what_was_copied_and_compacted(demo: tuple[Path, DemoTruth], lake: Config) -> None:
    truth = demo[1]
    told = rows(lake, "select session_id, inherited_requests_count, compactions_count from sessions")
    assert {name for name, _, _ in told} == {name for name, source in truth.sessions.items() if source in RICH}
    for name, inherited, compactions in told:
        assert (inherited, compactions) == (truth.inherited.get(name, 0), truth.compactions.get(name, 0))


def test_the_cut_line_is_refused_and_no_other(demo: tuple[Path, DemoTruth], lake: Config) -> None:
    assert demo[1].refused_count == 1
    assert row(lake, "select count(*) from refused_lines") == (1,)


def test_invented_keys_are_nowhere_in_the_lake(demo: tuple[Path, DemoTruth], lake: Config) -> None:
    secrets = demo[1].secrets
    assert len(secrets) == 2
    for secret in secrets:
        assert row(lake, f"select count(*) from lines where contains(raw, '{secret}')") == (0,)
        assert row(lake, f"select count(*) from contents where contains(text, '{secret}')") == (0,)
    assert row(lake, "select count(distinct fingerprint) from redactions") == (2,)


def test_misses_are_found_to_the_token(demo: tuple[Path, DemoTruth], lake: Config) -> None:
    """But for what cannot be told from outside: the size of a prefix that changed, and of blocks behind a rewind.

    Of what a compaction leaves standing, only the static part is expected to be read: what stood behind it, and was not
    found, is a miss of the cache's that the ledger does not claim.
    """
    missed = {r.message_id: r for r in demo[1].requests if r.source_id in RICH and r.missed_tokens}
    told = dict(rows(lake, "select request_id, missed_tokens from requests where missed_tokens > 0"))
    unclaimed = missed.keys() - told.keys()
    assert told.keys() == missed.keys() - unclaimed
    assert {missed[name].miss_cause for name in unclaimed} <= {"K5.breakpoint"}
    assert sum(missed[name].missed_tokens for name in unclaimed) < 1_000
    for name, request in missed.items():
        if name in unclaimed:
            continue
        if request.miss_cause == "K5.breakpoint":
            assert told[name] == pytest.approx(request.missed_tokens, rel=0.02, abs=64)
        else:
            assert request.missed_tokens <= told[name] <= request.missed_tokens + request.changed_tokens, request


def test_every_kind_of_waste_is_planted(demo: tuple[Path, DemoTruth]) -> None:
    labels = {planted.label.split(".")[0] for planted in demo[1].planted}
    assert labels == {"C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C11", "C12", "C13", "C14"}
    causes = {request.miss_cause.split(".")[0] for request in demo[1].requests if request.miss_cause}
    assert causes == {"K1", "K2", "K3", "K5"}


def test_an_answer_thrown_away_and_a_needless_wake_up_are_found(demo: tuple[Path, DemoTruth], lake: Config) -> None:
    truth = demo[1]
    kinds = {"C1.discarded", "C3.noop"}
    planted = {
        (p.label, p.message_id) for p in truth.planted if p.label in kinds and truth.sessions[p.session_id] in RICH
    }
    assert {kind for kind, _ in planted} == kinds
    told = rows(lake, "select kind, request_id from waste where label in ('C1', 'C3')")
    assert {tuple(one) for one in told} == planted


def test_what_only_looks_like_waste_is_not_planted(demo: tuple[Path, DemoTruth]) -> None:
    truth = demo[1]
    assert {decoy.label for decoy in truth.decoys} == {"C5", "C6"}
    assert not {(p.label.split(".")[0], p.reference) for p in truth.planted} & {
        (d.label, d.reference) for d in truth.decoys
    }


def test_what_is_planted_was_paid_for(demo: tuple[Path, DemoTruth]) -> None:
    truth = demo[1]
    paid = {request.message_id for request in truth.requests}
    for planted in truth.planted:
        assert planted.tokens > 0
        assert planted.message_id is None or planted.message_id in paid


def test_a_part_of_the_demo_is_enough_for_a_test(tmp_path: Path) -> None:
    truth = write_demo(tmp_path, scale=0.1)
    assert 5 <= len(truth.sessions) <= 12


def test_prices_of_all_models_but_one_are_known(demo: tuple[Path, DemoTruth]) -> None:
    unpriced = {request.model for request in demo[1].requests if not request.is_priced}
    assert unpriced == {"larkfield/quill-large-2"}


def test_the_demo_can_be_later_by_weeks_and_is_the_same_story(tmp_path: Path) -> None:
    truth, later = (write_demo(tmp_path / str(weeks), scale=0.1, weeks_later=weeks) for weeks in (0, 3))
    assert later.totals == truth.totals
    files = [sorted((tmp_path / str(weeks)).rglob("*.jsonl")) for weeks in (0, 3)]
    times = [
        [
            datetime.fromisoformat(stamp)
            for path in paths
            for stamp in re.findall(r'^{.*"timestamp":"([^"]+)"', path.read_text("utf-8"), re.MULTILINE)
        ]
        for paths in files
    ]
    assert len(times[0]) > 100
    assert times[1] == [at + timedelta(weeks=3) for at in times[0]]


@pytest.mark.parametrize(("days", "weeks"), [(-400, 0), (0, 0), (6, 0), (7, 1), (13, 1), (400, 57)])
def test_the_last_day_of_the_demo_lies_in_the_week_before_now(days: int, weeks: int) -> None:
    assert weeks_until(ENDS_AT + timedelta(days=days)) == weeks
