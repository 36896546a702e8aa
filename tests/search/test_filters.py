"""Every filter of a search picks what it names and leaves the rest: asked of the library, the command and the page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from app import cli
from her_models.config import load_config
from her_models.lake import open_lake
from her_models.reports import Scope
from her_models.search import hits
from her_models.search.hits import SearchFilter
from her_models.search.index import update_index
from her_models.search.pattern import Mode
from tests.app.conftest import fill
from tests.app.test_pages import opened

USUAL = {"kind": "text", "logged_at": datetime(2026, 3, 5, 12, tzinfo=UTC), "lifetime_usd": 0.01, "request_id": "usual"}
ODD: dict[str, dict[str, Any]] = {
    "usual": {},
    "words": {"text": "a quagga at last"},
    "phrase": {"text": "the zebra crossing"},
    "not the phrase": {"text": "crossing the zebra"},
    "expression": {"text": "return total_usd(rows)"},
    "kind": {"kind": "thinking"},
    "tool": {"tool_name": "Grep"},
    "file": {"path": "/engine/Loop.py"},
    "model": {"request_id": "other model"},
    "version": {"request_id": "other version"},
    "later": {"logged_at": datetime(2026, 3, 6, 12, tzinfo=UTC)},
    "earlier": {"logged_at": datetime(2026, 3, 4, 12, tzinfo=UTC)},
    "cost": {"lifetime_usd": 5.0},
    "error": {"is_error": True},
    "label": {},
    "copy": {"is_inherited": True, "tool_name": "Copied"},
}
"""Blocks of session `one`, each unlike the usual in one respect; sessions `bob` and `mill` hold a usual one each."""


@dataclass(frozen=True)
class Case:
    """One filter: as the library, the command and the address of the page say it, and which events pass it."""

    passing: tuple[str, ...]
    where: SearchFilter = field(default_factory=SearchFilter)
    command: tuple[str, ...] | None = ()
    address: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    mode: Mode = "words"


CASES = {
    "words": Case(("words",), text="QUAGGA", command=("QUAGGA",), address={"q": "QUAGGA"}),
    "phrase": Case(
        ("phrase",), text='"zebra crossing"', command=('"zebra crossing"',), address={"q": '"zebra crossing"'}
    ),
    "expression": Case(
        ("expression",),
        text=r"total_\w+\(",
        mode="regex",
        command=(r"total_\w+\(", "--regex"),
        address={"q": r"total_\w+\(", "mode": "Expression"},
    ),
    "kind": Case(("kind",), SearchFilter(kinds=("thinking",)), ("--kind", "thinking"), {"kind": "Thinking"}),
    "tool": Case(("tool",), SearchFilter(tools=("Grep",)), ("--tool", "Grep"), {"tool": "Grep"}),
    "file": Case(("file",), SearchFilter(path="loop"), ("--file", "loop"), {"file": "loop"}),
    "person": Case(("bob",), SearchFilter(Scope(owners=("bob",))), ("--owner", "bob"), {"owner": "bob"}),
    "project": Case(("mill",), SearchFilter(Scope(projects=("mill",))), ("--project", "mill"), {"project": "mill"}),
    "model": Case(("model",), SearchFilter(Scope(models=("opus",))), ("--model", "opus"), {"model": "opus"}),
    "version": Case(("version",), SearchFilter(version="2.2.0"), ("--client", "2.2.0"), {"version": "2.2.0"}),
    "since": Case(
        ("later",), SearchFilter(Scope(since_on=date(2026, 3, 6))), ("--since", "2026-03-06"), {"since": "2026-03-06"}
    ),
    "until": Case(
        ("earlier",), SearchFilter(Scope(until_on=date(2026, 3, 4))), ("--until", "2026-03-04"), {"until": "2026-03-04"}
    ),
    "cost": Case(("cost",), SearchFilter(min_usd=Decimal(5)), ("--min-usd", "5"), {"min_usd": "5"}),
    "error": Case(("error",), SearchFilter(is_error=True), ("--errors",), {"errors": "true"}),
    "label": Case(("label",), SearchFilter(labels=("C5",)), ("--label", "C5"), {"label": "C5"}),
    "kind of waste": Case(("label",), SearchFilter(labels=("C5.reread",)), ("--label", "C5.reread")),
    "copies": Case(
        ("copy",),
        SearchFilter(tools=("Copied",), with_inherited=True),
        None,
        {"tool": "Copied", "copies": "true"},
    ),
    "no copies": Case((), SearchFilter(tools=("Copied",)), ("--tool", "Copied"), {"tool": "Copied"}),
    "session": Case(("bob",), SearchFilter(session_id="bob"), ("--session", "bob")),
}


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a lake of such blocks, with its index."""
    home = tmp_path_factory.mktemp("odd") / "her"
    with open_lake(load_config(home)) as lake:
        fill(lake, "sources", {"owner": "ada", "host": "laptop", "path": "/logs"})
        for session_id, owner, project in (("one", "ada", "engine"), ("bob", "bob", "engine"), ("mill", "ada", "mill")):
            whose = {"session_id": session_id, "owner": owner, "project": project}
            versions = {"first_version": "2.1.0", "last_version": "2.2.0" if session_id == "one" else "2.1.0"}
            fill(lake, "sessions", whose | versions | {"started_at": USUAL["logged_at"], "models": ["sonnet", "opus"]})
        asked = {"session_id": "one", "owner": "ada", "project": "engine", "model": "sonnet", "client_version": "2.1.0"}
        fill(
            lake,
            "requests",
            asked | {"request_id": "usual"},
            asked | {"request_id": "other model", "model": "opus"},
            asked | {"request_id": "other version", "client_version": "2.2.0"},
        )
        places = [("one", index, block) for index, block in enumerate(ODD.values())]
        for session_id, index, block in [*places, ("bob", 0, {}), ("mill", 0, {})]:
            text = block.get("text", "as usual")
            reference = {"content_hash": text, "text_bytes": len(text)}
            fill(
                lake,
                "blocks",
                USUAL | reference | {"session_id": session_id, "block_index": index, "role": "assistant"} | block,
            )
        for text in {block.get("text", "as usual") for block in ODD.values()}:
            fill(lake, "contents", {"content_hash": text, "text": text, "text_bytes": len(text)})
        wasted = {"session_id": "one", "block_index": list(ODD).index("label"), "finding_index": 0}
        fill(lake, "waste", wasted | {"label": "C5", "kind": "C5.reread"})
    with open_lake(load_config(home), read_only=True) as lake:
        assert update_index(lake) is not None
    return home


