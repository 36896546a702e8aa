"""Sessions in which waste was planted on purpose, with the truth of every token that was billed.

What belongs here: the client that also keeps each prompt, the label of each token, and the making of many small
sessions. The scenes are in `plots`. `cast` tells stories for people; this is for tests and measurements, and its
texts mean nothing.

How truth is reckoned: a block that is waste is so in every prompt that holds it, and in the output that wrote it. A
request that only consumes wasted calls (no prompt came in between) would not exist: what it carried is waste too; what
is new and useful in it keeps its own label, and its output belongs to the request before. A lower label wins.
"""

from __future__ import annotations

import json
import random
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from her_models.demo.client import Call, Checkpoint, Outcome, Person, Session, World, dumps, size_tokens
from her_models.demo.files import write_files
from her_models.demo.prompt_cache import Block
from her_models.demo.repository import Repository
from her_models.demo.truth import BlockTruth, Decoy, DemoTruth, Planted, RequestTruth
from her_models.ledger.sizes import input_size, load_densities, output_size

CLASSES = ("cache_read", "cache_write_1h", "cache_write_5m", "uncached", "output")
"""Price classes in the order in which they stand in a prompt; the output last."""


SCATTER = 0.12
"""How far the size of a block may lie from what its bytes and its kind let one expect."""
_LEDGER_KINDS = {
    "text": "text",
    "thinking": "thinking",
    "tool_use": "tool_call",
    "tool_result": "tool_result",
    "prompt": "prompt",
    "attachment": "reminder",
    "summary": "compact_summary",
}
TOOLS = (
    *(("Agent", 700), ("Bash", 900), ("Edit", 300), ("Glob", 150), ("Grep", 400), ("Read", 450), ("Write", 200)),
    *(("NotebookEdit", 350), ("WebFetch", 420), ("ScheduleWakeup", 1_100), ("Workflow", 1_400)),
    *(("mcp__tracker__get_issue", 310), ("mcp__tracker__list_issues", 520), ("mcp__sentry__search_events", 640)),
)
"""Tools of a client that names them, with a measure of how long their schemas are."""
SERVERS = {
    "tracker": "Issues are named by their key. Ask for one with get_issue before you list many: a list holds no text. "
    * 3,
    "plugin:ci:board": "Builds of all branches. Give a branch and a day; without them the last hundred are returned. "
    * 3,
}
"""MCP servers, with the instructions that a client shows of them."""


@dataclass(frozen=True)
class CellTruth:
    """Tokens of one request that carry one label, by price class."""

    source_id: str
    session_id: str
    message_id: str
    label: str  # C1 to C14
    cache_read: int
    cache_write_1h: int
    cache_write_5m: int
    uncached: int
    output: int

    @property
    def tokens(self) -> int:
        return self.cache_read + self.cache_write_1h + self.cache_write_5m + self.uncached + self.output


@dataclass
class PlantedTruth(DemoTruth):
    """What is true of planted sessions: beside what a demo knows, the label of every token."""

    cells: list[CellTruth] = field(default_factory=list)
    finding_tokens: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """By session, label and reference of what was planted: all tokens that were billed for it."""
    whole_requests: set[tuple[str, str]] = field(default_factory=set)
    """Responses with the label that takes all of them: no size has to be known to count these."""
    aliases: dict[str, str] = field(default_factory=dict)  # by request of a rewind: the first, which stands for all
    origins: dict[str, str] = field(default_factory=dict)  # by session: the one that its history was copied from

    def tokens_by_label(self) -> dict[str, int]:
        """Return the tokens of all requests by label."""
        sums: dict[str, int] = defaultdict(int)
        for cell in self.cells:
            sums[cell.label] += cell.tokens
        return dict(sums)


@dataclass(frozen=True)
class Whole:
    """A request that was waste as a whole, but for what `keeps_new` and `keeps_output` spare."""

    label: str
    keeps_new: bool = True
    keeps_output: bool = False
    of: str = ""  # reference of what was planted


@dataclass(frozen=True)
class Part:
    """Tokens of a block that are waste, from its first prompt on or after so many."""

    label: str
    tokens: int
    after: int = 0
    of: str = ""  # reference of what was planted


