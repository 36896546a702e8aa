"""Comparisons that are filled in: the week looked back on, and the change of CLAUDE.md that can be judged."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from her_models.compare import commits, instructions, presets
from her_models.compare.groups import Group, parse_group, read_group
from her_models.compare.nightly import weeks_document
from her_models.errors import QueryError
from tests.compare.conftest import Fill

START = datetime(2026, 11, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "end"),
    [
        ({"2026-11-27": 9}, "2026-11-27"),  # only today: it is looked at though it is not over
        ({"2026-11-27": 9, "2026-11-26": 1}, "2026-11-26"),  # today is not over
        ({"2026-11-20": 1}, "2026-11-26"),
        ({"2026-11-19": 1}, "2026-11-19"),  # nothing in the seven days up to yesterday, nor enough anywhere
        ({"2026-05-03": 5, "2026-05-09": 5, "2026-05-20": 4, "2026-06-01": 1}, "2026-06-01"),
        ({"2026-05-03": 5, "2026-05-10": 5, "2026-06-01": 1}, "2026-05-10"),
        ({}, None),
    ],
)
def test_the_week_ends_yesterday_or_where_the_logs_last_tell_enough(days: dict[str, int], end: str | None):
    counts = {date.fromisoformat(day): count for day, count in days.items()}
    found = presets.week_end(counts, date(2026, 11, 27))
    assert found == (date.fromisoformat(end) if end else None)


def test_weeks_that_are_not_the_last_ones_are_told_on_the_report():
    today = date(2026, 11, 27)
    said = (
        "No session began in the seven days to 2026-11-26. These are not the last two weeks but the last that can be"
        " told, to 2026-01-14."
    )
    assert weeks_document(date(2026, 1, 14), [], today=today).sections[0].sentences == [said]
    assert weeks_document(date(2026, 11, 26), [], today=today).sections[0].sentences == []


def test_days_are_those_of_the_time_zone(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill("session_comparison", {"session_id": "s1", "started_at": datetime(2026, 11, 1, 23, 30, tzinfo=UTC)})
    assert presets.session_days(con, "Europe/Berlin") == {date(2026, 11, 2): 1}


def test_the_new_model_is_the_last_to_appear_of_those_used_enough(con: duckdb.DuckDBPyConnection, fill: Fill):
    for model, first, count in (("old", 0, 6), ("older", 1, 7), ("new", 9, 5), ("tried", 20, 2)):
        for day in range(first, first + count):
            at = START + timedelta(days=day)
            fill("session_comparison", {"session_id": f"{model}-{day}", "started_at": at, "model": model})
    assert presets.choices(con).new_model == ("older", "new")
    con.execute("delete from session_comparison where model <> 'tried'")
    assert presets.choices(con).new_model is None


def test_two_models_are_taken_that_worked_in_one_project(con: duckdb.DuckDBPyConnection, fill: Fill):
    used = [("site", "old", 0, 9), ("shop", "mid", 5, 6), ("shop", "new", 12, 5), ("shop", "tried", 20, 2)]
    for project, model, first, count in [*used, ("till", "newest", 25, 9)]:
        for day in range(first, first + count):
            row = {"session_id": f"{model}-{day}", "project": project, "model": model}
            fill("session_comparison", row | {"started_at": START + timedelta(days=day)})
    found = presets.choices(con)
    assert (found.new_model, found.new_model_projects) == (("mid", "new"), ("shop",))
    con.execute("delete from session_comparison where model = 'new'")
    found = presets.choices(con)
    assert (found.new_model, found.new_model_projects) == (("old", "newest"), ())


def fill_days(fill: Fill, project: str, hashes: str) -> None:
    """One session a day; each letter is the hash of what it read, a dot none."""
    for day, name in enumerate(hashes):
        at = START + timedelta(days=day)
        row = {"session_id": f"{project}-{day}", "project": project, "started_at": at, "ended_at": at}
        fill("session_comparison", row | {"instructions_hash": None if name == "." else name, "model": "opus"})


def test_the_last_change_is_the_one_with_enough_sessions_on_both_sides(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_days(fill, "shop", "aaaaabbbbbbcc")
    fill_days(fill, "till", "xxyyyyy")
    changes = instructions.changes_of_instructions(con)
    assert [(one.project, one.after_hash, one.is_large_enough) for one in changes] == [
        ("shop", "c", False),
        ("shop", "b", True),
        ("till", "y", False),
    ]
    change = instructions.last_change(changes)
    assert change is not None
    assert tuple(map(str, instructions.around(change))) == (
        "project=shop instructions=a",
        "project=shop instructions=b",
    )
    assert instructions.last_change(changes[:1]) is None


def test_what_can_be_chosen_stands_by_its_sessions_tags_and_hashes_too(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_days(fill, "shop", "aab.")
    fill("annotations", {"session_id": "shop-0", "tags": ["odd"]}, {"session_id": "shop-1", "tags": ["odd", "good"]})
    fill("annotations", {"session_id": "elsewhere", "tags": ["none"]})
    found = presets.choices(con)
    assert (found.tags, found.hashes, found.projects) == (("odd", "good"), ("a", "b"), ("shop",))


def test_where_no_hash_is_logged_an_edit_of_it_is_a_change_from_its_moment_on(
    con: duckdb.DuckDBPyConnection, fill: Fill
):
    fill_days(fill, "shop", "." * 12)
    edit = {"session_id": "shop-5", "block_index": 0, "tool_name": "Edit"}
    at = START + timedelta(days=5, hours=1)
    fill("edits", edit | {"path": "/w/shop/CLAUDE.md", "edited_at": at})
    fill("edits", edit | {"block_index": 1, "path": "/w/shop/NOT_CLAUDE.md", "edited_at": at + timedelta(days=1)})
    (change,) = instructions.changes_of_instructions(con)
    assert (change.changed_at, change.before_sessions_count, change.after_sessions_count) == (at, 6, 6)
    assert str(instructions.around(change)[1]) == "project=shop since=2026-11-06T10:00:00+00:00"


def test_sessions_around_a_change_lie_between_its_neighbours(con: duckdb.DuckDBPyConnection, fill: Fill):
    fill_days(fill, "shop", "." * 30)
    fill_days(fill, "till", "." * 30)
    edit = {"block_index": 0, "tool_name": "Edit", "path": "CLAUDE.md"}
    for project, day in (("shop", 6), ("shop", 13), ("shop", 20), ("till", 10)):
        fill("edits", edit | {"session_id": f"{project}-{day}", "edited_at": START + timedelta(days=day, hours=1)})
    found = instructions.changes_of_instructions(con)
    assert [(one.project, one.before_sessions_count, one.after_sessions_count) for one in found] == [
        ("shop", 7, 9),
        ("shop", 7, 7),
        ("till", 11, 19),
        ("shop", 7, 7),
    ]
    assert tuple(map(str, instructions.around(found[1]))) == (
        "project=shop since=2026-11-07T10:00:00+00:00 until=2026-11-14T10:00:00+00:00",
        "project=shop since=2026-11-14T10:00:00+00:00 until=2026-11-21T10:00:00+00:00",
    )
    sides = [len(read_group(con, side, "UTC")) for side in instructions.around(found[1])]
    assert sides == [7, 7]
    # A day given by hand lies between the same neighbours; a change on that day is the one that is meant.
    for day, between in ((date(2026, 11, 14), "2026-11-13"), (date(2026, 11, 16), "2026-11-15")):
        before, after = instructions.around_moment(day, Group(project=("shop",)), found)
        assert (str(before.until), after.since, after.until) == (between, day, START + timedelta(days=20, hours=1))
    assert before.since == START + timedelta(days=13, hours=1)
    assert instructions.around_moment(day, Group(), found)[0] == Group(until=date(2026, 11, 15))


def test_an_edit_its_commit_and_the_first_session_that_read_it_are_one_change(
    con: duckdb.DuckDBPyConnection, fill: Fill, monkeypatch: pytest.MonkeyPatch
):
    fill_days(fill, "shop", "......aaaaaabbbbbb")
    edit = {"block_index": 0, "tool_name": "Edit", "path": "CLAUDE.md"}
    for day in (3, 11):
        fill("edits", edit | {"session_id": f"shop-{day}", "edited_at": START + timedelta(days=day, hours=1)})
    commit = commits.Commit("shop", "c" * 40, START + timedelta(days=4, minutes=30))
    monkeypatch.setattr(commits, "commits_of_instructions", lambda con: (commit,))
    hashed, edited = instructions.changes_of_instructions(con)
    assert (hashed.after_hash, hashed.before_sessions_count, hashed.after_sessions_count) == ("b", 6, 6)
    assert (edited.commit, edited.changed_at) == ("c" * 40, START + timedelta(days=3, hours=1))
    # One session began between edit and commit: it belongs to what came after the edit.
    assert (edited.before_sessions_count, edited.after_sessions_count, edited.until) == (4, 8, hashed.changed_at)


def git(folder: Path, *arguments: str, at: str = "2026-11-04T09:00:00+00:00") -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}
    when = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **who, **when},
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, con: duckdb.DuckDBPyConnection, fill: Fill) -> Path:
    """A project's folder with two commits, one of CLAUDE.md, whose settings would run a program; and its sessions."""
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q")
    for name, at in (("CLAUDE.md", "2026-11-06T10:00:00+00:00"), ("till.py", "2026-11-09T10:00:00+00:00")):
        (folder / name).write_text("x = 1\n")
        git(folder, "add", name)
        git(folder, "commit", "-qm", "why", at=at)
    git(folder, "config", "core.fsmonitor", f"touch {tmp_path}/ran")
    fill_days(fill, "shop", "." * 12)
    fill("sessions", {"session_id": "shop-0", "project": "shop", "project_path": str(folder / "src")})
    return folder


def test_a_commit_of_claude_md_is_a_change_where_its_folder_is_at_hand(
    con: duckdb.DuckDBPyConnection, repository: Path
):
    (repository / "src").mkdir()
    (change,) = instructions.changes_of_instructions(con)
    whole = git(repository, "log", "--format=%H", "--", "CLAUDE.md")
    assert (change.project, change.commit) == ("shop", whole)
    assert (change.before_sessions_count, change.after_sessions_count) == (6, 6)
    found = parse_group(f"since={whole[:9]}", moment_of=lambda name: commits.moment_of(con, name))
    assert found == Group(since=datetime(2026, 11, 6, 10, tzinfo=UTC))
    assert not (repository.parent / "ran").exists()


def test_a_commit_that_no_folder_holds_and_folders_that_are_gone_are_explained(
    con: duckdb.DuckDBPyConnection, repository: Path
):
    assert instructions.changes_of_instructions(con) == ()  # src is gone
    with pytest.raises(QueryError, match="No project's folder on this machine holds the commit 'abcdef1'"):
        commits.moment_of(con, "abcdef1")
