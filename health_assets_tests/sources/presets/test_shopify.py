"""A shop as the API answers and as Fivetran loads it; its figures are worked out by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from health_assets_tests.sources.presets.exports import csv_export, json_export, of_preset, staged


def order(key: int, total: str, status: str = "paid", **given: Any) -> dict[str, Any]:
    row = {
        "id": key,
        "created_at": "2024-10-01T08:00:00-04:00",
        "total_price": total,
        "currency": "USD",
        "financial_status": status,
    }
    return row | {"email": "ann@one.example", "test": False, "cancelled_at": None} | given


CUSTOMERS = [
    {
        "id": 1,
        "email": "ann@one.example",
        "first_name": "Ann",
        "last_name": "Lee",
        "created_at": "2024-01-01T00:00:00Z",
    },
]
ORDERS = [
    order(101, "100.00"),
    order(102, "80.00", "refunded"),
    order(103, "60.00", "partially_refunded"),
    order(104, "40.00", cancelled_at="2024-10-02T00:00:00Z"),
    order(105, "20.00", "pending"),
    order(106, "10.00", email="Guest@two.example"),  # without a customer
    order(107, "999.00", test=True),
    order(108, "30.00", "refunded"),  # whose refund is not in the data
]
GUESTS = {106}
REFUNDS = [{"id": 9, "order_id": 102, "amount": "80.00"}, {"id": 8, "order_id": 103, "amount": "15.50"}]


def as_the_api_answers(folder: Path) -> None:
    def refund(given: dict[str, Any]) -> dict[str, Any]:
        paid = [
            {"kind": "refund", "status": "success", "amount": given["amount"]},
            {"kind": "refund", "status": "failure", "amount": "7.00"},
        ]
        return {"id": given["id"], "created_at": "2024-10-05T08:00:00Z", "transactions": paid}

    orders = [
        one
        | {"customer": None if one["id"] in GUESTS else {"id": 1}}
        | {"refunds": [refund(given) for given in REFUNDS if given["order_id"] == one["id"]]}
        for one in ORDERS
    ]
    json_export(folder, {"customers": CUSTOMERS, "orders": orders})


def as_fivetran_loads(folder: Path) -> None:
    refunds = [{"id": one["id"], "order_id": one["order_id"], "created_at": "2024-10-05 08:00:00"} for one in REFUNDS]
    lines = [
        {"id": 1, "refund_id": 9, "subtotal": 70, "total_tax": 10},
        {"id": 2, "refund_id": 8, "subtotal": 15.5, "total_tax": 0},
    ]
    tables = {
        "customer": CUSTOMERS,
        "order": [one | {"customer_id": "" if one["id"] in GUESTS else 1} for one in ORDERS],
        "refund": refunds,
        "order_line_refund": lines,
    }
    csv_export(folder, tables)


@pytest.mark.parametrize("exported", [as_the_api_answers, as_fivetran_loads])
def test_orders_refunds_and_guests(tmp_path: Path, exported: Callable[[Path], None]) -> None:
    exported(tmp_path / "export")
    settings = of_preset(tmp_path, "shopify", "accounts", "orders")
    rows = (
        staged("staged_orders", settings)
        .sort("order_id")
        .select("order_id", "account_id", "total_amount", "status")
        .rows()
    )
    assert rows == [
        ("101", "1", 100.0, "paid"),
        ("102", "1", 80.0, "paid"),
        ("103", "1", 60.0, "paid"),
        ("104", "1", 40.0, "cancelled"),
        ("105", "1", 20.0, "pending"),
        ("106", "guest:guest@two.example", 10.0, "paid"),
        ("108", "1", 30.0, "refunded"),
        ("refund-8", "1", -15.5, "paid"),
        ("refund-9", "1", -80.0, "paid"),
    ]
    accounts = staged("staged_accounts", settings).sort("account_id").select("account_id", "company_name").rows()
    assert accounts == [("1", "Ann Lee"), ("guest:guest@two.example", "Guest@two.example")]
