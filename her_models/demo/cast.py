"""Who works on what, when: the sessions of a demo, put together from `stories`."""

from __future__ import annotations

from datetime import UTC, datetime

from her_models.demo import fixes, projects
from her_models.demo.client import Person, Session, World
from her_models.demo.repository import Repository
from her_models.demo.stories import commit, mend

END_MS = int(datetime(2026, 11, 20, 18, 0, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
HOUR_MS = 3_600_000

MIRA = Person("mira", "atlas", "2.1.330", "/home/mira")


def _at(days_ago: int, hour: float) -> int:
    return END_MS - days_ago * DAY_MS - int((18 - hour) * HOUR_MS)


def perform(world: World, seed: int, scale: float) -> None:
    """Act all sessions."""
    api = Repository("/home/mira/work/spoke-api", dict(projects.API_FILES))
    session = Session(world, MIRA, api.copy(), "claude-opus-5-5", _at(3, 9.2), f"{seed}/first")
    mend(fixes.API[0])(session)
    commit("Let bookings touch\n\nA slot that begins when another ends is free.")(session)
