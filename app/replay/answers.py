"""What the player asks while it runs: texts of a stretch, a long one, hits of a search, where a value came from.

What belongs here: from a question to an answer that can be sent. What does not: how a question travels (`component`).
"""

from __future__ import annotations

from typing import Any

import duckdb

from app import data, format
from app.replay.rendering import CHARACTERS_SHOWN, CHARACTERS_SHOWN_ALONE, Text, event_html, image_address
from her_models import replay_reports, reports, value_flow
from her_models.config import Config
from her_models.errors import QueryError
from her_models.search.hits import whole_texts

STRETCH = 32  # events whose texts are fetched together; `player.js` counts with the same number
_CHARACTERS_FETCHED = 200_000  # a tool call has to be whole to be taken apart
_CHARACTERS_FETCHED_OF_FEW = 2_000_000
_WORDS_LONGEST = 500


def answer(question: dict[str, Any], source_id: str, session_id: str) -> Any:
    """Return what a question of the player asks for.

    Raises:
        QueryError: there is no such question, or it is not well formed.
    """
    kind = question.get("kind")
    if kind == "texts":
        return data.ask(texts_of_stretch, source_id, session_id, int(question["stretch"]))
    if kind == "find":
        return data.ask(hits, source_id, session_id, str(question["words"])[:_WORDS_LONGEST])
    if kind == "all":
        return data.ask(text_alone, source_id, session_id, int(question["event"]))
    if kind == "whole":
        return whole_text(source_id, session_id, int(question["event"]))
    if kind == "flow":
        return data.ask(edges, source_id, session_id, int(question["event"]), question.get("value"))
    raise QueryError(f"The replay knows no question {kind!r}.")


def texts_of_stretch(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, stretch: int) -> list[str]:
    """Return the rendered texts of one stretch of events; one query serves them all."""
    first = stretch * STRETCH
    rows = replay_reports.stretch(con, source_id, session_id, first, first + STRETCH - 1).to_pylist()
    return rendered(con, source_id, rows, texts_of_few(con, source_id, rows, data.config())) if rows else []


def text_alone(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, event: int) -> str:
    """Return the text of one event, rendered, with more of it than is shown among others."""
    rows = replay_reports.stretch(con, source_id, session_id, event, event).to_pylist()
    if not rows:
        raise QueryError(f"The session has no event {event + 1}.")
    texts = texts_of_few(con, source_id, rows, data.config())
    return rendered(con, source_id, rows, texts, longest=CHARACTERS_SHOWN_ALONE)[0]


def rendered(
    con: duckdb.DuckDBPyConnection,
    source_id: str,
    rows: list[dict[str, Any]],
    texts: dict[str, Text],
    *,
    longest: int = CHARACTERS_SHOWN,
) -> list[str]:
    """Return the texts of events, rendered, each cut to `longest` characters; `texts` holds them by content hash."""
    return [
        event_html(row, texts.get(row["content_hash"]), _picture(con, source_id, row), longest=longest) for row in rows
    ]


def texts_of_few(
    con: duckdb.DuckDBPyConnection, source_id: str, rows: list[dict[str, Any]], config: Config
) -> dict[str, Text]:
    """Return the texts of a few events from the search's index: the lake would be read from end to end for them."""
    keys = {(source_id, row["content_hash"]) for row in rows if row["content_hash"]}
    found = whole_texts(con, config, keys)
    return {
        content_hash: Text(text[:_CHARACTERS_FETCHED_OF_FEW], len(text)) for (_, content_hash), text in found.items()
    }


def texts_of_many(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, rows: list[dict[str, Any]]
) -> dict[str, Text]:
    """Return the texts of events that follow each other from the lake, which is read from end to end once for all."""
    found = reports.event_texts(
        con,
        source_id,
        session_id,
        rows[0]["event_index"],
        rows[-1]["event_index"],
        characters=_CHARACTERS_FETCHED,
    ).to_pylist()
    return {row["content_hash"]: Text(row["text"], row["text_chars"]) for row in found}


def _picture(con: duckdb.DuckDBPyConnection, source_id: str, row: dict[str, Any]) -> str | None:
    if row["kind"] != "image" or row["file_id"] is None:
        return None
    line = reports.raw_line(con, source_id, row["file_id"], row["offset_bytes"])
    return image_address(line.raw, row["line_image_index"]) if line else None


def hits(con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, words: str) -> dict[str, Any]:
    """Return the events whose text, tool or path holds `words`, whatever their case."""
    found = replay_reports.hits(con, source_id, session_id, words)
    return {"positions": found["event_index"].to_pylist()}


def edges(
    con: duckdb.DuckDBPyConnection, source_id: str, session_id: str, event: int, value: str | None
) -> dict[str, Any]:
    """Return where a value of an event first appeared or, without a value, what led to the edit that the event is."""
    passages = value_flow.read_passages(con, source_id, session_id, event)
    return flow_answer(
        value_flow.reasons(passages, event) if value is None else value_flow.origin(passages, event, value)
    )


def flow_answer(flow: value_flow.Flow) -> dict[str, Any]:
    """Return edges as the player draws them."""
    return {
        "note": flow.note,
        "edges": [
            {
                "event": edge.event_index,
                "proof": edge.proof,
                "rule": edge.rule,
                "value": format.one_line(edge.value, 120),
            }
            for edge in flow.edges
        ],
    }


def whole_text(source_id: str, session_id: str, event: int) -> str:
    """Return the text of an event uncut, with what acts on a screen made visible."""
    rows = data.ask(replay_reports.stretch, source_id, session_id, event, event).to_pylist()
    if not rows:
        raise QueryError(f"The session has no event {event + 1}.")
    content_hash = rows[0]["content_hash"]
    text = data.ask(reports.content_text, source_id, content_hash) if content_hash else None
    return format.plain(text or "")
