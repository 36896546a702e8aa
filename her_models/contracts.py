"""Every table of the lake, once: columns, types, units, meaning, key and grain.

What belongs here: the shape of tables. What does not: how they are filled (`staging`, `sql/`) or where
they lie (`lake`). Names are stable; columns may be added.

Layers:
    control  written by the ingest itself (which sources, which files, which runs)
    staged   Parquet written by workers, one row per thing found on a line; nothing is judged yet
    mart     built by one SQL model of the same name in `sql/marts/`, per source, for the sessions that changed
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Layer = Literal["control", "staged", "mart"]


@dataclass(frozen=True)
class Column:
    """One column: DuckDB type, and what it means with its unit."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class Table:
    """One table. `grain` says what one row is, `key` which columns identify it."""

    name: str
    layer: Layer
    grain: str
    key: tuple[str, ...]
    columns: tuple[Column, ...] = field(repr=False)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def ddl(self, schema: str = "") -> str:
        """Return the `create table if not exists` statement, in DuckDB's dialect."""
        prefix = f"{schema}." if schema else ""
        body = ",\n    ".join(f"{c.name} {c.type}" for c in self.columns)
        return f"create table if not exists {prefix}{self.name} (\n    {body}\n)"


def _table(name: str, layer: Layer, grain: str, key: str, *columns: str) -> Table:
    """Read columns written as `name TYPE  meaning`."""
    parsed = []
    for text in columns:
        head, _, meaning = text.partition("  ")
        column, _, kind = head.partition(" ")
        parsed.append(Column(column, kind, meaning.strip()))
    return Table(name, layer, grain, tuple(key.split(", ")), tuple(parsed))


SOURCES = _table(
    "sources", "control", "one person's logs on one machine", "source_id",
    "source_id VARCHAR  owner@host; the shard key of every table",
    "owner VARCHAR  person whose logs these are",
    "host VARCHAR  machine they were written on",
    "path VARCHAR  where they were last read from",
    "first_seen_at TIMESTAMPTZ  first run that read this source",
    "last_seen_at TIMESTAMPTZ  last run that read this source",
)

SOURCE_FILES = _table(
    "source_files", "control", "generation of a log file", "file_id",
    "source_id VARCHAR  source the file belongs to",
    "file_id BIGINT  identity: hash of source, path and generation",
    "path VARCHAR  path below the root, with forward slashes",
    "root VARCHAR  folder the path is relative to, as last read",
    "generation INTEGER  0 for the first content seen under this path, +1 whenever consumed bytes changed",
    "is_current BOOLEAN  the generation that counts; earlier ones stay for the audit",
    "status VARCHAR  ok, empty, unsupported, unreadable, or gone (no longer on disk)",
    "apparent_kind VARCHAR  what the content looks like: claude-code, codex, copilot, stream-json, ...",
    "size_bytes BIGINT  size on disk when last looked at",
    "modified_ns BIGINT  mtime in nanoseconds when last looked at",
    "consumed_bytes BIGINT  bytes that are in the lake or refused; what follows is a half-written line",
    "lines_count BIGINT  lines in `lines`",
    "blank_count BIGINT  lines with white space only, which carry nothing",
    "filler_bytes BIGINT  newlines, blank lines, white space around records: lines + refused + filler = consumed_bytes",
    "refused_count BIGINT  rows in `refused_lines`",
    "last_session_id VARCHAR  session id in force after the last consumed line",
    "last_version VARCHAR  client version in force after the last consumed line",
    "head_fingerprint VARCHAR  hash of the first consumed block",
    "tail_fingerprint VARCHAR  hash of the last consumed block",
    "first_seen_at TIMESTAMPTZ  when this generation was first read",
    "last_read_at TIMESTAMPTZ  when bytes were last read",
    "run_id VARCHAR  run that last changed this row",
)

