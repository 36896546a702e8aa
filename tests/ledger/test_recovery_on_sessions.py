"""Lost output on real sessions: known outputs are hidden, recovered, and compared."""

import statistics

import pytest

from bench.recovery import known_and_recovered
from her_models.ledger.recovery import sum_interval
from tests.lakes import SHARED


@pytest.mark.skipif(not (SHARED / "sessions").is_dir(), reason="needs the public sessions in ../shared/sessions")
def test_hidden_output_of_late_clients_is_recovered() -> None:
    pairs = known_and_recovered([str(SHARED / "sessions")])
    known = sum(truth for truth, _, _ in pairs)
    recovered, low, high = sum_interval([output for _, output, _ in pairs])
    errors = [abs(output.tokens - truth) / truth for truth, output, _ in pairs]
    held = sum(output.low <= truth <= output.high for truth, output, _ in pairs)
    assert len(pairs) > 1_000
    assert abs(recovered / known - 1) <= 0.03
    assert low <= known <= high
    assert statistics.median(errors) <= 0.10
    assert held / len(pairs) >= 0.90
