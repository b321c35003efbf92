"""Features by account."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from health_assets_tests.assets.rows import AS_OF, made, rows

CATALOGUE = {"feature_name": "API", "event_name": "api_call", "feature_category": "tech"}


def event(name: str = "api_call", ago: int = 0, user: str | None = "u", account_id: str = "A") -> dict[str, Any]:
    day: date = AS_OF - timedelta(days=ago)
    return {"account_id": account_id, "user_id": user, "event_name": name, "event_date": day}


def adoption(*events: dict[str, Any], features: list[dict] = [CATALOGUE], mau: int | None = 4) -> pl.DataFrame:  # noqa: B006
    usage = [{"account_id": a, "as_of_date": AS_OF, "active_user_count_30d": mau} for a in "AB"]
    return made(
        "mart_account_feature_adoption",
        dim_account=rows("dim_account", {"account_id": "A"}, {"account_id": "B"}),
        dim_feature=rows("dim_feature", *features),
        staged_features=rows("staged_features", *features),
        staged_usage_events=rows("staged_usage_events", *events),
        fact_account_usage_daily=rows("fact_account_usage_daily", *(usage if mau is not None else [])),
    )


def test_users_of_the_feature_by_users_of_the_account_in_thirty_days() -> None:
    # u today (twice) and 29 days ago, v today, w 30 days ago, a machine: 2 of 4 users, 3 user-days, 5 events
    row = adoption(event(), event(), event(ago=29), event(user="v"), event(user="w", ago=30), event(user=None)).row(
        0, named=True
    )
    assert (row["account_id"], row["feature_name"], row["feature_category"]) == ("A", "API", "tech")
    assert (row["event_count_30d"], row["user_count_30d"], row["user_day_count_30d"]) == (5, 2, 3)
    assert (row["adoption_rate"], row["is_used"], row["was_used_90d_ago"]) == (0.5, True, False)


def test_every_account_has_a_row_for_each_feature_of_the_catalogue() -> None:
    found = adoption(event()).select("account_id", "feature_name", "is_used", "adoption_rate").rows()
    assert found == [("A", "API", True, 0.25), ("B", "API", False, 0.0)]


def test_without_a_catalogue_an_event_is_a_feature_of_its_name_where_it_is_used() -> None:
    found = adoption(event("note_added"), event("own"), features=[])
    assert found.select("account_id", "feature_name", "feature_category").rows() == [
        ("A", "note_added", "crm_core"),
        ("A", "own", None),
    ]


def test_use_ninety_days_ago_is_of_the_thirty_days_up_to_that_day() -> None:
    for ago, was_used in ((89, False), (90, True), (119, True), (120, False)):
        assert adoption(event(ago=ago))["was_used_90d_ago"].to_list() == [was_used, False]


def test_nobody_active_is_nothing_to_divide_by_and_a_silent_feed_measures_nothing() -> None:
    assert adoption(event(user=None), mau=0).row(0, named=True)["adoption_rate"] is None
    assert adoption(event(), mau=None).is_empty()
