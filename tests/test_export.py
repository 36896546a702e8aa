"""One session written out: which one is meant, and each of its lines once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from her_models.config import Config
from her_models.errors import QueryError
from her_models.export import SessionKey, _fenced, export_session, find_session, sessions_named
from her_models.lake import Lake, open_lake
from tests.app.conftest import fill

KEY = SessionKey("ada@laptop", "5e55")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    with open_lake(Config(home=tmp_path)) as lake:
        yield lake


def _file(
    lake: Lake, file_id: int, path: str, *lines: tuple[str | None, str | None, str], is_current: bool = True
) -> None:
    """A file of `KEY`'s session with lines of uuid, subagent and raw text."""
    fill(lake, "source_files", {"file_id": file_id, "path": path, "is_current": is_current, "status": "ok"})
    for offset, (uuid, agent_id, raw) in enumerate(lines):
        line = {"file_id": file_id, "offset_bytes": offset, "session_id": KEY.session_id, "line_hash": raw}
        fill(lake, "lines", line | {"uuid": uuid, "agent_id": agent_id, "raw": raw})


def _exported(lake: Lake) -> list[str]:
    return b"".join(export_session(lake.con, KEY, "jsonl")).decode().splitlines()


def test_session_held_by_several_files_is_written_once_in_the_order_of_the_fullest(lake: Lake) -> None:
    _file(lake, 1, "monday.jsonl", ("u1", None, "one"), ("u2", None, "two"))
    _file(lake, 2, "friday.jsonl", ("u1", None, "one"), ("u2", None, "two"), ("u3", None, "three"))
    assert _exported(lake) == ["one", "two", "three"]


def test_equal_lines_without_a_uuid_are_as_many_as_one_file_has(lake: Lake) -> None:
    _file(lake, 1, "monday.jsonl", (None, None, "tick"), (None, None, "tick"))
    _file(lake, 2, "friday.jsonl", (None, None, "tick"), (None, None, "tick"), (None, None, "end"))
    assert _exported(lake) == ["tick", "tick", "end"]


def test_subagents_come_after_the_main_thread(lake: Lake) -> None:
    _file(lake, 1, "a/agent-x.jsonl", ("u2", "x", "of the agent"))
    _file(lake, 2, "b.jsonl", ("u1", None, "of the main thread"))
    assert _exported(lake) == ["of the main thread", "of the agent"]


def test_replaced_content_of_a_file_is_left_out(lake: Lake) -> None:
    _file(lake, 1, "a.jsonl", ("u1", None, "before"), is_current=False)
    _file(lake, 2, "a.jsonl", ("u2", None, "after"))
    assert _exported(lake) == ["after"]


def test_session_is_found_by_how_its_id_begins(lake: Lake) -> None:
    ids = [("ada@laptop", "5e55-a"), ("ada@laptop", "5e55-b"), ("ben@box", "5e55-b"), ("ada@laptop", "5e55")]
    fill(lake, "sessions", *({"source_id": source_id, "session_id": session_id} for source_id, session_id in ids))
    assert find_session(lake.con, "5e55-a") == SessionKey("ada@laptop", "5e55-a")
    assert find_session(lake.con, "5e55") == SessionKey("ada@laptop", "5e55")  # whole, though others begin so
    assert find_session(lake.con, "ben@box/5e") == SessionKey("ben@box", "5e55-b")
    with pytest.raises(QueryError, match=r"2 sessions begin with '5e55-b': ada@laptop/5e55-b, ben@box/5e55-b"):
        find_session(lake.con, "5e55-b")
    with pytest.raises(QueryError, match=r"No session begins with '6'"):
        find_session(lake.con, "6")
    assert sessions_named(lake.con, "5e55-", "ada@laptop") == (
        SessionKey("ada@laptop", "5e55-a"),
        SessionKey("ada@laptop", "5e55-b"),
    )
    assert sessions_named(lake.con, "6") == ()


def test_unknown_format_is_refused(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"There is no format 'docx'"):
        export_session(lake.con, KEY, "docx")


def test_text_with_fences_is_fenced_by_longer_ones() -> None:
    assert _fenced("a ``` b ````` c") == "``````\na ``` b ````` c\n``````"
    assert _fenced("plain") == "```\nplain\n```"
