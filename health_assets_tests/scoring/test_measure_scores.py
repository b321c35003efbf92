"""The scores of measures by place, in fields of their own and, of very long scorecards, in a list."""

import polars as pl

from health_assets.scoring.measure_scores import by_place, measured_count, same_measured, score_at


def scores(*values: float | None) -> dict[str, float | None]:
    """A score for each measure of a scorecard with 26 measures; those that are not given are not measured."""
    return {str(place): values[place] if place < len(values) else None for place in range(26)}


def packed(*rows: dict[str, float | None]) -> pl.DataFrame:
    """The rows as structs."""
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.Float64))
    return frame.select(scores=by_place([pl.col(name) for name in rows[0]]))


def test_score_is_found_by_its_place_in_fields_and_beyond_them() -> None:
    found = packed(scores(*map(float, range(26)))).select(
        first=score_at(pl.col("scores"), 0), last=score_at(pl.col("scores"), 25), none=score_at(pl.col("scores"), 30)
    )
    assert found.row(0) == (0.0, 25.0, None)


def test_measures_without_a_score_are_not_counted() -> None:
    found = packed(scores(50.0, None, 0.0), scores(*[1.0] * 26)).select(measured_count(pl.col("scores")))
    assert found.to_series().to_list() == [2, 26]


def test_same_measures_are_those_that_have_a_score_on_both_days_whatever_it_is() -> None:
    days = packed(scores(50.0, None), scores(20.0, None), scores(20.0, 20.0), scores(*[1.0] * 25)).with_columns(
        before=pl.col("scores").shift(1)
    )
    found = days.select(same_measured(pl.col("scores"), pl.col("before"))).to_series()
    assert found.to_list()[1:] == [True, False, False]
    others = packed(scores(*[1.0] * 25), scores(*[2.0] * 25, None), scores(*[1.0] * 26)).with_columns(
        before=pl.col("scores").shift(1)
    )
    assert others.select(same_measured(pl.col("scores"), pl.col("before"))).to_series().to_list()[1:] == [True, False]
