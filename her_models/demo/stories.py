# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""What people ask and how it is done: the turns of which sessions are made.

What belongs here: turns, each a function that acts one prompt up to its answer. Which sessions have which turns is
in `cast`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from her_models.demo.client import (
    Call,
    Session,
    bash,
    dumps,
    edit,
    glob,
    grep,
    read,
    size_tokens,
    task,
    todo,
    tool,
    write,
)
from her_models.demo.projects import ENTITIES
from her_models.demo.repository import Repository, diff_text
from her_models.demo.tasks import Question, Wish

Turn = Callable[[Session], None]


@dataclass(frozen=True)
class Fix:
    """A mistake in a file, how it shows, and how it is mended."""

    prompt: str
    path: str
    search: str
    think: str
    found: str
    old: str
    new: str
    test_path: str
    test_old: str
    test_new: str
    failure: str
    closing: str
    also: tuple[str, ...] = ()

    @property
    def test_name(self) -> str:
        return self.test_new.split("def ")[-1].split("(")[0] if "def " in self.test_new else "new test"


def runner(path: str) -> str:
    if path.endswith(".go"):
        return f"go test ./{path.rsplit('/', 1)[0]}/..."
    if path.endswith((".ts", ".tsx")):
        return f"npx vitest run {path}"
    if path.endswith(".hcl"):
        return "terraform test"
    return f"pytest {path} -q"


def passed(path: str, count: int, seconds: float) -> str:
    if path.endswith(".go"):
        return f"ok  \tlarkfield.dev/notify/{path.rsplit('/', 1)[0]}\t{seconds:.3f}s"
    if path.endswith((".ts", ".tsx")):
        return f" ✓ {path} ({count} tests) {int(seconds * 1000)}ms\n\n Test Files  1 passed (1)\n      Tests  {count} passed ({count})"
    if path.endswith(".hcl"):
        return f"{path}... pass\n\nSuccess! {count} passed, 0 failed."
    return "." * count + f"{' ' * 20}[100%]\n{count} passed in {seconds:.2f}s"


def failed(path: str, name: str, failure: str, count: int) -> str:
    if path.endswith(".go"):
        return f"--- FAIL: {name} (0.01s)\n    {failure}\nFAIL\nFAIL\tlarkfield.dev/notify/{path.rsplit('/', 1)[0]}\t0.021s\nFAIL"
    if path.endswith((".ts", ".tsx")):
        return f" ❯ {path} ({count} tests | 1 failed)\n   × {name}\n     → {failure}\n\n Test Files  1 failed (1)\n      Tests  1 failed | {count - 1} passed ({count})"
    if path.endswith(".hcl"):
        return f"{path}... fail\n\n{failure}\n\nFailure! {count - 1} passed, 1 failed."
    return (
        "." * (count - 1)
        + "F\n"
        + "=" * 35
        + " FAILURES "
        + "=" * 35
        + f"\n{'_' * 30} {name} {'_' * 30}\n\n    {failure}\n\n{path}: AssertionError\n"
        + f"FAILED {path}::{name}\n1 failed, {count - 1} passed in 0.{41 + count}s"
    )


def mend(fix: Fix, *, careful: bool = True) -> Turn:
    """Look, show the mistake with a test, mend it, run the test."""

    def play(session: Session) -> None:
        count = 4 + len(fix.prompt) % 9
        session.prompt(fix.prompt, title=_headline(fix))
        session.reply(grep(fix.search), say=fix.found.split(". ")[0] + ".", think=fix.think.split(". ")[0] + ".")
        session.reply(read(fix.path), *(read(path) for path in fix.also[:1]))
        for path in fix.also[1:]:
            session.reply(read(path))
        if careful:
            session.reply(read(fix.test_path), think=fix.think)
            session.reply(edit(fix.test_path, fix.test_old, fix.test_new), say="First a test that shows it.")
            session.reply(
                bash(
                    runner(fix.test_path),
                    failed(fix.test_path, fix.test_name, fix.failure, count),
                    "Run the new test",
                    fails=True,
                )
            )
        session.reply(edit(fix.path, fix.old, fix.new), say=fix.found, think="" if careful else fix.think)
        session.reply(
            bash(runner(fix.test_path), passed(fix.test_path, count, 0.4 + count / 20), "Run the tests again")
        )
        session.reply(say=fix.closing)

    return play