@dataclass
class _Prompt:
    """One request as it was sent: its blocks in order with their sizes, and the calls of its answer."""

    message_id: str
    session_id: str
    agent_id: str | None
    blocks: list[tuple[BlockTruth, int]]
    waste: Whole | None = None
    ratio: float = 1.0  # tokens of the model in use to those of the blocks
    calls: list[str] = field(default_factory=list)
    written: list[BlockTruth] = field(default_factory=list)


@dataclass
class PlantedWorld(World):
    """A world that remembers every prompt and what in it was waste."""

    truth: PlantedTruth

    prompts: list[_Prompt] = field(default_factory=list)
    wasted: dict[int, list[Part]] = field(default_factory=lambda: defaultdict(list))  # by block
    outputs: dict[str, Part] = field(default_factory=dict)  # by reference of what wrote it
    uses: dict[tuple[str, int], int] = field(default_factory=dict)
    """By session and block: prompts that had held it when it was last used."""
    forks: dict[str, list[_Prompt]] = field(default_factory=dict)  # by session: prompts that its copied history tells


class PlantedSession(Session):
    """A session of a client whose prompts are all kept."""

    world: PlantedWorld
    said = ""  # by the last answer
    result_text = ""  # the last result
    first_model = ""  # the one whose family the sizes are of; `thread.ratio` turns them into another's
    _answered: Call | None = None  # call whose result is being written
    static_parts: dict[str, tuple[BlockTruth, str]]  # tools by name: block, and the schema as it is sent
    servers: dict[str, BlockTruth]  # instructions of MCP servers, by name
    own_command = ""  # that a memory file asks for

    @property
    def shows_tools(self) -> bool:
        """Whether the client writes down which tools it sends."""
        return self.parent is None and self.version >= (2, 1, 270)

    def _open(self) -> None:
        self.static_parts, self.servers, self.tools_called = {}, {}, set[str]()
        self.first_model = self.model
        if not self.shows_tools:
            super()._open()
            return
        rng = random.Random(f"{self.session_id}/tools")
        place = f"{self.person.source_id}/{self.person.version}/{self.session_id}"
        for name, size in TOOLS:
            text = dumps({"about": f"{name}: " + "".join(chr(97 + rng.randrange(26)) for _ in range(2 * size))})
            tokens = round(len(text.encode()) * (0.40 + 0.1 * rng.random()))
            block = self._block("static", f"tool {name}", "", key=f"{place}/{name}", tokens=tokens)
            self.static_parts[name] = (block.truth, text)
            self.thread.append(block, mark=name == TOOLS[-1][0])
        self.system = "You help with code. " * 150
        size = round(len(self.system) * 0.33)
        self.thread.append(self._block("static", "system", "", key=f"{place}/system", tokens=size), mark=True)
        self.thread.append(self._block("context", "instructions", self.repository.files["CLAUDE.md"]))
        self.static_length = len(self.thread.blocks)

    def _first_attachments(self) -> None:
        if self.shows_tools:
            tools = [
                {"name": name, "description": name, "schema": json.loads(text)}
                for name, (_, text) in self.static_parts.items()
            ]
            about = {"type": "prompt_snapshot", "systemPrompt": [self.system], "tools": tools}
            self._write(self._envelope({"type": "attachment", "attachment": about}))
        place = len(self.world.truth.blocks)
        super()._first_attachments()
        for block in self.world.truth.blocks[place:]:
            self._waste_skills(block)
        if self.parent is None and self.version >= (2, 1, 90):
            for server, said in SERVERS.items():
                text = f"## {server}\n{said}"
                uuid = self.attach(
                    "mcp_instructions_delta", text, addedNames=[server], addedBlocks=[text], removedNames=[]
                )
                self.servers[server] = self.block_of(uuid)

    def _show_instructions(self) -> None:
        """Show two memory files at once: one names `own_command`, of the other nothing appears anywhere (C10)."""
        if not self.shows_tools:
            super()._show_instructions()
            return
        rng = random.Random(f"{self.session_id}/memory")
        self.own_command = f"just check_{rng.randrange(10**6):06d}"
        files = [
            {
                "path": f"{self.repository.root}/CLAUDE.md",
                "content": f"# Rules\n\nRun `{self.own_command}` at the end.",
            },
            {"path": f"{self.person.home}/.claude/CLAUDE.md", "content": foreign_words(rng, 120)},
        ]
        shown = [f"Contents of {file['path']} (instructions):\n\n{file['content']}" for file in files]
        text = "Codebase and user instructions are shown below.\n\n" + "\n\n".join(shown)
        block = self.block_of(self.attach("instructions", text, files=files))
        tokens = round(block.tokens * len(shown[1].encode()) / len(text.encode()))
        self.waste_block(block, "C10", tokens=tokens)
        self.world.truth.planted.append(
            Planted("C10.memory", self.session_id, None, None, block.reference, tokens, note="nothing of it appears")
        )

    def load_memory(self, path: str, content: str) -> BlockTruth:
        """Show a memory file of a folder, as the client does once something in it was read."""
        text = f"Contents of {path}:\n\n{content}"
        file = {"path": path, "type": "Project", "content": content}
        return self.block_of(self.attach("nested_memory", text, path=path, content=file))

    def _waste_skills(self, block: BlockTruth) -> None:
        """C10: nobody uses a skill here; but for their names, what describes them is waste."""
        row = next(row for row in reversed(self.rows) if isinstance(row, dict) and row.get("uuid") == block.reference)
        if row["attachment"]["type"] != "skill_listing":
            return
        listing = row["attachment"]["content"]
        shown = "The following skills are available for use with the Skill tool:\n\n" + listing
        unused = sum(len(line) - len(line.split(":")[0]) for line in listing.split("\n"))
        tokens = round(block.tokens * unused / len(shown))
        self.waste_block(block, "C10", tokens=tokens)
        self.world.truth.planted.append(
            Planted("C10.skill", self.session_id, None, None, block.reference, tokens, note="no skill was used")
        )

    def _carry(self, message_id: str) -> None:
        super()._carry(message_id)
        blocks = [(block.truth, self.thread.size(block)) for block in self.thread.blocks]
        self.world.prompts.append(_Prompt(message_id, self.session_id, self.agent_id, blocks, ratio=self.thread.ratio))

    def reply(self, *calls: Call, **how: Any) -> list[str]:
        """Answer as a client does, and remember who called what."""
        self.tools_called |= {call.name for call in calls}
        self.said = str(how.get("say", ""))
        first = len(self.world.truth.blocks)
        place, planted = len(self.world.prompts), len(self.world.truth.planted)
        names = super().reply(*calls, **how)
        for number in range(planted, len(self.world.truth.planted)):
            one = self.world.truth.planted[number]
            if one.label == "C12.rewrite":  # reckoned by the demo's own small tokenizer
                call = next(call for call, name in zip(calls, names, strict=True) if name == one.reference)
                given = {**call.input, "file_path": self.repository.absolute(call.input["file_path"])}
                whole = size_tokens(call.name + dumps(given), "tool_use")
                tokens = round(one.tokens * self.block_of(one.reference, call=True).tokens / whole)
                self.world.truth.planted[number] = replace(one, tokens=tokens)
        prompt = self.world.prompts[place]
        prompt.calls = names
        written = {prompt.message_id, *names}
        prompt.written = [
            block
            for block in self.world.truth.blocks[first:]
            if block.reference in written and block.kind in ("thinking", "text", "tool_use")
        ]
        return names

    def _result(
        self, call: Call, name: str, outcome: Outcome, call_block: Block, message_id: str, source: str | None
    ) -> None:
        self._answered = call
        self.result_text = outcome.content if isinstance(outcome.content, str) else ""
        super()._result(call, name, outcome, call_block, message_id, source)

    def _block(
        self, kind: str, reference: str, text: str, *, key: str | None = None, tokens: int | None = None
    ) -> Block:
        """Make a block whose size is that of its model's family, and a scatter that depends on the text alone."""
        if text and kind in _LEDGER_KINDS:
            tokens = self._size(kind, text)
        return super()._block(kind, reference, text, key=key, tokens=tokens)

    def _size(self, kind: str, text: str) -> int:
        family = load_densities().family(self.first_model)
        scatter = 1 + SCATTER * (zlib.crc32(text.encode()) / 2**31 - 1)
        size = len(text.encode())
        name = _LEDGER_KINDS[kind]
        if kind == "tool_use":
            tool, _, given = text.partition("{")
            count = len(json.loads("{" + given)) if given else 0
            likely = output_size(name, tool, size, family, parameters_count=count)
        elif kind in ("text", "thinking"):
            likely = output_size(name, None, size, family, signature_bytes=280)
        else:
            tool = self._answered.name if self._answered is not None else ""
            path = str(self._answered.input.get("file_path", "")) if self._answered is not None else ""
            likely = input_size(name, tool, path, size, family)
        return max(1, round(likely.tokens * scatter))

    def measure(self, text: str) -> int:
        """Return how many tokens a piece of a result of `Bash` takes, without its frame."""
        return round(len(text.encode()) * load_densities().family(self.first_model).per_byte["log"])

    def block_of(self, reference: str, *, call: bool = False) -> BlockTruth:
        """Return what a tool call brought in, or the call itself; the latest block of any other reference."""
        for block in reversed(self.world.truth.blocks):
            if block.reference == reference and (block.kind == "tool_use") == call:
                return block
        raise KeyError(reference)

    def waste_block(
        self, block: BlockTruth, label: str, *, tokens: int | None = None, after: int = 0, of: str = ""
    ) -> None:
        """Say that a block is waste: all of it or `tokens`, from the first prompt on or after so many.

        `of` names what was planted, where it is not the block itself.
        """
        size = block.tokens if tokens is None else tokens
        self.world.wasted[id(block)].append(Part(label, size, after, of or block.reference))

    def waste_answer(self, label: str) -> None:
        """Say that the last answer and its request were for nothing: the prompt it carried, its output, its carry."""
        prompt = self.world.prompts[-1]
        prompt.waste = Whole(label, of=prompt.message_id)
        for block in prompt.written:
            self.waste_block(block, label, of=prompt.message_id)

    def waste_output(self, reference: str, label: str, *, tokens: int | None = None) -> None:
        """Say that what the model wrote under `reference` was for nothing, all of it or `tokens`."""
        if tokens is None:
            tokens = self.block_of(reference, call=True).tokens
        self.world.outputs[reference] = Part(label, tokens, of=reference)

    def waste_requests(self, label: str, first: int) -> None:
        """Say that all requests of the world from the place `first` on were for nothing, with what they brought in."""
        prompts = self.world.prompts[first:]
        for prompt in prompts:
            prompt.waste = Whole(label, keeps_new=False, of=prompts[0].message_id)
            self.world.truth.whole_requests.add((prompt.message_id, label))

    def rewind(self, to: Checkpoint) -> None:
        """Go back; what was abandoned is one thing to be found."""
        place = len(self.world.truth.planted)
        super().rewind(to)
        gone = self.world.truth.planted[place:]
        for one in gone:
            self.world.truth.aliases[one.reference] = gone[0].reference
        self.world.truth.planted[place:] = [replace(gone[0], tokens=sum(one.tokens for one in gone))]

    def note_meta(self, text: str, *, is_meta: bool = True) -> str:
        """Write what the client says in the person's place; return the uuid of the line."""
        body: dict[str, Any] = {"type": "user", "message": {"role": "user", "content": text}}
        if is_meta:
            body["isMeta"] = True
        uuid = str(self._write(self._envelope(body))["uuid"])
        self.thread.append(self._block("prompt", uuid, text))
        return uuid

    def plant(self, label: str, reference: str, tokens: int, note: str = "", evidence: str | None = None) -> None:
        """Write down one thing to be found, done by the last answer."""
        self.world.truth.planted.append(
            Planted(label, self.session_id, self.agent_id, self.last_message_id, reference, tokens, 0, evidence, note)
        )

    def spare(self, label: str, reference: str, why: str) -> None:
        """Write down one thing that looks like waste and is not."""
        self.world.truth.decoys.append(Decoy(label, self.session_id, self.agent_id, reference, why))

    def use(self, reference: str) -> None:
        """Say that the last answer made use of what a call brought in."""
        block = self.block_of(reference)
        self.world.uses[self.session_id, id(block)] = self.held_count(block)

    def held_count(self, block: BlockTruth) -> int:
        """Return how many prompts have held a block, those of a copied history included."""
        prompts = [*self.world.forks.get(self.session_id, ()), *self.own_prompts()]
        return sum(any(other is block for other, _ in prompt.blocks) for prompt in prompts)

    def own_prompts(self) -> list[_Prompt]:
        """Return the prompts that this thread has sent."""
        return [p for p in self.world.prompts if (p.session_id, p.agent_id) == (self.session_id, self.agent_id)]

    def resume(self, after: float, *, model: str | None = None) -> None:
        """Leave by /exit, which is told in the log, and come back to the same file."""
        self.wait(4)
        text = (
            "<command-name>/exit</command-name>\n<command-message>exit</command-message>\n<command-args></command-args>"
        )
        self.note_meta(text, is_meta=False)
        super().resume(after, model=model)

    def switch_family(self, model: str, ratio: float) -> None:
        """Change to a model that counts the same text as `ratio` times the tokens."""
        self.thread.ratio = ratio
        self.switch(model)


