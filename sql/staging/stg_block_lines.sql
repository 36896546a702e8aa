-- stg_block_lines: content blocks on the lines of the sessions being built.
-- grain: one row per content block on a line of a current file, in a session of the scope
-- key:   file_id, offset_bytes, block_index
-- reads: block_lines, stg_source_files, scope_sessions
-- note:  copies of a block on other lines are still here; blocks keeps one

select
    block_lines.source_id,  -- shard
    block_lines.session_id,  -- session of the line
    block_lines.file_id,  -- file generation
    stg_source_files.path as file_path,  -- path of the log file
    block_lines.offset_bytes,  -- line
    block_lines.block_index as line_block_index,  -- position on its line, from 0
    block_lines.agent_id,  -- subagent, if any
    coalesce(block_lines.is_sidechain, false) as is_sidechain,  -- written by a subagent
    coalesce(block_lines.is_nested, false) as is_nested,  -- found inside a progress line of the parent
    coalesce(block_lines.is_meta, false) as is_meta,  -- made by the client
    block_lines.parent_tool_use_id,  -- tool call a nested block belongs to
    block_lines.uuid,  -- uuid of the line or the nested message
    block_lines.logged_at,  -- timestamp
    block_lines.message_id,  -- API message id, for assistant blocks
    block_lines.role,  -- user, assistant, system or attachment
    block_lines.kind,  -- prompt, thinking, text, tool_call, tool_result, ...
    block_lines.tool_name,  -- tool called
    block_lines.tool_use_id,  -- joins call and result
    block_lines.path,  -- file the call names
    block_lines.range_start,  -- first line, from 1
    block_lines.range_lines,  -- number of lines
    coalesce(block_lines.is_error, false) as is_error,  -- a result flagged as an error
    coalesce(block_lines.text_bytes, 0) as text_bytes,  -- UTF-8 bytes
    coalesce(block_lines.text_chars, 0) as text_chars,  -- characters
    block_lines.image_width,  -- pixels
    block_lines.image_height,  -- pixels
    block_lines.content_hash,  -- key of contents
    block_lines.preview,  -- first 200 characters
    block_lines.spawned_agent_id,  -- subagent a tool result reports on
    block_lines.spawned_agent_type,  -- type asked for by the call that starts a subagent
    block_lines.spawned_description,  -- description given in that call
    block_lines.spawned_prompt_hash,  -- hash of the prompt given in that call
    block_lines.signature_bytes,  -- length of a thinking block's signature
    block_lines.parameters_count  -- top-level parameters of a tool call
from block_lines
semi join scope_sessions
    on block_lines.source_id = scope_sessions.source_id and block_lines.session_id = scope_sessions.session_id
inner join stg_source_files on block_lines.file_id = stg_source_files.file_id
