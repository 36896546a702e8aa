"""What was read, asked or tried again though nothing that the log tells had changed: C4, C5, C6, C7 and C8.

A session's tool results are walked in order, with every call that may have changed a file between them: edits, shell
commands by what `commands` knows of them, from their start to their end where they run in the background, and what the
client tells of files that others changed. A read repeats an earlier one line by line, where both carry the same
line at the same number and nothing may have changed the file in between; a read that shows other lines tells of a
change that the log does not. An answer may be another one once a person has spoken or a call has waited: nothing in it
says what it looked at. Whether the earlier copy still stood in the
prompt decides between C5 and C7; whose prompt it was, between these and C8. A failure that is repeated is C4.

What belongs here: the walk and its rules. What does not: what the claims cost (`cells`), and texts that no rule asks
for: lines are compared only where a path was read more than once, or a like command was given again.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from her_models.commands import Effect, effects, is_reading_tool
from her_models.ledger.layout import Layout
from her_models.ledger.thread import prompt_tokens
from her_models.shell import leaves_running
from her_models.waste.tables import REPEAT_COLUMNS, column_type

if TYPE_CHECKING:
    import duckdb

EDITORS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit"})
SHELLS = frozenset({"Bash", "PowerShell"})
SEARCHES = frozenset({"Bash", "PowerShell", "BashOutput", "TaskOutput", "Grep", "Glob", "LS", "WebFetch", "WebSearch"})
STUBS = ("File unchanged since last read", "<system-reminder>File unchanged", "[unchanged since")
SUBAGENTS = frozenset({"Agent", "Task"})
OUTPUTS = frozenset({"BashOutput", "TaskOutput", "AgentOutputTool"})
KILLERS = frozenset({"KillShell", "KillBash", "TaskStop"})
PERSONS = frozenset({"AskUserQuestion", "ExitPlanMode"})
"""Tools that are answered by a person."""
READERS = (
    OUTPUTS
    | KILLERS
    | PERSONS
    | frozenset(
        {
            *(
                "Read",
                "NotebookRead",
                "Grep",
                "Glob",
                "LS",
                "WebFetch",
                "WebSearch",
                "TodoRead",
                "TodoWrite",
                "ToolSearch",
            ),
            *(
                "TaskCreate",
                "TaskUpdate",
                "TaskList",
                "TaskGet",
                "EnterPlanMode",
                "SendMessage",
                "Skill",
                "SlashCommand",
            ),
            *("ListMcpResourcesTool", "ReadMcpResourceTool", "ScheduleWakeup", "StructuredOutput", "Monitor"),
        }
    )
)
"""Tools of the client that leave files as they are; one that is not here may change any."""
_NUMBERED = re.compile(r"^ *(\d+)[→\t](.*)$", re.MULTILINE)
_SAME_LINES = 5
"""Fewer lines in common are a margin, not a second read; a read that is nothing else counts whatever its length."""
_SAME_BYTES = 200
"""Answers to different questions may well be the same few words."""
_NEAR = 0.9
_NEAR_BYTES = 400
_SAVED_AS = re.compile(r"(?<=^<persisted-output>\nOutput too large )(\([^)\n]*\)\. Full output saved to: )[^\n]*")
"""Where the client puts what was too long to show: a name of its own for each call, which is no part of the answer."""
_UNAPPROVED = re.compile(
    r"This command requires approval|Claude requested permissions to |Permission to use .{1,200}denied"
    r"|This Bash command contains multiple operations|.{0,200} was blocked\. For security"
)
"""How the client begins when nobody has allowed a call."""
_IN_BACKGROUND = re.compile(r"\bbackground\b.{0,80}?\bID: ?([\w-]+)", re.DOTALL)
_WORK_ID = re.compile(r'"(?:bash_id|shell_id|task_id|agentId)"\s*:\s*"([^"]+)"')
_ENDED = re.compile(r"<status>\s*(completed|failed|killed|stopped|cancelled)")
_LATEST = 6
"""So many earlier copies of a file, or answers to a command, are looked at: the number of comparisons stays linear."""


@dataclass(slots=True)
class Result:
    """One tool result of a session, as `int_waste_results` gives it."""

    block_index: int
    thread_id: str
    tool_name: str
    path: str | None
    is_error: bool
    content_hash: str | None
    input_hash: str | None
    preview: str
    call_preview: str
    text_bytes: int
    range_start: int | None
    range_lines: int | None
    slot: int
    place: int
    cwd: str | None
    turn_index: int | None
    call_block_index: int = -1

    @property
    def is_read(self) -> bool:
        return self.tool_name == "Read"


@dataclass(frozen=True, slots=True)
class Notice:
    """What `int_waste_notices` tells of beside the calls: `person`, `shell`, `changed` or `ended`, and of what."""

    block_index: int
    kind: str
    subject: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A claim on part of a result: `evidence` is the block it repeats.

    `is_whole` is the claim with which nothing of the result is left, so that the call was needless too.
    """

    kind: str
    result: Result
    low: float
    high: float
    is_whole: bool
    first_line: int | None
    last_line: int | None
    evidence: Result
    sentence: str


