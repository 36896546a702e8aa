"""Cost optimisation: the bill as useful, overhead, waste and unexplained; what to change to pay less; the findings."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import streamlit as st

from app import advising, data, downloads, empty, filters, findings, format, periods, tables
from app.tables import Shown
from her_models import reports
from her_models.advice import outcomes
from her_models.advice.patterns import MEANS_IN_WORDS
from her_models.advice.pieces import Piece
from her_models.documents import as_html, as_markdown
from her_models.reports import Scope
from her_models.waste_report import pages, questions, words
from her_models.waste_report.questions import WasteReport

SESSIONS_COUNTED = (
    "Counted are sessions that were billed a response of their own: those without an answer, and mere copies of"
    " others, have no bill to save on."
)
GROUPS = {"Label": "by_label", "Kind": "by_kind", "Project": "by_project", "Tool": "by_tool", "File": "by_file"}


def chosen_scope() -> tuple[Scope, bool]:
    """Read the filters; they stand in the address. The second value says whether everybody's sessions are meant."""
    choices, zone = data.ask(reports.filter_choices), data.config().time_zone
    unknown = [
        f"{what} {format.escaped(name)}"
        for what, key, known in (("project", "project", choices.projects), ("model", "model", choices.models))
        for name in st.query_params.get_all(key)
        if name not in known
    ]
    if unknown and choices.sessions_count:
        st.warning(f"There is no {' and no '.join(unknown)} in the lake: the address is followed without it.")
    with st.container(horizontal=True, vertical_alignment="top", gap="small"):
        since = periods.chosen()
        projects = filters.projects(choices)
        models = filters.models(choices)
        own = data.ask(questions.own_name)
        is_everyone = own is None
        if own is not None and len(choices.owners) > 1:
            is_everyone = st.toggle("Everybody's sessions", key="everyone", bind="query-params")
    periods.draw_rule()
    return Scope(since, None, (), projects, models, zone), is_everyone


def draw_figures(report: WasteReport) -> None:
    """Draw the main parts of the bill as cards."""
    billed = report.billed_usd
    cards: dict[str, tuple[tuple[str, ...], str]] = {
        "Billed": (("S", "H", "C", "K", "P", "f", "N"), "requests.billed_usd, exact as far as the log shows"),
        "Useful": (("S",), "request_labels S: content without a label of overhead or waste"),
        "Overhead": (("H",), "request_labels H: system prompt, tools, instructions, first reminders, summaries"),
        "Waste, content": (("C",), "request_labels C1 to C14: an upper bound on removable cost"),
        "Waste, cache misses": (("K",), "requests.cache_excess_usd: what missing the cache cost on top, exact"),
        "Premium": (("P",), "requests.premium_usd, exact: fast mode, geography, long-context band"),
        "Fees": (("f",), "requests.fees_usd, exact: fees of server-side tools"),
        "Unexplained": (("N",), "request_labels N: tokens sent that no line of the log shows"),
    }
    with st.container(horizontal=True, gap="small", key="figures_cost"):
        for label, (beginnings, meaning) in cards.items():
            part = report.part(*beginnings)
            if not part and label in ("Premium", "Fees"):
                continue
            share = "" if label == "Billed" or not billed else f" · {float(part / billed):.1%}"
            mark = "≥ " if label == "Billed" and report.selection.is_floor else ""
            st.metric(label, mark + words.usd(part) + share, border=True, help=meaning)


def draw_advice(report: WasteReport) -> None:
    """Draw what to change, each piece with its cases and a way to note that it was made."""
    st.subheader("What to change")
    if not report.pieces:
        st.info("No named pattern fires in these sessions often and dearly enough to advise anything.")
    else:
        st.caption(SESSIONS_COUNTED, width="content")
    noted = {change.name for change in outcomes.changes(data.config().home)}
    events = data.ask(reports.request_events, _requests_seen(report))
    for piece in report.pieces:
        _draw_piece(piece, events, is_made=piece.name in noted)
    if report.outcomes:
        st.subheader("Changes made, and what became of them")
        for found in report.outcomes:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**{format.escaped(found.change.name)}**, {found.change.made_on}:"
                    f" {format.escaped(words.outcome_in_words(found))}"
                )
                if st.button("Take back", key=f"undone_{found.change.name}", help="Note that you undid the change"):
                    outcomes.unmade(data.config().home, found.change.name)
                    st.rerun()


