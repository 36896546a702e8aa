"""Compare: two groups of sessions, or two sessions; what differs, how sure that is, and where the money went.

What belongs here: choosing A and B, and the order of the sections. What does not: the sections themselves
(`comparison_sections`), or any judgement (`her_models.compare`). A, B and how they are compared stand in the address.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import comparison_sections, data, empty, format
from her_models import reports
from her_models.compare import nightly, presets
from her_models.compare.commits import moment_of
from her_models.compare.groups import EmptyGroup, Group, parse_group
from her_models.compare.matching import MATCH_ON, parse_match
from her_models.compare.pairs import compare_pair
from her_models.compare.presets import Choices, InstructionsChange
from her_models.compare.verdicts import compare_groups
from her_models.errors import QueryError
from her_models.export import find_session
from her_models.reports import SessionFilter

WEEKS, MODELS, RULES, PAIR, GROUPS = "Last week", "Two models", "A new CLAUDE.md", "Two sessions", "Any two groups"
AS_BILLED = "As billed"
_FOUND_SESSIONS = 30


def fill(a: str, b: str) -> None:
    """Put A and B into the address."""
    st.session_state["a"], st.session_state["b"] = a, b


def swap() -> None:
    """Change the sides."""
    fill(st.session_state.get("b", ""), st.session_state.get("a", ""))


def _what() -> str:
    return str(st.session_state.get("what") or st.query_params.get("what") or WEEKS)


def choose(known: Choices, zone: str) -> None:
    """Fill A and B with what the chosen question asks."""
    what = _what()
    if what == WEEKS and (last_on := presets.week_end(data.ask(presets.session_days, zone), presets.today(zone))):
        fill(*map(str, presets.two_weeks(last_on)))
    elif what == MODELS and known.new_model:
        fill(*map(str, presets.two_models(known.new_model)))
    elif what == RULES:
        change = presets.last_change(_changes(known))
        fill(*(map(str, presets.new_instructions(change)) if change else ("", "")))
    elif what == PAIR:
        rows = data.ask(reports.sessions, SessionFilter(), sort="started_at", page_size=2).rows.to_pylist()
        if len(rows) > 1:
            fill(rows[1]["session_id"], rows[0]["session_id"])


def draw_choice(known: Choices, zone: str) -> None:
    """Draw the question, and what it asks further."""
    what = st.segmented_control(
        "What to compare",
        [WEEKS, MODELS, RULES, PAIR, GROUPS],
        key="what",
        bind="query-params",
        default=WEEKS,
        required=True,
        on_change=choose,
        args=(known, zone),
        label_visibility="collapsed",
    )
    if what == MODELS and len(known.models) > 1:
        _draw_models(known)
    elif what == RULES:
        _draw_rules(known, zone)
    elif what == PAIR:
        _draw_pair()
    elif what == GROUPS:
        _draw_builders(known)
    elif what == WEEKS:
        _draw_weeks(known)


def _set_project() -> None:
    chosen = tuple(st.session_state.get("compare_projects") or ())
    for side in ("a", "b"):
        st.session_state[side] = str(replace(_group(side), project=chosen))


def _written(side: str) -> str:
    """What stands in A or B; before their fields are drawn for the first time only the address knows."""
    return str(st.session_state.get(side, st.query_params.get(side, "")))


def _parsed(text: str) -> Group:
    return parse_group(text, time_zone=data.config().time_zone, moment_of=partial(data.ask, moment_of))


def _group(side: str) -> Group:
    try:
        return _parsed(_written(side))
    except QueryError:  # half-written text: start anew
        return Group()


def _set_week() -> None:
    chosen = st.session_state.get("compare_week")
    if isinstance(chosen, date):
        fill(*map(str, presets.two_weeks(chosen, Group(project=_group("b").project))))


def _draw_weeks(known: Choices) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        _seed("compare_week", _group("b").until)
        st.date_input(
            "The week to",
            key="compare_week",
            on_change=_set_week,
            width=200,
            help="Seven days, against the seven before. First those up to yesterday; where logs are older, the last"
            " week with five sessions, and five in the one before.",
        )
        _draw_projects(known)


def _draw_projects(known: Choices) -> None:
    _seed("compare_projects", [name for name in _group("a").project if name in known.projects])
    st.multiselect(
        "Projects", known.projects, key="compare_projects", on_change=_set_project, placeholder="All projects"
    )


def _seed(key: str, value: Any) -> None:
    """Give a widget the value that the address says, unless a person has just changed it."""
    st.session_state[key] = value


def _set_models() -> None:
    for side in ("a", "b"):
        st.session_state[side] = str(replace(_group(side), model=(st.session_state[f"compare_model_{side}"],)))


def _draw_models(known: Choices) -> None:
    with st.container(horizontal=True, gap="small"):
        for place, side in enumerate(("a", "b")):
            named = _group(side).model
            usual = known.new_model[place] if known.new_model else known.models[place]
            _seed(f"compare_model_{side}", named[0] if named and named[0] in known.models else usual)
            st.selectbox(f"Model of {side.upper()}", known.models, key=f"compare_model_{side}", on_change=_set_models)
        _draw_projects(known)


def _changes(known: Choices) -> list[InstructionsChange]:
    """Changes of CLAUDE.md that logs show, and commits of it in folders on this machine, the newest first."""
    found = [*known.instructions, *data.ask(presets.committed)]
    return sorted(found, key=lambda one: one.changed_at, reverse=True)


def _set_day(base: Group) -> None:
    chosen = st.session_state.get("compare_day")
    if isinstance(chosen, date):
        fill(*map(str, presets.new_instructions(chosen, base)))


def _set_commit(base: Group) -> None:
    chosen = str(st.session_state.get("compare_commit") or "").strip()
    if chosen:
        fill(f"{base} until={chosen}".strip(), f"{base} since={chosen}".strip())


def _set_change(changes: list[InstructionsChange]) -> None:
    place = st.session_state.get("compare_change")
    if place is not None:
        fill(*map(str, presets.new_instructions(changes[place])))


def _draw_rules(known: Choices, zone: str) -> None:
    changes = _changes(known)
    base = Group(project=_group("b").project)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if changes:
            present = _written("a"), _written("b")
            sides = [tuple(map(str, presets.new_instructions(one))) for one in changes]
            _seed("compare_change", sides.index(present) if present in sides else None)
            st.selectbox(
                "Change of CLAUDE.md",
                range(len(changes)),
                key="compare_change",
                format_func=lambda place: _change_name(changes[place], zone),
                on_change=_set_change,
                args=(changes,),
                placeholder="Choose one",
                help="The hash of CLAUDE.md where sessions log it, edits of it by tools, and commits of it where the"
                " project's folder lies on this machine; with sessions before and after.",
            )
        since = _group("b").since
        _seed("compare_day", since.astimezone(ZoneInfo(zone)).date() if isinstance(since, datetime) else since)
        st.date_input(
            "Or the day it changed" if changes else "Day it changed",
            key="compare_day",
            on_change=_set_day,
            args=(base,),
            width=200,
        )
        st.text_input(
            "Or a commit",
            key="compare_commit",
            on_change=_set_commit,
            args=(base,),
            width=200,
            placeholder="3f2a9c1",
            help="A hash; asked of git in the projects' folders on this machine.",
        )
        _draw_projects(known)
    if presets.last_change(changes) is None:
        st.caption(
            "No change of CLAUDE.md in these logs has five sessions before and five after it in its project. Give the"
            " day it changed, or a commit."
        )


def _change_name(one: InstructionsChange, zone: str) -> str:
    how = f"{one.before_hash[:6]} → {one.after_hash[:6]}" if one.after_hash else "edited in a session"
    how = f"commit {one.commit[:7]}" if one.commit else how
    counts = f"{one.before_sessions_count} sessions before, {one.after_sessions_count} after"
    return f"{format.when(one.changed_at, zone)} {one.project}: {how} ({counts})"


def _take(side: str) -> None:
    chosen = st.session_state.get(f"compare_found_{side}")
    if chosen:
        st.session_state[side] = chosen


def _draw_pair() -> None:
    zone = data.config().time_zone
    for column, side in zip(st.columns(2), ("a", "b"), strict=True):
        with column:
            words = st.text_input(
                f"Find {side.upper()}",
                key=f"compare_words_{side}",
                placeholder="Words said in it, or how its id begins",
            )
            found = data.ask(reports.sessions, SessionFilter(text=words or None), page_size=_FOUND_SESSIONS).rows
            rows = {row["session_id"]: row for row in found.to_pylist()}
            present = _written(side)
            _seed(f"compare_found_{side}", present if present in rows else None)

            def name(session_id: str, rows: dict[str, Any] = rows) -> str:
                row = rows[session_id]
                told = [format.one_line(row["title"] or session_id[:8], 60), format.when(row["started_at"], zone)]
                return " · ".join([*told, format.usd(row["billed_usd"])])

            st.selectbox(
                f"Session of {side.upper()}",
                list(rows),
                key=f"compare_found_{side}",
                format_func=name,
                on_change=_take,
                args=(side,),
                placeholder=f"{len(rows)} found" if rows else "None found",
                label_visibility="collapsed",
            )


def _kept_moment(chosen: object, present: date | None) -> date | None:
    """A day is chosen by hand; a moment of that day, which the address holds, stays."""
    if isinstance(present, datetime) and chosen == present.date():
        return present
    return chosen if isinstance(chosen, date) else None


def _rebuild(side: str) -> None:
    given: dict[str, Any] = {}
    for one in fields(Group):
        if f"compare_{side}_{one.name}" not in st.session_state:
            continue
        value = st.session_state[f"compare_{side}_{one.name}"]
        if one.name in ("since", "until"):
            given[one.name] = _kept_moment(value, getattr(_group(side), one.name))
        elif one.name == "prompt":
            given[one.name] = value or ""
        elif isinstance(value, list):
            given[one.name] = tuple(value)
    st.session_state[side] = str(replace(_group(side), **given))


def _draw_builders(known: Choices) -> None:
    listed = {
        "project": ("Projects", known.projects),
        "model": ("Models", known.models),
        "person": ("People", known.people),
        "version": ("Clients", known.versions),
        "branch": ("Branches", known.branches),
        "tag": ("Tags", known.tags),
        "instructions": ("CLAUDE.md, by hash", known.hashes),
    }
    for column, side in zip(st.columns(2), ("a", "b"), strict=True):
        group = _group(side)
        with column, st.popover(f"Choose the sessions of {side.upper()}", width="stretch"):
            for name, (label, values) in listed.items():
                present = list(getattr(group, name))
                _seed(f"compare_{side}_{name}", present)
                st.multiselect(
                    label,
                    [*values, *(value for value in present if value not in values)],
                    key=f"compare_{side}_{name}",
                    on_change=_rebuild,
                    args=(side,),
                    placeholder="All",
                )
            _seed(f"compare_{side}_prompt", group.prompt)
            st.text_input(
                "First prompt with",
                key=f"compare_{side}_prompt",
                on_change=_rebuild,
                args=(side,),
                help="Words, or a pattern between slashes: /^(fix|mend) /",
            )
            for name, label in (("since", "From"), ("until", "To")):
                at = getattr(group, name)
                _seed(f"compare_{side}_{name}", at.date() if isinstance(at, datetime) else at)
                st.date_input(label, key=f"compare_{side}_{name}", on_change=_rebuild, args=(side,))


def draw_sides(known: Choices) -> tuple[str, str, str, str | None]:
    """Draw A and B as text, the way to swap them, and how they are compared; returns what is chosen."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        a = st.text_input("A", key="a", bind="query-params", help=_HELP)
        st.button("Swap", icon=":material/swap_horiz:", on_click=swap, help="Make A of B and B of A")
        b = st.text_input("B", key="b", bind="query-params", help=_HELP)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        matched = st.multiselect(
            "Match sessions on",
            MATCH_ON,
            key="match",
            bind="query-params",
            placeholder="Nothing: all sessions count",
            help="Pairs of sessions that have these in common; task: similar first prompts. The others are dropped.",
        )
        list_of = st.selectbox(
            "Prices",
            [AS_BILLED, *known.models],
            key="prices",
            bind="query-params",
            format_func=lambda name: name if name == AS_BILLED else f"All at the list of {name}",
            help="As billed, each response at its own price. At one list, only what was used differs.",
        )
    return a.strip(), b.strip(), ",".join(matched), None if list_of == AS_BILLED else list_of


