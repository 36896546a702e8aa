"""Prompts from a request log: what a hash proves, what place alone says, and what neither does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.ledger.request_log import PromptWalk, RequestLog, message_hash
from tests.lakes import ingested, rows
from tests.logs import write

Line = dict[str, Any]
SHAPE = {"system": [{"type": "text", "text": "be brief"}], "tools": [{"name": "Run", "input_schema": {}}]}
SHAPE_HASH = hashlib.sha256(json.dumps(SHAPE, separators=(",", ":"), sort_keys=True).encode()).hexdigest()
MARKER = "[redacted:password:0123456789abcdef]"


def user(uuid: str, *blocks: Mapping[str, Any], **more: Any) -> Line:
    return {"type": "user", "uuid": uuid, "message": {"role": "user", "content": list(blocks)}, **more}


def model(uuid: str, message_id: str, attempt: str, *blocks: Mapping[str, Any], **more: Any) -> Line:
    message = {"id": message_id, "role": "assistant", "content": list(blocks)}
    return {"type": "assistant", "uuid": uuid, "requestRef": attempt, "message": message, **more}


def text(of: str) -> Line:
    return {"type": "text", "text": of}


def result(of: str, number: int = 1) -> Line:
    return {"type": "tool_result", "tool_use_id": f"t{number}", "content": of}


def attempt(name: str, *tail: str, base: str | None = None, keep: int = 0) -> Line:
    event = {"type": "api-request", "id": name, "shapeHash": SHAPE_HASH, "params": {}, "tail": list(tail), "keep": keep}
    return event if base is None else event | {"base": base}


def log(*lines: Line) -> RequestLog:
    shape = {"type": "api-request-shape", "shapeHash": SHAPE_HASH, "shape": SHAPE}
    return RequestLog([shape, *lines], lines)


def lines_of(found: RequestLog, name: str) -> list[tuple[str | None, int]]:
    """Return which block of which line each message's block of an attempt is."""
    rebuilt = found.rebuilt(name)
    assert rebuilt is not None
    return [(part.uuid, part.block_index) for part in rebuilt.parts if part.section == "messages"]


def test_numbers_and_keys_are_hashed_as_the_client_writes_them():
    """The hash is Node's, of JSON.stringify with sorted keys: UTF-16 order, `1e-7`, `0.00001`, half a pair escaped."""
    values = {"small": 1e-7, "less": 1e-5, "\U0001f600": 1, "\uffff": 2, "half": "\ud83d", "10": 0.5, "9": 0}
    call = {"type": "tool_use", "id": "t1", "name": "Set", "input": values}
    assert message_hash("assistant", [call]) == "0422be9401713f9ebe01e1dc403685ef0aba7fa319cb6fc830ef5f876051849d"


def test_what_was_said_twice_stands_in_two_places():
    again, done = message_hash("user", "again"), message_hash("assistant", [text("done")])
    found = log(
        user("u1", text("again")),
        model("a1", "m1", "q1", text("done")),
        user("u2", text("again")),
        model("a2", "m2", "q2", text("well")),
        attempt("q1", again),
        attempt("q2", done, again, base="q1", keep=1),
    )
    assert lines_of(found, "q2") == [("u1", 0), ("a1", 0), ("u2", 0)]


def attached(uuid: str, name: str, said: str, **more: Any) -> Line:
    rendered = [{"content": f"<system-reminder>\n{said}\n</system-reminder>"}]
    return {"type": "attachment", "uuid": uuid, "attachment": {"type": name}, "rendered": rendered, **more}


def logged(role: str, *texts: str) -> tuple[str, Line]:
    message = {"role": role, "content": [text(of) for of in texts]}
    digest = message_hash(role, message["content"])
    return digest, {"type": "api-request-blob", "hash": digest, "message": message}


