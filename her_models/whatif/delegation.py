"""Handing a run of requests that only read and search to a subagent: what that spares, and what the subagent costs.

What belongs here: finding such runs, and the bill of a subagent that never was. What does not: how the main
conversation goes on without them (`replay`).

A run is a series of requests of the main conversation that did nothing but read. Instead, the first of them asks a
subagent, and what comes back is a report. The subagent makes the same calls, on top of a system prompt of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from her_models.whatif.policies import replaced_sizes
from her_models.whatif.reading import assumptions
from her_models.whatif.replay import Plan, no_change
from her_models.whatif.sequence import Sequence

READING_TOOLS = frozenset({"Read", "Grep", "Glob", "LS", "NotebookRead", "View", "GrepTool", "GlobTool"})


@dataclass(frozen=True)
class Run:
    """Requests `first` to `last` did nothing but read; `after` takes in what the last of them asked for."""

    first: int
    last: int

    @property
    def after(self) -> int:
        return self.last + 1


def reading_runs(seq: Sequence, shortest: int) -> list[Run]:
    """Return the runs of at least `shortest` requests in which the main conversation only read."""
    written: dict[int, list[str]] = {}
    for block in seq.blocks:
        if block.kind == "tool_call" and block.writer >= 0:
            written.setdefault(block.writer, []).append(block.tool_name or "")
    runs = []
    begun = -1
    for place in range(len(seq) + 1):
        reads = place < len(seq) and _only_reads(seq, place, written)
        goes_on = reads and begun >= 0 and _follows(seq, place)
        if begun >= 0 and not goes_on:
            last = place - 1
            if last - begun + 1 >= shortest and place < len(seq) and _follows(seq, place):
                runs.append(Run(begun, last))
            begun = -1
        if reads and begun < 0:
            begun = place
    return runs


def _only_reads(seq: Sequence, place: int, written: Mapping[int, list[str]]) -> bool:
    tools = written.get(place, [])
    is_main = seq.calls[place].thread_id == "" and bool(seq.owned[place])
    return is_main and bool(tools) and all(tool in READING_TOOLS for tool in tools)


def _follows(seq: Sequence, place: int) -> bool:
    """Whether a request goes on from the one before it: same thread, same lineage, same turn, only grown."""
    this, before = seq.calls[place], seq.calls[place - 1]
    return (
        seq.thread[place] == seq.thread[place - 1]
        and (this.lineage_index, this.turn_index) == (before.lineage_index, before.turn_index)
        and bool(seq.persisting[place] >= seq.end[place - 1])
    )


def delegated(seq: Sequence, runs: list[Run], report_tokens: int) -> Plan:
    """Return the plan in which a subagent does each run and reports in `report_tokens`."""
    known = assumptions()["delegation"]
    plan = no_change(seq)
    extra = np.zeros(len(seq.sessions), np.int64)
    prefixes = _prefixes(seq, int(known["prefix_tokens"]))
    entered = _entered(seq)
    left: dict[int, int] = {}
    for run in runs:
        session = int(seq.session[run.first])
        extra[session] += _subagent_picodollars(seq, run, prefixes[session], int(known["brief_tokens"]), report_tokens)
        gone = [
            block
            for place in range(run.first + 1, run.after + 1)
            for block in entered.get(place, ())
            if seq.blocks[block].kind in ("tool_call", "tool_result", "text", "thinking", "image")
        ]
        left.update(dict.fromkeys(gone, 0))
        if gone:  # brief and report stand where the largest of it stood
            largest = max(gone, key=lambda block: seq.blocks[block].size)
            left[largest] = min(int(known["brief_tokens"]) + report_tokens, seq.blocks[largest].size)
        plan.output[run.first] = int(known["brief_tokens"])
        plan.output[run.first + 1 : run.after] = 0
        plan.dropped[run.first + 1 : run.after] = True
    plan.sizes = replaced_sizes(seq, left)
    plan.extra = extra
    return plan


def _entered(seq: Sequence) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    seen: set[int] = set()
    for block, place in zip(seq.entry_block.tolist(), seq.first_places().tolist(), strict=True):
        if place >= 0 and block not in seen:
            seen.add(block)
            found.setdefault(place, []).append(block)
    return found


def _prefixes(seq: Sequence, otherwise: int) -> list[int]:
    """Return, per session, the shortest first prompt of its own subagents, or what is taken for granted."""
    shortest = [0] * len(seq.sessions)
    for place in np.flatnonzero(seq.first_of_thread()).tolist():
        if seq.calls[place].thread_id:
            session, end = int(seq.session[place]), int(seq.end[place])
            shortest[session] = min(shortest[session] or end, end)
    return [found or otherwise for found in shortest]


def _subagent_picodollars(seq: Sequence, run: Run, prefix: int, brief: int, report: int) -> int:
    """Return what a subagent is billed for a run: what is new is written for five minutes, the rest read."""
    total, standing = 0, 0
    for place in range(run.first, run.after + 1):
        read, _, five, _, output = seq.prices[place].tolist()
        grown = prefix + brief if place == run.first else int(seq.end[place] - seq.end[place - 1])
        written = report if place == run.after else int(seq.output[place])
        total += standing * read + max(grown, 0) * five + written * output
        standing += max(grown, 0)
    return total
