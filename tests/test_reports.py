"""Questions of `reports`, asked of a few rows filled in by hand."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from her_models import reports
from her_models.contracts import TABLES
from her_models.errors import QueryError
from her_models.reports import Scope, SessionFilter
from her_models.warehouse import SQL_PATH, read_header

SOURCE = "ada@laptop"
COUNTS_NOTHING = {"BIGINT": 0, "INTEGER": 0, "BOOLEAN": False}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in TABLES.values():
            connection.execute(table.ddl())
        yield connection


def fill(con: duckdb.DuckDBPyConnection, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows; a count left out is 0, a flag false, anything else null."""
    for row in rows:
        full = {column.name: COUNTS_NOTHING.get(column.type) for column in TABLES[table].columns}
        full |= {"source_id": SOURCE} if "source_id" in full else {}
        full |= row
        marks = ", ".join("?" for _ in full)
        con.execute(f"insert into {table} ({', '.join(full)}) values ({marks})", list(full.values()))


def at(second: int) -> datetime:
    return datetime(2026, 3, 1, 10, 0, second, tzinfo=UTC)


def test_overview_of_an_empty_lake_has_no_cost_and_no_cache_ratio(con: duckdb.DuckDBPyConnection) -> None:
    found = reports.overview(con)
    assert (found.requests_count, found.sessions_count, found.billed_usd, found.cache_hit_ratio) == (0, 0, None, None)


def test_overview_adds_the_days_of_its_scope(con: duckdb.DuckDBPyConnection) -> None:
    day = {"owner": "ada", "project": "engine", "model": "opus", "requests_count": 2, "cache_read_tokens": 90}
    fill(con, "daily_cost", {**day, "day_on": date(2026, 3, 1), "uncached_input_tokens": 10, "billed_usd": "1.50"})
    fill(con, "daily_cost", {**day, "day_on": date(2026, 3, 2), "output_tokens": 7, "billed_usd": "0.25"})
    fill(con, "daily_cost", {**day, "day_on": date(2026, 3, 3), "model": "other", "unpriced_requests_count": 2})

    march_first = reports.overview(con, Scope(until_on=date(2026, 3, 1)))
    assert (march_first.billed_usd, march_first.cache_hit_ratio) == (Decimal("1.5"), 0.9)
    opus = reports.overview(con, Scope(models=("opus",)))
    assert (opus.billed_usd, opus.output_tokens, opus.unpriced_requests_count) == (Decimal("1.75"), 7, 0)
    other = reports.overview(con, Scope(models=("other",)))
    assert (other.billed_usd, other.unpriced_requests_count) == (None, 2)


def test_cost_by_model_keeps_unpriced_apart_from_free(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "daily_cost", {"day_on": date(2026, 3, 1), "model": "mystery", "unpriced_requests_count": 1})
    fill(con, "daily_cost", {"day_on": date(2026, 3, 1), "model": "opus", "billed_usd": "2"})
    rows = reports.cost_by(con, "model").select(["group_name", "billed_usd"]).to_pylist()
    assert rows == [
        {"group_name": "opus", "billed_usd": Decimal(2)},
        {"group_name": "mystery", "billed_usd": None},
    ]


def test_a_day_of_the_scope_begins_at_local_midnight() -> None:
    scope = Scope(date(2026, 7, 1), date(2026, 7, 1), time_zone="Europe/Berlin")
    assert scope.since_at() == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert scope.until_at() == datetime(2026, 7, 1, 22, tzinfo=UTC)


def two_sessions(con: duckdb.DuckDBPyConnection) -> None:
    fill(
        con,
        "sessions",
        {"session_id": "s1", "owner": "ada", "project": "engine", "title": "Fix the loop", "models": ["opus"]}
        | {"started_at": at(0), "ended_at": at(30), "billed_usd": "3.00"},
        {"session_id": "s2", "owner": "bob", "project": "loom", "title": "Weave", "models": ["mystery"]}
        | {"started_at": at(1), "ended_at": at(20), "unpriced_requests_count": 4},
    )
    fill(con, "contents", {"content_hash": "c1", "text": "Please raise the NEEDLE now", "text_bytes": 27})
    fill(con, "blocks", {"session_id": "s2", "block_index": 0, "kind": "prompt", "content_hash": "c1"})


