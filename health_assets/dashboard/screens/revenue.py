"""How does recurring revenue move, who stays, and what renews?"""

import polars as pl
import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figures, month_label
from health_assets.reporting import revenue
from health_assets.reporting.formatting import number, pct
from health_assets.reporting.labels import heading
from health_assets.reporting.marts import rows_of

DIMENSIONS = ("segment", "product", "owner", "region")
RENEWALS = 500
SUBSCRIPTIONS = ("subscriptions", "invoices")


def show(view: View) -> None:
    """Waterfall, retention, cohorts, renewals, lifetime value."""
    view.heading("Revenue", "How does recurring revenue move, who stays, and what renews?")
    if view.part("MRR and its movements", "mart.net_revenue_retention", sources=SUBSCRIPTIONS):
        _movements(view)
    if view.part("Retention by group", "mart.revenue_retention_by", sources=SUBSCRIPTIONS):
        _groups(view)
    if view.part("Revenue cohorts", "mart.revenue_cohorts", sources=SUBSCRIPTIONS):
        _cohorts(view)
    if view.part("Renewals ahead", "mart.renewal_forecast", sources=SUBSCRIPTIONS):
        _renewals(view)
    lists = (
        ("Lifetime value", "mart.clv_segments", "all"),
        ("Accounts that left", "mart.churned_accounts", "churn_date desc, account_id"),
    )
    view.marts(lists, SUBSCRIPTIONS)


def _movements(view: View) -> None:
    months = view.ask(revenue.monthly_retention)
    names = {
        month_label(month, is_partial=partial): month
        for month, partial in months.sort("month", descending=True)["month", "is_partial"].iter_rows()
    }
    chosen = names[st.selectbox("Month", list(names))]
    row = months.filter(pl.col("month") == chosen).row(0, named=True)
    shown = {
        f"MRR, {view.currency}": (number(row["ending_mrr"]), "ending_mrr"),
        f"ARR, {view.currency}": (number(row["arr"]), "arr"),
        "NRR": (pct(row["nrr_pct"]), "nrr_pct"),
        "GRR": (pct(row["grr_pct"]), "grr_pct"),
        "Logo churn": (pct(row["logo_churn_pct"]), "logo_churn_pct"),
        "Quick ratio": (number(row["quick_ratio"], 1), "quick_ratio"),
    }
    figures(shown, "mart.net_revenue_retention")
    left, right = st.columns(2)
    with left:
        if steps := view.ask(revenue.waterfall, chosen):
            st.caption(f"From the start of the month to its end, {view.currency}; the axis may start above 0")
            charts.draw(
                charts.waterfall(steps, view.currency, revenue.TOTALS), "MRR from the start of the month to its end"
            )
    with right:
        st.caption(f"MRR at the end of each month, {view.currency}")
        charts.draw(
            charts.months(months, "month", "ending_mrr", f"MRR, {view.currency}"), "MRR at the end of each month"
        )
    with st.expander("All months"):
        view.table(months.sort("month", descending=True), "Retention by month", "mart.net_revenue_retention")


def _groups(view: View) -> None:
    with st.container(horizontal=True):
        dimension = st.segmented_control("By", DIMENSIONS, default="segment", format_func=heading, key="retention-by")
        period = st.segmented_control("Period", ("month", "quarter", "year"), default="quarter", format_func=heading)
    by, period = dimension or "segment", period or "quarter"
    relation = "mart.revenue_retention_by"
    found = view.ask(revenue.retention_by, by, period).rename({"dimension_value": by})
    view.table(found, f"Retention by {by} and {period}", relation, {by: f"{relation}.dimension_value"})


def _cohorts(view: View) -> None:
    cohorts = view.ask(rows_of, "mart.revenue_cohorts", ("*",), "cohort_month, month_offset")
    st.caption(
        "Share of the first month that is still there, by months since the first payment. Size and MRR of month 0 are fixed."
    )
    shown = {"revenue_retention_pct": "Revenue kept, %", "account_retention_pct": "Accounts kept, %"}
    for place, (column, label) in zip(st.columns(2), shown.items(), strict=True):
        with place:
            charts.draw(charts.cohorts(cohorts, column, label), f"{label} by cohort and month")


def _renewals(view: View) -> None:
    months = view.ask(revenue.renewals_by_month)
    columns = {"renewing_mrr": "up for renewal", "expected_mrr": "expected to renew"}
    st.caption(f"MRR of subscriptions by the month in which they renew, {view.currency}")
    charts.draw(
        charts.lines(months, "renewal_month", columns, f"MRR, {view.currency}", zero=True), "MRR that renews by month"
    )
    view.table(view.ask(revenue.renewals_ahead, RENEWALS), "Renewals ahead", "mart.renewal_forecast")
