"""The account as of the day."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from health_assets.assets.dim.account import account_status__is_known_of_some
from health_assets.settings import Settings
from health_assets_tests.assets.rows import AS_OF, SETTINGS, account, made, rows, subscription


def described(crm: dict, *subscriptions: dict, **given: Any) -> dict[str, Any]:
    frames = {
        "staged_accounts": rows("staged_accounts", crm),
        "staged_subscriptions": rows("staged_subscriptions", *subscriptions),
    }
    return made("dim_account", **(frames | given)).row(0, named=True)


def test_paying_makes_an_account_active_whatever_the_crm_says() -> None:
    assert described(account(status="churned"), subscription(10, date(2024, 2, 1)))["account_status"] == "active"


def test_who_paid_before_and_does_not_now_is_churned_on_the_first_unpaid_day() -> None:
    made = described(account(), subscription(10, date(2024, 2, 1), date(2024, 9, 1)))
    assert (made["account_status"], made["churn_date"]) == ("churned", date(2024, 9, 1))


def test_account_that_may_still_return_within_the_gap_has_no_churn_date_yet() -> None:
    revenue = SETTINGS.model_dump()["revenue"] | {"churn_gap_days": 5}
    patient = Settings.model_validate(SETTINGS.model_dump() | {"revenue": revenue})
    left = subscription(10, date(2024, 2, 1), date(2025, 1, 1))
    dates = [described(account(), left, settings=patient, as_of=date(2025, 1, day))["churn_date"] for day in (1, 5, 6)]
    assert dates == [None, None, date(2025, 1, 1)]
    assert described(account(), left, as_of=date(2025, 1, 1))["churn_date"] == date(2025, 1, 1)


def test_who_left_within_the_trial_never_paid_and_is_what_the_crm_says() -> None:
    trial = subscription(10, date(2024, 8, 1), date(2024, 8, 20), first_paid_date=date(2024, 9, 1))
    made = described(account(status="churned"), trial)
    assert [made[name] for name in ("first_paid_date", "churn_date", "lifetime_value")] == [None, None, 0]
    assert (made["account_status"], described(account(status="trial"), trial)["account_status"]) == ("churned", "trial")


def test_an_account_pays_and_has_paid_from_the_end_of_the_trial_on() -> None:
    trial = subscription(10, date(2025, 1, 1), first_paid_date=AS_OF)
    columns = ("account_status", "mrr", "first_paid_date")
    before, on = (described(account(status="trial"), trial, as_of=day) for day in (date(2025, 1, 30), AS_OF))
    assert [before[name] for name in columns] == [None, 0, None]
    assert [on[name] for name in columns] == ["active", 10, AS_OF]


def test_crm_status_is_not_known_for_a_day_before_the_files_were_loaded() -> None:
    made = described(account(status="trial"), as_of=date(2024, 12, 31))
    assert (made["crm_status"], made["account_status"]) == (None, None)


@pytest.mark.parametrize(("employees", "segment"), [(501, "enterprise"), (500, "mid_market"), (50, "smb")])
def test_segment_goes_by_size_where_the_tier_does_not_decide(employees: int, segment: str) -> None:
    assert described(account(plan_tier="starter", employee_count=employees))["segment"] == segment


@pytest.mark.parametrize("tier", ["growth", "mid-market", "mid_market", "mid market", "midmarket"])
def test_plan_called_mid_market_is_of_that_segment(tier: str) -> None:
    assert described(account(plan_tier=tier, employee_count=10))["segment"] == "mid_market"


def test_tiers_of_the_settings_match_plans_in_any_case() -> None:
    segments = SETTINGS.model_dump()["segments"] | {"enterprise": {"tiers": [" Platinum"], "employees_above": 500}}
    chosen = Settings.model_validate(SETTINGS.model_dump() | {"segments": segments})
    assert described(account(plan_tier="platinum"), settings=chosen)["segment"] == "enterprise"


def test_first_cancelled_contract_event_by_the_day_is_the_one_that_counts() -> None:
    events = [
        {"event_id": str(number), "account_id": "A", "event_date": day, "event_type": kind}
        for number, (day, kind) in enumerate(
            [
                (date(2024, 3, 1), "signed"),
                (date(2025, 1, 20), "cancelled"),
                (date(2025, 1, 31), "cancelled"),
                (date(2025, 2, 1), "cancelled"),
            ]
        )
    ]
    crm = rows("staged_accounts", account())
    assert made("dim_account", staged_accounts=crm)["cancelled_date"].item() is None
    of_all, of_later = (
        made("dim_account", staged_accounts=crm, staged_contract_events=rows("staged_contract_events", *those))
        for those in (events, events[3:])
    )
    assert of_all["cancelled_date"].item() == date(2025, 1, 20)
    assert of_later["cancelled_date"].item() is None


@pytest.mark.parametrize(
    ("signup", "stage"),  # 90 and 365 days before the last day of January 2025, and a day more
    [
        (date(2024, 11, 2), "onboarding"),
        (date(2024, 11, 1), "growing"),
        (date(2024, 2, 1), "growing"),
        (date(2024, 1, 31), "mature"),
    ],
)
def test_stage_goes_by_tenure_up_to_and_including_its_days(signup: date, stage: str) -> None:
    assert described(account(signup=signup), subscription(10, signup))["lifecycle_stage"] == stage


def test_trial_and_churn_go_before_tenure() -> None:
    assert described(account(status="trial"))["lifecycle_stage"] == "trial"
    assert described(account(), subscription(10, date(2024, 2, 1), date(2024, 9, 1)))["lifecycle_stage"] == "churned"


@pytest.mark.parametrize(
    ("mrr", "tier"), [(1000, "strategic"), (999.99, "key"), (500, "key"), (100, "standard"), (99.99, "basic")]
)
def test_tier_begins_at_its_mrr(mrr: float, tier: str) -> None:
    assert described(account(), subscription(mrr, date(2024, 2, 1)))["value_tier"] == tier


def test_lifetime_value_is_month_end_mrr_where_no_invoice_is_connected() -> None:
    """Paid from November to the 9th of January: 100 at the ends of November and December, nothing in January."""
    assert described(account(), subscription(100, date(2024, 11, 5), date(2025, 1, 10)))["lifetime_value"] == 200


def order(amount: float, day: date) -> dict[str, Any]:
    return {"order_id": f"{day}", "account_id": "A", "order_date": day, "total_amount": amount}


def test_lifetime_value_of_a_shop_is_what_was_spent_by_the_day() -> None:
    orders = rows("staged_orders", order(30, date(2024, 5, 1)), order(20, AS_OF), order(900, date(2025, 2, 1)))
    assert described(account(), staged_orders=orders)["lifetime_value"] == 50
    assert described(account("B"), staged_orders=orders)["lifetime_value"] == 0
    assert described(account())["lifetime_value"] is None


def test_orders_do_not_count_where_subscriptions_or_invoices_say_what_was_paid() -> None:
    shop = {"staged_orders": rows("staged_orders", order(30, date(2024, 5, 1)))}
    bill = {"invoice_id": "1", "account_id": "B", "invoice_date": AS_OF, "amount": 70.0, "is_paid": False}
    assert described(account(), subscription(100, date(2024, 12, 5)), **shop)["lifetime_value"] == 200
    assert described(account(), staged_invoices=rows("staged_invoices", bill), **shop)["lifetime_value"] == 0


def test_accounts_of_whom_none_has_a_status_are_warned_of() -> None:
    def unknown(*statuses: str | None) -> int:
        given = pl.LazyFrame({"account_status": statuses}, schema={"account_status": pl.String})
        return account_status__is_known_of_some(given).collect().height

    assert (unknown(None, None), unknown("active", None), unknown()) == (2, 0, 0)
