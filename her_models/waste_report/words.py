"""The report on waste in words: names of labels, sentences with its main figures, method and limits."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from her_models.advice.outcomes import LEAST_SESSIONS, Outcome
from her_models.advice.pieces import Piece
from her_models.waste.rules import RULES
from her_models.waste_report.questions import WasteReport

CLASSES = ("exact", "estimated", "heuristic")
LABELS = {
    "S": "Useful",
    "H": "Overhead: system prompt, tools, instructions",
    "C1": "Discarded attempts",
    "C2": "Abandoned work",
    "C3": "Wake-ups without work",
    "C4": "Failed and repeated calls",
    "C5": "Unchanged files read again",
    "C6": "Duplicate results",
    "C7": "Read again after a compaction",
    "C8": "Subagents' duplicates",
    "C9": "Repeated reminders",
    "C10": "Standing text never used",
    "C11": "Oversize results",
    "C12": "Whole files rewritten",
    "C13": "Carried and never used again",
    "C14": "Compaction thrash",
    "K1": "Cache expired",
    "K2": "Cached prefix changed",
    "K3": "Resume or fork",
    "K4": "Prefix not shared",
    "K5": "Cache missed, unexplained",
    "P": "Premium: speed, geography, length",
    "fees": "Fees of server-side tools",
    "N": "Unexplained: in no line of the log",
}
METHOD = (
    "Every billed token belongs to one block of a prompt and to one price class, so that useful, overhead, waste, "
    "misses, premium, fees and unexplained add up to the bill without a remainder.",
    "A token has at most one label of waste: the first that matches from C1 to C14. Nothing is counted twice.",
    "What a wasted block cost includes its entry, every request that carried it, and requests made only because of it.",
    "Waste by content is an upper bound on removable cost: a log does not show what would have happened without it.",
    "Hints are kinds of finding that were right in less than four of five cases read by hand, or that no case at hand "
    "can prove; they are shown apart and are in no total.",
    "Costs are at list price. On a subscription they say what the same tokens would cost through the API.",
    "Calls that the client never logs are in no figure here; see her doctor --reconcile.",
)


NEVER_ADDED = (
    "Each row is the whole session replayed with one change. Gross savings overlap and are never added. Net savings "
    "are what each label saves after all labels above it are taken out; those add up to the last row. "
    "They are not the waste of the bill: that is what the wasted tokens were billed, these are what would have been "
    "saved, and taking text out of a running context has everything behind it written again (C13 above all)."
)
OTHER_SETTINGS = (
    "Each row replays the sessions in which this one setting would change something, as if the work had gone the same "
    "way. Savings are gross: they overlap with each other and with the waste, and are never added."
)
PAID_AGAIN = (
    "The same text, known by its hash, in the prompts of several sessions and subagents of a project: what all copies "
    "but the dearest cost. It is part of overhead, or of C9 and C10 where it is waste, and in no total here."
)
ABOUT_THE_SAME = (
    "No line of the log shows these parts of prompts, so that nobody can say that they are the same text: they are of "
    "about the same size, in one folder, of one version of the client and one model. What all but the dearest cost; in "
    "no total."
)
REMOVE_ALL = "remove.all"
ALL_WASTE = "Waste"
EVERY_WAY = (
    "Every table adds up to the waste of the bill, where it was billed. A case is a finding that began in this "
    "selection, or a response that missed the cache. What names no tool or file stands in a row of its own, and so do "
    "cache misses where they belong to none."
)
_NONE = {"project": "No project", "owner": "No person", "person": "No person", "tool": "No tool", "file": "No file"}


def precision(name: str, *, is_hint: bool | None = None) -> dict[str, Any]:
    """Return the hand-read sample of a label or a kind: share right, findings, sessions; `is_hint`: only of such rules.

    A hint is decided by kind: a label whose kinds differ has a row for those that count and one for its hints.
    """
    rules = [
        rule
        for rule in RULES.values()
        if name in (rule.kind, rule.label) and is_hint in (None, rule.is_hint) and rule.precision is not None
    ]
    count = sum(rule.judged_count for rule in rules)
    right = sum(rule.judged_count * (rule.precision or 0.0) for rule in rules)
    return {
        "precision_ratio": round(right / count, 3) if count else None,
        "judged_count": count,
        "judged_sessions_count": len(frozenset().union(*(rule.judged_sessions for rule in rules))),
    }


def precision_in_words(name: str, *, is_hint: bool | None = None) -> str:
    """Return how often findings of a label or a kind were right when read by hand, and from how many sessions."""
    found = precision(name, is_hint=is_hint)
    if found["precision_ratio"] is None:
        return "not sampled"
    sessions = found["judged_sessions_count"]
    return f"{found['precision_ratio']:.0%} of {found['judged_count']}, {sessions} session{'s' * (sessions != 1)}"


def in_words(report: WasteReport) -> list[str]:
    """Return the report's main figures as sentences."""
    billed = report.billed_usd
    if not billed:
        return ["Nothing with a price was billed here.", *floor_in_words(report)]

    def share(*beginnings: str) -> str:
        return f"{usd(report.part(*beginnings))} ({report.part(*beginnings) / billed:.1%})"

    hints = sum((row["waste_usd"] or Decimal(0) for row in report.by_label.to_pylist() if row["is_hint"]), Decimal(0))
    beside = [("premium", "P"), ("fees", "f")]
    parts = [("useful", "S"), ("overhead", "H"), ("waste", "CK")]
    parts += [one for one in beside if report.part(one[1])]
    told = ", ".join(f"{name} {share(*labels)}" for name, labels in parts)
    sentences = [
        f"Billed {billed_in_words(report)}: {told}, unexplained {share('N')}.",
        f"Of the waste, {share('C')} is content that was not needed, {share('K')} what missing the cache cost on top.",
    ]
    if hints:
        sentences.append(f"Hints, in no total: {usd(hints)}.")
    return sentences + floor_in_words(report)


