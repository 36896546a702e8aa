"""Rebuild every answered request of clients with a request log, byte for byte, and hold it against what was sent.

python -m bench.request_log RUNS...                                   # such as ../shared/ground-truth
python -m bench.request_log --scratch DIR [--rig ../shared/rig] [RUNS...]   # make runs there first: about five minutes

RUNS are folders below which each run of the rig lies: `projects` with transcripts, `ledger.jsonl` and
`requests.jsonl.xz` with what the stand-in for the API was sent. A request is answered if a line of a transcript holds
its response and names an attempt of the request log. It is rebuilt if every hash it names is proven (of each message,
and of tools with system prompt) and the body equals the one that was sent: all of it but what the client does not log,
which is the line of the system prompt that names the client, and the headers' `betas`, `metadata` and `stream`.
Content that was sent as one string counts as one block of text. Runs need node, npm and git; the network is needed to
fetch the client only.
"""

from __future__ import annotations

import argparse
import json
import lzma
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.rig import made_runs
from her_models.ledger.request_log import RequestLog, compact

VERSIONS = "2.1.330"
SCENARIOS = Path(__file__).with_name("request_log_scenarios.py")
UNLOGGED = frozenset({"betas", "metadata", "stream"})
HEADER = "billing-header"


@dataclass
class Found:
    """What was found in one run. `broken` says of each request that was not rebuilt which part of it."""

    answered: int = 0
    rebuilt: int = 0
    hashes: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def checked(run: Path) -> Found:
    """Rebuild every answered request of a run, and hold it against what was sent."""
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((run / "projects").rglob("*.jsonl")):
        for text in path.read_bytes().splitlines():  # of bytes: a text may hold line separators of Unicode
            line = json.loads(text)
            sessions[line.get("sessionId", "")].append(line)
    logs = {session: RequestLog(lines, lines) for session, lines in sessions.items()}
    attempts = {attempt: log for log in logs.values() for attempt in log.attempts}
    with (run / "ledger.jsonl").open(encoding="utf-8") as file:
        calls = [json.loads(line) for line in file]
    known = {call["response"]["id"]: call for call in calls if (call.get("response") or {}).get("id")}
    with lzma.open(run / "requests.jsonl.xz", "rt", encoding="utf-8") as file:
        bodies = {entry["seq"]: entry["request"] for entry in map(json.loads, file)}
    refs = {
        line["message"]["id"]: line["requestRef"]
        for lines in sessions.values()
        for line in lines
        if line.get("type") == "assistant" and line.get("requestRef") and line["message"]["id"] in known
    }
    found = Found()
    for message_id, attempt in sorted(refs.items(), key=lambda ref: known[ref[0]]["seq"]):
        found.answered += 1
        seq = known[message_id]["seq"]
        found.by_kind[known[message_id]["class"]] += 1
        body = attempts[attempt].body(attempt) if attempt in attempts else None
        if body is None:
            found.broken.append(f"{run.name} {seq}: not rebuilt")
            continue
        found.hashes += len(body["messages"]) + 1
        part = _difference(body, bodies[seq])
        if part is None:
            found.rebuilt += 1
        else:
            found.broken.append(f"{run.name} {seq}: differs in {part}")
    return found


def _difference(rebuilt: dict[str, Any], sent: dict[str, Any]) -> str | None:
    """Return the first part in which two bodies differ."""
    sent = dict(sent)
    sent["system"] = [block for block in sent["system"] if HEADER not in block["text"]]
    sent["messages"] = [{**message, "content": _blocks(message["content"])} for message in sent["messages"]]
    for name in sorted((rebuilt.keys() | sent.keys()) - UNLOGGED):
        if compact(rebuilt.get(name)) != compact(sent.get(name)):
            return name
    return None


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", type=Path, help="folders below which runs lie")
    parser.add_argument("--scratch", type=Path, help="make runs there first, the client with them")
    parser.add_argument("--rig", type=Path, default=Path("../shared/rig"))
    parser.add_argument("--versions", default=VERSIONS, help="of the client, separated by commas")
    parser.add_argument("--scenarios", default="", help="names of those to run; default: all, the rig's and our own")
    chosen = parser.parse_args(arguments)
    folders = list(chosen.runs)
    if chosen.scratch:
        names = [name for name in chosen.scenarios.split(",") if name]
        folders.append(made_runs(chosen.rig, chosen.scratch.absolute(), chosen.versions, names, SCENARIOS))
    whole = Found()
    for folder in folders:
        for ledger in sorted(folder.rglob("ledger.jsonl")):
            if not (ledger.parent / "projects").is_dir():
                continue
            found = checked(ledger.parent)
            if not found.answered:
                continue  # a client without a request log, or a run without an answer
            name = "/".join(ledger.parent.parts[-2:])
            sys.stdout.write(f"{name:<28}{found.rebuilt:>5} of {found.answered:>3}{found.hashes:>7} hashes\n")
            whole.answered += found.answered
            whole.rebuilt += found.rebuilt
            whole.hashes += found.hashes
            whole.by_kind += found.by_kind
            whole.broken += found.broken
    for sentence in whole.broken:
        sys.stdout.write(f"{sentence}\n")
    sys.stdout.write(f"\nrebuilt byte for byte: {whole.rebuilt:,} of {whole.answered:,}, {whole.hashes:,} hashes\n")
    return 0 if whole.answered and whole.rebuilt == whole.answered else 1


if __name__ == "__main__":
    sys.exit(main())
