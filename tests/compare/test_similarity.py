"""Prompts are alike by their words, and turns are laid beside each other without changing their order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from her_models.compare.similarity import align, likeness


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
