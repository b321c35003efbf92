"""Inline events, and the tables that the product makes of them."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, account, made, rows

NOON = datetime(AS_OF.year, AS_OF.month, AS_OF.day, 12)
HISTORY = Period(date(2024, 1, 1), AS_OF)


def event(name: str = "api_call", ago: int = 0, user: str | None = "u", account_id: str = "A", **given: Any) -> dict:
    """A row of staged_usage_events, some days before the as-of day."""
    at = NOON - timedelta(days=ago)
    row = {
        "account_id": account_id,
        "user_id": user,
        "event_name": name,
        "event_timestamp": at,
        "event_date": at.date(),
        "event_count": 1,
    }
    return row | given


def feature(name: str, event_name: str, category: str = "c", **given: Any) -> dict:
    """A row of staged_features."""
    return {"feature_name": name, "event_name": event_name, "feature_category": category} | given


def usage(*events: dict, features: list[dict] = [], days: Period = Period(AS_OF, AS_OF), **given: Any) -> dict:  # noqa: B006
    """Tables of the events by name, days by account and user for all of history, panels for `days`.

    Args:
        events: rows of staged_usage_events.
        features: rows of staged_features.
        days: of the panels.
        given: other tables, or settings; by default the accounts A and B.
    """
    frames: dict[str, Any] = {
        "staged_usage_events": rows("staged_usage_events", *events),
        "staged_features": rows("staged_features", *features),
        "staged_accounts": rows("staged_accounts", account("A"), account("B")),
    } | given
    for name in ("fact_event_daily", "fact_user_daily", "fact_usage_daily"):
        frames[name] = made(name, period=HISTORY, **frames).lazy()
    for name in ("fact_account_usage_daily", "fact_account_adoption_daily"):
        frames[name] = made(name, period=days, **frames).lazy()
    return frames


def of_account(table: pl.LazyFrame, account_id: str = "A", day: date = AS_OF) -> dict[str, Any]:
    """The row of an account and day."""
    return table.filter(account_id=account_id, as_of_date=day).collect().row(0, named=True)
