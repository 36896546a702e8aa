"""Claims against positions: each cell of a bill gets at most one label, and every label its exact price.

A *cell* is one token of one prompt, or one token of output. Prompts lie on the ledger's common line: a row is a
call, a column a stretch of the line that one block, or a part of it, holds for as long as its segment lasts. A claim
takes a column from some row on, the output of a block, or a whole row. Where claims meet, the lowest rank wins.

Most cells were read from cache, each at the read price of its row. They are counted by differences along rows and
columns; only what was not read is looked at cell by cell, so that the matrix of columns and rows is never made.

Nothing here knows what a block or a label is; everything is integers in, integers out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from her_models.ledger.position import Ints, Prompts, pieces

Flags = npt.NDArray[np.bool_]

PIECES = (
    "cache_read",
    "missed_cache_write_1h",
    "cache_write_1h",
    "missed_cache_write_5m",
    "cache_write_5m",
    "missed_uncached",
    "uncached",
)
"""Price classes in the order of the prompt, each cut at the end of what should have been read from cache."""
_OPEN = 2**31


@dataclass(frozen=True)
class BlockClaim:
    """Part of a block, from some row on. `low` and `high` are shares of the block, 0 to 1."""

    slot: int
    rank: int
    finding: int
    low: float = 0.0
    high: float = 1.0
    from_row: int = 0


@dataclass(frozen=True)
class OutputClaim:
    """A share of the output that was billed for writing a block."""

    slot: int
    rank: int
    finding: int
    share: float = 1.0


@dataclass(frozen=True)
class RowClaim:
    """A whole request; what it is the first to hold, and its output, may keep their own labels."""

    row: int
    rank: int
    finding: int
    keeps_new: bool = False
    keeps_output: bool = False


@dataclass(frozen=True)
class Layout:
    """The ledger's layout: rows segment after segment, entries in the order of the line.

    `prompt_ends` are the prompts' true lengths; `prompts` hold zeros for rows that were not paid here.
    `entry_labels` and `output_labels` say what a cell is that nobody claims. `output_prices` are per row.
    """

    prompts: Prompts
    prompt_ends: Ints
    is_owned: Flags
    row_segments: Ints
    entry_segments: Ints
    entry_slots: Ints
    entry_sizes: Ints
    entry_labels: Ints
    output_slots: Ints
    output_rows: Ints
    output_tokens: Ints
    output_labels: Ints
    output_prices: Ints


@dataclass(frozen=True)
class Cells:
    """What the cells add up to.

    label_tokens   rows x labels x pieces
    label_content  rows x labels, picodollars of the content lane, output left out
    label_output   rows x labels, tokens of output
    finding_*      per finding: tokens by piece, output tokens, picodollars by lane, of those the prompts that it
                   made needless (`row`), and what was claimed where it entered (`entry`)
    """

    label_tokens: Ints
    label_content: Ints
    label_output: Ints
    finding_tokens: Ints
    finding_output: Ints
    finding_content: Ints
    finding_cache: Ints
    finding_output_content: Ints
    finding_row_tokens: Ints
    finding_row_content: Ints


@dataclass
class _Runs:
    """Stretches of the line with one label for a run of rows, in order of column and row."""

    column: list[int] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    label: list[int] = field(default_factory=list)
    rank: list[int] = field(default_factory=list)
    finding: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class _Columns:
    low: Ints
    high: Ints
    segment: Ints
    slot: Ints
    label: Ints  # unclaimed
    claimed: dict[int, list[BlockClaim]]  # column -> claims on it, lowest rank first


def _split(layout: Layout, claims: Sequence[BlockClaim]) -> _Columns:
    """Cut claimed entries where claims begin and end; entries without tokens are left out."""
    by_slot: dict[int, list[BlockClaim]] = defaultdict(list)
    for claim in claims:
        by_slot[claim.slot].append(claim)
    ends = np.cumsum(layout.entry_sizes, dtype=np.int64)
    starts = ends - layout.entry_sizes
    is_claimed = np.isin(layout.entry_slots, np.fromiter(by_slot, np.int64, len(by_slot))) if by_slot else None
    held = layout.entry_sizes > 0
    whole = held if is_claimed is None else held & ~is_claimed
    low, high, source = [starts[whole]], [ends[whole]], [np.flatnonzero(whole)]
    parts: list[tuple[int, int, int, list[BlockClaim]]] = []
    if is_claimed is not None:
        for entry in np.flatnonzero(held & is_claimed).tolist():
            start, size = int(starts[entry]), int(layout.entry_sizes[entry])
            mine = [
                (round(claim.low * size), round(claim.high * size), claim)
                for claim in by_slot[int(layout.entry_slots[entry])]
            ]
            edges = sorted({0, size, *(edge for a, b, _ in mine for edge in (a, b) if 0 < edge < size)})
            for a, b in pairwise(edges):
                parts.append((start + a, start + b, entry, [claim for x, y, claim in mine if x <= a and y >= b]))
    low.append(np.array([part[0] for part in parts], np.int64))
    high.append(np.array([part[1] for part in parts], np.int64))
    source.append(np.array([part[2] for part in parts], np.int64))
    lows, highs, sources = np.concatenate(low), np.concatenate(high), np.concatenate(source)
    order = np.argsort(lows, kind="stable")
    first_part = len(sources) - len(parts)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    claimed = {
        int(place[first_part + number]): sorted(part[3], key=lambda claim: (claim.rank, claim.finding))
        for number, part in enumerate(parts)
        if part[3]
    }
    sources = sources[order]
    return _Columns(
        lows[order],
        highs[order],
        layout.entry_segments[sources],
        layout.entry_slots[sources],
        layout.entry_labels[sources],
        claimed,
    )


def _runs(columns: _Columns, first_rows: Ints, labels_of_ranks: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Return column, first row, label, rank and finding of each run; a column's last run lasts to its segment's end.

    A rank whose label is negative leaves the label of the column as it is.
    """
    claimed = np.zeros(len(columns.low), bool)
    claimed[list(columns.claimed)] = True
    free = np.flatnonzero(~claimed)
    runs = _Runs()
    for column, claims in columns.claimed.items():
        begins, own = int(first_rows[column]), int(columns.label[column])
        best: BlockClaim | None = None
        by_row = sorted(claims, key=lambda claim: (claim.from_row, claim.rank, claim.finding))
        if max(by_row[0].from_row, begins) > begins:
            _add(runs, column, begins, own, _OPEN, -1)
        for claim in by_row:
            if best is not None and (best.rank, best.finding) <= (claim.rank, claim.finding):
                continue
            best = claim
            named = int(labels_of_ranks[claim.rank])
            row = max(claim.from_row, begins)
            if runs.column and runs.column[-1] == column and runs.start[-1] == row:
                for values in (runs.column, runs.start, runs.label, runs.rank, runs.finding):
                    values.pop()
            _add(runs, column, row, own if named < 0 else named, claim.rank, claim.finding)
    at = np.concatenate([free, np.array(runs.column, np.int64)])
    start = np.concatenate([first_rows[free], np.array(runs.start, np.int64)])
    label = np.concatenate([columns.label[free], np.array(runs.label, np.int64)])
    rank = np.concatenate([np.full(len(free), _OPEN, np.int64), np.array(runs.rank, np.int64)])
    finding = np.concatenate([np.full(len(free), -1, np.int64), np.array(runs.finding, np.int64)])
    order = np.lexsort((start, at))
    return at[order], start[order], label[order], rank[order], finding[order]


