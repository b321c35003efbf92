"""A function with a contract is a table: the decorators that say so, and the list of all tables.

The function stays a plain function (frames in, frame out), called directly in tests; definitions.py makes the Dagster
assets from the list. Reading and writing is in warehouse/storage.py, which months are out of date in warehouse/stale_months.py.
"""

import inspect
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Literal, TypeVar

import polars as pl

from health_assets.contracts.contract import ERROR, Contract, Expectation, Severity
from health_assets.contracts.history import remembered_columns
from health_assets.settings import Settings
from health_assets.sources.check import Contracts
from health_assets.sources.made_keys import with_keys_for_blanks
from health_assets.sources.profile import read_profile
from health_assets.sources.readers import collected, read_source

Transform = TypeVar("Transform", bound=Callable[..., pl.LazyFrame])
Layer = Literal["raw", "staged", "fact", "mart"]


@dataclass(frozen=True)
class Identity:
    """An expectation across tables: the function returns the rows that break it, so none may come back."""

    expectation: Expectation
    function: Callable[..., pl.LazyFrame]

    @property
    def inputs(self) -> list[str]:
        """The tables that the function reads, by parameter name."""
        return list(inspect.signature(self.function).parameters)


@dataclass(frozen=True)
class Table:
    """One table of the warehouse and the transform that makes it."""

    name: str
    contract: type[Contract]
    function: Callable[..., pl.LazyFrame]
    layer: Layer
    monthly: bool = False
    lookback_months: int | None = None  # a month depends on so many months of its monthly inputs before; None: on all
    settings_sections: tuple[str, ...] = ()  # settings whose change makes the written months out of date
    rows: type[Contract] | None = None  # raw sources: the contract of the file's rows
    fed_by: tuple[str, ...] = ()  # inputs of which one must have rows for the table to have any; by default any input
    made_from: Callable[..., pl.LazyFrame] | None = None  # see `table`
    reads_apart: bool = False  # each use of a long history reads its own days and columns, instead of all together
    identities: list[Identity] = field(default_factory=list)

    @property
    def schema(self) -> str:
        """The DuckDB schema: the word before the first underscore."""
        return self.name.split("_", 1)[0]

    @property
    def relation(self) -> str:
        """The table's full name in DuckDB, e.g. fact.revenue_monthly."""
        return ".".join(self.name.split("_", 1))

    @property
    def is_staged(self) -> bool:
        """Whether rows are kept out by contract and quarantined."""
        return self.layer == "staged"

    @property
    def inputs(self) -> list[str]:
        """Names of the tables that the transform reads."""
        return [name for name in self._parameters if name in TABLES]

    @property
    def histories(self) -> list[str]:
        """Names of the histories of undated values that the transform reads, each next to its staged table."""
        return [name for name in self._parameters if name in HISTORIES]

    @property
    def injected(self) -> list[str]:
        """What the transform is given besides tables: settings, as_of, load_day, period."""
        return [name for name in self._parameters if name not in TABLES and name not in HISTORIES]

    @cached_property
    def _parameters(self) -> list[str]:
        """Names of what the transform is called with; `**signals` stands for the tables of SIGNALS."""
        declared = inspect.signature(self.function).parameters.values()
        return [name for one in declared for name in (SIGNALS if one.kind is one.VAR_KEYWORD else [one.name])]


TABLES: dict[str, Table] = {}
HISTORIES: dict[str, Table] = {}  # history_<source> -> its staged table; see contracts/history.py
SIGNALS = (  # one signal a column, by account and day: a transform reads them all as `**signals`
    "fact_account_revenue_daily",
    "fact_account_usage_daily",
    "fact_account_adoption_daily",
    "fact_account_support_daily",
    "fact_account_satisfaction_daily",
    "fact_account_security_daily",
    "fact_account_commerce_daily",
    "fact_account_operations_daily",
    "fact_account_relationship_daily",
    "fact_account_device_daily",
)
EVERYWHERE = ("dim_account", "dim_date")


