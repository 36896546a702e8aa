"""Runs of the real client against an API whose bill and requests are known: the ledger divides what was really sent.

The stand-in API counts a token for 3.6 bytes; `uniform_densities.toml` says the same.
"""

from __future__ import annotations

import json
import lzma
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from her_models import warehouse
from her_models.config import Config
from her_models.ledger.reading import threads
from her_models.ledger.request_log import Part, RequestLog, charged_bytes, compact, without_cache_control
from her_models.ledger.sizes import load_densities
from her_models.ledger.tables import LEDGER_READS
from tests.lakes import SHARED, reading, rows

RUNS = SHARED / "ground-truth"
EXACT_VERSION = "2.1.330"
BYTES_PER_TOKEN = 3.6

pytestmark = pytest.mark.skipif(not RUNS.is_dir(), reason="needs the client runs in ../shared/ground-truth")


Call = dict[str, Any]


@pytest.fixture(scope="module")
def known() -> dict[str, Call]:
    """The API's own ledger, by message id: what it billed, and for which request. `version` and `run` are added."""
    found = {}
    for path in sorted(RUNS.glob("*/*/ledger.jsonl")):
        version, run = path.parts[-3:-1]
        for line in path.read_text(encoding="utf-8").splitlines():
            call = json.loads(line) | {"version": version, "run": run}
            if (call.get("response") or {}).get("id"):
                found[call["response"]["id"]] = call
    return found


@pytest.fixture(scope="module")
def bodies() -> dict[tuple[str, str, int], dict[str, Any]]:
    """What was sent, by version, run and place in the run."""
    found = {}
    for path in sorted(RUNS.glob("*/*/requests.jsonl.xz")):
        with lzma.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                found[(*path.parts[-3:-1], entry["seq"])] = entry["request"]
    return found


