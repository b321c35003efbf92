"""Users on the as-of day.

Their activity in the product belongs in fact/user_engagement.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.history import end_of_validity, valid_on
from health_assets.tables import table


class User(Contract):
    """Who has access to the product, and since when?"""

    user_id = dy.String(primary_key=True, description="User")
    account_id = AccountId(of="staged_accounts")
    created_date = Day("Local day of creation; null = unknown")
    role = dy.String(
        nullable=True, description="Role in the product, lower case; null = none, or before the first load"
    )
    last_login_date = Day("Day of the latest login; null = never, not exported, or before the first load")
    is_active = dy.Bool(
        nullable=True,
        description="Has access; null = unknown, before the first load; true where no file says who has access",
    )


def access_known_since(history_users: pl.LazyFrame) -> pl.LazyFrame:
    """One row: the first load day on which a file said who has access; null = none did."""
    says_access = pl.col("is_active").is_not_null()
    return history_users.select(access_since=pl.col("valid_from").filter(says_access).min())


def users_of_all_loads(staged_users: pl.LazyFrame, history_users: pl.LazyFrame) -> pl.LazyFrame:
    """The users of the file, and those of earlier loads that it no longer has, who count until they were gone (`end_day`)."""
    columns = ["user_id", "account_id", "created_date", "end_day"]
    gone = (
        history_users.filter(pl.col("account_id").is_not_null())
        .join(staged_users, on="user_id", how="anti")
        .group_by("user_id")
        .agg(
            pl.col("account_id", "created_date").sort_by("valid_from").last(),
            end_day=end_of_validity().max(),
        )
    )
    present = staged_users.with_columns(end_day=pl.lit(None, pl.Date))
    return pl.concat([present.select(columns), gone.select(columns)])


@table(User)
def dim_user(staged_users: pl.LazyFrame, history_users: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Users created by the as-of day; those whose creation is unknown always count."""
    access = staged_users.select(exports_access=pl.col("is_active").is_not_null().any()).join(
        access_known_since(history_users), how="cross"
    )
    is_known = ~pl.col("exports_access") | (pl.col("access_since") <= as_of).fill_null(False)
    return (
        staged_users.select("user_id", "account_id", "created_date")
        .filter((pl.col("created_date") <= as_of).fill_null(True))
        .join(
            valid_on(history_users, as_of).drop("account_id", "created_date"), on="user_id", how="left", validate="1:1"
        )
        .join(access, how="cross")
        .with_columns(
            is_active=pl.when(is_known).then(pl.col("is_active").fill_null(True)),
            last_login_date=pl.when(pl.col("last_login_date") <= as_of).then("last_login_date"),
        )
        .sort("user_id")
        .select(User.column_names())
    )
