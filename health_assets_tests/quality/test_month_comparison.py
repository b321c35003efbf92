"""Rows without a stable key, a hash of the row or a day, are compared by month."""

from datetime import date

from health_assets_tests.quality.company_of_loads import publish_load

PAYMENTS = "account_id,payment_due_date,amount_paid\n"
FEW = {"plausibility": {"min_keys_gone": 1}}


def due(*days: str) -> str:
    return PAYMENTS + "".join(f"A1,{day},10\n" for day in days)


def test_months_that_lost_many_rows_stop_the_load_and_are_named(company, warehouse) -> None:
    company.load(due("2024-01-05", "2024-01-06", "2024-02-05"), warehouse, "payments")
    publish_load(warehouse)
    found = company.load(due("2024-01-05", "2024-02-05", "2024-03-05"), warehouse, "payments", **FEW)
    assert found["months__not_gone"].startswith(
        "1 of 3 rows are gone since the load published as of 2025-01-31: 1 of 2 in 2024-01"
    )
    assert "compared by month, as the rows have no stable key" in found["months__not_gone"]
    assert "keys__not_gone" not in found


def test_few_missing_rows_warn(company, warehouse) -> None:
    company.load(due("2024-01-05", "2024-01-06", "2024-02-05"), warehouse, "payments")
    publish_load(warehouse)
    found = company.load(due("2024-01-05", "2024-02-05", "2024-03-05"), warehouse, "payments")
    assert set(found) == {"months__still_full"}


def test_snapshots_of_usage_whose_key_holds_the_day_are_compared_by_month(company, warehouse) -> None:
    header = "account_id,snapshot_date,login_frequency\n"
    company.load(header + "A1,2024-01-05,1\nA2,2024-01-05,1\n", warehouse, "usage_snapshots")
    publish_load(warehouse)
    found = company.load(header + "A1,2024-01-05,1\nA1,2024-02-05,1\n", warehouse, "usage_snapshots", **FEW)
    assert "1 of 2 in 2024-01" in found["months__not_gone"]


def test_an_earlier_day_is_compared_by_the_months_that_were_over_by_then(company, warehouse) -> None:
    company.load(due("2024-01-05", "2024-02-05", "2024-02-20", "2024-03-05"), warehouse, "payments")
    publish_load(warehouse)
    same = due("2024-01-05", "2024-02-05", "2024-02-20", "2024-03-05")
    assert company.load(same, warehouse, "payments", day=date(2024, 2, 10), **FEW) == {}
    found = company.load(due("2024-02-05"), warehouse, "payments", day=date(2024, 2, 10), **FEW)
    assert "1 of 1 rows are gone" in found["months__not_gone"]


def test_half_of_the_last_months_stops_the_load_however_long_the_history(company, warehouse) -> None:
    history = [f"2024-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 27)]
    latest = [f"2025-01-{day:02}" for day in range(1, 25)]
    company.load(due(*history, *latest), warehouse, "payments")
    publish_load(warehouse)
    found = company.load(due(*history, *latest[:12]), warehouse, "payments")  # 12 of 336 rows are gone
    assert "12 of 24 in 2025-01" in found["months__not_gone"]
    assert set(company.load(due(*history[12:], *latest), warehouse, "payments")) == {"months__still_full"}
