"""What happens to exports in real life: each mutation takes one file of a company and returns what arrives instead.

A mutation of the kind `harmless` must change no figure; every other one must leave the figures right, be warned about, or
stop the run. `needs_history` marks what nobody can see on a first load: rows that are simply not there.
"""

import io
import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

Rows = pl.DataFrame
MONEY = {
    "subscriptions": "mrr_amount",
    "invoices": "amount",
    "orders": "total_amount",
}
FIRST_DATE = {
    "accounts": "signup_date",
    "subscriptions": "start_date",
    "invoices": "invoice_date",
    "orders": "order_date",
    "payments": "payment_due_date",
    "support_tickets": "created_at",
}
SECOND_DATE = {
    "subscriptions": "end_date",
    "invoices": "paid_date",
    "payments": "payment_date",
    "support_tickets": "resolved_at",
}
WORDS = {"accounts": "status", "subscriptions": "status", "invoices": "status", "support_tickets": "status"}


@dataclass(frozen=True)
class Mutation:
    """One way in which an export goes wrong, for the sources that have what it needs."""

    name: str
    change: Callable[[Rows, str, random.Random], bytes]
    sources: tuple[str, ...] = ()
    harmless: bool = False
    needs_history: bool = False


def read(content: bytes) -> Rows:
    """A CSV file with every value as text."""
    return pl.read_csv(io.BytesIO(content), infer_schema=False)


def written(rows: Rows, **options: object) -> bytes:
    """The rows as a CSV file."""
    return rows.write_csv(**options).encode()  # type: ignore[call-overload, no-any-return]


def _some(rows: Rows, share: float, chance: random.Random) -> list[bool]:
    count = max(1, round(rows.height * share))
    chosen = set(chance.sample(range(rows.height), min(count, rows.height)))
    return [number in chosen for number in range(rows.height)]


def _share(chance: random.Random) -> float:
    return chance.choice([0.02, 0.1, 0.5, 1.0])


def _replaced(rows: Rows, column: str, value: pl.Expr, share: float, chance: random.Random) -> Rows:
    hit = pl.Series("_hit", _some(rows, share, chance))
    return rows.with_columns(hit).with_columns(pl.when("_hit").then(value).otherwise(column).alias(column)).drop("_hit")


def rows_cut(rows: Rows, source: str, chance: random.Random) -> bytes:
    """A share of the rows is missing."""
    lost = _some(rows, chance.choice([0.05, 0.3, 0.6, 0.95]), chance)
    return written(rows.filter(~pl.Series(lost)))


def file_halved(rows: Rows, source: str, chance: random.Random) -> bytes:
    """The file ends in the middle of a row."""
    content = written(rows)
    return content[: int(len(content) * chance.uniform(0.2, 0.8))]


def header_only(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.clear())


def empty_file(rows: Rows, source: str, chance: random.Random) -> bytes:
    return b""


def column_renamed(rows: Rows, source: str, chance: random.Random) -> bytes:
    column = chance.choice([name for name in rows.columns if rows[name].is_not_null().any()])
    return written(rows.rename({column: f"{column}_v2"}))


def column_dropped(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.drop(chance.choice([name for name in rows.columns if rows[name].is_not_null().any()])))


def column_emptied(rows: Rows, source: str, chance: random.Random) -> bytes:
    column = chance.choice([name for name in rows.columns if rows[name].is_not_null().any()])
    return written(rows.with_columns(pl.lit(None, pl.String).alias(column)))


def headers_exchanged(rows: Rows, source: str, chance: random.Random) -> bytes:
    """Two columns stand under each other's name."""
    a, b = chance.sample(rows.columns, 2)
    return written(rows.rename({a: b, b: a}))


def word_swapped(rows: Rows, source: str, chance: random.Random) -> bytes:
    """A word that means something becomes one that nobody knows."""
    return written(_replaced(rows, WORDS[source], pl.lit("zz_unknown"), _share(chance), chance))


def words_shouted(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.with_columns(pl.col(WORDS[source]).str.to_uppercase()))


def cents_for_units(rows: Rows, source: str, chance: random.Random) -> bytes:
    amount = (pl.col(MONEY[source]).str.replace_all(",", "").cast(pl.Float64) * 100).round(0).cast(pl.Int64)
    return written(rows.with_columns(amount.cast(pl.String).alias(MONEY[source])))


def decimal_comma(rows: Rows, source: str, chance: random.Random) -> bytes:
    amount = pl.col(MONEY[source]).str.replace_all(",", "").cast(pl.Float64)
    text = amount.map_elements(lambda value: f"{value:,.2f}".translate(str.maketrans(",.", ".,")), pl.String)
    return written(rows.with_columns(text.alias(MONEY[source])), separator=";")


