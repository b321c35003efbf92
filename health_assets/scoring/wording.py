"""Numbers and counts in the sentences of tables."""

import polars as pl

from health_assets.contracts.expressions import rounded


def bills(invoices: str, payments: str, amount: str | None = None) -> pl.Expr:
    """How many of each kind, e.g. "4 invoices (48,750 in total) and 1 shop payment"."""
    of_invoices = counted(pl.col(invoices), "invoice")
    if amount:
        of_invoices = pl.coalesce(pl.format("{} ({} in total)", of_invoices, with_commas(pl.col(amount))), of_invoices)
    kinds = {invoices: of_invoices, payments: counted(pl.col(payments), "shop payment")}
    present = [pl.when(pl.col(count) > 0).then(words) for count, words in kinds.items()]
    return pl.concat_str(present, separator=" and ", ignore_nulls=True)


def counted(count: pl.Expr, noun: str) -> pl.Expr:
    """The count with its noun, e.g. "1 day", "2 days"; the plural is formed with an s."""
    return pl.format(f"{{}} {noun}{{}}", count, pl.when(count == 1).then(pl.lit("")).otherwise(pl.lit("s")))


def with_commas(amount: pl.Expr) -> pl.Expr:
    """An amount without cents, with commas between thousands."""
    digits = rounded(amount, 0).cast(pl.Int64).cast(pl.String)
    for _ in range(4):
        digits = digits.str.replace(r"(\d)(\d{3})(,|$)", "$1,$2$3")
    return digits


def number_in_words(value: pl.Expr, decimals: int = 0) -> pl.Expr:
    """A number with so many decimals that it lies on the same side of its threshold: 29.6% is below 30%."""
    return rounded(value.cast(pl.Float64), decimals).cast(pl.String).str.strip_suffix(".0")
