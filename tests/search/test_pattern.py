"""What a person writes into the box, and what a text must hold to be worth looking at."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from her_models.errors import QueryError
from her_models.search.pattern import Term, read_pattern


def terms(text: str) -> tuple[Term, ...]:
    pattern = read_pattern(text)
    assert pattern is not None
    return pattern.terms


def test_words_phrases_beginnings_and_what_to_leave_out_are_told_apart() -> None:
    assert terms('Till "no space left" beg* -Test') == (
        Term(("till",)),
        Term(("no", "space", "left")),
        Term(("beg",), is_prefix=True),
        Term(("test",), is_excluded=True),
    )


def test_a_path_is_words_in_a_row() -> None:
    assert terms("src/till.py") == (Term(("src", "till", "py")),)


def test_nothing_is_no_pattern() -> None:
    assert read_pattern("  ") is None


@pytest.mark.parametrize(("text", "said"), [("%", "no letter and no digit"), ("-till", "Only words to leave out")])
def test_what_finds_nothing_or_everything_is_explained(text: str, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        read_pattern(text)


@pytest.mark.parametrize(
    ("regex", "groups"),
    [
        (r"def \w+_usd", (("def",), ("usd",))),
        (r"(?i)Total.*Rows", (("total",), ("rows",))),
        (r"(cat|horse)s?", (("cat", "horse"),)),
        (r"(cat|\d+)", ()),
        (r"(abcd)+e*", (("abcd",),)),
        (r"(abcd)*", ()),
        (r"\d{4}-\d{2}", ()),
        (r"\p{Greek}+alpha", ()),  # Python does not know it; nothing is known of it then
    ],
)
def test_literals_of_an_expression_are_what_every_match_holds(regex: str, groups: tuple[tuple[str, ...], ...]) -> None:
    pattern = read_pattern(regex, "regex")
    assert pattern is not None
    assert pattern.literals == groups


@given(st.from_regex(r"[abc]{0,3}(abcd|dcba)+[abc.]{0,3}(xyz){1,2}", fullmatch=True))
def test_every_text_an_expression_matches_holds_its_literals(text: str) -> None:
    pattern = read_pattern(r"[abc]{0,3}(abcd|dcba)+[abc.]{0,3}(xyz){1,2}", "regex")
    assert pattern is not None
    assert len(pattern.literals) == 2
    assert all(any(re.search(piece, text) for piece in group) for group in pattern.literals)