def foreign_words(rng: random.Random, count: int) -> str:
    """Return prose of words that nothing else in a session holds."""
    words = ("z" + "".join(chr(97 + rng.randrange(26)) for _ in range(3 + rng.randrange(6))) for _ in range(count))
    return " ".join(words).capitalize() + "."


def write_planted(out: Path, *, seed: int = 1, sessions_count: int = 40) -> PlantedTruth:
    """Write a drop folder of planted sessions below `out` and return what is true of it.

    The bytes depend on the arguments alone. Sessions take turns over client versions and models, so that forty show
    each kind of waste several times.
    """
    from her_models.demo import plots

    truth = PlantedTruth()
    world = PlantedWorld(truth)
    for number in range(sessions_count):
        plots.perform(world, number, seed)
    write_files(world, out)
    truth.cells = list(_cells(world))
    return truth


def begin(
    world: PlantedWorld,
    person: Person,
    model: str,
    start: datetime,
    seed: str,
    *,
    tail_tokens: int | None = None,
) -> PlantedSession:
    """Open a session in a repository of its own."""
    rng = random.Random(seed)
    root = f"{person.home}/{rng.randrange(10**6):06d}"
    repository = Repository(root, {"CLAUDE.md": "# Rules\n\n- Keep it small.\n- Test what you change.\n"})
    start_ms = int(start.astimezone(UTC).timestamp() * 1000)
    session = PlantedSession(world, person, repository, model, start_ms, seed)
    session.thread.tail_tokens = tail_tokens
    return session


