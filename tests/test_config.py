"""`config.toml` and HER_HOME: what cannot be used is named, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from her_models.config import load_config, make_home
from her_models.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('time_zone = "Mars/Base"', r"time_zone is 'Mars/Base'; write a name such as \"Europe/Berlin\""),
        ('time_zone = "../zone"', r"time_zone is '\.\./zone'"),
        ("time_zone = 2", r"time_zone is 2; write a name"),
        ('redact_home_names = "false"', r"redact_home_names is 'false'; write true or false, without quotes"),
        ('redaction = "none"', r"redaction is 'none'; write \"on\" or \"off\""),
        ("workers = -1", r"workers is -1; write a whole number"),
        ("[[sources]]\nowner = 'ann'", r"a \[\[sources\]\] entry has no path"),
        ("sources = 1", r"sources is not a list"),
        ("time_zone =", r"is not TOML"),
        ('timezone = "UTC"', r"config\.toml: there is no entry 'timezone'\. Did you mean time_zone\?"),
        ("[colours]\nbars = 1", r"there is no entry 'colours'\. Known: budgets, catalog, .*, workers\."),
        ("[[sources]]\npath = '/x'\nuser = 'ann'", r"config\.toml, \[\[sources\]\]: there is no entry 'user'"),
        ("prices = 3", r"prices is 3; write a text in quotes"),
        ("catalog = false", r"catalog is False; write a text in quotes"),
        ('shows_persons = "no"', r"shows_persons is 'no'; write true or false"),
    ],
)
def test_an_entry_that_cannot_be_used_is_named_with_what_to_write(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path)


def test_a_time_zone_by_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('time_zone = "Asia/Kolkata"')
    assert load_config(tmp_path).time_zone == "Asia/Kolkata"


@pytest.mark.parametrize(
    ("said", "zone"),
    [("Asia/Kolkata", "Asia/Kolkata"), (":Asia/Kolkata", "Asia/Kolkata"), ("CET-1CEST", "UTC"), ("", "UTC")],
)
def test_a_machine_that_tells_its_zone_by_a_variable_is_believed_where_that_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, zone: str
) -> None:
    monkeypatch.setattr(Path, "is_symlink", lambda _path: False)
    monkeypatch.setenv("TZ", said)
    assert load_config(tmp_path).time_zone == zone


def test_a_home_is_made_for_one_person(tmp_path: Path) -> None:
    make_home(tmp_path / "her")
    make_home(tmp_path / "her")
    assert (tmp_path / "her").stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "her").write_text("")
    with pytest.raises(ConfigError, match=r"her cannot be made: it is no folder\. Set HER_HOME to a folder"):
        make_home(tmp_path / "her")
    with pytest.raises(ConfigError, match=r"her/inside cannot be made: Not a directory\. Set HER_HOME"):
        make_home(tmp_path / "her" / "inside")
