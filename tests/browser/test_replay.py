"""The replay in a real browser: each control does what it says at 20,000 events, and no text acts.

All tests share one app on one lake: a long session made by SQL, a small one, a hostile one with a line of five
megabytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.replay.page import session_page
from her_models.config import load_config
from her_models.export import SessionKey
from her_models.lake import Lake, open_lake
from tests.app.conftest import HOSTILE, SESSION, SOURCE, at, fill, fill_lake
from tests.browser.conftest import PATIENCE_MS, axe_violations, downloaded, served, settled
from tests.long_session import EDIT_EVENT, EVENTS, LONG, NEEDLE, NEEDLE_EVENT, SUBAGENT, TURN, fill_long_session

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]
FIVE_MEGABYTES = 5_000_000
FORKED = "55555555-0000-4000-8000-000000000005"
IDLE = "66666666-0000-4000-8000-000000000006"
REWOUND, CHILD = "77777777-0000-4000-8000-000000000007", "88888888-0000-4000-8000-000000000008"
OPEN = "99999999-0000-4000-8000-000000000009"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("replay")
    fill_lake(home)
    with open_lake(load_config(home)) as lake:
        fill_long_session(lake)
        whose = {"session_id": FORKED, "owner": "ada", "project": "engine"}
        fill(lake, "sessions", {**whose, "title": "A fork", "models": [], "forked_from_session_id": SESSION})
        for index, is_copy in enumerate((True, True, False)):
            said = {"kind": "text", "role": "assistant", "content_hash": "fork", "preview": "Said."}
            fill(lake, "blocks", {**whose, **said, "block_index": index, "is_inherited": is_copy})
        fill(lake, "contents", {"content_hash": "fork", "text": "Said.", "text_bytes": 5})
        idle = {"session_id": IDLE, "owner": "ada", "project": "engine"}
        fill(lake, "sessions", {**idle, "title": "A hundred seconds of nothing", "models": []})
        for index, seconds in enumerate((0, 1, 101, 102)):
            said = {"kind": "text", "role": "assistant", "content_hash": "fork", "preview": "Said."}
            moment = {"block_index": index, "logged_at": at(seconds // 60, seconds % 60)}
            fill(lake, "blocks", {**idle, **said, **moment})
        fill_branches(lake)
        fill_open_outputs(lake)
        block = {"session_id": HOSTILE, "block_index": 5, "kind": "tool_result", "tool_name": "Bash", "role": "user"}
        fill(lake, "blocks", {**block, "content_hash": "huge", "preview": "x" * 200})
        lake.con.execute(
            "insert into contents values (?, 'huge', ?, repeat('x', ?))", [SOURCE, FIVE_MEGABYTES, FIVE_MEGABYTES]
        )
    return home


def fill_branches(lake: Lake) -> None:
    """Fill a session of six events, the fifth of which goes back to the second, and another that took the first two."""
    parents = {"a": None, "b": "a", "c": "b", "d": "c", "e": "b", "f": "e"}
    fill(lake, "sessions", {"session_id": REWOUND, "title": "Back and forth", "models": ["opus"]})
    about = {"title": "Went on elsewhere", "models": [], "forked_from_session_id": REWOUND}
    fill(lake, "sessions", {"session_id": CHILD, **about})
    for index, (uuid, parent) in enumerate(parents.items()):
        place = {"session_id": REWOUND, "file_id": 9, "offset_bytes": index, "uuid": uuid, "logged_at": at(0, index)}
        fill(lake, "lines", {**place, "parent_uuid": parent, "raw": "{}"})
        said = {"kind": "text" if index % 2 else "prompt", "preview": f"Said {uuid}.", "request_id": f"re{index}"}
        fill(lake, "blocks", {**place, **said, "block_index": index})
        if index < 2:
            fill(lake, "blocks", {"session_id": CHILD, "block_index": index, "uuid": uuid, "kind": "text"}
                 | {"is_inherited": True, "preview": f"Said {uuid}.", "logged_at": at(0, index)})  # fmt: skip
    fill(lake, "blocks", {"session_id": CHILD, "block_index": 2, "kind": "text", "logged_at": at(1, 0)})
    request = {"session_id": REWOUND, "model": "opus", "started_at": at(0, 5), "request_id": "re5"}
    fill(lake, "requests", request)
    cut = {"session_id": REWOUND, "thread_id": "", "lineage_index": 1, "cut": "rewind", "first_request_id": "re5"}
    fill(lake, "lineages", cut)


def fill_open_outputs(lake: Lake) -> None:
    """Fill a session of three responses: one whole, one that does not say how it ended, one without a price.

    The second wrote a file of 30,000 characters.
    """
    whose = {"session_id": OPEN, "owner": "ada", "project": "engine"}
    fill(lake, "sessions", {**whose, "title": "Never finished", "models": ["opus"], "requests_count": 3})
    written = json.dumps({"file_path": "/engine/a.py", "content": "x = 1\n" * 5_000})
    fill(lake, "contents", {"content_hash": "long-write", "text": written, "text_bytes": len(written)})
    for index, (output, is_floor, usd) in enumerate(((1_500, False, "0.10"), (1_500, True, "0.20"), (10, False, None))):
        call = {"kind": "tool_call", "tool_name": "Write", "path": "/engine/a.py", "content_hash": "long-write"}
        block = {
            **whose,
            "block_index": index,
            "logged_at": at(0, index),
            "role": "assistant",
            "request_id": f"op{index}",
        }
        fill(lake, "blocks", {**block, **(call if index == 1 else {"kind": "text", "preview": "Said."})})
        bill = {"request_id": f"op{index}", "request_index": index, "model": "opus", "started_at": at(0, index)}
        tokens = {"output_tokens": output, "prompt_tokens": 2_000, "is_output_floor": is_floor, "billed_usd": usd}
        fill(lake, "requests", {**whose, **bill, **tokens})
        for kind in ("prompt", "text"):
            context = {"session_id": OPEN, "request_id": f"op{index}", "kind": kind, "uncached_tokens": 1_000}
            usd_half = None if usd is None else float(usd) / 2
            fill(lake, "request_context", {**context, "content_usd": usd_half, "cache_excess_usd": 0, "premium_usd": 0})


@pytest.fixture(scope="module")
def app(home: Path) -> Iterator[str]:
    with served(home) as address:
        yield address


@pytest.fixture(scope="module")
def file(home: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The long session exported, as an address on disk."""
    path = tmp_path_factory.mktemp("file") / "session.html"
    with open_lake(load_config(home), read_only=True) as lake:
        path.write_bytes(b"".join(session_page(lake.con, SessionKey(SOURCE, LONG))))
    return path.as_uri()


