"""Product: usage events. They are not copied: the raw table is the profile of the files."""

import dataframely as dy

from health_assets.columns import Count, Given
from health_assets.contracts import Contract, RawContract
from health_assets.tables import source


class RawUsageEvents(RawContract):
    """Who did what in the product, and when? The rows of the files."""

    event_id = Given("Key of the event", required=True, key=True)
    account_id = Given("Account", required=True)
    user_id = Given("User; blank for events of machines")
    event_name = Given("What was done", required=True)
    event_timestamp = Given("When", required=True)
    duration_seconds = Given("How long it took")
    properties = Given("Details, as JSON")


class UsageEventsProfile(Contract):
    """Which months do the event files hold, and how many rows of each? Tells a run what has changed."""

    source_file = dy.String(primary_key=True, description="File, with its folder")
    month = dy.String(
        primary_key=True,
        description="YYYY-MM in the company's time zone, or unreadable for rows whose time cannot be read",
        regex=r"^(\d{4}-\d{2}|unreadable)$",
    )
    row_count = Count("Rows of the file in the month")


raw_usage_events = source("raw_usage_events", RawUsageEvents, profile=UsageEventsProfile, time="event_timestamp")
