"""A session as compact arrays: what the browser needs to draw every event, without any of their texts.

What belongs here: which figures and marks a replay shows, and their form on the wire. What does not: the queries
(`reports`, `replay_reports`), how a text is rendered (`rendering`), how anything is drawn (`player.js`).

Columns are lists as long as the session has events; what only some events have (bills, marks) is a list of rows that
begin with the event's position. Money is whole nanodollars, which a browser adds without error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from app import format
from app.kinds import CONTEXT_KINDS, ERROR, KINDS, TOOL_TRACKS, named, tool_track
from her_models import ledger_reports, replay_reports, reports
from her_models.reports import Session

Recording = dict[str, Any]
ERRED, INHERITED, EDIT, LEFT_BEHIND = 1, 2, 4, 8  # bits of `flags`
_NANO = 10**9
_SUMMARY_CHARACTERS, _PATH_CHARACTERS = 88, 64
_DEAREST_SHOWN = 10
_CUTS = {"compact": "Compaction", "clear": "Cleared", "rewind": "Rewound", "collapse": "Context collapsed, unmarked"}


def recording(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, time_zone: str) -> Recording:
    """Return a session's recording; asked through `data.ask`, so that it is made once per snapshot."""
    session = reports.session_headers(con, session_id, source_id)[0]
    events = replay_reports.events(con, source_id, session_id)
    agents = reports.session_agents(con, source_id, session_id).to_pylist()
    requests = ledger_reports.requests(con, source_id, session_id).to_pylist()
    kinds, kind_of = _named(events["kind"])
    names, tool_of = _named(events["tool_name"])
    agent_ids = events["agent_id"].to_pylist()
    uses = events["tool_use_id"].to_pylist()
    is_call = [kinds[kind] == "tool_call" for kind in kind_of]
    lanes, lane_of = _lanes(agent_ids, uses, is_call, agents)
    placed = replay_reports.places(con, source_id, session_id)
    bills, bill_of = _bills(requests, placed, lane_of, con, source_id, session_id)
    prompts = [kinds[kind] in ("prompt", "command") for kind in kind_of]
    branches = _branches(con, source_id, session_id, agent_ids, prompts, requests, placed)
    left_behind = {index for branch in branches for index in branch.left_behind}
    is_edit = [name in TOOL_TRACKS["Edit"] for name in names]
    first = next((moment.as_py() for moment in events["logged_at"] if moment.is_valid), None)
    return {
        "id": f"{source_id}/{session_id}",
        "version": f"{events.num_rows} {session.billed_usd}",
        "source_id": source_id,
        "session_id": session_id,
        "title": format.one_line(session.title, 90) or session_id,
        "facts": _facts(session),
        "zone": time_zone,
        "started_ms": round(first.timestamp() * 1000) if first else None,
        "count": events.num_rows,
        "kinds": [[kind, *named(kind, KINDS)] for kind in kinds],
        "error": ERROR,
        "kind": kind_of,
        "tracks": list(TOOL_TRACKS),
        "tools": _tools(names),
        "tool": tool_of,
        "lanes": lanes,
        "lane": lane_of,
        "gap_ms": events["gap_ms"].to_pylist(),
        "turn": events["turn_index"].fill_null(-1).to_pylist(),
        "flags": [
            (ERRED if erred else 0)
            | (INHERITED if inherited else 0)
            | (EDIT if called and tool >= 0 and is_edit[tool] else 0)
            | (LEFT_BEHIND if index in left_behind else 0)
            for index, (erred, inherited, called, tool) in enumerate(
                zip(events["is_error"].to_pylist(), events["is_inherited"].to_pylist(), is_call, tool_of, strict=True)
            )
        ],
        "pair": _pairs(uses, is_call, [kinds[kind] == "tool_result" for kind in kind_of]),
        "words": _words(events, session.project_path),
        "bills": bills,
        "context": _contexts(con, source_id, session_id, bill_of),
        "misses": [
            [
                placed[row["request_id"]],
                row["label"],
                row["cause"] or "",
                row["missed_tokens"],
                _nano(row["excess_usd"]),
            ]
            for row in requests
            if row["label"] and row["request_id"] in placed
        ],
        "cuts": [
            [placed[row["request_id"]], _CUTS.get(row["cut"], row["cut"])]
            for row in requests
            if row["cut"] and row["request_id"] in placed
        ],
        "dearest": _dearest(bills),
        "waste": _waste(con, source_id, session_id, events.num_rows),
        "branches": [[branch.fork_index, branch.prompt_index] for branch in branches],
        "relatives": _relatives(con, session),
    }


