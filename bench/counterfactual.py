"""Hold the what-ifs against reality: run the real client with and without what is redundant, and compare both bills.

python -m bench.counterfactual [--rig ../shared/rig] [--versions 2.1.330,2.0.77] [--scratch DIR] [--runs DIR]

The rig drives the real client (installed from the package registry, once per version) against a stand-in for the
API whose bill is known. Each check is a pair of runs of the same script: one as it is, and one changed as the policy
says. From the transcript of the first, and from nothing else, the replay predicts the bill of the second. Needs node,
npm, git and about a minute per version; the network is needed for the installation only.

| check | the other run | policy |
|---|---|---|
| reread | does not read the file again that it has just read | those calls and the requests that only take them in |
| bigout | does not print the big file a second time | that call and the request that only takes it in |
| cap | prints at most 6,000 characters per command | results of commands capped at as many tokens |
| hour | keeps its cache for an hour | entries live an hour |

The clock of the stand-in runs by script, and the client's timestamps do not follow it; for `hour` they are put on it
before they are read. Tokens are those of the stand-in, whose tokenizer differs from what the ledger expects: block
sizes are as uncertain here as they are on real logs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.rig import made_runs
from her_models import warehouse
from her_models.config import Config
from her_models.ingest import ingest
from her_models.lake import Lake, open_lake
from her_models.ledger.reading import read_layout
from her_models.ledger.sizes import load_densities
from her_models.ledger.tables import LEDGER_READS
from her_models.pricing import Usage, cost_picodollars, load_prices
from her_models.whatif import policies
from her_models.whatif.reading import read_sequence
from her_models.whatif.removals import BlockClaim, Claim, OutputClaim, RequestClaim, plan_without, resolved
from her_models.whatif.replay import Plan, identity_holds, replayed
from her_models.whatif.sequence import Sequence as Requests

VERSIONS = "2.1.330,2.0.77,1.0.128,0.2.126"
CAP_CHARACTERS = 6_000
BYTES_PER_TOKEN = 3.6  # of the stand-in
# Names as long as those of the runs they are compared with: the working folder stands in the prompt.
SCENARIOS = f"""
from scenarios import SC, A, R, T, U

SC["reonce"] = {{"scripts": {{"rr": [
    A(R("data/mid.txt")),
    A(U("Edit", file_path="${{CWD}}/data/mid.txt", old_string="line 3 ", new_string="LINE 3 ")),
    A(R("data/mid.txt")), A(T("Read it six times."))]}}, "steps": SC["reread"]["steps"]}}
SC["bigone"] = {{"scripts": {{"bo": [SC["bigout"]["scripts"]["bo"][n] for n in (0, 2, 3, 4, 5)]}},
    "steps": SC["bigout"]["steps"]}}
SC["bigcap"] = {{"scripts": SC["bigout"]["scripts"],
    "steps": [dict(SC["bigout"]["steps"][0], env={{"BASH_MAX_OUTPUT_LENGTH": "{CAP_CHARACTERS}"}})]}}
SC["tth"] = {{"scripts": SC["ttl"]["scripts"],
    "steps": [dict(SC["ttl"]["steps"][0], env={{"ENABLE_PROMPT_CACHING_1H": "1"}})]}}
"""


@dataclass(frozen=True)
class Check:
    """A pair of runs, and the plan that turns the first into the second."""

    name: str
    run: str
    other: str
    plan: Callable[[Requests, Lake], Plan]
    versions: frozenset[str] | None = None  # None: all
    is_on_the_clock: bool = False
    label: str = ""  # label under which the detectors should find it


@dataclass(frozen=True)
class Result:
    """US dollars: the bill, what the other run was really billed less, and what was predicted.

    `predicted` is for what is known to be redundant, `detected` for what Her's own detectors found in the transcript.
    """

    check: str
    version: str
    billed: Decimal
    saved: Decimal
    predicted: Decimal
    detected: Decimal | None

    @property
    def error(self) -> float:
        return float(self.predicted / self.saved - 1)

    @property
    def detected_error(self) -> float | None:
        return None if self.detected is None else float(self.detected / self.saved - 1)


def without_calls(numbers: Sequence[int]) -> Callable[[Requests, Lake], Plan]:
    """Return a policy: the calls of these numbers, in order, are not made, nor are the requests that take them in."""

    def plan(seq: Requests, lake: Lake) -> Plan:
        calls = lake.con.execute(
            "select calls.block_index, results.block_index, calls.request_id from blocks as calls"
            " join blocks as results using (session_id, tool_use_id)"
            " where calls.kind = 'tool_call' and results.kind = 'tool_result' order by calls.block_index"
        ).fetchall()
        block = {found.block_index: number for number, found in enumerate(seq.blocks)}
        place = {call.request_id: number for number, call in enumerate(seq.calls)}
        claims: list[Claim] = []
        for call, result, request in (calls[number] for number in numbers):
            claims += [BlockClaim("C5", block[call]), OutputClaim("C5", block[call]), BlockClaim("C5", block[result])]
            claims.append(RequestClaim("C5", place[request] + 1))
        return plan_without(seq, resolved(seq, claims), ("C5",))

    return plan


def capped_commands(seq: Requests, lake: Lake) -> Plan:
    """Return the policy that caps what commands print."""
    return policies.capped_results(seq, round(CAP_CHARACTERS / BYTES_PER_TOKEN), tools=("Bash",))


def for_an_hour(seq: Requests, lake: Lake) -> Plan:
    """Return the policy that keeps every entry for an hour."""
    return policies.other_lifetime(seq, is_hour=True)


CHECKS = (
    Check("reread", "reread", "reonce", without_calls((1, 2, 3, 4)), label="C5"),
    Check("bigout", "bigout", "bigone", without_calls((1,)), label="C6"),
    # Later clients write long output to a file and show its beginning, whatever the limit is. 0.2.126 sends the first
    # command's output twice and logs it once, so that its log does not say what a limit would take away.
    Check("cap", "bigout", "bigcap", capped_commands, frozenset({"2.0.77", "1.0.128"})),
    Check("hour", "ttl", "tth", for_an_hour, frozenset({"2.1.330"}), is_on_the_clock=True),
)


def made(rig: Path, scratch: Path, versions: str) -> Path:
    """Run all scenarios with the client's versions; returns the folder of runs."""
    scratch.mkdir(parents=True, exist_ok=True)
    more = scratch / "counterfactual_scenarios.py"
    more.write_text(SCENARIOS, encoding="utf-8")
    names = sorted({name for check in CHECKS for name in (check.run, check.other)})
    return made_runs(rig, scratch, versions, names, more)


