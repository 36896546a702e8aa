"""Her's own proof: whether the parts of the ledger are the bill, and how much of it rests on estimates.

What belongs here: the question asked per session, its totals, and what explains a difference to the client's own
figure. What does not: how a part is counted (`ledger`, `sql/marts`), or drawing.

A difference between parts and bill is a fault of Her and must be 0. A difference to the client's total is none: the
client counts calls that it does not log, and does not count responses that were cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from her_models.report_queries import report_query

if TYPE_CHECKING:
    import duckdb

DIFFERENCES = (
    "lanes_difference_usd",
    "kinds_difference_usd",
    "blocks_difference_usd",
    "turns_difference_usd",
    "difference_tokens",
    "requests_differing_count",
)
"""Columns that are 0 in every row, or the ledger is wrong."""
_ROUNDING_USD = Decimal("0.00001")  # the client adds up in binary fractions
_USD = pa.decimal128(38, 12)


@dataclass(frozen=True)
class Totals:
    """All sessions together. Shares are of prompt tokens, 0 to 1; None where nothing was sent.

    `exact_ratio` + `estimated_ratio` + `static_ratio` + `hidden_ratio` are 1: blocks whose size growth alone binds,
    blocks that share a growth by estimates, system prompt and tools measured as one, and what no line shows.
    """

    sessions_count: int
    differing_sessions_count: int
    requests_count: int
    billed_usd: Decimal
    lanes_difference_usd: Decimal
    estimated_usd: Decimal
    estimated_unlogged_usd: Decimal
    client_sessions_count: int
    client_billed_usd: Decimal
    client_total_usd: Decimal
    prompt_tokens: int
    exact_ratio: float | None
    estimated_ratio: float | None
    static_ratio: float | None
    hidden_ratio: float | None
    identity_ratio: float | None
    floor_requests_count: int
    unpriced_requests_count: int

    @property
    def is_reconciled(self) -> bool:
        """Whether no session's parts differ from its bill."""
        return self.differing_sessions_count == 0


def reconciliation(con: duckdb.DuckDBPyConnection) -> pa.Table:
    """Return one row per session with a billed response, the dearest first.

    Columns: those of `sql/reports/reconciliation.sql`, shares of the prompt tokens (`exact_ratio`, `estimated_ratio`,
    `static_ratio`, `hidden_ratio`), `identity_ratio` (pairs of requests that read exactly what the one before had
    cached), `is_reconciled`, `is_floor`, and `client_difference_usd` with its explanation in words,
    `client_difference`; these are null where the client logged no total.
    """
    found = con.execute(report_query("reconciliation")).to_arrow_table()
    rows = found.to_pylist()
    columns: dict[str, pa.Array] = {
        "is_reconciled": pa.array([_is_reconciled(row) for row in rows], pa.bool_()),
        "is_floor": pa.array([bool(row["floor_requests_count"]) for row in rows], pa.bool_()),
    }
    for part in ("exact", "estimated", "static", "hidden"):
        ratios = [_ratio(row[f"{part}_tokens"], row["prompt_tokens"]) for row in rows]
        columns[f"{part}_ratio"] = pa.array(ratios, pa.float64())
    identity = [_ratio(row["identical_pairs_count"], row["pairs_count"]) for row in rows]
    columns["identity_ratio"] = pa.array(identity, pa.float64())
    columns["client_difference_usd"] = pa.array([_client_difference(row) for row in rows], _USD)
    columns["client_difference"] = pa.array([client_difference(row) for row in rows], pa.string())
    for name, column in columns.items():
        found = found.append_column(name, column)
    return found


def totals(table: pa.Table) -> Totals:
    """Return the sums of a table made by `reconciliation`."""
    rows = table.to_pylist()

    def count(name: str) -> int:
        return sum(row[name] or 0 for row in rows)

    def usd(name: str, chosen: list[dict[str, Any]]) -> Decimal:
        return sum((Decimal(str(row[name])) for row in chosen if row[name] is not None), Decimal(0))

    sent = count("prompt_tokens")
    told = [row for row in rows if row["client_total_usd"] is not None]
    return Totals(
        sessions_count=len(rows),
        differing_sessions_count=sum(not row["is_reconciled"] for row in rows),
        requests_count=count("requests_count"),
        billed_usd=usd("billed_usd", rows),
        lanes_difference_usd=usd("lanes_difference_usd", rows),
        estimated_usd=usd("estimated_usd", rows),
        estimated_unlogged_usd=usd("estimated_unlogged_usd", rows),
        client_sessions_count=len(told),
        client_billed_usd=usd("billed_usd", told),
        client_total_usd=usd("client_total_usd", told),
        prompt_tokens=sent,
        exact_ratio=_ratio(count("exact_tokens"), sent),
        estimated_ratio=_ratio(count("estimated_tokens"), sent),
        static_ratio=_ratio(count("static_tokens"), sent),
        hidden_ratio=_ratio(count("hidden_tokens"), sent),
        identity_ratio=_ratio(count("identical_pairs_count"), count("pairs_count")),
        floor_requests_count=count("floor_requests_count"),
        unpriced_requests_count=count("unpriced_requests_count"),
    )


