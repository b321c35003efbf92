"""Text as files have it -> typed values; what cannot be read is null."""

from datetime import date, datetime

import dataframely as dy
import polars as pl
import pytest

from health_assets.contracts.contract import Contract
from health_assets.sources.numbers import currency_in
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
    toy_id = dy.String(nullable=True)
    spent_hours = dy.Float64(nullable=True)
    satisfaction_score = dy.Float64(nullable=True, min=1, max=5)


@pytest.fixture
def read(tmp_path):
    def read(column: str, *values: str | None, timezone: str = "UTC", in_source: str = "", **source) -> list:
        described = {"path": "toys.csv"} | ({"timezone": in_source} if in_source else {}) | source
        company = settings_of(tmp_path, timezone=timezone, sources={"toys": described})
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


def test_declared_day_first_dates_next_to_iso_dates(read):
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
        ("USD 4,560.00", 4560.0), ("4,560 EUR", 4560.0), ("(120.00)", -120.0), ("($12.50)", -12.5), ("120.00-", -120.0),
        ("CHF 980.–", 980.0), ("$1.2k", 1200.0), ("US$ 5", 5.0), (" 7 ", 7.0), (".5", 0.5), ("1e3", 1000.0), ("1e308", 1e308), ("0", 0.0),
    ],
)  # fmt: skip
def test_amounts_with_signs_and_separators(read, text, amount):
    assert read("amount", text) == [amount]


@pytest.mark.parametrize("text", ["NaN", "inf", "-inf", "1e999", "REF 5", "1.234,5", "12,34", "--5", "$", "ten", ""])
def test_what_is_no_finite_number_is_null(read, text):
    assert read("amount", text) == [None]


def test_minor_units(read):
    assert read("amount", "1250", unit={"amount": "minor"}) == [12.5]


def test_counts_are_whole_numbers(read):
    assert read("count", "3", "3.0", "1,200", "3.5", "1e308") == [3, 3, 1200, None, None]


def test_words_for_true_and_false(read):
    assert read("flag", "TRUE", "true", "Yes", "1", "f", "NO", "0") == [True] * 4 + [False] * 3
    assert read("flag", "maybe", "", None, "2") == [None] * 4
    assert read("flag", "Ja", "oui", "sí", "Nein", "não", "nie") == [True] * 3 + [False] * 3


def test_days_written_out_with_a_time_of_twelve_hours_and_seconds(read):
    moments = [datetime(2026, 11, 3, 22, 21, 33)] * 2
    assert read("moment", "Nov 3, 2026 10:21:33 PM", "Nov 3, 2026, 10:21:33 PM") == moments


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


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-05 03:00:00", "2025-01-05 03:00", "2025-01-05T03:00Z", "2025-01-05T03:00:00.000Z", "2025-01-05 03:00:00 UTC",
        "2025-01-05 03:00:00+00", "2025-01-05 04:00:00.000000+01", "2025-01-05T03:00:00.000+0000", "2025-01-05 03:00:00 +0000",
        "2025/01/05 3:00", "2025/1/5 3:00:00", "20250105T030000Z", "20250105 03:00", "2025-01-05T05:30:00+02:30",
    ],
)  # fmt: skip
def test_times_as_databases_and_spreadsheets_write_them(read, text):
    assert read("moment", text) == [datetime(2025, 1, 5, 3)]


def test_fractions_of_a_second_are_kept(read):
    assert read("moment", "2025-01-05 03:00:00.123456+00") == [datetime(2025, 1, 5, 3, 0, 0, 123456)]


@pytest.mark.parametrize("text", ["2025/01/05", "20250105", "2025-1-5", "2025.01.05", "Jan 5, 2025", "5-Jan-2025"])
def test_days_with_other_separators_or_none_or_a_month_that_is_written_out(read, text):
    assert read("day", text) == [date(2025, 1, 5)]


@pytest.mark.parametrize("text", ["5-Jan-25", "5 Jan 25", "Jan 5, 25", "5/Jan/25 12:00 AM"])
def test_year_of_two_digits_is_of_this_century(read, text):
    assert read("day", text) == [date(2025, 1, 5)]


def test_format_with_four_digits_of_a_year_reads_none_of_two(read):
    assert read("day", "05.01.25", date_format="%d.%m.%Y") == [None]
    assert read("day", "05.01.25", date_format="%d.%m.%y") == [date(2025, 1, 5)]


def test_formats_are_tried_one_after_the_other_and_may_be_given_by_column(read):
    several = ["%d.%m.%Y", "%m/%d/%Y"]
    assert read("day", "31.01.2024", "01/31/2024", "soon", date_format=several) == [date(2024, 1, 31)] * 2 + [None]
    by_column = {"day": "%d.%m.%Y", "moment": "%m.%d.%Y"}
    assert read("day", "03.05.2024", date_format=by_column) == [date(2024, 5, 3)]
    assert read("moment", "03.05.2024", date_format=by_column) == [datetime(2024, 3, 5)]


