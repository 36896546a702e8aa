"""The lake: one transaction per shard, readers that see whole states, maintenance that changes nothing."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import duckdb
import pytest

from her_models import checks, ingest, lake
from her_models.config import Config
from her_models.contracts import TABLES
from her_models.errors import LakeError, PublishRefused
from her_models.lake import literal, open_lake
from tests.lakes import config_of, differences, ingested, row, rows, same_key
from tests.logs import answer, append, prompt, write


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two sessions; the second is a resume of the first, whose response it copies."""
    folder = tmp_path / "logs" / "projects" / "-shop"
    write(folder / "one.jsonl", prompt("one", "u1", 1), answer("one", "u2", 2, "m1"))
    write(
        folder / "two.jsonl",
        prompt("two", "v1", 1),
        answer("two", "v2", 2, "m1"),
        prompt("two", "v3", 9, "and the shelf"),
        answer("two", "v4", 10, "m2", output=50),
    )
    return tmp_path / "logs"


def test_a_literal_keeps_quotes_and_kinds():
    assert literal("it's") == "'it''s'"
    assert literal(None) == "null"
    assert literal(True) == "true"
    assert literal(["a", 1]) == "['a', 1]"
    with pytest.raises(TypeError, match="object has no SQL literal"):
        literal(object())


def test_every_table_of_the_contract_is_there_after_the_first_opening(tmp_path):
    with open_lake(Config(home=tmp_path)) as opened:
        found = {name for (name,) in opened.con.execute("select table_name from information_schema.tables").fetchall()}
    assert set(TABLES) <= found


def test_a_lake_made_before_a_column_existed_grows_it(tmp_path):
    config = Config(home=tmp_path)
    with open_lake(config) as opened:
        opened.con.execute("alter table sources drop column host")
    with open_lake(config) as opened:
        assert opened.con.execute("select host from sources").fetchall() == []


def test_reading_where_there_is_no_lake_says_what_to_do(tmp_path):
    with pytest.raises(LakeError, match="Run: her ingest"):
        open_lake(Config(home=tmp_path), read_only=True)


