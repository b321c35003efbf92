"""What init makes of a key that comes again: lines of one order, its total on each of them, or no key."""

import polars as pl
import pytest

from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.guesses.repeated_keys import is_of_one_thing, lines_of

COLUMNS = {"order_id": "Order", "account_id": "Buyer", "order_date": "Day", "total_amount": "Total"}


def orders(*rows: tuple[str | None, ...]) -> Candidate:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS.values(), pl.String), orient="row")
    return Candidate("orders", frame, {"path": "orders.csv"})


def test_a_total_that_stands_on_each_line_of_an_order_is_read_once() -> None:
    lines = lines_of(
        orders(("1", "A", "2024-03-01", "30"), ("1", "A", "2024-03-01", "30"), ("2", "B", "2024-03-02", "5")),
        "orders",
        COLUMNS,
    )
    assert lines is not None
    assert lines.keys == {"duplicates": "newest"}


def test_lines_of_different_amounts_are_added() -> None:
    lines = lines_of(orders(("1", "A", "2024-03-01", "30"), ("1", "A", "2024-03-01", "12,50")), "orders", COLUMNS)
    assert lines is not None
    assert lines.keys == {"duplicates": "sum"}


def test_equal_amounts_of_lines_are_added_where_the_name_says_that_they_are_of_a_line() -> None:
    rows = orders(("1", "A", "2024-03-01", "30"), ("1", "A", "2024-03-01", "30"))
    rows.rows = rows.rows.rename({"Total": "Line Total"})
    lines = lines_of(rows, "orders", COLUMNS | {"total_amount": "Line Total"})
    assert lines is not None
    assert lines.keys == {"duplicates": "sum"}


def test_a_total_on_the_first_line_alone_leaves_the_others_out() -> None:
    lines = lines_of(orders(("1", "A", "2024-03-01", "30"), ("1", "", None, "")), "orders", COLUMNS)
    assert lines is not None
    assert lines.keys == {"where": '"Total" is not null and "Total" <> \'\''}


@pytest.mark.parametrize("other", [("1", "B", "2024-03-01", "30"), ("1", "A", "2024-03-09", "30")])
def test_a_number_that_other_accounts_and_days_have_too_is_no_key(other: tuple[str, ...]) -> None:
    rows = orders(("1", "A", "2024-03-01", "30"), other)
    assert not is_of_one_thing(rows, "orders", COLUMNS)
    assert lines_of(rows, "orders", COLUMNS) is None
