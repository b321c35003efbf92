"""Incidents as files have them."""

from datetime import date, datetime

from health_assets.assets.staged.security_incidents import (
    SecurityIncidents,
    moments__in_order,
    staged_security_incidents,
)
from health_assets.sources.quarantine import filter_rows
from health_assets_tests.assets.rows import SETTINGS, rows


def incident(**given) -> dict:
    return {
        "source_file": "incidents.csv", "source_row": 1, "incident_id": "1", "account_id": "A",
        "detected_at": "2025-01-05 10:25:41",
    } | given  # fmt: skip


def test_words_are_read_in_any_spelling() -> None:
    given = incident(severity=" HIGH", incident_type="Data Breach", status="In Progress", worked_within_sla="True")
    row = staged_security_incidents(rows("raw_security_incidents", given), SETTINGS).collect().row(0, named=True)
    assert (row["severity"], row["incident_type"], row["status"]) == ("high", "data_breach", "in_progress")
    assert (row["worked_within_sla"], row["detected_date"]) == (True, date(2025, 1, 5))


def test_an_unknown_severity_does_not_cost_the_incident() -> None:
    made = staged_security_incidents(rows("raw_security_incidents", incident(severity="puzzling")), SETTINGS)
    gate = filter_rows(made, SecurityIncidents, {})
    assert (gate.kept["severity"].to_list(), len(gate.rejected), gate.loads["values_blanked"].sum()) == ([None], 0, 1)


def test_moments_out_of_order_are_warned_of() -> None:
    noon = datetime(2025, 1, 5, 12)
    fine = {"incident_id": "1", "occurred_at": noon, "detected_at": noon, "responded_at": noon, "contained_at": None}
    late = {"incident_id": "2", "occurred_at": datetime(2025, 1, 5, 13), "detected_at": noon}
    early = {"incident_id": "3", "detected_at": noon, "contained_at": datetime(2025, 1, 5, 11)}
    broken = moments__in_order(rows("staged_security_incidents", fine, late, early)).collect()
    assert broken["incident_id"].to_list() == ["2", "3"]
