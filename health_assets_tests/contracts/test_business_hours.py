"""Hours inside business hours, against a count of every single minute."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from health_assets.contracts.business_hours import WEEKDAYS, business_days, hours_between, moment_after
from health_assets.settings.support import BusinessHours

UTC = ZoneInfo("UTC")


def office(
    opens: str = "09:00",
    closes: str = "17:00",
    days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri"),
    zone: str | None = None,
    holidays: tuple[date, ...] = (),
) -> BusinessHours:
    return BusinessHours.model_validate(
        {"days": days, "from": opens, "to": closes, "timezone": zone, "holidays": holidays}
    )


def hours(hours: BusinessHours, earlier: datetime, later: datetime, company: str = "UTC") -> float | None:
    frame = pl.DataFrame({"earlier": [earlier], "later": [later]}, schema_overrides={"later": pl.Datetime("us")})
    passed = hours_between(pl.col("earlier"), pl.col("later"), business_days(hours, company))
    return frame.lazy().select(passed).collect().item()


def due(hours: BusinessHours, start: datetime, target: float) -> datetime:
    frame = pl.DataFrame({"start": [start], "target": [target]})
    return (
        frame.lazy()
        .select(moment_after(pl.col("start"), pl.col("target"), business_days(hours, "UTC")))
        .collect()
        .item()
    )


def minutes_counted(office: BusinessHours, earlier: datetime, later: datetime) -> int:
    """Every minute whose wall time lies in business hours."""
    zone, count, moment = ZoneInfo(office.timezone or "UTC"), 0, earlier
    while moment < later:
        wall = moment.replace(tzinfo=UTC).astimezone(zone)
        is_open = office.opens <= 60 * wall.hour + wall.minute < office.closes
        count += is_open and WEEKDAYS[wall.weekday()] in office.days and wall.date() not in office.holidays
        moment += timedelta(minutes=1)
    return count


moments = st.datetimes(datetime(2024, 3, 25), datetime(2024, 4, 8)) | st.datetimes(
    datetime(2024, 10, 21), datetime(2024, 11, 8)
)
offices = st.builds(
    office,
    opens=st.sampled_from(["00:00", "04:30", "09:00"]),
    closes=st.sampled_from(["12:00", "17:45", "24:00"]),
    days=st.sets(st.sampled_from(WEEKDAYS), min_size=1).map(tuple),
    zone=st.sampled_from([None, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    holidays=st.sampled_from([(), (date(2024, 4, 1), date(2024, 10, 31))]),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(office=offices, earlier=moments, minutes=st.integers(0, 9 * 24 * 60))
def test_business_hours_are_the_minutes_counted_one_by_one_also_when_clocks_change(
    office: BusinessHours, earlier: datetime, minutes: int
) -> None:
    start = earlier.replace(second=0, microsecond=0)
    end = start + timedelta(minutes=minutes)
    assert hours(office, start, end) == pytest.approx(minutes_counted(office, start, end) / 60)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(office=offices, start=moments, target=st.sampled_from([0.5, 1, 4, 12, 48, 120]))
def test_deadline_is_the_first_moment_at_which_the_target_has_passed(
    office: BusinessHours, start: datetime, target: float
) -> None:
    deadline = due(office, start, target)
    just_before = hours(office, start, deadline - timedelta(seconds=1))
    assert hours(office, start, deadline) == pytest.approx(target)
    assert just_before is not None
    assert just_before < target


def test_night_and_weekend_and_holiday_do_not_count() -> None:
    friday, tuesday = datetime(2024, 3, 29, 16), datetime(2024, 4, 2, 10)
    assert hours(office(), friday, tuesday) == 10.0  # 1 on Friday, 8 on Monday, 1 on Tuesday
    assert hours(office(holidays=(date(2024, 4, 1),)), friday, tuesday) == 2.0


def test_hours_are_those_of_the_own_time_zone_else_of_the_company() -> None:
    nine_to_five_utc = datetime(2024, 4, 2, 9), datetime(2024, 4, 2, 17)
    assert hours(office(zone="America/New_York"), *nine_to_five_utc, company="UTC") == 4.0  # 9:00 there is 13:00 UTC
    assert hours(office(), *nine_to_five_utc, company="America/New_York") == 4.0


def test_deadline_past_closing_is_on_the_next_business_day_and_on_closing_time_is_the_same_day() -> None:
    assert due(office(), datetime(2024, 3, 29, 16), 2) == datetime(2024, 4, 1, 10)
    assert due(office(), datetime(2024, 3, 29, 16), 1) == datetime(2024, 3, 29, 17)
    assert due(office(), datetime(2024, 3, 30, 11), 1) == datetime(2024, 4, 1, 10)  # opened on a Saturday


def test_moment_before_the_first_gives_no_hours() -> None:
    assert hours(office(), datetime(2024, 4, 2, 10), datetime(2024, 4, 2, 9)) is None


@pytest.mark.parametrize(("word", "minutes"), [("09:00", 540), (" 9:30", 570), (1020, 1020), ("24:00", 1440)])
def test_times_of_day_are_read_quoted_and_as_yaml_reads_them_unquoted(word: str | int, minutes: int) -> None:
    given = {"days": ["MON"], "from": "00:00", "to": word, "timezone": None, "holidays": []}
    assert BusinessHours.model_validate(given).closes == minutes


@pytest.mark.parametrize(("opens", "closes"), [("17:00", "09:00"), ("9 am", "17:00"), ("09:00", "25:00")])
def test_impossible_hours_are_rejected(opens: str, closes: str) -> None:
    with pytest.raises(ValueError, match=r"later than|such as 09:00|equal to 1440"):
        office(opens, closes)
