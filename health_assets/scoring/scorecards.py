"""Scorecards: measures -> dimensions -> score, with how much of it was measured and what each dimension contributed.

For any scorecard of the settings. Measures are in scoring/measures.py; which accounts and days are scored is decided in
mart/health/customer_health_daily.py.
"""

from collections.abc import Iterable

import polars as pl

from health_assets.contracts.expressions import (
    banded,
    conditions,
    first_match,
    rounded,
    safe_ratio,
    up_to,
    weight_present,
    weighted_mean,
)
from health_assets.scoring.measure_scores import by_place
from health_assets.scoring.measures import Part, measured, parts_of
from health_assets.settings import Settings
from health_assets.settings.scorecard import Dimension, Scorecard

DIMENSIONS = (  # that have columns of their own in mart.customer_health; a scorecard may name others
    "usage",
    "adoption",
    "support",
    "revenue",
    "engagement",
    "satisfaction",
    "security",
    "operations",
    "commerce",
    "relationship",
)
TREND_DAYS = 30  # of the trend that is shown and that risk factors read
UNKNOWN = "unknown"  # the band of an account of which too little was measured
NOISE = 9  # decimals: 0.3 x 75 + 0.2 x 100 + ... of exactly 80 must be 80 and no 79.99999999
EVERYBODY = pl.lit(True)


def assigned(settings: Settings) -> pl.Expr:
    """The name of the scorecard of an account: the first whose filter holds, else the default."""
    filtered = [(pl.sql_expr(choice.accounts), choice.scorecard) for choice in settings.scorecards_for]
    return first_match([*filtered, (EVERYBODY, settings.scorecard)])


def scorecards_in_use(settings: Settings) -> dict[str, Scorecard]:
    """The scorecards assigned to any account, the default last."""
    names = dict.fromkeys([*(choice.scorecard for choice in settings.scorecards_for), settings.scorecard])
    return {name: settings.scorecards[name] for name in names}


def bands_in_use(settings: Settings) -> list[str]:
    """The bands of the scorecards in use, those of the default first, each best first."""
    scorecards = reversed(scorecards_in_use(settings).values())
    return list(dict.fromkeys(band for scorecard in scorecards for band in scorecard.bands))


def low_bands(settings: Settings) -> list[str]:
    """The bands that the scorecards in use call low, each best first."""
    scorecards = scorecards_in_use(settings).values()
    return list(dict.fromkeys(band for card in scorecards for band in card.bands if band in card.low_bands))


def is_low(scorecard: Scorecard, band: pl.Expr) -> pl.Expr:
    """Whether a band is one that the scorecard calls low; null where it is unknown, which is neither low nor healthy."""
    return pl.when(band != UNKNOWN).then(band.is_in(scorecard.low_bands))


def reads_scored_accounts_alone(scorecard: Scorecard) -> bool:
    """Whether a scorecard needs no account outside of the scored population, as its quartiles would."""
    is_scored = pl.col("is_scored")
    return all(part.measure.method != "quartile" for part in parts_of(scorecard)) and any(
        condition.meta.eq(is_scored) for condition in conditions(pl.sql_expr(scorecard.accounts))
    )


def scored(
    signals: pl.LazyFrame, scorecard: Scorecard, chosen: pl.Expr = EVERYBODY, keep: Iterable[str] = ()
) -> pl.LazyFrame:
    """The accounts that the scorecard is for, with their scores.

    Args:
        signals: one row per account_id and as_of_date, of all accounts, since quartiles run over everybody. A metric
            that the scorecard names and no column brings is not measured. Which metrics are connected is said by the
            columns of `with_connections`; without them, a metric is on the days on which any account has it.
        scorecard: how to score.
        chosen: which rows are scored, besides the scorecard's own filter.
        keep: columns of the signals to return as well.

    Returns:
        account_id, as_of_date; health_score, 0-100, null where too little is measured; health_band, is_low_band;
        coverage (measured / connected weights) and breadth (connected / all weights), 0-1; measure_scores, in the order
        of the scorecard; rounding_difference, what adjustments, rounding and the limits 0 and 100 added to the
        contributions; other_contribution, of dimensions that are not among DIMENSIONS; and for each dimension
        <dimension>_score and <dimension>_contribution.
    """
    dimensions = scorecard.dimensions
    own = [contribution_column(dimension) for dimension in dimensions if dimension not in DIMENSIONS]
    return _with_scores(signals, scorecard, chosen).select(
        "account_id",
        "as_of_date",
        *keep,
        "health_score",
        "coverage",
        "breadth",
        *map(score_column, dimensions),
        *map(contribution_column, dimensions),
        measure_scores=by_place([part.score for part in parts_of(scorecard)]),
        other_contribution=pl.when("is_covered").then(pl.sum_horizontal(own)) if own else pl.lit(None, pl.Float64),
        health_band=band_of(pl.col("health_score"), scorecard).fill_null(UNKNOWN),
        is_low_band=is_low(scorecard, band_of(pl.col("health_score"), scorecard)),
        rounding_difference=pl.col("health_score") - pl.col("exact_score"),
    )


