"""Names, columns and grains of the tables that `waste` makes; nothing is imported, so that headers stay cheap."""

from __future__ import annotations

RULE_READS = ("ledger_blocks",)
RULE_GRAINS = {"waste_rules": "one row per kind of finding"}
RULE_COLUMNS: dict[str, tuple[str, ...]] = {
    "waste_rules": (
        "kind",
        "label",
        "rank",
        "confidence",
        "rule_version",
        "remedy",
        "is_hint",
        "precision_ratio",
        "spread_ratio",
    ),
}

_BLOCK = ("source_id", "session_id", "block_index")
USES_READS = ("blocks", "contents", "ledger_blocks")
USES_GRAINS = {
    "waste_uses": "one row per large result",
    "waste_unused_parts": "one row per run of unused lines of a large result of which others were used",
    "waste_quotes": "one row per long stretch of an answer that stood in the context word for word",
    "waste_rewrites": "one row per file written whole that the conversation knew",
}
USES_COLUMNS: dict[str, tuple[str, ...]] = {
    "waste_uses": (*_BLOCK, "last_use_block_index", "lines_count", "used_lines_count"),
    "waste_unused_parts": (*_BLOCK, "part_low", "part_high", "first_line", "last_line"),
    "waste_quotes": (*_BLOCK, "part_low", "part_high", "evidence_block_index", "words_count"),
    "waste_rewrites": (*_BLOCK, "spared_ratio", "evidence_block_index", "unchanged_lines_count"),
}

REPEAT_READS = ("int_waste_results", "int_waste_notices", "contents")
REPEAT_GRAINS = {"waste_repeats": "one row per part of a tool result that repeats an earlier one"}
REPEAT_COLUMNS: dict[str, tuple[str, ...]] = {
    "waste_repeats": (
        "source_id",
        "session_id",
        "kind",
        "block_index",
        "part_low_ratio",
        "part_high_ratio",
        "is_whole",
        "first_line",
        "last_line",
        "evidence_block_index",
        "evidence",
    ),
}

_CLASSES = ("cache_read_tokens", "cache_write_1h_tokens", "cache_write_5m_tokens", "uncached_tokens")
WASTE_READS = ("int_waste_targets", "ledger_blocks")
WASTE_GRAINS = {
    "waste_findings": "one row per finding",
    "waste_labels": "one row per sub-call and content label",
}
WASTE_COLUMNS: dict[str, tuple[str, ...]] = {
    "waste_findings": (
        "finding_number",
        *_CLASSES,
        "missed_tokens",
        "output_tokens",
        "row_tokens",
        "content_picodollars",
        "cache_picodollars",
        "output_picodollars",
        "row_picodollars",
    ),
    "waste_labels": ("place_index", "label", *_CLASSES, "missed_tokens", "output_tokens", "content_picodollars"),
}
_TEXTS = frozenset({"source_id", "session_id", "kind", "label", "confidence", "rule_version", "remedy", "evidence"})


def column_type(name: str) -> str:
    """Return a column's type: string, double, bool or int64."""
    if name in _TEXTS:
        return "string"
    if name.endswith("_ratio") or name.startswith("part_"):
        return "double"
    return "bool" if name.startswith("is_") else "int64"
