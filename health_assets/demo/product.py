"""The product of the demo company: users, usage events month by month, the feature catalogue, usage snapshots."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from health_assets.demo.calendar import first_day, week_of, working_hours
from health_assets.demo.crm import UTILIZATION
from health_assets.demo.lifecycles import Lifecycles
from health_assets.demo.naming import account_keys

# event -> feature, category, core; from the most to the least popular
CATALOGUE = {
    "dashboard_viewed": ("Dashboards", "reporting", True),
    "contact_added": ("Contacts", "crm_core", True),
    "search_performed": ("Search", "platform", True),
    "deal_updated": ("Deals", "crm_core", True),
    "email_sent": ("Email", "communication", True),
    "report_created": ("Reports", "reporting", True),
    "filter_applied": ("Filters", "platform", False),
    "task_completed": ("Tasks", "communication", False),
    "note_added": ("Notes", "crm_core", False),
    "api_call": ("API", "advanced", False),
    "export_generated": ("Exports", "reporting", False),
    "meeting_logged": ("Meetings", "communication", False),
    "workflow_created": ("Workflows", "advanced", False),
    "integration_configured": ("Integrations", "advanced", False),
    "user_invited": ("Invitations", "platform", False),
}
NARROWEST = 3  # features that every account uses
UNSEEN_SHARE = 0.04  # share of accounts whose network blocks the telemetry
SESSIONS = 0.130  # per user and working day at the usual activity
WEEKEND = 0.2
EVENTS_PER_SESSION, LONGEST_SESSION = 2.8, 30
EVENTS_AT_SCALE = -0.059  # exponent: 150 accounts give 100,000 events, 20,000 give 10 million rather than 13
KEENEST_USERS = 2.1  # exponent: the first users of an account do most of the work
SECONDS_BETWEEN_EVENTS, LONGEST_GAP, SECONDS_OF_AN_EVENT = 75, 400, 40
INVITED_OVER_WEEKS = 4
POPULAR_FEATURES = 1.25  # exponent: the first features of the catalogue are used most
LOGINS, LOGIN_CHANCE, GIGABYTES_PER_SEAT = (
    5,
    0.6,
    40,
)  # of snapshots: logins per month, daily probability of one, data stored


@dataclass(frozen=True)
class People:
    """The users of the product. Champions who have left are the first users of their account."""

    seated: np.ndarray  # week x account: users who have access
    offset: np.ndarray  # row of each account's first user
    account: np.ndarray  # of each user
    number: np.ndarray  # of each user within its account, from 0
    joined: np.ndarray  # day of each user
    key: pl.Series


def people(lifecycles: Lifecycles) -> People:
    """The users behind the seats: invited over the first weeks, replaced when a champion leaves."""
    age = np.arange(len(lifecycles.present))[:, None] - lifecycles.arrived_in
    ramp = np.minimum((age + 1) / INVITED_OVER_WEEKS, 1)
    seated = np.ceil(lifecycles.seats * ramp).astype(int) * lifecycles.present
    known = np.minimum(np.arange(len(seated))[:, None], lifecycles.this_week)
    reached = np.maximum.accumulate(np.where(lifecycles.present, lifecycles.champions_gone + seated, 0))
    reached = np.take_along_axis(reached, known, axis=0)
    invited = np.diff(reached, axis=0, prepend=0).T
    cell = np.repeat(np.arange(invited.size), invited.ravel())
    account, week = np.divmod(cell, len(seated))
    total = invited.sum(axis=1)
    offset = np.cumsum(total) - total
    number = np.arange(len(account)) - offset[account]
    key = pl.select(
        account_keys(lifecycles.accounts).gather(account) + "-U" + pl.Series(number + 1).cast(pl.String).str.zfill(2)
    ).to_series()
    return People(seated, offset, account, number, first_day(week, lifecycles.weekday[account]), key)


def users(lifecycles: Lifecycles, people: People, last_login: np.ndarray) -> pl.DataFrame:
    """One row per user; `last_login` is the time of each user's last event, NaT where there was none."""
    gone = lifecycles.at_end(lifecycles.champions_gone)[people.account]
    is_seated = (people.number >= gone) & (people.number < gone + lifecycles.at_end(people.seated)[people.account])
    return pl.DataFrame(
        {
            "user_id": people.key,
            "account_id": account_keys(lifecycles.accounts).gather(people.account),
            "created_at": lifecycles.calendar.at(people.joined, np.full(len(people.joined), 7.0)),
            "last_login_at": last_login,
            "role": np.select([people.number == 0, people.number % 5 == 1], ["admin", "manager"], "member"),
            "is_active": is_seated,
        }
    )


def features() -> pl.DataFrame:
    """The catalogue: the feature of each event."""
    rows = [(name, event, category, is_core) for event, (name, category, is_core) in CATALOGUE.items()]
    return pl.DataFrame(rows, schema=["feature_name", "event_name", "feature_category", "is_core"], orient="row")