def billed_in_words(report: WasteReport) -> str:
    """Write the bill, and that it is a least where it can only be too low."""
    return ("at least " if report.selection.is_floor else "") + usd(report.billed_usd)


def floor_in_words(report: WasteReport) -> list[str]:
    """Say why a bill can only be too low; nothing where it is whole."""
    found, told = report.selection, []
    if found.floor_requests_count:
        whose = "its" if found.floor_requests_count == 1 else "their"
        told.append(
            f"Of {_counted(found.floor_requests_count, 'response')} the log holds no end: "
            f"{whose} output is counted as far as it shows, and the bill is at least this."
        )
    if found.unpriced_requests_count:
        models = ", ".join(found.unpriced_models) or "no model named"
        left_out = "has no price and is" if found.unpriced_requests_count == 1 else "have no price and are"
        told.append(f"{_counted(found.unpriced_requests_count, 'response')} {left_out} in no figure: {models}.")
    return told


def selection_in_words(report: WasteReport, today: date) -> str:
    """Say whose sessions a report looks at, of which days, projects and models."""
    scope = report.scope
    until = scope.until_on or today
    if scope.since_on is None:
        period = f"everything up to {until}"
    else:
        period = f"{scope.since_on} to {until}" if scope.since_on <= until else f"from {scope.since_on} on"
    told = [f"Sessions of {report.whose}", period]
    told += [
        f"{name}{'s' * (len(values) > 1)} {', '.join(values)}"
        for name, values in (("project", scope.projects), ("model", scope.models))
        if values
    ]
    return ", ".join(told)


def group_in_words(row: dict[str, Any], dimension: str) -> str:
    """Name a row of `waste_by`; what belongs to no group has a name of its own."""
    match row["part"]:
        case "group":
            return str(row["group_name"])
        case "none":
            return _NONE.get(dimension, "None")
        case "misses":
            return f"Cache misses, of no {dimension}"
        case _:
            return f"Not divided by {dimension}: of sessions that go on outside this selection"


def replayed_in_words(report: WasteReport) -> str:
    """Say which sessions the what-ifs replay, and how much of their bill lies outside of what is looked at."""
    whole = next((row for row in report.what_ifs.to_pylist() if row["family"] == "identity"), None)
    if whole is None:
        return ""
    told = f"Replayed, each whole: {_counted(whole['sessions_count'], 'session')}, billed {usd(whole['billed_usd'])}"
    outside = whole["billed_usd"] - report.billed_usd
    left_out = report.selection.sessions_count - whole["sessions_count"]
    if outside > 0:
        told += f", {usd(outside)} of it outside this selection"
    return f"{told}." + (
        f" {_counted(left_out, 'session')} without a price or a replay that gives its bill: left out."
        if left_out
        else ""
    )


