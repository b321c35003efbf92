"""The billing system of the demo company: subscriptions, one row per price period, and monthly invoices."""

import numpy as np
import polars as pl

from health_assets.demo.calendar import first_day
from health_assets.demo.lifecycles import PAYMENT, PRODUCTS, RENEWAL_WEEKS, TIERS, TRIAL_WEEKS, Lifecycles, next_week
from health_assets.demo.naming import account_keys, keys

CURRENCY = "USD"
DUE_AFTER_DAYS = 30
PAID_AFTER_DAYS = (2, 29)
LATE_SHARE, LATE_AFTER_DAYS = 0.05, (31, 50)
IN_TROUBLE_NEVER, IN_TROUBLE_LATE, IN_TROUBLE_AFTER_DAYS = 0.4, 0.5, (35, 80)
FAILED_SHARE = 0.35  # of invoices that are never paid; the others stay overdue


def subscriptions(lifecycles: Lifecycles) -> pl.DataFrame:
    """A change of plan, seats or price ends one row and begins the next on the same day."""
    terms = [lifecycles.seats, lifecycles.tier, lifecycles.on_trial, lifecycles.price_index]
    platform = _price_periods(lifecycles, lifecycles.present, terms, product=0)
    add_ons = [
        _price_periods(lifecycles, lifecycles.mrr[product] > 0, terms[1:], product)
        for product in range(1, len(PRODUCTS))
    ]
    account, week, until, product = np.hstack([platform, *add_ons])
    order = np.lexsort((product, week, account))
    account, week, until, product = account[order], week[order], until[order], product[order]
    weekday, calendar = lifecycles.weekday[account], lifecycles.calendar
    is_open = until > lifecycles.this_week[account]
    exists_on = lifecycles.present[np.minimum(until, len(lifecycles.present) - 1), account]
    is_trial = lifecycles.on_trial[week, account]
    term_begins = lifecycles.arrived_in[week, account]
    as_of_week = np.where(is_open, lifecycles.this_week[account], week)
    renews_in = term_begins + RENEWAL_WEEKS * ((as_of_week - term_begins) // RENEWAL_WEEKS + 1)
    return pl.DataFrame(
        {
            "subscription_id": keys("SUB", len(account), 5),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "product_name": np.array(PRODUCTS)[product],
            "plan_tier": np.array(TIERS)[lifecycles.tier[week, account]],
            "mrr_amount": lifecycles.mrr[product, week, account],
            "start_date": calendar.date(first_day(week, weekday)),
            "end_date": calendar.date(first_day(until, weekday)),
            "status": np.select(
                [
                    is_open & is_trial,
                    is_open & lifecycles.at_end(lifecycles.trouble[:, PAYMENT])[account],
                    is_open,
                    exists_on,
                ],
                ["trial", "past_due", "active", "upgraded"],
                "cancelled",
            ),
            "trial_end_date": calendar.date(first_day(week + TRIAL_WEEKS, weekday)),
            "renewal_date": calendar.date(first_day(renews_in, weekday)),
            "seats": lifecycles.seats[week, account],
            "is_open": is_open,
            "is_trial": is_trial,
        }
    ).select(
        pl.exclude("is_open", "is_trial", "end_date", "trial_end_date", "renewal_date"),
        currency=pl.lit(CURRENCY),
        end_date=pl.when(~pl.col("is_open")).then("end_date"),
        trial_end_date=pl.when("is_trial").then("trial_end_date"),
        renewal_date=pl.when(~pl.col("is_trial")).then("renewal_date"),
    )


def _price_periods(lifecycles: Lifecycles, exists: np.ndarray, terms: list[np.ndarray], product: int) -> np.ndarray:
    """(account, first week, week after the last, product) of each period with a product on unchanged terms."""
    differs = np.zeros_like(exists)
    for term in terms:
        differs[1:] |= term[1:] != term[:-1]
    existed = np.vstack([np.zeros_like(exists[:1]), exists[:-1]])
    begins = exists & (differs | ~existed)
    until = next_week(begins | ~exists)
    begins &= np.arange(len(exists))[:, None] <= lifecycles.this_week
    account, week = np.nonzero(begins.T)
    return np.vstack([account, week, until[week, account], np.full(len(account), product)])


def invoices(lifecycles: Lifecycles) -> pl.DataFrame:
    """Monthly, in advance, for everything that the account pays for on that day."""
    calendar = lifecycles.calendar
    bills = _bills(lifecycles)
    account = bills["account"].to_numpy()
    day = (bills["invoice_date"].to_numpy() - calendar.date(0)).astype(int)
    prices = lifecycles.mrr[:, (day + 6 - lifecycles.weekday[account]) // 7, account]
    contents = np.array(["|".join(PRODUCTS[i] for i in range(4) if bits >> i & 1) for bits in range(16)])
    paid_day, is_paid, status = _settled(lifecycles, account, day)
    return pl.DataFrame(
        {
            "invoice_id": keys("INV", len(day), 6),
            "account_id": account_keys(lifecycles.accounts).gather(account),
            "invoice_date": bills["invoice_date"],
            "due_date": calendar.date(day + DUE_AFTER_DAYS),
            "amount": np.round(prices.sum(axis=0), 2),
            "status": status,
            "paid_date": calendar.date(paid_day),
            "period_start": bills["invoice_date"],
            "period_end": bills["invoice_date"].dt.offset_by("1mo").dt.offset_by("-1d"),
            "line_items": contents[(prices > 0).T @ (1 << np.arange(4))],
            "is_paid": is_paid,
        }
    ).select(
        pl.exclude("paid_date", "is_paid"),
        currency=pl.lit(CURRENCY),
        paid_date=pl.when("is_paid").then("paid_date"),
    )


def _bills(lifecycles: Lifecycles) -> pl.DataFrame:
    """Account and day of each invoice, monthly while the account pays."""
    calendar = lifecycles.calendar
    account, week, until, _ = _price_periods(lifecycles, lifecycles.is_paying, [], product=0)
    last_day = np.minimum(first_day(until, lifecycles.weekday[account]) - 1, calendar.last_day)
    return (
        pl.DataFrame(
            {
                "account": account,
                "first": calendar.date(first_day(week, lifecycles.weekday[account])),
                "last": calendar.date(last_day),
            }
        )
        .select("account", invoice_date=pl.date_ranges("first", "last", "1mo"))
        .explode("invoice_date")
        .sort("invoice_date", "account")
    )


def _settled(lifecycles: Lifecycles, account: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each invoice: the day of payment, whether it is paid by the end, and its status then."""
    chance, last_day = lifecycles.chance("invoices"), lifecycles.calendar.last_day
    in_trouble = lifecycles.on(lifecycles.trouble[:, PAYMENT], day, account)
    luck = chance.random(len(day))
    is_never_paid = in_trouble & (luck < IN_TROUBLE_NEVER)
    is_late = np.where(in_trouble, luck < IN_TROUBLE_NEVER + IN_TROUBLE_LATE, luck < LATE_SHARE)
    late_days = np.where(
        in_trouble, chance.integers(*IN_TROUBLE_AFTER_DAYS, len(day)), chance.integers(*LATE_AFTER_DAYS, len(day))
    )
    paid_day = day + np.where(is_late, late_days, chance.integers(*PAID_AFTER_DAYS, len(day)))
    left_on = lifecycles.on(lifecycles.left_on, day, account)
    paid_day = np.minimum(paid_day, left_on - 1)
    is_paid = ~is_never_paid & (paid_day <= last_day)
    has_failed = is_never_paid & (chance.random(len(day)) < FAILED_SHARE)
    status = np.select(
        [is_paid, left_on <= last_day, has_failed, day + DUE_AFTER_DAYS < last_day],
        ["paid", "void", "failed", "overdue"],
        "open",
    )
    return paid_day, is_paid, status
