"""Parsing: lines of a log in, typed rows out; what cannot be read comes back with a reason.

What belongs here: the log's own field names, for every client version known, and the rows of the staged tables
that follow from one line alone. What does not: reading files (`staging`), counting (`sql/`), secrets (`redaction`:
lines arrive redacted).

A line is decoded once, into structs that know every field seen so far. A line that does not fit them is decoded
again leniently: the fields that are new, or of a new type, are counted as drift, the rest is used as usual.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
import orjson
from msgspec import Raw, Struct
from xxhash import xxh3_128_hexdigest

PREVIEW_CHARS = 200
MAX_TOKENS = 10**8 - 1  # far beyond any context; what is larger was not counted, and its price would break every sum
_NO_RAW = Raw()

Tokens = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


# -- what the client writes -----------------------------------------------------------------------------------------


class CacheCreation(Struct, forbid_unknown_fields=True, gc=False):
    """Cache writes by time to live."""

    ephemeral_5m_input_tokens: Tokens | None = None
    ephemeral_1h_input_tokens: Tokens | None = None


class ServerToolUse(Struct, forbid_unknown_fields=True, gc=False):
    """Server-side tools that are billed by use."""

    web_search_requests: Tokens | None = None
    web_fetch_requests: Tokens | None = None


class OutputDetails(Struct, forbid_unknown_fields=True, gc=False):
    """Parts of the output."""

    thinking_tokens: Tokens | None = None


class Usage(Struct, forbid_unknown_fields=True, gc=False):
    """What one response was billed for, as logged."""

    input_tokens: Tokens | None = None
    cache_creation_input_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: Tokens | None = None
    service_tier: str | None = None
    server_tool_use: ServerToolUse | None = None
    inference_geo: str | None = None
    iterations: Raw = _NO_RAW
    speed: str | None = None
    output_tokens_details: OutputDetails | None = None
    fallback_credit: Raw = _NO_RAW


class MediaSource(Struct, gc=False):
    """Where the bytes of an image or document are."""

    type: str | None = None
    media_type: str | None = None
    data: str | None = None


class SubBlock(Struct, gc=False):
    """A part of a tool result."""

    type: str | None = None
    text: str | None = None
    source: MediaSource | None = None
    tool_name: str | None = None
    title: str | None = None
    url: str | None = None


class Block(Struct, forbid_unknown_fields=True, gc=False):
    """A content block of a message."""

    type: str | None = None
    text: str | None = None
    tool_use_id: str | None = None
    content: str | list[SubBlock] | None = None
    is_error: bool | None = None
    id: str | None = None
    name: str | None = None
    input: Raw = _NO_RAW
    caller: Raw = _NO_RAW
    thinking: str | None = None
    signature: Raw = _NO_RAW
    data: Raw = _NO_RAW
    source: MediaSource | None = None
    citations: Raw = _NO_RAW
    cache_control: Raw = _NO_RAW
    title: str | None = None
    context: str | None = None
    server_name: str | None = None


class Message(Struct, forbid_unknown_fields=True, gc=False):
    """An API message."""

    role: str | None = None
    content: str | list[Block] | None = None
    model: str | None = None
    id: str | None = None
    type: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: Raw = _NO_RAW
    usage: Usage | None = None
    diagnostics: Raw = _NO_RAW
    context_management: Raw = _NO_RAW
    container: Raw = _NO_RAW
    output_config: Raw = _NO_RAW
    provider: str | None = None


class ToolUseResult(Struct, gc=False):
    """The client's own copy of a tool result. Not what the model saw; it knows line ranges and agents."""

    file: Raw = _NO_RAW
    filePath: Raw = _NO_RAW
    structuredPatch: Raw = _NO_RAW
    agentId: Raw = _NO_RAW


class NestedLine(Struct, forbid_unknown_fields=True, gc=False):
    """A subagent's line inside a progress line of its parent."""

    type: str | None = None
    message: Message | None = None
    uuid: str | None = None
    timestamp: str | None = None
    requestId: str | None = None
    toolUseResult: Raw = _NO_RAW
    isMeta: bool | None = None
    isApiErrorMessage: bool | None = None
    sourceToolAssistantUUID: str | None = None
    sourceToolUseID: str | None = None
    imagePasteIds: Raw = _NO_RAW
    isVirtual: bool | None = None
    mcpMeta: Raw = _NO_RAW
    permissionMode: str | None = None
    error: Raw = _NO_RAW
    isCompactSummary: bool | None = None
    isVisibleInTranscriptOnly: bool | None = None


class Progress(Struct, forbid_unknown_fields=True, gc=False):
    """What a progress line says. `message` is an object for agent progress and may be text elsewhere."""

    type: str | None = None
    hookEvent: Raw = _NO_RAW
    hookName: Raw = _NO_RAW
    command: Raw = _NO_RAW
    output: Raw = _NO_RAW
    fullOutput: Raw = _NO_RAW
    elapsedTimeSeconds: Raw = _NO_RAW
    totalLines: Raw = _NO_RAW
    totalBytes: Raw = _NO_RAW
    timeoutMs: Raw = _NO_RAW
    taskId: Raw = _NO_RAW
    message: NestedLine | str | None = None
    normalizedMessages: Raw = _NO_RAW
    prompt: Raw = _NO_RAW
    agentId: str | None = None
    resume: Raw = _NO_RAW
    query: Raw = _NO_RAW
    resultCount: Raw = _NO_RAW
    taskDescription: Raw = _NO_RAW
    taskType: Raw = _NO_RAW
    status: Raw = _NO_RAW
    serverName: Raw = _NO_RAW
    toolName: Raw = _NO_RAW
    elapsedTimeMs: Raw = _NO_RAW
    promptText: Raw = _NO_RAW
    statusMessage: Raw = _NO_RAW
    progress: Raw = _NO_RAW
    progressMessage: Raw = _NO_RAW
    total: Raw = _NO_RAW
    isIncomplete: Raw = _NO_RAW


class Forked(Struct, gc=False):
    """Where a copied line came from."""

    sessionId: str | None = None
    messageUuid: str | None = None


