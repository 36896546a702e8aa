"""What a suite is made of, and how Great Expectations judges it.

What belongs here: an expectation with its reason and severity, and judging frames. What does not: the frames
(`her_models.quality`), and which expectations a table has (its own module).

Great Expectations takes seconds to import, so it is imported when something is judged; a suite's names, severities and
reasons are known before. What `her_models.checks` asserts in the publishing transaction is not said again here:
`asserted` makes its expectations from those definitions.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from her_models.checks import Check, Severity, checks

if TYPE_CHECKING:
    from her_models.quality import Changed, Rows

Make = Callable[[ModuleType, dict[str, Any]], Any]


@dataclass(frozen=True)
class Expected:
    """One expectation: what it is called, whether it is critical, and why it is held.

    `make` gets `great_expectations.expectations` and the arguments that carry severity and reason. It judges the frame
    of that name in `sql/quality/`, or, where `check` is given, the rows that break that check.
    """

    name: str
    severity: Severity
    reason: str
    make: Make
    frame: str = ""
    check: Check | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Suite:
    """The expectations of one table."""

    table: str
    expected: tuple[Expected, ...]


@dataclass(frozen=True)
class Verdict:
    """What judging one expectation found. `failing_count` is the rows that break it, `first` one of them."""

    expected: Expected
    failing_count: int
    first: str = ""

    @property
    def is_ok(self) -> bool:
        return self.failing_count == 0

    @property
    def detail(self) -> str:
        """Say what was found and what to do."""
        reason = f"{self.expected.reason[:1].upper()}{self.expected.reason[1:]}"
        if self.is_ok:
            return reason
        return f"{reason} Found: {self.first}. {self.expected.remedy}".strip()


def _no_rows(gxe: ModuleType, about: dict[str, Any]) -> Any:
    return gxe.ExpectTableRowCountToEqual(value=0, **about)


def asserted(table: str, *judged: Expected) -> tuple[Expected, ...]:
    """Return the expectations of a table that `her_models.checks` defines: no row breaks the check.

    `judged` are those that are judged by figures of a frame instead, made by `of_check`.
    """
    names = {one.name for one in judged}
    return judged + tuple(
        Expected(check.name, check.severity, check.reason, _no_rows, check=check, remedy=check.remedy)
        for check in checks().values()
        if check.table == table and check.name not in names
    )


def of_check(name: str, frame: str, make: Make) -> Expected:
    """Return the expectation of a check of `her_models.checks`, judged by other figures than its SQL looks at."""
    check = checks()[name]
    return Expected(name, check.severity, check.reason, make, frame=frame, remedy=check.remedy)


@cache
def _great_expectations() -> tuple[ModuleType, ModuleType]:
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # nothing leaves the machine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its dependencies' deprecations, at import
        import great_expectations as gx
        import great_expectations.expectations as gxe
    return gx, gxe


@cache
def _source() -> Any:
    gx, _ = _great_expectations()
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("changed")


def judge(rows: Rows, expected: Sequence[Expected]) -> list[Verdict]:
    """Judge one frame by some expectations; an empty frame breaks none of them."""
    if not rows or not expected:
        return [Verdict(one, 0) for one in expected]
    import pandas as pd

    gx, gxe = _great_expectations()
    made = [
        one.make(gxe, {"severity": one.severity, "notes": one.reason, "meta": {"name": one.name}}) for one in expected
    ]
    name = "+".join(one.name for one in expected)
    source = _source()
    asset = source.add_dataframe_asset(name)
    try:
        batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": pd.DataFrame(rows)})
        found = batch.validate(gx.ExpectationSuite(name=name, expectations=made), result_format="COMPLETE")
    finally:
        source.delete_asset(name)
    by_name = {result.expectation_config.meta["name"]: result for result in found.results}
    return [_verdict(one, by_name[one.name], rows) for one in expected]


def _verdict(expected: Expected, result: Any, rows: Rows) -> Verdict:
    raised = [about["exception_message"] for about in _exceptions(result.exception_info) if about["raised_exception"]]
    if raised:
        return Verdict(expected, 1, f"it could not be judged ({raised[0]})")
    if result.success:
        return Verdict(expected, 0)
    if expected.check:
        return Verdict(expected, len(rows), str(rows[0]["failing"]))
    places = result.result.get("unexpected_index_list") or [0]
    return Verdict(expected, int(result.result.get("unexpected_count", 1)), _named(rows[places[0]]))


def _exceptions(info: dict[str, Any]) -> list[dict[str, Any]]:
    """Great Expectations gives one account of exceptions, or one for each metric."""
    return [info] if "raised_exception" in info else list(info.values())


def _named(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


def judge_suite(changed: Changed, suite: Suite) -> list[Verdict]:
    """Judge what a run changed in a table."""
    from her_models.quality import frames

    verdicts = [verdict for one in suite.expected if one.check for verdict in judge(changed.failing(one.check), [one])]
    names = dict.fromkeys(one.frame for one in suite.expected if one.frame)
    for name in names:
        verdicts += judge(changed.frame(frames()[name]), [one for one in suite.expected if one.frame == name])
    return verdicts
