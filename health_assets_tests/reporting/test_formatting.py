"""Figures as people read them."""

import pytest

from health_assets.reporting.formatting import figure


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "shown"),
    [
        (2.5, 0, "", "3"), (-2.5, 0, "", "-3"), (6.25, 1, "", "6.3"), (62.25, 1, "", "62.3"), (1234567.0, 0, "", "1,234,567"),
        (-0.4, 0, "", "0"), (-0.4, 0, "+", "+0"), (4.25, 1, "+", "+4.3"), (-16.1, 0, "+", "-16"), (1e16, 0, "", "10,000,000,000,000,000"),
    ],
)  # fmt: skip
def test_halves_are_rounded_away_from_zero(value: float, decimals: int, sign: str, shown: str) -> None:
    assert figure(value, decimals, sign) == shown
