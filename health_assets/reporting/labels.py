"""What columns and values are called where people read them. Files keep the names of the tables.

A heading follows from the name of the column; the ones that would not read well are listed.
"""

import re

import polars as pl

ACRONYMS = ("api", "arr", "clv", "crm", "csat", "dau", "grr", "id", "mau", "mrr", "nps", "nrr", "sla", "usd", "wau")
ABBREVIATIONS = (*ACRONYMS, "anz", "apac", "dach", "emea", "latam", "mena", "smb", "uk", "us")  # as values
HEADINGS = {
    "account_owner": "Owner", "active_user_day_count_30d": "User days, 30 days", "adoption_pct": "Adoption",
    "asset": "Table", "at_risk_account_count": "Accounts at churn risk",
    "avg_engagement_score": "Average engagement score", "avg_processing_minutes": "Minutes per item",
    "avg_processing_minutes_3m": "Minutes per item, 3 months",
    "avg_session_count_per_user_30d": "Sessions per user, 30 days",
    "avg_tickets_processed_3m": "Items per month, 3 months", "breached_count": "Past target",
    "business_sla_state": "By business hours", "buyer_count_to_date": "Buyers to date",
    "calendar_sla_state": "By calendar hours", "came_and_went_account_count": "Accounts gone within the month",
    "came_and_went_mrr": "MRR gone within the month", "check_name": "Check", "churn_date": "Churned on",
    "clv_segment": "Lifetime value segment", "company_name": "Account", "created_date": "Created",
    "critical_incident_rate": "Critical, share", "data_error_change": "Data errors, change",
    "data_error_rate": "Data errors", "data_error_rate_3m": "Data errors, 3 months", "dau": "Daily users",
    "denial_change": "Denied, change", "denial_rate": "Denied", "denial_rate_3m": "Denied, 3 months",
    "device_health_avg": "Average device health", "dimension_value": "Group", "driver_rank": "Rank",
    "due_payment_count": "Payments due", "duplicates_collapsed": "Duplicates removed", "effect_30d": "Effect, points",
    "ending_mrr": "MRR at end", "escalated_account_count": "Accounts with escalations",
    "escalated_account_pct": "Accounts with escalations, share", "factor": "Risk factor", "failed_count": "Failed",
    "false_positive_rate": "False positives, share", "feature_category": "Category", "feature_name": "Feature",
    "first_event_date": "First event", "first_order_date": "First order", "first_paid_date": "First payment",
    "first_response_adherence_pct": "First response in time", "first_response_breached_count": "Late first responses",
    "first_response_met_count": "First responses in time", "from_band": "From",
    "has_frequent_tickets": "Frequent tickets", "has_late_payment": "Was late",
    "health_band_30d_before": "Band 30 days before", "health_change_30d": "Change in 30 days",
    "health_score": "Health", "health_score_30d_before": "Health 30 days before",
    "high_value_account_count": "High-value accounts", "intervention_date": "Touchpoint", "is_at_risk": "Declining",
    "is_core": "Core feature", "is_data_error_rise": "More data errors", "is_denial_rise": "More denials",
    "is_partial": "In progress", "is_slowdown": "Slower", "is_stale": "Out of date", "is_volume_drop": "Fewer items",
    "last_day": "Last day with a row", "last_health_band": "Last band", "last_order_date": "Last order",
    "late_payment_rate": "Late payments, share", "mau": "Monthly users", "mau_rate": "Monthly users, share",
    "mean_days_late": "Average days late", "measurable_flag_count": "Flags measured", "met_count": "Within target",
    "minutes_ratio": "Minutes, % of month before", "monthly_clv_rate": "Lifetime value per month",
    "mrr_at_risk": "MRR at churn risk", "mrr_at_risk_pct": "Share of MRR at churn risk", "mrr_lost": "Lost MRR",
    "mrr_touched": "MRR of these accounts", "mrr_using": "MRR using it", "name": "Account",
    "next_step_days": "Due in, days", "next_step_owner_role": "Responsible",
    "nrr_incl_reactivation_pct": "NRR with reactivation", "outside_sla_count": "Late responses",
    "paid_days": "Paying days", "past_due_payment_count": "Unpaid past due", "pending_count": "Open, not yet due",
    "period_start": "Period", "power_user_rate": "Power users, share", "product_name": "Product",
    "quick_ratio": "Quick ratio", "rate_pct": "Churned, share", "rated_count": "Rated tickets", "reason": "Why",
    "reason_count": "Weak areas, number", "renewal_date": "Renews on", "renewal_month": "Renews in",
    "renewing_mrr": "Renewing MRR", "reopened_count": "Reopened",
    "repeat_buyer_count_to_date": "Repeat buyers to date", "resolution_rate_30d": "Resolved, 30 days",
    "response_rate": "Rated, share", "retention_impact_score": "Retention against non-users, points",
    "revenue_coverage_pct": "Share of MRR using it", "revenue_share_pct": "Share of revenue",
    "signup_date": "Signed up", "since_date": "Since", "sla_adherence_pct": "Resolved in time",
    "sla_target_hours": "Target, hours", "source_file": "File", "source_row": "Row", "spend_rank": "Rank by spend",
    "stale_after_days": "Out of date after, days", "starting_mrr": "MRR at start",
    "stickiness_ratio": "Stickiness: daily / monthly users",
    "tickets_per_account_30d": "Tickets per account, 30 days", "tickets_processed": "Items processed",
    "to_band": "To", "total_spend": "Net spend", "total_user_count": "Users with access",
    "trailing_12m_grr_pct": "GRR, 12 months", "trailing_12m_logo_churn_pct": "Logo churn, 12 months",
    "trailing_12m_nrr_pct": "NRR, 12 months", "trend_30d": "Change in 30 days", "trend_7d": "Change in 7 days",
    "trend_90d": "Change in 90 days", "unknown_count": "Without target or time",
    "untouched_account_count": "Accounts compared with", "untouched_change_30d": "Their change",
    "usage_intensity_score": "Usage intensity, 0-100", "user_adoption_pct": "Adoption among users",
    "value_30d_ago": "Value 30 days ago", "value_to_cost": "Value / cost", "values_blanked": "Values set to null",
    "volume_ratio": "Items, % of month before", "wau": "Weekly users", "wau_mau_ratio": "Weekly / monthly users",
    "wau_rate": "Weekly users, share", "weakest_dimension": "Weakest area",
    "weakest_dimension_score": "Score of that area", "weekly_health": "12 weeks",
    "within_sla_count": "Responses in time", "youngest_age": "From age",
    "mart.attention_list.attention_level": "Level", "mart.attention_list.attention_rank": "#",
    "mart.churned_accounts.reasons": "Weak areas", "mart.commerce_flags.attention_rank": "Rank by flags",
    "mart.operations_risk.risk_score": "Flags raised",
    "mart.security_operations.sla_adherence_pct": "Responses in time, share",
}  # fmt: skip
STARTS = (("is_", ""), ("has_", ""), ("mean_", "average_"), ("avg_", "average_"), ("p90_", "90th_percentile_of_"))
ENDS = (("_hours", ", hours"), ("_minutes", ", minutes"), ("_pct", ""))
CLOCKS = {"calendar_": " (calendar hours)", "business_": " (business hours)"}
DAYS_BETWEEN = re.compile(r"_(\d+)d_")
WINDOW = re.compile(r"_(\d+)(d|m)$")
RATE = re.compile(r"_(rate|ratio)(_\d+[dm])?$")
SHARES = {
    "breadth",
    "coverage",
    "churn_probability",
    "data_error_change",
    "denial_change",
}  # 0-1, without a name of rates
NO_SHARES = {"monthly_clv_rate", "quick_ratio"}
CODED = {  # columns whose values are words of a list, not what somebody typed
    "age_group", "attention_level", "business_sla_state", "calendar_sla_state", "category", "clv_segment", "crm_status",
    "dimension", "dimension_value", "factor", "feature_category", "incident_type", "kind", "lifecycle_stage", "measure", "metric",
    "plan_tier", "priority", "product", "product_name", "reasons", "region", "risk_level", "segment", "severity", "sla_status",
    "value_segment", "value_tier", "weakest_dimension",
}  # fmt: skip
TITLED = {"region"}  # whose values are proper names
NAMED = {"mid_market": "mid-market"}
CODE = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
PRIORITY = re.compile(r"p\d")


