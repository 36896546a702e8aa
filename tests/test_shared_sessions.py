"""Real, public sessions: the whole way counts them exactly, whatever the order and the pieces they come in."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from bench import labels
from her_models.config import Config
from her_models.evidence import side
from her_models.lake import open_lake
from her_models.waste.repeats import read_lines
from tests.lakes import SHARED, config_of, differences, ingest_again, ingested, row, rows, same_key

SESSIONS = SHARED / "sessions"
GROWTH = SESSIONS / "git-sync-growth"
TOTALS = (
    "select count(*), sum(uncached_input_tokens), sum(cache_write_5m_tokens + cache_write_1h_tokens), "
    "sum(cache_read_tokens), sum(output_tokens) from requests"
)
EXPECTED = (3_812, 380_193, 11_062_116, 268_254_746, 1_208_209)

pytestmark = pytest.mark.skipif(not SESSIONS.is_dir(), reason="needs the public sessions in ../shared/sessions")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A lake of all sessions, read as one source in one go."""
    return ingested(tmp_path_factory.mktemp("whole"), SESSIONS)


def _log_files(folder: Path) -> list[Path]:
    return sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())


def _copy(files: Iterable[Path], origin: Path, target: Path) -> None:
    for file in files:
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin / file, target / file)


def test_the_whole_folder_counts_what_the_api_billed(whole: Config):
    assert row(whole, TOTALS) == EXPECTED


def test_every_byte_of_every_file_is_accounted_for(whole: Config):
    not_consumed = "select path from source_files where status = 'ok' and consumed_bytes <> size_bytes"
    miscounted = """
        select path, lines_count, refused_count
        from source_files
        where is_current and (
            lines_count <> (select count(*) from lines where lines.file_id = source_files.file_id)
            or refused_count <> (select count(*) from refused_lines where refused_lines.file_id = source_files.file_id)
        )
    """
    assert rows(whole, miscounted) == []
    assert rows(whole, not_consumed) == []


def test_every_finding_that_was_judged_by_hand_is_made_by_the_rules_as_they_are(whole: Config):
    with open_lake(whole, read_only=True) as lake:
        made = {labels.identity(finding) for finding in labels.findings(lake.con)}
    judged = labels.counting(labels.read_labels())
    assert len(judged) >= labels.COUNT
    assert [finding for finding in judged if labels.identity(finding) not in made] == []


def test_the_readme_tells_what_of_these_sessions_is_waste(whole: Config):
    (billed, missed), *_ = rows(whole, "select sum(billed_usd), sum(cache_excess_usd) from requests")
    query = "select confidence, is_hint, string_agg(distinct kind, ' '), sum(waste_usd) from waste group by all"
    found = {(confidence, is_hint): (set(kinds.split()), usd) for confidence, is_hint, kinds, usd in rows(whole, query)}
    readme = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    table = dict(
        re.findall(r"^\| (?:\*\*)?(\w+).*? \| (?:\*\*)?([\d.]+(?:\*\*)? \| (?:\*\*)?[\d.]+) %", readme, re.MULTILINE)
    )

    def told(usd: Decimal) -> str:
        return f"{usd:.2f} | {usd / billed * 100:.1f}"

    shares = {name: said.replace("*", "") for name, said in table.items()}
    kinds, estimated = found["estimated", False]
    judged, heuristic = found["heuristic", False]
    assert set(found) == {(doubt, is_hint) for doubt in ("estimated", "heuristic") for is_hint in (True, False)}
    assert shares["estimated"] == told(estimated)
    assert shares["heuristic"] == told(heuristic)
    assert shares["missed"] == told(missed)
    assert shares["together"] == told(estimated + heuristic + missed)
    named = re.findall(r"^\| (estimated|heuristic) \((.*?)\):", readme, re.MULTILINE)
    for (_, listed), kinds_found in zip(named, (kinds, judged), strict=True):
        names = listed.split(", ")
        assert {
            kind for kind in kinds_found if not any(kind == name or kind.startswith(f"{name}.") for name in names)
        } == set()
        assert all(any(kind == name or kind.startswith(f"{name}.") for kind in kinds_found) for name in names)
    hints = sum(usd for (_, is_hint), (_, usd) in found.items() if is_hint)
    assert f"Hints would be another {hints:.2f} dollars ({hints / billed * 100:.1f} %)" in readme
    twice = len(labels.counting(labels.read_labels(labels.SECOND_READING)))
    assert f"{len(labels.counting(labels.read_labels()))} findings read by hand, {twice} of them twice" in readme


def test_lines_that_a_finding_says_stand_unchanged_do_so_and_no_other_line_shows_a_change(whole: Config):
    reads = rows(whole, "select * from waste where label in ('C5', 'C7', 'C8') and tool_name = 'Read'")
    columns = [name for name, *_ in rows(whole, "describe waste")]
    with open_lake(whole, read_only=True) as lake:
        for finding in (dict(zip(columns, read, strict=True)) for read in reads):
            later, earlier = (
                read_lines(found.text or "").by_number
                for place in (finding["block_index"], finding["evidence_block_index"])
                if (found := side(lake.con, finding["source_id"], finding["session_id"], place)) is not None
            )
            told = re.match(r"Lines? (.+?) stands? unchanged in ", finding["evidence"])
            assert told is not None
            stretches = [stretch.split("–") for stretch in re.split(", | and ", told[1])]
            claimed = [number for ends in stretches for number in range(int(ends[0]), int(ends[-1]) + 1)]
            assert (claimed[0], claimed[-1]) == (finding["first_line"], finding["last_line"])
            assert [later[number] for number in claimed] == [earlier[number] for number in claimed]
            assert [number for number in later if earlier.get(number, later[number]) != later[number]] == []
    assert len(reads) > 10


