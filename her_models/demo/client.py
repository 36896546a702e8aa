"""A client at work: what is said and done in a session, billed by a cache, written as lines of its version.

What belongs here: the shape of the lines, which grew from version to version, and the bookkeeping of the prompt.
What does not: what anybody says or does (`stories`), or how a prompt is billed (`prompt_cache`).
"""

from __future__ import annotations

import base64
import copy
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from her_models.demo.prompt_cache import Block, PromptCache, Sent, Thread
from her_models.demo.repository import Repository, patch
from her_models.demo.truth import BlockTruth, Decoy, DemoTruth, Planted, RequestTruth

Row = dict[str, Any]

# UTF-8 bytes per token, by kind of content, and what frames a block of that kind.
_BYTES_PER_TOKEN = {"text": 3.6, "thinking": 3.5, "tool_use": 2.8, "tool_result": 2.9, "prompt": 3.5}
_FRAME_TOKENS = {"tool_use": 26, "tool_result": 12, "prompt": 5, "attachment": 8, "summary": 5}
_STATIC_TOKENS: dict[tuple[int, ...], tuple[int, int]] = {(1, 0): (12_548, 3_941), (2, 0): (16_040, 3_530)}
_EXPLORER_TOKENS = {"Explore": 6_140, "general-purpose": 9_870, "code-reviewer": 7_420, "Plan": 6_900}
_WORDS_A = ["quiet", "brisk", "amber", "gentle", "hidden", "nimble", "rustic", "velvet", "sunny", "cobalt"]
_WORDS_B = ["humming", "drifting", "whistling", "folding", "gliding", "mapping", "tinkering"]
_WORDS_C = ["otter", "heron", "sparrow", "lantern", "meadow", "compass", "kettle", "juniper"]


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def size_tokens(text: str, kind: str) -> int:
    """Return how many tokens `text` takes as a block of `kind`; the one tokenizer of this small world."""
    return max(1, round(len(text.encode()) / _BYTES_PER_TOKEN.get(kind, 3.3))) + _FRAME_TOKENS.get(kind, 3)


@dataclass(frozen=True)
class Outcome:
    """What a tool gave back: `content` to the model, `client` to the log."""

    content: str | list[Row]
    client: object
    is_error: bool = False
    seconds: float = 0.4


@dataclass(frozen=True)
class Call:
    """One tool call of an answer.

    `label` plants waste that only the story can know, an empty one says that there is none; `decoy` says why.
    """

    name: str
    input: Row
    run: Callable[[Session, str], Outcome]
    label: str | None = None
    note: str = ""
    decoy: tuple[str, str] | None = None
    useful_tokens: int = 0  # of an oversize result


@dataclass(frozen=True)
class Person:
    """Who works, where, with which client and settings."""

    owner: str
    host: str
    version: str
    home: str
    ttl: str = "1h"
    entrypoint: str = "cli"
    mcp_tokens: int = 0  # schemas of connected servers that stand in the prefix
    mcp_servers: tuple[str, ...] = ()

    @property
    def source_id(self) -> str:
        return f"{self.owner}@{self.host}"


@dataclass
class World:
    """What all sessions share: the cache of the organisation, the truth, and the files written."""

    truth: DemoTruth
    cache: PromptCache = field(default_factory=PromptCache)
    sessions: list[Session] = field(default_factory=list)
    later: timedelta = timedelta()
    """By how much the times in the logs are later than those of the story."""


@dataclass
class _Seen:
    """A result that has once been in the prompt."""

    tool: str
    input: str
    content: str
    path: str | None
    version: int
    changes_count: int
    lines: dict[int, str]
    block: Block
    reference: str