def _facts(session: Session) -> dict[str, Any]:
    return {
        "billed_nano": _nano(session.billed_usd if session.requests_count else Decimal(0)),
        "is_floor": bool(session.unpriced_requests_count or session.floor_requests_count),
        "project": session.project or "",
        "models": list(session.models),
        "forked_from": session.forked_from_session_id,
    }


def _end(path: str, folder: str | None) -> str:
    """Return a path as seen from the session's folder, else its end: that is where paths differ."""
    if folder and path.startswith(f"{folder.rstrip('/')}/"):
        path = path[len(folder.rstrip("/")) + 1 :]
    shown = format.one_line(path, 10_000)
    if len(shown) <= _PATH_CHARACTERS:
        return shown
    cut = shown[-_PATH_CHARACTERS:]
    return f"…{cut[cut.find('/') :] if '/' in cut else cut}"


def _named(column: pa.ChunkedArray) -> tuple[list[str], list[int]]:
    """Return the values of a column in order of appearance, and for each row the place of its value, or -1."""
    coded = column.combine_chunks().dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.fill_null(-1).to_pylist()


def _indices(names: Sequence[str], values: Sequence[str]) -> list[int]:
    places = {name: place for place, name in enumerate(names)}
    return [places[value] for value in values]


def _words(events: pa.Table, folder: str | None) -> list[str]:
    """Return a few words for each event: the file it names, or how its text begins."""
    shown = {path: _end(path, folder) for path in set(events["path"].to_pylist()) if path}
    return [
        shown[path]
        if path
        else format.one_line(format.spoken(preview), _SUMMARY_CHARACTERS) or (format.BLANK if preview else "")
        for path, preview in zip(events["path"].to_pylist(), events["preview"].to_pylist(), strict=True)
    ]


def _tools(names: Sequence[str]) -> list[list[Any]]:
    """Return tools as [name, track]."""
    tracks = list(TOOL_TRACKS)
    return [[format.one_line(name, 60), tracks.index(tool_track(name))] for name in names]


