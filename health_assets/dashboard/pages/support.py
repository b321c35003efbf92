"""How well are customers supported, and how do they rate it?"""

import polars as pl
import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figure, figures, words
from health_assets.reporting import service
from health_assets.reporting.formatting import counted, month_name, number, pct
from health_assets.reporting.marts import rows_of

DIMENSIONS = ("priority", "category", "segment", "account_owner")
BREACHES = 500
RATES = {"sla_adherence_pct": "resolved in time", "first_response_adherence_pct": "first response in time"}
HOURS = {
    "median_resolution_hours": "median",
    "mean_resolution_hours": "mean",
    "p90_resolution_hours": "90th percentile",
}


def show(view: View) -> None:
    """SLA, open breaches, resolution, ratings, first response, NPS."""
    view.heading("Support", "How well are customers supported, and how do they rate it?")
    if view.part("Service levels", "mart.sla_adherence", sources=("support_tickets",)):
        _levels(view)
    if view.part("Open tickets past their target", "fact.tickets", sources=("support_tickets",)):
        _breaches(view)
    if view.part("By segment", "mart.support_performance", sources=("support_tickets",)):
        segments = view.ask(rows_of, "mart.support_performance")
        view.table(segments, "Support of the last 30 days by segment", "mart.support_performance")
    if view.part("NPS", "mart.satisfaction", sources=("feedback",)):
        nps = view.ask(service.monthly_satisfaction)
        st.caption("Promoters minus detractors among the responses of 365 days, -100 to 100, at the end of each month")
        charts.draw(charts.lines(nps, "month", {"nps": "NPS"}, "NPS, -100 to 100"), "NPS by month")


def _levels(view: View) -> None:
    months = view.ask(service.monthly_sla)
    row = months.row(-1, named=True)
    shown = {
        "Resolved in time": (pct(row["sla_adherence_pct"]), "sla_adherence_pct"),
        "First response in time": (pct(row["first_response_adherence_pct"]), "first_response_adherence_pct"),
        "Median resolution": (f"{number(row['median_resolution_hours'], 1)} h", "median_resolution_hours"),
        "Satisfied ratings": (pct(row["csat_pct"]), "csat_pct"),
        "Tickets": (number(row["ticket_count"]), "ticket_count"),
    }
    hours = "business hours" if view.settings.support.hours == "business" else "calendar hours"
    st.caption(f"Tickets created in {month_name(row['month'])}; targets run in {hours}.")
    for place, (label, (value, column)) in zip(figures(len(shown)), shown.items(), strict=True):
        with place:
            figure(label, value, f"mart.sla_adherence.{column}")
    left, right = st.columns(2)
    with left:
        st.caption("Share of the tickets of each month inside their target")
        charts.draw(charts.lines(months, "month", RATES, "%"), "Service levels by month")
        st.caption("Share of ratings that are satisfied")
        charts.draw(charts.lines(months, "month", {"csat_pct": "satisfied"}, "%"), "Satisfied ratings by month")
    with right:
        st.caption("Hours from creation to resolution")
        charts.draw(charts.lines(months, "month", HOURS, "hours", zero=True), "Hours to resolution by month")
        st.caption("Median hours to the first response")
        response = {"median_first_response_hours": "median"}
        charts.draw(charts.lines(months, "month", response, "hours", zero=True), "Hours to the first response by month")
    with st.expander("By group"):
        dimension = (
            st.segmented_control("By", DIMENSIONS, default="priority", format_func=words, key="sla-by") or "priority"
        )
        groups = view.ask(service.monthly_sla, dimension).sort("month", descending=True)
        view.table(groups, f"Service levels by {words(dimension).lower()}", "mart.sla_adherence")


def _breaches(view: View) -> None:
    breaches = view.ask(service.open_breaches, BREACHES)
    if breaches.is_empty():
        st.success("No open ticket is past its target.", icon="✅")
        return
    st.caption(f"{counted(breaches['ticket_count'][0], 'ticket')} open past the target, the oldest first")
    view.table(
        breaches.drop("ticket_count").with_columns(pl.col("open_days").cast(pl.Int64)), "Open breaches", "fact.tickets"
    )
