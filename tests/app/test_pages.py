"""Pages as a person meets them: the first run, the usual path, the empty lake, the failing one."""

import fcntl
import json
import threading
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from her_models.config import load_config
from her_models.lake import open_lake
from tests.app.conftest import HOSTILE, SESSION, SOURCE, SPELLS, UNPRICED, at, fill, fill_lake

ROUTER = str(Path(__file__).parents[2] / "app" / "streamlit_app.py")
PAGES = sorted(path.stem for path in (Path(ROUTER).parent / "views").glob("[a-z]*.py"))
PATIENCE_SECONDS = 300

OWN_SCRIPTS = "".join(Path(ROUTER).with_name(name).read_text("utf-8") for name in ("history.js", "grids.js"))


def opened(page: str | None = None, **parameters: str) -> AppTest:
    """Run a page of the app, with what stands in the address."""
    app = AppTest.from_file(ROUTER, default_timeout=PATIENCE_SECONDS)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"views/{page}.py")
    app.run()
    assert not app.exception, app.exception
    return app


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def words(app: AppTest) -> str:
    """Everything the page says outside of tables."""
    elements = [*app.title, *app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.success, *app.code]
    return "\n".join(str(element.value) for element in elements)


def plainly(app: AppTest) -> str:
    """The same without the backslashes that keep text from being Markdown."""
    return words(app).replace("\\", "")


@pytest.mark.parametrize("page", PAGES)
def test_before_the_first_ingest_every_page_says_what_to_run(empty_home: Path, page: str) -> None:
    assert "./her ingest" in words(opened(page))


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_a_filled_lake_can_be_read(home: Path, page: str) -> None:
    assert [error.value for error in opened(page).error if "the lake" in error.value.lower()] == []


def test_overview_marks_a_total_that_lacks_a_price_as_a_lower_bound(home: Path) -> None:
    shown = figures(opened())
    assert shown["Cost at list price"] == "≥ $1.75"
    assert (shown["Responses"], shown["Read from cache"]) == ("3", "89.0 %")


def test_overview_of_a_model_without_a_price_shows_no_price_rather_than_zero(home: Path) -> None:
    app = opened()
    app.multiselect(key="model").select("mystery-1").run()
    assert figures(app)["Cost at list price"] == "no price"
    assert "no cost to draw" in words(app)


def with_bills(home: Path, *rows: dict[str, Any]) -> None:
    """Fill a lake with a session of another project, and bills."""
    fill_lake(home)
    with open_lake(load_config(home)) as lake:
        fill(lake, "sessions", {"session_id": "44444444", "project": "later", "owner": "ada"})
        bill = {"session_id": "44444444", "project": "later", "owner": "ada", "model": "claude-opus-4-1"}
        fill(lake, "daily_cost", *({**bill, "requests_count": 1, "sessions_count": 1} | row for row in rows))


def test_the_last_days_end_with_the_last_bill_on_every_page_that_has_a_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bills(tmp_path, {"day_on": date(2026, 5, 10), "billed_usd": 4})
    monkeypatch.setenv("HER_HOME", str(tmp_path))
    told = "The 7 days up to 2026-05-10, the last with a bill"
    overview = opened(period="7 days")
    assert f"{told}: 2026-05-04 to 2026-05-10." in words(overview)
    assert f"{told}, against the 7 days before them." in words(overview)
    assert figures(overview)["Cost at list price"] == "$4.00"
    assert f"{told}: 2026-05-04 to 2026-05-10." in words(opened("cost", period="7 days"))
    assert "These are the 7 days up to 2026-05-10" in plainly(opened("ask", q="dearest turn last week"))
    assert "These are the 7 days up to 2026-05-10" in plainly(opened("ask", q="dearest turn", period="Last 7 days"))
    assert "2026-03-01 to 2026-05-10" in words(opened(period="7 days", project="engine"))


def test_without_forecast_and_budget_overview_says_why_and_what_to_do(home: Path) -> None:
    said = words(opened())
    month = datetime.now(UTC).strftime("%B")
    assert (
        f"No forecast for {month}: it takes 14 days of the last eight weeks with logs, and the last bill is of" in said
    )
    assert "`./her ingest`" in said
    assert "No budget is set." in said and "[[budgets]]" in said and f"{home}/config.toml" in plainly(opened())


