"""Words of the report: what stands beside a rule is what that rule was measured at."""

from typing import Any

import pytest

from her_models.waste import rules
from her_models.waste_report.words import precision_in_words


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, dict[str, Any]] = {
        "C13.expired": {"ratio": 1.0, "version": rules.RULES["C13.expired"].version},
        "C13.never": {"ratio": 0.583, "version": rules.RULES["C13.never"].version},
        "C5.reread": {"ratio": 0.9, "version": "of another time"},
    }
    monkeypatch.setattr(rules, "_precision", lambda: found)


@pytest.mark.parametrize(
    ("name", "is_hint", "told"),
    [("C13", False, "100%"), ("C13", True, "58%"), ("C13", None, "100%, 58%"), ("C13.never", None, "58%")],
)
def test_a_label_that_is_partly_a_hint_shows_the_precision_of_the_part_that_is_meant(
    name: str, is_hint: bool | None, told: str
) -> None:
    assert precision_in_words(name, is_hint=is_hint) == told


def test_a_sample_of_an_older_version_is_none() -> None:
    assert precision_in_words("C5") == "not sampled"