LINES = _table(
    "lines", "staged", "complete JSON object on a line of a file", "file_id, offset_bytes",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "offset_bytes BIGINT  where the object begins in the original file",
    "length_bytes BIGINT  its length in the original file, without the newline",
    "line_hash VARCHAR  keyed 128-bit hash of the original bytes, hexadecimal",
    "type VARCHAR  line type as logged",
    "subtype VARCHAR  system subtype, attachment type, progress kind, or queue operation",
    "session_id VARCHAR  as logged; else the last one seen in the file; else the file's name",
    "agent_id VARCHAR  subagent that wrote the line, if any",
    "uuid VARCHAR  identity of the line, where it has one",
    "parent_uuid VARCHAR  line this one follows",
    "logged_at TIMESTAMPTZ  timestamp of the line",
    "client_version VARCHAR  as logged; else the last one seen in the file",
    "is_sidechain BOOLEAN  written by a subagent",
    "is_meta BOOLEAN  made by the client, not typed by a person",
    "is_compact_summary BOOLEAN  the summary that replaced a compacted context",
    "cwd VARCHAR  working directory",
    "git_branch VARCHAR  branch checked out then",
    "message_id VARCHAR  API message id of an assistant line",
    "prompt_id VARCHAR  prompt the line belongs to, where the client says so",
    "logical_parent_uuid VARCHAR  line before a compaction boundary",
    "forked_from_session_id VARCHAR  session a copied line came from, where the client says so",
    "raw VARCHAR  the line, redacted, as JSON",
)

RESPONSE_LINES = _table(
    "response_lines", "staged", "assistant message with usage found on a line", "file_id, offset_bytes",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "offset_bytes BIGINT  line",
    "session_id VARCHAR  session of the line",
    "agent_id VARCHAR  subagent, if any",
    "is_sidechain BOOLEAN  written by a subagent",
    "is_nested BOOLEAN  found inside a progress line of the parent, not on a line of its own",
    "parent_tool_use_id VARCHAR  tool call a nested response belongs to",
    "uuid VARCHAR  uuid of the line or of the nested message",
    "logged_at TIMESTAMPTZ  timestamp of the line or of the nested message",
    "client_version VARCHAR  client that wrote it",
    "message_id VARCHAR  API message id; null when absent",
    "api_request_id VARCHAR  requestId, where logged; never part of a key",
    "model VARCHAR  as logged",
    "stop_reason VARCHAR  null while the response streams, or for ever when it broke",
    "is_api_error BOOLEAN  text made by the client for a failed call; never billed",
    "is_aborted BOOLEAN  the client says it was cut in mid-stream",
    "uncached_input_tokens BIGINT  input_tokens",
    "cache_write_5m_tokens BIGINT  written for five minutes; all writes where the log has no split",
    "cache_write_1h_tokens BIGINT  written for an hour",
    "cache_read_tokens BIGINT  read from cache",
    "output_tokens BIGINT  as logged on this line; a placeholder in many versions",
    "thinking_tokens BIGINT  part of the output, where logged",
    "has_write_split BOOLEAN  the log says which writes were 5m and 1h",
    "web_search_count BIGINT  billed server-side searches",
    "service_tier VARCHAR  as logged",
    "speed VARCHAR  as logged: standard or fast",
    "inference_geo VARCHAR  as logged",
    "iterations VARCHAR  JSON list of sub-calls, only where it differs from the top level; else null",
    "cache_miss_reason VARCHAR  diagnostics.cache_miss_reason.type, where logged",
    "cache_missed_tokens BIGINT  diagnostics' own magnitude, not a billing number",
    "cleared_input_tokens BIGINT  context_management.applied_edits cleared, where logged",
    "request_ref VARCHAR  api-request line that asked for it, from 2.1.300",
    "usage_note VARCHAR  what had to be coerced in usage, if anything; else null",
)

