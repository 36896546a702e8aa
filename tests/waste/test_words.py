"""Words as numbers: equal words have equal numbers wherever they stand, and texts do not flow into each other."""

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from her_models.waste.words import Filter, Ints, joined, read_words, runs

ALPHABET = st.text(alphabet="abXY_09é ./\n\t→", max_size=60)


def _together(texts: Sequence[str]) -> tuple[np.ndarray, Ints]:
    parts = [text.encode() for text in texts]
    return np.frombuffer(b"".join(parts), np.uint8), np.cumsum([0, *map(len, parts)])


def _words_of(text: str) -> list[str]:
    """The same by hand: letters, digits and underscores, but for numbers that a tab or an arrow marks as a line's."""
    words: list[str] = []
    word = ""
    for place, char in enumerate(text + " "):
        if char.isalnum() or char == "_":
            word += char
            continue
        is_line_number = char in "\t→" and word[:1].isdigit() and word[-1:].isdigit() and place < len(text)
        if word and not is_line_number:
            words.append(word)
        word = ""
    return words


@example(texts=["0", "", "→"])
@given(texts=st.lists(ALPHABET, min_size=1, max_size=5))
def test_words_are_those_of_each_text_in_order(texts: list[str]) -> None:
    data, offsets = _together(texts)
    words = read_words(data, offsets)
    raw = data.tobytes()
    told: list[list[str]] = [[] for _ in texts]
    for text, start, end in zip(words.text, words.start, words.end, strict=True):
        told[text].append(raw[start:end].decode())
    # Where a text ends with a number and the next begins with a mark, the number is taken for a line's.
    if not any(a[-1:].isdigit() and b[:1] in ("\t", "→") for a, b in itertools.pairwise(texts)):
        assert told == [_words_of(text) for text in texts]


@given(st.lists(ALPHABET, min_size=1, max_size=4))
def test_equal_words_and_only_they_have_equal_numbers(texts: list[str]) -> None:
    data, offsets = _together(texts)
    words = read_words(data, offsets)
    raw = data.tobytes()
    names = [raw[start:end] for start, end in zip(words.start, words.end, strict=True)]
    assert (
        len(set(names)) == len(set(words.number.tolist())) == len(set(zip(names, words.number.tolist(), strict=True)))
    )


def test_a_run_of_eight_words_is_found_in_another_text() -> None:
    data, offsets = _together(
        ["x one two three four five six seven eight y", "one two three four five six seven eight"]
    )
    numbers = runs(read_words(data, offsets))
    assert numbers[1] == numbers[10] != 0
    assert np.count_nonzero(numbers) == 4  # of ten words three runs begin in the text, of eight one


def test_runs_do_not_reach_into_the_next_text() -> None:
    data, offsets = _together(["one two three four", "five six seven eight"])
    assert not runs(read_words(data, offsets)).any()


def test_names_look_like_code_and_words_of_prose_do_not() -> None:
    data, offsets = _together(["read_file parseJson user42 UPPER Plain word 123456 12345 a_b"])
    words = read_words(data, offsets, with_names=True)
    raw = data.tobytes()
    names = [raw[words.start[i] : words.end[i]].decode() for i in np.flatnonzero(words.is_name)]
    assert names == ["read_file", "parseJson", "user42", "123456"]


def test_paths_are_known_by_their_neighbours() -> None:
    data, offsets = _together(["look at src/main.py, please", "src/main.py:12"])
    words = read_words(data, offsets)
    numbers, places = joined(words, data)
    raw = data.tobytes()
    told = [raw[words.start[p] : words.end[p + 1]].decode() for p in places]
    assert told == ["src/main", "src/main"]  # `main.py` is shorter than eight characters
    assert numbers[0] == numbers[1]


@given(st.lists(st.integers(0, 50)), st.lists(st.integers(0, 50)))
def test_a_filter_lets_through_what_it_knows_and_nothing_else(known: list[int], asked: list[int]) -> None:
    scale = np.uint64(0x9E3779B97F4A7C15)
    numbers = np.array(known, np.uint64) * scale
    found = Filter(numbers).matches(np.array(asked, np.uint64) * scale)
    assert found.tolist() == [place for place, number in enumerate(asked) if number and number in known]
