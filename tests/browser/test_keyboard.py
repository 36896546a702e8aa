"""Without a mouse: every table that leads away can be walked through, left, and opened at the row one means."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import click_first_row, settled

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]


def tab_into(page: Page, table: Locator) -> None:
    """Press Tab until the table has the focus; nothing may open on the way there."""
    expect(table.locator("canvas td").first).to_be_attached()
    for _ in range(80):
        page.keyboard.press("Tab")
        if table.locator("canvas:focus, canvas :focus").count():
            return
    raise AssertionError("Tab does not lead to the table.")


def opener(page: Page) -> Locator:
    """The button that opens the marked row."""
    return page.locator("[class*=st-key-open_]").get_by_role("button")


def marks(page: Page, row: Locator) -> None:
    """Wait until the button names a row."""
    expect(opener(page)).to_contain_text(row.inner_text().strip()[:40])


def press(page: Page, key: str, row: Locator) -> None:
    """Press a key in a table and wait until it has led to the row."""
    page.keyboard.press(key)
    marks(page, row)


def tab_out_and_open(page: Page) -> None:
    """Leave the table with Tab and open the marked row with Enter."""
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.locator("[class*=st-key-open_] button:focus").count():
            break
    expect(opener(page)).to_be_focused()
    page.keyboard.press("Enter")


def titles(table: Locator, column: int) -> Locator:
    """The cells of a column, as people hear them who cannot see the canvas."""
    return table.locator(f"canvas td[aria-colindex='{column + 1}']")


def test_the_third_session_is_reached_and_opened_with_the_keyboard_alone(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/sessions?sort=Dearest+first")
    table = page.get_by_test_id("stDataFrame")
    tab_into(page, table)
    title = titles(table, 1)
    wanted = title.nth(2).inner_text()
    marks(page, title.nth(0))
    for key, row in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("ArrowDown", 2)):
        press(page, key, title.nth(row))
    tab_out_and_open(page)
    page.wait_for_url(re.compile(r"/session\?.*session="))
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(re.escape(wanted[:40])))


def test_who_takes_the_mouse_after_the_keyboard_opens_a_row_with_one_click(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/sessions?sort=Dearest+first")
    table = page.get_by_test_id("stDataFrame")
    tab_into(page, table)
    title = titles(table, 1)
    press(page, "ArrowDown", title.nth(1))
    wanted = title.nth(0).inner_text()
    click_first_row(table)
    page.wait_for_url(re.compile(r"/session\?.*session="))
    settled(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(re.escape(wanted[:40])))


def test_a_turn_is_opened_with_the_keyboard_alone(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/sessions?sort=Most+turns+first")
    click_first_row(page.get_by_test_id("stDataFrame"))
    page.wait_for_url(re.compile(r"/session\?.*session="))
    settled(page)
    page.get_by_role("radio", name="Turns").click()
    expect(page.get_by_text("Click a turn to see it in the replay.")).to_be_visible()
    settled(page)
    table = page.get_by_test_id("stDataFrame")
    tab_into(page, table)
    press(page, "ArrowDown", titles(table, 2).nth(1))
    tab_out_and_open(page)
    expect(page.get_by_role("radio", name="Replay")).to_be_checked()
    page.wait_for_url(re.compile(r"/session\?.*event=\d+"))
    expect(page.get_by_role("region", name=re.compile("^Replay of"))).to_be_visible()


def test_a_risky_action_is_opened_with_the_keyboard_alone(hostile_app: str, open_page: Opener) -> None:
    page = open_page(f"{hostile_app}/audit")
    table = page.get_by_test_id("stDataFrame")
    tab_into(page, table)
    marks(page, titles(table, 1).nth(0))
    tab_out_and_open(page)
    page.wait_for_url(re.compile(r"/session\?.*event=3"))
