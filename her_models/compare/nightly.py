"""What is compared every night: the watch for changes, and last week against the one before, project by project.

What belongs here: from a lake to the rows of `changes`, `group_comparison` and `group_steps`, and to the reports in
HER_HOME/reports. What does not: when it runs (`pipelines`), or the comparing itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from her_models.compare import charts, presets, watch, words
from her_models.compare.groups import EmptyGroup, Group, before_and_after, read_group
from her_models.compare.pairs import usd
from her_models.compare.report import (
    Document,
    Grid,
    Section,
    answer_section,
    as_html,
    as_markdown,
    findings_grids,
    group_steps_grid,
    lost_of_both,
    method_section,
)
from her_models.compare.verdicts import MEASURES, GroupComparison, compare_groups
from her_models.compare.watch import Change
from her_models.config import Config
from her_models.contracts import CHANGES, GROUP_COMPARISON, GROUP_STEPS
from her_models.ingest import finish_run, writer_lock
from her_models.lake import open_lake

Row = tuple[object, ...]
_FIELDS = {"client": "version"}  # dimensions that a group calls otherwise
_LABELS = {one.name: (one.label, one.unit) for one in MEASURES}


@dataclass(frozen=True)
class Week:
    """Last week against the one before; `project` is empty for all sessions together."""

    project: str
    a: Group
    b: Group
    found: GroupComparison | None  # None when one of the weeks has no session
    why_not: str = ""


@dataclass(frozen=True)
class WeeksReport:
    """What was compared, and where it was written."""

    report_on: date
    weeks: tuple[Week, ...]
    paths: tuple[Path, ...]

    @property
    def verdicts_count(self) -> int:
        """Measures that differ, over all projects."""
        return sum(
            one.verdict in ("higher", "lower") for week in self.weeks if week.found for one in week.found.findings
        )


# -- changes --------------------------------------------------------------------------------------------------------


def watch_lake(config: Config) -> list[Change]:
    """Look for changes in all series of the lake, and write them to `changes` in place of those found before.

    Raises:
        LakeError: there is no lake, or it cannot be read.
        LakeBusy: another process writes for too long.
    """
    with open_lake(config, read_only=True) as lake:
        sessions = watch.read_sessions(lake.con)
    found = watch.find_changes(sessions)
    now = datetime.now(UTC)
    with writer_lock(config), open_lake(config) as lake:
        lake.replace_rows(CHANGES, [_change_row(one, now) for one in found])
        finish_run(lake, config)
    return found


def _change_row(one: Change, now: datetime) -> Row:
    values = {
        **vars(one),
        "before_sessions_count": len(one.before_session_ids),
        "after_sessions_count": len(one.after_session_ids),
        "before_session_ids": list(one.before_session_ids),
        "after_session_ids": list(one.after_session_ids),
        "found_at": now,
    }
    return tuple(_known(values[name]) for name in CHANGES.column_names)


def _known(value: object) -> object:
    """A number that is none is null in a table."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def change_in_words(one: Change) -> str:
    """Say what changed, since when, by how much and with what."""
    label, unit = _LABELS[one.measure]
    told = (
        f"{label} {'rose' if one.difference > 0 else 'fell'} from {words.figure(one.before_median, unit)} to"
        f" {words.figure(one.after_median, unit)} in {one.dimension} {one.value} with the session of"
        f" {one.changed_at:%Y-%m-%d} (between {one.low_at:%Y-%m-%d} and {one.high_at:%Y-%m-%d};"
        f" {len(one.before_session_ids)} sessions before, {len(one.after_session_ids)} after)"
    )
    return f"{told}; with it changed {one.coincides_with}." if one.coincides_with else f"{told}."


def sides_of(one: Change) -> tuple[Group, Group]:
    """Return the sessions of a change's series before its first session, and from that on."""
    conditions: dict[str, Any] = {_FIELDS.get(one.dimension, one.dimension): (one.value,)}
    if one.owner:
        conditions["person"] = (one.owner,)
    return before_and_after(Group(**conditions), one.changed_at)


def changes_known(con: duckdb.DuckDBPyConnection) -> list[Change]:
    """Return the changes that the last watch found, newest first; what an older Her measured is left out."""
    names = [name for name in CHANGES.column_names if name in Change.__dataclass_fields__]
    rows = con.execute(f"select {', '.join(names)} from changes order by changed_at desc, measure").to_arrow_table()
    lists = ("before_session_ids", "after_session_ids")
    return [
        _change({name: tuple(value or ()) if name in lists else value for name, value in row.items()})
        for row in rows.to_pylist()
        if row["measure"] in _LABELS
    ]


def _change(values: dict[str, Any]) -> Change:
    return Change(**values)


# -- weeks ----------------------------------------------------------------------------------------------------------


