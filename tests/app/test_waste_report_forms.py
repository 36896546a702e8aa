"""The report on waste says the same in each form: terminal, HTML, Markdown, CSV, JSON and the page of the app."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app import terminal
from app.waste import put_report
from her_models.config import load_config
from her_models.lake import open_lake
from her_models.reports import Scope
from her_models.waste_report import questions
from her_models.waste_report.questions import WasteReport
from tests.app.conftest import fill
from tests.app.test_pages import figures, opened, words

FIRST, SECOND = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 2))
MONDAY = Scope(since_on=date(2026, 3, 2), until_on=date(2026, 3, 2))
ENGINE = Scope(projects=("engine",), models=("opus",))
"""Leaves out a request of haiku in a session of engine, which therefore lies in this selection in part only."""
TOOLS = 15


def _request(lake: Any, session: str, name: str, when: datetime, usd: dict[str, float], **more: Any) -> None:
    """Put in a request that was billed `usd` by label: S, C…, P, fees, and K for what missing the cache cost."""
    whose = {"session_id": session, "request_id": name, "owner": "ada", "project": "engine", "started_at": when}
    lanes = {"cache_excess_usd": usd.get("K", 0), "premium_usd": usd.get("P", 0), "fees_usd": usd.get("fees", 0)}
    fill(lake, "requests", whose | {"model": "opus", "billed_usd": sum(usd.values())} | lanes | more)
    for label, cost in usd.items():
        if label[0] in "SHCN":
            fill(lake, "request_labels", whose | {"label": label, "content_usd": cost, "output_tokens": 1})


def _finding(lake: Any, session: str, index: int, usd: float | None, when: datetime = SECOND, **more: Any) -> None:
    whose = {"session_id": session, "finding_index": index, "owner": "ada", "project": "engine", "started_at": when}
    what = {"label": "C5", "kind": "C5.reread", "confidence": "estimated", "model": "opus", "evidence": "It is known."}
    ends = {} if usd is None else {"waste_usd": usd, "low_usd": usd / 2, "high_usd": usd * 2, "turn_tax_usd": 0}
    fill(lake, "waste", whose | what | ends | {"tokens": 10} | more)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of fifteen tools; one over midnight; one of two models; one of another project that names no tool."""
    home = tmp_path_factory.mktemp("forms_home")
    with open_lake(load_config(home)) as lake:
        fill(lake, "sources", {"owner": "ada", "host": "laptop", "path": "/logs"})
        fill(lake, "ingest_runs", {"run_id": "r", "finished_at": SECOND, "marts_version": lake.marts_version()})
        for session, project in (("tools", "engine"), ("night", "engine"), ("mixed", "engine"), ("other", "kettle")):
            whose = {"session_id": session, "owner": "ada", "project": project, "project_path": f"/srv/{project}"}
            fill(lake, "sessions", whose | {"started_at": FIRST, "ended_at": SECOND, "models": ["opus"]})
        _request(lake, "tools", "t", SECOND, {"S": 1.0, "C5": 7.5, "K": 0.25, "P": 0.5, "fees": 0.25})
        fill(lake, "cache_misses", {"session_id": "tools", "request_id": "t", "label": "K1", "cause": "expiry"})
        for number in range(TOOLS):
            _finding(lake, "tools", number, 0.5, tool_name=f"tool{number:02}", path=f"/srv/engine/{number:02}.py")
        _request(lake, "night", "n1", FIRST, {"S": 1.0, "C5": 0.75, "C4": 0.5})
        _request(lake, "night", "n2", SECOND, {"S": 1.0, "C5": 0.25, "K": 0.5}, is_output_floor=True)
        _finding(lake, "night", 0, 1.0, FIRST, tool_name="Read")
        _finding(lake, "night", 1, 0.5, FIRST, tool_name="Bash", label="C4", kind="C4.error")
        _request(lake, "mixed", "m1", SECOND, {"S": 1.0, "C4": 1.0})
        _request(lake, "mixed", "m2", SECOND, {"S": 1.0, "C4": 1.0}, model="haiku")
        _finding(lake, "mixed", 0, 2.0, tool_name="Bash", label="C4", kind="C4.error")
        _request(lake, "other", "o", SECOND, {"S": 1.0, "C10": 0.25}, project="kettle")
        _finding(lake, "other", 0, 0.25, label="C10", kind="C10.skill", project="kettle")
        _finding(lake, "other", 1, None, label="C11", kind="C11.output", project="kettle", is_hint=True)
        unpriced = {"session_id": "other", "owner": "ada", "project": "kettle", "started_at": SECOND}
        fill(lake, "requests", unpriced | {"request_id": "u", "model": "mystery-1"})
        for session, usd in (("tools", 9.5), ("night", 4.0), ("mixed", 4.0), ("other", 1.25)):
            whose = {"session_id": session, "owner": "ada", "started_at": FIRST, "is_identity": True, "billed_usd": usd}
            for index, (policy, family) in enumerate((("identity", "identity"), ("cap.2000", "cap"))):
                what = {
                    "policy": policy,
                    "family": family,
                    "policy_index": index,
                    "parameters": '{"most_tokens": 2000}',
                }
                money = {"gross_saving_usd": index / 4, "low_usd": 0, "high_usd": 1, "confidence": "heuristic"}
                fill(lake, "what_ifs", whose | what | money)
    return home