def _requests_seen(report: WasteReport) -> tuple[str, ...]:
    """Return the responses that stand as examples and have no finding to open."""
    cases = (case for piece in report.pieces for case in piece.examples)
    return tuple(sorted({case.request_id for case in cases if case.request_id and case.finding_index is None}))


def _draw_piece(piece: Piece, events: dict[tuple[str, str, str], int], *, is_made: bool) -> None:
    title = piece.pattern.title + (f": {piece.subject}" if piece.subject else "")
    label = f"{format.escaped(title)} — **{format.escaped(words.saving_in_words(piece))}**"
    with st.expander(label, icon=":material/lightbulb:"):
        st.markdown(format.escaped(piece.what))
        st.caption(
            f"{piece.cases_count:,} cases in {piece.sessions_count:,} of {piece.scope_sessions_count:,} sessions,"
            f" {format.escaped(words.usd(piece.total_usd))} in all. {format.escaped(advising.saving_explained(piece))}"
        )
        st.markdown(f"**Change {MEANS_IN_WORDS[piece.pattern.means]}**: {format.escaped(piece.pattern.where)}")
        st.code(piece.change, language=None)
        st.caption(f"To undo: {format.escaped(piece.pattern.undo)}")
        st.markdown("**Seen in**")
        for case in piece.examples:
            parameters = {"session": case.session_id, "source": case.source_id}
            if case.finding_index is not None:  # the view that opens it, with both sides of its evidence
                parameters |= {"view": "Waste", "finding": str(case.finding_index)}
            elif event := events.get((case.source_id, case.session_id, case.request_id or "")):
                parameters |= {"event": str(event)}
            turn = f", {format.turn(case.turn_index)}" if case.turn_index is not None else ""
            st.page_link(
                "views/session.py",
                label=f"{case.session_id[:8]}{turn}, {format.escaped(words.usd(case.saving_usd))}",
                icon=":material/play_circle:",
                query_params=parameters,
            )
        if is_made:
            st.caption("You noted that you made this change; what became of it stands below.")
        elif st.button("I made this change today", key=f"done_{piece.name}"):
            today = periods.today()
            outcomes.made(data.config().home, piece.name, today, today)
            st.rerun()


def draw_groups(report: WasteReport) -> None:
    """Draw waste by label, kind, project, person, tool and file."""
    st.subheader("Where the waste is")
    groups = GROUPS | ({"Person": "by_owner"} if report.by_owner is not None else {})
    chosen = st.segmented_control(
        "By", list(groups), default="Label", required=True, key="by", bind="query-params", label_visibility="collapsed"
    )
    st.caption(f"{format.escaped(words.usd(report.waste_usd))} in all. {words.EVERY_WAY}", width="content")
    findings.draw_groups(getattr(report, groups[chosen or "Label"]), chosen or "Label")


def draw_what_ifs(report: WasteReport) -> None:
    """Draw what the same sessions would have cost without their waste, and with other settings."""
    for title, meaning, rows in (
        ("What it would have cost without the waste", words.NEVER_ADDED, pages.without_waste(report)),
        ("What other settings would have cost", words.OTHER_SETTINGS, pages.done_otherwise(report)),
    ):
        if not rows:
            continue
        st.subheader(title)
        st.caption(format.escaped(f"{words.replayed_in_words(report)} {meaning}".lstrip()), width="content")
        net = {"net_saving_usd": Shown("Net saving", "usd_signed", "what_ifs.net_saving_usd: after all rows above")}
        shown = pa.table(
            {
                "what": [words.policy_in_words(row) for row in rows],
                "sessions_count": [row["sessions_count"] for row in rows],
                "billed_usd": [row["billed_usd"] for row in rows],
                "replay_usd": _amounts([row["billed_usd"] - row["gross_saving_usd"] for row in rows]),
                "gross_saving_usd": _amounts([row["gross_saving_usd"] for row in rows]),
                "net_saving_usd": _amounts([row["net_saving_usd"] for row in rows]),
                "between": [f"{words.usd(row['low_usd'])} to {words.usd(row['high_usd'])}" for row in rows],
                "class": [words.CLASSES[row["doubt"]] for row in rows],
            }
        )
        tables.draw(
            shown,
            {
                "what": Shown("Changed", "text", "what_ifs.policy", 300),
                "sessions_count": Shown("Sessions", "count", "Sessions in which it changes something"),
                "billed_usd": Shown("Their bill", "usd_sum", "what_ifs.billed_usd"),
                "replay_usd": Shown("Would have cost", "usd_sum", "what_ifs.replay_usd: with this alone changed"),
                "gross_saving_usd": Shown(
                    "Gross saving",
                    "usd_signed",
                    "what_ifs.gross_saving_usd: this alone. Never added. Below zero: so much dearer",
                ),
                **(net if rows[0]["family"] == "remove" else {}),
                "between": Shown("Gross, between", "figure", "what_ifs.low_usd to what_ifs.high_usd"),
                "class": Shown("Class", "text", "what_ifs.confidence: exact, estimated or heuristic"),
            },
            label=title,
            key=f"what_ifs_{rows[0]['family']}",
            height="content",
        )
    if left_out := pages.servers_left_out(report):
        st.caption(left_out, width="content")


