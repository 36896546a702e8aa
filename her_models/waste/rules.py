"""Every kind of finding once: its label, how sure it is, its version, what to do about it.

What belongs here: what is said about a rule. What does not: the rule itself (the SQL models `int_waste_*`) and its
long form (docs/waste.md). A rule whose meaning changes gets a new version.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from her_models.waste.tables import RULE_COLUMNS, column_type

if TYPE_CHECKING:
    import duckdb

    from her_models.ledger.layout import Layout

Confidence = Literal["exact", "estimated", "heuristic"]

LABELS = ("S", "H", "N", *(f"C{number}" for number in range(1, 15)))
"""Content labels: useful, overhead, unexplained, then waste in the order in which the first match wins."""

OVERHEAD_KINDS = frozenset({"system", "tool_schema", "memory", "listing", "reminder", "compact_summary"})
UNEXPLAINED_KINDS = frozenset({"hidden"})

_HINT_RANK = 100
TRUSTED_PRECISION = 0.8
"""A rule whose measured precision is lower is shown as a hint and counts in no total."""


@dataclass(frozen=True)
class Rule:
    """One kind of finding.

    `spread` is how far the share of a block that the rule claims may be off, relative to it, beside what the block's
    own size may be off. `is_unproven` is a rule that no session at hand lets one judge: a hint until one does.
    """

    kind: str
    confidence: Confidence
    version: str
    remedy: str
    spread: float = 0.0
    is_unproven: bool = False

    @property
    def precision(self) -> float | None:
        """Share of right findings among those read by hand; None where this version of the rule has no sample."""
        ratio: float | None = self._sample.get("ratio")
        return ratio

    @property
    def judged_count(self) -> int:
        """How many findings of this version of the rule were read by hand."""
        return int(self._sample.get("judged", 0))

    @property
    def judged_sessions(self) -> frozenset[str]:
        """Sessions that those findings come from, by the beginnings of their ids: many of one session prove little."""
        return frozenset(self._sample.get("sessions", ()))

    @property
    def _sample(self) -> dict[str, Any]:
        found = _precision().get(self.kind, {})
        return found if found.get("version") == self.version else {}

    @property
    def label(self) -> str:
        return self.kind.split(".")[0]

    @property
    def is_hint(self) -> bool:
        return self.is_unproven if self.precision is None else self.precision < TRUSTED_PRECISION

    @property
    def rank(self) -> int:
        """Order in which the first match wins: by label, hints after all that count."""
        return int(self.label[1:]) + (_HINT_RANK if self.is_hint else 0)


@cache
def _precision() -> dict[str, dict[str, Any]]:
    """Return what `precision.toml` holds; it is written by bench/labels.py."""
    path = Path(__file__).parent / "precision.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


RULES: dict[str, Rule] = {
    rule.kind: rule
    for rule in (
        Rule("C1.discarded", "exact", "1", "Nothing to do: a stream broke. Many of them: look at network and proxy."),
        Rule(
            "C2.interrupted",
            "estimated",
            "1",
            "Say what you want before the answer starts; plan mode shows the way first.",
        ),
        Rule(
            "C2.rejected",
            "estimated",
            "1",
            "Say in CLAUDE.md or a permission rule what must not be done without asking.",
        ),
        Rule(
            "C2.rewound", "exact", "1", "Try the way in plan mode first: a plan is cheaper to turn down than its work."
        ),
        Rule("C2.reverted", "heuristic", "1", "Ask for a plan before changes of this kind."),
        Rule(
            "C3.noop", "heuristic", "1", "Do not wake the model for this: wait in the foreground, or turn notices off."
        ),
        Rule("C4.schema", "estimated", "1", "Name the parameters of the tool in the instructions, or mend its schema."),
        Rule("C4.unknown_tool", "estimated", "1", "Do not mention tools that are not there; check the server's name."),
        Rule("C4.not_found", "estimated", "1", "Copy the text to replace from a read of the file as it is now."),
        Rule("C4.unread", "estimated", "1", "Read a file before changing it, and again after a formatter ran."),
        Rule("C4.cancelled", "estimated", "1", "Do not put a call that may fail beside others."),
        Rule("C4.denied", "estimated", "2", "Allow the command in the permissions, or say in CLAUDE.md what to use."),
        Rule(
            "C4.timeout", "estimated", "2", "Give long commands a timeout of their own, or run them in the background."
        ),
        Rule(
            "C4.repeat",
            "estimated",
            "3",
            "Change something before trying again: the same call failed the same way.",
        ),
        Rule("C4.unapproved", "estimated", "1", "Write a permission rule that allows the call, or denies it for good."),
        Rule("C5.reread", "estimated", "3", "Use the copy that is still in the context instead of reading again."),
        Rule(
            "C5.stub", "estimated", "1", "Use the copy that is still in the context; the client said it is unchanged."
        ),
        Rule("C6.exact", "estimated", "3", "Do not ask again while nothing has changed; the answer is in the context."),
        Rule("C6.poll", "estimated", "3", "Wait for the event, or let one command wait and report, instead of asking."),
        Rule("C6.near", "heuristic", "3", "Ask for what is new only: a filter, a tail, or a difference."),
        Rule("C7.reacquired", "estimated", "3", "Say in the compaction what must be kept, or compact at a boundary."),
        Rule("C8.parent", "estimated", "3", "Give the subagent what the main conversation has already read."),
        Rule(
            "C8.sibling",
            "estimated",
            "3",
            "Let one subagent read, or hand its finding to the next.",
            is_unproven=True,
        ),
        Rule("C9.injection", "estimated", "4", "Have the hook or client send it once, or only what changed."),
        Rule(
            "C9.in_result",
            "estimated",
            "1",
            "Nothing to do here: the client adds it, no setting ends it, and logs from 2.1.42 on do not show it.",
            spread=0.3,  # by bytes: prose has up to 30 % fewer tokens per byte than the numbered lines before it
        ),
        Rule("C10.tool", "estimated", "1", "Defer the tool (tool search), deny it, or disconnect its MCP server here."),
        Rule("C10.server", "estimated", "1", "Disconnect the MCP server in projects that do not use it."),
        Rule(
            "C10.skill",
            "heuristic",
            "1",
            "Disable skills that this project does not use, or shorten their descriptions.",
        ),
        Rule(
            "C10.memory",
            "heuristic",
            "1",
            "Move what this project seldom needs out of the memory file: into a skill, or a file that it names.",
            is_unproven=True,
        ),
        Rule(
            "C11.oversize",
            "heuristic",
            "1",
            "Ask for less: filter, head, a line range, or a quieter option of the command.",
        ),
        Rule("C12.rewrite", "estimated", "1", "Have it edit instead of writing the whole file again.", spread=0.1),
        Rule("C12.quote", "heuristic", "1", "Have it name file and lines instead of repeating them."),
        Rule("C13.never", "heuristic", "1", "Read it in a subagent that returns the answer, or clear it afterwards."),
        Rule("C13.expired", "heuristic", "1", "Begin a new session, or /compact, once a part of the work is done."),
        Rule(
            "C14.thrash",
            "estimated",
            "1",
            "Use /clear between tasks, or keep large outputs out, so that compaction holds.",
        ),
        Rule("C14.unused", "heuristic", "2", "Use /clear instead of /compact when the work is done."),
    )
}


def unclaimed_label(kind: str) -> str:
    """Return the label of a block of this kind that no rule claims."""
    if kind in UNEXPLAINED_KINDS:
        return "N"
    return "H" if kind in OVERHEAD_KINDS else "S"


def labels_of_ranks() -> list[int]:
    """Return, by rank, the index in `LABELS` that a claim gives, or -1 for hints, which leave labels as they are."""
    return [
        LABELS.index(f"C{rank}") if 1 <= rank < _HINT_RANK and f"C{rank}" in LABELS else -1
        for rank in range(2 * _HINT_RANK)
    ]


def build(con: duckdb.DuckDBPyConnection, _: Layout) -> None:
    """Build `waste_rules` on `con` as a temporary table."""
    import pyarrow as pa

    types = {"string": pa.string(), "double": pa.float64(), "bool": pa.bool_(), "int64": pa.int64()}
    rows = [
        {"rule_version": rule.version, "precision_ratio": rule.precision, "spread_ratio": rule.spread}
        | {name: getattr(rule, name) for name in ("kind", "label", "rank", "confidence", "remedy", "is_hint")}
        for rule in RULES.values()
    ]
    columns = {
        name: pa.array([row[name] for row in rows], types[column_type(name)]) for name in RULE_COLUMNS["waste_rules"]
    }
    con.register("waste_rules_arrow", pa.table(columns))
    con.execute("create or replace temp table waste_rules as select * from waste_rules_arrow")
    con.unregister("waste_rules_arrow")
