"""Precision of the detectors of waste: findings drawn at random from real sessions, read by hand, and counted.

    python -m bench.labels draw ../shared/sessions       draws 150 findings not judged yet, ten of a kind at least
    python -m bench.labels show ../shared/sessions 17 20-24   prints findings with what stood around them
    python -m bench.labels score                         prints precision by kind and label, and writes it down
    python -m bench.labels agree                         prints how well a second, blind reading agrees

The judgements are in tests/labels/findings.jsonl: where a finding stands (file, offset, SHA-256 of the line), what it
was called and by which version of the rule, the verdict (true, false or unsure) and one line why; no text of a
transcript. Forty of them, drawn by lot, were read a second time without the first verdicts; that reading is in
tests/labels/second_reading.jsonl.
`score` writes her_models/waste/precision.toml, which app and report show, and the table in docs/waste.md; a kind below
0.8 is a hint and in no total.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb

from her_models.config import Config
from her_models.ingest import ingest
from her_models.lake import open_lake
from her_models.waste.rules import RULES, TRUSTED_PRECISION

LABELS = Path(__file__).resolve().parent.parent / "tests" / "labels" / "findings.jsonl"
SECOND_READING = LABELS.with_name("second_reading.jsonl")
PRECISION = Path(__file__).resolve().parent.parent / "her_models" / "waste" / "precision.toml"
DOCS = Path(__file__).resolve().parent.parent / "docs" / "waste.md"
BEGIN, END = "<!-- judged -->", "<!-- /judged -->"
SEED = 20_261_127
COUNT = 150
LEAST_OF_A_KIND = 10
_SEVERAL_IN_A_BLOCK = frozenset({"C10.server"})
"""Kinds of which one block may hold several findings; they are told apart by the hash of their sentence."""
_OF_SEVERAL_COPIES = frozenset({"C5.reread", "C7.reacquired", "C8.parent", "C8.sibling"})
"""Kinds of which one block may repeat several others, a finding each."""
_CHARACTERS_SHOWN = 600
_AROUND = 6
_Z = 1.959964

Row = dict[str, Any]


def findings(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return every finding with the place of its line and of the other side's, in an order that a seed can rely on."""
    rows = con.execute(
        """
        select
            waste.kind, waste.rule_version, waste.source_id, waste.session_id, waste.block_index, waste.request_id,
            waste.evidence, waste.waste_usd, waste.turn_index, waste.agent_id,
            waste.first_line, waste.last_line, waste.evidence_first_line, waste.evidence_last_line,
            files.path as file, waste.offset_bytes,
            others.path as evidence_file, waste.evidence_offset_bytes,
            waste.evidence_session_id, waste.evidence_block_index
        from waste
        left join source_files as files on waste.file_id = files.file_id
        left join source_files as others on waste.evidence_file_id = others.file_id
        order by kind, session_id, block_index nulls first, request_id
        """
    ).to_arrow_table()
    found: list[Row] = rows.to_pylist()
    for row in found:
        if row["kind"] in _SEVERAL_IN_A_BLOCK:
            row["part_sha256"] = hashlib.sha256(row["evidence"].encode()).hexdigest()
    return found


def identity(row: Row) -> tuple[Any, ...]:
    """Return what a finding is known by, whatever else the lake holds."""
    names = ("kind", "session_id", "file", "offset_bytes", "block_index", "request_id", "part_sha256")
    copy = ("evidence_file", "evidence_offset_bytes") if row["kind"] in _OF_SEVERAL_COPIES else ()
    return tuple(row.get(name) for name in (*names, *copy))


