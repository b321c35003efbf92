"""After a killed run, a late row, a column more, an account less, a look back: one daily run gives what a clean rebuild gives.

All tables, to the last bit: what a number is does not depend on how often and in which order it was computed.
"""

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from health_assets import settings as company_settings
from health_assets.assets import load_all
from health_assets.definitions import definitions
from health_assets.demo import write_company
from health_assets.settings import Settings
from health_assets.settings.overwritten import marts_file
from health_assets.sources.formats import files_of
from health_assets.warehouse.storage import Warehouse

END = date(2025, 1, 17)
LATE = date(2024, 9, 16)  # four months before
pytestmark = pytest.mark.slow


@pytest.fixture
def company(tmp_path: Path) -> Settings:
    write_company(tmp_path, accounts=10, months=7, end=END, seed=7, profile="all")
    return company_settings.load(tmp_path / "settings.yml").model_copy(update={"as_of": END})


def test_one_daily_run_makes_up_for_what_went_wrong_before(
    company: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "write_months", killed_at("fact_account_usage_daily"))
        assert not run(company, END - timedelta(days=20))
    assert run(company, END - timedelta(days=20))
    arrive_late(company)
    correct_in_place(company)
    leave_the_crm(company)
    for name in ("fact_user_daily", "fact_account_usage_daily"):
        forget_last_column(company, name)
    assert run(company, END)
    assert run(company, END - timedelta(days=40))
    assert run(company, END)

    anew = company.model_copy(
        update={"warehouse": tmp_path / "anew.duckdb", "published": tmp_path / "anew" / "published.duckdb"}
    )
    assert run(anew, END)
    assert_same_tables(company, anew)


def killed_at(name: str) -> object:
    write_months = Warehouse.write_months

    def write_or_die(self, table, *given):
        if table.name == name:
            raise RuntimeError("killed")
        return write_months(self, table, *given)

    return write_or_die


def run(company: Settings, day: date) -> bool:
    """The daily run without its checks; whether it got to its end."""
    tables = dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
    everything = tables | dg.AssetSelection.checks_for_assets("published")  # made in the same step as the snapshot
    job = dg.define_asset_job("assets", everything)
    made = dg.Definitions.merge(definitions(company), dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = made.resolve_job_def("assets").execute_in_process(
            instance=instance,
            partition_key=day.replace(day=1).isoformat(),
            run_config={
                "resources": {"as_of": {"config": {"day": day.isoformat()}}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
            raise_on_error=False,
        )
    return outcome.success


def forget_last_column(company: Settings, name: str) -> None:
    """The table as a version wrote it that did not have its last column yet."""
    table = load_all()[name]
    with duckdb.connect(str(marts_file(company.warehouse))) as marts:
        marts.execute(f"alter table {table.relation} drop column {table.contract.column_names()[-1]}")


def arrive_late(company: Settings) -> None:
    """Rows of September come in: each a copy of an existing one under another key and day."""
    for name, key, day in (
        ("usage_events", "event_id", "event_timestamp"),
        ("support_tickets", "ticket_id", "created_at"),
        ("invoices", "invoice_id", "invoice_date"),
    ):
        file = next(iter(sorted(Path(path) for path in files_of(name, company.sources[name]))))
        rows = pl.read_csv(file, infer_schema=False)
        late = rows.tail(1).with_columns(pl.lit("late").alias(key), pl.lit(f"{LATE}").alias(day))
        pl.concat([rows, late]).write_csv(file)


def correct_in_place(company: Settings) -> None:
    """The oldest subscription turns out to be twice as dear; no row more, no row less."""
    (file,) = files_of("subscriptions", company.sources["subscriptions"])
    rows = pl.read_csv(file, infer_schema=False)
    is_oldest = pl.int_range(pl.len()) == pl.col("start_date").arg_min()
    twice = (2 * pl.col("mrr_amount").cast(pl.Float64)).cast(pl.String)
    rows.with_columns(mrr_amount=pl.when(is_oldest).then(twice).otherwise("mrr_amount")).write_csv(file)


def leave_the_crm(company: Settings) -> None:
    """The account with the most tickets is deleted from the CRM; what it did is still in the other files."""
    (tickets,) = files_of("support_tickets", company.sources["support_tickets"])
    gone = pl.read_csv(tickets, infer_schema=False)["account_id"].mode().sort().first()
    (file,) = files_of("accounts", company.sources["accounts"])
    pl.read_csv(file, infer_schema=False).filter(pl.col("account_id") != gone).write_csv(file)


def assert_same_tables(company: Settings, other: Settings) -> None:
    differences = []
    with Warehouse.opened(company.warehouse) as one, Warehouse.opened(other.warehouse) as two:
        for table in load_all().values():
            if table.layer in ("fact", "mart"):
                key = table.contract.primary_key() or table.contract.column_names()
                try:
                    assert_frame_equal(
                        *(warehouse.read(table).sort(key).collect() for warehouse in (one, two)), check_exact=True
                    )
                except AssertionError as error:
                    differences.append(f"{table.name}: {error}")
    assert differences == []
