"""Prices: the published lists, the user's own file, and the arithmetic, all in whole picodollars."""

from __future__ import annotations

import csv
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.contracts import PRICES
from her_models.errors import PriceError
from her_models.price_lists import BUILT_IN, CLASSES
from her_models.pricing import PriceBook, Rates, Usage, canonical_model, cost_picodollars, load_prices, prices_version
from tests import lakes
from tests.logs import MODEL, answer, prompt, write

SHARED = Path(__file__).parents[2] / "shared" / "pricing"
NOVEMBER = datetime(2026, 11, 20, 12, tzinfo=UTC)
BOOK = load_prices()


def _rates(model: str, when: datetime = NOVEMBER, prompt: int = 1000, **kind: str) -> tuple[int, ...]:
    """Input, 5m write, 1h write, read, output."""
    rates = BOOK.rates(model, when, prompt, **kind)
    assert rates is not None
    return tuple(getattr(rates, f"{name}_picodollars") for name in CLASSES)


def _own(tmp_path: Path, text: str) -> PriceBook:
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return load_prices(path)


# ---- what is charged ------------------------------------------------------------------------------------------------


def test_opus_5_5_costs_what_the_list_says():
    assert _rates("claude-opus-5-5") == (4_000_000, 5_000_000, 8_000_000, 200_000, 20_000_000)


def test_a_session_on_opus_5_5_with_hour_long_writes_costs_93_cents_and_a_half():
    requests = [
        Usage(cache_read_tokens=0, cache_write_1h_tokens=30_000, output_tokens=200),
        Usage(cache_read_tokens=30_000, cache_write_1h_tokens=12_000, output_tokens=300),
        Usage(cache_read_tokens=42_000, cache_write_1h_tokens=12_000, output_tokens=500),
        Usage(cache_read_tokens=0, cache_write_1h_tokens=55_000, output_tokens=400),
        Usage(cache_read_tokens=55_000, cache_write_1h_tokens=1_000, output_tokens=100),
    ]
    rates = BOOK.rates("claude-opus-5-5", NOVEMBER, 30_000)
    assert rates is not None
    assert sum(cost_picodollars(usage, rates) for usage in requests) == 935_400_000_000


def test_hour_long_writes_cost_more_than_five_minute_writes():
    rates = BOOK.rates("claude-opus-4-5-20251101", NOVEMBER, 1000)
    assert rates is not None
    assert cost_picodollars(Usage(cache_write_5m_tokens=1_000_000), rates) == 6_250_000_000_000
    assert cost_picodollars(Usage(cache_write_1h_tokens=1_000_000), rates) == 10_000_000_000_000


def test_a_price_cut_in_mid_session_changes_only_the_requests_after_it():
    before = datetime(2026, 10, 6, 23, 59, 59, tzinfo=UTC)
    after = datetime(2026, 10, 7, tzinfo=UTC)
    assert _rates("claude-sonnet-5-5", before) == (2_000_000, 2_500_000, 4_000_000, 200_000, 10_000_000)
    assert _rates("claude-sonnet-5-5", after) == (2_000_000, 2_500_000, 4_000_000, 100_000, 10_000_000)


def test_moments_are_compared_in_utc():
    two_hours_east = datetime.fromisoformat("2026-10-07T01:00:00+02:00")  # still the 6th in UTC
    assert _rates("claude-sonnet-5-5", two_hours_east)[3] == 200_000


def test_haiku_5_5_costs_five_times_as_much_for_every_token_of_a_prompt_above_100k():
    assert _rates("claude-haiku-5-5", prompt=100_000) == (100_000, 125_000, 200_000, 10_000, 500_000)
    assert _rates("claude-haiku-5-5", prompt=100_001) == (500_000, 625_000, 1_000_000, 50_000, 2_500_000)


def test_the_band_is_chosen_by_uncached_plus_writes_plus_reads():
    usage = Usage(1, 30_000, 30_000, 40_000, 500_000)
    assert usage.prompt_tokens == 100_001


def test_opus_4_6_charged_long_prompts_more_only_until_the_window_was_general():
    band = datetime(2026, 3, 12, tzinfo=UTC)
    flat = datetime(2026, 3, 13, tzinfo=UTC)
    assert _rates("claude-opus-4-6", band, 200_001) == (10_000_000, 12_500_000, 20_000_000, 1_000_000, 37_500_000)
    assert _rates("claude-opus-4-6", flat, 200_001) == (5_000_000, 6_250_000, 10_000_000, 500_000, 25_000_000)


