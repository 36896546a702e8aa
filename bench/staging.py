"""Measure staging against its floor, in one run: read, decode, hash and compress the same bytes.

python bench/staging.py --mb 100            # made by ../shared/bench/gen_logs.py, kept below --cache
python bench/staging.py --logs ~/.claude    # any logs
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(HERE))

import orjson  # noqa: E402
import pyarrow as pa  # noqa: E402
from xxhash import xxh3_128_hexdigest  # noqa: E402

from bench.memory import MemoryWatch  # noqa: E402
from her_models.config import Config, Source  # noqa: E402
from her_models.sources import SourcePlan, plan_source  # noqa: E402
from her_models.staging import StageCounts, fingerprint_key, stage  # noqa: E402

PAGE_BYTES = 1 << 20


def generated(mb: int, seed: int, cache: Path) -> Path:
    """Return a folder of generated logs, making it if it is not there."""
    out = cache / f"g{mb}"
    if not (out / "manifest.json").exists():
        generator = HERE.parent / "shared" / "bench" / "gen_logs.py"
        if not generator.exists():
            sys.exit(f"{generator} is not there: give --logs instead of --mb.")
        command = [sys.executable, str(generator), "--out", str(out), "--mb", str(mb), "--seed", str(seed)]
        subprocess.run(command, check=True)
    return out


def floor_cpu_seconds(plan: SourcePlan) -> float:
    """Return the CPU seconds that reading, orjson, xxh3 and zstd-1 take for the bytes of the plan."""
    codec = pa.Codec("zstd", compression_level=1)
    began = time.process_time()
    for read in plan.reads:
        with Path(read.absolute_path).open("rb") as file:
            while lines := file.readlines(PAGE_BYTES):
                for line in lines:
                    xxh3_128_hexdigest(line)
                    try:
                        orjson.loads(line)
                    except ValueError:
                        continue
                codec.compress(b"".join(lines))
    return time.process_time() - began


def measured(plan: SourcePlan, config: Config) -> tuple[StageCounts, int, int]:
    """Return what staging the plan cost, its peak memory, and the bytes of Parquet written."""
    watch = MemoryWatch(os.getpid())
    watch.start()
    with tempfile.TemporaryDirectory(dir=config.home) as out:
        counts = stage(plan, Path(out), config, run_id="bench").counts
        written = sum(path.stat().st_size for path in Path(out).iterdir())
    watch.done.set()
    watch.join()
    return counts, watch.peak_bytes, written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--logs", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "gen")
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--redaction", choices=("on", "off"), default="on")
    arguments = parser.parse_args()
    logs = arguments.logs or generated(arguments.mb, arguments.seed, arguments.cache)
    with tempfile.TemporaryDirectory() as home:
        config = Config(home=Path(home), workers=arguments.workers, redaction=arguments.redaction)
        plan = plan_source(Source("bench", "here", logs), {}, key=fingerprint_key(config))
        gigabytes = plan.bytes_to_read / 1e9
        counts, peak_bytes, written = measured(plan, config)
        floor = floor_cpu_seconds(plan)  # afterwards: what it leaves in memory is not staging's
    print(f"logs              {gigabytes:.3f} GB, {counts.lines} lines, {len(plan.reads)} files")  # noqa: T201
    print(f"wall              {counts.seconds:.2f} s = {gigabytes * 1000 / counts.seconds:.0f} MB/s")  # noqa: T201
    print(f"CPU               {counts.cpu_seconds:.2f} s = {counts.cpu_seconds / gigabytes:.2f} CPU-s/GB")  # noqa: T201
    print(f"floor             {floor:.2f} s = {floor / gigabytes:.2f} CPU-s/GB")  # noqa: T201
    print(f"ratio to floor    {counts.cpu_seconds / floor:.2f}")  # noqa: T201
    print(f"peak memory       {peak_bytes / 1e6:.0f} MB, all processes")  # noqa: T201
    print(f"Parquet           {written / 1e6:.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