def test_sessions_are_found_by_the_hits_given_or_by_their_title(con: duckdb.DuckDBPyConnection) -> None:
    two_sessions(con)
    hits = pa.table({"source_id": [SOURCE], "session_id": ["s2"], "hits_count": [1]})
    said = reports.sessions(con, SessionFilter(text="needle"), hits=hits)
    assert said.rows.select(["session_id", "hits_count"]).to_pylist() == [{"session_id": "s2", "hits_count": 1}]
    titled = reports.sessions(con, SessionFilter(text="fix the"))
    assert titled.rows["session_id"].to_pylist() == ["s1"]


def test_a_percent_sign_in_a_search_is_only_a_percent_sign(con: duckdb.DuckDBPyConnection) -> None:
    two_sessions(con)
    assert reports.sessions(con, SessionFilter(text="%")).total_count == 0


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (SessionFilter(Scope(owners=("ada",))), ["s1"]),
        (SessionFilter(Scope(projects=("loom",))), ["s2"]),
        (SessionFilter(Scope(models=("mystery", "opus"))), ["s2", "s1"]),
        (SessionFilter(Scope(until_on=date(2026, 2, 28))), []),
        (SessionFilter(min_usd=Decimal(1)), ["s1"]),
        (SessionFilter(version="9.9.9"), []),
    ],
)
def test_sessions_pass_filters(con: duckdb.DuckDBPyConnection, where: SessionFilter, expected: list[str]) -> None:
    two_sessions(con)
    assert reports.sessions(con, where).rows["session_id"].to_pylist() == expected


def test_a_page_tells_how_many_sessions_there_are_on_all_pages(con: duckdb.DuckDBPyConnection) -> None:
    two_sessions(con)
    second = reports.sessions(con, sort="billed_usd", page_index=1, page_size=1)
    assert second.rows["session_id"].to_pylist() == ["s2"]
    assert (second.total_count, second.total_usd, second.unpriced_requests_count) == (2, Decimal(3), 4)
    con.execute("update sessions set requests_count = case session_id when 's1' then 0 else 7 end")
    assert reports.sessions(con, page_size=1).unbilled_count == 1
    beyond = reports.sessions(con, page_index=9)
    assert (beyond.rows.num_rows, beyond.total_count) == (0, 2)


def test_sessions_are_not_sorted_by_text_from_outside(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryError, match="cannot be sorted by 'title; drop table"):
        reports.sessions(con, sort="title; drop table sessions")  # type: ignore[arg-type]


def test_a_session_of_two_sources_is_given_twice_unless_one_is_named(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "sessions", {"session_id": "s1"}, {"session_id": "s1", "source_id": "bob@desk"})
    assert [one.source_id for one in reports.session_headers(con, "s1")] == [SOURCE, "bob@desk"]
    assert [one.source_id for one in reports.session_headers(con, "s1", "bob@desk")] == ["bob@desk"]
    assert reports.session_headers(con, "unknown") == ()


def test_running_cost_counts_a_response_once_and_ends_at_the_total(con: duckdb.DuckDBPyConnection) -> None:
    fill(
        con,
        "blocks",
        {"session_id": "s", "block_index": 0, "kind": "prompt", "logged_at": at(0)},
        {"session_id": "s", "block_index": 1, "kind": "thinking", "logged_at": at(1), "request_id": "m1"},
        {"session_id": "s", "block_index": 2, "kind": "text", "logged_at": at(1), "request_id": "m1"},
        {"session_id": "s", "block_index": 3, "kind": "prompt", "logged_at": at(50)},
    )
    bill = {"session_id": "s", "model": "opus", "cache_read_tokens": 5, "output_tokens": 2}
    fill(con, "requests", {**bill, "request_id": "m1", "started_at": at(1), "billed_usd": "0.10", "prompt_tokens": 5})
    # A response that left no block is counted where it happened.
    fill(con, "requests", {**bill, "request_id": "m2", "started_at": at(40), "billed_usd": "0.01"})

    events = reports.session_events(con, SOURCE, "s")
    assert events["running_usd"].to_pylist() == [None, Decimal("0.1"), Decimal("0.11"), Decimal("0.11")]
    assert events["running_requests_count"].to_pylist() == [0, 1, 2, 2]
    assert events["running_cache_read_tokens"].to_pylist() == [0, 5, 10, 10]
    assert events["replay_seconds"].to_pylist() == [0.0, 1.0, 1.0, 3.0]


