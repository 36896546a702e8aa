"""Price lists as they are published: prices.toml, a user's own file of the same form, and genai-prices.

What belongs here: reading a list and saying exactly what is wrong with it. What does not: laying lists over each
other and multiplying (`pricing`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Any

from her_models.errors import PriceError
from her_models.model_names import model_name

CLASSES = ("input", "cache_write_5m", "cache_write_1h", "cache_read", "output")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUILT_IN = Path(__file__).with_name("prices.toml")

_MULTIPLIERS = ("batch_multiplier", "us_multiplier", "regional_multiplier", "government_multiplier")
_RULE_DAYS = ("us_multiplier_from", "regional_multiplier_from")
_NOTES = ("source", "checked_on")
_PROVIDERS = ("anthropic", "openai", "google")


@dataclass(frozen=True)
class Band:
    """Picodollars per token, by class in the order of `CLASSES`, for prompts longer than `above_tokens`."""

    above_tokens: int
    rates: tuple[int, int, int, int, int]


@dataclass(frozen=True)
class ListPrice:
    """What a list says about a model from `valid_from` (inclusive) to `valid_to` (exclusive; None: still)."""

    model: str
    platform: str | None
    valid_from: datetime
    valid_to: datetime | None
    bands: tuple[Band, ...]
    entry: str  # where it stands, for whoever wants to check


@dataclass(frozen=True)
class FastPrice:
    """How many times the standard price fast mode costs, on every token class."""

    model: str
    multiplier: Fraction
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True)
class PriceList:
    """One file: rules that hold for every model of Anthropic, launch days, prices and fast mode."""

    rules: Mapping[str, Fraction | datetime] = field(default_factory=dict)
    launches: Mapping[str, datetime] = field(default_factory=dict)
    prices: tuple[ListPrice, ...] = ()
    fast: tuple[FastPrice, ...] = ()


# ---- files ----------------------------------------------------------------------------------------------------------


def read_price_list(path: Path, label: str) -> PriceList:
    """Read a price file; `label` begins the id of each of its prices.

    Raises:
        PriceError: the file is missing, is not TOML, or an entry cannot be used; the message says which and how to
            mend it.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriceError(f"{path} is not TOML: {error}. Mend it, or take `prices` out of config.toml.") from error
    except OSError as error:
        raise PriceError(f"{path} cannot be read: {error.strerror}. Mend `prices` in config.toml.") from error
    _known(data, ("rules", "launches", "prices", "fast"), str(path))
    prices = tuple(
        _price(entry, _where(path, "prices", n, entry), label) for n, entry in _entries(data, "prices", path)
    )
    fast = tuple(_fast(entry, _where(path, "fast", n, entry)) for n, entry in _entries(data, "fast", path))
    return PriceList(
        rules=_rules(data.get("rules", {}), f"{path}: [rules]"),
        launches=_launches(data.get("launches", {}), f"{path}: [launches]"),
        prices=_closed(prices, path),
        fast=fast,
    )


