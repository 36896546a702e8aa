"""Positions that should have been read from cache, and why they were not.

The size of a miss is exact where the prompt only grew: what the request before had cached and this one did
not read. The cause comes from the client's own diagnosis first, then from structure, then from time.
"""

from __future__ import annotations

from dataclasses import dataclass

_MARGIN_SECONDS = 2.0
_LOOKBACK_BLOCKS = 20  # the API looks for an entry at most so many content blocks before a breakpoint
_CHANGED = {
    "model_changed": "model",
    "system_changed": "system",
    "tools_changed": "tools",
    "messages_changed": "messages",
}


@dataclass(frozen=True)
class Before:
    """What is known when a request missed. Times in seconds, sizes in tokens."""

    missed_tokens: int
    age_seconds: float | None  # since the prefix was last touched; None when unknown
    lifetime_seconds: float  # of the entry last written: 300 or 3,600
    diagnosis: str | None = None
    is_resumed: bool = False  # first own request of a resumed or forked session
    has_new_model: bool = False
    has_new_speed: bool = False
    has_new_version: bool = False
    has_moved_prefix: bool = False  # blocks changed size or were removed before the end of what was cached
    read_tokens: int = 0  # what was found in the cache after all
    static_tokens: int = 0  # system prompt and tools
    new_blocks_count: int = 0  # since the request before


@dataclass(frozen=True)
class Miss:
    """Label K1 to K5 with its cause, how sure the cause is, and what it rests on."""

    label: str
    cause: str
    confidence: str  # exact or heuristic
    evidence: str  # diagnosis, structure or time


def explained(before: Before) -> Miss | None:
    """Return why a request missed, or None when it did not.

    Expiry comes first: it would have missed anyway. Then resume, change of prefix, and what nothing explains.
    """
    if before.missed_tokens <= 0:
        return None
    changed = _CHANGED.get(before.diagnosis or "")
    if before.age_seconds is not None:
        over = before.age_seconds - before.lifetime_seconds
        if abs(over) <= _MARGIN_SECONDS and not changed:
            return Miss("K5", "undecided between expiry and change", "heuristic", "time")
        if over > _MARGIN_SECONDS:
            joint = f"expiry, with {changed} changed" if changed else "expiry"
            return Miss("K1", joint, "exact", "time")
    if before.is_resumed:
        joint = f"resume or fork, with {changed} changed" if changed else "resume or fork"
        return Miss("K3", joint, "exact", "structure")
    if changed:
        return Miss("K2", changed, "exact", "diagnosis")
    if before.has_new_model:
        return Miss("K2", "model", "exact", "structure")
    if before.has_new_speed:
        return Miss("K2", "speed", "exact", "structure")
    if before.has_new_version:
        return Miss("K2", "upgrade", "heuristic", "structure")
    if before.has_moved_prefix:
        return Miss("K2", "messages", "heuristic", "structure")
    return Miss("K5", _unexplained(before), "exact", "structure")


def _unexplained(before: Before) -> str:
    """Say how far the cache was found: that no cause is known does not mean that nothing is."""
    if before.new_blocks_count > _LOOKBACK_BLOCKS:
        return "unexplained, after more blocks than the API looks back"
    if before.read_tokens == 0:
        return "unexplained, nothing was found"
    if before.read_tokens <= before.static_tokens:
        return "unexplained, only system and tools were found"
    return "unexplained, an older entry was found"
