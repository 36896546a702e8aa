"""Files that a page offers: a table as CSV or Parquet, a chart as SVG or PNG, and what else a page has to give.

A file is made when somebody asks for it, not when the page is drawn.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import streamlit as st

from app import terminal

_THEME = Path(__file__).resolve().parent.parent / ".streamlit" / "config.toml"
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
_PNG_SCALE = 2.0  # as many pixels as a sharp screen shows


def button(label: str, make: Callable[[], str | bytes], file_name: str, mime: str, **look: Any) -> None:
    """Offer a file that `make` makes when it is asked for; `look` is what else Streamlit's own button takes.

    Every file is offered through here, since a click must not draw the page anew, as it would by default: a run that
    begins while the file is made forgets how to make it, or throws the answer away, and the reader waits for ever.
    """
    st.download_button(label, make, file_name, mime, on_click="ignore", **look)


def table(rows: pa.Table, label: str) -> None:
    """Offer the rows behind a table, every column unrounded."""
    name = _name(label)
    _offer(
        name,
        {
            "CSV": (lambda: terminal.as_csv(rows), "csv", "text/csv"),
            "Parquet": (lambda: terminal.as_parquet(rows), "parquet", "application/vnd.apache.parquet"),
        },
    )


def chart(spec: dict[str, Any], records: Callable[[], list[dict[str, Any]]], label: str) -> None:
    """Offer a chart. `spec` is Vega-Lite with its rows under the name `rows`, which `records` gives."""
    name = _name(label)
    _offer(
        name,
        {
            "SVG": (lambda: as_svg(spec, records()), "svg", "image/svg+xml"),
            "PNG": (lambda: as_png(spec, records()), "png", "image/png"),
        },
    )


def as_svg(spec: dict[str, Any], records: list[dict[str, Any]]) -> str:
    """Return a chart as SVG, in the colours of the light theme."""
    import vl_convert  # a second to load; only who saves a chart needs it

    drawn: str = vl_convert.vegalite_to_svg(_whole(spec, records))
    return drawn


def as_png(spec: dict[str, Any], records: list[dict[str, Any]]) -> bytes:
    """Return a chart as PNG, in the colours of the light theme."""
    import vl_convert

    drawn: bytes = vl_convert.vegalite_to_png(_whole(spec, records), scale=_PNG_SCALE)
    return drawn


def _whole(spec: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the specification with its rows, a width of its own and the theme's colours."""
    theme = _theme()
    colours = {"category": theme["chartCategoricalColors"], "heatmap": theme["chartSequentialColors"]}
    return {
        "width": 900,
        **{name: value for name, value in spec.items() if not (name == "width" and value == "container")},
        "datasets": {"rows": records},
        "background": "white",
        "padding": 12,
        "config": {
            **spec.get("config", {}),
            "range": {**colours, "ramp": theme["chartSequentialColors"]},
            "view": {"stroke": None},
        },
    }


@cache
def _theme() -> dict[str, Any]:
    theme: dict[str, Any] = tomllib.loads(_THEME.read_text(encoding="utf-8"))["theme"]
    return theme


def _offer(name: str, kinds: dict[str, tuple[Callable[[], str | bytes], str, str]]) -> None:
    with (
        st.container(horizontal=True, horizontal_alignment="right", key=f"save_{name}"),
        st.popover("Save", type="tertiary", icon=":material/download:"),
    ):
        for kind, (make, ending, mime) in kinds.items():
            button(kind, make, f"her-{name}.{ending}", mime, key=f"save_{name}_{ending}", type="tertiary")


def _name(label: str) -> str:
    return _NOT_IN_A_NAME.sub("-", label.lower()).strip("-")
