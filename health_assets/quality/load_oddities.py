"""What is odd in a load by itself, such as dates, intervals and states that do not fit together.

Most of it is worth a warning; undeclared order lines stop the run. What differs from the load that was published last is in
quality/load_comparison.py.
"""

import re
from datetime import date

import duckdb

from health_assets.contracts.contract import WARN, Expectation, available_by, available_from, meta
from health_assets.quality.price_oddities import ALL_UNITS, PAID_BEFORE, STATES, price_oddities
from health_assets.quality.short_scales import RATINGS, SCALE, short_scales
from health_assets.quality.unread_exclusions import EXCLUSIONS, exclusions_of, is_read_again
from health_assets.settings import Settings
from health_assets.settings.sections import Revenue
from health_assets.sources.quarantine import SUPERSEDED
from health_assets.sources.readers import read_columns, unknown_columns
from health_assets.tables import TABLES, Table
from health_assets.warehouse.quarantined import load_counts, quarantine_of
from health_assets.warehouse.sql import literal
from health_assets.warehouse.storage import Warehouse

INTERVAL_WORDS = {"interval", "period", "cycle", "frequency", "term", "cadence", "recurrence", "periodicity"}
DATE_WORDS = {"start", "end", "started", "ended", "at", "date", "on", "from", "to", "until", "next", "id"}
SAMPLES = 3
SUBSCRIPTIONS = "staged_subscriptions"
ORDERS = "staged_orders"
INVOICES = "staged_invoices"
ACCOUNTS = "staged_accounts.account_id"

INTERVAL = Expectation(
    "columns__interval_is_read",
    "rule",
    (),
    severity=WARN,
    description="No column of the file that is named like a billing interval is left unread: a price for a year or a quarter "
    "would be taken as one for a month",
)
END_DATES = Expectation(
    "end_date__is_first_unpaid_day",
    "rule",
    (),
    severity=WARN,
    description="Periods of an account follow each other without a day between them. Where they end on the day before the "
    "next begins, or before the day of the month on which they began, end_date is the last paid day",
)
CRM = Expectation(
    "status__agrees_with_crm",
    "rule",
    (),
    severity=WARN,
    description="No account that pays is churned in the CRM, and none whose subscriptions have all ended is active there",
)
LINES = Expectation(
    "order_id__of_lines_is_declared",
    "rule",
    (),
    description="No more than plausibility.undeclared_lines of the rows share their order_id with a different row, unless "
    "sources.orders.duplicates says whether such rows are lines of one order or versions of it",
)
PAID_FOR = Expectation(
    "period_end__is_of_what_is_paid_for",
    "rule",
    (),
    severity=WARN,
    description="With revenue.basis: paid_invoices, no account seems to churn only because its invoices do not say for how "
    "long they pay: with a period of one day, or without a period and months apart",
)
SIGNUP = Expectation(
    "rows__after_signup",
    "rule",
    (),
    severity=WARN,
    description="No more than plausibility.before_signup of the rows are dated before the signup of their account",
)

ONE_ACCOUNT = Expectation(
    "account_id__not_one_for_all",
    "rule",
    (),
    severity=WARN,
    description="Where there are many accounts, not all of many rows are of a single one: the account would be read from a column "
    "that holds something else",
)


def oddity_expectations(table: Table) -> list[Expectation]:
    """What is expected of a load by itself, beyond its contract."""
    of_subscriptions = [INTERVAL, END_DATES, CRM, PAID_BEFORE, ALL_UNITS, STATES] if table.name == SUBSCRIPTIONS else []
    of_others = {ORDERS: [LINES], INVOICES: [PAID_FOR]}.get(table.name, [])
    of_others += ([SCALE] if table.name in RATINGS else []) + ([EXCLUSIONS] if is_read_again(table) else [])
    return of_subscriptions + of_others + ([ONE_ACCOUNT, SIGNUP] if _is_dated_by_account(table) else [])


def find_oddities(table: Table, warehouse: Warehouse, as_of: date, settings: Settings) -> dict[str, str]:
    """The expectations that are broken, each with samples and, where there is one, the setting that helps."""
    cursor, found = warehouse.cursor(), dict[str, str]()
    if table.name == SUBSCRIPTIONS:
        found[INTERVAL.name] = _unread_interval(settings)
        found[END_DATES.name] = _inclusive_ends(cursor, settings)
        found[CRM.name] = _disagreements(cursor, as_of)
        found |= price_oddities(warehouse, as_of, settings)
    if table.name == ORDERS:
        found[LINES.name] = _undeclared_lines(cursor, table, settings)
    if table.name == INVOICES and settings.revenue.basis == "paid_invoices":
        found[PAID_FOR.name] = _unsaid_periods(cursor, as_of, settings.revenue)
    if table.name in RATINGS:
        found[SCALE.name] = short_scales(cursor, table, settings)
    if is_read_again(table):
        found[EXCLUSIONS.name] = exclusions_of(table, settings)
    if _is_dated_by_account(table):
        found[ONE_ACCOUNT.name] = _of_one_account(cursor, table, settings)
        found[SIGNUP.name] = _before_signup(cursor, table, as_of, settings)
    return {name: words for name, words in found.items() if words}


