"""Lines from edit to edit: who wrote them, who replaced them, and what of that another session tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as some

from her_models.checks import checks, run_check
from her_models.compare.groups import Group, read_group, with_week_survival
from her_models.edits.walk import Change, follow
from tests.compare.conftest import Fill


def edit(old: str, new: str, **also: object) -> Change:
    return Change("Edit", "/a.py", {"old_string": old, "new_string": new, **also})


def write(content: str) -> Change:
    return Change("Write", "/a.py", {"content": content})


def counts(*changes: Change) -> list[tuple[int, int]]:
    return [(one.written_count, one.kept_count) for one in follow(changes)]


def test_a_line_that_a_later_edit_replaces_did_not_survive_and_one_that_stands_in_both_texts_did():
    assert counts(edit("x = 0", "a = 1\nb = 2\nc = 3"), edit("  b = 2\nc = 3", "  b = 20\nc = 3")) == [(3, 2), (1, 1)]


def test_an_edit_of_part_of_a_line_replaces_the_line():
    assert counts(write("total = net(a, b)\nprint(total)"), edit("net(a", "gross(a")) == [(2, 1), (1, 1)]
    assert follow([write("total = net(a)\nend()"), edit("net(a)\nend()", "gross(a)\nend()")])[1].kept == [
        "total = gross(a)"
    ]


def test_a_part_that_stands_in_two_lines_names_neither():
    assert counts(write("a = net(1)\nb = net(2)"), edit("net", "gross")) == [(2, 2), (1, 1)]


def test_a_file_written_whole_keeps_the_lines_that_stand_in_it_still():
    first, second = follow([write("a\nb\nb\n{\n}"), write("b\nc")])
    assert (first.written_count, first.kept) == (3, ["b"])
    assert (second.written_count, second.kept, second.whole) == (1, ["c"], ["b", "c"])


def test_every_copy_goes_where_all_are_replaced_and_the_last_one_elsewhere():
    assert counts(write("a\nb\na"), edit("a", "z", replace_all=True)) == [(3, 1), (1, 1)]
    assert counts(write("a\nb\na"), edit("b\na", "b")) == [(3, 2), (0, 0)]


def test_files_do_not_touch_each_other_and_several_edits_of_one_call_follow_each_other():
    other = Change("Write", "/b.py", {"content": "a"})
    steps = {"edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "b", "new_string": "c"}]}
    assert counts(write("a"), other, Change("MultiEdit", "/a.py", steps)) == [(1, 0), (1, 1), (2, 1)]


def test_a_cell_of_a_notebook_is_written_whole_and_told_by_its_id():
    def cell(name: str, source: str, mode: str = "replace") -> Change:
        return Change("NotebookEdit", "/n.ipynb", {"cell_id": name, "new_source": source, "edit_mode": mode})

    found = follow(
        [cell("x", "a\nb"), cell("y", "a"), cell("x", "b"), cell("y", "", "delete"), cell("y", "q", "insert")]
    )
    assert [(one.written_count, one.kept_count) for one in found] == [(2, 1), (1, 0), (0, 0), (0, 0), (1, 1)]
    assert all(one.kept == [] for one in found)


@pytest.mark.parametrize("given", [{}, {"edits": [3]}, {"old_string": 1, "new_string": None}, {"content": []}])
def test_what_is_no_edit_writes_nothing(given: dict[str, object]):
    assert counts(Change("Edit", "/a.py", given), Change("Write", "/a.py", given)) == [(0, 0), (0, 0)]


_TEXTS = some.lists(some.sampled_from(["a", "b", "c = a", "a b"]), max_size=5).map("\n".join)


@given(some.lists(some.one_of(some.builds(edit, _TEXTS, _TEXTS), some.builds(write, _TEXTS)), max_size=8))
def test_no_edit_keeps_more_than_it_wrote_and_a_whole_file_is_all_that_is_kept(changes: list[Change]):
    found = follow(changes)
    assert all(0 <= one.kept_count <= one.written_count and len(one.kept) == one.kept_count for one in found)
    if changes and changes[-1].tool == "Write":
        # Nothing else is left in the file; what was there before the session did not write.
        whole = found[-1].whole or []
        assert sorted(line for one in found for line in one.kept) == sorted(whole)


NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _session(fill: Fill, session_id: str, day: float, *edits: dict[str, object]) -> None:
    at = NOW + timedelta(days=day)
    fill("session_comparison", {"session_id": session_id, "project": "shop", "started_at": at, "ended_at": at})
    for place, one in enumerate(edits):
        row = {"session_id": session_id, "block_index": place, "path": "/a.py", "edited_at": at, "tool_name": "Edit"}
        row |= {"kept_hashes": [], "replaced_hashes": [], "kept_lines_count": len(one.get("kept_hashes", []))}  # type: ignore[arg-type]
        fill("edits", row | one)


def _week(con: duckdb.DuckDBPyConnection) -> list[float | None]:
    return with_week_survival(con, read_group(con, Group(), "UTC")).column("week_survival_ratio")


def test_lines_replaced_in_a_later_session_within_the_week_did_not_survive_it(
    con: duckdb.DuckDBPyConnection, fill: Fill
):
    _session(fill, "s1", 0, {"written_lines_count": 5, "kept_hashes": [1, 2, 3, 4]})
    _session(fill, "s2", 2, {"written_lines_count": 1, "kept_hashes": [9], "replaced_hashes": [1]})
    _session(fill, "s3", 8, {"replaced_hashes": [2, 9]})  # of s1 too late, of s2 in time
    _session(fill, "s4", 20, {"written_lines_count": 1, "kept_hashes": [5]})  # nobody can tell
    assert _week(con) == [0.6, 0.0, None, None]


def test_a_file_written_whole_in_a_later_session_keeps_what_stands_in_it(con: duckdb.DuckDBPyConnection, fill: Fill):
    _session(fill, "s1", 0, {"written_lines_count": 4, "kept_hashes": [1, 2, 3, 4]})
    _session(fill, "s2", 1, {"tool_name": "Write", "whole_hashes": [1, 7]})
    _session(fill, "s3", 9)
    assert _week(con) == [0.25, None, None]


def test_another_file_and_another_project_tell_nothing(con: duckdb.DuckDBPyConnection, fill: Fill):
    _session(fill, "s1", 0, {"written_lines_count": 2, "kept_hashes": [1, 2]})
    _session(fill, "s2", 1, {"path": "/b.py", "replaced_hashes": [1, 2]})
    fill("session_comparison", {"session_id": "s3", "project": "till", "ended_at": NOW + timedelta(days=30)})
    assert _week(con)[:2] == [None, None]
    _session(fill, "s4", 7)
    assert _week(con)[:1] == [1.0]


@pytest.mark.parametrize(
    ("told", "failing"),
    [
        ({"written_lines_count": 5, "kept_lines_count": 4}, 0),
        ({"written_lines_count": 5, "kept_lines_count": 3}, 1),
        ({"written_lines_count": 4, "kept_lines_count": 4}, 1),
    ],
)
def test_a_session_whose_lines_are_not_those_of_its_edits_stops_the_run(
    con: duckdb.DuckDBPyConnection, fill: Fill, told: dict[str, int], failing: int
):
    fill("edits", {"session_id": "s1", "written_lines_count": 5, "kept_lines_count": 4, "kept_hashes": [1, 2, 3, 3]})
    fill("session_comparison", {"session_id": "s1", **told})
    assert run_check(con, checks()["edits_add_up"]).failing_count == failing
