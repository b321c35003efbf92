"""What is wrong with the descriptions of all sources, found before anything runs and said in one answer.

Names and words of ours are looked up in the contracts, theirs in the files; the first rows are read as a run would read them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import dataframely as dy
import polars as pl
from dataframely.columns import Column

from health_assets.contracts.contract import Contract, meta
from health_assets.contracts.words import normalized
from health_assets.settings import DEFAULTS, Settings, SettingsError, load
from health_assets.settings.source import Description, Source
from health_assets.settings.suggestions import did_you_mean, nearest
from health_assets.sources.account_keys import id_map
from health_assets.sources.answers import sampled
from health_assets.sources.columns import columns_of, faults_of, given_columns, other_delimiter
from health_assets.sources.conditions import where_faults
from health_assets.sources.file_names import shown
from health_assets.sources.formats import (
    UNREADABLE_FILE,
    SourceError,
    described_files,
    header_of,
    is_blank,
    why_unreadable,
)
from health_assets.sources.numbers import duration_factor
from health_assets.sources.parsing import is_key, scale_of
from health_assets.sources.probe import ROWS, misread
from health_assets.sources.readers import opened_rows

FILES_NAMED = 3  # of those that have the same fault
EPOCHS = ("s", "ms", "us", "excel")
TRUE_AND_FALSE = ["true", "false", "yes", "no", "1", "0"]


@dataclass(frozen=True)
class Contracts:
    """What a source must be: the columns that its files bring, and those that become of them."""

    raw: type[Contract]
    staged: type[Contract]


def check_sources(settings: Settings, contracts: Mapping[str, Contracts]) -> None:
    """Reject what cannot work before anything runs.

    Raises:
        SettingsError: one message with every fault of every source.
    """
    if faults := list(source_faults(settings, contracts)):
        raise SettingsError("\n".join(faults))


def with_source_faults(error: SettingsError, contracts: Mapping[str, Contracts]) -> SettingsError:
    """An error of the settings, and what else is wrong with their sources, in one message."""
    faults = source_faults(error.usable, contracts) if error.usable else ()
    return SettingsError("\n".join([str(error), *(f"  {fault}" for fault in faults)]))


def source_faults(settings: Settings, contracts: Mapping[str, Contracts]) -> Iterator[str]:
    """Every fault of the settings' sources, each with its place, what is wrong and what to do."""
    of_sources = (fault for _, faults in faults_by_source(settings, contracts) for fault in faults)
    yield from dict.fromkeys([*general_faults(settings, contracts), *of_sources])  # that of a connection once


def faults_by_source(settings: Settings, contracts: Mapping[str, Contracts]) -> Iterator[tuple[str, list[str]]]:
    """The faults of each source that exists; of one that is a query the first rows of its answer are fetched."""
    with sampled(settings, ROWS) as (company, unanswered):
        for name, source in company.sources.items():
            if name in contracts:
                found = faults_of_source(name, source, company, contracts)
                yield name, [unanswered[name]] if name in unanswered else list(found)


def general_faults(settings: Settings, contracts: Mapping[str, Contracts]) -> Iterator[str]:
    """Sources that do not exist, accounts that are missing, keys of other systems that cannot be read."""
    if "accounts" not in settings.sources:
        yield (
            "sources.accounts: not connected; every other source is optional, the accounts are not. Is this the settings file "
            "that was meant? Give it with --settings, or name it in HEALTH_ASSETS_SETTINGS"
        )
    for name in settings.sources:
        if name not in contracts:
            yield f"sources.{name}: there is no such source{did_you_mean(name, sorted(contracts))}"
    for name in settings.stale_after_days.keys() - load(DEFAULTS).stale_after_days.keys():
        if name not in contracts:
            yield f"stale_after_days.{name}: there is no such source{did_you_mean(name, sorted(contracts))}"
    try:
        id_map(settings)
    except SourceError as error:
        yield str(error)


def faults_of_source(
    name: str, source: Source, settings: Settings, contracts: Mapping[str, Contracts]
) -> Iterator[str]:
    """Every fault of one source: of its description, of its files, and of the values in their first rows."""
    known = given_columns(contracts[name].raw)
    for number, description in enumerate(source.descriptions):
        place = f"sources.{name}" if len(source.descriptions) == 1 else f"sources.{name}[{number}]"
        yield from _faults_of_description(place, name, description, contracts[name])
    meant = _as_meant(source, known)
    faults = list(_faults_of_files(name, meant, settings, contracts[name].raw))
    yield from faults
    if not faults:
        for one in meant.descriptions:
            alone = Source.model_construct(**vars(one) | {"other_descriptions": []})
            alone._answer = one._answer
            company = settings.model_copy(update={"sources": settings.sources | {name: alone}})
            yield from misread(name, alone, company, contracts[name].raw, contracts[name].staged)


def _as_meant(source: Source, known: list[str]) -> Source:
    """The description with misspelt names of ours corrected, so that what else is wrong is found in the same run."""
    others = [other.model_copy(update=_right_names(other, known)) for other in source.other_descriptions]
    return source.model_copy(update=_right_names(source, known) | {"other_descriptions": others})