BLOCK_LINES = _table(
    "block_lines", "staged", "content block found on a line", "file_id, offset_bytes, block_index",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "offset_bytes BIGINT  line",
    "block_index INTEGER  position on its line, from 0",
    "session_id VARCHAR  session of the line",
    "agent_id VARCHAR  subagent, if any",
    "is_sidechain BOOLEAN  written by a subagent",
    "is_nested BOOLEAN  found inside a progress line of the parent",
    "is_meta BOOLEAN  made by the client, not typed by a person",
    "parent_tool_use_id VARCHAR  tool call a nested block belongs to",
    "uuid VARCHAR  uuid of the line or of the nested message",
    "logged_at TIMESTAMPTZ  timestamp of the line or of the nested message",
    "message_id VARCHAR  API message id, for assistant blocks",
    "role VARCHAR  user, assistant, system or attachment",
    "kind VARCHAR  prompt, thinking, text, tool_call, tool_result, image, document, reminder, compact_summary, command, interruption",
    "tool_name VARCHAR  tool called (on the call; results carry it after joining)",
    "tool_use_id VARCHAR  id that joins call and result",
    "path VARCHAR  file the call names, where it names one",
    "range_start BIGINT  first line read or written, from 1, where the call or its result says so",
    "range_lines BIGINT  number of lines, where the call or its result says so",
    "is_error BOOLEAN  a tool result flagged as an error",
    "text_bytes BIGINT  UTF-8 bytes of the text the model saw, after redaction",
    "text_chars BIGINT  characters of it",
    "image_width BIGINT  pixels, where the header could be read",
    "image_height BIGINT  pixels",
    "content_hash VARCHAR  xxh3-128 of the text, key of `contents`; null when there is no text",
    "preview VARCHAR  first 200 characters on one line",
    "spawned_agent_id VARCHAR  on a tool result: subagent it reports on (toolUseResult.agentId), where logged",
    "spawned_agent_type VARCHAR  on a call that starts a subagent: the type it asks for (input.subagent_type)",
    "spawned_description VARCHAR  on a call that starts a subagent: its description (input.description)",
    "spawned_prompt_hash VARCHAR  on a call that starts a subagent: hash of input.prompt, made as content_hash is",
    "signature_bytes BIGINT  length of a thinking block's signature, which grows with the thinking it stands for",
    "parameters_count BIGINT  top-level parameters of a tool call",
)

CONTENTS = _table(
    "contents", "staged", "distinct text of a source", "source_id, content_hash",
    "source_id VARCHAR  shard",
    "content_hash VARCHAR  xxh3-128 of the text",
    "text_bytes BIGINT  UTF-8 bytes",
    "text VARCHAR  redacted text",
)

EVENT_LINES = _table(
    "event_lines", "staged", "line that is neither message nor tool output but says something about a session",
    "file_id, offset_bytes",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "offset_bytes BIGINT  line",
    "session_id VARCHAR  session of the line",
    "agent_id VARCHAR  subagent, if any",
    "uuid VARCHAR  uuid of the line",
    "logged_at TIMESTAMPTZ  timestamp of the line",
    "client_version VARCHAR  client that wrote it",
    "type VARCHAR  summary, ai-title, custom-title, system, attachment, cost-state, api-request, ...",
    "subtype VARCHAR  compact_boundary, turn_duration, api_error, skill_listing, ...",
    "payload VARCHAR  the redacted line as JSON",
)

REFUSED_LINES = _table(
    "refused_lines", "staged", "refused bytes", "file_id, offset_bytes",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "offset_bytes BIGINT  where they begin in the original file",
    "length_bytes BIGINT  how many",
    "reason VARCHAR  what was found",
    "sample VARCHAR  the redacted bytes as text (invalid UTF-8 replaced), whole",
)

REDACTIONS = _table(
    "redactions", "staged", "redacted span", "file_id, offset_bytes, span_index",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "offset_bytes BIGINT  line",
    "span_index INTEGER  position among the spans of its line, from 0",
    "rule VARCHAR  which rule",
    "fingerprint VARCHAR  keyed hash of the secret, equal for equal secrets; never the secret",
)

