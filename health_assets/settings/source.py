"""How a company describes the files of one source: where they are, and how they differ from the contract.

Whether the names and words of ours exist is checked where the contracts are known, in sources/check.py.
"""

import codecs
import re
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from health_assets.settings.engine import engine_fault
from health_assets.settings.suggestions import nearest

NO_PLACES = {"localtime", "Factory", "posixrules"}  # that the time zone database has as well


class Section(BaseModel):
    """A part of the settings: frozen, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones() - NO_PLACES)  # each call reads hundreds of files


def time_zone(name: str) -> str:
    """A time zone by its IANA name, which says the same on every machine.

    Raises:
        ValueError: it is none.
    """
    known = _time_zones()
    if name not in known:
        inside = [zone for zone in sorted(known) if zone.startswith(f"{name}/")]
        meant = nearest(name, sorted(known))
        hint = f", {', '.join(inside[:2])} ..." if inside else f"; did you mean {meant!r}?" if meant else ""
        raise ValueError(f"{name!r} is not a time zone; use an IANA name such as Europe/Berlin{hint}")
    return name


TimeZone = Annotated[str, AfterValidator(time_zone)]


class Key(Section):
    """How keys are respelled."""

    match: str  # regular expression
    replace: str  # what takes the place of the match; \\1 is its first group

    @field_validator("match")
    @classmethod
    def _is_an_expression(cls, match: str) -> str:
        try:
            re.compile(match)
        except re.error as error:
            raise ValueError(f"{match!r} is not a regular expression ({error})") from None
        return match


NOT_SHOWN = "not_shown"  # the kind of error whose value is not repeated
CONNECTION = r"env:[A-Za-z_][A-Za-z0-9_]*"  # the variable that holds the URL of a database


class Description(Section):
    """Files of one shape, or the answer of a query, and how they differ from the contract."""

    path: str | list[str] = []
    query: str | None = None
    connection: str | None = None
    preset: str | None = None
    database_schema: str | None = None
    engine: Literal["polars", "duckdb", "spark"] | None = None
    remote: str | None = None
    table: str | None = None
    sheet: str | None = None
    columns: dict[str, str | list[str]] = {}
    values: dict[str, dict[str, str | None]] = {}
    defaults: dict[str, str | int | float | bool | date] = {}
    where: str | None = None
    date_format: str | list[str] | dict[str, str | list[str]] = []
    timezone: TimeZone | None = None
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", "'", " "] | None = None
    unit: dict[str, Literal["s", "ms", "us", "minutes", "excel", "minor"]] = {}
    scale: dict[str, tuple[float, float]] = {}
    keys: dict[str, Key] = {}
    duplicates: Literal["newest", "oldest", "sum"] | None = None
    newest_by: str | None = None
    end_date_is: Literal["first_unpaid_day", "last_paid_day"] = "first_unpaid_day"
    changes: Literal["correction", "new_period"] = "correction"
    rows_kept: Annotated[float, Field(ge=0, le=1)] = 0.9
    lines_before_header: Annotated[int, Field(ge=1)] | None = None
    delimiter: str = ","
    encoding: str = "utf8"
    _answer: str | None = PrivateAttr(default=None)  # the files that the answer of the query is kept in, a pattern

    @property
    def paths(self) -> list[str]:
        """The files that are read: those of the company, or those that hold the answer of the query."""
        if self._answer is not None:
            return [self._answer]
        return [self.path] if isinstance(self.path, str) else self.path

    @property
    def is_queried(self) -> bool:
        """Whether the rows are the answer of a query, the company's own or a preset's, or what an engine reduces."""
        return self.query is not None or self.preset is not None or self.engine is not None

    @property
    def is_pulled(self) -> bool:
        """Whether the rows come from the vendor's API: a preset with neither files nor a connection of its own."""
        return self.preset is not None and not self.path and self.connection is None

    def answered_in(self, pattern: str) -> Self:
        """The same description, its answer kept in the files of a pattern."""
        copied = self.model_copy()
        copied._answer = pattern
        return copied

    def of_reduced_months(self) -> Self:
        """What is left to say of the rows that an engine returns, in columns of ours."""
        return self.model_copy(update={"columns": {}, "where": None, "newest_by": None})

    @property
    def mapped(self) -> list[tuple[str, str]]:
        """Their columns, each with a column of ours that is read from it."""
        return [
            (theirs, ours)
            for theirs, several in self.columns.items()
            for ours in ([several] if isinstance(several, str) else several)
        ]

    @field_validator("defaults")
    @classmethod
    def _as_the_file_would_spell_it(cls, defaults: dict[str, Any]) -> dict[str, str]:
        return {
            column: str(value).lower() if isinstance(value, bool) else str(value) for column, value in defaults.items()
        }

    @field_validator("values", mode="before")
    @classmethod
    def _words(cls, values: Any) -> Any:
        """Words that YAML takes for numbers or for true and false, as text."""
        if not isinstance(values, dict):
            return values
        return {
            column: {word: _text(ours) for theirs, ours in words.items() for word in _words_of(theirs)}
            if isinstance(words, dict)
            else words
            for column, words in values.items()
        }

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, delimiter: str) -> str:
        if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n.':
            raise ValueError(f"{delimiter!r} cannot separate columns; give one character such as ';', '\\t' or '|'")
        return delimiter

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, encoding: str) -> str:
        try:
            if not codecs.lookup(encoding)._is_text_encoding:
                raise LookupError
        except LookupError:
            raise ValueError(
                f"{encoding!r} is not an encoding that Python knows; use for example utf-8, latin-1, windows-1252 or utf-16"
            ) from None
        return "utf8" if codecs.lookup(encoding).name == "utf-8" else encoding

    @field_validator("date_format")
    @classmethod
    def _formats_say_something(cls, date_format: Any) -> Any:
        for text in _formats(date_format):
            if "%" not in text:
                raise ValueError(f"{text!r} is not a date format; write for example %d.%m.%Y or %m/%d/%Y %I:%M %p")
            try:
                datetime(2024, 3, 5).strftime(text)
            except ValueError:
                raise ValueError(f"{text!r} is not a date format that can be read") from None
        return date_format

    @field_validator("scale")
    @classmethod
    def _scales_have_a_range(cls, scale: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for column, (low, high) in scale.items():
            if low == high:
                raise ValueError(f"{column}: both ends of the scale are {low:g}")
        return scale

    @model_validator(mode="after")
    def _fits_together(self) -> "Description":
        if self.newest_by and self.duplicates == "sum":
            raise ValueError("newest_by: has no meaning with duplicates: sum")
        if self.thousands == self.decimal:
            raise ValueError(f"thousands: {self.thousands!r} is the decimal mark as well")
        return self

    @model_validator(mode="after")
    def _says_where_the_rows_are(self) -> "Description":
        if self.query is not None and self.preset is not None:
            raise ValueError("give query or preset, not both")
        if self.query is not None and self.path:
            raise ValueError("give path or query, not both; a query names its files itself: from 'file.csv'")
        if self.preset is not None and self.path and self.connection is not None:
            raise ValueError("preset: give the folder of the vendor's export as path, or a connection, not both")
        if self.connection is not None and not self.is_queried:
            raise ValueError("connection: needs a query, or a preset")
        if fault := engine_fault(self):
            raise ValueError(fault)
        if self.database_schema is not None and (self.connection is None or self.preset is None):
            raise ValueError("database_schema: needs a preset with a connection; a query names the schema itself")
        if not self.path and not self.is_queried:
            raise ValueError("give path, query or preset")
        return self

    @field_validator("connection", "remote")
    @classmethod
    def _is_a_variable(cls, connection: str | None) -> str | None:
        if connection is not None and not re.fullmatch(CONNECTION, connection):
            message = "write env:NAME, with the URL in the environment variable NAME, never in the settings"
            raise PydanticCustomError(NOT_SHOWN, message)
        return connection

    def formats_of(self, column: str) -> list[str]:
        """The date formats of a column of ours, in the order in which they are tried."""
        if isinstance(self.date_format, dict):
            return _formats(self.date_format.get(column, []))
        return _formats(self.date_format)


class Source(Description):
    """The rows of one source: one description, or a list of them for files of different shape."""

    other_descriptions: list[Description] = Field(
        default=[], description="files of another shape: write the source as a list of such descriptions"
    )

    @property
    def descriptions(self) -> list[Description]:
        """All descriptions of the source, in their order."""
        return [self, *self.other_descriptions]


class IdMap(Section):
    """The keys of the accounts in other systems: a CSV file with `source`, `their_id` and `account_id`."""

    path: str
    delimiter: str = ","


_YAML_WORDS = {True: ["true", "yes", "on"], False: ["false", "no", "off"]}  # that YAML takes for true and false


def _words_of(theirs: Any) -> list[Any]:
    if isinstance(theirs, bool):
        return _YAML_WORDS[theirs]
    return ["null" if theirs is None else str(theirs) if isinstance(theirs, int | float) else theirs]


def _text(word: Any) -> Any:
    if isinstance(word, bool):
        return str(word).lower()
    return str(word) if isinstance(word, int | float) else word


def _formats(date_format: Any) -> list[str]:
    if isinstance(date_format, dict):
        return [text for formats in date_format.values() for text in _formats(formats)]
    return [date_format] if isinstance(date_format, str) else list(date_format)


def one_description(given: Any) -> Any:
    """A list of descriptions as the first of them that holds the others."""
    if isinstance(given, list) and given and all(isinstance(each, dict) for each in given):
        return given[0] | {"other_descriptions": given[1:]}
    return {"path": given} if isinstance(given, str) else given
