"""The figures of executive_summary_monthly.py by segment, on the as-of day.

Windows end on the as-of day; what one account did is in the marts that these figures come from.
"""

from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.fact.tickets import csat_pct, sla_adherence_pct
from health_assets.assets.mart.executive.executive_summary_monthly import (
    NOT_SCORED,
    HealthBands,
    health_by,
    known_sum,
    risk_by,
)
from health_assets.assets.mart.revenue.net_revenue_retention import trailing_year
from health_assets.contracts.columns import AsOfDate, Count, Money, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, DECIMALS_OF_MONEY, percent, safe_ratio
from health_assets.tables import identity, table

QUARTER = 90
SEGMENT = ["segment"]
NO_RISK = "null = no account has a risk level"
NO_TICKETS, NO_INCIDENTS = "null = no tickets connected", "null = no incidents connected"


class ExecutiveSummarySegments(Contract):
    """Which segments bring the revenue, and which are at risk? As of the as-of day.

    Columns whose source is not connected are null.
    """

    segment = dy.Enum(SEGMENTS, primary_key=True, description="Today's segment of the accounts")
    as_of_date = AsOfDate(primary_key=False)
    account_count = Count("Accounts that ever signed up")
    active_account_count = Count("Of those, active")
    mrr = Money("MRR; null = no revenue known", nullable=True)
    arr = Money("MRR x 12; null where MRR is", nullable=True)
    mrr_pct = Pct("MRR / MRR of all segments")
    trailing_12m_nrr_pct = Pct("MRR now / then, of accounts that paid 12 months ago", max=None)
    trailing_12m_grr_pct = Pct("The same, each account counted with no more than its MRR then")
    trailing_12m_logo_churn_pct = Pct("Of the accounts that paid 12 months ago, those that do not now")
    health_account_count = Count("Accounts with a health score; null = no scorecard is for any", nullable=True)
    mean_health_score = Score("Mean health of these")
    low_health_account_count = Count(
        f"Accounts in a low band of their scorecard (`low_bands`); {NOT_SCORED}", nullable=True
    )
    mrr_in_low_health = Money(f"MRR of the accounts in a low band, as far as it is known; {NOT_SCORED}", nullable=True)
    health_bands = HealthBands()
    at_risk_account_count = Count(f"Accounts of high or critical churn risk; {NO_RISK}", nullable=True)
    mrr_at_risk = Money(f"MRR of the accounts of high or critical churn risk; {NO_RISK}", nullable=True)
    mrr_of_unknown_risk = Money("MRR of accounts whose risk is not known; null = no MRR known", nullable=True)
    main_risk_driver = dy.String(
        nullable=True, description="Factor of churn risk that touches most MRR at risk; null = no account at risk"
    )
    main_driver_mrr_at_risk = Money("MRR at risk that it touches; null where it is", nullable=True)
    ticket_count_90d = Count(f"Tickets opened in 90 days; {NO_TICKETS}", nullable=True)
    sla_adherence_pct_90d = Pct("Of these, resolved within their target / with a met or breached target")
    csat_pct_90d = Pct("Of these, with a good rating / rated")
    nps = dy.Float64(nullable=True, min=-100, max=100, description="NPS of 365 days; null = no response in them")
    incident_count_90d = Count(
        f"Security incidents detected in 90 days, false positives included; {NO_INCIDENTS}", nullable=True
    )
    critical_incident_count_90d = Count(f"Of those, critical; {NO_INCIDENTS}", nullable=True)
    workflow_value = Money("Value of the workflow in the last month that is over; null = unknown", nullable=True)
    workflow_fee = Money("Fee of the same accounts in that month; null = unknown", nullable=True)
    value_to_cost = dy.Float64(nullable=True, min=0, description="Value / (fee + repair cost); null = unknown")


@table(ExecutiveSummarySegments)
def mart_executive_summary_segments(
    dim_account: pl.LazyFrame,
    fact_revenue_monthly: pl.LazyFrame,
    mart_customer_health: pl.LazyFrame,
    mart_churn_risk: pl.LazyFrame,
    fact_tickets: pl.LazyFrame,
    mart_satisfaction: pl.LazyFrame,
    fact_incidents: pl.LazyFrame,
    mart_operations_roi: pl.LazyFrame,
    as_of: date,
) -> pl.LazyFrame:
    """One row per segment that has accounts."""
    segment_of = dim_account.select("account_id", "segment")
    health = mart_customer_health.select("account_id", "health_score", "health_band", "is_low_band", "mrr")
    this_month = pl.col("month") == as_of.replace(day=1)
    last_year = trailing_year(_with_segment(fact_revenue_monthly, segment_of), ["month", "segment"]).filter(this_month)
    parts = [
        last_year.drop("month"),
        health_by(_with_segment(health, segment_of), SEGMENT),
        risk_by(_with_segment(mart_churn_risk, segment_of), SEGMENT),
        _support(fact_tickets, as_of),
        _nps(mart_satisfaction.filter(this_month)),
        _incidents(fact_incidents, as_of),
        _workflow(mart_operations_roi),
    ]
    segments = _accounts(dim_account)
    for part in parts:
        segments = segments.join(part, on="segment", how="left", validate="1:1")
    feeds = fact_tickets.select(has_tickets=pl.len() > 0), fact_incidents.select(has_incidents=pl.len() > 0)
    return (
        segments.join(feeds[0], how="cross")
        .join(feeds[1], how="cross")
        .with_columns(
            pl.when("has_tickets").then(pl.col("ticket_count_90d").fill_null(0)),
            pl.when("has_incidents").then(pl.col("incident_count_90d", "critical_incident_count_90d").fill_null(0)),
            as_of_date=pl.lit(as_of),
        )
        .sort("segment")
        .select(ExecutiveSummarySegments.column_names())
    )