class Line(Struct, forbid_unknown_fields=True, gc=False):
    """One line of a log. Fields that no row needs are kept unread, so that they are known."""

    parentUuid: str | None = None
    logicalParentUuid: str | None = None
    isSidechain: bool | None = None
    promptId: str | None = None
    agentId: str | None = None
    userType: Raw = _NO_RAW
    cwd: str | None = None
    sessionId: str | None = None
    version: str | None = None
    gitBranch: str | None = None
    slug: Raw = _NO_RAW
    type: str | None = None
    message: Message | str | None = None
    isMeta: bool | None = None
    requestId: str | None = None
    uuid: str | None = None
    timestamp: str | None = None
    toolUseResult: ToolUseResult | str | list[Raw] | None = None
    sourceToolAssistantUUID: Raw = _NO_RAW
    data: Progress | None = None
    toolUseID: Raw = _NO_RAW
    parentToolUseID: str | None = None
    attachment: Raw = _NO_RAW
    entrypoint: Raw = _NO_RAW
    subtype: str | None = None
    content: Raw = _NO_RAW
    permissionMode: Raw = _NO_RAW
    messageId: Raw = _NO_RAW
    snapshot: Raw = _NO_RAW
    isSnapshotUpdate: Raw = _NO_RAW
    operation: str | None = None
    isCompactSummary: bool | None = None
    isVisibleInTranscriptOnly: bool | None = None
    isApiErrorMessage: bool | None = None
    isAbortedMidStream: bool | None = None
    requestRef: str | None = None
    requestSessionId: str | None = None
    forkedFrom: Forked | None = None
    rendered: Raw = _NO_RAW
    renderedRole: Raw = _NO_RAW
    renderedBesideToolResult: Raw = _NO_RAW
    leafUuid: Raw = _NO_RAW
    summary: Raw = _NO_RAW
    aiTitle: Raw = _NO_RAW
    customTitle: Raw = _NO_RAW
    agentName: Raw = _NO_RAW
    agentColor: Raw = _NO_RAW
    agentSetting: Raw = _NO_RAW
    teamName: Raw = _NO_RAW
    lastPrompt: Raw = _NO_RAW
    mode: Raw = _NO_RAW
    apiBlockIndex: Raw = _NO_RAW
    atis: Raw = _NO_RAW
    attributionAgent: Raw = _NO_RAW
    attributionMcpServer: Raw = _NO_RAW
    attributionMcpTool: Raw = _NO_RAW
    attributionPlugin: Raw = _NO_RAW
    attributionSkill: Raw = _NO_RAW
    base: Raw = _NO_RAW
    keep: Raw = _NO_RAW
    tail: Raw = _NO_RAW
    hash: Raw = _NO_RAW
    id: Raw = _NO_RAW
    params: Raw = _NO_RAW
    shape: Raw = _NO_RAW
    shapeHash: Raw = _NO_RAW
    cacheControl: Raw = _NO_RAW
    querySource: Raw = _NO_RAW
    requestDigest: Raw = _NO_RAW
    bridgeSessionId: Raw = _NO_RAW
    lastSequenceNum: Raw = _NO_RAW
    cause: Raw = _NO_RAW
    error: Raw = _NO_RAW
    errorDetails: Raw = _NO_RAW
    apiError: Raw = _NO_RAW
    apiErrorStatus: Raw = _NO_RAW
    retryAttempt: Raw = _NO_RAW
    retryInMs: Raw = _NO_RAW
    maxRetries: Raw = _NO_RAW
    compactMetadata: Raw = _NO_RAW
    microcompactMetadata: Raw = _NO_RAW
    costUSD: Raw = _NO_RAW
    durationMs: Raw = _NO_RAW
    messageCount: Raw = _NO_RAW
    effort: Raw = _NO_RAW
    perTurnEffort: Raw = _NO_RAW
    hasOutput: Raw = _NO_RAW
    hookAdditionalContext: Raw = _NO_RAW
    hookCount: Raw = _NO_RAW
    hookErrors: Raw = _NO_RAW
    hookInfos: Raw = _NO_RAW
    preventedContinuation: Raw = _NO_RAW
    stopReason: Raw = _NO_RAW
    level: Raw = _NO_RAW
    interruptedMessageId: Raw = _NO_RAW
    madeBy: Raw = _NO_RAW
    origin: Raw = _NO_RAW
    source: Raw = _NO_RAW
    sourceToolUseID: Raw = _NO_RAW
    pendingWorkflowCount: Raw = _NO_RAW
    pendingBackgroundAgentCount: Raw = _NO_RAW
    permissionDecision: Raw = _NO_RAW
    prNumber: Raw = _NO_RAW
    prRepository: Raw = _NO_RAW
    prUrl: Raw = _NO_RAW
    promptCacheRequested: Raw = _NO_RAW
    promptSource: Raw = _NO_RAW
    requestedModel: Raw = _NO_RAW
    sandboxed: Raw = _NO_RAW
    session_id: Raw = _NO_RAW
    thinkingDisplay: Raw = _NO_RAW
    thinkingDurationMs: Raw = _NO_RAW
    thinkingMetadata: Raw = _NO_RAW
    todos: Raw = _NO_RAW
    toolInputStreamMs: Raw = _NO_RAW
    tools: Raw = _NO_RAW
    turnCompanion: Raw = _NO_RAW
    turnOrigin: Raw = _NO_RAW
    turnPosition: Raw = _NO_RAW
    url: Raw = _NO_RAW
    imagePasteIds: Raw = _NO_RAW
    mcpMeta: Raw = _NO_RAW
    planContent: Raw = _NO_RAW
    hasUnknownModelCost: Raw = _NO_RAW
    modelUsage: Raw = _NO_RAW
    startTime: Raw = _NO_RAW
    totalAPIDuration: Raw = _NO_RAW
    totalAPIDurationWithoutRetries: Raw = _NO_RAW
    totalCostUSD: Raw = _NO_RAW
    totalDuration: Raw = _NO_RAW
    totalLinesAdded: Raw = _NO_RAW
    totalLinesRemoved: Raw = _NO_RAW
    totalToolDuration: Raw = _NO_RAW


KNOWN_TYPES = frozenset(
    {
        *("user", "assistant", "system", "summary", "attachment", "progress", "queue-operation", "last-prompt"),
        *("file-history-snapshot", "file-history-delta", "permission-mode", "mode", "tag", "pr-link", "ai-title"),
        *("custom-title", "agent-name", "agent-color", "agent-setting", "bridge-session", "cost-state"),
        *("api-request", "api-request-shape", "api-request-blob", "atis-latch", "tools-used"),
    }
)

