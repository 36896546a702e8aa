"""Charts of the ledger: the context of a thread over its requests, bars of what things cost, the lanes of a bill.

What belongs here: rows of `ledger_reports` made ready for Vega, and colours of what only the ledger knows. What does
not: charts of bills and events (`charts`), or where on a page a chart stands.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa

from app import charts, format, kinds
from app.charts import Drawing, legend
from app.kinds import CONTEXT_KINDS
from her_models.ledger_reports import Lanes

USUAL_WINDOW_TOKENS = 200_000
LARGE_WINDOW_TOKENS = 1_000_000
CLASSES = {"exact": "#0072B2", "estimated": "#56B4E9", "residual": "#A8A29E", "never sent": "#CC79A7"}
LANES = {
    "content_usd": ("Content", "#0072B2"),
    "cache_excess_usd": ("Cache misses", "#D55E00"),
    "premium_usd": ("Premiums", "#CC79A7"),
    "fees_usd": ("Fees", "#B8A500"),
}

_OTHER = ("Other", "#E7E5E4")
_MISS, _CUT, _WASTE = "#D55E00", "#B8A500", "#C44BBB"
_NEAR_WINDOW = 0.05  # of the window; beside it a shorter prompt would be a line
_BARS_SHOWN = 15
# Paths differ at their ends.
_END_OF_LABEL = "length(datum.label) > 50 ? '…' + slice(datum.label, -48) : datum.label"
_COLUMNS_DRAWN = 400  # more requests than that are thinner than a pixel; the longest prompt of each stretch stays
_TIGHT = {"left": 0, "top": 0, "right": 4, "bottom": 0}
_CUTS = {
    "compact": "Compaction",
    "clear": "Cleared",
    "rewind": "Rewound",
    "collapse": "Context collapsed, unmarked",
    "start": "Start",
}


def kind_name(kind: str | None) -> str:
    """Name of a kind of content, with those that only the ledger knows."""
    return CONTEXT_KINDS[kind][0] if kind in CONTEXT_KINDS else kinds.kind_name(kind)


def shows_window(peak: int) -> bool:
    """Say whether the window is drawn: not where it would leave nothing to be seen of the prompts."""
    return peak > window_tokens(peak) * _NEAR_WINDOW


def window_tokens(peak_tokens: int) -> int:
    """Return the window assumed for prompts as long as `peak_tokens`; no log names it."""
    return USUAL_WINDOW_TOKENS if peak_tokens <= USUAL_WINDOW_TOKENS else LARGE_WINDOW_TOKENS


def context(requests: pa.Table, contexts: pa.Table, waste: pa.Table | None = None) -> Drawing | None:
    """Stack what each prompt of one thread was made of; None when no prompt of it is known.

    `requests` are the rows of `ledger_reports.requests` of the thread in order, `contexts` those of `contexts`; `waste`
    are rows of `waste_report.questions.by_request`: a line shows how much of each prompt was waste, a mark where it
    began.
    """
    frame = requests.to_pandas()
    parts = contexts.select(["request_id", "kind", "tokens", "missed_tokens"]).to_pandas()
    if frame.empty or parts.empty:
        return None
    frame["number"] = range(1, len(frame) + 1)
    peak = int(frame["prompt_tokens"].max())
    limit = window_tokens(peak)
    stacked = _stacked(_thinned(frame), parts)
    rows = pd.concat([stacked, _marks(frame), _wasted(frame, waste)], ignore_index=True)
    rows["limit"] = limit
    present = [name for name, _ in [*CONTEXT_KINDS.values(), _OTHER] if name in set(stacked["name"])]
    colours = dict([*CONTEXT_KINDS.values(), _OTHER])
    across = alt.Scale(domain=[0.5, len(frame) + 0.5], nice=False, zero=False)
    numbers = alt.Axis(grid=False, tickMinStep=1, format="d")
    x = alt.X("number:Q", title="Request", scale=across, axis=numbers)
    is_near = shows_window(peak)
    y = alt.Scale(domain=[0, max(limit * 1.04, peak * 1.1) if is_near else max(peak, 1) * 1.25], nice=False)
    base = alt.Chart()
    bars = (
        base.transform_filter("datum.layer == 'part'")
        .mark_rect()
        .encode(
            x=alt.X("left:Q", title="Request", scale=across, axis=numbers),
            x2="right:Q",
            y=alt.Y("low:Q", title="Tokens of the prompt", scale=y, axis=alt.Axis(format="~s", domain=False)),
            y2="high:Q",
            color=alt.Color(
                "name:N",
                title=None,
                scale=alt.Scale(domain=present, range=[colours[name] for name in present]),
                legend=legend(),
            ),
            tooltip=[
                alt.Tooltip("number:Q", title="Request", format="d"),
                alt.Tooltip("name:N", title="Kind"),
                alt.Tooltip("tokens:Q", title="Tokens", format=",d"),
                alt.Tooltip("prompt_tokens:Q", title="Prompt", format=",d"),
                alt.Tooltip("billed:N", title="Billed"),
            ],
        )
    )
    layers = [bars]
    if is_near:
        layers.append(
            base.transform_aggregate(window="max(limit)")
            .mark_rule(strokeDash=[4, 4], color="#D55E00", strokeWidth=1)
            .encode(y=alt.Y("window:Q", scale=y), tooltip=alt.Tooltip("window:Q", title="Window, assumed", format=",d"))
        )
    cuts = base.transform_filter("datum.layer == 'cut'")
    layers.append(
        cuts.mark_rule(color=_CUT, strokeWidth=2).encode(
            x=x, tooltip=[alt.Tooltip("number:Q", title="Request", format="d"), alt.Tooltip("name:N", title="Cut")]
        )
    )
    misses = base.transform_filter("datum.layer == 'miss'")
    layers.append(
        misses.mark_point(shape="triangle-down", filled=True, size=70, color=_MISS, opacity=1, yOffset=-8).encode(
            x=x,
            y=alt.Y("prompt_tokens:Q", scale=y),
            tooltip=[
                alt.Tooltip("number:Q", title="Request", format="d"),
                alt.Tooltip("name:N", title="Miss"),
                alt.Tooltip("confidence:N", title="Label"),
                alt.Tooltip("tokens:Q", title="Tokens missed", format=",d"),
                alt.Tooltip("billed:N", title="Excess"),
            ],
        )
    )
    wasted = base.transform_filter("datum.layer == 'waste'")
    layers.append(
        wasted.mark_line(interpolate="step", color=_WASTE, strokeWidth=2).encode(
            x=x, y=alt.Y("tokens:Q", scale=y), tooltip=[alt.Tooltip("tokens:Q", title="Of it waste", format=",d")]
        )
    )
    layers.append(
        wasted.transform_filter("isValid(datum.name)")
        .mark_point(shape="diamond", filled=True, size=60, color=_WASTE, opacity=1)
        .encode(
            x=x,
            y=alt.Y("tokens:Q", scale=y),
            tooltip=[
                alt.Tooltip("number:Q", title="Request", format="d"),
                alt.Tooltip("name:N", title="Waste begins"),
                alt.Tooltip("billed:N", title="Cost in all"),
            ],
        )
    )
    return _layered(rows, alt.layer(*layers).properties(height=330, padding=_TIGHT))


def bars(found: pa.Table, names: dict[str, str] | None = None) -> Drawing | None:
    """Horizontal bars of `lifetime_usd` by `group_name`, split by class of size; None when nothing has a price."""
    rows = found.select(["group_name", "size_class", "lifetime_usd"]).to_pandas()
    rows["usd"] = pd.to_numeric(rows.pop("lifetime_usd"), errors="coerce").astype("float64")
    rows = rows[rows["usd"] > 0]
    if rows.empty:
        return None
    rows["name"] = [(names or {}).get(name) or format.one_line(str(name), 200) for name in rows["group_name"]]
    order = list(rows.groupby("name")["usd"].sum().sort_values(ascending=False).index[:_BARS_SHOWN])
    rows = rows[rows["name"].isin(order)].groupby(["name", "size_class"], as_index=False)["usd"].sum()
    present = [name for name in CLASSES if name in set(rows["size_class"])]
    rows["place"] = rows["size_class"].map({name: place for place, name in enumerate(CLASSES)})
    rows["written"] = [format.usd(usd) for usd in rows["usd"]]
    sums = rows.groupby("name", as_index=False)["usd"].sum().rename(columns={"usd": "whole"})
    sums["total"] = [format.usd(usd) for usd in sums["whole"]]
    rows = pd.concat([rows.assign(layer="bar"), sums.assign(layer="sum", size_class=None)], ignore_index=True)
    y = alt.Y(
        "name:N",
        sort=order,
        title=None,
        axis=alt.Axis(domain=False, ticks=False, labelLimit=400, labelPadding=6, labelExpr=_END_OF_LABEL),
    )
    whole = float(sums["whole"].max())
    scale = alt.Scale(domain=[0, whole * 1.12], nice=False)
    drawn = (
        alt.Chart()
        .transform_filter("datum.layer == 'bar'")
        .mark_bar(height={"band": 0.72})
        .encode(
            y=y,
            x=alt.X("usd:Q", title=None, axis=None, scale=scale),
            color=alt.Color(
                "size_class:N",
                title=None,
                scale=alt.Scale(domain=present, range=[CLASSES[name] for name in present]),
                legend=legend(offset=6),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("name:N", title="Of"),
                alt.Tooltip("size_class:N", title="Class"),
                alt.Tooltip("written:N", title="Cost"),
            ],
        )
    )
    labels = (
        alt.Chart()
        .transform_filter("datum.layer == 'sum'")
        .mark_text(align="left", dx=5, color="gray")
        .encode(y=y, x=alt.X("whole:Q", scale=scale), text="total:N")
    )
    return _layered(rows, alt.layer(drawn, labels).properties(height=24 * len(order) + 34, padding=_TIGHT))


def lanes(found: Lanes) -> Drawing | None:
    """One bar of the bill, split by lane; None when nothing has a price."""
    amounts = {name: getattr(found, name) for name in LANES}
    rows = pd.DataFrame(
        [
            {
                "name": label,
                "usd": float(amounts[name]),
                "written": format.usd(amounts[name]),
                "place": place,
            }
            for place, (name, (label, _)) in enumerate(LANES.items())
            if amounts[name]
        ]
    )
    if rows.empty:
        return None
    present = [(label, hue) for label, hue in LANES.values() if label in set(rows["name"])]
    chart = (
        alt.Chart(rows)
        .mark_bar(height=22)
        .encode(
            x=alt.X("usd:Q", title=None, axis=alt.Axis(format="$,~f", grid=False, domain=False), scale={"nice": False}),
            color=alt.Color(
                "name:N",
                title=None,
                scale=alt.Scale(domain=[name for name, _ in present], range=[hue for _, hue in present]),
                legend=legend(),
            ),
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip("name:N", title="Lane"), alt.Tooltip("written:N", title="Cost")],
        )
        .properties(height=76, padding=_TIGHT)
    )
    return charts.drawing(chart)


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Keep the longest prompt of each stretch when requests outnumber columns, each as wide as its stretch."""
    stretch = -(-len(frame) // _COLUMNS_DRAWN)
    frame = frame.assign(stretch=(frame["number"] - 1) // stretch)
    kept = frame.loc[frame.groupby("stretch")["prompt_tokens"].idxmax()].copy()
    kept["left"] = kept["stretch"] * stretch + 0.5
    kept["right"] = (kept["left"] + stretch).clip(upper=len(frame) + 0.5)
    return kept


def _stacked(frame: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    places = {kind: place for place, kind in enumerate(CONTEXT_KINDS)}
    parts = parts.assign(place=parts["kind"].map(places).fillna(len(places)))
    rows = frame.merge(parts, on="request_id", suffixes=("", "_of_kind")).sort_values(["number", "place"])
    rows["name"] = [CONTEXT_KINDS.get(kind, _OTHER)[0] for kind in rows["kind"]]
    rows["high"] = rows.groupby("number")["tokens"].cumsum()
    rows["low"] = rows["high"] - rows["tokens"]
    rows["billed"] = [_usd(usd) for usd in rows["billed_usd"]]
    rows["layer"] = "part"
    rows = rows[rows["tokens"] > 0]
    return rows[["layer", "number", "left", "right", "low", "high", "name", "tokens", "prompt_tokens", "billed"]]


def _marks(frame: pd.DataFrame) -> pd.DataFrame:
    marks: list[dict[str, Any]] = []
    for row in frame.to_dict("records"):
        place = {"number": row["number"], "prompt_tokens": row["prompt_tokens"]}
        if isinstance(row["label"], str):
            marks.append(
                {**place, "layer": "miss", "name": f"{row['label']} {row['cause']}", "confidence": row["confidence"]}
                | {"tokens": row["missed_tokens"], "billed": _usd(row["excess_usd"])}
            )
        if isinstance(row["cut"], str):
            marks.append({**place, "layer": "cut", "name": _CUTS.get(row["cut"], row["cut"])})
    columns = ["layer", "number", "prompt_tokens", "name", "confidence", "tokens", "billed"]
    return pd.DataFrame(marks, columns=columns)


def _wasted(frame: pd.DataFrame, waste: pa.Table | None) -> pd.DataFrame:
    """Return one row per request: its wasted tokens, and the name of what began there."""
    columns = ["layer", "number", "tokens", "name", "billed"]
    found = {row["request_id"]: row for row in waste.to_pylist()} if waste is not None else {}
    if not any(request in found for request in frame["request_id"]):
        return pd.DataFrame([], columns=columns)
    rows: list[dict[str, Any]] = []
    for number, request in zip(frame["number"], frame["request_id"], strict=True):
        row = found.get(request)
        rows.append(
            {
                "layer": "waste",
                "number": number,
                "tokens": row["wasted_tokens"] if row else 0,
                "name": row["kinds"] if row else None,
                "billed": _usd(row["waste_usd"]) if row and row["kinds"] else None,
            }
        )
    return pd.DataFrame(rows, columns=columns)


def _usd(amount: Any) -> str:
    return format.usd(None if pd.isna(amount) else amount)


def _layered(rows: pd.DataFrame, chart: alt.LayerChart) -> Drawing:
    chart.data = rows
    return charts.drawing(chart)
