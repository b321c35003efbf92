"""Scoring a month of a large company, beside reducing its events: python benchmarks/scoring.py [accounts] [events a day].

Every account is scored on every day of the month in one run. What it takes is compared with the reduction of the same
month's events to account x day, which nobody can do without. No files are read: only transforms are timed.
"""

import sys
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.contracts.contract import dtypes
from health_assets.contracts.expressions import Period

ACCOUNTS, EVENTS_A_DAY = 20_000, 5  # events of an account
PERIOD = Period(date(2025, 1, 1), date(2025, 1, 31))
WINDOW = 61  # days before the month that the windows of usage read
FEATURES = [f"feature_{number}" for number in range(20)]
TABLES = load_all()
SETTINGS = company_settings.load(company_settings.DEFAULTS)


def timed(table: str, **given: object) -> tuple[pl.DataFrame, float]:
    """A table by its transform, and the seconds that it took; what is not given is not connected."""
    wanted = TABLES[table]
    frames = {name: TABLES[name].contract.create_empty(lazy=True) for name in wanted.inputs}
    injected = {"settings": SETTINGS, "as_of": PERIOD.last_day, "load_day": PERIOD.last_day, "period": PERIOD}
    arguments = {name: {**injected, **frames, **given}[name] for name in [*wanted.inputs, *wanted.injected]}
    started = time.perf_counter()
    made = wanted.function(**arguments).collect(engine="streaming")
    return made, time.perf_counter() - started


def rows(table: str, columns: dict[str, object]) -> pl.DataFrame:
    """Rows of a table; columns that are not given are null."""
    shape = dtypes(TABLES[table].contract)
    given = pl.DataFrame(columns)
    missing = [pl.lit(None).alias(name) for name in shape if name not in given.columns]
    return given.with_columns(missing).select(list(shape)).cast(dict(shape))


def companies(accounts: int) -> pl.DataFrame:
    return rows(
        "staged_accounts",
        {"account_id": [f"A{n:06}" for n in range(accounts)], "signup_date": date(2024, 1, 1), "licensed_seats": 20},
    )


def events(accounts: int, a_day: int, first: date, last: date) -> pl.DataFrame:
    days = (last - first).days + 1
    count, chance = accounts * a_day * days, np.random.default_rng(7)
    account, day = chance.integers(0, accounts, count), chance.integers(0, days, count)
    moment = np.datetime64(first, "us") + day.astype("timedelta64[D]") + chance.integers(0, 86_400_000_000, count)
    return rows(
        "staged_usage_events",
        {
            "event_id": np.arange(count),
            "account_id": pl.Series([f"A{n:06}" for n in range(accounts)]).gather(account),
            "user_id": pl.Series([f"U{n:07}" for n in range(accounts * 10)]).gather(
                account * 10 + chance.integers(0, 10, count)
            ),
            "event_name": pl.Series(FEATURES).gather(chance.integers(0, len(FEATURES), count)),
            "event_timestamp": moment,
            "event_date": moment.astype("datetime64[D]"),
            "event_count": np.ones(count, dtype=np.int64),
        },
    )


def panel(accounts: pl.DataFrame) -> pl.DataFrame:
    """Signals of revenue of every account and day; the values do not matter for the time."""
    days = pl.DataFrame({"as_of_date": pl.date_range(PERIOD.first_day, PERIOD.last_day, eager=True)})
    key = accounts.select("account_id").join(days, how="cross")
    columns = {"is_scored": True, "mrr": 100.0, "mrr_change_ratio_90d": 0.0, "overdue_invoice_count": 0}
    return rows("fact_account_revenue_daily", key.with_columns(**{n: pl.lit(v) for n, v in columns.items()}).to_dict())


def main(accounts: int, a_day: int) -> None:
    of_company = companies(accounts).lazy()
    before = PERIOD.first_day - timedelta(days=WINDOW)
    month = events(accounts, a_day, PERIOD.first_day, PERIOD.last_day)
    print(f"{accounts:,} accounts x 31 days, {month.height:,} events in the month", flush=True)
    users, user_seconds = timed("fact_user_daily", staged_usage_events=month.lazy())
    feed, feed_seconds = timed("fact_event_daily", staged_usage_events=month.lazy())
    usage, usage_seconds = timed(
        "fact_usage_daily",
        staged_usage_events=month.lazy(),
        fact_user_daily=users.lazy(),
        fact_event_daily=feed.lazy(),
    )
    reduction = user_seconds + feed_seconds + usage_seconds
    print(f"reduction of the events {reduction:.1f} s", flush=True)
    earlier = events(
        accounts, 1, before, PERIOD.first_day - timedelta(days=1)
    )  # thinner: what the windows read besides
    everything = {"staged_usage_events": pl.concat([earlier, month]).lazy()}
    older = Period(before, PERIOD.first_day - timedelta(days=1))
    users_before, _ = timed("fact_user_daily", staged_usage_events=earlier.lazy(), period=older)
    feed_before, _ = timed("fact_event_daily", staged_usage_events=earlier.lazy(), period=older)
    usage_before, _ = timed(
        "fact_usage_daily",
        staged_usage_events=earlier.lazy(),
        fact_user_daily=users_before.lazy(),
        fact_event_daily=feed_before.lazy(),
        period=older,
    )
    signals, window_seconds = timed(
        "fact_account_usage_daily",
        staged_accounts=of_company,
        fact_event_daily=pl.concat([feed_before, feed]).lazy(),
        fact_user_daily=pl.concat([users_before, users]).lazy(),
        fact_usage_daily=pl.concat([usage_before, usage]).lazy(),
        **everything,
    )
    print(f"windows of usage {window_seconds:.1f} s, {window_seconds / reduction:.2f} x the reduction", flush=True)
    scores, score_seconds = timed(
        "mart_customer_health_daily",
        fact_account_revenue_daily=panel(companies(accounts)).lazy(),
        fact_account_usage_daily=signals.lazy(),
    )
    print(f"scores {score_seconds:.1f} s for {scores.height:,} rows, {score_seconds / reduction:.2f} x the reduction")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]) if len(sys.argv) == 3 else (ACCOUNTS, EVENTS_A_DAY))
