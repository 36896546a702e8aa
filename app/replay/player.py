"""The replay's JavaScript and CSS: plain files beside this one, joined in order, with no build step."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_PARTS = ("recording.js", "tracks.js", "panels.js", "player.js")


@cache
def script(host: str) -> str:
    """Return the player with what it stands in: `component.js` in the app, `page.js` in a file of its own."""
    return "\n".join((_HERE / name).read_text(encoding="utf-8") for name in (*_PARTS, host))


@cache
def style() -> str:
    """Return the style sheet."""
    return (_HERE / "player.css").read_text(encoding="utf-8")


@cache
def page_style() -> str:
    """Return what the style sheet needs where no theme is around it."""
    return (_HERE / "page.css").read_text(encoding="utf-8")
