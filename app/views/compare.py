"""Compare: two groups of sessions, or two sessions; what differs, how sure that is, and where the money went.

What belongs here: choosing A and B, and the order of the sections. What does not: the sections themselves
(`comparison_sections`), or any judgement (`her_models.compare`). A, B and how they are compared stand in the address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import comparison_sections, data, empty, format
from her_models import reports
from her_models.compare import instructions, nightly, presets
from her_models.compare.commits import moment_of
from her_models.compare.groups import EmptyGroup, Group, parse_group
from her_models.compare.instructions import InstructionsChange
from her_models.compare.matching import MATCH_ON, parse_match
from her_models.compare.pairs import compare_pair
from her_models.compare.presets import Choices
from her_models.compare.verdicts import compare_groups
from her_models.errors import QueryError
from her_models.export import find_session
from her_models.reports import SessionFilter
from her_models.search import hits

WEEKS, MODELS, RULES, PAIR, GROUPS = "Last week", "Two models", "A new CLAUDE.md", "Two sessions", "Any two groups"
QUESTIONS = (WEEKS, MODELS, RULES, PAIR, GROUPS)
AS_BILLED = "As billed"
_FOUND_SESSIONS = 30


def fill(a: str, b: str) -> None:
    """Put A and B into the address."""
    st.session_state["a"], st.session_state["b"] = a, b


def swap() -> None:
    """Change the sides."""
    fill(st.session_state.get("b", ""), st.session_state.get("a", ""))


def _what() -> str:
    return str(st.session_state["what"])


def seed_what() -> None:
    """Choose the question of a first visit: that of the address, else the one that its A and B are an answer to."""
    if st.session_state.get("what") in QUESTIONS:
        return
    asked = st.query_params.get("what")
    if asked not in QUESTIONS:
        given = [st.query_params[side] for side in ("a", "b") if st.query_params.get(side)]
        is_pair = given and not any("=" in side for side in given)
        asked = PAIR if is_pair else GROUPS if given else WEEKS
        st.query_params["what"] = asked
    st.session_state["what"] = asked


def choose(known: Choices, zone: str) -> None:
    """Fill A and B with what the chosen question asks."""
    what = _what()
    if what == WEEKS and (last_on := presets.week_end(data.ask(presets.session_days, zone), presets.today(zone))):
        fill(*map(str, presets.two_weeks(last_on)))
    elif what == MODELS and known.new_model:
        fill(*map(str, presets.two_models(known.new_model, Group(project=known.new_model_projects))))
    elif what == RULES:
        change = instructions.last_change(data.ask(instructions.changes_of_instructions))
        fill(*(map(str, instructions.around(change)) if change else ("", "")))
    elif what == PAIR:
        rows = data.ask(reports.sessions, SessionFilter(), sort="started_at", page_size=2).rows.to_pylist()
        if len(rows) > 1:
            fill(rows[1]["session_id"], rows[0]["session_id"])


def draw_choice(known: Choices, zone: str) -> None:
    """Draw the question, and what it asks further."""
    what = st.segmented_control(
        "What to compare",
        QUESTIONS,
        key="what",
        bind="query-params",
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
        _draw_weeks(known, zone)


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


def _draw_weeks(known: Choices, zone: str) -> None:
    today = presets.today(zone)
    last_on = presets.week_end(data.ask(presets.session_days, zone), today)
    told = presets.earlier_weeks_in_words(last_on, today) if last_on and last_on == _group("b").until else ""
    # One box whatever it holds: A and B below keep their place when another question is asked.
    with st.container():
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
        if told:
            st.caption(told)


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


def _set_day(base: Group, changes: Sequence[InstructionsChange], zone: str) -> None:
    chosen = st.session_state.get("compare_day")
    if isinstance(chosen, date):
        fill(*map(str, instructions.around_moment(chosen, base, changes, zone)))


def _set_commit(base: Group, changes: Sequence[InstructionsChange]) -> None:
    chosen = str(st.session_state.get("compare_commit") or "").strip()
    if not chosen:
        return
    known = next((one for one in changes if one.commit.startswith(chosen)), None)
    if known is not None and len(chosen) >= 7:
        fill(*map(str, instructions.around(known)))
        return
    try:
        at = data.ask(moment_of, chosen)
    except QueryError:  # the answer says so
        fill(f"{base} until={chosen}".strip(), f"{base} since={chosen}".strip())
    else:
        fill(*map(str, instructions.around_moment(at, base, changes)))


def _set_change(changes: Sequence[InstructionsChange]) -> None:
    place = st.session_state.get("compare_change")
    if place is not None:
        fill(*map(str, instructions.around(changes[place])))


def _draw_rules(known: Choices, zone: str) -> None:
    changes = data.ask(instructions.changes_of_instructions)
    base = Group(project=_group("b").project)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if changes:
            present = _written("a"), _written("b")
            sides = [tuple(map(str, instructions.around(one))) for one in changes]
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
                " project's folder lies on this machine; with the sessions before it, back to the change before, and"
                " after it, up to the next one.",
            )
        since = _group("b").since
        _seed("compare_day", since.astimezone(ZoneInfo(zone)).date() if isinstance(since, datetime) else since)
        st.date_input(
            "Or the day it changed" if changes else "Day it changed",
            key="compare_day",
            on_change=_set_day,
            args=(base, changes, zone),
            width=200,
        )
        st.text_input(
            "Or a commit",
            key="compare_commit",
            on_change=_set_commit,
            args=(base, changes),
            width=200,
            placeholder="3f2a9c1",
            help="A hash; asked of git in the projects' folders on this machine.",
        )
        _draw_projects(known)
    if told := _neighbours_in_words(zone):
        st.caption(told)
    if instructions.last_change(changes) is None:
        st.caption(
            "No change of CLAUDE.md in these logs has five sessions before and five after it in its project. Give the"
            " day it changed, or a commit."
        )


def _neighbours_in_words(zone: str) -> str:
    """Say up to where sessions count on either side of the change; nothing where no side is chosen."""
    a, b = _group("a"), _group("b")
    if a.instructions and b.instructions:
        return "A are the sessions that read the old CLAUDE.md, B those that read the new one, as their hashes tell."
    if not (a.until and b.since):
        return ""
    if len(b.project) != 1:
        return "All sessions before and after count. Of one project, only those between its neighbouring changes would."
    ends = [f"A begins at the change before it, {_at(a.since, zone)}"] if a.since else []
    ends += [f"B ends at the next one, {_at(b.until, zone)}"] if b.until else []
    if not ends:
        return "No other change of its CLAUDE.md is known: A are all sessions of the project before it, B all after it."
    return f"Only sessions between the neighbouring changes of CLAUDE.md count: {'; '.join(ends)}."


def _at(moment: date, zone: str) -> str:
    return format.when(moment, zone) if isinstance(moment, datetime) else str(moment)


def _change_name(one: InstructionsChange, zone: str) -> str:
    how = f"{one.before_hash[:6]} → {one.after_hash[:6]}" if one.after_hash else "edited in a session"
    how = f"commit {one.commit[:7]}" if one.commit and not one.after_hash else how
    counts = f"{one.before_sessions_count} sessions before, {one.after_sessions_count} after"
    return f"{format.when(one.changed_at, zone)} {one.project}: {how} ({counts})"


def _take(side: str) -> None:
    chosen = st.session_state.get(f"compare_found_{side}")
    if chosen:
        st.session_state[side] = chosen


def _found_sessions(words: str) -> tuple[dict[str, dict[str, Any]], str]:
    """Return by id the billed sessions in which the words were said, the most hits first, and how many those are.

    Without words the newest; of words that cannot be read, why.
    """
    order: dict[str, Any] = {"sort": "hits_count"} if words else {}
    try:
        where = SessionFilter(text=words or None)
        found = data.ask(hits.sessions, data.config(), where, page_size=_FOUND_SESSIONS, **order)
    except QueryError as error:
        return {}, str(error)
    rows = {row["session_id"]: row for row in found.rows.to_pylist() if row["requests_count"]}
    count = found.total_count - found.unbilled_count
    return rows, f"{len(rows):,} of {count:,} found" if count > len(
        rows
    ) else f"{count:,} found" if count else "None found"


def _draw_pair() -> None:
    zone = data.config().time_zone
    for column, side in zip(st.columns(2), ("a", "b"), strict=True):
        with column:
            words = st.text_input(
                f"Find {side.upper()}",
                key=f"compare_words_{side}",
                placeholder="Words said in it, or how its id begins",
                help='Looked for in all that was said and done: words, "a phrase", beginn*, -without. Titles, notes,'
                " tags and ids are looked through too.",
            )
            rows, told = _found_sessions(words.strip())
            present = _written(side)
            if not words and present and present not in rows:  # of a link, or found before
                rows = {**_found_sessions(present)[0], **rows}
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
                placeholder=told,
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
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="sides"):
        a = st.text_input("A", key="a", bind="query-params", help=_HELP)
        st.button("Swap", icon=":material/swap_horiz:", on_click=swap, help="Make A of B and B of A")
        b = st.text_input("B", key="b", bind="query-params", help=_HELP)
    if (model := st.query_params.get("prices")) in known.models:  # of a link written by hand
        st.session_state["prices"] = model
        st.query_params["prices"] = _list_name(str(model))
    is_pair = "=" not in a and "=" not in b
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        matched = st.multiselect(
            "Match sessions on",
            MATCH_ON,
            key="match",
            bind="query-params",
            placeholder="Two sessions are not matched" if is_pair else "Nothing: all sessions count",
            disabled=is_pair,
            help="Pairs of sessions that have these in common; task: similar first prompts. The others are dropped.",
        )
        list_of = st.selectbox(
            "Prices",
            [AS_BILLED, *known.models],
            key="prices",
            bind="query-params",
            format_func=_list_name,
            help="As billed, each response at its own price. At one list, only what was used differs.",
        )
    return a.strip(), b.strip(), ",".join(matched), None if list_of == AS_BILLED else list_of


def _list_name(model: str) -> str:
    return model if model == AS_BILLED else f"All at the list of {model}"


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
        st.info(format.escaped(str(error)), icon=":material/filter_alt_off:")
    except QueryError as error:
        st.warning(format.escaped(str(error)), icon=":material/help:")


st.title("Compare")
known, zone = data.ask(presets.choices), data.config().time_zone
if known.last_at is None:
    empty.draw_no_sessions()
    st.stop()
seed_what()
if not {"a", "b"} & {*st.session_state, *st.query_params}:
    choose(known, zone)
    # The address is the link to share: it holds both sides from the first visit on.
    st.query_params.update({side: st.session_state[side] for side in ("a", "b") if st.session_state.get(side)})
draw_choice(known, zone)
if changes := data.ask(nightly.changes_known):
    comparison_sections.draw_changes(changes)
with st.spinner("Comparing…", show_time=True):
    draw_answer(*draw_sides(known), zone)