# Lines whose content is in `block_lines` (or nowhere but in `lines.raw`): no row of `event_lines`.
_NO_EVENT_TYPES = frozenset({"user", "assistant", "progress", "file-history-snapshot", "file-history-delta"})
_NO_EVENT_ATTACHMENTS = frozenset(
    {"file", "edited_text_file", "directory", "queued_command", "selected_lines_in_ide", "diagnostics"}
)


_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


# -- smaller shapes, read on demand ---------------------------------------------------------------------------------


class _ToolInput(Struct, gc=False):
    file_path: str | None = None
    notebook_path: str | None = None
    path: str | None = None
    offset: _Whole | None = None
    limit: _Whole | None = None
    command: str | None = None
    pattern: str | None = None
    query: str | None = None
    url: str | None = None
    skill: str | None = None
    description: str | None = None
    subagent_type: str | None = None
    prompt: str | None = None


class _ReadFile(Struct, gc=False):
    filePath: object = None
    startLine: object = None
    numLines: object = None


class _Hunk(Struct, gc=False):
    newStart: int
    newLines: int


class _AttachmentHead(Struct, gc=False):
    type: str | None = None
    hookEvent: str | None = None


class _Iteration(Struct, gc=False):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0
    type: str | None = None


_decode_line = msgspec.json.Decoder(Line).decode
_decode_any = msgspec.json.Decoder().decode
_decode_tool_input = msgspec.json.Decoder(_ToolInput).decode
_decode_parameters = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_read_file = msgspec.json.Decoder(_ReadFile).decode
_decode_hunks = msgspec.json.Decoder(list[_Hunk]).decode
_decode_text = msgspec.json.Decoder(str).decode
_decode_attachment_head = msgspec.json.Decoder(_AttachmentHead).decode
_decode_iterations = msgspec.json.Decoder(list[_Iteration]).decode

_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)  # UnicodeDecodeError and JSONDecodeError are ValueErrors


# -- rows -----------------------------------------------------------------------------------------------------------

LINE_FIELDS = (
    "file_id",
    "offset_bytes",
    "length_bytes",
    "line_hash",
    "type",
    "subtype",
    "session_id",
    "agent_id",
    "uuid",
    "parent_uuid",
    "logged_at",
    "client_version",
    "is_sidechain",
    "is_meta",
    "is_compact_summary",
    "cwd",
    "git_branch",
    "message_id",
    "prompt_id",
    "logical_parent_uuid",
    "forked_from_session_id",
)
RESPONSE_FIELDS = (
    "file_id",
    "offset_bytes",
    "session_id",
    "agent_id",
    "is_sidechain",
    "is_nested",
    "parent_tool_use_id",
    "uuid",
    "logged_at",
    "client_version",
    "message_id",
    "api_request_id",
    "model",
    "stop_reason",
    "is_api_error",
    "is_aborted",
    "uncached_input_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "cache_read_tokens",
    "output_tokens",
    "thinking_tokens",
    "has_write_split",
    "web_search_count",
    "service_tier",
    "speed",
    "inference_geo",
    "iterations",
    "cache_miss_reason",
    "cache_missed_tokens",
    "cleared_input_tokens",
    "request_ref",
    "usage_note",
)
BLOCK_FIELDS = (
    "file_id",
    "offset_bytes",
    "block_index",
    "session_id",
    "agent_id",
    "is_sidechain",
    "is_nested",
    "is_meta",
    "parent_tool_use_id",
    "uuid",
    "logged_at",
    "message_id",
    "role",
    "kind",
    "tool_name",
    "tool_use_id",
    "path",
    "range_start",
    "range_lines",
    "is_error",
    "text_bytes",
    "text_chars",
    "image_width",
    "image_height",
    "content_hash",
    "preview",
    "spawned_agent_id",
    "spawned_agent_type",
    "spawned_description",
    "spawned_prompt_hash",
    "signature_bytes",
    "parameters_count",
)
EVENT_FIELDS = (
    "file_id",
    "offset_bytes",
    "session_id",
    "agent_id",
    "uuid",
    "logged_at",
    "client_version",
    "type",
    "subtype",
    "payload",
)


class SeenTexts:
    """Remembers texts by their hashes, in memory of fixed size: a text takes the place of another now and then.

    One that is forgotten is written again, and dropped when it is published.
    """

    PLACES_BITS = 19

    def __init__(self) -> None:
        self._places = array("Q", bytes(8 << self.PLACES_BITS))

    def is_new(self, number: int) -> bool:
        """Say whether a text is not remembered, and remember it. `number` is its hash of 128 bits."""
        place = number & ((1 << self.PLACES_BITS) - 1)
        rest = number >> 64 | 1  # never that of an empty place
        if self._places[place] == rest:
            return False
        self._places[place] = rest
        return True


@dataclass
class Rows:
    """Rows of the staged tables, as tuples in the order of the `*_FIELDS`; grows while lines are read.

    `raw` runs beside `lines`, `texts` holds what goes to `contents`: (content hash, UTF-8 bytes), each hash once
    as far as `seen` remembers.
    """

    lines: list[tuple[Any, ...]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    responses: list[tuple[Any, ...]] = field(default_factory=list)
    blocks: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[tuple[Any, ...]] = field(default_factory=list)
    texts: list[tuple[str, bytes]] = field(default_factory=list)
    seen: SeenTexts = field(default_factory=SeenTexts)


@dataclass
class FileContext:
    """What a line may inherit from its file: the lines above it, or the name of the file."""

    file_id: int
    session_id: str | None
    client_version: str | None
    name_session_id: str
    name_agent_id: str | None
    drift: dict[tuple[str, str, str | None], list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, file_id: int, path: str, session_id: str | None = None, version: str | None = None) -> FileContext:
        """Return the context at a place in a file; `path` has forward slashes."""
        *folders, name = path.split("/")
        stem = name.rsplit(".", 1)[0]
        agent_id = stem.removeprefix("agent-") if stem.startswith("agent-") else None
        # <session>/subagents/agent-*.jsonl: the folder is named after the session.
        parent = folders[-2] if len(folders) > 1 and folders[-1] == "subagents" else stem
        return cls(file_id, session_id, version, parent, agent_id)

    def count_drift(self, line_type: str | None, path: str, version: str | None, offset: int) -> None:
        entry = self.drift.setdefault((line_type or "", path, version), [offset, 0])
        entry[1] += 1


# -- lenient decoding -----------------------------------------------------------------------------------------------


def _big_int(text: str) -> int | str:
    # Python refuses to convert very long integers; as text they are seen, and refused, like any other non-count.
    return int(text) if len(text) < 400 else text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_json_decoder = json.JSONDecoder(parse_int=_big_int, parse_constant=_refuse_constant)


def decode_any(data: bytes) -> Any:
    """Decode JSON with the first of msgspec, orjson and json that accepts it; surrogates may remain in strings.

    Raises:
        ValueError: it is not JSON (invalid UTF-8 included), or nested too deeply; the message is a reason.
    """
    try:
        return _decode_any(data)
    except _BROKEN:
        pass
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return _json_decoder.decode(data.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("invalid UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg}") from None


def _clean(value: str) -> str:
    """Return the text with lone surrogates replaced: they have no UTF-8."""
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


_SURROGATES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)"
)


