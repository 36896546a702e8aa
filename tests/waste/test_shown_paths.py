"""Reports over several people tell files without the names of those whose home folders they lie in."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from her_models import evidence, shown_paths
from her_models.config import Config
from her_models.contracts import TABLES
from her_models.documents import as_html, as_markdown
from her_models.errors import QueryError
from her_models.reports import Scope
from her_models.waste_report import pages, questions, records
from tests.test_reports import fill

WHEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
FOLDERS = {"ada": "/home/ada/shop", "bob": "/Users/bob/work/shop", "eve": "C:\\Users\\eve\\shop"}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Three people who each read one file of the same project again, and a plan in their home folder."""
    with duckdb.connect() as connection:
        for table in TABLES.values():
            connection.execute(table.ddl())
        for owner, folder in FOLDERS.items():
            whose = {"source_id": f"{owner}@desk", "session_id": "s", "owner": owner, "project": "shop"}
            fill(connection, "sessions", whose | {"project_path": folder, "started_at": WHEN, "ended_at": WHEN})
            paths = (f"{folder}/src/a.py", f"{'/'.join(folder.replace(chr(92), '/').split('/')[:3])}/.claude/plan.md")
            for number, path in enumerate(paths):
                found = {"finding_index": number, "label": "C5", "kind": "C5.reread", "confidence": "estimated"}
                found |= {"path": path, "started_at": WHEN, "waste_usd": 1.0, "low_usd": 1.0, "high_usd": 1.0}
                fill(connection, "waste", whose | found)
            said = {"request_id": "r", "label": "C5", "content_usd": 2.0, "output_tokens": 1}
            fill(connection, "request_labels", {"source_id": f"{owner}@desk", "session_id": "s"} | said)
            fill(connection, "requests", whose | {"request_id": "r", "started_at": WHEN, "billed_usd": 2.0})
        yield connection


@pytest.mark.parametrize(
    ("path", "folder", "shown"),
    [
        ("/home/ada/shop/src/a.py", "/home/ada/shop", "shop/src/a.py"),
        ("/home/ada/shopping/a.py", "/home/ada/shop", "~/shopping/a.py"),
        ("c:\\Users\\Eve\\shop\\a.py", "C:\\Users\\Eve\\shop\\", "shop/a.py"),
        ("/home/ada/a.py", "/home", "~/a.py"),
        ("/home/ada/a.py", "/home/ada", "~/a.py"),
        ("/home/ada/a.py", "/", "~/a.py"),
        ("/home/ada", None, "~"),
        ("/Volumes/homes/ada/a.py", None, "~/a.py"),
        ("/Volumes/Data/Users/ada/shop/a.py", "/Volumes/Data/Users/ada/shop", "shop/a.py"),
        ("/export/home/ada/a.py", None, "~/a.py"),
        ("/srv/home2/ada/a.py", None, "~/a.py"),
        ("/mnt/nas/homes/ada/a.py", None, "~/a.py"),
        ("/net/filer/home/ada/a.py", None, "~/a.py"),
        ("C:\\Users\\ada\\a.py", None, "~/a.py"),
        ("/cache/-Volumes-homes-ada-shop/1.output", None, "/cache/-Volumes-~-shop/1.output"),
        ("/srv/app/homes/a/views.py", None, "/srv/app/homes/a/views.py"),
        ("/mnt/c/Users/ada/a.py", None, "~/a.py"),
        ("\\\\wsl$\\Ubuntu\\home\\ada\\a.py", None, "~/a.py"),
        ("/cache/-Users-ada-shop/tasks/1.output", None, "/cache/-~-shop/tasks/1.output"),
        ("/Users/Shared/a.py", None, "/Users/Shared/a.py"),
        ("/srv/app/users/models.py", None, "/srv/app/users/models.py"),
        ("/srv/app/a.py", "/srv/app", "app/a.py"),
        (None, "/srv/app", None),
    ],
)
def test_a_path_is_told_from_its_projects_folder_on_else_with_a_tilde(
    con: duckdb.DuckDBPyConnection, path: str | None, folder: str | None, shown: str | None
) -> None:
    shown_paths.learn(con)
    given = {"path": path, "folder": folder}
    assert con.execute("select shown_path($path::varchar, $folder::varchar)", given).fetchone() == (shown,)


