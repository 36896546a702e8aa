"""Compare, what was found: the answer in sentences, charts, tables, the sessions behind it, the report to take away.

What belongs here: drawing. What does not: choosing A and B (`views/compare.py`), or what is found and said
(`her_models.compare`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import streamlit as st

from app import comparing, data, downloads, format, tables, terminal
from app.replay import component as replay
from app.tables import Shown
from her_models import reports
from her_models.compare import charts, nightly, report
from her_models.compare.charts import Spec
from her_models.compare.groups import Members
from her_models.compare.pairs import PairComparison
from her_models.compare.report import Grid
from her_models.compare.verdicts import GroupComparison
from her_models.compare.watch import Change
from her_models.compare.waterfall import View

_VIEWS: dict[str, View] = {"By cause": "cause", "By label": "label", "By kind of content": "kind", "By lane": "lane"}
_CHANGES_SHOWN = 6
_SESSIONS = {
    "started_at": Shown("Started", "when", "session_comparison.started_at"),
    "title": Shown("Title", "text", "session_comparison.title", 260),
    "project": Shown("Project", "text"),
    "model": Shown("Model", "text", "session_comparison.model: the one with the most tokens"),
    "billed_usd": Shown("Cost", "usd", "session_comparison.billed_usd, US dollars at list price: at least"),
    "estimated_usd": Shown("Best estimate", "usd", "session_comparison.estimated_usd: with output that the log lost"),
    "turns_count": Shown("Turns", "count"),
    "cache_hit_ratio": Shown("Cache hit", "text"),
    "client_version": Shown("Client", "text"),
}


def draw_groups(found: GroupComparison) -> None:
    """Draw the comparison of two groups."""
    bill_a, bill_b = report.bills(found)
    _draw_heads(
        (
            (
                f"A: {found.a.group.in_words()}",
                f"{format.counted(len(found.a), 'session')}, {bill_a}",
            ),
            (
                f"B: {found.b.group.in_words()}",
                f"{format.counted(len(found.b), 'session')}, {bill_b}",
            ),
        )
    )
    if not found.is_large_enough:
        st.warning(next(note for note in found.notes if note.startswith("No verdict")), icon=":material/block:")
    with st.container(border=True, key="compare_answer"):
        for sentence in report.answer_section(found).sentences:
            st.markdown(_whole_figures(sentence))
    for note in found.notes:
        if not note.startswith("No verdict"):
            st.caption(format.escaped(note))
    _draw_exports(found)
    differ, money, behind, method = st.tabs(
        ["What differs", "Where the money went", "The sessions", "Method and limits"], key="part", bind="query-params"
    )
    with differ:
        _draw_chart(
            charts.differences(found.findings),
            "Difference of each measure with its interval",
            "No measure of these sessions has an interval to draw.",
        )
        for place, grid in enumerate(report.findings_grids(found)):
            _draw_grid(grid, "Medians as logged and at best estimate" if place else "Measures of A and B")
    with money:
        if unknown := report.unpriced_in_words(found):
            st.info(unknown)
        else:
            _draw_group_steps(found)
    with behind:
        _draw_chart(charts.spread(found.a, found.b), "Cost per turn of every session")
        for side, members in (("A", found.a), ("B", found.b)):
            st.subheader(f"Sessions of {side}")
            _draw_members(members, side)
    with method:
        for sentence in report.method_section(found).sentences:
            st.markdown(f"- {format.escaped(sentence)}")
        for place, grid in enumerate(report.method_section(found).grids, 1):
            _draw_grid(grid, f"Method, table {place}")


def _draw_group_steps(found: GroupComparison) -> None:
    view = _VIEWS[_chosen_view(found.telling_view)]
    _draw_chart(charts.waterfall(found.steps[view], lost=report.lost_of_both(found)), "Steps from A's cost to B's")
    if len(found.a) != len(found.b):
        st.caption("The first step is the number of sessions; the others are told as if A had had as many as B.")
    _draw_grid(report.group_steps_grid(found.steps[view]), "Steps from A to B")


def draw_pair(found: PairComparison) -> None:
    """Draw the comparison of two sessions."""
    _draw_heads(
        tuple(
            (
                f"{name}: {format.one_line(side['title'] or side.key.session_id, 90)}",
                f"{side['project'] or 'no project'}, {side['model'] or 'no model'}, {cost}",
            )
            for name, side, cost in zip("AB", (found.a, found.b), report.bills(found), strict=True)
        )
    )
    with st.container(border=True, key="compare_answer"):
        st.markdown(_whole_figures(report.pair_sentence(found)))
    for note in found.notes:
        st.caption(format.escaped(note))
    _draw_exports(found)
    if st.toggle("Both replays in step", key="replays", bind="query-params", help="A above, B below, on one clock"):
        _draw_replays(found)
    money, turns, context, files, sides = st.tabs(
        ["Where the money went", "Turns side by side", "In their contexts", "Files", "Side by side"],
        key="part_of_two",
        bind="query-params",
    )
    with money:
        if unknown := report.unpriced_in_words(found):
            st.info(unknown)
        else:
            _draw_pair_steps(found)
    with turns:
        _draw_grid(report.turns_grid(found.turns), "Turns side by side")
    with context:
        _draw_grid(report.things_grid(found), "What stood in their contexts")
    with files:
        _draw_grid(report.files_grid(found), "Files that tools named")
    with sides:
        _draw_grid(report.sides_grid(found), "A and B side by side")
        with st.container(horizontal=True):
            for name, side in (("A", found.a), ("B", found.b)):
                address = {"session": side.key.session_id, "source": side.key.source_id}
                st.page_link("views/session.py", label=f"Session {name}", query_params=address)


def _draw_pair_steps(found: PairComparison) -> None:
    view = _VIEWS[_chosen_view(found.telling_view)]
    _draw_chart(charts.waterfall(found.waterfalls[view], lost=report.lost_of_both(found)), "Steps from A's cost to B's")
    _draw_grid(report.pair_steps_grid(found.waterfalls[view]), "Steps from A to B")


def _draw_replays(found: PairComparison) -> None:
    headers = [
        data.ask(reports.session_headers, side.key.session_id, side.key.source_id) for side in (found.a, found.b)
    ]
    if all(headers):
        replay.draw_two(headers[0][0], headers[1][0])


def draw_changes(changes: Sequence[Change]) -> None:
    """Draw what the nightly watch found, each with the comparison of the sessions before and after it."""
    with st.expander(f"Changes that the watch found: {len(changes)}", icon=":material/notifications_active:"):
        for place, change in enumerate(changes[:_CHANGES_SHOWN]):
            st.markdown(format.escaped(nightly.change_in_words(change)))
            before, after = (str(group) for group in nightly.sides_of(change))
            address = {"what": "Any two groups", "a": before, "b": after}
            st.page_link("views/compare.py", label=f"Compare before and after ({place + 1})", query_params=address)


def _whole_figures(sentence: str) -> str:
    """Keep each minus sign on the line of its figure."""
    return format.escaped(sentence).replace("−", "−\u2060")


def _draw_heads(heads: tuple[tuple[str, str], ...]) -> None:
    for column, (title, told) in zip(st.columns(len(heads)), heads, strict=True):
        with column:
            st.markdown(f"**{format.escaped(title)}**")
            st.caption(format.escaped(told))


def _chosen_view(telling: View) -> str:
    """Draw the choice of a view; unless one was chosen, the view is the one that says most."""
    usual = next(name for name, view in _VIEWS.items() if view == telling)
    chosen = st.segmented_control(
        "Steps",
        list(_VIEWS),
        default=usual,
        required=True,
        key=f"steps_{telling}",
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen or usual


def _draw_chart(
    spec: Spec | None, label: str, otherwise: str = "Nothing here differs, or nothing has a price."
) -> None:
    if spec is None:
        st.info(otherwise)
        return
    st.vega_lite_chart(spec, alt=label, theme=None)
    downloads.chart(spec, lambda: [], label)


def _draw_grid(grid: Grid, label: str) -> None:
    if not grid.rows:
        st.info("Nothing differs.")
        return
    names = [name if grid.heading.count(name) == 1 else f"{name} {place}" for place, name in enumerate(grid.heading)]
    frame = pd.DataFrame([list(row) for row in grid.rows], columns=names)
    st.dataframe(
        frame,
        hide_index=True,
        alt=label,
        height="content" if len(frame) <= 17 else 640,
        column_config={
            name: st.column_config.TextColumn(grid.heading[place], alignment="right" if place in grid.numbers else None)
            for place, name in enumerate(names)
        },
    )
    downloads.table(pa.Table.from_pandas(frame, preserve_index=False), label)
    if grid.note:
        st.caption(format.escaped(grid.note))


def _draw_members(members: Members, side: str) -> None:
    rows = members.rows.select(["source_id", "session_id", *_SESSIONS])
    place = rows.schema.get_field_index("cache_hit_ratio")
    hits = [format.percent(value) for value in rows["cache_hit_ratio"].to_pylist()]
    rows = rows.set_column(place, "cache_hit_ratio", [hits])
    clicked = tables.draw(
        rows,
        _SESSIONS,
        label=f"Sessions of {side}",
        key=f"compare_sessions_{side}",
        opens=True,
        height=min(38 + 35 * rows.num_rows, 400),
    )
    if clicked is not None:
        row = rows.slice(clicked, 1).to_pylist()[0]
        address = {"session": row["session_id"], "source": row["source_id"]}
        st.switch_page("views/session.py", query_params=address)


def _draw_exports(found: PairComparison | GroupComparison) -> None:
    """Offer the whole comparison as files; this page's address is the way to share it."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for name, ending, mime, make in (
            ("HTML", "html", "text/html", lambda: report.as_html(comparing.document(found))),
            ("Markdown", "md", "text/markdown", lambda: report.as_markdown(comparing.document(found))),
            ("JSON", "json", "application/json", lambda: terminal.as_json(comparing.as_json(found))),
        ):
            downloads.button(
                name, make, f"comparison.{ending}", mime, key=f"compare_as_{ending}", icon=":material/download:"
            )
        st.caption("The address of this page holds all of it: send it to share.")
