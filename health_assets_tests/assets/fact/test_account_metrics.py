"""A company's own metrics."""

from datetime import date
from typing import Any

from health_assets_tests.assets.rows import made, rows


def metric(day: date, value: float, name: str = "seats", account_id: str = "A") -> dict[str, Any]:
    return {"account_id": account_id, "as_of_date": day, "metric": name, "value": value}


def test_latest_value_is_of_each_account_and_metric_by_the_as_of_day() -> None:
    values = (
        metric(date(2025, 1, 1), 5), metric(date(2025, 1, 9), 7), metric(date(2025, 2, 1), 9),
        metric(date(2025, 1, 2), 1, name="rating"), metric(date(2025, 1, 3), 4, account_id="B"),
    )  # fmt: skip
    found = made("fact_account_metrics", staged_account_metrics=rows("staged_account_metrics", *values))
    assert found.select("account_id", "metric", "value", "is_latest").rows() == [
        ("A", "rating", 1, True), ("A", "seats", 5, False), ("A", "seats", 7, True), ("B", "seats", 4, True),
    ]  # fmt: skip
