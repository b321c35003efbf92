"""Expressions that several tables share."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from health_assets.contracts import expressions

FIRST = date(2025, 1, 1)


def value_of(expression: pl.Expr, **columns) -> list:
    return pl.DataFrame(columns).select(expression.alias("value"))["value"].to_list()


def test_ratio_and_percent_are_null_where_there_is_nothing_to_divide_by():
    columns = {"part": [1.0, 1.0, None, 0.0], "whole": [4.0, 0.0, 2.0, None]}
    part, whole = pl.col("part"), pl.col("whole")
    assert value_of(expressions.safe_ratio(part, whole), **columns) == [0.25, None, None, None]
    assert value_of(expressions.percent(part, whole), **columns) == [25.0, None, None, None]


def test_a_ratio_is_the_same_to_the_last_bit_by_a_column_and_by_one_value_for_all_rows():
    part, five = pl.col("part"), [5, 5]
    by_column = value_of(expressions.safe_ratio(part, pl.col("whole")), part=[3, 3], whole=five)
    by_one_value = value_of(expressions.safe_ratio(part, pl.col("whole").first()), part=[3, 3], whole=five)
    assert by_column == by_one_value == [0.6, 0.6]


def test_all_of_the_money_summed_in_another_order_is_100_percent():
    part, whole = 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1
    assert part > whole
    assert value_of(expressions.percent(pl.col("part"), pl.col("whole")), part=[part], whole=[whole]) == [100.0]


def test_band_holds_from_its_floor_on():
    bands = {"low": 0.0, "high": 80.0, "middle": 50.0}
    banded = expressions.banded(pl.col("score"), bands)
    assert value_of(banded, score=[80.0, 79.99, 50.0, 0.0, None]) == ["high", "middle", "middle", "low", None]


def test_ceiling_belongs_to_its_band():
    banded = expressions.up_to(pl.col("hours"), {"slow": 48.0, "fast": 4.0}, "very_slow")
    assert value_of(banded, hours=[4.0, 4.01, 48.0, 48.01, None]) == ["fast", "slow", "slow", "very_slow", None]


def test_half_is_rounded_away_from_zero():
    assert value_of(expressions.rounded(pl.col("x"), 0), x=[0.5, 1.5, 2.5, -2.5]) == [1.0, 2.0, 3.0, -3.0]


@pytest.mark.parametrize(("timezone", "day"), [("UTC", 31), ("Europe/Berlin", 1), ("America/New_York", 31)])
def test_local_day_of_a_moment(timezone, day):
    local = expressions.local_date(pl.col("moment"), timezone)
    assert value_of(local, moment=[datetime(2024, 12, 31, 23, 30)])[0].day == day


def test_panel_begins_with_the_member_and_ends_with_the_period():
    members = pl.LazyFrame(
        {"account_id": ["old", "new", "later"], "since": [date(2020, 1, 1), date(2025, 1, 2), date(2026, 1, 1)]}
    )
    panel = (
        expressions.day_panel(members, "account_id", "since", FIRST, date(2025, 1, 2))
        .sort("account_id", "day")
        .collect()
    )
    assert panel.rows() == [("new", date(2025, 1, 2)), ("old", FIRST), ("old", date(2025, 1, 2))]


def test_panel_of_no_days_is_empty():
    members = pl.LazyFrame({"account_id": ["a"], "since": [date(2020, 1, 1)]})
    assert expressions.day_panel(members, "account_id", "since", date(2025, 1, 2), FIRST).collect().is_empty()


def test_a_day_ends_at_the_next_local_midnight():
    assert expressions.end_of_day(date(2025, 1, 31), "UTC") == datetime(2025, 2, 1)
    assert expressions.end_of_day(date(2025, 3, 30), "Europe/Berlin") == datetime(2025, 3, 30, 22)  # summer time began


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.randoms())
def test_exact_sums_and_means_are_bit_identical_in_any_order(values, random):
    shuffled = random.sample(values, len(values))
    for exact in (expressions.exact_sum, expressions.mean_of):
        assert value_of(exact(pl.col("value")), value=values) == value_of(exact(pl.col("value")), value=shuffled)


def test_mean_is_of_the_values_that_are_there():
    assert value_of(expressions.mean_of(pl.col("value")), value=[0.1, None, 0.2]) == [0.15]
    assert value_of(expressions.mean_of(pl.col("value")), value=pl.Series([None], dtype=pl.Float64)) == [None]
    assert value_of(expressions.exact_sum(pl.col("value")), value=[0.1, 0.2]) == [0.3]


def test_relative_change_is_null_below_the_least_earlier_events():
    change = expressions.relative_change(pl.col("now"), pl.col("before"), 10)
    assert value_of(change, now=[5, 5, 5], before=[10, 9, 0]) == [-0.5, None, None]
