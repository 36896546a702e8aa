"""How many tokens a block is likely to be, before exact growth corrects it.

A density is tokens per UTF-8 byte for a class of content and a tokenizer family. The classes follow from the
kind of block, the tool and the file's ending, so that no text has to be read again. Framing is what a block
costs besides its text. Densities were measured on exact prompt growth of public sessions and agree with
those of a reconstructed tokenizer; docs/ledger.md says how to repeat the measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

# Bytes per token (ASCII text): tokenizer family of Claude 3 to 4.6, and of Opus 4.7 and later.
_BYTES_PER_TOKEN: dict[str, tuple[float, float]] = {
    "prose": (4.10, 2.91),
    "code": (3.05, 2.35),
    "numbered": (2.85, 2.20),
    "json": (2.70, 2.17),
    "listing": (2.20, 1.90),
    "log": (2.50, 2.08),
    "hash": (1.45, 1.35),
}
CLASSES = tuple(_BYTES_PER_TOKEN)

# Tokens a block costs besides its text; calls cost more than their JSON (names, framing of parameters).
_FRAMING: dict[str, int] = {
    "prompt": 5,
    "command": 8,
    "text": 3,
    "thinking": 6,
    "tool_call": 60,
    "tool_result": 17,
    "reminder": 12,
    "compact_summary": 10,
}
_PROSE = frozenset({".md", ".txt", ".rst", ".adoc", ""})
_JSON = frozenset({".json", ".jsonl", ".ipynb", ".lock", ".yaml", ".yml", ".toml", ".csv", ".svg"})
_LISTING_TOOLS = frozenset({"Glob", "LS", "Grep"})
_SPREAD = 0.30  # half-width of the stated interval, relative; measured coverage: docs/ledger.md

_V3_PREFIXES = ("claude-3", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4")
_V47_PREFIXES = ("claude-opus-4-7", "claude-opus-4-8")


@dataclass(frozen=True)
class Estimate:
    """Tokens a block is likely to be, and the interval stated for it."""

    tokens: int
    low: int
    high: int


def tokenizer_family(model: str) -> str:
    """Return `v3` (Claude 3 to 4.6) or `v4.7` (Opus 4.7 and everything later); unknown models count as v4.7."""
    name = model.rsplit("/", 1)[-1]
    if name.startswith(_V47_PREFIXES):
        return "v4.7"
    return "v3" if name.startswith(_V3_PREFIXES) else "v4.7"


def content_class(kind: str, tool_name: str | None, path: str | None) -> str:
    """Return the density class of a block, one of `CLASSES`."""
    if kind == "tool_call":
        return "code" if tool_name in ("Edit", "Write", "MultiEdit", "NotebookEdit") else "json"
    if kind != "tool_result":
        return "prose"
    if tool_name == "Read":
        ending = PurePosixPath((path or "").replace("\\", "/")).suffix.lower()
        return "prose" if ending in _PROSE and ending else "json" if ending in _JSON else "numbered"
    if tool_name in _LISTING_TOOLS:
        return "listing"
    if tool_name in ("Bash", "BashOutput"):
        return "log"
    if tool_name in ("Edit", "MultiEdit", "Write", "NotebookEdit"):
        return "numbered"
    if tool_name and tool_name.startswith("mcp__"):
        return "json"
    return "prose"


def image_tokens(width: int | None, height: int | None, family: str) -> int:
    """Return an image's tokens: 28-pixel tiles after downscaling to the family's limits.

    Source: vision documentation of the API; unknown sizes count as the family's largest.
    """
    edge, most = (1568, 1568) if family == "v3" else (2576, 4784)
    if not width or not height:
        return most
    scale = min(1.0, edge / max(width, height))
    columns, rows = -(-int(width * scale) // 28), -(-int(height * scale) // 28)
    return min(columns * rows, most)


def tokens_per_byte(content: str, family: str) -> float:
    return 1.0 / _BYTES_PER_TOKEN[content][0 if family == "v3" else 1]


def framing_tokens(kind: str) -> int:
    return _FRAMING.get(kind, 4)


def estimate(
    kind: str,
    content: str,
    family: str,
    text_bytes: int,
    *,
    image: tuple[int | None, int | None] | None = None,
    scale: float = 1.0,
) -> Estimate:
    """Return the likely size of one block in tokens, framing included.

    Args:
        content: a class of `content_class`.
        scale: correction measured on the lineage's own exact growth, 1 where nothing was measured.
    """
    if image is not None:
        size = image_tokens(*image, family)
        return Estimate(size, size, size)
    if not text_bytes:
        return Estimate(framing_tokens(kind), 0, 2 * framing_tokens(kind))
    body = text_bytes * tokens_per_byte(content, family) * scale
    frame = framing_tokens(kind)
    low, high = int(body * (1 - _SPREAD)), int(body * (1 + _SPREAD)) + 2 * frame
    return Estimate(round(body) + frame, low, high)
