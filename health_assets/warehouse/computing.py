"""What a transform makes, computed by the engine that suits the number of rows it is made of."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
from polars._typing import EngineType

from health_assets.contracts.contract import dtypes
from health_assets.tables import TABLES, Table

if TYPE_CHECKING:
    from health_assets.warehouse.storage import Warehouse

STREAMED = 1_000_000  # rows that a table is made of, beyond which they are not all in memory at once


def computed(
    warehouse: "Warehouse", table: Table, rows: pl.LazyFrame | pl.DataFrame, months: Sequence[date] = ()
) -> pl.DataFrame:
    """The rows in the contract's columns and dtypes, those of a table without months in order of its key.

    Args:
        warehouse: that has the inputs.
        table: that the rows are of.
        rows: what its transform makes.
        months: that they are of.

    Raises:
        ValueError: the transform makes other columns.
    """
    wanted = dtypes(table.contract)
    engine = "in-memory" if isinstance(rows, pl.DataFrame) else _engine(warehouse, table, months)
    made = rows.lazy().collect(engine=engine, optimizations=pl.QueryOptFlags(comm_subplan_elim=not table.reads_apart))
    if set(made.columns) != set(wanted):
        missing, extra = set(wanted) - set(made.columns), set(made.columns) - set(wanted)
        raise ValueError(
            f"{table.name}: the transform and its contract disagree: lacks {missing}, has {extra} too many"
        )
    made = made.select(list(wanted)).cast(dict(wanted))
    return made if table.monthly else made.sort(table.contract.primary_key() or list(wanted))


def _engine(warehouse: "Warehouse", table: Table, months: Sequence[date]) -> EngineType:
    """The streaming engine for many rows; for few, it takes longer to start than to compute.

    It adds numbers in whatever order they come, so transforms that read or make months round their sums of floats.
    """
    read = [one.relation for name in table.inputs if (one := TABLES.get(name)) and one.monthly]
    rows = sum(count for relation in read for _, count in warehouse.months_of(relation).values())
    accounts = warehouse.row_count("staged.accounts") if months and warehouse.holds("staged.accounts") else 0
    return "streaming" if max(rows, accounts * 31 * len(months)) > STREAMED else "in-memory"
