"""Accounts that have churned: when, with how much revenue, and how healthy they were before.

Churn by month is in mart/revenue/net_revenue_retention.py, the risk of accounts that still pay in mart/health/churn_risk.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.mart.health.customer_health_daily import CustomerHealthDaily
from health_assets.contracts.columns import AccountId, AccountOwner, CompanyName, Count, Day, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import days_between
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings import Settings
from health_assets.tables import table

DAYS_BEFORE = 30  # the window in the column names
SCORES = [name for name in CustomerHealthDaily.column_names() if name.endswith("_score") and name != "health_score"]


class ChurnedAccounts(Contract):
    """Which paying accounts have left, how much did they pay, and what had their health shown 30 days before?

    Accounts that are churned on the as-of day and not expected back (`revenue.churn_gap_days`); one that returned,
    or that never paid, has no row.
    """

    account_id = AccountId(primary_key=True)
    company_name = CompanyName()
    segment = dy.Enum(
        SEGMENTS, description="By plan tier, or by the number of employees; see `segments` in the settings"
    )
    account_owner = AccountOwner()
    region = dy.String(nullable=True, description="Sales region")
    churn_date = Day("First unpaid day", nullable=False, metadata={"available_from": True})
    mrr_lost = Money("MRR on the day before churn_date; null = before history_start", nullable=True)
    paid_days = Count("Days from the first paid day to the churn date, gaps included")
    health_score_30d_before = Score("Health 30 days before churn_date")
    health_band_30d_before = dy.String(nullable=True, description="Band of that score; null = not scored that day")
    last_health_band = dy.String(
        nullable=True, description="Band on the last day before churn_date with a score; null = never scored"
    )
    weakest_dimension = dy.String(
        nullable=True,
        description="Dimension of health with the lowest score 30 days before churn_date; null = not scored",
    )
    weakest_dimension_score = dy.Float64(
        nullable=True, description="Score of that dimension; null = not scored that day"
    )
    reasons = dy.List(
        dy.String(),
        description="Dimensions of health with a score below `churned_accounts.weak_below` 30 days before, the lowest first",
    )
    reason_count = Count("Number of reasons; null = not scored that day", nullable=True)


@table(ChurnedAccounts, reads_apart=True)  # two days of each account, and the bands of all days
def mart_churned_accounts(
    dim_account: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    settings: Settings,
) -> pl.LazyFrame:
    """One row per churned account, the latest first."""
    churned = dim_account.filter(pl.col("churn_date").is_not_null()).select(
        "account_id", "company_name", "segment", "account_owner", "region", "churn_date", "first_paid_date"
    )
    last_band = (
        mart_customer_health_daily.filter(pl.col("health_score").is_not_null())
        .join(churned, on="account_id", how="semi")  # which streams; a join that validates holds the whole history
        .join(churned.select("account_id", "churn_date"), on="account_id", how="inner", validate="m:1")
        .filter(pl.col("as_of_date") < pl.col("churn_date"))
        .group_by("account_id")
        .agg(last_health_band=pl.col("health_band").sort_by("as_of_date").last())
    )
    last_mrr = _before_churn(fact_account_revenue_daily, churned, 1).select("account_id", mrr_lost="mrr")
    health_then = _before_churn(mart_customer_health_daily, churned, DAYS_BEFORE)
    return (
        churned.join(last_mrr, on="account_id", how="left", validate="1:1")
        .join(last_band, on="account_id", how="left", validate="1:1")
        .join(
            health_then.select("account_id", **_health_then(settings)),
            on="account_id",
            how="left",
            validate="1:1",
        )
        .with_columns(
            paid_days=days_between(pl.col("first_paid_date"), pl.col("churn_date")),
            reason_count=pl.col("reasons").list.len().cast(pl.Int64),
            reasons=pl.col("reasons").fill_null([]),
        )
        .sort("churn_date", "account_id", descending=[True, False])
        .select(ChurnedAccounts.column_names())
    )


def _before_churn(rows: pl.LazyFrame, churned: pl.LazyFrame, days: int) -> pl.LazyFrame:
    """The rows of an account x day table on the day so many days before the account churned. Grain: account_id."""
    that_day = churned.select("account_id", as_of_date=pl.col("churn_date").dt.offset_by(f"-{days}d"))
    return rows.join(that_day, on=SIGNAL_KEY, how="semi")


def _health_then(settings: Settings) -> dict[str, pl.Expr]:
    """Score, band and weak dimensions of a row of mart.customer_health_daily."""
    is_scored = pl.col("health_score").is_not_null()
    measured = [
        pl.when(pl.col(name).is_not_null()).then(pl.struct(score=name, dimension=pl.lit(name.removesuffix("_score"))))
        for name in SCORES
    ]
    by_score = pl.concat_list(measured).list.drop_nulls().list.sort()  # by score, then by name
    weak = pl.element().struct.field("score") < settings.churned_accounts.weak_below
    return {
        "health_score_30d_before": pl.col("health_score"),
        "health_band_30d_before": pl.when(is_scored).then("health_band"),
        "weakest_dimension": by_score.list.first().struct.field("dimension"),
        "weakest_dimension_score": by_score.list.first().struct.field("score"),
        "reasons": pl.when(is_scored).then(by_score.list.eval(pl.element().filter(weak).struct.field("dimension"))),
    }