SCHEMA_DRIFT = _table(
    "schema_drift", "staged", "unknown line type or field, per file and client version",
    "file_id, first_offset_bytes, field_path",
    "source_id VARCHAR  shard",
    "file_id BIGINT  file generation",
    "first_offset_bytes BIGINT  line where this read first met it",
    "line_type VARCHAR  type of the line",
    "field_path VARCHAR  dotted path of the unknown field; empty for an unknown type",
    "client_version VARCHAR  client that wrote it",
    "occurrence_count BIGINT  how often in this read of the file",
)

INGEST_RUNS = _table(
    "ingest_runs", "control", "run of the ingest over one source", "run_id, source_id",
    "run_id VARCHAR  identity of the run",
    "source_id VARCHAR  shard",
    "started_at TIMESTAMPTZ  start",
    "finished_at TIMESTAMPTZ  when its transaction was about to commit",
    "files_seen_count BIGINT  files looked at",
    "files_read_count BIGINT  files of which bytes were read",
    "bytes_read BIGINT  log bytes read",
    "lines_count BIGINT  new rows of `lines`",
    "refused_count BIGINT  new rows of `refused_lines`",
    "redaction_count BIGINT  new rows of `redactions`",
    "requests_count BIGINT  rows of `requests` of the sessions rebuilt",
    "sessions_count BIGINT  sessions rebuilt",
    "stage_seconds DOUBLE  reading, parsing, redacting, writing Parquet",
    "model_seconds DOUBLE  SQL models and publication",
    "cpu_seconds DOUBLE  all processes",
    "peak_memory_bytes BIGINT  largest sum of resident memory seen",
    "marts_version VARCHAR  what the marts hang on beside the logs: SQL, contract, prices, time zone, as a hash",
)

DATA_QUALITY = _table(
    "data_quality", "mart", "check of a source", "source_id, check_name",
    "source_id VARCHAR  shard",
    "check_name VARCHAR  which check",
    "severity VARCHAR  critical or warning",
    "is_ok BOOLEAN  whether it held",
    "failing_count BIGINT  rows or units that break it",
    "checked_at TIMESTAMPTZ  when",
    "detail VARCHAR  what was found and what to do",
)

PRICES = _table(
    "prices", "control", "price of a model, period, speed, geography, tier and prompt band",
    "model, speed, geography, tier, valid_from, prompt_above_tokens",
    "model VARCHAR  model as logged",
    "canonical_model VARCHAR  the model's own name; null when unknown",
    "speed VARCHAR  standard or fast",
    "geography VARCHAR  global or us",
    "tier VARCHAR  standard or batch",
    "valid_from TIMESTAMPTZ  first instant of this price, inclusive",
    "valid_to TIMESTAMPTZ  end of this price, exclusive; null while in force",
    "prompt_above_tokens BIGINT  the row holds for prompts longer than this; 0 for the first band",
    "input_picodollars BIGINT  per token; 10^12 picodollars are one US dollar",
    "cache_write_5m_picodollars BIGINT  per token",
    "cache_write_1h_picodollars BIGINT  per token",
    "cache_read_picodollars BIGINT  per token",
    "output_picodollars BIGINT  per token",
    "web_search_picodollars BIGINT  per search",
    "standard_input_picodollars BIGINT  per token at standard speed, global, first band, same day",
    "standard_cache_write_5m_picodollars BIGINT  per token, likewise",
    "standard_cache_write_1h_picodollars BIGINT  per token, likewise",
    "standard_cache_read_picodollars BIGINT  per token, likewise",
    "standard_output_picodollars BIGINT  per token, likewise",
    "price_id VARCHAR  which row of which list, for whoever wants to check",
)

