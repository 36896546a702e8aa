"""Searching a real lake: with an index, without one, and with one that lags behind, the same is found."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from her_models.config import Config
from her_models.errors import QueryError
from her_models.lake import open_lake
from her_models.reports import Scope, SessionFilter
from her_models.search import hits, refresh
from her_models.search.hits import Found, SearchFilter
from her_models.search.index import open_index, read_state, update_index
from her_models.search.pattern import Mode
from her_models.search.refresh import search_folder
from tests.lakes import ingest_again, ingested
from tests.logs import append, prompt
from tests.search.conftest import LONG, TEXTS, write_logs

QUERIES: list[tuple[str, Mode, int]] = [
    ("zebra", "words", 1),
    ("zebr", "words", 0),
    ("ZEBR*", "words", 1),
    ("permission denied", "words", 2),
    ('"denied permission"', "words", 0),
    ("permission -cat", "words", 1),
    ("src/till.py", "words", 1),
    ('"till pri*"', "words", 0),
    ("cafe", "words", 0),
    ("café", "words", 1),
    ("日本語", "words", 1),
    ("語本", "words", 0),
    (f"{LONG}needle", "words", 1),
    (LONG, "words", 0),
    (r"total_\w+\(", "regex", 1),
    (r"Total_\w+\(", "regex", 0),
    (r"(?i)Total_\w+\(", "regex", 1),
    ("need", "regex", 1),
    (r"(zebra|till)s?\b", "regex", 3),
    (r"^\w+: P", "regex", 1),
    (r"[日月]本", "regex", 1),
    ("sum.*end", "regex", 1),
    (r"rows\):.*return", "regex", 0),
    (r"(?s)rows\):.*return", "regex", 1),
]


def elsewhere(config: Config, home: Path) -> Config:
    """Return the same lake as seen from a home of its own, where no index is yet."""
    home.mkdir(parents=True)
    return replace(config, home=home, catalog=f"sqlite:{config.catalog_path}", data_path=str(config.lake_path))


def indexed(config: Config, home: Path) -> Config:
    """Return the same lake as seen from a home of its own, with its index."""
    own = elsewhere(config, home)
    with open_lake(own, read_only=True) as lake:
        assert update_index(lake) is not None
    return own


@pytest.fixture(scope="module")
def both(searched: Config, tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Config]:
    return searched, indexed(searched, tmp_path_factory.mktemp("indexed") / "home")


def found_in(config: Config, text: str, mode: Mode = "words", where: SearchFilter | None = None) -> Found:
    with open_lake(config, read_only=True) as lake:
        return hits.search(lake.con, config, text, mode, where)


@pytest.mark.parametrize(("text", "mode", "count"), QUERIES)
def test_the_index_finds_what_reading_every_text_finds(
    both: tuple[Config, Config], text: str, mode: Mode, count: int
) -> None:
    scanned, by_index = (found_in(config, text, mode) for config in both)
    assert (scanned.unindexed_count, by_index.unindexed_count) == (-1, 0)
    assert [hit.row["content_hash"] for hit in by_index.hits] == [hit.row["content_hash"] for hit in scanned.hits]
    assert [hit.excerpt for hit in by_index.hits] == [hit.excerpt for hit in scanned.hits]
    assert by_index.hits_count == count


def test_a_hit_says_where_it_is_and_marks_what_was_found(searched: Config) -> None:
    [hit] = found_in(searched, "zebra").hits
    assert (hit.row["session_id"], hit.row["kind"], hit.row["project"]) == ("s1", "text", "shop")
    assert hit.row["model"] == "claude-sonnet-4-5-20250929"
    assert [hit.excerpt.text[a:b] for a, b in hit.excerpt.marks] == ["ZEBRA"]


def test_an_expression_marks_what_it_matched(searched: Config) -> None:
    [hit] = found_in(searched, r"total_\w+", "regex").hits
    assert [hit.excerpt.text[a:b] for a, b in hit.excerpt.marks] == ["total_usd"]


FILTERS = {
    "kinds": (SearchFilter(kinds=("tool_result",)), ["tool_result"]),
    "tools": (SearchFilter(tools=("Bash",)), ["tool_result", "tool_call"]),
    "errors": (SearchFilter(is_error=True), ["tool_result"]),
    "project": (SearchFilter(scope=Scope(projects=("mill",))), ["prompt"] * 4),
    "owner": (SearchFilter(scope=Scope(owners=("nobody",))), []),
    "model": (
        SearchFilter(scope=Scope(models=("claude-sonnet-4-5-20250929",)), session_id="s1", kinds=("tool_call",)),
        ["tool_call"],
    ),
    "version": (SearchFilter(version="0.0.1"), []),
    "cost": (SearchFilter(min_usd=Decimal(1000)), []),
    "label": (SearchFilter(labels=("C1",)), []),
    "session": (SearchFilter(session_id="s2", kinds=("prompt",)), ["prompt"] * 4),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters_alone_list_what_passes_them(searched: Config, name: str) -> None:
    where, kinds = FILTERS[name]
    assert [hit.row["kind"] for hit in found_in(searched, "", where=where).hits] == kinds


def test_sessions_are_found_by_their_titles(searched: Config) -> None:
    with open_lake(searched, read_only=True) as lake:
        assert [one.session_id for one in hits.named(lake.con, "mend")] == ["s1"]
        assert hits.named(lake.con, "men") == ()
        assert [one.session_id for one in hits.named(lake.con, "^Please me.d", "regex")] == ["s1"]
        assert hits.named(lake.con, "mend", where=SearchFilter(scope=Scope(owners=("nobody",)))) == ()
        assert hits.named(lake.con, "mend", where=SearchFilter(tools=("Read",))) == ()


def test_a_session_that_nobody_named_is_not_found_by_an_expression_that_holds_for_nothing(tmp_path: Path) -> None:
    with open_lake(Config(home=tmp_path)) as lake:
        con = lake.con
        con.execute("insert into sessions (source_id, session_id, title) values ('a', 's1', null), ('a', 's2', '')")
        con.execute("insert into sessions (source_id, session_id, title) values ('a', 's3', null), ('a', 's4', 'Dig')")
        con.execute("insert into annotations (source_id, session_id, note) values ('a', 's3', 'Ask for the map')")
        assert [one.session_id for one in hits.named(con, ".*", "regex")] == ["s3", "s4"]
        assert hits.named(con, "map") == (hits.Named("a", "s3", None, None, (), "Ask for the map"),)


def test_words_and_filters_both_have_to_hold(searched: Config) -> None:
    assert found_in(searched, "permission", where=SearchFilter(is_error=True)).hits_count == 1


def test_hits_are_counted_over_all_pages(searched: Config) -> None:
    with open_lake(searched, read_only=True) as lake:
        second = hits.search(lake.con, searched, "", sort="oldest", page_index=1, page_size=3)
        beyond = hits.search(lake.con, searched, "", page_index=99, page_size=3)
    assert (second.hits_count, second.sessions_count, len(second.hits)) == (8, 2, 3)
    assert (beyond.hits_count, beyond.hits) == (8, ())


@pytest.mark.parametrize(("regex", "said"), [("(", "cannot be used"), ("(?=x)", "no look-around")])
def test_an_expression_that_cannot_be_used_is_explained(searched: Config, regex: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        found_in(searched, regex, "regex")


def test_sessions_are_found_by_words_said_in_them(both: tuple[Config, Config]) -> None:
    for config in both:
        with open_lake(config, read_only=True) as lake:
            page = hits.sessions(lake.con, config, SessionFilter(text="permission"))
            assert page.rows.select(["session_id", "hits_count"]).to_pylist() == [{"session_id": "s1", "hits_count": 2}]


# -- the index keeps up -------------------------------------------------------------------------------------------


def test_what_was_read_since_is_found_before_and_after_the_index_has_it(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write_logs(logs)
    config = ingested(tmp_path / "home", logs)
    with open_lake(config, read_only=True) as lake:
        update_index(lake)
    append(logs / "projects/shop/s1.jsonl", prompt("s1", "u9", 50, "a quagga at last"))
    ingest_again(config)
    late = found_in(config, "quagga")
    assert (late.hits_count, late.unindexed_count) == (1, 1)
    with open_lake(config, read_only=True) as lake:
        report = update_index(lake)
    assert report is not None
    assert (report.added_count, report.is_whole) == (1, False)
    assert report.texts_count == len(TEXTS) + 3
    kept = found_in(config, "quagga")
    assert (kept.hits_count, kept.unindexed_count) == (1, 0)


def test_an_index_that_is_up_to_date_is_left_alone(both: tuple[Config, Config]) -> None:
    config = both[1]
    before = read_state(search_folder(config))
    with open_lake(config, read_only=True) as lake:
        report = update_index(lake)
    assert report is not None
    assert report.added_count == 0
    assert read_state(search_folder(config)) == before


@pytest.mark.parametrize("harm", ["state", "texts", "keys", "format", "half"])
def test_a_broken_index_is_made_anew_and_until_then_texts_are_read(searched: Config, tmp_path: Path, harm: str) -> None:
    config = indexed(searched, tmp_path / "home")
    folder = search_folder(config)
    state = read_state(folder)
    assert state is not None
    if harm == "state":
        (folder / "state.json").write_text("{", encoding="utf-8")
    elif harm == "texts":
        shutil.rmtree(folder / state.folder)
    elif harm == "keys":
        (folder / state.keys[0]).unlink()
    elif harm == "format":
        text = (folder / "state.json").read_text(encoding="utf-8")
        (folder / "state.json").write_text(text.replace('"format": 1', '"format": 0'), encoding="utf-8")
    else:  # killed between the texts and the state
        text = (folder / "state.json").read_text(encoding="utf-8")
        (folder / "state.json").write_text(
            text.replace(f'"texts_count": {state.texts_count}', '"texts_count": 2'), encoding="utf-8"
        )
    assert found_in(config, "zebra").hits_count == 1
    with open_lake(config, read_only=True) as lake:
        report = update_index(lake)
    assert report is not None
    assert report.is_whole
    assert report.texts_count == len(TEXTS) + 2
    assert (found_in(config, "zebra").hits_count, found_in(config, "zebra").unindexed_count) == (1, 0)


def test_only_one_process_makes_the_index(searched: Config, tmp_path: Path) -> None:
    import fcntl

    config = indexed(searched, tmp_path / "home")
    with (search_folder(config) / "update.lock").open("a") as lock, open_lake(config, read_only=True) as lake:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert update_index(lake) is None


def test_the_index_is_brought_up_to_date_by_a_process_of_its_own(searched: Config, tmp_path: Path) -> None:
    config = elsewhere(searched, tmp_path / "home")
    settings = f'catalog = "{config.catalog}"\ndata_path = "{config.data_path}"\n'
    (config.home / "config.toml").write_text(settings, encoding="utf-8")
    process = refresh.start_refresh(config)
    assert process is not None
    assert process.wait(300) == 0
    assert open_index(search_folder(config)) is not None
