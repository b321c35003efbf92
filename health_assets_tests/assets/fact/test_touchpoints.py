"""Touchpoints one by one."""

from datetime import date, datetime
from typing import Any

from health_assets_tests.assets.rows import AS_OF, made, rows


def touchpoint(name: str, day: date, hour: int = 9, account_id: str = "A") -> dict[str, Any]:
    moment = datetime(day.year, day.month, day.day, hour)
    return {
        "touchpoint_id": name,
        "account_id": account_id,
        "occurred_at": moment,
        "occurred_date": day,
        "kind": "call",
    }


def test_touchpoints_are_numbered_in_the_order_in_which_they_took_place() -> None:
    found = made(
        "fact_touchpoints",
        staged_touchpoints=rows(
            "staged_touchpoints",
            touchpoint("T3", date(2025, 1, 5)),
            touchpoint("T1", date(2025, 1, 20)),
            touchpoint("T2", date(2025, 1, 20), hour=8),
            touchpoint("T4", date(2025, 1, 20), account_id="B"),
        ),
        dim_account=rows("dim_account", {"account_id": "A", "segment": "smb"}),
    )
    columns = ("touchpoint_id", "touchpoint_number", "days_since_previous_touchpoint", "segment")
    assert found.select(columns).rows() == [
        ("T1", 3, 0, "smb"),
        ("T2", 2, 15, "smb"),
        ("T3", 1, None, "smb"),
        ("T4", 1, None, None),
    ]


def test_touchpoint_after_the_as_of_day_is_not_known_yet() -> None:
    later = rows("staged_touchpoints", touchpoint("T1", date(2025, 2, 1)), touchpoint("T2", AS_OF))
    assert made("fact_touchpoints", staged_touchpoints=later)["touchpoint_id"].to_list() == ["T2"]
