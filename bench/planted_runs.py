"""Run the real client twice and more, each run with one thing planted, and print whether the comparison names it.

    .venv/bin/python bench/planted_runs.py --scratch SCRATCH_DIR --install [--rig ../shared/rig]

The client (npm package @anthropic-ai/claude-code) talks to the rig's stand-in API on the loopback address; `--install`
fetches it once. The first run reads a file and runs two commands. The others do the same and one thing more: they read
the file again, have forty MCP tools, or use another model. Each is held against the first by `compare_pair`, and the
share of the difference that the planted thing is given is printed. Runs lie below SCRATCH_DIR and may be deleted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VERSION = "2.1.330"
PLANTED = ("plain", "read_again", "forty_tools", "other_model")


def main() -> None:
    """Make the runs that are missing, then compare."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--scratch", type=Path, required=True, help="where clients and runs are put")
    asked.add_argument("--rig", type=Path, default=CHECKOUT.parent / "shared" / "rig", help="folder of the rig")
    asked.add_argument("--install", action="store_true", help="fetch the client first")
    asked.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    out = chosen.scratch.absolute() / "out"
    if chosen.inside:
        _play(chosen.rig, chosen.scratch.absolute(), out)
        return
    missing = [name for name in PLANTED if not (out / VERSION / name / "projects").is_dir()]
    if missing:
        command = [sys.executable, __file__, "--inside", "--scratch", str(chosen.scratch), "--rig", str(chosen.rig)]
        if chosen.install:
            _install(chosen.scratch.absolute())
        has_namespaces = subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0
        subprocess.run(
            ["unshare", "-n", *command] if has_namespaces else command,
            env={**os.environ, "RIG_NETNS": "1"},
            check=True,
        )
    # The stand-in counts bytes / 3.6. A lake of one's own knows nothing of that: both are told.
    _compare(chosen.scratch.absolute() / "her", out, None)
    _compare(chosen.scratch.absolute() / "her-told", out, CHECKOUT / "tests" / "ledger" / "uniform_densities.toml")


def _install(scratch: Path) -> None:
    folder = scratch / "cli" / VERSION
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private":true}', encoding="utf-8")
    package = f"@anthropic-ai/claude-code@{VERSION}"
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", package], cwd=folder, check=True)


def _play(rig: Path, scratch: Path, out: Path) -> None:
    """Drive the client through the scenarios; runs in a network of its own where the system allows one."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(rig.absolute()))
    import run_rig
    import scenarios

    subprocess.run(["ip", "link", "set", "lo", "up"], check=False)
    read, act, say, use = scenarios.R, scenarios.A, scenarios.T, scenarios.U

    def work(marker: str, *more: object) -> dict[str, object]:
        return {
            marker: [
                act(read("data/mid.txt")),
                *more,
                act(use("Bash", command="echo one", description="Say one")),
                act(use("Bash", command="echo two", description="Say two")),
                act(say("Read it, and said one and two.")),
            ]
        }

    def steps(marker: str, **how: object) -> list[dict[str, object]]:
        return [{"prompt": f"Read data/mid.txt [[{marker}]]", **how}]

    loaded = {"ENABLE_TOOL_SEARCH": "false"}  # schemas stand in the prompt rather than being looked up
    scenarios.SC.update(
        plain={"scripts": work("pl"), "steps": steps("pl", env=loaded)},
        read_again={"scripts": work("ra", act(read("data/mid.txt"))), "steps": steps("ra", env=loaded)},
        forty_tools={"scripts": work("ft"), "steps": steps("ft", env=loaded), "mcp": {"tools": 40}},
        other_model={"scripts": work("om"), "steps": steps("om", env=loaded, args=["--model", "sonnet"])},
    )
    run_rig.SC.update(scenarios.SC)
    chosen = argparse.Namespace(scratch=str(scratch), out=str(out))
    for name in PLANTED:
        run_rig.run_one(chosen, VERSION, name)


def _compare(home: Path, out: Path, densities: Path | None) -> None:
    sys.path.insert(0, str(CHECKOUT))
    from her_models.compare import words
    from her_models.compare.pairs import compare_pair, usd
    from her_models.compare.report import pair_sentence
    from her_models.config import Config, Source
    from her_models.export import SessionKey
    from her_models.ingest import ingest
    from her_models.lake import open_lake

    given = {"densities_path": densities} if densities else {}
    config = Config(home=home, sources=(Source("rig", "host", out / VERSION),), **given)
    ingest(config)
    keys = {}
    for name in PLANTED:
        sessions = json.loads((out / VERSION / name / "steps.json").read_text(encoding="utf-8"))
        keys[name] = SessionKey(config.sources[0].source_id, sessions[0]["session_id"])
    with open_lake(config, read_only=True) as lake:
        for name in PLANTED[1:]:
            found = compare_pair(lake.con, keys["plain"], keys[name])
            whole = found.b_usd - found.a_usd
            sizes = "the stand-in's sizes" if densities else "sizes as in any lake"
            sys.stdout.write(f"\n{name}, {sizes}: {words.usd(whole, is_signed=True)}\n  {pair_sentence(found)}\n")
            for title, rows in (
                ("steps", [(words.step_name(s), s.difference_picodollars) for s in found.waterfalls["cause"]]),
                ("labels", [(words.step_name(s), s.difference_picodollars) for s in found.waterfalls["label"]]),
                ("things", [(f"{t.kind} {t.thing} {t.path}", t.difference_picodollars) for t in found.things]),
            ):
                sys.stdout.write(f"  {title}\n")
                for label, difference in sorted(rows, key=lambda row: -abs(row[1]))[:6]:
                    share = Decimal(difference).scaleb(-12) / whole if whole else Decimal(0)
                    sys.stdout.write(
                        f"    {label:<60} {words.usd(usd(difference), is_signed=True):>12} {share:>7.1%}\n"
                    )


if __name__ == "__main__":
    main()
