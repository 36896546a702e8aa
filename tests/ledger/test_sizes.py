"""Likely sizes: densities by tokenizer family, framing as the client version of a model adds it."""

from pathlib import Path

import pytest

from her_models.errors import ConfigError
from her_models.ledger.sizes import load_densities, version_key


def framing(model: str, version: str) -> float:
    return load_densities().family(model, version).framing["tool_result"]


def test_framing_is_that_of_the_model_and_the_client_version_where_it_was_fitted() -> None:
    assert framing("claude-opus-4-5-20251101", "2.1.19") == 38
    assert framing("claude-opus-4-5-20251101", "2.1.20") == 17
    assert framing("claude-sonnet-4-5-20250929", "2.1.19") == 12
    assert framing("claude-opus-4-5-20251101", "") == 17


def test_what_was_not_fitted_for_a_version_stays_that_of_the_family() -> None:
    fitted, family = (load_densities().family("claude-opus-4-5", version) for version in ("2.1.1", "9.9.9"))
    assert fitted.per_byte == family.per_byte
    assert {**fitted.framing, "tool_result": 0} == {**family.framing, "tool_result": 0}


def test_versions_compare_as_numbers() -> None:
    assert version_key("2.1.9") < version_key("2.1.10") < version_key("2.2.0-beta") < (2, 2, 1)
    assert version_key("dev") == ()


def test_densities_of_ones_own_stand_for_all_versions(tmp_path: Path) -> None:
    own = tmp_path / "densities.toml"
    own.write_text("[v3.framing]\ntool_result = 3\n")
    assert load_densities(own).family("claude-opus-4-5", "2.1.1").framing["tool_result"] == 3


def test_a_density_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    own = tmp_path / "densities.toml"
    own.write_text("[v3.framing]\ntool_results = 3\n")
    with pytest.raises(ConfigError, match=r"v3\.framing\.tool_results = 3 is no known density"):
        load_densities(own)