def commit(message: str) -> Turn:
    """Ask for a commit of what was done."""

    def play(session: Session) -> None:
        session.prompt("Commit this, please. Say why in the body.")
        changed = sorted(session.repository.versions)
        status = "\n".join(f" M {path}" for path in changed) or "nothing to commit, working tree clean"
        session.reply(
            bash("git status --short", status, "See what changed"),
            bash("git log --oneline -5", _LOG, "Recent commits"),
        )
        code = f"{session.random.getrandbits(28):07x}"
        session.reply(
            bash(
                f"git add -A && git commit -q -m {message!r} && git log -1 --oneline",
                f"{code} {message.splitlines()[0]}",
                "Commit",
            )
        )
        session.reply(say=f"Committed as `{code}`: {message.splitlines()[0]}.")

    return play


_LOG = """4f1c2ab Round VAT per position
9b07e11 Let a shop close on public holidays
c55d0f3 Retry the text message provider once
27aa918 Show the mechanic's name on the booking card
e8810d4 Bump fastapi to 0.121.2"""


def ask(question: Question) -> Turn:
    """Ask about a file and get an answer, without a change."""

    def play(session: Session) -> None:
        session.prompt(question.text)
        if question.search:
            session.reply(grep(question.search), read(question.path))
        else:
            session.reply(read(question.path), say="Let me look at the code rather than guess.")
        session.reply(say=question.answer)

    return play


def grant(wish: Wish) -> Turn:
    """Add a field: model, migration, route, test."""

    def play(session: Session) -> None:
        low, table = wish.entity.lower(), next(e.plural for e in ENTITIES if e.name == wish.entity)
        model, routes = f"spoke/models/{low}.py", f"spoke/routes/{table}.py"
        session.prompt(
            f"{wish.why} Add `{wish.field}` to {table}, please, with a migration and a test.",
            title=f"Add {wish.field} to {table}",
        )
        steps = [f"Add {wish.field} to the model", "Write the migration", "Accept it in the route", "Test it"]
        session.reply(
            todo(*[(step, "in_progress" if i == 0 else "pending") for i, step in enumerate(steps)]),
            think=f"A nullable or defaulted column keeps the migration cheap: {wish.type} with default {wish.default}. The list route filters on "
            "plain columns only, so I add one there if the type allows it.",
        )
        session.reply(read(model), read(routes))
        anchor = "    created_at: Mapped[datetime]\n"
        session.reply(edit(model, anchor, f"    {wish.field}: Mapped[{wish.type}]\n{anchor}"))
        revision = f"{session.random.getrandbits(48):012x}"
        session.reply(write(f"migrations/versions/{revision}_{low}_{wish.field}.py", migration(wish, table, revision)))
        session.reply(
            edit(
                routes,
                "    return paginate(db, query, params)\n",
                f'    if {wish.field} := params.get("{wish.field}"):\n        query = query.where({wish.entity}.{wish.field} == {wish.field})\n'
                "    return paginate(db, query, params)\n",
            ),
            say=f"The route can filter on `{wish.field}` as on the other columns.",
        )
        test = f"tests/test_{low}_{wish.field}.py"
        session.reply(write(test, field_test(wish, table, low)))
        session.reply(
            bash(
                f"alembic upgrade head && {runner(test)}",
                f"INFO  [alembic] Running upgrade -> {revision}, {low} {wish.field}\n" + passed(test, 3, 1.1),
            ),
            todo(*[(step, "completed") for step in steps]),
        )
        session.reply(
            say=f"`{table}.{wish.field}` is there: `{wish.type}`, default `{wish.default}`, with migration `{revision}` (and its downgrade), a filter on "
            f"`GET /{table}` and three tests. The web client does not know it yet; say so if I should add it to `src/api/{table}.ts`."
        )

    return play


def migration(wish: Wish, table: str, revision: str) -> str:
    kind = {"bool": "Boolean", "int": "Integer", "str": "Text", "date": "Date", "datetime": "DateTime(timezone=True)"}
    base = wish.type.split(" ")[0]
    column = f"sa.{kind.get(base, 'ARRAY(sa.Date)')}" + ("" if "(" in kind.get(base, "ARRAY(") else "()")
    return f'''"""Add {table}.{wish.field}: {wish.why}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "8d20c4f1a9be"


def upgrade() -> None:
    op.add_column("{table}", sa.Column("{wish.field}", {column}, nullable={"None" in wish.type}, server_default=sa.text("{wish.default}")))


def downgrade() -> None:
    op.drop_column("{table}", "{wish.field}")
'''


