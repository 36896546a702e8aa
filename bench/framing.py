"""Fit what a client version adds around each tool result, per model, from exact growth; hold the intervals against it.

python -m bench.framing ../shared/sessions

Where nothing but tool results came in after a response whose output is known, growth minus output minus the
content of the results is their framing. Short results tell it best, as the error of the density is small there.
Prints entries for her_models/ledger/densities.toml, and how often the stated interval of a single result holds.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.ledger_threads import ledger_threads
from her_models.ledger.sizes import Estimate, load_densities, version_key
from her_models.ledger.thread import Thread, prompt_tokens

SHORT_TOKENS = 60
LEAST_GROWTHS = 20
SERIES = 20  # versions of 2.1 are taken together by twenty, as it counts its releases in the third number


@dataclass(frozen=True)
class Growth:
    """One exact growth by tool results alone: what they took, and their estimates with framing."""

    model: str
    first: str
    before: str
    tokens: int
    estimates: tuple[Estimate, ...]
    framing: float

    @property
    def framing_tokens(self) -> float:
        """Return what is left for each result's framing."""
        count = len(self.estimates)
        return (self.tokens - sum(estimate.tokens for estimate in self.estimates)) / count + self.framing


def series(version: str) -> tuple[str, str]:
    """Return the range of client versions that a version is taken together with: first, and the first after it."""
    key = version_key(version)
    if len(key) < 3 or key[:2] != (2, 1):
        return f"{key[0]}.{key[1]}.0", f"{key[0]}.{key[1] + 1}.0"
    first = key[2] // SERIES * SERIES
    return f"2.1.{first}", f"2.1.{first + SERIES}"


def growths(threads: Sequence[Thread]) -> Iterator[Growth]:
    """Yield the growths of some threads by tool results alone, where the output in between is known."""
    densities = load_densities()
    for thread in threads:
        for index, (call, following) in enumerate(zip(thread.calls, thread.calls[1:], strict=False)):
            fresh = range(thread.order[index], thread.order[index + 1])
            results = [place for place in fresh if place not in thread.written[index]]
            tokens = prompt_tokens(following) - prompt_tokens(call) - call["output_tokens"]
            if (
                not thread.outputs[index].is_logged
                or not thread.written[index]
                or not results
                or call["model"] != following["model"]
                or len(version_key(call["client_version"] or "")) < 2
                or any(thread.items[place]["kind"] != "tool_result" for place in results)
                or tokens <= 0
            ):
                continue
            framing = densities.family(call["model"], call["client_version"]).framing["tool_result"]
            estimates = tuple(thread.sizes[place] for place in results)
            yield Growth(call["model"], *series(call["client_version"]), tokens, estimates, framing)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", help="folders of logs")
    found = list(growths(ledger_threads(parser.parse_args(arguments).paths)))
    groups: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for growth in found:
        body = sum(estimate.tokens for estimate in growth.estimates) / len(growth.estimates) - growth.framing
        if body < SHORT_TOKENS:
            groups[growth.model, growth.first, growth.before].append(growth.framing_tokens)
    out = sys.stdout.write
    for (model, first, before), framings in sorted(
        groups.items(), key=lambda group: (group[0][0], version_key(group[0][1]))
    ):
        if len(framings) >= LEAST_GROWTHS:
            out(f'# {len(framings)} growths\n[[fitted]]\nmodel = "{model}"\nfirst = "{first}"\nbefore = "{before}"\n')
            out(f"framing = {{ tool_result = {statistics.median(framings):.0f} }}\n\n")
    single = [growth for growth in found if len(growth.estimates) == 1]
    held = sum(growth.estimates[0].low <= growth.tokens <= growth.estimates[0].high for growth in single)
    out(f"# {len(single):,} growths by a single result: its interval holds in {held / len(single):.0%}\n")
    error = statistics.median(abs(growth.estimates[0].tokens / growth.tokens - 1) for growth in single)
    out(f"# median error of its estimate: {error:.1%}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
