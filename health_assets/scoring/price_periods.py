"""From when to when which price of a subscription is paid: pauses, and prices that were overwritten in place.

Both are undated in most files and are therefore remembered load by load (contracts/history.py). What a price is per month belongs
in scoring/prices.py, what an account pays in scoring/recurring_revenue.py.
"""

from datetime import date

import polars as pl

from health_assets.contracts.expressions import in_reporting_currency, local_date
from health_assets.contracts.history import VALID_FROM, end_of_validity
from health_assets.settings import Settings

PAYS_NOTHING = ["paused", "incomplete"]
PERIOD = ["subscription_id", "first_paid_date"]


def price_periods(
    staged_subscriptions: pl.LazyFrame, history_subscriptions: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """The price periods of staged.subscriptions without the days on which nothing is paid, one row for each price.

    A subscription that is paused or incomplete pays nothing from `paused_at` on, else from the load day that first shows it,
    until the load day that no longer does. A trial without an end in the file ends on the load day that no longer shows it.
    With `changes: new_period` in the settings of the source, an overwritten price counts until the load that changed it; else
    the price of the last load counts for all days.

    Columns: as staged.subscriptions; `first_paid_date` and `end_date` are those of the row's price.
    """
    source = settings.sources.get("subscriptions")
    if source and source.changes == "new_period":
        staged_periods = _by_price(staged_subscriptions, history_subscriptions, settings)
    else:
        staged_periods = staged_subscriptions
    pauses = _pauses(staged_subscriptions, history_subscriptions, settings)
    return _without(staged_periods, pauses).sort(PERIOD)  # sums of floats depend on the order of the rows


def _by_price(
    staged_subscriptions: pl.LazyFrame, history_subscriptions: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """Each price from the load day on which it was first seen, the first one from the start on."""
    first_seen = pl.col(VALID_FROM)
    seen_before = first_seen.shift(1).over("subscription_id", order_by=VALID_FROM).is_not_null()
    versions = history_subscriptions.filter(pl.col("price_per_month").is_not_null()).select(
        "subscription_id",
        price_seen="price_per_month",
        price_from=pl.when(seen_before).then(first_seen).otherwise(date.min),
        price_until=first_seen.shift(-1).over("subscription_id", order_by=VALID_FROM),
    )
    return (
        staged_subscriptions.join(versions, on="subscription_id", how="left", validate="1:m")
        .with_columns(price_per_month=pl.coalesce("price_seen", "price_per_month"))
        .with_columns(mrr_amount=pl.coalesce(in_reporting_currency("price_per_month", settings), "mrr_amount"))
        .with_columns(
            first_paid_date=pl.when(pl.col("first_paid_date").is_not_null()).then(
                pl.max_horizontal("first_paid_date", "price_from")
            ),
            end_date=pl.min_horizontal("end_date", "price_until"),
        )
        .filter((pl.col("end_date") > pl.col("first_paid_date")).fill_null(True) | pl.col("price_until").is_null())
        .select(staged_subscriptions.collect_schema().names())
    )


def _pauses(
    staged_subscriptions: pl.LazyFrame, history_subscriptions: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """When subscriptions pay nothing: subscription_id, pause_start, pause_end (first day that is paid again, or date.max)."""
    paused_on = local_date(pl.col("paused_at"), settings.timezone)
    is_paused = pl.col("status").is_in(PAYS_NOTHING)
    remembered = history_subscriptions.filter(is_paused).select(
        "subscription_id",
        pause_start=pl.coalesce(paused_on, VALID_FROM),
        pause_end=end_of_validity().fill_null(date.max),
    )
    dated = staged_subscriptions.filter(is_paused, pl.col("paused_at").is_not_null()).select(
        "subscription_id", pause_start=paused_on, pause_end=pl.lit(date.max)
    )
    undated_trials = history_subscriptions.filter(pl.col("status") == "trial").join(
        staged_subscriptions.filter(pl.col("trial_end_date").is_null()), on="subscription_id", how="semi"
    )
    trials = undated_trials.select(
        "subscription_id", pause_start=pl.lit(date.min), pause_end=end_of_validity().fill_null(date.max)
    )
    return pl.concat([remembered, dated, trials])


def _without(periods: pl.LazyFrame, pauses: pl.LazyFrame) -> pl.LazyFrame:
    """The periods, split where they are paused. One that is never paid stays, with an end on its first day."""
    of_paused = periods.filter(pl.col("first_paid_date").is_not_null()).join(pauses, on="subscription_id", how="semi")
    paused = of_paused.join(pauses, on="subscription_id", how="inner", validate="m:m")
    earlier_end = pl.col("pause_end").cum_max().shift(1).over(PERIOD, order_by=["pause_start", "pause_end"])
    before_each = paused.with_columns(
        is_first=earlier_end.is_null(), paid_from=earlier_end, paid_until=pl.min_horizontal("end_date", "pause_start")
    )
    last_end = paused.group_by(PERIOD).agg(paid_from=pl.col("pause_end").max())
    after_the_last = of_paused.join(last_end, on=PERIOD, how="inner", validate="1:1").with_columns(
        is_first=False, paid_until="end_date"
    )
    columns = periods.collect_schema().names()
    first_day, paid_until = pl.max_horizontal("first_paid_date", "paid_from"), pl.col("paid_until")
    split = (
        pl.concat([before_each.drop("pause_start", "pause_end"), after_the_last], how="diagonal")
        .with_columns(is_paid=(first_day < date.max) & (paid_until.is_null() | (paid_until > first_day)))
        .filter(pl.col("is_paid") | (pl.col("is_first") & ~pl.col("is_paid").any().over(PERIOD)))
        .with_columns(
            first_paid_date=first_day,
            end_date=pl.when(paid_until < first_day)
            .then(pl.min_horizontal("end_date", first_day))
            .otherwise(paid_until),
        )
        .select(columns)
    )
    return pl.concat([periods.join(of_paused, on=PERIOD, how="anti"), split])