def _is_dated_by_account(table: Table) -> bool:
    columns = table.contract.columns()
    refers = "account_id" in columns and meta(columns["account_id"], "references") == ACCOUNTS
    return refers and available_from(table.contract) is not None and table.name != SUBSCRIPTIONS


def _unread_interval(settings: Settings) -> str:
    rows = TABLES["raw_subscriptions"].rows
    found = unknown_columns("subscriptions", rows, settings) if rows else {}
    unread = {column for columns in found.values() for column in columns}
    named = sorted(column for column in unread if _is_interval(column))
    source = settings.sources.get("subscriptions")
    if not named or (source is not None and all("interval" in one.defaults for one in source.descriptions)):
        return ""
    if rows and "interval" in read_columns("subscriptions", rows, settings):
        return (
            f"{', '.join(named)} of the file is not read, so every price counts as one for a single interval; where it says for "
            f"how many: sources.subscriptions.columns: {{{named[0]}: interval_count}}"
        )
    return (
        f"{', '.join(named)} of the file is not read, so every price counts as one for a month; where it is one for "
        f"another interval: sources.subscriptions.columns: {{<the price>: amount, {named[0]}: interval}}"
    )


def _is_interval(column: str) -> bool:
    words = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column).lower()))
    return bool(words & INTERVAL_WORDS) and not words & DATE_WORDS