def _add(runs: _Runs, column: int, start: int, label: int, rank: int, finding: int) -> None:
    runs.column.append(column)
    runs.start.append(start)
    runs.label.append(label)
    runs.rank.append(rank)
    runs.finding.append(finding)


def _add_at(target: Ints, at: Any, values: Any) -> None:
    np.add.at(target, at, values)


def _ranges(starts: Ints, stops: Ints) -> tuple[Ints, Ints]:
    """Return (which range, value) for every value of the half-open ranges."""
    counts = np.maximum(stops - starts, 0)
    which = np.repeat(np.arange(len(starts)), counts)
    begins = np.cumsum(counts) - counts
    return which, np.arange(len(which)) - begins[which] + starts[which]


def resolve(
    layout: Layout,
    blocks: Sequence[BlockClaim],
    outputs: Iterable[OutputClaim],
    rows: Iterable[RowClaim],
    *,
    labels_count: int,
    findings_count: int,
    labels_of_ranks: Ints,
) -> Cells:
    """Return tokens and money by row and label, and by finding.

    Args:
        labels_of_ranks: label that a claim of each rank gives, or -1 where a claim is priced but changes no label.

    For each row the labels' tokens add up to the tokens paid, class by class, and their money to the row's content
    lane; each cell is in at most one finding.
    """
    prompts = layout.prompts
    rows_count = len(prompts)
    weights = layout.is_owned.astype(np.int64)
    columns = _split(layout, blocks)
    held = _held_ends(layout)
    segment_rows = np.searchsorted(layout.row_segments, np.arange(int(layout.row_segments.max(initial=-1)) + 2))
    first_rows = _first_rows(columns, held, segment_rows)
    run_column, run_start, run_label, run_rank, run_finding = _runs(columns, first_rows, labels_of_ranks)
    run_stop = np.minimum(
        np.append(np.where(run_column[1:] == run_column[:-1], run_start[1:], _OPEN), _OPEN),
        segment_rows[columns.segment[run_column] + 1],
    )
    size = (columns.high - columns.low)[run_column]
    read = prompts.standard.cache_read * weights

    label_tokens = np.zeros((rows_count, labels_count, len(PIECES)), np.int64)
    finding_tokens = np.zeros((findings_count, len(PIECES)), np.int64)
    finding_content = np.zeros(findings_count, np.int64)
    finding_cache = np.zeros(findings_count, np.int64)
    finding_row_tokens = np.zeros(findings_count, np.int64)
    finding_row_content = np.zeros(findings_count, np.int64)

    # As if everything had been read from cache, in every row that was paid.
    steps = np.zeros((rows_count + 1, labels_count), np.int64)
    lasting = run_stop > run_start
    _add_at(steps, (run_start[lasting], run_label[lasting]), size[lasting])
    _add_at(steps, (run_stop[lasting], run_label[lasting]), -size[lasting])
    label_tokens[:, :, 0] = np.cumsum(steps[:-1], axis=0) * weights[:, None]
    counts = np.concatenate([np.zeros(1, np.int64), np.cumsum(weights)])
    money = np.concatenate([np.zeros(1, np.int64), np.cumsum(read)])
    found = lasting & (run_finding >= 0)
    _add_at(
        finding_tokens[:, 0], run_finding[found], size[found] * (counts[run_stop[found]] - counts[run_start[found]])
    )
    _add_at(finding_content, run_finding[found], size[found] * (money[run_stop[found]] - money[run_start[found]]))

    # What was not read whole, and every cell of a claimed row, one by one.
    row_rank, row_finding, keeps_new, row_label = _row_claims(rows, rows_count, labels_of_ranks)
    is_taken = (row_finding >= 0) & layout.is_owned
    column_starts = np.searchsorted(columns.segment, layout.row_segments, side="left")
    read_end = prompts.base + prompts.cache_read
    begin = np.where(is_taken, column_starts, np.searchsorted(columns.high, read_end, side="right"))
    begin = np.maximum(begin, column_starts)
    stop = np.where(layout.is_owned, np.searchsorted(columns.low, held, side="left"), 0)
    parts = pieces(prompts)
    new_rows = _slot_rows(columns, first_rows)
    key = run_column * (rows_count + 1) + run_start
    run_counts = (run_finding >= 0) & (np.append(labels_of_ranks, -1)[np.minimum(run_rank, len(labels_of_ranks))] >= 0)
    for rows_now in _chunks(np.maximum(stop - begin, 0)):
        which, column = _ranges(begin[rows_now], stop[rows_now])
        row = rows_now[which]
        run = np.searchsorted(key, column * (rows_count + 1) + row, side="right") - 1
        label, rank, finding = run_label[run], run_rank[run], run_finding[run]
        width = columns.high[column] - columns.low[column]
        _add_at(label_tokens, (row, label, 0), -width)
        mine = finding >= 0
        _add_at(finding_tokens, (finding[mine], 0), -width[mine])
        _add_at(finding_content, finding[mine], -width[mine] * read[row[mine]])
        is_new = new_rows[column] == row
        # A request claimed with all that it brought in is an exact figure: it yields nothing to its own label.
        is_won = (row_rank[row] < rank) | ((row_rank[row] == rank) & ~keeps_new[row])
        taken = is_taken[row] & is_won & ~(keeps_new[row] & is_new & ~run_counts[run])
        named = taken & (row_label[row] >= 0)
        label = np.where(named, row_label[row], label)
        finding = np.where(taken, row_finding[row], finding)
        mine = finding >= 0
        for piece, (_, piece_low, piece_high, content, cache, _, _) in enumerate(parts):
            tokens = np.minimum(piece_high[row], columns.high[column]) - np.maximum(piece_low[row], columns.low[column])
            some = tokens > 0
            _add_at(label_tokens, (row[some], label[some], piece), tokens[some])
            some &= mine
            to, at, count = finding[some], row[some], tokens[some]
            _add_at(finding_tokens, (to, piece), count)
            _add_at(finding_content, to, count * content[at])
            _add_at(finding_cache, to, count * cache[at])
            some &= taken
            _add_at(finding_row_tokens, finding[some], tokens[some])
            _add_at(finding_row_content, finding[some], tokens[some] * content[row[some]])
    prices = np.stack([part[3] for part in parts], axis=1)
    label_content = (label_tokens * prices[:, None, :]).sum(axis=2)
    label_output, finding_output, finding_output_content = _outputs(
        layout, outputs, rows, labels_count, findings_count, labels_of_ranks
    )
    return Cells(
        label_tokens,
        label_content,
        label_output,
        finding_tokens,
        finding_output,
        finding_content,
        finding_cache,
        finding_output_content,
        finding_row_tokens,
        finding_row_content,
    )


