"""What-ifs of tools: a server that is not connected, and definitions that are fetched only when wanted."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from her_models.whatif.claims import Claims
from her_models.whatif.sequence import Sequence
from her_models.whatif.table import Found, found_policies
from tests.whatif.made import Step, sequence

# Opus 5.5, an hour: three definitions stand before the talk, and one of them is called.
STEPS = (
    Step(
        0,
        hour=10_000,
        output=100,
        adds=[("system", 6_000), ("schema board", 3_000), ("schema tracker", 988), ("schema tiny", 12)],
        wrote=[("call", 100)],
    ),
    Step(10_000, hour=1_000, output=50, adds=[("call", 100), ("result", 900)]),
)
NAMES = {"board": "mcp__board__list", "tracker": "mcp__tracker__get", "tiny": "Sleep"}


@pytest.fixture
def connected() -> Sequence:
    seq = sequence(*STEPS)
    blocks = [
        replace(block, kind="tool_schema", label=NAMES[block.label.split()[1]])
        if block.kind == "schema"
        else replace(block, kind="tool_call", tool_name="mcp__tracker__get")
        if block.kind == "call"
        else block
        for block in seq.blocks
    ]
    return replace(seq, blocks=tuple(blocks))


def tools(seq: Sequence) -> dict[str, Found]:
    found = found_policies(seq, Claims([], {}), {})
    return {one.policy: one for one in found if one.family == "tools"}


def saved(found: Found) -> Decimal:
    return Decimal(int(found.saving[0])).scaleb(-12)


def test_a_server_that_nobody_used_costs_what_its_definitions_cost_to_write_and_to_read(connected: Sequence) -> None:
    """3,000 tokens, written once at 8 dollars per million and read once at 0.20."""
    board = tools(connected)["server.board"]
    assert saved(board) == Decimal("0.024") + Decimal("0.0006")
    assert (board.confidence, board.parameters["is_used"]) == ("estimated", False)
    assert board.note.endswith("not used here")


def test_a_server_that_was_used_is_a_guess_and_the_note_says_why(connected: Sequence) -> None:
    tracker = tools(connected)["server.tracker"]
    assert saved(tracker) == Decimal("0.0081016")  # 988 tokens at 8 and at 0.20
    assert (tracker.confidence, tracker.parameters["is_used"]) == ("heuristic", True)
    assert "would have to be done otherwise" in tracker.note


def test_a_server_that_is_dropped_takes_its_instructions_with_it(connected: Sequence) -> None:
    """3,000 tokens of definitions and 500 of instructions, which stand in the system prompt: 3,500 at 8 and at 0.20."""
    system = next(number for number, block in enumerate(connected.blocks) if block.kind == "system")
    given = Claims([], {}, {system: {"board": 500, "tracker": 12}})
    found = {one.policy: one for one in found_policies(connected, given, {}) if one.family == "tools"}
    assert saved(found["server.board"]) == Decimal("0.028") + Decimal("0.0007")
    assert saved(found["server.tracker"]) == Decimal("0.0082")  # 988 and 12 tokens
    assert (
        found["server.board"].note == "definitions of the server's tools and its instructions left out; not used here"
    )


def test_a_server_of_which_only_instructions_are_shown_is_dropped_with_these(connected: Sequence) -> None:
    blocks = tuple(replace(block, kind="listing", label="") for block in connected.blocks)
    given = Claims([], {}, {0: {"board": 1_000}})
    (found,) = (one for one in found_policies(replace(connected, blocks=blocks), given, {}) if one.family == "tools")
    assert (found.policy, saved(found)) == ("server.board", Decimal("0.0082"))
    assert found.note.startswith("the server's instructions left out; no line shows the definitions of its tools")


def test_the_saving_of_a_server_is_as_sure_as_the_sizes_of_what_it_brought(connected: Sequence) -> None:
    """Its 3,000 tokens may be 2,400 or 4,500: at 8.20 per million, 0.01968 to 0.0369."""
    blocks = tuple(
        replace(block, low_ratio=0.8, high_ratio=1.5) if block.label == NAMES["board"] else block
        for block in connected.blocks
    )
    board = tools(replace(connected, blocks=blocks))["server.board"]
    assert (int(board.low[0]), int(board.high[0])) == (19_680_000_000, 36_900_000_000)


def test_deferred_are_tools_that_were_never_called_and_their_names_stay(connected: Sequence) -> None:
    """Of 3,000 tokens a name of 12 stays; what is no longer than a name, or was called, stays as it is."""
    deferred = tools(connected)["defer.tools"]
    assert saved(deferred) == Decimal("0.0245016")  # 2,988 tokens at 8 and at 0.20
    assert deferred.parameters == {"tools": 1}


def test_without_definitions_in_the_log_no_what_if_of_tools_is_made(connected: Sequence) -> None:
    blocks = tuple(replace(block, kind="system", label="") for block in connected.blocks)
    assert tools(replace(connected, blocks=blocks)) == {}


def test_sessions_that_use_a_server_and_those_that_do_not_are_told_apart(connected: Sequence) -> None:
    """Two sessions with the same definitions, of which the second calls nothing: two rows of one policy."""
    count = len(connected.calls)

    def twice(column: np.ndarray) -> np.ndarray:
        return np.concatenate([column, column])

    second = tuple(
        replace(
            block,
            session=1,
            kind="result" if block.kind == "tool_call" else block.kind,
            writer=block.writer + count if block.writer >= 0 else -1,
        )
        for block in connected.blocks
    )
    given = {
        name: twice(value)
        for name, value in vars(connected).items()
        if isinstance(value, np.ndarray)
        and name not in ("entry_block", "entry_segment", "session", "thread", "segment", "base")
    }
    length = int(connected.entry_size.sum())
    both = replace(
        connected,
        **given,
        sessions=(("s", "one"), ("s", "two")),
        session=np.repeat([0, 1], count),
        thread=np.repeat([0, 1], count),
        segment=np.repeat([0, 1], count),
        base=np.repeat([0, length], count),
        entry_block=np.concatenate([connected.entry_block, connected.entry_block + len(connected.blocks)]),
        entry_segment=np.concatenate([connected.entry_segment, connected.entry_segment + 1]),
        calls=connected.calls * 2,
        blocks=connected.blocks + second,
    )
    rows = [one for one in found_policies(both, Claims([], {}), {}) if one.policy == "server.tracker"]
    assert [(one.parameters["is_used"], one.touched.tolist()) for one in rows] == [
        (False, [False, True]),
        (True, [True, False]),
    ]
    assert {int(one.saving.sum()) for one in rows} == {8_101_600_000}
