"""Measure the whole ingest as a person meets it: `./her ingest` as a process, against the floor of the same bytes.

python bench/ingest.py --mb 1000            # made by ../shared/bench/gen_logs.py, kept below --cache
python bench/ingest.py --logs ~/.claude     # any logs; they are copied first, because a line is appended to one

The floor is measured in the same run: read, orjson, xxh3 and zstd-1 of the same bytes, one process per core.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
from xxhash import xxh3_128_hexdigest

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from bench.memory import MemoryWatch  # noqa: E402
from her_models.config import Config  # noqa: E402
from her_models.ingest import published_snapshot  # noqa: E402

PAGE_BYTES = 1 << 20
LINE = {
    "parentUuid": None,
    "isSidechain": False,
    "userType": "external",
    "cwd": "/home/bench/work",
    "version": "2.1.7",
    "type": "user",
    "message": {"role": "user", "content": "One more question."},
}


# Models by what they are for; what no prefix fits is counting.
PURPOSES = {
    "ledger": ("ledger", "int_ledger", "cache_misses", "request_context", "unlogged_calls"),
    "waste, what-ifs": ("waste", "int_waste", "int_request_waste", "request_labels", "whatif", "what_ifs"),
    "audit, edits, comparison": ("audit", "edits", "int_edits", "session_comparison", "session_parts"),
}


@dataclass(frozen=True)
class Run:
    """One process, its children included. `read_bytes` counts everything read, Python's own modules too."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    read_bytes: int
    report: dict[str, Any]
    published_seconds: float  # until the lake's catalog names a new snapshot; NaN where none came

    @property
    def log_bytes(self) -> int:
        return sum(source["bytes_read"] for source in self.report.get("sources", ()))


class _Publication(threading.Thread):
    """Sees when the lake in a home gets a new snapshot: the command goes on until Dagster knows of the run too."""

    def __init__(self, home: Path) -> None:
        super().__init__(daemon=True)
        self.config, self.done, self.seconds = Config(home=home), threading.Event(), math.nan
        self.before, self.began = published_snapshot(self.config), time.perf_counter()

    def run(self) -> None:
        while not self.done.wait(0.02):
            if published_snapshot(self.config) != self.before:
                self.seconds = time.perf_counter() - self.began
                return


def _read_bytes() -> int:
    """Bytes read by this process and every child that has ended."""
    return int(Path("/proc/self/io").read_text().split()[1])


def her_ingest(logs: Path, home: Path) -> Run:
    """Run `./her ingest LOGS --json` and return what it took.

    Raises:
        SystemExit: it failed; its own words are printed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    read_before, began = _read_bytes(), time.perf_counter()
    publication = _Publication(home)
    publication.start()
    process = subprocess.Popen(
        [str(CHECKOUT / "her"), "ingest", str(logs), "--json"],
        env={**os.environ, "HER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = MemoryWatch(process.pid)
    watch.start()
    out, err = process.communicate()
    wall = time.perf_counter() - began
    for thread in (watch, publication):
        thread.done.set()
        thread.join()
    if process.returncode:
        sys.exit(f"her ingest failed with {process.returncode}: {err.strip()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall, cpu, watch.peak_bytes, _read_bytes() - read_before, json.loads(out), publication.seconds)


def _floor_of(paths: list[str]) -> float:
    codec, began = pa.Codec("zstd", compression_level=1), time.process_time()
    for path in paths:
        with Path(path).open("rb") as file:
            while lines := file.readlines(PAGE_BYTES):
                for line in lines:
                    xxh3_128_hexdigest(line)
                    try:
                        orjson.loads(line)
                    except ValueError:
                        continue
                codec.compress(b"".join(lines))
    return time.process_time() - began


def floor(logs: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of the least that has to be done with these bytes."""
    files = sorted(logs.rglob("*.jsonl"), key=lambda path: -path.stat().st_size)
    cores = os.cpu_count() or 1
    parts = [[str(path) for path in files[start::cores]] for start in range(cores)]
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        cpu = sum(pool.map(_floor_of, parts))
        return time.perf_counter() - began, cpu


def generated(mb: int, seed: int, cache: Path) -> Path:
    """Return a folder of generated logs, making it if it is not there."""
    out = cache / f"g{mb}"
    if not (out / "manifest.json").exists():
        generator = CHECKOUT.parent / "shared" / "bench" / "gen_logs.py"
        if not generator.exists():
            sys.exit(f"{generator} is not there: give --logs instead of --mb.")
        command = [sys.executable, str(generator), "--out", str(out), "--mb", str(mb), "--seed", str(seed)]
        subprocess.run(command, check=True)
    return out


