-- int_waste_notices: what tells that files may have changed beside the calls: a person's word, the client's notice, the end of background work.
-- grain: one row per notice
-- key:   source_id, session_id, block_index
-- reads: blocks, contents, int_session_lines
-- note:  a command that the person gave is a word too, and one of the shell (!) may have changed what it likes. The client tells of a file that somebody else changed when it next sends a prompt. Background work has ended where
--        its notice says how; one that brings news of work that goes on is none

with edited_files as (
    select distinct
        source_id,
        session_id,
        file_id,
        offset_bytes
    from int_session_lines
    where type = 'attachment' and subtype = 'edited_text_file'
),

spoken as (
    select
        *,
        case when starts_with(preview, '<task-notification>') then content_hash end as notice_hash
    from blocks
    where kind in ('prompt', 'interruption', 'reminder', 'command')
),

told as (
    select
        spoken.source_id,
        spoken.session_id,
        spoken.block_index,
        spoken.path,
        coalesce(contents.text, spoken.preview) as text,
        edited_files.file_id is not null as is_edited_file,
        spoken.agent_id is null
        and (
            spoken.kind in ('prompt', 'interruption')
            or (spoken.kind = 'command' and regexp_matches(spoken.preview, '^<(command-(name|message)|bash-input)>'))
        ) as is_person
    from spoken
    left join contents
        on
            spoken.source_id = contents.source_id
            and spoken.notice_hash = contents.content_hash
    left join edited_files
        on
            spoken.source_id = edited_files.source_id
            and spoken.session_id = edited_files.session_id
            and spoken.file_id = edited_files.file_id
            and spoken.offset_bytes = edited_files.offset_bytes
),

named as (
    select
        source_id,
        session_id,
        block_index,
        case
            when starts_with(text, '<task-notification>') then 'ended'
            when is_edited_file or regexp_matches(text, '^(<system-reminder>\s*)?Note: .+ was modified') then 'changed'
            when is_person and starts_with(text, '<bash-input>') then 'shell'
            when is_person then 'person'
        end as kind,
        case
            when starts_with(text, '<task-notification>')
                then
                    case
                        when regexp_matches(text, '<status>\s*(completed|failed|killed|stopped|cancelled)')
                            then nullif(trim(regexp_extract(text, '<task-id>([^<]*)</task-id>', 1)), '')
                    end
            when is_edited_file then path
            when regexp_matches(text, '^(<system-reminder>\s*)?Note: .+ was modified')
                then regexp_extract(text, 'Note: (.+?) was modified', 1)
            when starts_with(text, '<bash-input>') then regexp_extract(text, '(?s)^<bash-input>(.*?)(</bash-input>|$)', 1)
        end as subject
    from told
)

select
    source_id,  -- shard
    session_id,  -- session
    block_index,  -- where it stands
    kind,  -- person, shell, changed or ended
    subject  -- the command of the shell, the file that changed, or the work that ended; null for a person's word
from named
where kind = 'person' or (kind in ('shell', 'changed', 'ended') and subject is not null)
