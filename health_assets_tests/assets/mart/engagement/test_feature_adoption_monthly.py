"""Adoption of features by month."""

from datetime import date

from health_assets.assets.mart.engagement.feature_adoption_monthly import counts__of_all_segments_are_those_of_all
from health_assets_tests.assets.rows import AS_OF, made, rows

TABLE = "mart_feature_adoption_monthly"
NOVEMBER, DECEMBER, JANUARY = date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)
ENDS = (date(2024, 11, 30), date(2024, 12, 31), AS_OF)


def use(account_id: str, month: date, feature_name: str = "API") -> dict:
    return {"account_id": account_id, "feature_name": feature_name, "month": month, "event_count": 2}


def adoption(*uses: dict, as_of: date = AS_OF, active: dict[str, tuple[date, ...]] | None = None) -> list[dict]:
    active = active or {"A": ENDS, "B": ENDS}
    days = [
        {"account_id": name, "as_of_date": min(day, as_of), "account_status": "active"}
        for name, each in active.items()
        for day in each
    ]
    segments = {"A": "smb", "B": "enterprise"}
    return made(
        "mart_feature_adoption_monthly",
        fact_account_feature_monthly=rows("fact_account_feature_monthly", *uses),
        fact_account_revenue_daily=rows("fact_account_revenue_daily", *days),
        dim_account=rows("dim_account", *({"account_id": name, "segment": segments[name]} for name in active)),
        dim_feature=rows("dim_feature", {"feature_name": "API", "feature_category": "tech"}),
        as_of=as_of,
    ).to_dicts()


def of_all(found: list[dict], column: str) -> list:
    return [row[column] for row in found if row["dimension_type"] == "all"]


def test_adoption_is_of_the_accounts_active_at_month_end_from_the_first_use_by_anybody_on() -> None:
    found = adoption(use("A", DECEMBER), use("A", JANUARY), use("B", JANUARY))
    assert of_all(found, "month") == [DECEMBER, JANUARY]
    assert of_all(found, "adoption_pct") == [50.0, 100.0]
    assert of_all(found, "adoption_change_points") == [None, 50.0]
    assert of_all(found, "event_count") == [2, 4]
    smb = [row for row in found if row["dimension_value"] == "smb"]
    assert [(row["active_account_count"], row["account_count"]) for row in smb] == [(1, 1), (1, 1)]


def test_use_by_an_account_that_is_not_active_does_not_count() -> None:
    found = adoption(use("A", JANUARY), use("B", JANUARY), active={"A": ENDS, "B": ENDS[:2]})
    assert [of_all(found, name) for name in ("active_account_count", "account_count")] == [[1], [1]]


def test_a_month_without_any_event_is_not_measured() -> None:
    found = adoption(use("A", NOVEMBER), use("A", JANUARY))
    assert of_all(found, "account_count") == [1, None, 1]
    assert of_all(found, "adoption_change_points") == [None, None, None]


def test_a_partial_month_has_counts_and_no_rate() -> None:
    found = adoption(use("A", DECEMBER), use("A", JANUARY), as_of=date(2025, 1, 20))
    assert of_all(found, "is_partial") == [False, True]
    assert of_all(found, "account_count") == [1, 1]
    assert of_all(found, "adoption_pct") == [50.0, None]


def test_segments_that_do_not_add_up_to_all_are_found() -> None:
    made_rows = adoption(use("A", DECEMBER), use("B", DECEMBER))
    short = [row for row in made_rows if row["dimension_value"] != "enterprise"]
    assert counts__of_all_segments_are_those_of_all(rows(TABLE, *made_rows)).collect().is_empty()
    assert set(counts__of_all_segments_are_those_of_all(rows(TABLE, *short)).collect()["month"]) == {DECEMBER, JANUARY}