class Session:
    """One conversation; a subagent's when `parent` is given."""

    def __init__(
        self,
        world: World,
        person: Person,
        repository: Repository,
        model: str,
        start_ms: int,
        seed: str,
        *,
        branch: str = "main",
        parent: Session | None = None,
        agent_type: str = "",
        effort: str = "high",
    ) -> None:
        self.world, self.person, self.repository, self.model = world, person, repository, model
        self.now_ms, self.branch, self.parent, self.agent_type, self.effort = (
            start_ms,
            branch,
            parent,
            agent_type,
            effort,
        )
        self.random = random.Random(seed)
        self.version = tuple(int(part) for part in person.version.split("."))
        self.session_id: str = parent.session_id if parent else self.uuid()
        digits = 7 if self.version < (2, 1, 0) else 17
        self.agent_id = f"a{self.random.getrandbits(4 * (digits - 1)):0{digits - 1}x}" if parent else None
        self.rows: list[Row | str] = []  # a string is written as it stands
        self.leaf: str | None = None
        self.slug = f"{self._pick(_WORDS_A)}-{self._pick(_WORDS_B)}-{self._pick(_WORDS_C)}"
        self.thread = Thread(world.cache, "5m" if parent else person.ttl)
        self.agents: list[Session] = []
        self.keeps_agent_file = True
        self.prompt_id = self.uuid()
        self.prompt_index = -1
        self.resumed = False
        self.turn_started_ms = start_ms
        self.last_message_id: str | None = None
        self.seen: list[_Seen] = []
        self.lost: list[_Seen] = []  # gone with a compaction
        self.attachment_keys: dict[str, str] = {}
        self.prompts: list[str] = []
        self.tool_use_count = 0
        self.title: str | None = None
        self.extra_files: list[tuple[str, str]] = []
        self.copied: set[str] = set()
        self.tool_use_id = ""  # call that started this subagent
        self.description = ""
        self._start_output = 1  # what the first line of an answer says while it streams
        if parent is None:
            world.sessions.append(self)
            world.truth.sessions[self.session_id] = person.source_id
        self._open()

    # -- names and times ------------------------------------------------------------------

    def _pick(self, words: Sequence[str]) -> str:
        return words[self.random.randrange(len(words))]

    def uuid(self) -> str:
        h = f"{self.random.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"

    def _name(self, prefix: str) -> str:
        alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
        return f"{prefix}_01" + "".join(alphabet[self.random.randrange(58)] for _ in range(22))

    def stamp(self, at_ms: int | None = None) -> str:
        moment = datetime.fromtimestamp((self.now_ms if at_ms is None else at_ms) / 1000, UTC) + self.world.later
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def wait(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    # -- lines ------------------------------------------------------------------------------

    @property
    def writes_inline(self) -> bool:
        """Subagents stand in the file of their parent."""
        return self.version < (2, 0, 0)

    def _envelope(self, body: Row, *, at_ms: int | None = None) -> Row:
        uuid, stamp = self.uuid(), self.stamp(at_ms)
        head: Row = {"parentUuid": self.leaf, "isSidechain": self.parent is not None}
        place: Row = {
            "userType": "external",
            "cwd": self.repository.root,
            "sessionId": self.session_id,
            "version": self.person.version,
            "gitBranch": self.branch,
        }
        agent: Row = {} if self.agent_id is None or self.writes_inline else {"agentId": self.agent_id}
        self.leaf = uuid
        if self.version < (2, 1, 90):
            slug: Row = {"slug": self.slug} if self.version >= (2, 0, 50) else {}
            row = {**head, **place, **agent, **slug, **body, "uuid": uuid, "timestamp": stamp}
            if "toolUseResult" in row:  # stands last
                row["toolUseResult"] = row.pop("toolUseResult")
                if "sourceToolAssistantUUID" in row:
                    row["sourceToolAssistantUUID"] = row.pop("sourceToolAssistantUUID")
            return row
        if body.get("type") == "user":
            head["promptId"] = self.prompt_id
        place = {"userType": "external", "entrypoint": self.person.entrypoint, **{k: place[k] for k in list(place)[1:]}}
        tail: Row = {"slug": self.slug} if self.version < (2, 1, 300) else {}
        first = {key: body[key] for key in body if key in ("type", "message", "attachment", "subtype", "content")}
        rest = {key: body[key] for key in body if key not in first}
        return {**head, **agent, **first, "uuid": uuid, "timestamp": stamp, **rest, **place, **tail}

    def _write(self, row: Row) -> Row:
        self.rows.append(row)
        return row

    def _note(self, **row: Any) -> None:
        """Write a line of bookkeeping, which has no uuid."""
        self.rows.append({**row, "sessionId": self.session_id})

    # -- the prompt ---------------------------------------------------------------------------

    def _block(
        self, kind: str, reference: str, text: str, *, key: str | None = None, tokens: int | None = None
    ) -> Block:
        truth = BlockTruth(
            self.session_id, self.agent_id, kind, reference, size_tokens(text, kind) if tokens is None else tokens
        )
        self.world.truth.blocks.append(truth)
        return Block(
            key or f"{self.session_id}/{self.agent_id}/{reference}/{kind}/{len(self.world.truth.blocks)}", truth
        )

    def _open(self) -> None:
        """Lay the ground of every prompt: tools, system prompt, project context."""
        person, version = self.person, self.person.version
        if self.parent is not None:
            size = _EXPLORER_TOKENS.get(self.agent_type, 8_000)
            tools = self._block(
                "static",
                "tools",
                "",
                key=f"tools/{self.person.source_id}/{version}/{self.agent_type}",
                tokens=size - 1_500,
            )
            system = self._block(
                "static", "system", "", key=f"system/{version}/{self.agent_type}/{self.repository.root}", tokens=1_500
            )
        else:
            sizes = _STATIC_TOKENS.get(self.version[:2], (13_410, 4_870))
            tools = self._block(
                "static",
                "tools",
                "",
                key=f"tools/{person.source_id}/{version}/{person.mcp_servers}",
                tokens=sizes[0] + person.mcp_tokens,
            )
            system = self._block(
                "static", "system", "", key=f"system/{version}/{self.repository.root}", tokens=sizes[1]
            )
        self.thread.append(tools, mark=True)
        self.thread.append(system, mark=True)
        self.static_length = 2
        if self.parent is None:
            rules = self.repository.files.get("CLAUDE.md", "")
            self.thread.append(self._block("context", "instructions", rules, key=f"{self.session_id}/instructions"))
            self.static_length = 3

    def _open_lines(self) -> None:
        """Write what stands above and below the first prompt of a main session."""
        if self.parent is not None:
            return
        if self.version >= (2, 1, 90):
            self._note(type="permission-mode", permissionMode="acceptEdits")

    def attach(self, kind: str, text: str, **fields: Any) -> str:
        """Add a reminder: a line from 2.1.90 on, invisible before; the prompt carries it either way."""
        reference = f"hidden-{kind}"
        if self.version >= (2, 1, 90):
            body: Row = {"type": "attachment", "attachment": {"type": kind, **fields}}
            if self.version >= (2, 1, 270):
                body["rendered"] = [{"content": f"<system-reminder>\n{text}\n</system-reminder>"}]
                body["renderedRole"] = "user"
            reference = self._write(self._envelope(body))["uuid"]
        block = self._block("attachment", reference, text)
        live = self.attachment_keys.get(text)
        if live is not None and any(other.truth.reference == live for other in self.thread.blocks):
            self.world.truth.planted.append(
                Planted(
                    "C9.injection",
                    self.session_id,
                    self.agent_id,
                    None,
                    reference,
                    block.tokens,
                    evidence=live,
                    note=f"the same {kind} again",
                )
            )
        else:
            self.attachment_keys[text] = reference
        self.thread.append(block)
        return reference

    # -- people ---------------------------------------------------------------------------------

    def prompt(
        self, text: str, *, images: Sequence[bytes] = (), after: float | None = None, title: str | None = None
    ) -> str:
        """Say something; return the uuid of the line."""
        first = not self.prompts and not self.copied
        if self.prompts or self.copied:
            self.wait(after if after is not None else 20 + self.random.random() * 70)
        elif first and self.parent is None:
            self._open_lines()
        self.prompt_index += 1
        self.prompt_id = self.parent.prompt_id if self.parent else self.uuid()
        self.turn_started_ms = self.now_ms
        self.prompts.append(text)
        content: str | list[Row] = text
        if images:
            content = [{"type": "text", "text": text}]
            content += [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()},
                }
                for data in images
            ]
        if self.parent is None and (2, 0, 0) <= self.version < (2, 1, 90):
            message_id = self.uuid()
            self.rows.append(
                {
                    "type": "file-history-snapshot",
                    "messageId": message_id,
                    "snapshot": {"messageId": message_id, "trackedFileBackups": {}, "timestamp": self.stamp()},
                    "isSnapshotUpdate": False,
                }
            )
        body: Row = {"type": "user", "message": {"role": "user", "content": content}}
        if self.parent is None and self.version >= (2, 1, 150):
            body["permissionMode"] = "acceptEdits"
            body["promptSource"] = "typed" if self.person.entrypoint == "cli" else "sdk"
        if self.parent is None and self.version >= (2, 1, 300):
            body["turnOrigin"] = "human" if self.person.entrypoint == "cli" else "sdk"
            body["turnPosition"] = {"promptIndex": self.prompt_index, "turnIndex": self.prompt_index + 1}
        uuid = str(self._write(self._envelope(body))["uuid"])
        self.thread.append(self._block("prompt", uuid, text))
        for data in images:
            self.thread.append(self._block("image", uuid, "", tokens=_image_tokens(data)))
        if first:
            self._show_instructions()
            self._first_attachments()
        if self.title is None and self.parent is None and self.version >= (2, 1, 121):
            self.title = title or _title(text)
            self._note(type="ai-title", aiTitle=self.title)
        return uuid

    def _show_instructions(self) -> None:
        """Write what the client read as CLAUDE.md: a line from 2.1.270 on; the prompt carries it either way."""
        rules = self.repository.files.get("CLAUDE.md")
        if self.parent is not None or self.version < (2, 1, 270) or rules is None:
            return
        file: Row = {"path": f"{self.repository.root}/CLAUDE.md", "type": "Project", "content": rules}
        body: Row = {
            "type": "attachment",
            "attachment": {"type": "instructions", "files": [file]},
            "rendered": [{"content": f"<system-reminder>\n{rules}\n</system-reminder>"}],
            "renderedRole": "user",
        }
        self._write(self._envelope(body))

    def _first_attachments(self) -> None:
        if self.parent is None and self.version >= (2, 1, 90):
            names = ["code-review", "release-notes", "run-migrations", "simplify"]
            listing = "\n".join(f"- {name}: {_SKILLS[name]}" for name in names)
            self.attach(
                "skill_listing",
                "The following skills are available for use with the Skill tool:\n\n" + listing,
                content=listing,
                skillCount=len(names),
                isInitial=True,
                names=names,
            )
            servers = self.person.mcp_servers
            if servers:
                tools = [f"mcp__{server}__{tool}" for server in servers for tool in _MCP_TOOLS[server]]
                self.attach(
                    "deferred_tools_delta",
                    "The following deferred tools are now available via ToolSearch:\n" + "\n".join(tools),
                    addedNames=tools,
                    addedLines=tools,
                    removedNames=[],
                    readdedNames=[],
                )

    def resume(self, after: float, *, model: str | None = None) -> None:
        """Leave, come back and carry on in the same file (1.0.128 and later)."""
        self._close_turn()
        self.wait(after)
        self.resumed = True
        self.model = model or self.model
        # The date and the git status in the context are taken anew.
        self.thread.replace(
            self.static_length - 1,
            self._block("context", "instructions", self.repository.files.get("CLAUDE.md", "") + "x" * 24),
        )
        if self.version < (2, 0, 0):
            name = f"{self.uuid()}.jsonl"
            self.extra_files.append(
                (name, dumps({"type": "summary", "summary": _title(self.prompts[0]), "leafUuid": self.leaf}))
            )
        elif self.version < (2, 1, 0):
            self.extra_files.append((f"{self.uuid()}.jsonl", ""))

    def copied_into_new(self, after: float, *, fork: bool) -> Session:
        """Carry on in a new file that begins with a copy of this one: resume up to 1.0.35, fork since."""
        self._close_turn()
        other = type(self)(
            self.world,
            self.person,
            self.repository,
            self.model,
            self.now_ms,
            f"{self.session_id}/copy",
            branch=self.branch,
        )
        other.wait(after)
        renamed: dict[str, str] = {}
        for row in self.rows:
            if isinstance(row, str) or "uuid" not in row:
                continue
            new = copy.deepcopy(row)
            new["sessionId"] = other.session_id
            if self.version < (2, 0, 0):  # the copy is dated when it was made
                new["timestamp"] = other.stamp()
            if not fork:
                renamed[row["uuid"]] = new["uuid"] = other.uuid()
                new["parentUuid"] = renamed.get(row["parentUuid"]) if row["parentUuid"] else None
            elif self.version >= (2, 1, 300) and row["type"] == "assistant":
                new["requestSessionId"] = self.session_id
            elif self.version < (2, 0, 0):
                new.pop("requestId", None)
            other.rows.append(new)
            message = row.get("message")
            if row["type"] == "assistant" and isinstance(message, dict) and not row.get("isApiErrorMessage"):
                other.copied.add(message["id"])
        other.leaf = renamed.get(self.leaf or "", self.leaf) if not fork else self.leaf
        other.thread = self.thread.fork()
        other.thread.replace(
            1,
            other._block("static", "system", "", key=f"system/{other.session_id}", tokens=self.thread.blocks[1].tokens),
        )
        other.static_length, other.resumed = self.static_length, True
        other.seen, other.attachment_keys = list(self.seen), dict(self.attachment_keys)
        other.prompt_index, other.title = self.prompt_index, self.title
        self.world.truth.inherited[other.session_id] = len(other.copied)
        return other

    # -- the model --------------------------------------------------------------------------------

    def reply(
        self,
        *calls: Call,
        say: str = "",
        think: str = "",
        is_floor: bool = False,
        searches: int = 0,
        speed: str = "standard",
    ) -> list[str]:
        """Send the prompt, answer it, run the calls; return the ids of the calls."""
        calls = tuple(self._placed(call) for call in calls)
        started_ms = self.now_ms
        sent = self.thread.send(self.model, started_ms, resumed=self.resumed)
        self.resumed = False
        message_id = self._name("msg")
        self._carry(message_id)
        parts: list[tuple[Row, str, str]] = []
        if think:
            signature = base64.b64encode(self.random.randbytes(210)).decode()
            shown = "" if (2, 1, 150) <= self.version < (2, 1, 300) else think
            parts.append(({"type": "thinking", "thinking": shown, "signature": signature}, "thinking", think))
        if say:
            parts.append(({"type": "text", "text": say}, "text", say))
        names = [self._name("toolu") for _ in calls]
        for call, name in zip(calls, names, strict=True):
            row: Row = {"type": "tool_use", "id": name, "name": self._tool(call.name), "input": call.input}
            if self.version >= (2, 1, 90):
                row["caller"] = {"type": "direct"}
            parts.append((row, "tool_use", call.name + dumps(call.input)))
        blocks = [
            self._block(kind, names[i - len(parts)] if kind == "tool_use" else message_id, text)
            for i, (_, kind, text) in enumerate(parts)
        ]
        output = sum(self.thread.size(block) for block in blocks)
        thinking = sum(self.thread.size(block) for block in blocks if block.truth.kind == "thinking")
        if is_floor:
            output += 40 + self.random.randrange(160)  # what was on its way when the line broke
        logged = 2 + self.random.randrange(6) if is_floor else output
        self._write_answer(
            message_id, parts, sent, output, logged, thinking, started_ms, is_floor, bool(calls), searches, speed
        )
        self.world.truth.requests.append(
            RequestTruth(
                self.person.source_id,
                self.session_id,
                self.agent_id,
                message_id,
                self.model,
                started_ms,
                sent.tail_tokens,
                sent.written_tokens if self.thread.ttl == "5m" else 0,
                sent.written_tokens if self.thread.ttl == "1h" else 0,
                sent.read_tokens,
                output,
                logged if self._is_logged_fully() or is_floor else min(logged, self._start_output),
                sent.expected_read_tokens,
                sent.miss_cause,
                sent.changed_tokens,
                is_floor or not self._is_logged_fully(),
                self.model.startswith("claude-"),
            )
        )
        for block in blocks:
            self.thread.append(block)
        self.last_message_id = message_id
        self._run(calls, names, blocks[len(blocks) - len(calls) :], message_id)
        return names

    def _placed(self, call: Call) -> Call:
        """Name files by their whole path."""
        if not isinstance(call, _PathCall):
            return call
        return replace(call, input={**call.input, "file_path": self.repository.absolute(call.input["file_path"])})

    def _tool(self, name: str) -> str:
        return "Agent" if name == "Task" and self.version >= (2, 1, 63) else name

    def _is_logged_fully(self) -> bool:
        """False where only progress lines of the parent are left, which carry the count of the stream's start."""
        return self.keeps_agent_file

    def _carry(self, message_id: str) -> None:
        for block in self.thread.blocks:
            truth = block.truth
            truth.first_message_id = truth.first_message_id or message_id
            truth.last_message_id = message_id
            truth.carried_count += 1

    def _usage(self, sent: Sent, output: int, thinking: int, searches: int, speed: str) -> Row:
        five = sent.written_tokens if self.thread.ttl == "5m" else 0
        hour = sent.written_tokens - five
        counts: Row = {
            "input_tokens": sent.tail_tokens,
            "cache_creation_input_tokens": sent.written_tokens,
            "cache_read_input_tokens": sent.read_tokens,
        }
        split = {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour}
        if self.version < (2, 1, 90):
            usage = {**counts, "cache_creation": split, "output_tokens": output, "service_tier": "standard"}
            if self.version >= (2, 1, 0):
                usage["inference_geo"] = "not_available"
            if searches:
                usage["server_tool_use"] = {"web_search_requests": searches, "web_fetch_requests": 0}
            return usage
        usage = {**counts, "output_tokens": output}
        if self.version >= (2, 1, 300):
            usage["output_tokens_details"] = {"thinking_tokens": thinking}
        usage |= {
            "server_tool_use": {"web_search_requests": searches, "web_fetch_requests": 0},
            "service_tier": "standard",
            "cache_creation": split,
            "inference_geo": "not_available" if self.version < (2, 1, 300) else "",
        }
        usage["iterations"] = (
            [{**counts, "output_tokens": output, "cache_creation": split, "type": "message"}]
            if self.version < (2, 1, 300)
            else []
        )
        usage["speed"] = speed
        return usage

    def _write_answer(
        self,
        message_id: str,
        parts: list[tuple[Row, str, str]],
        sent: Sent,
        output: int,
        logged: int,
        thinking: int,
        started_ms: int,
        is_floor: bool,
        has_calls: bool,
        searches: int,
        speed: str,
    ) -> None:
        self.wait(0.9)
        streams = self.version < (2, 1, 97)  # each line is written as its block ends, with the counts of the start
        self._start_output = 1 + self.random.randrange(7)
        request_id = "req_011C" + self._name("x")[4:]
        stop = None if is_floor else "tool_use" if has_calls else "end_turn"
        pace_ms = 14 if "haiku" not in self.model else 6
        for index, (content, kind, text) in enumerate(parts):
            is_last = index == len(parts) - 1
            self.now_ms += pace_ms * min(900, size_tokens(text, kind)) if streams or is_last else 6
            partial = streams and not is_last and not is_floor
            message: Row = {
                "id": message_id,
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [content],
                "stop_reason": None if partial else stop,
                "stop_sequence": None,
                "usage": self._usage(sent, self._start_output if partial else logged, thinking, searches, speed),
            }
            body: Row = {"message": message, "requestId": request_id, "type": "assistant"}
            if self.version >= (2, 1, 90):
                message["stop_details"] = None
                message["diagnostics"] = _diagnostics(sent)
                body = {"type": "assistant", "message": message, "requestId": request_id}
            if self.version >= (2, 1, 300):
                body |= {
                    "apiBlockIndex": index,
                    "requestedModel": self.model,
                    "promptCacheRequested": self.thread.ttl,
                    "effort": self.effort,
                    "perTurnEffort": self.effort,
                    "madeBy": "model",
                }
                if is_floor and is_last:
                    body["isAbortedMidStream"] = True
                if self.agent_type:
                    body["attributionAgent"] = self.agent_type
            row = self._envelope(body)
            if self.keeps_agent_file:
                self._write(row)
            self._progress(row, self._start_output)

    def _progress(self, row: Row, output: int | None = None) -> None:
        """Repeat a subagent's line in the parent's file, as 2.1.9 to 2.1.81 did."""
        if self.parent is None or not (2, 1, 9) <= self.version <= (2, 1, 81):
            return
        message = copy.deepcopy(row["message"])
        inner: Row = {"type": row["type"], "message": message, "uuid": row["uuid"], "timestamp": row["timestamp"]}
        if row["type"] == "assistant":
            message["stop_reason"] = None
            message["usage"]["output_tokens"] = output
            inner["requestId"] = row["requestId"]
        self.parent.now_ms = max(self.parent.now_ms, self.now_ms)
        self.parent._write(
            self.parent._envelope(
                {
                    "type": "progress",
                    "data": {
                        "message": inner,
                        "normalizedMessages": [],
                        "type": "agent_progress",
                        "prompt": self.prompts[0],
                        "agentId": self.agent_id,
                    },
                    "toolUseID": f"agent_{message.get('id', self.uuid())}",
                    "parentToolUseID": self.tool_use_id,
                },
                at_ms=self.now_ms,
            )
        )

    # -- tools --------------------------------------------------------------------------------------

    def _run(self, calls: Sequence[Call], names: list[str], call_blocks: list[Block], message_id: str) -> None:
        began_ms = self.now_ms
        latest_ms = began_ms
        source = self.leaf
        for call, name, call_block in zip(calls, names, call_blocks, strict=True):
            if call.name == "Task":  # subagents of one answer run side by side
                self.now_ms = began_ms
            outcome = call.run(self, name)
            self.now_ms += int(outcome.seconds * 1000 * (0.7 + 0.6 * self.random.random()))
            latest_ms = self.now_ms = max(latest_ms, self.now_ms)
            self._result(call, name, outcome, call_block, message_id, source)
        self.now_ms = latest_ms

    def _result(
        self, call: Call, name: str, outcome: Outcome, call_block: Block, message_id: str, source: str | None
    ) -> None:
        block: Row = {"tool_use_id": name, "type": "tool_result", "content": outcome.content}
        if outcome.is_error or call.name in ("Bash", "Grep", "Glob"):
            block["is_error"] = outcome.is_error
        body: Row = {"type": "user", "message": {"role": "user", "content": [block]}}
        if self.parent is None or self.version < (2, 1, 90):
            body["toolUseResult"] = outcome.client
        if self.version >= (2, 0, 70):
            body["sourceToolAssistantUUID"] = source
        if self.version >= (2, 1, 300):
            body["permissionDecision"] = {"decision": "accept", "source": "config", "reasonType": "mode"}
        row = self._envelope(body)
        if self.keeps_agent_file:
            self._write(row)
        self._progress(row)
        self.tool_use_count += 1
        text = (
            outcome.content
            if isinstance(outcome.content, str)
            else "".join(part.get("text", "") for part in outcome.content)
        )
        images = [] if isinstance(outcome.content, str) else [p for p in outcome.content if p["type"] == "image"]
        tokens = size_tokens(text, "tool_result") + sum(
            _image_tokens(base64.b64decode(part["source"]["data"])) for part in images
        )
        result_block = self._block("tool_result", name, text, tokens=tokens)
        self._judge(call, name, outcome, text, result_block, call_block, message_id)
        self.thread.append(result_block)

    def _is_live(self, block: Block) -> bool:
        return any(other is block for other in self.thread.blocks)

    def _judge(
        self, call: Call, name: str, outcome: Outcome, text: str, block: Block, call_block: Block, message_id: str
    ) -> None:
        """Write down what of this result was waste: the generator knows what stands in the prompt."""
        path = call.input.get("file_path") if call.name == "Read" else None
        seen = _Seen(
            call.name,
            dumps(call.input),
            text,
            path,
            self.repository.versions.get(str(path).removeprefix(self.repository.root + "/"), 0),
            self.repository.changes_count,
            _numbered(text) if path and not outcome.is_error else {},
            block,
            name,
        )
        label, tokens, evidence, note = call.label, block.tokens, None, call.note
        if label == "C11.oversize":
            tokens = max(0, block.tokens - call.useful_tokens)
        elif label is None and outcome.is_error and not _is_information(text):
            label, note = "C4.failed", text.split("\n")[0][:80]
        elif label is None and path:
            label, tokens, evidence = self._judge_read(seen)
        elif label is None and (call.name in ("Bash", "Grep", "Glob") or call.name.startswith("mcp__")):
            label, evidence = self._judge_repeat(seen)
        if label:
            self.world.truth.planted.append(
                Planted(
                    label,
                    self.session_id,
                    self.agent_id,
                    message_id,
                    name,
                    tokens,
                    call_block.tokens if tokens == block.tokens else 0,
                    evidence,
                    note,
                )
            )
        if call.decoy:
            self.world.truth.decoys.append(Decoy(call.decoy[0], self.session_id, self.agent_id, name, call.decoy[1]))
        if not outcome.is_error:
            self.seen.append(seen)

    def _judge_read(self, seen: _Seen) -> tuple[str | None, int, str | None]:
        def share(old: _Seen) -> int:
            same = [line for number, line in seen.lines.items() if old.lines.get(number) == line]
            if len(same) == len(seen.lines):
                return seen.block.tokens
            return round(
                seen.block.tokens * sum(len(x.encode()) + 7 for x in same) / max(1, len(seen.content.encode()))
            )

        def best(pool: Iterable[_Seen]) -> tuple[int, str | None]:
            found = [
                (share(old), old.reference) for old in pool if old.path == seen.path and old.version == seen.version
            ]
            return max(found, default=(0, None), key=lambda pair: pair[0])

        tokens, evidence = best(old for old in self.seen if self._is_live(old.block))
        if tokens:
            return "C5.reread", tokens, evidence
        tokens, evidence = best(self.lost)
        if tokens:
            return "C7.reacquired", tokens, evidence
        if self.parent is not None:
            tokens, evidence = best(old for old in self.parent.seen if self.parent._is_live(old.block))
            if tokens:
                return "C8.parent", tokens, evidence
            siblings = [old for agent in self.parent.agents if agent is not self for old in agent.seen]
            tokens, evidence = best(siblings)
            if tokens:
                return "C8.sibling", tokens, evidence
        return None, 0, None

    def _judge_repeat(self, seen: _Seen) -> tuple[str | None, str | None]:
        for old in reversed(self.seen):
            if (old.tool, old.input, old.content) == (seen.tool, seen.input, seen.content) and self._is_live(old.block):
                if old.changes_count == seen.changes_count:
                    return "C6.exact", old.reference
                self.world.truth.decoys.append(
                    Decoy("C6", self.session_id, self.agent_id, seen.reference, "the same output after a change")
                )
                break
        return None, None

    # -- what a turn ends with ------------------------------------------------------------------------

    def _close_turn(self) -> None:
        if self.parent is not None or self.version < (2, 1, 0):
            return
        self._write(
            self._envelope(
                {
                    "type": "system",
                    "subtype": "turn_duration",
                    "durationMs": self.now_ms - self.turn_started_ms,
                    "isMeta": False,
                }
            )
        )

    def finish(self) -> None:
        """Write what stands at the end of a file."""
        if self.parent is not None:
            return
        self._close_turn()
        if self.version >= (2, 1, 90) and self.prompts:
            self._note(type="last-prompt", lastPrompt=self.prompts[-1][:200], leafUuid=self.leaf)
            self._note(type="mode", mode="normal")

    # -- things that go wrong or start over --------------------------------------------------------------

    def interrupt(self, say: str) -> None:
        """Begin to answer and be stopped by the person."""
        self.reply(say=say, is_floor=True)
        request = self.world.truth.requests[-1]
        self.wait(1.5)
        body: Row = {
            "type": "user",
            "message": {"role": "user", "content": [{"type": "text", "text": "[Request interrupted by user]"}]},
        }
        if self.version >= (2, 1, 150):
            body["interruptedMessageId"] = request.message_id
        uuid = str(self._write(self._envelope(body))["uuid"])
        self.thread.append(self._block("prompt", uuid, "[Request interrupted by user]"))
        self.world.truth.planted.append(
            Planted("C2.interrupted", self.session_id, self.agent_id, request.message_id, uuid, request.output_tokens)
        )

    def lose_answer(self, say: str) -> None:
        """Begin to answer and lose the stream: what was billed is thrown away, and the prompt stands as it stood."""
        length, leaf = len(self.thread.blocks), self.leaf
        self.reply(say=say, is_floor=True)
        request = self.world.truth.requests[-1]
        tokens = request.prompt_tokens + request.logged_output_tokens
        self.world.truth.planted.append(
            Planted("C1.discarded", self.session_id, self.agent_id, request.message_id, request.message_id, tokens)
        )
        self.thread.cut(length)
        self.leaf = leaf
        self.wait(2)

    def wake(self, summary: str, say: str) -> None:
        """Be woken by the client's notice of a command that ended, and find nothing to do."""
        notice = (
            f"<task-notification>\n<task-id>{self._name('b')[-7:]}</task-id>\n<status>completed</status>\n"
            f"<summary>{summary}</summary>\n</task-notification>"
        )
        body = {"type": "user", "message": {"role": "user", "content": notice}}
        uuid = str(self._write(self._envelope(body))["uuid"])
        self.thread.append(self._block("prompt", uuid, notice))
        self.reply(say=say)
        request = self.world.truth.requests[-1]
        self.world.truth.planted.append(
            Planted("C3.noop", self.session_id, self.agent_id, request.message_id, uuid, request.prompt_tokens)
        )

    def reject(self, *calls: Call, say: str = "", think: str = "") -> None:
        """Propose calls that the person turns down."""
        refused = [
            replace(
                call,
                run=lambda session, name: Outcome(_REJECTED, "User rejected tool use", True, 4.0),
                label="C2.rejected",
                note="turned down",
            )
            for call in calls
        ]
        self.reply(*refused, say=say, think=think)
        content = [{"type": "text", "text": "[Request interrupted by user for tool use]"}]
        uuid = str(
            self._write(self._envelope({"type": "user", "message": {"role": "user", "content": content}}))["uuid"]
        )
        self.thread.append(self._block("prompt", uuid, "[Request interrupted by user for tool use]"))

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(len(self.thread.blocks), self.leaf, self.repository.copy(), len(self.world.truth.requests))

    def rewind(self, to: Checkpoint) -> None:
        """Go back in the conversation and take back its changes; what came after is abandoned."""
        self._close_turn()
        for request in self.world.truth.requests[to.requests_count :]:
            if request.session_id == self.session_id:
                self.world.truth.planted.append(
                    Planted(
                        "C2.rewound",
                        self.session_id,
                        request.agent_id,
                        request.message_id,
                        request.message_id,
                        request.output_tokens,
                    )
                )
        self.thread.cut(to.length)
        self.leaf = to.leaf
        self.repository.restore(to.repository)

    def compact(self, summary: str, *, trigger: str = "auto", thrash: bool = False) -> None:
        """Replace the conversation by a summary; the call that makes it is not in any log."""
        before = self.thread.tokens
        self.wait(24)
        gone = self.thread.cut(self.static_length)
        forgotten = {id(block) for block in gone}
        self.lost += [old for old in self.seen if id(old.block) in forgotten]
        self.seen = [old for old in self.seen if id(old.block) not in forgotten]
        text = (
            "This session is being continued from a previous conversation that ran out of context. "
            "The conversation is summarized below:\n" + summary
        )
        after = self.thread.tokens + size_tokens(text, "summary")
        meta: Row = {"trigger": trigger, "preTokens": before}
        if self.version >= (2, 1, 100):
            meta |= {"postTokens": after, "durationMs": 23_480}
        logical, self.leaf = self.leaf, None
        boundary = self._envelope(
            {
                "type": "system",
                "subtype": "compact_boundary",
                "content": "Conversation compacted",
                "logicalParentUuid": logical,
                "isMeta": False,
                "level": "info",
                "compactMetadata": meta,
            }
        )
        self._write(boundary)
        self.wait(0.01)
        row = self._envelope(
            {
                "type": "user",
                "message": {"role": "user", "content": text},
                "isVisibleInTranscriptOnly": True,
                "isCompactSummary": True,
            }
        )
        self._write(row)
        self.thread.append(self._block("summary", row["uuid"], text))
        truth = self.world.truth
        truth.compactions[self.session_id] = truth.compactions.get(self.session_id, 0) + 1
        if thrash:
            truth.planted.append(
                Planted(
                    "C14.thrash", self.session_id, None, None, boundary["uuid"], before, note="compacted again at once"
                )
            )

    def api_error(self, text: str) -> None:
        """Write the client's own words for a call that failed; nothing is billed."""
        usage = {"input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        message = {
            "id": self.uuid(),
            "model": "<synthetic>",
            "role": "assistant",
            "stop_reason": "stop_sequence",
            "stop_sequence": "",
            "type": "message",
            "usage": {**usage, "service_tier": None},
            "content": [{"type": "text", "text": text}],
        }
        self._write(self._envelope({"type": "assistant", "message": message, "isApiErrorMessage": True}))

    def switch(self, model: str) -> None:
        """Type /model."""
        self.wait(12)
        text = (
            "<command-name>/model</command-name>\n<command-message>model</command-message>\n"
            f"<command-args>{model}</command-args>"
        )
        row = self._write(self._envelope({"type": "user", "message": {"role": "user", "content": text}}))
        self.thread.append(self._block("prompt", row["uuid"], text))
        self.model = model

    def evict(self, keep: int) -> None:
        self.thread.evict(keep)


