"""Who works on what, when: the sessions of a demo, put together from `scenes` and `stories`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from her_models.demo import fixes, operations, projects, scenes, tasks, web
from her_models.demo.client import Person, Session, World
from her_models.demo.repository import Repository
from her_models.demo.stories import (
    Turn,
    ask,
    commit,
    grant,
    look_up,
    mend,
    page,
    rename,
    review,
    ticket,
    wait_for_checks,
)

END_MS = int(datetime(2026, 11, 20, 18, 0, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
HOUR_MS = 3_600_000
NEW_RULES_DAYS_AGO = 14
"""Since then the API's CLAUDE.md says more."""

OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
FABLE, OLD_OPUS, OLD_SONNET = "claude-fable-5-2", "claude-opus-4-8", "claude-sonnet-4-5-20250929"
FOREIGN = "larkfield/quill-large-2"

MIRA = Person("mira", "atlas", "2.1.330", "/home/mira/work")
JONAS = Person("jonas", "mbp-jonas", "2.1.210", "/Users/jonas/code", ttl="5m", mcp_servers=("browser", "sentry"))
PRIYA = Person(
    "priya", "devbox", "2.1.62", "/home/priya/src", ttl="5m", mcp_tokens=7_380, mcp_servers=("tracker", "postgres")
)
TOMAS = Person("tomas", "buildbox", "2.0.77", "/home/tomas/git", ttl="5m")
TOMAS_OLD = Person("tomas", "buildbox", "1.0.128", "/home/tomas/git", ttl="5m")  # before the update
LENA = Person("lena", "thinkpad", "2.1.330", "/home/lena/spoke", entrypoint="sdk-cli")

FILES = {
    "spoke-api": projects.API_FILES,
    "spoke-web": web.WEB_FILES,
    "parts-importer": projects.IMPORTER_FILES,
    "notify": operations.NOTIFY_FILES,
    "infra": operations.INFRA_FILES,
    "handbook": operations.HANDBOOK_FILES,
}
FIXES = {
    "spoke-api": fixes.API,
    "spoke-web": web.WEB,
    "parts-importer": fixes.IMPORTER,
    "notify": operations.NOTIFY,
    "infra": operations.INFRA,
    "handbook": (),
}


@dataclass(frozen=True)
class Appearance:
    """One session: who, on what, with which model, how many days before the end, at which hour (UTC)."""

    person: Person
    project: str
    model: str
    days_ago: int
    hour: float
    play: Callable[[Session], object]
    branch: str = "main"

    @property
    def start_ms(self) -> int:
        return END_MS - self.days_ago * DAY_MS - int((18 - self.hour) * HOUR_MS)


SCENES = (
    Appearance(MIRA, "spoke-api", OPUS, 3, 8.4, scenes.marathon, "filters"),
    Appearance(PRIYA, "parts-importer", OLD_OPUS, 16, 9.1, scenes.thrash),
    Appearance(MIRA, "spoke-api", OPUS, 8, 8.1, scenes.between_models, "vat-rounding"),
    Appearance(JONAS, "spoke-web", SONNET, 10, 9.5, scenes.long_lunch, "week-view"),
    Appearance(MIRA, "spoke-api", OPUS, 15, 13.2, scenes.come_back, "reminders"),
    Appearance(MIRA, "spoke-api", FABLE, 4, 8.3, scenes.fork, "numbers"),
    Appearance(JONAS, "spoke-api", SONNET, 22, 13.6, scenes.fork, "numbers-again"),
    Appearance(MIRA, "infra", OPUS, 9, 12.8, scenes.rewind, "startup"),
    Appearance(JONAS, "spoke-web", SONNET, 3, 13.3, scenes.stopped, "invoice-form"),
    Appearance(JONAS, "spoke-web", SONNET, 17, 9.2, scenes.broken_stream, "prices"),
    Appearance(MIRA, "spoke-api", OPUS, 22, 8.6, scenes.forgotten),
    Appearance(PRIYA, "parts-importer", OLD_OPUS, 9, 12.4, scenes.server_connects),
    Appearance(JONAS, "spoke-web", SONNET, 8, 13.1, scenes.screenshots, "lisbon"),
    Appearance(TOMAS, "notify", OLD_SONNET, 11, 7.8, scenes.leak),
    Appearance(MIRA, "spoke-api", OPUS, 24, 13.4, scenes.reminded),
    Appearance(MIRA, "spoke-web", OPUS, 1, 15.1, scenes.in_a_hurry, "release-7.4"),
    Appearance(MIRA, "spoke-api", OPUS, 10, 13.5, scenes.with_agents, "invoices"),
    Appearance(JONAS, "spoke-web", SONNET, 2, 8.9, scenes.with_small_agents, "calendar"),
    Appearance(PRIYA, "parts-importer", OLD_OPUS, 2, 9.3, scenes.with_progress, "bad-rows"),
    Appearance(TOMAS, "notify", OLD_SONNET, 4, 9.4, scenes.with_old_agents, "skip-locked"),
    Appearance(TOMAS_OLD, "notify", OLD_SONNET, 30, 10.2, scenes.with_old_agents),
    Appearance(MIRA, "spoke-api", OPUS, 2, 13.2, scenes.odds_and_ends),
    Appearance(MIRA, "spoke-api", OPUS, 29, 9.0, scenes.look_around),
    Appearance(LENA, "handbook", FOREIGN, 14, 9.6, scenes.other_model),
)


