"""Settings of alerts: where they are posted, and how that is repeated."""

import re
from typing import Annotated

from pydantic import AfterValidator, model_validator

from health_assets.settings.delivery import Delivery
from health_assets.settings.source import Section
from health_assets.settings.suggestions import did_you_mean


def _from_environment(value: str) -> str:
    if not re.fullmatch(r"env:\w+", value):
        raise ValueError("give env:NAME of an environment variable that holds it, since it is a secret")
    return value


Secret = Annotated[str, AfterValidator(_from_environment)]


class Channel(Section):
    """Where messages are posted: one of slack, webhook and apprise."""

    slack: Secret | None = None  # env:NAME of the variable that holds the URL of an incoming webhook
    webhook: Secret | None = None  # env:NAME of the URL that gets the message as JSON
    secret: Secret | None = None  # env:NAME of the key that the JSON is signed with (HMAC-SHA256)
    apprise: Secret | None = None  # env:NAME of a URL of apprise, such as mailto://...

    @model_validator(mode="after")
    def _has_one_address(self) -> "Channel":
        if sum(address is not None for address in (self.slack, self.webhook, self.apprise)) != 1:
            raise ValueError("needs exactly one of slack, webhook and apprise")
        if self.secret and not self.webhook:
            raise ValueError("secret: only a webhook is signed")
        return self


class Alerts(Section):
    """Where alerts are posted."""

    channels: dict[str, Channel]
    default_channel: str
    delivery: Delivery

    @model_validator(mode="after")
    def _default_channel_exists(self) -> "Alerts":
        if self.default_channel not in self.channels:
            hint = did_you_mean(self.default_channel, self.channels)
            raise ValueError(f"default_channel: {self.default_channel!r} is not among the channels{hint}")
        return self