@dataclass(frozen=True)
class Checkpoint:
    """A place in a conversation to come back to."""

    length: int
    leaf: str | None
    repository: Repository
    requests_count: int


# -- the tools, as a story calls them ---------------------------------------------------------------------


def read(path: str, offset: int = 0, limit: int = 0, **plant: Any) -> Call:
    """Read a file or `limit` lines of it from line `offset` (from 1)."""

    def run(session: Session, name: str) -> Outcome:
        repository = session.repository
        if path not in repository.files:
            text = "File does not exist."
            return Outcome(f"<tool_use_error>{text}</tool_use_error>", f"Error: {text}", True, 0.1)
        lines = repository.lines(path)
        start = offset or 1
        shown = lines[start - 1 : start - 1 + limit] if limit else lines[start - 1 :]
        modern = session.version >= (2, 1, 90)
        text = "\n".join(f"{n}\t{line}" if modern else f"{n:>6}→{line}" for n, line in enumerate(shown, start))
        file = {
            "filePath": repository.absolute(path),
            "content": "\n".join(shown),
            "numLines": len(shown),
            "startLine": start,
            "totalLines": len(lines),
        }
        return Outcome(text, {"type": "text", "file": file}, seconds=0.15)

    return _path_call("Read", path, {"offset": offset, "limit": limit} if limit else {}, run, plant)


