"""Finding log files and what is new in them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from her_models.config import Source, default_owner
from her_models.errors import SourceError
from her_models.sources import apparent_kind, expand_sources, nothing_new, plan_source
from tests.staged import Staged, line, prompt


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A .claude folder with one session of one line."""
    folder = tmp_path / ".claude" / "projects" / "-work-app"
    folder.mkdir(parents=True)
    (folder / "s1.jsonl").write_bytes(prompt("hello") + b"\n")
    return tmp_path / ".claude"


def session(logs: Path) -> Path:
    return logs / "projects" / "-work-app" / "s1.jsonl"


def source(path: Path) -> Source:
    return Source("ada", "laptop", path)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (prompt("hello"), "claude-code"),
        (b'{"type":"summary","summary":"A title","leafUuid":"u9"}\n', "claude-code"),
        (b'{"type":"file-history-snapshot","messageId":"m","snapshot":{}}\n', "claude-code"),
        (b"# comment\nnot json\n" + prompt("hello"), "claude-code"),
        (b"\xef\xbb\xbf" + prompt("hello"), "claude-code"),
        (line(message={"role": "user", "content": "long" * 10_000})[:9_000], "claude-code"),
        (b'{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"x"}}\n', "codex"),
        (b'{"type":"session.start","data":{"sessionId":"x","version":1}}\n', "copilot"),
        (b'=====\nIteration: 1\n{"type":"system","subtype":"init","session_id":"x"}\n', "stream-json"),
        (b'{"display":"hi","project":"/p","sessionId":"x","timestamp":1}\n', "history"),
        (b'{"seq":1,"path":"/v1/messages","headers":{}}\n', "api-ledger"),
        (b'{"a":1}\n', "json-lines"),
        (b"2026-01-01 started\n", "text"),
        (b"\0\0\0\0", "binary"),
    ],
)
def test_file_is_recognised_by_its_content(head: bytes, kind: str) -> None:
    assert apparent_kind(head) == kind


def test_other_jsonl_is_listed_as_unsupported_and_costs_no_refused_line(logs: Path, tmp_path: Path) -> None:
    (logs / "history.jsonl").write_bytes(b'{"display":"hi","timestamp":1}\n')
    staged = Staged(tmp_path)
    staged.run(logs)
    assert {state.path: (state.status, state.apparent_kind) for state in staged.manifest.values()} == {
        "history.jsonl": ("unsupported", "history"),
        "projects/-work-app/s1.jsonl": ("ok", "claude-code"),
    }
    assert staged.rows("refused_lines") == []


def test_side_files_are_not_logs(logs: Path) -> None:
    for name in ("agent-1.meta.json", "out.txt", "old.jsonl.gz", "shot.png"):
        (logs / name).write_bytes(b'{"sessionId":"s","type":"user"}')
    assert plan_source(source(logs), {}).files_seen == 1


