"""How many of each account's users use the product on the as-of day, how often and how intensely.

Single users are in fact/user_engagement.py, features in account_feature_adoption.py, trends in the facts by day.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, CompanyName, Count, Score, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import mean_of, on_days, safe_ratio
from health_assets.tables import table

WINDOW = 30
NOT_MEASURED = "null = no fresh feed of events that names users"


class AccountEngagement(Contract):
    """How engaged is each account: how many of its users are active, how regularly and how intensely?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    company_name = CompanyName()
    is_active = dy.Bool(description="Whether account_status is active")
    dau = Count(f"Distinct users with an event on the day; {NOT_MEASURED}", nullable=True)
    wau = Count(f"Distinct users with an event in 7 days; {NOT_MEASURED}", nullable=True)
    mau = Count(f"Distinct users with an event in 30 days; {NOT_MEASURED}", nullable=True)
    active_user_day_count_30d = Count(
        f"Days with an event in 30 days, added up over users; {NOT_MEASURED}", nullable=True
    )
    total_user_count = Count("Users with access; null = unknown", nullable=True)
    wau_rate = Share(
        "wau / total_user_count; above 1 where users without access, or unknown ones, are active", max=None
    )
    mau_rate = Share(
        "mau / total_user_count; above 1 where users without access, or unknown ones, are active", max=None
    )
    stickiness_ratio = Share("Mean daily users of 30 days, including days without any / mau")
    wau_mau_ratio = Share("wau / mau")
    avg_engagement_score = Score("Mean engagement score of the users with access")
    avg_session_count_per_user_30d = dy.Float64(
        nullable=True, min=0, description="Mean sessions in 30 days per user with access; null = no such user is known"
    )
    power_user_count = Count("Users with access in the tier `power`; null = unknown", nullable=True)
    power_user_rate = Share("power_user_count / total_user_count")

    @dy.rule()
    def wau__between_dau_and_mau(cls) -> pl.Expr:
        """Daily active users are among the weekly ones, and those among the monthly ones."""
        return (pl.col("dau") <= pl.col("wau")) & (pl.col("wau") <= pl.col("mau"))


@table(AccountEngagement)
def mart_account_engagement(
    dim_account: pl.LazyFrame,
    fact_usage_daily: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    fact_account_adoption_daily: pl.LazyFrame,
    fact_user_engagement: pl.LazyFrame,
    as_of: date,
) -> pl.LazyFrame:
    """One row for each account that signed up by the as-of day."""
    is_today = pl.col("as_of_date") == as_of
    usage = fact_account_usage_daily.filter(is_today).select(
        "account_id", wau="active_user_count_7d", mau="active_user_count_30d"
    )
    users = fact_account_adoption_daily.filter(is_today).select("account_id", "total_user_count")
    has_usage = pl.col("mau").is_not_null()
    return (
        dim_account.select("account_id", "company_name", "is_active", as_of_date=pl.lit(as_of))
        .join(usage, on="account_id", how="left", validate="1:1")
        .join(users, on="account_id", how="left", validate="1:1")
        .join(_user_days(fact_usage_daily, as_of), on="account_id", how="left", validate="1:1")
        .join(_of_users(fact_user_engagement), on="account_id", how="left", validate="1:1")
        .with_columns(
            pl.when(has_usage).then(pl.col("dau", "active_user_day_count_30d").fill_null(0)),
            power_user_count=pl.when(has_usage & pl.col("total_user_count").is_not_null()).then(
                pl.col("power_user_count").fill_null(0)
            ),
        )
        .with_columns(
            wau_rate=safe_ratio(pl.col("wau"), pl.col("total_user_count")),
            mau_rate=safe_ratio(pl.col("mau"), pl.col("total_user_count")),
            stickiness_ratio=safe_ratio(pl.col("active_user_day_count_30d") / WINDOW, pl.col("mau")),
            wau_mau_ratio=safe_ratio(pl.col("wau"), pl.col("mau")),
            power_user_rate=safe_ratio(pl.col("power_user_count"), pl.col("total_user_count")),
        )
        .sort("account_id")
        .select(AccountEngagement.column_names())
    )


def _user_days(fact_usage_daily: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Users on the day, and daily users added up over the window."""
    users = pl.col("active_user_count")
    return (
        fact_usage_daily.filter(on_days(pl.col("activity_date"), as_of - timedelta(days=WINDOW - 1), as_of))
        .group_by("account_id")
        .agg(dau=users.filter(pl.col("activity_date") == as_of).sum(), active_user_day_count_30d=users.sum())
    )


def _of_users(fact_user_engagement: pl.LazyFrame) -> pl.LazyFrame:
    return (
        fact_user_engagement.filter("is_active")
        .group_by("account_id")
        .agg(
            avg_engagement_score=mean_of(pl.col("engagement_score")),
            avg_session_count_per_user_30d=mean_of(pl.col("session_count_30d")),
            power_user_count=(pl.col("user_engagement_tier") == "power").sum().cast(pl.Int64),
        )
    )
