"""Security incidents as of the end of the as-of day, with the minutes that each step took.

Means and rates by month belong in mart/security/security_operations.py, the history by account and day in
fact/account_security_daily.py.
"""

from datetime import date, datetime

import dataframely as dy
import polars as pl

from health_assets.assets.dim.account import SEGMENTS
from health_assets.assets.staged.security_incidents import SEVERITIES
from health_assets.contracts.columns import AccountId, Day, Minutes, Moment
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import end_of_day, month_of
from health_assets.contracts.history import valid_on
from health_assets.scoring.incident_times import with_incident_times
from health_assets.settings import Settings
from health_assets.tables import table


class Incidents(Contract):
    """What was detected at which account, how fast was the response, and was it within the target? As known on the as-of day."""

    incident_id = dy.String(primary_key=True, description="Incident")
    account_id = AccountId(of="staged_accounts")
    severity = dy.Enum(SEVERITIES, nullable=True, description="low to critical; null = unknown")
    incident_type = dy.String(nullable=True, description="What kind of incident; null = unknown")
    occurred_at = Moment("When it began; null = unknown")
    detected_at = Moment("When it was detected", nullable=False)
    detected_date = Day("Local day on which it was detected", nullable=False, metadata={"available_from": True})
    detected_month = Day("First day of the month in which it was detected", nullable=False)
    responded_at = Moment("When work on it began; null = not by the as-of day, or not exported")
    contained_at = Moment("When it could no longer spread; null = not by the as-of day, or not exported")
    minutes_to_detect = Minutes("From beginning to detection; null = beginning unknown, or after detection")
    minutes_to_respond = Minutes("From detection to response; null = none yet, not exported, or before detection")
    minutes_to_contain = Minutes("From detection to containment; null = not yet, not exported, or before detection")
    is_false_positive = dy.Bool(
        nullable=True,
        description="Whether it was a false positive; known from containment on, else from the load that said so; null = unknown",
    )
    is_critical = dy.Bool(nullable=True, description="Whether the severity is critical; null = severity unknown")
    sla_minutes = Minutes("Time to respond that the severity allows; null = no target, or severity unknown")
    is_within_sla = dy.Bool(
        nullable=True,
        description="Responded within the target; false also while unanswered with the target past; where moments of "
        "response are not exported, what the file says, from the load that said so; null = no target, or unknown",
    )
    segment = dy.Enum(SEGMENTS, nullable=True, description="Today's segment of the account; null = not signed up yet")

    @dy.rule()
    def is_within_sla__agrees_with_minutes(cls) -> pl.Expr:
        """An incident is within its target if the response took no longer, and only then."""
        return (pl.col("minutes_to_respond") <= pl.col("sla_minutes")) == pl.col("is_within_sla")


@table(Incidents)
def fact_incidents(
    staged_security_incidents: pl.LazyFrame,
    history_security_incidents: pl.LazyFrame,
    dim_account: pl.LazyFrame,
    settings: Settings,
    as_of: date,
) -> pl.LazyFrame:
    """Incidents detected by the as-of day."""
    evening, contained = end_of_day(as_of, settings.timezone), pl.col("contained_at")
    seen = valid_on(history_security_incidents, as_of).select(
        "incident_id", seen_false_positive="is_false_positive", seen_within_sla="worked_within_sla"
    )
    return (
        with_incident_times(staged_security_incidents.filter(pl.col("detected_date") <= as_of), settings)
        .join(seen, on="incident_id", how="left", validate="1:1")
        .with_columns(
            detected_month=month_of(pl.col("detected_date")),
            is_critical=pl.col("severity") == "critical",
            is_false_positive=pl.when(contained < evening)
            .then("is_false_positive")
            .when(contained.is_null())
            .then("seen_false_positive"),
            is_within_sla=_is_within_sla(evening),
        )
        .with_columns(
            _by(evening, "occurred_at", "occurred_at", "minutes_to_detect"),
            _by(evening, "responded_at", "responded_at", "minutes_to_respond"),
            _by(evening, "contained_at", "contained_at", "minutes_to_contain"),
        )
        .join(dim_account.select("account_id", "segment"), on="account_id", how="left", validate="m:1")
        .sort("incident_id")
        .select(Incidents.column_names())
    )


def _by(evening: datetime, moment: str, *columns: str) -> pl.Expr:
    """Columns that are known from a point in time on, and null at the end of an earlier day."""
    return pl.when(pl.col(moment) < evening).then(pl.col(columns))


def _is_within_sla(evening: datetime) -> pl.Expr:
    """By the minutes; else by what was seen in the file on the day; unanswered, no from the deadline on."""
    responded, worked = pl.col("responded_at"), pl.col("worked_within_sla")
    is_in_time = pl.col("minutes_to_respond") <= pl.col("sla_minutes")
    is_unanswered = (responded >= evening) | (responded.is_null() & worked.is_null())
    is_overdue = responded.is_not_null().any() & is_unanswered & (pl.col("response_deadline") <= evening)
    return pl.when(pl.col("sla_minutes").is_not_null()).then(
        pl.coalesce(
            pl.when(responded < evening).then(is_in_time),
            pl.when(responded.is_null()).then("seen_within_sla"),
            pl.when(is_overdue).then(pl.lit(False)),
        )
    )
