"""Where every block stood in every prompt, and at which prices: what the walk found, for whoever goes on from it.

What belongs here: the layout as a value, and questions that are answered by positions. What does not: reading rows
(`reading`), money (`position`), the ledger's own tables (`build`).

All segments of all threads are laid end to end on one line of tokens. A *place* is one call on it: its prompt is the
interval `[base, base + prompt_tokens)`. An *entry* is one block in one segment: the interval `[start, start + size)`. A
call's prompt holds exactly the entries of its segment that begin before its end. Copied history has places too: it
is context there, and costs nothing (`is_owned` of its call).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from her_models.ledger.expected import Touches, before, shared_prefixes
from her_models.ledger.lineage import Lineage, Placed, Segment
from her_models.ledger.misses import Before
from her_models.ledger.position import Ints, Prices, Prompts, proportional
from her_models.ledger.thread import Row, Thread, prompt_tokens


@dataclass(slots=True)
class Block:
    """One block of the ledger: an item of a thread, or one that no line shows (`item` -1).

    `first` and `last` are calls of the thread, the first and the last whose prompt holds it; -1 where none does. What
    has no tokens is held by none, though `first` says where it would have stood.
    Output is what the block was billed as when the model wrote it: logged, and, beside it, what the log lost.
    """

    thread: int
    item: int
    kind: str
    lineage: int  # -1: it was written, and never stood in a prompt
    placed: Placed | None = None
    size: int = 0  # tokens, in the first segment it stands in
    first: int = -1
    last: int = -1
    carried: int = 0  # prompts that hold it
    written_by: int = -1  # call whose output it is part of
    output: int = 0
    output_content: int = 0  # picodollars at the standard rate
    output_premium: int = 0
    unlogged: int = 0
    unlogged_content: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """One call on the common line: where its prompt begins, and what of it should have been read from cache."""

    thread: int
    call: int
    lineage: int
    segment: int
    base: int
    expected: int
    persisting: int  # tokens of the previous prompt that stand unchanged
    is_moved: bool  # the first prompt of a segment that is not its lineage's first


@dataclass(frozen=True, slots=True)
class Stretch:
    """One segment on the common line: a run of calls over blocks that keep their sizes."""

    thread: int
    lineage: int
    base: int
    entries: range  # into `Layout.entry_blocks`, in the order of the prompt
    places: range  # into `Layout.places`, in the order of the calls


@dataclass(frozen=True, slots=True)
class Presence:
    """One block in one prompt: tokens `[low, high)` counted from the beginning of that prompt."""

    place: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one block was billed as in one call's output: logged tokens, and those the log lost."""

    block: int
    tokens: int
    unlogged: int


