"""Session, What if: gross and net apart, what is dearer said so, nothing shown where the replay does not hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from her_models.config import load_config
from her_models.lake import open_lake
from her_models.what_if_reports import what_ifs_of_scope
from tests.app.conftest import HOSTILE, SESSION, SOURCE, UNPRICED, at, fill, fill_lake
from tests.app.test_pages import figures, opened, words


def _policy(
    index: int, name: str, family: str, saving: float, net: float | None = None, **given: Any
) -> dict[str, Any]:
    return {
        "session_id": SESSION, "owner": "ada", "project": "engine", "started_at": at(0), "policy": name,
        "policy_index": index, "family": family, "is_identity": True, "billed_usd": 1.25, "replay_usd": 1.25 - saving,
        "gross_saving_usd": saving, "net_saving_usd": net, "low_usd": saving, "high_usd": saving,
        "confidence": "exact", "parameters": "{}", **given,
    }  # fmt: skip


@pytest.fixture(scope="module")
def what_if_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("what_if_home")
    fill_lake(home)
    with open_lake(load_config(home)) as lake:
        fill(
            lake,
            "what_ifs",
            _policy(0, "identity", "identity", 0.0),
            _policy(1, "remove.K1", "remove", 0.5, 0.5, label="K1"),
            _policy(
                2, "remove.C5", "remove", 0.25, 0.125, label="C5", low_usd=0.2, high_usd=0.3, confidence="estimated"
            ),
            _policy(3, "remove.all", "remove", 0.625, 0.625),
            _policy(4, "ttl.5m.main", "lifetime", -0.75, parameters='{"lifetime": "5m", "threads": "main"}'),
            _policy(5, "cap.5000", "cap", 0.25, parameters='{"most_tokens": 5000}', confidence="heuristic"),
            {**_policy(0, "identity", "identity", 0.0), "session_id": HOSTILE, "is_identity": False},
        )
    return home


@pytest.fixture
def opened_home(what_if_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("HER_HOME", str(what_if_home))
    yield what_if_home


def _rows(app: Any, number: int) -> list[list[str]]:
    frame = app.dataframe[number].value
    return [[str(value) for value in row] for row in frame.itertuples(index=False)]


def test_gross_and_net_savings_stand_apart_and_are_never_added(opened_home: Path) -> None:
    app = opened("session", session=SESSION, source=SOURCE, view="What if")
    assert figures(app)["Without any of it"] == "$0.62"
    assert figures(app)["Saved, at most"] == "$0.62"
    assert [row[:4] for row in _rows(app, 0)] == [
        ["K1 Cache expired", "0.5", "0.5", "exactly"],
        ["C5 Unchanged files read again", "0.25", "0.125", "$0.20 to $0.30"],
        ["All of it", "0.625", "0.625", "exactly"],
    ]
    assert "Gross savings overlap and are never added" in words(app)


def test_a_policy_that_would_have_been_dearer_says_so(opened_home: Path) -> None:
    app = opened("session", session=SESSION, source=SOURCE, view="What if")
    # Neither has a width; only what is exact is called so.
    assert [row[:3] for row in _rows(app, 1)] == [
        ["Main conversation cached for five minutes", "$0.75 dearer", "exactly"],
        ["Tool results of at most 5,000 tokens", "$0.25", "$0.25"],
    ]


def test_a_session_whose_bill_the_replay_does_not_return_shows_no_what_ifs(opened_home: Path) -> None:
    app = opened("session", session=HOSTILE, source=SOURCE, view="What if")
    assert "no what-if is shown" in words(app)
    assert len(app.dataframe) == 0


def test_a_session_without_a_price_says_that_nothing_can_be_replayed(opened_home: Path) -> None:
    assert "nothing can be replayed" in words(opened("session", session=UNPRICED, source=SOURCE, view="What if"))


def test_policies_over_a_period_leave_out_sessions_whose_bill_does_not_come_back(what_if_home: Path) -> None:
    with open_lake(load_config(what_if_home), read_only=True) as lake:
        lake.con.execute("use lake")
        found = {row["policy"]: row for row in what_ifs_of_scope(lake.con).to_pylist()}
    assert found["identity"]["sessions_count"] == 1
    assert float(found["remove.all"]["net_saving_usd"]) == 0.625
    assert sum(float(found[name]["net_saving_usd"]) for name in ("remove.K1", "remove.C5")) == 0.625
