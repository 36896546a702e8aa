"""What later answers made use of, on a few invented texts."""

from collections.abc import Iterator

import duckdb
import pytest

from her_models.contracts import TABLES
from her_models.waste.uses import Found, read_all

LOG = "\n".join(
    f"12:00:{n:02d} worker job_{n:04d} took {n * 7} ms on shard {n % 5} after retry {n % 3}" for n in range(60)
)
PROSE = " ".join(f"word{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(90))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(TABLES["blocks"].ddl())
        connection.execute(TABLES["contents"].ddl())
        yield connection


def _talk(con: duckdb.DuckDBPyConnection, *blocks: tuple[str, str, str | None, str | None]) -> Found:
    """Put kind, text, tool and path of each block into a lake of one thread, and read its uses."""
    for index, (kind, text, tool, path) in enumerate(blocks):
        con.execute(
            "insert into blocks by name select 'a@b' as source_id, 's1' as session_id, ? as block_index, ? as kind,"
            " ? as tool_name, ? as path, ? as content_hash, 1500 as size_tokens, ? as tool_use_id",
            [index, kind, tool, path, f"h{index}", f"c{index // 2}"],
        )
        con.execute(
            "insert into contents by name select 'a@b' as source_id, ? as content_hash, ? as text", [f"h{index}", text]
        )
    return read_all(con)


def test_a_name_that_stood_nowhere_before_is_a_use_of_its_lines_and_their_neighbours(con) -> None:
    found = _talk(
        con,
        ("tool_call", "cat log", "Bash", None),
        ("tool_result", LOG, "Bash", None),
        ("text", "It is job_0030.", None, None),
        ("text", "Nothing else.", None, None),
    )
    assert found.uses == [
        {"source_id": "a@b", "session_id": "s1", "block_index": 1, "last_use_block_index": 2}
        | {"lines_count": 60, "used_lines_count": 5}
    ]
    assert [(part["first_line"], part["last_line"]) for part in found.unused_parts] == [(1, 28), (34, 60)]
    assert found.unused_parts[0]["part_low"] == 0.0
    assert found.unused_parts[1]["part_high"] == 1.0


def test_a_name_that_the_prompt_gave_is_no_use_of_the_result(con) -> None:
    found = _talk(
        con,
        ("prompt", "What about job_0030?", None, None),
        ("tool_result", LOG, "Bash", None),
        ("text", "job_0030 is fine.", None, None),
    )
    assert [use["last_use_block_index"] for use in found.uses] == [None]


def test_eight_words_in_a_row_are_a_use_even_of_plain_prose(con) -> None:
    words = PROSE.split(" ")
    found = _talk(
        con,
        ("tool_result", PROSE, "WebFetch", None),
        ("text", "As it says: " + " ".join(words[20:28]), None, None),
        ("tool_result", PROSE.upper(), "WebFetch", None),
        ("text", "As it says: " + " ".join(words[40:47]), None, None),  # seven are none
    )
    assert [use["last_use_block_index"] for use in found.uses] == [1, None]


def test_an_edit_of_the_file_is_a_use_of_its_read(con) -> None:
    found = _talk(
        con,
        ("tool_result", PROSE, "Read", "/f"),
        ("text", "Fine.", None, None),
        ("tool_call", '{"file_path":"/f"}', "Edit", "/f"),
        ("tool_call", '{"file_path":"/g"}', "Edit", "/g"),
    )
    assert [use["last_use_block_index"] for use in found.uses] == [2]


def test_a_use_before_the_result_is_none(con) -> None:
    found = _talk(con, ("text", "job_0030", None, None), ("tool_result", LOG, "Bash", None), ("text", "ok", None, None))
    assert [use["last_use_block_index"] for use in found.uses] == [None]


def test_sixty_words_said_back_are_a_quotation_and_fewer_are_none(con) -> None:
    words = PROSE.split(" ")
    long, short = " ".join(words[10:75]), " ".join(words[10:65])
    found = _talk(
        con,
        ("tool_result", PROSE, "Read", "/f"),
        ("text", f"It says: {long} End.", None, None),
        ("text", f"It says: {short} End.", None, None),
        ("tool_call", f'{{"content":"{long}"}}', "Write", "/g"),
    )
    (quote,) = found.quotes
    assert (quote["block_index"], quote["evidence_block_index"], quote["words_count"]) == (1, 0, 65)
    whole = len(f"It says: {long} End.")
    assert quote["part_low"] == 9 / whole
    assert quote["part_high"] == (9 + len(long)) / whole


def test_a_known_file_written_whole_says_what_an_edit_would_have_spared(con) -> None:
    lines = [f"line number {n:03d}" for n in range(100)]
    shown = "\n".join(f"{n:>6}→{line}" for n, line in enumerate(lines, 1))
    after = "\\n".join(line.replace("050", "fif") for line in lines) + "\\n"
    call = f'{{"content":"{after}","file_path":"/f"}}'
    found = _talk(
        con, ("tool_result", shown, "Read", "/f"), ("tool_call", "x", None, None), ("tool_call", call, "Write", "/f")
    )
    (rewrite,) = found.rewrites
    # 16 bytes a line: one out, one in, six neighbours twice; 60 for the call and 2 for the path.
    assert rewrite["spared_ratio"] == 1 - (14 * 16 + 62) / len(call)
    assert (rewrite["evidence_block_index"], rewrite["unchanged_lines_count"]) == (0, 99)
