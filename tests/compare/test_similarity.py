"""Prompts are alike by their words, and turns are laid beside each other without changing their order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from her_models.compare.similarity import align, as_typed, likeness, task_of


def test_likeness_is_the_share_of_common_words():
    found = likeness(["Fix the bug", None], ["fix the bug!", "fix the other bug", ""])
    assert found.tolist() == [[1.0, 0.75, 0.0], [0.0, 0.0, 0.0]]


def test_turns_that_are_alike_stand_side_by_side_and_the_others_alone():
    alike = likeness(["read the app", "now test it", "commit"], ["read the app", "explain it first", "commit"])
    assert align(alike) == [(0, 0), (1, None), (None, 1), (2, 2)]


def test_turns_in_another_order_are_not_crossed():
    assert align(np.array([[0.0, 1.0], [0.9, 0.0]])) == [(None, 0), (0, 1), (1, None)]


@given(st.lists(st.lists(st.sampled_from([0.0, 0.4, 0.6, 1.0]), min_size=4, max_size=4), min_size=1, max_size=6))
def test_every_turn_stands_once_in_its_order_and_partners_are_alike(rows):
    alike = np.array(rows)
    pairs = align(alike)
    assert [i for i, _ in pairs if i is not None] == list(range(len(rows)))
    assert [j for _, j in pairs if j is not None] == list(range(4))
    assert all(alike[i, j] >= 0.5 for i, j in pairs if i is not None and j is not None)


def command(name: str, arguments: str = "") -> str:
    return f"<command-message>{name}</command-message>\n<command-name>/{name}</command-name>\n<command-args>{arguments}"


def test_what_the_client_did_by_itself_is_no_task_and_a_command_that_was_answered_is():
    asked = [("Mend it", 0), (command("clear"), 0), (command("compact"), 1), ("<bash-input>ls</bash-input>", 0)]
    assert [task_of(*one) for one in asked] == ["Mend it", None, None, None]
    assert task_of(command("review", "12"), 2) == command("review", "12")


def test_commands_are_alike_by_what_was_typed_and_not_by_their_markup():
    assert as_typed(command("review", "the till")) == "/review the till"
    found = likeness(
        [command("review", "the till")], ["Review the till", command("deploy", "it now"), command("review")]
    )
    assert found.tolist() == [[1.0, 0.0, 1 / 3]]
