"""The health of every scored account on every day, with what it is made of.

Each day is scored from the facts of that day, by the scorecard in force when the day was written: a change of weights
shows as another scorecard_version from then on and never rewrites what was known. The as-of day alone, with trend and
priority, is mart/health/customer_health.py.
"""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

from health_assets.assets import load_all
from health_assets.assets.dim.account import lifecycle_stage, value_tier
from health_assets.contracts.columns import AccountId, AsOfDate, Score
from health_assets.contracts.contract import Contract, dtypes
from health_assets.contracts.expressions import Period, days_between, first_match
from health_assets.scoring.measure_scores import MeasureScores
from health_assets.scoring.measures import signal_names
from health_assets.scoring.own_metrics import with_own_metrics
from health_assets.scoring.scorecards import (
    DIMENSIONS,
    assigned,
    reads_scored_accounts_alone,
    scorecards_in_use,
    scored,
)
from health_assets.scoring.signals import (
    SIGNAL_KEY,
    account_days,
    joined_signals,
    with_connections,
    with_missing_as_null,
)
from health_assets.settings import Settings
from health_assets.tables import table

TOLERANCE = 1e-6
USAGE_STATES = ["active", "no_activity", "no_data"]
ATTRIBUTES = (
    "company_name",
    "industry",
    "employee_count",
    "plan_tier",
    "account_owner",
    "region",
    "segment",
    "parent_account_id",
)


def DimensionScore(dimension: str) -> dy.Float64:  # noqa: N802 - a column type
    """Score of a dimension; only a formula of a scorecard can go beyond 0-100."""
    return dy.Float64(
        nullable=True,
        description=f"{dimension}, 0-100 unless the scorecard has a formula that goes beyond; null = not measured",
    )


def Contribution(dimension: str) -> dy.Float64:  # noqa: N802 - a column type
    """Points of the score that a dimension contributes."""
    return dy.Float64(
        nullable=True,
        description=f"Points of the health score that {dimension} contributes: weight x score / weights present; "
        "null = not measured, or no score",
    )


def sums_to(score: pl.Expr) -> pl.Expr:
    """Whether the contributions of the dimensions sum to a score."""
    contributed = pl.sum_horizontal("other_contribution", *(f"{dimension}_contribution" for dimension in DIMENSIONS))
    return (contributed + pl.col("rounding_difference") - score).abs() <= TOLERANCE


class CustomerHealthDaily(Contract):
    """How healthy is each account on each day, why, and how sure are we?

    Only accounts that the scorecard is for have rows. A dimension that the scorecard lacks is null, as one that could
    not be measured; its weight is the scorecard's.
    """

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    scorecard = dy.String(description="Name of the scorecard")
    scorecard_version = dy.String(description="Hash of the scorecard: scores of another version do not compare")
    health_score = Score("How healthy the account is, by its scorecard; null where coverage is below `min_coverage`")
    health_band = dy.String(description="Band of the score, by the scorecard's own names; unknown = no score")
    is_low_band = dy.Bool(
        nullable=True, description="Whether the scorecard's `low_bands` name the band; null = unknown"
    )
    coverage = dy.Float64(
        min=0,
        max=1,
        description="Weight of the measures that were measured / of those that are connected, 0-1: connected is what was "
        "measured for any account up to the day",
    )
    breadth = dy.Float64(min=0, max=1, description="Weight of the measures that are connected / of all, 0-1")
    measure_scores = MeasureScores()
    usage_state = dy.Enum(
        USAGE_STATES,
        description="active = events in 30 days; no_activity = the feed is connected and has none; no_data = no feed",
    )
    rounding_difference = dy.Float64(
        nullable=True,
        description="Score minus the sum of the contributions: what the scorecard's adjustments, its rounding and the limits "
        "0 and 100 did, else 0; null = no score",
    )
    usage_score = DimensionScore("Usage")
    adoption_score = DimensionScore("Adoption")
    support_score = DimensionScore("Support")
    revenue_score = DimensionScore("Revenue")
    engagement_score = DimensionScore("Engagement")
    satisfaction_score = DimensionScore("Satisfaction")
    security_score = DimensionScore("Security")
    operations_score = DimensionScore("Operations")
    commerce_score = DimensionScore("Commerce")
    relationship_score = DimensionScore("Relationship")
    usage_contribution = Contribution("usage")
    adoption_contribution = Contribution("adoption")
    support_contribution = Contribution("support")
    revenue_contribution = Contribution("revenue")
    engagement_contribution = Contribution("engagement")
    satisfaction_contribution = Contribution("satisfaction")
    security_contribution = Contribution("security")
    operations_contribution = Contribution("operations")
    commerce_contribution = Contribution("commerce")
    relationship_contribution = Contribution("relationship")
    other_contribution = dy.Float64(
        nullable=True,
        description="Points of the health score that dimensions with other names contribute, one by one in "
        "mart.customer_health_parts; null = the scorecard has none, or no score",
    )

    @dy.rule()
    def contributions__sum_to_score(cls) -> pl.Expr:
        """The contributions of the dimensions add up to the health score."""
        return sums_to(pl.col("health_score"))

    @dy.rule()
    def health_band__unknown_without_score(cls) -> pl.Expr:
        """The band is unknown where there is no score, and nowhere else."""
        return (pl.col("health_band") == "unknown") == pl.col("health_score").is_null()