def test_a_copied_block_is_shown_but_not_paid(con: duckdb.DuckDBPyConnection) -> None:
    copied = {"session_id": "s", "block_index": 0, "kind": "text", "request_id": "m1", "is_inherited": True}
    fill(con, "blocks", {**copied, "logged_at": at(0)})
    events = reports.session_events(con, SOURCE, "s")
    assert events.select(["is_inherited", "running_usd", "running_requests_count"]).to_pylist() == [
        {"is_inherited": True, "running_usd": None, "running_requests_count": 0}
    ]


def test_texts_of_a_stretch_come_once_each_and_cut(con: duckdb.DuckDBPyConnection) -> None:
    for index, content in enumerate(["c1", "c2", "c1", "c3", None]):
        fill(con, "blocks", {"session_id": "s", "block_index": index, "content_hash": content})
    for content, text in {"c1": "twelve chars", "c2": "two", "c3": "beyond"}.items():
        fill(con, "contents", {"content_hash": content, "text": text})
    rows = reports.event_texts(con, SOURCE, "s", 0, 2, characters=6).to_pylist()
    assert sorted((row["content_hash"], row["text"], row["text_chars"]) for row in rows) == [
        ("c1", "twelve", 12),
        ("c2", "two", 3),
    ]


def test_a_refused_line_comes_with_its_file_and_offset(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "source_files", {"file_id": 7, "path": "p/a.jsonl", "is_current": True, "status": "ok"})
    fill(con, "refused_lines", {"file_id": 7, "offset_bytes": 120, "length_bytes": 3, "reason": "not JSON"})
    row = reports.refused_lines(con).to_pylist()[0]
    assert (row["path"], row["offset_bytes"], row["reason"]) == ("p/a.jsonl", 120, "not JSON")


def test_models_without_a_price_are_listed_with_their_tokens(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "requests", {"request_id": "a", "model": "mystery", "output_tokens": 9, "billed_picodollars": None})
    fill(con, "requests", {"request_id": "b", "model": "opus", "output_tokens": 5, "billed_picodollars": 1})
    assert [
        (r["model"], r["requests_count"], r["output_tokens"]) for r in reports.unpriced_models(con).to_pylist()
    ] == [("mystery", 1, 9)]


def test_the_course_of_a_context_is_the_prompt_of_each_response_of_the_main_thread(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for index, (prompt_tokens, is_sidechain) in enumerate([(900, False), (50, True), (2_000, False), (300, False)]):
        sent = {"session_id": "short", "request_id": f"s{index}", "request_index": index}
        fill(con, "requests", sent | {"prompt_tokens": prompt_tokens, "is_sidechain": is_sidechain})
    for index in range(80):  # two to a point: the longer one shows, so that a compaction is a fall
        sent = {"session_id": "long", "request_id": f"l{index}", "request_index": index}
        fill(con, "requests", sent | {"prompt_tokens": index if index % 2 else 1_000 + index, "is_sidechain": False})
    assert reports.session_contexts(con, ("short", "long")) == {
        (SOURCE, "short"): [900, 2_000, 300],
        (SOURCE, "long"): [1_000 + index for index in range(0, 80, 2)],
    }
    assert reports.session_contexts(con, ("short",)).keys() == {(SOURCE, "short")}


def test_every_question_can_be_asked_of_an_empty_lake(con: duckdb.DuckDBPyConnection) -> None:
    assert reports.sessions(con).total_count == 0
    assert reports.filter_choices(con).owners == ()
    assert reports.ingest_totals(con).runs_count == 0
    assert reports.content_text(con, SOURCE, "none") is None
    assert reports.raw_line(con, SOURCE, 1, 0) is None
    for table in (
        reports.cost_by_day(con, dimension="owner"),
        reports.cost_by(con, "project"),
        reports.session_turns(con, SOURCE, "s"),
        reports.session_tools(con, SOURCE, "s"),
        reports.session_agents(con, SOURCE, "s"),
        reports.session_events(con, SOURCE, "s"),
        reports.sources(con),
        reports.ingest_runs(con),
        reports.checks(con),
        reports.schema_drift(con),
        reports.uncounted_files(con),
    ):
        assert table.num_rows == 0


def test_a_scope_in_which_no_session_can_lie_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "sessions", {"session_id": "s", "owner": "ada", "project": "engine", "models": []})
    reports.require_known(con, Scope(date(2026, 3, 1), date(2026, 3, 1), owners=("ada",), projects=("engine",)))
    for scope, said in (
        (Scope(date(2026, 3, 2), date(2026, 3, 1)), "No day lies between 2026-03-02 and 2026-03-01"),
        (Scope(owners=("bob",)), "no person 'bob'"),
        (Scope(projects=("engines",)), "no project 'engines'"),
    ):
        with pytest.raises(QueryError, match=said):
            reports.require_known(con, scope)


