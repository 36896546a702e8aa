"""A real lake audited: events, what is missing, files held against what was read, and a case that proves itself."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from her_models.audit import questions
from her_models.audit.case import CaseError, case_archive, check_case, write_case
from her_models.audit.questions import AuditFilter
from her_models.config import Config
from her_models.export import SessionKey
from her_models.lake import open_lake
from tests.lakes import ingested
from tests.logs import answer, append, prompt, write
from tests.search.conftest import result, tool

SECRET = "AKIA" + "IOSFODNN7EXAMPLX"


def write_logs(logs: Path) -> Path:
    return write(
        logs / "projects/shop/s1.jsonl",
        prompt("s1", "u1", 1, f"push it with {SECRET}"),
        tool("s1", "u2", 2, "Bash", {"command": "git push -f"}, "msg_1"),
        result("s1", "u3", 3, "u2", "The user doesn't want to proceed with this tool use.", failed=True),
        tool("s1", "u4", 4, "Bash", {"command": "rm -r /srv/data"}, "msg_2"),
        result("s1", "u5", 5, "u4", "gone"),
        answer("s1", "u6", 6, "msg_3", parentUuid="nobody"),
    )


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("audited")
    write_logs(folder / "logs")
    return ingested(folder / "home", folder / "logs")


def events(config: Config, where: AuditFilter | None = None) -> list[dict[str, Any]]:
    with open_lake(config, read_only=True) as lake:
        return questions.events(lake.con, where).to_pylist()


def test_risky_actions_come_with_their_outcome_newest_first(audited: Config) -> None:
    assert [(one["rule"], one["outcome"]) for one in events(audited)] == [
        ("deleted_outside_project", "succeeded"),
        ("pushed", "denied"),
        ("force_push", "denied"),
        ("redacted_aws-access-key-id", "succeeded"),
    ]


@pytest.mark.parametrize(
    ("where", "rules"),
    [
        (AuditFilter(classes=("deletion",)), ["deleted_outside_project"]),
        (AuditFilter(outcomes=("denied",), only_risks=True), ["force_push"]),
        (AuditFilter(text="SRV"), ["deleted_outside_project"]),
        (AuditFilter(session_ids=("s9",)), []),
    ],
)
def test_events_pass_filters(audited: Config, where: AuditFilter, rules: list[str]) -> None:
    assert [one["rule"] for one in events(audited, where)] == rules


def test_a_line_that_another_names_and_nobody_has_is_counted(audited: Config) -> None:
    with open_lake(audited, read_only=True) as lake:
        [row] = questions.completeness(lake.con).to_pylist()
    assert (row["lines_count"], row["missing_lines_count"], row["refused_count"]) == (6, 1, 0)


def checked(config: Config) -> Any:
    with open_lake(config, read_only=True) as lake:
        [check] = questions.check_files(lake.con, config)
    return check


def test_a_changed_byte_anywhere_shows(tmp_path: Path) -> None:
    path = write_logs(tmp_path / "logs")
    config = ingested(tmp_path / "home", tmp_path / "logs")
    assert (checked(config).state, checked(config).lines_count) == ("intact", 6)
    whole = path.read_bytes()
    for place in (whole.index(b"mend") if b"mend" in whole else 30, whole.index(SECRET.encode()) + 5, len(whole) - 10):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert (checked(config).state, checked(config).differing_count) == ("changed", 1)
    path.write_bytes(whole)
    append(path, prompt("s1", "u9", 9))
    assert checked(config).state == "grown"
    path.unlink()
    assert checked(config).state == "gone"


def test_no_plain_hash_is_given_of_a_file_that_held_a_secret(audited: Config) -> None:
    assert checked(audited).sha256 is None


def test_a_case_holds_the_log_without_secrets_and_verifies(audited: Config, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    with open_lake(audited, read_only=True) as lake:
        write_case(lake.con, audited, [SessionKey("dev@host", "s1")], folder)
        archive = case_archive(lake.con, audited, [SessionKey("dev@host", "s1")])
        with pytest.raises(CaseError, match="holds something already"):
            write_case(lake.con, audited, [SessionKey("dev@host", "s1")], folder)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names == [
        "README.md",
        "SHA256SUMS",
        "completeness.csv",
        "events.csv",
        "files.csv",
        "lines.csv",
        "log/dev-host-s1.jsonl",
        "rules.toml",
    ]
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert archive.startswith(b"PK")
    assert check_case(folder).is_whole
    assert subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True).returncode == 0


def test_a_case_that_was_tampered_with_says_where(audited: Config, tmp_path: Path) -> None:
    folder = tmp_path / "case"
    with open_lake(audited, read_only=True) as lake:
        write_case(lake.con, audited, [SessionKey("dev@host", "s1")], folder)
    (folder / "events.csv").write_text("nothing happened", encoding="utf-8")
    (folder / "lines.csv").unlink()
    (folder / "extra.txt").write_text("", encoding="utf-8")
    check = check_case(folder)
    assert (check.changed, check.missing, check.unlisted) == (("events.csv",), ("lines.csv",), ("extra.txt",))
    assert not check.is_whole


def test_a_folder_that_is_no_case_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="holds no SHA256SUMS"):
        check_case(tmp_path)
