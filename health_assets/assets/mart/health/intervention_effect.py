"""Health of an account in the 30 days after it was contacted, against accounts of the same band that were not.

An association: those who are called are not chosen at random. Health by day is mart/health/customer_health_daily.py.
"""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import mean_of
from health_assets.scoring.like_for_like import CHANGE, STATE, compared, earlier
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings
from health_assets.settings.scorecard import Scorecard
from health_assets.tables import table

WINDOW = 30


def Change(description: str) -> dy.Float64:  # noqa: N802 - a column type
    """A change of health."""
    return dy.Float64(nullable=True, min=-100, max=100, description=description)


class InterventionEffect(Contract):
    """Did accounts that were contacted get healthier than accounts of the same band that were not?"""

    account_id = AccountId(primary_key=True, of="staged_accounts")
    intervention_date = dy.Date(
        primary_key=True, description="Local day of the touchpoints", metadata={"available_from": True}
    )
    touchpoint_count = Count("Touchpoints of the account on the day")
    health_score = Score("Health on the evening of the day")
    health_band = dy.String(nullable=True, description="Its band; null = the account is not scored on the day")
    health_change_30d = Change(
        "Health 30 days later minus health on the day, in points, by the measures measured on both; null = not over yet, or the "
        "two days do not compare"
    )
    untouched_account_count = Count(
        "Accounts of the same band on the day that were not contacted until 30 days later, scored on both days"
    )
    untouched_change_30d = Change("Their mean change, in points; null = there is none")
    effect_30d = dy.Float64(
        nullable=True, min=-200, max=200, description="Change minus change of the untouched; null where either is"
    )


@table(InterventionEffect, fed_by=("staged_touchpoints",))
def mart_intervention_effect(
    staged_touchpoints: pl.LazyFrame, mart_customer_health_daily: pl.LazyFrame, settings: Settings
) -> pl.LazyFrame:
    """One row per account and day with a touchpoint."""
    key = ["account_id", "intervention_date"]
    touched = (
        staged_touchpoints.group_by("account_id", intervention_date="occurred_date")
        .agg(touchpoint_count=pl.len().cast(pl.Int64))
        .sort("intervention_date", "account_id")
    )
    changes = _changes(
        mart_customer_health_daily, touched.select("intervention_date").unique(), scorecards_in_use(settings)
    )
    untouched = (
        changes.filter(pl.col("health_change_30d").is_not_null())
        .sort("intervention_date", "account_id")
        .join_asof(
            touched.select(*key, next_date="intervention_date"),
            on="intervention_date",
            by="account_id",
            strategy="forward",
            tolerance=f"{WINDOW}d",
            check_sortedness=False,  # both sides are sorted just above
        )
        .filter(pl.col("next_date").is_null())
        .group_by("intervention_date", "health_band")
        .agg(
            untouched_account_count=pl.len().cast(pl.Int64),
            untouched_change_30d=mean_of(pl.col("health_change_30d")),
        )
    )
    return (
        touched.join(changes, on=key, how="left", validate="1:1")
        .join(untouched, on=["intervention_date", "health_band"], how="left", validate="m:1")
        .with_columns(
            pl.col("untouched_account_count").fill_null(0),
            effect_30d=pl.col("health_change_30d") - pl.col("untouched_change_30d"),
        )
        .sort(key)
        .select(InterventionEffect.column_names())
    )


def _changes(
    mart_customer_health_daily: pl.LazyFrame, days: pl.LazyFrame, scorecards: Mapping[str, Scorecard]
) -> pl.LazyFrame:
    """Health of every account on the days, and its change until 30 days later. Grain: account_id x day."""
    key = ["account_id", "intervention_date"]
    day = pl.col("as_of_date")
    later = mart_customer_health_daily.with_columns(intervention_date=day.dt.offset_by(f"-{WINDOW}d")).join(
        days, on="intervention_date", how="semi"
    )
    on_the_day = mart_customer_health_daily.with_columns(intervention_date=day).join(
        days, on="intervention_date", how="semi"
    )
    return (
        earlier(on_the_day, *key)
        .join(later.select(*key, "scorecard", *STATE), on=key, how="left", validate="1:1")
        .pipe(compared, scorecards)
        .select(
            *key,
            health_score="earlier_health_score",
            health_band="earlier_health_band",
            health_change_30d=CHANGE,
        )
    )
