"""How figures and steps of a comparison are written, on the terminal, in a report and on a page.

What belongs here: pure functions from values to words. What does not: what is said (`report`), or marking it up.
"""

from __future__ import annotations

import math
from decimal import Decimal

from her_models.compare.statistics import Interval
from her_models.compare.verdicts import Finding, Unit
from her_models.compare.waterfall import Step
from her_models.waste_report.words import LABELS

UNKNOWN = "–"
_KINDS = {
    "prompt": "Prompts",
    "command": "Commands",
    "thinking": "Thinking",
    "text": "Answers",
    "tool_call": "Tool calls",
    "tool_result": "Tool results",
    "tool_schema": "Tool schemas",
    "system": "System prompt and tools",
    "memory": "CLAUDE.md and memory",
    "listing": "Listings of skills, tools and servers",
    "image": "Images",
    "document": "Documents",
    "reminder": "Reminders",
    "compact_summary": "Compaction summaries",
    "interruption": "Interruptions",
    "hidden": "What no line shows",
}
_PREMIUMS = {"P1": "Fast mode", "P2": "Geography", "P3": "Long-context band", "batch": "Batch discount"}
_LANES = {
    "prices": "Prices",
    "content": "Content",
    "cache": "Missed cache",
    "premium": "Premiums",
    "fees": "Fees",
    "sessions": "Number of sessions",
}


def step_name(step: Step) -> str:
    """Name a step of a waterfall."""
    if step.lane == "sessions":
        return "More sessions" if step.difference_picodollars > 0 else "Fewer sessions"
    if not step.part:
        return _LANES[step.lane]
    if step.lane == "prices":
        return f"Prices of {step.part}"
    if step.lane == "content":
        label = LABELS.get(step.part)
        if label:
            return f"{label} ({step.part})" if step.part.startswith("C") else label
        return _KINDS.get(step.part, step.part.replace("_", " ").capitalize())
    if step.lane == "cache":
        return f"{LABELS.get(step.part, 'Cache miss')} ({step.part})"
    return f"{_PREMIUMS.get(step.part, step.part)}"


def kind_name(kind: str) -> str:
    """Name a kind of content."""
    return _KINDS.get(kind, kind.replace("_", " ").capitalize())


def usd(amount: Decimal | float | None, *, is_signed: bool = False) -> str:
    """Write US dollars, to the cent from ten cents on, else to four digits; with a sign if it is a difference."""
    if amount is None or (isinstance(amount, float) and math.isnan(amount)):
        return UNKNOWN
    value = abs(float(amount))
    sign = "−" if amount < 0 else "+" if is_signed and amount > 0 else ""
    if value == 0:
        return "$0.00"
    if value < 0.0001:
        return f"{sign}< $0.0001"
    return f"{sign}${value:.4f}" if value < 0.1 else f"{sign}${value:,.2f}"


def bill(at_least: Decimal | float, estimated: Decimal | float) -> str:
    """Write a bill; where the log lost output that can be seen in it, as at least and best estimate."""
    logged, best = usd(at_least), usd(estimated)
    return logged if logged == best else f"at least {logged}, best estimate {best}"


def bill_of(at_least: Decimal, estimated: Decimal, *, is_priced: bool) -> str:
    """Write the bill of a side; what has no price cost an unknown amount, not none."""
    return bill(at_least, estimated) if is_priced else "cost unknown"


def figure(value: float, unit: Unit, *, is_signed: bool = False) -> str:
    """Write a figure in its unit."""
    if math.isnan(value):
        return UNKNOWN
    if unit == "usd":
        return usd(value, is_signed=is_signed)
    sign = "−" if value < 0 else "+" if is_signed and value > 0 else ""
    size = abs(value)
    if unit == "ratio":
        return f"{sign}{size:.1%}" if not is_signed else f"{sign}{size * 100:.1f} points"
    if unit == "seconds":
        return sign + _duration(size)
    if unit == "tokens" or size >= 10_000:
        for limit, ending in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
            if size >= limit:
                return f"{sign}{size / limit:.1f}{ending}"
        return f"{sign}{size:.0f}"
    return f"{sign}{size:.3g}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def interval(found: Interval, unit: Unit, *, is_signed: bool = False) -> str:
    """Write an interval: from … to …."""
    if math.isnan(found.low):
        return UNKNOWN
    low, high = (figure(end, unit, is_signed=is_signed) for end in (found.low, found.high))
    ending = " points"
    return f"{low.removesuffix(ending)} to {high}" if high.endswith(ending) else f"{low} to {high}"


def counted(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def percent(ratio: float, *, is_signed: bool = True) -> str:
    """Write a ratio as a percentage."""
    if math.isnan(ratio):
        return UNKNOWN
    sign = "−" if ratio < 0 else "+" if is_signed and ratio > 0 else ""
    return f"{sign}{abs(ratio):.0%}"


def chance(p: float) -> str:
    """Write a chance."""
    return UNKNOWN if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"


def effect_size(effect: float) -> str:
    """Write an effect size with the usual word for it (Cliff's delta: 0.147, 0.33, 0.474)."""
    if math.isnan(effect):
        return UNKNOWN
    size = abs(effect)
    word = "negligible" if size < 0.147 else "small" if size < 0.33 else "medium" if size < 0.474 else "large"
    return f"{'−' if effect < 0 else '+' if effect > 0 else ''}{size:.2f}, {word}"


def is_estimated(found: Finding) -> bool:
    """Whether the best estimate reads otherwise than what was logged."""
    pairs = ((found.a.value, found.a_logged), (found.b.value, found.b_logged))
    return any(figure(told, found.measure.unit) != figure(logged, found.measure.unit) for told, logged in pairs)


def sentence(found: Finding) -> str:
    """Say what was found about a measure, with interval and numbers."""
    name, unit = found.measure.label, found.measure.unit
    counts = f"{found.a_count:,} against {found.b_count:,} sessions"
    if found.verdict == "too few sessions":
        return f"{name}: no verdict, too few sessions ({counts}; {5} of each are needed)."
    if found.verdict == "not comparable":
        return f"{name}: not compared, the models count tokens differently."
    if found.verdict == "output was lost":
        return (
            f"{name}: no verdict. It differs at best estimate (median {figure(found.a.value, unit)} in A,"
            f" {figure(found.b.value, unit)} in B), but the log lost so much output that at the ends of the estimate it"
            f" need not; {counts}."
        )
    medians = f"median {figure(found.a.value, unit)} in A, {figure(found.b.value, unit)} in B"
    if is_estimated(found):
        medians += f" at best estimate, {figure(found.a_logged, unit)} and {figure(found.b_logged, unit)} as logged"
    within = f"95 % interval of the difference {interval(found.difference, unit, is_signed=True)}; {counts}"
    if found.verdict == "no difference shown":
        # An interval that leaves out zero is not enough: what else it takes says why.
        if found.is_within_error:
            within += "; under a hundredth, which the estimate of it can be off by"
        elif found.difference.is_clear:
            within += f"; corrected chance {chance(found.p_corrected)}"
        return f"{name}: no difference shown ({medians}; {within})."
    better = {True: ", which is better", False: ", which is worse", None: ""}[found.is_better]
    return f"{name}: {found.verdict} in B{better} ({medians}; {within}; corrected chance {chance(found.p_corrected)})."
