"""How is the product used, and by whom?"""

import polars as pl
import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View
from health_assets.reporting.marts import rows_of

USAGE = ("usage_events",)


def show(view: View) -> None:
    """Features, adoption over time, cohorts, accounts, time to first value."""
    view.heading("Product", "How is the product used, and by whom?")
    if view.part("Features in 30 days", "mart.feature_adoption", sources=USAGE):
        features = view.ask(rows_of, "mart.feature_adoption", ("*",), "adoption_pct desc nulls last, feature_name")
        charts.draw(charts.bars(features, "feature_name", "adoption_pct", "% of active accounts"), "Feature adoption")
        view.table(features, "Feature adoption", "mart.feature_adoption")
    if view.part("Adoption over time", "mart.feature_adoption_monthly", sources=USAGE):
        _over_time(view)
    if view.part("Engagement cohorts", "mart.engagement_cohorts", sources=USAGE, measured="engagement_retention_pct"):
        cohorts = view.ask(rows_of, "mart.engagement_cohorts", ("*",), "cohort_month, month_offset")
        st.caption("Share of the accounts of each first paid month with an active user in the month")
        chart = charts.cohorts(cohorts, "engagement_retention_pct", "accounts active, %")
        charts.draw(chart, "Active accounts by cohort and month")
    if view.part("Accounts", "mart.account_engagement", sources=USAGE, measured="active_user_day_count_30d"):
        view.mart(
            "Engagement by account", "mart.account_engagement", "active_user_day_count_30d desc nulls last, account_id"
        )
    if view.part("Time to first value", "mart.time_to_first_value"):
        view.mart("Time to first value", "mart.time_to_first_value", "signup_date desc, account_id")


def _over_time(view: View) -> None:
    months = view.ask(
        rows_of, "mart.feature_adoption_monthly", ("*",), "month, feature_name", None, "dimension_type = 'all'"
    )
    features = months["feature_name"].unique().sort().to_list()
    chosen = st.multiselect("Features", features, default=features[:3], max_selections=5) or features[:3]
    wide = months.filter(pl.col("feature_name").is_in(chosen)).pivot(
        "feature_name", index="month", values="adoption_pct", maintain_order=True
    )
    shown = {name: name for name in chosen if name in wide.columns}
    charts.draw(charts.lines(wide, "month", shown, "% of active accounts", zero=True), "Feature adoption by month")
