"""What a prompt should have found in the cache: prefixes that threads share, how long entries live, what was before.

What belongs here: reading calls for what `misses` needs to know. What does not: why a request missed (`misses`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from her_models.ledger.misses import Before
from her_models.ledger.thread import Row, prompt_tokens

HOUR_SECONDS, FIVE_MINUTES_SECONDS = 3600.0, 300.0


def shared_prefixes(threads: Sequence[Sequence[Row]], place_of: Callable[[int, int], int | None]) -> dict[int, int]:
    """Return, per place, how much of its first prompt another thread had proven to be shared and warm.

    A first prompt has nothing before it in its own lineage. What other first prompts of the same session,
    model, client version and agent type read from cache is a prefix that they share; it was warm if one of them
    was active within its lifetime. Other sessions do not count: what a session costs must not depend on
    which other sessions are computed with it.
    """
    first = []
    for number, calls in enumerate(threads):
        if place_of(number, 0) is not None:
            first.append((calls[0]["started_seconds"] or 0.0, calls[0]["thread_id"], number))
    shared: dict[int, int] = {}
    proven: dict[tuple[Any, ...], tuple[int, float]] = {}
    for started, _, number in sorted(first):
        calls = threads[number]
        call = calls[0]
        group = tuple(call[name] for name in ("source_id", "session_id", "model", "client_version", "agent_type"))
        prefix, until = proven.get(group, (0, 0.0))
        place = place_of(number, 0)
        if place is not None and prefix > call["cache_read_tokens"] and started <= until:
            shared[place] = min(prefix, prompt_tokens(call))
        lifetime = HOUR_SECONDS if call["cache_write_1h_tokens"] else FIVE_MINUTES_SECONDS
        latest = max((other["started_seconds"] or 0.0) for other in calls)
        proven[group] = (max(prefix, call["cache_read_tokens"]), max(until, latest + lifetime))
    return shared


def lifetime_seconds(calls: Sequence[Row], call: int) -> float:
    """Return the lifetime of the cache entry written last before a call."""
    for earlier in reversed(calls[:call]):
        if earlier["cache_write_1h_tokens"]:
            return HOUR_SECONDS
        if earlier["cache_write_5m_tokens"]:
            return FIVE_MINUTES_SECONDS
    return FIVE_MINUTES_SECONDS


def before(calls: Sequence[Row], call: int, expected: int, *, is_moved: bool) -> Before | None:
    """Return what is known of a call that missed the cache; None when it did not, or nothing stood before it."""
    this = calls[call]
    missed = expected - this["cache_read_tokens"]
    if missed <= 0 or not this["is_owned"] or call == 0:
        return None
    previous = calls[call - 1]
    age = None
    if this["started_seconds"] is not None and previous["started_seconds"] is not None:
        age = this["started_seconds"] - previous["started_seconds"]
    return Before(
        missed_tokens=missed,
        age_seconds=age,
        lifetime_seconds=lifetime_seconds(calls, call),
        diagnosis=this["cache_miss_reason"],
        is_resumed=not previous["is_owned"],
        has_new_model=this["model"] != previous["model"],
        has_new_speed=this["speed"] != previous["speed"],
        has_new_version=this["client_version"] != previous["client_version"],
        has_moved_prefix=is_moved,
    )
