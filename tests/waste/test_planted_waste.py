"""What was planted is found: exact figures to the token, estimates in their intervals, decoys left alone."""

from pathlib import Path

import pytest

from bench.waste import SEED, SESSIONS_COUNT, Score, documented_table, measure, table, wilson


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Score]:
    return measure(Path(tmp_path_factory.mktemp("planted")), seed=SEED, sessions_count=SESSIONS_COUNT)


def test_labels_of_class_exact_are_recovered_to_the_token_in_each_price_class(scores: dict[str, Score]) -> None:
    assert sum(score.whole for score in scores.values()) > 30
    assert {label: score.whole_exact for label, score in scores.items()} == {
        label: score.whole for label, score in scores.items()
    }


def test_findings_of_class_exact_have_the_true_tokens_and_no_interval(scores: dict[str, Score]) -> None:
    assert sum(score.exact for score in scores.values()) > 25
    assert {label: score.exact_right for label, score in scores.items()} == {
        label: score.exact for label, score in scores.items()
    }


def test_estimates_lie_in_their_intervals_in_95_of_100_cases(scores: dict[str, Score]) -> None:
    sized = sum(score.sized for score in scores.values())
    assert sized > 400
    assert sum(score.within for score in scores.values()) >= 0.95 * sized


def test_what_only_looks_like_waste_is_never_found(scores: dict[str, Score]) -> None:
    assert sum(score.decoys for score in scores.values()) > 400
    assert {label: score.decoys_flagged for label, score in scores.items()} == dict.fromkeys(scores, 0)


def test_nearly_all_that_was_planted_is_found(scores: dict[str, Score]) -> None:
    for label, score in scores.items():
        assert score.planted > 12, label
        # C13 asks for a size and a number of requests: what lies at the edge of both is found or not by its estimate.
        assert score.hit >= (0.9 if label == "C13" else 0.95) * score.planted, label
        assert score.true >= 0.95 * score.found, label


def test_the_table_in_the_docs_is_what_the_command_prints(scores: dict[str, Score]) -> None:
    assert documented_table() == table(scores), "run: .venv/bin/python -m bench.waste --write"


def test_the_interval_of_a_share_is_wilsons() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)
    assert wilson(0, 0) == (0.0, 1.0)
