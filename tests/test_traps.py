"""Mistakes that tools of this kind have made, each with a small invented session that would show it.

The numbers are those of the list of traps. Trap 17, a page that holds a whole session, is tested in Chromium
(`browser/test_replay.py`); trap 18, reads of other lines of the same file, where waste is found
(`waste/test_repeats.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.ingest import PlainIngest, run_plain
from her_models import reports
from her_models.config import Config, load_config
from her_models.ingest import ingest, nothing_new
from tests.lakes import ingest_again, ingested, reading, row, rows
from tests.logs import answer, append, prompt, write

GIANT_BYTES = 6_000_000

# One answer of tests.logs on Sonnet 4.5: 10 uncached, 100 written, 1,000 read and 20 out, in picodollars.
WITH_HOUR_LONG_WRITES = 10 * 3_000_000 + 100 * 6_000_000 + 1000 * 300_000 + 20 * 15_000_000
WITH_SHORT_WRITES = 10 * 3_000_000 + 100 * 3_750_000 + 1000 * 300_000 + 20 * 15_000_000


def _fragment(line: dict[str, Any], stop: str | None) -> dict[str, Any]:
    """Make an answer one of several lines of its response."""
    line["message"]["stop_reason"] = stop
    return line


def _short_writes(line: dict[str, Any]) -> dict[str, Any]:
    split = {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 0}
    line["message"]["usage"]["cache_creation"] = split
    return line


def _nested(session: str, uuid: str, second: int, inner: dict[str, Any]) -> dict[str, Any]:
    """Return the progress line in which a parent repeats what its subagent said."""
    message = {name: inner[name] for name in ("type", "timestamp", "message", "requestId", "uuid")}
    data = {"type": "agent_progress", "agentId": "a1", "prompt": "look", "message": message, "normalizedMessages": []}
    more = {"type": "progress", "data": data, "toolUseID": "agent_1", "parentToolUseID": "toolu_1"}
    line = prompt(session, uuid, second) | more
    del line["message"]
    return line


def _streamed(folder: Path) -> None:
    write(
        folder / "streamed.jsonl",
        prompt("streamed", "st-1", 0),
        _fragment(answer("streamed", "st-2", 1, "msg_streamed", text="let me", output=2), None),
        _fragment(answer("streamed", "st-3", 2, "msg_streamed", text="look at", output=2), None),
        _fragment(answer("streamed", "st-4", 3, "msg_streamed", text="the till", output=512), "end_turn"),
    )


def _forked(folder: Path) -> None:
    """A session, a fork that keeps the uuids, and a resume by an old client that makes them anew."""
    write(folder / "origin.jsonl", prompt("origin", "or-1", 0), answer("origin", "or-2", 1, "msg_origin"))
    write(
        folder / "fork.jsonl",
        prompt("fork", "or-1", 0),
        answer("fork", "or-2", 1, "msg_origin"),
        prompt("fork", "fk-1", 60, text="try another way"),
        answer("fork", "fk-2", 61, "msg_fork"),
    )
    write(
        folder / "resumed.jsonl",
        prompt("resumed", "re-1", 0),
        answer("resumed", "re-2", 1, "msg_origin"),
        prompt("resumed", "re-3", 120, text="go on"),
        answer("resumed", "re-4", 121, "msg_resumed"),
    )


def _agents(folder: Path) -> None:
    """Subagents in the three places where clients have put them; one is repeated inside the parent's progress."""
    task = [
        {"type": "tool_use", "id": "toolu_1", "name": "Task", "input": {"prompt": "look", "subagent_type": "scout"}}
    ]
    start = _fragment(answer("parent", "pa-2", 1, "msg_parent"), "tool_use")
    start["message"]["content"] = task
    nested = answer("parent", "nested-1", 3, "msg_nested", isSidechain=True, agentId="a1")
    write(
        folder / "parent.jsonl",
        prompt("parent", "pa-1", 0),
        start,
        _nested("parent", "pa-3", 3, nested),
        answer("parent", "pa-4", 5, "msg_same_file", isSidechain=True),
        answer("parent", "pa-5", 9, "msg_parent_end"),
    )
    write(folder / "agent-0a1b2c3.jsonl", answer("parent", "fl-1", 6, "msg_flat", isSidechain=True, agentId="0a1b2c3"))
    deep = answer("parent", "dp-1", 7, "msg_deep", isSidechain=True, agentId="0123456789abcdef0")
    write(folder / "parent" / "subagents" / "agent-0123456789abcdef0.jsonl", _short_writes(deep))
    write(folder / "parent" / "subagents" / "agent-a1.jsonl", nested)


