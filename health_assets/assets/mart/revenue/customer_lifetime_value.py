"""What each account has paid or spent so far, and the segment that follows from it.

Segments as a whole belong in mart/revenue/clv_segments.py; what an account may still bring is a forecast and does not
belong here.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, DECIMALS_OF_MONEY, banded, exact_sum, safe_ratio, whole_months
from health_assets.settings import Settings
from health_assets.tables import identity, table

CLV_SEGMENTS = ["high", "medium", "low", "entry"]


class CustomerLifetimeValue(Contract):
    """What has each account paid or spent to date, and is it growing or shrinking?"""

    account_id = AccountId(primary_key=True)
    lifetime_value = Money("Paid or spent to date, as dim_account has it; null = unknown", min=None, nullable=True)
    months_since_first_subscription = Count("Whole months since the first paid day; null = never paid", nullable=True)
    tenure_months = Count(
        "Whole months since the first paid day, in a company without revenue history since the signup; null = never paid",
        nullable=True,
    )
    monthly_clv_rate = dy.Float64(
        nullable=True, description="Lifetime value / tenure months, in the reporting currency; null in the first month"
    )
    expansion_revenue_total = Money("Rises of MRR to date; null = no revenue history", nullable=True)
    contraction_revenue_total = Money(
        "Falls of MRR to date, churn not counted; null = no revenue history", nullable=True
    )
    net_expansion = Money("Expansion less contraction; null = no revenue history", min=None, nullable=True)
    clv_segment = dy.Enum(
        CLV_SEGMENTS,
        nullable=True,
        description="By lifetime value; null = unknown, or a tenure below lifetime_value.min_tenure_months",
    )

    @dy.rule()
    def net_expansion__is_expansion_less_contraction(cls) -> pl.Expr:
        """The net expansion is expansion less contraction, to the cent."""
        difference = pl.col("expansion_revenue_total") - pl.col("contraction_revenue_total")
        return (difference - pl.col("net_expansion")).abs() < CENT


@table(CustomerLifetimeValue)
def mart_customer_lifetime_value(
    dim_account: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """One row per account; totals are 0 for an account that never paid."""
    months, since_signup = pl.col("months_since_first_subscription"), whole_months(pl.col("signup_date"), as_of)
    totals = ["expansion_revenue_total", "contraction_revenue_total"]
    moved = fact_revenue_monthly.group_by("account_id").agg(
        expansion_revenue_total=exact_sum(pl.col("expansion_mrr")),
        contraction_revenue_total=exact_sum(pl.col("contraction_mrr")),
    )
    return (
        dim_account.select("account_id", "signup_date", "lifetime_value", months)
        .join(moved, on="account_id", how="left", validate="1:1")
        .join(fact_revenue_monthly.select(has_history=pl.col("movement").is_not_null().any()), how="cross")
        .with_columns(pl.when("has_history").then(pl.col(name).fill_null(0)).alias(name) for name in totals)
        .with_columns(tenure_months=pl.when("has_history").then(months).otherwise(since_signup))
        .with_columns(
            monthly_clv_rate=safe_ratio(pl.col("lifetime_value"), pl.col("tenure_months")),
            net_expansion=(pl.col("expansion_revenue_total") - pl.col("contraction_revenue_total")).round(
                DECIMALS_OF_MONEY
            ),
            clv_segment=pl.when(pl.col("tenure_months") >= settings.lifetime_value.min_tenure_months).then(
                banded(pl.col("lifetime_value"), settings.lifetime_value.segments | {"entry": float("-inf")})
            ),
        )
        .sort("account_id")
        .select(CustomerLifetimeValue.column_names())
    )


@identity(of=mart_customer_lifetime_value)
def movements__are_those_of_the_months(
    mart_customer_lifetime_value: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame
) -> pl.LazyFrame:
    """Expansion and contraction to date of all accounts are those of all months."""
    total = fact_revenue_monthly.select(rises=pl.col("expansion_mrr").sum(), falls=pl.col("contraction_mrr").sum())
    return (
        mart_customer_lifetime_value.select(pl.col("expansion_revenue_total", "contraction_revenue_total").sum())
        .join(total, how="cross")
        .filter(
            ((pl.col("expansion_revenue_total") - pl.col("rises")).abs() >= CENT)
            | ((pl.col("contraction_revenue_total") - pl.col("falls")).abs() >= CENT)
        )
    )
