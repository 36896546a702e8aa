"""Whatever happens to a log, the ingest survives it and the lake accounts for every byte.

Invented sessions of several client versions are mutated and go through a real ingest, many files at a time.
"""

from __future__ import annotations

import random
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from her_models.demo import write_demo
from tests.lakes import ingested, row, rows
from tests.logs import answer, prompt, write

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"

Mutation = Callable[[bytes, random.Random], bytes]


def _truncated(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _bytes_flipped(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(1 + rng.randrange(8)):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _inserted(what: bytes) -> Mutation:
    def mutate(data: bytes, rng: random.Random) -> bytes:
        place = rng.randrange(len(data) + 1)
        return data[:place] + what + data[place:]

    return mutate


def _line_added(what: bytes) -> Mutation:
    def mutate(data: bytes, rng: random.Random) -> bytes:
        lines = data.splitlines(keepends=True)
        lines.insert(rng.randrange(len(lines) + 1), what + b"\n")
        return b"".join(lines)

    return mutate


def _number_changed(to: bytes) -> Mutation:
    def mutate(data: bytes, rng: random.Random) -> bytes:
        return data.replace(b'"output_tokens":', b'"output_tokens":' + to + b',"was":', 1 + rng.randrange(3))

    return mutate


def _newlines_lost(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", b"", 1 + rng.randrange(3))


def _part_repeated(data: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data + data[start : start + rng.randrange(3_000)]


MUTATIONS: dict[str, Mutation] = {
    "truncated": _truncated,
    "bytes flipped": _bytes_flipped,
    "newlines lost": _newlines_lost,
    "a part repeated": _part_repeated,
    "NULs": _inserted(b"\x00" * 40),
    "invalid UTF-8": _inserted(b"\xff\xfe\xc0\x80\xed\xa0\x80"),
    "a lone surrogate": _inserted(b"\\ud83d"),
    "a byte order mark in the middle": _inserted(BOM),
    "a newline in the middle": _inserted(b"\n"),
    "a byte order mark": lambda data, rng: BOM + data,
    "carriage returns": lambda data, rng: data.replace(b"\n", b"\r\n"),
    "carriage returns alone": lambda data, rng: data.replace(b"\n", b"\r", 2),
    "deep nesting": _line_added(b'{"type":"user","message":' + b'{"a":[' * 60_000 + b"]}" * 60_000 + b"}"),
    "unclosed nesting": _line_added(b"[" * 200_000),
    "a surrogate in a text": _line_added(b'{"type":"user","uuid":"\\udfff","message":{"content":"\\ud800 x"}}'),
    "not an object": _line_added(b"[1, 2, 3]"),
    "an empty object": _line_added(b"{}"),
    "odd types": _line_added(b'{"type":7,"uuid":[],"message":"x","timestamp":{},"sessionId":null,"version":1.5}'),
    "a time of no calendar": _line_added(b'{"type":"user","timestamp":"2026-13-45T99:99:99Z","uuid":"t"}'),
    "a time far off": _line_added(b'{"type":"user","timestamp":"9999-12-31T23:59:59Z","uuid":"f"}'),
    "blank lines": _line_added(b" \t "),
    "a huge number": _number_changed(b"9" * 400),
    "a number over 64 bits": _number_changed(b"18446744073709551616"),
    "a negative number": _number_changed(b"-5"),
    "a fraction": _number_changed(b"1.5"),
    "a number with an exponent": _number_changed(b"1e400"),
    "a text for a number": _number_changed(b'"12"'),
    "not a number": _number_changed(b"NaN"),
    "nothing for a number": _number_changed(b"null"),
}


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The first lines of one session per client version and kind of file."""
    out = tmp_path_factory.mktemp("golden")
    write_demo(out)
    found: dict[tuple[str, bool], bytes] = {}
    for path in sorted(out.rglob("*.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)[:14]
        versions = [line.split(b'"version":"')[1].split(b'"')[0].decode() for line in lines if b'"version":"' in line]
        if versions and b"assistant" in b"".join(lines):
            found.setdefault((versions[0], path.name.startswith("agent-")), b"".join(lines))
    return list(found.values())


def _ingest_and_account(files: list[bytes]) -> None:
    """Ingest the files as one source and hold the lake to their bytes."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "logs" / "projects" / "-home-dev-shop"
        folder.mkdir(parents=True)
        for number, data in enumerate(files):
            (folder / f"{number:04d}.jsonl").write_bytes(data)
        config = ingested(Path(scratch) / "home", Path(scratch) / "logs")
        spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for table in ("lines", "refused_lines"):
            for file_id, offset, length in rows(config, f"select file_id, offset_bytes, length_bytes from {table}"):
                spans[file_id].append((offset, length))
        listed = rows(
            config,
            "select path, file_id, status, size_bytes, consumed_bytes, lines_count, refused_count from source_files "
            "where is_current",
        )
        assert len(listed) == len(files)
        for path, file_id, status, size, consumed, lines_count, refused_count in listed:
            data = files[int(Path(path).stem)]
            assert size == len(data)
            if status == "unsupported":  # its beginning is no longer that of a log: listed, and left alone
                assert spans[file_id] == []
                continue
            assert status == ("ok" if data.strip(BLANK) else "empty"), (path, status, data[:80])
            assert len(spans[file_id]) == lines_count + refused_count
            _assert_covered(data, consumed, sorted(spans[file_id]))
        negative = "select count(*) from requests where least(uncached_input_tokens, output_tokens, prompt_tokens) < 0"
        assert row(config, negative) == (0,)


def _assert_covered(data: bytes, consumed: int, spans: list[tuple[int, int]]) -> None:
    """Between the rows stands white space only; behind the last one a line that is not finished."""
    position = 0
    for offset, length in [*spans, (consumed, 0)]:
        assert offset >= position, "two rows share bytes"
        gap = data[position:offset]
        assert gap.removeprefix(BOM if position == 0 else b"").strip(BLANK) == b""
        position = offset + length
    assert b"\n" not in data[consumed:]


@pytest.mark.parametrize("names", [sorted(MUTATIONS)], ids=["all"])
def test_each_mutation_of_each_version_is_survived_and_accounted_for(golden: list[bytes], names: list[str]) -> None:
    rng = random.Random(20261120)
    files = [MUTATIONS[name](data, rng) for name in names for data in golden[:4]]
    assert len(files) == 4 * len(MUTATIONS)
    _ingest_and_account(files)


def _heaps(most: int) -> st.SearchStrategy[list[tuple[int, list[str], int]]]:
    """Files, each as (number of the session, mutations in order, seed)."""
    one = st.tuples(
        st.integers(0, 99),
        st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=1, max_size=4),
        st.integers(0, 1 << 32),
    )
    return st.lists(one, min_size=most // 2, max_size=most)


def _mutated(golden: list[bytes], heap: list[tuple[int, list[str], int]]) -> list[bytes]:
    files = []
    for number, names, seed in heap:
        data, rng = golden[number % len(golden)], random.Random(seed)
        for name in names:
            data = MUTATIONS[name](data, rng)
        files.append(data)
    return files


@settings(max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(heap=_heaps(40))
def test_mutations_on_mutations_lose_no_byte(golden: list[bytes], heap: list[tuple[int, list[str], int]]) -> None:
    _ingest_and_account(_mutated(golden, heap))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(heap=_heaps(100))
def test_four_thousand_mutated_files_lose_no_byte(golden: list[bytes], heap: list[tuple[int, list[str], int]]) -> None:
    _ingest_and_account(_mutated(golden, heap))


def test_a_response_on_a_damaged_copy_of_a_line_belongs_to_the_turn_that_ran(tmp_path: Path) -> None:
    """The other copy stands for the line, so that the response has no line of its own."""
    lines = [prompt("one", "u1", 1), answer("one", "u2", 2, "m1"), prompt("one", "u3", 3), answer("one", "u4", 4, "m2")]
    write(tmp_path / "logs" / "a.jsonl", *lines)
    write(tmp_path / "logs" / "b.jsonl", *lines[:3], answer("one", "u4", 4, "m2 damaged"))
    config = ingested(tmp_path / "home", tmp_path / "logs")
    turns = rows(config, "select request_id, turn_index from requests order by all")
    assert turns == [("m1", 0), ("m2", 1), ("m2 damaged", 1)]


def test_lines_of_twenty_megabytes_are_lines_like_others(golden: list[bytes]) -> None:
    whole = b'{"type":"user","uuid":"big","sessionId":"s","message":{"content":"' + b"x" * 20_000_000 + b'"}}\n'
    cut = b'{"type":"user","uuid":"cut","message":{"content":"' + b"y" * 20_000_000 + b"\n"
    _ingest_and_account([golden[0] + whole + golden[1], golden[0] + cut + golden[1], golden[2] + whole[:-1]])
