"""The watch from the lake to the page: a planted change is written down, told, and compared from its session on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from her_models.compare.groups import parse_group, read_group
from her_models.compare.nightly import changes_known, watch_lake
from her_models.config import load_config
from her_models.lake import open_lake
from tests.app.conftest import fill
from tests.app.test_pages import opened, words

BEGAN = datetime(2026, 9, 1, 9, tzinfo=UTC)


@pytest.fixture
def changed_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty sessions, two a day; from the 24th on, the second of its day, the prefix is a third larger."""
    monkeypatch.setenv("HER_HOME", str(tmp_path))
    rows = [
        {"session_id": f"s{place:02}", "owner": "ada", "project": "shop", "model": "claude-opus-5-5"}
        | {"client_version": "2.1.330" if place >= 23 else "2.1.210", "turns_count": 1, "requests_count": 1}
        | {"started_at": BEGAN + timedelta(hours=12 * place), "ended_at": BEGAN + timedelta(hours=12 * place + 1)}
        | {"static_tokens": (24_000 if place >= 23 else 18_000) + place * 7 % 11}
        for place in range(40)
    ]
    with open_lake(load_config(tmp_path)) as lake:
        fill(lake, "session_comparison", *rows)
    return tmp_path


def test_a_change_is_found_told_and_compared_from_its_session_on(changed_home: Path) -> None:
    config = load_config(changed_home)
    assert len(watch_lake(config)) == 1
    app = opened("compare")
    told = words(app).replace("\\", "")
    assert "System prompt and tools rose from 18.0 k to 24.0 k in project shop with the session of 2026-09-12" in told
    assert "with it changed client 2.1.210 to 2.1.330." in told
    (link,) = app.get("page_link")
    address = parse_qs(link.proto.query_string)
    with open_lake(config, read_only=True) as lake:
        (change,) = changes_known(lake.con)
        before, after = (read_group(lake.con, parse_group(address[side][0]), "UTC") for side in ("a", "b"))
        assert tuple(before.column("session_id")) == change.before_session_ids
        assert tuple(after.column("session_id")) == change.after_session_ids
    assert (len(before), after.column("session_id")[0]) == (23, "s23")


def test_the_watch_run_again_leaves_what_it_found(changed_home: Path) -> None:
    config = load_config(changed_home)
    first = watch_lake(config)
    assert watch_lake(config) == first
    with open_lake(config, read_only=True) as lake:
        assert [one.changed_at for one in changes_known(lake.con)] == [first[0].changed_at]
