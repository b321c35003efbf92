"""Currencies by the codes that invoices write."""

from functools import cache
from typing import Annotated

from babel.numbers import list_currencies
from pydantic import AfterValidator

from health_assets.settings.suggestions import nearest


@cache
def _codes() -> frozenset[str]:
    return frozenset(list_currencies())


def currency(code: str) -> str:
    """A currency by its ISO 4217 code.

    Raises:
        ValueError: there is none of this code.
    """
    if code not in _codes():
        meant = nearest(code, sorted(_codes()))
        hint = f"; did you mean {meant!r}?" if meant else ""
        raise ValueError(f"{code!r} is not a currency; use the three letters of ISO 4217, such as EUR or USD{hint}")
    return code


Currency = Annotated[str, AfterValidator(currency)]
