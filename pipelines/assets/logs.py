"""The logs as Claude Code writes them: where everything begins; nothing here makes them."""

import dagster as dg

from pipelines.assets.tables import LOGS
from pipelines.partitions import sources

session_logs = dg.AssetSpec(
    LOGS,
    description="Session logs of one person on one machine, as the client writes them. The sensor watches them.",
    group_name="logs",
    kinds={"json"},
    partitions_def=sources,
)
