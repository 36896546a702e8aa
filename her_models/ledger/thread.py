"""One thread's rows turned into what the lineage walk needs: sizes, outputs, and the order of both.

What belongs here: the reading of rows of `int_ledger_items` and `int_ledger_calls`. What does not: arithmetic
over positions (`position`) and SQL (`build`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from her_models.ledger.lineage import ExactWalk, Item, Lineage, Request, lineages
from her_models.ledger.recovery import Output, Witness, recovered_output
from her_models.ledger.request_log import PromptWalk, RequestLog
from her_models.ledger.sizes import Densities, Estimate, Family, image_size, input_size, output_size

Row = Mapping[str, Any]
WRITTEN = frozenset({"text", "thinking", "tool_call"})


@dataclass
class Thread:
    """One session's main conversation, or one subagent: its calls and its blocks, in order."""

    calls: Sequence[Row]
    items: Sequence[Row]
    sizes: list[Estimate] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    written: list[list[int]] = field(default_factory=list)  # per call, its items
    order: list[int] = field(default_factory=list)  # per call, how many items stood before it
    lineages: list[Lineage] = field(default_factory=list)


def read_thread(calls: Sequence[Row], items: Sequence[Row], densities: Densities, log: RequestLog | None) -> Thread:
    """Return a thread with sizes, outputs and lineages.

    Args:
        calls: rows of one thread, by position.
        items: rows of the same thread, by position.
        log: the session's request log, where its client wrote one.
    """
    thread = Thread(calls, items)
    by_request: dict[str, int] = {}
    for index, call in enumerate(calls):
        by_request[call["request_id"]] = index  # the last call of a response holds its blocks
    owner = [by_request.get(item["request_id"] or "", -1) for item in items]
    thread.sizes = _sizes(calls, items, owner, densities)
    thread.written = [[] for _ in calls]
    for place, index in enumerate(owner):
        if index >= 0:
            thread.written[index].append(place)
    thread.order = _order(calls, items)
    thread.witnesses = _witnesses(thread, owner)
    thread.outputs = [recovered_output(witness) for witness in thread.witnesses]
    requests = [_request(call, output) for call, output in zip(calls, thread.outputs, strict=True)]
    walked = [_item(place, item, thread.sizes[place], owner[place]) for place, item in enumerate(items)]
    cuts = _cuts(walked, thread.order)
    exact = _exact_lineages(thread, requests, cuts, densities, log) if log is not None else None
    if exact is not None:
        thread.lineages = exact
    else:
        prefix = _snapshot_items(calls, densities, log) if log is not None and not calls[0]["thread_id"] else []
        thread.lineages = lineages(walked, requests, thread.order, prefix)
    return thread


def _snapshot_items(calls: Sequence[Row], densities: Densities, log: RequestLog) -> list[Item]:
    family = _family(calls, 0, densities)
    return [
        Item(-1, part.kind, input_size(part.kind, None, None, part.text_bytes, family), label=part.name)
        for part in log.snapshot
    ]


def _item(place: int, row: Row, size: Estimate, request: int) -> Item:
    cut = "compact" if row["kind"] == "compact_summary" else "clear" if row["is_clear"] else None
    return Item(
        place,
        row["kind"],
        size,
        request,
        row["uuid"],
        row["parent_uuid"],
        bool(row["is_prompt"]),
        cut,
        asks_compaction=bool(row["is_compact"]),
    )


def _request(call: Row, output: Output) -> Request:
    return Request(
        call["cache_read_tokens"],
        call["cache_write_1h_tokens"],
        call["cache_write_5m_tokens"],
        call["uncached_input_tokens"],
        output.tokens,
        call["thinking_tokens"] or 0,
        output.tokens > 0,
        bool(call["is_owned"]),
    )


def _family(calls: Sequence[Row], index: int, densities: Densities) -> Family:
    call = calls[min(index, len(calls) - 1)]
    return densities.family(call["model"] or "", call["client_version"] or "")


