"""Health on two days, compared by what was measured on both.

A signal that begins to be measured is no improvement, one that ends no decline. Which days are compared is decided by
mart/health/customer_health.py.
"""

from collections.abc import Callable, Mapping

import polars as pl
import polars.selectors as cs

from health_assets.contracts.expressions import first_match, weight_present, weighted_mean
from health_assets.scoring.measure_scores import same_measured, score_at
from health_assets.scoring.measures import parts_of
from health_assets.scoring.scorecards import NOISE, band_of
from health_assets.scoring.signals import SIGNAL_KEY
from health_assets.settings.scorecard import Scorecard

STATE = ["scorecard_version", "health_score", "health_band", "coverage", "measure_scores"]  # of a day, to compare it
EARLIER = "earlier_"
CHANGE, MOVEMENT = "health_change", "health_movement"


def earlier(days: pl.LazyFrame, *keep: str) -> pl.LazyFrame:
    """What is needed of an earlier day: its state, each column with the prefix `earlier_`, and the columns to keep."""
    return days.select(*keep, **{f"{EARLIER}{name}": name for name in STATE})


def compared(rows: pl.LazyFrame, scorecards: Mapping[str, Scorecard]) -> pl.LazyFrame:
    """The rows with `health_change` and `health_movement` since the earlier day joined to each row by `earlier`.

    The change is in points; the movement is improved, worsened or same, by band. Both are null where the days do not
    compare. Days compare if both have a score of the same version of the scorecard, and the parts measured on both carry
    `min_coverage` of the connected weights of each. Where the same parts are measured, the scores compare as they are.

    Args:
        rows: rows of mart_customer_health_daily with the columns of an earlier day.
        scorecards: in use, by name. Days of a version that is no longer in use compare only if the same parts are
            measured, since its weights are no longer known.
    """
    change = pl.col("_score") - pl.col("_earlier_score")
    is_same_band = pl.col("_band") == pl.col("_earlier_band")
    movement = first_match([(is_same_band, "same"), (change > 0, "improved"), (change < 0, "worsened")])
    return (
        # each step reads columns of the step before: as one expression, every score would be planned once per band
        rows.with_columns(_compares=_compares(), _is_same=_is_same(), _card=_comparable_scorecard(scorecards))
        .with_columns(
            _common=_by_scorecard(scorecards, lambda card: _common_score(card, "")),
            _earlier_common=_by_scorecard(scorecards, lambda card: _common_score(card, EARLIER)),
        )
        .with_columns(
            _common_band=_by_scorecard(scorecards, lambda card: band_of(pl.col("_common"), card)),
            _earlier_common_band=_by_scorecard(scorecards, lambda card: band_of(pl.col("_earlier_common"), card)),
        )
        .with_columns(
            _score=_of_day_or_parts("health_score", "_common"),
            _earlier_score=_of_day_or_parts(f"{EARLIER}health_score", "_earlier_common"),
            _band=_of_day_or_parts("health_band", "_common_band"),
            _earlier_band=_of_day_or_parts(f"{EARLIER}health_band", "_earlier_common_band"),
        )
        .with_columns(change.alias(CHANGE), movement.alias(MOVEMENT))
        .drop(cs.starts_with("_"))
    )


def with_trend(days: pl.LazyFrame, scorecards: Mapping[str, Scorecard], length: int) -> pl.LazyFrame:
    """The rows with the change of health in so many days, null where the days do not compare.

    Args:
        days: rows of mart_customer_health_daily, those of the earlier days included.
        scorecards: in use, by name.
        length: days between the two.
    """
    before = earlier(days, "account_id", "as_of_date").with_columns(pl.col("as_of_date").dt.offset_by(f"{length}d"))
    return (
        days.join(before, on=SIGNAL_KEY, how="left", validate="1:1", maintain_order="left")
        .pipe(compared, scorecards)
        .rename({CHANGE: f"trend_{length}d"})
        .drop(MOVEMENT)
    )


def _compares() -> pl.Expr:
    """Whether both days have a score, of the same version of the scorecard."""
    both_scored = pl.col("health_score").is_not_null() & pl.col(f"{EARLIER}health_score").is_not_null()
    return both_scored & (pl.col("scorecard_version") == pl.col(f"{EARLIER}scorecard_version"))


def _is_same() -> pl.Expr:
    """Whether the same parts are measured on both days."""
    return same_measured(pl.col("measure_scores"), pl.col(f"{EARLIER}measure_scores"))


def _comparable_scorecard(scorecards: Mapping[str, Scorecard]) -> pl.Expr:
    """The scorecard by whose common parts the days compare; null where these are too few, or its version is not in use."""
    is_used = {
        name: (pl.col("scorecard") == name) & (pl.col("scorecard_version") == card.version) & _is_enough(card)
        for name, card in scorecards.items()
    }
    return first_match((condition, name) for name, condition in is_used.items())


def _by_scorecard(scorecards: Mapping[str, Scorecard], of: Callable[[Scorecard], pl.Expr]) -> pl.Expr:
    return pl.coalesce(pl.when(pl.col("_card") == name).then(of(card)) for name, card in scorecards.items())


def _of_day_or_parts(of_day: str, of_parts: str) -> pl.Expr:
    """What the day shows where the same parts are measured, else what the common parts give; null if days do not compare."""
    return pl.when("_compares").then(pl.when("_is_same").then(of_day).otherwise(of_parts))


def _common(card: Scorecard, prefix: str) -> list[tuple[str, pl.Expr, float, float]]:
    """Of each part of a scorecard: dimension, its score where measured on both days, weight in it, weight of all."""
    scores, others = (
        pl.col(f"{prefix}measure_scores"),
        pl.col("measure_scores" if prefix else f"{EARLIER}measure_scores"),
    )
    return [
        (
            part.dimension,
            pl.when(score_at(others, place).is_not_null()).then(score_at(scores, place)),
            part.measure.weight,
            part.weight,
        )
        for place, part in enumerate(parts_of(card))
    ]


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
        present = weight_present((score_at(scores, place), part.weight) for place, part in enumerate(parts))
        return (common * pl.col(f"{prefix}coverage") / present).round(NOISE)

    return (
        (share("") >= card.min_coverage)
        & (share(EARLIER) >= card.min_coverage)
        & (count >= min(card.min_measures, len(parts)))
    )
