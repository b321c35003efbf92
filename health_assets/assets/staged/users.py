"""Users, parsed. Last login and access are as the product knew them on the load day."""

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, Day, Moment
from health_assets.contracts.contract import ON_LOAD_DAY, Contract
from health_assets.contracts.expressions import local_date
from health_assets.contracts.history import REMEMBERED
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged


class Users(Contract):
    """Who has access to the product?"""

    user_id = dy.String(primary_key=True, description="User")
    account_id = AccountId(of="staged_accounts", **REMEMBERED)  # past days keep users that a later file lacks
    created_at = Moment("When the user was created; null = unknown")
    created_date = Day("Local day of creation; null = unknown", metadata=REMEMBERED)
    last_login_at = Moment("Latest login as of the load day; null = never, or unknown", metadata=ON_LOAD_DAY)
    last_login_date = Day("Local day of that login; null where that is null", metadata=ON_LOAD_DAY)
    role = dy.String(nullable=True, description="Role in the product, lower case", metadata=ON_LOAD_DAY)
    is_active = dy.Bool(
        nullable=True,
        metadata=ON_LOAD_DAY,
        description="Has access on the load day; null = unknown",
    )


@staged(Users)
def staged_users(raw_users: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed users."""
    return raw_users.pipe(parsed, Users, settings, "users").with_columns(
        pl.col("role").str.to_lowercase(),
        created_date=local_date(pl.col("created_at"), settings.timezone),
        last_login_date=local_date(pl.col("last_login_at"), settings.timezone),
    )
