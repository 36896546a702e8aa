"""Charts of comparisons as Vega-Lite, for the page and for reports; a chart computes nothing but positions.

Green is cheaper, vermilion dearer (Okabe and Ito's, told apart by any eye), grey a whole. Text is grey too, so that a
chart can stand on a light and on a dark ground.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from her_models.compare import words
from her_models.compare.groups import Members
from her_models.compare.verdicts import Finding, GroupStep
from her_models.compare.waterfall import PICODOLLARS, Step

Spec = dict[str, Any]

LESS, MORE, WHOLE = "#009E73", "#D55E00", "#8A8F98"
SIDES = ("#0072B2", "#E69F00")
_TEXT = "#7B818C"
_STEPS_SHOWN = 12
_CONFIG: Spec = {
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "labelColor": _TEXT,
        "titleColor": _TEXT,
        "gridColor": "#8A8F9833",
        "domainColor": "#8A8F9866",
        "tickColor": "#8A8F9866",
        "labelFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 240,
    },
    "legend": {"labelColor": _TEXT, "titleColor": _TEXT, "labelFontSize": 12},
    "text": {"color": _TEXT},
}


def waterfall(
    steps: Sequence[Step | GroupStep], *, lost: tuple[int, int] = (0, 0), width: int | str = "container"
) -> Spec | None:
    """Steps from A to B as bars that begin where the one before ended; None when nothing differs.

    A and B are as logged; with `lost`, picodollars of output, their names say so, with the best estimate. The largest
    steps are drawn each, the rest as one. A thin line is the 95 % interval, where there is one.
    """
    known = [one if isinstance(one, GroupStep) else GroupStep(one, float("nan"), float("nan")) for one in steps]
    moving = [one for one in known if one.step.difference_picodollars]
    if not moving:
        return None
    start = sum(one.step.a_picodollars for one in known if one.step.lane != "sessions")
    start -= sum(one.step.difference_picodollars for one in known if one.step.lane == "sessions")
    ranked = sorted(moving, key=lambda one: -abs(one.step.difference_picodollars))
    kept = set(map(id, ranked[:_STEPS_SHOWN]))
    rest = sum(one.step.difference_picodollars for one in moving if id(one) not in kept)
    rows = [_whole("A", start, lost[0])]
    at = start
    for one in moving:
        if id(one) in kept:
            rows.append(_bar(words.step_name(one.step), at, one.step.difference_picodollars, one.low, one.high))
            at += one.step.difference_picodollars
    if rest:
        rows.append(_bar("All others", at, rest, float("nan"), float("nan")))
        at += rest
    rows.append(_whole("B", at, lost[1]))
    names = [row["name"] for row in rows]
    y = {"field": "name", "type": "nominal", "sort": names, "title": None, "axis": {"domain": False, "ticks": False}}
    x = {
        "field": "from",
        "type": "quantitative",
        "title": "US dollars",
        "axis": {"format": "$,~f", "tickCount": 6},
        "scale": {"zero": False},
    }
    tips = [
        {"field": "name", "title": "Step"},
        {"field": "words", "title": "Difference"},
        {"field": "interval", "title": "95 % interval"},
    ]
    colour = {
        "field": "direction",
        "type": "nominal",
        "scale": {"domain": ["more", "less", "whole"], "range": [MORE, LESS, WHOLE]},
        "legend": None,
    }
    bars = {
        "mark": {"type": "bar", "height": {"band": 0.62}},
        "encoding": {"y": y, "x": x, "x2": {"field": "to"}, "color": colour, "tooltip": tips},
    }
    ends = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "color": _TEXT, "strokeWidth": 1.5},
        "encoding": {"y": y, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}},
    }
    labels = {
        "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 12},
        "encoding": {"y": y, "x": {"field": "right", "type": "quantitative"}, "text": {"field": "words"}},
    }
    return _spec(rows, [bars, ends, labels], width=width, height={"step": 26})


def _whole(name: str, at: int, lost: int) -> Spec:
    value = at / PICODOLLARS
    told = words.bill(value, (at + lost) / PICODOLLARS)
    return {"name": name, "from": 0.0, "to": value, "right": value, "direction": "whole", "words": told}


def _bar(name: str, at: int, difference: int, low: float, high: float) -> Spec:
    start, end = at / PICODOLLARS, (at + difference) / PICODOLLARS
    row: Spec = {"name": name, "from": start, "to": end, "direction": "more" if difference > 0 else "less"}
    row["words"] = words.usd(difference / PICODOLLARS, is_signed=True)
    row["right"] = max(start, end)
    if not np.isnan(low):
        row |= {"low": start + low / PICODOLLARS, "high": start + high / PICODOLLARS}
        row["interval"] = (
            f"{words.usd(low / PICODOLLARS, is_signed=True)} to {words.usd(high / PICODOLLARS, is_signed=True)}"
        )
        row["right"] = max(row["right"], row["high"])
    return row


def differences(findings: Sequence[Finding], *, width: int | str = "container") -> Spec | None:
    """Each measure's difference in per cent of A's median, with its interval; None when none can be told so."""
    rows: list[Spec] = []
    for one in findings:
        base = one.a.value
        if not base or np.isnan(one.difference.low) or np.isnan(base):
            continue
        good = {True: "better", False: "worse", None: "open"}[one.is_better]
        rows.append(
            {
                "name": one.measure.label,
                "value": one.difference.value / base,
                "low": min(one.difference.low / base, one.difference.high / base),
                "high": max(one.difference.low / base, one.difference.high / base),
                "verdict": one.verdict,
                "good": good if one.verdict in ("higher", "lower") else "open",
            }
        )
    if not rows:
        return None
    y = {
        "field": "name",
        "type": "nominal",
        "sort": [row["name"] for row in rows],
        "title": None,
        "axis": {"domain": False, "ticks": False},
    }
    colour = {
        "field": "good",
        "type": "nominal",
        "scale": {"domain": ["better", "worse", "open"], "range": [LESS, MORE, WHOLE]},
        "legend": None,
    }
    # One measure that varies without bound would squeeze all others.
    bound = min(max(max(abs(row["low"]), abs(row["high"])) for row in rows), 3.0)
    first, last = -min(bound, 1.0), bound
    scale = {"domain": [first, last], "clamp": True}
    zero = {"data": {"values": [{"x": 0}]}, "mark": {"type": "rule", "color": _TEXT, "strokeDash": [3, 3]}}
    zero["encoding"] = {"x": {"field": "x", "type": "quantitative"}}
    tips = [{"field": "name", "title": "Measure"}, {"field": "verdict", "title": "In B"}]
    x = {
        "field": "low",
        "type": "quantitative",
        "scale": scale,
        "title": "B against A, per cent of A's median",
        "axis": {"format": "+%", "tickCount": 8},
    }
    lines = {
        "mark": {"type": "rule", "strokeWidth": 3, "opacity": 0.55},
        "encoding": {"y": y, "x": x, "x2": {"field": "high"}, "color": colour, "tooltip": tips},
    }
    points = {
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
        "encoding": {
            "y": y,
            "x": {"field": "value", "type": "quantitative", "scale": scale},
            "color": colour,
            "tooltip": tips,
        },
    }
    for row in rows:
        row |= _beyond(row, first, last)
    edges = [
        {
            "transform": [{"filter": f"isValid(datum.{side}_words)"}],
            "mark": {"type": "text", "align": align, "dx": dx, "dy": -8, "fontSize": 11},
            "encoding": {"y": y, "x": {"datum": end}, "text": {"field": f"{side}_words"}, "tooltip": tips},
        }
        for side, align, dx, end in (
            ("left", "left", 2, first),
            ("right", "right", -2, last),
        )
    ]
    return _spec(rows, [zero, lines, points, *edges], width=width, height={"step": 24})


def _beyond(row: Spec, left: float, right: float) -> Spec:
    """Return how far a line goes where it leaves the chart, to stand at that edge."""
    told: Spec = {}
    if row["low"] < left:
        told["left_words"] = f"◂ {_up_to(row['value'], row['low'], is_beyond=row['value'] < left)}"
    if row["high"] > right:
        told["right_words"] = f"{_up_to(row['value'], row['high'], is_beyond=row['value'] > right)} ▸"
    return told


def _up_to(value: float, end: float, *, is_beyond: bool) -> str:
    """Write the end of an interval, after the value where that is off the chart too."""
    return f"{words.percent(value)}, to {words.percent(end)}" if is_beyond else words.percent(end)


def spread(a: Members, b: Members, *, width: int | str = "container") -> Spec | None:
    """Cost per turn of every session of both groups, on a scale of powers of ten; None when none has both."""
    rows = []
    for side, members in (("A", a), ("B", b)):
        cost = members.figures("estimated_usd")
        turns = members.figures("answered_turns_count")
        for value, count in zip(cost, turns, strict=True):
            if count > 0 and value > 0:
                rows.append({"side": side, "value": float(value / count)})
    if not rows:
        return None
    layer = {
        "mark": {"type": "tick", "thickness": 2, "opacity": 0.65},
        "encoding": {
            "x": {
                "field": "value",
                "type": "quantitative",
                "scale": {"type": "log", "nice": False},
                "title": "US dollars per turn, best estimate, one mark per session",
                "axis": {"format": "$~g", "tickCount": 6},
            },
            "y": {"field": "side", "type": "nominal", "title": None, "axis": {"domain": False, "ticks": False}},
            "color": {
                "field": "side",
                "type": "nominal",
                "scale": {"domain": ["A", "B"], "range": list(SIDES)},
                "legend": None,
            },
            "tooltip": [{"field": "value", "type": "quantitative", "format": "$,.4f"}],
        },
    }
    return _spec(rows, [layer], width=width, height={"step": 34})


def _spec(rows: list[Spec], layers: list[Spec], *, width: int | str, height: Spec) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "layer": layers,
        "width": width,
        "height": height,
        "config": _CONFIG,
    }


def svg(spec: Spec) -> str:
    """Draw a chart as SVG text, with nothing fetched from anywhere."""
    import vl_convert

    # Whoever opens the file may have wider letters than those the chart was measured with.
    longest = max((len(str(row.get("words", ""))) for row in spec["data"]["values"]), default=0)
    room = {"left": 40, "right": 20 + 2 * longest, "top": 4, "bottom": 4}
    drawn: str = vl_convert.vegalite_to_svg({**spec, "width": 620, "padding": room})
    return drawn
