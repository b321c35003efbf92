"""Numbers and counts inside the sentences that tables hold."""

import polars as pl

from health_assets.contracts.expressions import rounded


def bills(invoices: str, payments: str, amount: str | None = None) -> pl.Expr:
    """How many of which kind: "4 invoices (48,750 in all) and 1 shop payment"."""

    def counted(count: str, noun: str) -> pl.Expr:
        plural = pl.when(pl.col(count) == 1).then(pl.lit("")).otherwise(pl.lit("s"))
        return pl.format(f"{{}} {noun}{{}}", count, plural)

    of_invoices = counted(invoices, "invoice")
    if amount:
        of_invoices = pl.coalesce(pl.format("{} ({} in all)", of_invoices, with_commas(pl.col(amount))), of_invoices)
    kinds = {invoices: of_invoices, payments: counted(payments, "shop payment")}
    present = [pl.when(pl.col(count) > 0).then(words) for count, words in kinds.items()]
    return pl.concat_str(present, separator=" and ", ignore_nulls=True)


def with_commas(amount: pl.Expr) -> pl.Expr:
    """An amount without cents, with commas between thousands."""
    digits = rounded(amount, 0).cast(pl.Int64).cast(pl.String)
    for _ in range(4):
        digits = digits.str.replace(r"(\d)(\d{3})(,|$)", "$1,$2$3")
    return digits


def number_in_words(value: pl.Expr, decimals: int = 0) -> pl.Expr:
    """A number with so many decimals that it lies on the same side of its threshold: 29.6 % is below 30 %."""
    return rounded(value.cast(pl.Float64), decimals).cast(pl.String).str.strip_suffix(".0")
