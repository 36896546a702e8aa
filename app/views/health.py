"""Health: whether all logs were read, what the checks found, and what Her itself costs."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from app import data, format, reconciliation, tables
from app.tables import Shown
from her_models import reports

zone = data.config().time_zone


def draw_figures() -> None:
    """Draw what is in the lake and what it took to get it there."""
    total, on_disk = data.ask(reports.ingest_totals), data.lake_bytes()
    with st.container(horizontal=True, gap="small", key="figures_health"):
        st.metric(
            "Last run",
            format.ago(total.last_finished_at),
            border=True,
            help=f"ingest_runs.finished_at: {format.when(total.last_finished_at, zone)}",
        )
        st.metric("Log files", format.count(total.files_count), border=True, help="source_files, current generations")
        st.metric(
            "Logs read",
            format.size(total.consumed_bytes),
            border=True,
            help=f"source_files.consumed_bytes of {format.size(total.log_bytes)} on disk",
        )
        st.metric(
            "Lines kept / refused",
            f"{total.lines_count:,} / {total.refused_count:,}",
            border=True,
            help="source_files.lines_count and refused_count: every byte is in one of the two",
        )
        st.metric(
            "The lake",
            format.size(on_disk),
            border=True,
            help="Parquet and catalog on disk"
            + (f"; {on_disk / total.consumed_bytes:.0%} of the logs" if total.consumed_bytes else ""),
        )
        st.metric(
            "Her own time",
            format.duration(total.wall_seconds),
            border=True,
            help=f"ingest_runs, all runs; {format.duration(total.cpu_seconds)} of processor,"
            f" at most {format.size(total.peak_memory_bytes)} of memory",
        )


def draw_checks(found: pa.Table) -> None:
    """Draw the checks, the ones that failed first and openly."""
    failed = found.filter(pc.invert(found["is_ok"]))
    st.subheader("Checks")
    columns = {
        "check_name": Shown("Check", width="medium"),
        "severity": Shown("Severity"),
        "is_ok": Shown("Holds", "flag"),
        "failing_count": Shown("Breaks it", "count", "data_quality.failing_count"),
        "detail": Shown("Found", width="large"),
        "source_id": Shown("Source"),
        "checked_at": Shown("Checked", "when"),
    }
    if not found.num_rows:
        st.info("No check has run yet. They run with every ingest: ./her ingest")
        return
    if not failed.num_rows:
        st.success(f"All {found.num_rows} checks hold.", icon=":material/check_circle:")
    else:
        st.warning(f"{failed.num_rows} of {found.num_rows} checks found something.", icon=":material/warning:")
        tables.draw(failed, columns, label="Checks that found something", key="checks_failed")
    with st.expander("Every check"):
        tables.draw(found, columns, label="All checks", key="checks_all")


def draw_section(heading: str, found: pa.Table, columns: dict[str, Shown], nothing: str, note: str) -> None:
    """Draw a table under its heading, or say that there is nothing to see."""
    st.subheader(f"{heading} · {found.num_rows:,}" if found.num_rows else heading)
    if not found.num_rows:
        st.caption(nothing)
        return
    st.caption(note)
    tables.draw(found, columns, label=heading, key=heading)


st.title("Health")
if data.is_ingesting():
    st.info("An ingest is under way. What is shown is the last finished state.", icon=":material/sync:")
draw_figures()
draw_checks(data.ask(reports.checks))
reconciliation.draw()
draw_section(
    "Sources",
    data.ask(reports.sources),
    {
        "source_id": Shown("Source"),
        "path": Shown("Read from", width="large"),
        "files_count": Shown("Files", "count"),
        "size_bytes": Shown("Size", "bytes"),
        "sessions_count": Shown("Sessions", "count"),
        "billed_usd": Shown("Cost, at least", "usd"),
        "estimated_usd": Shown("Best estimate", "usd"),
        "last_read_at": Shown("New bytes", "when", "source_files.last_read_at"),
        "last_seen_at": Shown("Last looked at", "when"),
    },
    "No source yet. Name a folder: ./her ingest PATH",
    "One person's logs on one machine.",
)
draw_section(
    "Last runs",
    data.ask(reports.ingest_runs),
    {
        "started_at": Shown("Started", "when"),
        "source_id": Shown("Source"),
        "duration_seconds": Shown("Took", "seconds"),
        "files_read_count": Shown("Files read", "count"),
        "files_seen_count": Shown("of", "count"),
        "bytes_read": Shown("Read", "bytes"),
        "lines_count": Shown("Lines", "count"),
        "refused_count": Shown("Refused", "count"),
        "redaction_count": Shown("Redacted", "count"),
        "sessions_count": Shown("Sessions", "count"),
        "cpu_seconds": Shown("Processor", "seconds"),
        "peak_memory_bytes": Shown("Memory", "bytes"),
    },
    "No run yet.",
    "Runs that found something new, newest first.",
)
draw_section(
    "Models without a price",
    data.ask(reports.unpriced_models),
    {
        "model": Shown("Model"),
        "requests_count": Shown("Responses", "count"),
        "input_tokens": Shown("Tokens sent", "tokens"),
        "output_tokens": Shown("Output", "tokens"),
        "first_at": Shown("First", "when"),
        "last_at": Shown("Last", "when"),
    },
    "Every model has a price.",
    "Their tokens count, their cost is unknown and in no sum. Add prices to a file named by `prices` in config.toml.",
)
draw_section(
    "Refused lines",
    data.ask(reports.refused_lines),
    {
        "path": Shown("File", width="large"),
        "offset_bytes": Shown("At byte", "count"),
        "length_bytes": Shown("Length", "bytes"),
        "reason": Shown("Reason", width="medium"),
        "sample": Shown("Begins", width="medium"),
        "source_id": Shown("Source"),
    },
    "No line was refused.",
    "Bytes that are not a line of a log. They are kept and count nothing.",
)
draw_section(
    "Files that count nothing",
    data.ask(reports.uncounted_files),
    {
        "path": Shown("File", width="large"),
        "status": Shown("Status"),
        "apparent_kind": Shown("Looks like"),
        "size_bytes": Shown("Size", "bytes"),
        "source_id": Shown("Source"),
    },
    "Every file found is a log that counts.",
    "Other programs' logs, empty and unreadable files, and files gone from disk, whose lines stay in the lake.",
)
draw_section(
    "New in the logs",
    data.ask(reports.schema_drift),
    {
        "line_type": Shown("Line type"),
        "field_path": Shown("Field", width="large"),
        "client_version": Shown("Client"),
        "occurrence_count": Shown("Times", "count"),
        "files_count": Shown("Files", "count"),
    },
    "Nothing that Her does not know.",
    "Line types and fields that Her does not know yet. The lines are kept whole; an unknown field stops nothing.",
)
