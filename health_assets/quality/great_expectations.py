"""Great Expectations: frames and expectations in, answers out. The only module that imports it, in the worker process.

Which expectations are evaluated over which frames is decided in expectations.py.
"""

import importlib.util
import logging
import pkgutil
import sys
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, Any

import polars as pl

from health_assets.worker import without_garbage_collection

if TYPE_CHECKING:
    from health_assets.contracts.contract import Expectation

SUCCESS_ONLY, EVIDENCE = "BOOLEAN_ONLY", "BASIC"  # result formats; evidence takes twice as long
SAMPLE = 5
TRIED = "1.24."  # the release of which parts are replaced or left out; any other takes three times as long
DATA_SOURCES = {"pandas_datasource", "invalid_datasource"}  # that are loaded: for frames, and for what cannot be read


@dataclass(frozen=True)
class Answer:
    """The answer of Great Expectations to one expectation; `error` is a failure of the library, never bad data."""

    success: bool
    error: str | None
    unexpected_count: int
    sample: list[str]


def evaluate(rows: pl.DataFrame, made: "list[Expectation]", tallied: bool) -> dict[str, Answer]:
    """The answer to each expectation, by name.

    Args:
        rows: the table, with a column of true and false for each rule.
        made: the expectations to evaluate.
        tallied: whether the rows hold a count of broken rows for each expectation instead, which must all be 0.
    """
    answers = _validated(rows, made, tallied, SUCCESS_ONLY)
    failed = [expectation for expectation in made if not answers[expectation.name].success]
    return answers | _validated(rows, failed, tallied, EVIDENCE) if failed else answers


def _validated(rows: pl.DataFrame, made: "list[Expectation]", tallied: bool, result_format: str) -> dict[str, Answer]:
    suite = _great_expectations().ExpectationSuite(
        name="contract", expectations=[_expectation(expectation, tallied) for expectation in made]
    )
    results = _batches().get_batch({"dataframe": _pandas(rows)}).validate(suite, result_format=result_format).results
    return {result.expectation_config.meta["check"]: _answer(result) for result in results}


def _answer(result: Any) -> Answer:
    raised = result.exception_info
    infos = [raised, *(info for info in raised.values() if isinstance(info, dict))]
    errors = [str(info.get("exception_message")) for info in infos if info.get("raised_exception")]
    return Answer(
        success=bool(result.success),
        error=errors[0] if errors else None,
        unexpected_count=int(result.result.get("unexpected_count", 0) or 0),
        sample=[str(value) for value in result.result.get("partial_unexpected_list", [])[:SAMPLE]],
    )


def warm_up() -> None:
    """Import Great Expectations, which takes seconds, before the first table is written."""
    with without_garbage_collection():
        _batches()


@cache
def _batches() -> Any:
    """The batch definition that turns a frame into a batch; nothing is written to disk."""
    library = _great_expectations()
    if _is_tried():
        _make_ids_without_json()
    context = library.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    table = context.data_sources.add_pandas("written").add_dataframe_asset("table")
    return table.add_batch_definition_whole_dataframe("whole")


def _is_tried() -> bool:
    """Whether the installed release is the one whose inside is known; any other is used as it comes, and takes longer."""
    return version("great_expectations").startswith(TRIED)


def _make_ids_without_json() -> None:
    """An id is made some fifty times for each check, by way of JSON: a quarter of the time."""
    from great_expectations.core.id_dict import IDDict

    def to_id(values: Any, id_keys: Any = None, id_ignore_keys: Any = None) -> Any:
        keys = set(values if id_keys is None else id_keys) - set(id_ignore_keys or values._id_ignore_keys)
        return repr([(key, values[key]) for key in sorted(keys)]) if keys else ()

    IDDict.to_id = to_id  # type: ignore[method-assign,assignment]


