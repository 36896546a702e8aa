"""Which requests extend which, and the blocks of each prompt in order.

A *thread* is everything one session's main conversation, or one of its subagents, put into its context, in
order. A *lineage* is a run of its requests in which each prompt extends the one before; compaction, clear,
rewind and an unmarked collapse of the prompt begin a new one, a change of model does not. Within a lineage
a *segment* is a run in which no block changed its size: when thinking is dropped or results are cleared,
positions move, and a new segment begins.

Sizes come from exact growth: the next prompt minus this one is what the blocks between them take, to the
token. What estimates leave over is a block of its own, `hidden`, at the place where it appeared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np

from her_models.ledger.position import Ints, proportional
from her_models.ledger.sizes import Estimate

SYSTEM, HIDDEN = "system", "hidden"
_COLLAPSE = 0.6  # a prompt below this share of the one before, with no mark in the log, is a new lineage


@dataclass(slots=True)
class Item:
    """One block of a thread, before it has a size.

    `row` identifies it to the caller, -1 where no line shows it; `label` then names it. `request` is the thread's
    request that generated it, or -1. `parent` is the uuid of the nearest earlier line that carries a block; only
    prompts need it.
    """

    row: int
    kind: str
    size: Estimate
    request: int = -1
    uuid: str | None = None
    parent: str | None = None
    is_prompt: bool = False
    cut: str | None = None  # "compact" or "clear": the context begins anew with this block
    asks_compaction: bool = False  # it begins anew here if the prompt became shorter
    label: str = ""


@dataclass(slots=True)
class Request:
    """One response of a thread: the prompt's token classes, and what is known of its output."""

    cache_read: int
    cache_write_1h: int
    cache_write_5m: int
    uncached: int
    output: int
    thinking: int = 0
    is_output_reliable: bool = True
    is_owned: bool = True  # False: copied history, context but not cost

    @property
    def prompt(self) -> int:
        return self.cache_read + self.cache_write_1h + self.cache_write_5m + self.uncached

    @property
    def cached_end(self) -> int:
        return self.cache_read + self.cache_write_1h + self.cache_write_5m


@dataclass(slots=True)
class Placed:
    """A block in a lineage: an item's row, or -1 for one that no line shows."""

    row: int
    kind: str
    request: int  # first request whose prompt holds it
    size_class: str  # exact, estimated, residual
    low: int
    high: int
    label: str = ""


@dataclass(slots=True)
class Segment:
    """A run of requests over blocks that keep their sizes. `blocks` index into the lineage's `placed`."""

    blocks: list[int]
    sizes: list[int]
    requests: list[int] = field(default_factory=list)
    expected: list[int] = field(default_factory=list)
    persisting: list[int] = field(default_factory=list)  # tokens of the previous prompt that stand unchanged

    def sizes_array(self) -> Ints:
        return np.array(self.sizes, np.int64)


@dataclass(slots=True)
class Lineage:
    """Requests that extend each other. `cut` says why it began: start, compact, clear, rewind, collapse."""

    cut: str
    truth: str = "inferred"  # exact, snapshot or inferred: where order and content come from
    placed: list[Placed] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    shrinks: int = 0

    @property
    def requests(self) -> list[int]:
        return [request for segment in self.segments for request in segment.requests]