def _accounts(dim_account: pl.LazyFrame) -> pl.LazyFrame:
    return (
        dim_account.group_by("segment")
        .agg(
            account_count=pl.len().cast(pl.Int64),
            active_account_count=pl.col("is_active").sum().cast(pl.Int64),
            mrr=known_sum("mrr"),
        )
        .with_columns(
            arr=(12 * pl.col("mrr")).round(DECIMALS_OF_MONEY), mrr_pct=percent(pl.col("mrr"), pl.col("mrr").sum())
        )
    )


def _with_segment(rows: pl.LazyFrame, segment_of: pl.LazyFrame) -> pl.LazyFrame:
    return rows.join(segment_of, on="account_id", how="inner", validate="m:1")


def _support(fact_tickets: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    return (
        fact_tickets.filter(pl.col("created_date") > as_of - timedelta(days=QUARTER))
        .drop_nulls("segment")
        .group_by("segment")
        .agg(
            ticket_count_90d=pl.len().cast(pl.Int64),
            sla_adherence_pct_90d=sla_adherence_pct(pl.col("sla_state")),
            csat_pct_90d=csat_pct(pl.col("csat_tier")),
        )
    )


def _nps(this_month: pl.LazyFrame) -> pl.LazyFrame:
    return (
        this_month.filter(pl.col("dimension_type") == "segment")
        .select("nps", segment=pl.col("dimension_value").cast(pl.Enum(SEGMENTS), strict=False))
        .drop_nulls("segment")
    )


def _incidents(fact_incidents: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    return (
        fact_incidents.filter(pl.col("detected_date") > as_of - timedelta(days=QUARTER))
        .drop_nulls("segment")
        .group_by("segment")
        .agg(
            incident_count_90d=pl.len().cast(pl.Int64),
            critical_incident_count_90d=pl.col("is_critical").sum().cast(pl.Int64),
        )
    )


def _workflow(mart_operations_roi: pl.LazyFrame) -> pl.LazyFrame:
    """Of the last month that is over, over accounts of which both value and fee are known."""
    return (
        mart_operations_roi.filter(~pl.col("is_partial"))
        .filter(pl.col("month") == pl.col("month").max())
        .drop_nulls(["segment", "value", "fee"])
        .group_by("segment")
        .agg(
            workflow_value=pl.col("value").sum(),
            workflow_fee=pl.col("fee").sum(),
            value_to_cost=safe_ratio(pl.col("value").sum(), pl.col("fee").sum() + pl.col("repair_cost").sum()),
        )
    )


@identity(of=mart_executive_summary_segments)
def mrr__of_all_segments_is_total(
    mart_executive_summary_segments: pl.LazyFrame, mart_executive_summary_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """The MRR of the segments sums to that of the as-of month."""
    latest = mart_executive_summary_monthly.filter(pl.col("month") == pl.col("month").max()).select(total="mrr")
    return (
        mart_executive_summary_segments.select(pl.col("mrr").sum())
        .join(latest, how="cross")
        .filter((pl.col("mrr") - pl.col("total").fill_null(0)).abs() >= CENT)
    )


@identity(of=mart_executive_summary_segments)
def mrr_at_risk__of_all_segments_is_total(
    mart_executive_summary_segments: pl.LazyFrame, mart_executive_summary_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """The MRR at risk, and the accounts at risk, of the segments sum to those of the as-of month."""
    latest = mart_executive_summary_monthly.filter(pl.col("month") == pl.col("month").max()).select(
        total_mrr="mrr_at_risk", total_accounts="at_risk_account_count"
    )
    return (
        mart_executive_summary_segments.select(pl.col("mrr_at_risk", "at_risk_account_count").sum())
        .join(latest, how="cross")
        .filter(
            ((pl.col("mrr_at_risk") - pl.col("total_mrr").fill_null(0)).abs() >= CENT)
            | (pl.col("at_risk_account_count") != pl.col("total_accounts").fill_null(0))
        )
    )


@identity(of=mart_executive_summary_segments)
def health__of_all_segments_is_total(
    mart_executive_summary_segments: pl.LazyFrame, mart_executive_summary_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """Scored accounts, those in low health and their MRR of the segments sum to those of the as-of month."""
    parts = pl.col("health_account_count", "low_health_account_count", "mrr_in_low_health")
    latest = mart_executive_summary_monthly.filter(pl.col("month") == pl.col("month").max()).select(
        parts.fill_null(0).name.prefix("total_")
    )
    return (
        mart_executive_summary_segments.select(parts.sum())
        .join(latest, how="cross")
        .filter(
            (pl.col("health_account_count") != pl.col("total_health_account_count"))
            | (pl.col("low_health_account_count") != pl.col("total_low_health_account_count"))
            | ((pl.col("mrr_in_low_health") - pl.col("total_mrr_in_low_health")).abs() >= CENT)
        )
    )
