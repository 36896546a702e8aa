"""Which question is meant, and of what, when a person writes it in words of their own."""

import pytest

from her_models.ask import QUESTIONS, Subject, bound, understand


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
def test_a_question_is_understood_by_its_title(question) -> None:
    assert understand(question.title)[0][0] is question


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("find the most expensive turn of last week", "dearest_turn"),
        ("why was this prompt so costly", "why_turn"),
        ("what's in the context window at turn 3", "context"),
        ("what filled my context before it was compacted?", "before_compaction"),
        ("which bash commands keep failing", "failing_command"),
        ("who removed src/till.py", "who_deleted"),
        ("who edited src/till.py and why", "who_changed"),
        ("why did the cache expire so often", "cache_misses"),
        ("how much do subagents cost me", "subagents"),
        ("what was the slowest turn", "longest_turn"),
        ("how much was wasted", "wasted"),
        ("anything dangerous?", "risks"),
        ("can I trust these numbers", "certainty"),
        ("what is different from last month", "changed"),
    ],
)
def test_a_question_is_understood_in_other_words(text: str, name: str) -> None:
    assert understand(text)[0][0].name == name


@pytest.mark.parametrize("text", ["", "hello there", "sing me a song"])
def test_what_is_no_question_here_is_none(text: str) -> None:
    assert understand(text)[0] == []


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("who deleted src/till.py?", Subject(text="src/till.py")),
        ("who deleted 'the old till'", Subject(text="the old till")),
        ("who deleted config.toml", Subject(text="config.toml")),
        ("who removed the file Makefile", Subject(text="Makefile")),
        ("who deleted a file", Subject()),
        ("who changed this code, and why?", Subject()),
        ("context at turn 12", Subject(turn_index=11)),
        ("what cost most in 3 days", Subject(days_count=3)),
        ("dearest turn last week", Subject(days_count=7)),
        ("what cost most", Subject()),
    ],
)
def test_the_text_says_of_what_it_is_asked(text: str, subject: Subject) -> None:
    assert understand(text)[1] == subject


def test_values_are_written_into_the_query_so_that_it_runs_as_shown() -> None:
    sql = bound(QUESTIONS["who_deleted"], Subject(text="it's; drop table x"))
    assert "lower('it''s; drop table x')" in sql
    assert "$" not in sql.replace("'$%.2f'", "")
