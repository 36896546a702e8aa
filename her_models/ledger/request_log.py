"""Whole prompts from the request log that clients write from 2.1.300 on.

`api-request-shape` lines hold system prompt and tools, `api-request-blob` lines the messages that no other line
shows, and `api-request` lines name, for each attempt, which messages it sent: the first `keep` of an earlier
request and then a `tail` of hashes. A hash is the SHA-256 of the message as compact JSON with sorted keys,
without `cache_control`. Whatever a hash does not prove is not claimed: a prompt with a missing message is
not rebuilt.

One exception: a message out of which a secret was taken has lost its hash, and its hash alone. It is known by its
place: between two messages that are known there are as many redacted ones as hashes without a message. Which
blocks a prompt holds is then certain, what it said to the byte is not, and `body` does not claim it.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from her_models.transcript import attachment_kind

_HEADER_BYTES = 80
_EXPONENT = re.compile("e-[0-9]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REDACTED = re.compile(rb"\[redacted:[a-z0-9-]+:[0-9a-f]{16}\]|redacted[0-9a-f]{10}(?![A-Za-z0-9])")
TOOLS, SYSTEM, MESSAGES = "tools", "system", "messages"
_REMINDER = ("<system-reminder>", "</system-reminder>")
_FRAME = re.compile(r"(?:\s|</?system-reminder>)*")
_MEMORY_START = "Codebase and user instructions"


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
    """A message: its blocks, where each stands in the transcript, and its other fields.

    `thread`, `first` and `last` say where its lines stand: those of which subagent, and the numbers of the first and
    the last of them. A message that no line shows has none.
    """

    role: str
    blocks: tuple[Mapping[str, Any], ...]
    places: tuple[tuple[str | None, int], ...]
    others: Mapping[str, Any] = field(default_factory=dict)
    thread: str = ""
    first: int = -1
    last: int = -1
    is_redacted: bool = False


def without_cache_control(value: Any) -> Any:
    """Return `value` without any `cache_control`, at every depth."""
    if isinstance(value, dict):
        return {key: without_cache_control(item) for key, item in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [without_cache_control(item) for item in value]
    return value


def compact(value: Any) -> bytes:
    """Return `value` as the client writes it before it takes a hash: compact JSON, sorted keys, text unescaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    if _EXPONENT.search(text) or _has_surrogate_pairs(text):
        text = _as_javascript(value)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON writes as an escape
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _has_surrogate_pairs(text: str) -> bool:
    return not text.isascii() and len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)


