"""Inline rows for tests of transforms: a frame in a contract's dtypes, columns that a row does not give are null."""

from datetime import date
from typing import Any

import polars as pl

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes

AS_OF = date(2025, 1, 31)
SETTINGS = company_settings.load(company_settings.DEFAULTS)


def rows(table: str, *given: dict[str, Any]) -> pl.LazyFrame:
    """Rows of a table, by its name."""
    return pl.DataFrame(list(given), schema=dtypes(load_all()[table].contract), orient="row").lazy()


def account(account_id: str = "A", signup: date = date(2024, 1, 1), **given: Any) -> dict[str, Any]:
    """A row of staged_accounts."""
    return {"account_id": account_id, "signup_date": signup, "company_name": account_id, "status": "active"} | given


def subscription(
    mrr: float, start: date, end: date | None = None, account_id: str = "A", **given: Any
) -> dict[str, Any]:
    """A row of staged_subscriptions."""
    return {
        "subscription_id": f"{account_id}-{start}-{mrr}",
        "account_id": account_id,
        "mrr_amount": mrr,
        "start_date": start,
        "end_date": end,
        "currency": "USD",
        "first_paid_date": start,
    } | given


def made(table: str, **given: Any) -> pl.DataFrame:
    """A table by its transform; what is not given is an empty frame, the default settings or the as-of day."""
    known = load_all()
    injected = {"settings": SETTINGS, "as_of": AS_OF, "load_day": AS_OF}
    frames = {name: rows(name) for name in known[table].inputs}
    wanted = [*known[table].inputs, *known[table].injected]
    return known[table].function(**{name: ({**injected, **frames} | given)[name] for name in wanted}).collect()
