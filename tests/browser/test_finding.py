"""Search, Audit, Ask and tags in a real browser: clicks lead to the place, hostile text stays text."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import click_first_row, downloaded, settled

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]


def test_a_search_leads_to_the_event_and_the_address_holds_all_of_it(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/search")
    box = page.get_by_placeholder("words ·", exact=False)
    box.fill("error")
    box.press("Enter")
    page.wait_for_url(re.compile(r"q=error"))
    settled(page)
    expect(page.locator("mark").first).to_be_visible()
    found = page.get_by_text(re.compile(r"^[\d,]+ hits? in")).inner_text()
    page.reload()
    settled(page)
    expect(page.get_by_text(found)).to_be_visible()
    page.get_by_role("link", name=re.compile(r"event \d+")).first.click()
    page.wait_for_url(re.compile(r"/session\?.*event=\d+"))
    settled(page)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_hostile_text_in_hits_events_and_answers_neither_runs_nor_fetches(hostile_app: str, open_page: Opener) -> None:
    for path in (
        "search?q=owned",
        "search?q=script.*png&mode=Expression",
        "audit?risks=false",
        "ask?q=what+failed+last",
    ):
        page = open_page(f"{hostile_app}/{path}")
        assert "owned" not in page.title()
        assert page.locator("img[src*='203.0.113.9'], script:text('owned')").count() == 0


def test_a_risky_action_leads_to_its_event_and_its_case_can_be_taken_away(hostile_app: str, open_page: Opener) -> None:
    page = open_page(f"{hostile_app}/audit")
    with zipfile.ZipFile(downloaded(page, page.get_by_role("button", name="Case of 1 session"))) as case:
        assert {"case/README.md", "case/events.csv", "case/SHA256SUMS"} <= set(case.namelist())
    page = open_page(f"{hostile_app}/audit")
    click_first_row(page.get_by_test_id("stDataFrame"))
    page.wait_for_url(re.compile(r"/session\?.*event=3"))
    expect(page.get_by_role("region", name=re.compile("^Replay of"))).to_be_visible()
    assert "view=" not in page.url


def test_a_question_is_answered_and_its_query_runs(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/ask")
    page.get_by_role("button", name="Which turn was the most expensive?").click()
    expect(page.get_by_text(re.compile(r"Turn \d+ of .* cost \$"))).not_to_have_count(0)
    page.get_by_role("link", name="The query behind this").click()
    page.wait_for_url(re.compile(r"/sql\?query="))
    settled(page)
    expect(page.get_by_text(re.compile(r"^\d+ rows?$"))).to_be_visible()
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_a_sentence_opens_the_replay_of_the_session_that_proves_it(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/ask?q=most+expensive+turn")
    page.get_by_role("link", name="See it").first.click()
    page.wait_for_url(re.compile(r"/session\?session=[0-9a-f-]{36}&.*event=\d+"))
    expect(page.get_by_role("region", name=re.compile("^Replay of"))).to_be_visible()


def test_filtered_sessions_are_exported_as_one_archive(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/sessions?q=invoice")
    page.get_by_role("button", name="Export").first.click()
    expect(page.get_by_text(re.compile(r"^\d[\d.]* [kM]B as logged; the zip file is smaller"))).to_be_visible()
    page.get_by_role("combobox", name=re.compile("Format")).click()
    page.get_by_role("option", name="Replay in one file").click()
    button = page.get_by_role("button", name=re.compile(r"^Download \d+ sessions? \(html\)"))
    with zipfile.ZipFile(downloaded(page, button)) as archive:
        names = archive.namelist()
        replays = [archive.read(name) for name in names if name.endswith(".html")]
    assert "index.csv" in names
    assert len(replays) == len(names) - 1 > 0
    assert all(b'<div id="replay">' in replay for replay in replays)


@pytest.mark.parametrize("place", ["ask?q=most+expensive+turn", "search?q=error"])
def test_back_from_a_session_leads_to_what_was_asked(demo_app: str, open_page: Opener, place: str) -> None:
    page = open_page(f"{demo_app}/{place}")
    address, shown = page.url, page.get_by_test_id("stMain").inner_text()
    page.get_by_role("link", name=re.compile(r"See it|event \d+")).first.click()
    page.wait_for_url(re.compile(r"/session\?session="))
    settled(page)
    page.go_back()
    page.wait_for_url(address)
    settled(page)
    expect(page.get_by_test_id("stMain")).to_have_text(shown, use_inner_text=True)


def test_back_after_why_leads_in_one_step_to_the_question_as_asked(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/ask?q=most+expensive+turn")
    address, shown = page.url, page.get_by_test_id("stMain").inner_text()
    page.get_by_role("button", name="Why?").nth(1).click()
    expect(page.get_by_role("heading", name=re.compile(r"^Why was turn \d+ expensive\?$"))).to_be_visible()
    page.wait_for_url(re.compile(r"of=.*turn=\d+"))
    settled(page)
    expect(page.get_by_role("textbox", name="Question")).to_have_value("")
    page.go_back()
    page.wait_for_url(address)
    settled(page)
    expect(page.get_by_test_id("stMain")).to_have_text(shown, use_inner_text=True)


@pytest.mark.parametrize("days", [30, 90])
def test_how_the_days_are_split_stands_in_the_address_after_a_period_was_chosen(
    demo_app: str, open_page: Opener, days: int
) -> None:
    page = open_page(demo_app)
    page.get_by_role("radio", name=f"{days} days").first.click()
    expect(page.get_by_text(f"The {days} days up to", exact=False)).to_be_visible()
    page.wait_for_url(re.compile("period="))
    settled(page)
    page.get_by_role("radio", name="Token class").click()
    page.wait_for_url(re.compile("split=Token"))
    assert page.context.browser is not None
    other = page.context.browser.new_page()
    other.goto(page.url)
    settled(other)
    expect(other.get_by_role("radio", name="Token class")).to_be_checked()
    expect(other.get_by_role("radio", name=f"{days} days").first).to_be_checked()
    other.close()
