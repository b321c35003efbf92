"""Snapshots with and without a day."""

from datetime import date

import pytest

from health_assets.assets.staged.usage_snapshots import staged_usage_snapshots
from health_assets_tests.assets.rows import SETTINGS, rows

LOAD_DAY = date(2025, 1, 31)
COMPANY = SETTINGS.model_copy(update={"as_of": LOAD_DAY})


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ([None, None], [LOAD_DAY, LOAD_DAY]),  # the file has no day
        (["2025-01-01", None], [date(2025, 1, 1), None]),  # it has: the second row's is missing
        (["2025-01-01", "soon"], [date(2025, 1, 1), None]),
        (["soon", "later"], [None, None]),  # unreadable is not undated
    ],
)
def test_a_file_without_snapshot_date_describes_the_load_day(given: list[str | None], days: list[date | None]) -> None:
    raw = rows(
        "raw_usage_snapshots",
        *(
            {"source_file": "snapshots.csv", "source_row": n, "account_id": f"A{n}", "snapshot_date": day}
            for n, day in enumerate(given, 1)
        ),
    )
    assert staged_usage_snapshots(raw, COMPANY).collect()["snapshot_date"].to_list() == days


def test_each_file_is_dated_by_itself() -> None:
    raw = rows(
        "raw_usage_snapshots",
        {"source_file": "dated.csv", "source_row": 1, "account_id": "A", "snapshot_date": "2025-01-01"},
        {"source_file": "undated.csv", "source_row": 1, "account_id": "B"},
    )
    assert staged_usage_snapshots(raw, COMPANY).collect()["snapshot_date"].to_list() == [date(2025, 1, 1), LOAD_DAY]