@pytest.fixture(scope="module")
def kinds(ground_truth_lake: Config) -> dict[str, dict[str, int]]:
    """Prompt tokens by kind of content, by request."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    tokens = "cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens"
    for request_id, kind, count in rows(ground_truth_lake, f"select request_id, kind, {tokens} from request_context"):
        found[request_id][kind] += count
    return found


def test_every_answered_request_of_a_client_with_a_request_log_is_rebuilt(
    ground_truth_lake: Config, known: Mapping[str, Call]
) -> None:
    truths = dict(rows(ground_truth_lake, "select request_id, lineage_truth from requests"))
    logged = {
        request_id: truth for request_id, truth in truths.items() if known[request_id]["version"] == EXACT_VERSION
    }
    assert len(logged) == 69
    assert set(logged.values()) == {"exact"}


def test_tools_system_and_messages_of_rebuilt_requests_are_within_two_percent(
    ground_truth_lake: Config, known: Mapping[str, Call], kinds: Mapping[str, Mapping[str, int]]
) -> None:
    wrong = []
    for (request_id,) in rows(ground_truth_lake, "select request_id from requests where lineage_truth = 'exact'"):
        true, mine = known[request_id]["info"]["parts_tokens"], kinds[request_id]
        found = {"tools": mine["tool_schema"], "system": mine["system"]}
        found["messages"] = sum(mine.values()) - sum(found.values())
        wrong += [
            (request_id, part, found[part], true[part]) for part in true if abs(found[part] / true[part] - 1) > 0.02
        ]
    assert wrong == []


def _sizes(parts: Sequence[Part]) -> list[tuple[str, str, int]]:
    """Return section, tool and bytes of each block; attachments that a message joined in one block are one again."""
    blocks: dict[str, tuple[str, str, int]] = {}
    for part in parts:
        if part.name == "client header":
            continue
        key = part.key.rpartition(" ")[0] if part.key.startswith("blob ") and part.key.count(" ") == 4 else part.key
        before = blocks.get(key, ("", "", 0))[2]
        blocks[key] = (part.section, part.name if part.section == "tools" else "", before + part.text_bytes)
    return list(blocks.values())


def test_rebuilt_blocks_stand_in_the_order_of_the_request(known: Mapping[str, Call], bodies: Mapping[Any, Any]) -> None:
    compared = 0
    for run in sorted((RUNS / EXACT_VERSION).iterdir()):
        refs, logs = _request_logs(run)
        for log in logs.values():
            assert log.broken_blobs == 0
        for call in known.values():
            if (call["version"], call["run"]) != (EXACT_VERSION, run.name) or call["response"]["id"] not in refs:
                continue
            session, ref = refs[call["response"]["id"]]
            rebuilt = logs[session].rebuilt(ref)
            assert rebuilt is not None
            mine = _sizes(rebuilt.parts)
            assert mine == _sent(bodies[EXACT_VERSION, run.name, call["seq"]])
            compared += 1
    assert compared == 69


def test_requests_are_rebuilt_byte_for_byte_and_every_hash_is_proven(
    known: Mapping[str, Call], bodies: Mapping[Any, Any]
) -> None:
    """All that these runs hold; the header line that names the client is the one thing that is not logged."""
    compared = 0
    for run in sorted((RUNS / EXACT_VERSION).iterdir()):
        refs, logs = _request_logs(run)
        for message_id, (session, ref) in refs.items():
            call = known[message_id]
            sent = dict(bodies[EXACT_VERSION, run.name, call["seq"]])
            sent["system"] = [block for block in sent["system"] if "billing-header" not in block["text"]]
            sent["messages"] = [{**message, "content": _blocks(message["content"])} for message in sent["messages"]]
            rebuilt = logs[session].body(ref)
            assert rebuilt is not None
            unlogged = ("betas", "metadata", "stream")
            assert compact(_without(rebuilt, unlogged)) == compact(_without(sent, unlogged)), (run.name, call["seq"])
            compared += 1
    assert compared == 69


def test_prompts_are_the_same_however_few_request_logs_are_held_at_a_time(
    ground_truth_lake: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork's copied responses are in the log of another session, which is then in another batch."""
    with reading(ground_truth_lake) as lake:
        lake.con.execute("use lake")
        lake.con.execute("create temp table scope_sessions as select distinct source_id, session_id from lines")
        warehouse.build(lake.con, warehouse.needed_by(LEDGER_READS))
        at_once = [thread.lineages for thread in threads(lake.con, load_densities())]
        monkeypatch.setattr("her_models.ledger.reading.BATCH_BYTES", 1)
        one_by_one = [thread.lineages for thread in threads(lake.con, load_densities())]
    assert sum(lineage.truth == "exact" for lineages in at_once for lineage in lineages) > 12
    assert one_by_one == at_once


def test_a_message_that_breaks_its_hash_proves_no_request() -> None:
    refs, logs = _request_logs(RUNS / EXACT_VERSION / "hello")
    ((session, ref),) = refs.values()
    (blob,) = [known for known in logs[session]._blobs.values() if known.role == "user"][:1]
    assert logs[session].body(ref) is not None
    blob.blocks[0]["text"] += "."  # type: ignore[index]
    assert logs[session].body(ref) is None


