"""Log lines for tests: invented, as short as the client's own shape allows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODEL = "claude-sonnet-4-5-20250929"


def _line(kind: str, session: str, uuid: str, second: int, more: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "sessionId": session,
        "uuid": uuid,
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": "/home/dev/shop",
        "version": "2.1.100",
        "timestamp": f"2026-01-05T10:{second // 60:02d}:{second % 60:02d}.000Z",
        **more,
    }


def prompt(session: str, uuid: str, second: int, text: str = "mend the till", **more: Any) -> dict[str, Any]:
    """Return the line of something a person typed."""
    return _line("user", session, uuid, second, {"message": {"role": "user", "content": text}, **more})


def answer(
    session: str, uuid: str, second: int, message_id: str, *, text: str = "done", output: int = 20, **more: Any
) -> dict[str, Any]:
    """Return the line of a response with 10 uncached, 100 written (1 h) and 1,000 read tokens."""
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 100},
        "cache_read_input_tokens": 1000,
        "output_tokens": output,
    }
    message = {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    return _line("assistant", session, uuid, second, {"message": message, "requestId": f"req_{message_id}", **more})


def write(path: Path, *lines: Mapping[str, Any]) -> Path:
    """Write a log file, one line per mapping."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def append(path: Path, *lines: Mapping[str, Any]) -> Path:
    """Add lines to a log file, as the client does."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path
