"""The account as of the day."""

from datetime import date

import pytest

from health_assets.assets.fact.account import dim_account
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, rows, subscription


def described(crm: dict, *subscriptions: dict, as_of: date = AS_OF) -> dict:
    frames = rows("staged_accounts", crm), rows("staged_subscriptions", *subscriptions), rows("staged_invoices")
    return dim_account(*frames, SETTINGS, as_of, AS_OF).collect().row(0, named=True)


def test_paying_makes_an_account_active_whatever_the_crm_says() -> None:
    assert described(account(status="churned"), subscription(10, date(2024, 2, 1)))["account_status"] == "active"


def test_who_paid_before_and_does_not_now_is_churned_on_the_first_unpaid_day() -> None:
    made = described(account(), subscription(10, date(2024, 2, 1), date(2024, 9, 1)))
    assert (made["account_status"], made["churn_date"]) == ("churned", date(2024, 9, 1))


def test_crm_status_is_not_known_for_a_day_before_the_files_were_loaded() -> None:
    made = described(account(status="trial"), as_of=date(2024, 12, 31))
    assert (made["crm_status"], made["account_status"]) == (None, None)


@pytest.mark.parametrize(("employees", "segment"), [(501, "enterprise"), (500, "mid_market"), (50, "smb")])
def test_segment_goes_by_size_where_the_tier_does_not_decide(employees: int, segment: str) -> None:
    assert described(account(plan_tier="starter", employee_count=employees))["segment"] == segment
