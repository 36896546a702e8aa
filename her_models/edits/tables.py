"""Name, columns and grain of the table that follows edits; nothing is imported, so that headers stay cheap."""

from __future__ import annotations

EDIT_READS = ("int_blocks", "contents", "ledger_lineages")
EDIT_GRAINS = {"edit_lines": "one row per change of a file by a tool that succeeded"}
EDIT_COLUMNS: dict[str, tuple[str, ...]] = {
    "edit_lines": (
        "source_id",
        "session_id",
        "block_index",
        "written_lines_count",
        "kept_lines_count",
        "kept_hashes",
        "replaced_hashes",
        "whole_hashes",
    )
}
