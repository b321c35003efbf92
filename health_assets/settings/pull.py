"""From which APIs records are pulled, and with which tokens; tokens are named, never written into the settings."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from health_assets.settings.source import CONNECTION, NOT_SHOWN, Description, Section, Source

ON_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def _is_a_variable(token: str) -> str:
    if not re.fullmatch(CONNECTION, token):
        message = "write env:NAME, with the secret in the environment variable NAME, never in the settings"
        raise PydanticCustomError(NOT_SHOWN, message)
    return token.removeprefix("env:")


def _is_encrypted(url: str) -> str:
    parts = urlsplit(url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise PydanticCustomError(NOT_SHOWN, "give the address alone, without user, password or query")
    is_local = parts.scheme == "http" and parts.hostname in ON_THIS_MACHINE
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise ValueError("must begin with https://, since a token is sent to it")
    return url.rstrip("/")


def _day(value: Any) -> Any:
    if isinstance(value, datetime):
        raise ValueError("give a day such as 2025-01-31, without a time")
    return value


Variable = Annotated[str, AfterValidator(_is_a_variable)]  # the name of the environment variable
Address = Annotated[str, AfterValidator(_is_encrypted)]
Since = Annotated[date | None, BeforeValidator(_day)]


class VendorPull(Section):
    """An API and how to log in to it."""

    since: Since = Field(default=None, description="oldest invoices and tickets that are pulled; default history_start")

    @property
    def variables(self) -> list[str]:
        """The environment variables that hold its secrets."""
        raise NotImplementedError


class StripePull(VendorPull):
    """Stripe: customers, subscriptions, products, invoices and credit notes."""

    token: Variable = Field(description="env:NAME of a restricted key that may read them")
    url: Address = "https://api.stripe.com"

    @property
    def variables(self) -> list[str]:
        """The environment variables that hold its secrets."""
        return [self.token]


class HubspotPull(VendorPull):
    """HubSpot: companies, owners, tickets, deals, calls, meetings and e-mails."""

    token: Variable = Field(description="env:NAME of the access token of a private app")
    url: Address = "https://api.hubapi.com"

    @property
    def variables(self) -> list[str]:
        """The environment variables that hold its secrets."""
        return [self.token]


class ZendeskPull(VendorPull):
    """Zendesk: organizations, users and tickets."""

    url: Address = Field(description="https://yours.zendesk.com")
    user: str = Field(description="e-mail address of an administrator: only administrators may export")
    token: Variable = Field(description="env:NAME of an API token")

    @property
    def variables(self) -> list[str]:
        """The environment variables that hold its secrets."""
        return [self.token]


class SalesforcePull(VendorPull):
    """Salesforce: accounts, users, opportunities, cases and their comments."""

    url: Address = Field(description="https://yours.my.salesforce.com")
    client_id: Variable | None = Field(default=None, description="env:NAME of the consumer key of a connected app")
    client_secret: Variable | None = Field(default=None, description="env:NAME of its consumer secret")
    token: Variable | None = Field(default=None, description="env:NAME of an access token; it expires within hours")

    @property
    def variables(self) -> list[str]:
        """The environment variables that hold its secrets."""
        return [name for name in (self.token, self.client_id, self.client_secret) if name]

    @model_validator(mode="after")
    def _can_log_in(self) -> "SalesforcePull":
        if (self.client_id is None) != (self.client_secret is None) or (self.token is None) == (self.client_id is None):
            raise ValueError("give client_id and client_secret of a connected app, or token")
        return self


class Pull(Section):
    """APIs that records are pulled from before each run; a preset without path or connection reads them."""

    stripe: StripePull | None
    hubspot: HubspotPull | None
    zendesk: ZendeskPull | None
    salesforce: SalesforcePull | None

    @property
    def vendors(self) -> dict[str, VendorPull]:
        """The vendors that are pulled."""
        given = {
            "stripe": self.stripe,
            "hubspot": self.hubspot,
            "zendesk": self.zendesk,
            "salesforce": self.salesforce,
        }
        return {vendor: pull for vendor, pull in given.items() if pull is not None}


def check_presets(sources: Mapping[str, Source], pull: Pull) -> None:
    """Check that each preset has rows: files, a connection, or an API.

    Raises:
        ValueError: one has not.
    """
    for name, source in sources.items():
        for one in source.descriptions:
            if one.is_pulled and one.preset not in pull.vendors:
                has_api = one.preset in Pull.model_fields
                pulled = f"; or say under pull.{one.preset} how to pull from its API" if has_api else ""
                raise ValueError(
                    f"sources.{name}.preset: give the folder of the vendor's export as path, or a connection{pulled}"
                )


def with_pulled(sources: Mapping[str, Source], folder: Path) -> dict[str, Source]:
    """The sources, those that are pulled from an API with the folder in which the vendor's tables are kept."""

    def kept(one: Description) -> dict[str, Any]:
        return {"path": [str(folder / str(one.preset))]} if one.is_pulled else {}

    def of_source(source: Source) -> Source:
        others = [other.model_copy(update=kept(other)) for other in source.other_descriptions]
        return source.model_copy(update=kept(source) | {"other_descriptions": others})

    return {name: of_source(source) for name, source in sources.items()}


def pulled_vendor(description: Description, folder: Path) -> str | None:
    """The vendor whose API a located description reads, None for files and databases."""
    is_kept_there = description.path == [str(folder / str(description.preset))]
    return description.preset if description.preset and is_kept_there else None