def _right_names(source: Description, known: list[str]) -> dict[str, Any]:
    def right(column: str) -> str | None:
        return column if column in known else nearest(column, known)

    by_ours = {
        key: {ours: value for column, value in getattr(source, key).items() if (ours := right(column))}
        for key in ("values", "defaults", "scale", "keys", "unit")
    }
    columns: dict[str, list[str]] = {}
    for theirs, column in source.mapped:
        columns.setdefault(theirs, []).extend([ours] if (ours := right(column)) else [])
    return by_ours | {"columns": {theirs: ours for theirs, ours in columns.items() if ours}}


def _faults_of_description(place: str, name: str, source: Description, contracts: Contracts) -> Iterator[str]:
    """Names and words of ours that the contracts do not have, and units and scales that their columns cannot have."""
    known = given_columns(contracts.raw)
    staged = contracts.staged.columns()
    by_key = {
        "columns": [ours for _, ours in source.mapped],
        "values": list(source.values),
        "defaults": list(source.defaults),
        "scale": list(source.scale),
        "keys": list(source.keys),
        "unit": list(source.unit),
        "date_format": list(source.date_format) if isinstance(source.date_format, dict) else [],
    }
    for key, columns in by_key.items():
        for column in dict.fromkeys(columns):
            if column not in known:
                yield f"{place}.{key}: {name} has no column {column!r}{did_you_mean(column, known)}"
            elif fault := _misfit(key, column, staged.get(column), source):
                yield f"{place}.{key}: {fault}"
    for ours, times in Counter(ours for _, ours in source.mapped).items():
        theirs = [name for name, column in source.mapped if column == ours]
        if times > 1:
            yield f"{place}.columns: {' and '.join(map(repr, theirs))} are both mapped to {ours!r}; keep one"
    for column, words in source.values.items():
        yield from _unknown_words(f"{place}.values.{column}", column, words.values(), staged.get(column))
    for column, word in source.defaults.items():
        yield from _unknown_words(f"{place}.defaults.{column}", column, [str(word)], staged.get(column))
    if name != "subscriptions":
        for key in ("end_date_is", "changes"):
            if key in source.model_fields_set:
                yield f"{place}.{key}: has a meaning for subscriptions only; remove it"
    if source.duplicates == "sum" and not any(meta(column, "money") for column in staged.values()):
        yield f"{place}.duplicates: {name} has no amount that could be summed; use newest"


def _misfit(key: str, column: str, staged: Column | None, source: Description) -> str | None:
    """Why a key of the settings has no meaning for a column."""
    if key == "scale" and scale_of(staged) is None:
        return f"{column} has no scale that another could be brought to"
    if key == "keys" and not is_key(column) and not isinstance(staged, dy.String):
        return f"{column} holds no keys"
    if key == "date_format" and staged is not None and not staged.dtype.is_temporal():
        return f"{column} is no date or time"
    if key == "unit":
        unit = source.unit[column]
        is_time = staged is not None and staged.dtype.is_temporal()
        fits = is_time if unit in EPOCHS else False
        fits = fits or bool(meta(staged, "money")) if unit == "minor" and staged is not None else fits
        if not fits and duration_factor(column, unit) is None:
            kinds = {"minor": "an amount of money", "minutes": "a duration"}
            return f"{column} is not {kinds.get(unit, 'a date, a time or a duration')}, so it cannot be in {unit!r}"
    return None


def _unknown_words(place: str, column: str, words: object, staged: Column | None) -> Iterator[str]:
    """Words that are said to be ours and are none."""
    known = (
        list(staged.categories)
        if isinstance(staged, dy.Enum)
        else TRUE_AND_FALSE
        if isinstance(staged, dy.Bool)
        else []
    )
    if not known or staged is None:
        return
    understood = {*known, *(meta(staged, "words") or {})}
    for word in words:  # type: ignore[attr-defined]
        if word and pl.select(normalized(pl.lit(word))).item() not in understood:
            yield f"{place}: {word!r} is not a valid {column}{did_you_mean(word, known)}"


def _faults_of_files(name: str, source: Source, settings: Settings, rows: type[Contract]) -> Iterator[str]:
    """Files that are missing or unreadable, and columns that they lack; the same fault of many files is said once."""
    files: dict[str, list[str]] = {}
    try:
        for file, _, description in described_files(name, source):
            for fault in _faults_of_file(file, name, description, settings, rows):
                files.setdefault(fault, []).append(shown(file))
    except SourceError as error:
        yield str(error)
    for fault, named in files.items():
        more = f" and {len(named) - FILES_NAMED} more files" if len(named) > FILES_NAMED else ""
        yield f"{', '.join(named[:FILES_NAMED])}{more}: {fault}"


def _faults_of_file(
    file: str, name: str, source: Description, settings: Settings, rows: type[Contract]
) -> Iterator[str]:
    if is_blank(file):
        return
    try:
        own = opened_rows(file, source)
        schema = own.collect_schema()
        header = header_of(own, file)
        yield from faults_of(columns_of(header, source, rows), schema, name, rows, source, settings)
        if not other_delimiter(header, source):
            yield from where_faults(source, schema, name)
    except SourceError as error:
        yield str(error).removeprefix(f"{shown(file)}: ")
    except UNREADABLE_FILE as error:
        yield why_unreadable(error)
