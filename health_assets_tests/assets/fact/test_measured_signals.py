"""Which signals are measured, and since when."""

from datetime import date
from typing import Any

from health_assets.contracts.expressions import Period
from health_assets_tests.assets.rows import made, rows

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


def measured(**given: Any) -> dict[tuple[str, date], date]:
    found = made("fact_measured_signals", period=Period(JANUARY, date(2025, 2, 28)), **given)
    return {(signal, month): day for signal, month, day in found.select("signal", "month", "first_date").rows()}


def test_signal_is_measured_from_the_first_day_on_which_any_account_has_it() -> None:
    days = (
        ("A", date(2025, 1, 5), None),
        ("A", date(2025, 1, 9), 7.0),
        ("B", date(2025, 1, 7), 3.0),
        ("A", FEBRUARY, 7.0),
    )
    satisfaction = rows(
        "fact_account_satisfaction_daily",
        *({"account_id": name, "as_of_date": day, "nps_rating": value} for name, day, value in days),
    )
    found = measured(fact_account_satisfaction_daily=satisfaction)
    assert found == {("nps_rating", JANUARY): date(2025, 1, 7), ("nps_rating", FEBRUARY): FEBRUARY}


def test_own_metrics_are_signals_too() -> None:
    value = {"account_id": "A", "as_of_date": date(2025, 1, 3), "metric": "seats_in_use", "value": 1.0}
    assert measured(fact_account_metrics=rows("fact_account_metrics", value)) == {
        ("seats_in_use", JANUARY): date(2025, 1, 3)
    }


def test_column_that_is_always_blank_is_not_measured() -> None:
    blank = rows(
        "fact_account_satisfaction_daily", {"account_id": "A", "as_of_date": JANUARY, "response_count_365d": 2}
    )
    assert set(measured(fact_account_satisfaction_daily=blank)) == {("response_count_365d", JANUARY)}
