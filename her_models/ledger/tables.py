"""Names, columns and grains of the tables that the ledger makes; nothing is imported, so that headers stay cheap."""

from __future__ import annotations

LEDGER_READS = ("int_ledger_calls", "int_ledger_items", "int_ledger_log", "int_session_lines", "lines")

_THREAD = ("source_id", "session_id", "thread_id")
_LANES = (
    "cache_read_tokens",
    "cache_write_1h_tokens",
    "cache_write_5m_tokens",
    "uncached_tokens",
    "missed_tokens",
    "content_picodollars",
    "cache_picodollars",
    "premium_picodollars",
)
_OUTPUT = ("output_tokens", "output_picodollars", "output_premium_picodollars")
_TEXTS = frozenset(
    (
        *_THREAD,
        *("cut", "truth", "kind", "label", "size_class", "cause", "confidence", "evidence"),
        *("request_id", "first_request_id", "last_request_id", "previous_request_id"),
        "extended_by_request_id",
    )
)
_REALS = frozenset({"logged_seconds", "age_seconds", "lifetime_seconds"})

LEDGER_GRAINS = {
    "ledger_lineages": "one row per lineage of a thread",
    "ledger_blocks": "one row per block of a thread, those that no line shows included",
    "ledger_calls": "one row per sub-call of a response, in the session that paid for it",
    "ledger_context": "one row per sub-call and kind of content in it",
    "ledger_misses": "one row per sub-call that missed its cache",
    "ledger_places": "one row per sub-call of a thread, copied ones included, at its place on the common line",
    "ledger_entries": "one row per block of a segment, in the order of its prompts",
}
LEDGER_COLUMNS: dict[str, tuple[str, ...]] = {
    "ledger_lineages": (
        *_THREAD,
        "lineage_index",
        "cut",
        "truth",
        "first_request_id",
        "last_request_id",
        "requests_count",
        "segments_count",
        "shrinks_count",
        "static_tokens",
    ),
    "ledger_blocks": (
        *_THREAD,
        "block_index",
        "hidden_index",
        "kind",
        "label",
        "turn_index",
        "logged_seconds",
        "lineage_index",
        "size_tokens",
        "size_class",
        "size_low_tokens",
        "size_high_tokens",
        "first_request_id",
        "last_request_id",
        "carried_requests_count",
        *_LANES,
        *_OUTPUT,
        "unlogged_output_tokens",
        "unlogged_output_picodollars",
        "is_priced",
        "slot_index",
    ),
    "ledger_calls": (
        *_THREAD,
        "request_id",
        "call_index",
        "lineage_index",
        "truth",
        "expected_read_tokens",
        "missed_tokens",
        "persisting_tokens",
        "previous_request_id",
        "previous_cached_tokens",
        "over_read_tokens",
        "extended_by_request_id",
        "content_picodollars",
        "cache_picodollars",
        "premium_picodollars",
        "fees_picodollars",
        "billed_picodollars",
        "output_estimated_tokens",
        "output_low_tokens",
        "output_high_tokens",
        "is_output_logged",
        "output_estimated_picodollars",
    ),
    "ledger_context": ("source_id", "request_id", "kind", *_LANES, *_OUTPUT),
    "ledger_misses": (
        "source_id",
        "session_id",
        "request_id",
        "miss_label",
        "cause",
        "confidence",
        "evidence",
        "missed_tokens",
        "excess_picodollars",
        "age_seconds",
        "lifetime_seconds",
        "previous_request_id",
    ),
    "ledger_places": (
        *_THREAD,
        "request_id",
        "call_index",
        "place_index",
        "segment_index",
        "lineage_index",
        "is_owned",
        "prompt_tokens",
    ),
    "ledger_entries": ("entry_index", "segment_index", "slot_index", "size_tokens", "end_tokens"),
}


def column_type(name: str) -> str:
    """Return a ledger column's type: string, double, bool or int64."""
    if name in _TEXTS or name.endswith("_label"):
        return "string"
    if name in _REALS:
        return "double"
    return "bool" if name.startswith("is_") else "int64"
