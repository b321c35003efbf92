"""The system that a target of the settings stands for; its token or address comes from the environment."""

import os

from health_assets.alerts.channels import Answer, Status, check_address
from health_assets.alerts.message import Message
from health_assets.alerts.state_file import AlertError
from health_assets.settings import Settings
from health_assets.settings.write_back import Target
from health_assets.write_back.batch import Batch, TargetApi
from health_assets.write_back.database_target import DatabaseTable
from health_assets.write_back.web_targets import HubSpot, Salesforce, Webhook

HUBSPOT = "https://api.hubapi.com"


class Writer:
    """A target as delivery knows channels."""

    def __init__(self, api: TargetApi) -> None:
        self.__api = api

    def post(self, message: Message) -> Answer:
        """Write a batch."""
        return self.__api.post(message) if isinstance(message, Batch) else Answer(Status.dead, "nothing to write")

    def answers(self) -> bool:
        """Not asked for: every write may be repeated."""
        return True


def target_of(name: str, settings: Settings) -> TargetApi:
    """A target of the settings.

    Raises:
        AlertError: there is none of this name, or its variable is not set or cannot be used.
    """
    if not (target := settings.write_back.targets.get(name)):
        raise AlertError(
            f"write_back.targets has no {name} any more; `health-assets write-back --retry` forgets what was pending"
        )
    variable, seconds = variable_of(target), settings.alerts.delivery.post_seconds
    if not (secret := os.environ.get(variable, "").strip()):
        raise AlertError(f"{variable} is not set")
    if target.database:
        return DatabaseTable(variable, secret, target, seconds)
    if target.webhook:
        check_address(variable, secret)
        return Webhook(secret, _second_secret(target) or None, name, seconds)
    if target.hubspot:
        return HubSpot(secret, target.url or HUBSPOT, target.id_property, seconds)
    return Salesforce((secret, _second_secret(target)), str(target.url), target.object, seconds)


def _second_secret(target: Target) -> str:
    """The client secret of Salesforce, or the key of a webhook; empty where the settings name none."""
    if not target.secret:
        return ""
    if not (secret := os.environ.get(target.secret.removeprefix("env:"), "").strip()):
        raise AlertError(f"{target.secret.removeprefix('env:')} is not set")
    return secret


def variable_of(target: Target) -> str:
    """The environment variable that holds the secret of a target."""
    return (target.hubspot or target.salesforce or target.database or target.webhook or "").removeprefix("env:")


def rows_at_once(name: str, settings: Settings) -> int:
    """How many accounts a target takes in one request."""
    target = settings.write_back.targets.get(name)
    if target is None:
        return 1
    if target.hubspot:
        return HubSpot.rows_at_once
    if target.salesforce:
        return Salesforce.rows_at_once
    return DatabaseTable.rows_at_once if target.database else Webhook.rows_at_once
