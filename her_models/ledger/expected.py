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
        warm = min(prefix, prompt_tokens(call))
        if place is not None and warm > call["cache_read_tokens"] and started <= until:
            shared[place] = warm
        lifetime = HOUR_SECONDS if call["cache_write_1h_tokens"] else FIVE_MINUTES_SECONDS
        latest = max((other["started_seconds"] or 0.0) for other in calls)
        proven[group] = (max(prefix, call["cache_read_tokens"]), max(until, latest + lifetime))
    return shared


def lifetime_seconds(calls: Sequence[Row], call: int, position: int) -> float:
    """Return the lifetime of the cache entry that held a position of the prompt before a call.

    Entries that live an hour come before those that live five minutes, so that a tail may expire alone.
    """
    hour_end = 0
    for earlier in calls[:call]:
        read, hour = earlier["cache_read_tokens"], earlier["cache_write_1h_tokens"]
        if hour:
            hour_end = read + hour
        elif read < hour_end and earlier["cache_write_5m_tokens"]:
            hour_end = read  # what stood there was written again, for five minutes
    return HOUR_SECONDS if position < hour_end else FIVE_MINUTES_SECONDS


def extensions(threads: Sequence[Sequence[Row]]) -> dict[tuple[int, int], tuple[int, str | None]]:
    """Return, per thread and call, what was read beyond all that the call before it had cached, and who had cached it.

    More is no error: another thread of the session extended the same prefix, and the two are linked by the request
    whose cached end is what was read; or a call did that the log does not show, such as a stream that broke.
    """
    ends: dict[tuple[str, str, int], list[tuple[float, int, str]]] = {}
    for number, calls in enumerate(threads):
        for call in calls:
            key = (call["source_id"], call["session_id"], _cached_end(call))
            ends.setdefault(key, []).append((call["started_seconds"] or 0.0, number, call["request_id"]))
    found: dict[tuple[int, int], tuple[int, str | None]] = {}
    for number, calls in enumerate(threads):
        for index in range(1, len(calls)):
            call, read = calls[index], calls[index]["cache_read_tokens"]
            beyond = read - _cached_end(calls[index - 1])
            if beyond <= 0:
                continue
            who = ends.get((call["source_id"], call["session_id"], read), ())
            now = call["started_seconds"] or 0.0
            earlier = [known for known in who if known[1] != number and known[0] <= now]
            found[number, index] = (
                beyond,
                max(earlier, key=lambda known: (known[0], known[2]))[2] if earlier else None,
            )
    return found


def _cached_end(call: Row) -> int:
    return prompt_tokens(call) - int(call["uncached_input_tokens"])


class Touches:
    """When a request of any thread read what another had cached: a read renews the lifetime of an entry.

    A thread shares the prefix if it read exactly as far as the other had cached, with the same model. It belongs to the
    same session, or to one that holds a copy of one of its responses: such sessions are always computed together.
    """

    def __init__(self, threads: Sequence[Sequence[Row]]) -> None:
        self._threads = threads
        self._reads: dict[tuple[str, str, int], list[tuple[float, int]]] = {}
        holders: dict[tuple[str, str], set[str]] = {}
        for number, calls in enumerate(threads):
            for call in calls:
                if call["is_owned"] and call["cache_read_tokens"] and call["started_seconds"] is not None:
                    key = (call["source_id"], call["model"], call["cache_read_tokens"])
                    self._reads.setdefault(key, []).append((call["started_seconds"], number))
                holders.setdefault((call["source_id"], call["request_id"]), set()).add(call["session_id"])
        self._kin: dict[tuple[str, str], set[str]] = {}
        for (source, _), sessions in holders.items():
            if len(sessions) > 1:
                for session in sessions:
                    self._kin.setdefault((source, session), set()).update(sessions)

    def latest_seconds(self, thread: int, call: int, expected: int) -> float | None:
        """Return when an entry that held the first missed position was last touched; None when that is unknown.

        Args:
            expected: end of what should have been read.
        """
        calls = self._threads[thread]
        this, previous = calls[call], calls[call - 1]
        now, latest = this["started_seconds"], previous["started_seconds"]
        if now is None or latest is None:
            return None
        kin = self._kin.get((this["source_id"], this["session_id"]), ())
        for own in calls[:call]:
            end = _cached_end(own)
            if not this["cache_read_tokens"] < end <= expected:
                continue
            for started, number in self._reads.get((own["source_id"], own["model"], end), ()):
                session = self._threads[number][0]["session_id"]
                if number != thread and latest < started <= now and (session == this["session_id"] or session in kin):
                    latest = started
        return float(latest)


def before(
    calls: Sequence[Row],
    call: int,
    expected: int,
    *,
    is_moved: bool,
    touched_seconds: float | None,
    static_tokens: int = 0,
    new_blocks_count: int = 0,
) -> Before | None:
    """Return what is known of a call that missed the cache; None when it did not, or nothing stood before it.

    Args:
        touched_seconds: when the prefix was last touched, in any thread (`Touches`).
        static_tokens: system prompt and tools of its lineage.
        new_blocks_count: blocks that came in since the call before.
    """
    this = calls[call]
    missed = expected - this["cache_read_tokens"]
    if missed <= 0 or not this["is_owned"] or call == 0:
        return None
    previous = calls[call - 1]
    age = None
    if this["started_seconds"] is not None and touched_seconds is not None:
        age = this["started_seconds"] - touched_seconds
    return Before(
        missed_tokens=missed,
        age_seconds=age,
        lifetime_seconds=lifetime_seconds(calls, call, this["cache_read_tokens"]),
        diagnosis=this["cache_miss_reason"],
        is_resumed=bool(this.get("is_resumed")) or not previous["is_owned"],
        has_new_model=this["model"] != previous["model"],
        has_new_speed=this["speed"] != previous["speed"],
        has_new_version=this["client_version"] != previous["client_version"],
        has_moved_prefix=is_moved,
        read_tokens=this["cache_read_tokens"],
        static_tokens=static_tokens,
        new_blocks_count=new_blocks_count,
    )
