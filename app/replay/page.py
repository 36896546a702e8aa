"""A session as one HTML file that holds the same replay: it opens from disk, loads nothing and sends nothing.

What belongs here: what stands in the file, and how long it may become. What does not: the player (`player.js`), the
recording (`recording`), how a text is rendered (`rendering`).

The page's own policy forbids every load; the script and the style that stand in it are named by their hashes, so that
nothing else runs even if a text were not escaped.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterator
from typing import Any

import duckdb

from app import format
from app.replay import answers, player
from app.replay.recording import EDIT, recording
from her_models import reports, value_flow
from her_models.export import SessionKey

_BYTES_OF_TEXTS = 12_000_000  # about what all texts of a file may take, rendered
_SHORTEST, _LONGEST = 1_500, 8_000  # characters shown of one text
_EVENTS_READ = 64 * answers.STRETCH  # whose texts are held at once; for each such part the lake is read once
_EDITS_TRACED = 150  # each looks through all texts before it


def session_page(con: duckdb.DuckDBPyConnection, key: SessionKey, time_zone: str = "UTC") -> Iterator[bytes]:
    """Yield the file in pieces.

    Long texts are cut, the more the longer the session is, and the page says where the whole is.
    """
    record = recording(con, key.source_id, key.session_id, time_zone)
    session = reports.session_headers(con, key.session_id, key.source_id)[0]
    script, style = player.script("page.js"), player.style() + player.page_style()
    title = html.escape(record["title"])
    is_floor = bool(session.unpriced_requests_count or session.floor_requests_count)
    facts = [
        session.project,
        session.owner,
        ", ".join(session.models),
        format.usd(session.billed_usd, is_floor=is_floor),
    ]
    facts += [f"{format.when(session.started_at, time_zone)} to {format.when(session.ended_at, time_zone)} {time_zone}"]
    told = " · ".join(html.escape(format.one_line(fact)) for fact in facts if fact)
    policy = (
        f"default-src 'none'; img-src data:; script-src {_hash(script)}; style-src {_hash(style)};"
        " base-uri 'none'; form-action 'none'"
    )
    yield (
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{style}</style></head>\n"
        f'<body><main><h1>{title}</h1><p class="facts">{told} · session {html.escape(key.session_id)}</p>\n'
        '<div id="replay"></div><noscript>This file needs JavaScript to play; it loads nothing.</noscript></main>\n'
    ).encode()  # fmt: skip
    yield _data("recording", record)
    yield _data("flows", _flows(con, key, record))
    yield from _texts(con, key, record["count"])
    yield f'<script type="module">{script}</script></body></html>\n'.encode()


def _texts(con: duckdb.DuckDBPyConnection, key: SessionKey, count: int) -> Iterator[bytes]:
    events = reports.session_events(con, key.source_id, key.session_id)
    longest = min(max(_BYTES_OF_TEXTS // max(4 * count, 1), _SHORTEST), _LONGEST)
    for first in range(0, count, _EVENTS_READ):
        rows = events.slice(first, _EVENTS_READ).to_pylist()
        texts = answers.texts_of_many(con, key.source_id, key.session_id, rows)
        for begin in range(0, len(rows), answers.STRETCH):
            stretch = rows[begin : begin + answers.STRETCH]
            drawn = answers.rendered(con, key.source_id, stretch, texts, longest=longest)
            yield _data(f"texts-{(first + begin) // answers.STRETCH}", drawn)


def _flows(con: duckdb.DuckDBPyConnection, key: SessionKey, record: dict[str, Any]) -> dict[int, Any]:
    """Return why each edit was made, for a page that can ask nobody."""
    edits = [event for event, flags in enumerate(record["flags"]) if flags & EDIT]
    traced = edits[:_EDITS_TRACED]
    passages = value_flow.read_passages(con, key.source_id, key.session_id, traced[-1]) if traced else ()
    known = {passage.event_index for passage in passages}
    flows = {event: answers.flow_answer(value_flow.reasons(passages, event)) for event in traced if event in known}
    note = f"This file holds the reasons of the first {_EDITS_TRACED} edits; the app knows those of all."
    return flows | {event: {"note": note, "edges": []} for event in edits[_EDITS_TRACED:]}


def _data(name: str, value: Any) -> bytes:
    """Data as a script element that no browser runs; no text in it can end the element."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        written = written.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="{name}">{written}</script>\n'.encode("utf-8", "replace")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
