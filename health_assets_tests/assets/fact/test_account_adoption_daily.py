"""Adoption by account and day."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import AS_OF, account, made, rows, subscription
from health_assets_tests.assets.usage import event, feature, of_account, usage

BEFORE = AS_OF - timedelta(days=1)


def user(user_id: str, **given: Any) -> dict[str, Any]:
    return {"user_id": user_id, "account_id": "A", "created_date": date(2025, 1, 1)} | given


def active_on(user_id: str, day: date) -> dict[str, Any]:
    return {"account_id": "A", "user_id": user_id, "activity_date": day}


def snapshot(day: date, **given: Any) -> dict[str, Any]:
    return {"account_id": "A", "snapshot_date": day} | given


def adoption(*, first_day: date = AS_OF, mau: int | None = 2, last_event: date | None = None, **given: Any) -> dict:
    """What is known of account A by each day; `mau` null: no fresh events."""
    days = pl.date_range(first_day, AS_OF, eager=True)
    panel = [{"account_id": "A", "as_of_date": day, "active_user_count_30d": mau} for day in days]
    table = made(
        "fact_account_adoption_daily",
        **{
            "staged_accounts": rows("staged_accounts", account()),
            "fact_account_usage_daily": rows("fact_account_usage_daily", *(panel if mau is not None else [])),
            "fact_usage_daily": rows("fact_usage_daily", *([active_on("", last_event)] if last_event else [])),
            "period": Period(first_day, AS_OF),
        }
        | given,
    )
    return {row["as_of_date"]: row for row in table.to_dicts()}


def test_users_created_by_the_day_with_access_are_the_users_and_those_with_an_event_ever_are_activated() -> None:
    # u1 active long ago, u2 never, u3 created later, u4 has no access, machine is in no feed: 2 users, 1 activated
    row = adoption(
        staged_users=rows(
            "staged_users",
            user("u1", is_active=True),
            user("u2"),
            user("u3", created_date=AS_OF + timedelta(days=1)),
            user("u4", is_active=False),
        ),
        fact_user_daily=rows("fact_user_daily", active_on("u1", date(2025, 1, 2)), active_on("x", AS_OF)),
    )[AS_OF]
    assert (row["total_user_count"], row["activated_user_count"], row["user_activation_rate"]) == (2, 1, 0.5)


def test_access_is_known_from_the_first_load_on_where_the_file_says_it() -> None:
    days = adoption(first_day=BEFORE, staged_users=rows("staged_users", user("u1", is_active=True)))
    assert [days[day]["total_user_count"] if day in days else None for day in (BEFORE, AS_OF)] == [None, 1]
    always = adoption(first_day=BEFORE, staged_users=rows("staged_users", user("u1"), user("u2", created_date=AS_OF)))
    assert [always[day]["total_user_count"] for day in (BEFORE, AS_OF)] == [1, 2]


def test_a_past_day_keeps_the_users_and_logins_of_the_load_of_then() -> None:
    # u1 had access until the load of today, and had then logged in on the 5th; today's load says the 20th
    versions = rows(
        "history_users",
        {"user_id": "u1", "is_active": True, "last_login_date": date(2025, 1, 5), "valid_from": date(2025, 1, 10),
         "valid_to": BEFORE},
        {"user_id": "u1", "is_active": False, "last_login_date": date(2025, 1, 20), "valid_from": AS_OF},
    )  # fmt: skip
    staged = rows("staged_users", user("u1", is_active=False, last_login_date=date(2025, 1, 20)))
    days = adoption(first_day=BEFORE, staged_users=staged, history_users=versions)
    assert [days[day]["total_user_count"] for day in (BEFORE, AS_OF)] == [1, 0]
    assert [days[day]["days_since_last_login"] for day in (BEFORE, AS_OF)] == [25, 11]


def test_a_user_that_the_file_no_longer_has_counts_until_the_day_before_the_load_that_lacks_it() -> None:
    versions = rows(
        "history_users",
        {"user_id": "u1", "account_id": "A", "created_date": date(2024, 1, 1), "last_login_date": date(2025, 1, 20),
         "valid_from": date(2025, 1, 10), "valid_to": BEFORE},
    )  # fmt: skip
    days = adoption(first_day=BEFORE, staged_users=rows("staged_users", user("u2")), history_users=versions)
    assert [days[day]["total_user_count"] for day in (BEFORE, AS_OF)] == [2, 1]
    assert [days[day]["days_since_last_login"] for day in (BEFORE, AS_OF)] == [10, 11]


def test_a_past_day_keeps_the_seats_and_the_utilization_of_the_load_of_then() -> None:
    versions = rows(
        "history_accounts",
        {"account_id": "A", "licensed_seats": 4, "valid_from": date(2025, 1, 10), "valid_to": BEFORE},
        {"account_id": "A", "licensed_seats": 8, "valid_from": AS_OF},
    )
    days = adoption(first_day=BEFORE, history_accounts=versions)
    assert [days[day]["license_utilization"] for day in (BEFORE, AS_OF)] == [0.5, 0.25]


def test_an_account_without_users_has_none_and_without_the_feed_it_is_not_known() -> None:
    row = adoption(staged_users=rows("staged_users", user("u1", account_id="B")))[AS_OF]
    assert (row["total_user_count"], row["user_activation_rate"]) == (0, None)
    assert AS_OF not in adoption()


def test_features_of_the_catalogue_used_in_thirty_days_are_counted_once() -> None:
    # f1 twice, f2 30 days ago (too long), f3 only ever by B: 1 of 3; f4 was never in the feed; the day before f2 counted
    events = [event("f1"), event("f1", 1), event("f2", 30), event("f3", 300, account_id="B"), event("own")]
    features = [feature(f"F{n}", f"f{n}") for n in (1, 2, 3, 4)]
    table = usage(*events, features=features, days=Period(BEFORE, AS_OF))["fact_account_adoption_daily"]
    found = [of_account(table, day=day)["feature_adoption_rate"] for day in (BEFORE, AS_OF)]
    assert found == pytest.approx([2 / 3, 1 / 3])


def test_adoption_is_by_the_feeds_own_names_where_no_catalogue_knows_them() -> None:
    events = [event("fahrt"), event("fahrt", 1), event("route", account_id="B"), event("alt", 91, account_id="B")]
    table = usage(*events)["fact_account_adoption_daily"]
    assert [of_account(table, name)["feature_adoption_rate"] for name in "AB"] == [0.5, 0.5]


def test_an_account_has_no_adoption_only_if_it_used_nothing() -> None:
    table = usage(event("fahrt"))["fact_account_adoption_daily"]
    assert [of_account(table, name)["feature_adoption_rate"] for name in "AB"] == [1, 0]


def test_users_are_activated_by_events_that_name_them_and_without_such_it_is_not_known() -> None:
    users = rows("staged_users", user("u"), user("v"))
    named = usage(event(), staged_users=users)["fact_account_adoption_daily"]
    assert of_account(named)["user_activation_rate"] == 0.5
    unnamed = usage(event(user=None), staged_users=users)["fact_account_adoption_daily"]
    row = of_account(unnamed)
    assert (row["total_user_count"], row["activated_user_count"], row["user_activation_rate"]) == (2, None, None)


def test_license_utilization_is_of_the_snapshot_else_of_the_crm_on_the_load_day_else_users_per_seat() -> None:
    accounts = rows("staged_accounts", account(license_utilization=0.7))
    seats = rows("staged_subscriptions", subscription(100, date(2024, 1, 1), seats=4))
    days = adoption(first_day=BEFORE, staged_accounts=accounts, staged_subscriptions=seats)
    assert [days[day]["license_utilization"] for day in (BEFORE, AS_OF)] == [0.5, 0.7]
    snapshots = rows("staged_usage_snapshots", snapshot(BEFORE, license_utilization=1.2))
    days = adoption(
        first_day=BEFORE, staged_accounts=accounts, staged_subscriptions=seats, staged_usage_snapshots=snapshots
    )
    assert [days[day]["license_utilization"] for day in (BEFORE, AS_OF)] == [1.2, 1.2]


def test_seats_are_those_of_the_crm_on_the_load_day_and_of_running_subscriptions_on_other_days() -> None:
    # the subscription of 4 seats ended before both days: 5 seats of the other on the day before, 8 of the CRM today
    given = {
        "staged_accounts": rows("staged_accounts", account(licensed_seats=8)),
        "staged_subscriptions": rows(
            "staged_subscriptions",
            subscription(100, date(2024, 1, 1), date(2024, 6, 1), seats=4),
            subscription(120, date(2024, 6, 1), seats=5),
        ),
    }
    days = adoption(first_day=BEFORE, **given)
    assert [days[day]["license_utilization"] for day in (BEFORE, AS_OF)] == [0.4, 0.25]
    assert made("dim_account", **given)["licensed_seats"].to_list() == [8]
    assert made("dim_account", as_of=BEFORE, **given)["licensed_seats"].to_list() == [5]


def test_a_snapshot_counts_while_the_feed_of_anybody_is_fresh() -> None:
    limit = 45
    own = snapshot(AS_OF - timedelta(days=limit), feature_adoption_score=0.4, login_frequency=3.0)
    row = adoption(staged_usage_snapshots=rows("staged_usage_snapshots", own))[AS_OF]
    assert (row["feature_adoption_score"], row["login_frequency"]) == (0.4, 3)
    older = own | {"snapshot_date": AS_OF - timedelta(days=limit + 1)}
    assert adoption(staged_usage_snapshots=rows("staged_usage_snapshots", older)) == {}
    anybodys = snapshot(BEFORE, account_id="B")
    row = adoption(staged_usage_snapshots=rows("staged_usage_snapshots", older, anybodys))[AS_OF]
    assert (row["feature_adoption_score"], row["login_frequency"]) == (0.4, 3)


def test_what_the_latest_snapshot_lacks_is_as_the_one_before_has_it() -> None:
    says_all = snapshot(AS_OF - timedelta(days=20), license_utilization=1.2, last_login_date=AS_OF - timedelta(days=25))
    given = rows("staged_usage_snapshots", snapshot(BEFORE, feature_adoption_score=0.4), says_all)
    row = adoption(mau=None, staged_usage_snapshots=given)[AS_OF]
    found = (row["feature_adoption_score"], row["license_utilization"], row["days_since_last_login"])
    assert found == (0.4, 1.2, 25)


def test_the_latest_of_event_and_logins_is_the_last_login_and_a_later_one_does_not_count() -> None:
    logged_in = {"last_login_date": AS_OF - timedelta(days=3)}
    with_snapshot = rows("staged_usage_snapshots", snapshot(BEFORE, last_login_date=AS_OF + timedelta(days=2)))
    found = adoption(
        first_day=BEFORE,
        last_event=AS_OF - timedelta(days=9),
        staged_users=rows("staged_users", user("u1", **logged_in)),
        staged_usage_snapshots=with_snapshot,
    )
    # the login of the users file is known on the load day only; the snapshot's lies in the future of both days
    assert [found[day]["days_since_last_login"] for day in (BEFORE, AS_OF)] == [8, 3]


def test_a_login_after_the_day_does_not_hide_those_before_it() -> None:
    users = (
        user("u1", last_login_date=AS_OF - timedelta(days=3)),
        user("u2", last_login_date=AS_OF + timedelta(days=1)),
    )
    assert adoption(staged_users=rows("staged_users", *users))[AS_OF]["days_since_last_login"] == 3
    earlier = snapshot(AS_OF - timedelta(days=5), last_login_date=AS_OF - timedelta(days=5))
    later = snapshot(AS_OF - timedelta(days=2), last_login_date=AS_OF)
    given = rows("staged_usage_snapshots", earlier, later)
    days = adoption(first_day=BEFORE, mau=None, staged_usage_snapshots=given)
    assert [days[day]["days_since_last_login"] for day in (BEFORE, AS_OF)] == [4, 0]


def test_a_snapshot_that_is_older_than_the_feed_may_be_still_says_when_somebody_was_here() -> None:
    own = snapshot(AS_OF - timedelta(days=60), last_login_date=AS_OF - timedelta(days=61))
    alone = rows("staged_usage_snapshots", own)
    beside_others = rows("staged_usage_snapshots", own, snapshot(BEFORE, account_id="B"))
    assert adoption(mau=None, staged_usage_snapshots=alone) == {}
    assert adoption(mau=None, staged_usage_snapshots=beside_others)[AS_OF]["days_since_last_login"] == 61


def test_a_silent_feed_says_nothing_of_the_last_login() -> None:
    assert adoption(last_event=AS_OF - timedelta(days=90))[AS_OF]["days_since_last_login"] == 90
    assert adoption(last_event=AS_OF - timedelta(days=90), mau=None) == {}
    silent_on_logins = rows("staged_usage_snapshots", snapshot(BEFORE, login_frequency=3.0))
    row = adoption(last_event=AS_OF - timedelta(days=90), mau=None, staged_usage_snapshots=silent_on_logins)[AS_OF]
    assert row["days_since_last_login"] is None


def test_an_account_that_never_logged_in_has_no_days_since() -> None:
    row = adoption(staged_users=rows("staged_users", user("u1")))[AS_OF]
    assert row["days_since_last_login"] is None
