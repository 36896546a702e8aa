"""What moved the bill since the period before, and the cause.

A group's difference is taken apart without a remainder: so many more or fewer sessions at the price a session had
before; what a session's content costs more or less than before; missing the cache; premium and fees. The cause named is
the largest part that has the sign of the difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Cause = Literal["sessions", "content", "cache", "premium"]

_PICODOLLAR = Decimal("0.000000000001")

CAUSES_IN_WORDS: dict[tuple[Cause, bool], str] = {
    ("sessions", True): "more sessions",
    ("sessions", False): "fewer sessions",
    ("content", True): "dearer sessions: longer contexts, more output or another model",
    ("content", False): "cheaper sessions: shorter contexts, less output or another model",
    ("cache", True): "more missed caches",
    ("cache", False): "fewer missed caches",
    ("premium", True): "more premium: speed, geography, length, fees",
    ("premium", False): "less premium: speed, geography, length, fees",
}


@dataclass(frozen=True)
class Mover:
    """One group's difference, US dollars at list price; the four parts add up to it."""

    name: str
    now_usd: Decimal
    before_usd: Decimal
    sessions_now: int
    sessions_before: int
    parts: dict[Cause, Decimal]

    @property
    def difference_usd(self) -> Decimal:
        return self.now_usd - self.before_usd

    @property
    def cause(self) -> str:
        """What moved it most, in words; whether a group is new or gone comes first."""
        if not self.sessions_before:
            return "new"
        if not self.sessions_now:
            return "no session any more"
        rises = self.difference_usd > 0
        name = max(self.parts, key=lambda cause: self.parts[cause] if rises else -self.parts[cause])
        return CAUSES_IN_WORDS[(name, rises)]


def mover(row: dict[str, Any]) -> Mover:
    """Return the difference of a row of `sql/reports/movers.sql`, taken apart."""
    before, now = int(row["sessions_before"]), int(row["sessions_now"])
    content_before, content_now = row["content_before_usd"], row["content_now_usd"]
    volume = (content_before * (now - before) / before).quantize(_PICODOLLAR) if before else content_now
    parts: dict[Cause, Decimal] = {
        "sessions": volume,
        "content": content_now - content_before - volume,
        "cache": row["cache_now_usd"] - row["cache_before_usd"],
        "premium": row["premium_now_usd"] - row["premium_before_usd"],
    }
    return Mover(
        row["group_name"],
        content_now + row["cache_now_usd"] + row["premium_now_usd"],
        content_before + row["cache_before_usd"] + row["premium_before_usd"],
        now,
        before,
        parts,
    )


def largest(rows: list[dict[str, Any]], most: int) -> tuple[Mover, ...]:
    """Return the groups whose bill changed most, up or down; those that did not change are left out."""
    movers = [mover(row) for row in rows]
    moved = [one for one in movers if one.difference_usd]
    return tuple(sorted(moved, key=lambda one: (-abs(one.difference_usd), one.name))[:most])