def test_forecast_and_budgets_are_shown_where_this_month_is_billed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    with_bills(tmp_path, *({"day_on": today - timedelta(days=ago), "billed_usd": 2} for ago in range(40)))
    budgets = "[[budgets]]\nusd = 1\nproject = 'later'\n[[budgets]]\nusd = 900000\n"
    (tmp_path / "config.toml").write_text(f"time_zone = 'UTC'\n{budgets}", encoding="utf-8")
    monkeypatch.setenv("HER_HOME", str(tmp_path))
    app = opened()
    days_in_month = monthrange(today.year, today.month)[1]
    assert figures(app)[f"{today:%B} so far"] == f"${2 * today.day:.2f}"
    assert figures(app)["Expected at its end"] == f"${2 * days_in_month:.2f}"
    assert figures(app)["Budget per month"] == "0% of $900,000.00"
    assert ["is overdrawn" in error.value for error in app.error] == [True]
    assert "No forecast" not in words(app) and "No budget" not in words(app)


def test_sessions_are_found_by_words_and_the_address_keeps_them(home: Path) -> None:
    app = opened("sessions", q="has not been read")
    assert "1 session · " in words(app)
    [table] = app.dataframe
    assert list(table.value["title"]) == ["Stop the endless loop"]
    assert list(table.value["hits_count"]) == [1]


def test_a_search_without_a_hit_says_what_to_change(home: Path) -> None:
    assert "Take one away" in words(opened("sessions", q="no such words anywhere"))


def test_sessions_are_sorted_by_cost_and_unpriced_ones_stand_last(home: Path) -> None:
    [table] = opened("sessions", sort="Dearest first").dataframe
    assert list(table.value["billed_usd"])[:2] == [1.25, 0.5]
    assert table.value["billed_usd"].isna().tolist() == [False, False, True]


def replay(app: AppTest) -> dict[str, Any]:
    """What is sent to the replay's player: the session's recording."""
    sent: dict[str, Any] = json.loads(app.get("bidi_component")[0].proto.json)
    return sent


def first_texts(app: AppTest) -> list[str]:
    """The rendered texts that come with the page, before the player asks for any."""
    sent = json.loads(app.get("bidi_component")[1].proto.json)
    texts: list[str] = sent["answer"]["texts"][0][2]
    return texts


def test_a_session_shows_its_cost_and_its_replay_holds_every_event(home: Path) -> None:
    app = opened("session", session=SESSION)
    assert app.title[0].value == "Stop the endless loop"
    assert figures(app)["Cost at list price"] == "$1.25"
    [record] = replay(app)["recordings"]
    assert record["count"] == 5
    assert [record["kinds"][kind][0] for kind in record["kind"]] == [
        "prompt",
        "thinking",
        "tool_call",
        "tool_result",
        "text",
    ]
    assert record["bills"]["nano"] == [1_250_000_000]
    assert record["facts"]["billed_nano"] == 1_250_000_000


def test_an_edit_is_rendered_as_a_diff_and_a_failed_result_says_so(home: Path) -> None:
    _, _, call, result, _ = first_texts(opened("session", session=SESSION, event="3"))
    assert '<div class="line gone"><span class="mark">-</span>' in call
    assert '<div class="line come"><span class="mark">+</span>' in call
    assert "Failed" in result and "File has not been read yet" in result


@pytest.mark.parametrize("event", ["0", "999999999999", "-1", "x", "³"])
def test_an_event_that_does_not_exist_opens_the_nearest_that_does(home: Path, event: str) -> None:
    assert len(first_texts(opened("session", session=SESSION, event=event))) == 5


@pytest.mark.parametrize("view", ["Turns", "Tools", "Subagents", "About"])
def test_every_view_of_a_session_can_be_linked_to(home: Path, view: str) -> None:
    app = opened("session", session=SESSION, view=view)
    assert app.dataframe or SESSION in words(app)


def test_a_session_without_a_price_says_so(home: Path) -> None:
    assert figures(opened("session", session=UNPRICED))["Cost at list price"] == "no price"


def test_an_unknown_session_offers_others(home: Path) -> None:
    app = opened("session", session="unknown", source=SOURCE)
    assert "no such session" in words(app)
    assert len(app.selectbox[0].options) == 3