def heading(column: str, relation: str = "") -> str:
    """What stands above a column; the table is named where the same name means something else elsewhere."""
    if found := HEADINGS.get(f"{relation}.{column}") or HEADINGS.get(column):
        return found
    for start, clock in CLOCKS.items():
        if column.startswith(start):
            return heading(column.removeprefix(start)).removesuffix(", hours") + clock
    name, window, end = DAYS_BETWEEN.sub(r"_\1_days_", column), "", ""
    if found_window := WINDOW.search(name):
        window = f", {found_window[1]} {'days' if found_window[2] == 'd' else 'months'}"
        name = name[: found_window.start()]
    for start, instead in STARTS:
        name = f"{instead}{name.removeprefix(start)}" if name.startswith(start) else name
    for suffix, instead in ENDS:
        if name.endswith(suffix):
            name, end = name.removesuffix(suffix), instead
    name = f"{name.removesuffix('_count')}s" if name.endswith("_count") else name
    name = name.removesuffix("_date") or name
    spelled = f"{name.replace('_', ' ').capitalize()}{end}{window}"
    return re.sub(rf"\b({'|'.join(ACRONYMS)})\b", lambda word: word[0].upper(), spelled, flags=re.IGNORECASE)


def is_share(column: str) -> bool:
    """Whether the values, 0-1, are shown as percentages."""
    return column not in NO_SHARES and (column in SHARES or RATE.search(column) is not None)


def worded(value: str, column: str = "") -> str:
    """A word of a list as it is written in text, e.g. "mid-market", "North America", "P1"; other text as it is."""
    if value in NAMED or not CODE.fullmatch(value):
        return NAMED.get(value, value)
    if PRIORITY.fullmatch(value):
        return value.upper()
    words = [word.upper() if word in ABBREVIATIONS else word for word in value.split("_")]
    return " ".join(word.capitalize() if column in TITLED and word.islower() else word for word in words)


def in_words(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with words of lists as they are written in text, and shares in %."""
    text = [
        name for name in rows.columns if name in CODED and rows.schema[name] in (pl.String, pl.Enum, pl.Categorical)
    ]
    lists = [name for name in rows.columns if name in CODED and rows.schema[name] == pl.List(pl.String)]
    shares = [name for name, dtype in rows.schema.items() if dtype.is_float() and is_share(name)]
    return rows.with_columns(
        *(_replaced(rows[name].cast(pl.String), name) for name in text),
        *(rows[name].list.eval(pl.element().str.replace_all("_", " ")).list.join(", ") for name in lists),
        *(pl.col(name) * 100 for name in shares),
    )


def _replaced(values: pl.Series, name: str) -> pl.Series:
    present = values.drop_nulls().unique().to_list()
    return values.replace({value: worded(value, name) for value in present})
