"""How a module of a vendor describes what is pulled: tables, and for each how its pages are read."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from health_assets.connectors.api import Api, Record


@dataclass(frozen=True)
class Batch:
    """Records, and the place from which a pull goes on that is interrupted after them."""

    records: Iterable[Record]
    resume: Record


@dataclass(frozen=True)
class Progress:
    """What is known of a table when a pull begins."""

    cursor: Record  # where the last complete pull ended; empty before the first
    resume: Record  # where an interrupted pull stopped; empty where there is none
    since: date  # the oldest records that are wanted
    rows: Callable[[str], list[Record]]  # the current rows for which a SQL condition holds

    @property
    def since_time(self) -> datetime:
        """The begin of the first wanted day."""
        return datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)


Fetch = Callable[[Api, Progress], Generator[Batch, None, Record]]  # returns the cursor of the next pull


@dataclass(frozen=True)
class PulledTable:
    """A table of a vendor."""

    name: str  # as the presets call it
    fetch: Fetch
    is_listing: bool = False  # every record that exists is listed each time; one that is missing was deleted
    is_optional: bool = False  # a token without the right to read it is enough for the others
    always: tuple[str, ...] = ()  # fields that the file has also where no record has them
    key: str = "id"
    deleted: str = "is_deleted"  # the field that marks a record as deleted
    account: str = ""  # the field that says whose a record is, by which erased accounts are kept out
