"""Small scenes, each with one thing that is waste or one that only looks like it, and sessions made of them.

What belongs here: what is done in a planted session. Files and names are new in each scene, so that no scene touches
another; what is large is either used by the model or planted as unused.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from her_models.demo.client import (
    Call,
    Outcome,
    Person,
    bash,
    edit,
    grep,
    read,
    task,
    tool,
    write,
)
from her_models.demo.planted import PlantedSession, PlantedWorld, begin, foreign_words
from her_models.demo.repository import Repository
from her_models.demo.truth import BlockTruth

Plot = Callable[[PlantedSession], None]

OPUS, SONNET, HAIKU = "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"
OLD_OPUS, OLD_SONNET = "claude-opus-4-8", "claude-sonnet-4-5-20250929"
FAMILY_RATIO = 1.31  # tokens of the newer tokenizers to those of the older
LARGE_TOKENS = 1_000
"""From this size on a result counts as carried for nothing once it is not used any more."""
STALE_REQUESTS = 10
"""How many prompts must have carried it since."""

_WORDS = (
    *("anchor", "basil", "cinder", "delta", "ember", "fable", "garnet", "harbor", "indigo", "juniper"),
    *("kettle", "lantern", "meadow", "nectar", "orchid", "pepper", "quartz", "ripple", "saffron", "timber"),
    *("umber", "velvet", "willow", "yarrow", "zephyr", "acorn", "bramble", "copper", "dahlia", "elm"),
)
_SUFFIX = (
    "\n\n<system-reminder>\nWhenever you read a file, you should consider whether it looks out of place. If it "
    "does, tell the person before you go on. You can still answer questions about it.\n</system-reminder>\n"
)


# -- what scenes are made of ----------------------------------------------------------------------------------------


def _word(rng: random.Random) -> str:
    return _WORDS[rng.randrange(len(_WORDS))]


def _name(rng: random.Random) -> str:
    return f"{_word(rng)}_{_word(rng)}_{rng.randrange(10**5):05d}"


def _path(session: PlantedSession, ending: str = "py") -> str:
    return f"src/{_name(session.random)}.{ending}"


def _source(rng: random.Random, lines: int) -> str:
    """Return lines of code of which no two are alike."""
    return "".join(f"    {_name(rng)} = {_word(rng)}({_name(rng)}, {rng.randrange(9_999)})\n" for _ in range(lines))


def _log(rng: random.Random, lines: int) -> str:
    return "\n".join(
        f"{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d} INFO {_name(rng)} "
        f"{_word(rng)}={rng.randrange(9_999)} trace={rng.getrandbits(48):012x}"
        for _ in range(lines)
    )


def _file(session: PlantedSession, lines: int = 24) -> str:
    """Put a new file into the repository; return its path. Nothing has seen it."""
    path = _path(session)
    session.repository.files[path] = _source(session.random, lines)
    return path


def _ask(session: PlantedSession) -> None:
    rng = session.random
    session.prompt(f"Look into {_name(rng)} and tell me what {_word(rng)} has to do with {_word(rng)}.")


def _say(session: PlantedSession) -> str:
    rng = session.random
    return f"The {_word(rng)} belongs to {_name(rng)}; nothing else hangs on it."


def _close(session: PlantedSession) -> None:
    session.reply(say=_say(session))


def _line(session: PlantedSession, path: str, number: int) -> str:
    return session.repository.lines(path)[number]


# -- nothing particular -----------------------------------------------------------------------------------------------


def plain(session: PlantedSession) -> None:
    """Read, change, test: all of it useful."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    line = _line(session, path, session.random.randrange(20))
    session.reply(edit(path, line, line.replace(" = ", " = not "), decoy=("C12", "a small edit")))
    session.reply(
        bash(f"pytest -q {path}", f"{session.random.randrange(9)} passed in 0.{session.random.randrange(99)}s")
    )
    _close(session)


def parallel(session: PlantedSession) -> None:
    """Three files at once, one request."""
    _ask(session)
    session.reply(*(read(_file(session, 12)) for _ in range(3)), think=_say(session))
    _close(session)


def steps(count: int) -> Plot:
    """Many small requests that carry what came before."""

    def play(session: PlantedSession) -> None:
        _ask(session)
        for _ in range(count):
            session.reply(bash(f"git log -1 --format=%H {_path(session)}", f"{session.random.getrandbits(160):040x}"))
        _close(session)

    return play


# -- C1, C2, C3 -------------------------------------------------------------------------------------------------------


def retried(session: PlantedSession) -> None:
    """A stream breaks, its answer is thrown away, the same prompt is sent again: C1."""
    _ask(session)
    length, leaf = len(session.thread.blocks), session.leaf
    session.reply(say=_say(session), is_floor=True)
    request = session.world.truth.requests[-1]
    session.waste_requests("C1", len(session.world.prompts) - 1)
    session.plant("C1.discarded", request.message_id, request.prompt_tokens + request.logged_output_tokens)
    session.thread.cut(length)
    session.leaf = leaf
    session.wait(2)
    _close(session)


def carried_on(session: PlantedSession) -> None:
    """A stream breaks, its answer is kept, and the model goes on from there: looks like C1, is none."""
    _ask(session)
    session.reply(say=_say(session), is_floor=True)
    session.spare("C1", session.world.truth.requests[-1].message_id, "the broken answer stays and is carried on")
    session.note_meta("Your response above was cut off mid-stream. Resume directly from where it stops.")
    _close(session)


