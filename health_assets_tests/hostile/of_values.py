"""Mutations of values: amounts, dates, words, keys, in all rows or in some of them."""

import polars as pl

from health_assets_tests.hostile.columns_of_sources import (
    BOOLEANS,
    FIRST_DATE,
    MOMENTS,
    MONEY,
    OF_ACCOUNTS,
    RATIOS,
    SECOND_DATE,
    WORDS,
)
from health_assets_tests.hostile.mutation import Case, Mutation, amount_in, written


def word_swapped(case: Case) -> bytes:
    """A word that means something becomes one that nobody knows."""
    return case.replaced(WORDS[case.source], pl.lit("zz_unknown"), case.share())


def words_exchanged(case: Case) -> bytes:
    """The two most frequent words stand for each other."""
    column = WORDS[case.source]
    words = case.rows[column].drop_nulls().value_counts(sort=True)[column].to_list()[:2]
    swapped = dict(zip(words, reversed(words), strict=True))
    return written(case.rows.with_columns(pl.col(column).replace(swapped)))


def words_shouted(case: Case) -> bytes:
    return written(case.rows.with_columns(pl.col(WORDS[case.source]).str.to_uppercase()))


def words_for_blank(case: Case) -> bytes:
    """Blanks are written as a word, as databases do."""
    word = case.chance.choice(["NULL", "N/A", "-", "None", "nan"])
    return written(case.rows.with_columns(pl.all().fill_null(word)))


def booleans_inverted(case: Case) -> bytes:
    column = BOOLEANS[case.source]
    return written(case.rows.with_columns(pl.col(column).replace({"true": "false", "false": "true"})))


def booleans_as_numbers(case: Case) -> bytes:
    column = BOOLEANS[case.source]
    return written(case.rows.with_columns(pl.col(column).replace({"true": "1", "false": "0"})))


def cents(case: Case) -> bytes:
    return case.amounts(lambda amount: (amount * 100).round(0).cast(pl.Int64))


def cents_in_some(case: Case) -> bytes:
    return case.amounts(lambda amount: (amount * 100).round(0).cast(pl.Int64), case.chance.choice([0.1, 0.3, 0.5]))


def thousandths(case: Case) -> bytes:
    return case.amounts(lambda amount: amount / 1000)


def year_prices(case: Case) -> bytes:
    """Prices of a year without a column that says so."""
    return case.amounts(lambda amount: amount * 12)


def signs_flipped(case: Case) -> bytes:
    return case.amounts(lambda amount: -amount, case.share())


def amounts_zero(case: Case) -> bytes:
    return case.amounts(lambda amount: amount * 0, case.share())


def amounts_are_words(case: Case) -> bytes:
    return case.replaced(MONEY[case.source], pl.lit("on request"), case.share())


def amounts_blank(case: Case) -> bytes:
    """Some amounts are missing; a column without any is the harm `column emptied`."""
    return case.replaced(MONEY[case.source], pl.lit(None, pl.String), case.chance.choice([0.02, 0.1, 0.5]))


def with_signs(case: Case) -> bytes:
    """`$1,234.50` for 1234.5."""
    column = MONEY[case.source]
    text = amount_in(column).map_elements(lambda value: f"${value:,.2f}", pl.String)
    return written(case.rows.with_columns(text.alias(column)))


def _european(case: Case, decimals: int) -> pl.Expr:
    amount = amount_in(MONEY[case.source])
    marks = str.maketrans(",.", ".,")
    return amount.map_elements(lambda value: f"{value:,.{decimals}f}".translate(marks), pl.String)


def decimal_comma(case: Case) -> bytes:
    return written(case.rows.with_columns(_european(case, 2).alias(MONEY[case.source])), separator=";")


def decimal_comma_in_some(case: Case) -> bytes:
    return case.replaced(MONEY[case.source], _european(case, 2), case.chance.choice([0.05, 0.3, 0.5]))


def decimal_comma_three_digits(case: Case) -> bytes:
    return written(case.rows.with_columns(_european(case, 3).alias(MONEY[case.source])))


def unknown_currency(case: Case) -> bytes:
    return case.replaced("currency", pl.lit("CHF"), case.share())


def currency_dropped(case: Case) -> bytes:
    return written(case.rows.drop("currency"))


