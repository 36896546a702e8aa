"""Measure the ledger: seconds, memory and pairs on some logs, one very long session, and what it says of real ones.

python -m bench.ledger LOGS [LARGER_LOGS]          # such as ../shared/bench/gen_logs.py makes; two show the growth
python -m bench.ledger LOGS --sessions ../shared/sessions

A pair is a request and a block of its lineage that its prompt holds. Nothing keeps a row per pair.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from her_models import reconcile, warehouse
from her_models.config import Config
from her_models.ingest import ingest
from her_models.lake import open_lake
from her_models.ledger.build import ledger_tables
from her_models.ledger.layout import Layout
from her_models.ledger.request_log import RequestLog, message_hash
from her_models.ledger.sizes import load_densities
from her_models.ledger.tables import LEDGER_COLUMNS, LEDGER_READS
from her_models.ledger.thread import read_thread

REQUESTS, BLOCKS = 3_000, 10_000
MARTS = frozenset(
    {
        "agent_cost", "blocks", "cache_misses", "file_cost", "lineages", "mcp_cost", "request_context", "requests",
        "sessions", "tool_cost", "turns", "unlogged_calls",
    }
)  # fmt: skip
BY_KIND = """
    select kind, sum(content_usd + cache_excess_usd + premium_usd) as usd
    from request_context group by kind order by usd desc nulls last
"""
BY_CAUSE = """
    select label, cause, count(*) as misses, sum(missed_tokens) as tokens, sum(excess_usd) as usd
    from cache_misses group by all order by usd desc nulls last
"""


@dataclass(frozen=True)
class Run:
    """What the ledger's models took on some logs: those it reads, itself, and the marts made from it."""

    log_bytes: int
    requests_count: int
    blocks_count: int
    pairs_count: int
    seconds: float
    cpu_seconds: float
    python_seconds: float
    peak_bytes: int
    inputs_bytes: int  # peak before the ledger's models began


def _measured(home: str) -> Run:
    """Build all models beside a lake that is already there, in a process of its own."""
    with open_lake(Config(home=Path(home)), read_only=True) as lake:
        con = lake.con
        con.execute("create temp table scope_sessions as select distinct source_id, session_id from lines")
        mine = {*LEDGER_COLUMNS, *LEDGER_READS, *MARTS}
        chosen = warehouse.needed_by(mine)
        first = next(place for place, model in enumerate(chosen) if model.name in mine)
        warehouse.build(con, chosen[:first])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        worked = time.process_time()
        seconds = warehouse.build(con, chosen[first:])
        worked = time.process_time() - worked
        sizes = "select count(*), coalesce(sum(carried_requests_count), 0) from ledger_blocks"
        blocks_count, pairs_count = con.execute(sizes).fetchone() or (0, 0)
        (requests_count,) = con.execute("select count(*) from ledger_calls").fetchone() or (0,)
        (log_bytes,) = con.execute("select sum(size_bytes) from lake.source_files").fetchone() or (0,)
    return Run(
        int(log_bytes or 0),
        requests_count,
        blocks_count,
        int(pairs_count),
        sum(value for name, value in seconds.items() if name in mine or name == "ledger"),
        worked,
        seconds["ledger"],
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        before,
    )


def measured(logs: Path) -> Run:
    """Ingest logs into a lake of their own, or take a lake that is there (HER_HOME), and measure the models."""
    with TemporaryDirectory() as folder, ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        if (logs / "catalog.sqlite").exists():
            return process.submit(_measured, str(logs)).result()
        ingest(Config(home=Path(folder)), [logs])
        return process.submit(_measured, folder).result()


