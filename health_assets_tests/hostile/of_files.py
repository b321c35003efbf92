"""Mutations of the file as such: its bytes, its header, its rows as lines."""

import gzip
import json

import polars as pl

from health_assets_tests.hostile.columns_of_sources import FIRST_DATE, KEYS, MONEY
from health_assets_tests.hostile.mutation import Case, Mutation, amount_in, written


def _lines(case: Case) -> list[bytes]:
    return written(case.rows).splitlines()


def rows_cut(case: Case) -> bytes:
    """A share of the rows is missing."""
    return written(case.rows.filter(~case.some(case.chance.choice([0.05, 0.3, 0.6, 0.95]))))


def first_page(case: Case) -> bytes:
    """The export ends after its first page."""
    return written(case.rows.head(max(1, case.rows.height // case.chance.choice([2, 3, 5]))))


def page_repeated(case: Case) -> bytes:
    """The first page stands where the second should."""
    half = case.rows.height // 2
    return written(pl.concat([case.rows.head(half), case.rows.head(half)]))


def last_month_only(case: Case) -> bytes:
    """An incremental export arrives in place of the whole."""
    month = pl.col(FIRST_DATE[case.source]).str.slice(0, 7)
    return written(case.rows.filter(month == month.max()))


def months_old(case: Case) -> bytes:
    """The export of two months ago is delivered again."""
    return written(case.rows.filter(pl.col(FIRST_DATE[case.source]).str.slice(0, 7) <= "2024-10"))


def file_halved(case: Case) -> bytes:
    """The file ends in the middle of a row."""
    content = written(case.rows)
    return content[: int(len(content) * case.chance.uniform(0.2, 0.8))]


def header_only(case: Case) -> bytes:
    return written(case.rows.clear())


def empty_file(case: Case) -> bytes:
    return b""


def header_missing(case: Case) -> bytes:
    """The first row of values stands where the header should."""
    return b"\n".join(_lines(case)[1:])


def header_again(case: Case) -> bytes:
    """Two exports were pasted together, header and all."""
    header, *rows = _lines(case)
    half = len(rows) // 2
    return b"\n".join([header, *rows[:half], header, *rows[half:]])


def title_lines(case: Case) -> bytes:
    """A report's title and an empty line stand above the header."""
    return b"Export of 17 January 2025\n\n" + written(case.rows)


def header_shouted(case: Case) -> bytes:
    return written(case.rows.rename(str.upper))


def header_in_words(case: Case) -> bytes:
    """`Account Id` for `account_id`, as report tools write it."""
    return written(case.rows.rename(lambda name: name.replace("_", " ").title()))


def column_renamed(case: Case) -> bytes:
    column = case.filled_column()
    return written(case.rows.rename({column: f"{column}_v2"}))


def column_dropped(case: Case) -> bytes:
    return written(case.rows.drop(case.filled_column()))


def column_emptied(case: Case) -> bytes:
    return written(case.rows.with_columns(pl.lit(None, pl.String).alias(case.filled_column())))


def column_shifted(case: Case) -> bytes:
    """The values of a column stand one row too low."""
    column = case.filled_column()
    return written(case.rows.with_columns(pl.col(column).shift(1)))


def values_moved_right(case: Case) -> bytes:
    """In some rows a value too many moves all others to the right."""
    header, *rows = _lines(case)
    hit = case.some(case.share())
    return b"\n".join([header, *(b"," + row if is_hit else row for row, is_hit in zip(rows, hit, strict=True))])


def headers_exchanged(case: Case) -> bytes:
    """Two columns stand under each other's name."""
    a, b = case.chance.sample(case.rows.columns, 2)
    return written(case.rows.rename({a: b, b: a}))


def column_twice(case: Case) -> bytes:
    """A column comes twice under one name, the second time empty."""
    header, *rows = _lines(case)
    return b"\n".join([header + b"," + case.filled_column().encode(), *(row + b"," for row in rows)])


def other_source(case: Case) -> bytes:
    """The file of another source has the name of this one."""
    return written(case.others[case.chance.choice(sorted(case.others))])


def rows_doubled(case: Case) -> bytes:
    """Equal rows come twice, as retries write them."""
    return written(pl.concat([case.rows, case.rows.filter(case.some(0.3))]))


def rows_in_conflict(case: Case) -> bytes:
    """Keys come again with another amount."""
    again = case.rows.filter(case.some(0.2))
    amount = amount_in(MONEY[case.source]) + 50
    return written(pl.concat([case.rows, again.with_columns(amount.cast(pl.String).alias(MONEY[case.source]))]))


def keys_made_one(case: Case) -> bytes:
    """Every row has the same key, as a broken export writes them."""
    return written(case.rows.with_columns(pl.lit("1").alias(KEYS[case.source])))


def keys_cut_short(case: Case) -> bytes:
    """Keys lose their last character."""
    return written(case.rows.with_columns(pl.col(KEYS[case.source]).str.head(-1)))


def total_row(case: Case) -> bytes:
    """Spreadsheets end in a line that sums."""
    total = dict.fromkeys(case.rows.columns, "") | {case.rows.columns[0]: "Total"}
    if column := MONEY.get(case.source):
        total[column] = str(case.rows.select(amount_in(column)).to_series().sum())
    return written(case.rows) + ",".join(total.values()).encode() + b"\n"


def blank_lines(case: Case) -> bytes:
    """Empty rows below the last one, as spreadsheets keep them."""
    return written(case.rows) + (b"," * (case.rows.width - 1) + b"\n") * 5


def as_it_is(case: Case) -> bytes:
    return written(case.rows)


def rows_shuffled(case: Case) -> bytes:
    return written(case.rows.sample(fraction=1, shuffle=True, seed=case.chance.randrange(10**6)))


def rows_reversed(case: Case) -> bytes:
    return written(case.rows.reverse())


def columns_shuffled(case: Case) -> bytes:
    return written(case.rows.select(case.chance.sample(case.rows.columns, case.rows.width)))


def unknown_column_added(case: Case) -> bytes:
    return written(case.rows.with_columns(internal_note=pl.lit("n/a")))


def quoted(case: Case) -> bytes:
    return written(case.rows, quote_style="always")


def semicolons(case: Case) -> bytes:
    return written(case.rows, separator=";")


def utf_16(case: Case) -> bytes:
    return written(case.rows).decode().encode("utf-16")


def latin_1(case: Case) -> bytes:
    """A name with an umlaut in another encoding."""
    name = next(
        (name for name in ("company_name", "line_items", "category") if name in case.rows.columns), case.rows.columns[0]
    )
    text = written(case.rows.with_columns(pl.concat_str(name, pl.lit(" Müller")).alias(name)))
    return text.decode().encode("latin-1")


def with_bom_and_crlf(case: Case) -> bytes:
    return b"\xef\xbb\xbf" + written(case.rows).replace(b"\n", b"\r\n")


def padded(case: Case) -> bytes:
    return written(
        case.rows.with_columns(pl.concat_str(pl.lit("  "), name, pl.lit(" ")).alias(name) for name in case.rows.columns)
    )


def stray_quote(case: Case) -> bytes:
    lines = _lines(case)
    lines[len(lines) // 2] = b'"' + lines[len(lines) // 2]
    return b"\n".join(lines)


def extra_commas(case: Case) -> bytes:
    lines = _lines(case)
    for number in case.chance.sample(range(1, len(lines)), max(1, len(lines) // 50)):
        lines[number] += b",surplus"
    return b"\n".join(lines)


def zero_bytes(case: Case) -> bytes:
    content = bytearray(written(case.rows))
    content[len(content) // 2] = 0
    return bytes(content)


def html_page(case: Case) -> bytes:
    """What a sign-in page leaves behind when the export is downloaded without a session."""
    return b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>Please sign in, then try again</body></html>\n"


def error_in_json(case: Case) -> bytes:
    return b'{"error": {"code": 429, "message": "rate limit exceeded"}}'


def json_named_csv(case: Case) -> bytes:
    return json.dumps(case.rows.to_dicts()).encode()


def gzip_named_csv(case: Case) -> bytes:
    return gzip.compress(written(case.rows))


OF_FILES = (
    Mutation("rows cut", rows_cut, needs_history=True),
    Mutation("first page only", first_page, needs_history=True),
    Mutation("first page twice", page_repeated, needs_history=True),
    Mutation("last month only", last_month_only, tuple(name for name in FIRST_DATE if name != "usage_events"), needs_history=True),
    Mutation("months old", months_old, tuple(name for name in FIRST_DATE if name not in ("accounts", "usage_events")), needs_history=True),
    Mutation("file halved", file_halved, needs_history=True),
    Mutation("header only", header_only, needs_history=True),
    Mutation("empty file", empty_file, needs_history=True),
    Mutation("header missing", header_missing),
    Mutation("header again in the middle", header_again),
    Mutation("title above the header", title_lines),
    Mutation("header in upper case", header_shouted),
    Mutation("header in words", header_in_words),
    Mutation("column renamed", column_renamed),
    Mutation("column dropped", column_dropped, needs_history=True),
    Mutation("column emptied", column_emptied, needs_history=True),
    Mutation("column shifted down", column_shifted, tuple(KEYS), needs_history=True),
    Mutation("values moved right", values_moved_right),
    Mutation("headers exchanged", headers_exchanged, needs_history=True),
    Mutation("column twice", column_twice),
    Mutation("file of another source", other_source),
    Mutation("rows doubled", rows_doubled, tuple(KEYS), harmless=True),
    Mutation("rows in conflict", rows_in_conflict, tuple(MONEY)),
    Mutation("one key for all", keys_made_one, tuple(KEYS)),
    Mutation("keys cut short", keys_cut_short, tuple(KEYS)),
    Mutation("total row", total_row),
    Mutation("blank rows", blank_lines),
    Mutation("file delivered twice", as_it_is, ("usage_events",), harmless=True, adds_file=True),
    Mutation("rows shuffled", rows_shuffled, harmless=True),
    Mutation("rows reversed", rows_reversed, harmless=True),
    Mutation("columns shuffled", columns_shuffled, harmless=True),
    Mutation("unknown column added", unknown_column_added, harmless=True),
    Mutation("all values quoted", quoted, harmless=True),
    Mutation("semicolons", semicolons),
    Mutation("UTF-16", utf_16, harmless=True),
    Mutation("Latin-1", latin_1),
    Mutation("byte order mark, CRLF", with_bom_and_crlf, harmless=True),
    Mutation("values padded", padded, harmless=True),
    Mutation("stray quote", stray_quote),
    Mutation("rows too long", extra_commas),
    Mutation("zero byte", zero_bytes),
    Mutation("sign-in page", html_page),
    Mutation("error of an interface", error_in_json),
    Mutation("JSON under a CSV name", json_named_csv),
    Mutation("gzip under a CSV name", gzip_named_csv),
)  # fmt: skip
