"""A comparison as a document: headings, sentences, tables and charts, as Markdown or as one HTML file by itself.

What belongs here: what a comparison's document says, method and limits included, and marking it up. What does not: how
anything was found (`verdicts`, `pairs`), or the terminal and the page (`app`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from her_models.compare import charts, words
from her_models.compare.charts import Spec
from her_models.compare.pairs import PairComparison, Side, TurnPair, usd
from her_models.compare.similarity import as_typed
from her_models.compare.verdicts import GroupComparison, GroupStep, apart_in_words
from her_models.compare.waterfall import PICODOLLARS, VIEWS, Step, View
from her_models.documents import STYLE, cell_class

COST = ("estimated_per_turn_usd", "estimated_usd")
"""What is told first: measures of cost."""

_TURNS_SHOWN = 60
_WORTH_A_SENTENCE = 0.01  # sure, but smaller than this share of A: it stands in the table only
_THINGS_SHOWN = 15
_FILES_SHOWN = 20
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Grid:
    """A table of words; columns in `numbers` stand to the right."""

    heading: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numbers: frozenset[int] = frozenset()
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    title: str
    sentences: list[str] = field(default_factory=list)
    chart: Spec | None = None
    chart_text: str = ""
    grids: list[Grid] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A title and sections."""

    title: str
    sections: list[Section]


LIST_PRICE = "Money is at list price; on a subscription it is what the same tokens would have cost through the API."

SURVIVAL = (
    "Lines not edited away are told by edits of tools alone: what shell commands, formatters and people did to a file"
    " afterwards is not seen, so that fewer may be left."
)

METHOD = (
    "Every session's bill is divided exactly, to the picodollar, so the steps from A to B add up to the difference.",
    "A step named prices is what B was billed beyond A's price list: another model, or another day's prices.",
    "Per turn means a session's figure divided by its turns that got a response (a /clear or /model gets none);"
    " sessions, not turns, are what is compared.",
    "A figure of a group is the median of its sessions. Its 95 % interval, and that of the difference, come from a"
    " seeded bootstrap: the same groups give the same answer each time.",
    "A difference is called one when a permutation test on ranks, corrected by Holm for the number of measures, gives"
    " under 5 %, and the interval leaves out zero. Among equal groups at most one comparison in twenty calls any.",
    "The effect is Cliff's delta, from −1 to 1: how much more often a session of B is above one of A than below it.",
    "A session counts where it has a response of its own: copies of others, and those in which only the client's own"
    " commands ran, are left out.",
    "Under five sessions (or pairs) on a side no verdict is given.",
)
LIMITS = (
    "Sessions are not assigned by lot. What else changed between the groups changes the figures too; matching removes"
    " only what it matches on.",
    "Sessions of one task vary up to thirtyfold. A difference that is not shown may still be there.",
    "Logs miss calls that the client does not write down: cost is at least what is told. Output that the log lost is"
    " estimated from what is visible and from how the next prompt grew; steps from A to B are told as logged.",
    "Tokens of models with different tokenizers are not compared.",
    SURVIVAL,
    "Whether the work was good is not in the logs.",
)


# -- what is said ---------------------------------------------------------------------------------------------------


def group_document(found: GroupComparison, *, title: str = "", now: datetime | None = None) -> Document:
    """Return the comparison of two groups as a document."""
    mode = f"both at the price list of {found.prices.model}" if found.prices else "as billed"
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    name_a, name_b = found.a.group.in_words(), found.b.group.in_words()
    bill_a, bill_b = bills(found)
    head = [
        f"A: {name_a} ({words.counted(len(found.a), 'session')}, {bill_a}).",
        f"B: {name_b} ({words.counted(len(found.b), 'session')}, {bill_b}).",
        f"Cost is told {mode}. Made {made}.",
    ]
    return Document(
        title or "A against B",
        [
            Section("What is compared", [*head, *found.notes]),
            answer_section(found),
            Section(
                "How the groups differ",
                chart=charts.differences(found.findings),
                chart_text="Difference of each measure in per cent of A's median, with its interval",
                grids=findings_grids(found),
            ),
            group_steps_section(found),
            method_section(found),
        ],
    )


