"""Churn risk of each account on the as-of day: factors with points that add up, each with its reason in a sentence.

A risk score is no probability: nothing in it is learned from the past. What is learned is made in
mart/health/churn_probability.py and stands beside it. Health itself is mart/health/customer_health.py.
"""

from collections.abc import Iterable
from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.columns import AccountId, AccountOwner, AsOfDate, CompanyName, Count, Money, Score
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import CENT, banded, first_match, safe_ratio
from health_assets.scoring.risk_factors import RiskFactor, risk_factors
from health_assets.scoring.scorecards import UNKNOWN, joined_signals, with_missing_as_null
from health_assets.settings import Settings, sections
from health_assets.settings.sections import POINTS, ChurnRisk, LevelRule
from health_assets.tables import identity, table

RISK_LEVELS = [*sections.RISK_LEVELS, UNKNOWN]
AT_RISK = ["high", "critical"]
SCORED_STATUSES = ["active", "trial", "suspended"]


class AccountChurnRisk(Contract):
    """Which accounts may leave, and for which reasons?

    Every account that is active, trial or suspended, whatever the scorecard's own filter. A factor that is not
    measured raises nothing.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate(primary_key=False)
    risk_level = dy.Enum(
        RISK_LEVELS, description="critical, high, medium, low by the rules in use; unknown = too little was measured"
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
    coverage = dy.Float64(min=0, max=1, description="Points of the factors that were measured / of all, 0-1")
    company_name = CompanyName()
    account_owner = AccountOwner()
    mrr = Money("Monthly recurring revenue; null = not known", nullable=True)
    usage_change_pct = dy.Float64(
        nullable=True,
        min=-100,
        description="Events of 30 days against the 30 before, in %; null where those had none or were not measured",
    )
    is_on_watch_list = dy.Bool(nullable=True, description="Whether the score reaches the watch list; null = no score")

    @dy.rule()
    def factor_count__is_of_factors(cls) -> pl.Expr:
        return pl.col("factors").list.len() == pl.col("factor_count")

    @dy.rule()
    def risk_level__unknown_without_score(cls) -> pl.Expr:
        by_rule_set = pl.col("risk_rules") != POINTS
        return by_rule_set | ((pl.col("risk_level") == UNKNOWN) == pl.col("churn_risk_score").is_null())


@table(AccountChurnRisk)
def mart_churn_risk(
    mart_customer_health: pl.LazyFrame,
    mart_churn_probability: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    fact_account_usage_daily: pl.LazyFrame,
    fact_account_adoption_daily: pl.LazyFrame,
    fact_account_support_daily: pl.LazyFrame,
    fact_account_satisfaction_daily: pl.LazyFrame,
    fact_account_security_daily: pl.LazyFrame,
    fact_account_commerce_daily: pl.LazyFrame,
    fact_account_device_daily: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Risk of the accounts of the as-of day."""
    accounts = dim_account.filter(pl.col("account_status").is_in(SCORED_STATUSES)).select(
        "account_id", "company_name", "account_owner", "mrr", as_of_date=pl.lit(as_of)
    )
    health = mart_customer_health.select("account_id", "health_score", "computed_health_score", "trend_30d")
    revenue = fact_account_revenue_daily.drop("mrr", "account_status")  # the as-of day's are those of dim_account
    signals = (
        revenue,
        fact_account_usage_daily,
        fact_account_adoption_daily,
        fact_account_support_daily,
        fact_account_satisfaction_daily,
        fact_account_security_daily,
        fact_account_commerce_daily,
        fact_account_device_daily,
    )
    return (
        joined_signals(accounts, *(signal.filter(pl.col("as_of_date") == as_of) for signal in signals))
        .join(health, on="account_id", how="left", validate="1:1")
        .pipe(with_risk, settings.churn_risk)
        .join(
            mart_churn_probability.select("account_id", "churn_probability"),
            on="account_id",
            how="left",
            validate="1:1",
        )
        .with_columns(usage_change_pct=100 * pl.col("usage_change_ratio"))
        .sort("account_id")
        .select(AccountChurnRisk.column_names())
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


def with_risk(signals: pl.LazyFrame, risk: ChurnRisk) -> pl.LazyFrame:
    """The signals, each row an account as of a day, with factors, score, coverage and level."""
    factors = risk_factors(risk.factors)
    is_raised = {name: pl.col(f"{name}_is_raised") for name in factors}
    raised = [
        pl.when(is_raised[name]).then(
            pl.struct(
                factor=pl.lit(name),
                points=pl.lit(factor.setting.points, pl.Float64),
                value=factor.value.cast(pl.Float64),
                threshold=factor.threshold,
                sentence=factor.sentence,
                mrr="mrr",
            )
        )
        for name, factor in factors.items()
    ]
    points = {name: factor.setting.points for name, factor in factors.items()}
    measured = pl.sum_horizontal(
        is_raised[name].is_not_null().cast(pl.Float64) * worth for name, worth in points.items()
    )
    total = pl.sum_horizontal(
        is_raised[name].fill_null(False).cast(pl.Float64) * worth for name, worth in points.items()
    )
    return (
        with_missing_as_null(signals, _signal_names(factors.values()))
        .with_columns(factor.is_raised.alias(f"{name}_is_raised") for name, factor in factors.items())
        .with_columns(factors=pl.concat_list(raised).list.drop_nulls(), coverage=measured / sum(points.values()))
        .with_columns(
            factor_count=pl.col("factors").list.len().cast(pl.Int64),
            churn_risk_score=pl.when(pl.col("coverage") >= risk.min_coverage).then(
                pl.min_horizontal(total, pl.lit(risk.max_score))
            ),
        )
        .with_columns(
            risk_level=_level(risk).fill_null(UNKNOWN).cast(pl.Enum(RISK_LEVELS)),
            risk_rules=pl.lit(risk.rules),
            is_on_watch_list=pl.col("churn_risk_score") >= risk.watch_list_from,
        )
    )


def _signal_names(factors: Iterable[RiskFactor]) -> set[str]:
    """Every signal that the factors read."""
    read = (expression for factor in factors for expression in (factor.is_raised, factor.value, factor.sentence))
    return {name for expression in read for name in expression.meta.root_names()}


def _level(risk: ChurnRisk) -> pl.Expr:
    """The level by points, or by the rule set that the settings name; null where too little was measured."""
    if risk.rules == POINTS:
        return banded(pl.col("churn_risk_score"), risk.levels)
    cases = [(_holds(rule), level) for level, rule in risk.rule_sets[risk.rules].items()]
    return first_match([*cases, (pl.col("health_score").is_not_null(), "low")])


def _holds(rule: LevelRule) -> pl.Expr:
    """Whether any condition of a level holds; what is not measured, or not named by the rule, does not."""
    usage_ratio = safe_ratio(pl.col("event_count_30d"), pl.col("event_count_previous_30d"))
    conditions = [
        (pl.col("health_score").lt, rule.health_below),
        (usage_ratio.lt, rule.usage_ratio_below),
        (pl.col("escalated_ticket_count_90d").ge, rule.escalations_from),
        (pl.col("contraction_month_count_6m").ge, rule.contractions_from),
    ]
    return pl.any_horizontal(
        pl.lit(False), *(holds(limit).fill_null(False) for holds, limit in conditions if limit is not None)
    )
