"""The rows of a large table that break its contract, counted by day, since Great Expectations compares rows one by one.

Which tables are large, and what is made of the counts, is in quality/expectations.py.
"""

import polars as pl

from health_assets.contracts.contract import Expectation, available_from, table_rules
from health_assets.tables import Table

REPEATED = "_repeated"


def columns_needed(table: Table, made: list[Expectation]) -> list[str]:
    """The columns that some expectations of a table refer to, and its day."""
    rules = table_rules(table.contract)
    named = {available_from(table.contract), *table.contract.primary_key()}
    for expectation in made:
        named |= set(rules[expectation.name].meta.root_names() if expectation.kind == "rule" else expectation.columns)
    return [name for name in table.contract.column_names() if name in named]


def broken_rows_by_day(table: Table, rows: pl.DataFrame, made: list[Expectation]) -> pl.DataFrame:
    """The number of rows that break each expectation on each day, for tables with many rows."""
    columns, rules = table.contract.columns(), table_rules(table.contract)
    broken = {}
    for expectation in made:
        column = pl.col(expectation.columns[0]) if expectation.columns else pl.lit(None)
        if expectation.kind == "unique":
            broken[expectation.name] = pl.col(REPEATED).sum()
            continue
        if expectation.kind == "not_null":
            kept = column.is_not_null()
        elif expectation.kind == "in_set":
            kept = column.is_in(expectation.arguments["value_set"])
        elif expectation.kind == "between":
            bounds = columns[expectation.columns[0]].validation_rules(column)
            kept = pl.all_horizontal(*(rule for name, rule in bounds.items() if name != "nullability"))
        else:
            kept = rules[expectation.name]
        broken[expectation.name] = (~kept.fill_null(True)).sum()
    known, key = available_from(table.contract), table.contract.primary_key()
    day = (pl.col(known).cast(pl.Date) if known else pl.lit(None, pl.Date)).alias("day")
    if key:  # over all days, since a key need not hold the day; that all keys differ is seen by their hashes
        is_unique = rows.select(key).hash_rows().n_unique() == rows.height
        repeated = pl.lit(False) if is_unique else ~pl.struct(key).is_first_distinct()
        rows = rows.with_columns(repeated.alias(REPEATED))
    return rows.lazy().group_by(day).agg(**broken).drop("day").collect(engine="streaming")