def _failed(folder: Path) -> None:
    """Texts that the client makes when a call fails look like answers."""
    synthetic = answer("failed", "fa-2", 1, "msg_synthetic", text="No response requested.")
    synthetic["message"]["model"] = "<synthetic>"
    error = answer("failed", "fa-3", 2, "msg_error", text="API Error: 529", isApiErrorMessage=True)
    write(
        folder / "failed.jsonl", prompt("failed", "fa-1", 0), synthetic, error, answer("failed", "fa-4", 3, "msg_good")
    )


def _giant(folder: Path) -> None:
    snapshot = {"messageId": "gi-1", "trackedFileBackups": {"till.py": "x" * GIANT_BYTES}}
    write(
        folder / "giant.jsonl",
        prompt("giant", "gi-1", 0),
        {"type": "file-history-snapshot", "messageId": "gi-1", "snapshot": snapshot, "isSnapshotUpdate": False},
        answer("giant", "gi-2", 1, "msg_giant"),
    )


def _broken(folder: Path) -> None:
    cut = _fragment(answer("broken", "br-2", 1, "msg_broken", text="I will now exp", output=2), None)
    write(folder / "broken.jsonl", prompt("broken", "br-1", 0), cut)


def _two_versions(folder: Path) -> None:
    uncached = answer("versions", "ve-2", 60, "msg_new", version="2.1.269")
    uncached["message"]["usage"] |= {
        "input_tokens": 1110,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
    }
    uncached["message"]["usage"]["cache_creation"] = {}
    old = answer("versions", "ve-1", 0, "msg_old", version="2.1.268")
    write(folder / "versions.jsonl", old, uncached)


def _advised(folder: Path) -> None:
    """A response with a sub-call to a larger model, which the top-level counts leave out."""
    line = answer("advised", "ad-2", 1, "msg_advised")
    usage = line["message"]["usage"]
    advice = {"type": "advisor_message", "model": "claude-opus-4-5", "input_tokens": 1000, "output_tokens": 100}
    usage["iterations"] = [{"type": "message"} | usage, advice]
    write(folder / "advised.jsonl", prompt("advised", "ad-1", 0), line)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """One source with a session for each trap."""
    folder = tmp_path_factory.mktemp("logs") / "projects" / "-home-dev-shop"
    for session in (_streamed, _forked, _agents, _failed, _giant, _broken, _two_versions, _advised):
        session(folder)
    return ingested(tmp_path_factory.mktemp("home"), folder.parents[1])


# ---- counting -------------------------------------------------------------------------------------------------------


def test_trap_1_the_last_fragment_of_a_streamed_response_counts_not_the_first(lake: Config):
    assert row(lake, "select output_tokens from requests where session_id = 'streamed'") == (512,)


def test_trap_2_fragments_are_one_response_not_three(lake: Config):
    counted = "select copies_count, cache_read_tokens, stop_reason from requests where session_id = 'streamed'"
    assert rows(lake, counted) == [(3, 1000, "end_turn")]


def test_trap_3_what_a_fork_or_a_resume_repeats_is_paid_for_once(lake: Config):
    paid = "select session_id, request_id from requests where session_id in ('origin', 'fork', 'resumed') order by 2"
    assert rows(lake, paid) == [("fork", "msg_fork"), ("origin", "msg_origin"), ("resumed", "msg_resumed")]


@pytest.mark.parametrize("session", ["fork", "resumed"])
def test_trap_3_the_repeated_history_is_context_there(lake: Config, session: str):
    said = f"from blocks where session_id = '{session}' and kind in ('prompt', 'text') order by block_index"
    found = rows(lake, f"select is_inherited, kind {said}")
    assert found == [(True, "prompt"), (True, "text"), (False, "prompt"), (False, "text")]


def test_trap_4_a_subagent_repeated_in_the_parents_progress_is_counted_once(lake: Config):
    assert row(lake, "select count(*) from requests where request_id = 'msg_nested'") == (1,)
    assert row(lake, "select count(*) from blocks where request_id = 'msg_nested'") == (1,)


def test_trap_5_subagents_in_every_layout_belong_to_their_parent(lake: Config):
    sidechains = "select request_id from requests where session_id = 'parent' and is_sidechain order by 1"
    assert rows(lake, sidechains) == [("msg_deep",), ("msg_flat",), ("msg_nested",), ("msg_same_file",)]
    assert row(lake, "select requests_count from sessions where session_id = 'parent'") == (6,)


# ---- money ----------------------------------------------------------------------------------------------------------


def test_trap_6_hour_long_writes_cost_twice_the_input_price(lake: Config):
    billed = "select billed_picodollars from requests where request_id = 'msg_flat'"
    assert row(lake, billed) == (WITH_HOUR_LONG_WRITES,)
    assert WITH_HOUR_LONG_WRITES == 1_230_000_000


