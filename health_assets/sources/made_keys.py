"""Keys for rows that have none: a hash of the row, the same whenever it is loaded."""

import hashlib

import polars as pl

from health_assets.contracts.contract import Contract, meta
from health_assets.sources.columns import given_columns
from health_assets.sources.parsing import FILE, ROW, TEXT


def with_made_keys(rows: pl.LazyFrame, keys: list[str], columns: list[pl.Expr]) -> pl.LazyFrame:
    """A key for rows that have none: the same row gives the same key, its second occurrence in a file another."""
    hashed = pl.struct(columns).struct.json_encode().map_batches(_hashes, return_dtype=pl.String)
    occurrence = pl.int_range(pl.len()).over("_hash")
    key = pl.when(occurrence == 0).then("_hash").otherwise(pl.format("{}-{}", "_hash", occurrence + 1))
    return rows.with_columns(_hash=hashed).with_columns(key.alias(f"_{name}") for name in keys)


def with_keys_for_blanks(rows: pl.DataFrame, contract: type[Contract]) -> pl.DataFrame:
    """Rows with a hash in place of a blank key of their own, as where the file has no key at all."""
    for key in (name for name, declared in contract.columns().items() if meta(declared, "key")):
        is_blank_key = (pl.col(key).cast(pl.String).str.strip_chars().fill_null("") == "") & pl.col(TEXT).is_null()
        blank = rows.filter(is_blank_key)
        if blank.is_empty():
            continue
        others = [name for name in given_columns(contract) if name != key]
        hashed = blank.with_columns(_hash=pl.struct(others).struct.json_encode().map_batches(_hashes, pl.String))
        occurrence = pl.int_range(1, pl.len() + 1).over(FILE, "_hash")
        made = hashed.select(
            FILE, ROW, _key=pl.when(occurrence == 1).then("_hash").otherwise(pl.format("{}-{}", "_hash", occurrence))
        )
        joined = rows.join(made, on=[FILE, ROW], how="left", validate="1:1", maintain_order="left")
        rows = joined.with_columns(pl.coalesce("_key", pl.col(key).cast(pl.String)).alias(key)).drop("_key")
    return rows


def _hashes(rows: pl.Series) -> pl.Series:
    return pl.Series([hashlib.sha256(row.encode()).hexdigest()[:16] for row in rows], dtype=pl.String)
