"""Figures as people read them: rounded half away from zero, as everywhere in this product."""

from decimal import ROUND_HALF_UP, Decimal
from typing import SupportsFloat


def figure(value: SupportsFloat, decimals: int = 0, sign: str = "") -> str:
    """A number with its thousands set apart; with sign "+" a positive number has one too, and nothing is "-0"."""
    exact = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return f"{exact + 0:{sign},.{decimals}f}"
