"""What happened to one account."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from health_assets.reporting.timeline import timeline


@pytest.fixture
def snapshot() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("""
            create schema fact;
            create table fact.health_overrides as from (values
                ('A', date '2025-01-05', date '2025-01-09', null::double, 'at_risk', 'Sponsor left', 'Lena'),
                ('A', date '2025-01-20', date '2025-02-09', 72.0, null, 'Pilot', 'Max'),
                ('B', date '2025-01-21', date '2025-02-09', 72.0, null, 'Pilot', 'Max')
            ) as given(account_id, valid_from, expiry_date, score, band, reason, author);
        """)
        yield connection


def test_overrides_are_shown_after_they_have_ended_but_not_to_the_customer(
    snapshot: duckdb.DuckDBPyConnection,
) -> None:
    assert timeline(snapshot, "A", 10).rows() == [
        (date(2025, 1, 20), "override", "Set by hand to score 72.0 until 2025-02-09 by Max: Pilot"),
        (date(2025, 1, 5), "override", "Set by hand to at risk until 2025-01-09 by Lena: Sponsor left"),
    ]
    assert timeline(snapshot, "A", 10, internal=False).rows() == []
