"""The workflow module of the demo company: items that its customers process, and their outcomes."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import SECOND, later, working_hours
from health_assets.demo.lifecycles import QUALITY, Lifecycles
from health_assets.demo.naming import account_keys, keys

ITEMS_PER_SEAT = 4.0  # per week at the usual activity
ITEMS_AT_SCALE = -0.2  # exponent: beyond 150 accounts each processes less, so that files stay small
MINUTES, MINUTES_IN_TROUBLE, MINUTES_SPREAD = 34, 1.6, 0.45
ERROR_RATE, ERROR_RATE_IN_TROUBLE = 0.035, 0.13
DENIAL_RATE, DENIAL_RATE_IN_TROUBLE, FAILURE_RATE = 0.08, 0.21, 0.015
ABANDONED_SHARE = 0.01
DECIDED_AFTER_DAYS = (1, 7)


def workflows(lifecycles: Lifecycles, user_share: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(workflow items, outcomes) of the share of accounts that use the module.

    Processing is slower, with more errors and denials, while an account has quality problems.
    """
    chance, calendar = lifecycles.chance("workflows"), lifecycles.calendar
    uses = chance.random(lifecycles.accounts) < user_share
    rate = (
        ITEMS_PER_SEAT * max(lifecycles.accounts / 150, 1) ** ITEMS_AT_SCALE * lifecycles.seats * lifecycles.usage**0.6
    )
    account, day = lifecycles.scatter(chance.poisson(rate * uses * lifecycles.present), chance)
    count = len(day)
    in_trouble = lifecycles.on(lifecycles.trouble[:, QUALITY], day, account)
    started = calendar.at(day, working_hours(chance, count))
    minutes = MINUTES * np.where(in_trouble, MINUTES_IN_TROUBLE, 1) * chance.lognormal(0, MINUTES_SPREAD, count)
    completed = np.minimum(later(started, minutes / 60), calendar.midnight(day + 1) - SECOND)
    is_completed = chance.random(count) >= ABANDONED_SHARE
    item = keys("ITM", count, 7)
    items = pl.DataFrame(
        {
            "item_id": item,
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "started_at": started,
            "completed_at": completed,
            "has_data_error": chance.random(count) < np.where(in_trouble, ERROR_RATE_IN_TROUBLE, ERROR_RATE),
        }
    ).with_columns(completed_at=pl.when(pl.Series(is_completed)).then("completed_at"))

    decided = day + chance.integers(*DECIDED_AFTER_DAYS, count)
    left_on = lifecycles.on(lifecycles.left_on, day, account)
    known = np.flatnonzero(is_completed & (decided < left_on) & (decided <= calendar.last_day))
    luck = chance.random(count)
    denied = FAILURE_RATE + np.where(in_trouble, DENIAL_RATE_IN_TROUBLE, DENIAL_RATE)
    outcome = np.select([luck < FAILURE_RATE, luck < denied], ["failed", "denied"], "approved")
    outcomes = pl.DataFrame(
        {
            "outcome_id": keys("OUT", len(known), 7),
            "item_id": item.gather(known),
            "outcome_date": calendar.date(decided[known]),
            "result": outcome[known],
        }
    )
    return items, outcomes