def _expectation(expectation: "Expectation", tallied: bool) -> Any:
    named = {"meta": {"check": expectation.name}}
    if tallied:
        return _expected("ExpectColumnValuesToBeBetween")(column=expectation.name, min_value=0, max_value=0, **named)
    column = expectation.columns[0]
    if expectation.kind == "unique" and len(expectation.columns) == 1:
        return _expected("ExpectColumnValuesToBeUnique")(column=column, **named)
    if expectation.kind == "unique":
        return _expected("ExpectCompoundColumnsToBeUnique")(column_list=list(expectation.columns), **named)
    if expectation.kind == "not_null":
        return _expected("ExpectColumnValuesToNotBeNull")(column=column, **named)
    if expectation.kind == "in_set":
        return _expected("ExpectColumnValuesToBeInSet")(column=column, **expectation.arguments, **named)
    if expectation.kind == "between":
        bounds = {name: _moment(bound) for name, bound in expectation.arguments.items()}
        return _expected("ExpectColumnValuesToBeBetween")(column=column, **bounds, **named)
    return _expected("ExpectColumnValuesToBeInSet")(column=expectation.name, value_set=[True], **named)


@cache
def _expected(name: str) -> Any:
    """An expectation class of Great Expectations that builds its configuration only once.

    The original builds it for every argument that is looked up, some ninety times per check: 40% of the time.
    """
    from great_expectations.compatibility.pydantic import PrivateAttr

    stock = getattr(_great_expectations().expectations, name)
    if not _is_tried():
        return stock

    def configuration(expectation: Any) -> Any:
        if expectation._built is None:
            expectation._built = stock.configuration.fget(expectation)
        return expectation._built

    return type(stock)(name, (stock,), {"configuration": property(configuration), "_built": PrivateAttr(default=None)})


def _pandas(rows: pl.DataFrame) -> Any:
    plain = [
        pl.col(name).cast(pl.String) if isinstance(dtype, pl.Enum) else pl.col(name).cast(pl.Datetime("us"))
        for name, dtype in rows.schema.items()
        if isinstance(dtype, pl.Enum) or dtype == pl.Date
    ]
    return rows.with_columns(plain).to_pandas()


def _moment(bound: Any) -> Any:
    """The bound as pandas compares it: a day becomes midnight."""
    return datetime.combine(bound, time()) if isinstance(bound, date) and not isinstance(bound, datetime) else bound


class _Absent(ModuleType):
    """Stands for a module of which nothing is used; each of its names is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _Later(ModuleType):
    """Stands for a library until one of its names is used, and imports it then."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@cache
def _great_expectations() -> Any:
    """The library, without what it imports for charts, distributions and engines that are never used here: half of the time.

    PySpark and SQLAlchemy are hidden from it. A PySpark without a Spark would even end the process. Of its data sources
    there is only that for frames; the others are models of every argument of every reader.
    """
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    scipy = _Later("scipy")
    scipy.stats = _Later("scipy.stats")  # type: ignore[attr-defined]
    stand_ins: dict[str, Any] = {"pyspark": None, "sqlalchemy": None}
    if _is_tried():
        stand_ins |= {
            "altair": _Later("altair"),
            "scipy": scipy,
            "scipy.stats": scipy.stats,
            **{name: _Absent(name) for name in _other_data_sources()},
        }
    replaced = {name: stand_in for name, stand_in in stand_ins.items() if name not in sys.modules}
    sys.modules.update(replaced)
    try:
        import great_expectations
        import great_expectations.expectations
    finally:
        for name in replaced:
            del sys.modules[name]
    return great_expectations


def _other_data_sources() -> list[str]:
    """The modules of data sources of Great Expectations, except that for frames."""
    library = importlib.util.find_spec("great_expectations")
    folders = (library and library.submodule_search_locations) or []
    names = [module.name for module in pkgutil.iter_modules([f"{folder}/datasource/fluent" for folder in folders])]
    others = [name for name in names if name.endswith("_datasource") and name not in DATA_SOURCES]
    return [f"great_expectations.datasource.fluent.{name}" for name in [*others, "fabric"]]
