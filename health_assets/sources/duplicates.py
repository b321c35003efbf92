"""What rows of one key are: the same row twice, versions of which the newest or the oldest counts, or lines that are summed."""

import polars as pl

from health_assets.contracts.contract import Contract, dtypes, meta
from health_assets.contracts.expressions import FLOAT_DECIMALS
from health_assets.settings.source import Source
from health_assets.sources.moments import Zones, moment
from health_assets.sources.parsing import FILE, VERSION

PLACE = "_place"
SAME_ZONE = Zones("UTC", "UTC")  # to compare versions, any will do


def one_row_per_key(
    rows: pl.DataFrame, contract: type[Contract], source: Source | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The row of each key (in each month) that counts, and the rows that it takes the place of.

    Equal rows are neither: they collapse. Lines that are summed are none of the others either.

    Args:
        rows: sound rows in file order, with `month`.
        contract: of the staged table.
        source: says what conflicting rows are; by default the last in file order is the newest.
    """
    key = [*contract.primary_key(), "month"]
    if key == ["month"]:
        return rows, rows.clear()
    hashes = rows.select(key).hash_rows()
    if hashes.n_unique() == rows.height:
        return rows, rows.clear()
    if source is not None and source.duplicates == "sum":
        return _summed(rows, contract, key), rows.clear()
    several = rows.with_row_index(PLACE).filter(
        hashes.is_duplicated()
    )  # a few, as a rule; all others stay where they are
    ordered = _oldest_first(several, source)
    distinct = ordered.unique(subset=list(dtypes(contract)), keep="last", maintain_order=True)
    kept = "first" if source is not None and source.duplicates == "oldest" else "last"
    counting = distinct.unique(subset=key, keep=kept, maintain_order=True)  # type: ignore[arg-type]
    others = several.join(counting, on=PLACE, how="anti")
    is_kept = pl.Series([True]).new_from_index(0, rows.height).scatter(others[PLACE], False)
    return rows.filter(is_kept), distinct.join(counting, on=PLACE, how="anti").drop(PLACE)


def _oldest_first(rows: pl.DataFrame, source: Source | None) -> pl.DataFrame:
    """By what `newest_by` says, a moment, a number or a word; rows that it says nothing of first, ties in file order."""
    if source is None or source.newest_by is None or VERSION not in rows.columns:
        return rows
    text = pl.col(VERSION).cast(pl.String).str.strip_chars()
    at = moment(text, pl.String(), SAME_ZONE, source.formats_of(source.newest_by), source.unit.get(source.newest_by))
    number = text.cast(pl.Float64, strict=False)
    return rows.sort(at, number, text, nulls_last=False, maintain_order=True)


def _summed(rows: pl.DataFrame, contract: type[Contract], key: list[str]) -> pl.DataFrame:
    """Lines of one key as one row: amounts added, of everything else the last; the same file read twice adds nothing."""
    columns = list(dtypes(contract))
    occurrence = pl.int_range(pl.len()).over([*columns, FILE])
    lines = rows.with_columns(_occurrence=occurrence).unique(
        subset=[*columns, "_occurrence"], keep="last", maintain_order=True
    )
    amounts = [name for name, column in contract.columns().items() if meta(column, "money")]
    others = [name for name in rows.columns if name not in (*key, *amounts)]
    summed = (
        pl.when(pl.col(name).count() > 0).then(pl.col(name).sum().round(FLOAT_DECIMALS)).alias(name) for name in amounts
    )
    added = lines.group_by(key, maintain_order=True).agg(*summed, pl.col(others).last())
    return added.select(rows.columns)