def test_fast_mode_multiplies_every_token_class():
    assert _rates("claude-opus-5-5", speed="fast") == (8_000_000, 10_000_000, 16_000_000, 400_000, 40_000_000)
    in_spring = datetime(2026, 5, 1, tzinfo=UTC)
    assert _rates("claude-opus-4-7", in_spring, speed="fast")[0] == 30_000_000


def test_a_fast_request_after_the_announced_end_is_charged_as_fast_and_says_so():
    late = BOOK.rates("claude-opus-4-7", datetime(2026, 7, 24, 6, tzinfo=UTC), 1000, speed="fast")
    assert late is not None
    assert late.input_picodollars == 30_000_000
    assert late.price_id.endswith("fast after its end x6")


def test_a_model_without_fast_mode_has_no_fast_price():
    assert BOOK.rates("claude-sonnet-5-5", NOVEMBER, 1000, speed="fast") is None


def test_us_inference_costs_a_tenth_more_since_opus_4_6_and_nothing_before():
    assert _rates("claude-opus-5-5", geography="us") == (4_400_000, 5_500_000, 8_800_000, 220_000, 22_000_000)
    assert _rates("claude-opus-4-5", geography="us") == _rates("claude-opus-4-5")


def test_us_and_fast_multiply():
    assert _rates("claude-opus-5-5", speed="fast", geography="us")[4] == 44_000_000


def test_batch_halves_tokens_but_not_searches():
    batch = BOOK.rates("claude-opus-5-5", NOVEMBER, 1000, tier="batch")
    assert batch is not None
    assert (batch.cache_read_picodollars, batch.output_picodollars) == (100_000, 10_000_000)
    assert batch.web_search_picodollars == 10_000_000_000


def test_fast_and_batch_do_not_go_together():
    assert BOOK.rates("claude-opus-5-5", NOVEMBER, 1000, speed="fast", tier="batch") is None


def test_a_thousand_searches_cost_ten_dollars():
    rates = BOOK.rates("claude-opus-5-5", NOVEMBER, 1000)
    assert rates is not None
    assert cost_picodollars(Usage(web_search_count=1000), rates) == 10 * 10**12


def test_standard_rates_leave_out_speed_geography_and_band():
    rates = BOOK.rates("claude-haiku-5-5", NOVEMBER, 150_000, geography="us")
    assert rates is not None
    assert (rates.input_picodollars, rates.standard_input_picodollars) == (550_000, 100_000)
    assert (rates.output_picodollars, rates.standard_output_picodollars) == (2_750_000, 500_000)


def test_a_request_before_the_first_price_takes_that_price_and_says_so():
    early = BOOK.rates("claude-sonnet-5-5", datetime(2026, 9, 1, tzinfo=UTC), 1000)
    assert early is not None
    assert early.cache_read_picodollars == 200_000
    assert early.price_id == "prices.toml:claude-sonnet-5-5@2026-09-28 before its first day"


@pytest.mark.parametrize(
    "model",
    [
        "<synthetic>",
        "sonnet",
        "",
        "claude-opus-4-12",
        "claude-opus-9",
        "nvidia/nemotron-3-super-120b-a12b-20230311:free",
    ],
)
def test_a_model_without_a_price_costs_nothing_known_rather_than_nothing(model: str):
    assert BOOK.rates(model, NOVEMBER, 1000) is None


@given(st.lists(st.integers(0, 10**9), min_size=12, max_size=12))
def test_cost_adds_up(counts: list[int]):
    rates = BOOK.rates("claude-opus-5-5", NOVEMBER, 1000)
    assert rates is not None
    both = Usage(*(a + b for a, b in zip(counts[:6], counts[6:], strict=True)))
    parts = cost_picodollars(Usage(*counts[:6]), rates) + cost_picodollars(Usage(*counts[6:]), rates)
    assert cost_picodollars(both, rates) == parts