def test_trap_7_a_subagent_that_writes_for_five_minutes_pays_for_five_minutes(lake: Config):
    billed = "select billed_picodollars from requests where request_id = 'msg_deep'"
    assert row(lake, billed) == (WITH_SHORT_WRITES,)
    assert WITH_SHORT_WRITES == 1_005_000_000


def test_a_sub_call_is_billed_at_the_price_of_its_own_model(lake: Config):
    advice = 1000 * 5_000_000 + 100 * 25_000_000
    billed = "select billed_picodollars, uncached_input_tokens from requests where request_id = 'msg_advised'"
    assert row(lake, billed) == (WITH_HOUR_LONG_WRITES + advice, 1010)


def test_trap_8_cache_tokens_are_not_input_tokens(lake: Config):
    classes = "uncached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, prompt_tokens"
    assert row(lake, f"select {classes} from requests where request_id = 'msg_flat'") == (10, 0, 100, 1000, 1110)


def test_trap_9_failed_calls_cost_nothing(lake: Config):
    assert rows(lake, "select request_id from requests where session_id = 'failed'") == [("msg_good",)]


def test_trap_12_a_response_that_never_finished_is_a_floor(lake: Config):
    counted = "select output_tokens, is_output_floor from requests where session_id = 'broken'"
    assert row(lake, counted) == (2, True)
    assert row(lake, "select sum(floor_requests_count) from daily_cost") == (1,)


def test_trap_14_every_page_gives_the_same_total(lake: Config):
    total = row(lake, "select sum(billed_usd) from requests")
    for table, money in [
        ("sessions", "billed_usd"),
        ("turns", "incurred_usd"),
        ("daily_cost", "billed_usd"),
        ("agent_cost", "billed_usd"),
    ]:
        assert row(lake, f"select sum({money}) from {table}") == total, table
    with reading(lake) as opened:
        shown = {reports.overview(opened.con).billed_usd}
        shown |= {
            sum(reports.cost_by(opened.con, by)["billed_usd"].to_pylist()) for by in ("project", "model", "owner")
        }
    assert shown == set(total)


def test_trap_19_what_a_client_version_costs_can_be_asked(lake: Config):
    by_version = """
        select client_version, sum(cache_read_tokens), sum(uncached_input_tokens)
        from requests where session_id = 'versions' group by all order by 1
    """
    assert rows(lake, by_version) == [("2.1.268", 1000, 10), ("2.1.269", 0, 1110)]


# ---- time -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", [("2026-03-28", 2), ("2026-03-29", 2)]),
        # The 29th has 23 hours there: clocks go from 02:00 to 03:00.
        ("Europe/Berlin", [("2026-03-28", 1), ("2026-03-29", 2), ("2026-03-30", 1)]),
        ("America/Los_Angeles", [("2026-03-28", 2), ("2026-03-29", 2)]),
    ],
)
def test_trap_10_a_day_is_the_readers_day(tmp_path: Path, zone: str, days: list[tuple[str, int]]):
    moments = ["2026-03-28T22:30:00Z", "2026-03-28T23:30:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"]
    lines = [answer("s", f"u{n}", 0, f"msg_{n}", timestamp=moment) for n, moment in enumerate(moments)]
    write(tmp_path / "logs" / "s.jsonl", *lines)
    config = ingested(tmp_path / "home", tmp_path / "logs", time_zone=zone)
    assert rows(config, "select day_on::varchar, requests_count from daily_cost order by 1") == days


# ---- files ----------------------------------------------------------------------------------------------------------


def test_trap_11_a_giant_line_is_one_line(lake: Config):
    giant = row(lake, "select length_bytes, type from lines order by length_bytes desc limit 1")
    assert giant[0] > GIANT_BYTES
    assert giant[1] == "file-history-snapshot"
    assert row(lake, "select count(*) from requests where session_id = 'giant'") == (1,)


def test_trap_13_a_last_line_still_being_written_is_read_when_it_is_whole(tmp_path: Path):
    log = write(tmp_path / "logs" / "s.jsonl", prompt("s", "u1", 0))
    whole = json.dumps(answer("s", "u2", 1, "msg_last")) + "\n"
    with log.open("a", encoding="utf-8") as file:
        file.write(whole[:200])
    config = ingested(tmp_path / "home", tmp_path / "logs")
    assert row(config, "select count(*) from requests") == (0,)
    with log.open("a", encoding="utf-8") as file:
        file.write(whole[200:])
    ingest_again(config)
    assert rows(config, "select request_id from requests") == [("msg_last",)]
    assert row(config, "select count(*) from refused_lines") == (0,)


