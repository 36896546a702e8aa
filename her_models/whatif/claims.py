"""What the models of waste claim, read as claims on a sequence, and which parts of a prompt a server brought.

What belongs here: the reading of `int_waste_targets` and `int_waste_sections`. What does not: what waste is
(`sql/intermediate/int_waste_*`) and what is left out with it (`removals`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from her_models.whatif.removals import BlockClaim, Claim, OutputClaim, RequestClaim
from her_models.whatif.sequence import Sequence

if TYPE_CHECKING:
    import duckdb

_QUERY = """
    select
        waste_rules.label, waste_rules.confidence, targets.target, targets.slot_index, targets.place_index,
        targets.part_low, targets.part_high, targets.keeps_new, targets.keeps_output
    from int_waste_targets as targets
    inner join int_waste_findings as findings on targets.finding_number = findings.finding_number
    inner join waste_rules on findings.kind = waste_rules.kind
    where not waste_rules.is_hint
    order by waste_rules.rank, targets.finding_number, targets.slot_index, targets.place_index, targets.part_low
"""
# The client puts an underscore for what is no letter, digit or hyphen.
_INSTRUCTIONS = """
    select
        slots.slot_index, regexp_replace(sections.name, '[^a-zA-Z0-9_-]', '_', 'g') as server,
        sections.start_bytes / sections.text_bytes as part_low,
        least(sections.end_bytes / sections.text_bytes, 1.0) as part_high
    from int_waste_sections as sections
    inner join int_ledger_slots as slots using (source_id, session_id, block_index)
    where sections.listed = 'server'
    order by all
"""
_WAKE_UPS = "C3"  # nothing waited for them: their time stays in the session
SURENESS = ("exact", "estimated", "heuristic")


@dataclass(frozen=True)
class Claims:
    """Claims of rules that count, and the least sure class of those of a label in a session, by its number.

    `instructions` are the tokens of what MCP servers say of themselves, by block and by server as tools are named.
    """

    claims: list[Claim]
    confidence: dict[tuple[int, str], str]
    instructions: dict[int, dict[str, int]] = field(default_factory=dict)


def read_claims(con: duckdb.DuckDBPyConnection, seq: Sequence) -> Claims:
    """Return what is claimed of a sequence; slots and places of the ledger are its blocks and places."""
    found: list[Claim] = []
    confidence: dict[tuple[int, str], str] = {}
    for label, sure, target, block, place, low, high, keeps_new, keeps_output in con.execute(_QUERY).fetchall():
        session = int(seq.session[place]) if target == "request" else seq.blocks[block].session
        confidence[session, label] = max(confidence.get((session, label), sure), sure, key=SURENESS.index)
        if target == "block":
            found.append(BlockClaim(label, block, low, high, -1 if place is None else place))
        elif target == "output":
            found.append(OutputClaim(label, block, high - low))
        else:
            found.append(RequestClaim(label, place, keeps_new, keeps_output, keeps_time=label == _WAKE_UPS))
    return Claims(_with_needs(seq, found), confidence, _read_instructions(con, seq))


def _read_instructions(con: duckdb.DuckDBPyConnection, seq: Sequence) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for block, server, low, high in con.execute(_INSTRUCTIONS).fetchall():
        size = seq.blocks[block].size
        tokens = round(high * size) - round(low * size)
        found[block][server] = found[block].get(server, 0) + tokens
    return dict(found)


def _with_needs(seq: Sequence, claims: list[Claim]) -> list[Claim]:
    """A request that only takes in the calls of the one before is needless only while none of them is made."""
    by_block: dict[int, str] = {}
    for claim in claims:
        if isinstance(claim, OutputClaim):
            by_block.setdefault(claim.block, claim.label)
    calls: dict[int, set[str]] = defaultdict(set)
    for number, block in enumerate(seq.blocks):
        if block.kind == "tool_call" and block.writer >= 0 and number in by_block:
            calls[block.writer].add(by_block[number])
    return [
        replace(claim, needs=frozenset(calls.get(claim.place - 1, ())))
        if isinstance(claim, RequestClaim) and claim.keeps_new and claim.keeps_output
        else claim
        for claim in claims
    ]
