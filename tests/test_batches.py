"""Building side by side: batches hold every session once, and what they leave is the lake that one process makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models import batches, ingest, lake
from her_models.config import Config
from her_models.errors import LakeError
from tests.lakes import SHARED, config_of, differences, ingested, row, rows, same_key
from tests.logs import answer, append, prompt, write

SESSIONS = SHARED / "sessions"


@pytest.fixture
def side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let batches of next to nothing be built by two processes."""
    monkeypatch.setattr(lake, "INLINED_ROWS", 0)
    monkeypatch.setattr(batches, "SMALL_BYTES", 0)
    monkeypatch.setattr(batches, "BATCH_BYTES", 400)


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Five sessions, of which the second goes on from the first and holds its lines."""
    root = tmp_path / "logs"
    first = [prompt("s1", "u1", 0, "mend the till"), answer("s1", "a1", 1, "m1", output=20)]
    write(root / "projects/-shop/s1.jsonl", *first)
    copied = [dict(line, sessionId="s2") for line in first]
    write(root / "projects/-shop/s2.jsonl", *copied, answer("s2", "a2", 2, "m2", output=50))
    for number in (3, 4, 5):
        session = f"s{number}"
        write(
            root / f"projects/-shop/{session}.jsonl",
            prompt(session, f"u{number}", number, "mend the till"),
            answer(session, f"a{number}", number, f"m{number}", output=10 * number),
        )
    return root


_names = st.integers(0, 30).map(lambda number: f"s{number}")


@given(
    weights=st.dictionaries(_names, st.integers(0, 10**9), min_size=1),
    links=st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d"]), _names)),
    workers=st.integers(1, 5),
)
def test_every_session_is_in_one_batch_with_all_that_share_with_it(
    weights: dict[str, int], links: list[tuple[str, str]], workers: int
) -> None:
    found = batches.divided(weights, links, workers)
    if sum(weights.values()) <= batches.SMALL_BYTES:
        assert found == []
        return
    sessions = [session for batch in found for session in batch.sessions]
    assert sorted(sessions) == sorted(weights)
    place = {session: batch.number for batch in found for session in batch.sessions}
    first: dict[str, int] = {}
    for link, session in links:
        if session in place:
            assert first.setdefault(link, place[session]) == place[session]


def test_what_is_too_much_for_one_process_is_shared_out_evenly() -> None:
    weights = {"a": 40, "b": 36, "c": 24, "d": 20}
    found = batches.divided({name: weight << 20 for name, weight in weights.items()}, [("x", "a"), ("x", "d")], 2)
    assert [batch.sessions for batch in found] == [("a", "d"), ("b", "c")]


def test_processes_leave_the_lake_that_one_process_makes(
    tmp_path: Path, logs: Path, request: pytest.FixtureRequest
) -> None:
    alone = ingested(tmp_path / "alone", logs)
    request.getfixturevalue("side_by_side")
    same_key(tmp_path / "shared", alone.home)
    shared = ingested(tmp_path / "shared", logs)
    assert len(list((shared.home / "lake/staged").rglob("requests-*-b*.parquet"))) > 1
    assert differences(shared, alone) == []
    assert not list((shared.home / "lake/staged").rglob("*-given.parquet"))


@pytest.mark.usefixtures("side_by_side")
def test_lines_come_after_that_and_change_their_sessions_only(tmp_path: Path, logs: Path) -> None:
    grown = ingested(tmp_path / "grown", logs)
    append(logs / "projects/-shop/s3.jsonl", answer("s3", "b3", 9, "m9"))
    ingest.ingest(grown)
    assert row(grown, "select requests_count from sessions where session_id = 's3'") == (2,)
    same_key(tmp_path / "whole", grown.home)
    assert differences(grown, ingested(tmp_path / "whole", logs)) == []


def test_marts_of_another_version_are_built_anew_from_what_the_lake_holds_and_what_is_new(
    tmp_path: Path, logs: Path, request: pytest.FixtureRequest
) -> None:
    grown = ingested(tmp_path / "grown", logs)
    append(logs / "projects/-shop/s4.jsonl", prompt("s4", "w4", 30, "mend the door"), answer("s4", "b4", 31, "m8"))
    request.getfixturevalue("side_by_side")
    moved = config_of(grown.home, logs, time_zone="Asia/Kolkata")  # what makes the marts old
    ingest.ingest(moved)
    assert list((moved.home / "lake/staged").rglob("requests-*-b*.parquet"))
    same_key(tmp_path / "whole", moved.home)
    assert differences(moved, ingested(tmp_path / "whole", logs, time_zone="Asia/Kolkata")) == []


@pytest.mark.usefixtures("side_by_side")
def test_a_process_that_dies_publishes_nothing(tmp_path: Path, logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "import sys; sys.stdin.buffer.read(1); sys.exit(9)"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(batches, "_start", dead)
    config = config_of(tmp_path / "home", logs)
    with pytest.raises(LakeError, match=r"A building process ended early \(out of memory\?\)\. Nothing was published"):
        ingest.ingest(config)
    assert row(config, "select (select count(*) from lines), (select count(*) from requests)") == (0, 0)
    monkeypatch.undo()
    ingest.ingest(config)
    assert row(config, "select count(*) from requests") == (5,)


@pytest.mark.usefixtures("side_by_side")
def test_checks_of_all_batches_are_added_up(tmp_path: Path, logs: Path) -> None:
    config = ingested(tmp_path / "home", logs)
    found = rows(config, "select check_name, failing_count from data_quality where check_name = 'lanes_add_up'")
    assert found == [("lanes_add_up", 0)]
    results = batches.together(
        [
            batches.Built({}, {"lanes_add_up": (2, "request b")}, {}),
            batches.Built({}, {"lanes_add_up": (1, "request a")}, {}),
            batches.Built({}, {"lanes_add_up": (0, None)}, {}),
        ]
    )
    assert [(one.failing_count, one.first_failing) for one in results] == [(3, "request a")]


@pytest.mark.skipif(not SESSIONS.is_dir(), reason="needs ../shared/sessions")
def test_public_sessions_built_side_by_side_are_those_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = ingested(tmp_path / "alone", SESSIONS / "spotter")
    monkeypatch.setattr(batches, "SMALL_BYTES", 0)
    monkeypatch.setattr(batches, "BATCH_BYTES", 1 << 20)
    same_key(tmp_path / "shared", alone.home)
    assert differences(ingested(tmp_path / "shared", SESSIONS / "spotter"), alone) == []


# -- what does not fit into memory ------------------------------------------------------------------------------------


def test_connections_that_spill_at_once_do_not_read_each_others_bytes(tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    connections = [lake.connect(config, read_only=True, attached=False, threads=1) for _ in range(2)]
    for con in connections:
        con.execute("set memory_limit = '40MB'")
    for number, con in enumerate(connections):
        con.execute(
            f"create temp table texts as select i, md5(concat(i, {number})) as text from range(1500000) as r(i)"
        )
    for number, con in enumerate(connections):
        wrong = f"select count(*) from texts where text <> md5(concat(i, {number}))"
        assert con.execute(wrong).fetchone() == (0,)
    assert len(list(tmp_path.glob("tmp-*"))) == 2
    for con in connections:
        con.close()


def test_only_what_dead_processes_spilled_is_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    gone = tmp_path / f"tmp-{int(done.stdout)}-00ff"
    alive = [tmp_path / "tmp-1-00ff", tmp_path / "tmp-mine-own"]
    for folder in (gone, *alive):
        folder.mkdir()
        (folder / "piece.tmp").write_text("x")
    lake.remove_spilled(Config(home=tmp_path))
    assert [folder.exists() for folder in (gone, *alive)] == [False, True, True]