def test_trap_15_an_idle_run_opens_no_log(tmp_path: Path):
    logs = tmp_path / "logs"
    write(logs / "s.jsonl", prompt("s", "u1", 0), answer("s", "u2", 1, "msg_1"))
    config = ingested(tmp_path / "home", logs)
    with _watched() as seen:
        assert nothing_new(config)
        assert not ingest_again(config).is_changed
    inside = [one.path for one in seen if one.event == "open" and Path(one.path).is_relative_to(logs)]
    assert [path for path in inside if path != str(logs)] == []


def test_trap_16_asking_again_and_again_starts_no_process_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    logs = tmp_path / "logs"
    write(logs / "s.jsonl", prompt("s", "u1", 0), answer("s", "u2", 1, "msg_1"))
    monkeypatch.setenv("HER_HOME", str(tmp_path / "home"))
    ingest(load_config(), [logs])
    kept = [path for path in (tmp_path / "home").rglob("*") if not path.name.startswith("catalog.sqlite-")]
    before = [path.stat().st_mtime_ns for path in kept]
    with _watched() as seen:
        assert [run_plain(PlainIngest((logs,), None, False)) for _ in range(20)] == [0] * 20
    assert [one for one in seen if one.event != "open" or one.is_writing] == []
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert capfd.readouterr().out == "Nothing new.\n" * 20


@dataclass(frozen=True)
class _Seen:
    event: str  # open, lock or start (a process)
    path: str = ""
    is_writing: bool = False
    inode: int = 0


@contextlib.contextmanager
def _watched() -> Iterator[list[_Seen]]:
    """Give what this process opens, locks and starts while the block runs."""
    seen: list[_Seen] = []
    is_watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not is_watching:
            return
        if event == "open":
            seen.append(_Seen("open", str(arguments[0]), bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))))
        elif event in {"fcntl.flock", "fcntl.lockf"}:
            seen.append(_Seen("lock", inode=os.fstat(arguments[0]).st_ino))
        elif event in {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec"}:
            seen.append(_Seen("start"))

    sys.addaudithook(watch)  # there is no taking it away again, only telling it to rest
    try:
        yield seen
    finally:
        is_watching = False


def test_trap_21_whoever_reads_the_logs_does_not_hinder_the_client_that_writes_them(tmp_path: Path):
    log = write(tmp_path / "logs" / "s.jsonl", prompt("s", "u1", 0), answer("s", "u2", 1, "msg_1"))
    with _watched() as seen:
        config = ingested(tmp_path / "home", log.parent)
    assert row(config, "select count(*) from requests") == (1,)
    opened = [one for one in seen if one.event == "open" and one.path == str(log)]
    assert opened
    assert [one for one in opened if one.is_writing] == []
    locked = [one for one in seen if one.event == "lock"]
    assert locked  # its own, in HER_HOME
    assert [one for one in locked if one.inode == log.stat().st_ino] == []


def test_trap_20_logs_that_the_client_deletes_stay_counted(tmp_path: Path):
    logs = tmp_path / "logs"
    old = write(logs / "old.jsonl", prompt("old", "u1", 0), answer("old", "u2", 1, "msg_old"))
    new = write(logs / "new.jsonl", prompt("new", "u3", 90), answer("new", "u4", 91, "msg_new"))
    config = ingested(tmp_path / "home", logs)
    old.unlink()
    append(new, answer("new", "u5", 92, "msg_newer"))
    ingest_again(config)
    assert row(config, "select count(*), sum(requests_count) from sessions") == (2, 3)
    assert row(config, "select status from source_files where path like '%old.jsonl'") == ("gone",)


# ---- secrets --------------------------------------------------------------------------------------------------------


def test_trap_22_a_secret_in_a_harmless_field_does_not_reach_the_lake(tmp_path: Path):
    secret = "ghp_" + "A1b2C3d4E5f6G7h8I9j0" + "K1l2M3n4O5p6Q7r8"
    odd_places = {
        "gitBranch": f"fix-{secret}",
        "slug": secret,
        "cwd": f"/home/dev/{secret}",
        "unheardOf": {"x": [secret]},
    }
    title = {"type": "custom-title", "customTitle": f"push with {secret}", "sessionId": "s"}
    write(tmp_path / "logs" / "s.jsonl", prompt("s", "u1", 0, **odd_places), answer("s", "u2", 1, "msg_1"), title)
    config = ingested(tmp_path / "home", tmp_path / "logs")
    texts = """
        select table_name, column_name from duckdb_columns()
        where database_name = 'lake' and data_type in ('VARCHAR', 'VARCHAR[]')
    """
    places = rows(config, texts)
    assert len(places) > 100
    with reading(config) as opened:
        for table, column in places:
            query = f"select count(*) from {table} where contains({column}::varchar, '{secret}')"
            assert opened.con.execute(query).fetchone() == (0,), (table, column)
    assert row(config, "select count(distinct fingerprint) from redactions") == (1,)