def test_the_beginning_of_a_session_id_opens_the_session_and_the_address_then_names_it_whole(home: Path) -> None:
    app = opened("session", session="1111", event="3")
    assert [title.value for title in app.title] == ["Stop the endless loop"]
    assert (app.query_params["session"], app.query_params["source"]) == (SESSION, SOURCE)
    assert [title.value for title in opened("session", session=f"{SOURCE}/1").title] == ["Stop the endless loop"]


def test_the_beginning_of_several_session_ids_names_them_as_links_to_the_same_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_lake(tmp_path)
    with open_lake(load_config(tmp_path)) as lake:
        second = {"session_id": "11111111-2", "title": "Start the *loop*", "project": "engine", "started_at": at(0)}
        fill(lake, "sessions", second)
    monkeypatch.setenv("HER_HOME", str(tmp_path))
    app = opened("session", session="11111111-", view="Turns")
    assert [info.value for info in app.info] == ["2 sessions begin like this. Which do you mean?"]
    links = [link.proto for link in app.get("page_link")]
    assert [link.query_string for link in links] == [
        f"session={SESSION}&view=Turns&source=ada%40laptop",
        "session=11111111-2&view=Turns&source=ada%40laptop",
    ]
    assert r"Start the \*loop\*" in links[1].label


def test_hostile_text_is_never_markdown_that_fetches_or_html(home: Path) -> None:
    app = opened("session", session=HOSTILE)
    drawn = [*app.title, *app.markdown, *app.caption]
    assert all("![" not in element.value for element in drawn)
    assert not any(getattr(element, "allow_html", False) and "script" in element.value for element in drawn)
    assert "\x1b" not in words(app) and "\u202e" not in words(app)
    assert SPELLS not in words(app)
    sent = json.dumps(replay(app)) + "".join(first_texts(app))
    assert "\x1b" not in sent and "\u202e" not in sent
    assert "<script" not in "".join(first_texts(app)) and "<img" not in sent


def test_a_query_is_answered_and_one_that_writes_is_refused(home: Path) -> None:
    app = opened("sql")
    app.text_area(key="sql").set_value("select count(*) as sessions_count from sessions").run()
    run = next(button for button in app.button if button.label == "Run")
    run.click().run()
    assert [3] in [table.value["sessions_count"].tolist() for table in app.dataframe if "sessions_count" in table.value]
    assert app.query_params["query"] == "select count(*) as sessions_count from sessions"
    app.text_area(key="sql").set_value("drop table sessions").run()
    next(button for button in app.button if button.label == "Run").click().run()
    assert "cannot be run" in words(app)


def test_a_kept_query_is_offered_again(home: Path) -> None:
    app = opened("sql")
    app.text_area(key="sql").set_value("select 1").run()
    app.text_input(key="query_name").set_value("One")
    next(button for button in app.button if button.label == "Keep this query").click().run()
    assert "One" in opened("sql").selectbox(key="query_choice").options
    (home / "saved_queries.json").unlink()


def test_health_shows_failed_checks_and_refused_lines(home: Path) -> None:
    app = opened("health")
    assert "1 of 1 checks found something" in words(app)
    assert any("not JSON" in set(table.value.get("reason", [])) for table in app.dataframe)


def test_a_lake_that_cannot_be_read_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HER_HOME", str(tmp_path))
    (tmp_path / "catalog.sqlite").write_bytes(b"this is not a catalog" * 100)
    app = opened()
    assert "cannot be opened" in app.error[0].value


