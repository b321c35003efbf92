"""Health on the as-of day: which accounts have the lowest scores, and which are declining.

The days before are in mart/health/customer_health_daily.py; why an account may leave is mart/health/churn_risk.py.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import dataframely as dy
import polars as pl

from health_assets.assets.mart.health.customer_health_daily import CustomerHealthDaily, sums_to
from health_assets.contracts.columns import AccountOwner, AsOfDate, CompanyName, Count, Day, Money, Score
from health_assets.contracts.expressions import days_between
from health_assets.scoring.like_for_like import CHANGE, MOVEMENT, compared, earlier
from health_assets.scoring.measure_scores import measured_count
from health_assets.scoring.measures import parts_of
from health_assets.scoring.overrides import with_overrides
from health_assets.scoring.scorecards import TREND_DAYS, UNKNOWN, scorecards_in_use
from health_assets.scoring.wording import number_in_words
from health_assets.settings import Settings
from health_assets.settings.scorecard import Scorecard
from health_assets.tables import table

TRENDS = (7, TREND_DAYS, 90)  # days
BAND_MOVEMENTS = ["improved", "worsened", "same", "new"]


def Trend(days: int) -> dy.Float64:  # noqa: N802 - a column type
    """Change of the score, in points."""
    return dy.Float64(
        nullable=True,
        min=-100,
        max=100,
        description=f"Change of the score in {days} days, in points, by the measures that were measured on both days; null "
        "where these carry less than `min_coverage` of either day, a day has no score, or the scorecard changed",
    )


class CustomerHealth(CustomerHealthDaily):
    """Which accounts need attention today, in which order, and which way are they going?"""

    as_of_date = AsOfDate(primary_key=False)
    trend_7d = Trend(7)
    trend_30d = Trend(30)
    trend_90d = Trend(90)
    days_in_band = Count("Days in a row up to the as-of day in this band, under this version of the scorecard")
    previous_band = dy.String(nullable=True, description="Band 30 days before; null = not scored then")
    band_movement = dy.Enum(
        BAND_MOVEMENTS,
        nullable=True,
        description="Band against 30 days before, by the measures that were measured on both days; new = not scored then; null "
        "= not comparable, as trend_30d",
    )
    is_overridden = dy.Bool(
        description="Whether the score or the band is set by hand on the day; trends are of computed scores"
    )
    override_reason = dy.String(nullable=True, description="Why it was set by hand; null = it is not overridden")
    override_author = dy.String(nullable=True, description="Who set it; null = it is not overridden")
    override_expiry_date = Day("Last day of the override; null = it is not overridden")
    computed_health_score = Score("The score by the scorecard, without any override")
    computed_health_band = dy.String(description="The band of the computed score; unknown = no score")
    unscored_reason = dy.String(nullable=True, description="What a score lacks, in one line; null = there is a score")
    company_name = CompanyName()
    account_owner = AccountOwner()
    mrr = Money("Monthly recurring revenue; null = unknown", nullable=True)
    intervention_priority = Count(
        "Order of attention: 1 = lowest score, then highest MRR, then account_id; accounts without a score come last"
    )

    @dy.rule()
    def contributions__sum_to_score(cls) -> pl.Expr:
        """The contributions of the dimensions add up to the health score."""
        return sums_to(pl.col("computed_health_score"))

    @dy.rule()
    def health_band__unknown_without_score(cls) -> pl.Expr:
        """The band is unknown where there is no score, and nowhere else."""
        return (pl.col("computed_health_band") == UNKNOWN) == pl.col("computed_health_score").is_null()

    @dy.rule()
    def override_reason__of_what_is_overridden(cls) -> pl.Expr:
        """Each score that was set by hand has a reason, and no other has one."""
        return pl.col("is_overridden") == pl.col("override_reason").is_not_null()


@table(CustomerHealth, reads_apart=True)  # four days whole, and the bands of all others
def mart_customer_health(
    mart_customer_health_daily: pl.LazyFrame,
    staged_health_overrides: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Health, trends and priority of the as-of day."""
    scorecards = scorecards_in_use(settings)
    changes = [_changes(mart_customer_health_daily, scorecards, as_of, days) for days in TRENDS]
    scores = mart_customer_health_daily.filter(pl.col("as_of_date") == as_of)
    for change in (*changes, _days_in_band(mart_customer_health_daily, as_of)):
        scores = scores.join(change, on="account_id", how="left", validate="1:1")
    return (
        scores.join(
            dim_account.select("account_id", "company_name", "account_owner", "mrr"),
            on="account_id",
            how="left",
            validate="1:1",
        )
        .with_columns(previous_band=f"previous_band_{TREND_DAYS}d", band_movement=f"band_movement_{TREND_DAYS}d")
        .with_columns(unscored_reason=_unscored_reason(scorecards))
        .pipe(with_overrides, staged_health_overrides, scorecards)
        .sort("health_score", "mrr", "account_id", descending=[False, True, False], nulls_last=True)
        .with_row_index("intervention_priority", offset=1)
        .with_columns(pl.col("intervention_priority").cast(pl.Int64))
        .select(CustomerHealth.column_names())
    )