def _inclusive_ends(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Accounts whose next period begins on the day after the last one ended, if these are most of those that go on."""
    follows = (
        "from staged.subscriptions as ended join staged.subscriptions as next using (account_id) "
        "where ended.subscription_id <> next.subscription_id and next.start_date = ended.end_date"
    )
    with_gap = f"{follows} + 1"
    (gaps,), (joins,) = _one(cursor, f"select count(*) {with_gap}"), _one(cursor, f"select count(*) {follows}")
    if not gaps or gaps <= joins:
        return "" if joins else _ends_before_their_anniversary(cursor, settings)
    samples = cursor.execute(
        f"select ended.subscription_id, ended.end_date, next.subscription_id, next.start_date {with_gap} order by all "
        f"limit {SAMPLES}"
    ).fetchall()
    shown = ", ".join(f"{ended} ends on {end} and {begun} begins on {start}" for ended, end, begun, start in samples)
    return (
        f"{gaps:,} of {gaps + joins:,} periods end on the day before the next begins ({shown}); if that day is still paid: "
        "sources.subscriptions.end_date_is: last_paid_day"
    )


def _ends_before_their_anniversary(cursor: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Periods that end on the day before the day of the month on which they began, if most do: whole months, the last day included."""
    whole = "day(end_date + 1) = day(start_date)"
    ended = "from staged.subscriptions where end_date > start_date"
    found, rows = _one(cursor, f"select count(*) filter (where {whole}), count(*) {ended}")
    if found < SAMPLES or found < settings.plausibility.ends_before_anniversary * rows:
        return ""
    samples = cursor.execute(
        f"select subscription_id, start_date, end_date {ended} and {whole} order by all limit {SAMPLES}"
    ).fetchall()
    shown = ", ".join(f"{key} from {start} to {end}" for key, start, end in samples)
    return (
        f"{found:,} of {rows:,} periods end on the day before the day of the month on which they began ({shown}); if that day is "
        "still paid: sources.subscriptions.end_date_is: last_paid_day"
    )


def _disagreements(cursor: duckdb.DuckDBPyConnection, as_of: date) -> str:
    """Accounts that pay and are churned in the CRM, and accounts that no longer pay and are active there."""
    day = f"date '{as_of}'"
    billing = (
        f"select account_id, bool_or(start_date <= {day} and mrr_amount > 0 and coalesce(end_date > {day}, true)) as pays, "
        f"bool_and(coalesce(end_date <= {day}, false)) as has_ended from staged.subscriptions group by account_id"
    )
    cases = {"pays|pay": ("churned", "pays"), "no longer pays|no longer pay": ("active", "has_ended")}
    said = []
    for words, (status, case) in cases.items():
        accounts = cursor.execute(
            f"select account_id from staged.accounts join ({billing}) using (account_id) "
            f"where status = '{status}' and {case} order by 1"
        ).fetchall()
        if accounts:
            shown = ", ".join(account for (account,) in accounts[:SAMPLES])
            does = words.split("|")[len(accounts) > 1]
            noun = "accounts" if len(accounts) > 1 else "account"
            but = {"active": "is still active", "churned": "is churned"}[status]
            but = but.replace("is ", "are ", 1) if len(accounts) > 1 else but
            said.append(f"{len(accounts):,} {noun} {does} but {but} in the CRM ({shown})")
    return "; ".join(said)


def _undeclared_lines(cursor: duckdb.DuckDBPyConnection, table: Table, settings: Settings) -> str:
    """Orders of which several different rows came in, where the settings do not say what such rows are."""
    source = settings.sources.get("orders")
    if source is not None and all(description.duplicates for description in source.descriptions):
        return ""
    lost = (
        f"(select json_extract_string(record, '$.order_id') as order_id from {quarantine_of(table)} "
        f"where list_contains(reasons, {literal(SUPERSEDED)}))"
    )
    others, orders = _one(cursor, f"select count(*), count(distinct order_id) from {lost}")
    conflicting, rows = others + orders, load_counts(cursor, table)["rows_read"]
    if not rows or conflicting <= settings.plausibility.undeclared_lines * rows:
        return ""
    samples = cursor.execute(f"select distinct order_id from {lost} order by 1 limit {SAMPLES}").fetchall()
    shown = ", ".join(order for (order,) in samples)
    return (
        f"{conflicting:,} of {rows:,} rows share their order_id with a different row ({shown}). If they are lines of one order, "
        "set sources.orders.duplicates: sum; if they are versions of it, set newest"
    )


def _unsaid_periods(cursor: duckdb.DuckDBPyConnection, as_of: date, revenue: Revenue) -> str:
    """Paid invoices whose account churns after the months that they count for, though they may have paid for longer."""
    paid = (
        "select account_id, min(invoice_id) as invoice_id, coalesce(period_start, invoice_date) as day, "
        "bool_and(period_start is not null) as has_start, max(period_end) as last_day from staged.invoices "
        f"where is_paid and amount > 0 and invoice_date <= date '{as_of}' group by account_id, day"
    )
    gap = revenue.allowed_gap_months
    to_next = f"select *, lead(day) over (partition by account_id order by day) as next_day from ({paid})"
    one_day = (
        f"has_start and coalesce(last_day, day) <= day and coalesce(next_day, date '{as_of}') >= "
        f"day + interval ({revenue.one_day_period_months + gap}) month"
    )
    no_period = (
        f"not has_start and date_trunc('month', next_day) > date_trunc('month', day) + interval ({1 + gap}) month"
    )
    said = []
    for words, case in {
        "a period of one day and none after it; if they pay for longer than the months of revenue.one_day_period_months (now "
        f"{revenue.one_day_period_months}), raise it, or correct period_end": one_day,
        "no period and the next one months later; if they pay for the months between, map their days to period_start and "
        "period_end": no_period,
    }.items():
        found = cursor.execute(f"select invoice_id, account_id from ({to_next}) where {case} order by 1").fetchall()
        if found:
            shown = ", ".join(f"{invoice} of {account}" for invoice, account in found[:SAMPLES])
            said.append(f"invoices with {words}: {len(found):,} ({shown})")
    return "; ".join(said)


def _of_one_account(cursor: duckdb.DuckDBPyConnection, table: Table, settings: Settings) -> str:
    """The account of all rows, where it is the only one of many."""
    account, last, rows, accounts = cursor.execute(
        f"select min(account_id), max(account_id), count(*), (select count(*) from staged.accounts) from {table.relation}"
    ).fetchone() or (None, None, 0, 0)
    if account != last or min(rows, accounts) < settings.plausibility.one_account_rows:
        return ""
    source = table.name.removeprefix("staged_")
    return (
        f"all {rows:,} rows are of account {account}, one of {accounts:,} accounts; is the account in another column? "
        f"sources.{source}.columns: {{<their column>: account_id}}"
    )


def _before_signup(cursor: duckdb.DuckDBPyConnection, table: Table, as_of: date, settings: Settings) -> str:
    known = available_from(table.contract)
    early, rows = _one(
        cursor,
        f"select count(*) filter (where given.{known}::date < signup_date), count(*) from {table.relation} as given "
        f"join staged.accounts using (account_id) where {available_by(table.contract, as_of)}",
    )
    if not rows or early <= settings.plausibility.before_signup * rows:
        return ""
    return (
        f"{early:,} of {rows:,} rows are dated before the signup of their account; is signup_date of the accounts another "
        "date, such as the day on which the record was created?"
    )


def _one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return cursor.execute(query).fetchone() or ()
