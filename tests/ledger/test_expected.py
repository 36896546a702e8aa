"""What should have been in the cache: how long entries live, and prefixes that something else extended."""

from typing import Any

from her_models.ledger.expected import Touches, before, extensions, lifetime_seconds


def call(read: int, *, hour: int = 0, five: int = 0, uncached: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "source_id": "s", "session_id": "one", "request_id": "r", "is_owned": True, "started_seconds": 0.0,
        "cache_read_tokens": read, "cache_write_1h_tokens": hour, "cache_write_5m_tokens": five,
        "uncached_input_tokens": uncached, "model": "m", "speed": "standard", "client_version": "2.1.1",
        "cache_miss_reason": None, **more,
    }  # fmt: skip


def test_a_tail_written_for_five_minutes_may_expire_alone_behind_a_prefix_that_lives_an_hour() -> None:
    calls = [call(0, hour=1_000, five=200), call(1_200, five=50)]
    assert lifetime_seconds(calls, 2, 999) == 3600.0
    assert lifetime_seconds(calls, 2, 1_000) == 300.0


def test_a_prefix_written_again_for_five_minutes_lives_five_minutes() -> None:
    assert lifetime_seconds([call(0, hour=1_000), call(400, five=700)], 2, 500) == 300.0
    assert lifetime_seconds([call(0, hour=1_000), call(400, five=700)], 2, 300) == 3600.0


def test_age_and_lifetime_are_those_of_the_entry_that_was_missed() -> None:
    calls = [call(0, hour=1_000), call(1_000, hour=200), call(0, hour=1_300, started_seconds=4_000.0)]
    known = before(calls, 2, 1_200, is_moved=False, touched_seconds=0.0)
    assert known is not None
    assert (known.missed_tokens, known.age_seconds, known.lifetime_seconds) == (1_200, 4_000.0, 3600.0)


def test_a_call_after_its_session_was_resumed_in_its_file_says_so() -> None:
    calls = [call(0, hour=1_000), call(0, hour=1_100, started_seconds=60.0)]
    plain = before(calls, 1, 1_000, is_moved=False, touched_seconds=0.0)
    resumed = before([calls[0], {**calls[1], "is_resumed": True}], 1, 1_000, is_moved=False, touched_seconds=0.0)
    assert plain is not None
    assert resumed is not None
    assert (plain.is_resumed, resumed.is_resumed) == (False, True)


def test_what_was_read_beyond_the_cached_end_names_the_thread_that_had_extended_it() -> None:
    main = [call(0, five=1_000), call(1_500, five=100, started_seconds=9.0)]
    sibling = [call(1_000, five=500, request_id="b", started_seconds=5.0)]
    assert extensions([main, sibling]) == {(0, 1): (500, "b")}


def test_what_was_read_beyond_the_cached_end_and_nobody_had_cached_stays_without_a_name() -> None:
    main = [call(0, five=1_000), call(1_500, five=100, started_seconds=9.0)]
    later = [call(1_000, five=500, request_id="b", started_seconds=10.0)]
    elsewhere = [call(1_000, five=500, request_id="c", started_seconds=5.0, session_id="two")]
    assert extensions([main, later, elsewhere]) == {(0, 1): (500, None)}


def test_a_warm_prefix_is_no_extension() -> None:
    assert extensions([[call(0, five=1_000, uncached=5), call(1_000, five=100)]]) == {}


# A conversation of two requests, the second after 400 seconds; entries live five minutes.
SLOW = [call(0, five=1_000), call(0, five=1_200, started_seconds=400.0)]


def touched(*others: list[dict[str, Any]], calls: list[dict[str, Any]] = SLOW) -> float | None:
    return Touches([calls, *others]).latest_seconds(0, len(calls) - 1, 1_000)


def test_a_prefix_that_nobody_else_read_is_as_old_as_the_request_before() -> None:
    assert touched() == 0.0


def test_a_read_by_another_thread_of_the_session_keeps_a_prefix_warm() -> None:
    assert touched([call(1_000, five=50, started_seconds=250.0), call(1_050, started_seconds=300.0)]) == 250.0


def test_what_another_read_later_or_shorter_or_with_another_model_touched_no_entry_of_ours() -> None:
    assert touched([call(1_000, started_seconds=401.0)]) == 0.0
    assert touched([call(900, started_seconds=250.0)]) == 0.0
    assert touched([call(1_000, started_seconds=250.0, model="other")]) == 0.0


def test_a_touch_below_the_first_missed_position_is_of_an_entry_that_was_found() -> None:
    calls = [call(0, five=600), call(600, five=400, started_seconds=9.0), call(600, five=900, started_seconds=500.0)]
    assert touched([call(600, started_seconds=250.0)], calls=calls) == 9.0
    assert touched([call(1_000, started_seconds=250.0)], calls=calls) == 250.0


def test_another_session_touches_a_prefix_only_if_it_holds_a_copy_of_it() -> None:
    copied = call(0, five=1_000, session_id="two", is_owned=False)
    later = call(1_000, five=80, session_id="two", request_id="b", started_seconds=250.0)
    assert touched([copied, later]) == 250.0
    assert touched([later]) == 0.0


def test_without_times_nothing_is_known_of_an_age() -> None:
    assert touched(calls=[call(0, five=1_000, started_seconds=None), SLOW[1]]) is None