def edit(path: str, old: str, new: str, **plant: Any) -> Call:
    """Replace `old` by `new` in a file; fails when `old` is not there."""

    def run(session: Session, name: str) -> Outcome:
        repository = session.repository
        before = repository.files.get(path, "")
        if old not in before:
            text = f"String to replace not found in file.\nString: {old}"
            return Outcome(f"<tool_use_error>{text}</tool_use_error>", f"Error: {text}", True, 0.1)
        after = before.replace(old, new, 1)
        repository.put(path, after)
        hunks = patch(before, after)
        absolute = repository.absolute(path)
        text = f"The file {absolute} has been updated successfully."
        if session.version < (2, 1, 90):
            first = min(int(str(h["newStart"])) for h in hunks)
            shown = repository.lines(path)[first - 1 : first + 9]
            snippet = "\n".join(f"{n:>6}→{line}" for n, line in enumerate(shown, first))
            text = (
                f"The file {absolute} has been updated. Here's the result of running `cat -n` on a snippet of the "
                f"edited file:\n{snippet}"
            )
        client = {
            "filePath": absolute,
            "oldString": old,
            "newString": new,
            "originalFile": before,
            "structuredPatch": hunks,
            "userModified": False,
            "replaceAll": False,
        }
        return Outcome(text, client, seconds=0.3)

    return _path_call("Edit", path, {"old_string": old, "new_string": new}, run, plant)


