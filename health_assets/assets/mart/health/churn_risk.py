"""Churn risk of each account on the as-of day: factors with points that add up, each with its reason in a sentence.

A risk score is no probability: nothing in it is learned from the past. What is learned is made in
mart/health/churn_probability.py and is shown alongside. Health itself is mart/health/customer_health.py.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AccountOwner, AsOfDate, CompanyName, Count, Day, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, days_between
from health_assets.scoring.like_for_like import with_trend
from health_assets.scoring.own_metrics import with_own_metrics
from health_assets.scoring.risk_factors import risk_factors
from health_assets.scoring.risk_score import AT_RISK, RISK_LEVELS, risk_signals, with_risk
from health_assets.scoring.scorecards import DIMENSIONS, TREND_DAYS, UNKNOWN, scorecards_in_use
from health_assets.scoring.signals import SIGNAL_KEY, joined_signals
from health_assets.settings import Settings
from health_assets.settings.risk import POINTS
from health_assets.tables import identity, table

SCORED_STATUSES = ["active", "trial", "suspended"]


class AccountChurnRisk(Contract):
    """Which accounts may churn, and for which reasons?

    Every account that is active, trial or suspended, whatever the scorecard's own filter. A factor that is not
    measured raises nothing.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    risk_level = dy.Enum(
        RISK_LEVELS, description="critical, high, medium, low by the rules in use; unknown = too little was measured"
    )
    risk_level_since = Day(
        "First of the unbroken days at this level or a worse one, by the facts of each day; null = neither high nor critical, "
        "or it is not known when it began: before the `attention.since_days` that are looked at, or with a raised factor that "
        "was measured for no account before"
    )
    risk_level_days = Count(
        "Unbroken days at this level or a worse one, the as-of day included; where risk_level_since is null at least so many; "
        "null = neither high nor critical, or not known",
        nullable=True,
    )
    risk_rules = dy.String(description="What the level follows: points (of the score), or the rule set's name")
    churn_risk_score = Score("Points of the raised factors, capped; null where too few factors could be measured")
    churn_probability = dy.Float64(
        nullable=True,
        min=0,
        max=1,
        description="What the model learned, 0-1, apart from the score; null = too little to learn from, or not an account "
        "that is observed: it does not pay, is too new, or has cancelled",
    )
    factor_count = Count("Factors raised")
    factors = dy.List(
        dy.Struct(
            {
                "factor": dy.String(),
                "points": dy.Float64(),
                "value": dy.Float64(),
                "threshold": dy.Float64(),
                "sentence": dy.String(),
                "mrr": dy.Float64(nullable=True),
            }
        ),
        description="The raised factors, most points first, then by name: value, threshold, both in a "
        "sentence, and the MRR that it touches, the account's",
    )
    unmeasured_factors = dy.List(
        dy.String(), description="The factors that could not be measured, most points first, then by name"
    )
    coverage = dy.Float64(min=0, max=1, description="Points of the factors that were measured / of all, 0-1")
    company_name = CompanyName()
    account_owner = AccountOwner()
    mrr = Money("Monthly recurring revenue; null = unknown", nullable=True)
    usage_change_pct = dy.Float64(
        nullable=True,
        min=-100,
        description="Events of 30 days against the 30 before, in %; null where those had none or were not measured",
    )
    is_on_watch_list = dy.Bool(nullable=True, description="Whether the score reaches the watch list; null = no score")

    @dy.rule()
    def factor_count__is_of_factors(cls) -> pl.Expr:
        """The number of factors is that of the factors listed."""
        return pl.col("factors").list.len() == pl.col("factor_count")

    @dy.rule()
    def risk_level__unknown_without_score(cls) -> pl.Expr:
        """The risk level is unknown where there is no risk score, and nowhere else."""
        by_rule_set = pl.col("risk_rules") != POINTS
        return by_rule_set | ((pl.col("risk_level") == UNKNOWN) == pl.col("churn_risk_score").is_null())


