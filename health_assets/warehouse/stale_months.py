"""Which months of a table are out of date, why, and how many of them are written together.

What a month was made from is recorded in the transaction that writes it (storage.py); here it is compared with what the
month would be made from now.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta

import polars as pl

from health_assets.contracts.contract import ON_LOAD_DAY, available_from, dtypes, fingerprint, meta
from health_assets.contracts.history import VALID_FROM, VALID_TO, history_contract
from health_assets.contracts.months import end_of_month, months_after, months_before, months_between
from health_assets.settings import Settings
from health_assets.sources.account_keys import account_by_user
from health_assets.sources.answers import statement_of
from health_assets.sources.events.report import plan_of
from health_assets.sources.parsing import typed
from health_assets.sources.profile import UNREADABLE
from health_assets.sources.readers import read_columns
from health_assets.tables import HISTORIES, TABLES, Table
from health_assets.warehouse.code_version import code_version
from health_assets.warehouse.history import history_of
from health_assets.warehouse.marts_file import ALL_MONTHS
from health_assets.warehouse.quarantined import quarantine_of
from health_assets.warehouse.retention import RAW_MONTHS_READ, deleted_months, first_kept_month
from health_assets.warehouse.sql import literal, registered
from health_assets.warehouse.storage import Warehouse

ROWS_PER_WRITE = 800_000  # months are computed together up to about so many rows


def stale_months(
    warehouse: Warehouse, table: Table, as_of: date, settings: Settings, requested: Iterable[date] = ()
) -> tuple[list[date], dict[date, str]]:
    """The months that a run has to write, and the fingerprint that each then gets.

    A month is out of date when it is missing, was written under another contract or for fewer of its days, when
    what came in for it has changed, or when it is requested; the current month always is, and in its first
    three days the one before. A month whose raw rows were deleted (retention.py) stays as it is until they are read again.
    """
    months, marks = _out_of_date(warehouse, table, as_of, settings, requested)
    if table.is_staged:
        deleted, again = _to_be_read_again(warehouse, table, as_of, settings)
        stale = set(months) - deleted | again
    else:
        deleted = set[date]().union(*(deleted_months(warehouse, TABLES[name]) for name in table.inputs))
        stale = set(months) - {months_after(month, later) for month in deleted for later in range(RAW_MONTHS_READ + 1)}
    return [month for month in marks if month in stale], marks


def _to_be_read_again(
    warehouse: Warehouse, table: Table, as_of: date, settings: Settings
) -> tuple[set[date], set[date]]:
    """The months of a table whose raw rows were deleted, and those of them that files have and other tables need now."""
    deleted = deleted_months(warehouse, table)
    if not deleted:
        return set(), set()
    if not warehouse.fits(table):
        needed = deleted
    else:
        readers = [one for one in TABLES.values() if one.monthly and table.name in one.inputs]
        stale = set[date]().union(*(_out_of_date(warehouse, reader, as_of, settings)[0] for reader in readers))
        needed = {months_before(month, earlier) for month in stale for earlier in range(RAW_MONTHS_READ + 1)}
        if (first := first_kept_month(as_of, settings)) is not None:
            needed |= {month for month in deleted if month >= first}
    return deleted, deleted & needed & _arrivals(warehouse, TABLES[table.inputs[0]]).keys()


def _out_of_date(
    warehouse: Warehouse, table: Table, as_of: date, settings: Settings, requested: Iterable[date] = ()
) -> tuple[list[date], dict[date, str]]:
    """The months that are out of date or requested, and the fingerprint of each month."""
    marks = _fingerprints(warehouse, table, as_of, settings)
    recorded = warehouse.months_of(table.relation)
    current = as_of.replace(day=1)
    always = {current, *requested} | ({(current - timedelta(days=1)).replace(day=1)} if as_of.day <= 3 else set())
    foreign = not warehouse.fits(table)
    always |= _months_of_changed_orphans(warehouse, table, settings)
    always |= _months_of_changed_users(warehouse, table, settings)
    return [
        month
        for month, mark in marks.items()
        if foreign or month in always or recorded.get(month, (None, 0))[0] != mark
    ], marks


def _months_of_changed_orphans(warehouse: Warehouse, table: Table, settings: Settings) -> set[date]:
    """Months with quarantined orphans whose key exists by now, or with rows whose key exists no longer."""
    if not table.is_staged or not warehouse.holds(table.relation):
        return set()
    quarantined = warehouse.cursor().sql(f"select month, reasons, record from {quarantine_of(table)}").pl()
    spelling = settings.sources.get(table.name.removeprefix("staged_"))
    known = available_from(table.contract)
    months: set[date] = set()
    for column, declared in table.contract.columns().items():
        if target := meta(declared, "references"):
            reads, key = target.split(".")
            keys = warehouse.read(TABLES[reads]).select(key).unique().collect()
            orphans = quarantined.filter(pl.col("reasons").list.contains(f"{column}__orphan")).select(
                "month", pl.col("record").str.json_path_match(f"$.{column}").alias(column)
            )
            found = orphans.filter(
                typed(column, pl.String(), pl.String(), settings, spelling).is_in(keys[key].implode())
            )
            months.update(found["month"].drop_nulls())
            cursor = warehouse.cursor()
            with registered(cursor, "existing", keys):
                left = cursor.execute(
                    f"select distinct date_trunc('month', {known})::date from {table.relation} "
                    f"where {column} not in (select {key} from existing)"
                )
                months.update(month for (month,) in left.fetchall())
    return months


def _months_of_changed_users(warehouse: Warehouse, table: Table, settings: Settings) -> set[date]:
    """Months with events that name a user alone, who is known by now or belongs to another account than then."""
    raw = TABLES.get(table.name.replace("staged_", "raw_", 1))
    if raw is None or raw.rows is None or not warehouse.holds(table.relation) or "users" not in settings.sources:
        return set()
    source = raw.name.removeprefix("raw_")
    through = {meta(column, "through") for column in raw.rows.columns().values()} - {None}
    if not through or source not in settings.sources or "account_id" in read_columns(source, raw.rows, settings):
        return set()
    known, (user,) = available_from(table.contract), through
    cursor = warehouse.cursor()
    events = (
        f"select month, json_extract_string(record, '$.{user}') as user_id, null as account_id from {quarantine_of(table)} "
        "where list_contains(reasons, 'account_id__not_null') and month is not null union all "
        f"select date_trunc('month', {known})::date, {user}, account_id from {table.relation}"
    )
    with registered(cursor, "users_now", account_by_user(settings).collect()):
        months = cursor.execute(
            f"select distinct month from ({events}) as event join users_now using (user_id) "
            "where event.account_id is distinct from users_now.account_id"
        ).fetchall()
    return {month for (month,) in months}


def _fingerprints(warehouse: Warehouse, table: Table, as_of: date, settings: Settings) -> dict[date, str]:
    """Month -> hash of the contract, the settings and the code it uses, its last day, and what came in up to it."""
    monthly_inputs = [TABLES[name] for name in table.inputs if TABLES[name].monthly]
    upstream = {name.name: warehouse.months_of(name.relation) for name in monthly_inputs}
    arrivals = [_arrivals(warehouse, TABLES[name]) for name in table.inputs if not TABLES[name].monthly]
    first = min(set[date]().union(*upstream.values(), *arrivals) - {ALL_MONTHS}, default=None)
    if first is None:
        return {}
    arrivals += [_versions(warehouse, HISTORIES[name]) for name in table.histories]
    basis = fingerprint(table.contract) + settings.fingerprint(*table.settings_sections) + code_version(table)
    if table.is_staged and (spelling := settings.sources.get(table.name.removeprefix("staged_"))):
        basis += spelling.model_dump_json(exclude={"path"})
        source = table.name.removeprefix("staged_")
        basis += "".join(statement_of(one, source) for one in spelling.descriptions if one.is_queried)
        basis += plan_of(spelling, source, settings) if spelling.engine else ""
    marks = {}
    for month in months_between(max(first, settings.history_start), as_of):
        start = None if table.lookback_months is None else months_before(month, table.lookback_months)
        made_from = [
            sorted((m, *mark) for m, mark in known.items() if m <= month and (start is None or m >= start))
            for known in upstream.values()
        ] + [
            sorted(
                (m, str(n)) for m, n in known.items() if m <= month and (start is None or m >= start or m == ALL_MONTHS)
            )
            for known in arrivals
        ]
        shape = (basis, min(end_of_month(month), as_of), made_from)
        marks[month] = hashlib.sha256(repr(shape).encode()).hexdigest()[:12]
    return marks


def _arrivals(warehouse: Warehouse, table: Table) -> dict[date, object]:
    """What an input holds by the month from which it is known; by file for the profile of an event source."""
    if not warehouse.holds(table.relation):
        return {}
    if table.rows is not None and "month" in dtypes(table.contract):
        rows = warehouse.cursor().execute(
            f"select month, list((source_file, row_count) order by source_file) from {table.relation} "
            f"where month <> '{UNREADABLE}' group by month"
        )
        return {date.fromisoformat(f"{month}-01"): files for month, files in rows.fetchall()}
    if table.is_staged:
        return _contents(warehouse, table)
    known = available_from(table.contract)
    if known is None:
        return {}
    rows = warehouse.cursor().execute(
        f"select date_trunc('month', {known})::date, count(*) from {table.relation} where {known} is not null group by 1"
    )
    return dict(rows.fetchall())


def _contents(warehouse: Warehouse, table: Table) -> dict[date, object]:
    """A sum of hashes by month, so that a row that is corrected in place is seen.

    A row counts in the month from which it is known, or of its first date, or else in all; each other date counts in its
    own month, with the values that count from it: a payment changes the month in which it was made, not that of the
    invoice. What counts on the load day only changes nothing.
    """
    columns = table.contract.columns().items()
    effective_from = {name: meta(column, "effective_from") for name, column in columns}
    on_load_day = ON_LOAD_DAY["effective_from"]
    dates = [name for name, column in columns if column.dtype.is_temporal() and effective_from[name] != on_load_day]
    own = [name for name, column in columns if not column.dtype.is_temporal() and effective_from[name] is None]
    tied = {day: [name for name, first in effective_from.items() if first == day] for day in dates}
    known = available_from(table.contract)
    first = f"coalesce({', '.join(f'{day}::date' for day in [*([known] if known else dates), literal(ALL_MONTHS)])})"
    undated = [f"case when {day} is null then {name} end" for day, names in tied.items() for name in names]
    entries = [(first, "true", [*own, *undated])]
    entries += [(f"greatest({day}::date, {first})", f"{day} is not null", [day, *own, *tied[day]]) for day in dates]
    each = " union all ".join(
        f"select date_trunc('month', {day})::date as month, hash({number}, {', '.join(content)}) as content "
        f"from {table.relation} where {there}"
        for number, (day, there, content) in enumerate(entries)
    )
    rows = warehouse.cursor().execute(f"select month, count(*), sum(content) from ({each}) group by month")
    return {month: content for month, *content in rows.fetchall()}


def _versions(warehouse: Warehouse, table: Table) -> dict[date, object]:
    """What is remembered of a staged table, by the month in which a version begins and in which it no longer holds."""
    relation, contract = history_of(table), history_contract(table.contract)
    if not warehouse.holds(relation):
        return {}
    key, ended = ", ".join(contract.primary_key()), f"{VALID_TO} + 1"
    content = ", ".join(name for name in dtypes(contract) if name != VALID_TO)
    rows = warehouse.cursor().execute(
        "select month, count(*), sum(content) from ("
        f"select date_trunc('month', {VALID_FROM})::date as month, hash({content}) as content from {relation} union all "
        f"select date_trunc('month', {ended})::date, hash({ended}, {key}) from {relation} where {VALID_TO} is not null"
        ") group by month"
    )
    return {month: counted for month, *counted in rows.fetchall()}


def files_with(warehouse: Warehouse, raw: Table, months: Sequence[date]) -> list[str]:
    """The files of an event source that have rows in some months, or rows without a readable time."""
    rows = warehouse.cursor().execute(
        f"select distinct source_file from {raw.relation} "
        f"where month in {literal([UNREADABLE, *(f'{month:%Y-%m}' for month in months)])}"
    )
    return sorted(file for (file,) in rows.fetchall())


def _rows_by_month(warehouse: Warehouse, table: Table) -> dict[date, int]:
    """Rows of a monthly table, or of the files of an event source, by month; empty for any other table."""
    if table.monthly:
        return {month: count for month, (_, count) in warehouse.months_of(table.relation).items()}
    if table.rows is None or "month" not in dtypes(table.contract):
        return {}
    return {month: sum(count for _, count in files) for month, files in _arrivals(warehouse, table).items()}  # type: ignore[attr-defined]


def _signups(warehouse: Warehouse) -> dict[date, int]:
    """Accounts by the month of their signup; an account has no rows for the days before it."""
    if not warehouse.holds("staged.accounts"):
        return {}
    rows = warehouse.cursor().execute(
        "select date_trunc('month', signup_date)::date, count(*) from staged.accounts group by 1"
    )
    return dict(rows.fetchall())


def written_together(warehouse: Warehouse, table: Table, months: Sequence[date]) -> Iterator[list[date]]:
    """Neighbouring months in groups small enough for memory, by the rows of the inputs in them."""
    sizes = [_rows_by_month(warehouse, TABLES[name]) for name in table.inputs]
    signups = _signups(warehouse)
    group: list[date] = []
    rows = 0
    for month in months:
        members = sum(count for signup, count in signups.items() if signup <= month)
        size = max(members * 31, *(known.get(month, 0) for known in sizes))
        if group and (rows + size > ROWS_PER_WRITE or month != months_after(group[-1], 1)):
            yield group
            group, rows = [], 0
        group.append(month)
        rows += size
    if group:
        yield group
