"""Nothing dated after the as-of day may change any fact or mart of that day: a company with and without its future."""

import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, given, note
from hypothesis import settings as effort
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.contracts.contract import available_from, dtypes
from health_assets.sources.columns import given_columns
from health_assets.sources.parsing import FILE, ROW
from health_assets.tables import Table
from health_assets_tests.every_table import evaluated, staged_tables

pytestmark = pytest.mark.slow

FIRST, LOADED = date(2024, 6, 1), date(2025, 3, 10)
SETTINGS = company_settings.load(company_settings.DEFAULTS)
SETTINGS = SETTINGS.model_copy(
    update={
        "as_of": LOADED,
        "history_start": FIRST,
        "stale_after_days": {},
        "churn_model": SETTINGS.churn_model.model_copy(update={"min_churned": 1}),  # of eight accounts few leave
        "backtest": SETTINGS.backtest.model_copy(update={"lead_days": 3, "horizon_days": 30, "history_days": 10}),
    }
)
ACCOUNTS, ROWS, BLANK = 8, 80, 0.2
AGREED = {
    "due_date", "payment_due_date", "period_start", "period_end", "trial_end_date", "first_paid_date", "renewal_date",
    "expiry_date",
}  # fmt: skip
OF_A_MONTH = {"fact_account_feature_monthly", "mart_customer_health_parts"}  # of the as-of month up to the as-of day
WORDS = {"currency": ["USD"], "event_name": ["dashboard_viewed", "email_sent", "api_call", "own_event"]}
STATUS = pl.col("status").cast(pl.String)
FOLLOWS = {  # table -> date -> what a file says of a row before the date is there
    "staged_invoices": {
        "paid_date": {"status": STATUS.replace(["paid", "credited", "refunded"], "open"), "is_paid": pl.lit(False)}
    },
    "staged_support_tickets": {
        "resolved_at": {"status": STATUS.replace(["resolved", "closed"], "open"), "satisfaction_score": pl.lit(None)},
        "escalated_at": {"status": STATUS.replace("escalated", "open"), "is_escalated": pl.lit(False)},
    },
    "staged_security_incidents": {
        "responded_at": {"worked_within_sla": pl.lit(None)},
        "contained_at": {"is_false_positive": pl.lit(None)},
    },
}


@pytest.mark.slow
@effort(max_examples=6, deadline=None, derandomize=True, phases=[Phase.generate])  # a seed does not shrink
@given(seed=st.integers(0, 10_000), days_before_load=st.sampled_from([1, 10, 38, 70]))
def test_later_rows_and_dates_change_no_table_of_the_day(seed: int, days_before_load: int) -> None:
    as_of = LOADED - timedelta(days=days_before_load)
    note(f"as of {as_of}")
    company = staged_company(seed)
    known = {name: without_future(name, rows, as_of) for name, rows in company.items()}
    with_future, without = evaluated(company, SETTINGS, as_of), evaluated(known, SETTINGS, as_of)
    changed = {name: difference for name in without if (difference := differ(name, with_future[name], without[name]))}
    assert changed == {}


@pytest.mark.slow
@pytest.mark.parametrize("days_before_load", [1, 40])
def test_one_backfill_gives_the_days_that_daily_runs_gave(days_before_load: int) -> None:
    as_of = LOADED - timedelta(days=days_before_load)
    company = staged_company(2)
    by_day = {name: table for name, table in load_all().items() if table.monthly and not table.is_staged}
    daily, backfill = evaluated(company, SETTINGS, as_of), evaluated_when_loaded(2)
    changed = {}
    for name, table in by_day.items():
        day = pl.col(str(available_from(table.contract)))
        compared = day < as_of.replace(day=1) if name in OF_A_MONTH else day <= as_of
        if difference := differ(name, daily[name].filter(compared), backfill[name].filter(compared)):
            changed[name] = difference
    assert changed == {}


def test_the_company_has_rows_in_every_table_before_and_after_the_day() -> None:
    """Else the property says nothing."""
    as_of = LOADED - timedelta(days=38)
    company = staged_company(1)
    assert {name for name, table in load_all().items() if table.is_staged} == company.keys()
    for name, rows in company.items():
        known = without_future(name, rows, as_of)
        assert known.height > 0, name
        assert known.height < rows.height or not any(dtype.is_temporal() for dtype in rows.schema.values()), name
    made = evaluated(company, SETTINGS, as_of)
    assert sum(rows.is_empty() for rows in made.values()) <= len(made) / 10  # rows are random, some tables want many


