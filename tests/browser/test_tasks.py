"""The five tasks of docs/tasks.md on the demo, from the first page, in the clicks that the document says."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Locator, Page, expect

from her_models.config import Config
from tests.browser.conftest import Clicks, click_first_row, downloaded, settled
from tests.lakes import row

pytestmark = pytest.mark.browser
Opener = Callable[[str], Page]


@pytest.fixture
def person(whole_demo_app: str, open_page: Opener) -> Clicks:
    return Clicks(open_page(whole_demo_app))


def main(person: Clicks) -> Locator:
    return person.page.get_by_test_id("stMain")


def enter(person: Clicks, field: Locator, words: str) -> None:
    field.fill(words)
    field.press("Enter")


def see(person: Clicks) -> None:
    """Open the replay where the first sentence comes from."""
    person.click(main(person).get_by_role("link", name="See it").first)
    person.page.wait_for_url(re.compile(r"/session\?.*\bevent=\d+"))
    event = int(parse_qs(person.page.evaluate("location.search.slice(1)"))["event"][0])
    expect(person.page.locator(".replay .where")).to_have_text(re.compile(rf"^{event:,} / "))


def test_the_most_expensive_turn_of_last_week_and_why(person: Clicks) -> None:
    person.visit("Ask")
    enter(person, person.page.get_by_label("Question"), "most expensive turn of last week")
    expect(main(person).get_by_text(re.compile(r"^Turn \d+ of .* cost \$")).first).to_be_visible()
    person.click(main(person).get_by_role("button", name=re.compile(r"Why\?$")).first)
    expect(main(person).get_by_text(re.compile(r"^Turn \d+ cost \$[\d.]+ in \d+ responses")).first).to_be_visible()
    assert person.count == 2
    see(person)
    assert person.count == 3


def test_who_deleted_a_file(person: Clicks) -> None:
    person.visit("Ask")
    enter(person, person.page.get_by_label("Question"), "who deleted samples/velotrade.csv")
    said = re.compile(r"^dev's session .* ran rm -v samples/velotrade\.csv on 2026-11-11 \d\d:\d\d UTC\.$")
    expect(main(person).get_by_text(said)).to_be_visible()
    assert person.count == 1
    see(person)
    assert person.count == 2
    expect(person.page.locator(".replay [role=option][aria-selected=true]")).to_have_attribute(
        "aria-label", re.compile(r"Bash rm -v samples/velotrade\.csv")
    )


def test_what_filled_the_context_before_a_compaction(person: Clicks) -> None:
    person.visit("Ask")
    person.click(person.page.get_by_role("button", name="What filled the context before the compaction?"))
    largest = main(person).get_by_text(re.compile(r"^[\d,]+ of [\d,]+ tokens before the compaction were"))
    expect(largest.first).to_be_visible()
    assert person.count == 2
    see(person)
    assert person.count == 3


def test_a_session_for_a_colleague(demo_lake: Config, person: Clicks) -> None:
    (total,) = row(demo_lake, "select count(*) from sessions")
    person.visit("Sessions")
    enter(person, person.page.get_by_placeholder(re.compile("^Words in prompts")), "velotrade")
    person.page.wait_for_url(re.compile(r"\bq=velotrade\b"))
    settled(person.page)
    person.click(main(person).get_by_role("button", name="Export").first)
    button = main(person).page.get_by_role("button", name=re.compile(r"Download \d+ sessions \(jsonl\)"))
    expect(button).to_be_visible()
    found = re.search(r"Download (\d+)", button.inner_text())
    assert found
    with zipfile.ZipFile(downloaded(person.page, button)) as archive:
        sessions = [name for name in archive.namelist() if name.endswith(".jsonl")]
        assert all(b"elotrade" in archive.read(name) for name in sessions)
    assert 0 < len(sessions) == int(found[1]) < total
    assert person.count + 1 == 3  # the download is the third


def test_a_session_as_one_file_that_replays(person: Clicks) -> None:
    person.visit("Sessions")
    click_first_row(person.page.get_by_test_id("stDataFrame"))
    # The list has a button of this name, too, and stays on the screen until the session is drawn.
    expect(person.page.get_by_role("region", name=re.compile("^Replay of"))).to_be_visible()
    settled(person.page)
    person.click(main(person).get_by_role("button", name="Export").first)
    written = downloaded(person.page, person.page.get_by_role("button", name="Replay in one file"))
    assert b"<html" in written.read_bytes()[:500]
    assert person.count + 2 == 4  # the row is the second, the download the fourth


def test_two_sessions_compared(person: Clicks) -> None:
    person.compare("Two sessions")
    expect(main(person).get_by_text(re.compile(r"^B cost \$[\d.]+ (more|less) than A"))).to_be_visible()
    assert person.count == 2
    for side, words in (("A", "Luxembourg"), ("B", "velotrade")):
        enter(person, person.page.get_by_role("textbox", name=f"Find {side}"), words)
        settled(person.page)
        before = person.page.get_by_role("textbox", name=side, exact=True).input_value()
        person.click(person.page.get_by_role("combobox", name=f"Session of {side}").first)
        person.click(person.page.get_by_role("option").last)
        expect(person.page.get_by_role("textbox", name=side, exact=True)).not_to_have_value(before)
        settled(person.page)
    expect(main(person).get_by_text(re.compile(r"^B cost \$[\d.]+ (more|less) than A"))).to_be_visible()
    assert person.count == 6