def test_attachments_that_a_message_joins_are_told_apart_and_are_the_lines_that_show_them():
    """Rules, a listing that was given again, and words that no line shows; nothing of what a subagent was shown."""
    rules = "Codebase and user instructions are shown below.\n\nBe brief."
    first, first_line = logged("user", f"<system-reminder>\n{rules}\n</system-reminder>\n", "hello")
    joined, joined_line = logged("system", "Skills:\n- a: b\n\nNobody showed this.\n\nToday is Monday.")
    again, again_line = logged("system", "Skills:\n- a: b")
    found = log(
        user("u1", text("hello")),
        attached("i1", "instructions", rules),
        attached("s1", "skill_listing", "Skills:\n- a: b"),
        attached("d1", "date", "Today is Monday."),
        attached("x1", "skill_listing", "Skills:\n- a: b", agentId="x"),
        model("a1", "m1", "q1", text("done")),
        user("u2", text("go on")),
        attached("s2", "skill_listing", "Skills:\n- a: b"),
        model("a2", "m2", "q2", text("well")),
        *(first_line, joined_line, again_line),
        attempt("q1", first, joined),
        attempt(
            "q2",
            *(message_hash("assistant", [text("done")]), message_hash("user", [text("go on")]), again),
            base="q1",
            keep=2,
        ),
    )
    rebuilt = found.rebuilt("q2")
    assert rebuilt is not None
    assert [(part.kind, part.uuid, part.text_bytes) for part in rebuilt.parts if part.section == "messages"] == [
        ("memory", "i1", len(rules) + 38),  # with its tags
        ("prompt", "u1", 5),
        ("listing", "s1", 14),
        ("reminder", None, 23),  # with the blank lines around it
        ("reminder", "d1", 16),
        ("text", "a1", 4),
        ("prompt", "u2", 5),
        ("listing", "s2", 14),
    ]


def test_a_prompt_among_reminders_is_the_line_that_shows_it():
    blob = {"role": "user", "content": [text("a reminder"), text("hello")]}
    digest = message_hash("user", blob["content"])
    found = log(
        user("u1", text("hello")),
        {"type": "api-request-blob", "hash": digest, "message": blob},
        attempt("q1", digest),
        model("a1", "m1", "q1", text("hi")),
    )
    assert lines_of(found, "q1") == [(None, -1), ("u1", 0)]
    assert found.body("q1") is not None


def redacted_log(*more: Line) -> RequestLog:
    """A result lost its secret, and with it its hash; what stands before and behind it is known."""
    call = {"type": "tool_use", "id": "t1", "name": "Run", "input": {}}
    told, called = message_hash("user", "go"), message_hash("assistant", [call])
    lost = message_hash("user", [result("password: hunter2"), result("fine", 2)])
    return log(
        user("u1", text("go")),
        model("a1", "m1", "q1", call),
        user("u2", result(f"password: {MARKER}")),
        user("u3", result("fine", 2)),
        *more,
        model("a2", "m2", "q2", text("done")),
        attempt("q1", told),
        attempt("q2", called, lost, base="q1", keep=1),
    )


def test_a_message_without_its_secret_is_known_by_its_place():
    found = redacted_log()
    assert lines_of(found, "q2") == [("u1", 0), ("a1", 0), ("u2", 0), ("u3", 0)]
    assert found.body("q2") is None  # what it said to the byte is not claimed


def test_a_place_says_nothing_where_more_messages_lost_a_secret_than_were_sent():
    """A command's output that was never sent stands between, in another line of the same side."""
    assert redacted_log(model("a9", "m9", "q9", text("cut")), user("u9", text(MARKER))).rebuilt("q2") is None


def test_a_hash_without_a_message_is_none_of_those_that_kept_theirs():
    found = log(
        user("u1", text("go")),
        user("u2", result("fine")),
        model("a1", "m1", "q1", text("done")),
        attempt("q1", message_hash("user", "go"), "0" * 64),
    )
    assert found.rebuilt("q1") is None


def test_redacted_lines_of_a_subagent_are_not_the_main_conversations():
    found = redacted_log(user("u8", text(MARKER), agentId="sub"))
    assert lines_of(found, "q2")[2:] == [("u2", 0), ("u3", 0)]


