"""How comparisons leave the command line: drawn on the terminal, or as JSON.

What belongs here: forms. What does not: what is compared and how (`her_models.compare`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from app import terminal
from app.format import one_line
from her_models.compare.pairs import PairComparison, TurnPair, usd

_USD = pa.decimal128(38, 12)
_FILES_SHOWN = 12


def pair_as_json(found: PairComparison) -> dict[str, Any]:
    """Return everything a comparison of two sessions holds."""
    return {
        "command": "compare",
        "mode": f"price list {found.prices.price_id}" if found.prices else "as billed",
        "a": dict(found.a.measures),
        "b": dict(found.b.measures),
        "a_usd": found.a_usd,
        "b_usd": found.b_usd,
        "difference_usd": found.b_usd - found.a_usd,
        "waterfalls": {
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
        "things": [vars(thing) for thing in found.things],
        "files": found.files,
        "notes": found.notes,
    }


def draw_pair(found: PairComparison) -> None:
    """Draw a comparison of two sessions on the terminal."""
    steps = [step for step in found.waterfalls["cause"] if step.difference_picodollars]
    rows = pa.table(
        {
            "step": [step.name for step in steps],
            "A_usd": pa.array([usd(step.a_picodollars) for step in steps], _USD),
            "B_usd": pa.array([usd(step.b_picodollars) for step in steps], _USD),
            "difference_usd": pa.array([usd(step.difference_picodollars) for step in steps], _USD),
        }
    )
    total = {
        "step": "total",
        "A_usd": found.a_usd,
        "B_usd": found.b_usd,
        "difference_usd": found.b_usd - found.a_usd,
    }
    mode = f"at the price list of {found.prices.model}" if found.prices else "as billed"
    terminal.draw(rows, title=f"From A to B, {mode}", total=total)
    terminal.draw(_turn_rows(found.turns), title="Turns side by side")
    if found.files:
        terminal.draw(_file_rows(found.files[:_FILES_SHOWN]), title="Files, the dearest difference first")
    for note in found.notes:
        terminal.screen.print(note, markup=False, soft_wrap=True)


def _turn_rows(turns: list[TurnPair]) -> pa.Table:
    def values(side: str, name: str) -> list[Any]:
        return [None if (row := getattr(turn, side)) is None else row[name] for turn in turns]

    prompts = [one_line(str((turn.a or turn.b or {}).get("prompt") or ""), 40) for turn in turns]
    return pa.table(
        {
            "prompt": prompts,
            "alike_ratio": pa.array([turn.likeness_ratio for turn in turns], pa.float64()),
            "A_turn_index": pa.array(values("a", "turn_index"), pa.int64()),
            "B_turn_index": pa.array(values("b", "turn_index"), pa.int64()),
            "A_context_tokens": pa.array(values("a", "peak_context_tokens"), pa.int64()),
            "B_context_tokens": pa.array(values("b", "peak_context_tokens"), pa.int64()),
            "A_usd": pa.array(values("a", "incurred_usd"), _USD),
            "B_usd": pa.array(values("b", "incurred_usd"), _USD),
        }
    )


def _file_rows(files: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {
            "path": [row["path"] for row in files],
            "only": [row["only"] for row in files],
            "A_reads_count": [row["a_reads_count"] for row in files],
            "B_reads_count": [row["b_reads_count"] for row in files],
            "difference_usd": pa.array(
                [(row["b_lifetime_usd"] or Decimal(0)) - (row["a_lifetime_usd"] or Decimal(0)) for row in files], _USD
            ),
        }
    )
