"""Cells: whatever is claimed, each token is labelled once, and labels and findings cost what was billed, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from her_models.ledger.build import ledger_tables
from her_models.ledger.layout import Layout
from her_models.ledger.position import Prices, Prompts
from her_models.ledger.thread import prompt_tokens
from her_models.waste.build import grid
from her_models.waste.cells import PIECES, BlockClaim, Cells, OutputClaim, RowClaim, resolve
from her_models.waste.cells import Layout as Columns
from her_models.waste.rules import LABELS
from tests.ledger.test_conservation import read, thread_rows

RANKS = {1: LABELS.index("C1"), 5: LABELS.index("C5"), 13: LABELS.index("C13"), 20: -1}
"""The last is a hint: priced, but no label."""
LABEL_OF_RANK = np.array([RANKS.get(rank, -1) for rank in range(21)])


def test_a_needless_request_spares_what_it_is_the_first_to_hold():
    counts = {name: np.array(values) for name, values in (("zero", [0, 0]), ("read", [0, 100]), ("written", [100, 80]))}
    prices = Prices(*(np.array([price, price]) for price in (1, 20, 12, 10)))
    prompts = Prompts(
        counts["read"],
        counts["written"],
        counts["zero"],
        counts["zero"],
        counts["read"],
        prices,
        prices,
        counts["zero"],
    )
    useful = LABELS.index("S")
    layout = Columns(
        prompts=prompts,
        prompt_ends=np.array([100, 180]),
        is_owned=np.array([True, True]),
        row_segments=counts["zero"],
        entry_segments=np.array([0, 0, 0]),
        entry_slots=np.array([0, 1, 2]),
        entry_sizes=np.array([100, 50, 30]),
        entry_labels=np.array([useful] * 3),
        output_slots=np.array([3]),
        output_rows=np.array([1]),
        output_tokens=np.array([7]),
        output_labels=np.array([useful]),
        output_prices=np.array([50, 50]),
    )
    for keeps, spared in ((True, 50), (False, 0)):
        cells = resolve(
            layout, [BlockClaim(2, 5, 0)], [], [RowClaim(1, 5, 0, keeps, keeps)],
            labels_count=len(LABELS), findings_count=1, labels_of_ranks=LABEL_OF_RANK,
        )  # fmt: skip
        assert cells.label_tokens.sum(axis=2)[1, useful] == spared
        assert cells.label_output[1, useful] == (7 if keeps else 0)
        assert cells.finding_content[0] == 100 * 1 + (80 - spared) * 20
        # Where nothing is spared the request takes the claimed block too: what it was billed is an exact figure.
        assert cells.finding_row_content[0] == 100 * 1 + (0 if keeps else 80) * 20


@st.composite
def claimed_layouts(draw: st.DrawFn) -> tuple[Layout, list[BlockClaim], list[OutputClaim], list[RowClaim]]:
    rows = [draw(thread_rows()), draw(thread_rows(thread_id="agent"))]
    layout = Layout([read(pair) for pair in rows])
    assume(layout.blocks)
    slots, places = st.integers(0, len(layout.blocks) - 1), st.integers(0, len(layout.places) - 1)
    ranks = st.sampled_from(sorted(RANKS))
    number = iter(range(100))
    blocks, outputs, requests = [], [], []
    for _ in range(draw(st.integers(0, 6))):
        low, high = sorted(draw(st.tuples(*(st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]),) * 2)))
        blocks.append(BlockClaim(draw(slots), draw(ranks), next(number), low, high, draw(st.just(0) | places)))
    for _ in range(draw(st.integers(0, 4))):
        outputs.append(OutputClaim(draw(slots), draw(ranks), next(number), draw(st.sampled_from([0.1, 0.7, 1.0]))))
    for _ in range(draw(st.integers(0, 4))):
        requests.append(RowClaim(draw(places), draw(ranks), next(number), draw(st.booleans()), draw(st.booleans())))
    return layout, blocks, outputs, requests


def resolved(given_claims: tuple[Layout, list[BlockClaim], list[OutputClaim], list[RowClaim]]) -> Cells:
    layout, blocks, outputs, rows = given_claims
    return resolve(
        grid(layout), blocks, outputs, rows, labels_count=len(LABELS), findings_count=100, labels_of_ranks=LABEL_OF_RANK
    )


@settings(max_examples=50)
@given(claimed_layouts())
def test_labels_add_up_to_what_each_request_was_billed(
    given_claims: tuple[Layout, list[BlockClaim], list[OutputClaim], list[RowClaim]],
) -> None:
    layout, cells = given_claims[0], resolved(given_claims)
    assert cells.label_tokens.min(initial=0) >= 0
    assert cells.label_output.min(initial=0) >= 0
    content = {(row["thread_id"], row["request_id"], row["call_index"]): row for row in calls_of(layout)}
    for row, call in enumerate(layout.calls):
        tokens = cells.label_tokens[row].sum(axis=0)
        by_class = [
            sum(int(tokens[at]) for at, piece in enumerate(PIECES) if piece.endswith(name))
            for name in ("cache_read", "cache_write_1h", "cache_write_5m", "uncached")
        ]
        owned = bool(call["is_owned"])
        names = ("cache_read_tokens", "cache_write_1h_tokens", "cache_write_5m_tokens", "uncached_input_tokens")
        assert by_class == [call[name] * owned for name in names]
        assert int(cells.label_output[row].sum()) == call["output_tokens"] * owned
        if owned and call["output_picodollars"] is not None:
            paid = content[(call["thread_id"], call["request_id"], call["call_index"])]["content_picodollars"]
            output = call["output_tokens"] * call["standard_output_picodollars"]
            assert int(cells.label_content[row].sum()) + output == paid


def calls_of(layout: Layout) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ledger_tables(layout)["ledger_calls"].to_pylist()
    return rows


@settings(max_examples=50)
@given(claimed_layouts())
def test_findings_that_count_cost_what_is_labelled_waste(
    given_claims: tuple[Layout, list[BlockClaim], list[OutputClaim], list[RowClaim]],
) -> None:
    layout, cells = given_claims[0], resolved(given_claims)
    ranks = {claim.finding: claim.rank for claims in given_claims[1:] for claim in claims}  # type: ignore[union-attr]
    prices = layout.column("standard_output_picodollars") * layout.owned
    for rank, label in RANKS.items():
        if label < 0:
            continue
        mine = [finding for finding, of in ranks.items() if of == rank]
        tokens, output = cells.finding_tokens[mine].sum(), cells.finding_output[mine].sum()
        assert tokens == cells.label_tokens[:, label].sum()
        assert output == cells.label_output[:, label].sum()
        assert cells.finding_content[mine].sum() == cells.label_content[:, label].sum()
        assert cells.finding_output_content[mine].sum() == (cells.label_output[:, label] * prices).sum()


@settings(max_examples=40)
@given(claimed_layouts())
def test_each_cell_has_the_label_of_the_first_claim_that_reaches_it(
    given_claims: tuple[Layout, list[BlockClaim], list[OutputClaim], list[RowClaim]],
) -> None:
    layout, blocks, _, rows = given_claims
    cells = resolved(given_claims)
    expected = np.zeros((len(layout.places), len(LABELS)), np.int64)
    plain = grid(layout).entry_labels
    seen: set[int] = set()  # blocks that an earlier prompt held
    for number, place in enumerate(layout.places):
        segment, call = layout.segments[place.segment], layout.call(number)
        row = min(((claim.rank, claim.finding, claim.keeps_new) for claim in rows if claim.row == number), default=None)
        position, held = 0, set()
        for entry in segment.entries:
            slot, size = int(layout.entry_blocks[entry]), int(layout.entry_sizes[entry])
            count = max(0, min(size, prompt_tokens(call) - position))
            position += size
            ranks = np.full(size, 99)
            for claim in sorted(blocks, key=lambda claim: claim.rank, reverse=True):
                if claim.slot == slot and claim.from_row <= number:
                    ranks[round(claim.low * size) : round(claim.high * size)] = claim.rank
            if row is not None:
                is_kept = row[2] and slot not in seen and count > 0
                ranks = np.where((row[0] < ranks) & ~(is_kept & (ranks >= 20)), row[0], ranks)
            if count:
                held.add(slot)
            labels = np.array([RANKS.get(rank, -1) for rank in ranks[:count].tolist()], np.int64)
            labels = np.where(labels < 0, plain[entry], labels)
            if call["is_owned"]:
                expected[number] += np.bincount(labels, minlength=len(LABELS))
        seen |= held
    assert (cells.label_tokens.sum(axis=2) == expected).all()
