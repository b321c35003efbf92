"""Retention and the movements of MRR, and what renews soon."""

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from health_assets.reporting.formatting import money
from health_assets.reporting.reader import Row, frame, rows

TOTALS = ("starting", "ending")  # the steps of the waterfall that are no movement


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


def renewals(connection: duckdb.DuckDBPyConnection, windows_days: Sequence[int], low_bands: Sequence[str]) -> list[Row]:
    """MRR that renews within each number of days, and how much of it has high or critical churn risk, or low health."""
    return rows(
        connection,
        """
        select days, sum(renewing_mrr)::double as mrr,
               coalesce(sum(renewing_mrr) filter (risk_level in ('high', 'critical')), 0)::double as at_risk_mrr,
               coalesce(sum(renewing_mrr) filter (list_contains($2, health_band::varchar)), 0)::double as low_health_mrr
        from (select unnest($1::bigint[]) as days)
        join mart.renewal_pipeline on days_to_renewal <= days
        group by days having sum(renewing_mrr) > 0 order by days
        """,
        [sorted(windows_days), list(low_bands)],
    )


def renewals_in_words(windows: Sequence[Row]) -> str:
    """The windows of `renewals` in one line."""
    return ", ".join(
        f"{money(one['mrr'])} in {one['days']} days ({money(one['at_risk_mrr'])} at high or critical churn risk, "
        f"{money(one['low_health_mrr'])} at low health)"
        for one in windows
    )


def monthly_retention(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """MRR, its movements and retention, month by month; the month in progress is partial."""
    return frame(connection, "from mart.net_revenue_retention order by month")


def waterfall(connection: duckdb.DuckDBPyConnection, month: date | None = None) -> list[tuple[str, float]]:
    """How MRR went from the start of a month to its end: step and signed amount, the first and last step are totals.

    Without a month the latest one is shown. The movements add up to the difference of the totals.
    """
    found = rows(
        connection,
        """
        select starting_mrr, new_mrr, reactivation_mrr, expansion_mrr, -contraction_mrr as contraction_mrr,
               -churned_mrr as churned_mrr, ending_mrr
        from mart.net_revenue_retention
        where starting_mrr is not null and ending_mrr is not null and month = coalesce(?, month)
        order by month desc limit 1
        """,
        [month],
    )
    return [(name.removesuffix("_mrr"), amount or 0.0) for name, amount in found[0].items()] if found else []


def retention_by(connection: duckdb.DuckDBPyConnection, dimension: str, period: str = "quarter") -> pl.DataFrame:
    """Retention of each value of a dimension (segment, product, owner, region) by month, quarter or year."""
    return frame(
        connection,
        """
        select period_start, dimension_value, starting_mrr, ending_mrr, nrr_pct, grr_pct, logo_churn_pct, is_partial
        from mart.revenue_retention_by where dimension_type = ? and period_type = ?
        order by period_start desc, starting_mrr desc, dimension_value
        """,
        [dimension, period],
    )


def renewals_by_month(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """MRR that renews in each month ahead, and how much of it is expected to."""
    return frame(
        connection,
        """
        select renewal_month, count(*) as subscription_count, sum(renewing_mrr) as renewing_mrr,
               sum(expected_mrr) as expected_mrr
        from mart.renewal_forecast group by 1 order by 1
        """,
    )


def renewals_ahead(connection: duckdb.DuckDBPyConnection, limit: int) -> pl.DataFrame:
    """The renewals, the next first, with the MRR that is expected to renew."""
    return frame(
        connection,
        """
        select renewal_date, days_to_renewal, coalesce(company_name, account_id) as name, account_id, account_owner, segment,
               product_name, renewing_mrr, risk_level::varchar as risk_level, renewal_rate, expected_mrr
        from mart.renewal_forecast order by renewal_date, renewing_mrr desc, subscription_id limit ?
        """,
        [limit],
    )
