"""Pages of the ledger: where the money went, what a context held, whether the parts are the bill."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from streamlit.testing.v1 import AppTest

from app import context_chart
from app.context import lifetime_words, size_words
from app.context_chart import window_tokens
from app.cost_breakdown import rows_behind
from her_models.config import load_config
from her_models.lake import open_lake
from her_models.reports import Scope
from tests.app.conftest import SESSION, SOURCE, UNPRICED, at, fill, fill_lake
from tests.app.test_pages import figures, opened, words

BLOCK: dict[str, Any] = {"kind": "tool_result", "tool_name": "Read", "carried_requests_count": 143}
SIZE = {"size_tokens": 900, "size_class": "estimated", "size_low_tokens": 700, "size_high_tokens": 1100}


@pytest.fixture(scope="module")
def ledger_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose ledger has a request with two kinds of content, a missed cache and a call that no line shows."""
    home = tmp_path_factory.mktemp("ledger_home")
    fill_lake(home)
    with open_lake(load_config(home)) as lake:
        of_request = {"session_id": SESSION, "request_id": "m-1111"}
        lake.con.execute(
            "update requests set prompt_tokens = 1000, content_usd = 1.00, cache_excess_usd = 0.25, premium_usd = 0,"
            " fees_usd = 0, estimated_usd = 1.50, is_output_floor = true where request_id = 'm-1111'"
        )
        lake.con.execute("update sessions set estimated_usd = 1.50 where session_id = ?", [SESSION])
        lake.con.execute("update daily_cost set estimated_usd = 2.50")
        lake.con.execute("update turns set caused_usd = 1.25 where session_id = ?", [SESSION])
        fill(
            lake,
            "request_context",
            {**of_request, "kind": "system", "cache_read_tokens": 600, "content_usd": 0.5},
            {**of_request, "kind": "prompt", "uncached_tokens": 400, "content_usd": 0.5},
        )
        miss = {"label": "K1", "cause": "expiry", "confidence": "exact", "missed_tokens": 300, "excess_usd": 0.25}
        fill(lake, "cache_misses", {**of_request, **miss, "owner": "ada", "started_at": at(1)})
        fill(
            lake,
            "unlogged_calls",
            {"session_id": SESSION, "occasion": "compaction", "logged_at": at(1), "estimated_usd": 0.2},
        )
        system = {"kind": "system", "size_tokens": 600, "size_class": "residual", "lifetime_usd": 0.75}
        fill(lake, "blocks", {**system, "session_id": SESSION, "block_index": 90, "carried_requests_count": 1})
        lake.con.execute("update blocks set file_id = null where block_index = 90")
        lake.con.execute(
            "update blocks set size_tokens = 400, size_class = 'estimated', lifetime_usd = 0.5,"
            " carried_requests_count = 1 where session_id = ? and block_index = 3",
            [SESSION],
        )
    return home


