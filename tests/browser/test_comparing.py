"""Comparing in a real browser: choosing, swapping, sharing, taking away; and what is said where nothing can be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS, Clicks, downloaded, settled

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]


def sides(page: Page) -> tuple[str, str]:
    """A and B as the address has them."""
    given = parse_qs(page.evaluate("location.search.slice(1)"))
    return given["a"][0], given["b"][0]


def test_on_a_phone_both_sides_can_be_read(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/compare")
    page.set_viewport_size({"width": 390, "height": 844})
    for side in ("A", "B"):
        field = page.get_by_role("textbox", name=side, exact=True)
        expect(field).not_to_have_value("")
        page.wait_for_function("(field) => field.clientWidth > 300", arg=field.element_handle())


def answer(page: Page) -> Locator:
    return page.locator(".st-key-compare_answer")


def test_two_sessions_are_found_swapped_and_shared_by_the_address(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/compare")
    expect(page.get_by_role("textbox", name="B", exact=True)).to_have_value(re.compile("^since="))
    settled(page)
    page.get_by_role("radio", name="Two sessions").click()
    for side in ("A", "B"):  # the weeks stand there until the two newest sessions do
        expect(page.get_by_role("textbox", name=side, exact=True)).to_have_value(re.compile("^[0-9a-f]{8}-"))
    settled(page)
    before = sides(page)
    words = page.get_by_role("textbox", name="Find A")
    words.fill("invoice")
    words.press("Enter")
    expect(page.get_by_role("combobox", name="Session of A")).to_have_attribute(
        "placeholder", re.compile(r"^[1-9]\d* found$")
    )
    settled(page)
    page.get_by_role("combobox", name="Session of A").click()
    page.get_by_role("option").last.click()
    page.wait_for_function("before => !location.search.includes(before)", arg=before[0])
    settled(page)
    chosen = sides(page)
    assert chosen[1] == before[1]
    page.get_by_role("button", name="Swap").click()
    page.wait_for_function("a => new URLSearchParams(location.search).get('a') === a", arg=chosen[1])
    settled(page)
    assert sides(page) == (chosen[1], chosen[0])
    expect(answer(page)).to_have_text(re.compile(r"^B cost \$[\d.]+ (more|less) than A\. Largest steps: "))
    switch = page.get_by_test_id("stCheckbox").filter(has_text="Both replays in step").bounding_box()
    tabs = page.get_by_role("tablist").bounding_box()
    assert switch and tabs and switch["y"] < tabs["y"]  # it is found without scrolling past a table
    told = answer(page).inner_text()
    shared = open_page(page.evaluate("location.href"))
    expect(answer(shared)).to_have_text(told, use_inner_text=True)
    shared.get_by_role("tab", name="Turns side by side").click()
    expect(shared.get_by_role("tabpanel").get_by_test_id("stDataFrame").first).to_be_visible()
    shared.wait_for_url(re.compile(r"part_of_two=Turns\+side\+by\+side"))
    again = open_page(shared.evaluate("location.href"))
    expect(again.get_by_role("tab", name="Turns side by side")).to_have_attribute("aria-selected", "true")


def test_a_link_without_a_question_opens_the_one_that_its_sides_answer(demo_app: str, open_page: Opener) -> None:
    for link, question in (
        (f"a={quote('person=jonas')}&b={quote('person=mira')}", "Any two groups"),
        (
            f"what=Nonsense&match=nonsense&prices=nonsense&a={quote('person=jonas')}&b={quote('person=mira')}",
            "Any two groups",
        ),
        ("a=1&b=2", "Two sessions"),
        ("", "Last week"),
    ):
        page = open_page(f"{demo_app}/compare?{link}")
        expect(page.get_by_role("radio", name=question)).to_be_checked()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    # What is chosen then stands in the address, whichever it is.
    for question in ("Two models", "Last week"):
        page.get_by_role("radio", name=question).click()
        page.wait_for_function(
            "what => new URLSearchParams(location.search).get('what') === what", arg=question, timeout=PATIENCE_MS
        )
    settled(page)


def test_sessions_are_found_by_what_was_said_in_them(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/compare?what=Two+sessions")
    box, found = page.get_by_role("textbox", name="Find A"), page.get_by_role("combobox", name="Session of A")
    for words, told in (
        ("timezone", r"^[1-9]\d? found$"),  # stands in results of tools, in no title
        ('"no such phrase anywhere"', "^None found$"),
    ):
        box.fill(words)
        box.press("Enter")
        expect(found).to_have_attribute("placeholder", re.compile(told))
    settled(page)


INTERVAL = re.compile(r"Cost per turn: .*95 % interval of the difference [^ ]+ to [^ ]+; \d+ against \d+ sessions")


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("A new CLAUDE.md", (r"^project=spoke-api instructions=\w{12}$", r"^project=spoke-api instructions=\w{12}$")),
        ("Two models", (r"^project=[\w,-]+ model=claude-[a-z0-9-]+$", r"^project=[\w,-]+ model=claude-[a-z0-9-]+$")),
        ("Last week", (r"^since=2026-11-06 until=2026-11-12$", r"^since=2026-11-13 until=2026-11-19$")),
    ],
)
def test_a_leads_questions_are_answered_with_an_interval_in_two_clicks(
    whole_demo_app: str, open_page: Opener, question: str, sides: tuple[str, str]
) -> None:
    lead = Clicks(open_page(whole_demo_app))
    lead.compare(question)
    for side, written in zip("AB", sides, strict=True):
        expect(lead.page.get_by_role("textbox", name=side, exact=True)).to_have_value(re.compile(written))
    settled(lead.page)
    expect(answer(lead.page)).to_contain_text(INTERVAL)
    expect(answer(lead.page)).to_contain_text("In sum B cost")
    lead.click(lead.page.get_by_role("tab", name="Where the money went"))
    expect(lead.page.get_by_role("tabpanel").get_by_test_id("stVegaLiteChart").first).to_be_visible()
    assert lead.count == 3


def test_a_leads_questions_are_answered_on_real_sessions_within_five_clicks(
    sessions_app: str, open_page: Opener
) -> None:
    lead = Clicks(open_page(sessions_app))
    for question, side in (("Last week", "^since="), ("Two models", "^project=git-sync model=claude-opus-4-8$")):
        lead.count = 0
        lead.compare(question)
        expect(lead.page.get_by_role("textbox", name="B", exact=True)).to_have_value(re.compile(side))
        settled(lead.page)
        expect(answer(lead.page)).to_contain_text(INTERVAL)
        assert lead.count == 2
    lead.count = 0
    lead.compare("A new CLAUDE.md")
    # No client here logs what it read, and no edit has five sessions on both sides: a person knows the day.
    expect(lead.page.get_by_text("No change of CLAUDE.md in these logs has five sessions before")).to_be_visible()
    lead.click(lead.page.get_by_role("combobox", name="Projects"))
    lead.click(lead.page.get_by_role("option", name="git-sync"))
    lead.page.keyboard.press("Escape")  # closes the list
    lead.click(lead.page.get_by_label("day it changed").get_by_role("spinbutton").first)
    lead.page.keyboard.type("20260515")
    lead.page.keyboard.press("Escape")  # closes the calendar
    lead.page.wait_for_function("() => location.search.includes('2026-05-15')")
    settled(lead.page)
    expect(lead.page.get_by_role("textbox", name="B", exact=True)).to_have_value("project=git-sync since=2026-05-15")
    expect(answer(lead.page)).to_contain_text(INTERVAL)
    assert lead.count == 5


def test_a_question_in_the_address_fills_both_sides_and_the_first_visit_can_be_shared(
    whole_demo_app: str, open_page: Opener
) -> None:
    for address, written in (
        ("compare", "since="),
        ("compare?what=Two+models", "project="),
        ("compare?what=A+new+CLAUDE.md", "project=spoke-api instructions="),
    ):
        page = open_page(f"{whole_demo_app}/{address}")
        page.wait_for_function("() => ['a', 'b'].every(side => new URLSearchParams(location.search).has(side))")
        assert all(side.startswith(written) for side in sides(page))
        told = answer(page).inner_text()
        expect(answer(open_page(page.evaluate("location.href")))).to_have_text(told, use_inner_text=True)
    # What the address says stands in the choices too.
    change = page.get_by_role("combobox", name="Change of CLAUDE.md")
    expect(change).to_have_value(re.compile(r"spoke-api: .* \(9 sessions before, 8 after\)$"))
    expect(page.get_by_test_id("stMultiSelect").get_by_text("spoke-api")).to_be_visible()


def test_before_and_after_a_moment_and_a_commit_are_asked_for_on_the_page(
    whole_demo_app: str, open_page: Opener
) -> None:
    page = open_page(f"{whole_demo_app}/compare?what=A+new+CLAUDE.md")
    commit = page.get_by_role("textbox", name="Or a commit")
    commit.fill("3f2a9c1")
    commit.press("Enter")
    expect(page.get_by_text("No project's folder on this machine holds the commit '3f2a9c1'.")).to_be_visible()
    assert sides(page) == ("project=spoke-api until=3f2a9c1", "project=spoke-api since=3f2a9c1")
    moment = "2026-11-18T12:00"
    page = open_page(f"{whole_demo_app}/compare?what=Any+two+groups&a=until%3D{moment}&b=since%3D{moment}")
    expect(page.get_by_text("A: before 2026-11-18 12:00 UTC")).to_be_visible()
    expect(page.get_by_text("A session counts whole, on the day it began.")).to_be_visible()


def test_a_day_given_by_hand_counts_up_to_the_neighbouring_change_and_says_so(
    whole_demo_app: str, open_page: Opener
) -> None:
    page = open_page(f"{whole_demo_app}/compare?what=A+new+CLAUDE.md")
    expect(
        page.get_by_text("A are the sessions that read the old CLAUDE.md, B those that read the new")
    ).to_be_visible()
    page.get_by_label("day it changed").get_by_role("spinbutton").first.click()
    page.keyboard.type("20261112")
    page.keyboard.press("Escape")  # closes the calendar
    page.wait_for_function("() => location.search.includes('2026-11-12')")
    settled(page)
    expect(
        page.get_by_text(
            "Only sessions between the neighbouring changes of CLAUDE.md count: A begins at the change before"
        )
    ).to_be_visible()
    a, b = sides(page)
    assert re.fullmatch(r"project=spoke-api since=2026-11-09T\S+ until=2026-11-11", a)
    assert b == "project=spoke-api since=2026-11-12"


def test_empty_and_small_groups_and_what_is_no_group_are_explained(demo_app: str, open_page: Opener) -> None:
    page = open_page(
        f"{demo_app}/compare?what=Any+two+groups&a={quote('project=nowhere')}&b={quote('since=2026-01-01')}"
    )
    expect(page.get_by_text("No session is in A (project nowhere).")).to_be_visible()
    page = open_page(f"{demo_app}/compare?a={quote('person=lena')}&b={quote('person=mira')}")
    expect(page.get_by_text(re.compile(r"No verdict: A has \d and B has \d+ sessions"))).to_be_visible()
    page = open_page(f"{demo_app}/compare?a={quote('prompt=/(/')}&b={quote('person=mira')}")
    expect(page.get_by_text("prompt='/(/' is no pattern")).to_be_visible()
    page = open_page(f"{demo_app}/compare?a={quote('colour=red')}&b={quote('person=mira')}")
    expect(page.get_by_text("'colour=red' is no condition of a group.")).to_be_visible()


def test_a_price_list_in_a_link_is_used_and_what_is_written_by_hand_is_text(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/compare?a=person%3Djonas&b=person%3Dmira&prices=claude-opus-5-5")
    expect(page.get_by_role("combobox", name="Prices")).to_have_value("All at the list of claude-opus-5-5")
    page = open_page(f"{demo_app}/compare?a={quote('project=![x](http://127.0.0.1:9/x.png)')}&b=person%3Dmira")
    expect(page.get_by_text("No session is in A (project ![x](")).to_be_visible()  # and nothing was fetched


def test_the_report_opens_from_disk_and_says_method_and_limits(
    demo_app: str, open_page: Opener, tmp_path: Path
) -> None:
    page = open_page(f"{demo_app}/compare?a={quote('person=jonas')}&b={quote('person=mira')}&match=task")
    file = downloaded(page, page.get_by_role("button", name="HTML")).rename(tmp_path / "comparison.html")
    page.goto(file.as_uri())
    for words in ("Matched on similar first prompt", "Sessions are not assigned by lot", "permutation test on ranks"):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_role("heading", name="Method and limits")).to_be_visible()
    page.set_viewport_size({"width": 768, "height": 900})
    assert page.locator("p.quiet").count() == 2
    assert page.evaluate(_PAST_THE_EDGE, 768) == []


_PAST_THE_EDGE = """width => {
    const right = one => one.getBoundingClientRect().right;
    const captions = [...document.querySelectorAll("p.quiet")].filter(one => right(one) > width);
    const labels = [...document.querySelectorAll("svg text")].filter(one => right(one) > right(one.closest("svg")));
    return [...captions, ...labels].map(one => one.textContent);
}"""
