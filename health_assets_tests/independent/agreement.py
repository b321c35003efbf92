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


WEIGHTS = """(
    select row_number() over () as place, * from (values
        ('usage', 0.30, 0.4), ('usage', 0.30, 0.3), ('usage', 0.30, 0.3), ('adoption', 0.15, 0.6), ('adoption', 0.15, 0.4),
        ('support', 0.20, 0.4), ('support', 0.20, 0.3), ('support', 0.20, 0.3), ('revenue', 0.25, 0.4),
        ('revenue', 0.25, 0.2), ('revenue', 0.25, 0.4), ('satisfaction', 0.10, 1), ('commerce', 0.55, 0.65),
        ('commerce', 0.55, 0.1), ('commerce', 0.55, 0.1), ('commerce', 0.55, 0.15), ('security', 0.20, 0.6),
        ('security', 0.20, 0.4), ('operations', 0.20, 0.6), ('operations', 0.20, 0.4), ('relationship', 0.10, 0.5),
        ('relationship', 0.10, 0.5)
    ) as weights (part, part_weight, weight)
)"""


MEASURED = " + ".join(f"(measure_scores.measure_{number} is not null)::bigint" for number in range(1, 25))  # SQL: count


def of_measures(row: str) -> str:
    """SQL: the scores of the measures of a row as a list, in the order of the scorecard."""
    return f"[{', '.join(f'{row}.measure_scores.measure_{number}' for number in range(1, 25))}]"


def changes_of_health(days: int, where: str = "true") -> str:
    """SQL: account_id, the earlier day, and the change of the standard score until so many days later, like for like."""
    return f"""(
        with pairs as (
            select account_id, one.as_of_date as day, {of_measures("one")} as before, {of_measures("later")} as after,
                   one.coverage as coverage_before, later.coverage as coverage_after
            from mart.customer_health_daily as one join mart.customer_health_daily as later
                using (account_id, scorecard_version)
            where later.as_of_date = one.as_of_date + {days} and one.health_score is not null
                and later.health_score is not null and ({where})
        ),
        measures as (
            select account_id, day, coverage_before, coverage_after, part, part_weight, weight,
                   before[place] as score_before, after[place] as score_after,
                   score_before is not null and score_after is not null as is_common
            from pairs cross join {WEIGHTS} as weights
        ),
        parts as (
            select account_id, day, part, part_weight,
                   sum(weight * score_before) filter (is_common) / sum(weight) filter (is_common) as before,
                   sum(weight * score_after) filter (is_common) / sum(weight) filter (is_common) as after
            from measures group by all
        ),
        scores as (
            select account_id, day, sum(part_weight * (after - before)) / sum(part_weight) as change
            from parts where before is not null group by all
        ),
        enough as (
            select account_id, day, sum(part_weight * weight) filter (is_common) as common,
                   sum(part_weight * weight) filter (score_before is not null) / any_value(coverage_before) as of_before,
                   sum(part_weight * weight) filter (score_after is not null) / any_value(coverage_after) as of_after,
                   count(*) filter (is_common) as measures
            from measures group by all
        )
        select account_id, day, change::double as change from scores join enough using (account_id, day)
        where common >= 0.5 * of_before - 1e-9 and common >= 0.5 * of_after - 1e-9 and measures >= 2
    )"""
