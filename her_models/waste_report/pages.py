"""The report on waste as a document: the bill as a waterfall, what to change, waste by label, findings, method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from her_models.advice.outcomes import Outcome
from her_models.advice.patterns import MEANS_IN_WORDS
from her_models.advice.pieces import Piece
from her_models.documents import Box, Code, Document, Figure, Grid, Heading, Paragraph, Part
from her_models.reports import turn_in_words
from her_models.waste_report.questions import WasteReport
from her_models.waste_report.words import (
    ABOUT_THE_SAME,
    ALL_WASTE,
    CLASSES,
    EVERY_WAY,
    LABELS,
    METHOD,
    NEVER_ADDED,
    OTHER_SETTINGS,
    PAID_AGAIN,
    REMOVE_ALL,
    assumed_in_words,
    between_in_words,
    change_in_words,
    findings_in_words,
    group_in_words,
    in_words,
    outcome_in_words,
    policy_in_words,
    precision_in_words,
    replayed_in_words,
    saving_in_words,
    selection_in_words,
    text_in_words,
    usd,
)

_GROUPS_SHOWN = 12
_SERVERS_SHOWN = 5


def document(report: WasteReport, today: date) -> Document:
    """Return the report as a document."""
    return Document("Cost optimisation", selection_in_words(report, today), tuple(_parts(report)))


def _in_turn(turn_index: int | None) -> str:
    return "" if turn_index is None else f", {turn_in_words(turn_index)}"


def _parts(report: WasteReport) -> Iterator[Part]:
    for sentence in in_words(report):
        yield Paragraph(sentence)
    if not report.billed_usd:
        yield Box("Method and limits", METHOD)
        return
    yield Figure(waterfall(report), "The bill, part by part, in US dollars.")
    yield _bill_grid(report)
    yield Heading("What to change")
    yield from advice_parts(report)
    yield from _what_if_parts(report)
    yield Heading("Waste by label")
    labels = [row for row in report.by_label.to_pylist() if not row["is_hint"]]
    if labels:
        yield Figure(bars(labels), "What each label of waste cost, in US dollars.")
    yield _label_grid(report)
    yield Paragraph(EVERY_WAY, is_quiet=True)
    groups = [("By project", report.by_project), ("By tool", report.by_tool), ("By file", report.by_file)]
    if report.by_owner is not None:
        groups.insert(1, ("By person", report.by_owner))
    for title, table in groups:
        counted = [row for row in table.to_pylist() if not row["is_hint"]]
        if counted:
            yield Heading(title, 3)
            drawn = [row for row in counted if row["part"] == "group"][:_GROUPS_SHOWN]
            if len(drawn) > 1:
                yield Figure(bars(drawn), f"Waste {title.lower()}, in US dollars.")
            yield _group_grid(title.removeprefix("By "), counted, report.waste_usd)
    for title, meaning, again in paid_again(report):
        yield Heading(title)
        yield Paragraph(meaning, is_quiet=True)
        yield _again_grid(again)
    counted = [row for row in report.findings.to_pylist() if not row["is_hint"]]
    if counted:
        yield Heading("Dearest findings")
        yield Paragraph(findings_in_words(report, len(counted)), is_quiet=True)
        yield _finding_grid(counted)
    yield Box("Method and limits", METHOD)


def advice_parts(report: WasteReport) -> Iterator[Part]:
    """Yield the pieces of advice, and what became of changes made."""
    if not report.pieces:
        yield Paragraph("No named pattern fires in these sessions often and dearly enough to advise anything.")
    for piece in report.pieces:
        yield from _piece_parts(piece)
    if report.outcomes:
        yield Heading("Changes made, and what became of them")
        yield _outcome_grid(report.outcomes)


def _bill_grid(report: WasteReport) -> Grid:
    billed = report.billed_usd
    rows = tuple(
        (row["label"], LABELS.get(row["label"], row["label"]), usd(row["usd"]), f"{row['usd'] / billed:.1%}")
        for row in report.bill.to_pylist()
    )
    total = ("", "Bill, at least" if report.selection.is_floor else "Bill", usd(billed), "100.0%")
    return Grid(("", "Part", "Cost", "Share"), rows, frozenset({2, 3}), total)


def _piece_parts(piece: Piece) -> Iterator[Part]:
    yield Heading(piece.pattern.title + (f": {piece.subject}" if piece.subject else ""), 3)
    yield Paragraph(piece.what)
    yield Paragraph(
        f"{piece.cases_count:,} cases in {piece.sessions_count:,} of {piece.scope_sessions_count:,} sessions, "
        f"{usd(piece.total_usd)} in all. Expected saving {saving_in_words(piece)}, {piece.confidence}. "
        f"{assumed_in_words(piece)}".rstrip()
    )
    yield Paragraph(f"Change {MEANS_IN_WORDS[piece.pattern.means]}: {piece.pattern.where}")
    yield Code(piece.change)
    seen = "; ".join(
        f"session {case.session_id[:8]}{_in_turn(case.turn_index)} ({usd(case.saving_usd)})" for case in piece.examples
    )
    yield Paragraph(f"Seen in {seen}.", is_quiet=True)
    yield Paragraph(f"To undo: {piece.pattern.undo} Made it? her advice --done {piece.name}", is_quiet=True)


def _outcome_grid(outcomes: Sequence[Outcome]) -> Grid:
    rows = tuple(
        (
            found.change.name,
            found.change.made_on.isoformat(),
            outcome_in_words(found),
            usd(found.saved_usd_per_week) if found.saved_usd_per_week is not None else "–",
        )
        for found in outcomes
    )
    return Grid(("Change", "Made on", "What became of it", "Saved a week"), rows, frozenset({3}))


def without_waste(report: WasteReport) -> list[dict[str, Any]]:
    """Return what taking out each label would have saved; all of them at once stands last."""
    return [row for row in report.what_ifs.to_pylist() if row["family"] == "remove"]


def done_otherwise(report: WasteReport) -> list[dict[str, Any]]:
    """Return what other settings would have saved or cost; of single servers, those whose absence saves most, last."""
    rows = [row for row in report.what_ifs.to_pylist() if row["family"] not in ("identity", "remove")]
    return [row for row in rows if not _is_server(row)] + _servers(report)[:_SERVERS_SHOWN]


def servers_left_out(report: WasteReport) -> str:
    """Say which single servers `done_otherwise` leaves out; nothing where it leaves out none."""
    rest = _servers(report)[_SERVERS_SHOWN:]
    if not rest:
        return ""
    most = change_in_words(rest[0]["gross_saving_usd"])
    return f"{len(rest)} more MCP server{'s' * (len(rest) > 1)}: without one of them, {most} at best."


def _servers(report: WasteReport) -> list[dict[str, Any]]:
    rows = [row for row in report.what_ifs.to_pylist() if _is_server(row)]
    return sorted(rows, key=lambda row: (-row["gross_saving_usd"], row["policy"]))


def _is_server(row: dict[str, Any]) -> bool:
    return bool(row["policy"].startswith("server."))


def _what_if_parts(report: WasteReport) -> Iterator[Part]:
    removed, others = without_waste(report), done_otherwise(report)
    if removed:
        yield Heading("What it would have cost without the waste")
        yield Paragraph(f"{replayed_in_words(report)} {NEVER_ADDED}".lstrip(), is_quiet=True)
        yield _removed_grid(removed)
    if others:
        yield Heading("What other settings would have cost")
        yield Paragraph(f"{replayed_in_words(report)} {OTHER_SETTINGS}".lstrip(), is_quiet=True)
        yield _settings_grid(others)
        if left_out := servers_left_out(report):
            yield Paragraph(left_out, is_quiet=True)


def _removed_grid(rows: Sequence[dict[str, Any]]) -> Grid:
    cells = [
        (
            policy_in_words(row),
            f"{row['sessions_count']:,}",
            usd(row["gross_saving_usd"]),
            usd(row["net_saving_usd"]),
            f"{usd(row['low_usd'])} to {usd(row['high_usd'])}",
            CLASSES[row["doubt"]],
        )
        for row in rows
    ]
    total = cells.pop() if rows[-1]["policy"] == REMOVE_ALL else None
    headings = ("Taken out", "Sessions", "Gross saving", "Net saving", "Gross, between", "Class")
    return Grid(headings, tuple(cells), frozenset({1, 2, 3, 4}), total)


def _settings_grid(rows: Sequence[dict[str, Any]]) -> Grid:
    cells = tuple(
        (
            policy_in_words(row),
            f"{row['sessions_count']:,}",
            usd(row["billed_usd"]),
            usd(row["billed_usd"] - row["gross_saving_usd"]),
            change_in_words(row["gross_saving_usd"]),
            f"{usd(row['low_usd'])} to {usd(row['high_usd'])}",
            CLASSES[row["doubt"]],
        )
        for row in rows
    )
    headings = ("Setting", "Sessions", "Billed", "Would have cost", "Gross saving", "Between", "Class")
    return Grid(headings, cells, frozenset({1, 2, 3, 4, 5}))


def paid_again(report: WasteReport) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield title, meaning and rows of overhead paid again: what is the same text, then what is of the same size."""
    for is_same, title, meaning in (
        (True, "The same text, paid again", PAID_AGAIN),
        (False, "Prompts of about the same size, paid again", ABOUT_THE_SAME),
    ):
        rows = [row for row in report.paid_again.to_pylist() if row["again_usd"] and row["is_same_text"] is is_same]
        if rows:
            yield title, meaning, rows


