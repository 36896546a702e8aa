"""What assets are given: Her's home, and who is told how a run goes.

What belongs here: things that differ between a run of Dagster's own, a run that the command line records, and a test.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from her_models.config import Config, Source, default_source, load_config
from her_models.errors import LakeError, SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from her_models.ingest import SourceReport


class Her(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Her's home; the steps are `her_models`' own."""

    home: str = ""

    def config(self) -> Config:
        """Return what config.toml says now."""
        return load_config(Path(self.home) if self.home else None)

    def ingest(self, source_id: str, path: str = "", days: Sequence[date] = ()) -> SourceReport:
        """Bring one source up to date, and build the sessions of `days` anew with it.

        Raises:
            HerError: as `her_models.ingest.ingest_sources`; nothing was published then.
        """
        from her_models.ingest import as_one, ingest_sources

        config = self.config()
        return as_one(ingest_sources(config, self.folders(config, source_id, path), days=days).sources)

    def folders(self, config: Config, source_id: str, path: str = "") -> list[Source]:
        """Return the folders of a source: `path` if given, else those configured, else where it was last read.

        Raises:
            SourceError: nobody knows where its logs lie.
        """
        if path:
            owner, _, host = source_id.partition("@")
            return [Source(owner, host, Path(path))]
        found = [source for source in known_sources(config) if source.source_id == source_id]
        if not found:
            raise SourceError(
                f"Nothing says where the logs of {source_id!r} lie. "
                f"Add a [[sources]] entry to {config.home}/config.toml."
            )
        return found


def configured_sources(config: Config) -> tuple[list[Source], list[str]]:
    """Return the sources to watch that are there, and the paths of those that are not."""
    watched = list(config.sources) or [default_source()]
    found = [source for source in watched if source.path.exists()]
    return found, [str(source.path) for source in watched if source not in found]


def known_sources(config: Config) -> list[Source]:
    """Return the configured sources, else this person's own logs; then those read before from other places."""
    watched = list(config.sources) or [default_source()]
    taken = {source.source_id for source in watched}
    return watched + [source for source in _read_before(config) if source.source_id not in taken]


def _read_before(config: Config) -> list[Source]:
    from her_models.lake import open_lake
    from her_models.reports import sources

    try:
        with open_lake(config, read_only=True, of_any_version=True) as lake:
            rows = sources(lake.con).select(["owner", "host", "path"]).to_pylist()
    except LakeError:  # there is none yet
        return []
    return [Source(row["owner"], row["host"], Path(row["path"])) for row in rows]
