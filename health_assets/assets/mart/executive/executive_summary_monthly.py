"""The company on one line a month: revenue, health, risk, support, satisfaction, security, value for money.

Each figure is taken from the table that computes it; the same by segment is in executive_summary_segments.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.mart.health.risk_drivers import drivers_by, is_at_risk
from health_assets.contracts.columns import Count, Money, Pct, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, mean_of, on_any_of
from health_assets.contracts.months import measure_days
from health_assets.scoring.overrides import with_overrides
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.scoring.scorecards import UNKNOWN, scorecards_in_use
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings
from health_assets.tables import identity, table

NOT_SCORED = "null = no account has a score"
AS_OF_ONLY = "null = a month before the as-of month, or no account has a risk level"
ALL = "all"


def HealthBands() -> dy.List:  # noqa: N802 - a column type
    """Accounts and revenue by band: a list, as each company names its own bands."""
    band = {"health_band": dy.String(), "account_count": dy.Int64(), "mrr": dy.Float64(nullable=True)}
    return dy.List(
        dy.Struct(band),
        nullable=True,
        description="Accounts and their MRR by health band, unknown included, by name; null = no scorecard is for them",
    )


class ExecutiveSummaryMonthly(Contract):
    """How is the company doing, month by month?

    Stocks (accounts, MRR, bands, NPS) are as of the end of the month, in the as-of month as of the as-of day: never sum
    them over months. Columns whose source is not connected are null.
    """

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")
    paying_account_count = Count("Accounts that pay at the end; null = no revenue known", nullable=True)
    mrr = Money("MRR at the end; null = no revenue known", nullable=True)
    arr = Money("MRR x 12; null where MRR is", nullable=True)
    nrr_pct = Pct("Net revenue retention of the month", max=None)
    grr_pct = Pct("Gross revenue retention of the month")
    logo_churn_pct = Pct("Accounts lost in the month / accounts paying at its start")
    trailing_12m_nrr_pct = Pct("Net revenue retention of 12 months", max=None)
    trailing_12m_grr_pct = Pct("Gross revenue retention of 12 months")
    health_account_count = Count("Accounts with a health score; null = no scorecard is for any", nullable=True)
    mean_health_score = Score("Mean health of these")
    low_health_account_count = Count(
        f"Accounts in a low band of their scorecard (`low_bands`); {NOT_SCORED}", nullable=True
    )
    mrr_in_low_health = Money(f"MRR of the accounts in a low band, as far as it is known; {NOT_SCORED}", nullable=True)
    health_bands = HealthBands()
    at_risk_account_count = Count(f"Accounts of high or critical churn risk; {AS_OF_ONLY}", nullable=True)
    mrr_at_risk = Money(f"MRR of the accounts of high or critical churn risk; {AS_OF_ONLY}", nullable=True)
    mrr_of_unknown_risk = Money(
        "MRR of accounts whose risk is not known; null = a month before the as-of month, or no MRR is known",
        nullable=True,
    )
    main_risk_driver = dy.String(
        nullable=True, description=f"Factor of churn risk that touches most MRR at risk; {AS_OF_ONLY}, or none at risk"
    )
    main_driver_mrr_at_risk = Money("MRR at risk that it touches; null where it is", nullable=True)
    ticket_count = Count("Tickets opened; null = no tickets connected, or before the first", nullable=True)
    sla_adherence_pct = Pct("Tickets of the month resolved within their target / tickets with a met or breached target")
    csat_pct = Pct("Tickets of the month with a good rating / rated")
    nps = dy.Float64(
        nullable=True, min=-100, max=100, description="NPS of the 365 days to the end; null = no response in them"
    )
    incident_count = Count(
        "Security incidents, false positives included; null = none connected, or before the first", nullable=True
    )
    critical_incident_count = Count("Of those, critical; null = no severity known", nullable=True)
    tickets_processed = Count("Items that went through the workflow; null = no workflow connected", nullable=True)
    workflow_value = Money("Their value, of accounts with a known fee; null = unknown", nullable=True)
    workflow_fee = Money("Fee of the same accounts; null = unknown", nullable=True)
    value_to_cost = dy.Float64(
        nullable=True, min=0, description="Value / (fee + repair cost); null = unknown, or while the month runs"
    )

    @dy.rule()
    def mrr_in_low_health__within_mrr(cls) -> pl.Expr:
        """MRR of accounts in low health is part of all MRR."""
        return pl.col("mrr_in_low_health") <= pl.col("mrr") + CENT


@table(ExecutiveSummaryMonthly)
def mart_executive_summary_monthly(
    mart_net_revenue_retention: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    staged_health_overrides: pl.LazyFrame,
    mart_churn_risk: pl.LazyFrame,
    mart_sla_adherence: pl.LazyFrame,
    mart_satisfaction: pl.LazyFrame,
    mart_security_operations: pl.LazyFrame,
    mart_operations_summary: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per month in which anything is known, without gaps to the as-of month."""
    days = measure_days(settings.history_start, as_of)
    revenue = mart_net_revenue_retention.rename({"ending_mrr": "mrr"}).drop("is_partial")
    health = _health_on(days, mart_customer_health_daily, fact_account_revenue_daily).pipe(
        with_overrides, staged_health_overrides, scorecards_in_use(settings)
    )
    risk = mart_churn_risk.with_columns(month=pl.lit(as_of).dt.truncate("1mo"))
    support, incidents = _of_all(mart_sla_adherence), _of_all(mart_security_operations)
    satisfaction = _of_all(mart_satisfaction).select("month", "nps")
    workflow = mart_operations_summary.rename({"value": "workflow_value", "fee": "workflow_fee"})
    parts = [
        revenue,
        health_by(health, ["month"]),
        risk_by(risk, ["month"]),
        support.select("month", "ticket_count", "sla_adherence_pct", "csat_pct"),
        satisfaction,
        incidents.select("month", "incident_count", "critical_incident_count"),
        workflow.select("month", "tickets_processed", "workflow_value", "workflow_fee", "value_to_cost"),
    ]
    months = _months(parts, as_of)
    for part in parts:
        months = months.join(part, on="month", how="left", validate="1:1")
    return (
        months.with_columns(
            is_partial=pl.col("month").dt.month_end() > as_of,
            ticket_count=_none_after_the_first("ticket_count"),
            critical_incident_count=pl.when(pl.col("incident_count").is_null() & _has_begun("critical_incident_count"))
            .then(0)
            .otherwise("critical_incident_count"),
            incident_count=_none_after_the_first("incident_count"),
        )
        .sort("month")
        .select(ExecutiveSummaryMonthly.column_names())
    )


