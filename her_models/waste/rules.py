"""Every kind of finding once: its label, how sure it is, its version, what to do about it.

What belongs here: what is said about a rule. What does not: the rule itself (the SQL models `int_waste_*`) and its
long form (docs/waste.md). A rule whose meaning changes gets a new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
    """One kind of finding. `precision` is measured on hand-labelled findings; null where nobody has looked yet."""

    kind: str
    confidence: Confidence
    version: str
    remedy: str
    precision: float | None = None

    @property
    def label(self) -> str:
        return self.kind.split(".")[0]

    @property
    def is_hint(self) -> bool:
        return self.precision is not None and self.precision < TRUSTED_PRECISION

    @property
    def rank(self) -> int:
        """Order in which the first match wins: by label, hints after all that count."""
        return int(self.label[1:]) + (_HINT_RANK if self.is_hint else 0)


RULES: dict[str, Rule] = {
    rule.kind: rule
    for rule in (
        Rule("C5.reread", "estimated", "1", "Use the copy that is still in the context instead of reading again."),
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
        {"rule_version": rule.version, "precision_ratio": rule.precision}
        | {name: getattr(rule, name) for name in ("kind", "label", "rank", "confidence", "remedy", "is_hint")}
        for rule in RULES.values()
    ]
    columns = {
        name: pa.array([row[name] for row in rows], types[column_type(name)]) for name in RULE_COLUMNS["waste_rules"]
    }
    con.register("waste_rules_arrow", pa.table(columns))
    con.execute("create or replace temp table waste_rules as select * from waste_rules_arrow")
    con.unregister("waste_rules_arrow")