def _as_javascript(value: Any) -> str:
    """Return compact JSON as JavaScript writes it: keys go by UTF-16, small numbers have other exponents."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_as_javascript(key)}:{_as_javascript(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_as_javascript, value)) + "]"
    if isinstance(value, float) and abs(value) < 1e-4:
        return f"{Decimal(repr(value)):f}" if abs(value) >= 1e-6 else repr(value).replace("e-0", "e-")
    return json.dumps(value, ensure_ascii=False)


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


class _Lines:
    """What transcript lines make: messages by hash, and those of which a secret was taken out by their place.

    A message is a run of one response's lines, the beginning of one, or a single line of it. The same message may
    be said twice; each hash knows its occasions in order.
    """

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self.by_hash: dict[str, list[_Known]] = defaultdict(list)
        self.runs: dict[str, list[_Known]] = defaultdict(list)  # by thread: runs that hold something redacted
        self.singles: dict[str, list[_Known]] = defaultdict(list)  # and single lines that do
        self.texts: dict[str, list[tuple[str, int, Any, int]]] = defaultdict(
            list
        )  # what was typed: thread, line, place
        self.answers: dict[str, tuple[str, int]] = {}  # by attempt: thread, and line of the response
        run: _Run | None = None
        for number, line in enumerate(lines):
            message = line.get("message")
            if line.get("type") not in ("user", "assistant") or not isinstance(message, dict):
                continue
            thread = str(line.get("agentId") or "")
            if line.get("requestRef"):
                self.answers.setdefault(str(line["requestRef"]), (thread, number))
            role = str(message.get("role"))
            who = (thread, role, message.get("id") if role == "assistant" else None)
            if run is None or run.who != who:
                self._end(run)
                run = _Run(who)
            blocks = _blocks(message.get("content"))
            texts = [compact(without_cache_control(block)) for block in blocks]
            single = _Run(who)
            for one in (run, single):
                one.add(line.get("uuid"), number, blocks, texts)
            if role == "user":
                for index, block in enumerate(blocks):
                    if block.get("type") == "text":
                        self.texts[str(block.get("text"))].append((thread, number, line.get("uuid"), index))
            self._put(run)
            if len(run.blocks) > len(blocks):
                self._put(single)
            if single.is_redacted:
                self.singles[thread].append(single.known())
        self._end(run)

    def _put(self, run: _Run) -> None:
        known = run.known()
        for digest in run.hashes():
            self.by_hash[digest].append(known)

    def _end(self, run: _Run | None) -> None:
        if run is not None and run.is_redacted:
            self.runs[run.who[0]].append(run.known())


class _Run:
    """Lines of one side that follow each other, and the hash of what they make."""

    def __init__(self, who: tuple[str, str, Any]) -> None:
        self.who = who
        self.blocks: list[Mapping[str, Any]] = []
        self.places: list[tuple[str | None, int]] = []
        self.first = self.last = -1
        self.is_redacted = False
        self._sum = hashlib.sha256(b'{"content":[')

    def add(self, uuid: str | None, number: int, blocks: Sequence[Mapping[str, Any]], texts: Sequence[bytes]) -> None:
        """Add a line; `texts` are its blocks as compact JSON."""
        for index, (block, text) in enumerate(zip(blocks, texts, strict=True)):
            self._sum.update(b"," + text if self.blocks else text)
            self.blocks.append(block)
            self.places.append((uuid, index))
            self.is_redacted = self.is_redacted or (b"redacted" in text and _REDACTED.search(text) is not None)
        self.first = number if self.first < 0 else self.first
        self.last = number

    def hashes(self) -> Iterator[str]:
        """Yield the hashes of the message so far: a text alone may have been sent as a string."""
        whole = self._sum.copy()
        whole.update(b'],"role":' + compact(self.who[1]) + b"}")
        yield whole.hexdigest()
        if len(self.blocks) == 1 and self.blocks[0].get("type") == "text":
            yield message_hash(self.who[1], self.blocks[0].get("text"))

    def known(self) -> _Known:
        thread, role, _ = self.who
        blocks, places = tuple(self.blocks), tuple(self.places)
        return _Known(role, blocks, places, {}, thread, self.first, self.last, self.is_redacted)


@dataclass(frozen=True)
class _Attached:
    """A text that an attachment line brought before the model, without the tags around it."""

    number: int  # of the line
    uuid: str | None
    index: int  # which of the line's texts
    name: str
    text: str


class _Attachments:
    """What attachment lines show, found again in logged messages, which join several of them in one text."""

    def __init__(self, lines: Iterable[Mapping[str, Any]]) -> None:
        self._by_first_line: dict[tuple[str, str], list[_Attached]] = defaultdict(list)
        for number, line in enumerate(lines):
            attachment, rendered = line.get("attachment"), line.get("rendered")
            if line.get("type") != "attachment" or not isinstance(attachment, dict) or not isinstance(rendered, list):
                continue
            texts = [_rendered(item) for item in rendered]
            for index, text in enumerate(text for text in texts if text):
                inner = _without_tags(text)
                if inner:
                    key = str(line.get("agentId") or ""), inner.partition("\n")[0]
                    one = _Attached(number, line.get("uuid"), index, str(attachment.get("type")), inner)
                    self._by_first_line[key].append(one)

    def pieces(self, text: str, thread: str, after: int) -> list[tuple[str, _Attached | None]]:
        """Divide a text into what attachments of a thread show, and what none does.

        Of a text that was attached more than once it is the first occasion behind the line `after`. Tags and blank
        lines between two pieces belong to the piece before them.
        """
        found: list[tuple[int, int, _Attached]] = []
        at = 0
        while at < len(text):
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            here = [one for one in self._by_first_line.get((thread, text[at:end]), ()) if text.startswith(one.text, at)]
            if here:
                longest = max(len(one.text) for one in here)
                here = [one for one in here if len(one.text) == longest]
                one = next((one for one in here if one.number > after), here[-1])
                found.append((at, at + longest, one))
                at += longest
            else:
                at = end + 1
        pieces: list[tuple[str, _Attached | None]] = []
        at = 0
        for start, end, one in found:
            at = _add_gap(pieces, text, at, start)
            pieces.append((text[at:end], one))
            at = end
        at = _add_gap(pieces, text, at, len(text))
        if at < len(text) and pieces:
            pieces[-1] = (pieces[-1][0] + text[at:], pieces[-1][1])
        return pieces or [(text, None)]


def _add_gap(pieces: list[tuple[str, _Attached | None]], text: str, at: int, end: int) -> int:
    """Add what no attachment shows; what only frames the next piece is left to it. Return where that begins."""
    if _FRAME.fullmatch(text, at, end):
        return at
    pieces.append((text[at:end], None))
    return end


def _rendered(item: Any) -> str:
    content = item.get("content") if isinstance(item, dict) else item
    if isinstance(content, list):
        content = "\n".join(part["text"] for part in content if isinstance(part, dict) and part.get("text"))
    return content if isinstance(content, str) else ""


def _without_tags(text: str) -> str:
    begin, end = _REMINDER
    return text.strip().removeprefix(begin).removesuffix(end).strip()


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
        self._lines = _Lines(lines)
        self._attachments = _Attachments(lines)
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
        # Finds the log of an attempt that is not in this one: history of another session may stand copied here.
        self.elsewhere: Callable[[str], RequestLog | None] = lambda attempt: None

    @property
    def attempts(self) -> Iterable[str]:
        """Return the ids of all attempts that this log names."""
        return self._requests.keys()

    def chain(self, request_log_id: str) -> list[str] | None:
        """Return the message hashes of one attempt, or None when an earlier request it builds on is missing."""
        pending: list[Mapping[str, Any]] = []
        at: Any = request_log_id
        seen = set()
        while at is not None:
            event = self._requests.get(str(at))
            if event is None or at in seen:
                return None
            seen.add(at)
            pending.append(event)
            at = event.get("base")
        hashes: list[str] = []
        for event in reversed(pending):
            keep = event.get("keep", 0)
            if not isinstance(keep, int) or keep > len(hashes):
                return None
            hashes[keep:] = _tail(event)
        return hashes

    def rebuilt(self, request_log_id: str) -> RebuiltPrompt | None:
        """Return everything an attempt sent, or None where a part is not in the log."""
        found = PromptWalk(self).parts(request_log_id)
        return None if found is None else RebuiltPrompt(request_log_id, tuple(found[1]))

    def body(self, request_log_id: str) -> dict[str, Any] | None:
        """Return the request of an attempt as it was sent, or None where a part is missing or breaks its hash.

        Content of a message is always a list of blocks, where the client may have sent one text as a string; the line
        that names client and entrypoint is not logged. Everything else is what went over the wire, `cache_control` in
        its places.
        """
        origin = self.origin(request_log_id)
        if origin is not self:
            return origin.body(request_log_id)
        shape, hashes = self.shape(request_log_id), self.chain(request_log_id)
        found = self.placed(hashes, request_log_id) if hashes is not None else None
        if shape is None or hashes is None or found is None:
            return None
        messages = list(zip(hashes, found, strict=True))
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

    def origin(self, request_log_id: str) -> RequestLog:
        """Return the log that holds an attempt: this one, or that of the session whose history stands copied here."""
        if request_log_id in self._requests:
            return self
        return self.elsewhere(request_log_id) or self

    def thread(self, request_log_id: str) -> str:
        """Return the subagent that an attempt was made for; nothing for the main conversation."""
        return self._lines.answers.get(request_log_id, ("", -1))[0]

    def event(self, request_log_id: str) -> Mapping[str, Any] | None:
        """Return the line of an attempt."""
        return self._requests.get(request_log_id)

    def shape(self, request_log_id: str) -> Mapping[str, Any] | None:
        """Return the tools and the system prompt of an attempt, or None where they are not in the log."""
        event = self._requests.get(request_log_id)
        shape = self._shapes.get(str(event.get("shapeHash"))) if event is not None else None
        return shape if isinstance(shape, dict) else None

    def placed(self, hashes: Sequence[str], request_log_id: str, after: int = -1) -> list[_Known] | None:
        """Return the messages of some hashes, in order; None where one is not in the log.

        Of a message that was said more than once it is the occasion that follows what stands before it. A hash without
        a message is that of a redacted one, if there are as many of these between its neighbours.

        Args:
            request_log_id: the attempt that sent them; its response stands behind all of them.
            after: line of the thread behind which the first of them stands.
        """
        thread, end = self._lines.answers.get(request_log_id, ("", -1))
        last = after
        found: list[_Known] = []
        unknown = 0  # hashes without a message just before this one
        for digest in hashes:
            message = self._occasion(digest, thread, last)
            if message is None:
                unknown += 1
                continue
            if unknown:
                between = self._redacted(thread, last, message.first if message.first >= 0 else end, unknown)
                if between is None:
                    return None
                found += between
                last, unknown = between[-1].last, 0
            found.append(message)
            last = self.last_line(message, request_log_id, last)
        if unknown:
            between = self._redacted(thread, last, end, unknown)
            if between is None:
                return None
            found += between
        return found

    def last_line(self, message: _Known, request_log_id: str, after: int) -> int:
        """Return the line of an attempt's thread behind which the message after this one stands."""
        thread, _ = self._lines.answers.get(request_log_id, ("", -1))
        return max(after, message.last) if message.thread == thread else after

    def _occasion(self, digest: str, thread: str, last: int) -> _Known | None:
        occasions = self._lines.by_hash.get(digest)
        if occasions is None:
            blob = self._blobs.get(digest)
            return None if blob is None else self._linked(blob, thread, last)
        later = (known for known in occasions if known.thread == thread and known.first > last)
        return next(later, occasions[0])

    def _linked(self, blob: _Known, thread: str, last: int) -> _Known:
        """Return a logged message with the lines that show texts of it: reminders may stand around a prompt."""
        places = list(blob.places)
        numbers = []
        for place, block in enumerate(blob.blocks):
            occasions = self._lines.texts.get(str(block.get("text")), ()) if block.get("type") == "text" else ()
            for where, number, uuid, index in occasions:
                if where == thread and number > last:
                    places[place] = (uuid, index)
                    numbers.append(number)
                    last = number
                    break
        if not numbers:
            return blob
        return replace(blob, places=tuple(places), thread=thread, first=numbers[0], last=numbers[-1])

    def _redacted(self, thread: str, after: int, before: int, count: int) -> list[_Known] | None:
        """Return the `count` redacted messages between two lines of a thread, or None where there are not so many."""
        for messages in (self._lines.runs[thread], self._lines.singles[thread]):
            begin = bisect_right(messages, after, key=_first_line)
            between = messages[begin : bisect_left(messages, before, begin, key=_first_line)]
            if len(between) == count:
                return between
        return None

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

    def shape_parts(self, shape: Mapping[str, Any]) -> list[Part]:
        """Return tools and system prompt as parts of a prompt."""
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

    def message_parts(self, message: _Known, digest: str, place: int, thread: str, after: int) -> list[Part]:
        """Return the blocks of a message as parts of a prompt.

        Args:
            place: how many messages stand before it.
            thread: subagent whose prompt it is part of, or nothing.
            after: line of the thread behind which it stands.
        """
        parts: list[Part] = []
        for index, (block, (uuid, line_index)) in enumerate(zip(message.blocks, message.places, strict=True)):
            if uuid is None:
                # A hash names content, not an occasion: the same reminder sent twice stands in two places.
                parts += self._blob_parts(message.role, block, f"blob {digest[:16]} {index} {place}", thread, after)
                continue
            kind = _LINE_KINDS.get(str(block.get("type")), "hidden")
            kind = "prompt" if kind == "text" and message.role == "user" else kind
            name, key = str(block.get("name", "")), f"line {uuid} {line_index}"
            parts.append(Part(MESSAGES, kind, name, charged_bytes(block), key, uuid, line_index))
        return parts

    def _blob_parts(self, role: str, block: Mapping[str, Any], key: str, thread: str, after: int) -> Iterator[Part]:
        """Yield what stands in a block that only the request log shows: each attachment apart, and the rest."""
        if block.get("type") != "text":
            kind = "image" if block.get("type") == "image" else "reminder"
            yield Part(MESSAGES, kind, "" if kind == "image" else role, charged_bytes(block), key)
            return
        pieces = self._attachments.pieces(str(block.get("text", "")), thread, after)
        for number, (text, one) in enumerate(pieces):
            size = len(text.encode("utf-8", "surrogatepass"))
            if one is not None:
                yield Part(MESSAGES, attachment_kind(one.name), "", size, f"{key} {number}", one.uuid, one.index)
            elif _without_tags(text).startswith(_MEMORY_START):
                yield Part(MESSAGES, "memory", "instructions", size, f"{key} {number}")
            else:
                yield Part(MESSAGES, "reminder", role, size, f"{key} {number}")