_HELP = (
    "A session, as its id begins; or key=value with project, person, model, version, branch, tag, prompt, instructions,"
    " since, until. All conditions hold. Values are divided by commas, one of them is enough: project=shop,till"
    " since=2026-11-01. A pattern stands between slashes: prompt=/fix|mend/. A moment or a commit is a day too:"
    " since=2026-11-01T14:30"
)


def draw_answer(a: str, b: str, matched: str, prices: str | None, zone: str) -> None:
    """Compare, and draw what was found or why nothing could be."""
    if not a or not b:
        st.info("Choose A and B above: two groups such as `project=shop`, or two sessions.")
        return
    if a == b:
        asks = "give the day it changed, or a commit" if _what() == RULES else "change one of them"
        st.info(f"A and B are the same, so nothing can differ: {asks}.")
        return
    try:
        if ("=" in a) != ("=" in b):
            raise QueryError("One side is a session and the other a group. Write session=ID for a group of one.")
        if "=" in a:
            groups = data.ask(
                compare_groups,
                _parsed(a),
                _parsed(b),
                time_zone=zone,
                match_on=parse_match(matched),
                prices_of=prices,
            )
            comparison_sections.draw_groups(groups)
        else:
            keys = (data.ask(find_session, a), data.ask(find_session, b))
            comparison_sections.draw_pair(data.ask(compare_pair, *keys, prices_of=prices))
    except EmptyGroup as error:
        st.info(str(error), icon=":material/filter_alt_off:")
    except QueryError as error:
        st.warning(str(error), icon=":material/help:")


st.title("Compare")
known, zone = data.ask(presets.choices), data.config().time_zone
if known.last_at is None:
    empty.draw_no_sessions()
    st.stop()
if not {"a", "b"} & {*st.session_state, *st.query_params}:
    choose(known, zone)
    # The address is the link to share: it holds both sides from the first visit on.
    st.query_params.update({side: st.session_state[side] for side in ("a", "b") if st.session_state.get(side)})
draw_choice(known, zone)
if changes := data.ask(nightly.changes_known):
    comparison_sections.draw_changes(changes)
with st.spinner("Comparing…", show_time=True):
    draw_answer(*draw_sides(known), zone)
