"""Which column of a source holds the keys of accounts, or their names, where the one that was taken does not hold keys."""

import polars as pl

from health_assets.settings import Settings
from health_assets.sources.account_keys import keys_of_accounts
from health_assets.sources.formats import files_of
from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.guesses.key_columns import JOINED, TELLING
from health_assets.sources.guesses.matching import Match
from health_assets.sources.guesses.names import PART, name_score
from health_assets.sources.parsing import ROW
from health_assets.sources.readers import opened_rows

SAMPLED = 5_000  # rows
QUERIED = {"path", "delimiter", "lines_before_header"}  # what a query over a file can say of it


def column_with_keys(name: str, settings: Settings) -> str | None:
    """The column of a source whose values are mostly keys of accounts; short keys could be any number, so its name must say so."""
    known = keys_of_accounts(settings)
    is_telling = known.filter(known.str.len_chars() >= TELLING).len() >= JOINED * known.len()
    source = settings.sources[name]
    rows = opened_rows(files_of(name, source)[0], source).head(SAMPLED).collect()
    shares = {
        column: values.is_in(known.implode()).to_list().count(True) / len(values)
        for column, dtype in rows.schema.items()
        if column != ROW
        and (is_telling or name_score(column, name, "account_id") > PART)
        and not dtype.is_nested()
        and len(values := rows[column].cast(pl.String).drop_nulls())
    }
    best = max(shares, key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] >= JOINED else None


def join_by_name(candidate: Candidate, accounts: Match) -> str | None:
    """The query that joins files to accounts by name or e-mail domain, where one column holds those of most rows."""
    ours, theirs = accounts.candidate, candidate
    if not all(
        one.described.get("path", "").endswith(".csv") and set(one.described) <= QUERIED for one in (ours, theirs)
    ):
        return None
    for mine in ours.header:
        known = _plain(ours.values(mine))
        if (
            known.n_unique() < len(known)
            or len(known) < JOINED * ours.rows.height
            or mine == accounts.columns["account_id"]
        ):
            continue
        for column in theirs.header:
            values = _plain(theirs.values(column))
            for way, compared in (
                ("lower(t.{})", values),
                ("regexp_extract(lower(t.{}), '@(.*)$', 1)", values.str.extract("@(.*)$")),
            ):
                if values.n_unique() > 1 and compared.is_in(known.implode()).sum() >= JOINED * max(len(values), 1):
                    on = f"lower(a.{_quoted(mine)}) = {way.format(_quoted(column))}"
                    key = _quoted(accounts.columns["account_id"])
                    return (
                        f"{column} holds what {mine} of {ours.name} says: instead of path, give the query `select t.*, a.{key} as "
                        f"account_id from {_file(theirs)} t left join {_file(ours)} a on {on}`, and map no other column to account_id"
                    )
    return None


def _plain(values: pl.Series) -> pl.Series:
    return values.str.to_lowercase()


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _file(candidate: Candidate) -> str:
    """A file as DuckDB reads it."""
    path = str(candidate.described["path"]).replace("'", "''")
    options = ["header = true", "all_varchar = true"]
    if delimiter := candidate.described.get("delimiter"):
        options.append(f"delim = '{delimiter}'")
    if lines := candidate.described.get("lines_before_header"):
        options.append(f"skip = {lines}")
    return f"read_csv('{path}', {', '.join(options)})"
