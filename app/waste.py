"""The report on waste and the advice on the command line, in each of their forms.

What belongs here: which form is written where. What does not: what they say (`her_models.waste_report`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from app import terminal
from her_models.config import Config
from her_models.documents import Box, Code, Document, Figure, Grid, Heading, Paragraph, as_html, as_markdown
from her_models.reports import Scope
from her_models.waste_report import pages, questions, records


def put_report(
    con: duckdb.DuckDBPyConnection, config: Config, scope: Scope, *, is_everyone: bool, form: str, out: Path | None
) -> None:
    """Write the report on waste as `html`, `md`, `csv` or `json`, or draw it on the `terminal`."""
    found = questions.waste_report(con, config, scope, is_everyone=is_everyone)
    if form == "json":
        terminal.put(terminal.as_json({"command": "report", "report": "waste", **records.as_record(found)}), out)
    elif form == "csv":
        terminal.put(terminal.as_csv(records.as_rows(found)), out)
    else:
        document = pages.document(found, datetime.now(ZoneInfo(config.time_zone)).date())
        match form:
            case "html":
                terminal.put(as_html(document), out)
            case "md":
                terminal.put(as_markdown(document), out)
            case _:
                draw(document)


def put_advice(
    con: duckdb.DuckDBPyConnection, config: Config, scope: Scope, *, is_everyone: bool, is_json: bool
) -> None:
    """Write the advice for a scope, and what became of changes made."""
    found = questions.waste_report(con, config, scope, is_everyone=is_everyone)
    if is_json:
        told = {
            "command": "advice",
            "whose": found.whose,
            "advice": [records.piece_record(piece, names_persons=found.names_persons) for piece in found.pieces],
            "changes": [records.outcome_record(one) for one in found.outcomes],
        }
        terminal.put(terminal.as_json(told), None)
        return
    draw(Document("Advice", f"Sessions of {found.whose}", tuple(pages.advice_parts(found))))


def draw(document: Document) -> None:
    """Draw a document on the terminal; a chart is told in words."""
    screen = terminal.screen
    screen.print(document.title, style="bold", markup=False)
    screen.print(document.subtitle, style="dim", markup=False, soft_wrap=True)
    for part in document.parts:
        match part:
            case Heading(text):
                screen.print(f"\n{text}", style="bold", markup=False)
            case Paragraph(text, is_quiet):
                screen.print(text, style="dim" if is_quiet else "", markup=False, soft_wrap=True)
            case Code(text):
                screen.print("\n".join(f"    {line}" for line in text.splitlines()), markup=False, soft_wrap=True)
            case Box(title, sentences):
                screen.print(f"\n{title}", style="bold", markup=False)
                for sentence in sentences:
                    screen.print(f"  - {sentence}", style="dim", markup=False, soft_wrap=True)
            case Figure():
                continue  # its rows stand in the table below it
            case Grid():
                terminal.draw_grid(part.headings, part.rows, part.figures, part.total)