def _lanes(
    agent_ids: Sequence[str | None], uses: Sequence[str | None], is_call: Sequence[bool], agents: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the threads in order of appearance, the main thread first, and for each event its thread.

    Threads of one name are numbered.
    """
    known = {row["agent_id"]: row for row in agents}
    ids = ["", *dict.fromkeys(agent for agent in agent_ids if agent)]
    calls = {use: index for index, (use, called) in enumerate(zip(uses, is_call, strict=True)) if use and called}
    lanes: list[dict[str, Any]] = []
    for agent in ids:
        row = known.get(agent, {})
        name = "Main" if not agent else row.get("agent_type") or row.get("description") or _unnamed(agent)
        lanes.append(
            {
                "id": agent,
                "name": format.one_line(name, 28),
                "what": format.one_line(row.get("description"), 80),
                "call": calls.get(row.get("tool_use_id")),
                "nano": _nano(row.get("billed_usd")),
            }
        )
    names = Counter(lane["name"] for lane in lanes)
    seen: Counter[str] = Counter()
    for lane in lanes:
        seen[lane["name"]] += 1
        lane["number"] = seen[lane["name"]] if names[lane["name"]] > 1 else None
    places = {agent: place for place, agent in enumerate(ids)}
    return lanes, [places[agent or ""] for agent in agent_ids]


def _unnamed(agent: str) -> str:
    """The client's own calls run as subagents that nobody started; the id of one that compacts says so."""
    return "Compaction" if agent.startswith("acompact") else "Agent"


def _bills(
    requests: list[dict[str, Any]],
    placed: dict[str, int],
    lane_of: list[int],
    con: duckdb.DuckDBPyConnection,
    source_id: str,
    session_id: str,
) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the responses in order of events as columns, and the place of each among them."""
    tokens = {row["request_id"]: row for row in replay_reports.bills(con, source_id, session_id).to_pylist()}
    ordered = sorted(
        (row for row in requests if row["request_id"] in placed), key=lambda row: placed[row["request_id"]]
    )
    models = list(dict.fromkeys(row["model"] or "unknown model" for row in ordered))
    found = [tokens[row["request_id"]] for row in ordered]
    bills = {
        "event": [placed[row["request_id"]] for row in ordered],
        "lane": [lane_of[placed[row["request_id"]]] for row in ordered],
        "nano": [row["nanodollars"] for row in found],
        "prompt": [row["prompt_tokens"] or 0 for row in found],
        "read": [row["cache_read_tokens"] for row in found],
        "write": [row["cache_write_tokens"] for row in found],
        "uncached": [row["uncached_input_tokens"] for row in found],
        "output": [row["output_tokens"] for row in found],
        "floor": [int(bool(row["is_output_floor"])) for row in found],
        "model": _indices(models, [row["model"] or "unknown model" for row in ordered]),
        "models": models,
    }
    return bills, {row["request_id"]: place for place, row in enumerate(ordered)}


def _contexts(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, bill_of: dict[str, int]
) -> dict[str, Any]:
    """Return what prompts were made of: kinds, and rows of [bill, kind, tokens, nanodollars] in order of bills."""
    found = replay_reports.contexts(con, source_id, session_id)
    kinds = found["kind"].to_pylist()
    present = [kind for kind in CONTEXT_KINDS if kind in set(kinds)]
    others = [kind for kind in dict.fromkeys(kinds) if kind not in CONTEXT_KINDS]
    names = [*present, *others]
    places = {name: place for place, name in enumerate(names)}
    columns = zip(
        found["request_id"].to_pylist(),
        kinds,
        found["tokens"].to_pylist(),
        found["nanodollars"].to_pylist(),
        strict=True,
    )
    rows = [
        (bill_of[request], places[kind], tokens, nano) for request, kind, tokens, nano in columns if request in bill_of
    ]
    rows.sort(key=lambda row: row[:2])
    return {
        "kinds": [[name, *named(name, CONTEXT_KINDS)] for name in names],
        "rows": [list(part) for part in zip(*rows, strict=True)] if rows else [[], [], [], []],
    }  # fmt: skip


def _pairs(uses: Sequence[str | None], is_call: Sequence[bool], is_result: Sequence[bool]) -> list[int]:
    """Return for each call how far on its result stands, for each result how far back its call; 0 without one."""
    calls: dict[str, int] = {}
    pairs = [0] * len(uses)
    for index, (use, called, given) in enumerate(zip(uses, is_call, is_result, strict=True)):
        if not use:
            continue
        if called:
            calls[use] = index
        elif given and use in calls:
            pairs[index] = calls[use] - index
            pairs[calls[use]] = index - calls[use]
    return pairs


def _branches(
    con: duckdb.DuckDBPyConnection,
    source_id: str,
    session_id: str,
    agent_ids: Sequence[str | None],
    is_prompt: Sequence[bool],
    requests: list[dict[str, Any]],
    placed: dict[str, int],
) -> list[replay_reports.Branch]:
    """Return the rewinds of the main thread; the prompt that began one is the last before its first response."""
    main = [index for index, agent in enumerate(agent_ids) if not agent]
    prompts = [index for index in main if is_prompt[index]]
    starts = [
        placed[row["request_id"]]
        for row in requests
        if row["cut"] == "rewind" and not row["thread_id"] and row["request_id"] in placed
    ]
    rewound = [max((prompt for prompt in prompts if prompt <= start), default=-1) for start in starts]
    return replay_reports.branches(con, source_id, session_id, main, [prompt for prompt in rewound if prompt >= 0])


def _dearest(bills: dict[str, Any]) -> list[int]:
    paid = sorted(
        ((nano, event) for nano, event in zip(bills["nano"], bills["event"], strict=True) if nano), reverse=True
    )
    return sorted({event for _, event in paid[:_DEAREST_SHOWN]})  # fmt: skip


def _waste(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, count: int) -> list[list[Any]]:
    """Return what was found to be waste as [event, kind, evidence, nanodollars, whether it is a hint]."""
    rows = replay_reports.waste(con, source_id, session_id).to_pylist()
    return [
        [
            row["event_index"],
            row["kind"],
            format.one_line(row["evidence"], 240),
            row["nanodollars"],
            int(row["is_hint"]),
        ]
        for row in rows
        if row["event_index"] is not None and row["event_index"] < count
    ]


def _relatives(con: duckdb.DuckDBPyConnection, session: Session) -> list[list[Any]]:
    """Return sessions that went on from this one as [session, title, last event taken along]."""
    rows = replay_reports.relatives(con, session.source_id, session.session_id).to_pylist()
    return [[row["session_id"], format.one_line(row["title"], 60), row["last_event_index"]] for row in rows]


def _nano(usd: Decimal | None) -> int | None:
    return None if usd is None else round(usd * _NANO)
