"""Session, What if: what the session would have cost without its waste, and done otherwise.

What belongs here: the view. What does not: the replay (`her_models.whatif`), its questions
(`her_models.what_if_reports`), and policies in words (`her_models.waste_report.words`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import streamlit as st

from app import data, format, tables
from app.tables import Shown
from her_models import what_if_reports
from her_models.reports import Session
from her_models.waste_report.words import NEVER_ADDED, policy_in_words

_FAMILIES = ("cap", "lifetime", "model", "tools", "earlier", "delegate")


def draw(session: Session) -> None:
    """Draw what the session would have cost under each policy that would change something in it."""
    rows = data.ask(what_if_reports.what_ifs, session.source_id, session.session_id).to_pylist()
    if not rows:
        st.info("No response with a price was billed in this session, so nothing can be replayed.")
        return
    if not rows[0]["is_identity"]:
        st.warning(
            "Replayed as it was, this session does not give its bill back to the last digit. This is a fault of Her, "
            "and so no what-if is shown for it. Please report it."
        )
        return
    _draw_waste([row for row in rows if row["family"] == "remove"])
    _draw_others([row for row in rows if row["family"] in _FAMILIES])
    st.caption(
        "Replayed as it was, the session gives its bill back to the picodollar. Every policy assumes that the work "
        "would have gone the same way; docs/whatif.md says what is computed, what is assumed, and how predictions "
        "held against real bills.",
        width="content",
    )


def _draw_waste(rows: list[dict[str, Any]]) -> None:
    st.subheader("Without what was wasted", anchor=False)
    if not rows:
        st.info("No waste was found in this session, and no cache was missed.")
        return
    whole = rows[-1]
    with st.container(horizontal=True, gap="small", key="figures_what_if"):
        st.metric("Billed", format.usd(whole["billed_usd"]), border=True, help="what_ifs.billed_usd")
        st.metric(
            "Without any of it",
            format.usd(whole["replay_usd"]),
            border=True,
            help="what_ifs.replay_usd of remove.all: the session replayed without all that is counted as waste",
        )
        st.metric(
            "Saved, at most",
            format.usd(whole["gross_saving_usd"]),
            border=True,
            help=f"Interval: {_between(whole)}. An upper bound on what could have been saved",
        )
    st.caption(NEVER_ADDED, width="content")
    table = pa.table(
        {
            "what": [policy_in_words(row) for row in rows],
            "gross_saving_usd": _decimals(rows, "gross_saving_usd"),
            "net_saving_usd": _decimals(rows, "net_saving_usd"),
            "between": [_between(row) for row in rows],
            "class": [row["confidence"] for row in rows],
            "replay_usd": _decimals(rows, "replay_usd"),
        }
    )
    tables.draw(
        table,
        {
            "what": Shown("Taken out", "text", "what_ifs.label", 300),
            "gross_saving_usd": Shown("Gross saving", "usd", "what_ifs.gross_saving_usd: this alone. Never added"),
            "net_saving_usd": Shown("Net saving", "usd", "what_ifs.net_saving_usd: after all rows above; these add up"),
            "between": Shown("Gross, between", "figure", "what_ifs.low_usd to what_ifs.high_usd"),
            "class": Shown("Class", "text", "what_ifs.confidence: exact, estimated or heuristic"),
            "replay_usd": Shown("Would have cost", "usd", "what_ifs.replay_usd: with this alone taken out"),
        },
        label="Without what was wasted",
        key="what_if_waste",
        height="content",
    )


def _draw_others(rows: list[dict[str, Any]]) -> None:
    st.subheader("Done otherwise", anchor=False)
    if not rows:
        st.info("No other policy would have changed this session's bill.")
        return
    table = pa.table(
        {
            "what": [policy_in_words(row) for row in rows],
            "saving": [_change(row["gross_saving_usd"]) for row in rows],
            "between": [_between(row) for row in rows],
            "replay_usd": _decimals(rows, "replay_usd"),
            "class": [row["confidence"] for row in rows],
            "note": [row["note"] or "" for row in rows],
        }
    )
    tables.draw(
        table,
        {
            "what": Shown("Policy", "text", "what_ifs.policy", 300),
            "saving": Shown("Saving", "figure", "what_ifs.gross_saving_usd: alone, after its own cost. Never added"),
            "between": Shown("Between", "figure", "what_ifs.low_usd to what_ifs.high_usd"),
            "replay_usd": Shown("Would have cost", "usd", "what_ifs.replay_usd"),
            "class": Shown("Class", "text", "what_ifs.confidence: exact, estimated or heuristic"),
            "note": Shown("Assumed", "text", "what_ifs.note", 520),
        },
        label="Done otherwise",
        key="what_if_others",
        height="content",
    )


def _change(saving: Decimal) -> str:
    return format.usd(saving) if saving >= 0 else f"{format.usd(-saving)} dearer"


def _between(row: dict[str, Any]) -> str:
    low, high = row["low_usd"], row["high_usd"]
    if low != high:
        return f"{_signed(low)} to {_signed(high)}"
    return "exactly" if row["confidence"] == "exact" else _signed(low)  # nothing of it has an interval of its own


def _signed(amount: Decimal) -> str:
    return format.usd(amount) if amount >= 0 else f"−{format.usd(-amount)}"


def _decimals(rows: list[dict[str, Any]], name: str) -> pa.Array:
    return pa.array([row[name] for row in rows], pa.decimal128(38, 12))
