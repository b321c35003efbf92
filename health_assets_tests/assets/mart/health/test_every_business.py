"""Each kind of business is scored by what it connects, or one line says what is missing."""

from datetime import date, timedelta
from math import exp
from pathlib import Path
from typing import Any

import pytest

from health_assets_tests.inline_company import company_of, made

pytestmark = pytest.mark.slow

AS_OF = date(2025, 1, 31)
ACCOUNTS = [
    {"account_id": name, "company_name": name, "signup_date": "2024-11-01", "status": "active"} for name in ("A", "B")
]
ITEMS = [  # twelve a month, all in time and without errors
    {
        "item_id": f"{month}-{number}",
        "account_id": "A",
        "started_at": f"2024-{month}-{number:02} 08:00:00",
        "completed_at": f"2024-{month}-{number:02} 09:00:00",
        "has_data_error": "false",
    }
    for month in (11, 12)
    for number in range(1, 13)
]


def health(folder: Path, **files: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    company = company_of(folder, {"accounts": ACCOUNTS} | files, as_of=AS_OF, history_start=date(2024, 11, 1))
    return {row["account_id"]: row for row in made("mart_customer_health", company).collect().to_dicts()}


def test_shop_with_orders_only(tmp_path: Path) -> None:
    days = ("2024-11-02", "2024-12-02", "2025-01-01")
    orders = [{"order_id": day, "account_id": "A", "order_date": day, "total_amount": 10} for day in days]
    found = health(tmp_path, orders=orders)
    # 3.5 orders in 91 + 60 days; 30 days quiet where 30 are usual
    rate = 3.5 / 151
    reorder = 100 * (1 - exp(-90 * rate)) / (1 + exp(30 * rate - 2.5))
    assert found["A"]["health_score"] == pytest.approx((0.65 * reorder + 0.1 * 100) / 0.75)
    assert found["A"]["health_band"] == "neutral"
    # the change of 60 days needs min_events orders, so it is not connected; B never ordered
    assert found["A"]["coverage"] == 1
    assert (found["B"]["health_score"], found["B"]["unscored_reason"]) == (
        None,
        "0 measures are measured, 2 are needed",
    )


def test_accounts_with_subscriptions_only(tmp_path: Path) -> None:
    subscriptions = [
        {"subscription_id": "S1", "account_id": "A", "mrr_amount": 100, "start_date": "2024-10-01"},
        {"subscription_id": "S2", "account_id": "B", "mrr_amount": 100, "start_date": "2024-11-15"},
    ]
    found = health(tmp_path, subscriptions=subscriptions)
    # MRR as 90 days ago: 100 x .3 / .35; no contraction: 100
    assert found["A"]["health_score"] == pytest.approx((0.4 * 100 * 0.3 / 0.35 + 0.2 * 100) / 0.6)
    assert found["B"]["unscored_reason"] == "1 measure is measured, 2 are needed"  # it has no MRR of 90 days ago


def test_operations_service(tmp_path: Path) -> None:
    outcomes = [
        {"outcome_id": item["item_id"], "item_id": item["item_id"], "outcome_date": item["completed_at"][:10],
         "result": "approved"}
        for item in ITEMS
    ]  # fmt: skip
    found = health(tmp_path, workflow_items=ITEMS, outcomes=outcomes)
    assert (found["A"]["health_score"], found["A"]["operations_score"], found["A"]["health_band"]) == (
        100,
        100,
        "healthy",
    )


def test_security_provider(tmp_path: Path) -> None:
    incident = {
        "incident_id": "I1", "account_id": "A", "severity": "critical", "detected_at": "2025-01-10 08:00:00",
        "responded_at": "2025-01-10 08:04:00",
    }  # fmt: skip
    snapshots = [
        {"account_id": name, "snapshot_date": "2025-01-30", "license_utilization": 0.9, "last_login_date": "2025-01-29"}
        for name in ("A", "B")
    ]
    found = health(tmp_path, security_incidents=[incident], usage_snapshots=snapshots)
    # A: 1 critical incident of 3: 66.67, answered in 4 of 5 minutes: 100; B had none, so nothing to answer
    assert found["A"]["security_score"] == pytest.approx(0.6 * 100 * 2 / 3 + 0.4 * 100)
    assert found["B"]["security_score"] == 100
    assert (found["A"]["usage_score"], found["A"]["adoption_score"]) == (100, 100)
    assert None not in (found["A"]["health_score"], found["B"]["health_score"])


def test_accounts_alone_show_what_is_missing(tmp_path: Path) -> None:
    assert health(tmp_path)["A"]["unscored_reason"] == "No source that the scorecard reads is connected"


EMPTY = {  # connected, but nothing in it that any measure reads
    "feedback": [{"feedback_id": "F1", "account_id": "A", "feedback_date": "2025-01-05", "nps_score": ""}],
    "usage_snapshots": [{"account_id": "A", "snapshot_date": "2025-01-05", "data_volume_gb": 3}],
    "account_metrics": [{"account_id": "A", "as_of_date": "2025-01-05", "metric": "colour", "value": 1}],
    "touchpoints": [{"touchpoint_id": "T1", "account_id": "A", "occurred_at": "2025-03-01"}],  # not yet
    "contract_events": [{"event_id": "E1", "account_id": "A", "event_date": "2025-01-05", "event_type": "signed"}],
    "features": [{"feature_name": "F", "event_name": "f", "feature_category": "c"}],
}


def figures_with(folder: Path, **files: list[dict[str, Any]]) -> list[list[Any]]:
    """The scores of both accounts, of which A ordered once a month."""
    days = [AS_OF - timedelta(days=30 * number) for number in range(1, 4)]
    orders = [{"order_id": str(day), "account_id": "A", "order_date": str(day), "total_amount": 10} for day in days]
    shown = ("health_score", "health_band", "coverage", "breadth", "measure_scores")
    return [[row[name] for name in shown] for row in health(folder, orders=orders, **files).values()]


@pytest.fixture(scope="module")
def figures_without(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    return figures_with(tmp_path_factory.mktemp("without"))


@pytest.mark.parametrize("source", EMPTY)
def test_source_that_carries_no_information_changes_no_score(
    tmp_path: Path, source: str, figures_without: list[list[Any]]
) -> None:
    assert figures_with(tmp_path, **{source: EMPTY[source]}) == figures_without
