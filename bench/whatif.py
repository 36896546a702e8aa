"""Measure the replay: its laws over many random lineages, and what it takes on some logs.

python -m bench.whatif                             # 20,000 lineages: ledger against replay, with and without tails
python -m bench.whatif LOGS                        # and CPU seconds per 1,000 requests; LOGS may be a lake (HER_HOME)

A tail is the end of a prompt that no cache entry holds. Without tails, what the ledger charges to waste and to missing
the cache is what the replay saves, to the picodollar; with them both differ a little, and the replay is the figure to
publish.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from her_models import warehouse
from her_models.config import Config
from her_models.ingest import ingest
from her_models.lake import open_lake
from her_models.ledger.reading import read_layout
from her_models.ledger.sizes import load_densities
from her_models.whatif.build import build
from her_models.whatif.removals import plan_without, resolved
from her_models.whatif.replay import identity_holds, replayed
from her_models.whatif.tables import WHATIF_READS
from tests.whatif.lineages import lineage

LINEAGES = 20_000
LONGEST_TAIL = 9


def differences(count: int, longest_tail: int) -> tuple[int, int, float]:
    """Return lineages whose bill comes back, those where ledger and replay agree, and the largest difference."""
    held = agreed = 0
    largest = 0.0
    for seed in range(count):
        dice = random.Random(seed)
        made = lineage(dice, longest_tail=longest_tail, is_mixed=dice.random() < 0.5, brings_new=dice.random() < 0.5)
        removals = resolved(made.seq, made.claims)
        left = int(replayed(made.seq, plan_without(made.seq, removals, ("K1", "C5"))).by_session(made.seq)[0])
        difference = abs(made.billed - made.waste - made.excess - left)
        held += bool(identity_holds(made.seq).all())
        agreed += difference == 0
        largest = max(largest, difference / made.billed)
    return held, agreed, largest


def _report_laws(count: int) -> None:
    out = sys.stdout.write
    for tail, name in ((0, "without tails"), (LONGEST_TAIL, f"tails of up to {LONGEST_TAIL} tokens")):
        held, agreed, largest = differences(count, tail)
        out(f"{name:<28}{count:>8,} lineages: bill returned in {held:,}, ledger equals replay in {agreed:,}, ")
        out(f"largest difference {largest:.2%} of the bill\n")


def _report_logs(logs: Path, home: str) -> None:
    if not (logs / "catalog.sqlite").exists():
        ingest(Config(home=Path(home)), [logs])
        logs = Path(home)
    with open_lake(Config(home=logs), read_only=True) as lake:
        con = lake.con
        con.execute("use lake")
        con.execute("create temp table scope_sessions as select distinct source_id, session_id from lines")
        warehouse.build(con, warehouse.needed_by(WHATIF_READS))
        layout = read_layout(con, load_densities())
        began = time.process_time()
        build(con, layout)
        seconds = time.process_time() - began
        requests = len(layout.places)
        found = con.execute(
            "select count(*), count(*) filter (policy = 'identity'), bool_and(is_identity) from whatif_rows"
        ).fetchone()
    policies, sessions, is_held = found or (0, 0, False)
    out = sys.stdout.write
    out(f"requests                    {requests:>8,} in {sessions:,} sessions; every bill returned: {is_held}\n")
    out(f"policies replayed           {policies:>8,}\n")
    out(f"CPU                         {seconds:>8.2f} s, {seconds / requests * 1000:.2f} s per 1,000 requests\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="?", type=Path, help="a folder of logs, or a lake")
    parser.add_argument("--lineages", type=int, default=LINEAGES)
    chosen = parser.parse_args(arguments)
    _report_laws(chosen.lineages)
    if chosen.logs:
        with TemporaryDirectory() as home:
            _report_logs(chosen.logs, home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