@table(CustomerHealthDaily, monthly=True, lookback_months=0)  # no settings_sections: new weights rewrite no history
def mart_customer_health_daily(
    dim_account: pl.LazyFrame,
    fact_account_metrics: pl.LazyFrame,
    fact_measured_signals: pl.LazyFrame,
    settings: Settings,
    period: Period,
    **signals: pl.LazyFrame,
) -> pl.LazyFrame:
    """Scores of the days of a period."""
    in_period = period.holds(pl.col("as_of_date"))
    of_period = {name: signal.filter(in_period) for name, signal in signals.items()}
    days = account_days(dim_account, period.first_day, period.last_day)
    rows = scorable_rows(
        scorable_days(days, of_period.pop("fact_account_revenue_daily"), settings),
        list(of_period.values()),
        dim_account,
        fact_account_metrics,
        fact_measured_signals,
        settings,
    )
    scores = [
        scored(rows, scorecard, pl.col("scorecard") == name, keep=["usage_state"]).with_columns(
            scorecard=pl.lit(name), scorecard_version=pl.lit(scorecard.version)
        )
        for name, scorecard in scorecards_in_use(settings).items()
    ]
    return (
        pl.concat(scores, how="diagonal")
        .pipe(with_missing_as_null, [f"{name}_{part}" for name in DIMENSIONS for part in ("score", "contribution")])
        .select(CustomerHealthDaily.column_names())
    )


def scorable_days(days: pl.LazyFrame, fact_account_revenue_daily: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """The account days with their revenue, without those that no scorecard in use reads: few days of a shop are scored."""
    with_revenue = joined_signals(days, fact_account_revenue_daily)
    is_enough = all(reads_scored_accounts_alone(scorecard) for scorecard in scorecards_in_use(settings).values())
    return with_revenue.filter("is_scored") if is_enough else with_revenue


def scorable_rows(
    panel: pl.LazyFrame,
    signals: Sequence[pl.LazyFrame],
    dim_account: pl.LazyFrame,
    fact_account_metrics: pl.LazyFrame,
    fact_measured_signals: pl.LazyFrame,
    settings: Settings,
) -> pl.LazyFrame:
    """All that scorecards may name, by account and day: signals, attributes, own metrics, and which are connected."""
    scorecards = scorecards_in_use(settings).values()
    names = {name for scorecard in scorecards for name in signal_names(scorecard)}
    filters = [
        *(scorecard.accounts for scorecard in scorecards),
        *(choice.accounts for choice in settings.scorecards_for),
    ]
    in_filters = {name for condition in filters for name in pl.sql_expr(condition).meta.root_names()}
    return (
        joined_signals(panel, *signals)
        .with_columns(pl.col("is_scored").fill_null(False))
        .pipe(with_attributes, dim_account, settings)
        .pipe(with_own_metrics, fact_account_metrics, names | in_filters)
        .pipe(with_connections, fact_measured_signals, names)
        .with_columns(scorecard=assigned(settings), usage_state=usage_state())
    )


def with_attributes(rows: pl.LazyFrame, dim_account: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """What filters of scorecards may name: today's attributes, and stage, tier and tenure as of each day."""
    return (
        rows.join(
            dim_account.select("account_id", "signup_date", *ATTRIBUTES),
            on="account_id",
            how="left",
            maintain_order="left",
        )
        .with_columns(tenure_days=days_between(pl.col("signup_date"), pl.col("as_of_date")))
        .with_columns(lifecycle_stage=lifecycle_stage(settings), value_tier=value_tier(settings))
    )


def scorable_columns() -> set[str]:
    """What scorecards may name: the columns of the account x day facts that are read here, and the attributes."""
    tables = load_all()
    read = [tables[name].contract for name in tables[mart_customer_health_daily.__name__].inputs]
    signals = {column for contract in read if contract.primary_key() == SIGNAL_KEY for column in dtypes(contract)}
    return signals | {*ATTRIBUTES, "signup_date", "tenure_days", "lifecycle_stage", "value_tier"}


def usage_state() -> pl.Expr:
    """Whether an account was active, or did nothing, or nothing is known of what it did."""
    events = pl.col("event_count_30d")
    return first_match([(events > 0, "active"), (events == 0, "no_activity"), (events.is_null(), "no_data")])
