"""The price of a subscription brought to a month: from an amount for an interval, or a price per unit and a quantity.

When a price is paid belongs in scoring/recurring_revenue.py.
"""

import polars as pl

from health_assets.contracts.expressions import DECIMALS_OF_MONEY

MONTHS = {"month": 1, "quarter": 3, "year": 12}
PER_MONTH = {"day": 365 / 12, "week": 52 / 12} | {name: 1 / months for name, months in MONTHS.items()}
INTERVALS = list(PER_MONTH)

# Words of billing systems, as `_normalized` leaves them: the interval that they mean, and how many of it.
INTERVAL_WORDS = {
    "day": ("day", 1), "days": ("day", 1), "daily": ("day", 1), "d": ("day", 1),
    "week": ("week", 1), "weeks": ("week", 1), "weekly": ("week", 1), "w": ("week", 1), "wk": ("week", 1),
    "biweekly": ("week", 2), "bi_weekly": ("week", 2), "fortnight": ("week", 2), "fortnightly": ("week", 2),
    "month": ("month", 1), "months": ("month", 1), "monthly": ("month", 1), "m": ("month", 1), "mo": ("month", 1),
    "mon": ("month", 1), "mth": ("month", 1), "calendar_month": ("month", 1), "month_to_month": ("month", 1),
    "quarter": ("quarter", 1), "quarters": ("quarter", 1), "quarterly": ("quarter", 1), "q": ("quarter", 1),
    "qtr": ("quarter", 1), "quarter_year": ("quarter", 1),
    "semiannual": ("month", 6), "semi_annual": ("month", 6), "semiannually": ("month", 6), "semi_annually": ("month", 6),
    "half_year": ("month", 6), "half_yearly": ("month", 6), "halfyearly": ("month", 6), "half_years": ("month", 6),
    "biannual": ("month", 6), "bi_annual": ("month", 6), "biannually": ("month", 6),
    "year": ("year", 1), "years": ("year", 1), "yearly": ("year", 1), "y": ("year", 1), "yr": ("year", 1),
    "annual": ("year", 1), "annually": ("year", 1), "annum": ("year", 1), "a": ("year", 1), "p_a": ("year", 1),
    "biennial": ("year", 2), "biennially": ("year", 2), "triennial": ("year", 3), "triennially": ("year", 3),
}  # fmt: skip


def interval_word() -> dict[str, pl.Expr]:
    """`interval` as one of INTERVALS and `interval_count` with it: "3 months", "every 2 weeks", "P1Y", "semi-annual".

    An unknown word stays as it is. Without a count it is 1.
    """
    word = _normalized(pl.col("interval"))
    number = word.str.extract(r"^p?(\d+)_?[a-z]").cast(pl.Int64, strict=False).fill_null(1)
    name = word.str.replace(r"^p?\d+_?", "")
    units = {word: unit for word, (unit, _) in INTERVAL_WORDS.items()}
    counts = {word: count for word, (_, count) in INTERVAL_WORDS.items()}
    times = number * name.replace_strict(counts, default=1, return_dtype=pl.Int64)
    return {
        "interval": name.replace_strict(units, default=pl.col("interval"), return_dtype=pl.String),
        "interval_count": pl.col("interval_count").fill_null(1) * times,
    }


def is_interval() -> pl.Expr:
    """Whether `interval` is one of INTERVALS, or a word that means one."""
    return interval_word()["interval"].is_in(INTERVALS)


def monthly_price() -> pl.Expr:
    """`mrr_amount`, else the amount for an interval less its discount, per month; null where neither says it.

    An `amount` is that of all units, a `unit_amount` is multiplied by `quantity`. A discount beyond the price makes it 0.
    """
    price = pl.coalesce("amount", pl.col("unit_amount") * pl.col("quantity").fill_null(1))
    due = (price - pl.col("discount_amount").fill_null(0)).clip(lower_bound=0)
    per_month = pl.col("interval").replace_strict(PER_MONTH, default=None, return_dtype=pl.Float64)
    return pl.coalesce("mrr_amount", (due * per_month / pl.col("interval_count")).round(DECIMALS_OF_MONEY))


def _normalized(word: pl.Expr) -> pl.Expr:
    """In lower case, with one underscore for whatever is neither a letter nor a digit, without "every" and "per"."""
    plain = word.str.to_lowercase().str.replace_all(r"[^a-z0-9]+", "_").str.strip_chars("_")
    return plain.str.replace(r"^(every|each|per|once_a)_", "")
