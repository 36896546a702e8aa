"""How well lost output is recovered: hide what is known, recover it, compare.

    python -m bench.recovery ../shared/sessions

Takes responses of clients from 2.1.100 on whose output the log is sure of, hides it, and estimates it from their
content and the growth of the next prompt. Prints the sum, the error of single responses, and how often the stated
interval holds.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import replace

from bench.ledger_threads import ledger_threads
from her_models.ledger.recovery import Output, estimated_output, sum_interval

FIRST_SURE = (2, 1, 100)


def _version(text: str | None) -> tuple[int, ...]:
    parts = (text or "0").split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in parts)


def known_and_recovered(paths: list[str]) -> list[tuple[int, Output, str]]:
    """Return (known output, estimate made without it, model) of each response that can serve as a test."""
    pairs = []
    for thread in ledger_threads(paths):
        for call, witness, output in zip(thread.calls, thread.witnesses, thread.outputs, strict=True):
            if not call["is_owned"] or not witness.is_complete or not output.is_logged:
                continue
            if _version(call["client_version"]) < FIRST_SURE:
                continue
            hidden = replace(witness, logged=0, is_complete=False)
            pairs.append((witness.logged, estimated_output(hidden), call["model"]))
    return pairs


def main(paths: list[str]) -> int:
    pairs = known_and_recovered(paths)
    if not pairs:
        sys.stderr.write("No response of client 2.1.100 or later with a known output below these paths.\n")
        return 1
    known = sum(truth for truth, _, _ in pairs)
    total, low, high = sum_interval([output for _, output, _ in pairs])
    errors = [abs(output.tokens - truth) / truth for truth, output, _ in pairs]
    held = sum(output.low <= truth <= output.high for truth, output, _ in pairs)
    out = sys.stdout.write
    out(f"responses                     {len(pairs):>12,}\n")
    out(f"output known                  {known:>12,} tokens\n")
    out(f"output recovered              {total:>12,} tokens ({total / known - 1:+.1%}; stated {low:,} to {high:,})\n")
    out(f"median error of a response    {statistics.median(errors):>12.1%}\n")
    out(f"nine in ten below             {sorted(errors)[int(len(errors) * 0.9)]:>12.1%}\n")
    out(f"stated intervals that hold    {held / len(pairs):>12.1%}\n")
    for model in sorted({model for _, _, model in pairs}):
        mine = [(truth, output) for truth, output, name in pairs if name == model]
        ratio = sum(output.tokens for _, output in mine) / sum(truth for truth, _ in mine) - 1
        median = statistics.median(abs(output.tokens - truth) / truth for truth, output in mine)
        out(f"  {model:<28}{len(mine):>6,} responses, sum {ratio:+.1%}, median {median:.1%}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
