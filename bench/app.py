"""Print how long the server takes to draw each page of the app on a lake: the first time in a process, and again.

    HER_HOME=~/.her .venv/bin/python bench/app.py

The time is that of the page's script as the router logs it, without browser and network. "First" is in a process that
has drawn nothing before, so it holds imports and the opening of the lake; "new" is with the lake open and no answer
kept; "again" is the median of five more runs.
"""

from __future__ import annotations

import logging
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table
from streamlit.testing.v1 import AppTest

from app import data
from her_models import reports

ROUTER = str(Path(__file__).resolve().parent.parent / "app" / "streamlit_app.py")


class Stopwatch(logging.Handler):
    """Listens to what the router says of each run: the page, and how long its script took."""

    def __init__(self) -> None:
        super().__init__()
        self.milliseconds = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple) and len(record.args) == 2:
            self.milliseconds = float(record.args[1])


def milliseconds_of_run(stopwatch: Stopwatch, page: str | None, parameters: dict[str, str]) -> float:
    """Run a page in a fresh browser session; return how long its script took."""
    app = AppTest.from_file(ROUTER, default_timeout=120)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"views/{page}.py")
    app.run()
    if app.exception or app.error:
        sys.exit(f"{page or 'overview'} failed: {[*app.exception, *app.error]}")
    return stopwatch.milliseconds


def main() -> None:
    """Measure and print."""
    stopwatch = Stopwatch()
    logging.getLogger("her.app").addHandler(stopwatch)
    logging.getLogger("her.app").setLevel(logging.INFO)
    logging.getLogger("streamlit").setLevel(logging.ERROR)
    first = milliseconds_of_run(stopwatch, None, {})
    longest = data.ask(reports.longest_session)
    pages: list[tuple[str, str | None, dict[str, str]]] = [
        ("Overview", None, {}),
        ("Sessions", "sessions", {}),
        ("Sessions, words searched", "sessions", {"q": "error"}),
        ("SQL", "sql", {}),
        ("Health", "health", {}),
    ]
    if longest:
        address = {"session": longest.session_id, "source": longest.source_id}
        named = f"Session of {longest.events_count:,} events"
        pages += [(f"{named}, {view}", "session", {**address, "view": view}) for view in ("Replay", "Turns")]
    table = Table("Page", "New, ms", "Again, ms", title=f"First page in a new process: {first:,.0f} ms")
    table.columns[1].justify = table.columns[2].justify = "right"
    for name, page, parameters in pages:
        data.forget_answers()
        new = milliseconds_of_run(stopwatch, page, parameters)
        again = statistics.median(milliseconds_of_run(stopwatch, page, parameters) for _ in range(5))
        table.add_row(name, f"{new:,.0f}", f"{again:,.0f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