def draw(found: Sequence[Row], judged: Iterable[Row], count: int, seed: int) -> list[Row]:
    """Return findings to judge: `LEAST_OF_A_KIND` of each kind where there are so many, the rest by lot."""
    known = {identity(row): row["kind"] for row in judged}
    judged_counts = Counter(known.values())
    random_ = random.Random(seed)
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in found:
        by_kind[row["kind"]].append(row)
    chosen, rest = [], []
    for kind, rows in by_kind.items():
        shuffled = [row for row in random_.sample(rows, len(rows)) if identity(row) not in known]
        wanted = max(0, LEAST_OF_A_KIND - judged_counts[kind])
        chosen += shuffled[:wanted]
        rest += shuffled[wanted:]
    return chosen + random_.sample(rest, max(0, min(count - len(known) - len(chosen), len(rest))))


def counting(judged: Iterable[Row]) -> list[Row]:
    """Return the judgements of rules as they are now; what an older version found says nothing about them."""
    return [row for row in judged if row["kind"] in RULES and RULES[row["kind"]].version == row["rule_version"]]


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, after Wilson."""
    if not count:
        return 0.0, 1.0
    share, z2 = hits / count, _Z**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def scores(judged: Iterable[Row]) -> dict[str, tuple[int, int, int]]:
    """Return for each kind and label how many findings were true, false and unsure, those of the present rules only."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in counting(judged):
        if row.get("verdict") is None:
            continue
        place = ("true", "false", "unsure").index(row["verdict"])
        for name in (row["kind"], row["kind"].partition(".")[0]):
            counts[name][place] += 1
    return {name: (hits, misses, unsure) for name, (hits, misses, unsure) in counts.items()}


def sessions_of(judged: Iterable[Row], name: str) -> list[str]:
    """Return the sessions that the judged findings of a kind or label come from, by the beginnings of their ids."""
    return sorted(
        {
            row["session_id"][:8]
            for row in counting(judged)
            if row.get("verdict") is not None and name in (row["kind"], row["kind"].partition(".")[0])
        }
    )


def precision_toml(judged: Iterable[Row]) -> str:
    """Return the file that app and report read: what is unsure counts as false."""
    lines = [
        "# Precision of each rule on findings read by hand; written by: python -m bench.labels score",
        "# ratio = right / judged, where unsure counts as wrong; low and high: 95 % interval after Wilson;",
        "# sessions: those that the judged findings come from, by the beginnings of their ids",
        "",
    ]
    for name, (hits, misses, unsure) in sorted(scores(judged).items()):
        if "." not in name:
            continue
        count = hits + misses + unsure
        low, high = wilson(hits, count)
        lines += [
            f'["{name}"]',
            f'version = "{RULES[name].version}"',
            f"judged = {count}",
            f"right = {hits}",
            f"sessions = {json.dumps(sessions_of(judged, name))}",
            f"ratio = {hits / count:.3f}",
            f"low = {low:.3f}",
            f"high = {high:.3f}",
            "",
        ]
    return "\n".join(lines)


def read_labels(path: Path = LABELS) -> list[Row]:
    """Return the judgements."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def pairs(first: Iterable[Row], second: Iterable[Row]) -> list[tuple[str, str]]:
    """Return both verdicts on each finding that was read twice, of the rules as they are now."""
    verdicts = {identity(row): row["verdict"] for row in counting(first)}
    return [(verdicts[identity(row)], row["verdict"]) for row in counting(second) if identity(row) in verdicts]


def kappa(verdicts: Sequence[tuple[str, str]]) -> float:
    """Return Cohen's kappa: agreement beyond that of chance, 1 where both readings always agree."""
    count = len(verdicts)
    first, second = Counter(one for one, _ in verdicts), Counter(other for _, other in verdicts)
    chance = sum(first[verdict] * second[verdict] for verdict in first) / count**2
    return (sum(one == other for one, other in verdicts) / count - chance) / (1 - chance)


def agreement() -> str:
    """Return in words how well both readings agree."""
    read_twice = pairs(read_labels(), read_labels(SECOND_READING))
    same = sum(one == other for one, other in read_twice)
    return f"{same} of {len(read_twice)} verdicts agree, Cohen's kappa {kappa(read_twice):.2f}"


