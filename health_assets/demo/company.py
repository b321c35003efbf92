"""The demo company on disk: one file per source, monthly files of usage events, and the settings that connect them."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from health_assets.demo import billing, crm, operations, product, security, shop, support, telemetry
from health_assets.demo.calendar import Calendar
from health_assets.demo.dirt import varied, with_dirt
from health_assets.demo.lifecycles import Lifecycles, simulate

PROFILES = {
    "core": ("accounts", "subscriptions", "invoices", "usage_events", "support_tickets"),
    "saas": (
        "accounts",
        "subscriptions",
        "invoices",
        "contract_events",
        "users",
        "usage_events",
        "features",
        "devices",
        "device_readings",
        "support_tickets",
        "feedback",
        "touchpoints",
    ),
    "commerce": ("accounts", "orders", "payments", "support_tickets"),
    "security": (
        "accounts",
        "subscriptions",
        "contract_events",
        "usage_snapshots",
        "support_tickets",
        "security_incidents",
        "feedback",
    ),
    "operations": ("accounts", "subscriptions", "workflow_items", "outcomes"),
    "all": (
        "accounts",
        "subscriptions",
        "invoices",
        "contract_events",
        "orders",
        "payments",
        "users",
        "usage_events",
        "usage_snapshots",
        "features",
        "devices",
        "device_readings",
        "support_tickets",
        "security_incidents",
        "feedback",
        "workflow_items",
        "touchpoints",
        "outcomes",
    ),
}
ROWS_KEPT = 0.5  # share of rows of each source that must be kept
KNOWS_AGES = ("commerce", "all")
WORKFLOW_SHARE = {"operations": 0.95, "all": 0.35}  # share of accounts that use the workflow module

_ROWS: dict[str, Callable[[Lifecycles], pl.DataFrame]] = {
    "accounts": crm.accounts,
    "subscriptions": billing.subscriptions,
    "invoices": billing.invoices,
    "contract_events": crm.contract_events,
    "orders": shop.orders,
    "payments": shop.payments,
    "usage_snapshots": product.usage_snapshots,
    "devices": telemetry.devices,
    "device_readings": telemetry.device_readings,
    "support_tickets": support.support_tickets,
    "security_incidents": security.security_incidents,
    "feedback": support.feedback,
    "touchpoints": crm.touchpoints,
}


def write_company(
    folder: Path,
    *,
    accounts: int = 150,
    months: int = 24,
    end: date,
    seed: int = 7,
    profile: str = "core",
    file_format: str = "csv",
    reporter: Callable[[str, int], None] | None = None,
) -> dict[str, int]:
    """Simulate a company and write its files, with a `settings.yml` that connects them.

    Args:
        folder: created if missing; files of the same name are overwritten, other months of usage events removed.
        accounts: how many ever sign up; some of them churn.
        months: calendar months of history; the last one ends on `end`.
        end: the last day on which anything happens; only renewal, due and trial end dates are later.
        seed: the same seed, end and size give the same files.
        profile: the kind of company, one of `PROFILES`; each has the same accounts.
        file_format: csv or parquet. In Parquet, columns keep their types, except those with dirty or varied values, which are text.
        reporter: called with the name of each file, relative to the folder, and its row count, once it is written.

    Returns:
        Rows written by source.

    Raises:
        ValueError: an unknown profile or file format, or no accounts or months.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile: unknown profile {profile!r}; use one of {', '.join(PROFILES)}")
    if file_format not in ("csv", "parquet"):
        raise ValueError(f"file_format: {file_format!r} is neither csv nor parquet")
    if accounts < 1 or months < 1:
        raise ValueError(f"a company needs at least one account and one month, not {accounts} and {months}")
    folder.mkdir(parents=True, exist_ok=True)
    for month_of_an_earlier_run in (folder / "usage_events").glob("????-??.*"):
        month_of_an_earlier_run.unlink()
    calendar = Calendar(months, end)
    written: dict[str, int] = {}
    for source, name, rows in _sources(simulate(accounts, calendar, seed), profile):
        file = folder / f"{name}.{file_format}"
        _write(rows, file)
        written[source] = written.get(source, 0) + rows.height
        if reporter:
            reporter(str(file.relative_to(folder)), rows.height)
    (folder / "settings.yml").write_text(_settings(profile, calendar, file_format), encoding="utf-8")
    return {source: written.get(source, 0) for source in PROFILES[profile]}


def _sources(lifecycles: Lifecycles, profile: str) -> Iterator[tuple[str, str, pl.DataFrame]]:
    """(source, file name without extension, rows) for every source of the profile."""
    has = PROFILES[profile]
    for source in has:
        if source in _ROWS:
            rows = _ROWS[source](lifecycles)
            if source == "accounts" and profile not in KNOWS_AGES:
                rows = rows.drop("age")
            yield source, source, varied(source, with_dirt(source, rows))
    if "usage_events" in has:
        people = product.people(lifecycles)
        last_login = np.full(len(people.account), np.datetime64("NaT", "ms"))
        for month, rows in product.usage_events(lifecycles, people, last_login):
            yield "usage_events", f"usage_events/{month}", rows
        if "users" in has:
            yield "users", "users", product.users(lifecycles, people, last_login)
            yield "features", "features", product.features()
    if "workflow_items" in has:
        for source, rows in zip(
            ("workflow_items", "outcomes"), operations.workflows(lifecycles, WORKFLOW_SHARE[profile]), strict=True
        ):
            yield source, source, with_dirt(source, rows)


def _write(rows: pl.DataFrame, file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    if file.suffix == ".parquet":
        rows.write_parquet(file)
    else:
        rows.write_csv(file, datetime_format="%Y-%m-%dT%H:%M:%S")


def _settings(profile: str, calendar: Calendar, file_format: str) -> str:
    paths = {source: f"{source}.{file_format}" for source in PROFILES[profile]}
    if "usage_events" in paths:
        paths["usage_events"] = f"usage_events/*.{file_format}"
    sources = "\n".join(f"  {source}: {{path: {path}, rows_kept: {ROWS_KEPT}}}" for source, path in paths.items())
    return f"""\
# The simulated demo company. Paths are relative to this file. Some rows are faulty on purpose, which is a large share of a
# small company's: rows_kept is lower than that of a real one should be.
company: Demo Company
as_of: {calendar.end}
history_start: {calendar.start}
timezone: UTC
warehouse: warehouse.duckdb
published: published.duckdb
sources:
{sources}
"""
