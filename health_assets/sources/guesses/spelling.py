"""How the values of a candidate are written: the keys of the settings that make them readable, and what stays undecided."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dataframely as dy
import polars as pl
import yaml

from health_assets.contracts.contract import meta, vocabularies
from health_assets.sources.advice import remedy, said_counts
from health_assets.sources.check import Contracts
from health_assets.sources.guesses.joining import join_by_name
from health_assets.sources.guesses.key_columns import JOINED, whole_keys
from health_assets.sources.guesses.matching import ZONES, Match, is_known, keys_of_accounts
from health_assets.sources.guesses.names import (
    IN_CENTS,
    PART,
    interval_of,
    keys_of,
    name_score,
    unit_of,
    word_of,
    zone_of,
)
from health_assets.sources.moments import moment
from health_assets.sources.numbers import currency_in, number
from health_assets.sources.parsing import scale_of
from health_assets.sources.probe import LIKELY
from health_assets.sources.suggested_columns import words_of

SCALES = ((1.0, 1), (5.0, 5), (7.0, 7), (10.0, 10), (100.0, 100))  # highest value -> the top of the scale that it is of
FROM_NOTHING = (1, 100)  # tops of scales that begin with 0; the others do where a value is below 1
SALESFORCE = r"^([A-Za-z0-9]{15})[A-Z0-5]{3}$"  # a key of 15 characters, and three more that check them
NO_ROWS = {"deleted", "spam", "trash", "trashed", "merged", "duplicate", "test"}  # words by which a row does not count
RESPELLED = (  # ways in which keys of two systems differ: the first one that joins them is taken
    {"match": SALESFORCE, "replace": r"\1"},
    {"match": LIKELY, "replace": ""},
)


@dataclass
class Spelling:
    """Keys of the settings of one source, and what could not be decided."""

    keys: dict[str, Any] = field(default_factory=dict)
    undecided: list[str] = field(default_factory=list)
    either_way: dict[str, list[str]] = field(default_factory=dict)  # columns whose day and month could change places


def spelling_of(match: Match, contracts: Contracts) -> Spelling:
    """Dates, numbers, words, scales and time zone of a source."""
    found = Spelling()
    staged = contracts.staged.columns()
    for ours, theirs in match.columns.items():
        column, values = staged.get(ours), match.candidate.values(theirs)
        if column is None or values.is_empty():
            continue
        if column.dtype.is_temporal():
            _dates(found, ours, column, values)
        elif column.dtype.is_numeric():
            _numbers(found, ours, theirs, column, values)
        elif isinstance(column, dy.Enum):
            _words(found, ours, theirs, column, values)
    for column_name in vocabularies(contracts.staged):
        if column_name in match.columns:
            _intervals(found, column_name, match.candidate.values(match.columns[column_name]))
    _agree_on_days(found)
    zones = [zone for ours, theirs in match.columns.items() if (zone := zone_of(theirs))]
    if zones:
        found.keys["timezone"] = Counter(zones).most_common(1)[0][0]
    formats = found.keys.get("date_format", {})
    if formats and len(set(formats.values())) == 1:
        found.keys["date_format"] = next(iter(formats.values()))
    return found


def _dates(found: Spelling, ours: str, column: Any, values: pl.Series) -> None:
    read = values.to_frame("text").select(moment(pl.col("text"), pl.String(), ZONES, [], None)).to_series()
    unreadable = values.filter(read.is_null())
    advice = remedy(ours, column.dtype, values, unreadable) if len(unreadable) else None
    if advice is None:
        return
    options = [yaml.safe_load(option) for option in advice.setting.split(" or ")]
    if unit := options[0].get("unit"):
        found.keys.setdefault("unit", {}).update(unit)
        return
    formats = [option["date_format"] for option in options if "date_format" in option]
    chosen = next((one for one in formats if "%p" in one and one.startswith("%m")), formats[0])
    found.keys.setdefault("date_format", {})[ours] = chosen
    if len(formats) > 1:
        found.either_way[ours] = formats


def _agree_on_days(found: Spelling) -> None:
    """Dates that could be either way round are as the other dates of the file; without any they stay undecided."""
    formats = found.keys.get("date_format", {})
    orders = {_is_month_first(chosen) for ours, chosen in formats.items() if ours not in found.either_way}
    for ours, options in found.either_way.items():
        if len(orders) == 1:
            formats[ours] = next((one for one in options if {_is_month_first(one)} == orders), formats[ours])
            continue
        others = ", ".join(one for one in options if one != formats[ours])
        found.undecided.append(
            f"{ours}: day and month could be either way; read as {formats[ours]}, the other is {others}"
        )


def _is_month_first(date_format: str) -> bool:
    return date_format.startswith("%m")


def _numbers(found: Spelling, ours: str, theirs: str, column: Any, values: pl.Series) -> None:
    words = meta(column, "words") or {}
    text = values.filter(~values.str.to_lowercase().is_in(list(words)))
    read = text.to_frame("text").select(number(pl.col("text"))).to_series()
    unreadable = text.filter(read.is_null())
    if len(unreadable) and (advice := remedy(ours, column.dtype, text, unreadable)):
        found.keys |= yaml.safe_load(f"{{{advice.setting}}}") if advice.setting else {}
        read = text.str.replace(",", ".", literal=True).to_frame("text").select(number(pl.col("text"))).to_series()
    if meta(column, "money") and IN_CENTS.search(theirs):
        found.keys.setdefault("unit", {})[ours] = "minor"
    unit = unit_of(theirs) if ours.endswith("_hours") else None
    if unit and unit != "hours":
        found.keys.setdefault("unit", {})[ours] = unit
    scale, highest = scale_of(column), read.max()
    if scale and isinstance(highest, float) and highest > scale[1]:
        top = next((top for most, top in SCALES if highest <= most), None)
        if top:
            low = 0 if top in FROM_NOTHING or read.min() < 1 else 1  # type: ignore[operator]
            found.keys.setdefault("scale", {})[ours] = [low, top]
            found.undecided.append(f"{ours}: values up to {highest:g}; read as a scale of {low} to {top}")


def _words(found: Spelling, ours: str, theirs: str, column: dy.Enum, values: pl.Series) -> None:
    counted = values.value_counts(sort=True, name="rows").sort("rows", values.name, descending=[True, False])
    known = counted.select(is_known(pl.col(values.name), column)).to_series()
    unknown = []
    for word, rows in counted.filter(~known).rows():
        if meaning := word_of(ours, word, list(column.categories)):
            found.keys.setdefault("values", {}).setdefault(ours, {})[word] = meaning
        else:
            unknown.append((word, rows))
    none = [word for word, _ in unknown if set(words_of(word)) & NO_ROWS]
    unknown = [(word, rows) for word, rows in unknown if word not in none]
    if none:
        listed = ", ".join("'" + word.replace("'", "''") + "'" for word in none)
        found.undecided.append(
            f'{theirs} is {listed} in some rows, which count; to leave them out: where: "{theirs}" not in ({listed})'
        )
    if unknown:
        found.undecided.append(
            f"{ours}: {said_counts(unknown)}; map each to {', '.join(column.categories)}, for example "
            f"values: {{{ours}: {{{unknown[0][0]}: {column.categories[0]}}}}}"
        )


def _intervals(found: Spelling, ours: str, values: pl.Series) -> None:
    for word in values.unique(maintain_order=True):
        if meaning := interval_of(word):
            found.keys.setdefault("values", {}).setdefault(ours, {})[word] = meaning


def join_accounts(best: list[Match], contracts: Mapping[str, Contracts]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The column of each source that holds the keys of accounts, and the spelling that makes them equal."""
    accounts = next((match for match in best if match.source == "accounts"), None)
    if accounts is None:
        return {}, []
    known = keys_of_accounts(accounts)
    undecided: list[str] = []
    spelling: dict[str, str] | None = None
    for match in best:
        if match.source == "accounts" or "account_id" not in contracts[match.source].raw.columns():
            continue
        shares = _shares(match, known)
        column, share = max(shares.items(), key=lambda one: one[1], default=("", 0.0))
        if share >= JOINED:
            _use(match, column)
            continue
        respelled = _respelled(match, known)
        if respelled and respelled[1] > share:
            spelling = respelled[2]
            _use(match, respelled[0])
        elif share:
            _use(match, column)
        elif "account_id" in match.columns:
            undecided.append(
                f"{match.source}: {match.columns['account_id']} holds keys that are none of {accounts.candidate.name}; "
                + (join_by_name(match.candidate, accounts) or "give an id_map with source, their_id and account_id")
            )
    joined = [match.source for match in best if "account_id" in match.columns] if spelling else []
    return {source: {"keys": {"account_id": spelling}} for source in joined}, undecided