def write(path: str, text: str, **plant: Any) -> Call:
    """Write a whole file."""

    def run(session: Session, name: str) -> Outcome:
        repository = session.repository
        before = repository.files.get(path)
        repository.put(path, text)
        absolute = repository.absolute(path)
        if before is None:
            made: Row = {"type": "create", "filePath": absolute, "content": text, "structuredPatch": []}
            return Outcome(f"File created successfully at: {absolute}", made, seconds=0.3)
        client: Row = {
            "type": "update",
            "filePath": absolute,
            "content": text,
            "structuredPatch": patch(before, text),
            "originalFile": before,
        }
        _plant_rewrite(session, name, path, before, text)
        return Outcome(f"The file {absolute} has been updated successfully.", client, seconds=0.3)

    return _path_call("Write", path, {"content": text}, run, plant)


def _plant_rewrite(session: Session, name: str, path: str, before: str, text: str) -> None:
    """C12: what the model wrote beyond the smallest edit, each hunk without context."""
    whole = size_tokens("Write" + dumps({"file_path": session.repository.absolute(path), "content": text}), "tool_use")
    small = 0
    for hunk in patch(before, text):
        lines = [str(line) for line in hunk["lines"]]  # type: ignore[attr-defined]
        old = "\n".join(line[1:] for line in lines if line[0] != "+")
        new = "\n".join(line[1:] for line in lines if line[0] != "-")
        call = {"file_path": session.repository.absolute(path), "old_string": old, "new_string": new}
        small += size_tokens("Edit" + dumps(call), "tool_use")
    if small < whole:
        session.world.truth.planted.append(
            Planted("C12.rewrite", session.session_id, session.agent_id, session.last_message_id, name, whole - small)
        )


