"""How often each account asks for help.

How well it was helped belongs in mart/support, the history by day in fact/account_support_daily.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Count
from health_assets.contracts.contract import Contract
from health_assets.settings import Settings
from health_assets.tables import table

MONTHS_OF_THE_WINDOW = 3


class SupportFrequency(Contract):
    """Which accounts contact support most often?"""

    account_id = AccountId(primary_key=True)
    ticket_count_90d = Count("Tickets created in 90 days")
    tickets_per_month_90d = dy.Float64(min=0, description="Tickets created in 90 days / 3")
    is_multi_ticket_account = dy.Bool(description="Whether the tickets of 90 days reach `commerce.flags.tickets_90d`")


@table(SupportFrequency)
def mart_support_frequency(fact_account_support_daily: pl.LazyFrame, settings: Settings, as_of: date) -> pl.LazyFrame:
    """Every account, once there are tickets; without the source, none."""
    tickets = pl.col("ticket_count_90d")
    return (
        fact_account_support_daily.filter(pl.col("as_of_date") == as_of)
        .with_columns(
            tickets_per_month_90d=tickets / MONTHS_OF_THE_WINDOW,
            is_multi_ticket_account=tickets >= settings.commerce.flags.tickets_90d,
        )
        .sort("account_id")
        .select(SupportFrequency.column_names())
    )
