"""Whatever a page draws can be saved: rows unrounded, charts as pictures."""

import ast
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from app import charts, downloads, terminal
from tests.app.test_pages import opened

DAYS = pa.table(
    {
        "day_on": [date(2026, 3, 1), date(2026, 3, 2)],
        "group_name": ["opus", "haiku"],
        "billed_usd": pa.array([Decimal("1.250000000001"), Decimal("0.5")], pa.decimal128(38, 12)),
    }
)


def test_a_chart_is_saved_as_svg_and_png_with_the_names_it_shows() -> None:
    drawing = charts.cost_by_day(DAYS)
    assert drawing is not None
    svg = downloads.as_svg(drawing.spec, drawing.records())
    assert svg.startswith("<svg")
    assert "opus" in svg and "haiku" in svg
    assert "#0072B2".lower() in svg.lower()
    assert downloads.as_png(drawing.spec, drawing.records())[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_table_is_saved_unrounded() -> None:
    assert pa_parquet.read_table(io.BytesIO(terminal.as_parquet(DAYS))).equals(DAYS)
    assert b"1.250000000001" in terminal.as_csv(DAYS)


def test_no_file_is_offered_past_the_button_whose_click_draws_nothing_anew(home: Path) -> None:
    """A file asked for while the page is drawn anew never comes; no test would meet that on every run."""
    app = Path(downloads.__file__).parent
    past = [str(path.relative_to(app)) for path in app.rglob("*.py") if "st.download_button(" in path.read_text()]
    assert past == ["downloads.py"]
    offered = opened("sql").button[0].click().run().get("download_button")
    assert {"CSV", "Parquet"} <= {one.label for one in offered}
    assert all(one.proto.ignore_rerun for one in offered)


def test_whoever_draws_a_table_or_a_chart_offers_it_as_a_file_beside_it() -> None:
    """Everything drawn goes through a function that offers it, too; so what a page comes to draw can be saved."""
    drawn, lacking = set(), []
    for path in Path(downloads.__file__).parent.rglob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef):
                continue
            called = {ast.unparse(one.func) for one in ast.walk(function) if isinstance(one, ast.Call)}
            for draws, offers in (
                ({"st.vega_lite_chart", "st.altair_chart"}, {"downloads.chart"}),
                ({"st.dataframe", "st.table"}, {"downloads.table", "downloads.button"}),
            ):
                drawn |= called & draws
                if called & draws and not called & offers:
                    lacking.append(f"{path.name}: {function.name}")
    assert lacking == []
    assert drawn == {"st.vega_lite_chart", "st.dataframe"}


def test_every_table_and_chart_of_a_page_offers_its_forms(home: Path) -> None:
    app = opened("overview")
    offered = [button.label for button in app.get("download_button")]
    assert offered.count("CSV") == offered.count("Parquet") == len(app.dataframe) > 0
    assert offered.count("SVG") == offered.count("PNG") >= 3
