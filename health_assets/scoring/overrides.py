"""Scores and bands that a person has set, and what they make of computed ones.

A number about health on a day is of the scores with overrides; trends and movements are of computed scores.
"""

from collections.abc import Mapping

import polars as pl

from health_assets.contracts.expressions import banded
from health_assets.scoring.scorecards import is_low
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings.scorecard import Scorecard


def with_overrides(
    scores: pl.LazyFrame, staged_health_overrides: pl.LazyFrame, scorecards: Mapping[str, Scorecard]
) -> pl.LazyFrame:
    """Scores, bands and `is_low_band` as published, with what was computed next to them.

    A band that the account's scorecard does not have is ignored.

    Args:
        scores: rows of mart.customer_health_daily: account, day, scorecard, score, band, is_low_band.
        staged_health_overrides: overrides of any day.
        scorecards: those in use, by name.
    """
    score, band = pl.col("override_score"), pl.col("override_band")
    of_scorecard = {name: pl.col("scorecard") == name for name in scorecards}
    named = pl.coalesce(
        pl.when(chosen, band.is_in(list(scorecards[name].bands))).then(band) for name, chosen in of_scorecard.items()
    )
    reached = pl.coalesce(
        pl.when(chosen).then(banded(score, scorecards[name].bands)) for name, chosen in of_scorecard.items()
    )
    low = pl.coalesce(
        pl.when(chosen).then(is_low(scorecards[name], pl.col("by_hand"))) for name, chosen in of_scorecard.items()
    )
    is_overridden = pl.col("by_hand").is_not_null()
    return (
        scores.join(_in_force(scores, staged_health_overrides), on=SIGNAL_KEY, how="left", validate="1:1")
        .with_columns(
            computed_health_score="health_score",
            computed_health_band="health_band",
            by_hand=pl.coalesce(named, reached),
        )
        .with_columns(low_by_hand=low)
        .with_columns(
            is_overridden=is_overridden,
            health_score=pl.coalesce(pl.when(is_overridden).then(score), "health_score"),
            health_band=pl.coalesce("by_hand", "health_band"),
            is_low_band=pl.coalesce("low_by_hand", "is_low_band"),
            override_reason=pl.when(is_overridden).then("reason"),
            override_author=pl.when(is_overridden).then("author"),
            override_expiry_date=pl.when(is_overridden).then("expiry_date"),
        )
    )


def _in_force(scores: pl.LazyFrame, staged_health_overrides: pl.LazyFrame) -> pl.LazyFrame:
    """The override of each account and day; of several the one that began last. Grain: account_id, as_of_date."""
    day = pl.col("as_of_date")
    return (
        staged_health_overrides.join(scores.select(SIGNAL_KEY), on="account_id", how="inner", validate="m:m")
        .filter(pl.col("valid_from") <= day, pl.col("expiry_date") >= day)
        .sort(*SIGNAL_KEY, "valid_from")
        .unique(SIGNAL_KEY, keep="last", maintain_order=True)
        .select(*SIGNAL_KEY, "reason", "author", "expiry_date", override_score="score", override_band="band")
    )