@dataclass(frozen=True)
class Lines:
    """The numbered lines of a read, and where each begins and ends in its text, in characters."""

    numbers: tuple[int, ...]
    texts: tuple[str, ...]

    @cached_property
    def by_number(self) -> dict[int, str]:
        return dict(zip(self.numbers, self.texts, strict=True))

    def intervals(self, covered: Sequence[bool]) -> Iterator[tuple[float, float, int, int]]:
        """Yield share from, share to, first and last number of each run of covered lines."""
        lengths = [len(text) + 7 for text in self.texts]
        whole = max(sum(lengths), 1)
        position = start = 0
        first = last = -1
        for number, length, is_covered in zip(self.numbers, lengths, covered, strict=True):
            if is_covered:
                if first < 0:
                    start, first = position, number
                last = number
            elif first >= 0:
                yield start / whole, position / whole, first, last
                first = -1
            position += length
        if first >= 0:
            yield start / whole, 1.0, first, last


def read_lines(text: str) -> Lines:
    """Return the lines of a read; what the client adds around them is left out."""
    found = _NUMBERED.findall(text)
    return Lines(tuple(int(number) for number, _ in found), tuple(line for _, line in found))


@dataclass
class Texts:
    """The texts that the rules ask for, by hash; lines are taken apart once."""

    by_hash: Mapping[str, str]
    _lines: dict[str, Lines] = field(default_factory=dict)

    def lines(self, content_hash: str | None) -> Lines | None:
        if content_hash is None or content_hash not in self.by_hash:
            return None
        if content_hash not in self._lines:
            self._lines[content_hash] = read_lines(self.by_hash[content_hash])
        return self._lines[content_hash]

    def command(self, input_hash: str | None, preview: str) -> str:
        """Return the shell text of a call; the preview where the text is not there."""
        return _command(self.by_hash.get(input_hash or "", preview))

    def runs_in_background(self, input_hash: str | None) -> bool:
        """Say whether a call of the shell asked not to wait for its end."""
        return '"run_in_background":true' in self.by_hash.get(input_hash or "", "").replace(" ", "")


@lru_cache(maxsize=4_096)
def _command(text: str) -> str:
    try:
        given = json.loads(text)
    except ValueError:
        return text
    return str(given.get("command", "")) if isinstance(given, dict) else text


def _standing(stretches: Sequence[tuple[int, int]]) -> str:
    """Return which lines stand somewhere, as the beginning of a sentence."""
    named = [f"{first}–{last}" if last > first else f"{first}" for first, last in stretches]
    if len(named) > 1:
        return f"Lines {', '.join(named[:-1])} and {named[-1]} stand unchanged in"
    return f"Lines {named[0]} stand unchanged in" if "–" in named[0] else f"Line {named[0]} stands unchanged in"


def _answered(text: str) -> list[str]:
    """Return the lines of an answer, without what the client names anew at each call."""
    return _SAVED_AS.sub(r"\1", text, count=1).split("\n")


