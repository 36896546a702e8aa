"""What README and CONTRIBUTING say is there, is there; and the SQL they show runs."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import typer

from app.cli import app
from her_models.config import Config, Source, load_config
from her_models.demo import write_demo
from her_models.ingest import ingest
from her_models.queries import guarded_lake, run_query

CHECKOUT = Path(__file__).parent.parent
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LAUNCHER_COMMANDS = {"test", "lock"}


def _commands() -> dict[str, set[str]]:
    """Every command with its options."""
    group = typer.main.get_command(app)
    return {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in group.commands.items()  # type: ignore[attr-defined]
    }


def _mentioned(text: str) -> Iterator[str]:
    """Every `her …` in code, up to where a comment or another piece of code begins."""
    for code in re.findall(r"`([^`]+)`", text) + re.findall(r"^ {4}(.+)$", text, re.MULTILINE):
        match = re.match(r"(?:\./)?her (\w+.*)", code.split("  #")[0].strip())
        if match:
            yield match.group(1)


@pytest.mark.parametrize("line", [*_mentioned(README), *_mentioned(CONTRIBUTING)])
def test_command_in_the_docs_exists_with_its_options(line: str) -> None:
    name = line.split()[0]
    assert name in _commands().keys() | LAUNCHER_COMMANDS
    if name not in LAUNCHER_COMMANDS:
        options = set(re.findall(r"(?<![\w-])--[a-z]+", line))
        assert options <= _commands()[name]


def test_every_command_is_in_the_readme() -> None:
    assert {line.split()[0] for line in _mentioned(README)} >= _commands().keys() | {"test"}


def test_every_path_in_the_docs_exists() -> None:
    paths = re.findall(r"\]\(([^)#:]+)\)", README + CONTRIBUTING)
    paths += re.findall(r"`((?:her_models|sql|app|pipelines|tests|bench|docs)/[\w./-]*)`", README + CONTRIBUTING)
    assert paths
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []


def test_configuration_in_the_readme_is_read_as_it_says(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "config.toml").write_text(block, encoding="utf-8")
    config = load_config(tmp_path)
    assert config.time_zone == "Europe/Berlin"
    assert config.redaction == "on"
    assert config.sources == (Source("asha", "laptop", Path("/logs/asha/.claude/projects")),)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The demo's lake."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder / "logs", scale=0.1)
    config = Config(home=folder / "her")
    ingest(config, [folder / "logs"])
    with guarded_lake(config) as con:
        yield con


@pytest.mark.parametrize("query", re.findall(r"```sql\n(.*?)```", README, re.DOTALL))
def test_query_in_the_readme_runs(demo: duckdb.DuckDBPyConnection, query: str) -> None:
    columns = run_query(demo, query).table.column_names
    assert columns
