"""What is true of generated sessions: what each request was billed, how large each block is, what was wasted.

What belongs here: the records that a generator fills and a test compares. No rule is decided here.
Times are milliseconds since 1970-01-01 UTC, sizes are tokens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RequestTruth:
    """One billed response. `output_tokens` is what was billed, `logged_output_tokens` the most any line says."""

    source_id: str
    session_id: str
    agent_id: str | None
    message_id: str
    model: str
    started_ms: int
    uncached_input_tokens: int
    cache_write_5m_tokens: int
    cache_write_1h_tokens: int
    cache_read_tokens: int
    output_tokens: int
    logged_output_tokens: int
    expected_read_tokens: int  # what the prompt before left in the cache and this one still begins with
    miss_cause: str | None  # K1 to K5 with the cause behind a dot; null where nothing was missed
    changed_tokens: int  # in the midst of what was missed: text that took the place of another
    is_output_floor: bool
    is_priced: bool

    @property
    def prompt_tokens(self) -> int:
        return (
            self.uncached_input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )

    @property
    def missed_tokens(self) -> int:
        return max(0, self.expected_read_tokens - self.cache_read_tokens)


@dataclass
class BlockTruth:
    """One piece of a prompt: its exact size, and the first and last request of its thread that carried it."""

    session_id: str
    agent_id: str | None
    kind: str  # static, context, prompt, thinking, text, tool_use, tool_result, attachment, summary, image
    reference: str  # tool_use id, else uuid of the line, else a name
    tokens: int
    first_message_id: str | None = None  # null while no request has carried it
    last_message_id: str | None = None
    carried_count: int = 0


@dataclass(frozen=True)
class Planted:
    """One thing that a detector should find.

    `tokens` counts the wasted tokens once, where they enter the prompt (for C12: the output that a diff would
    have spared); `call_tokens` what the model wrote to ask for it. Carry is in the blocks: `BlockTruth.carried_count`.
    """

    label: str  # C2 to C14, with the kind behind a dot
    session_id: str
    agent_id: str | None
    message_id: str | None  # response that did it
    reference: str  # tool_use id, else uuid of the line
    tokens: int
    call_tokens: int = 0
    evidence: str | None = None  # tool_use id or uuid of the other side
    note: str = ""


@dataclass(frozen=True)
class Decoy:
    """Something that looks like waste of kind `label` and is not."""

    label: str
    session_id: str
    agent_id: str | None
    reference: str
    why: str


@dataclass(frozen=True)
class Totals:
    """Sums over requests. `billed_output_tokens` is at least `output_tokens`, which is what the logs say."""

    requests_count: int = 0
    uncached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0
    billed_output_tokens: int = 0


def totals(requests: Iterable[RequestTruth]) -> Totals:
    rows = list(requests)
    return Totals(
        len(rows),
        sum(r.uncached_input_tokens for r in rows),
        sum(r.cache_write_5m_tokens for r in rows),
        sum(r.cache_write_1h_tokens for r in rows),
        sum(r.cache_read_tokens for r in rows),
        sum(r.logged_output_tokens for r in rows),
        sum(r.output_tokens for r in rows),
    )


@dataclass
class DemoTruth:
    """Everything that is true of one generated folder."""

    requests: list[RequestTruth] = field(default_factory=list)
    blocks: list[BlockTruth] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    decoys: list[Decoy] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)  # session id -> source id
    inherited: dict[str, int] = field(default_factory=dict)  # session id -> responses copied there from elsewhere
    compactions: dict[str, int] = field(default_factory=dict)  # session id -> compactions in it
    secrets: list[str] = field(default_factory=list)  # invented; must be nowhere in the lake
    lines_count: int = 0
    refused_count: int = 0
    files_count: int = 0
    bytes_count: int = 0

    @property
    def totals(self) -> Totals:
        return totals(self.requests)

    def totals_by_source(self) -> dict[str, Totals]:
        return self._totals_by("source_id")

    def totals_by_session(self) -> dict[str, Totals]:
        """Sessions that paid for nothing are left out."""
        return self._totals_by("session_id")

    def _totals_by(self, name: str) -> dict[str, Totals]:
        groups: dict[str, list[RequestTruth]] = defaultdict(list)
        for request in self.requests:
            groups[getattr(request, name)].append(request)
        return {key: totals(rows) for key, rows in groups.items()}
