"""Churn risk from its factors: points add up to a score, the score or a rule set gives a level.

The factors are in scoring/risk_factors.py, the accounts that are scored in mart/health/churn_risk.py.
"""

import polars as pl

from health_assets.contracts.expressions import banded, first_match, safe_ratio
from health_assets.scoring.risk_factors import risk_factors
from health_assets.scoring.scorecards import UNKNOWN
from health_assets.scoring.signals import with_missing_as_null
from health_assets.settings import risk as risk_settings
from health_assets.settings.risk import POINTS, ChurnRisk, LevelRule

RISK_LEVELS = [*risk_settings.RISK_LEVELS, UNKNOWN]
AT_RISK = ["high", "critical"]


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
    unmeasured = [pl.when(is_raised[name].is_null()).then(pl.lit(name)) for name in factors]
    points = {name: factor.setting.points for name, factor in factors.items()}
    measured = pl.sum_horizontal(
        is_raised[name].is_not_null().cast(pl.Float64) * worth for name, worth in points.items()
    )
    total = pl.sum_horizontal(
        is_raised[name].fill_null(False).cast(pl.Float64) * worth for name, worth in points.items()
    )
    return (
        with_missing_as_null(signals, risk_signals(risk))
        .with_columns(factor.is_raised.alias(f"{name}_is_raised") for name, factor in factors.items())
        .with_columns(
            factors=pl.concat_list(raised).list.drop_nulls(),
            unmeasured_factors=pl.concat_list(unmeasured).list.drop_nulls(),
            coverage=measured / sum(points.values()),
        )
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


def risk_signals(risk: ChurnRisk) -> set[str]:
    """Every signal that the factors, and the rule set in use, read."""
    factors = risk_factors(risk.factors).values()
    read = [expression for factor in factors for expression in (factor.is_raised, factor.value, factor.sentence)]
    rules = () if risk.rules == POINTS else risk.rule_sets[risk.rules].values()
    read += [pl.sql_expr(rule.when) for rule in rules if rule.when]
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
    known = [holds(limit) for holds, limit in conditions if limit is not None]
    known += [pl.sql_expr(rule.when)] if rule.when else []
    return pl.any_horizontal(pl.lit(False), *(condition.fill_null(False) for condition in known))