SESSIONS = _table(
    "sessions", "mart", "session", "source_id, session_id",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session",
    "owner VARCHAR  person",
    "project VARCHAR  last part of the first working directory",
    "project_path VARCHAR  first working directory",
    "git_branch VARCHAR  branch seen last",
    "title VARCHAR  custom title, else the client's, else the first prompt's first words",
    "started_at TIMESTAMPTZ  first own line",
    "ended_at TIMESTAMPTZ  last own line",
    "first_version VARCHAR  lowest client version",
    "last_version VARCHAR  highest client version",
    "models VARCHAR[]  models that answered, by tokens",
    "forked_from_session_id VARCHAR  session whose history stands copied at its start",
    "files_count BIGINT  files that hold lines of it",
    "lines_count BIGINT  lines in current files",
    "turns_count BIGINT  own turns",
    "requests_count BIGINT  responses billed here",
    "inherited_requests_count BIGINT  responses copied here from another session: context, not cost",
    "tool_calls_count BIGINT  tool calls made here",
    "tool_errors_count BIGINT  tool results flagged as errors",
    "agents_count BIGINT  subagents",
    "compactions_count BIGINT  compactions",
    "uncached_input_tokens BIGINT  sum over requests",
    "cache_write_5m_tokens BIGINT  sum over requests",
    "cache_write_1h_tokens BIGINT  sum over requests",
    "cache_read_tokens BIGINT  sum over requests",
    "output_tokens BIGINT  sum over requests, as logged",
    "peak_context_tokens BIGINT  longest prompt of the main thread",
    "billed_usd DECIMAL(38,12)  sum over priced requests; null when none is priced",
    "unpriced_requests_count BIGINT  requests whose model has no price",
    "floor_requests_count BIGINT  requests whose output is only a lower bound",
    "completeness VARCHAR  complete, or floor (some output is a lower bound), or unpriced (some model has no price)",
)

TURNS = _table(
    "turns", "mart", "external prompt up to the next", "source_id, session_id, turn_index",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session",
    "turn_index BIGINT  position in its session, from 0; -1 holds what came before the first prompt",
    "prompt_uuid VARCHAR  line of the prompt",
    "file_id BIGINT  file of the prompt",
    "offset_bytes BIGINT  line of the prompt",
    "prompt VARCHAR  first 2,000 characters of the prompt",
    "prompt_hash VARCHAR  key of `contents` for the whole prompt",
    "is_inherited BOOLEAN  copied here from another session: not counted, not paid here",
    "started_at TIMESTAMPTZ  time of the prompt",
    "ended_at TIMESTAMPTZ  last line before the next prompt",
    "requests_count BIGINT  responses billed in the turn, its subagents included",
    "tool_calls_count BIGINT  tool calls in the turn",
    "tool_errors_count BIGINT  tool results flagged as errors",
    "uncached_input_tokens BIGINT  sum over requests",
    "cache_write_5m_tokens BIGINT  sum over requests",
    "cache_write_1h_tokens BIGINT  sum over requests",
    "cache_read_tokens BIGINT  sum over requests",
    "output_tokens BIGINT  sum over requests, as logged",
    "peak_context_tokens BIGINT  longest prompt of the main thread in the turn",
    "incurred_usd DECIMAL(38,12)  billed in the turn; null when nothing in it is priced",
)

