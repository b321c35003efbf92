"""Times of events as integers, in Narwhals: microseconds since 1970, so that no engine's own calendar or time zones count.

The offsets of a time zone come from Python's database and are written into the expression as numbers.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import narwhals as nw

SECOND = 1_000_000
DAY = 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BLANKS = " \t\n\r\x0b\x0c"
TEXT, FORM = "_text", "_form"
WITH_ZONE, WITHOUT_ZONE, DAY_ALONE = 2, 1, 0
DATE = "[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
CLOCK = "[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
OFFSET = "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
ZONE, ISO = f"{OFFSET}$", f"^{DATE}({CLOCK}{OFFSET}?)?$"
Step = tuple[int, int]  # from which value on, and what holds from there


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a moment with a zone."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def midnight(day: date, zone: str) -> int:
    """When a local day begins, in microseconds since 1970."""
    return microseconds(datetime.combine(day, time(), ZoneInfo(zone)))


def as_local(at: nw.Expr, zone: str, first: date, last: date) -> nw.Expr:
    """Wall time of a moment, exact from the first to the last day."""
    return at + _stepped(at, *_offsets(zone, first, last))


def as_utc(wall: nw.Expr, zone: str, first: date, last: date) -> nw.Expr:
    """The moment of a wall time: the earlier of two when the clock went back, an hour on where it jumped ahead."""
    offset, changes = _offsets(zone, first, last)
    steps: list[Step] = []
    before = offset
    for at, after in changes:
        if after > before:  # the clock jumps ahead
            steps.append((at + before, after - 3600 * SECOND))
        steps.append((at + max(before, after), after))
        before = after
    return wall - _stepped(wall, offset, steps)


def _stepped(value: nw.Expr, start: int, steps: Sequence[Step]) -> nw.Expr:
    """The number of the last step that a value has reached."""
    reached: nw.Expr = nw.lit(start)
    for threshold, number in steps:
        reached = nw.when(value >= threshold).then(nw.lit(number)).otherwise(reached)
    return reached


@cache
def _offsets(zone: str, first: date, last: date) -> tuple[int, list[Step]]:
    """The offset at the beginning, and each change of it with the moment of the change."""
    place = ZoneInfo(zone)

    def offset(at: int) -> int:
        local = (EPOCH + timedelta(microseconds=at)).astimezone(place).utcoffset() or timedelta()
        return local // timedelta(microseconds=1)

    begin, end = midnight(first, "UTC") - DAY, midnight(last, "UTC") + 2 * DAY
    changes = []
    for day in range(begin, end, DAY):
        low, high = day, day + DAY
        if offset(low) == offset(high):
            continue
        while high - low > SECOND:
            middle = (low + high) // 2 // SECOND * SECOND
            low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
        changes.append((high, offset(high)))
    return offset(begin), changes


def with_iso_text(events: nw.LazyFrame[Any], column: str) -> nw.LazyFrame[Any]:
    """An ISO text without blanks in TEXT, null where it is none, and in FORM whether it names a zone, a time, or a day alone."""
    text = nw.col(column).str.strip_chars(BLANKS)
    events = events.with_columns(nw.when(text.str.contains(ISO)).then(text).alias(TEXT))
    iso = nw.col(TEXT)
    form = nw.when(iso.str.len_chars() == 10).then(nw.lit(DAY_ALONE)).otherwise(nw.lit(WITHOUT_ZONE))
    return events.with_columns(nw.when(iso.str.contains(ZONE)).then(nw.lit(WITH_ZONE)).otherwise(form).alias(FORM))


def moment_of_text(read: nw.Expr, zones: tuple[str, str], first: date, last: date) -> nw.Expr:
    """The moment of a text.

    Args:
        read: its microseconds, of a text without a zone as if it were in UTC.
        zones: of times that name none, and of days alone.
        first: first and last day between which the zones are exact.
        last: see `first`.
    """
    local = as_utc(read, zones[0], first, last)
    if zones[0] != zones[1]:
        local = nw.when(nw.col(FORM) == DAY_ALONE).then(as_utc(read, zones[1], first, last)).otherwise(local)
    return nw.when(nw.col(FORM) == WITH_ZONE).then(read).otherwise(local)
