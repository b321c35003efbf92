"""The files of the demo company: complete, plausible, and with few dirty rows."""

import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from health_assets.demo import PROFILES, write_company
from health_assets.demo.dirt import DIRT

END = date(2026, 11, 23)
MAY_LIE_AHEAD = {"renewal_date", "due_date", "payment_due_date", "trial_end_date", "period_end"}
HAPPENINGS = [
    ("invoices", "invoice_date"),
    ("invoices", "paid_date"),
    ("orders", "order_date"),
    ("payments", "payment_date"),
    ("users", "created_at"),
    ("users", "last_login_at"),
    ("usage_events", "event_timestamp"),
    ("usage_snapshots", "snapshot_date"),
    ("usage_snapshots", "last_login_date"),
    ("device_readings", "reading_date"),
    ("support_tickets", "created_at"),
    ("support_tickets", "first_response_at"),
    ("support_tickets", "escalated_at"),
    ("support_tickets", "resolved_at"),
    ("security_incidents", "occurred_at"),
    ("security_incidents", "contained_at"),
    ("feedback", "feedback_date"),
    ("touchpoints", "occurred_at"),
    ("workflow_items", "completed_at"),
    ("outcomes", "outcome_date"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_company(folder, end=END, profile="all")
    return folder


def rows(folder: Path, source: str) -> pl.DataFrame:
    pattern = "usage_events/*.csv" if source == "usage_events" else f"{source}.csv"
    return pl.read_csv(folder / pattern, infer_schema=False)


def clean(folder: Path, source: str) -> pl.DataFrame:
    """The rows without the dirty ones, which repeat a key or have a key with a number appended."""
    dirt = sum(row.source == source for row in DIRT)
    everything = rows(folder, source)
    return everything.head(everything.height - dirt)


def days(column: str) -> pl.Expr:
    return pl.col(column).str.head(10).str.to_date()


def bytes_of(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_the_same_seed_gives_the_same_files(tmp_path, file_format):
    for name in ("first", "second"):
        write_company(tmp_path / name, accounts=40, months=8, end=END, file_format=file_format, profile="all")
    assert bytes_of(tmp_path / "first") == bytes_of(tmp_path / "second")


def test_another_profile_has_the_same_accounts(tmp_path, folder):
    write_company(tmp_path, end=END, profile="security")
    assert rows(tmp_path, "accounts").equals(rows(folder, "accounts").drop("age"))


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_writes_only_its_sources(tmp_path, profile):
    told = []
    written = write_company(
        tmp_path, accounts=40, months=8, end=END, profile=profile, reporter=lambda *file: told.append(file)
    )
    settings = yaml.safe_load((tmp_path / "settings.yml").read_text())
    assert set(settings["sources"]) == set(written) == set(PROFILES[profile])
    connected = {file for source in settings["sources"].values() for file in tmp_path.glob(source["path"])}
    assert connected | {tmp_path / "settings.yml"} == {file for file in tmp_path.rglob("*") if file.is_file()}
    assert {tmp_path / file for file, _ in told} == connected
    assert sum(count for _, count in told) == sum(written.values())


@pytest.mark.parametrize(("source", "column"), HAPPENINGS)
def test_nothing_happens_before_an_account_arrives_or_after_it_leaves(folder, source, column):
    stays = (
        clean(folder, "subscriptions")
        .filter(pl.col("product_name") == "novacrm_platform")
        .select("account_id", came=days("start_date"), left=days("end_date").fill_null(date(9999, 1, 1)))
    )
    events = clean(folder, source).filter(pl.col(column).is_not_null()).with_row_index("row")
    if source == "device_readings":
        events = events.join(rows(folder, "devices").select("device_id", "account_id"), on="device_id")
    if source == "outcomes":
        events = events.join(clean(folder, "workflow_items").select("item_id", "account_id"), on="item_id")
    within = events.join(stays, on="account_id").filter(days(column).is_between("came", "left", closed="left"))
    assert events.height > 0
    assert within["row"].n_unique() == events.height


@pytest.mark.parametrize("end", [END, date(2024, 2, 29), date(2025, 1, 1)])
def test_nothing_is_dated_after_the_end(tmp_path, end):
    write_company(tmp_path, accounts=60, months=7, end=end, profile="all")
    for source in PROFILES["all"]:
        frame = clean(tmp_path, source)
        for column in frame.columns:
            if column.endswith(("_date", "_at", "_timestamp")) and column not in MAY_LIE_AHEAD:
                assert frame.select(days(column).max()).item() <= end, (source, column)


@pytest.mark.parametrize(("accounts", "months", "end"), [(1, 1, date(2025, 1, 1)), (1, 24, END), (5, 2, END)])
def test_tiny_companies_can_be_written(tmp_path, accounts, months, end):
    assert write_company(tmp_path, accounts=accounts, months=months, end=end, profile="all")["accounts"] == accounts


@pytest.mark.parametrize("accounts", [150, 300])
def test_dirty_rows_are_few_and_do_not_grow_with_the_company(tmp_path, accounts):
    write_company(tmp_path, accounts=accounts, end=END, profile="all")
    found = {}
    for source in {row.source for row in DIRT} - {"device_readings"}:
        keys = rows(tmp_path, source).to_series(0)
        found[source] = (~keys.str.contains(r"^[A-Z]+-\d+$")).sum() + len(keys) - keys.n_unique()
    uptime = rows(tmp_path, "device_readings")["uptime_pct"]
    found["device_readings"] = uptime.cast(pl.Float64, strict=False).null_count()
    assert found == dict(Counter(row.source for row in DIRT))
    assert 15 <= len(DIRT) <= 25


def test_no_account_is_lost_to_dirt(folder):
    accounts = rows(folder, "accounts")
    assert accounts["account_id"].n_unique() == accounts.height == 150
    assert accounts.select(days("signup_date")).to_series().null_count() == 0


def test_an_upgrade_ends_one_subscription_and_begins_another_on_the_same_day(folder):
    subscriptions = clean(folder, "subscriptions").with_columns(pl.col("status").str.to_lowercase())
    upgraded = subscriptions.filter(pl.col("status") == "upgraded").select(
        "account_id", "product_name", start_date=pl.col("end_date").str.head(10)
    )
    following = upgraded.join(subscriptions, on=["account_id", "product_name", "start_date"], how="semi")
    assert 0 < upgraded.height == following.height


def test_a_few_buyers_bring_most_of_the_revenue(folder):
    spend = clean(folder, "orders").group_by("account_id").agg(pl.col("total_amount").cast(pl.Float64).sum())
    spend = spend.sort("total_amount", descending=True)["total_amount"]
    assert 0.55 <= spend.head(round(0.2 * len(spend))).sum() / spend.sum() <= 0.75


def test_some_work_is_unfinished_on_the_last_day(folder):
    tickets = clean(folder, "support_tickets")
    urgent = pl.col("priority").str.strip_chars().str.to_lowercase() == "p1"
    assert tickets.filter(urgent & pl.col("resolved_at").is_null() & (days("created_at") < END)).height > 0
    assert (clean(folder, "invoices")["status"] == "overdue").any()
    assert {"active", "churned", "trial", "suspended"} == set(rows(folder, "accounts")["status"])
    assert (clean(folder, "subscriptions").select(days("renewal_date")).to_series() > END).any()


def test_months_of_an_earlier_run_are_removed(tmp_path):
    write_company(tmp_path, accounts=5, months=6, end=END, profile="all")
    write_company(tmp_path, accounts=5, months=2, end=END, file_format="parquet", profile="all")
    assert [file.name for file in sorted((tmp_path / "usage_events").iterdir())] == [
        "2026-10.parquet",
        "2026-11.parquet",
    ]


def test_parquet_has_the_same_events_with_types(tmp_path, folder):
    write_company(tmp_path, end=END, profile="saas", file_format="parquet")
    events = pl.read_parquet(tmp_path / "usage_events/*.parquet")
    assert events.schema["event_timestamp"] == pl.Datetime("ms")
    assert events["event_id"].equals(rows(folder, "usage_events")["event_id"])


@pytest.mark.parametrize("wrong", [{"profile": "bank"}, {"file_format": "xlsx"}, {"accounts": 0}, {"months": 0}])
def test_impossible_companies_are_rejected(tmp_path, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).rstrip("s")):
        write_company(tmp_path, end=END, **{"profile": "all"} | wrong)


@pytest.mark.slow
def test_two_thousand_accounts_make_about_a_million_events(tmp_path):
    written = write_company(tmp_path, accounts=2_000, end=END, profile="all")
    assert 900_000 <= written["usage_events"] <= 1_400_000
    assert written["accounts"] == 2_000