def _again_grid(rows: Sequence[dict[str, Any]]) -> Grid:
    cells = tuple(
        (
            text_in_words(row),
            row["kind"].replace("_", " "),
            row["project"] or "",
            f"{row['sessions_count']:,}",
            f"{row['subagents_count']:,}",
            f"{row['size_tokens']:,}",
            usd(row["again_usd"]),
        )
        for row in rows
    )
    headings = ("Text", "Kind", "Project", "Sessions", "Subagents", "Tokens of one", "Paid again")
    return Grid(headings, cells, frozenset({3, 4, 5, 6}))


def _label_grid(report: WasteReport) -> Grid:
    rows = tuple(
        (
            row["group_name"] + (" (hint)" if row["is_hint"] else ""),
            LABELS.get(row["group_name"], ""),
            CLASSES[row["doubt"]],
            precision_in_words(row["group_name"], is_hint=row["is_hint"]),
            f"{row['findings_count']:,}",
            f"{row['sessions_count']:,}",
            usd(row["waste_usd"]),
            between_in_words(row),
        )
        for row in report.by_label.to_pylist()
    )
    headings = ("Label", "What", "Class", "Right when read", "Cases", "Sessions", "Cost", "Between")
    total = (ALL_WASTE, "without hints", "", "", "", "", usd(report.waste_usd), "")
    return Grid(headings, rows, frozenset({3, 4, 5, 6, 7}), total)


