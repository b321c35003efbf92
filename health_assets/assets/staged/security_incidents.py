"""Security incidents, parsed. One whose moments are out of order keeps its row; the minutes between them are null."""

import dataframely as dy
import polars as pl

from health_assets.contracts import words
from health_assets.contracts.columns import AccountId, Day, Minutes, Moment
from health_assets.contracts.contract import ON_LOAD_DAY, WARN, Contract
from health_assets.contracts.expressions import local_date
from health_assets.contracts.history import REMEMBERED
from health_assets.settings import Settings
from health_assets.sources.parsing import parsed
from health_assets.tables import identity, staged

SEVERITIES = ["low", "medium", "high", "critical"]


class SecurityIncidents(Contract):
    """Which incidents were detected at which account, and how fast was the response?"""

    incident_id = dy.String(primary_key=True, description="Incident")
    account_id = AccountId(of="staged_accounts")
    severity = dy.Enum(
        SEVERITIES,
        nullable=True,
        metadata={"words": words.SEVERITY},
        description="low to critical; null = unknown",
    )
    incident_type = dy.String(nullable=True, description="What kind of incident, lower case; null = unknown")
    occurred_at = Moment("When it began; null = unknown")
    detected_at = Moment("When it was detected", nullable=False)
    detected_date = Day("Local day on which it was detected", nullable=False, metadata={"available_from": True})
    responded_at = Moment("When work on it began; null = not yet, or not exported")
    contained_at = Moment("When it could no longer spread; null = not yet, or not exported")
    is_false_positive = dy.Bool(
        nullable=True,
        metadata={"effective_from": "contained_at", "words": words.FALSE_POSITIVE} | REMEMBERED,
        description="Whether it was a false positive, as known on the load day; null = unknown",
    )
    sla_minutes = Minutes("Time to respond that the file names; the targets of the settings decide")
    worked_within_sla = dy.Bool(
        nullable=True,
        metadata=ON_LOAD_DAY,
        description="Responded to in time, as known on the load day; null = unknown",
    )
    status = dy.String(
        nullable=True, description="Status on the load day, lower case; null = unknown", metadata=ON_LOAD_DAY
    )


@staged(SecurityIncidents)
def staged_security_incidents(raw_security_incidents: pl.LazyFrame, settings: Settings) -> pl.LazyFrame:
    """Parsed incidents."""
    return raw_security_incidents.pipe(parsed, SecurityIncidents, settings, "security_incidents").with_columns(
        pl.col("incident_type", "status").str.to_lowercase().str.replace_all(r"[\s-]+", "_"),
        detected_date=local_date(pl.col("detected_at"), settings.timezone),
    )


@identity(of=staged_security_incidents, severity=WARN)
def moments__in_order(staged_security_incidents: pl.LazyFrame) -> pl.LazyFrame:
    """No incident was detected before it began, or responded to before it was detected; if so, those minutes are unknown."""
    detected = pl.col("detected_at")
    return staged_security_incidents.filter(
        (pl.col("occurred_at") > detected) | (pl.min_horizontal("responded_at", "contained_at") < detected)
    )
