# ruff: noqa: E501  (texts of people and programs, as wide as they are)
"""What people ask and how it is done: the turns of which sessions are made.

What belongs here: turns, each a function that acts one prompt up to its answer. Which sessions have which turns is
in `cast`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from her_models.demo.client import Call, Session, bash, edit, grep, read

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
    return f"pytest {path} -q"


def passed(path: str, count: int, seconds: float) -> str:
    if path.endswith(".go"):
        return f"ok  \tlarkfield.dev/notify/{path.rsplit('/', 1)[0]}\t{seconds:.3f}s"
    if path.endswith((".ts", ".tsx")):
        return f" ✓ {path} ({count} tests) {int(seconds * 1000)}ms\n\n Test Files  1 passed (1)\n      Tests  {count} passed ({count})"
    return "." * count + f"{' ' * 20}[100%]\n{count} passed in {seconds:.2f}s"


def failed(path: str, name: str, failure: str, count: int) -> str:
    if path.endswith(".go"):
        return f"--- FAIL: {name} (0.01s)\n    {failure}\nFAIL\nFAIL\tlarkfield.dev/notify/{path.rsplit('/', 1)[0]}\t0.021s\nFAIL"
    if path.endswith((".ts", ".tsx")):
        return f" ❯ {path} ({count} tests | 1 failed)\n   × {name}\n     → {failure}\n\n Test Files  1 failed (1)\n      Tests  1 failed | {count - 1} passed ({count})"
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
        session.prompt(fix.prompt)
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


def acts(session: Session, turns: Sequence[Turn]) -> None:
    for turn in turns:
        turn(session)


def calls(*given: Call) -> tuple[Call, ...]:
    return given
