"""What alerts read of a published snapshot: accounts with their levels and events, the reasons, how old each source is.

rules.py says which levels are alarming. A source that is not connected gives no level, so its rule never alerts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import polars as pl

from health_assets.alerts.accounts import Account, Attention, Event, Reading
from health_assets.alerts.rules import CALM, CHURNED, RAISED, RISK_RULE, band_rule
from health_assets.alerts.weekly import Digest, digests
from health_assets.reporting.formatting import day_and_month
from health_assets.reporting.reader import Row, frame, published, rows
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.scoring.weak_areas import weak_areas
from health_assets.settings import Settings
from health_assets.sources.erased import read_list

ACCOUNTS = """
    select account_id::varchar as account_id, coalesce(account.company_name, account_id) as name, account.account_owner,
           account.segment::varchar as segment, account.value_tier::varchar as tier, account.region,
           coalesce(health.mrr, risk.mrr, account.mrr)::double as mrr, health.health_score::double as health_score,
           health.trend_30d::double as trend_30d, health.health_band::varchar as health_band,
           risk.risk_level::varchar as risk_level, risk.churn_risk_score::double as churn_risk_score,
           scorecard, factors, unmeasured_factors, account_status::varchar as account_status,
           account.churn_date, lost.mrr_lost::double as mrr_lost, lost.health_score_30d_before,
           revenue.days_to_renewal, attention_rank, next_step, next_step_owner_role, next_step_days
    from mart.customer_health as health
    full join mart.churn_risk as risk using (account_id)
    full join dim.account as account using (account_id)
    left join mart.attention_list as attention using (account_id)
    left join mart.churned_accounts as lost using (account_id)
    left join (
        select account_id, days_to_renewal from fact.account_revenue_daily
        where as_of_date = (select as_of_date from about)
    ) as revenue using (account_id)
    order by account_id
"""
EVENTS = {  # rule -> whether its source has rows; account_id, day, key and words of events from one day to another
    "incident": (
        "from fact.incidents",
        """
        select account_id, detected_date, incident_id,
               concat_ws(', ', 'Critical security incident', incident_type,
                   case when minutes_to_respond is not null then concat('answered after ', round(minutes_to_respond)::bigint,
                   ' min', if(is_within_sla = false, ', past its target', '')) end)
        from fact.incidents where is_critical and not coalesce(is_false_positive, false) and detected_date between ? and ?
        """,
    ),
    "sla_breach": (
        "from fact.tickets",
        """
        select account_id, due::date as day, ticket_id,
               concat(upper(priority::varchar), ' ticket ', ticket_id, if(category is null, '', concat(' (', category, ')')),
                   ' passed its target of ', round(sla_target_hours)::bigint, ' hours')
        from (select *, created_at + to_seconds(sla_target_hours * 3600) as due from fact.tickets)
        where sla_state = 'breached' and list_contains($priorities, priority::varchar) and day between ? and ?
        """,
    ),
    "detractor": (
        "from fact.feedback where nps_category is not null",
        """
        select account_id, feedback_date, feedback_id, concat('NPS rating ', nps_rating::integer)
        from fact.feedback where nps_category = 'detractor' and feedback_date between ? and ?
        """,
    ),
}
WORKFLOW = """
    select account_id, day::date, if(is_at_risk, 'raised', 'calm'), concat(strftime(month, '%B %Y'), ': ', concat_ws(', ',
        if(is_volume_drop, 'lower volume', null), if(is_slowdown, 'slower processing', null),
        if(is_data_error_rise, 'more data errors', null), if(is_denial_rise, 'more denials', null)
    ))
    from generate_series(?::date, ?::date, interval 1 day) as days(day)
    join mart.operations_risk on month = date_trunc('month', day) - interval 1 month
    where is_at_risk is not null
"""
SHOP = """
    select account_id, as_of_date, if(flag_count > 0, 'raised', 'calm'), reasons
    from mart.payment_risk left join mart.commerce_flags using (account_id) cross join about
