"""Every policy for every session: which ones change something, what each would have cost, how sure that is.

What belongs here: the list of policies and the rows made of them. What does not: what a policy changes (`policies`,
`removals`, `evictions`, `delegation`) and what that costs (`replay`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from her_models.ledger.position import Ints
from her_models.whatif import delegation, evictions, policies
from her_models.whatif.claims import SURENESS, Claims
from her_models.whatif.evictions import Eviction
from her_models.whatif.reading import Period, assumptions
from her_models.whatif.removals import MISS_LABELS, MISSES_INDEX, ORDER, Removal, plan_without, resolved, without_tokens
from her_models.whatif.replay import Plan, identity_holds, no_change, replayed
from her_models.whatif.sequence import Bools, Sequence

EXACT, ESTIMATED, HEURISTIC = "exact", "estimated", "heuristic"
IDENTITY = "identity"
SAME_BEHAVIOUR = "same behaviour assumed"
_FAMILIES = (IDENTITY, "remove", "cap", "lifetime", "model", "tools", "earlier", "delegate")
_PLACES_OF_A_FAMILY = 1_000_000


@dataclass(frozen=True)
class Found:
    """One policy over all sessions; arrays are picodollars per session.

    `touched` are the sessions in which it changes something, `low` and `high` the ends of the saving's interval.
    `labels` are those it takes out, by session: no session's row may depend on its neighbours.
    """

    policy: str
    family: str
    confidence: str
    touched: Bools
    cost: Ints
    saving: Ints
    low: Ints
    high: Ints
    net: Ints | None = None
    label: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    labels: Mapping[int, list[str]] | None = None


def found_policies(
    seq: Sequence, claims: Claims, targets: Mapping[tuple[str, str, str], list[Period]]
) -> Iterator[Found]:
    """Yield what each policy would have cost; sessions that it leaves as they are, are not touched."""
    billed = seq.sums(seq.billed)
    removals = resolved(seq, claims.claims)
    yield from _removed(seq, removals, claims, billed)
    yield from _capped(seq, billed)
    yield from _lifetimes(seq, billed)
    yield from _models(seq, billed, targets)
    yield from _tools(seq, billed, claims.instructions)
    yield from _earlier(seq, billed)
    yield from _delegated(seq, billed)


def _cost(seq: Sequence, plan: Plan) -> Ints:
    return replayed(seq, plan).by_session(seq)


# -- what was wasted


def _removed(seq: Sequence, removals: Mapping[str, Removal], claims: Claims, billed: Ints) -> Iterator[Found]:
    present = [label for label in ORDER if label in removals or _is_missed(seq, label)]
    left = billed
    kept: list[Eviction] = []  # what leaves late and pays, given all that was taken out before it
    for number, label in enumerate(present, start=1):
        plan = plan_without(seq, removals, present[:number])
        kept += _paying(seq, plan, removals.get(label))
        together = evictions.cost_of(seq, plan, kept)
        net, left = left - together, together
        plan = plan_without(seq, removals, [label])
        paying = _paying(seq, plan, removals.get(label))
        alone = evictions.cost_of(seq, plan, paying)
        is_miss = label in MISS_LABELS
        low = alone if is_miss else _low_cost(seq, removals, [label], paying)
        saving, low_saving = billed - alone, np.minimum(billed - low, billed - alone)
        touched = _touched(seq, removals.get(label), label)
        yield Found(
            f"remove.{label}",
            "remove",
            EXACT,
            touched,
            alone,
            saving,
            low_saving,
            # The other end is as far away, as sizes are as likely too small as too large.
            saving + (saving - low_saving),
            net,
            label,
            {"labels": [label]},
            labels={session: [label] for session in np.flatnonzero(touched).tolist()},
            note="" if is_miss else "an upper bound: no log shows whether the work would have gone the same way",
        )
    if not present:
        return
    low = _low_cost(seq, removals, present, kept)
    places = {label: _touched(seq, removals.get(label), label) for label in present}
    touched = np.any(list(places.values()), axis=0)
    saving, low_saving = billed - left, np.minimum(billed - low, billed - left)
    yield Found(
        "remove.all", "remove", EXACT, touched, left, saving, low_saving, 2 * saving - low_saving, saving,
        "", {}, "all of the above at once: the net savings add up to this, the gross ones to more",
        {
            session: [label for label in present if places[label][session]]
            for session in np.flatnonzero(touched).tolist()
        },
    )  # fmt: skip


def _low_cost(seq: Sequence, removals: Mapping[str, Removal], labels: Iterable[str], kept: Iterable[Eviction]) -> Ints:
    plan = plan_without(seq, removals, labels, is_low=True)
    return evictions.cost_of(seq, plan, evictions.smaller(seq, kept))


def _paying(seq: Sequence, plan: Plan, removal: Removal | None) -> list[Eviction]:
    return evictions.best_evictions(seq, plan, removal) if removal is not None and removal.late else []


def _is_missed(seq: Sequence, label: str) -> bool:
    return label in MISSES_INDEX and bool(((seq.miss == MISSES_INDEX[label]) & seq.priced).any())


def _touched(seq: Sequence, removal: Removal | None, label: str) -> Bools:
    touched = np.zeros(len(seq.sessions), np.bool_)
    if label in MISSES_INDEX:
        touched[seq.session[(seq.miss == MISSES_INDEX[label]) & seq.priced]] = True
    if removal is not None:
        for block in (*removal.tokens, *removal.output, *removal.late):
            touched[seq.blocks[block].session] = True
        for claim in removal.requests:
            touched[seq.session[claim.place]] = True
    return touched


# -- what could have been done otherwise


def _simple(
    seq: Sequence,
    billed: Ints,
    plan: Plan,
    name: str,
    family: str,
    sure: str,
    parameters: Mapping[str, Any],
    note: str,
    touched: Bools | None = None,
    ends: tuple[Ints, Ints] | None = None,
) -> Found:
    cost = _cost(seq, plan)
    saving = billed - cost
    low, high = (saving, saving) if ends is None else ends
    changed = saving != 0 if touched is None else touched
    return Found(name, family, sure, changed, cost, saving, np.minimum(low, saving), np.maximum(high, saving),
                 parameters=parameters, note=note)  # fmt: skip


def _capped(seq: Sequence, billed: Ints) -> Iterator[Found]:
    for most in assumptions()["tool_results"]["caps_tokens"]:
        # A result is as long as its interval says: shorter, and less of it is cut off.
        ends = []
        for side in ("low_ratio", "high_ratio"):
            tokens = np.zeros(len(seq.blocks), np.int64)
            for number, block in enumerate(seq.blocks):
                if block.kind == "tool_result":
                    size = int(block.size * getattr(block, side))
                    tokens[number] = min(max(size - most, 0), block.size)
            plan = no_change(seq)
            plan.sizes = without_tokens(seq, tokens)
            ends.append(billed - _cost(seq, plan))
        yield _simple(
            seq, billed, policies.capped_results(seq, most), f"cap.{most}", "cap", HEURISTIC,
            {"most_tokens": most}, f"tool results of at most {most:,} tokens; {SAME_BEHAVIOUR}",
            ends=(ends[0], ends[1]),
        )  # fmt: skip


def _lifetimes(seq: Sequence, billed: Ints) -> Iterator[Found]:
    is_main = policies.in_main_threads(seq)
    for is_hour, name in ((True, "1h"), (False, "5m")):
        for chosen, whose in ((is_main, "main"), (~is_main, "subagents")):
            written = (seq.five > seq.hour) if is_hour else (seq.hour > seq.read)
            touched = np.zeros(len(seq.sessions), np.bool_)
            touched[seq.session[chosen & written & seq.priced]] = True
            if not touched.any():
                continue
            plan = policies.other_lifetime(seq, is_hour=is_hour, chosen=chosen)
            words = "an hour" if is_hour else "five minutes"
            yield _simple(
                seq, billed, plan, f"ttl.{name}.{whose}", "lifetime", EXACT if is_hour else ESTIMATED,
                {"lifetime": name, "threads": whose},
                f"{'the main conversation' if whose == 'main' else 'subagents'} cached for {words}"
                + ("" if is_hour else "; after a longer pause nothing is found"),
                touched=touched,
            )  # fmt: skip


def _models(seq: Sequence, billed: Ints, targets: Mapping[tuple[str, str, str], list[Period]]) -> Iterator[Found]:
    known = assumptions()["other_model"]
    for target in known["targets"]:
        plan, given = policies.other_model(seq, target, targets)
        touched = np.zeros(len(seq.sessions), np.bool_)
        touched[seq.session[given]] = True
        if not touched.any():
            continue
        as_long = plan.output
        ends = []
        for side in ("output_high", "output_low"):
            plan.output = np.where(given, np.rint(as_long * known[side]), as_long).astype(np.int64)
            ends.append(billed - _cost(seq, plan))
        plan.output = as_long
        yield _simple(
            seq, billed, plan, f"model.{target}", "model", HEURISTIC, {"model": target},
            f"{SAME_BEHAVIOUR}: as many requests, the same results; answers between"
            f" {known['output_low']:g} and {known['output_high']:g} times as long",
            touched=touched, ends=(ends[0], ends[1]),
        )  # fmt: skip


def _tools(seq: Sequence, billed: Ints, instructions: Mapping[int, Mapping[str, int]]) -> Iterator[Found]:
    used = policies.used_tools(seq)
    for server, sessions in sorted(policies.servers(seq, instructions).items()):
        # What is said of a session may depend on it alone.
        alike: dict[tuple[bool, bool, bool], list[int]] = {}
        for session, (definitions, said) in sessions.items():
            is_used = any(tool.startswith(f"mcp__{server}__") for tool in used[session])
            alike.setdefault((is_used, bool(definitions), bool(said)), []).append(session)
        for (is_used, has_definitions, has_instructions), mine in sorted(alike.items()):
            parts = {block: count for session in mine for part in sessions[session] for block, count in part.items()}
            yield _without_parts(
                seq, billed, parts, f"server.{server}", HEURISTIC if is_used else ESTIMATED,
                {"server": server, "is_used": is_used},
                _without_server(has_definitions=has_definitions, has_instructions=has_instructions, is_used=is_used),
            )  # fmt: skip
    deferred = policies.deferred_tools(seq)
    if deferred:
        parts = {number: seq.blocks[number].size - kept for number, kept in deferred.items()}
        yield _without_parts(
            seq, billed, parts, "defer.tools", ESTIMATED, {"tools": len(deferred)},
            "only the names of tools that were never called stand in the prompt",
        )  # fmt: skip


def _without_parts(
    seq: Sequence,
    billed: Ints,
    parts: Mapping[int, int],
    name: str,
    sure: str,
    parameters: Mapping[str, Any],
    note: str,
) -> Found:
    """Return what it would have cost without so many tokens of some blocks; its ends are those of their sizes."""
    found = _simple(seq, billed, policies.without_parts(seq, parts), name, "tools", sure, parameters, note)
    tokens, low, high = (np.zeros(len(seq.sessions), np.float64) for _ in range(3))
    for number, count in parts.items():
        block = seq.blocks[number]
        tokens[block.session] += count
        low[block.session] += count * block.low_ratio
        high[block.session] += count * block.high_ratio
    least, most = (
        np.rint(found.saving * np.divide(side, tokens, out=np.ones_like(tokens), where=tokens > 0)).astype(np.int64)
        for side in (low, high)
    )
    return replace(found, low=np.minimum(least, found.saving), high=np.maximum(most, found.saving))


def _without_server(*, has_definitions: bool, has_instructions: bool, is_used: bool) -> str:
    left = {
        (True, True): "definitions of the server's tools and its instructions left out",
        (True, False): "definitions of the server's tools left out",
        (False, True): "the server's instructions left out; no line shows the definitions of its tools",
    }[has_definitions, has_instructions]
    return f"{left}; {'used here: what it did would have to be done otherwise' if is_used else 'not used here'}"


def _earlier(seq: Sequence, billed: Ints) -> Iterator[Found]:
    known = assumptions()["earlier"]
    prompts: evictions.Prompts = {}
    for most in known["context_tokens"]:
        for is_compacted, name in ((True, "compact"), (False, "clear")):
            # Clearing leaves nothing; at worst what a long summary would hold has to be said again.
            sides = ("summary_tokens", "summary_low_tokens", "summary_high_tokens")
            lengths = [known[side] for side in sides] if is_compacted else [0, known["summary_high_tokens"]]
            tried = [
                evictions.earlier(seq, most, length, is_compacted=is_compacted, prompts=prompts) for length in lengths
            ]
            found = tried[0]
            if not found:
                continue
            costs = [evictions.cost_of(seq, no_change(seq), evicted) for evicted in tried]
            touched = np.zeros(len(seq.sessions), np.bool_)
            touched[[int(seq.session[eviction.place]) for eviction in found]] = True
            savings = [billed - cost for cost in costs]
            yield Found(
                f"{name}.{most}", "earlier", HEURISTIC, touched, costs[0], savings[0],
                np.minimum.reduce(savings), np.maximum.reduce(savings),
                parameters={"context_tokens": most, "summary_tokens": lengths[0]},
                note=f"{'compacted' if is_compacted else 'cleared'} at the first prompt after the context grew beyond"
                f" {most:,} tokens; {SAME_BEHAVIOUR}: nothing has to be read again",
            )  # fmt: skip


def _delegated(seq: Sequence, billed: Ints) -> Iterator[Found]:
    known = assumptions()["delegation"]
    runs = delegation.reading_runs(seq, known["shortest_run_requests"])
    if not runs:
        return
    costs = [
        _cost(seq, delegation.delegated(seq, runs, known[side]))
        for side in ("report_tokens", "report_low_tokens", "report_high_tokens")
    ]
    touched = np.zeros(len(seq.sessions), np.bool_)
    touched[[int(seq.session[run.first]) for run in runs]] = True
    savings = [billed - cost for cost in costs]
    yield Found(
        "delegate.reads", "delegate", HEURISTIC, touched, costs[0], savings[0],
        np.minimum.reduce(savings), np.maximum.reduce(savings),
        parameters={"shortest_run_requests": known["shortest_run_requests"]},
        note=f"runs of requests that only read are done by a subagent, which reports; {SAME_BEHAVIOUR}",
    )  # fmt: skip


# -- rows


def _place(found: Found) -> int:
    """Return where a policy stands in the list of all, whichever of them a publication holds."""
    family = _FAMILIES.index(found.family) * _PLACES_OF_A_FAMILY
    if found.label:
        return family + ORDER.index(found.label)
    number = re.search(r"[0-9]+$", found.policy) if found.family in ("cap", "earlier") else None
    return family + (min(int(number[0]), _PLACES_OF_A_FAMILY - 1) if number else len(ORDER))


def rows(seq: Sequence, claims: Claims, targets: Mapping[tuple[str, str, str], list[Period]]) -> dict[str, list[Any]]:
    """Return the columns of `whatif_rows`. A session whose bill the empty plan does not return has one row only."""
    from her_models.whatif.tables import WHATIF_COLUMNS

    columns: dict[str, list[Any]] = {name: [] for name in WHATIF_COLUMNS["whatif_rows"]}
    billed = seq.sums(seq.billed)
    held = identity_holds(seq)
    cost = _cost(seq, no_change(seq))
    everywhere = np.zeros(len(seq.sessions), np.bool_)
    everywhere[seq.session[seq.priced]] = True
    zero = np.zeros(len(seq.sessions), np.int64)
    identity = Found(IDENTITY, IDENTITY, EXACT, everywhere, cost, billed - cost, zero, zero, note="what happened")
    for found in (identity, *found_policies(seq, claims, targets)):
        for session in np.flatnonzero(found.touched & (held | (found is identity))).tolist():
            source_id, session_id = seq.sessions[session]
            labels = None if found.labels is None else found.labels.get(session, [])
            classes = [
                EXACT if label in MISS_LABELS else claims.confidence.get((session, label), HEURISTIC)
                for label in labels or ()
            ]
            row = {
                "source_id": source_id,
                "session_id": session_id,
                "policy": found.policy,
                "policy_index": _place(found),
                "family": found.family,
                "label": found.label or None,
                "parameters": json.dumps(dict(found.parameters) if labels is None else {"labels": labels}),
                "confidence": max([found.confidence, *classes], key=SURENESS.index),
                "is_identity": bool(held[session]),
                "billed_picodollars": int(billed[session]),
                "replay_picodollars": int(found.cost[session]),
                "gross_picodollars": int(found.saving[session]),
                "net_picodollars": None if found.net is None else int(found.net[session]),
                "low_picodollars": int(found.low[session]),
                "high_picodollars": int(found.high[session]),
                "note": found.note or None,
            }
            for name, column in columns.items():
                column.append(row[name])
    return columns