# -- from what was planted to the label of each token ---------------------------------------------------------


@dataclass
class _Labels:
    """What was planted, by block, by call, and by request."""

    blocks: dict[int, list[Part]]
    outputs: dict[str, Part]  # by reference of what wrote it
    calls: dict[str, str]  # calls that are waste from end to end, with their label


_ON_RESULTS = frozenset({"C2.rejected", "C4", "C5", "C6", "C7", "C8", "C9", "C11"})


def _labels(world: PlantedWorld) -> _Labels:
    results: dict[str, BlockTruth] = {}
    calls: dict[str, BlockTruth] = {}
    for block in world.truth.blocks:
        (calls if block.kind == "tool_use" else results)[block.reference] = block
    wasted = defaultdict(list, {key: list(parts) for key, parts in world.wasted.items()})
    labels = _Labels(wasted, dict(world.outputs), {})
    for planted in world.truth.planted:
        label = planted.label.split(".")[0]
        if planted.label == "C12.rewrite":
            labels.outputs[planted.reference] = Part(label, planted.tokens, of=planted.reference)
            labels.blocks[id(calls[planted.reference])].append(labels.outputs[planted.reference])
        if not {label, planted.label} & _ON_RESULTS:
            continue  # the scene has said what is waste
        found = results[planted.reference]
        labels.blocks[id(found)].append(Part(label, planted.tokens, of=planted.reference))
        is_needless = planted.tokens == found.tokens or planted.label == "C6.near"
        if is_needless and planted.reference in calls:
            call = calls[planted.reference]
            labels.outputs[planted.reference] = Part(label, call.tokens, of=planted.reference)
            labels.blocks[id(call)].append(labels.outputs[planted.reference])
            labels.calls[planted.reference] = label
    return labels


