"""Health, Reconciliation: whether the parts of the ledger are the bill, and how much of it rests on estimates.

What belongs here: the section and the sentence that says what each column means. What does not: the proof itself
(`her_models.reconcile`).
"""

from __future__ import annotations

import pyarrow as pa
import streamlit as st

from app import data, format, tables
from app.tables import Shown
from her_models import reconcile

_MEANINGS = {
    "Billed": "What the session's responses cost at list price, as far as the log shows (sessions.billed_usd).",
    "Lanes − billed": "Content, cache, premium and fees minus the bill; must be 0 (lanes_difference_usd).",
    "Others": "The same for kinds, blocks, turns and tokens; the sessions that differ (is_reconciled).",
    "Exact, estimated, static, hidden": "Shares of the tokens sent, by class of size: bound by growth alone; an exact"
    " growth shared out by estimates; system prompt and tools measured as one; shown by no line (both residual).",
    "Identity": "Share of the responses that read exactly what the one before had cached "
    " (sessions.identical_pairs_count).",
    "Best estimate": "The bill with output that the log lost (sessions.estimated_usd).",
    "Unlogged": "Calls that no line shows, estimated, in no other figure (sessions.estimated_unlogged_usd); of sessions"
    " with responses, as all here. Overview counts those of sessions without any, too.",
    "Client": "The client's own running total, where it wrote one, and how it differs (sessions.client_total_usd).",
    "Floor": "Responses whose output is only a lower bound (sessions.floor_requests_count).",
    "Truth": "Where most prompts' content comes from: exact, snapshot or inferred (sessions.ledger_truth).",
}


def draw() -> None:
    """Draw the totals, the sentence, and the table per session."""
    st.subheader("Reconciliation", anchor="reconciliation")
    found = data.ask(reconcile.reconciliation)
    if not found.num_rows:
        st.caption("No session has a billed response yet.")
        return
    total = data.derived(reconcile.totals, reconcile.reconciliation)
    _draw_totals(total)
    if total.is_reconciled:
        st.success(reconcile.in_words(total)[0], icon=":material/check_circle:")
    else:
        st.error(reconcile.in_words(total)[0], icon=":material/error:")
    tables.draw(
        data.derived(_shown, reconcile.reconciliation),
        {
            "session_id": Shown("Session", width=110),
            "project": Shown("Project"),
            "billed_usd": Shown("Billed", "usd", _MEANINGS["Billed"]),
            "lanes_difference": Shown("Lanes − billed", "figure", _MEANINGS["Lanes − billed"]),
            "is_reconciled": Shown("All parts", "flag", _MEANINGS["Others"]),
            "exact": Shown("Exact", "figure", "exact_tokens / prompt_tokens: sizes bound by growth alone"),
            "estimated": Shown("Estimated", "figure", "estimated_tokens / prompt_tokens: an exact growth shared out"),
            "static": Shown("Static", "figure", "static_tokens / prompt_tokens: system and tools, a residual"),
            "hidden": Shown("Hidden", "figure", "hidden_tokens / prompt_tokens: what no line shows, a residual"),
            "identity": Shown("Identity", "figure", _MEANINGS["Identity"]),
            "estimated_usd": Shown("Best estimate", "usd", _MEANINGS["Best estimate"]),
            "unlogged": Shown("Unlogged", "figure", _MEANINGS["Unlogged"]),
            "client": Shown("Client's total", "figure", _MEANINGS["Client"]),
            "client_difference": Shown("Client's difference", "text", _MEANINGS["Client"], 260),
            "floor_requests_count": Shown("Floor", "count", _MEANINGS["Floor"]),
            "ledger_truth": Shown("Truth", "text", _MEANINGS["Truth"]),
        },
        label="Reconciliation per session",
        key="reconciliation",
        height=min(38 + 35 * found.num_rows, 420),
    )
    with st.expander("What the columns mean"):
        st.markdown("\n".join(f"- **{name}**: {meaning}" for name, meaning in _MEANINGS.items()))


def _draw_totals(total: reconcile.Totals) -> None:
    """Draw all sessions together as cards."""
    no_price = total.requests_count == total.unpriced_requests_count
    client = total.client_total_usd if total.client_sessions_count else None
    residual = None if total.static_ratio is None else (total.static_ratio or 0) + (total.hidden_ratio or 0)
    with st.container(horizontal=True, gap="small", key="figures_reconciliation"):
        st.metric("Lanes − billed", _exactly(total.lanes_difference_usd), border=True, help=_MEANINGS["Lanes − billed"])
        st.metric(
            "Billed, at least",
            format.usd(None if no_price else total.billed_usd, is_floor=bool(total.floor_requests_count)),
            border=True,
            help=_MEANINGS["Billed"],
        )
        st.metric(
            "Best estimate",
            format.usd(None if no_price else total.estimated_usd, is_floor=bool(total.unpriced_requests_count)),
            border=True,
            help=_MEANINGS["Best estimate"],
        )
        st.metric("Unlogged", format.usd(total.estimated_unlogged_usd), border=True, help=_MEANINGS["Unlogged"])
        st.metric("Exact size", format.percent(total.exact_ratio), border=True, help=_MEANINGS[_SHARES])
        st.metric("Estimated", format.percent(total.estimated_ratio), border=True, help=_MEANINGS[_SHARES])
        st.metric("Residual", format.percent(residual), border=True, help=f"Static and hidden. {_MEANINGS[_SHARES]}")
        st.metric("Identity", format.percent(total.identity_ratio), border=True, help=_MEANINGS["Identity"])
        if client is not None:
            st.metric(
                "Client's total",
                format.usd(client),
                border=True,
                help=f"{_MEANINGS['Client']} {total.client_sessions_count:,} sessions hold one; billed here for them:"
                f" {format.escaped(format.usd(total.client_billed_usd))}.",
            )


_SHARES = "Exact, estimated, static, hidden"


def _shown(found: pa.Table) -> pa.Table:
    """Return the columns of the table; a difference is written whole, since a rounded one could hide itself."""
    rows = found.to_pylist()
    kept = ["session_id", "project", "billed_usd", "is_reconciled", "estimated_usd", "floor_requests_count"]
    table = found.select([*kept, "ledger_truth"])
    written = {
        "lanes_difference": [_exactly(row["lanes_difference_usd"]) for row in rows],
        "identity": [format.percent(row["identity_ratio"]) for row in rows],
        "unlogged": [_or_unknown(row["estimated_unlogged_usd"]) for row in rows],
        "client": [_or_unknown(row["client_total_usd"]) for row in rows],
        "client_difference": [row["client_difference"] or format.UNKNOWN for row in rows],
        **{
            name: [format.percent(row[f"{name}_ratio"]) for row in rows]
            for name in ("exact", "estimated", "static", "hidden")
        },
    }
    for name, values in written.items():
        table = table.append_column(name, pa.array(values, pa.string()))
    return table


def _exactly(usd: object) -> str:
    return "0" if not usd else f"{usd:f}"


def _or_unknown(usd: float | None) -> str:
    return format.UNKNOWN if usd is None else format.usd(usd)