def _entries(data: Mapping[str, Any], section: str, path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    entries = data.get(section, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise PriceError(f"{path}: {section} is not a list of entries. Write [[{section}]] above each.")
    return enumerate(entries, start=1)


def _where(path: Path, section: str, number: int, entry: Mapping[str, Any]) -> str:
    return f"{path}: [[{section}]] entry {number} ({entry.get('model', 'no model')!r})"


def _known(data: Mapping[str, Any], names: Iterable[str], where: str) -> None:
    unknown = sorted(set(data) - set(names))
    if unknown:
        raise PriceError(f"{where}: {unknown[0]!r} is not known here. Use one of: {', '.join(names)}.")


def _price(entry: Mapping[str, Any], where: str, label: str) -> ListPrice:
    _known(entry, ("model", "platform", "valid_from", "valid_to", *CLASSES, "long_context", *_NOTES), where)
    valid_from, valid_to = _period(entry, where)
    steps = entry.get("long_context", [])
    if not isinstance(steps, list):
        raise PriceError(f"{where}: long_context is not a list. Write: long_context = [{{ above_tokens = 200000, … }}]")
    bands = [Band(0, _class_rates(entry, where))]
    for step in steps:
        _known(step, ("above_tokens", *CLASSES), f"{where}, long_context")
        above = step.get("above_tokens")
        if not isinstance(above, int) or isinstance(above, bool) or above <= bands[-1].above_tokens:
            raise PriceError(
                f"{where}: above_tokens is {above!r}; write whole numbers above 0, each larger than the last."
            )
        bands.append(Band(above, _class_rates(step, f"{where}, above {above} tokens")))
    model = _text(entry, "model", where).lower()
    platform = _text(entry, "platform", where) if "platform" in entry else None
    return ListPrice(model, platform, valid_from, valid_to, tuple(bands), f"{label}:{model}@{valid_from.date()}")


def _fast(entry: Mapping[str, Any], where: str) -> FastPrice:
    _known(entry, ("model", "multiplier", "valid_from", "valid_to", *_NOTES), where)
    valid_from, valid_to = _period(entry, where)
    return FastPrice(_text(entry, "model", where), Fraction(_amount(entry, "multiplier", where)), valid_from, valid_to)


def _rules(data: object, where: str) -> dict[str, Fraction | datetime]:
    if not isinstance(data, dict):
        raise PriceError(f"{where} is not a table. Write [rules] above its entries.")
    _known(data, (*_MULTIPLIERS, *_RULE_DAYS, "web_search_usd_per_1000", *_NOTES), where)
    rules: dict[str, Fraction | datetime] = {}
    for name in data:
        if name in _RULE_DAYS:
            rules[name] = _moment(data, name, where)
        elif name not in _NOTES:
            rules[name] = Fraction(_amount(data, name, where))
    return rules


def _launches(data: object, where: str) -> dict[str, datetime]:
    days = data.get("days", {}) if isinstance(data, dict) else None
    if not isinstance(days, dict):
        raise PriceError(
            f"{where} has no table of days. Write [launches.days] and lines such as: claude-x = 2026-01-31"
        )
    return {model: _moment(days, model, where) for model in days}


def _text(entry: Mapping[str, Any], name: str, where: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise PriceError(f'{where}: {name} is {value!r}; write it as text, for example {name} = "claude-opus-5-5".')
    return value


def _amount(entry: Mapping[str, Any], name: str, where: str) -> Decimal:
    value = entry.get(name)
    if value is None:
        raise PriceError(f'{where}: {name} is missing. Write it as text, for example {name} = "0.30".')
    if isinstance(value, bool | float) or not isinstance(value, int | str):
        raise PriceError(f'{where}: {name} is {value!r}, which is not exact. Write it as text: {name} = "{value}".')
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise PriceError(f'{where}: {name} is {value!r}, not a number. Write for example {name} = "0.30".') from error
    if not amount.is_finite() or amount < 0:
        raise PriceError(f"{where}: {name} is {value!r}; a price is a number from 0 up.")
    return amount


def _moment(entry: Mapping[str, Any], name: str, where: str) -> datetime:
    value = entry.get(name)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PriceError(f"{where}: {name} has no time zone. Write a day (2026-01-31) or end the time with Z.")
        return value.astimezone(UTC)
    if not isinstance(value, date):
        found = "missing" if value is None else f"{value!r}, not a date"
        raise PriceError(f"{where}: {name} is {found}. Write a day without quotes: {name} = 2026-01-31")
    return datetime.combine(value, time(), UTC)


def _period(entry: Mapping[str, Any], where: str) -> tuple[datetime, datetime | None]:
    start = _moment(entry, "valid_from", where)
    end = _moment(entry, "valid_to", where) if "valid_to" in entry else None
    if end is not None and end <= start:
        raise PriceError(f"{where}: valid_to {end.date()} is not after valid_from {start.date()}. Mend one of them.")
    return start, end


def _class_rates(entry: Mapping[str, Any], where: str) -> tuple[int, int, int, int, int]:
    a, b, c, d, e = (picodollars(_amount(entry, name, where), f"{where}: {name}") for name in CLASSES)
    return a, b, c, d, e


def picodollars(usd_per_mtok: Decimal | Fraction, where: str) -> int:
    """Return US dollars per million tokens as whole picodollars per token (10^12 are one dollar).

    Raises:
        PriceError: the amount is no whole number of picodollars.
    """
    value = Fraction(usd_per_mtok) * 1_000_000
    if value.denominator != 1:
        raise PriceError(f"{where} is {usd_per_mtok}, finer than a picodollar per token. Use at most six decimals.")
    return value.numerator


def _closed(prices: Iterable[ListPrice], path: Path) -> tuple[ListPrice, ...]:
    """End each open price where the next of the same model begins; two at once are an error."""
    ordered = sorted(prices, key=lambda p: (p.model, p.platform or "", p.valid_from))
    closed: list[ListPrice] = []
    for price, following in zip(ordered, [*ordered[1:], None], strict=False):
        end = price.valid_to
        if following and (price.model, price.platform) == (following.model, following.platform):
            if following.valid_from == price.valid_from or (end and end > following.valid_from):
                raise PriceError(
                    f"{path}: two [[prices]] entries of {price.model!r} hold on {following.valid_from.date()}. "
                    f"End the earlier one with valid_to = {following.valid_from.date()}, or take one out."
                )
            end = end or following.valid_from
        closed.append(ListPrice(price.model, price.platform, price.valid_from, end, price.bands, price.entry))
    return tuple(closed)


# ---- genai-prices ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GenaiModel:
    """What genai-prices knows of one model; no multiplier where it lists no fast mode."""

    prices: tuple[ListPrice, ...] = ()
    fast_multiplier: Fraction | None = None


class GenaiList:
    """genai-prices, asked one model at a time.

    Importing it takes about 0.4 s, so answers are kept in `memo_path` (JSON, rebuilt whenever another release of
    genai-prices is installed) and a run that meets no new model does not import it at all.
    """

    def __init__(self, memo_path: Path | None = None) -> None:
        self._memo_path = memo_path
        self._release = installed_release()
        self._answers: dict[str, Any] = self._read_memo()
        self._is_changed = False

    def model(self, canonical: str) -> GenaiModel:
        """Return what is known about a model by its own name; nothing, if unknown."""
        if canonical not in self._answers:
            self._answers[canonical] = _ask_genai(canonical)
            self._is_changed = True
        return _from_memo(canonical, self._answers[canonical])

    def save(self) -> None:
        """Write what was learnt, whole or not at all; a folder that cannot be written costs only time next run."""
        if self._memo_path is None or not self._is_changed:
            return
        draft = self._memo_path.with_name(f"{self._memo_path.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps({"release": self._release, "models": self._answers}), encoding="utf-8")
            draft.replace(self._memo_path)
        except OSError:
            return
        self._is_changed = False

    def _read_memo(self) -> dict[str, Any]:
        if self._memo_path is None:
            return {}
        try:
            memo = json.loads(self._memo_path.read_bytes())
            return dict(memo["models"]) if memo["release"] == self._release else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def installed_release() -> str:
    """Return what identifies the installed list, without importing it."""
    spec = importlib.util.find_spec("genai_prices")
    if spec is None or not spec.submodule_search_locations:
        return "none"
    stat = (Path(spec.submodule_search_locations[0]) / "data.py").stat()
    return f"1 {stat.st_size} {stat.st_mtime_ns}"


def _ask_genai(canonical: str) -> dict[str, Any] | None:
    """Import genai-prices and return its entry for a model as plain JSON, or None."""
    from importlib.metadata import version

    from genai_prices.data import providers
    from genai_prices.types import StartDateConstraint

    provider = next((p for p in providers if p.id == model_name(canonical).provider and p.id in _PROVIDERS), None)
    found = provider.find_model(canonical) if provider else None
    # It matches by prefix too, so `claude-opus-4-12` would find Opus 4.1: only a model that says this name is meant.
    if found is None or not (model_name(found.id).canonical == canonical or _says(found.match, canonical)):
        return None
    prices = found.prices if isinstance(found.prices, list) else None
    dated = [(None, found.prices)] if prices is None else [(p.constraint, p.prices) for p in prices]
    if not all(c is None or isinstance(c, StartDateConstraint) for c, _ in dated):
        return None  # prices by the hour of day
    periods = [{"from": _day(c), "bands": _genai_bands(p, canonical)} for c, p in dated]
    if any(period["bands"] is None for period in periods):
        return None
    variants = {tuple(v.when.items()): v.prices for v in found.price_variants or []}
    return {
        "id": f"genai-prices {version('genai-prices')}:{found.id}",
        "periods": periods,
        "fast": _ratio(variants.get((("speed", "fast"),)), dated[-1][1], canonical),
    }


def _says(clause: Any, name: str) -> bool:
    """Whether a genai matching rule names exactly this model."""
    if hasattr(clause, "or_"):
        return any(_says(part, name) for part in clause.or_)
    said = getattr(clause, "equals", None) or getattr(clause, "starts_with", None) or ""
    return str(said).removesuffix("-latest") == name


def _day(constraint: Any) -> str | None:
    return None if constraint is None else str(constraint.start_date.isoformat())


def _genai_bands(price: Any, canonical: str) -> list[list[Any]] | None:
    """Return `[above_tokens, {class: USD per MTok as text}]` for each band; None without input and output prices."""
    listed = {
        "input": price.input_mtok,
        "cache_write_5m": price.cache_write_5m_mtok or price.cache_write_mtok,
        "cache_write_1h": price.cache_write_1h_mtok,
        "cache_read": price.cache_read_mtok,
        "output": price.output_mtok,
    }
    if listed["input"] is None or listed["output"] is None:
        return None
    starts = sorted({0, *(tier.start for p in listed.values() for tier in getattr(p, "tiers", []))})
    bands = []
    for start in starts:
        rates = {name: _at(p, start) for name, p in listed.items() if p is not None}
        bands.append([start, {name: str(rate) for name, rate in _completed(rates, canonical).items()}])
    return bands


def _at(price: Any, above_tokens: int) -> Decimal:
    """Return a genai price for prompts just longer than `above_tokens`."""
    if isinstance(price, Decimal):
        return price
    rate: Decimal = price.base
    for tier in price.tiers:
        rate = tier.price if tier.start <= above_tokens else rate
    return rate


def _completed(rates: dict[str, Decimal], canonical: str) -> dict[str, Decimal]:
    """Fill what a list leaves out.

    Anthropic publishes the cache prices as multiples of the input price. Elsewhere a class without a price of its own
    is billed as input, and there is one kind of cache write.
    """
    base = rates["input"]
    is_claude = canonical.startswith("claude-")
    write = rates.get("cache_write_5m", base * Decimal("1.25") if is_claude else base)
    return {
        "input": base,
        "cache_write_5m": write,
        "cache_write_1h": rates.get("cache_write_1h", base * 2 if is_claude else write),
        "cache_read": rates.get("cache_read", base * Decimal("0.1") if is_claude else base),
        "output": rates["output"],
    }


def _ratio(variant: Any, price: Any, canonical: str) -> str | None:
    """Return by what one factor `variant` differs from `price` in every class and band, or None."""
    ours, theirs = (_genai_bands(p, canonical) if p is not None else None for p in (price, variant))
    if ours is None or theirs is None or [b[0] for b in ours] != [b[0] for b in theirs]:
        return None
    pairs = [(a[1][n], b[1][n]) for a, b in zip(ours, theirs, strict=True) for n in CLASSES]
    ratios = {Fraction(b) / Fraction(a) for a, b in pairs if Fraction(a)}
    return str(ratios.pop()) if len(ratios) == 1 else None


def _from_memo(canonical: str, answer: Mapping[str, Any] | None) -> GenaiModel:
    if answer is None:
        return GenaiModel()
    starts = [_start(period["from"]) for period in answer["periods"]]
    prices = []
    for period, start, end in zip(answer["periods"], starts, [*starts[1:], None], strict=True):
        bands = tuple(
            Band(above, tuple(picodollars(Fraction(rates[name]), answer["id"]) for name in CLASSES))  # type: ignore[arg-type]
            for above, rates in period["bands"]
        )
        entry = f"{answer['id']}@{period['from']}" if period["from"] else answer["id"]
        prices.append(ListPrice(canonical, None, start, end, bands, entry))
    return GenaiModel(tuple(prices), Fraction(answer["fast"]) if answer["fast"] else None)


def _start(day: str | None) -> datetime:
    return EPOCH if day is None else datetime.combine(date.fromisoformat(day), time(), UTC)
