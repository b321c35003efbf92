"""Which accounts are observed on a day and which churned later: the rows of the backtest and of the churn model.

The rows are used by backtest.py and churn_model.py. The rules are those of "Does the score work?"
in the metric book.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl

from health_assets.contracts.expressions import days_between, on_any_of
from health_assets.scoring.recurring_revenue import running_total
from health_assets.scoring.signals import signal_place
from health_assets.settings.sections import Backtest

KEY = ["account_id", "as_of_date"]


def observation_days(first: date, last: date, rules: Backtest) -> list[date]:
    """Days a month apart whose label window ends inside the data, the latest first chosen.

    Args:
        first: first day of the history.
        last: last day of the data.
        rules: lead and horizon in days.
    """
    latest = last - timedelta(days=rules.lead_days + rules.horizon_days)
    if latest < first:
        return []
    months = 12 * (latest.year - first.year) + latest.month - first.month
    days = pl.select(pl.lit(latest).dt.offset_by(pl.format("-{}mo", pl.int_range(months, -1, -1)))).to_series()
    return days.filter(days >= first).to_list()


def observed(
    revenue: pl.LazyFrame, orders: pl.LazyFrame, accounts: pl.LazyFrame, days: Sequence[date], rules: Backtest
) -> pl.LazyFrame:
    """The accounts that could be lost on each day.

    Those that pay; where no account ever paid by contract, those with a recent order. Accounts that are too young, or whose
    contract is already cancelled, are left out.

    Args:
        revenue: fact_account_revenue_daily.
        orders: fact_orders.
        accounts: dim_account.
        days: the observation days.
        rules: what counts.

    Returns:
        account_id, as_of_date; is_commerce; value, MRR or the spend of `order_days`; tenure_days;
        days_without_order (commerce only).
    """
    observable = (
        accounts.with_columns(is_commerce=pl.col("first_paid_date").is_null().all())
        .select("account_id", "signup_date", "cancelled_date", "is_commerce")
        .join(pl.LazyFrame({"as_of_date": days}, schema={"as_of_date": pl.Date}), how="cross")
        .with_columns(tenure_days=days_between(pl.col("signup_date"), pl.col("as_of_date")))
        .filter(
            pl.col("tenure_days") >= rules.history_days,
            pl.col("cancelled_date").is_null() | (pl.col("cancelled_date") > pl.col("as_of_date")),
        )
        .drop("signup_date", "cancelled_date")
    )
    paying = revenue.filter(on_any_of(pl.col("as_of_date"), days), pl.col("account_status") == "active").select(
        *KEY, value="mrr"
    )
    by_contract = observable.filter(~pl.col("is_commerce")).join(paying, on=KEY, how="inner", validate="1:1")
    by_order = observable.filter("is_commerce").pipe(_with_orders, orders, rules.order_days)
    return pl.concat([by_contract, by_order], how="diagonal_relaxed").sort(KEY)


def churn_dates(revenue: pl.LazyFrame, gap_days: int) -> pl.LazyFrame:
    """account_id x churn_date, each time that an account stopped paying, even if it returned after more than the gap.

    Args:
        revenue: fact_account_revenue_daily.
        gap_days: an account that pays again within this many days has not churned.
    """
    is_active = (pl.col("account_status") == "active").fill_null(False)
    account = pl.col("account_id").cast(pl.Categorical).to_physical()
    has_changed = (is_active != is_active.shift(1)) | (account != account.shift(1))
    is_next_day = pl.col("_place") == pl.col("_place").shift(1) + 1
    return (
        revenue.select(*KEY, "account_status", _place=signal_place())
        .filter(
            (~is_next_day | (is_active != is_active.shift(1))).fill_null(True)
        )  # in stored order: little is left to sort
        .sort("_place")
        .filter(has_changed.fill_null(True))  # the days between say nothing new
        .with_columns(
            was_active=is_active.shift(1).over("account_id"),
            paying_again=pl.when(is_active).then("as_of_date").backward_fill().over("account_id"),
        )
        .filter(pl.col("account_status") == "churned", "was_active")
        .filter(
            pl.col("paying_again").is_null() | (days_between(pl.col("as_of_date"), pl.col("paying_again")) > gap_days)
        )
        .select("account_id", churn_date="as_of_date")
    )


def labelled(rows: pl.LazyFrame, churns: pl.LazyFrame, orders: pl.LazyFrame, rules: Backtest) -> pl.LazyFrame:
    """The rows with `churned`: whether the account left after the lead, within the horizon; null = too late to act.

    One that pays by contract leaves on its churn date, even if it returns later. One that orders has left when it does
    not order within the horizon; that is never too late, as silence has no date.

    Args:
        rows: account_id x as_of_date, with is_commerce.
        churns: of `churn_dates`.
        orders: fact_orders.
        rules: lead and horizon in days.
    """
    after = pl.col("churn_date") - pl.col("as_of_date")
    lead, horizon = pl.duration(days=rules.lead_days), pl.duration(days=rules.lead_days + rules.horizon_days)
    labels = (
        rows.filter(~pl.col("is_commerce"))
        .select(KEY)
        .join(churns, on="account_id", how="inner")
        .filter(after > pl.duration(days=0), after <= horizon)
        .group_by(KEY)
        .agg(is_too_late=(after <= lead).any())
    )
    stays = pl.col("next_order_date") <= pl.col("as_of_date") + horizon
    return (
        rows.join(labels, on=KEY, how="left", validate="1:1")
        .with_columns(earliest=pl.col("as_of_date").dt.offset_by(f"{rules.lead_days + 1}d"))
        .sort("earliest", "account_id")
        .join_asof(
            _days_with_orders(orders, "next_order_date"),
            left_on="earliest",
            right_on="next_order_date",
            by="account_id",
            strategy="forward",
            check_sortedness=False,
        )
        .with_columns(
            churned=pl.when("is_commerce")
            .then(~stays.fill_null(False))
            .when(pl.col("is_too_late").is_null())
            .then(False)
            .when(~pl.col("is_too_late"))
            .then(True)
        )
        .drop("is_too_late", "earliest", "next_order_date")
        .sort(KEY)
    )


def _with_orders(accounts: pl.LazyFrame, orders: pl.LazyFrame, order_days: int) -> pl.LazyFrame:
    """The accounts that ordered in so many days up to each day, with the spend of those days as `value`."""
    spans = orders.select(
        "account_id",
        first_day="order_date",
        end_day=pl.col("order_date").dt.offset_by(f"{order_days}d"),
        size="total_amount",
    )
    return (
        accounts.sort("as_of_date", "account_id")
        .join_asof(
            running_total(spans, "value"),
            left_on="as_of_date",
            right_on="day",
            by="account_id",
            check_sortedness=False,  # both sides are sorted just above
        )
        .join_asof(
            _days_with_orders(orders, "last_order_date"),
            left_on="as_of_date",
            right_on="last_order_date",
            by="account_id",
            check_sortedness=False,
        )
        .with_columns(days_without_order=days_between(pl.col("last_order_date"), pl.col("as_of_date")))
        .filter(pl.col("days_without_order") < order_days)
        .drop("last_order_date", "day", strict=False)
    )


def _days_with_orders(orders: pl.LazyFrame, name: str) -> pl.LazyFrame:
    return orders.select("account_id", pl.col("order_date").alias(name)).unique().sort(name, "account_id")
