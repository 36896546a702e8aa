-- denials: shell commands that were denied or not approved, as cases of a pattern of advice, by the command.
-- grain: one row per finding
-- key:   source_id, session_id, finding_index
-- reads: waste, blocks, contents
-- note:  what a rule has to say so that it allows the command is no question for SQL: `her_models.advice.permissions`

with denied as (
    select *
    from waste
    where
        not is_hint
        and tool_name = 'Bash'
        and list_contains($kinds::varchar[], kind)
    and ($since_at::timestamptz is null or started_at >= $since_at::timestamptz)
    and ($until_at::timestamptz is null or started_at < $until_at::timestamptz)
    and ($owners::varchar[] is null or list_contains($owners::varchar[], owner))
    and ($projects::varchar[] is null or list_contains($projects::varchar[], project))
    and ($models::varchar[] is null or list_contains($models::varchar[], model))
),

commands as (
    select
        denied.*,
        trim(json_extract_string(contents.text, '$.command')) as command
    from denied
    inner join blocks as wasted
        on
            denied.source_id = wasted.source_id
            and denied.session_id = wasted.session_id
            and denied.block_index = wasted.block_index
    inner join blocks as calls
        on
            wasted.source_id = calls.source_id
            and wasted.session_id = calls.session_id
            and wasted.tool_use_id = calls.tool_use_id
            and calls.kind = 'tool_call'
    inner join contents
        on calls.source_id = contents.source_id and calls.content_hash = contents.content_hash
    where json_valid(contents.text)
)

select
    command as subject,  -- the command, whole
    source_id,  -- shard
    session_id,  -- session
    finding_index,  -- finding
    started_at,  -- time
    turn_index,  -- turn
    request_id,  -- response that did it
    confidence,  -- exact, estimated or heuristic
    waste_usd as saving_usd,  -- US dollars without the cases
    low_usd,  -- lower end
    high_usd  -- upper end
from commands
