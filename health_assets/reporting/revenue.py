"""Retention and the movements of MRR, and what renews soon."""

from collections.abc import Sequence

import duckdb

from health_assets.reporting.reader import Row, rows


def latest_retention(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """Retention of the last closed month and of the 12 months up to it; None before a month has closed."""
    found = rows(
        connection,
        """
        select month, nrr_pct, grr_pct, trailing_12m_nrr_pct, trailing_12m_grr_pct, ending_mrr, logo_churn_pct
        from mart.net_revenue_retention where not is_partial order by month desc limit 1
        """,
    )
    return found[0] if found else None


def month_to_date(connection: duckdb.DuckDBPyConnection) -> Row | None:
    """MRR of the month in progress, its change, and each movement with its sign; None on the last day of a month."""
    found = rows(
        connection,
        """
        select month, ending_mrr, ending_mrr - starting_mrr as mrr_change, new_mrr, reactivation_mrr, expansion_mrr,
               -contraction_mrr as contraction_mrr, -churned_mrr as churned_mrr
        from mart.net_revenue_retention where is_partial and starting_mrr is not null and ending_mrr is not null
        """,
    )
    return found[0] if found else None


def renewals(connection: duckdb.DuckDBPyConnection, windows_days: Sequence[int]) -> list[Row]:
    """MRR that renews within each number of days, and how much of it has high or critical churn risk."""
    return rows(
        connection,
        """
        select days, sum(renewing_mrr)::double as mrr,
               coalesce(sum(renewing_mrr) filter (risk_level in ('high', 'critical')), 0)::double as at_risk_mrr
        from (select unnest(?::bigint[]) as days)
        join mart.renewal_pipeline on days_to_renewal <= days
        group by days having sum(renewing_mrr) > 0 order by days
        """,
        [sorted(windows_days)],
    )
