"""Health on two days, compared by what was measured on both.

A signal that begins to be measured is no improvement, one that ends no decline. Which days are compared is decided by
mart/health/customer_health.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from health_assets.contracts.expressions import first_match, weight_present, weighted_mean
from health_assets.scoring.measures import parts_of
from health_assets.scoring.scorecards import NOISE, band_of
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings.scorecard import Scorecard

STATE = ["scorecard_version", "health_score", "health_band", "coverage", "measure_scores"]  # of a day, to compare it
EARLIER = "earlier_"


@dataclass(frozen=True)
class Comparison:
    """Score and band of both days by the parts measured on both; all null where these are too few to compare."""

    score: pl.Expr
    earlier_score: pl.Expr
    band: pl.Expr
    earlier_band: pl.Expr

    @property
    def change(self) -> pl.Expr:
        """Points that the score rose."""
        return self.score - self.earlier_score

    @property
    def movement(self) -> pl.Expr:
        """improved, worsened or same, by band; null where the days do not compare."""
        return first_match(
            [
                (self.band == self.earlier_band, "same"),
                (self.change > 0, "improved"),
                (self.change < 0, "worsened"),
            ]
        )


def earlier(days: pl.LazyFrame, *keep: str) -> pl.LazyFrame:
    """What is needed of an earlier day: its state, each column with the prefix `earlier_`, and the columns to keep."""
    return days.select(*keep, **{f"{EARLIER}{name}": name for name in STATE})


def comparison(scorecards: Mapping[str, Scorecard]) -> Comparison:
    """How the day of a row compares with the earlier day joined to it by `earlier`.

    Days compare if both have a score of the same version of the scorecard, and the parts measured on both carry
    `min_coverage` of the connected weights of each. Where the same parts are measured, the scores compare as they are.

    Args:
        scorecards: in use, by name. Days of a version that is no longer in use compare only if the same parts are
            measured, since its weights are no longer known.
    """
    both_scored = pl.col("health_score").is_not_null() & pl.col(f"{EARLIER}health_score").is_not_null()
    is_same_version = pl.col("scorecard_version") == pl.col(f"{EARLIER}scorecard_version")
    is_same = _pattern("measure_scores").eq_missing(_pattern(f"{EARLIER}measure_scores"))

    def cases(of_day: pl.Expr, of_parts: Mapping[str, pl.Expr]) -> pl.Expr:
        current = [
            pl.when(
                (pl.col("scorecard") == name) & (pl.col("scorecard_version") == card.version) & _is_enough(card)
            ).then(of_parts[name])
            for name, card in scorecards.items()
        ]
        return pl.when(both_scored & is_same_version).then(
            pl.when(is_same).then(of_day).otherwise(pl.coalesce(current))
        )

    now = {name: _common_score(card, "") for name, card in scorecards.items()}
    before = {name: _common_score(card, EARLIER) for name, card in scorecards.items()}
    return Comparison(
        score=cases(pl.col("health_score"), now),
        earlier_score=cases(pl.col(f"{EARLIER}health_score"), before),
        band=cases(pl.col("health_band"), {name: band_of(now[name], card) for name, card in scorecards.items()}),
        earlier_band=cases(
            pl.col(f"{EARLIER}health_band"), {name: band_of(before[name], card) for name, card in scorecards.items()}
        ),
    )


def with_trend(days: pl.LazyFrame, scorecards: Mapping[str, Scorecard], length: int) -> pl.LazyFrame:
    """The rows with the change of health in so many days, null where the days do not compare.

    Args:
        days: rows of mart_customer_health_daily, those of the earlier days included.
        scorecards: in use, by name.
        length: days between the two.
    """
    before = earlier(days, "account_id", "as_of_date").with_columns(pl.col("as_of_date").dt.offset_by(f"{length}d"))
    return days.join(before, on=SIGNAL_KEY, how="left", validate="1:1", maintain_order="left").with_columns(
        comparison(scorecards).change.alias(f"trend_{length}d")
    )


def _pattern(measure_scores: str) -> pl.Expr:
    """Which parts are measured."""
    return pl.col(measure_scores).list.eval(pl.element().is_not_null())


def _common(card: Scorecard, prefix: str) -> list[tuple[str, pl.Expr, float, float]]:
    """Of each part of a scorecard: dimension, its score where measured on both days, weight in it, weight of all."""
    scores, others = (
        pl.col(f"{prefix}measure_scores"),
        pl.col("measure_scores" if prefix else f"{EARLIER}measure_scores"),
    )
    return [
        (
            part.dimension,
            pl.when(_at(others, place).is_not_null()).then(_at(scores, place)),
            part.measure.weight,
            part.weight,
        )
        for place, part in enumerate(parts_of(card))
    ]


def _at(scores: pl.Expr, place: int) -> pl.Expr:
    return scores.list.get(place, null_on_oob=True)


def _common_score(card: Scorecard, prefix: str) -> pl.Expr:
    """The score of one of the days by the parts measured on both."""
    common = _common(card, prefix)
    dimensions = [
        (weighted_mean((score, weight) for of, score, weight, _ in common if of == name), dimension.weight)
        for name, dimension in card.dimensions.items()
    ]
    return weighted_mean(dimensions).round(NOISE).clip(0.0, 100.0)


def _is_enough(card: Scorecard) -> pl.Expr:
    """Whether the common parts carry enough of either day; coverage is measured weight / connected weight."""
    parts = parts_of(card)
    common = weight_present((score, weight) for _, score, _, weight in _common(card, ""))
    count = pl.sum_horizontal(score.is_not_null().cast(pl.Int64) for _, score, _, _ in _common(card, ""))

    def share(prefix: str) -> pl.Expr:
        scores = pl.col(f"{prefix}measure_scores")
        present = weight_present((_at(scores, place), part.weight) for place, part in enumerate(parts))
        return (common * pl.col(f"{prefix}coverage") / present).round(NOISE)

    return (
        (share("") >= card.min_coverage)
        & (share(EARLIER) >= card.min_coverage)
        & (count >= min(card.min_measures, len(parts)))
    )
