"""What an operator does about alerts: deliver dead ones again, and post a sample to each channel."""

from health_assets.alerts.channel_kinds import channel_of, channels_to_check, variable_of
from health_assets.alerts.channels import Status
from health_assets.alerts.data_alerts import DataAlert
from health_assets.alerts.delivery import Delivered, deliver
from health_assets.alerts.entry import entry_of
from health_assets.alerts.message import Message, context_of, messages
from health_assets.alerts.outbox import Outbox
from health_assets.alerts.state_file import AlertError
from health_assets.settings import Settings


def retry_dead(settings: Settings) -> Delivered:
    """Deliver dead alerts again, and what waits for its next attempt.

    Raises:
        AlertError: the alert state cannot be used, or another delivery does not end.
    """
    with Outbox.of(settings) as outbox:
        with outbox.transaction():
            outbox.retry()
        return deliver(settings, outbox, context_of(settings))


def post_samples(settings: Settings) -> dict[str, str | None]:
    """Post a sample to each channel; channel -> why it was not delivered, None for one that was."""
    fault = DataAlert(["sample"], settings.load_day, "Test message", ["The channel works."], "There is nothing to do.")
    (message,) = messages([entry_of(fault, settings.alerts.default_channel)], context_of(settings))
    return {name: _posted(message, name, settings) for name in channels_to_check(settings)}


def _posted(message: Message, name: str, settings: Settings) -> str | None:
    try:
        channel = channel_of(name, settings)
    except AlertError as error:
        return str(error)
    if channel is None:
        return f"{variable_of(name, settings)} is not set"
    answer = channel.post(message)
    return None if answer.status == Status.delivered else answer.reason
