"""What files say without a date of its own, remembered load by load: the contract of `history.<source>` and how it is read.

A staged column is remembered if its metadata is ON_LOAD_DAY (it has no date: CRM status, plan, owner, a flag) or
`remembered` (it has one, but is overwritten in place: a price). A row of `history.<source>` is one version of a record:
its key, the remembered columns, and the load days `valid_from` to `valid_to` on which they held. A version begins on the
load day on which it was first seen and ends on the day before the load that changed it; before the first load there is
none. Rows whose key holds their day, such as snapshots, are remembered from the load of that day only. A transform takes
the table like any other, as the parameter `history_<source>` next to `staged_<source>`:

    def fact_tickets(staged_support_tickets, history_support_tickets, as_of) -> pl.LazyFrame:
        known = valid_on(history_support_tickets, as_of)                        # one row per key, or none

For many days at once use `with_values_of_the_day`, or count a version from `valid_from` until `end_of_validity()`.
How versions are written is in warehouse/history.py.
"""

import types
from copy import copy
from datetime import date
from functools import cache

import dataframely as dy
import polars as pl

from health_assets.contracts.contract import ON_LOAD_DAY, Contract, meta

REMEMBERED = {"remembered": True}
VALID_FROM, VALID_TO = "valid_from", "valid_to"


def remembered_columns(contract: type[Contract]) -> list[str]:
    """The columns of a staged table whose values are remembered load by load."""
    undated = ON_LOAD_DAY["effective_from"]
    return [
        name
        for name, column in contract.columns().items()
        if meta(column, "effective_from") == undated or meta(column, "remembered")
    ]


@cache
def history_contract(contract: type[Contract]) -> type[Contract]:
    """The contract of the history of a staged table."""
    columns = {name: _plain(contract.columns()[name]) for name in contract.primary_key()}
    columns |= {name: _plain(contract.columns()[name], nullable=True) for name in remembered_columns(contract)}
    validity = {
        VALID_FROM: dy.Date(
            primary_key=True, description="First load day on which this was seen", metadata={"available_from": True}
        ),
        VALID_TO: dy.Date(nullable=True, description="Last day on which it held; null = it still does"),
    }
    question = "What did the files say on each load day that has no date of its own? One row per version of a record."
    members = {"__doc__": question, **columns, **validity}
    made: type[Contract] = types.new_class(
        f"{contract.__name__}History", (Contract,), exec_body=lambda of: of.update(members)
    )
    return made


def _plain(column: dy.Column, *, nullable: bool = False) -> dy.Column:
    """The column without the metadata that concern the staged table only."""
    plain = copy(column)
    plain.metadata, plain.nullable, plain.primary_key = None, nullable, not nullable
    return plain


def valid_on(history: pl.LazyFrame, day: date) -> pl.LazyFrame:
    """The versions that held on a day, at most one per key, without their validity."""
    holds = (pl.col(VALID_FROM) <= day) & (pl.col(VALID_TO).is_null() | (pl.col(VALID_TO) >= day))
    return history.filter(holds).drop(VALID_FROM, VALID_TO)


def end_of_validity() -> pl.Expr:
    """The first day on which a version no longer holds; null = it still does."""
    return pl.col(VALID_TO).dt.offset_by("1d")


def with_values_of_the_day(days: pl.LazyFrame, history: pl.LazyFrame, key: str, day: str) -> pl.LazyFrame:
    """Rows with a key and a day, in any order, and the remembered columns as they were on that day, else null."""
    columns = [name for name in history.collect_schema() if name not in (key, VALID_FROM, VALID_TO)]
    held = pl.col(VALID_TO).is_null() | (pl.col(VALID_TO) >= pl.col(day))
    return (
        days.sort(day, key)
        .join_asof(
            history.sort(VALID_FROM, key),
            left_on=day,
            right_on=VALID_FROM,
            by=key,
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(pl.when(pl.col(VALID_FROM).is_not_null() & held).then(name).alias(name) for name in columns)
        .drop(VALID_FROM, VALID_TO)
    )


def with_earlier_loads(rows: pl.LazyFrame, history: pl.LazyFrame, key: list[str]) -> pl.LazyFrame:
    """Staged rows whose key holds their day, such as snapshots, with those of earlier loads that the file no longer has."""
    columns = [name for name in history.collect_schema() if name not in (VALID_FROM, VALID_TO)]
    earlier = history.unique(key, keep="first").select(columns).join(rows, on=key, how="anti")
    return pl.concat([rows.select(columns), earlier])


def after_one_load(rows: pl.LazyFrame, contract: type[Contract], load_day: date) -> pl.LazyFrame:
    """The history of a staged table of which one load has been seen."""
    columns = [*contract.primary_key(), *remembered_columns(contract)]
    return rows.select(*columns, pl.lit(load_day).alias(VALID_FROM), pl.lit(None, pl.Date).alias(VALID_TO))
