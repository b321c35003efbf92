"""Parents with their child accounts as if each were one customer: what a family pays together, and how that changed.

Everywhere else each account counts on its own.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.fact.revenue_monthly import MOVEMENTS, TOLERANCE, moved_amounts, movement, waterfall
from health_assets.contracts.columns import AccountId, Count, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import month_of, on_any_of, safe_ratio
from health_assets.contracts.months import measure_days
from health_assets.scoring.recurring_revenue import sum_of
from health_assets.settings import Settings
from health_assets.tables import identity, table


class ParentAccounts(Contract):
    """How are companies with several accounts doing as a whole? A child that leaves is a contraction of its parent.

    From a family's first paying month to the as-of month; an account belongs to the family of the parent that it names,
    as today's CRM has it. Empty without revenue history.
    """

    account_id = AccountId(primary_key=True, of=None)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    company_name = dy.String(nullable=True, description="Name of the parent; null = the parent is not an account")
    paying_account_count = Count("Accounts of the family that pay at month end, for the as-of month on the as-of day")
    mrr = Money("MRR of the family at month end, for the as-of month on the as-of day")
    previous_mrr = Money("MRR of the month before, 0 in the first paying month")
    movement = dy.Enum(MOVEMENTS, description="As in fact.revenue_monthly, for the MRR of the family")
    new_mrr = Money("MRR of a first paying month")
    reactivation_mrr = Money("MRR of a family that pays again")
    expansion_mrr = Money("Rise of MRR, including new children")
    contraction_mrr = Money("Fall of MRR to an amount above 0, including children that leave")
    churned_mrr = Money("MRR that fell to 0")
    mean_health_score = Score("Mean of the accounts' health at month end, by their MRR; null also where none is scored")

    @dy.rule()
    def waterfall__closes(cls) -> pl.Expr:
        """Starting MRR, new, expansion and reactivation less contraction and churn make the ending MRR."""
        return (waterfall(pl.col("previous_mrr")) - pl.col("mrr")).abs() < TOLERANCE


@table(ParentAccounts)
def mart_parent_accounts(
    dim_account: pl.LazyFrame,
    fact_revenue_monthly: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """One row per parent and month."""
    day, mrr, score = pl.col("as_of_date"), pl.col("mrr"), pl.col("health_score")
    health = mart_customer_health_daily.filter(on_any_of(day, measure_days(settings.history_start, as_of))).select(
        "account_id", "health_score", month=month_of(day)
    )
    return (
        fact_revenue_monthly.filter(pl.col("movement").is_not_null())
        .select("account_id", "month", "mrr")
        .join(health, on=["account_id", "month"], how="left", validate="1:1")
        .join(_families(dim_account), on="account_id", how="inner", validate="m:1")
        .group_by("month", account_id="parent_account_id")
        .agg(
            paying_account_count=(mrr > 0).sum().cast(pl.Int64),
            mean_health_score=safe_ratio(sum_of(score * mrr), sum_of(mrr.filter(score.is_not_null()))),
            mrr=sum_of(mrr),
        )
        .with_columns(previous_mrr=mrr.shift(1, fill_value=0.0).over("account_id", order_by="month"))
        .with_columns(movement=movement())
        .with_columns(**moved_amounts())
        .join(dim_account.select("account_id", "company_name"), on="account_id", how="left", validate="m:1")
        .sort("account_id", "month")
        .select(ParentAccounts.column_names())
    )


def _families(dim_account: pl.LazyFrame) -> pl.LazyFrame:
    """Each child with its parent, and each top-level parent with itself. Grain: account_id."""
    children = dim_account.select("account_id", "parent_account_id").drop_nulls("parent_account_id")
    parents = children.select(account_id="parent_account_id").unique()
    heads = parents.join(children, on="account_id", how="anti").with_columns(parent_account_id="account_id")
    return pl.concat([children, heads])


@identity(of=mart_parent_accounts)
def mrr__is_that_of_the_families_accounts(
    mart_parent_accounts: pl.LazyFrame, fact_revenue_monthly: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """In each month the families together have the MRR of their accounts."""
    members = _families(dim_account).select("account_id")
    accounts = fact_revenue_monthly.filter(pl.col("movement").is_not_null()).join(members, on="account_id", how="semi")
    by_account = accounts.group_by("month").agg(of_accounts=pl.col("mrr").sum())
    by_family = mart_parent_accounts.group_by("month").agg(pl.col("mrr").sum())
    both = by_account.join(by_family, on="month", how="full", coalesce=True, validate="1:1")
    return both.filter((pl.col("of_accounts").fill_null(0) - pl.col("mrr").fill_null(0)).abs() >= TOLERANCE)
