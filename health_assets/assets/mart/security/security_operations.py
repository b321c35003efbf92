"""Security operations by month: incidents, response times and false positives; in total and by severity.

Single incidents are in fact/incidents.py, the counts of an account in fact/account_security_daily.py.
"""

from datetime import date

import dataframely as dy
import polars as pl

from health_assets.contracts.breakdowns import by_part, miscounted
from health_assets.contracts.columns import Count, Minutes, Pct, Share
from health_assets.contracts.contract import Contract
from health_assets.contracts.expressions import percent, safe_ratio
from health_assets.tables import identity, table

DIMENSIONS = ["all", "severity"]


class SecurityOperations(Contract):
    """How many incidents are there, how severe are they, and how fast do we respond? As known on the as-of day."""

    month = dy.Date(
        primary_key=True, description="First day of the month of detection", metadata={"available_from": True}
    )
    dimension_type = dy.Enum(DIMENSIONS, primary_key=True, description="Dimension by which incidents are grouped")
    dimension_value = dy.String(
        primary_key=True, description="Value of the dimension; `unknown` where the incident has none"
    )
    is_partial = dy.Bool(description="The as-of month, unless the as-of day is its last")
    incident_count = Count("Incidents, false positives included")
    critical_incident_count = Count("Of those, critical; null = no severity known", nullable=True)
    false_positive_count = Count("Of those, false positives; null = not known of any incident", nullable=True)
    critical_incident_rate = Share("Critical / incidents")
    false_positive_rate = Share("False positives / incidents")
    mean_minutes_to_detect = Minutes("Mean from beginning to detection, without false positives; null = none measured")
    mean_minutes_to_respond = Minutes("Mean from detection to response, without false positives; null = none measured")
    mean_minutes_to_contain = Minutes(
        "Mean from detection to containment, without false positives; null = none measured"
    )
    within_sla_count = Count("Incidents responded to within their target")
    outside_sla_count = Count("Incidents responded to after it, or unanswered with the target past")
    sla_adherence_pct = Pct("Within / (within + outside); incidents without a target are left out")

    @dy.rule()
    def incident_count__at_least_its_subsets(cls) -> pl.Expr:
        """Incidents with a target, critical ones and false positives are among all incidents."""
        with_target = pl.col("within_sla_count") + pl.col("outside_sla_count")
        parts = ("critical_incident_count", "false_positive_count")
        return pl.all_horizontal(pl.col("incident_count") >= part for part in (with_target, *map(pl.col, parts)))


@table(SecurityOperations)
def mart_security_operations(fact_incidents: pl.LazyFrame, as_of: date) -> pl.LazyFrame:
    """One row per month and part; months without an incident have none."""
    in_time = pl.col("is_within_sla")
    is_real = ~pl.col("is_false_positive").fill_null(False)
    steps = ("minutes_to_detect", "minutes_to_respond", "minutes_to_contain")
    return (
        by_part(fact_incidents, DIMENSIONS)
        .group_by("dimension_type", "dimension_value", month="detected_month")
        .agg(
            *(pl.col(step).filter(is_real).mean().alias(f"mean_{step}") for step in steps),
            incident_count=pl.len().cast(pl.Int64),
            critical_incident_count=_count_where_known("is_critical"),
            false_positive_count=_count_where_known("is_false_positive"),
            within_sla_count=in_time.sum().cast(pl.Int64),
            outside_sla_count=(~in_time).sum().cast(pl.Int64),
        )
        .with_columns(
            critical_incident_rate=safe_ratio(pl.col("critical_incident_count"), pl.col("incident_count")),
            false_positive_rate=safe_ratio(pl.col("false_positive_count"), pl.col("incident_count")),
            sla_adherence_pct=percent(
                pl.col("within_sla_count"), pl.col("within_sla_count") + pl.col("outside_sla_count")
            ),
        )
        .with_columns(is_partial=pl.col("month").dt.month_end() > as_of)
        .sort("month", "dimension_type", "dimension_value")
        .select(SecurityOperations.column_names())
    )


def _count_where_known(flag: str) -> pl.Expr:
    """How many are flagged; null where that is known of none."""
    return pl.when(pl.col(flag).is_not_null().any()).then(pl.col(flag).sum().cast(pl.Int64))


@identity(of=mart_security_operations)
def incident_count__is_that_of_the_incidents(
    mart_security_operations: pl.LazyFrame, fact_incidents: pl.LazyFrame
) -> pl.LazyFrame:
    """In each month, the incidents of each dimension add up to those detected in it."""
    return miscounted(mart_security_operations, "incident_count", fact_incidents, "detected_month", DIMENSIONS)
