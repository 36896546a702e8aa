"""A session of any length, filled into a lake by SQL: turns, tools, subagents, failures, misses, compactions, waste.

Every figure follows from the event's number, so that a test can say what has to stand where.
"""

from __future__ import annotations

from her_models.lake import Lake
from tests.app.conftest import SOURCE, fill

LONG = "44444444-0000-4000-8000-000000000004"
EVENTS = 20_000
TURN, FAILS, COMPACTS, MISSES = 200, 50, 5_000, 1_000  # every so many events
SUBAGENT = 400  # of every so many events, the last forty are a subagent's
NEEDLE = "needle_in_hay_4711"
NEEDLE_EVENT, EDIT_EVENT = 4_242, 4_243  # positions from 0: a read that shows a value, the edit that uses it


def fill_long_session(lake: Lake, events: int = EVENTS) -> None:
    """Fill a session of `events` events, with their texts, responses and contexts."""
    parameters = {"source": SOURCE, "session": LONG, "events": events}
    lake.con.execute(_BLOCKS, parameters)
    lake.con.execute(_CONTENTS, {"source": SOURCE})
    lake.con.execute(_REQUESTS, parameters)
    lake.con.execute(_CONTEXTS, parameters)
    whose = {"session_id": LONG, "owner": "ada", "project": "engine"}
    requests = lake.con.execute("select count(*), sum(billed_usd) from requests where session_id = ?", [LONG])
    [(count, usd)] = requests.fetchall()
    about = {"title": "A long session", "models": ["opus"], "turns_count": events // TURN, "completeness": "complete"}
    fill(lake, "sessions", {**whose, **about, "requests_count": count, "billed_usd": usd})
    for number in range(events // SUBAGENT):
        agent = {**whose, "agent_id": f"agent{number}", "agent_type": "Explore", "tool_use_id": f"task{number}"}
        fill(lake, "agent_cost", {**agent, "models": ["opus"]})
    for event in range(MISSES, events, MISSES):
        miss = {"label": "K1", "cause": "expiry", "missed_tokens": 900, "excess_usd": "0.01"}
        fill(lake, "cache_misses", {**whose, **miss, "request_id": f"long-{event - event % 4}"})
    fill(
        lake,
        "waste",
        {**whose, "kind": "C5.reread", "block_index": 777, "evidence": "Read twice.", "waste_usd": "0.02"},
    )


_SHAPE = f"""
    with shape as (
        select
            event,
            event % {SUBAGENT} >= {SUBAGENT - 40} as in_agent,
            case
                when event % {TURN} = 0 then 'prompt'
                when event % {COMPACTS} = {COMPACTS - 100} then 'compact_summary'
                when event in ({NEEDLE_EVENT}) then 'tool_result'
                when event in ({EDIT_EVENT}) then 'tool_call'
                when event % {SUBAGENT} = {SUBAGENT - 41} then 'tool_call'
                when event % 4 = 0 then 'thinking'
                when event % 4 = 1 then 'text'
                when event % 4 = 2 then 'tool_call'
                else 'tool_result'
            end as kind
        from range($events) as numbers(event)
    )
"""

_BLOCKS = (
    "insert into blocks (source_id, session_id, block_index, turn_index, file_id, offset_bytes, line_block_index,"
    " agent_id, is_sidechain, is_inherited, request_id, logged_at, role, kind, tool_name, tool_use_id, path, is_error,"
    " text_bytes, content_hash, preview)"
    + _SHAPE
    + f"""
    select
        $source, $session, event, event // {TURN}, 8, event, 0,
        case when in_agent then 'agent' || (event // {SUBAGENT}) end, in_agent, false,
        case when kind in ('thinking', 'text', 'tool_call') then 'long-' || (event - event % 4) end,
        timestamptz '2026-03-02 08:00:00+00' + to_milliseconds(event * 3000), 'assistant', kind,
        case
            when event = {NEEDLE_EVENT} then 'Read'
            when event = {EDIT_EVENT} then 'Edit'
            when kind = 'tool_call' and event % {SUBAGENT} = {SUBAGENT - 41} then 'Task'
            when kind in ('tool_call', 'tool_result')
                then ['Read', 'Bash', 'Grep', 'mcp__tools__look', 'WebFetch'][1 + (event // 4) % 5]
        end,
        case
            when kind = 'tool_call' and event % {SUBAGENT} = {SUBAGENT - 41} then 'task' || (event // {SUBAGENT})
            when kind in ('tool_call', 'tool_result') then 'use' || (event // 4)
        end,
        case when event in ({NEEDLE_EVENT}, {EDIT_EVENT}) then '/engine/valve.py' end,
        kind = 'tool_result' and event % {FAILS} = 3,
        100,
        case
            when event = {NEEDLE_EVENT} then 'long-needle'
            when event = {EDIT_EVENT} then 'long-edit'
            when kind = 'tool_call' then 'long-call'
            else 'long-text-' || event % 97
        end,
        'event ' || event
    from shape
"""
)

_CONTENTS = f"""
    insert into contents (source_id, content_hash, text_bytes, text)
    select $source, 'long-text-' || number, 100, 'Text **' || number || E'**\\n\\n' || repeat('and so on, ', number)
    from range(97) as numbers(number)
    union all
    values
        ($source, 'long-call', 30, '{{"command": "make steam", "description": "Boil"}}'),
        ($source, 'long-needle', 40, E'     1→pressure = "{NEEDLE}"\\n     2→valve = open(pressure)'),
        (
            $source, 'long-edit', 40,
            '{{"file_path": "/engine/valve.py", "old_string": "valve = open(pressure)",'
            || ' "new_string": "valve = shut(pressure)"}}'
        )
"""

_REQUESTS = (
    "insert into requests (source_id, session_id, owner, project, request_id, request_index, turn_index, agent_id,"
    " model, started_at, uncached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens,"
    " output_tokens, prompt_tokens, is_output_floor, billed_picodollars, billed_usd)"
    + _SHAPE
    + f"""
    select
        $source, $session, 'ada', 'engine', 'long-' || min(event - event % 4), min(event), min(event // {TURN}),
        any_value(case when in_agent then 'agent' || (event // {SUBAGENT}) end), 'opus',
        min(timestamptz '2026-03-02 08:00:00+00' + to_milliseconds(event * 3000)),
        10, 100, 0, 1000 + min(event) % {COMPACTS} * 20, 50, 1110 + min(event) % {COMPACTS} * 20, false,
        10000000000, 0.01
    from shape
    where kind in ('thinking', 'text', 'tool_call')
    group by event - event % 4
"""
)

_CONTEXTS = (
    "insert into request_context (source_id, session_id, request_id, kind, cache_read_tokens, cache_write_1h_tokens,"
    " cache_write_5m_tokens, uncached_tokens, missed_tokens, output_tokens, content_usd, cache_excess_usd, premium_usd)"
    """
    select
        $source, $session, request_id, kind, prompt_tokens // 5, 0, 0, 0, 0, 0, billed_usd / 5, 0, 0
    from requests, unnest(['system', 'prompt', 'tool_call', 'tool_result', 'text']) as kinds(kind)
    where session_id = $session and source_id = $source and $events > 0
"""
)