def replay(page: Page) -> Locator:
    return page.locator(".replay")


def stands_at(page: Page, event: int) -> None:
    """Wait until the replay stands at an event, counted from 1."""
    expect(page.locator(".replay .where")).to_have_text(re.compile(rf"^{event:,} / "))


def rests_at(page: Page) -> int:
    """Event, from 1, that the replay has come to rest at: what it shows and the address agree."""
    page.wait_for_function(
        """() => {
            const player = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            const shown = player.querySelector('.where').textContent.split(' / ')[0].replaceAll(',', '');
            return shown === new URLSearchParams(location.search).get('event');
        }"""
    )
    return int(page.evaluate("new URLSearchParams(location.search).get('event')"))


_LABELS, _RIM = 104, 8  # pixels of the bar that are no time: names on its left, its right rim


def scrub_to(page: Page, share: float) -> None:
    """Click the bar of the whole session at a share of its time."""
    bar = page.locator(".overview").bounding_box()
    assert bar
    x = bar["x"] + _LABELS + share * (bar["width"] - _LABELS - _RIM)
    page.mouse.click(x, bar["y"] + bar["height"] / 2)


def head_stands_at(page: Page, share: float) -> None:
    """Wait until the playhead stands at a share of the time of the whole session."""
    page.wait_for_function(
        """([share, labels, rim]) => {
            const player = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            const bar = player.querySelector('.overview').getBoundingClientRect();
            const head = player.querySelector('.overview .head').getBoundingClientRect();
            const at = (head.left + 1 - bar.left - labels) / (bar.width - labels - rim);
            return Math.abs(at - share) < 0.005;
        }""",
        arg=[share, _LABELS, _RIM],
    )


def press(page: Page, key: str, event: int) -> None:
    page.keyboard.press(key)
    stands_at(page, event)


