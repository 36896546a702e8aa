"""How figures, times and untrusted text are written."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from app import format


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "no price"),
        (Decimal(0), "$0.00"),
        (Decimal("0.00004"), "< $0.0001"),
        (Decimal("0.0123"), "$0.0123"),
        (Decimal("12.345"), "$12.34"),
        (Decimal("1234.5"), "$1,234.50"),
    ],
)
def test_money_is_written_with_the_places_that_tell_something(amount: Decimal | None, written: str) -> None:
    assert format.usd(amount) == written


def test_a_lower_bound_says_so() -> None:
    assert format.usd(Decimal(3), is_floor=True) == "≥ $3.00"
    assert format.usd(None, is_floor=True) == "no price"
    assert format.tokens(1500, is_floor=True) == "≥ 1.5 k"


def test_a_bill_that_lost_output_is_written_as_at_least_and_best_estimate() -> None:
    class Bill:
        billed_usd: Decimal | None = Decimal(3)
        estimated_usd: Decimal | None = Decimal("3.5")

    assert format.bill(Bill()) == "at least $3.00, best estimate $3.50"
    Bill.estimated_usd = Decimal(3)
    assert format.bill(Bill()) == "$3.00"
    Bill.billed_usd = Bill.estimated_usd = None
    assert format.bill(Bill()) == "no price"


def test_unknown_is_not_zero() -> None:
    assert {format.tokens(None), format.count(None), format.size(None), format.duration(None)} == {"–"}
    assert format.percent(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (7200, "2 h"), (90_000, "1 d 1 h")],
)
def test_a_length_of_time_has_two_units_at_most(seconds: float, written: str) -> None:
    assert format.duration(seconds) == written


@pytest.mark.parametrize(("number", "written"), [(999, "999 B"), (1000, "1.0 kB"), (53_100_000, "53.1 MB")])
def test_bytes_are_counted_in_thousands(number: int, written: str) -> None:
    assert format.size(number) == written


def test_times_are_those_of_the_configured_zone() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert format.when(noon, "Europe/Berlin") == "2026-07-01 14:00"
    assert format.clock(noon, "Asia/Kolkata") == "17:30:00"


def test_colours_go_and_marks_that_turn_writing_round_show() -> None:
    assert format.plain("\x1b[31mred\x1b[0m a\u202eb\x07") == "red a⟨U+202E⟩b⟨U+0007⟩"


def test_an_image_in_markdown_is_not_fetched() -> None:
    assert format.safe_markdown("see ![x](http://a.example/x.png)") == "see !\\[x](http://a.example/x.png)"
    assert "![" not in format.safe_markdown("![x][ref]\n\n[ref]: http://a.example/x.png")


def test_the_apps_own_marks_lose_their_meaning() -> None:
    assert format.safe_markdown(":red[alert] $x$") == "\\:red[alert] \\$x\\$"


def test_a_heading_shows_markdown_letter_by_letter() -> None:
    assert format.escaped("*a* [b](c)\nd") == "\\*a\\* \\[b\\]\\(c\\) d"
    assert "http://" not in format.escaped("http://a.example").replace("\\", "")


def test_a_long_line_is_cut_with_a_sign() -> None:
    assert format.one_line("one  two\nthree", 9) == "one two…"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<command-name>/review</command-name>\n<command-args>12</command-args>", "/review 12"),
        ("<command-name>/model</command-name> <command-message>model</command-message> <comm", "/model"),
        ("<bash-input>ls -l</bash-input>", "! ls -l"),
        ("<local-command-stdout>Set model</local-command-stdout>", "Set model"),
        ("<command-message>init</command-message>", "init"),
        ("<b>bold</b> is no command", "<b>bold</b> is no command"),
        ("Why <command-name>?", "Why <command-name>?"),
        (None, ""),
    ],
)  # fmt: skip
def test_markup_of_the_client_is_written_as_it_was_said(text: str | None, said: str) -> None:
    assert format.spoken(text) == said
