"""Users as they stand on the as-of day.

What they do in the product belongs in fact/user_engagement.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.tables import table


class User(Contract):
    """Who has access to the product, and since when?"""

    user_id = dy.String(primary_key=True, description="User")
    account_id = AccountId(of="staged_accounts")
    created_date = Day("Local day of creation; null = not known")
    role = dy.String(nullable=True, description="Role in the product, lower case")
    last_login_date = Day("Day of the latest login; null = never, not exported, or not the load day")
    is_active = dy.Bool(
        nullable=True,
        description="Has access: what the file says on the load day, null on any other; true where it never says",
    )


@table(User)
def dim_user(staged_users: pl.LazyFrame, as_of: date, load_day: date) -> pl.LazyFrame:
    """Users created by the as-of day; those whose creation is not known always count."""
    is_load_day = pl.lit(as_of == load_day)
    says_access = pl.col("is_active").is_not_null().any()
    return (
        staged_users.with_columns(
            is_active=pl.when(is_load_day | ~says_access).then(pl.col("is_active").fill_null(True)),
            last_login_date=pl.when(is_load_day & (pl.col("last_login_date") <= as_of)).then("last_login_date"),
        )
        .filter((pl.col("created_date") <= as_of).fill_null(True))
        .sort("user_id")
        .select(User.column_names())
    )