def _without(body: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def _request_logs(run: Path) -> tuple[dict[str, tuple[str, str]], dict[str, RequestLog]]:
    """Return (session, attempt) by message id, where the attempt was logged, and the request log of each session."""
    lines: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((run / "projects").rglob("*.jsonl")):
        for text in path.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            lines[line.get("sessionId", "")].append(line)
    refs = {
        line["message"]["id"]: (session, line["requestRef"])
        for session, found in lines.items()
        for line in found
        if line.get("requestRef") and line.get("requestSessionId", session) == session
    }
    return refs, {session: RequestLog(found, found) for session, found in lines.items()}


def _sent(body: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Return section, name and bytes of each part of a request, in the order in which the API reads it."""
    plain = without_cache_control(body)
    sent = [("tools", tool["name"], len(compact(tool))) for tool in plain["tools"] if not tool.get("defer_loading")]
    sent += [("system", "", charged_bytes(b)) for b in plain["system"] if "billing-header" not in b["text"]]
    for message in plain["messages"]:
        sent += [("messages", "", charged_bytes(block)) for block in _blocks(message["content"])]
    return sent


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def test_prompts_of_every_version_are_whole(known: Mapping[str, Call], kinds: Mapping[str, Mapping[str, int]]) -> None:
    sent = {request_id: known[request_id]["info"]["total_input"] for request_id in kinds}
    assert len(sent) > 300
    assert {request_id: sum(mine.values()) for request_id, mine in kinds.items()} == sent


def test_the_static_prefix_of_older_clients_is_within_five_percent(
    ground_truth_lake: Config, known: Mapping[str, Call], bodies: Mapping[Any, Any]
) -> None:
    """True are tools, system, and the reminders that stand before the first prompt."""
    wrong, versions = [], set()
    query = "select first_request_id, static_tokens from lineages where cut = 'start' and truth = 'inferred'"
    for request_id, static in rows(ground_truth_lake, query):
        call = known[request_id]
        first = _blocks(bodies[call["version"], call["run"], call["seq"]]["messages"][0]["content"])
        reminders = [charged_bytes(block) for block in first if str(block.get("text")).startswith("<system-reminder>")]
        parts = call["info"]["parts_tokens"]
        true = parts["tools"] + parts["system"] + sum(reminders) / BYTES_PER_TOKEN
        versions.add(call["version"])
        if abs(static / true - 1) > 0.05:
            wrong.append((call["version"], call["run"], call["class"], static, true))
    assert versions == {"0.2.126", "1.0.128", "2.0.77"}
    assert wrong == []


# US dollars per million tokens: input, write for five minutes, read, output.
LIST_PRICES = {
    "claude-3-5-haiku-20241022": (0.8, 1.0, 0.08, 4.0),
    "claude-haiku-4-5-20251001": (1.0, 1.25, 0.1, 5.0),
    "claude-3-7-sonnet-20250219": (3.0, 3.75, 0.3, 15.0),
    "claude-sonnet-4-20250514": (3.0, 3.75, 0.3, 15.0),
    "claude-sonnet-4-5-20250929": (3.0, 3.75, 0.3, 15.0),
    "claude-opus-5-5": (4.0, 5.0, 0.2, 20.0),
}
COUNTED = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def _occasion(call: Call) -> str:
    if call["status"] != "complete":
        return "broken or interrupted"
    return "compaction" if call["class"] == "compact" else "small-model checks"


def test_calls_that_no_line_shows_cost_what_is_estimated_for_them(
    ground_truth_lake: Config, known: Mapping[str, Call]
) -> None:
    """Every compaction, whatever the client logs of it; streams that broke, where the next prompt shows it."""
    logged = dict(rows(ground_truth_lake, "select request_id, session_id from requests"))
    true: dict[tuple[str, str], float] = defaultdict(float)
    for request_id, call in known.items():
        if request_id not in logged and call.get("billed") and call["class"] != "warmup":
            prices = LIST_PRICES[call["model"]]
            cost = sum(call["billed"][name] * price / 1e6 for name, price in zip(COUNTED, prices, strict=True))
            true[call["version"], _occasion(call)] += cost
    # A file's path begins with version and run; small-model calls are made in sessions without a logged response, too.
    query = """
        select split_part(min(source_files.path), '/', 1), occasion, any_value(low_usd), any_value(high_usd)
        from unlogged_calls
        inner join lines on unlogged_calls.session_id = lines.session_id
        inner join source_files on lines.file_id = source_files.file_id
        group by unlogged_calls.session_id, call_index, occasion
    """
    stated: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for version, occasion, low, high in rows(ground_truth_lake, query):
        stated[version, occasion][0] += float(low)
        stated[version, occasion][1] += float(high)
    without_trace = {("1.0.128", "broken or interrupted"), ("2.0.77", "broken or interrupted")}
    assert set(true) - set(stated) == without_trace
    assert set(stated) <= set(true)
    assert {key: (low, true[key], high) for key, (low, high) in stated.items() if not low <= true[key] <= high} == {}
    assert {version for version, occasion in stated if occasion == "compaction"} == {
        "0.2.126", "1.0.128", "2.0.77", EXACT_VERSION,
    }  # fmt: skip
