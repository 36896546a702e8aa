"""Cost optimisation: the bill's parts, advice that can be noted as made, findings that open with both sides."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from app import advising
from her_models.advice import outcomes
from her_models.advice.patterns import load_patterns
from her_models.advice.pieces import Piece
from her_models.config import load_config
from her_models.documents import Figure, as_html, as_markdown
from her_models.lake import open_lake
from her_models.waste_report import pages, questions, records
from tests.app.conftest import SESSION, at, fill, fill_lake
from tests.app.test_pages import figures, opened, words

FINDING = {
    "label": "C5",
    "kind": "C5.reread",
    "confidence": "estimated",
    "rule_version": "1",
    "owner": "ada",
    "project": "engine",
    "remedy": "Use the copy that is still in the context.",
    "evidence": "Lines 1 to 2 repeat that read.",
    "tool_name": "Read",
    "path": "/engine/loop.py",
    "tokens": 900,
    "entry_tokens": 300,
    "turn_tax_usd": 0.1,
    "cache_excess_usd": 0.0,
}
WEEKS = 4


@pytest.fixture(scope="module")
def wasteful_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three sessions, the first of which holds a finding; and twelve more, one in three days, all with one."""
    home = tmp_path_factory.mktemp("wasteful_home")
    fill_lake(home)
    with open_lake(load_config(home)) as lake:
        sides = {"block_index": 3, "evidence_session_id": SESSION, "evidence_block_index": 2, "session_id": SESSION}
        lines = {"first_line": 1, "last_line": 2, "evidence_first_line": 1, "evidence_last_line": 2}
        money = {"waste_usd": 0.5, "low_usd": 0.4, "high_usd": 0.6}
        fill(lake, "waste", FINDING | sides | lines | money | {"started_at": at(1), "turn_index": 0})
        for label, usd in (("S", 0.75), ("C5", 0.5)):
            row = {"session_id": SESSION, "request_id": "m-1111", "label": label, "content_usd": usd}
            fill(lake, "request_labels", row | {"output_tokens": 10})
        fill(lake, "waste", FINDING | {"session_id": SESSION, "finding_index": 1, "is_hint": True} | money)
        for number in range(12):
            when = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(days=3 * number)
            whose = {"session_id": f"s{number}", "owner": "ada", "project": "engine", "started_at": when}
            fill(lake, "sessions", whose | {"billed_usd": 2.0, "ended_at": when, "models": ["opus"]})
            fill(lake, "requests", whose | {"request_id": f"r{number}", "billed_usd": 2.0, "model": "opus"})
            # From the seventh session on nothing is read again.
            if number < 6:
                spent = {"waste_usd": 0.5, "low_usd": 0.5, "high_usd": 0.5}
                fill(lake, "waste", FINDING | whose | spent | {"model": "opus"})
    return home


