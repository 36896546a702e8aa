"""From claims to the tables of waste: `waste_findings` and `waste_labels`.

Reads `int_waste_targets` of the connection it is given, and the ledger's layout. What is claimed, and why, is decided
in SQL; what it cost, in `cells`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from her_models.ledger.layout import Layout as Ledger
from her_models.ledger.position import CLASSES, Ints
from her_models.ledger.thread import prompt_tokens
from her_models.waste.cells import PIECES, BlockClaim, Cells, Layout, OutputClaim, RowClaim, resolve
from her_models.waste.rules import LABELS, labels_of_ranks, unclaimed_label
from her_models.waste.tables import WASTE_COLUMNS, column_type

if TYPE_CHECKING:
    import duckdb

_TYPES = {"string": pa.string(), "double": pa.float64(), "bool": pa.bool_(), "int64": pa.int64()}
_MISSED = [number for number, piece in enumerate(PIECES) if piece.startswith("missed_")]


def build(con: duckdb.DuckDBPyConnection, layout: Ledger) -> None:
    """Build the tables of `WASTE_COLUMNS` on `con` as temporary tables."""
    for name, rows in _resolved(con, grid(layout)).items():
        columns = {column: pa.array(rows[column], _TYPES[column_type(column)]) for column in WASTE_COLUMNS[name]}
        con.register(f"{name}_arrow", pa.table(columns))
        con.execute(f"create or replace temp table {name} as select * from {name}_arrow")
        con.unregister(f"{name}_arrow")


def grid(layout: Ledger) -> Layout:
    """Return the ledger's layout as plain columns, with what each block is that nobody claims."""
    codes = np.array([LABELS.index(unclaimed_label(block.kind)) for block in layout.blocks], np.int64)
    written = [
        (share.block, place, share.tokens)
        for place, at in enumerate(layout.places)
        for share in layout.shares[at.thread][at.call]
        if share.tokens
    ]
    blocks, rows, tokens = np.array(written, np.int64).reshape(-1, 3).T
    return Layout(
        prompts=layout.prompts,
        prompt_ends=np.array([prompt_tokens(call) for call in layout.calls], np.int64),
        is_owned=layout.owned.astype(bool),
        row_segments=np.array([place.segment for place in layout.places], np.int64),
        entry_segments=layout.entry_segments,
        entry_slots=layout.entry_blocks,
        entry_sizes=layout.entry_sizes,
        entry_labels=codes[layout.entry_blocks],
        output_slots=blocks,
        output_rows=rows,
        output_tokens=tokens,
        output_labels=codes[blocks],
        output_prices=layout.column("standard_output_picodollars") * layout.owned,
    )


def _resolved(con: duckdb.DuckDBPyConnection, layout: Layout) -> dict[str, dict[str, Any]]:
    blocks, outputs, rows = [], [], []
    findings_count = 0
    for number, rank, target, slot, place, low, high, keeps_new, keeps_output in con.execute(
        "select finding_number, rank, target, slot_index, place_index, part_low, part_high, keeps_new, keeps_output"
        " from int_waste_targets order by all"
    ).fetchall():
        findings_count = max(findings_count, number + 1)
        if target == "block":
            blocks.append(BlockClaim(slot, rank, number, low, high, place or 0))
        elif target == "output":
            outputs.append(OutputClaim(slot, rank, number, high - low))
        else:
            rows.append(RowClaim(place, rank, number, keeps_new, keeps_output))
    cells = resolve(
        layout,
        blocks,
        outputs,
        rows,
        labels_count=len(LABELS),
        findings_count=findings_count,
        labels_of_ranks=np.array(labels_of_ranks(), np.int64),
    )
    return {
        "waste_findings": _finding_rows(cells),
        "waste_labels": _label_rows(layout, cells),
    }


def _by_class(tokens: Ints) -> dict[str, Ints]:
    """Add up the pieces of the last axis to price classes, and to what was missed."""
    found = {
        f"{name}_tokens": tokens[..., [n for n, piece in enumerate(PIECES) if piece.endswith(name)]].sum(axis=-1)
        for name in CLASSES
    }
    return found | {"missed_tokens": tokens[..., _MISSED].sum(axis=-1)}


def _finding_rows(cells: Cells) -> dict[str, Any]:
    return {
        "finding_number": np.arange(len(cells.finding_output)),
        **_by_class(cells.finding_tokens),
        "output_tokens": cells.finding_output,
        "row_tokens": cells.finding_row_tokens,
        "content_picodollars": cells.finding_content,
        "cache_picodollars": cells.finding_cache,
        "output_picodollars": cells.finding_output_content,
        "row_picodollars": cells.finding_row_content,
    }


def _label_rows(layout: Layout, cells: Cells) -> dict[str, Any]:
    total = cells.label_tokens.sum(axis=2) + cells.label_output
    row, label = np.nonzero(total)
    columns: dict[str, Any] = {"place_index": row, "label": [LABELS[code] for code in label.tolist()]}
    columns |= _by_class(cells.label_tokens[row, label])
    output = cells.label_output[row, label]
    columns["output_tokens"] = output
    columns["content_picodollars"] = cells.label_content[row, label] + output * layout.output_prices[row]
    return columns
