"""Precision and recall of the rules of waste on sessions in which waste was planted.

    python -m bench.waste [--sessions 400] [--seed 7] [--show C5]

Writes planted sessions, ingests them, and compares what was found with the truth: findings by label, and tokens of
every request by label. Intervals are Wilson's, 95 %. A decoy is something that only looks like waste.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from her_models.config import Config, Source
from her_models.demo.planted import PlantedTruth, write_planted
from her_models.ingest import ingest
from her_models.lake import Lake, open_lake

LABELS = tuple(f"C{number}" for number in range(1, 15))


@dataclass
class Score:
    """One label: findings and tokens, planted, found, and both."""

    planted: int = 0
    found: int = 0
    hit: int = 0
    true: int = 0  # findings that lie on something planted under this label
    decoys: int = 0
    decoys_flagged: int = 0
    planted_tokens: int = 0
    found_tokens: int = 0
    shared_tokens: int = 0
    requests: int = 0
    requests_exact: int = 0
    requests_within: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not whole:
        return 0.0, 1.0
    z, share = 1.96, part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    spread = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole)) / (1 + z * z / whole)
    return max(0.0, middle - spread), min(1.0, middle + spread)


def scores(lake: Lake, truth: PlantedTruth) -> dict[str, Score]:
    """Compare a lake with the truth of the logs it was made from."""
    found = {label: Score() for label in LABELS}
    _findings(lake, truth, found)
    _tokens(lake, truth, found)
    return found


def _findings(lake: Lake, truth: PlantedTruth, found: Mapping[str, Score]) -> None:
    # A fork carries on what was planted in the session it was copied from: references say which, not sessions.
    claimed: dict[str, set[str]] = defaultdict(set)
    rows = lake.con.execute(
        """
        select
            waste.session_id, waste.label, waste.kind, waste.request_id,
            blocks.tool_use_id, blocks.uuid, blocks.label
        from waste
        left join blocks using (source_id, session_id, block_index)
        """
    ).fetchall()
    planted: dict[str, set[str]] = defaultdict(set)
    for one in truth.planted:
        label = one.label.split(".")[0]
        planted[label] |= {one.reference, one.message_id or ""} - {""}
    for session, label, kind, request, tool_use, uuid, name in rows:
        references = {request, tool_use, uuid, name} - {None, ""}
        claimed[label] |= references
        found[label].found += 1
        if references & planted[label]:
            found[label].true += 1
        else:
            found[label].wrong.append(f"{kind} {session} {request} {tool_use or uuid}")
    for one in truth.planted:
        label = one.label.split(".")[0]
        found[label].planted += 1
        if {one.reference, one.message_id} & claimed[label]:
            found[label].hit += 1
        else:
            found[label].missed.append(f"{one.label} {one.session_id} {one.reference} {one.note}")
    for decoy in truth.decoys:
        label = decoy.label.split(".")[0]
        found[label].decoys += 1
        if decoy.reference in claimed[label]:
            found[label].decoys_flagged += 1
            found[label].wrong.append(f"decoy {decoy.session_id} {decoy.reference}: {decoy.why}")


def _tokens(lake: Lake, truth: PlantedTruth, found: Mapping[str, Score]) -> None:
    ours = {
        (request, label): tokens
        for request, label, tokens in lake.con.execute(
            """
            select request_id, label,
                cache_read_tokens + cache_write_1h_tokens + cache_write_5m_tokens + uncached_tokens + output_tokens
            from request_labels where label like 'C%'
            """
        ).fetchall()
    }
    theirs = {(cell.message_id, cell.label): cell.tokens for cell in truth.cells}
    for key in ours.keys() | theirs.keys():
        score = found[key[1]]
        mine, true = ours.get(key, 0), theirs.get(key, 0)
        score.planted_tokens += true
        score.found_tokens += mine
        score.shared_tokens += min(mine, true)
        if true:
            score.requests += 1
            score.requests_exact += mine == true
            score.requests_within += abs(mine - true) <= 0.05 * true


def measure(folder: Path, *, seed: int, sessions_count: int) -> dict[str, Score]:
    """Write planted sessions below `folder`, ingest them, and score what was found."""
    logs = folder / "logs"
    truth = write_planted(logs, seed=seed, sessions_count=sessions_count)
    sources = tuple(Source(*path.name.split("@"), path) for path in sorted(logs.iterdir()))
    config = Config(home=folder / "home", sources=sources)
    ingest(config)
    with open_lake(config, read_only=True) as lake:
        return scores(lake, truth)


def _share(part: int, whole: int) -> str:
    if not whole:
        return "–"
    low, high = wilson(part, whole)
    return f"{part / whole:.3f} ({low:.2f}–{high:.2f})"


def table(found: Mapping[str, Score]) -> str:
    """Return the scores as a Markdown table."""
    lines = [
        "| label | planted | recall | found | precision | decoys flagged | tokens: recall | tokens: precision |",
        "|---|---:|---|---:|---|---:|---:|---:|",
    ]
    for label, score in found.items():
        recall = score.shared_tokens / score.planted_tokens if score.planted_tokens else 0.0
        precision = score.shared_tokens / score.found_tokens if score.found_tokens else 0.0
        lines.append(
            f"| {label} | {score.planted} | {_share(score.hit, score.planted)} | {score.found} "
            f"| {_share(score.true, score.found)} | {score.decoys_flagged} of {score.decoys} "
            f"| {recall:.3f} | {precision:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--show", default="", help="label whose misses and wrong findings are listed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), seed=options.seed, sessions_count=options.sessions)
    sys.stdout.write(table(found) + "\n")
    if options.show:
        sys.stdout.write("\n  ".join(["missed", *found[options.show].missed[:20]]) + "\n")
        sys.stdout.write("\n  ".join(["wrong", *found[options.show].wrong[:20]]) + "\n")


if __name__ == "__main__":
    main()