class _Walk:
    """Walks a thread once, request by request; the state is the layout of the last prompt."""

    def __init__(self, requests: Sequence[Request], prefix: Sequence[Item]) -> None:
        self.requests = requests
        self.lineages: list[Lineage] = []
        self.static = -1  # tokens of the static prefix, once measured in this thread
        self.known_prefix = prefix
        self.prefix: list[Placed] = []  # its blocks, the same ones however many lineages stand on them
        self.prefix_sizes: list[int] = []
        self.ends: dict[str, int] = {}  # uuid -> how many blocks of the layout stand once that line is in
        self.previous = -1

    @property
    def lineage(self) -> Lineage:
        return self.lineages[-1]

    @property
    def segment(self) -> Segment:
        return self.lineages[-1].segments[-1]

    def _hidden(self, request: int, size: int) -> None:
        if size > 0:
            self.segment.blocks.append(len(self.lineage.placed))
            self.segment.sizes.append(size)
            self.lineage.placed.append(Placed(-1, HIDDEN, request, "residual", size, size))

    def _measure_prefix(self, request: int) -> None:
        """Divide the static prefix over the parts that a snapshot names; without one it is a single block."""
        self.prefix, self.prefix_sizes = [], []
        if not self.known_prefix:
            if self.static:
                self.prefix.append(Placed(-1, SYSTEM, request, "residual", self.static, self.static))
                self.prefix_sizes.append(self.static)
            return
        wanted = [item.size.tokens for item in self.known_prefix]
        # The snapshot lists more tools than are sent, so that it may claim more than there is.
        shares = proportional(min(self.static, sum(wanted)), wanted)
        for item, size in zip(self.known_prefix, shares, strict=True):
            low, high = min(item.size.low, size), max(item.size.high, size)
            self.prefix.append(Placed(-1, item.kind, request, "estimated", low, high, item.label))
            self.prefix_sizes.append(size)
        rest = self.static - sum(self.prefix_sizes)
        if rest:
            self.prefix.append(Placed(-1, HIDDEN, request, "residual", rest, rest))
            self.prefix_sizes.append(rest)

    def _place_prefix(self) -> None:
        for placed, size in zip(self.prefix, self.prefix_sizes, strict=True):
            self.segment.blocks.append(len(self.lineage.placed))
            self.segment.sizes.append(size)
            self.lineage.placed.append(placed)

    def _fill(self, items: Sequence[Item], request: int, growth: int, most: int | None = None) -> None:
        """Divide `growth` tokens over the new blocks; what is left over becomes hidden.

        `most` bounds what a block may be, where it is not `growth`: behind a prefix that is itself an estimate.
        """
        most = growth if most is None else most
        wanted = self._wanted(items, growth)
        total = sum(wanted)
        if total > growth:
            wanted = proportional(growth, wanted)
            total = growth
        segment, placed = self.segment, self.lineage.placed
        rest = growth - total
        for place, (item, size) in enumerate(zip(items, wanted, strict=True)):
            _, low, high = item.size
            if place == len(items) - 1:
                high = max(high, size + rest)  # what is left over lies next to it, and may be part of it
            segment.blocks.append(len(placed))
            segment.sizes.append(size)
            high = max(min(high, most), size)
            placed.append(Placed(item.row, item.kind, request, "estimated", min(low, size), high))
            if item.uuid:
                self.ends[item.uuid] = len(segment.blocks)
        if len(items) == 1 and total == growth and self.segment.requests:  # growth alone binds it
            self.lineage.placed[-1].size_class = "exact"
        self._hidden(request, growth - total)

    def _wanted(self, items: Sequence[Item], growth: int) -> list[int]:
        """Return a size for each new block: what a response was billed binds its own blocks together."""
        wanted = [item.size.tokens for item in items]
        by_request: dict[int, list[int]] = {}
        for place, item in enumerate(items):
            if item.request >= 0:
                by_request.setdefault(item.request, []).append(place)
        for index, places in by_request.items():
            response = self.requests[index]
            if not response.is_output_reliable:
                continue
            weights = [max(wanted[place], 1) for place in places]
            kept = response.output
            if sum(wanted) - sum(weights) + kept > growth and response.thinking:
                kept = max(response.output - response.thinking, 0)  # thinking was not sent again
            for place, share in zip(places, proportional(kept, weights), strict=True):
                wanted[place] = share
        return wanted

    def _begin(self, cut: str, items: Sequence[Item], request: int) -> None:
        """Begin a lineage whose first prompt holds a static prefix and the visible `items`."""
        prompt = self.requests[request].prompt
        self.lineages.append(Lineage(cut, "snapshot" if self.known_prefix else "inferred"))
        self.lineage.segments.append(Segment([], []))
        self.ends.clear()
        visible = sum(item.size.tokens for item in items)
        if self.static < 0 or self.static > prompt:
            self.static = max(prompt - visible, 0)
            self._measure_prefix(request)
        self._place_prefix()
        self._fill(items, request, prompt - self.static, most=prompt)
        expected = 0
        if self.previous >= 0:  # the static prefix outlives a compaction; nothing else does
            expected = min(self.requests[self.previous].cached_end, self.static)
            # It was measured with reminders that no line shows; where something was read, that is where it ends.
            expected = min(expected, self.requests[request].cache_read or expected)
        self._append(request, expected, self.static if self.previous >= 0 else 0)

    def _append(self, request: int, expected: int, persisting: int) -> None:
        segment = self.segment
        segment.requests.append(request)
        segment.expected.append(expected)
        segment.persisting.append(persisting)
        self.previous = request

    def _branch(self, items: Sequence[Item], request: int) -> tuple[int, int] | None:
        """Return how many blocks of the layout stand before a rewound prompt, and its place in `items`."""
        for place, item in enumerate(items):
            if not (item.is_prompt and item.parent):
                continue
            end = self.ends.get(item.parent)
            if end is None:
                continue
            segment = self.segment
            dropped = [self.lineage.placed[block].kind for block in segment.blocks[end:]]
            dropped += [earlier.kind for earlier in items[:place]]
            if not any(kind in ("text", "tool_call", "thinking") for kind in dropped):
                continue
            kept = sum(segment.sizes[:end])
            # What was read beyond the branch point proves that the rest is still there.
            if self.requests[request].cache_read <= kept and self.requests[request].prompt >= kept:
                return end, place
        return None

    def _rewind(self, end: int) -> None:
        old, kept_lineage = self.segment, self.lineage
        placed = [kept_lineage.placed[block] for block in old.blocks[:end]]
        sizes = old.sizes[:end]
        self.lineages.append(Lineage("rewind", kept_lineage.truth, placed=list(placed)))
        self.lineage.segments.append(Segment(list(range(end)), sizes))
        self.ends = {uuid: at for uuid, at in self.ends.items() if at <= end}

    def _shrink(self, needed: int, incoming: int, request: int) -> int:
        """Take `needed` tokens out of the layout; return the first position that moved.

        What comes in needs room too: for its `incoming` tokens more thinking leaves, but none that stands in what
        was read from cache, which proves that it is still there.

        Thinking goes first (it is dropped when the next prompt comes), then what the log never showed,
        then the oldest tool results (the client clears those), then the rest from the end.
        """
        old = self.segment
        sizes = list(old.sizes)
        placed = [self.lineage.placed[block] for block in old.blocks]
        order = [k for k in reversed(range(len(sizes))) if placed[k].kind == "thinking"]
        order += [k for k in reversed(range(len(sizes))) if placed[k].kind == HIDDEN]
        order += [k for k in range(len(sizes)) if placed[k].kind == "tool_result"]
        order += [k for k in reversed(range(len(sizes))) if placed[k].kind not in ("thinking", HIDDEN, "tool_result")]
        first = len(sizes)
        starts = [0, *accumulate(sizes)]
        read_end = self.requests[request].cache_read
        for k in order:
            room = needed
            if placed[k].kind == "thinking" and starts[k] >= read_end:
                room += incoming
            if room <= 0:
                continue
            taken = min(sizes[k], room)
            if taken:
                sizes[k] -= taken
                incoming -= max(taken - needed, 0)
                needed -= min(taken, needed)
                first = min(first, k)
        moved = sum(old.sizes[:first])
        self.lineage.shrinks += 1
        self.lineage.segments.append(Segment(list(old.blocks), sizes))
        return moved

    def extend(self, items: Sequence[Item], request: int) -> None:
        """Add the blocks that came since the last request, and the request that saw them."""
        prompt = self.requests[request].prompt
        is_shorter = bool(self.lineages) and prompt < sum(self.segment.sizes)
        cuts = [place for place, item in enumerate(items) if item.cut or (item.asks_compaction and is_shorter)]
        if not self.lineages or cuts:
            first = cuts[-1] if cuts else 0
            self._begin(items[first].cut or "compact" if cuts else "start", items[first:], request)
            return
        previous = self.requests[self.previous]
        branch = self._branch(items, request)
        if branch is not None:
            self._rewind(branch[0])
            items = items[branch[1] :]
        standing = sum(self.segment.sizes)
        if branch is None and prompt < _COLLAPSE * standing:
            self._begin("collapse", [item for item in items if item.request < 0], request)
            return
        persisting = standing
        if prompt < standing:
            persisting = self._shrink(standing - prompt, sum(item.size.tokens for item in items), request)
            standing = sum(self.segment.sizes)
        self._fill(items, request, prompt - standing)
        self._append(request, min(previous.cached_end, persisting), persisting)