def field_test(wish: Wish, table: str, low: str) -> str:
    return f"""from tests.factories import {low}


def test_{wish.field}_has_its_default(db, client):
    made = {low}(db)
    assert client.get(f"/{table}/{{made.id}}").status_code == 200


def test_{table}_can_be_filtered_by_{wish.field}(db, client):
    {low}(db)
    assert client.get("/{table}?{wish.field}=1").json()["items"] == []


def test_downgrade_drops_{wish.field}(alembic):
    alembic.check_round_trip()
"""


def rename(old: str, new: str) -> Turn:
    """Rename something everywhere, one edit per file."""

    def play(session: Session) -> None:
        session.prompt(
            f"Rename `{old}` to `{new}` everywhere, tests and docs included. Nothing else.",
            title=f"Rename {old} to {new}",
        )
        paths = sorted({path for path, _, _ in session.repository.search(old)})
        session.reply(grep(old), say=f"I look for every use of `{old}` first.")
        for start in range(0, len(paths), 4):
            session.reply(*(edit(path, *_line_pair(session, path, old, new)) for path in paths[start : start + 4]))
        left = sorted({path for path, _, _ in session.repository.search(rf"\b{old}\b")})
        session.reply(
            bash(
                f"rg -n '\\b{old}\\b' | wc -l", str(len(session.repository.search(rf"\b{old}\b"))), "Count what is left"
            )
        )
        if left:
            session.reply(
                bash(
                    f"rg -l '\\b{old}\\b' | xargs sed -i 's/\\b{old}\\b/{new}/g'",
                    "",
                    "Rename the rest",
                    effect=_replace_all(old, new),
                ),
                say="The rest are plain repetitions, so `sed` does them.",
            )
        session.reply(say=f"`{old}` is `{new}` in {len(paths)} files. No other change.")

    return play


def _line_pair(session: Session, path: str, old: str, new: str) -> tuple[str, str]:
    line = next(line for line in session.repository.lines(path) if old in line)
    return line, line.replace(old, new)


def _replace_all(old: str, new: str) -> Callable[[Repository], None]:
    def effect(repository: Repository) -> None:
        for path, text in list(repository.files.items()):
            if old in text:
                repository.put(path, text.replace(old, new))

    return effect


def review(fix: Fix) -> Turn:
    """Review somebody else's change."""

    def play(session: Session) -> None:
        session.prompt(
            f"Please review the branch `{_slug(fix.prompt)}` before I merge it. One change in {fix.path}.",
            title=f"Review: {_headline(fix)}",
        )
        before = session.repository.files[fix.path]
        change = diff_text(fix.path, before, before.replace(fix.old, fix.new, 1))
        session.reply(
            bash(f"git diff main...origin/{_slug(fix.prompt)}", change, "Show the changes of the branch"),
            bash(
                f"git log --oneline main..origin/{_slug(fix.prompt)}",
                f"{session.random.getrandbits(28):07x} {_headline(fix)}",
                "Its commits",
            ),
        )
        session.reply(read(fix.path), think="The diff alone does not show the callers. " + fix.think)
        session.reply(
            say=f"The change does what it says. {fix.found}\n\nTwo remarks:\n\n1. There is no test on the branch. `{fix.test_name}` in `{fix.test_path}` would have failed "
            "before and passes now.\n2. The commit message says what changed; the reason is only in the ticket.\n\nNeither is a reason to wait."
        )

    return play


def _slug(text: str) -> str:
    words = [word.strip(".,:'?") for word in text.lower().split()]
    return "-".join(word for word in words if word.isalpha())[:32].rstrip("-")


def _headline(fix: Fix) -> str:
    return fix.closing.split(".")[0].replace("`", "")[:60]


def look_up(query: str, prompt: str, answer: str) -> Turn:
    """Search the web once and answer."""

    def play(session: Session) -> None:
        session.prompt(prompt, title=f"Look up: {' '.join(query.split()[:5])}")
        links = [
            {"title": f"{word.title()} · release notes", "url": f"https://docs.example.org/{word.lower()}"}
            for word in query.split()[:4]
        ]
        text = f'Web search results for query: "{query}"\n\nLinks: {dumps(links)}\n\n{answer}'
        session.reply(
            tool("WebSearch", {"query": query}, text, seconds=4.5),
            think="This may have changed since I learned of it; better to look.",
            searches=1,
        )
        session.reply(say=answer)

    return play