def line_hash(root: Path, file: str | None, offset: int | None) -> str | None:
    """Return the SHA-256 of the line at an offset of a log file."""
    if file is None or offset is None:
        return None
    with (root / file).open("rb") as log:
        log.seek(offset)
        return hashlib.sha256(log.readline().rstrip(b"\r\n")).hexdigest()


def _lake(root: Path, home: Path) -> Config:
    config = Config(home=home)
    ingest(config, [root])
    return config


def _record(root: Path, row: Row) -> Row:
    names = ("kind", "rule_version", "session_id", "block_index", "request_id", "file", "offset_bytes")
    part = {"part_sha256": row["part_sha256"]} if "part_sha256" in row else {}
    return {
        **{name: row[name] for name in names},
        **part,
        "line_sha256": line_hash(root, row["file"], row["offset_bytes"]),
        "evidence_file": row["evidence_file"],
        "evidence_offset_bytes": row["evidence_offset_bytes"],
        "evidence_sha256": line_hash(root, row["evidence_file"], row["evidence_offset_bytes"]),
        "verdict": None,
        "why": "",
    }


def _draw(root: Path, home: Path) -> int:
    judged = counting(read_labels())
    with open_lake(_lake(root, home), read_only=True) as lake:
        new = [_record(root, row) for row in draw(findings(lake.con), judged, COUNT, SEED)]
    LABELS.parent.mkdir(exist_ok=True)
    with LABELS.open("a", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in new)
    sys.stdout.write(f"{len(new)} findings drawn, {len(judged)} of the present rules were there.\n")
    return 0


def numbers_of(words: Sequence[str]) -> list[int]:
    """Return the findings that `3 10-12` names."""
    numbers: list[int] = []
    for word in words:
        first, _, last = word.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def _show(root: Path, home: Path, numbers: Sequence[int]) -> int:
    config = Config(home=home) if (home / "catalog.sqlite").exists() else _lake(root, home)
    wanted = read_labels()
    with open_lake(config, read_only=True) as lake:
        found = {identity(row): row for row in findings(lake.con)}
        for number in numbers:
            sys.stdout.write(f"\n################ {number}\n")
            row = found.get(identity(wanted[number]))
            if row is None:
                sys.stdout.write("The rules of now do not find this any more.\n")
            else:
                _show_finding(lake.con, row)
    return 0


def _show_finding(con: duckdb.DuckDBPyConnection, row: Row) -> None:
    out = sys.stdout.write
    out(" | ".join(f"{name}: {value}" for name, value in row.items() if value is not None and "offset" not in name))
    earlier, at = row["evidence_block_index"], row["block_index"]
    first = last = at
    if at is None:
        found = con.execute(
            "select min(block_index), max(block_index) from blocks where session_id = $1 and request_id = $2",
            [row["session_id"], row["request_id"]],
        ).fetchone()
        first, last = found if found and found[0] is not None else (0, 0)
    if earlier is not None and not (
        row["evidence_session_id"] == row["session_id"] and last < earlier < last + _AROUND
    ):
        out("\n=== the other side\n")
        _print_blocks(con, {**row, "session_id": row["evidence_session_id"] or row["session_id"]}, earlier, earlier)
    if row["kind"].startswith("C10"):
        out("\n=== what the session called and commanded\n")
        for fact in con.execute(
            """
            select kind, tool_name, coalesce(preview, ''), count(*) from blocks
            where session_id = $1 and (
                kind = 'command'
                or (kind = 'tool_call' and (tool_name = 'Skill' or tool_name like 'mcp%' or tool_name like '%Mcp%'))
            )
            group by all
            """,
            [row["session_id"]],
        ).fetchall():
            out(f"{fact}\n")
    out("\n=== in its place, with what stood around it\n")
    _print_blocks(con, row, first - _AROUND, last + 2 * _AROUND, mark=at)
    # What later answers did is the question where a result is said to be of no further use.
    if row["kind"].startswith(("C11", "C13", "C5", "C7")):
        out("=== later answers of the conversation\n")
        _print_blocks(con, row, last + 2 * _AROUND + 1, last + 400, only=("text", "tool_call", "prompt"), limit=220)
    if row["kind"].startswith(("C5", "C6", "C7")) and earlier is not None and earlier < first:
        out("=== what happened in between\n")
        _print_blocks(con, row, earlier + 1, first - _AROUND - 1, only=("tool_call", "prompt"), limit=200)


