"""Users of 30 days."""

from datetime import date, timedelta
from typing import Any

import pytest

from health_assets.assets.fact.user_engagement import users__of_events_are_registered
from health_assets_tests.assets.rows import AS_OF, made, rows

FIRST = AS_OF - timedelta(days=29)
NAMES = ["api_call", "note_added", "email_sent", "own", "deal_updated"]  # categories: advanced, crm_core, communication


def day(activity_date: date = AS_OF, **given: Any) -> dict[str, Any]:
    return {
        "account_id": "A",
        "user_id": "u",
        "activity_date": activity_date,
        "session_count": 1,
        "event_count": 1,
    } | given


def event(name: str, event_date: date = AS_OF) -> dict[str, Any]:
    return {"account_id": "A", "user_id": "u", "event_name": name, "event_date": event_date, "event_count": 1}


def user(*days: dict[str, Any], names: list[str] = [], feed: list[date] = [AS_OF], **given: Any) -> dict:  # noqa: B006
    table = made(
        "fact_user_engagement",
        **{
            "fact_user_daily": rows("fact_user_daily", *days),
            "staged_usage_events": rows("staged_usage_events", *map(event, names)),
            "fact_event_daily": rows(
                "fact_event_daily",
                *({"event_name": "api_call", "activity_date": d, "user_event_count": 1} for d in feed),
            ),
            "dim_user": rows("dim_user", {"user_id": "u", "account_id": "A", "is_active": True}),
        }
        | given,
    )
    return table.row(0, named=True)


def test_the_score_is_the_weighted_sum_of_thirty_days_and_hours_count_up_to_ten() -> None:
    # .1 x 6 sessions + .02 x 40 events + .15 x 3 features + .05 x 3 categories + .1 x 10 of 12 hours
    # = .6 + .8 + .45 + .15 + 1 = 3, of 5 = 60
    row = user(
        day(session_count=4, event_count=30, active_seconds=12 * 3600.0),
        day(FIRST, session_count=2, event_count=10),
        day(FIRST - timedelta(days=1), session_count=9, event_count=9),
        names=NAMES[:3],
    )
    assert (row["session_count_30d"], row["event_count_30d"], row["active_hours_30d"]) == (6, 40, 12)
    assert row["engagement_score"] == pytest.approx(60)


def test_the_score_ends_at_a_hundred_and_hours_that_are_not_measured_add_nothing() -> None:
    assert user(day(session_count=100))["engagement_score"] == 100
    row = user(day(session_count=10))
    assert (row["active_hours_30d"], round(row["engagement_score"], 6)) == (None, 20.4)  # (1 + .02) / 5


def test_user_without_events_has_0_hours_only_where_the_feed_has_durations() -> None:
    of_another = day(user_id="v")
    assert user(of_another | {"active_seconds": 60.0})["active_hours_30d"] == 0
    assert user(of_another)["active_hours_30d"] is None
    assert user(of_another | {"active_seconds": 60.0}, day())["active_hours_30d"] is None  # events, without a duration


@pytest.mark.parametrize(
    ("sessions", "names", "tier"),
    [
        (15, NAMES, "power"),  # 5 features, of 3 categories: "own" is in none
        (14, NAMES, "regular"),
        (15, NAMES[:4], "regular"),  # 4 features
        (15, ["own", "own2", "own3", "own4", "api_call"], "regular"),  # 1 category
        (8, NAMES[:3], "regular"),
        (8, NAMES[:2], "casual"),
        (3, [], "casual"),
        (2, [], "light"),
        (0, [], "inactive"),
    ],
)
def test_a_tier_needs_all_its_floors(sessions: int, names: list[str], tier: str) -> None:
    assert user(day(session_count=sessions), names=names)["user_engagement_tier"] == tier


def test_a_user_of_the_feed_without_events_is_inactive_while_the_feed_is_alive_and_else_not_measured() -> None:
    row = user()
    assert (row["user_engagement_tier"], row["engagement_score"], row["days_since_last_login"]) == ("inactive", 0, None)
    silent = user(feed=[AS_OF - timedelta(days=8)])
    assert (silent["user_engagement_tier"], silent["engagement_score"], silent["session_count_30d"]) == (
        None,
        None,
        None,
    )


def test_a_user_of_events_only_is_not_registered() -> None:
    row = user(day(), dim_user=rows("dim_user"))
    assert (row["is_registered"], row["is_active"], row["event_count_30d"]) == (False, None, 1)


def test_the_latest_of_event_and_login_counts_and_nothing_after_the_day() -> None:
    seen = day(AS_OF - timedelta(days=40)), day(AS_OF + timedelta(days=1))
    assert user(*seen)["days_since_last_login"] == 40
    logged_in = rows("dim_user", {"user_id": "u", "account_id": "A", "last_login_date": AS_OF - timedelta(days=3)})
    assert user(*seen, dim_user=logged_in)["days_since_last_login"] == 3


@pytest.mark.parametrize(
    ("given", "broken"),
    [
        ([("ann", True, 5), ("bot", False, 300)], ["bot"]),
        ([("ann", True, 5), ("gone", False, 0)], []),  # seen earlier than 30 days ago
        ([("ann", False, 5), ("bob", False, 1)], []),  # no `users` are connected
    ],
)
def test_users_of_events_that_users_lacks_are_warned_of(given: list[tuple[str, bool, int]], broken: list[str]) -> None:
    users = rows(
        "fact_user_engagement",
        *({"user_id": user_id, "is_registered": known, "event_count_30d": events} for user_id, known, events in given),
    )
    assert users__of_events_are_registered(users).collect()["user_id"].to_list() == broken
