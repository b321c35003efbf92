"""Contact with accounts by day."""

from datetime import date
from typing import Any

import polars as pl

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import account, made, rows

FIRST, LAST = date(2025, 1, 30), date(2025, 1, 31)


def relationship(
    touched: tuple[date, ...] = (), ratings: dict[date, float] | None = None, name: str = "owner_rating"
) -> Any:
    metrics = (
        {"account_id": "A", "as_of_date": day, "metric": name, "value": value} for day, value in (ratings or {}).items()
    )
    touchpoints = (
        {"touchpoint_id": f"T{place}", "account_id": "A", "occurred_date": day} for place, day in enumerate(touched)
    )
    found = made(
        "fact_account_relationship_daily",
        staged_accounts=rows("staged_accounts", account("A"), account("B")),
        staged_touchpoints=rows("staged_touchpoints", *touchpoints),
        staged_account_metrics=rows("staged_account_metrics", *metrics),
        period=Period(FIRST, LAST),
    )
    return found.sort("account_id", "as_of_date").select(pl.exclude("account_id", "as_of_date")).rows()


def test_days_count_from_the_latest_touchpoint_and_the_window_is_90_days() -> None:
    # on 30 January 2 November is the 90th day of the window, on 31 January it is out of it
    found = relationship((date(2024, 11, 2), date(2025, 1, 10), date(2025, 1, 31)))
    assert found[:2] == [(2, 20, None), (2, 0, None)]


def test_account_nobody_spoke_with_has_0_touchpoints_and_no_days_since() -> None:
    assert relationship((FIRST,))[2:] == [(0, None, None), (0, None, None)]


def test_rating_holds_until_the_next_one() -> None:
    found = relationship(ratings={date(2024, 3, 1): 2.0, LAST: 4.5})
    assert found[:2] == [(None, None, 2.0), (None, None, 4.5)]


def test_without_touchpoints_and_ratings_there_are_no_rows() -> None:
    assert relationship() == []
    assert relationship(ratings={FIRST: 1.0}, name="seats_in_use") == []