def decimal_comma_quoted(rows: Rows, source: str, chance: random.Random) -> bytes:
    amount = pl.col(MONEY[source]).str.replace_all(",", "").cast(pl.Float64)
    text = amount.map_elements(lambda value: f"{value:.3f}".replace(".", ","), pl.String)
    return written(rows.with_columns(text.alias(MONEY[source])))


def amounts_are_words(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(_replaced(rows, MONEY[source], pl.lit("on request"), _share(chance), chance))


def amounts_blank(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(_replaced(rows, MONEY[source], pl.lit(None, pl.String), _share(chance), chance))


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d")


def days_first(rows: Rows, source: str, chance: random.Random) -> bytes:
    column = FIRST_DATE[source]
    return written(rows.with_columns(_day(column).dt.strftime("%d/%m/%Y").alias(column)))


def dates_exchanged(rows: Rows, source: str, chance: random.Random) -> bytes:
    """The two dates of a row stand in each other's column."""
    a, b = FIRST_DATE[source], SECOND_DATE[source]
    return written(rows.rename({a: b, b: a}).select(rows.columns))


def dates_as_serials(rows: Rows, source: str, chance: random.Random) -> bytes:
    column = FIRST_DATE[source]
    serial = (_day(column) - pl.date(1899, 12, 30)).dt.total_days().cast(pl.String)
    return written(rows.with_columns(serial.alias(column)))


def dates_a_century_off(rows: Rows, source: str, chance: random.Random) -> bytes:
    column = FIRST_DATE[source]
    early = pl.col(column).str.replace("^20", "19")
    return written(_replaced(rows, column, early, _share(chance), chance))


def dates_to_come(rows: Rows, source: str, chance: random.Random) -> bytes:
    column = FIRST_DATE[source]
    late = pl.col(column).str.replace("^20", "21")
    return written(_replaced(rows, column, late, _share(chance), chance))


def keys_respelled(rows: Rows, source: str, chance: random.Random) -> bytes:
    spelling = chance.choice(["lower", "no_dash", "number"])
    key = pl.col("account_id")
    ways = {
        "lower": key.str.to_lowercase(),
        "no_dash": key.str.replace("-", ""),
        "number": key.str.replace(r"^ACC-0*", "") + ".0",
    }
    return written(_replaced(rows, "account_id", ways[spelling], _share(chance), chance))


def other_company(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.with_columns(account_id=pl.concat_str(pl.lit("X"), "account_id")))


def rows_doubled(rows: Rows, source: str, chance: random.Random) -> bytes:
    """Equal rows come twice, as retries write them."""
    return written(pl.concat([rows, rows.filter(pl.Series(_some(rows, 0.3, chance)))]))


def rows_in_conflict(rows: Rows, source: str, chance: random.Random) -> bytes:
    """Keys come again with another amount."""
    again = rows.filter(pl.Series(_some(rows, 0.2, chance)))
    amount = pl.col(MONEY[source]).str.replace_all(",", "").cast(pl.Float64) + 50
    return written(pl.concat([rows, again.with_columns(amount.cast(pl.String).alias(MONEY[source]))]))


def rows_shuffled(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.sample(fraction=1, shuffle=True, seed=chance.randrange(10**6)))


def columns_shuffled(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.select(chance.sample(rows.columns, rows.width)))


def unknown_column_added(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows.with_columns(internal_note=pl.lit("n/a")))


def semicolons(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows, separator=";")


def utf_16(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(rows).decode().encode("utf-16")


def with_bom_and_crlf(rows: Rows, source: str, chance: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + written(rows).replace(b"\n", b"\r\n")


def padded(rows: Rows, source: str, chance: random.Random) -> bytes:
    return written(
        rows.with_columns(pl.concat_str(pl.lit("  "), name, pl.lit(" ")).alias(name) for name in rows.columns)
    )


def stray_quote(rows: Rows, source: str, chance: random.Random) -> bytes:
    lines = written(rows).split(b"\n")
    lines[len(lines) // 2] = b'"' + lines[len(lines) // 2]
    return b"\n".join(lines)


def extra_commas(rows: Rows, source: str, chance: random.Random) -> bytes:
    lines = written(rows).split(b"\n")
    for number in chance.sample(range(1, len(lines) - 1), max(1, len(lines) // 50)):
        lines[number] += b",surplus"
    return b"\n".join(lines)


def total_row(rows: Rows, source: str, chance: random.Random) -> bytes:
    """Spreadsheets end in a line that sums."""
    return written(rows) + b"Total," + b"," * (rows.width - 2) + b"\n"


def zero_bytes(rows: Rows, source: str, chance: random.Random) -> bytes:
    content = bytearray(written(rows))
    content[len(content) // 2] = 0
    return bytes(content)


def html_page(rows: Rows, source: str, chance: random.Random) -> bytes:
    """What a sign-in page leaves behind when the export is downloaded without a session."""
    return b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Please sign in, then try again</body></html>\n"


def quarter_prices(rows: Rows, source: str, chance: random.Random) -> bytes:
    """Prices become those of a quarter, and a column says so."""
    amount = pl.col("mrr_amount").str.replace_all(",", "").cast(pl.Float64) * 3
    return written(rows.with_columns(amount.cast(pl.String).alias("mrr_amount"), billing_interval=pl.lit("quarter")))


def last_paid_days(rows: Rows, source: str, chance: random.Random) -> bytes:
    """Periods end on their last paid day, one day before the next begins."""
    end = pl.col("end_date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).dt.offset_by("-1d")
    return written(rows.with_columns(end.cast(pl.String).alias("end_date")))


def months_old(rows: Rows, source: str, chance: random.Random) -> bytes:
    """The export of two months ago is delivered again."""
    column = FIRST_DATE[source]
    return written(rows.filter(pl.col(column).str.slice(0, 7) <= "2024-10"))


HAS_MONEY, HAS_WORDS = tuple(MONEY), tuple(WORDS)
DATED, TWICE_DATED = tuple(FIRST_DATE), tuple(SECOND_DATE)
OF_ACCOUNTS = ("subscriptions", "invoices", "orders", "payments", "support_tickets", "usage_events")
EVERY = ("accounts", *OF_ACCOUNTS)

MUTATIONS = (
    Mutation("rows cut", rows_cut, EVERY, needs_history=True),
    Mutation("file halved", file_halved, EVERY, needs_history=True),
    Mutation("header only", header_only, EVERY, needs_history=True),
    Mutation("empty file", empty_file, EVERY, needs_history=True),
    Mutation("column renamed", column_renamed, EVERY),
    Mutation("column dropped", column_dropped, EVERY, needs_history=True),
    Mutation("column emptied", column_emptied, EVERY, needs_history=True),
    Mutation("headers exchanged", headers_exchanged, EVERY, needs_history=True),
    Mutation("unknown word", word_swapped, HAS_WORDS),
    Mutation("words in upper case", words_shouted, HAS_WORDS, harmless=True),
    Mutation("cents for units", cents_for_units, HAS_MONEY, needs_history=True),
    Mutation("decimal comma, semicolons", decimal_comma, HAS_MONEY),
    Mutation("decimal comma, three digits", decimal_comma_quoted, HAS_MONEY, needs_history=True),
    Mutation("amounts are words", amounts_are_words, HAS_MONEY),
    Mutation("amounts blank", amounts_blank, HAS_MONEY),
    Mutation("days before months", days_first, DATED),
    Mutation("dates exchanged", dates_exchanged, TWICE_DATED),
    Mutation("dates as serial numbers", dates_as_serials, DATED),
    Mutation("dates a century off", dates_a_century_off, DATED, needs_history=True),
    Mutation("dates to come", dates_to_come, DATED, needs_history=True),
    Mutation("account keys respelled", keys_respelled, OF_ACCOUNTS),
    Mutation("file of another company", other_company, OF_ACCOUNTS),
    Mutation("rows doubled", rows_doubled, ("accounts", "subscriptions", "invoices", "support_tickets"), harmless=True),
    Mutation("rows in conflict", rows_in_conflict, HAS_MONEY),
    Mutation("rows shuffled", rows_shuffled, EVERY, harmless=True),
    Mutation("columns shuffled", columns_shuffled, EVERY, harmless=True),
    Mutation("unknown column added", unknown_column_added, EVERY, harmless=True),
    Mutation("semicolons", semicolons, EVERY),
    Mutation("UTF-16", utf_16, EVERY, harmless=True),
    Mutation("byte order mark, CRLF", with_bom_and_crlf, EVERY, harmless=True),
    Mutation("values padded", padded, EVERY, harmless=True),
    Mutation("stray quote", stray_quote, EVERY),
    Mutation("rows too long", extra_commas, EVERY),
    Mutation("total row", total_row, ("subscriptions", "invoices", "orders", "payments")),
    Mutation("zero byte", zero_bytes, EVERY),
    Mutation("sign-in page", html_page, EVERY),
    Mutation("quarterly prices", quarter_prices, ("subscriptions",)),
    Mutation("last paid days", last_paid_days, ("subscriptions",)),
    Mutation("months old", months_old, ("subscriptions", "invoices", "orders", "support_tickets"), needs_history=True),
)


def slug(name: str) -> str:
    """A mutation's name as a folder may have it."""
    return re.sub(r"\W+", "_", name)
