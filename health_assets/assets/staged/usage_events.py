"""Usage events, parsed straight from the files, for the months that a run writes."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Moment
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import local_date
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class UsageEvents(Contract):
    """Who did what in the product, and when? An event id that returns on another day is another event."""

    event_id = dy.String(primary_key=True, description="Event")
    account_id = AccountId(of="staged_accounts")
    user_id = dy.String(nullable=True, description="User; null = the event names none")
    event_name = dy.String(description="Event, lower case")
    event_timestamp = Moment("Time of the event", nullable=False)
    event_date = Day("Local day of the event", nullable=False, primary_key=True, metadata={"available_from": True})
    event_count = dy.Int64(
        min=1,
        metadata={"decides": False},
        description="Number of equal events that the row represents; 1 where the file does not say; rows with 0 are ignored",
    )
    duration_seconds = dy.Float64(nullable=True, min=0, description="Duration, in seconds; null = not measured")
    sessions_begun = dy.Int64(
        nullable=True,
        min=0,
        description="Sessions that begin with the events of the row, where an engine has reduced all events of an account, "
        "user, name and day to one row; null = the row is one event, whose time shows it",
    )


@staged(UsageEvents, monthly=True)
def staged_usage_events(raw_usage_events: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed events."""
    return raw_usage_events.pipe(parsed, UsageEvents, settings, "usage_events").with_columns(
        pl.col("event_name").str.to_lowercase(),
        pl.col("event_count").fill_null(1),
        event_date=local_date(pl.col("event_timestamp"), settings.timezone),
    )
