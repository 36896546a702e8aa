"""Findings of waste on a page: the bill as a waterfall, groups, single findings, and both sides of one."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Literal

import pyarrow as pa
import streamlit as st

from app import data, downloads, format, tables
from app.replay import component as replay
from app.tables import Shown
from her_models import evidence
from her_models.evidence import Shown as ShownSide
from her_models.waste_report import pages, words
from her_models.waste_report.questions import WasteReport

_CHARACTERS_SHOWN = 6_000
_NAME_CHARACTERS = 28  # of a line of a name on a phone
_ROWS_SHOWN_WHOLE = 40
_STEP = 27  # height of a bar; two lines of a name fit
_IS_NARROW = "containerSize()[0] < 520"
_EQUAL = "**Difference**: none, the two are equal"
_PATH_CHARACTERS = 34  # what the column shows of a file and its folder; the beginnings of paths are alike
_COLUMNS = {
    "what": Shown("What", "text", "waste.kind"),
    "where": Shown("Of", "text", "waste.path, its end, else waste.tool_name", 230),
    "waste_usd": Shown("Cost", "usd", "waste.waste_usd, US dollars at list price"),
    "tokens": Shown("Tokens billed", "tokens", "waste.tokens: entry, carry, output and turn tax"),
    "carried_requests_count": Shown("Carried by", "count", "waste.carried_requests_count: prompts that held it"),
    "evidence": Shown("Evidence", "text", "waste.evidence"),
    "turn": Shown("Turn", "count", "waste.turn_index, counted from 1; 0 is what came before the first prompt"),
    "project": Shown("Project", "text", "waste.project"),
    "between": Shown("Between", "figure", "waste.low_usd to waste.high_usd"),
    "class": Shown("Class", "text", "waste.confidence, and how often findings of the label were right when read"),
}


def draw_waterfall(report: WasteReport) -> None:
    """Draw the parts of the bill one after the other."""
    spec = {**pages.waterfall(report), "width": "container"}
    # On a phone a name of any length would leave no room for the bars, so that it takes several lines there.
    names = [row["label"] for row in spec["data"]["values"]]
    lines = json.dumps({name: textwrap.wrap(name, _NAME_CHARACTERS) for name in names})
    axis = {
        "labelExpr": f"{_IS_NARROW} ? ({lines})[datum.label] : datum.label",
        "labelFontSize": {"expr": f"{_IS_NARROW} ? 10 : 12"},
        "labelLineHeight": 11,
        "labelLimit": 320,
        "labelOverlap": False,
    }
    of_page = {name: value for name, value in spec["config"].items() if name != "font"}  # the theme has its own
    spec["config"] = {**of_page, "axisY": axis, "text": {"color": _amount_colour()}}
    spec["height"] = {"step": _STEP}
    bars, amounts = spec["layer"]
    spec["layer"] = [bars, {**amounts, "mark": {**amounts["mark"], "color": _amount_colour()}}]
    label = "The bill from useful to unexplained, part by part"
    st.vega_lite_chart(spec, alt=label)
    downloads.chart(pages.waterfall(report), lambda: [], label)


def _amount_colour() -> str:
    """Return the colour of letters that are no label of an axis, which the theme leaves as they are."""
    return "#D5D8DE" if st.context.theme.type == "dark" else "#4B515D"


def draw_groups(table: pa.Table, heading: str) -> None:
    """Draw findings added up; hints stand last and in no total."""
    rows = table.to_pylist()
    if not rows:
        st.info("No finding in this selection.")
        return
    titles = words.LABELS if heading == "Label" else {}
    names = [
        f"{words.group_in_words(row, heading.lower())} {titles.get(row['group_name'], '')}".strip() for row in rows
    ]
    shown = pa.table(
        {
            "name": names,
            "class": [_class_of(row, heading) for row in rows],
            "findings_count": table["findings_count"],
            "sessions_count": table["sessions_count"],
            "tokens": table["tokens"],
            "content_usd": table["content_usd"],
            "misses_usd": table["misses_usd"],
            "waste_usd": table["waste_usd"],
            "turn_tax_usd": table["turn_tax_usd"],
            "between": [words.between_in_words(row) for row in rows],
        }
    )
    tables.draw(
        shown,
        {
            "name": Shown(heading, "text", None, "medium"),
            "class": Shown("Class", "text", "How sure, and how often findings were right when read by hand"),
            "findings_count": Shown("Cases", "count", "Findings, and responses that missed the cache"),
            "sessions_count": Shown("Sessions", "count"),
            "tokens": Shown("Tokens billed", "tokens", "waste.tokens"),
            "content_usd": Shown("Content", "usd", "request_labels.content_usd of C1 to C14; of hints waste.waste_usd"),
            "misses_usd": Shown("Cache misses", "usd", "requests.cache_excess_usd"),
            "waste_usd": Shown("Cost", "usd", "Content and cache misses, US dollars at list price"),
            "turn_tax_usd": Shown("Of it turn tax", "usd", "requests made only because of the waste"),
            "between": Shown("Between", "figure", "waste.low_usd to waste.high_usd"),
        },
        label=f"Waste by {heading.lower()}",
        # Short enough, a table is shown whole: its last rows belong to no group, and without them it adds up to less.
        height="content" if len(rows) <= _ROWS_SHOWN_WHOLE else "auto",
        key=f"waste_by_{heading}",
    )


def _class_of(row: dict[str, Any], heading: str) -> str:
    told = words.CLASSES[row["doubt"]] + (", hint" if row["is_hint"] else "")
    if heading not in ("Label", "Kind"):
        return told
    return f"{told}; right: {words.precision_in_words(row['group_name'], is_hint=row['is_hint'])}"


def draw_findings(
    table: pa.Table, *, key: str, height: int | Literal["auto"] = "auto", names_persons: bool = True
) -> None:
    """Draw single findings; the one that is chosen, or that the address names, opens with both sides.

    `names_persons`: both sides tell whole paths, as the table does then.
    """
    rows = table.to_pylist()
    if not rows:
        st.info("No finding here.")
        return
    shown = table
    columns: dict[str, list[str]] = {
        "what": [f"{row['kind']}{' (hint)' if row['is_hint'] else ''}" for row in rows],
        "where": [_end(row["path"]) or row["tool_name"] or "" for row in rows],
        "between": [words.between_in_words(row) for row in rows],
        "class": [f"{row['confidence']}; right: {words.precision_in_words(row['kind'])}" for row in rows],
    }
    for name, values in columns.items():
        shown = shown.append_column(name, pa.array(values, pa.string()))
    shown = shown.append_column("turn", format.turn_numbers(table["turn_index"]))
    chosen = tables.draw(shown, _COLUMNS, label="Findings of waste", key=key, selects=True, height=height)
    st.caption("Click a finding to see both sides of its evidence.")
    wanted = st.query_params.get("finding")
    if chosen is None and wanted is not None:
        chosen = next((place for place, row in enumerate(rows) if str(row["finding_index"]) == wanted), None)
        if chosen is None:
            st.warning(f"There is no finding {format.escaped(wanted)} here, so that none is opened.")
    if chosen is not None:
        draw_finding(rows[chosen], names_persons=names_persons)


def _end(path: str | None) -> str | None:
    if path is None or len(path) <= _PATH_CHARACTERS:
        return path
    file = "/".join(path.replace("\\", "/").split("/")[-2:])
    return file if len(file) <= _PATH_CHARACTERS else f"…{file[1 - _PATH_CHARACTERS :]}"


def draw_finding(row: dict[str, Any], *, names_persons: bool = True) -> None:
    """Draw one finding: what it is, both sides, and how they differ."""
    with st.container(border=True):
        st.markdown(f"**{format.escaped(row['kind'])}** · {format.escaped(words.LABELS.get(row['label'], ''))}")
        st.markdown(format.escaped(row["evidence"] or ""))
        st.caption(
            format.escaped(
                f"{words.usd(row['waste_usd'])} ({words.between_in_words(row)}),"
                f" of it turn tax {words.usd(row['turn_tax_usd'])};"
                f" {row['tokens']:,} tokens billed, {row['entry_tokens'] or 0:,} of them when it entered;"
                f" cache misses beside it {words.usd(row['cache_excess_usd'])}. {row['remedy'] or ''}"
            )
        )
        waste, other = (
            None if place is None else data.ask(evidence.side, *whose, place, names_persons=names_persons)
            for *whose, place in (
                (row["source_id"], row["session_id"], row["block_index"]),
                (row["source_id"], row["evidence_session_id"] or row["session_id"], row["evidence_block_index"]),
            )
        )
        known = None
        if waste is not None and evidence.is_of_a_file(row["kind"]):
            known = data.ask(evidence.known_file, waste.source_id, waste.session_id, waste.block_index)
        found = evidence.sides(row, waste, other, known)
        for column, side in zip(st.columns(len(found.shown), gap="medium"), found.shown, strict=True):
            with column:
                _draw_side(side)
        if len(found.shown) == 1:
            st.caption("There is no other side: what shows it stands in this one, or is that nothing made use of it.")
        if found.difference is not None:
            st.markdown("**Difference, from the earlier to the later**" if found.difference else _EQUAL)
        if found.edits_count:
            edits = "One edit lies" if found.edits_count == 1 else f"{found.edits_count:,} edits lie"
            st.caption(f"{edits} between the two: the difference is from the text as it was after that.")
        if found.difference and any(side.lines for side in found.shown):
            st.caption("The finding may be of several stretches of these lines: lines that differ are in no claim.")
        if found.difference:
            st.code(format.shortened(found.difference, _CHARACTERS_SHOWN)[0], language="diff", wrap_lines=True)


def _heading(side: ShownSide) -> str:
    if side.is_waste:
        return f"What is waste: {side.name}"
    return f"What shows it, {'after' if side.is_after else 'before'} it: {side.name}"


def _draw_side(side: ShownSide) -> None:
    st.markdown(f"**{format.escaped(_heading(side))}**")
    found = side.block
    if found is None:
        st.caption("A whole request: it has no place of its own.")
        return
    what = " · ".join(
        part
        for part in (
            found.tool_name or found.label or found.kind.replace("_", " "),
            found.path,
            f"lines {side.lines[0]:,}–{side.lines[1]:,}" if side.lines is not None else None,
            format.turn(found.turn_index) if found.turn_index is not None else None,
            f"{found.size_tokens:,} tokens" if found.size_tokens is not None else None,
        )
        if part
    )
    st.caption(format.escaped(what))
    if side.text is None:
        st.caption("No line of the log holds its text.")
    else:
        text, left_out = format.shortened(format.plain(side.text), _CHARACTERS_SHOWN)
        st.code(text, language=None, height=260, wrap_lines=True)
        if left_out:
            st.caption(f"{left_out:,} more characters are in the session.")
    event, label, icon = found.block_index + 1, "Open it in the session", ":material/play_circle:"
    if "session" in st.query_params:  # already on the page of a session, in another view
        place = (event, found.session_id, found.source_id)
        st.button(
            label,
            key=f"open_{'waste' if side.is_waste else 'evidence'}",
            icon=icon,
            type="tertiary",
            on_click=replay.turn_to,
            args=place,
        )
    else:
        st.page_link(
            "views/session.py",
            label=label,
            icon=icon,
            query_params={"session": found.session_id, "source": found.source_id, "event": str(event)},
        )