def perform(world: World, seed: int, scale: float) -> None:
    """Act all sessions, in the order of time."""
    appearances = [*SCENES, *_ordinary(seed)]
    appearances += [_copied(), _broken()]
    appearances.sort(key=lambda a: (a.start_ms, a.person.source_id))
    wanted = max(1, round(len(appearances) * scale))
    whole, rest = divmod(wanted, len(appearances))
    for index in range(whole + bool(rest)):
        _act(world, appearances if index < whole else appearances[-rest:], f"{seed}/{index}")


def _act(world: World, appearances: list[Appearance], seed: str) -> None:
    for number, appearance in enumerate(appearances):
        person = appearance.person
        repository = Repository(f"{person.home}/{appearance.project}", _files(appearance))
        session = Session(
            world,
            person,
            repository,
            appearance.model,
            appearance.start_ms,
            f"{seed}/{number}/{person.source_id}/{appearance.start_ms}",
            branch=appearance.branch,
            effort="medium" if person.entrypoint == "sdk-cli" else "high",
        )
        if person is TOMAS:
            scenes.warm_up(session)
        appearance.play(session)


def _files(appearance: Appearance) -> dict[str, str]:
    """Files of a project on the day: in the middle of the six weeks the API's CLAUDE.md was rewritten."""
    files = dict(FILES[appearance.project])
    if appearance.project == "spoke-api" and appearance.days_ago <= NEW_RULES_DAYS_AGO:
        files["CLAUDE.md"] += projects.API_NEW_RULES
    return files


def _copied() -> Appearance:
    """A client of 1.0.35 copies the whole history into a new file when it resumes."""

    def play(session: Session) -> None:
        mend(operations.NOTIFY[1], careful=False)(session)
        other = session.copied_into_new(3 * 60, fork=False)
        ask(tasks.NOTIFY_QUESTIONS[1])(other)
        commit("Give up after ten attempts\n\nOne wrong number filled the log for a week.")(other)

    return Appearance(replace(TOMAS_OLD, version="1.0.35"), "notify", OLD_SONNET, 36, 9.7, play)


def _broken() -> Appearance:
    """A line that was cut when the machine lost power."""

    def play(session: Session) -> None:
        mend(operations.INFRA[1], careful=False)(session)
        session.rows.append(
            f'{{"parentUuid":"{session.leaf}","isSidechain":false,"userType":"external","cwd":"/home/to'
        )
        ask(tasks.INFRA_QUESTIONS[0])(session)

    return Appearance(TOMAS, "infra", OLD_SONNET, 18, 12.1, play)


