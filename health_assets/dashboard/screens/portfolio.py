"""How healthy are the customers as a whole, and what changed?"""

import polars as pl
import streamlit as st

from health_assets.dashboard import charts
from health_assets.dashboard.view import NO_DIRECTION, View, figure, figure_row, month_label
from health_assets.reporting import data_quality, portfolio, revenue
from health_assets.reporting.formatting import counted, number, pct, spaced
from health_assets.scoring.scorecards import low_bands

WEEK = 7
DRIVERS = 8


def show(view: View) -> None:
    """Bands, MRR at risk, retention, movements, drivers, freshness."""
    view.heading("Portfolio", "How healthy are the customers as a whole, and what changed?")
    _freshness(view)
    _figures(view)
    _bands(view)
    left, right = st.columns(2)
    with left:
        _retention(view)
    with right:
        _waterfall(view)
    _changes(view)
    _drivers(view)


def _freshness(view: View) -> None:
    if not view.holds("main.sources"):
        return
    for source in view.ask(data_quality.stale_sources):
        st.warning(f"`{source['source']}` {source['meaning']}.", icon="⚠️")


def _figures(view: View) -> None:
    risk = view.ask(portfolio.mrr_at_risk) if view.has("mart.churn_risk") else None
    retention = view.ask(revenue.latest_retention) if view.has("mart.net_revenue_retention") else None
    with figure_row():
        note = "Of all scored accounts."
        count = counted(risk["account_count"], "account") if risk else "no account"
        amount, source = number(risk["mrr"] if risk else None), "mart.customer_health.mrr"
        figure(f"MRR, {view.currency}", amount, source, count, note, **NO_DIRECTION)
        at_risk, share = portfolio.known_mrr_at_risk(risk) if risk else (None, "")
        source = "mart.executive_summary_monthly.mrr_at_risk"
        note = f"High or critical churn risk, in {view.currency}."
        figure("MRR at churn risk", number(at_risk), source, share, note, **NO_DIRECTION)
        low = low_bands(view.settings)
        in_low = view.ask(portfolio.low_band_accounts, tuple(low)) if view.has("mart.customer_health") else None
        source = "mart.customer_health.is_low_band"
        figure("In low health bands", number(in_low), source, ", ".join(spaced(band) for band in low), **NO_DIRECTION)
        month = f"{retention['month']:%b %Y}" if retention else "no closed month"
        for label, column in (("NRR", "nrr_pct"), ("GRR", "grr_pct")):
            value = pct(retention[column]) if retention else pct(None)
            figure(label, value, f"mart.net_revenue_retention.{column}", month, **NO_DIRECTION)


def _bands(view: View) -> None:
    st.subheader("Accounts and MRR by health band")
    if not view.has("mart.executive_summary_monthly"):
        view.missing("The history of health bands", "usage_events", "support_tickets", "subscriptions")
        return
    bands = view.ask(portfolio.bands_over_time)
    if bands.is_empty():
        view.missing("The history of health bands", "usage_events", "support_tickets", "subscriptions")
        return
    st.caption("At the end of each month; the last bar is the as-of day.")
    charts.legend(view.bands)
    left, right = st.columns(2)
    with left:
        charts.draw(
            charts.stacked(bands, "month", "account_count", "health_band", view.bands, "accounts"),
            "Accounts by health band, month by month",
        )
    with right:
        unit = f"MRR, {view.currency}"
        charts.draw(
            charts.stacked(bands, "month", "mrr", "health_band", view.bands, unit), "MRR by health band, month by month"
        )


def _retention(view: View) -> None:
    st.subheader("Net and gross retention")
    if not view.has("mart.net_revenue_retention"):
        view.missing("Retention", "subscriptions")
        return
    months = view.ask(revenue.monthly_retention).filter(~pl.col("is_partial"))
    st.caption("Of 12 months where there is a year of history; closed months only.")
    shown = {"nrr_pct": "NRR, month", "grr_pct": "GRR, month"}
    if months["trailing_12m_nrr_pct"].count():
        shown = {"trailing_12m_nrr_pct": "NRR, 12 months", "trailing_12m_grr_pct": "GRR, 12 months"}
    charts.draw(charts.lines(months, "month", shown, "%"), "Net and gross revenue retention")


def _waterfall(view: View) -> None:
    st.subheader("MRR this month")
    steps = view.ask(revenue.waterfall, None) if view.has("mart.net_revenue_retention") else []
    if not steps:
        view.missing("The movement of MRR", "subscriptions")
        return
    month = view.ask(revenue.monthly_retention).row(-1, named=True)
    st.caption(
        f"{month_label(month['month'], is_partial=month['is_partial'])}, {view.currency}; the axis may start above 0"
    )
    charts.draw(
        charts.waterfall(steps, view.currency, revenue.TOTALS), "How MRR moved from the start of the month to its end"
    )


def _changes(view: View) -> None:
    st.subheader("Moved to another band in the last 7 days")
    changes = view.ask(portfolio.band_changes, WEEK) if view.has("mart.customer_health") else pl.DataFrame()
    if changes.is_empty():
        st.caption("No account changed its band.")
        return
    described = {"from_band": "mart.customer_health.previous_band", "to_band": "mart.customer_health.health_band"}
    view.table(changes, "Band changes of the last week", "mart.customer_health", described)


def _drivers(view: View) -> None:
    st.subheader("What drives the MRR at churn risk")
    drivers = view.ask(portfolio.risk_drivers, DRIVERS) if view.has("mart.risk_drivers") else []
    if not drivers:
        st.caption("No account has high or critical churn risk, or churn risk is not measured.")
        return
    rows = pl.DataFrame(drivers).with_columns(factor=pl.col("factor").str.replace_all("_", " "))
    st.caption(
        "MRR of the accounts with high or critical churn risk, by the factors they raise. An account may raise several, so "
        "the bars do not add up."
    )
    unit = f"MRR at churn risk, {view.currency}"
    charts.draw(charts.bars(rows, "factor", "mrr_at_risk", unit), "Factors behind the MRR at churn risk")
