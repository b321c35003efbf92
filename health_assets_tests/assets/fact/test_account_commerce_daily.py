"""Orders and payments in the days up to each day."""

from datetime import date, timedelta

import pytest

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.fact.test_orders import order
from health_assets_tests.assets.fact.test_payments import payment
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, made, rows


def signals(
    period: Period, orders: tuple[dict, ...] = (), payments: tuple[dict, ...] = (), limits: dict[str, int] | None = None
) -> list[dict]:
    """Signals where sources never go stale, but for the days that `limits` gives."""
    frames = {
        "staged_accounts": rows("staged_accounts", account()),
        "staged_orders": rows("staged_orders", *orders),
        "staged_payments": rows("staged_payments", *payments),
    }
    company = SETTINGS.model_copy(update={"stale_after_days": limits or {}})
    return made("fact_account_commerce_daily", period=period, settings=company, **frames).to_dicts()


def on(*days_before: int) -> tuple[dict, ...]:
    """Orders so many days before the as-of day."""
    return tuple(order(str(n), AS_OF - timedelta(days=days)) for n, days in enumerate(days_before))


def test_rhythm_is_the_median_gap_between_order_days_and_quiet_is_measured_against_it() -> None:
    # order days 60, 50, 40 and 20 days ago: gaps 10, 10, 20, median 10; the second order of a day is no gap
    (row,) = signals(Period(AS_OF, AS_OF), on(60, 50, 50, 40, 20))
    assert (row["order_rhythm_days"], row["days_since_last_order"], row["order_quiet_ratio"]) == (10.0, 20, 2.0)


def test_rhythm_of_an_account_with_fewer_than_three_order_days_is_that_of_all_accounts() -> None:
    others = (order(f"B{n}", AS_OF - timedelta(days=days), "B") for n, days in enumerate((90, 60, 30)))
    (row,) = signals(Period(AS_OF, AS_OF), (*on(28, 14), *others))  # gaps 14 of A, 30 and 30 of B: median 30
    assert (row["order_rhythm_days"], row["order_quiet_ratio"]) == (30.0, pytest.approx(14 / 30))


def test_rhythm_of_a_day_knows_no_later_order() -> None:
    orders = on(50, 40, 30, 1)
    found = signals(Period(AS_OF - timedelta(days=2), AS_OF), orders)
    assert [row["order_rhythm_days"] for row in found] == [10.0, 10.0, 10.0]
    assert [row["order_quiet_ratio"] for row in found] == [2.8, 0.0, 0.1]
    assert signals(Period(AS_OF - timedelta(days=2), AS_OF - timedelta(days=2)), orders)[0] == found[0]


def test_without_a_second_order_of_anybody_there_is_no_rhythm() -> None:
    (row,) = signals(Period(AS_OF, AS_OF), on(30))
    assert (row["order_rhythm_days"], row["order_quiet_ratio"], row["days_since_last_order"]) == (None, None, 30)


def test_change_of_orders_needs_ten_in_the_earlier_sixty_days() -> None:
    (row,) = signals(Period(AS_OF, AS_OF), on(*[100] * 10, *[5] * 4))
    assert (row["order_count_60d"], row["order_count_previous_60d"], row["order_change_ratio_60d"]) == (4, 10, -0.6)
    (row,) = signals(Period(AS_OF, AS_OF), on(*[100] * 9, 5))
    assert (row["order_count_previous_60d"], row["order_change_ratio_60d"]) == (9, None)


def test_refunds_and_cancelled_orders_are_no_activity_and_a_refund_lowers_spend() -> None:
    day = AS_OF - timedelta(days=1)
    rows_of_shop = (
        order("1", AS_OF - timedelta(days=5)),
        order("2", day, amount=-4.0),
        order("3", day, status="cancelled"),
    )
    (row,) = signals(Period(AS_OF, AS_OF), rows_of_shop)
    assert (row["order_count_30d"], row["days_since_last_order"], row["spend_30d"]) == (1, 5, 6.0)


def test_late_payments_are_those_past_due_and_those_paid_late_in_ninety_days() -> None:
    payments = payment(date(2025, 1, 1)), payment(date(2025, 1, 1), date(2025, 1, 9), payment_id="2")
    (row,) = signals(Period(AS_OF, AS_OF), (), payments)
    assert row["late_payment_count_90d"] == 2


def test_windows_hold_just_their_days() -> None:
    days = (date(2025, 1, 2), date(2025, 1, 1), date(2024, 12, 3), date(2024, 12, 2))  # 29, 30, 59 and 60 days ago
    (row,) = signals(Period(AS_OF, AS_OF), tuple(order(str(n), day, amount=0.1) for n, day in enumerate(days)))
    assert (row["order_count_30d"], row["order_count_previous_30d"], row["spend_30d"]) == (1, 2, 0.1)


