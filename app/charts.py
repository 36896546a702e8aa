"""Charts and their colours: one colour per token class and per kind of content, the same on every page.

The colours are Okabe and Ito's, which eyes with any colour deficiency tell apart; order and lightness follow price, so
that the dear stands out. A chart gets a table and draws it; it computes nothing but positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import altair as alt
import pandas as pd
import pyarrow as pa
import streamlit as st

from app import downloads, format
from app.kinds import ERROR as ERROR
from app.kinds import KINDS as KINDS
from app.kinds import OTHER as OTHER
from app.kinds import kind_name as kind_name
from her_models.reports import Overview

TOKEN_CLASSES = {
    "cache_read_tokens": ("Cache read", "#56B4E9"),
    "cache_write_5m_tokens": ("Cache write, 5 min", "#009E73"),
    "cache_write_1h_tokens": ("Cache write, 1 h", "#00614A"),
    "uncached_input_tokens": ("Input, not cached", "#E69F00"),
    "output_tokens": ("Output", "#D55E00"),
}

_GROUPS_SHOWN = 7  # more colours than that no eye tells apart; the rest is one group
_REST = "all others"
_NAMES_ON_A_LINE = 5
_NAME_PIXELS = 190  # of the longest names of models
_ROWS = "rows"
_LEAST_DAYS = 7  # the shortest period to choose: no day outside it is drawn as one without a bill
_TIGHT = {"left": 0, "top": 0, "right": 4, "bottom": 0}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A chart made ready: its rows, as Arrow, and what Vega is told to do with them."""

    rows: bytes
    spec: dict[str, Any]

    def draw(self, alt_text: str) -> None:
        """Draw it on the page, with a way to save it; `alt_text` names it for people who cannot see it."""
        st.vega_lite_chart({**self.spec, "datasets": {_ROWS: self.rows}}, alt=alt_text)
        downloads.chart(self.spec, self.records, alt_text)

    def records(self) -> list[dict[str, Any]]:
        """Return its rows as plain values; times as ISO 8601."""
        with pa.ipc.open_stream(self.rows) as stream:
            found = stream.read_all().to_pylist()
        return [
            {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
            for row in found
        ]


def cost_by_day(found: pa.Table) -> Drawing | None:
    """Stacked bars of the rows of `reports.cost_by_day`; None when none of them has a price.

    The dearest groups have colours of their own, the others share one.
    """
    rows = found.to_pandas()
    rows["billed_usd"] = rows["billed_usd"].astype("float64")
    if rows["billed_usd"].isna().all():
        return None
    rows["group_name"] = rows["group_name"].fillna("unknown").map(format.one_line)
    ranked = rows.groupby("group_name")["billed_usd"].sum().sort_values(ascending=False)
    kept = list(ranked.index[:_GROUPS_SHOWN])
    rows["group_name"] = rows["group_name"].where(rows["group_name"].isin(kept), _REST)
    rows = rows.groupby(["day_on", "group_name"], as_index=False)["billed_usd"].sum()
    order = [*kept, *([_REST] if len(ranked) > len(kept) else [])]
    rows["place"] = rows["group_name"].map({name: place for place, name in enumerate(order)})
    colour = alt.Color(
        "group_name:N", sort=order, title=None, legend=None if order == ["all"] else legend(_NAMES_ON_A_LINE)
    )
    return _day_bars(rows, "billed_usd", "US dollars", colour)


def tokens_by_day(found: pa.Table) -> Drawing:
    """Stacked bars of the token classes in the rows of `reports.cost_by_day`."""
    long = found.to_pandas().melt("day_on", list(TOKEN_CLASSES), "token_class", "tokens")
    long["place"] = long["token_class"].map({name: place for place, name in enumerate(TOKEN_CLASSES)})
    long["group_name"] = long["token_class"].map({name: label for name, (label, _) in TOKEN_CLASSES.items()})
    return _day_bars(long[long["tokens"] > 0], "tokens", "Tokens", _class_colour())


def calendar_unit(first_on: date | None, last_on: date | None) -> str:
    """Return what one bar stands for: a day, or in a longer period a week or a month."""
    span = (last_on - first_on).days if first_on and last_on else 0
    return "day" if span <= 120 else "week" if span <= 800 else "month"


def _day_bars(rows: pd.DataFrame, measure: str, title: str, colour: alt.Color) -> Drawing:
    first_on, last_on = rows["day_on"].min(), rows["day_on"].max()
    shown_from = min(first_on, last_on - timedelta(days=_LEAST_DAYS - 1))  # one day alone is not as wide as a page
    unit = calendar_unit(first_on, last_on)
    time_unit = {"day": "yearmonthdate", "week": "yearweek", "month": "yearmonth"}[unit]
    span = (last_on - shown_from).days + 1
    ticks: Any = alt.TimeIntervalStep(interval="day", step=1) if span <= _LEAST_DAYS else 8
    money = measure.endswith("_usd")
    return drawing(
        alt.Chart(rows.assign(day=[_local(on) for on in rows["day_on"]]).drop(columns="day_on"))
        .mark_bar()
        .encode(
            x=alt.X(
                f"{time_unit}(day):T",
                title=None,
                scale=alt.Scale(domain=[_local(shown_from), _local(last_on + timedelta(days=1))])
                if unit == "day"
                else alt.Undefined,
                axis=alt.Axis(
                    format="%d %b" if span < 120 else "%b %Y", grid=False, labelOverlap=True, tickCount=ticks
                ),
            ),
            y=alt.Y(
                f"sum({measure}):Q",
                title=title,
                axis=alt.Axis(format="$,~f" if money else "~s", tickCount=4, domain=False),
            ),
            color=colour,
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip(f"{time_unit}(day):T", title=unit.capitalize(), format="%Y-%m-%d"),
                alt.Tooltip("group_name:N", title="Of"),
                alt.Tooltip(f"sum({measure}):Q", title=title, format="$,.4f" if money else ",d"),
            ],
        )
        .properties(height=280, padding=_TIGHT)
    )