# ---- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logged", "own_name"),
    [
        ("claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("claude-opus-4-6[1m]", "claude-opus-4-6"),
        ("claude-4-opus-20250514", "claude-opus-4"),
        ("claude-sonnet-4-0", "claude-sonnet-4"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("anthropic/claude-3.7-sonnet", "claude-3-7-sonnet"),
        ("openrouter/anthropic/claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("bedrock/us-gov-west-1/anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("vertex_ai/claude-opus-5-5@default", "claude-opus-5-5"),
        ("azure_ai/claude-opus-5-5-fast", "claude-opus-5-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gemini/gemini-2.5-pro", "gemini-2.5-pro"),
        ("<synthetic>", None),
        ("opus", None),
        ("claude-opus-next", None),
    ],
)
def test_partner_spellings_name_one_model(logged: str, own_name: str | None):
    assert canonical_model(logged) == own_name


def test_regional_endpoints_cost_a_tenth_more_from_the_4_5_generation_on():
    assert _rates("us.anthropic.claude-opus-4-5-20251101-v1:0")[0] == 5_500_000
    assert _rates("global.anthropic.claude-opus-4-5-20251101-v1:0")[0] == 5_000_000
    assert _rates("us.anthropic.claude-opus-4-1-20250805-v1:0")[0] == 15_000_000


def test_govcloud_costs_a_fifth_more():
    assert _rates("us-gov.anthropic.claude-opus-5-5")[0] == 4_800_000


def test_fast_mode_sold_as_a_model_of_its_own_is_fast_whatever_the_speed_says():
    assert _rates("azure_ai/claude-opus-5-5-fast") == _rates("claude-opus-5-5", speed="fast")


def test_gateway_models_of_other_makers_are_priced_where_the_list_names_them():
    assert _rates("gpt-5.5") == (5_000_000, 5_000_000, 5_000_000, 500_000, 30_000_000)
    assert _rates("gpt-5.5", prompt=272_001)[4] == 45_000_000


# ---- the table that SQL joins ---------------------------------------------------------------------------------------


def test_the_table_has_the_columns_of_the_contract():
    table = BOOK.table(["claude-opus-5-5"])
    assert tuple(table.column_names) == PRICES.column_names


def test_the_table_of_no_models_is_empty_but_typed():
    table = BOOK.table(["<synthetic>"])
    assert (table.num_rows, tuple(table.column_names)) == (0, PRICES.column_names)


def test_rows_of_one_kind_follow_each_other_without_gap_or_overlap():
    models = ["claude-sonnet-5-5", "claude-opus-4-7", "claude-haiku-5-5", "us.anthropic.claude-opus-4-6-v1"]
    kinds: dict[tuple[object, ...], list[dict[str, datetime]]] = {}
    for row in BOOK.table(models).to_pylist():
        kinds.setdefault((row["model"], row["speed"], row["geography"], row["tier"]), []).append(row)
    for rows in kinds.values():
        first_band = [row for row in rows if row["prompt_above_tokens"] == 0]
        starts = [row["valid_from"] for row in first_band]
        assert starts == sorted(starts)
        assert [row["valid_to"] for row in first_band] == [*starts[1:], None]
        assert starts[0] == datetime(1970, 1, 1, tzinfo=UTC)


def test_the_table_says_what_rates_says():
    row = next(
        row
        for row in BOOK.table(["claude-haiku-5-5"]).to_pylist()
        if (row["speed"], row["geography"], row["tier"]) == ("standard", "us", "batch")
        and row["prompt_above_tokens"] == 100_000
        and row["valid_to"] is None
    )
    rates = BOOK.rates("claude-haiku-5-5", NOVEMBER, 100_001, geography="us", tier="batch")
    assert rates == Rates(**{name: row[name] for name in Rates.__dataclass_fields__})
    assert row["output_picodollars"] == 1_375_000


# ---- files ----------------------------------------------------------------------------------------------------------


def test_every_built_in_entry_has_a_source_and_the_day_it_was_checked():
    data = tomllib.loads(BUILT_IN.read_text(encoding="utf-8"))
    for entry in [data["rules"], data["launches"], *data["prices"], *data["fast"]]:
        assert entry["source"]
        assert isinstance(entry["checked_on"], date)


OWN = """
[[prices]]
model = "claude-opus-5-5"
valid_from = 2026-11-01
input = "3.60"
cache_write_5m = "4.50"
cache_write_1h = "7.20"
cache_read = "0.18"
output = "18"
"""


def test_an_own_price_goes_before_the_list_from_its_day_on(tmp_path: Path):
    book = _own(tmp_path, OWN)
    october = book.rates("claude-opus-5-5", datetime(2026, 10, 31, tzinfo=UTC), 1000)
    november = book.rates("claude-opus-5-5", NOVEMBER, 1000)
    us = book.rates("claude-opus-5-5", NOVEMBER, 1000, geography="us")
    assert october and november and us
    assert (october.input_picodollars, november.input_picodollars) == (4_000_000, 3_600_000)
    assert us.input_picodollars == 3_960_000
    assert november.price_id == "own:claude-opus-5-5@2026-11-01"


def test_an_own_price_with_an_end_gives_way_to_the_list_after_it(tmp_path: Path):
    book = _own(tmp_path, OWN.replace("valid_from = 2026-11-01", "valid_from = 2026-11-01\nvalid_to = 2026-11-10"))
    after = book.rates("claude-opus-5-5", NOVEMBER, 1000)
    assert after is not None
    assert after.input_picodollars == 4_000_000


def test_an_own_price_can_name_a_model_nobody_else_knows(tmp_path: Path):
    book = _own(tmp_path, OWN.replace("claude-opus-5-5", "our-gateway/large"))
    rates = book.rates("our-gateway/large", NOVEMBER, 1000)
    assert rates is not None
    assert rates.output_picodollars == 18_000_000


def test_an_own_price_for_one_spelling_is_final_and_leaves_the_others(tmp_path: Path):
    book = _own(tmp_path, OWN.replace("claude-opus-5-5", "us.anthropic.claude-opus-5-5"))
    regional = book.rates("us.anthropic.claude-opus-5-5", NOVEMBER, 1000)
    direct = book.rates("claude-opus-5-5", NOVEMBER, 1000)
    assert regional and direct
    assert (regional.input_picodollars, direct.input_picodollars) == (3_600_000, 4_000_000)


def test_an_own_rule_replaces_the_built_in_one(tmp_path: Path):
    book = _own(tmp_path, '[rules]\nweb_search_usd_per_1000 = "5"\n')
    rates = book.rates("claude-opus-5-5", NOVEMBER, 1000)
    assert rates is not None
    assert rates.web_search_picodollars == 5_000_000_000


@pytest.mark.parametrize(
    ("found", "instead", "message"),
    [
        (
            'input = "3.60"',
            'input = "-1"',
            r"entry 1 \('claude-opus-5-5'\): input is '-1'; a price is a number from 0 up",
        ),
        ('input = "3.60"', "input = 3.6", r'input is 3\.6, which is not exact\. Write it as text: input = "3\.6"'),
        ('input = "3.60"', 'input = "cheap"', r"input is 'cheap', not a number"),
        ('input = "3.60"', 'input = "nan"', r"input is 'nan'; a price is a number from 0 up"),
        ('input = "3.60"', 'input = "0.0000001"', r"finer than a picodollar per token\. Use at most six decimals"),
        ('input = "3.60"', "", r'input is missing\. Write it as text, for example input = "0\.30"'),
        ("valid_from = 2026-11-01", "", r"valid_from is missing\. Write a day without quotes: valid_from = 2026-01-31"),
        ("valid_from = 2026-11-01", 'valid_from = "today"', r"valid_from is 'today', not a date"),
        ("valid_from = 2026-11-01", "valid_from = 2026-11-01T00:00:00", r"has no time zone\. .* end the time with Z"),
        (
            'output = "18"',
            'output = "18"\nvalid_to = 2026-10-01',
            r"valid_to 2026-10-01 is not after valid_from 2026-11-01",
        ),
        ('output = "18"', 'output = "18"\noutptu = "18"', r"'outptu' is not known here\. Use one of: model, platform"),
        ('model = "claude-opus-5-5"', "", r"entry 1 \('no model'\): model is None; write it as text"),
        (
            'output = "18"\n',
            'output = "18"' + OWN,
            r"two \[\[prices\]\] entries of 'claude-opus-5-5' hold on 2026-11-01",
        ),
        ('output = "18"', "output = ", r"is not TOML: .* Mend it"),
    ],
)
def test_a_bad_price_file_is_refused_with_entry_and_remedy(tmp_path: Path, found: str, instead: str, message: str):
    with pytest.raises(PriceError, match=message) as refusal:
        _own(tmp_path, OWN.replace(found, instead, 1))
    assert str(tmp_path / "prices.toml") in str(refusal.value)


def test_overlapping_entries_are_refused(tmp_path: Path):
    later = OWN.replace("2026-11-01", "2026-11-15")
    ended = OWN.replace('output = "18"', 'output = "18"\nvalid_to = 2026-12-01')
    with pytest.raises(PriceError, match=r"hold on 2026-11-15\. End the earlier one with valid_to = 2026-11-15"):
        _own(tmp_path, ended + later)


def test_a_missing_price_file_is_named(tmp_path: Path):
    with pytest.raises(PriceError, match=r"none\.toml cannot be read: No such file or directory\. Mend `prices`"):
        load_prices(tmp_path / "none.toml")


def test_an_inexact_product_is_refused_not_rounded(tmp_path: Path):
    book = _own(tmp_path, OWN.replace('"0.18"', '"0.000001"'))
    with pytest.raises(PriceError, match=r"gives a fraction of a picodollar\. Use fewer decimals"):
        book.rates("claude-opus-5-5", NOVEMBER, 1000)


# ---- not paying for the import twice --------------------------------------------------------------------------------


def test_a_run_that_meets_no_new_model_does_not_import_genai_prices(tmp_path: Path):
    memo = tmp_path / "prices.json"
    load_prices(memo_path=memo).table(["claude-opus-5-5", "nobody-knows"])
    program = (
        "import sys; from pathlib import Path; from her_models.pricing import load_prices; "
        f"table = load_prices(memo_path=Path({str(memo)!r})).table(['claude-opus-5-5[1m]']); "
        "sys.exit(table.num_rows == 0 or 'genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("content", ["", "{", '{"release": "another", "models": {"claude-opus-5-5": null}}'])
def test_a_damaged_or_foreign_memo_is_forgotten(tmp_path: Path, content: str):
    memo = tmp_path / "prices.json"
    memo.write_text(content, encoding="utf-8")
    rates = load_prices(memo_path=memo).rates("claude-opus-5-5", NOVEMBER, 1000)
    assert rates is not None
    assert rates.input_picodollars == 4_000_000


def test_the_version_changes_with_the_own_file(tmp_path: Path):
    path = tmp_path / "prices.toml"
    path.write_text(OWN, encoding="utf-8")
    first = prices_version(path)
    path.write_text(OWN.replace("18", "19"), encoding="utf-8")
    assert len({prices_version(), first, prices_version(path)}) == 3


def test_a_change_of_prices_prices_the_lake_anew(tmp_path: Path):
    write(tmp_path / "logs" / "s.jsonl", prompt("s", "u1", 0), answer("s", "u2", 1, "msg_1"))
    path = tmp_path / "prices.toml"
    own = OWN.replace("claude-opus-5-5", MODEL).replace("2026-11-01", "2026-01-01")
    path.write_text(own, encoding="utf-8")
    config = lakes.ingested(tmp_path / "home", tmp_path / "logs", prices_path=path)
    billed = "select billed_picodollars from requests"
    # 10 uncached, 100 written for an hour, 1,000 read, 20 out
    assert lakes.row(config, billed) == (10 * 3_600_000 + 100 * 7_200_000 + 1000 * 180_000 + 20 * 18_000_000,)
    path.write_text(own.replace('"18"', '"19.5"'), encoding="utf-8")
    lakes.ingest_again(config)
    assert lakes.row(config, billed) == (10 * 3_600_000 + 100 * 7_200_000 + 1000 * 180_000 + 20 * 19_500_000,)


# ---- the cross-check: every row of an independent compilation -------------------------------------------------------

_NOT_IN_GENAI = (
    "gemini-2.5-flash-lite-preview-06-17",
    "gemini-2.5-flash-lite-preview-09-2025",
    "gemini-2.5-flash-preview-04-17",
    "gemini-2.5-flash-preview-05-20",
    "gemini-2.5-pro-preview-03-25",
    "gemini-2.5-pro-preview-05-06",
    "gemini-2.5-pro-preview-06-05",
    "gemini-3.1-pro-preview-customtools",
    "gpt-5.5-cyber-preview",
)


def _agreed_difference(row: dict[str, str], kind: str, token_class: str, when: datetime) -> str | None:
    """Return why we charge something else than the compilation says, where we mean to."""
    model, provider = row["canonical_model"], row["provider"]
    is_partner = provider not in ("anthropic", "openai", "google")
    if row["model"].endswith("-fast") and kind == "fast":
        return "the row's rates are those of fast mode already"
    if is_partner and kind == "flat" and model in ("claude-opus-4-6", "claude-sonnet-4-6", "claude-sonnet-4-5"):
        return "the long-context band is not listed for this id; the first-party band is charged there too"
    if provider == "bedrock" and model == "claude-3-5-haiku" and when < datetime(2024, 12, 3, tzinfo=UTC):
        return "the row carries today's price back to the launch; the first month cost 1/5"
    if row["model"] == "anthropic.claude-3-7-sonnet-20240620-v1:0":
        return "a malformed id in the source, with GovCloud's price"
    if provider == "vertex" and model == "claude-3-5-haiku":
        return "the source kept the launch price; it was cut to 0.80/4 in December 2024"
    if model.removeprefix("gemini/") in _NOT_IN_GENAI or row["model"].removeprefix("gemini/") in _NOT_IN_GENAI:
        return "not in genai-prices: no price, rather than a guessed one"
    if provider == "google" and token_class == "cache_write_5m":
        return "the source gives the hourly fee of cache storage, which is no price per token"
    if row["model"] == "gemini/gemini-2.5-flash-preview-09-2025" and token_class == "cache_read":
        return "sources differ; the undirected id of the same model has 0.03, as genai-prices does"
    if model == "gpt-5.6-cyber" and kind == "above":
        return "genai-prices lists no long-context band for it"
    if model == "o3" and token_class == "cache_read" and when < datetime(2025, 6, 10, tzinfo=UTC):
        return "genai-prices has the later price of reads for the first eight weeks"
    return None


def _charged_otherwise(path: Path) -> tuple[int, list[str]]:
    """Compare each row with the price book at both ends of its period; return rows read and what is unexplained."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return len(rows), [line for row in rows for line in _row_differences(row)]


def _row_differences(row: dict[str, str]) -> list[str]:
    start = _day(row["effective_from"]) or datetime(2026, 11, 1, tzinfo=UTC)
    end = (_day(row["effective_to"]) or NOVEMBER) - timedelta(seconds=1)
    above = int(row["long_threshold_tokens"] or 0)
    listed = {name: row[name] for name in CLASSES}
    checks: list[tuple[str, int, dict[str, str], dict[str, str], str]] = [("base", 1000, {}, listed, "1")]
    if above:
        checks.append(("at", above, {}, listed, "1"))
        checks.append(("above", above + 1, {}, {name: row[f"above_{name}"] for name in CLASSES}, "1"))
    else:
        checks.append(("flat", 900_000, {}, listed, "1"))
    if row.get("fast_multiplier"):
        checks.append(("fast", 1000, {"speed": "fast"}, listed, row["fast_multiplier"]))
    if row.get("us_inference_multiplier"):
        checks.append(("us", 1000, {"geography": "us"}, listed, row["us_inference_multiplier"]))
    if row.get("batch_multiplier"):
        checks.append(("batch", 1000, {"tier": "batch"}, listed, row["batch_multiplier"]))
    return [
        f"{row['model']} {kind} {token_class} on {when.date()}: list {expected}, charged {charged}"
        for when in {start, max(start, end)}
        for kind, prompt, request, amounts, factor in checks
        for token_class, expected, charged in _compared(row["model"], when, prompt, request, amounts, factor)
        if charged != expected and _agreed_difference(row, kind, token_class, when) is None
    ]


def _compared(
    model: str, when: datetime, prompt: int, request: dict[str, str], amounts: dict[str, str], factor: str
) -> list[tuple[str, Decimal, int | None]]:
    rates = BOOK.rates(model, when, prompt, **request)
    return [
        (name, Decimal(amount) * Decimal(factor) * 1_000_000, rates and getattr(rates, f"{name}_picodollars"))
        for name, amount in amounts.items()
        if amount  # an empty cell says nothing
    ]


def _day(text: str) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the compiled price lists in ../shared/pricing")
@pytest.mark.parametrize(
    ("name", "rows"), [("anthropic-model-prices.csv", 326), ("openai-gemini-coding-prices.csv", 126)]
)
def test_every_row_of_the_compiled_lists_is_charged_or_the_difference_is_agreed(name: str, rows: int):
    assert _charged_otherwise(SHARED / name) == (rows, [])
