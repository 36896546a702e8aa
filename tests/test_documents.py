"""Documents open from disk, load nothing, and show text letter by letter."""

import re

from her_models.documents import Box, Code, Document, Figure, Grid, Heading, Paragraph, as_html, as_markdown

HOSTILE = "<script>alert(1)</script> ![x](http://203.0.113.9/x.png) | a\nb"
BARS = {
    "data": {"values": [{"what": "read", "usd": 1.5}, {"what": "write", "usd": 0.5}]},
    "mark": "bar",
    "encoding": {"y": {"field": "what"}, "x": {"field": "usd", "type": "quantitative"}},
}
DOCUMENT = Document(
    "Cost <of> work",
    "one week",
    (
        Heading("Parts"),
        Paragraph(HOSTILE),
        Code("a <b>\nc"),
        Grid(("What", "Cost"), (("read", "$1.50"), (HOSTILE, "$0.50")), frozenset({1}), ("Bill", "$2.00")),
        Figure(BARS, "Reads cost three times as much."),
        Box("Method", ("Each dollar once.",)),
    ),
)


def test_html_runs_nothing_and_loads_nothing() -> None:
    page = as_html(DOCUMENT)
    assert "<script" not in page
    assert "<img" not in page
    assert not re.search(r"""(?:src|href)\s*=\s*['"]?(?:https?:)?//""", page)
    assert "default-src 'none'" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_html_holds_the_chart_and_says_it_in_words() -> None:
    page = as_html(DOCUMENT)
    assert page.count("<svg") == 1
    assert "aria-label='Reads cost three times as much.'" in page


def test_figures_are_aligned_right_and_totals_stand_below() -> None:
    page = as_html(DOCUMENT)
    assert "<td class='figure'>$1.50</td>" in page
    assert "<tfoot><tr><td class='word'>Bill</td><td class='figure'>$2.00</td></tr></tfoot>" in page


def test_markdown_keeps_cells_in_their_table() -> None:
    text = as_markdown(DOCUMENT)
    assert "| What | Cost |\n|---|---:|\n| read | $1.50 |" in text
    assert "| **Bill** | **$2.00** |" in text
    assert "&lt;script>" in text
    assert "!\\[x](http" in text
    assert "\\| a b | $0.50 |" in text
