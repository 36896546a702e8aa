"""Every page in a real browser: it draws, answers clicks, logs no error and asks nobody but this machine."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from her_models.config import Config
from tests.app.conftest import HOSTILE
from tests.browser.conftest import click_first_row, downloaded, settled
from tests.lakes import rows

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]


def figure(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")


def click_through(page: Page) -> None:
    """Visit each page by its link and see that it is drawn without an error."""
    for name in ("Sessions", "Session", "Search", "Audit", "Compare", "Cost optimisation", "SQL", "Health", "Overview"):
        page.get_by_test_id("stTopNavLink").filter(has_text=re.compile(rf"{name}$")).click()
        expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()
        settled(page)
        expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
        expect(page.get_by_test_id("stException")).to_have_count(0)


def open_dearest_session(page: Page, address: str) -> None:
    """Open the first session of the list by a click on its row."""
    page.goto(f"{address}/sessions?sort=Dearest+first")
    settled(page)
    click_first_row(page.get_by_test_id("stDataFrame"))
    page.wait_for_url(re.compile(r"/session\?.*session="))
    settled(page)


@pytest.mark.parametrize("app", ["demo_app", "shared_app"])
def test_every_page_is_drawn(app: str, request: pytest.FixtureRequest, open_page: Opener) -> None:
    page = open_page(request.getfixturevalue(app))
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    expect(figure(page, "Cost at list price")).to_have_text(re.compile(r"^(≥ )?\$"))
    click_through(page)


def test_the_first_page_has_a_name_too_and_keeps_what_stands_behind_it(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/overview?split=Project")
    expect(page).to_have_url(f"{demo_app}/?split=Project")
    expect(page.get_by_role("radio", name="Project", exact=True).first).to_be_checked()


def test_an_address_below_a_page_leads_to_it(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/cost/whatever?days=7")
    expect(page).to_have_url(f"{demo_app}/cost?days=7")
    page.goto(f"{demo_app}/session/no such session?view=Turns")
    expect(page).to_have_url(re.compile(r"/session\?view=Turns&session=no(%20|\+)such(%20|\+)session$"))
    expect(page.get_by_text("no such session").first).to_be_visible()


@pytest.mark.parametrize("app", ["demo_app", "shared_app"])
def test_a_click_opens_a_session_and_each_of_its_views(
    app: str, request: pytest.FixtureRequest, open_page: Opener
) -> None:
    address = request.getfixturevalue(app)
    page = open_page(address)
    open_dearest_session(page, address)
    expect(page.get_by_role("region", name="Replay of")).to_be_visible()
    for view in ("Turns", "Tools", "Subagents"):
        page.get_by_role("radio", name=view).click()
        expect(page.get_by_role("radio", name=view)).to_be_checked()
        expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
    page.get_by_role("radio", name="About").click()
    expect(page.get_by_text("select * from requests where session_id")).to_be_visible()


def test_a_finding_opens_both_sides_of_its_evidence_with_their_difference(
    demo_lake: Config, whole_demo_app: str, open_page: Opener
) -> None:
    """Once from the list of the dearest, and once as a piece of advice links to it: in the session's own view."""
    ((session, source, finding),) = rows(
        demo_lake,
        "select session_id, source_id, finding_index from waste where kind = 'C12.rewrite' order by all limit 1",
    )
    page = open_page(f"{whole_demo_app}/cost?everyone=true")
    click_first_row(page.get_by_test_id("stDataFrame").last)
    expect(page.get_by_text(re.compile("^What is waste: "))).to_be_visible()
    expect(page.get_by_text(re.compile("^What shows it, (before|after) it: "))).to_be_visible()
    page = open_page(f"{whole_demo_app}/session?session={session}&source={source}&view=Waste&finding={finding}")
    expect(page.get_by_role("radio", name="Waste")).to_be_checked()
    expect(page.get_by_text("What is waste: the file as it was written again", exact=True)).to_be_visible()
    expect(page.get_by_text("What shows it, before it: the file as it was known", exact=True)).to_be_visible()
    expect(page.locator("code.language-diff")).to_contain_text(re.compile(r"^[+-](?![+-])", re.MULTILINE))


def test_a_rewind_shows_as_a_branch_and_what_it_left_behind_is_greyed(
    demo_lake: Config, whole_demo_app: str, open_page: Opener
) -> None:
    """Two prompts follow the same answer: what the first of them brought is left behind by the second."""
    (session, first), (_, second) = rows(
        demo_lake,
        "select session_id, block_index from blocks where kind = 'prompt' and "
        "(preview like 'Try an init container%' or preview like 'No, that runs four times%') order by block_index",
    )
    page = open_page(f"{whole_demo_app}/session?session={session}&event={second + 1}")
    replay = page.locator(".replay")
    expect(replay.locator(".where")).to_have_text(re.compile(rf"^{second + 1} / "))
    expect(replay.locator(".legend")).to_contain_text("left behind by a rewind")
    expect(replay).to_contain_text(f"Rewound to event {first}; what came after it was left behind")
    for event, is_left in ((first, False), (first + 1, True), (second, True), (second + 1, False)):
        row = page.get_by_role("option", name=re.compile(rf"^Event {event}, "))
        if is_left:
            expect(row).to_have_attribute("aria-label", re.compile("left behind by a rewind"))
            expect(row).to_have_class(re.compile(r"\bcopied\b"))
        else:
            expect(row).not_to_have_attribute("aria-label", re.compile("left behind by a rewind"))
            expect(row).not_to_have_class(re.compile(r"\bcopied\b"))
    row = page.get_by_role("option", name=re.compile(rf"^Event {second}, "))
    row.click()
    expect(replay).to_contain_text("Left behind by a rewind: paid, but no longer in the context")


def test_words_of_a_search_stand_in_the_address_and_come_back(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/sessions")
    counted = page.get_by_text(re.compile(r"^\d+ sessions"))
    everything = counted.inner_text()
    box = page.get_by_placeholder("Words in prompts", exact=False)
    box.fill("error")
    box.press("Enter")
    page.wait_for_url(re.compile(r"q=error"))
    settled(page)
    expect(counted).not_to_have_text(everything)
    found = counted.inner_text()
    page.reload()
    settled(page)
    expect(page.get_by_text(found)).to_be_visible()


def test_a_query_runs_and_its_result_can_be_taken_away_as_soon_as_it_is_seen(demo_app: str, open_page: Opener) -> None:
    page = open_page(f"{demo_app}/sql")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    for name, beginning in (("CSV", b'"project","month","usd"'), ("Parquet", b"PAR1")):
        file = downloaded(page, page.get_by_role("button", name=name, exact=True))
        assert file.read_bytes().startswith(beginning)
    query = page.get_by_label("Query")
    query.fill("select * from read_csv('/etc/passwd')")
    query.press("Control+Enter")
    expect(page.get_by_text("This query cannot be run.")).to_be_visible()


def test_hostile_text_neither_runs_nor_fetches(hostile_app: str, open_page: Opener) -> None:
    for event in range(1, 6):
        page = open_page(f"{hostile_app}/session?session={HOSTILE}&event={event}")
        expect(page.locator(".replay .body")).not_to_have_class(re.compile("waiting"))
        assert "owned" not in page.title()
        assert page.locator("img[src*='203.0.113.9'], script:text('owned')").count() == 0
    for path in ("sessions", "health"):
        assert "owned" not in open_page(f"{hostile_app}/{path}").title()


def test_an_empty_home_says_what_to_run(empty_app: str, open_page: Opener) -> None:
    page = open_page(empty_app)
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    expect(page.get_by_text("./her up --demo")).to_be_visible()
