"""How accounts move between bands of health from one month end to the next.

The day of one account is in mart/health/customer_health_daily.py, its movement of the last 30 days in
mart/health/customer_health.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import Count, Day, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, first_match, month_of, on_any_of
from health_assets.contracts.months import end_of_month, months_between
from health_assets.scoring.like_for_like import MOVEMENT, STATE, compared, earlier
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings
from health_assets.tables import identity, table

MOVEMENTS = ["improved", "worsened", "same", "new", "left", "not_comparable"]
NOT_SCORED = "not_scored"


class HealthMovements(Contract):
    """How many accounts, with how much revenue, went from which band to which in a month?

    Months are measured on their last day, the month of the as-of day on that day. The first month of the history has
    no rows: there is nothing before it to compare with.
    """

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    scorecard = dy.String(primary_key=True, description="Scorecard of the account now; the one before where it left")
    from_band = dy.String(primary_key=True, description="Band at the end of the month before; not_scored = had none")
    to_band = dy.String(primary_key=True, description="Band at the end of the month; not_scored = no longer scored")
    movement = dy.Enum(
        MOVEMENTS,
        primary_key=True,
        description="improved, worsened, same by the measures that were measured at both ends; new, left = scored at one end "
        "only; not_comparable = no score at one end, too little measured at both, or another version of the scorecard",
    )
    measure_date = Day("Day on which the month was measured", nullable=False)
    account_count = Count("Accounts")
    mrr = Money("Their MRR on the measure day, as far as it is known")
    previous_mrr = Money("Their MRR at the end of the month before, as far as it is known")


@table(HealthMovements)
def mart_health_movements(
    mart_customer_health_daily: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per month and way between bands that any account took."""
    ends = [min(end_of_month(month), as_of) for month in months_between(settings.history_start, as_of)]
    is_measured = on_any_of(pl.col("as_of_date"), ends)
    measured = (
        mart_customer_health_daily.filter(is_measured)
        .select(*SIGNAL_KEY, "scorecard", *STATE)
        .join(
            fact_account_revenue_daily.filter(is_measured).select(*SIGNAL_KEY, "mrr"),
            on=SIGNAL_KEY,
            how="left",
            validate="1:1",
        )
        .with_columns(month=month_of(pl.col("as_of_date")))
    )
    months = (
        measured.select("month", measure_date="as_of_date").unique().filter(pl.col("month") > pl.col("month").min())
    )
    before = earlier(measured, "account_id", "month", "scorecard", "mrr").with_columns(
        pl.col("month").dt.offset_by("1mo")
    )
    return (
        measured.drop("as_of_date")
        .join(before, on=["account_id", "month"], how="full", coalesce=True, validate="1:1", suffix="_before")
        .join(months, on="month", how="inner", validate="m:1")
        .with_columns(scorecard=pl.coalesce("scorecard", "scorecard_before"))
        .pipe(compared, scorecards_in_use(settings))
        .with_columns(
            from_band=pl.col("earlier_health_band").fill_null(NOT_SCORED),
            to_band=pl.col("health_band").fill_null(NOT_SCORED),
            movement=_movement(),
        )
        .group_by("month", "scorecard", "from_band", "to_band", "movement", "measure_date")
        .agg(
            account_count=pl.len().cast(pl.Int64),
            mrr=sum_of(pl.col("mrr")),
            previous_mrr=sum_of(pl.col("mrr_before")),
        )
        .sort(HealthMovements.primary_key())
        .select(HealthMovements.column_names())
    )


def _movement() -> pl.Expr:
    return pl.coalesce(
        first_match([(pl.col("earlier_health_band").is_null(), "new"), (pl.col("health_band").is_null(), "left")]),
        pl.col(MOVEMENT),
        pl.lit("not_comparable"),
    )


@identity(of=mart_health_movements)
def bands__of_a_month_begin_as_the_month_before_ended(mart_health_movements: pl.LazyFrame) -> pl.LazyFrame:
    """As many accounts, with as much MRR, leave a band or stay in it as were in it at the end of the month before."""
    begun = (
        mart_health_movements.group_by("month", band="from_band")
        .agg(begun=pl.col("account_count").sum(), begun_mrr=pl.col("previous_mrr").sum())
        .filter(pl.col("month") > pl.col("month").min())
    )
    ended = mart_health_movements.group_by(pl.col("month").dt.offset_by("1mo"), band="to_band").agg(
        ended=pl.col("account_count").sum(), ended_mrr=pl.col("mrr").sum()
    )
    return (
        ended.join(begun, on="month", how="semi")  # a month in which no account was scored has no rows
        .join(begun, on=["month", "band"], how="full", coalesce=True, validate="1:1")
        .filter(pl.col("band") != NOT_SCORED)
        .with_columns(pl.col("begun", "begun_mrr", "ended", "ended_mrr").fill_null(0))
        .filter((pl.col("begun") != pl.col("ended")) | ((pl.col("begun_mrr") - pl.col("ended_mrr")).abs() >= CENT))
    )
