"""What a request costs: lists laid over each other, multiplied out, in whole picodollars per token.

What belongs here: which price holds for a model, moment, prompt length, speed, geography and tier, and the
arithmetic. What does not: how lists are written (`price_lists`) and how model strings are spelt (`model_names`).

The user's own file goes before prices.toml, and that before genai-prices; docs/pricing.md has the whole order.
For people on a subscription every figure is a list-price equivalent, not a bill.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from her_models.contracts import PRICES
from her_models.errors import PriceError
from her_models.model_names import ModelName, canonical_model, model_name
from her_models.price_lists import (
    BUILT_IN,
    EPOCH,
    Band,
    FastPrice,
    GenaiList,
    GenaiModel,
    ListPrice,
    PriceList,
    picodollars,
    read_price_list,
)

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PriceBook", "Rates", "Usage", "canonical_model", "cost_picodollars", "load_prices", "prices_version"]


@dataclass(frozen=True)
class Usage:
    """Billed counts of one request; the five token classes are disjoint."""

    uncached_input_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    cache_read_tokens: int = 0
    output_tokens: int = 0
    web_search_count: int = 0

    @property
    def prompt_tokens(self) -> int:
        """Uncached + writes + reads: what a long-context threshold is compared with."""
        return (
            self.uncached_input_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
            + self.cache_read_tokens
        )


@dataclass(frozen=True)
class Rates:
    """Prices of one kind of request in picodollars: per token, and per web search.

    The `standard_*` rates are those of the same day at standard speed and tier, global endpoint, in the first
    band: what the request would have cost per token without any premium or discount.
    """

    input_picodollars: int
    cache_write_5m_picodollars: int
    cache_write_1h_picodollars: int
    cache_read_picodollars: int
    output_picodollars: int
    web_search_picodollars: int
    standard_input_picodollars: int
    standard_cache_write_5m_picodollars: int
    standard_cache_write_1h_picodollars: int
    standard_cache_read_picodollars: int
    standard_output_picodollars: int
    price_id: str


def cost_picodollars(usage: Usage, rates: Rates) -> int:
    """Return what one request cost, exactly; 10^12 picodollars are one US dollar."""
    return (
        usage.uncached_input_tokens * rates.input_picodollars
        + usage.cache_write_5m_tokens * rates.cache_write_5m_picodollars
        + usage.cache_write_1h_tokens * rates.cache_write_1h_picodollars
        + usage.cache_read_tokens * rates.cache_read_picodollars
        + usage.output_tokens * rates.output_picodollars
        + usage.web_search_count * rates.web_search_picodollars
    )


@dataclass(frozen=True)
class _Period:
    """One list price for a span of time, with the multipliers that apply in it."""

    valid_from: datetime
    valid_to: datetime | None
    bands: tuple[Band, ...]
    entry: str
    fast: Fraction | None
    is_fast_over: bool


@dataclass(frozen=True)
class _Row:
    """One row of the `prices` table."""

    speed: str
    geography: str
    tier: str
    valid_from: datetime
    valid_to: datetime | None
    prompt_above_tokens: int
    rates: Rates


class PriceBook:
    """Every price Her can charge. Made by `load_prices`."""

    def __init__(self, built_in: PriceList, own: PriceList, genai: GenaiList) -> None:
        self._lists = (own, built_in)
        self._rules = {**built_in.rules, **own.rules}
        self._launches = {**built_in.launches, **own.launches}
        self._genai = genai
        self._rows: dict[str, tuple[_Row, ...]] = {}

    def rates(
        self,
        model: str,
        when: datetime,
        prompt_tokens: int,
        speed: str = "standard",
        geography: str = "global",
        tier: str = "standard",
    ) -> Rates | None:
        """Return the price in force at `when` (UTC if naive) for a prompt of that length; None when there is none.

        A long-context band holds for the whole request, output included.
        """
        moment = when.replace(tzinfo=UTC) if when.tzinfo is None else when
        found = None
        for row in self._model_rows(model):
            is_kind = (row.speed, row.geography, row.tier) == (speed, geography, tier)
            is_then = row.valid_from <= moment and (row.valid_to is None or moment < row.valid_to)
            is_band = row.prompt_above_tokens == 0 or prompt_tokens > row.prompt_above_tokens
            if is_kind and is_then and is_band:
                found = row.rates  # bands come in rising order: the last that fits holds
        return found

    def table(self, models: Iterable[str]) -> pa.Table:
        """Return `contracts.PRICES` rows for model strings as logged; a model without a price has none.

        The rows of one model, speed, geography and tier cover all time from 1970 on without overlap. What came
        before a model's first price takes that price, and its `price_id` says so.
        """
        records = [
            {
                "model": model,
                "canonical_model": canonical_model(model),
                "speed": row.speed,
                "geography": row.geography,
                "tier": row.tier,
                "valid_from": row.valid_from,
                "valid_to": row.valid_to,
                "prompt_above_tokens": row.prompt_above_tokens,
                **vars(row.rates),
            }
            for model in sorted(set(models))
            for row in self._model_rows(model)
        ]
        self._genai.save()
        return _arrow_table(records)

    def _model_rows(self, model: str) -> tuple[_Row, ...]:
        if model not in self._rows:
            self._rows[model] = tuple(self._priced(model_name(model)))
        return self._rows[model]

    def _priced(self, name: ModelName) -> Iterator[_Row]:
        """Multiply each period out into every kind of request."""
        listed = GenaiModel() if name.canonical is None else self._genai.model(name.canonical)
        search = picodollars(Fraction(self._rule("web_search_usd_per_1000")) * 1000, "web_search_usd_per_1000")
        for period in self._periods(name, listed):
            for speed, geography, tier, factor, note in self._kinds(name, period):
                for band in period.bands:
                    rates = _multiplied(band, factor, f"{period.entry}{note}")
                    yield _Row(
                        speed,
                        geography,
                        tier,
                        period.valid_from,
                        period.valid_to,
                        band.above_tokens,
                        _rates(rates, search, period.bands[0].rates, _id(period, band, note)),
                    )

    def _kinds(self, name: ModelName, period: _Period) -> Iterator[tuple[str, str, str, Fraction, str]]:
        """Yield speed, geography, tier, factor on the list price, and what the price id says of it.

        The US factor stacks on either; fast and batch do not go together.
        """
        place, place_note = self._place(name, period)
        geographies = [("global", Fraction(1), "")]
        if name.provider == "anthropic" and name.platform == "first_party":
            us = self._since("us_multiplier", name)
            geographies.append(("us", us, f" us x{_decimal(us)}"))
        fast = period.fast if name.platform == "first_party" or name.is_fast else None
        batch = self._batch(name)
        for geography, factor, note in geographies:
            if name.is_fast:  # a model of its own: every request to it is fast
                kinds = [(speed, "standard", fast, " fast") for speed in ("standard", "fast")]
            else:
                kinds = [("standard", "standard", Fraction(1), ""), ("standard", "batch", batch, " batch")]
                kinds.append(("fast", "standard", fast, " fast after its end" if period.is_fast_over else " fast"))
            for speed, tier, multiplier, kind in kinds:
                if multiplier is not None:
                    said = f"{kind} x{_decimal(multiplier)}" if kind else ""
                    yield speed, geography, tier, place * factor * multiplier, place_note + note + said

    def _place(self, name: ModelName, period: _Period) -> tuple[Fraction, str]:
        """Return the factor of the endpoint's region; an entry for this very id has it in its price already."""
        if name.region == "global" or f":{name.logged.lower()}@" in period.entry:
            return Fraction(1), ""
        rule = "government_multiplier" if name.region == "government" else "regional_multiplier"
        factor = Fraction(self._rule(rule)) if name.region == "government" else self._since(rule, name)
        return factor, f" {name.region} x{_decimal(factor)}"

    def _since(self, rule: str, name: ModelName) -> Fraction:
        """Return a multiplier for models launched since the rule's day (or on an unknown day), else 1."""
        launch = self._launches.get(name.canonical or "")
        start = self._rules[f"{rule}_from"]
        return Fraction(1) if launch and isinstance(start, datetime) and launch < start else self._rule(rule)

    def _batch(self, name: ModelName) -> Fraction | None:
        is_sold = name.provider == "anthropic" and name.platform in ("first_party", "bedrock")
        return self._rule("batch_multiplier") if is_sold else None

    def _rule(self, name: str) -> Fraction:
        value = self._rules[name]
        assert isinstance(value, Fraction)
        return value

    def _periods(self, name: ModelName, listed: GenaiModel) -> list[_Period]:
        """Lay the lists over each other: at every moment the first list that has a price then."""
        layers = [_of_model(prices.prices, name) for prices in self._lists]
        launch = self._launches.get(name.canonical or "", EPOCH)
        layers.append([_clipped(price, launch) for price in listed.prices if not _is_before(price, launch)])
        fast = [f for prices in self._lists for f in prices.fast if f.model == name.canonical]
        edges = {price.valid_from for layer in layers for price in layer}
        edges |= {price.valid_to for layer in layers for price in layer if price.valid_to}
        if not edges:
            return []
        edges |= {e for f in fast for e in (f.valid_from, f.valid_to) if e and e > min(edges)}
        moments = sorted(edges)
        periods = []
        for start, end in zip(moments, [*moments[1:], None], strict=True):
            price = next((p for layer in layers for p in layer if _holds(p, start)), None)
            if price is not None:
                multiplier, is_over = _fast_at(fast, start, listed.fast_multiplier)
                periods.append(_Period(start, end, price.bands, price.entry, multiplier, is_over))
        if periods and periods[0].valid_from > EPOCH:
            first = periods[0]
            early = replace(
                first, valid_from=EPOCH, valid_to=first.valid_from, entry=f"{first.entry} before its first day"
            )
            periods.insert(0, early)
        return periods


