"""What is known of a file, and how small an edit could have been."""

from hypothesis import given
from hypothesis import strategies as st

from her_models.waste.rewrites import Known, smallest_edit_bytes

LINES = [f"line {number:03d}" for number in range(100)]
TEXT = "\n".join(LINES) + "\n"


def test_one_changed_line_takes_itself_and_three_neighbours_on_both_sides() -> None:
    after = TEXT.replace("line 050", "line fif")
    # 9 bytes a line: one taken out, one put in, six neighbours named twice; 60 for the call, 10 for its path.
    assert smallest_edit_bytes(TEXT, after, 10) == (9 + 9 + 12 * 9 + 70, 99)


def test_two_changes_far_apart_are_two_edits() -> None:
    after = TEXT.replace("line 020", "line abc").replace("line 080", "line def")
    assert smallest_edit_bytes(TEXT, after, 10) == (2 * (9 + 9 + 12 * 9 + 70), 98)


def test_nothing_kept_costs_more_than_the_file() -> None:
    other = "\n".join(f"new {number:04d}" for number in range(100)) + "\n"
    spared, unchanged = smallest_edit_bytes(TEXT, other, 10)
    assert unchanged == 0
    assert spared > len(other)


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_an_edit_holds_at_least_what_is_new(old: list[str], new: list[str]) -> None:
    spared, unchanged = smallest_edit_bytes("\n".join(old), "\n".join(new), 0)
    assert unchanged <= min(max(len(old), 1), max(len(new), 1))
    assert spared >= 2 * (len(new) - unchanged) - 1


def test_a_numbered_read_from_the_first_line_makes_a_file_known() -> None:
    known = Known()
    known.read("/f", "     1→one\n     2→two\n\n<system-reminder>be careful</system-reminder>", 4)
    assert (known.content("/f"), known.origin("/f")) == ("one\ntwo\n", 4)


def test_a_read_from_the_midst_says_nothing_of_the_whole() -> None:
    known = Known()
    known.read("/f", "7\tseven\n8\teight", 4)
    assert known.content("/f") is None


def test_an_edit_is_applied_and_one_that_does_not_fit_forgets_the_file() -> None:
    known = Known()
    known.write("/f", "one\ntwo\n", 1)
    known.edit("/f", {"old_string": "two", "new_string": "three"})
    assert known.content("/f") == "one\nthree\n"
    known.edit("/f", {"edits": [{"old_string": "one", "new_string": "1"}, {"old_string": "gone", "new_string": "x"}]})
    assert known.content("/f") is None