@cache
def staged_company(seed: int) -> Mapping[str, pl.DataFrame]:
    """The staged tables of a random company; each table is made when it is first read."""
    return staged_tables(raw_company(random.Random(seed)), SETTINGS)


@cache
def evaluated_when_loaded(seed: int) -> Mapping[str, pl.DataFrame]:
    """All tables of a random company as of the load day."""
    return evaluated(staged_company(seed), SETTINGS, LOADED)


def raw_company(chance: random.Random) -> dict[str, pl.LazyFrame]:
    """Random rows of every source, as text, in the shapes that their staged tables expect."""
    staged = [table for table in load_all().values() if table.is_staged]
    signups = {f"A{n}": FIRST + timedelta(days=chance.randrange(260)) for n in range(ACCOUNTS)} | {"A0": FIRST}
    raw = {}
    for table in staged:
        source = load_all()[table.inputs[0]]
        columns = given_columns(source.rows)  # type: ignore[arg-type]
        count = ACCOUNTS if table.name == "staged_accounts" else ROWS
        rows = [raw_row(chance, table, columns, number, signups) for number in range(count)]
        shape = dict.fromkeys(columns, pl.String) | {FILE: pl.String, ROW: pl.Int64}
        raw[source.name] = pl.DataFrame(rows, schema=shape, orient="row").lazy()
    return raw


def raw_row(
    chance: random.Random, table: Table, columns: list[str], number: int, signups: dict[str, date]
) -> dict[str, Any]:
    """A row of an account after its signup; its first date is its own, the others come after it."""
    account = f"A{number % ACCOUNTS}"
    first = signups[account] + timedelta(days=chance.randrange((LOADED - signups[account]).days + 1))
    row: dict[str, Any] = {FILE: "random.csv", ROW: number + 1}
    contract, key = table.contract.columns(), table.contract.primary_key()
    seen_date = False
    for name in columns:
        if name not in contract:
            continue
        column = contract[name]
        dtype = column.dtype
        if name == "account_id":
            row[name] = account
        elif name == "signup_date":
            row[name] = signups[account].isoformat()
        elif column.nullable and seen_date and chance.random() < BLANK:
            row[name] = None
        elif dtype.is_temporal():
            day = first + timedelta(days=chance.randrange(50)) if seen_date else first
            row[name] = (datetime(day.year, day.month, day.day, chance.randrange(24))).isoformat(sep=" ")
            row[name] = row[name] if dtype == pl.Datetime else row[name][:10]
            seen_date = True
        elif name in key:
            row[name] = f"K{number % ROWS}"
        elif name.endswith("_id"):
            row[name] = f"K{chance.randrange(ACCOUNTS)}"
        else:
            row[name] = raw_value(chance, name, column)
    return row


def raw_value(chance: random.Random, name: str, column: Any) -> str:
    if isinstance(column.dtype, pl.Enum):
        return chance.choice(column.dtype.categories.to_list())
    if column.dtype == pl.Boolean:
        return chance.choice(["true", "false"])
    if column.dtype.is_numeric():
        low, high = getattr(column, "min", None) or 0, getattr(column, "max", None) or 100
        number = chance.uniform(low, high)
        return str(int(number)) if column.dtype.is_integer() else f"{number:.2f}"
    return chance.choice(WORDS.get(name, ["alpha", "beta"]))


def without_future(name: str, rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """The rows as they were on the evening of the day."""
    table = load_all()[name]
    dates = [column for column, dtype in dtypes(table.contract).items() if dtype.is_temporal()]
    if not dates:
        return rows
    past = rows.filter(pl.col(available_from(table.contract) or dates[0]).cast(pl.Date) <= as_of)
    for event, before in FOLLOWS.get(name, {}).items():
        is_later = pl.col(event).cast(pl.Date) > as_of
        past = past.with_columns(
            pl.when(is_later).then(value.cast(rows.schema[column])).otherwise(column).alias(column)
            for column, value in before.items()
        )
    happened = [column for column in dates if column not in AGREED]
    return past.with_columns(pl.when(pl.col(column).cast(pl.Date) <= as_of).then(column) for column in happened)


def differ(name: str, one: pl.DataFrame, other: pl.DataFrame) -> str:
    """How two versions of a table differ; blank if they do not."""
    key = load_all()[name].contract.primary_key()
    try:
        assert_frame_equal(one.sort(key) if key else one, other.sort(key) if key else other)
    except AssertionError as error:
        return str(error)
    return ""
