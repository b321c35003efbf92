"""Renewals of the next year with the revenue that is expected of them.

The renewals of the next weeks, with what is known of each account, are in mart/health/renewal_pipeline.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.contracts.columns import AccountId, AccountOwner, AsOfDate, CompanyName, Count, Day, Money, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, days_between, month_of
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import is_paid_on
from health_assets.scoring.risk_score import RISK_LEVELS
from health_assets.settings import Settings
from health_assets.tables import table


class RenewalForecast(Contract):
    """Which subscriptions renew within `renewal_forecast.horizon_days`, and how much of their revenue is expected to stay?

    Expected MRR = renewing MRR x renewal rate. The rate is by `renewal_forecast.rate` that of the company (gross retention of
    the last 12 months, over accounts that paid a year ago) or that of the account's risk level. Empty without renewal dates.
    """

    subscription_id = dy.String(primary_key=True, description="Price period that renews")
    account_id = AccountId()
    as_of_date = AsOfDate(primary_key=False)
    company_name = CompanyName()
    account_owner = AccountOwner()
    segment = dy.Enum(SEGMENTS, nullable=True, description="Segment of the account")
    product_name = dy.String(nullable=True, description="Product")
    renewal_date = Day("Day on which it renews", nullable=False)
    renewal_month = dy.Date(description="First day of the month of the renewal")
    days_to_renewal = Count("Days from the as-of day to the renewal; 0 = today")
    renewing_mrr = Money("Monthly recurring revenue that renews")
    risk_level = dy.Enum(
        RISK_LEVELS, nullable=True, description="Level of churn risk; null = the account is not scored"
    )
    renewal_rate = Share(
        "Share of the MRR that is expected to renew; null = less than 12 months of history", nullable=True
    )
    expected_mrr = Money("Renewing MRR x renewal rate; null where the rate is null", nullable=True)

    @dy.rule()
    def expected_mrr__is_renewing_mrr_at_its_rate(cls) -> pl.Expr:
        """The expected MRR is the renewing MRR x the renewal rate, to the cent."""
        return (pl.col("renewing_mrr") * pl.col("renewal_rate") - pl.col("expected_mrr")).abs() < CENT


@table(RenewalForecast)
def mart_renewal_forecast(
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    mart_churn_risk: pl.LazyFrame,
    mart_net_revenue_retention: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Subscriptions that are paid on the as-of day and renew within the horizon, the nearest first."""
    forecast = settings.renewal_forecast
    latest = pl.col("trailing_12m_grr_pct").sort_by("month").last()
    observed_rate = mart_net_revenue_retention.select(observed_rate=(latest / 100).round(6))
    by_level = pl.col("risk_level").cast(pl.String).fill_null("unknown")
    rate = {
        "observed": pl.col("observed_rate"),
        "risk_level": by_level.replace_strict(forecast.rate_by_risk_level, default=None, return_dtype=pl.Float64),
    }[forecast.rate]
    accounts = dim_account.select("account_id", "company_name", "account_owner", "segment")
    return (
        price_periods(staged_subscriptions, history_subscriptions, settings)
        .filter(is_paid_on(as_of))
        .with_columns(as_of_date=pl.lit(as_of), days_to_renewal=days_between(pl.lit(as_of), pl.col("renewal_date")))
        .filter(pl.col("days_to_renewal").is_between(0, forecast.horizon_days))
        .join(accounts, on="account_id", how="inner", validate="m:1")
        .join(mart_churn_risk.select("account_id", "risk_level"), on="account_id", how="left", validate="m:1")
        .join(observed_rate, how="cross")
        .with_columns(renewal_month=month_of(pl.col("renewal_date")), renewing_mrr="mrr_amount", renewal_rate=rate)
        .with_columns(expected_mrr=(pl.col("renewing_mrr") * pl.col("renewal_rate")).round(2))
        .sort("renewal_date", "subscription_id")
        .select(RenewalForecast.column_names())
    )
