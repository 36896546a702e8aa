"""What finding waste costs, and how it grows with the logs.

    python -m bench.waste_growth FOLDER [FOLDER ...]

Ingests each folder of logs into a lake of its own and prints the CPU seconds that the models of waste took, beside all
models together, in whatever processes, and the peak memory of the largest of these; then what the whole report on
waste takes, advice included, and how both grew since the first folder. Text is compared by lines and hashes with a few
candidates, so that seconds per result should not grow with the logs. Logs of any size are made by `gen_logs.py`.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from her_models.config import Config, Source
from her_models.ingest import ingest
from her_models.lake import Lake, open_lake
from her_models.publication import PublishReport
from her_models.waste_report.questions import waste_report

WASTE = ("int_waste", "waste", "request_labels", "int_request_waste")


def seconds_of(folder: Path, home: Path) -> tuple[dict[str, float], float, int]:
    """Return CPU seconds by model of an ingest from nothing, those of the report, and how many tool results it saw."""
    reports: list[PublishReport] = []
    publish = Lake.publish

    def kept(lake: Lake, *given: object, **named: object) -> PublishReport:
        report = publish(lake, *given, **named)  # type: ignore[arg-type]
        reports.append(report)
        return report

    Lake.publish = kept  # type: ignore[method-assign]
    try:
        config = Config(home=home, sources=(Source("bench", "host", folder),))
        ingest(config)
    finally:
        Lake.publish = publish  # type: ignore[method-assign]
    with open_lake(config, read_only=True) as lake:
        row = lake.con.execute("select count(*) from blocks where kind = 'tool_result'").fetchone()
        before = time.process_time()
        waste_report(lake.con, config, is_everyone=True)
        report_seconds = time.process_time() - before
    models = {name: seconds for name, seconds in reports[-1].seconds_by_model.items() if "(" not in name}
    return models, report_seconds, int(row[0]) if row else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    out = sys.stdout.write
    first: tuple[int, float, float] | None = None
    for folder in parser.parse_args().folders:
        size = sum(path.stat().st_size for path in folder.rglob("*.jsonl"))
        with tempfile.TemporaryDirectory() as home:
            models, report, results = seconds_of(folder, Path(home))
        mine = {name: seconds for name, seconds in models.items() if name.startswith(WASTE)}
        peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
        out(f"{size / 1e6:8.0f} MB  {results:8,} results  waste {sum(mine.values()):7.2f} s of CPU, ")
        out(
            f"{1e6 * sum(mine.values()) / max(results, 1):6.0f} µs a result, all models {sum(models.values()):7.2f} s, "
        )
        out(f"largest process {peak:,.0f} MB, report and advice {report:.2f} s of CPU\n")
        spent = (results, sum(mine.values()), report)
        if first is not None and all(first):
            grown = [now / then for now, then in zip(spent, first, strict=True)]
            out(f"    since the first: results {grown[0]:.1f} times, waste {grown[1]:.1f}, report {grown[2]:.1f}\n")
        first = first or spent
        for name, seconds in sorted(mine.items(), key=lambda item: -item[1])[:8]:
            out(f"    {seconds:7.2f} s  {name}\n")


if __name__ == "__main__":
    main()