def source(
    name: str, rows: type[Contract], *, profile: type[Contract] | None = None, time: str = ""
) -> Callable[..., pl.LazyFrame]:
    """A raw table `raw_<source>`: the files as they are, or (event scale) their profile by file and month of `time`."""

    def read(settings: Settings) -> pl.LazyFrame:
        given = name.removeprefix("raw_")

        def collect(by_row: Collection[str]) -> pl.DataFrame:
            if profile is not None:
                return read_profile(given, rows, time, settings, by_row).collect(engine="streaming")
            return with_keys_for_blanks(read_source(given, rows, settings, by_row=by_row).collect(), rows)

        return collected(given, settings, collect).lazy()

    TABLES[name] = Table(name, profile or rows, read, "raw", rows=rows)
    return read


def source_contracts() -> dict[str, Contracts]:
    """What each source must be, by the name that it has in the settings."""
    return {
        name.removeprefix("raw_"): Contracts(table.rows, TABLES[f"staged_{name.removeprefix('raw_')}"].contract)
        for name, table in TABLES.items()
        if table.rows is not None
    }


def staged(contract: type[Contract], *, monthly: bool = False) -> Callable[[Transform], Transform]:
    """A staged table: the function parses; rows that break the contract are quarantined by sources/quarantine.py."""

    def register(function: Transform) -> Transform:
        name = function.__name__
        TABLES[name] = Table(
            name, contract, function, "staged", monthly, 0, ("timezone", "reporting_currency", "fx_rates")
        )
        if remembered_columns(contract):
            HISTORIES[name.replace("staged_", "history_", 1)] = TABLES[name]
        return function

    return register


def table(
    contract: type[Contract],
    *,
    monthly: bool = False,
    lookback_months: int | None = None,
    settings_sections: tuple[str, ...] = (),
    fed_by: tuple[str, ...] = (),
    reads_apart: bool = False,
    made_from: Callable[..., pl.LazyFrame] | None = None,
) -> Callable[[Transform], Transform]:
    """A dimension, fact or mart. A monthly one is called with a `period` and makes the rows of its days.

    One with `made_from` depends on the months before the as-of month of its monthly inputs, and on the rows that this function
    makes of other inputs: as long as neither changes, nor its settings, it stays as it is.
    """

    def register(function: Transform) -> Transform:
        name = function.__name__
        layer: Layer = "mart" if name.startswith("mart_") else "fact"
        TABLES[name] = Table(
            name,
            contract,
            function,
            layer,
            monthly,
            lookback_months,
            settings_sections,
            fed_by=fed_by,
            made_from=made_from,
            reads_apart=reads_apart,
        )
        return function

    return register


def identity(
    of: Callable[..., pl.LazyFrame], *, severity: Severity = ERROR
) -> Callable[[Callable[..., pl.LazyFrame]], Callable[..., pl.LazyFrame]]:
    """An expectation of table `of` across tables; the function's parameters are the tables that it reads."""

    def register(function: Callable[..., pl.LazyFrame]) -> Callable[..., pl.LazyFrame]:
        expectation = Expectation(
            function.__name__, "rule", (), severity=severity, description=inspect.getdoc(function) or ""
        )
        TABLES[of.__name__].identities.append(Identity(expectation, function))
        return function

    return register


def reached(connected: Collection[str]) -> list[Table]:
    """The tables that connected sources have a part in, inputs first; all others can only be empty.

    Accounts and days have a part in everything, so a table that reads others too is reached by those alone.
    """
    found: dict[str, Table] = {}
    for name in TopologicalSorter({name: table.inputs for name, table in TABLES.items()}).static_order():
        table = TABLES[name]
        telling = table.fed_by or [given for given in table.inputs if given not in EVERYWHERE] or table.inputs
        has_part = any(given in found for given in telling) or not telling
        if name.removeprefix("raw_") in connected if table.layer == "raw" else has_part:
            found[name] = table
    return list(found.values())