def ticket(name: str, title: str, body: str) -> Turn:
    """Fetch a ticket from the tracker and say what it means."""

    def play(session: Session) -> None:
        session.prompt(f"Have a look at {name} and tell me what it would take.", title=f"{name}: {title}")
        text = dumps(
            {
                "id": name,
                "title": title,
                "state": "In Progress",
                "assignee": session.person.owner,
                "description": body,
                "labels": ["customer"],
            }
        )
        session.reply(tool("mcp__tracker__get_issue", {"id": name}, [{"type": "text", "text": text}]))
        session.reply(
            say=f"{name}, *{title}*: {body.splitlines()[0]} I would start with a failing test, then the change itself; about an hour, the review included."
        )

    return play


def page(path: str, what: str, text: str) -> Turn:
    """Write a page of the handbook."""

    def play(session: Session) -> None:
        session.prompt(
            f"Write {what} for the handbook. Short, in the tone of the other pages, and link it from the index.",
            title=f"Handbook: {what}",
        )
        session.reply(glob("docs/*.md"), read("docs/index.md"))
        session.reply(write(path, text), say="Plain words and short steps, like the pages around it.")
        name = path.split("/")[-1]
        title = text.splitlines()[0].lstrip("# ")
        session.reply(edit("docs/index.md", "- [Parts](parts.md)\n", f"- [Parts](parts.md)\n- [{title}]({name})\n"))
        session.reply(bash("mkdocs build --strict -q", "", "Build the site"))
        session.reply(say=f"`{path}` is written and linked from the index; the strict build has no warnings.")

    return play


def log_lines(session: Session, service: str, count: int, fault: str) -> tuple[str, str]:
    """Return a log and the few lines of it that matter."""
    rng = session.random
    moment = datetime.fromtimestamp(session.now_ms / 1000 - 5_400, UTC) + session.world.later
    lines, useful = [], []
    paths = ["/bookings", "/bikes", "/customers", "/invoices", "/parts", "/healthz", "/mechanics"]
    for _ in range(count):
        moment += timedelta(milliseconds=rng.randrange(40, 2_600))
        stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        trace = f"{rng.getrandbits(32):08x}"
        if rng.random() < 0.025:
            line = f"{stamp} ERROR {service} trace={trace} {fault}"
            useful.append(line)
        else:
            line = f"{stamp} INFO  {service} trace={trace} GET {paths[rng.randrange(7)]}?after={rng.randrange(90_000)} 200 {rng.randrange(2, 240)}ms"
        lines.append(line)
    return "\n".join(lines), "\n".join(useful)


def dig(service: str, fault: str, cause: str, *, count: int = 280) -> Turn:
    """Pour a whole log into the conversation for the sake of a few lines: C11."""

    def play(session: Session) -> None:
        session.prompt(
            f"{service} has been throwing errors since about an hour. Have a look at the log and tell me what it is.",
            title=f"Errors in {service}",
        )
        text, useful = log_lines(session, service, count, fault)
        session.reply(
            bash(
                f"kubectl logs deploy/{service} --since=90m",
                text,
                "Read the log of the last 90 minutes",
                seconds=3.1,
                label="C11.oversize",
                useful_tokens=size_tokens(useful, "tool_result"),
                note="a whole log for a few lines",
            )
        )
        session.reply(
            bash(
                f"kubectl logs deploy/{service} --since=90m | grep -c ERROR",
                str(len(useful.splitlines())),
                "Count the errors",
            ),
            say="Only a few of these lines matter.",
        )
        session.reply(say=cause)

    return play


def wait_for_checks(number: int, times: int) -> Turn:
    """Ask for the state of the checks again and again: C6."""

    def play(session: Session) -> None:
        session.prompt(
            f"Watch the checks of pull request {number} and tell me when they are through.",
            title=f"Checks of #{number}",
        )
        running = f"build   pending  0  https://git.larkfield.dev/checks/{number}1\ne2e     pending  0  https://git.larkfield.dev/checks/{number}2\nlint    pass     24s  https://git.larkfield.dev/checks/{number}3\ntests   pending  0  https://git.larkfield.dev/checks/{number}4"
        for index in range(times):
            session.reply(
                bash(f"gh pr checks {number}", running, "Ask for the checks", seconds=1.4),
                say="Still running." if index else "",
            )
            session.wait(25)
        done = running.replace("pending  0", "pass     3m2s")
        session.reply(bash(f"gh pr checks {number}", done, "Ask for the checks", seconds=1.4))
        session.reply(say=f"All four checks of #{number} have passed.")

    return play


