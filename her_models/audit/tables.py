"""Names, columns and grain of the table that the audit makes in Python; nothing is imported: headers stay cheap."""

from __future__ import annotations

AUDIT_READS = ("int_blocks", "int_session_lines", "contents", "ledger_lineages")
AUDIT_GRAINS = {"audit_matches": "one row per tool call and rule that it matches"}
AUDIT_COLUMNS: dict[str, tuple[str, ...]] = {
    "audit_matches": (
        "source_id",
        "session_id",
        "block_index",
        "rule",
        "class",
        "severity",
        "command",
        "target",
        "effect",
        "rule_version",
    )
}
