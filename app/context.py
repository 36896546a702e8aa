"""Session, Context: what a thread's prompts were made of, and what the dearest things in them cost over their lives.

What belongs here: the view and the words of its table. What does not: the chart (`context_chart`) and the questions
(`her_models.ledger_reports`).
"""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app import context_chart, data, events, format, tables
from app.context_chart import Drawing, kind_name
from app.events import Text
from app.replay import component as replay
from app.tables import Shown
from her_models import ledger_reports, reports
from her_models.reports import Scope, Session
from her_models.waste_report import questions

_FINDINGS_READ = 10_000


def draw(session: Session) -> None:
    """Draw the context of the chosen thread and, below it, the dearest blocks of the session."""
    found = data.ask(ledger_reports.requests, session.source_id, session.session_id)
    if not found.num_rows:
        st.info("No response was billed in this session, so nothing is known of its prompts.")
        return
    thread = _chosen_thread(session, found)
    drawing = data.ask(_drawing, session.source_id, session.session_id, thread)
    if drawing is None:
        st.info("Nothing is known of what this thread's prompts were made of.")
    else:
        _draw_legend(session, found, thread)
        drawing.draw("Context of the thread over its requests, by kind of content")
    _draw_blocks(session)


def lifetime_words(block: dict[str, Any]) -> str:
    """Say in words what a block did as long as it stayed: "read once, carried 143 requests, $1.12"."""
    carried = block["carried_requests_count"] or 0
    begins = {
        "tool_result": "read once" if block["tool_name"] == "Read" else "returned once",
        "tool_call": "written once", "text": "written once", "thinking": "written once",
        "prompt": "said once", "command": "said once", "image": "shown once", "document": "shown once",
        "compact_summary": "summed up once", "reminder": "added once", "interruption": "added once",
        "memory": "loaded once", "listing": "listed once",
        "system": "sent from the start", "tool_schema": "sent from the start", "hidden": "shown by no line",
    }.get(block["kind"], "added once")  # fmt: skip
    requests = "carried by no request" if not carried else f"carried {carried:,} request{'s' if carried > 1 else ''}"
    return f"{begins}, {requests}, {format.usd(block['lifetime_usd'])}"


def size_words(block: dict[str, Any]) -> str:
    """Write a size with its class, and its interval where it is not exact: "9,459 estimated (6,609 to 12,309)"."""
    size, low, high = block["size_tokens"], block["size_low_tokens"], block["size_high_tokens"]
    if size is None:
        return "never sent"
    interval = f" ({low:,} to {high:,})" if low is not None and high is not None and low != high else ""
    return f"{size:,} {block['size_class'] or ''}{interval}".strip()


def _drawing(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, thread: str) -> Drawing | None:
    """Make the chart of one thread; asked through `data.ask`, so that it is made once per snapshot."""
    found = ledger_reports.requests(con, source_id, session_id)
    found = found.filter(pc.equal(found["thread_id"], thread))
    waste = questions.by_request(con, source_id, session_id)
    return context_chart.context(found, ledger_reports.contexts(con, source_id, session_id, thread), waste)


def _chosen_thread(session: Session, found: pa.Table) -> str:
    """Let the reader choose where there are subagents; the main thread comes first, then the longest."""
    names = found["thread_id"].to_pylist()
    threads = sorted(dict.fromkeys(names), key=lambda name: (name != "", -names.count(name)))
    if len(threads) == 1:
        return str(threads[0])
    agents = data.ask(reports.session_agents, session.source_id, session.session_id).to_pylist()
    known = {row["agent_id"] or "": row for row in agents}

    def name(thread: str) -> str:
        count = format.counted(names.count(thread), "request")
        if not thread:
            return f"Main thread · {count}"
        row = known.get(thread, {})
        what = " · ".join(format.one_line(row.get(part), 50) for part in ("agent_type", "description") if row.get(part))
        return f"{what or 'Subagent'} · {thread[:8]} · {count}"

    return str(st.selectbox("Thread", threads, format_func=name, key="context_thread", bind="query-params", width=520))


def _draw_legend(session: Session, found: pa.Table, thread: str) -> None:
    """Say what the marks are and how far the figures can be trusted."""
    rows = found.filter(pc.equal(found["thread_id"], thread)).to_pylist()
    misses = [row for row in rows if row["label"]]
    cuts = sum(row["cut"] is not None for row in rows)
    excess = [row["excess_usd"] for row in misses if row["excess_usd"] is not None]
    peak = max(row["prompt_tokens"] for row in rows)
    requests = {row["request_id"] for row in rows}
    waste = data.ask(questions.by_request, session.source_id, session.session_id).to_pylist()
    begun = sum(row["findings_count"] for row in waste if row["request_id"] in requests)
    truths = ", ".join(sorted({row["lineage_truth"] for row in rows if row["lineage_truth"]})) or "unknown"
    on_top = format.usd(sum(excess) if excess else None)
    told = [
        f"Truth of the content: {truths}.",
        f"▼ {format.counted(len(misses), 'request')} missed the cache, {on_top} on top."
        if misses
        else "No request missed the cache.",
        f"┃ {cuts} compactions or other cuts." if cuts else "",
        f"◆ {begun} findings of waste begin; the line is how much of each prompt was waste." if begun else "",
        f"Dashed: a window of {context_chart.window_tokens(peak):,} tokens, which no log names."
        if context_chart.shows_window(peak)
        else "",
    ]
    st.caption(
        format.escaped(" ".join(part for part in told if part)),
        help="Height: request_context, tokens by kind; its sum, requests.prompt_tokens, is exact, its division is"
        " estimated. Truth: requests.lineage_truth. Misses: cache_misses.label, cause, excess_usd. Cuts: lineages.cut."
        " The window is 200,000 unless a longer prompt was seen.",
    )


