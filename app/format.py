"""How figures, times and text from transcripts are written on a page; pure functions from values to strings.

Unknown has words of its own here and is never written as zero. Text that comes from a transcript passes through
`plain` or `safe_markdown` before it is drawn, since whoever wrote it may have meant harm.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from her_models.reports import turn_in_words

NO_PRICE = "no price"
BLANK = "(blank)"  # stands for a text of blanks alone
UNKNOWN = "–"
LIST_PRICE_NOTE = "At list price. On a subscription this is what the same tokens would cost through the API."

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MARKUP = re.compile(
    r"\s*<(command-(?:name|message|args)|local-command-(?:stdout|stderr|caveat)|bash-(?:input|stdout|stderr)"
    r"|user-memory-input)>(.*?)(?:</\1>|(?:<[^<>]*)?\Z)",
    re.DOTALL,
)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_DIRECTIVE = re.compile(r":(?=[A-Za-z]+(?:\[|/|:|-))")
_JOINER = "\u2060"  # takes no room and keeps what looks like an address from becoming a link
_UNITS = ("B", "kB", "MB", "GB", "TB")


def usd(amount: Decimal | float | None, *, is_floor: bool = False) -> str:
    """Write US dollars; `is_floor` marks an amount that can only be too low."""
    if amount is None:
        return NO_PRICE
    mark = "≥ " if is_floor else ""
    value = Decimal(amount)
    if value == 0:
        return f"{mark}$0.00"
    if abs(value) < Decimal("0.0001"):
        return f"{mark}< $0.0001"
    if abs(value) < Decimal("0.1"):
        return f"{mark}${value:.4f}"
    return f"{mark}${value:,.2f}"


class Billed(Protocol):
    """What has a bill: all of it that the log shows, and a best estimate of all of it."""

    @property
    def billed_usd(self) -> Decimal | None: ...
    @property
    def estimated_usd(self) -> Decimal | None: ...


def bill(of: Billed) -> str:
    """Write a bill as far as the log shows it, and the best estimate beside it where that is another."""
    if of.billed_usd is None or of.estimated_usd is None or of.estimated_usd == of.billed_usd:
        return usd(of.billed_usd)
    return f"at least {usd(of.billed_usd)}, best estimate {usd(of.estimated_usd)}"


def count(number: int | None) -> str:
    """Write a whole number with separators."""
    return UNKNOWN if number is None else f"{number:,}"


def turn(index: int | None) -> str:
    """Name a turn, which people count from 1."""
    return "no turn" if index is None else turn_in_words(index)


def turn_numbers(indexes: pa.ChunkedArray) -> pa.ChunkedArray:
    """Count turns from 1; what came before the first prompt is 0."""
    return pc.add(indexes, 1)


def tokens(number: int | None, *, is_floor: bool = False) -> str:
    """Write tokens in three or four digits: 812, 9.4 k, 268.3 M."""
    if number is None:
        return UNKNOWN
    mark = "≥ " if is_floor else ""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{mark}{number / limit:.1f} {unit}"
    return f"{mark}{number}"


def percent(ratio: float | None) -> str:
    """Write a ratio (0 to 1) as a percentage."""
    return UNKNOWN if ratio is None else f"{ratio * 100:.1f} %"


def size(number: int | None) -> str:
    """Write bytes in units of 1,000."""
    if number is None:
        return UNKNOWN
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{number} B" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """Write a length of time in its two largest units."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    written = []
    for length, unit in parts:
        number, whole = divmod(whole, length)
        if number or written:
            written.append((number, unit))
    return " ".join(f"{number} {unit}" for number, unit in written[:2] if number)


def when(moment: datetime | None, zone: str, *, seconds: bool = False) -> str:
    """Write an instant in the configured zone."""
    if moment is None:
        return UNKNOWN
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def clock(moment: datetime | None, zone: str) -> str:
    """Write the time of day in the configured zone."""
    return UNKNOWN if moment is None else moment.astimezone(ZoneInfo(zone)).strftime("%H:%M:%S")


def day(on: date | None) -> str:
    """Write a date."""
    return UNKNOWN if on is None else on.isoformat()


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Write how long ago something was."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    return f"{duration(seconds - seconds % 60)} ago"


def plain(text: str) -> str:
    """Return text as it would look, with what acts on a screen made visible or left out.

    Colours for terminals go; marks that turn the direction of writing, and control characters, show as code points.
    """
    text = _ANSI.sub("", text)
    text = _BIDI.sub(_code_point, text)
    return _CONTROL.sub(_code_point, text)


def escaped(text: str | None) -> str:
    """Return text that a Markdown place (heading, label, caption) shows letter by letter, addresses not as links."""
    unlinked = plain(text or "").replace("://", f":{_JOINER}//").replace("www.", f"www{_JOINER}.")
    return _PUNCTUATION.sub(r"\\\1", unlinked).replace("\n", " ")


def safe_markdown(text: str) -> str:
    """Return Markdown that draws as text, lists, tables and code, and can neither fetch nor pose as the app.

    Images would be fetched from where they point, so they become links. Formulas and the app's own colour and icon
    marks lose their meaning. HTML needs nothing: the page shows it as text.
    """
    text = plain(text).replace("![", "!\\[").replace("$", "\\$")
    return _DIRECTIVE.sub("\\:", text)


def shortened(text: str, limit: int) -> tuple[str, int]:
    """Return at most `limit` characters, and how many were left out."""
    return (text, 0) if len(text) <= limit else (text[:limit], len(text) - limit)


def counted(number: int, thing: str) -> str:
    """Write how many there are: `1 session`, `2 sessions`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def one_line(text: str | None, limit: int = 80, *, spaced: bool = False) -> str:
    """Return the beginning of a text on one line; `spaced` keeps a space at either end, for pieces of a line."""
    line = " ".join(plain(text or "").split())
    if spaced and text:
        line = f"{' ' * text[:1].isspace()}{line}{' ' * (bool(line) and text[-1:].isspace())}"
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def markup(text: str) -> list[tuple[str, str]]:
    """Return the parts of what the client wrote about a command, as tag and text; none where a text is something else.

    A slash command is logged as markup, and so are a command of the shell behind `!` and what either answered.
    """
    parts, place = [], 0
    while found := _MARKUP.match(text, place):
        parts.append((found[1], found[2].strip()))
        place = found.end()
    return parts


def spoken(text: str | None) -> str:
    """Return a text as a person would say it: `/review 12` and `! ls` for the client's markup of these."""
    given = text or ""
    parts = markup(given)
    if not parts:
        return given
    signs = {"command-name": "/", "bash-input": "! ", "user-memory-input": "# "}
    # Beside its name, a command has a message: the same once more.
    said = [f"{signs.get(tag, '')}{part.lstrip('/') if tag == 'command-name' else part}"
            for tag, part in sorted(parts, key=lambda part: part[0] == "command-args")
            if part and not (tag == "command-message" and len(parts) > 1)]  # fmt: skip
    return " ".join(said)


def _code_point(found: re.Match[str]) -> str:
    return f"⟨U+{ord(found.group()):04X}⟩"
