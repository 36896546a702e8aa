"""A lake of one home, filled by hand: three sessions, one of them hostile, one without a price."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from her_models.config import load_config
from her_models.contracts import TABLES
from her_models.lake import Lake, literal, open_lake

SOURCE = "ada@laptop"
SESSION = "11111111-0000-4000-8000-000000000001"
HOSTILE = "22222222-0000-4000-8000-000000000002"
UNPRICED = "33333333-0000-4000-8000-000000000003"
SPELLS = '<script>document.title="owned"</script> ![x](http://203.0.113.9/x.png) \x1b[31mred\u202eder \\$E=mc^2\\$'
_NOTHING = {"BIGINT": 0, "INTEGER": 0, "BOOLEAN": False, "DOUBLE": 0.0}


def fill(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    """Insert rows; a count left out is 0, a flag false, anything else null.

    Columns that the table does not have are left out, so that one record can serve several tables.
    """
    for given in rows:
        row = {column.name: _NOTHING.get(column.type) for column in TABLES[table].columns}
        row |= {"source_id": SOURCE} if "source_id" in row else {}
        row |= {name: value for name, value in given.items() if name in row}
        values = ", ".join(
            f"'{v}'" if isinstance(v, date) and not isinstance(v, datetime) else literal(v) for v in row.values()
        )
        lake.con.execute(f"insert into {table} ({', '.join(row)}) values ({values})")


def at(minute: int, second: int = 0) -> datetime:
    return datetime(2026, 3, 1, 10, minute, second, tzinfo=UTC)


def _fill_session(lake: Lake, session_id: str, title: str, blocks: list[dict[str, Any]], usd: float | None) -> None:
    whose = {"session_id": session_id, "owner": "ada", "project": "engine"}
    bill = {"uncached_input_tokens": 10, "cache_write_5m_tokens": 100, "cache_read_tokens": 890, "output_tokens": 50}
    unpriced = {"unpriced_requests_count": 0 if usd is not None else 1}
    model = "claude-opus-4-1" if usd is not None else "mystery-1"
    times = {"started_at": at(0), "ended_at": at(5)}
    fill(
        lake,
        "sessions",
        {**whose, **bill, **unpriced, **times, "title": title, "models": [model], "requests_count": 1, "turns_count": 1}
        | {"billed_usd": usd, "peak_context_tokens": 1000, "completeness": "complete", "tool_calls_count": 1}
        | {"first_version": "2.1.0", "last_version": "2.1.9"},
    )
    request = {**whose, **bill, "request_id": f"m-{session_id[:4]}", "model": model, "started_at": at(1)}
    fill(lake, "requests", {**request, "billed_usd": usd, "billed_picodollars": None if usd is None else 1})
    fill(
        lake,
        "turns",
        {**bill, **times, "session_id": session_id, "prompt": title, "requests_count": 1, "incurred_usd": usd},
    )
    fill(
        lake,
        "daily_cost",
        {
            **whose,
            **bill,
            **unpriced,
            "day_on": date(2026, 3, 1),
            "model": model,
            "requests_count": 1,
            "billed_usd": usd,
            "sessions_count": 1,
        },
    )
    fill(
        lake, "tool_cost", {**whose, "tool_name": "Edit", "calls_count": 1, "requests_count": 1, "requesting_usd": usd}
    )
    fill(
        lake, "agent_cost", {**whose, **bill, "agent_id": "", "models": [model], "requests_count": 1, "billed_usd": usd}
    )
    for index, block in enumerate(blocks):
        text = block.pop("text", None)
        reference = f"{session_id[:4]}-{index}" if text else None
        fill(
            lake,
            "blocks",
            {"session_id": session_id, "block_index": index, "logged_at": at(0, index), "role": "assistant"}
            | {"content_hash": reference, "preview": (text or "")[:200], "text_bytes": len(text or "")}
            | block,
        )
        if text:
            fill(lake, "contents", {"content_hash": reference, "text": text, "text_bytes": len(text)})


def fill_lake(home: Path) -> None:
    """Fill the lake of `home`."""
    with open_lake(load_config(home)) as lake:
        fill(lake, "sources", {"owner": "ada", "host": "laptop", "path": "/logs"})
        fill(
            lake,
            "source_files",
            {"file_id": 7, "path": "p/a.jsonl", "is_current": True, "status": "ok"}
            | {"size_bytes": 900, "consumed_bytes": 900, "lines_count": 6, "refused_count": 1},
        )
        fill(
            lake,
            "refused_lines",
            {"file_id": 7, "offset_bytes": 120, "length_bytes": 3, "reason": "not JSON", "sample": SPELLS},
        )
        fill(
            lake,
            "ingest_runs",
            {"run_id": "r1", "started_at": at(10), "finished_at": at(11), "bytes_read": 900, "lines_count": 6}
            | {"marts_version": lake.marts_version()},
        )
        fill(
            lake,
            "data_quality",
            {
                "check_name": "models_priced",
                "severity": "warning",
                "is_ok": False,
                "failing_count": 1,
                "detail": "1 response has no price.",
            },
        )
        edit = '{"file_path": "/engine/loop.py", "old_string": "while True:", "new_string": "while steps:"}'
        _fill_session(
            lake,
            SESSION,
            "Stop the endless loop",
            [
                {"kind": "prompt", "role": "user", "text": "Please stop the endless loop"},
                {"kind": "thinking", "text": "The loop has no end.", "request_id": "m-1111"},
                {
                    "kind": "tool_call",
                    "tool_name": "Edit",
                    "path": "/engine/loop.py",
                    "text": edit,
                    "request_id": "m-1111",
                },
                {
                    "kind": "tool_result",
                    "role": "user",
                    "tool_name": "Edit",
                    "path": "/engine/loop.py",
                    "is_error": True,
                    "text": "File has not been read yet",
                },
                {"kind": "text", "text": "It **stops** now.", "request_id": "m-1111"},
            ],
            1.25,
        )
        kinds = ["prompt", "thinking", "text", "tool_result", "compact_summary"]
        _fill_session(lake, HOSTILE, SPELLS, [{"kind": kind, "text": SPELLS} for kind in kinds], 0.5)
        event = {"session_id": SESSION, "owner": "ada", "project": "engine", "happened_at": at(2), "file_id": 7}
        push = {"class": "force_push", "rule": "force_push", "severity": "risk", "command": "git push -f"}
        gone = {
            "class": "deletion",
            "rule": "deleted",
            "severity": "notice",
            "command": f"rm {SPELLS}",
            "event_index": 1,
        }
        fill(
            lake,
            "audit_events",
            event | push | {"outcome": "denied", "block_index": 2, "effect": "rewrites history"},
            event | gone | {"event_index": 1, "outcome": "succeeded", "block_index": 3, "effect": "deletes files"},
        )
        fill(
            lake, "lines", {"session_id": SESSION, "file_id": 7, "length_bytes": 9, "line_hash": "0" * 32, "uuid": "l1"}
        )
        _fill_session(lake, UNPRICED, "Ask the unknown model", [{"kind": "prompt", "text": "Who are you?"}], None)


@pytest.fixture(scope="session")
def filled_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("filled_home")
    fill_lake(home)
    return home


@pytest.fixture
def home(filled_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with three sessions, in force for the test."""
    monkeypatch.setenv("HER_HOME", str(filled_home))
    yield filled_home


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it, in force for the test."""
    monkeypatch.setenv("HER_HOME", str(tmp_path / "nothing"))
    return tmp_path / "nothing"
