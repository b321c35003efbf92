"""Health on the as-of day: trend and priority."""

from datetime import date
from typing import Any

import polars as pl

from health_assets.assets.mart.health.customer_health import mart_customer_health
from health_assets.assets.mart.health.customer_health_daily import CustomerHealthDaily
from health_assets.contracts import dtypes

AS_OF, EARLIER = date(2025, 1, 31), date(2025, 1, 1)


def score(account_id: str, health_score: float | None, as_of_date: date = AS_OF, version: str = "v1") -> dict[str, Any]:
    return {
        "account_id": account_id,
        "as_of_date": as_of_date,
        "scorecard_version": version,
        "health_score": health_score,
    }


def health(*rows: dict[str, Any], mrr: dict[str, float | None]) -> pl.DataFrame:
    daily = pl.DataFrame(list(rows), schema=dict(dtypes(CustomerHealthDaily))).lazy()
    accounts = pl.LazyFrame({"account_id": list(mrr), "mrr": list(mrr.values())}, schema_overrides={"mrr": pl.Float64})
    return mart_customer_health(daily, accounts, AS_OF).collect()


def test_trend_compares_scores_of_one_version_only() -> None:
    rows = health(
        score("a1", 50),
        score("a1", 64, EARLIER),
        score("a2", 50),
        score("a2", 64, EARLIER, "v0"),
        mrr={"a1": 1, "a2": 1},
    )
    assert rows.sort("account_id")["trend_30d"].to_list() == [-14, None]


def test_priority_is_by_score_then_mrr_then_account_and_unknown_comes_last() -> None:
    rows = health(
        score("a1", 50), score("a2", 50), score("a3", 50), score("a4", None), score("a5", 40),
        mrr={"a1": 10, "a2": 20, "a3": 20, "a4": 99, "a5": None},
    )  # fmt: skip
    assert rows["account_id"].to_list() == ["a5", "a2", "a3", "a1", "a4"]
    assert rows["intervention_priority"].to_list() == [1, 2, 3, 4, 5]