def _asked(home: Path, scope: Scope) -> WasteReport:
    with open_lake(load_config(home), read_only=True) as lake:
        lake.con.execute("use lake")
        return questions.waste_report(lake.con, load_config(home), scope, noted=())


TABLES = ("by_label", "by_kind", "by_project", "by_tool", "by_file")


def _rows(report: WasteReport, name: str) -> dict[str, float]:
    rows = getattr(report, name).to_pylist()
    return {row["group_name"] or row["part"]: float(row["waste_usd"]) for row in rows if not row["is_hint"]}


@pytest.mark.parametrize(
    "scope", [Scope(), MONDAY, Scope(until_on=date(2026, 3, 1)), ENGINE, Scope(models=("haiku",))], ids=str
)
def test_every_table_adds_up_to_the_waste_of_the_bill_in_any_selection(home: Path, scope: Scope) -> None:
    report = _asked(home, scope)
    labels = {row["label"]: row["usd"] for row in report.bill.to_pylist() if row["label"][0] in "CK"}
    told = {row["group_name"]: row["waste_usd"] for row in report.by_label.to_pylist() if not row["is_hint"]}
    assert told == labels
    for name in (*TABLES, "by_owner"):
        table = getattr(report, name)
        if table is not None:
            counted = [row["waste_usd"] for row in table.to_pylist() if not row["is_hint"]]
            assert sum(counted) == report.waste_usd, name


def test_of_a_session_over_midnight_each_day_has_what_was_billed_in_it(home: Path) -> None:
    report = _asked(home, MONDAY)
    assert _rows(report, "by_label") == {"C5": 7.75, "C4": 2.0, "K1": 0.25, "K5": 0.5, "C10": 0.25}
    # Its finding began the day before: which tool it was paid for in the second night is not known of a part.
    tools = _rows(report, "by_tool")
    assert {name: tools[name] for name in ("elsewhere", "misses", "none", "Bash")} == {
        "elsewhere": 0.25, "misses": 0.75, "none": 0.25, "Bash": 2.0,
    }  # fmt: skip
    assert "Read" not in tools
    # A quarter of its C5 was paid here, and so is a quarter of each end.
    (row,) = [row for row in report.by_label.to_pylist() if row["group_name"] == "C5"]
    assert (row["low_usd"], row["high_usd"], row["findings_count"]) == (Decimal("3.875"), Decimal("15.5"), TOOLS)
    assert _rows(report, "by_project") == {"engine": 10.5, "kettle": 0.25}


def test_what_a_session_spent_on_a_model_that_is_left_out_is_in_no_row(home: Path) -> None:
    report = _asked(home, ENGINE)
    assert _rows(report, "by_label")["C4"] == 1.5
    assert _rows(report, "by_tool")["elsewhere"] == 1.0
    assert _rows(report, "by_tool")["Bash"] == 0.5


def test_what_ifs_are_of_every_session_that_is_touched_and_say_how_much_lies_outside(home: Path) -> None:
    from her_models.waste_report.words import replayed_in_words

    assert replayed_in_words(_asked(home, Scope())) == "Replayed, each whole: 4 sessions, billed $18.75."
    # On Monday the session over midnight was billed 1.75 of its 4.00.
    told = replayed_in_words(_asked(home, MONDAY))
    assert told == "Replayed, each whole: 4 sessions, billed $18.75, $2.25 of it outside this selection."
    haiku = _asked(home, Scope(models=("haiku",)))
    assert replayed_in_words(haiku) == (
        "Replayed, each whole: 1 session, billed $4.00, $2.00 of it outside this selection."
    )
    assert [row["gross_saving_usd"] for row in haiku.what_ifs.to_pylist() if row["family"] == "cap"] == [
        Decimal("0.25")
    ]


def _in_terminal(text: str) -> dict[str, list[list[str]]]:
    """Return the tables of a drawn report: by the first heading, rows of cells."""
    tables: dict[str, list[list[str]]] = {}
    rows: list[list[str]] | None = None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if set(line.strip()) == {"─"}:
            if rows is None:
                rows = tables.setdefault(re.split(r"\s{2,}", lines[number - 1].strip())[0], [])
        elif not line.strip():
            rows = None
        elif rows is not None:
            rows.append(re.split(r"\s{2,}", line.strip()))
    return tables


def _in_markdown(text: str) -> dict[str, list[list[str]]]:
    tables: dict[str, list[list[str]]] = {}
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in block.splitlines()]
        tables[head[0]] = [[cell.replace("*", "").replace("\\", "") for cell in row] for row in rows]
    return tables


def _in_html(text: str) -> dict[str, list[list[str]]]:
    tables: dict[str, list[list[str]]] = {}
    for table in re.findall(r"<table.*?</table>", text, re.DOTALL):
        head, *rows = [
            [
                html.unescape(re.sub(r"<[^>]*>", "", cell)).strip()
                for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)
            ]
            for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)
        ]
        tables[head[0]] = rows
    return tables


