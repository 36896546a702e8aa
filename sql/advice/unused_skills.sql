-- unused_skills: listings with skills that a session never used, as cases of a pattern of advice.
-- grain: one row per listing
-- key:   source_id, session_id, finding_index
-- reads: waste, blocks, contents, int_skill_uses
-- note:  of what a finding cost, the share of those unused skills that do not come with the client, by the bytes of their
--        descriptions; who lists only the client's own has nothing to remove and is no case

with found as (
    select
        waste.*,
        contents.text
    from waste
    inner join blocks
        on
            waste.source_id = blocks.source_id
            and waste.session_id = blocks.session_id
            and waste.block_index = blocks.block_index
    inner join contents
        on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
    where
        not waste.is_hint
        and list_contains($kinds::varchar[], waste.kind)
        and ($since_at::timestamptz is null or waste.started_at >= $since_at::timestamptz)
        and ($until_at::timestamptz is null or waste.started_at < $until_at::timestamptz)
        and ($owners::varchar[] is null or list_contains($owners::varchar[], waste.owner))
        and ($projects::varchar[] is null or list_contains($projects::varchar[], waste.project))
        and ($models::varchar[] is null or list_contains($models::varchar[], waste.model))
),

lines as (
    select
        source_id,
        session_id,
        finding_index,
        unnest(string_split(text, E'\n')) as line,
        generate_subscripts(string_split(text, E'\n'), 1) as line_number
    from found
),

-- A description may go on over several lines, which belong to the skill that was named last.
described as (
    select
        *,
        last_value(nullif(regexp_extract(line, '^- ([\w:.-]+):', 1), '') ignore nulls) over (
            partition by source_id, session_id, finding_index
            order by line_number
        ) as name
    from lines
    where line <> '</system-reminder>'
),

skills as (
    select
        source_id,
        session_id,
        finding_index,
        name,
        sum(strlen(line) + 1) - strlen(name) - 2 as described_bytes
    from described
    where name is not null
    group by source_id, session_id, finding_index, name
),

shares as (
    select
        skills.source_id,
        skills.session_id,
        skills.finding_index,
        coalesce(sum(described_bytes) filter (where not list_contains($bundled::varchar[], name)), 0)
        / sum(described_bytes) as removable
    from skills
    left join int_skill_uses
        on skills.source_id = int_skill_uses.source_id and skills.session_id = int_skill_uses.session_id
    where not contains(coalesce(int_skill_uses.texts, ''), name)
    group by skills.source_id, skills.session_id, skills.finding_index
)

select
    '' as subject,  -- what cases are grouped by
    found.source_id,  -- shard
    found.session_id,  -- session
    found.finding_index,  -- finding
    found.started_at,  -- time
    found.turn_index,  -- turn
    found.request_id,  -- response that did it
    found.confidence,  -- exact, estimated or heuristic
    found.waste_usd * shares.removable as saving_usd,  -- US dollars without those that can be removed
    found.low_usd * shares.removable as low_usd,  -- lower end
    found.high_usd * shares.removable as high_usd  -- upper end
from found
inner join shares
    on
        found.source_id = shares.source_id
        and found.session_id = shares.session_id
        and found.finding_index = shares.finding_index
where shares.removable > 0
