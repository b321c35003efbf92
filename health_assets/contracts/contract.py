"""What a table guarantees: its columns, grain, bounds and rules, declared once as a class.

The same class gives the Polars dtypes, the row filter of the staged layer, the expectations that become asset checks,
the columns shown in Dagster and the data dictionary. Great Expectations itself is used in quality/great_expectations.py only.
"""

import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, Literal, NamedTuple

import dataframely as dy
import polars as pl
from dataframely.columns import Column

Severity = Literal["error", "warn"]
ERROR: Severity = "error"
WARN: Severity = "warn"
ON_LOAD_DAY = {"effective_from": "load day"}


class Contract(dy.Schema):
    """Base of every table's contract.

    Column metadata that the package understands:
        required    the source file must have the column (raw contracts)
        available_from  the day or moment from which a row of the table is known; readers get rows up to the as-of day
        references  "table.column" in which every value that is not null must exist
        effective_from the date column from which on a value counts, where that is not the row's own; ON_LOAD_DAY: on no other
                    day. Its change puts the months from then on out of date (staged contracts)
        money       whether it is an amount, whose sum is compared from load to load
        remembered  whether its values are remembered load by load although it has a date (contracts/history.py)
        decides     without the value nothing true can be kept of the row, so an unreadable one quarantines it; by default that of
                    each column that may not be null. Any other value that cannot be read, or is out of bounds,
                    becomes null with a warning, and the row stays (staged contracts)
        money       an amount, which may come in minor units and is summed over the lines of one key
        through     the column by which the value is found in `users` where the file lacks it (raw contracts)
        words       words of other systems that mean one of ours (words.py)
        otherwise   the word for all unknown words
        vocabulary  the Vocabulary of a text without which a price cannot be computed (staged contracts)
        severity    "warn" where a broken bound is worth a look but does not stop the pipeline
    """


class RawContract(Contract):
    """Base of raw contracts: the file and row number of each row."""

    source_file = dy.String(primary_key=True, description="File, with its folder")
    source_row = dy.Int64(
        primary_key=True, min=1, description="Number of the row within its file, from 1 after the header"
    )
    source_text = dy.String(
        nullable=True,
        description="The row as text, if it cannot be split into the columns of the header; else null",
    )
    source_part = dy.Int64(
        nullable=True, min=1, description="By which of the source's descriptions the file is read, from 1"
    )
    is_left_out = dy.Bool(nullable=True, description="Left out by the `where` of the source")
    source_version = dy.String(nullable=True, description="What `newest_by` of the source says; null without it")


class Vocabulary(NamedTuple):
    """The words of a text column; a row with another one breaks the rule `<column>__is_known`."""

    words: tuple[str, ...]  # ours
    is_understood: Callable[[], pl.Expr]  # whether the column holds one of them, or a word that means one
    computes: str  # the column that cannot be computed without it, unless the file has that one too


def vocabularies(contract: type[Contract]) -> dict[str, Vocabulary]:
    """The columns that have a vocabulary."""
    found = {name: meta(column, "vocabulary") for name, column in contract.columns().items()}
    return {name: vocabulary for name, vocabulary in found.items() if vocabulary}


