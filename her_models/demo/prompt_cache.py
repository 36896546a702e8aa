"""A prompt as a list of blocks, and the cache that remembers prefixes of it for a while.

The rules are those of the API: a prefix is remembered at its breakpoints (here: the end of the tools, the end of
the system prompt, the end of the conversation so far), for five minutes or an hour after it was last used, for one
model, and is readable once the response that wrote it has begun. What is read is the longest prefix still
remembered; what follows up to the last breakpoint is written; a few tokens behind it are billed at the input price.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from her_models.demo.truth import BlockTruth

TAIL_TOKENS = 3  # opens the answer: behind the last breakpoint of every prompt
MINUTE_MS = 60_000
TTL_MS = {"5m": 5 * MINUTE_MS, "1h": 60 * MINUTE_MS}
FIRST_TOKEN_MS = 900  # from the request to the beginning of its answer


@dataclass
class Block:
    """`key` says which bytes these are: equal keys in equal places are one prefix."""

    key: str
    truth: BlockTruth

    @property
    def tokens(self) -> int:
        return self.truth.tokens


@dataclass
class _Entry:
    ttl_ms: int
    readable_ms: int
    touched_ms: int
    short_tokens: int  # of the last block that stand behind the breakpoint

    def is_alive(self, now_ms: int) -> bool:
        return self.readable_ms <= now_ms <= self.touched_ms + self.ttl_ms


@dataclass(frozen=True)
class Sent:
    """How one prompt was billed, and why it missed what it missed."""

    read_tokens: int
    written_tokens: int
    expected_read_tokens: int
    miss_cause: str | None
    changed_tokens: int
    tail_tokens: int  # billed at the input price


class PromptCache:
    """The cache of one organisation."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, bytes], _Entry] = {}

    def find(self, model: str, chain: bytes, now_ms: int) -> str:
        """Return `alive`, `expired`, `early` (its answer has not begun) or `absent`."""
        entry = self._entries.get((model, chain))
        if entry is None:
            return "absent"
        if entry.readable_ms > now_ms:
            return "early"
        return "alive" if entry.is_alive(now_ms) else "expired"

    def touch(self, model: str, chain: bytes, now_ms: int) -> None:
        entry = self._entries.get((model, chain))
        if entry is not None and entry.is_alive(now_ms):
            entry.touched_ms = now_ms

    def write(self, model: str, chain: bytes, ttl: str, now_ms: int, short_tokens: int = 0) -> None:
        self._entries[model, chain] = _Entry(TTL_MS[ttl], now_ms + FIRST_TOKEN_MS, now_ms, short_tokens)

    def short_tokens(self, model: str, chain: bytes) -> int:
        """Return how many tokens before the end of its last block an entry ends."""
        entry = self._entries.get((model, chain))
        return entry.short_tokens if entry is not None else 0

    def evict(self, model: str, chain: bytes) -> None:
        self._entries.pop((model, chain), None)


