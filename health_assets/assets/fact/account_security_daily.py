"""Which security incidents each account had in the days up to each day.

Incidents one by one belong in fact/incidents.py, means by month in mart/security/security_operations.py.
"""

from datetime import date

import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import Period, local_date, percent
from health_assets.scoring.incident_times import with_incident_times
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

MONTH, TWO_MONTHS, QUARTER = 30, 60, 90


class AccountSecurityDaily(Contract):
    """How many incidents did each account have in the days up to each day, and how grave were they?"""

    account_id = AccountId(primary_key=True)
    as_of_date = AsOfDate()
    incident_count_30d = Count("Incidents detected in 30 days, false positives included")
    incident_count_60d = Count("Incidents detected in 60 days, false positives included")
    incident_count_90d = Count("Incidents detected in 90 days, false positives included")
    critical_incident_count_90d = Count("Of those, critical")
    incident_response_sla_pct_90d = Pct(
        "Incidents detected in 90 days and responded to within their target / those and the ones responded to later or "
        "unanswered past it, as of the day"
    )
    incident_count_to_date = Count("Incidents ever detected, false positives included")
    false_positive_count_to_date = Count(
        "Of those, known to be false positives by the day; null where that is not exported, or known on the load day only",
        nullable=True,
    )


@table(
    AccountSecurityDaily,
    monthly=True,
    settings_sections=("security", "timezone", "stale_after_days"),
    fed_by=("staged_security_incidents",),
)
def fact_account_security_daily(
    staged_accounts: pl.LazyFrame,
    staged_security_incidents: pl.LazyFrame,
    settings: Settings,
    load_day: date,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first incident day on, and the account's signup."""
    counted = _counted(with_incident_times(staged_security_incidents, settings), settings, load_day)
    is_load_day = pl.col("day") == load_day
    within = pl.col("within_sla") + pl.when(is_load_day).then("flagged_within_sla").otherwise(0)
    outside = pl.col("outside_sla") + pl.when(is_load_day).then("flagged_outside_sla").otherwise(0)
    says = pl.col("is_false_positive").is_not_null()
    feed = staged_security_incidents.select(
        says_false_positives=says.any(),
        dates_false_positives=(says & pl.col("contained_at").is_not_null()).any(),
    )
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .join(feed, how="cross")
        .pipe(while_fresh, "security_incidents", staged_security_incidents, "detected_date", settings)
        .with_columns(pl.col(*counted).round().cast(pl.Int64), as_of_date="day")
        .with_columns(
            false_positive_count_to_date=pl.when(
                pl.col("dates_false_positives") | (pl.col("says_false_positives") & is_load_day)
            ).then("false_positives"),
            incident_response_sla_pct_90d=percent(within, within + outside),
        )
        .select(AccountSecurityDaily.column_names())
    )


def _counted(incidents: pl.LazyFrame, settings: Settings, load_day: date) -> dict[str, pl.LazyFrame]:
    """What is counted -> incidents with the days on which they count."""
    detected = pl.col("detected_date")
    contained = local_date(pl.col("contained_at"), settings.timezone)
    found_false = pl.max_horizontal(detected, contained.fill_null(load_day))

    def days(rows: pl.LazyFrame, first_day: pl.Expr, window: int | None = None) -> pl.LazyFrame:
        end_day = pl.lit(None, pl.Date) if window is None else detected.dt.offset_by(f"{window}d")
        return rows.select("account_id", first_day=first_day, end_day=end_day, size=pl.lit(1.0))

    responses = {name: days(rows, pl.col("day"), QUARTER) for name, rows in _responses(incidents, settings).items()}
    return responses | {
        "incident_count_30d": days(incidents, detected, MONTH),
        "incident_count_60d": days(incidents, detected, TWO_MONTHS),
        "incident_count_90d": days(incidents, detected, QUARTER),
        "incident_count_to_date": days(incidents, detected),
        "false_positives": days(incidents.filter("is_false_positive"), found_false),
        "critical_incident_count_90d": days(incidents.filter(pl.col("severity") == "critical"), detected, QUARTER),
    }


def _responses(incidents: pl.LazyFrame, settings: Settings) -> dict[str, pl.LazyFrame]:
    """Incidents with a target by how they were responded to, each with the `day` from which that is known.

    The flagged ones have no moment of response, but a word in the file, which is known on the load day alone.
    """
    responded, detected = pl.col("responded_at"), pl.col("detected_date")
    is_in_time = pl.col("minutes_to_respond") <= pl.col("sla_minutes")
    flag = pl.when(responded.is_null()).then("worked_within_sla")
    is_unanswered = responded.is_null() & flag.is_null() & pl.col("exports_responses")
    just_before_deadline = pl.col("response_deadline") - pl.duration(microseconds=1)  # one at midnight is past
    with_target = incidents.with_columns(exports_responses=responded.is_not_null().any()).drop_nulls("sla_minutes")
    return {
        name: with_target.filter(holds).with_columns(day=pl.max_horizontal(detected, day))
        for name, holds, day in (
            ("within_sla", is_in_time, local_date(responded, settings.timezone)),
            ("outside_sla", ~is_in_time | is_unanswered, local_date(just_before_deadline, settings.timezone)),
            ("flagged_within_sla", flag, detected),
            ("flagged_outside_sla", ~flag, detected),
        )
    }
