"""The `her` command, run as a process on a few invented lines."""

import csv
import errno
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pa_parquet
import pytest

from app import cli
from her_models.config import load_config
from her_models.errors import ConfigError, LakeBusy
from her_models.ingest import ingest, writer_lock
from her_models.lake import open_lake

CHECKOUT = Path(__file__).parent.parent
PATIENCE_SECONDS = 300
SESSION = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER_SESSION = "aaaabbbb-0000-4000-8000-000000000002"
SECRET = "ghp_" + "Zx9Qw7Er5Ty3Ui1Op8As6Df4Gh2Jk0Lm1NbV"

Her = Callable[..., "Done"]


def _line(kind: str, second: int, message: dict[str, Any], session: str = SESSION, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "uuid": f"{session[:8]}-{second:04d}",
        "parentUuid": None,
        "sessionId": session,
        "timestamp": f"2026-03-01T10:00:{second:02d}.000Z",
        "version": "2.1.0",
        "cwd": "/home/asha/kettle",
        "gitBranch": "main",
        "isSidechain": False,
        "userType": "external",
        "message": message,
        **more,
    }


def _answer(number: int, model: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 10,
            "cache_creation_input_tokens": 200,
            "cache_read_input_tokens": 3000,
            "output_tokens": 40,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 0},
        },
    }