def named(session_id: str, block_index: int) -> str:
    return list(ODD)[block_index] if session_id == "one" else session_id


@pytest.mark.parametrize("name", CASES)
def test_a_filter_picks_what_it_names(odd: Path, name: str) -> None:
    case, config = CASES[name], load_config(odd)
    with open_lake(config, read_only=True) as lake:
        found = hits.search(lake.con, config, case.text, case.mode, case.where)
    assert tuple(named(hit.row["session_id"], hit.row["block_index"]) for hit in found.hits) == case.passing


def test_without_a_filter_all_but_copies_are_found(odd: Path) -> None:
    config = load_config(odd)
    with open_lake(config, read_only=True) as lake:
        found = hits.search(lake.con, config, "")
    assert {named(hit.row["session_id"], hit.row["block_index"]) for hit in found.hits} == {
        *ODD.keys() - {"copy"}, "bob", "mill"
    }  # fmt: skip


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.command is not None])
def test_the_command_hands_every_filter_on(
    odd: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    case = CASES[name]
    monkeypatch.setenv("HER_HOME", str(odd))
    assert cli.run(["search", *(case.command or ()), "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["hits"]
    assert tuple(named(row["session_id"], row["block_index"]) for row in rows) == case.passing


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.address])
def test_the_page_hands_every_filter_of_its_address_on(odd: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    case = CASES[name]
    monkeypatch.setenv("HER_HOME", str(odd))
    links = [parse_qs(link.proto.query_string) for link in opened("search", **case.address).get("page_link")]
    found = tuple(named(link["session"][0], int(link["event"][0]) - 1) for link in links)
    assert found == case.passing