@st.composite
def conversations(draw) -> list[Line]:
    """Attempts that each take some messages of any earlier one and say some more, now and then with other tools."""
    lines: list[Line] = []
    chains: list[int] = []
    for number in range(draw(st.integers(1, 8))):
        base = draw(st.sampled_from([None, *range(number)])) if number else None
        keep = draw(st.integers(0, chains[base])) if base is not None else 0
        tail = []
        for place in range(draw(st.integers(0 if keep else 1, 3))):
            said = draw(st.sampled_from("abc"))
            lines.append(user(f"u{number}.{place}", text(said)))
            lines.append(model(f"x{number}.{place}", f"x{number}.{place}", "", text("between")))
            tail.append(message_hash("user", said))
        lines.append(model(f"a{number}", f"m{number}", f"q{number}", text("done")))
        lines.append(attempt(f"q{number}", *tail, base=None if base is None else f"q{base}", keep=keep))
        chains.append(keep + len(tail))
    return lines


@given(conversations())
def test_a_walk_finds_what_each_prompt_alone_would_give(lines: list[Line]):
    found = log(*lines)
    walk, before = PromptWalk(found), []
    for name in found.attempts:
        kept, parts = walk.parts(name) or (0, [])
        alone = found.rebuilt(name)
        assert alone is not None
        assert [part.section for part in parts] == [part.section for part in alone.parts]
        assert [part.text_bytes for part in parts] == [part.text_bytes for part in alone.parts]
        assert [part.key for part in parts[:kept]] == before[:kept]
        before = [part.key for part in parts]


def test_a_secret_in_the_log_leaves_its_thread_exact(tmp_path: Path):
    secret = "DB_PASSWORD=" + "Tr4vel-Qu1etly-92"
    common = {"sessionId": "s", "version": "2.1.330", "cwd": "/home/dev/shop"}
    usage = {"input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 5}
    call = {"type": "tool_use", "id": "t1", "name": "Run", "input": {}}

    def answered(line: Line, written: int, second: int) -> Line:
        counted = usage | {"cache_creation_input_tokens": written}
        of = {"model": "claude-opus-5-5", "usage": counted, "stop_reason": "end_turn", "type": "message"}
        stamp = f"2026-11-20T10:00:{second:02d}.000Z"
        return line | {"message": line["message"] | of, "timestamp": stamp, "requestId": f"r{second}"}

    told, called = message_hash("user", "go"), message_hash("assistant", [call])
    found = [
        {"type": "api-request-shape", "shapeHash": SHAPE_HASH, "shape": SHAPE},
        user("u1", text("go"), timestamp="2026-11-20T10:00:01.000Z"),
        attempt("q1", told),
        answered(model("a1", "m1", "q1", call), 100, 2),
        user("u2", result(secret), timestamp="2026-11-20T10:00:03.000Z"),
        attempt("q2", called, message_hash("user", [result(secret)]), base="q1", keep=1),
        answered(model("a2", "m2", "q2", text("done")), 130, 4),
    ]
    write(tmp_path / "logs" / "s.jsonl", *({**common, **line} for line in found))
    config = ingested(tmp_path / "home", tmp_path / "logs")
    assert rows(config, "select truth from lineages") == [("exact",)]
    query = "select kind, carried_requests_count, preview like '%Tr4vel%' from blocks where kind = 'tool_result'"
    assert rows(config, "select rule from redactions") == [("password",)]
    assert rows(config, query) == [("tool_result", 1, False)]


def test_a_message_is_taken_apart_once_however_many_prompts_hold_it(monkeypatch: pytest.MonkeyPatch):
    lines = []
    for number in range(20):
        lines += [
            user(f"u{number}", text(f"say {number}")),
            model(f"a{number}", f"m{number}", f"q{number}", text("so")),
        ]
        said = [message_hash("user", f"say {number}")]
        tail = said if not number else [message_hash("assistant", [text("so")]), *said]
        before = f"q{number - 1}" if number else None
        lines.append(attempt(f"q{number}", *tail, base=before, keep=max(2 * number - 1, 0)))
    found = log(*lines)
    taken = []
    once = RequestLog.message_parts
    monkeypatch.setattr(RequestLog, "message_parts", lambda *of: taken.append(of) or once(*of))
    walk = PromptWalk(found)
    for number in range(20):
        kept, parts = walk.parts(f"q{number}") or (0, [])
    assert len(taken) == 39
    assert (kept, len(parts)) == (40, 42)  # tools, system, its header, and the messages
