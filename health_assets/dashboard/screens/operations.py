"""How well does the workflow that customers run on the product work, and is it worth its fee?"""

import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figures
from health_assets.reporting import workflow
from health_assets.reporting.formatting import counted, month_name, number, pct
from health_assets.reporting.marts import row_count

ITEMS = ("workflow_items",)
RATES = {"data_error_pct": "with data errors", "denial_pct": "denied"}
IN_LAST_CLOSED_MONTH = "month = (select max(month) from mart.operations_summary where not is_partial)"


def show(view: View) -> None:
    """Volume, quality, value, accounts that decline."""
    view.heading(
        "Operations", "How well does the workflow that customers run on the product work, and is it worth its fee?"
    )
    if not view.part("The workflow as a whole", "mart.operations_summary", sources=ITEMS):
        return
    if found := view.ask(workflow.latest_closed_month):
        st.caption(f"{month_name(found['month'])}, the last closed month")
        shown = {
            "Items processed": (number(found["tickets_processed"]), "tickets_processed"),
            "With data errors": (pct(found["data_error_pct"]), "data_error_rate"),
            "Denied": (pct(found["denial_pct"]), "denial_rate"),
            "Value to cost": (number(found["value_to_cost"], 2), "value_to_cost"),
            "Declining accounts": (number(found["at_risk_account_count"]), "at_risk_account_count"),
        }
        figures(shown, "mart.operations_summary")
    months = view.ask(workflow.monthly)
    left, right = st.columns(2)
    with left:
        items = charts.months(months, "month", "tickets_processed", "items")
        charts.draw(items, "Items processed by month", "Items processed in each month")
    with right:
        shown_rates = charts.lines(months, "month", RATES, "%", zero=True)
        charts.draw(shown_rates, "Data errors and denials by month", "Share of the items")
    if view.part("Declining accounts", "mart.operations_risk", sources=ITEMS):
        _declining(view)
    lists = (
        ("Value of the workflow", "mart.operations_roi", "net_value desc nulls last, account_id"),
        ("Volume and quality", "mart.operations_kpis", "tickets_processed desc nulls last, account_id"),
    )
    view.marts(lists, ITEMS, IN_LAST_CLOSED_MONTH)


def _declining(view: View) -> None:
    flagged = f"{IN_LAST_CLOSED_MONTH} and risk_score > 0"
    if not view.ask(row_count, "mart.operations_risk", flagged):
        st.success("No account raised a flag in the last closed month.", icon="✅")
        return
    least = counted(view.settings.workflow.at_risk_from, "flag")
    st.caption(f"Accounts with a flag in the last closed month, most flags first; declining = at least {least}")
    view.mart("Declining accounts", "mart.operations_risk", "risk_score desc, account_id", flagged)