def test_a_shard_brings_its_lines_and_its_marts_in_one_snapshot(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    assert row(config, "select count(*) from lines") == (6,)
    assert rows(config, "select request_id, session_id, output_tokens, copies_count from requests order by 1") == [
        ("m1", "one", 20, 2),
        ("m2", "two", 50, 1),
    ]
    query = "select session_id, turns_count, requests_count, inherited_requests_count from sessions order by 1"
    assert rows(config, query) == [("one", 1, 1, 0), ("two", 1, 1, 1)]
    # 10 x 3 + 100 x 6 + 1,000 x 0.30 + 20 x 15 dollars per million
    assert row(config, "select cast(billed_usd as varchar) from sessions where session_id = 'one'") == (
        "0.001230000000",
    )


def test_a_text_that_two_sessions_hold_is_stored_once(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    assert row(config, "select count(*) from contents where text = 'mend the till'") == (1,)
    assert row(config, "select count(*) from block_lines where preview = 'mend the till'") == (2,)


def test_a_text_stays_stored_once_when_it_comes_again(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    append(logs / "projects/-shop/one.jsonl", prompt("one", "u3", 30), answer("one", "u4", 31, "m3"))
    ingest.ingest(config)
    assert row(config, "select count(*) from contents where text = 'mend the till'") == (1,)
    assert row(config, "select count(*) from requests") == (3,)


def test_large_shards_are_registered_where_workers_wrote_them(tmp_path, logs, monkeypatch):
    monkeypatch.setattr(lake, "INLINED_ROWS", 0)
    large = ingested(tmp_path / "large", logs)
    assert list((tmp_path / "large" / "lake" / "staged").rglob("*.parquet"))
    monkeypatch.undo()
    same_key(tmp_path / "small", large.home)
    small = ingested(tmp_path / "small", logs)
    assert not list((tmp_path / "small" / "lake").rglob("lines*.parquet"))
    assert differences(large, small) == []


@pytest.mark.parametrize("inlined_rows", [0, 200])
def test_a_lake_that_was_moved_is_read_and_goes_on_where_it_is(tmp_path, logs, monkeypatch, inlined_rows):
    monkeypatch.setattr(lake, "INLINED_ROWS", inlined_rows)
    home = ingested(tmp_path / "before", logs).home
    moved = config_of(home.rename(tmp_path / "after"), logs)
    assert row(moved, "select count(*), count(raw) from lines") == (6, 6)
    append(logs / "projects" / "-shop" / "two.jsonl", answer("two", "v5", 11, "m3"))
    ingest.ingest(moved)
    assert differences(moved, _with_key_of(moved, tmp_path / "whole", logs)) == []


def _with_key_of(other: Config, home: Path, logs: Path) -> Config:
    same_key(home, other.home)
    return ingested(home, logs)


def test_a_catalog_that_was_moved_without_its_files_says_what_is_missing(tmp_path, logs):
    config = ingested(tmp_path / "before", logs)
    (tmp_path / "after").mkdir()
    config.catalog_path.rename(tmp_path / "after" / "catalog.sqlite")
    with pytest.raises(LakeError, match=r"was in .*before/lake/, and there is no .*after/lake/\. Move that folder"):
        rows(config_of(tmp_path / "after", logs), "from lines")


def test_what_comes_bit_by_bit_makes_the_lake_of_the_whole(tmp_path, logs):
    whole = ingested(tmp_path / "whole", logs)
    same_key(tmp_path / "bits", whole.home)
    bits = config_of(tmp_path / "bits", tmp_path / "growing")
    for source in sorted(logs.rglob("*.jsonl"), reverse=True):  # the copy comes before the original
        target = tmp_path / "growing" / source.relative_to(logs)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("")
        for line in source.read_text().splitlines(keepends=True):
            with target.open("a") as file:
                file.write(line)
            ingest.ingest(bits)
    assert differences(bits, whole) == []


def _refusing_check(tmp_path: Path) -> checks.Check:
    path = tmp_path / "no_fifty.sql"
    path.write_text(
        "-- no_fifty: fifty is not allowed.\n-- table: requests\n-- severity: critical\n-- reads: requests\n"
        "-- remedy: wait.\n\nselect concat('response ', request_id) as failing from requests where output_tokens = 50\n"
    )
    return checks.read_check(path)


def test_a_bad_shard_is_never_published(tmp_path, logs, monkeypatch):
    (logs / "projects/-shop/two.jsonl").rename(tmp_path / "two.jsonl")
    config = ingested(tmp_path / "home", logs)
    before = rows(config, "select * from sessions"), row(config, "select count(*) from lines")
    (tmp_path / "two.jsonl").rename(logs / "projects/-shop/two.jsonl")
    every = dict(checks.checks()) | {"no_fifty": _refusing_check(tmp_path)}
    monkeypatch.setattr(checks, "checks", lambda: every)
    with pytest.raises(PublishRefused, match=r"table requests: check no_fifty found 1 rows .* response m2"):
        ingest.ingest(config)
    assert (rows(config, "select * from sessions"), row(config, "select count(*) from lines")) == before
    assert list((tmp_path / "home" / "lake" / "staged").rglob("*.parquet")) == []
    monkeypatch.undo()
    ingest.ingest(config)
    assert row(config, "select count(*) from requests") == (2,)


def test_a_failed_warning_is_kept_and_stops_nothing(tmp_path, logs):
    with (logs / "projects/-shop/one.jsonl").open("a") as file:
        file.write("not json\n")
    config = ingested(tmp_path / "home", logs)
    query = "select is_ok, failing_count, severity from data_quality where check_name = 'lines_refused'"
    assert row(config, query) == (False, 1, "warning")


def test_a_rewritten_file_leaves_the_marts_and_stays_for_the_audit(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    write(logs / "projects/-shop/one.jsonl", prompt("one", "w1", 3, "start over"), answer("one", "w2", 4, "m9"))
    ingest.ingest(config)
    assert rows(config, "select request_id, session_id from requests order by 1") == [
        ("m1", "two"),
        ("m2", "two"),
        ("m9", "one"),
    ]
    assert row(config, "select count(*) from lines where uuid = 'u1'") == (1,)


def test_logs_that_are_deleted_stay_in_the_lake(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    (logs / "projects/-shop/one.jsonl").unlink()
    ingest.ingest(config)
    assert row(config, "select count(*) from sessions") == (2,)
    assert row(config, "select status from source_files where path like '%one.jsonl'") == ("gone",)


def test_another_time_zone_moves_the_days(tmp_path):
    write(tmp_path / "logs" / "a.jsonl", prompt("one", "u1", 1), answer("one", "u2", 2, "m1"))
    config = ingested(tmp_path / "home", tmp_path / "logs")
    assert row(config, "select cast(day_on as varchar) from daily_cost") == ("2026-01-05",)
    ingest.ingest(dataclasses.replace(config, time_zone="Pacific/Kiritimati"))  # 14 hours ahead
    assert row(config, "select cast(day_on as varchar) from daily_cost") == ("2026-01-06",)


@pytest.mark.parametrize("name", ["Etc/UTC", "Zulu", "Etc/Universal", "GMT", "Etc/GMT+0"])
def test_a_zone_under_another_name_leaves_the_lake_up_to_date(tmp_path, name):
    write(tmp_path / "logs" / "a.jsonl", prompt("one", "u1", 1))
    config = ingested(tmp_path / "home", tmp_path / "logs")
    assert config.time_zone == "UTC"
    with open_lake(dataclasses.replace(config, time_zone=name), read_only=True) as elsewhere:
        assert elsewhere.outdated_sources() == []


@pytest.mark.parametrize("name", ["Europe/London", "Africa/Abidjan", "Etc/GMT+1"])
def test_a_zone_whose_days_begin_at_other_hours_at_some_time_makes_it_outdated(tmp_path, name):
    """London has summer time; Abidjan was sixteen minutes off until 1912, and may be so again."""
    write(tmp_path / "logs" / "a.jsonl", prompt("one", "u1", 1))
    config = ingested(tmp_path / "home", tmp_path / "logs")
    with open_lake(dataclasses.replace(config, time_zone=name), read_only=True) as elsewhere:
        assert elsewhere.outdated_sources() == elsewhere.source_ids()


def test_sources_of_one_drop_folder_are_brought_up_to_date_by_one_command(tmp_path):
    people = ("ada@desk", "ben@box", "cleo@lap", "dora@desk")
    for name in people:
        write(tmp_path / "drop" / name / "projects/-shop" / f"{name}.jsonl", prompt(name, f"{name}-1", 1))
    write(tmp_path / "alone" / "eve@box" / "projects/-shop" / "eve.jsonl", prompt("eve", "e1", 1))
    config = Config(home=tmp_path / "home")
    ingest.ingest(config, [tmp_path / "drop"])
    ingest.ingest(config, [tmp_path / "alone"])
    with open_lake(config) as old:
        assert old.outdated_account() is None
        old.con.execute("update lake.ingest_runs set marts_version = 'of another time'")
        assert old.outdated_account() == (
            "The figures of 5 sources were counted by an older version of Her, at other prices or in another time zone."
            f" Bring them up to date: her ingest {tmp_path}/drop, then her ingest {tmp_path}/alone/eve@box"
        )


def test_readers_see_the_state_before_until_the_writer_commits(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    with open_lake(config) as writer:
        writer.con.execute("begin")
        writer.con.execute("delete from lake.requests")
        assert row(config, "select count(*) from requests") == (2,)
        writer.con.execute("commit")
    assert row(config, "select count(*) from requests") == (0,)


def test_a_reader_cannot_write(tmp_path, logs):
    config = ingested(tmp_path / "home", logs)
    with open_lake(config, read_only=True) as reader, pytest.raises(duckdb.Error, match="read-only"):
        reader.con.execute("delete from requests")


def test_maintenance_changes_files_and_no_rows(tmp_path, logs, monkeypatch):
    monkeypatch.setattr(lake, "INLINED_ROWS", 0)
    config = ingested(tmp_path / "home", logs)
    for number in range(3):
        append(logs / "projects/-shop/one.jsonl", answer("one", f"x{number}", 40 + number, f"n{number}"))
        ingest.ingest(config)
    before = {name: row(config, f"select count(*), bit_xor(hash(t)) from {name} t") for name in TABLES}
    report = ingest.maintain(config)
    assert report.files_after_count < report.files_before_count
    assert {name: row(config, f"select count(*), bit_xor(hash(t)) from {name} t") for name in TABLES} == before
    assert ingest.nothing_new(config)
    append(logs / "projects/-shop/one.jsonl", answer("one", "x9", 60, "n9"))
    ingest.ingest(config)
    assert row(config, "select count(*) from requests") == (6,)


def test_maintenance_deletes_what_no_snapshot_needs_any_more(tmp_path, logs, monkeypatch):
    monkeypatch.setattr(lake, "INLINED_ROWS", 0)
    config = ingested(tmp_path / "home", logs)
    append(logs / "projects/-shop/one.jsonl", answer("one", "x1", 40, "n1"))
    ingest.ingest(config)
    on_disk = len(list(config.lake_path.rglob("*.parquet")))
    with ingest.writer_lock(config), open_lake(config) as opened:
        opened.maintain(keep_snapshots_days=0, keep_files_days=0)
    assert len(list(config.lake_path.rglob("*.parquet"))) < on_disk
    assert row(config, "select count(*) from requests") == (3,)
    assert row(config, "select count(raw) from lines") == (7,)
