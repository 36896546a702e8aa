"""What all tests share: no test is a stopwatch, so that a slow machine fails none; lakes are made once for many."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from her_models.config import Config
from her_models.demo import write_demo
from tests.lakes import SHARED, ingested

settings.register_profile("her", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("her")

UNIFORM = Path(__file__).parent / "ledger" / "uniform_densities.toml"


@pytest.fixture(scope="session")
def sessions_lake(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A lake of real, public sessions."""
    if not (SHARED / "sessions").is_dir():
        pytest.skip("needs the public sessions in ../shared/sessions")
    return ingested(tmp_path_factory.mktemp("sessions"), SHARED / "sessions")


@pytest.fixture(scope="session")
def ground_truth_lake(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A lake of the client's runs against a stand-in API, with the densities of that API's toy tokenizer."""
    if not (SHARED / "ground-truth").is_dir():
        pytest.skip("needs the client runs in ../shared/ground-truth")
    return ingested(tmp_path_factory.mktemp("known"), SHARED / "ground-truth", densities_path=UNIFORM)


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A lake of invented sessions."""
    logs = tmp_path_factory.mktemp("demo-logs")
    write_demo(logs)
    return ingested(tmp_path_factory.mktemp("demo"), logs)
