"""How comparisons are asked for and leave the command line: drawn on the terminal, or as JSON.

What belongs here: reading two arguments, and forms. What does not: what is compared and how (`her_models.compare`).
"""

from __future__ import annotations

import math
from dataclasses import asdict
from functools import partial
from typing import Any

import duckdb
from rich import box
from rich.table import Table
from rich.text import Text

from app import terminal
from her_models.compare.commits import moment_of
from her_models.compare.groups import parse_group
from her_models.compare.matching import Matching, parse_match
from her_models.compare.pairs import PairComparison, compare_pair, usd
from her_models.compare.report import Document, Grid, group_document, pair_document
from her_models.compare.verdicts import GroupComparison, compare_groups
from her_models.errors import QueryError
from her_models.export import find_session


def compared(
    con: duckdb.DuckDBPyConnection, a: str, b: str, *, prices: str | None, matching: str, time_zone: str
) -> PairComparison | GroupComparison:
    """Compare two sessions, or two groups where both are written as conditions.

    Raises:
        QueryError: one is a group and the other is not, or one of them cannot be found or read.
    """
    if ("=" in a) != ("=" in b):
        raise QueryError("One of the two is a session and the other a group. Write session=ID for a group of one.")
    if "=" not in a:
        if matching:
            raise QueryError("Two sessions are not matched; their turns are laid side by side. Leave out --match.")
        return compare_pair(con, find_session(con, a), find_session(con, b), prices_of=prices)
    sides = (parse_group(side, time_zone=time_zone, moment_of=partial(moment_of, con)) for side in (a, b))
    return compare_groups(
        con,
        *sides,
        time_zone=time_zone,
        match_on=parse_match(matching),
        prices_of=prices,
    )


def document(found: PairComparison | GroupComparison) -> Document:
    """Return what a comparison says."""
    return pair_document(found) if isinstance(found, PairComparison) else group_document(found)


def as_json(found: PairComparison | GroupComparison) -> dict[str, Any]:
    """Return everything a comparison holds; what is not known is null."""
    is_priced = found.is_a_priced and found.is_b_priced
    told: dict[str, Any] = {
        "command": "compare",
        "mode": "one price list" if found.prices else "as billed",
        "price_id": found.prices.price_id if found.prices else None,
        "a_usd": found.a_usd if found.is_a_priced else None,
        "b_usd": found.b_usd if found.is_b_priced else None,
        "difference_usd": found.b_usd - found.a_usd if is_priced else None,
        "a_estimated_usd": found.a_estimated_usd if found.is_a_priced else None,
        "b_estimated_usd": found.b_estimated_usd if found.is_b_priced else None,
        "difference_estimated_usd": found.b_estimated_usd - found.a_estimated_usd if is_priced else None,
        "notes": found.notes,
    }
    told |= _pair(found) if isinstance(found, PairComparison) else _groups(found)
    return told


def _pair(found: PairComparison) -> dict[str, Any]:
    return {
        "a": dict(found.a.measures),
        "b": dict(found.b.measures),
        "steps": {
            view: [
                {
                    "step": step.name,
                    "a_usd": usd(step.a_picodollars),
                    "b_usd": usd(step.b_picodollars),
                    "difference_usd": usd(step.difference_picodollars),
                }
                for step in steps
            ]
            for view, steps in found.waterfalls.items()
        },
        "turns": [{"a": turn.a, "b": turn.b, "likeness_ratio": turn.likeness_ratio} for turn in found.turns],
        "things": [asdict(thing) for thing in found.things],
        "files": found.files,
    }


def _groups(found: GroupComparison) -> dict[str, Any]:
    return {
        "a": {"group": str(found.a.group), "sessions_count": len(found.a)},
        "b": {"group": str(found.b.group), "sessions_count": len(found.b)},
        "matched_on": list(found.matching.on) if found.matching else [],
        "matching": _matching(found.matching) if found.matching else None,
        "measures": [
            {
                "measure": one.measure.name,
                "unit": one.measure.unit,
                "a_sessions_count": one.a_count,
                "b_sessions_count": one.b_count,
                "a": _interval(one.a),
                "b": _interval(one.b),
                "a_logged_median": _number(one.a_logged),
                "b_logged_median": _number(one.b_logged),
                "difference": _interval(one.difference),
                "effect": _number(one.effect),
                "p": _number(one.p),
                "p_corrected": _number(one.p_corrected),
                "verdict": one.verdict,
                "is_better": one.is_better,
            }
            for one in found.findings
        ],
        "steps": {
            view: [
                {
                    "step": one.step.name,
                    "a_usd": usd(one.step.a_picodollars),
                    "b_usd": usd(one.step.b_picodollars),
                    "difference_usd": usd(one.step.difference_picodollars),
                    "low_usd": None if math.isnan(one.low) else one.low / 1e12,
                    "high_usd": None if math.isnan(one.high) else one.high / 1e12,
                }
                for one in steps
            ]
            for view, steps in found.steps.items()
        },
    }


def _matching(found: Matching) -> dict[str, Any]:
    """Return the pairs, and what was dropped on either side."""
    alike = found.likeness or (float("nan"),) * len(found)
    return {
        "pairs": [
            {"a": _identity(a), "b": _identity(b), "likeness_ratio": _number(one)}
            for a, b, one in zip(found.a.keys, found.b.keys, alike, strict=True)
        ],
        "dropped_a": [_identity(key) for key in found.dropped_a],
        "dropped_b": [_identity(key) for key in found.dropped_b],
        "without_task_count": found.without_task_count,
    }


def _identity(key: tuple[str, str]) -> dict[str, str]:
    return {"source_id": key[0], "session_id": key[1]}


def _interval(found: Any) -> dict[str, float | None]:
    return {"median": _number(found.value), "low": _number(found.low), "high": _number(found.high)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def draw(document: Document) -> None:
    """Draw a comparison on the terminal; method and limits are in the report's other forms."""
    for section in document.sections[:-1]:
        terminal.screen.print(Text(section.title, style="bold"))
        for sentence in section.sentences:
            terminal.screen.print(f"  {sentence}", markup=False, soft_wrap=True)
        for grid in section.grids:
            if grid.rows:
                _draw_grid(grid)
        terminal.screen.print()
    terminal.screen.print("Method and limits: add --md or --html.", style="dim")


def _draw_grid(grid: Grid) -> None:
    drawn = Table(box=box.SIMPLE_HEAD, title=grid.note or None, title_justify="left", title_style="dim")
    for place, name in enumerate(grid.heading):
        drawn.add_column(
            name,
            justify="right" if place in grid.numbers else "left",
            no_wrap=place in grid.numbers,
            overflow="ellipsis",
        )
    for row in grid.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    terminal.screen.print(drawn)
