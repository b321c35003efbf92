"""Price periods as of the day."""

from datetime import date, datetime
from typing import Any

from health_assets_tests.assets.rows import AS_OF, made, rows, subscription

START = date(2024, 10, 1)


def prices(*subscriptions: dict, **given: Any) -> list[dict[str, Any]]:
    return made(
        "fact_subscriptions",
        staged_subscriptions=rows("staged_subscriptions", *subscriptions),
        dim_account=rows("dim_account", {"account_id": "A"}),
        **given,
    ).to_dicts()


def test_paid_is_what_is_paid_on_the_as_of_day() -> None:
    periods = {
        "runs": subscription(100, START),
        "ends tomorrow": subscription(100, START, date(2025, 2, 1)),
        "ended": subscription(100, START, AS_OF),
        "on trial": subscription(100, date(2025, 1, 20), first_paid_date=date(2025, 2, 20)),
        "trial without end": subscription(100, START, first_paid_date=None),
    }
    found = prices(*(period | {"subscription_id": name} for name, period in periods.items()))
    assert [row["subscription_id"] for row in found if row["is_paid"]] == ["ends tomorrow", "runs"]
    assert len(found) == 5


def test_what_begins_later_or_belongs_to_no_account_of_the_day_has_no_row() -> None:
    assert prices(subscription(100, date(2025, 2, 1)), subscription(100, START, account_id="B")) == []


def test_a_paused_subscription_has_a_row_for_each_paid_period() -> None:
    history = {
        "subscription_id": "S",
        "status": "paused",
        "valid_from": date(2024, 11, 1),
        "valid_to": date(2024, 11, 30),
    }
    paused_again = {"status": "paused", "paused_at": datetime(2025, 1, 10)}
    found = prices(
        subscription(100, START, subscription_id="S", **paused_again),
        history_subscriptions=rows(
            "history_subscriptions", history, {"subscription_id": "S", "valid_from": date(2025, 1, 10), **paused_again}
        ),
    )
    columns = ("price_number", "first_paid_date", "end_date", "is_paid", "status")
    assert [tuple(row[name] for name in columns) for row in found] == [
        (1, START, date(2024, 11, 1), False, "paused"),
        (2, date(2024, 12, 1), date(2025, 1, 10), False, "paused"),
    ]


def test_the_status_is_that_of_the_file_from_the_first_load_on() -> None:
    (today,) = prices(subscription(100, START, status="past_due"))
    (before,) = prices(subscription(100, START, status="past_due"), as_of=date(2025, 1, 30))
    assert (today["status"], before["status"]) == ("past_due", None)


def test_a_scheduled_end_is_that_of_a_price_that_nothing_follows_as_the_load_day_knows_it() -> None:
    end = date(2025, 3, 1)
    runs = subscription(100, START, end, subscription_id="ends", product_name="P")
    replaced = subscription(100, START, end, subscription_id="replaced", product_name="Q")
    successor = subscription(150, end, subscription_id="successor", product_name="Q")
    ended = subscription(100, START, AS_OF, subscription_id="ended", product_name="R")
    open_ended = subscription(100, START, date(2099, 12, 31), subscription_id="open-ended", product_name="T")
    found = prices(runs, replaced, successor, ended, open_ended)
    assert {row["subscription_id"]: row["scheduled_end_date"] for row in found} == {
        "ends": end, "replaced": None, "ended": None, "open-ended": None,
    }  # fmt: skip
    before = prices(runs, as_of=date(2025, 1, 30))
    assert [row["scheduled_end_date"] for row in before] == [None]
