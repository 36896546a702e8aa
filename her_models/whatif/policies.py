"""Plans for what could have been done otherwise: shorter results, another lifetime, another model, fewer tools.

What belongs here: policies that hold from a block's or a request's beginning on. What does not: leaving out waste
(`removals`), and taking something out late, which breaks the cache behind it (`evictions`). Every policy assumes that
the model would have behaved the same; none knows whether it would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence as Rows
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from her_models.ledger.expected import FIVE_MINUTES_SECONDS, HOUR_SECONDS
from her_models.ledger.position import Ints
from her_models.ledger.sizes import content_class, tokenizer_family
from her_models.whatif.reading import Period, assumptions, minimum_cached_tokens
from her_models.whatif.removals import without_tokens
from her_models.whatif.replay import MARGIN_SECONDS, Plan, ages, no_change
from her_models.whatif.sequence import Band, Bools, Call, Sequence

_HOUR, _FIVE, _AS_IT_WAS = 1, 0, -1


def capped_results(seq: Sequence, most_tokens: int, *, tools: Rows[str] | None = None) -> Plan:
    """Return the plan in which no tool result is longer than `most_tokens`; `tools`: results of these only."""
    over = [
        max(block.size - most_tokens, 0) if block.kind == "tool_result" and _is_of(block.tool_name, tools) else 0
        for block in seq.blocks
    ]
    plan = no_change(seq)
    plan.sizes = without_tokens(seq, np.array(over, np.int64))
    return plan


def _is_of(tool_name: str | None, tools: Rows[str] | None) -> bool:
    return tools is None or (tool_name or "") in tools


def other_lifetime(seq: Sequence, *, is_hour: bool, chosen: Bools | None = None) -> Plan:
    """Return the plan in which everything is written for an hour, or for five minutes.

    Entries that live longer are still there after a pause; entries that live shorter are not, and then nothing is
    found, unless the request found less already.

    Args:
        chosen: places that it holds for; default: all.
    """
    chosen = np.ones(len(seq), np.bool_) if chosen is None else chosen
    age = ages(seq)
    plan = no_change(seq)
    plan.writes_hour = np.where(chosen, _HOUR if is_hour else _FIVE, _AS_IT_WAS)
    if is_hour:
        # Decided by time alone: what missed for another reason misses still.
        plan.misses_removed = chosen & (seq.miss == 1) & (age <= HOUR_SECONDS - MARGIN_SECONDS)
    else:
        plan.expired = chosen & (age > FIVE_MINUTES_SECONDS + MARGIN_SECONDS) & (seq.read > 0)
    return plan


def in_main_threads(seq: Sequence) -> Bools:
    """Return which places are in the main conversation of their session."""
    return np.array([call.thread_id == "" for call in seq.calls], np.bool_)


def read_targets(table: pa.Table) -> dict[tuple[str, str, str], list[Period]]:
    """Return prices by (model, geography, tier) at standard speed, from a table of `contracts.PRICES`."""
    found: dict[tuple[str, str, str], dict[tuple[datetime, datetime | None], list[Band]]] = {}
    for row in table.to_pylist():
        if row["speed"] != "standard":
            continue
        prices = tuple(
            row[f"{name}_picodollars"] for name in ("cache_read", "cache_write_1h", "cache_write_5m", "input", "output")
        )
        moments = found.setdefault((row["model"], row["geography"], row["tier"]), {})
        moments.setdefault((row["valid_from"], row["valid_to"]), []).append(Band(row["prompt_above_tokens"], prices))
    return {
        kind: [Period(start, end, tuple(bands)) for (start, end), bands in moments.items()]
        for kind, moments in found.items()
    }


def main_models(seq: Sequence) -> list[str | None]:
    """Return, per session, the model that its main conversation was billed most for."""
    totals: list[dict[str, int]] = [{} for _ in seq.sessions]
    for session, call, billed in zip(seq.session.tolist(), seq.calls, seq.billed.tolist(), strict=True):
        if call.thread_id == "" and call.model:
            totals[session][call.model] = totals[session].get(call.model, 0) + billed
    return [max(sorted(found), key=found.__getitem__) if found else None for found in totals]


Targets = Mapping[tuple[str, str, str], list[Period]]


def other_model(seq: Sequence, target: str, targets: Targets) -> tuple[Plan, Bools]:
    """Return the plan in which another model answers what the main model of each session answered, and where it does.

    Tokens are counted again where the two models cut text differently: by the ratio of both tokenizers for that class
    of content. The prices are those of the target at the time of the request. How long its answers would be nobody
    knows; here they are as long as those that were given.

    Args:
        targets: its prices, as `read_targets` gives them.
    """
    mains = main_models(seq)
    plan = no_change(seq)
    prices, bands = seq.prices.copy(), dict(seq.bands)
    given = np.zeros(len(seq), np.bool_)
    for place, (session, call) in enumerate(zip(seq.session.tolist(), seq.calls, strict=True)):
        if not seq.priced[place] or call.model != mains[session] or call.model == target:
            continue
        period = _period(targets, target, call)
        if period is None:
            continue
        given[place] = True
        prices[place] = period.bands[0].prices
        bands.pop(place, None)
        if len(period.bands) > 1:
            bands[place] = period.bands
    is_v3 = np.array([tokenizer_family(call.model or "") == "v3" for call in seq.calls], np.bool_)
    to_v3 = tokenizer_family(target) == "v3"
    changes = given & (is_v3 != to_v3)
    if changes.any():
        ratios = np.array(_v47_per_v3(seq), np.float64)
        ratios = 1 / ratios if to_v3 else ratios
        # A segment that two models answered takes the first of them.
        segments = np.unique(seq.segment[changes])
        sizes = np.rint(seq.entry_size * ratios[seq.entry_block]).astype(np.int64)
        plan.sizes = np.where(np.isin(seq.entry_segment, segments), sizes, seq.entry_size)
        prose = float(assumptions()["tokens_v47_per_v3"]["prose"])
        longer = np.rint(seq.output * (1 / prose if to_v3 else prose)).astype(np.int64)
        plan.output = np.where(changes, longer, seq.output)
    plan.prices, plan.bands = prices, bands
    plan.minimum = np.where(given, minimum_cached_tokens(target), seq.minimum)
    return plan, given


def _period(targets: Targets, target: str, call: Call) -> Period | None:
    """Return the target's prices at the moment of a call, of its kind where there are such."""
    moment = call.priced_at or datetime(1970, 1, 1, tzinfo=UTC)
    for kind in ((target, call.geography, call.tier), (target, "global", "standard")):
        for period in targets.get(kind, []):
            if period.valid_from <= moment and (period.valid_to is None or moment < period.valid_to):
                return period
    return None