def percent_for_share(case: Case) -> bytes:
    """A ratio or rating on a scale a hundred times as large."""
    column = RATIOS[case.source]
    return written(case.rows.with_columns((amount_in(column) * 100).cast(pl.String).alias(column)))


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d")


def _of_first_date(case: Case, of: pl.Expr) -> bytes:
    return written(case.rows.with_columns(of.alias(FIRST_DATE[case.source])))


def days_first(case: Case) -> bytes:
    return _of_first_date(case, _day(FIRST_DATE[case.source]).dt.strftime("%d/%m/%Y"))


def days_first_in_some(case: Case) -> bytes:
    column = FIRST_DATE[case.source]
    return case.replaced(column, _day(column).dt.strftime("%d/%m/%Y"), case.chance.choice([0.05, 0.3]))


def day_and_month_exchanged(case: Case) -> bytes:
    """2024-03-05 becomes 2024-05-03, where that is a day."""
    day = _day(FIRST_DATE[case.source])
    other = pl.when(day.dt.day() <= 12).then(day.dt.strftime("%Y-%d-%m")).otherwise(day.dt.strftime("%Y-%m-%d"))
    return _of_first_date(case, other)


def dates_exchanged(case: Case) -> bytes:
    """The two dates of a row stand in each other's column."""
    a, b = FIRST_DATE[case.source], SECOND_DATE[case.source]
    return written(case.rows.rename({a: b, b: a}).select(case.rows.columns))


def dates_as_serials(case: Case) -> bytes:
    serial = (_day(FIRST_DATE[case.source]) - pl.date(1899, 12, 30)).dt.total_days()
    return _of_first_date(case, serial.cast(pl.String))


def dates_as_epochs(case: Case) -> bytes:
    return _of_first_date(case, _day(FIRST_DATE[case.source]).dt.epoch("s").cast(pl.String))


def dates_a_century_off(case: Case) -> bytes:
    column = FIRST_DATE[case.source]
    return case.replaced(column, pl.col(column).str.replace("^20", "19"), case.share())


def dates_to_come(case: Case) -> bytes:
    column = FIRST_DATE[case.source]
    return case.replaced(column, pl.col(column).str.replace("^20", "21"), case.share())


def dates_all_today(case: Case) -> bytes:
    """The day of the export stands where the day of the record should."""
    return _of_first_date(case, pl.lit("2025-01-17"))


def dates_a_year_early(case: Case) -> bytes:
    column = FIRST_DATE[case.source]
    return written(
        case.rows.with_columns(
            (pl.col(column).str.slice(0, 4).cast(pl.Int64) - 1).cast(pl.String) + pl.col(column).str.slice(4)
        )
    )


def times_shifted(case: Case) -> bytes:
    """The first time of each row in another zone than the others."""
    column = FIRST_DATE[case.source]
    moved = pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f").dt.offset_by(case.chance.choice(["-8h", "5h", "9h"]))
    return _of_first_date(case, moved.dt.strftime("%Y-%m-%dT%H:%M:%S"))


def never_is_the_epoch(case: Case) -> bytes:
    """A date that is not there is written as the first of January 1970."""
    column = SECOND_DATE[case.source]
    return written(case.rows.with_columns(pl.col(column).fill_null("1970-01-01")))


def never_is_far_away(case: Case) -> bytes:
    """A date that is not there is written as the last day of the year 9999."""
    column = SECOND_DATE[case.source]
    return written(case.rows.with_columns(pl.col(column).fill_null("9999-12-31")))


def keys_respelled(case: Case) -> bytes:
    key = pl.col("account_id")
    ways = {
        "lower": key.str.to_lowercase(),
        "no dash": key.str.replace("-", ""),
        "float": key.str.replace(r"^ACC-0*", "") + ".0",
        "more zeros": key.str.replace("-", "-00"),
    }
    return case.replaced("account_id", ways[case.chance.choice(list(ways))], case.share())


def other_company(case: Case) -> bytes:
    return written(case.rows.with_columns(account_id=pl.concat_str(pl.lit("X"), "account_id")))


def one_account(case: Case) -> bytes:
    """Every row names the account of the first."""
    return written(case.rows.with_columns(account_id=pl.lit(case.rows["account_id"][0])))


