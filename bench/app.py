"""Print how long the server takes to draw each page of the app on a lake: the first time in a process, and again.

    HER_HOME=~/.her .venv/bin/python -m bench.app [PAGE …]

Of each page the views that ask most are drawn: a word in most texts, an expression that no index helps with, groups of
half the lake, its longest session, and each question of Ask. The time is that of the page's script as the router logs
it, without browser and network. "First" is in a process that has drawn nothing before, so it holds imports and the
opening of the lake; "new" is with the lake open and no answer kept, as after an ingest; "again" is the median of five
more runs; "CPU" is what a new one took of all cores together. Names of pages draw only those. Searches use the index
as `her up` keeps it; where there is none (`her search --reindex` makes it), every text is read.
"""

from __future__ import annotations

import logging
import statistics
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from streamlit.testing.v1 import AppTest

from app import data
from her_models import reports
from her_models.ask import QUESTIONS
from her_models.compare import presets

ROUTER = str(Path(__file__).resolve().parent.parent / "app" / "streamlit_app.py")
RUNS = 5
TARGET_MS = 300
_WARNS_OUTSIDE_A_SERVER = "streamlit.runtime.scriptrunner_utils.script_run_context"
View = tuple[str, str | None, dict[str, str]]


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
        sys.exit(f"{page or 'overview'} {parameters} failed: {[*app.exception, *app.error]}")
    return stopwatch.milliseconds


def views(names: list[str]) -> list[View]:
    """Return what to draw: a name, the page's file (none: the first page), and what stands in the address.

    `names` are the pages wanted; none: all of them.
    """
    choices = data.ask(reports.filter_choices)
    found: list[View] = [
        ("Overview", None, {}),
        ("Overview, 30 days by project", None, {"period": "30 days", "split": "Project"}),
        ("Sessions", "sessions", {}),
        ("Sessions, a word searched", "sessions", {"q": "error"}),
        ("Sessions, dearest of a project", "sessions", {"project": choices.projects[0], "sort": "Dearest first"}),
        ("Search, one word", "search", {"q": "error"}),
        ("Search, a phrase", "search", {"q": '"the error"'}),
        ("Search, the beginning of a word", "search", {"q": "err*"}),
        ("Search, Chinese", "search", {"q": "日本"}),
        ("Search, a file", "search", {"file": ".py"}),
        ("Search, an expression", "search", {"q": r"err\w+\s+in", "mode": "Expression"}),
        ("Search, without literals", "search", {"q": r"\b[a-f]{3}\d{2}\b", "mode": "Expression"}),
        ("Search, filters alone", "search", {"errors": "true", "sort": "Dearest first"}),
        ("Audit", "audit", {}),
        ("Audit, all actions", "audit", {"risks": "false"}),
        ("Audit, completeness", "audit", {"view": "Completeness"}),
    ]
    found += _comparisons() if not names or "compare" in names else []
    longest = data.ask(reports.longest_session)
    found += [
        ("Cost optimisation", "cost", {"everyone": "true"}),
        ("Cost optimisation, by file", "cost", {"everyone": "true", "by": "File"}),
        ("Ask", "ask", {}),
    ]
    found += [(f"Ask: {question.title}", "ask", {"question": question.title}) for question in QUESTIONS.values()]
    found += [("SQL", "sql", {}), ("Health", "health", {})]
    if longest:
        address = {"session": longest.session_id, "source": longest.source_id}
        found += [
            (f"Session of {longest.events_count:,} events, {view}", "session", {**address, "view": view})
            for view in ("Replay", "Context", "Turns", "Waste", "What if", "Tools", "Subagents", "About")
        ]
        found += [("Compare, the longest with the newest", "compare", {"a": longest.session_id, "b": _newest()})]
    return [view for view in found if not names or (view[1] or "overview") in names]


def _comparisons() -> list[View]:
    known = data.ask(presets.choices)
    half = len(known.projects) // 2
    found: list[View] = [("Compare, weeks", "compare", {})]
    if half:
        sides = {side: "project=" + ",".join(known.projects[part]) for side, part in
                 (("a", slice(0, half)), ("b", slice(half, None)))}  # fmt: skip
        found += [("Compare, halves of the lake", "compare", sides)]
        found += [("Compare, halves by task", "compare", {**sides, "match": "task"})]
    return found


def _newest() -> str:
    return str(data.ask(reports.sessions, page_size=1).rows["session_id"][0])


def main(names: list[str]) -> None:
    """Measure and print."""
    stopwatch = Stopwatch()
    logging.getLogger("her.app").addHandler(stopwatch)
    logging.getLogger("her.app").setLevel(logging.INFO)
    logging.getLogger(_WARNS_OUTSIDE_A_SERVER).disabled = True
    first = milliseconds_of_run(stopwatch, None, {})
    table = Table("Page", "New, ms", "CPU, ms", "Again, ms", title=f"First page in a new process: {first:,.0f} ms")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, page, parameters in views(names):
        data.forget_answers()
        cpu = time.process_time()
        new = milliseconds_of_run(stopwatch, page, parameters)
        cpu = (time.process_time() - cpu) * 1000
        again = statistics.median(milliseconds_of_run(stopwatch, page, parameters) for _ in range(RUNS))
        mark = "[bold red]" if again > TARGET_MS else ""
        table.add_row(name, f"{new:,.0f}", f"{cpu:,.0f}", f"{mark}{again:,.0f}")
    Console(width=110, file=sys.stdout).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
