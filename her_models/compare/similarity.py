"""How alike prompts are, and which turns of two sessions belong together.

What belongs here: functions of texts and numbers. What does not: reading them, or drawing.

Likeness is that of the sets of words (Jaccard, 0 to 1): order and repetition say little about a task. It is a
guess about the task, and is told as one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
ALIKE = 0.5
"""From here on two prompts count as similar."""

_WORD = re.compile(r"\w+")
_LONGEST = 2000
_BY_CLIENT = re.compile(r"\s*<(?:command-|bash-|local-command-|user-memory-)")
_NEVER_A_TASK = re.compile(r"<command-name>\s*/?(?:clear|compact)\s*</command-name>")
_COMMAND = re.compile(r"\s*<command-(?:name|message)>")
_NAME = re.compile(r"<command-name>\s*/?(.*?)\s*</command-name>", re.DOTALL)
_ARGUMENTS = re.compile(r"<command-args>(.*?)(?:</command-args>|$)", re.DOTALL)


def task_of(prompt: str | None, requests_count: int | None) -> str | None:
    """Return a turn's prompt if it is a task; None where it is a command that the client did by itself.

    A command that the model answered is a task. `session_comparison.sql` finds first prompts by the same rule.
    """
    if prompt is None or not _BY_CLIENT.match(prompt):
        return prompt
    return prompt if requests_count and not _NEVER_A_TASK.search(prompt) else None


def as_typed(prompt: str) -> str:
    """Return a prompt as a person wrote it: `/review 12`, where the client logs that as markup."""
    name = _NAME.search(prompt) if _COMMAND.match(prompt) else None
    if name is None:
        return prompt
    arguments = _ARGUMENTS.search(prompt)
    return f"/{name[1]} {arguments[1] if arguments else ''}".strip()


def words(text: str | None) -> frozenset[str]:
    """Return the words of a prompt, lower case."""
    return frozenset(_WORD.findall(as_typed((text or "")[:_LONGEST]).lower()))


def likeness(a: Sequence[str | None], b: Sequence[str | None]) -> Floats:
    """Return how alike each prompt of `a` is to each of `b`; prompts without words are like nothing."""
    sets_a, sets_b = [words(text) for text in a], [words(text) for text in b]
    places = {word: place for place, word in enumerate(sorted(frozenset().union(*sets_a, *sets_b)))}
    shared = (_matrix(sets_a, places) @ _matrix(sets_b, places).T).toarray()
    sizes_a = np.array([len(one) for one in sets_a], float)[:, None]
    sizes_b = np.array([len(one) for one in sets_b], float)[None, :]
    union = sizes_a + sizes_b - shared
    return np.asarray(np.divide(shared, union, out=np.zeros(union.shape), where=union > 0), np.float64)


def _matrix(sets: Sequence[frozenset[str]], places: dict[str, int]) -> sparse.csr_array:
    columns = [places[word] for one in sets for word in sorted(one)]
    ends = np.cumsum([0, *(len(one) for one in sets)])
    return sparse.csr_array((np.ones(len(columns)), columns, ends), shape=(len(sets), len(places)))


def align(alike: Floats, least: float = ALIKE) -> list[tuple[int | None, int | None]]:
    """Return pairs of rows and columns in order, each at most once, that are at least `least` alike.

    Of all ways that keep both orders the one with the most likeness is taken. What has no partner stands alone, before
    the next pair.
    """
    rows, columns = alike.shape
    gain = np.where(alike >= least, alike, 0.0)
    best = np.zeros((rows + 1, columns + 1))
    for row in range(rows):
        diagonal = best[row, :-1] + gain[row]
        best[row + 1, 1:] = np.maximum.accumulate(np.maximum(best[row, 1:], diagonal))
    pairs: list[tuple[int | None, int | None]] = []
    row, column = rows, columns
    while row and column:
        if gain[row - 1, column - 1] and np.isclose(
            best[row, column], best[row - 1, column - 1] + gain[row - 1, column - 1]
        ):
            row, column = row - 1, column - 1
            pairs.append((row, column))
        elif best[row, column] == best[row, column - 1]:
            column -= 1
            pairs.append((None, column))
        else:
            row -= 1
            pairs.append((row, None))
    pairs += [(None, place) for place in range(column - 1, -1, -1)]
    pairs += [(place, None) for place in range(row - 1, -1, -1)]
    return pairs[::-1]
