"""One row per account with what a customer success manager needs before a call, on the as-of day.

Each figure is computed where its question is answered and only brought together here; the tickets of an account, its
NPS and the composite score have their home here.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.fact.account_satisfaction_daily import YEAR
from health_assets.assets.mart.health.customer_health_daily import TOLERANCE
from health_assets.assets.mart.support.satisfaction import Nps, net_promoter_score
from health_assets.assets.mart.support.support_performance import ticket_measures
from health_assets.contracts.columns import AccountId, AsOfDate, Count, Hours, Money, Score, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import mean_of, weighted_mean
from health_assets.settings import Settings
from health_assets.tables import identity, table

ADOPTION = ["total_user_count", "user_activation_rate", "feature_adoption_rate", "days_since_last_login"]
TICKET_COUNTS = ["ticket_count_30d", "ticket_count_60d", "ticket_count_90d", "escalated_ticket_count_30d"]


class CustomerSuccess(Contract):
    """How is each account doing overall, and in health, support, engagement and adoption?

    Accounts that are active, on trial or suspended have a row.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    composite_success_score = Score("Health, engagement and device health by their weights, of those measured")
    health_score = Score("Health")
    health_trend_30d = dy.Float64(
        nullable=True,
        min=-100,
        max=100,
        description="Health minus health 30 days before, in points; null where either is",
    )
    churn_risk_score = Score("Churn risk (100 = worst)")
    ticket_count_30d = Count("Tickets created in 30 days; null = no help desk", nullable=True)
    ticket_count_60d = Count("Tickets created in 60 days; null = no help desk", nullable=True)
    ticket_count_90d = Count("Tickets created in 90 days; null = no help desk", nullable=True)
    resolution_rate_30d = Share("Tickets created in 30 days that are resolved / tickets created in 30 days")
    mean_resolution_hours_30d = Hours("Mean of the tickets resolved in 30 days; null = none")
    escalated_ticket_count_30d = Count("Tickets created in 30 days and escalated; null = unknown", nullable=True)
    has_escalated_ticket_30d = dy.Bool(nullable=True, description="Whether there is one; null = unknown")
    avg_engagement_score = Score("Mean engagement score of the users with access")
    total_user_count = Count("Users with access; null = users are not connected, or access is unknown", nullable=True)
    user_activation_rate = Share("Users with an event ever / users")
    feature_adoption_rate = Share("Features used in 30 days / features of the catalogue")
    days_since_last_login = Count("Days since the latest event or login; null = never one, or not fresh", nullable=True)
    nps_365d = Nps("NPS of the account's own responses in 365 days")
    nps_rating = dy.Float64(
        nullable=True, min=0, max=10, description="Latest answer to the question of recommendation, 0-10; null = never"
    )
    active_device_count = Count("Active devices; null = no device reports", nullable=True)
    device_health_avg = Score("Mean health of the active devices that report")
    expansion_revenue_total = Money("Rises of MRR to date; null = no revenue history", nullable=True)
    contraction_revenue_total = Money(
        "Falls of MRR to date, churn not counted; null = no revenue history", nullable=True
    )
    net_expansion = Money("Expansion less contraction; null = no revenue history", min=None, nullable=True)


@table(CustomerSuccess)
def mart_customer_success(
    mart_churn_risk: pl.LazyFrame,
    mart_customer_health: pl.LazyFrame,
    mart_account_engagement: pl.LazyFrame,
    mart_customer_lifetime_value: pl.LazyFrame,
    fact_account_adoption_daily: pl.LazyFrame,
    fact_account_satisfaction_daily: pl.LazyFrame,
    fact_account_device_daily: pl.LazyFrame,
    fact_feedback: pl.LazyFrame,
    fact_tickets: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Accounts of the as-of day."""
    weights = {
        "health_score": settings.success_weights.health_score,
        "avg_engagement_score": settings.success_weights.avg_engagement_score,
        "device_health_avg": settings.success_weights.device_health_avg,
    }
    health = mart_customer_health.select("account_id", "health_score", health_trend_30d="trend_30d")
    is_today = pl.col("as_of_date") == as_of
    engagement = mart_account_engagement.select("account_id", "avg_engagement_score")
    adoption = fact_account_adoption_daily.filter(is_today).select("account_id", *ADOPTION)
    satisfaction = fact_account_satisfaction_daily.filter(is_today).select("account_id", "nps_rating")
    devices = fact_account_device_daily.filter(is_today).select(
        "account_id", "active_device_count", "device_health_avg"
    )
    accounts = mart_churn_risk.select("account_id", "as_of_date", "churn_risk_score")
    for figures in (
        health,
        engagement,
        adoption,
        satisfaction,
        _tickets(accounts, fact_tickets, settings, as_of),
        _nps(fact_feedback, as_of),
        devices,
        mart_customer_lifetime_value,
    ):
        accounts = accounts.join(figures, on="account_id", how="left", validate="1:1")
    return (
        accounts.with_columns(
            composite_success_score=weighted_mean((pl.col(name), weight) for name, weight in weights.items())
        )
        .sort("account_id")
        .select(CustomerSuccess.column_names())
    )


def _tickets(accounts: pl.LazyFrame, fact_tickets: pl.LazyFrame, settings: Settings, as_of: date) -> pl.LazyFrame:
    """Tickets of each account: 0 without any, nothing at all without a help desk."""
    return (
        accounts.select("account_id")
        .join(fact_tickets.select(has_tickets=pl.len() > 0), how="cross")
        .filter("has_tickets")
        .join(
            fact_tickets.group_by("account_id").agg(is_known=pl.lit(True), **ticket_measures(as_of, settings)),
            on="account_id",
            how="left",
            validate="1:1",
        )
        .with_columns(
            *(_where_no_ticket(name, 0) for name in TICKET_COUNTS), _where_no_ticket("has_escalated_ticket_30d", False)
        )
        .drop("has_tickets", "is_known")
    )


def _where_no_ticket(name: str, value: object) -> pl.Expr:
    return pl.when(pl.col("is_known").is_null()).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)


def _nps(fact_feedback: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    return (
        fact_feedback.filter(pl.col("feedback_date") > as_of - timedelta(days=YEAR))
        .group_by("account_id")
        .agg(nps_365d=net_promoter_score(pl.col("nps_category")))
    )


@identity(of=mart_customer_success)
def device_health__is_that_of_the_fleet(
    mart_customer_success: pl.LazyFrame, mart_device_health: pl.LazyFrame
) -> pl.LazyFrame:
    """The mean health of an account's devices by day is, on the as-of day, that of its devices one by one."""
    fleet = mart_device_health.filter("is_active").group_by("account_id").agg(of_fleet=mean_of(pl.col("health_score")))
    both = mart_customer_success.join(fleet, on="account_id", how="left", validate="1:1")
    return both.filter((pl.col("device_health_avg") - pl.col("of_fleet")).abs() > TOLERANCE)
