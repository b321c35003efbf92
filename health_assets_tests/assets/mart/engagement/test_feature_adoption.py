"""Features over all accounts."""

from datetime import timedelta
from typing import Any

import pytest

from health_assets_tests.assets.rows import AS_OF, SETTINGS, made, rows

THEN = AS_OF - timedelta(days=90)
FEW = SETTINGS.model_copy(
    update={"engagement": SETTINGS.engagement.model_copy(update={"retention_impact_accounts": 2})}
)


def account(name: str, *, is_active: bool = True, mrr: float | None = 100, mau: int = 10, user_days: int = 40) -> dict:
    return {"account_id": name, "is_active": is_active, "mrr": mrr, "mau": mau, "active_user_day_count_30d": user_days}


def use(
    name: str, *, is_used: bool | None = True, users: int | None = 5, user_days: int = 10, before: bool = False
) -> dict:
    return {
        "account_id": name,
        "feature_name": "API",
        "is_used": is_used,
        "user_count_30d": users,
        "user_day_count_30d": user_days,
        "was_used_90d_ago": before,
    }


def feature(*accounts: dict, uses: list[dict], then: list[dict] = [], settings: Any = SETTINGS) -> dict:  # noqa: B006
    def of(table: str) -> Any:
        names = set(rows(table).collect_schema().names())
        return rows(table, *({k: v for k, v in row.items() if k in names} for row in accounts))

    return made(
        "mart_feature_adoption",
        mart_account_feature_adoption=rows("mart_account_feature_adoption", *uses),
        mart_account_engagement=of("mart_account_engagement"),
        dim_account=of("dim_account"),
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *({"as_of_date": THEN} | row for row in then)),
        settings=settings,
    ).row(0, named=True)


def test_shares_are_of_active_accounts_their_users_and_their_revenue() -> None:
    # a (100) and b (300) use it, c (600) does not, d has churned: 2 of 3 accounts, 5 + 10 of 30 users, 400 of 1000
    row = feature(
        account("a"), account("b", mrr=300), account("c", mrr=600), account("d", is_active=False, mrr=0),
        uses=[use("a"), use("b", users=10), use("c", is_used=False, users=0, user_days=0), use("d")],
    )  # fmt: skip
    assert (row["account_count"], row["user_count_30d"], row["mrr_using"]) == (2, 15, 400)
    assert row["adoption_pct"] == pytest.approx(200 / 3)
    assert (row["user_adoption_pct"], row["revenue_coverage_pct"]) == (50, 40)


def test_intensity_is_of_the_user_days_of_the_accounts_that_use_it() -> None:
    # a: 10 of 40 user-days, b: 30 of 60, c does not use it: 40 / 100
    row = feature(
        account("a"), account("b", user_days=60), account("c", user_days=500),
        uses=[use("a"), use("b", user_days=30), use("c", is_used=False, users=0, user_days=0)],
    )  # fmt: skip
    assert row["usage_intensity_score"] == 40


def test_a_feature_without_users_has_zeros_and_no_intensity_and_unknown_revenue_stays_unknown() -> None:
    row = feature(account("a", mrr=None), uses=[use("a", is_used=False, users=0, user_days=0)])
    assert (row["account_count"], row["adoption_pct"], row["usage_intensity_score"]) == (0, 0, None)
    assert (row["mrr_using"], row["revenue_coverage_pct"]) == (None, None)


def test_a_feature_that_the_feed_never_had_is_not_measured() -> None:
    row = feature(account("a"), uses=[use("a", is_used=None, users=None)])
    measures = ("account_count", "adoption_pct", "user_count_30d", "user_adoption_pct", "mrr_using")
    assert [row[name] for name in measures] == [None] * 5


def test_retention_impact_compares_those_who_used_it_then_with_those_who_did_not() -> None:
    # users then: a, b stayed, c left -> 66.7 %; others: d stayed, e left -> 50 %; f was not active then
    accounts = [account(name, is_active=name in "abdf") for name in "abcdef"]
    then = [{"account_id": name, "account_status": "active"} for name in "abcde"]
    then.append({"account_id": "f", "account_status": "trial"})
    uses = [use(name, before=name in "abc") for name in "abcdef"]
    row = feature(*accounts, uses=uses, then=then, settings=FEW)
    assert row["retention_impact_score"] == pytest.approx(200 / 3 - 50)


@pytest.mark.parametrize(("users", "others", "is_known"), [(20, 20, True), (19, 20, False), (20, 19, False)])
def test_twenty_accounts_are_needed_on_each_side(users: int, others: int, is_known: bool) -> None:
    names = [f"{n:02}" for n in range(users + others)]
    row = feature(
        *(account(name) for name in names),
        uses=[use(name, before=True) for name in names[:users]],
        then=[{"account_id": name, "account_status": "active"} for name in names],
    )
    assert row["retention_impact_score"] == (0 if is_known else None)