def compare_weeks(con: duckdb.DuckDBPyConnection, time_zone: str) -> tuple[date | None, list[Week]]:
    """Compare the last seven whole days with the seven before: all together, then each project.

    Returns their last day (`presets.week_end`), None in an empty lake. Projects without a session in both weeks are
    left out.
    """
    known = presets.choices(con)
    last_on = presets.week_end(presets.session_days(con, time_zone), presets.today(time_zone))
    if last_on is None:
        return None, []
    weeks = []
    for project in ("", *sorted(known.projects)):
        a, b = presets.two_weeks(last_on, Group(project=(project,) if project else ()))
        try:
            weeks.append(Week(project, a, b, compare_groups(con, a, b, time_zone=time_zone)))
        except EmptyGroup as error:
            if not project or _has_sessions(con, b, time_zone):
                weeks.append(Week(project, a, b, None, str(error)))
    return last_on, weeks


def _has_sessions(con: duckdb.DuckDBPyConnection, group: Group, time_zone: str) -> bool:
    return len(read_group(con, group, time_zone)) > 0


def report_weeks(config: Config) -> WeeksReport | None:
    """Compare the weeks, write `group_comparison` and `group_steps`, and the report into HER_HOME/reports.

    Returns None when the lake holds no session.

    Raises:
        LakeError: there is no lake, or it cannot be read.
        LakeBusy: another process writes for too long.
    """
    with open_lake(config, read_only=True) as lake:
        report_on, weeks = compare_weeks(lake.con, config.time_zone)
        changes = changes_known(lake.con)
    if report_on is None:
        return None
    with writer_lock(config), open_lake(config) as lake:
        condition = f"report_on = date '{report_on}'"
        lake.replace_rows(GROUP_COMPARISON, _comparison_rows(report_on, weeks), condition)
        lake.replace_rows(GROUP_STEPS, _step_rows(report_on, weeks), condition)
        finish_run(lake, config)
    document = weeks_document(report_on, weeks, changes, today=presets.today(config.time_zone))
    folder = config.home / "reports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths = []
    for ending, text in (("html", as_html(document)), ("md", as_markdown(document))):
        path = folder / f"weeks-{report_on}.{ending}"
        beside = path.with_suffix(f".{ending}.tmp")
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
        paths.append(path)
    return WeeksReport(report_on, tuple(weeks), tuple(paths))


def _comparison_rows(report_on: date, weeks: Sequence[Week]) -> list[Row]:
    rows: list[Row] = []
    for week in weeks:
        for one in week.found.findings if week.found else ():
            assert week.found is not None
            values = (
                *(str(report_on), week.project, one.measure.name),
                *(str(week.a.since), str(week.a.until), str(week.b.since), str(week.b.until)),
                *(one.a_count, one.b_count),
                *(one.a.value, one.a.low, one.a.high),
                *(one.b.value, one.b.low, one.b.high),
                *(one.difference.value, one.difference.low, one.difference.high),
                *(one.effect, one.p, one.p_corrected, one.verdict),
                week.found.a_usd if week.found.is_a_priced else None,
                week.found.b_usd if week.found.is_b_priced else None,
                *(one.a_logged, one.b_logged),
                week.found.a_estimated_usd if week.found.is_a_priced else None,
                week.found.b_estimated_usd if week.found.is_b_priced else None,
            )
            rows.append(tuple(map(_known, values)))
    return rows


def _step_rows(report_on: date, weeks: Sequence[Week]) -> list[Row]:
    rows: list[Row] = []
    for week in weeks:
        for view, steps in week.found.steps.items() if week.found else ():
            for place, one in enumerate(steps):
                values = (
                    *(str(report_on), week.project, view, place, one.step.lane, one.step.part),
                    *(usd(one.step.a_picodollars), usd(one.step.b_picodollars), usd(one.step.difference_picodollars)),
                    *(one.low / 1e12, one.high / 1e12),
                )
                rows.append(tuple(map(_known, values)))
    return rows


def weeks_document(report_on: date, weeks: Sequence[Week], changes: Sequence[Change] = (), *, today: date) -> Document:
    """Return the nightly report as a document."""
    first = weeks[0] if weeks else None
    head = []
    if first is not None:
        head.append(f"A is the week {first.a.since} to {first.a.until}, B the week {first.b.since} to {first.b.until}.")
    if told := presets.earlier_weeks_in_words(report_on, today):
        head.append(told)
    sections = [Section("What is compared", head)]
    if changes:
        sections.append(Section("Changes that the watch found", [change_in_words(one) for one in changes[:10]]))
    for week in weeks:
        title = f"Project {week.project}" if week.project else "All projects"
        if week.found is None:
            sections.append(Section(title, [week.why_not]))
            continue
        counts = f"{len(week.found.a):,} sessions in A, {len(week.found.b):,} in B."
        is_priced = week.found.is_a_priced and week.found.is_b_priced
        grids: list[Grid] = [group_steps_grid(week.found.steps[week.found.telling_view])] if is_priced else []
        if week.found.is_large_enough:
            grids = [*findings_grids(week.found), *grids]
        sections.append(
            Section(
                title,
                [counts, *answer_section(week.found).sentences, *week.found.notes],
                chart=charts.waterfall(week.found.steps[week.found.telling_view], lost=lost_of_both(week.found)),
                chart_text="Steps from A's cost to B's",
                grids=grids,
            )
        )
    sections.append(method_section(None))
    return Document(f"The week to {report_on}", sections)
