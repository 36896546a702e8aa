"""Tables filled from the logs themselves: what workers stage as Parquet, and what the ingest notes about its work."""

from her_models.contracts import TABLES
from pipelines.assets.tables import LOGS, table_spec

_CONTROL = {
    "sources": ("session_logs",),
    "source_files": ("session_logs",),
    "prices": ("response_lines",),  # of the models that answered
    "ingest_runs": ("source_files",),
}

STAGED = [table_spec(table, tuple(LOGS.path), "staged") for table in TABLES.values() if table.layer == "staged"]
CONTROL = [table_spec(TABLES[name], deps, "control") for name, deps in _CONTROL.items()]