def bash(
    command: str,
    output: str,
    description: str = "",
    *,
    seconds: float = 2.0,
    fails: bool = False,
    effect: Callable[[Repository], None] | None = None,
    **plant: Any,
) -> Call:
    """Run a command whose output the story knows; `effect` changes files behind the tools' back."""

    def run(session: Session, name: str) -> Outcome:
        if effect is not None:
            effect(session.repository)
        client: object = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False}
        if session.version >= (2, 1, 90):
            client = {**client, "noOutputExpected": False}  # type: ignore[dict-item]
        if fails:
            return Outcome(f"Exit code 1\n{output}", f"Error: Exit code 1\n{output}", True, seconds)
        return Outcome(output, client, False, seconds)

    return Call("Bash", {"command": command, "description": description or command.split(" ")[0]}, run, **plant)


def grep(pattern: str, under: str = "", **plant: Any) -> Call:
    """Search the tree."""

    def run(session: Session, name: str) -> Outcome:
        hits = session.repository.search(pattern, under)
        text = "\n".join(f"{path}:{number}:{line}" for path, number, line in hits) or "No matches found"
        client = {
            "mode": "content",
            "numFiles": len({path for path, _, _ in hits}),
            "filenames": [],
            "content": text,
            "numLines": len(hits),
        }
        return Outcome(text, client, seconds=0.2)

    given: Row = {"pattern": pattern, "output_mode": "content", "-n": True}
    if under:
        given["path"] = under
    return Call("Grep", given, run, **plant)


