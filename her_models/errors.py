"""The error tree. Every message says what was found, where, and what to do; none quotes transcript text."""

from __future__ import annotations


class HerError(Exception):
    """Anything Her can explain to a person; shown without a traceback."""


class ConfigError(HerError):
    """`config.toml` or an argument cannot be used."""


class SourceError(HerError):
    """A path given as a source cannot be read."""


class PriceError(HerError):
    """A price file cannot be used."""


class LakeError(HerError):
    """The lake cannot be opened, read or written."""


class LakeOutdated(LakeError):
    """Another version of Her wrote the lake, and what this one reads is not there yet."""


class LakeBusy(LakeError):
    """Another process is writing to the lake."""


class PublishRefused(LakeError):
    """A critical check failed inside the publishing transaction; nothing was published."""


class QueryError(HerError):
    """A query given by a person cannot be run."""


class ModelError(HerError):
    """A SQL model's file, header or result is not as it should be."""
