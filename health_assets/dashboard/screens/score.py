"""Did low scores in the past precede churn, and better than simple baselines would have?"""

import polars as pl
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from health_assets.dashboard import charts
from health_assets.dashboard.view import View, figure, figure_row, figures, plain
from health_assets.reporting.backtest import backtest, meaning
from health_assets.reporting.churn_model import skill_in_words
from health_assets.reporting.formatting import counted, number, pct, spaced
from health_assets.reporting.labels import worded
from health_assets.reporting.marts import row_count, rows_of
from health_assets.scoring.backtest import HEALTH, NOT_ENOUGH, Findings, Interval, ScoreFindings
from health_assets.settings import Settings

MEASURED = "effect_30d is not null"


@st.cache_data(
    show_spinner="Comparing the published scores of every month with who left later; this may take a minute ...",
    max_entries=4,
)
def _findings(snapshot: str, _company: Settings) -> Findings | None:
    """The backtest of a snapshot, kept by its path."""
    return backtest(_company)


def show(view: View) -> None:
    """Backtest, calibration, drivers, model, effect of touchpoints."""
    view.heading(
        "Does the score work?", "Did low scores in the past precede churn, and better than simple baselines would have?"
    )
    if not view.scope.is_all:
        view.missing("The backtest")
        return
    st.subheader("Backtest")
    answer: DeltaGenerator | None = st.container()  # filled last: the rest of the page need not wait for it
    if not (view.has("fact.account_revenue_daily") or view.has("fact.account_commerce_daily")):
        view.missing("The backtest", "subscriptions", "orders")
        answer = None
    if view.part("Churn model", "mart.churn_model"):
        _model(view)
    if view.part("What drives churn risk", "mart.risk_drivers"):
        view.table(view.ask(rows_of, "mart.risk_drivers", ("*",), "driver_rank"), "Risk drivers", "mart.risk_drivers")
    if view.part("Effect of touchpoints", "mart.intervention_effect", sources=("touchpoints",)):
        _effects(view)
    if answer:
        with answer:
            _backtest(view, _findings(view.snapshot, view.settings))


def _effects(view: View) -> None:
    st.caption("Change of the score in the 30 days after a touchpoint, against untouched accounts of the same band")
    days, measured = (view.ask(row_count, "mart.intervention_effect", where) for where in ("true", MEASURED))
    if measured < days:
        st.caption(
            f"{counted(measured, 'row')}; {number(days - measured)} more cannot be measured: the 30 days are not over, or there "
            "is no score or nobody to compare with."
        )
    if measured:
        view.mart("Effect of touchpoints", "mart.intervention_effect", "intervention_date desc, account_id", MEASURED)


def _backtest(view: View, findings: Findings | None) -> None:
    if findings is None:
        st.info("There is not enough history: no account was a customer early enough.", icon="ℹ️")
        return
    rules = view.settings.backtest
    st.caption(
        f"{counted(len(findings.days), 'observation day')} from {findings.days[0]} to {findings.days[-1]}, "
        f"{counted(findings.rows, 'row')}; churned = {rules.lead_days} to {rules.lead_days + rules.horizon_days} days later"
    )
    for tab, found in zip(
        st.tabs([name.capitalize() for name in findings.scores]), findings.scores.values(), strict=True
    ):
        with tab:
            _score(found)
    if HEALTH in findings.scores and findings.scores[HEALTH].conclusion != NOT_ENOUGH:
        _bands(view, findings)
    if findings.calibration_slope is not None:
        with figure_row():
            skill, slope = number(findings.brier_skill, 3), number(findings.calibration_slope, 2)
            figure("Brier skill", skill, note="0 = no better than the churn rate of each day.")
            figure("Calibration slope", slope, note="1 = right, below 1 = overconfident.")
        if findings.brier_skill is not None:
            st.caption(f"The model's probabilities are {plain(skill_in_words(findings.brier_skill))}.")


def _bands(view: View, findings: Findings) -> None:
    bands = pl.DataFrame(
        [
            {"band": spaced(one.band), "rows": one.rows, "rows churned": one.churned, "accounts churned": one.churned_accounts,
             "rate_pct": 100 * (one.rate.estimate or 0), "interval": _bounds(one.rate, 100)}
            for one in findings.bands if one.rows
        ]
    )  # fmt: skip
    st.markdown("**Share that churned, by health band**")
    st.caption("An account has a row on each observation day, and may have been in several bands.")
    if bands.height:
        charts.draw(charts.bars(bands, "band", "rate_pct", "% that churned"), "Share of accounts that churned, by band")
        view.table(bands, "Share that churned by band")


def _score(found: ScoreFindings) -> None:
    st.markdown(f"**Conclusion: {plain(found.conclusion)}** ({counted(found.churned_accounts, 'account')} left)")
    st.markdown(plain(meaning(found)))
    if found.conclusion == NOT_ENOUGH:
        return
    gains = {name: gain.estimate for name, gain in found.gains.items()}
    rows = [
        {
            "Ranking by": worded(name),
            "AUC": number(area.estimate, 3),
            "Interval": _bounds(area),
            "Gain of the score": number(gain, 3, "+") if (gain := gains.get(name)) is not None else "",
        }
        for name, area in found.auc.items()
    ]
    st.dataframe(pl.DataFrame(rows), hide_index=True, alt="How well each ranking found the accounts that left")
    if found.top_recall is not None:
        st.caption(
            f"The riskiest accounts: {pct(100 * (found.top_precision or 0))} of them left; they are "
            f"{pct(100 * found.top_recall)} of all that left."
        )


def _model(view: View) -> None:
    model = view.ask(rows_of, "mart.churn_model").row(0, named=True)
    shown = {
        "Rows learned from": (number(model["rows_learned"]), "rows_learned"),
        "Accounts that left": (number(model["churned_accounts"]), "churned_accounts"),
        "Features": (number(model["feature_count"]), "feature_count"),
        "Brier skill": (number(model["brier_skill"], 3), "brier_skill"),
    }
    figures(shown, "mart.churn_model")
    if model["brier_skill"] is not None:
        enough = model["brier_skill"] >= view.settings.churn_model.shown_from_skill
        hidden = "" if enough else " No page shows its probabilities: that is hardly better than nothing."
        st.markdown(
            f"**On accounts it had not seen, the model is {plain(skill_in_words(model['brier_skill']))}.**{hidden}"
        )
    if model["reason"]:
        st.info(f"No probability is published: {plain(model['reason'])}", icon="ℹ️")


def _bounds(interval: Interval, factor: int = 1) -> str:
    if interval.low is None or interval.high is None:
        return ""
    decimals = 1 if factor > 1 else 3
    return f"{number(factor * interval.low, decimals)} to {number(factor * interval.high, decimals)}"