class PromptWalk:
    """The prompts of one thread, one after another: what a prompt shares with the one before is not rebuilt again."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._attempt = ""
        self._messages: list[_Known] = []
        self._ends: list[int] = []  # per message, parts up to its end
        self._lines: list[int] = []  # per message, the last line that shows any up to it
        self._parts: list[Part] = []

    def parts(self, request_log_id: str) -> tuple[int, list[Part]] | None:
        """Return everything an attempt sent, and how many parts in front are those of the prompt before it.

        None where a part is not in the log. The list is the walk's own: the next call changes it.
        """
        log = self._log.origin(request_log_id)
        event, shape = log.event(request_log_id), log.shape(request_log_id)
        if event is None or shape is None:
            return None
        earlier = log.event(self._attempt)
        keep = event.get("keep", 0)
        if (
            earlier is not None
            and event.get("base") == self._attempt
            and event.get("shapeHash") == earlier.get("shapeHash")
            and isinstance(keep, int)
            and 0 < keep <= len(self._messages)
        ):
            kept = self._ends[keep - 1]
            del self._messages[keep:], self._ends[keep:], self._lines[keep:], self._parts[kept:]
            is_placed = self._extend(log, _tail(event), request_log_id)
        else:
            before, hashes = self._parts, log.chain(request_log_id)
            self._parts, self._messages, self._ends, self._lines = log.shape_parts(shape), [], [], []
            is_placed = hashes is not None and self._extend(log, hashes, request_log_id)
            pairs = enumerate(zip(before, self._parts, strict=False))
            kept = next((place for place, (a, b) in pairs if a.key != b.key), min(len(before), len(self._parts)))
        if not is_placed:
            self._attempt = ""
            return None
        self._attempt = request_log_id
        return kept, self._parts

    def _extend(self, log: RequestLog, hashes: Sequence[str], request_log_id: str) -> bool:
        line = self._lines[-1] if self._lines else -1
        messages = log.placed(hashes, request_log_id, line)
        if messages is None:
            return False
        thread = log.thread(request_log_id)
        for digest, message in zip(hashes, messages, strict=True):
            self._parts += log.message_parts(message, digest, len(self._messages), thread, line)
            self._messages.append(message)
            self._ends.append(len(self._parts))
            line = log.last_line(message, request_log_id, line)
            self._lines.append(line)
        return True


def _tail(event: Mapping[str, Any]) -> list[str]:
    return [str(digest) for digest in event.get("tail") or ()]


def _first_line(message: _Known) -> int:
    return message.first


def _is_proven(message: Mapping[str, Any], digest: str) -> bool:
    """Return whether a stored message has the hash it is stored under; a lone string and one text block are one."""
    blocks = _blocks(message.get("content"))
    forms = [{**message, "content": blocks}]
    if len(blocks) == 1 and blocks[0].get("type") == "text":
        forms.append({**message, "content": blocks[0].get("text")})
    return any(hashlib.sha256(compact(without_cache_control(form))).hexdigest() == digest for form in forms)