def _local(on: date) -> str:
    """A bare date would be midnight in Greenwich to a browser; with a time and no zone, it takes it for its own."""
    return f"{on.isoformat()}T00:00:00"


def token_share(total: Overview) -> Drawing:
    """One bar, split by token class."""
    amounts = {name: getattr(total, name) for name in TOKEN_CLASSES}
    rows = pd.DataFrame(
        [
            {"group_name": label, "tokens": amounts[name], "place": place}
            for place, (name, (label, _)) in enumerate(TOKEN_CLASSES.items())
            if amounts[name]
        ]
    )
    return drawing(
        alt.Chart(rows)
        .mark_bar(height=22)
        .encode(
            x=alt.X(
                "tokens:Q",
                stack="normalize",
                title=None,
                axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], grid=False, domain=False, labelPadding=4),
            ),
            color=_class_colour(),
            order=alt.Order("place:Q"),
            tooltip=[alt.Tooltip("group_name:N", title="Class"), alt.Tooltip("tokens:Q", title="Tokens", format=",d")],
        )
        .properties(height=28, padding=_TIGHT, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    )


def of_result(rows: pd.DataFrame, kind: str, x: str, y: list[str]) -> Drawing:
    """Chart of a query's result: `kind` is bars, line or points, one colour per column of `y`."""
    marks: dict[str, dict[str, Any]] = {
        "Bars": {"type": "bar"},
        "Line": {"type": "line", "point": len(rows) <= 60},
        "Points": {"type": "circle", "size": 60},
    }
    long = rows.melt([x], y, "column", "value")
    long = long.rename(columns={x: "across"})  # a column's name may hold what charts take for syntax
    is_time = pd.api.types.is_datetime64_any_dtype(rows[x])
    is_number = pd.api.types.is_numeric_dtype(rows[x]) and kind != "Bars"
    scale = "T" if is_time else "Q" if is_number else "N"
    return drawing(
        alt.Chart(long, mark=marks[kind])
        .encode(
            x=alt.X(
                field="across", type={"T": "temporal", "Q": "quantitative", "N": "nominal"}[scale], sort=None, title=x
            ),
            y=alt.Y("value:Q", title=y[0] if len(y) == 1 else None),
            color=alt.Color("column:N", title=None, legend=None if len(y) == 1 else legend()),
        )
        .properties(height=320, padding=_TIGHT)
    )


def drawing(chart: alt.Chart) -> Drawing:
    """Take a chart apart. Altair's check of it against its schema is left out: it takes longer than all else."""
    rows = pa.Table.from_pandas(chart.data, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    chart.data = alt.NamedData(_ROWS)
    return Drawing(sink.getvalue().to_pybytes(), chart.to_dict(validate=False))


def _class_colour() -> alt.Color:
    return alt.Color(
        "group_name:N",
        title=None,
        scale=alt.Scale(
            domain=[label for label, _ in TOKEN_CLASSES.values()], range=[hue for _, hue in TOKEN_CLASSES.values()]
        ),
        legend=legend(),
    )


def legend(most: int = 8, offset: int = 10) -> alt.Legend:
    """A legend above the chart, with at most `most` names on a line, and fewer where the page is narrow."""
    wide = "(containerSize()[0] || 1200)"
    columns = alt.ExprRef(f"clamp(floor({wide} / {_NAME_PIXELS}), 2, {most})")
    longest = alt.ExprRef(f"clamp({wide} / 2 - 55, 90, 220)")
    return alt.Legend(orient="top", symbolType="square", columns=columns, labelLimit=longest, padding=0, offset=offset)
