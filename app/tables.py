"""Tables as every page draws them: figures right-aligned with their unit, times in the configured zone.

A cost that is null reads "no price"; any other figure that is null is written as text, since a table has one word for
what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st

from app import data, downloads, format

Unit = Literal[
    "text",
    "figure",
    "usd",
    "usd_sum",
    "usd_change",
    "usd_signed",
    "count",
    "tokens",
    "bytes",
    "when",
    "seconds",
    "flag",
    "list",
    "line",
]
Width = Literal["small", "medium", "large"] | int | None
_hand = st.components.v2.component(
    "her_hand", js=Path(__file__).with_name("hand.js").read_text(encoding="utf-8"), html="<i></i>"
)
_BY_POINTER = {"by": "pointer"}
_NAMED_BY = 2  # columns of a row that tell a reader which one it is
_NAME_CHARACTERS = 60


@dataclass(frozen=True)
class Shown:
    """How a column is drawn: its heading, its unit, which column of which table it is, its width."""

    label: str
    unit: Unit = "text"
    meaning: str | None = None
    width: Width = None


def draw(
    table: pa.Table,
    columns: dict[str, Shown],
    *,
    label: str,
    key: str | None = None,
    opens: bool = False,
    selects: bool = False,
    height: int | Literal["auto", "content", "stretch"] = "auto",
) -> int | None:
    """Draw `columns` of `table`; return the row that was chosen, if rows can be.

    A table that `opens` leads away: it needs a key, and returns a row that was clicked, or marked with the arrow keys
    and opened with the button that stands below it then. One that `selects` shows more below itself, and returns the
    row that is marked either way. `label` names the table for people who cannot see it.
    """
    frame = _frame(table.select(list(columns)), columns)
    chooses = opens or selects
    options: dict[str, Any] = {"on_select": "rerun", "selection_mode": "single-cell"} if chooses else {}
    event = st.dataframe(
        frame,
        column_config={name: _config(shown) for name, shown in columns.items()},
        hide_index=True,
        placeholder=format.NO_PRICE,
        key=key,
        height=height,
        alt=label,
        **options,
    )
    cells = event.selection.cells if chooses else []
    row = int(cells[0][0]) if cells and int(cells[0][0]) < table.num_rows else None
    if opens and key:
        naming = [name for name, shown in columns.items() if shown.unit in ("when", "text")][:_NAMED_BY]
        row = _opened(key, row, tuple(cells[0]) if cells else None, frame[naming])
    if table.num_rows:
        downloads.table(table, label)
    return row


def _opened(key: str, row: int | None, cell: tuple[Any, ...] | None, naming: pd.DataFrame) -> int | None:
    """Return the row to open. A click opens at once; arrow keys pass over rows, so they only mark one for a button.

    `naming` holds what tells a reader which row it is.
    """
    with st.container(key=f"hand_{key}", height=1, border=False):
        told = st.session_state.get(f"{key}_hand", _BY_POINTER)
        hand = _hand(
            key=f"{key}_hand", data={"table": key, **told}, default=dict(_BY_POINTER), on_by_change=lambda: None
        )
    marked = f"{key}_marked"
    if row is None:
        st.session_state.pop(marked, None)
        return None
    if hand.by == "keyboard":
        st.session_state[marked] = cell
    if st.session_state.get(marked) != cell:
        return row
    is_pressed = st.button(f"Open {_name(naming, row)}", key=f"open_{key}", icon=":material/arrow_forward:")
    return row if is_pressed else None


def _name(naming: pd.DataFrame, row: int) -> str:
    cells = naming.iloc[row]
    zone = data.config().time_zone
    words = (format.when(cell.to_pydatetime(), zone) if isinstance(cell, pd.Timestamp) else str(cell) for cell in cells)
    return format.escaped(" · ".join(format.one_line(word, _NAME_CHARACTERS) for word in words if word.strip()))


def _frame(table: pa.Table, columns: dict[str, Shown]) -> pd.DataFrame:
    frame = table.to_pandas()
    for name, shown in columns.items():
        if shown.unit in ("usd", "usd_sum", "usd_signed"):
            frame[name] = pd.to_numeric(frame[name], errors="coerce").astype("float64")
        elif shown.unit == "usd_change":
            frame[name] = [f"{'−' if v < 0 else '+'}{format.usd(abs(float(v)))}" for v in frame[name]]
        elif shown.unit in ("text", "figure"):  # a figure comes written, since one word or another may stand for it
            frame[name] = [format.one_line(None if pd.isna(v) else str(v), 400) for v in frame[name]]
        elif shown.unit == "list":
            frame[name] = [", ".join(v) if v is not None else "" for v in frame[name]]
        elif shown.unit == "seconds":
            frame[name] = [format.duration(None if pd.isna(v) else float(v)) for v in frame[name]]
        elif shown.unit in ("count", "tokens", "bytes") and frame[name].isna().any():
            write = {"count": format.count, "tokens": format.tokens, "bytes": format.size}[shown.unit]
            frame[name] = [write(None if pd.isna(v) else int(v)) for v in frame[name]]
        elif shown.unit == "when" and frame[name].isna().any():
            zone = data.config().time_zone
            frame[name] = [format.when(None if pd.isna(v) else v.to_pydatetime(), zone) for v in frame[name]]
    return frame


def _config(shown: Shown) -> Any:
    config = st.column_config
    options: dict[str, Any] = {"label": shown.label, "help": shown.meaning, "width": shown.width}
    if shown.unit in ("usd", "usd_sum"):  # a sum over many sessions is not read to the hundredth of a cent
        places = 4 if shown.unit == "usd" else 2
        return config.NumberColumn(**options, format=f"$%,.{places}f", alignment="right")
    if shown.unit == "usd_signed":  # the sign stands before the dollar
        return config.NumberColumn(**options, format="dollar", alignment="right")
    if shown.unit in ("count", "tokens"):
        return config.NumberColumn(**options, format="%,d", alignment="right")
    if shown.unit == "bytes":
        return config.NumberColumn(**options, format="bytes", alignment="right")
    if shown.unit in ("figure", "seconds", "usd_change"):
        return config.TextColumn(**options, alignment="right")
    if shown.unit == "when":
        return config.DatetimeColumn(**options, format="YYYY-MM-DD HH:mm", timezone=data.config().time_zone)
    if shown.unit == "flag":
        return config.CheckboxColumn(**options)
    if shown.unit == "line":
        return config.LineChartColumn(**options, y_min=0)
    return config.TextColumn(**options)