def billed_usd(run: Path, *, class_name: str | None = None) -> Decimal:
    """Return what the stand-in billed for a run, at the prices of its day; `class_name`: such requests only."""
    book = load_prices()
    total = 0
    for call in _ledger(run):
        usage = call.get("billed")
        if not usage or (class_name and call["class"] != class_name):
            continue
        hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens", 0)
        counts = Usage(
            usage["input_tokens"],
            usage["cache_creation_input_tokens"] - hour,
            hour,
            usage["cache_read_input_tokens"],
            usage["output_tokens"],
        )
        rates = book.rates(call["model"], datetime.fromtimestamp(call["t_start"], UTC), counts.prompt_tokens)
        if rates is None:
            raise SystemExit(f"{run}: no price for {call['model']!r}. Choose a client version that asks known models.")
        total += cost_picodollars(counts, rates)
    return Decimal(total).scaleb(-12)


def _ledger(run: Path) -> list[dict[str, Any]]:
    with (run / "ledger.jsonl").open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def put_on_the_clock(run: Path, target: Path) -> None:
    """Copy a run's transcripts with the stand-in's times: what was sent with a request takes the time it was made."""
    clock = {c["response"]["id"]: c["fake_clock"] for c in _ledger(run) if c.get("billed") and "id" in c["response"]}
    for path in sorted((run / "projects").rglob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        times = [clock.get((line.get("message") or {}).get("id", "")) for line in lines]
        following = times[-1]
        for number in reversed(range(len(lines))):
            is_answer = times[number] is not None
            following = times[number] if is_answer else following
            if "timestamp" in lines[number] and following is not None:
                moment = datetime.fromtimestamp(following + (0.2 if is_answer else 0.0), UTC)
                lines[number]["timestamp"] = moment.isoformat().replace("+00:00", "Z")
        copy = target / path.relative_to(run)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def compared(check: Check, runs: Path, version: str) -> Result:
    """Return what was saved and what was predicted from the transcript of the first run."""
    run, other = runs / version / check.run, runs / version / check.other
    with tempfile.TemporaryDirectory() as folder:
        logs = run
        if check.is_on_the_clock:
            logs = Path(folder) / "logs"
            put_on_the_clock(run, logs)
        config = Config(home=Path(folder) / "home")
        ingest(config, [logs])
        with open_lake(config, read_only=True) as lake:
            con = lake.con
            con.execute("use lake")
            con.execute("create temp table scope_sessions as select distinct source_id, session_id from lines")
            warehouse.build(con, warehouse.needed_by([*LEDGER_READS, "int_calls"]))
            seq = read_sequence(con, read_layout(con, load_densities()))
            if not identity_holds(seq).all():
                raise SystemExit(f"{run}: the replay does not return the bill; nothing can be predicted.")
            billed = int(seq.billed.sum())
            left = int(replayed(seq, check.plan(seq, lake)).by_session(seq).sum())
            found = con.execute("select sum(gross_saving_usd) from what_ifs where label = ?", [check.label]).fetchone()
    saved = billed_usd(run, class_name="main") - billed_usd(other, class_name="main")
    predicted = Decimal(billed - left).scaleb(-12)
    return Result(check.name, version, Decimal(billed).scaleb(-12), saved, predicted, found[0] if found else None)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rig", type=Path, default=Path("../shared/rig"))
    parser.add_argument("--versions", default=VERSIONS, help="of the client, separated by commas")
    parser.add_argument("--scratch", type=Path, help="folder for clients and runs; default: one that is removed after")
    parser.add_argument("--runs", type=Path, help="take the runs that are in this folder and make none")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        runs = chosen.runs or made(chosen.rig, (chosen.scratch or Path(folder)).absolute(), chosen.versions)
        results = [
            compared(check, runs, version)
            for check in CHECKS
            for version in chosen.versions.split(",")
            if check.versions is None or version in check.versions
        ]
    sys.stdout.write("| check | client | billed | really saved | predicted | error | by the detectors | error |\n")
    sys.stdout.write("|---|---|---:|---:|---:|---:|---:|---:|\n")
    for r in results:
        row = f"{r.billed:.6f} | {r.saved:.6f} | {r.predicted:.6f} | {r.error:+.1%}"
        row += " | – | –" if r.detected is None else f" | {r.detected:.6f} | {r.detected_error:+.1%}"
        sys.stdout.write(f"| {r.check} | {r.version} | {row} |\n")
    errors = [error for result in results for error in (result.error, result.detected_error) if error is not None]
    worst = max(map(abs, errors))
    sys.stdout.write(f"\nlargest error {worst:.2%}\n")
    return 0 if worst <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
