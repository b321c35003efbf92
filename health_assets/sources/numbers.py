"""Numbers as files have them: currency signs, decimal and thousands marks, units of time and of currencies."""

import re

import polars as pl
from babel.numbers import get_currency_precision, list_currencies

from health_assets.settings import Settings

SIGNS = "[$€£¥]?"
SIGNED = {
    "US$": "USD", "CA$": "CAD", "C$": "CAD", "AU$": "AUD", "A$": "AUD", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD", "R$": "BRL",
    "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₪": "ILS", "zł": "PLN", "Fr.": "CHF",
}  # signs of one currency; "$" and "¥" are those of several  # fmt: skip
DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP", "TWD")
CODE = "|".join([*sorted(list_currencies()), *(re.escape(sign) for sign in SIGNED)])
AROUND = r"[()A-DF-Za-df-złŁ₹₩₪–—]|-\s*$"  # what an amount may have besides its digits and the signs above
TRUE = [
    "true",
    "t",
    "yes",
    "y",
    "1",
    "1.0",
    "ja",
    "j",
    "oui",
    "si",
    "sí",
    "sì",
    "sim",
    "tak",
    "wahr",
    "vrai",
    "verdadero",
    "vero",
]
FALSE = [
    "false",
    "f",
    "no",
    "n",
    "0",
    "0.0",
    "nein",
    "nee",
    "non",
    "não",
    "nao",
    "nej",
    "nie",
    "falsch",
    "faux",
    "falso",
]
SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "minutes": 60.0}
UNITS_OF_COLUMNS = {"_seconds": 1.0, "_minutes": 60.0, "_hours": 3600.0}  # ending of a column's name -> seconds


def number(text: pl.Expr, decimal: str = ".", thousands: str | None = None) -> pl.Expr:
    """A number with an optional currency and thousands marks; "12,34" is not guessed at.

    Also as accountants and spreadsheets write it: (120.00), 120.00-, 980.- and $1.2k.
    """
    mark = re.escape(thousands if thousands is not None else {".": ",", ",": "."}[decimal])
    mark = {" ": r"[\s\u00A0\u202F]", "'": "['\u2019]"}.get(thousands or "", mark)
    grouped = rf"\d{{1,3}}(?:{mark}\d{{3}})+|" if mark else ""
    point = re.escape(decimal)
    plain = rf"^([-+]?)\s*{SIGNS}\s*([-+]?(?:{grouped}\d+)?(?:{point}\d*)?(?:[eE][-+]?\d+)?)\s*{SIGNS}$"
    text = text.map_batches(_digits_alone, pl.String, is_elementwise=True)
    bare = text.str.replace(plain, "$1$2")
    bare = bare.str.replace_all(mark, "") if mark else bare
    bare = bare if decimal == "." else bare.str.replace(decimal, ".", literal=True)
    return pl.when(text.str.contains(plain) & text.str.contains(r"\d")).then(bare.cast(pl.Float64, strict=False))


def _digits_alone(texts: pl.Series) -> pl.Series:
    """Amounts without currencies in letters, negative ones with the sign in front, thousands as an exponent."""
    if not texts.str.contains(AROUND).any():
        return texts
    return (
        texts.str.replace(rf"^([-+(]?)\s*(?:{CODE})\s*([-+]?{SIGNS}\s*[-+]?[.,]?\d)", "$1$2")
        .str.replace(rf"(\d[.,]?[-–—]{{0,2}}\)?)\s*(?:{CODE})$", "$1")
        .str.replace(r"^\(\s*([^-+()]*\d[^-+()]*)\)$", "-$1")
        .str.replace(r"(\d)[.,][-–—]{1,2}$", "$1")
        .str.replace(r"^([^-+]*\d)\s*-\s*$", "-$1")
        .str.replace(r"(\d)\s?[kK]$", "${1}e3")
    )


def currency_in(text: pl.Expr, reporting_currency: str) -> pl.Expr:
    """The currency that an amount names by a code or a sign; null where it names none.

    A dollar sign alone is that of the reporting currency where that is a dollar, else of the US dollar.
    """
    dollar = reporting_currency if reporting_currency in DOLLARS else "USD"
    found = text.str.extract(rf"^[-+(]?\s*({CODE}|\$)\s*[-+]?{SIGNS}\s*[-+]?[.,]?\d").fill_null(
        text.str.extract(rf"\d[.,]?[-–—]{{0,2}}\)?\s*({CODE}|\$)\)?$")
    )
    return found.replace(SIGNED | {"$": dollar})


def duration_factor(column: str, unit: str) -> float | None:
    """What a number in a unit of time is multiplied by to be in that of the column's name; None if it has none."""
    ours = next((seconds for ending, seconds in UNITS_OF_COLUMNS.items() if column.endswith(ending)), None)
    return SECONDS[unit] / ours if ours and unit in SECONDS else None


def minor_units(currency: pl.Expr | None, settings: Settings) -> pl.Expr:
    """By what an amount in the smallest unit of its currency is divided: 100 for cents, 1 for yen, 1,000 for fils."""
    sizes = {
        code: float(10 ** get_currency_precision(code)) for code in (settings.reporting_currency, *settings.fx_rates)
    }
    usual = pl.lit(sizes[settings.reporting_currency])
    if currency is None:
        return usual
    return currency.str.to_uppercase().replace_strict(sizes, default=None, return_dtype=pl.Float64).fill_null(usual)


def boolean(text: pl.Expr) -> pl.Expr:
    """Words for true and false; any other is null."""
    word = text.str.to_lowercase()
    return pl.when(word.is_in(TRUE)).then(pl.lit(True)).when(word.is_in(FALSE)).then(pl.lit(False))
