"""Which source a candidate is, and which of its columns is which of ours."""

from collections.abc import Mapping
from dataclasses import dataclass

import dataframely as dy
import polars as pl
from dataframely.columns import Column

from health_assets.contracts.contract import meta
from health_assets.contracts.words import normalized
from health_assets.sources.advice import remedy
from health_assets.sources.check import Contracts
from health_assets.sources.columns import given_columns
from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.guesses.names import PART, file_score, name_score, word_of
from health_assets.sources.moments import Zones, moment
from health_assets.sources.numbers import boolean, number

FITS = 0.8  # share of the values that a column must be able to read
UNDERSTOOD = 0.3  # share of the words of an enumeration that must be understood
NAMED = 2.0  # what the name of a file weighs against its columns
ENOUGH_COLUMNS, ENOUGH_SHARE = 3, 0.5  # that must match where the name of the file says nothing
ZONES = Zones("UTC", "UTC")


@dataclass
class Match:
    """A candidate as a source: our columns with theirs."""

    source: str
    candidate: Candidate
    columns: dict[str, str]  # ours -> theirs
    score: float


def matches(candidates: list[Candidate], contracts: Mapping[str, Contracts]) -> tuple[list[Match], list[Match]]:
    """The best source of each candidate, one candidate a source; and the matches that lost to a better one."""
    found = [match for one in candidates for source in contracts if (match := _match(one, source, contracts[source]))]
    found.sort(key=lambda match: (-match.score, match.candidate.name, match.source))
    best: dict[str, Match] = {}
    lost = []
    taken: set[int] = set()
    for match in found:
        if id(match.candidate) in taken:
            continue
        taken.add(id(match.candidate))
        if match.source in best:
            lost.append(match)
        else:
            best[match.source] = match
    return list(best.values()), lost


def _match(candidate: Candidate, source: str, contracts: Contracts) -> Match | None:
    columns = _columns(candidate, source, contracts)
    named = file_score(candidate.name, source)
    raw = contracts.raw.columns()
    there = set(columns)
    required = [
        name for name in given_columns(contracts.raw) if meta(raw[name], "required") and not meta(raw[name], "key")
    ]
    for name in required:
        alternatives = any(there >= set(one) for one in meta(raw[name], "alternatives", ()))
        if name not in there and meta(raw[name], "through") not in there and not alternatives:
            return None
    enough = len(columns) >= ENOUGH_COLUMNS and len(columns) >= ENOUGH_SHARE * len(candidate.header)
    if not named and not enough:
        return None
    matched = sum(name_score(theirs, source, ours) for ours, theirs in columns.items())
    score = matched / len(candidate.header) + len(there & set(required)) / max(len(required), 1) + NAMED * named
    return Match(source, candidate, columns, score)


def _columns(candidate: Candidate, source: str, contracts: Contracts) -> dict[str, str]:
    """Our columns with theirs, the most certain first; each of theirs once."""
    staged = contracts.staged.columns()
    scored = sorted(
        (-score, place, ours, theirs)
        for place, ours in enumerate(given_columns(contracts.raw))
        for theirs in candidate.header
        if (score := name_score(theirs, source, ours)) and fits(candidate.values(theirs), ours, staged.get(ours))
    )
    chosen: dict[str, str] = {}
    for score, _, ours, theirs in scored:
        is_guess = -score <= PART and ours in ("status", "amount", "account_id")
        if ours not in chosen and theirs not in chosen.values() and not is_guess:
            chosen[ours] = theirs
    return _as_keys(chosen, candidate, contracts)


def _as_keys(chosen: dict[str, str], candidate: Candidate, contracts: Contracts) -> dict[str, str]:
    """A key that repeats is none, unless it is the only one: then its rows may be versions."""
    raw = contracts.raw.columns()
    for ours in [name for name in chosen if meta(raw[name], "key")]:
        values = candidate.values(chosen[ours])
        if values.n_unique() < FITS * len(values):
            del chosen[ours]
    return chosen


def fits(values: pl.Series, ours: str, column: Column | None) -> bool:
    """Whether a column of ours can read most of the values, under some setting."""
    if column is None or values.is_empty() or isinstance(column, dy.String):
        return True
    if isinstance(column, dy.Enum):
        understood = values.unique().to_frame("word").select(is_known(pl.col("word"), column)).to_series()
        known = understood.sum() + sum(
            word_of(ours, word, list(column.categories)) is not None for word in values.unique().filter(~understood)
        )
        return known >= UNDERSTOOD * len(understood) or meta(column, "otherwise") is not None
    readable = values.to_frame("text").select(_read(pl.col("text"), column)).to_series()
    if readable.count() >= FITS * len(values):
        return True
    advice = remedy(ours, column.dtype, values, values.filter(readable.is_null()))
    return advice is not None and advice.read >= FITS * advice.of


def _read(text: pl.Expr, column: Column) -> pl.Expr:
    if column.dtype.is_temporal():
        return moment(text, pl.String(), ZONES, [], None)
    if column.dtype == pl.Boolean:
        return boolean(text)
    words = meta(column, "words") or {}
    return number(normalized(text).replace_strict(words, default=text, return_dtype=pl.String) if words else text)


def is_known(word: pl.Expr, column: dy.Enum) -> pl.Expr:
    """Whether a word needs no mapping."""
    return normalized(word).is_in([*column.categories, *(meta(column, "words") or {})])
