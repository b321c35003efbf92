"""What comes up for renewal after the as-of day, for how much, and how likely it is lost.

Subscriptions that do not say when they renew are not here, nor are trials and those that have ended.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.staged.feedback import LIKELIHOODS
from health_assets.contracts.columns import AccountId, AccountOwner, AsOfDate, CompanyName, Count, Day, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import is_paid_on
from health_assets.scoring.risk_score import RISK_LEVELS
from health_assets.settings import Settings
from health_assets.tables import table


class RenewalPipeline(Contract):
    """Which accounts renew soon, at what risk, and for how much?"""

    subscription_id = dy.String(primary_key=True, description="Price period that renews")
    account_id = AccountId()
    as_of_date = AsOfDate(primary_key=False)
    company_name = CompanyName()
    account_owner = AccountOwner()
    segment = dy.Enum(SEGMENTS, nullable=True, description="Segment of the account")
    product_name = dy.String(nullable=True, description="Product")
    renewal_date = Day("Day on which it renews", nullable=False)
    days_to_renewal = Count("Days from the as-of day to the renewal; 0 = today")
    renewal_window_days = Count("The narrowest window of the settings that the renewal falls in, in days")
    renewing_mrr = Money("Monthly recurring revenue that renews")
    health_score = Score("Health on the as-of day")
    health_band = dy.String(nullable=True, description="Band of the score; null = not scored")
    churn_risk_score = Score("Churn risk on the as-of day")
    risk_level = dy.Enum(RISK_LEVELS, nullable=True, description="Level of churn risk; null = no level")
    likelihood_to_renew = dy.Enum(LIKELIHOODS, nullable=True, description="Latest answer; null = never answered")


@table(RenewalPipeline)
def mart_renewal_pipeline(
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    mart_customer_health: pl.LazyFrame,
    mart_churn_risk: pl.LazyFrame,
    fact_account_satisfaction_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Subscriptions that are paid for and renew within the widest window, the nearest first."""
    windows = sorted(settings.renewal_windows_days)
    days = pl.col("days_to_renewal")
    accounts = dim_account.select("account_id", "company_name", "account_owner", "segment")
    health = mart_customer_health.select("account_id", "health_score", "health_band")
    risk = mart_churn_risk.select("account_id", "churn_risk_score", "risk_level")
    answers = fact_account_satisfaction_daily.filter(pl.col("as_of_date") == as_of).select(
        "account_id", "likelihood_to_renew"
    )
    return (
        price_periods(staged_subscriptions, history_subscriptions, settings)
        .filter(is_paid_on(as_of))
        .with_columns(as_of_date=pl.lit(as_of), days_to_renewal=days_between(pl.lit(as_of), pl.col("renewal_date")))
        .filter(days.is_between(0, windows[-1]))
        .with_columns(
            renewing_mrr="mrr_amount",
            renewal_window_days=pl.coalesce(
                pl.when(days <= window).then(pl.lit(window, pl.Int64)) for window in windows
            ),
        )
        .join(accounts, on="account_id", how="left", validate="m:1")
        .join(health, on="account_id", how="left", validate="m:1")
        .join(risk, on="account_id", how="left", validate="m:1")
        .join(answers, on="account_id", how="left", validate="m:1")
        .sort("renewal_date", "subscription_id")
        .select(RenewalPipeline.column_names())
    )
