"""One module per stage: logs, the shard (staged tables and models), days, upkeep."""