class Prompts:
    """What stood in whose prompt, and when."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._threads: dict[tuple[str, str, str], tuple[list[float], list[int]]] = {}
        for number, thread in enumerate(layout.threads):
            call = thread.calls[0]
            starts, places = [], []
            for index, row in enumerate(thread.calls):
                place = layout.place_of(number, index)
                if place is not None:
                    starts.append(float(row["first_block_index"]))
                    places.append(place)
            self._threads[(call["source_id"], call["session_id"], call["thread_id"])] = (starts, places)

    def holds(self, place: int, slot: int) -> bool:
        """Say whether the prompt at a place holds a block, and most of it: results are cleared one by one."""
        layout = self.layout
        at = layout.places[place]
        for entry in layout.entries_of(slot):
            if int(layout.entry_segments[entry]) != at.segment:
                continue
            size = int(layout.entry_sizes[entry])
            end = int(layout.entry_starts[entry]) + size - at.base
            return size > 0 and size * 2 >= layout.blocks[slot].size and end <= prompt_tokens(layout.call(place))
        return False

    def latest(self, key: tuple[str, str, str], block_index: int) -> int | None:
        """Return the place of a thread's last request before a block."""
        starts, places = self._threads.get(key, ([], []))
        number = bisect_left(starts, block_index)
        return places[number - 1] if number else None


@dataclass
class _Changes:
    """What may have changed files so far, in order; each file looks at each event once.

    What runs in the background may change something at any moment until it has ended.
    """

    events: list[tuple[int, Effect]] = field(default_factory=list)
    running: dict[str, tuple[Effect, ...]] = field(default_factory=dict)
    seen: int = -1  # block of the last event
    _of_paths: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, block_index: int, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if not effect.changes_nothing:
                self.events.append((block_index, effect))
                self.seen = block_index

    def start(self, work: str, effects: Iterable[Effect]) -> None:
        """Note that work goes on which may change something."""
        changing = tuple(effect for effect in effects if not effect.changes_nothing)
        if changing:
            self.running[work] = changing

    def end(self, work: str, block_index: int) -> None:
        self.add(block_index, self.running.pop(work, ()))

    def latest(self, now: int) -> int:
        """Return the block of the last event that may have changed anything; `now` where something still may."""
        return now if self.running else self.seen

    def of(self, path: str, now: int) -> int:
        """Return the block of the last event that may have changed a file; -1 where none did, `now` where one may."""
        looked_at, found = self._of_paths.get(path, (0, -1))
        for block_index, effect in self.events[looked_at:]:
            if effect.may_change(path):
                found = block_index
        self._of_paths[path] = (len(self.events), found)
        is_changing = any(effect.may_change(path) for effects in self.running.values() for effect in effects)
        return now if is_changing else found


