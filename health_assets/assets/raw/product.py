"""Product: users, the catalogue of features, usage snapshots and usage events.

The raw table of events is a profile of the files, not a copy of their rows.
"""

import dataframely as dy

from health_assets.contracts.columns import Count, Given
from health_assets.contracts.contract import Contract, RawContract
from health_assets.tables import source


class RawUsageEvents(RawContract):
    """Who did what in the product, and when? These are the rows of the files."""

    event_id = Given("Key of the event", required=True, key=True)
    account_id = Given("Account; found in `users` where the file names the user only", required=True, through="user_id")
    user_id = Given("User; blank for events without one, such as those of machines")
    event_name = Given("Name of the event", required=True)
    event_timestamp = Given("Time of the event", required=True)
    event_count = Given("How many equal events the row stands for; blank is 1")
    duration_seconds = Given("Duration, in seconds")
    properties = Given("Details, as JSON")
    sessions_begun = Given(
        "Sessions that begin with the events of the row, where an engine has reduced them; blank where a row is one event"
    )


class UsageEventsProfile(Contract):
    """Which months do the event files cover, and with how many rows? A run compares this to see what has changed."""

    source_file = dy.String(primary_key=True, description="File, with its folder")
    month = dy.String(
        primary_key=True,
        description="YYYY-MM in the company's time zone, or unreadable for rows whose time cannot be read",
        regex=r"^(\d{4}-\d{2}|unreadable)$",
    )
    row_count = Count("Rows of the file in the month")


raw_usage_events = source("raw_usage_events", RawUsageEvents, profile=UsageEventsProfile, time="event_timestamp")


class RawUsers(RawContract):
    """Who has access to the product?"""

    user_id = Given("Key of the user", required=True)
    account_id = Given("Account", required=True)
    created_at = Given("Time of creation")
    last_login_at = Given("Latest login, as known when the file was written")
    role = Given("Role in the product")
    is_active = Given("Whether the user still has access, as known when the file was written")


raw_users = source("raw_users", RawUsers)


class RawFeatures(RawContract):
    """Which features does the product have, and which event shows their use?"""

    feature_name = Given("Key of the feature", required=True)
    event_name = Given("Event that shows its use", required=True)
    feature_category = Given("Category", required=True)
    is_core = Given("Whether every account should use it")


raw_features = source("raw_features", RawFeatures)


class RawUsageSnapshots(RawContract):
    """How was the product used, according to a product analytics tool that exports only aggregates?"""

    account_id = Given("Account", required=True)
    snapshot_date = Given("Day that the row describes; the load day for a file without this column")
    login_frequency = Given("Logins, as the tool measures them")
    feature_adoption_score = Given("Share of features adopted, 0-1")
    license_utilization = Given("Share of seats in use, 0-1")
    data_volume_gb = Given("Data stored, in GB")
    last_login_date = Given("Day of the latest login")


raw_usage_snapshots = source("raw_usage_snapshots", RawUsageSnapshots)
