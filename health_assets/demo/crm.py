"""The CRM of the demo company: accounts, contract events and the touchpoints of its customer success team."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import first_day, working_hours
from health_assets.demo.lifecycles import RENEWAL_WEEKS, TIERS, Lifecycles
from health_assets.demo.naming import account_keys, company_names, keys

OWNERS = (
    "Sarah Chen",
    "Marcus Johnson",
    "Emily Rodriguez",
    "David Kim",
    "Rachel Thompson",
    "James O'Brien",
    "Priya Nair",
    "Lena Fischer",
)
INDUSTRIES = (
    "manufacturing",
    "healthcare",
    "technology",
    "retail",
    "professional_services",
    "logistics",
    "real_estate",
    "finance",
    "media",
    "education",
)
REGIONS, REGION_SHARE = ("north_america", "europe", "apac", "latam"), (0.48, 0.27, 0.16, 0.09)
CHILD_SHARE = 0.04  # accounts with a parent account
UTILIZATION = 0.78  # share of the seats in use at the usual activity
OTHER_EVENTS = 0.004  # weekly probability of an inconsequential contract event
KINDS, KIND_SHARE = ("email", "call", "business_review", "training"), (0.4, 0.35, 0.15, 0.1)
NEGATIVE_BELOW, NEUTRAL_BELOW = -1.2, 0.1  # mood of the account in a call


def accounts(lifecycles: Lifecycles) -> pl.DataFrame:
    """One row per account, as the CRM shows it on the last day."""
    chance = lifecycles.chance("crm")
    number = np.arange(lifecycles.accounts)
    key = account_keys(lifecycles.accounts)
    is_present, tier = lifecycles.at_end(lifecycles.present), lifecycles.at_end(lifecycles.tier)
    parent = np.where(
        chance.random(lifecycles.accounts) < CHILD_SHARE, (number * chance.random(lifecycles.accounts)), number
    )
    seats = lifecycles.at_end(lifecycles.seats)
    utilization = UTILIZATION * np.sqrt(lifecycles.at_end(lifecycles.usage)) + chance.normal(
        0, 0.05, lifecycles.accounts
    )
    return pl.DataFrame(
        {
            "account_id": key,
            "company_name": company_names(lifecycles.accounts, chance),
            "industry": chance.choice(INDUSTRIES, lifecycles.accounts),
            "employee_count": lifecycles.employees,
            "plan_tier": np.array(TIERS)[tier],
            "account_owner": owners(lifecycles),
            "region": chance.choice(REGIONS, lifecycles.accounts, p=REGION_SHARE),
            "signup_date": lifecycles.calendar.date(first_day(lifecycles.joins, lifecycles.weekday)),
            "status": np.select(
                [~is_present, lifecycles.at_end(lifecycles.on_trial), lifecycles.at_end(lifecycles.suspended)],
                ["churned", "trial", "suspended"],
                "active",
            ),
            "age": ages(lifecycles),
            "licensed_seats": np.where(is_present, seats, 0),
            "monthly_recurring_revenue": np.round(lifecycles.at_end(lifecycles.mrr.sum(axis=0)), 2),
            "license_utilization": pl.Series(np.clip(utilization, 0, 1.2)).round(2),
            "parent_account_id": key.gather(parent.astype(int)),
        }
    ).with_columns(
        license_utilization=pl.when(pl.Series(is_present)).then("license_utilization"),
        parent_account_id=pl.when(pl.col("parent_account_id") != pl.col("account_id")).then("parent_account_id"),
    )


def owners(lifecycles: Lifecycles) -> np.ndarray:
    """The owner of each account in the customer success team."""
    return lifecycles.chance("owners").choice(OWNERS, lifecycles.accounts)


def ages(lifecycles: Lifecycles) -> pl.Series:
    """Age in years of the buyer behind each account; null where the shop does not know it."""
    chance = lifecycles.chance("ages")
    age = np.clip(chance.normal(41, 13, lifecycles.accounts), 17, 79).astype(int)
    return pl.select(pl.when(pl.Series(chance.random(lifecycles.accounts) > 0.05)).then(pl.Series(age))).to_series()


def contract_events(lifecycles: Lifecycles) -> pl.DataFrame:
    """Contracts signed, renewed, changed and cancelled, with the change in monthly revenue."""
    paying = lifecycles.is_paying
    paid_before = np.vstack([np.zeros_like(paying[:1]), paying[:-1]])
    change = np.diff(lifecycles.mrr.sum(axis=0), axis=0, prepend=0)
    age = np.arange(len(paying))[:, None] - lifecycles.arrived_in
    is_renewal = paying & paid_before & (age % RENEWAL_WEEKS == 0)
    is_other = paying & (lifecycles.chance("contract_events").random(paying.shape) < OTHER_EVENTS)
    event_type = np.select(
        [paying & ~paid_before, paid_before & ~paying, is_renewal, change > 0, change < 0, is_other],
        ["signed", "cancelled", "renewed", "upgraded", "downgraded", "other"],
        "",
    )
    week, account = np.nonzero(event_type)
    day = first_day(week, lifecycles.weekday[account])
    known = np.flatnonzero(day <= lifecycles.calendar.last_day)
    known = known[np.argsort(day[known], kind="stable")]
    week, account, day = week[known], account[known], day[known]
    return pl.DataFrame(
        {
            "event_id": keys("CE", len(known), 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "event_date": lifecycles.calendar.date(day),
            "event_type": event_type[week, account],
            "revenue_impact": np.round(change[week, account], 2),
        }
    )


def touchpoints(lifecycles: Lifecycles) -> pl.DataFrame:
    """Calls, e-mails and reviews; owners call more often after bad tickets."""
    chance = lifecycles.chance("touchpoints")
    account, day = lifecycles.scatter(lifecycles.touches.astype(np.int8), chance)
    mood = lifecycles.on(lifecycles.satisfaction, day, account) + chance.normal(0, 0.7, len(day))
    return pl.DataFrame(
        {
            "touchpoint_id": keys("TP", len(day), 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "occurred_at": lifecycles.calendar.at(day, working_hours(chance, len(day))),
            "kind": chance.choice(KINDS, len(day), p=KIND_SHARE),
            "owner": owners(lifecycles)[account],
            "result": np.select([mood < NEGATIVE_BELOW, mood < NEUTRAL_BELOW], ["negative", "neutral"], "positive"),
        }
    )
