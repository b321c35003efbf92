"""The shop of the demo company, where accounts buy hardware and services: orders and their payments."""

import numpy as np
import polars as pl

from health_assets.demo.billing import CURRENCY
from health_assets.demo.crm import ages
from health_assets.demo.lifecycles import PAYMENT, Lifecycles
from health_assets.demo.naming import account_keys, keys

NEVER_BUYS_SHARE = 0.06
ORDERS_A_WEEK, APPETITE = 0.13, 0.75  # of the median account; spread of the natural log between accounts
OUTFITTING, OUTFITTING_WEEKS = 5.0, 4  # how much more often a new account buys, and how fast this fades
BASKET, BASKET_SPREAD, BASKET_NOISE = 180.0, 0.85, 0.45  # median amount; spread between and within accounts
MIDDLE_AGED, MIDDLE_AGED_BASKET = (35, 54), 1.3
DUE_AFTER_DAYS = 14
LATE_SHARE, LATE_SHARE_IN_TROUBLE, UNPAID_SHARE_IN_TROUBLE = 0.05, 0.45, 0.25


def _bought(lifecycles: Lifecycles) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(account, day, amount) of every order; a few accounts account for most of the spend."""
    chance = lifecycles.chance("orders")
    buys = chance.random(lifecycles.accounts) >= NEVER_BUYS_SHARE
    rate = ORDERS_A_WEEK * buys * chance.lognormal(0, APPETITE, lifecycles.accounts)
    weeks_since_arrival = np.arange(len(lifecycles.present))[:, None] - lifecycles.arrived_in
    rate = rate * (1 + OUTFITTING * np.exp(-weeks_since_arrival / OUTFITTING_WEEKS))
    account, day = lifecycles.scatter(chance.poisson(rate * np.sqrt(lifecycles.usage) * lifecycles.present), chance)
    age = ages(lifecycles).fill_null(0).to_numpy()
    basket = BASKET * chance.lognormal(0, BASKET_SPREAD, lifecycles.accounts)
    basket *= np.where((age >= MIDDLE_AGED[0]) & (age <= MIDDLE_AGED[1]), MIDDLE_AGED_BASKET, 1)
    return account, day, np.round(basket[account] * chance.lognormal(0, BASKET_NOISE, len(day)), 2)


def orders(lifecycles: Lifecycles) -> pl.DataFrame:
    account, day, amount = _bought(lifecycles)
    return pl.DataFrame(
        {
            "order_id": keys("ORD", len(day), 6),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "order_date": lifecycles.calendar.date(day),
            "total_amount": amount,
        }
    ).with_columns(currency=pl.lit(CURRENCY))


def payments(lifecycles: Lifecycles) -> pl.DataFrame:
    """One per order; late or missing while the account has payment problems."""
    chance, calendar = lifecycles.chance("payments"), lifecycles.calendar
    account, day, amount = _bought(lifecycles)
    in_trouble = lifecycles.on(lifecycles.trouble[:, PAYMENT], day, account)
    luck, count = chance.random(len(day)), len(day)
    is_late = luck < np.where(in_trouble, LATE_SHARE_IN_TROUBLE, LATE_SHARE)
    is_unpaid = in_trouble & (luck > 1 - UNPAID_SHARE_IN_TROUBLE)
    paid_day = day + np.where(is_late, DUE_AFTER_DAYS + chance.integers(2, 45, count), chance.integers(0, 14, count))
    paid_day = np.minimum(paid_day, lifecycles.on(lifecycles.left_on, day, account) - 1)
    return pl.DataFrame(
        {
            "payment_id": keys("PAY", count, 6),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "payment_due_date": calendar.date(day + DUE_AFTER_DAYS),
            "payment_date": calendar.date(paid_day),
            "amount_paid": amount,
            "is_paid": ~is_unpaid & (paid_day <= calendar.last_day),
        }
    ).select(
        pl.exclude("payment_date", "amount_paid", "is_paid"),
        pl.lit(CURRENCY).alias("currency"),
        pl.when("is_paid").then(pl.col("payment_date", "amount_paid")),
    )
