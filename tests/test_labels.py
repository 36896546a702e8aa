"""The sample of findings read by hand: drawn by lot, held to the bytes it speaks of, counted without favour."""

from typing import Any

import pytest

from bench import labels
from her_models.waste.rules import RULES
from tests.lakes import SHARED

JUDGED = labels.read_labels()
SESSIONS = SHARED / "sessions"


def finding(number: int, kind: str = "C5.reread") -> dict[str, Any]:
    return {"kind": kind, "session_id": f"s{number}", "file": "a.jsonl", "offset_bytes": number}


def verdict(kind: str, said: str, session_id: str = "s") -> dict[str, Any]:
    return {"kind": kind, "rule_version": RULES[kind].version, "verdict": said, "session_id": session_id}


def test_ten_of_each_kind_are_drawn_and_the_rest_by_lot() -> None:
    found = [finding(n) for n in range(300)] + [finding(n, "C9.injection") for n in range(12)]
    chosen = labels.draw(found, [], count=40, seed=1)
    kinds = [row["kind"] for row in chosen]
    assert len(chosen) == 40
    assert kinds.count("C9.injection") >= 10
    assert labels.draw(found, [], count=40, seed=1) == chosen
    assert labels.draw(found, [], count=40, seed=2) != chosen


def test_what_was_judged_is_not_drawn_again() -> None:
    found = [finding(n) for n in range(30)]
    first = labels.draw(found, [], count=20, seed=1)
    assert labels.draw(found, first, count=20, seed=1) == []


def test_a_kind_that_lost_its_sample_is_filled_up_and_the_others_stay() -> None:
    found = [finding(n) for n in range(30)] + [finding(n, "C9.injection") for n in range(30)]
    first = labels.draw(found, [], count=20, seed=1)
    kept = [row for row in first if row["kind"] == "C5.reread"]
    again = labels.draw(found, kept, count=20, seed=1)
    assert [row["kind"] for row in again] == ["C9.injection"] * 10


def test_what_an_older_version_of_a_rule_found_is_judged_anew() -> None:
    old = {**finding(1), "rule_version": "0", "verdict": "true"}
    assert labels.counting([old]) == []
    assert labels.draw([finding(1)], labels.counting([old]), count=5, seed=1) == [finding(1)]


def test_several_findings_are_named_by_numbers_and_ranges() -> None:
    assert labels.numbers_of(["3", "10-12"]) == [3, 10, 11, 12]


def test_unsure_counts_as_wrong_and_old_rules_do_not_count() -> None:
    judged = [verdict("C5.reread", said) for said in ("true", "true", "true", "false", "unsure")]
    judged.append({**verdict("C5.reread", "true"), "rule_version": "0"})
    assert labels.scores(judged)["C5"] == (3, 1, 1)
    assert "ratio = 0.600" in labels.precision_toml(judged)


def test_sessions_that_judged_findings_come_from_are_counted_once() -> None:
    judged = [verdict("C5.reread", "true", session) for session in ("a", "a", "b")]
    judged.append({**verdict("C5.reread", "true", "c"), "rule_version": "0"})
    assert 'sessions = ["a", "b"]' in labels.precision_toml(judged)
    assert "| C5.reread | 3 | 2 | 3 | 0 | 0 | 1.00 |" in labels.table(judged)


def test_interval_of_a_share_is_wilsons() -> None:
    low, high = labels.wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert labels.wilson(0, 0) == (0.0, 1.0)


def test_agreement_beyond_chance_is_cohens_kappa() -> None:
    # 7 of 10 agree; chance alone gives 0.6 * 0.7 + 0.4 * 0.3 = 0.54.
    twice = [("true", "true")] * 5 + [("false", "false")] * 2 + [("true", "false")] + [("false", "true")] * 2
    assert round(labels.kappa(twice), 4) == round((0.7 - 0.54) / 0.46, 4)


def test_the_second_reading_speaks_of_findings_that_were_read_before_and_the_document_says_how_it_agrees() -> None:
    second = labels.read_labels(labels.SECOND_READING)
    assert len(second) >= 40
    assert len(labels.pairs(JUDGED, second)) == len(labels.counting(second))
    assert labels.agreement() in labels.DOCS.read_text(encoding="utf-8")


def test_precision_shown_is_the_precision_counted() -> None:
    written = labels.PRECISION.read_text(encoding="utf-8") if labels.PRECISION.exists() else ""
    assert written == (labels.precision_toml(JUDGED) if JUDGED else "")


def test_the_document_holds_the_table_of_the_judgements() -> None:
    text = labels.DOCS.read_text(encoding="utf-8")
    assert labels.BEGIN in text
    assert labels.with_table(text, JUDGED) == text


@pytest.mark.skipif(not JUDGED, reason="no finding has been judged yet")
def test_every_judgement_has_a_verdict_and_a_reason() -> None:
    assert {row["verdict"] for row in JUDGED} <= {"true", "false", "unsure"}
    assert [row for row in JUDGED if not row["why"] or len(row["why"]) > 200] == []


@pytest.mark.skipif(not SESSIONS.exists(), reason="the public sessions are not here")
@pytest.mark.skipif(not JUDGED, reason="no finding has been judged yet")
def test_every_judgement_points_at_the_bytes_it_was_made_on() -> None:
    sides = [(row["file"], row["offset_bytes"], row["line_sha256"]) for row in JUDGED]
    sides += [(row["evidence_file"], row["evidence_offset_bytes"], row["evidence_sha256"]) for row in JUDGED]
    assert [side for side in sides if labels.line_hash(SESSIONS, side[0], side[1]) != side[2]] == []
