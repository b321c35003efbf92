"""One Stripe account in three shapes, as the API and Airbyte, Fivetran and dlt have it; its figures are worked out by hand."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from health_assets.assets import load_all
from health_assets.sources.formats import SourceError
from health_assets.sources.presets.opened import missing_tables
from health_assets.sources.readers import read_source
from health_assets_tests.sources.presets.exports import (
    Rows,
    csv_export,
    json_export,
    of_preset,
    parquet_export,
    staged,
)

pytestmark = pytest.mark.slow

JANUARY, MARCH, JULY = 1704103200, 1709287200, 1719828000  # 10:00 UTC on the 1st, in 2024
NEXT_YEAR = 1735725600  # 1 January 2025, 10:00 UTC


def price(key: str, cents: int | None, interval: str = "month", count: int = 1, **given: Any) -> dict[str, Any]:
    recurring = {"interval": interval, "interval_count": count, "usage_type": given.pop("usage_type", "licensed")}
    return {"id": key, "unit_amount": cents, "currency": "usd", "recurring": recurring, "product": "prod_1"} | given


def subscription(key: str, *items: dict[str, Any], **given: Any) -> dict[str, Any]:
    return {
        "id": key,
        "customer": "cus_1",
        "status": "active",
        "created": JANUARY,
        "start_date": JANUARY,
        "current_period_end": NEXT_YEAR,
        "livemode": True,
        "items": {"data": [item | {"subscription": key, "created": JANUARY} for item in items]},
    } | given


def item(key: str, of: dict[str, Any], quantity: int | None = 1) -> dict[str, Any]:
    return {"id": key, "price": of, "quantity": quantity}


def coupon(**given: Any) -> dict[str, Any]:
    return {"id": "co", "percent_off": None, "amount_off": None, "duration": "forever"} | given


SUBSCRIPTIONS = [
    # 3 x 12.50 a month, and 480.00 a year
    subscription("sub_items", item("si_seats", price("p1", 1250), 3), item("si_year", price("p2", 48_000, "year"))),
    # 300.00 for three months less 10 %
    subscription(
        "sub_percent",
        item("si_percent", price("p3", 30_000, "month", 3)),
        discounts=[{"coupon": coupon(percent_off=10)}],
    ),
    # 20.00 off 60.00 + 40.00 is shared as 12.00 and 8.00
    subscription(
        "sub_amount",
        item("si_sixty", price("p4", 6000)),
        item("si_forty", price("p5", 4000)),
        discounts=[{"coupon": coupon(amount_off=2000)}],
    ),
    # half price until March, then 100.00
    subscription(
        "sub_repeating",
        item("si_repeating", price("p6", 10_000)),
        discounts=[{"coupon": coupon(percent_off=50, duration="repeating"), "end": MARCH}],
    ),
    # of one invoice only
    subscription(
        "sub_once",
        item("si_once", price("p6", 10_000)),
        discounts=[{"coupon": coupon(percent_off=50, duration="once")}],
    ),
    subscription("sub_trial", item("si_trial", price("p6", 10_000)), status="trialing", trial_end=JULY),
    subscription(
        "sub_ended", item("si_ended", price("p6", 10_000)), status="canceled", ended_at=JULY, canceled_at=MARCH
    ),
    subscription("sub_leaving", item("si_leaving", price("p6", 10_000)), cancel_at_period_end=True),
    subscription("sub_paused", item("si_paused", price("p6", 10_000)), pause_collection={"behavior": "void"}),
    subscription("sub_metered", item("si_metered", price("p7", 2, usage_type="metered"), None)),
    subscription("sub_yen", item("si_yen", price("p8", 9_900, currency="jpy"), 2)),
    subscription("sub_test", item("si_test", price("p6", 10_000)), livemode=False),
]
LINES = [
    {"id": "il_1", "invoice": "in_1", "subscription_item": "si_metered", "amount": 1234, "description": "617 calls", "proration": False,
     "period": {"start": JANUARY, "end": MARCH}},
    {"id": "il_2", "invoice": "in_1", "subscription_item": "si_metered", "amount": -500, "description": "change", "proration": True,
     "period": {"start": JANUARY, "end": MARCH}},
]  # fmt: skip
INVOICE = {
    "id": "in_1", "customer": "cus_1", "created": MARCH, "status": "paid", "total": 734, "currency": "usd", "livemode": True,
    "status_transitions": {"finalized_at": MARCH, "paid_at": JULY},
}  # fmt: skip
CREDIT_NOTE = {"id": "cn_1", "customer": "cus_1", "created": JULY, "amount": 200, "currency": "usd", "status": "issued"}
CUSTOMER = {"id": "cus_1", "name": "One Ltd", "email": "a@one.example", "created": JANUARY, "livemode": True}
PRODUCT = {"id": "prod_1", "name": "Platform"}


def as_the_api_answers(folder: Path) -> None:
    invoice = INVOICE | {"lines": {"data": LINES}}
    tables = {"customers": [CUSTOMER], "subscriptions": SUBSCRIPTIONS, "products": [PRODUCT], "invoices": [invoice]}
    json_export(folder, tables | {"credit_notes": [CREDIT_NOTE]})


def as_fivetran_loads(folder: Path) -> None:
    def flat(row: dict[str, Any], **renamed: str) -> dict[str, Any]:
        named = {renamed.get(name, name): value for name, value in row.items() if not isinstance(value, dict | list)}
        return {"_fivetran_synced": "2024-08-01"} | named

    def moments(row: dict[str, Any]) -> dict[str, Any]:
        at = {
            JANUARY: "2024-01-01 10:00:00",
            MARCH: "2024-03-01 10:00:00",
            JULY: "2024-07-01 10:00:00",
            NEXT_YEAR: "2025-01-01 10:00:00",
        }
        return {name: at.get(value, value) if isinstance(value, int) else value for name, value in row.items()}

    items: Rows = []
    prices: dict[str, dict[str, Any]] = {}
    coupons: dict[str, dict[str, Any]] = {}
    discounts: Rows = []
    for one in SUBSCRIPTIONS:
        for each in one["items"]["data"]:
            of = each["price"]
            prices[of["id"]] = flat(of, product="product_id") | {
                f"recurring_{key}": value for key, value in of["recurring"].items()
            }
            items.append(flat(each, subscription="subscription_id") | {"plan_id": of["id"]})
        for number, discount in enumerate(one.get("discounts", [])):
            key = f"co_{one['id']}"
            coupons[key] = discount["coupon"] | {"id": key}
            discounts.append(
                {"id": f"di_{number}", "subscription_id": one["id"], "coupon_id": key, "end": discount.get("end")}
            )
    history = [
        flat(one, customer="customer_id")
        | {"_fivetran_active": "true", "pause_collection_behavior": one.get("pause_collection", {}).get("behavior")}
        for one in SUBSCRIPTIONS
    ]
    older = history[0] | {"status": "incomplete", "_fivetran_active": "false"}
    lines = [
        flat(one, invoice="invoice_id") | {"period_start": one["period"]["start"], "period_end": one["period"]["end"]}  # type: ignore[index]
        for one in LINES
    ]
    invoice = flat(INVOICE, customer="customer_id") | {
        "status_transitions_finalized_at": MARCH,
        "status_transitions_paid_at": JULY,
    }
    tables = {
        "customer": [CUSTOMER],
        "subscription_history": [older, *history],
        "subscription_item": items,
        "price": list(prices.values()),
        "coupon": list(coupons.values()),
        "subscription_discount": discounts,
        "product": [PRODUCT],
        "invoice": [invoice],
        "invoice_line_item": lines,
        "credit_note": [flat(CREDIT_NOTE, customer="customer_id")],
    }
    csv_export(folder, {name: [moments(row) for row in rows] for name, rows in tables.items()})


def as_dlt_loads(folder: Path) -> None:
    subscriptions, items, discounts = [], [], []
    for one in SUBSCRIPTIONS:
        flat = {name: value for name, value in one.items() if not isinstance(value, dict | list)}
        pause = one.get("pause_collection", {}).get("behavior")
        subscriptions.append(flat | {"_dlt_id": one["id"], "pause_collection__behavior": pause})
        for each in one["items"]["data"]:
            of = each["price"]
            row = {
                "id": each["id"],
                "quantity": each["quantity"],
                "created": each["created"],
                "_dlt_parent_id": one["id"],
            }
            items.append(
                row
                | {f"price__{name}": value for name, value in of.items() if name != "recurring"}
                | {f"price__recurring__{name}": value for name, value in of["recurring"].items()}
            )
        discounts += [
            {f"coupon__{name}": value for name, value in each["coupon"].items()}
            | {"end": each.get("end"), "_dlt_parent_id": one["id"]}
            for each in one.get("discounts", [])
        ]
    lines = [
        {name: value for name, value in one.items() if name not in ("period", "invoice")}
        | {"period__start": JANUARY, "period__end": MARCH, "_dlt_parent_id": "row_1"}
        for one in LINES
    ]
    invoice = {name: value for name, value in INVOICE.items() if name != "status_transitions"}
    paid = {"_dlt_id": "row_1", "status_transitions__finalized_at": MARCH, "status_transitions__paid_at": JULY}
    tables = {
        "customers": [CUSTOMER],
        "subscriptions": subscriptions,
        "subscriptions__items__data": items,
        "subscriptions__discounts": discounts,
        "products": [PRODUCT],
        "invoices": [invoice | paid],
        "invoices__lines__data": lines,
        "credit_notes": [CREDIT_NOTE],
    }
    parquet_export(folder, tables)


SHAPES = pytest.mark.parametrize("exported", [as_the_api_answers, as_fivetran_loads, as_dlt_loads])


@SHAPES
def test_price_per_month_of_each_item(tmp_path: Path, exported: Callable[[Path], None]) -> None:
    exported(tmp_path / "export")
    settings = of_preset(tmp_path, "stripe", "accounts", "subscriptions", fx_rates={"JPY": 0.01})
    rows = staged("staged_subscriptions", settings).sort("subscription_id")
    assert {key: round(mrr, 6) for key, mrr in rows.select("subscription_id", "mrr_amount").rows()} == {
        "si_seats": 37.5,
        "si_year": 40.0,
        "si_percent": 90.0,
        "si_sixty": 48.0,
        "si_forty": 32.0,
        "si_repeating": 50.0,
        "si_repeating-undiscounted": 100.0,
        "si_once": 100.0,
        "si_trial": 100.0,
        "si_ended": 100.0,
        "si_leaving": 100.0,
        "si_paused": 100.0,
        "si_metered": 12.34,
        "si_yen": 198.0,
    }


def test_discount_that_is_an_object_counts_once(tmp_path: Path) -> None:
    def of_100(key: str, **given: Any) -> dict[str, Any]:
        return subscription(key, item(f"si_{key}", price("p", 10_000)), **given)

    fifth_off = {"coupon": coupon(percent_off=20)}
    subscriptions = [
        of_100("object", discount=fifth_off),
        of_100("object_and_keys", discount=fifth_off, discounts=["di_1"]),
        of_100("object_and_list", discount=fifth_off, discounts=[fifth_off]),
        of_100("once", discount={"coupon": coupon(percent_off=20, duration="once")}, discounts=["di_2"]),
        of_100("ended", discount={"coupon": coupon(amount_off=3000, duration="repeating"), "end": MARCH}),
    ]
    json_export(tmp_path / "export", {"customers": [CUSTOMER], "subscriptions": subscriptions})
    settings = of_preset(tmp_path, "stripe", "accounts", "subscriptions")
    rows = staged("staged_subscriptions", settings)
    assert {key: round(mrr, 6) for key, mrr in rows.select("subscription_id", "mrr_amount").rows()} == {
        "si_object": 80.0,
        "si_object_and_keys": 80.0,
        "si_object_and_list": 80.0,
        "si_once": 100.0,
        "si_ended": 70.0,
        "si_ended-undiscounted": 100.0,
    }


@SHAPES
def test_days_and_status_of_each_item(tmp_path: Path, exported: Callable[[Path], None]) -> None:
    exported(tmp_path / "export")
    settings = of_preset(tmp_path, "stripe", "accounts", "subscriptions", fx_rates={"JPY": 0.01})
    columns = "subscription_id", "start_date", "end_date", "first_paid_date", "status"
    rows = {row[0]: row[1:] for row in staged("staged_subscriptions", settings).select(columns).rows()}
    new_year, march, july = date(2024, 1, 1), date(2024, 3, 1), date(2024, 7, 1)
    assert rows["si_seats"] == (new_year, None, new_year, "active")
    assert rows["si_repeating"] == (new_year, march, new_year, "active")
    assert rows["si_repeating-undiscounted"] == (march, None, march, "active")
    assert rows["si_trial"] == (new_year, None, july, "trial")
    assert rows["si_ended"] == (
        new_year,
        july,
        new_year,
        "cancelled",
    )  # it was paid until it ended, not until it was cancelled
    assert rows["si_leaving"] == (new_year, date(2025, 1, 1), new_year, "active")
    assert rows["si_paused"][-1] == "paused"


@SHAPES
def test_invoice_has_the_period_of_its_regular_lines(tmp_path: Path, exported: Callable[[Path], None]) -> None:
    exported(tmp_path / "export")
    settings = of_preset(tmp_path, "stripe", "accounts", "invoices")
    columns = "invoice_id", "account_id", "amount", "status", "invoice_date", "paid_date", "period_start", "period_end"
    rows = staged("staged_invoices", settings).sort("invoice_id").select(columns).rows()
    march, july = date(2024, 3, 1), date(2024, 7, 1)
    assert rows == [
        ("cn_1", "cus_1", -2.0, "credited", july, None, None, None),
        ("in_1", "cus_1", 7.34, "paid", march, july, date(2024, 1, 1), date(2024, 2, 29)),
    ]
    assert staged("staged_accounts", settings).select("account_id", "company_name", "signup_date").rows() == [
        ("cus_1", "One Ltd", date(2024, 1, 1))
    ]


def test_missing_table_is_named_with_what_is_there(tmp_path: Path) -> None:
    json_export(tmp_path / "export", {"customers": [CUSTOMER]})
    with pytest.raises(SourceError) as raised:
        of_preset(tmp_path, "stripe", "subscriptions")
    assert str(raised.value) == (
        "sources.subscriptions.preset: stripe: needs subscription or subscriptions or subscription_history; "
        "there is customers.jsonl"
    )


def test_table_that_prices_depend_on_is_named_when_it_is_missing(tmp_path: Path) -> None:
    as_fivetran_loads(tmp_path / "export")
    (tmp_path / "export" / "price.csv").unlink()
    with pytest.raises(SourceError, match=r"stripe: needs price or prices or plan or plans; there is "):
        of_preset(tmp_path, "stripe", "subscriptions")
    (tmp_path / "export" / "subscription_item.csv").unlink()
    with pytest.raises(
        SourceError, match=r"stripe: needs subscription_item or .* or items\.data in subscription or items"
    ):
        of_preset(tmp_path, "stripe", "subscriptions")


def test_table_of_prices_without_rows_is_not_missing(tmp_path: Path) -> None:
    as_fivetran_loads(tmp_path / "export")
    for table in ("price", "subscription_item"):
        file = tmp_path / "export" / f"{table}.csv"
        file.write_text(file.read_text(encoding="utf-8").partition("\n")[0] + "\n", encoding="utf-8")
    settings = of_preset(tmp_path, "stripe", "subscriptions")
    assert read_source("subscriptions", load_all()["raw_subscriptions"].rows, settings).collect().is_empty()


def test_tables_that_are_not_needed_and_not_there_are_listed(tmp_path: Path) -> None:
    as_fivetran_loads(tmp_path / "export")
    for table in ("coupon", "product", "subscription_discount"):
        (tmp_path / "export" / f"{table}.csv").unlink()
    settings = of_preset(tmp_path, "stripe", "subscriptions")
    missing = "tables of stripe that are not there: coupon, product, subscription_discount"
    assert missing_tables("subscriptions", settings) == missing


def test_discount_whose_coupon_is_not_exported_is_no_discount_of_zero(tmp_path: Path) -> None:
    as_fivetran_loads(tmp_path / "export")
    (tmp_path / "export" / "coupon.csv").unlink()
    with pytest.raises(SourceError, match=r"preset: stripe: a discount of subscription \w+ is given by its key alone"):
        of_preset(tmp_path, "stripe", "subscriptions")


@pytest.mark.parametrize(
    "given",
    [
        {"discounts": ["di_1"]},
        {"discount": {"coupon": coupon(percent_off=20)}, "discounts": ["di_1", "di_2"]},
        {"discount": {"coupon": "c1"}},
        {"discounts": [{"coupon": coupon(percent_off=20)}, "di_2"]},
    ],
)
def test_discount_given_by_its_key_alone_is_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    one = subscription("sub_1", item("si_1", price("p", 10_000)), **given)
    json_export(tmp_path / "export", {"customers": [CUSTOMER], "subscriptions": [one]})
    with pytest.raises(
        SourceError, match=r"preset: stripe: a discount of subscription sub_1 is given by its key alone"
    ):
        of_preset(tmp_path, "stripe", "subscriptions")


def test_missing_column_and_unreadable_value_are_named(tmp_path: Path) -> None:
    json_export(
        tmp_path / "export",
        {"subscriptions": [{"id": "sub_1", "status": "active"}], "subscription_items": [{"id": "si"}]},
    )
    with pytest.raises(
        SourceError, match=r"subscription has no column customer_id, customer\.id, customer; it has id, status"
    ):
        of_preset(tmp_path, "stripe", "subscriptions")
    json_export(tmp_path / "export", {"customers": [CUSTOMER | {"created": "soon"}]})
    with pytest.raises(SourceError, match=r"stripe: customer\.created cannot be read as a time: soon"):
        of_preset(tmp_path, "stripe", "accounts")


def test_unknown_vendor_and_source_are_refused_with_what_there_is(tmp_path: Path) -> None:
    json_export(tmp_path / "export", {"customers": [CUSTOMER]})
    with pytest.raises(SourceError, match="there is no preset 'strip'; did you mean 'stripe'"):
        of_preset(tmp_path, "strip", "accounts")
    with pytest.raises(SourceError, match="preset stripe has no orders; it has accounts, invoices, subscriptions"):
        of_preset(tmp_path, "stripe", "orders")
