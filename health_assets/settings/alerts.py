"""Settings of alerts: what is reported, to whom, and where it is posted."""

import re
from datetime import time
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from health_assets.settings.delivery import Delivery
from health_assets.settings.source import Section, time_zone
from health_assets.settings.suggestions import did_you_mean

Days = Annotated[int, Field(ge=0)]
Severity = Literal["critical", "warning", "info"]  # in the order of a message


def _from_environment(value: str) -> str:
    if not re.fullmatch(r"env:\w+", value):
        raise ValueError("give env:NAME of an environment variable that holds it, since it is a secret")
    return value


def _time_of_day(value: Any) -> Any:
    """A time as people write it; YAML reads 22:00 without quotes as a number of minutes."""
    return time(value // 60 % 24, value % 60) if isinstance(value, int) else value


Secret = Annotated[str, AfterValidator(_from_environment)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class QuietHours(Section):
    """From when until when a channel gets no message; it gets them afterwards."""

    start: TimeOfDay  # local time, e.g. "20:00"
    end: TimeOfDay  # local time, e.g. "07:30"; earlier than the start = on the next day


class Channel(Section):
    """Where messages are posted: one of slack, bot, webhook and apprise."""

    slack: Secret | None = None  # env:NAME of the variable that holds the URL of an incoming webhook
    bot: Secret | None = None  # env:NAME of a bot token of Slack (scope chat:write): a thread for each account
    to: str | None = None  # ID of the Slack channel that the bot posts to, e.g. C0123ABCD
    webhook: Secret | None = None  # env:NAME of the URL that gets the message as JSON
    secret: Secret | None = None  # env:NAME of the key that the JSON is signed with (HMAC-SHA256)
    apprise: Secret | None = None  # env:NAME of a URL of apprise, such as mailto://...
    timezone: Annotated[str, AfterValidator(time_zone)] | None = None  # of quiet hours; default the company's
    quiet_hours: QuietHours | None = None  # no message within them
    weekends: bool = True  # whether messages are posted on Saturday and Sunday

    @model_validator(mode="after")
    def _has_one_address(self) -> "Channel":
        if sum(address is not None for address in (self.slack, self.bot, self.webhook, self.apprise)) != 1:
            raise ValueError("needs exactly one of slack, bot, webhook and apprise")
        if self.bot and not self.to:
            raise ValueError("to: a bot needs the ID of the Slack channel that it posts to, e.g. C0123ABCD")
        if self.to and not self.bot:
            raise ValueError("to: only a bot posts to a channel by its ID; the URL of a webhook holds its own")
        if self.secret and not self.webhook:
            raise ValueError("secret: only a webhook is signed")
        return self


class AlertFilter(Section):
    """Which accounts are meant; what is left out holds for all."""

    segments: list[str] = []
    tiers: list[str] = []  # value tiers
    regions: list[str] = []
    owners: list[str] = []
    mrr_from: float | None = None


class Route(AlertFilter):
    """Alerts of these rules and accounts go to these channels."""

    rules: list[str] = []
    channels: Annotated[list[str], Field(min_length=1)]


class AlertRule(AlertFilter):
    """When a change is reported, how severe it is, and how often."""

    is_on: bool = True
    severity: Severity
    channel: str | None = None  # default: that of the first route that matches
    next_step: str | None = (
        None  # for an account that is not on the attention list, which has its own from the playbook
    )
    factor: str | None = None  # the churn factor that is watched
    enter_margin: Annotated[float, Field(ge=0)] | None = None  # points beyond the limit that are reported at once
    enter_days: Days = 0  # days that a worse level must last, within the margin, before it is reported
    leave_days: Days = 0  # days that a better level must last before it is reported
    cool_down_days: Days = 0  # days after an alert in which the same level is not reported again
    remind_after_days: Annotated[int, Field(gt=0)] | None = None  # days after which what lasts is reported again


RULES = (  # that watch something other than a churn factor
    *("churned", "risk_level", "health_band", "incident", "sla_breach", "detractor", "workflow", "shop"),
    *("recovered", "renewed"),
)


class Weekly(Section):
    """Who gets a weekly digest of the accounts to contact, and whether the report comes with it."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    head: str | None
    owners: dict[str, str]
    report: bool


WEEKDAYS: tuple[str, ...] = get_args(Weekly.model_fields["weekday"].annotation)


class Alerts(Section):
    """What is reported, to whom, and where it is posted."""

    channels: dict[str, Channel]
    default_channel: str
    data_channel: str | None
    routes: list[Route]
    weekly: Weekly
    delivery: Delivery
    accounts_shown: Annotated[int, Field(gt=0)]
    thread_days: Annotated[int, Field(gt=0)]
    event_days: Annotated[int, Field(gt=0)]
    account_cool_down_days: Days
    sla_priorities: list[str]
    rules: dict[str, AlertRule]

    @model_validator(mode="after")
    def _rules_watch_something(self) -> "Alerts":
        for name, rule in self.rules.items():
            if (rule.factor is None) != (name in RULES):
                what = "needs a `factor`" if rule.factor is None else "watches no churn factor: leave out `factor`"
                raise ValueError(f"rules.{name}: {what}{'' if rule.factor else did_you_mean(name, RULES)}")
        return self

    @model_validator(mode="after")
    def _channels_exist(self) -> "Alerts":
        named = self._named_channels()
        rules = {f"routes.{place}.rules": route.rules for place, route in enumerate(self.routes)}
        for places, known, what in ((named, self.channels, "among the channels"), (rules, self.rules, "a rule")):
            for place, names in places.items():
                for name in names:
                    if name not in known:
                        raise ValueError(f"{place}: {name!r} is not {what}{did_you_mean(name, known)}")
        return self

    def _named_channels(self) -> dict[str, list[str]]:
        """The channels that something is sent to, by the setting that names them."""
        named = {"default_channel": [self.default_channel], "data_channel": [self.data_channel or self.default_channel]}
        named |= {f"routes.{place}.channels": route.channels for place, route in enumerate(self.routes)}
        named |= {f"rules.{name}.channel": [rule.channel] for name, rule in self.rules.items() if rule.channel}
        named |= {"weekly.head": [self.weekly.head] if self.weekly.head else []}
        named |= {f"weekly.owners.{owner}": [channel] for owner, channel in self.weekly.owners.items()}
        return named

    @property
    def channels_in_use(self) -> set[str]:
        """The channels that something is sent to."""
        return {name for names in self._named_channels().values() for name in names}


class Links(Section):
    """Addresses that messages link to; null = no link."""

    account: str | None  # of an account, with {account_id}
    list: str | None  # of the list of accounts to contact

    @model_validator(mode="after")
    def _names_the_account(self) -> "Links":
        if self.account and "{account_id}" not in self.account:
            raise ValueError("account: needs {account_id}, e.g. https://crm.example.com/{account_id}")
        return self


class Person(Section):
    """How messages reach an account owner."""

    slack: str | None = None  # member ID, e.g. U0123ABCD, so that messages mention the person