@pytest.fixture
def ledger(ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HER_HOME", str(ledger_home))
    yield ledger_home


def links(app: AppTest) -> list[str]:
    return [element.proto.label for element in app.get("page_link")]


def test_overview_shows_what_was_billed_beside_the_best_estimate_and_unlogged_calls_apart(ledger: Path) -> None:
    shown = figures(opened())
    assert shown["Billed, at least"] == "≥ $1.75"
    assert (shown["Best estimate"], shown["Unlogged calls, apart"]) == ("≥ $1.50", "$0.20")
    assert (shown["Content"], shown["Cache misses"]) == ("$1.00", "$0.25")


def test_wherever_a_bill_stands_the_best_estimate_stands_beside_it(ledger: Path) -> None:
    assert figures(opened())["Cost, best estimate"] == "≥ $7.50"
    for page in ("", "sessions", "health"):
        tables = [table.value for table in opened(page).dataframe if "billed_usd" in table.value.columns]
        assert tables
        assert all("estimated_usd" in table.columns for table in tables), page
    shown = figures(opened("session", session=SESSION, source=SOURCE))
    assert (shown["Cost at list price"], shown["Best estimate"]) == ("$1.25", "$1.50")
    for view in ("Turns", "Subagents"):
        [table] = opened("session", session=SESSION, source=SOURCE, view=view).dataframe
        assert "estimated_usd" in table.value.columns, view
    assert "estimated_usd" in {name for table in opened(money="Subagent").dataframe for name in table.value.columns}


@pytest.mark.parametrize("view", ["Kind", "Tool", "Subagent", "Cache misses"])
def test_each_view_of_the_money_leads_to_the_rows_behind_it(ledger: Path, view: str) -> None:
    assert "The rows behind this" in links(opened(money=view))


def test_money_of_nothing_priced_is_unknown_rather_than_zero(ledger: Path) -> None:
    app = opened()
    app.multiselect(key="model").select("mystery-1").run()
    assert (figures(app)["Billed, at least"], figures(app)["Content"]) == ("no price", "no price")


def test_the_query_behind_a_figure_holds_the_filters_of_the_page() -> None:
    asked = rows_behind("path\nfrom blocks", "lifetime_usd", Scope(projects=("o'brien",)), only="path is not null")
    assert "project in ('o''brien')" in asked
    assert "path is not null" in asked


def test_a_row_behind_a_figure_leads_to_its_line_in_the_replay(ledger: Path) -> None:
    asked = rows_behind("kind, lifetime_usd\nfrom blocks", "lifetime_usd", Scope(), only="lifetime_usd is not null")
    (shown,) = [t.value for t in opened("sql", query=asked).dataframe if "lines_behind" in t.value.columns]
    found = dict(zip(shown["kind"], shown["lines_behind"], strict=True))
    assert not isinstance(found["system"], str)  # no line shows it
    address = found["tool_result"]
    assert address == f"/session?session={SESSION}&source={SOURCE.replace('@', '%40')}&event=4"
    for table in ("requests", "cache_misses", "agent_cost", "unlogged_calls"):
        query = rows_behind(f"session_id as session\nfrom {table}", "session_id", Scope(), sessions_whole=False)
        (result,) = [t.value for t in opened("sql", query=query).dataframe if "lines_behind" in t.value.columns]
        assert result["lines_behind"].dropna().str.startswith("/session?session=").any(), table


def test_a_query_in_the_address_is_asked_at_once(ledger: Path) -> None:
    app = opened("sql", query="select label from cache_misses")
    assert app.text_area(key="sql").value == "select label from cache_misses"
    assert [table.value["label"].tolist() for table in app.dataframe if "label" in table.value.columns] == [["K1"]]


def mark_type(layer: dict[str, Any]) -> str:
    return str(layer["mark"]["type"])


def test_context_stacks_kinds_and_marks_the_miss(ledger: Path) -> None:
    app = opened("session", session=SESSION, source=SOURCE, view="Context")
    told = words(app).replace("\\", "")
    assert "1 request missed the cache" in told
    chart = json.loads(app.get("vega_lite_chart")[0].proto.spec)
    # Beside a window of 200,000 tokens nothing would be seen of a prompt of 1,000: no line, and no word of it.
    assert "Dashed" not in told
    assert [mark_type(layer) for layer in chart["layer"]][:3] == ["rect", "rule", "point"]
    assert chart["layer"][0]["encoding"]["y"]["scale"]["domain"] == [0, 1250]


def test_the_dearest_blocks_tell_their_lives_in_words(ledger: Path) -> None:
    app = opened("session", session=SESSION, source=SOURCE, view="Context")
    assert app.dataframe[-1].value["life"].tolist()[:2] == [
        "sent from the start, carried 1 request, $0.75",
        "returned once, carried 1 request, $0.50",
    ]


def test_context_of_a_session_without_known_prompts_says_so(home: Path) -> None:
    assert "Nothing is known" in words(opened("session", session=UNPRICED, source=SOURCE, view="Context"))


def test_turns_show_what_they_incurred_and_what_they_caused(ledger: Path) -> None:
    shown = opened("session", session=SESSION, source=SOURCE, view="Turns").dataframe[-1].value
    assert (shown["incurred_usd"].tolist(), shown["caused_usd"].tolist()) == ([1.25], [1.25])


def test_health_shows_the_proof_per_session(ledger: Path) -> None:
    app = opened("health")
    assert "Lanes − billed" in figures(app)
    assert any("lanes_difference" in table.value.columns for table in app.dataframe)


def test_a_life_in_words_counts_requests_and_money() -> None:
    assert lifetime_words({**BLOCK, "lifetime_usd": 1.12}) == "read once, carried 143 requests, $1.12"
    assert lifetime_words({**BLOCK, "lifetime_usd": None}) == "read once, carried 143 requests, no price"


def test_a_size_in_words_names_its_class_and_interval() -> None:
    assert size_words(SIZE) == "900 estimated (700 to 1,100)"
    assert size_words({**SIZE, "size_tokens": None}) == "never sent"


def test_the_window_is_larger_only_where_a_larger_prompt_was_seen() -> None:
    assert (window_tokens(200_000), window_tokens(200_001)) == (200_000, 1_000_000)


def test_a_line_shows_how_much_of_each_prompt_was_waste_and_a_mark_where_it_began() -> None:
    requests = pa.table(
        {
            "request_id": ["m1", "m2"],
            "prompt_tokens": [100, 160],
            "billed_usd": [0.1, 0.1],
            "label": [None, None],
            "cause": [None, None],
            "confidence": [None, None],
            "missed_tokens": [0, 0],
            "excess_usd": [None, None],
            "cut": [None, None],
        }
    )
    parts = {"request_id": ["m1", "m2"], "kind": ["prompt", "prompt"], "tokens": [100, 160], "missed_tokens": [0, 0]}
    begun = {"findings_count": [1], "kinds": ["C5.reread"], "waste_usd": [0.02]}
    waste = pa.table({"request_id": ["m2"], "wasted_tokens": [60], **begun})
    drawing = context_chart.context(requests, pa.table(parts), waste)
    assert drawing is not None
    rows = [row for row in drawing.records() if row["layer"] == "waste"]
    assert [(row["number"], row["tokens"], row["name"]) for row in rows] == [(1, 0, None), (2, 60, "C5.reread")]
    without = context_chart.context(requests, pa.table(parts))
    assert without is not None
    assert [row for row in without.records() if row["layer"] == "waste"] == []