def glob(pattern: str, **plant: Any) -> Call:
    """List files."""

    def run(session: Session, name: str) -> Outcome:
        found = [session.repository.absolute(path) for path in session.repository.matching(pattern)]
        client = {"filenames": found, "durationMs": 14, "numFiles": len(found), "truncated": False}
        return Outcome("\n".join(found) or "No files found", client, seconds=0.1)

    return Call("Glob", {"pattern": pattern}, run, **plant)


def todo(*items: tuple[str, str]) -> Call:
    """Keep a list: (what, pending | in_progress | completed)."""
    todos = [{"content": what, "status": status, "activeForm": what} for what, status in items]
    client = {"oldTodos": [], "newTodos": todos}
    return Call("TodoWrite", {"todos": todos}, lambda s, n: Outcome(_TODOS_KEPT, client, False, 0.05))


def tool(
    name: str, given: Row, output: str | list[Row], *, seconds: float = 1.2, fails: bool = False, **plant: Any
) -> Call:
    """Call any other tool, an MCP server's among them."""
    return Call(name, given, lambda s, n: Outcome(output, output, fails, seconds), **plant)


def task(
    agent_type: str,
    description: str,
    brief: str,
    play: Callable[[Session], str],
    *,
    model: str | None = None,
    keeps_file: bool = True,
) -> Call:
    """Send a subagent; `play` acts its part and returns its report."""

    def run(session: Session, name: str) -> Outcome:
        agent = type(session)(
            session.world,
            session.person,
            session.repository,
            model or session.model,
            session.now_ms + 120,
            f"{session.session_id}/{name}",
            branch=session.branch,
            parent=session,
            agent_type=agent_type,
            effort=session.effort,
        )
        agent.tool_use_id, agent.keeps_agent_file = name, keeps_file
        agent.slug = session.slug
        session.agents.append(agent)
        if session.writes_inline:
            agent.rows = session.rows
        agent.description = description
        agent.prompt(brief)
        began_ms = agent.now_ms
        report = play(agent)
        agent.reply(say=report)
        session.now_ms = max(session.now_ms, agent.now_ms)
        request = session.world.truth.requests[-1]
        content: list[Row] = [{"type": "text", "text": report}]
        client = {
            "status": "completed",
            "prompt": brief,
            "agentId": agent.agent_id,
            "agentType": agent_type,
            "content": list(content),
            "totalDurationMs": agent.now_ms - began_ms,
            "totalTokens": request.prompt_tokens + request.output_tokens,
            "totalToolUseCount": agent.tool_use_count,
            "usage": {
                "input_tokens": request.uncached_input_tokens,
                "cache_creation_input_tokens": request.cache_write_5m_tokens,
                "cache_read_input_tokens": request.cache_read_tokens,
                "output_tokens": request.output_tokens,
            },
        }
        if session.version >= (2, 0, 0):
            hint = f"agentId: {agent.agent_id} (for resuming to continue this agent's work if needed)"
            content.append({"type": "text", "text": hint})
        else:
            for key in ("status", "prompt", "agentId", "agentType"):
                client.pop(key)
            client["wasInterrupted"] = False
        return Outcome(content, client, seconds=0.2)

    given = {"description": description, "prompt": brief, "subagent_type": agent_type}
    return Call("Task", given, run)


