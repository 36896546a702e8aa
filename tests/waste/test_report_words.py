"""Words of the report: what stands beside a rule is what that rule was measured at."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from her_models.advice.patterns import load_patterns
from her_models.advice.pieces import Piece
from her_models.config import Config
from her_models.contracts import TABLES
from her_models.documents import Paragraph, as_html, as_markdown
from her_models.reports import Scope
from her_models.waste import rules
from her_models.waste_report import pages, questions, records
from her_models.waste_report.words import assumed_in_words, precision_in_words, selection_in_words
from tests.test_reports import SOURCE, fill


def sample(kind: str, ratio: float, judged: int, *sessions: str) -> dict[str, Any]:
    return {"ratio": ratio, "judged": judged, "sessions": list(sessions), "version": rules.RULES[kind].version}


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, dict[str, Any]] = {
        "C13.expired": sample("C13.expired", 1.0, 12, "a", "b"),
        "C13.never": sample("C13.never", 0.5, 6, "b", "c"),
        "C4.unapproved": sample("C4.unapproved", 1.0, 13, "a"),
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
        ("C4.unapproved", False, "100% of 13, 1 session"),
    ],
)
def test_a_label_that_is_partly_a_hint_shows_the_precision_of_the_part_that_is_meant(
    name: str, is_hint: bool | None, told: str
) -> None:
    assert precision_in_words(name, is_hint=is_hint) == told


def test_a_sample_of_an_older_version_is_none() -> None:
    assert precision_in_words("C5") == "not sampled"


def test_precision_stands_beside_the_label_in_every_form(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        for table in TABLES.values():
            con.execute(table.ddl())
        for kind in ("C13.expired", "C13.never"):
            money = {"waste_usd": 1.0, "low_usd": 1.0, "high_usd": 1.0, "confidence": "heuristic"}
            found = {"session_id": kind, "kind": kind, "label": "C13", "is_hint": kind == "C13.never"}
            fill(con, "waste", found | money)
            fill(con, "requests", {"session_id": kind, "request_id": kind, "billed_usd": 2.0})
        said = {"session_id": "C13.expired", "request_id": "C13.expired", "label": "C13", "content_usd": 1.0}
        fill(con, "request_labels", said)
        report = questions.waste_report(con, Config(home=tmp_path), is_everyone=True, noted=())
    for name in ("by_label", "by_kind", "findings"):
        rows = records.as_record(report)[name]
        told = {
            (row["is_hint"], row["precision_ratio"], row["judged_count"], row["judged_sessions_count"]) for row in rows
        }
        assert told == {(False, 1.0, 12, 2), (True, 0.5, 6, 2)}
    rows = [row for row in records.as_rows(report).to_pylist() if row["section"].startswith("waste by")]
    assert {row["precision_ratio"] for row in rows if row["section"] == "waste by label"} == {1.0, 0.5}
    assert {row["precision_ratio"] for row in rows if row["section"] == "waste by tool"} <= {None}
    document = pages.document(report, date(2026, 3, 2))
    for told in (as_html(document), as_markdown(document)):
        # Of the label that counts, of its hints, and of the one finding that counts.
        assert (told.count("100% of 12, 2 sessions"), told.count("50% of 6, 2 sessions")) == (2, 1)


def test_servers_stand_by_what_their_absence_saves_and_the_rest_is_told(tmp_path: Path) -> None:
    savings = {"a": 0.5, "b": -9.0, "c": 3.0, "d": 0.25, "e": 2.0, "f": 1.0, "g": 4.0}
    with duckdb.connect() as con:
        for table in TABLES.values():
            con.execute(table.ddl())
        fill(con, "requests", {"session_id": "s", "request_id": "r", "billed_usd": 10.0})
        for index, (name, usd) in enumerate(savings.items()):
            money = {"billed_usd": 10.0, "gross_saving_usd": usd, "low_usd": usd, "high_usd": usd, "is_identity": True}
            policy = {"policy": f"server.{name}", "family": "tools", "policy_index": index, "session_id": "s"}
            given = {"parameters": f'{{"server": "{name}"}}', "confidence": "estimated"}
            fill(con, "what_ifs", money | policy | given)
        report = questions.waste_report(con, Config(home=tmp_path), is_everyone=True, noted=())
    assert [row["policy"][-1] for row in pages.done_otherwise(report)] == ["g", "c", "e", "f", "a"]
    assert pages.servers_left_out(report) == "2 more MCP servers: without one of them, $0.25 at best."


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("use-what-was-read", "ends 30% of the cases at least; the expected saving is midway to all of them."),
        ("drop-an-unused-server", ""),
    ],
)
def test_what_an_expected_saving_takes_for_granted_is_told(name: str, told: str) -> None:
    piece = Piece(load_patterns()[name], "", 3, 3, 9, 1.0, 0.65, 0.2, 1.2, "heuristic", ())
    assert assumed_in_words(piece).endswith(told)
    assert bool(assumed_in_words(piece)) is bool(told)
    said = [part.text for part in pages._piece_parts(piece) if isinstance(part, Paragraph)]
    assert told in " ".join(said)


def test_a_request_tells_how_much_of_its_prompt_was_waste_and_what_began_at_it() -> None:
    with duckdb.connect() as con:
        for table in TABLES.values():
            con.execute(table.ddl())
        for label, request, tokens in (("C5", "r2", 7), ("C13", "r2", 3), ("S", "r2", 90), ("S", "r1", 50)):
            said = {"session_id": "s", "request_id": request, "label": label, "cache_read_tokens": tokens}
            fill(con, "request_labels", said | {"output_tokens": 4})
        found = {"session_id": "s", "request_id": "r1", "kind": "C5.reread", "waste_usd": "0.5"}
        fill(con, "waste", found, found | {"finding_index": 1}, found | {"finding_index": 2, "is_hint": True})
        rows = questions.by_request(con, SOURCE, "s").to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("r1", 0, 2, "C5.reread", Decimal(1)),
        ("r2", 10, 0, None, None),
    ]


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        (None, None, "Sessions of everyone, everything up to 2026-03-05"),
        (date(2026, 3, 1), None, "Sessions of everyone, 2026-03-01 to 2026-03-05"),
        (date(2030, 1, 1), None, "Sessions of everyone, from 2030-01-01 on"),
        (date(2026, 3, 1), date(2026, 3, 2), "Sessions of everyone, 2026-03-01 to 2026-03-02"),
    ],
)
def test_a_period_is_told_without_an_end_before_its_beginning(
    tmp_path: Path, since: date | None, until: date | None, told: str
) -> None:
    with duckdb.connect() as con:
        for table in TABLES.values():
            con.execute(table.ddl())
        scope = Scope(since_on=since, until_on=until)
        report = questions.waste_report(con, Config(home=tmp_path), scope, is_everyone=True, noted=())
    assert selection_in_words(report, date(2026, 3, 5)) == told
