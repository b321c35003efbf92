"""What each account has answered up to each day: the latest answers, and the mean of a year.

Responses one by one belong in fact/feedback.py, the NPS of many accounts in mart/security/satisfaction.py.
"""

import dataframely as dy
import polars as pl

from health_assets.assets.staged.feedback import LIKELIHOODS
from health_assets.contracts.columns import AccountId, AsOfDate, Count
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import Period, safe_ratio
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

YEAR = 365
LOWEST, HIGHEST = 0, 10


class AccountSatisfactionDaily(Contract):
    """Would each account recommend us and renew, by what it has answered up to each day?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    nps_rating = dy.Float64(
        nullable=True,
        min=LOWEST,
        max=HIGHEST,
        description="Latest answer to the question of recommendation, 0-10; null = never answered",
    )
    mean_nps_rating_365d = dy.Float64(
        nullable=True, min=LOWEST, max=HIGHEST, description="Mean of these answers in 365 days, 0-10; null = none"
    )
    response_count_365d = Count("Responses in 365 days, to whichever question")
    satisfaction_rating = dy.Float64(
        nullable=True, min=1, max=5, description="Latest answer to the question of satisfaction, 1-5; null = never"
    )
    likelihood_to_renew = dy.Enum(LIKELIHOODS, nullable=True, description="Latest answer; null = never answered")


@table(AccountSatisfactionDaily, monthly=True, settings_sections=("stale_after_days",), fed_by=("staged_feedback",))
def fact_account_satisfaction_daily(
    staged_accounts: pl.LazyFrame, staged_feedback: pl.LazyFrame, settings: Settings, period: Period
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first response day on, and the account's signup."""
    rating = pl.col("nps_score")
    rated = staged_feedback.filter(rating.is_not_null())
    counted = {
        "response_count_365d": _of_a_year(staged_feedback, pl.lit(1.0)),
        "ratings": _of_a_year(rated, pl.lit(1.0)),
        "rating_sum": _of_a_year(rated, rating),
    }
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .pipe(while_fresh, "feedback", staged_feedback, "feedback_date", settings)
        .with_columns(
            pl.col("response_count_365d", "ratings").round().cast(pl.Int64),
            as_of_date="day",
        )
        .with_columns(
            mean_nps_rating_365d=safe_ratio(pl.col("rating_sum"), pl.col("ratings")).clip(LOWEST, HIGHEST)  # dust
        )
        .join_asof(
            _latest_answers(staged_feedback),
            left_on="as_of_date",
            right_on="feedback_date",
            by="account_id",
            check_sortedness=False,  # the days of each account are in order
        )
        .select(AccountSatisfactionDaily.column_names())
    )


def _of_a_year(responses: pl.LazyFrame, size: pl.Expr) -> pl.LazyFrame:
    given = pl.col("feedback_date")
    return responses.select("account_id", first_day=given, end_day=given.dt.offset_by(f"{YEAR}d"), size=size)


def _latest_answers(staged_feedback: pl.LazyFrame) -> pl.LazyFrame:
    """What the latest answer to each question was after each day with a response; of one day the highest key wins.

    Grain: account_id x feedback_date.
    """
    answers = ["nps_rating", "satisfaction_rating", "likelihood_to_renew"]
    return (
        staged_feedback.sort("account_id", "feedback_date", "feedback_id")
        .rename({"nps_score": "nps_rating", "satisfaction_score": "satisfaction_rating"})
        .with_columns(pl.col(answers).forward_fill().over("account_id"))
        .group_by("account_id", "feedback_date", maintain_order=True)
        .agg(pl.col(answers).last())
        .sort("feedback_date", "account_id")
    )
