"""New bytes in, Parquet out: every byte accounted for, in whatever portions they come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from her_models import contracts, staging
from her_models.errors import LakeError
from her_models.staging import StageProgress, arrow_schema
from her_models.transcript import SeenTexts
from tests.staged import Staged, answer, line, prompt

BOM = b"\xef\xbb\xbf"


def write(folder: Path, data: bytes, name: str = "s1.jsonl") -> Path:
    path = folder / "projects" / "-work-app" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def staged_once(folder: Path, data: bytes, **more: Any) -> Staged:
    staged = Staged(folder, **more)
    staged.run(write(folder, data))
    return staged


def assert_all_bytes_accounted(data: bytes, staged: Staged) -> None:
    """What is in no row is white space or a byte order mark, and what is in one is there once."""
    (state,) = staged.manifest.values()
    covered = [(row["offset_bytes"], row["length_bytes"]) for row in staged.rows("lines")]
    covered += [(row["offset_bytes"], row["length_bytes"]) for row in staged.rows("refused_lines")]
    position = filler = 0
    for offset, length in [*sorted(covered), (state.consumed_bytes, 0)]:
        assert offset >= position
        gap = data[position:offset]
        assert gap.removeprefix(BOM if position == 0 else b"").strip(b" \t\r\n") == b""
        filler += len(gap)
        position = offset + length
    assert filler == state.filler_bytes
    assert len(covered) == state.lines_count + state.refused_count


def test_every_table_has_the_columns_and_types_of_the_contract(tmp_path: Path) -> None:
    staged = staged_once(
        tmp_path, prompt("hello") + b"\n" + answer() + b"\n{broken\n" + line("mode", mode="x", new=1) + b"\n"
    )
    assert staged.shard is not None
    assert set(staged.shard.tables) == {
        *("lines", "response_lines", "block_lines", "contents", "event_lines", "refused_lines", "schema_drift"),
    }
    for name, paths in staged.shard.tables.items():
        for path in paths:
            assert pq.read_schema(path).equals(arrow_schema(contracts.TABLES[name]))
    assert staged.shard.files.schema.equals(arrow_schema(contracts.SOURCE_FILES))


def test_line_keeps_place_and_text(tmp_path: Path) -> None:
    first, second = prompt("hello"), prompt("again")
    staged = staged_once(tmp_path, first + b"\n" + second + b"\n")
    assert [(row["offset_bytes"], row["length_bytes"], row["raw"]) for row in staged.rows("lines")] == [
        (0, len(first), first.decode()),
        (len(first) + 1, len(second), second.decode()),
    ]
    assert staged.rows("lines")[0]["logged_at"].isoformat() == "2026-01-02T03:04:05.678000+00:00"


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
        ("yesterday", None),
        ("9999-99-99T00:00:00Z", None),
    ],
)
def test_timestamp_becomes_utc_or_null(tmp_path: Path, text: str, when: str | None) -> None:
    (row,) = staged_once(tmp_path, prompt("hello", timestamp=text)).rows("lines")
    assert (row["logged_at"].isoformat() if row["logged_at"] else None) == when


def test_byte_order_mark_crlf_blank_lines_and_padding_are_filler(tmp_path: Path) -> None:
    data = BOM + prompt("a") + b"\r\n\r\n  \n\t" + prompt("b") + b"  \n"
    staged = staged_once(tmp_path, data)
    assert_all_bytes_accounted(data, staged)
    (state,) = staged.manifest.values()
    assert (state.lines_count, state.blank_count, state.filler_bytes) == (2, 2, 3 + 2 + 2 + 3 + 1 + 3)


@pytest.mark.parametrize(
    "bad",
    [
        b"\0\0\0",
        b"[1,2]",
        b'"text"',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"type":"user","sessionId":"s1","toolUseResult":{"x":"\xff"}}',
        b"{" * 3000,
        b'{"a":' + b"[" * 200_000,
        b'{"a":1',
        b"\x1b[31m",
    ],
)
def test_what_cannot_be_read_is_refused_whole_and_the_next_line_is_read(tmp_path: Path, bad: bytes) -> None:
    data = prompt("a") + b"\n" + bad + b"\n" + prompt("b") + b"\n"
    staged = staged_once(tmp_path, data)
    assert_all_bytes_accounted(data, staged)
    (row,) = staged.rows("refused_lines")
    assert (row["offset_bytes"], row["length_bytes"]) == (len(prompt("a")) + 1, len(bad))
    assert row["sample"] == bad.decode("utf-8", "replace")
    assert len(staged.rows("lines")) == 2


def test_two_records_on_one_line_each_have_their_place(tmp_path: Path) -> None:
    cut, whole = prompt("cut")[:60], prompt("whole")
    data = prompt("a") + b"\n" + cut + whole + answer() + b"\n"
    staged = staged_once(tmp_path, data)
    start = len(prompt("a")) + 1
    assert [row["offset_bytes"] for row in staged.rows("lines")] == [0, start + len(cut), start + len(cut + whole)]
    assert [(row["offset_bytes"], row["length_bytes"]) for row in staged.rows("refused_lines")] == [(start, len(cut))]


@pytest.mark.parametrize("size", [1_000_000, 20_000_000])
def test_long_line_is_read_whole(tmp_path: Path, size: int) -> None:
    data = prompt("x" * size) + b"\n" + prompt("after")
    staged = staged_once(tmp_path, data)
    assert [row["length_bytes"] for row in staged.rows("lines")] == [len(prompt("x" * size)), len(prompt("after"))]


def test_line_too_long_for_memory_is_refused_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MAX_LINE_BYTES", 1000)
    monkeypatch.setattr(staging, "CHUNK_BYTES", 300)
    data = prompt("a") + b"\n" + prompt("x" * 2500) + b"\n" + prompt("b") + b"\n"
    staged = staged_once(tmp_path, data)
    assert_all_bytes_accounted(data, staged)
    assert [row["length_bytes"] for row in staged.rows("refused_lines")] == [1000, 1000, len(prompt("x" * 2500)) - 2000]
    assert len(staged.rows("lines")) == 2


# -- portions


def test_half_written_line_waits_for_its_rest(tmp_path: Path) -> None:
    first, second = prompt("a") + b"\n", prompt("b")
    staged = staged_once(tmp_path, first + second[:30])
    (state,) = staged.manifest.values()
    assert (state.consumed_bytes, state.size_bytes, state.refused_count) == (len(first), len(first) + 30, 0)
    staged.run(write(tmp_path, first + second + b"\n"))
    assert [row["raw"] for row in staged.rows("lines")] == [prompt("a").decode(), prompt("b").decode()]
    assert len(staged.files) == 1


def test_complete_last_line_without_newline_is_read_and_its_newline_is_no_blank_line(tmp_path: Path) -> None:
    staged = staged_once(tmp_path, prompt("a"))
    assert len(staged.rows("lines")) == 1
    staged.run(write(tmp_path, prompt("a") + b"\n" + prompt("b")))
    (state,) = staged.manifest.values()
    assert (state.lines_count, state.blank_count, state.filler_bytes) == (2, 0, 1)


def test_session_and_version_are_carried_over_to_the_next_portion(tmp_path: Path) -> None:
    staged = staged_once(tmp_path, prompt("a", sessionId="s7", version="2.0.1") + b"\n")
    bare = b'{"type":"mode","mode":"plan"}\n'
    staged.run(write(tmp_path, prompt("a", sessionId="s7", version="2.0.1") + b"\n" + bare))
    last = staged.rows("lines")[-1]
    assert (last["session_id"], last["client_version"]) == ("s7", "2.0.1")


def test_one_appended_line_costs_its_own_bytes_and_two_fingerprints(tmp_path: Path) -> None:
    data = b"".join(prompt(f"{number}" * 100) + b"\n" for number in range(2000))
    staged = staged_once(tmp_path, data)
    plan = staged.run(write(tmp_path, data + prompt("new") + b"\n"))
    assert plan.bytes_to_read == len(prompt("new")) + 1
    assert staged.shard is not None
    assert staged.shard.counts.bytes_read == len(prompt("new")) + 1 + 2 * 4096


_TEXTS = st.text(st.characters(exclude_categories=()), max_size=12)
_SURROGATE = b'{"type":"summary","leafUuid":"u","summary":"\\ud800"}'
_ODD = [
    *(b"", b"   ", b"\r", b"\t", b"7", b"[]", b"null", b'"x"', b"{", b"}", b"{}", b"\0\0", b"\xff", BOM, b"garbage"),
    *(b'{"type":"user","sessionId":"s2","message":7}', b'{"type":"x","uuid":1e999}', b'{"type":5}', _SURROGATE),
    *(
        b'{"type":"user","type":"assistant"}',
        b'{"a":' + b"[" * 1200 + b"]" * 1200 + b"}",
        b'{"n":' + b"9" * 5000 + b"}",
    ),
    *(prompt("x")[:40], prompt("x")[40:], prompt("a") + prompt("b"), prompt("a")[:50] + answer("msg_2")),
    *(line("summary", sessionId=None, summary="t"), line("hologram", new=1), line("user", brandNew=[1])),
]


def _message(text: str) -> bytes:
    escaped = json.dumps(text).encode()  # surrogates stay escaped
    return b'{"type":"user","sessionId":"s3","message":{"role":"user","content":' + escaped + b"}}"


_LINES = st.one_of(
    st.sampled_from(_ODD),
    _TEXTS.map(_message),
    st.integers(-5, 2**70).map(lambda count: answer("msg_3", count)),
    st.binary(max_size=20),
)


@st.composite
def logs(draw: st.DrawFn) -> tuple[bytes, list[int]]:
    """A log that begins with a good line and was mutated after it, and the places where it was cut into portions."""
    good = prompt("first")
    body = bytearray()
    for text in draw(st.lists(_LINES, max_size=8)):
        body += text + draw(st.sampled_from([b"\n", b"\r\n", b"", b"\n\n"]))
    for _ in range(draw(st.integers(0, 3)) if body else 0):
        position = draw(st.integers(0, len(body) - 1))
        body[position] = draw(st.integers(0, 255))
    data = draw(st.sampled_from([b"", BOM])) + good + draw(st.sampled_from([b"\n", b"", b" \n"])) + bytes(body)
    return data, sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))


def _check_portions(data: bytes, cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        whole = staged_once(Path(one), data)
        portions = Staged(Path(other))
        portions.config.key_path.write_bytes(whole.config.key_path.read_bytes())
        for count, cut in enumerate([*cuts, len(data)]):
            path = write(Path(other), data[:cut])
            os.utime(path, ns=(count, count))
            portions.run(path)
        assert_all_bytes_accounted(data, whole)
        assert portions.states() == whole.states()
        for table in ("lines", "response_lines", "block_lines", "event_lines", "refused_lines"):
            assert portions.rows(table) == whole.rows(table)
        assert portions.texts() == whole.texts()
        drift = [sum(row["occurrence_count"] for row in staged.rows("schema_drift")) for staged in (portions, whole)]
        assert drift[0] == drift[1]


_SLOWLY = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(max_examples=40, deadline=None, suppress_health_check=_SLOWLY)
@given(logs())
@example((prompt("first") + b"  \n", [len(prompt("first")) + 1]))
@example((prompt("first") + prompt("second") + b"\n", [len(prompt("first"))]))
@example((BOM + prompt("first"), [2, 3]))
def test_any_mutation_in_any_portions_gives_the_same_rows_and_loses_no_byte(log: tuple[bytes, list[int]]) -> None:
    _check_portions(*log)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None, suppress_health_check=_SLOWLY)
@given(logs())
def test_two_thousand_mutations_in_any_portions_give_the_same_rows(log: tuple[bytes, list[int]]) -> None:
    _check_portions(*log)


# -- secrets

SECRET = "sk-ant-api03-" + "aB3dE5gH7j" * 9 + "AA"


def test_secret_is_in_no_row_and_the_line_stays_readable(tmp_path: Path) -> None:
    data = prompt("plain") + b"\n" + prompt(f"key {SECRET} here") + b"\n{broken " + SECRET.encode() + b"\n"
    staged = staged_once(tmp_path, data, redaction="on")
    assert SECRET not in repr(staged.tables)
    assert_all_bytes_accounted(data, staged)
    redacted = staged.rows("lines")[1]
    assert json.loads(redacted["raw"])["message"]["content"].startswith("key [redacted:")
    assert [row["offset_bytes"] for row in staged.rows("redactions")] == [
        redacted["offset_bytes"],
        staged.rows("refused_lines")[0]["offset_bytes"],
    ]
    assert len({row["fingerprint"] for row in staged.rows("redactions")}) == 1


def test_hash_of_a_line_is_of_its_original_bytes_and_needs_the_key(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    data = prompt("plain") + b"\n" + prompt(SECRET) + b"\n" + prompt(SECRET) + b"\n"
    one = [row["line_hash"] for row in staged_once(tmp_path / "one", data, redaction="on").rows("lines")]
    two = [row["line_hash"] for row in staged_once(tmp_path / "two", data, redaction="on").rows("lines")]
    assert one[1] == one[2] != one[0]
    assert not set(one) & set(two)


# -- many files, several processes


def many_logs(folder: Path) -> Path:
    for number in range(12):
        lines = [
            prompt(f"file {number} line {row} " + "é" * 50) + b"\n" + answer(f"msg_{number}_{row}") for row in range(40)
        ]
        write(folder, b"\n".join(lines), f"s{number}.jsonl")
    return folder / "projects"


def test_workers_give_the_same_rows_as_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = many_logs(tmp_path)
    alone = Staged(tmp_path / "alone", redaction="on")
    alone.run(path)
    together = Staged(tmp_path / "together", redaction="on", workers=3)
    together.config.key_path.write_bytes(alone.config.key_path.read_bytes())
    monkeypatch.setattr(staging, "SMALL_BYTES", 0)
    together.run(path)
    assert together.states() == alone.states()
    for table in ("lines", "response_lines", "block_lines"):
        assert together.rows(table) == alone.rows(table)
    assert together.texts() == alone.texts()
    assert together.shard is not None
    assert together.shard.counts.lines == 960


def test_progress_ends_at_all_files_and_all_bytes(tmp_path: Path) -> None:
    seen: list[StageProgress] = []
    staged = Staged(tmp_path)
    plan = staged.plan(many_logs(tmp_path))
    out = tmp_path / "out"
    out.mkdir()
    staging.stage(plan, out, staged.config, run_id="r", progress=seen.append)
    assert seen[-1] == StageProgress(12, 12, plan.bytes_to_read, plan.bytes_to_read)


def test_small_row_groups_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = many_logs(tmp_path)
    usual = Staged(tmp_path / "usual")
    usual.run(path)
    small = Staged(tmp_path / "small")
    small.config.key_path.write_bytes(usual.config.key_path.read_bytes())
    for name in ("ROW_GROUP_BYTES", "FILE_BYTES", "CHUNK_BYTES", "BATCH_BYTES"):
        monkeypatch.setattr(staging, name, 700)
    monkeypatch.setattr(SeenTexts, "PLACES_BITS", 1)  # nearly every text is forgotten at once
    small.run(path)
    assert small.rows("lines") == usual.rows("lines")
    assert small.rows("block_lines") == usual.rows("block_lines")
    assert small.texts() == usual.texts()
    assert small.shard is not None
    assert len(small.shard.tables["lines"]) > 1


def test_text_that_takes_anothers_place_makes_it_new_again() -> None:
    seen = SeenTexts()
    one, other = 5 << 64 | 3, 9 << 64 | 3
    assert [seen.is_new(number) for number in (one, one, other, other, one)] == [True, False, True, False, True]
    assert seen.is_new(0)  # as an empty place looks


def test_worker_that_dies_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "import sys; sys.stdin.buffer.read(1); sys.exit(9)"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(staging, "SMALL_BYTES", 0)
    monkeypatch.setattr(staging, "_start_worker", dead)
    with pytest.raises(LakeError, match=r"A staging worker ended early \(out of memory\?\)\. Nothing was published"):
        Staged(tmp_path).run(many_logs(tmp_path))


def test_file_that_vanishes_after_planning_costs_that_file(tmp_path: Path) -> None:
    path = many_logs(tmp_path)
    staged = Staged(tmp_path)
    plan = staged.plan(path)
    (path / "-work-app" / "s3.jsonl").unlink()
    out = tmp_path / "out"
    out.mkdir()
    shard = staging.stage(plan, out, staged.config, run_id="r")
    statuses = {row["path"]: row["status"] for row in shard.files.to_pylist()}
    assert statuses.pop("-work-app/s3.jsonl") == "unreadable"
    assert set(statuses.values()) == {"ok"}


def test_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    plan = staged.plan(many_logs(tmp_path))
    with pytest.raises(LakeError, match="Staged files could not be written"):
        staging.stage(plan, tmp_path / "nowhere", staged.config, run_id="r")


def test_plan_without_bytes_still_tells_what_changed(tmp_path: Path) -> None:
    path = write(tmp_path, prompt("a") + b"\n")
    staged = Staged(tmp_path)
    staged.run(path.parent)
    path.unlink()
    staged.run(path.parent)
    assert staged.shard is not None
    assert staged.shard.tables == {}
    assert [row["status"] for row in staged.shard.files.to_pylist()] == ["gone"]


def test_staging_leaves_pandas_alone(tmp_path: Path) -> None:
    write(tmp_path, prompt("a") + b"\n")
    code = (
        "import sys; from pathlib import Path; from tests.staged import Staged; from her_models.staging import stage;"
        f"folder = Path({str(tmp_path)!r}); staged = Staged(folder); plan = staged.plan(folder / 'projects');"
        "assert stage(plan, folder, staged.config, run_id='r').counts.lines == 1; assert 'pandas' not in sys.modules;"
        "import pyarrow as pa; pa.table({'a': [1]}).to_pandas()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- real logs


def test_public_sessions_are_read_whole_and_without_drift(tmp_path: Path) -> None:
    folder = Path(__file__).resolve().parent.parent.parent / "shared" / "sessions"
    if not folder.is_dir():
        pytest.skip("../shared/sessions is not there")
    staged = Staged(tmp_path)
    staged.run(folder)
    assert staged.rows("schema_drift") == []
    read = [state for state in staged.manifest.values() if state.status == "ok"]
    assert len(read) == 188
    assert all(state.consumed_bytes == state.size_bytes for state in read)
    billed: dict[str, list[int]] = {}
    for row in staged.rows("response_lines"):
        if row["model"] != "<synthetic>" and not row["is_api_error"]:
            writes = row["cache_write_5m_tokens"] + row["cache_write_1h_tokens"]
            counts = [row["uncached_input_tokens"], writes, row["cache_read_tokens"], row["output_tokens"]]
            billed[row["message_id"]] = list(map(max, zip(billed.get(row["message_id"], counts), counts, strict=True)))
    assert [len(billed), *map(sum, zip(*billed.values(), strict=True))] == [3812, 380193, 11062116, 268254746, 1208209]
