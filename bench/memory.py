"""How much memory a process and all below it hold at most: what benchmarks print beside their seconds."""

from __future__ import annotations

import threading
from pathlib import Path


class MemoryWatch(threading.Thread):
    """Samples the memory of a process and all below it; pages they share count once (PSS)."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.peak_bytes, self.done = pid, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.25):
            self.peak_bytes = max(self.peak_bytes, sum(_memory_bytes(pid) for pid in _family(self.pid)))


def _family(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        try:
            for path in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in path.read_text().split()]
        except OSError:  # it ended while we looked
            continue
    return found


def _memory_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