"""


@dataclass(frozen=True)
class Published:
    """The as-of day, the accounts, and what else an alert run needs of a snapshot."""

    as_of_date: date
    accounts: list[Account]
    rule_versions: dict[str, str]
    sources: list[tuple[str, date | None, int | None]]  # name, last day with a row, days after which it is stale
    digests: list[tuple[Digest, str]] = field(default_factory=list)  # that are due, each with its channel


Readings = dict[tuple[str, date], dict[str, Reading]]  # by account and day, by rule
Events = dict[str, dict[str, list[Event]]]  # by rule, by account; a rule whose source has no row is absent


def read_published(settings: Settings, first_event: Callable[[date], date] | None = None) -> Published:
    """Everything that alerts read of the newest snapshot.

    Args:
        settings: the company's.
        first_event: as-of day -> the first day whose events are read; by default `event_days` before.

    Raises:
        SnapshotError: nothing has been published yet, or by another version.
    """
    with published(settings) as connection:
        ((as_of_date,),) = connection.sql("select as_of_date from about").fetchall()
        recent = as_of_date - timedelta(days=settings.alerts.event_days - 1)
        first = first_event(as_of_date) if first_event else recent
        events = events_between(connection, settings, first, as_of_date)
        flags = flags_between(connection, as_of_date, as_of_date)
        for account_id, day, level, sentence in connection.sql(SHOP).fetchall():
            flags.setdefault((account_id, day), {})["shop"] = Reading(level, sentence)
        pseudonyms = {one.pseudonym for one in read_list(settings).entries}  # nobody is alerted about an erased account
        weak = _weak_areas(connection, settings)
        accounts = [
            account_of(
                row | {"weak_areas": weak.get(row["account_id"])},
                flags.get((row["account_id"], as_of_date), {}),
                events,
                settings,
            )
            for row in rows(connection, ACCOUNTS)
            if row["account_id"] not in pseudonyms
        ]
        return Published(
            as_of_date=as_of_date,
            accounts=accounts,
            rule_versions=dict(connection.sql("select rule, version from rule_versions").fetchall()),
            digests=digests(connection, settings, as_of_date),
            sources=connection.sql("select source, last_day, stale_after_days from sources").fetchall(),
        )


def events_between(connection: duckdb.DuckDBPyConnection, settings: Settings, first: date, last: date) -> Events:
    """The events of each account in these days, the oldest first."""
    found: Events = {}
    priorities = [f"'{priority}'" for priority in settings.alerts.sla_priorities]
    for rule, (source, query) in EVENTS.items():
        if not connection.sql(f"select count(*) > 0 {source}").fetchone()[0]:  # type: ignore[index]
            continue
        of_rule = found.setdefault(rule, {})
        stated = query.replace("$priorities", f"[{', '.join(priorities)}]")
        for account_id, day, key, sentence in connection.execute(stated, [first, last]).fetchall():
            of_rule.setdefault(str(account_id), []).append(Event(str(key), day, f"{sentence} on {day_and_month(day)}"))
        for events in of_rule.values():
            events.sort(key=lambda event: (event.day, event.key))
    return found


def flags_between(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> Readings:
    """The flags of the workflow on each of these days, by the month that closed last."""
    found: Readings = {}
    for account_id, day, level, sentence in connection.execute(WORKFLOW, [first, last]).fetchall():
        found.setdefault((str(account_id), day), {})["workflow"] = Reading(level, sentence)
    return found


def account_of(row: Row, flags: Mapping[str, Reading], events: Events, settings: Settings) -> Account:
    """An account on one day, from a row of health and churn risk."""
    key = row["account_id"]
    return Account(
        account_id=key,
        name=row["name"],
        owner=row["account_owner"],
        segment=row["segment"],
        tier=row["tier"],
        region=row["region"],
        mrr=row["mrr"],
        health_score=row["health_score"],
        trend_30d=row["trend_30d"],
        readings={**_health_and_risk(row, settings), **_conditions(row, settings), **_status(row), **flags},
        events={rule: of_rule.get(key, []) for rule, of_rule in events.items()},
        reasons=_reasons(row),
        days_to_renewal=row["days_to_renewal"],
        is_churned=row["account_status"] == "churned",
        churn_date=row["churn_date"],
        mrr_lost=row["mrr_lost"],
        attention=_attention(row),
    )


def _health_and_risk(row: Row, settings: Settings) -> dict[str, Reading]:
    found = {
        band_rule(name, settings): Reading(row["health_band"], value=row["health_score"])
        for name in scorecards_in_use(settings)
        if row["scorecard"] == name and row["health_band"]
    }
    if row["risk_level"]:
        found[RISK_RULE] = Reading(row["risk_level"], value=row["churn_risk_score"])
    return found


def _conditions(row: Row, settings: Settings) -> dict[str, Reading]:
    """The rules that watch a churn factor, where it could be measured."""
    if row["factors"] is None:
        return {}
    raised = {factor["factor"]: factor["sentence"] for factor in row["factors"]}
    unmeasured = set(row["unmeasured_factors"] or ())
    return {
        name: Reading(RAISED if rule.factor in raised else CALM, raised.get(rule.factor))
        for name, rule in settings.alerts.rules.items()
        if rule.factor and rule.factor not in unmeasured
    }


def _status(row: Row) -> dict[str, Reading]:
    if row["account_status"] is None:
        return {}
    return {CHURNED: Reading(RAISED if row["account_status"] == "churned" else CALM)}


def _weak_areas(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, str]:
    """The weak areas of each account that has some, in the words of the attention list."""
    parts = frame(connection, "from mart.customer_health_parts where as_of_date = (select as_of_date from about)")
    found = weak_areas(parts.lazy(), scorecards_in_use(settings)).collect()
    return dict(found.select(pl.col("account_id").cast(pl.String), "weak_areas").iter_rows())


def _reasons(row: Row) -> list[tuple[str, str]]:
    """Factors with their sentences, the weightiest first; then the weakest areas."""
    found = [(one["factor"], one["sentence"]) for one in sorted(row["factors"] or [], key=_weightiest_first)]
    if row["weak_areas"]:
        found.append(("weakest", f"Weakest: {row['weak_areas']}"))
    return found


def _attention(row: Row) -> Attention | None:
    if row["attention_rank"] is None:
        return None
    return Attention(
        rank=row["attention_rank"],
        next_step=row["next_step"],
        owner_role=row["next_step_owner_role"],
        days=row["next_step_days"],
    )


def _weightiest_first(factor: dict[str, Any]) -> tuple[float, str]:
    return -(factor["points"] or 0.0), factor["factor"]
