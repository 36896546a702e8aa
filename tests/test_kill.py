"""A run that is killed costs that run: the next one finishes the work once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from her_models.config import Config
from her_models.ingest import ingest
from tests.lakes import config_of, differences, ingested, row, same_key
from tests.logs import answer, append, prompt, write

ROOT = Path(__file__).parents[1]
PROGRAM = """
import sys
from pathlib import Path
from her_models.config import Config, Source
from her_models.ingest import ingest
home, logs = map(Path, sys.argv[1:])
print("begin", flush=True)
ingest(Config(home=home, sources=(Source("dev", "host", logs),)))
"""


def _grow(logs: Path, step: int) -> None:
    """Give the logs one more question and answer, in one of five sessions in turn."""
    session, turn = f"s{step % 5}", step // 5
    path = logs / f"{session}.jsonl"
    lines = (
        prompt(session, f"{session}-p{turn}", 2 * step, f"question {step}"),
        answer(session, f"{session}-a{turn}", 2 * step + 1, f"m{step}", text=f"answer {step}"),
    )
    if path.exists():
        append(path, *lines)
    else:
        write(path, *lines)


def _run_and_kill(config: Config, logs: Path, seconds: float) -> bool:
    """Start an ingest in a process of its own and kill it `seconds` after it begins; says whether it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config.home), str(logs)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "begin\n"
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL


def _one_run_seconds(tmp_path: Path) -> float:
    """Return how long a run takes on this machine just now, so that kills fall all over it."""
    logs = tmp_path / "trial"
    _grow(logs, 0)
    start = time.monotonic()
    ingested(tmp_path / "trial-home", logs)
    return time.monotonic() - start


def _kills(tmp_path: Path, count: int, seed: int) -> None:
    logs, chance = tmp_path / "logs", random.Random(seed)
    length = _one_run_seconds(tmp_path)
    config = config_of(tmp_path / "home", logs)
    killed = step = 0
    while killed < count:
        _grow(logs, step)
        killed += _run_and_kill(config, logs, chance.uniform(0, length))
        step += 1
        assert step < 10 * count
    ingest(config)
    assert row(config, "select count(*) from requests") == (step,)
    same_key(tmp_path / "whole", config.home)
    whole = ingested(tmp_path / "whole", logs)
    assert differences(config, whole) == []
    assert {path.name for path in config.lake_path.glob("staged/*/*/*.parquet")} <= _registered(config)


def _registered(config: Config) -> set[str]:
    from her_models.lake import open_lake

    with open_lake(config, read_only=True) as lake:
        found = lake.con.execute("select path from __ducklake_metadata_lake.ducklake_data_file").fetchall()
    return {Path(path).name for (path,) in found}


def test_a_few_kills_leave_the_lake_of_an_undisturbed_run(tmp_path):
    _kills(tmp_path, count=3, seed=1)


@pytest.mark.slow
def test_fifty_kills_leave_the_lake_of_an_undisturbed_run(tmp_path):
    _kills(tmp_path, count=50, seed=2)