def load_prices(path: Path | None = None, memo_path: Path | None = None) -> PriceBook:
    """Return the price book: prices.toml and genai-prices, under the user's own file if there is one.

    `memo_path` is a file to keep what genai-prices said, so that runs without a new model need not import it.

    Raises:
        PriceError: a file cannot be used; the message names the file, the entry and the remedy.
    """
    own = read_price_list(path, "own") if path else PriceList()
    return PriceBook(read_price_list(BUILT_IN, "prices.toml"), own, GenaiList(memo_path))


def prices_version(path: Path | None = None) -> str:
    """Return what changes whenever any price might: a hash of both files and the genai-prices release.

    Cheap (two small files read, nothing imported), for deciding whether the `prices` table must be made anew.
    """
    from hashlib import blake2b

    from her_models.price_lists import installed_release

    digest = blake2b(installed_release().encode(), digest_size=8)
    for file in (BUILT_IN, path):
        if file is not None:
            try:
                digest.update(file.read_bytes())
            except OSError as error:
                raise PriceError(f"{file} cannot be read: {error.strerror}. Mend `prices` in config.toml.") from error
    return digest.hexdigest()


def _of_model(prices: Iterable[ListPrice], name: ModelName) -> list[ListPrice]:
    """Return the entries of one list for a model: this very id first, then model and platform, then the model."""
    logged = name.logged.strip().lower().removesuffix("[1m]")
    exact = [p for p in prices if p.model == logged and p.platform is None and logged != name.canonical]
    own = [p for p in prices if p.model == name.canonical]
    return exact + [p for p in own if p.platform == name.platform] + [p for p in own if p.platform is None]


