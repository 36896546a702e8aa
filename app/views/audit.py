"""Audit: risky actions with their outcome, what the log lacks, and the files on disk held against what was read."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import streamlit as st

from app import data, downloads, empty, filters, format, tables
from app.tables import Shown
from her_models import reports
from her_models.audit import case, questions
from her_models.audit.questions import CLASSES, OUTCOMES, AuditFilter, FileCheck
from her_models.config import Config
from her_models.export import SessionKey
from her_models.reports import Scope

EVENTS = {
    "happened_at": Shown("When", "when", "audit_events.happened_at"),
    "class_name": Shown("Class", "text", "audit_events.class"),
    "severity": Shown("Severity", "text", "risk: look at it; notice: worth knowing, and frequent"),
    "outcome": Shown("Outcome", "text", "Of the whole call: succeeded, failed, denied, unknown"),
    "command": Shown("Command or path", "text", "audit_events.command, redacted", 380),
    "target": Shown("On", "text", "audit_events.target: what it acted on, where that is known", 220),
    "effect": Shown("What it does", "text", "From the rule"),
    "project": Shown("Project", "text"),
    "owner": Shown("Person", "text"),
    "title": Shown("Session", "text", "sessions.title", 220),
    "turn": Shown("Turn", "count", "audit_events.turn_index, from 1; 0 is what came before the first prompt"),
    "rule": Shown("Rule", "text", "docs/audit.md lists them"),
}
COMPLETENESS = {
    "started_at": Shown("Started", "when"),
    "title": Shown("Session", "text", None, 280),
    "project": Shown("Project"),
    "lines_count": Shown("Lines", "count"),
    "missing_lines_count": Shown("Missing lines", "count", "Lines that others name as the one before, and nobody has"),
    "refused_count": Shown("Refused", "count", "Pieces of its files that could not be read; see Health"),
    "floor_requests_count": Shown("Open answers", "count", "Responses that do not say how they ended"),
    "unlogged_calls_count": Shown("Unlogged calls", "count", "Calls that no line shows, as estimated"),
    "files_count": Shown("Files", "count"),
    "gone_files_count": Shown("Gone", "count", "Files no longer on disk; the lake holds what they held"),
}


def asked_for() -> AuditFilter:
    """Read the filters; all of them stand in the address."""
    choices = data.ask(reports.filter_choices)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        names = {name: kind for kind, name in CLASSES.items()}
        classes = st.multiselect("Classes", list(names), key="class", bind="query-params", placeholder="All")
        outcomes = st.multiselect("Outcome", OUTCOMES, key="outcome", bind="query-params", placeholder="Any")
        projects = filters.projects(choices)
        owners = filters.people(choices)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        text = st.text_input("Command or file", key="q", bind="query-params", type="search", placeholder="Part of it")
        since = st.date_input("From", None, key="since", bind="query-params")
        until = st.date_input("To", None, key="until", bind="query-params")
        only_risks = st.toggle(
            "Only risks",
            value=True,
            key="risks",
            bind="query-params",
            help="Off: also what is frequent and mostly fine",
        )
    scope = Scope(_day(since), _day(until), tuple(owners), tuple(projects), (), data.config().time_zone)
    return AuditFilter(scope, tuple(names[name] for name in classes), tuple(outcomes), only_risks, text or None)


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None


def draw_events(found: pa.Table) -> None:
    """Draw the risky actions; a click opens the replay there."""
    counts = Counter(found["class"].to_pylist())
    with st.container(horizontal=True, gap="small", key="figures_audit"):
        for kind, name in CLASSES.items():
            if counts[kind]:
                st.metric(name, format.count(counts[kind]), border=True)
    if not found.num_rows:
        st.info("Nothing passes these filters. The rules are listed in docs/audit.md.")
        return
    st.caption(f"{found.num_rows:,} events, newest first · click one to see it in the replay")
    names = pa.array([CLASSES.get(kind, kind) for kind in found["class"].to_pylist()])
    clicked = tables.draw(
        found.append_column("class_name", names).append_column("turn", format.turn_numbers(found["turn_index"])),
        EVENTS,
        label="Risky actions",
        key="audit_table",
        opens=True,
        height=min(38 + 35 * found.num_rows, 640),
    )
    if clicked is not None:
        row = found.slice(clicked, 1).to_pylist()[0]
        place = {"session": row["session_id"], "source": row["source_id"], "event": str(_event_number(row))}
        st.switch_page("views/session.py", query_params=place)


def _event_number(row: dict[str, Any]) -> int:
    """Return the event to open, from 1; a line that is no event is shown where the next one stands."""
    if row["block_index"] is not None:
        return int(row["block_index"]) + 1
    moments = data.ask(reports.session_events, row["source_id"], row["session_id"])["logged_at"].to_pylist()
    later = (place for place, moment in enumerate(moments) if moment and moment >= row["happened_at"])
    return next(later, max(len(moments) - 1, 0)) + 1


def draw_case(found: pa.Table) -> None:
    """Offer everything about the sessions found as one folder."""
    pairs = dict.fromkeys(zip(found["source_id"].to_pylist(), found["session_id"].to_pylist(), strict=True))
    keys = tuple(SessionKey(*pair) for pair in pairs)
    if not keys:
        return
    downloads.button(
        f"Case of {len(keys):,} {'session' if len(keys) == 1 else 'sessions'}",
        lambda: data.ask(_archive, data.config(), keys),
        "case.zip",
        "application/zip",
        icon=":material/folder_zip:",
        help="Log, events, what is missing, hashes, and a README that says how to verify them",
    )


def _archive(con: duckdb.DuckDBPyConnection, config: Config, keys: tuple[SessionKey, ...]) -> bytes:
    return case.case_archive(con, config, keys)


def draw_completeness() -> None:
    """Draw what is known to be missing, session by session."""
    found = data.ask(questions.completeness)
    missing = sum(found["missing_lines_count"].to_pylist())
    refused = sum(found["refused_count"].to_pylist())
    whole = sum(
        not any(row[name] for name in ("missing_lines_count", "refused_count", "floor_requests_count"))
        for row in found.to_pylist()
    )
    st.caption(
        f"{whole:,} of {found.num_rows:,} sessions lack nothing that could be noticed; {missing:,} lines are named by"
        f" others and held by nobody, {refused:,} pieces could not be read."
    )
    tables.draw(found, COMPLETENESS, label="Completeness", key="completeness_table", height=480)


def draw_files() -> None:
    """Hold the files on disk against what was read of them, when asked to: every byte is read again."""
    st.caption(
        "Computes the hash of every line anew from the files on disk and compares it with the one taken when the line"
        " was read. A changed byte, wherever it is, shows."
    )
    if st.button("Check the files now", icon=":material/verified:", type="primary"):
        with st.spinner("Reading the files…", show_time=True):
            st.session_state["audit_checks"] = data.ask(questions.check_files, data.config())
            data.forget_answers()  # files change without the lake's knowledge
    checks: list[FileCheck] | None = st.session_state.get("audit_checks")
    if checks is None:
        return
    counts = Counter(check.state for check in checks)
    lines = sum(check.lines_count for check in checks if check.state in ("intact", "grown"))
    if counts["changed"]:
        st.error(f"Files that are not what was read: {counts['changed']:,}.", icon=":material/error:")
    else:
        st.success(f"{lines:,} lines have the hash they had when they were read.", icon=":material/verified:")
    st.caption(" · ".join(f"{count:,} {state}" for state, count in counts.most_common()))
    order = ("changed", "gone", "replaced", "grown", "intact")
    rows = sorted(checks, key=lambda check: order.index(check.state))
    tables.draw(
        pa.Table.from_pylist([vars(check) for check in rows]) if rows else pa.table({name: [] for name in FILES}),
        FILES,
        label="Files",
        key="files_table",
        height=min(38 + 35 * max(len(rows), 1), 560),
    )


FILES = {
    "state": Shown("On disk", "text", "intact, grown since, changed, gone, or replaced by a later generation"),
    "path": Shown("File", "text", None, 520),
    "lines_count": Shown("Lines", "count"),
    "differing_count": Shown("Differ", "count"),
    "size_bytes": Shown("Size", "bytes"),
    "source_id": Shown("Source"),
    "sha256": Shown("SHA-256", "text", "Of whole files from which no secret had to be taken"),
}

st.title("Audit")
if not data.ask(reports.filter_choices).sessions_count:
    empty.draw_no_sessions()
    st.stop()
# Not `view`: the page of a session keeps its own under that name, and a click here leads there.
LISTS = ("Events", "Completeness", "Files")
chosen = st.segmented_control(
    "List", LISTS, default="Events", required=True, key="list", bind="query-params", label_visibility="collapsed"
)
if chosen == "Completeness":
    draw_completeness()
elif chosen == "Files":
    draw_files()
else:
    where = asked_for()
    found = data.ask(questions.events, where)
    draw_events(found)
    draw_case(found)
