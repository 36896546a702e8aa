"""One source, brought up to date: its staged tables and its models are published together, so they are one step.

What belongs here: what the step is given and what it reports. What does not: reading, staging, publishing
(`her_models.ingest`).
"""

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

import dagster as dg
from pydantic import Field

from her_models.ingest import SourceReport
from pipelines.assets.models import MODELS
from pipelines.assets.staged import CONTROL, STAGED
from pipelines.failures import explained
from pipelines.instance import WRITER
from pipelines.partitions import source_day_key, sources
from pipelines.resources import Her


def _in_order(specs: list[dg.AssetSpec]) -> list[dg.AssetSpec]:
    """Return specs so that each comes after those it depends on: a step has to report them so."""
    by_key = {spec.key: spec for spec in specs}
    graph = {spec.key: [dep.asset_key for dep in spec.deps if dep.asset_key in by_key] for spec in specs}
    return [by_key[key] for key in TopologicalSorter(graph).static_order()]


SPECS = _in_order([*STAGED, *CONTROL, *MODELS])


class ShardConfig(dg.Config):
    """Where to read from."""

    path: str = Field("", description="Where the logs lie. Empty: as config.toml says, or where they were read last.")


def run_metadata(report: SourceReport) -> dict[str, Any]:
    """Return what a run did with a source, under names that Dagster draws as lines over runs."""
    return {
        "files": report.files_seen_count,
        "files_read": report.files_read_count,
        "bytes_read": report.bytes_read,
        "lines": report.lines_count,
        "refused_lines": report.refused_count,
        "redactions": report.redaction_count,
        "sessions_rebuilt": report.sessions_count,
        "requests_rebuilt": report.requests_count,
        "stage_seconds": report.stage_seconds,
        "model_seconds": report.model_seconds,
        "cpu_seconds": report.cpu_seconds,
        "peak_memory_bytes": report.peak_memory_bytes,
        "is_changed": report.is_changed,
        **({} if report.snapshot_id is None else {"snapshot_id": report.snapshot_id}),
    }


def _table_metadata(name: str, report: SourceReport) -> dict[str, Any]:
    counts = {
        "lines": {"new_rows": report.lines_count},
        "refused_lines": {"new_rows": report.refused_count},
        "redactions": {"new_rows": report.redaction_count},
        "sessions": {"rebuilt_rows": report.sessions_count},
        "requests": {"rebuilt_rows": report.requests_count},
        "data_quality": {"failed_checks": ", ".join(report.failed_checks) or "none"},
        "ingest_runs": run_metadata(report),
        "source_files": run_metadata(report),
    }
    seconds = report.seconds_by_model.get(name)
    return {**counts.get(name, {}), **({} if seconds is None else {"build_cpu_seconds": seconds})}


@dg.multi_asset(name="shard", specs=SPECS, partitions_def=sources, pool=WRITER)
def shard(context: dg.AssetExecutionContext, config: ShardConfig, her: Her) -> Iterator[dg.MaterializeResult]:
    """Stage what is new in a source and publish it with its models, in one transaction."""
    source_id = context.partition_key
    with explained(context.retry_number):
        report = her.ingest(source_id, config.path)
    for spec in SPECS:
        yield dg.MaterializeResult(asset_key=spec.key, metadata=_table_metadata(spec.key.path[-1], report))
    for day in report.days:
        # The days that this run captured, for the calendar of `session_days`.
        context.log_event(dg.AssetMaterialization("session_days", partition=source_day_key(source_id, day)))
