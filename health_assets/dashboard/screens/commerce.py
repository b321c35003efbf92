"""What do customers buy, how often do they return, and who pays late?"""

import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figures
from health_assets.reporting import shop
from health_assets.reporting.formatting import month_name, number, pct
from health_assets.reporting.marts import rows_of

ORDERS = ("orders",)


def show(view: View) -> None:
    """Spend, concentration, returning buyers, cohorts, flags, regions, age groups."""
    view.heading("Commerce", "What do customers buy, how often do they return, and who pays late?")
    if view.part("Spend", "mart.revenue_concentration", sources=ORDERS):
        _spend(view)
    if view.part("Returning buyers", "mart.order_retention_monthly", sources=ORDERS):
        months = view.ask(shop.monthly_buyers)
        charts.draw(
            charts.lines(months, "month", {"retained_pct": "ordered again"}, "%", zero=True),
            "Returning buyers by month",
            "Share of the buyers of the month before who ordered again; closed months",
        )
        spend = charts.months(months, "month", "spend", f"spend, {view.currency}")
        charts.draw(spend, "Net spend by month", f"Net spend in each month, {view.currency}")
    if view.part("Order cohorts", "mart.order_cohorts", sources=ORDERS):
        cohorts = view.ask(rows_of, "mart.order_cohorts", ("*",), "cohort_month, month_offset")
        charts.draw(
            charts.cohorts(cohorts, "account_retention_pct", "customers ordering, %"),
            "Ordering customers by cohort",
            "Share of the customers of each signup month who ordered in the month",
        )
    lists = (
        ("Customers by value", "mart.customer_value", "spend_rank nulls last, account_id"),
        ("Flagged customers", "mart.commerce_flags", "attention_rank"),
        ("Payments", "mart.payment_risk", "late_payment_count desc nulls last, account_id"),
        ("Regions", "mart.regional_segments", "total_spend desc nulls last, region"),
        ("Age groups", "mart.order_value_by_age_group", "youngest_age nulls last"),
    )
    view.marts(lists, ORDERS)


def _spend(view: View) -> None:
    found, month = view.ask(shop.concentration), view.ask(shop.latest_buyers)
    if not found:
        return
    shown = {
        f"Net spend, {view.currency}": (number(found["total_spend"]), "mart.revenue_concentration.total_spend"),
        "From the top buyers": (pct(found["top_share_pct"]), "mart.revenue_concentration.top_share_pct"),
    }
    if month:
        st.caption(f"Buyers who ordered again: in {month_name(month['month'])}, the last closed month")
        shown["Ordered again"] = (pct(month["retained_pct"]), "mart.order_retention_monthly.monthly_retention_rate")
        shown["Ordered at least twice"] = (
            pct(month["repeat_pct"]),
            "mart.order_retention_monthly.repeat_purchase_rate",
        )
    figures(shown)
