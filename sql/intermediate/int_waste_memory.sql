-- int_waste_memory: C10, memory files of which nothing appears in what a conversation wrote or called after it held them.
-- grain: one row per claim
-- key:   source_id, session_id, block_index, part_low
-- reads: blocks, contents, int_waste_sections
-- note:  a file was used when what the model wrote or called later names it, holds a name of it (a word with a digit, dot,
--        hyphen, underscore or inner capital), a word of two letters or more that it sets in backticks or fences, or, in a
--        shell command, any word of four letters or more. Whose word it was first is not asked, so that in doubt a file
--        was used. A rule without a name in it leaves no trace though it was obeyed: this is a hint

with memories as (
    select
        blocks.source_id,
        blocks.session_id,
        coalesce(blocks.agent_id, '') as thread_id,
        sections.block_index,
        sections.name,
        sections.text_bytes,
        sections.start_bytes,
        sections.end_bytes,
        -- Where it lies is in every call; only what it says can be used.
        regexp_replace(sections.section_text, '^(<system-reminder>\n)?Contents of [^\n]*\n', '') as body
    from int_waste_sections as sections
    inner join blocks
        on
            sections.source_id = blocks.source_id
            and sections.session_id = blocks.session_id
            and sections.block_index = blocks.block_index
    where sections.listed = 'memory'
),

memory_words as (
    select
        source_id,
        session_id,
        block_index,
        start_bytes,
        unnest(list_distinct(list_transform(
            list_concat(
                [regexp_extract(name, '[^/\\]+$')],
                list_filter(
                    regexp_extract_all(body, '[\p{L}\p{N}_][\p{L}\p{N}_.@-]+[\p{L}\p{N}_]'),
                    word -> regexp_matches(word, '[0-9_.@-]|\p{Ll}\p{Lu}')
                ),
                regexp_extract_all(
                    array_to_string(
                        list_concat(
                            regexp_extract_all(body, '`([^`\n]+)`', 1), regexp_extract_all(body, '(?s)```[^\n]*\n(.*?)```', 1)
                        ),
                        ' '
                    ),
                    '[\p{L}\p{N}_](?:[\p{L}\p{N}_.@-]*[\p{L}\p{N}_])'
                )
            ),
            word -> lower(word)
        ))) as word,
        false as is_plain
    from memories
    union all
    select
        source_id,
        session_id,
        block_index,
        start_bytes,
        unnest(list_distinct(list_transform(regexp_extract_all(body, '[\p{L}\p{N}_]{4,}'), word -> lower(word)))) as word,
        true as is_plain
    from memories
),

-- What the model wrote and called, in conversations that held a memory file. Calls are JSON, which escapes line ends.
answers as (
    select
        blocks.source_id,
        blocks.session_id,
        coalesce(blocks.agent_id, '') as thread_id,
        blocks.block_index,
        blocks.tool_name in ('Bash', 'PowerShell') as is_shell,
        regexp_replace(contents.text, '\\[nrt"\\]', ' ', 'g') as text
    from blocks
    semi join memories
        on
            blocks.source_id = memories.source_id
            and blocks.session_id = memories.session_id
            and coalesce(blocks.agent_id, '') = memories.thread_id
    inner join contents
        on blocks.source_id = contents.source_id and blocks.content_hash = contents.content_hash
    where blocks.kind in ('text', 'thinking', 'tool_call')
),

-- A word stands for itself and for its parts: `pnpm-lock.yaml` is a use of `pnpm` too.
spoken as (
    select
        source_id,
        session_id,
        thread_id,
        block_index,
        coalesce(is_shell, false) as is_shell,
        unnest(list_distinct(list_transform(
            list_concat(
                regexp_extract_all(text, '[\p{L}\p{N}_](?:[\p{L}\p{N}_.@-]*[\p{L}\p{N}_])'),
                regexp_extract_all(text, '[\p{L}\p{N}_]{2,}')
            ),
            word -> lower(word)
        ))) as word
    from answers
),

last_spoken as (
    select
        source_id,
        session_id,
        thread_id,
        word,
        max(block_index) as block_index,
        max(block_index) filter (where is_shell) as shell_block_index
    from spoken
    group by all
),

used as (
    select distinct
        memories.source_id,
        memories.session_id,
        memories.block_index,
        memories.start_bytes
    from memories
    inner join memory_words
        on
            memories.source_id = memory_words.source_id
            and memories.session_id = memory_words.session_id
            and memories.block_index = memory_words.block_index
            and memories.start_bytes = memory_words.start_bytes
    inner join last_spoken
        on
            memories.source_id = last_spoken.source_id
            and memories.session_id = last_spoken.session_id
            and memories.thread_id = last_spoken.thread_id
            and memory_words.word = last_spoken.word
    where
        case when memory_words.is_plain then last_spoken.shell_block_index else last_spoken.block_index end
        > memories.block_index
)

select
    memories.source_id,  -- shard
    memories.session_id,  -- session
    'C10.memory' as kind,  -- rule
    concat(memories.block_index, ':', memories.start_bytes) as finding_key,  -- the file, as it was loaded here
    'block' as target,  -- its text
    memories.block_index,  -- all files that were loaded at once
    memories.start_bytes / memories.text_bytes as part_low,  -- from the line that names it
    least(memories.end_bytes / memories.text_bytes, 1.0) as part_high,  -- to the next one, or the end of what is said
    concat(
        'No name, path or command of ',
        -- With its folder, but not with the name of whose home folder that is.
        regexp_extract(
            regexp_replace(memories.name, '(?i)^(.*[/\\])?(homes?[0-9]*|users)[/\\]+[^/\\]+([/\\])', '~\3'), '[^/\\]*[/\\]?[^/\\]+$'
        ),
        ' appears in what this conversation wrote or called.'
    ) as evidence  -- why
from memories
anti join used
    on
        memories.source_id = used.source_id
        and memories.session_id = used.session_id
        and memories.block_index = used.block_index
        and memories.start_bytes = used.start_bytes
