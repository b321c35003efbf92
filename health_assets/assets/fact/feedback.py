"""Survey responses up to the as-of day, each as promoter, passive or detractor.

The NPS itself is a share of many responses and belongs in mart/security/satisfaction.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.staged.feedback import LIKELIHOODS
from health_assets.contracts.columns import AccountId, Day
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import first_match, month_of
from health_assets.settings import Settings
from health_assets.tables import table

NPS_CATEGORIES = ["promoter", "passive", "detractor"]


class Feedback(Contract):
    """Who would recommend us, who would not, and who is likely to renew?"""

    feedback_id = dy.String(primary_key=True, description="Response")
    account_id = AccountId(of="staged_accounts")
    feedback_date = Day("Local day of the response", nullable=False, metadata={"available_from": True})
    feedback_month = Day("First day of the month of the response", nullable=False)
    nps_rating = dy.Float64(
        nullable=True, min=0, max=10, description="How likely they are to recommend us, 0-10; null = not answered"
    )
    nps_category = dy.Enum(
        NPS_CATEGORIES, nullable=True, description="promoter from 9 on, detractor up to 6; null = not answered"
    )
    satisfaction_rating = dy.Float64(
        nullable=True, min=1, max=5, description="How satisfied they are, 1-5; null = not answered"
    )
    likelihood_to_renew = dy.Enum(LIKELIHOODS, nullable=True, description="Their own estimate; null = not answered")
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account; null = not signed up yet")


@table(Feedback)
def fact_feedback(
    staged_feedback: pl.LazyFrame, dim_account: pl.LazyFrame, settings: Settings, as_of: date
) -> pl.LazyFrame:
    """Responses given by the as-of day."""
    rating, limits = pl.col("nps_rating"), settings.satisfaction
    return (
        staged_feedback.filter(pl.col("feedback_date") <= as_of)
        .rename({"nps_score": "nps_rating", "satisfaction_score": "satisfaction_rating"})
        .with_columns(
            feedback_month=month_of(pl.col("feedback_date")),
            nps_category=first_match(
                [
                    (rating >= limits.promoter_from, "promoter"),
                    (rating <= limits.detractor_up_to, "detractor"),
                    (rating.is_not_null(), "passive"),
                ]
            ).cast(pl.Enum(NPS_CATEGORIES)),
        )
        .join(dim_account.select("account_id", "segment"), on="account_id", how="left", validate="m:1")
        .sort("feedback_id")
        .select(Feedback.column_names())
    )
