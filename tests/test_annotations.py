"""Tags and notes outlast whatever is read and built anew, and wait for nobody."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from her_models import annotations, bulk_export
from her_models.annotations import Annotation, read_tags
from her_models.config import Config
from her_models.errors import LakeBusy, QueryError
from her_models.export import SessionKey
from her_models.ingest import is_current, writer_lock
from her_models.lake import open_lake
from her_models.reports import SessionFilter
from her_models.search import hits
from tests.lakes import ingest_again, ingested, row
from tests.logs import answer, append, prompt, write

WRITTEN = Annotation(("ask asha", "flaky"), "Why did it read that twice?")


def one_session(folder: Path) -> Config:
    write(folder / "logs/projects/shop/s1.jsonl", prompt("s1", "u1", 1), answer("s1", "u2", 2, "msg_1"))
    return ingested(folder / "home", folder / "logs")


def annotation_of(config: Config) -> Annotation:
    with open_lake(config, read_only=True) as lake:
        return annotations.annotation(lake.con, "dev@host", "s1")


def test_what_was_written_outlasts_reading_on_and_building_everything_anew(tmp_path: Path) -> None:
    config = one_session(tmp_path)
    assert annotation_of(config) == Annotation()
    annotations.annotate(config, "dev@host", "s1", WRITTEN)
    assert annotation_of(config) == WRITTEN
    assert is_current(config, config.sources)  # a note costs the next ingest nothing
    append(tmp_path / "logs/projects/shop/s1.jsonl", answer("s1", "u3", 3, "msg_2"))
    ingest_again(config)
    with open_lake(config) as lake:
        lake.con.execute("update ingest_runs set marts_version = 'of another time'")
    (config.home / "manifest.json").unlink()
    ingest_again(config)
    assert row(config, "select requests_count from sessions") == (2,)
    assert annotation_of(config) == WRITTEN


def test_sessions_are_found_by_tag_and_by_words_of_the_note(tmp_path: Path) -> None:
    config = one_session(tmp_path)
    annotations.annotate(config, "dev@host", "s1", WRITTEN)
    with open_lake(config, read_only=True) as lake:
        for where, count in (
            (SessionFilter(tags=("flaky", "other")), 1),
            (SessionFilter(tags=("other",)), 0),
            (SessionFilter(text="read that twice"), 1),
            (SessionFilter(text="twice asha read"), 1),  # words of the note and a tag, in any order
            (SessionFilter(text="twice -asha"), 0),
            (SessionFilter(text='"twice read"'), 0),
        ):
            assert hits.sessions(lake.con, config, where).total_count == count
        assert annotations.known_tags(lake.con) == ("ask asha", "flaky")


def test_writing_nothing_takes_away_what_was_written(tmp_path: Path) -> None:
    config = one_session(tmp_path)
    annotations.annotate(config, "dev@host", "s1", WRITTEN)
    annotations.annotate(config, "dev@host", "s1", Annotation())
    assert row(config, "select count(*) from annotations") == (0,)


def test_while_an_ingest_writes_nothing_is_kept_and_the_ingest_is_not_held_up(tmp_path: Path) -> None:
    config = one_session(tmp_path)
    with writer_lock(config), pytest.raises(LakeBusy, match="has been writing"):
        annotations.annotate(config, "dev@host", "s1", WRITTEN, wait_seconds=0)
    assert annotation_of(config) == Annotation()


def test_tags_are_written_with_commas_each_once() -> None:
    assert read_tags(" flaky ,ask  asha,, flaky") == ("flaky", "ask asha")
    assert read_tags("") == ()


def test_a_tag_or_note_of_no_bearable_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="41 characters"):
        read_tags("x" * 41)
    with pytest.raises(QueryError, match="10,001 characters"):
        annotations.annotate(Config(home=tmp_path), "a", "b", Annotation((), "x" * 10_001))


def test_many_sessions_are_exported_as_one_archive_with_a_list(tmp_path: Path) -> None:
    config = one_session(tmp_path)
    with open_lake(config, read_only=True) as lake:
        packed = bulk_export.archive(lake.con, [SessionKey("dev@host", "s1")], "md")
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["dev-host-s1.md", "index.csv"]
        written = archive.read("dev-host-s1.md")
        assert b"mend the till" in written
        listed = archive.read("index.csv").decode().splitlines()[1]
        assert listed == f'"dev-host-s1.md","dev@host","s1",{len(written)}'


def test_the_size_of_sessions_is_that_of_their_lines_in_the_files_without_line_ends(tmp_path: Path) -> None:
    config = one_session(tmp_path)
    lines = (tmp_path / "logs/projects/shop/s1.jsonl").read_bytes().splitlines()
    with open_lake(config, read_only=True) as lake:
        assert bulk_export.logged_bytes(lake.con, [SessionKey("dev@host", "s1")]) == sum(map(len, lines)) > 0
        assert bulk_export.logged_bytes(lake.con, [SessionKey("dev@host", "s2"), SessionKey("ben@box", "s1")]) == 0
        assert bulk_export.logged_bytes(lake.con, []) == 0


def test_names_in_an_archive_cannot_leave_it_and_are_given_once() -> None:
    keys = [SessionKey("a", "../../x"), SessionKey("a", "..-..-x"), SessionKey("", "")]
    assert bulk_export.file_names(keys, "md") == ["a-..-..-x.md", "a-..-..-x-2.md", "session.md"]
