"""The asset graph is the graph of the models."""

import dagster as dg
import pytest

from her_models import warehouse
from her_models.contracts import TABLES
from pipelines.assets.comparison import COMPARISON_SPECS
from pipelines.assets.shard import SPECS
from pipelines.assets.tables import GIVEN_FROM
from pipelines.definitions import defs

GRAPH = defs.resolve_asset_graph()


def parents(name: str) -> set[str]:
    return {key.to_user_string() for key in GRAPH.get(dg.AssetKey(name)).parent_keys}


def test_graph_from_logs_to_marts_is_this() -> None:
    """A snapshot of how stages hang together; the models' own dependencies are held by the tests below."""
    assert {name: sorted(parents(name)) for name in _beside_models()} == {
        "session_logs": [],
        "sources": ["session_logs"],
        "source_files": ["session_logs"],
        "ingest_runs": ["source_files"],
        "prices": ["response_lines"],
        "lines": ["session_logs"],
        "response_lines": ["session_logs"],
        "block_lines": ["session_logs"],
        "contents": ["session_logs"],
        "event_lines": ["session_logs"],
        "refused_lines": ["session_logs"],
        "redactions": ["session_logs"],
        "schema_drift": ["session_logs"],
        "session_days": ["requests", "sessions", "turns"],
        "lake_files": [],
        "weekly_waste_report": ["request_labels", "waste"],
        "search_index": ["contents"],
        "changes": ["session_comparison"],
        "group_comparison": ["session_comparison", "session_parts"],
        "group_steps": ["session_comparison", "session_parts"],
    }


def _beside_models() -> set[str]:
    return {key.to_user_string() for key in GRAPH.get_all_asset_keys()} - set(warehouse.models())


@pytest.mark.parametrize("model", warehouse.mart_models().values(), ids=lambda model: model.name)
def test_model_depends_on_what_its_header_reads(model: warehouse.Model) -> None:
    given = {name for read in model.reads for name in GIVEN_FROM.get(read, ())}
    assert parents(model.name) == (set(model.reads) - set(GIVEN_FROM) | given) - {model.name}
    assert GRAPH.get(dg.AssetKey(model.name)).group_name == model.layer


FILLED_BY_RUNS = [name for name, table in TABLES.items() if table.layer != "own"]


def test_every_table_that_runs_fill_is_an_asset() -> None:
    assert {key.to_user_string() for key in GRAPH.get_all_asset_keys()} >= set(FILLED_BY_RUNS)


def test_everything_given_to_models_comes_from_somewhere() -> None:
    assert set(GIVEN_FROM) == warehouse.GIVEN


@pytest.mark.parametrize("name", FILLED_BY_RUNS)
def test_columns_of_a_table_are_those_of_its_contract(name: str) -> None:
    specs = [*SPECS, *COMPARISON_SPECS]
    schema = next(spec for spec in specs if spec.key == dg.AssetKey(name)).metadata["dagster/column_schema"]
    assert [(c.name, c.type, c.description) for c in schema.columns] == [
        (c.name, c.type, c.meaning) for c in TABLES[name].columns
    ]


def test_jobs_are_these() -> None:
    jobs = {job.name for job in defs.get_repository_def().get_all_jobs() if not job.name.startswith("__")}
    assert jobs == {"ingest", "nightly", "checks", "backfill", "comparison", "maintenance", "weekly"}


def test_nightly_judges_and_ingest_does_not() -> None:
    nodes = {name: set(defs.resolve_job_def(name).graph.node_dict) for name in ("ingest", "nightly")}
    assert nodes == {"ingest": {"shard"}, "nightly": {"shard", "suites"}}