def _without_lone_surrogates(data: bytes) -> bytes:
    """Return JSON that SQL's stricter readers accept: escapes of half a character become the replacement one."""
    return _SURROGATES.sub(
        lambda match: rb"\ufffd" if len(match[0]) == 6 and match[0][2:3] in b"dD" else match[0], data
    )


_hints: dict[type, dict[str, Any]] = {}
_MISFIT = object()


def _fields_of(kind: type) -> dict[str, Any]:
    if kind not in _hints:
        _hints[kind] = get_type_hints(kind, include_extras=True)
    return _hints[kind]


class _Fitter:
    """Fits decoded JSON to the structs above; remembers what did not fit, and what was coerced in usage."""

    def __init__(self) -> None:
        self.drift: list[str] = []
        self.notes: list[str] = []

    def fit(self, value: Any, hint: Any, path: str) -> Any:
        """Return what `msgspec.convert` takes for `hint`, or _MISFIT."""
        if hint is Raw:
            return Raw(_encode(value))
        if get_origin(hint) is Annotated:
            return self._tokens(value, path)
        options = get_args(hint) if get_origin(hint) is not list else ()
        if options:
            return self._first(value, options, path)
        if hint is type(None):
            return None if value is None else _MISFIT
        if hint is str:
            return _clean(value) if isinstance(value, str) else _MISFIT
        if hint is bool:
            return value if isinstance(value, bool) else _MISFIT
        if get_origin(hint) is list:
            return self._list(value, get_args(hint)[0], path)
        return self._struct(value, hint, path) if isinstance(value, dict) else _MISFIT

    def _first(self, value: Any, options: tuple[Any, ...], path: str) -> Any:
        for option in options:
            fitted = self.fit(value, option, path)
            if fitted is not _MISFIT:
                return fitted
        return _MISFIT

    def _list(self, value: Any, hint: Any, path: str) -> Any:
        if not isinstance(value, list):
            return _MISFIT
        fitted = []
        for item in value:
            one = self.fit(item, hint, path + "[]")
            if one is _MISFIT:
                self._misfit(item, path + "[]")
            else:
                fitted.append(one)
        return fitted

    def _struct(self, value: dict[str, Any], kind: type, path: str) -> dict[str, Any]:
        hints = _fields_of(kind)
        is_strict = bool(getattr(kind, "__struct_config__").forbid_unknown_fields)  # noqa: B009
        fitted = {}
        for name, item in value.items():
            here = f"{path}.{_clean(name)}" if path else _clean(name)
            hint = hints.get(name)
            if hint is None:
                if is_strict:
                    self.drift.append(here)
                continue
            one = self.fit(item, hint, here)
            if one is _MISFIT:
                self._misfit(item, here)
            else:
                fitted[name] = one
        return fitted

    def _misfit(self, value: Any, path: str) -> None:
        if "toolUseResult" not in path:
            self.drift.append(f"{path}:{type(value).__name__}")

    def _tokens(self, value: Any, path: str) -> Any:
        """Return a token count: whole, not negative, not absurd. Anything else is noted, and null if it is no count."""
        if value is None:
            return _MISFIT  # the next option of the union takes it
        name = path.rsplit(".", 1)[-1]
        count: int | None = None
        if isinstance(value, int) and not isinstance(value, bool):
            count = value
        elif (isinstance(value, float) and value.is_integer()) or (
            isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20
        ):
            count = int(value)
            self.notes.append(f"{name}: {type(value).__name__} read as a whole number")
        if count is None or not 0 <= count <= MAX_TOKENS:
            what = (
                "negative"
                if count is not None and count < 0
                else f"over {MAX_TOKENS:,}"
                if count
                else type(value).__name__
            )
            self.notes.append(f"{name}: refused, {what}")
            return None
        return count