def interrupted(session: PlantedSession) -> None:
    """The person stops an answer: C2."""
    _ask(session)
    session.reply(read(_file(session)))
    session.interrupt(_say(session))
    session.waste_answer("C2")


def rejected(session: PlantedSession) -> None:
    """The person turns a change down: C2."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    line = _line(session, path, 3)
    session.reject(edit(path, line, line.upper()), say=_say(session))
    session.waste_answer("C2")
    session.prompt("No. Leave it as it is and only tell me where it is called.")
    _close(session)


def plan_turned_down(session: PlantedSession) -> None:
    """A plan is talked over before anything is done: looks like C2, is none."""
    _ask(session)
    outcome = Outcome(_REJECTED, "User rejected tool use", True, 4.0)
    call = Call(
        "ExitPlanMode", {"plan": _say(session)}, lambda s, n: outcome, label="", decoy=("C2", "a plan talked over")
    )
    session.reply(call)
    session.prompt("Good, but start with the tests.")
    _close(session)


def speaks_of_rejection(session: PlantedSession) -> None:
    """A file holds the client's words for a rejection: looks like C2, is none."""
    _ask(session)
    path = _path(session, "md")
    session.repository.files[path] = _REJECTED + "\n" + _source(session.random, 8)
    session.reply(read(path, decoy=("C2", "a file that holds the words")))
    _close(session)


def rewound(session: PlantedSession) -> None:
    """A way is taken back with all that was said on it: C2."""
    _ask(session)
    session.reply(read(_file(session)))
    point = session.checkpoint()
    place = len(session.world.prompts)
    session.prompt(f"Try it with {_name(session.random)}.")
    session.reply(bash(f"make {_word(session.random)}", _log(session.random, 3)))
    _close(session)
    session.waste_requests("C2", place)
    session.rewind(point)
    session.prompt("No, the other way round.")
    _close(session)


def reverted(session: PlantedSession) -> None:
    """A change is made and taken back by git: C2, as far as one can tell."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    before = session.repository.files[path]
    line = _line(session, path, 5)
    (name,) = session.reply(edit(path, line, line.replace(" = ", " = await ")))
    session.reply(bash(f"pytest -q {path}", f"1 failed in 0.{session.random.randrange(99)}s"))
    session.reply(
        bash(f"git checkout -- {path}", "", effect=lambda repository: repository.put(path, before)), say="Back again."
    )
    block, call = session.block_of(name), session.block_of(name, call=True)
    session.plant("C2.reverted", name, block.tokens)
    for part in (block, call):
        session.waste_block(part, "C2", of=name)
    session.waste_output(name, "C2")
    _close(session)


def changes_branch(session: PlantedSession) -> None:
    """Another branch is checked out after a commit: looks like C2, is none."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    line = _line(session, path, 5)
    session.reply(edit(path, line, line.replace(" = ", " = await "), decoy=("C2", "committed, then another branch")))
    session.reply(bash(f"git commit -qam {_word(session.random)} && git checkout {_word(session.random)}", ""))
    _close(session)


def woken(session: PlantedSession) -> None:
    """A notice wakes the model, and there is nothing to do: C3."""
    _ask(session)
    _close(session)
    session.wait(40)
    rng = session.random
    uuid = session.note_meta(
        f"<task-notification>\n<task-id>{rng.getrandbits(28):07x}</task-id>\n<status>completed</status>\n"
        f'<summary>Background command "{_word(rng)}" completed (exit code 0)</summary>\n</task-notification>',
        is_meta=False,
    )
    session.reply(say="Nothing to do.")
    session.plant(
        "C3.noop", session.world.truth.requests[-1].message_id, session.world.truth.requests[-1].prompt_tokens
    )
    session.waste_answer("C3")
    session.waste_block(session.block_of(uuid), "C3", of=session.world.prompts[-1].message_id)
    _ask(session)
    _close(session)


def woken_to_work(session: PlantedSession) -> None:
    """A notice wakes the model, which goes on with its work: looks like C3, is none."""
    _ask(session)
    _close(session)
    session.wait(40)
    rng = session.random
    session.note_meta(
        f"<task-notification>\n<task-id>{rng.getrandbits(28):07x}</task-id>\n<status>completed</status>\n"
        f'<summary>Background command "{_word(rng)}" completed (exit code 0)</summary>\n</task-notification>',
        is_meta=False,
    )
    session.reply(read(_file(session, 10)))
    session.spare("C3", session.world.truth.requests[-1].message_id, "the notice led to work")
    _close(session)


# -- C4 to C8 ---------------------------------------------------------------------------------------------------------


def _refused(call: Call, said: str, **plant: Any) -> Call:
    """Return a call that the client refuses with these words."""
    outcome = Outcome(said, f"Error: {said}", True, 0.1)
    return replace(call, run=lambda session, name: outcome, **plant)


