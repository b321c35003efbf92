"""Which source a candidate is, and which of its columns is which of ours."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import dataframely as dy
import polars as pl
from dataframely.columns import Column

from health_assets.contracts.contract import meta
from health_assets.contracts.words import normalized
from health_assets.sources.advice import remedy
from health_assets.sources.check import Contracts
from health_assets.sources.columns import given_columns
from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.guesses.key_columns import column_of_keys, is_key, key_of_rows, whole_keys
from health_assets.sources.guesses.names import PART, file_score, name_score, word_of
from health_assets.sources.guesses.repeated_keys import is_of_one_thing
from health_assets.sources.moments import Zones, moment
from health_assets.sources.numbers import boolean, number
from health_assets.sources.suggested_columns import words_of

FITS = 0.8  # share of the values that a column must be able to read
UNDERSTOOD = 0.3  # share of the words of an enumeration that must be understood
NAMED = 2.0  # what the name of a file weighs against its columns
UNLIKELY = 0.2  # by which a column is less certain that is empty, or a key that repeats
ENOUGH_COLUMNS, ENOUGH_SHARE = 3, 0.5  # that must match where the name of the file says nothing
NAMED_APART = {"contract_events", "invoices"}  # files of these names are not taken for orders or payments
SHOWN = 8  # columns of a file
MONTH_NAME = r"(?:jan|feb|mar|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-z]*"
MONTH = re.compile(rf"^(?:{MONTH_NAME}[ ./-]*(?:\d\d|\d{{4}})|\d{{4}}[-/.]\d\d?|\d\d?[-/.]\d{{4}})$")
NPS_GROUPS = ["promoter", "promoters", "passive", "passives", "neutral", "detractor", "detractors"]
ANNUAL = re.compile(r"\b(?:annual|yearly|ACV|ARR)|j[aä]hrlich|jahres", re.IGNORECASE)
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
    known = _keys_of_accounts(candidates, contracts)
    found = [
        match for one in candidates for source in contracts if (match := _match(one, source, contracts[source], known))
    ]
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


def _keys_of_accounts(candidates: list[Candidate], contracts: Mapping[str, Contracts]) -> pl.Series | None:
    """The keys of the candidate that is taken for the accounts."""
    if "accounts" not in contracts:
        return None
    found = [match for one in candidates if (match := _match(one, "accounts", contracts["accounts"], None))]
    best = max(found, key=lambda match: match.score, default=None)
    return keys_of_accounts(best) if best else None


def keys_of_accounts(accounts: Match) -> pl.Series:
    """The keys that the file of accounts holds."""
    return whole_keys(accounts.candidate.values(accounts.columns["account_id"])).unique()


def why_none(candidate: Candidate, contracts: Mapping[str, Contracts], known: pl.Series | None = None) -> str:
    """Why a candidate is no source: the columns that the one it resembles most needs and it lacks."""
    columns = {source: _columns(candidate, source, contracts[source], known) for source in contracts}
    likeness = {
        source: (source != "alerts", file_score(candidate.name, source), len(found))
        for source, found in columns.items()
    }  # alerts that this product sends are a source too, but rarely a file
    nearest = max(likeness, key=lambda source: likeness[source])
    lacks = _lacking(contracts[nearest], columns[nearest])
    header = ", ".join(candidate.header[:SHOWN]) + (" ..." if len(candidate.header) > SHOWN else "")
    _, named, matched = likeness[nearest]
    months = [name for name in candidate.header if MONTH.search(name.lower())]
    if len(months) >= ENOUGH_COLUMNS:
        return (
            f"has a column for each month ({months[0]} ... {months[-1]}); see docs/connect.md, A column for each month"
        )
    if not matched or not (named or matched >= ENOUGH_COLUMNS):
        return f"no source fits its columns {header}"
    if not lacks:
        renamed = ", ".join(f"{theirs}: {ours}" for ours, theirs in columns[nearest].items())
        return f"could be {nearest}, though its name says nothing; if it is, add {nearest}: {{path: ..., columns: {{{renamed}}}}}"
    raw = contracts[nearest].raw.columns()
    needed = "; ".join(
        " or ".join([name, *(" and ".join(one) for one in meta(raw[name], "alternatives", ()))]) for name in lacks
    )
    wanted = {*lacks, *(name for lack in lacks for one in meta(raw[lack], "alternatives", ()) for name in one)}
    unread = [
        f"{theirs} could be {ours}, but {candidate.values(theirs)[0]!r} cannot be read as such"
        for ours in sorted(wanted)
        for theirs in candidate.header
        if name_score(theirs, nearest, ours) > PART
        and not fits(candidate.values(theirs), ours, contracts[nearest].staged.columns().get(ours))
    ]
    return "; ".join(
        [
            f"looks like {nearest}, but none of its columns {header} is known as {needed}",
            *unread[:1],
            f"if one is that, add {nearest} with columns: {{<their column>: {lacks[0]}}}",
        ]
    )


def required_columns(contracts: Contracts) -> list[str]:
    """The columns of ours that a file must have, without keys that can be made of the row."""
    raw = contracts.raw.columns()
    return [name for name in given_columns(contracts.raw) if meta(raw[name], "required") and not meta(raw[name], "key")]


def _lacking(contracts: Contracts, there: Collection[str]) -> list[str]:
    """The required columns that are not there, nor others that stand for them."""
    raw = contracts.raw.columns()
    return [
        name
        for name in required_columns(contracts)
        if name not in there
        and meta(raw[name], "through") not in there
        and not any(set(there) >= set(one) for one in meta(raw[name], "alternatives", ()))
    ]


def _match(candidate: Candidate, source: str, contracts: Contracts, known: pl.Series | None) -> Match | None:
    columns = _columns(candidate, source, contracts, known)
    if _lacking(contracts, [*columns, *implied_by(source, columns)]):
        return None
    named = file_score(candidate.name, source)
    is_of_another = any(file_score(candidate.name, other) for other in NAMED_APART - {source})
    enough = len(columns) >= ENOUGH_COLUMNS and len(columns) >= ENOUGH_SHARE * len(candidate.header)
    if not named and (is_of_another or not enough):
        return None
    required = required_columns(contracts)
    matched = sum(name_score(theirs, source, ours) for ours, theirs in columns.items())
    score = matched / len(candidate.header) + len(set(columns) & set(required)) / max(len(required), 1) + NAMED * named
    return Match(source, candidate, columns, score)


def implied_by(source: str, columns: Mapping[str, str]) -> dict[str, str]:
    """What the name of a price says of its interval where no column does: an annual value is that of a year."""
    if source != "subscriptions" or "interval" in columns or not ANNUAL.search(columns.get("amount", "")):
        return {}
    return {"interval": "year"}


def _columns(candidate: Candidate, source: str, contracts: Contracts, known: pl.Series | None = None) -> dict[str, str]:
    """Our columns with theirs, the most certain first; each of theirs once, but for the name of an account that is its key.

    Args:
        candidate: what is looked at.
        source: that it may be.
        contracts: of that source.
        known: the keys of accounts, by which their column is found where its name does not say it.
    """
    staged = contracts.staged.columns()
    scored = sorted(
        (-score + UNLIKELY * _unlikely(candidate, source, ours, theirs, staged.get(ours)), place, ours, theirs)
        for place, ours in enumerate(given_columns(contracts.raw))
        for theirs in candidate.header
        if (score := name_score(theirs, source, ours)) and fits(candidate.values(theirs), ours, staged.get(ours))
    )
    chosen: dict[str, str] = {}
    for score, _, ours, theirs in scored:
        is_guess = -score <= PART and ours in ("status", "amount", "account_id")
        if ours not in chosen and theirs not in chosen.values() and not is_guess:
            chosen[ours] = theirs
    if source == "feedback" and "nps_score" not in chosen and is_nps(candidate, chosen):
        chosen["nps_score"] = chosen.pop("satisfaction_score")
    if source == "accounts":
        if "account_id" not in chosen and (key := key_of_rows(candidate, chosen)):
            chosen["account_id"] = key
        if "company_name" not in chosen and "account_id" in chosen and is_key(candidate, chosen["account_id"]):
            chosen["company_name"] = chosen["account_id"]
    elif (
        known is not None
        and "account_id" in contracts.raw.columns()
        and "account_id" not in chosen
        and (holds_keys := column_of_keys(candidate, known))
    ):
        chosen = {ours: other for ours, other in chosen.items() if other != holds_keys} | {"account_id": holds_keys}
    return _as_keys(chosen, candidate, source, contracts)


def is_nps(candidate: Candidate, columns: Mapping[str, str]) -> bool:
    """Whether what is only called a score says how likely people recommend: the file is of such a survey, or calls them promoters."""
    if "satisfaction_score" not in columns or set(words_of(columns["satisfaction_score"])) & {"csat", "satisfaction"}:
        return False
    if any(word in candidate.name.lower() for word in ("nps", "promoter", "wootric", "asknicely")):
        return True
    return any(
        len(values := candidate.values(column)) and values.str.to_lowercase().is_in(NPS_GROUPS).all()
        for column in candidate.header
    )


def _unlikely(candidate: Candidate, source: str, ours: str, theirs: str, column: Column | None) -> float:
    """How much likelier another column is, 0-1.

    This one is empty, its words are not understood, or the key of an account comes again, as the id of its owner does.
    """
    values = candidate.values(theirs)
    if isinstance(column, dy.Enum) and len(values):
        return float(1 - values.to_frame("word").select(is_known(pl.col("word"), column).mean()).item())
    is_key = source == "accounts" and ours == "account_id"
    return values.is_empty() or (is_key and values.n_unique() < FITS * len(values))


def _as_keys(chosen: dict[str, str], candidate: Candidate, source: str, contracts: Contracts) -> dict[str, str]:
    """A key that repeats is none, unless its rows are lines of one thing; rows that are equal, as of copies of a file, count once."""
    raw, different = contracts.raw.columns(), replace(candidate, rows=candidate.rows.unique(maintain_order=True))
    for ours in [name for name in chosen if meta(raw[name], "key")]:
        values = different.values(chosen[ours])
        if values.n_unique() < FITS * len(values) and not is_of_one_thing(candidate, source, chosen):
            del chosen[ours]
    return chosen


def fits(values: pl.Series, ours: str, column: Column | None) -> bool:
    """Whether a column of ours can read most of the values, under some setting."""
    if column is not None and meta(column, "vocabulary") and not values.is_empty():
        return not values.str.contains(r"^[\d.,]+$").all()  # a number says how many, not of what
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
    words = meta(column, "words") or {}
    ours = normalized(text).replace_strict(words, default=text, return_dtype=pl.String) if words else text
    return boolean(ours) if column.dtype == pl.Boolean else number(ours.str.strip_suffix("%"))


def is_known(word: pl.Expr, column: dy.Enum) -> pl.Expr:
    """Whether a word needs no mapping."""
    return normalized(word).is_in([*column.categories, *(meta(column, "words") or {})])
