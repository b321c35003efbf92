"""Which security incidents each account had in the days up to each day.

Incidents one by one belong in fact/incidents.py, means by month in mart/security/security_operations.py.
"""

import polars as pl

from health_assets.contracts.columns import AccountId, AsOfDate, Count, Pct
from health_assets.contracts.contract import Contract
from health_assets.contracts.day_counts import counts_by_day
from health_assets.contracts.expressions import Period, local_date, percent
from health_assets.contracts.history import end_of_validity
from health_assets.scoring.incident_times import with_incident_times
from health_assets.settings import Settings
from health_assets.sources.freshness import while_fresh
from health_assets.tables import table

MONTH, TWO_MONTHS, QUARTER = 30, 60, 90
FOR_EVER = pl.lit(None, pl.Date)


class AccountSecurityDaily(Contract):
    """How many incidents did each account have in the days up to each day, and how severe were they?"""

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
        "Of those, known to be false positives by the day: from containment on, else from the load that said so; null where "
        "neither is exported, or before the first load",
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
    history_security_incidents: pl.LazyFrame,
    settings: Settings,
    period: Period,
) -> pl.LazyFrame:
    """One row per account and day of the period from the company's first incident day on, and the account's signup."""
    incidents = with_incident_times(staged_security_incidents, settings)
    seen = _seen(incidents, history_security_incidents)
    counted = (
        _counted(incidents, settings.timezone) | _responses(incidents, settings.timezone) | _counted_while_seen(seen)
    )
    within = pl.col("within_sla") + pl.col("seen_within_sla")
    outside = pl.col("outside_sla") + pl.col("seen_outside_sla")
    is_said = pl.col("day") >= pl.col("false_positives_since")
    return (
        counts_by_day(staged_accounts, "signup_date", counted, period)
        .join(_feed(staged_security_incidents, history_security_incidents), how="cross")
        .pipe(while_fresh, "security_incidents", staged_security_incidents, "detected_date", settings)
        .with_columns(pl.col(*counted).round().cast(pl.Int64), as_of_date="day")
        .with_columns(
            false_positive_count_to_date=pl.when(pl.col("dates_false_positives") | is_said).then(
                pl.col("false_positives") + pl.col("seen_false_positives")
            ),
            incident_response_sla_pct_90d=percent(within, within + outside),
        )
        .select(AccountSecurityDaily.column_names())
    )


def _feed(staged_security_incidents: pl.LazyFrame, history_security_incidents: pl.LazyFrame) -> pl.LazyFrame:
    """What is exported of false positives, and since which load, one row."""
    says = pl.col("is_false_positive").is_not_null()
    dated = staged_security_incidents.select(dates_false_positives=(says & pl.col("contained_at").is_not_null()).any())
    loads = history_security_incidents.select(false_positives_since=pl.col("valid_from").filter(says).min())
    return dated.join(loads, how="cross")


def _counted(incidents: pl.LazyFrame, timezone: str) -> dict[str, pl.LazyFrame]:
    """What is counted -> incidents with the days on which they count."""
    detected = pl.col("detected_date")
    contained = pl.max_horizontal(detected, local_date(pl.col("contained_at"), timezone))
    critical = incidents.filter(pl.col("severity") == "critical")
    false_positives = incidents.filter("is_false_positive", pl.col("contained_at").is_not_null())
    return {
        "incident_count_30d": _days(incidents, detected, _window_end(MONTH)),
        "incident_count_60d": _days(incidents, detected, _window_end(TWO_MONTHS)),
        "incident_count_90d": _days(incidents, detected, _window_end(QUARTER)),
        "incident_count_to_date": _days(incidents, detected, FOR_EVER),
        "false_positives": _days(false_positives, contained, FOR_EVER),
        "critical_incident_count_90d": _days(critical, detected, _window_end(QUARTER)),
    }


def _responses(incidents: pl.LazyFrame, timezone: str) -> dict[str, pl.LazyFrame]:
    """Incidents of 90 days with a target: in time from their response on, outside it from the deadline on.

    One without a moment of response is unanswered, unless the feed exports none, or the file says whether it was in time.
    """
    responded, detected = pl.col("responded_at"), pl.col("detected_date")
    is_in_time = pl.col("minutes_to_respond") <= pl.col("sla_minutes")
    is_unanswered = responded.is_null() & pl.col("worked_within_sla").is_null() & pl.col("exports_responses")
    just_before_deadline = pl.col("response_deadline") - pl.duration(microseconds=1)  # one at midnight is past
    with_target = incidents.with_columns(exports_responses=responded.is_not_null().any()).drop_nulls("sla_minutes")
    outside = with_target.filter(~is_in_time | is_unanswered)

    def since(moment: pl.Expr) -> pl.Expr:
        return pl.max_horizontal(detected, local_date(moment, timezone))

    return {
        "within_sla": _days(with_target.filter(is_in_time), since(responded), _window_end(QUARTER)),
        "outside_sla": _days(outside, since(just_before_deadline), _window_end(QUARTER)),
    }


def _seen(incidents: pl.LazyFrame, history_security_incidents: pl.LazyFrame) -> pl.LazyFrame:
    """The versions of incidents, with the days on which each was seen: what the files say without a date."""
    said = ["worked_within_sla", "is_false_positive"]
    return (
        history_security_incidents.select("incident_id", *said, "valid_from", end=end_of_validity())
        .join(incidents.drop(said), on="incident_id", how="inner", validate="m:1")
        .with_columns(seen_date=pl.max_horizontal("valid_from", "detected_date"))
    )


def _counted_while_seen(seen: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    worked, undated = pl.col("worked_within_sla"), pl.col("contained_at").is_null()
    without_moment = seen.filter(pl.col("responded_at").is_null(), pl.col("sla_minutes").is_not_null())
    within_quarter = pl.min_horizontal(pl.col("end"), _window_end(QUARTER))
    return {
        "seen_within_sla": _days(without_moment.filter(worked), pl.col("seen_date"), within_quarter),
        "seen_outside_sla": _days(without_moment.filter(~worked), pl.col("seen_date"), within_quarter),
        "seen_false_positives": _days(seen.filter("is_false_positive", undated), pl.col("seen_date"), pl.col("end")),
    }


def _window_end(days: int) -> pl.Expr:
    return pl.col("detected_date").dt.offset_by(f"{days}d")


def _days(incidents: pl.LazyFrame, first_day: pl.Expr, end_day: pl.Expr) -> pl.LazyFrame:
    return incidents.select("account_id", first_day=first_day, end_day=end_day, size=pl.lit(1.0))