def _changes(
    mart_customer_health_daily: pl.LazyFrame, scorecards: Mapping[str, Scorecard], as_of: date, days: int
) -> pl.LazyFrame:
    """The as-of day compared with the day so many days before, by what was measured on both. Grain: account_id."""
    before = mart_customer_health_daily.filter(pl.col("as_of_date") == as_of - timedelta(days=days))
    is_new = pl.col("earlier_scorecard_version").is_null()
    return (
        mart_customer_health_daily.filter(pl.col("as_of_date") == as_of)
        .join(earlier(before, "account_id"), on="account_id", how="left", validate="1:1")
        .pipe(compared, scorecards)
        .select(
            "account_id",
            pl.col(CHANGE).alias(f"trend_{days}d"),
            pl.col("earlier_health_band").alias(f"previous_band_{days}d"),
            pl.when(is_new).then(pl.lit("new")).otherwise(pl.col(MOVEMENT)).alias(f"band_movement_{days}d"),
        )
    )


def _unscored_reason(scorecards: Mapping[str, Scorecard]) -> pl.Expr:
    """Why an account has no score: nothing is connected, too few measures, or too little of the connected weights."""
    measured = measured_count(pl.col("measure_scores"))
    share = number_in_words(100 * pl.col("coverage"))

    def reason(card: Scorecard) -> pl.Expr:
        least = min(card.min_measures, len(parts_of(card)))
        return (
            pl.when(pl.col("breadth") == 0)
            .then(pl.lit("No source that the scorecard reads is connected"))
            .when(measured < least)
            .then(pl.format(f"{{}} measured, {least} are needed", _measures(measured)))
            .otherwise(
                pl.format(
                    f"{{}} % of the connected weights are measured, {100 * card.min_coverage:g} % are needed", share
                )
            )
        )

    cases = [pl.when(pl.col("scorecard") == name).then(reason(card)) for name, card in scorecards.items()]
    return pl.when(pl.col("health_score").is_null()).then(pl.coalesce(cases))


def _measures(count: pl.Expr) -> pl.Expr:
    return pl.when(count == 1).then(pl.lit("1 measure is")).otherwise(pl.format("{} measures are", count))


def _days_in_band(mart_customer_health_daily: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Days since band or version last changed, or the account was not scored on a day. Grain: account_id."""
    state = ["account_id", "health_band", "scorecard_version"]
    now = mart_customer_health_daily.filter(pl.col("as_of_date") == as_of).select(state)
    days_ago = days_between(pl.col("as_of_date"), pl.lit(as_of))
    is_unbroken = days_ago.sort() == pl.int_range(pl.len())  # 0, 1, 2 days ago: before the first gap
    return (
        mart_customer_health_daily.select(*state, "as_of_date")
        .join(now, on=state, how="semi")  # which streams; a join that validates holds the whole history
        .group_by("account_id")
        .agg(days_in_band=is_unbroken.sum().cast(pl.Int64))
    )
