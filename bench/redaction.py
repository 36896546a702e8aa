"""What redaction costs: CPU seconds per gigabyte, and the ratio to reading and hashing the same bytes.

    python bench/redaction.py LOGS [--chunk-mb 4] [--engine hyperscan|re] [--rounds 3]

Prints the best of the rounds; both sides are measured in the same run, so the ratio holds on a busy machine too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import xxhash

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from her_models.redaction import Redactor


def chunks(paths: list[Path], size: int) -> Iterator[bytes]:
    """Yield each file in pieces of about `size` bytes, cut at line ends."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            rest = b""
            while block := file.read(size):
                cut = block.rfind(b"\n") + 1
                if cut:
                    yield rest + block[:cut]
                    rest = block[cut:]
                else:
                    rest += block
            if rest:
                yield rest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", type=Path)
    parser.add_argument("--chunk-mb", type=float, default=4)
    parser.add_argument("--engine", choices=("hyperscan", "re"))
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    paths = sorted(arguments.logs.rglob("*.jsonl")) if arguments.logs.is_dir() else [arguments.logs]
    size = int(arguments.chunk_mb * 1e6)
    total = sum(path.stat().st_size for path in paths)
    if not total:
        sys.exit(f"{arguments.logs}: no .jsonl file with anything in it. Give a folder of logs.")
    with tempfile.TemporaryDirectory() as folder:
        redactor = Redactor(b"0" * 32, cache=Path(folder), engine=arguments.engine)
        redactor.spans(b"warm")
        rules: Counter[str] = Counter()
        floor, cost = [], []
        for _ in range(arguments.rounds):
            started = time.process_time()
            for chunk in chunks(paths, size):
                xxhash.xxh3_128_digest(chunk)
            floor.append(time.process_time() - started)
            rules.clear()
            started = time.process_time()
            for chunk in chunks(paths, size):
                spans = redactor.spans(chunk)
                redactor.apply(chunk, spans)
                rules.update(span.rule for span in spans)
            cost.append(time.process_time() - started)
    per_gb = 1e9 / total
    sys.stdout.write(
        f"{len(paths)} files, {total / 1e6:.1f} MB, {sum(rules.values())} secrets {dict(rules)}\n"
        f"read + xxh3       {min(floor) * per_gb:6.2f} CPU-s/GB\n"
        f"read + redaction  {min(cost) * per_gb:6.2f} CPU-s/GB\n"
        f"ratio             {min(cost) / min(floor):6.2f}\n"
    )


if __name__ == "__main__":
    main()