def bills(found: PairComparison | GroupComparison) -> tuple[str, str]:
    """Say what A and what B cost."""
    return (
        words.bill_of(found.a_usd, found.a_estimated_usd, is_priced=found.is_a_priced),
        words.bill_of(found.b_usd, found.b_estimated_usd, is_priced=found.is_b_priced),
    )


def unpriced_in_words(found: PairComparison | GroupComparison) -> str:
    """Say that a side has no price, so that no difference of cost can be told; nothing where both have one."""
    sides = [name for name, is_priced in (("A", found.is_a_priced), ("B", found.is_b_priced)) if not is_priced]
    if not sides:
        return ""
    return (
        f"What {' and '.join(sides)} cost is unknown: no response there has a price. So no difference of cost can be"
        " told, unless both are told at one price list."
    )


def answer_section(found: GroupComparison) -> Section:
    """Say what was found, in sentences: what cannot be told apart, cost, what else differs, the largest step."""
    told = apart_in_words(found)
    told += [words.sentence(one) for name in COST if (one := found.finding(name))]
    told += [
        words.sentence(one)
        for one in found.findings
        if one.verdict in ("higher", "lower")
        and one.measure.name not in COST
        and not abs(one.relative) < _WORTH_A_SENTENCE
    ]
    told.append(total_sentence(found))
    return Section("The answer", told)


def total_sentence(found: GroupComparison) -> str:
    """Say how much more or less B cost in sum, and what most of it comes from."""
    if unknown := unpriced_in_words(found):
        return unknown
    told = _sum_in_words("In sum B cost", found)
    view = found.telling_view
    largest = sorted(found.steps[view], key=lambda one: -abs(one.step.difference_picodollars))[:3]
    named = [
        f"{words.step_name(one.step)} {words.usd(usd(one.step.difference_picodollars), is_signed=True)}"
        + (f" ({_ends(one)})" if _ends(one) != words.UNKNOWN else "")
        for one in largest
        if one.step.difference_picodollars
    ]
    told = f"{told} Largest steps: {'; '.join(named)}." if named else told
    return told if view == "label" else told + _waste_in_words([one.step for one in found.steps["label"]])


def _sum_in_words(begun: str, found: PairComparison | GroupComparison) -> str:
    """Say how much more or less B cost; where the log lost output, at best estimate, then as logged."""
    logged, estimated = found.b_usd - found.a_usd, found.b_estimated_usd - found.a_estimated_usd
    if not (found.a_lost_picodollars or found.b_lost_picodollars):
        return f"{begun} {_more_or_less(logged)} than A."
    same = _more_or_less(estimated) == _more_or_less(logged)
    both = f"{_more_or_less(estimated)} than A at best estimate, {_more_or_less(logged)} as logged"
    both = f"{_more_or_less(logged)} than A, as logged and at best estimate" if same else both
    return (
        f"{begun} {both}: the log lost output worth"
        f" {words.usd(usd(found.a_lost_picodollars))} in A and {words.usd(usd(found.b_lost_picodollars))}"
        " in B. The steps add up to the difference as logged."
    )


def _more_or_less(difference: Decimal) -> str:
    return f"{words.usd(abs(difference))} {'more' if difference >= 0 else 'less'}"


def _waste_in_words(steps: Sequence[Step]) -> str:
    """Name the kind of waste that differs most, if that is a tenth of what differs at all."""
    wasted = [step for step in steps if step.lane == "content" and step.part.startswith("C")]
    most = max(wasted, key=lambda step: abs(step.difference_picodollars), default=None)
    largest = max((abs(step.difference_picodollars) for step in steps), default=0)
    if most is None or not most.difference_picodollars or abs(most.difference_picodollars) * 10 < largest:
        return ""
    return f" Of it waste: {words.step_name(most)} {words.usd(usd(most.difference_picodollars), is_signed=True)}."


