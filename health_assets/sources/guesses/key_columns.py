"""Which column of a candidate holds keys where no name says so: by its values, or by what keys are like."""

import polars as pl

from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.suggested_columns import ENTITIES, KEY_WORDS, words_of

JOINED = 0.8  # share of the keys that must be those of accounts
TELLING = 4  # characters from which on a key is no count or rating
NUMBERED = KEY_WORDS - {"name"}  # words with which the name of a key ends
OF_OTHERS = {
    "tax", "vat", "phone", "mobile", "fax", "owner", "parent", "zip", "postal", "country", "area", "registration", "company",
    "duns", "iban", "bank", "contact", "deal", "promo", "currency", "industry",
}  # of what a number next to an account may be  # fmt: skip


def whole_keys(keys: pl.Series) -> pl.Series:
    """Keys such as 17.0, as pandas writes whole numbers of a column with blanks, as 17."""
    return keys.str.replace(r"^(\d+)\.0$", "$1")


def column_of_keys(candidate: Candidate, known: pl.Series) -> str | None:
    """The column whose values are mostly keys of accounts; short keys could be any number, so its name must say so."""
    is_telling = known.filter(known.str.len_chars() >= TELLING).len() >= JOINED * known.len()
    shares = {
        column: whole_keys(values).is_in(known.implode()).to_list().count(True) / len(values)
        for column in candidate.header
        if (is_telling or ENTITIES["account"] & set(words_of(column))) and len(values := candidate.values(column))
    }
    best = max(shares, key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] >= JOINED else None


def key_of_rows(candidate: Candidate, columns: dict[str, str]) -> str | None:
    """The column that is named like a key of accounts and has another value in each row; else that of their names."""
    named = [
        column
        for column in candidate.header
        if column not in columns.values()
        and (words_of(column) or [""])[-1] in NUMBERED
        and not (OF_OTHERS - ENTITIES["account"]) & set(words_of(column))
        and is_key(candidate, column)
    ]
    of_accounts = [column for column in named if ENTITIES["account"] & set(words_of(column))]
    name = columns.get("company_name")
    by_name = name if name and is_key(candidate, name) else None
    return next(iter([*of_accounts, *named]), by_name)


def is_key(candidate: Candidate, column: str) -> bool:
    """Whether each row has a value of its own, but for a few at the end that are no rows."""
    values = candidate.values(column)
    return values.n_unique() == len(values) >= JOINED * candidate.rows.height > 0
