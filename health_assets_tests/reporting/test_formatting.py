"""Numbers and dates as people read them."""

from datetime import date

import pytest

from health_assets.reporting.formatting import counted, money, month_name, number, pct, plain_number, probability


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "shown"),
    [
        (2.5, 0, "", "3"), (-2.5, 0, "", "-3"), (6.25, 1, "", "6.3"), (62.25, 1, "", "62.3"), (1234567.0, 0, "", "1,234,567"),
        (-0.4, 0, "", "0"), (-0.4, 0, "+", "+0"), (4.25, 1, "+", "+4.3"), (-16.1, 0, "+", "-16"), (1e16, 0, "", "10,000,000,000,000,000"),
    ],
)  # fmt: skip
def test_halves_are_rounded_away_from_zero(value: float, decimals: int, sign: str, shown: str) -> None:
    assert number(value, decimals, sign) == shown


def test_null_is_not_measured_and_zero_is_a_number() -> None:
    assert (number(None), money(None, "USD"), pct(None)) == ("not measured",) * 3
    assert (number(0), money(0, "USD"), pct(0)) == ("0", "USD 0", "0.0%")


def test_one_account_and_two_accounts() -> None:
    assert [counted(count, "account") for count in (0, 1, 2, 1200)] == [
        "0 accounts", "1 account", "2 accounts", "1,200 accounts",
    ]  # fmt: skip


def test_a_plain_number_can_be_typed_into_a_calculator() -> None:
    assert [plain_number(value) for value in (1234.5, 10.0, 0.125)] == ["1234.5", "10", "0.13"]


def test_a_month_is_named_with_its_year() -> None:
    assert month_name(date(2025, 1, 31)) == "January 2025"


def test_a_probability_that_rounds_to_nothing_is_not_0() -> None:
    assert [probability(value) for value in (0.000128, 0.0005, 0.5956)] == ["under 0.1%", "0.1%", "59.6%"]
