"""How many tokens a block is likely to be, before exact growth corrects it.

The class of a block's content follows from its kind, its tool and its file's ending, so that no text has to be
read again; densities by class and tokenizer family stand in densities.toml with their origin.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from posixpath import splitext
from typing import NamedTuple

from her_models.errors import ConfigError

_PROSE = frozenset({".md", ".txt", ".rst", ".adoc"})
_JSON = frozenset({".json", ".jsonl", ".ipynb", ".lock", ".yaml", ".yml", ".toml", ".csv", ".svg"})
_LISTING_TOOLS = frozenset({"Glob", "LS", "Grep"})
_EDIT_TOOLS = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
_SPREAD = 0.30  # half-width of the stated interval, relative; measured coverage: docs/ledger.md
_OUTPUT_SPREAD = 0.15
_V3_PREFIXES = ("claude-3", "claude-opus-4", "claude-sonnet-4", "claude-haiku-4")
_V47_PREFIXES = ("claude-opus-4-7", "claude-opus-4-8")
_TILE_PIXELS = 28


class Estimate(NamedTuple):
    """Tokens a block is likely to be, and the interval stated for it."""

    tokens: int
    low: int
    high: int


@dataclass(frozen=True)
class Family:
    """Densities of one tokenizer family, in tokens."""

    per_byte: Mapping[str, float]
    framing: Mapping[str, float]
    output: Mapping[str, float]
    image: Mapping[str, float]


@dataclass(frozen=True)
class Fitted:
    """Densities of a model, with the framing fitted for client versions from `first` to below `before`."""

    model: str
    first: tuple[int, ...]
    before: tuple[int, ...]
    family: Family


@dataclass(frozen=True)
class Densities:
    """Densities by tokenizer family, `v3` and `v4.7`; framing by model and client version where it was fitted."""

    families: Mapping[str, Family]
    fitted: tuple[Fitted, ...] = ()

    def family(self, model: str, client_version: str = "") -> Family:
        """Return the densities for a model, as a client version frames its blocks."""
        version = version_key(client_version)
        for fitted in self.fitted:
            if model.startswith(fitted.model) and fitted.first <= version < fitted.before:
                return fitted.family
        return self.families[tokenizer_family(model)]


@lru_cache(maxsize=1024)
def version_key(version: str) -> tuple[int, ...]:
    """Return a client version as numbers that compare; what is no number ends it."""
    numbers = []
    for part in version.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    return tuple(numbers)


@lru_cache(maxsize=256)
def tokenizer_family(model: str) -> str:
    """Return `v3` (Claude 3 to 4.6) or `v4.7` (Opus 4.7 and everything later); unknown models count as v4.7."""
    name = model.rsplit("/", 1)[-1]
    if name.startswith(_V47_PREFIXES):
        return "v4.7"
    return "v3" if name.startswith(_V3_PREFIXES) else "v4.7"


@lru_cache(maxsize=8)
def load_densities(path: Path | None = None) -> Densities:
    """Return the built-in densities, with those of the file at `path` laid over them.

    A file of one's own stands for all models and versions of its families: fitted framing is left out then.

    Raises:
        ConfigError: the file is not TOML, names an unknown entry, or gives something that is no positive number.
    """
    built_in = tomllib.loads((Path(__file__).parent / "densities.toml").read_text(encoding="utf-8"))
    entries = built_in.pop("fitted")
    if path is not None:
        entries = []
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path}: densities cannot be read: {error}.") from error
        _lay_over(built_in, given, path)
    families = {name: Family(**tables) for name, tables in built_in.items()}
    fitted = []
    for entry in entries:
        base = families[tokenizer_family(entry["model"])]
        family = replace(base, framing={**base.framing, **entry["framing"]})
        fitted.append(Fitted(entry["model"], version_key(entry["first"]), version_key(entry["before"]), family))
    return Densities(families, tuple(fitted))


def _lay_over(base: dict[str, dict[str, dict[str, float]]], given: Mapping[str, object], path: Path) -> None:
    for family, tables in given.items():
        if family not in base or not isinstance(tables, dict):
            raise ConfigError(f'{path}: [{family}] is no tokenizer family. Write [v3.…] or ["v4.7".…].')
        for table, entries in tables.items():
            for name, value in entries.items():
                known = base[family].get(table, {})
                if name not in known or not isinstance(value, int | float) or isinstance(value, bool):
                    raise ConfigError(f"{path}: {family}.{table}.{name} = {value!r} is no known density.")
                known[name] = float(value)


def content_class(kind: str, tool_name: str | None, path: str | None) -> str:
    """Return the density class of a block that the model did not write."""
    if kind == "tool_schema":
        return "schema"
    if kind != "tool_result":
        return "prose"
    if tool_name == "Read":
        ending = splitext((path or "").replace("\\", "/"))[1].lower()
        return "prose" if ending in _PROSE else "json" if ending in _JSON else "numbered"
    if tool_name in _LISTING_TOOLS:
        return "listing"
    if tool_name in ("Bash", "BashOutput"):
        return "log"
    if tool_name in _EDIT_TOOLS:
        return "numbered"
    return "json" if tool_name and tool_name.startswith("mcp__") else "prose"


def image_size(width: int | None, height: int | None, family: Family) -> Estimate:
    """Return an image's tokens: 28-pixel tiles after downscaling to the family's limits.

    An unknown size counts as the largest. Source: vision documentation of the API.
    """
    edge, most = family.image["edge_pixels"], int(family.image["most_tokens"])
    if not width or not height:
        return Estimate(most, 0, most)
    scale = min(1.0, edge / max(width, height))
    columns = math.ceil(int(width * scale) / _TILE_PIXELS)
    rows = math.ceil(int(height * scale) / _TILE_PIXELS)
    size = min(columns * rows, most)
    return Estimate(size, size, size)


def input_size(kind: str, tool_name: str | None, path: str | None, text_bytes: int, family: Family) -> Estimate:
    """Return the likely size of a block that entered from outside: prompt, result, reminder, schema."""
    frame = family.framing.get(kind, 4.0)
    body = text_bytes * family.per_byte[content_class(kind, tool_name, path)]
    return Estimate(round(body + frame), int(body * (1 - _SPREAD)), math.ceil(body * (1 + _SPREAD) + 2 * frame))


def output_size(
    kind: str,
    tool_name: str | None,
    text_bytes: int,
    family: Family,
    *,
    parameters_count: int = 1,
    signature_bytes: int = 0,
) -> Estimate:
    """Return the likely size of a block that the model wrote: text, thinking, or a call.

    Args:
        parameters_count: top-level parameters of a call; each costs framing of its own.
        signature_bytes: length of a thinking block's signature, which grows with the thinking it stands for.
    """
    output = family.output
    if kind == "thinking":
        shown = text_bytes * output["text_per_byte"]
        signed = signature_bytes * output["signature_per_byte"] + output["thinking_tokens"]
        body = max(shown, signed, 6.0)
        return Estimate(round(body), int(body * (1 - 2 * _OUTPUT_SPREAD)), math.ceil(body * (1 + 2 * _OUTPUT_SPREAD)))
    if kind == "tool_call":
        density = output["edit_per_byte" if tool_name in _EDIT_TOOLS else "json_per_byte"]
        frame = output["call_tokens"] + parameters_count * output["parameter_tokens"]
        body = text_bytes * density + frame
    else:
        body = text_bytes * output["text_per_byte"] + family.framing["text"]
    return Estimate(round(body), int(body * (1 - _OUTPUT_SPREAD)), math.ceil(body * (1 + _OUTPUT_SPREAD)) + 2)