_CHUNK = 1_000_000


def _chunks(counts: Ints) -> Iterable[Ints]:
    """Divide the rows into runs of about a million cells to look at, so that memory stays bounded."""
    chunk = np.cumsum(counts) // _CHUNK
    edges = np.searchsorted(chunk, np.arange(int(chunk[-1]) + 2)) if len(chunk) else np.zeros(1, np.int64)
    return (np.arange(a, b) for a, b in pairwise(edges.tolist()))


def _held_ends(layout: Layout) -> Ints:
    """Return, per row, the end of the longest prompt of its segment so far, on the common line."""
    ends = layout.prompts.base + layout.prompt_ends
    return np.maximum.accumulate(ends) if len(ends) else ends


def _first_rows(columns: _Columns, held: Ints, segment_rows: Ints) -> Ints:
    """Return the first row whose prompt reaches into each column."""
    rows: Ints = np.maximum(np.searchsorted(held, columns.low, side="right"), segment_rows[columns.segment])
    return rows


def _slot_rows(columns: _Columns, first_rows: Ints) -> Ints:
    """Return, per column, the first row that held its block in any segment."""
    if not len(columns.slot):
        return first_rows
    earliest = np.full(int(columns.slot.max()) + 1, _OPEN, np.int64)
    np.minimum.at(earliest, columns.slot, first_rows)
    return earliest[columns.slot]


