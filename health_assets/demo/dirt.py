"""Dirty rows as in every real export: a fixed number, added to the good rows, never replacing one.

They show the quarantine at work. `varied` gives other spellings of good values, which must load.
"""

from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True)
class DirtyRow:
    """A copy of the middle row of the source with other values; a text value turns its column into text."""

    source: str
    what: str
    values: dict[str, pl.Expr | str | None] = field(default_factory=dict)
    keeps_key: bool = False


DIRT = (
    DirtyRow("subscriptions", "ended without an end date", {"status": "cancelled", "end_date": None}),
    DirtyRow("subscriptions", "unreadable end", {"end_date": "31/31/2025"}),
    DirtyRow("invoices", "equal duplicate", keeps_key=True),
    DirtyRow("invoices", "same key, another amount", {"amount": pl.col("amount") + 10}, keeps_key=True),
    DirtyRow("invoices", "amount is text", {"amount": "see contract"}),
    DirtyRow("invoices", "unreadable date", {"invoice_date": "soon"}),
    DirtyRow("contract_events", "unreadable date", {"event_date": "2025-02-30"}),
    DirtyRow("support_tickets", "no such account", {"account_id": "ACC-X404"}),
    DirtyRow("support_tickets", "key spelled differently", {"account_id": pl.col("account_id").str.replace("-", "")}),
    DirtyRow("support_tickets", "unreadable date", {"created_at": "yesterday afternoon"}),
    DirtyRow("support_tickets", "resolved before created", {"resolved_at": pl.col("created_at").dt.offset_by("-5h")}),
    DirtyRow("support_tickets", "unknown priority", {"priority": "p9"}),
    DirtyRow("support_tickets", "equal duplicate", keeps_key=True),
    DirtyRow("feedback", "unreadable date", {"feedback_date": "31/31/2025"}),
    DirtyRow("orders", "amount is text", {"total_amount": "free of charge"}),
    DirtyRow("orders", "equal duplicate", keeps_key=True),
    DirtyRow("payments", "unreadable date", {"payment_due_date": "end of month"}),
    DirtyRow(
        "device_readings",
        "uptime and date are text",
        {"uptime_pct": "offline", "reading_date": "the other day"},
        keeps_key=True,
    ),
    DirtyRow("security_incidents", "unknown severity", {"severity": "sev-0"}),
    DirtyRow("workflow_items", "no such account", {"account_id": "ACC-X404"}),
    DirtyRow("outcomes", "unknown result", {"result": "lost"}),
)


def with_dirt(source: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, followed by the dirty rows of the source."""
    dirty = [row for row in DIRT if row.source == source]
    if rows.is_empty() or not dirty:
        return rows
    key = rows.columns[0]
    middle = rows.slice(rows.height // 2, 1)
    texts = {column for row in dirty for column, value in row.values.items() if isinstance(value, str)}
    rows = as_text(rows, texts)
    for number, row in enumerate(dirty, 1):
        new_key = {} if row.keeps_key else {key: pl.col(key) + f"-{number}"}
        values = {name: pl.lit(value) if isinstance(value, str) else value for name, value in row.values.items()}
        copy = as_text(middle.with_columns(**new_key, **values), texts)
        rows = rows.vstack(copy.cast(rows.schema))
    return rows


def as_text(rows: pl.DataFrame, columns: set[str]) -> pl.DataFrame:
    """The columns as text, as in a CSV file."""
    return rows.with_columns(
        pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S")
        if rows.schema[name] == pl.Datetime("ms")
        else pl.col(name).cast(pl.String)
        for name in rows.columns
        if name in columns
    )


def varied(source: str, rows: pl.DataFrame) -> pl.DataFrame:
    """A tenth of the good values spelled differently: dates with a time, upper case, padding, thousands separators."""
    is_odd = pl.col(rows.columns[0]).str.ends_with("7")  # chosen by key, so that equal rows stay equal
    spellings = _SPELLINGS.get(source, {})
    return as_text(rows, set(spellings)).with_columns(
        pl.when(is_odd).then(spelling).otherwise(name).alias(name) for name, spelling in spellings.items()
    )


def _with_time(date: str) -> pl.Expr:
    return pl.col(date) + "T00:00:00"


def _with_thousands_separator(amount: str) -> pl.Expr:
    return pl.col(amount).str.replace(r"^(\d+)(\d{3})(\.|$)", "$1,$2$3")


_SPELLINGS = {
    "accounts": {"signup_date": _with_time("signup_date"), "industry": pl.col("industry").str.to_uppercase()},
    "subscriptions": {"end_date": _with_time("end_date"), "status": pl.col("status").str.to_uppercase()},
    "invoices": {"amount": _with_thousands_separator("amount")},
    "support_tickets": {"priority": " " + pl.col("priority").str.to_uppercase() + " "},
}
