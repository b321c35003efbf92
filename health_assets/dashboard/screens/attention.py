"""Which accounts are to be contacted, why, and what is the next step?"""

from functools import partial
from typing import Any

import polars as pl
import streamlit as st

from health_assets.alerts.wording import THRESHOLD
from health_assets.dashboard.screens.account import CHOSEN
from health_assets.dashboard.view import View
from health_assets.reporting import portfolio
from health_assets.reporting.formatting import counted, money
from health_assets.reporting.labels import heading, worded

FILTERS = ("account_owner", "segment", "plan_tier", "health_band", "region")
COLUMNS = (
    "attention_rank", "name", "attention_level", "health_score", "mrr", "reason", "next_step", "account_owner",
    "next_step_days", "weekly_health", "next_step_owner_role", "health_band", "trend_30d", "days_to_renewal", "days_in_band",
    "since_date", "segment", "plan_tier", "region", "account_id",
)  # fmt: skip
WIDTHS = {  # pixels; a longer text takes several lines
    "attention_rank": 34, "name": 102, "attention_level": 84, "health_score": 56, "mrr": 76, "reason": 288, "next_step": 136,
    "account_owner": 84, "next_step_days": 84, "weekly_health": 60,
}  # fmt: skip
LINE_HEIGHT, MARGIN, LETTER_WIDTH, SCROLLED_HEIGHT = 19, 14, 6, 900  # pixels
FEWEST_LINES = 3  # of a row: names and next steps take so many
UNSCROLLED = 12  # accounts
WEEKLY = "Health score, 0-100, on the as-of day and on the same weekday of the 11 weeks before."
FROM_HEALTH = ("days_in_band", "trend_30d", "health_score")


def show(view: View, account_page: Any) -> None:
    """The list with its filters; choosing a row opens the account."""
    view.heading("Attention list", "Which accounts are to be contacted, why, and what is the next step?")
    accounts = view.ask(portfolio.attention_frame) if view.has("mart.attention_list") else pl.DataFrame()
    if accounts.is_empty():
        st.info(view.ask(portfolio.nobody_to_contact))
        return
    chosen = _filtered(view, accounts)
    st.markdown(
        f"**{counted(chosen.height, 'account')}** with **{money(portfolio.mrr_of(chosen), view.currency)}** MRR. "
        "Choose a row to open the account."
    )
    shown = chosen.with_columns(attention_level=_level_and_since(), reason=_briefly()).select(COLUMNS)
    described = {name: f"dim.account.{name}" for name in ("segment", "plan_tier", "region", "account_id")}
    described |= {name: f"mart.customer_health.{name}" for name in FROM_HEALTH}
    described["name"] = "mart.attention_list.company_name"
    weekly = st.column_config.LineChartColumn(heading("weekly_health"), help=WEEKLY, y_min=0, y_max=100)
    event = view.table(
        shown, "Attention list", "mart.attention_list", described, {"weekly_health": weekly}, widths=WIDTHS,
        row_height=_row_height(shown), height="content" if shown.height <= UNSCROLLED else SCROLLED_HEIGHT,
        on_select="rerun", selection_mode="single-row", key="attention",
    )  # fmt: skip
    if event.selection.rows:
        st.session_state[CHOSEN] = shown["account_id"][event.selection.rows[0]]
        st.switch_page(account_page)


def _filtered(view: View, accounts: pl.DataFrame) -> pl.DataFrame:
    for name, place in zip(FILTERS, st.columns(len(FILTERS)), strict=True):
        with place:
            values = accounts[name].drop_nulls().unique().sort().to_list()
            given = st.multiselect(
                heading(name), values, key=f"filter-{name}", format_func=partial(_spoken, view, name)
            )
            if given:
                accounts = accounts.filter(pl.col(name).is_in(given))
    return accounts


def _spoken(view: View, name: str, value: str) -> str:
    return view.bands_in_words.get(value, value) if name == "health_band" else worded(value, name)


def _briefly() -> pl.Expr:
    """The reason without thresholds, and at low health without the health, which has a column of its own."""
    brief = pl.col("reason").str.replace_all(THRESHOLD.pattern, "")
    is_low = pl.col("attention_level") == "low_health"
    return pl.when(is_low).then(brief.str.replace(r"^Health [^;]*; ", "").pipe(_capitalised)).otherwise(brief)


def _capitalised(text: pl.Expr) -> pl.Expr:
    return text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)


def _row_height(shown: pl.DataFrame) -> int:
    """Room for the longest text of a row, in pixels."""
    lines = [
        len(text) * LETTER_WIDTH // (WIDTHS[name] - MARGIN) + 1
        for name in ("reason", "next_step", "attention_level")
        for text in shown[name].drop_nulls()
    ]
    return MARGIN + LINE_HEIGHT * max([FEWEST_LINES, *lines])


def _level_and_since() -> pl.Expr:
    level = pl.col("attention_level").replace(portfolio.LEVELS)
    more_than = pl.format(" for more than {} days", pl.col("held_days") - 1)
    since = pl.coalesce(pl.format(" since {}", pl.col("since_date").cast(pl.String)), more_than, pl.lit(""))
    return pl.concat_str(level, since)