def lineages(
    items: Sequence[Item], requests: Sequence[Request], order: Sequence[int], prefix: Sequence[Item] = ()
) -> list[Lineage]:
    """Return the lineages of one thread.

    Args:
        items: the thread's blocks in order.
        requests: the thread's responses in order, copied ones included.
        order: for each request, how many items stood before its own first block.
        prefix: parts of the static prefix, where a snapshot in the log names them.

    Every request is in exactly one segment of one lineage, and the blocks of a segment reach exactly the end
    of its longest prompt.
    """
    walk = _Walk(requests, prefix)
    taken = 0
    for index in range(len(requests)):
        end = max(order[index], taken)
        walk.extend(items[taken:end], index)
        taken = end
    return walk.lineages


class ExactWalk:
    """Walks a thread whose prompts are known in full: identity decides what persists, growth decides sizes."""

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.lineages: list[Lineage] = []
        self.blocks_before: list[int] = []  # per part of the prompt, how many blocks of the layout stand before it

    def _fill(self, items: Sequence[Item], request: int, growth: int) -> None:
        """Give the new parts exactly `growth` tokens; nothing is hidden, so estimates are scaled to it."""
        lineage, segment = self.lineages[-1], self.lineages[-1].segments[-1]
        weights = [max(item.size.tokens, 0) for item in items]
        most = sum(item.size.high for item in items)
        filled = growth if items and growth <= most else min(growth, sum(weights))
        for item, size in zip(items, proportional(filled, weights), strict=True):
            self.blocks_before.append(len(segment.blocks))
            segment.blocks.append(len(lineage.placed))
            segment.sizes.append(size)
            low, high = min(item.size.low, size), max(item.size.high, size)
            lineage.placed.append(Placed(item.row, item.kind, request, "estimated", low, high, item.label))
        if growth > filled:
            segment.blocks.append(len(lineage.placed))
            segment.sizes.append(growth - filled)
            lineage.placed.append(Placed(-1, HIDDEN, request, "residual", growth - filled, growth - filled))

    def extend(self, items: Sequence[Item], taken: int, request: int, cut: str | None) -> None:
        """Add a request.

        Args:
            items: all parts of its prompt in order.
            taken: how many of them, in front, are those of the prompt before.
            cut: "compact" or "clear" where the log marks one before it.
        """
        prompt = self.requests[request].prompt
        if not self.lineages:
            self.lineages.append(Lineage("start", "exact", segments=[Segment([], [])]))
            self._fill(items, request, prompt)
            self._append(request, 0, 0)
            return
        old = self.lineages[-1]
        segment = old.segments[-1]
        kept = self.blocks_before[taken] if taken < len(self.blocks_before) else len(segment.blocks)
        standing = sum(segment.sizes[:kept])
        if standing > prompt:  # the rebuilt prompt is shorter than its parts were measured: begin anew
            kept = taken = standing = 0
        if kept < len(segment.blocks):
            in_messages = any(old.placed[block].row >= 0 for block in segment.blocks[:kept])
            name = cut or ("rewind" if in_messages else "compact" if request else "start")
            placed = [old.placed[block] for block in segment.blocks[:kept]]
            fresh = Segment(list(range(kept)), segment.sizes[:kept])
            self.lineages.append(Lineage(name, "exact", placed=placed, segments=[fresh]))
        del self.blocks_before[taken:]
        previous = self.requests[request - 1]
        self._fill(items[taken:], request, prompt - standing)
        self._append(request, min(previous.cached_end, standing), standing)

    def _append(self, request: int, expected: int, persisting: int) -> None:
        segment = self.lineages[-1].segments[-1]
        segment.requests.append(request)
        segment.expected.append(expected)
        segment.persisting.append(persisting)
