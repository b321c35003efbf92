"""Which security incidents hit the customers, and how fast is the response?"""

import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figures, month_label
from health_assets.reporting import service
from health_assets.reporting.formatting import minutes, number, pct

TIMES = {
    "mean_minutes_to_detect": "to detect",
    "mean_minutes_to_respond": "to respond",
    "mean_minutes_to_contain": "to contain",
}
RATES = {"critical_incident_rate": "critical", "false_positive_rate": "false positive"}


def show(view: View) -> None:
    """Incidents, times, adherence, by severity."""
    view.heading("Security", "Which security incidents hit the customers, and how fast is the response?")
    if not view.part("Incidents", "mart.security_operations", sources=("security_incidents",)):
        return
    months = view.ask(service.monthly_security)
    row = months.row(-1, named=True)
    shown = {
        "Incidents": (number(row["incident_count"]), "incident_count"),
        "Critical": (number(row["critical_incident_count"]), "critical_incident_count"),
        "False positives": (number(row["false_positive_count"]), "false_positive_count"),
        "Mean response": (minutes(row["mean_minutes_to_respond"]), "mean_minutes_to_respond"),
        "Response in time": (pct(row["sla_adherence_pct"]), "sla_adherence_pct"),
    }
    st.caption(f"Incidents detected in {month_label(row['month'], is_partial=row['is_partial'])}")
    figures(shown, "mart.security_operations")
    left, right = st.columns(2)
    with left:
        incidents = charts.months(months, "month", "incident_count", "incidents")
        charts.draw(incidents, "Incidents by month", "Incidents detected in each month")
    with right:
        charts.draw(
            charts.lines(months, "month", TIMES, "minutes", zero=True),
            "Minutes to detect, respond and contain",
            "Mean minutes, false positives left out",
        )
    charts.draw(
        charts.lines(months, "month", {"sla_adherence_pct": "response in time"}, "%"),
        "Responses in time by month",
        "Share of the incidents with a target that were answered within it",
    )
    st.subheader("By severity")
    severities = view.ask(service.monthly_security, "severity").sort("month", descending=True, maintain_order=True)
    relation = "mart.security_operations"
    named = severities.rename({"dimension_value": "severity"})
    view.table(named, "Incidents by severity", relation, {"severity": f"{relation}.dimension_value"})
