"""Stages small logs in tests, run after run, and keeps what a lake would keep."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from her_models.config import Config, Source
from her_models.sources import FileState, SourcePlan, plan_source
from her_models.staging import StagedShard, fingerprint_key, stage

Row = dict[str, Any]
RUN_COLUMNS = ("modified_ns", "run_id", "first_seen_at", "last_read_at", "root")


class Staged:
    """What staging a source gave so far: rows by table, the manifest, the last shard."""

    def __init__(self, folder: Path, *, redaction: str = "off", workers: int = 0) -> None:
        self.config = Config(home=folder / "home", redaction=redaction, workers=workers)
        self.config.home.mkdir(parents=True, exist_ok=True)
        self.files: dict[int, FileState] = {}
        self.tables: dict[str, list[Row]] = {}
        self.runs = 0
        self.shard: StagedShard | None = None

    @property
    def manifest(self) -> dict[str, FileState]:
        return {state.path: state for state in self.files.values() if state.is_current}

    def plan(self, path: Path) -> SourcePlan:
        source = Source("ada", "laptop", path)
        return plan_source(source, self.manifest, key=fingerprint_key(self.config))

    def run(self, path: Path) -> SourcePlan:
        """Stage what is new below `path`."""
        plan = self.plan(path)
        self.runs += 1
        out = self.config.home / f"out{self.runs}"
        out.mkdir()
        self.shard = stage(plan, out, self.config, run_id=f"run{self.runs}")
        names = {one.name for one in fields(FileState)}
        for row in self.shard.files.to_pylist():
            self.files[row["file_id"]] = FileState(**{name: row[name] for name in names})
        for name, paths in self.shard.tables.items():
            for parquet in paths:
                self.tables.setdefault(name, []).extend(pq.read_table(parquet).to_pylist())
        return plan

    def rows(self, table: str) -> list[Row]:
        """Return the rows of current files, in order of the bytes they come from."""
        current = {state.file_id for state in self.files.values() if state.is_current}
        rows = [row for row in self.tables.get(table, []) if row["file_id"] in current]
        return sorted(rows, key=lambda row: tuple(value for name, value in row.items() if name in _ORDER))

    def texts(self) -> dict[str, str]:
        return {row["content_hash"]: row["text"] for row in self.tables.get("contents", [])}

    def states(self) -> list[Row]:
        """Return the current rows of `source_files` without what differs from run to run."""
        return [
            {one.name: getattr(state, one.name) for one in fields(state) if one.name not in RUN_COLUMNS}
            for _, state in sorted(self.manifest.items())
        ]


_ORDER = ("file_id", "offset_bytes", "block_index", "span_index", "first_offset_bytes")


def line(kind: str = "user", **more: Any) -> bytes:
    """Return one line of a log, without a newline."""
    row = {
        "parentUuid": None,
        "isSidechain": False,
        "cwd": "/home/dev/app",
        "sessionId": "s1",
        "version": "2.1.7",
        "type": kind,
        "uuid": "u1",
        "timestamp": "2026-01-02T03:04:05.678Z",
    }
    return json.dumps(row | more, ensure_ascii=False, separators=(",", ":")).encode()


def prompt(text: str, **more: Any) -> bytes:
    return line("user", message={"role": "user", "content": text}, **more)


def answer(message_id: str = "msg_1", output_tokens: int = 7, **more: Any) -> bytes:
    usage = {"input_tokens": 3, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 20}
    message = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-5-20251101",
        "content": [{"type": "text", "text": "Done."}],
        "stop_reason": "end_turn",
        "usage": usage | {"output_tokens": output_tokens},
    }
    return line("assistant", message=message, requestId="req_1", **more)
