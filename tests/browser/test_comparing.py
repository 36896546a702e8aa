"""Comparing in a real browser: choosing, swapping, sharing, taking away; and what is said where nothing can be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import downloaded, settled

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]


def sides(page: Page) -> tuple[str, str]:
    """A and B as the address has them."""
    given = parse_qs(page.evaluate("location.search.slice(1)"))
    return given["a"][0], given["b"][0]


def answer(page: Page) -> Locator:
    return page.locator(".st-key-compare_answer")


def test_two_sessions_are_found_swapped_and_shared_by_the_address(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/compare")
    expect(page.get_by_role("textbox", name="B", exact=True)).to_have_value(re.compile("^since="))
    page.get_by_role("radio", name="Two sessions").click()
    page.wait_for_function("() => ['a', 'b'].every(side => new URLSearchParams(location.search).has(side))")
    settled(page)
    before = sides(page)
    words = page.get_by_label("Find A")
    words.fill("invoice")
    words.press("Enter")
    expect(page.get_by_role("combobox", name="Session of A")).to_have_attribute(
        "placeholder", re.compile(r"^\d found$")
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
    told = answer(page).inner_text()
    shared = open_page(page.evaluate("location.href"))
    expect(answer(shared)).to_have_text(told, use_inner_text=True)
    shared.get_by_role("tab", name="Turns side by side").click()
    expect(shared.get_by_role("tabpanel").get_by_test_id("stDataFrame").first).to_be_visible()


def test_two_models_are_answered_in_three_clicks_with_an_interval(demo_app: str, open_page: Opener) -> None:
    page = open_page(demo_app)
    page.get_by_test_id("stTopNavLink").filter(has_text=re.compile("Compare$")).click()
    page.get_by_role("radio", name="Two models").click()
    page.wait_for_url(re.compile("a=model"))
    settled(page)
    expect(answer(page)).to_contain_text("Cost per turn")
    expect(answer(page)).to_contain_text("In sum B cost")
    page.get_by_role("tab", name="Where the money went").click()
    expect(page.get_by_role("tabpanel").get_by_test_id("stVegaLiteChart").first).to_be_visible()


def test_empty_and_small_groups_and_what_is_no_group_are_explained(demo_app: str, open_page: Opener) -> None:
    page = open_page(
        f"{demo_app}/compare?what=Any+two+groups&a={quote('project=nowhere')}&b={quote('since=2026-01-01')}"
    )
    expect(page.get_by_text("No session is in A (project nowhere).")).to_be_visible()
    page = open_page(f"{demo_app}/compare?a={quote('person=lena')}&b={quote('person=mira')}")
    expect(page.get_by_text(re.compile(r"No verdict: A has \d and B has \d+ sessions"))).to_be_visible()
    page = open_page(f"{demo_app}/compare?a={quote('colour=red')}&b={quote('person=mira')}")
    expect(page.get_by_text("'colour=red' is no condition of a group.")).to_be_visible()


def test_the_report_opens_from_disk_and_says_method_and_limits(
    demo_app: str, open_page: Opener, tmp_path: Path
) -> None:
    page = open_page(f"{demo_app}/compare?a={quote('person=jonas')}&b={quote('person=mira')}&match=task")
    file = downloaded(page, page.get_by_role("button", name="HTML")).rename(tmp_path / "comparison.html")
    page.goto(file.as_uri())
    for words in ("Matched on similar first prompt", "Sessions are not assigned by lot", "permutation test on ranks"):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_role("heading", name="Method and limits")).to_be_visible()