def test_every_key_moves_the_replay_as_the_map_says(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event=1")
    stands_at(page, 1)
    for key, event in [
        ("ArrowRight", 2), ("l", 3), ("ArrowLeft", 2), ("j", 1), ("]", TURN + 1), ("]", 2 * TURN + 1), ("[", TURN + 1),
        ("e", 204), ("e", 304), ("Shift+E", 204), ("d", EDIT_EVENT + 1), ("x", 4901), ("Shift+X", 4901), ("m", 5002),
        ("Shift+M", 4002), ("Home", 1), ("w", 778), ("u", 19_961), ("End", EVENTS),
    ]:  # fmt: skip
        if key == "Shift+X":  # there is none before: it stays, and says so
            page.keyboard.press(key)
            expect(replay(page).locator(".said")).to_have_text("No compaction before this event")
        press(page, key, event)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    press(page, "Home", 1)
    expect(replay(page).locator(".said")).to_be_empty()
    typed = "{key: ']', ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true}"  # AltGr on Windows
    page.evaluate(f"() => document.body.dispatchEvent(new KeyboardEvent('keydown', {typed}))")
    stands_at(page, TURN + 1)
    press(page, "Home", 1)
    page.keyboard.press("g")
    expect(page.get_by_role("checkbox", name="squeeze gaps")).not_to_be_checked()
    stands_at(page, 1)
    page.keyboard.press(">")
    expect(page.get_by_label("Speed")).to_have_value("8")
    page.keyboard.press("<")
    page.keyboard.press("<")
    expect(page.get_by_label("Speed")).to_have_value("2")
    page.keyboard.press("+")
    expect(page.locator(".overview .view")).to_be_visible()
    page.keyboard.press("0")
    expect(page.locator(".overview .view")).to_be_hidden()


def test_squeezing_cuts_a_pause_to_two_seconds_and_the_real_clock_keeps_it(app: str, open_page: Opener) -> None:
    """Events after 0, 1, 101 and 102 s; squeezed, after 0, 1, 3 and 4 s."""
    page = open_page(f"{app}/session?session={IDLE}&event=1")
    stands_at(page, 1)
    squeezing = page.get_by_role("checkbox", name="squeeze gaps")
    expect(squeezing).to_be_checked()
    scrub_to(page, 0.82)  # 3.3 of 4 s
    stands_at(page, 3)
    squeezing.uncheck()  # the clock changes, the event stays: after 101 of 102 s
    head_stands_at(page, 101 / 102)
    stands_at(page, 3)
    scrub_to(page, 0.82)  # 84 of 102 s: in the middle of the pause
    stands_at(page, 2)
    squeezing.check()  # after 1 of 4 s
    head_stands_at(page, 1 / 4)
    stands_at(page, 2)
    page.keyboard.press("g")  # after 1 of 102 s
    head_stands_at(page, 1 / 102)
    stands_at(page, 2)
    expect(squeezing).not_to_be_checked()


def test_it_plays_is_scrubbed_and_zoomed_and_its_place_is_in_the_address(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event=101")
    stands_at(page, 101)
    page.get_by_label("Speed").select_option("64")
    page.get_by_role("button", name="Play (space)").click()
    expect(page.get_by_role("button", name="Pause (space)")).to_be_visible()
    page.wait_for_function(
        "() => parseInt(document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
        ".querySelector('.where').textContent) > 120"
    )
    page.locator(".overview").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play (space)")).to_be_visible()
    assert rests_at(page) > 120
    overview = page.locator(".overview").bounding_box()
    tracks = page.locator(".scroller").bounding_box()
    assert overview and tracks
    page.mouse.move(overview["x"] + 300, overview["y"] + 20)
    page.mouse.down()
    page.mouse.move(overview["x"] + overview["width"] / 2, overview["y"] + 20, steps=5)
    page.wait_for_timeout(400)  # held still for longer than the address waits
    page.mouse.up()
    stands_near_the_middle = re.compile(r"^(8|9|10|11),\d{3} / ")
    expect(page.locator(".replay .where")).to_have_text(stands_near_the_middle)
    half = rests_at(page)
    assert EVENTS * 0.4 < half < EVENTS * 0.6
    page.mouse.move(tracks["x"] + 400, tracks["y"] + 60)
    page.mouse.down()
    page.mouse.move(tracks["x"] + 600, tracks["y"] + 60, steps=4)
    page.mouse.up()
    expect(page.locator(".overview .view")).to_be_visible()
    page.mouse.dblclick(tracks["x"] + 500, tracks["y"] + 60)
    expect(page.locator(".overview .view")).to_be_hidden()
    half = rests_at(page)
    page.get_by_role("option", name=f"Event {half + 2}, ").click()
    stands_at(page, half + 2)
    page.wait_for_url(re.compile(rf"event={half + 2}$"))
    page.reload()
    settled(page)
    stands_at(page, half + 2)


def test_trap_17_a_page_holds_the_events_it_shows_not_the_session(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event=101")
    stands_at(page, 101)
    for key, event in (("End", EVENTS), ("Home", 1)):
        press(page, key, event)
        assert 1 <= page.get_by_role("option", name=re.compile("^Event ")).count() < 100
        inside = "document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
        assert page.evaluate(f"{inside}.querySelectorAll('*').length") < 2_000


def test_copied_history_is_greyed_and_marked_as_not_paid_here(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={FORKED}&event=1")
    stands_at(page, 1)
    expect(page.locator(".replay .legend")).to_contain_text("copied, not paid here")
    grey = re.compile(r"\bcopied\b")
    for event, is_copy in ((1, True), (2, True), (3, False)):
        row = page.get_by_role("option", name=re.compile(rf"^Event {event}, "))
        if is_copy:
            expect(row).to_have_class(grey)
            expect(row).to_have_attribute("aria-label", re.compile("copied, not paid here"))
        else:
            expect(row).not_to_have_class(grey)
    expect(page.locator(".replay")).to_contain_text("Copied from another session: not paid here")
    press(page, "End", 3)
    expect(page.locator(".replay")).not_to_contain_text("Copied from another session: not paid here")


def test_a_rewind_is_a_branch_and_what_it_left_behind_is_marked(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={REWOUND}&event=5")
    stands_at(page, 5)
    expect(page.locator(".replay .notes .branch")).to_have_text(
        "Rewound to event 2; what came after it was left behind"
    )
    for event, is_left in ((2, False), (3, True), (4, True), (5, False)):
        row = page.get_by_role("option", name=re.compile(rf"^Event {event}, "))
        told = re.compile(", left behind by a rewind")
        (expect(row).to_have_attribute if is_left else expect(row).not_to_have_attribute)("aria-label", told)
    expect(page.locator(".replay .legend")).to_contain_text("left behind by a rewind")


def test_a_session_leads_to_the_one_that_went_on_from_it_and_back(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={REWOUND}&event=2")
    expect(page.locator(".replay .notes")).to_contain_text("Went on from here in another session: Went on elsewhere")
    page.get_by_role("link", name="Continued in Went on elsewhere after event 2").click()
    expect(page.get_by_role("heading", name="Went on elsewhere")).to_be_visible()
    page.get_by_role("link", name=f"Continues session {REWOUND[:8]}").click()
    expect(page.get_by_role("heading", name="Back and forth")).to_be_visible()


def test_a_figure_that_may_be_too_low_says_so_from_where_it_is(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={OPEN}&event=1")
    cost, _, _, output = (page.locator(".replay .figures dd").nth(place) for place in range(4))
    all_kinds = page.locator(".replay .context tfoot td").nth(1)
    by_kind = page.locator(".replay .context tbody tr td:last-child")
    bill = page.locator(".replay .bill")
    for key, texts, kinds, billed in (
        ("Home", ("$0.10", "1.5 k", "$0.10"), ["$0.0500", "$0.0500"], "1.5 k output"),
        ("ArrowRight", ("≥ $0.30", "≥ 3.0 k", "≥ $0.30"), ["$0.15", "≥ $0.15"], "≥ 1.5 k output"),
        ("ArrowRight", ("≥ $0.30", "≥ 3.0 k", "≥ $0.30"), ["≥ $0.15", "≥ $0.15"], ", 10 output"),
    ):
        page.keyboard.press(key)
        for figure, text in zip((cost, output, all_kinds), texts, strict=True):
            expect(figure).to_have_text(text)
        expect(by_kind).to_have_text(kinds)
        expect(bill).to_contain_text(billed)


def test_a_long_file_is_coloured_and_the_whole_of_it_is_shown_in_its_place(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={OPEN}&event=2")
    rows, numbers = page.locator(".body .line.come"), page.locator(".body .line .c-number")
    expect(rows).to_have_count(3_334)  # 20,000 characters of six
    expect(numbers).to_have_count(3_333)
    page.get_by_role("button", name="Show all").click()
    expect(numbers).to_have_count(5_000)
    expect(page.get_by_role("button", name="Show all")).to_be_hidden()
    colour = "([one]) => getComputedStyle(one).color"
    assert numbers.evaluate_all(colour) != page.locator(".body .line code").evaluate_all(colour)


def test_what_a_subagent_did_stands_under_its_own_name(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event={SUBAGENT - 39}")  # the first of its forty
    stands_at(page, SUBAGENT - 39)
    expect(page.locator(".replay")).to_contain_text("subagent Explore")
    for event, is_inside in ((SUBAGENT - 39, True), (SUBAGENT - 40, False)):
        row = page.get_by_role("option", name=re.compile(rf"^Event {event}, "))
        inside = re.compile(" in Explore")
        if is_inside:
            expect(row).to_have_attribute("aria-label", inside)
        else:
            expect(row).not_to_have_attribute("aria-label", inside)


def test_figures_follow_the_playhead_and_end_at_the_sessions_bill(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event=9")
    figures = page.locator(".replay .figures dd")
    expect(figures.first).to_have_text("$0.0300")  # three responses of one cent each
    expect(page.locator(".replay .context tfoot td").first).to_have_text("1,270")  # 1,110 + 8 events x 20
    page.keyboard.press("End")
    billed = page.get_by_test_id("stMetric").filter(has_text="Cost at list price").get_by_test_id("stMetricValue")
    expect(figures.first).to_have_text(billed.inner_text())


def test_words_are_found_in_texts_and_hits_are_stepped_through(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event=1")
    stands_at(page, 1)
    page.keyboard.press("/")
    page.keyboard.type(NEEDLE.upper())
    expect(page.locator(".found")).to_have_text("1 hit")
    stands_at(page, NEEDLE_EVENT + 1)
    page.keyboard.press("Escape")
    press(page, "Home", 1)
    press(page, "n", NEEDLE_EVENT + 1)


def test_an_edit_leads_to_the_read_behind_it_and_a_selected_value_to_its_origin(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={LONG}&event={EDIT_EVENT + 1}")
    expect(page.locator(".replay .diff .gone")).to_contain_text("valve = open(pressure)")
    page.get_by_role("button", name="Why did this code change?").click()
    proven = page.locator(".flow li.proven").first
    expect(proven).to_contain_text("What was replaced stands verbatim in this read of the same file")
    expect(page.locator(".arcs path.proven").first).to_be_attached()
    page.wait_for_function(  # the list became shorter; the event stays in sight
        """() => {
            const player = document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot;
            const box = (name) => player.querySelector(name).getBoundingClientRect();
            const [room, row] = [box('.list'), box('.list .here')];
            return row.top >= room.top && row.bottom <= room.bottom;
        }"""
    )
    proven.get_by_role("button").click()
    stands_at(page, NEEDLE_EVENT + 1)
    expect(page.locator(".replay .file .number").first).to_have_text("1")
    page.locator(".flow").get_by_role("button", name=f"Event {EDIT_EVENT + 1:,}", exact=True).click()
    stands_at(page, EDIT_EVENT + 1)
    press(page, "ArrowLeft", EDIT_EVENT)
    proven.get_by_role("button").click()
    stands_at(page, NEEDLE_EVENT + 1)
    page.locator(".replay .file .line code").first.click(click_count=3)
    page.get_by_role("button", name="Where did it come from?").click()
    expect(page.locator(".flow .note")).to_contain_text("it came in with this event")


def test_hostile_texts_neither_act_nor_break_the_layout(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={HOSTILE}&event=1")
    page.set_viewport_size({"width": 390, "height": 844})
    for event in range(1, 7):
        stands_at(page, event)
        expect(page.locator(".replay .body")).not_to_have_class(re.compile("waiting"))
        assert page.locator(".replay .body img, .replay .body a, .replay .body script").count() == 0
        page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollWidth <= 390")
        box = page.locator(".replay .body").bounding_box()
        assert box and box["width"] <= 390
        page.keyboard.press("ArrowRight")
    expect(page.locator(".replay .cut")).to_contain_text("of 5,000,000 characters")
    assert "owned" not in page.title()
    file = downloaded(page, page.get_by_role("button", name="Save whole text"))
    assert file.stat().st_size == FIVE_MEGABYTES


def test_the_exported_file_plays_from_disk_and_asks_for_nothing(file: str, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1300, "height": 1000})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: wrong.append(request.url) if not request.url.startswith(file) else None)
    page.goto(f"{file}#event={EDIT_EVENT + 1}")
    stands_at(page, EDIT_EVENT + 1)
    expect(page.locator(".replay .diff .gone")).to_contain_text("valve = open(pressure)")
    page.get_by_role("button", name="Why did this code change?").click()
    expect(page.locator(".flow li.proven")).to_contain_text("in this read of the same file")
    press(page, "Home", 1)
    page.get_by_label("Speed").select_option("64")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Play (space)").click()
    page.wait_for_function("() => parseInt(document.querySelector('.where').textContent) > 20")
    page.get_by_role("button", name="Pause (space)").click()
    page.get_by_label("Search this session").fill(NEEDLE)
    stands_at(page, NEEDLE_EVENT + 1)
    expect(page.locator(".replay .body")).not_to_have_class(re.compile("waiting"))
    assert axe_violations(page) == []
    context.close()
    assert wrong == []


def test_the_replay_is_open_to_everybody(app: str, open_page: Opener) -> None:
    page = open_page(f"{app}/session?session={SESSION}&event=3")
    expect(page.locator(".replay .diff")).to_be_visible()
    assert axe_violations(page) == []
    selected = page.get_by_role("listbox", name="Events").get_by_role("option", selected=True)
    expect(selected).to_have_attribute("aria-label", re.compile(r"^Event 3, Tool call: Edit /engine/loop.py"))
    slider = page.get_by_role("slider", name="Position in the session")
    expect(slider).to_have_attribute("aria-valuetext", "Event 3 of 5, Tool call: Edit /engine/loop.py")
    slider.focus()
    page.keyboard.press("Tab")  # to the list's neighbours: what the keyboard reaches has to be seen
    outline = page.evaluate(
        "() => getComputedStyle(document.querySelector('[data-testid=stBidiComponentIsolated]').shadowRoot"
        ".activeElement).outlineStyle"
    )
    assert outline == "solid"


TWO = """
import streamlit as st
from app import data
from app.replay import component
from her_models import reports
st.set_page_config(layout="wide")
component.draw_two(*(data.ask(reports.session_headers, name)[0] for name in ("{upper}", "{lower}")))
"""


def test_two_sessions_run_on_one_clock_by_time_or_by_progress(home: Path, tmp_path: Path, open_page: Opener) -> None:
    script = tmp_path / "two.py"
    script.write_text(TWO.format(upper=LONG, lower=SESSION))
    with served(home, str(script)) as address:
        page = open_page(address)
        upper, lower = (page.locator(".replay .where").nth(place) for place in range(2))
        expect(upper).to_have_text("1 / 20,000")
        first = page.locator(".overview").first
        first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press(
            "ArrowRight"
        )  # two seconds each: pauses are squeezed to two, of the small session's one each
        expect(upper).to_have_text("3 / 20,000")
        expect(lower).to_have_text("5 / 5")
        page.get_by_label("Run both by").select_option("progress")
        expect(lower).to_have_text("1 / 5")
        first.focus()
        page.keyboard.press("End")
        expect(lower).to_have_text("5 / 5")
        # Whichever replay comes to rest first stands first.
        page.wait_for_url(re.compile(r"\?(?=.*\bevent=20000\b)(?=.*\bevent2=5\b)"))
        # A link keeps the clock, and both events it names, in step or not; the next move brings them in step.
        page.goto(f"{address}?event=3&event2=4&clock=progress")
        settled(page)
        expect(upper).to_have_text("3 / 20,000")
        expect(lower).to_have_text("4 / 5")
        expect(page.get_by_label("Run both by")).to_have_value("progress")
        page.wait_for_timeout(500)  # longer than the address waits
        assert "event=3&event2=4&clock=progress" in page.url
        first.focus()
        page.keyboard.press("ArrowRight")
        expect(upper).to_have_text("4 / 20,000")
        expect(lower).to_have_text("1 / 5")
        page.get_by_label("Run both by").select_option("time")
        page.wait_for_function("() => !location.search.includes('clock')")
        expect(lower).to_have_text("5 / 5")
        page.goto("about:blank")  # a page whose server goes away logs that it cannot be reached
