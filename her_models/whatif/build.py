"""The table `whatif_rows` of a run: every policy for the sessions that are being built.

Reads the ledger's layout, what waste claims of it, and what the models of requests say of its calls.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from her_models.ledger.layout import Layout
from her_models.pricing import load_prices
from her_models.whatif import policies, table
from her_models.whatif.claims import read_claims
from her_models.whatif.reading import Period, assumptions, read_sequence
from her_models.whatif.tables import WHATIF_COLUMNS, column_type

if TYPE_CHECKING:
    import duckdb

_TYPES = {"string": pa.string(), "bool": pa.bool_(), "int64": pa.int64()}


def build(con: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Build `whatif_rows` on `con` as a temporary table."""
    seq = read_sequence(con, layout)
    columns = table.rows(seq, read_claims(con, seq), _targets(con))
    names = WHATIF_COLUMNS["whatif_rows"]
    found = pa.table({name: pa.array(columns[name], _TYPES[column_type(name)]) for name in names})
    con.register("whatif_rows_arrow", found)
    con.execute("create or replace temp table whatif_rows as select * from whatif_rows_arrow")
    con.unregister("whatif_rows_arrow")


def _targets(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], list[Period]]:
    row = con.execute("select getvariable('prices_path'), getvariable('prices_memo_path')").fetchone()
    own, memo = row or (None, None)
    return target_prices(Path(own) if own else None, Path(memo) if memo else None)


@lru_cache(maxsize=4)
def target_prices(own: Path | None = None, memo: Path | None = None) -> dict[tuple[str, str, str], list[Period]]:
    """Return the prices of the models that sessions are replayed with."""
    return policies.read_targets(load_prices(own, memo).table(assumptions()["other_model"]["targets"]))
