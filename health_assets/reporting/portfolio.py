"""The portfolio at a glance: health by band and how it moved, revenue at risk and what drives it, accounts to contact."""

from collections.abc import Collection

import duckdb
import polars as pl

from health_assets.reporting.formatting import number, pct
from health_assets.reporting.reader import Row, frame, holds, row, rows
from health_assets.scoring.scorecards import UNKNOWN

LEVELS = {  # of the attention list, in words
    "critical_risk": "critical risk",
    "high_risk": "high risk",
    "low_health": "low health",
    "renewal": "renewal",
}
WEEKS = 12  # of the small chart next to an account
ATTENTION = """
    select attention_rank, account_id, coalesce(list.company_name, account_id) as name,
           attention_level::varchar as attention_level, list.account_owner, list.mrr::double as mrr, reason, since_date,
           held_days, next_step, next_step_owner_role, next_step_days, health_score::double as health_score,
           health_band::varchar as health_band, trend_30d::double as trend_30d, risk_level::varchar as risk_level,
           days_to_renewal, list.value_tier::varchar as value_tier, count(*) over () as account_count
    from mart.attention_list as list
"""


def about(connection: duckdb.DuckDBPyConnection) -> Row:
    """Company, as-of day and time of publication."""
    return row(connection, "select company, as_of_date, published_at from about")


def nobody_to_contact(connection: duckdb.DuckDBPyConnection) -> str:
    """Why the attention list is empty: nobody is in trouble, or nobody is scored."""
    statuses = "select count(*) as account_count, count(account_status) as known_count from dim.account"
    found = row(connection, statuses)
    if found["account_count"] and not found["known_count"]:
        return (
            f"not known: no account is scored, since the status of none of {number(found['account_count'])} is known; "
            "map the status of the CRM, or add defaults: {status: active} to sources.accounts where all are customers"
        )
    if found["account_count"] and not _is_any_scored(connection):
        return (
            f"not known: too little is measured for a health score or a churn risk level of any of the "
            f"{number(found['account_count'])} accounts; connect more sources (health-assets check shows which there are)"
        )
    return "none: as far as is known, no account has high churn risk, a low health band, or a renewal at low health"


def _is_any_scored(connection: duckdb.DuckDBPyConnection) -> bool:
    levels = {"mart.customer_health": "health_band", "mart.churn_risk": "risk_level"}
    queries = [
        f"select count(*) as scored_count from {mart} where {level}::varchar <> 'unknown'"
        for mart, level in levels.items()
        if holds(connection, mart)
    ]
    return any(row(connection, query)["scored_count"] for query in queries)


