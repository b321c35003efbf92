"""Orders as files have them."""

from datetime import date
from pathlib import Path

from health_assets.assets.staged.orders import order_date__not_before_signup, refunds__counted_once
from health_assets_tests.assets.rows import account, rows
from health_assets_tests.frames import settings_of
from health_assets_tests.sources.test_quarantine import reasons, staged


def order(**given: str | None) -> dict[str, str | None]:
    return {"order_id": "O1", "account_id": "CUST_001", "order_date": "2025-01-05", "total_amount": "100"} | given


def test_amounts_come_into_the_reporting_currency(tmp_path: Path) -> None:
    company = settings_of(tmp_path, fx_rates={"EUR": 1.5})
    found = staged(company, "orders", [order(), order(order_id="O2", currency="eur", total_amount="$1,000")])
    assert found.kept["total_amount"].to_list() == [100.0, 1500.0]


def test_a_negative_amount_keeps_its_row_as_a_refund(tmp_path: Path) -> None:
    found = staged(settings_of(tmp_path), "orders", [order(total_amount="-40", status="Refunded")])
    assert found.kept.select("total_amount", "status").row(0) == (-40.0, "refunded")


def test_a_refunded_amount_comes_into_the_reporting_currency_and_a_word_in_its_place_costs_no_row(
    tmp_path: Path,
) -> None:
    company = settings_of(tmp_path, fx_rates={"EUR": 1.5})
    given = [order(refunded_amount="10", currency="EUR"), order(order_id="O2", refunded_amount="some")]
    assert staged(company, "orders", given).kept["refunded_amount"].to_list() == [15.0, None]


def test_an_amount_in_an_unknown_currency_is_quarantined(tmp_path: Path) -> None:
    given = [order(), order(order_id="O2", currency="XXX")]
    assert len(reasons(staged(settings_of(tmp_path), "orders", given))) == 1


def test_a_refunded_order_with_a_refund_of_the_same_amount_may_count_twice() -> None:
    refunded = {"order_id": "1", "account_id": "A", "total_amount": 40.0, "status": "refunded"}
    refund = {"order_id": "2", "account_id": "A", "total_amount": -40.0, "status": "refunded"}
    other = {"order_id": "3", "account_id": "A", "total_amount": -15.0}
    assert refunds__counted_once(rows("staged_orders", refunded, refund)).collect()["order_id"].to_list() == ["1"]
    assert refunds__counted_once(rows("staged_orders", refunded, other)).collect().is_empty()
    partly = {"order_id": "4", "account_id": "A", "total_amount": 90.0, "refunded_amount": 15.0}
    assert refunds__counted_once(rows("staged_orders", partly, other)).collect()["order_id"].to_list() == ["4"]


def test_an_order_before_the_signup_is_warned_of() -> None:
    orders = ({"order_id": str(day), "account_id": "A", "order_date": date(2025, 1, day)} for day in (1, 2))
    found = order_date__not_before_signup(
        rows("staged_orders", *orders), rows("staged_accounts", account(signup=date(2025, 1, 2)))
    )
    assert found.collect()["order_id"].to_list() == ["1"]