def _row_claims(claims: Iterable[RowClaim], rows_count: int, labels_of_ranks: Ints) -> tuple[Ints, Ints, Flags, Ints]:
    """Return rank, finding, whether new blocks keep theirs, and label of the claim that wins each row."""
    rank, finding = np.full(rows_count, _OPEN, np.int64), np.full(rows_count, -1, np.int64)
    keeps, label = np.zeros(rows_count, bool), np.full(rows_count, -1, np.int64)
    for claim in sorted(claims, key=lambda claim: (claim.rank, claim.finding), reverse=True):
        rank[claim.row], finding[claim.row] = claim.rank, claim.finding
        keeps[claim.row], label[claim.row] = claim.keeps_new, labels_of_ranks[claim.rank]
    return rank, finding, keeps, label


def _outputs(
    layout: Layout,
    claims: Iterable[OutputClaim],
    rows: Iterable[RowClaim],
    labels_count: int,
    findings_count: int,
    labels_of_ranks: Ints,
) -> tuple[Ints, Ints, Ints]:
    """Return output tokens by row and label, and tokens and picodollars by finding."""
    by_slot: dict[int, list[OutputClaim]] = defaultdict(list)
    for claim in claims:
        by_slot[claim.slot].append(claim)
    by_row: dict[int, list[RowClaim]] = defaultdict(list)
    for row_claim in rows:
        if not row_claim.keeps_output:
            by_row[row_claim.row].append(row_claim)
    tokens = np.zeros((len(layout.prompts), labels_count), np.int64)
    found, money = np.zeros(findings_count, np.int64), np.zeros(findings_count, np.int64)
    _add_at(tokens, (layout.output_rows, layout.output_labels), layout.output_tokens)
    if not by_slot and not by_row:
        return tokens, found, money
    slots, at = layout.output_slots.tolist(), layout.output_rows.tolist()
    for number in range(len(slots)):
        mine: list[tuple[int, int, float]] = [(c.rank, c.finding, c.share) for c in by_slot.get(slots[number], ())]
        mine += [(c.rank, c.finding, 1.0) for c in by_row.get(at[number], ())]
        if not mine:
            continue
        row, whole = at[number], int(layout.output_tokens[number])
        left, own = whole, int(layout.output_labels[number])
        for rank, finding, share in sorted(mine):
            taken = min(round(share * whole), left)
            left -= taken
            label = int(labels_of_ranks[rank])
            if label >= 0:
                tokens[row, own] -= taken
                tokens[row, label] += taken
            found[finding] += taken
            money[finding] += taken * int(layout.output_prices[row])
    return tokens, found, money
