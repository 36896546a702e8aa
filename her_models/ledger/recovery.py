"""Output that the log lost, estimated from what the log kept.

Many versions log only the figure with which a response began. Two witnesses know better: the visible content
of the response, and the growth of the next prompt, which holds the response again. Each has an error of
its own; the estimate weighs them by it, and never falls below what was logged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_VISIBLE_RELATIVE = 0.08  # standard errors, measured on responses whose output is known: bench/recovery.py
_VISIBLE_TOKENS = 6.0
_GROWTH_RELATIVE = 0.16
_GROWTH_TOKENS = 30.0
_SHARED_RELATIVE = 0.03
_WIDTH = 2.0  # standard errors on each side of the stated interval


@dataclass(frozen=True)
class Witness:
    """What is known of one response besides the logged figure, in tokens.

    visible   estimate from its content; 0 when the log shows none of it
    growth    next prompt minus this one, or None where the next prompt does not extend it
    others    estimate of the other new blocks in that growth
    is_partial_view  thinking is known to be missing from `visible`
    """

    logged: int
    is_complete: bool
    visible: int
    growth: int | None
    others: int
    is_partial_view: bool = False


@dataclass(frozen=True)
class Output:
    """A response's output: the best estimate, its interval, and whether the log's own figure stands."""

    tokens: int
    low: int
    high: int
    is_logged: bool


def recovered_output(witness: Witness) -> Output:
    """Return the best estimate of one response's output tokens.

    A logged figure stands when the log says that the response ended and its content does not contradict it.
    """
    if _is_credible(witness):
        return Output(witness.logged, witness.logged, witness.logged, True)
    return estimated_output(witness)


def estimated_output(witness: Witness) -> Output:
    """Return the estimate alone; the logged figure is only a lower bound for it."""
    estimates: list[tuple[float, float]] = []
    if witness.visible > 0:
        error = _VISIBLE_RELATIVE * witness.visible + _VISIBLE_TOKENS
        estimates.append((float(witness.visible), error * (4.0 if witness.is_partial_view else 1.0)))
    if witness.growth is not None and witness.growth > witness.others * 0.5:
        error = _GROWTH_RELATIVE * witness.others + _GROWTH_TOKENS
        estimates.append((float(witness.growth - witness.others), error))
    if not estimates:
        return Output(witness.logged, witness.logged, witness.logged, False)
    if len(estimates) == 2 and abs(estimates[0][0] - estimates[1][0]) > 3 * (estimates[0][1] + estimates[1][1]):
        # They contradict each other: hidden content came in with the growth, or thinking was not sent again.
        estimates = estimates[:1]
    weights = [1 / error**2 for _, error in estimates]
    central = sum(value * weight for (value, _), weight in zip(estimates, weights, strict=True)) / sum(weights)
    error = math.sqrt(1 / sum(weights))
    tokens = max(round(central), witness.logged)
    low = max(math.floor(central - _WIDTH * error), witness.logged)
    return Output(tokens, low, max(math.ceil(central + _WIDTH * error), tokens), False)


def _is_credible(witness: Witness) -> bool:
    if witness.logged <= 0:
        return False
    enough = witness.visible - 2 * (_VISIBLE_RELATIVE * witness.visible + _VISIBLE_TOKENS)
    if witness.is_complete:
        return witness.logged >= 0.5 * enough
    # No line says that it ended; a figure that its whole content explains is taken for the final one.
    return witness.visible > 0 and witness.logged >= enough and witness.logged > 16


def sum_interval(outputs: Sequence[Output]) -> tuple[int, int, int]:
    """Return (estimate, low, high) of a sum.

    Errors of single responses are taken as independent; a density that is off is an error they share.
    """
    total = sum(output.tokens for output in outputs)
    shared = _SHARED_RELATIVE * sum(output.tokens for output in outputs if not output.is_logged)
    half = shared + math.sqrt(sum(((output.high - output.low) / 2) ** 2 for output in outputs))
    least = sum(output.low if output.is_logged else 0 for output in outputs)
    return total, max(math.floor(total - half), least), math.ceil(total + half)