def _encode(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return json.dumps(value, separators=(",", ":")).encode()


def _decode_leniently(data: bytes) -> tuple[Line, _Fitter]:
    """Return the line, and what of it did not fit.

    Raises:
        ValueError: not a JSON object; the message is a reason.
    """
    value = decode_any(data)
    if not isinstance(value, dict):
        raise ValueError(f"JSON {type(value).__name__}, not an object")
    fitter = _Fitter()
    try:
        fitted = fitter.fit(value, Line, "")
        line = msgspec.convert(fitted, Line)
    except (RecursionError, msgspec.ValidationError):
        raise ValueError("nested too deeply") from None
    return line, fitter


# -- salvage --------------------------------------------------------------------------------------------------------

_RECORD_START = re.compile(
    rb'\{"(?:parentUuid|type|uuid|sessionId|leafUuid|isSidechain|messageId|agentId|logicalParentUuid|timestamp)"'
)
_SALVAGE_BUDGET = 64_000_000  # bytes of failed attempts per line: a line made to be slow must not be
_SPACE = b" \t\r\n"


def _object_end(text: str, start: int) -> tuple[int | None, int]:
    """Return the end of the JSON object that begins at `start`, or None, and how far the attempt looked."""
    try:
        value, end = _json_decoder.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return None, error.pos
    except (ValueError, RecursionError):
        return None, len(text)
    return (end if isinstance(value, dict) else None), end


def _is_record(data: bytes) -> bool:
    """Say whether a JSON object found inside a broken line is a line, and not a part of one."""
    try:
        value = decode_any(data)
    except ValueError:
        return False
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return False
    return "sessionId" in value or value["type"] in ("summary", "file-history-snapshot")


def leading_records(data: bytes) -> list[tuple[int, int]]:
    """Return (start, end) of the complete objects that a line begins with, up to what is not one."""
    text = data.decode("latin-1")  # one character per byte; JSON's structure is ASCII
    found: list[tuple[int, int]] = []
    position = 0
    while True:
        while position < len(data) and data[position] in _SPACE:
            position += 1
        if data[position : position + 1] != b"{":
            return found
        end, _ = _object_end(text, position)
        if end is None:
            return found
        found.append((position, end))
        position = end


def salvage(data: bytes) -> Iterator[tuple[int, int, str | None]]:
    """Split a line that is not one JSON object: yields (start, end, reason), reason None for a record.

    Records are whole objects at the start of the line (two writers appended to one file), or later ones that look
    like a line of a log (the record before them was cut). Everything else but white space is refused.
    """
    position, budget = 0, _SALVAGE_BUDGET
    text: str | None = None
    while True:
        leading = leading_records(data[position:])
        for start, end in leading:
            yield position + start, position + end, None
        position += leading[-1][1] if leading else 0
        rest = data[position:]
        start = position + len(rest) - len(rest.lstrip(_SPACE))
        stop = position + len(rest.rstrip(_SPACE))
        if start >= stop:
            return
        reason = _reason(data[start:stop])
        if reason.startswith("JSON "):
            yield start, stop, reason
            return
        text = text or data.decode("latin-1")
        for match in _RECORD_START.finditer(data, start + 1):
            end_, looked = _object_end(text, match.start())
            if end_ is not None and _is_record(data[match.start() : end_]):
                yield start, match.start(), reason
                position = match.start()
                break
            budget -= looked - match.start()
            if budget < 0:
                yield start, stop, reason
                return
        else:
            yield start, stop, reason
            return


def _reason(data: bytes) -> str:
    try:
        value = decode_any(data)
    except ValueError as error:
        if b"\0" in data and str(error).startswith("not JSON"):
            return "NUL bytes"
        return str(error)
    return f"JSON {type(value).__name__}, not an object"


# -- one line -------------------------------------------------------------------------------------------------------


def read_line(data: bytes, offset: int, length: int, line_hash: str, context: FileContext, rows: Rows) -> None:
    """Add the rows of one line to `rows`; `data` is the redacted line, `offset` and `length` those of the original.

    Raises:
        ValueError: it is not a JSON object; nothing was added. The message is a reason.
    """
    notes = None
    is_plain = True
    try:
        line = _decode_line(data)
    except _BROKEN:
        line, fitter = _decode_leniently(data)
        is_plain = False
        notes = "; ".join(fitter.notes) or None
        for path in fitter.drift:
            context.count_drift(line.type, path, line.version or context.client_version, offset)
    kind = line.type
    if kind not in KNOWN_TYPES:
        context.count_drift(kind, "", line.version or context.client_version, offset)

    session_id = line.sessionId
    if session_id is None:
        session_id = context.session_id or context.name_session_id
    else:
        context.session_id = session_id
    version = line.version
    if version is None:
        version = context.client_version
    else:
        context.client_version = version
    agent_id = line.agentId or context.name_agent_id

    subtype = line.subtype
    message = line.message
    message_id = None
    if kind == "assistant" or kind == "user":
        if type(message) is Message:
            if kind == "assistant":
                message_id = message.id
            _read_message(message, line, None, offset, session_id, agent_id, version, notes, context, rows)
    elif kind == "progress":
        progress = line.data
        if progress is not None:
            subtype = progress.type
            nested = progress.message
            if type(nested) is NestedLine and type(nested.message) is Message:
                agent = progress.agentId or agent_id
                _read_message(nested.message, line, nested, offset, session_id, agent, version, notes, context, rows)
    else:
        is_event = kind not in _NO_EVENT_TYPES
        if kind == "attachment":
            subtype = _read_attachment(line, offset, session_id, agent_id, context, rows)
            is_event = subtype not in _NO_EVENT_ATTACHMENTS
        elif kind == "queue-operation":
            subtype = line.operation
        elif kind == "system" and subtype == "local_command":
            _read_local_command(line, offset, session_id, agent_id, context, rows)
        if is_event:
            rows.events.append(
                (
                    context.file_id,
                    offset,
                    session_id,
                    agent_id,
                    line.uuid,
                    line.timestamp,
                    version,
                    kind,
                    subtype,
                    data if is_plain else _without_lone_surrogates(data),
                )
            )
    forked = line.forkedFrom
    rows.raw.append(data)
    rows.lines.append(
        (
            context.file_id,
            offset,
            length,
            line_hash,
            kind,
            subtype,
            session_id,
            agent_id,
            line.uuid,
            line.parentUuid,
            line.timestamp,
            version,
            line.isSidechain,
            line.isMeta,
            line.isCompactSummary,
            line.cwd,
            line.gitBranch,
            message_id,
            line.promptId,
            line.logicalParentUuid,
            forked.sessionId if forked is not None else line.requestSessionId,
        )
    )


# -- usage ----------------------------------------------------------------------------------------------------------


def _cache_writes(usage: Usage) -> tuple[int | None, int | None, bool, str | None]:
    """Return writes for 5 minutes, for 1 hour, whether the log splits them, and a note where the two disagree."""
    total, split = usage.cache_creation_input_tokens, usage.cache_creation
    if split is None or (split.ephemeral_5m_input_tokens is None and split.ephemeral_1h_input_tokens is None):
        return total or 0, 0, False, None
    short, long = split.ephemeral_5m_input_tokens or 0, split.ephemeral_1h_input_tokens or 0
    if total is None or total == short + long or total == 0:
        return short, long, True, None
    if total > short + long:
        return total - long, long, True, "cache_creation: less than cache_creation_input_tokens, rest taken as 5 m"
    return short, long, True, "cache_creation: more than cache_creation_input_tokens, split taken"


def _iterations(usage: Usage) -> str | None:
    """Return the sub-calls as JSON where they say more than the top level does."""
    raw = bytes(usage.iterations)
    if len(raw) < 5 or raw == b"null":
        return None
    try:
        iterations = _decode_iterations(raw)
    except _BROKEN:
        return _odd_iterations(raw)
    if len(iterations) == 1:
        one = iterations[0]
        if (
            one.input_tokens == (usage.input_tokens or 0)
            and one.output_tokens == (usage.output_tokens or 0)
            and one.cache_creation_input_tokens == (usage.cache_creation_input_tokens or 0)
            and one.cache_read_input_tokens == (usage.cache_read_input_tokens or 0)
        ):
            return None
    return raw.decode("utf-8", "replace") if iterations else None


def _odd_iterations(raw: bytes) -> str | None:
    """Return sub-calls whose figures are none, as far as they are sub-calls at all; the top level stands otherwise."""
    try:
        found = _decode_any(raw)
    except _BROKEN:
        return None
    if not isinstance(found, list):
        return None
    calls = [one for one in found if isinstance(one, dict)]
    return _encode(calls).decode("utf-8", "replace") if calls else None


def _cache_miss(raw: Raw) -> tuple[str | None, int | None]:
    if len(bytes(raw)) < 5:
        return None, None
    try:
        value = _decode_any(raw)
    except _BROKEN:
        return None, None
    reason = value.get("cache_miss_reason") if isinstance(value, dict) else None
    if not isinstance(reason, dict):
        return None, None
    kind, missed = reason.get("type"), reason.get("cache_missed_input_tokens")
    return (kind if isinstance(kind, str) else None), _count(missed)


def _cleared_tokens(raw: Raw) -> int | None:
    if len(bytes(raw)) < 5:
        return None
    try:
        value = _decode_any(raw)
    except _BROKEN:
        return None
    edits = value.get("applied_edits") if isinstance(value, dict) else None
    if not isinstance(edits, list):
        return None
    cleared = [_count(edit.get("cleared_input_tokens")) for edit in edits if isinstance(edit, dict)]
    known = [count for count in cleared if count is not None]
    return sum(known) if known else None


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKENS
    return value if is_count else None


def _read_response(
    message: Message,
    usage: Usage,
    line: Line,
    nested: NestedLine | None,
    offset: int,
    session_id: str,
    agent_id: str | None,
    version: str | None,
    notes: str | None,
    context: FileContext,
    rows: Rows,
) -> None:
    short, long, has_split, note = _cache_writes(usage)
    if note:
        notes = f"{notes}; {note}" if notes else note
    reason, missed = (None, None) if message.diagnostics is _NO_RAW else _cache_miss(message.diagnostics)
    cleared = None if message.context_management is _NO_RAW else _cleared_tokens(message.context_management)
    details, server = usage.output_tokens_details, usage.server_tool_use
    is_nested = nested is not None
    rows.responses.append(
        (
            context.file_id,
            offset,
            session_id,
            agent_id,
            True if is_nested else bool(line.isSidechain),
            is_nested,
            line.parentToolUseID,
            nested.uuid if nested else line.uuid,
            (nested.timestamp or line.timestamp) if nested else line.timestamp,
            version,
            message.id,
            nested.requestId if nested else line.requestId,
            message.model,
            message.stop_reason,
            bool((nested or line).isApiErrorMessage),
            bool(line.isAbortedMidStream),
            usage.input_tokens,
            short,
            long,
            usage.cache_read_input_tokens or 0,
            usage.output_tokens,
            details.thinking_tokens if details else None,
            has_split,
            (server.web_search_requests or 0) if server else 0,
            usage.service_tier,
            usage.speed,
            usage.inference_geo,
            None if usage.iterations is _NO_RAW else _iterations(usage),
            reason,
            missed,
            cleared,
            line.requestRef,
            notes,
        )
    )


# -- blocks ---------------------------------------------------------------------------------------------------------

_COMMAND_STARTS = (
    "<command-name>",
    "<command-message>",
    "<command-args>",
    "<local-command-stdout>",
    "<local-command-stderr>",
    "<local-command-caveat>",
    "<bash-input>",
    "<bash-stdout>",
    "<bash-stderr>",
    "<user-memory-input>",
    "Caveat: The messages below were generated by the user while running local commands",
)
_REMINDER_STARTS = (
    "<system-reminder>",
    "<ide_opened_file>",
    "<ide_selection>",
    "<ide_diagnostics>",
    "<task-notification>",
    "<post-tool-use-hook>",
    "<user-prompt-submit-hook>",
    "<session-start-hook>",
)
_INTERRUPTION = "[Request interrupted by user"
_TOOL_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
_SPAWNING_TOOLS = frozenset({"Task", "Agent", "dispatch_agent"})


def _user_text_kind(text: str, line: Line) -> str:
    if line.isCompactSummary:
        return "compact_summary"
    head = text[:120].lstrip()
    if head.startswith(_INTERRUPTION):
        return "interruption"
    if head.startswith(_COMMAND_STARTS):
        return "command"
    if line.isMeta or head.startswith(_REMINDER_STARTS):
        return "reminder"
    return "prompt"


def _preview(text: str) -> str:
    head = text[:PREVIEW_CHARS]
    return head.replace("\n", " ").replace("\r", " ").replace("\t", " ")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


_Size = tuple[int, int] | tuple[None, None]
_Spawned = tuple[str | None, str | None, str | None, str | None]
_NO_SIZE: _Size = (None, None)
_NOT_SPAWNED: _Spawned = (None, None, None, None)


class _BlockWriter:
    """Adds the blocks of one line; holds what they have in common."""

    __slots__ = ("head", "index", "message_id", "middle", "role", "rows")

    def __init__(
        self,
        rows: Rows,
        context: FileContext,
        offset: int,
        session_id: str,
        agent_id: str | None,
        line: Line,
        nested: NestedLine | None,
        message_id: str | None,
        role: str,
    ) -> None:
        is_nested = nested is not None
        self.rows = rows
        self.index = 0
        self.head = (context.file_id, offset)
        self.middle = (
            session_id,
            agent_id,
            True if is_nested else bool(line.isSidechain),
            is_nested,
            bool((nested or line).isMeta),
            line.parentToolUseID if is_nested else None,
            nested.uuid if nested else line.uuid,
            (nested.timestamp or line.timestamp) if nested else line.timestamp,
            message_id,
            role,
        )

    def add(
        self,
        kind: str,
        text: str | None,
        data: bytes | None = None,
        preview: str | None = None,
        tool_name: str | None = None,
        tool_use_id: str | None = None,
        path: str | None = None,
        range_start: int | None = None,
        range_lines: int | None = None,
        is_error: bool | None = None,
        size: _Size = _NO_SIZE,
        spawned: _Spawned = _NOT_SPAWNED,
        signature_bytes: int | None = None,
        parameters_count: int | None = None,
    ) -> None:
        """Add one block. `data` is the UTF-8 of `text`, where it is at hand."""
        rows = self.rows
        content_hash = None
        size_bytes = size_chars = 0
        if text:
            if data is None:
                data = _utf8(text)
            size_bytes = len(data)
            size_chars = len(text)
            content_hash = xxh3_128_hexdigest(data)
            if rows.seen.is_new(int(content_hash, 16)):
                rows.texts.append((content_hash, data))
            if preview is None:
                preview = _preview(text)
        own = (kind, tool_name, tool_use_id, path, range_start, range_lines, is_error, size_bytes, size_chars)
        last = (signature_bytes, parameters_count)
        rows.blocks.append(
            self.head + (self.index,) + self.middle + own + size + (content_hash, preview) + spawned + last  # noqa: RUF005
        )
        self.index += 1


def _read_message(
    message: Message,
    line: Line,
    nested: NestedLine | None,
    offset: int,
    session_id: str,
    agent_id: str | None,
    version: str | None,
    notes: str | None,
    context: FileContext,
    rows: Rows,
) -> None:
    is_assistant = (nested.type if nested else line.type) == "assistant"
    if is_assistant and message.usage is not None:
        _read_response(
            message, message.usage, line, nested, offset, session_id, agent_id, version, notes, context, rows
        )
    role = "assistant" if is_assistant else "user"
    message_id = message.id if is_assistant else None
    writer = _BlockWriter(rows, context, offset, session_id, agent_id, line, nested, message_id, role)
    content = message.content
    if type(content) is str:
        writer.add("text" if is_assistant else _user_text_kind(content, line), content)
    elif type(content) is list:
        for block in content:
            _read_block(block, is_assistant, line, nested, writer)


def _read_block(block: Block, is_assistant: bool, line: Line, nested: NestedLine | None, writer: _BlockWriter) -> None:
    kind = block.type
    if kind == "tool_result" or block.tool_use_id is not None:
        _read_tool_result(block, line if nested is None else None, writer)
    elif kind == "text":
        text = block.text or ""
        writer.add("text" if is_assistant else _user_text_kind(text, line), text)
    elif kind in _TOOL_CALLS:
        _read_tool_call(block, writer)
    elif kind == "thinking" or kind == "redacted_thinking":
        # Its JSON quotes are not part of it.
        writer.add("thinking", block.thinking, signature_bytes=max(len(bytes(block.signature)) - 2, 0))
    elif kind == "image":
        writer.add("image", None, size=_image_size(block.source))
    elif kind == "document":
        source = block.source
        text_source = source.data if source is not None and source.type == "text" else None
        writer.add("document", text_source, path=block.title)
    else:
        text = block.text or (block.content if type(block.content) is str else "")
        writer.add("text" if is_assistant else "reminder", text)


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def _whole(value: object) -> int | None:
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def _read_tool_call(block: Block, writer: _BlockWriter) -> None:
    data = bytes(block.input)
    text = data.decode("utf-8", "replace")
    try:
        parameters_count: int | None = len(_decode_parameters(data))
        arguments = _decode_tool_input(data)
    except _BROKEN:
        arguments, parameters_count = _odd_tool_input(data)
    path = arguments.file_path or arguments.notebook_path or arguments.path
    name = block.name
    spawned = _NOT_SPAWNED
    if name in _SPAWNING_TOOLS:
        prompt = arguments.prompt
        prompt_hash = xxh3_128_hexdigest(_utf8(prompt)) if prompt else None
        spawned = (None, arguments.subagent_type, arguments.description, prompt_hash)
    shown = arguments.command or arguments.pattern or arguments.query or arguments.url or arguments.skill or path
    preview = _preview(shown or arguments.description or text)
    start, count = arguments.offset, arguments.limit
    writer.add(
        "tool_call",
        text,
        data,
        preview,
        name,
        block.id,
        path,
        start,
        count,
        None,
        _NO_SIZE,
        spawned,
        None,
        parameters_count,
    )


def _odd_tool_input(data: bytes) -> tuple[_ToolInput, int | None]:
    """Return what fits of an input whose fields have other types than those of the client's own tools, and its size."""
    try:
        value = decode_any(data)
        fitted = _Fitter().fit(value, _ToolInput, "")
    except (ValueError, RecursionError):
        return _ToolInput(), None
    if not isinstance(fitted, dict):
        return _ToolInput(), None
    whole = {name: _whole(value.get(name)) for name in ("offset", "limit")}
    return msgspec.convert(fitted | whole, _ToolInput), len(value)


def _raw_text(raw: Raw) -> str | None:
    data = bytes(raw)
    if data[:1] != b'"':
        return None
    try:
        return _decode_text(data)
    except _BROKEN:
        return None


def _result_range(result: ToolUseResult) -> tuple[str | None, int | None, int | None]:
    """Return path, first line and number of lines that a file tool's result speaks of."""
    file = bytes(result.file)
    if file[:1] == b"{":
        try:
            read = _decode_read_file(file)
        except _BROKEN:
            return None, None, None
        return _text(read.filePath), _whole(read.startLine), _whole(read.numLines)
    path = _raw_text(result.filePath)
    patch = bytes(result.structuredPatch)
    if len(patch) > 2 and patch[:1] == b"[":
        try:
            hunks = _decode_hunks(patch)
        except _BROKEN:
            return path, None, None
        first = min(hunk.newStart for hunk in hunks)
        last = max(hunk.newStart + hunk.newLines for hunk in hunks)
        return path, _whole(first), _whole(last - first)
    return path, None, None


def _read_tool_result(block: Block, line: Line | None, writer: _BlockWriter) -> None:
    path = start = count = None
    spawned = _NOT_SPAWNED
    if line is not None and type(line.toolUseResult) is ToolUseResult:
        path, start, count = _result_range(line.toolUseResult)
        agent_id = _raw_text(line.toolUseResult.agentId)
        if agent_id:
            spawned = (agent_id, None, None, None)
    content = block.content
    images: list[SubBlock] = []
    if type(content) is list:
        parts = []
        for part in content:
            if part.type == "image":
                images.append(part)
            else:
                text = part.text or part.tool_name or part.url
                if text:
                    parts.append(text)
        content = "\n".join(parts)
    writer.add(
        "tool_result",
        content if type(content) is str else None,
        tool_use_id=block.tool_use_id,
        path=path,
        range_start=start,
        range_lines=count,
        is_error=bool(block.is_error),
        spawned=spawned,
    )
    for image in images:
        writer.add("image", None, tool_use_id=block.tool_use_id, path=path, size=_image_size(image.source))


# -- images ---------------------------------------------------------------------------------------------------------


def _image_size(source: MediaSource | None) -> _Size:
    if source is None or not source.data:
        return None, None
    text = source.data[:87_384]  # 64 KiB decoded: a JPEG may carry a thumbnail above its frame header
    try:
        data = base64.b64decode(text[: len(text) // 4 * 4])
    except (binascii.Error, ValueError):
        return None, None
    return image_size(data)


def image_size(data: bytes) -> _Size:
    """Return width and height in pixels from the header of a PNG, GIF, JPEG or WebP; (None, None) if it has none."""
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            width, height = struct.unpack(">II", data[16:24])
            return width, height
        if data[:6] in (b"GIF87a", b"GIF89a"):
            width, height = struct.unpack("<HH", data[6:10])
            return width, height
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
        if data[:2] == b"\xff\xd8":
            return _jpeg_size(data)
    except (struct.error, IndexError):
        pass
    return None, None


def _webp_size(data: bytes) -> _Size:
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if chunk == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None, None


def _jpeg_size(data: bytes) -> _Size:
    position = 2
    while position + 9 <= len(data):
        if data[position] != 0xFF:
            return None, None
        marker = data[position + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a frame header
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return width, height
        if marker == 0xFF:
            position += 1
            continue
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None, None


# -- attachments and local commands ---------------------------------------------------------------------------------


def _read_local_command(
    line: Line, offset: int, session_id: str, agent_id: str | None, context: FileContext, rows: Rows
) -> None:
    text = _raw_text(line.content)
    if text:
        _BlockWriter(rows, context, offset, session_id, agent_id, line, None, None, "system").add("command", text)


# Attachments that the model does not see: notes of the client to itself or to the person.
_UNSEEN_ATTACHMENTS = frozenset(
    {"hook_system_message", "hook_cancelled", "hook_non_blocking_error", "command_permissions", "prompt_snapshot"}
)
MEMORY_ATTACHMENTS = frozenset({"instructions", "nested_memory"})
LISTING_ATTACHMENTS = frozenset(
    {"skill_listing", "agent_listing_delta", "deferred_tools_delta", "mcp_instructions_delta", "command_listing"}
)
# What a hook prints reaches the model from these only; others speak to it through hook_additional_context or a refusal.
_HOOKS_HEARD = frozenset({"SessionStart", "UserPromptSubmit"})


def _read_attachment(
    line: Line, offset: int, session_id: str, agent_id: str | None, context: FileContext, rows: Rows
) -> str | None:
    """Add the text an attachment brings before the model; returns its type."""
    raw = bytes(line.attachment)
    try:
        head = _decode_attachment_head(raw)
        kind = head.type
        is_unheard = kind == "hook_success" and head.hookEvent is not None and head.hookEvent not in _HOOKS_HEARD
        if kind in _UNSEEN_ATTACHMENTS or (is_unheard and not bytes(line.rendered)):
            return kind
        value = _decode_any(raw)
        rendered = _decode_any(line.rendered) if bytes(line.rendered) else None
    except _BROKEN:
        return None
    writer = _BlockWriter(rows, context, offset, session_id, agent_id, line, None, None, "attachment")
    path = _text(value.get("filename")) or _text(value.get("path"))
    start, count = _whole(value.get("lineStart")), None
    end = _whole(value.get("lineEnd"))
    if start is not None and end is not None:
        count = end - start + 1
    block_kind = attachment_kind(kind or "")
    if kind == "queued_command" and value.get("commandMode", "prompt") == "prompt":
        block_kind = "prompt"
    texts = _rendered_texts(rendered) or _attachment_texts(value)
    content = value.get("content")
    if isinstance(content, dict) and isinstance(content.get("file"), dict):
        file = content["file"]
        start, count = _whole(file.get("startLine")), _whole(file.get("numLines"))
    for text in texts:
        writer.add(block_kind, text, path=path, range_start=start, range_lines=count)
    return kind


def attachment_kind(name: str) -> str:
    """Return the kind of block that an attachment of this name brings: memory, listing or reminder."""
    if name in MEMORY_ATTACHMENTS:
        return "memory"
    return "listing" if name in LISTING_ATTACHMENTS else "reminder"


def _rendered_texts(rendered: Any) -> list[str]:
    if not isinstance(rendered, list):
        return []
    texts = []
    for item in rendered:
        content = item.get("content") if isinstance(item, dict) else item
        if isinstance(content, list):
            content = "\n".join(part["text"] for part in content if isinstance(part, dict) and _text(part.get("text")))
        if isinstance(content, str) and content:
            texts.append(content)
    return texts


def _memory_text(file: Any) -> str | None:
    """Return a memory file as the client shows it, under a line that names it."""
    if not isinstance(file, dict) or not isinstance(file.get("content"), str):
        return None
    path = _text(file.get("path"))
    return f"Contents of {path}:\n\n{file['content']}" if path else str(file["content"])


def _joined(value: Any) -> str | None:
    """Return text, or a list of texts or text blocks joined; objects as JSON."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, list) and value:
        parts = []
        for item in value:
            if isinstance(item, str):
                parts.append(item)
            elif isinstance(item, dict) and isinstance(item.get("text"), str):
                parts.append(item["text"])
            else:
                parts.append(_encode(item).decode("utf-8", "replace"))
        return "\n".join(parts)
    return None


def _attachment_texts(value: dict[str, Any]) -> list[str]:
    content = value.get("content")
    if isinstance(content, dict):
        file = content.get("file")
        content = file.get("content") if isinstance(file, dict) else _memory_text(content)
    files = value.get("files")
    if isinstance(files, list) and value.get("type") in MEMORY_ATTACHMENTS:
        shown = "\n\n".join(filter(None, map(_memory_text, files)))
        return [shown] if shown else []
    for candidate in (
        content,
        value.get("prompt"),
        value.get("snippet"),
        value.get("addedLines"),
        value.get("addedBlocks"),
        value.get("text"),
        value.get("banner"),
        value.get("files"),
        value.get("blockingError"),
        value.get("newDate"),
        value.get("date"),
    ):
        text = _joined(candidate)
        if text:
            return [text]
    return []
