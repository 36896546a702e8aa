"""Every question, asked of a small lake: what it says, what it cites, and that its query runs on the SQL page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from her_models.ask import QUESTIONS, Answer, Subject, ask
from her_models.audit.rules import load_rules
from her_models.config import Config
from her_models.contracts import TABLES
from her_models.errors import QueryError
from her_models.lake import open_lake
from her_models.queries import guarded_lake, run_query
from tests.lakes import ingested
from tests.logs import answer, prompt, write
from tests.search.conftest import result, tool

TILL = "/home/dev/shop/till.py"
SESSION = Subject(source_id="dev@host", session_id="s1")


def _usage(line: dict[str, Any], **usage: int) -> dict[str, Any]:
    line["message"]["usage"] |= usage
    return line


def write_logs(logs: Path) -> None:
    """Write a session of two turns: one reads, edits, fails and deletes; the other is dear and was compacted before."""
    summary = prompt("s1", "u12", 52, "Summary: the till was mended", isCompactSummary=True)
    write(
        logs / "projects/shop/s1.jsonl",
        prompt("s1", "u1", 1, "mend the till"),
        tool("s1", "u2", 2, "Read", {"file_path": TILL}, "msg_1"),
        result("s1", "u3", 3, "u2", "print('till')\n" * 20),
        tool(
            "s1",
            "u4",
            4,
            "Edit",
            {"file_path": "/home/dev/shop/till.py", "old_string": "a", "new_string": "b"},
            "msg_2",
        ),
        result("s1", "u5", 5, "u4", "edited"),
        tool("s1", "u6", 6, "Bash", {"command": "pytest -q"}, "msg_3"),
        result("s1", "u7", 7, "u6", "Exit code 1\nfailed", failed=True),
        tool("s1", "u8", 8, "Bash", {"command": "rm old.py && git push -f"}, "msg_4"),
        result("s1", "u9", 9, "u8", "gone"),
        answer("s1", "u10", 10, "msg_5"),
        {
            **prompt("s1", "u11", 51),
            "type": "system",
            "subtype": "compact_boundary",
            "content": "Conversation compacted",
        },
        summary,
        prompt("s1", "u13", 53, "and now the drawer"),
        _usage(answer("s1", "u14", 54, "msg_6", output=4000), cache_read_input_tokens=90_000),
    )


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("asked")
    write_logs(folder / "logs")
    return ingested(folder / "home", folder / "logs")


@pytest.fixture(scope="module")
def con(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_lake(config, read_only=True) as lake:
        yield lake.con


def answered(con: duckdb.DuckDBPyConnection, name: str, subject: Subject | None = None) -> Answer:
    return ask(con, QUESTIONS[name], subject or Subject())


# Sonnet 4.5: five responses of 10 * 3 + 100 * 6 + 1,000 * 0.30 + 20 * 15 = 1,230 millionths of a dollar, the last of
# 10 * 3 + 100 * 6 + 90,000 * 0.30 + 4,000 * 15 = 87,630; together 0.09378.
SAID = {
    "dearest_turn": ('Turn 2 of "mend the till" cost $0.09', 11),
    "why_turn": ("Turn 2 cost $0.09 in 1 response; the longest prompt had 90,110 tokens.", 11),
    "context": ("of 90,110 tokens", 12),
    "before_compaction": ("tokens before the compaction were", None),
    "dearest_file": ("/home/dev/shop/till.py cost $0.0", 1),
    "most_read_file": ("/home/dev/shop/till.py was read 1 time in 1 session of shop.", 1),
    "changed": ("shop rose by $0.09", None),
    "failing_command": ("pytest failed in 1 of 1 call (100 %).", 5),
    "who_deleted": ('dev\'s session "mend the till" ran rm old.py on 2026-01-05 10:00 UTC.', 7),
    "who_changed": (
        "dev's session changed /home/dev/shop/till.py 1 time in turn 1 on 2026-01-05 10:00 UTC, asked: "
        '"mend the till".',
        3,
    ),
    "dearest_session": ('"mend the till" of shop cost $0.09', None),
    "dearest_project": ("shop cost $0.09", None),
    "dearest_model": ("claude-sonnet-4-5-20250929 cost $0.09", None),
    "dearest_person": ("dev spent $0.09", None),
    "dearest_tool": ("cost $0.0", None),
    "subagents": ("The main thread cost $0.09", None),
    "longest_turn": ('Turn 1 of "mend the till" took', 0),
    "failures": ('Bash (pytest -q) failed on 2026-01-05 10:00 UTC in "mend the till".', 6),
    "compactions": ('"mend the till" was compacted in turn', 10),
    "risks": ("force push: 1 action, 1 succeeded; the last: git push -f.", 7),
    "by_hour": ("Between 10:00 and 11:00, $0.09", None),
    "certainty": ("At least $0.09", None),
}
MAY_BE_EMPTY = {"wasted", "cache_misses"}


def test_every_question_is_asked_here() -> None:
    assert SAID.keys() | MAY_BE_EMPTY == QUESTIONS.keys()
    assert len(QUESTIONS) >= 20
    assert {path.stem for path in (Path(__file__).parents[2] / "sql" / "ask").glob("*.sql")} == QUESTIONS.keys()


@pytest.mark.parametrize("name", SAID)
def test_an_answer_says_what_is_so_and_where(con: duckdb.DuckDBPyConnection, name: str) -> None:
    sentences = answered(con, name).sentences
    said, block_index = SAID[name]
    assert said in sentences[0].said
    if name != "certainty" and name != "before_compaction":
        assert sentences[0].place is not None
        assert (sentences[0].place.session_id, sentences[0].place.block_index) == ("s1", block_index)


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_query_behind_an_answer_runs_on_the_sql_page_and_says_the_same(
    config: Config, con: duckdb.DuckDBPyConnection, name: str
) -> None:
    found = answered(con, name)
    with guarded_lake(config) as guarded:
        shown = run_query(guarded, found.sql).table
    assert [" ".join(said.split()) for said in shown["said"].to_pylist()] == [one.said for one in found.sentences]


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_empty_lake_answers_nothing_and_breaks_nothing(name: str) -> None:
    with duckdb.connect() as empty:
        for table in TABLES.values():
            empty.execute(table.ddl())
        subject = Subject(source_id="a@b", session_id="none", text="x")
        assert answered(empty, name, subject).sentences == ()


def test_parts_of_a_turn_add_up_to_its_bill(con: duckdb.DuckDBPyConnection) -> None:
    sentences = answered(con, "why_turn", SESSION).sentences
    total, *parts = [one.figures["usd"] for one in sentences if one.figures["part"] != "missing the cache"]
    assert sum(parts) == pytest.approx(total)


def test_the_context_at_a_turn_adds_up_to_its_prompt(con: duckdb.DuckDBPyConnection) -> None:
    sentences = answered(con, "context", SESSION).sentences
    assert sum(one.figures["tokens"] for one in sentences) == 90_110


def test_a_deletion_is_found_by_its_file_and_not_by_another(con: duckdb.DuckDBPyConnection) -> None:
    assert len(answered(con, "who_deleted", Subject(text="OLD.py")).sentences) == 1
    assert answered(con, "who_deleted", Subject(text="other.py")).sentences == ()


def test_a_question_about_a_session_of_an_empty_lake_says_what_to_do() -> None:
    with duckdb.connect() as empty:
        for table in TABLES.values():
            empty.execute(table.ddl())
        with pytest.raises(QueryError, match="Read logs first"):
            answered(empty, "context")


def test_a_period_without_bills_is_moved_to_the_last_bill_and_the_answer_says_so(
    con: duckdb.DuckDBPyConnection,
) -> None:
    last = con.execute("select max(started_at) from requests").fetchone()
    assert last is not None
    long_after = last[0] + timedelta(days=400)
    empty = Subject(since_at=long_after, until_at=long_after + timedelta(days=7))
    moved = answered(con, "dearest_turn", empty)
    assert moved.sentences
    assert moved.note == f"Nothing was billed in that time. These are the 7 days up to the last bill, {last[0].date()}."
    within = Subject(since_at=last[0] - timedelta(days=1), until_at=last[0] + timedelta(days=1))
    assert answered(con, "dearest_turn", within).note == ""


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_that_is_cut_says_of_how_many_and_its_query_for_all_gives_them(
    con: duckdb.DuckDBPyConnection, name: str
) -> None:
    whole = answered(con, name, Subject(limit=1000))
    cut = answered(con, name, Subject(limit=1))
    assert whole.found_count == len(whole.sentences)
    assert cut.found_count == whole.found_count
    assert cut.sentences == whole.sentences[:1]
    if whole.found_count > 1:
        assert cut.extent.startswith(f"1 of {whole.found_count}, the ")
    shown = con.execute(cut.sql_of_all).to_arrow_table()["said"].to_pylist()
    assert [" ".join(said.split()) for said in shown] == [one.said for one in whole.sentences]


@pytest.mark.parametrize("name", QUESTIONS)
def test_one_of_a_thing_is_not_said_as_many(con: duckdb.DuckDBPyConnection, name: str) -> None:
    for one in answered(con, name, Subject(limit=1000)).sentences:
        assert (
            re.search(r"(?<![\d,.])1 [a-z ]*(responses|tokens|calls|times|sessions|agents|findings)", one.said) is None
        )


def test_a_question_about_a_turn_names_the_turn_and_not_now(con: duckdb.DuckDBPyConnection) -> None:
    assert answered(con, "context", SESSION).title == "What is in the context now?"
    assert answered(con, "context", replace(SESSION, turn_index=0)).title == (
        "What was in the context at the end of turn 1?"
    )
    assert answered(con, "why_turn", SESSION).title == "Why was turn 2 expensive?"


def test_an_answer_says_what_it_was_asked_of_and_what_makes_no_difference(con: duckdb.DuckDBPyConnection) -> None:
    day = {"since_at": datetime(2026, 1, 5, tzinfo=UTC), "until_at": datetime(2026, 1, 6, tzinfo=UTC)}
    found = answered(con, "who_deleted", Subject(text="old.py", **day))
    assert found.asked_of == "Of 2026-01-05 to 2026-01-05, what has “old.py” in it"
    assert found.note == ""
    found = answered(con, "context", replace(SESSION, **day))
    assert found.asked_of == "Of session s1"
    assert found.note == "The period makes no difference to this question."
    note = answered(con, "dearest_session", replace(SESSION, turn_index=0)).note
    assert note == "The session and the turn make no difference to this question."


def test_deletions_of_another_time_are_not_those_asked_for(con: duckdb.DuckDBPyConnection) -> None:
    before = Subject(since_at=datetime(2026, 1, 1, tzinfo=UTC), until_at=datetime(2026, 1, 5, 10, 0, 5, tzinfo=UTC))
    assert answered(con, "who_changed", before).found_count == 1
    assert answered(con, "who_deleted", before).found_count == 0


def test_only_rules_about_files_say_who_deleted_a_file() -> None:
    named = set(re.findall(r"'(\w+)'", QUESTIONS["who_deleted"].sql.split("rule in (")[1].split(")")[0]))
    deletions = {rule.name for rule in load_rules()[1] if rule.kind == "deletion"}
    others = {
        "branch_or_stash_dropped", "database_dropped", "images_removed", "containers_pruned", "repository_deleted",
    }  # fmt: skip
    assert named == deletions - others


def test_each_file_that_a_turn_changed_has_a_sentence_of_its_own(tmp_path: Path) -> None:
    edits = [
        tool("s1", f"u{second}", second, "Write", {"file_path": path, "content": "x"}, f"msg_{second}")
        for second, path in ((2, "/home/dev/shop/a.py"), (3, "/home/dev/shop/b.py"), (4, "/home/dev/shop/b.py"))
    ]
    command = (
        "<command-message>tidy</command-message> <command-name>/tidy</command-name>\n<command-args>up</command-args>"
    )
    write(tmp_path / "logs/projects/shop/s1.jsonl", prompt("s1", "u1", 1, command), *edits)
    with open_lake(ingested(tmp_path / "home", tmp_path / "logs"), read_only=True) as lake:
        said = [one.said for one in answered(lake.con, "who_changed").sentences]
    assert said == [
        'dev\'s session changed /home/dev/shop/b.py 2 times in turn 1 on 2026-01-05 10:00 UTC, asked: "/tidy up".',
        'dev\'s session changed /home/dev/shop/a.py 1 time in turn 1 on 2026-01-05 10:00 UTC, asked: "/tidy up".',
    ]


def test_the_last_days_are_those_up_to_the_last_with_a_bill_as_on_every_page(con: duckdb.DuckDBPyConnection) -> None:
    answer = answered(con, "dearest_turn", Subject(days_count=7))
    assert answer.sentences
    assert answer.note == "These are the 7 days up to 2026-01-05, the last with a bill."
    assert answer.subject.since_at == datetime(2025, 12, 30, tzinfo=UTC)
    assert answer.subject.until_at == datetime(2026, 1, 6, tzinfo=UTC)
    in_berlin = answered(con, "dearest_turn", Subject(days_count=1, time_zone="Europe/Berlin")).subject
    assert in_berlin.since_at == datetime(2026, 1, 4, 23, tzinfo=UTC)
    named = Subject(since_at=datetime(2026, 1, 1, tzinfo=UTC), until_at=datetime(2026, 2, 1, tzinfo=UTC), days_count=7)
    assert answered(con, "dearest_turn", named).subject.since_at == named.since_at


def test_a_turn_that_is_not_there_is_an_error_that_names_the_last(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryError, match=r"no turn 7\. Its turns are counted from 1; the last is 2\."):
        answered(con, "context", replace(SESSION, turn_index=6))
    assert answered(con, "context", replace(SESSION, turn_index=1)).sentences


def test_what_has_no_time_belongs_to_all_time_and_to_no_period(tmp_path: Path) -> None:
    timeless = tool("s1", "u2", 2, "Bash", {"command": "git push -f"}, "msg_1")
    del timeless["timestamp"]
    write(tmp_path / "logs/projects/shop/s1.jsonl", timeless)
    with open_lake(ingested(tmp_path / "home", tmp_path / "logs"), read_only=True) as lake:
        assert [one.said for one in answered(lake.con, "risks").sentences] == [
            "force push: 1 action, of 1 the log does not say how it ended; the last: git push -f."
        ]
        year = Subject(since_at=datetime(2026, 1, 1, tzinfo=UTC), until_at=datetime(2027, 1, 1, tzinfo=UTC))
        assert answered(lake.con, "risks", year).sentences == ()