def _holds(price: ListPrice, moment: datetime) -> bool:
    return price.valid_from <= moment and (price.valid_to is None or moment < price.valid_to)


def _is_before(price: ListPrice, moment: datetime) -> bool:
    return price.valid_to is not None and price.valid_to <= moment


def _clipped(price: ListPrice, launch: datetime) -> ListPrice:
    return replace(price, valid_from=max(price.valid_from, launch))


def _fast_at(entries: list[FastPrice], moment: datetime, otherwise: Fraction | None) -> tuple[Fraction | None, bool]:
    """Return the multiplier of fast mode, and whether its announced end has passed.

    The log's speed is what the API says it served, so a fast request after the end was billed as fast.
    """
    if not entries:
        return otherwise, False
    begun = [entry for entry in entries if entry.valid_from <= moment] or entries[:1]
    last = max(begun, key=lambda entry: entry.valid_from)
    return last.multiplier, last.valid_to is not None and moment >= last.valid_to


def _multiplied(band: Band, factor: Fraction, where: str) -> tuple[int, ...]:
    """Multiply a band's rates; a result that is no whole picodollar is an error, never rounded."""
    products = [rate * factor for rate in band.rates]
    if any(product.denominator != 1 for product in products):
        raise PriceError(f"{where}: x{factor} gives a fraction of a picodollar. Use fewer decimals in that entry.")
    return tuple(product.numerator for product in products)


def _rates(rates: tuple[int, ...], search: int, standard: tuple[int, ...], price_id: str) -> Rates:
    a, b, c, d, e = rates
    v, w, x, y, z = standard
    return Rates(a, b, c, d, e, search, v, w, x, y, z, price_id)


def _id(period: _Period, band: Band, note: str) -> str:
    above = f" above {band.above_tokens}" if band.above_tokens else ""
    return period.entry + above + note


def _decimal(factor: Fraction) -> str:
    return f"{float(factor):g}"


def _arrow_table(records: list[dict[str, Any]]) -> pa.Table:
    """Return records as Arrow, by way of JSON: given Python lists, pyarrow imports pandas, which takes 0.4 s."""
    import pyarrow as pa
    import pyarrow.json as pa_json

    types = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "TIMESTAMPTZ": pa.timestamp("us", "UTC")}
    schema = pa.schema([(column.name, types[column.type]) for column in PRICES.columns])
    if not records:
        return schema.empty_table()
    lines = "\n".join(json.dumps(record, default=datetime.isoformat) for record in records)
    options = pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    return pa_json.read_json(io.BytesIO(lines.encode()), parse_options=options)
