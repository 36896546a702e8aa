"""The position model: integer arithmetic that loses nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.ledger.position import CLASSES, Prices, Prompts, block_lanes, proportional, request_kind_lanes


def ints(*values):
    return np.array(values, np.int64)


def prices(count, read, hour, five, uncached):
    return Prices(*(np.full(count, value, np.int64) for value in (read, hour, five, uncached)))


def prompts(read, hour, five, uncached, expected, actual, standard=None):
    columns = (ints(*column) for column in (read, hour, five, uncached, expected))
    return Prompts(*columns, actual, standard or actual, np.zeros(len(read), np.int64))


def test_worked_example_of_a_duplicate_read_and_an_expiry_to_the_digit():
    # Opus 5.5 with one-hour writes: read 0.20, write 8, output 20 US dollars per million tokens.
    rates = prices(5, 200_000, 8_000_000, 5_000_000, 4_000_000)
    segment = prompts(
        read=[0, 30_000, 42_000, 0, 55_000],
        hour=[30_000, 12_000, 12_000, 55_000, 1_000],
        five=[0] * 5,
        uncached=[0] * 5,
        expected=[0, 30_000, 42_000, 54_000, 55_000],
        actual=rates,
    )
    # system; first read with its call; second read with its call; edit; last answer
    lanes = block_lanes(segment, ints(30_000, 12_000, 12_000, 1_000, 1_000))
    assert int(lanes.cache.sum()) == 421_200_000_000  # K1: 54,000 tokens at 7.80
    assert int(lanes.missed.sum()) == 54_000
    duplicate = int(lanes.content[2])
    assert duplicate == 96_000_000_000 + 2_400_000_000 + 2_400_000_000  # written, carried, carried
    output = 1_500 * 20_000_000
    assert int((lanes.content + lanes.cache + lanes.premium).sum()) + output == 935_400_000_000
    assert int(lanes.tokens.sum()) + 1_500 == 238_500


def test_a_block_across_a_class_boundary_is_split_between_the_classes():
    segment = prompts([10], [0], [5], [5], [10], prices(1, 1, 20, 12, 10))
    lanes = block_lanes(segment, ints(8, 8, 4))
    assert lanes.cache_read.tolist() == [8, 2, 0]
    assert lanes.cache_write_5m.tolist() == [0, 5, 0]
    assert lanes.uncached.tolist() == [0, 1, 4]
    assert lanes.content.tolist() == [8, 2 + 60 + 10, 40]


def test_blocks_that_do_not_reach_the_end_of_the_prompt_are_an_error():
    segment = prompts([10], [0], [5], [5], [10], prices(1, 1, 20, 12, 10))
    with pytest.raises(ValueError, match="blocks end at 19, the longest prompt at 20"):
        block_lanes(segment, ints(19))


@st.composite
def segments(draw):
    sizes = draw(st.lists(st.integers(0, 50), min_size=1, max_size=12))
    total = sum(sizes)
    count = draw(st.integers(1, 8))
    columns = {name: [] for name in ("read", "hour", "five", "uncached", "expected")}
    for _ in range(count):
        cuts = sorted(draw(st.lists(st.integers(0, total), min_size=4, max_size=4)))
        read, hour, five, end = cuts
        columns["read"].append(read)
        columns["hour"].append(hour - read)
        columns["five"].append(five - hour)
        columns["uncached"].append(end - five)
        columns["expected"].append(draw(st.integers(0, total)))
    rate = st.integers(0, 10**8)
    actual, standard = (
        Prices(*(ints(*draw(st.lists(rate, min_size=count, max_size=count))) for _ in range(4))) for _ in range(2)
    )
    kinds = draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    base = np.zeros(count, np.int64)
    return Prompts(*(ints(*columns[n]) for n in columns), actual, standard, base), ints(*sizes), ints(*kinds)


def slow_lanes(segment, sizes):
    """The definition, cell by cell."""
    owner = [block for block, size in enumerate(sizes) for _ in range(size)]
    content, cache, premium = ([0] * len(sizes) for _ in range(3))
    for i in range(len(segment)):
        position = 0
        for name in ("cache_read", "cache_write_1h", "cache_write_5m", "uncached"):
            for _ in range(int(getattr(segment, name)[i])):
                paid, normal = int(segment.actual.of(name)[i]), int(segment.standard.of(name)[i])
                missed = name != "cache_read" and position < int(segment.expected[i])
                base = int(segment.standard.cache_read[i]) if missed else normal
                content[owner[position]] += base
                cache[owner[position]] += normal - base
                premium[owner[position]] += paid - normal
                position += 1
    return content, cache, premium


@given(segments())
def test_lanes_of_blocks_equal_the_definition_cell_by_cell(case):
    segment, sizes, _ = case
    lanes = block_lanes(segment, sizes)
    assert [lanes.content.tolist(), lanes.cache.tolist(), lanes.premium.tolist()] == list(slow_lanes(segment, sizes))


@given(segments())
def test_kinds_of_each_request_sum_to_its_tokens_and_its_bill(case):
    segment, sizes, kinds = case
    lanes = request_kind_lanes(segment, sizes, kinds, 4)
    for name in ("cache_read", "cache_write_1h", "cache_write_5m", "uncached"):
        assert getattr(lanes, name).sum(axis=1).tolist() == getattr(segment, name).tolist()
    billed = sum(
        getattr(segment, n) * segment.actual.of(n)
        for n in ("cache_read", "cache_write_1h", "cache_write_5m", "uncached")
    )
    assert (lanes.content + lanes.cache + lanes.premium).sum(axis=1).tolist() == billed.tolist()


def joined(first, second, shift):
    both = lambda a, b: np.concatenate([a, b])  # noqa: E731
    rates = [
        Prices(*(both(first_rates.of(name), second_rates.of(name)) for name in CLASSES))
        for first_rates, second_rates in ((first.actual, second.actual), (first.standard, second.standard))
    ]
    names = (*CLASSES, "expected")
    return Prompts(
        *(both(getattr(first, name), getattr(second, name)) for name in names),
        *rates,
        both(first.base, second.base + shift),
    )


@given(segments(), segments())
def test_segments_laid_end_to_end_cost_what_each_costs_alone(one, two):
    together = joined(one[0], two[0], int(one[1].sum()))
    lanes = block_lanes(together, np.concatenate([one[1], two[1]]))
    apart = [block_lanes(*one[:2]), block_lanes(*two[:2])]
    for name in ("content", "cache", "premium", "missed", "tokens"):
        expected = np.concatenate([getattr(part, name) for part in apart])
        assert getattr(lanes, name).tolist() == expected.tolist()


@given(st.integers(0, 10**6), st.lists(st.integers(0, 1000), min_size=1, max_size=20))
def test_proportional_shares_are_whole_and_sum_to_the_total(total, weights):
    shares = proportional(total, weights)
    assert sum(shares) == total
    assert min(shares) >= 0


def test_the_largest_remainder_takes_what_is_left_and_the_earlier_of_two():
    assert proportional(10, [1, 1, 1]) == [4, 3, 3]
    assert proportional(10, [3, 6, 5]) == [2, 4, 4]
    assert proportional(7, [0, 0]) == [0, 7]
    assert proportional(7, []) == []
