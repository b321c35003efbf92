"""The channel that a name of the settings stands for; its address comes from the environment."""

import os

from health_assets.alerts.channels import Channel, check_address
from health_assets.alerts.signed_webhook import SignedWebhook
from health_assets.alerts.slack import SlackWebhook
from health_assets.alerts.slack_bot import API, API_VARIABLE, SlackBot
from health_assets.settings import Settings, alerts


def channel_of(name: str, settings: Settings) -> Channel | None:
    """A channel of the settings, the default one for a name that is no longer there; None while its variable is not set.

    Raises:
        AlertError: its address cannot be used.
    """
    chosen, seconds = _chosen(name, settings), settings.alerts.delivery.post_seconds
    variable = variable_of(name, settings)
    if not (address := os.environ.get(variable, "").strip()):
        return None
    if chosen.apprise:
        from health_assets.alerts.apprise_channel import AppriseChannel  # an extra

        return AppriseChannel(variable, address, seconds)
    if chosen.bot:
        api = os.environ.get(API_VARIABLE, "").strip() or API
        check_address(API_VARIABLE, api)
        return SlackBot(variable, address, chosen.to or "", api, seconds)
    check_address(variable, address)
    if chosen.webhook:
        return SignedWebhook(address, _value_of(chosen.secret), seconds)
    return SlackWebhook(address, seconds)


def variable_of(name: str, settings: Settings) -> str:
    """The environment variable that holds the address of a channel."""
    chosen = _chosen(name, settings)
    return (chosen.slack or chosen.bot or chosen.webhook or chosen.apprise or "").removeprefix("env:")


def has_addresses(settings: Settings) -> bool:
    """Whether there is any channel to post to; without one messages are printed."""
    return any(os.environ.get(variable_of(name, settings), "").strip() for name in settings.alerts.channels)


def channels_to_check(settings: Settings) -> list[str]:
    """The channels that are sent something or have an address: the shipped one drops out where a company has its own."""
    return [
        name
        for name in settings.alerts.channels
        if name in settings.alerts.channels_in_use or os.environ.get(variable_of(name, settings), "").strip()
    ]


def _chosen(name: str, settings: Settings) -> alerts.Channel:
    return settings.alerts.channels.get(name) or settings.alerts.channels[settings.alerts.default_channel]


def _value_of(secret: str | None) -> str | None:
    return os.environ.get(secret.removeprefix("env:"), "").strip() or None if secret else None
