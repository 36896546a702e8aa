"""The suites as Dagster's asset checks: judged on what the last run of each source changed, and written to the lake."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from her_models.checks import checks
from her_models.quality import Finding, changed, write_findings
from pipelines.checks import (
    agent_cost,
    blocks,
    contents,
    daily_cost,
    refused_lines,
    requests,
    schema_drift,
    session_comparison,
    session_parts,
    sessions,
    source_files,
    sources,
    turns,
)
from pipelines.checks.suite import Suite, Verdict, asserted, judge_suite
from pipelines.failures import explained
from pipelines.instance import WRITER
from pipelines.resources import Her

_WRITTEN = tuple(
    module.SUITE
    for module in (
        sources,
        source_files,
        refused_lines,
        schema_drift,
        contents,
        requests,
        turns,
        blocks,
        sessions,
        session_comparison,
        session_parts,
        agent_cost,
        daily_cost,
    )
)
_TABLES = {suite.table for suite in _WRITTEN}
SUITES: tuple[Suite, ...] = (
    *_WRITTEN,
    # Tables of which only what the publication asserts is expected.
    *(Suite(table, asserted(table)) for table in sorted({check.table for check in checks().values()} - _TABLES)),
)
_SEVERITY = {"critical": dg.AssetCheckSeverity.ERROR, "warning": dg.AssetCheckSeverity.WARN}


class SuitesConfig(dg.Config):
    """Which sources to judge."""

    sources: list[str] = Field([], description="Sources. Empty: the run's own partition, else all of the lake.")


def config_for(source_ids: Sequence[str]) -> dict[str, Any]:
    """Return the run config that judges these sources."""
    return {"suites": {"config": {"sources": list(source_ids)}}}


SPECS = [
    dg.AssetCheckSpec(
        one.name,
        asset=suite.table,
        description=f"{one.reason[:1].upper()}{one.reason[1:]}",
        metadata={"severity": one.severity, "remedy": one.remedy},
    )
    for suite in SUITES
    for one in suite.expected
]


def _judged_sources(context: dg.AssetCheckExecutionContext, config: SuitesConfig, her: Her) -> list[str]:
    from her_models.lake import open_lake

    partition = context.run.tags.get("dagster/partition")
    if config.sources or partition:
        return config.sources or [str(partition)]
    with open_lake(her.config(), read_only=True) as lake:
        return lake.source_ids()


def _judge(her: Her, source_id: str) -> dict[tuple[str, str], Verdict]:
    """Judge one source by all suites, and write down what they found."""
    config = her.config()
    found = {}
    with changed(config, source_id) as what_changed:
        for suite in SUITES:
            for verdict in judge_suite(what_changed, suite):
                found[suite.table, verdict.expected.name] = verdict
    findings = [
        Finding(name, verdict.expected.severity, verdict.failing_count, verdict.detail)
        for (_, name), verdict in found.items()
    ]
    write_findings(config, source_id, findings)
    return found


def _result(table: str, name: str, by_source: Mapping[str, Verdict]) -> dg.AssetCheckResult:
    broken = {source_id: verdict for source_id, verdict in by_source.items() if not verdict.is_ok}
    one = next(iter(by_source.values()))
    return dg.AssetCheckResult(
        asset_key=table,
        check_name=name,
        passed=not broken,
        severity=_SEVERITY[one.expected.severity],
        metadata={
            "severity": one.expected.severity,
            "failing_count": sum(verdict.failing_count for verdict in by_source.values()),
            "sources": ", ".join(broken or by_source),
            "detail": "\n".join(f"{source_id}: {verdict.detail}" for source_id, verdict in broken.items()),
        },
    )


@dg.multi_asset_check(name="suites", specs=SPECS, pool=WRITER)
def suites(context: dg.AssetCheckExecutionContext, config: SuitesConfig, her: Her) -> Iterator[dg.AssetCheckResult]:
    """Judge what the last run changed, table by table."""
    with explained(context.retry_number):
        found = {source_id: _judge(her, source_id) for source_id in _judged_sources(context, config, her)}
    for suite in SUITES:
        for one in suite.expected:
            by_source = {source_id: verdicts[suite.table, one.name] for source_id, verdicts in found.items()}
            if by_source:
                yield _result(suite.table, one.name, by_source)


ASSET_CHECKS = [suites]