def lake_totals(home: Path) -> dict[str, int]:
    """Ask the lake, by `./her sql`, for what a manifest of the generator says."""
    query = (
        "select count(*) as messages, sum(uncached_input_tokens) as input_tokens, sum(output_tokens) as output_tokens, "
        "sum(cache_write_5m_tokens + cache_write_1h_tokens) as cache_creation_input_tokens, "
        "sum(cache_read_tokens) as cache_read_input_tokens from requests"
    )
    command = [str(CHECKOUT / "her"), "sql", query, "--format", "json"]
    answer = subprocess.run(
        command, env={**os.environ, "HER_HOME": str(home)}, capture_output=True, text=True, check=True
    )
    told = json.loads(answer.stdout)
    rows = told["rows"] if isinstance(told, dict) else told
    return {name: int(value) for name, value in rows[0].items()}


def manifest_totals(manifest: Path) -> dict[str, int]:
    """Return the true totals that the generator wrote down."""
    told = json.loads(manifest.read_text())
    return {"messages": told["messages"], **told["usage_final_of_each_message"]}


def by_purpose(run: Run) -> list[tuple[str, str]]:
    """Return the CPU seconds of a run by what they went to; what is left over is processes, files and transactions."""
    sums = {"staging": 0.0, "counting": 0.0} | dict.fromkeys(PURPOSES, 0.0)
    for source in run.report["sources"]:
        sums["staging"] += source["cpu_seconds"]
        for model, seconds in source["seconds_by_model"].items():
            found = [purpose for purpose, prefixes in PURPOSES.items() if model.startswith(prefixes)]
            sums[found[0] if found else "counting"] += seconds
    sums["all else"] = run.cpu_seconds - sum(sums.values())
    return [(f"  {purpose}", f"{seconds:.1f} CPU-s") for purpose, seconds in sums.items()]


def measure(logs: Path, scratch: Path, runs: int) -> list[tuple[str, str]]:
    """Return the rows of the table."""
    copy, home = scratch / "logs", scratch / "home"
    shutil.copytree(logs, copy, copy_function=shutil.copy2)
    files = sorted(copy.rglob("*.jsonl"))
    log_bytes = sum(path.stat().st_size for path in files)
    floor_wall, floor_cpu = floor(copy)
    first = her_ingest(copy, home)
    manifest = copy / "manifest.json"
    verdict = "no manifest to compare with"
    if manifest.exists():
        counted, true = lake_totals(home), manifest_totals(manifest)
        verdict = "equal to the manifest" if counted == true else f"WRONG: {counted} instead of {true}"
    idle = [her_ingest(copy, home) for _ in range(runs)]
    appended = []
    for index in range(runs):
        line = {**LINE, "uuid": f"bench-{index}", "sessionId": files[0].stem, "timestamp": "2026-11-20T12:00:00.000Z"}
        with files[0].open("ab") as file:
            file.write(orjson.dumps(line) + b"\n")
        appended.append(her_ingest(copy, home))

    def told(measured: list[Run], digits: int) -> str:
        wall = statistics.median(run.wall_seconds for run in measured)
        cpu = statistics.median(run.cpu_seconds for run in measured)
        return f"{wall:.{digits}f} s wall, {cpu:.{digits}f} CPU-s"

    lake_bytes = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
    return [
        ("logs", f"{log_bytes / 1e6:,.0f} MB in {len(files):,} files"),
        ("floor", f"{floor_wall:.2f} s wall, {floor_cpu:.2f} CPU-s"),
        ("from nothing", f"{first.wall_seconds:.2f} s wall, {first.cpu_seconds:.2f} CPU-s"),
        ("  to the floor", f"{first.wall_seconds / floor_wall:.2f} wall, {first.cpu_seconds / floor_cpu:.2f} CPU"),
        *by_purpose(first),
        ("  speed", f"{log_bytes / 1e6 / first.wall_seconds:.0f} MB/s"),
        ("  peak memory", f"{first.peak_bytes / 1e6:.0f} MB, all processes"),
        ("  totals", verdict),
        ("  HER_HOME", f"{lake_bytes / 1e6:.0f} MB"),
        ("nothing new", f"{told(idle, 3)}, median of {runs}"),
        ("  log bytes read", f"{max(run.log_bytes for run in idle):,}; in all {idle[-1].read_bytes / 1e6:.1f} MB"),
        ("one line more", f"{told(appended, 2)}, median of {runs}"),
        (
            "  published",
            f"{statistics.median(run.published_seconds for run in appended):.2f} s after the command began",
        ),
        (
            "  log bytes read",
            f"{max(run.log_bytes for run in appended):,} = "
            f"{max(run.log_bytes for run in appended) / log_bytes:.3%} of the logs",
        ),
        ("  peak memory", f"{max(run.peak_bytes for run in appended) / 1e6:.0f} MB"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "gen")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    logs = arguments.logs or generated(arguments.mb, arguments.seed, arguments.cache)
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(logs, Path(scratch), arguments.runs)
    for name, value in rows:
        print(f"{name:<28}{value}")  # noqa: T201


if __name__ == "__main__":
    main()