def scored_parts(signals: pl.LazyFrame, scorecard: Scorecard, chosen: pl.Expr = EVERYBODY) -> pl.LazyFrame:
    """The measures of the accounts that the scorecard is for, one row each; arguments as those of `scored`.

    Returns:
        account_id, as_of_date, dimension, measure, metric, value, score, is_connected, weight, contribution.
    """
    rows = _with_scores(signals, scorecard, chosen)
    dtypes = rows.collect_schema()

    def value(metric: str) -> pl.Expr:
        is_number = dtypes[metric].is_numeric() or dtypes[metric] == pl.Boolean
        return pl.col(metric).cast(pl.Float64) if is_number else pl.lit(None, pl.Float64)

    def present(part: Part) -> pl.Expr:
        measures = scorecard.dimensions[part.dimension].measures
        return weight_present(
            (pl.col(f"{part.dimension}.{name}"), measure.weight) for name, measure in measures.items()
        )

    weighted = [(pl.col(score_column(key)), dimension.weight) for key, dimension in scorecard.dimensions.items()]
    structs = [
        pl.struct(
            dimension=pl.lit(part.dimension),
            measure=pl.lit(part.name),
            metric=pl.lit(part.measure.metric),
            value=value(part.measure.metric),
            score=part.score,
            is_connected=part.is_connected,
            weight=pl.lit(part.weight),
            contribution=pl.when("is_covered").then(
                safe_ratio(
                    scorecard.dimensions[part.dimension].weight * part.measure.weight * part.score,
                    present(part) * weight_present(weighted),
                )
            ),
        )
        for part in parts_of(scorecard)
    ]
    return (
        rows.select("account_id", "as_of_date", part=pl.concat_list(structs))
        .explode("part", empty_as_null=False)
        .unnest("part")
    )


def _with_scores(signals: pl.LazyFrame, scorecard: Scorecard, chosen: pl.Expr) -> pl.LazyFrame:
    """The accounts that the scorecard is for, with the scores of measures and dimensions, coverage, and the total."""
    parts, dimensions = parts_of(scorecard), scorecard.dimensions
    scores = {dimension: score_column(dimension) for dimension in dimensions}
    weighted = [(pl.col(scores[dimension]), part.weight) for dimension, part in dimensions.items()]
    connected = pl.sum_horizontal(pl.when(part.is_connected).then(part.weight).otherwise(0.0) for part in parts)
    contributions = {
        contribution_column(dimension): pl.when("is_covered").then(
            safe_ratio(part.weight * pl.col(scores[dimension]), weight_present(weighted))
        )
        for dimension, part in dimensions.items()
    }
    return (
        measured(signals, scorecard)
        .filter(pl.sql_expr(scorecard.accounts), chosen)
        .with_columns(
            **{column: _dimension_score(dimensions[dimension], dimension) for dimension, column in scores.items()},
            coverage=safe_ratio(weight_present((part.score, part.weight) for part in parts), connected).fill_null(0.0),
            breadth=connected.round(NOISE),
        )
        .with_columns(is_covered=_is_covered(scorecard, parts))
        .with_columns(**contributions, exact_score=pl.when("is_covered").then(weighted_mean(weighted).round(NOISE)))
        .with_columns(health_score=_final_score(scorecard))
    )


def score_column(dimension: str) -> str:
    """The column of a dimension's score; a dimension may have any name, even that of the score itself."""
    return f"{dimension}_score" if dimension != "health" else "health_dimension_score"


def contribution_column(dimension: str) -> str:
    """The column of the points that a dimension contributes to the score."""
    return f"{dimension}_contribution"


def _dimension_score(dimension: Dimension, key: str) -> pl.Expr:
    return weighted_mean((pl.col(f"{key}.{name}"), measure.weight) for name, measure in dimension.measures.items())


def _is_covered(scorecard: Scorecard, parts: list[Part]) -> pl.Expr:
    """Whether enough is measured for a score: by weight, and by the number of measures."""
    count = pl.sum_horizontal(part.score.is_not_null().cast(pl.Int64) for part in parts)
    return (pl.col("coverage") >= scorecard.min_coverage) & (count >= min(scorecard.min_measures, len(parts)))


def _final_score(scorecard: Scorecard) -> pl.Expr:
    """The mean after adjustments, within 0-100, rounded as the scorecard says."""
    score = pl.col("exact_score")
    for adjustment in scorecard.adjustments:
        adjusted = score + adjustment.add if adjustment.add is not None else pl.lit(adjustment.score, pl.Float64)
        score = pl.when(pl.sql_expr(adjustment.when), score.is_not_null()).then(adjusted).otherwise(score)
    score = score.clip(0.0, 100.0)
    return score if scorecard.decimals is None else rounded(score, scorecard.decimals)


def band_of(score: pl.Expr, scorecard: Scorecard) -> pl.Expr:
    """The band of a score; a floor is inside its band, or with `band_floor: exceeded` the top of the band below."""
    if scorecard.band_floor == "reached":
        return banded(score, scorecard.bands)
    best, *others = scorecard.bands
    return up_to(score, dict(zip(others, scorecard.bands.values(), strict=False)), above=best)
