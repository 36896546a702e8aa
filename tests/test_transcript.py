"""What one line of a log becomes."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest

from her_models import contracts
from her_models.transcript import (
    BLOCK_FIELDS,
    EVENT_FIELDS,
    LINE_FIELDS,
    RESPONSE_FIELDS,
    FileContext,
    Rows,
    image_size,
    leading_records,
    read_line,
    salvage,
)
from tests.staged import answer, line, prompt


class Read:
    """One line or more, read as if they stood in `path`."""

    def __init__(self, *lines: bytes, path: str = "projects/-work-app/file1.jsonl") -> None:
        self.data = Rows()
        self.context = FileContext.of(1, path)
        for number, text in enumerate(lines):
            read_line(text, number, len(text), "hash", self.context, self.data)
        self.lines = [dict(zip(LINE_FIELDS, row, strict=True)) for row in self.data.lines]
        self.responses = [dict(zip(RESPONSE_FIELDS, row, strict=True)) for row in self.data.responses]
        self.blocks = [dict(zip(BLOCK_FIELDS, row, strict=True)) for row in self.data.blocks]
        self.events = [dict(zip(EVENT_FIELDS, row, strict=True)) for row in self.data.events]

    @property
    def texts(self) -> list[str]:
        return [text.decode() for _, text in self.data.texts]

    @property
    def drift(self) -> dict[tuple[str, str], int]:
        return {(kind, path): count for (kind, path, _), (_, count) in self.context.drift.items()}


def user(*content: Any, **more: Any) -> bytes:
    return line("user", message={"role": "user", "content": list(content)}, **more)


def assistant(*content: Any, usage: Any = None, **message: Any) -> bytes:
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-5", "content": list(content)}
    return line("assistant", message=body | ({"usage": usage} if usage is not None else {}) | message)


def usage(**counts: Any) -> dict[str, Any]:
    return {"input_tokens": 1, "output_tokens": 2} | counts


@pytest.mark.parametrize(
    ("fields", "table"),
    [
        (LINE_FIELDS, contracts.LINES),
        (RESPONSE_FIELDS, contracts.RESPONSE_LINES),
        (BLOCK_FIELDS, contracts.BLOCK_LINES),
        (EVENT_FIELDS, contracts.EVENT_LINES),
    ],
)
def test_rows_have_the_columns_of_the_contract(fields: tuple[str, ...], table: contracts.Table) -> None:
    assert {"source_id", "raw", *fields} >= set(table.column_names) >= set(fields)


# -- lines


def test_line_without_session_takes_the_one_above_then_the_name_of_the_file() -> None:
    read = Read(line(sessionId=None), line(), line(sessionId=None))
    assert [row["session_id"] for row in read.lines] == ["file1", "s1", "s1"]


def test_line_of_a_subagent_folder_falls_back_to_the_session_the_folder_is_named_for() -> None:
    read = Read(line(sessionId=None), path="projects/p/s9/subagents/agent-a1.jsonl")
    assert (read.lines[0]["session_id"], read.lines[0]["agent_id"]) == ("s9", "a1")


def test_version_is_carried_to_lines_that_have_none() -> None:
    read = Read(line(), b'{"type":"mode","mode":"plan","sessionId":"s1"}')
    assert [row["client_version"] for row in read.lines] == ["2.1.7", "2.1.7"]


@pytest.mark.parametrize(
    ("text", "subtype"),
    [
        (line("system", subtype="turn_duration"), "turn_duration"),
        (line("attachment", attachment={"type": "skill_listing", "content": "- a"}), "skill_listing"),
        (line("progress", data={"type": "hook_progress", "hookEvent": "Stop"}), "hook_progress"),
        (b'{"type":"queue-operation","operation":"enqueue","sessionId":"s1","content":"x"}', "enqueue"),
    ],
)
def test_subtype_is_the_inner_kind_of_the_line(text: bytes, subtype: str) -> None:
    assert Read(text).lines[0]["subtype"] == subtype


def test_copied_line_names_the_session_it_came_from() -> None:
    read = Read(line(forkedFrom={"sessionId": "s0", "messageUuid": "u0"}), line(requestSessionId="s0"), line())
    assert [row["forked_from_session_id"] for row in read.lines] == ["s0", "s0", None]


# -- drift


def test_known_lines_show_no_drift() -> None:
    assert Read(prompt("hello"), answer()).drift == {}


def test_new_fields_and_types_are_counted_and_the_line_is_read_all_the_same() -> None:
    read = Read(prompt("hello", brandNew=1), prompt("hello", brandNew={"x": 2}), line("hologram"))
    assert read.drift == {("user", "brandNew"): 2, ("hologram", ""): 1}
    assert [block["kind"] for block in read.blocks] == ["prompt", "prompt"]


def test_new_field_inside_usage_is_named_by_its_path() -> None:
    read = Read(assistant(usage=usage(moon_tokens=4)))
    assert read.drift == {("assistant", "message.usage.moon_tokens"): 1}
    assert read.responses[0]["output_tokens"] == 2


def test_known_field_of_a_new_type_is_drift_and_left_out() -> None:
    read = Read(line("user", message={"role": "user", "content": 5}, cwd=["/a"]))
    assert read.drift == {("user", "message.content:int"): 1, ("user", "cwd:list"): 1}
    assert read.lines[0]["cwd"] is None


def test_tool_inputs_and_client_results_are_not_held_to_a_schema() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Odd", "input": {"any": [1, {"thing": None}]}}
    assert Read(assistant(call), user(toolUseResult={"any": 1, "file": 3})).drift == {}


# -- usage


def test_usage_becomes_disjoint_token_classes() -> None:
    split = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70}
    text = assistant(
        usage=usage(cache_creation_input_tokens=100, cache_read_input_tokens=9, cache_creation=split),
        stop_reason="end_turn",
    )
    (row,) = Read(text).responses
    assert (row["uncached_input_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (1, 9, 2)
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"], row["has_write_split"]) == (30, 70, True)
    assert (row["stop_reason"], row["usage_note"]) == ("end_turn", None)


def test_writes_without_a_split_count_as_five_minutes_and_say_so() -> None:
    (row,) = Read(assistant(usage=usage(cache_creation_input_tokens=100))).responses
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"], row["has_write_split"]) == (100, 0, False)


@pytest.mark.parametrize(
    ("total", "writes", "note"),
    [
        (0, (30, 70), None),
        (120, (50, 70), "cache_creation: less than cache_creation_input_tokens, rest taken as 5 m"),
        (90, (30, 70), "cache_creation: more than cache_creation_input_tokens, split taken"),
    ],
)
def test_total_and_split_that_disagree_are_noted(total: int, writes: tuple[int, int], note: str | None) -> None:
    split = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 70}
    (row,) = Read(assistant(usage=usage(cache_creation_input_tokens=total, cache_creation=split))).responses
    assert (row["cache_write_5m_tokens"], row["cache_write_1h_tokens"]) == writes
    assert row["usage_note"] == note


@pytest.mark.parametrize(
    ("count", "value", "note"),
    [
        (12.0, 12, "output_tokens: float read as a whole number"),
        ("12", 12, "output_tokens: str read as a whole number"),
        (-1, None, "output_tokens: refused, negative"),
        (1.5, None, "output_tokens: refused, float"),
        ("many", None, "output_tokens: refused, str"),
        (True, None, "output_tokens: refused, bool"),
        (99_999_999, 99_999_999, None),
        (10**8, None, "output_tokens: refused, over 99,999,999"),
        (10**30, None, "output_tokens: refused, over 99,999,999"),
    ],
)
def test_count_that_is_no_count_is_coerced_or_refused_never_wrapped(
    count: Any, value: int | None, note: str | None
) -> None:
    (row,) = Read(assistant(usage=usage(output_tokens=count))).responses
    assert (row["output_tokens"], row["usage_note"]) == (value, note)


def test_count_of_ten_thousand_digits_is_refused() -> None:
    text = assistant(usage=usage(output_tokens=0)).replace(b'"output_tokens":0', b'"output_tokens":' + b"9" * 10_000)
    (row,) = Read(text).responses
    assert (row["output_tokens"], row["usage_note"]) == (None, "output_tokens: refused, str")


@pytest.mark.parametrize("value", [{"input_tokens": 1}, "abc", 5, True, [None], [[1]], []])
def test_iterations_that_are_no_list_of_calls_leave_the_top_level_standing(value: Any) -> None:
    (row,) = Read(assistant(usage=usage(iterations=value))).responses
    assert row["iterations"] is None


def test_iterations_are_kept_only_where_they_say_more_than_the_top_level() -> None:
    one = {"input_tokens": 1, "output_tokens": 2, "type": "message"}
    same = Read(assistant(usage=usage(iterations=[one]))).responses[0]
    more = Read(assistant(usage=usage(iterations=[one | {"type": "compaction"}, one]))).responses[0]
    assert same["iterations"] is None
    assert [step["type"] for step in json.loads(more["iterations"])] == ["compaction", "message"]


def test_diagnosis_of_a_cache_miss_is_kept() -> None:
    miss = {"cache_miss_reason": {"type": "system_changed", "cache_missed_input_tokens": 40}}
    edits = {"applied_edits": [{"cleared_input_tokens": 5}, {"cleared_input_tokens": 6}]}
    (row,) = Read(assistant(usage=usage(), diagnostics=miss, context_management=edits)).responses
    assert (row["cache_miss_reason"], row["cache_missed_tokens"], row["cleared_input_tokens"]) == (
        "system_changed",
        40,
        11,
    )


def test_subagent_inside_a_progress_line_gives_a_nested_response_and_its_blocks() -> None:
    nested = json.loads(answer("msg_9", 55, uuid="n1", timestamp="2026-01-02T00:00:01Z"))
    inner = {name: nested[name] for name in ("type", "message", "uuid", "timestamp", "requestId")}
    read = Read(
        line("progress", data={"type": "agent_progress", "agentId": "a7", "message": inner}, parentToolUseID="toolu_1")
    )
    (row,) = read.responses
    assert (row["message_id"], row["is_nested"], row["is_sidechain"], row["agent_id"]) == ("msg_9", True, True, "a7")
    assert (row["uuid"], row["logged_at"], row["parent_tool_use_id"]) == ("n1", "2026-01-02T00:00:01Z", "toolu_1")
    assert [(block["kind"], block["is_nested"]) for block in read.blocks] == [("text", True)]


def test_whole_message_on_one_line_gives_one_response_and_all_its_blocks() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    read = Read(assistant({"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Yes"}, call, usage=usage()))
    assert len(read.responses) == 1
    assert [(block["block_index"], block["kind"]) for block in read.blocks] == [
        (0, "thinking"),
        (1, "text"),
        (2, "tool_call"),
    ]


# -- blocks


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fix the bug", "prompt"),
        ("[Request interrupted by user for tool use]", "interruption"),
        ("<command-name>/clear</command-name>", "command"),
        ("<local-command-stdout>ok</local-command-stdout>", "command"),
        ("<system-reminder>be brief</system-reminder>", "reminder"),
    ],
)
def test_user_text_is_told_apart_as_string_and_as_block(text: str, kind: str) -> None:
    read = Read(prompt(text), user({"type": "text", "text": text}))
    assert [block["kind"] for block in read.blocks] == [kind, kind]


def test_meta_text_is_a_reminder_and_a_compact_summary_is_one() -> None:
    read = Read(prompt("Base directory", isMeta=True), prompt("So far", isCompactSummary=True))
    assert [block["kind"] for block in read.blocks] == ["reminder", "compact_summary"]


def test_text_is_measured_in_bytes_and_characters_and_stored_once() -> None:
    read = Read(prompt("häß"), prompt("häß"))
    assert [(block["text_bytes"], block["text_chars"]) for block in read.blocks] == [(5, 3), (5, 3)]
    assert read.blocks[0]["content_hash"] == read.blocks[1]["content_hash"]
    assert read.texts == ["häß"]


def test_preview_is_one_line_of_at_most_200_characters() -> None:
    preview = Read(prompt("a\nb\tc" + "x" * 300)).blocks[0]["preview"]
    assert (preview[:6], len(preview)) == ("a b cx", 200)


def test_file_call_names_its_path_and_range() -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Read", "input": {"file_path": "/a.py", "offset": 10, "limit": 5}}
    (block,) = Read(assistant(call)).blocks
    assert (block["tool_name"], block["tool_use_id"], block["path"]) == ("Read", "t1", "/a.py")
    assert (block["range_start"], block["range_lines"]) == (10, 5)


def test_result_takes_text_from_the_message_and_range_from_the_client() -> None:
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "1→x"}
    file = {"filePath": "/a.py", "content": "much longer text", "startLine": 3, "numLines": 1, "totalLines": 9}
    (block,) = Read(user(result, toolUseResult={"type": "text", "file": file})).blocks
    assert (block["kind"], block["tool_use_id"], block["text_chars"]) == ("tool_result", "t1", 3)
    assert (block["path"], block["range_start"], block["range_lines"]) == ("/a.py", 3, 1)


def test_edit_result_spans_its_hunks() -> None:
    hunks = [{"oldStart": 1, "oldLines": 1, "newStart": 10, "newLines": 3, "lines": []}]
    hunks.append({"oldStart": 9, "oldLines": 1, "newStart": 40, "newLines": 2, "lines": []})
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "ok", "is_error": True}
    (block,) = Read(user(result, toolUseResult={"filePath": "/a.py", "structuredPatch": hunks})).blocks
    assert (block["path"], block["range_start"], block["range_lines"]) == ("/a.py", 10, 32)
    assert block["is_error"] is True


@pytest.mark.parametrize("result", ["Error: no", ["a"], {"file": 5}, {"structuredPatch": [{"newStart": "x"}]}, 7, None])
def test_odd_client_results_do_no_harm(result: Any) -> None:
    block = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "ok"}]}
    read = Read(user(block, toolUseResult=result))
    assert (read.blocks[0]["range_start"], read.texts) == (None, ["ok"])


def test_call_that_starts_a_subagent_says_which_and_its_result_which_one_it_was() -> None:
    start = {"subagent_type": "Explore", "description": "look", "prompt": "find it"}
    call = {"type": "tool_use", "id": "t1", "name": "Task", "input": start}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "found"}
    read = Read(assistant(call), user(result, toolUseResult={"agentId": "a7"}), prompt("find it", isSidechain=True))
    asked, told, first = read.blocks
    assert (asked["spawned_agent_type"], asked["spawned_description"]) == ("Explore", "look")
    assert told["spawned_agent_id"] == "a7"
    assert asked["spawned_prompt_hash"] == first["content_hash"]


def test_image_gives_its_size_in_a_message_and_in_a_result() -> None:
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480) + b"\0" * 20
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(png).decode()}
    image = {"type": "image", "source": source}
    read = Read(user(image, {"type": "tool_result", "tool_use_id": "t1", "content": [image]}))
    assert [(b["kind"], b["image_width"], b["image_height"]) for b in read.blocks] == [
        ("image", 640, 480),
        ("tool_result", None, None),
        ("image", 640, 480),
    ]


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (b"GIF89a" + struct.pack("<HH", 3, 4), (3, 4)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 20, 30), (30, 20)),
        (b"RIFF\0\0\0\0WEBPVP8X" + b"\0" * 8 + b"\x09\0\0\x13\0\0", (10, 20)),
        (b"\x89PNG\r\n\x1a\n", (None, None)),
        (b"\xff\xd8\xff", (None, None)),
        (b"plain", (None, None)),
    ],
)
def test_image_headers(data: bytes, size: tuple[int | None, int | None]) -> None:
    assert image_size(data) == size


def test_attachment_brings_the_text_the_model_sees() -> None:
    file = {"filePath": "/a", "content": "x = 1", "startLine": 2, "numLines": 1}
    read = Read(
        line("attachment", attachment={"type": "date", "date": "2026"}, rendered=[{"content": "Today is 2026"}]),
        line("attachment", attachment={"type": "file", "filename": "/a", "content": {"type": "text", "file": file}}),
        line("attachment", attachment={"type": "queued_command", "prompt": "go on", "commandMode": "prompt"}),
        line("attachment", attachment={"type": "deferred_tools_delta", "addedLines": ["A", "B"]}),
        line("attachment", attachment={"type": "hook_system_message", "content": "for people"}),
        line("attachment", attachment={"type": "hook_success", "content": "", "stdout": "{}"}),
    )
    assert [(block["role"], block["kind"]) for block in read.blocks] == [
        ("attachment", "reminder"),
        ("attachment", "reminder"),
        ("attachment", "prompt"),
        ("attachment", "listing"),
    ]
    assert read.texts == ["Today is 2026", "x = 1", "go on", "A\nB"]
    assert (read.blocks[1]["path"], read.blocks[1]["range_start"]) == ("/a", 2)


def test_memory_files_are_shown_under_their_names() -> None:
    files = [{"path": "/a/CLAUDE.md", "content": "Be brief."}, {"path": "/b/CLAUDE.md", "content": "Be kind."}, {}]
    nested = {"type": "nested_memory", "path": "/c/CLAUDE.md", "content": {"path": "/c/CLAUDE.md", "content": "No."}}
    read = Read(
        line("attachment", attachment={"type": "instructions", "files": files}),
        line("attachment", attachment={"type": "instructions", "files": files}, rendered=[{"content": "As sent."}]),
        line("attachment", attachment=nested),
        line("attachment", attachment={"type": "instructions", "files": [{"path": "/a/CLAUDE.md"}]}),
    )
    assert [block["kind"] for block in read.blocks] == ["memory"] * 3
    assert read.texts == [
        "Contents of /a/CLAUDE.md:\n\nBe brief.\n\nContents of /b/CLAUDE.md:\n\nBe kind.",
        "As sent.",
        "Contents of /c/CLAUDE.md:\n\nNo.",
    ]


def test_what_a_hook_prints_reaches_the_model_at_a_prompt_and_not_at_a_call() -> None:
    def printed(event: str) -> bytes:
        return line("attachment", attachment={"type": "hook_success", "hookEvent": event, "content": f"at {event}"})

    heard = ("SessionStart", "UserPromptSubmit")
    read = Read(*(printed(event) for event in (*heard, "PreToolUse", "PostToolUse", "Stop", "SubagentStop")))
    assert read.texts == ["at SessionStart", "at UserPromptSubmit"]


def test_lines_that_are_no_messages_become_events_with_their_json() -> None:
    title = b'{"type":"ai-title","aiTitle":"Fix it","sessionId":"s1"}'
    read = Read(title, prompt("hello"), line("system", subtype="compact_boundary", compactMetadata={"preTokens": 5}))
    assert [(row["type"], row["subtype"]) for row in read.events] == [
        ("ai-title", None),
        ("system", "compact_boundary"),
    ]
    assert read.events[0]["payload"] == title


def test_lone_surrogate_is_kept_in_raw_and_readable_in_payload_and_text() -> None:
    text = b'{"type":"summary","summary":"a\\ud800b","leafUuid":"\\ud83d\\ude00"}'
    spoken = b'{"type":"user","sessionId":"s1","message":{"role":"user","content":"a\\ud800b"}}'
    read = Read(text, spoken)
    assert read.data.raw == [text, spoken]
    assert read.events[0]["payload"] == b'{"type":"summary","summary":"a\\ufffdb","leafUuid":"\\ud83d\\ude00"}'
    assert read.texts[0].startswith("a\N{REPLACEMENT CHARACTER}")


# -- what cannot be read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"[1]", "JSON list, not an object"),
        (b"7", "JSON int, not an object"),
        (b"null", "JSON NoneType, not an object"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":"\xff"}', "invalid UTF-8"),
        (b'{"a":', "not JSON: Expecting value"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    ],
)
def test_reason_says_what_was_found(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{reason}$"):
        Read(text)


def pieces(data: bytes) -> list[tuple[bytes, str | None]]:
    return [(data[start:end], reason) for start, end, reason in salvage(data)]


def test_two_records_on_one_line_are_both_salvaged() -> None:
    assert pieces(b'{"type":"a"} {"type":"b"}') == [(b'{"type":"a"}', None), (b'{"type":"b"}', None)]


def test_record_after_one_that_was_cut_is_salvaged_and_the_cut_one_refused() -> None:
    cut, whole = prompt("first, cut")[:80], prompt("second")
    assert pieces(cut + whole) == [(cut, "not JSON: Expecting ':' delimiter"), (whole, None)]


def test_part_of_a_cut_record_is_not_taken_for_a_line() -> None:
    cut = b'{"sessionId":"s1","type":"progress","data":{"type":"x","message":{"type":"user","uuid":"u"}'
    assert [reason for _, reason in pieces(cut)] == ["not JSON: Expecting ',' delimiter"]


def test_what_follows_a_record_is_refused_alone() -> None:
    assert [(text, bool(reason)) for text, reason in pieces(b'{"a":1}xyz')] == [(b'{"a":1}', False), (b"xyz", True)]


def test_records_at_the_start_of_an_unfinished_line_are_found() -> None:
    assert leading_records(b' {"a":"\xc3\xa4"}{"b":2}{"c":') == [(1, 11), (11, 18)]
