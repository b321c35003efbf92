"""Text as files have it -> typed values; what cannot be read is null."""

from datetime import date, datetime

import dataframely as dy
import polars as pl
import pytest

from health_assets.contracts.contract import Contract
from health_assets.sources.parsing import parsed
from health_assets_tests.frames import settings_of


class Wide(Contract):
    """One column of each type."""

    moment = dy.Datetime(nullable=True, time_unit="us")
    day = dy.Date(nullable=True)
    amount = dy.Float64(nullable=True)
    count = dy.Int64(nullable=True)
    flag = dy.Bool(nullable=True)
    word = dy.Enum(["in_progress", "open"], nullable=True)
    text = dy.String(nullable=True)
    satisfaction_score = dy.Float64(nullable=True)


@pytest.fixture
def read(tmp_path):
    def read(column: str, *values: str | None, timezone: str = "UTC", **source) -> list:
        company = settings_of(tmp_path, timezone=timezone, sources={"toys": {"path": "toys.csv"} | source})
        raw = pl.LazyFrame({column: list(values)}, schema={column: pl.String})
        return parsed(raw, Wide, company, "toys").collect()[column].to_list()

    return read


def test_days_and_moments_in_one_column(read):
    assert read(
        "moment", "2024-03-05", "2024-03-05T10:20:30", "2024-03-05 10:20:30.123456", "2024-03-05T10:20:30Z"
    ) == [
        datetime(2024, 3, 5),
        datetime(2024, 3, 5, 10, 20, 30),
        datetime(2024, 3, 5, 10, 20, 30, 123456),
        datetime(2024, 3, 5, 10, 20, 30),
    ]


def test_moment_with_an_offset_is_converted_to_utc(read):
    assert read("moment", "2024-03-05T10:00:00+02:00") == [datetime(2024, 3, 5, 8)]


def test_declared_day_first_dates_beside_iso_dates(read):
    assert read("day", "05-03-2024", "2024-03-05", date_format="%d-%m-%Y") == [date(2024, 3, 5)] * 2


@pytest.mark.parametrize(
    ("date_format", "text", "moment"),
    [
        ("%d/%m/%Y %H:%M:%S", "05/03/2024 08:30:00", datetime(2024, 3, 5, 7, 30)),
        ("%d/%m/%Y %I:%M %p", "05/03/2024 08:30 PM", datetime(2024, 3, 5, 19, 30)),
        ("%d/%m/%Y %H:%M %z", "05/03/2024 08:30 +0200", datetime(2024, 3, 5, 6, 30)),
        ("%d/%m/%Y", "05/03/2024", datetime(2024, 3, 4, 23)),
    ],
)
def test_declared_format_keeps_the_time_of_day_and_the_zone_that_it_names(read, date_format, text, moment):
    assert read("moment", text, date_format=date_format, timezone="Europe/Berlin") == [moment]


def test_day_first_dates_without_declaration_are_not_guessed_at(read):
    assert read("day", "05-03-2024", "05/03/2024") == [None, None]


@pytest.mark.parametrize("nonsense", ["2024-02-30", "2023-02-29", "0000-00-00", "soon", "1704067200", "2024-1-5x", ""])
def test_what_is_no_day_is_null(read, nonsense):
    assert read("day", nonsense) == [None]


def test_first_and_last_year_are_read_and_left_to_the_contract(read):
    assert read("day", "0001-01-01", "9999-12-31") == [date(1, 1, 1), date(9999, 12, 31)]


@pytest.mark.parametrize(("unit", "value"), [("s", "1704067200"), ("ms", "1704067200000"), ("us", "1704067200000000")])
def test_declared_epoch(read, unit, value):
    assert read("moment", value, unit={"moment": unit}) == [datetime(2024, 1, 1)]


def test_local_time_becomes_utc_and_a_moment_its_local_day(read):
    assert read("moment", "2024-07-01T12:00:00", timezone="Europe/Berlin") == [datetime(2024, 7, 1, 10)]
    assert read("day", "2024-07-01T23:30:00Z", "2024-07-01", timezone="Europe/Berlin") == [
        date(2024, 7, 2),
        date(2024, 7, 1),
    ]


def test_time_that_the_clock_skipped_and_time_that_it_had_twice(read):
    assert read("moment", "2024-03-31T02:30:00", "2024-10-27T02:30:00", timezone="Europe/Berlin") == [
        datetime(2024, 3, 31, 1, 30),
        datetime(2024, 10, 27, 0, 30),
    ]


def test_day_whose_midnight_the_clock_skipped_is_that_day(read):
    assert read("day", "2024-09-08", timezone="America/Santiago") == [date(2024, 9, 8)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1234.5", 1234.5), ("1,234.5", 1234.5), ("$1,234,567", 1234567.0), ("€ 5", 5.0), ("5 €", 5.0), ("-$5", -5.0),
        (" 7 ", 7.0), (".5", 0.5), ("1e3", 1000.0), ("1e308", 1e308), ("0", 0.0),
    ],
)  # fmt: skip
def test_amounts_with_signs_and_separators(read, text, amount):
    assert read("amount", text) == [amount]


@pytest.mark.parametrize("text", ["NaN", "inf", "-inf", "1e999", "EUR 5", "1.234,5", "12,34", "--5", "$", "ten", ""])
def test_what_is_no_finite_number_is_null(read, text):
    assert read("amount", text) == [None]


def test_minor_units(read):
    assert read("amount", "1250", unit={"amount": "minor"}) == [12.5]


def test_counts_are_whole_numbers(read):
    assert read("count", "3", "3.0", "1,200", "3.5", "1e308") == [3, 3, 1200, None, None]


def test_words_for_true_and_false(read):
    assert read("flag", "TRUE", "true", "Yes", "1", "f", "NO", "0") == [True] * 4 + [False] * 3
    assert read("flag", "maybe", "", None, "2") == [None] * 4


def test_enum_values_in_any_case_padded_and_spaced(read):
    assert read("word", " OPEN ", "In Progress", "in-progress", "shut", "") == [
        "open",
        "in_progress",
        "in_progress",
        None,
        None,
    ]


def test_text_is_trimmed_and_blank_text_is_null(read):
    assert read("text", "  a ", "   ", "", None) == ["a", None, None, None]


def test_their_values_in_any_case_become_ours(read):
    assert read("word", "Live", " LIVE", "open", values={"word": {"Live": "in_progress"}}) == ["in_progress"] * 2 + [
        "open"
    ]


def test_default_for_blanks(read):
    assert read("word", "", "in_progress", defaults={"word": "open"}) == ["open", "in_progress"]


def test_spelling_of_keys(read):
    keys = {"text": {"match": r"^CUST(\d+)$", "replace": r"CUST_\1"}}
    assert read("text", "CUST001", "CUST_001", "X1", keys=keys) == ["CUST_001", "CUST_001", "X1"]


def test_scale_is_brought_to_the_contracts(read):
    assert read("satisfaction_score", "1", "10", "5.5", scale={"satisfaction_score": [1, 10]}) == [1.0, 5.0, 3.0]