def breadth(lifecycles: Lifecycles) -> np.ndarray:
    """How many features each account uses: more where the product suits it."""
    inclination = 0.7 * lifecycles.fit + lifecycles.chance("breadth").normal(0, 0.8, lifecycles.accounts)
    return NARROWEST + np.round((len(CATALOGUE) - NARROWEST) / (1 + np.exp(-1.3 * inclination))).astype(int)


def is_seen(lifecycles: Lifecycles) -> np.ndarray:
    """Whether the usage of each account reaches the company."""
    return lifecycles.chance("telemetry").random(lifecycles.accounts) >= UNSEEN_SHARE


def usage_events(lifecycles: Lifecycles, people: People, last_login: np.ndarray) -> Iterator[tuple[str, pl.DataFrame]]:
    """(month, its events) for each month; also fills `last_login`.

    Users work in sessions; only one month is held in memory at a time.
    """
    chance, calendar = lifecycles.chance("usage_events"), lifecycles.calendar
    width, seen, written = breadth(lifecycles), is_seen(lifecycles), 0
    rate = SESSIONS * (lifecycles.accounts / 150) ** EVENTS_AT_SCALE * people.seated * lifecycles.usage * seen
    names = pl.Series(list(CATALOGUE))
    account_key = account_keys(lifecycles.accounts)
    for month, days in calendar.month_days():
        is_weekend = ~np.is_busday(calendar.date(days))
        expected = rate[week_of(days[:, None], lifecycles.weekday), np.arange(lifecycles.accounts)]
        sessions = chance.poisson(expected * np.where(is_weekend, WEEKEND, 1)[:, None])
        cell = np.repeat(np.arange(sessions.size), sessions.ravel())
        day, account = np.divmod(cell, lifecycles.accounts)
        day += days[0]
        gone = lifecycles.on(lifecycles.champions_gone, day, account)
        keenness = chance.random(len(cell)) ** KEENEST_USERS
        user = people.offset[account] + gone + (keenness * lifecycles.on(people.seated, day, account)).astype(int)
        began = calendar.at(day, working_hours(chance, len(cell)))

        length = np.minimum(chance.geometric(1 / EVENTS_PER_SESSION, len(cell)), LONGEST_SESSION)
        session = np.repeat(np.arange(len(cell)), length)
        gap = np.minimum(chance.exponential(SECONDS_BETWEEN_EVENTS, len(session)), LONGEST_GAP)
        elapsed = np.cumsum(gap)
        first = np.cumsum(length) - length
        moment = began[session] + (elapsed - elapsed[first][session]).astype("timedelta64[s]")
        np.fmax.at(last_login, user, began)
        feature = (width[account][session] * chance.random(len(session)) ** POPULAR_FEATURES).astype(int)
        duration = np.minimum(gap, chance.exponential(SECONDS_OF_AN_EVENT, len(session))).astype(np.int32)
        number = pl.int_range(written + 1, written + len(session) + 1, eager=True)
        yield (
            month,
            pl.DataFrame(
                {
                    "event_id": pl.select(pl.lit("EVT-") + number.cast(pl.String).str.zfill(8)).to_series(),
                    "account_id": account_key.gather(account[session]),
                    "user_id": people.key.gather(user[session]),
                    "event_name": names.gather(feature),
                    "event_timestamp": moment,
                    "duration_seconds": duration,
                    "properties": pl.Series([None], dtype=pl.String).new_from_index(0, len(session)),
                }
            ),
        )
        written += len(session)


def usage_snapshots(lifecycles: Lifecycles) -> pl.DataFrame:
    """What a product analytics tool exports at the end of each month and on the last day."""
    chance, calendar = lifecycles.chance("usage_snapshots"), lifecycles.calendar
    adoption, seen = breadth(lifecycles) / len(CATALOGUE), is_seen(lifecycles)
    day = np.repeat([days[-1] for _, days in calendar.month_days()], lifecycles.accounts)
    account = np.tile(np.arange(lifecycles.accounts), calendar.months)
    shown = np.flatnonzero(lifecycles.on(lifecycles.present, day, account) & seen[account])
    day, account = day[shown], account[shown]
    usage, seats = lifecycles.on(lifecycles.usage, day, account), lifecycles.on(lifecycles.seats, day, account)
    arrived = first_day(lifecycles.on(lifecycles.arrived_in, day, account), lifecycles.weekday[account])
    last_login = day - chance.geometric(np.clip(LOGIN_CHANCE * usage, 0.03, 0.95)) + 1
    count = len(day)
    return pl.DataFrame(
        {
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "snapshot_date": calendar.date(day),
            "login_frequency": chance.poisson(LOGINS * usage * np.sqrt(seats)),
            "feature_adoption_score": _share(adoption[account] * usage**0.4, chance),
            "license_utilization": _share(UTILIZATION * usage**0.5, chance),
            "data_volume_gb": np.round(GIGABYTES_PER_SEAT * usage * seats * chance.lognormal(0, 0.3, count), 1),
            "last_login_date": calendar.date(np.maximum(last_login, arrived)),
        }
    )


def _share(usual: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    return np.round(np.clip(usual + chance.normal(0, 0.05, len(usual)), 0, 1), 2)
