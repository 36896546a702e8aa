"""Output that the log lost: what its best estimate, and the ends of that, add to the tokens and the cost of sessions.

What belongs here: from columns of `session_comparison` to amounts beyond what was logged. What does not: how output is
estimated (`ledger`), or what is concluded from it (`verdicts`).

Many clients logged the figure with which a response began. Sessions told as logged would then differ by their clients'
logs, not by their work; so they are told at best estimate, and what was logged stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from her_models.compare.groups import Floats, Members
from her_models.compare.waterfall import PriceRow

End = Literal["estimated", "low", "high"]
ENDS: tuple[End, ...] = ("estimated", "low", "high")
_USD = {"estimated": "estimated_usd", "low": "estimated_low_usd", "high": "estimated_high_usd"}


@dataclass(frozen=True, eq=False)
class LostOutput:
    """What each session lost, by end of the estimate: output tokens, and their price in whole picodollars."""

    tokens: Mapping[End, Floats]
    picodollars: Mapping[End, npt.NDArray[np.int64]]

    @property
    def is_some(self) -> bool:
        """Whether any session lost output."""
        return bool(self.tokens["high"].any())


def lost_output(members: Members, list_row: PriceRow | None = None) -> LostOutput:
    """Return what the sessions' logs lost of output, priced as each response was, or at one price list."""
    tokens = {end: lost_tokens(members, end) for end in ENDS}
    if list_row is not None:
        return LostOutput(tokens, {end: tokens[end].astype(np.int64) * list_row.output for end in ENDS})
    billed = members.column("billed_usd")
    return LostOutput(
        tokens,
        {end: np.array(list(map(lost_picodollars, members.column(_USD[end]), billed)), dtype=np.int64) for end in ENDS},
    )


def lost_tokens(members: Members, end: End) -> Floats:
    """Return how many tokens of output each session had beyond those logged."""
    beyond = members.figures(f"output_{end}_tokens") - members.figures("output_tokens")
    return np.asarray(np.maximum(np.nan_to_num(beyond), 0), np.float64)


def lost_picodollars(told: Decimal | None, billed: Decimal | None) -> int:
    """Return what a session's cost is beyond its bill; nothing where either is unknown."""
    return 0 if told is None or billed is None else max(int((told - billed).scaleb(12)), 0)


def lost_of(measures: Mapping[str, Any], list_row: PriceRow | None = None) -> int:
    """Return what one session lost at best estimate, picodollars, given its row of `session_comparison`."""
    if list_row is None:
        return lost_picodollars(measures["estimated_usd"], measures["billed_usd"])
    beyond = (measures["output_estimated_tokens"] or 0) - (measures["output_tokens"] or 0)
    return max(int(beyond), 0) * list_row.output


def estimated_share(members: Members) -> tuple[int, int]:
    """Return how many responses lost their output, and how many there are."""
    return sum(map(int, members.column("estimated_requests_count"))), sum(map(int, members.column("requests_count")))