REQUESTS = _table(
    "requests", "mart", "billed response", "source_id, request_id",
    "source_id VARCHAR  shard",
    "request_id VARCHAR  message id; file and offset where a response has none",
    "session_id VARCHAR  session that owns (paid for) it",
    "owner VARCHAR  person",
    "project VARCHAR  as in `sessions`",
    "turn_index BIGINT  turn it was billed in",
    "request_index BIGINT  position in its session by time, from 0",
    "agent_id VARCHAR  subagent that made it; null on the main thread",
    "is_sidechain BOOLEAN  made by a subagent",
    "file_id BIGINT  file that owns it: the one with the earliest copy",
    "offset_bytes BIGINT  its first line there",
    "model VARCHAR  as logged",
    "canonical_model VARCHAR  the model's own name; null when unknown",
    "client_version VARCHAR  client",
    "git_branch VARCHAR  branch checked out then",
    "started_at TIMESTAMPTZ  timestamp of its earliest copy",
    "uncached_input_tokens BIGINT  billed at the input price",
    "cache_write_5m_tokens BIGINT  written to cache for five minutes",
    "cache_write_1h_tokens BIGINT  written to cache for an hour",
    "cache_read_tokens BIGINT  read from cache",
    "output_tokens BIGINT  largest figure logged",
    "thinking_tokens BIGINT  part of output_tokens, where logged",
    "web_search_count BIGINT  billed searches",
    "prompt_tokens BIGINT  uncached + writes + reads of the last iteration: size of the context",
    "speed VARCHAR  standard or fast",
    "geography VARCHAR  global or us",
    "tier VARCHAR  standard or batch",
    "stop_reason VARCHAR  why it ended; null when no line says",
    "is_output_floor BOOLEAN  no line says how it ended, or it was cut: its output is a lower bound",
    "copies_count BIGINT  lines that repeat it, in all files",
    "billed_picodollars BIGINT  exact; null when unpriced",
    "billed_usd DECIMAL(38,12)  the same in US dollars",
    "price_id VARCHAR  row of `prices`",
    "cache_miss_reason VARCHAR  the client's own diagnosis, where logged",
    "lineage_index BIGINT  lineage of its thread that it belongs to, from 0",
    "lineage_truth VARCHAR  where order and content of its prompt come from: exact, snapshot or inferred",
    "previous_request_id VARCHAR  request before it in its thread",
    "previous_cached_tokens BIGINT  what that request had read and written: this one should read at least as much",
    "expected_read_tokens BIGINT  what should have been read from cache",
    "missed_tokens BIGINT  part of it that was not",
    "content_usd DECIMAL(38,12)  content lane: at standard prices, expected reads as reads; null when unpriced",
    "cache_excess_usd DECIMAL(38,12)  cache lane: what missing the cache cost on top",
    "premium_usd DECIMAL(38,12)  premium lane: what speed, geography and the long-context band cost on top",
    "fees_usd DECIMAL(38,12)  fees of server-side tools; the four add up to billed_usd",
    "output_estimated_tokens BIGINT  best estimate of the output; equals output_tokens where the log is credible",
    "output_low_tokens BIGINT  lower end of its interval",
    "output_high_tokens BIGINT  upper end of its interval",
    "is_output_logged BOOLEAN  the logged output is credible and stands",
    "estimated_usd DECIMAL(38,12)  best estimate of the bill: billed_usd and the output that the log lost",
)