@table(AccountChurnRisk)
def mart_churn_risk(
    mart_customer_health: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    mart_churn_probability: pl.LazyFrame,
    fact_account_metrics: pl.LazyFrame,
    fact_measured_signals: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """Risk of the accounts of the as-of day."""
    revenue = signals["fact_account_revenue_daily"].drop(
        "mrr", "account_status"
    )  # the as-of day's are those of dim_account
    by_day = list({**signals, "fact_account_revenue_daily": revenue}.values())
    today = _risk_of_today(mart_customer_health, by_day, fact_account_metrics, dim_account, settings, as_of)
    first_day = as_of - timedelta(days=settings.attention.since_days)
    since = _risk_since(
        today.filter(pl.col("risk_level").is_in(AT_RISK)),
        mart_customer_health_daily,
        by_day,
        fact_account_metrics,
        fact_measured_signals,
        settings,
        first_day,
    )
    probabilities = mart_churn_probability.select("account_id", "churn_probability")
    return (
        today.join(since, on="account_id", how="left", validate="1:1")
        .join(probabilities, on="account_id", how="left", validate="1:1")
        .with_columns(usage_change_pct=100 * pl.col("usage_change_ratio"))
        .sort("account_id")
        .select(AccountChurnRisk.column_names())
    )


def _risk_of_today(
    mart_customer_health: pl.LazyFrame,
    signals: Sequence[pl.LazyFrame],
    fact_account_metrics: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Risk of the accounts of the as-of day, by health as it is shown, set by hand or not. Grain: account_id."""
    accounts = dim_account.filter(pl.col("account_status").is_in(SCORED_STATUSES)).select(
        "account_id", "company_name", "account_owner", "mrr", as_of_date=pl.lit(as_of)
    )
    health = mart_customer_health.select("account_id", "health_score", "computed_health_score", "trend_30d")
    return (
        joined_signals(accounts, *(signal.filter(pl.col("as_of_date") == as_of) for signal in signals))
        .join(health, on="account_id", how="left", validate="1:1")
        .pipe(with_own_metrics, fact_account_metrics, risk_signals(settings.churn_risk))
        .pipe(with_risk, settings.churn_risk)
    )


def _risk_since(
    at_risk: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    signals: Sequence[pl.LazyFrame],
    fact_account_metrics: pl.LazyFrame,
    fact_measured_signals: pl.LazyFrame,
    settings: Settings,
    first_day: date,
) -> pl.LazyFrame:
    """When each account at risk reached its level, by the risk of each day, from the facts of that day.

    A level that begins with the first day of a signal, such as the CRM's status with the first load, may be older.
    Grain: account_id.
    """
    as_bad = pl.col("risk_level").cast(pl.Enum(RISK_LEVELS)).to_physical() <= pl.col("level_now").to_physical()
    accounts = at_risk.select("account_id", "mrr", last_day="as_of_date", level_now="risk_level")
    days = accounts.with_columns(as_of_date=pl.date_ranges(pl.lit(first_day), "last_day")).explode(
        "as_of_date", empty_as_null=False, keep_nulls=False
    )
    known = [
        signal.filter(pl.col("as_of_date") >= first_day).join(accounts, on="account_id", how="semi")
        for signal in signals
    ]
    day = pl.col("as_of_date")
    compared = day >= first_day - timedelta(days=TREND_DAYS)
    raised = pl.col("factors").list.eval(pl.element().struct.field("factor"))
    since = day.filter(
        day > day.filter(~as_bad).max().fill_null(date.min)
    ).min()  # null = by what was set by hand alone
    return (
        risk_of_days(days, mart_customer_health_daily.filter(compared), known, fact_account_metrics, settings)
        .join(_begun_factors(fact_measured_signals, settings), on="as_of_date", how="left", validate="m:1")
        .with_columns(has_begun=raised.list.set_intersection("begun_factors").list.len().fill_null(0) > 0)
        .group_by("account_id")
        .agg(since=since, has_begun=pl.col("has_begun").filter(day == since).first(), last_day=day.max())
        .with_columns(is_older=pl.col("since") == first_day)
        .with_columns(is_known=~pl.col("is_older") & ~pl.col("has_begun"))
        .select(
            "account_id",
            risk_level_since=pl.when("is_known").then("since"),
            risk_level_days=pl.when(pl.col("is_known") | pl.col("is_older")).then(
                days_between(pl.col("since"), pl.col("last_day")) + 1
            ),
        )
    )


def _begun_factors(fact_measured_signals: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """The factors that read a signal on the first day on which it was measured for any account. Grain: as_of_date."""
    reads = [
        (factor, signal)
        for factor, of_factor in risk_factors(settings.churn_risk.factors).items()
        for signal in of_factor.is_raised.meta.root_names()
    ]
    return (
        fact_measured_signals.group_by("signal")
        .agg(as_of_date=pl.col("first_date").min())
        .join(
            pl.LazyFrame(reads, schema={"factor": pl.String, "signal": pl.String}, orient="row"),
            on="signal",
            how="inner",
            validate="1:m",
        )
        .group_by("as_of_date")
        .agg(begun_factors=pl.col("factor").unique())
    )


def risk_of_days(
    days: pl.LazyFrame,
    mart_customer_health_daily: pl.LazyFrame,
    signals: Sequence[pl.LazyFrame],
    fact_account_metrics: pl.LazyFrame,
    settings: Settings,
) -> pl.LazyFrame:
    """The days with health, trend and risk, by the facts of each day.

    Args:
        days: account_id, as_of_date, mrr; one row each.
        mart_customer_health_daily: these days and those that the trend compares them with.
        signals: the account x day facts.
        fact_account_metrics: a company's own metrics.
        settings: the company's.
    """
    compared = pl.concat(
        [days.select(SIGNAL_KEY), days.select("account_id", pl.col("as_of_date").dt.offset_by(f"-{TREND_DAYS}d"))]
    )
    health = (
        mart_customer_health_daily.join(compared.unique(), on=SIGNAL_KEY, how="semi")
        .pipe(with_trend, scorecards_in_use(settings), TREND_DAYS)
        .select(
            *SIGNAL_KEY,
            *("scorecard", "health_score", "health_band", "trend_30d"),
            *(f"{dimension}_score" for dimension in DIMENSIONS),
            computed_health_score="health_score",
        )
    )
    of_days = [signal.join(days, on=SIGNAL_KEY, how="semi") for signal in signals]
    return (
        joined_signals(days, *of_days, health)
        .pipe(with_own_metrics, fact_account_metrics, risk_signals(settings.churn_risk))
        .pipe(with_risk, settings.churn_risk)
    )


@identity(of=mart_churn_risk)
def mrr__of_all_levels_is_total(mart_churn_risk: pl.LazyFrame, dim_account: pl.LazyFrame) -> pl.LazyFrame:
    """MRR over all risk levels, unknown included, equals total MRR."""
    total = dim_account.select(total_mrr=pl.col("mrr").sum())
    return (
        mart_churn_risk.select(pl.col("mrr").sum())
        .join(total, how="cross")
        .filter((pl.col("mrr") - pl.col("total_mrr")).abs() >= CENT)
    )
