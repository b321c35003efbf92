"""Vendors whose exports and landed tables are known: a folder of SQL for each."""

from collections.abc import Iterator
from contextlib import contextmanager

from health_assets.settings import Settings
from health_assets.settings.source import Description
from health_assets.sources.databases import Connection
from health_assets.sources.formats import SourceError


@contextmanager
def opened_preset(description: Description, source: str, settings: Settings) -> Iterator[Connection]:
    """A database that holds a view of the source's name.

    Raises:
        SourceError: the vendor is not known.
    """
    raise SourceError(f"there is no preset {description.preset!r}")
    yield