def _usd(cell: str) -> float:
    return float(cell.replace("$", "").replace(",", ""))


READERS: dict[str, Callable[[str], dict[str, list[list[str]]]]] = {
    "terminal": _in_terminal, "md": _in_markdown, "html": _in_html,
}  # fmt: skip


def _written(home: Path, scope: Scope, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with open_lake(load_config(home), read_only=True) as lake:
        lake.con.execute("use lake")
        out = None if form == "terminal" else tmp_path / f"report.{form}"
        put_report(lake.con, load_config(home), scope, is_everyone=True, form=form, out=out)
        return capsys.readouterr().out if out is None else out.read_text(encoding="utf-8")


@pytest.mark.parametrize("scope", [Scope(), MONDAY, ENGINE], ids=["all", "a day", "a project and a model"])
def test_all_forms_say_the_same(
    home: Path, scope: Scope, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal.screen, "width", 400)
    report = _asked(home, scope)
    billed, waste = float(report.billed_usd), float(report.waste_usd)
    is_unpriced = scope is not ENGINE
    for form, read in READERS.items():
        text = _written(home, scope, form, tmp_path, capsys)
        plain = html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\\", "")
        assert f"Billed at least ${billed:,.2f}" in plain, form
        assert ("1 response has no price and is in no figure: mystery-1." in plain) is is_unpriced, form
        assert "no price to no price" not in plain, form
        assert "Of 1 response the log holds no end: its output is counted" in plain, form
        (told,) = re.findall(r"Billed at least .*?unexplained \$[\d.]+", plain)
        # Useful, overhead, waste, premium, fees and unexplained: nothing of the bill is left out of the sentence.
        assert sum(map(float, re.findall(r"\$([\d.]+)", told)[1:])) == pytest.approx(billed), form
        tables = read(text)
        for heading in ("Label", "Project", "Tool", "File"):
            *rows, total = tables[heading]
            costs = [row[-2 if heading == "Label" else -1] for row in rows if "(hint)" not in row[0]]
            assert sum(map(_usd, costs)) == pytest.approx(waste), (form, heading)
            assert f"${waste:,.2f}" in total, (form, heading)
        tools = {row[0]: row[-1] for row in tables["Tool"]}
        if scope is not ENGINE:
            # Twelve are shown by name, Bash first: the rest of the fifteen, and of Read where it counts, is one row.
            rest = TOOLS + 1 + (scope is not MONDAY) - 12
            assert tools[f"{rest} others"] == f"${rest / 2:.2f}", form
        assert tools["Cache misses, of no tool"] == "$0.75", form

    told = json.loads(_written(home, scope, "json", tmp_path, capsys))
    assert (float(told["billed_usd"]), float(told["waste_usd"]), told["is_floor"]) == (billed, waste, True)
    assert told["unpriced_models"] == (["mystery-1"] if is_unpriced else [])
    lines = list(csv.DictReader(io.StringIO(_written(home, scope, "csv", tmp_path, capsys))))
    (whole,) = [line for line in lines if (line["section"], line["name"]) == ("billed", "billed")]
    assert (float(whole["usd"]), whole["is_floor"].lower()) == (billed, "true")
    models = [line["name"] for line in lines if line["section"] == "model without a price"]
    assert models == told["unpriced_models"]
    for name in TABLES:
        rows = {row["group_name"] or row["part"]: row["waste_usd"] for row in told[name] if not row["is_hint"]}
        assert {key: float(usd) for key, usd in rows.items()} == _rows(report, name)
        section = f"waste by {name.removeprefix('by_')}"
        costs = [line["usd"] for line in lines if line["section"] == section and line["is_hint"].lower() != "true"]
        assert len(costs) == len(rows)
        assert sum(map(float, costs)) == pytest.approx(waste)


@pytest.mark.parametrize("scope", [Scope(), ENGINE], ids=["all", "a project and a model"])
@pytest.mark.parametrize("group", ["Label", "Tool"])
def test_the_page_says_what_the_other_forms_say(
    home: Path, scope: Scope, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HER_HOME", str(home))
    report = _asked(home, scope)
    chosen = {"project": scope.projects[0], "model": scope.models[0]} if scope.projects else {}
    app = opened("cost", by=group, **chosen)
    shown = figures(app)
    assert shown.pop("Billed") == f"≥ ${report.billed_usd:,.2f}"
    parts = [float(re.findall(r"\$([\d.]+)", value)[0]) for value in shown.values()]
    assert sum(parts) == pytest.approx(float(report.billed_usd))
    (frame,) = [frame.value for frame in app.dataframe if "turn_tax_usd" in frame.value]
    counted = frame[~frame["class"].str.contains("hint")]
    assert counted["waste_usd"].sum() == pytest.approx(float(report.waste_usd))
    assert len(counted) == len(_rows(report, f"by_{group.lower()}"))
    told = words(app).replace("\\", "")
    assert f"${report.waste_usd:,.2f} in all." in told
    assert ("project engine, model opus." in told) is bool(scope.projects)
    assert ("no figure: mystery-1." in told) is not bool(scope.projects)