def _rank(label: str) -> int:
    return int(label.split(".")[0][1:])


def _cells(world: PlantedWorld) -> Iterator[CellTruth]:
    labels = _labels(world)
    requests = {request.message_id: request for request in world.truth.requests}
    threads: dict[tuple[str, str | None], list[_Prompt]] = defaultdict(list)
    for prompt in world.prompts:
        threads[prompt.session_id, prompt.agent_id].append(prompt)
    for (session_id, agent_id), prompts in threads.items():
        seen: dict[int, int] = defaultdict(int)
        before: _Prompt | None = None
        for before in world.forks.get(session_id, ()) if agent_id is None else ():
            for block, _ in before.blocks:
                seen[id(block)] += 1
        for prompt in prompts:
            whole = prompt.waste or _turn_tax(before, prompt, labels)
            yield from _request_cells(world, requests[prompt.message_id], prompt, before, whole, labels, seen)
            for block, _ in prompt.blocks:
                seen[id(block)] += 1
            before = prompt


def _turn_tax(before: _Prompt | None, prompt: _Prompt, labels: _Labels) -> Whole | None:
    """Return the waste of a request that only consumes wasted calls."""
    if before is None or not before.calls or any(call not in labels.calls for call in before.calls):
        return None
    old = {id(block) for block, _ in before.blocks}
    fresh = [block for block, _ in prompt.blocks if id(block) not in old]
    if any(block.kind in ("prompt", "summary") for block in fresh):
        return None
    if not set(before.calls) <= {block.reference for block in fresh}:
        return None
    last = max(before.calls, key=lambda call: _rank(labels.calls[call]))
    return Whole(labels.calls[last], keeps_output=True, of=last)


