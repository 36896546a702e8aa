"""The replay's recording, its rendered texts and its file: what is counted where, and that no text can act."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from app.replay import player
from app.replay.answers import STRETCH, rendered, texts_of_few, texts_of_many
from app.replay.page import session_page
from app.replay.recording import EDIT, ERRED, INHERITED, LEFT_BEHIND, recording
from app.replay.rendering import CHARACTERS_SHOWN, CHARACTERS_SHOWN_ALONE, Text, event_html, image_address
from her_models import replay_reports, reports
from her_models.config import Config, load_config
from her_models.export import SessionKey
from her_models.lake import open_lake
from her_models.replay_reports import Branch, Line, branches_of
from her_models.search.index import update_index
from tests.app.conftest import HOSTILE, SESSION, SOURCE, SPELLS, at, fill, fill_lake

PNG = "iVBORw0KGgoAAAANSUhEUg=="
ALLOWED_TAGS = {
    "p", "div", "span", "pre", "code", "ul", "ol", "li", "dl", "dt", "dd", "em", "strong", "s", "details", "summary",
    "table", "thead", "tbody", "tr", "th", "td", "blockquote", "hr", "br",
}  # fmt: skip
ALLOWED_ATTRIBUTES = {"class", "title", "start", "style"}
HOSTILE_TEXTS = [
    SPELLS,
    "<img src=x onerror=alert(1)><svg/onload=alert(1)>",
    "[a](javascript:alert(1)) ![b](http://203.0.113.9/b.png) <http://203.0.113.9> [c]: http://203.0.113.9",
    "```html\n<script>alert(1)</script>\n```\n| <b> | </td> |\n|-|-|\n| </table> | x |",
    '{"command": "</pre><script>alert(1)</script>", "description": "<b>"}',
    '{"old_string": "<i>", "new_string": "</div><iframe src=//203.0.113.9>", "file_path": "/a.html"}',
    '{"todos": [{"content": "</li><script>", "status": "\\"onclick=alert(1)"}]}',
    "     1→<script>alert(1)</script>\n     2→</code></div>",
    "[" * 3000 + "]" * 3000,
    "> " * 2000 + "deep",
]


def event(kind: str, tool: str | None = None, path: str | None = None, *, is_error: bool = False) -> dict[str, Any]:
    return {
        "kind": kind, "tool_name": tool, "path": path, "is_error": is_error, "image_width": None, "image_height": None,
    }  # fmt: skip


def shown(one: dict[str, Any], text: str) -> str:
    return event_html(one, Text(text, len(text)))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


def assert_inert(html: str) -> None:
    found = _Tags()
    found.feed(html)
    assert found.tags <= ALLOWED_TAGS
    assert found.attributes <= ALLOWED_ATTRIBUTES
    assert not re.search("[\x1b\u202a-\u202e\u2066-\u2069]", html)


# -- rendering ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
@pytest.mark.parametrize(
    "one",
    [
        event("prompt"), event("text"), event("thinking"), event("reminder"), event("tool_call", "Bash"),
        event("tool_call", "Edit", "/a.html"), event("tool_call", "TodoWrite"), event("tool_call", "mcp__x__y"),
        event("tool_result", "Read", "/a.html"), event("tool_result", "Bash", is_error=True),
        event("tool_result", "WebFetch"), event("tool_result", "mcp__x__y"),
    ],
    ids=lambda one: f"{one['kind']}-{one['tool_name']}",
)  # fmt: skip
def test_no_text_becomes_more_than_harmless_marks(one: dict[str, Any], text: str) -> None:
    assert_inert(shown(one, text))


@given(st.text(alphabet=st.sampled_from("<>&\"'`*_[]()!#|-\\/\n =aé\u202e\x1b{}:1"), max_size=120))
def test_markdown_of_any_signs_stays_harmless(text: str) -> None:
    assert_inert(shown(event("text"), text))


def test_a_line_of_five_megabytes_is_cut_and_the_note_says_how_long_it_is() -> None:
    html = event_html(event("tool_result", "Bash"), Text("x" * 200_000, 5_000_000))
    assert len(html) < 10_000
    assert f"The first {CHARACTERS_SHOWN:,} of 5,000,000 characters." in html


def test_a_text_of_blanks_alone_says_that_it_is_blank() -> None:
    assert shown(event("text"), "\n\n") == '<p class="nothing">(blank)</p>'
    assert "(blank)" not in shown(event("text"), "\n x")


def test_a_command_shows_its_exit() -> None:
    assert "Exit 0" in shown(event("tool_result", "Bash"), "fine")
    assert "Exit 2" in shown(event("tool_result", "Bash", is_error=True), "Exit code 2\nno such file")
    assert "no exit code" in shown(event("tool_result", "Bash", is_error=True), "Interrupted")


def test_a_slash_command_and_what_it_answered_stand_without_their_markup() -> None:
    html = shown(event("command"), "<command-name>/model</command-name>\n<command-args>x &lt; 2</command-args>")
    assert re.findall(r">([^<]+)</pre>", html) == ["/model", "x &amp;lt; 2"]
    assert "<script" not in shown(
        event("command"), "<local-command-stdout><script>alert(1)</script></local-command-stdout>"
    )


def test_a_file_that_was_read_has_its_own_line_numbers() -> None:
    html = shown(event("tool_result", "Read", "/a.txt"), "    41→first\n    42→second")
    assert re.findall(r'class="number">(\d+)</span><code>(\w+)', html) == [("41", "first"), ("42", "second")]


def test_a_diff_marks_what_went_and_what_came() -> None:
    html = shown(event("tool_call", "Edit", "/a.txt"), json.dumps({"old_string": "a\nb\nc", "new_string": "a\nB\nc"}))
    found = re.findall(r'class="line (\w+)"><span class="mark">.</span><code>(\w)', html)
    assert found == [("same", "a"), ("gone", "b"), ("come", "B"), ("same", "c")]


@pytest.mark.parametrize(
    ("one", "given"),
    [
        (event("tool_call", "Write", "/a.py"), {"content": "x = 1\n" * 3_000}),
        (event("tool_call", "Edit", "/a.py"), {"old_string": "y = 2\n" * 2_000, "new_string": "x = 1\n" * 2_000}),
    ],
    ids=["Write", "Edit"],
)
def test_a_long_change_keeps_its_colours_to_the_last_line(one: dict[str, Any], given: dict[str, str]) -> None:
    html, _ = shown(one, json.dumps(given)).split("<details>")
    assert '<p class="cut">' not in shown(one, json.dumps(given))
    assert (
        html.count('x = <span class="c-number">1</span>')
        == html.count('class="line come"')
        == given["content" if "content" in given else "new_string"].count("\n")
    )


def test_a_longer_change_is_cut_and_shown_alone_is_whole_and_in_colours() -> None:
    text = json.dumps({"file_path": "/a.py", "content": "x = 1\n" * 20_000})
    write = event("tool_call", "Write", "/a.py")
    cut = event_html(write, Text(text, len(text)))
    assert f"The first {CHARACTERS_SHOWN:,} of {len(text):,} characters." in cut
    whole = event_html(write, Text(text, len(text)), longest=CHARACTERS_SHOWN_ALONE)
    assert whole.split("<details>")[0].count('<span class="c-number">1</span>') == 20_000
    assert '<p class="cut">' not in whole


def test_a_colour_over_several_lines_begins_anew_on_each() -> None:
    html = shown(event("tool_call", "Write", "/a.py"), json.dumps({"content": '"""one\n\ntwo"""'}))
    found = re.findall(r"<code>(.*?)</code>", html)
    assert found == [
        '<span class="c-text">&quot;&quot;&quot;one</span>',
        " ",
        '<span class="c-text">two&quot;&quot;&quot;</span>',
    ]


def test_tool_json_is_folded_and_short_fields_stand_open() -> None:
    html = shown(event("tool_call", "Grep"), json.dumps({"pattern": "steam", "long": "x" * 500}))
    assert "<dt>pattern</dt><dd>steam</dd>" in html
    assert html.index("<details>") < html.index("x" * 500)


def test_a_picture_is_shown_only_from_bytes_in_the_log() -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    line = {"message": {"content": [{"type": "tool_result", "content": [{"type": "image", "source": source}]}]}}
    assert image_address(json.dumps(line), 0) == f"data:image/png;base64,{PNG}"
    assert image_address(json.dumps(line), 1) is None
    for wrong in ({"media_type": "image/svg+xml"}, {"data": 'x" onerror="alert(1)'}, {"type": "url", "data": None}):
        changed = {"message": {"content": [{"type": "image", "source": source | wrong}]}}
        assert image_address(json.dumps(changed), 0) is None


# -- branches -------------------------------------------------------------------------------------------------------


def test_a_rewind_leaves_behind_what_came_after_the_event_it_went_back_to() -> None:
    # Prompt 0, answer 1, prompt 2, answer 3; then prompt 4 follows answer 1, over a line without an event.
    lines = {
        "a": Line(None, 0, 0), "b": Line("a", 1, 1), "c": Line("b", 2, 2), "d": Line("c", 3, 3),
        "note": Line("b", None, None), "e": Line("note", 4, 4), "f": Line("e", 5, 5),
    }  # fmt: skip
    assert branches_of(lines, range(6), [4]) == [Branch(1, 4, (2, 3))]
    assert branches_of(lines, range(6), []) == []
    assert branches_of({**lines, "e": Line("d", 4, 4)}, range(6), [4]) == []  # it follows what came before: no branch


# -- recording ------------------------------------------------------------------------------------------------------


def test_a_recording_places_bills_calls_lanes_and_marks_at_their_events(tmp_path: Path) -> None:
    with open_lake(Config(home=tmp_path)) as lake:
        whose = {"session_id": SESSION}
        fill(lake, "sessions", {**whose, "requests_count": 2, "billed_usd": "0.30", "title": "Steam"})
        blocks: list[dict[str, Any]] = [
            {"kind": "prompt", "is_inherited": True, "turn_index": 0},
            {"kind": "tool_call", "tool_name": "Task", "tool_use_id": "t1", "request_id": "m1", "turn_index": 1},
            {"kind": "tool_call", "tool_name": "Edit", "tool_use_id": "t2", "agent_id": "x", "request_id": "m2"},
            {"kind": "tool_result", "tool_name": "Edit", "tool_use_id": "t2", "agent_id": "x", "is_error": True},
            {"kind": "tool_result", "tool_name": "Task", "tool_use_id": "t1"},
        ]
        for index, block in enumerate(blocks):
            fill(lake, "blocks", {**whose, "block_index": index, "logged_at": at(0, index), "role": "user"} | block)
        bill = {**whose, "model": "opus", "prompt_tokens": 100, "cache_read_tokens": 90}
        fill(lake, "requests", {**bill, "request_id": "m1", "billed_usd": "0.10", "started_at": at(0, 1)})
        second = {**bill, "request_id": "m2", "request_index": 1, "agent_id": "x", "started_at": at(0, 2)}
        fill(lake, "requests", {**second, "billed_usd": "0.20"})
        fill(lake, "agent_cost", {**whose, "agent_id": "x", "agent_type": "Explore", "tool_use_id": "t1", "models": []})
        fill(lake, "request_context", {**whose, "request_id": "m2", "kind": "prompt", "uncached_tokens": 10})
        fill(lake, "cache_misses", {**whose, "request_id": "m2", "label": "K1", "cause": "expiry", "missed_tokens": 7})
        finding = {**whose, "kind": "C5.reread", "block_index": 3, "evidence": "Again."}
        fill(lake, "waste", {**finding, "waste_usd": "0.01"})
        record = recording(lake.con, SOURCE, SESSION, "UTC")
    assert record["pair"] == [0, 3, 1, -1, -3]
    assert record["flags"] == [INHERITED, 0, EDIT, ERRED, 0]
    assert record["gap_ms"] == [0, 1000, 1000, 1000, 1000]
    assert [(lane["name"], lane["call"]) for lane in record["lanes"]] == [("Main", None), ("Explore", 1)]
    assert record["lane"] == [0, 0, 1, 1, 0]
    assert [record["tracks"][track] for _, track in record["tools"]] == ["Agents", "Edit"]
    bills = record["bills"]
    assert (bills["event"], bills["nano"], bills["lane"]) == ([1, 2], [100_000_000, 200_000_000], [0, 1])
    assert record["context"]["rows"] == [[1], [0], [10], [None]]
    assert record["misses"] == [[2, "K1", "expiry", 7, None]]
    assert record["waste"] == [[3, "C5.reread", "Again.", 10_000_000, 0]]
    assert record["dearest"] == [1, 2]


def test_a_recording_knows_rewinds_copies_and_who_went_on_from_it(tmp_path: Path) -> None:
    parents = {"a": None, "b": "a", "c": "b", "d": "c", "e": "b", "f": "e"}  # e follows b: c and d are left behind
    kinds = ["prompt", "text", "prompt", "text", "prompt", "text"]
    with open_lake(Config(home=tmp_path)) as lake:
        fill(lake, "sessions", {"session_id": SESSION}, {"session_id": "child", "forked_from_session_id": SESSION})
        for index, (uuid, parent) in enumerate(parents.items()):
            place = {
                "session_id": SESSION,
                "file_id": 1,
                "offset_bytes": index,
                "uuid": uuid,
                "logged_at": at(0, index),
            }
            fill(lake, "lines", {**place, "parent_uuid": parent, "raw": "{}"})
            fill(lake, "blocks", {**place, "block_index": index, "kind": kinds[index], "request_id": f"m{index}"})
        request = {"session_id": SESSION, "model": "opus", "started_at": at(0, 5)}
        fill(lake, "requests", {**request, "request_id": "m5"})
        cut = {"session_id": SESSION, "thread_id": "", "lineage_index": 1, "cut": "rewind", "first_request_id": "m5"}
        fill(lake, "lineages", cut)
        copy = {"session_id": "child", "is_inherited": True, "kind": "text"}
        fill(lake, "blocks", {**copy, "block_index": 0, "uuid": "a"}, {**copy, "block_index": 1, "uuid": "b"})
        record = recording(lake.con, SOURCE, SESSION, "UTC")
        child = recording(lake.con, SOURCE, "child", "UTC")
    assert record["branches"] == [[1, 4]]
    assert [event for event, flags in enumerate(record["flags"]) if flags & LEFT_BEHIND] == [2, 3]
    assert record["cuts"] == [[5, "Rewound"]]
    assert record["relatives"] == [["child", "", 1]]
    assert child["facts"]["forked_from"] == SESSION
    assert child["flags"] == [INHERITED, INHERITED]


# -- the file -------------------------------------------------------------------------------------------------------


def test_the_file_forbids_every_load_and_names_its_script_by_hash(home: Path) -> None:
    with open_lake(Config(home=home), read_only=True) as lake:
        page = b"".join(session_page(lake.con, SessionKey(SOURCE, HOSTILE))).decode()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src 'none'; img-src data:; script-src 'sha256-")
    assert "unsafe" not in policy
    scripts = re.findall(r"<script type=\"module\">(.*?)</script>", page, re.S)
    assert scripts == [player.script("page.js")]
    data = re.findall(r'<script type="application/json" id="[\w-]+">(.*?)</script>', page, re.S)
    assert len(data) == 3  # the recording, the reasons of edits, one stretch of texts
    assert all("<" not in part for part in data)
    assert page.count("<script") == 4
    assert "owned" in "".join(json.loads(data[2]))  # the text is there, and only as text


def test_the_player_asks_no_address_but_its_own() -> None:
    code = player.script("component.js") + player.script("page.js") + player.style() + player.page_style()
    addresses = set(re.findall(r"https?://[^\"'\s)]+", code))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|eval)\s*\(", code)
    assert "@import" not in code and "url(" not in code


@pytest.mark.parametrize("session_id", [SESSION, HOSTILE])
def test_texts_are_the_same_from_the_index_and_from_the_lake(tmp_path: Path, session_id: str) -> None:
    fill_lake(tmp_path)
    config = load_config(tmp_path)
    with open_lake(config) as lake:
        rows = replay_reports.stretch(lake.con, SOURCE, session_id, 0, 31).to_pylist()
        read = rendered(lake.con, SOURCE, rows, texts_of_many(lake.con, SOURCE, session_id, rows))
        unindexed = rendered(lake.con, SOURCE, rows, texts_of_few(lake.con, SOURCE, rows, config))
        update_index(lake)
        lake.con.execute("delete from contents")
        indexed = rendered(lake.con, SOURCE, rows, texts_of_few(lake.con, SOURCE, rows, config))
    assert read == unindexed == indexed
    assert len(read) == 5
    assert not any("No text in the log" in one for one in read)


def test_the_file_holds_each_text_in_its_stretch_and_reads_the_lake_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_lake(tmp_path)
    last, asked = 2 * STRETCH, []

    def counted(*args: Any, **options: Any) -> Any:
        asked.append(args)
        return event_texts(*args, **options)

    event_texts = reports.event_texts
    monkeypatch.setattr(reports, "event_texts", counted)
    with open_lake(load_config(tmp_path)) as lake:
        for event in range(5, last + 1):
            block = {"session_id": SESSION, "block_index": event, "kind": "text", "role": "assistant"}
            fill(lake, "blocks", block | {"content_hash": f"said-{event}"})
            fill(lake, "contents", {"content_hash": f"said-{event}", "text": f"sentence {event}.", "text_bytes": 11})
        page = b"".join(session_page(lake.con, SessionKey(SOURCE, SESSION))).decode()
    texts = [json.loads(part) for part in re.findall(r'id="texts-\d+">(.*?)</script>', page, re.S)]
    assert [len(part) for part in texts] == [STRETCH, STRETCH, 1]
    for event in (5, STRETCH - 1, STRETCH, last):
        assert f"sentence {event}." in texts[event // STRETCH][event % STRETCH]
    assert len(asked) == 1


def test_a_question_from_a_page_that_was_left_is_no_error() -> None:
    def page() -> None:
        from app.replay.component import _answering

        _answering("replay_channel", {})()

    assert not AppTest.from_function(page).run().exception
