"""Drive the rig: the real client against a stand-in for the API whose bill and requests are known.

What belongs here: making runs, with scenarios of our own beside the rig's. What does not: what is asked of the runs.
Needs node, npm and git; the network is needed for the installation of a client only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def made_runs(rig: Path, scratch: Path, versions: str, names: Iterable[str], more: Path | None = None) -> Path:
    """Run scenarios with some versions of the client; returns the folder of runs.

    Args:
        scratch: where the client is installed and runs are put.
        names: scenarios to run; none: all.
        more: a module that adds scenarios; it may import from `scenarios`, whose `SC` it changes.
    """
    mine, runs = scratch / "rig", scratch / "runs"
    shutil.copytree(rig, mine, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    if more is not None:
        shutil.copyfile(more, mine / "more_scenarios.py")
        scenarios = mine / "scenarios.py"
        scenarios.chmod(0o644)
        text = (rig / "scenarios.py").read_text(encoding="utf-8")
        scenarios.write_text(text + "\n\nimport more_scenarios\n", encoding="utf-8")
    command = [sys.executable, str(mine / "run_rig.py"), "--scratch", str(scratch), "--out", str(runs), "--install"]
    command += ["--versions", versions]
    chosen = ",".join(names)
    subprocess.run([*command, "--scenarios", chosen] if chosen else command, check=True)
    return runs
