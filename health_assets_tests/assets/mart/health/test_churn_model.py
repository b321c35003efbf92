"""Whether the churn model is published, and why not."""

from datetime import date
from typing import Any

from health_assets.assets.mart.health.churn_model import ChurnModelQuality
from health_assets.contracts.contract import table_rules
from health_assets_tests.assets.rows import AS_OF, made, rows


def test_without_a_history_there_is_one_row_with_the_reason() -> None:
    row = made("mart_churn_model").to_dicts()
    assert len(row) == 1
    assert (row[0]["trained_date"], row[0]["rows_learned"], row[0]["is_published"]) == (date(2025, 1, 1), 0, False)
    assert row[0]["reason"] == ("Too little to learn from: 0 accounts churned, 30 are needed (churn_model.min_churned)")


def test_rows_to_learn_from_are_those_with_a_known_label() -> None:
    def day(when: date, status: str) -> dict[str, Any]:
        return {"account_id": "A", "as_of_date": when, "mrr": 10.0, "account_status": status}

    # trained on 2025-01-01: of the days a month apart, the last one with a known label, until 2024-12-31, is 2024-09-18
    days = [date(2024, 9, 18), date(2024, 10, 18), AS_OF]
    revenue = rows("fact_account_revenue_daily", *(day(when, "active") for when in days))
    accounts = rows(
        "dim_account", {"account_id": "A", "signup_date": date(2024, 1, 1), "first_paid_date": date(2024, 1, 1)}
    )
    row = made("mart_churn_model", fact_account_revenue_daily=revenue, dim_account=accounts).row(0, named=True)
    assert (row["rows_learned"], row["churned_accounts"]) == (1, 0)


def test_reason_belongs_to_a_model_that_is_not_published() -> None:
    given = rows(
        "mart_churn_model",
        {"is_published": True, "reason": None}, {"is_published": False, "reason": "Why"},
        {"is_published": True, "reason": "Why"}, {"is_published": False, "reason": None},
    )  # fmt: skip
    rule = table_rules(ChurnModelQuality)["reason__unless_published"]
    assert given.select(rule).collect().to_series().to_list() == [True, True, False, False]