BLOCKS = _table(
    "blocks", "mart", "content block of a session, each once however many lines repeat it",
    "source_id, session_id, block_index",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session",
    "block_index BIGINT  position in its session by time and place, from 0",
    "turn_index BIGINT  turn",
    "file_id BIGINT  line it stands on",
    "offset_bytes BIGINT  line it stands on",
    "line_block_index INTEGER  position on that line",
    "uuid VARCHAR  uuid of the line",
    "agent_id VARCHAR  subagent, if any",
    "is_sidechain BOOLEAN  belongs to a subagent",
    "is_inherited BOOLEAN  copied here from another session: context, not cost",
    "request_id VARCHAR  response it was part of, for assistant blocks",
    "logged_at TIMESTAMPTZ  time",
    "role VARCHAR  user, assistant, system or attachment",
    "kind VARCHAR  as in `block_lines`",
    "tool_name VARCHAR  tool, on calls and results",
    "tool_use_id VARCHAR  joins call and result",
    "mcp_server VARCHAR  server of an mcp__ tool",
    "path VARCHAR  file the call names, on calls and results",
    "range_start BIGINT  first line, from 1",
    "range_lines BIGINT  number of lines",
    "is_error BOOLEAN  a result flagged as an error",
    "text_bytes BIGINT  UTF-8 bytes",
    "text_chars BIGINT  characters",
    "image_width BIGINT  pixels",
    "image_height BIGINT  pixels",
    "content_hash VARCHAR  key of `contents`",
    "preview VARCHAR  first 200 characters",
    "signature_bytes BIGINT  length of a thinking block's signature",
    "parameters_count BIGINT  top-level parameters of a tool call",
    "label VARCHAR  name of a block that no line shows: the tool of a schema, the kind of a reminder",
    "lineage_index BIGINT  lineage of its thread that brought it in; null when no prompt ever held it",
    "size_tokens BIGINT  tokens it took in the first prompt that held it; null when none did",
    "size_class VARCHAR  exact (bound by growth alone), estimated (shared growth) or residual (what no line shows)",
    "size_low_tokens BIGINT  lower end of its interval",
    "size_high_tokens BIGINT  upper end of its interval",
    "first_request_id VARCHAR  first request whose prompt held it",
    "last_request_id VARCHAR  last request whose prompt held it",
    "carried_requests_count BIGINT  prompts that held it whole",
    "cache_read_tokens BIGINT  its tokens over all prompts, read from cache",
    "cache_write_1h_tokens BIGINT  likewise, written for an hour",
    "cache_write_5m_tokens BIGINT  likewise, written for five minutes",
    "uncached_tokens BIGINT  likewise, at the input price",
    "missed_tokens BIGINT  part of them that should have been read from cache",
    "output_tokens BIGINT  output billed for writing it, as logged",
    "unlogged_output_tokens BIGINT  output that the log lost, best estimate",
    "content_usd DECIMAL(38,12)  its prompts' tokens in the content lane",
    "cache_excess_usd DECIMAL(38,12)  in the cache lane",
    "premium_usd DECIMAL(38,12)  in the premium lane, output included",
    "output_usd DECIMAL(38,12)  output at standard prices",
    "lifetime_usd DECIMAL(38,12)  all of it: what it cost from first to last; null when its session has no price",
    "unlogged_output_usd DECIMAL(38,12)  best estimate of what the lost output cost on top",
)

REQUEST_CONTEXT = _table(
    "request_context", "mart", "request x kind of content", "source_id, request_id, kind",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session that paid",
    "request_id VARCHAR  request",
    "kind VARCHAR  kind of content, as in `blocks`, and system, tool_schema, hidden",
    "cache_read_tokens BIGINT  prompt tokens of the kind, read from cache",
    "cache_write_1h_tokens BIGINT  written for an hour",
    "cache_write_5m_tokens BIGINT  written for five minutes",
    "uncached_tokens BIGINT  at the input price",
    "missed_tokens BIGINT  part of them that should have been read from cache",
    "output_tokens BIGINT  output of the kind, as logged",
    "content_usd DECIMAL(38,12)  content lane, output included; null when unpriced",
    "cache_excess_usd DECIMAL(38,12)  cache lane",
    "premium_usd DECIMAL(38,12)  premium lane, output included",
)

CACHE_MISSES = _table(
    "cache_misses", "mart", "request that missed its cache", "source_id, request_id",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session that paid",
    "owner VARCHAR  person",
    "project VARCHAR  project",
    "request_id VARCHAR  request",
    "turn_index BIGINT  turn",
    "agent_id VARCHAR  subagent, if any",
    "started_at TIMESTAMPTZ  time",
    "model VARCHAR  as logged",
    "client_version VARCHAR  client",
    "label VARCHAR  K1 expiry, K2 changed prefix, K3 resume or fork, K4 prefix not shared, K5 unexplained",
    "cause VARCHAR  what exactly",
    "confidence VARCHAR  exact, estimated or heuristic: how sure the label is",
    "evidence VARCHAR  diagnosis, structure or time: what the label rests on",
    "missed_tokens BIGINT  tokens that should have been read from cache",
    "excess_usd DECIMAL(38,12)  what they cost on top; null when unpriced",
    "age_seconds DOUBLE  since the prefix was last touched",
    "lifetime_seconds DOUBLE  of the entry last written",
    "previous_request_id VARCHAR  request that had cached them",
)

