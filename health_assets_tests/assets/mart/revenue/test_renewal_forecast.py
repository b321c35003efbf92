"""Renewals of the next year and what is expected of them."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from health_assets.assets.mart.revenue.renewal_forecast import RenewalForecast
from health_assets.contracts.contract import dtypes
from health_assets_tests.assets.rows import AS_OF, SETTINGS, made, rows, subscription

BY_LEVEL = SETTINGS.model_copy(
    update={"renewal_forecast": SETTINGS.renewal_forecast.model_copy(update={"rate": "risk_level"})}
)
GRR = {"month": date(2025, 1, 1), "trailing_12m_grr_pct": 87.5}


def forecast(
    *subscriptions: dict, grr: tuple = (GRR,), level: str | None = "high", **given: Any
) -> list[dict[str, Any]]:
    return made(
        "mart_renewal_forecast",
        staged_subscriptions=rows("staged_subscriptions", *subscriptions),
        dim_account=rows("dim_account", {"account_id": "A", "segment": "smb"}),
        mart_churn_risk=rows("mart_churn_risk", *([{"account_id": "A", "risk_level": level}] if level else [])),
        mart_net_revenue_retention=rows("mart_net_revenue_retention", *grr),
        **given,
    ).to_dicts()


def renewing(days: int, **given: Any) -> dict[str, Any]:
    return subscription(200, date(2024, 3, 1), renewal_date=AS_OF + timedelta(days=days)) | given


def test_expected_revenue_is_what_renews_at_the_gross_retention_of_twelve_months() -> None:
    earlier = GRR | {"month": date(2024, 12, 1), "trailing_12m_grr_pct": 10.0}
    (row,) = forecast(renewing(200), grr=(GRR, earlier))
    assert (row["renewing_mrr"], row["renewal_rate"], row["expected_mrr"]) == (200, 0.875, 175)
    assert (row["renewal_date"], row["renewal_month"]) == (date(2025, 8, 19), date(2025, 8, 1))


def test_the_rate_may_follow_the_risk_level_of_the_account() -> None:
    rates = SETTINGS.renewal_forecast.rate_by_risk_level
    (high,), (without,) = (
        forecast(renewing(10), settings=BY_LEVEL),
        forecast(renewing(10), level=None, settings=BY_LEVEL),
    )
    assert (high["renewal_rate"], without["renewal_rate"]) == (rates["high"], rates["unknown"])


def test_without_a_year_of_history_nothing_is_expected() -> None:
    (row,) = forecast(renewing(10), grr=())
    assert (row["renewing_mrr"], row["renewal_rate"], row["expected_mrr"]) == (200, None, None)


def test_renewals_from_the_as_of_day_to_the_horizon_of_what_is_paid_count() -> None:
    horizon = SETTINGS.renewal_forecast.horizon_days
    ended = renewing(20, end_date=AS_OF, subscription_id="ended")
    days = [
        row["days_to_renewal"]
        for row in forecast(*(renewing(n, subscription_id=str(n)) for n in (-1, 0, horizon, horizon + 1)), ended)
    ]
    assert days == [0, horizon]


def test_expected_mrr_at_another_rate_breaks_the_contract() -> None:
    [found] = forecast(renewing(30))
    valid = pl.DataFrame([found | {"company_name": "A"}], schema=dtypes(RenewalForecast))
    assert RenewalForecast.is_valid(valid)
    assert not RenewalForecast.is_valid(valid.with_columns(renewal_rate=0.5))
