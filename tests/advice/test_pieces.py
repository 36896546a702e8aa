"""Which patterns fire, and what they promise."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import duckdb
import pytest

from her_models.advice import pieces
from her_models.advice.patterns import MEANS_IN_WORDS, load_patterns
from her_models.advice.pieces import Bill, Case, weakest, weekly_interval
from her_models.contracts import TABLES
from her_models.ledger.misses import Before, explained
from her_models.reports import Scope
from her_models.waste.rules import RULES
from her_models.whatif.removals import ORDER
from tests.test_reports import fill

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
FOUR_WEEKS = Bill(20, 40.0, MONDAY, MONDAY + timedelta(weeks=4))
PATTERN = load_patterns()["use-what-was-read"]


def case(session: int, usd: float, confidence: str = "estimated") -> Case:
    return Case("", "ada@desk", f"s{session}", 0, MONDAY, 1, "m", confidence, usd, usd * 0.9, usd * 1.1)


def piece(*cases: Case, bill: Bill = FOUR_WEEKS) -> pieces.Piece | None:
    return pieces._piece(PATTERN, "", cases, bill)


def test_three_sessions_ten_cents_and_half_a_percent_fire() -> None:
    found = piece(case(1, 2.0), case(1, 1.0), case(2, 1.0), case(3, 0.4))
    assert found is not None
    assert (found.cases_count, found.sessions_count) == (4, 3)
    # 4.40 dollars in four weeks are 1.10 a week; the change ends between 30 % and all of the cases: 65 % expected.
    assert found.saving_usd == pytest.approx(1.10 * 0.65)
    assert found.low_usd < 1.10 * 0.3
    assert found.high_usd > 1.10
    assert [example.saving_usd for example in found.examples] == [2.0, 1.0, 1.0, 0.4]


def test_two_sessions_are_an_accident() -> None:
    assert piece(case(1, 9.0), case(2, 9.0)) is None


def test_less_than_ten_cents_a_week_is_not_worth_a_change() -> None:
    assert piece(case(1, 0.1), case(2, 0.1), case(3, 0.1)) is None


def test_less_than_half_a_percent_of_the_bill_is_not_worth_a_change() -> None:
    rich = Bill(20, 1_000.0, MONDAY, MONDAY + timedelta(weeks=4))
    assert piece(case(1, 1.5), case(2, 1.5), case(3, 1.5), bill=rich) is None


def test_a_day_of_logs_is_not_stretched_to_a_week() -> None:
    assert Bill(3, 1.0, MONDAY, MONDAY + timedelta(hours=5)).weeks == 1.0


def test_interval_holds_the_sum_and_is_the_same_each_time() -> None:
    cases = [case(number, 1.0) for number in range(12)]
    low, high = weekly_interval(cases, FOUR_WEEKS)
    assert low < 3.0 < high
    assert weekly_interval(cases, FOUR_WEEKS) == (low, high)


def test_confidence_is_that_of_the_weakest_case() -> None:
    assert weakest(["exact", "heuristic", "estimated"]) == "heuristic"
    assert weakest([]) == "exact"


@pytest.mark.parametrize("pattern", load_patterns().values(), ids=lambda pattern: pattern.name)
def test_every_pattern_says_what_to_change_and_how_to_undo_it(pattern: pieces.Pattern) -> None:
    assert pattern.means in MEANS_IN_WORDS
    assert pattern.change and pattern.where and pattern.undo and pattern.what.endswith(".")
    assert 0 < pattern.followed <= 1
    assert (pieces._QUERIES / f"{pattern.query}.sql").exists()
    # A subject that is found is named, so that two pieces of one pattern can be told apart.
    assert ("{subject}" in pattern.what) == (pattern.subject != "none")


def miss_kinds() -> Iterator[str]:
    """Yield every label of a miss, and every label with its cause."""
    diagnoses = (None, "model_changed", "system_changed", "tools_changed", "messages_changed")
    flags = ("is_resumed", "has_new_model", "has_new_speed", "has_new_version", "has_moved_prefix")
    yield "K4"  # of subagents that share no prefix; it has one cause
    for diagnosis, age, flag in product(diagnoses, (10.0, 300.0, 9_999.0), (None, *flags)):
        before = Before(1_000, age, 300.0, diagnosis=diagnosis)
        found = explained(replace(before, **{flag: True}) if flag else before)
        assert found is not None
        yield from (found.label, f"{found.label}.{found.cause}")


KNOWN_KINDS = {
    "waste": {*RULES, *(rule.label for rule in RULES.values())},
    "denials": {"C4.denied", "C4.unapproved"},
    "unused_skills": {"C10.skill"},
    "unused_servers": {"C10.tool", "C10.server"},
    "misses": set(miss_kinds()),
    "breaks": {"K1"},
    "premiums": {"P1", "P2", "P3"},
    "what_if": {
        *(f"ttl.{lifetime}.{threads}" for lifetime in ("1h", "5m") for threads in ("main", "subagents")),
        *(f"remove.{label}" for label in ORDER),
    },
}


@pytest.mark.parametrize("pattern", load_patterns().values(), ids=lambda pattern: pattern.name)
def test_every_kind_that_a_pattern_names_exists(pattern: pieces.Pattern) -> None:
    assert set(pattern.kinds) <= KNOWN_KINDS[pattern.query]


def test_no_case_is_advised_on_twice() -> None:
    kinds = [kind for pattern in load_patterns().values() for kind in pattern.kinds]
    labels = {kind for kind in kinds if "." not in kind}
    assert len(kinds) == len(set(kinds))
    assert not [kind for kind in kinds if "." in kind and kind.split(".")[0] in labels]


def test_a_server_is_named_by_its_schemas_and_by_its_instructions() -> None:
    con = duckdb.connect()
    con.execute(
        """
        create table blocks as from (values
            ('a', 's', 1, 'tracker'), ('a', 's', 2, null), ('a', 's', 3, null)
        ) as _ (source_id, session_id, block_index, mcp_server);
        create table waste as from (values
            (0, 1, 'C10.tool', 'The tool mcp__tracker__get was sent with each prompt.', 0.25, false),
            (1, 2, 'C10.server', 'The MCP server plugin:ci:board sent instructions, and so on.', 0.5, false),
            (2, 3, 'C10.tool', 'The tool Workflow was sent with each prompt.', 1.0, false),
            (3, 1, 'C10.tool', 'The tool mcp__tracker__put was sent with each prompt.', 2.0, true)
        ) as _ (finding_index, block_index, kind, evidence, waste_usd, is_hint);
        alter table waste add column source_id varchar default 'a';
        alter table waste add column session_id varchar default 's';
        alter table waste add column label varchar default 'C10';
        alter table waste add column confidence varchar default 'estimated';
        alter table waste add column started_at timestamptz;
        alter table waste add column turn_index bigint;
        alter table waste add column request_id varchar;
        alter table waste add column low_usd double default 0;
        alter table waste add column high_usd double default 9;
        alter table waste add column owner varchar default 'ada';
        alter table waste add column project varchar default 'p';
        alter table waste add column model varchar default 'm';
        """
    )
    found = pieces.read_cases(con, load_patterns()["drop-an-unused-server"], Scope())
    # A tool of the client is no server's, and a hint is no ground for advice.
    assert {(one.subject, one.saving_usd) for one in found} == {("tracker", 0.25), ("plugin:ci:board", 0.5)}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in ("blocks", "cache_misses", "contents", "lineages", "prices", "requests", "waste"):
            connection.execute(TABLES[table].ddl())
        yield connection


def missed(con: duckdb.DuckDBPyConnection, name: str, after: str, **more: Any) -> None:
    """Put in a request that missed its cache for a dollar after another one of the same session, and its turn."""
    row = {"session_id": "s", "request_id": name, "previous_request_id": after, "excess_usd": 1.0, "turn_index": 2}
    fill(con, "cache_misses", row | {"confidence": "exact", "owner": "ada", "project": "engine"} | more)


def long_break(con: duckdb.DuckDBPyConnection, version: str) -> None:
    """Put in a break that had 80,000 tokens written again for 0.80 dollars, 20,000 of them system prompt and tools."""
    prices = {"standard_input": 5, "standard_cache_write_5m": 6, "standard_cache_read": 0.5, "standard_output": 25}
    price = {f"{name}_picodollars": int(usd * 10**6) for name, usd in prices.items()}
    fill(con, "prices", {"price_id": "p", "model": "m"} | price)
    fill(con, "lineages", {"session_id": "s", "thread_id": "", "lineage_index": 0, "static_tokens": 40_000})
    row = {"session_id": "s", "model": "m", "price_id": "p", "lineage_index": 0, "client_version": version}
    size = {"prompt_tokens": 99_000, "output_tokens": 1_000}
    fill(con, "requests", row | size | {"request_id": "earlier", "turn_index": 1})
    now = {"expected_read_tokens": 100_000, "cache_read_tokens": 20_000}
    fill(con, "requests", row | now | {"request_id": "prompt", "turn_index": 2})
    expired = {"label": "K1", "cause": "expiry", "age_seconds": 4_000.0, "missed_tokens": 80_000}
    missed(con, "prompt", "earlier", **expired | {"excess_usd": 0.8})


@pytest.mark.parametrize(
    ("version", "compaction_usd"),
    [
        ("2.1.200", 0.05 + 0.0085 + 0.1),  # 100,000 read, an instruction of 1,700, a summary of 4,000
        ("2.0.77", 0.3726 + 0.1),  # 62,100 written: the context without its system prompt, and one of its own
    ],
)
def test_what_is_spared_before_a_break_is_net_of_what_is_written_again_and_of_the_compaction(
    con: duckdb.DuckDBPyConnection, version: str, compaction_usd: float
) -> None:
    long_break(con, version)
    (found,) = pieces.read_cases(con, load_patterns()["clear-before-a-long-break"], Scope())
    cleared, compacted = 0.6, 0.56 - compaction_usd
    assert (found.low_usd, found.saving_usd, found.high_usd) == (
        pytest.approx(compacted),
        pytest.approx((cleared + compacted) / 2),
        pytest.approx(cleared),
    )


def test_a_break_after_which_only_system_and_tools_were_written_spares_nothing(con: duckdb.DuckDBPyConnection) -> None:
    long_break(con, "2.1.200")
    con.execute("update lineages set static_tokens = 200000")
    assert pieces.read_cases(con, load_patterns()["clear-before-a-long-break"], Scope()) == []


def test_only_a_break_before_a_prompt_can_be_left_with_a_short_context(con: duckdb.DuckDBPyConnection) -> None:
    names = ("prompt", "result", "subagent", "soon")
    for name, turn in (("earlier", 1), ("call", 2), *((name, 2) for name in names)):
        fill(con, "requests", {"session_id": "s", "request_id": name, "turn_index": turn})
    expired = {"label": "K1", "cause": "expiry", "age_seconds": 4_000.0, "missed_tokens": 1_000}
    missed(con, "prompt", "earlier", **expired)
    missed(con, "result", "call", **expired)  # a permission was waited for, inside the turn
    missed(con, "subagent", "earlier", agent_id="a", **expired)
    missed(con, "soon", "earlier", **expired | {"age_seconds": 3_000.0})
    found = pieces.read_cases(con, load_patterns()["clear-before-a-long-break"], Scope())
    # Without a price nobody knows what /compact would have cost: it is taken to spare nothing.
    assert [(one.request_id, one.low_usd, one.high_usd) for one in found] == [("prompt", 0.0, 1.0)]


def test_a_resume_is_advised_on_whatever_changed_with_it(con: duckdb.DuckDBPyConnection) -> None:
    missed(con, "resumed", "earlier", label="K3", cause="resume or fork, with system changed")
    found = pieces.read_cases(con, load_patterns()["go-on-in-the-same-session"], Scope())
    assert [(one.request_id, one.saving_usd) for one in found] == [("resumed", 1.0)]


@pytest.mark.parametrize(("saving_usd", "fires"), [(0.16, True), (0.14, False)])
def test_advice_is_silent_where_what_it_is_expected_to_save_is_too_little(saving_usd: float, fires: bool) -> None:
    pattern = load_patterns()["clear-before-a-long-break"]  # followed in 0.3 of cases or in all: 0.65 are expected
    cases = [replace(case(number, 4 * saving_usd / 3), subject="") for number in range(3)]
    bill = replace(FOUR_WEEKS, billed_usd=1.0)
    assert (pieces._piece(pattern, "", cases, bill) is not None) == fires


def test_tools_that_the_model_fetched_itself_are_no_ground_to_let_it_fetch_tools(
    con: duckdb.DuckDBPyConnection,
) -> None:
    fill(con, "requests", {"session_id": "s", "request_id": "searched"}, {"session_id": "s", "request_id": "ran"})
    call = {"session_id": "s", "kind": "tool_call"}
    fill(con, "blocks", call | {"block_index": 1, "request_id": "searched", "tool_name": "Bash"})
    fill(con, "blocks", call | {"block_index": 2, "request_id": "searched", "tool_name": "ToolSearch"})
    fill(con, "blocks", call | {"block_index": 3, "request_id": "ran", "tool_name": "Bash"})
    missed(con, "fetched", "searched", label="K2", cause="tools")
    missed(con, "connected", "ran", label="K2", cause="tools")
    found = pieces.read_cases(con, load_patterns()["connect-servers-at-the-start"], Scope())
    assert [one.request_id for one in found] == ["connected"]


def test_no_advice_says_that_a_compaction_can_be_undone() -> None:
    for pattern in load_patterns().values():
        if "/compact" in pattern.change:
            assert "Nothing to undo" not in pattern.undo, pattern.name
            assert "A compaction stays" in pattern.undo


def test_skills_of_the_client_are_in_no_case_and_no_saving(con: duckdb.DuckDBPyConnection) -> None:
    texts = {
        "mixed": "- init: 12345\n- board:post: 12345\n  12345\n- used: 1234567890",
        "own": "- init: 12345\n- loop: 123456789",
    }
    for session, text in texts.items():
        where = {"session_id": session, "block_index": 1}
        fill(con, "contents", {"content_hash": session, "text": text})
        fill(con, "blocks", where | {"kind": "listing", "content_hash": session})
        money = {"waste_usd": 2.1, "low_usd": 1.05, "high_usd": 4.2, "confidence": "heuristic"}
        fill(con, "waste", where | money | {"kind": "C10.skill", "label": "C10"})
    call = {"session_id": "mixed", "block_index": 2, "kind": "tool_call", "tool_name": "Skill"}
    fill(con, "blocks", call | {"preview": '{"skill": "used"}'})
    (found,) = pieces.read_cases(con, load_patterns()["remove-unused-skills"], Scope())
    # 16 of the 24 bytes that describe what was not used belong to a skill of a plugin.
    assert (found.session_id, found.saving_usd, found.low_usd, found.high_usd) == (
        "mixed",
        pytest.approx(1.4),
        pytest.approx(0.7),
        pytest.approx(2.8),
    )
    assert "not counted" in load_patterns()["remove-unused-skills"].what


def test_a_command_that_nobody_had_allowed_is_advised_on_by_its_first_words(con: duckdb.DuckDBPyConnection) -> None:
    whose = {"session_id": "s", "tool_name": "Bash"}
    call = {"kind": "tool_call", "tool_use_id": "c", "content_hash": "h"}
    fill(con, "contents", {"content_hash": "h", "text": json.dumps({"command": "swift build -c release"})})
    fill(con, "blocks", whose | call | {"block_index": 1})
    fill(con, "blocks", whose | {"block_index": 2, "kind": "tool_result", "tool_use_id": "c"})
    money = {"waste_usd": 2.0, "low_usd": 1.0, "high_usd": 3.0, "confidence": "estimated"}
    fill(con, "waste", whose | money | {"block_index": 2, "kind": "C4.unapproved", "label": "C4"})
    (found,) = pieces.read_cases(con, load_patterns()["settle-what-needs-approval"], Scope())
    assert (found.subject, found.saving_usd) == ("swift build", 2.0)
    bill = Bill(1, 1.0, MONDAY, MONDAY)
    piece = pieces._piece(
        load_patterns()["settle-what-needs-approval"],
        found.subject,
        [replace(found, session_id=name) for name in "abc"],
        bill,
    )
    assert piece is not None
    assert piece.change == '{ "permissions": { "allow": ["Bash(swift build:*)"] } }'
    assert pieces.read_cases(con, load_patterns()["allow-what-you-always-allow"], Scope()) == []


def test_patterns_of_which_nothing_was_wasted_are_left_out_without_a_difference(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        session = {"session_id": f"s{number}", "started_at": MONDAY, "owner": "ada", "project": "engine"}
        fill(con, "requests", session | {"request_id": f"m{number}", "billed_usd": 2.0})
        money = {"waste_usd": 1.0, "low_usd": 0.5, "high_usd": 1.5, "confidence": "estimated"}
        fill(con, "waste", session | money | {"kind": PATTERN.kinds[0], "label": PATTERN.kinds[0].split(".")[0]})
    con.execute(TABLES["what_ifs"].ddl())
    fired = pieces.advice(con)
    assert [one.pattern.name for one in fired] == [PATTERN.name]
    monkeypatch.setattr(pieces, "_OF_WASTE", ())
    assert pieces.advice(con) == fired
    asked: list[str] = []
    monkeypatch.undo()
    monkeypatch.setattr(pieces, "read_cases", lambda _con, pattern, _scope: asked.append(pattern.name) or [])
    pieces.advice(con)
    assert PATTERN.name in asked and "allow-what-you-always-allow" not in asked


def replayed(con: duckdb.DuckDBPyConnection, session: str, saving: float, **billed: float) -> None:
    """Put in a session that was billed so much on some days of March, and what it would have saved as a whole."""
    whose = {"session_id": session, "owner": "ada", "project": "engine"}
    for day, usd in billed.items():
        when = datetime(2026, 3, int(day.removeprefix("day")), 12, tzinfo=UTC)
        fill(con, "requests", whose | {"request_id": f"{session}{day}", "started_at": when, "billed_usd": usd})
    money = {"billed_usd": sum(billed.values()), "gross_saving_usd": saving, "low_usd": saving, "high_usd": saving}
    policy = {"policy": "ttl.5m.main", "confidence": "estimated", "is_identity": True, "started_at": MONDAY}
    fill(con, "what_ifs", whose | money | policy)


def test_a_session_that_began_before_the_selection_counts_with_its_share(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(TABLES["what_ifs"].ddl())
    replayed(con, "inside", 1.0, day10=4.0)
    replayed(con, "across", -8.0, day2=2.0, day10=6.0)
    replayed(con, "before", 3.0, day2=1.0)
    pattern = next(one for one in load_patterns().values() if one.kinds == ("ttl.5m.main",))
    week = Scope(since_on=date(2026, 3, 9), until_on=date(2026, 3, 15))
    # Three quarters of its bill lie in the week: without it, a setting that is dearer on the whole would seem to save.
    assert {(case.session_id, case.saving_usd) for case in pieces.read_cases(con, pattern, week)} == {
        ("inside", 1.0),
        ("across", -6.0),
    }
    assert sum(case.saving_usd for case in pieces.read_cases(con, pattern, Scope())) == -4.0
