"""Rows of event files by month, as Parquet files state them or as they are read."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from health_assets.assets import load_all
from health_assets.settings import Settings
from health_assets.sources.profile import _stated_months, read_profile
from health_assets.tables import TABLES
from health_assets_tests.frames import settings_of

load_all()
EVENTS = ("usage_events", TABLES["raw_usage_events"].rows, "event_timestamp")


def company(folder: Path, *times: datetime | None, group: int = 2) -> Settings:
    """A company in Berlin, with a file of events at these times in row groups of so many rows."""
    rows = pl.DataFrame({"at": times}, {"at": pl.Datetime("ms", "UTC")}).select(
        event_id=pl.int_range(pl.len()).cast(pl.String), account_id=pl.lit("A"), event_name=pl.lit("login"), at="at"
    )
    rows.write_parquet(folder / "e.parquet", row_group_size=group)
    described = {"path": "e.parquet", "columns": {"at": "event_timestamp"}}
    return settings_of(folder, timezone="Europe/Berlin", sources={"usage_events": described})


def rows_by_month(settings: Settings) -> dict[str, int]:
    return dict(read_profile(*EVENTS, settings).select("month", "row_count").collect().iter_rows())


def at(month: int, day: int, hour: int) -> datetime:
    return datetime(2025, month, day, hour, tzinfo=UTC)


def test_a_file_whose_row_groups_lie_in_one_local_month_each_is_counted_as_it_states(tmp_path):
    settings = company(tmp_path, at(1, 10, 8), at(1, 20, 8), at(1, 31, 23), at(2, 3, 8))
    assert _stated_months(*EVENTS, settings).height == 2
    assert rows_by_month(settings) == {"2025-01": 2, "2025-02": 2}


def test_a_row_group_across_the_end_of_a_local_month_is_read(tmp_path):
    settings = company(tmp_path, at(1, 31, 22), at(1, 31, 23), at(1, 31, 23))
    assert _stated_months(*EVENTS, settings).is_empty()
    assert rows_by_month(settings) == {"2025-01": 1, "2025-02": 2}


def test_rows_without_a_time_are_read_and_counted_as_unreadable(tmp_path):
    settings = company(tmp_path, at(1, 10, 8), None, None)
    assert _stated_months(*EVENTS, settings).is_empty()
    assert rows_by_month(settings) == {"2025-01": 1, "unreadable": 2}
