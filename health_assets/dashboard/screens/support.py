"""How well are customers supported, and how do they rate it?"""

import polars as pl
import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figures
from health_assets.reporting import service
from health_assets.reporting.formatting import counted, hours, month_name, number, pct
from health_assets.reporting.labels import heading
from health_assets.reporting.marts import rows_of
from health_assets.reporting.reader import Row

SLA = "mart.sla_adherence"
TICKETS = ("support_tickets",)
DIMENSIONS = ("priority", "category", "segment", "account_owner")
BREACHES = 500
HOURS = {
    "median_resolution_hours": "median",
    "mean_resolution_hours": "mean",
    "p90_resolution_hours": "90th percentile",
}
CLOCKS = {"calendar": "Calendar hours", "business": "Business hours"}


def show(view: View) -> None:
    """SLA by calendar and business hours, open breaches, resolution, ratings, first response, NPS."""
    view.heading("Support", "How well are customers supported, and how do they rate it?")
    if view.part("Service levels", SLA, sources=TICKETS):
        _levels(view)
    if view.part("Open tickets past their target", "fact.tickets", sources=TICKETS):
        _breaches(view)
    if view.part("By segment", "mart.support_performance", sources=TICKETS):
        segments = view.ask(rows_of, "mart.support_performance")
        view.table(segments, "Support of the last 30 days by segment", "mart.support_performance")
    if view.part("NPS", "mart.satisfaction", sources=("feedback",)):
        nps = view.ask(service.monthly_satisfaction)
        charts.draw(
            charts.lines(nps, "month", {"nps": "NPS"}, "NPS, -100 to 100"),
            "NPS by month",
            "Promoters minus detractors among the responses of 365 days, -100 to 100, at the end of each month",
        )


def _levels(view: View) -> None:
    months = view.ask(service.monthly_sla)
    row = months.row(-1, named=True)
    counts = CLOCKS[view.settings.support.hours].lower()
    st.caption(f"Tickets created in {month_name(row['month'])}; scores and alerts count {counts}.")
    for clock, place in zip(CLOCKS, st.columns(2), strict=True):
        with place:
            _by_clock(view, row, clock)
    figures(
        {
            "Satisfied ratings": (pct(row["csat_pct"]), f"{SLA}.csat_pct"),
            "Tickets": (number(row["ticket_count"]), f"{SLA}.ticket_count"),
            "Open, not yet due": (number(row["pending_count"]), f"{SLA}.pending_count"),
        }
    )
    left, right = st.columns(2)
    with left:
        in_time = charts.lines(months, "month", _each_clock(view, "sla_adherence_pct"), "% in time")
        charts.draw(in_time, "Resolved in time by month", "Resolved in time: share of the tickets of each month")
        resolution = charts.lines(months, "month", HOURS, "hours", zero=True)
        charts.draw(resolution, "Hours to resolution by month", f"From creation to resolution, {counts}")
    with right:
        in_time = charts.lines(months, "month", _each_clock(view, "first_response_adherence_pct"), "% in time")
        charts.draw(in_time, "First responses in time by month", "First response in time: share of the tickets")
        response = charts.lines(months, "month", _each_clock(view, "median_first_response_hours"), "hours", zero=True)
        charts.draw(response, "Hours to the first response by month", "From creation to the first response, median")
    rated = charts.lines(months, "month", {"csat_pct": "satisfied"}, "%")
    charts.draw(rated, "Satisfied ratings by month", "Share of ratings that are satisfied")
    with st.expander("By group"):
        dimension = (
            st.segmented_control("By", DIMENSIONS, default="priority", format_func=heading, key="sla-by") or "priority"
        )
        groups = view.ask(service.monthly_sla, dimension).sort("month", descending=True, maintain_order=True)
        named = groups.rename({"dimension_value": dimension})
        view.table(named, f"Service levels by {heading(dimension).lower()}", SLA, {dimension: f"{SLA}.dimension_value"})


def _by_clock(view: View, row: Row, clock: str) -> None:
    st.markdown(f"**{CLOCKS[clock]}**")
    if not _has(view, clock):
        st.info("No business hours are set. Give `support.business_hours` in the settings to see them.", icon="ℹ️")
        return
    metrics = {
        "Resolved in time": (pct, "sla_adherence_pct"),
        "First response in time": (pct, "first_response_adherence_pct"),
        "Median resolution": (hours, "median_resolution_hours"),
    }
    shown = {label: (say(row[f"{clock}_{name}"]), f"{clock}_{name}") for label, (say, name) in metrics.items()}
    figures(shown, SLA)


def _each_clock(view: View, name: str) -> dict[str, str]:
    """The column of each clock that there is, with the label of its line."""
    return {f"{clock}_{name}": label.lower() for clock, label in CLOCKS.items() if _has(view, clock)}


def _has(view: View, clock: str) -> bool:
    return clock == "calendar" or view.settings.support.business_hours is not None


def _breaches(view: View) -> None:
    breaches = view.ask(service.open_breaches, BREACHES)
    if breaches.is_empty():
        st.success("No open ticket is past its target.", icon="✅")
        return
    count = breaches["ticket_count"][0]
    st.caption(f"{counted(count, 'ticket')} open past the target, the oldest first")
    rows = breaches.drop("ticket_count").with_columns(pl.col("open_days").cast(pl.Int64))
    view.table(rows, "Open breaches", "fact.tickets", count=count)
