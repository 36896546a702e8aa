"""Repeats: what was read or asked again, line by line, and what is none because something may have changed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from her_models.waste.repeats import Notice, Prompts, Repeat, Result, Texts, Walk, read_lines


def numbered(first: int, last: int, word: str = "line") -> str:
    return "\n".join(f"{number:6d}→{word} {number}" for number in range(first, last + 1))


class Standing(Prompts):
    """Prompts that hold every block but those that were lost."""

    def __init__(self, lost: set[int]) -> None:
        self.lost = lost

    def holds(self, place: int, slot: int) -> bool:
        return slot not in self.lost

    def latest(self, key: tuple[str, str, str], block_index: int) -> int | None:
        return 0


class Session:
    """Tool results one after the other, each from a request of its own."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self.notices: list[Notice] = []
        self.texts: dict[str, str] = {}
        self.lost: set[int] = set()

    def add(self, tool: str, asked: str, text: str, **more: Any) -> int:
        number = self._next()
        given = {"command": asked} if tool == "Bash" else {"file_path": asked}
        given |= more.pop("given", {})
        question = json.dumps(given)
        hashes = {"content_hash": f"h{hash(text)}", "input_hash": f"q{hash(question)}"}
        self.texts |= {hashes["content_hash"]: text, hashes["input_hash"]: question}
        row = {
            "block_index": number, "thread_id": "", "tool_name": tool, "path": None if tool == "Bash" else asked,
            "is_error": False, "preview": text[:200], "call_preview": question[:200], "text_bytes": len(text),
            "range_start": None, "range_lines": None, "slot": number, "place": number, "cwd": "/repo", "turn_index": 0,
        }  # fmt: skip
        self.results.append(Result(**{**row, **hashes, **more}))
        return number

    def note(self, kind: str, subject: str | None = None) -> None:
        self.notices.append(Notice(self._next(), kind, subject))

    def _next(self) -> int:
        return len(self.results) + len(self.notices)

    def repeats(self) -> list[Repeat]:
        return list(Walk(("s", "one"), Texts(self.texts), Standing(self.lost)).run(self.results, self.notices))


def found(session: Session) -> list[tuple[str, int, int | None, int | None, bool]]:
    return [
        (one.kind, one.evidence.block_index, one.first_line, one.last_line, one.is_whole) for one in session.repeats()
    ]


def test_a_file_read_again_is_wasted_whole():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 0, 1, 40, True)]


def test_trap_18_ranges_of_a_file_share_only_the_lines_that_both_hold():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 120))
    session.add("Read", "/repo/a.py", numbered(101, 140))
    (repeat,) = session.repeats()
    assert (repeat.first_line, repeat.last_line, repeat.is_whole) == (101, 120, False)
    assert (repeat.low, repeat.high) == (0.0, 0.5)
    assert repeat.sentence == "Lines 101–120 stand unchanged in an earlier read that was still in the context."


def test_lines_from_two_earlier_reads_are_two_parts():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 30))
    session.add("Read", "/repo/a.py", numbered(61, 90))
    session.add("Read", "/repo/a.py", numbered(1, 90))
    assert found(session) == [("C5.reread", 1, 61, 90, False), ("C5.reread", 0, 1, 30, False)]


def test_a_read_that_several_earlier_ones_cover_to_the_last_line_is_wasted_whole_with_the_last_of_its_parts():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 50))
    session.add("Read", "/repo/a.py", numbered(51, 90))
    session.add("Read", "/repo/a.py", numbered(21, 80))
    assert found(session) == [("C5.reread", 1, 51, 80, False), ("C5.reread", 0, 21, 50, True)]


def test_stretches_that_one_earlier_read_shows_are_told_in_one_sentence():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 90))
    session.add("Read", "/repo/a.py", numbered(31, 60))
    session.add("Read", "/repo/a.py", numbered(1, 90) + f"\n{numbered(91, 99)}")
    said = {repeat.sentence for repeat in session.repeats() if repeat.result.block_index == 2}
    assert said == {
        "Lines 31–60 stand unchanged in an earlier read that was still in the context.",
        "Lines 1–30 and 61–90 stand unchanged in an earlier read that was still in the context.",
    }


def changed(first: int, last: int, *lines: int) -> str:
    return "\n".join(
        f"{number:6d}→{'other' if number in lines else 'line'} {number}" for number in range(first, last + 1)
    )


def test_a_file_that_changed_unseen_is_needed_again_with_the_lines_that_stayed():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", changed(1, 40, 33))
    assert found(session) == []
    # Nor is the first read a copy of what was put back.
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == []


def test_what_was_read_since_a_change_unseen_is_a_copy_where_it_shows_the_change():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", changed(30, 40, 33))
    session.add("Read", "/repo/a.py", changed(20, 40, 33))
    assert found(session) == [("C5.reread", 1, 30, 40, False)]


def test_a_read_that_may_be_older_than_a_change_unseen_is_no_copy():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(41, 80))
    session.add("Read", "/repo/a.py", changed(1, 80, 33))
    assert found(session) == []


def test_a_subagent_that_reads_a_file_changed_since_another_one_did_repeats_nothing():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40), thread_id="one")
    session.add("Read", "/repo/a.py", changed(1, 40, 33), thread_id="two")
    assert found(session) == []


def test_a_margin_of_a_few_lines_is_no_second_read():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 30))
    session.add("Read", "/repo/a.py", numbered(27, 60))
    assert found(session) == []


@pytest.mark.parametrize(
    ("tool", "asked"),
    [("Edit", "/repo/a.py"), ("MultiEdit", "/repo/a.py"), ("NotebookEdit", "/repo/a.py"), ("Write", "/repo/a.py"),
     ("Bash", "black ."), ("Bash", "git checkout main"), ("Bash", "git stash pop"), ("Bash", "make format > log.txt"),
     ("Bash", "sed -i s/a/b/ a.py"), ("Bash", "./generate.sh"), ("Bash", "echo x > a.py")],
)  # fmt: skip
def test_a_read_after_a_possible_change_is_none(tool, asked):
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add(tool, asked, "done")
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == []


def test_a_file_that_the_client_said_somebody_had_changed_is_needed_again():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/b.py", numbered(1, 40))
    session.note("changed", "/repo/a.py")
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/b.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 1, 1, 40, True)]


def test_a_file_read_again_on_a_person_s_word_and_found_the_same_is_a_second_read():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.note("person")
    session.add("Read", "/repo/a.py", numbered(1, 40), turn_index=1)
    assert found(session) == [("C5.reread", 0, 1, 40, True)]


@pytest.mark.parametrize(("asked", "is_second"), [("black .", False), ("ls", True)])
def test_a_command_that_the_person_ran_changes_what_it_says(asked, is_second):
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.note("shell", asked)
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert bool(found(session)) == is_second


def test_what_runs_in_the_background_may_change_a_file_until_it_has_been_seen_to_end():
    session = Session()
    session.add(
        "Bash",
        "sleep 20 && black .",
        "Command running in background with ID: b1",
        given={"run_in_background": True},
    )
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("BashOutput", "", "<status>running</status>", call_preview='{"bash_id":"b1"}')
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("BashOutput", "", "<status>completed</status>", call_preview='{"bash_id":"b1"}')
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 6, 1, 40, True)]


@pytest.mark.parametrize("end", ["notice", "kill"])
def test_background_work_ends_with_the_client_s_notice_or_when_it_is_killed(end):
    session = Session()
    session.add("Bash", "npm run dev", "Command running in background with ID: b1. Output is written to f")
    if end == "notice":
        session.note("ended", "b1")
    else:
        session.add("KillShell", "", "Successfully killed shell: b1", call_preview='{"shell_id":"b1"}')
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 2, 1, 40, True)]


@pytest.mark.parametrize(("asked", "is_second"), [("npm run dev &", False), ("pytest -q > /tmp/log &", True)])
def test_what_a_shell_leaves_running_goes_on_to_the_end(asked, is_second):
    session = Session()
    session.add("Bash", asked, "")
    session.add("Bash", "ls", "a")
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert bool(found(session)) == is_second


@pytest.mark.parametrize(
    ("tool", "is_second"),
    [
        ("mcp__git__git_status", True),
        ("mcp__git__checkout", False),
        ("mcp__fs__Save", False),
        ("TodoWrite", True),
        ("Workflow", False),
        ("Task", False),
    ],
)
def test_a_tool_that_is_not_known_to_read_may_change_any_file(tool, is_second):
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add(tool, "", "done", path=None)
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert bool(found(session)) == is_second


def test_a_subagent_whose_calls_are_logged_changes_what_they_change():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Edit", "/repo/b.py", "done", thread_id="one")
    session.add("Task", "", "done", path=None, call_block_index=0)
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 0, 1, 40, True)]


def test_a_subagent_in_the_background_that_is_not_logged_goes_on_until_its_notice():
    session = Session()
    session.add("Task", "", "Async agent launched successfully.\nagentId: x7 (internal)", path=None)
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.note("ended", "x7")
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 4, 1, 40, True)]