def _respelled(match: Match, known: pl.Series) -> tuple[str, float, dict[str, str]] | None:
    """The column that holds most keys of accounts once both are respelled, the share, and the spelling."""
    for spelling in RESPELLED:
        keys = _as_spelled(known, spelling)
        if keys.n_unique() < len(keys) or (keys == "").any():
            continue
        column, share = max(_shares(match, keys, spelling).items(), key=lambda one: one[1], default=("", 0.0))
        if share >= JOINED:
            return column, share, spelling
    return None


def _as_spelled(keys: pl.Series, spelling: dict[str, str]) -> pl.Series:
    return keys.str.replace(spelling["match"], spelling["replace"].replace("\\1", "${1}"))


def _shares(match: Match, known: pl.Series, spelling: dict[str, str] | None = None) -> dict[str, float]:
    """Which share of the values of each likely column are keys of accounts."""
    found = {}
    for column in _likely(match):
        values = whole_keys(match.candidate.values(column))
        if len(values):
            given = _as_spelled(values, spelling) if spelling else values
            found[column] = given.is_in(known.implode()).to_list().count(True) / len(values)
    return found


def _likely(match: Match) -> Iterator[str]:
    """The columns that may hold keys of accounts: by their whole names, the one that was chosen first."""
    chosen = match.columns.get("account_id")
    if chosen:
        yield chosen
    for column in match.candidate.header:
        if column != chosen and name_score(column, match.source, "account_id") > PART:
            yield column


def _use(match: Match, column: str) -> None:
    for ours in [ours for ours, theirs in match.columns.items() if theirs == column and ours != "account_id"]:
        del match.columns[ours]
    match.columns["account_id"] = column


def currencies_of(matches: list[Match]) -> list[str]:
    """The currencies of the amounts, that of most first, by a column of currencies or what the amounts themselves name."""
    counts: Counter[str] = Counter()
    for match in matches:
        if "currency" in match.columns:
            counts.update(match.candidate.values(match.columns["currency"]).str.to_uppercase().to_list())
            continue
        for ours, theirs in match.columns.items():
            if "amount" in ours or ours == "monthly_recurring_revenue":
                text = match.candidate.values(theirs).head(100)
                named = text.to_frame("text").select(currency_in(pl.col("text"), "USD")).to_series()
                counts.update(named.drop_nulls().to_list())
                counts.update(["JPY"] * int(text.str.contains("¥", literal=True).sum()))
                counts.update(
                    code.upper()
                    for key in keys_of(theirs)
                    for code in ("eur", "usd", "gbp", "chf")
                    if key.endswith(code)
                )
    return [currency for currency, _ in counts.most_common() if re.fullmatch("[A-Z]{3}", currency)]
