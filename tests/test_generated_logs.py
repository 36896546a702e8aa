"""The logs that the benchmark generates say themselves what they add up to; the lake must find the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lakes import SHARED, ingested, row

GENERATOR = SHARED / "bench" / "gen_logs.py"


@pytest.mark.slow
@pytest.mark.skipif(not GENERATOR.exists(), reason="needs ../shared/bench, an optional folder next to the checkout")
def test_the_lake_adds_up_to_what_the_generator_wrote_down(tmp_path: Path) -> None:
    """Forks repeat responses in second files, streams on up to four lines, most of them with too low a count."""
    command = [sys.executable, str(GENERATOR), "--out", str(tmp_path / "logs"), "--mb", "25", "--seed", "7"]
    subprocess.run(command, check=True, capture_output=True)
    true = json.loads((tmp_path / "logs" / "manifest.json").read_text())
    config = ingested(tmp_path / "home", tmp_path / "logs")
    told = row(
        config,
        "select count(*), sum(uncached_input_tokens), sum(output_tokens), "
        "sum(cache_write_5m_tokens + cache_write_1h_tokens), sum(cache_read_tokens) from requests",
    )
    assert told == (true["messages"], *true["usage_final_of_each_message"].values())
    assert row(config, "select sum(lines_count), sum(refused_count) from source_files") == (true["lines"], 0)
