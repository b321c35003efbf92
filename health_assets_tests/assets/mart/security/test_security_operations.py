"""Security operations by month."""

from datetime import date

import polars as pl

from health_assets.assets.mart.security.security_operations import mart_security_operations
from health_assets_tests.assets.rows import AS_OF, rows


def operations(*incidents: dict, as_of: date = AS_OF) -> pl.DataFrame:
    given = (
        {"incident_id": str(n), "account_id": "A", "detected_month": date(2025, 1, 1)} | row
        for n, row in enumerate(incidents)
    )
    return mart_security_operations(rows("fact_incidents", *given), as_of).collect()


def whole(*incidents: dict) -> dict:
    return operations(*incidents).filter(pl.col("dimension_type") == "all").row(0, named=True)


def test_false_positives_are_out_of_the_means_and_in_the_counts() -> None:
    row = whole(
        {"minutes_to_respond": 10.0, "is_false_positive": False, "is_critical": True},
        {"minutes_to_respond": 20.0, "is_false_positive": False, "is_critical": False},
        {"minutes_to_respond": 600.0, "is_false_positive": True, "is_critical": False},
        {"minutes_to_respond": None, "is_false_positive": False, "is_critical": False},
    )
    assert row["mean_minutes_to_respond"] == 15
    assert (row["incident_count"], row["false_positive_count"], row["critical_incident_count"]) == (4, 1, 1)
    assert (row["false_positive_rate"], row["critical_incident_rate"]) == (0.25, 0.25)


def test_where_nobody_says_what_was_false_nothing_is_said_and_every_incident_is_in_the_means() -> None:
    row = whole({"minutes_to_contain": 30.0}, {"minutes_to_contain": 50.0})
    assert (row["false_positive_count"], row["false_positive_rate"], row["mean_minutes_to_contain"]) == (None, None, 40)
    assert (row["critical_incident_count"], row["critical_incident_rate"]) == (None, None)


def test_incidents_without_a_target_are_left_out_of_the_adherence() -> None:
    row = whole(*({"is_within_sla": state} for state in (True, True, False, None)))
    assert (row["within_sla_count"], row["outside_sla_count"]) == (2, 1)
    assert round(row["sla_adherence_pct"], 4) == 66.6667
    assert whole({"is_within_sla": None})["sla_adherence_pct"] is None


def test_parts_by_severity_hold_every_incident() -> None:
    made = operations({"severity": "high"}, {"severity": "high"}, {"severity": None})
    parts = made.filter(pl.col("dimension_type") == "severity").select("dimension_value", "incident_count").rows()
    assert parts == [("high", 2), ("unknown", 1)]


def test_the_as_of_month_is_partial_unless_its_last_day_has_come() -> None:
    assert operations({})["is_partial"].to_list() == [False, False]
    assert operations({}, as_of=date(2025, 1, 30))["is_partial"].to_list() == [True, True]


def test_a_source_that_is_not_connected_gives_no_rows() -> None:
    assert operations().is_empty()
