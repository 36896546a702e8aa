"""Precision and recall of the rules of waste on sessions in which waste was planted.

    .venv/bin/python -m bench.waste [--sessions 90] [--seed 7] [--show C5] [--write]
    .venv/bin/python -m bench.waste --fresh --write

Writes planted sessions, ingests them, and compares what was found with the truth: findings by label, and tokens of
every request by label. Intervals are Wilson's, 95 %. A decoy is something that only looks like waste. Here each rule
counts, hint or not: what it does is asked, not how often real sessions mislead it (that is bench/labels.py).

The rules were made while looking at the first seed. `--fresh` measures on seeds that nobody had looked at when the
rules and their intervals were settled, 400 sessions each: about five minutes.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

from her_models.config import Config, Source
from her_models.demo.planted import CLASSES, PlantedTruth, write_planted
from her_models.demo.truth import Planted
from her_models.ingest import ingest
from her_models.lake import Lake, open_lake
from her_models.waste import rules
from her_models.waste.rules import RULES

DOCS = Path(__file__).resolve().parent.parent / "docs" / "waste.md"
BEGIN, END = "<!-- planted -->", "<!-- /planted -->"
FRESH_BEGIN, FRESH_END = "<!-- fresh -->", "<!-- /fresh -->"
KINDS_BEGIN, KINDS_END = "<!-- fresh kinds -->", "<!-- /fresh kinds -->"
SESSIONS_COUNT, SEED = 90, 7
FRESH_SESSIONS_COUNT, FRESH_SEEDS = 400, (20_261_201, 20_261_202, 20_261_203)
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
    sized: int = 0  # findings of class estimated that lie on something planted
    within: int = 0  # of them, the truth is inside the stated interval
    exact: int = 0  # findings of class exact that lie on something planted
    exact_right: int = 0  # of them, recovered to the token
    whole: int = 0  # requests planted as waste from end to end
    whole_exact: int = 0  # of them, recovered to the token in each price class
    kinds: Counter[tuple[str, str]] = field(default_factory=Counter)  # by rule: planted, hit, found, true
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        return Score(**{name: value + getattr(other, name) for name, value in vars(self).items()})


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
    claimed: dict[str, set[tuple[str, str]]] = defaultdict(set)
    planted: dict[tuple[str, str], dict[str, Planted]] = defaultdict(dict)
    for one in truth.planted:
        for session in _tellers(truth, one.session_id):
            by_reference = planted[session, one.label.split(".")[0]]
            by_reference[one.reference] = one
            if one.label.split(".")[0] in _BY_REQUEST and one.message_id:
                by_reference[one.message_id] = one
    for finding in _read_findings(lake, truth):
        score = found[finding.label]
        score.found += 1
        score.kinds[finding.kind, "found"] += 1
        claimed[finding.label] |= {(finding.session_id, reference) for reference in finding.references}
        here = planted[finding.session_id, finding.label]
        hits = [here[reference] for reference in finding.references if reference in here]
        if not hits:
            score.wrong.append(f"{finding.kind} {finding.session_id} {sorted(finding.references)}")
            continue
        score.true += 1
        score.kinds[finding.kind, "true"] += 1
        _score_size(score, finding, _true_tokens(truth, finding, hits))
    for one in truth.planted:
        score = found[one.label.split(".")[0]]
        score.planted += 1
        score.kinds[one.label, "planted"] += 1
        keys = {(one.session_id, one.reference), (one.session_id, one.message_id or "")}
        if keys & claimed[one.label.split(".")[0]]:
            score.hit += 1
            score.kinds[one.label, "hit"] += 1
        else:
            score.missed.append(f"{one.label} {one.session_id} {one.reference} {one.note}")
    for decoy in truth.decoys:
        score = found[decoy.label.split(".")[0]]
        score.decoys += 1
        if (decoy.session_id, decoy.reference) in claimed[decoy.label.split(".")[0]]:
            score.decoys_flagged += 1
            score.wrong.append(f"decoy {decoy.session_id} {decoy.reference}: {decoy.why}")


_BY_REQUEST = ("C1", "C2", "C3")
"""Labels whose findings are requests; others are blocks."""


@dataclass(frozen=True)
class _Finding:
    session_id: str
    label: str
    kind: str
    confidence: str
    tokens: int
    low_tokens: int
    high_tokens: int
    references: frozenset[str]


def _read_findings(lake: Lake, truth: PlantedTruth) -> Iterator[_Finding]:
    for session, label, kind, confidence, tokens, low, high, request, *names in lake.con.execute(
        """
        select
            waste.session_id, waste.label, waste.kind, waste.confidence,
            waste.tokens, waste.low_tokens, waste.high_tokens, waste.request_id,
            blocks.tool_use_id,
            case when blocks.tool_use_id is null then blocks.uuid end,
            case when blocks.kind = 'tool_schema' then 'tool ' || blocks.label end,
            case when blocks.kind = 'text' then blocks.request_id end
        from waste
        left join blocks using (source_id, session_id, block_index)
        """
    ).fetchall():
        if label in _BY_REQUEST:
            names.append(truth.aliases.get(request, request))
        yield _Finding(session, label, kind, confidence, tokens, low, high, frozenset(filter(None, names)))


def _tellers(truth: PlantedTruth, session_id: str) -> list[str]:
    """Return the sessions that tell of what was done in one: itself, and those that its history was copied to."""
    copies = [copy for copy, origin in truth.origins.items() if origin == session_id]
    return [session_id, *(teller for copy in copies for teller in _tellers(truth, copy))]


def _true_tokens(truth: PlantedTruth, finding: _Finding, hits: Sequence[Planted]) -> int:
    """Return what was billed in a session for what was planted under the label and the references of one finding."""
    references = {one.reference for one in hits}
    references |= {one.message_id for one in hits if one.message_id and one.label.split(".")[0] in _BY_REQUEST}
    return sum(truth.finding_tokens.get((finding.session_id, finding.label, name), 0) for name in references)


def _score_size(score: Score, finding: _Finding, true: int) -> None:
    if finding.confidence == "exact":
        score.exact += 1
        score.exact_right += finding.low_tokens == finding.tokens == finding.high_tokens == true
    if finding.confidence == "estimated":
        score.sized += 1
        score.within += finding.low_tokens <= true <= finding.high_tokens
        if not finding.low_tokens <= true <= finding.high_tokens:
            score.outside.append(
                f"{finding.kind} {finding.session_id} {sorted(finding.references)}: {true} is not in "
                f"[{finding.low_tokens}, {finding.high_tokens}]"
            )


def _tokens(lake: Lake, truth: PlantedTruth, found: Mapping[str, Score]) -> None:
    ours = {
        (request, label): tuple(counts)
        for request, label, *counts in lake.con.execute(
            """
            select request_id, label,
                cache_read_tokens, cache_write_1h_tokens, cache_write_5m_tokens, uncached_tokens, output_tokens
            from request_labels where label like 'C%'
            """
        ).fetchall()
    }
    theirs = {
        (cell.message_id, cell.label): tuple(int(getattr(cell, name)) for name in CLASSES) for cell in truth.cells
    }
    for request, label in truth.whole_requests:
        found[label].whole += 1
        if ours.get((request, label)) == theirs[request, label]:
            found[label].whole_exact += 1
        else:
            found[label].outside.append(f"{request}: {theirs[request, label]} is not {ours.get((request, label))}")
    for key in ours.keys() | theirs.keys():
        score = found[key[1]]
        mine, true = sum(ours.get(key, ())), sum(theirs.get(key, ()))
        score.planted_tokens += true
        score.found_tokens += mine
        score.shared_tokens += min(mine, true)


def measure(folder: Path, *, seed: int, sessions_count: int) -> dict[str, Score]:
    """Write planted sessions below `folder`, ingest them, and score what was found."""
    logs = folder / "logs"
    truth = write_planted(logs, seed=seed, sessions_count=sessions_count)
    sources = tuple(Source(*path.name.split("@"), path) for path in sorted(logs.iterdir()))
    config = Config(home=folder / "home", sources=sources)
    counted = {kind: replace(rule, is_unproven=False) for kind, rule in rules.RULES.items()}
    with mock.patch.object(rules, "_precision", dict), mock.patch.dict(rules.RULES, counted):
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
        "| label | planted | recall | found | precision | decoys flagged | tokens: recall | tokens: precision "
        "| exact to the token | estimated, in its interval |",
        "|---|---:|---|---:|---|---:|---:|---:|---:|---|",
    ]
    for label, score in found.items():
        recall = score.shared_tokens / score.planted_tokens if score.planted_tokens else 0.0
        precision = score.shared_tokens / score.found_tokens if score.found_tokens else 0.0
        lines.append(
            f"| {label} | {score.planted} | {_share(score.hit, score.planted)} | {score.found} "
            f"| {_share(score.true, score.found)} | {score.decoys_flagged} of {score.decoys} "
            f"| {recall:.3f} | {precision:.3f} "
            f"| {f'{score.whole_exact} of {score.whole}' if score.whole else '–'} "
            f"| {_share(score.within, score.sized)} |"
        )
    return "\n".join(lines)


def kinds_table(found: Mapping[str, Score]) -> str:
    """Return recall and precision of each rule that was planted by its name, as a Markdown table."""
    lines = ["| rule | planted | recall | found | precision |", "|---|---:|---|---:|---|"]
    counts = sum((score.kinds for score in found.values()), Counter())
    for kind in RULES:
        planted, hit, there, true = (counts[kind, name] for name in ("planted", "hit", "found", "true"))
        if planted:
            lines.append(f"| {kind} | {planted} | {_share(hit, planted)} | {there} | {_share(true, there)} |")
    return "\n".join(lines)


def documented_table() -> str:
    """Return the table that docs/waste.md shows."""
    return DOCS.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def write_docs(text: str, begin: str = BEGIN, end: str = END) -> None:
    """Put a table in the place of the one that docs/waste.md shows between two marks."""
    before, rest = DOCS.read_text(encoding="utf-8").split(begin)
    DOCS.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=SESSIONS_COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--write", action="store_true", help="put the table into docs/waste.md")
    parser.add_argument("--show", default="", help="label whose misses and wrong findings are listed")
    parser.add_argument("--fresh", action="store_true", help="seeds that the rules were not made on, added up")
    options = parser.parse_args()
    found: dict[str, Score] = {label: Score() for label in LABELS}
    count = FRESH_SESSIONS_COUNT if options.fresh else options.sessions
    for seed in FRESH_SEEDS if options.fresh else (options.seed,):
        with tempfile.TemporaryDirectory() as folder:
            scored = measure(Path(folder), seed=seed, sessions_count=count)
        found = {label: found[label] + scored[label] for label in LABELS}
    sys.stdout.write(table(found) + "\n\n" + kinds_table(found) + "\n")
    if options.write:
        write_docs(table(found), *((FRESH_BEGIN, FRESH_END) if options.fresh else ()))
        if options.fresh:
            write_docs(kinds_table(found), KINDS_BEGIN, KINDS_END)
    if options.show:
        sys.stdout.write("\n  ".join(["missed", *found[options.show].missed[:20]]) + "\n")
        sys.stdout.write("\n  ".join(["wrong", *found[options.show].wrong[:20]]) + "\n")
        sys.stdout.write("\n  ".join(["outside", *found[options.show].outside[:20]]) + "\n")


if __name__ == "__main__":
    main()
