"""Whether two queries give the same: a table of the product, and its calculation by hand over the staged tables."""

from decimal import Decimal
from typing import Any

import pytest

from health_assets_tests.conftest import WholeCompany

NEAR = 1e-6
PAID = """(select * replace (greatest(start_date, trial_end_date) as start_date) from staged.subscriptions
    where mrr_amount > 0 and (status is distinct from 'trial' or trial_end_date is not null)
        and (end_date is null or end_date > greatest(start_date, trial_end_date)))"""  # from the end of a trial on


def agree(company: WholeCompany, by_hand: str, of_table: str) -> None:
    """The same rows, keys first and in any order, numbers to a millionth; there are some, and no column is empty."""
    expected, found = (sorted(map(_comparable, company.rows(query)), key=str) for query in (by_hand, of_table))
    assert expected
    assert all(any(value is not None for value in column) for column in zip(*expected, strict=True))
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == tuple(pytest.approx(value, abs=NEAR) if isinstance(value, float) else value for value in other)


def _comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Numbers of every type as floats."""
    is_number = [isinstance(value, int | float | Decimal) and not isinstance(value, bool) for value in row]
    return tuple(float(value) if number else value for value, number in zip(row, is_number, strict=True))
