"""The scores of a scorecard's measures on a day, as one struct with a field for each measure.

A database stores each field as a column of its own: neighbouring days are alike there, while in a list the measures of a
day follow each other and hardly compress. The names of the measures are in mart/health/customer_health_parts.py.
"""

from collections.abc import Sequence

import dataframely as dy
import polars as pl

FIELDS = [f"measure_{number}" for number in range(1, 25)]  # in the order of the scorecard
OTHERS = "other_measures"  # of a scorecard with more measures than fields


def MeasureScores() -> dy.Struct:  # noqa: N802 - a column type
    """Score of each measure of the scorecard."""
    return dy.Struct(
        {name: dy.Float64(nullable=True) for name in FIELDS}
        | {OTHERS: dy.List(dy.Float64(nullable=True), nullable=True)},
        description=f"Score of each measure, 0-100, in the order of the scorecard: `measure_1` ... `{FIELDS[-1]}`, further ones "
        f"in the list `{OTHERS}`; null = not measured. mart.customer_health_parts has them by name",
    )


def by_place(scores: Sequence[pl.Expr]) -> pl.Expr:
    """The scores of a scorecard's measures, in its order, as one struct."""
    own, beyond = scores[: len(FIELDS)], scores[len(FIELDS) :]
    fields = [score.cast(pl.Float64).alias(name) for name, score in zip(FIELDS, own, strict=False)]
    absent = [pl.lit(None, pl.Float64).alias(name) for name in FIELDS[len(own) :]]
    others = pl.concat_list(beyond) if beyond else pl.lit(None, pl.List(pl.Float64))
    return pl.struct([*fields, *absent, others.alias(OTHERS)])


def score_at(scores: pl.Expr, place: int) -> pl.Expr:
    """The score of the measure at a place, from 0; null = not measured."""
    if place < len(FIELDS):
        return scores.struct.field(FIELDS[place])
    return scores.struct.field(OTHERS).list.get(place - len(FIELDS), null_on_oob=True)


def measured_count(scores: pl.Expr) -> pl.Expr:
    """How many measures have a score."""
    counted = [scores.struct.field(name).is_not_null().cast(pl.Int64) for name in FIELDS]
    others = scores.struct.field(OTHERS).list.drop_nulls().list.len().cast(pl.Int64).fill_null(0)
    return pl.sum_horizontal(*counted, others)


def same_measured(scores: pl.Expr, others: pl.Expr) -> pl.Expr:
    """Whether the same measures have a score in both."""

    def of_others(one: pl.Expr) -> pl.Expr:
        return one.struct.field(OTHERS).list.eval(pl.element().is_not_null())

    return pl.all_horizontal(
        *(scores.struct.field(name).is_null() == others.struct.field(name).is_null() for name in FIELDS),
        of_others(scores).eq_missing(of_others(others)),
    )
