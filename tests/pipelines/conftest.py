"""What the tests of the pipelines share: a home of their own, a tiny folder of logs, an instance in memory."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
    patch.setenv("HER_HOME", "/nowhere")  # definitions ask config.toml for the time zone: not that of whoever tests
    # Dagster warns where its own decorators touch parts that it calls beta or preview.
    warnings.simplefilter("ignore")
    import dagster as dg

    import pipelines.definitions  # noqa: F401

from her_models.config import Config, load_config
from tests.logs import answer, prompt, write

THIRD_PARTY = [
    "ignore::dagster_shared.utils.warnings.BetaWarning",  # backfill policies
    "ignore::dagster_shared.utils.warnings.PreviewWarning",
    "ignore::DeprecationWarning:sqlalchemy",
    "ignore::DeprecationWarning:great_expectations",
    "ignore::DeprecationWarning:dagster",
    "ignore::ResourceWarning",  # Dagster leaves its SQLite files to the garbage collector
    "ignore::pytest.PytestUnraisableExceptionWarning",  # the same, noticed later
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for warning in THIRD_PARTY:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A home with one source, ada@desk, of two sessions on two days: each a prompt and an answer."""
    logs, home = tmp_path / "logs", tmp_path / "home"
    write(logs / "projects/shop/s1.jsonl", prompt("s1", "u1", 0), answer("s1", "u2", 5, "msg_1"))
    later = {"timestamp": "2026-01-06T09:00:00.000Z"}
    write(logs / "projects/shop/s2.jsonl", prompt("s2", "u3", 0, **later), answer("s2", "u4", 5, "msg_2", **later))
    home.mkdir()
    (home / "config.toml").write_text(
        f'time_zone = "UTC"\n[[sources]]\nowner = "ada"\nhost = "desk"\npath = "{logs}"\n', encoding="utf-8"
    )
    monkeypatch.setenv("HER_HOME", str(home))
    return load_config(home)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        made.add_dynamic_partitions("sources", ["ada@desk"])
        yield made
