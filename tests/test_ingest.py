"""The ingest: one writer at a time, quick when nothing is new, nothing believed but the lake."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from her_models import ingest as ingesting
from her_models import lake, staging, warehouse
from her_models.config import Config, Source
from her_models.errors import LakeBusy, SourceError
from her_models.ingest import ingest, nothing_new, resolve_sources, writer_lock
from tests.lakes import config_of, differences, ingested, row, rows, same_key
from tests.logs import answer, append, prompt, write

ROOT = Path(__file__).parents[1]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write(tmp_path / "logs" / "one.jsonl", prompt("one", "u1", 1), answer("one", "u2", 2, "m1"))
    return tmp_path / "logs"


def test_what_was_ingested_is_not_new(tmp_path, logs):
    config = config_of(tmp_path / "home", logs)
    assert not nothing_new(config)
    assert ingest(config).is_changed
    assert nothing_new(config)
    assert not ingest(config).is_changed


def test_a_line_more_is_new_and_only_its_bytes_are_read(tmp_path, logs):
    append(logs / "one.jsonl", prompt("one", "u3", 3, "long " * 20_000))
    config = ingested(tmp_path / "home", logs)
    size = (logs / "one.jsonl").stat().st_size
    append(logs / "one.jsonl", answer("one", "u4", 4, "m2"))
    assert not nothing_new(config)
    report = ingest(config)
    assert report.total("lines_count") == 1
    assert report.total("requests_count") == 2
    # The new bytes, and two blocks of 4 KiB that show that those before are as they were.
    assert report.total("bytes_read") <= (logs / "one.jsonl").stat().st_size - size + 2 * 4096


def test_a_line_more_rebuilds_its_session_and_no_other(tmp_path, logs):
    write(logs / "two.jsonl", prompt("two", "v1", 1), answer("two", "v2", 2, "n1"))
    config = ingested(tmp_path / "home", logs)
    append(logs / "one.jsonl", answer("one", "u4", 4, "m2"))
    assert ingest(config).total("sessions_count") == 1
    counts = rows(config, "select session_id, requests_count from sessions order by all")
    assert counts == [("one", 2), ("two", 1)]


def test_a_run_without_news_imports_neither_database_nor_columns(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    program = (
        "import sys\n"
        "from her_models.config import Config, Source\n"
        "from her_models.ingest import ingest\n"
        "from pathlib import Path\n"
        "home, logs = map(Path, sys.argv[1:])\n"
        "report = ingest(Config(home=home, sources=(Source('dev', 'host', logs),)))\n"
        "heavy = {'duckdb', 'pyarrow', 'polars', 'pandas', 'numpy', 'dagster', 'msgspec'} & set(sys.modules)\n"
        "print(report.is_changed, sorted(heavy))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(config.home), str(logs)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False []"


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"snapshot_id": 1}', '{"snapshot_id": null, "sources": 3}'])
def test_a_sidecar_that_is_gone_or_broken_costs_time_and_nothing_else(tmp_path, logs, content):
    config = ingested(tmp_path / "home", logs)
    sidecar = config.home / "manifest.json"
    sidecar.unlink()
    if content is not None:
        sidecar.write_text(content)
    assert not nothing_new(config)
    assert not ingest(config).is_changed
    assert nothing_new(config)


def test_a_sidecar_of_another_snapshot_is_not_believed(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    sidecar = config.home / "manifest.json"
    data = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(data | {"snapshot_id": data["snapshot_id"] - 1}))
    assert not nothing_new(config)


def test_a_lake_that_was_deleted_is_made_again(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    for path in config.home.glob("catalog.sqlite*"):
        path.unlink()
    assert not nothing_new(config)
    assert ingest(config).is_changed
    assert row(config, "select count(*) from requests") == (1,)


def test_every_file_that_decides_what_the_marts_hold_is_among_the_settings():
    listed = {file for path in ingesting._SETTINGS for file in ([path] if path.is_file() else path.rglob("*.*"))}
    for step in warehouse.STEPS.values():
        assert set(step.path.parent.glob("*.py")) | set(step.path.parent.glob("*.toml")) <= listed
    assert set(warehouse.SQL_PATH.rglob("*.sql")) <= listed
    assert {warehouse.COMMANDS_PATH, warehouse.COMMANDS_PATH.with_name("shell.py")} <= listed


def test_code_of_another_version_is_news(tmp_path, logs, monkeypatch):
    config = ingested(tmp_path / "home", logs)
    code = tmp_path / "step.py"
    code.write_text("first")
    monkeypatch.setattr(ingesting, "_SETTINGS", (*ingesting._SETTINGS, code))
    assert not nothing_new(config)
    ingest(config)
    assert nothing_new(config)
    code.write_text("second version")
    assert not nothing_new(config)


def test_other_settings_are_news(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    assert not nothing_new(dataclasses.replace(config, time_zone="Asia/Kolkata"))


def test_two_runs_started_together_give_one_result(tmp_path, logs):
    config = config_of(tmp_path / "home", logs)
    told: list[str] = []
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(ingest(config, on_wait=told.append))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.is_changed for report in reports) == [False, True]
    assert row(config, "select count(*) from ingest_runs") == (1,)
    assert row(config, "select count(*) from lines") == (2,)


def test_the_second_writer_is_told_who_writes(tmp_path):
    config = Config(home=tmp_path)
    told: list[str] = []
    with (
        writer_lock(config),
        pytest.raises(LakeBusy, match=f"Process {os.getpid()} has been writing to the lake since"),
        writer_lock(config, on_wait=told.append, wait_seconds=0.2),
    ):
        pass
    assert len(told) == 1
    assert told[0].endswith("Waiting for it to end.")


def test_staged_files_of_a_run_that_was_killed_are_removed_by_the_next(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    leftover = config.lake_path / "staged" / "20260101T000000-dead" / "dev@host" / "lines-0.parquet"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half")
    append(logs / "one.jsonl", answer("one", "u3", 3, "m2"))
    ingest(config)
    assert not leftover.parent.parent.exists()


def test_two_folders_of_one_person_do_not_write_over_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(lake, "INLINED_ROWS", 0)
    write(tmp_path / "a/one.jsonl", prompt("one", "u1", 1), answer("one", "u2", 2, "m1"))
    write(tmp_path / "b/two.jsonl", prompt("two", "v1", 1), answer("two", "v2", 2, "m2"), answer("two", "v3", 3, "m3"))
    config = Config(home=tmp_path / "home")
    done = ingest(config, [tmp_path / "a", tmp_path / "b"], "dev")
    assert rows(config, "select request_id from requests order by 1") == [("m1",), ("m2",), ("m3",)]
    assert row(config, "select count(*), count(distinct file_id), count(raw) from lines") == (5, 2, 5)
    assert row(config, "select count(*), count(distinct run_id) from ingest_runs") == (2, 2)
    whole = ingesting.as_one(done.sources)
    assert (whole.lines_count, whole.is_changed, whole.snapshot_id) == (5, True, done.sources[1].snapshot_id)
    assert whole.path == f"{tmp_path / 'a'}, {tmp_path / 'b'}"


class _BadDisk:
    """A file of which the disk gives so many bytes, and then an error."""

    def __init__(self, file: Any, bytes_count: int) -> None:
        self._file, self._bytes_count = file, bytes_count
        self.fileno, self.seek = file.fileno, file.seek

    def read(self, size: int) -> bytes:
        left = self._bytes_count - self._file.tell()
        if left <= 0:
            raise OSError(errno.EIO, "Input/output error")
        data: bytes = self._file.read(min(size, left))
        return data


def test_a_disk_that_fails_within_a_log_costs_the_rest_of_that_log_until_it_is_mended(tmp_path, logs, monkeypatch):
    write(logs / "two.jsonl", prompt("two", "v1", 1), answer("two", "v2", 2, "m2"), answer("two", "v3", 3, "m3"))
    good = (logs / "two.jsonl").read_bytes()
    end_of_second = good.index(b"\n", good.index(b"\n") + 1) + 1
    begin = staging._FileReader.__init__

    def on_bad_disk(self, stager, read, state, file, tick):
        is_bad = state.path.endswith("two.jsonl")
        begin(self, stager, read, state, _BadDisk(file, end_of_second + 40) if is_bad else file, tick)

    monkeypatch.setattr(staging._FileReader, "__init__", on_bad_disk)
    config = config_of(tmp_path / "home", logs)
    ingest(config)
    files = "select path, status, lines_count from source_files order by path"
    assert rows(config, files) == [("one.jsonl", "ok", 2), ("two.jsonl", "unreadable", 2)]
    assert rows(config, "select request_id from requests order by 1") == [("m1",), ("m2",)]
    failed = "select check_name from data_quality where failing_count > 0"
    assert ("files_readable",) in rows(config, failed)
    assert not nothing_new(config)
    monkeypatch.undo()
    ingest(config)
    assert rows(config, files) == [("one.jsonl", "ok", 2), ("two.jsonl", "ok", 3)]
    assert row(config, "select count(*) from requests") == (3,)


def test_people_do_not_share_message_ids(tmp_path, logs):
    """The same id under two owners is two responses: sources never meet below the rollups."""
    other = tmp_path / "theirs"
    write(other / "one.jsonl", prompt("one", "u1", 1), answer("one", "u2", 2, "m1"))
    config = Config(home=tmp_path / "home", sources=(Source("ann", "x", logs), Source("bob", "y", other)))
    report = ingest(config)
    assert [source.source_id for source in report.sources] == ["ann@x", "bob@y"]
    assert row(config, "select count(*), count(distinct source_id) from requests") == (2, 2)


def test_a_path_given_by_hand_keeps_the_name_that_the_configuration_gives_it(tmp_path, logs):
    config = Config(home=tmp_path / "home", sources=(Source("ann", "x", logs),))
    assert resolve_sources(config, [logs]) == [Source("ann", "x", logs)]


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems hold no name that is not UTF-8")
def test_a_file_whose_name_is_no_text_is_read_like_any_other(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path / "logs") + b"/caf\xe9"))
    log = write(folder / os.fsdecode(b"\xff.jsonl"), prompt("one", "u1", 1))
    config = ingested(tmp_path / "home", folder)
    append(log, answer("one", "u2", 2, "m1"))
    assert not nothing_new(config)
    ingest(config)
    assert nothing_new(config)
    assert rows(config, "select path, status, lines_count from source_files") == [("\\xff.jsonl", "ok", 2)]
    assert rows(config, "select path like '%caf\\xe9' from sources") == [(True,)]
    log.unlink()
    ingest(config)
    assert rows(config, "select status from source_files") == [("gone",)]


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match="it does not exist"):
        ingest(Config(home=tmp_path / "home"), [tmp_path / "nowhere"])
    assert not (tmp_path / "home").exists()


def test_sources_in_any_order_make_the_same_lake(tmp_path, logs):
    write(tmp_path / "logs" / "two.jsonl", prompt("two", "v1", 5), answer("two", "v2", 6, "m1"))
    whole = ingested(tmp_path / "whole", logs)
    same_key(tmp_path / "pieces", whole.home)
    pieces = config_of(tmp_path / "pieces", logs)
    (logs / "one.jsonl").rename(tmp_path / "kept.jsonl")
    ingest(pieces)
    (tmp_path / "kept.jsonl").rename(logs / "one.jsonl")
    ingest(pieces)
    assert differences(pieces, whole) == []
