"""What becomes of events that an engine reduces: the same on Polars and DuckDB, and what the file path makes of them."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from health_assets.assets.fact.user_daily import fact_user_daily
from health_assets.assets.staged.features import Features
from health_assets.contracts.expressions import Period
from health_assets.settings import SettingsError
from health_assets_tests.frames import settings_of
from health_assets_tests.inline_company import made
from health_assets_tests.sources.events.company import at, company, events_of, months_of

pytestmark = pytest.mark.slow

ENGINES = pytest.mark.parametrize("engine", ["polars", "duckdb"])


def reduced(folder: Path, engine: str, rows: list[dict[str, Any]], *columns: str, **described: Any) -> list[Any]:
    events_of(folder, rows)
    return months_of(company(folder, engine, **described))[0].select(columns).rows()


@ENGINES
def test_events_of_one_account_user_name_and_day_become_one_row(tmp_path: Path, engine: str) -> None:
    rows = [
        {"event_timestamp": at("10T09:00"), "event_count": 2, "duration_seconds": 1.5},
        {"event_timestamp": at("10T09:20"), "event_count": None, "duration_seconds": None},
        {"event_timestamp": at("10T10:00"), "event_count": 1, "duration_seconds": 0.25},
        {"event_timestamp": at("10T10:05"), "event_count": 1, "event_name": "report"},
        {"event_timestamp": at("11T10:00"), "event_count": 1, "user_id": None},
    ]
    found = reduced(
        tmp_path, engine, rows, "user_id", "event_name", "event_count", "duration_seconds", "sessions_begun", "source_row_count"
    )  # fmt: skip
    assert sorted(found, key=str) == [
        ("U1", "login", 4, 1.75, 2, 3),  # sessions from 9:00 and from 10:00
        ("U1", "report", 1, None, 0, 1),
        (None, "login", 1, None, 0, 1),  # events that name no user begin no session
    ]


@ENGINES
def test_session_that_runs_past_midnight_counts_on_its_first_day(tmp_path: Path, engine: str) -> None:
    rows = [{"event_timestamp": datetime(2024, 12, 31, 23, 50)}, {"event_timestamp": at("01T00:10")}]
    assert reduced(tmp_path, engine, rows, "sessions_begun") == [(1,), (0,)]


@ENGINES
def test_days_and_sessions_follow_the_clock_that_goes_back(tmp_path: Path, engine: str) -> None:
    """2024-10-27 02:30 is twice in Berlin; the earlier is meant. 23:30 UTC of the 26th is the 27th, of the 27th the 28th."""
    rows = [
        {"event_timestamp": "2024-10-26T21:30:00Z"},
        {"event_timestamp": "2024-10-26T22:30:00+00:00"},
        {"event_timestamp": "2024-10-27 02:30"},
        {"event_timestamp": "2024-10-27T23:30:00Z"},
        {"event_timestamp": "2024-10-28"},
    ]
    assert reduced(tmp_path, engine, rows, "event_timestamp") == [
        (moment,)
        for moment in pl.Series(["2024-10-26T21:30", "2024-10-26T22:30", "2024-10-27T23:00"])
        .str.to_datetime(time_unit="us", time_zone="UTC")
    ]  # fmt: skip


@ENGINES
def test_of_one_key_and_day_the_newest_counts_and_copies_collapse(tmp_path: Path, engine: str) -> None:
    rows = [
        {"event_id": "E", "event_timestamp": at("10T09:00"), "event_name": "old"},
        {"event_id": "E", "event_timestamp": at("10T10:00"), "event_name": "new"},
        {"event_id": "E", "event_timestamp": at("10T10:00"), "event_name": "new"},
        {"event_id": "E", "event_timestamp": at("11T08:00"), "event_name": "other day"},
    ]
    events_of(tmp_path, rows)
    found, records = months_of(company(tmp_path, engine))
    assert found["event_name"].to_list() == ["new", "other day"]
    january = records["2025-01"]
    assert (january["collapsed"], january["superseded"], january["rows"]) == (1, 1, 2)
    assert [one["reasons"] for one in january["rejected"]] == [["grain__superseded"]]


@ENGINES
def test_newest_by_decides_which_row_of_a_key_counts(tmp_path: Path, engine: str) -> None:
    rows = [
        {"event_id": "E", "event_timestamp": at("10T10:00"), "event_name": "first", "sent": 1},
        {"event_id": "E", "event_timestamp": at("10T09:00"), "event_name": "second", "sent": 2},
    ]
    assert reduced(tmp_path, engine, rows, "event_name", newest_by="sent") == [("second",)]


@ENGINES
def test_rejected_rows_are_counted_and_come_back_with_their_reasons(tmp_path: Path, engine: str) -> None:
    rows = [
        {"event_timestamp": "2025-01-10T10:00", "event_count": 0},
        {"event_timestamp": "2025-01-10T10:00", "account_id": " ", "event_name": None},
        {"event_timestamp": "2025-02-30"},
        {"event_timestamp": "n/a"},
        {"event_timestamp": "2025-01-10T10:00", "duration_seconds": -1.0},
    ]
    events_of(tmp_path, rows)
    found, records = months_of(company(tmp_path, engine))
    january, timeless = records["2025-01"], records["unreadable"]
    assert (january["rejected_rows"], january["nulled_rows"], timeless["rejected_rows"], found.height) == (2, 1, 2, 1)
    assert sorted(one["reasons"] for one in january["rejected"]) == [
        ["account_id__not_null", "event_name__not_null"],
        ["event_count__min"],
    ]
    assert [one["reasons"] for one in timeless["rejected"]] == [
        ["event_timestamp__not_null"],
        ["event_timestamp__unreadable"],
    ]
    assert january["nulled"] == [{"column": "duration_seconds", "word": "-1.0", "rows": 1}]


@ENGINES
def test_where_leaves_rows_out_and_columns_are_mapped(tmp_path: Path, engine: str) -> None:
    rows = [{"event_timestamp": at("10T10:00"), "what": "login", "kind": kind} for kind in ("live", "test", None)]
    events_of(tmp_path, [{"event_name": None} | row for row in rows])
    found, records = months_of(company(tmp_path, engine, columns={"what": "event_name"}, where="kind = 'live'"))
    assert (found.height, records["2025-01"]["left_out"]) == (1, 2)


@ENGINES
def test_late_event_of_an_old_month_renews_that_month_alone(tmp_path: Path, engine: str) -> None:
    months = [datetime(2024, 11, 5), datetime(2024, 12, 5), datetime(2025, 1, 5)]
    events_of(tmp_path, [{"event_timestamp": month} for month in months])
    settings = company(tmp_path, engine)
    months_of(settings)
    files = {file.name: file.stat().st_mtime_ns for file in (settings.answers / engine).iterdir()}
    events_of(tmp_path, [{"event_timestamp": month} for month in [*months, months[0]]])
    assert months_of(settings)[0]["source_row_count"].to_list() == [2, 1, 1]
    now = {file.name: file.stat().st_mtime_ns for file in (settings.answers / engine).iterdir()}
    assert [name.split(".")[1] for name in sorted(files) if files[name] == now[name]] == ["2024-12"]


@ENGINES
def test_facts_of_reduced_months_are_those_of_the_file(tmp_path: Path, engine: str) -> None:
    stamps = pl.datetime_range(at("30T20:00"), datetime(2025, 2, 1), "13m", eager=True)
    rows = [
        {"event_timestamp": stamp, "user_id": (None, "U1", " U2")[n % 3], "event_name": ("Login", "login ", "x")[n % 2]}
        | {"event_count": n % 4 + 1, "duration_seconds": n / 7}
        for n, stamp in enumerate(stamps)
    ]
    events_of(tmp_path, rows)
    facts = []
    for kind in (None, engine):
        settings = company(tmp_path, kind)
        if kind:
            months_of(settings)
        staged = made("staged_usage_events", settings)
        january = Period(date(2025, 1, 1), date(2025, 1, 31))
        facts.append(fact_user_daily(staged, Features.create_empty(lazy=True), settings, january).collect())
    assert facts[0].height == 4
    assert_frame_equal(*facts, check_exact=True)


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ({"engine": "spark", "path": "x.parquet"}, "remote: give env:NAME"),
        ({"engine": "spark", "path": "x.parquet", "remote": "sc://host/;token=s3cret"}, "write env:NAME"),
        ({"engine": "duckdb", "table": "events"}, "engine duckdb reads Parquet files; give path"),
        ({"engine": "polars", "path": "x.parquet", "date_format": "%d.%m.%Y"}, "date_format: has no meaning with an engine"),
        ({"path": "x.parquet", "remote": "env:SPARK_REMOTE"}, "remote: needs engine: spark"),
    ],
)  # fmt: skip
def test_description_that_does_not_fit_together_is_one_error(
    tmp_path: Path, described: dict[str, Any], fault: str
) -> None:
    with pytest.raises(SettingsError, match=fault) as raised:
        settings_of(tmp_path, sources={"usage_events": described})
    assert "s3cret" not in str(raised.value)