def rewrite_whole(path: str, prompt: str, old: str, new: str, closing: str) -> Turn:
    """Change one line by writing the whole file again: C12."""

    def play(session: Session) -> None:
        session.prompt(prompt)
        session.reply(read(path))
        session.reply(
            write(path, session.repository.files[path].replace(old, new)), say="I write the file anew with the change."
        )
        session.reply(say=closing)

    return play


def stumble(path: str, wrong: str, old: str, new: str, prompt: str, closing: str) -> Turn:
    """Miss with an edit, look again, hit: C4. The second read is useful: nothing else shows what is there."""

    def play(session: Session) -> None:
        session.prompt(prompt)
        session.reply(edit(path, wrong, new), say="A one-line change.")
        session.reply(
            grep(old.strip().splitlines()[0].replace("(", r"\(").replace(")", r"\)").replace("[", r"\[")[:40])
        )
        session.reply(edit(path, old, new))
        session.reply(say=closing)

    return play


def format_and_read(path: str) -> Turn:
    """Read a file again after a formatter changed it: looks like C5, is none."""

    def play(session: Session) -> None:
        session.prompt(f"Run black over the package and show me what it did to {path}.")
        session.reply(read(path))

        def reformat(repository: Repository) -> None:
            text = repository.files[path]
            repository.put(path, text.replace('"""\n\n', '"""\n\n\n', 1) if '"""\n\n' in text else text + "\n")

        session.reply(
            bash(
                "black spoke",
                f"reformatted {path}\nAll done! ✨ 🍰 ✨\n1 file reformatted, 27 files left unchanged.",
                "Format",
                effect=reformat,
            )
        )
        session.reply(read(path, decoy=("C5", "a formatter changed the file between the two reads")))
        session.reply(say=f"`black` added a blank line below the docstring of `{path}` and changed nothing else.")

    return play


def in_parts(path: str, cut: int) -> Turn:
    """Read one part of a file, then the other: looks like C5, is none."""

    def play(session: Session) -> None:
        session.prompt(f"Walk me through {path}, first half first.")
        session.reply(read(path, 1, cut))
        session.reply(
            say=f"The first {cut} lines hold the imports and the types that the rest works on. Nothing surprising; shall I go on?"
        )
        session.prompt("Yes, the rest please.", after=40)
        session.reply(read(path, cut + 1, 400, decoy=("C5", "the other lines of the same file")))
        session.reply(
            say="The second half is the work itself: one public function, the others serve it. Errors are raised where they are known and not caught on the way."
        )

    return play


def forgetful(paths: Sequence[str], prompt: str, answer: str) -> Turn:
    """Read files again that are still in view: C5."""

    def play(session: Session) -> None:
        session.prompt(prompt)
        session.reply(*(read(path) for path in paths), say="Let me check these files again.")
        session.reply(say=answer)

    return play


def explore(topic: str, parts: Sequence[tuple[str, str, Sequence[str], str]], answer: str, **options: Any) -> Turn:
    """Send one subagent per part, side by side; each reads files and reports."""

    def play(session: Session) -> None:
        session.prompt(
            f"I want to understand {topic} before we touch it. Use agents, then give me the short version.",
            title=f"Understand {topic}",
        )
        session.reply(
            *(send(part) for part in parts),
            say="Three things to look at, so I send an agent for each.",
            think="The questions do not depend on each other.",
        )
        session.reply(say=answer)

    def send(part: tuple[str, str, Sequence[str], str]) -> Call:
        description, pattern, paths, report = part

        def act(agent: Session) -> str:
            agent.reply(grep(pattern))
            for path in paths:
                agent.reply(read(path))
            return report

        brief = f"{description}. Look at the code, follow the callers one level up, and report in at most 200 words with file names and line numbers. Do not change anything."
        return task(
            str(options.get("kind", "Explore")),
            description,
            brief,
            act,
            model=options.get("model"),
            keeps_file=bool(options.get("keeps_file", True)),
        )

    return play