def _ends(one: GroupStep) -> str:
    if one.low != one.low:
        return words.UNKNOWN
    low, high = (words.usd(end / PICODOLLARS, is_signed=True) for end in (one.low, one.high))
    return f"{low} to {high}"


def findings_grid(found: GroupComparison) -> Grid:
    """Return the measures of two groups as a table."""
    rows = []
    for one in found.findings:
        unit = one.measure.unit
        rows.append(
            (
                one.measure.label,
                one.verdict + {True: ", better", False: ", worse", None: ""}[one.is_better],
                words.figure(one.a.value, unit),
                words.interval(one.a, unit),
                words.figure(one.b.value, unit),
                words.interval(one.b, unit),
                words.figure(one.difference.value, unit, is_signed=True),
                words.interval(one.difference, unit, is_signed=True),
                words.effect_size(one.effect) if one.verdict != "too few sessions" else words.UNKNOWN,
                words.chance(one.p_corrected),
                f"{one.a_count:,} / {one.b_count:,}",
            )
        )
    heading = ("Measure", "B is", "A", "95 %", "B", "95 %", "B − A", "95 %", "Effect", "Chance", "Sessions")
    return Grid(heading, rows, frozenset(range(2, 11)), SURVIVAL)


def findings_grids(found: GroupComparison) -> list[Grid]:
    """Return the measures of two groups as a table and, where the log lost output, what they are as logged."""
    rows = [
        (
            one.measure.label,
            *(
                words.figure(value, one.measure.unit)
                for value in (one.a_logged, one.a.value, one.b_logged, one.b.value)
            ),
        )
        for one in found.findings
        if words.is_estimated(one)
    ]
    heading = ("Measure", "A as logged", "A best estimate", "B as logged", "B best estimate")
    logged = Grid(heading, rows, frozenset(range(1, 5)), "Medians as logged and at best estimate of the lost output")
    return [findings_grid(found), *([logged] if rows else [])]


_VIEW_NOTES: dict[View, str] = {
    "cause": "By cause: kind of content, and what missing the cache cost on top",
    "label": "By label: useful, overhead, waste, unexplained",
    "kind": "By kind of content, prompts and output together",
    "lane": "By lane",
}


def _ordered(first: View) -> list[View]:
    return sorted(VIEWS, key=lambda view: view != first)


def lost_of_both(found: PairComparison | GroupComparison) -> tuple[int, int]:
    """Return what the log lost of A's and of B's output, picodollars, for the ends of a waterfall."""
    return found.a_lost_picodollars, found.b_lost_picodollars


def group_steps_section(found: GroupComparison) -> Section:
    """Return the way from A's bill to B's."""
    if unknown := unpriced_in_words(found):
        return Section("Where the difference comes from", [unknown])
    return Section(
        "Where the difference comes from",
        [
            "The first step is the number of sessions; the others are told as if A had had as many as B."
            if len(found.a) != len(found.b)
            else "Both sides have the same number of sessions."
        ],
        chart=charts.waterfall(found.steps[found.telling_view], lost=lost_of_both(found)),
        chart_text="Steps from A's cost to B's",
        grids=[group_steps_grid(found.steps[view], _VIEW_NOTES[view]) for view in _ordered(found.telling_view)],
    )


def group_steps_grid(steps: Sequence[GroupStep], note: str = "") -> Grid:
    """Return the steps between two groups as a table."""
    rows = [
        (
            words.step_name(one.step),
            words.usd(usd(one.step.a_picodollars)),
            words.usd(usd(one.step.b_picodollars)),
            words.usd(usd(one.step.difference_picodollars), is_signed=True),
            _ends(one),
        )
        for one in steps
        if one.step.difference_picodollars
    ]
    return Grid(("Step", "A", "B", "B − A", "95 %"), rows, frozenset((1, 2, 3, 4)), note)


