"""Why a request missed the cache: expiry, resume, change, or nothing known."""

from her_models.ledger.misses import Before, explained


def label(**known):
    miss = explained(Before(**{"missed_tokens": 100, "age_seconds": 10.0, "lifetime_seconds": 300.0, **known}))
    return miss and (miss.label, miss.cause, miss.evidence)


def test_nothing_missed_needs_no_reason():
    assert label(missed_tokens=0) is None


def test_a_prefix_older_than_its_lifetime_expired_whatever_else_changed():
    assert label(age_seconds=301.0 + 2, diagnosis="model_changed") == ("K1", "expiry, with model changed", "time")


def test_an_hour_entry_outlives_five_minutes():
    assert label(age_seconds=1800.0, lifetime_seconds=3600.0) == ("K5", "unexplained, nothing was found", "structure")


def test_within_two_seconds_of_the_lifetime_it_is_undecided():
    assert label(age_seconds=301.5) == ("K5", "undecided between expiry and change", "time")


def test_a_diagnosis_decides_within_two_seconds_of_the_lifetime():
    assert label(age_seconds=300.5, diagnosis="tools_changed") == ("K2", "tools", "diagnosis")


def test_first_own_request_of_a_resumed_session_is_its_own_cause():
    assert label(is_resumed=True, has_new_model=True) == ("K3", "resume or fork", "structure")
    changed = label(is_resumed=True, diagnosis="system_changed")
    assert changed == ("K3", "resume or fork, with system changed", "structure")


def test_the_diagnosis_of_the_client_comes_before_structure():
    assert label(diagnosis="system_changed", has_new_model=True) == ("K2", "system", "diagnosis")


def test_structure_names_a_change_of_model_speed_or_version():
    assert label(has_new_model=True)[1] == "model"
    assert label(has_new_speed=True)[1] == "speed"
    assert label(has_new_version=True)[1] == "upgrade"


def test_a_lost_previous_message_within_the_lifetime_stays_unexplained():
    assert label(diagnosis="previous_message_not_found") == ("K5", "unexplained, nothing was found", "structure")


def test_what_nothing_explains_says_how_far_the_cache_was_found():
    assert label(read_tokens=900, static_tokens=1_000)[1] == "unexplained, only system and tools were found"
    assert label(read_tokens=1_100, static_tokens=1_000)[1] == "unexplained, an older entry was found"
    assert label(read_tokens=900, new_blocks_count=21)[1] == "unexplained, after more blocks than the API looks back"
