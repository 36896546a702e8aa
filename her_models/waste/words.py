"""Texts as arrays of hashed words, so that what is used again is found without comparing texts with each other.

What belongs here: words, runs of words and names as 64-bit numbers over raw bytes, many texts at once. What does not:
which text is whose, and what a use means (`uses`). Two different words have the same number about once in 10^19 pairs;
such an accident would call something used that is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

RUN_WORDS = 8
"""So many words in a row are a quotation, not a coincidence."""
_USUAL_BITS = 20
_LEAST_TABLE_BITS, _MOST_TABLE_BITS = 10, 22

_rng = np.random.default_rng(20_261_127)
_BYTES: Numbers = _rng.integers(1, 2**63, 256, np.uint64) * np.uint64(2) + np.uint64(1)
_STEP = np.uint64(0x9E3779B97F4A7C15)
_BASE = 0xD6E8FEB86659FD93
"""Odd, so that it has an inverse among 64-bit numbers."""

_ARROW = "→".encode()
_IS_WORD = np.zeros(256, bool)
_IS_WORD[[*range(48, 58), *range(65, 91), *range(97, 123), 95, *range(128, 256)]] = True
_DIGIT, _UNDERSCORE, _LOWER, _UPPER, _LATER_UPPER = 1, 2, 4, 8, 16
_FLAGS = np.zeros(256, np.uint8)
_FLAGS[48:58], _FLAGS[95], _FLAGS[97:123], _FLAGS[65:91] = _DIGIT, _UNDERSCORE, _LOWER, _UPPER
_JOINS = np.zeros(256, bool)
_JOINS[[ord(c) for c in "./-:@"]] = True


@dataclass(frozen=True)
class Words:
    """Words of some texts in order: number, text each stands in, and where it begins and ends in the bytes."""

    number: Numbers
    text: Ints
    start: Ints
    end: Ints
    is_name: Flags  # looks like a name in code, not like a word of prose

    def __len__(self) -> int:
        return len(self.number)


def read_words(data: npt.NDArray[np.uint8], offsets: Ints, *, with_names: bool = False) -> Words:
    """Return the words of texts that lie end to end in `data`, text i from `offsets[i]` to `offsets[i + 1]`."""
    is_word = _word_bytes(data)
    # A text begins anew, whatever the last one ended with.
    is_edge = np.zeros(len(data) + 1, bool)
    is_edge[offsets] = True
    follows = np.zeros(len(data) + 1, bool)
    follows[1:] = is_word
    start = np.flatnonzero(is_word & (~follows[:-1] | is_edge[:-1]))
    if not len(start):
        return _no_words()
    goes_on = np.zeros(len(data), bool)
    goes_on[:-1] = is_word[1:]
    length = np.flatnonzero(is_word & (~goes_on | is_edge[1:])) + 1 - start
    # What begins the next text says nothing of a number that ends this one.
    is_number = _numbers_lines(data, start, start + length) & ~is_edge[start + length]
    if is_number.any():
        is_word[np.repeat(start[is_number], length[is_number]) + _steps(length[is_number])] = False
        start, length = start[~is_number], length[~is_number]
    if not len(start):
        return _no_words()
    number = _numbers(data, start, start + length)
    is_name = np.zeros(len(start), bool)
    if with_names:
        first = np.cumsum(length) - length
        flags = _FLAGS[data[np.flatnonzero(is_word)]]
        is_later = np.ones(len(flags), bool)
        is_later[first] = False
        flags[(flags == _UPPER) & is_later] |= _LATER_UPPER
        seen = np.bitwise_or.reduceat(flags, first)
        is_name = _names(seen, length)
    text = np.repeat(np.arange(len(offsets) - 1), np.diff(np.searchsorted(start, offsets)))
    return Words(number, text, start, start + length, is_name)


def _numbers(data: npt.NDArray[np.uint8], start: Ints, end: Ints) -> Numbers:
    """Return a number for each word, by its bytes alone: the part of a running sum, shifted to the beginning."""
    powers, inverses = _powers(len(data))
    sums = np.zeros(len(data) + 1, np.uint64)
    np.multiply(_BYTES[data], powers[: len(data)], out=sums[1:])
    np.cumsum(sums, out=sums)
    number: Numbers = (sums[end] - sums[start]) * inverses[start]
    return number


@lru_cache(maxsize=2)
def _powers_of(bits: int) -> tuple[Numbers, Numbers]:
    inverse = pow(_BASE, -1, 1 << 64)
    found = []
    for base in (_BASE, inverse):
        powers = np.full(1 << bits, base, np.uint64)
        powers[0] = 1
        found.append(np.multiply.accumulate(powers))
    return found[0], found[1]


def _powers(count: int) -> tuple[Numbers, Numbers]:
    """Return the powers of the base, and of its inverse, for so many places at least."""
    return _powers_of(max(_USUAL_BITS, count.bit_length()))


def _no_words() -> Words:
    empty = np.zeros(0, np.int64)
    return Words(np.zeros(0, np.uint64), empty, empty, empty, np.zeros(0, bool))


def _word_bytes(data: npt.NDArray[np.uint8]) -> Flags:
    """Return which bytes belong to words. The arrow behind line numbers does not, other letters beyond ASCII do."""
    is_word: Flags = _IS_WORD[data]
    at = np.flatnonzero(data[:-2] == _ARROW[0])
    at = at[(data[at + 1] == _ARROW[1]) & (data[at + 2] == _ARROW[2])]
    for step in range(3):
        is_word[at + step] = False
    return is_word


def _numbers_lines(data: npt.NDArray[np.uint8], start: Ints, end: Ints) -> Flags:
    """Return which words number the lines of a file that was read: they are in no other text."""
    behind = data[np.minimum(end, len(data) - 1)]
    first, last = data[start], data[end - 1]
    is_marked = ((behind == 9) | (behind == _ARROW[0])) & (end < len(data))
    result: Flags = is_marked & (first >= 48) & (first <= 57) & (last >= 48) & (last <= 57)
    return result


def _steps(length: Ints) -> Ints:
    """Return 0, 1, … up to each length, one after the other."""
    result: Ints = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    return result


def _names(seen: npt.NDArray[np.uint8], length: Ints) -> Flags:
    has_digit = (seen & _DIGIT) > 0
    has_letter = (seen & (_LOWER | _UPPER)) > 0
    is_camel = ((seen & _LATER_UPPER) > 0) & ((seen & _LOWER) > 0)
    has_underscore = (seen & _UNDERSCORE) > 0
    result: Flags = ((length >= 5) & ((has_digit & has_letter) | is_camel | (has_underscore & has_letter))) | (
        (length >= 6) & has_digit
    )
    return result


def joined(words: Words, data: npt.NDArray[np.uint8]) -> tuple[Numbers, Ints]:
    """Return numbers of neighbours that one of `./-:@` joins, as in paths, and the place of the first of each pair."""
    gap = words.start[1:] - words.end[:-1]
    at = np.minimum(words.end[:-1], max(len(data) - 1, 0))
    pair = np.flatnonzero((gap == 1) & _JOINS[data[at]] & (words.text[1:] == words.text[:-1]))
    is_long = words.end[pair + 1] - words.start[pair] >= 8
    pair = pair[is_long]
    return words.number[pair] * _STEP + words.number[pair + 1], pair


def runs(words: Words) -> Numbers:
    """Return the number of the run of `RUN_WORDS` words that begins at each word; zero where the text ends before."""
    count = len(words) - RUN_WORDS + 1
    result = np.zeros(len(words), np.uint64)
    if count <= 0:
        return result
    sums = np.zeros(count, np.uint64)
    for step in range(RUN_WORDS):
        sums = sums * _STEP + words.number[step : step + count]
    sums[words.text[:count] != words.text[RUN_WORDS - 1 :]] = 0
    result[:count] = sums
    return result


class Filter:
    """Says quickly which numbers can be among some others; what it lets through has to be looked up."""

    def __init__(self, numbers: Numbers) -> None:
        # Sixteen places for each number: few others meet one by chance, and the table stays near the processor.
        bits = min(max(_LEAST_TABLE_BITS, (16 * len(numbers)).bit_length()), _MOST_TABLE_BITS)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, bool)
        self._table[self._slots(numbers)] = True
        self._sorted = np.sort(numbers)

    def matches(self, numbers: Numbers) -> Ints:
        """Return the places of those that are among the filter's numbers; zero never is."""
        maybe = np.flatnonzero(self._table[self._slots(numbers)])
        found = numbers[maybe]
        place = np.minimum(np.searchsorted(self._sorted, found), max(len(self._sorted) - 1, 0))
        is_in = (self._sorted[place] == found) & (found != 0) if len(self._sorted) else np.zeros(len(found), bool)
        result: Ints = maybe[is_in]
        return result

    def _slots(self, numbers: Numbers) -> Ints:
        # The upper bits, after mixing: running sums differ least in them.
        result: Ints = ((numbers * _STEP) >> self._shift).astype(np.int64)
        return result