def _amounts(values: list[Decimal | None]) -> pa.Array:
    return pa.array(values, pa.decimal128(38, 12))


def draw_paid_again(report: WasteReport) -> None:
    """Draw overhead that several sessions and subagents of a project paid, each for itself."""
    for title, meaning, rows in pages.paid_again(report):
        st.subheader(title)
        st.caption(meaning, width="content")
        names = ("kind", "project", "sessions_count", "subagents_count", "size_tokens", "again_usd")
        columns = {name: [row[name] for row in rows] for name in names}
        tables.draw(
            pa.table(
                {
                    "text": [words.text_in_words(row) for row in rows],
                    **columns,
                    "again_usd": _amounts(columns["again_usd"]),
                }
            ),
            {
                "text": Shown(
                    "Text", "text", "blocks.label, the file of blocks.path, or blocks.kind and its size", 330
                ),
                "kind": Shown("Kind", "text", "blocks.kind"),
                "project": Shown("Project", "text", "sessions.project"),
                "sessions_count": Shown("Sessions", "count", "Sessions that held it"),
                "subagents_count": Shown("Subagents", "count", "Subagents that held it"),
                "size_tokens": Shown("Tokens of one", "tokens", "blocks.size_tokens"),
                "again_usd": Shown("Paid again", "usd", "blocks.lifetime_usd of all copies but the dearest"),
            },
            label=title,
            key=f"paid_again_{rows[0]['is_same_text']}",
            height="content",
        )


def draw_downloads(report: WasteReport) -> None:
    """Offer the report as a file."""
    document = pages.document(report, periods.today())
    with st.container(horizontal=True):
        downloads.button("HTML", lambda: as_html(document), "her-waste.html", "text/html", icon=":material/download:")
        downloads.button(
            "Markdown", lambda: as_markdown(document), "her-waste.md", "text/markdown", icon=":material/download:"
        )


st.title("Cost optimisation")
scope, is_everyone = chosen_scope()
noted = outcomes.changes(data.config().home)
report = data.ask(questions.waste_report, data.config(), scope, is_everyone=is_everyone, noted=noted)
if not report.billed_usd:
    if not data.ask(reports.filter_choices).sessions_count:
        empty.draw_no_sessions()
    else:
        st.info("Nothing with a price was billed in this selection.")
    st.stop()
draw_figures(report)
st.caption(
    " ".join(
        [
            f"{format.escaped(words.selection_in_words(report, periods.today()))}.",
            *map(format.escaped, words.floor_in_words(report)),
            format.LIST_PRICE_NOTE,
        ]
    ),
    width="content",
)
findings.draw_waterfall(report)
draw_advice(report)
draw_what_ifs(report)
draw_groups(report)
draw_paid_again(report)
st.subheader("Dearest findings")
shown = sum(not is_hint for is_hint in report.findings["is_hint"].to_pylist())
st.caption(words.findings_in_words(report, shown), width="content")
findings.draw_findings(report.findings, key="findings_cost", names_persons=report.names_persons)
with st.expander("Method and limits", icon=":material/rule:"):
    st.markdown("\n".join(f"- {sentence}" for sentence in words.METHOD))
draw_downloads(report)