LINEAGES = _table(
    "lineages", "mart", "run of requests that extend each other", "source_id, session_id, thread_id, lineage_index",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session",
    "thread_id VARCHAR  subagent; empty on the main thread",
    "lineage_index BIGINT  position in its thread, from 0",
    "cut VARCHAR  why it began: start, compact, clear, rewind or collapse",
    "truth VARCHAR  where order and content come from: exact, snapshot or inferred",
    "first_request_id VARCHAR  first request",
    "last_request_id VARCHAR  last request",
    "requests_count BIGINT  requests, copied ones included",
    "segments_count BIGINT  runs in which no block changed its size",
    "shrinks_count BIGINT  times the prompt lost tokens without a cut",
    "static_tokens BIGINT  system prompt and tools at its beginning",
)

DAILY_COST = _table(
    "daily_cost", "mart", "day x owner x project x model", "source_id, day_on, project, model",
    "source_id VARCHAR  shard",
    "day_on DATE  day in the configured time zone",
    "owner VARCHAR  person",
    "project VARCHAR  project",
    "model VARCHAR  model as logged",
    "requests_count BIGINT  billed responses",
    "sessions_count BIGINT  sessions with a billed response that day",
    "uncached_input_tokens BIGINT  sum",
    "cache_write_5m_tokens BIGINT  sum",
    "cache_write_1h_tokens BIGINT  sum",
    "cache_read_tokens BIGINT  sum",
    "output_tokens BIGINT  sum, as logged",
    "billed_usd DECIMAL(38,12)  sum over priced requests; null when none is priced",
    "unpriced_requests_count BIGINT  requests whose model has no price",
    "floor_requests_count BIGINT  requests whose output is a lower bound",
)

TOOL_COST = _table(
    "tool_cost", "mart", "session x tool", "source_id, session_id, tool_name",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session",
    "owner VARCHAR  person",
    "project VARCHAR  project",
    "tool_name VARCHAR  tool",
    "mcp_server VARCHAR  server of an mcp__ tool",
    "calls_count BIGINT  calls made here",
    "errors_count BIGINT  results flagged as errors",
    "call_bytes BIGINT  bytes of the inputs the model wrote",
    "result_bytes BIGINT  bytes of the results the model saw",
    "requests_count BIGINT  responses that called it",
    "requesting_usd DECIMAL(38,12)  share of the cost of those responses, divided equally over their calls",
)

AGENT_COST = _table(
    "agent_cost", "mart", "session x subagent; the main thread has the empty agent_id",
    "source_id, session_id, agent_id",
    "source_id VARCHAR  shard",
    "session_id VARCHAR  session",
    "owner VARCHAR  person",
    "project VARCHAR  project",
    "agent_id VARCHAR  subagent; empty for the main thread",
    "agent_type VARCHAR  type named in the call that started it, where found",
    "description VARCHAR  description given in that call",
    "tool_use_id VARCHAR  call that started it, where found",
    "started_at TIMESTAMPTZ  first request",
    "ended_at TIMESTAMPTZ  last request",
    "models VARCHAR[]  models that answered",
    "requests_count BIGINT  billed responses",
    "uncached_input_tokens BIGINT  sum",
    "cache_write_5m_tokens BIGINT  sum",
    "cache_write_1h_tokens BIGINT  sum",
    "cache_read_tokens BIGINT  sum",
    "output_tokens BIGINT  sum, as logged",
    "billed_usd DECIMAL(38,12)  sum over priced requests; null when none is priced",
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SOURCES, SOURCE_FILES, LINES, RESPONSE_LINES, BLOCK_LINES, CONTENTS, EVENT_LINES, REFUSED_LINES,
        REDACTIONS, SCHEMA_DRIFT, INGEST_RUNS, PRICES, SESSIONS, TURNS, REQUESTS, BLOCKS, REQUEST_CONTEXT, CACHE_MISSES, LINEAGES, DAILY_COST,
        TOOL_COST, AGENT_COST, DATA_QUALITY,
    )
}