def test_every_line_of_every_log_is_kept_or_refused(whole: Config):
    known = dict(rows(whole, "select path, lines_count + blank_count from source_files where status = 'ok'"))
    refused = dict(
        rows(whole, "select path, count(*) from refused_lines join source_files using (file_id) group by path")
    )
    for path, count in known.items():
        if path not in refused:
            text = (SESSIONS / path).read_bytes()
            assert count == text.count(b"\n") + (not text.endswith(b"\n") and text != b""), path


def test_logs_of_other_tools_are_listed_and_cost_no_refused_lines(whole: Config):
    kinds = dict(
        rows(whole, "select apparent_kind, count(*) from source_files where status = 'unsupported' group by 1")
    )
    assert {"codex", "copilot", "stream-json"} <= set(kinds)
    refused = "select count(*) from refused_lines join source_files using (file_id) where status = 'unsupported'"
    assert row(whole, refused) == (0,)


def test_ingesting_again_changes_nothing(whole: Config):
    before = row(whole, "select max(snapshot_id) from ducklake_snapshots('lake')")
    report = ingest_again(whole)
    assert not report.is_changed
    assert row(whole, TOTALS) == EXPECTED
    assert row(whole, "select max(snapshot_id) from ducklake_snapshots('lake')") == before


def test_one_session_seen_at_three_moments_is_counted_once(tmp_path: Path):
    once = ingested(tmp_path / "once", GROWTH / "t3")
    thrice = ingested(tmp_path / "thrice", GROWTH)
    counted = "select request_id, output_tokens, billed_picodollars from requests order by 1"
    assert rows(thrice, counted) == rows(once, counted)
    assert row(thrice, "select count(*) from sessions") == (1,)


def test_a_growing_file_gives_the_lake_of_the_grown_file(tmp_path: Path):
    log = next(path for path in (GROWTH / "t3").rglob("*.jsonl")).relative_to(GROWTH / "t3")
    grown = ingested(tmp_path / "grown", GROWTH / "t3")
    logs = tmp_path / "logs"
    same_key(tmp_path / "growing", grown.home)
    growing = config_of(tmp_path / "growing", logs)
    for moment in ("t1", "t2", "t3"):
        _copy([log], GROWTH / moment, logs)
        ingest_again(growing)
    assert differences(growing, grown) == []
    assert row(growing, "select count(*), max(generation) from source_files") == (1, 0)


def test_byte_ranges_cut_anywhere_give_the_lake_of_the_whole(tmp_path: Path):
    _cut_anywhere(SESSIONS / "m-claude", tmp_path, steps=3, seed=5)


@pytest.mark.slow
def test_byte_ranges_of_all_sessions_cut_anywhere_give_the_lake_of_the_whole(tmp_path: Path):
    _cut_anywhere(SESSIONS, tmp_path, steps=4, seed=6)


def _cut_anywhere(origin: Path, tmp_path: Path, steps: int, seed: int) -> None:
    """Let every file grow by ranges cut at random places, within lines and within characters."""
    logs, chance = tmp_path / "logs", random.Random(seed)
    whole = ingested(tmp_path / "whole", origin)
    same_key(tmp_path / "ranges", whole.home)
    ranges = config_of(tmp_path / "ranges", logs)
    files = _log_files(origin)
    content = {file: (origin / file).read_bytes() for file in files}
    cuts = {f: [*sorted(chance.randint(0, len(content[f])) for _ in range(steps - 1)), len(content[f])] for f in files}
    for step in range(steps):
        for file in files:
            (logs / file).parent.mkdir(parents=True, exist_ok=True)
            (logs / file).write_bytes(content[file][: cuts[file][step]])
        ingest_again(ranges)
    assert differences(ranges, whole) == []


@pytest.mark.parametrize("first", ["even", "odd"])
def test_two_halves_in_either_order_give_the_lake_of_the_whole(tmp_path: Path, first: str):
    _in_parts(SESSIONS / "spotter", tmp_path, 0 if first == "even" else 1)


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 1])
def test_two_halves_of_all_sessions_give_the_lake_of_the_whole(tmp_path: Path, whole: Config, first: int):
    config = _in_parts(SESSIONS, tmp_path, first)
    assert row(config, TOTALS) == EXPECTED


def _in_parts(origin: Path, tmp_path: Path, first: int) -> Config:
    whole = ingested(tmp_path / "whole", origin)
    same_key(tmp_path / "parts", whole.home)
    logs = tmp_path / "logs"
    config = config_of(tmp_path / "parts", logs)
    files = _log_files(origin)
    for part in (files[first::2], files[1 - first :: 2]):
        _copy(part, origin, logs)
        ingest_again(config)
    assert differences(config, whole) == []
    return config


@pytest.mark.slow
def test_files_in_another_order_count_the_same(tmp_path: Path):
    logs = tmp_path / "logs"
    files = _log_files(SESSIONS)
    random.Random(7).shuffle(files)
    for place, file in enumerate(files):
        (logs / f"{place:03}" / file).parent.mkdir(parents=True)
        shutil.copyfile(SESSIONS / file, logs / f"{place:03}" / file)
    assert row(ingested(tmp_path / "home", logs), TOTALS) == EXPECTED