class Walk:
    """One session's results, in order."""

    def __init__(self, key: tuple[str, str], texts: Texts, prompts: Prompts) -> None:
        self.key = key
        self.texts = texts
        self.prompts = prompts
        self.changes = _Changes()
        self.reads: dict[str, list[Result]] = defaultdict(list)
        self.answers: dict[tuple[str, str], list[Result]] = defaultdict(list)
        self.equals: dict[tuple[str, str], list[Result]] = defaultdict(list)
        self.failures: dict[tuple[str, str, str], Result] = {}
        self.spoken = self.waited = -1  # the last block at which a person spoke, or a call let time pass
        self._threads: frozenset[str] = frozenset()
        self._latest_of_subagents = -1

    def run(self, results: Sequence[Result], notices: Sequence[Notice] = ()) -> Iterator[Repeat]:
        self._threads = frozenset(result.thread_id for result in results if result.thread_id)
        told = 0
        for result in results:
            while told < len(notices) and notices[told].block_index < result.block_index:
                self._note(notices[told])
                told += 1
            if self._waits(result):
                self.waited = result.block_index
            yield from self._judge_failure(result) if result.is_error else self._judge(result)
            self._note_changes(result)

    def _judge(self, result: Result) -> Iterator[Repeat]:
        if result.is_read:
            if result.path:
                yield from self._judge_read(result, result.path)
                self.reads[result.path].append(result)
        elif result.tool_name in SEARCHES or result.tool_name.startswith("mcp__"):
            yield from self._judge_answer(result)

    def _judge_failure(self, result: Result) -> Iterator[Repeat]:
        """Yield a claim where the same call has failed the same way in the turn, and no call since may have helped."""
        key = (result.thread_id, result.tool_name, self._question(result) or result.path or "")
        old = self.failures.get(key)
        self.failures[key] = result
        if old is None or old.content_hash != result.content_hash or old.turn_index != result.turn_index:
            return
        if old.place == result.place:
            return
        if _UNAPPROVED.match(result.preview):
            if max(self.changes.seen, self.spoken) <= old.block_index:
                said = "The same call had been turned away in this turn: nobody had allowed it."
                yield Repeat("C4.unapproved", result, 0.0, 1.0, True, None, None, old, said)
        elif self._since(result, is_poll=False) <= old.block_index and not self._looks_elsewhere(result):
            said = "The same call had failed with the same error, and no call since changes files."
            yield Repeat("C4.repeat", result, 0.0, 1.0, True, None, None, old, said)

    # -- what changes files

    def _note(self, notice: Notice) -> None:
        if notice.kind == "changed" and notice.subject is not None:
            self.changes.add(notice.block_index, (Effect("", True, (notice.subject,)),))
        elif notice.kind == "ended" and notice.subject is not None:
            self.changes.end(notice.subject, notice.block_index)
        elif notice.kind in ("person", "shell"):
            self.spoken = notice.block_index
            if notice.subject is not None:
                self.changes.add(notice.block_index, effects(notice.subject))

    def _note_changes(self, result: Result) -> None:
        if result.thread_id:
            self._latest_of_subagents = result.block_index
        if result.tool_name in PERSONS or (result.is_error and result.preview.startswith("The user doesn")):
            self.spoken = result.block_index
        self._note_end(result)
        done, work = self._changes_by(result), self._work(result)
        if work is None:
            self.changes.add(result.block_index, done)
        else:
            self.changes.start(work, done)

    def _changes_by(self, result: Result) -> tuple[Effect, ...]:
        """Return what a call may have changed."""
        tool = result.tool_name
        anything = (Effect(tool, False, (), writes_anything=True),)
        if tool in EDITORS:
            if result.is_error:
                return ()
            return (Effect(tool, True, (result.path,)),) if result.path else anything
        if tool in SHELLS:
            return self._effects(result)
        if tool in SUBAGENTS:
            return () if self._is_logged(result) else anything
        is_reading = is_reading_tool(tool) if tool.startswith("mcp__") else tool in READERS
        return () if is_reading else anything

    def _is_logged(self, result: Result) -> bool:
        """Say whether what a subagent called is in the log: one that only answered is not told from one that is not."""
        is_seen = self._latest_of_subagents > result.call_block_index >= 0
        return is_seen or any(thread in result.preview for thread in self._threads)

    def _work(self, result: Result) -> str | None:
        """Return by what name work goes on in the background after a call; None where nothing does."""
        found = _IN_BACKGROUND.search(result.preview)
        if result.tool_name in SUBAGENTS and result.preview.startswith("Async agent launched"):
            named = re.search(r"agentId: ?([\w-]+)", result.preview)
            return named[1] if named else f"@{result.block_index}"
        if result.tool_name not in SHELLS or result.is_error:
            return None
        text = self.texts.command(result.input_hash, result.call_preview)
        if found or self.texts.runs_in_background(result.input_hash) or leaves_running(text):
            return found[1] if found else f"@{result.block_index}"
        return None

    def _note_end(self, result: Result) -> None:
        named = _WORK_ID.search(result.call_preview)
        if named is None:
            return
        is_over = result.tool_name in OUTPUTS and _ENDED.search(result.preview) is not None
        if is_over or (result.tool_name in KILLERS and not result.is_error):
            self.changes.end(named[1], result.block_index)

    def _waits(self, result: Result) -> bool:
        """Say whether a call let time pass for something else to happen."""
        if result.tool_name in SHELLS:
            return any(effect.waits for effect in self._effects(result))
        return result.tool_name in ("TaskOutput", "AgentOutputTool") and '"block":false' not in result.call_preview

    def _effects(self, result: Result) -> tuple[Effect, ...]:
        return effects(self.texts.command(result.input_hash, result.call_preview), result.cwd)

    # -- reads: C5, C7, C8

    def _judge_read(self, result: Result, path: str) -> Iterator[Repeat]:
        if result.preview.startswith(STUBS):
            earlier = next((old for old in reversed(self.reads[path]) if old.thread_id == result.thread_id), None)
            if earlier is not None:
                said = "The client answered that the file had not changed since it was read."
                yield Repeat("C5.stub", result, 0.0, 1.0, True, None, None, earlier, said)
            return
        lines = self.texts.lines(result.content_hash)
        earlier_reads = self._current_reads(result, path, lines)
        found: list[Repeat] = []
        left: list[bool] | None = None
        for kind, pool, said in self._pools(result, earlier_reads):
            for old in reversed(pool):
                if old.content_hash == result.content_hash and (left is None or all(left)):
                    yield self._whole_read(kind, result, old, lines, said)
                    return
                covered, left = self._compare(result, old, lines, left)
                found += self._parts(kind, result, old, lines, covered, said)
                if left is not None and not any(left):
                    yield from found[:-1]
                    yield replace(found[-1], is_whole=True)
                    return
        yield from found

    def _current_reads(self, result: Result, path: str, lines: Lines | None) -> list[Result]:
        """Return the earlier reads that show a file as it is now.

        Nothing that the log tells changed it since. What it does not tell, such as a person's own edits, shows where
        lines have become others: such a read is of an older file, and so may be those after it, up to the first that
        holds one of these lines as it is now.
        """
        since = self.changes.of(path, result.block_index)
        now = lines.by_number if lines is not None else {}
        current: list[Result] = []
        changed: list[set[int]] = []
        for old in [old for old in self.reads[path] if old.block_index > since][-_LATEST:]:
            if old.content_hash == result.content_hash and not changed:
                current.append(old)
                continue
            before = self.texts.lines(old.content_hash)
            shown = before.by_number if before is not None else {}
            others = {number for number, text in shown.items() if now.get(number, text) != text}
            if others:
                current = []
                changed.append(others)
            elif all(not numbers.isdisjoint(shown) for numbers in changed):
                current.append(old)
        self.reads[path] = current
        return current

    def _pools(self, result: Result, reads: Sequence[Result]) -> Iterator[tuple[str, list[Result], str]]:
        """Yield kind, earlier reads and what is said of them, in the order of the labels."""
        own = [old for old in reads if old.thread_id == result.thread_id and old.place != result.place]
        live = [old for old in own if self.prompts.holds(result.place, old.slot)]
        yield "C5.reread", live, "{lines} an earlier read that was still in the context."
        lost = [old for old in own if old not in live]
        yield "C7.reacquired", lost, "{lines} an earlier read that the context had lost."
        if not result.thread_id:
            return
        place = self.prompts.latest((*self.key, ""), result.block_index)
        if place is not None:
            parents = [old for old in reads if not old.thread_id and self.prompts.holds(place, old.slot)]
            yield "C8.parent", parents, "{lines} a read that stood in the context of the main conversation."
        siblings = [old for old in reads if old.thread_id not in ("", result.thread_id)]
        yield "C8.sibling", siblings, "{lines} a read of another subagent."

    def _compare(
        self, result: Result, old: Result, lines: Lines | None, left: list[bool] | None
    ) -> tuple[list[bool], list[bool] | None]:
        """Return which lines an earlier read covers of those that are left, and what is left then."""
        others = self.texts.lines(old.content_hash)
        if lines is None or others is None or not lines.numbers:
            return [], left
        left = left if left is not None else [True] * len(lines.numbers)
        known = others.by_number
        found = [
            is_left and known.get(number) == text
            for number, text, is_left in zip(lines.numbers, lines.texts, left, strict=True)
        ]
        if sum(found) < _SAME_LINES and not all(found):
            return [], left
        return found, [is_left and not is_found for is_left, is_found in zip(left, found, strict=True)]

    def _parts(
        self, kind: str, result: Result, old: Result, lines: Lines | None, found: list[bool], said: str
    ) -> Iterator[Repeat]:
        if lines is None or not any(found):
            return
        stretches = list(lines.intervals(found))
        sentence = said.format(lines=_standing([(first, last) for _, _, first, last in stretches]))
        for low, high, first, last in stretches:
            yield Repeat(kind, result, low, high, False, first, last, old, sentence)

    def _whole_read(self, kind: str, result: Result, old: Result, lines: Lines | None, said: str) -> Repeat:
        first, last = None, None
        if lines is not None and lines.numbers:
            first, last = lines.numbers[0], lines.numbers[-1]
        elif result.range_lines:
            first = result.range_start or 1
            last = first + result.range_lines - 1
        what = _standing([(first, last)]) if first is not None and last is not None else "It is equal to"
        return Repeat(kind, result, 0.0, 1.0, True, first, last, old, said.format(lines=what))

    # -- answers of other tools: C6, C8

    def _judge_answer(self, result: Result) -> Iterator[Repeat]:
        asked = self._question(result)
        found = self._equal_answer(result, asked) or self._near_answer(result, asked)
        if found is not None:
            yield from found
        self.answers[(result.tool_name, asked)].append(result)
        if result.content_hash is not None:
            self.equals[(result.tool_name, result.content_hash)].append(result)

    def _question(self, result: Result) -> str:
        if result.tool_name in SHELLS:
            return self.texts.command(result.input_hash, result.call_preview)
        return result.input_hash or ""

    def _is_only_asking(self, result: Result) -> bool:
        """Say whether a call changes nothing."""
        done = self._changes_by(result)
        if result.tool_name in SHELLS and not done:
            return False
        return all(effect.is_known and effect.changes_nothing for effect in done)

    def _looks_elsewhere(self, result: Result) -> bool:
        """Say whether a call looks at another machine or a process that goes on."""
        if result.tool_name in SHELLS:
            return any(effect.network for effect in self._effects(result))
        return result.tool_name in OUTPUTS or result.tool_name.startswith(("mcp__", "Web"))

    def _since(self, result: Result, *, is_poll: bool) -> int:
        """Return the block before which an answer says nothing of now: what others do is a poll's question itself."""
        asked_anew = max(self.spoken, self.waited)
        return asked_anew if is_poll else max(asked_anew, self.changes.latest(result.block_index))

    def _equal_answer(self, result: Result, asked: str) -> list[Repeat] | None:
        if result.content_hash is None or not result.text_bytes:
            return None
        for old in reversed(self.equals[(result.tool_name, result.content_hash)][-_LATEST:]):
            same_question = self._question(old) == asked
            if not same_question and result.text_bytes < _SAME_BYTES:
                continue
            is_poll = self._looks_elsewhere(result)
            if not self._is_only_asking(result) or old.block_index <= self._since(result, is_poll=is_poll):
                return None
            # Two questions to another machine are two, and once a person has spoken a question is asked anew.
            if old.turn_index != result.turn_index or (is_poll and not same_question):
                continue
            if old.thread_id == result.thread_id:
                if old.place != result.place and not self.prompts.holds(result.place, old.slot):
                    continue
                kind = "C6.poll" if is_poll else "C6.exact"
                asked_so = "to the same question " if same_question else ""
                stood = "was still in the context" if old.place != result.place else "came to a call beside this one"
                said = f"The same answer {asked_so}{stood}."
                return [Repeat(kind, result, 0.0, 1.0, True, None, None, old, said)]
            if result.thread_id and not old.thread_id and result.text_bytes >= _SAME_BYTES:
                place = self.prompts.latest((*self.key, ""), result.block_index)
                if place is not None and self.prompts.holds(place, old.slot):
                    said = "The same answer stood in the context of the main conversation."
                    return [Repeat("C8.parent", result, 0.0, 1.0, True, None, None, old, said)]
        return None

    def _near_answer(self, result: Result, asked: str) -> list[Repeat] | None:
        text = self.texts.by_hash.get(result.content_hash or "")
        if text is None or result.text_bytes < _NEAR_BYTES:
            return None
        is_poll = self._looks_elsewhere(result)
        if not self._is_only_asking(result):
            return None
        lines = text.split("\n")
        compared = _answered(text)
        for old in reversed(self.answers[(result.tool_name, asked)][-_LATEST:]):
            before = self.texts.by_hash.get(old.content_hash or "")
            if before is None or old.thread_id != result.thread_id or old.place == result.place:
                continue
            if old.block_index <= self._since(result, is_poll=is_poll) or old.turn_index != result.turn_index:
                return None
            if old.text_bytes < _NEAR * result.text_bytes or not self.prompts.holds(result.place, old.slot):
                continue
            known = set(_answered(before))
            shared = [line in known for line in compared]
            share = sum(len(line) for line, is_shared in zip(lines, shared, strict=True) if is_shared)
            if share < _NEAR * sum(len(line) for line in lines):
                continue
            numbered = Lines(tuple(range(1, len(lines) + 1)), tuple(lines))
            said = f"{sum(shared)} of its {len(lines)} lines repeat an earlier answer that was still in the context."
            return [
                Repeat("C6.near", result, low, high, True, None, None, old, said)
                for low, high, _, _ in numbered.intervals(shared)
            ]
        return None


