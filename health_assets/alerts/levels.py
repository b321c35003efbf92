"""What alerts read of a published snapshot: accounts with their levels, the reasons, and the last day of each source.

rules.py says which levels are alarming. A source that is not connected gives no level, so its rule never alerts.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from health_assets.alerts.rules import Account, Attention, band_rule
from health_assets.reporting.reader import Row, published, rows
from health_assets.scoring.scorecards import scorecards_in_use
from health_assets.settings import Settings

ACCOUNTS = """
    select account_id::varchar as account_id, coalesce(account.company_name, account_id) as name, account.account_owner,
           coalesce(health.mrr, risk.mrr, account.mrr)::double as mrr, health.health_score::double as health_score,
           health.trend_30d::double as trend_30d, health.health_band::varchar as health_band,
           risk.risk_level::varchar as risk_level,
           scorecard, factors, coalesce(account_status = 'churned', false) as is_churned, mrr_lost::double as mrr_lost,
           attention_rank, attention.reason, next_step, next_step_owner_role, next_step_days, since_date
    from mart.customer_health as health
    full join mart.churn_risk as risk using (account_id)
    full join dim.account as account using (account_id)
    left join mart.attention_list as attention using (account_id)
    left join (select account_id, mrr_lost from mart.churned_accounts) as lost using (account_id)
    order by account_id
"""
QUERIES = {  # rule -> account_id, level, sentence
    "workflow": """
        select account_id, if(is_at_risk, 'at_risk', 'calm'), concat(strftime(month, '%B %Y'), ': ', concat_ws(', ',
            if(is_volume_drop, 'lower volume', null), if(is_slowdown, 'slower processing', null),
            if(is_data_error_rise, 'more data errors', null), if(is_denial_rise, 'more denials', null)
        ))
        from mart.operations_risk where is_at_risk is not null
        qualify row_number() over (partition by account_id order by month desc) = 1
    """,
    "shop": """
        select account_id, if(flag_count > 0, 'high_risk', 'calm'), reasons
        from mart.payment_risk left join mart.commerce_flags using (account_id)
    """,
    "renewal": """
        select account_id, if(near is null, 'calm', 'near'), near.sentence
        from (
            select account_id, list_filter(factors, lambda raised: raised.factor = 'renewal_near')[1] as near
            from mart.churn_risk where risk_level <> 'unknown'
        )
    """,
    "incidents": """
        select account_id, if(critical_incident_count_90d > 0, 'critical', 'none'),
            concat(critical_incident_count_90d, ' in the last 90 days')
        from fact.account_security_daily where as_of_date = (select as_of_date from about)
    """,
    "nps": """
        select account_id, nps_category::varchar, concat('rating ', nps_rating::integer, ' on ', feedback_date)
        from fact.feedback where nps_category is not null
        qualify row_number() over (partition by account_id order by feedback_date desc, feedback_id desc) = 1
    """,
}


UNKNOWN = (None, None)


@dataclass(frozen=True)
class Published:
    """The as-of day, the accounts, and what else an alert run needs of a snapshot."""

    as_of_date: date
    accounts: list[Account]
    rule_versions: dict[str, str]
    sources: list[tuple[str, date | None, int | None]]  # name, last day with a row, days after which it is stale


def read_published(settings: Settings) -> Published:
    """Everything that alerts read of the newest snapshot.

    Raises:
        SnapshotError: nothing has been published yet, or by another version.
    """
    with published(settings) as connection:
        ((as_of_date,),) = connection.sql("select as_of_date from about").fetchall()
        levels = levels_by_account(connection)
        return Published(
            as_of_date=as_of_date,
            accounts=[_account(row, levels.get(row["account_id"], {}), settings) for row in rows(connection, ACCOUNTS)],
            rule_versions=dict(connection.sql("select rule, version from rule_versions").fetchall()),
            sources=connection.sql("select source, last_day, stale_after_days from sources").fetchall(),
        )


def levels_by_account(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, tuple[str, str | None]]]:
    """Account -> rule -> level and sentence, on the as-of day of a snapshot."""
    found: dict[str, dict[str, tuple[str, str | None]]] = {}
    for rule, query in QUERIES.items():
        for account_id, level, sentence in connection.sql(query).fetchall():
            found.setdefault(str(account_id), {})[rule] = (level, sentence)
    return found


def _account(row: Row, levels: dict[str, tuple[str, str | None]], settings: Settings) -> Account:
    bands = {
        band_rule(name, settings): row["health_band"] if row["scorecard"] == name else None
        for name in scorecards_in_use(settings)
    }
    return Account(
        account_id=row["account_id"],
        name=row["name"],
        owner=row["account_owner"],
        mrr=row["mrr"],
        health_score=row["health_score"],
        trend_30d=row["trend_30d"],
        levels=bands | {"risk_level": row["risk_level"]} | {rule: levels.get(rule, UNKNOWN)[0] for rule in QUERIES},
        sentences={rule: sentence for rule, (_, sentence) in levels.items() if sentence},
        reasons=[factor["sentence"] for factor in sorted(row["factors"] or [], key=_weightiest_first)],
        is_churned=row["is_churned"],
        mrr_lost=row["mrr_lost"],
        attention=_attention(row),
    )


def _attention(row: Row) -> Attention | None:
    if row["attention_rank"] is None:
        return None
    return Attention(
        rank=row["attention_rank"],
        reason=row["reason"],
        next_step=row["next_step"],
        owner_role=row["next_step_owner_role"],
        days=row["next_step_days"],
        since_date=row["since_date"],
    )


def _weightiest_first(factor: dict[str, Any]) -> tuple[float, str]:
    return -(factor["points"] or 0.0), factor["factor"]