def findings_in_words(report: WasteReport, shown_count: int) -> str:
    """Say which findings are listed."""
    count = report.selection.findings_count
    of = f"The {shown_count:,} dearest of {count:,}" if shown_count < count else f"All {count:,}"
    is_cut = bool(report.scope.since_on or report.scope.until_on or report.scope.models)
    return f"{of} that began in this selection" + (
        ", each with all it cost, also outside of it: they do not add up to the tables above." if is_cut else "."
    )


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'s' * (count != 1)}"


def text_in_words(row: dict[str, Any]) -> str:
    """Name a text of overhead of `redundant_context`; one that no line shows is told by its size."""
    kind = str(row["kind"]).replace("_", " ")
    if row["name"] != row["kind"]:
        return str(row["name"])
    if row["is_same_text"]:
        return kind
    whole = "system prompt, tools, memory files" if kind == "system" else kind
    told = ", ".join(
        filter(None, (row["whose"], row["client_version"] and f"client {row['client_version']}", row["model"]))
    )
    return f"About {round(row['size_tokens'], -3):,} tokens in no line: {whole} ({told})"


def policy_in_words(row: dict[str, Any]) -> str:
    """Say what a policy of `what_ifs` changes."""
    given = json.loads(row["parameters"] or "{}")
    most = given.get("most_tokens") or given.get("context_tokens") or 0
    whose = {"main": "Main conversation", "subagents": "Subagents"}.get(given.get("threads", ""), "")
    lifetime = {"1h": "cached for an hour", "5m": "cached for five minutes"}.get(given.get("lifetime", ""), "")
    if row["family"] == "remove":
        return "All of it" if row["policy"] == REMOVE_ALL else f"{row['label']} {LABELS.get(row['label'], '')}".strip()
    return {
        "cap": f"Tool results of at most {most:,} tokens",
        "lifetime": f"{whose} {lifetime}",
        "model": f"Answered by {given.get('model')}",
        "tools": f"Without MCP server {given.get('server')}"
        if "server" in given
        else "Tools that were never called fetched on demand",
        "earlier": f"{'Compacted' if row['policy'].startswith('compact') else 'Cleared'} beyond {most:,} tokens",
        "delegate": "Long runs of reads done by a subagent",
    }[row["family"]]


def change_in_words(saving: Decimal) -> str:
    """Write a saving, or how much dearer it would have been."""
    return usd(saving) if saving >= 0 else f"{usd(-saving)} dearer"


def between_in_words(row: dict[str, Any]) -> str:
    """Write both ends of an amount."""
    if row["low_usd"] is None or row["high_usd"] is None:
        return "–"
    return f"{usd(row['low_usd'])} to {usd(row['high_usd'])}"


def usd(value: Decimal | float | None) -> str:
    """Write US dollars, a minus before the sign; under ten cents to the hundredth of a cent."""
    if value is None:
        return "no price"
    number = abs(float(value))
    told = f"${number:,.2f}" if number >= 0.1 or number == 0 else f"${number:,.4f}"
    return f"−{told}" if value < 0 else told


def saving_in_words(piece: Piece) -> str:
    """Return the expected saving with its interval."""
    return f"{usd(piece.saving_usd)} a week ({usd(piece.low_usd)} to {usd(piece.high_usd)})"


def assumed_in_words(piece: Piece) -> str:
    """Return what the expected saving takes for granted; nothing where a program makes the change."""
    share = piece.pattern.followed
    if share == 1:
        return ""
    return f"Assumed: the change ends {share:.0%} of the cases at least; the expected saving is midway to all of them."


def outcome_in_words(found: Outcome) -> str:
    """Return what became of a change."""
    if min(found.before_sessions_count, found.after_sessions_count) >= LEAST_SESSIONS and found.low_ratio is None:
        return (
            "Nothing to compare: no session of the four weeks before, and none since, holds a case of it. "
            "Advice that is not given here cannot be seen to work."
        )
    if found.low_ratio is None or found.high_ratio is None or found.before_ratio is None or found.after_ratio is None:
        return (
            f"Not yet enough data: {found.before_sessions_count} sessions before, {found.after_sessions_count} since; "
            "five on either side are needed."
        )
    return (
        f"{found.verdict.capitalize()}: {found.before_ratio:.1%} of the bill before, {found.after_ratio:.1%} since "
        f"({found.low_ratio * 100:+.1f} to {found.high_ratio * 100:+.1f} points"
        + (", which holds no change as well as its end)." if found.verdict == "not yet enough data" else ").")
    )
