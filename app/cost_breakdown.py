"""Overview, where the money went: the bill by lane, by what was in the prompts, and by cause of missed caches.

What belongs here: the section, and the queries that show the rows behind each of its figures on the SQL page. What
does not: the charts (`context_chart`) and the questions (`her_models.ledger_reports`).
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import streamlit as st

from app import context_chart, data, format, tables
from app.tables import Shown
from her_models import ledger_reports
from her_models.ledger_reports import Lanes, Part, Unlogged
from her_models.reports import Scope

_CLASSES = (
    "exact: bound by growth alone. estimated: an exact growth shared out by estimates. residual: what no line shows,"
    " exact in sum. never sent: in no prompt, its output alone was billed."
)
PARTS: dict[str, tuple[Part, str]] = {
    "Kind": ("kind", "blocks.lifetime_usd by kind"),
    "Tool": ("tool", "tool_cost.lifetime_usd: calls and results from first to last"),
    "File": ("file", "file_cost.lifetime_usd: calls that named the file, and their results"),
    "MCP server": ("server", "mcp_cost.calls_usd + schemas_usd: calls, results, and schemas where the log shows them"),
}
_ROWS_BEHIND = {
    "kind": "kind, tool_name, path, preview, size_tokens, size_class, carried_requests_count,"
    " lifetime_usd\nfrom blocks",
    "tool": "tool_name, path, preview, size_tokens, size_class, carried_requests_count, lifetime_usd\nfrom blocks",
    "file": "path, tool_name, preview, size_tokens, size_class, carried_requests_count, lifetime_usd\nfrom blocks",
    "server": "mcp_server, tool_name, preview, size_tokens, size_class, carried_requests_count,"
    " lifetime_usd\nfrom blocks",
}
_ONLY = {
    "tool": "tool_name is not null and kind in ('tool_call', 'tool_result')",
    "file": "path is not null and kind in ('tool_call', 'tool_result')",
    "server": "mcp_server is not null",
}
_CAUSES = {
    "K1": "expired",
    "K2": "prefix changed",
    "K3": "resume or fork",
    "K4": "prefix not shared",
    "K5": "unexplained",
}


_SESSION = "'/session?session=' || session_id || '&source=' || url_encode(source_id)"
_EVENT = f"""{_SESSION} || '&event=' || (
        select min(block_index) + 1 from blocks
        where blocks.source_id = {{table}}.source_id and blocks.session_id = {{table}}.session_id
            and blocks.request_id = {{table}}.request_id
    )"""
_LINES_BEHIND = {
    "blocks": f"case when file_id is not null then {_SESSION} || '&event=' || (block_index + 1) end",
    "requests": _EVENT.format(table="requests"),
    "cache_misses": _EVENT.format(table="cache_misses"),
    "agent_cost": f"{_SESSION} || '&view=Subagents'",
    "unlogged_calls": f"{_SESSION} || '&view=Context'",
}
"""Where the log lines behind a row are shown; null for what no line shows."""


def draw(scope: Scope) -> None:
    """Draw where the money of `scope` went."""
    st.subheader("Where the money went")
    bill = data.ask(ledger_reports.lanes, scope)
    _draw_bill(bill, data.ask(ledger_reports.unlogged, scope), scope)
    drawing = context_chart.lanes(bill)
    if drawing is None:
        st.info("Nothing in this selection has a price, so there is no money to divide.")
        return
    drawing.draw("The bill by lane")
    shown = [*PARTS, "Subagent", "Cache misses"]
    view = st.segmented_control(
        "Money by", shown, default="Kind", required=True, key="money", bind="query-params", label_visibility="collapsed"
    )
    if view == "Cache misses":
        _draw_misses(scope)
    elif view == "Subagent":
        _draw_agents(scope)
    else:
        _draw_part(view or "Kind", scope)


def rows_behind(columns: str, order: str, scope: Scope, *, only: str | None = None, sessions_whole: bool = True) -> str:
    """Return the query that shows the rows of which a figure in `scope` is the sum, each with the way to its line."""
    lines = _LINES_BEHIND[columns.rpartition("from ")[2]]
    conditions = [only] if only else []
    if sessions_whole:
        inner = [
            *_among("owner", scope.owners),
            *_among("project", scope.projects),
            *([f"list_has_any(models, [{_literals(scope.models)}])"] if scope.models else []),
            *_period("ended_at", "started_at", scope),
        ]
        if inner:
            within = "\n        and ".join(inner)
            conditions.append(
                f"(source_id, session_id) in (\n    select (source_id, session_id) from sessions\n    where {within}\n)"
            )
    else:
        conditions += [
            *_among("owner", scope.owners),
            *_among("project", scope.projects),
            *_among("model", scope.models),
            *_period("started_at", "started_at", scope),
        ]
    where = "\nwhere " + "\n    and ".join(conditions) if conditions else ""
    return f"select {lines} as lines_behind,\n    session_id, {columns}{where}\norder by {order} desc nulls last"


def link(sql: str, label: str = "The rows behind this") -> None:
    """Draw the way to the SQL page with `sql` asked there."""
    st.page_link("views/sql.py", label=label, icon=":material/table_rows:", query_params={"query": sql})


def _draw_bill(bill: Lanes, calls: Unlogged, scope: Scope) -> None:
    is_floor = bool(bill.floor_requests_count or bill.unpriced_requests_count)
    with st.container(horizontal=True, gap="small", key="figures_money"):
        st.metric(
            "Billed, at least",
            format.usd(bill.billed_usd, is_floor=is_floor),
            border=True,
            help=f"requests.billed_usd, exact: {bill.floor_requests_count:,} responses have a lower bound of output,"
            f" {bill.unpriced_requests_count:,} have no price and are left out",
        )
        st.metric(
            "Best estimate",
            format.usd(bill.estimated_usd, is_floor=bool(bill.unpriced_requests_count)),
            border=True,
            help=f"requests.estimated_usd, estimated: the bill and the output that the log lost, in"
            f" {bill.estimated_requests_count:,} responses",
        )
        st.metric(
            "Unlogged calls, apart",
            format.usd(calls.estimated_usd) if calls.calls_count else "none known",
            border=True,
            help=f"unlogged_calls.estimated_usd, estimated: {calls.calls_count:,} calls that no line shows, in no other"
            f" figure; between {format.escaped(format.usd(calls.low_usd))}"
            f" and {format.escaped(format.usd(calls.high_usd))}",
        )
        for name, (label, _) in context_chart.LANES.items():
            st.metric(label, format.usd(getattr(bill, name)), border=True, help=_LANE_NOTES[name])
    with st.container(horizontal=True):
        columns = "started_at, model, billed_usd, estimated_usd, content_usd, cache_excess_usd, premium_usd, fees_usd"
        link(
            rows_behind(f"{columns}\nfrom requests", "billed_usd", scope, sessions_whole=False),
            "The responses behind the bill",
        )
        if calls.calls_count:
            link(
                rows_behind(
                    "occasion, model, estimated_usd, low_usd, high_usd\nfrom unlogged_calls", "estimated_usd", scope
                ),
                "The unlogged calls",
            )


_LANE_NOTES = {
    "content_usd": "requests.content_usd, exact: what the content would have cost with every expected cache read",
    "cache_excess_usd": "requests.cache_excess_usd, exact: what missing the cache cost on top",
    "premium_usd": "requests.premium_usd, exact: fast mode, geography, long-context band",
    "fees_usd": "requests.fees_usd, exact: fees of server-side tools",
}


def _draw_part(view: str, scope: Scope) -> None:
    part, meaning = PARTS[view]
    found = data.ask(ledger_reports.parts, part, scope)
    _draw_bars(found, f"{meaning}.", part)
    if found.num_rows:
        link(rows_behind(_ROWS_BEHIND[part], "lifetime_usd", scope, only=_ONLY.get(part)))


def _draw_agents(scope: Scope) -> None:
    found = data.ask(ledger_reports.agents, scope)
    _draw_bars(found, "agent_cost.billed_usd by type of subagent.", "agent")
    tables.draw(
        found,
        {
            "group_name": Shown("Thread", "text", "agent_cost.agent_type", "medium"),
            "lifetime_usd": Shown("Billed, at least", "usd", "agent_cost.billed_usd, exact for what the log holds"),
            "estimated_usd": Shown("Best estimate", "usd", "agent_cost.estimated_usd: with output that the log lost"),
            "threads_count": Shown("Threads", "count"),
            "requests_count": Shown("Responses", "count"),
        },
        label="Threads by type",
    )
    link(rows_behind("agent_type, description, requests_count, billed_usd\nfrom agent_cost", "billed_usd", scope))


def _draw_bars(found: pa.Table, meaning: str, part: str) -> None:
    names = (
        {name: context_chart.kind_name(name) for name in found["group_name"].to_pylist()} if part == "kind" else None
    )
    drawing = context_chart.bars(found, names)
    if drawing is None:
        st.info("Nothing of this kind in the selection has a cost.")
        return
    groups = len(set(found["group_name"].to_pylist()))
    first = f"The dearest 15 of {groups:,}. " if groups > 15 else ""
    st.caption(f"{first}Sessions that touch the period count whole.", help=f"{meaning} Classes: {_CLASSES}")
    drawing.draw("Cost by group, split by class")


def _draw_misses(scope: Scope) -> None:
    found = data.ask(ledger_reports.misses, scope)
    if not found.num_rows:
        st.info("No response in this selection missed its cache.")
        return
    labels = [f"{row['label']} {_CAUSES.get(row['label'], '')}" for row in found.to_pylist()]
    tables.draw(
        found.set_column(found.schema.get_field_index("label"), "label", [labels]),
        {
            "label": Shown("Label", "text", "cache_misses.label"),
            "cause": Shown("Cause", "text", "cache_misses.cause"),
            "confidence": Shown("Class", "text", "cache_misses.confidence: how sure the label is"),
            "misses_count": Shown("Responses", "count"),
            "missed_tokens": Shown("Tokens missed", "tokens", "cache_misses.missed_tokens"),
            "excess_usd": Shown("On top", "usd_sum", "cache_misses.excess_usd, US dollars at list price"),
        },
        label="Cache misses by cause",
        key="misses_by_cause",
    )
    columns = "started_at, label, cause, confidence, evidence, missed_tokens, excess_usd\nfrom cache_misses"
    link(rows_behind(columns, "excess_usd", scope, sessions_whole=False))


def _among(column: str, values: Iterable[str]) -> list[str]:
    return [f"{column} in ({_literals(values)})"] if values else []


def _period(last: str, first: str, scope: Scope) -> list[str]:
    since, until = scope.since_at(), scope.until_at()
    return [
        *([f"{last} >= timestamptz '{since.isoformat()}'"] if since else []),
        *([f"{first} < timestamptz '{until.isoformat()}'"] if until else []),
    ]


def _literals(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)