def failed(session: PlantedSession) -> None:
    """An edit misses, the next one hits: C4."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    line = _line(session, path, 7)
    session.reply(edit(path, line.replace("_", "-"), line.upper(), label="C4.not_found"))
    session.reply(edit(path, line, line.upper()))
    _close(session)


def slips(session: PlantedSession) -> None:
    """A call that does not fit, a tool that is not there, a file not read, a call cancelled by its neighbour: C4."""
    _ask(session)
    path, other = _file(session), _file(session)
    issue = (
        "InputValidationError: Read failed due to the following issue:\nThe required parameter `file_path` is missing"
    )
    session.reply(
        _refused(tool("Read", {"path": path}, ""), f"<tool_use_error>{issue}</tool_use_error>", label="C4.schema")
    )
    missing = _name(session.random).title()
    said = f"<tool_use_error>Error: No such tool available: {missing}</tool_use_error>"
    session.reply(_refused(tool(missing, {"query": _word(session.random)}, ""), said, label="C4.unknown_tool"))
    line = _line(session, path, 3)
    said = "<tool_use_error>File has not been read yet. Read it first before writing to it.</tool_use_error>"
    session.reply(_refused(edit(path, line, line.upper()), said, label="C4.unread"))
    session.reply(read(path))
    said = "<tool_use_error>Sibling tool call errored</tool_use_error>"
    session.reply(
        bash(f"pytest -q {other}", _log(session.random, 3), fails=True, decoy=("C4", "a failing test tells something")),
        _refused(read(other), said, label="C4.cancelled"),
    )
    session.reply(read(other))
    _close(session)


def denied(session: PlantedSession) -> None:
    """Turned away and allowed later, turned away twice, timed out: C4. Turned away once and left alone: none."""
    _ask(session)
    rng = session.random
    words = [f"{_word(rng)}{rng.randrange(10**4)}" for _ in range(4)]
    command = f"{words[0]} {words[1]} --all"
    session.reply(
        _refused(
            bash(command, ""), f"Permission to use Bash with command {command} has been denied.", label="C4.denied"
        )
    )
    session.reply(bash(f"{words[0]} {words[1]} --one", _name(rng)))
    approval = "This command requires approval"
    asked = bash(f"{words[2]} {_name(rng)}", "")
    session.reply(_refused(asked, approval, label="", decoy=("C4", "turned away for the first time")))
    session.reply(_refused(asked, approval, label="C4.unapproved"))
    said = f"Permission to use Bash with command {words[3]} has been denied."
    session.reply(_refused(bash(words[3], ""), said, label="", decoy=("C4", "turned away, and left alone")))
    slow = f"Command timed out after 2m 0.0s\n{_log(rng, 2)}"
    session.reply(_refused(bash(f"pytest -q {_path(session)}", ""), slow, label="C4.timeout"))
    _close(session)


def failed_again(session: PlantedSession) -> None:
    """The same test fails again, with nothing done about it: C4. After a wait, a person's word, or elsewhere: none."""
    _ask(session)
    rng = session.random
    command, output = f"pytest -q {_path(session)}", _log(rng, 4)
    session.reply(bash(command, output, fails=True, decoy=("C4", "it fails for the first time")))
    session.reply(bash(command, output, fails=True, label="C4.repeat"))
    _close(session)
    _ask(session)
    session.reply(bash(command, output, fails=True, decoy=("C4", "a person has spoken")))
    flag, port = f"sleep 30; test -f {_name(rng)}", rng.randrange(1_000, 9_999)
    for call in (bash(flag, "", fails=True, decoy=("C4", "it waits for something")),) * 2:
        session.reply(call)
    refused = f"curl: (7) Failed to connect to localhost port {port}"
    for _ in range(2):
        session.reply(
            bash(f"curl -s localhost:{port}", refused, fails=True, decoy=("C4", "a server that is still starting"))
        )
    _close(session)


def tests_fail(session: PlantedSession) -> None:
    """A failing test and an empty search are information: look like C4, are none."""
    _ask(session)
    rng = session.random
    session.reply(
        bash(f"pytest -q {_path(session)}", _log(rng, 4), fails=True, decoy=("C4", "a failing test tells something"))
    )
    session.reply(grep(_name(rng), decoy=("C4", "that nothing is there is an answer")))
    _close(session)


def reread(session: PlantedSession) -> None:
    """A file is read again that is still in view: C5."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    _close(session)
    _ask(session)
    session.reply(read(path))
    _close(session)


def reread_beside_work(session: PlantedSession) -> None:
    """Read again beside a useful call: C5 without a request of its own."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    session.reply(read(path), read(_file(session, 10)))
    _close(session)


def overlap(session: PlantedSession) -> None:
    """Lines are read of which some are in view: C5 in part."""
    _ask(session)
    path = _file(session, 40)
    session.reply(read(path, 1, 24))
    session.reply(read(path, 5 + session.random.randrange(4), 30))
    _close(session)


def other_lines(session: PlantedSession) -> None:
    _ask(session)
    path = _file(session, 40)
    session.reply(read(path, 1, 20))
    session.reply(read(path, 21, 20, decoy=("C5", "other lines of the same file")))
    _close(session)


def reread_after_edit(session: PlantedSession) -> None:
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    line = _line(session, path, 10)
    session.reply(edit(path, line, line.replace(" = ", " = not ")))
    session.reply(read(path, 10, 3, decoy=("C5", "read again after an edit of these lines")))
    _close(session)


