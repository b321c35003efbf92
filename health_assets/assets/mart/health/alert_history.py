"""Every alert about an account, what happened to it, and what became of the account afterwards.

Which changes are reported is decided in alerts/rules.py; health today is in mart/health/customer_health.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.mart.health.churn_risk import risk_of_days
from health_assets.contracts.columns import AccountId, CompanyName, Day, Moment, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.scoring.risk_score import RISK_LEVELS
from health_assets.settings import Settings
from health_assets.tables import table

LATER = (30, 90)  # days; in the names of the columns
NOT_YET = "null = that day has not come, or was not measured"


class AlertHistory(Contract):
    """Which alerts were sent, held or silenced, and were they right: what became of the account 30 and 90 days later?"""

    alert_id = dy.String(primary_key=True, description="Alert in its channel")
    account_id = AccountId()
    alert_date = Day("As-of day of the change", nullable=False)
    company_name = CompanyName()
    rule = dy.String(description="Rule of the settings that reported it")
    severity = dy.String(nullable=True, description="critical, warning or info")
    channel = dy.String(nullable=True, description="Channel of the settings")
    state = dy.String(nullable=True, description="pending, sending, delivered, dead, held or silenced")
    state_reason = dy.String(nullable=True, description="Why it is held or silenced; null = it is not")
    news = dy.String(nullable=True, description="What changed, in words")
    delivered_at = Moment("When the channel accepted it; null = not delivered by the as-of day")
    mrr = Money("Monthly recurring revenue on the day of the alert; null = unknown", nullable=True)
    health_score = Score("Health on the day of the alert")
    health_score_30d_later = Score("Health 30 days after the alert")
    health_score_90d_later = Score("Health 90 days after the alert")
    health_band = dy.String(nullable=True, description="Band on the day of the alert; null = no score")
    health_band_30d_later = dy.String(nullable=True, description=f"Band 30 days after the alert; {NOT_YET}")
    health_band_90d_later = dy.String(nullable=True, description=f"Band 90 days after the alert; {NOT_YET}")
    risk_level = dy.Enum(
        RISK_LEVELS, nullable=True, description="Churn risk on the day of the alert; null = not measured, or churned"
    )
    risk_level_30d_later = dy.Enum(
        RISK_LEVELS, nullable=True, description=f"Churn risk 30 days after the alert; null also = churned; {NOT_YET}"
    )
    risk_level_90d_later = dy.Enum(
        RISK_LEVELS, nullable=True, description=f"Churn risk 90 days after the alert; null also = churned; {NOT_YET}"
    )
    has_churned_30d_later = dy.Bool(nullable=True, description=f"Churned 30 days after the alert; {NOT_YET}")
    has_churned_90d_later = dy.Bool(nullable=True, description=f"Churned 90 days after the alert; {NOT_YET}")


@table(AlertHistory, fed_by=("staged_alerts",))
def mart_alert_history(
    staged_alerts: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    fact_account_adoption_daily: pl.LazyFrame,
    fact_account_support_daily: pl.LazyFrame,
    fact_account_satisfaction_daily: pl.LazyFrame,
    fact_account_security_daily: pl.LazyFrame,
    fact_account_commerce_daily: pl.LazyFrame,
    fact_account_operations_daily: pl.LazyFrame,
    fact_account_relationship_daily: pl.LazyFrame,
    fact_account_device_daily: pl.LazyFrame,
    fact_account_metrics: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Alerts up to the as-of day."""
    alerts = staged_alerts.filter(pl.col("alert_date") <= as_of).with_columns(
        delivered_at=pl.when(pl.col("delivered_at").dt.date() <= as_of).then("delivered_at")
    )
    days = pl.concat([_days(alerts, later, as_of) for later in (0, *LATER)]).unique()
    status = fact_account_revenue_daily.select("account_id", "as_of_date", "account_status", "mrr")
    signals = (
        fact_account_revenue_daily.drop("mrr", "account_status"),
        fact_account_usage_daily,
        fact_account_adoption_daily,
        fact_account_support_daily,
        fact_account_satisfaction_daily,
        fact_account_security_daily,
        fact_account_commerce_daily,
        fact_account_operations_daily,
        fact_account_relationship_daily,
        fact_account_device_daily,
    )
    known = days.join(status, on=["account_id", "as_of_date"], how="left", validate="1:1")
    states = risk_of_days(known, mart_customer_health_daily, signals, fact_account_metrics, settings)
    return (
        _with_state(alerts, states, 0)
        .pipe(_with_state, states, LATER[0])
        .pipe(_with_state, states, LATER[1])
        .join(dim_account.select("account_id", "company_name"), on="account_id", how="left", validate="m:1")
        .sort("alert_date", "alert_id")
        .select(AlertHistory.column_names())
    )


def _days(alerts: pl.LazyFrame, later: int, as_of: date) -> pl.LazyFrame:
    """Accounts and days for which the state is wanted, so many days after each alert, that have come."""
    day = pl.col("alert_date").dt.offset_by(f"{later}d")
    return alerts.select("account_id", as_of_date=day).filter(pl.col("as_of_date") <= as_of)


def _with_state(alerts: pl.LazyFrame, states: pl.LazyFrame, later: int) -> pl.LazyFrame:
    """The alerts with health, band, risk and churn so many days after each."""
    end = f"_{later}d_later" if later else ""
    has_churned = pl.col("account_status") == "churned"
    measured = states.select(
        "account_id",
        pl.col("as_of_date").alias("_day"),
        pl.col("health_score").alias(f"health_score{end}"),
        pl.col("health_band").alias(f"health_band{end}"),
        pl.when(~has_churned.fill_null(False)).then("risk_level").alias(f"risk_level{end}"),
        has_churned.alias(f"has_churned{end}") if later else pl.col("mrr"),
    )
    day = pl.col("alert_date").dt.offset_by(f"{later}d")
    return (
        alerts.with_columns(_day=day)
        .join(measured, on=["account_id", "_day"], how="left", validate="m:1", maintain_order="left")
        .drop("_day")
    )
