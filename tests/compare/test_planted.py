"""Groups of simulated sessions that differ in one cause: the difference is found, and given to that cause."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from her_models.compare.groups import Group
from her_models.compare.verdicts import GroupComparison, compare_groups
from her_models.config import Config
from her_models.demo import DemoTruth, tasks
from her_models.demo.cast import END_MS, OPUS
from her_models.demo.client import Person, Session, World
from her_models.demo.files import write_files
from her_models.demo.projects import API_FILES
from her_models.demo.repository import Repository
from her_models.demo.stories import ask, forgetful
from tests.compare.test_lost_output import OF_OUTPUT, lose_output
from tests.lakes import ingested, reading

SESSIONS = 10
HOUR_MS = 3_600_000
SONNET = "claude-sonnet-5-5"
GROUPS: dict[str, dict[str, object]] = {
    # project: what differs from "plain"
    "plain": {},
    "plain-too": {},
    "reread": {"again": True},
    "five-minutes": {"ttl": "5m"},
    "sonnet": {"model": SONNET},
    "tools": {"mcp_tokens": 24_000},
    "placeholders": {},
}


def play(
    world: World,
    project: str,
    number: int,
    *,
    again: bool = False,
    ttl: str = "1h",
    model: str = OPUS,
    mcp_tokens: int = 0,
) -> None:
    """One session: questions about files, with pauses of some ten minutes, a few more or less in each."""
    person = Person("mira", f"host-{project}", "2.1.330", "/home/mira/work", ttl=ttl, mcp_tokens=mcp_tokens)
    files = Repository(f"{person.home}/{project}", dict(API_FILES))
    # One an hour: what one leaves in the cache another must not read.
    session = Session(world, person, files, model, END_MS - number * 3 * HOUR_MS, f"{project}/{number}")
    questions = tasks.QUESTIONS["spoke-api"][: 3 + number % 3]
    for question in questions:
        session.wait(60 * (8 + number))
        ask(question)(session)
        if again:
            forgetful([question.path], "Look at it again, and check your answer.", "It is as I said.")(session)
        else:
            session.prompt("Look at it again, and check your answer.")
            session.reply(say="It is as I said.")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Config:
    world = World(DemoTruth())
    for project, how in GROUPS.items():
        for number in range(SESSIONS):
            play(world, project, number, **how)  # type: ignore[arg-type]
    logs = tmp_path_factory.mktemp("planted-logs")
    write_files(world, logs)
    lose_output(logs / "mira@host-placeholders")
    return ingested(tmp_path_factory.mktemp("planted"), logs)


@pytest.fixture(scope="module")
def against_plain(planted: Config) -> Callable[[str], GroupComparison]:
    def compared(project: str) -> GroupComparison:
        with reading(planted) as lake:
            return compare_groups(lake.con, Group(project=("plain",)), Group(project=(project,)))

    return compared


def share(found: GroupComparison, view: str, *names: str) -> float:
    """Which part of the difference the steps of these names are given."""
    steps = found.steps[view]  # type: ignore[index]
    whole = found.b_picodollars - found.a_picodollars
    return sum(one.step.difference_picodollars for one in steps if one.step.name in names) / whole


def verdict(found: GroupComparison, measure: str = "estimated_usd") -> str:
    one = found.finding(measure)
    assert one is not None
    return one.verdict


def test_equal_groups_show_no_difference(against_plain: Callable[[str], GroupComparison]):
    found = against_plain("plain-too")
    assert {one.verdict for one in found.findings} <= {"no difference shown", "too few sessions"}


def test_the_same_work_logged_with_placeholders_is_called_no_cheaper(against_plain: Callable[[str], GroupComparison]):
    found = against_plain("placeholders")
    output = found.finding("output_estimated_per_turn_tokens")
    assert output is not None
    assert output.b_logged < 0.1 * output.a_logged  # as logged it is hardly there
    # The simulated client writes fewer tokens per byte than real ones do: the estimate is above what it wrote.
    assert {verdict(found, name) for name in OF_OUTPUT} <= {"no difference shown", "output was lost", "higher"}
    assert float(found.b_estimated_usd / found.a_estimated_usd) == pytest.approx(1, rel=0.05)


def test_files_read_again_are_named(against_plain: Callable[[str], GroupComparison]):
    found = against_plain("reread")
    assert verdict(found) == "higher"
    assert verdict(found, "waste_estimated_ratio") == "higher"
    assert share(found, "label", "content:C5") >= 0.9
    assert found.telling_view == "label"


def test_caches_that_expire_are_named(against_plain: Callable[[str], GroupComparison]):
    found = against_plain("five-minutes")
    assert (verdict(found), verdict(found, "cache_hit_ratio")) == ("higher", "lower")
    clear = {one.step.name for one in found.steps["cause"] if one.is_clear and one.step.difference_picodollars > 0}
    assert clear == {"cache:K1"}
    assert found.telling_view == "cause"


def test_another_model_is_named_by_its_prices(against_plain: Callable[[str], GroupComparison]):
    found = against_plain("sonnet")
    assert verdict(found) == "lower"
    assert share(found, "cause", f"prices:{SONNET}") >= 0.9
    assert found.telling_view == "cause"


def test_more_tools_are_named_as_the_static_prefix(against_plain: Callable[[str], GroupComparison]):
    found = against_plain("tools")
    assert (verdict(found), verdict(found, "static_tokens")) == ("higher", "higher")
    assert share(found, "kind", "content:system", "content:tool_schema") >= 0.9
