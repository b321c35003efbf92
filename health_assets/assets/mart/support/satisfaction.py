"""NPS and mean ratings by month, for the month itself and the 365 days up to its end; in total and by segment.

The NPS is a share of responses, a mean of ratings is another number. Answers of one account are in
fact/account_satisfaction_daily.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.fact.account_satisfaction_daily import YEAR
from health_assets.contracts.breakdowns import by_part
from health_assets.contracts.columns import Count, Pct, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import mean_of, percent, safe_ratio
from health_assets.tables import identity, table

DIMENSIONS = ["all", "segment"]
KEY = ["month", "dimension_type", "dimension_value"]


def Nps(description: str) -> dy.Float64:  # noqa: N802 - a column type
    """A net promoter score."""
    return dy.Float64(
        nullable=True,
        min=-100,
        max=100,
        description=f"{description}: % promoters minus % detractors, -100 to 100; null = no response",
    )


def MeanRating(description: str, low: float, high: float) -> dy.Float64:  # noqa: N802 - a column type
    """A mean of answers, which is no NPS."""
    return dy.Float64(nullable=True, min=low, max=high, description=f"{description}, {low}-{high}; null = no response")


class Satisfaction(Contract):
    """Would our accounts recommend us, are they satisfied, and will they renew?

    Months are measured on their last day, the as-of month on the as-of day.
    """

    month = dy.Date(primary_key=True, description="First day of the month", metadata={"available_from": True})
    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="Dimension by which responses are grouped")
    dimension_value = dy.String(
        primary_key=True, description="Value of the dimension; `unknown` where the account has no segment"
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")
    response_count = Count("Responses in the month, to whichever question")
    month_nps = Nps("NPS of the responses of the month alone")
    mean_nps_rating = MeanRating("Mean answer to the question of recommendation in the month", 0, 10)
    mean_satisfaction_rating = MeanRating("Mean answer to the question of satisfaction in the month", 1, 5)
    response_count_365d = Count("Responses in 365 days, to whichever question")
    promoter_count_365d = Count("Responses of promoters in 365 days")
    passive_count_365d = Count("Responses of passives in 365 days")
    detractor_count_365d = Count("Responses of detractors in 365 days")
    nps = Nps("NPS of all responses in 365 days")
    mean_nps_rating_365d = MeanRating("Mean answer to the question of recommendation in 365 days", 0, 10)
    eligible_account_count = Count("Accounts active, on trial or suspended at the end; null = unknown", nullable=True)
    responding_account_count_365d = Count("Of those, with a response in 365 days; null = unknown", nullable=True)
    response_rate_365d = Share("Responding / eligible accounts")
    answering_account_count = Count("Accounts that ever said how likely they are to renew")
    high_renewal_account_count = Count("Of those, whose latest answer is high")
    renewal_likelihood_high_pct = Pct("Accounts whose latest answer is high / accounts answering")

    @dy.rule()
    def response_count_365d__at_least_its_categories(cls) -> pl.Expr:
        """Promoters, passives and detractors are among all responses."""
        parts = pl.sum_horizontal("promoter_count_365d", "passive_count_365d", "detractor_count_365d")
        return pl.col("response_count_365d") >= parts


@table(Satisfaction, fed_by=("fact_feedback", "fact_account_satisfaction_daily"))
def mart_satisfaction(
    fact_feedback: pl.LazyFrame,
    fact_account_satisfaction_daily: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    as_of: date,
) -> pl.LazyFrame:
    """One row per month and part, from the first month with a response to the as-of month."""
    measure_day = pl.min_horizontal(pl.col("month").dt.month_end(), pl.lit(as_of))
    accounts = _accounts(fact_account_satisfaction_daily, fact_account_revenue_daily, dim_account, as_of)
    given = (
        "response_count",
        "response_count_365d",
        "promoter_count_365d",
        "passive_count_365d",
        "detractor_count_365d",
    )
    answering = ("answering_account_count", "high_renewal_account_count")
    return (
        _of_a_year(fact_feedback, as_of)
        .join(_of_the_month(fact_feedback), on=KEY, how="full", coalesce=True, validate="1:1")
        .join(accounts, on=KEY, how="full", coalesce=True, validate="1:1")
        .with_columns(pl.col(*given, *answering).fill_null(0), is_partial=measure_day < pl.col("month").dt.month_end())
        .with_columns(
            response_rate_365d=safe_ratio(pl.col("responding_account_count_365d"), pl.col("eligible_account_count")),
            renewal_likelihood_high_pct=percent(
                pl.col("high_renewal_account_count"), pl.col("answering_account_count")
            ),
        )
        .sort(KEY)
        .select(Satisfaction.column_names())
    )


def net_promoter_score(categories: pl.Expr) -> pl.Expr:
    """% promoters minus % detractors of a group of responses, by category; null without a response."""
    promoters, detractors = ((categories == name).sum().cast(pl.Int64) for name in ("promoter", "detractor"))
    return percent(promoters - detractors, categories.count())


def _of_a_year(fact_feedback: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """Responses counted in each month on whose measure day they are no older than a year. Linear: 13 months each."""
    category = pl.col("nps_category")
    last_day = pl.col("feedback_date").dt.offset_by(f"{YEAR - 1}d")
    measure_day = pl.min_horizontal(pl.col("month").dt.month_end(), pl.lit(as_of))
    return (
        fact_feedback.with_columns(
            month=pl.date_ranges("feedback_month", pl.min_horizontal(last_day, pl.lit(as_of)), interval="1mo")
        )
        .explode("month", empty_as_null=False, keep_nulls=False)
        .filter(measure_day <= last_day)
        .pipe(by_part, DIMENSIONS)
        .group_by(KEY)
        .agg(
            response_count_365d=pl.len().cast(pl.Int64),
            promoter_count_365d=(category == "promoter").sum().cast(pl.Int64),
            passive_count_365d=(category == "passive").sum().cast(pl.Int64),
            detractor_count_365d=(category == "detractor").sum().cast(pl.Int64),
            nps=net_promoter_score(category),
            mean_nps_rating_365d=mean_of(pl.col("nps_rating")),
        )
    )


def _of_the_month(fact_feedback: pl.LazyFrame) -> pl.LazyFrame:
    return (
        fact_feedback.pipe(by_part, DIMENSIONS)
        .group_by("dimension_type", "dimension_value", month="feedback_month")
        .agg(
            response_count=pl.len().cast(pl.Int64),
            month_nps=net_promoter_score(pl.col("nps_category")),
            mean_nps_rating=mean_of(pl.col("nps_rating")),
            mean_satisfaction_rating=mean_of(pl.col("satisfaction_rating")),
        )
    )


def _accounts(
    fact_account_satisfaction_daily: pl.LazyFrame,
    fact_account_revenue_daily: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    as_of: date,
) -> pl.LazyFrame:
    """Eligible accounts, accounts that answered, and accounts likely to renew, on the measure day of each month."""
    day, likelihood = pl.col("as_of_date"), pl.col("likelihood_to_renew")
    is_measured = (day == day.dt.month_end()) | (day == as_of)
    eligible = fact_account_revenue_daily.filter(is_measured).select("account_id", "as_of_date", "is_scored")
    is_known = pl.col("is_scored").any()
    return (
        fact_account_satisfaction_daily.filter(is_measured)
        .join(eligible, on=["account_id", "as_of_date"], how="left", validate="1:1")
        .join(dim_account.select("account_id", "segment"), on="account_id", how="left", validate="m:1")
        .pipe(by_part, DIMENSIONS)
        .group_by("dimension_type", "dimension_value", month=day.dt.truncate("1mo"))
        .agg(
            eligible_account_count=pl.when(is_known).then(pl.col("is_scored").sum().cast(pl.Int64)),
            responding_account_count_365d=pl.when(is_known).then(
                (pl.col("is_scored") & (pl.col("response_count_365d") > 0)).sum().cast(pl.Int64)
            ),
            answering_account_count=likelihood.count().cast(pl.Int64),
            high_renewal_account_count=(likelihood == "high").sum().cast(pl.Int64),
        )
    )


@identity(of=mart_satisfaction)
def response_count__is_that_of_the_responses(
    mart_satisfaction: pl.LazyFrame, fact_feedback: pl.LazyFrame
) -> pl.LazyFrame:
    """The responses of each dimension add up to those in fact.feedback."""
    responses = fact_feedback.select(given_count=pl.len().cast(pl.Int64))
    return (
        mart_satisfaction.group_by("dimension_type")
        .agg(pl.col("response_count").sum())
        .join(responses, how="cross")
        .filter(pl.col("response_count") != pl.col("given_count"))
    )
