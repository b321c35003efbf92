"""The learned probability of the accounts of a day."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from health_assets_tests.assets.rows import SETTINGS, made, rows

AS_OF, FIRST, LEFT = date(2025, 1, 31), date(2024, 6, 1), date(2024, 10, 1)
ACCOUNTS = (
    10  # each second one is silent and leaves; afterwards one silent and one lively account remain to be asked for
)
MODEL = SETTINGS.churn_model.model_copy(update={"min_churned": 5, "features": ["days_since_last_login", "tenure_days"]})
COMPANY = SETTINGS.model_copy(update={"history_start": FIRST, "churn_model": MODEL})


def probabilities(min_churned: int = 5, *, is_published: bool = True, **silent: Any) -> dict[str, float | None]:
    """Of the company's accounts; `silent` changes what dim_account says of the silent one that is still there."""
    names = [f"A{number}" for number in range(ACCOUNTS)] + ["silent", "lively"]
    leaves = {name: name[0] == "A" and int(name[1:]) % 2 == 0 for name in names}
    days = [FIRST + timedelta(days=number) for number in range((AS_OF - FIRST).days + 1)]
    revenue = [
        {
            "account_id": name,
            "as_of_date": day,
            "mrr": 0 if leaves[name] and day >= LEFT else 10,
            "account_status": "churned" if leaves[name] and day >= LEFT else "active",
        }
        for name in names
        for day in days
    ]
    adoption = [
        {"account_id": name, "as_of_date": day, "days_since_last_login": 30 if leaves[name] or name == "silent" else 1}
        for name in names
        for day in days
    ]
    accounts = [
        {"account_id": name, "signup_date": date(2024, 1, 1), "first_paid_date": date(2024, 1, 1)}
        | (silent if name == "silent" else {})
        for name in names
    ]
    given: dict[str, Any] = {
        "fact_account_revenue_daily": rows("fact_account_revenue_daily", *revenue),
        "fact_account_adoption_daily": rows("fact_account_adoption_daily", *adoption),
        "dim_account": rows("dim_account", *accounts),
        "settings": COMPANY.model_copy(
            update={"churn_model": MODEL.model_copy(update={"min_churned": min_churned, "penalty": 1})}
        ),
        "as_of": AS_OF,
    }
    model = (
        made("mart_churn_model", **given).lazy() if is_published else rows("mart_churn_model", {"is_published": False})
    )
    found = made("mart_churn_probability", mart_churn_model=model, **given)
    assert set(found["as_of_date"]) == {AS_OF}
    return dict(found.select("account_id", "churn_probability").iter_rows())


def test_account_like_those_that_left_is_likelier_to_leave() -> None:
    found = probabilities()
    # who left is asked for no more
    assert found.keys() == {"silent", "lively", "A1", "A3", "A5", "A7", "A9"}
    silent, lively = found["silent"], found["lively"]
    assert silent is not None
    assert lively is not None
    assert silent > 1.5 * lively


def test_too_few_that_left_give_no_probability() -> None:
    assert set(probabilities(min_churned=6).values()) == {None}


def test_model_that_is_not_published_gives_rows_without_a_probability() -> None:
    found = probabilities(is_published=False)
    assert found.keys() == probabilities().keys()
    assert set(found.values()) == {None}


@pytest.mark.parametrize(
    "account", [{"cancelled_date": AS_OF}, {"signup_date": AS_OF - timedelta(days=59)}], ids=["cancelled", "too new"]
)
def test_account_that_is_not_observed_has_no_row(account: dict[str, Any]) -> None:
    assert "silent" not in probabilities(**account)


def test_nothing_connected_gives_no_rows() -> None:
    assert isinstance(made("mart_churn_probability"), pl.DataFrame)
    assert made("mart_churn_probability").is_empty()
