"""What a column means: the description of its contract, wherever the number is shown."""

from functools import cache

from health_assets.assets import load_all
from health_assets.contracts.contract import question
from health_assets.tables import Table


@cache
def _tables() -> dict[str, Table]:
    return {table.relation: table for table in load_all().values()}


def described(column: str) -> str:
    """The description of a column, given as `mart.customer_health.mrr`; empty where the contract has no such column."""
    relation, _, name = column.rpartition(".")
    table = _tables().get(relation)
    found = table.contract.columns().get(name) if table else None
    return f"{found.description}. Source: {column}" if found is not None and found.description else ""


def question_of(relation: str) -> str:
    """The business question that a table answers; empty where there is no such table."""
    table = _tables().get(relation)
    return question(table.contract) if table else ""


def marts() -> list[str]:
    """Every mart, by name."""
    return sorted(name for name in _tables() if name.startswith("mart."))


def columns_of(relation: str) -> dict[str, str]:
    """The columns of a table with their descriptions."""
    return {name: column.description or "" for name, column in _tables()[relation].contract.columns().items()}


def key_of(relation: str) -> list[str]:
    """The columns that identify a row: the grain."""
    return _tables()[relation].contract.primary_key()
