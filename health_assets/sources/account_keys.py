"""Which account a row of another system belongs to: by the company's list of keys, or by the user that the row names."""

from pathlib import Path

import polars as pl

from health_assets.settings import Settings
from health_assets.settings.source import Description, Source
from health_assets.settings.suggestions import did_you_mean
from health_assets.sources.columns import Columns, exists
from health_assets.sources.file_names import shown
from health_assets.sources.formats import UNREADABLE_FILE, SourceError, described_files, is_blank, scan, why_unreadable
from health_assets.sources.parsing import respelled

ID_MAP_COLUMNS = ["source", "their_id", "account_id"]


def with_our_accounts(rows: pl.LazyFrame, name: str, settings: Settings) -> pl.LazyFrame:
    """Rows whose `account_id` is that of another system with ours, where the company's id_map has it for this source."""
    schema = rows.collect_schema()
    if settings.id_map is None or "account_id" not in schema:
        return rows
    known = id_map(settings).filter((pl.col("source") == name) | pl.col("source").is_null())
    if known.is_empty():
        return rows
    known = known.sort("source", nulls_last=False).unique("their_id", keep="last", maintain_order=True)
    theirs = respelled("account_id", schema["account_id"], None).cast(pl.String)
    return rows.with_columns(
        account_id=theirs.replace_strict(known["their_id"], known["account_id"], default=theirs, return_dtype=pl.String)
    )


def id_map(settings: Settings) -> pl.DataFrame:
    """The company's list of keys: source (blank = all), their_id, account_id; of one that comes twice the last counts.

    Raises:
        SourceError: the file is missing, cannot be read, or lacks a column.
    """
    mapped = settings.id_map
    if mapped is None:
        return pl.DataFrame(schema=dict.fromkeys(ID_MAP_COLUMNS, pl.String))
    if not Path(mapped.path).exists():
        raise SourceError(f"id_map.path: no file matches {mapped.path}; correct the path, or remove id_map")
    try:
        found = scan(mapped.path, Source(path=mapped.path, delimiter=mapped.delimiter)).collect()
    except UNREADABLE_FILE as error:
        raise SourceError(f"{shown(mapped.path)}: {why_unreadable(error)}") from None
    for column in ID_MAP_COLUMNS:
        if column not in found.columns:
            raise SourceError(
                f"{shown(mapped.path)}: has no column {column!r}, which id_map needs{did_you_mean(column, found.columns, 'it has')}"
            )
    text = [pl.col(column).cast(pl.String).str.strip_chars().replace("", None) for column in ID_MAP_COLUMNS]
    rows = found.select(text).drop_nulls(["their_id", "account_id"])
    return rows.unique(["source", "their_id"], keep="last", maintain_order=True)


def accounts_of_users(rows: pl.LazyFrame, user: str, source: Description, settings: Settings) -> pl.LazyFrame:
    """Rows that name a user alone, with the account of that user as `_account_id`; null where the user is unknown."""
    accounts = account_by_user(settings).rename({"account_id": "_account_id", "user_id": "_user"})
    text = rows.with_columns(user_id=pl.col(user).cast(pl.String)).with_columns(
        _user=respelled("user_id", pl.String(), source)
    )
    return text.drop("_account_id").join(accounts, on="_user", how="left", validate="m:1", maintain_order="left")


def account_by_user(settings: Settings) -> pl.LazyFrame:
    """The account of each user, as the files of `users` say now."""
    known = (
        keys_of("users", ["user_id", "account_id"], settings)
        .drop_nulls()
        .unique("user_id", keep="last", maintain_order=True)
    )
    return with_our_accounts(known, "users", settings)


def keys_of_accounts(settings: Settings) -> pl.Series:
    """The keys of all accounts, as the settings spell them; none where their file cannot be read."""
    try:
        return (
            keys_of("accounts", ["account_id"], settings)
            .collect()["account_id"]
            .drop_nulls()
            .unique(maintain_order=True)
        )
    except (*UNREADABLE_FILE, SourceError):
        return pl.Series("account_id", [], pl.String)


def keys_of(name: str, columns: list[str], settings: Settings) -> pl.LazyFrame:
    """Columns of keys of a source, respelled, of the files that have them."""
    found = [pl.LazyFrame(schema=dict.fromkeys(columns, pl.String))]
    for file, _, description in described_files(name, settings.sources[name]):
        if is_blank(file):
            continue
        own = scan(file, description)
        mapped = {ours: theirs for theirs, ours in description.mapped}
        theirs, schema = {ours: mapped.get(ours, ours) for ours in columns}, own.collect_schema()
        if not all(exists(column, schema) for column in theirs.values()):
            continue  # reported by check.py, which tests each source by itself
        known = Columns(list(schema), theirs)
        keys = [known.value(ours, schema).cast(pl.String).alias(ours) for ours in columns]
        found.append(own.select(keys).select(respelled(ours, pl.String(), description).alias(ours) for ours in columns))
    return pl.concat(found)
