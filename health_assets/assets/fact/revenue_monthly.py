"""Month-end recurring revenue of each account, and how it changed.

Movements within one month only; retention percentages belong in mart/revenue/net_revenue_retention.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Money
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import DECIMALS_OF_MONEY, first_match
from health_assets.contracts.history import valid_on
from health_assets.scoring.price_periods import price_periods
from health_assets.scoring.recurring_revenue import came_and_went, has_revenue_history, month_end_mrr, paid_periods
from health_assets.settings import Settings
from health_assets.tables import identity, table

MOVEMENTS = ["new", "reactivation", "expansion", "retained", "contraction", "churn", "inactive"]
TOLERANCE = 0.005  # half a cent


class RevenueMonthly(Contract):
    """How much does each account pay, and did that grow, shrink, stop or come back?

    From the first month in which the account paid to the as-of month, so churn is a row. Without subscriptions or paid
    invoices there is one row, with the CRM's MRR of the as-of day; its movements are null.
    """

    account_id = AccountId(primary_key=True)
    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    mrr = Money("Recurring revenue at month end, for the as-of month on the as-of day")
    arr = Money("MRR x 12")
    previous_mrr = Money("MRR of the month before, 0 in the first month; null = no history", nullable=True)
    movement = dy.Enum(
        MOVEMENTS,
        nullable=True,
        description="new = first month ever with MRR; reactivation = MRR again after a month without; expansion, contraction, "
        "retained = higher, lower, the same as the month before; churn = fell to 0; inactive = 0 in both; null = no history",
    )
    new_mrr = Money("MRR of a first paying month; null = no history", nullable=True)
    reactivation_mrr = Money("MRR of an account that pays again; null = no history", nullable=True)
    expansion_mrr = Money("Rise of MRR; null = no history", nullable=True)
    contraction_mrr = Money("Fall of MRR to an amount above 0; null = no history", nullable=True)
    churned_mrr = Money("MRR that fell to 0; null = no history", nullable=True)
    came_and_went_mrr = Money(
        "Highest MRR of a day, of an account that paid within the month but neither at its end nor at the end of the month "
        "before; it is not part of the waterfall, 0 for all others; null = no history",
        nullable=True,
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")

    @dy.rule()
    def waterfall__closes(cls) -> pl.Expr:
        """Starting MRR, new, expansion and reactivation less contraction and churn make the ending MRR."""
        return (waterfall(pl.col("previous_mrr")) - pl.col("mrr")).abs() < TOLERANCE


def waterfall(starting_mrr: pl.Expr) -> pl.Expr:
    """Starting MRR with all movements applied: the ending MRR, if the waterfall closes."""
    gained = pl.col("new_mrr") + pl.col("reactivation_mrr") + pl.col("expansion_mrr")
    return starting_mrr + gained - pl.col("contraction_mrr") - pl.col("churned_mrr")


@table(RevenueMonthly)
def fact_revenue_monthly(
    staged_accounts: pl.LazyFrame,
    history_accounts: pl.LazyFrame,
    staged_subscriptions: pl.LazyFrame,
    history_subscriptions: pl.LazyFrame,
    staged_invoices: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """MRR and movement of each account and month; accounts that have not signed up by the as-of day are left out."""
    subscriptions = price_periods(staged_subscriptions, history_subscriptions, settings)
    periods = paid_periods(subscriptions, staged_invoices, settings, as_of).join(
        staged_accounts, on="account_id", how="semi"
    )
    paid = month_end_mrr(periods, as_of).join(
        came_and_went(periods, as_of), on=["account_id", "month"], how="full", coalesce=True, validate="1:1"
    )
    measured = (
        _month_spine(paid, as_of)
        .join(paid, on=["account_id", "month"], how="left", validate="1:1")
        .with_columns(pl.col("mrr", "came_and_went_mrr").fill_null(0.0))
        .with_columns(previous_mrr=pl.col("mrr").shift(1, fill_value=0.0).over("account_id", order_by="month"))
        .with_columns(movement=movement())
    )
    has_history = has_revenue_history(staged_subscriptions, staged_invoices, settings)
    crm = valid_on(history_accounts, as_of).join(staged_accounts, on="account_id", how="semi")
    return (
        pl.concat([measured, _mrr_of_the_crm(crm.join(has_history, how="cross"), as_of)], how="diagonal_relaxed")
        .with_columns(
            arr=12 * pl.col("mrr"),
            **moved_amounts(),
            is_partial=pl.col("month").dt.month_end() > as_of,
        )
        .sort("account_id", "month")
        .select(RevenueMonthly.column_names())
    )


def _month_spine(paid: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Each month from the first in which an account paid to the as-of month."""
    return (
        paid.group_by("account_id")
        .agg(month=pl.col("month").min())
        .with_columns(month=pl.date_ranges("month", pl.lit(as_of), "1mo"))
        .explode("month", empty_as_null=False, keep_nulls=False)
    )


def movement() -> pl.Expr:
    """The movement of a row of the gapless months of an account."""
    now, before = pl.col("mrr"), pl.col("previous_mrr")
    is_first = pl.col("month") == pl.col("month").filter(now > 0).min().over("account_id")
    return first_match(
        [
            (is_first, "new"),
            ((now > 0) & (before == 0), "reactivation"),
            ((now == 0) & (before > 0), "churn"),
            (now == 0, "inactive"),
            (now > before, "expansion"),
            (now < before, "contraction"),
            (pl.lit(True), "retained"),
        ]
    )


def moved_amounts() -> dict[str, pl.Expr]:
    """The amount of each movement; together they turn `previous_mrr` into `mrr`."""
    mrr, previous = pl.col("mrr"), pl.col("previous_mrr")
    return {
        "new_mrr": _moved("new", mrr),
        "reactivation_mrr": _moved("reactivation", mrr),
        "expansion_mrr": _moved("expansion", (mrr - previous).round(DECIMALS_OF_MONEY)),
        "contraction_mrr": _moved("contraction", (previous - mrr).round(DECIMALS_OF_MONEY)),
        "churned_mrr": _moved("churn", previous),
    }


def _moved(movement: str, amount: pl.Expr) -> pl.Expr:
    """The amount in rows of a movement, 0 in all others, null where movements are unknown."""
    has_moved = pl.col("movement") == movement
    return pl.when(has_moved).then(amount).when(~has_moved).then(0.0)


def _mrr_of_the_crm(crm: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """The CRM's MRR of the day in its month, without revenue history; it has no past and therefore no movement."""
    mrr = pl.col("monthly_recurring_revenue")
    return crm.filter(~pl.col("has_revenue_history"), mrr.is_not_null()).select(
        "account_id", month=pl.lit(as_of.replace(day=1)), mrr=mrr
    )


@identity(of=fact_revenue_monthly)
def mrr__of_the_as_of_month_is_that_of_the_accounts(
    fact_revenue_monthly: pl.LazyFrame, dim_account: pl.LazyFrame
) -> pl.LazyFrame:
    """The MRR of each account in the as-of month is that of dim.account."""
    latest = fact_revenue_monthly.filter(pl.col("month") == pl.col("month").max()).select("account_id", month_mrr="mrr")
    both = dim_account.select("account_id", "mrr").join(
        latest, on="account_id", how="full", coalesce=True, validate="1:1"
    )
    return both.filter((pl.col("mrr").fill_null(0) - pl.col("month_mrr").fill_null(0)).abs() >= TOLERANCE)