def accounts_shuffled(case: Case) -> bytes:
    """Rows name the account of another row, as a sort of one column alone leaves them."""
    keys = case.rows["account_id"].sample(fraction=1, shuffle=True, seed=case.chance.randrange(10**6))
    return written(case.rows.with_columns(account_id=keys))


def quarter_prices(case: Case) -> bytes:
    """Prices become those of a quarter, and a column says so."""
    amount = amount_in("mrr_amount") * 3
    return written(
        case.rows.with_columns(amount.cast(pl.String).alias("mrr_amount"), billing_interval=pl.lit("quarter"))
    )


def last_paid_days(case: Case) -> bytes:
    """Periods end on their last paid day, one day before the next begins."""
    end = pl.col("end_date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).dt.offset_by("-1d")
    return written(case.rows.with_columns(end.cast(pl.String).alias("end_date")))


HAS_MONEY, HAS_WORDS, HAS_BOOLEANS = tuple(MONEY), tuple(WORDS), tuple(BOOLEANS)
TWICE_DATED = tuple(SECOND_DATE)

OF_VALUES = (
    Mutation("unknown word", word_swapped, HAS_WORDS),
    Mutation("words exchanged", words_exchanged, HAS_WORDS, needs_history=True),
    Mutation("words in upper case", words_shouted, HAS_WORDS, harmless=True),
    Mutation("words for blank", words_for_blank, harmless=True),
    Mutation("booleans inverted", booleans_inverted, HAS_BOOLEANS, needs_history=True),
    Mutation("booleans as numbers", booleans_as_numbers, HAS_BOOLEANS, harmless=True),
    Mutation("cents for units", cents, HAS_MONEY, needs_history=True),
    Mutation("cents in some rows", cents_in_some, HAS_MONEY, needs_history=True),
    Mutation("thousandths", thousandths, HAS_MONEY, needs_history=True),
    Mutation("prices of a year", year_prices, ("subscriptions",), needs_history=True),
    Mutation("signs flipped", signs_flipped, HAS_MONEY, needs_history=True),
    Mutation("amounts of zero", amounts_zero, HAS_MONEY, needs_history=True),
    Mutation("amounts are words", amounts_are_words, HAS_MONEY),
    Mutation("amounts blank", amounts_blank, HAS_MONEY),
    Mutation("currency signs, thousands marks", with_signs, HAS_MONEY, harmless=True),
    Mutation("decimal comma, semicolons", decimal_comma, HAS_MONEY),
    Mutation("decimal comma in some rows", decimal_comma_in_some, HAS_MONEY),
    Mutation("decimal comma, three digits", decimal_comma_three_digits, HAS_MONEY, needs_history=True),
    Mutation("unknown currency", unknown_currency, HAS_MONEY),
    Mutation("currency dropped", currency_dropped, HAS_MONEY, harmless=True),
    Mutation("percent for a share", percent_for_share, tuple(RATIOS)),
    Mutation("days before months", days_first),
    Mutation("days before months in some rows", days_first_in_some),
    Mutation("day and month exchanged", day_and_month_exchanged, needs_history=True),
    Mutation("dates exchanged", dates_exchanged, TWICE_DATED),
    Mutation("dates as serial numbers", dates_as_serials),
    Mutation("dates as epochs", dates_as_epochs),
    Mutation("dates a century off", dates_a_century_off, needs_history=True),
    Mutation("dates to come", dates_to_come, needs_history=True),
    Mutation("dates all of today", dates_all_today, needs_history=True),
    Mutation("dates a year early", dates_a_year_early, needs_history=True),
    Mutation("times in another zone", times_shifted, MOMENTS, needs_history=True),
    Mutation("never is 1970", never_is_the_epoch, TWICE_DATED),
    Mutation("never is 9999", never_is_far_away, TWICE_DATED, harmless=True),
    Mutation("account keys respelled", keys_respelled, OF_ACCOUNTS),
    Mutation("file of another company", other_company, OF_ACCOUNTS),
    Mutation("one account for all", one_account, OF_ACCOUNTS, needs_history=True),
    Mutation("accounts shuffled", accounts_shuffled, OF_ACCOUNTS, needs_history=True),
    Mutation("quarterly prices", quarter_prices, ("subscriptions",)),
    Mutation("last paid days", last_paid_days, ("subscriptions",)),
)  # fmt: skip
