"""A report in one file on a phone: words stay whole, tables and charts scroll inside themselves, not the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize

from her_models.compare import charts, report
from her_models.compare.waterfall import Step
from her_models.documents import Document, Figure, Grid, as_html

pytestmark = pytest.mark.browser
PHONE = ViewportSize(width=390, height=800)
PATH = "/home/ada/projects/engine/" + "/".join(["a_folder_of_some_length"] * 6) + "/loop.py"
HEADINGS = ("Kind", "Of", "Evidence", "Share", "Cost", "Between", "Session")
CELLS = ("C5.reread", PATH, "Lines that stood unchanged in the context", "10%", "$1.50", "$1.00 to $2.00", "f" * 36)
BARS = {
    "data": {"values": [{"what": "Overhead: system prompt, tools, instructions", "usd": 1.5}]},
    "mark": "bar",
    "width": 560,
    "encoding": {"y": {"field": "what"}, "x": {"field": "usd", "type": "quantitative"}},
}
STEPS = [Step("content", "thinking", 0, 40 * 10**12), Step("content", "tool_result", 9 * 10**12, 10**12)]
NUMBERS = frozenset({3, 4, 5, 6})
OF_WASTE = as_html(Document("Cost", "one week", (Grid(HEADINGS, (CELLS,), NUMBERS), Figure(BARS, "One bar."))))
OF_A_COMPARISON = report.as_html(
    report.Document(
        "A against B",
        [
            report.Section(
                "Where", chart=charts.waterfall(STEPS), grids=[report.Grid(HEADINGS, [CELLS], NUMBERS, "A note " * 20)]
            )
        ],
    )
)
_LINES = """cell => { const range = document.createRange(); range.selectNodeContents(cell);
    return new Set([...range.getClientRects()].map(line => line.top)).size; }"""


@pytest.mark.parametrize("text", [OF_WASTE, OF_A_COMPARISON])
def test_on_a_phone_the_page_does_not_scroll_and_no_word_is_broken_into_letters(
    browser: Browser, tmp_path: Path, text: str
) -> None:
    (tmp_path / "report.html").write_text(text, encoding="utf-8")
    page = browser.new_page(viewport=PHONE, color_scheme="dark")
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    lines = [cell.evaluate(_LINES) for cell in page.locator("td").all()]
    assert [lines[place] for place in (0, 3, 4, 5)] == [1, 1, 1, 1]
    assert lines[2] <= 5  # seven words
    assert 2 <= lines[1] <= 10  # 170 letters, which no phone holds in one line
    assert lines[6] <= 3
    notes = page.locator("p.quiet").all()
    assert all(note.evaluate("note => note.getBoundingClientRect().right") <= 390 for note in notes)
    chart, letter = page.locator("figure svg").first, page.locator("figure svg text").first
    assert letter.evaluate("text => text.getBoundingClientRect().height") >= 9
    # Every letter of the chart stands on it, the label at the end of the longest bar as well.
    right = chart.evaluate("svg => svg.getBoundingClientRect().right")
    ends = page.locator("figure svg text").evaluate_all("all => all.map(text => text.getBoundingClientRect().right)")
    assert max(ends) <= right
    page.close()