@pytest.mark.parametrize(
    ("tool", "asked"), [("Edit", "/repo/b.py"), ("Bash", "git status"), ("Bash", "pytest -q"), ("Bash", "black b.py")]
)
def test_a_read_after_a_change_elsewhere_is_one(tool, asked):
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add(tool, asked, "done")
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 0, 1, 40, True)]


def test_an_edit_that_failed_changed_nothing():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Edit", "/repo/a.py", "String to replace not found", is_error=True)
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C5.reread", 0, 1, 40, True)]


def test_a_copy_that_the_prompt_had_lost_makes_it_a_reacquisition():
    session = Session()
    session.lost.add(session.add("Read", "/repo/a.py", numbered(1, 40)))
    session.add("Read", "/repo/a.py", numbered(1, 40))
    assert found(session) == [("C7.reacquired", 0, 1, 40, True)]


def test_a_subagent_repeats_its_parent_and_its_siblings():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/b.py", numbered(1, 50), thread_id="one")
    session.add("Read", "/repo/a.py", numbered(1, 40), thread_id="two")
    session.add("Read", "/repo/b.py", numbered(1, 50), thread_id="two")
    assert found(session) == [("C8.parent", 0, 1, 40, True), ("C8.sibling", 1, 1, 50, True)]


def test_the_client_s_note_that_nothing_changed_is_a_needless_call():
    session = Session()
    session.add("Read", "/repo/a.py", numbered(1, 40))
    session.add("Read", "/repo/a.py", "File unchanged since last read. The content is still in context.")
    assert found(session) == [("C5.stub", 0, None, None, True)]


def test_the_same_answer_is_one_unless_something_changed():
    session = Session()
    session.add("Bash", "ls src", "a\nb")
    session.add("Bash", "ls src", "a\nb")
    session.add("Write", "/repo/src/c", "done")
    session.add("Bash", "ls src", "a\nb")
    assert found(session) == [("C6.exact", 0, None, None, True)]


def test_a_command_that_writes_is_not_a_question():
    session = Session()
    session.add("Bash", "git pull", "Already up to date.")
    session.add("Bash", "git pull", "Already up to date.")
    assert found(session) == []


def test_waiting_for_another_machine_is_a_poll():
    session = Session()
    session.add("Bash", "gh pr checks 7", "pending")
    session.add("Bash", "gh pr checks 7", "pending")
    session.add("Bash", "gh pr checks 7", "pass")
    assert found(session) == [("C6.poll", 0, None, None, True)]


def test_how_a_machine_stands_is_asked_anew_once_a_person_has_spoken():
    session = Session()
    session.add("Bash", "gh pr checks 7", "pending", turn_index=0)
    session.add("Bash", "gh pr checks 7", "pending", turn_index=1)
    assert found(session) == []


@pytest.mark.parametrize("asked", ["git status", "pytest -v", "gh pr checks 7"])
@pytest.mark.parametrize("between", ["prompt", "turn", "question", "wait", "waits"])
def test_a_question_is_asked_anew_once_a_person_has_spoken_or_a_call_has_waited(asked, between):
    session = Session()
    answer = "\n".join(f"service {number} is running" for number in range(40))
    session.add("Bash", asked, answer)
    match between:
        case "prompt":
            session.note("person")
        case "question":
            session.add("AskUserQuestion", "", "yes", path=None)
        case "wait":
            session.add("Bash", "sleep 30", "")
    again = f"sleep 30; {asked}" if between == "waits" else asked
    session.add("Bash", again, answer, turn_index=1 if between == "turn" else 0)
    assert found(session) == []


def test_two_questions_to_another_machine_are_two():
    session = Session()
    answer = "x" * 300
    session.add("Bash", "curl -s https://example.com/a", answer)
    session.add("Bash", "curl -s https://example.com/b", answer)
    assert found(session) == []


@pytest.mark.parametrize("given", [{"block": True}, {}])
def test_to_wait_for_a_task_is_no_poll_and_to_ask_for_it_is_one(given):
    session = Session()
    for asked in (given, {"block": False}):
        said = json.dumps({"task_id": "b1", **asked}, separators=(",", ":"))
        for _ in range(2):
            session.add("TaskOutput", "", f"<status>running</status> {asked}", call_preview=said, input_hash=said)
    assert found(session) == [("C6.poll", 2, None, None, True)]