@pytest.mark.parametrize("text", ["2024-02-01 03:15", "2024-02-01 03:15:00 UTC", "2024-02-01T03:15:00.000+0000"])
def test_times_without_a_zone_are_in_that_of_the_source_and_days_in_the_companys(read, text):
    zones = {"timezone": "America/Los_Angeles", "in_source": "UTC"}
    assert read("day", text, **zones) == [date(2024, 1, 31)]
    assert read("day", "2024-02-01", **zones) == [date(2024, 2, 1)]


def test_serial_days_of_a_spreadsheet_next_to_written_ones(read):
    assert read("day", "45292", "01.01.2024", unit={"day": "excel"}, date_format="%d.%m.%Y") == [date(2024, 1, 1)] * 2
    assert read("moment", "45292.25", unit={"moment": "excel"}) == [datetime(2024, 1, 1, 6)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.250", 1250.0), ("499,00", 499.0), ("1.250,50", 1250.5), ("0,125", 0.125), ("45658", 45658.0), ("12.34", None)],
)
def test_decimal_comma(read, text, amount):
    assert read("amount", text, decimal=",") == [amount]


@pytest.mark.parametrize(
    ("mark", "text"), [("'", "1'234.50"), (" ", "1 234.50"), (" ", "1\u202f234.50"), ("", "1234.50")]
)
def test_declared_marks_between_thousands(read, mark, text):
    assert read("amount", text, thousands=mark) == [1234.5]


def test_minor_units_follow_the_currency(tmp_path):
    company = settings_of(
        tmp_path,
        fx_rates={"JPY": 0.0066, "KWD": 3.25},
        sources={"toys": {"path": "t.csv", "unit": {"amount": "minor"}}},
    )
    raw = pl.LazyFrame({"amount": ["10000", "15000", "30500", "50"], "currency": ["usd", "jpy", "kwd", None]})
    assert parsed(raw, Wide, company, "toys").collect()["amount"].to_list() == [100.0, 15000.0, 30.5, 0.5]


@pytest.mark.parametrize(("unit", "hours"), [("minutes", 1.5), ("s", 0.025), ("ms", 0.000025)])
def test_durations_come_into_the_unit_of_the_column(read, unit, hours):
    assert read("spent_hours", "90", unit={"spent_hours": unit}) == [pytest.approx(hours)]


def test_words_are_mapped_without_case_and_keys_exactly(read):
    assert read("text", " LIVE ", values={"text": {"Live": "on air"}}) == ["on air"]
    assert read("toy_id", "ab", "AB", values={"toy_id": {"ab": "1"}}) == ["1", "AB"]


def test_word_mapped_to_null_is_blank(read):
    assert read("word", "-", "open", values={"word": {"-": None}}) == [None, "open"]


def test_words_that_yaml_takes_for_true_and_false_are_mapped_as_they_are_written(read):
    assert read("word", "No", "YES", values={"word": {False: "open", True: "in_progress"}}) == ["open", "in_progress"]


def test_keys_that_were_written_as_floats_are_whole_numbers(read):
    assert read("toy_id", "12346.0", "A.0", "7") == ["12346", "A.0", "7"]


def test_files_of_one_source_may_be_described_differently(tmp_path):
    described = [{"path": "a.csv", "date_format": "%d.%m.%Y"}, {"path": "b.csv", "date_format": "%m.%d.%Y"}]
    company = settings_of(tmp_path, sources={"toys": described})
    raw = pl.LazyFrame({"day": ["03.05.2024", "03.05.2024"], "source_part": [1, 2]})
    assert parsed(raw, Wide, company, "toys").collect()["day"].to_list() == [date(2024, 5, 3), date(2024, 3, 5)]


def test_epochs_days_and_formats_may_stand_in_one_column(read):
    formats = ["%m/%d/%Y", "%m/%d/%Y %I:%M %p"]
    given = ("1736046000", "20250105", "01/05/2025", "1/5/2025 3:00 PM")
    assert read("day", *given, unit={"day": "s"}, date_format=formats) == [date(2025, 1, 5)] * 4


def test_a_month_by_its_name_in_another_language(read):
    assert read("day", "22. März 2024", "1er février 2024", "12 de marzo de 2024", "5 maj 2024", "3 Foo 2024") == [
        date(2024, 3, 22), date(2024, 2, 1), date(2024, 3, 12), date(2024, 5, 5), None,
    ]  # fmt: skip


def test_a_percentage_of_a_share_is_its_hundredth(read):
    assert read("amount", "85%", "85 %") == [0.85, 0.85]


@pytest.mark.parametrize(
    ("text", "reporting", "currency"),
    [
        ("USD 4,560.00", "EUR", "USD"), ("4,560.00 EUR", "USD", "EUR"), ("5 €", "USD", "EUR"), ("$5", "EUR", "USD"), ("$5", "CAD", "CAD"),
        ("US$ 5", "CAD", "USD"), ("(£5.00)", "USD", "GBP"), ("5", "USD", None), ("REF 5", "USD", None),
    ],
)  # fmt: skip
def test_the_currency_that_an_amount_names(text, reporting, currency):
    named = pl.DataFrame({"text": [text]}).select(currency_in(pl.col("text"), reporting)).item()
    assert named == currency