def _ordinary(seed: int) -> Iterator[Appearance]:
    """Days on which nothing particular happens: two to four turns from what the project still wants."""
    rng = random.Random(f"{seed}/ordinary")
    plans = (
        (MIRA, ("spoke-api", "infra"), (OPUS, OPUS, FABLE), 11),
        (JONAS, ("spoke-web", "spoke-api"), (SONNET, SONNET, HAIKU), 10),
        (PRIYA, ("parts-importer", "spoke-api"), (OLD_OPUS,), 9),
        (TOMAS, ("notify", "infra"), (OLD_SONNET,), 6),
        (TOMAS_OLD, ("notify", "spoke-api"), (OLD_SONNET,), 3),
        (LENA, ("handbook", "spoke-web"), (HAIKU, HAIKU, SONNET), 8),
    )
    taken = {(a.person.source_id, a.days_ago, a.hour < 12) for a in SCENES}
    decks = {name: _deck(name, rng) for name in FILES}
    for person, names, models, count in plans:
        places = [(day, am) for day in range(1, 40) if _is_workday(day) for am in (True, False)]
        if person in (TOMAS, TOMAS_OLD):
            places = [(day, am) for day, am in places if (day > 25) == (person is TOMAS_OLD)]
        places = [p for p in places if (person.source_id, *p) not in taken]
        for index, (day, am) in enumerate(sorted(rng.sample(places, count), reverse=True)):
            name = names[0] if index % 3 else names[1]
            model = models[rng.randrange(len(models))]
            if model == FABLE and day > 10:
                model = OPUS
            hour = (7.5 if am else 12.5) + rng.randrange(24) / 10
            yield Appearance(person, name, model, day, hour, _day(name, decks[name], rng))


_SEARCHES = {"spoke-api": (3,), "notify": (4,), "spoke-web": (1,), "infra": (2,)}


def _is_workday(days_ago: int) -> bool:
    return datetime.fromtimestamp((END_MS - days_ago * DAY_MS) / 1000, UTC).weekday() < 5


def _deck(name: str, rng: random.Random) -> list[tuple[str, Turn]]:
    """All turns that a project offers, shuffled; dealt again when it is used up."""
    cards: list[tuple[str, Turn]] = [("ask", ask(question)) for question in tasks.QUESTIONS[name]]
    cards += [("mend", mend(fix, careful=index % 3 > 0)) for index, fix in enumerate(FIXES[name])]
    cards += [("review", review(fix)) for fix in FIXES[name]]
    cards += [("rename", rename(old, new)) for old, new in tasks.RENAMES[name]]
    cards += [
        ("ticket", ticket(key, *text)) for key, text in tasks.TICKETS.items() if name in ("parts-importer", "spoke-web")
    ]
    cards += [("look", look_up(*tasks.SEARCHES[index])) for index in _SEARCHES.get(name, ())]
    if name == "spoke-api":
        cards += [("grant", grant(wish)) for wish in tasks.WISHES]
    if name == "handbook":
        cards += [("page", page(*given)) for given in tasks.PAGES]
    if name in ("spoke-web", "infra"):
        cards += [("wait", wait_for_checks(number, 2)) for number in (402, 431)]
    rng.shuffle(cards)
    return cards


def _day(name: str, deck: list[tuple[str, Turn]], rng: random.Random) -> Callable[[Session], None]:
    count = (2, 3, 3, 4, 6, 8)[rng.randrange(6)]  # some days are long
    cards = [deck[i % len(deck)] for i in range(count)]
    deck[:] = deck[count % len(deck) :] + deck[: count % len(deck)]
    cards.sort(
        key=lambda card: ("ask", "look", "ticket", "review", "mend", "grant", "page", "wait", "rename").index(card[0])
    )
    changes = [kind for kind, _ in cards if kind in ("mend", "grant", "page", "rename")]

    def play(session: Session) -> None:
        for number, (_, turn) in enumerate(cards):
            if number and session.random.random() < 0.2:  # a meeting, a meal
                session.wait(60 * (6 + session.random.randrange(75)))
            turn(session)
        if changes:
            commit(_MESSAGES[changes[0]])(session)

    return play


_MESSAGES = {
    "mend": "Mend what support reported\n\nFound with a failing test, which stays.",
    "grant": "Add the field that shops asked for\n\nDefaulted, so that the migration does not lock the table.",
    "page": "Write the page that support keeps explaining\n\nLinked from the index.",
    "rename": "Call things what we call them\n\nOne word per thing, here and in the handbook.",
}
