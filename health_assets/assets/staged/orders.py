"""Orders, parsed: amounts in the reporting currency."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Money
from health_assets.contracts.contract import WARN, Contract
from health_assets.contracts.expressions import in_reporting_currency
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged


class Orders(Contract):
    """What was bought, when, and for how much?"""

    order_id = dy.String(primary_key=True, description="Order")
    account_id = AccountId(of="staged_accounts")
    order_date = Day("Day of the order", nullable=False, metadata={"available_from": True})
    total_amount = Money("Amount of the whole order")
    currency = dy.String(description="Currency of the source amount")


@staged(Orders)
def staged_orders(raw_orders: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed orders."""
    return (
        raw_orders.pipe(parsed, Orders, settings, "orders")
        .with_columns(pl.col("currency").str.to_uppercase().fill_null(settings.reporting_currency))
        .with_columns(total_amount=in_reporting_currency("total_amount", settings))
    )


@identity(of=staged_orders, severity=WARN)
def order_date__not_before_signup(staged_orders: pl.LazyFrame, staged_accounts: pl.LazyFrame) -> pl.LazyFrame:
    """No account bought before it signed up; such an order counts as spend, but in no month of its cohort."""
    signups = staged_accounts.select("account_id", "signup_date")
    return staged_orders.join(signups, on="account_id", how="inner", validate="m:1").filter(
        pl.col("order_date") < pl.col("signup_date")
    )