def method_section(found: GroupComparison | None) -> Section:
    """Say in plain words how it was found and what it cannot say."""
    matched = (
        [found.matching.in_words()]
        if found is not None and found.matching is not None
        else ["Nothing was matched: all sessions of both groups count."]
        if found is not None
        else []
    )
    grids = []
    if found is not None and found.matching is not None:
        rows = [(name, f"{a:,}", f"{b:,}", f"{pairs:,}") for name, a, b, pairs in found.matching.strata]
        grids = [Grid(("Matched on", "A", "B", "Pairs"), rows, frozenset((1, 2, 3)), "What was matched and dropped")]
    return Section("Method and limits", [*METHOD, *matched, *LIMITS, LIST_PRICE], grids=grids)


def pair_document(found: PairComparison, *, now: datetime | None = None) -> Document:
    """Return the comparison of two sessions as a document."""
    mode = f"both at the price list of {found.prices.model}" if found.prices else "as billed"
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    return Document(
        "Two sessions",
        [
            Section(
                "What is compared",
                [
                    _side_in_words("A", found.a),
                    _side_in_words("B", found.b),
                    f"Cost is told {mode}. Made {made}.",
                    *found.notes,
                ],
                grids=[sides_grid(found)],
            ),
            Section(
                "Where the difference comes from",
                [pair_sentence(found)],
                chart=charts.waterfall(found.waterfalls[found.telling_view], lost=lost_of_both(found)),
                chart_text="Steps from A's cost to B's",
                grids=[
                    pair_steps_grid(found.waterfalls[view], _VIEW_NOTES[view]) for view in _ordered(found.telling_view)
                ]
                if found.is_a_priced and found.is_b_priced
                else [],
            ),
            Section("What stood in their contexts", grids=[things_grid(found)]),
            Section("Turns side by side", grids=[turns_grid(found.turns)]),
            Section("What one read and the other did not", grids=[files_grid(found)]),
            Section("Method and limits", [*METHOD[:2], LIMITS[2], LIMITS[-1], LIST_PRICE]),
        ],
    )


def pair_sentence(found: PairComparison) -> str:
    """Say how much more or less B cost, and what most of it comes from."""
    if unknown := unpriced_in_words(found):
        return unknown
    view = found.telling_view
    largest = sorted(found.waterfalls[view], key=lambda step: -abs(step.difference_picodollars))[:3]
    named = "; ".join(
        f"{words.step_name(step)} {words.usd(usd(step.difference_picodollars), is_signed=True)}"
        for step in largest
        if step.difference_picodollars
    )
    told = _sum_in_words("B cost", found)
    told = f"{told} Largest steps: {named}." if named else told
    return told if view == "label" else told + _waste_in_words(found.waterfalls["label"])


def _side_in_words(name: str, side: Side) -> str:
    began = side["started_at"].strftime("%Y-%m-%d %H:%M UTC") if side["started_at"] else "at an unknown time"
    return f"{name}: {plain(side['title'] or side.key.session_id)} ({side['project'] or 'no project'}, {began})."


_SIDE_ROWS = (
    ("Session", "session_id"),
    ("Model", "model"),
    ("Client", "client_version"),
    ("CLAUDE.md", "instructions_hash"),
    ("Turns", "turns_count"),
    ("of them answered", "answered_turns_count"),
    ("Responses", "requests_count"),
    ("Time", "active_seconds"),
    ("Tokens", "total_tokens"),
    ("Output, as logged", "output_tokens"),
    ("Output, best estimate", "output_estimated_tokens"),
    ("Longest prompt", "peak_context_tokens"),
    ("Cache hit", "cache_hit_ratio"),
    ("Tool calls", "tool_calls_count"),
    ("of them failed", "tool_errors_count"),
)


