"""The time of the simulated company: days counted from its first one, and weeks that start on each account's own weekday.

Otherwise all accounts, simulated week by week, would change plans and leave on Mondays.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

SECONDS_PER_HOUR = 3600
SECOND = np.timedelta64(1, "s")
OPENING_HOUR, WORKING_HOURS = 7.5, 11.5


@dataclass(frozen=True)
class Calendar:
    """`months` calendar months; the last one is cut off at `end`, the last day on which anything happens."""

    months: int
    end: date

    @property
    def start(self) -> date:
        month = self.end.year * 12 + self.end.month - self.months
        return date(month // 12, month % 12 + 1, 1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1

    @property
    def last_day(self) -> int:
        return self.days - 1

    @property
    def weeks(self) -> int:
        """Weeks that any account has started by `end`; the first and the last are partial for most accounts."""
        return (self.last_day + 6) // 7 + 1

    def date(self, day: np.ndarray | int) -> np.ndarray:
        return np.datetime64(self.start, "D") + np.asarray(day, dtype="timedelta64[D]")

    def at(self, day: np.ndarray, hours: np.ndarray) -> np.ndarray:
        """The timestamp `hours` after midnight of `day`, to the second."""
        return later(self.midnight(day), hours)

    def midnight(self, day: np.ndarray | int) -> np.ndarray:
        return self.date(day).astype("datetime64[ms]")

    @property
    def midnight_after(self) -> np.datetime64:
        """The first moment about which nothing is known yet."""
        return self.midnight(self.days)

    def month_days(self) -> list[tuple[str, np.ndarray]]:
        """The days of each month, with its name, e.g. `2025-03`."""
        days = np.arange(self.days)
        months = self.date(days).astype("datetime64[M]")
        return [(str(month), days[months == month]) for month in np.unique(months)]


def first_day(week: np.ndarray | int, weekday: np.ndarray) -> np.ndarray:
    """The day on which an account's week begins; negative in week 0 of accounts whose first week is partial."""
    return 7 * week - 6 + weekday


def week_of(day: np.ndarray | int, weekday: np.ndarray) -> np.ndarray:
    return (day + 6 - weekday) // 7


def later(moment: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """`hours` after the moment, to the second."""
    return moment + (hours * SECONDS_PER_HOUR).astype("timedelta64[s]")


def working_hours(chance: np.random.Generator, size: int) -> np.ndarray:
    """Hours after midnight at which people work, mostly around noon."""
    return OPENING_HOUR + WORKING_HOURS * chance.beta(2, 2.2, size)


def stream(seed: int, name: str) -> np.random.Generator:
    """The random numbers for one purpose: the same seed and name give the same draws."""
    return np.random.default_rng([seed, *name.encode()])