def reread_after_command(session: PlantedSession) -> None:
    """A command changes the file behind the tools' back: looks like C5, is none."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    line = _line(session, path, 10)
    other = line.replace(" = ", "  =  ")
    command = (
        f"black {path}",
        "black .",
        f"git checkout HEAD~2 -- {path}",
        f"sed -i 's/{line.strip()[:12]}/x/' {path}",
        f"python tool.py < in > {path}",
        "git stash pop",
    )[session.random.randrange(6)]

    def effect(repository: Repository) -> None:
        repository.put(path, repository.files[path].replace(line, other))

    session.reply(bash(command, "", effect=effect))
    session.reply(read(path, decoy=("C5", f"after {command.split(' ')[0]}")))
    _close(session)


def _touch(session: PlantedSession, path: str, number: int | None = None) -> None:
    """Change a file unseen: one line of it, or nothing that a read would show."""
    text = session.repository.files[path]
    line = _line(session, path, number) if number is not None else ""
    session.repository.put(path, text.replace(line, line.replace(" = ", "  =  ")) if line else text)


def reread_after_script(session: PlantedSession) -> None:
    """Something runs that may change files, and whether it did is only seen by reading: looks like C5, is none."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    commands = (
        "npm run lint",
        "npm run build",
        "yarn lint --fix",
        "make fmt",
        "source ./fmt.sh",
        "swiftformat .",
        f"git commit -qm {_word(session.random)}",
        f"{{ cat head; cat tail; }} > {path}",
        f"awk '{{print > \"{path}\"}}' in",
        "fd -e py -x sed -i s/a/b/",
        "git ls-files | xargs sed -i s/a/b/",
        "pytest --snapshot-update",
    )
    command = commands[session.random.randrange(len(commands))]
    number = 10 if session.random.random() < 0.5 else None
    session.reply(bash(command, "", effect=lambda _: _touch(session, path, number)))
    session.reply(read(path, decoy=("C5", f"after {command.split(' ')[0]}")))
    _close(session)


def reread_after_person(session: PlantedSession) -> None:
    """A person changes a line in an editor, and says so or not: looks like C5, is none. Of another file: C5."""
    _ask(session)
    path, other = _file(session), _file(session)
    session.reply(read(path))
    session.reply(read(other))
    _close(session)
    number = 4 + session.random.randrange(12)
    _touch(session, path, number)
    session.prompt(f"I changed {_name(session.random)} in my editor. Look again, at both files.")
    session.reply(read(path, decoy=("C5", "a person has changed a line")))
    session.reply(read(other))
    _close(session)


def reread_after_notice(session: PlantedSession) -> None:
    """The client says that somebody changed a file; the lines that are read again are the same: is no C5."""
    _ask(session)
    path = _file(session)
    session.reply(read(path, 1, 12))
    _close(session)
    _touch(session, path, 20)
    snippet = f"{21:>6}→{_line(session, path, 20)}"
    session.prompt(f"Go on with {_name(session.random)}.")
    note = f"Note: {session.repository.absolute(path)} was modified, either by the user or by a linter.\n{snippet}"
    session.attach("edited_text_file", note, filename=session.repository.absolute(path), snippet=snippet)
    session.reply(read(path, 1, 12, decoy=("C5", "the client told of a change")))
    _close(session)


def reread_beside_background(session: PlantedSession) -> None:
    """A formatter runs in the background: no read of a file is C5 until it has been seen to end, then one is."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    work = f"{session.random.getrandbits(24):06x}"
    started = bash("sleep 20 && black .", f"Command running in background with ID: {work}")
    session.reply(replace(started, input={**started.input, "run_in_background": True}))
    _touch(session, path)
    session.reply(read(path, decoy=("C5", "a formatter is at work")))
    session.wait(30)
    _touch(session, path)
    session.reply(tool("BashOutput", {"bash_id": work}, "<status>completed</status>\n\n<exit_code>0</exit_code>"))
    session.reply(read(path, decoy=("C5", "a formatter has ended since")))
    session.reply(read(path))
    _close(session)


def reread_after_server(session: PlantedSession) -> None:
    """A tool of a server may have changed a file: looks like C5, is none. One that looks something up: C5."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    names = (
        "files__Save",
        "git__checkout",
        "git__git_stash",
        "files__append_to_file",
        "ide__undo",
        "files__UpdateFile",
    )
    name = f"mcp__{names[session.random.randrange(len(names))]}"
    session.reply(tool(name, {"path": path}, f"{_name(session.random)} done"))
    _touch(session, path)
    session.reply(read(path, decoy=("C5", f"after {name}")))
    session.reply(tool("mcp__git__git_status", {"path": "."}, _name(session.random)))
    session.reply(read(path))
    _close(session)


