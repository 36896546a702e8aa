"""How the assets are divided: by source, and by source and day.

What belongs here: partitions and how their keys are read. What does not: which sources there are (`her_models.ingest`).

Tables are partitioned by source only, since a source is the shard that one transaction publishes: all its tables
together or none. Days would divide them wrongly: a session runs over midnight, and a first ingest of two years of logs
would have to report some 700 partitions of 30 tables each.

`session_days` is partitioned by source and day. A day is a day of the configured time zone on which something was
captured: a line of that day stands in a log. Backfilling days reads what is new in their sources and builds the
sessions of those days anew, as one run for however many days.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import dagster as dg

from her_models.config import Source, load_config

FIRST_DAY = "2025-02-24"  # Claude Code was first released
TIME_ZONE = load_config().time_zone

sources = dg.DynamicPartitionsDefinition(name="sources")
days = dg.DailyPartitionsDefinition(start_date=FIRST_DAY, timezone=TIME_ZONE, end_offset=1)  # today counts
source_days = dg.MultiPartitionsDefinition({"day": days, "source": sources})


def register(instance: dg.DagsterInstance, found: Iterable[Source]) -> list[str]:
    """Make a partition of each source that has none; returns those that are new."""
    known = set(instance.get_dynamic_partitions("sources"))
    new = [source_id for source_id in dict.fromkeys(source.source_id for source in found) if source_id not in known]
    if new:
        instance.add_dynamic_partitions("sources", new)
    return new


def source_day_key(source_id: str, day: date) -> dg.MultiPartitionKey:
    """Return the partition of one source on one day."""
    return dg.MultiPartitionKey({"source": source_id, "day": day.isoformat()})


def days_by_source(keys: Iterable[str]) -> dict[str, list[date]]:
    """Read the keys of `source_days`."""
    found: dict[str, list[date]] = {}
    for key in keys:
        parts = source_days.get_partition_key_from_str(key).keys_by_dimension
        found.setdefault(parts["source"], []).append(date.fromisoformat(parts["day"]))
    return found