def _group_grid(dimension: str, rows: Sequence[dict[str, Any]], total: Decimal) -> Grid:
    """Return groups, the dearest one by one and the others as one row, then what belongs to none; they add up."""
    groups = [row for row in rows if row["part"] == "group"]
    shown = groups if len(groups) <= _GROUPS_SHOWN + 1 else groups[:_GROUPS_SHOWN]
    cells = [_group_cells(group_in_words(row, dimension), row) for row in shown]
    if rest := groups[len(shown) :]:
        sums = {name: _sum(rest, name) for name in ("findings_count", "content_usd", "misses_usd", "waste_usd")}
        cells.append(_group_cells(f"{len(rest)} others", sums))
    cells += [_group_cells(group_in_words(row, dimension), row) for row in rows if row["part"] != "group"]
    headings = (dimension.capitalize(), "Cases", "Sessions", "Content", "Cache misses", "Cost")
    return Grid(headings, tuple(cells), frozenset({1, 2, 3, 4, 5}), (ALL_WASTE, "", "", "", "", usd(total)))


def _group_cells(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    counts = tuple(f"{row[count]:,}" if count in row else "" for count in ("findings_count", "sessions_count"))
    return (name, *counts, *(usd(row[part]) for part in ("content_usd", "misses_usd", "waste_usd")))


def _sum(rows: Sequence[dict[str, Any]], name: str) -> Any:
    """Add up what is known; None where nothing is."""
    known = [row[name] for row in rows if row[name] is not None]
    return sum(known) if known else None


def _finding_grid(rows: Sequence[dict[str, Any]]) -> Grid:
    cells = tuple(
        (
            row["kind"],
            precision_in_words(row["kind"]),
            row["session_id"][:8] + _in_turn(row["turn_index"]),
            row["path"] or row["tool_name"] or "",
            row["evidence"] or "",
            f"{row['tokens']:,}",
            usd(row["waste_usd"]),
        )
        for row in rows
    )
    headings = ("Kind", "Right when read", "Where", "Of", "Evidence", "Tokens billed", "Cost")
    return Grid(headings, cells, frozenset({1, 5, 6}))


_COLOURS = {
    "S": "#009E73",
    "H": "#56B4E9",
    "C": "#D55E00",
    "K": "#E69F00",
    "P": "#CC79A7",
    "f": "#8A8F98",
    "N": "#A8A29E",
}


def waterfall(report: WasteReport) -> dict[str, Any]:
    """Return the bill's parts as a waterfall, a Vega-Lite specification with its rows."""
    values, end = [], Decimal(0)
    for row in report.bill.to_pylist():
        start, end = end, end + row["usd"]
        values.append(
            {
                "label": f"{row['label']}  {LABELS.get(row['label'], '')}",
                "from": float(start),
                "to": float(end),
                "usd": float(row["usd"]),
                "colour": _COLOURS[row["label"][0]],
                "told": usd(row["usd"]),
            }
        )
    values.append(
        {
            "label": "Bill, at least" if report.selection.is_floor else "Bill",
            "from": 0.0,
            "to": float(end),
            "usd": float(end),
            "colour": "#6B7280",
            "told": usd(end),
        }
    )
    return _drawn(values)


def bars(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what groups of findings cost as bars, the dearest first, a Vega-Lite specification with its rows."""
    values = [
        {
            "label": f"{row['group_name']}  {LABELS.get(row['group_name'], '')}".rstrip(),
            "from": 0.0,
            "to": float(row["waste_usd"]),
            "usd": float(row["waste_usd"]),
            "colour": _COLOURS["K" if row["label"].startswith("K") else "C"],
            "told": usd(row["waste_usd"]),
        }
        for row in sorted(rows, key=lambda row: (-row["waste_usd"], str(row["group_name"])))
    ]
    return _drawn(values)


def _drawn(values: list[dict[str, Any]]) -> dict[str, Any]:
    y = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"ticks": False}}
    tip = [{"field": "label", "title": "Part"}, {"field": "told", "title": "US dollars"}]
    axis = {"format": "$,~f", "tickCount": 6}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 560,
        "height": {"step": 22},
        "padding": {"left": 56, "top": 5, "right": 5, "bottom": 5},  # a reader's font may be wider than the drawer's
        "data": {"values": values},
        "layer": [
            {
                "mark": {"type": "bar", "height": 15},
                "encoding": {
                    "y": y,
                    "x": {"field": "from", "type": "quantitative", "title": "US dollars", "axis": axis},
                    "x2": {"field": "to"},
                    "color": {"field": "colour", "type": "nominal", "scale": None},
                    "tooltip": tip,
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 11, "color": "#6B7280"},
                "encoding": {"y": y, "x": {"field": "to", "type": "quantitative"}, "text": {"field": "told"}},
            },
        ],
        "config": {"view": {"stroke": None}, "font": "sans-serif", "axisY": {"labelLimit": 320}},
    }
