"""A key that comes again in a file of orders, invoices, tickets or incidents: lines of one thing, or no key at all."""

from typing import NamedTuple

import polars as pl

from health_assets.sources.guesses.candidates import Candidate
from health_assets.sources.suggested_columns import words_of

THINGS = {  # source -> its key, what all rows of one thing share, and the amount that lines add up to
    "orders": ("order_id", ("account_id", "order_date"), "total_amount"),
    "invoices": ("invoice_id", ("account_id", "invoice_date"), "amount"),
    "support_tickets": ("ticket_id", ("account_id",), None),
    "security_incidents": ("incident_id", ("account_id",), None),
}
OF_A_LINE = {"line", "item", "lineitem", "unit", "price"}  # words in the name of an amount that is not of the whole
SAME = 0.95  # share of the keys whose rows agree
SEVERAL = 0.05  # share of the rows from which on a key that comes again says what the rows are


class Lines(NamedTuple):
    """What the rows of one key are, as keys of the settings, and how to say it."""

    keys: dict[str, str]
    note: str


def is_of_one_thing(candidate: Candidate, source: str, columns: dict[str, str]) -> bool:
    """Whether the rows of a repeated key are of one account and day, as lines of an order are: the key is then one."""
    if source not in THINGS:
        return False
    key, shared, _ = THINGS[source]
    theirs = [columns[ours] for ours in shared if ours in columns]
    if key not in columns or len(theirs) < len(shared):
        return False
    groups = _several(candidate, columns[key]).group_by(columns[key]).agg(pl.col(theirs).drop_nulls().n_unique() <= 1)
    return groups.height > 0 and bool(groups.select(pl.all_horizontal(theirs).mean()).item() >= SAME)


def lines_of(candidate: Candidate, source: str, columns: dict[str, str]) -> Lines | None:
    """What to do with the rows of one key; None where hardly any come again, or where they are no lines of one thing."""
    if source not in THINGS:
        return None
    key, _, ours = THINGS[source]
    if ours is None or key not in columns or ours not in columns or not is_of_one_thing(candidate, source, columns):
        return None
    several, amount = _several(candidate, columns[key]), columns[ours]
    if several.height <= SEVERAL * candidate.rows.height:
        return None
    groups = several.group_by(columns[key]).agg(
        amounts=pl.col(amount).drop_nulls().n_unique(), filled=pl.col(amount).count()
    )
    is_of_a_line = bool(OF_A_LINE & set(words_of(amount)))
    if is_of_a_line or (groups["amounts"] > 1).mean() > 1 - SAME:  # type: ignore[operator]
        return Lines(
            {"duplicates": "sum"},
            f"rows of one {columns[key]} are read as its lines, whose {amount} is added; if they are versions of it: duplicates: newest",
        )
    if (groups["filled"] == 1).mean() >= SAME:  # type: ignore[operator]
        name = amount.replace('"', '""')
        condition = f""""{name}" is not null and "{name}" <> ''"""
        return Lines(
            {"where": condition}, f"{amount} is on one line of each {columns[key]}; the other lines are left out"
        )
    return Lines(
        {"duplicates": "newest"},
        f"{amount} is the same on every line of one {columns[key]}, so it is read once; if it is that of a line: duplicates: sum",
    )


def _several(candidate: Candidate, key: str) -> pl.DataFrame:
    """The rows whose key comes again; blanks are null."""
    rows = candidate.rows.with_columns(pl.all().str.strip_chars().replace("", None))
    return rows.filter(pl.col(key).is_not_null() & pl.col(key).is_duplicated())
