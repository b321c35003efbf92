"""Settings of the write-back: where scores, bands, reasons and next steps go, and under which names."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from health_assets.settings.alerts import Secret
from health_assets.settings.pull import Address
from health_assets.settings.source import Section
from health_assets.settings.suggestions import did_you_mean

FIELDS = (  # what can be written of an account
    *("health_score", "health_band", "trend_30d", "risk_level", "churn_risk_score", "reasons", "next_step"),
    *("attention_rank", "mrr", "days_to_renewal"),
)
DEFAULT_FIELDS = ("health_score", "health_band", "risk_level", "reasons", "next_step")
NAME_IN_SQL = r"\w+(\.\w+)?"


def _is_a_table(name: str) -> str:
    if not re.fullmatch(NAME_IN_SQL, name):
        raise ValueError("must be a table, or a schema and a table, such as analytics.customer_health")
    return name


class Target(Section):
    """Where values are written to: one of hubspot, salesforce, database and webhook."""

    hubspot: Secret | None = None  # env:NAME of the access token of a private app
    salesforce: Secret | None = None  # env:NAME of the client ID of a connected app (client credentials)
    database: Secret | None = None  # env:NAME of the URL of a PostgreSQL, SQLite or DuckDB database
    webhook: Secret | None = None  # env:NAME of the URL that gets the values as JSON
    secret: Secret | None = (
        None  # env:NAME of the client secret, or of the key that the JSON is signed with (HMAC-SHA256)
    )
    url: Address | None = None  # of the API: of Salesforce your own, https://example.my.salesforce.com
    object: str = "Account"  # of Salesforce that is written to
    id_property: str | None = None  # unique property of HubSpot's companies that holds account_id; null = the record ID
    table: Annotated[str, AfterValidator(_is_a_table)] | None = None  # of the database; created where it is missing
    fields: dict[str, str] = {}  # what is written -> property, field or column; empty = the five of the page write-back

    @model_validator(mode="after")
    def _is_one_kind(self) -> "Target":
        if sum(one is not None for one in (self.hubspot, self.salesforce, self.database, self.webhook)) != 1:
            raise ValueError("needs exactly one of hubspot, salesforce, database and webhook")
        if self.salesforce and not self.url:
            raise ValueError("url: give the address of your Salesforce, https://example.my.salesforce.com")
        if self.salesforce and not self.secret:
            raise ValueError("secret: give env:NAME of the client secret of the connected app")
        if self.database and not self.table:
            raise ValueError("table: name the table of the database, such as analytics.customer_health")
        return self

    @model_validator(mode="after")
    def _fields_are_known(self) -> "Target":
        for name, theirs in self.fields.items():
            if name not in FIELDS:
                raise ValueError(f"fields: {name!r} cannot be written{did_you_mean(name, FIELDS)}")
            if not re.fullmatch(r"\w+", theirs):
                raise ValueError(f"fields.{name}: {theirs!r} is no name of a property, field or column")
        return self

    @property
    def names(self) -> dict[str, str]:
        """What is written -> its name at the other side."""
        if self.fields:
            return self.fields
        shipped = {"health_score": "health_score", "health_band": "health_band", "risk_level": "churn_risk_level"}
        shipped |= {"reasons": "health_reasons", "next_step": "health_next_step"}
        if self.salesforce:
            return {
                name: "_".join(part.capitalize() for part in theirs.split("_")) + "__c"
                for name, theirs in shipped.items()
            }
        return shipped


class WriteBack(Section):
    """What is written to other systems after each snapshot."""

    targets: dict[str, Target] = Field(default_factory=dict)
