"""Each account between signing and renewal: contract events, likelihood to renew, room to grow.

Why an account may leave is in mart/health/churn_risk.py; survey answers over time are in mart/support/satisfaction.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import LIFECYCLE_STAGES, SEGMENTS
from health_assets.assets.staged.accounts import CRM_STATUSES
from health_assets.assets.staged.contract_events import CONTRACT_EVENT_TYPES
from health_assets.assets.staged.feedback import LIKELIHOODS
from health_assets.contracts.columns import AccountId, AsOfDate, CompanyName, Count, Day, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.scoring.risk_score import RISK_LEVELS
from health_assets.settings import Settings
from health_assets.tables import table

COUNTED = ["renewed", "upgraded", "downgraded", "cancelled"]


def EventCount(description: str) -> dy.Int64:  # noqa: N802 - a column type
    """A number of contract events."""
    return Count(f"{description} by the as-of day; null = contract events are not connected", nullable=True)


class CustomerJourney(Contract):
    """How far into its contract is each account, will it renew, and could it grow?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    company_name = CompanyName()
    segment = dy.Enum(
        SEGMENTS, description="By plan tier, or by the number of employees; see `segments` in the settings"
    )
    account_status = dy.Enum(
        CRM_STATUSES, nullable=True, description="active, churned, trial, suspended; null = unknown"
    )
    lifecycle_stage = dy.Enum(LIFECYCLE_STAGES, description="trial and churned by status, else by tenure")
    tenure_days = Count("Days since signup")
    mrr = Money("Monthly recurring revenue; null = unknown", nullable=True)
    health_score = Score("Health")
    risk_level = dy.Enum(RISK_LEVELS, nullable=True, description="Churn risk; null = churned, or status unknown")
    days_to_renewal = Count("Days to the next renewal of a paid subscription; null = none known", nullable=True)
    likelihood_to_renew = dy.Enum(LIKELIHOODS, nullable=True, description="Latest answer; null = never answered")
    nps_rating = dy.Float64(nullable=True, min=0, max=10, description="Latest answer, 0-10; null = never answered")
    license_utilization = dy.Float64(nullable=True, min=0, description="Share of seats in use; null = unknown")
    open_escalated_ticket_count = Count("Tickets that are open and escalated; null = unknown", nullable=True)
    is_expansion_opportunity = dy.Bool(
        nullable=True,
        description="Health and license utilization reach the limits of `expansion` in the settings, not onboarding (trials may "
        "qualify), no open escalation; null = unknown",
    )
    contract_event_count = EventCount("Contract events")
    renewed_count = EventCount("Renewals")
    upgraded_count = EventCount("Upgrades")
    downgraded_count = EventCount("Downgrades")
    cancelled_count = EventCount("Cancellations")
    revenue_impact_total = Money(
        "Sum of the revenue impact of the events by the as-of day, from the CRM; null = not connected, or no event has one",
        min=None,
        nullable=True,
    )
    latest_contract_event_type = dy.Enum(
        CONTRACT_EVENT_TYPES,
        nullable=True,
        description="Type of the latest event; among events of one day, of the one with the highest key; null = none",
    )
    latest_contract_event_date = Day("Day of the latest contract event; null = none")


@table(CustomerJourney)
def mart_customer_journey(
    dim_account: pl.LazyFrame,
    staged_contract_events: pl.LazyFrame,
    fact_tickets: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    fact_account_adoption_daily: pl.LazyFrame,
    fact_account_satisfaction_daily: pl.LazyFrame,
    mart_customer_health: pl.LazyFrame,
    mart_churn_risk: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per account that signed up by the as-of day."""
    today = pl.col("as_of_date") == as_of
    known_of_accounts = [
        _events(staged_contract_events, as_of),
        _open_escalations(fact_tickets),
        fact_account_revenue_daily.filter(today).select("account_id", "days_to_renewal"),
        fact_account_adoption_daily.filter(today).select("account_id", "license_utilization"),
        fact_account_satisfaction_daily.filter(today).select("account_id", "nps_rating", "likelihood_to_renew"),
        mart_customer_health.select("account_id", "health_score"),
        mart_churn_risk.select("account_id", "risk_level"),
    ]
    journeys = dim_account.join(_connected(staged_contract_events, fact_tickets), how="cross")
    for known in known_of_accounts:
        journeys = journeys.join(known, on="account_id", how="left", validate="1:1")
    is_without_tickets = pl.col("knows_escalations") & pl.col("has_tickets").is_null()
    event_counts = pl.col("contract_event_count", *(f"{kind}_count" for kind in COUNTED))
    return (
        journeys.with_columns(
            pl.when("has_events").then(event_counts.fill_null(0)),
            open_escalated_ticket_count=pl.when(is_without_tickets).then(0).otherwise("open_escalated_ticket_count"),
            as_of_date=pl.lit(as_of),
        )
        .with_columns(is_expansion_opportunity=_is_expansion_opportunity(settings))
        .sort("account_id")
        .select(CustomerJourney.column_names())
    )


def _connected(staged_contract_events: pl.LazyFrame, fact_tickets: pl.LazyFrame) -> pl.LazyFrame:
    """One row: whether contract events have rows, and whether the tickets say which of them are escalated."""
    events = staged_contract_events.select(has_events=pl.len() > 0)
    return events.join(fact_tickets.select(knows_escalations=_is_open_escalation().is_not_null().any()), how="cross")


def _events(staged_contract_events: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    kind, impact = pl.col("event_type"), pl.col("revenue_impact")
    return (
        staged_contract_events.filter(pl.col("event_date") <= as_of)
        .sort("event_date", "event_id")
        .group_by("account_id")
        .agg(
            *((kind == name).sum().cast(pl.Int64).alias(f"{name}_count") for name in COUNTED),
            contract_event_count=pl.len().cast(pl.Int64),
            revenue_impact_total=pl.when(impact.is_not_null().any()).then(sum_of(impact)),
            latest_contract_event_type=kind.last(),
            latest_contract_event_date=pl.col("event_date").last(),
        )
    )


def _open_escalations(fact_tickets: pl.LazyFrame) -> pl.LazyFrame:
    """Open escalated tickets of each account with tickets; null where one ticket does not say whether it is escalated."""
    is_one = _is_open_escalation()
    return fact_tickets.group_by("account_id").agg(
        has_tickets=pl.lit(True),
        open_escalated_ticket_count=pl.when(is_one.is_not_null().all()).then(is_one.sum().cast(pl.Int64)),
    )


def _is_open_escalation() -> pl.Expr:
    return pl.col("is_open") & pl.col("is_escalated")


def _is_expansion_opportunity(settings: Settings) -> pl.Expr:
    limits = settings.expansion
    return pl.all_horizontal(
        pl.col("health_score") >= limits.health_from,
        pl.col("license_utilization") >= limits.license_utilization_from,
        pl.col("lifecycle_stage") != "onboarding",
        pl.col("open_escalated_ticket_count") == 0,
    )