def _draw_blocks(session: Session) -> None:
    st.subheader("What cost most as long as it stayed", anchor=False)
    found = data.ask(ledger_reports.dearest_blocks, session.source_id, session.session_id)
    if not found.num_rows:
        st.info("No block of this session was in a prompt.")
        return
    rows = found.to_pylist()
    wasted = _waste_by_block(session)
    st.caption(f"The {len(rows):,} dearest blocks. Click one to see what stands behind it.")
    shown = pa.table(
        {
            "life": [lifetime_words(row) for row in rows],
            "lifetime_usd": found["lifetime_usd"],
            "kind": [kind_name(row["kind"]) for row in rows],
            "tool": [row["tool_name"] or "" for row in rows],
            "what": [_what(row) for row in rows],
            "size": [size_words(row) for row in rows],
            "cache_excess_usd": found["cache_excess_usd"],
            "turn": format.turn_numbers(found["turn_index"]),
            "waste": [wasted.get(row["block_index"], "") for row in rows],
        }
    )
    clicked = tables.draw(
        shown,
        {
            "life": Shown("Life", "text", "In words: blocks.carried_requests_count and lifetime_usd", 310),
            "lifetime_usd": Shown(
                "Cost", "usd", "blocks.lifetime_usd: entry, carrying, misses and output; as sure as the size is"
            ),
            "kind": Shown("Kind", "text", "blocks.kind"),
            "tool": Shown("Tool", "text", "blocks.tool_name", 90),
            "what": Shown("What", "text", "blocks.path, else label, else preview", 320),
            "size": Shown("Tokens and class", "text", "blocks.size_tokens, size_class, size_low_tokens to high", 230),
            "cache_excess_usd": Shown("Of it, misses", "usd", "blocks.cache_excess_usd"),
            "turn": Shown("Turn", "count", "blocks.turn_index, counted from 1; 0 is what came before the first prompt"),
            "waste": Shown("Waste", "text", "waste.kind of findings about this block; the view Waste shows them"),
        },
        label="Dearest blocks",
        key="blocks_table",
        selects=True,
        height=min(38 + 35 * len(rows), 420),
    )
    if clicked is not None and clicked < len(rows):
        _draw_block(session, rows[clicked])


def _waste_by_block(session: Session) -> dict[int, str]:
    """Return the kinds of waste found in each block of the session."""
    found = data.ask(
        questions.findings, Scope(), source_id=session.source_id, session_id=session.session_id, limit=_FINDINGS_READ
    )
    kinds: dict[int, list[str]] = {}
    for row in found.to_pylist():
        if row["block_index"] is not None:
            kinds.setdefault(row["block_index"], []).append(row["kind"] + (" (hint)" if row["is_hint"] else ""))
    return {block: ", ".join(dict.fromkeys(names)) for block, names in kinds.items()}


def _what(block: dict[str, Any]) -> str:
    if block["file_id"] is None:
        return block["label"] or {"system": "system prompt and tools, measured as one"}.get(block["kind"], "")
    return block["path"] or block["preview"] or ""


def _draw_block(session: Session, block: dict[str, Any]) -> None:
    """Draw the text behind a block, where its line stands, and the way to the replay."""
    with st.container(border=True, key="block_behind"):
        st.caption(format.escaped(lifetime_words(block)) + " · " + format.escaped(size_words(block) + " tokens"))
        if block["file_id"] is None:
            st.caption(
                "No line of the log shows this. Its size is what the prompts have beyond all that lines show,"
                " kept at the place where it appeared."
            )
            return
        line = data.ask(reports.raw_line, session.source_id, block["file_id"], block["offset_bytes"])
        where = f"{line.path or 'file of unknown path'}, byte {line.offset_bytes:,}" if line else "line not in the lake"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Line: {format.escaped(where)}", width="content")
            st.button(
                "See it in the replay",
                icon=":material/play_circle:",
                key="block_replay",
                on_click=replay.turn_to,
                args=(block["event_number"],),
            )
        whole = (
            data.ask(reports.content_text, session.source_id, block["content_hash"]) if block["content_hash"] else None
        )
        text = None if whole is None else Text(whole, len(whole))
        events.draw_event(block, text, key=f"block_{block['block_index']}", whole=lambda: whole or "")
