"""What the amounts of subscriptions are: of a month, of an interval, of one unit or of all."""

import re

import polars as pl

from health_assets.settings import DEFAULTS, load
from health_assets.sources.guesses.matching import ZONES, Match
from health_assets.sources.guesses.names import IN_CENTS
from health_assets.sources.moments import moment
from health_assets.sources.numbers import number

FEW = 3  # periods that prove nothing yet
INCLUSIVE = re.compile(
    r"last (?:paid |active )?day|through|inclusive|letzter tag|dernier jour|[uú]ltimo d[ií]a|ultimo giorno|laatste dag",
    re.IGNORECASE,
)
CENTS = 100  # at the least, where amounts are in them


def settle_prices(match: Match) -> list[str]:
    """Correct what each amount of subscriptions is taken for by what the rows show; what to look at."""
    columns, notes = match.columns, []
    rows = match.candidate.rows
    if "interval_count" in columns and "interval" not in columns:
        del columns["interval_count"]
    if {"mrr_amount", "end_date"} <= set(columns):
        notes += _price_of_ended_periods(columns, rows)
    if {"amount", "quantity"} <= set(columns) and "unit_amount" not in columns and "mrr_amount" not in columns:
        notes += _of_a_unit_or_of_all(columns, rows)
    for ours in ("mrr_amount", "amount", "unit_amount"):
        if (
            ours in columns
            and not IN_CENTS.search(columns[ours])
            and _may_be_cents(match.candidate.values(columns[ours]))
        ):
            notes.append(
                f"{columns[ours]}: all amounts are whole numbers of {CENTS} and more; if they are cents: unit: {{{ours}: minor}}"
            )
    return notes


def _price_of_ended_periods(columns: dict[str, str], rows: pl.DataFrame) -> list[str]:
    """An MRR that is 0 on all rows that have an end is what is paid now: the price says what was paid."""
    theirs = columns["mrr_amount"]
    has_end = pl.col(columns["end_date"]).str.strip_chars().fill_null("") != ""
    ended = rows.filter(has_end).select(number(pl.col(theirs))).to_series()
    if (
        ended.is_empty()
        or (ended.fill_null(0) != 0).any()
        or "interval" not in columns
        or not {"amount", "unit_amount"} & set(columns)
    ):
        return []
    del columns["mrr_amount"]
    return [f"{theirs} is 0 on every row that has ended, so it is what is paid now; the price is read instead"]


def _of_a_unit_or_of_all(columns: dict[str, str], rows: pl.DataFrame) -> list[str]:
    """Of a plan, the price of a unit is the same for any quantity, that of all units grows with it."""
    plan = [
        columns[ours]
        for ours in ("product_name", "plan_tier", "interval", "interval_count", "currency")
        if ours in columns
    ]
    priced = rows.select(*plan, amount=number(pl.col(columns["amount"])), quantity=number(pl.col(columns["quantity"])))
    priced = priced.filter(pl.col("amount") > 0, pl.col("quantity") > 0)
    if priced["quantity"].max() in (None, 1):
        return []
    several = (
        priced.group_by(plan)
        .agg(
            pl.col("quantity").n_unique(),
            amounts=pl.col("amount").n_unique(),
            units=(pl.col("amount") / pl.col("quantity")).round(2).n_unique(),
        )
        .filter(pl.col("quantity") > 1)
    )
    theirs, of_one, of_all = columns["amount"], (several["amounts"] == 1).sum(), (several["units"] == 1).sum()
    if of_one > of_all:
        columns["unit_amount"] = columns.pop("amount")
        return [f"{theirs} is the same whatever the quantity, so it is read as the price of one unit"]
    if of_all > of_one:
        return []
    return [f"{theirs} is read as the price of all units; if it is that of one: columns: {{{theirs}: unit_amount}}"]


def _may_be_cents(values: pl.Series) -> bool:
    read = values.to_frame("text").select(number(pl.col("text"))).to_series().drop_nulls()
    paid = read.filter(read > 0)
    is_written_whole = values.str.contains(r"^\d+$").all()
    return bool(is_written_whole and len(paid) and paid.min() >= CENTS)  # type: ignore[operator]


def is_last_paid_day(match: Match, formats: list[str]) -> bool:
    """Whether the end of a period is still paid: its name says so, or most end on the day before the one on which they began."""
    columns = match.columns
    if "end_date" not in columns:
        return False
    if INCLUSIVE.search(columns["end_date"]):
        return True
    days = match.candidate.rows.select(
        start=moment(pl.col(columns["start_date"]), pl.String(), ZONES, formats, None).dt.date(),
        end=moment(pl.col(columns["end_date"]), pl.String(), ZONES, formats, None).dt.date(),
    ).filter(pl.col("end") > pl.col("start"))
    is_whole = (days["end"].dt.offset_by("1d").dt.day() == days["start"].dt.day()).sum()
    return bool(is_whole >= max(FEW, load(DEFAULTS).plausibility.ends_before_anniversary * days.height))
