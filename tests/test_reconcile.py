"""Reconciliation: a ledger that adds up says so, one that does not is named, and the client's total is explained."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from her_models import reconcile
from her_models.contracts import TABLES
from tests.test_reports import fill


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in TABLES.values():
            connection.execute(table.ddl())
        yield connection


def one_session(con: duckdb.DuckDBPyConnection, *, cache_excess_usd: str = "0.20", **session: Any) -> None:
    """A session of one request: 1,000 tokens sent, 50 written, 1.00 US dollars in three blocks."""
    lanes = {"content_usd": "0.70", "cache_excess_usd": cache_excess_usd, "premium_usd": "0.10"}
    request = {"session_id": "one", "request_id": "r", "prompt_tokens": 1_000, "output_tokens": 50,
               "cache_read_tokens": 1_000, "billed_usd": "1.00", "fees_usd": "0"}  # fmt: skip
    fill(con, "requests", {**request, **lanes})
    fill(con, "request_context", {"session_id": "one", "request_id": "r", "kind": "prompt", "cache_read_tokens": 1_000,
                                  "output_tokens": 50, **lanes})  # fmt: skip
    for index, (kind, size_class, tokens, usd) in enumerate(
        [("system", "residual", 600, "0.50"), ("prompt", "exact", 100, "0.30"), ("hidden", "residual", 300, "0.20")]
    ):
        fill(con, "blocks", {"session_id": "one", "block_index": index, "kind": kind, "size_class": size_class,
                             "cache_read_tokens": tokens, "lifetime_usd": usd})  # fmt: skip
    fill(con, "turns", {"session_id": "one", "turn_index": 0, "caused_usd": "1.00"})
    fill(con, "sessions", {"session_id": "one", "requests_count": 1, "billed_usd": "1.00", "fees_usd": "0",
                           "pairs_count": 4, "identical_pairs_count": 3, "output_tokens": 50, "estimated_usd": "1.00",
                           **session})  # fmt: skip


def test_parts_that_are_the_bill_are_reconciled(con: duckdb.DuckDBPyConnection) -> None:
    one_session(con)
    (found,) = reconcile.reconciliation(con).to_pylist()
    assert found["is_reconciled"]
    assert [found[name] for name in reconcile.DIFFERENCES] == [0] * 6
    shares = [found[f"{part}_ratio"] for part in ("exact", "estimated", "static", "hidden", "identity")]
    assert shares == [0.1, 0.0, 0.6, 0.3, 0.75]


def test_a_lane_that_is_a_picodollar_short_is_a_difference(con: duckdb.DuckDBPyConnection) -> None:
    one_session(con, cache_excess_usd="0.199999999999")
    table = reconcile.reconciliation(con)
    total = reconcile.totals(table)
    assert (total.is_reconciled, total.differing_sessions_count) == (False, 1)
    assert total.lanes_difference_usd == Decimal("-0.000000000001")
    assert reconcile.readable(table)["difference"].to_pylist() == [
        "lanes_difference_usd -0.000000000001, kinds_difference_usd -0.000000000001, requests_differing_count 1"
    ]
    assert "please report it" in reconcile.in_words(total)[0]


def test_an_empty_lake_has_no_shares_and_no_difference(con: duckdb.DuckDBPyConnection) -> None:
    total = reconcile.totals(reconcile.reconciliation(con))
    assert (total.sessions_count, total.is_reconciled, total.hidden_ratio) == (0, True, None)
    assert reconcile.in_words(total)


@pytest.mark.parametrize(
    ("session", "words"),
    [
        ({}, None),
        ({"client_total_usd": 1.0000000001}, "equal"),
        ({"client_total_usd": 1.5, "inherited_requests_count": 2}, "a fork: the client's total goes on from that"),
        ({"client_total_usd": 1.5, "unpriced_requests_count": 1}, "some responses have no price here"),
        ({"client_total_usd": 0.9}, "the client does not count responses that were cut off"),
        ({"client_total_usd": 1.5, "estimated_unlogged_usd": "0.4"}, "calls that no line shows, estimated at 0.4000"),
        ({"client_total_usd": 1.5, "estimated_usd": "1.3"}, "output that the log lost, estimated at 0.3000"),
        ({"client_total_usd": 1.5}, "calls that no line shows, of a kind that leaves no trace"),
    ],
)
def test_the_clients_own_total_is_explained(
    con: duckdb.DuckDBPyConnection, session: dict[str, Any], words: str | None
) -> None:
    one_session(con, **session)
    (found,) = reconcile.reconciliation(con).to_pylist()
    assert found["is_reconciled"]
    if words is None:
        assert (found["client_difference"], found["client_difference_usd"]) == (None, None)
    else:
        assert found["client_difference"].startswith(words)