def sides_grid(found: PairComparison) -> Grid:
    """Return the measures of two sessions side by side."""

    def cell(side: Side, name: str) -> str:
        value = side[name]
        if value is None:
            return words.UNKNOWN
        if name == "active_seconds":
            return words.figure(float(value), "seconds")
        if name.endswith("_tokens"):
            return words.figure(float(value), "tokens")
        if name.endswith("_ratio"):
            return words.figure(float(value), "ratio")
        return f"{value:,}" if isinstance(value, int) else plain(str(value))

    rows: list[tuple[str, ...]] = [(label, cell(found.a, name), cell(found.b, name)) for label, name in _SIDE_ROWS]
    is_lost = bool(found.a_lost_picodollars or found.b_lost_picodollars)
    sides = found.is_a_priced, found.is_b_priced

    def costs(a: Decimal, b: Decimal) -> tuple[str, ...]:
        return tuple(words.usd(cost) if is_priced else "unknown" for cost, is_priced in zip((a, b), sides, strict=True))

    rows.append(("Cost, at least" if is_lost else "Cost", *costs(found.a_usd, found.b_usd)))
    if is_lost:
        rows.append(("Cost, best estimate", *costs(found.a_estimated_usd, found.b_estimated_usd)))
    return Grid(("", "A", "B"), rows, frozenset((1, 2)))


def pair_steps_grid(steps: Sequence[Step], note: str = "") -> Grid:
    """Return the steps between two sessions as a table."""
    rows = [
        (
            words.step_name(step),
            words.usd(usd(step.a_picodollars)),
            words.usd(usd(step.b_picodollars)),
            words.usd(usd(step.difference_picodollars), is_signed=True),
        )
        for step in steps
        if step.difference_picodollars
    ]
    return Grid(("Step", "A", "B", "B − A"), rows, frozenset((1, 2, 3)), note)


def _are_billed(found: PairComparison) -> tuple[bool, bool]:
    """Say of A and of B whether it has a price as billed: what stood in contexts is told so at any price list."""
    return found.a["billed_usd"] is not None, found.b["billed_usd"] is not None


def things_grid(found: PairComparison) -> Grid:
    """Return what stood in two contexts, the largest difference first."""
    is_a_billed, is_b_billed = _are_billed(found)
    rows = [
        (
            " ".join(part for part in (words.kind_name(one.kind), plain(one.thing), plain(one.path)) if part),
            f"{one.a_count:,}",
            f"{one.b_count:,}",
            words.usd(usd(one.a_picodollars) if is_a_billed else None),
            words.usd(usd(one.b_picodollars) if is_b_billed else None),
            words.usd(usd(one.difference_picodollars) if is_a_billed and is_b_billed else None, is_signed=True),
        )
        for one in found.things[:_THINGS_SHOWN]
    ]
    note = f"The {_THINGS_SHOWN} largest differences of {len(found.things):,}, over the life of each block, as billed"
    if found.a_lost_picodollars or found.b_lost_picodollars:
        note += ": at least, without the output that the log lost"
    return Grid(("Thing", "in A", "in B", "A", "B", "B − A"), rows, frozenset(range(1, 6)), note)


def turns_grid(turns: Sequence[TurnPair]) -> Grid:
    """Return turns that belong together side by side; with their best estimate where the log lost output."""
    shown = turns[:_TURNS_SHOWN]
    is_lost = any(side and side["estimated_usd"] != side["incurred_usd"] for one in shown for side in (one.a, one.b))
    costs = ("incurred_usd", "estimated_usd") if is_lost else ("incurred_usd",)
    rows = []
    for turn in shown:
        either = turn.a or turn.b or {}
        begun = (
            "Before the first prompt" if either.get("turn_index", 0) < 0 else as_typed(str(either.get("prompt") or ""))
        )
        cells = [shortened(begun, 90)]
        cells.append(words.percent(turn.likeness_ratio, is_signed=False) if turn.likeness_ratio is not None else "")
        for side in (turn.a, turn.b):
            if side is None:
                cells += ["", "", *("" for _ in costs)]
                continue
            cells += [
                f"{side['turn_index'] + 1:,}" if side["turn_index"] >= 0 else "",
                words.figure(float(side["peak_context_tokens"] or "nan"), "tokens"),
            ]
            cells += [words.usd(side[name]) for name in costs]
        rows.append(tuple(cells))
    note = f"The first {_TURNS_SHOWN} of {len(turns):,}" if len(turns) > _TURNS_SHOWN else ""
    cost = ("at least", "best estimate") if is_lost else ("cost",)
    heading = ("Prompt", "Alike", "A turn", "context", *cost, "B turn", "context", *cost)
    return Grid(heading, rows, frozenset(range(1, len(heading))), note)


