"""Print how long comparisons take on a lake, and how often they call equal groups different.

    HER_HOME=~/.her .venv/bin/python bench/compare.py [--draws 1000] [--shuffles 200] [--copies 20]

Two groups are the halves of all sessions by time, by drawing lots, and by model; "warm" is the second comparison in the
process. The watch runs over all series. False alarms are counted in two ways: groups drawn by lot from the lake's own
sessions, which differ in nothing, and the watch on lakes whose sessions were shuffled in time. At most 5 % of the draws
may call any difference, at most 5 % of the shuffles any change. With `--copies` the lake stands in for a larger one:
its sessions that many times over, each copy a year later, under names of their own.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from her_models.compare import verdicts, watch, waterfall
from her_models.compare.groups import Group, Members, read_group, with_week_survival
from her_models.compare.matching import MatchOn
from her_models.config import load_config
from her_models.lake import open_lake

T = TypeVar("T")


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--draws", type=int, default=1_000, help="pairs of equal groups")
    asked.add_argument("--shuffles", type=int, default=200, help="lakes without a change")
    asked.add_argument("--copies", type=int, default=1, help="how often the lake's sessions are taken")
    chosen = asked.parse_args()
    with open_lake(load_config(), read_only=True) as lake:
        con = lake.con
        if chosen.copies > 1:
            _copied(con, chosen.copies)
        everyone = read_group(con, Group(), "UTC")
        put(f"{len(everyone):,} sessions, {sum(everyone.column('requests_count')):,} responses")
        times = [at for at in everyone.column("started_at") if at is not None]
        middle = sorted(times)[len(times) // 2].date()
        halves = Group(until=middle - timedelta(days=1)), Group(since=middle)
        ways: tuple[tuple[str, tuple[MatchOn, ...]], ...] = (
            ("halves by time", ()),
            ("the same, matched on project and model", ("project", "model")),
            ("the same, matched on task", ("task",)),
        )
        for name, on in ways:
            compare = lambda on=on: verdicts.compare_groups(con, *halves, match_on=on)  # noqa: E731
            compare()
            found = timed(name, compare)
            put(f"    {len(found.a):,} and {len(found.b):,} sessions compared")
        sessions = timed("watch, reading", lambda: watch.read_sessions(con))
        changes = timed("watch, looking", lambda: watch.find_changes(sessions))
        put(f"    {len(changes)} changes")
        if chosen.draws:
            put(
                "groups called different by any measure: "
                f"{_drawn(con, with_week_survival(con, everyone), chosen.draws):.1%} of {chosen.draws:,}"
            )
        if chosen.shuffles:
            put(
                f"lakes called changed by any series: {_shuffled(sessions, chosen.shuffles):.1%} of {chosen.shuffles:,}"
            )


def _copied(con: duckdb.DuckDBPyConnection, copies: int) -> None:
    moved = "started_at + to_years(cast(copy as integer)) as started_at"
    for name, change in (("session_comparison", f", {moved}"), ("session_parts", "")):
        con.execute(
            f"create temp table {name} as select * replace (concat(session_id, '-', copy) as session_id{change}) "
            f"from lake.{name}, range({copies}) as copies(copy)"
        )


def put(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def timed(name: str, what: Callable[[], T]) -> T:
    wall, cpu = time.monotonic(), time.process_time()
    result = what()
    put(f"{name}: {time.monotonic() - wall:.2f} s, {time.process_time() - cpu:.2f} s of CPU")
    return result


def _drawn(con: duckdb.DuckDBPyConnection, everyone: Members, draws: int) -> float:
    """How often two groups drawn from the same sessions are called different in anything."""
    random = np.random.default_rng(7)
    parts = waterfall.read_parts(con, everyone.keys)
    sheet = waterfall.sheet(parts, "lane")
    alarms = 0
    for _ in range(draws):
        size = int(random.integers(5, max(6, min(len(everyone) // 2, 40))))
        places = random.permutation(len(everyone))[: 2 * size]
        sides = [
            (everyone.taken(part), waterfall.Sheet(sheet.columns, sheet.values[part]))
            for part in (places[:size], places[size:])
        ]
        found = verdicts.judge(sides[0][0], sides[1][0], (sides[0][1], sides[1][1]))
        alarms += any(one.verdict in ("higher", "lower") for one in found)
    return alarms / draws


def _shuffled(sessions: pa.Table, shuffles: int) -> float:
    """How often sessions put in another order, project by project, are said to have changed."""
    random = np.random.default_rng(8)
    projects = np.array(
        [f"{a}\0{b}" for a, b in zip(sessions["source_id"].to_pylist(), sessions["project"].to_pylist(), strict=True)]
    )
    moved = [name for name in sessions.column_names if name not in ("source_id", "owner", "project", "started_at")]
    alarms = 0
    for draw in range(shuffles):
        order = np.arange(sessions.num_rows)
        for project in np.unique(projects):
            mine = np.nonzero(projects == project)[0]
            order[mine] = random.permutation(mine)
        shuffled = sessions.take(pa.array(order))
        table = pa.table({name: (shuffled if name in moved else sessions)[name] for name in sessions.column_names})
        alarms += bool(watch.find_changes(table, seed=draw))
    return alarms / shuffles


if __name__ == "__main__":
    main()