def health_by_band(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Accounts, MRR and share of MRR by health band; accounts without a score are the band `unknown`."""
    return rows(
        connection,
        """
        select *, 100 * mrr / nullif(sum(mrr) over (), 0) as mrr_share_pct
        from (
            select coalesce(health_band::varchar, 'unknown') as health_band, count(*) as account_count,
                   coalesce(sum(mrr), 0)::double as mrr
            from mart.customer_health group by 1
        )
        """,
    )


def typical_breadth(connection: duckdb.DuckDBPyConnection) -> float | None:
    """Median over the scored accounts of the share of the scorecard's weight that is connected, 0-1; None without a score."""
    query = "select median(breadth)::double as breadth from mart.customer_health where health_score is not null"
    breadth: float | None = row(connection, query)["breadth"]
    return breadth


def band_movements(connection: duckdb.DuckDBPyConnection) -> dict[str, Row]:
    """Accounts and MRR that improved or worsened since the end of last month, by movement."""
    found = rows(
        connection,
        """
        select movement::varchar as movement, sum(account_count)::bigint as account_count, sum(mrr)::double as mrr
        from mart.health_movements where month = (select date_trunc('month', as_of_date) from about) group by all
        """,
    )
    return {one["movement"]: one for one in found}


def overrides(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Accounts whose band a person has set, the next to expire first."""
    return rows(
        connection,
        """
        select account_id, coalesce(company_name, account_id) as name, health_band::varchar as health_band,
               override_author, override_expiry_date, override_reason
        from mart.customer_health where is_overridden order by override_expiry_date, account_id
        """,
    )


def mrr_at_risk(connection: duckdb.DuckDBPyConnection) -> Row:
    """MRR of accounts with high or critical churn risk, as a share of all MRR; and the accounts whose risk is unknown."""
    return row(
        connection,
        """
        select count(*) as account_count, sum(mrr)::double as mrr,
               count(*) filter (risk_level in ('high', 'critical')) as at_risk_account_count,
               coalesce(sum(mrr) filter (risk_level in ('high', 'critical')), 0)::double as at_risk_mrr,
               100 * coalesce(sum(mrr) filter (risk_level in ('high', 'critical')), 0)::double
                   / nullif(sum(mrr), 0)::double as at_risk_mrr_pct,
               count(*) filter (risk_level = 'unknown') as unknown_account_count,
               coalesce(sum(mrr) filter (risk_level = 'unknown'), 0)::double as unknown_mrr
        from mart.churn_risk
        """,
    )


def known_mrr_at_risk(found: Row) -> tuple[float | None, str]:
    """MRR at risk of `mrr_at_risk`, None where the risk of every account is unknown, and a note on what it leaves out."""
    unknown = found["unknown_account_count"]
    if unknown == found["account_count"]:
        return None, "churn risk is unknown for every account"
    share = "" if found["at_risk_mrr_pct"] is None else f"{pct(found['at_risk_mrr_pct'])} of MRR"
    return found["at_risk_mrr"], ", ".join(filter(None, [share, f"{number(unknown)} unknown" if unknown else ""]))


def low_band_accounts(connection: duckdb.DuckDBPyConnection, low: Collection[str]) -> int | None:
    """Accounts in the low bands; None where no account has a score."""
    bands = {one["health_band"]: one["account_count"] for one in health_by_band(connection)}
    return sum(bands.get(band, 0) for band in low) if set(bands) - {UNKNOWN} else None


def low_health(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Accounts in a low health band and their MRR; None where no account has a score, or no MRR is known."""
    found = rows(
        connection,
        """
        select low_health_account_count, mrr_in_low_health::double as mrr_in_low_health
        from mart.executive_summary_monthly
        where month = (select date_trunc('month', as_of_date) from about) and mrr_in_low_health is not null
        """,
    )
    return found[0] if found else None


def risk_drivers(connection: duckdb.DuckDBPyConnection, limit: int) -> list[Row]:
    """The factors behind the MRR at risk, by the MRR of the accounts at risk that they were raised for."""
    return rows(
        connection,
        """
        select factor, at_risk_account_count, mrr_at_risk, mrr_at_risk_pct
        from mart.risk_drivers where mrr_at_risk > 0 order by driver_rank limit ?
        """,
        [limit],
    )


def attention_list(connection: duckdb.DuckDBPyConnection, limit: int | None = None) -> list[Row]:
    """The accounts to contact, the first to contact first, with the reason, the next step, the owner and since when."""
    return rows(connection, f"from ({ATTENTION}) order by attention_rank limit ?", [limit])


def attention_frame(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The same list with the health of the last 12 weeks: `weekly_health`, oldest first, null where there was no score."""
    return frame(
        connection,
        f"""
        with listed as ({ATTENTION}),
        weeks as (
            select account_id, list(health_score order by as_of_date) as weekly_health
            from (select account_id from listed) cross join (
                select as_of_date - (7 * week)::integer as as_of_date from about cross join range({WEEKS}) as weeks(week)
            )
            left join mart.customer_health_daily using (account_id, as_of_date) group by 1
        )
        select listed.*, account.segment, account.plan_tier, account.region, health.days_in_band, weekly_health
        from listed
        left join dim.account as account using (account_id)
        left join mart.customer_health as health using (account_id)
        left join weeks using (account_id) order by attention_rank
        """,
    )


def mrr_of(accounts: pl.DataFrame) -> float:
    """MRR of accounts of the attention list, as far as it is known."""
    return float(accounts["mrr"].sum())


def bands_over_time(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Accounts and MRR by band at the end of each month, the as-of day for the month in progress."""
    return frame(
        connection,
        """
        select month, is_partial, band.health_band, band.account_count, band.mrr
        from (select month, is_partial, unnest(health_bands) as band from mart.executive_summary_monthly)
        order by month, 3
        """,
    )


def monthly_summary(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The months of the executive summary: MRR, retention, health, risk and service; null = not measured."""
    return frame(connection, "select * exclude (health_bands) from mart.executive_summary_monthly order by month")


def segments(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The segments on the as-of day."""
    return frame(
        connection, "select * exclude (health_bands) from mart.executive_summary_segments order by mrr desc, segment"
    )


def band_changes(connection: duckdb.DuckDBPyConnection, days: int) -> pl.DataFrame:
    """Accounts that came into their band within so many days, the largest change of the score first."""
    return frame(
        connection,
        """
        select coalesce(company_name, account_id) as name, account_id, account_owner,
               before.health_band::varchar as from_band, health.health_band::varchar as to_band, health.health_score,
               trend_7d, days_in_band, mrr
        from mart.customer_health as health
        join mart.customer_health_daily as before using (account_id, scorecard, scorecard_version)
        where days_in_band <= $1 and before.as_of_date = health.as_of_date - $1::integer
          and before.health_band != health.health_band
          and before.health_score is not null and health.health_score is not null
        order by abs(health.health_score - before.health_score) desc, account_id
        """,
        [days],
    )