class Layout:
    """The walk over some threads, laid end to end. Build it with `Layout(threads)`; nothing of it changes afterwards.

    threads       calls and items (rows of `int_ledger_calls`, `int_ledger_items`), sizes, recovered outputs, lineages
    blocks        every block once, however many segments it stands in; `block_of` finds that of an item
    segments      runs of calls over unmoved blocks
    places        every call once, copied ones included, in the order of the line; `place_of` finds it
    entry_blocks, entry_sizes, entry_starts
                  one element per entry: block, tokens, position on the common line
    shares        per thread and call, how the output divides over the blocks it wrote
    shared        per place, a prefix that another thread of the session had proven to be shared and warm
    """

    def __init__(self, threads: Sequence[Thread]) -> None:
        self.threads = threads
        self.blocks: list[Block] = []
        self.segments: list[Stretch] = []
        self.places: list[Place] = []
        self._by_item: list[dict[int, int]] = [{} for _ in threads]
        self._entry_blocks: list[int] = []
        self._entry_sizes: list[int] = []
        self._position = 0
        for number, thread in enumerate(threads):
            hidden: dict[int, int] = {}
            for index, lineage in enumerate(thread.lineages):
                blocks = [self._block(number, index, placed, hidden) for placed in lineage.placed]
                for order, segment in enumerate(lineage.segments):
                    self._lay(number, index, segment, blocks, is_moved=order > 0)
        self.shares = [self._shares(number) for number in range(len(threads))]
        self.entry_blocks: Ints = np.array(self._entry_blocks, np.int64)
        self.entry_sizes: Ints = np.array(self._entry_sizes, np.int64)
        self._place_of = {(place.thread, place.call): number for number, place in enumerate(self.places)}
        self.shared = shared_prefixes([thread.calls for thread in threads], self.place_of)

    # -- finding things

    def block_of(self, thread: int, item: int) -> int | None:
        """Return the block of a thread's item; none for what was never sent and never billed."""
        return self._by_item[thread].get(item)

    def place_of(self, thread: int, call: int) -> int | None:
        """Return where a thread's call stands."""
        return self._place_of.get((thread, call))

    def call(self, place: int) -> Row:
        """Return the row of the call at a place."""
        at = self.places[place]
        return self.threads[at.thread].calls[at.call]

    @cached_property
    def calls(self) -> list[Row]:
        """Return the row of the call at each place."""
        return [self.call(place) for place in range(len(self.places))]

    @cached_property
    def entry_starts(self) -> Ints:
        """Return where each entry begins on the common line."""
        ends: Ints = np.cumsum(self.entry_sizes, dtype=np.int64)
        return ends - self.entry_sizes

    @cached_property
    def entry_segments(self) -> Ints:
        """Return the segment of each entry."""
        return np.repeat(np.arange(len(self.segments)), [len(segment.entries) for segment in self.segments])

    @cached_property
    def _entries_by_block(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.entry_blocks, kind="stable")
        return order, np.searchsorted(self.entry_blocks[order], np.arange(len(self.blocks) + 1))

    def entries_of(self, block: int) -> list[int]:
        """Return the entries of a block, one for each segment it stands in, in order."""
        order, edges = self._entries_by_block
        found: list[int] = order[edges[block] : edges[block + 1]].tolist()
        return found

    def presence(self, block: int) -> Iterator[Presence]:
        """Yield the prompts that hold a block, and where it stands in each. One row of a matrix that is never made."""
        for entry in self.entries_of(block):
            segment = self.segments[int(self.entry_segments[entry])]
            low = int(self.entry_starts[entry]) - segment.base
            high = low + int(self.entry_sizes[entry])
            for place in segment.places:
                end = min(high, prompt_tokens(self.call(place)))
                if low < end:
                    yield Presence(place, low, end)

    @cached_property
    def _touches(self) -> Touches:
        return Touches([thread.calls for thread in self.threads])

    def before(self, place: int) -> Before | None:
        """Return what is known of a call that missed the cache; None when it did not, or began a thread."""
        at = self.places[place]
        if not at.call or at.expected <= self.call(place)["cache_read_tokens"]:
            return None
        thread = self.threads[at.thread]
        return before(
            thread.calls,
            at.call,
            at.expected,
            is_moved=at.is_moved,
            touched_seconds=self._touches.latest_seconds(at.thread, at.call, at.expected),
            static_tokens=static_tokens(thread.lineages[at.lineage]),
            new_blocks_count=thread.order[at.call] - thread.order[at.call - 1],
        )

    # -- prices

    @cached_property
    def owned(self) -> Ints:
        """Return per place 1 where this session paid for the call, 0 for copied history."""
        return np.array([bool(call["is_owned"]) for call in self.calls], np.int64)

    @cached_property
    def expected(self) -> Ints:
        """Return per place the end of what should have been read from cache, never less than what was."""
        expected = [self.shared.get(number, place.expected) for number, place in enumerate(self.places)]
        return np.array(expected, np.int64)

    @cached_property
    def prompts(self) -> Prompts:
        """Return the prompts as `position` reads them. Copied history has neither tokens nor prices: others paid."""
        read = self.column("cache_read_tokens")
        return Prompts(
            read * self.owned,
            self.column("cache_write_1h_tokens") * self.owned,
            self.column("cache_write_5m_tokens") * self.owned,
            self.column("uncached_input_tokens") * self.owned,
            np.maximum(self.expected, read) * self.owned,
            self._prices(""),
            self._prices("standard_"),
            np.array([place.base for place in self.places], np.int64),
        )

    def column(self, name: str) -> Ints:
        """Return a column of the calls' rows, place by place, null as 0."""
        return np.array([call[name] or 0 for call in self.calls], np.int64)

    def _prices(self, prefix: str) -> Prices:
        return Prices(
            self.column(f"{prefix}cache_read_picodollars") * self.owned,
            self.column(f"{prefix}cache_write_1h_picodollars") * self.owned,
            self.column(f"{prefix}cache_write_5m_picodollars") * self.owned,
            self.column(f"{prefix}input_picodollars") * self.owned,
        )

    # -- laying

    def _block(self, thread: int, lineage: int, placed: Placed, hidden: dict[int, int]) -> int:
        known = self._by_item[thread].get(placed.row) if placed.row >= 0 else hidden.get(id(placed))
        if known is not None:
            return known
        block = self._add(Block(thread, placed.row, placed.kind, lineage, placed))
        if placed.row < 0:
            hidden[id(placed)] = block
        return block

    def _add(self, block: Block) -> int:
        self.blocks.append(block)
        if block.item >= 0:
            self._by_item[block.thread][block.item] = len(self.blocks) - 1
        return len(self.blocks) - 1

    def _lay(self, number: int, index: int, segment: Segment, blocks: Sequence[int], *, is_moved: bool) -> None:
        if not segment.requests:
            return
        calls = self.threads[number].calls
        ends = [prompt_tokens(calls[call]) for call in segment.requests]
        first_entry, first_place = len(self._entry_blocks), len(self.places)
        position = pointer = 0
        for placed, size in zip(segment.blocks, segment.sizes, strict=True):
            position += size
            while pointer < len(ends) and ends[pointer] < position:
                pointer += 1
            block = self.blocks[blocks[placed]]
            self._entry_blocks.append(blocks[placed])
            self._entry_sizes.append(size)
            if pointer == len(ends):
                continue
            if block.first < 0:
                block.first, block.size = segment.requests[pointer], size
            if size:  # thinking that was dropped keeps its entry, and is carried no further
                block.carried += len(ends) - pointer
                block.last = segment.requests[-1]
        for place, call in enumerate(segment.requests):
            expected = min(segment.expected[place], ends[place])
            self.places.append(
                Place(
                    number,
                    call,
                    index,
                    len(self.segments),
                    self._position,
                    expected,
                    segment.persisting[place],
                    is_moved and place == 0,
                )
            )
        self.segments.append(
            Stretch(
                number,
                index,
                self._position,
                range(first_entry, len(self._entry_blocks)),
                range(first_place, len(self.places)),
            )
        )
        self._position += position

    def _shares(self, number: int) -> list[list[Share]]:
        """Charge each own call's output to the blocks it wrote, by their likely sizes."""
        thread = self.threads[number]
        shares: list[list[Share]] = []
        for index, call in enumerate(thread.calls):
            shares.append([])
            unlogged = max(thread.outputs[index].tokens - call["output_tokens"], 0)
            items = thread.written[index]
            if not call["is_owned"] or not (items or call["output_tokens"] or unlogged):
                continue
            blocks = [self._written(number, item) for item in items]
            if not items:
                blocks = [self._add(Block(number, -1, "hidden", -1, first=index))]
            weights = [max(thread.sizes[item].tokens, 1) for item in items] or [1]
            standard, actual = call["standard_output_picodollars"] or 0, call["output_picodollars"] or 0
            logged_shares = proportional(call["output_tokens"], weights)
            unlogged_shares = proportional(unlogged, weights)
            for block, logged, more in zip(blocks, logged_shares, unlogged_shares, strict=True):
                entry = self.blocks[block]
                entry.written_by = index
                entry.output += logged
                entry.output_content += logged * standard
                entry.output_premium += logged * (actual - standard)
                entry.unlogged += more
                entry.unlogged_content += more * actual
                shares[-1].append(Share(block, logged, more))
        return shares

    def _written(self, number: int, item: int) -> int:
        known = self._by_item[number].get(item)
        if known is not None:
            return known
        return self._add(Block(number, item, self.threads[number].items[item]["kind"], -1))


def static_tokens(lineage: Lineage) -> int:
    """Return the tokens of system prompt and tools in the lineage's first layout."""
    segment = lineage.segments[0]
    return sum(
        size
        for block, size in zip(segment.blocks, segment.sizes, strict=True)
        if lineage.placed[block].kind in ("system", "tool_schema")
    )