def _sizes(calls: Sequence[Row], items: Sequence[Row], owner: Sequence[int], densities: Densities) -> list[Estimate]:
    sizes = []
    latest = 0
    family = _family(calls, latest, densities)
    for item, index in zip(items, owner, strict=True):
        if index > latest:
            latest = index
            family = _family(calls, latest, densities)
        if item["kind"] == "image":
            sizes.append(image_size(item["image_width"], item["image_height"], family))
        elif index >= 0 and item["kind"] in WRITTEN:
            sizes.append(
                output_size(
                    item["kind"],
                    item["tool_name"],
                    item["text_bytes"],
                    family,
                    parameters_count=item["parameters_count"] or 0,
                    signature_bytes=item["signature_bytes"] or 0,
                )
            )
        else:
            sizes.append(input_size(item["kind"], item["tool_name"], item["path"], item["text_bytes"], family))
    return sizes


def _order(calls: Sequence[Row], items: Sequence[Row]) -> list[int]:
    """Return how many items stood before each call: those placed before its first block."""
    order = []
    place = 0
    for call in calls:
        while place < len(items) and items[place]["block_index"] < call["first_block_index"]:
            place += 1
        order.append(place)
    return order


def _witnesses(thread: Thread, owner: Sequence[int]) -> list[Witness]:
    calls, order = thread.calls, thread.order
    witnesses = []
    for index, call in enumerate(calls):
        visible = sum(thread.sizes[place].tokens for place in thread.written[index])
        partial = any(
            thread.items[place]["kind"] == "thinking"
            and not thread.items[place]["text_bytes"]
            and not thread.items[place]["signature_bytes"]
            for place in thread.written[index]
        )
        growth, others = None, 0
        if index + 1 < len(calls):
            fresh = range(order[index], order[index + 1])
            if not any(thread.items[place]["kind"] == "compact_summary" for place in fresh):
                grown = prompt_tokens(calls[index + 1]) - prompt_tokens(call)
                growth = grown if grown > 0 else None
                others = sum(thread.sizes[place].tokens for place in fresh if owner[place] != index)
        is_complete = bool(call["is_complete"])
        witnesses.append(Witness(call["output_tokens"], is_complete, visible, growth, others, partial))
    return witnesses


def prompt_tokens(call: Row) -> int:
    """Return the length of a call's prompt."""
    return int(
        call["cache_read_tokens"]
        + call["cache_write_1h_tokens"]
        + call["cache_write_5m_tokens"]
        + call["uncached_input_tokens"]
    )


def _cuts(items: Sequence[Item], order: Sequence[int]) -> list[str | None]:
    cuts = []
    taken = 0
    for end in order:
        cuts.append(next((item.cut for item in reversed(items[taken:end]) if item.cut), None))
        taken = max(end, taken)
    return cuts


def _exact_lineages(
    thread: Thread, requests: Sequence[Request], cuts: Sequence[str | None], densities: Densities, log: RequestLog
) -> list[Lineage] | None:
    """Return the lineages of a thread whose prompts are all in the request log, or None where one is not."""
    places = {(item["uuid"], item["line_block_index"]): place for place, item in enumerate(thread.items)}
    read, walk = PromptWalk(log), ExactWalk(requests)
    prompt: list[Item] = []
    for index, call in enumerate(thread.calls):
        found = read.parts(call["request_ref"]) if call["request_ref"] else None
        if found is None:
            return None
        kept, parts = found
        del prompt[kept:]
        family = _family(thread.calls, index, densities)
        for part in parts[kept:]:
            place = places.get((part.uuid, part.block_index), -1) if part.uuid else -1
            size = thread.sizes[place] if place >= 0 else input_size(part.kind, None, None, part.text_bytes, family)
            kind = thread.items[place]["kind"] if place >= 0 else part.kind
            prompt.append(Item(place, kind, size, label=part.name))
        walk.extend(prompt, kept, index, cuts[index])
    return walk.lineages