# -- reading and writing --------------------------------------------------------------------------------------------

_RESULTS = """
    select
        results.source_id,
        results.session_id,
        results.block_index,
        results.thread_id,
        coalesce(results.tool_name, '') as tool_name,
        results.path,
        results.is_error,
        results.content_hash,
        results.input_hash,
        coalesce(results.preview, '') as preview,
        coalesce(results.call_preview, '') as call_preview,
        coalesce(results.text_bytes, 0) as text_bytes,
        results.range_start,
        results.range_lines,
        results.slot_index as slot,
        results.place_index as place,
        results.cwd,
        results.turn_index,
        results.call_block_index
    from int_waste_results as results
    order by results.source_id, results.session_id, results.block_index
"""
_TEXTS = """
    with reads as (
        select *, count(*) over (partition by source_id, session_id, path) as copies_count
        from int_waste_results
        where tool_name = 'Read' and not is_error and path is not null
    ),
    likely as (
        select *, count(*) over (partition by source_id, session_id, thread_id, tool_name, substr(call_preview, 1, 40))
            as answers_count
        from int_waste_results
        where tool_name <> 'Read' and not is_error
    ),
    wanted as (
        select source_id, input_hash as content_hash from int_waste_results where tool_name in ('Bash', 'PowerShell')
        union
        select source_id, content_hash from reads where copies_count > 1
        union
        select source_id, content_hash from likely where answers_count > 1 and text_bytes >= 400
    )
    select contents.content_hash, contents.text
    from contents
    semi join wanted on contents.source_id = wanted.source_id and contents.content_hash = wanted.content_hash
"""