def health_by(health: pl.LazyFrame, keys: list[str]) -> pl.LazyFrame:
    """Health of each group of accounts.

    Args:
        health: one row per scored account: health_score, health_band, is_low_band, mrr.
        keys: what makes a group.
    """
    is_low, has_scores = pl.col("is_low_band").fill_null(False), pl.col("health_score").count() > 0
    bands = (
        health.group_by(*keys, "health_band")
        .agg(account_count=pl.len().cast(pl.Int64), mrr=known_sum("mrr"))
        .sort(*keys, "health_band")
        .group_by(keys, maintain_order=True)
        .agg(health_bands=pl.struct("health_band", "account_count", "mrr"))
    )
    return (
        health.group_by(keys)
        .agg(
            health_account_count=pl.col("health_score").count().cast(pl.Int64),
            mean_health_score=mean_of(pl.col("health_score")),
            low_health_account_count=pl.when(has_scores).then(is_low.sum().cast(pl.Int64)),
            mrr_in_low_health=pl.when(has_scores).then(sum_of(pl.col("mrr").filter(is_low))),
        )
        .join(bands, on=keys, how="left", validate="1:1")
    )


def risk_by(risk: pl.LazyFrame, keys: list[str]) -> pl.LazyFrame:
    """Churn risk of each group of accounts, and its main driver.

    Args:
        risk: rows of mart.churn_risk.
        keys: what makes a group.
    """
    drivers = (
        drivers_by(risk, keys)
        .filter(pl.col("at_risk_account_count") > 0)
        .unique(keys, keep="first", maintain_order=True)
        .select(*keys, main_risk_driver="factor", main_driver_mrr_at_risk="mrr_at_risk")
    )
    level, is_known = pl.col("risk_level"), pl.col("mrr").count() > 0
    has_levels = (level != UNKNOWN).any()
    return (
        risk.group_by(keys)
        .agg(
            at_risk_account_count=pl.when(has_levels).then(is_at_risk().sum().cast(pl.Int64)),
            mrr_at_risk=pl.when(is_known & has_levels).then(sum_of(pl.col("mrr").filter(is_at_risk()))),
            mrr_of_unknown_risk=pl.when(is_known).then(sum_of(pl.col("mrr").filter(level == UNKNOWN))),
        )
        .join(drivers, on=keys, how="left", validate="1:1")
    )