def _path_call(name: str, path: str, given: Row, run: Callable[[Session, str], Outcome], plant: dict[str, Any]) -> Call:
    """A call that names a file: its full path is known only when a session makes it."""
    return _PathCall(name, {"file_path": path, **given}, run, **plant)


class _PathCall(Call):
    """Marks a call whose `file_path` is still below the root."""


def _numbered(text: str) -> dict[int, str]:
    """Read back the numbered lines of a Read."""
    found = {}
    for line in text.split("\n"):
        number, separator, rest = line.partition("\t" if "\t" in line and "→" not in line.split("\t")[0] else "→")
        if separator and number.strip().isdigit():
            found[int(number)] = rest
    return found


def _is_information(text: str) -> bool:
    """A failing test, a compiler error or an empty search tell something; a refused call does not."""
    return text.startswith("Exit code")


def _image_tokens(data: bytes) -> int:
    """The API's rule: pixels / 750. Width and height stand in the header of a PNG."""
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    return max(1, round(width * height / 750))


def _diagnostics(sent: Sent) -> Row | None:
    missed = sent.expected_read_tokens - sent.read_tokens
    if not sent.miss_cause or missed <= 0:
        return None
    kind = {
        "K1.expired": "previous_message_not_found",
        "K2.model": "model_changed",
        "K2.tools": "tools_changed",
        "K3.resume": "messages_changed",
    }.get(sent.miss_cause, "unavailable")
    reason: Row = {"type": kind}
    if kind.endswith("_changed"):
        reason["cache_missed_input_tokens"] = round(missed * 0.95)  # a magnitude, derived from bytes
    return {"cache_miss_reason": reason}


def _title(text: str) -> str:
    words = text.replace("\n", " ").split(" ")
    return " ".join(words[:8]).rstrip(".,:;") + ("…" if len(words) > 8 else "")


_REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the "
    "new_string was NOT written to the file). STOP what you are doing and wait for the user to tell you how to proceed."
)
_TODOS_KEPT = "Todos have been modified successfully. Continue to use the todo list to track your progress."
_SKILLS = {
    "code-review": "Review the changes on this branch for mistakes, missing tests and risky migrations.",
    "release-notes": "Collect merged pull requests since the last tag and write release notes for shop owners.",
    "run-migrations": "Apply pending database migrations against the staging copy and report what they changed.",
    "simplify": "Look for dead code and needless indirection in the files that changed.",
}
_MCP_TOOLS = {
    "tracker": ["get_issue", "list_issues", "create_comment", "update_issue", "list_projects", "search"],
    "postgres": ["query", "list_tables", "describe_table"],
    "browser": ["navigate", "click", "take_screenshot", "console_messages"],
    "sentry": ["search_events", "get_issue", "list_releases"],
}
