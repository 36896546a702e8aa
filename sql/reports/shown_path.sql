-- shown_path: a path, and a project, as a report over several people tells it, without the name of whoever's home it lies in.
-- grain: macros; `path` and `folder` (the project's, may be null) give one text, and so do `project`, `folder` and `owner`
-- key:   none
-- reads: nothing
-- note:  in the project's folder from that folder on, else with ~ for the home folder, so that one file of two people is one
--        text. Slashes are those of Unix. Folders that the client names after a path (-Users-name-…) are told likewise.
--        A project that is a home folder itself, or bears its owner's name, is ~

create or replace temp macro without_home(path) as
    case
        when regexp_matches(path, '[/\\](?i:users)[/\\]+(?i:shared|public|default)(?:[/\\]|$)') then replace(path, '\', '/')
        else regexp_replace(
            regexp_replace(
                replace(path, '\', '/'),
                '^(?i:/[a-z]|/(?:mnt|media|volumes|net|nfs|afs|data|cygdrive)(?:/[^/]+){0,2}?|(?://[?]/)?[a-z]:|/var|/usr|/srv|/opt|/private|/export|/System/Volumes/Data|//[^/]+(?:/[^/]+)?)?/+(?i:homes?[0-9]*|users)/+[^/]+',
                '~'
            ),
            '-(?i:homes?[0-9]*|users)-[A-Za-z0-9_.\[\]]+', '-~', 'g'
        )
    end;

create or replace temp macro shown_path(path, folder) as
    case
        when starts_with(lower(without_home(path)), lower(nullif(rtrim(without_home(folder), '/'), '')) || '/')
            then concat(
                regexp_extract(rtrim(without_home(folder), '/'), '[^/]+$'),
                substr(without_home(path), length(rtrim(without_home(folder), '/')) + 1)
            )
        else without_home(path)
    end;

create or replace temp macro shown_project(project, folder, owner) as
    case
        when rtrim(without_home(folder), '/') = '~' or lower(project) = lower(owner) then '~'
        else project
    end;