def files_grid(found: PairComparison) -> Grid:
    """Return the files that tools named, the largest difference first."""
    rows = [
        (
            plain(row["path"]),
            {"A": "A", "B": "B"}.get(row["only"], "both"),
            f"{row['a_reads_count']:,}",
            f"{row['b_reads_count']:,}",
            f"{row['a_edits_count']:,}",
            f"{row['b_edits_count']:,}",
            words.usd((row["b_lifetime_usd"] or 0) - (row["a_lifetime_usd"] or 0), is_signed=True)
            if all(_are_billed(found))
            else words.UNKNOWN,
        )
        for row in found.files[:_FILES_SHOWN]
    ]
    note = f"The {_FILES_SHOWN} largest differences of {len(found.files):,}" if len(found.files) > _FILES_SHOWN else ""
    heading = ("File", "In", "A reads", "B reads", "A edits", "B edits", "B − A")
    return Grid(heading, rows, frozenset(range(2, 7)), note)


def plain(text: str) -> str:
    """Return text from a transcript on one line, with what acts on a screen left out."""
    return " ".join(_CONTROL.sub("", text).split())


def shortened(text: str, limit: int) -> str:
    """Return the beginning of a text on one line."""
    line = plain(text)
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


# -- marking it up --------------------------------------------------------------------------------------------------


def as_markdown(document: Document) -> str:
    """Return a document as Markdown; charts are in the tables beside them."""
    parts = [f"# {_md(document.title)}"]
    for section in document.sections:
        parts.append(f"## {_md(section.title)}")
        parts += ["\n".join(f"- {_md(sentence)}" for sentence in section.sentences)] if section.sentences else []
        for grid in section.grids:
            parts += [_md(grid.note)] if grid.note else []
            parts.append(_md_grid(grid) if grid.rows else "Nothing differs.")
    return "\n\n".join(parts) + "\n"


def _md_grid(grid: Grid) -> str:
    rule = ["---:" if place in grid.numbers else "---" for place in range(len(grid.heading))]
    lines = [grid.heading, tuple(rule), *(tuple(_md(cell) for cell in row) for row in grid.rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _md(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>|#$])", r"\\\1", text)


_STYLE = (
    STYLE
    + """
body { max-width: 1240px } ul { padding-left: 1.2rem } li { margin: .25rem 0; overflow-wrap: break-word }
th, td { font-size: 13px }
"""
)


def as_html(document: Document) -> str:
    """Return a document as one HTML file that needs nothing else and fetches nothing."""
    body = [f"<h1>{html.escape(document.title)}</h1>"]
    for section in document.sections:
        body.append(f"<section><h2>{html.escape(section.title)}</h2>")
        if section.sentences:
            items = (f"<li>{_whole_figures(html.escape(one))}</li>" for one in section.sentences)
            body.append(f"<ul>{''.join(items)}</ul>")
        if section.chart is not None:
            label = html.escape(section.chart_text, quote=True)
            body.append(f'<figure role="img" aria-label="{label}">{charts.svg(section.chart)}</figure>')
        body += [_html_grid(grid) for grid in section.grids]
        body.append("</section>")
    title = html.escape(document.title)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} · Her</title><style>{_STYLE}</style></head><body>" + "\n".join(body) + "</body></html>\n"
    )


def _whole_figures(sentence: str) -> str:
    """Keep each minus sign on the line of its figure."""
    return sentence.replace("−", "−&#8288;")


def _html_grid(grid: Grid) -> str:
    if not grid.rows:
        return "<p>Nothing differs.</p>"

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{cell_class(value, is_figure=place in grid.numbers)}>{html.escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    # Not a caption: that would be as wide as the table, and run off the page where the table scrolls.
    note = f'<p class="quiet">{html.escape(grid.note)}</p>' if grid.note else ""
    rows = "".join(f"<tr>{cells('td', row)}</tr>" for row in grid.rows)
    return f'{note}<div class="wide" tabindex="0"><table><tr>{cells("th", grid.heading)}</tr>{rows}</table></div>'
