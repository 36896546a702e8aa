"""Whole prompts from the request log that clients write from 2.1.300 on.

`api-request-shape` lines hold system prompt and tools, `api-request-blob` lines the messages that no other line
shows, and `api-request` lines name, for each attempt, which messages it sent: the first `keep` of an earlier
request and then a `tail` of hashes. A hash is the SHA-256 of the message as compact JSON with sorted keys,
without `cache_control`. Whatever a hash does not prove is not claimed: a prompt with a missing message is
not rebuilt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_HEADER_BYTES = 80
TOOLS, SYSTEM, MESSAGES = "tools", "system", "messages"
_MEMORY = ("instructions", "nested_memory", "memory")
_LISTINGS = (
    "skill_listing",
    "agent_listing_delta",
    "deferred_tools_delta",
    "mcp_instructions_delta",
    "command_listing",
)


@dataclass(frozen=True)
class Part:
    """One block of a rebuilt prompt.

    `key` is its identity within the session: equal keys are the same content at the same place of a message.
    `uuid` and `block_index` name the transcript block it is, where a line shows it.
    """

    section: str
    kind: str
    name: str
    text_bytes: int
    key: str
    uuid: str | None = None
    block_index: int = -1


@dataclass(frozen=True)
class RebuiltPrompt:
    """Everything one attempt sent, in order."""

    request_log_id: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class _Known:
    """A message whose hash is known: its blocks, where each stands in the transcript, and its other fields."""

    role: str
    blocks: tuple[Mapping[str, Any], ...]
    places: tuple[tuple[str | None, int], ...]
    others: Mapping[str, Any] = field(default_factory=dict)


def without_cache_control(value: Any) -> Any:
    """Return `value` without any `cache_control`, at every depth."""
    if isinstance(value, dict):
        return {key: without_cache_control(item) for key, item in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [without_cache_control(item) for item in value]
    return value


def compact(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode("utf-8", "surrogatepass")


def message_hash(role: str, content: Any) -> str:
    """Return the hash under which the request log knows a message."""
    return hashlib.sha256(compact(without_cache_control({"role": role, "content": content}))).hexdigest()


def charged_bytes(block: Mapping[str, Any]) -> int:
    """Return the UTF-8 bytes of a block that become tokens: text and inputs, not ids or framing."""
    kind = block.get("type")
    if kind == "text":
        return len(str(block.get("text", "")).encode("utf-8", "surrogatepass"))
    if kind == "thinking":
        return len(str(block.get("thinking", "")).encode("utf-8", "surrogatepass"))
    if kind == "tool_use":
        return len(str(block.get("name", "")).encode()) + len(compact(block.get("input", {})))
    if kind == "tool_result":
        content = block.get("content", "")
        if isinstance(content, list):
            return sum(charged_bytes(item) for item in content if isinstance(item, dict))
        return len(str(content or "").encode("utf-8", "surrogatepass"))
    if kind in ("image", "document"):
        return 0
    return len(compact(without_cache_control(dict(block))))


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _known_messages(lines: Iterable[Mapping[str, Any]]) -> dict[str, _Known]:
    """Return messages that transcript lines make, by hash: each run of one response or of one side's lines."""
    known: dict[str, _Known] = {}
    run: list[dict[str, Any]] = []
    places: list[tuple[str | None, int]] = []
    current: tuple[str, Any] | None = None

    def put(role: str, blocks: Sequence[dict[str, Any]], at: Sequence[tuple[str | None, int]]) -> None:
        message = _Known(role, tuple(blocks), tuple(at))
        known.setdefault(message_hash(role, list(blocks)), message)
        if len(blocks) == 1 and blocks[0].get("type") == "text":
            known.setdefault(message_hash(role, blocks[0].get("text")), message)

    for line in lines:
        message = line.get("message")
        if line.get("type") not in ("user", "assistant") or not isinstance(message, dict):
            continue
        role = str(message.get("role"))
        who = (role, message.get("id") if role == "assistant" else None)
        if who != current:
            run, places, current = [], [], who
        blocks = _blocks(message.get("content"))
        at = [(line.get("uuid"), index) for index in range(len(blocks))]
        run, places = [*run, *blocks], [*places, *at]
        put(role, run, places)
        put(role, blocks, at)
    return known


