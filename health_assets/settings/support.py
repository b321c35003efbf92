"""Settings of the help desk: targets, cut-offs and business hours."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from health_assets.settings.sections import LOWER, Positive
from health_assets.settings.source import Section, time_zone


def _minutes_of_day(time: Any) -> Any:
    """A time of day such as "09:00", in minutes since midnight; YAML reads an unquoted 17:00 as the number 1020."""
    if isinstance(time, str) and (found := re.fullmatch(r"(\d{1,2}):(\d{2})", time.strip())):
        return 60 * int(found[1]) + int(found[2])
    if isinstance(time, int):
        return time
    raise ValueError("give a time of day such as 09:00")


TimeOfDay = Annotated[int, BeforeValidator(_minutes_of_day), Field(ge=0, le=24 * 60)]


class BusinessHours(Section):
    """When the help desk is open: days of the week, wall time from and to, time zone (null = the company's), holidays."""

    model_config = ConfigDict(serialize_by_alias=True)

    days: Annotated[
        list[Annotated[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], LOWER]], Field(min_length=1)
    ]
    opens: TimeOfDay = Field(alias="from")
    closes: TimeOfDay = Field(alias="to")
    timezone: str | None
    holidays: list[date]

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, timezone: str | None) -> str | None:
        return timezone if timezone is None else time_zone(timezone)

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> "BusinessHours":
        if self.closes <= self.opens:
            raise ValueError("`to` must be later than `from`; 24:00 is the end of the day")
        return self


Priority = Annotated[Literal["p1", "p2", "p3", "p4"], LOWER]


class Support(Section):
    """Targets and cut-offs of the help desk, and whether its hours run always or in business hours only."""

    hours: Annotated[Literal["calendar", "business"], LOWER]
    business_hours: BusinessHours | None
    sla_hours: dict[Priority, Positive]
    first_response_hours: dict[Priority, Positive]
    speed: dict[Annotated[Literal["fast", "on_time", "slow"], LOWER], Positive]
    satisfied_from: float
    neutral_from: float
    mean_hours: dict[Annotated[Literal["excellent", "good", "acceptable"], LOWER], Positive]

    @model_validator(mode="after")
    def _business_hours_are_given_where_they_count(self) -> "Support":
        if self.hours == "business" and self.business_hours is None:
            raise ValueError("`hours: business` needs `business_hours`: days, from, to")
        return self
