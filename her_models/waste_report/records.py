"""The report on waste as rows and plain values, for programs: every figure unrounded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from her_models.advice.outcomes import Outcome
from her_models.advice.pieces import Piece
from her_models.waste_report.pages import paid_again
from her_models.waste_report.questions import WasteReport
from her_models.waste_report.words import CLASSES, METHOD, group_in_words, outcome_in_words, precision, text_in_words


def as_rows(report: WasteReport) -> pa.Table:
    """Return the report's figures as one long table: section, name, cost and what belongs to it."""
    found = report.selection
    whole = {"name": "billed", "usd": report.billed_usd, "is_floor": found.is_floor}
    counts = {
        "responses": found.requests_count,
        "responses whose output is a lower bound": found.floor_requests_count,
        "responses without a price": found.unpriced_requests_count,
    }
    sections: list[tuple[str, list[dict[str, Any]]]] = [
        ("billed", [whole, *({"name": name, "responses_count": count} for name, count in counts.items())]),
        ("model without a price", [{"name": model} for model in found.unpriced_models]),
        ("waste", [{"name": "all", "usd": report.waste_usd, "is_floor": found.is_floor}]),
        (
            "bill",
            [{"name": row["label"], "usd": row["usd"], "tokens": row["tokens"]} for row in report.bill.to_pylist()],
        ),
    ]
    groups = {"label": report.by_label, "kind": report.by_kind, "project": report.by_project, "tool": report.by_tool}
    groups |= {"file": report.by_file} | ({"owner": report.by_owner} if report.by_owner is not None else {})
    for name, table in groups.items():
        is_rule = name in ("label", "kind")
        rows = [_long(row, name) | (_precision(row) if is_rule else {}) for row in table.to_pylist()]
        sections.append((f"waste by {name}", rows))
    for title, _, rows in paid_again(report):
        again = [
            {"name": f"{row['project'] or ''}: {text_in_words(row)}", "usd": row["again_usd"], "tokens": row["tokens"]}
            | {"sessions_count": row["sessions_count"]}
            for row in rows
        ]
        sections.append((title[:1].lower() + title[1:], again))
    policies = [row for row in report.what_ifs.to_pylist() if row["family"] != "identity"]
    sections.append(("gross saving of one change", [_policy(row, "gross_saving_usd") for row in policies]))
    removed = [row for row in policies if row["family"] == "remove"]
    sections.append(("net saving of one label", [_policy(row, "net_saving_usd") for row in removed]))
    sections.append(
        (
            "advice, US dollars a week",
            [
                {
                    "name": piece.name,
                    "usd": Decimal(f"{piece.saving_usd:.12f}"),
                    "low_usd": Decimal(f"{piece.low_usd:.12f}"),
                    "high_usd": Decimal(f"{piece.high_usd:.12f}"),
                    "findings_count": piece.cases_count,
                    "sessions_count": piece.sessions_count,
                    "confidence": piece.confidence,
                }
                for piece in report.pieces
            ],
        )
    )
    schema = pa.schema(
        [
            ("section", pa.string()),
            ("part", pa.string()),
            ("name", pa.string()),
            ("usd", pa.decimal128(38, 12)),
            ("is_floor", pa.bool_()),
            ("content_usd", pa.decimal128(38, 12)),
            ("misses_usd", pa.decimal128(38, 12)),
            ("low_usd", pa.decimal128(38, 12)),
            ("high_usd", pa.decimal128(38, 12)),
            ("tokens", pa.int64()),
            ("responses_count", pa.int64()),
            ("findings_count", pa.int64()),
            ("sessions_count", pa.int64()),
            ("confidence", pa.string()),
            ("is_hint", pa.bool_()),
            ("precision_ratio", pa.float64()),
            ("judged_count", pa.int64()),
            ("judged_sessions_count", pa.int64()),
        ]
    )
    told = [{"section": section, **row} for section, found in sections for row in found]
    return pa.Table.from_pylist(told, schema=schema)


def _precision(row: dict[str, Any]) -> dict[str, Any]:
    """Return how often findings of a row's label or kind were right when read by hand, and in how many sessions."""
    return precision(row["group_name"], is_hint=row["is_hint"])


def _long(row: dict[str, Any], dimension: str) -> dict[str, Any]:
    kept = (
        "part",
        "content_usd",
        "misses_usd",
        "low_usd",
        "high_usd",
        "tokens",
        "findings_count",
        "sessions_count",
        "is_hint",
    )
    return {
        "name": group_in_words(row, dimension),
        "usd": row["waste_usd"],
        "confidence": CLASSES[row["doubt"]],
        **{name: row[name] for name in kept},
    }


def _policy(row: dict[str, Any], saving: str) -> dict[str, Any]:
    ends = {name: row[name] for name in ("low_usd", "high_usd")} if saving == "gross_saving_usd" else {}
    told = {"name": row["policy"], "usd": row[saving], "sessions_count": row["sessions_count"]}
    return {**told, **ends, "confidence": CLASSES[row["doubt"]]}


def as_record(report: WasteReport) -> dict[str, Any]:
    """Return the report as plain values, for JSON."""
    return {
        "whose": report.whose,
        "scope": vars(report.scope),
        "billed_usd": report.billed_usd,
        "is_floor": report.selection.is_floor,
        **vars(report.selection),
        "waste_usd": report.waste_usd,
        "bill": report.bill.to_pylist(),
        "by_label": [row | _precision(row) for row in report.by_label.to_pylist()],
        "by_kind": [row | _precision(row) for row in report.by_kind.to_pylist()],
        "by_project": report.by_project.to_pylist(),
        "by_owner": report.by_owner.to_pylist() if report.by_owner is not None else None,
        "by_tool": report.by_tool.to_pylist(),
        "by_file": report.by_file.to_pylist(),
        "findings": [_told(row, report) for row in report.findings.to_pylist()],
        "paid_again": report.paid_again.to_pylist(),
        "what_ifs": report.what_ifs.to_pylist(),
        "advice": [piece_record(piece, names_persons=report.names_persons) for piece in report.pieces],
        "changes": [outcome_record(found) for found in report.outcomes],
        "method": list(METHOD),
    }


def _told(row: dict[str, Any], report: WasteReport) -> dict[str, Any]:
    told = row | precision(row["kind"], is_hint=row["is_hint"])
    return told if report.names_persons else _nameless(told)


def _nameless(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without whose it is; a source bears its owner's name. The session says where to look it up."""
    return {name: value for name, value in row.items() if name not in ("owner", "source_id")}


def piece_record(piece: Piece, *, names_persons: bool = True) -> dict[str, Any]:
    """Return a piece of advice as plain values; `names_persons`: with the sources of its examples."""
    names = ("cases_count", "sessions_count", "scope_sessions_count", "total_usd", "saving_usd", "low_usd", "high_usd")
    return {
        "name": piece.name,
        "title": piece.pattern.title,
        "what": piece.what,
        "means": piece.pattern.means,
        "where": piece.pattern.where,
        "change": piece.change,
        "undo": piece.pattern.undo,
        "confidence": piece.confidence,
        **{name: getattr(piece, name) for name in names},
        "examples": [vars(case) if names_persons else _nameless(vars(case)) for case in piece.examples],
    }


def outcome_record(found: Outcome) -> dict[str, Any]:
    """Return an outcome as plain values."""
    kept = {name: value for name, value in vars(found).items() if name != "change"}
    return {"name": found.change.name, "made_on": found.change.made_on, **kept, "in_words": outcome_in_words(found)}