def _write_logs(folder: Path) -> None:
    project = folder / "projects" / "-home-asha-kettle"
    project.mkdir(parents=True)
    call = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "boil --water"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "```\nhot </pre> water\n```"}
    lines = [
        _line("user", 0, {"role": "user", "content": f"Boil water with {SECRET} \x1b[31m<b>now</b>"}),
        _line("assistant", 1, _answer(1, "claude-sonnet-4-5-20250929", [call])),
        _line("user", 2, {"role": "user", "content": [result]}),
        _line("assistant", 3, _answer(2, "claude-sonnet-4-5-20250929", [{"type": "text", "text": "It boils."}])),
    ]
    written = "".join(json.dumps(line) + "\n" for line in lines)
    (project / f"{SESSION}.jsonl").write_text(written + "{broken\n")
    other = [
        _line("user", 10, {"role": "user", "content": "Make tea"}, OTHER_SESSION),
        _line("assistant", 11, _answer(3, "nobody-knows-1", [{"type": "text", "text": "Tea."}]), OTHER_SESSION),
    ]
    (project / f"{OTHER_SESSION}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in other))


def _environment(home: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "HER_HOME": str(home), "HOME": str(home.parent), "PYTHONPATH": str(CHECKOUT), "PYTHONSAFEPATH": "1"}


def _process(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a person does."""
    command = [sys.executable, "-W", "error", "-m", "app", *arguments]
    return subprocess.run(
        command, env=_environment(home), cwd=home.parent, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def her_in(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Run the command in this process, since a process of its own takes a second to import everything."""

    def run(home: Path, *arguments: str, stdin: str = "") -> Done:
        monkeypatch.setenv("HER_HOME", str(home))
        monkeypatch.setenv("HOME", str(home.parent))
        monkeypatch.delenv("CLAUDE_CONFIG_DIR", raising=False)
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        code = cli.run(list(arguments))
        return Done(code, *capfd.readouterr())

    return run


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("logs")
    _write_logs(folder)
    return folder


@pytest.fixture(scope="module")
def home(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HER_HOME with the logs in it."""
    home = tmp_path_factory.mktemp("person") / "her"
    ingest(load_config(home), [logs], "asha")
    return home


@pytest.fixture
def her(home: Path, her_in: Callable[..., Done]) -> Her:
    return partial(her_in, home)


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """Where a person without a lake and without logs would have one."""
    return tmp_path / "her"


def _sql(her: Her, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(her("sql", query, "--format", "json").stdout)
    return rows


# -- ingest ---------------------------------------------------------------------------------------------------------


def test_ingest_without_news_says_so_and_imports_nothing_heavy(home: Path, logs: Path) -> None:
    program = (
        "import sys\n"
        "from app.__main__ import main\n"
        "assert main() == 0\n"
        "heavy = {'typer', 'rich', 'duckdb', 'pyarrow', 'dagster', 'msgspec'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    command = [sys.executable, "-c", program, "ingest", str(logs), "--owner", "asha"]
    quick = subprocess.run(command, env=_environment(home), capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert (quick.returncode, quick.stdout, quick.stderr) == (0, "Nothing new.\n", "")
    told = json.loads(_process(home, "ingest", str(logs), "--owner=asha", "--json").stdout)
    assert told == {"schema_version": 1, "status": "nothing new"}


def test_ingest_of_a_path_that_is_not_there_is_wrong_use(her: Her) -> None:
    refused = her("ingest", "/not/there")
    assert refused.returncode == 2
    assert "no such file or folder" in refused.stderr


def test_ingest_reads_logs_and_then_one_more_line(tmp_path: Path) -> None:
    _write_logs(tmp_path / "logs")
    home = tmp_path / "her"
    first = json.loads(_process(home, "ingest", str(tmp_path / "logs"), "--json").stdout)
    assert (first["schema_version"], first["sources"][0]["lines_count"]) == (1, 6)
    assert f"{home.stat().st_mode & 0o777:o}" == "700"
    file = next((tmp_path / "logs").rglob(f"{SESSION}.jsonl"))
    line = _line("assistant", 9, _answer(9, "claude-sonnet-4-5-20250929", [{"type": "text", "text": "Still hot."}]))
    with file.open("a") as more:
        more.write(json.dumps(line) + "\n")
    second = json.loads(_process(home, "ingest", str(tmp_path / "logs"), "--json").stdout)
    assert second["sources"][0]["lines_count"] == 1
    assert _process(home, "sql", "select count(*) as n from requests", "--format", "csv").stdout == '"n"\n4\n'


# -- status, report -------------------------------------------------------------------------------------------------


def test_status_counts_what_is_in_the_lake(her: Her) -> None:
    told = json.loads(her("status", "--json").stdout)
    assert told["schema_version"] == 1
    counted = {name: told[name] for name in ("files_count", "lines_count", "refused_count", "sessions_count")}
    assert counted == {"files_count": 2, "lines_count": 6, "refused_count": 1, "sessions_count": 2}
    assert (told["requests_count"], told["unpriced_requests_count"]) == (3, 1)
    assert [source["source_id"].partition("@")[0] for source in told["sources"]] == ["asha"]
    drawn = her("status")
    assert (drawn.returncode, drawn.stderr) == (0, "")
    assert "6, and 1 refused" in drawn.stdout


# Sonnet 4.5, per million: 3.00 input, 3.75 write, 0.30 read, 15.00 output. Two requests of 10 + 200 + 3,000 + 40:
# 2 x (0.00003 + 0.00075 + 0.0009 + 0.0006) = 0.00456
BILLED = "0.004560000000"


@pytest.mark.parametrize(
    ("by", "first"),
    [
        ("day", {"day_on": "2026-03-01"}),
        ("project", {"project": "kettle"}),
        ("owner", {"owner": "asha"}),
        ("model", {"model": "claude-sonnet-4-5-20250929"}),
        ("session", {"session": SESSION, "project": "kettle"}),
    ],
)
def test_report_adds_up_by(her: Her, by: str, first: dict[str, str]) -> None:
    told = json.loads(her("report", "--by", by, "--json").stdout)
    assert (told["schema_version"], told["by"]) == (1, by)
    assert first.items() <= told["rows"][0].items()
    assert told["rows"][0]["billed_usd"] == BILLED
    assert told["total"]["billed_usd"] == BILLED
    assert told["total"]["requests_count"] == sum(row["requests_count"] for row in told["rows"]) == 3


def test_report_by_tool_counts_calls(her: Her) -> None:
    (row,) = json.loads(her("report", "--by", "tool", "--json").stdout)["rows"]
    assert (row["tool"], row["calls_count"], row["errors_count"]) == ("Bash", 1, 0)
    assert row["requesting_usd"] == "0.002280000000"


def test_report_keeps_to_its_scope(her: Her) -> None:
    def requests(*options: str) -> int:
        count: int = json.loads(her("report", "--json", *options).stdout)["total"]["requests_count"]
        return count

    assert requests("--since", "2026-03-01", "--until", "2026-03-01") == 3
    assert requests("--since", "2026-03-02") == 0
    assert requests("--until", "2026-02-28") == 0
    assert requests("--model", "nobody-knows-1") == 1
    assert requests("--project", "kettle") == 3


@pytest.mark.parametrize("options", [(), ("--waste",)])
def test_report_on_somebody_who_is_not_there_says_so_rather_than_that_nothing_was_billed(
    her: Her, options: tuple[str, ...]
) -> None:
    told = her("report", *options, "--owner", "nobody")
    assert (told.returncode, told.stdout) == (1, "")
    assert "There is no person 'nobody' in the lake. Who is there: her report --by owner" in told.stderr


def test_report_of_a_time_without_bills_says_so_rather_than_that_there_is_no_price(her: Her) -> None:
    told = her("report", "--since", "2026-03-02")
    assert told.stdout == "Nothing was billed in what was asked for. All there is: her report\n"
    assert told.returncode == 0


def test_report_writes_every_form(her: Her, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert her("report", "--by", "session", "--html", "--out", str(page)).returncode == 0
    assert "<script" not in page.read_text()
    assert "Make tea" in page.read_text()
    markdown = her("report", "--by", "model", "--md").stdout
    assert "| nobody-knows-1 |" in markdown
    assert "no price" in markdown
    rows = list(csv.DictReader(io.StringIO(her("report", "--by", "model", "--csv").stdout)))
    assert [(row["model"], row["requests_count"]) for row in rows] == [
        ("claude-sonnet-4-5-20250929", "2"),
        ("nobody-knows-1", "1"),
    ]
    assert "kettle" in her("report", "--by", "project").stdout
    assert her("report", "--md", "--csv").returncode == 2


def test_report_on_waste_writes_every_form_and_its_parts_are_the_bill(her: Her, tmp_path: Path) -> None:
    told = json.loads(her("report", "--waste", "--everyone", "--json").stdout)
    billed = _sql(her, "select sum(billed_usd) as usd from requests")[0]["usd"]
    assert sum(Decimal(part["usd"]) for part in told["bill"]) == Decimal(billed) == Decimal(told["billed_usd"])
    drawn = her("report", "--waste", "--everyone").stdout
    assert "Method and limits" in drawn
    assert "No named pattern fires" in drawn
    page = tmp_path / "waste.html"
    assert her("report", "--waste", "--everyone", "--html", "--out", str(page)).returncode == 0
    assert page.read_text(encoding="utf-8").count("<svg") == 2  # the bill, and the misses that are its waste
    assert her("report", "--waste", "--everyone", "--md").stdout.startswith("# Cost optimisation")
    rows = list(csv.DictReader(io.StringIO(her("report", "--waste", "--everyone", "--csv").stdout)))
    assert sum(Decimal(row["usd"]) for row in rows if row["section"] == "bill") == Decimal(billed)


@pytest.mark.parametrize("options", [("--by", "model"), ("--waste", "--everyone")])
def test_a_files_name_says_which_form_is_meant_and_an_option_says_it_before(
    her: Her, tmp_path: Path, options: tuple[str, ...]
) -> None:
    begins = {
        "html": "<!doctype html>",
        "csv": '"section"' if "--waste" in options else '"model"',
        "json": "{",
        "txt": "#",
    }
    for ending, beginning in begins.items():
        page = tmp_path / f"report.{ending}"
        assert her("report", *options, "--out", str(page)).returncode == 0
        assert page.read_text(encoding="utf-8").lower().startswith(beginning), ending
    assert her("report", *options, "--md", "--out", str(tmp_path / "other.html")).returncode == 0
    assert (tmp_path / "other.html").read_text(encoding="utf-8").startswith("#")


def test_compare_writes_every_form(her: Her, tmp_path: Path) -> None:
    ids = [row["session_id"] for row in _sql(her, "select session_id from session_comparison order by 1")]
    told = json.loads(her("compare", ids[0], ids[1], "--json").stdout)
    # One of the two has a model without a price: what it cost is not known, and nothing is divided.
    assert told["difference_usd"] is None
    assert not any(told["steps"].values())
    groups = json.loads(her("compare", f"session={ids[0]}", f"session={ids[1]}", "--json").stdout)
    assert {one["verdict"] for one in groups["measures"]} == {"too few sessions"}
    page = tmp_path / "compared.html"
    assert her("compare", f"session={ids[0]}", f"session={ids[1]}", "--html", "--out", str(page)).returncode == 0
    assert "Sessions are not assigned by lot." in page.read_text()
    assert "# Two sessions" in her("compare", ids[0], ids[1], "--md").stdout
    assert "Where the difference comes from" in her("compare", ids[0], ids[1]).stdout


def test_compare_says_why_it_cannot(her: Her) -> None:
    mixed = her("compare", "person=asha", "nothing")
    assert (mixed.returncode, "Write session=ID for a group of one." in mixed.stderr) == (1, True)
    empty = her("compare", "person=asha", "person=nobody")
    assert (empty.returncode, "No session is in B (person nobody)." in empty.stderr) == (1, True)
    assert her("compare", "person=asha", "person=asha", "--md", "--html").returncode == 2


def test_everyone_goes_with_the_report_on_waste_only(her: Her) -> None:
    done = her("report", "--everyone")
    assert (done.returncode, "--everyone goes with --waste" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ("report", "--since", "2026-03-02", "--until", "2026-03-01"),
            1,
            "No day lies between 2026-03-02 and 2026-03-01",
        ),
        (("report", "--waste", "--project", "nothing"), 1, "There is no project 'nothing'"),
        (("report", "--model", "claude-nope"), 1, "There is no model 'claude-nope' in the lake"),
        (("report", "--waste", "--model", "claude-nope"), 1, "Which are there: her report --by model"),
        (("advice", "--project", "nothing"), 1, "There is no project 'nothing'"),
        (("advice", "--since", "2026-03-02", "--until", "2026-03-01"), 1, "No day lies between"),
        (("report", "--waste", "--by", "tool"), 2, "--by does not go with --waste"),
    ],
)
def test_what_no_session_can_answer_is_refused(her: Her, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = her(*arguments)
    assert done.returncode == code
    assert said in " ".join(done.stderr.split())


def test_advice_is_silent_without_a_pattern_and_notes_changes(her: Her, home: Path) -> None:
    assert "No named pattern fires" in her("advice", "--everyone").stdout
    told = her("advice", "--everyone", "--done", "use-what-was-read", "--on", "2026-03-01", "--json")
    (change,) = json.loads(told.stdout)["changes"]
    assert (change["name"], change["made_on"], change["verdict"]) == (
        "use-what-was-read",
        "2026-03-01",
        "not yet enough data",
    )
    assert json.loads(her("advice", "--undone", "use-what-was-read", "--json").stdout)["changes"] == []
    assert her("advice", "--undone", "use-what-was-read").returncode == 1
    unknown = her("advice", "--done", "pray")
    assert (unknown.returncode, "There is no advice named 'pray'" in unknown.stderr) == (1, True)


def test_text_from_a_transcript_cannot_act_on_the_terminal(her: Her) -> None:
    for arguments in (["report", "--by", "session"], ["sql", "select prompt from turns"]):
        assert "\x1b" not in her(*arguments).stdout


def test_wrong_day_is_wrong_use(her: Her) -> None:
    refused = her("report", "--since", "March")
    assert refused.returncode == 2
    assert "is not a day" in refused.stderr


# -- export ---------------------------------------------------------------------------------------------------------


def test_export_as_jsonl_gives_the_lines_without_the_secret(her: Her) -> None:
    lines = her("export", "aaaaaaaa", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["user", "assistant", "user", "assistant"]
    assert SECRET not in "".join(lines)
    assert "[redacted:" in lines[0]


def test_export_as_a_document_shows_turns_and_escapes_them(her: Her) -> None:
    page = her("export", SESSION, "--format", "html").stdout
    assert "It boils." in page
    assert "\\u0026lt;/pre\\u0026gt;" in page  # escaped as HTML, and again so that no text ends the element it is in
    assert "<b>now" not in page
    document = her("export", SESSION, "--format", "md").stdout
    assert "## Turn 1" in document
    assert "````\n```\nhot </pre> water\n```\n````" in document
    assert SECRET not in page + document


def test_export_as_rows_sums_to_the_bill(her: Her, tmp_path: Path) -> None:
    file = tmp_path / "session.parquet"
    assert her("export", SESSION, "--format", "parquet", "--out", str(file)).returncode == 0
    billed = [value for value in pa_parquet.read_table(file)["billed_usd"].to_pylist() if value is not None]
    assert f"{sum(billed):.12f}" == BILLED
    rows = list(csv.DictReader(io.StringIO(her("export", SESSION, "--format", "csv").stdout)))
    assert [row["kind"] for row in rows] == ["prompt", "tool_call", "tool_result", "text"]
    assert rows[3]["text"] == "It boils."


def test_export_of_an_unclear_session_says_which_there_are(her: Her) -> None:
    unclear, none = her("export", "aaaa", "--format", "md"), her("export", "zzz", "--format", "md")
    assert (unclear.returncode, none.returncode) == (1, 1)
    assert "2 sessions begin with 'aaaa'" in unclear.stderr
    assert "No session begins with 'zzz'" in none.stderr


# -- sql ------------------------------------------------------------------------------------------------------------


def test_sql_writes_every_form(her: Her, tmp_path: Path) -> None:
    query = "select count(*) as requests, sum(output_tokens) as output from requests"
    assert _sql(her, query) == [{"requests": 3, "output": 120}]
    assert her("sql", "-", "--format", "csv", stdin=query).stdout == '"requests","output"\n3,120\n'
    assert json.loads(her("sql", query, "--json").stdout)["schema_version"] == 1
    assert her("sql", query, "--format", "parquet", "--out", str(tmp_path / "a.parquet")).returncode == 0
    assert pa_parquet.read_table(tmp_path / "a.parquet").to_pylist() == [{"requests": 3, "output": 120}]
    assert "120" in her("sql", query).stdout


def test_sql_says_when_rows_were_left_out(her: Her) -> None:
    cut = her("sql", "select * from range(1500)")
    assert "Only the first 1,000 rows" in cut.stderr
    assert her("sql", "select * from range(1500)", "--format", "csv").stdout.count("\n") == 1501
    assert her("sql", "select * from range(1500)", "--format", "csv", "--limit", "2").stdout.count("\n") == 3


@pytest.mark.parametrize(
    "query",
    ["drop table requests", "select 1; drop table requests", "select * from read_text('/etc/hostname')", "selec"],
)
def test_sql_that_does_more_than_read_is_refused_in_one_message(her: Her, query: str) -> None:
    refused = her("sql", query)
    assert refused.returncode == 1
    assert refused.stderr.startswith("her: ")
    assert "Traceback" not in refused.stderr


# -- doctor, and what goes wrong ------------------------------------------------------------------------------------


def test_doctor_names_what_is_wrong_and_the_remedy(her: Her) -> None:
    told = json.loads(her("doctor", "--json").stdout)
    found = {finding["name"]: finding for finding in told["findings"]}
    assert found["refused lines"]["level"] == "warning"
    assert "'nobody-knows-1' has no price" in found["prices"]["found"]
    assert found["lake"]["level"] == "ok"


def test_doctor_finds_a_key_that_others_can_read(home: Path, her: Her) -> None:
    key = home / "redaction.key"
    key.chmod(0o644)
    try:
        told = her("doctor")
    finally:
        key.chmod(0o600)
    assert told.returncode == 1
    assert f"chmod 600 {key}" in told.stdout


def test_doctor_adds_up_every_session(her: Her) -> None:
    told = json.loads(her("doctor", "--reconcile", "--json").stdout)
    assert told["is_ok"]
    assert told["total"]["lanes_difference_usd"] == "0.000000000000"
    assert [row["is_reconciled"] for row in told["sessions"]] == [True, True]
    drawn = her("doctor", "--reconcile")
    assert drawn.returncode == 0
    assert "All 2 sessions add up to their bill" in drawn.stdout


def test_doctor_finds_a_config_that_is_no_toml(empty: Path, her_in: Callable[..., Done]) -> None:
    empty.mkdir()
    (empty / "config.toml").write_text("sources = [")
    told = her_in(empty, "doctor")
    assert told.returncode == 1
    assert "is not TOML" in told.stdout
    assert "is not TOML" in her_in(empty, "status").stderr


# -- a lake that an older version wrote


READING = {
    "status": ["status"],
    "report": ["report", "--json"],
    "sql": ["sql", "select 1"],
    "advice": ["advice", "--json"],
    "compare": ["compare", SESSION, OTHER_SESSION, "--json"],
    "export": ["export", SESSION, "--format", "md"],
    "search": ["search", "tea", "--json"],
    "ask": ["ask", "which turn was the most expensive?", "--json"],
    "audit": ["audit", "--json"],
}


def _old(home: Path, logs: Path, *changes: str) -> Path:
    """Return a home whose lake is as an older version left it."""
    config = replace(load_config(home), sources=())
    ingest(config, [logs], "asha")
    with open_lake(config) as lake:
        for change in (*changes, "update lake.ingest_runs set marts_version = 'of another time'"):
            lake.con.execute(change)
    return home


@pytest.fixture(scope="module")
def lacking(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _old(tmp_path_factory.mktemp("lacking") / "her", logs, "alter table lake.sessions drop column waste_usd")


@pytest.fixture(scope="module")
def outdated(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _old(tmp_path_factory.mktemp("outdated") / "her", logs)


@pytest.mark.parametrize("command", READING)
def test_every_command_says_that_an_older_version_wrote_the_lake(
    lacking: Path, her_in: Callable[..., Done], command: str
) -> None:
    told = her_in(lacking, *READING[command])
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr == (
        "her: An older version of Her wrote this lake: a table or a column that this one asks for is not there yet."
        " Bring it up to date: her ingest\n"
    )


@pytest.mark.parametrize("command", READING)
def test_every_command_says_beside_figures_of_an_older_version_that_they_are(
    outdated: Path, her: Her, her_in: Callable[..., Done], logs: Path, command: str
) -> None:
    told = her_in(outdated, *READING[command])
    assert told.returncode == 0
    assert told.stderr.startswith("her: The figures of asha@")
    assert (
        "were counted by an older version of Her, at other prices or in another time zone."
        f" Bring them up to date: her ingest {logs} --owner asha"
    ) in told.stderr
    assert "older version" not in her(*READING[command]).stderr


def test_doctor_names_an_old_lake_and_an_ingest_brings_it_up_to_date(
    logs: Path, tmp_path: Path, her_in: Callable[..., Done]
) -> None:
    home = _old(tmp_path / "her", logs, "alter table lake.sessions drop column waste_usd")
    assert "An older version of Her wrote this lake" in her_in(home, "doctor").stdout
    ingest(load_config(home), [logs], "asha")
    told = her_in(home, "report")
    assert (told.returncode, "older version" in told.stderr) == (0, False)
    with open_lake(load_config(home), read_only=True) as lake:
        assert lake.missing() == []
        assert lake.outdated_account() is None


@pytest.mark.parametrize("command", [["status"], ["report"], ["sql", "select 1"], ["export", "a", "--format", "md"]])
def test_without_a_lake_each_command_says_how_to_make_one(
    empty: Path, her_in: Callable[..., Done], command: list[str]
) -> None:
    told = her_in(empty, *command)
    assert told.returncode == 1
    assert told.stderr == f"her: There is no lake in {empty} yet. Make one: her ingest (or her up)\n"


def test_up_without_logs_offers_the_demo(empty: Path, her_in: Callable[..., Done]) -> None:
    told = her_in(empty, "up")
    assert told.returncode == 1
    assert f"No Claude Code logs found in {empty.parent / '.claude' / 'projects'}" in told.stderr
    assert "her up --demo" in told.stderr
    assert not empty.exists()


def test_what_was_not_foreseen_leaves_one_line_and_a_log_without_transcript(
    empty: Path, her_in: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ValueError("words of a transcript")

    monkeypatch.setattr(cli, "load_config", broken)
    failed = her_in(empty, "status")
    assert failed.returncode == 1
    assert len(failed.stderr.splitlines()) == 1
    (log,) = (empty / "logs").glob("error-*.log")
    assert str(log) in failed.stderr
    assert "in broken" in log.read_text()
    assert "words of a transcript" not in failed.stderr
    assert log.read_text().endswith("ValueError: (message left out)\n")


@pytest.mark.parametrize(("number", "remedy"), [(errno.ENOSPC, "Make room"), (errno.EACCES, "Give yourself the right")])
def test_what_the_machine_refuses_is_explained(
    empty: Path, her_in: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def refused() -> None:
        raise OSError(number, os.strerror(number), "/mnt/full/catalog.sqlite")

    monkeypatch.setattr(cli, "load_config", refused)
    told = her_in(empty, "status")
    assert told.returncode == 1
    assert f"{os.strerror(number)} (/mnt/full/catalog.sqlite). {remedy}" in told.stderr
    assert not (empty / "logs").exists()


def test_each_kind_of_failure_has_its_exit_code(
    empty: Path, her_in: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    def code_of(error: BaseException) -> int:
        def fail() -> None:
            raise error

        monkeypatch.setattr(cli, "load_config", fail)
        return her_in(empty, "status").returncode

    assert code_of(ConfigError("no")) == 1
    assert code_of(LakeBusy("busy")) == 3
    assert code_of(KeyboardInterrupt()) == 130
    assert her_in(empty, "status", "--no-such-option").returncode == 2


def test_table_is_not_written_to_a_file(her: Her, tmp_path: Path) -> None:
    refused = her("sql", "select 1", "--out", str(tmp_path / "a"))
    assert (refused.returncode, (tmp_path / "a").exists()) == (2, False)


def test_reader_does_not_wait_for_a_writer(home: Path, her: Her) -> None:
    with writer_lock(load_config(home)):
        assert her("status").returncode == 0
        assert "an ingest runs now" in her("doctor").stdout


def test_every_command_has_help_with_examples(her: Her) -> None:
    for command in ("up", "ingest", "status", "doctor", "report", "export", "sql", "dagster"):
        told = her(command, "--help")
        assert told.returncode == 0
        assert f"her {command}" in told.stdout.split("Examples:")[1]


# -- up -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield int(held.getsockname()[1])


def test_up_refuses_a_port_that_is_taken(her: Her, taken_port: int) -> None:
    told = her("up", "--port", str(taken_port))
    assert told.returncode == 1
    assert f"Port {taken_port} is taken" in told.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_serves_on_this_machine_and_ends_with_all_its_children(
    home: Path, logs: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "app", "up", str(logs), "--no-browser"]
    with subprocess.Popen(command, env=_environment(home), stdout=subprocess.PIPE, text=True) as served:
        assert served.stdout
        try:
            first = served.stdout.readline()
            address = first.split()[3]
            assert address.startswith("http://127.0.0.1:")
            with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as page:
                assert page.status == 200
        finally:
            served.send_signal(number)
        assert served.wait(timeout=PATIENCE_SECONDS) == 0
    port = int(address.rpartition(":")[2])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
    pytest.fail(f"something still listens on {port}")
