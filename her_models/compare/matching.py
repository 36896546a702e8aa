"""Pairs of sessions that are alike, so that what else differs between two groups does not pass for the difference.

What belongs here: who is paired with whom, and what had to be dropped. What does not: what is made of the pairs.

    project, model, version, person   both sessions have the same
    task                              their first prompts are similar: at least half of their words in common. A
                                      session whose prompts are all the client's own commands (/clear) has no task

With `task` the most alike are paired first. Without it pairs are made in the order of time, the last of A with the
first of B, as nothing says which of them belong together.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from her_models.compare.groups import Members
from her_models.compare.similarity import ALIKE, likeness
from her_models.errors import QueryError

MatchOn = Literal["project", "model", "version", "person", "task"]
MATCH_ON: tuple[MatchOn, ...] = get_args(MatchOn)
SessionId = tuple[str, str]  # source and session
_COLUMNS = {"project": "project", "model": "model", "version": "client_version", "person": "owner"}


@dataclass(frozen=True, eq=False)
class Matching:
    """Sessions of A and B in pairs, position by position, and how many found no partner."""

    on: tuple[MatchOn, ...]
    a: Members
    b: Members
    likeness: tuple[float, ...]
    dropped_a: tuple[SessionId, ...]
    dropped_b: tuple[SessionId, ...]
    without_task_count: int
    strata: tuple[tuple[str, int, int, int], ...]  # values matched on, sessions of A and B, pairs

    def __len__(self) -> int:
        return len(self.a)

    @property
    def dropped_a_count(self) -> int:
        return len(self.dropped_a)

    @property
    def dropped_b_count(self) -> int:
        return len(self.dropped_b)

    def in_words(self) -> str:
        """Say what was matched and what was dropped."""
        how = " and ".join(_WORDS[on] for on in self.on)
        told = f"Matched on {how}: {_counted(len(self), 'pair')}."
        if self.dropped_a_count or self.dropped_b_count:
            told += (
                f" Dropped, as nothing like them is on the other side:"
                f" {_counted(self.dropped_a_count, 'session')} of A, {self.dropped_b_count:,} of B."
            )
        if self.without_task_count:
            told += f" {self.without_task_count:,} of them have no prompt but commands of the client, and so no task."
        if self.likeness and "task" in self.on:
            told += f" Median likeness of the prompts {np.median(self.likeness):.0%}."
        return told


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


_WORDS = {
    "project": "project",
    "model": "model",
    "version": "client",
    "person": "person",
    "task": "similar first prompt",
}


def parse_match(text: str) -> tuple[MatchOn, ...]:
    """Read `project,task`.

    Raises:
        QueryError: a word is not one of `MATCH_ON`.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in MATCH_ON:
            raise QueryError(f"Sessions cannot be matched on {word!r}. Use one or more of: {', '.join(MATCH_ON)}.")
    return tuple(on for on in MATCH_ON if on in words)


def match(a: Members, b: Members, on: tuple[MatchOn, ...]) -> Matching:
    """Pair sessions of two groups."""
    places: dict[tuple[str, ...], tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, members in enumerate((a, b)):
        columns = [members.column(_COLUMNS[name]) for name in on if name != "task"]
        for place in range(len(members)):
            places[tuple(str(column[place]) for column in columns)][side].append(place)
    prompts = (a.column("prompt"), b.column("prompt"))
    pairs: list[tuple[int, int, float]] = []
    strata = []
    for key in sorted(places):
        ours, theirs = places[key]
        found = _by_task(ours, theirs, prompts) if "task" in on else _in_order(ours, theirs)
        pairs += found
        strata.append((", ".join(key) or "all", len(ours), len(theirs), len(found)))
    pairs.sort()
    return Matching(
        on,
        a.taken([i for i, _, _ in pairs]),
        b.taken([j for _, j, _ in pairs]),
        tuple(alike for _, _, alike in pairs),
        _left_out(a, {i for i, _, _ in pairs}),
        _left_out(b, {j for _, j, _ in pairs}),
        sum(prompt is None for side in prompts for prompt in side) if "task" in on else 0,
        tuple(strata),
    )


def _left_out(members: Members, kept: set[int]) -> tuple[SessionId, ...]:
    return tuple(key for place, key in enumerate(members.keys) if place not in kept)


def _in_order(ours: list[int], theirs: list[int]) -> list[tuple[int, int, float]]:
    count = min(len(ours), len(theirs))
    return [(i, j, float("nan")) for i, j in zip(ours[len(ours) - count :], theirs[:count], strict=True)]


def _by_task(
    ours: list[int], theirs: list[int], prompts: tuple[list[str | None], list[str | None]]
) -> list[tuple[int, int, float]]:
    if not ours or not theirs:
        return []
    alike = likeness([prompts[0][i] for i in ours], [prompts[1][j] for j in theirs])
    rows, columns = np.nonzero(alike >= ALIKE)
    order = np.lexsort((columns, rows, -alike[rows, columns]))
    free_rows, free_columns = set(range(len(ours))), set(range(len(theirs)))
    found = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row in free_rows and column in free_columns:
            free_rows.discard(row)
            free_columns.discard(column)
            found.append((ours[row], theirs[column], float(alike[row, column])))
            if not free_rows or not free_columns:
                break
    return found