@pytest.mark.parametrize("has_lake", [False, True])
def test_while_the_first_ingest_runs_pages_wait_for_it(empty_home: Path, has_lake: bool) -> None:
    if has_lake:
        with open_lake(load_config(empty_home)):
            pass
    empty_home.mkdir(exist_ok=True)
    with (empty_home / "ingest.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "looks again" in words(opened())


def test_a_search_shows_hits_with_what_was_found_marked_and_links_to_their_events(home: Path) -> None:
    app = opened("search", q="has not been read")
    assert "1 hit in 1 session" in words(app)
    [link] = app.get("page_link")
    assert link.proto.query_string == f"session={SESSION}&source=ada%40laptop&event=4&q=has+not+been+read"
    assert any("File <mark>has</mark> <mark>not</mark>" in one.proto.body for one in app.get("html"))


def test_filters_of_a_search_stand_in_the_address(home: Path) -> None:
    assert "1 hit in 1 session" in words(opened("search", kind="Tool call", tool="Edit", file="LOOP"))
    assert "5 hits in 1 session" in words(opened("search", q="script.*png", mode="Expression"))


def test_an_expression_that_cannot_be_used_is_explained_on_the_page(home: Path) -> None:
    assert "cannot be used" in words(opened("search", q="(", mode="Expression"))


def test_hostile_text_in_hits_is_only_text(home: Path) -> None:
    app = opened("search", q="owned")
    drawn = [one.proto.body for one in app.get("html") if not one.proto.unsafe_allow_javascript]
    labels = [one.proto.label for one in app.get("page_link")]
    assert any("<mark>owned</mark>" in one for one in drawn)
    assert not any("<script" in one for one in drawn)
    own = [one.proto.body for one in app.get("html") if one.proto.unsafe_allow_javascript]
    assert own == [f"<script>{OWN_SCRIPTS}</script>"]
    assert not any("\x1b" in one or "\u202e" in one for one in [*drawn, *labels])
    assert labels and not any("![" in one for one in labels)
    assert "![" not in words(app)


def test_before_anything_is_asked_search_says_how_to_ask(home: Path) -> None:
    assert "A phrase stands in quotation marks" in words(opened("search"))


def test_audit_lists_risky_actions_and_what_is_only_worth_knowing_when_asked(home: Path) -> None:
    app = opened("audit")
    assert figures(app) == {"Force pushes": "1"}
    [table] = app.dataframe
    assert table.value[["command", "outcome"]].values.tolist() == [["git push -f", "denied"]]
    app.toggle(key="risks").set_value(False).run()
    assert figures(app) == {"Force pushes": "1", "Deletions": "1"}
    assert "\u202e" not in str(app.dataframe[0].value.values.tolist())


def test_audit_says_what_a_log_lacks_and_checks_its_files(home: Path) -> None:
    assert "0 of 1 sessions lack nothing" in words(opened("audit", list="Completeness"))
    app = opened("audit", list="Files")
    app.button[0].click().run()
    assert "1 gone" in words(app)


def test_tags_and_note_are_kept_and_a_session_is_found_by_its_tag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(tmp_path))
    fill_lake(tmp_path)
    app = opened("session", session=SESSION, view="About")
    app.text_input(key=f"tags_{SESSION}").set_value("flaky, ask asha")
    app.text_area(key=f"note_{SESSION}").set_value("Look again")
    next(button for button in app.button if button.label == "Keep").click().run()
    assert not app.exception
    [table] = opened("sessions", tag="flaky", columns="Tags").dataframe
    assert table.value["tags"].tolist() == ["flaky, ask asha"]
    [link] = opened("search", q="again asha").get("page_link")
    assert (
        link.proto.label.replace("\\", "") == "Stop the endless loop · 2026-03-01 10:00 · flaky · ask asha · Look again"
    )
    assert link.proto.query_string == f"session={SESSION}&source=ada%40laptop"
    with (tmp_path / "ingest.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A writer that ends soon is waited for; one that does not is named.
        release = threading.Timer(0.5, fcntl.flock, (lock, fcntl.LOCK_UN))
        release.start()
        app.text_area(key=f"note_{SESSION}").set_value("Soon")
        next(button for button in app.button if button.label == "Keep").click().run()
        assert "Not kept yet" not in words(app)
        release.join()
        fcntl.flock(lock, fcntl.LOCK_EX)
        monkeypatch.setattr("app.annotating._PATIENCE_SECONDS", 0.1)
        app.text_area(key=f"note_{SESSION}").set_value("Not now")
        next(button for button in app.button if button.label == "Keep").click().run()
        assert "Not kept yet" in words(app)
        assert app.text_area(key=f"note_{SESSION}").value == "Not now"


def test_saved_filters_set_every_widget_and_columns_are_chosen(home: Path) -> None:
    app = opened("sessions", project="engine", sort="Dearest first")
    app.multiselect(key="columns").set_value(["Title", "Cost, at least"]).run()
    [table] = app.dataframe
    assert list(table.value.columns) == ["title", "billed_usd"]
    app.text_input(key="filter_name").set_value("Dear ones")
    next(button for button in app.button if button.label == "Keep the filters as they are").click().run()
    fresh = opened("sessions")
    fresh.button(key="use_filter_Dear ones").click().run()
    assert not fresh.exception
    assert (fresh.selectbox(key="sort").value, fresh.multiselect(key="project").value) == ("Dearest first", ["engine"])
    assert list(fresh.dataframe[0].value.columns) == ["title", "billed_usd"]
    fresh.button(key="drop_filter_Dear ones").click().run()
    assert "use_filter_Dear ones" not in {button.key for button in opened("sessions").button}


def test_a_question_in_plain_words_is_answered_with_the_place_and_the_query(home: Path) -> None:
    app = opened("ask", q="which turn was the most expensive?")
    assert 'Turn 1 of \\"Stop the endless loop\\" cost \\$1\\.25' in words(app)
    links = [(link.proto.label, link.proto.query_string) for link in app.get("page_link")]
    assert links[0] == ("See it", f"session={SESSION}&source=ada%40laptop&event=1")
    assert ("The query behind this", True) in [(label, "query=" in parameters) for label, parameters in links]
    assert "![" not in words(app)


def test_a_question_is_chosen_from_the_list_and_one_that_is_none_offers_it(home: Path) -> None:
    app = opened("ask", q="sing")
    assert "none of the questions" in words(app)
    app.button(key="ask_risks").click().run()
    assert not app.exception
    assert "force push\\: 1 action" in words(app)


def test_a_question_about_a_session_that_does_not_exist_is_explained(home: Path) -> None:
    app = opened("ask", question="What is in the context now?", of="zzz")
    assert "No session begins with" in words(app)


def test_an_answer_about_a_turn_leads_to_why(home: Path) -> None:
    app = opened("ask", q="which turn was the most expensive?")
    app.button(key="why_0").click().run()
    assert not app.exception
    assert "Turn 1 cost \\$1\\.25 in 1 response" in words(app)
    assert app.query_params["turn"] == "1"


# -- lakes that an older version wrote --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def old_lakes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Lakes that lack a table, lack a column, and whose figures are of an older version."""
    homes = {name: tmp_path_factory.mktemp("old") / name for name in ("table", "column", "figures")}
    for name, changed in (
        ("table", "drop table lake.daily_cost"),
        ("column", "alter table lake.sessions drop column waste_usd"),
        ("figures", "update lake.ingest_runs set marts_version = 'of another time'"),
    ):
        fill_lake(homes[name])
        with open_lake(load_config(homes[name])) as lake:
            lake.con.execute(changed)
    return homes


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lacking", ["table", "column"])
def test_every_page_says_that_an_older_version_wrote_the_lake(
    old_lakes: dict[str, Path], monkeypatch: pytest.MonkeyPatch, lacking: str, page: str
) -> None:
    monkeypatch.setenv("HER_HOME", str(old_lakes[lacking]))
    [error] = opened(page).error
    assert error.value == (
        "An older version of Her wrote this lake: a table or a column that this one asks for is not there yet."
        " Bring it up to date: her ingest. Then reload this page."
    )


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_above_figures_of_an_older_version_that_they_are(
    old_lakes: dict[str, Path], monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("HER_HOME", str(old_lakes["figures"]))
    app = opened(page)
    assert [error.value for error in app.error if "the lake" in error.value.lower()] == []
    said = app.warning[0].value.replace("\\", "")
    assert "The figures of ada@laptop were counted by an older version of Her" in said
    assert "Bring them up to date: her ingest /logs --owner ada. Then reload this page." in said


def test_figures_that_are_up_to_date_are_not_said_to_be_old(home: Path) -> None:
    assert "older version" not in words(opened("overview"))


def test_while_an_ingest_runs_an_old_lake_is_waited_for(
    old_lakes: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.data.is_ingesting", lambda: True)
    monkeypatch.setenv("HER_HOME", str(old_lakes["column"]))
    assert "The logs are being read" in opened("overview").info[0].value
    monkeypatch.setenv("HER_HOME", str(old_lakes["figures"]))
    assert "brings figures of an older version up to date" in opened("overview").info[0].value
