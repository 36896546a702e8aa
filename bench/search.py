"""Print how long searches take on a lake, and what its index costs in time and space.

    HER_HOME=~/.her .venv/bin/python bench/search.py [WORD …]

The index is made anew in a folder of its own, which is removed afterwards, and asked for the most frequent, a middling
and a rare word of the lake (or the words given), for a phrase, beginnings and expressions. Each is asked six times:
"first" is the first, "again" the median of the others, "CPU" that of this process. "Scan" is the same without an index.
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb
from rich.console import Console
from rich.table import Table
from rich.text import Text

from her_models.config import Config, load_config
from her_models.lake import open_lake
from her_models.search import hits
from her_models.search.index import update_index
from her_models.search.pattern import Mode

RUNS = 6
SAMPLE = 2_000


def words_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Return three words of the lake: one in most texts, one in some, one in few."""
    counts: Counter[str] = Counter()
    rows = con.execute(f"select left(text, 5000) from contents using sample {SAMPLE} rows (reservoir, 1)").fetchall()
    for (text,) in rows:
        counts.update({word.lower() for word in re.findall(r"[A-Za-z]{4,}", text)})
    ranked = [word for word, _ in counts.most_common()]
    if not ranked:
        sys.exit("The lake holds no text to look for words in.")
    return [ranked[0], ranked[len(ranked) // 50], ranked[len(ranked) // 4]]


def timed(con: duckdb.DuckDBPyConnection, config: Config, text: str, mode: Mode) -> tuple[float, float, float, int]:
    """Return first and median milliseconds, median CPU milliseconds, and the hits of a search."""
    walls, cpus, count = [], [], 0
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        count = hits.search(con, config, text, mode).hits_count
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return walls[0], statistics.median(walls[1:]), statistics.median(cpus[1:]), count


def main() -> None:
    """Measure and print."""
    config = load_config()
    with open_lake(config, read_only=True) as lake, tempfile.TemporaryDirectory() as folder:
        here = replace(config, home=Path(folder))
        none = replace(config, home=Path(folder) / "none")
        lake.config = here
        cpu = time.process_time()
        report = update_index(lake)
        cpu = time.process_time() - cpu
        if report is None:
            sys.exit("Another process is making an index.")
        cpu_again = time.process_time()
        update_index(lake)
        cpu_again = time.process_time() - cpu_again
        console = Console(width=110)
        row = lake.con.execute("select count(*), sum(text_bytes) from contents").fetchone() or (0, 0)
        console.print(
            f"{row[0]:,} texts, {int(row[1] or 0) / 1e6:,.0f} MB: indexed in {report.seconds:.1f} s, {cpu:.1f} s CPU, "
            f"{report.size_bytes / 1e6:,.0f} MB; nothing new took {cpu_again * 1000:.0f} ms of CPU"
        )
        frequent, middling, rare = sys.argv[1:4] if len(sys.argv) > 3 else words_of(lake.con)
        asked: list[tuple[str, Mode]] = [
            (frequent, "words"),
            (middling, "words"),
            (rare, "words"),
            (f"{frequent} {middling}", "words"),
            (f'"{frequent} {middling}"', "words"),
            (f"{middling[:3]}*", "words"),
            (f"{middling} -{frequent}", "words"),
            (rf"{rare}\W+\w+", "regex"),
            (rf"(?i){middling}.*{frequent}", "regex"),
            (r"\b[a-f]{3}\d{2}\b", "regex"),
            ("", "words"),
        ]
        table = Table("Searched", "Mode", "Hits", "First, ms", "Again, ms", "CPU, ms", "Scan, ms")
        for column in table.columns[2:]:
            column.justify = "right"
        for text, mode in asked:
            first, again, used, count = timed(lake.con, here, text, mode)
            scan = timed(lake.con, none, text, mode)[1] if text else again
            milliseconds = (f"{one:,.0f}" for one in (first, again, used, scan))
            table.add_row(Text(text or "(filters only)"), mode, f"{count:,}", *milliseconds)
        console.print(table)


if __name__ == "__main__":
    main()
