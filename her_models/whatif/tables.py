"""Names, columns and grains of the table that `whatif` makes; nothing is imported, so that headers stay cheap."""

from __future__ import annotations

WHATIF_READS = (
    *("int_waste_targets", "int_waste_findings", "int_waste_sections", "waste_rules"),
    *("int_calls", "int_ledger_slots", "prices", "ledger_blocks"),
)
WHATIF_GRAINS = {"whatif_rows": "one row per session and policy that would change something in it"}
WHATIF_COLUMNS: dict[str, tuple[str, ...]] = {
    "whatif_rows": (
        "source_id",
        "session_id",
        "policy",
        "policy_index",
        "family",
        "label",
        "parameters",
        "confidence",
        "is_identity",
        "billed_picodollars",
        "replay_picodollars",
        "gross_picodollars",
        "net_picodollars",
        "low_picodollars",
        "high_picodollars",
        "note",
    ),
}
_TEXTS = frozenset({"source_id", "session_id", "policy", "family", "label", "parameters", "confidence", "note"})


def column_type(name: str) -> str:
    """Return a column's type: string, bool or int64."""
    if name in _TEXTS:
        return "string"
    return "bool" if name.startswith("is_") else "int64"
