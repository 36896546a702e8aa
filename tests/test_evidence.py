"""Both sides of a finding: named by what they are, in the order of time, and compared where that says something."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from her_models import evidence
from her_models.contracts import TABLES
from her_models.evidence import Side
from her_models.waste.rules import RULES
from tests.test_reports import SOURCE, fill

BLOCK = Side("ada", "s1", 5, "tool_result", "Read", "/a.py", None, 0, None, 100, 1, "")
NO_LINES: dict[str, Any] = {
    "first_line": None, "last_line": None, "evidence_first_line": None, "evidence_last_line": None
}  # fmt: skip


def block(index: int, text: str, **more: Any) -> Side:
    when = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=index)
    return replace(BLOCK, block_index=index, logged_at=when, text=text, **more)


def finding(kind: str, *lines: int) -> dict[str, Any]:
    return {"kind": kind, **NO_LINES, **dict(zip(NO_LINES, lines, strict=False))}


def test_each_kind_of_finding_names_its_sides() -> None:
    assert set(evidence.NAMES) == set(RULES)


@pytest.mark.parametrize(
    ("kind", "place", "told"),
    [
        ("C13.expired", 9, ["the result that was carried on", "its last use"]),
        ("C2.rejected", 9, ["what was turned down", "the refusal"]),
        ("C4.not_found", 9, ["the failure", "the call that went through"]),
        ("C4.not_found", 4, ["the call that failed", "the failure"]),
        ("C12.quote", 4, ["where it had stood", "what was said back"]),
    ],
)
def test_sides_stand_in_the_order_of_time_and_things_of_different_sorts_are_not_compared(
    kind: str, place: int, told: list[str]
) -> None:
    found = evidence.sides(finding(kind), block(5, "a\nb"), block(place, '{"b": 1}'))
    assert [side.name for side in found.shown] == told
    assert [side.is_waste for side in found.shown] == [place > 5, place < 5]
    assert [side.is_after for side in found.shown if not side.is_waste] == [place > 5]
    assert found.difference is None


def test_of_a_side_that_is_its_own_evidence_one_is_shown() -> None:
    notice = block(5, "done", kind="reminder", tool_name=None)
    found = evidence.sides(finding("C3.noop"), notice, notice)
    assert [(side.name, side.text) for side in found.shown] == [("the notice that woke the model", "done")]
    assert found.difference is None


def test_of_a_read_the_claimed_lines_are_shown_and_compared_by_their_numbers_in_the_file() -> None:
    first = "\n".join(f"{number:>6}→line {number}" for number in range(10, 20))
    second = "\n".join(f"{number:>6}\tline {number}" for number in range(12, 30))
    found = evidence.sides(finding("C5.reread", 18, 19, 18, 19), block(8, second), block(5, first))
    assert [side.text for side in found.shown] == ["18\tline 18\n19\tline 19"] * 2
    assert [side.lines for side in found.shown] == [(18, 19), (18, 19)]
    assert found.difference == ""


def test_of_another_result_the_claimed_lines_are_lines_of_its_text() -> None:
    result = block(5, "one\ntwo\nthree", tool_name="Bash")
    found = evidence.sides(finding("C11.oversize", 2, 3), result, block(7, "one", kind="text"))
    assert found.shown[0].text == "2\ttwo\n3\tthree"
    assert found.difference is None


def test_a_file_written_again_is_compared_by_its_text_whatever_form_it_stands_in() -> None:
    read = block(3, "     1\tdef f():\n     2\t    return 1\n\n<system-reminder>\nMind.\n</system-reminder>")
    call = json.dumps({"file_path": "/a.py", "content": "def f():\n    return 2\n"})
    write = block(6, call, kind="tool_call", tool_name="Write")
    found = evidence.sides(finding("C12.rewrite"), write, read)
    assert found.difference is not None
    assert found.difference.splitlines()[3:] == [" def f():", "-    return 1", "+    return 2"]
    assert [side.text for side in found.shown] == ["def f():\n    return 1", "def f():\n    return 2\n"]


def test_edits_in_between_are_no_part_of_the_difference_of_a_file_written_again() -> None:
    with duckdb.connect() as con:
        for table in ("blocks", "contents", "sessions"):
            con.execute(TABLES[table].ddl())
        read = "".join(f"{number:>6}\t{word}\n" for number, word in enumerate(("one", "two", "three"), 1))
        told: list[tuple[str, str, str, dict[str, Any]]] = [
            ("tool_result", "Read", read, {}),
            ("tool_call", "Edit", json.dumps({"old_string": "two", "new_string": "2"}), {"tool_use_id": "a"}),
            ("tool_call", "Edit", json.dumps({"old_string": "three", "new_string": "3"}), {"tool_use_id": "b"}),
            ("tool_result", "Edit", "String to replace not found", {"tool_use_id": "b", "is_error": True}),
            ("tool_call", "Edit", json.dumps({"old_string": "one", "new_string": "!"}), {"agent_id": "other"}),
            ("tool_call", "Write", json.dumps({"content": "1\n2\nthree\n"}), {}),
        ]
        for index, (kind, tool, text, more) in enumerate(told):
            where = {"session_id": "s1", "block_index": index, "kind": kind, "tool_name": tool, "path": "/a.py"}
            fill(con, "contents", {"content_hash": str(index), "text": text})
            fill(con, "blocks", where | {"content_hash": str(index), "turn_index": 0} | more)
        known = evidence.known_file(con, SOURCE, "s1", 5)
        waste, other = (evidence.side(con, SOURCE, "s1", index) for index in (5, 0))
        assert evidence.known_file(con, SOURCE, "s1", 0) is None
    assert known == evidence.KnownFile("one\n2\nthree\n", 1)
    found = evidence.sides(finding("C12.rewrite"), waste, other, known)
    assert found.difference is not None
    assert (found.difference.splitlines()[3:], found.edits_count) == (["-one", "+1", " 2", " three"], 1)
    assert [side.text for side in found.shown] == ["one\ntwo\nthree", "1\n2\nthree\n"]


def test_of_results_that_end_alike_the_common_end_is_shown() -> None:
    found = evidence.sides(finding("C9.in_result"), block(8, "x\nsame\nend"), block(5, "y\nz\nsame\nend"))
    assert [(side.text, side.lines) for side in found.shown] == [("same\nend", (3, 4)), ("same\nend", (2, 3))]
    assert found.difference == ""