def _v47_per_v3(seq: Sequence) -> list[float]:
    """Return, per block, its tokens in the newer family for one in the older."""
    known = assumptions()["tokens_v47_per_v3"]
    kinds = (
        "image" if block.kind == "image" else content_class(block.kind, block.tool_name, block.path)
        for block in seq.blocks
    )
    return [float(known.get(kind, known["prose"])) for kind in kinds]


def servers(
    seq: Sequence, instructions: Mapping[int, Mapping[str, int]]
) -> dict[str, dict[int, tuple[dict[int, int], dict[int, int]]]]:
    """Return, by MCP server and session, the tokens of its tools' definitions and of its instructions, by block."""
    found: dict[str, dict[int, tuple[dict[int, int], dict[int, int]]]] = {}

    def add(server: str, number: int, which: int, tokens: int) -> None:
        sessions = found.setdefault(server, {})
        sessions.setdefault(seq.blocks[number].session, ({}, {}))[which][number] = tokens

    for number, block in enumerate(seq.blocks):
        server = _server(block.label)
        if block.kind == "tool_schema" and server and block.size:
            add(server, number, 0, block.size)
        for server, tokens in instructions.get(number, {}).items():
            if tokens:
                add(server, number, 1, tokens)
    return found


def _server(tool: str) -> str | None:
    parts = tool.split("__")
    return parts[1] if len(parts) >= 3 and parts[0] == "mcp" else None


def used_tools(seq: Sequence) -> list[set[str]]:
    """Return the tools called in each session."""
    used: list[set[str]] = [set() for _ in seq.sessions]
    for block in seq.blocks:
        if block.kind == "tool_call" and block.tool_name:
            used[block.session].add(block.tool_name)
    return used


def without_parts(seq: Sequence, tokens: Mapping[int, int]) -> Plan:
    """Return the plan in which some blocks are so many tokens shorter from their entry on."""
    return replaced_blocks(seq, {number: seq.blocks[number].size - count for number, count in tokens.items()})


def replaced_blocks(seq: Sequence, left: Mapping[int, int]) -> Plan:
    """Return the plan in which some blocks have at most these tokens."""
    plan = no_change(seq)
    plan.sizes = replaced_sizes(seq, left)
    return plan


def replaced_sizes(seq: Sequence, left: Mapping[int, int]) -> Ints:
    """Return the sizes of all entries where some blocks have at most these tokens."""
    tokens = np.zeros(len(seq.blocks), np.int64)
    for number, kept in left.items():
        tokens[number] = max(seq.blocks[number].size - kept, 0)
    return without_tokens(seq, tokens)


def deferred_tools(seq: Sequence) -> dict[int, int]:
    """Return the definitions of tools that were never called, with what stays of each when it is fetched on demand."""
    used = used_tools(seq)
    kept = int(assumptions()["deferred_tools"]["name_tokens"])
    return {
        number: kept
        for number, block in enumerate(seq.blocks)
        if block.kind == "tool_schema" and block.size > kept and block.label not in used[block.session]
    }