def _attachment_kinds(lines: Iterable[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return (rendered text, kind, name) of attachment lines, longest first."""
    found = []
    for line in lines:
        attachment = line.get("attachment")
        if line.get("type") != "attachment" or not isinstance(attachment, dict):
            continue
        rendered = attachment.get("rendered")
        if isinstance(rendered, list):
            rendered = "".join(str(b.get("text", "")) if isinstance(b, dict) else str(b) for b in rendered)
        if isinstance(rendered, str) and rendered:
            name = str(attachment.get("type"))
            kind = "memory" if name in _MEMORY else "listing" if name in _LISTINGS else "reminder"
            found.append((rendered.strip(), kind, name))
    return sorted(found, key=lambda item: -len(item[0]))


def _blob_part(role: str, block: Mapping[str, Any], attachments: list[tuple[str, str, str]]) -> tuple[str, str]:
    """Return kind and name of a block that only the request log shows."""
    text = str(block.get("text", "")).strip()
    for rendered, kind, name in attachments:
        if rendered and (rendered in text or text in rendered):
            return kind, name
    if "CLAUDE.md" in text and "instructions" in text:
        return "memory", "instructions"
    return ("image", "") if block.get("type") == "image" else ("reminder", role)


_LINE_KINDS = {
    "text": "text",
    "thinking": "thinking",
    "redacted_thinking": "thinking",
    "tool_use": "tool_call",
    "tool_result": "tool_result",
    "image": "image",
    "document": "document",
}


class RequestLog:
    """The request log of one session. `events` and `lines` are parsed lines, in file order."""

    def __init__(self, events: Iterable[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> None:
        events = list(events)
        self._requests = {str(e["id"]): e for e in events if e.get("type") == "api-request" and "id" in e}
        self._shapes = {str(e.get("shapeHash")): e.get("shape") for e in events if e.get("type") == "api-request-shape"}
        self._snapshot = self._read_snapshots(events)
        self._known = _known_messages(lines)
        self._attachments = _attachment_kinds(lines)
        self._blobs: dict[str, _Known] = {}
        self.broken_blobs = 0
        for event in events:
            message = event.get("message")
            if event.get("type") != "api-request-blob" or not isinstance(message, dict):
                continue
            blocks = _blocks(message.get("content"))
            self._blobs[str(event.get("hash"))] = _Known(
                str(message.get("role")),
                tuple(blocks),
                tuple((None, -1) for _ in blocks),
                {name: value for name, value in message.items() if name not in ("role", "content")},
            )
            if not _is_proven(message, str(event.get("hash"))):
                self.broken_blobs += 1  # its text was redacted or damaged: sizes hold, the proof does not
        self._chains: dict[str, tuple[str, ...] | None] = {}
        self.origins: Mapping[str, RequestLog] = {}  # by attempt: logs of sessions whose history may stand copied here

    @property
    def attempts(self) -> Iterable[str]:
        """Return the ids of all attempts that this log names."""
        return self._requests.keys()

    def chain(self, request_log_id: str) -> tuple[str, ...] | None:
        """Return the message hashes of one attempt, or None when an earlier request it builds on is missing."""
        pending: list[str] = []
        at: str | None = request_log_id
        while at is not None and at not in self._chains:
            event = self._requests.get(at)
            if event is None or at in pending:
                for name in pending:
                    self._chains[name] = None
                return None
            pending.append(at)
            base = event.get("base")
            at = str(base) if base is not None else None
        for name in reversed(pending):
            event = self._requests[name]
            base = event.get("base")
            before = self._chains[str(base)] if base is not None else ()
            tail = tuple(str(item) for item in event.get("tail") or ())
            keep = event.get("keep", 0)
            if before is None or not isinstance(keep, int) or keep > len(before):
                self._chains[name] = None
            else:
                self._chains[name] = before[:keep] + tail
        return self._chains[request_log_id]

    def rebuilt(self, request_log_id: str) -> RebuiltPrompt | None:
        """Return everything an attempt sent, or None where a part is not in the log."""
        origin = self._origin(request_log_id)
        if origin is not self:
            return origin.rebuilt(request_log_id)
        found = self._content(request_log_id)
        if found is None:
            return None
        shape, messages = found
        parts = self._shape_parts(shape)
        for place, (digest, message) in enumerate(messages):
            parts.extend(self._message_parts(message, digest, place))
        return RebuiltPrompt(request_log_id, tuple(parts))

    def body(self, request_log_id: str) -> dict[str, Any] | None:
        """Return the request of an attempt as it was sent, or None where a part is missing or breaks its hash.

        Content of a message is always a list of blocks, where the client may have sent one text as a string; the line
        that names client and entrypoint is not logged. Everything else is what went over the wire, `cache_control` in
        its places.
        """
        origin = self._origin(request_log_id)
        if origin is not self:
            return origin.body(request_log_id)
        found = self._content(request_log_id)
        if found is None:
            return None
        shape, messages = found
        event = self._requests[request_log_id]
        proven = hashlib.sha256(compact(shape)).hexdigest() == event.get("shapeHash")
        body: dict[str, Any] = {**event.get("params", {}), **without_cache_control(shape), "messages": []}
        for digest, message in messages:
            content = [without_cache_control(dict(block)) for block in message.blocks]
            body["messages"].append({**message.others, "role": message.role, "content": content})
            proven = proven and _is_proven(body["messages"][-1], digest)
        for mark in event.get("cacheControl") or ():
            at: Any = body
            for step in mark["path"]:
                at = at[step]
            at["cache_control"] = mark["value"]
        return body if proven else None

    def _origin(self, request_log_id: str) -> RequestLog:
        if request_log_id in self._requests:
            return self
        return self.origins.get(request_log_id, self)

    def _content(self, request_log_id: str) -> tuple[Mapping[str, Any], list[tuple[str, _Known]]] | None:
        """Return system prompt with tools, and the messages by hash; None where one is not in the log."""
        event, hashes = self._requests.get(request_log_id), self.chain(request_log_id)
        shape = self._shapes.get(str(event.get("shapeHash"))) if event is not None else None
        if hashes is None or not isinstance(shape, dict):
            return None
        messages = []
        for digest in hashes:
            message = self._known.get(digest) or self._blobs.get(digest)
            if message is None:
                return None
            messages.append((digest, message))
        return shape, messages

    @property
    def snapshot(self) -> tuple[Part, ...]:
        """Return tools and system prompt as the last snapshot of the session names them; none before 2.1.270.

        The tools are more than what is sent: deferred ones are among them.
        """
        return self._snapshot

    def _read_snapshots(self, events: Sequence[Mapping[str, Any]]) -> tuple[Part, ...]:
        tools: list[Part] = []
        system: list[Part] = []
        for event in events:
            attachment = event.get("attachment")
            if not isinstance(attachment, dict) or attachment.get("type") != "prompt_snapshot":
                continue
            texts = [attachment.get("cliPrefix"), *(attachment.get("systemPrompt") or ())]
            system = [
                Part(SYSTEM, "system", "", len(text.encode("utf-8", "surrogatepass")), f"system {index}")
                for index, text in enumerate(texts)
                if isinstance(text, str) and text
            ]
            if isinstance(attachment.get("tools"), list):
                tools = [
                    Part(TOOLS, "tool_schema", str(tool.get("name", "")), len(compact(tool.get("schema", tool))), "")
                    for tool in attachment["tools"]
                    if isinstance(tool, dict) and not tool.get("defer_loading")
                ]
        return (*tools, *system)

    def _shape_parts(self, shape: Mapping[str, Any]) -> list[Part]:
        parts = []
        for tool in shape.get("tools") or ():
            if isinstance(tool, dict) and not tool.get("defer_loading"):
                body = compact(without_cache_control(tool))
                digest = hashlib.sha256(body).hexdigest()[:16]
                parts.append(Part(TOOLS, "tool_schema", str(tool.get("name", "")), len(body), f"tool {digest}"))
        if parts or shape.get("system"):
            # The shape leaves out one line at the head of the system prompt, which names client and entrypoint.
            parts.append(Part(SYSTEM, "system", "client header", _HEADER_BYTES, "system header"))
        for block in _blocks(shape.get("system")):
            body = compact(without_cache_control(block))
            digest = hashlib.sha256(body).hexdigest()[:16]
            parts.append(Part(SYSTEM, "system", "", charged_bytes(block), f"system {digest}"))
        return parts

    def _message_parts(self, message: _Known, digest: str, place: int) -> list[Part]:
        parts = []
        for index, (block, (uuid, line_index)) in enumerate(zip(message.blocks, message.places, strict=True)):
            if uuid is None:
                kind, name = _blob_part(message.role, block, self._attachments)
                # A hash names content, not an occasion: the same reminder sent twice stands in two places.
                key = f"blob {digest[:16]} {index} {place}"
            else:
                kind = _LINE_KINDS.get(str(block.get("type")), "hidden")
                kind = "prompt" if kind == "text" and message.role == "user" else kind
                name, key = str(block.get("name", "")), f"line {uuid} {line_index}"
            parts.append(Part(MESSAGES, kind, name, charged_bytes(block), key, uuid, line_index))
        return parts


def _is_proven(message: Mapping[str, Any], digest: str) -> bool:
    """Return whether a stored message has the hash it is stored under; a lone string and one text block are one."""
    blocks = _blocks(message.get("content"))
    forms = [{**message, "content": blocks}]
    if len(blocks) == 1 and blocks[0].get("type") == "text":
        forms.append({**message, "content": blocks[0].get("text")})
    return any(hashlib.sha256(compact(without_cache_control(form))).hexdigest() == digest for form in forms)
