"""How many things each account (or device) has on each day: the counts behind the daily facts.

Linear in the number of things; one row per thing and day would multiply them by the days of the window. Counted in arrays of
integers, with a place for each member and day and the changes from one place to the next: a third of the time of frames.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from health_assets.contracts.expressions import FLOAT_DECIMALS, Period

NO_KEY = 2**32 - 1  # the code of a missing key
ROW_BITS = 32  # the number of a row, in one number with its day
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Panel:
    """A place for each member and day, and one more for each member: the day on which everything has ended."""

    first_day: date
    end_day: date  # the first day that is not counted for
    number_of: Numbers  # by the code of a key: the number of the member, -1 for none
    member_count: int

    @property
    def length(self) -> int:
        """Places of a member."""
        return (self.end_day - self.first_day).days + 1

    def members(self, codes: pl.Series) -> Numbers:
        """Numbers of the members whose keys have these codes; -1 for those who are none."""
        return np.take(self.number_of, codes.to_numpy(), mode="clip")

    def place(self, day: pl.Expr) -> pl.Expr:
        """A day as a place of its member; what is later, or null, is the last place, what is earlier the first."""
        inside = day.fill_null(self.end_day).clip(self.first_day, self.end_day)
        return inside.to_physical() - _number(self.first_day)

    def running(self, began: Numbers, ended: Numbers, sizes: Numbers | None = None) -> Numbers:
        """How many have begun and not ended, or the sum of their sizes, by member and day.

        Each member's sum starts anew, so that an absurd amount of one leaves no rounding error on the next.
        """
        sizes = np.ones(began.size, np.int32) if sizes is None else sizes
        change = np.zeros((self.member_count, self.length), sizes.dtype)
        np.add.at(change.reshape(-1), began, sizes)  # arrays of one type: otherwise this takes ten times as long
        np.subtract.at(change.reshape(-1), ended, sizes)
        return np.cumsum(change, axis=1, dtype=change.dtype, out=change)[:, :-1]


@dataclass(frozen=True)
class Spans:
    """Things that each count from a first day until an end day."""

    things: pl.LazyFrame
    first_day: pl.Expr  # null: counts on no day
    end_day: pl.Expr  # the first day on which it no longer counts; null: it always does
    size: pl.Expr | None = None  # what is summed up, null as 0; None: the things are counted

    @property
    def dtype(self) -> pl.DataType:
        """Of the count, or of the sum."""
        return pl.Int64() if self.size is None else self.things.select(self.size).collect_schema().dtypes()[0]

    def columns(self, number: int, panel: Panel) -> dict[str, pl.Expr]:
        """What is read of the things."""
        places = {f"first_{number}": panel.place(self.first_day), f"end_{number}": panel.place(self.end_day)}
        return places if self.size is None else places | {f"size_{number}": self.size.cast(pl.Float64).fill_null(0.0)}

    def by_day(self, number: int, member: Numbers, rows: pl.DataFrame, panel: Panel) -> Numbers:
        """The count, by member and day."""
        first, end = rows[f"first_{number}"].to_numpy(), rows[f"end_{number}"].to_numpy()
        counts = np.flatnonzero((member >= 0) & (first < end))
        start = member[counts] * panel.length
        sizes = None if self.size is None else rows[f"size_{number}"].to_numpy()[counts]
        return panel.running(start + first[counts], start + end[counts], sizes)


@dataclass(frozen=True)
class Distinct:
    """Things that count once on a day, however often they occur in the trailing window that ends with it."""

    occurrences: pl.LazyFrame
    thing: str  # null: none
    day: str
    window: int  # in days

    dtype = pl.Int64()

    @property
    def things(self) -> pl.LazyFrame:
        """What is read."""
        return self.occurrences

    def columns(self, number: int, panel: Panel) -> dict[str, pl.Expr]:
        """What is read of the occurrences; windows of the same things share it."""
        thing = pl.col(self.thing).cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1)
        before = _number(panel.first_day) - self.window  # the last day that no window has
        day = pl.col(self.day).fill_null(date.min).to_physical().cast(pl.Int64) - before
        is_read = (day > 0) & (day < panel.length - 1 + self.window)
        return {self._thing: thing, self._day: pl.when(is_read).then(day).otherwise(-1)}

    @property
    def _thing(self) -> str:
        return f"thing_{self.thing}"

    @property
    def _day(self) -> str:
        return f"day_{self.day}_{self.window}"

    def by_day(self, number: int, member: Numbers, rows: pl.DataFrame, panel: Panel) -> Numbers:
        """The count, by member and day.

        Occurrences of a thing that are at most a window apart are one span: it counts from the first of them until a
        window after the last. Member, thing and day are sorted as one number, with so many bits for the day that two
        things are further apart.
        """
        thing, day = rows[self._thing].to_numpy(), rows[self._day].to_numpy()
        day_bits = (panel.length + 2 * self.window).bit_length()
        bits = day_bits + int(thing.max(initial=0)).bit_length()  # 64 - bits are left for the members: a million
        codes = np.sort(member << bits | thing << day_bits | day)  # negative where one of them is missing
        codes = codes[np.searchsorted(codes, 0) :]
        is_last = np.diff(codes, append=np.iinfo(np.int64).max) > self.window
        last, first = codes[is_last], codes[np.roll(is_last, 1)]
        of_day = (1 << day_bits) - 1
        return panel.running(
            (first >> bits) * panel.length + np.maximum((first & of_day) - self.window, 0),
            (last >> bits) * panel.length + np.minimum(last & of_day, panel.length - 1),
        )


@dataclass(frozen=True)
class Latest:
    """Of each member the latest row by each day, for the columns that it adds; of several on one day the last."""

    rows: pl.LazyFrame
    day: str
    columns: Sequence[str]

    def by_day(self, panel: Panel, key: str, is_there: Numbers) -> dict[str, pl.Series]:
        """The columns, for the days of members that are there; null before the first row."""
        day = pl.col(self.day)
        rows = (
            self.rows.filter(day < panel.end_day)
            .select(*self.columns, _code=_code(key), _place=panel.place(day), _day=day.to_physical().cast(pl.Int64))
            .collect(engine="streaming")
        )
        member = panel.members(rows["_code"])
        known = np.flatnonzero(member >= 0)
        place = member[known] * panel.length + rows["_place"].to_numpy()[known]
        day_and_row = (rows["_day"].to_numpy()[known] - _number(date.min)) << ROW_BITS | known
        latest = np.full((panel.member_count, panel.length), -1)
        np.maximum.at(latest.reshape(-1), place, day_and_row)
        latest = np.maximum.accumulate(latest, axis=1)[:, :-1][is_there]
        row = pl.Series(latest & ((1 << ROW_BITS) - 1)).set(pl.Series(latest < 0), None)
        return {name: rows[name].gather(row) for name in self.columns}


Counted = Spans | Distinct


def counts_by_day(
    members: pl.LazyFrame,
    since: str,
    counted: Mapping[str, pl.LazyFrame | Counted],
    period: Period,
    key: str = "account_id",
    latest: Sequence[Latest] = (),
) -> pl.LazyFrame:
    """How many things each member has on each day of a period, from the member's own first day (`since`) on.

    Args:
        members: one row per `key`, with `since`.
        since: first day of a member; its things may have begun before.
        counted: name of a count -> what is counted, from frames with `key`; a frame alone is one of spans, with `first_day`,
            `end_day` and `size`. What is counted from the same frame (the same object) is read together.
        period: the days to count for.
        key: whose things are counted.
        latest: rows of which each day gets the latest, with `key`.

    Returns:
        grain: key x day, sorted; one column per count, the sum of the sizes, and those of the latest rows.
    """
    first_day, end_day, size = pl.col("first_day"), pl.col("end_day"), pl.col("size")
    given = {
        name: Spans(one, first_day, end_day, size) if isinstance(one, pl.LazyFrame) else one
        for name, one in counted.items()
    }
    schema = {key: members.collect_schema()[key], "day": pl.Date()} | {name: one.dtype for name, one in given.items()}
    for one in latest:
        known = one.rows.collect_schema()
        schema |= {name: known[name] for name in one.columns}
    named = members.select(key, since=since)
    return pl.defer(partial(_counts_by_day, named, given, latest, period, key, schema), schema=schema)


def read_if_any(rows: pl.LazyFrame, needed_by: pl.LazyFrame) -> pl.LazyFrame:
    """Rows that are read only where the other frame has any, as what they are joined to: else none of them."""
    schema = rows.collect_schema()

    def read() -> pl.DataFrame:
        is_needed = needed_by.head(1).collect().height > 0
        return rows.collect(engine="streaming") if is_needed else schema.to_frame()

    return pl.defer(read, schema=schema)


def _counts_by_day(
    members: pl.LazyFrame,
    counted: Mapping[str, Counted],
    latest: Sequence[Latest],
    period: Period,
    key: str,
    schema: Mapping[str, pl.DataType],
) -> pl.DataFrame:
    """The counts, made when they are collected."""
    present = members.filter(pl.col("since") <= period.last_day).sort(key).collect()
    codes = present[key].cast(pl.Categorical)  # for as long as it is there, all frames have the same codes
    panel = _panel(codes, period)
    day = np.arange(panel.length - 1)
    since = present["since"].to_physical().to_numpy() - _number(period.first_day)
    is_there = day >= since[:, np.newaxis]
    columns = {
        key: present[key].gather(np.repeat(np.arange(present.height), is_there.sum(axis=1))),
        "day": pl.Series((np.broadcast_to(day, is_there.shape)[is_there] + _number(period.first_day)).astype(np.int32)),
    }
    columns |= {name: _without_dust(pl.Series(found[is_there])) for name, found in _found(counted, panel, key)}
    for one in latest:
        columns |= one.by_day(panel, key, is_there)
    return pl.DataFrame({name: columns[name].cast(dtype) for name, dtype in schema.items()})


def _code(key: str) -> pl.Expr:
    """The number by which Polars knows the text of a key."""
    return pl.col(key).cast(pl.Categorical).to_physical().fill_null(NO_KEY)


def _panel(keys: pl.Series, period: Period) -> Panel:
    codes = keys.to_physical().to_numpy()
    number_of = np.full(int(codes.max(initial=0)) + 2, -1)
    number_of[codes] = np.arange(codes.size)
    return Panel(period.first_day, period.last_day + timedelta(days=1), number_of, codes.size)


def _found(counted: Mapping[str, Counted], panel: Panel, key: str) -> Iterator[tuple[str, Numbers]]:
    """Each count by member and day; frames that several are made of are read once."""
    frames = {id(one.things): one.things for one in counted.values()}
    columns: dict[int, dict[str, pl.Expr]] = {frame: {} for frame in frames}
    for number, one in enumerate(counted.values()):
        columns[id(one.things)] |= one.columns(number, panel)
    read = [frame.select(code=_code(key), **columns[number]) for number, frame in frames.items()]
    rows = dict(zip(frames, pl.collect_all(read, engine="streaming"), strict=True))
    member = {frame: panel.members(found["code"]) for frame, found in rows.items()}
    for number, (name, one) in enumerate(counted.items()):
        frame = id(one.things)
        yield name, one.by_day(number, member[frame], rows[frame], panel)


def _without_dust(sums: pl.Series) -> pl.Series:
    return sums.round(FLOAT_DECIMALS) if sums.dtype.is_float() else sums


def _number(day: date) -> int:
    """A day as Polars numbers it."""
    return day.toordinal() - date(1970, 1, 1).toordinal()
