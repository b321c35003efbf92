"""Which accounts are to be contacted, why, and what is the next step?"""

from typing import Any

import polars as pl
import streamlit as st

from health_assets.dashboard.pages.account import CHOSEN
from health_assets.dashboard.view import View, plain, words
from health_assets.reporting import portfolio
from health_assets.reporting.definitions import described as definition
from health_assets.reporting.formatting import counted, money, next_step, owner_of

FILTERS = ("account_owner", "segment", "plan_tier", "health_band", "region")
COLUMNS = (
    "attention_rank", "name", "health_score", "weekly_health", "mrr", "reason", "next_step", "attention_level",
    "account_owner", "next_step_days", "health_band", "trend_30d", "days_to_renewal", "days_in_band", "since_date",
    "segment", "plan_tier", "region", "account_id",
)  # fmt: skip
WIDTHS = {"reason": 330, "next_step": 250}  # pixels
IN_WORDS = 10  # accounts
FROM_HEALTH = ("days_in_band", "trend_30d", "health_score")


def show(view: View, account_page: Any) -> None:
    """The list with its filters; choosing a row opens the account."""
    view.heading("Attention list", "Which accounts are to be contacted, why, and what is the next step?")
    accounts = view.ask(portfolio.attention_frame) if view.has("mart.attention_list") else pl.DataFrame()
    if accounts.is_empty():
        st.info(view.ask(portfolio.nobody_to_contact))
        return
    chosen = _filtered(accounts)
    st.markdown(
        f"**{counted(chosen.height, 'account')}** with **{money(portfolio.mrr_of(chosen), view.currency)}** MRR. "
        "Choose a row to open the account."
    )
    shown = chosen.select(COLUMNS).with_columns(
        health_band=pl.col("health_band").replace(view.bands_in_words),
        attention_level=pl.col("attention_level").replace(portfolio.LEVELS),
    )
    dim = {name: f"dim.account.{name}" for name in ("segment", "plan_tier", "region", "account_id")}
    described = dim | {name: f"mart.customer_health.{name}" for name in FROM_HEALTH}
    described["name"] = "mart.attention_list.company_name"
    weekly = st.column_config.LineChartColumn(
        "12 weeks",
        help="Health score, 0-100, on the as-of day and on the same weekday of the 11 weeks before.",
        y_min=0,
        y_max=100,
        width=90,
    )
    rank = st.column_config.NumberColumn("#", help=definition("mart.attention_list.attention_rank"), width=40)
    wide = {
        name: st.column_config.TextColumn(words(name), help=definition(f"mart.attention_list.{name}"), width=width)
        for name, width in WIDTHS.items()
    }
    event = view.table(
        shown, "Attention list", "mart.attention_list", described,
        {"attention_rank": rank, "weekly_health": weekly} | wide,
        on_select="rerun", selection_mode="single-row", key="attention",
    )  # fmt: skip
    if event.selection.rows:
        st.session_state[CHOSEN] = shown["account_id"][event.selection.rows[0]]
        st.switch_page(account_page)
    _in_words(chosen.head(IN_WORDS))


def _filtered(accounts: pl.DataFrame) -> pl.DataFrame:
    for name, place in zip(FILTERS, st.columns(len(FILTERS)), strict=True):
        with place:
            values = accounts[name].drop_nulls().unique().sort().to_list()
            if given := st.multiselect(words(name), values, key=f"filter-{name}"):
                accounts = accounts.filter(pl.col(name).is_in(given))
    return accounts


def _in_words(accounts: pl.DataFrame) -> None:
    st.subheader("In words")
    for one in accounts.to_dicts():
        st.markdown(
            f"{one['attention_rank']}\\. **{plain(one['name'])}** ({plain(one['account_id'])}, "
            f"{portfolio.LEVELS[one['attention_level']]} since {one['since_date']}): {plain(one['reason'])}  \n"
            f":material/arrow_forward: "
            f"{plain(next_step(one['next_step'], one['next_step_owner_role'], one['next_step_days']))}, "
            f"{plain(owner_of(one['account_owner']))}"
        )
