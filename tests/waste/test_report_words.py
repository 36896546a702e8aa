"""Words of the report: what stands beside a rule is what that rule was measured at."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from her_models.config import Config
from her_models.contracts import TABLES
from her_models.waste import rules
from her_models.waste_report import questions, records
from her_models.waste_report.words import precision_in_words
from tests.test_reports import fill


def sample(kind: str, ratio: float, judged: int, *sessions: str) -> dict[str, Any]:
    return {"ratio": ratio, "judged": judged, "sessions": list(sessions), "version": rules.RULES[kind].version}


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, dict[str, Any]] = {
        "C13.expired": sample("C13.expired", 1.0, 12, "a", "b"),
        "C13.never": sample("C13.never", 0.5, 6, "b", "c"),
        "C4.repeat": sample("C4.repeat", 1.0, 13, "a"),
        "C5.reread": {"ratio": 0.9, "version": "of another time"},
    }
    monkeypatch.setattr(rules, "_precision", lambda: found)


@pytest.mark.parametrize(
    ("name", "is_hint", "told"),
    [
        ("C13", False, "100% of 12, 2 sessions"),
        ("C13", True, "50% of 6, 2 sessions"),
        ("C13", None, "83% of 18, 3 sessions"),
        ("C13.never", None, "50% of 6, 2 sessions"),
        ("C4.repeat", False, "100% of 13, 1 session"),
    ],
)
def test_a_label_that_is_partly_a_hint_shows_the_precision_of_the_part_that_is_meant(
    name: str, is_hint: bool | None, told: str
) -> None:
    assert precision_in_words(name, is_hint=is_hint) == told


def test_a_sample_of_an_older_version_is_none() -> None:
    assert precision_in_words("C5") == "not sampled"


def test_precision_stands_beside_the_label_in_json_and_csv(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        for table in TABLES.values():
            con.execute(table.ddl())
        for kind in ("C13.expired", "C13.never"):
            money = {"waste_usd": 1.0, "low_usd": 1.0, "high_usd": 1.0, "confidence": "heuristic"}
            found = {"session_id": kind, "kind": kind, "label": "C13", "is_hint": kind == "C13.never"}
            fill(con, "waste", found | money)
        report = questions.waste_report(con, Config(home=tmp_path), is_everyone=True, noted=())
    for name in ("by_label", "by_kind"):
        rows = records.as_record(report)[name]
        told = {
            (row["is_hint"], row["precision_ratio"], row["judged_count"], row["judged_sessions_count"]) for row in rows
        }
        assert told == {(False, 1.0, 12, 2), (True, 0.5, 6, 2)}
    rows = [row for row in records.as_rows(report).to_pylist() if row["section"].startswith("waste by")]
    assert {row["precision_ratio"] for row in rows if row["section"] == "waste by label"} == {1.0, 0.5}
    assert {row["precision_ratio"] for row in rows if row["section"] == "waste by tool"} <= {None}
