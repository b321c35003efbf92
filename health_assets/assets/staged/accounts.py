"""Accounts, parsed. Status and tier are those of the CRM on the load day; dim/account.py derives the account status."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, AccountOwner, CompanyName, Count, Day
from health_assets.contracts.contract import ON_LOAD_DAY, Contract
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import staged

CRM_STATUSES = ["active", "churned", "trial", "suspended"]


class Accounts(Contract):
    """Which companies are our customers? Cleaned."""

    account_id = AccountId(primary_key=True, of=None)
    company_name = CompanyName(metadata=ON_LOAD_DAY)
    signup_date = Day("First contract or trial", nullable=False, metadata={"available_from": True})
    status = dy.Enum(
        CRM_STATUSES,
        nullable=True,
        metadata=ON_LOAD_DAY | {"words": words.ACCOUNT_STATUS},
        description="CRM status on the load day; null = unknown",
    )
    industry = dy.String(nullable=True, description="Industry", metadata=ON_LOAD_DAY)
    employee_count = Count("Employees", nullable=True, metadata=ON_LOAD_DAY)
    plan_tier = dy.String(nullable=True, description="Plan on the load day, lower case", metadata=ON_LOAD_DAY)
    account_owner = AccountOwner(metadata=ON_LOAD_DAY)
    region = dy.String(nullable=True, description="Sales region", metadata=ON_LOAD_DAY)
    age = dy.Int64(
        nullable=True,
        min=0,
        max=130,
        metadata=ON_LOAD_DAY,
        description="Age of the person in years, consumer businesses only",
    )
    licensed_seats = Count("Seats paid for", nullable=True, metadata=ON_LOAD_DAY)
    monthly_recurring_revenue = dy.Float64(
        nullable=True,
        min=0,
        metadata=ON_LOAD_DAY | {"money": True},
        description="MRR in the CRM, in the reporting currency",
    )
    license_utilization = dy.Float64(
        nullable=True, min=0, metadata=ON_LOAD_DAY, description="Share of seats in use; may exceed 1"
    )
    parent_account_id = dy.String(nullable=True, description="Parent account; null = none", metadata=ON_LOAD_DAY)


@staged(Accounts)
def staged_accounts(raw_accounts: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed accounts."""
    return raw_accounts.pipe(parsed, Accounts, settings, "accounts").with_columns(
        pl.col("plan_tier").str.to_lowercase()
    )