def stubbed(session: PlantedSession) -> None:
    """The client answers that nothing has changed: C5."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    text = (
        "File unchanged since last read. The content from the earlier Read tool_result in this conversation is still "
        "current - refer to that instead of re-reading."
    )
    shown = {"type": "file_unchanged", "file": {"filePath": session.repository.absolute(path)}}
    outcome = Outcome(text, shown, seconds=0.1)
    session.reply(replace(read(path, label="C5.stub"), run=lambda session, name: outcome))
    _close(session)


def asked_anew(session: PlantedSession) -> None:
    """A person wants the same to be asked again, and the answer is the same: looks like C6, is none."""
    _ask(session)
    command, output = f"git status {_path(session)}", "\n".join(_name(session.random) for _ in range(14))
    session.reply(bash(command, output))
    _close(session)
    session.repository.changes_count += 1
    session.prompt(f"I did something in another window, with {_name(session.random)}. And now?")
    session.reply(bash(command, output, decoy=("C6", "a person has spoken")))
    session.repository.changes_count += 1
    session.reply(bash("sleep 30", ""))
    session.reply(bash(command, output, decoy=("C6", "time has passed on purpose")))
    _close(session)


def repeated(session: PlantedSession) -> None:
    """The same command with the same result: C6."""
    _ask(session)
    rng = session.random
    command, output = f"ls {_path(session)}.d", "\n".join(_name(rng) for _ in range(14))
    session.reply(bash(command, output))
    session.reply(read(_file(session, 8)))
    session.reply(bash(command, output))
    _close(session)


def polled(session: PlantedSession) -> None:
    """The state of a build, asked for until it changes: C6, but for the last answer."""
    _ask(session)
    rng = session.random
    number = rng.randrange(10**5)
    running = "\n".join(f"{_word(rng)}-{n}   pending  0  https://ci.example/{number}{n}" for n in range(4))
    for place in range(3):
        session.reply(bash(f"gh pr checks {number}", running, label="C6.poll" if place else None))
        session.wait(20)
    done = running.replace("pending  0", "pass     3m2s")
    session.reply(bash(f"gh pr checks {number}", done, decoy=("C6", "the state has changed")))
    _close(session)


def nearly_repeated(session: PlantedSession) -> None:
    """A list of builds, asked for until it ends, one line longer each time: C6 but for that line."""
    _ask(session)
    rng = session.random
    command = f"gh run list --branch {_name(rng)}"
    lines = [f"completed  success  {_name(rng)}  main  push  {rng.getrandbits(32):010d}  1m12s" for _ in range(16)]
    session.reply(bash(command, "\n".join(lines)))
    session.wait(20)
    new = f"queued     -        {_name(rng)}  main  push  {rng.getrandbits(32):010d}  0s"
    (name,) = session.reply(bash(command, "\n".join([new, *lines])))
    whole = session.block_of(name).tokens
    session.plant("C6.near", name, round(whole * (1 - (len(new) + 1) / len(session.result_text))))
    other = [f"failed     -        {_name(rng)}  main  push  {rng.getrandbits(32):010d}  9s" for _ in range(4)]
    session.reply(bash(command, "\n".join([*other, *lines[:12]]), decoy=("C6", "a quarter of the lines is new")))
    _close(session)


def saved(session: PlantedSession) -> None:
    """What is too long to show is put into a file of its own, twice: C6, with all that names the file."""
    _ask(session)
    rng = session.random
    shown = _log(rng, 12)
    command = f"cat {_path(session, 'log')}"

    def output() -> str:
        return (
            "<persisted-output>\nOutput too large (90.1KB). Full output saved to: "
            f"/home/plant/{rng.getrandbits(40):010x}.txt\n\nPreview (first 2KB):\n{shown}\n...\n</persisted-output>"
        )

    session.reply(bash(command, output()))
    session.reply(read(_file(session, 8)))
    (name,) = session.reply(bash(command, output()))
    session.plant("C6.near", name, session.block_of(name).tokens)
    _close(session)


def same_after_change(session: PlantedSession) -> None:
    """The tests are run again after a change, with the same words: looks like C6, is none."""
    _ask(session)
    path = _file(session)
    session.reply(read(path))
    output = _log(session.random, 6)
    command = f"make check-{_name(session.random)}"
    session.reply(bash(command, output))
    line = _line(session, path, 4)
    session.reply(edit(path, line, line.replace(" = ", " = not ")))
    session.reply(bash(command, output))
    _close(session)


def reacquired(session: PlantedSession) -> None:
    """Lost by a compaction, unchanged, read again: C7. Another has changed since: none."""
    _ask(session)
    kept, changed = _file(session), _file(session)
    session.reply(read(kept))
    session.reply(read(changed))
    session.compact(f"1. Request: look into {_name(session.random)}.\n2. Read two files.\n3. Next: compare them.")
    session.prompt("Go on.")
    line = _line(session, changed, 2)

    def effect(repository: Repository) -> None:
        repository.put(changed, repository.files[changed].replace(line, line + "  # new"))

    session.reply(bash(f"ruff format {changed}", "1 file reformatted", effect=effect))
    session.reply(read(changed, decoy=("C7", "changed since it was lost")))
    session.reply(read(kept))
    _close(session)
    for _ in range(12):
        session.reply(bash(f"git log -1 --format=%H {_path(session)}", f"{session.random.getrandbits(160):040x}"))
    _close(session)


def sent_out(session: PlantedSession) -> None:
    """A subagent reads what its parent has in view, and what nobody has: C8 once."""
    _ask(session)
    path, new = _file(session), _file(session)
    session.reply(read(path))

    def play(agent: PlantedSession) -> str:
        agent.reply(read(path))
        agent.reply(read(new, decoy=("C8", "nobody had read it")))
        return _say(session)

    brief = f"Find out what {_name(session.random)} does."
    session.reply(task("Explore", f"Find {_word(session.random)}", brief, play))  # type: ignore[arg-type]
    _close(session)


def sent_out_twice(session: PlantedSession) -> None:
    """Two subagents read the same file, one after the other, and one of them another one: C8 once."""
    _ask(session)
    path, new = _file(session), _file(session)

    def first(agent: PlantedSession) -> str:
        agent.reply(read(path))
        return _say(session)

    def second(agent: PlantedSession) -> str:
        agent.reply(read(path))
        agent.reply(read(new, decoy=("C8", "nobody had read it")))
        return _say(session)

    for play in (first, second):
        brief = f"Find out what {_name(session.random)} does."
        session.reply(task("Explore", f"Find {_word(session.random)}", brief, play))  # type: ignore[arg-type]
    _close(session)


# -- C9 to C14 --------------------------------------------------------------------------------------------------------


def reminded(session: PlantedSession) -> None:
    """The same reminder three times: C9 twice. One that differs: none."""
    rng = session.random
    text = f"The list has not been used recently. Open: {_name(rng)}, {_name(rng)}, {_name(rng)}. " * 2
    _ask(session)
    session.attach("todo_reminder", text, content=[], itemCount=3)
    session.reply(read(_file(session, 10)))
    session.attach("todo_reminder", text, content=[], itemCount=3)
    session.reply(read(_file(session, 10)))
    session.attach("todo_reminder", text, content=[], itemCount=3)
    _close(session)
    _ask(session)
    uuid = session.attach("todo_reminder", text.replace("recently", "for long"), content=[], itemCount=2)
    session.spare("C9", uuid, "another reminder")
    _close(session)


def warned(session: PlantedSession) -> None:
    """The client hangs the same words onto each file that is read: C9 from the second on."""
    _ask(session)
    first = None
    for _ in range(3):
        call = read(_file(session, 12))
        (name,) = session.reply(_with_suffix(call))
        if first is not None:
            whole = len(session.result_text.encode())
            tokens = round(session.block_of(name).tokens * len(_SUFFIX.encode()) / whole)
            session.plant("C9.in_result", name, tokens, evidence=first)
        first = first or name
    _close(session)


def _with_suffix(call: Call) -> Call:
    def run(session: PlantedSession, name: str) -> Outcome:
        outcome = call.run(session, name)
        assert isinstance(outcome.content, str)
        return replace(outcome, content=outcome.content + _SUFFIX)

    return replace(call, run=run)  # type: ignore[arg-type]


def poured(session: PlantedSession) -> None:
    """A whole log for three lines of it: C11."""
    _ask(session)
    log = _log(session.random, 110)
    lines = log.split("\n")
    place = 20 + session.random.randrange(60)
    used = lines[place : place + 3]
    useful = session.measure("\n".join(lines[place - 2 : place + 5]))
    command = f"kubectl logs deploy/{_name(session.random)}"
    (name,) = session.reply(bash(command, log, label="C11.oversize", useful_tokens=useful))
    session.reply(say="It is these lines:\n" + "\n".join(used))
    session.use(name)


def poured_and_used(session: PlantedSession) -> None:
    """A long result, all of it used: looks like C11, is none."""
    _ask(session)
    log = _log(session.random, 60)
    (name,) = session.reply(bash(f"cat {_path(session, 'log')}", log, decoy=("C11", "each part of it is used later")))
    lines = log.split("\n")
    session.reply(say="In short:\n" + "\n".join(lines[n] for n in range(1, 60, 3)))
    session.use(name)


def rewrite(session: PlantedSession) -> None:
    """One line changes, the whole file is written: C12."""
    _ask(session)
    path = _file(session, 40)
    session.reply(read(path))
    line = _line(session, path, 12)
    text = session.repository.files[path].replace(line, line.replace(" = ", " = not "))
    session.reply(write(path, text))
    _close(session)


def written_anew(session: PlantedSession) -> None:
    """A file is made, another is written with nothing kept: look like C12, are none."""
    _ask(session)
    session.reply(write(_path(session), _source(session.random, 30), decoy=("C12", "a new file")))
    path = _file(session, 20)
    session.reply(read(path))
    session.reply(write(path, _source(session.random, 20), decoy=("C12", "nothing of it was kept")))
    _close(session)


def quoted(session: PlantedSession) -> None:
    """A file is said back word for word: C12."""
    _ask(session)
    path = _file(session, 30)
    session.reply(read(path))
    lines = session.repository.lines(path)[2:27]
    session.reply(say="It says:\n\n" + "\n".join(lines) + f"\n\n{_say(session)}")
    prompt = session.world.prompts[-1]
    (block,) = (b for b in prompt.written if b.kind == "text")
    tokens = round(block.tokens * len("\n".join(lines).encode()) / len(session.said.encode()))
    session.plant("C12.quote", block.reference, tokens)
    session.waste_block(block, "C12", tokens=tokens)
    session.waste_output(block.reference, "C12", tokens=tokens)


def never_used(session: PlantedSession) -> None:
    """A large result that nothing ever comes back to: C13, unless the session ends soon."""
    _ask(session)
    session.reply(bash(f"cat {_path(session, 'txt')}", _log(session.random, 56)))
    _close(session)


def used_late(session: PlantedSession) -> None:
    """A large result that is used at once, and again much later: no C13 in between."""
    _ask(session)
    log = _log(session.random, 56)
    (name,) = session.reply(bash(f"cat {_path(session, 'txt')}", log))
    lines = log.split("\n")
    session.reply(say="In short:\n" + "\n".join(lines[n] for n in range(0, 56, 2)))
    session.use(name)
    for _ in range(STALE_REQUESTS + 4):
        session.reply(bash(f"git log -1 --format=%H {_path(session)}", f"{session.random.getrandbits(160):040x}"))
    session.reply(say="As I said:\n" + "\n".join(lines[n] for n in range(1, 56, 2)))
    session.use(name)


def thrash(session: PlantedSession) -> None:
    """Compacted, and again after two requests: C14."""
    _ask(session)
    session.reply(read(_file(session)))
    session.compact(f"1. Request: look into {_name(session.random)}.\n2. Read one file.\n3. Next: {_say(session)}")
    session.prompt("Go on.")
    session.reply(read(_file(session)))
    _close(session)
    session.compact(f"1. Request: look into {_name(session.random)}.\n2. Read two files.\n3. Next: {_say(session)}")
    session.prompt("And now?")
    _close(session)


def end_compacted(session: PlantedSession, requests_count: int) -> None:
    """The last thing that is done: a compaction, and so many requests after it. Two are too few to pay for it."""
    session.compact(f"1. Request: look into {_name(session.random)}.\n2. All done.\n3. Next: {_say(session)}")
    session.prompt("Anything else?")
    for _ in range(requests_count - 1):
        session.reply(read(_file(session, 8)))
    _close(session)


def uses_server(session: PlantedSession) -> None:
    """A tool of a server is called: its schema is no C10 then."""
    _ask(session)
    session.reply(tool("mcp__tracker__get_issue", {"id": _name(session.random)}, _source(session.random, 4)))
    _close(session)


def obey(session: PlantedSession) -> None:
    """What a memory file asks for is done."""
    _ask(session)
    session.reply(bash(session.own_command, "fine"))
    _close(session)


def remember(session: PlantedSession) -> None:
    """Two folders with memory files: a command of one is run, of the other nothing appears: C10."""
    _ask(session)
    command = f"just {_name(session.random)}"
    for content in (f"Run `{command}` when you are done.", foreign_words(session.random, 60)):
        path = _file(session, 8)
        session.reply(read(path))
        memory = session.load_memory(f"{session.repository.root}/{path.removesuffix('.py')}/CLAUDE.md", content)
        if command in content:
            session.spare("C10", memory.reference, "a command that the memory file names was run")
        else:
            session.waste_block(memory, "C10")
            session.plant("C10.memory", memory.reference, memory.tokens)
    session.reply(bash(command, "fine"))
    _close(session)


# -- the cache --------------------------------------------------------------------------------------------------------


def pause(session: PlantedSession) -> None:
    """Longer than the cache lives: K1."""
    session.wait(60 * (70 if session.thread.ttl == "1h" else 8))
    plain(session)


def evicted(session: PlantedSession) -> None:
    """The server forgets a part of the prompt: K5, a partial miss."""
    if len(session.thread.blocks) > 8:
        session.evict(2)
    plain(session)


def come_back(session: PlantedSession) -> None:
    """Closed and resumed: K3."""
    session.resume(120)
    plain(session)


def change_model(session: PlantedSession) -> None:
    """Another model of the same family of tokenizers, and back: K2."""
    before = session.model
    session.switch(SONNET if before != SONNET else OPUS)
    plain(session)
    session.switch(before)
    plain(session)


PLOTS: tuple[Plot, ...] = (
    *(plain, parallel, steps(6)),
    *(retried, carried_on, interrupted, rejected, plan_turned_down, speaks_of_rejection),
    *(rewound, reverted, changes_branch, woken, woken_to_work),
    *(failed, slips, denied, failed_again, tests_fail),
    *(reread, reread_beside_work, overlap, other_lines, reread_after_edit, reread_after_command),
    *(reread_after_script, reread_after_script, reread_after_person, reread_after_notice),
    *(reread_beside_background, reread_after_server, stubbed),
    *(repeated, asked_anew, polled, nearly_repeated, saved, same_after_change, reacquired),
    *(sent_out, sent_out, sent_out_twice),
    *(reminded, warned, poured, poured_and_used, rewrite, written_anew, quoted, never_used, used_late, thrash),
    *(uses_server, remember, pause, evicted, come_back, change_model),
)

_CLIENTS = (
    ("2.1.330", OPUS, "1h"),
    ("2.1.210", SONNET, "5m"),
    ("2.1.112", OLD_OPUS, "5m"),
    ("2.1.330", HAIKU, "5m"),
    ("2.1.62", OLD_OPUS, "5m"),
    ("2.0.77", OLD_SONNET, "5m"),
    ("2.1.286", SONNET, "1h"),
    ("1.0.128", OLD_SONNET, "5m"),
    ("1.0.35", OLD_SONNET, "5m"),
)
_TAILS = (3, 3, 0, 9, -1)
_RISE = datetime(2026, 10, 7, tzinfo=UTC)
"""Sonnet 5.5 reads became cheaper at this instant: a session that runs across it has two prices."""
PLOTS_PER_SESSION = 9


def perform(world: PlantedWorld, number: int, seed: int) -> None:
    """Act one session; its number says with which client, and what is particular about it."""
    rng = random.Random(f"planted/{seed}/{number}")
    version, model, ttl = _CLIENTS[number % len(_CLIENTS)]
    person = Person("plant", f"bench{number % 4}", version, "/home/plant", ttl=ttl)
    start = datetime(2026, 10, 12, 8, tzinfo=UTC) + timedelta(minutes=97 * number)
    if number % 18 == 1:
        start = _RISE - timedelta(minutes=9)
    session = begin(world, person, model, start, f"{seed}/{number}", tail_tokens=_TAILS[number % len(_TAILS)])
    chosen = _chosen(rng, number, seed)
    for place, plot in enumerate(chosen):
        if not _fits(plot, session):
            plot = plain
        plot(session)
        if place == 1 and session.own_command:
            obey(session)
        if place == 4 and number % 8 == 5:
            session = _copied(session)
        if place == 3 and number % 9 == 3:
            _cross_the_band(session)
        if place == 5 and number % 9 == 5:
            session.switch_family(OPUS, FAMILY_RATIO)
    if number % 6 in (2, 4):
        end_compacted(session, 1 + number // 6 % 2 if number % 6 == 4 else 4)
    _plant_carry(world, session)
    _plant_compactions(session)
    _plant_static(world, session)


def _chosen(rng: random.Random, number: int, seed: int) -> list[Plot]:
    """Deal the plots like cards, so that each comes as often as any other."""
    chosen = []
    for place in range(number * PLOTS_PER_SESSION, (number + 1) * PLOTS_PER_SESSION):
        deal, card = divmod(place, len(PLOTS))
        chosen.append(random.Random(f"{seed}/{deal}").sample(PLOTS, len(PLOTS))[card])
    rng.shuffle(chosen)
    return chosen


def _fits(plot: Plot, session: PlantedSession) -> bool:
    """Older clients cannot show everything: what leaves no mark in the log cannot be planted."""
    if plot is reminded:  # earlier clients write that they reminded, not what they said
        return session.version >= (2, 1, 270)
    if plot in (remember, reread_after_notice, stubbed):
        return session.version >= (2, 1, 90)
    if plot is warned:
        return session.version < (2, 1, 90)
    if plot is come_back:
        return session.version >= (1, 0, 100) and bool(session.prompts)
    if plot in (sent_out, sent_out_twice):
        return session.version >= (2, 0, 0)
    return True


def _copied(session: PlantedSession) -> PlantedSession:
    """Go on in a new file that begins with a copy of this one: a fork, or a resume of the oldest clients."""
    _plant_carry(session.world, session)
    _plant_compactions(session, is_carried_on=True)
    _plant_static(session.world, session)
    other = session.copied_into_new(180, fork=session.version >= (1, 0, 100))
    assert isinstance(other, PlantedSession)
    world = session.world
    other.tools_called |= session.tools_called
    world.truth.origins[other.session_id] = session.session_id
    world.forks[other.session_id] = [*world.forks.get(session.session_id, ()), *session.own_prompts()]
    for (session_id, block), count in list(world.uses.items()):
        if session_id == session.session_id:
            world.uses[other.session_id, block] = count
    return other


def _cross_the_band(session: PlantedSession) -> None:
    """Grow beyond 100,000 tokens, above which Haiku 5.5 costs five times as much: nobody looks at it again."""
    _ask(session)
    session.reply(bash(f"cat {_path(session, 'sql')}", _log(session.random, 4_400)))
    _close(session)


def _plant_carry(world: PlantedWorld, session: PlantedSession) -> None:
    """C13: what is large and was carried on after its last use."""
    prompts = [*world.forks.get(session.session_id, ()), *session.own_prompts()]
    large = {
        id(block): block
        for prompt in prompts
        for block, _ in prompt.blocks
        if block.kind == "tool_result" and block.tokens >= LARGE_TOKENS
    }
    for key, block in large.items():
        use = (session.session_id, key)
        used = world.uses.get(use, 1)
        if session.held_count(block) - used < STALE_REQUESTS:
            if session.held_count(block):
                session.spare("C13", block.reference, "not carried for long after its last use")
            continue
        if not any(part.label == "C13" for part in world.wasted[key]):
            session.waste_block(block, "C13", after=used)
        session.plant("C13.expired" if use in world.uses else "C13.never", block.reference, block.tokens)


def _plant_compactions(session: PlantedSession, *, is_carried_on: bool = False) -> None:
    """C14: another compaction within ten requests, or the session's end within two."""
    prompts = session.own_prompts()
    first: dict[int, tuple[int, BlockTruth]] = {}
    for place, prompt in enumerate(prompts):
        for block, _ in prompt.blocks:
            if block.kind == "summary" and block.session_id == session.session_id:
                first.setdefault(id(block), (place, block))
    entries = sorted(first.values(), key=lambda entry: entry[0])
    for number, (place, block) in enumerate(entries):
        following = entries[number + 1] if number + 1 < len(entries) else None
        if following is not None and following[0] - place <= QUICK_REQUESTS:
            session.plant("C14.thrash", block.reference, block.tokens)
            session.waste_block(block, "C14")
        elif following is None and not is_carried_on and len(prompts) - place <= LAST_REQUESTS:
            session.plant("C14.unused", block.reference, block.tokens)
            session.waste_block(block, "C14")
        else:
            session.spare("C14", block.reference, "a compaction that was worked with")


QUICK_REQUESTS, LAST_REQUESTS = 10, 2
CORE_TOOLS = frozenset({"Agent", "Task", "Bash", "Edit", "Glob", "Grep", "Read", "Write"})


def _plant_static(world: PlantedWorld, session: PlantedSession) -> None:
    """C10: tools that were sent with every prompt and never called, but for their names; skills likewise."""
    for name, (block, _) in session.static_parts.items():
        if name in CORE_TOOLS or name in session.tools_called:
            session.spare("C10", block.reference, "it was called, or is one of the client's own")
            continue
        tokens = max(0, block.tokens - STUB_TOKENS)
        session.waste_block(block, "C10", tokens=tokens)
        session.plant("C10.tool", block.reference, tokens)
    for server, block in session.servers.items():
        if any(name.startswith(f"mcp__{server}__") for name in session.tools_called):
            session.spare("C10", block.reference, "a tool of the server was called")
            continue
        session.waste_block(block, "C10")
        session.plant("C10.server", block.reference, block.tokens)


STUB_TOKENS = 12
"""What a tool costs that is only named."""

_REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed."
)

__all__ = ["PLOTS", "perform"]