@dataclass
class Thread:
    """One conversation: the prompt so far, and what its last request left in the cache."""

    cache: PromptCache
    ttl: str
    tail_tokens: int | None = None
    """Last tokens of the last block that stand behind the breakpoint, -1 for all of it; null for a tail of its own."""
    ratio: float = 1.0  # tokens of the model in use to those of the blocks
    blocks: list[Block] = field(default_factory=list)
    _chains: list[bytes] = field(default_factory=list)
    _marks: set[int] = field(default_factory=set)  # breakpoints: numbers of blocks before them
    _before: list[Block] = field(default_factory=list)  # cached blocks of the last request
    _before_model: str = ""
    _before_chain: bytes = b""
    _before_tail: int = 0
    _evicted: bool = False

    def append(self, block: Block, *, mark: bool = False) -> None:
        before = self._chains[-1] if self._chains else b""
        self._chains.append(hashlib.blake2b(before + block.key.encode(), digest_size=16).digest())
        self.blocks.append(block)
        if mark:
            self._marks.add(len(self.blocks))

    def cut(self, length: int) -> list[Block]:
        """Forget all blocks behind the first `length`; return them."""
        gone = self.blocks[length:]
        del self.blocks[length:], self._chains[length:]
        self._marks = {mark for mark in self._marks if mark <= length}
        return gone

    def replace(self, index: int, block: Block) -> None:
        """Put another block in the place of one: every prefix from there on is a new one."""
        rest = self.blocks[index + 1 :]
        marks = set(self._marks)
        self.cut(index)
        self.append(block)
        for other in rest:
            self.append(other)
        self._marks = marks

    def evict(self, keep: int) -> None:
        """Let the server forget every prefix longer than `keep` blocks."""
        for chain in self._chains[keep:]:
            self.cache.evict(self._before_model, chain)
        self._evicted = True

    def fork(self) -> Thread:
        """Return the same conversation, to be carried on elsewhere."""
        return Thread(
            self.cache,
            self.ttl,
            self.tail_tokens,
            self.ratio,
            list(self.blocks),
            list(self._chains),
            set(self._marks),
            list(self._before),
            self._before_model,
            self._before_chain,
            self._before_tail,
        )

    def size(self, block: Block) -> int:
        """Return how many tokens a block takes with the model in use."""
        return block.tokens if self.ratio == 1.0 else max(1, round(block.tokens * self.ratio))

    @property
    def tokens(self) -> int:
        return sum(self.size(block) for block in self.blocks)

    def _tail(self) -> int:
        if self.tail_tokens is None:
            return 0
        last = self.size(self.blocks[-1])
        return last if self.tail_tokens < 0 else min(self.tail_tokens, last - 1)

    def send(self, model: str, now_ms: int, *, resumed: bool = False) -> Sent:
        """Bill the prompt as it stands and remember it."""
        sizes = [0]
        for block in self.blocks:
            sizes.append(sizes[-1] + self.size(block))
        tail = self._tail()
        hit = next(
            (
                n
                for n in range(len(self.blocks), 0, -1)
                if self.cache.find(model, self._chains[n - 1], now_ms) == "alive"
            ),
            0,
        )
        read = sizes[hit] - (self.cache.short_tokens(model, self._chains[hit - 1]) if hit else 0)
        expected, cause, changed = self._missed(model, now_ms, read, sizes[hit], hit, resumed)
        for chain in self._chains[:hit]:
            self.cache.touch(model, chain, now_ms)
        for mark in sorted({*self._marks, len(self.blocks)}):
            if mark > hit:
                self.cache.write(
                    model, self._chains[mark - 1], self.ttl, now_ms, tail if mark == len(self.blocks) else 0
                )
        self._before, self._before_model, self._evicted = list(self.blocks), model, False
        self._before_chain, self._before_tail = self._chains[-1], tail
        billed_tail = TAIL_TOKENS if self.tail_tokens is None else tail
        return Sent(read, sizes[-1] - read - tail, expected, cause, changed, billed_tail)

    def _missed(
        self, model: str, now_ms: int, read: int, hit_end: int, hit: int, resumed: bool
    ) -> tuple[int, str | None, int]:
        """Return how much of the last cached prompt still stands here, why it was not read, and what changed."""
        if not self._before:
            return read, None, 0
        # Identity, not place: a system prompt that changed is no expectation, what follows it is.
        standing = {id(block) for block in self._before}
        kept = [n for n, block in enumerate(self.blocks) if id(block) in standing]
        missed = sum(self.size(self.blocks[n]) for n in kept if n >= hit)
        if not missed:
            return read, None, 0
        missed += hit_end - read  # of the block at which the read stopped
        if self.blocks[kept[-1]] is self._before[-1]:
            missed -= self._before_tail
        if self.cache.find(self._before_model, self._before_chain, now_ms) == "expired":
            cause = "K1.expired"
        elif resumed:
            cause = "K3.resume"
        elif self._before_model != model:
            cause = "K2.model"
        elif self._evicted:
            cause = "K5.evicted"
        else:  # a compaction or a rewind can leave a place where no breakpoint ever stood
            cause = "K5.breakpoint" if 0 in kept else "K2.tools"
        changed = sum(self.size(block) for block in self.blocks[: kept[-1]] if id(block) not in standing)
        return read + missed, cause, changed
