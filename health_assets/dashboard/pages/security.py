"""Which security incidents hit the customers, and how fast is the response?"""

import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figure, figures
from health_assets.reporting import service
from health_assets.reporting.formatting import month_name, number, pct

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
        "Minutes to respond, mean": (number(row["mean_minutes_to_respond"], 1), "mean_minutes_to_respond"),
        "Response in time": (pct(row["sla_adherence_pct"]), "sla_adherence_pct"),
    }
    st.caption(f"Incidents detected in {month_name(row['month'])}{' so far' if row['is_partial'] else ''}")
    for place, (label, (value, column)) in zip(figures(len(shown)), shown.items(), strict=True):
        with place:
            figure(label, value, f"mart.security_operations.{column}")
    left, right = st.columns(2)
    with left:
        st.caption("Incidents detected in each month")
        charts.draw(charts.months(months, "month", "incident_count", "incidents"), "Incidents by month")
    with right:
        st.caption("Mean minutes, false positives left out")
        charts.draw(
            charts.lines(months, "month", TIMES, "minutes", zero=True), "Minutes to detect, respond and contain"
        )
    st.caption("Share of critical incidents answered inside their target, and of all others with one")
    charts.draw(
        charts.lines(months, "month", {"sla_adherence_pct": "response in time"}, "%"), "Responses in time by month"
    )
    st.subheader("By severity")
    severities = view.ask(service.monthly_security, "severity").sort("month", descending=True)
    view.table(severities, "Incidents by severity", "mart.security_operations")