def test_one_file_of_several_people_is_one_row_and_names_nobody(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    config = Config(home=tmp_path)
    report = questions.waste_report(con, config, is_everyone=True, noted=())
    rows = {row["group_name"]: (row["findings_count"], row["waste_usd"]) for row in report.by_file.to_pylist()}
    assert rows == {"shop/src/a.py": (3, 3), "~/.claude/plan.md": (3, 3)}
    document = pages.document(report, date(2026, 3, 2))
    rest = [str(records.as_record(report)), str(records.as_rows(report).to_pylist())]
    for told in (as_html(document), as_markdown(document), *rest):
        assert "shop/src/a.py" in told
        assert not [owner for owner in FOLDERS if f"/{owner}" in told or f"\\{owner}" in told]


@pytest.mark.parametrize(
    ("shows_persons", "owners", "count"),
    [(True, (), 6), (True, ("ada", "bob"), 4), (False, ("ada",), 2), (False, (), 2)],
)
def test_whole_paths_stand_in_ones_own_report_and_where_persons_may_be_named(
    con: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shows_persons: bool,
    owners: tuple[str, ...],
    count: int,
) -> None:
    login_as(con, monkeypatch, "ada")
    config = replace(Config(home=tmp_path), shows_persons=shows_persons)
    report = questions.waste_report(con, config, Scope(owners=owners), is_everyone=True, noted=())
    assert report.by_file.num_rows == count
    is_named = shows_persons or owners == ("ada",)
    assert any("/home/ada" in row["path"] for row in report.findings.to_pylist()) is is_named


def in_the_home_folder(con: duckdb.DuckDBPyConnection) -> None:
    """Add, for each person, a session and a subagent in the home folder itself, both with the same overhead."""
    for owner, folder in FOLDERS.items():
        home = folder[: folder.index(owner) + len(owner)]
        whose = {"source_id": f"{owner}@desk", "session_id": "home", "owner": owner, "project": owner}
        fill(con, "sessions", whose | {"project_path": home, "started_at": WHEN, "ended_at": WHEN})
        money = {"waste_usd": 1.0, "low_usd": 1.0, "high_usd": 1.0}
        found = {"finding_index": 0, "label": "C5", "kind": "C5.reread", "confidence": "estimated", "started_at": WHEN}
        fill(con, "waste", whose | found | money | {"path": f"{home}/notes.md"})
        fill(con, "requests", whose | {"request_id": "h", "started_at": WHEN, "billed_usd": 1.0})
        said = {"request_id": "h", "label": "C5", "content_usd": 1.0, "output_tokens": 1}
        fill(con, "request_labels", {"source_id": f"{owner}@desk", "session_id": "home"} | said)
        for number, agent in enumerate((None, "agent")):
            overhead = {
                "block_index": number,
                "kind": "memory",
                "content_hash": "h",
                "size_tokens": 9,
                "agent_id": agent,
            }
            where = {"source_id": f"{owner}@desk", "session_id": "home"}
            fill(con, "blocks", where | overhead | {"lifetime_usd": 1.0, "path": f"{home}/CLAUDE.md"})


def test_a_project_that_is_a_home_folder_is_told_with_a_tilde_and_those_of_several_people_are_one(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    in_the_home_folder(con)
    report = questions.waste_report(con, Config(home=tmp_path), is_everyone=True, noted=())
    rows = {row["group_name"]: row["findings_count"] for row in report.by_project.to_pylist()}
    assert rows == {"shop": 6, "~": 3}
    assert {row["project"] for row in report.findings.to_pylist()} == {"shop", "~"}
    again = [(row["project"], row["sessions_count"]) for row in report.paid_again.to_pylist()]
    assert again == [("~", 3)]
    document = pages.document(report, date(2026, 3, 2))
    told = (
        as_html(document),
        as_markdown(document),
        *map(str, (records.as_record(report), records.as_rows(report).to_pylist())),
    )
    for text in told:
        assert [owner for owner in FOLDERS if re.search(rf"\b{owner}\b", text)] == []
    named = replace(Config(home=tmp_path), shows_persons=True)
    rows = {
        row["group_name"]
        for row in questions.waste_report(con, named, is_everyone=True, noted=()).by_project.to_pylist()
    }
    assert rows == {"shop", *FOLDERS}


@pytest.mark.parametrize(
    ("project", "folder", "owner", "shown"),
    [
        ("ada", "/home/ada", "a.l", "~"),
        ("eve", "C:\\Users\\eve\\", "e", "~"),
        ("ada", "/mnt/disk/ada", "Ada", "~"),
        ("shop", "/home/ada/shop", "ada", "shop"),
        ("shop", None, "ada", "shop"),
        (None, None, None, None),
    ],
)
def test_a_project_is_told_by_its_name_unless_that_is_its_owners(
    con: duckdb.DuckDBPyConnection, project: str | None, folder: str | None, owner: str | None, shown: str | None
) -> None:
    shown_paths.learn(con)
    query = "select shown_project($1::varchar, $2::varchar, $3::varchar)"
    assert con.execute(query, [project, folder, owner]).fetchone() == (shown,)


def test_both_sides_of_a_finding_tell_its_file_as_the_list_of_findings_does(con: duckdb.DuckDBPyConnection) -> None:
    in_the_home_folder(con)
    side = evidence.side(con, "ada@desk", "home", 0, names_persons=False)
    whole = evidence.side(con, "ada@desk", "home", 0)
    assert (side and side.path, whole and whole.path) == ("~/CLAUDE.md", "/home/ada/CLAUDE.md")


@pytest.mark.parametrize("owners", [("bob",), ("ada", "bob"), ("eve", "bob")])
def test_a_report_on_somebody_else_is_made_only_where_persons_may_be_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owners: tuple[str, ...]
) -> None:
    login_as(con, monkeypatch, "ada")
    config = Config(home=tmp_path)
    with pytest.raises(QueryError, match=r"of (eve, )?bob alone: config.toml does not allow .*take --everyone"):
        questions.waste_report(con, config, Scope(owners=owners), noted=())
    allowed = replace(config, shows_persons=True)
    assert questions.waste_report(con, allowed, Scope(owners=owners), noted=()).whose == ", ".join(owners)


def login_as(con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make one of the people whose sessions are in the lake the one who asks."""
    monkeypatch.setattr("getpass.getuser", lambda: name)
    fill(con, "sources", {"source_id": f"{name}@desk", "owner": name})


def test_a_command_in_somebodys_home_is_no_advice_to_a_team(con: duckdb.DuckDBPyConnection) -> None:
    assert shown_paths.names_home(con, "/home/ada/bin/deploy")
    assert not shown_paths.names_home(con, "git push")
    assert not shown_paths.names_home(con, "")