def long_session(requests: int = REQUESTS, blocks: int = BLOCKS) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return calls and items of one invented thread: each request adds its share of the blocks, one in 50 misses."""
    calls: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    cached = 20_000
    for number in range(requests):
        prices = {"input": 5_000_000, "cache_write_5m": 6_250_000, "cache_write_1h": 10_000_000,
                  "cache_read": 500_000, "output": 25_000_000}  # fmt: skip
        grown = 900
        is_missed = number % 50 == 49
        call = {
            "source_id": "bench", "session_id": "long", "thread_id": "", "request_id": f"r{number}", "call_index": 1,
            "first_block_index": len(items) + 1, "is_owned": True, "project": "", "agent_type": "", "turn_index": 0,
            "model": "claude-opus-4-5", "speed": "standard", "client_version": "2.1.100",
            "started_seconds": float(number), "uncached_input_tokens": 0, "cache_write_1h_tokens": 0,
            "cache_write_5m_tokens": cached + grown if is_missed else grown,
            "cache_read_tokens": 0 if is_missed else cached, "output_tokens": 300, "thinking_tokens": None,
            "is_complete": True, "web_search_count": 0, "web_search_picodollars": None, "cache_miss_reason": None,
            "request_ref": None,
        }  # fmt: skip
        call |= {f"{name}_picodollars": price for name, price in prices.items()}
        call |= {f"standard_{name}_picodollars": price for name, price in prices.items()}
        calls.append(call)
        cached += grown
        for place in range(len(items), blocks * (number + 1) // requests):
            kind = ("tool_result", "text", "tool_call")[place % 3]
            items.append(
                {
                    "source_id": "bench", "session_id": "long", "thread_id": "", "block_index": place,
                    "line_block_index": 0, "turn_index": 0, "uuid": f"u{place}", "parent_uuid": None,
                    "is_prompt": False, "is_clear": False, "is_compact": False,
                    "request_id": None if kind == "tool_result" else f"r{number}", "logged_seconds": float(number),
                    "kind": kind, "tool_name": "Bash", "path": None, "text_bytes": 900, "signature_bytes": 0,
                    "parameters_count": 1, "image_width": None, "image_height": None,
                }
            )  # fmt: skip
    return calls, items


def long_log(calls: list[dict[str, Any]], items: list[dict[str, Any]]) -> RequestLog:
    """Return the request log that a newer client would have written of that thread, and name its entries in `calls`."""
    tool = {"name": "Run", "input_schema": {"description": "d" * 2_000}}
    events: list[dict[str, Any]] = [
        {"type": "api-request-shape", "shapeHash": "s", "shape": {"tools": [tool] * 30, "system": "s" * 8_000}}
    ]
    lines: list[dict[str, Any]] = []
    tail: list[str] = []
    kept = place = 0
    for number, call in enumerate(calls):
        call["request_ref"] = f"q{number}"
        while place < call["first_block_index"] and place < len(items):
            uuid, is_result = items[place]["uuid"], items[place]["request_id"] is None
            block = {
                "type": "tool_result" if is_result else "text",
                "content" if is_result else "text": f"{place}" * 200,
            }
            said = {"role": "user" if is_result else "assistant", "id": f"m{place}", "content": [block]}
            lines.append({"type": said["role"], "uuid": uuid, "message": said})
            tail.append(message_hash(said["role"], said["content"]))
            place += 1
        event = {"type": "api-request", "id": f"q{number}", "shapeHash": "s", "params": {}, "keep": kept, "tail": tail}
        events.append(event | ({"base": f"q{number - 1}"} if number else {}))
        kept, tail = kept + len(tail), []
    return RequestLog(events, lines)


def _report_run(run: Run) -> None:
    out = sys.stdout.write
    out(f"logs                       {run.log_bytes / 1e6:>14,.0f} MB\n")
    out(f"requests                   {run.requests_count:>14,}\n")
    out(f"blocks                     {run.blocks_count:>14,}\n")
    out(f"pairs of them              {run.pairs_count:>14,}\n")
    out(f"models of the ledger       {run.seconds:>14.1f} s, of which Python {run.python_seconds:.1f} s; ")
    out(f"{run.cpu_seconds:.1f} s of CPU with the steps between them\n")
    out(f"peak memory                {run.peak_bytes / 1e9:>14.2f} GB, {run.inputs_bytes / 1e9:.2f} GB before them\n")


def _report_growth(small: Run, large: Run) -> None:
    pairs, seconds = large.pairs_count / small.pairs_count, large.seconds / small.seconds
    sys.stdout.write(f"growth                     pairs x {pairs:.1f}, seconds x {seconds:.1f}\n")


def _report_long_session(name: str, *, has_log: bool) -> None:
    calls, items = long_session()
    log = long_log(calls, items) if has_log else None
    began, worked = time.perf_counter(), time.process_time()
    thread = read_thread(calls, items, load_densities(), log)
    tables = ledger_tables(Layout([thread]))
    took, worked = time.perf_counter() - began, time.process_time() - worked
    pairs = sum(tables["ledger_blocks"]["carried_requests_count"].to_pylist())
    truth = thread.lineages[0].truth
    sys.stdout.write(f"{name:<27}{took:>14.2f} s ({worked:.2f} of CPU) for {len(calls):,} requests, ")
    sys.stdout.write(f"{len(items):,} blocks, {pairs:,} pairs, {truth}\n")


def _report_sessions(logs: Path) -> None:
    """Print what the ledger says of some logs."""
    out = sys.stdout.write
    with TemporaryDirectory() as home:
        config = Config(home=Path(home))
        ingest(config, [logs])
        with open_lake(config, read_only=True) as lake:
            total = reconcile.totals(reconcile.reconciliation(lake.con))
            kinds = lake.con.execute(BY_KIND).fetchall()
            causes = lake.con.execute(BY_CAUSE).fetchall()
    out(f"\n{logs}\n")
    for sentence in reconcile.in_words(total):
        out(f"{sentence}\n")
    whole = sum(usd or 0 for _, usd in kinds)
    out("\nshare of the bill by kind\n")
    for kind, usd in kinds:
        out(f"  {kind:<18}{(usd or 0) / whole if whole else 0:>8.1%}{usd or 0:>14,.2f}\n")
    out("\nmisses by cause\n")
    for label, cause, count, tokens, usd in causes:
        out(f"  {label} {cause:<36}{count:>6,}{tokens:>14,} tokens{usd or 0:>12,.2f}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="*", type=Path, help="folders of logs, the smaller first; or lakes (HER_HOME)")
    parser.add_argument("--sessions", type=Path, help="logs to report on: shares by kind, misses by cause")
    chosen = parser.parse_args(arguments)
    runs = [measured(logs) for logs in chosen.logs]
    for run in runs:
        _report_run(run)
    if len(runs) > 1:
        _report_growth(runs[0], runs[-1])
    _report_long_session("one session", has_log=False)
    _report_long_session("one with a request log", has_log=True)
    if chosen.sessions:
        _report_sessions(chosen.sessions)
    return 0


if __name__ == "__main__":
    sys.exit(main())