def readable(table: pa.Table) -> pa.Table:
    """Return the columns of `reconciliation` that a person reads; `difference` says "0", or what is not 0."""
    rows = table.to_pylist()
    return pa.table(
        {
            "session": table["session_id"],
            "billed_usd": table["billed_usd"],
            "difference": pa.array([_differences(row) for row in rows], pa.string()),
            "exact_ratio": table["exact_ratio"],
            "estimated_ratio": table["estimated_ratio"],
            "static_ratio": table["static_ratio"],
            "hidden_ratio": table["hidden_ratio"],
            "identity_ratio": table["identity_ratio"],
            "truth": table["ledger_truth"],
            "unlogged_usd": pa.array([row["estimated_unlogged_usd"] or Decimal(0) for row in rows], _USD),
            "floor_requests_count": table["floor_requests_count"],
            "client": pa.array([_client_in_words(row) for row in rows], pa.string()),
        }
    )


def in_words(total: Totals) -> list[str]:
    """Return the totals as sentences."""

    def share(ratio: float | None) -> str:
        return "none" if ratio is None else f"{ratio:.1%}"

    verdict = (
        f"All {total.sessions_count:,} sessions add up to their bill, to the picodollar."
        if total.is_reconciled
        else f"{total.differing_sessions_count:,} of {total.sessions_count:,} sessions do not add up to their bill: "
        "this is a fault of the ledger; please report it."
    )
    sentences = [
        f"{verdict} Billed {total.billed_usd:,.2f}, lanes minus bill {total.lanes_difference_usd.normalize():f}.",
        f"Of the tokens sent, {share(total.exact_ratio)} stand in blocks of exact size, {share(total.estimated_ratio)} "
        f"in blocks that share an exact growth by estimates, {share(total.static_ratio)} in system prompt and tools "
        f"measured as one, {share(total.hidden_ratio)} in what no line shows.",
        f"{share(total.identity_ratio)} of the requests read exactly what the one before had cached.",
        f"Best estimate with output that the log lost: {total.estimated_usd:,.2f}; calls that no line shows: another "
        f"{total.estimated_unlogged_usd:,.2f}. {total.floor_requests_count:,} requests are lower bounds, "
        f"{total.unpriced_requests_count:,} have no price.",
    ]
    if total.client_sessions_count:
        sentences.append(
            f"{total.client_sessions_count:,} sessions hold the client's own total: {total.client_total_usd:,.2f}, "
            f"billed here {total.client_billed_usd:,.2f}."
        )
    return sentences


def _client_in_words(row: dict[str, Any]) -> str:
    words = row["client_difference"]
    if words is None:
        return "–"
    return "equal" if words == "equal" else f"{row['client_difference_usd']:+.4f}: {words}"


def _differences(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {Decimal(row[name]):f}" for name in DIFFERENCES if row[name]) or "0"


def client_difference(row: dict[str, Any]) -> str | None:
    """Return in words why the client's own total differs from the bill; None where it logged none."""
    difference = _client_difference(row)
    if difference is None:
        return None
    if abs(difference) < _ROUNDING_USD:
        return "equal"
    if row["inherited_requests_count"]:
        return "a fork: the client's total goes on from that of the session it was copied from"
    if row["unpriced_requests_count"]:
        return "some responses have no price here"
    if difference < 0:
        return "the client does not count responses that were cut off"
    reasons = []
    lost = (row["estimated_usd"] or Decimal(0)) - (row["billed_usd"] or Decimal(0))
    if row["estimated_unlogged_usd"]:
        reasons.append(f"calls that no line shows, estimated at {row['estimated_unlogged_usd']:.4f}")
    if lost > _ROUNDING_USD:
        reasons.append(f"output that the log lost, estimated at {lost:.4f}")
    return " and ".join(reasons) or "calls that no line shows, of a kind that leaves no trace"


def _client_difference(row: dict[str, Any]) -> Decimal | None:
    if row["client_total_usd"] is None:
        return None
    return round(Decimal(str(row["client_total_usd"])), 12) - (row["billed_usd"] or Decimal(0))


def _is_reconciled(row: dict[str, Any]) -> bool:
    return not any(row[name] for name in DIFFERENCES)


def _ratio(part: int | None, whole: int | None) -> float | None:
    return (part or 0) / whole if whole else None