@pytest.fixture
def home(wasteful_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HER_HOME", str(wasteful_home))
    (wasteful_home / "advice.json").unlink(missing_ok=True)
    return wasteful_home


def test_parts_of_the_bill_stand_apart_and_hints_are_in_no_total(home: Path) -> None:
    shown = figures(opened("cost"))
    assert shown["Waste, content"].startswith("$0.50 ")
    assert shown["Useful"].startswith("$0.75 ")
    assert "(hint)" in str(opened("cost").dataframe[-1].value["what"].tolist())


@pytest.mark.parametrize(
    ("changed", "billed"),
    [
        ("is_output_floor = true where request_id = 'm-1111'", "≥ $1.25"),
        ("billed_usd = null where request_id = 'm-2222'", "≥ $1.25"),
        ("project = project", "$1.25"),
    ],
)
def test_a_bill_that_can_only_be_too_low_says_so(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, billed: str
) -> None:
    monkeypatch.setenv("HER_HOME", str(tmp_path / "home"))
    shutil.copytree(home, tmp_path / "home")
    with open_lake(load_config(tmp_path / "home")) as lake:
        lake.con.execute("delete from requests where billed_usd is null")
        lake.con.execute(f"update requests set {changed}")
    shown = figures(opened("cost"))
    assert (shown["Billed"], shown["Useful"].split()[0]) == (billed, "$0.75")


def test_a_finding_named_in_the_address_opens_with_both_sides_and_their_difference(home: Path) -> None:
    app = opened("session", session=SESSION, view="Waste", finding="0")
    told = words(app).replace("\\", "")
    assert "Lines 1 to 2 repeat that read." in told
    assert "/engine/loop.py · lines 1–2" in told
    headings = [text.value for text in app.markdown if text.value.startswith("**What")]
    assert [heading.replace("\\", "") for heading in headings] == [
        "**What shows it, before it: the first read**",
        "**What is waste: the second read**",
    ]
    codes = [code.value for code in app.code]
    assert "1\tFile has not been read yet" in codes
    assert any("-1\t{" in code and "+1\tFile has not been read yet" in code for code in codes)


@pytest.mark.parametrize(("page", "path"), [("cost", "~/engine/loop.py"), ("session", "/home/ada/engine/loop.py")])
def test_both_sides_of_a_finding_tell_its_file_as_the_table_does(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str, path: str
) -> None:
    monkeypatch.setenv("HER_HOME", str(tmp_path / "home"))
    shutil.copytree(home, tmp_path / "home")
    with open_lake(load_config(tmp_path / "home")) as lake:
        for table in ("blocks", "waste"):
            lake.con.execute(f"update {table} set path = '/home/ada/engine/loop.py' where path is not null")
    app = opened(page, finding="0", **({"session": SESSION, "view": "Waste"} if page == "session" else {}))
    told = [caption.value.replace("\\", "").split(" · ") for caption in app.caption if "lines 1–2" in caption.value]
    assert [parts[1] for parts in told] == [path, path]
    assert app.dataframe[-1 if page == "cost" else 0].value["where"].tolist()[0] == path


def test_turns_are_counted_from_one_and_what_came_before_the_first_prompt_has_no_number(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(tmp_path / "home"))
    shutil.copytree(home, tmp_path / "home")
    with open_lake(load_config(tmp_path / "home")) as lake:
        lake.con.execute("update blocks set turn_index = block_index - 3")  # what is waste is block 3
    app = opened("session", session=SESSION, view="Waste", finding="0")
    told = [caption.value.replace("\\", "") for caption in app.caption if "lines 1–2" in caption.value]
    assert [one.split(" · ")[3] for one in told] == ["before the first prompt", "turn 1"]
    assert app.dataframe[0].value["turn"].tolist() == [1, 1]


def test_either_side_of_a_finding_turns_the_sessions_page_to_the_replay_there(home: Path) -> None:
    app = opened("session", session=SESSION, view="Waste", finding="0")
    app.button(key="open_waste").click().run()
    assert app.session_state["view"] == "Replay"
    assert (app.query_params["event"], app.query_params["session"]) == ("4", SESSION)


def test_names_of_the_waterfall_stand_whole_on_a_phone_in_lines_that_fit(home: Path) -> None:
    (chart,) = opened("cost").get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    axis = spec["config"]["axisY"]
    lines = json.loads(axis["labelExpr"].split("? (")[1].split(")[datum.label]")[0])
    assert [" ".join(part) for part in lines.values()] == list(lines)
    assert [" ".join(name.split()) for name in lines] == ["S Useful", "C5 Unchanged files read again", "Bill, at least"]
    assert max(len(line) for part in lines.values() for line in part) <= 28
    assert axis["labelOverlap"] is False  # else every other name of two lines would be left out
    # By day dark letters, which the report's own grey is not.
    assert spec["layer"][1]["mark"]["color"] == "#4B515D"


def test_a_case_without_a_finding_opens_at_its_response(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(tmp_path / "home"))
    shutil.copytree(home, tmp_path / "home")
    with open_lake(load_config(tmp_path / "home")) as lake:
        for session, request, before in ((SESSION, "m-1111", "r0"), ("s0", "r0", "r1"), ("s1", "r1", "r0")):
            whose = {"session_id": session, "owner": "ada", "project": "engine", "started_at": at(1), "turn_index": 0}
            miss = {"label": "K1", "request_id": request, "excess_usd": 1.0, "confidence": "exact"}
            entry = {"age_seconds": 7200.0, "missed_tokens": 9_000, "previous_request_id": before}
            fill(lake, "cache_misses", whose | miss | entry)
            lake.con.execute("update requests set cache_excess_usd = 1.0 where request_id = ?", [request])
        lake.con.execute("update blocks set turn_index = 0 where session_id = ?", [SESSION])
    app = opened("cost")
    links = [link.proto for link in app.get("page_link") if link.proto.label.startswith(SESSION[:8])]
    # The response's first block is the second of its session; the others left none, and their sessions open.
    assert [parse_qs(link.query_string)["event"] for link in links if "event" in link.query_string] == [["2"]]
    assert all(", turn 1," in link.label.replace("\\", "") for link in links)


def test_of_a_change_that_ends_every_case_nothing_is_said_about_the_rest() -> None:
    pattern = replace(load_patterns()["use-what-was-read"], followed=1.0)
    piece = Piece(pattern, "", 4, 3, 9, 4.0, 1.0, 1.0, 1.0, "exact", ())
    told = advising.saving_explained(piece)
    assert told == ("Class of the saving: exact. It is expected per week; these sessions give it no interval.")
    wide = replace(piece, high_usd=2.0)
    assert advising.saving_explained(wide).endswith("happened to be seen and the interval of each case.")
    half = replace(wide, pattern=replace(pattern, followed=0.5))
    assert advising.saving_explained(half).endswith("and that the change may end as little as 50% of the cases.")


def test_advice_is_noted_as_made_and_taken_back(home: Path) -> None:
    app = opened("cost")
    assert "Files are read again" in "".join(expander.label for expander in app.expander)
    app.button(key="done_use-what-was-read").click().run()
    assert [change.name for change in outcomes.changes(home)] == ["use-what-was-read"]
    assert "Not yet enough data" in words(app)
    app.button(key="undone_use-what-was-read").click().run()
    assert outcomes.changes(home) == ()


def test_a_change_that_ended_a_pattern_has_worked(home: Path) -> None:
    outcomes.made(home, "use-what-was-read", datetime(2026, 3, 19).date())
    told = words(opened("cost"))
    # Six sessions before at 0.50 of 2.00, and the one of 1.25; six since without.
    assert "Worked" in told
    assert "0.0% since" in told.replace("\\", "")


def _policy(
    index: int, policy: str, family: str, gross: float, net: float | None, **given: object
) -> dict[str, object]:
    return {
        "session_id": SESSION, "owner": "ada", "project": "engine", "started_at": at(0), "policy": policy,
        "policy_index": index, "family": family, "is_identity": True, "billed_usd": 1.25, "replay_usd": 1.25 - gross,
        "gross_saving_usd": gross, "net_saving_usd": net, "low_usd": gross, "high_usd": gross,
        "confidence": "exact", "parameters": "{}", **given,
    }  # fmt: skip


@pytest.fixture(scope="module")
def redundant_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What-ifs whose index is not their order; a memory file and a prefix that no line shows, each in two sessions."""
    home = tmp_path_factory.mktemp("redundant_home")
    fill_lake(home)
    with open_lake(load_config(home)) as lake:
        for label, usd in (("S", 0.75), ("C5", 0.5)):
            row = {"session_id": SESSION, "request_id": "m-1111", "label": label, "content_usd": usd}
            fill(lake, "request_labels", row | {"output_tokens": 10})
        fill(
            lake,
            "what_ifs",
            _policy(0, "identity", "identity", 0.0, None),
            _policy(1, "ttl.5m.main", "lifetime", -0.75, None, parameters='{"lifetime": "5m", "threads": "main"}'),
            _policy(2, "remove.C10", "remove", 0.5, 0.25, label="C10"),
            _policy(3, "remove.C5", "remove", 0.25, 0.125, label="C5"),
            _policy(4, "remove.K1", "remove", 0.375, 0.375, label="K1"),
            _policy(5, "remove.all", "remove", 0.75, 0.75),
        )
        for number, usd in enumerate((0.5, 0.25)):
            whose = {"session_id": f"again{number}", "owner": "ada", "project": "engine"}
            fill(lake, "sessions", whose | {"started_at": at(0), "ended_at": at(1), "models": ["opus"]})
            block = {**whose, "size_tokens": 20_100, "lifetime_usd": usd, "label": "", "role": "user"}
            fill(
                lake,
                "blocks",
                block | {"block_index": 0, "kind": "memory", "content_hash": "h", "path": "/e/CLAUDE.md"},
            )
            fill(lake, "blocks", block | {"block_index": 1, "kind": "system"})
    return home


@pytest.mark.parametrize("shows_persons", [False, True])
def test_reports_over_several_people_name_them_only_where_the_config_says_so(home: Path, shows_persons: bool) -> None:
    config = replace(load_config(home), shows_persons=shows_persons)
    with open_lake(config, read_only=True) as lake:
        lake.con.execute("use lake")
        report = questions.waste_report(lake.con, config, is_everyone=True)
    assert report.findings.num_rows and report.pieces
    record, day = records.as_record(report), date(2026, 3, 2)
    told = [str(record), as_markdown(pages.document(report, day)), as_html(pages.document(report, day))]
    assert [("ada" in text) for text in told] == [shows_persons] * 3
    assert all(("source_id" in row) is shows_persons for row in record["findings"])


def test_what_ifs_stand_by_label_and_net_savings_add_up_to_the_last_row(
    redundant_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(redundant_home))
    frames = [frame.value for frame in opened("cost").dataframe]
    (removed,) = [frame for frame in frames if "net_saving_usd" in frame]
    assert [name.split()[0] for name in removed["what"]] == ["K1", "C5", "C10", "All"]
    assert removed["net_saving_usd"].tolist() == [0.375, 0.125, 0.25, 0.75]
    (others,) = [frame for frame in frames if "gross_saving_usd" in frame and "net_saving_usd" not in frame]
    columns = ["what", "billed_usd", "replay_usd", "gross_saving_usd"]
    assert others[columns].to_numpy().tolist() == [["Main conversation cached for five minutes", 1.25, 2.0, -0.75]]
    assert removed["replay_usd"].tolist() == [0.875, 1.0, 0.75, 0.5]


def test_overhead_paid_again_stands_on_the_page_and_in_every_form_of_the_report(
    redundant_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(redundant_home))
    texts = ["About 20,000 tokens in no line: system prompt, tools, memory files (main)", "CLAUDE.md"]
    app = opened("cost")
    shown = [frame.value for frame in app.dataframe if "again_usd" in frame.value]
    # A text by its hash, and apart from it what is known by its size alone.
    assert [list(frame["text"]) for frame in shown] == [[texts[1]], [texts[0]]]
    titles = ["The same text, paid again", "Prompts of about the same size, paid again"]
    assert [heading.value for heading in app.subheader if "paid again" in heading.value] == titles
    with open_lake(load_config(redundant_home), read_only=True) as lake:
        lake.con.execute("use lake")
        report = questions.waste_report(lake.con, load_config(redundant_home))
    told = as_markdown(pages.document(report, date(2026, 3, 2)))
    # Two copies of 0.50 and 0.25: the dearest is the one that has to be.
    assert "| CLAUDE.md | memory | engine | 2 | 0 | 20,100 | $0.25 |" in told
    assert "| **All of it** | **1** | **$0.75** | **$0.75** |" in told
    assert "| Main conversation cached for five minutes | 1 | $1.25 | $2.00 | $0.75 dearer |" in told
    rows = records.as_rows(report).to_pylist()
    net = {row["name"]: row["usd"] for row in rows if row["section"] == "net saving of one label"}
    assert net.pop("remove.all") == sum(net.values()) == Decimal("0.75")
    again = {row["section"]: (row["name"], row["usd"]) for row in rows if "paid again" in row["section"]}
    assert again == {
        "the same text, paid again": (f"engine: {texts[1]}", Decimal("0.25")),
        "prompts of about the same size, paid again": (f"engine: {texts[0]}", Decimal("0.25")),
    }
    assert [title in told for title in titles] == [True, True]
    assert len(records.as_record(report)["what_ifs"]) == 6


def test_the_report_draws_the_bill_and_what_each_label_of_waste_cost(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(home))
    with open_lake(load_config(home), read_only=True) as lake:
        lake.con.execute("use lake")
        report = questions.waste_report(lake.con, load_config(home))
    document = pages.document(report, date(2026, 3, 2))
    drawn = {part.text: part.spec for part in document.parts if isinstance(part, Figure)}
    told = drawn["What each label of waste cost, in US dollars."]["data"]["values"]
    counted = [row for row in report.by_label.to_pylist() if not row["is_hint"]]
    assert len(told) == len(counted) > 0
    assert sum(bar["to"] for bar in told) == pytest.approx(float(sum(row["waste_usd"] for row in counted)))
    assert [bar["to"] for bar in told] == sorted((bar["to"] for bar in told), reverse=True)
    assert as_html(document).count("<svg") == len(drawn) > 1
    # On the axis a tenth of a dollar is $0.1 and not 100m, a hundred are $100 and not 1e+2.
    assert {spec["layer"][0]["encoding"]["x"]["axis"]["format"] for spec in drawn.values()} == {"$,~f"}


def test_what_an_address_names_and_is_not_there_is_told(home: Path) -> None:
    def warned(**parameters: str) -> list[str]:
        return [warning.value.replace("\\", "") for warning in opened("cost", **parameters).warning]

    assert warned(project="nosuch") == ["There is no project nosuch in the lake: the address is followed without it."]
    assert warned(model="mystery-2") == ["There is no model mystery-2 in the lake: the address is followed without it."]
    assert warned(finding="99999") == ["There is no finding 99999 here, so that none is opened."]
    assert warned(project="engine", finding="0") == []
