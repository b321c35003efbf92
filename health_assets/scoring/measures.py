"""The measures of a scorecard: one signal each, turned into 0-100.

How measures become dimensions and a score is in scoring/scorecards.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from health_assets.contracts.expressions import QUARTILES, quartile
from health_assets.scoring.signals import since_column, with_missing_as_null
from health_assets.settings.scorecard import Measure, Scorecard


@dataclass(frozen=True)
class Part:
    """One measure of a scorecard, and its share of the whole."""

    dimension: str
    name: str
    measure: Measure
    weight: float  # of all weights of the scorecard, 0-1

    @property
    def column(self) -> str:
        """The column that holds the score of the measure, 0-100, null where it is not measured."""
        return f"{self.dimension}.{self.name}"

    @property
    def score(self) -> pl.Expr:
        """The score of the measure."""
        return pl.col(self.column)

    @property
    def is_connected(self) -> pl.Expr:
        """Whether the company has measured it for any account up to the day."""
        return pl.col(f"{self.column}.is_connected")


def parts_of(scorecard: Scorecard) -> list[Part]:
    """The measures of a scorecard, in its order."""
    dimensions = scorecard.dimensions
    total = sum(dimension.weight for dimension in dimensions.values())
    return [
        Part(
            key,
            name,
            measure,
            dimension.weight / total * measure.weight / sum(m.weight for m in dimension.measures.values()),
        )
        for key, dimension in dimensions.items()
        for name, measure in dimension.measures.items()
    ]


def measured(signals: pl.LazyFrame, scorecard: Scorecard) -> pl.LazyFrame:
    """The signals with the score of each measure, 0-100, as `<dimension>.<measure>`, and whether it is connected."""
    parts = parts_of(scorecard)
    return (
        with_missing_as_null(signals, signal_names(scorecard))
        .with_columns(measure_score(part.measure).alias(part.column) for part in parts)
        .pipe(_with_connected_parts, parts)
    )


def _with_connected_parts(rows: pl.LazyFrame, parts: list[Part]) -> pl.LazyFrame:
    """A measure is connected if its metric is, or (with `missing`, or a formula) where it has a score without it."""
    given = set(rows.collect_schema().names())

    def is_connected(metric: str) -> pl.Expr:
        since = since_column(metric)
        if since in given:
            return (pl.col("as_of_date") >= pl.col(since)).fill_null(False)
        return pl.col(metric).is_not_null().any().over("as_of_date")

    return rows.with_columns(
        pl.any_horizontal(part.score.is_not_null(), *(is_connected(name) for name in _metrics(part.measure))).alias(
            f"{part.column}.is_connected"
        )
        for part in parts
    )


def _metrics(measure: Measure) -> list[str]:
    """The signals without which a measure has no score."""
    if measure.method != "formula":
        return [measure.metric]
    return sorted(set(pl.sql_expr(measure.formula).meta.root_names()))


def measure_score(measure: Measure) -> pl.Expr:
    """One metric as 0-100; where it is null, the measure's `missing`, without that null.

    A `steps` measure of which no step holds is null, never `missing`: the metric is there, only not provided for.
    A `formula` says itself what a null counts as, and may leave 0-100: only the score of the account is kept inside.
    """
    if measure.method == "formula":
        score = pl.sql_expr(measure.formula).cast(pl.Float64)
    else:
        made = {"linear": _linear, "steps": _steps, "quartile": _quartile}[measure.method](measure)
        is_there = pl.col(measure.metric).is_not_null()
        score = pl.when(is_there).then(made).otherwise(pl.lit(measure.missing, pl.Float64))
    return pl.when(pl.sql_expr(measure.where)).then(score) if measure.where else score


def _linear(measure: Measure) -> pl.Expr:
    """0 at or beyond `worst`, 100 at or beyond `best`, straight between, whichever of the two is higher."""
    worst, best = float(measure.worst or 0), float(measure.best or 0)
    return (100.0 * (pl.col(measure.metric).cast(pl.Float64) - worst) / (best - worst)).clip(0.0, 100.0)


def _steps(measure: Measure) -> pl.Expr:
    return pl.coalesce(pl.when(pl.sql_expr(step.when)).then(pl.lit(step.score, pl.Float64)) for step in measure.steps)


def _quartile(measure: Measure) -> pl.Expr:
    """SQL's ntile(4) x 25 over the accounts of the day whose metric is there; the first groups take the remainder."""
    return quartile(pl.col(measure.metric), "as_of_date") * (100.0 / QUARTILES)


def signal_names(scorecard: Scorecard) -> set[str]:
    """Every signal that a scorecard reads, but for its filter of accounts."""
    return {name for _, sql in sql_of(scorecard) for name in pl.sql_expr(sql).meta.root_names()}


def sql_of(scorecard: Scorecard) -> Iterator[tuple[str, str]]:
    """Every place where a scorecard names signals, with its SQL."""
    for part in parts_of(scorecard):
        place, measure = f"dimensions.{part.dimension}.measures.{part.name}", part.measure
        yield f"{place}.metric", f'"{measure.metric}"'
        yield from ((f"{place}.steps.{number}.when", step.when) for number, step in enumerate(measure.steps))
        yield from (
            (f"{place}.{key}", sql) for key, sql in (("formula", measure.formula), ("where", measure.where)) if sql
        )
    for number, adjustment in enumerate(scorecard.adjustments):
        yield f"adjustments.{number}.when", adjustment.when