def test_days_since_last_order_counts_from_the_latest_also_before_the_period() -> None:
    found = signals(
        Period(date(2025, 1, 30), AS_OF), (order("1", date(2024, 3, 1)), order("2", AS_OF), order("3", AS_OF))
    )
    assert [row["days_since_last_order"] for row in found] == [335, 0]


def test_a_payment_is_past_due_from_the_day_after_until_the_evening_before_it_is_paid() -> None:
    found = signals(Period(date(2025, 1, 10), date(2025, 1, 13)), (), (payment(date(2025, 1, 10), date(2025, 1, 13)),))
    assert [row["past_due_payment_count"] for row in found] == [0, 1, 1, 0]
    assert [row["late_paid_payment_count_90d"] for row in found] == [0, 0, 0, 1]


def test_a_payment_never_made_stays_past_due_and_one_in_time_never_is() -> None:
    payments = payment(date(2024, 6, 1)), payment(date(2024, 6, 1), date(2024, 6, 1), payment_id="2")
    (row,) = signals(Period(AS_OF, AS_OF), (), payments)
    assert (row["past_due_payment_count"], row["late_paid_payment_count_90d"]) == (1, 0)


def test_late_paid_counts_for_ninety_days() -> None:
    paid = payment(date(2024, 10, 1), date(2024, 11, 2))  # 90 days before 31 January
    found = signals(Period(date(2025, 1, 30), AS_OF), (), (paid,))
    assert [row["late_paid_payment_count_90d"] for row in found] == [1, 0]


def test_what_is_not_connected_is_null_and_not_none() -> None:
    (row,) = signals(Period(AS_OF, AS_OF), (order("1", AS_OF),))
    assert (row["order_count_30d"], row["past_due_payment_count"]) == (1, None)
    (row,) = signals(Period(AS_OF, AS_OF), (), (payment(date(2025, 1, 1)),))
    assert (row["order_count_30d"], row["spend_30d"], row["days_since_last_order"]) == (None, None, None)
    assert signals(Period(AS_OF, AS_OF)) == []


def test_before_the_first_order_of_the_company_nothing_is_measured() -> None:
    found = signals(Period(date(2025, 1, 30), AS_OF), (order("1", AS_OF),), (payment(date(2025, 1, 1)),))
    assert [row["order_count_30d"] for row in found] == [None, 1]
    assert [row["past_due_payment_count"] for row in found] == [1, 1]


def test_spend_leaves_no_dust_once_the_orders_are_out_of_the_window() -> None:
    amounts = (0.1, 0.2, 0.3)
    orders = tuple(order(str(n), date(2024, 12, 1 + n), amount=amount) for n, amount in enumerate(amounts))
    found = signals(Period(date(2024, 12, 1), AS_OF), orders)
    assert (found[3]["spend_30d"], found[-1]["spend_30d"]) == (0.6, 0.0)


def test_orders_silent_beyond_their_limit_say_nothing_and_payments_go_on() -> None:
    orders, payments = (order("1", date(2025, 1, 10)),), (payment(date(2025, 1, 29)),)
    found = signals(
        Period(date(2025, 1, 30), AS_OF), orders, payments, {"orders": 20}
    )  # 20 and 21 days after the order
    assert [row["order_count_30d"] for row in found] == [1, None]
    assert [row["spend_30d"] is None for row in found] == [False, True]
    assert [row["days_since_last_order"] for row in found] == [20, None]
    assert [row["past_due_payment_count"] for row in found] == [1, 1]


def test_payments_silent_beyond_their_limit_say_nothing_and_orders_go_on() -> None:
    orders, payments = (order("1", date(2025, 1, 29)),), (payment(date(2025, 1, 10)),)
    found = signals(Period(date(2025, 1, 30), AS_OF), orders, payments, {"payments": 20})
    assert [row["past_due_payment_count"] for row in found] == [1, None]
    assert [row["late_paid_payment_count_90d"] for row in found] == [0, None]
    assert [row["order_count_30d"] for row in found] == [1, 1]


def test_with_both_sources_stale_there_is_no_row() -> None:
    orders, payments = (order("1", date(2025, 1, 10)),), (payment(date(2025, 1, 10)),)
    assert signals(Period(AS_OF, AS_OF), orders, payments, {"orders": 20, "payments": 20}) == []


def test_account_without_orders_in_a_live_shop_has_none_and_is_not_unmeasured() -> None:
    (row,) = signals(Period(AS_OF, AS_OF), (order("1", AS_OF, account_id="B"),), (), {"orders": 20})
    assert (row["order_count_30d"], row["days_since_last_order"]) == (0, None)
