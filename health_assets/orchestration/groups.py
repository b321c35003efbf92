"""The groups of assets in the Dagster UI: one for each domain of the business, and one for what no connected source reaches."""

from functools import cache

from health_assets.tables import EVERYWHERE, TABLES, Table

UNCONNECTED = "unconnected"
ACCOUNTS = "accounts"
OF_SOURCES = {  # module of a raw table -> domain
    "alerts": "health",
    "billing": "revenue",
    "crm": ACCOUNTS,
    "feedback": "support",
    "metrics": "health",
    "operations": "operations",
    "product": "engagement",
    "security": "security",
    "shop": "commerce",
    "support": "support",
    "telemetry": "engagement",
}
OF_TABLES = {  # read from many domains
    "dim_account": ACCOUNTS,
    "fact_account_adoption_daily": "engagement",
    "fact_measured_signals": "health",
}


@cache
def domain(name: str) -> str:
    """The domain of a table: a mart's folder, a source's system, and for what lies between that of its first input.

    Accounts and days belong to everything, so they count only where a table reads nothing else.
    """
    if name in OF_TABLES:
        return OF_TABLES[name]
    table = TABLES[name]
    if table.layer == "raw":
        return OF_SOURCES[table.contract.__module__.rsplit(".", 1)[-1]]
    if table.layer == "mart":
        return table.function.__module__.split(".")[-2]
    given = [other for other in table.inputs if other not in (*EVERYWHERE, "staged_accounts")]
    return domain((given or table.inputs)[0]) if table.inputs else ACCOUNTS


def group_of(table: Table, *, is_reached: bool) -> str:
    """The group of an asset: its domain, or the one at the end of the list if it can only be empty."""
    return domain(table.name) if is_reached else UNCONNECTED