@dataclass(frozen=True)
class Expectation:
    """One expectation of a contract, under the name that people see in Dagster.

    `kind` is the expectation that quality/great_expectations.py submits to Great Expectations, `arguments` what it needs;
    a `rule` is evaluated by Polars to a column of true and false, which is then expected to be true throughout.
    """

    name: str
    kind: Literal["unique", "not_null", "in_set", "between", "rule", "references"]
    columns: tuple[str, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    severity: Severity = ERROR
    description: str = ""


@cache
def dtypes(contract: type[Contract]) -> dict[Any, Any]:
    """Column name -> Polars dtype, in the contract's order; one shared dict, not to be changed."""
    return {name: column.dtype for name, column in contract.columns().items()}


def decides(column: Column) -> bool:
    """Whether a row is worth nothing when this value of it cannot be read."""
    return bool(meta(column, "decides", not column.nullable))


def meta(column: Column, key: str, default: Any = None) -> Any:
    """A metadata entry of a column."""
    return (column.metadata or {}).get(key, default)


@cache
def available_from(contract: type[Contract]) -> str | None:
    """The column that says from which day on a row is known, or None for a table without a time of its own."""
    return next((name for name, column in contract.columns().items() if meta(column, "available_from")), None)


def available_by(contract: type[Contract], day: date) -> str:
    """SQL: whether a row is known by the evening of a day; a row without a time always is."""
    known = available_from(contract)
    return f"coalesce({known}::date <= date '{day}', true)" if known else "true"


def question(contract: type[Contract]) -> str:
    """The business question that the table answers: the first line of the contract's docstring."""
    return (contract.__doc__ or "").strip().split("\n")[0]


def grain(contract: type[Contract]) -> str:
    """The grain in words, e.g. "one row per account_id and month"."""
    return "one row per " + " and ".join(contract.primary_key()) if contract.primary_key() else "one row"


@cache
def fingerprint(contract: type[Contract]) -> str:
    """A short hash that changes when a column, its type or a rule of the contract changes."""
    shape = [(name, str(dtype)) for name, dtype in dtypes(contract).items()]
    expectations_of = [(expectation.name, str(expectation.arguments)) for expectation in expectations(contract)]
    return hashlib.sha256(repr((shape, contract.primary_key(), expectations_of)).encode()).hexdigest()[:12]


def row_rules(contract: type[Contract]) -> dict[str, pl.Expr]:
    """`<column>__<rule>` -> an expression that is true for a row that keeps the expectation (null counts as kept)."""
    rules: dict[str, pl.Expr] = {}
    for name, column in contract.columns().items():
        for rule, expression in column.validation_rules(pl.col(name)).items():
            rules[f"{name}__{_RULE_NAMES.get(rule, rule)}"] = expression
    return rules | table_rules(contract)


def table_rules(contract: type[Contract]) -> dict[str, pl.Expr]:
    """The rules that span columns: the contract's `@dy.rule` methods, by name."""
    return {name: rule.expr for name, rule in contract._schema_validation_rules().items() if name != "primary_key"}


def expectations(contract: type[Contract]) -> list[Expectation]:
    """Every expectation of a contract, in the order of its columns, the rules across columns last."""
    return list(_expectations(contract))


@cache
def _expectations(contract: type[Contract]) -> tuple[Expectation, ...]:
    return tuple(_made_expectations(contract))


def _made_expectations(contract: type[Contract]) -> Iterator[Expectation]:
    key = tuple(contract.primary_key())
    if key:
        yield Expectation("grain__unique", "unique", key, description=f"There is at most {grain(contract)}")
    for name, column in contract.columns().items():
        severity = meta(column, "severity", ERROR)
        if not column.nullable:
            filled = f"{name} is filled in every row"
            yield Expectation(f"{name}__not_null", "not_null", (name,), severity=severity, description=filled)
        if isinstance(column, dy.Enum):
            allowed = {"value_set": list(column.categories)}
            words = f"{name} is one of {', '.join(column.categories)}"
            yield Expectation(f"{name}__accepted_values", "in_set", (name,), allowed, severity, words)
        low, high = getattr(column, "min", None), getattr(column, "max", None)
        if low is not None or high is not None:
            bounds = {"min_value": low, "max_value": high}
            yield Expectation(
                f"{name}__between", "between", (name,), bounds, severity, f"{name} is {_bounds_in_words(low, high)}"
            )
        if target := meta(column, "references"):
            table, key = target.split(".")
            exists = f"Every {name} is a {key} of {table.replace('_', '.', 1)}"
            named = f"{name}__references_{table}"
            yield Expectation(named, "references", (name,), {"target": target}, description=exists)
    for name in table_rules(contract):
        rule = inspect.getdoc(inspect.getattr_static(contract, name).validation_fn) or ""
        yield Expectation(name, "rule", tuple(contract.column_names()), description=rule)


def _bounds_in_words(low: Any, high: Any) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"between {low} and {high}"


_RULE_NAMES = {"nullability": "not_null", "min": "at_least", "max": "at_most", "min_exclusive": "above"}
