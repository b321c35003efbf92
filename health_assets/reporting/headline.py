"""The few numbers by which a company is followed from day to day, as the Dagster UI plots them."""

import duckdb

from health_assets.reporting import data_quality, portfolio, revenue
from health_assets.reporting.reader import holds, row


def headline(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Name -> number of the newest snapshot; a number that is not measured is absent.

    `mrr` and `mrr_at_risk` are of the as-of day, `nrr_pct` and `grr_pct` of the last closed month, `mean_health_score` over
    the accounts with a score, `accounts_<band>` over all accounts.
    """
    numbers: dict[str, float | None] = {}
    if holds(connection, "mart.churn_risk"):
        risk = portfolio.mrr_at_risk(connection)
        numbers |= {"mrr": risk["mrr"], "mrr_at_risk": risk["at_risk_mrr"] if risk["mrr"] else None}
    if holds(connection, "mart.net_revenue_retention") and (closed := revenue.latest_retention(connection)):
        numbers |= {name: closed[name] for name in ("nrr_pct", "grr_pct")}
    if holds(connection, "mart.customer_health"):
        mean = row(connection, "select avg(health_score)::double as mean_health_score from mart.customer_health")
        numbers |= mean
        numbers |= {
            f"accounts_{band['health_band']}": band["account_count"] for band in portfolio.health_by_band(connection)
        }
    numbers["quarantined_rows"] = sum(part["quarantined_count"] for part in data_quality.quarantined(connection))
    return {name: round(number, 2) for name, number in numbers.items() if number is not None}