def _request_cells(
    world: PlantedWorld,
    request: RequestTruth,
    prompt: _Prompt,
    before: _Prompt | None,
    whole: Whole | None,
    labels: _Labels,
    seen: dict[int, int],
) -> Iterator[CellTruth]:
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 5)
    old = {id(block) for block, _ in before.blocks} if before is not None else set()
    edges = [request.cache_read_tokens]
    edges.append(edges[-1] + request.cache_write_1h_tokens)
    edges.append(edges[-1] + request.cache_write_5m_tokens)
    edges.append(edges[-1] + request.uncached_input_tokens)
    start = 0
    for block, size in prompt.blocks:
        parts = [part for part in labels.blocks.get(id(block), ()) if seen[id(block)] >= part.after]
        if whole is not None and (not whole.keeps_new or id(block) in old):
            # Of one label, a request that is waste from end to end comes first.
            parts.insert(len(parts) if whole.keeps_new else 0, Part(whole.label, block.tokens, of=whole.of))
        taken = 0
        for part in sorted(parts, key=lambda part: _rank(part.label)):
            tokens = size if part.tokens >= block.tokens else min(size, round(part.tokens * size / block.tokens))
            if tokens > taken:
                _spread(sums[part.label, part.of], start + taken, start + tokens, edges)
                taken = tokens
        start += size
    if whole is not None and not whole.keeps_output:
        sums[whole.label, whole.of][4] += request.logged_output_tokens
    else:
        for name in {block.reference for block in prompt.written}:
            if name in labels.outputs:
                part = labels.outputs[name]
                sums[part.label, part.of][4] += round(part.tokens * prompt.ratio)
    by_label: dict[str, list[int]] = {}
    for (label, of), counts in sums.items():
        key = request.session_id, label, of
        world.truth.finding_tokens[key] = world.truth.finding_tokens.get(key, 0) + sum(counts)
        by_label[label] = [a + b for a, b in zip(by_label.get(label, [0] * 5), counts, strict=True)]
    for label, (read, hour, five, uncached, output) in by_label.items():
        if read + hour + five + uncached + output:
            yield CellTruth(
                request.source_id,
                request.session_id,
                request.message_id,
                label,
                read,
                hour,
                five,
                uncached,
                output,
            )


def _spread(sums: list[int], low: int, high: int, edges: list[int]) -> None:
    """Add the tokens of [low, high) to the price classes they stand in."""
    start = 0
    for place, end in enumerate(edges):
        sums[place] += max(0, min(high, end) - max(low, start))
        start = end
