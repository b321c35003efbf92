"""Orders as files have them."""

from datetime import date
from pathlib import Path

from health_assets.assets.staged.orders import order_date__not_before_signup
from health_assets_tests.assets.rows import account, rows
from health_assets_tests.frames import settings_of
from health_assets_tests.sources.test_quarantine import reasons, staged


def order(**given: str | None) -> dict[str, str | None]:
    return {"order_id": "O1", "account_id": "CUST_001", "order_date": "2025-01-05", "total_amount": "100"} | given


def test_amounts_come_into_the_reporting_currency(tmp_path: Path) -> None:
    company = settings_of(tmp_path, fx_rates={"EUR": 1.5})
    found = staged(company, "orders", [order(), order(order_id="O2", currency="eur", total_amount="$1,000")])
    assert found.kept["total_amount"].to_list() == [100.0, 1500.0]


def test_a_negative_amount_and_one_in_an_unknown_currency_are_quarantined(tmp_path: Path) -> None:
    given = [order(total_amount="-40"), order(order_id="O2", currency="XXX")]
    assert reasons(staged(settings_of(tmp_path), "orders", given)) == [
        ["total_amount__at_least"],
        ["total_amount__unreadable"],
    ]


def test_an_order_before_the_signup_is_told() -> None:
    orders = ({"order_id": str(day), "account_id": "A", "order_date": date(2025, 1, day)} for day in (1, 2))
    found = order_date__not_before_signup(
        rows("staged_orders", *orders), rows("staged_accounts", account(signup=date(2025, 1, 2)))
    )
    assert found.collect()["order_id"].to_list() == ["1"]
