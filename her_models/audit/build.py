"""`audit_matches`: the tool calls of the sessions being built that match a rule.

What belongs here: reading the calls and writing the matches. What does not: the rules (`rules`), and the outcome of a
call, which SQL joins to it (`sql/marts/audit_events.sql`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from her_models.audit.rules import SHELL_TOOLS, load_rules, matches
from her_models.audit.tables import AUDIT_COLUMNS

if TYPE_CHECKING:
    import duckdb

_TARGETS_SHOWN = 20
_BATCH_ROWS = 10_000

# Of calls that are no shell's the path is enough.
_CALLS = """
    select
        calls.source_id,
        calls.session_id,
        calls.block_index,
        calls.tool_name,
        calls.path,
        case when calls.tool_name in (select unnest($shells)) then contents.text else '' end as text,
        lines.cwd,
        first_value(lines.cwd ignore nulls) over (
            partition by calls.source_id, calls.session_id order by calls.block_index
        ) as project
    from int_blocks as calls
    left join int_session_lines as lines
        on calls.file_id = lines.file_id and calls.offset_bytes = lines.offset_bytes
    left join contents
        on calls.source_id = contents.source_id and calls.content_hash = contents.content_hash
    where calls.kind = 'tool_call' and not calls.is_inherited and calls.tool_name in (select unnest($tools))
"""


def build(con: duckdb.DuckDBPyConnection, _layout: object) -> None:
    """Make the temporary table `audit_matches` on `con`."""
    version, rules = load_rules()
    tools = sorted(SHELL_TOOLS | {tool for rule in rules for tool in rule.tools})
    parameters = {"shells": sorted(SHELL_TOOLS), "tools": tools}
    found: dict[str, list[Any]] = {name: [] for name in AUDIT_COLUMNS["audit_matches"]}
    for batch in con.execute(_CALLS, parameters).to_arrow_reader(_BATCH_ROWS):
        for call in batch.to_pylist():
            for match in matches(call["tool_name"], call["text"] or "", call["path"], call["cwd"], call["project"]):
                row = {
                    **{name: call[name] for name in ("source_id", "session_id", "block_index")},
                    "rule": match.rule.name,
                    "class": match.rule.kind,
                    "severity": match.rule.severity,
                    "command": match.command,
                    "target": "\n".join(dict.fromkeys(match.targets[:_TARGETS_SHOWN])) or None,
                    "effect": match.rule.effect,
                    "rule_version": version,
                }
                for name, values in found.items():
                    values.append(row[name])
    types = {"block_index": pa.int64()}
    table = pa.table({name: pa.array(values, types.get(name, pa.string())) for name, values in found.items()})
    con.register("audit_matches_arrow", table)
    con.execute("create or replace temp table audit_matches as select * from audit_matches_arrow")
    con.unregister("audit_matches_arrow")