def test_an_answer_that_is_nearly_the_same_claims_the_lines_in_common():
    session = Session()
    lines = [f"service-{number:03d} is running on node {number % 7}" for number in range(40)]
    session.add("Bash", "kubectl get pods", "\n".join(lines))
    session.add("Bash", "kubectl get pods", "\n".join([*lines[:20], "service-020 has restarted", *lines[21:]]))
    first, second = session.repeats()
    assert (first.kind, second.kind) == ("C6.near", "C6.near")
    assert first.low == 0.0
    assert 0.51 > first.high > 0.49
    assert second.high == 1.0


def test_where_the_client_saved_a_long_answer_is_no_part_of_it():
    def saved(name: str, size: str, rows: int) -> str:
        shown = "\n".join(f"row {number} holds a value" for number in range(rows))
        return (
            f"<persisted-output>\nOutput too large ({size}). Full output saved to: /home/me/{name}.txt\n\n"
            f"Preview (first 2KB):\n{shown}\n...\n</persisted-output>"
        )

    session = Session()
    session.add("Bash", "cat big.txt", saved("b8ju10tth", "90.1KB", 20))
    session.add("Bash", "cat big.txt", saved("bm14avx6o", "90.1KB", 20))
    (repeat,) = session.repeats()
    assert (repeat.kind, repeat.low, repeat.high) == ("C6.near", 0.0, 1.0)

    # Of another size it is another answer: the line that says so, 71 letters of it, is new and stays.
    other = Session()
    other.add("Bash", "cat big.txt", saved("b8ju10tth", "90.1KB", 60))
    other.add("Bash", "cat big.txt", saved("bm14avx6o", "91.4KB", 60))
    whole = (18 + 7) + (71 + 7) + 7 + (20 + 7) + 10 * (19 + 7) + 50 * (20 + 7) + (3 + 7) + (19 + 7)
    assert [(one.low, one.high) for one in other.repeats()] == [(0.0, 25 / whole), (103 / whole, 1.0)]


def test_the_same_call_failing_the_same_way_is_a_repeated_failure():
    session = Session()
    session.add("Bash", "swift build", "error: no such module", is_error=True)
    session.add("Bash", "swift build", "error: no such module", is_error=True)
    session.add("Edit", "/repo/a.py", "done")
    session.add("Bash", "swift build", "error: no such module", is_error=True)
    assert found(session) == [("C4.repeat", 0, None, None, True)]


@pytest.mark.parametrize(
    "said",
    [
        "This command requires approval",
        "Claude requested permissions to write to /repo/a.py, but you haven't granted it yet.",
        "Permission to use Bash with command swift build has been denied.",
        "mkdir in '/tmp' was blocked. For security, only folders of the project are allowed.",
    ],
)
def test_a_call_that_nobody_had_allowed_is_turned_away_again_until_a_person_has_spoken(said):
    session = Session()
    session.add("Bash", "swift build", said, is_error=True)
    session.add("Bash", "swift build", said, is_error=True)
    session.add("Bash", "swift build", said, is_error=True, turn_index=1)
    assert found(session) == [("C4.unapproved", 0, None, None, True)]


@pytest.mark.parametrize("asked", ["curl -s localhost:3000", "sleep 60; test -f done", "npm install left-pad"])
def test_a_failure_of_another_machine_or_after_a_wait_may_be_another_one(asked):
    session = Session()
    for _ in range(3):
        session.add("Bash", asked, "Exit code 1", is_error=True)
    assert found(session) == []


def test_a_failure_after_a_person_s_word_may_be_another_one():
    session = Session()
    session.add("Bash", "swift build", "error: no such module", is_error=True)
    session.note("person")
    session.add("Bash", "swift build", "error: no such module", is_error=True)
    assert found(session) == []


def test_what_a_command_prints_of_approval_in_its_midst_is_a_failure_like_others():
    session = Session()
    for _ in range(2):
        session.add("Bash", "deploy", "Step 3 failed:\nThis command requires approval", is_error=True)
    assert found(session) == [("C4.repeat", 0, None, None, True)]


def test_two_equal_calls_of_one_response_stand_beside_each_other():
    session = Session()
    session.add("Bash", "ls src", "a\nb", place=0)
    session.add("Bash", "ls src", "a\nb", place=0)
    session.add("Bash", "ls src", "a\nb", place=1)
    assert [repeat.sentence for repeat in session.repeats()] == [
        "The same answer to the same question came to a call beside this one.",
        "The same answer to the same question was still in the context.",
    ]


def test_lines_are_those_with_numbers():
    lines = read_lines("     7→a = 1\n     8→\n\n<system-reminder>\nTake care.\n</system-reminder>")
    assert (lines.numbers, lines.texts) == ((7, 8), ("a = 1", ""))
    assert read_lines("12\tb\n13\tc").numbers == (12, 13)
