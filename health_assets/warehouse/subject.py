"""Whose data is erased: the keys and names by which it is found, and what takes their place in a text."""

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import duckdb

from health_assets.sources.erased import KEYS, Kind
from health_assets.warehouse.sql import literal

ELSEWHERE = re.compile(r"[^\W\d_]")  # a text without a letter is found in amounts and times as well
LONGEST = 39  # characters of a value that a preview shows of a longer one
MARKDOWN = str.maketrans(
    {"|": "\\|", "<": "&lt;", ">": "&gt;", "&": "&amp;", "`": "\\`", "*": "\\*", "[": "\\[", "]": "\\]"}
)


@dataclass(frozen=True)
class Term:
    """A text that says who it is."""

    text: str
    kind: Kind | None  # of which key it is; None for a name or another text
    pseudonym: str
    part_of: str = ""  # a value of others that holds the text, so that it cannot be searched for
    is_long: bool = True

    @property
    def is_searched(self) -> bool:
        """Whether the text is searched for, and replaced, wherever it may be: everywhere it can mean this subject only."""
        return self.is_long and not self.part_of and bool(ELSEWHERE.search(self.text))

    @property
    def why_not(self) -> str:
        """Why it is only looked for as a whole value."""
        if not self.is_long:
            return "is short"
        return f"is part of {self.part_of!r}, which stays" if self.part_of else "is a number"

    @cached_property
    def forms(self) -> tuple[str, ...]:
        """The text as it may be written: in Markdown, HTML and JSON, and cut off as previews do."""
        plain = {self.text, self.text.translate(MARKDOWN), html.escape(self.text), html.escape(self.text, quote=False)}
        if len(self.text) > LONGEST + 1:
            plain |= {self.text[:LONGEST], self.text[:LONGEST].translate(MARKDOWN)}
        escaped = {json.dumps(form)[1:-1] for form in plain}
        return tuple(sorted(plain | escaped | {json.dumps(form)[1:-1] for form in escaped}, key=len, reverse=True))


@dataclass(frozen=True)
class Subject:
    """An account or a user that is erased, with the users of the account."""

    kind: Kind
    key: str
    pseudonym: str
    terms: tuple[Term, ...]
    is_kept: bool  # rows stay under the pseudonym

    def keys(self, kind: Kind) -> dict[str, str]:
        """The keys of a kind with their pseudonyms; an erased user leaves the account its own."""
        return {term.text: term.pseudonym for term in self.terms if term.kind == kind}

    @property
    def names(self) -> dict[str, str]:
        """What is no key, with its pseudonym."""
        return {term.text: term.pseudonym for term in self.terms if term.kind is None}

    @property
    def searched(self) -> list[Term]:
        """The terms that are searched for everywhere, the longest first, since one may hold another."""
        return sorted((term for term in self.terms if term.is_searched), key=lambda term: -len(term.text))

    def replaced(self, text: str, *, in_words: bool = False) -> str:
        """A text without the terms.

        Args:
            text: of any kind; escapes are not undone.
            in_words: also the terms that are not searched for, where they stand as words of their own.
        """
        for term in self.searched:
            for form in term.forms:
                text = text.replace(form, term.pseudonym)
        if in_words:
            for term in self.terms:
                text = text if term.is_searched else whole_word(term.text).sub(term.pseudonym, text)
        return text

    def is_in(self, text: str) -> bool:
        """Whether a text names the subject, in words of their own where a term is not searched for."""
        return any(
            any(form in text for form in term.forms) if term.is_searched else bool(whole_word(term.text).search(text))
            for term in self.terms
        )


def whole_word(text: str) -> re.Pattern[str]:
    """The text where no letter, digit or hyphen is next to it."""
    return re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")


def with_parts(
    terms: Iterable[Term], cursor: duckdb.DuckDBPyConnection, databases: Iterable[str], shortest: int
) -> tuple[Term, ...]:
    """The terms, each with how it may be searched for: one that others' keys, names or words hold only as a whole value."""
    given = list(terms)
    keys = {column: sorted(term.text for term in given if term.kind == kind) for column, kind in KEYS.items()}
    words = [
        word for database in databases for word in _words_of_others(cursor, database, keys, {one.text for one in given})
    ]
    found = []
    for term in given:
        queries = [f"{query} and contains(word, {literal(term.text)})" for query in words]
        held = cursor.execute(" union all ".join(queries) + " limit 1").fetchone() if queries else None
        found.append(replace(term, part_of=held[0] if held else "", is_long=len(term.text) >= shortest))
    return tuple(found)


def _words_of_others(
    cursor: duckdb.DuckDBPyConnection, database: str, keys: dict[str, list[str]], own: set[str]
) -> Iterator[str]:
    """Queries of the texts of each dimension in rows that are not the subject's."""
    columns: dict[str, list[str]] = {}
    for table, column in cursor.execute(
        f"select table_name, column_name from duckdb_columns() where database_name = {literal(database)} "
        "and schema_name = 'dim' and data_type = 'VARCHAR' order by all"
    ).fetchall():
        columns.setdefault(table, []).append(column)
    for table, names in columns.items():
        has_key = [key for key, texts in keys.items() if key in names and texts]
        others = " and ".join(f"{key} not in {literal(keys[key])}" for key in has_key)
        for name in names:
            is_other = others or f'"{name}" not in {literal(sorted(own))}'
            yield f'select word from (select "{name}" as word from "{database}".dim."{table}" where {is_other}) where true'
