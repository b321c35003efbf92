"""Churn risk of each account on the as-of day: factors with points that add up, each with its reason in a sentence.

A risk score is no probability: nothing in it is learned from the past. What is learned is made in
mart/health/churn_probability.py and stands beside it. Health itself is mart/health/customer_health.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.mart.health.customer_health import TREND_DAYS
from health_assets.columns import AccountId, AsOfDate, Count, Money, Score
from health_assets.contracts import Contract
from health_assets.expressions import CENT, banded, first_match, rounded, safe_ratio
from health_assets.scorecards import UNKNOWN, joined_signals, with_missing_as_null
from health_assets.settings import Settings
from health_assets.settings.sections import POINTS, ChurnRisk, Factor, LevelRule
from health_assets.tables import identity, table

RISK_LEVELS = ["critical", "high", "medium", "low", UNKNOWN]
AT_RISK = ["high", "critical"]
SCORED_STATUSES = ["active", "trial", "suspended"]
OPTIONAL_SIGNALS = (
    "nps_rating",
    "critical_incident_count_90d",
    "past_due_payment_count",
    "late_paid_payment_count_90d",
)


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


@dataclass(frozen=True)
class Reading:
    """What a factor looks at. `is_raised` is null where it is not measurable."""

    is_raised: pl.Expr
    value: pl.Expr
    sentence: pl.Expr
    threshold: pl.Expr | None = None  # where it is not the one of the settings


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
    fact_account_payment_daily: pl.LazyFrame,
    fact_account_device_daily: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Risk of the accounts of the as-of day."""
    accounts = dim_account.filter(pl.col("account_status").is_in(SCORED_STATUSES)).select(
        "account_id", "mrr", as_of_date=pl.lit(as_of)
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
        fact_account_payment_daily,
        fact_account_device_daily,
    )
    return (
        joined_signals(accounts, *(signal.filter(pl.col("as_of_date") == as_of) for signal in signals))
        .join(health, on="account_id", how="left", validate="1:1")
        .pipe(judged, settings.churn_risk)
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


def judged(signals: pl.LazyFrame, risk: ChurnRisk) -> pl.LazyFrame:
    """The signals, each row an account as of a day, with factors, score, coverage and level."""
    signals = with_missing_as_null(signals, OPTIONAL_SIGNALS)
    readings = _readings(risk.factors)
    most_points_first = sorted(risk.factors.items(), key=lambda factor: (-factor[1].points, factor[0]))
    raised = [
        pl.when(f"{name}_is_raised").then(
            pl.struct(
                factor=pl.lit(name),
                points=pl.lit(factor.points, pl.Float64),
                value=readings[name].value.cast(pl.Float64),
                threshold=_threshold(readings[name], factor),
                sentence=readings[name].sentence,
                mrr="mrr",
            )
        )
        for name, factor in most_points_first
    ]
    points = {f"{name}_is_raised": factor.points for name, factor in risk.factors.items()}
    measured = pl.sum_horizontal(pl.col(name).is_not_null().cast(pl.Float64) * worth for name, worth in points.items())
    scored = pl.sum_horizontal(pl.col(name).fill_null(False).cast(pl.Float64) * worth for name, worth in points.items())
    return (
        signals.with_columns(reading.is_raised.alias(f"{name}_is_raised") for name, reading in readings.items())
        .with_columns(factors=pl.concat_list(raised).list.drop_nulls(), coverage=measured / sum(points.values()))
        .with_columns(
            factor_count=pl.col("factors").list.len().cast(pl.Int64),
            churn_risk_score=pl.when(pl.col("coverage") >= risk.min_coverage).then(
                pl.min_horizontal(scored, pl.lit(risk.max_score))
            ),
        )
        .with_columns(
            risk_level=_level(risk).fill_null(UNKNOWN).cast(pl.Enum(RISK_LEVELS)),
            risk_rules=pl.lit(risk.rules),
            is_on_watch_list=pl.col("churn_risk_score") >= risk.watch_list_from,
        )
    )


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


def _threshold(reading: Reading, factor: Factor) -> pl.Expr:
    return pl.lit(factor.threshold, pl.Float64) if reading.threshold is None else reading.threshold.cast(pl.Float64)


def _readings(factors: Mapping[str, Factor]) -> dict[str, Reading]:
    """Each factor of metrics.md: when it is raised, and how that is said."""
    trend, score, computed = pl.col("trend_30d"), pl.col("health_score"), pl.col("computed_health_score")
    now, before = pl.col("event_count_30d"), pl.col("event_count_previous_30d")
    silent, contractions = pl.col("days_since_last_login"), pl.col("contraction_month_count_6m")
    overdue = _sum_of_measured("overdue_invoice_count", "past_due_payment_count")
    late = _sum_of_measured("late_paid_invoice_count_90d", "late_paid_payment_count_90d")
    escalated, renewal = pl.col("escalated_ticket_count_90d"), pl.col("days_to_renewal")
    csat, nps = pl.col("mean_csat_90d"), pl.col("nps_rating")
    tickets = pl.col("ticket_count_30d")
    features, categories = pl.col("feature_adoption_rate"), pl.col("feature_breadth_30d")
    adoption = pl.coalesce(features, categories)  # the catalogue of features comes first
    activation, incidents = pl.col("user_activation_rate"), pl.col("critical_incident_count_90d")
    limit = {name: factor.threshold for name, factor in factors.items()}
    payment, near, unhappy = factors["payment_trouble"], factors["renewal_near"], factors["low_satisfaction"]
    is_overdue = overdue >= payment.threshold
    is_unhappy = csat < unhappy.threshold
    shown = is_overdue.fill_null(False)
    rated_low = is_unhappy.fill_null(False)
    csat_shown, nps_shown = _number(csat, 1), _number(nps)
    return {
        "declining_health": Reading(
            trend < limit["declining_health"],
            trend,
            pl.format(
                f"Health fell {{}} points in {TREND_DAYS} days ({{}} -> {{}}), "
                f"more than {-limit['declining_health']:g}",
                _number(-trend),
                _number(computed - trend),
                _number(computed),
            ),
        ),
        "usage_halved": Reading(
            pl.when(before > 0).then(now < limit["usage_halved"] * before),
            safe_ratio(now, before),
            pl.format(
                "Usage fell {} % against the 30 days before ({} -> {} events), "
                f"below {limit['usage_halved']:g} x the level before",
                _number(100 - 100 * safe_ratio(now, before)),
                before,
                now,
            ),
        ),
        "low_engagement": Reading(
            silent > limit["low_engagement"],
            silent,
            pl.format(f"Nobody has logged in for {{}} days, more than {limit['low_engagement']:g}", silent),
        ),
        "revenue_contraction": Reading(
            contractions >= limit["revenue_contraction"],
            contractions,
            pl.format(
                f"MRR shrank in {{}} of the last 6 months ({limit['revenue_contraction']:g} raise this)", contractions
            ),
        ),
        "payment_trouble": Reading(
            _either(is_overdue, late >= payment.late_payments),
            pl.when(shown).then(overdue).otherwise(late),
            pl.when(shown)
            .then(pl.format(f"Past due and unpaid invoices: {{}} ({payment.threshold:g} raises this)", overdue))
            .otherwise(pl.format(f"Invoices paid late in 90 days: {{}} ({payment.late_payments} raise this)", late)),
            pl.when(shown).then(pl.lit(payment.threshold)).otherwise(pl.lit(payment.late_payments)),
        ),
        "escalations": Reading(
            escalated >= limit["escalations"],
            escalated,
            pl.format(f"{{}} tickets escalated in 90 days ({limit['escalations']:g} raise this)", escalated),
        ),
        "renewal_near": Reading(
            (renewal <= near.threshold) & (score < near.score_below),
            renewal,
            pl.format(
                f"Renewal in {{}} days (within {near.threshold:g}) at a health of {{}}, below {near.score_below:g}",
                renewal,
                _number(score),
            ),
        ),
        "low_satisfaction": Reading(
            _either(is_unhappy, nps <= unhappy.nps_at_most),
            pl.when(rated_low).then(csat).otherwise(nps),
            pl.when(rated_low)
            .then(pl.format(f"Tickets of 90 days are rated {{}} on average, below {unhappy.threshold:g}", csat_shown))
            .otherwise(pl.format(f"Latest NPS rating is {{}}, at most {unhappy.nps_at_most:g} raises this", nps_shown)),
            pl.when(rated_low).then(pl.lit(unhappy.threshold)).otherwise(pl.lit(unhappy.nps_at_most)),
        ),
        "high_support_volume": Reading(
            tickets > limit["high_support_volume"],
            tickets,
            pl.format(f"{{}} tickets in 30 days, more than {limit['high_support_volume']:g}", tickets),
        ),
        "low_adoption": Reading(
            adoption < limit["low_adoption"],
            adoption,
            pl.format(
                f"Uses {{}} % of the {{}}, below {100 * limit['low_adoption']:g} %",
                _number(100 * adoption),
                pl.when(features.is_not_null()).then(pl.lit("features")).otherwise(pl.lit("feature categories")),
            ),
        ),
        "low_activation": Reading(
            activation < limit["low_activation"],
            activation,
            pl.format(
                f"{{}} % of the users have ever been active, below {100 * limit['low_activation']:g} %",
                _number(100 * activation),
            ),
        ),
        "critical_incidents": Reading(
            incidents >= limit["critical_incidents"],
            incidents,
            pl.format(
                f"Critical security incidents in 90 days: {{}} ({limit['critical_incidents']:g} raises this)",
                _number(incidents),
            ),
        ),
        "suspended": Reading(
            pl.col("is_suspended").cast(pl.Float64) >= limit["suspended"],
            pl.col("is_suspended"),
            pl.lit("The account is suspended in the CRM"),
        ),
    }


def _either(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether one of two holds, judged by the one that is measured where the other is not."""
    return pl.coalesce(one | other, one, other)


def _sum_of_measured(*counts: str) -> pl.Expr:
    """The sum of what is measured; null where nothing is."""
    return pl.when(pl.any_horizontal(pl.col(counts).is_not_null())).then(pl.sum_horizontal(counts))


def _number(value: pl.Expr, decimals: int = 0) -> pl.Expr:
    """A number as people read it."""
    shown = rounded(value.cast(pl.Float64), decimals)
    return (shown.cast(pl.Int64) if decimals == 0 else shown).cast(pl.String)