def test_empty_file_is_listed_as_empty(logs: Path, tmp_path: Path) -> None:
    session(logs).write_bytes(b"")
    staged = Staged(tmp_path)
    staged.run(logs)
    assert [state.status for state in staged.manifest.values()] == ["empty"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_one_file_named_in_three_ways_is_one_file(logs: Path, tmp_path: Path, order: tuple[int, ...]) -> None:
    ways = (logs, logs / "projects", session(logs))
    staged = Staged(tmp_path)
    for way in order:
        staged.run(ways[way])
    assert len(staged.files) == 1
    assert len(staged.rows("lines")) == 1


def test_files_of_one_name_in_two_folders_are_two_files(tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    for folder in ("t1", "t2"):
        path = tmp_path / folder / "projects" / "s1.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(prompt("hello") + b"\n")
        staged.run(tmp_path / folder)
    assert len(staged.files) == 2
    assert all(state.generation == 0 for state in staged.files.values())


def test_folder_that_was_moved_keeps_its_files(logs: Path, tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    staged.run(logs)
    logs.rename(tmp_path / "moved")
    plan = staged.run(tmp_path / "moved")
    assert (len(staged.files), len(plan.reads)) == (1, 0)
    assert nothing_new(source(tmp_path / "moved"), staged.manifest)


def test_nothing_new_after_a_run_and_no_byte_is_read(logs: Path, tmp_path: Path) -> None:
    (logs / "history.jsonl").write_bytes(b'{"display":"hi","timestamp":1}\n')
    staged = Staged(tmp_path)
    assert not nothing_new(source(logs), staged.manifest)
    staged.run(logs)
    assert nothing_new(source(logs), staged.manifest)
    plan = staged.plan(logs)
    assert plan.is_empty
    assert (plan.unchanged_count, plan.sniffed_bytes) == (2, 0)


def test_half_written_line_that_waits_is_not_news(logs: Path, tmp_path: Path) -> None:
    with session(logs).open("ab") as file:
        file.write(b'{"type":"user","sess')
    staged = Staged(tmp_path)
    staged.run(logs)
    assert nothing_new(source(logs), staged.manifest)


def test_grown_file_is_read_from_where_it_was_left(logs: Path, tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    staged.run(logs)
    before = session(logs).stat().st_size
    with session(logs).open("ab") as file:
        file.write(prompt("more") + b"\n")
    assert not nothing_new(source(logs), staged.manifest)
    (read,) = staged.plan(logs).reads
    assert (read.start, read.end) == (before, session(logs).stat().st_size)


@pytest.mark.parametrize("content", [prompt("HELLO") + b"\n", prompt("HELLO") + b"\n" + prompt("b") + b"\n", b""])
def test_rewritten_file_is_a_new_generation(logs: Path, tmp_path: Path, content: bytes) -> None:
    staged = Staged(tmp_path)
    staged.run(logs)
    session(logs).write_bytes(content)
    os.utime(session(logs), ns=(1, 1))
    staged.run(logs)
    old, new = sorted(staged.files.values(), key=lambda state: state.generation)
    assert (old.is_current, old.generation, new.is_current, new.generation) == (False, 0, True, 1)
    assert old.file_id != new.file_id
    assert len(staged.rows("lines")) == content.count(b"\n")


def test_file_only_touched_is_not_read_again(logs: Path, tmp_path: Path) -> None:
    staged = Staged(tmp_path)
    staged.run(logs)
    os.utime(session(logs), ns=(1, 1))
    assert staged.plan(logs).reads == []
    staged.run(logs)
    assert nothing_new(source(logs), staged.manifest)


def test_file_gone_from_disk_stays_known_and_may_come_back(logs: Path, tmp_path: Path) -> None:
    content = session(logs).read_bytes()
    staged = Staged(tmp_path)
    staged.run(logs)
    session(logs).unlink()
    assert not nothing_new(source(logs), staged.manifest)
    staged.run(logs)
    assert [(state.status, state.is_current) for state in staged.files.values()] == [("gone", True)]
    assert nothing_new(source(logs), staged.manifest)
    session(logs).write_bytes(content + prompt("more") + b"\n")
    staged.run(logs)
    assert [(state.status, state.lines_count) for state in staged.files.values()] == [("ok", 2)]


def test_files_outside_the_path_given_are_not_gone(logs: Path, tmp_path: Path) -> None:
    other = logs / "projects" / "-work-lib" / "s2.jsonl"
    other.parent.mkdir()
    other.write_bytes(prompt("hello", sessionId="s2") + b"\n")
    staged = Staged(tmp_path)
    staged.run(logs)
    assert staged.plan(other.parent).gone == []
    assert staged.plan(other).gone == []


def test_loop_of_links_ends_and_a_file_reached_twice_counts_once(logs: Path) -> None:
    folder = session(logs).parent
    (folder / "loop").symlink_to(logs, target_is_directory=True)
    (folder / "again.jsonl").symlink_to(session(logs))
    os.link(session(logs), folder / "hard.jsonl")
    (folder / "dangling.jsonl").symlink_to(folder / "nowhere")
    plan = plan_source(source(logs), {})
    assert plan.files_seen == 1


def test_file_that_cannot_be_read_costs_that_file(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = session(logs).with_name("bad.jsonl")
    bad.write_bytes(prompt("hello"))
    opened = Path.open

    def refuse(path: Path, *arguments: object, **more: object) -> object:
        if path == bad:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", refuse)
    staged = Staged(tmp_path)
    staged.run(logs)
    assert sorted(state.status for state in staged.manifest.values()) == ["ok", "unreadable"]


def test_path_that_is_not_there_is_an_error_that_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"No logs at .*nowhere.* Give a log file, a \.claude folder"):
        plan_source(source(tmp_path / "nowhere"), {})


def test_drop_folder_gives_one_source_per_person_and_machine(tmp_path: Path) -> None:
    for name in ("ada@laptop", "bob@desk"):
        (tmp_path / name / "projects").mkdir(parents=True)
    assert [one.source_id for one in expand_sources(tmp_path)] == ["ada@laptop", "bob@desk"]
    assert [one.source_id for one in expand_sources(tmp_path / "bob@desk" / "projects")] == ["bob@desk"]


def test_logs_beside_drop_folders_are_read_too(tmp_path: Path) -> None:
    (tmp_path / "ada@laptop" / "projects").mkdir(parents=True)
    for name in (".claude/projects/-shop/s1.jsonl", "notes/readme.txt", "s2.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}\n")
    found = [(one.owner, one.path.name) for one in expand_sources(tmp_path)]
    assert found == [("ada", "ada@laptop"), (default_owner(), ".claude"), (default_owner(), "s2.jsonl")]


def test_a_name_that_only_looks_like_a_person_on_a_machine_is_no_drop_folder(tmp_path: Path) -> None:
    (tmp_path / "git@example.org").mkdir()
    (tmp_path / ".claude" / "projects").mkdir(parents=True)
    (one,) = expand_sources(tmp_path)
    assert one.path == tmp_path
    (tmp_path / "ada@laptop" / ".claude").mkdir(parents=True)
    assert [one.source_id for one in expand_sources(tmp_path)] == ["ada@laptop"]


def test_a_pipe_given_as_a_path_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(SourceError, match=r"pipe\.jsonl is neither a file nor a folder\. Give a log file"):
        plan_source(source(tmp_path / "pipe.jsonl"), {})
    assert plan_source(source(tmp_path), {}).files_seen == 0


def test_owner_given_by_hand_counts(tmp_path: Path) -> None:
    (tmp_path / "ada@laptop").mkdir()
    (one,) = expand_sources(tmp_path, owner="eve")
    assert one.owner == "eve"


def test_files_are_planned_in_order_of_their_paths(logs: Path) -> None:
    for name in ("b", "a", "c"):
        (session(logs).parent / f"{name}.jsonl").write_bytes(prompt("hello"))
    paths = [read.state.path for read in plan_source(source(logs), {}).reads]
    assert paths == sorted(paths)