def known_sum(column: str) -> pl.Expr:
    """The sum of the money that is known; null where none is."""
    return pl.when(pl.col(column).count() > 0).then(sum_of(pl.col(column)))


def _health_on(
    days: list[date], mart_customer_health_daily: pl.LazyFrame, fact_account_revenue_daily: pl.LazyFrame
) -> pl.LazyFrame:
    """The scored accounts on the last day of each month, or the as-of day, with their MRR then."""
    day = pl.col("as_of_date")
    is_measured = on_any_of(day, days)
    return (
        mart_customer_health_daily.filter(is_measured)
        .select(*SIGNAL_KEY, "scorecard", "health_score", "health_band", "is_low_band", month=day.dt.truncate("1mo"))
        .join(
            fact_account_revenue_daily.filter(is_measured).select(*SIGNAL_KEY, "mrr"),
            on=SIGNAL_KEY,
            how="left",
            validate="1:1",
        )
        .cache()  # the history is read once for all figures
    )


def _of_all(parts: pl.LazyFrame) -> pl.LazyFrame:
    return parts.filter(pl.col("dimension_type") == ALL)


def _months(parts: list[pl.LazyFrame], as_of: date) -> pl.LazyFrame:
    """Each month from the first one of any part to the as-of month."""
    return (
        pl.concat([part.select("month") for part in parts])
        .select(month=pl.date_ranges(pl.col("month").min(), pl.lit(as_of).dt.truncate("1mo"), "1mo"))
        .explode("month", empty_as_null=False, keep_nulls=False)
    )


def _has_begun(count: str) -> pl.Expr:
    return pl.col(count).forward_fill().over(pl.lit(1), order_by="month").is_not_null()


def _none_after_the_first(count: str) -> pl.Expr:
    """0 in a month without rows, once the feed has begun."""
    return pl.when(_has_begun(count)).then(pl.col(count).fill_null(0))


@identity(of=mart_executive_summary_monthly)
def mrr__is_that_of_the_accounts_on_the_as_of_day(
    mart_executive_summary_monthly: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """The MRR of the as-of month is the sum over the accounts."""
    total = dim_account.select(total=pl.col("mrr").sum())
    return (
        _of_the_as_of_month(mart_executive_summary_monthly)
        .join(total, how="cross")
        .filter((pl.col("mrr").fill_null(0) - pl.col("total")).abs() >= CENT)
    )


@identity(of=mart_executive_summary_monthly)
def health__is_that_of_the_accounts(
    mart_executive_summary_monthly: pl.LazyFrame, mart_customer_health: pl.LazyFrame
) -> pl.LazyFrame:
    """Scored accounts, those in low health and their MRR are in the as-of month those of mart.customer_health."""
    is_low = pl.col("is_low_band").fill_null(False)
    total = mart_customer_health.select(
        scored=pl.col("health_score").count(), low=is_low.sum(), low_mrr=pl.col("mrr").filter(is_low).sum()
    )
    counts = pl.col("health_account_count", "low_health_account_count", "mrr_in_low_health").fill_null(0)
    return (
        _of_the_as_of_month(mart_executive_summary_monthly)
        .with_columns(counts)
        .join(total, how="cross")
        .filter(
            (pl.col("health_account_count") != pl.col("scored"))
            | (pl.col("low_health_account_count") != pl.col("low"))
            | ((pl.col("mrr_in_low_health") - pl.col("low_mrr")).abs() >= CENT)
        )
    )


@identity(of=mart_executive_summary_monthly)
def mrr_at_risk__is_that_of_the_accounts(
    mart_executive_summary_monthly: pl.LazyFrame, mart_churn_risk: pl.LazyFrame
) -> pl.LazyFrame:
    """Accounts at risk and their MRR are in the as-of month those of mart.churn_risk."""
    total = mart_churn_risk.select(at_risk=is_at_risk().sum(), total=pl.col("mrr").filter(is_at_risk()).sum())
    return (
        _of_the_as_of_month(mart_executive_summary_monthly)
        .join(total, how="cross")
        .filter(
            (pl.col("at_risk_account_count").fill_null(0) != pl.col("at_risk"))
            | ((pl.col("mrr_at_risk").fill_null(0) - pl.col("total")).abs() >= CENT)
        )
    )


def _of_the_as_of_month(summary: pl.LazyFrame) -> pl.LazyFrame:
    return summary.filter(pl.col("month") == pl.col("month").max())
