"""Inline rows for tests of transforms: a frame in a contract's dtypes, columns that a row does not give are null."""

from datetime import date
from typing import Any

import polars as pl

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes
from health_assets.contracts.history import after_one_load, history_contract
from health_assets.tables import HISTORIES

AS_OF = date(2025, 1, 31)
SETTINGS = company_settings.load(company_settings.DEFAULTS)


def rows(table: str, *given: dict[str, Any]) -> pl.LazyFrame:
    """Rows of a table or of a history, by its name."""
    known = load_all()
    contract = known[table].contract if table in known else history_contract(HISTORIES[table].contract)
    return pl.DataFrame(list(given), schema=dtypes(contract), orient="row").lazy()


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
    known_here: dict[str, Any] = injected | frames | given
    for name in known[table].histories:
        known_here.setdefault(name, seen_on(known_here["load_day"], name, known_here[HISTORIES[name].name]))
    wanted = [*known[table].inputs, *known[table].histories, *known[table].injected]
    return known[table].function(**{name: known_here[name] for name in wanted}).collect()


def seen_on(load_day: date, history: str, staged_rows: pl.LazyFrame) -> pl.LazyFrame:
    """The undated values of staged rows after one load."""
    return after_one_load(staged_rows, HISTORIES[history].contract, load_day)