def test_a_response_begins_at_its_first_event_where_it_was_made(con: duckdb.DuckDBPyConnection) -> None:
    block = {"session_id": "s", "request_id": "r", "kind": "text"}
    fill(con, "blocks", block | {"block_index": 4}, block | {"block_index": 3}, block | {"block_index": 9})
    fill(con, "blocks", block | {"session_id": "fork", "block_index": 1, "is_inherited": True})
    fill(con, "blocks", block | {"request_id": "other", "block_index": 0})
    assert reports.request_events(con, ("r", "unseen")) == {(SOURCE, "s", "r"): 4}


def test_sessions_of_a_period_cost_what_they_were_billed_in_it(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "sessions", {"session_id": "a", "title": "Mend"}, {"session_id": "b", "title": "Plan"})
    request = {"session_id": "a", "model": "opus", "started_at": at(0)}
    fill(con, "requests", request | {"request_id": "1", "output_tokens": 5, "billed_usd": "0.25"})
    fill(con, "requests", request | {"request_id": "2", "output_tokens": 7, "is_output_floor": True})
    fill(con, "requests", request | {"request_id": "3", "session_id": "b", "billed_usd": "0.75"})
    fill(con, "requests", request | {"request_id": "4", "billed_usd": "8", "started_at": at(0) - timedelta(days=1)})
    rows = reports.cost_by_session(con, Scope(since_on=date(2026, 3, 1))).to_pylist()
    names = ("group_name", "title", "requests_count", "output_tokens", "billed_usd", "unpriced_requests_count")
    assert [tuple(row[name] for name in (*names, "floor_requests_count")) for row in rows] == [
        ("b", "Plan", 1, 0, Decimal("0.75"), 0, 0),
        ("a", "Mend", 2, 12, Decimal("0.25"), 1, 1),
    ]


def test_tools_of_sessions_that_touch_a_period_count_whole(con: duckdb.DuckDBPyConnection) -> None:
    fill(con, "sessions", {"session_id": "a", "started_at": at(0), "ended_at": at(9), "models": ["opus"]})
    fill(con, "sessions", {"session_id": "b", "started_at": at(0), "ended_at": at(9), "models": ["other"]})
    tool = {"session_id": "a", "tool_name": "Read", "calls_count": 2, "errors_count": 1, "requesting_usd": "0.5"}
    fill(con, "tool_cost", tool, tool | {"session_id": "b"}, tool | {"tool_name": "Bash", "requesting_usd": None})
    rows = reports.cost_by_tool(con).select(["group_name", "calls_count", "errors_count", "requesting_usd"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [("Read", 4, 2, Decimal(1)), ("Bash", 2, 1, None)]
    rows = reports.cost_by_tool(con, Scope(models=("other",))).to_pylist()
    assert [(row["group_name"], row["calls_count"]) for row in rows] == [("Read", 2)]
    assert reports.cost_by_tool(con, Scope(since_on=date(2026, 3, 2))).num_rows == 0


def test_the_longest_session_is_that_of_most_events(con: duckdb.DuckDBPyConnection) -> None:
    assert reports.longest_session(con) is None
    for index in range(3):
        fill(con, "blocks", {"session_id": "long", "block_index": index})
    fill(con, "blocks", {"session_id": "short", "block_index": 0})
    assert reports.longest_session(con) == reports.LongestSession(SOURCE, "long", 3)


QUESTIONS = sorted(path for name in ("reports", "advice") for path in (SQL_PATH / name).glob("*.sql"))


@pytest.mark.parametrize("path", QUESTIONS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_question_reads_what_its_header_says(path: Path) -> None:
    name, _, fields, text = read_header(path)
    text = re.sub(r"--.*", "", text)
    steps = set(re.findall(r"(\w+) as (?:materialized )?\(\s*(?:select|with|values)", text))
    read = set(re.findall(r"(?<!distinct )\b(?:from|join)\s+([a-z_]+)\b", text)) - steps
    assert name == path.stem
    assert read - {"unnest", "range"} == set(fields["reads"].split(", ")) - {"nothing"}