def build(con: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Build `waste_repeats` on `con` as a temporary table."""
    texts = Texts(dict(con.execute(_TEXTS).fetchall()))
    prompts = Prompts(layout)
    columns: dict[str, list[Any]] = {name: [] for name in REPEAT_COLUMNS["waste_repeats"]}
    notices = _notices(con)
    for key, results in _by_session(con):
        for repeat in Walk(key, texts, prompts).run(results, notices.get(key, ())):
            row = {
                "source_id": key[0],
                "session_id": key[1],
                "kind": repeat.kind,
                "block_index": repeat.result.block_index,
                "part_low_ratio": repeat.low,
                "part_high_ratio": repeat.high,
                "is_whole": repeat.is_whole,
                "first_line": repeat.first_line,
                "last_line": repeat.last_line,
                "evidence_block_index": repeat.evidence.block_index,
                "evidence": repeat.sentence,
            }
            for name, column in columns.items():
                column.append(row[name])
    types = {"string": pa.string(), "double": pa.float64(), "bool": pa.bool_(), "int64": pa.int64()}
    table = pa.table({name: pa.array(values, types[column_type(name)]) for name, values in columns.items()})
    con.register("waste_repeats_arrow", table)
    con.execute("create or replace temp table waste_repeats as select * from waste_repeats_arrow")
    con.unregister("waste_repeats_arrow")


def _notices(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], list[Notice]]:
    found: dict[tuple[str, str], list[Notice]] = defaultdict(list)
    for source, session, *told in con.execute(
        "select source_id, session_id, block_index, kind, subject from int_waste_notices order by all"
    ).fetchall():
        found[source, session].append(Notice(*told))
    return found


def _by_session(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[tuple[str, str], list[Result]]]:
    key: tuple[str, str] | None = None
    results: list[Result] = []
    for batch in con.execute(_RESULTS).to_arrow_reader(50_000):
        for row in batch.to_pylist():
            at = (row.pop("source_id"), row.pop("session_id"))
            if key is not None and at != key:
                yield key, results
                results = []
            key = at
            results.append(Result(**row))
    if key is not None:
        yield key, results
