-- who_deleted: who deleted a file, when, and whether it worked.
-- grain: one row per deletion, the latest first, at most $limit
-- key:   source_id, session_id, event_index
-- reads: audit_events, sessions
-- note:  only rules about files, not about branches, images or databases; what a folder held when it was deleted is
--        not in the log: ask for the folder, too

select
    concat(
        coalesce(audit_events.owner, 'Somebody'), case when audit_events.agent_id is null then '''s session ' else '''s subagent in ' end,
        '"', coalesce(sessions.title, audit_events.session_id), '" ',
        case audit_events.outcome when 'succeeded' then 'ran ' when 'failed' then 'ran, without success, '
            when 'denied' then 'was denied ' else 'asked for ' end,
        audit_events.command, ' on ', strftime(audit_events.happened_at, '%Y-%m-%d %H:%M'), ' UTC.'
    ) as said,  -- sentence
    audit_events.source_id,  -- shard
    audit_events.session_id,  -- session
    audit_events.block_index,  -- call
    audit_events.event_index,  -- position among the session's events
    audit_events.owner,  -- person
    audit_events.command,  -- command
    audit_events.target,  -- what it deleted
    audit_events.outcome,  -- succeeded, failed, denied or unknown
    audit_events.happened_at,  -- time
    count(*) over () as found_count  -- deletions in all
from audit_events
inner join sessions on audit_events.source_id = sessions.source_id and audit_events.session_id = sessions.session_id
where
    audit_events.rule in (
        'deleted', 'deleted_outside_project', 'found_and_deleted', 'found_and_deleted_outside', 'git_removed',
        'changes_discarded', 'disk_overwritten', 'folder_mirrored'
    )
    and coalesce(audit_events.happened_at, $missing_at) >= $since_at
    and coalesce(audit_events.happened_at, $missing_at) < $until_at
    and (
        $text is null
        or contains(lower(concat_ws(' ', audit_events.command, audit_events.target)), lower($text))
    )
    and ($session_id is null or audit_events.session_id = $session_id)
order by audit_events.happened_at desc nulls last, audit_events.session_id, audit_events.event_index
limit $limit
