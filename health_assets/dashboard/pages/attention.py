"""Which accounts are to be contacted, why, and what is the next step?"""

from typing import Any

import polars as pl
import streamlit as st

from health_assets.dashboard.pages.account import CHOSEN
from health_assets.dashboard.view import View, words
from health_assets.reporting import portfolio
from health_assets.reporting.definitions import described as definition
from health_assets.reporting.formatting import counted, money

FILTERS = ("account_owner", "segment", "plan_tier", "health_band", "region")
LEVELS = {"critical_risk": "critical risk", "high_risk": "high risk", "low_health": "low health", "renewal": "renewal"}
COLUMNS = (
    "attention_rank", "name", "attention_level", "health_band", "health_score", "trend_30d", "weekly_health", "mrr",
    "reason", "next_step", "next_step_days", "account_owner", "days_to_renewal", "days_in_band", "since_date", "segment",
    "plan_tier", "region", "account_id",
)  # fmt: skip
FROM_HEALTH = ("days_in_band", "trend_30d", "health_score")


def show(view: View, account_page: Any) -> None:
    """The list with its filters; choosing a row opens the account."""
    view.heading("Attention list", "Which accounts are to be contacted, why, and what is the next step?")
    accounts = view.ask(portfolio.attention_frame) if view.has("mart.attention_list") else pl.DataFrame()
    if accounts.is_empty():
        st.success(
            "Nobody: no account is known to have high churn risk, a low health band, or a renewal at low health.",
            icon="✅",
        )
        return
    chosen = _filtered(accounts)
    st.markdown(
        f"**{counted(chosen.height, 'account')}** with **{money(chosen['mrr'].sum(), view.currency)}** MRR. "
        "Choose a row to open the account."
    )
    bands = {band: f"{mark.symbol} {band}" for band, mark in view.bands.items()}
    shown = chosen.select(COLUMNS).with_columns(
        health_band=pl.col("health_band").replace(bands), attention_level=pl.col("attention_level").replace(LEVELS)
    )
    dim = {name: f"dim.account.{name}" for name in ("segment", "plan_tier", "region", "account_id")}
    described = dim | {name: f"mart.customer_health.{name}" for name in FROM_HEALTH}
    described["name"] = "mart.attention_list.company_name"
    weekly = st.column_config.LineChartColumn(
        "12 weeks",
        help="Health score, 0-100, on the as-of day and on the same weekday of the 11 weeks before.",
        y_min=0,
        y_max=100,
    )
    wide = {
        name: st.column_config.TextColumn(words(name), help=definition(f"mart.attention_list.{name}"), width="large")
        for name in ("reason", "next_step")
    }
    event = view.table(
        shown, "Attention list", "mart.attention_list", described, {"weekly_health": weekly} | wide, on_select="rerun",
        selection_mode="single-row", key="attention",
    )  # fmt: skip
    if event.selection.rows:
        st.session_state[CHOSEN] = shown["account_id"][event.selection.rows[0]]
        st.switch_page(account_page)


def _filtered(accounts: pl.DataFrame) -> pl.DataFrame:
    for name, place in zip(FILTERS, st.columns(len(FILTERS)), strict=True):
        with place:
            values = accounts[name].drop_nulls().unique().sort().to_list()
            if given := st.multiselect(words(name), values, key=f"filter-{name}"):
                accounts = accounts.filter(pl.col(name).is_in(given))
    return accounts