def _print_blocks(
    con: duckdb.DuckDBPyConnection,
    row: Row,
    first: int,
    last: int,
    mark: int | None = None,
    only: Sequence[str] = (),
    limit: int = _CHARACTERS_SHOWN,
) -> None:
    rows = con.execute(
        """
        select block_index, agent_id, turn_index, kind, tool_name, path, range_start, range_lines, is_error, label,
            size_tokens, carried_requests_count, coalesce(contents.text, preview, '') as text
        from blocks
        left join contents using (source_id, content_hash)
        where source_id = $1 and session_id = $2 and block_index between $3 and $4
            and ($6 is null or coalesce(agent_id, '') = $6)
            and (len($5) = 0 or kind in (select unnest($5)))
        order by block_index
        limit 60
        """,
        [row["source_id"], row["session_id"], first, last, list(only), row["agent_id"] if only else None],
    ).fetchall()
    for index, *facts, text in rows:
        told = " ".join(str(fact) for fact in facts if fact not in (None, ""))
        most = 3 * limit if index == mark else limit
        cut = text if len(text) <= most else f"{text[: most // 2]} […] {text[-most // 2 :]}"
        sys.stdout.write(f"{'>>>' if index == mark else '---'} {index}: {told}\n{cut}\n")


def table(judged: Sequence[Row]) -> str:
    """Return precision by kind and label as Markdown."""
    lines = [
        "| rule | judged | from sessions | right | wrong | unsure | precision | 95 % interval | |",
        "|---|---:|---:|---:|---:|---:|---:|---|---|",
    ]
    for name, (hits, misses, unsure) in sorted(scores(judged).items()):
        count = hits + misses + unsure
        low, high = wilson(hits, count)
        counted = ("hint" if hits / count < TRUSTED_PRECISION else "counted") if "." in name else ""
        shown = name if "." in name else f"**{name}**"
        interval = f"{low:.2f}–{high:.2f}"
        lines.append(
            f"| {shown} | {count} | {len(sessions_of(judged, name))} | {hits} | {misses} | {unsure} "
            f"| {hits / count:.2f} | {interval} | {counted} |"
        )
    return "\n".join(lines)


def with_table(text: str, judged: Sequence[Row]) -> str:
    """Return the document with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(judged)}\n{END}{rest.partition(END)[2]}"


def _score() -> int:
    judged = read_labels()
    sys.stdout.write(f"{table(judged)}\n")
    PRECISION.write_text(precision_toml(judged), encoding="utf-8")
    DOCS.write_text(with_table(DOCS.read_text(encoding="utf-8"), judged), encoding="utf-8")
    return 0


def main(arguments: Sequence[str]) -> int:
    if list(arguments) == ["score"]:
        return _score()
    if list(arguments) == ["agree"]:
        sys.stdout.write(f"{agreement()}\n")
        return 0
    if len(arguments) < 2 or arguments[0] not in ("draw", "show"):
        sys.stderr.write(__doc__ or "")
        return 2
    root = Path(arguments[1])
    named = list(arguments[2:])
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        if "--home" in named:
            at = named.index("--home")
            home = Path(named[at + 1])
            del named[at : at + 2]
        return _draw(root, home) if arguments[0] == "draw" else _show(root, home, numbers_of(named))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
